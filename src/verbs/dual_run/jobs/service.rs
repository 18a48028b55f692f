//! What a service tells others: systemd whether it is ready and works, and whoever reads metrics.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::PathBuf;
use std::time::Duration;

use bron_dual_run::jobs::{Moment, Supervisor};
use bron_dual_run::metrics::{
    BridgeStatus, Exposition, Heartbeat, Liveness, Published, Server, Stage, exposition, samples,
};
use bron_extract::atomic;

use crate::args::JobsArguments;
use crate::failure::Failure;

/// What systemd tells a service, and no other process that it begins.
pub(super) const SERVICE_VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// Jobs are looked at at least this often, or something is wrong.
const LIMIT: Duration = Duration::from_secs(120);
/// Metrics are published at least this often while they are asked for.
const FRESH: Duration = Duration::from_secs(5);

/// Whoever is told how the jobs are.
pub(super) struct Service {
    notify: Option<Notify>,
    published: Published,
    server: Option<Server>,
    file: Option<PathBuf>,
    status: String,
}

impl Service {
    /// Begins telling. Ready is what it says first.
    pub(super) fn start(arguments: &JobsArguments) -> Result<Self, Failure> {
        let published = Published::default();
        let server =
            arguments.metrics.map(|address| Server::start(address, published.clone())).transpose()?;
        let notify = Notify::from_environment();
        if let Some(notify) = &notify {
            notify.send("READY=1");
        }
        Ok(Self { notify, published, server, file: arguments.metrics_file.clone(), status: String::new() })
    }

    /// Tells how the jobs are now.
    pub(super) fn tell(&mut self, supervisor: &Supervisor<'_>, now: Moment) -> Result<(), Failure> {
        let jobs = supervisor.status(now);
        let beat = Heartbeat { age: Some(Duration::ZERO), limit: LIMIT };
        let status = BridgeStatus { jobs, stages: [(Stage::Jobs, beat)].into(), ..BridgeStatus::default() };
        if let Some(path) = &self.file {
            let text = exposition(&samples(&status), Exposition::Prometheus);
            atomic::write(path, text.as_bytes())?;
        }
        if let Some(notify) = &self.notify {
            let running: Vec<&str> =
                status.jobs.iter().filter(|(_, job)| job.is_running).map(|(name, _)| name.as_str()).collect();
            let told = match running.as_slice() {
                [] => format!("STATUS={} jobs, none at work", status.jobs.len()),
                names => format!("STATUS=at work: {}", names.join(", ")),
            };
            if told != self.status {
                notify.send(&told);
                self.status = told;
            }
            // The watchdog is fed by what has got on, not by a process that runs.
            if notify.watchdog.is_some() && status.liveness() == Liveness::Alive {
                notify.send("WATCHDOG=1");
            }
        }
        self.published.publish(status);
        Ok(())
    }

    /// Says that the service is about to end.
    pub(super) fn stopping(&self) {
        if let Some(notify) = &self.notify {
            notify.send("STOPPING=1");
        }
    }

    /// How long the service may sleep, when the jobs would have it sleep for so long.
    pub(super) fn sleep(&self, wanted: Duration) -> Duration {
        let watchdog = self.notify.as_ref().and_then(|notify| notify.watchdog).map(|limit| limit / 3);
        let metrics = (self.server.is_some() || self.file.is_some()).then_some(FRESH);
        [watchdog, metrics].into_iter().flatten().fold(wanted, Duration::min)
    }
}

/// The line to systemd.
struct Notify {
    socket: UnixDatagram,
    address: SocketAddr,
    /// How long systemd waits for a sign of life.
    watchdog: Option<Duration>,
}

impl Notify {
    /// `None` when no service manager waits for anything.
    fn from_environment() -> Option<Self> {
        let watchdog = std::env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok());
        Self::to(&std::env::var("NOTIFY_SOCKET").ok()?, watchdog.map(Duration::from_micros))
    }

    fn to(name: &str, watchdog: Option<Duration>) -> Option<Self> {
        let address = match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(name),
        };
        Some(Self { socket: UnixDatagram::unbound().ok()?, address: address.ok()?, watchdog })
    }

    /// A service manager that is gone needs no word.
    fn send(&self, state: &str) {
        let _ = self.socket.send_to_addr(state.as_bytes(), &self.address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 200];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    #[test]
    fn systemd_hears_what_is_told_by_a_path_and_by_a_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Notify::to(path.to_str().unwrap(), None).unwrap().send("READY=1");
        assert_eq!(heard(&socket), "READY=1");
        let name = format!("bron-notify-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Notify::to(&format!("@{name}"), None).unwrap().send("STOPPING=1");
        assert_eq!(heard(&socket), "STOPPING=1");
    }

    #[test]
    fn a_service_wakes_in_time_for_the_watchdog() {
        let notify = Notify::to("@nobody", Some(Duration::from_secs(30)));
        let service = |notify, file| Service {
            notify,
            published: Published::default(),
            server: None,
            file,
            status: String::new(),
        };
        let minute = Duration::from_secs(60);
        assert_eq!(service(notify, None).sleep(minute), Duration::from_secs(10));
        assert_eq!(service(None, Some(PathBuf::new())).sleep(minute), FRESH);
        assert_eq!(service(None, None).sleep(minute), minute);
    }
}

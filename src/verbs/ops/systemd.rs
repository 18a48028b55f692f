//! Units for systemd: one service that runs all jobs, or a service and a timer for each.

use std::collections::BTreeMap;
use std::path::Path;

use bron_dual_run::jobs::{Job, Jobs, on_calendar};
use serde_json::json;

use crate::args::SystemdArguments;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::verbs::dual_run::read_jobs;

/// The program may need this long to stop its jobs; each is given 30 seconds.
const STOP_SECONDS: u32 = 60;
/// How long the service may be silent.
const WATCHDOG_SECONDS: u32 = 180;

/// Everything that a service of the bridge does not need is taken from it.
const HARDENING: &str = "\
# Files: the system is read-only, and only the project may be written.
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible
UMask=0077
# Rights: none beside those of the user, now or later.
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictRealtime=yes
RestrictNamespaces=yes
# The system: nothing of it is changed.
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
# The network: databases and whoever reads metrics.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
";

/// Prints the units, or writes them into a directory.
pub(super) fn run(arguments: &SystemdArguments, printer: &Printer) -> Result<Exit, Failure> {
    let jobs = read_jobs(&arguments.project)?;
    let project = absolute(&arguments.project)?;
    let of = Place { project: &project, program: path_text(&arguments.program)?, user: &arguments.user };
    let units = if arguments.timers { of.each(&jobs) } else { of.one() };
    let Some(folder) = &arguments.out else {
        let text: Vec<String> = units.iter().map(|(name, text)| format!("# {name}\n{text}")).collect();
        printer.result(&json!({ "units": units }), &text.join("\n"));
        return Ok(Exit::Clean);
    };
    let cannot =
        |error: std::io::Error| Failure::config(format!("cannot write {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(cannot)?;
    for (name, text) in &units {
        bron_extract::atomic::write(&folder.join(name), text.as_bytes())?;
    }
    let names: Vec<&str> = units.keys().map(String::as_str).collect();
    printer.result(&json!({ "directory": folder.display().to_string(), "units": names }), &names.join("\n"));
    Ok(Exit::Clean)
}

fn absolute(project: &Path) -> Result<String, Failure> {
    let path = std::path::absolute(project)
        .map_err(|error| Failure::config(format!("cannot tell where {} lies: {error}", project.display())))?;
    Ok(path_text(&path)?.to_owned())
}

/// A path as it can stand in a unit.
fn path_text(path: &Path) -> Result<&str, Failure> {
    let text = path.to_str().filter(|text| {
        let is_plain = |one: char| one.is_ascii_alphanumeric() || "/._-+@".contains(one);
        text.starts_with('/') && text.chars().all(is_plain)
    });
    text.ok_or_else(|| {
        Failure::config(format!("{} cannot stand in a unit", path.display()))
            .hint("a path from the root of letters, digits and ./_-+@")
    })
}

/// Where and as whom services run.
struct Place<'a> {
    project: &'a str,
    program: &'a str,
    user: &'a str,
}

impl Place<'_> {
    /// One service that runs all jobs.
    fn one(&self) -> BTreeMap<String, String> {
        let Self { project, program, user } = self;
        let text = format!(
            "[Unit]\n\
             Description=Paraplybron: jobs of {project}\n\
             Wants=network-online.target\n\
             After=network-online.target\n\
             StartLimitIntervalSec=15min\n\
             StartLimitBurst=5\n\
             \n\
             [Service]\n\
             Type=notify\n\
             ExecStart={program} dual-run jobs --project {project} --metrics 9188\n\
             User={user}\n\
             WorkingDirectory={project}\n\
             # The program says when it works; one that has stalled is begun again.\n\
             NotifyAccess=main\n\
             WatchdogSec={WATCHDOG_SECONDS}\n\
             # The program stops its jobs itself.\n\
             KillMode=mixed\n\
             TimeoutStopSec={STOP_SECONDS}\n\
             # Mistakes in settings (1, 64) and safety stops (6) wait for a person.\n\
             Restart=on-failure\n\
             RestartSec=30\n\
             RestartPreventExitStatus=1 6 64\n\
             \n\
             {HARDENING}ReadWritePaths={project}\n\
             \n\
             [Install]\n\
             WantedBy=multi-user.target\n"
        );
        BTreeMap::from([("bron-jobs.service".to_owned(), text)])
    }

    /// A service and a timer for each job.
    fn each(&self, jobs: &Jobs) -> BTreeMap<String, String> {
        let units = jobs.jobs.values().flat_map(|job| {
            let name = format!("bron-job-{}", job.name);
            [(format!("{name}.service"), self.service(job)), (format!("{name}.timer"), timer(job, jobs))]
        });
        units.collect()
    }

    fn service(&self, job: &Job) -> String {
        let Self { project, program, user } = self;
        let name = &job.name;
        // Its tries and the waits between them, and a margin to stop in.
        let waits: u64 = (1..=job.retry.times)
            .filter_map(|try_| job.retry.wait_after(try_))
            .map(|wait| wait.as_secs())
            .sum();
        let longest = (u64::from(job.retry.times) + 1) * (job.timeout.as_secs() + 60) + waits;
        format!(
            "[Unit]\n\
             Description=Paraplybron: {name}\n\
             Wants=network-online.target\n\
             After=network-online.target\n\
             \n\
             [Service]\n\
             Type=oneshot\n\
             ExecStart={program} dual-run jobs --project {project} --run {name}\n\
             User={user}\n\
             WorkingDirectory={project}\n\
             # The program limits each try itself; this is all tries with their waits.\n\
             TimeoutStartSec={longest}\n\
             KillMode=mixed\n\
             TimeoutStopSec={STOP_SECONDS}\n\
             # Done, with something that people should look at.\n\
             SuccessExitStatus=2 3 4\n\
             \n\
             {HARDENING}ReadWritePaths={project}\n"
        )
    }
}

fn timer(job: &Job, jobs: &Jobs) -> String {
    let name = &job.name;
    let calendar: String = on_calendar(&job.cron, &jobs.zone_name)
        .into_iter()
        .map(|line| format!("OnCalendar={line}\n"))
        .collect();
    // A time that passes while the machine is off is run for once, unless the job would rather wait.
    let persistent = match job.misfire {
        bron_dual_run::jobs::Misfire::RunOnce => "yes",
        bron_dual_run::jobs::Misfire::Skip => "no",
    };
    format!(
        "[Unit]\n\
         Description=Paraplybron: when {name} is run ({})\n\
         \n\
         [Timer]\n\
         {calendar}\
         AccuracySec=1s\n\
         Persistent={persistent}\n\
         \n\
         [Install]\n\
         WantedBy=timers.target\n",
        job.cron_text
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use bron_dual_run::jobs::parse;

    use super::*;

    const JOBS: &str = "format = 1\n\
        [job.natt]\ncron = \"15 2 * * *\"\nrun = [\"reconcile\"]\ntimeout_minutes = 10\nretries = 2\n\
        [job.logg]\ncron = \"30 4 13 * fri\"\nrun = [\"audit\", \"verify\"]\nmisfire = \"skip\"\n";

    fn units() -> BTreeMap<String, String> {
        let jobs = parse("jobs.toml", JOBS, |_| Ok(())).unwrap();
        let place = Place { project: "/srv/bron", program: "/bin/true", user: "root" };
        place.one().into_iter().chain(place.each(&jobs)).collect()
    }

    #[test]
    fn there_is_a_service_for_all_and_a_pair_for_each() {
        let units = units();
        let names: Vec<&str> = units.keys().map(String::as_str).collect();
        let pair =
            ["bron-job-logg.service", "bron-job-logg.timer", "bron-job-natt.service", "bron-job-natt.timer"];
        assert_eq!(names, pair.into_iter().chain(["bron-jobs.service"]).collect::<Vec<_>>());
        assert!(units["bron-job-natt.timer"].contains("OnCalendar=*-*-* 02:15:00 Europe/Stockholm\n"));
        assert_eq!(units["bron-job-logg.timer"].matches("OnCalendar=").count(), 2);
        assert!(units["bron-job-logg.timer"].contains("Persistent=no"));
        assert!(units["bron-job-natt.service"].contains("TimeoutStartSec=2160\n"));
        for (name, text) in units.iter().filter(|(name, _)| name.ends_with(".service")) {
            for line in
                ["ProtectSystem=strict", "NoNewPrivileges=yes", "User=root", "ReadWritePaths=/srv/bron"]
            {
                assert!(text.lines().any(|one| one == line), "{name}: {line}");
            }
        }
    }

    /// systemd reads what we wrote, where it is installed.
    #[test]
    fn systemd_finds_nothing_wrong_with_the_units() {
        let dir = tempfile::tempdir().unwrap();
        let units = units();
        let paths: Vec<_> = units.keys().map(|name| dir.path().join(name)).collect();
        for (path, text) in paths.iter().zip(units.values()) {
            std::fs::write(path, text).unwrap();
        }
        let verified = Command::new("systemd-analyze").args(["verify", "--man=no"]).args(&paths).output();
        let Ok(verified) = verified else { return };
        let told = String::from_utf8_lossy(&verified.stderr);
        let ours: Vec<&str> = told.lines().filter(|line| line.contains("bron-job")).collect();
        assert!(ours.is_empty(), "{told}");
    }

    #[test]
    fn a_path_that_a_unit_would_read_otherwise_is_refused() {
        for wrong in ["srv/bron", "/srv/my project", "/srv/%h", "/srv/a\nb", "/srv/$x"] {
            assert!(path_text(Path::new(wrong)).is_err(), "{wrong}");
        }
    }
}

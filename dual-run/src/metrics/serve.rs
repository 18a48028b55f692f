//! Serves the metrics over HTTP.
//!
//! Two paths: `/metrics`, and `/live`, which answers 200 while the bridge works and 503 when a stage has stalled. One
//! request at a time, one thread, and nothing of a request but its first line and what form it asks for is read.

use std::io::{BufRead, BufReader, ErrorKind as IoErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::exposition::{Exposition, exposition};
use super::liveness::Liveness;
use super::samples::samples;
use super::status::BridgeStatus;
use crate::error::{Error, ErrorKind, Result};

/// Nobody who asks may keep the others waiting for longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// No request that is meant has a longer head.
const LONGEST_HEAD: u64 = 8 << 10;
/// How often the server looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);

/// The last status, for whoever asks. Clones share it.
#[derive(Clone, Debug)]
pub struct Published(Arc<Mutex<(Instant, BridgeStatus)>>);

impl Default for Published {
    fn default() -> Self {
        Self(Arc::new(Mutex::new((Instant::now(), BridgeStatus::default()))))
    }
}

impl Published {
    /// Puts a newer status in its place.
    pub fn publish(&self, status: BridgeStatus) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), status);
    }

    /// The last one, as old as it is by now: whoever stops publishing is seen to have stopped.
    #[must_use]
    pub fn status(&self) -> BridgeStatus {
        let (published, status) = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        status.aged(published.elapsed())
    }
}

/// A server of metrics. It ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves what is published at an address; port 0 is any free one.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the address cannot be listened at.
    pub fn start(address: SocketAddr, published: Published) -> Result<Self> {
        let cannot = |error: std::io::Error| {
            Error::because(ErrorKind::Config, format!("cannot serve metrics at {address}"), error)
        };
        let listener = TcpListener::bind(address).map_err(cannot)?;
        listener.set_nonblocking(true).map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || serve(&listener, &published, &over));
        Ok(Self { address, is_over, thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to tell.
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, published: &Published, is_over: &AtomicBool) {
    while !is_over.load(Ordering::SeqCst) {
        match listener.accept() {
            // Whoever went away without an answer asks again.
            Ok((stream, _)) => drop(answer(stream, published)),
            Err(error) if error.kind() == IoErrorKind::WouldBlock => std::thread::sleep(LOOK),
            Err(_) => std::thread::sleep(LOOK),
        }
    }
}

fn answer(stream: TcpStream, published: &Published) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let head = head(&stream)?;
    let text = response(&head, published);
    let mut stream = stream;
    stream.write_all(text.as_bytes())?;
    stream.shutdown(std::net::Shutdown::Write)
}

/// The lines of a request up to the empty one.
fn head(stream: &TcpStream) -> std::io::Result<Vec<String>> {
    let lines = BufReader::new(stream.take(LONGEST_HEAD)).lines();
    lines.take_while(|line| line.as_ref().map_or(true, |line| !line.is_empty())).collect()
}

fn response(head: &[String], published: &Published) -> String {
    let mut words = head.first().map_or("", String::as_str).split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let plain = Exposition::Prometheus.content_type();
    if !matches!(method, "GET" | "HEAD") {
        return written("405 Method Not Allowed", plain, "only GET\n", true);
    }
    let (status, kind, body) = match path {
        "/metrics" => {
            let form = asked_for(head);
            ("200 OK", form.content_type(), exposition(&samples(&published.status()), form))
        }
        "/live" => match published.status().liveness() {
            Liveness::Alive => ("200 OK", plain, "alive\n".to_owned()),
            Liveness::Stalled(stages) => {
                let names: Vec<&str> = stages.into_iter().map(super::Stage::name).collect();
                ("503 Service Unavailable", plain, format!("stalled: {}\n", names.join(", ")))
            }
        },
        _ => ("404 Not Found", plain, "/metrics and /live\n".to_owned()),
    };
    written(status, kind, &body, method == "GET")
}

/// The form that a request asks for.
fn asked_for(head: &[String]) -> Exposition {
    let mut accepts = head.iter().filter_map(|line| line.split_once(':'));
    let accepted = accepts.find(|(name, _)| name.eq_ignore_ascii_case("accept"));
    match accepted {
        Some((_, forms)) if forms.contains("application/openmetrics-text") => Exposition::OpenMetrics,
        _ => Exposition::Prometheus,
    }
}

fn written(status: &str, kind: &str, body: &str, with_body: bool) -> String {
    let length = body.len();
    let body = if with_body { body } else { "" };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::super::Stage;
    use super::super::status::Heartbeat;
    use super::*;

    fn ask(server: &Server, request: &str) -> String {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn server() -> (Server, Published) {
        let published = Published::default();
        (Server::start("127.0.0.1:0".parse().unwrap(), published.clone()).unwrap(), published)
    }

    #[test]
    fn metrics_are_served_in_the_form_that_is_asked_for() {
        let (server, _) = server();
        let plain = ask(&server, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(plain.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"), "{plain}");
        assert!(plain.ends_with("bron_bridge_alive 1\n"), "{plain}");
        let open = ask(&server, "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text\r\n\r\n");
        assert!(open.contains("application/openmetrics-text; version=1.0.0") && open.ends_with("# EOF\n"));
        let head = ask(&server, "HEAD /metrics HTTP/1.1\r\n\r\n");
        assert!(head.ends_with("\r\n\r\n"), "{head}");
    }

    #[test]
    fn a_stage_that_stalls_shows_although_the_process_runs() {
        let (server, published) = server();
        assert!(ask(&server, "GET /live HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200"));
        let beat = Heartbeat { age: Some(Duration::from_secs(61)), limit: Duration::from_secs(60) };
        let mut status = BridgeStatus::default();
        status.stages.insert(Stage::Apply, beat);
        published.publish(status);
        let stalled = ask(&server, "GET /live HTTP/1.1\r\n\r\n");
        assert!(stalled.starts_with("HTTP/1.1 503") && stalled.ends_with("stalled: apply\n"), "{stalled}");
        assert!(ask(&server, "GET /metrics HTTP/1.1\r\n\r\n").contains("bron_bridge_alive 0"));
    }

    #[test]
    fn what_is_not_understood_is_answered_and_harms_nobody() {
        let (server, _) = server();
        assert!(ask(&server, "GET /etc/passwd HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
        assert!(ask(&server, "POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
        drop(TcpStream::connect(server.address()).unwrap());
        let long = format!("GET /metrics HTTP/1.1\r\nX: {}", "a".repeat(6000));
        assert!(ask(&server, &format!("{long}\r\n\r\n")).starts_with("HTTP/1.1 200"));
    }

    #[test]
    fn an_address_that_is_taken_is_told() {
        let (server, _) = server();
        let error = Server::start(server.address(), Published::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}

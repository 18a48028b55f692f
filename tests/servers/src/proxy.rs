//! A line to a server on which things go wrong when they are told to.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How much of what a client said before is looked at together with what it says next.
const REMEMBERED: usize = 256;
const CHUNK: usize = 16 << 10;
/// Nothing that tests wait for takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A proxy on a free port of 127.0.0.1, in front of a server on this machine. It passes on what both sides say, until
/// a client says something at which it is to do something else: once for each time that it was told to. Its threads
/// end with the connections.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    server: u16,
    acts: Mutex<Vec<(Vec<u8>, Act)>>,
    hold: Mutex<Hold>,
    changed: Condvar,
    stopped: AtomicBool,
    /// How many bytes the next connection passes on, of questions and of answers; then the ones after it.
    limits: Mutex<VecDeque<[Option<usize>; 2]>>,
    /// Connections that were cut on purpose.
    cuts: AtomicUsize,
}

/// What is done.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// The connection is cut after so many bytes of the answer.
    Cut(usize),
    /// What the client said is kept back.
    Hold,
    /// Nothing: what comes next is done when it is said once more.
    Pass,
}

#[derive(Debug, Default)]
struct Hold {
    /// Clients that wait.
    held: usize,
    /// How many of them may go on.
    released: usize,
}

/// The two ends of a connection, and how many bytes of questions and of answers it may still pass on.
struct Line {
    client: TcpStream,
    server: TcpStream,
    questions: Mutex<Option<usize>>,
    left: Mutex<Option<usize>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// Starts a proxy in front of the server on this port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(server: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared { server, ..Shared::default() });
        let listening = thread::spawn({
            let shared = Arc::clone(&shared);
            move || listen(&listener, &shared)
        });
        Ok(Self { port, shared, listening: Some(listening) })
    }

    /// The port of the proxy.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// When a client says this, its connection is cut after so many bytes of the answer.
    pub fn cut_at(&self, said: &str, bytes: usize) {
        self.tell(said, Act::Cut(bytes));
    }

    /// When a client says this, it is kept back until [`Proxy::release`].
    pub fn hold_at(&self, said: &str) {
        self.tell(said, Act::Hold);
    }

    /// When a client says this, nothing happens; what was told after it waits until it is said once more.
    pub fn pass_at(&self, said: &str) {
        self.tell(said, Act::Pass);
    }

    /// The next connection that has not been spoken for is cut after so many bytes of what the client says.
    pub fn cut_questions_after(&self, bytes: usize) {
        locked(&self.shared.limits).push_back([Some(bytes), None]);
    }

    /// The next connection that has not been spoken for is cut after so many bytes of the answers.
    pub fn cut_answers_after(&self, bytes: usize) {
        locked(&self.shared.limits).push_back([None, Some(bytes)]);
    }

    /// How many connections were cut because it was told so.
    #[must_use]
    pub fn cuts(&self) -> usize {
        self.shared.cuts.load(Ordering::SeqCst)
    }

    fn tell(&self, said: &str, act: Act) {
        locked(&self.shared.acts).push((said.as_bytes().to_vec(), act));
    }

    /// Waits until a client is kept back.
    ///
    /// # Errors
    /// When none is within a minute.
    pub fn wait_held(&self) -> Result<()> {
        let hold = locked(&self.shared.hold);
        let waited = self.shared.changed.wait_timeout_while(hold, PATIENCE, |hold| hold.held == 0);
        let waited = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.1.timed_out() {
            Err(Error::new(ErrorKind::TimedOut, "no client was kept back"))
        } else {
            Ok(())
        }
    }

    /// Lets the client go on that is kept back.
    pub fn release(&self) {
        let mut hold = locked(&self.shared.hold);
        let waiting = hold.held.min(1);
        hold.held -= waiting;
        hold.released += waiting;
        self.shared.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.shared.changed.notify_all();
        // The listener waits for a connection and looks up when one comes.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        if let Some(listening) = self.listening.take() {
            drop(listening.join());
        }
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming().flatten() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        // A client whose server is away finds its connection cut.
        drop(connect(client, shared));
    }
}

fn connect(client: TcpStream, shared: &Arc<Shared>) -> Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.server))?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let [questions, answers] = locked(&shared.limits).pop_front().unwrap_or_default();
    let (questions, left) = (Mutex::new(questions), Mutex::new(answers));
    let line = Arc::new(Line { client, server, questions, left });
    let (asking, there) = (Arc::clone(shared), Arc::clone(&line));
    thread::spawn(move || {
        drop(pass_questions(&there, &asking));
        there.cut();
    });
    let answering = Arc::clone(shared);
    thread::spawn(move || {
        drop(pass_answers(&line, &answering));
        line.cut();
    });
    Ok(())
}

impl Line {
    fn cut(&self) {
        for stream in [&self.client, &self.server] {
            // What is cut already cannot be cut.
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

fn pass_questions(line: &Line, shared: &Shared) -> Result<()> {
    let mut said = Vec::new();
    let mut chunk = [0; CHUNK];
    loop {
        let count = (&line.client).read(&mut chunk)?;
        if count == 0 {
            return Ok(());
        }
        said.extend_from_slice(&chunk[..count]);
        if let Some(act) = shared.act(&said) {
            said.clear();
            shared.perform(act, line);
        }
        said.drain(..said.len().saturating_sub(REMEMBERED));
        let passed = shared.passed(&line.questions, count);
        (&line.server).write_all(&chunk[..passed])?;
        if passed < count {
            return Ok(());
        }
    }
}

fn pass_answers(line: &Line, shared: &Shared) -> Result<()> {
    let mut chunk = [0; CHUNK];
    loop {
        let count = (&line.server).read(&mut chunk)?;
        let passed = shared.passed(&line.left, count);
        (&line.client).write_all(&chunk[..passed])?;
        if count == 0 || passed < count {
            return Ok(());
        }
    }
}

impl Shared {
    /// How many of so many bytes may be passed on; fewer than all of them when the line is cut here.
    fn passed(&self, left: &Mutex<Option<usize>>, count: usize) -> usize {
        let mut left = locked(left);
        let passed = left.map_or(count, |left| left.min(count));
        *left = left.map(|left| left - passed);
        if passed < count {
            self.cuts.fetch_add(1, Ordering::SeqCst);
        }
        passed
    }

    /// What is to be done now that a client has said this.
    fn act(&self, said: &[u8]) -> Option<Act> {
        let mut acts = locked(&self.acts);
        let heard = |part: &[u8]| said.windows(part.len()).any(|window| window == part);
        let at = acts.iter().position(|(part, _)| heard(part))?;
        Some(acts.remove(at).1)
    }

    fn perform(&self, act: Act, line: &Line) {
        match act {
            Act::Cut(bytes) => *locked(&line.left) = Some(bytes),
            Act::Pass => {}
            Act::Hold => {
                let mut hold = locked(&self.hold);
                hold.held += 1;
                self.changed.notify_all();
                while hold.released == 0 && !self.stopped.load(Ordering::SeqCst) {
                    hold = self.changed.wait(hold).unwrap_or_else(PoisonError::into_inner);
                }
                hold.released = hold.released.saturating_sub(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that repeats what it hears, and a proxy in front of it.
    fn echo() -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
            }
        });
        Proxy::start(port).unwrap()
    }

    fn client(proxy: &Proxy) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap()
    }

    /// What comes back before the connection ends.
    fn answer(client: &mut TcpStream, said: &[u8]) -> Vec<u8> {
        client.write_all(said).unwrap();
        let mut back = vec![0; said.len()];
        let mut count = 0;
        while count < back.len() {
            match client.read(&mut back[count..]) {
                Ok(0) | Err(_) => break,
                Ok(more) => count += more,
            }
        }
        back.truncate(count);
        back
    }

    #[test]
    fn a_line_is_cut_once_where_it_was_told() {
        let proxy = echo();
        proxy.cut_at("please", 3);
        let mut one = client(&proxy);
        assert_eq!(answer(&mut one, b"hello"), b"hello");
        assert_eq!(answer(&mut one, b"ple"), b"ple");
        assert_eq!(answer(&mut one, b"ase now"), b"ase");
        assert_eq!(answer(&mut client(&proxy), b"please"), b"please");
    }

    #[test]
    fn a_line_is_cut_at_a_byte_of_either_side_or_when_something_is_said_again() {
        let proxy = echo();
        proxy.cut_questions_after(4);
        proxy.cut_answers_after(2);
        // What the server answers to the part that it heard may still be on its way when the line is cut.
        assert!(b"hell".starts_with(&answer(&mut client(&proxy), b"hello")));
        assert_eq!(answer(&mut client(&proxy), b"hello"), b"he");
        assert_eq!(proxy.cuts(), 2);
        proxy.pass_at("now");
        proxy.cut_at("now", 0);
        let mut one = client(&proxy);
        assert_eq!(answer(&mut one, b"now"), b"now");
        assert_eq!(answer(&mut one, b"now"), b"");
        assert_eq!(proxy.cuts(), 3);
    }

    #[test]
    fn a_client_is_kept_back_until_it_is_released() {
        let proxy = echo();
        proxy.hold_at("wait");
        let mut client = client(&proxy);
        let talking = thread::spawn(move || answer(&mut client, b"wait"));
        proxy.wait_held().unwrap();
        assert!(!talking.is_finished());
        proxy.release();
        assert_eq!(talking.join().unwrap(), b"wait");
    }
}

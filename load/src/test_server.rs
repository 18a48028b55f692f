//! A private PostgreSQL server for tests: a new cluster in a temporary directory, gone when dropped.
//!
//! Only for tests: it flushes nothing to the disk and lets everybody on this machine in.

use std::io::{Error, Result};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The user that the server runs as when the tests run as root, which PostgreSQL refuses.
const UNPRIVILEGED: &str = "postgres";
const ATTEMPTS: usize = 5;

/// A running server. Stopped, and its directory removed, when dropped.
#[derive(Debug)]
pub struct PostgresServer {
    programs: PathBuf,
    directory: TempDir,
    port: u16,
}

impl PostgresServer {
    /// Starts a server on a free port of 127.0.0.1, with an empty UTF-8 database.
    ///
    /// # Errors
    /// When the server's programs are neither in `/usr/lib/postgresql/*/bin` nor on the path, or one of
    /// them fails; the text holds what it said.
    pub fn start() -> Result<Self> {
        let programs = find_programs()?;
        let directory = tempfile::Builder::new().prefix("bron-postgres-").tempdir()?;
        if is_root()? {
            run(Command::new("chown").arg(UNPRIVILEGED).arg(directory.path()))?;
        }
        let data = directory.path().join("data");
        let mut initdb = unprivileged(&programs.join("initdb"))?;
        initdb.args(["-N", "-A", "trust", "-U", "bron", "-E", "UTF8", "--locale=C.UTF-8", "-D"]).arg(&data);
        run(&mut initdb)?;
        let mut server = Self { programs, directory, port: 0 };
        let mut last = Error::other("not tried");
        for _ in 0..ATTEMPTS {
            server.port = free_port()?;
            match server.launch() {
                Ok(()) => return Ok(server),
                // Somebody else may have taken the port in between.
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The address of the server's database, as [`Target::parse`](crate::Target::parse) takes it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://bron@127.0.0.1:{}/postgres", self.port)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn launch(&self) -> Result<()> {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=20",
            self.port
        );
        let mut start = unprivileged(&self.programs.join("pg_ctl"))?;
        start.args(["start", "-w", "-t", "30", "-o", &options, "-l"]).arg(self.directory.path().join("log"));
        run(start.arg("-D").arg(self.data()))
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Ok(mut stop) = unprivileged(&self.programs.join("pg_ctl")) {
            // Nothing is left to do for a test that ends: the directory goes in any case.
            let _ = run(stop.args(["stop", "-m", "immediate", "-D"]).arg(self.data()));
        }
    }
}

fn find_programs() -> Result<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut places: Vec<PathBuf> = installed.map(|version| version.path().join("bin")).collect();
    places.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let candidates = places.into_iter().rev().chain(std::env::split_paths(&path));
    let complete = |place: &PathBuf| place.join("initdb").is_file() && place.join("pg_ctl").is_file();
    candidates.into_iter().find(complete).ok_or_else(|| {
        Error::new(
            std::io::ErrorKind::NotFound,
            "initdb and pg_ctl are not installed: apt-get install postgresql",
        )
    })
}

fn is_root() -> Result<bool> {
    Ok(Command::new("id").arg("-u").output()?.stdout.trim_ascii() == b"0")
}

/// The program, run as somebody that PostgreSQL accepts.
fn unprivileged(program: &Path) -> Result<Command> {
    let mut command;
    if is_root()? {
        command = Command::new("setpriv");
        command
            .arg(format!("--reuid={UNPRIVILEGED}"))
            .arg(format!("--regid={UNPRIVILEGED}"))
            .arg("--clear-groups");
        command.arg(program);
    } else {
        command = Command::new(program);
    }
    command.current_dir("/");
    Ok(command)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn run(command: &mut Command) -> Result<()> {
    // A server that inherited the pipes would keep them open: what it says goes to its log.
    let said = tempfile::tempfile()?;
    let status = command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said.try_clone()?).status()?;
    if status.success() {
        return Ok(());
    }
    let mut text = String::new();
    std::io::Seek::rewind(&mut &said)?;
    std::io::Read::read_to_string(&mut &said, &mut text)?;
    Err(Error::other(format!("{} failed: {text}", command.get_program().display())))
}

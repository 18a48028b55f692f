//! A private PostgreSQL server: a new cluster.

use std::io::{Error, Result};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::certificates::Certified;
use crate::programs::{find, free_port, hand_over, run, unprivileged, write_certified};

/// The user that the server runs as when the tests run as root, which PostgreSQL refuses.
const UNPRIVILEGED: &str = "postgres";
const ATTEMPTS: usize = 5;
/// What the directories of servers are called.
const PREFIX: &str = "bron-postgres-";

/// A running server. Stopped, and its directory removed, when dropped.
#[derive(Debug)]
pub struct PostgresServer {
    programs: PathBuf,
    directory: TempDir,
    port: u16,
    /// Further settings of the server, as its command line takes them.
    settings: String,
}

impl PostgresServer {
    /// Starts a server on a free port of 127.0.0.1, with an empty UTF-8 database.
    ///
    /// # Errors
    /// When the server's programs are neither in `/usr/lib/postgresql/*/bin` nor on the path, or one of
    /// them fails; the text holds what it said.
    pub fn start() -> Result<Self> {
        Self::begin(None, tempfile::Builder::new().prefix(PREFIX).tempdir()?)
    }

    /// Starts a server whose data lie below this folder, such as a file system of its own.
    ///
    /// # Errors
    /// As [`PostgresServer::start`].
    pub fn start_in(folder: &Path) -> Result<Self> {
        Self::begin(None, tempfile::Builder::new().prefix(PREFIX).tempdir_in(folder)?)
    }

    /// Starts a server that speaks TLS with this certificate when it is asked to.
    ///
    /// # Errors
    /// As [`PostgresServer::start`].
    pub fn start_certified(certified: &Certified) -> Result<Self> {
        Self::begin(Some(certified), tempfile::Builder::new().prefix(PREFIX).tempdir()?)
    }

    fn begin(certified: Option<&Certified>, directory: TempDir) -> Result<Self> {
        let programs = find_programs()?;
        hand_over(directory.path(), UNPRIVILEGED)?;
        let data = directory.path().join("data");
        let mut initdb = unprivileged(&programs.join("initdb"), UNPRIVILEGED)?;
        initdb.args(["-N", "-A", "trust", "-U", "bron", "-E", "UTF8", "--locale=C.UTF-8", "-D"]).arg(&data);
        run(&mut initdb)?;
        let mut settings = String::new();
        if let Some(certified) = certified {
            let [certificate, key] = write_certified(directory.path(), certified, UNPRIVILEGED)?;
            let (certificate, key) = (certificate.display(), key.display());
            settings = format!(" -c ssl=on -c ssl_cert_file={certificate} -c ssl_key_file={key}");
        }
        let mut server = Self { programs, directory, port: 0, settings };
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

    /// The address of the server's database, whose only user is `bron`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://bron@127.0.0.1:{}/postgres", self.port)
    }

    /// What Debian's ODBC driver needs to let this user into a database of the server.
    #[must_use]
    pub fn odbc(&self, user: &str, database: &str) -> String {
        Self::odbc_at(self.port, user, database)
    }

    /// As [`PostgresServer::odbc`], through another port of 127.0.0.1, such as a proxy's.
    #[must_use]
    pub fn odbc_at(port: u16, user: &str, database: &str) -> String {
        format!(
            "Driver={{PostgreSQL Unicode}};Servername=127.0.0.1;Port={port};Database={database};UID={user}"
        )
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Stops the server as a power cut does, unless it is down already, and starts it again on the same port.
    ///
    /// # Errors
    /// When it does not start; the text holds what it said.
    pub fn restart(&self) -> Result<()> {
        let mut stop = unprivileged(&self.programs.join("pg_ctl"), UNPRIVILEGED)?;
        // A server that cannot be stopped and is not down keeps its port: then starting says what is wrong.
        drop(run(stop.args(["stop", "-m", "immediate", "-D"]).arg(self.data())));
        self.launch()
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn launch(&self) -> Result<()> {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c autovacuum=off \
             -c max_connections=20{}",
            self.port, self.settings
        );
        let mut start = unprivileged(&self.programs.join("pg_ctl"), UNPRIVILEGED)?;
        start.args(["start", "-w", "-t", "30", "-o", &options, "-l"]).arg(self.directory.path().join("log"));
        run(start.arg("-D").arg(self.data()))
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Ok(mut stop) = unprivileged(&self.programs.join("pg_ctl"), UNPRIVILEGED) {
            // Nothing is left to do for a test that ends: the directory goes in any case.
            let _ = run(stop.args(["stop", "-m", "immediate", "-D"]).arg(self.data()));
        }
    }
}

fn find_programs() -> Result<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut places: Vec<PathBuf> = installed.map(|version| version.path().join("bin")).collect();
    places.sort();
    places.reverse();
    find(places, &["initdb", "pg_ctl"], "postgresql")
}

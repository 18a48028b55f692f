//! A private MariaDB server.

use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use crate::certificates::Certified;
use crate::programs::{find, free_port, hand_over, run, unprivileged, write_certified};

/// The user that the server runs as when the tests run as root.
const UNPRIVILEGED: &str = "mysql";
/// Ten seconds, a tenth at a time.
const LOOKS: usize = 100;

/// A running server with the user `bron`, password `bron`, who may do everything in the database `bron`.
/// Stopped, and its directory removed, when dropped.
#[derive(Debug)]
pub struct MariaDbServer {
    process: Child,
    program: PathBuf,
    /// The options that say with which certificate it speaks TLS, if it does.
    identity: Vec<String>,
    programs: PathBuf,
    directory: TempDir,
    port: u16,
}

impl MariaDbServer {
    /// Starts a server on a free port of 127.0.0.1, with an empty database. It keeps a binary log.
    ///
    /// # Errors
    /// When the server's programs are not installed, or one of them fails; the text holds what it said.
    pub fn start() -> Result<Self> {
        Self::begin(None)
    }

    /// Starts a server that speaks TLS with this certificate when it is asked to.
    ///
    /// # Errors
    /// As [`MariaDbServer::start`].
    pub fn start_certified(certified: &Certified) -> Result<Self> {
        Self::begin(Some(certified))
    }

    fn begin(certified: Option<&Certified>) -> Result<Self> {
        let places = vec![PathBuf::from("/usr/bin")];
        let programs = find(places, &["mariadb-install-db", "mariadb"], "mariadb-server")?;
        let server = find(vec![PathBuf::from("/usr/sbin")], &["mariadbd"], "mariadb-server")?;
        let directory = tempfile::Builder::new().prefix("bron-mariadb-").tempdir()?;
        hand_over(directory.path(), UNPRIVILEGED)?;
        let data = directory.path().join("data");
        let mut install = unprivileged(&programs.join("mariadb-install-db"), UNPRIVILEGED)?;
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        // Servers that share a folder for temporary tables remove each other's.
        let temporary = format!("--tmpdir={}", directory.path().display());
        run(install.arg(format!("--datadir={}", data.display())).arg(&temporary))?;
        let port = free_port()?;
        let identity = match certified {
            Some(certified) => {
                let [certificate, key] = write_certified(directory.path(), certified, UNPRIVILEGED)?;
                vec![format!("--ssl-cert={}", certificate.display()), format!("--ssl-key={}", key.display())]
            }
            // Newer servers make a certificate for themselves.
            None => vec!["--skip-ssl".to_owned()],
        };
        let program = server.join("mariadbd");
        let process = launch(&program, directory.path(), port, &identity)?;
        let server = Self { process, program, identity, programs, directory, port };
        server.wait()?;
        server.execute(
            "CREATE DATABASE bron; CREATE USER bron@'127.0.0.1' IDENTIFIED BY 'bron'; \
             GRANT ALL ON bron.* TO bron@'127.0.0.1'; GRANT BINLOG MONITOR ON *.* TO bron@'127.0.0.1'",
        )?;
        Ok(server)
    }

    /// What Debian's ODBC driver needs, beside the password, to let this user into a database of the server.
    #[must_use]
    pub fn odbc(&self, user: &str, database: &str) -> String {
        Self::odbc_at(self.port, user, database)
    }

    /// As [`MariaDbServer::odbc`], through another port of 127.0.0.1.
    #[must_use]
    pub fn odbc_at(port: u16, user: &str, database: &str) -> String {
        format!("Driver={{MariaDB Unicode}};SERVER=127.0.0.1;PORT={port};DATABASE={database};UID={user}")
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Runs statements as the server's administrator.
    ///
    /// # Errors
    /// When the server refuses one; the text holds what it said.
    pub fn execute(&self, statements: &str) -> Result<()> {
        let socket = self.directory.path().join("socket");
        run(Command::new(self.programs.join("mariadb"))
            .args(["--no-defaults", "--user=root", "--default-character-set=utf8mb4", "--skip-ssl"])
            .arg(format!("--socket={}", socket.display()))
            .arg(format!("--execute={statements}")))
    }

    /// Stops the server and starts it again on the same port.
    ///
    /// # Errors
    /// When it does not stop or start; the text holds what it said.
    pub fn restart(&mut self) -> Result<()> {
        self.execute("SHUTDOWN")?;
        self.process.wait()?;
        self.process = launch(&self.program, self.directory.path(), self.port, &self.identity)?;
        self.wait()
    }

    fn wait(&self) -> Result<()> {
        let mut last = Error::other("not tried");
        for _ in 0..LOOKS {
            match self.execute("SELECT 1") {
                Ok(()) => return Ok(()),
                Err(error) => last = error,
            }
            sleep(Duration::from_millis(100));
        }
        Err(last)
    }
}

/// Starts the program of a server whose data lie in the folder `data` of a directory.
fn launch(program: &Path, directory: &Path, port: u16, identity: &[String]) -> Result<Child> {
    let mut launch = unprivileged(program, UNPRIVILEGED)?;
    launch
        .args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve", "--log-bin=log"])
        .args(["--character-set-server=utf8mb4", "--innodb-flush-log-at-trx-commit=0"])
        .arg(format!("--datadir={}", directory.join("data").display()))
        .arg(format!("--socket={}", directory.join("socket").display()))
        .arg(format!("--tmpdir={}", directory.display()))
        .arg(format!("--port={port}"))
        .args(identity);
    launch.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

impl Drop for MariaDbServer {
    fn drop(&mut self) {
        // Nothing is left to do for a test that ends: the directory goes in any case.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

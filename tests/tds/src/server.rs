//! The server itself: started, spoken to and stopped.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::{env, fs, io, process};

use rusqlite::Connection;

use crate::catalog;
use crate::fault::Fault;
use crate::login::Login;
use crate::neighbour::Neighbour;
use crate::shared::Shared;
use crate::{line, session};

/// How many servers this process has started with a database of their own.
static SERVERS: AtomicU64 = AtomicU64::new(0);

/// How a server is to be.
#[derive(Clone, Debug)]
pub struct Builder {
    database: Option<PathBuf>,
    name: String,
    user: String,
    password: String,
    scripts: Vec<String>,
    faults: Vec<Fault>,
    denied: Vec<String>,
    snapshot_isolation: bool,
    /// The certificate and its key.
    certified: Option<(String, String)>,
}

/// A copy of a server's own database, which goes with the server.
#[derive(Clone, Debug)]
pub struct Backup(PathBuf);

/// A running server, on a port of this machine that the system chose. Stops when it is dropped.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// The folder of a database that nobody named, which goes when the server does.
    own_folder: Option<PathBuf>,
    listening: Option<JoinHandle<()>>,
}

impl Builder {
    /// Serves this SQLite file. A file without a catalog gets one: a declared type that SQL Server knows is taken as
    /// it is, any other, and SQLite's own INTEGER, REAL and TEXT, by how SQLite stores it. Without a file the server
    /// has an empty database of its own.
    #[must_use]
    pub fn database(mut self, path: &Path) -> Self {
        self.database = Some(path.to_owned());
        self
    }

    /// The name of the database; `Paraply` when none is given.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The one user, and the password; `bron` and `bron` when none is given.
    #[must_use]
    pub fn login(mut self, user: &str, password: &str) -> Self {
        user.clone_into(&mut self.user);
        password.clone_into(&mut self.password);
        self
    }

    /// Statements to carry out before the server lets anybody in, such as `CREATE TABLE` and `INSERT`.
    #[must_use]
    pub fn script(mut self, sql: &str) -> Self {
        self.scripts.push(sql.to_owned());
        self
    }

    /// Something that goes wrong.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Denies a table, or a permission such as `VIEW CHANGE TRACKING`, to everybody.
    #[must_use]
    pub fn deny(mut self, name: &str) -> Self {
        self.denied.push(name.to_owned());
        self
    }

    /// Whether the database allows SNAPSHOT isolation, which it does unless told otherwise.
    #[must_use]
    pub fn snapshot_isolation(mut self, allowed: bool) -> Self {
        self.snapshot_isolation = allowed;
        self
    }

    /// Speaks TLS with this certificate and this key, both as PEM, and with nobody otherwise.
    #[must_use]
    pub fn certified(mut self, certificate: &str, key: &str) -> Self {
        self.certified = Some((certificate.to_owned(), key.to_owned()));
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    /// When the database or the certificate cannot be used, a script fails or no port is free.
    pub fn start(self) -> io::Result<Server> {
        let (file, own_folder) = match self.database {
            Some(path) => (path, None),
            None => {
                let number = SERVERS.fetch_add(1, Ordering::SeqCst);
                let folder = env::temp_dir().join(format!("bron-tds-{}-{number}", process::id()));
                fs::create_dir(&folder)?;
                (folder.join("own.sqlite"), Some(folder))
            }
        };
        let certified = self.certified.map(|(certificate, key)| line::certified(&certificate, &key));
        let tls = certified.transpose()?;
        let shared = Arc::new(Shared::new(self.user, self.password, self.name, file, tls));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut server = Server { address: listener.local_addr()?, shared, own_folder, listening: None };
        server.change(catalog::prepare)?;
        server.allow_snapshot_isolation(self.snapshot_isolation)?;
        self.scripts.iter().try_for_each(|script| server.run(script))?;
        self.denied.iter().for_each(|name| server.deny(name));
        self.faults.into_iter().for_each(|fault| server.fault(fault));
        let shared = Arc::clone(&server.shared);
        server.listening = Some(thread::spawn(move || listen(&listener, &shared)));
        Ok(server)
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads = Vec::new();
    for stream in listener.incoming() {
        if shared.is_stopped() {
            break;
        }
        let Ok(stream) = stream else { continue };
        let number = shared.connected(&stream);
        let shared = Arc::clone(shared);
        threads.push(thread::spawn(move || {
            // A connection that ends in an error was cut by one of the two sides, as tests want it.
            drop(session::serve(&shared, stream, number));
            shared.disconnected(number);
        }));
    }
    for thread in threads {
        // A connection that panicked has said so itself.
        drop(thread.join());
    }
}

impl Server {
    /// A server with nothing special about it.
    #[must_use]
    pub fn builder() -> Builder {
        Builder {
            database: None,
            name: "Paraply".to_owned(),
            user: "bron".to_owned(),
            password: "bron".to_owned(),
            scripts: Vec::new(),
            faults: Vec::new(),
            denied: Vec::new(),
            snapshot_isolation: true,
            certified: None,
        }
    }

    /// Where the server listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// What FreeTDS needs, beside the password, to let this user into the database.
    #[must_use]
    pub fn odbc(&self, user: &str, database: &str) -> String {
        let port = self.address.port();
        format!(
            "Driver=FreeTDS;Server=127.0.0.1;Port={port};TDS_Version=7.4;Encryption=off;Database={database};UID={user}"
        )
    }

    /// Carries out statements on the server's own database, as somebody else than any connection: one batch, each
    /// statement committed by itself unless it stands between `BEGIN TRANSACTION` and `COMMIT`.
    ///
    /// # Errors
    /// With the number and the words of the first error that a statement ends with.
    pub fn run(&self, sql: &str) -> io::Result<()> {
        self.shared.run(sql).map_err(io::Error::other)
    }

    /// Lets something go wrong from now on.
    pub fn fault(&self, fault: Fault) {
        self.shared.faults.add(fault);
    }

    /// Denies a table or a permission from now on.
    pub fn deny(&self, name: &str) {
        self.shared.deny(name);
    }

    /// Takes a denial back.
    pub fn allow(&self, name: &str) {
        self.shared.allow(name);
    }

    /// The logins so far, refused ones included.
    #[must_use]
    pub fn logins(&self) -> Vec<Login> {
        self.shared.logins()
    }

    /// The statements so far, without their literals and with single blanks between words and signs.
    #[must_use]
    pub fn statements(&self) -> Vec<String> {
        self.shared.statements()
    }

    /// How many connections there have been.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.connections()
    }

    /// How many connections are open.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.shared.open_connections()
    }

    /// Allows or forbids SNAPSHOT isolation from now on.
    ///
    /// # Errors
    /// When the database behind the server is not to be had.
    pub fn allow_snapshot_isolation(&self, allowed: bool) -> io::Result<()> {
        let statement = "UPDATE main.tds_state SET value = ?1 WHERE name = 'snapshot'";
        self.change(|database| database.execute(statement, [i64::from(allowed)]).map(drop))
    }

    /// Forgets the changes of a table up to and including a version, as if the retention had passed.
    ///
    /// # Errors
    /// When the table is not tracked.
    pub fn forget_changes(&self, table: &str, version: i64) -> io::Result<()> {
        self.shared.forget_changes(table, version)
    }

    /// Somebody else at work in the server's own database.
    ///
    /// # Errors
    /// When the database behind the server is not to be had.
    pub fn neighbour(&self) -> io::Result<Neighbour> {
        Neighbour::new(&self.shared)
    }

    /// Sets how many days change tracking keeps changes; 0 for as long as nobody deletes them.
    ///
    /// # Errors
    /// When the database behind the server is not to be had.
    pub fn set_retention(&self, days: u32) -> io::Result<()> {
        let statement = "UPDATE main.tds_state SET value = ?1 WHERE name = 'retention'";
        self.change(|database| database.execute(statement, [days]).map(drop))
    }

    /// Lets time pass: sets the server's clock forward by so many seconds more.
    ///
    /// # Errors
    /// When the database behind the server is not to be had.
    pub fn pass_time(&self, seconds: u32) -> io::Result<()> {
        let statement = "UPDATE main.tds_state SET value = value + ?1 WHERE name = 'clock'";
        self.change(|database| database.execute(statement, [seconds]).map(drop))
    }

    /// Copies the server's own database as it is now.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub fn back_up(&self) -> io::Result<Backup> {
        self.copy("backup").map(Backup)
    }

    /// Makes the server's own database what it was when it was copied: later changes are gone, the next ones get
    /// their versions again, and the database is on another recovery fork. Every connection ends.
    ///
    /// # Errors
    /// When the copy cannot be read.
    pub fn restore(&self, backup: &Backup) -> io::Result<()> {
        let (number, file) = self.next_file("restored");
        fs::copy(&backup.0, &file)?;
        self.shared.replace(file);
        self.set_recovery_fork(&format!("00000000-0000-0000-0000-{number:012X}"))
    }

    fn next_file(&self, name: &str) -> (u64, PathBuf) {
        let number = self.shared.next_snapshot();
        (number, self.shared.file().with_extension(format!("{name}-{number}")))
    }

    fn copy(&self, name: &str) -> io::Result<PathBuf> {
        let (_, path) = self.next_file(name);
        let target = path.to_string_lossy().into_owned();
        self.change(|database| database.execute("VACUUM INTO ?1", [target]).map(drop))?;
        Ok(path)
    }

    /// Sets the version of the last change, as a restored backup does. What is noted of later versions stays.
    ///
    /// # Errors
    /// When the database behind the server is not to be had.
    pub fn rewind(&self, version: i64) -> io::Result<()> {
        let statement = "UPDATE main.tds_state SET value = ?1 WHERE name = 'version'";
        self.change(|database| database.execute(statement, [version]).map(drop))
    }

    /// Gives the database another recovery fork, as a restore does: a unique identifier.
    ///
    /// # Errors
    /// When the database behind the server is not to be had.
    pub fn set_recovery_fork(&self, fork: &str) -> io::Result<()> {
        let statement = "UPDATE main.tds_state SET value = ?1 WHERE name = 'fork'";
        self.change(|database| database.execute(statement, [fork]).map(drop))
    }

    /// Makes a database snapshot: another database of this name that stays as the server's own is now, and can only
    /// be read.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub fn create_snapshot(&self, name: &str) -> io::Result<()> {
        let number = self.shared.next_snapshot();
        let path = self.shared.file().with_extension(format!("snapshot-{number}"));
        let target = path.to_string_lossy().into_owned();
        self.change(|database| database.execute("VACUUM INTO ?1", [target]).map(drop))?;
        self.shared.add_snapshot(number, name, path);
        Ok(())
    }

    /// Takes a database snapshot away. As a server drops no database that is read, every connection ends with it.
    pub fn drop_snapshot(&self, name: &str) {
        self.shared.drop_snapshot(name);
    }

    /// Whether any error ends the transaction in connections that come from now on, unless they say otherwise: what
    /// `XACT_ABORT` among the user options of a server does.
    pub fn abort_transactions(&self, abort: bool) {
        self.shared.abort_transactions(abort);
    }

    /// Stops the server and cuts its connections.
    pub fn stop(self) {
        drop(self);
    }

    pub(crate) fn change(&self, change: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> io::Result<()> {
        self.shared.change(change)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop();
        // The listener waits for a connection and looks up when one comes.
        drop(TcpStream::connect(self.address));
        if let Some(listening) = self.listening.take() {
            drop(listening.join());
        }
        if let Some(folder) = &self.own_folder {
            // What cannot be removed lies in the system's folder for such things.
            drop(fs::remove_dir_all(folder));
        }
    }
}

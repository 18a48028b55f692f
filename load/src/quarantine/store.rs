//! The file of the quarantine: opened, made, and refused when it is another's or newer than the program.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bron_mappings::Artefact;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use tokio::runtime::Runtime;

use crate::error::{Error, ErrorKind, Result};
use crate::runtime::runtime;

/// Only the owner reads and writes the file.
const PRIVATE: u32 = 0o600;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

const IS_MADE: &str = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'meta'";
const READ_META: &str = "SELECT value FROM meta WHERE name = ?";
const WRITE_META: &str = "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)";

/// Tables and the triggers that keep the log as it was written.
const MAKE: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE item (
    id TEXT PRIMARY KEY, record TEXT NOT NULL, src_system TEXT NOT NULL, src_table TEXT NOT NULL,
    src_key TEXT NOT NULL, stage TEXT NOT NULL, reason TEXT NOT NULL, field TEXT NOT NULL, entity TEXT NOT NULL,
    constraint_name TEXT NOT NULL, sqlstate TEXT NOT NULL, rule TEXT NOT NULL, owner TEXT NOT NULL,
    area TEXT NOT NULL, namnd TEXT NOT NULL, year TEXT NOT NULL, protected INTEGER NOT NULL,
    first_run TEXT NOT NULL, last_run TEXT NOT NULL, row_count INTEGER NOT NULL, state TEXT NOT NULL,
    decision TEXT NOT NULL, decided_in TEXT NOT NULL, maps_to TEXT NOT NULL, code TEXT NOT NULL,
    decided_code TEXT NOT NULL, version INTEGER NOT NULL, mask TEXT NOT NULL, content TEXT NOT NULL
) STRICT;
CREATE INDEX item_of_table ON item (src_system, src_table);
CREATE INDEX item_of_record ON item (record);
CREATE TABLE sealed (
    item TEXT NOT NULL REFERENCES item (id), number INTEGER NOT NULL, payload BLOB NOT NULL,
    PRIMARY KEY (item, number)
) STRICT;
CREATE TABLE event (
    number INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT NOT NULL REFERENCES item (id), at TEXT NOT NULL,
    kind TEXT NOT NULL, run TEXT NOT NULL, decision TEXT NOT NULL, maps_to TEXT NOT NULL, code TEXT NOT NULL,
    person TEXT NOT NULL, role TEXT NOT NULL, text TEXT NOT NULL
) STRICT;
CREATE INDEX event_of_item ON event (item);
CREATE TRIGGER event_is_not_changed BEFORE UPDATE ON event
    BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER event_is_not_replaced BEFORE INSERT ON event
    WHEN EXISTS (SELECT 1 FROM event WHERE number = NEW.number)
    BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER event_is_not_removed BEFORE DELETE ON event
    BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
";

/// The quarantine of one installation, open.
pub struct Store {
    pub(super) runtime: Runtime,
    /// Taken when the store is dropped.
    connection: Option<SqliteConnection>,
    path: PathBuf,
}

impl Store {
    /// Opens the quarantine of the installation with the mark `installation`, and makes one where there is none.
    /// Only its owner may read the file, whatever it was before.
    ///
    /// # Errors
    /// Kind `Format` when the file is of a newer format, `Config` when it is of another installation, `Storage` or
    /// `Permission` when it cannot be made, `Corrupt` when it is no database.
    pub fn open(path: &Path, installation: &str) -> Result<Self> {
        if !path.exists() {
            let made = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(path);
            made.map_err(|error| Error::io(error, format!("{}: cannot be made", path.display())))?;
        }
        Self::open_existing(path, installation)
    }

    /// Opens the quarantine where there is one.
    ///
    /// # Errors
    /// As [`Store::open`]; also kind `Config` when there is none.
    pub fn open_existing(path: &Path, installation: &str) -> Result<Self> {
        if !path.exists() {
            let text = format!("{}: there is no quarantine yet", path.display());
            return Err(Error::new(ErrorKind::Config, text));
        }
        make_private(path)?;
        let runtime = runtime()?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("secure_delete", "ON")
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let connected = runtime.block_on(options.connect());
        let cannot = |error: &sqlx::Error| Error::of(error, format!("{}: cannot be opened", path.display()));
        let connection = connected.map_err(|error| cannot(&error))?;
        let mut store = Self { runtime, connection: Some(connection), path: path.to_owned() };
        store.require_own(installation)?;
        Ok(store)
    }

    fn require_own(&mut self, installation: &str) -> Result<()> {
        let made: i64 = {
            let (runtime, connection) = self.parts();
            let made = runtime.block_on(sqlx::query_scalar(IS_MADE).fetch_one(connection));
            made.map_err(|error| self.failed(&error))?
        };
        if made == 0 {
            return self.make(installation);
        }
        let format = self.meta("format")?.and_then(|text| text.parse().ok()).unwrap_or(0);
        Artefact::Quarantine.require(&self.path.display(), format)?;
        if self.meta("installation")?.as_deref() != Some(installation) {
            let text = format!("{}: belongs to another installation", self.path.display());
            return Err(Error::new(ErrorKind::Config, text));
        }
        Ok(())
    }

    fn make(&mut self, installation: &str) -> Result<()> {
        self.begin()?;
        let made = self.execute(MAKE).and_then(|()| {
            self.set_meta("format", &Artefact::Quarantine.newest().to_string())?;
            self.set_meta("installation", installation)
        });
        self.end(made)
    }

    pub(super) fn meta(&mut self, name: &str) -> Result<Option<String>> {
        let (runtime, connection) = self.parts();
        let found = runtime.block_on(sqlx::query_scalar(READ_META).bind(name).fetch_optional(connection));
        found.map_err(|error| self.failed(&error))
    }

    pub(super) fn set_meta(&mut self, name: &str, value: &str) -> Result<()> {
        let (runtime, connection) = self.parts();
        let written = runtime.block_on(sqlx::query(WRITE_META).bind(name).bind(value).execute(connection));
        written.map(drop).map_err(|error| self.failed(&error))
    }

    /// The run that was collected last; empty before the first.
    pub(super) fn latest_run(&mut self) -> Result<String> {
        Ok(self.meta("run")?.unwrap_or_default())
    }

    pub(super) fn begin(&mut self) -> Result<()> {
        self.execute("BEGIN IMMEDIATE")
    }

    /// Keeps what was done since [`Store::begin`], or undoes it.
    pub(super) fn end<T>(&mut self, done: Result<T>) -> Result<T> {
        match done {
            Ok(done) => self.execute("COMMIT").map(|()| done),
            Err(error) => {
                // The first failure is the one to tell; an open transaction ends with the connection too.
                let _ = self.execute("ROLLBACK");
                Err(error)
            }
        }
    }

    /// Runs constant statements.
    pub(super) fn execute(&mut self, statements: &'static str) -> Result<()> {
        let (runtime, connection) = self.parts();
        let done = runtime.block_on(sqlx::raw_sql(statements).execute(connection));
        done.map(drop).map_err(|error| self.failed(&error))
    }

    pub(super) fn parts(&mut self) -> (&Runtime, &mut SqliteConnection) {
        let connection =
            self.connection.as_mut().expect("the connection is there until the store is dropped");
        (&self.runtime, connection)
    }

    pub(super) fn failed(&self, error: &sqlx::Error) -> Error {
        Error::of(error, self.path.display().to_string())
    }

    pub(super) fn corrupt(&self, what: &str) -> Error {
        Error::new(ErrorKind::Corrupt, format!("{}: {what}", self.path.display()))
    }
}

/// Takes the file away from others, however it was copied here.
fn make_private(path: &Path) -> Result<()> {
    let cannot = |error| Error::io(error, format!("{}: cannot be kept from others", path.display()));
    let mode = std::fs::metadata(path).map_err(cannot)?.permissions().mode() & 0o777;
    if mode == PRIVATE {
        return Ok(());
    }
    std::fs::set_permissions(path, Permissions::from_mode(PRIVATE)).map_err(cannot)
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // A failure leaves the log beside the file, and the next open reads both.
            let _ = self.runtime.block_on(connection.close());
        }
    }
}

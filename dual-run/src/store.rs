//! What the bridge knows: the journal of everything that was captured, and beside it who owns what, how far every
//! scope has come, what was signed, what is parked and what was kept of the legacy rows.
//!
//! The same tables lie in a SQLite file (write-ahead log, every commit flushed to the disk) or in a schema of a
//! PostgreSQL database. [`Store::open`] makes them, or brings those of an older format to the newest in one
//! transaction; those of a newer program are refused.
//!
//! Invariants:
//! - Every write is one transaction: all of it is there, or nothing.
//! - One process writes the record. It opens the store with [`Access::Bridge`], which takes a lock that the operating
//!   system or the server keeps for exactly as long as the process lives; a second is refused.
//! - Nobody writes without a lease ([`Store::acquire`]). Each lease that is given out has a higher token than all
//!   before it of its name, and every transaction compares tokens: a process that lost its lease while it slept writes
//!   nothing when it wakes. No clock takes part in that.
//! - The journal has no gaps, and every entry is bound by hashes to all before it ([`Store::verify`]).
//! - Rows, and keys of rows, are sealed with a key of the store's own, wrapped by the master key of the installation;
//!   rows are found by keyed digests of their keys. Nothing else in the store may be personal data but the names of
//!   those who decide: callers hand in codes, scopes and opaque aggregates.
//! - Time is what callers say it is. It is kept in microseconds, and decides nothing but when a lease may be taken over
//!   and what has expired.

mod chain;
mod complement;
mod conflicts;
mod connection;
mod gates;
mod jobs;
mod journal;
mod leases;
mod owners;
mod parking;
mod payload;
mod phases;
mod retention;
mod schema;
mod steps;
mod streams;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bron_extract::{MasterKey, RecordSeal};
use bron_load::Target;
use bron_mappings::{Digest, SourceKey};
use jiff::Timestamp;

pub use chain::Checkpoint;
pub use complement::{BornRow, KeptRow};
pub use conflicts::{ConflictFilter, ConflictId, ConflictItem, ConflictState, Decision, KeptConflict};
pub use gates::{Approval, ApprovalId, GateReading};
pub use jobs::{JobId, JobRun, Outcome};
pub use journal::{CutEnd, CutHead, CutWriter};
pub use leases::{BRIDGE_LEASE, Lease};
pub use owners::{ANY, Decided, OwnershipEntry, Share};
pub use parking::{AggregateState, Spent, WaitingRow};
pub use phases::{PhaseEntry, Rollback};
pub use retention::Purge;
pub use steps::{StepEntry, StepKey, StepState, Way};
pub use streams::{IncarnationEntry, StreamState};

use crate::error::{Error, ErrorKind, Result};
use connection::{Connection, strange};

/// What the key of the store is drawn for.
const NAME: &str = "the store of the bridge";
/// Only the owner reads and writes the files.
const PRIVATE: u32 = 0o600;
/// Kept by the server until the session ends. The first number stands for this program, the second for the schema.
const LOCK: &str = "SELECT CASE WHEN pg_try_advisory_lock(1651666798, hashtext(current_schema())) \
     THEN 1 ELSE 0 END::bigint";

/// What a process does with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everything; one process at a time.
    Bridge,
    /// Works beside the bridge: readings of gates, approvals, decisions about conflicts, the history of jobs. The rest
    /// is the record, which the bridge alone writes.
    Beside,
    /// Reads.
    Read,
}

/// The bridge's store, open.
pub struct Store {
    connection: Connection,
    seal: RecordSeal,
    access: Access,
    /// The lease that writes are made under.
    lease: Option<Lease>,
    /// The time, as the caller told last: at the latest with the lease, without which nothing is written.
    now: Timestamp,
    /// Held as long as the store is open.
    _lock: Option<File>,
}

impl Store {
    /// Opens the store, and with [`Access::Bridge`] makes it where there is none.
    ///
    /// # Errors
    /// Kind `Fenced` when another process has it open as [`Access::Bridge`]; `Drift` when a newer program made it, or
    /// an older one and this process may not change it; `Config` when there is none to read, or it was sealed with
    /// another key; `Corrupt` when its journal does not end where it says.
    pub fn open(target: &Target, master: &MasterKey, access: Access) -> Result<Self> {
        let writes = access != Access::Read;
        let (mut connection, lock) = match target {
            Target::Sqlite(path) => file(path, access)?,
            Target::Postgres(_) => {
                let options = target.server().map_err(|error| {
                    Error::because(ErrorKind::Config, "the address of the bridge's store", error)
                })?;
                let options = options.ok_or_else(strange)?;
                (Connection::server(options, target.to_string(), writes)?, None)
            }
        };
        if access == Access::Bridge {
            if connection.is_server() && connection.number(LOCK, Vec::new())? == 0 {
                return Err(taken(connection.place()));
            }
            connection.together(|connection| schema::migrate(connection, &schema::FORMATS))?;
        } else if usize::try_from(schema::found(&mut connection)?) != Ok(schema::FORMATS.len()) {
            let text = "there is no store of the bridge here of the newest format: the bridge makes it when it starts";
            return Err(Error::new(ErrorKind::Drift, text).at(connection.place()));
        }
        let seal = opened_seal(&mut connection, master, access)?;
        chain::require_head(&mut connection)?;
        Ok(Self { connection, seal, access, lease: None, now: Timestamp::UNIX_EPOCH, _lock: lock })
    }

    /// Says what time it is, as taking and renewing the lease do. Cuts that are journaled from here on carry it as the
    /// time they were captured.
    pub const fn at(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// What the process may do with the store.
    #[must_use]
    pub const fn access(&self) -> Access {
        self.access
    }

    /// Begins a transaction under the lease.
    fn begin(&mut self) -> Result<()> {
        let lease = self.lease.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::Fenced,
                "the bridge's store is written under a lease only, and none was acquired",
            )
        })?;
        self.connection.begin()?;
        let checked =
            self.connection.write_alone().and_then(|()| leases::require(&mut self.connection, lease));
        if checked.is_err() {
            self.connection.roll_back();
        }
        checked
    }

    /// As [`Store::begin`], for the record, which only the bridge writes.
    fn begin_record(&mut self) -> Result<()> {
        if self.access != Access::Bridge {
            let text = "only the process of the bridge writes the record";
            return Err(Error::new(ErrorKind::Fenced, text).at(self.connection.place()));
        }
        self.begin()
    }

    /// Does work in one transaction under the lease.
    fn write<T>(&mut self, work: impl FnOnce(&mut Connection, &RecordSeal) -> Result<T>) -> Result<T> {
        self.begin()?;
        self.end(work)
    }

    /// As [`Store::write`], for the record.
    fn write_record<T>(&mut self, work: impl FnOnce(&mut Connection, &RecordSeal) -> Result<T>) -> Result<T> {
        self.begin_record()?;
        self.end(work)
    }

    fn end<T>(&mut self, work: impl FnOnce(&mut Connection, &RecordSeal) -> Result<T>) -> Result<T> {
        let done =
            work(&mut self.connection, &self.seal).and_then(|made| self.connection.commit().map(|()| made));
        if done.is_err() {
            self.connection.roll_back();
        }
        done
    }
}

/// Opens a file, and takes its lock for the bridge.
fn file(path: &Path, access: Access) -> Result<(Connection, Option<File>)> {
    let place = path.display();
    if path.is_dir() {
        return Err(Error::new(ErrorKind::Config, format!("{place}: is a directory, not a file")));
    }
    if access != Access::Bridge {
        if !path.exists() {
            return Err(Error::new(
                ErrorKind::Config,
                format!("{place}: there is no store of the bridge yet"),
            ));
        }
        return Ok((Connection::file(path, access == Access::Beside)?, None));
    }
    let lock = locked(path)?;
    private(path)?;
    Ok((Connection::file(path, true)?, Some(lock)))
}

/// Takes the lock beside the file. Not on the file itself: closing it again would give up the locks by which SQLite
/// keeps this process from others.
fn locked(path: &Path) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = private(&PathBuf::from(name))?;
    lock.try_lock().map_err(|_| taken(&path.display().to_string()))?;
    Ok(lock)
}

/// Opens or makes a file that only its owner may read, whatever it was before.
fn private(path: &Path) -> Result<File> {
    let refused =
        |error| Error::because(ErrorKind::Storage, format!("{}: cannot be made", path.display()), error);
    let file = OpenOptions::new().create(true).append(true).mode(PRIVATE).open(path).map_err(refused)?;
    file.set_permissions(Permissions::from_mode(PRIVATE)).map_err(refused)?;
    Ok(file)
}

fn taken(place: &str) -> Error {
    Error::new(ErrorKind::Fenced, format!("{place}: another process runs the bridge on this store"))
}

/// The seal of the store; of a new one it is drawn.
fn opened_seal(connection: &mut Connection, master: &MasterKey, access: Access) -> Result<RecordSeal> {
    let place = connection.place().to_owned();
    let refused = |error: bron_extract::Error| {
        let kind = if error.kind() == bron_extract::ErrorKind::Settings {
            ErrorKind::Config
        } else if error.kind() == bron_extract::ErrorKind::Format {
            ErrorKind::Drift
        } else {
            ErrorKind::Corrupt
        };
        Error::because(kind, format!("{place}: the key of the store"), error)
    };
    if let Some(kept) = schema::meta(connection, "key")? {
        return RecordSeal::open(&kept, NAME, master).map_err(refused);
    }
    if access != Access::Bridge {
        return Err(strange().at(&place));
    }
    let (seal, kept) = RecordSeal::draw(NAME, master).map_err(refused)?;
    schema::set_meta(connection, "key", &kept)?;
    Ok(seal)
}

/// Seals bytes to a place of the store.
fn sealed(seal: &RecordSeal, place: &str, bytes: &[u8]) -> Result<Vec<u8>> {
    let refused = |error| Error::because(ErrorKind::Storage, "a row could not be sealed", error);
    seal.seal(place, bytes).map_err(refused)
}

/// What was sealed to a place of the store.
fn unsealed(seal: &RecordSeal, place: &str, bytes: &[u8]) -> Result<Vec<u8>> {
    seal.unseal(place, bytes).ok_or_else(|| {
        Error::new(ErrorKind::Corrupt, "a sealed row of the bridge's store does not open in its place")
    })
}

/// What stands for the key of a row.
fn key_digest(seal: &RecordSeal, key: &SourceKey) -> Digest {
    seal.digest("key", key.as_bytes())
}

/// The time that was kept as microseconds.
fn moment(microseconds: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(microseconds).map_err(|_| strange())
}

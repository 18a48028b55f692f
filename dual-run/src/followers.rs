//! Databases that follow: tables of the new model as loading makes them, and tables of legacy systems.
//!
//! Both kinds are written in the same way, in one transaction for each cut: the offset of the stream is held, so that
//! one process applies at a time; the ownership of every scope is compared while it is held; every row is read and
//! compared with what it must be, and then written; the ledger and the offset are written with it. Every statement that
//! writes a row must write exactly one, anything else is a conflict. What the database refuses because of what a row
//! holds is a conflict too, and names the constraint.
//!
//! A transaction that the database gave up for another one's sake (a deadlock, a lock that took too long) is begun
//! again from the start. After any failure the connection is dropped: whether a commit came through is told by
//! [`crate::Follower::offset`] on a new one.
//!
//! *The new model* keeps what loading promises: a row that is changed or removed is moved to the history of its entity
//! under a place of its own among the runs, the receipts of the parts that it came in no longer prove what the table
//! holds, and the rows have a receipt of the bridge, so that a later load replaces and retires them as any others.
//!
//! *A legacy table* is written column by column: an update sets the columns that are otherwise, an insert names the
//! columns that have a value, so that the defaults of the table stand for the others. What the ledger notes is the row
//! as it is read back: types of fixed width and triggers may make another text of what was written.
//!
//! The tables of the bridge in a follower are `bridge_offset`, `bridge_applied` and `bridge_ownership`, and in SQLite
//! `bridge_origin`, by which triggers see the mark; PostgreSQL has the setting `bridge.origin` for it.

mod applying;
mod control;
mod follower;
mod line;
mod postgres;
mod rows;
mod sqlite;
mod statements;
mod table;
#[cfg(test)]
mod tests;

pub use postgres::PostgresFollower;
pub use sqlite::SqliteFollower;
pub use table::{Followed, LegacyTable};

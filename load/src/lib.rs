//! Writes entity rows into the target, once, and reads them back.
//!
//! A [`Sink`] is one connection to one target database: a SQLite file or a PostgreSQL server. It takes
//! batches that carry the columns of a model's entity and gives a [`Receipt`] for each.
//!
//! Invariants:
//! - When [`Sink::write`] returns, the rows are durable. Rows and receipt are one transaction.
//! - A part that already has its receipt is not written again: a load that was interrupted is run again
//!   from the start and ends like one that was not.
//! - A row whose content is the same is not rewritten, and keeps the run that wrote it.
//! - A row is never overwritten by another part of the same run, nor by another source system.
//! - No error carries a value of a row. Ids of rows may be named: they are keyed and say nothing alone.
//! - The only SQL that is not a constant is built in one module, where every name is quoted.

mod admission;
mod calendar;
#[cfg(test)]
mod contract;
mod decimal;
mod definition;
mod error;
mod examine;
mod layout;
mod postgres;
pub mod quarantine;
mod sink;
mod sql;
mod sqlite;
mod target;
mod unreadable;

pub use definition::ddl;
pub use error::{Error, ErrorKind, Result};
pub use examine::{TargetFacts, examine};
pub use layout::Dialect;
pub use sink::{Counts, IdRange, PartId, Receipt, RunIds, Sink, UNREADABLE, open, read_only};
pub use sql::grants::target_grants;
pub use target::Target;

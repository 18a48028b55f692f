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
//! - A row that the target refuses for what it holds keeps no other row back: the rest of its part is written, and
//!   which rows were refused, and by which constraint, is committed with them.
//! - A row that is overwritten or retired is moved to the history of its entity in the same transaction, and a row is
//!   never retired unless the bridge loaded it from the table that is named.
//! - No error carries a value of a row. Ids of rows may be named: they are keyed and say nothing alone.
//! - The only SQL that is not a constant is built in one module, where every name is quoted.

mod admission;
mod calendar;
mod content;
#[cfg(test)]
mod contract;
mod control_format;
mod decimal;
mod definition;
mod error;
mod examine;
mod finished;
mod history;
#[cfg(test)]
mod interleaving;
mod isolation;
mod layout;
mod postgres;
pub mod quarantine;
mod refusal;
mod runtime;
mod sink;
mod sql;
mod sqlite;
mod target;
mod terms;
mod unreadable;

pub use content::{ContentDigest, content};
pub use definition::ddl;
pub use error::{Error, ErrorKind, Result};
pub use examine::{TargetFacts, examine};
pub use finished::{Dangling, Finished};
pub use history::{Beginning, Ended, Ending, ROW_ENDED, ROW_RUNS, Retirement, RunEntry, history_table};
pub use layout::Dialect;
pub use refusal::Refusal;
pub use sink::{
    Counts, IdRange, Moment, PartId, Receipt, RunIds, Sink, open, open_on, read_only, read_only_on,
};
pub use sql::grants::target_grants;
pub use target::Target;
pub use terms::Terms;

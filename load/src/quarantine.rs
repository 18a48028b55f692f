//! The rows that did not come over, and what people decided about them.
//!
//! A [`Store`] is one SQLite file of an installation, beside its runs. It holds an item for every row that is or was
//! held back, for each reason apart, and a log of everything that happened to it. Every run that is proven is collected
//! into it, in one transaction; people decide about items between the runs.
//!
//! Invariants:
//! - In the clear lie keys as lists show them, codes, names of tables and columns, and the lengths of values: no value
//!   of a row. The row itself lies sealed to its recipients, and who writes it cannot read it. What has ended
//!   keeps no row.
//! - An item has one [`State`] at a time, so the counts of the states add up to the number of items.
//! - An item is in one of the states that [`State::is_held`] names if and only if the latest run that has its table
//!   held it back.
//! - The log is only added to: the file itself refuses to change, replace or remove a line of it.
//! - Collecting the same run again changes nothing.

mod collection;
mod decisions;
mod item;
mod query;
mod seal;
mod store;
#[cfg(test)]
mod tests;

pub use collection::{Collected, Collection, Found, Missing};
pub use decisions::{Applied, Entry, Signature};
pub use item::{Decision, Event, Finding, Item, Stage, State, item_id, record_id};
pub use query::{Line, OpenedRow};
pub use seal::{Identities, MaskedColumn, Payload, Recipients, mask_of};
pub use store::Store;

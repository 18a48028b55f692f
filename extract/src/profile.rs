//! What a table that nobody has described holds: counts and shapes, and no value of any person.
//!
//! A profile says how many values a column has and what they look like. It quotes only values that look like
//! codes (short, without blanks, not written like a name) and that were seen at least five times; the others are
//! counted. Of dates it gives the years, of numbers the digits.

mod column;
mod references;
mod shape;
mod sketch;

use serde::Serialize;

use crate::damage::{DamagedColumn, damaged_columns};
use crate::error::Error;
use crate::source::{Source, TableSchema};

pub use column::{CodeCount, ColumnProfile, Lengths, Suppressed};
pub use references::{Reference, references};
pub use shape::Shape;
pub use sketch::Distinct;

/// A table that was read to its end.
#[derive(Clone, Debug, Serialize)]
pub struct TableProfile {
    /// The name, as the source spells it.
    pub table: String,
    /// The columns of the declared primary key; empty when there is none.
    pub key: Vec<String>,
    /// The rows that were read.
    pub rows: u64,
    /// The rows among them that could not be read as rows of the table.
    pub unreadable: u64,
    /// The columns, in the order of the source.
    pub columns: Vec<ColumnProfile>,
    /// Where values of delivered files came to harm, by column and period.
    pub damaged: Vec<DamagedColumn>,
}

/// Reads a table and says what it holds. Memory does not grow with the table.
///
/// # Errors
/// Those of the source.
pub fn profile(
    source: &mut dyn Source,
    table: &TableSchema,
    batch_rows: usize,
) -> Result<TableProfile, Error> {
    let mut columns: Vec<_> = table.columns.iter().map(column::Counts::new).collect();
    let mut reader = source.read(table, batch_rows)?;
    while let Some(batch) = reader.next() {
        let batch = batch.map_err(Error::from_reader)?;
        for (index, counts) in columns.iter_mut().enumerate() {
            let cells = batch.cells(index);
            (0..batch.rows()).for_each(|row| counts.see(cells.value(row)));
        }
        drop(reader.take_unreadable());
    }
    let ledger = reader.ledger();
    Ok(TableProfile {
        table: table.name.clone(),
        key: table.key_unique.clone(),
        rows: ledger.read,
        unreadable: ledger.quarantined.values().sum(),
        columns: columns.into_iter().map(column::Counts::finish).collect(),
        damaged: damaged_columns(&ledger),
    })
}

#[cfg(test)]
mod tests;

//! What a table that nobody has described holds: counts and shapes, and no value of any person.
//!
//! A profile says how many values a column has and what they look like. It quotes only values that look like
//! codes (short, without blanks, not written like a name, in a column whose name does not speak of people) and that
//! were seen at least five times; the others are counted, in numbers from which theirs cannot be worked out. Of dates
//! it gives the years, of numbers the digits.

mod codes;
mod column;
mod encoding;
mod length;
mod references;
mod shape;
mod sketch;

use bron_mappings::{Batch, BatchReader};
use serde::Serialize;

use crate::damage::{DamagedColumn, damaged_columns};
use crate::error::Error;
use crate::source::{Source, TableSchema};

pub use codes::{CodeCount, Suppressed};
pub use column::{ColumnProfile, NewCodes};
pub use encoding::{Encoding, EncodingCounts, Verdict};
pub use length::{LengthCount, Lengths};
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
    /// The columns that could be the key alone: a value in every row, and no value twice. Of many rows the number of
    /// different values is an estimate, and so is this.
    pub unique: Vec<String>,
    /// The rows that were read.
    pub rows: u64,
    /// The rows among them that could not be read as rows of the table.
    pub unreadable: u64,
    /// The columns, in the order of the source.
    pub columns: Vec<ColumnProfile>,
    /// Where values of delivered files came to harm, by column and period.
    pub damaged: Vec<DamagedColumn>,
}

impl TableProfile {
    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Shows no code of any column: for a table that is looked at alone, when nobody knows which of its columns name
    /// people by the keys of others.
    pub fn forget_codes(&mut self) {
        self.columns.iter_mut().for_each(ColumnProfile::forget_codes);
    }

    /// The columns of the key: those that are declared, or the first that could be it alone. Empty when there is
    /// none.
    #[must_use]
    pub fn key_or_guess(&self) -> Vec<String> {
        if self.key.is_empty() { self.unique.iter().take(1).cloned().collect() } else { self.key.clone() }
    }
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
    let mut counting = Counting::new(table);
    let mut reader = source.read(table, batch_rows)?;
    while let Some(batch) = reader.next() {
        counting.see(&batch.map_err(Error::from_reader)?);
        drop(reader.take_unreadable());
    }
    let ledger = reader.ledger();
    let unreadable = ledger.quarantined.values().sum();
    Ok(TableProfile { damaged: damaged_columns(&ledger), ..counting.finish(table, ledger.read, unreadable) })
}

/// Says what rows hold that were read before. The columns of `table` are those of the batches, in their order.
///
/// # Errors
/// Those of the reader.
pub fn profile_rows(table: &TableSchema, rows: &mut dyn BatchReader) -> Result<TableProfile, Error> {
    let mut counting = Counting::new(table);
    let mut read = 0;
    for batch in rows {
        let batch = batch.map_err(Error::from_reader)?;
        read += u64::try_from(batch.rows()).unwrap_or(u64::MAX);
        counting.see(&batch);
    }
    Ok(counting.finish(table, read, 0))
}

struct Counting(Vec<column::Counts>);

impl Counting {
    fn new(table: &TableSchema) -> Self {
        Self(table.columns.iter().map(column::Counts::new).collect())
    }

    fn see(&mut self, batch: &Batch) {
        for (index, counts) in self.0.iter_mut().enumerate() {
            let cells = batch.cells(index);
            (0..batch.rows()).for_each(|row| counts.see(cells.value(row)));
        }
    }

    fn finish(self, table: &TableSchema, rows: u64, unreadable: u64) -> TableProfile {
        let columns: Vec<ColumnProfile> = self.0.into_iter().map(column::Counts::finish).collect();
        let full = columns.iter().filter(|column| column.values > 0 && column.nulls + column.empties == 0);
        let unique =
            full.filter(|column| column.distinct.is_nearly(column.values) && !column.name.starts_with('_'));
        TableProfile {
            table: table.name.clone(),
            key: table.key_unique.clone(),
            unique: unique.map(|column| column.name.clone()).collect(),
            rows,
            unreadable,
            columns,
            damaged: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;

//! Reads whole tables, for tests of connectors.

use bron_mappings::Batch;

use super::{Source, TableSchema, UnreadableRow};
use crate::error::Error;
use crate::ledger::TableLedger;

/// A table that was read to its end.
#[derive(Debug)]
pub(crate) struct WholeTable {
    pub(crate) batches: Vec<Batch>,
    pub(crate) ledger: TableLedger,
    pub(crate) unreadable: Vec<UnreadableRow>,
}

/// The description of the table of this name.
pub(crate) fn table(source: &mut dyn Source, name: &str) -> TableSchema {
    source.tables().unwrap().into_iter().find(|table| table.name == name).unwrap()
}

/// The rows of the table of this name.
pub(crate) fn read(source: &mut dyn Source, name: &str, batch_rows: usize) -> Result<WholeTable, Error> {
    let table = table(source, name);
    read_table(source, &table, batch_rows)
}

/// The rows of a table, of the columns that `table` has.
pub(crate) fn read_table(
    source: &mut dyn Source,
    table: &TableSchema,
    batch_rows: usize,
) -> Result<WholeTable, Error> {
    let mut reader = source.read(table, batch_rows)?;
    let (mut batches, mut unreadable) = (Vec::new(), Vec::new());
    while let Some(batch) = reader.next() {
        batches.push(batch.map_err(Error::from_reader)?);
        unreadable.extend(reader.take_unreadable());
    }
    unreadable.extend(reader.take_unreadable());
    Ok(WholeTable { batches, ledger: reader.ledger(), unreadable })
}

/// The texts of a column.
pub(crate) fn texts(batches: &[Batch], column: usize) -> Vec<Option<String>> {
    let cells = batches.iter().map(|batch| batch.cells(column));
    cells.flat_map(|cells| (0..cells.len()).map(move |row| cells.text(row).map(str::to_owned))).collect()
}

impl WholeTable {
    /// The texts of a column.
    pub(crate) fn texts(&self, column: usize) -> Vec<Option<String>> {
        texts(&self.batches, column)
    }

    /// The sum of a column of whole numbers without NULL.
    pub(crate) fn sum(&self, column: usize) -> i64 {
        self.texts(column).into_iter().map(|text| text.unwrap().parse::<i64>().unwrap()).sum()
    }
}

//! Reads whole tables, for tests of connectors.

use bron_mappings::Batch;

use crate::error::Error;
use crate::ledger::TableLedger;
use crate::source::{Source, TableSchema, UnreadableRow};

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

/// A type of a column, a value in SQL and the text that it travels as.
pub(crate) type Case<'c> = (&'c str, &'c str, &'c str);

/// Statements that make the table `t` of these cases, with a row of their values and a row of NULLs.
pub(crate) fn typed_table(cases: &[Case<'_>]) -> [String; 3] {
    let columns = |part: fn(usize, &Case<'_>) -> String| {
        cases.iter().enumerate().map(|(at, case)| part(at, case)).collect::<Vec<_>>().join(", ")
    };
    [
        format!("CREATE TABLE t ({})", columns(|at, case| format!("c{at} {} NULL", case.0))),
        format!("INSERT INTO t VALUES ({})", columns(|_, case| case.1.to_owned())),
        format!("INSERT INTO t VALUES ({})", columns(|_, _| "NULL".to_owned())),
    ]
}

/// What came of such a table: the row of NULLs first, as it comes without a key, and the row of values.
pub(crate) fn expect_typed_rows(found: &WholeTable, cases: &[Case<'_>]) {
    assert_eq!(found.ledger.staged, 2);
    for (at, (declared, _, expected)) in cases.iter().enumerate() {
        assert_eq!(found.texts(at), [None, Some((*expected).to_owned())], "{declared}");
    }
}

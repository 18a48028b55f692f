//! Batches that are built row by row.

use std::mem;

use bron_mappings::{Batch, BatchSchema, ColumnBuilder, Value};

use crate::source::UnreadableRow;

const BASKET_ROWS: usize = 4096;
const BASKET_BYTES: usize = 32 << 20;

pub(crate) struct RowBuilder {
    schema: BatchSchema,
    columns: Vec<ColumnBuilder>,
    row_limit: usize,
    byte_limit: usize,
    rows: usize,
    bytes: usize,
    /// The bytes of the rows that were ended.
    ended_bytes: usize,
}

impl RowBuilder {
    /// Batches of at most `row_limit` rows, which end early with the row whose texts and bytes reach `byte_limit`.
    pub(crate) fn new(schema: BatchSchema, row_limit: usize, byte_limit: usize) -> Self {
        let row_limit = row_limit.max(1);
        let columns =
            schema.columns().iter().map(|column| ColumnBuilder::new(column.kind, row_limit.min(8192)));
        let columns = columns.collect();
        Self { columns, schema, row_limit, byte_limit, rows: 0, bytes: 0, ended_bytes: 0 }
    }

    pub(crate) fn schema(&self) -> &BatchSchema {
        &self.schema
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows >= self.row_limit || self.bytes >= self.byte_limit
    }

    /// Adds a value to one column of the row under construction.
    #[inline]
    pub(crate) fn push(&mut self, column: usize, value: Option<Value<'_>>) {
        self.bytes += match value {
            Some(Value::Text(text)) => text.len(),
            Some(Value::Bytes(bytes)) => bytes.len(),
            Some(
                Value::Bool(_)
                | Value::Int(_)
                | Value::Decimal(_)
                | Value::Date(_)
                | Value::Time(_)
                | Value::Id(_),
            )
            | None => 0,
        };
        self.columns[column].push(value);
    }

    /// Ends the row, whose every column has got one value, and gives the size of its texts and bytes.
    pub(crate) fn end_row(&mut self) -> usize {
        self.rows += 1;
        self.bytes - mem::replace(&mut self.ended_bytes, self.bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The rows so far as a batch.
    pub(crate) fn finish(&mut self) -> Batch {
        let rows = mem::take(&mut self.rows);
        (self.bytes, self.ended_bytes) = (0, 0);
        let columns = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        Batch::new(&self.schema, columns, rows).expect("every column got one value per row")
    }
}

/// Unreadable rows that wait for the caller. A full basket ends a batch, so that a source of nothing but
/// damage does not fill the memory.
#[derive(Default)]
pub(crate) struct Basket {
    rows: Vec<UnreadableRow>,
    bytes: usize,
}

impl Basket {
    pub(crate) fn add(&mut self, row: UnreadableRow) {
        self.bytes += row.raw.len();
        self.rows.push(row);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows.len() >= BASKET_ROWS || self.bytes >= BASKET_BYTES
    }

    pub(crate) fn empty(&mut self) -> Vec<UnreadableRow> {
        self.bytes = 0;
        mem::take(&mut self.rows)
    }
}

#[cfg(test)]
mod tests {
    use bron_mappings::ColumnType;

    use super::*;

    #[test]
    fn long_texts_end_a_batch_early() {
        let schema = BatchSchema::new([("t".to_owned(), ColumnType::Text)]);
        let mut builder = RowBuilder::new(schema, 1000, 32 << 20);
        let text = "x".repeat(20 << 20);
        builder.push(0, Some(Value::Text(&text)));
        builder.end_row();
        assert!(!builder.is_full());
        builder.push(0, Some(Value::Text(&text)));
        builder.end_row();
        assert!(builder.is_full());
        assert_eq!(builder.finish().rows(), 2);
        assert!(builder.is_empty());
    }
}

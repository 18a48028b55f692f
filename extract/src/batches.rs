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
    standing: Vec<Standing>,
    /// The bytes that the columns with a standing text have in each row.
    standing_bytes: usize,
}

/// A column that has the same text, or NULL, in every row.
struct Standing {
    column: usize,
    text: Option<String>,
    /// The rows of the batch that have got what they have in this column.
    rows: usize,
}

impl Standing {
    /// Gives the column what it has up to a row.
    fn fill(&mut self, columns: &mut [ColumnBuilder], rows: usize) {
        let missing = rows - mem::replace(&mut self.rows, rows);
        columns[self.column].push_times(self.text.as_deref().map(Value::Text), missing);
    }
}

impl RowBuilder {
    /// Batches of at most `row_limit` rows, which end early with the row whose texts and bytes reach `byte_limit`.
    pub(crate) fn new(schema: BatchSchema, row_limit: usize, byte_limit: usize) -> Self {
        let row_limit = row_limit.max(1);
        let columns =
            schema.columns().iter().map(|column| ColumnBuilder::new(column.kind, row_limit.min(8192)));
        let columns = columns.collect();
        Self {
            columns,
            schema,
            row_limit,
            byte_limit,
            rows: 0,
            bytes: 0,
            ended_bytes: 0,
            standing: Vec::new(),
            standing_bytes: 0,
        }
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

    /// Gives a column the same text, or NULL, in every row from the one under construction on, until it is given
    /// another. No value is pushed to it then. It is written once for many rows, which costs next to nothing.
    pub(crate) fn stand(&mut self, column: usize, text: Option<&str>) {
        let rows = self.rows;
        match self.standing.iter_mut().find(|standing| standing.column == column) {
            Some(standing) if standing.text.as_deref() == text => {}
            Some(standing) => {
                standing.fill(&mut self.columns, rows);
                standing.text = text.map(str::to_owned);
            }
            None => self.standing.push(Standing { column, text: text.map(str::to_owned), rows }),
        }
        self.count_standing();
    }

    /// Has values pushed to a column from the row under construction on, whatever stood there.
    pub(crate) fn vary(&mut self, column: usize) {
        if let Some(at) = self.standing.iter().position(|standing| standing.column == column) {
            self.standing.swap_remove(at).fill(&mut self.columns, self.rows);
            self.count_standing();
        }
    }

    fn count_standing(&mut self) {
        let texts = self.standing.iter().filter_map(|standing| standing.text.as_deref());
        self.standing_bytes = texts.map(str::len).sum();
    }

    /// Ends the row, whose every column has got one value or has a standing one, and gives the size of its texts and
    /// bytes.
    pub(crate) fn end_row(&mut self) -> usize {
        self.rows += 1;
        self.bytes += self.standing_bytes;
        self.bytes - mem::replace(&mut self.ended_bytes, self.bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The rows so far as a batch.
    pub(crate) fn finish(&mut self) -> Batch {
        let rows = mem::take(&mut self.rows);
        (self.bytes, self.ended_bytes) = (0, 0);
        for standing in &mut self.standing {
            standing.fill(&mut self.columns, rows);
            standing.rows = 0;
        }
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
    fn a_standing_text_is_what_pushing_it_to_every_row_gives() {
        let schema = BatchSchema::new(["a", "b"].map(|name| (name.to_owned(), ColumnType::Text)));
        let texts = [Some("x"), Some("x"), None, Some("åå"), Some("åå"), Some("åå"), None];
        for batch_rows in 1..=texts.len() {
            let [mut pushed, mut standing] =
                [(); 2].map(|()| RowBuilder::new(schema.clone(), batch_rows, 100));
            for (row, text) in texts.into_iter().enumerate() {
                let number = row.to_string();
                pushed.push(1, text.map(Value::Text));
                if row == 4 {
                    standing.vary(1);
                    standing.push(1, text.map(Value::Text));
                } else {
                    standing.stand(1, text);
                }
                let sizes = [&mut pushed, &mut standing].map(|builder| {
                    builder.push(0, Some(Value::Text(&number)));
                    builder.end_row()
                });
                assert_eq!(sizes[0], sizes[1]);
                assert_eq!(pushed.is_full(), standing.is_full());
                if pushed.is_full() {
                    assert_eq!(pushed.finish().record(), standing.finish().record());
                }
            }
            assert_eq!(pushed.finish().record(), standing.finish().record(), "{batch_rows} rows at a time");
        }
    }

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

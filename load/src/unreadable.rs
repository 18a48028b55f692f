//! Rows that are read back, gathered into batches that say which stored values could not be read.

use bron_mappings::{Batch, BatchSchema, ColumnBuilder, ColumnType, UNREADABLE, Value};

use crate::layout::Layout;
use crate::sink::READ_ROWS;

/// Gathers rows into the next batch.
pub(crate) struct Collector {
    schema: BatchSchema,
    layout: Layout,
    builders: Vec<ColumnBuilder>,
    unreadable: ColumnBuilder,
    rows: usize,
}

impl Collector {
    pub(crate) fn new(layout: Layout) -> Self {
        let columns = layout.columns.iter().map(|column| (column.name.clone(), column.kind));
        let schema = BatchSchema::new(columns.chain([(UNREADABLE.to_owned(), ColumnType::Text)]));
        let builders =
            layout.columns.iter().map(|column| ColumnBuilder::new(column.kind, READ_ROWS)).collect();
        Self {
            schema,
            layout,
            builders,
            unreadable: ColumnBuilder::new(ColumnType::Text, READ_ROWS),
            rows: 0,
        }
    }

    pub(crate) const fn schema(&self) -> &BatchSchema {
        &self.schema
    }

    pub(crate) fn table(&self) -> &str {
        &self.layout.table
    }

    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// The number of fields in a row.
    pub(crate) fn width(&self) -> usize {
        self.builders.len()
    }

    /// Adds a row. `cell` is called for each field with its position, type and builder; it adds the value
    /// or NULL and gives `true`, or adds nothing and gives `false` when the value is not one of the type.
    pub(crate) fn row(&mut self, mut cell: impl FnMut(usize, ColumnType, &mut ColumnBuilder) -> bool) {
        let mut unreadable = String::new();
        for (index, (builder, column)) in self.builders.iter_mut().zip(&self.layout.columns).enumerate() {
            if !cell(index, column.kind, builder) {
                builder.push(None);
                if !unreadable.is_empty() {
                    unreadable.push(',');
                }
                unreadable.push_str(&column.name);
            }
        }
        self.unreadable.push((!unreadable.is_empty()).then_some(Value::Text(&unreadable)));
        self.rows += 1;
    }

    /// The rows so far as a batch, or `None` when there are none.
    pub(crate) fn finish(&mut self) -> Option<Batch> {
        if self.rows == 0 {
            return None;
        }
        let mut columns: Vec<_> = self.builders.iter_mut().map(ColumnBuilder::finish).collect();
        columns.push(self.unreadable.finish());
        let rows = std::mem::take(&mut self.rows);
        Some(Batch::new(&self.schema, columns, rows).expect("the builders were made from the schema"))
    }
}

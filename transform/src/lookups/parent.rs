//! Rows of another table, found by key.

use bron_mappings::{Batch, Cells, ColumnBuilder, ColumnType, Value};

use super::index::KeyIndex;
use super::{columns_of, join_key, text_at, text_schema};

/// The rows of one table by key. When two rows have the same key the first one counts.
#[derive(Debug)]
pub struct ParentTable {
    rows: KeyIndex,
    values: Batch,
}

/// Gathers a [`ParentTable`].
pub struct ParentBuilder {
    key: Vec<String>,
    columns: Vec<String>,
    rows: KeyIndex,
    builders: Vec<ColumnBuilder>,
}

impl ParentTable {
    /// Gathers rows by `key` for the texts of `columns`.
    #[must_use]
    pub fn builder(key: Vec<String>, columns: Vec<String>) -> ParentBuilder {
        let builders = columns.iter().map(|_| ColumnBuilder::new(ColumnType::Text, 0)).collect();
        ParentBuilder { key, columns, rows: KeyIndex::default(), builders }
    }

    /// The place of the row with this key.
    pub(crate) fn find<'t>(&self, key: impl IntoIterator<Item = Option<&'t str>>) -> Option<usize> {
        self.rows.find(&join_key(key)?)
    }

    /// The cells of a column that was asked for, by place.
    pub(crate) fn column(&self, name: &str) -> Option<Cells<'_>> {
        self.values.cells_named(name)
    }
}

impl ParentBuilder {
    /// Adds the rows of a batch. A row with NULL or an empty text in its key is nobody's parent.
    pub fn add(&mut self, batch: &Batch) {
        let key = columns_of(batch, &self.key);
        let values = columns_of(batch, &self.columns);
        for row in 0..batch.rows() {
            let Some(name) = join_key(key.iter().map(|cells| text_at(cells.as_ref(), row))) else { continue };
            let (_, new) = self.rows.insert(&name);
            if new {
                for (builder, cells) in self.builders.iter_mut().zip(&values) {
                    builder.push(text_at(cells.as_ref(), row).map(Value::Text));
                }
            }
        }
    }

    /// The finished table.
    ///
    /// # Panics
    /// Never: the columns are built together.
    #[must_use]
    pub fn finish(mut self) -> ParentTable {
        let schema = text_schema(&self.columns);
        let columns = self.builders.iter_mut().map(ColumnBuilder::finish).collect();
        let values = Batch::new(&schema, columns, self.rows.len()).expect("every column got one value a row");
        ParentTable { rows: self.rows, values }
    }
}

//! Legacy rows as columns: what the engine maps.

use bron_mappings::{Batch, BatchSchema, ColumnBuilder, ColumnType, Value};
use bron_transform::SourceText;

use crate::change::Image;

/// Whether a row cannot be carried by these columns: bytes that are no text stand where texts do.
pub(super) fn is_misfit(schema: &BatchSchema, image: &Image) -> bool {
    schema.columns().iter().any(|column| {
        let found = image.columns().get(&column.name);
        column.kind == ColumnType::Text && matches!(found, Some(SourceText::Bytes(_)))
    })
}

/// These rows as one batch. A column that a row lacks is NULL there, and so is one that it cannot carry.
pub(super) fn batch_of<'i>(schema: &BatchSchema, rows: &(impl Iterator<Item = &'i Image> + Clone)) -> Batch {
    let count = rows.clone().count();
    let columns = schema.columns().iter().map(|column| {
        let mut cells = ColumnBuilder::new(column.kind, count);
        for image in rows.clone() {
            cells.push(match (column.kind, image.columns().get(&column.name)) {
                (ColumnType::Bytes, Some(SourceText::Bytes(bytes))) => Some(Value::Bytes(bytes)),
                (ColumnType::Bytes, Some(SourceText::Text(text))) => Some(Value::Bytes(text.as_bytes())),
                (ColumnType::Text, Some(SourceText::Text(text))) => Some(Value::Text(text)),
                _ => None,
            });
        }
        cells.finish()
    });
    Batch::new(schema, columns.collect(), count).expect("every column got one value a row")
}

//! Rows that no source table has: what they are made of, and what they say about where they come from.

use std::collections::BTreeMap;

use bron_mappings::{Action, Batch, BatchSchema, ColumnBuilder, Entity, EntityId, ReasonCode, Value};

use crate::output::reject_schema;

/// The system that such rows say they come from: the bridge itself.
pub const BRIDGE_SYSTEM: &str = "bron";

/// What a column of a row holds; NULL for a column that is not named.
pub(crate) type Row = BTreeMap<&'static str, Cell>;

pub(crate) enum Cell {
    Text(String),
    Int(i64),
    Bool(bool),
    Date(i32),
    Time(i64),
    Id(EntityId),
    Bytes(Vec<u8>),
}

impl Cell {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Int(number) => Value::Int(*number),
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Date(days) => Value::Date(*days),
            Self::Time(micros) => Value::Time(*micros),
            Self::Id(id) => Value::Id(*id.as_bytes()),
            Self::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

/// Adds what every row of an entity says about where it comes from.
pub(crate) fn shared(entity: &Entity, table: &str, mut row: Row, mapping_version: &str) -> Row {
    for (column, text) in [
        ("sekretess_klass", entity.sekretess_klass.as_str()),
        ("src_system", BRIDGE_SYSTEM),
        ("src_table", table),
        ("mapping_version", mapping_version),
    ] {
        row.insert(column, Cell::Text(text.to_owned()));
    }
    row.insert("mapping_id", Cell::Text(format!("{BRIDGE_SYSTEM}/{table}")));
    row
}

/// A mark of the whole row with this key.
pub(crate) fn mark(table: &str, key: String, reason: ReasonCode) -> Row {
    let texts = [
        ("system", BRIDGE_SYSTEM.to_owned()),
        ("table", table.to_owned()),
        ("src_key", key),
        ("action", Action::Flag.name().to_owned()),
        ("reason", reason.code().to_owned()),
    ];
    texts.into_iter().map(|(column, text)| (column, Cell::Text(text))).collect()
}

/// The rejects that these marks make; what a mark does not say is an empty text.
pub(crate) fn rejects(rows: &[Row]) -> Batch {
    let empty = Cell::Text(String::new());
    columns(&reject_schema(), rows, Some(&empty))
}

/// Rows as columns of a schema.
pub(crate) fn batch(schema: &BatchSchema, rows: &[Row]) -> Batch {
    columns(schema, rows, None)
}

fn columns(schema: &BatchSchema, rows: &[Row], absent: Option<&Cell>) -> Batch {
    let columns = schema.columns().iter().map(|column| {
        let mut builder = ColumnBuilder::new(column.kind, rows.len());
        for row in rows {
            builder.push(row.get(column.name.as_str()).or(absent).map(Cell::value));
        }
        builder.finish()
    });
    Batch::new(schema, columns.collect(), rows.len()).expect("every column got one value a row")
}

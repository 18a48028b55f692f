//! The statement that reads the rows of a span.

use super::catalog::KnownTable;
use super::quoted;
use crate::selection::{between, push_condition};
use crate::source::TableSchema;
use crate::span::{KeyValue, Mark, Span};

/// A statement, and what it gives.
pub(super) struct Selection {
    pub(super) statement: String,
    /// What is bound to its parameters, the first to `?1`. Values keep their type: SQLite orders by it.
    pub(super) parameters: Vec<KeyValue>,
    /// Which values of a row its mark is made of.
    pub(super) key: Vec<usize>,
}

/// The statement for the columns of `table`; `None` when a mark is not of this table.
pub(super) fn select(table: &TableSchema, known: &KnownTable, span: &Span) -> Option<Selection> {
    let order: Vec<String> = known.order.iter().map(|name| quoted(name)).collect();
    // Whatever the column's own collation, so that every connector gives the same order.
    let by_bytes: Vec<String> = order.iter().map(|name| format!("{name} COLLATE BINARY")).collect();
    let mut values: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
    let mut key = Vec::new();
    if known.order_is_total {
        key.extend(values.len()..values.len() + order.len());
        values.extend(order);
    }
    if values.is_empty() {
        // A table may be read for its number of rows alone.
        values.push("NULL".to_owned());
    }
    let mut parameters = Vec::new();
    let mut against = |mark: &Option<Mark>| match mark {
        None => Some(None),
        Some(mark) => {
            let values =
                mark.key().filter(|values| known.order_is_total && values.len() == by_bytes.len())?;
            let bound = values.iter().map(|value| {
                parameters.push(value.clone());
                format!("?{}", parameters.len())
            });
            Some(Some(by_bytes.iter().cloned().zip(bound).collect::<Vec<_>>()))
        }
    };
    let mut rows = between(against(&span.after)?, against(&span.up_to)?);
    if let Some(least) = &span.at_least {
        parameters.push(KeyValue::Text(least.value.clone()));
        push_condition(&mut rows, &format!("{} >= ?{}", quoted(&least.column), parameters.len()));
    }
    let (values, name, order) = (values.join(", "), quoted(&table.name), by_bytes.join(", "));
    let statement = format!("SELECT {values} FROM main.{name}{rows} ORDER BY {order}");
    Some(Selection { statement, parameters, key })
}

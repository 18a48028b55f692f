//! Rows of a target as they are read and written by a harness: every value as a text, and as a literal of SQL.

use std::io::{Error, Result};

use bron_outside::{Kind, Look};

use crate::shape::{Class, Column};

/// The rows of a table that something is done to, as literals of SQL with all their columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    table: String,
    /// Which rows: what stands after WHERE.
    which: String,
    columns: Vec<String>,
    rows: Vec<String>,
}

impl Kept {
    /// The rows as they are now.
    pub(crate) fn now(look: &mut Look, table: &str, which: &str) -> Result<Self> {
        let columns = look.columns(table)?;
        if columns.is_empty() {
            return Err(Error::other(format!("the target has no table {table}")));
        }
        let literal = |name: &String| match look.kind() {
            Kind::Sqlite => format!("quote({})", quoted(name)),
            Kind::Postgres => format!("quote_nullable({}::text)", quoted(name)),
        };
        let row: Vec<String> = columns.iter().map(literal).collect();
        let sql = format!("SELECT {} FROM {} WHERE {which}", row.join(" || ',' || "), quoted(table));
        let mut rows = look.texts(&sql)?.concat();
        rows.sort();
        Ok(Self { table: table.to_owned(), which: which.to_owned(), columns, rows })
    }

    /// The statements that put the rows back to what they were.
    pub(crate) fn undone(&self) -> Vec<String> {
        let Self { table, which, columns, rows } = self;
        let (table, columns) = (quoted(table), columns.iter().map(|name| quoted(name)).collect::<Vec<_>>());
        let insert = |row: &String| format!("INSERT INTO {table} ({}) VALUES ({row})", columns.join(", "));
        let delete = format!("DELETE FROM {table} WHERE {which}");
        std::iter::once(delete).chain(rows.iter().map(insert)).collect()
    }
}

/// A name as SQL has it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL has it.
pub(crate) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// A value of a column as SQL has it. Bytes are told as hexadecimal digits.
pub(crate) fn literal(kind: Kind, class: Class, value: Option<&str>) -> String {
    match (value, class, kind) {
        (None, _, _) => "NULL".to_owned(),
        (Some(digits), Class::Bytes, Kind::Sqlite) => format!("x{}", text(digits)),
        (Some(digits), Class::Bytes, Kind::Postgres) => text(&format!("\\x{digits}")),
        (Some(value), ..) => text(value),
    }
}

/// What gives the value of a column as a text.
pub(crate) fn as_text(kind: Kind, column: &Column) -> String {
    let name = quoted(&column.name);
    match (column.class, kind) {
        (Class::Bytes, Kind::Sqlite) => format!("CASE WHEN {name} IS NOT NULL THEN hex({name}) END"),
        (Class::Bytes, Kind::Postgres) => format!("encode({name}, 'hex')"),
        (_, Kind::Sqlite) => format!("CAST({name} AS TEXT)"),
        (_, Kind::Postgres) => format!("{name}::text"),
    }
}

/// Which row: what stands after WHERE.
pub(crate) fn with_id(id: &str) -> String {
    format!("\"id\" = {}", text(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_literals_of_either_database() {
        assert_eq!(literal(Kind::Sqlite, Class::Text, Some("it's")), "'it''s'");
        assert_eq!(literal(Kind::Sqlite, Class::Bytes, Some("00ff")), "x'00ff'");
        assert_eq!(literal(Kind::Postgres, Class::Bytes, Some("00ff")), "'\\x00ff'");
        assert_eq!(literal(Kind::Postgres, Class::Ore, None), "NULL");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}

//! Puts the records of a system that lie in an SQLite file somewhere else: onto servers and into delimited files.

#[cfg(all(feature = "postgres-tests", feature = "mariadb-tests", feature = "odbc-tests"))]
pub(crate) mod files;
#[cfg(feature = "mariadb-tests")]
pub(crate) mod mariadb;
#[cfg(feature = "postgres-tests")]
pub(crate) mod postgres;

use std::path::Path;

use crate::support::sqlite_rows;

/// Rows that one statement inserts.
const ROWS: usize = 500;

/// How a column's values are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whole numbers.
    Whole,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
}

/// A column of a table.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The place in the primary key from 1, or 0.
    key: u32,
}

/// A table of an SQLite database.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
}

/// The tables of an SQLite database.
pub(crate) fn tables(database: &Path) -> Vec<Table> {
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
    let names = sqlite_rows(database, names).into_iter().filter_map(|mut row| row.remove(0));
    names.map(|name| Table { columns: columns(database, &name), name }).collect()
}

fn columns(database: &Path, table: &str) -> Vec<Column> {
    let query = format!("SELECT name, type, CAST(pk AS TEXT) FROM pragma_table_info('{table}') ORDER BY cid");
    let column = |row: Vec<Option<String>>| {
        let [name, kind, key] = <[Option<String>; 3]>::try_from(row).unwrap().map(Option::unwrap);
        let kind = match kind.as_str() {
            "INTEGER" => Kind::Whole,
            "BLOB" => Kind::Bytes,
            _ => Kind::Text,
        };
        Column { name, kind, key: key.parse().unwrap() }
    };
    sqlite_rows(database, &query).into_iter().map(column).collect()
}

impl Table {
    /// The columns of the primary key in its order.
    pub(crate) fn key(&self) -> Vec<&Column> {
        let mut key: Vec<&Column> = self.columns.iter().filter(|column| column.key > 0).collect();
        key.sort_by_key(|column| column.key);
        key
    }
}

/// What differs between servers.
struct Dialect {
    quote: char,
    text: &'static str,
    /// The type of a text in a primary key.
    key_text: &'static str,
    bytes: &'static str,
    /// What stands before the digits of bytes, as SQLite writes the text.
    digits: &'static str,
    /// What stands behind the columns of a table.
    storage: &'static str,
}

impl Dialect {
    fn name(&self, name: &str) -> String {
        format!("{0}{name}{0}", self.quote)
    }

    fn create(&self, table: &Table) -> String {
        let kind = |column: &Column| match column.kind {
            Kind::Whole => "bigint",
            Kind::Bytes => self.bytes,
            Kind::Text if column.key > 0 => self.key_text,
            Kind::Text => self.text,
        };
        let columns =
            table.columns.iter().map(|column| format!("{} {}", self.name(&column.name), kind(column)));
        let mut parts: Vec<String> = columns.collect();
        let key: Vec<String> = table.key().iter().map(|column| self.name(&column.name)).collect();
        if !key.is_empty() {
            parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
        }
        format!("CREATE TABLE {} ({}){}", self.name(&table.name), parts.join(", "), self.storage)
    }

    /// What SQLite is asked for to get a value as a literal.
    fn literal(&self, column: &Column) -> String {
        let name = format!("\"{}\"", column.name);
        let literal = match column.kind {
            Kind::Bytes => format!("'{}' || hex({name}) || ''''", self.digits),
            Kind::Whole | Kind::Text => format!("quote(CAST({name} AS TEXT))"),
        };
        format!("CASE WHEN {name} IS NULL THEN 'NULL' ELSE {literal} END")
    }

    /// The statements that make a table and fill it, in another order than its rows have.
    fn statements(&self, database: &Path, table: &Table) -> Vec<String> {
        let literals: Vec<String> = table.columns.iter().map(|column| self.literal(column)).collect();
        let rows =
            format!("SELECT {} FROM \"{}\" ORDER BY rowid DESC", literals.join(" || ', ' || "), table.name);
        let rows: Vec<String> =
            sqlite_rows(database, &rows).into_iter().filter_map(|mut row| row.remove(0)).collect();
        let insert = |rows: &[String]| {
            format!("INSERT INTO {} VALUES ({})", self.name(&table.name), rows.join("), ("))
        };
        std::iter::once(self.create(table)).chain(rows.chunks(ROWS).map(insert)).collect()
    }
}

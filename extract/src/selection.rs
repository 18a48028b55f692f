//! The statement that reads a table from a server: the columns that are wanted, in an order that is always the
//! same.

use crate::error::{Error, ErrorKind};
use crate::source::{SourceColumn, TableSchema};

/// What a dialect of SQL says about a column.
pub(crate) trait Selectable {
    /// The column, as it is described to others.
    fn column(&self) -> &SourceColumn;

    /// The value as SQL text, in a form that the reader knows.
    fn value(&self) -> String;

    /// What orders rows by this column, as a part of the primary key. Texts are ordered by their bytes, so that
    /// no language's rules have a say.
    fn order_in_key(&self) -> String;

    /// What orders rows by the text of this column, NULL first, where there is no key.
    fn order_by_text(&self) -> String;
}

/// A table as its server's catalog describes it.
pub(crate) struct KnownTable<C> {
    pub(crate) columns: Vec<C>,
    /// The names of the primary key's columns in key order; empty when there is none.
    pub(crate) key: Vec<String>,
}

impl<C: Selectable> KnownTable<C> {
    /// Makes a table of columns, each with its position in the primary key when it is part of it.
    pub(crate) fn new(columns: Vec<(C, Option<i64>)>) -> Self {
        let name = |column: &C| column.column().name.clone();
        let mut key: Vec<(i64, String)> =
            columns.iter().filter_map(|(column, position)| Some(((*position)?, name(column)))).collect();
        key.sort_unstable();
        Self {
            columns: columns.into_iter().map(|(column, _)| column).collect(),
            key: key.into_iter().map(|(_, name)| name).collect(),
        }
    }

    /// What others are told of the table.
    pub(crate) fn schema(&self, name: String, rows_estimate: u64) -> TableSchema {
        let columns = self.columns.iter().map(|known| known.column().clone()).collect();
        TableSchema { name, columns, key_unique: self.key.clone(), rows_estimate }
    }

    /// The statement that reads the columns of `wanted` from the table that SQL calls `from`, and what the
    /// catalog says of each of them. `place` names the server in errors.
    pub(crate) fn select(
        &self,
        place: &str,
        from: &str,
        wanted: &TableSchema,
    ) -> Result<(String, Vec<&C>), Error> {
        let named = |name: &str| self.columns.iter().find(|known| known.column().name == name);
        let chosen = wanted.columns.iter().map(|column| {
            let known = named(&column.name).ok_or_else(|| {
                let problem = format!("{place}: table {} has no column {}", wanted.name, column.name);
                Error::new(ErrorKind::Drift, problem)
            })?;
            let (before, now) = (&column.declared_type, &known.column().declared_type);
            // Whoever describes a table without types takes it as it is.
            if before.is_empty() || before == now {
                return Ok(known);
            }
            let (table, column) = (&wanted.name, &column.name);
            let problem = format!("{place}: table {table}: column {column} is {now} now and was {before}");
            Err(Error::new(ErrorKind::Drift, problem))
        });
        let chosen = chosen.collect::<Result<Vec<_>, _>>()?;
        // A table may be read for its number of rows alone.
        let values = if chosen.is_empty() {
            "NULL".to_owned()
        } else {
            chosen.iter().map(|known| known.value()).collect::<Vec<_>>().join(", ")
        };
        // What is not read may not be readable; rows that are the same in what is read may change places.
        let order: Vec<String> = if self.key.is_empty() {
            chosen.iter().map(|known| known.order_by_text()).collect()
        } else {
            self.key.iter().filter_map(|name| named(name)).map(Selectable::order_in_key).collect()
        };
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
        Ok((format!("SELECT {values} FROM {from}{order}"), chosen))
    }
}

/// What is read, and from where.
pub(crate) struct Reading<F> {
    /// What notes call the source.
    pub(crate) name: String,
    /// What errors call the server.
    pub(crate) place: String,
    /// What errors say was read.
    pub(crate) doing: String,
    /// What has to be done to the values of each column.
    pub(crate) forms: Vec<F>,
}

impl<F> Reading<F> {
    /// The error about an answer that is not what the server should have sent.
    pub(crate) fn corrupt(&self, problem: &str) -> Error {
        Error::new(ErrorKind::Corrupt, format!("{}: {}: {problem}", self.place, self.doing))
    }
}

/// The error about a table that the catalog does not list. A server may hide what the user may not read, so it is
/// asked for the table all the same: `answer` is what came of that.
pub(crate) fn not_listed<T>(place: &str, table: &str, answer: Result<T, Error>) -> Error {
    match answer {
        Err(error) if error.kind() == ErrorKind::Permission || error.is_retryable() => error,
        _ => no_table(place, table),
    }
}

/// The error about a table that is not there any more.
pub(crate) fn no_table(place: &str, table: &str) -> Error {
    Error::new(ErrorKind::Drift, format!("{place}: table {table} is not there any more"))
}

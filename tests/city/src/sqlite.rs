//! Writes one SQLite database: a fixed order of statements on one connection, so that equal rows give
//! equal bytes.

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Connection, Row as _, SqliteConnection};
use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, ErrorKind};
use crate::truth::Ledger;

/// Values bound by one statement; well below SQLite's limit, and small enough to stay in the cache.
const VALUES_PER_STATEMENT: usize = 800;
/// Rows between two commits.
const ROWS_PER_TRANSACTION: u64 = 500_000;

/// A table: its name, and its columns separated by spaces. A column that ends in `#` is an INTEGER, in
/// `%` a BLOB, otherwise TEXT; a `*` before the mark puts it into the primary key.
pub(crate) struct TableSpec {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static str,
}

/// A table of this name with these columns.
pub(crate) const fn spec(name: &'static str, columns: &'static str) -> TableSpec {
    TableSpec { name, columns }
}

impl TableSpec {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.columns.split_ascii_whitespace().map(|column| column.trim_end_matches(['#', '%', '*']))
    }

    fn create(&self) -> String {
        let mut parts: Vec<String> = self
            .columns
            .split_ascii_whitespace()
            .zip(self.names())
            .map(|(column, name)| {
                let kind = match column.as_bytes().last() {
                    Some(b'#') => "INTEGER",
                    Some(b'%') => "BLOB",
                    Some(_) | None => "TEXT",
                };
                format!("\"{name}\" {kind}")
            })
            .collect();
        let key: Vec<String> = self
            .columns
            .split_ascii_whitespace()
            .zip(self.names())
            .filter(|(column, _)| column.contains('*'))
            .map(|(_, name)| format!("\"{name}\""))
            .collect();
        if !key.is_empty() {
            parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
        }
        format!("CREATE TABLE \"{}\" ({})", self.name, parts.join(", "))
    }

    fn insert(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.names().count()].join(","));
        format!("INSERT INTO \"{}\" VALUES {}", self.name, vec![row; rows].join(","))
    }
}

/// One value of a row.
#[derive(Debug)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Literal(&'static str),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&'static str> for Value {
    fn from(value: &'static str) -> Self {
        Self::Literal(value)
    }
}

impl From<[u8; 8]> for Value {
    fn from(value: [u8; 8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Makes an array of [`Value`]s out of anything that converts into one.
macro_rules! row {
    ($($value:expr),* $(,)?) => { [$($crate::sqlite::Value::from($value)),*] };
}
pub(crate) use row;

struct Table {
    spec: &'static TableSpec,
    width: usize,
    rows_per_statement: usize,
    insert: String,
    pending: SqliteArguments,
    pending_rows: usize,
    rows: u64,
}

/// A database that is being written.
pub(crate) struct Database {
    runtime: Runtime,
    connection: SqliteConnection,
    system: &'static str,
    part: PathBuf,
    path: PathBuf,
    tables: Vec<Table>,
    uncommitted: u64,
}

impl Database {
    /// Creates `<system>.sqlite` below the directory under a temporary name, with empty tables.
    pub(crate) fn create(
        directory: &Path,
        system: &'static str,
        specs: &'static [TableSpec],
    ) -> Result<Self, Error> {
        let path = directory.join(format!("{system}.sqlite"));
        let part = directory.join(format!("{system}.sqlite.part"));
        if part.exists() {
            std::fs::remove_file(&part).map_err(Error::io(system))?;
        }
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::io(system))?;
        let options = SqliteConnectOptions::new()
            .filename(&part)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Off)
            .synchronous(SqliteSynchronous::Off)
            .pragma("cache_size", "-65536")
            .pragma("locking_mode", "EXCLUSIVE")
            .disable_statement_logging();
        let connection = runtime
            .block_on(SqliteConnection::connect_with(&options))
            .map_err(|cause| Error::caused(ErrorKind::Database, system, cause))?;
        let mut database = Self {
            runtime,
            connection,
            system,
            part,
            path,
            tables: specs.iter().map(Table::new).collect(),
            uncommitted: 0,
        };
        for spec in specs {
            database.run(spec.create())?;
        }
        database.run("BEGIN".to_owned())?;
        Ok(database)
    }

    fn run(&mut self, sql: String) -> Result<(), Error> {
        self.runtime
            .block_on(sqlx::query(AssertSqlSafe(sql)).execute(&mut self.connection))
            .map(|_| ())
            .map_err(|cause| Error::caused(ErrorKind::Database, self.system, cause))
    }

    /// Adds a row to the table with this index in the specification.
    pub(crate) fn push<const WIDTH: usize>(
        &mut self,
        table: usize,
        row: [Value; WIDTH],
    ) -> Result<(), Error> {
        let target = &mut self.tables[table];
        assert_eq!(target.width, WIDTH, "columns of {}", target.spec.name);
        for value in row {
            target
                .bind(value)
                .map_err(|cause| Error::new(ErrorKind::Database, format!("{}: {cause}", target.spec.name)))?;
        }
        target.pending_rows += 1;
        target.rows += 1;
        if target.pending_rows == target.rows_per_statement {
            self.flush(table)?;
        }
        Ok(())
    }

    fn flush(&mut self, table: usize) -> Result<(), Error> {
        let target = &mut self.tables[table];
        let rows = std::mem::take(&mut target.pending_rows);
        if rows == 0 {
            return Ok(());
        }
        let full = rows == target.rows_per_statement;
        let sql = if full { target.insert.clone() } else { target.spec.insert(rows) };
        let arguments = std::mem::take(&mut target.pending);
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(full);
        self.runtime.block_on(query.execute(&mut self.connection)).map_err(|cause| {
            let context = format!("{} {}", self.system, target.spec.name);
            Error::caused(ErrorKind::Database, context, cause)
        })?;
        self.uncommitted += u64::try_from(rows).unwrap_or(u64::MAX);
        if self.uncommitted >= ROWS_PER_TRANSACTION {
            self.uncommitted = 0;
            self.run("COMMIT".to_owned())?;
            self.run("BEGIN".to_owned())?;
        }
        Ok(())
    }

    /// Runs a statement over everything written so far.
    pub(crate) fn script(&mut self, sql: String) -> Result<(), Error> {
        for table in 0..self.tables.len() {
            self.flush(table)?;
        }
        self.run(sql)
    }

    /// The texts of a query's rows; NULL is `None`.
    pub(crate) fn texts(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Error> {
        let refused = |cause| Error::caused(ErrorKind::Database, self.system, cause);
        let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection)).map_err(refused)?;
        let texts = rows.iter().map(|row| {
            let text = |at| row.try_get_unchecked::<Option<String>, _>(at);
            (0..row.len()).map(text).collect::<Result<Vec<_>, _>>()
        });
        texts.collect::<Result<_, _>>().map_err(refused)
    }

    /// Rows written so far in all tables.
    pub(crate) fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    /// Writes what is pending, closes the file and gives it its name.
    pub(crate) fn finish(mut self, ledger: &mut Ledger) -> Result<(), Error> {
        for table in 0..self.tables.len() {
            self.flush(table)?;
        }
        self.run("COMMIT".to_owned())?;
        let rows = self.rows();
        for table in &self.tables {
            ledger.count(self.system, table.spec.name, table.rows);
        }
        ledger.file(format!("{}.sqlite", self.system), rows);
        self.runtime
            .block_on(self.connection.close())
            .map_err(|cause| Error::caused(ErrorKind::Database, self.system, cause))?;
        std::fs::rename(&self.part, &self.path).map_err(Error::io(self.system))
    }
}

impl Table {
    fn new(spec: &'static TableSpec) -> Self {
        let width = spec.names().count();
        let rows_per_statement = (VALUES_PER_STATEMENT / width).max(1);
        Self {
            spec,
            width,
            rows_per_statement,
            insert: spec.insert(rows_per_statement),
            pending: SqliteArguments::default(),
            pending_rows: 0,
            rows: 0,
        }
    }

    fn bind(&mut self, value: Value) -> Result<(), sqlx::error::BoxDynError> {
        match value {
            Value::Null => self.pending.add(None::<i64>),
            Value::Int(number) => self.pending.add(number),
            Value::Text(text) => self.pending.add(text),
            Value::Literal(text) => self.pending.add(text),
            Value::Bytes(bytes) => self.pending.add(bytes),
        }
    }
}

/// Money as the text of a `money` column: öre with exactly four decimals, `6120.0000`.
pub(crate) fn money(ore: i64) -> String {
    let sign = if ore < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}00", ore.abs() / 100, ore.abs() % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specification_becomes_sql() {
        let spec = TableSpec { name: "T", columns: "A*# B* FROM RV%" };
        assert_eq!(
            spec.create(),
            "CREATE TABLE \"T\" (\"A\" INTEGER, \"B\" TEXT, \"FROM\" TEXT, \"RV\" BLOB, PRIMARY KEY (\"A\", \"B\"))"
        );
        assert_eq!(spec.insert(2), "INSERT INTO \"T\" VALUES (?,?,?,?),(?,?,?,?)");
    }

    #[test]
    fn money_has_four_decimals() {
        assert_eq!(money(612_000), "6120.0000");
        assert_eq!(money(34_550), "345.5000");
        assert_eq!(money(7), "0.0700");
        assert_eq!(money(-7), "-0.0700");
    }
}

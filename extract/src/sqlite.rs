//! SQLite databases as sources.

pub(crate) mod catalog;
mod reader;
mod selection;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bron_mappings::Digest;
use bron_mappings::DigestBuilder;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};
use tokio::runtime::Runtime;

use crate::error::{Error, ErrorKind};
use crate::hashing::file_digest;
use crate::intake::TableRows;
use crate::quoting::in_quotes as quoted;
use crate::selection::unknown_mark;
use crate::source::{Consistency, Source, TableReader, TableSchema};
use crate::span::{Batching, KeyValue, Span};

const LOCK_WAIT: Duration = Duration::from_secs(5);

/// A read-only connection to an SQLite database file.
///
/// All reads happen in one read transaction, so that all tables show one point in time even while other
/// programs write; [`Source::fingerprint`] ends it, takes the digest of the file and of its write-ahead
/// log, and begins the next one. When somebody writes between the two, the digest is taken again, up to three times;
/// a fingerprint therefore always names the rows that are read after it. Of a file that is written all the time there
/// is none: [`ErrorKind::Busy`].
///
/// Values travel as text: whole numbers in decimal, REAL values in the shortest decimal notation that
/// reads back as the same value, without exponent. Columns whose declared type contains `BLOB` travel as
/// bytes. A row with a blob, with text that is not UTF-8 or with an infinite number in a text column is kept
/// aside with the reason [`MALFORMED_VALUE`](crate::MALFORMED_VALUE); its `raw` bytes are, per column in
/// order: `n`, or `i`, `r`, `t`, `b` and a u32 BE length and the value as number text, text or blob.
///
/// Rows come in the order of the primary key, texts by their bytes; those of a table without one in rowid order.
///
/// The methods block and must not be called from asynchronous code.
pub struct SqliteSource {
    path: PathBuf,
    runtime: Runtime,
    connection: SqliteConnection,
    in_transaction: bool,
}

impl SqliteSource {
    /// Opens a database.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] when there is no such file, [`ErrorKind::Unreadable`] when it may not be read or
    /// is no SQLite database, [`ErrorKind::Busy`] when it is locked for longer than five seconds.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_waiting(path, LOCK_WAIT)
    }

    fn open_waiting(path: &Path, lock_wait: Duration) -> Result<Self, Error> {
        // SQLite tells a missing file, a forbidden one and a folder apart by one code only.
        let file = File::open(path).map_err(|error| Error::reading(path, error))?;
        if !file.metadata().is_ok_and(|found| found.is_file()) {
            return Err(Error::new(ErrorKind::Unreadable, format!("{} is not a file", path.display())));
        }
        // Without a driver for sockets, which would have to write to wake up, also when nothing can be written.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| Error::reading(path, error))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .create_if_missing(false)
            .busy_timeout(lock_wait)
            .row_buffer_size(4096);
        let connection = runtime
            .block_on(SqliteConnection::connect_with(&options))
            .map_err(|error| Error::database(path, "opening the database", error))?;
        let mut source = Self { path: path.to_owned(), runtime, connection, in_transaction: false };
        source.begin()?;
        Ok(source)
    }

    fn run(&mut self, statement: &'static str) -> Result<(), Error> {
        self.runtime
            .block_on(self.connection.execute(statement))
            .map(drop)
            .map_err(|error| Error::database(&self.path, "reading the schema", error))
    }

    fn begin(&mut self) -> Result<(), Error> {
        if self.in_transaction {
            self.run("ROLLBACK")?;
            self.in_transaction = false;
        }
        self.run("BEGIN")?;
        self.in_transaction = true;
        // BEGIN alone reads nothing: the first read fixes the point in time.
        self.run("SELECT count(*) FROM sqlite_schema")
    }

    /// Begins a transaction that sees the content of which `content` takes the digest.
    ///
    /// It is taken between two transactions: whoever closes a file gives up all locks that his process has on it,
    /// those of SQLite among them. So SQLite is asked whether anybody wrote meanwhile, and it is taken again then.
    fn fix(&mut self, content: impl Fn(&Path) -> Result<Digest, Error>) -> Result<Digest, Error> {
        const TRIES: usize = 3;
        for _ in 0..TRIES {
            self.end()?;
            let before = self.version()?;
            let digest = content(&self.path)?;
            self.begin()?;
            if self.version()? == before {
                return Ok(digest);
            }
        }
        let problem = "is written while its digest is taken: read it when nobody writes, or read a copy";
        Err(Error::new(ErrorKind::Busy, format!("{} {problem}", self.path.display())))
    }

    /// A number that changes when somebody else has written: in a transaction that of what it sees, else that of now.
    fn version(&mut self) -> Result<i64, Error> {
        let version = sqlx::query_scalar("SELECT data_version FROM pragma_data_version");
        self.runtime
            .block_on(version.fetch_one(&mut self.connection))
            .map_err(|error| Error::database(&self.path, "taking the digest", error))
    }

    fn end(&mut self) -> Result<(), Error> {
        if self.in_transaction {
            self.run("ROLLBACK")?;
            self.in_transaction = false;
        }
        Ok(())
    }
}

/// The digest of a database file and of its write-ahead log.
fn content_digest(path: &Path) -> Result<Digest, Error> {
    let mut digest = DigestBuilder::new("bron.source.sqlite.1");
    digest.part(file_digest(path)?.as_bytes());
    let mut log = path.to_owned().into_os_string();
    log.push("-wal");
    let log = PathBuf::from(log);
    // A reader may create an empty log, which says nothing.
    if fs::metadata(&log).is_ok_and(|found| found.len() > 0) {
        digest.part(file_digest(&log)?.as_bytes());
    }
    Ok(digest.finish())
}

impl Source for SqliteSource {
    fn tables(&mut self) -> Result<Vec<TableSchema>, Error> {
        let Self { path, runtime, connection, .. } = self;
        runtime
            .block_on(catalog::tables(connection))
            .map_err(|error| Error::database(path, "reading the schema", error))
    }

    fn fingerprint(&mut self) -> Result<Digest, Error> {
        self.fix(content_digest)
    }

    fn held_types(&mut self, table: &TableSchema) -> Result<BTreeMap<String, String>, Error> {
        let Self { path, runtime, connection, .. } = self;
        runtime
            .block_on(catalog::held_types(connection, table))
            .map_err(|error| Error::database(path, &format!("table {}", table.name), error))
    }

    fn consistency(&self) -> Consistency {
        Consistency::Point { how: "read transaction", at: String::new() }
    }

    fn read_span<'a>(
        &'a mut self,
        table: &TableSchema,
        span: &Span,
        batching: Batching,
    ) -> Result<Box<dyn TableReader + 'a>, Error> {
        let Self { path, runtime, connection, .. } = self;
        let failed = |error| Error::database(path, &format!("table {}", table.name), error);
        let known = runtime.block_on(catalog::table(connection, &table.name)).map_err(failed)?;
        let known = known.ok_or_else(|| {
            Error::new(ErrorKind::Drift, format!("{} has no table {}", path.display(), table.name))
        })?;
        let is_gone = |name: &str| !known.columns.iter().any(|column| column.name == name);
        if let Some(gone) = table.columns.iter().find(|column| is_gone(&column.name)) {
            let gone = &gone.name;
            let problem = format!("{}: table {} has no column {gone}", path.display(), table.name);
            return Err(Error::new(ErrorKind::Drift, problem));
        }
        let selection = selection::select(table, &known, span)
            .ok_or_else(|| unknown_mark(&path.display().to_string(), &table.name))?;
        let statement = sqlx::query(AssertSqlSafe(selection.statement)).persistent(false);
        let statement = selection.parameters.into_iter().fold(statement, bind);
        let rows = reader::SqliteRows::new(path, runtime, statement.fetch(connection), table, selection.key);
        Ok(Box::new(TableRows::new(rows, table, span, batching)))
    }
}

/// Binds a value of a mark.
fn bind(
    statement: Query<'_, Sqlite, SqliteArguments>,
    value: KeyValue,
) -> Query<'_, Sqlite, SqliteArguments> {
    match value {
        KeyValue::Whole(number) => statement.bind(number),
        // The digits are those of a number: what cannot be read compares as no number does.
        KeyValue::Real(digits) => statement.bind(digits.parse::<f64>().ok()),
        KeyValue::Text(text) => statement.bind(text),
        KeyValue::Bytes(bytes) => statement.bind(bytes),
    }
}

#[cfg(test)]
pub(crate) mod tests;

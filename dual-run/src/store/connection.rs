//! One way to speak with both databases: the same statements, with `$1` for the first value.

use std::path::Path;
use std::time::Duration;

use bron_mappings::Digest;
use sqlx::database::Database;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection as _, Encode, Postgres, Row as _, SqlSafeStr, Sqlite, Type,
};
use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, ErrorKind, Result};

const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Negative means kibibytes: 64 MiB, so that a large cut is not written to the log page by page.
const CACHE: &str = "-65536";
/// Rows of one statement of [`Connection::insert`]: enough that the way to the database costs little, and with 16
/// columns far below the 32,766 values that SQLite takes at once.
const ROWS_AT_ONCE: usize = 64;

/// A value on its way to the database. Each knows its type also when it is NULL, as PostgreSQL wants.
#[derive(Clone)]
pub(super) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

macro_rules! into_value {
    ($($type:ty, $value:ident => $made:expr;)+) => { $(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $made
            }
        }
    )+ };
}

into_value! {
    i64, value => Self::Int(Some(value));
    Option<i64>, value => Self::Int(value);
    bool, value => Self::Int(Some(i64::from(value)));
    &str, value => Self::Text(Some(value.to_owned()));
    String, value => Self::Text(Some(value));
    Option<String>, value => Self::Text(value);
    Vec<u8>, value => Self::Bytes(Some(value));
    Option<Vec<u8>>, value => Self::Bytes(value);
    Digest, value => Self::Bytes(Some(value.as_bytes().to_vec()));
    Option<Digest>, value => Self::Bytes(value.map(|digest| digest.as_bytes().to_vec()));
}

/// The values of a statement, each made into a [`Value`].
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::connection::Value::from($value)),*] };
}
pub(super) use values;

/// A number on its way to the database, which has no numbers of 64 bits without a sign.
///
/// # Errors
/// Kind `Config` above 2^63.
pub(super) fn stored(number: u64) -> Result<i64> {
    let refused = || Error::new(ErrorKind::Config, "a number is larger than the bridge's store can hold");
    i64::try_from(number).map_err(|_| refused())
}

/// One row of an answer.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! column {
    ($row:expr, $column:expr) => {
        match $row {
            Row::Sqlite(row) => row.try_get($column),
            Row::Postgres(row) => row.try_get($column),
        }
        .map_err(|_| strange())
    };
}

/// What stands in the store is not what was written there.
pub(super) fn strange() -> Error {
    Error::new(ErrorKind::Corrupt, "the bridge's store holds something that the bridge did not write")
}

impl Row {
    pub(super) fn maybe_int(&self, column: usize) -> Result<Option<i64>> {
        column!(self, column)
    }

    pub(super) fn int(&self, column: usize) -> Result<i64> {
        self.maybe_int(column)?.ok_or_else(strange)
    }

    /// A number that is never negative.
    pub(super) fn count(&self, column: usize) -> Result<u64> {
        u64::try_from(self.int(column)?).map_err(|_| strange())
    }

    pub(super) fn flag(&self, column: usize) -> Result<bool> {
        match self.int(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(strange()),
        }
    }

    pub(super) fn maybe_text(&self, column: usize) -> Result<Option<String>> {
        column!(self, column)
    }

    pub(super) fn text(&self, column: usize) -> Result<String> {
        self.maybe_text(column)?.ok_or_else(strange)
    }

    pub(super) fn maybe_bytes(&self, column: usize) -> Result<Option<Vec<u8>>> {
        column!(self, column)
    }

    pub(super) fn bytes(&self, column: usize) -> Result<Vec<u8>> {
        self.maybe_bytes(column)?.ok_or_else(strange)
    }

    pub(super) fn maybe_digest(&self, column: usize) -> Result<Option<Digest>> {
        let bytes = self.maybe_bytes(column)?;
        bytes.map(|bytes| bytes.try_into().map(Digest::from_bytes).map_err(|_| strange())).transpose()
    }

    pub(super) fn digest(&self, column: usize) -> Result<Digest> {
        self.maybe_digest(column)?.ok_or_else(strange)
    }
}

enum Link {
    Sqlite(SqliteConnection),
    Postgres(Box<PgConnection>),
}

/// A connection to one of the two databases, and what drives it.
pub(super) struct Connection {
    runtime: Runtime,
    /// Taken when the connection is dropped.
    link: Option<Link>,
    place: String,
    /// After how many more statements every statement fails.
    #[cfg(test)]
    pub(super) fails_after: Option<u32>,
}

fn bound<'q, DB: Database>(sql: impl SqlSafeStr, values: Vec<Value>) -> Query<'q, DB, DB::Arguments>
where
    for<'t> Option<i64>: Encode<'t, DB> + Type<DB>,
    for<'t> Option<String>: Encode<'t, DB> + Type<DB>,
    for<'t> Option<Vec<u8>>: Encode<'t, DB> + Type<DB>,
{
    values.into_iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Int(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Bytes(value) => query.bind(value),
    })
}

impl Connection {
    /// Opens a file in write-ahead mode, of which every commit is flushed to the disk; for reading only when
    /// `writes` is not set.
    pub(super) fn file(path: &Path, writes: bool) -> Result<Self> {
        let options =
            SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT).disable_statement_logging();
        let options = if writes {
            options
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .pragma("cache_size", CACHE)
                // What is purged leaves the file and not only the table.
                .pragma("secure_delete", "ON")
        } else {
            options.read_only(true)
        };
        Self::connected(path.display().to_string(), async move {
            SqliteConnection::connect_with(&options).await.map(Link::Sqlite)
        })
    }

    /// Connects to a server. What is committed survives its crash, whatever the role's default says.
    pub(super) fn server(options: PgConnectOptions, place: String, writes: bool) -> Result<Self> {
        let options = options.application_name("bron dual-run").disable_statement_logging();
        let mut connection = Self::connected(place, async move {
            PgConnection::connect_with(&options).await.map(|link| Link::Postgres(Box::new(link)))
        })?;
        let settings = if writes {
            "SELECT set_config('synchronous_commit', 'on', false) \
             WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        } else {
            "SET default_transaction_read_only = on"
        };
        connection.execute(settings, Vec::new())?;
        Ok(connection)
    }

    fn connected(
        place: String,
        connecting: impl Future<Output = std::result::Result<Link, sqlx::Error>>,
    ) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
            Error::because(ErrorKind::Storage, "the runtime of a connection does not start", error)
        })?;
        let limited = async { tokio::time::timeout(CONNECT_TIMEOUT, connecting).await };
        let link = runtime
            .block_on(limited)
            .map_err(|_| Error::new(ErrorKind::Connection, "no answer within 30 seconds").at(&place))?
            .map_err(|error| Error::of(&error, "the bridge's store cannot be opened").at(&place))?;
        Ok(Self {
            runtime,
            link: Some(link),
            place,
            #[cfg(test)]
            fails_after: None,
        })
    }

    /// Whether a server is behind it, and not a file.
    pub(super) const fn is_server(&self) -> bool {
        matches!(self.link, Some(Link::Postgres(_)))
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Runs a statement and gives the number of rows that it changed.
    pub(super) fn execute(&mut self, sql: impl SqlSafeStr, values: Vec<Value>) -> Result<u64> {
        self.count_statement()?;
        let (runtime, link, place) = self.parts();
        let done = match link {
            Link::Sqlite(link) => {
                runtime.block_on(bound::<Sqlite>(sql, values).execute(link)).map(|done| done.rows_affected())
            }
            Link::Postgres(link) => runtime
                .block_on(bound::<Postgres>(sql, values).execute(&mut **link))
                .map(|done| done.rows_affected()),
        };
        done.map_err(|error| Error::of(&error, "the bridge's store").at(place))
    }

    /// Runs a statement and gives its rows.
    pub(super) fn rows(&mut self, sql: impl SqlSafeStr, values: Vec<Value>) -> Result<Vec<Row>> {
        self.count_statement()?;
        let (runtime, link, place) = self.parts();
        let found = match link {
            Link::Sqlite(link) => runtime
                .block_on(bound::<Sqlite>(sql, values).fetch_all(link))
                .map(|rows| rows.into_iter().map(Row::Sqlite).collect()),
            Link::Postgres(link) => runtime
                .block_on(bound::<Postgres>(sql, values).fetch_all(&mut **link))
                .map(|rows| rows.into_iter().map(Row::Postgres).collect()),
        };
        found.map_err(|error| Error::of(&error, "the bridge's store").at(place))
    }

    /// The first row, when there is one.
    pub(super) fn row(&mut self, sql: impl SqlSafeStr, values: Vec<Value>) -> Result<Option<Row>> {
        Ok(self.rows(sql, values)?.into_iter().next())
    }

    /// The number that a statement gives in its one row.
    pub(super) fn number(&mut self, sql: impl SqlSafeStr, values: Vec<Value>) -> Result<i64> {
        self.row(sql, values)?.ok_or_else(strange)?.int(0)
    }

    /// Inserts rows, many with one statement. `head` is `INSERT INTO t (a, b)`, `tail` what follows the values.
    pub(super) fn insert(&mut self, head: &str, tail: &str, rows: Vec<Vec<Value>>) -> Result<u64> {
        let mut changed = 0;
        let mut rows = rows.into_iter().peekable();
        while let Some(columns) = rows.peek().map(Vec::len) {
            let block: Vec<Vec<Value>> = rows.by_ref().take(ROWS_AT_ONCE).collect();
            let tuples: Vec<String> = (0..block.len())
                .map(|row| {
                    let values = (1..=columns).map(|column| format!("${}", row * columns + column));
                    format!("({})", values.collect::<Vec<_>>().join(","))
                })
                .collect();
            let sql = AssertSqlSafe(format!("{head} VALUES {} {tail}", tuples.join(",")));
            changed += self.execute(sql, block.into_iter().flatten().collect())?;
        }
        Ok(changed)
    }

    /// Begins a transaction that may write. On a file nobody else writes until it has ended.
    pub(super) fn begin(&mut self) -> Result<()> {
        let sql = if self.is_server() { "BEGIN" } else { "BEGIN IMMEDIATE" };
        self.execute(sql, Vec::new()).map(|_| ())
    }

    /// Lets no other writer of the store in until the transaction ends, as a file does by itself.
    pub(super) fn write_alone(&mut self) -> Result<()> {
        if !self.is_server() {
            return Ok(());
        }
        self.rows("SELECT cut FROM bridge_head WHERE one = 1 FOR UPDATE", Vec::new()).map(|_| ())
    }

    /// Begins a transaction that sees one moment and writes nothing.
    pub(super) fn begin_reading(&mut self) -> Result<()> {
        let sql = if self.is_server() { "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" } else { "BEGIN" };
        self.execute(sql, Vec::new()).map(|_| ())
    }

    /// Commits. When this fails, the outcome is not known.
    pub(super) fn commit(&mut self) -> Result<()> {
        self.execute("COMMIT", Vec::new()).map(|_| ())
    }

    /// Takes back everything since [`Connection::begin`]. That it fails changes nothing: what is not committed is
    /// gone with the connection.
    pub(super) fn roll_back(&mut self) {
        let (runtime, link, _) = self.parts();
        drop(match link {
            Link::Sqlite(link) => runtime.block_on(sqlx::query("ROLLBACK").execute(link)).map(|_| ()),
            Link::Postgres(link) => {
                runtime.block_on(sqlx::query("ROLLBACK").execute(&mut **link)).map(|_| ())
            }
        });
    }

    /// Does work in one transaction: all of it or nothing.
    pub(super) fn together<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.begin()?;
        let done = work(self).and_then(|made| self.commit().map(|()| made));
        if done.is_err() {
            self.roll_back();
        }
        done
    }

    /// Folds a file's log into the file, so that what was removed is in neither. A server does that itself.
    pub(super) fn fold(&mut self) -> Result<()> {
        if self.is_server() {
            return Ok(());
        }
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)", Vec::new()).map(|_| ())
    }

    fn parts(&mut self) -> (&Runtime, &mut Link, &str) {
        let link = self.link.as_mut().expect("the link is taken only when the connection is dropped");
        (&self.runtime, link, &self.place)
    }

    /// Where tests let a statement fail.
    fn count_statement(&mut self) -> Result<()> {
        #[cfg(test)]
        if let Some(left) = &mut self.fails_after {
            let refused = || Error::new(ErrorKind::Storage, "the test lets this statement fail");
            *left = left.checked_sub(1).ok_or_else(refused)?;
        }
        Ok(())
    }
}

impl Drop for Connection {
    /// Closes the connection before it is gone: a file's log is folded into it, and a server hears of the end at once.
    fn drop(&mut self) {
        let closed = match self.link.take() {
            Some(Link::Sqlite(link)) => self.runtime.block_on(link.close()),
            Some(Link::Postgres(link)) => self.runtime.block_on(link.close()),
            None => Ok(()),
        };
        // A failure leaves the log beside the file, and the next open reads both.
        drop(closed);
    }
}

//! One connection to a database that is captured: statements in, texts out.

use bron_extract::{Access, ImageTable, Locator, ServerAddress};
use bron_mappings::DigestBuilder;
use sqlx::mysql::{MySql, MySqlConnectOptions, MySqlConnection, MySqlDatabaseError};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Decode, Executor, Row, ValueRef};
use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, ErrorKind, Result};

/// The longest wait for somebody else's lock on a file.
const LOCK_WAIT: std::time::Duration = std::time::Duration::from_secs(5);
const USUAL_SCHEMA: &str = "public";

/// The dialect of SQL that a database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
}

/// A connection, made when it is needed and dropped on any error: an answer that was cut off is never taken for the
/// next one.
pub(super) struct Session {
    dialect: Dialect,
    to: To,
    /// The schema whose tables are meant; empty where there are none.
    schema: String,
    /// What errors call the database.
    place: String,
    runtime: Runtime,
    connection: Option<AnyConnection>,
}

enum To {
    Sqlite(Box<SqliteConnectOptions>),
    Postgres(Box<PgConnectOptions>),
    Mysql(Box<MySqlConnectOptions>),
}

enum AnyConnection {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
    Mysql(Box<MySqlConnection>),
}

/// A row of an answer: the text of each value, NULL as `None`.
pub(super) struct TextRow(Vec<Option<Vec<u8>>>);

impl TextRow {
    /// The bytes of a value.
    pub(super) fn bytes(&self, index: usize) -> Option<&[u8]> {
        self.0.get(index)?.as_deref()
    }

    /// A value as text; `None` for NULL and for what is no text.
    pub(super) fn text(&self, index: usize) -> Option<&str> {
        std::str::from_utf8(self.bytes(index)?).ok()
    }

    /// Adds the row to a digest.
    pub(super) fn add_to(&self, digest: &mut DigestBuilder) {
        for value in &self.0 {
            digest.part(value.as_deref().unwrap_or(b"\0"));
        }
    }

    /// A value as a number; `None` for NULL and for what is no number.
    pub(super) fn number(&self, index: usize) -> Option<u64> {
        self.text(index)?.parse().ok()
    }
}

impl Session {
    /// A connection that only reads, or one that writes as well.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a kind of source whose changes are not captured so.
    pub(super) fn new(access: &Access, writes: bool) -> Result<Self> {
        let config = |error: bron_extract::Error| Error::because(ErrorKind::Config, error.to_string(), error);
        let server = |address: &ServerAddress| (address.to_string(), access.schema.clone());
        let (dialect, to, (place, schema)) = match &access.locator {
            Locator::Sqlite(path) => {
                let options = SqliteConnectOptions::new().filename(path).busy_timeout(LOCK_WAIT);
                let options = options.create_if_missing(false).read_only(!writes);
                (Dialect::Sqlite, To::Sqlite(Box::new(options)), (path.display().to_string(), None))
            }
            Locator::Postgres(address) => {
                let options = access.to_postgres(address).map_err(config)?;
                let only_reads = if writes { "off" } else { "on" };
                let options = options.options([("default_transaction_read_only", only_reads)]);
                (Dialect::Postgres, To::Postgres(Box::new(options)), server(address))
            }
            Locator::Mysql(address) => {
                let options = access.to_mysql(address).map_err(config)?;
                (Dialect::Mysql, To::Mysql(Box::new(options)), server(address))
            }
            Locator::Csv(_) | Locator::Mssql(_) | Locator::Odbc(_) => {
                let problem =
                    "no change log of triggers can be kept there: only SQLite, PostgreSQL, MySQL and MariaDB";
                return Err(Error::new(ErrorKind::Config, format!("{}: {problem}", access.locator)));
            }
        };
        let schema = schema.unwrap_or_else(|| USUAL_SCHEMA.to_owned());
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime
            .map_err(|error| Error::because(ErrorKind::Storage, "the runtime does not start", error))?;
        Ok(Self { dialect, to, schema, place, runtime, connection: None })
    }

    pub(super) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    /// An error about this database.
    pub(super) fn error(&self, kind: ErrorKind, problem: &str) -> Error {
        Error::new(kind, format!("{}: {problem}", self.place))
    }

    /// Runs statements whose answers say nothing.
    pub(super) fn run(&mut self, statements: &str) -> Result<()> {
        self.rows(statements).map(drop)
    }

    /// The rows that a statement answers with.
    pub(super) fn rows(&mut self, statement: &str) -> Result<Vec<TextRow>> {
        self.with(statement, async |connection, statement| {
            let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
            match connection {
                AnyConnection::Sqlite(connection) => {
                    let rows = connection.fetch_all(statement).await?;
                    rows.iter().map(|row| text_row(row.len(), |index| sqlite_value(row, index))).collect()
                }
                AnyConnection::Postgres(connection) => {
                    let rows = connection.fetch_all(statement).await?;
                    rows.iter().map(|row| text_row(row.len(), |index| postgres_value(row, index))).collect()
                }
                AnyConnection::Mysql(connection) => {
                    let rows = connection.fetch_all(statement).await?;
                    rows.iter().map(|row| text_row(row.len(), |index| mysql_value(row, index))).collect()
                }
            }
        })
    }

    /// What a statement answers that has one row.
    pub(super) fn row(&mut self, statement: &str) -> Result<TextRow> {
        let row = self.rows(statement)?.into_iter().next();
        row.ok_or_else(|| self.error(ErrorKind::Database, "a question was not answered"))
    }

    /// How the rows of a table are written down; `None` when there is no such table.
    pub(super) fn image_table(&mut self, table: &str) -> Result<Option<ImageTable>> {
        let schema = self.schema.clone();
        self.with(table, async |connection, table| match connection {
            AnyConnection::Sqlite(connection) => ImageTable::of_sqlite(connection, table).await,
            AnyConnection::Postgres(connection) => ImageTable::of_postgres(connection, &schema, table).await,
            AnyConnection::Mysql(connection) => ImageTable::of_mysql(connection, table).await,
        })
    }

    /// Does something in a transaction that sees one moment.
    pub(super) fn in_snapshot<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.run(match self.dialect {
            Dialect::Sqlite => "BEGIN; SELECT count(*) FROM sqlite_schema",
            Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Dialect::Mysql => "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        })?;
        self.finish("ROLLBACK", work)
    }

    /// Does something in a transaction that writes; where the database commits every change of a schema by itself,
    /// that is each statement.
    pub(super) fn in_transaction<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.run(match self.dialect {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN READ WRITE",
            Dialect::Mysql => "START TRANSACTION READ WRITE",
        })?;
        self.finish("COMMIT", work)
    }

    fn finish<T>(&mut self, end: &str, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let done = work(self).and_then(|done| self.run(end).map(|()| done));
        if done.is_err() {
            self.connection = None;
        }
        done
    }

    fn with<T>(
        &mut self,
        about: &str,
        work: impl AsyncFnOnce(&mut AnyConnection, &str) -> std::result::Result<T, sqlx::Error>,
    ) -> Result<T> {
        let Self { to, runtime, connection, .. } = self;
        let done = runtime.block_on(async {
            let connection = match connection {
                Some(connection) => connection,
                None => connection.insert(connect(to).await?),
            };
            work(connection, about).await
        });
        done.map_err(|error| {
            self.connection = None;
            refused(&self.place, &error)
        })
    }
}

async fn connect(to: &To) -> std::result::Result<AnyConnection, sqlx::Error> {
    Ok(match to {
        To::Sqlite(options) => AnyConnection::Sqlite(Box::new(options.connect().await?)),
        To::Postgres(options) => {
            AnyConnection::Postgres(Box::new(PgConnection::connect_with(options).await?))
        }
        To::Mysql(options) => {
            let mut connection = MySqlConnection::connect_with(options).await?;
            let isolation = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";
            connection.execute(sqlx::raw_sql(isolation)).await?;
            AnyConnection::Mysql(Box::new(connection))
        }
    })
}

type ValueResult = std::result::Result<Option<Vec<u8>>, sqlx::Error>;

fn text_row(width: usize, value: impl Fn(usize) -> ValueResult) -> std::result::Result<TextRow, sqlx::Error> {
    (0..width).map(value).collect::<std::result::Result<_, _>>().map(TextRow)
}

fn sqlite_value(row: &sqlx::sqlite::SqliteRow, index: usize) -> ValueResult {
    let value = row.try_get_raw(index)?;
    if value.is_null() {
        return Ok(None);
    }
    <&[u8] as Decode<Sqlite>>::decode(value).map(|bytes| Some(bytes.to_vec())).map_err(sqlx::Error::Decode)
}

fn postgres_value(row: &sqlx::postgres::PgRow, index: usize) -> ValueResult {
    let value = row.try_get_raw(index)?;
    if value.is_null() {
        return Ok(None);
    }
    value.as_bytes().map(|bytes| Some(bytes.to_vec())).map_err(sqlx::Error::Decode)
}

fn mysql_value(row: &sqlx::mysql::MySqlRow, index: usize) -> ValueResult {
    let value = row.try_get_raw(index)?;
    if value.is_null() {
        return Ok(None);
    }
    <&[u8] as Decode<MySql>>::decode(value).map(|bytes| Some(bytes.to_vec())).map_err(sqlx::Error::Decode)
}

/// What it means that a database did not do what it was asked. Of its words nothing is kept: they may quote a value.
fn refused(place: &str, error: &sqlx::Error) -> Error {
    if let Some(answer) = error.as_database_error() {
        let code = answer.code().unwrap_or_default();
        let (kind, problem) = meaning(&code);
        // Of a SQLSTATE of MySQL little can be understood without its number.
        let number = answer.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number);
        let number = number.map_or_else(String::new, |number| format!(", error {number}"));
        return Error::new(kind, format!("{place}: {problem} ({code}{number})"));
    }
    let is_line = matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_));
    if is_line {
        return Error::new(ErrorKind::Connection, format!("{place}: no answer, or the line broke"));
    }
    Error::new(ErrorKind::Database, format!("{place}: the driver could not read the answer"))
}

/// The meaning of a SQLSTATE, and of the numbers of SQLite, whose lowest eight bits tell the sort.
fn meaning(code: &str) -> (ErrorKind, &'static str) {
    let sqlite = if code.len() == 5 { None } else { code.parse::<u32>().ok().map(|number| number & 0xff) };
    match sqlite {
        Some(5 | 6) => return (ErrorKind::Connection, "somebody else holds a lock"),
        Some(8) => return (ErrorKind::Storage, "it may not be written"),
        Some(10 | 13 | 14 | 26) => return (ErrorKind::Storage, "the file cannot be used"),
        Some(11) => return (ErrorKind::Corrupt, "the file is damaged"),
        Some(_) => return (ErrorKind::Database, "the statement was refused"),
        None => {}
    }
    match code {
        "40001" | "40P01" | "55P03" | "57014" | "53300" => {
            (ErrorKind::Connection, "somebody else was in the way")
        }
        "42P01" | "42703" | "42S02" | "42S22" => {
            (ErrorKind::Drift, "a table or column is not there; is the change log installed?")
        }
        "42501" | "42000" => (ErrorKind::Config, "the user may not do this"),
        "53100" => (ErrorKind::Storage, "the disk is full"),
        code if code.starts_with("08") || code.starts_with("57P") => {
            (ErrorKind::Connection, "the connection was lost")
        }
        code if code.starts_with("28") || code == "3D000" => {
            (ErrorKind::Config, "the server does not let this user in")
        }
        _ => (ErrorKind::Database, "the statement was refused"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_by_itself_is_told_from_what_will_not() {
        for code in ["5", "517", "40001", "08006", "57P01"] {
            assert_eq!(meaning(code).0, ErrorKind::Connection, "{code}");
        }
        for (code, kind) in
            [("11", ErrorKind::Corrupt), ("13", ErrorKind::Storage), ("42P01", ErrorKind::Drift)]
        {
            assert_eq!(meaning(code).0, kind, "{code}");
        }
        assert_eq!((meaning("1").0, meaning("22012").0), (ErrorKind::Database, ErrorKind::Database));
    }
}

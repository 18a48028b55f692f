//! A SQLite file that follows.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bron_load::Dialect;
use bron_mappings::SourceKey;
use bron_transform::SourceText;
use sqlx::sqlite::{
    Sqlite, SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow,
    SqliteSynchronous, SqliteValueRef,
};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Connection, Decode, Row, TypeInfo, ValueRef};

use super::follower::DatabaseFollower;
use super::line::{Answered, Bound, Line, Values};
use super::table::{Described, Followed};
use crate::change::{CutId, Image, Stream};
use crate::error::{Error, Result};
use crate::follower::{Applied, AppliedRow, ApplyWork, Delivery, Follower};
use crate::ownership::Ownership;
use crate::scope::Scope;

const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A SQLite file as a follower.
pub struct SqliteFollower(DatabaseFollower<SqliteLine>);

impl SqliteFollower {
    /// Opens a file whose tables are there, and makes those of the bridge beside them.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Drift`] when a table or a column is missing, and when the file cannot be opened.
    pub fn open(path: &Path, followed: &Followed) -> Result<Self> {
        DatabaseFollower::open(path.to_owned(), path.display().to_string(), followed).map(Self)
    }
}

impl Follower for SqliteFollower {
    fn delivery(&self) -> Delivery {
        Delivery::ExactlyOnce
    }

    fn offset(&mut self, stream: &Stream) -> Result<Option<CutId>> {
        self.0.offset(stream)
    }

    fn applied(&mut self, stream: &Stream, causes: &[SourceKey]) -> Result<Vec<Option<AppliedRow>>> {
        self.0.applied(stream, causes)
    }

    fn current(&mut self, keys: &[SourceKey]) -> Result<Vec<Option<Image>>> {
        self.0.current(keys)
    }

    fn apply(&mut self, work: &ApplyWork) -> Result<Applied> {
        self.0.apply(work)
    }

    fn ownership(&mut self, scope: &Scope) -> Result<Option<Ownership>> {
        self.0.ownership(scope)
    }

    fn set_ownership(&mut self, scope: &Scope, ownership: Ownership) -> Result<()> {
        self.0.set_ownership(scope, ownership)
    }
}

struct SqliteLine(SqliteConnection);

impl Line for SqliteLine {
    type Address = PathBuf;
    const DIALECT: Dialect = Dialect::Sqlite;

    async fn connect(path: &PathBuf) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY_TIMEOUT)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        let connected = SqliteConnection::connect_with(&options).await;
        connected.map(Self).map_err(|error| Error::of(&error, "cannot be opened as a SQLite database"))
    }

    async fn execute(&mut self, sql: &str, values: Vec<Bound>) -> Answered<u64> {
        let query = sqlx::query_with::<Sqlite, _>(AssertSqlSafe(sql.to_owned()), handed_over(values));
        Ok(query.execute(&mut self.0).await?.rows_affected())
    }

    async fn fetch(&mut self, sql: &str, values: Vec<Bound>) -> Answered<Vec<Values>> {
        let query = sqlx::query_with::<Sqlite, _>(AssertSqlSafe(sql.to_owned()), handed_over(values));
        query.fetch_all(&mut self.0).await?.iter().map(row_values).collect()
    }

    async fn script(&mut self, sql: &'static str) -> Answered<()> {
        sqlx::raw_sql(sql).execute(&mut self.0).await.map(drop)
    }

    async fn columns(&mut self, table: &str) -> Answered<Vec<Described>> {
        const COLUMNS: &str = "SELECT name, type FROM pragma_table_xinfo($1) WHERE hidden <> 1 ORDER BY cid";
        let rows = sqlx::query(COLUMNS).bind(table.to_owned()).fetch_all(&mut self.0).await?;
        let described = |row: &SqliteRow| {
            Ok(Described { name: row.try_get(0)?, declared: row.try_get(1)?, is_textual: false })
        };
        rows.iter().map(described).collect()
    }

    async fn begin(&mut self, careful: bool) -> Answered<()> {
        self.script("BEGIN IMMEDIATE").await?;
        if careful { Ok(()) } else { self.script("PRAGMA defer_foreign_keys = ON").await }
    }

    async fn mark(&mut self, cut: Option<&str>) -> Answered<()> {
        self.script("DELETE FROM bridge_origin").await?;
        match cut {
            Some(cut) => {
                let mark = "INSERT INTO bridge_origin (tag) VALUES ($1)";
                self.execute(mark, vec![Bound::text(cut)]).await.map(drop)
            }
            None => Ok(()),
        }
    }
}

fn handed_over(values: Vec<Bound>) -> SqliteArguments {
    let mut arguments = SqliteArguments::default();
    for value in values {
        let added = match value {
            Bound::Text(text) => Arguments::add(&mut arguments, text),
            Bound::Bytes(bytes) => Arguments::add(&mut arguments, bytes),
            Bound::Whole(number) => Arguments::add(&mut arguments, number),
            Bound::Texts(_) | Bound::Blobs(_) | Bound::Wholes(_) => {
                unreachable!("SQLite has no lists, and is never given one")
            }
        };
        added.expect("texts, bytes and whole numbers always encode");
    }
    arguments
}

fn row_values(row: &SqliteRow) -> Answered<Values> {
    (0..row.len()).map(|index| value(row.try_get_raw(index)?)).collect()
}

/// A value as extraction has it: whole numbers in decimal, approximate ones in their shortest digits.
fn value(found: SqliteValueRef<'_>) -> Answered<Option<SourceText>> {
    if found.is_null() {
        return Ok(None);
    }
    let kind = found.type_info().into_owned();
    let decoded = match kind.name() {
        "INTEGER" => {
            <i64 as Decode<Sqlite>>::decode(found).map(|number| SourceText::Text(number.to_string()))
        }
        "REAL" => <f64 as Decode<Sqlite>>::decode(found).map(|number| SourceText::Text(number.to_string())),
        "TEXT" => <&[u8] as Decode<Sqlite>>::decode(found).map(|bytes| match std::str::from_utf8(bytes) {
            Ok(text) => SourceText::Text(text.to_owned()),
            Err(_) => SourceText::Bytes(bytes.to_vec()),
        }),
        _ => <&[u8] as Decode<Sqlite>>::decode(found).map(|bytes| SourceText::Bytes(bytes.to_vec())),
    };
    decoded.map(Some).map_err(sqlx::Error::Decode)
}

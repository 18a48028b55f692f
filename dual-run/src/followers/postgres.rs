//! A PostgreSQL database that follows.

mod sets;

use std::time::Duration;

use bron_load::{Dialect, Target};
use bron_mappings::SourceKey;
use bron_transform::SourceText;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow, Postgres};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Connection, Row, TypeInfo, ValueRef};

use super::applying::Tried;
use super::control::FIND_APPLIED_MANY;
use super::follower::DatabaseFollower;
use super::line::{Answered, Bound, Line, Values, whole};
use super::rows::Rows;
use super::table::{Described, Followed, Tables};
use crate::change::{CutId, Image, Stream};
use crate::error::{Error, ErrorKind, Result};
use crate::follower::{Applied, AppliedRow, ApplyWork, Delivery, Follower, Met};
use crate::ownership::Ownership;
use crate::scope::Scope;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// What every session says first: values have one text, a commit that is answered is durable, and nobody is waited for
/// without end.
const SETTINGS: &str = "SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'; SET bytea_output = 'hex'; \
     SET lock_timeout = '10s'; SET jit = off; SELECT set_config('synchronous_commit', 'on', false) \
     WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// The columns of the table `$1` of the current schema, without those that the database computes.
const COLUMNS: &str = "SELECT a.attname::text, format_type(coalesce(b.oid, t.oid), NULL), \
     coalesce(b.typcategory, t.typcategory) = 'S' FROM pg_class c \
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' \
     JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = t.typbasetype \
     WHERE c.relname = $1::text AND c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') \
     ORDER BY a.attnum";

/// A PostgreSQL database as a follower.
pub struct PostgresFollower(DatabaseFollower<PostgresLine>);

impl PostgresFollower {
    /// Connects to a database whose tables are there, and makes those of the bridge beside them.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the target is a file, [`ErrorKind::Drift`] when a table or a column is missing, and
    /// when the server cannot be used.
    pub fn open(target: &Target, followed: &Followed) -> Result<Self> {
        let refused = |error: bron_load::Error| Error::new(ErrorKind::Config, error.to_string());
        let options = target.server().map_err(refused)?;
        let options =
            options.ok_or_else(|| Error::new(ErrorKind::Config, "the follower is a file, not a server"))?;
        let options = options.application_name("bron bridge").disable_statement_logging();
        DatabaseFollower::open(options, target.to_string(), followed).map(Self)
    }
}

impl Follower for PostgresFollower {
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

struct PostgresLine(PgConnection);

impl Line for PostgresLine {
    type Address = PgConnectOptions;
    const DIALECT: Dialect = Dialect::Postgres;

    async fn connect(options: &PgConnectOptions) -> Result<Self> {
        let failed = |error: sqlx::Error| Error::of(&error, "the server cannot be used");
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(options)).await;
        let late = |_| Error::new(ErrorKind::Connection, "the server did not answer within 30 seconds");
        let mut connection = connecting.map_err(late)?.map_err(failed)?;
        sqlx::raw_sql(SETTINGS).execute(&mut connection).await.map_err(failed)?;
        Ok(Self(connection))
    }

    async fn execute(&mut self, sql: &str, values: Vec<Bound>) -> Answered<u64> {
        let query = sqlx::query_with::<Postgres, _>(AssertSqlSafe(sql.to_owned()), handed_over(values));
        Ok(query.execute(&mut self.0).await?.rows_affected())
    }

    async fn fetch(&mut self, sql: &str, values: Vec<Bound>) -> Answered<Vec<Values>> {
        let query = sqlx::query_with::<Postgres, _>(AssertSqlSafe(sql.to_owned()), handed_over(values));
        query.fetch_all(&mut self.0).await?.iter().map(row_values).collect()
    }

    async fn script(&mut self, sql: &'static str) -> Answered<()> {
        sqlx::raw_sql(sql).execute(&mut self.0).await.map(drop)
    }

    async fn columns(&mut self, table: &str) -> Answered<Vec<Described>> {
        let rows = sqlx::query(COLUMNS).bind(table.to_owned()).fetch_all(&mut self.0).await?;
        let described = |row: &PgRow| {
            Ok(Described { name: row.try_get(0)?, declared: row.try_get(1)?, is_textual: row.try_get(2)? })
        };
        rows.iter().map(described).collect()
    }

    async fn begin(&mut self, careful: bool) -> Answered<()> {
        self.script(if careful {
            "BEGIN; SET CONSTRAINTS ALL IMMEDIATE"
        } else {
            "BEGIN; SET CONSTRAINTS ALL DEFERRED"
        })
        .await
    }

    async fn entries(&mut self, stream: &Stream, causes: &[SourceKey]) -> Answered<Vec<Vec<Values>>> {
        let blobs = causes.iter().map(|cause| cause.as_bytes().to_vec()).collect();
        let values = vec![Bound::text(&stream.source), Bound::text(stream.from.name()), Bound::Blobs(blobs)];
        let mut all = vec![Vec::new(); causes.len()];
        for mut entry in self.fetch(FIND_APPLIED_MANY, values).await? {
            let place = place_of(&entry);
            if let Some(entries) = place.and_then(|place| all.get_mut(place)) {
                entries.push(entry.split_off(1));
            }
        }
        Ok(all)
    }

    async fn rows(&mut self, tables: &Tables, keys: &[SourceKey]) -> Tried<Vec<Option<Image>>> {
        sets::rows(self, tables, keys).await
    }

    async fn write_sets(rows: &mut Rows<'_, Self>, work: &ApplyWork) -> Tried<Option<Vec<Met>>> {
        sets::write(rows, work).await
    }

    /// The setting ends with the transaction, so nothing has to take it away.
    async fn mark(&mut self, cut: Option<&str>) -> Answered<()> {
        let Some(cut) = cut else { return Ok(()) };
        self.execute("SELECT set_config('bridge.origin', $1, true)", vec![Bound::text(cut)]).await.map(drop)
    }
}

/// The place in a list that a row names first, from 0.
fn place_of(row: &Values) -> Option<usize> {
    usize::try_from(whole(row.first()?.as_ref())).ok()?.checked_sub(1)
}

fn handed_over(values: Vec<Bound>) -> PgArguments {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Bound::Text(text) => Arguments::add(&mut arguments, text),
            Bound::Bytes(bytes) => Arguments::add(&mut arguments, bytes),
            Bound::Whole(number) => Arguments::add(&mut arguments, number),
            Bound::Texts(texts) => Arguments::add(&mut arguments, texts),
            Bound::Blobs(blobs) => Arguments::add(&mut arguments, blobs),
            Bound::Wholes(numbers) => Arguments::add(&mut arguments, numbers),
        };
        added.expect("texts, bytes and whole numbers always encode");
    }
    arguments
}

fn row_values(row: &PgRow) -> Answered<Values> {
    let value = |index: usize| {
        let found = row.try_get_raw(index)?;
        if found.is_null() {
            return Ok(None);
        }
        let kind = found.type_info().into_owned();
        Ok(Some(match kind.name() {
            "BYTEA" => SourceText::Bytes(row.try_get(index)?),
            "INT8" => SourceText::Text(row.try_get::<i64, _>(index)?.to_string()),
            _ => SourceText::Text(row.try_get(index)?),
        }))
    };
    (0..row.len()).map(value).collect()
}

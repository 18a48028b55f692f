//! What a database says about its change tracking: in which life it is, up to which version, and from which one on.

use std::collections::BTreeMap;
use std::time::Duration;

use bron_mappings::{ColumnType, Digest, DigestBuilder};
use tiberius::error::Error as Refusal;
use tiberius::{ColumnData, Row, ToSql};

use super::catalog::{TdsColumn, ask_named, tables_named};
use super::facts::milliseconds;
use super::form::{Form, Formed};
use super::refusal::ends_transaction;
use super::{Connected, Session, quoted};
use crate::error::{Error, ErrorKind};
use crate::found::FoundRow;
use crate::selection::{KnownTable, Selectable};

/// The table in which the bridge marks how far the database has been seen: columns `life` and `number`, one row.
pub(super) const BOOKMARK: &str = "bron_bookmark";

/// The database of the connection, the clock of its server, and the version of the last commit.
const DATABASE: &str = "\
    SELECT d.database_id, CAST(d.service_broker_guid AS nvarchar(36)), d.create_date, GETUTCDATE(), \
           CHANGE_TRACKING_CURRENT_VERSION() \
    FROM sys.databases AS d WHERE d.name = DB_NAME()";

/// The branch of the database's history; a restore begins another.
const FORK: &str = "\
    SELECT CAST(r.recovery_fork_guid AS nvarchar(36)) FROM sys.database_recovery_status AS r \
    WHERE r.database_id = DB_ID()";

/// How long the server keeps changes unless it is told otherwise: what is assumed of one that does not say.
const USUAL_RETENTION: u64 = 2 * 86_400;

/// How long changes are kept, and whether anything ever removes them.
const RETENTION: &str = "\
    SELECT r.retention_period, r.retention_period_units, r.is_auto_cleanup_on \
    FROM sys.change_tracking_databases AS r WHERE r.database_id = DB_ID()";

/// From which version on each table's changes are there, and since when they are noted.
const TRACKED: &str = "\
    SELECT o.name, CHANGE_TRACKING_MIN_VALID_VERSION(o.object_id), n.create_date \
    FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
    LEFT JOIN sys.internal_tables AS n \
      ON n.parent_object_id = o.object_id AND n.internal_type_desc = 'CHANGE_TRACKING' \
    WHERE s.name = @P1 AND o.type IN ('U') AND o.is_ms_shipped = 0";

/// What the server's own clean-up of changes did last, where the server keeps a table about it and lets it be read.
const CLEANED: &str = "SELECT MAX(h.end_time) FROM dbo.MSchange_tracking_history AS h";

/// What tells one life of a database from another: after a restore, versions are given out a second time for other
/// changes, and nothing in change tracking itself shows it.
///
/// A part is `None` where the server does not say it, or not to this user. Two lives are the same when no part that
/// both know differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DatabaseLife {
    /// The number of the database on its server.
    pub database: i32,
    /// The branch of its history (`recovery_fork_guid`), which every restore makes anew.
    pub fork: Option<String>,
    /// The id that it was given when it was made (`service_broker_guid`), or when that was.
    pub made: Option<String>,
    /// What the bridge's own bookmark in the database is called; see [`TrackingState::bookmark`].
    pub bookmark: Option<String>,
}

impl DatabaseLife {
    /// Whether nothing speaks against the two being the same life.
    #[must_use]
    pub fn may_be(&self, other: &Self) -> bool {
        let same = |one: &Option<String>, other: &Option<String>| match (one, other) {
            (Some(one), Some(other)) => one == other,
            (None, _) | (_, None) => true,
        };
        self.database == other.database
            && same(&self.fork, &other.fork)
            && same(&self.made, &other.made)
            && same(&self.bookmark, &other.bookmark)
    }
}

/// A table whose changes are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedTable {
    /// The digest of its columns, their types and its primary key.
    pub shape: Digest,
    /// The columns of the primary key, in key order; empty when there is none, and then nothing can be tracked.
    pub key: Vec<String>,
    /// The first version that changes can be read from; `None` when its changes are not noted, or this user may not
    /// see them.
    pub min_valid: Option<u64>,
    /// When the noting began, as the server writes it: another moment means that it was off in between. `None` where
    /// the server does not say.
    pub since: Option<String>,
}

/// Everything that says whether changes can be read, as of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackingState {
    /// The life of the database.
    pub life: DatabaseLife,
    /// The number in the bridge's bookmark, which only grows: a lower one than was seen before is older content.
    pub bookmark: Option<u64>,
    /// The version of the last commit that changed a tracked table; `None` when the database tracks nothing.
    pub current: Option<u64>,
    /// The server's clock, in seconds since 1970-01-01 in Greenwich.
    pub clock: i64,
    /// How long changes are kept, in seconds; `None` when nothing removes them by itself.
    pub retention: Option<u64>,
    /// The followed tables that there are, by name.
    pub tables: BTreeMap<String, TrackedTable>,
}

impl TrackingState {
    /// The digest of the shapes of all followed tables.
    #[must_use]
    pub fn schema(&self) -> Digest {
        let mut digest = DigestBuilder::new("bron.source.mssql.shapes.1");
        for (name, table) in &self.tables {
            digest.part(name.as_bytes()).part(table.shape.as_bytes());
        }
        digest.finish()
    }
}

/// The tables of the catalog, by name.
pub(super) type KnownTables = BTreeMap<String, KnownTable<TdsColumn>>;

/// Asks for the state within the transaction of the connection.
pub(super) fn ask(
    connected: &mut Connected,
    time: Option<Duration>,
    schema: &str,
    tables: &[String],
) -> Result<(TrackingState, KnownTables), Error> {
    let doing = "asking about change tracking";
    let bookmark = format!("SELECT b.life, b.number FROM {}.{} AS b", quoted(schema), quoted(BOOKMARK));
    let place = connected.place.clone();
    let failed = |error| super::refused(&place, doing, error);
    let answers = connected.run(time, doing, async |session| {
        let database = session.ask(DATABASE, &[]).await?;
        let fork = unless_refused(session, FORK, |_| true).await?;
        let retention = session.ask(RETENTION, &[]).await?;
        let bookmark = unless_refused(session, &bookmark, |code| matches!(code, 208 | 229)).await?;
        let tracked = ask_named(session, TRACKED, "o.object_id", schema, tables).await?;
        let known = tables_named(session, schema, tables).await?;
        Ok(Answers { database, fork, retention, bookmark, tracked, known })
    })?;
    answers.read().map_err(failed)
}

/// When the server's clean-up of changes last came to an end, by its own clock; `None` where it does not say.
pub(super) async fn cleaned(session: &mut Session) -> Result<Option<String>, Refusal> {
    let rows = unless_refused(session, CLEANED, |code| matches!(code, 208 | 229)).await?;
    Ok(rows.into_iter().next().and_then(|row| texts(row).into_iter().next().flatten()))
}

/// The rows of a question that the server may refuse to answer, with one of these numbers, and no harm done.
async fn unless_refused(
    session: &mut Session,
    question: &str,
    harmless: impl Fn(u32) -> bool,
) -> Result<Vec<Row>, Refusal> {
    match session.ask(question, &[]).await {
        Err(error) if !ends_transaction(&error) && error.code().is_some_and(harmless) => Ok(Vec::new()),
        answer => answer,
    }
}

struct Answers {
    database: Vec<Row>,
    fork: Vec<Row>,
    retention: Vec<Row>,
    bookmark: Vec<Row>,
    tracked: Vec<Row>,
    known: KnownTables,
}

impl Answers {
    fn read(self) -> Result<(TrackingState, KnownTables), Refusal> {
        let first = |rows: Vec<Row>| rows.into_iter().next();
        let missing = || Refusal::Protocol("the server does not list this database".into());
        let database = first(self.database).ok_or_else(missing)?;
        let clock = match database.try_get::<ColumnData<'_>, _>(3)? {
            Some(ColumnData::DateTime(Some(moment))) => milliseconds(moment).div_euclid(1000),
            _ => return Err(Refusal::Protocol("the clock of the server shows no time".into())),
        };
        let current = database.try_get::<i64, _>(4)?.map(version).transpose()?;
        let id = database.try_get::<i32, _>(0)?.unwrap_or(0);
        let mut about = texts(database).into_iter();
        let (broker, made) = (about.nth(1).flatten(), about.next().flatten());
        let bookmark = first(self.bookmark).map(|row| -> Result<_, Refusal> {
            let number = row.try_get::<i64, _>(1)?.map(version).transpose()?;
            Ok((texts(row).into_iter().next().flatten(), number))
        });
        let (named, number) = bookmark.transpose()?.unwrap_or_default();
        let fork = first(self.fork).and_then(|row| texts(row).into_iter().next().flatten());
        let retention = first(self.retention).map_or(Ok(Some(USUAL_RETENTION)), |row| retention(&row))?;
        let mut tables = BTreeMap::new();
        for row in self.tracked {
            let min_valid = row.try_get::<i64, _>(1)?.map(version).transpose()?;
            let mut said = texts(row).into_iter();
            let (name, since) = (said.next().flatten().unwrap_or_default(), said.nth(1).flatten());
            if let Some(known) = self.known.get(&name) {
                let key = known.key.clone();
                tables.insert(name, TrackedTable { shape: shape(known), key, min_valid, since });
            }
        }
        let life = DatabaseLife { database: id, fork, made: broker.or(made), bookmark: named };
        Ok((TrackingState { life, bookmark: number, current, clock, retention, tables }, self.known))
    }
}

fn retention(row: &Row) -> Result<Option<u64>, Refusal> {
    let period = row.try_get::<i32, _>(0)?.unwrap_or(0);
    let unit: u64 = match row.try_get::<u8, _>(1)? {
        Some(1) => 60,
        Some(2) => 3_600,
        _ => 86_400,
    };
    let cleans = row.try_get::<bool, _>(2)?.unwrap_or(true);
    Ok(cleans.then(|| u64::try_from(period).unwrap_or(0).saturating_mul(unit)))
}

/// A version as it is counted here.
pub(super) fn version(number: i64) -> Result<u64, Refusal> {
    u64::try_from(number).map_err(|_| Refusal::Protocol("the server counts versions below nothing".into()))
}

/// The values of a row of the catalog as texts.
fn texts(row: Row) -> Vec<Option<String>> {
    let text = |value: ColumnData<'static>| {
        let formed = Form::Plain.of(value).unwrap_or(Formed::Null);
        formed.found().owned(ColumnType::Text).and_then(|value| value.text().map(str::to_owned))
    };
    row.into_iter().map(text).collect()
}

fn shape(known: &KnownTable<TdsColumn>) -> Digest {
    let mut digest = DigestBuilder::new("bron.source.mssql.shape.1");
    for column in &known.columns {
        let said = column.column();
        let nullable = if said.nullable == Some(true) { "null" } else { "not null" };
        let filled = if column.is_the_servers() || column.is_counted() { "by the server" } else { "" };
        for part in
            [&said.name, &said.declared_type, nullable, filled, column.collation().unwrap_or_default()]
        {
            digest.part(part.as_bytes());
        }
    }
    digest.part(b"key");
    for name in &known.key {
        digest.part(name.as_bytes());
    }
    digest.finish()
}

/// A value that travels with a statement.
pub(super) enum Bound {
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl ToSql for Bound {
    fn to_sql(&self) -> ColumnData<'_> {
        match self {
            Self::Number(number) => ColumnData::I64(Some(*number)),
            Self::Text(text) => ColumnData::String(Some(text.as_str().into())),
            Self::Bytes(bytes) => ColumnData::Binary(Some(bytes.as_slice().into())),
        }
    }
}

/// A row as its values by name.
pub(super) fn found_row<'c>(
    values: impl Iterator<Item = ColumnData<'static>>,
    columns: impl Iterator<Item = &'c TdsColumn>,
) -> Result<FoundRow, Refusal> {
    let mut row = BTreeMap::new();
    for (value, column) in values.zip(columns) {
        let unexpected = |_| Refusal::Protocol("a value of a type that was not asked for".into());
        let formed = column.form().of(value).map_err(unexpected)?;
        if let Some(value) = formed.found().owned(column.column().kind) {
            row.insert(column.column().name.clone(), value);
        }
    }
    Ok(row)
}

/// What is missing of a table before its changes can be followed, or its rows written.
pub(super) fn unfit(place: &str, table: &str, known: Option<&KnownTable<TdsColumn>>) -> Option<Error> {
    let problem = match known {
        None => "is not there".to_owned(),
        Some(known) if known.key.is_empty() => "has no primary key".to_owned(),
        Some(known) => {
            let unfit = |column: &&TdsColumn| {
                column.column().kind == ColumnType::Bytes || column.value_in_mark().is_none()
            };
            let column = known.key_columns().find(unfit)?;
            format!("has a key that cannot be named exactly: column {}", column.column().name)
        }
    };
    Some(Error::new(ErrorKind::Drift, format!("{place}: table {table} {problem}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_told_by_what_both_know() {
        let life = DatabaseLife {
            database: 5,
            fork: Some("A".to_owned()),
            made: None,
            bookmark: Some("B".to_owned()),
        };
        assert!(life.may_be(&DatabaseLife { fork: None, made: Some("C".to_owned()), ..life.clone() }));
        assert!(!life.may_be(&DatabaseLife { fork: Some("X".to_owned()), ..life.clone() }));
        assert!(!life.may_be(&DatabaseLife { bookmark: Some("X".to_owned()), ..life.clone() }));
        assert!(!life.may_be(&DatabaseLife { database: 6, ..life.clone() }));
    }
}

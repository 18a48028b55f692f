//! What changed in a SQL Server database, by its change tracking.

mod setup;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::mem;

use tiberius::error::Error as Refusal;
use tiberius::{ColumnData, Row};

pub use self::setup::{TrackingSetup, tracking_setup};
use super::catalog::TdsColumn;
use super::state::{self, Bound, KnownTables, TrackingState, found_row, unfit};
use super::{Connected, Intent, quoted, refused, schema_of, server_of, time_of};
use crate::access::{Access, ServerAddress};
use crate::error::{Error, ErrorKind};
use crate::found::{FoundRow, FoundValue};
use crate::selection::{KnownTable, Selectable};
use crate::source::TableSchema;
use crate::span::{KeyValue, Mark, Place, Span};

/// The most tables that one follower asks about: the names travel as parameters, of which a statement may have 2,100.
const MOST_TABLES: usize = 2_000;

/// Reads what changed in tables of a SQL Server database that change tracking is on for.
///
/// Change tracking tells of states, not of history: for every row that changed since a version the key, the version
/// of its last change and the context that this was made with. The rows themselves are read in the same transaction
/// with SNAPSHOT isolation, so that what a call gives is one moment of all tables, whatever is committed or cleaned up
/// meanwhile. A row that is not there is one that is gone; what the server calls the operation is not looked at,
/// because it depends on the version asked from.
///
/// Every call is a transaction of its own on a connection of its own, which is given up on any error: the next call
/// connects anew and reads everything again. No statement waits longer than the settings say, or five minutes.
/// Values are those that [`MssqlSource`](super::MssqlSource) gives, by the same code; of a text in a broken encoding
/// the bytes. Columns of types that cannot be read are left out.
///
/// The methods block and must not be called from asynchronous code.
pub struct MssqlChanges {
    access: Access,
    address: ServerAddress,
    tables: Vec<String>,
    /// The columns that are read of a table, where they are not all.
    columns: BTreeMap<String, BTreeSet<String>>,
    connected: Option<Connected>,
}

/// A row that changed.
#[derive(Clone, PartialEq, Eq)]
pub struct ChangedRow {
    /// The version of its last change. Rows of one transaction have the same.
    pub version: u64,
    /// What the last change was marked with; up to 128 bytes. It says nothing of changes before the last.
    pub context: Option<Vec<u8>>,
    /// The columns of the primary key.
    pub key: FoundRow,
    /// The row as it is; `None` when it is gone.
    pub row: Option<FoundRow>,
}

impl fmt::Debug for ChangedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ChangedRow(version {}, {})",
            self.version,
            if self.row.is_some() { "there" } else { "gone" }
        )
    }
}

/// What one reading of the changes found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedChanges {
    /// What was the case at the moment of the reading.
    pub state: TrackingState,
    /// The changed rows by table, in no order; `None` when the state did not admit a reading.
    pub rows: Option<BTreeMap<String, Vec<ChangedRow>>>,
}

/// A row with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRow {
    /// The columns of the primary key.
    pub key: FoundRow,
    /// The columns that are read.
    pub row: FoundRow,
}

/// Rows of a table as of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedChunk {
    /// Every change up to this version is in the rows, and no later one.
    pub at: u64,
    /// The rows, in the order of the key, texts by their code units.
    pub rows: Vec<KeyedRow>,
    /// Whether rows follow.
    pub more: bool,
}

impl MssqlChanges {
    /// A follower of these tables. Connects when it is first asked something.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] when the access names no SQL Server, or a database snapshot, which never changes, or
    /// there are more tables than 2,000.
    pub fn new(access: &Access, tables: Vec<String>) -> Result<Self, Error> {
        let address = server_of(access)?.clone();
        let problem = if access.snapshot.is_some() {
            "a database snapshot has no changes to follow"
        } else if tables.is_empty() || tables.len() > MOST_TABLES {
            "between 1 and 2,000 tables can be followed together"
        } else {
            let (access, columns) = (access.clone(), BTreeMap::new());
            return Ok(Self { access, address, tables, columns, connected: None });
        };
        Err(Error::new(ErrorKind::Settings, format!("mssql://{address}: {problem}")))
    }

    /// Reads of a table no other columns than these and those of its key: a user may have been given the right to these
    /// alone. The names of the others are still looked at, so that one that came or went is noticed.
    #[must_use]
    pub fn reading_only(mut self, table: &str, columns: BTreeSet<String>) -> Self {
        self.columns.insert(table.to_owned(), columns);
        self
    }

    /// What is the case now.
    ///
    /// # Errors
    /// When the server cannot be asked, or does not allow SNAPSHOT isolation.
    pub fn state(&mut self) -> Result<TrackingState, Error> {
        self.within(|follower, connected| Ok(follower.ask(connected)?.0))
    }

    /// The changes since a version, with what was the case at the same moment. `since` is shown that first and gives
    /// the version to read from, or `None` where it must not be read from: what the server would answer to a version
    /// below [`TrackedTable::min_valid`](super::TrackedTable::min_valid) or of another life is wrong without looking
    /// wrong.
    ///
    /// # Errors
    /// As [`MssqlChanges::state`]; [`ErrorKind::Drift`] when a table is not there or has no key that can be named;
    /// [`ErrorKind::Outdated`] when a table was altered while it was read. Every call may be repeated.
    pub fn changes(
        &mut self,
        since: impl FnOnce(&TrackingState) -> Option<u64>,
    ) -> Result<TrackedChanges, Error> {
        self.within(|follower, connected| {
            let (state, known) = follower.ask(connected)?;
            let Some((since, current)) = since(&state).zip(state.current) else {
                return Ok(TrackedChanges { state, rows: None });
            };
            let mut rows = BTreeMap::new();
            for table in &follower.tables {
                let known = follower.known(connected, &known, table)?;
                // Nobody has committed anything since: most polls of a quiet database end here.
                let changed = match since == current {
                    true => Vec::new(),
                    false => follower.read(connected, table, known, [since, current])?,
                };
                rows.insert(table.clone(), changed);
            }
            Ok(TrackedChanges { state, rows: Some(rows) })
        })
    }

    /// At most `rows` rows of a table behind a key, as they are at the version that is now.
    ///
    /// # Errors
    /// As [`MssqlChanges::changes`]; [`ErrorKind::Drift`] when the database tracks no changes, or the key is not one
    /// of the table.
    pub fn chunk(&mut self, table: &str, after: Option<&FoundRow>, rows: u64) -> Result<TrackedChunk, Error> {
        self.within(|follower, connected| {
            let (state, known) = follower.ask(connected)?;
            let known = follower.known(connected, &known, table)?;
            let off = || Error::new(ErrorKind::Drift, format!("{}: change tracking is off", connected.place));
            let at = state.current.ok_or_else(off)?;
            let mut rows_read = follower.chunk_rows(connected, table, known, after, rows)?;
            let more = u64::try_from(rows_read.len()).is_ok_and(|read| read > rows);
            rows_read.truncate(usize::try_from(rows).unwrap_or(usize::MAX));
            Ok(TrackedChunk { at, rows: rows_read, more })
        })
    }

    /// When the server's clean-up of changes came to an end for the last time, by the server's clock; `None` where
    /// it keeps no account of it (before SQL Server 2016) or does not show it to this user. A clean-up that is stuck
    /// lets the tables of changes grow until only a restart helps.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn last_cleanup(&mut self) -> Result<Option<String>, Error> {
        let time = time_of(&self.access);
        self.within(|_, connected| {
            connected.run(time, "asking about the clean-up", async |session| state::cleaned(session).await)
        })
    }

    /// Works in one transaction. The connection stays only when everything went well.
    fn within<T>(
        &mut self,
        work: impl FnOnce(&Self, &mut Connected) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let time = time_of(&self.access);
        let mut connected = match mem::take(&mut self.connected) {
            Some(connected) => connected,
            None => Connected::new(&self.access, &self.address, Intent::ReadWrite)?,
        };
        let begin = "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION";
        connected.run(time, "beginning to read", async |session| session.tell(begin).await)?;
        let found = work(self, &mut connected)?;
        connected.run(time, "ending the reading", async |session| session.tell("COMMIT").await)?;
        self.connected = Some(connected);
        Ok(found)
    }

    fn ask(&self, connected: &mut Connected) -> Result<(TrackingState, KnownTables), Error> {
        state::ask(connected, time_of(&self.access), &schema_of(&self.access), &self.tables)
    }

    fn known<'k>(
        &self,
        connected: &Connected,
        known: &'k KnownTables,
        table: &str,
    ) -> Result<&'k KnownTable<TdsColumn>, Error> {
        let found = known.get(table);
        match unfit(&connected.place, table, found) {
            Some(error) => Err(error),
            None => Ok(found.expect("a table that is missing is unfit")),
        }
    }

    /// The columns of a table that are read, in the order of the table.
    fn read_of<'k>(
        &self,
        connected: &Connected,
        table: &str,
        known: &'k KnownTable<TdsColumn>,
    ) -> Result<Vec<&'k TdsColumn>, Error> {
        let all = known.columns.iter().filter(|column| column.is_readable());
        let Some(wanted) = self.columns.get(table) else { return Ok(all.collect()) };
        if let Some(name) = wanted.iter().find(|name| known.named(name).is_none()) {
            let problem = format!("{}: table {table} has no column {name}", connected.place);
            return Err(Error::new(ErrorKind::Drift, problem));
        }
        let is_read = |column: &&TdsColumn| {
            let name = &column.column().name;
            wanted.contains(name) || known.key.contains(name)
        };
        Ok(all.filter(is_read).collect())
    }

    fn from(&self, table: &str) -> String {
        format!("{}.{}", quoted(&schema_of(&self.access)), quoted(table))
    }

    fn read(
        &self,
        connected: &mut Connected,
        table: &str,
        known: &KnownTable<TdsColumn>,
        versions: [u64; 2],
    ) -> Result<Vec<ChangedRow>, Error> {
        let columns = self.read_of(connected, table, known)?;
        let doing = format!("changes of table {table}");
        let statement = changes_of(&self.from(table), known, &columns);
        let bound = versions.map(|version| Bound::Number(i64::try_from(version).unwrap_or(i64::MAX)));
        let rows = connected.run(time_of(&self.access), &doing, async |session| {
            session.ask(&statement, &[&bound[0], &bound[1]]).await
        })?;
        let changed = rows.into_iter().map(|row| changed(row, known, &columns)).collect::<Result<_, _>>();
        changed.map_err(|error| refused(&connected.place, &doing, error))
    }

    fn chunk_rows(
        &self,
        connected: &mut Connected,
        table: &str,
        known: &KnownTable<TdsColumn>,
        after: Option<&FoundRow>,
        rows: u64,
    ) -> Result<Vec<KeyedRow>, Error> {
        let place = connected.place.clone();
        let mut wanted: TableSchema = known.schema(table.to_owned(), 0);
        let columns = self.read_of(connected, table, known)?;
        wanted.columns = columns.iter().map(|column| column.column().clone()).collect();
        let after = after.map(|key| mark(known, key)).transpose();
        let after = after.map_err(|()| crate::selection::unknown_mark(&place, table))?;
        let span = Span { after, ..Span::default() };
        let selection = known.select(&place, &self.from(table), &wanted, &span)?;
        let one_more = rows.saturating_add(1);
        let statement = format!("{} OFFSET 0 ROWS FETCH NEXT {one_more} ROWS ONLY", selection.statement);
        let doing = format!("table {table}");
        let found = connected.run(time_of(&self.access), &doing, async |session| {
            session.0.simple_query(statement).await?.into_first_result().await
        })?;
        let keyed = |row: Row| {
            let row = found_row(row.into_iter(), columns.iter().copied())?;
            let of_key = |name: &String| Some((name.clone(), row.get(name)?.clone()));
            Ok(KeyedRow { key: known.key.iter().filter_map(of_key).collect(), row })
        };
        let keyed = found.into_iter().map(keyed).collect::<Result<_, _>>();
        keyed.map_err(|error| refused(&place, &doing, error))
    }
}

/// The statement that gives the rows of a table that changed after one version and up to another: version, context,
/// the columns of the key, whether the row is there, its columns.
fn changes_of(from: &str, known: &KnownTable<TdsColumn>, columns: &[&TdsColumn]) -> String {
    let (mut noted, mut there) = (Vec::new(), vec!["1 AS [present]".to_owned()]);
    let (mut told, mut shown) = (vec!["c.[version], c.[context]".to_owned()], vec!["t.[present]".to_owned()]);
    let mut same = Vec::new();
    for (at, column) in known.key_columns().enumerate() {
        let name = quoted(&column.column().name);
        noted.push(format!("{name} AS [k{at}], {} AS [w{at}]", column.value()));
        there.push(format!("{name} AS [k{at}]"));
        told.push(format!("c.[w{at}]"));
        same.push(format!("t.[k{at}] = c.[k{at}]"));
    }
    for (at, column) in columns.iter().enumerate() {
        there.push(format!("{} AS [v{at}]", column.value()));
        shown.push(format!("t.[v{at}]"));
    }
    format!(
        "SELECT {}, {} FROM (SELECT x.SYS_CHANGE_VERSION AS [version], x.SYS_CHANGE_CONTEXT AS [context], {} \
         FROM CHANGETABLE(CHANGES {from}, @P1) AS x WHERE x.SYS_CHANGE_VERSION <= @P2) AS c \
         LEFT JOIN (SELECT {} FROM {from}) AS t ON {}",
        told.join(", "),
        shown.join(", "),
        noted.join(", "),
        there.join(", "),
        same.join(" AND ")
    )
}

fn changed(row: Row, known: &KnownTable<TdsColumn>, columns: &[&TdsColumn]) -> Result<ChangedRow, Refusal> {
    let unexpected = || Refusal::Protocol("changes of another form than was asked for".into());
    let mut values = row.into_iter();
    let Some(ColumnData::I64(Some(number))) = values.next() else { return Err(unexpected()) };
    let Some(ColumnData::Binary(context)) = values.next() else { return Err(unexpected()) };
    let key = found_row(values.by_ref().take(known.key.len()), known.key_columns())?;
    let Some(ColumnData::I32(present)) = values.next() else { return Err(unexpected()) };
    let row = found_row(values, columns.iter().copied())?;
    let context = context.map(|bytes| bytes.into_owned());
    Ok(ChangedRow { version: state::version(number)?, context, key, row: present.map(|_| row) })
}

/// The mark behind the row of a key.
fn mark(known: &KnownTable<TdsColumn>, key: &FoundRow) -> Result<Mark, ()> {
    let value = |name: &String| match key.get(name) {
        Some(FoundValue::Text(text)) => Ok(KeyValue::Text(text.clone())),
        Some(FoundValue::Bytes(_)) | None => Err(()),
    };
    known.key.iter().map(value).collect::<Result<_, _>>().map(|values| Mark(Place::Key(values)))
}

#[cfg(test)]
mod tests;

//! The way back into a SQL Server database: the one type of this crate that writes to a source.

mod outcome;
mod statements;

use std::collections::BTreeMap;

use tiberius::error::Error as Refusal;
use tiberius::{ColumnData, ToSql};

pub use self::outcome::WriteOutcome;
use self::outcome::{is_about_values, refusal};
use super::catalog::TdsColumn;
use super::state::{BOOKMARK, Bound, found_row, version};
use super::{Connected, Intent, Line, refused, server_of, time_of};
use crate::access::{Access, ServerAddress};
use crate::error::{Error, ErrorKind};
use crate::found::{FoundRow, FoundValue};
use crate::selection::{KnownTable, Selectable, hexadecimal};

/// What the names of the bridge's own tables begin with.
const OWN_TABLES: &str = "bron_";
/// The most bytes that a change can be marked with.
const LONGEST_CONTEXT: usize = 128;

/// Writes rows of tables that change tracking is on for, in transactions that somebody else's work cannot slip into.
///
/// A transaction has SNAPSHOT isolation and ends with any error (`XACT_ABORT`). Whatever it writes is marked with its
/// context, and is written only where nobody has changed the row since a version that the caller has seen: change
/// tracking shows no more than the last change of a row, so an edit that was written over before it was seen would be
/// gone without a trace. Whoever changes such a row while the transaction goes on makes the server refuse it.
///
/// A row is written once in a transaction: what the transaction itself did to it counts as a change that was not seen.
///
/// The user reads the tables whole, sees their changes and may write them; see
/// [`tracking_setup`](super::tracking_setup). Values are bound and names are quoted. Only tables of the one schema of
/// the settings are written.
///
/// The methods block and must not be called from asynchronous code.
pub struct MssqlWriter {
    access: Access,
    address: ServerAddress,
    connected: Option<Connected>,
}

/// A transaction. Ends without a trace when it is dropped before [`MssqlWriting::commit`].
pub struct MssqlWriting<'w> {
    writer: &'w mut MssqlWriter,
    connected: Connected,
    context: String,
    known: BTreeMap<String, KnownTable<TdsColumn>>,
}

/// What columns of a row shall be, by their names; `None` is NULL. Columns that are not there are not given.
pub type GivenRow = BTreeMap<String, Option<FoundValue>>;

/// The last change of a row that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastChange {
    /// The version of its commit; `None` while the transaction that made it is open.
    pub version: Option<u64>,
    /// What it was marked with.
    pub context: Option<Vec<u8>>,
}

impl MssqlWriter {
    /// A writer. Connects when the first transaction begins.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] when the access names no SQL Server, or a database snapshot, which cannot be written.
    pub fn new(access: &Access) -> Result<Self, Error> {
        let address = server_of(access)?.clone();
        if access.snapshot.is_some() {
            let problem = "a database snapshot cannot be written";
            return Err(Error::new(ErrorKind::Settings, format!("mssql://{address}: {problem}")));
        }
        Ok(Self { access: access.clone(), address, connected: None })
    }

    /// Begins a transaction whose changes are marked with `context`, at most 128 bytes that are nobody's data.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] for a longer context, and when the server cannot be asked.
    pub fn begin(&mut self, context: &[u8]) -> Result<MssqlWriting<'_>, Error> {
        if context.len() > LONGEST_CONTEXT {
            let problem = "a change is marked with at most 128 bytes";
            return Err(Error::new(ErrorKind::Settings, format!("mssql://{}: {problem}", self.address)));
        }
        let mut connected = match self.connected.take() {
            Some(connected) => connected,
            None => Connected::new(&self.access, &self.address, Intent::ReadWrite)?,
        };
        let begin = "SET XACT_ABORT ON; SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION";
        let time = time_of(&self.access);
        connected.run(time, "beginning to write", async |session| session.tell(begin).await)?;
        // A constant: the server takes no variable of another type than varbinary(128) here.
        let context = format!("WITH CHANGE_TRACKING_CONTEXT(0x{})", hexadecimal(context));
        Ok(MssqlWriting { writer: self, connected, context, known: BTreeMap::new() })
    }
}

impl MssqlWriting<'_> {
    /// The row of a key, as the transaction sees it.
    ///
    /// # Errors
    /// When the server cannot be asked; [`ErrorKind::Drift`] when the table or a column of the key is not there.
    pub fn row(&mut self, table: &str, key: &FoundRow) -> Result<Option<FoundRow>, Error> {
        let known = self.known(table)?;
        let readable: Vec<&TdsColumn> = known.columns.iter().filter(|column| column.is_readable()).collect();
        let values: Vec<String> = readable.iter().map(|column| column.value()).collect();
        let mut bound = Vec::new();
        let found = self.found_by(table, key, &mut bound)?;
        let statement =
            format!("SELECT {} FROM {} AS p WHERE {found}", values.join(", "), self.name_of(table));
        let (place, doing) = (self.connected.place.clone(), format!("table {table}"));
        let rows = self.ask(&doing, &statement, &bound)?;
        let readable = self.known(table)?.columns.iter().filter(|column| column.is_readable());
        let row = rows.into_iter().next().map(|row| found_row(row.into_iter(), readable)).transpose();
        row.map_err(|error| refused(&place, &doing, error))
    }

    /// The last change of a row; `None` when the row is not there. Tells after a lost connection whether what was
    /// under way was committed: what it wrote then carries its context.
    ///
    /// # Errors
    /// As [`MssqlWriting::row`].
    pub fn last_change(&mut self, table: &str, key: &FoundRow) -> Result<Option<LastChange>, Error> {
        let mut bound = Vec::new();
        let found = self.found_by(table, key, &mut bound)?;
        let last = self.last_of(table, "SYS_CHANGE_VERSION")?;
        let context = self.last_of(table, "SYS_CHANGE_CONTEXT")?;
        let statement = format!("SELECT {last}, {context} FROM {} AS p WHERE {found}", self.name_of(table));
        let (place, doing) = (self.connected.place.clone(), format!("table {table}"));
        let Some(row) = self.ask(&doing, &statement, &bound)?.into_iter().next() else { return Ok(None) };
        let failed = |error| refused(&place, &doing, error);
        let number = row.try_get::<i64, _>(0).map_err(failed)?;
        let context = row.try_get::<&[u8], _>(1).map_err(failed)?.map(<[u8]>::to_vec);
        let version = number.map(version).transpose().map_err(failed)?;
        Ok(Some(LastChange { version, context }))
    }

    /// Gives columns of the row of a key other values, `None` for NULL, if nobody has changed it after the version
    /// `seen`. Columns of the key and those that the server alone fills are passed over.
    ///
    /// # Errors
    /// As [`MssqlWriting::row`]; [`ErrorKind::Busy`] when somebody changed the row after the transaction began: it is
    /// over then, and another may be tried.
    pub fn update(
        &mut self,
        table: &str,
        key: &FoundRow,
        values: &GivenRow,
        seen: u64,
    ) -> Result<WriteOutcome, Error> {
        let mut bound = vec![seen_as_bound(seen)];
        let changed = self.assignments(table, values, &mut bound)?;
        if changed.is_empty() {
            return self.unchanged(table, key, seen);
        }
        let found = self.found_by(table, key, &mut bound)?;
        let unseen = self.last_of(table, "SYS_CHANGE_VERSION")?;
        let name = self.name_of(table);
        let statement = format!(
            "{} UPDATE {name} SET {} FROM {name} AS p WHERE {found} AND @P1 >= ISNULL({unseen}, 0); \
             SELECT CAST(@@ROWCOUNT AS int)",
            self.context,
            changed.join(", ")
        );
        self.write(table, key, &statement, &bound)
    }

    /// What becomes of a write that gives no column another value.
    fn unchanged(&mut self, table: &str, key: &FoundRow, seen: u64) -> Result<WriteOutcome, Error> {
        let last = self.last_change(table, key)?;
        let Some(row) = self.row(table, key)? else { return Ok(WriteOutcome::Absent) };
        let was_seen = last.and_then(|last| last.version).is_none_or(|version| version <= seen);
        Ok(if was_seen { WriteOutcome::Written(Some(row)) } else { WriteOutcome::Changed(row) })
    }

    /// Removes the row of a key, if nobody has changed it after the version `seen`.
    ///
    /// # Errors
    /// As [`MssqlWriting::update`].
    pub fn delete(&mut self, table: &str, key: &FoundRow, seen: u64) -> Result<WriteOutcome, Error> {
        let mut bound = vec![seen_as_bound(seen)];
        let found = self.found_by(table, key, &mut bound)?;
        let unseen = self.last_of(table, "SYS_CHANGE_VERSION")?;
        let name = self.name_of(table);
        let statement = format!(
            "{} DELETE FROM {name} FROM {name} AS p WHERE {found} AND @P1 >= ISNULL({unseen}, 0); \
             SELECT CAST(@@ROWCOUNT AS int)",
            self.context
        );
        self.write(table, key, &statement, &bound)
    }

    /// Makes a row. Columns that are not given get what the server gives them, the key too where the server counts it
    /// up: [`WriteOutcome::Written`] tells it. A key that is given and that the server would count is kept as given,
    /// which takes the right to alter the table. Columns that the server alone fills are passed over.
    ///
    /// # Errors
    /// As [`MssqlWriting::update`].
    pub fn insert(&mut self, table: &str, row: &GivenRow) -> Result<WriteOutcome, Error> {
        self.refuse_unknown(table, row.keys())?;
        let known = self.known(table)?;
        let given: FoundRow =
            known.key.iter().filter_map(|name| Some((name.clone(), row.get(name)?.clone()?))).collect();
        if given.len() == known.key.len()
            && let Some(row) = self.row(table, &given)?
        {
            return Ok(WriteOutcome::Present(row));
        }
        let (statement, bound) = self.insertion(table, row)?;
        let (place, doing) = (self.connected.place.clone(), format!("writing table {table}"));
        let made = match self.attempt(&doing, &statement, &bound)? {
            Ok(made) => made,
            Err(refused) => return Ok(refused),
        };
        let key_columns = self.known(table)?.key_columns();
        let key = made.into_iter().next().map(|made| found_row(made.into_iter(), key_columns)).transpose();
        let key = key.map_err(|error| refused(&place, &doing, error))?.unwrap_or_default();
        self.row(table, &key).map(WriteOutcome::Written)
    }

    /// Moves the bridge's bookmark forward to a number: one row in the table `bron_bookmark` of the same schema, by
    /// which a restored backup is known. `false` when there is no bookmark, or one at a higher number.
    ///
    /// # Errors
    /// As [`MssqlWriting::row`].
    pub fn bookmark(&mut self, number: u64) -> Result<bool, Error> {
        let statement = format!(
            "UPDATE {} SET [number] = @P1 WHERE [number] <= @P1; SELECT CAST(@@ROWCOUNT AS int)",
            self.name_of(BOOKMARK)
        );
        let rows = self.ask("moving the bookmark", &statement, &[seen_as_bound(number)])?;
        Ok(count(&rows) == Some(1))
    }

    /// Writes a row of a table that is the bridge's own, whatever stood there: its name begins with `bron_`, and its
    /// changes are not tracked. So what was applied is noted in the transaction that applies it. Two transactions that
    /// write the same row cannot both be committed.
    ///
    /// # Errors
    /// As [`MssqlWriting::update`]; [`ErrorKind::Settings`] for a table of somebody else's, and
    /// [`ErrorKind::Database`] when the server refuses the values.
    pub fn note(&mut self, table: &str, key: &FoundRow, values: &GivenRow) -> Result<(), Error> {
        let doing = format!("writing table {table}");
        let problem =
            |kind, problem: &str, place: &str| Error::new(kind, format!("{place}: {doing}: {problem}"));
        if !table.starts_with(OWN_TABLES) {
            return Err(problem(ErrorKind::Settings, "it is not the bridge's own", &self.connected.place));
        }
        let mut row = values.clone();
        row.extend(key.iter().map(|(name, value)| (name.clone(), Some(value.clone()))));
        let mut bound = Vec::new();
        let mut changed = self.assignments(table, values, &mut bound)?;
        if changed.is_empty() {
            // Written all the same, so that nobody else can.
            changed = self.assigned_key(table, key, &mut bound)?;
        }
        let found = self.found_by(table, key, &mut bound)?;
        let name = self.name_of(table);
        let changed = changed.join(", ");
        let statement = format!(
            "UPDATE {name} SET {changed} FROM {name} AS p WHERE {found}; SELECT CAST(@@ROWCOUNT AS int)"
        );
        let mut done = self.attempt(&doing, &statement, &bound)?;
        if done.as_ref().is_ok_and(|rows| count(rows) == Some(0)) {
            let (statement, bound) = self.insertion(table, &row)?;
            done = self.attempt(&doing, &statement, &bound)?;
        }
        let refused =
            |_| problem(ErrorKind::Database, "the server refused the values", &self.connected.place);
        done.map(drop).map_err(refused)
    }

    /// Makes everything that was written durable.
    ///
    /// # Errors
    /// When the server cannot be asked. What was written may have been committed all the same where the connection was
    /// lost: [`MssqlWriting::last_change`] tells it in another transaction.
    pub fn commit(mut self) -> Result<(), Error> {
        let time = time_of(&self.writer.access);
        self.connected.run(time, "committing", async |session| session.tell("COMMIT").await)?;
        self.writer.connected = Some(self.connected);
        Ok(())
    }

    /// Carries out a statement that writes the row of a key and ends with the number of rows.
    fn write(
        &mut self,
        table: &str,
        key: &FoundRow,
        statement: &str,
        bound: &[Bound],
    ) -> Result<WriteOutcome, Error> {
        let doing = format!("writing table {table}");
        let rows = match self.attempt(&doing, statement, bound)? {
            Ok(rows) => count(&rows),
            Err(refused) => return Ok(refused),
        };
        let row = self.row(table, key)?;
        match (rows, row) {
            (Some(1), row) => Ok(WriteOutcome::Written(row)),
            (Some(0), Some(row)) => Ok(WriteOutcome::Changed(row)),
            (Some(0), None) => Ok(WriteOutcome::Absent),
            (_, _) => {
                self.connected.line = Line::Lost;
                let problem = "a write to one row met another number of rows";
                Err(Error::new(ErrorKind::Database, format!("{}: {doing}: {problem}", self.connected.place)))
            }
        }
    }

    fn ask(&mut self, doing: &str, statement: &str, bound: &[Bound]) -> Result<Vec<tiberius::Row>, Error> {
        let time = time_of(&self.writer.access);
        let parameters: Vec<&dyn ToSql> = bound.iter().map(|value| -> &dyn ToSql { value }).collect();
        self.connected.run(time, doing, async |session| session.ask_last(statement, &parameters).await)
    }

    /// Carries out a statement whose values the server may refuse, which ends the transaction.
    fn attempt(
        &mut self,
        doing: &str,
        statement: &str,
        bound: &[Bound],
    ) -> Result<Result<Vec<tiberius::Row>, WriteOutcome>, Error> {
        let time = time_of(&self.writer.access);
        let parameters: Vec<&dyn ToSql> = bound.iter().map(|value| -> &dyn ToSql { value }).collect();
        let answer = self.connected.run(time, doing, async |session| {
            match session.ask_last(statement, &parameters).await {
                Err(Refusal::Server(told)) if is_about_values(told.code()) => Ok(Err(refusal(&told))),
                answer => answer.map(Ok),
            }
        });
        // XACT_ABORT has ended the transaction with any error.
        if !matches!(answer, Ok(Ok(_))) {
            self.connected.line = Line::Lost;
        }
        answer
    }
}

fn seen_as_bound(version: u64) -> Bound {
    Bound::Number(i64::try_from(version).unwrap_or(i64::MAX))
}

/// The number that a statement ends with.
fn count(rows: &[tiberius::Row]) -> Option<i32> {
    let first = rows.first().and_then(|row| row.try_get::<ColumnData<'_>, _>(0).ok().flatten());
    if let Some(ColumnData::I32(count)) = first { count } else { None }
}

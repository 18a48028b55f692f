//! One row: read, compared, written, and noted in the ledger.

use std::collections::BTreeMap;

use bron_load::{Dialect, Ended};
use bron_mappings::SourceKey;
use bron_transform::SourceText;

use super::applying::{Stop, Tried};
use super::control::{FIND_ORDINAL, NOTE_APPLIED, NUMBER_RUN};
use super::line::{Bound, Line, whole};
use super::statements;
use super::table::{Column, Form, Table, Tables, bound};
use crate::change::{Image, Stream, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::follower::{Expected, Met, RowWrite};

/// Rows of the model that were written, by what they need a receipt for: the entity, and the mapping they come from.
pub(super) type Written = BTreeMap<(String, String), Counts>;

/// What was done with the rows of one mapping.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) inserted: u64,
    pub(super) updated: u64,
    pub(super) removed: u64,
}

/// What is done with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Insert,
    Update,
    Delete,
}

/// The transaction of a cut, as far as rows need it.
pub(super) struct Rows<'w, L> {
    pub(super) line: &'w mut L,
    pub(super) tables: &'w Tables,
    pub(super) stream: &'w Stream,
    /// The run that rows of the model are written by.
    pub(super) run: String,
    pub(super) written: Written,
    /// The place of the run, once a row has been changed or removed.
    ordinal: Option<i64>,
}

impl<'w, L: Line> Rows<'w, L> {
    pub(super) fn new(line: &'w mut L, tables: &'w Tables, stream: &'w Stream) -> Self {
        let run = run_of(stream);
        Self { line, tables, stream, run, written: Written::new(), ordinal: None }
    }

    /// Writes a row under its precondition; what it met when it is not what was expected.
    pub(super) async fn write(&mut self, place: usize, write: &RowWrite) -> Tried<Option<Met>> {
        let table = self.tables.of(&write.key)?;
        let found = read(self.line, table, &write.key, true).await?;
        let met =
            |current: Option<&Image>| Some(Met { write: place, current: current.cloned(), constraint: None });
        let (now, others) = found.split_first().map_or((None, &[][..]), |(now, others)| (Some(now), others));
        let is_expected = match &write.expected {
            Expected::Absent => now.is_none(),
            Expected::Content(digest) => others.is_empty() && now.is_some_and(|now| now.digest() == *digest),
        };
        if !is_expected {
            return Ok(met(now));
        }
        let done = match (now, &write.after) {
            (None, None) => 1,
            (None, Some(after)) => self.insert(table, after).await?,
            (Some(now), Some(after)) => self.update(table, &write.key, (now, after)).await?,
            (Some(now), None) => self.delete(table, &write.key, now).await?,
        };
        if done != 1 {
            return Ok(met(now));
        }
        let content = match &write.after {
            Some(after) if table.is_of_model() => Some(after.clone()),
            Some(_) => read(self.line, table, &write.key, false).await?.into_iter().next(),
            None => None,
        };
        self.note(&write.cause, &write.key, write.version, content.as_ref()).await?;
        Ok(None)
    }

    async fn insert(&mut self, table: &Table, after: &Image) -> Tried<u64> {
        let given = if table.is_of_model() {
            let texts = after.columns();
            let all = table.columns.iter();
            all.map(|column| (column, value_of(column, texts.get(&column.described.name), L::DIALECT)))
                .collect()
        } else {
            table.values(after.columns(), L::DIALECT)?
        };
        let (columns, mut values): (Vec<&Column>, Vec<Bound>) = given.into_iter().unzip();
        let sql = statements::insert(table, &columns, L::DIALECT);
        if table.is_of_model() {
            values.push(Bound::text(&self.run));
        }
        let done = self.line.execute(&sql, values).await.map_err(|error| stopped(error, table))?;
        self.count(table, after, Act::Insert);
        Ok(done)
    }

    /// Sets the columns that are otherwise; nothing when none is.
    async fn update(&mut self, table: &Table, key: &SourceKey, (now, after): (&Image, &Image)) -> Tried<u64> {
        table.values(after.columns(), L::DIALECT)?;
        let (before, texts) = (now.columns(), after.columns());
        let is_other =
            |column: &&Column| before.get(&column.described.name) != texts.get(&column.described.name);
        let columns: Vec<&Column> = table.columns.iter().filter(is_other).collect();
        if columns.is_empty() {
            return Ok(1);
        }
        self.keep(table, key, Ended::Replaced).await?;
        let of_column = |column: &&Column| value_of(column, texts.get(&column.described.name), L::DIALECT);
        let mut values: Vec<Bound> = columns.iter().map(of_column).collect();
        values.extend(key_of(table, key)?);
        if table.is_of_model() {
            values.push(Bound::text(&self.run));
        }
        let sql = statements::update(table, &columns, L::DIALECT);
        let done = self.line.execute(&sql, values).await.map_err(|error| stopped(error, table))?;
        self.count(table, after, Act::Update);
        Ok(done)
    }

    async fn delete(&mut self, table: &Table, key: &SourceKey, now: &Image) -> Tried<u64> {
        self.keep(table, key, Ended::Gone).await?;
        let sql = statements::delete(table, L::DIALECT);
        let done = self.line.execute(&sql, key_of(table, key)?).await;
        self.count(table, now, Act::Delete);
        done.map_err(|error| stopped(error, table))
    }

    /// Keeps a row of the model as it is in the history of its entity.
    async fn keep(&mut self, table: &Table, key: &SourceKey, because: Ended) -> Tried<()> {
        if !table.is_of_model() {
            return Ok(());
        }
        let ordinal = self.ordinal().await?;
        let mut values = key_of(table, key)?;
        values.extend([Bound::text(&self.run), Bound::text(because.code()), Bound::Whole(ordinal)]);
        let sql = statements::keep(table, L::DIALECT);
        self.line.execute(&sql, values).await.map(drop).map_err(|error| stopped(error, table))
    }

    /// The place of this cut among the runs that changed the target.
    pub(super) async fn ordinal(&mut self) -> Tried<i64> {
        if let Some(ordinal) = self.ordinal {
            return Ok(ordinal);
        }
        let failed = |error| Stop::driver(error, "table bron_run");
        let run = || vec![Bound::text(&self.run)];
        if L::DIALECT == Dialect::Postgres {
            // As loading does: one run at a time gets a place.
            self.line.script(LOCK_RUNS).await.map_err(failed)?;
        }
        self.line.execute(NUMBER_RUN, run()).await.map_err(failed)?;
        let found = self.line.fetch(FIND_ORDINAL, run()).await.map_err(failed)?;
        let ordinal = whole(found.first().and_then(|row| row.first()).and_then(Option::as_ref));
        self.ordinal = Some(ordinal);
        Ok(ordinal)
    }

    /// Notes in the ledger what was written.
    pub(super) async fn note(
        &mut self,
        cause: &SourceKey,
        key: &SourceKey,
        version: Version,
        content: Option<&Image>,
    ) -> Tried<()> {
        let values = vec![
            Bound::text(&self.stream.source),
            Bound::text(self.stream.from.name()),
            Bound::Bytes(Some(cause.as_bytes().to_vec())),
            Bound::Bytes(Some(key.as_bytes().to_vec())),
            Bound::Whole(stored(version.major)?),
            Bound::Whole(stored(version.minor)?),
            Bound::Bytes(content.map(|content| content.digest().as_bytes().to_vec())),
        ];
        let noted = self.line.execute(NOTE_APPLIED, values).await;
        noted.map(drop).map_err(|error| Stop::driver(error, "table bridge_applied"))
    }

    pub(super) fn count(&mut self, table: &Table, image: &Image, act: Act) {
        if table.is_of_model() {
            let counts = self.written.entry((table.name.clone(), family(image))).or_default();
            match act {
                Act::Insert => counts.inserted += 1,
                Act::Update => counts.updated += 1,
                Act::Delete => counts.removed += 1,
            }
        }
    }
}

/// Waits until no other run gets a place.
const LOCK_RUNS: &str = "SELECT pg_advisory_xact_lock(hashtextextended('bron:run', 0))";

/// The run by which a stream writes rows of the model: one for all its cuts, each with a place of its own.
pub(super) fn run_of(stream: &Stream) -> String {
    format!("bridge/{}/{}", stream.source, stream.from.name())
}

/// What the names of all parts begin with that come from the mapping of a row.
pub(super) fn family(image: &Image) -> String {
    let text = |field: &str| match image.columns().get(field) {
        Some(SourceText::Text(text)) => text.clone(),
        Some(SourceText::Bytes(_)) | None => String::new(),
    };
    format!("{}/{}/", text("src_system"), text("src_table"))
}

fn stopped(error: sqlx::Error, table: &Table) -> Stop {
    Stop::driver(error, &format!("table {}", table.name))
}

fn key_of(table: &Table, key: &SourceKey) -> Result<Vec<Bound>> {
    table.key_of(key).ok_or_else(|| {
        Error::new(
            ErrorKind::Config,
            format!("table {}: the key of a row has not as many values", table.name),
        )
    })
}

/// A value for a column, NULL too.
pub(super) fn value_of(column: &Column, text: Option<&SourceText>, dialect: Dialect) -> Bound {
    match (column.form, text) {
        (Form::Bytes, None) => Bound::Bytes(None),
        _ => bound(column.form, text, dialect),
    }
}

/// A number of a version as the ledger stores it.
pub(super) fn stored(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| Error::new(ErrorKind::Config, "a version is 2^63 or more"))
}

/// The rows of a key as they are: one or none, unless the table's key is no key.
pub(super) async fn read<L: Line>(
    line: &mut L,
    table: &Table,
    key: &SourceKey,
    to_write: bool,
) -> Tried<Vec<Image>> {
    let sql = statements::select(table, L::DIALECT, to_write);
    let found = line.fetch(&sql, key_of(table, key)?).await.map_err(|error| stopped(error, table))?;
    Ok(found.into_iter().map(|values| table.image(values, L::DIALECT)).collect())
}

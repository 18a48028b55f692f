//! Tables that are asked what changed since the last time: by a watermark, or not at all.
//!
//! This is for databases in which nothing may be installed, over every connector of extraction, ODBC and SQL Server
//! among them. A table with a watermark has a column that rises with every change: a moment, or a number. A poll reads
//! the rows that have reached the highest value so far less an overlap, and passes over those that it has told of, by
//! the digest of the row. The comparison is made at the source and between its own values: no clock of ours has a say.
//!
//! What the overlap is for: transactions that commit after one with a later stamp, an hour that is repeated when summer
//! time ends, a clock that was set back. It must be longer than the longest of these; two hours is a good beginning.
//! What falls behind it, rows whose stamp somebody forgot to renew, and rows that are gone are found by a
//! [`sweep`](super::sweep()) alone. Tables without a watermark are told of by sweeps only.
//!
//! The version of a change is the number of the poll: of two states that were read, the one that was read later is the
//! later.

mod watermark;

use std::collections::{BTreeMap, BTreeSet};

use bron_extract::{
    Access, AtLeast, Batching, ImageText, Mark as Page, Source, SourceColumn, Span, TableReader, TableSchema,
};
use bron_mappings::{Batch, Digest, DigestBuilder, SourceKey, System, Value};
use bron_transform::SourceText;
use serde::{Deserialize, Serialize};

pub use self::watermark::{Overlap, Watermark};

use self::watermark::{Stamp, without_offset};
use super::captured::CapturedTable;
use crate::capture::{Budget, ChangeSource, Guarantee, Incarnation, Order, Position, Validity};
use crate::change::{Change, Chunk, Cut, Image, Mark, Stream, Version};
use crate::error::{Error, ErrorKind, Result};

/// The rows that are read at once.
const BATCH_ROWS: usize = 1000;

/// A database whose tables are polled.
pub struct PolledSource {
    access: Access,
    described: Option<System>,
    stream: Stream,
    tables: BTreeMap<String, (CapturedTable, Option<Watermark>)>,
    /// The highest number of a poll that is known.
    polls: u64,
    /// Where reading goes on behind the last key of a chunk.
    pages: BTreeMap<(String, SourceKey), Page>,
}

/// What a position says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    polls: u64,
    marks: BTreeMap<String, Reached>,
}

/// How far a table has been told of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reached {
    /// The highest value of the watermark; `None` when no row had one.
    value: Option<String>,
    /// The digests of the rows from there down to the overlap.
    seen: BTreeSet<String>,
}

impl PolledSource {
    /// The tables of a database, each with its watermark where it has one. `described` says how a folder's files are
    /// to be read. Nothing is asked yet.
    #[must_use]
    pub fn new(
        access: &Access,
        described: Option<System>,
        stream: Stream,
        tables: Vec<(CapturedTable, Option<Watermark>)>,
    ) -> Self {
        let tables = tables.into_iter().map(|(table, mark)| (table.name.clone(), (table, mark))).collect();
        Self { access: access.clone(), described, stream, tables, polls: 0, pages: BTreeMap::new() }
    }

    /// Connects: everything that is read through one connection is of one moment, where the source has such a thing.
    fn open(&self) -> Result<(Box<dyn Source>, BTreeMap<String, TableSchema>)> {
        let mut source = self.access.open(self.described.as_ref()).map_err(not_read)?;
        let tables = source.tables().map_err(not_read)?;
        let mut known = BTreeMap::new();
        for mut table in tables {
            let Some((captured, mark)) = self.tables.get(&table.name) else { continue };
            if let Some(columns) = captured.columns() {
                table.columns.retain(|column| columns.contains(&column.name));
            }
            let needed = captured.key.iter().chain(mark.as_ref().map(|mark| &mark.column));
            for needed in needed {
                if !table.columns.iter().any(|column| column.name == *needed) {
                    return Err(drift(&format!("table {} has no column {needed}", table.name)));
                }
            }
            known.insert(table.name.clone(), table);
        }
        match self.tables.keys().find(|name| !known.contains_key(*name)) {
            Some(name) => Err(drift(&format!("table {name} is not there"))),
            None => Ok((source, known)),
        }
    }

    fn place(&mut self, position: &Position) -> Result<Place> {
        let problem = || Error::new(ErrorKind::Config, "the position is not one of polled tables");
        let place: Place = serde_json::from_str(&position.0).map_err(|_| problem())?;
        self.polls = self.polls.max(place.polls);
        Ok(place)
    }

    fn at(&self) -> Version {
        Version { major: self.polls, minor: u64::MAX }
    }
}

fn position(place: &Place) -> Position {
    Position(serde_json::to_string(place).expect("numbers and texts can be written as JSON"))
}

fn not_read(error: bron_extract::Error) -> Error {
    use bron_extract::ErrorKind as Found;
    let found = error.kind();
    let kind = if error.is_retryable() {
        ErrorKind::Connection
    } else if found == Found::Drift {
        ErrorKind::Drift
    } else if matches!(found, Found::Settings | Found::Permission) {
        ErrorKind::Config
    } else if matches!(found, Found::Missing | Found::Unreadable | Found::Storage) {
        ErrorKind::Storage
    } else {
        ErrorKind::Database
    };
    Error::because(kind, error.to_string(), error)
}

fn drift(problem: &str) -> Error {
    Error::new(ErrorKind::Drift, problem)
}

/// One row of a batch.
pub(super) fn image(captured: &CapturedTable, columns: &[SourceColumn], batch: &Batch, row: usize) -> Image {
    let value = |(index, column): (usize, &SourceColumn)| {
        let value = match batch.cells(index).value(row)? {
            Value::Bytes(bytes) => ImageText::Bytes(bytes.to_vec()),
            Value::Text(text) => ImageText::Text(text.to_owned()),
            Value::Bool(_)
            | Value::Int(_)
            | Value::Decimal(_)
            | Value::Date(_)
            | Value::Time(_)
            | Value::Id(_) => {
                return None;
            }
        };
        Some((column.name.clone(), value))
    };
    captured.image(columns.iter().enumerate().filter_map(value).collect())
}

/// Reads the rows of a span, batch by batch, until `each` has had enough.
fn read(
    source: &mut dyn Source,
    captured: &CapturedTable,
    table: &TableSchema,
    span: &Span,
    batching: Batching,
    each: &mut dyn FnMut(Vec<Image>, Option<Page>) -> Result<bool>,
) -> Result<()> {
    let mut rows = source.read_span(table, span, batching).map_err(not_read)?;
    while let Some(batch) = rows.next() {
        let batch = batch.map_err(|error| {
            Error::because(ErrorKind::Database, format!("table {} cannot be read", table.name), error)
        })?;
        let images = (0..batch.rows()).map(|row| image(captured, &table.columns, &batch, row)).collect();
        none_unreadable(table, rows.as_mut())?;
        if !each(images, rows.mark())? {
            return Ok(());
        }
    }
    none_unreadable(table, rows.as_mut())
}

/// A row that is no row would pass for one that is gone.
fn none_unreadable(table: &TableSchema, rows: &mut dyn TableReader) -> Result<()> {
    let Some(unreadable) = rows.take_unreadable().into_iter().next() else { return Ok(()) };
    let (line, column) = (unreadable.line, unreadable.column.unwrap_or_default());
    let problem = format!("table {}: row {line}, column {column}: not to be read as a row", table.name);
    Err(Error::new(ErrorKind::Corrupt, problem))
}

/// What a row says of a column, as text.
fn text<'a>(image: &'a Image, column: &str) -> Option<&'a str> {
    match image.columns().get(column)? {
        SourceText::Text(text) => Some(text),
        SourceText::Bytes(_) => None,
    }
}

/// What a poll of one table finds.
struct Found {
    rows: Vec<Image>,
    reached: Reached,
}

/// The rows of a table that were not told of, and how far it has been told of then.
fn look(
    source: &mut dyn Source,
    captured: &CapturedTable,
    table: &TableSchema,
    mark: &Watermark,
    before: &Reached,
) -> Result<Found> {
    let from = before.value.as_deref().and_then(|value| mark.again_from(value));
    let at_least = from.map(|(_, value)| AtLeast { column: mark.column.clone(), value });
    let span = Span { at_least, ..Span::default() };
    let mut highest: Option<(Stamp, String)> =
        before.value.as_ref().and_then(|value| Some((mark.stamp(value)?, value.clone())));
    let mut met: Vec<(Option<Stamp>, Image)> = Vec::new();
    read(source, captured, table, &span, Batching::of(BATCH_ROWS), &mut |images, _| {
        for image in images {
            let shown = text(&image, &mark.column).map(|text| without_offset(text).to_owned());
            let stamp = shown.as_deref().and_then(|shown| mark.stamp(shown));
            if let (Some(stamp), Some(shown)) = (stamp, shown)
                && highest.as_ref().is_none_or(|(highest, _)| *highest < stamp)
            {
                highest = Some((stamp, shown));
            }
            met.push((stamp, image));
        }
        Ok(true)
    })?;
    let value = highest.map(|(_, shown)| shown);
    let from = value.as_deref().and_then(|value| mark.again_from(value)).map(|(from, _)| from);
    let digest = |image: &Image| image.digest().to_string();
    let is_met_again =
        |stamp: &Option<Stamp>| from.is_none_or(|from| stamp.is_some_and(|stamp| stamp >= from));
    let again = met.iter().filter(|(stamp, _)| is_met_again(stamp)).map(|(_, image)| digest(image));
    let seen = again.collect();
    let is_new = |image: &Image| !before.seen.contains(&digest(image));
    let rows = met.into_iter().map(|(_, image)| image).filter(is_new).collect();
    Ok(Found { rows, reached: Reached { value, seen } })
}

/// Reading one chunk of a table.
struct Paging<'a> {
    captured: &'a CapturedTable,
    schema: &'a TableSchema,
    /// Where it begins.
    page: Option<Page>,
    /// The most rows.
    rows: u64,
}

/// The rows of a chunk, and where reading goes on behind them.
type Paged = (BTreeMap<SourceKey, Image>, Option<Page>);

impl Paging<'_> {
    /// The first batch, or the first that has a key; the whole of a table that has no key to go on by.
    fn read(&self, source: &mut dyn Source, looked_for: Option<&SourceKey>) -> Result<Option<Paged>> {
        let Self { captured, schema, page, rows } = self;
        let is_whole = schema.key_unique.is_empty();
        let batching = Batching::of(usize::try_from((*rows).max(1)).unwrap_or(usize::MAX));
        let span = Span { after: page.clone(), ..Span::default() };
        let (mut chunk, mut found) = (BTreeMap::new(), None);
        read(source, captured, schema, &span, batching, &mut |images, mark| {
            for image in images {
                if chunk.insert(captured.key_of(&image)?, image).is_some() {
                    return Err(drift(&format!("table {}: two rows have the same key", schema.name)));
                }
            }
            if is_whole {
                return Ok(true);
            }
            let rows = std::mem::take(&mut chunk);
            if looked_for.is_none_or(|key| rows.contains_key(key)) {
                found = Some((rows, mark));
            }
            Ok(found.is_none())
        })?;
        Ok(if is_whole { Some((chunk, None)) } else { found })
    }
}

impl ChangeSource for PolledSource {
    /// The address: such a source cannot tell one life from another. What a restore has changed is found by a sweep.
    fn incarnation(&mut self) -> Result<Incarnation> {
        Ok(Incarnation(self.access.locator.to_string()))
    }

    fn now(&mut self) -> Result<Position> {
        let (mut source, known) = self.open()?;
        let mut place = Place { polls: self.polls, ..Place::default() };
        for (name, table) in &known {
            let Some((captured, Some(mark))) = self.tables.get(name) else { continue };
            let found = look(source.as_mut(), captured, table, mark, &Reached::default())?;
            place.marks.insert(name.clone(), found.reached);
        }
        Ok(position(&place))
    }

    fn validity(&mut self, position: &Position) -> Result<Validity> {
        self.place(position)?;
        match self.open() {
            Ok(_) => Ok(Validity::Valid { headroom_seconds: None }),
            Err(error) if error.kind() == ErrorKind::Drift => {
                Ok(Validity::Drift { schema: schema_of(&BTreeMap::new()) })
            }
            Err(error) => Err(error),
        }
    }

    /// The rows that reached their watermarks; a table without one brings nothing. The budget is not kept.
    fn poll(&mut self, from: &Position, _budget: Budget) -> Result<Cut> {
        let place = self.place(from)?;
        let (mut source, known) = self.open()?;
        let mut next = Place { polls: place.polls + 1, ..Place::default() };
        let mut changes = Vec::new();
        for (name, table) in &known {
            let Some((captured, Some(mark))) = self.tables.get(name) else { continue };
            let before = place.marks.get(name).cloned().unwrap_or_default();
            let found = look(source.as_mut(), captured, table, mark, &before)?;
            next.marks.insert(name.clone(), found.reached);
            for image in found.rows {
                let minor = u64::try_from(changes.len()).expect("fewer than 2^64 rows") + 1;
                let version = Version { major: next.polls, minor };
                let key = captured.key_of(&image)?;
                changes.push(Change { key, version, after: Some(image), before: None, mark: Mark::None });
            }
        }
        self.polls = self.polls.max(next.polls);
        Ok(Cut {
            stream: self.stream.clone(),
            incarnation: self.incarnation()?,
            from: from.clone(),
            next: position(&next),
            complete_through: Version { major: next.polls, minor: u64::MAX },
            schema: schema_of(&known),
            changes,
        })
    }

    /// In the order of the source. A chunk that goes on behind a key that this adapter has not just given begins again
    /// with the batch that the key is in, or with the first when it is not there any more: rows may come twice, none is
    /// passed over. A table without a key comes in one chunk.
    fn read_chunk(&mut self, table: &str, after: Option<&SourceKey>, rows: u64) -> Result<Chunk> {
        let (mut source, known) = self.open()?;
        let problem = || Error::new(ErrorKind::Config, format!("table {table} is not captured"));
        let ((captured, _), schema) = self.tables.get(table).zip(known.get(table)).ok_or_else(problem)?;
        let page = after.and_then(|key| self.pages.remove(&(table.to_owned(), key.clone())));
        let mut paging = Paging { captured, schema, page, rows };
        let looked_for = after.filter(|_| paging.page.is_none());
        let mut found = paging.read(source.as_mut(), looked_for)?;
        if found.is_none() && looked_for.is_some() {
            paging.page = None;
            found = paging.read(source.as_mut(), None)?;
        }
        let (rows, page) = found.unwrap_or_default();
        let page = rows.keys().next_back().cloned().zip(page);
        let more = page.is_some();
        if let Some((last, page)) = page {
            self.pages.insert((table.to_owned(), last), page);
        }
        Ok(Chunk { at: self.at(), rows, more })
    }

    /// Upserts only, in no order but that of a row's states, and nothing but a sweep bounds how old they are.
    fn guarantee(&self, _table: &str) -> Guarantee {
        Guarantee {
            deletes: false,
            order: Order::Row,
            intermediate_states: false,
            before_image: false,
            staleness_seconds: None,
        }
    }
}

fn schema_of(known: &BTreeMap<String, TableSchema>) -> Digest {
    let mut digest = DigestBuilder::new("dual-run schema 1");
    for (name, table) in known {
        digest.part(name.as_bytes());
        for column in &table.columns {
            digest.part(column.name.as_bytes()).part(column.declared_type.as_bytes());
        }
        digest.part(b"");
    }
    digest.finish()
}

#[cfg(test)]
mod tests;

//! One table of a source as a finished directory of parts.

mod adopting;
mod journal;
mod ranged;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use bron_mappings::{BatchSchema, ColumnType, Digest, Value};

use crate::atomic;
use crate::batches::RowBuilder;
use crate::error::{Error, ErrorKind, unless_damaged};
use crate::ledger::TableLedger;
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::parts::{PartEntry, PartOptions, PartWriter, Written};
use crate::source::{Source, TableReader, TableSchema, UnreadableRow};
use crate::span::{Batching, Mark, Span};
use crate::vault::Vault;

pub use self::adopting::{StagedBefore, adopt_table};
use self::journal::{Journal, Progress};

/// What the parts with unreadable lines are called.
const UNREADABLE: &str = "unreadable";
const BUFFERED_LINES: usize = 1024;
const BUFFERED_BYTES: usize = 32 << 20;

/// What to stage, and where.
#[derive(Clone, Debug)]
pub struct StageRequest<'a> {
    /// The name of the source system.
    pub system: &'a str,
    /// The table, with the columns to read.
    pub table: &'a TableSchema,
    /// What [`Source::fingerprint`] gave before.
    pub fingerprint: Digest,
    /// The directory of this table alone; see [`table_dir`].
    pub dir: &'a Path,
    /// The most rows of a batch. Does not change the result.
    pub batch_rows: usize,
    /// How rows are cut into parts.
    pub parts: PartOptions,
}

impl StageRequest<'_> {
    fn batching(&self) -> Batching {
        Batching::of(self.batch_rows).ending_with_parts(self.parts.rows_per_part, self.parts.bytes_per_part)
    }
}

/// A staged table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// What the directory holds.
    pub manifest: Manifest,
    /// Whether it was already there, made from the same source.
    pub reused: bool,
}

/// The directory of a table in a run: `<run>/staged/<system>/<table>`. Characters of names other than ASCII
/// letters, digits, `_` and `-` are written as `%` and two hexadecimal digits per byte.
#[must_use]
pub fn table_dir(run: &Path, system: &str, table: &str) -> PathBuf {
    run.join("staged").join(file_safe(system)).join(file_safe(table))
}

/// A name that every file system can hold: characters other than ASCII letters, digits, `_` and `-` become
/// `%` and two hexadecimal digits per byte.
///
/// # Panics
/// Never: writing to a `String` does not fail.
#[must_use]
pub fn file_safe(name: &str) -> String {
    let mut safe = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') {
            safe.push(char::from(byte));
        } else {
            write!(safe, "%{byte:02X}").expect("writing to a String does not fail");
        }
    }
    safe
}

/// Stages one table with one connection, as [`stage_table_beside`] with no other.
///
/// # Errors
/// As [`stage_table_beside`].
pub fn stage_table(source: &mut dyn Source, request: &StageRequest<'_>) -> Result<Staged, Error> {
    stage_table_beside(source, &mut [], request)
}

/// Stages one table, as [`stage_table_beside`], with at most `readers` connections. Those beside `source` are made for
/// a table that has about two parts or more, and end with it. A server that has no room for them is read on those
/// that there are.
///
/// # Errors
/// As [`stage_table_beside`].
pub fn stage_table_by(
    source: &mut dyn Source,
    readers: usize,
    request: &StageRequest<'_>,
) -> Result<Staged, Error> {
    let schema = request.table.batch_schema();
    let two_parts = u64::try_from(request.parts.rows_per_part.saturating_mul(2)).unwrap_or(u64::MAX);
    let is_worth_it = request.table.rows_estimate >= two_parts
        && finished(request.dir, request.parts.vault.as_ref(), &origin(request), &schema)?.is_none();
    let mut beside = Vec::new();
    while is_worth_it && beside.len() + 1 < readers {
        let Ok(Some(other)) = source.beside() else { break };
        beside.push(other);
    }
    stage_table_beside(source, &mut beside, request)
}

/// Stages one table. A directory that was finished from the same source, with the same columns and the
/// same cut, is kept as it is. One that was begun so and not finished is gone on with: its finished parts are compared
/// with their digests, and the source is asked for nothing before them. Of a table whose rows have no key nothing is
/// kept. Any other directory is made anew. The manifest is written last. The result is the same, byte for byte.
///
/// `beside` are further connections that see the same point in time; see [`Source::beside`]. With them a table that
/// the source can cut into ranges is read by all at once; the result is the same for any number of them.
///
/// Lines that could not be read as rows are kept in `unreadable-*.parquet` with the columns of
/// [`unreadable_schema`]; such a part ends at the latest where a part of rows ends.
///
/// # Errors
/// Those of the source, [`ErrorKind::Storage`] when the output cannot be written, and
/// [`ErrorKind::Corrupt`] when the reader's ledger does not add up to the rows that it gave.
pub fn stage_table_beside(
    source: &mut dyn Source,
    beside: &mut [Box<dyn Source + Send>],
    request: &StageRequest<'_>,
) -> Result<Staged, Error> {
    let origin = origin(request);
    if let Some(manifest) = finished_here(request, &origin)? {
        return Ok(Staged { manifest, reused: true });
    }
    atomic::create_directory(request.dir)?;
    // The manifest goes first: from here on the directory does not count as finished.
    atomic::remove_named(request.dir, |name| name == MANIFEST_FILE)?;
    atomic::clean(request.dir)?;
    let (mut staging, span) = Staging::begin(request, &origin)?;
    let done = staging.read(source, beside, &span);
    let done = match done {
        // The mark is not one of this table as it is now.
        Err(error) if span.after.is_some() && error.kind() == ErrorKind::Drift => {
            staging = Staging::anew(request, staging.journal)?;
            staging.read(source, beside, &Span::default())
        }
        done => done,
    };
    let manifest = staging.finish(request, origin, done?)?;
    Ok(Staged { manifest, reused: false })
}

/// A table on its way into its directory.
struct Staging<'r> {
    request: &'r StageRequest<'r>,
    journal: Journal,
    parts: PartWriter,
    lines: UnreadableWriter,
    /// The ends of parts that were handed over and are not noted yet.
    ends: VecDeque<PartEnd>,
}

/// Where a reader stood when the last row of a part had been added.
struct PartEnd {
    /// The parts up to there.
    parts: usize,
    /// The parts with unreadable lines up to there.
    unreadable: usize,
    ledger: TableLedger,
    mark: Mark,
}

impl<'r> Staging<'r> {
    /// Goes on with what an earlier one of the same origin finished, if there is such a thing and all of it is whole.
    /// Gives what is left to read.
    fn begin(
        request: &'r StageRequest<'r>,
        origin: &BTreeMap<String, String>,
    ) -> Result<(Self, Span), Error> {
        let (journal, progress) = Journal::open(request, origin)?;
        let Progress { parts, unreadable, ledger, mark } = progress;
        let Some(mark) = mark else { return Ok((Self::anew(request, journal)?, Span::default())) };
        let schema = request.table.batch_schema();
        let kept: Vec<String> = parts.iter().chain(&unreadable).map(|part| part.file.clone()).collect();
        let writers = PartWriter::behind(request.dir, &schema, request.parts.clone(), parts)
            .and_then(|parts| Ok((parts, UnreadableWriter::behind(request, unreadable)?)));
        let Ok((parts, lines)) = writers else {
            // What was finished is damaged or gone.
            return Ok((Self::anew(request, journal)?, Span::default()));
        };
        remove_parts(request, &kept)?;
        let span = Span { after: Some(mark), before: ledger, ..Span::default() };
        Ok((Self { request, journal, parts: parts.in_background(), lines, ends: VecDeque::new() }, span))
    }

    /// Begins in an empty directory.
    fn anew(request: &'r StageRequest<'r>, mut journal: Journal) -> Result<Self, Error> {
        journal.clear()?;
        remove_parts(request, &[])?;
        let schema = request.table.batch_schema();
        let parts = PartWriter::new(request.dir, &schema, request.parts.clone())?.in_background();
        let lines = UnreadableWriter::behind(request, Vec::new())?;
        Ok(Self { request, journal, parts, lines, ends: VecDeque::new() })
    }

    /// Reads the rest of the table, by several connections where that is worth it, and gives the whole account.
    fn read(
        &mut self,
        source: &mut dyn Source,
        beside: &mut [Box<dyn Source + Send>],
        span: &Span,
    ) -> Result<TableLedger, Error> {
        let request = self.request;
        let rows_each = u64::try_from(request.parts.rows_per_part).unwrap_or(u64::MAX);
        let marks = if beside.is_empty() {
            Vec::new()
        } else {
            source.ranges(request.table, span.after.as_ref(), rows_each)?
        };
        if marks.is_empty() {
            let mut reader = source.read_span(request.table, span, request.batching())?;
            return self.take(reader.as_mut());
        }
        let mut sources: Vec<&mut dyn Source> = vec![source];
        sources.extend(beside.iter_mut().map(|other| -> &mut dyn Source { other.as_mut() }));
        ranged::read(sources, request, span, &marks, |reader| self.take(reader))
    }

    /// Writes what a reader gives, and notes every part that has become whole, whatever happens after it.
    fn take(&mut self, reader: &mut dyn TableReader) -> Result<TableLedger, Error> {
        let taken = self.take_all(reader);
        let settled = self.parts.settle().and_then(|()| self.note_whole());
        taken?;
        settled?;
        Ok(reader.ledger())
    }

    fn take_all(&mut self, reader: &mut dyn TableReader) -> Result<(), Error> {
        while let Some(batch) = reader.next() {
            let before = self.parts.handed_over();
            self.parts.push(&batch.map_err(Error::from_reader)?)?;
            self.lines.push(&reader.take_unreadable())?;
            let parts = self.parts.handed_over();
            if parts > before && self.parts.is_at_cut() {
                self.lines.cut()?;
                let unreadable = self.lines.parts.parts().len();
                let end =
                    reader.mark().map(|mark| PartEnd { parts, unreadable, ledger: reader.ledger(), mark });
                self.ends.extend(end);
            }
            self.note_whole()?;
        }
        self.lines.push(&reader.take_unreadable())
    }

    /// Notes the last end up to which every part is whole.
    fn note_whole(&mut self) -> Result<(), Error> {
        if self.ends.is_empty() {
            return Ok(());
        }
        let whole = self.parts.parts();
        let mut last = None;
        while let Some(end) = self.ends.pop_front_if(|end| end.parts <= whole.len()) {
            last = Some(end);
        }
        let Some(PartEnd { parts, unreadable, ledger, mark }) = last else { return Ok(()) };
        self.journal.note(&whole[..parts], &self.lines.parts.parts()[..unreadable], ledger, &mark)
    }

    fn finish(
        self,
        request: &StageRequest<'_>,
        origin: BTreeMap<String, String>,
        ledger: TableLedger,
    ) -> Result<Manifest, Error> {
        let (written, unreadable) = (self.parts.finish()?, self.lines.finish()?);
        let quarantined: u64 = ledger.quarantined.values().sum();
        if !ledger.is_balanced() || ledger.staged != written.rows || quarantined != unreadable.rows {
            let table = &request.table.name;
            let problem = format!("the rows of table {table} do not add up: the ledger is wrong");
            return Err(Error::new(ErrorKind::Corrupt, problem));
        }
        let schema = request.table.batch_schema();
        let mut manifest = Manifest::new(&request.table.name, origin, &schema, written);
        manifest.ledger = Some(ledger);
        manifest.unreadable = unreadable.parts;
        manifest.save(request.dir)?;
        self.journal.remove()?;
        Ok(manifest)
    }
}

/// Removes all parts of the table but those that are kept.
fn remove_parts(request: &StageRequest<'_>, kept: &[String]) -> Result<(), Error> {
    atomic::remove_named(request.dir, |name| {
        let is_one = is_part(name, &request.parts.prefix) || is_part(name, UNREADABLE);
        is_one && !kept.iter().any(|file| file == name)
    })
}

fn origin(request: &StageRequest<'_>) -> BTreeMap<String, String> {
    let parts = &request.parts;
    BTreeMap::from([
        ("cut".to_owned(), format!("{} rows, {} bytes", parts.rows_per_part, parts.bytes_per_part)),
        ("source".to_owned(), request.fingerprint.to_string()),
        ("system".to_owned(), request.system.to_owned()),
    ])
}

/// The manifest of the table that was asked for, when it need not be made again. Whoever finished it may have been
/// killed before the notes about the way there were removed: they are now.
fn finished_here(
    request: &StageRequest<'_>,
    origin: &BTreeMap<String, String>,
) -> Result<Option<Manifest>, Error> {
    let (vault, schema) = (request.parts.vault.as_ref(), request.table.batch_schema());
    let manifest = finished(request.dir, vault, origin, &schema)?;
    if manifest.is_some() {
        atomic::clean(request.dir)?;
        Journal::open(request, origin)?.0.remove()?;
    }
    Ok(manifest)
}

/// The manifest of a directory that need not be made again. Damage to the manifest is a reason to make it
/// again, not an error; a format that this program does not understand is none.
fn finished(
    dir: &Path,
    vault: Option<&Vault>,
    origin: &BTreeMap<String, String>,
    schema: &BatchSchema,
) -> Result<Option<Manifest>, Error> {
    let manifest = match vault {
        Some(vault) => unless_damaged(Manifest::open(dir, vault))?,
        None => {
            let stored = unless_damaged(Manifest::load_stored(&dir.join(MANIFEST_FILE)))?;
            // Nobody reads sealed parts without the key.
            stored.and_then(|(manifest, seal)| seal.is_none().then_some(manifest))
        }
    };
    let Some(manifest) = manifest else { return Ok(None) };
    let whole = manifest.parts.iter().chain(&manifest.unreadable).all(|part| dir.join(&part.file).is_file());
    Ok((whole && &manifest.origin == origin && &manifest.schema == schema).then_some(manifest))
}

fn is_part(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('-') && rest.ends_with(".parquet"))
}

/// The columns of the parts that keep unreadable lines: the file, the 1-based line (or position of the row),
/// the column at fault or NULL, the reason code and the bytes as found.
#[must_use]
pub fn unreadable_schema() -> BatchSchema {
    let columns = [
        ("file", ColumnType::Text),
        ("line", ColumnType::Int),
        ("column", ColumnType::Text),
        ("reason", ColumnType::Text),
        ("raw", ColumnType::Bytes),
    ];
    BatchSchema::new(columns.map(|(name, kind)| (name.to_owned(), kind)))
}

fn unreadable_options(vault: Option<&Vault>) -> PartOptions {
    PartOptions { prefix: UNREADABLE.to_owned(), vault: vault.cloned(), ..PartOptions::default() }
}

struct UnreadableWriter {
    rows: RowBuilder,
    parts: PartWriter,
}

impl UnreadableWriter {
    /// A writer that goes on behind these parts.
    fn behind(request: &StageRequest<'_>, parts: Vec<PartEntry>) -> Result<Self, Error> {
        let schema = unreadable_schema();
        Ok(Self {
            parts: PartWriter::behind(
                request.dir,
                &schema,
                unreadable_options(request.parts.vault.as_ref()),
                parts,
            )?,
            rows: RowBuilder::new(schema, BUFFERED_LINES, BUFFERED_BYTES),
        })
    }

    fn push(&mut self, lines: &[UnreadableRow]) -> Result<(), Error> {
        for line in lines {
            let number = i64::try_from(line.line).expect("a file has fewer than 2^63 lines");
            self.rows.push(0, Some(Value::Text(&line.file)));
            self.rows.push(1, Some(Value::Int(number)));
            self.rows.push(2, line.column.as_deref().map(Value::Text));
            self.rows.push(3, Some(Value::Text(line.reason)));
            self.rows.push(4, Some(Value::Bytes(&line.raw)));
            self.rows.end_row();
            if self.rows.is_full() {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.parts.push(&self.rows.finish())
    }

    /// Ends the part under construction, when it has lines.
    fn cut(&mut self) -> Result<(), Error> {
        self.flush()?;
        self.parts.cut()
    }

    fn finish(mut self) -> Result<Written, Error> {
        self.flush()?;
        self.parts.finish()
    }
}

#[cfg(test)]
pub(crate) mod tests;

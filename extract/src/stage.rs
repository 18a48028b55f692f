//! One table of a source as a finished directory of parts.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use bron_mappings::{BatchSchema, ColumnType, Digest, Value};

use crate::atomic;
use crate::batches::RowBuilder;
use crate::error::{Error, ErrorKind};
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::parts::{PartEntry, PartOptions, PartWriter, Written, read_parts};
use crate::source::{Source, TableSchema, UnreadableRow};
use crate::vault::Vault;

/// What the parts with unreadable lines are called.
const UNREADABLE: &str = "unreadable";
const BUFFERED_LINES: usize = 1024;

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

/// Stages one table. A directory that was finished from the same source, with the same columns and the
/// same cut, is kept as it is; any other is made anew. The manifest is written last.
///
/// Lines that could not be read as rows are kept in `unreadable-*.parquet` with the columns of
/// [`unreadable_schema`].
///
/// # Errors
/// Those of the source, [`ErrorKind::Storage`] when the output cannot be written, and
/// [`ErrorKind::Corrupt`] when the reader's ledger does not add up to the rows that it gave.
pub fn stage_table(source: &mut dyn Source, request: &StageRequest<'_>) -> Result<Staged, Error> {
    let origin = origin(request);
    let schema = request.table.batch_schema();
    let vault = request.parts.vault.as_ref();
    if let Some(manifest) = finished(request.dir, vault, &origin, &schema) {
        atomic::clean(request.dir)?;
        return Ok(Staged { manifest, reused: true });
    }
    atomic::create_directory(request.dir)?;
    // The manifest goes first: from here on the directory does not count as finished.
    atomic::remove_named(request.dir, |name| name == MANIFEST_FILE)?;
    atomic::remove_named(request.dir, |name| {
        is_part(name, &request.parts.prefix) || is_part(name, UNREADABLE)
    })?;
    atomic::clean(request.dir)?;

    let mut reader = source.read(request.table, request.batch_rows)?;
    let mut parts = PartWriter::new(request.dir, &schema, request.parts.clone())?;
    let mut lines = UnreadableWriter::new(request.dir, vault)?;
    while let Some(batch) = reader.next() {
        parts.push(&batch.map_err(Error::from_reader)?)?;
        lines.push(&reader.take_unreadable())?;
    }
    lines.push(&reader.take_unreadable())?;
    let ledger = reader.ledger();
    let (written, unreadable) = (parts.finish()?, lines.finish()?);
    let quarantined: u64 = ledger.quarantined.values().sum();
    if !ledger.is_balanced() || ledger.staged != written.rows || quarantined != unreadable.rows {
        let problem = format!("the rows of table {} do not add up: the ledger is wrong", request.table.name);
        return Err(Error::new(ErrorKind::Corrupt, problem));
    }
    let mut manifest = Manifest::new(&request.table.name, origin, &schema, written);
    manifest.ledger = Some(ledger);
    manifest.unreadable = unreadable.parts;
    manifest.save(request.dir)?;
    Ok(Staged { manifest, reused: false })
}

/// A table that was staged before, perhaps by another run.
#[derive(Clone, Copy, Debug)]
pub struct StagedBefore<'a> {
    /// The directory of the table.
    pub dir: &'a Path,
    /// How that run keeps its rows.
    pub vault: Option<&'a Vault>,
}

/// Takes over the table as it was staged before, when that was made from the same source, with the same columns
/// and the same cut. The files are linked, not copied, unless one of the runs has a key or large values lie beside
/// the parts: then the rows are read, proven and written again as this run keeps them. Says whether it was.
///
/// # Errors
/// [`ErrorKind::Storage`] when the files cannot be linked or written, those of [`PartReader`](crate::PartReader) when
/// the rows cannot be read, and [`ErrorKind::Corrupt`] when the rows that were written are not those of the manifest.
pub fn adopt_table(request: &StageRequest<'_>, from: StagedBefore<'_>) -> Result<bool, Error> {
    let (origin, schema) = (origin(request), request.table.batch_schema());
    let vault = request.parts.vault.as_ref();
    if finished(request.dir, vault, &origin, &schema).is_some() {
        return Ok(true);
    }
    let Some(manifest) = finished(from.dir, from.vault, &origin, &schema) else { return Ok(false) };
    atomic::renew_directory(request.dir)?;
    let parts = || manifest.parts.iter().chain(&manifest.unreadable);
    let is_sealed = |vault: Option<&Vault>| vault.is_some_and(Vault::is_sealed);
    if is_sealed(vault) || is_sealed(from.vault) || parts().any(|part| !part.blobs.is_empty()) {
        write_again(request, from, &manifest)?;
        return Ok(true);
    }
    // The manifest goes last: until it is there the directory does not count as finished.
    for file in parts().map(|part| part.file.as_str()).chain([MANIFEST_FILE]) {
        let to = request.dir.join(file);
        std::fs::hard_link(from.dir.join(file), &to).map_err(|error| Error::writing(&to, error))?;
    }
    Ok(true)
}

/// Writes the rows of another run's table as this run keeps them.
fn write_again(request: &StageRequest<'_>, from: StagedBefore<'_>, before: &Manifest) -> Result<(), Error> {
    let copied = |schema: &BatchSchema, entries: &[PartEntry], options: PartOptions| {
        let reader = read_parts(from.dir, schema, entries, None, request.batch_rows)?.within(from.vault);
        let mut writer = PartWriter::new(request.dir, schema, options)?;
        for batch in reader {
            writer.push(&batch.map_err(Error::from_reader)?)?;
        }
        let written = writer.finish()?;
        let content = |parts: &[PartEntry]| parts.iter().map(|part| part.content).collect::<Vec<_>>();
        if content(&written.parts) == content(entries) { Ok(written) } else { Err(not_the_same(from.dir)) }
    };
    let written = copied(&before.schema, &before.parts, request.parts.clone())?;
    if written.content != before.content {
        return Err(not_the_same(from.dir));
    }
    let lines = unreadable_options(request.parts.vault.as_ref());
    let unreadable = copied(&unreadable_schema(), &before.unreadable, lines)?;
    let mut manifest = Manifest::new(&before.table, before.origin.clone(), &before.schema, written);
    manifest.ledger.clone_from(&before.ledger);
    manifest.unreadable = unreadable.parts;
    manifest.save(request.dir)
}

fn not_the_same(dir: &Path) -> Error {
    Error::corrupt(dir, "does not hold the rows that its manifest names", None)
}

fn origin(request: &StageRequest<'_>) -> BTreeMap<String, String> {
    let parts = &request.parts;
    BTreeMap::from([
        ("cut".to_owned(), format!("{} rows, {} bytes", parts.rows_per_part, parts.bytes_per_part)),
        ("source".to_owned(), request.fingerprint.to_string()),
        ("system".to_owned(), request.system.to_owned()),
    ])
}

/// The manifest of a directory that need not be made again. Damage to the manifest is a reason to make it
/// again, not an error.
fn finished(
    dir: &Path,
    vault: Option<&Vault>,
    origin: &BTreeMap<String, String>,
    schema: &BatchSchema,
) -> Option<Manifest> {
    let manifest = match vault {
        Some(vault) => Manifest::open(dir, vault),
        None => Manifest::load(&dir.join(MANIFEST_FILE)),
    };
    let manifest = manifest.ok()?;
    let whole = manifest.parts.iter().chain(&manifest.unreadable).all(|part| dir.join(&part.file).is_file());
    (whole && &manifest.origin == origin && &manifest.schema == schema).then_some(manifest)
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
    fn new(dir: &Path, vault: Option<&Vault>) -> Result<Self, Error> {
        let schema = unreadable_schema();
        Ok(Self {
            parts: PartWriter::new(dir, &schema, unreadable_options(vault))?,
            rows: RowBuilder::new(schema, BUFFERED_LINES),
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

    fn finish(mut self) -> Result<Written, Error> {
        self.flush()?;
        self.parts.finish()
    }
}

#[cfg(test)]
mod tests;

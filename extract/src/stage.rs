//! One table of a source as a finished directory of parts.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use bron_mappings::{BatchSchema, ColumnType, Digest, Value};

use crate::atomic;
use crate::batches::RowBuilder;
use crate::error::{Error, ErrorKind};
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::parts::{PartOptions, PartWriter, Written};
use crate::source::{Source, TableSchema, UnreadableRow};

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
    if let Some(manifest) = finished(request.dir, &origin, &schema) {
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
    let mut lines = UnreadableWriter::new(request.dir)?;
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

/// Takes over the table as it was staged in `from`, when that was made from the same source, with the same columns
/// and the same cut: the files are linked, not copied. Says whether it was.
///
/// # Errors
/// [`ErrorKind::Storage`] when the files cannot be linked.
pub fn adopt_table(request: &StageRequest<'_>, from: &Path) -> Result<bool, Error> {
    let (origin, schema) = (origin(request), request.table.batch_schema());
    if finished(request.dir, &origin, &schema).is_some() {
        return Ok(true);
    }
    let Some(manifest) = finished(from, &origin, &schema) else { return Ok(false) };
    atomic::renew_directory(request.dir)?;
    let parts = manifest.parts.iter().chain(&manifest.unreadable).map(|part| part.file.as_str());
    // The manifest goes last: until it is there the directory does not count as finished.
    for file in parts.chain([MANIFEST_FILE]) {
        let to = request.dir.join(file);
        std::fs::hard_link(from.join(file), &to).map_err(|error| Error::writing(&to, error))?;
    }
    Ok(true)
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
fn finished(dir: &Path, origin: &BTreeMap<String, String>, schema: &BatchSchema) -> Option<Manifest> {
    let manifest = Manifest::load(&dir.join(MANIFEST_FILE)).ok()?;
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

struct UnreadableWriter {
    rows: RowBuilder,
    parts: PartWriter,
}

impl UnreadableWriter {
    fn new(dir: &Path) -> Result<Self, Error> {
        let schema = unreadable_schema();
        let options = PartOptions { prefix: UNREADABLE.to_owned(), ..PartOptions::default() };
        Ok(Self {
            parts: PartWriter::new(dir, &schema, options)?,
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

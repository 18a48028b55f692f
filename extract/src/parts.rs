//! Rows as Parquet parts: the one artefact format of the chain.
//!
//! The same rows give byte-identical parts, however they were cut into batches: parts are cut at exact
//! rows, each is written from one run of columns, and nothing in a file depends on the clock, the
//! machine or chance. Sealing a part adds chance to its bytes and to nothing else: the digest of its rows is
//! the same with and without a key.

mod background;
mod blobs;
mod reader;
mod resume;

use std::io::Write;
use std::mem;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;
use bron_mappings::{Batch, BatchSchema, Cells, ColumnType, Digest, Value};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use serde::{Deserialize, Serialize};

use crate::atomic::{self, Pending};
use crate::error::{Error, ErrorKind};
use crate::hashing::{HashingWriter, RowHasher};
use crate::vault::{PartSeal, Vault};

use self::background::Background;
pub use reader::{PartReader, read_part, read_parts};

/// One part of a directory of parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartEntry {
    /// The columns in which the part names large values in the place of holding them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blobs: Vec<String>,
    /// The digest of the rows in order: of columns and cells, independent of Parquet.
    #[serde(with = "crate::manifest::digest_text")]
    pub content: Digest,
    /// The file name within the directory.
    pub file: String,
    /// The number of rows.
    pub rows: u64,
    /// BLAKE3 of the bytes of the file.
    #[serde(with = "crate::manifest::digest_text")]
    pub stored: Digest,
}

/// How rows are cut into parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartOptions {
    /// The most rows in a part; at least 1.
    pub rows_per_part: usize,
    /// A part also ends after the row with which its texts and bytes reach this size.
    pub bytes_per_part: usize,
    /// The most rows in a row group of a part; at least 1.
    pub row_group_rows: usize,
    /// A column of type [`ColumnType::Id`]: each part is sorted by it, NULL first, rows with equal ids in
    /// their order. The parts are then sorted runs.
    pub sort_by: Option<String>,
    /// What the file names begin with; `part` gives `part-00000.parquet`.
    pub prefix: String,
    /// How the run keeps its rows; without one parts are plain and hold all values themselves.
    pub vault: Option<Vault>,
}

impl Default for PartOptions {
    fn default() -> Self {
        Self {
            rows_per_part: 65_536,
            bytes_per_part: 256 << 20,
            row_group_rows: 65_536,
            sort_by: None,
            prefix: "part".to_owned(),
            vault: None,
        }
    }
}

/// Finished parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The parts in order; none for no rows.
    pub parts: Vec<PartEntry>,
    /// The number of rows.
    pub rows: u64,
    /// The digest of all rows in the order in which they were written.
    pub content: Digest,
    /// How the run keeps them.
    pub vault: Option<Vault>,
}

/// Writes rows as parts. Holds the rows of one part in memory, or of two: see [`PartWriter::in_background`].
pub struct PartWriter {
    schema: BatchSchema,
    options: PartOptions,
    pending: Vec<RecordBatch>,
    pending_rows: usize,
    pending_bytes: usize,
    /// The parts that have all their rows.
    handed_over: usize,
    making: Making,
}

/// Where parts are made.
enum Making {
    Here(Box<PartMaker>),
    Behind(Background),
}

impl PartWriter {
    /// A writer into `dir`, which is created; parts of an earlier run are replaced as their names come up.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] when the directory cannot be made, [`ErrorKind::Settings`] when the column to
    /// sort by is not an id column of the schema or a size is 0.
    pub fn new(dir: &Path, schema: &BatchSchema, options: PartOptions) -> Result<Self, Error> {
        if options.rows_per_part == 0
            || options.row_group_rows == 0
            || u32::try_from(options.rows_per_part).is_err()
        {
            return Err(Error::new(ErrorKind::Settings, "parts and row groups hold at least one row"));
        }
        let sort_column = options.sort_by.as_deref().map(|name| id_column(schema, name)).transpose()?;
        atomic::create_directory(dir)?;
        let maker = PartMaker {
            dir: dir.to_owned(),
            schema: schema.clone(),
            prefix: options.prefix.clone(),
            row_group_rows: options.row_group_rows,
            sort_column,
            vault: options.vault.clone(),
            content: RowHasher::new(schema),
            parts: Vec::new(),
            rows: 0,
        };
        Ok(Self {
            schema: schema.clone(),
            options,
            pending: Vec::new(),
            pending_rows: 0,
            pending_bytes: 0,
            handed_over: 0,
            making: Making::Here(Box::new(maker)),
        })
    }

    /// Makes each part on a thread of its own while the rows of the next are added. The parts are the same; the
    /// error of a part may come with a later call.
    #[must_use]
    pub fn in_background(mut self) -> Self {
        self.making = match self.making {
            Making::Here(maker) => Making::Behind(Background::new(maker)),
            behind @ Making::Behind(_) => behind,
        };
        self
    }

    /// Adds rows.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] when a part cannot be written, [`ErrorKind::Settings`] when the batch has
    /// another schema.
    pub fn push(&mut self, batch: &Batch) -> Result<(), Error> {
        if batch.schema() != &self.schema {
            return Err(Error::new(
                ErrorKind::Settings,
                "a batch has another schema than the parts it goes to",
            ));
        }
        let mut offset = 0;
        while offset < batch.rows() {
            let rest = batch.slice(offset, batch.rows() - offset);
            let (rows, bytes) = self.fitting(&rest);
            self.pending.push(rest.slice(0, rows).record().clone());
            self.pending_rows += rows;
            self.pending_bytes += bytes;
            offset += rows;
            if self.pending_rows >= self.options.rows_per_part
                || self.pending_bytes >= self.options.bytes_per_part
            {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// How many rows of a batch that is not empty go into the part under construction, with their bytes.
    fn fitting(&self, batch: &Batch) -> (usize, usize) {
        let most = batch.rows().min(self.options.rows_per_part - self.pending_rows);
        let room = self.options.bytes_per_part.saturating_sub(self.pending_bytes);
        let bytes = value_bytes(batch, 0, most);
        if bytes < room {
            return (most, bytes);
        }
        let mut used = 0;
        for row in 0..most {
            used += value_bytes(batch, row, 1);
            if used >= room {
                return (row + 1, used);
            }
        }
        (most, used)
    }

    fn flush(&mut self) -> Result<(), Error> {
        let rows = self.take_pending();
        self.handed_over += 1;
        match &mut self.making {
            Making::Here(maker) => maker.make(&rows).map(drop),
            Making::Behind(background) => background.make(rows),
        }
    }

    fn take_pending(&mut self) -> Vec<RecordBatch> {
        self.pending_rows = 0;
        self.pending_bytes = 0;
        mem::take(&mut self.pending)
    }

    /// Writes the last part.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] when it cannot be written.
    pub fn finish(mut self) -> Result<Written, Error> {
        let last = self.take_pending();
        match self.making {
            Making::Here(mut maker) => {
                if !last.is_empty() {
                    maker.make(&last)?;
                }
                Ok(maker.written())
            }
            Making::Behind(background) => background.finish(last),
        }
    }
}

/// Makes parts of rows that are complete.
struct PartMaker {
    dir: PathBuf,
    schema: BatchSchema,
    prefix: String,
    row_group_rows: usize,
    sort_column: Option<usize>,
    /// How the run keeps the rows.
    vault: Option<Vault>,
    content: RowHasher,
    parts: Vec<PartEntry>,
    rows: u64,
}

impl PartMaker {
    /// Makes the next part. The digest of its rows is taken while they are encoded.
    fn make(&mut self, pending: &[RecordBatch]) -> Result<PartEntry, Error> {
        let arranged = self.arranged(pending)?;
        let file = format!("{}-{:05}.parquet", self.prefix, self.parts.len());
        let path = self.dir.join(&file);
        let (record, blobs) = match &self.vault {
            Some(vault) => blobs::set_aside(vault, &arranged)?,
            None => (arranged.record().clone(), Vec::new()),
        };
        let seal = self.vault.as_ref().map(|vault| vault.part(&self.dir, &file)).transpose()?.flatten();
        let mut part_content = RowHasher::new(&self.schema);
        let (content, row_group_rows) = (&mut self.content, self.row_group_rows);
        let stored = thread::scope(|scope| {
            let hashing = scope.spawn(|| content.add_to_both(&mut part_content, &arranged));
            let stored = store(&path, &record, row_group_rows, seal.as_ref());
            hashing.join().unwrap_or_else(|panic| resume_unwind(panic));
            stored
        })?;
        let rows = u64::try_from(arranged.rows()).expect("a part has fewer than 2^64 rows");
        let entry = PartEntry { blobs, content: part_content.finish(), file, rows, stored };
        self.parts.push(entry.clone());
        self.rows += rows;
        Ok(entry)
    }

    /// The pending rows as one run of columns, sorted when the parts are sorted.
    fn arranged(&self, pending: &[RecordBatch]) -> Result<Batch, Error> {
        let refused = |_| Error::new(ErrorKind::Settings, "the rows of a part do not fit together");
        let mut record = concat_batches(self.schema.arrow(), pending).map_err(refused)?;
        if let Some(column) = self.sort_column {
            let batch = Batch::from_record(&record).expect("the record has the schema of the parts");
            let order = order_by_id(&batch.cells(column));
            record = take_record_batch(batch.record(), &order).map_err(refused)?;
        }
        Ok(Batch::from_record(&record).expect("the record has the schema of the parts"))
    }

    fn written(self) -> Written {
        Written { parts: self.parts, rows: self.rows, content: self.content.finish(), vault: self.vault }
    }
}

/// Writes a file of these rows and gives the digest of its bytes.
fn store(
    path: &Path,
    rows: &RecordBatch,
    row_group_rows: usize,
    seal: Option<&PartSeal>,
) -> Result<Digest, Error> {
    let mut pending = Pending::create(path)?;
    let mut output = HashingWriter::new(pending.file());
    write_parquet(&mut output, rows, row_group_rows, seal)
        .map_err(|error| Error::writing_part(path, error))?;
    let stored = output.digest();
    pending.commit()?;
    Ok(stored)
}

fn id_column(schema: &BatchSchema, name: &str) -> Result<usize, Error> {
    schema.index_of(name).filter(|index| schema.columns()[*index].kind == ColumnType::Id).ok_or_else(|| {
        Error::new(
            ErrorKind::Settings,
            format!("parts cannot be sorted by {name}, which is not an id column"),
        )
    })
}

fn order_by_id(ids: &Cells<'_>) -> UInt32Array {
    let rows = u32::try_from(ids.len()).expect("the options keep a part under 2^32 rows");
    let mut order: Vec<(Option<[u8; 16]>, u32)> =
        (0..rows).zip(0..).map(|(row, at)| (ids.id(at), row)).collect();
    // Pairs with the row number are all different: an unstable sort gives the stable order.
    order.sort_unstable();
    order.into_iter().map(|(_, row)| row).collect::<Vec<_>>().into()
}

/// The bytes of texts and byte strings in `rows` rows from `row` on.
fn value_bytes(batch: &Batch, row: usize, rows: usize) -> usize {
    let span =
        |offsets: &[i32]| usize::try_from(offsets[row + rows] - offsets[row]).expect("offsets never fall");
    (0..batch.schema().columns().len())
        .map(|index| match batch.cells(index) {
            Cells::Text(array) => span(array.value_offsets()),
            Cells::Bytes(array) => span(array.value_offsets()),
            Cells::Bool(_)
            | Cells::Int(_)
            | Cells::Decimal(_)
            | Cells::Date(_)
            | Cells::Time(_)
            | Cells::Id(_) => 0,
        })
        .sum()
}

fn write_parquet(
    output: impl Write + Send,
    record: &RecordBatch,
    row_group_rows: usize,
    seal: Option<&PartSeal>,
) -> Result<(), ParquetError> {
    // No statistics: nobody prunes by them, and they would copy values into the footer.
    let mut properties = WriterProperties::builder()
        .set_created_by("bron".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(row_group_rows))
        .set_statistics_enabled(EnabledStatistics::None);
    let rows = Batch::from_record(record).expect("the record has the schema of the parts");
    for (index, column) in rows.schema().columns().iter().enumerate() {
        if !repeats(&rows.cells(index)) {
            let path = ColumnPath::from(column.name.as_str());
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
            if matches!(column.kind, ColumnType::Text | ColumnType::Bytes) {
                properties = properties.set_column_encoding(path, Encoding::DELTA_LENGTH_BYTE_ARRAY);
            }
        }
    }
    if let Some(seal) = seal {
        properties = properties.with_file_encryption_properties(seal.sealing());
    }
    let schema = Arc::clone(record.schema_ref());
    let mut writer = ArrowWriter::try_new(output, schema, Some(properties.build()))?;
    writer.write(record)?;
    writer.close().map(drop)
}

/// Whether values come again so often that a dictionary of them is worth its making: not where most of some cells
/// from all over the column are different.
fn repeats(cells: &Cells<'_>) -> bool {
    const SAMPLE: usize = 256;
    let apart = cells.len().div_ceil(SAMPLE).max(1);
    let mut sample: Vec<Option<Value<'_>>> =
        (0..cells.len()).step_by(apart).map(|row| cells.value(row)).collect();
    let taken = sample.len();
    sample.sort_unstable();
    sample.dedup();
    sample.len() * 2 <= taken
}

#[cfg(test)]
pub(crate) mod tests;

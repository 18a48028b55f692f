//! Reading parts back, and proving that they are what was written.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bron_mappings::{Batch, BatchReader, BatchSchema, ReadError};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use super::{PartEntry, blobs};
use crate::error::{Error, ErrorKind};
use crate::hashing::{RowHasher, each_chunk};
use crate::vault::Vault;

/// What the last bytes of a part are: of a plain one, and of a sealed one.
const PLAIN_END: [u8; 4] = *b"PAR1";
const SEALED_END: [u8; 4] = *b"PARE";

/// Reads parts in order.
///
/// Before a part is opened, the bytes of its file are compared with their digest. `columns` names the
/// columns to read, in the order in which batches give them; `None` reads all, and then the rows are
/// compared with their own digest too, after the last batch of each part. The number of rows is always
/// compared. A batch has at most `batch_rows` rows and never rows of two parts. Parts of a run with a key, or with
/// large values, need [`PartReader::within`].
///
/// # Errors
/// [`ErrorKind::Settings`] for a column that the schema does not have. The reader gives
/// [`ErrorKind::Missing`] and [`ErrorKind::Corrupt`] errors that name the file.
pub fn read_parts(
    dir: &Path,
    schema: &BatchSchema,
    entries: &[PartEntry],
    columns: Option<&[&str]>,
    batch_rows: usize,
) -> Result<PartReader, Error> {
    let chosen = columns.map(|names| choose(schema, names)).transpose()?;
    let given = match &chosen {
        None => schema.clone(),
        Some(indices) => {
            let columns = indices.iter().map(|index| &schema.columns()[*index]);
            BatchSchema::new(columns.map(|column| (column.name.clone(), column.kind)))
        }
    };
    let waiting = entries.iter().cloned().collect();
    Ok(PartReader {
        dir: dir.to_owned(),
        stored: schema.clone(),
        given,
        chosen,
        waiting,
        batch_rows: batch_rows.max(1),
        vault: None,
        open: None,
    })
}

/// Reads one part, as [`read_parts`].
///
/// # Errors
/// As [`read_parts`].
pub fn read_part(
    dir: &Path,
    schema: &BatchSchema,
    entry: &PartEntry,
    columns: Option<&[&str]>,
    batch_rows: usize,
) -> Result<PartReader, Error> {
    read_parts(dir, schema, std::slice::from_ref(entry), columns, batch_rows)
}

fn choose(schema: &BatchSchema, names: &[&str]) -> Result<Vec<usize>, Error> {
    let unknown = |name: &&str| Error::new(ErrorKind::Settings, format!("the parts have no column {name}"));
    names.iter().map(|name| schema.index_of(name).ok_or_else(|| unknown(name))).collect()
}

/// The rows of parts. Gives nothing more after an error.
pub struct PartReader {
    dir: PathBuf,
    stored: BatchSchema,
    given: BatchSchema,
    chosen: Option<Vec<usize>>,
    waiting: VecDeque<PartEntry>,
    batch_rows: usize,
    vault: Option<Vault>,
    open: Option<OpenPart>,
}

struct OpenPart {
    path: PathBuf,
    entry: PartEntry,
    rows: ParquetRecordBatchReader,
    count: u64,
    content: Option<RowHasher>,
    vault: Option<Vault>,
}

impl PartReader {
    /// Reads as the run keeps its rows: opens what is sealed, and puts large values in their places. A part that is
    /// plain where the run has a key is an error.
    #[must_use]
    pub fn within(mut self, vault: Option<&Vault>) -> Self {
        self.vault = vault.cloned();
        self
    }

    fn step(&mut self) -> Result<Option<Batch>, Error> {
        loop {
            if let Some(part) = &mut self.open {
                if let Some(batch) = part.next_batch(&self.given, self.chosen.as_deref())? {
                    return Ok(Some(batch));
                }
                self.open.take().map_or(Ok(()), OpenPart::verify)?;
            }
            let Some(entry) = self.waiting.pop_front() else { return Ok(None) };
            self.open = Some(self.open_part(entry)?);
        }
    }

    fn open_part(&self, entry: PartEntry) -> Result<OpenPart, Error> {
        let path = self.dir.join(&entry.file);
        let mut file = File::open(&path).map_err(|error| Error::reading(&path, error))?;
        if each_chunk(&mut file, |_| {}).map_err(|error| Error::reading(&path, error))? != entry.stored {
            return Err(Error::corrupt(&path, "does not have the bytes that were written to it", None));
        }
        let end = last_bytes(&mut file).map_err(|error| Error::reading(&path, error))?;
        let seal = self.vault.as_ref().map(|vault| vault.part(&self.dir, &entry.file)).transpose()?.flatten();
        let options = match (seal, end) {
            (None, SEALED_END) => {
                let problem = format!("{} is sealed, and is read without its key", path.display());
                return Err(Error::new(ErrorKind::Settings, problem));
            }
            (Some(_), PLAIN_END) => {
                return Err(Error::corrupt(&path, "is plain, and the run has a key", None));
            }
            (Some(seal), _) => ArrowReaderOptions::new().with_file_decryption_properties(seal.opening()),
            (None, _) => ArrowReaderOptions::new(),
        };
        let damaged = |error: ReadError| Error::corrupt(&path, "cannot be read as a part", Some(error));
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
            .map_err(|error| damaged(error.into()))?;
        let found = BatchSchema::from_arrow(builder.schema()).map_err(|error| damaged(error.into()))?;
        if found != self.stored {
            return Err(Error::corrupt(&path, "has other columns than its manifest says", None));
        }
        let builder = match &self.chosen {
            None => builder,
            Some(indices) => {
                let mask = ProjectionMask::roots(builder.parquet_schema(), indices.iter().copied());
                builder.with_projection(mask)
            }
        };
        let rows = builder.with_batch_size(self.batch_rows).build().map_err(|error| damaged(error.into()))?;
        let content = self.chosen.is_none().then(|| RowHasher::new(&self.stored));
        Ok(OpenPart { path, entry, rows, count: 0, content, vault: self.vault.clone() })
    }
}

impl OpenPart {
    fn next_batch(&mut self, given: &BatchSchema, chosen: Option<&[usize]>) -> Result<Option<Batch>, Error> {
        let damaged = |error: ReadError| Error::corrupt(&self.path, "cannot be read as a part", Some(error));
        let Some(record) = self.rows.next() else { return Ok(None) };
        let record = record.map_err(|error| damaged(error.into()))?;
        let rows = record.num_rows();
        let columns = match chosen {
            None => record.columns().to_vec(),
            Some(indices) => {
                indices.iter().map(|index| record.column(rank(indices, *index)).clone()).collect()
            }
        };
        let mut batch = Batch::new(given, columns, rows).map_err(|error| damaged(error.into()))?;
        if !self.entry.blobs.is_empty() {
            batch = blobs::put_back(self.vault.as_ref(), &self.path, &self.entry.blobs, &batch)?;
        }
        self.count += u64::try_from(rows).expect("a batch has fewer than 2^64 rows");
        if let Some(content) = &mut self.content {
            content.add(&batch);
        }
        Ok(Some(batch))
    }

    fn verify(self) -> Result<(), Error> {
        if self.count != self.entry.rows {
            return Err(Error::corrupt(
                &self.path,
                "does not have the number of rows that was written",
                None,
            ));
        }
        if self.content.is_some_and(|content| content.finish() != self.entry.content) {
            return Err(Error::corrupt(&self.path, "does not have the rows that were written", None));
        }
        Ok(())
    }
}

/// The last four bytes of a file, or zeros when it is shorter; the file is then at its end.
fn last_bytes(file: &mut File) -> io::Result<[u8; 4]> {
    let mut end = [0; 4];
    if file.metadata()?.len() >= 4 {
        file.seek(SeekFrom::End(-4))?;
        file.read_exact(&mut end)?;
    }
    Ok(end)
}

/// Parquet gives projected columns in file order and once: the position there of the column `index`.
fn rank(chosen: &[usize], index: usize) -> usize {
    let mut smaller: Vec<usize> = chosen.iter().copied().filter(|other| *other < index).collect();
    smaller.sort_unstable();
    smaller.dedup();
    smaller.len()
}

impl Iterator for PartReader {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.waiting.clear();
            self.open = None;
        }
        step.map_err(ReadError::from).transpose()
    }
}

impl BatchReader for PartReader {
    fn schema(&self) -> &BatchSchema {
        &self.given
    }
}

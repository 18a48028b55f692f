//! Rows in the order of a text, however many there are: sorted runs that are merged, in files when memory is full.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;

use bron_extract::{Manifest, PartOptions, PartWriter};
use bron_mappings::{Batch, BatchSchema, ColumnBuilder, ReadError};

use crate::chain::Chain;
use crate::failure::Failure;

/// The most rows of a run.
const RUN_ROWS: usize = 65_536;

/// About the most bytes of a run.
const RUN_BYTES: usize = 64 << 20;

/// The rows of a run that are in memory while runs are merged.
const MERGE_ROWS: usize = 512;

/// The text by which a row is sorted.
type KeyOf = Box<dyn Fn(&Batch, usize) -> String>;

/// Takes rows in any order. Rows with one text stay in the order in which they came.
pub(super) struct Sorter<'c> {
    chain: &'c Chain<'c>,
    dir: PathBuf,
    schema: BatchSchema,
    key_of: KeyOf,
    batches: Vec<Batch>,
    /// The text of each row, with its batch and its place there.
    rows: Vec<(String, usize, usize)>,
    bytes: usize,
    runs: Vec<(PathBuf, Manifest)>,
}

impl<'c> Sorter<'c> {
    /// Runs go below the directory, which nobody else uses.
    pub(super) fn new(chain: &'c Chain<'c>, dir: PathBuf, schema: &BatchSchema, key_of: KeyOf) -> Self {
        let schema = schema.clone();
        let (batches, rows, runs) = (Vec::new(), Vec::new(), Vec::new());
        Self { chain, dir, schema, key_of, batches, rows, bytes: 0, runs }
    }

    pub(super) fn push(&mut self, batch: &Batch) -> Result<(), Failure> {
        let number = self.batches.len();
        self.rows.extend((0..batch.rows()).map(|row| ((self.key_of)(batch, row), number, row)));
        self.bytes += batch.record().get_array_memory_size();
        self.batches.push(batch.clone());
        if self.rows.len() >= RUN_ROWS || self.bytes >= RUN_BYTES { self.put_away() } else { Ok(()) }
    }

    /// The rows in memory, in order.
    fn in_order(&mut self) -> Vec<(Batch, usize)> {
        let mut rows = std::mem::take(&mut self.rows);
        rows.sort();
        let batches = std::mem::take(&mut self.batches);
        self.bytes = 0;
        rows.into_iter().map(|(_, batch, row)| (batches[batch].clone(), row)).collect()
    }

    fn put_away(&mut self) -> Result<(), Failure> {
        let rows = self.in_order();
        let dir = self.dir.join(format!("run-{:05}", self.runs.len()));
        let options = PartOptions { rows_per_part: RUN_ROWS, ..self.chain.run.part_options() };
        let mut writer = PartWriter::new(&dir, &self.schema, options)?;
        for rows in rows.chunks(MERGE_ROWS) {
            writer.push(&gathered(&self.schema, rows))?;
        }
        let origin = [("run".to_owned(), self.chain.run.id.clone())].into();
        self.runs.push((dir, Manifest::new("run", origin, &self.schema, writer.finish()?)));
        Ok(())
    }

    /// The rows in order. Those that came last never leave memory.
    pub(super) fn finish(mut self) -> Result<Sorted, Failure> {
        let mut runs: Vec<Run> = Vec::new();
        for (dir, manifest) in &self.runs {
            runs.push(Run::Stored(Box::new(manifest.read(dir, None, MERGE_ROWS)?)));
        }
        let last = self.in_order();
        runs.push(Run::Held(last.into_iter()));
        let heads = runs.iter().map(|_| None).collect();
        let mut sorted = Sorted { key_of: self.key_of, runs, heads, order: BinaryHeap::new() };
        for run in 0..sorted.runs.len() {
            sorted.fill(run).map_err(Failure::from)?;
        }
        Ok(sorted)
    }
}

/// A run of sorted rows.
enum Run {
    Stored(Box<dyn Iterator<Item = Result<Batch, ReadError>>>),
    Held(std::vec::IntoIter<(Batch, usize)>),
}

/// Rows in order, one at a time.
pub(super) struct Sorted {
    key_of: KeyOf,
    runs: Vec<Run>,
    /// The row at which each run stands.
    heads: Vec<Option<(Batch, usize)>>,
    /// The text of each head, and its run: of equal texts the earlier run's comes first.
    order: BinaryHeap<Reverse<(String, usize)>>,
}

impl Sorted {
    /// The text of the next row.
    pub(super) fn key(&self) -> Option<&str> {
        self.order.peek().map(|Reverse((key, _))| key.as_str())
    }

    /// The next row.
    pub(super) fn take(&mut self) -> Result<Option<(Batch, usize)>, ReadError> {
        let Some(Reverse((_, run))) = self.order.pop() else { return Ok(None) };
        let row = self.heads[run].clone();
        self.fill(run)?;
        Ok(row)
    }

    /// Moves the head of a run on.
    fn fill(&mut self, run: usize) -> Result<(), ReadError> {
        let next = match (&mut self.runs[run], self.heads[run].take()) {
            (Run::Held(rows), _) => rows.next(),
            (Run::Stored(_), Some((batch, row))) if row + 1 < batch.rows() => Some((batch, row + 1)),
            (Run::Stored(batches), _) => {
                let mut batches =
                    batches.filter(|batch| batch.as_ref().map_or(true, |batch| batch.rows() > 0));
                batches.next().transpose()?.map(|batch| (batch, 0))
            }
        };
        if let Some((batch, row)) = &next {
            self.order.push(Reverse(((self.key_of)(batch, *row), run)));
        }
        self.heads[run] = next;
        Ok(())
    }
}

/// These rows as one batch.
pub(super) fn gathered(schema: &BatchSchema, rows: &[(Batch, usize)]) -> Batch {
    let columns = schema.columns().iter().enumerate().map(|(at, column)| {
        let mut cells = ColumnBuilder::new(column.kind, rows.len());
        for (batch, row) in rows {
            cells.push(batch.cells(at).value(*row));
        }
        cells.finish()
    });
    Batch::new(schema, columns.collect(), rows.len()).expect("the rows have the columns of the schema")
}

//! Rows put into the order of a key, for sources that give them in another.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bron_mappings::{Batch, BatchReader, BatchSchema, ColumnBuilder, ReadError, Value};

use super::key::{KeyColumn, Keys};
use super::{KeyOrder, Plan};

/// A batch ends early when its texts and bytes reach this size.
const BATCH_BYTES: usize = 16 << 20;

/// The key of a plan, followed by all other columns: rows of one key are then in an order of their own too, whatever
/// the order in which a source gave them.
fn whole_key(plan: &Plan) -> Vec<KeyColumn> {
    let rest = plan.columns_beside_key().into_iter().map(|column| (column, KeyOrder::Bytes));
    plan.key.iter().copied().chain(rest).collect()
}

/// The rows of a batch of either side in the order of the key of the plan.
#[must_use]
pub fn sorted(plan: &Plan, batch: &Batch) -> Batch {
    let keys = Keys::of(batch, &whole_key(plan));
    let mut rows: Vec<usize> = (0..keys.len()).collect();
    rows.sort_by_key(|row| keys.get(*row));
    batch.pick(&rows)
}

/// Makes one sorted reader of several, each sorted as [`sorted`] sorts.
///
/// # Errors
/// Those of the readers, for their first batches.
pub fn merged<'r>(
    plan: &Plan,
    schema: &BatchSchema,
    readers: Vec<Box<dyn BatchReader + 'r>>,
    batch_rows: usize,
) -> Result<Merged<'r>, ReadError> {
    let mut merged = Merged {
        schema: schema.clone(),
        key: whole_key(plan),
        batch_rows: batch_rows.max(1),
        runs: readers.into_iter().map(|reader| SortedRun { reader, batch: None, row: 0 }).collect(),
        heads: BinaryHeap::new(),
        failed: false,
    };
    for run in 0..merged.runs.len() {
        merged.refill(run)?;
    }
    Ok(merged)
}

/// The rows of several sorted readers in one order.
pub struct Merged<'r> {
    schema: BatchSchema,
    key: Vec<KeyColumn>,
    batch_rows: usize,
    runs: Vec<SortedRun<'r>>,
    /// The next key of each reader that has one. Of equal keys the first reader's comes first.
    heads: BinaryHeap<Reverse<(Vec<u8>, usize)>>,
    failed: bool,
}

struct SortedRun<'r> {
    reader: Box<dyn BatchReader + 'r>,
    batch: Option<(Batch, Keys)>,
    row: usize,
}

impl Merged<'_> {
    /// Reads on until a run has a row, and notes its key.
    fn refill(&mut self, run: usize) -> Result<(), ReadError> {
        let SortedRun { reader, batch, row } = &mut self.runs[run];
        *batch = None;
        *row = 0;
        while let Some(next) = reader.next().transpose()? {
            if next.rows() > 0 {
                let keys = Keys::of(&next, &self.key);
                *batch = Some((next, keys));
                break;
            }
        }
        self.note(run);
        Ok(())
    }

    fn note(&mut self, run: usize) {
        let SortedRun { batch, row, .. } = &self.runs[run];
        if let Some((_, keys)) = batch {
            self.heads.push(Reverse((keys.get(*row).to_vec(), run)));
        }
    }

    fn step(&mut self) -> Result<Option<Batch>, ReadError> {
        let columns = self.schema.columns().iter();
        let mut builders: Vec<_> =
            columns.map(|column| ColumnBuilder::new(column.kind, self.batch_rows)).collect();
        let (mut rows, mut bytes) = (0, 0);
        while rows < self.batch_rows && bytes < BATCH_BYTES {
            let Some(Reverse((_, run))) = self.heads.pop() else { break };
            let SortedRun { batch, row, .. } = &mut self.runs[run];
            let (held, keys) = batch.as_ref().expect("a run with a head holds a batch");
            for (column, builder) in builders.iter_mut().enumerate() {
                let value = held.cells(column).value(*row);
                bytes += size(value);
                builder.push(value);
            }
            rows += 1;
            *row += 1;
            if *row < keys.len() { self.note(run) } else { self.refill(run)? }
        }
        let columns = builders.iter_mut().map(ColumnBuilder::finish).collect();
        Ok((rows > 0)
            .then(|| Batch::new(&self.schema, columns, rows).expect("the columns are those of the runs")))
    }
}

fn size(value: Option<Value<'_>>) -> usize {
    match value {
        Some(Value::Text(text)) => text.len(),
        Some(Value::Bytes(bytes)) => bytes.len(),
        Some(
            Value::Bool(_)
            | Value::Int(_)
            | Value::Decimal(_)
            | Value::Date(_)
            | Value::Time(_)
            | Value::Id(_),
        )
        | None => 0,
    }
}

impl Iterator for Merged<'_> {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let step = self.step();
        self.failed = step.is_err();
        step.transpose()
    }
}

impl BatchReader for Merged<'_> {
    fn schema(&self) -> &BatchSchema {
        &self.schema
    }
}

//! Reads both sides at once, each on a thread of its own, and merges what they give.

use std::panic::resume_unwind;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, ScopedJoinHandle};

use bron_extract::{Source, TableReader, TableSchema};
use bron_mappings::{Batch, BatchReader, BatchSchema, ReadError};
use bron_reconcile::tables::{self, Plan, Side, TableCounts};

use super::differences::Differences;
use super::sorting::Sorting;
use crate::chain::STOP;
use crate::failure::Failure;

/// Rows that are read at a time.
const BATCH_ROWS: usize = 8192;
/// Batches that wait for the other side.
const WAITING: usize = 2;
/// The most places of rows that cannot be read that are kept.
const PLACES: usize = 20;

/// Something that each side has.
#[derive(Clone, Debug, Default)]
pub(super) struct Sides<T> {
    pub(super) left: T,
    pub(super) right: T,
}

/// The rows of a side that could not be read as rows of their table.
#[derive(Clone, Debug, Default)]
pub(super) struct Unread {
    pub(super) rows: u64,
    /// Where the first of them are, and why.
    pub(super) places: Vec<String>,
}

/// Compares the rows of two tables. A side that does not give them in the order of the key is sorted in files below
/// `scratch`.
pub(super) fn compare(
    plan: &Plan,
    tables: &Sides<TableSchema>,
    mut sources: Sides<&mut dyn Source>,
    scratch: &Path,
    differences: &mut Differences<'_>,
) -> Result<(TableCounts, Sides<Unread>), Failure> {
    let mut sort = Sides::<bool>::default();
    loop {
        differences.begin()?;
        let attempt = Attempt { plan, tables, scratch, sort: &sort };
        match attempt.run(&mut sources, differences) {
            Ok(done) => return Ok(done),
            Err(error) => match error.unsorted_side() {
                Some(Side::Left) if !sort.left => sort.left = true,
                Some(Side::Right) if !sort.right => sort.right = true,
                _ if STOP.load(Ordering::SeqCst) => return Err(Failure::interrupted("the same command")),
                _ => return Err(error.into()),
            },
        }
    }
}

struct Attempt<'a> {
    plan: &'a Plan,
    tables: &'a Sides<TableSchema>,
    scratch: &'a Path,
    /// Which sides have to be sorted.
    sort: &'a Sides<bool>,
}

impl Attempt<'_> {
    fn run(
        &self,
        sources: &mut Sides<&mut dyn Source>,
        differences: &mut Differences<'_>,
    ) -> Result<(TableCounts, Sides<Unread>), bron_reconcile::Error> {
        let Sides { left, right } = sources;
        thread::scope(|scope| {
            let (left_sender, left_rows) = channel(&self.tables.left);
            let (right_sender, right_rows) = channel(&self.tables.right);
            let left = scope.spawn(|| self.side(Side::Left, &mut **left, left_sender));
            let right = scope.spawn(|| self.side(Side::Right, &mut **right, right_sender));
            let sink = &mut |difference| differences.push(difference);
            let counts = tables::compare(self.plan, Box::new(left_rows), Box::new(right_rows), sink);
            let unread = Sides { left: joined(left), right: joined(right) };
            Ok((counts?, unread))
        })
    }

    /// Reads a side and hands its rows over, until there are no more or nobody takes them.
    fn side(&self, side: Side, source: &mut dyn Source, rows: SyncSender<Handed>) -> Unread {
        let mut unread = Unread::default();
        if let Err(error) = self.hand_over(side, source, &rows, &mut unread) {
            // When nobody takes it, the comparison has failed already and says why.
            let _ = rows.send(Err(error));
        }
        // By this the other end learns that nothing follows.
        drop(rows);
        unread
    }

    fn hand_over(
        &self,
        side: Side,
        source: &mut dyn Source,
        rows: &SyncSender<Handed>,
        unread: &mut Unread,
    ) -> Result<(), ReadError> {
        let (table, sort) = match side {
            Side::Left => (&self.tables.left, self.sort.left),
            Side::Right => (&self.tables.right, self.sort.right),
        };
        // A reading that is given up takes its connection with it: where another can see the same moment, the one that
        // holds the moment is kept out of it.
        let mut beside = source.beside()?;
        let reader = match &mut beside {
            Some(beside) => beside.read(table, BATCH_ROWS)?,
            None => source.read(table, BATCH_ROWS)?,
        };
        let mut read = AllRows { reader, unread };
        if !sort {
            return send(&mut read, rows);
        }
        let mut sorting = Sorting::below(self.scratch, side, self.plan, &table.batch_schema())?;
        for batch in &mut read {
            sorting.add(&batch?)?;
        }
        send(&mut sorting.finish()?, rows)
    }
}

type Handed = Result<Batch, ReadError>;

fn channel(table: &TableSchema) -> (SyncSender<Handed>, Received) {
    let (sender, rows) = sync_channel(WAITING);
    (sender, Received { schema: table.batch_schema(), rows })
}

fn send(batches: &mut dyn Iterator<Item = Handed>, rows: &SyncSender<Handed>) -> Result<(), ReadError> {
    for batch in batches {
        // Nobody takes it any more: the comparison has ended.
        if rows.send(Ok(batch?)).is_err() {
            break;
        }
    }
    Ok(())
}

fn joined(side: ScopedJoinHandle<'_, Unread>) -> Unread {
    side.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// The batches of a table as a thread hands them over.
struct Received {
    schema: BatchSchema,
    rows: Receiver<Handed>,
}

impl Iterator for Received {
    type Item = Handed;

    fn next(&mut self) -> Option<Handed> {
        self.rows.recv().ok()
    }
}

impl BatchReader for Received {
    fn schema(&self) -> &BatchSchema {
        &self.schema
    }
}

/// The rows of a table; those that could not be read are counted. Ends with an error when somebody asks to stop.
struct AllRows<'a, 'r> {
    reader: Box<dyn TableReader + 'r>,
    unread: &'a mut Unread,
}

impl Iterator for AllRows<'_, '_> {
    type Item = Handed;

    fn next(&mut self) -> Option<Handed> {
        if STOP.load(Ordering::SeqCst) {
            return Some(Err(ReadError::from("interrupted")));
        }
        let next = self.reader.next();
        for row in self.reader.take_unreadable() {
            self.unread.rows += 1;
            if self.unread.places.len() < PLACES {
                let column = row.column.map(|column| format!(", column {column}")).unwrap_or_default();
                self.unread.places.push(format!("{} row {}{column}: {}", row.file, row.line, row.reason));
            }
        }
        next
    }
}

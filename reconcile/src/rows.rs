//! The third direction: every row and every field of the target, as read back, against what the
//! transform says that the staged source should give.
//!
//! Values are compared by type and without normalisation: NULL is not an empty text, a trailing space
//! counts, composed and decomposed letters differ. Both sides come sorted by id, byte by byte, so memory
//! stays flat however many rows there are. Whole columns are compared at a time where the ids of both
//! sides run in step, and cell by cell where they do not or where a column differs; that is a matter of
//! speed only.

mod cursor;
mod difference;
mod finding;
mod seen;

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use bron_mappings::{Batch, BatchReader, BatchSchema, Digest, Entity};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use cursor::{Cursor, RowId};
use finding::Recorder;
pub use finding::{Finding, FindingKind};

/// How many rows were compared and what came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowCounts {
    /// Ids on both sides, whose fields were compared.
    pub compared: u64,
    /// Expected rows without a counterpart in the target; a repeated id counts here.
    pub missing: u64,
    /// Rows of the target that nothing in the source explains.
    pub unexpected: u64,
    /// Compared rows with at least one differing field.
    pub differs: u64,
    /// Rows of the target without an id.
    #[serde(default)]
    pub nameless: u64,
    /// Rows of the target that came from source systems that are no part of the project; they are counted and
    /// not judged.
    #[serde(default)]
    pub elsewhere: u64,
}

impl RowCounts {
    /// Adds other counts.
    ///
    /// # Errors
    /// [`ErrorKind::Overflow`].
    pub fn add(&mut self, other: &Self) -> Result<(), Error> {
        let sum = |a: u64, b: u64| {
            a.checked_add(b).ok_or_else(|| Error::new(ErrorKind::Overflow, "a row count leaves 64 bits"))
        };
        self.compared = sum(self.compared, other.compared)?;
        self.missing = sum(self.missing, other.missing)?;
        self.unexpected = sum(self.unexpected, other.unexpected)?;
        self.differs = sum(self.differs, other.differs)?;
        self.nameless = sum(self.nameless, other.nameless)?;
        self.elsewhere = sum(self.elsewhere, other.elsewhere)?;
        Ok(())
    }

    /// Whether every row was found and equal. Says nothing when no row was compared.
    #[must_use]
    pub const fn is_equal(&self) -> bool {
        self.missing == 0 && self.unexpected == 0 && self.differs == 0 && self.nameless == 0
    }
}

/// Compares the rows of one entity.
///
/// `expected` holds one reader per mapping (or part) that gives rows of the entity, each sorted by id;
/// `actual` is the read-back of the target, sorted by id, with the column
/// [`UNREADABLE`](bron_mappings::UNREADABLE) last. Findings
/// go to `sink` in the order of their ids, all of them. `elsewhere` is asked about every row of the target that
/// nothing in the sources explains: whether it came from a system that is no part of the project. Such a row is
/// counted and is no finding.
///
/// # Errors
/// [`ErrorKind::Columns`] when a reader has other columns than the entity, [`ErrorKind::Order`] when rows
/// are not sorted by id or have none, [`ErrorKind::Reader`] when a reader fails. What went to `sink` by
/// then is true, but a comparison that ended with an error proves nothing.
pub fn compare<'r>(
    entity: &Entity,
    expected: Vec<Box<dyn BatchReader + 'r>>,
    actual: Box<dyn BatchReader + 'r>,
    elsewhere: &mut dyn FnMut(&Batch, usize) -> bool,
    sink: &mut dyn FnMut(Finding),
) -> Result<RowCounts, Error> {
    compare_seen(entity, expected, actual, elsewhere, &mut |finding, _| sink(finding))
}

/// Compares as [`compare`] does, and hands on with each finding the digest of the row of the target as it was read:
/// nothing where the target has no such row. A row that is found a second time with the same digest was not changed
/// meanwhile.
///
/// # Errors
/// As [`compare`].
pub fn compare_seen<'r>(
    entity: &Entity,
    expected: Vec<Box<dyn BatchReader + 'r>>,
    actual: Box<dyn BatchReader + 'r>,
    elsewhere: &mut dyn FnMut(&Batch, usize) -> bool,
    sink: &mut dyn FnMut(Finding, Option<Digest>),
) -> Result<RowCounts, Error> {
    compare_columns(&entity.name, entity.schema(), expected, actual, elsewhere, sink)
}

fn compare_columns<'r>(
    entity: &str,
    schema: &BatchSchema,
    expected: Vec<Box<dyn BatchReader + 'r>>,
    actual: Box<dyn BatchReader + 'r>,
    elsewhere: &mut dyn FnMut(&Batch, usize) -> bool,
    sink: &mut dyn FnMut(Finding, Option<Digest>),
) -> Result<RowCounts, Error> {
    let expected: Result<Vec<Cursor<'r>>, Error> =
        expected.into_iter().map(|reader| Cursor::expected(entity, schema, reader)).collect();
    let expected = expected?;
    let heads =
        expected.iter().enumerate().filter_map(|(reader, cursor)| Some(Reverse((cursor.id()?, reader))));
    let mut comparison = Comparison {
        heads: heads.collect(),
        expected,
        actual: Cursor::actual(entity, schema, actual)?,
        events: Vec::new(),
        elsewhere,
        recorder: Recorder::new(entity, schema, sink),
        counts: RowCounts::default(),
        last: None,
    };
    while comparison.step()? {}
    comparison.settle();
    Ok(comparison.counts)
}

/// What happened at one id, or at a run of ids, in places of the batches that the cursors hold.
#[derive(Clone, Copy)]
enum Event {
    /// Rows with the same ids on both sides.
    Pair {
        reader: usize,
        expected: usize,
        actual: usize,
        length: usize,
    },
    Missing {
        reader: usize,
        row: usize,
    },
    Repeated {
        reader: usize,
        row: usize,
    },
    Unexpected {
        row: usize,
    },
}

struct Comparison<'a, 'r> {
    expected: Vec<Cursor<'r>>,
    actual: Cursor<'r>,
    /// The next id of each reader that has one. Of equal ids the first reader's comes first.
    heads: BinaryHeap<Reverse<(RowId, usize)>>,
    /// What happened since a batch was last let go. Its fields are compared column by column.
    events: Vec<Event>,
    elsewhere: &'a mut dyn FnMut(&Batch, usize) -> bool,
    recorder: Recorder<'a>,
    counts: RowCounts,
    /// The id of the last expected row that was taken.
    last: Option<RowId>,
}

impl Comparison<'_, '_> {
    /// Takes the next row, or run of rows in step. False at the end of both sides.
    fn step(&mut self) -> Result<bool, Error> {
        let Some(Reverse((id, reader))) = self.heads.peek().copied() else {
            return match self.actual.id() {
                Some(_) => self.take_unexpected().map(|()| true),
                None => Ok(false),
            };
        };
        let row = self.expected[reader].row();
        if self.last == Some(id) {
            self.events.push(Event::Repeated { reader, row });
            return self.advance_expected(reader, 1).map(|()| true);
        }
        match self.actual.id().map_or(Ordering::Less, |actual| id.cmp(&actual)) {
            Ordering::Less => {
                self.events.push(Event::Missing { reader, row });
                self.advance_expected(reader, 1)?;
            }
            Ordering::Greater => self.take_unexpected()?,
            Ordering::Equal => self.take_run(reader, row)?,
        }
        Ok(true)
    }

    fn take_unexpected(&mut self) -> Result<(), Error> {
        self.events.push(Event::Unexpected { row: self.actual.row() });
        self.advance_actual(1)
    }

    /// Takes as many rows as have the same ids on both sides, without a gap.
    fn take_run(&mut self, reader: usize, row: usize) -> Result<(), Error> {
        let head = self.heads.pop();
        let limit = self.heads.peek().map(|Reverse((id, _))| *id);
        self.heads.extend(head);
        let length = self.expected[reader].run_with(&self.actual, limit);
        self.events.push(Event::Pair { reader, expected: row, actual: self.actual.row(), length });
        self.advance_expected(reader, length)?;
        self.advance_actual(length)
    }

    /// Moves the reader with the lowest id on.
    fn advance_expected(&mut self, reader: usize, length: usize) -> Result<(), Error> {
        self.last = self.expected[reader].id_at(self.expected[reader].row() + length - 1);
        if self.expected[reader].advance(length) {
            self.settle();
            self.expected[reader].fill()?;
        }
        self.heads.pop();
        self.heads.extend(self.expected[reader].id().map(|id| Reverse((id, reader))));
        Ok(())
    }

    fn advance_actual(&mut self, length: usize) -> Result<(), Error> {
        if self.actual.advance(length) {
            self.settle();
            self.actual.fill()?;
        }
        Ok(())
    }

    /// Compares the fields of all pairs so far and reports what happened, in the order of the ids.
    fn settle(&mut self) {
        let differences = difference::of(&self.expected, &self.actual, &self.events);
        let mut differences = differences.into_iter().peekable();
        for (number, event) in self.events.iter().enumerate() {
            match *event {
                Event::Missing { reader, row } => {
                    self.counts.missing += 1;
                    self.recorder.record(FindingKind::Missing, &self.expected[reader], row, None);
                }
                Event::Repeated { reader, row } => {
                    self.counts.missing += 1;
                    self.recorder.record(FindingKind::Repeated, &self.expected[reader], row, None);
                }
                Event::Unexpected { row } => {
                    let batch = self.actual.batch().expect("an event lies in a batch");
                    if (self.elsewhere)(batch, row) {
                        self.counts.elsewhere += 1;
                        continue;
                    }
                    self.counts.unexpected += 1;
                    let seen = Some(seen::digest(batch, row));
                    self.recorder.record(FindingKind::Unexpected, &self.actual, row, seen);
                }
                Event::Pair { reader, expected, actual, length } => {
                    self.counts.compared += u64::try_from(length).expect("a batch has fewer than 2^64 rows");
                    let here = |row: &((usize, usize), Vec<usize>)| row.0.0 == number;
                    while let Some(((_, offset), columns)) = differences.next_if(here) {
                        let fields = columns.iter().map(|&column| self.recorder.field_name(column)).collect();
                        self.counts.differs += 1;
                        let kind = FindingKind::Differs { fields };
                        let batch = self.actual.batch().expect("an event lies in a batch");
                        let seen = Some(seen::digest(batch, actual + offset));
                        self.recorder.record(kind, &self.expected[reader], expected + offset, seen);
                    }
                }
            }
        }
        self.events.clear();
        for (place, row) in self.actual.take_nameless() {
            self.counts.nameless += 1;
            let seen = Some(seen::digest(&row, 0));
            self.recorder.report((FindingKind::Nameless { place }, seen), RowId::default(), &row, 0);
        }
    }
}

#[cfg(test)]
mod tests;

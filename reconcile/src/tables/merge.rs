//! The merge of two sorted sides.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use bron_mappings::{BatchReader, ReadError, Sensitive};

use super::cursor::Cursor;
use super::{Difference, Plan, Side, TableCounts};
use crate::columns::{Stretch, differing};
use crate::error::{Error, ErrorKind};

/// What takes the differences.
pub(super) type Sink<'s> = dyn FnMut(Difference) -> Result<(), ReadError> + 's;

/// Compares the rows of the two sides.
pub(super) fn compare<'r>(
    plan: &Plan,
    left: Box<dyn BatchReader + 'r>,
    right: Box<dyn BatchReader + 'r>,
    sink: &mut Sink<'_>,
) -> Result<TableCounts, Error> {
    let key = plan.key_columns();
    let mut merge = Merge {
        plan,
        left: Cursor::open(Side::Left, &plan.left, &key, left)?,
        right: Cursor::open(Side::Right, &plan.right, &key, right)?,
        events: Vec::new(),
        counts: TableCounts::new(plan),
        sink,
    };
    while merge.step()? {}
    merge.settle()?;
    Ok(merge.counts)
}

/// What happened at one key, or at a run of keys.
enum Event {
    /// Rows with the same keys on both sides, each once, in places of the batches that the cursors hold.
    Pair { left: usize, right: usize, length: usize },
    /// A difference that is known as a whole.
    Known(Difference),
}

struct Merge<'a, 'r> {
    plan: &'a Plan,
    left: Cursor<'r>,
    right: Cursor<'r>,
    /// What happened since a batch was last let go.
    events: Vec<Event>,
    counts: TableCounts,
    sink: &'a mut Sink<'a>,
}

impl<'r> Merge<'_, 'r> {
    /// Takes the rows of the next key, or of a run of keys. False at the end of both sides.
    fn step(&mut self) -> Result<bool, Error> {
        let order = match (self.left.key(), self.right.key()) {
            (None, None) => return Ok(false),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.cmp(right),
        };
        match self.run() {
            0 => self.take_group(order)?,
            length => {
                let (left, right) = (self.left.row(), self.right.row());
                self.events.push(Event::Pair { left, right, length });
                self.advance(Side::Left, length)?;
                self.advance(Side::Right, length)?;
            }
        }
        Ok(true)
    }

    /// How many rows from here have the same key on both sides and share it with no other row.
    fn run(&self) -> usize {
        let longest = self.left.left().min(self.right.left());
        let is_pair = |rows: &usize| {
            self.left.key_after(*rows) == self.right.key_after(*rows)
                && self.left.is_alone(*rows)
                && self.right.is_alone(*rows)
                && (self.plan.whole_rows || !self.left.holds_null(*rows))
        };
        (0..longest).take_while(is_pair).count()
    }

    /// Takes all rows of the lowest key, however many each side has of it.
    fn take_group(&mut self, order: Ordering) -> Result<(), Error> {
        let first = if order == Ordering::Greater { &self.right } else { &self.left };
        let (key, null) = (first.key().map(<[u8]>::to_vec), first.holds_null(0));
        let key = key.expect("a group is taken where there is a row");
        let cells = Sensitive::new(first.key_cells(first.row()));
        let place = |cursor: &Cursor<'_>, has: bool| has.then(|| cursor.place(cursor.row()));
        let places =
            (place(&self.left, order != Ordering::Greater), place(&self.right, order != Ordering::Less));
        let left = self.take_all(Side::Left, &key)?;
        let right = self.take_all(Side::Right, &key)?;
        if let Some(kind) = self.counts.group(self.plan.whole_rows, null, left, right) {
            let (left_row, right_row) = places;
            self.events.push(Event::Known(Difference { kind, key: cells, left_row, right_row }));
        }
        Ok(())
    }

    /// Passes the rows of a side that have this key, and gives their number.
    fn take_all(&mut self, side: Side, key: &[u8]) -> Result<u64, Error> {
        let mut rows = 0;
        while self.cursor(side).key() == Some(key) {
            rows += 1;
            self.advance(side, 1)?;
        }
        Ok(rows)
    }

    const fn cursor(&self, side: Side) -> &Cursor<'r> {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    fn advance(&mut self, side: Side, rows: usize) -> Result<(), Error> {
        let used_up = match side {
            Side::Left => self.left.advance(rows),
            Side::Right => self.right.advance(rows),
        };
        if used_up {
            self.settle()?;
            match side {
                Side::Left => self.left.fill()?,
                Side::Right => self.right.fill()?,
            }
        }
        Ok(())
    }

    /// Compares the columns of all pairs so far and reports what happened, in the order of the keys.
    fn settle(&mut self) -> Result<(), Error> {
        let mut differences = self.differing_cells().into_iter().peekable();
        for (number, event) in std::mem::take(&mut self.events).into_iter().enumerate() {
            let (left, right, length) = match event {
                Event::Known(difference) => {
                    report(self.sink, difference)?;
                    continue;
                }
                Event::Pair { left, right, length } => (left, right, length),
            };
            self.counts.pairs(length);
            while let Some(((_, offset), columns)) = differences.next_if(|(place, _)| place.0 == number) {
                let names = columns.into_iter().map(|column| self.plan.name(column).to_owned()).collect();
                let kind = self.counts.differing(names);
                let difference = Difference {
                    kind,
                    key: Sensitive::new(self.left.key_cells(left + offset)),
                    left_row: Some(self.left.place(left + offset)),
                    right_row: Some(self.right.place(right + offset)),
                };
                report(self.sink, difference)?;
            }
        }
        Ok(())
    }

    /// The columns that differ, by number of the event and row of the run. Columns of the key are equal where the keys
    /// are.
    fn differing_cells(&self) -> BTreeMap<(usize, usize), Vec<usize>> {
        let mut found: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        let (Some(left), Some(right)) = (self.left.batch(), self.right.batch()) else { return found };
        for column in self.plan.columns_beside_key() {
            for (number, event) in self.events.iter().enumerate() {
                let Event::Pair { left: left_row, right: right_row, length } = *event else { continue };
                let mine = Stretch { batch: left, column, row: left_row };
                let theirs = Stretch { batch: right, column, row: right_row };
                differing(mine, theirs, length, &mut |offset| {
                    found.entry((number, offset)).or_default().push(column);
                });
            }
        }
        found
    }
}

fn report(sink: &mut Sink<'_>, difference: Difference) -> Result<(), Error> {
    let failed = |error| Error::caused(ErrorKind::Report, "the differences could not be kept", error);
    sink(difference).map_err(failed)
}

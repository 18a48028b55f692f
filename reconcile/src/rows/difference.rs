//! Which fields of which rows differ.

use std::collections::BTreeMap;

use bron_mappings::Batch;

use super::Event;
use super::cursor::Cursor;
use crate::columns::{Stretch, differing};

/// Differing columns by number of the event and row offset within it, each list in the order of the columns.
pub(super) type Differences = BTreeMap<(usize, usize), Vec<usize>>;

/// A run of rows to compare, in the batches of one expected reader and of the target.
#[derive(Clone, Copy)]
struct Run {
    event: usize,
    reader: usize,
    expected: usize,
    actual: usize,
    length: usize,
}

/// Compares the fields of every pair among the events, which lie in the batches that the cursors hold.
pub(super) fn of(expected: &[Cursor<'_>], actual: &Cursor<'_>, events: &[Event]) -> Differences {
    let mut found = Differences::new();
    let runs: Vec<Run> = events.iter().enumerate().filter_map(run_of).collect();
    let Some(actual) = actual.batch().filter(|_| !runs.is_empty()) else {
        return found;
    };
    let batches: Vec<Option<&Batch>> = expected.iter().map(Cursor::batch).collect();
    let unreadable = actual.schema().columns().len() - 1;
    for column in 0..unreadable {
        compare_column(&batches, actual, column, &runs, &mut found);
    }
    add_unreadable(actual, unreadable, &runs, &mut found);
    found
}

const fn run_of((event, what): (usize, &Event)) -> Option<Run> {
    match *what {
        Event::Pair { reader, expected, actual, length } => {
            Some(Run { event, reader, expected, actual, length })
        }
        Event::Missing { .. } | Event::Repeated { .. } | Event::Unexpected { .. } => None,
    }
}

fn compare_column(
    batches: &[Option<&Batch>],
    actual: &Batch,
    column: usize,
    runs: &[Run],
    found: &mut Differences,
) {
    for run in runs {
        let batch = batches[run.reader].expect("a pair lies in a batch");
        let expected = Stretch { batch, column, row: run.expected };
        let actual = Stretch { batch: actual, column, row: run.actual };
        differing(expected, actual, run.length, &mut |offset| {
            found.entry((run.event, offset)).or_default().push(column);
        });
    }
}

/// A field that could not be read back is NULL in the batch, which must not pass for an equal NULL.
fn add_unreadable(actual: &Batch, column: usize, runs: &[Run], found: &mut Differences) {
    let unreadable = actual.cells(column);
    for run in runs {
        for offset in (0..run.length).filter(|offset| !unreadable.is_null(run.actual + offset)) {
            let names = unreadable.text(run.actual + offset).unwrap_or_default();
            let fields = found.entry((run.event, offset)).or_default();
            fields.extend(names.split(',').map(|name| actual.schema().index_of(name).unwrap_or(column)));
            fields.sort_unstable();
            fields.dedup();
        }
    }
}

//! Which cells of two columns differ.

use bron_mappings::Batch;

/// Below this length, cutting a column out costs more than comparing its cells.
const SHORT_RUN: usize = 16;

/// A stretch of rows of a batch, in one of its columns.
#[derive(Clone, Copy)]
pub(crate) struct Stretch<'b> {
    pub(crate) batch: &'b Batch,
    pub(crate) column: usize,
    /// The first row.
    pub(crate) row: usize,
}

/// Calls `found` with the offset of every row, of `length` rows, in which the cells of two stretches differ, in order.
/// Whole stretches are compared at once, and halved where they differ: a matter of speed only.
pub(crate) fn differing(left: Stretch<'_>, right: Stretch<'_>, length: usize, found: &mut impl FnMut(usize)) {
    halve(left, right, 0, length, found);
}

/// The cells of a column over some rows of a stretch.
fn cut(stretch: Stretch<'_>, from: usize, length: usize) -> impl PartialEq + use<> {
    stretch.batch.record().column(stretch.column).slice(stretch.row + from, length)
}

fn halve(left: Stretch<'_>, right: Stretch<'_>, from: usize, length: usize, found: &mut impl FnMut(usize)) {
    if length < SHORT_RUN {
        let (mine, theirs) = (left.batch.cells(left.column), right.batch.cells(right.column));
        for offset in from..from + length {
            if mine.value(left.row + offset) != theirs.value(right.row + offset) {
                found(offset);
            }
        }
        return;
    }
    if cut(left, from, length) == cut(right, from, length) {
        return;
    }
    let half = length / 2;
    halve(left, right, from, half, found);
    halve(left, right, from + half, length - half, found);
}

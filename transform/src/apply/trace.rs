//! Which target rows and which marks each source row of a batch became.

use std::ops::Range;

use crate::balance::Fate;

/// The trace of a batch, row by row. Positions are those of [`crate::Transformed`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    rows: Vec<TracedRow>,
    made: Vec<usize>,
}

/// What one source row became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TracedRow {
    pub(crate) fate: Fate,
    /// Whether the person that the row is about is protected.
    pub(crate) protected: bool,
    /// The positions of the row's rejects.
    pub(crate) rejects: Range<usize>,
    made: Range<usize>,
}

impl Trace {
    /// Notes a row whose last reject is the one before `rejects`, and the entity of each target row that it
    /// became, by its position.
    pub(super) fn add(
        &mut self,
        fate: Fate,
        protected: bool,
        rejects: usize,
        made: impl IntoIterator<Item = usize>,
    ) {
        let last = self.rows.last().map_or(0, |row| row.rejects.end);
        let first = self.made.len();
        self.made.extend(made);
        self.rows.push(TracedRow { fate, protected, rejects: last..rejects, made: first..self.made.len() });
    }

    /// The rows, in the order of the source.
    pub(crate) fn rows(&self) -> &[TracedRow] {
        &self.rows
    }

    /// The entity of each target row that a source row became.
    pub(crate) fn made(&self, row: &TracedRow) -> &[usize] {
        &self.made[row.made.clone()]
    }
}

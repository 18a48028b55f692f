//! Several sorted runs as one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bron_mappings::EntityId;

use super::{Run, run_error};
use crate::error::Error;

/// The ids of several sorted runs in order. An id that is in several runs comes several times.
pub(super) struct Merged<'r> {
    runs: Vec<Run<'r>>,
    /// The next id of each run that has one.
    heads: BinaryHeap<Reverse<(EntityId, usize)>>,
}

impl<'r> Merged<'r> {
    pub(super) fn new(runs: Vec<Run<'r>>) -> Result<Self, Error> {
        let count = runs.len();
        let mut merged = Self { runs, heads: BinaryHeap::with_capacity(count) };
        (0..count).try_for_each(|run| merged.advance(run))?;
        Ok(merged)
    }

    fn advance(&mut self, run: usize) -> Result<(), Error> {
        if let Some(id) = self.runs[run].next() {
            self.heads.push(Reverse((id.map_err(run_error)?, run)));
        }
        Ok(())
    }
}

impl Iterator for Merged<'_> {
    type Item = Result<EntityId, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((id, run)) = self.heads.pop()?;
        Some(self.advance(run).map(|()| id))
    }
}

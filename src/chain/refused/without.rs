//! Rows of an entity except those that the target refused.

use std::collections::BTreeSet;

use bron_mappings::{Batch, BatchReader, BatchSchema, EntityId, ReadError};

/// A reader that leaves rows out by their id, the first column.
pub(crate) struct Without<'a> {
    inner: Box<dyn BatchReader + 'a>,
    ids: &'a BTreeSet<EntityId>,
}

impl<'a> Without<'a> {
    /// The reader itself when nothing is to be left out.
    pub(crate) fn new(
        inner: Box<dyn BatchReader + 'a>,
        ids: &'a BTreeSet<EntityId>,
    ) -> Box<dyn BatchReader + 'a> {
        if ids.is_empty() { inner } else { Box::new(Self { inner, ids }) }
    }

    fn kept(&self, batch: &Batch) -> Batch {
        let cells = batch.cells(0);
        let is_kept =
            |row: &usize| cells.id(*row).is_none_or(|id| !self.ids.contains(&EntityId::from_bytes(id)));
        batch.pick(&(0..batch.rows()).filter(is_kept).collect::<Vec<usize>>())
    }
}

impl Iterator for Without<'_> {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.inner.next()?.map(|batch| self.kept(&batch)))
    }
}

impl BatchReader for Without<'_> {
    fn schema(&self) -> &BatchSchema {
        self.inner.schema()
    }
}

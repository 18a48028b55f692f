//! Counts the rows of the target by where they come from, while somebody else reads them.

use std::collections::BTreeMap;

use bron_mappings::{Batch, BatchReader, BatchSchema, ReadError};
use bron_reconcile::conservation::Origin;

/// A reader that counts what passes through it.
pub(super) struct Counted<'a> {
    entity: &'a str,
    inner: Box<dyn BatchReader + 'a>,
    held: &'a mut BTreeMap<Origin, u64>,
}

impl<'a> Counted<'a> {
    pub(super) fn new(
        entity: &'a str,
        inner: Box<dyn BatchReader + 'a>,
        held: &'a mut BTreeMap<Origin, u64>,
    ) -> Self {
        Self { entity, inner, held }
    }

    fn count(&mut self, batch: &Batch) {
        let (system, table) = (batch.cells_named("src_system"), batch.cells_named("src_table"));
        let mut last: Option<(Origin, u64)> = None;
        for row in 0..batch.rows() {
            let text = |cells: &Option<bron_mappings::Cells<'_>>| {
                cells.as_ref().and_then(|cells| cells.text(row)).unwrap_or_default().to_owned()
            };
            let origin =
                Origin { entity: self.entity.to_owned(), system: text(&system), table: text(&table) };
            // Rows of one origin come in long runs, so the map is touched once a run.
            match &mut last {
                Some((known, count)) if *known == origin => *count += 1,
                _ => {
                    self.keep(last.replace((origin, 1)));
                }
            }
        }
        self.keep(last);
    }

    fn keep(&mut self, run: Option<(Origin, u64)>) {
        if let Some((origin, count)) = run {
            *self.held.entry(origin).or_default() += count;
        }
    }
}

impl Iterator for Counted<'_> {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.inner.next()?;
        if let Ok(batch) = &batch {
            self.count(batch);
        }
        Some(batch)
    }
}

impl BatchReader for Counted<'_> {
    fn schema(&self) -> &BatchSchema {
        self.inner.schema()
    }
}

//! Looks at the rows of the target while somebody else reads them: where they come from, and what they refer to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bron_mappings::{Batch, BatchReader, BatchSchema, Cells, EntityId, ReadError};
use bron_reconcile::conservation::Origin;
use bron_reconcile::references::References;

use super::id_runs::IdRuns;
use super::links::EntityLinks;

/// What is gathered over the rows of all entities.
pub(super) struct Gathered {
    /// Rows by where they come from.
    pub(super) held: BTreeMap<Origin, u64>,
    pub(super) references: References<IdRuns>,
    /// References that were looked at.
    pub(super) checked: u64,
    /// References into systems that the project does not have.
    pub(super) elsewhere: u64,
}

impl Gathered {
    /// Nothing yet; ids that have no room in memory go to files in this directory.
    pub(super) fn new(references: PathBuf) -> Self {
        let references = References::new(IdRuns::new(references));
        Self { held: BTreeMap::new(), references, checked: 0, elsewhere: 0 }
    }

    /// Rows of other projects are in no balance of this one.
    pub(super) fn forget(&mut self, foreign: BTreeMap<Origin, u64>) {
        for (origin, rows) in foreign {
            let held = self.held.entry(origin).or_default();
            *held = held.saturating_sub(rows);
        }
        self.held.retain(|_, rows| *rows > 0);
    }
}

/// A reader that looks at what passes through it.
pub(super) struct Observed<'a> {
    links: &'a EntityLinks<'a>,
    inner: Box<dyn BatchReader + 'a>,
    gathered: &'a mut Gathered,
}

impl<'a> Observed<'a> {
    pub(super) fn new(
        links: &'a EntityLinks<'a>,
        inner: Box<dyn BatchReader + 'a>,
        gathered: &'a mut Gathered,
    ) -> Self {
        Self { links, inner, gathered }
    }

    fn look_at(&mut self, batch: &Batch) -> Result<(), ReadError> {
        let origins = Origins::of(batch);
        for (system, table, rows) in &origins.known {
            let origin = Origin {
                entity: self.links.entity().to_owned(),
                system: (*system).to_owned(),
                table: (*table).to_owned(),
            };
            *self.gathered.held.entry(origin).or_default() += rows;
        }
        let ids = batch.cells_named("id");
        let ids = ids.iter().flat_map(|ids| (0..batch.rows()).filter_map(|row| ids.id(row)));
        self.gathered.references.have(self.links.entity(), ids.map(EntityId::from_bytes))?;
        for link in self.links.fields() {
            let Some(cells) = batch.cells_named(&link.field) else { continue };
            let ways = origins.known.iter().map(|(system, table, _)| self.links.leads(link, system, table));
            let ways: Vec<_> = ways.collect();
            let (mut checked, mut elsewhere) = (0, 0);
            let ids = (0..batch.rows()).filter_map(|row| {
                let id = cells.id(row)?;
                match ways[origins.of_row[row]] {
                    super::links::Way::Here => checked += 1,
                    super::links::Way::Elsewhere => elsewhere += 1,
                    super::links::Way::NotOurs => {}
                }
                (ways[origins.of_row[row]] == super::links::Way::Here).then(|| EntityId::from_bytes(id))
            });
            self.gathered.references.refer(&link.target, ids)?;
            self.gathered.checked += checked;
            self.gathered.elsewhere += elsewhere;
        }
        Ok(())
    }
}

/// Where the rows of a batch come from.
pub(in crate::chain) struct Origins<'b> {
    /// System, table and number of rows.
    pub(in crate::chain) known: Vec<(&'b str, &'b str, u64)>,
    /// For each row its place in `known`.
    pub(in crate::chain) of_row: Vec<usize>,
}

impl<'b> Origins<'b> {
    pub(in crate::chain) fn of(batch: &'b Batch) -> Self {
        let [system, table] = ["src_system", "src_table"].map(|name| batch.cells_named(name));
        let text =
            |cells: &Option<Cells<'b>>, row| cells.as_ref().and_then(|cells| cells.text(row)).unwrap_or("");
        let mut origins = Self { known: Vec::new(), of_row: Vec::with_capacity(batch.rows()) };
        for row in 0..batch.rows() {
            let (system, table) = (text(&system, row), text(&table, row));
            let known = origins.known.iter().position(|known| (known.0, known.1) == (system, table));
            let place = known.unwrap_or_else(|| {
                origins.known.push((system, table, 0));
                origins.known.len() - 1
            });
            origins.known[place].2 += 1;
            origins.of_row.push(place);
        }
        origins
    }
}

impl Iterator for Observed<'_> {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.inner.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        Some(self.look_at(&batch).map(|()| batch))
    }
}

impl BatchReader for Observed<'_> {
    fn schema(&self) -> &BatchSchema {
        self.inner.schema()
    }
}

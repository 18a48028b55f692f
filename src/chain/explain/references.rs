//! What the rows of a record refer to, and what refers to them.

use std::collections::{BTreeMap, BTreeSet};

use bron_load::Sink;
use bron_mappings::EntityId;

use super::find::{entities_of, only};
use super::rows::Rows;
use crate::chain::Chain;
use crate::failure::Failure;

/// The rows of one kind that are named; others are counted.
const NAMED: usize = 5;

/// The field that says on what a link between two records rests.
const GROUND: &str = "grund";

/// A reference of one of the rows.
pub(crate) struct Reference {
    pub(crate) entity: String,
    pub(crate) field: String,
    /// The entity that is referred to.
    pub(crate) to: String,
    pub(crate) id: EntityId,
    /// Whether the target holds that row.
    pub(crate) is_held: bool,
}

/// Rows that refer to one of the rows through one field, as the run made them.
#[derive(Default)]
pub(crate) struct Referring {
    pub(crate) entity: String,
    pub(crate) field: String,
    pub(crate) rows: u64,
    /// The first of them.
    pub(crate) ids: Vec<EntityId>,
    /// On what they rest, for links between records.
    pub(crate) grounds: BTreeSet<String>,
}

impl Chain<'_> {
    /// What the rows refer to: as the target holds them, else as the run made them.
    pub(super) fn references_of(
        &self,
        given: &Rows,
        held: &Rows,
        sink: &mut dyn Sink,
    ) -> Result<Vec<Reference>, Failure> {
        let places: BTreeSet<_> = given.keys().chain(held.keys()).collect();
        let mut references = Vec::new();
        for place in places {
            let Some(row) = held.get(place).or_else(|| given.get(place)) else { continue };
            let Some(entity) = self.set.model.entity(&place.0) else { continue };
            for field in &entity.fields {
                let id = row.cells_named(&field.name).and_then(|cells| cells.id(0));
                let (Some(to), Some(id)) = (entity.referred(&field.name), id) else { continue };
                let id = EntityId::from_bytes(id);
                references.push(Reference {
                    entity: place.0.clone(),
                    field: field.name.clone(),
                    to: to.to_owned(),
                    id,
                    is_held: self.holds_row(to, &id, sink)?,
                });
            }
        }
        Ok(references)
    }

    fn holds_row(&self, entity: &str, id: &EntityId, sink: &mut dyn Sink) -> Result<bool, Failure> {
        let Some(entity) = self.set.model.entity(entity) else { return Ok(false) };
        if !sink.holds(entity)? {
            return Ok(false);
        }
        let mut rows = 0;
        for batch in sink.read_fields(entity, &["id"], Some(only(id)))? {
            rows += batch?.rows();
        }
        Ok(rows > 0)
    }

    /// What refers to the rows. Of every entity that can, the references are gone through and nothing else.
    pub(super) fn referring_to(&self, ids: &BTreeSet<(String, EntityId)>) -> Result<Vec<Referring>, Failure> {
        let mut found: BTreeMap<(String, String), Referring> = BTreeMap::new();
        for mapping in self.mappings_here() {
            for name in entities_of(mapping) {
                self.go_on()?;
                let Some(entity) = self.set.model.entity(name) else { continue };
                let can = |field: &&str| {
                    let to = entity.referred(field);
                    to.is_some_and(|to| ids.iter().any(|(entity, _)| entity == to))
                };
                let links: Vec<&str> =
                    entity.fields.iter().map(|field| field.name.as_str()).filter(can).collect();
                if links.is_empty() {
                    continue;
                }
                let ground = entity.field(GROUND).map(|field| field.name.as_str());
                let columns: Vec<&str> =
                    ["id"].into_iter().chain(links.iter().copied()).chain(ground).collect();
                for batch in self.made(mapping, name, &columns)? {
                    let batch = batch?;
                    for link in &links {
                        let to = entity.referred(link).unwrap_or_default();
                        let Some(cells) = batch.cells_named(link) else { continue };
                        for row in 0..batch.rows() {
                            let id = cells.id(row).map(EntityId::from_bytes);
                            if id.is_some_and(|id| ids.contains(&(to.to_owned(), id))) {
                                let place = (name.to_owned(), (*link).to_owned());
                                found.entry(place).or_default().take(&batch, row);
                            }
                        }
                    }
                }
            }
        }
        let named = found.into_iter().map(|((entity, field), one)| Referring { entity, field, ..one });
        Ok(named.collect())
    }
}

impl Referring {
    fn take(&mut self, batch: &bron_mappings::Batch, row: usize) {
        self.rows += 1;
        let id = batch.cells_named("id").and_then(|ids| ids.id(row)).map(EntityId::from_bytes);
        self.ids.extend(id.filter(|_| self.ids.len() < NAMED));
        let ground = batch.cells_named(GROUND).and_then(|cells| cells.text(row)).map(str::to_owned);
        self.grounds.extend(ground);
    }
}

//! Who may read what: the rows that the sources gave against the rows of the target, apart from their comparison.

use std::collections::BTreeMap;

use bron_load::Sink;
use bron_mappings::EntityId;
use bron_reconcile::secrecy::{KnownNames, SECRECY_FIELDS, Secrecy, SecrecyTally};
use bron_reconcile::waivers::Accepted;

use super::receipts::Loads;
use crate::chain::Chain;
use crate::chain::refused::Refused;
use crate::failure::Failure;

/// The fields that say whether a row is this project's.
const ORIGIN_FIELDS: [&str; 4] = ["src_system", "src_key", "kalla_a", "kalla_b"];

impl Chain<'_> {
    /// Balances rows per nämnd, class and protection. Both sides are read once more, those fields only. A row that is
    /// there on one side only, and accepted so, takes no part.
    pub(super) fn secrecy(
        &self,
        sink: &mut dyn Sink,
        (refused, loads): (&Refused, &Loads),
        accepted: &Accepted,
        namnder: &BTreeMap<String, String>,
    ) -> Result<Secrecy, Failure> {
        let (mut expected, mut found) = (SecrecyTally::default(), SecrecyTally::default());
        let mut columns = vec!["id"];
        columns.extend(SECRECY_FIELDS);
        for mapping in self.produced_by() {
            for name in self.record_of(mapping)?.entities {
                self.go_on()?;
                let dir = self.entity_dir(mapping, &name);
                let lost = refused.ids(&name);
                for batch in self.manifest(&dir)?.read(&dir, Some(&columns), self.settings.batch_rows)? {
                    let batch = batch?;
                    let ids = batch.cells_named("id");
                    let id = |row| ids.and_then(|ids| ids.id(row)).map(EntityId::from_bytes);
                    let left_out = |id: &EntityId| lost.contains(id) || accepted.has_row(&name, id);
                    expected.add(&name, &batch, |row| id(row).is_some_and(|id| left_out(&id)))?;
                }
            }
        }
        for entity in self.entities() {
            self.go_on()?;
            let origin = ORIGIN_FIELDS.into_iter().filter(|field| entity.field(field).is_some());
            let fields: Vec<&str> = SECRECY_FIELDS.into_iter().chain(origin).collect();
            for batch in sink.read_fields(entity, &fields, None)? {
                let batch = batch?;
                let ids = batch.cells_named("id");
                let id = |row| ids.and_then(|ids| ids.id(row)).map(EntityId::from_bytes);
                found.add(&entity.name, &batch, |row| {
                    self.is_of_another_project(loads, entity, &batch, row)
                        || id(row).is_some_and(|id| accepted.has_row(&entity.name, &id))
                })?;
            }
        }
        let own = self.produced_by().filter_map(|mapping| mapping.scope.sekretess.as_deref());
        let classes =
            self.set.model.entities.values().map(|entity| entity.sekretess_klass.as_str()).chain(own);
        let known =
            KnownNames { namnder: namnder.keys().map(String::as_str).collect(), classes: classes.collect() };
        Ok(Secrecy::compare(&expected, &found, &known))
    }
}

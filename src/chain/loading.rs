//! Entity parts → target rows, each part once.

use bron_load::{PartId, Receipt, RunIds, Sink, open};
use bron_mappings::{Batch, Entity, EntityId, InstallationSecret, Mapping, SourceKey};

use super::{Chain, Work};
use crate::failure::Failure;

/// What the targets of the installation with this secret are marked with: keyed, so that it says nothing about the
/// secret.
pub(crate) fn installation_mark(secret: &InstallationSecret) -> String {
    let key = SourceKey::new("bron", "installation", [Some("target")]);
    EntityId::derive(secret, "installation", &key).to_string()
}

/// What the receipt of a part names it.
pub(super) fn part_name(mapping: &Mapping, file: &str) -> String {
    format!("{}/{}", mapping.id, file.trim_end_matches(".parquet"))
}

impl Chain<'_> {
    /// The identity of this run in the target.
    pub(crate) fn run_ids(&self) -> RunIds {
        RunIds { extract_run_id: self.run.id.clone(), load_run_id: self.run.id.clone() }
    }

    /// What the installation's targets are marked with.
    pub(crate) fn installation_mark(&self) -> String {
        installation_mark(&self.settings.secret)
    }

    /// The entities that this project makes rows of, ordered by name.
    pub(crate) fn entities(&self) -> Vec<&Entity> {
        let mut names: Vec<&str> = self
            .produced_by()
            .flat_map(|mapping| &mapping.targets)
            .map(|target| target.entity.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().filter_map(|name| self.set.model.entity(name)).collect()
    }

    /// The mappings in the order in which their rows are loaded: what says who may read goes first, so that a
    /// load that was cut short never leaves in the target what a reader must not see.
    fn in_load_order(&self) -> Vec<&Mapping> {
        let mut mappings: Vec<&Mapping> = self.produced_by().collect();
        let place = |mapping: &&Mapping| {
            let system = self.set.systems.get(&mapping.system);
            system.map_or(usize::MAX, |system| system.load_place(&mapping.table))
        };
        mappings.sort_by_key(place);
        mappings
    }

    /// Writes every part that the target has no receipt for.
    pub(crate) fn load(&self) -> Result<Work, Failure> {
        let mut sink = open(&self.settings.target)?;
        let entities = self.entities();
        let names: Vec<&str> = entities.iter().map(|entity| entity.name.as_str()).collect();
        sink.prepare(&self.set.model, &names)?;
        sink.claim(&self.installation_mark())?;
        let mappings = self.in_load_order();
        let stage = self.printer.stage("load", u64::try_from(mappings.len()).unwrap_or(0));
        let mut work = Work::default();
        for mapping in mappings {
            stage.now(&mapping.id);
            let record = self.record_of(mapping)?;
            for name in &record.entities {
                let entity = self.set.model.entity(name).expect("the record was made with this model");
                self.load_entity(sink.as_mut(), mapping, entity, &mut work)?;
            }
            stage.step();
        }
        Ok(work)
    }

    fn load_entity(
        &self,
        sink: &mut dyn Sink,
        mapping: &Mapping,
        entity: &Entity,
        work: &mut Work,
    ) -> Result<(), Failure> {
        let dir = self.entity_dir(mapping, &entity.name);
        let manifest = self.manifest(&dir)?;
        for part in &manifest.parts {
            self.go_on()?;
            let rows = usize::try_from(part.rows).unwrap_or(usize::MAX);
            let batches: Vec<Batch> =
                manifest.read_part(&dir, part, None, rows.max(1))?.collect::<Result<_, _>>()?;
            let id = PartId {
                entity: entity.name.clone(),
                part: part_name(mapping, &part.file),
                content: part.content,
            };
            let batch =
                batches.first().ok_or_else(|| Failure::safety(format!("{} has no rows", part.file)))?;
            let receipt = sink.write(entity, &id, batch, &self.run_ids())?;
            work.count(matches!(receipt, Receipt::Replayed(_)));
        }
        Ok(())
    }
}

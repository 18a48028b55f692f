//! Refused rows that are tried again at the end of a load.

use std::collections::{BTreeMap, BTreeSet};

use bron_load::{PartId, Receipt, Refusal, Sink};
use bron_mappings::{Batch, EntityId, ReasonCode};

use super::part_of;
use crate::chain::{Chain, Work};
use crate::failure::Failure;

/// The entity and the part of a refused row.
fn place(refusal: &Refusal) -> (String, String) {
    (refusal.entity.clone(), refusal.part.clone())
}

/// The parts in which a row waits for the one that it refers to.
fn parts_that_wait(refusals: &[Refusal]) -> BTreeSet<(String, String)> {
    refusals.iter().filter(|one| one.reason() == ReasonCode::TargetReference).map(place).collect()
}

impl Chain<'_> {
    /// Tries the rows again that the target has refused: it may demand less than when their part was loaded, and a row
    /// may refer to one that came in a later part. Of the parts that were `written` just now, each by entity and name,
    /// only those are tried in which a row waits for another. Such parts are tried as long as that helps.
    pub(in crate::chain) fn try_refused(
        &self,
        written: &BTreeSet<(String, String)>,
        work: &mut Work,
    ) -> Result<(), Failure> {
        let mut sink = self.settings.writer()?;
        let mut refusals = sink.refused(&self.run_ids().load_run_id)?;
        let waiting = parts_that_wait(&refusals);
        refusals.retain(|one| !written.contains(&place(one)) || waiting.contains(&place(one)));
        while !refusals.is_empty() {
            let mut parts: BTreeMap<(String, String), Vec<EntityId>> = BTreeMap::new();
            for refusal in &refusals {
                parts.entry(place(refusal)).or_default().push(refusal.id);
            }
            let mut helped = false;
            for ((entity, part), ids) in parts {
                self.go_on()?;
                if self.try_part(sink.as_mut(), &entity, &part, &ids)? {
                    work.count(false);
                    helped = true;
                }
            }
            if !helped {
                break;
            }
            refusals = sink.refused(&self.run_ids().load_run_id)?;
            let waiting = parts_that_wait(&refusals);
            refusals.retain(|one| waiting.contains(&place(one)));
        }
        Ok(())
    }

    /// Tries the refused rows of one part. Says whether the target took any.
    fn try_part(
        &self,
        sink: &mut dyn Sink,
        entity: &str,
        part: &str,
        ids: &[EntityId],
    ) -> Result<bool, Failure> {
        let (mapping, file) = part_of(part)?;
        let mapping = self.mapping_named(mapping)?;
        let entity = self.set.model.entity(entity).ok_or_else(|| {
            Failure::safety(format!("the target names rows of {entity}, which the model does not have"))
        })?;
        let dir = self.entity_dir(mapping, &entity.name);
        let manifest = self.manifest(&dir)?;
        let found = manifest.parts.iter().find(|entry| entry.file.trim_end_matches(".parquet") == file);
        let Some(entry) = found else {
            return Err(Failure::safety(format!("the target names {part}, which is not there")));
        };
        let rows = usize::try_from(entry.rows).unwrap_or(usize::MAX).max(1);
        let batches: Vec<Batch> = manifest.read_part(&dir, entry, None, rows)?.collect::<Result<_, _>>()?;
        let Some(batch) = batches.first() else { return Ok(false) };
        let cells = batch.cells(0);
        let is_meant = |row: &usize| {
            cells.id(*row).is_some_and(|id| ids.binary_search(&EntityId::from_bytes(id)).is_ok())
        };
        let refused = batch.pick(&(0..batch.rows()).filter(is_meant).collect::<Vec<usize>>());
        let id = PartId { entity: entity.name.clone(), part: part.to_owned(), content: entry.content };
        let receipt = sink.write_refused(entity, &id, &refused, &self.run_ids())?;
        Ok(matches!(receipt, Receipt::Written(_)))
    }
}

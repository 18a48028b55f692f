//! Why a row is not given any more: by what the run noted of its source row.

use std::collections::BTreeMap;

use bron_load::Ended;
use bron_mappings::{Action, Mapping, SourceKey};
use bron_transform::BRIDGE_SYSTEM;

use super::{Candidate, Origin, Search};
use crate::failure::Failure;

impl Search<'_> {
    /// Each row with the reason for which it is to be retired; without one it stays.
    pub(super) fn judged(
        &self,
        candidates: Vec<Candidate>,
    ) -> Result<Vec<(Candidate, Option<Ended>)>, Failure> {
        let mut keys: BTreeMap<Origin, BTreeMap<String, Ended>> = BTreeMap::new();
        for candidate in &candidates {
            let fates = keys.entry(candidate.origin.clone()).or_default();
            fates.insert(candidate.key.clone(), Ended::Gone);
        }
        for (origin, fates) in &mut keys {
            let mapping = self.owners[origin];
            if mapping.system == BRIDGE_SYSTEM {
                fates.values_mut().for_each(|fate| *fate = Ended::NotGiven);
            } else {
                self.note_present(mapping, origin, fates)?;
                self.note_rejects(mapping, fates)?;
            }
        }
        let judged = candidates.into_iter().map(|candidate| {
            let because = keys[&candidate.origin][&candidate.key];
            let because = self.completeness.allows(&candidate.origin, because).then_some(because);
            (candidate, because)
        });
        Ok(judged.collect())
    }

    /// The records that are still there.
    fn note_present(
        &self,
        mapping: &Mapping,
        origin: &Origin,
        fates: &mut BTreeMap<String, Ended>,
    ) -> Result<(), Failure> {
        let table = &self.staged[origin];
        let columns: Vec<&str> = mapping.key.iter().map(|origin| origin.name.as_str()).collect();
        let batch_rows = self.chain.settings.batch_rows;
        for batch in table.manifest.read(&table.dir, Some(&columns), batch_rows)? {
            let batch = batch?;
            let cells: Vec<_> = columns.iter().map(|name| batch.cells_named(name)).collect();
            for row in 0..batch.rows() {
                let values = cells.iter().map(|cells| cells.as_ref().and_then(|cells| cells.text(row)));
                let key = SourceKey::new(&mapping.system, &mapping.table, values).text();
                if let Some(fate) = fates.get_mut(key.expose()) {
                    *fate = Ended::NotGiven;
                }
            }
        }
        Ok(())
    }

    /// What the rules did with them.
    fn note_rejects(&self, mapping: &Mapping, fates: &mut BTreeMap<String, Ended>) -> Result<(), Failure> {
        let dir = self.chain.rejects_dir(mapping);
        let batch_rows = self.chain.settings.batch_rows;
        let columns = ["src_key", "action"];
        for batch in self.chain.manifest(&dir)?.read(&dir, Some(&columns), batch_rows)? {
            let batch = batch?;
            let [keys, actions] = columns.map(|name| batch.cells_named(name));
            for row in 0..batch.rows() {
                let text = |cells: &Option<bron_mappings::Cells<'_>>| {
                    cells.as_ref().and_then(|cells| cells.text(row)).unwrap_or_default().to_owned()
                };
                let found = Action::ALL.iter().find(|(name, _)| *name == text(&actions));
                let Some(because) = found.and_then(|(_, action)| fate(*action)) else { continue };
                if let Some(known) = fates.get_mut(&text(&keys)) {
                    *known = weightier(*known, because);
                }
            }
        }
        Ok(())
    }
}

/// What an action makes of a whole row; nothing for those that leave it where it is.
const fn fate(action: Action) -> Option<Ended> {
    match action {
        Action::Quarantine | Action::Stop => Some(Ended::HeldBack),
        Action::Exclude => Some(Ended::LeftOut),
        Action::Merge => Some(Ended::Merged),
        Action::Norm | Action::Fix | Action::Flag => None,
    }
}

/// What people wait for outweighs what a rule settled.
fn weightier(known: Ended, found: Ended) -> Ended {
    const WEIGHTS: [Ended; 3] = [Ended::HeldBack, Ended::LeftOut, Ended::Merged];
    let weight = |one: Ended| WEIGHTS.iter().position(|known| *known == one).unwrap_or(WEIGHTS.len());
    if weight(found) < weight(known) { found } else { known }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_waits_for_people_is_held_back_whatever_else_is_noted() {
        assert_eq!(weightier(Ended::NotGiven, Ended::Merged), Ended::Merged);
        assert_eq!(weightier(Ended::Merged, Ended::HeldBack), Ended::HeldBack);
        assert_eq!(weightier(Ended::HeldBack, Ended::LeftOut), Ended::HeldBack);
        assert_eq!(fate(Action::Flag), None);
    }
}

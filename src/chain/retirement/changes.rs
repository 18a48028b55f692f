//! What the receipts of a run say that loading it did.

use std::collections::BTreeMap;

use bron_load::{Counts, Ended, PartId, Sink};
use bron_reconcile::summary::EntityChanges;

use crate::chain::Chain;
use crate::failure::Failure;

impl Chain<'_> {
    /// What loading the run did to the target per entity, by name.
    pub(in crate::chain) fn loaded(&self, sink: &mut dyn Sink) -> Result<Vec<EntityChanges>, Failure> {
        let mut entities: BTreeMap<String, EntityChanges> = BTreeMap::new();
        for (part, counts) in sink.receipts(&self.run.id)? {
            let changes = entities.entry(part.entity.clone()).or_default();
            changes.add(&of_part(&part, counts));
        }
        let named = entities.into_iter().map(|(entity, changes)| EntityChanges { entity, ..changes });
        Ok(named.collect())
    }
}

/// What became of the rows of one part.
pub(in crate::chain) fn of_part(part: &PartId, counts: Counts) -> EntityChanges {
    let Counts { rows: _, inserted, updated, unchanged, refused, retired } = counts;
    let because = because(&part.part).map(|because| (because.code().to_owned(), retired));
    let retired = because.into_iter().filter(|(_, rows)| *rows > 0).collect();
    EntityChanges { entity: part.entity.clone(), inserted, updated, unchanged, retired, refused }
}

/// Why a part of retirements was made, by its name.
pub(in crate::chain) fn because(part: &str) -> Option<Ended> {
    let (_, numbered) = part.rsplit_once("/retired-")?;
    Ended::parse(numbered.split_once('-')?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_retirements_says_why() {
        assert_eq!(because("paraply/BESLUT/retired-00003-held_back"), Some(Ended::HeldBack));
        assert_eq!(because("paraply/BESLUT/part-00003"), None);
    }
}

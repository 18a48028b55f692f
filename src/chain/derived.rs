//! The artefacts of rows that no source table has: made from entities, written like those of a mapped table.

use std::collections::BTreeMap;

use bron_extract::{Manifest, PartOptions, PartWriter, atomic};
use bron_mappings::Mapping;
use bron_transform::{Balance, Transformed, reject_schema};

use super::Chain;
use super::transformation::TableRecord;
use crate::failure::Failure;

impl Chain<'_> {
    /// Writes the same artefacts as a mapped table has. What such rows are made from is in the name of the
    /// run, so what was made once is the same when it is made again.
    pub(super) fn write_derived(
        &self,
        mapping: &Mapping,
        made: impl IntoIterator<Item = Transformed>,
    ) -> Result<(), Failure> {
        let origin = BTreeMap::from([("mapping".to_owned(), self.run.mapping_digest.clone())]);
        let sorted = PartOptions { sort_by: Some("id".to_owned()), ..self.run.part_options() };
        let mut writers: BTreeMap<String, PartWriter> = BTreeMap::new();
        let names = mapping.targets.iter().map(|target| &target.entity);
        let entities: Vec<&bron_mappings::Entity> =
            names.filter_map(|name| self.set.model.entity(name)).collect();
        for entity in &entities {
            let dir = self.entity_dir(mapping, &entity.name);
            atomic::renew_directory(&dir)?;
            writers.insert(entity.name.clone(), PartWriter::new(&dir, entity.schema(), sorted.clone())?);
        }
        let dir = self.rejects_dir(mapping);
        atomic::renew_directory(&dir)?;
        let mut rejects = PartWriter::new(&dir, &reject_schema(), self.run.part_options())?;
        let (mut balance, mut produced) = (Balance::default(), BTreeMap::new());
        for made in made {
            self.go_on()?;
            for (name, batch) in &made.entities {
                let rows = u64::try_from(batch.rows()).expect("a batch has fewer than 2^64 rows");
                *produced.entry(name.clone()).or_default() += rows;
                writers.get_mut(name).expect("the mapping names every entity that is made").push(batch)?;
            }
            rejects.push(&made.rejects)?;
            balance.merge(made.balance);
        }
        for entity in &entities {
            let writer = writers.remove(&entity.name).expect("a writer was made for every entity");
            let manifest = Manifest::new(&entity.name, origin.clone(), entity.schema(), writer.finish()?);
            manifest.save(&self.entity_dir(mapping, &entity.name))?;
        }
        Manifest::new("rejects", origin, &reject_schema(), rejects.finish()?).save(&dir)?;
        let names = entities.iter().map(|entity| entity.name.clone()).collect();
        self.write_record(mapping, &TableRecord::new(self, mapping, names, balance, produced)?)
    }
}

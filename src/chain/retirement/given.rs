//! The ids that a run gives, in order, from many sorted parts.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bron_mappings::{Batch, BatchReader, Entity, EntityId};

use crate::chain::Chain;
use crate::failure::Failure;

/// The rows of a part that are held while parts are merged: small, because all parts of an entity are open at the
/// same time.
const MERGE_ROWS: usize = 1024;

impl Chain<'_> {
    /// The ids of an entity's parts, each part in the order of its ids.
    pub(super) fn id_readers(&self, entity: &Entity) -> Result<Vec<Box<dyn BatchReader>>, Failure> {
        let mut readers: Vec<Box<dyn BatchReader>> = Vec::new();
        for mapping in self.produced_by() {
            if mapping.targets.iter().all(|target| target.entity != entity.name) {
                continue;
            }
            let dir = self.entity_dir(mapping, &entity.name);
            let manifest = self.manifest(&dir)?;
            for part in &manifest.parts {
                readers.push(Box::new(manifest.read_part(&dir, part, Some(&["id"]), MERGE_ROWS)?));
            }
        }
        Ok(readers)
    }
}

/// Answers for ids in rising order whether the run gives them. No part is opened before the first question.
pub(super) struct GivenIds {
    unopened: Vec<Box<dyn BatchReader>>,
    parts: Vec<Ids>,
    heads: BinaryHeap<Reverse<(EntityId, usize)>>,
}

impl GivenIds {
    pub(super) const fn new(readers: Vec<Box<dyn BatchReader>>) -> Self {
        Self { unopened: readers, parts: Vec::new(), heads: BinaryHeap::new() }
    }

    /// Whether the run gives the id. The questions come in rising order.
    pub(super) fn has(&mut self, id: EntityId) -> Result<bool, Failure> {
        for reader in std::mem::take(&mut self.unopened) {
            self.parts.push(Ids { reader, batch: None, row: 0 });
            self.advance(self.parts.len() - 1)?;
        }
        while let Some(Reverse((head, part))) = self.heads.peek().copied() {
            if head >= id {
                return Ok(head == id);
            }
            self.heads.pop();
            self.advance(part)?;
        }
        Ok(false)
    }

    fn advance(&mut self, part: usize) -> Result<(), Failure> {
        if let Some(id) = self.parts[part].next()? {
            self.heads.push(Reverse((id, part)));
        }
        Ok(())
    }
}

/// The ids of one part.
struct Ids {
    reader: Box<dyn BatchReader>,
    batch: Option<Batch>,
    row: usize,
}

impl Ids {
    fn next(&mut self) -> Result<Option<EntityId>, Failure> {
        loop {
            if let Some(batch) = &self.batch
                && self.row < batch.rows()
            {
                let id = batch.cells(0).id(self.row);
                self.row += 1;
                let id = id.ok_or_else(|| Failure::safety("a row that was made of a source has no id"))?;
                return Ok(Some(EntityId::from_bytes(id)));
            }
            let Some(batch) = self.reader.next() else { return Ok(None) };
            (self.batch, self.row) = (Some(batch?), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use bron_mappings::{BatchSchema, ColumnBuilder, ColumnType, ReadError, Value};

    use super::*;

    struct Fixed(BatchSchema, std::vec::IntoIter<Vec<u8>>);

    impl Iterator for Fixed {
        type Item = Result<Batch, ReadError>;

        fn next(&mut self) -> Option<Self::Item> {
            let ids = self.1.next()?;
            let mut column = ColumnBuilder::new(ColumnType::Id, ids.len());
            ids.iter().for_each(|id| column.push(Some(Value::Id([*id; 16]))));
            Some(Ok(Batch::new(&self.0, vec![column.finish()], ids.len()).unwrap()))
        }
    }

    impl BatchReader for Fixed {
        fn schema(&self) -> &BatchSchema {
            &self.0
        }
    }

    fn part(batches: &[&[u8]]) -> Box<dyn BatchReader> {
        let schema = BatchSchema::new([("id".to_owned(), ColumnType::Id)]);
        let batches: Vec<Vec<u8>> = batches.iter().map(|ids| ids.to_vec()).collect();
        Box::new(Fixed(schema, batches.into_iter()))
    }

    #[test]
    fn ids_of_all_parts_are_given_and_no_others() {
        let mut given = GivenIds::new(vec![part(&[&[1, 4], &[], &[9]]), part(&[]), part(&[&[2, 4, 5]])]);
        let found: Vec<u8> =
            (0..12).filter(|id| given.has(EntityId::from_bytes([*id; 16])).unwrap()).collect();
        assert_eq!(found, [1, 2, 4, 5, 9]);
        let mut given = GivenIds::new(vec![part(&[&[1, 4, 9]])]);
        assert!(!given.has(EntityId::from_bytes([3; 16])).unwrap());
        assert!(given.has(EntityId::from_bytes([9; 16])).unwrap());
        assert!(!given.has(EntityId::from_bytes([10; 16])).unwrap());
    }
}

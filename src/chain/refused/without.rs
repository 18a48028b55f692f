//! Rows of an entity except those that the target refused.

use std::collections::BTreeSet;

use bron_mappings::{Batch, BatchReader, BatchSchema, EntityId, ReadError};

/// A reader that leaves rows out by their id, the first column.
pub(crate) struct Without<'a> {
    inner: Box<dyn BatchReader + 'a>,
    ids: &'a BTreeSet<EntityId>,
}

impl<'a> Without<'a> {
    /// Leaves rows with these ids out of what a reader gives.
    pub(crate) fn leaving_out(
        inner: Box<dyn BatchReader + 'a>,
        ids: &'a BTreeSet<EntityId>,
    ) -> Box<dyn BatchReader + 'a> {
        if ids.is_empty() { inner } else { Box::new(Self { inner, ids }) }
    }

    fn kept(&self, batch: &Batch) -> Batch {
        let cells = batch.cells(0);
        let is_kept =
            |row: &usize| cells.id(*row).is_none_or(|id| !self.ids.contains(&EntityId::from_bytes(id)));
        batch.pick(&(0..batch.rows()).filter(is_kept).collect::<Vec<usize>>())
    }
}

impl Iterator for Without<'_> {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.inner.next()?.map(|batch| self.kept(&batch)))
    }
}

impl BatchReader for Without<'_> {
    fn schema(&self) -> &BatchSchema {
        self.inner.schema()
    }
}

#[cfg(test)]
mod tests {
    use bron_mappings::{Batches, ColumnBuilder, ColumnType, Value};

    use super::*;

    #[test]
    fn rows_are_left_out_by_their_id() {
        let id = |number: u8| [number; 16];
        let schema = BatchSchema::new([("id".to_owned(), ColumnType::Id)]);
        let batch = |numbers: &[u8]| {
            let mut column = ColumnBuilder::new(ColumnType::Id, numbers.len());
            numbers.iter().for_each(|number| column.push(Some(Value::Id(id(*number)))));
            Batch::new(&schema, vec![column.finish()], numbers.len()).unwrap()
        };
        let left_out = |numbers: &[u8]| {
            let ids = numbers.iter().map(|number| EntityId::from_bytes(id(*number))).collect();
            let batches = [batch(&[1, 2, 3]), batch(&[4]), batch(&[])].into_iter().map(Ok);
            let kept = Without::leaving_out(Box::new(Batches::new(schema.clone(), batches)), &ids);
            kept.map(|batch| {
                let batch = batch.unwrap();
                (0..batch.rows()).map(|row| batch.cells(0).id(row).unwrap()[0]).collect()
            })
            .collect::<Vec<Vec<u8>>>()
        };
        assert_eq!(left_out(&[]), [vec![1, 2, 3], vec![4], vec![]]);
        assert_eq!(left_out(&[2, 4, 9]), [vec![1, 3], vec![], vec![]]);
    }
}

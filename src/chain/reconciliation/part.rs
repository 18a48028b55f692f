//! Which rows of an entity are looked at: all, those of a span of ids, or those with certain ids.

use bron_load::{IdRange, Sink};
use bron_mappings::{Batch, BatchReader, BatchSchema, Batches, Entity, EntityId, ReadError};
use bron_reconcile::scope::Span;

use crate::failure::Failure;

/// The most rows that are asked for one by one; for more the entity is read whole.
const ONE_BY_ONE: usize = 200;

/// Rows of one entity.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// All.
    All,
    /// Those whose ids lie in the span.
    Span(Span),
    /// Those with these ids, which are sorted.
    Ids(Vec<EntityId>),
}

impl Part {
    /// Whether the row with this id is one of them.
    pub(super) fn holds(&self, id: EntityId) -> bool {
        match self {
            Self::All => true,
            Self::Span(span) => span.contains(id),
            Self::Ids(ids) => ids.binary_search(&id).is_ok(),
        }
    }

    /// These rows of what a reader gives; its first column is the id. A row without an id belongs to all rows only.
    pub(super) fn of<'r>(&'r self, inner: Box<dyn BatchReader + 'r>) -> Box<dyn BatchReader + 'r> {
        match self {
            Self::All => inner,
            Self::Span(_) | Self::Ids(_) => Box::new(Only { part: self, inner }),
        }
    }

    /// These fields of these rows as the target holds them, in the order of their ids.
    pub(super) fn read<'r>(
        &'r self,
        sink: &'r mut dyn Sink,
        entity: &'r Entity,
        fields: &[&str],
    ) -> Result<Box<dyn BatchReader + 'r>, Failure> {
        match self {
            Self::All => Ok(sink.read_fields(entity, fields, None)?),
            Self::Span(span) => {
                Ok(sink.read_fields(entity, fields, Some(IdRange { from: span.from, to: span.to }))?)
            }
            Self::Ids(ids) if ids.len() <= ONE_BY_ONE => one_by_one(sink, entity, fields, ids),
            Self::Ids(_) => Ok(self.of(sink.read_fields(entity, fields, None)?)),
        }
    }
}

/// All fields of an entity.
pub(super) fn all_fields(entity: &Entity) -> Vec<&str> {
    entity.fields.iter().map(|field| field.name.as_str()).collect()
}

fn one_by_one<'r>(
    sink: &mut dyn Sink,
    entity: &Entity,
    fields: &[&str],
    ids: &[EntityId],
) -> Result<Box<dyn BatchReader + 'r>, Failure> {
    let (mut schema, mut rows) = (None, Vec::new());
    // Without ids the reader still has the columns.
    let nothing = [EntityId::from_bytes([0; 16])];
    for id in if ids.is_empty() { &nothing[..] } else { ids } {
        let reader = sink.read_fields(entity, fields, Some(IdRange { from: Some(*id), to: after(*id) }))?;
        schema.get_or_insert_with(|| reader.schema().clone());
        for batch in reader {
            rows.push(Ok(batch?));
        }
    }
    if ids.is_empty() {
        rows.clear();
    }
    let schema = schema.expect("at least one id was asked for");
    Ok(Box::new(Batches::new(schema, rows.into_iter())))
}

/// The least id above this one.
fn after(id: EntityId) -> Option<EntityId> {
    let next = u128::from_be_bytes(*id.as_bytes()).checked_add(1)?;
    Some(EntityId::from_bytes(next.to_be_bytes()))
}

struct Only<'r> {
    part: &'r Part,
    inner: Box<dyn BatchReader + 'r>,
}

impl Only<'_> {
    fn chosen(&self, batch: &Batch) -> Batch {
        let ids = batch.cells(0);
        let is_chosen =
            |row: &usize| ids.id(*row).is_some_and(|id| self.part.holds(EntityId::from_bytes(id)));
        batch.pick(&(0..batch.rows()).filter(is_chosen).collect::<Vec<usize>>())
    }
}

impl Iterator for Only<'_> {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.inner.next()?.map(|batch| self.chosen(&batch)))
    }
}

impl BatchReader for Only<'_> {
    fn schema(&self) -> &BatchSchema {
        self.inner.schema()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_id_above_another() {
        let id = |last: u8| EntityId::from_bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, last]);
        assert_eq!(after(id(7)), Some(id(8)));
        assert!(after(id(255)).is_some_and(|next| next > id(255)));
        assert_eq!(after(EntityId::from_bytes([255; 16])), None);
    }
}

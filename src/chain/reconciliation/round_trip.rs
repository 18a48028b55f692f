//! The target as read back, put back into the columns of the staged rows.

mod sorted;

use std::path::PathBuf;

use bron_load::Sink;
use bron_mappings::{Batch, BatchReader, BatchSchema, Entity, EntityId, Mapping, ReadError, SourceKey};
use bron_reconcile::round_trip::{self, PutBack, RoundTripSummary, ToldRow};
use bron_reconcile::rows::Finding;
use bron_transform::{Inverter, Restorer, RowRestorer, SourceText, SourceTexts};

use self::sorted::{Sorted, Sorter};
use super::part::Part;
use super::scope::Scoped;
use super::scratch::Scratch;
use crate::chain::{Chain, StagedTable, StagedTables};
use crate::failure::Failure;

/// The rows of a sorted table that are handed on at a time.
const ROWS_AT_ONCE: usize = 2048;

impl Chain<'_> {
    /// Puts back what the target holds of every mapped table. Findings are given in the order of the mappings and of
    /// the keys of the staged rows.
    pub(super) fn round_trip(
        &self,
        staged: &StagedTables,
        sink: &mut dyn Sink,
        scope: &Scoped,
        found: &mut dyn FnMut(Finding) -> Result<(), Failure>,
    ) -> Result<RoundTripSummary, Failure> {
        let mut summary = RoundTripSummary::default();
        for mapping in self.mappings() {
            self.go_on()?;
            let Some(table) = staged.get(&(mapping.system.clone(), mapping.table.clone())) else { continue };
            summary.add(self.put_back(mapping, table, sink, scope, found)?);
        }
        if scope.scope.is_some() {
            // Rows that were not looked at are not absent.
            summary.absent = 0;
        }
        Ok(summary)
    }

    fn put_back(
        &self,
        mapping: &Mapping,
        table: &StagedTable,
        sink: &mut dyn Sink,
        scope: &Scoped,
        found: &mut dyn FnMut(Finding) -> Result<(), Failure>,
    ) -> Result<RoundTripSummary, Failure> {
        let inverter = Inverter::new(&self.set, mapping, &self.settings.secret);
        let inverter = inverter.map_err(|error| Failure::config(error.to_string()))?;
        let restorer = Restorer::new(&inverter);
        let scratch = Scratch::new(self.run.dir.join("round-trip"));
        let mut target = TargetRows::read(self, mapping, &restorer, sink, scope, &scratch)?;
        let mut staged = self.staged_by_key(mapping, table, &restorer, &scratch)?;
        let (key, untold) = (key_columns(mapping), restorer.untold());
        let table = PutBack {
            mapping: &mapping.id,
            system: &mapping.system,
            table: &mapping.table,
            key: &key,
            fields: restorer.fields(),
            untold: &untold,
        };
        let context: Vec<&str> = restorer.context().into_iter().collect();
        let mut tell = |key: &str, batch: &Batch, row: usize| {
            let texts = context_of(&context, batch, row);
            target.of_key(key, &texts)
        };
        let mut problem = None;
        let summary =
            round_trip::compare(&table, &self.settings.secret, staged.as_mut(), &mut tell, &mut |finding| {
                if let Err(error) = found(finding) {
                    problem.get_or_insert(error);
                }
            })?;
        problem.map_or(Ok(summary), Err)
    }

    /// The columns of a staged table that are compared, in the order of the readable keys.
    fn staged_by_key(
        &self,
        mapping: &Mapping,
        table: &StagedTable,
        restorer: &Restorer<'_, '_>,
        scratch: &Scratch,
    ) -> Result<Box<dyn BatchReader>, Failure> {
        let key = key_columns(mapping);
        let read =
            |columns: &[&str]| table.manifest.read(&table.dir, Some(columns), self.settings.batch_rows);
        let (system, name) = (mapping.system.clone(), mapping.table.clone());
        let names: Vec<String> = key.iter().map(|column| (*column).to_owned()).collect();
        let key_of = move |batch: &Batch, row: usize| {
            let texts = names.iter().map(|column| batch.cells_named(column)?.text(row));
            SourceKey::new(&system, &name, texts).text().into_inner()
        };
        let told = restorer.fields().iter().flat_map(|field| &field.columns).map(String::as_str);
        let mut columns: Vec<&str> = key.iter().copied().chain(told).chain(restorer.context()).collect();
        columns.sort_unstable();
        columns.dedup();
        if is_in_order(read(&key)?, &key_of)? {
            return Ok(Box::new(read(&columns)?));
        }
        let reader = read(&columns)?;
        let schema = reader.schema().clone();
        let mut sorter = Sorter::new(self, scratch.dir("staged"), &schema, Box::new(key_of));
        for batch in reader {
            sorter.push(&batch?)?;
        }
        Ok(Box::new(InOrder { schema, rows: sorter.finish()? }))
    }
}

/// The columns of the key, in order.
fn key_columns(mapping: &Mapping) -> Vec<&str> {
    mapping.key.iter().map(|origin| origin.name.as_str()).collect()
}

fn is_in_order(reader: impl BatchReader, key_of: &dyn Fn(&Batch, usize) -> String) -> Result<bool, Failure> {
    let mut before = String::new();
    for batch in reader {
        let batch = batch?;
        for row in 0..batch.rows() {
            let key = key_of(&batch, row);
            if key < before {
                return Ok(false);
            }
            before = key;
        }
    }
    Ok(true)
}

fn context_of(columns: &[&str], batch: &Batch, row: usize) -> SourceTexts {
    let texts = columns.iter().filter_map(|column| {
        let text = batch.cells_named(column)?.text(row)?;
        Some(((*column).to_owned(), SourceText::Text(text.to_owned())))
    });
    texts.collect()
}

/// The rows of one entity.
struct EntityRows {
    entity: String,
    asked: RowRestorer,
    rows: Sorted,
}

/// The rows of the target that came from one source table, by the key of their record.
struct TargetRows<'r, 'i, 'a> {
    restorer: &'r Restorer<'i, 'a>,
    /// By entity, each in the order of the keys.
    entities: Vec<EntityRows>,
    /// The rows of the key that was asked for last, by the place of their entity.
    key: String,
    rows: Vec<(usize, Batch, usize)>,
}

impl<'r, 'i, 'a> TargetRows<'r, 'i, 'a> {
    fn read(
        chain: &Chain<'_>,
        mapping: &Mapping,
        restorer: &'r Restorer<'i, 'a>,
        sink: &mut dyn Sink,
        scope: &Scoped,
        scratch: &Scratch,
    ) -> Result<Self, Failure> {
        let mut names: Vec<&str> = mapping.targets.iter().map(|target| target.entity.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let mut entities = Vec::new();
        for entity in names.into_iter().filter_map(|name| chain.set.model.entity(name)) {
            chain.go_on()?;
            let from = Place { entity, part: scope.part(&entity.name), dir: scratch.dir(&entity.name) };
            let (asked, rows) = read_entity(chain, mapping, restorer, sink, from)?;
            entities.push(EntityRows { entity: entity.name.clone(), asked, rows });
        }
        Ok(Self { restorer, entities, key: String::new(), rows: Vec::new() })
    }

    /// What the rows of a key say about a staged row. Rows whose key no staged row has are passed over: row by row
    /// they are unexpected.
    fn of_key(&mut self, key: &str, texts: &SourceTexts) -> Result<Vec<ToldRow>, ReadError> {
        if self.key != key || self.rows.is_empty() {
            self.rows.clear();
            key.clone_into(&mut self.key);
            for (at, EntityRows { rows: sorted, .. }) in self.entities.iter_mut().enumerate() {
                while sorted.key().is_some_and(|next| next < key) {
                    sorted.take()?;
                }
                while sorted.key() == Some(key) {
                    self.rows.extend(sorted.take()?.map(|(batch, row)| (at, batch, row)));
                }
            }
        }
        let told = self.rows.iter().map(|(at, batch, row)| {
            let EntityRows { entity, asked, .. } = &self.entities[*at];
            let id = batch.cells_named("id").and_then(|ids| ids.id(*row)).unwrap_or_default();
            let said = self.restorer.row(asked, batch, *row, texts);
            ToldRow { entity: entity.clone(), id: EntityId::from_bytes(id), said }
        });
        Ok(told.collect())
    }
}

/// Which rows are read, and where those go that have no room.
struct Place<'p> {
    entity: &'p Entity,
    part: &'p Part,
    dir: PathBuf,
}

/// The rows of an entity that name the source table as theirs, in the order of the keys.
fn read_entity(
    chain: &Chain<'_>,
    mapping: &Mapping,
    restorer: &Restorer<'_, '_>,
    sink: &mut dyn Sink,
    Place { entity, part, dir }: Place<'_>,
) -> Result<(RowRestorer, Sorted), Failure> {
    let asked = restorer.reads(&entity.name).into_iter().chain(["src_system", "src_table"]);
    let fields: Vec<&str> = asked.filter(|field| entity.field(field).is_some()).collect();
    let reader = part.read(sink, entity, &fields)?;
    let schema = reader.schema().clone();
    let key = |batch: &Batch, row: usize| {
        batch.cells_named("src_key").and_then(|keys| keys.text(row)).unwrap_or_default().to_owned()
    };
    let mut sorter = Sorter::new(chain, dir, &schema, Box::new(key));
    for batch in reader {
        let batch = batch?;
        let [system, table] = ["src_system", "src_table"].map(|name| batch.cells_named(name));
        let named = |cells: Option<bron_mappings::Cells<'_>>, row, name: &str| {
            cells.and_then(|cells| cells.text(row)) == Some(name)
        };
        let ours = (0..batch.rows())
            .filter(|&row| named(system, row, &mapping.system) && named(table, row, &mapping.table));
        sorter.push(&batch.pick(&ours.collect::<Vec<usize>>()))?;
    }
    Ok((restorer.rows_of(&entity.name, &schema), sorter.finish()?))
}

/// Sorted rows as batches.
struct InOrder {
    schema: BatchSchema,
    rows: Sorted,
}

impl Iterator for InOrder {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut rows = Vec::with_capacity(ROWS_AT_ONCE);
        while rows.len() < ROWS_AT_ONCE {
            match self.rows.take() {
                Ok(Some(row)) => rows.push(row),
                Ok(None) => break,
                Err(error) => return Some(Err(error)),
            }
        }
        (!rows.is_empty()).then(|| Ok(sorted::gathered(&self.schema, &rows)))
    }
}

impl BatchReader for InOrder {
    fn schema(&self) -> &BatchSchema {
        &self.schema
    }
}

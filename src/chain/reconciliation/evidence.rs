//! What the controls read: staged tables, the target, and the keys of rows that were held back.

use std::collections::{BTreeMap, BTreeSet};

use bron_load::Sink;
use bron_mappings::{Action, BatchReader, Batches, Entity, ReadError};
use bron_reconcile::controls::{By, Control, HeldKeys, Join, Only, SourceSide, Tables, TargetSide};

use crate::chain::refused::Refused;
use crate::chain::{Chain, StagedTables};

/// Opens staged tables and entities for the controls, with the columns that some control reads.
pub(super) struct ControlTables<'a> {
    chain: &'a Chain<'a>,
    staged: &'a StagedTables,
    refused: &'a Refused,
    sink: &'a mut dyn Sink,
    /// The entities that the control at work reads.
    asked: BTreeSet<String>,
    columns: BTreeMap<(String, String), BTreeSet<String>>,
    fields: BTreeMap<String, BTreeSet<String>>,
}

impl<'a> ControlTables<'a> {
    pub(super) fn new(
        chain: &'a Chain<'a>,
        (staged, refused): (&'a StagedTables, &'a Refused),
        sink: &'a mut dyn Sink,
        controls: &[Control],
    ) -> Self {
        let (columns, fields) = (control_columns(controls), control_fields(controls));
        Self { chain, staged, refused, sink, asked: BTreeSet::new(), columns, fields }
    }

    /// Says which control is evaluated next. Of a source row some rows may be in the target while others were refused,
    /// and only a control that counts the latter may take it as held back.
    pub(super) fn begin(&mut self, control: &Control) {
        self.asked = control.target_sides().map(|side| side.entity.clone()).collect();
    }

    fn fields_of(&self, entity: &Entity) -> Vec<String> {
        let wanted = self.fields.get(&entity.name).into_iter().flatten();
        // A control may name a field that the model lacks; the control itself says so then.
        wanted.filter(|field| entity.field(field).is_some()).cloned().collect()
    }

    fn entity(&self, name: &str) -> Result<&'a Entity, ReadError> {
        Ok(self.chain.set.model.entity(name).ok_or_else(|| format!("the model has no entity {name}"))?)
    }
}

/// The columns that controls read, by source system and table.
pub(crate) fn control_columns(controls: &[Control]) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut columns = BTreeMap::new();
    for side in controls.iter().flat_map(Control::source_sides) {
        side_columns(side, &mut columns);
    }
    columns
}

/// The fields that controls read, by entity.
pub(crate) fn control_fields(controls: &[Control]) -> BTreeMap<String, BTreeSet<String>> {
    let mut fields = BTreeMap::new();
    for side in controls.iter().flat_map(Control::target_sides) {
        target_fields(side, &mut fields);
    }
    fields
}

fn side_columns(side: &SourceSide, columns: &mut BTreeMap<(String, String), BTreeSet<String>>) {
    let SourceSide { system, table, key, sum, format: _, empty_is_missing: _, by, only, join } = side;
    let joined = by.as_ref().is_some_and(|by| by.joined);
    let by_column = by.as_ref().map(|By { column, .. }| column);
    let own = columns.entry((system.clone(), table.clone())).or_default();
    own.extend(key.iter().chain(sum).cloned());
    own.extend(only.iter().map(|Only { column, .. }| column.clone()));
    own.extend(by_column.filter(|_| !joined).cloned());
    if let Some(Join { table: parent, on, key }) = join {
        own.extend(on.iter().cloned());
        let other = columns.entry((system.clone(), parent.clone())).or_default();
        other.extend(key.iter().cloned());
        other.extend(by_column.filter(|_| joined).cloned());
    }
}

fn target_fields(side: &TargetSide, fields: &mut BTreeMap<String, BTreeSet<String>>) {
    let TargetSide { entity, sum, by, only, join } = side;
    let joined = by.as_ref().is_some_and(|by| by.joined);
    let by_column = by.as_ref().map(|By { column, .. }| column);
    let own = fields.entry(entity.clone()).or_default();
    own.extend(sum.iter().cloned().chain(only.iter().map(|Only { column, .. }| column.clone())));
    own.extend(by_column.filter(|_| !joined).cloned());
    if let Some(Join { table: parent, on, key }) = join {
        own.extend(on.iter().cloned());
        let other = fields.entry(parent.clone()).or_default();
        other.extend(key.iter().cloned());
        other.extend(by_column.filter(|_| joined).cloned());
    }
}

impl Tables for ControlTables<'_> {
    fn source(&mut self, system: &str, table: &str) -> Result<Box<dyn BatchReader + '_>, ReadError> {
        let name = (system.to_owned(), table.to_owned());
        let staged = self.staged.get(&name).ok_or_else(|| format!("{system}/{table} is not staged"))?;
        let wanted = self.columns.get(&name);
        // A control may name a column that the table lacks; the control itself says so then.
        let columns = staged.manifest.schema.columns().iter().map(|column| column.name.as_str());
        let columns: Vec<&str> =
            columns.filter(|column| wanted.is_none_or(|wanted| wanted.contains(*column))).collect();
        let reader = staged.manifest.read(&staged.dir, Some(&columns), self.chain.settings.batch_rows)?;
        Ok(Box::new(reader))
    }

    fn target(&mut self, entity: &str) -> Result<Box<dyn BatchReader + '_>, ReadError> {
        let entity = self.entity(entity)?;
        let fields = self.fields_of(entity);
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        Ok(self.sink.read_fields(entity, &fields, None)?)
    }

    fn parents(&mut self, entity: &str) -> Result<Box<dyn BatchReader + '_>, ReadError> {
        let entity = self.entity(entity)?;
        let lost = self.refused.ids(&entity.name);
        if lost.is_empty() {
            return self.target(&entity.name);
        }
        let fields = self.fields_of(entity);
        let refused = self.chain.refused_parents(entity, &fields, &lost)?;
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let there = self.sink.read_fields(entity, &fields, None)?;
        // A control finds its fields by name, so it does not matter that these say nothing of what is unreadable.
        let schema = there.schema().clone();
        Ok(Box::new(Batches::new(schema, there.chain(refused.into_iter().map(Ok)))))
    }

    fn held(&mut self, system: &str, table: &str) -> Result<HeldKeys, ReadError> {
        let Some(mapping) = self.chain.set.mapping(system, table) else { return Ok(HeldKeys::default()) };
        let dir = self.chain.rejects_dir(mapping);
        let manifest = self.chain.manifest(&dir)?;
        let mut keys: Vec<String> = Vec::new();
        let columns = Some(&["src_key", "action"][..]);
        for batch in manifest.read(&dir, columns, self.chain.settings.batch_rows)? {
            let batch = batch?;
            let (key, action) = (batch.cells_named("src_key"), batch.cells_named("action"));
            let (Some(key), Some(action)) = (key, action) else { continue };
            for row in 0..batch.rows() {
                let held = action.text(row).and_then(Action::parse).is_some_and(|action| {
                    action.holds_back() || matches!(action, Action::Merge | Action::Exclude)
                });
                keys.extend(key.text(row).filter(|_| held).map(str::to_owned));
            }
        }
        keys.extend(self.refused.keys(mapping, &self.asked));
        Ok(keys.into_iter().collect())
    }
}

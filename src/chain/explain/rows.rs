//! The rows of a record: as the source has them, as the run made them, and as the target holds them now.

use std::collections::{BTreeMap, BTreeSet};

use bron_load::{Ending, Sink};
use bron_mappings::handbook::RuleWords;
use bron_mappings::{Batch, Entity, EntityId, Field, FunctionSpec, Mapping, UNREADABLE, Value};
use bron_transform::text_of;

use super::MOST_ROWS;
use super::find::{entities_of, only};
use super::masked::{Openness, Shown, of_column};
use crate::chain::Chain;
use crate::failure::Failure;

/// When a row was replaced or retired.
pub(crate) type History = Vec<Ending>;

/// Rows by entity and id, each a batch of one row.
pub(super) type Rows = BTreeMap<(String, EntityId), Batch>;

/// One row of the model that the record became, or that the target holds of it.
pub(crate) struct RowStory {
    pub(crate) entity: String,
    /// The name of the entity in Swedish.
    pub(crate) label: String,
    pub(crate) id: EntityId,
    /// Whether the run made it.
    pub(crate) is_given: bool,
    /// Whether the target holds it now.
    pub(crate) is_held: bool,
    /// The run that wrote it into the target.
    pub(crate) written_by: Option<String>,
    pub(crate) fields: Vec<FieldStory>,
    pub(crate) history: History,
}

/// One field of a row.
pub(crate) struct FieldStory {
    /// The name in Swedish.
    pub(crate) label: String,
    /// As the run made it.
    pub(crate) given: Option<Shown>,
    /// As the target holds it.
    pub(crate) held: Option<Shown>,
    /// Whether the two differ, or the target's value cannot be read.
    pub(crate) differs: bool,
    /// How the value comes to be; empty for the fields that every row has.
    pub(crate) rule: String,
}

impl Chain<'_> {
    /// The source rows with a key, at most [`MOST_ROWS`].
    pub(super) fn source_rows(
        &self,
        mapping: &Mapping,
        key: &str,
        protected: bool,
    ) -> Result<Vec<Vec<Shown>>, Failure> {
        let Some(table) = self.staged_here(mapping)? else { return Ok(Vec::new()) };
        let is_staged =
            |origin: &bron_mappings::Origin| table.manifest.schema.index_of(&origin.name).is_some();
        // Where the key is made of what other rows say, no column finds the row.
        if !mapping.key.iter().all(is_staged) {
            return Ok(Vec::new());
        }
        let keys = BTreeSet::from([key]);
        let mut rows = Vec::new();
        for part in &table.manifest.parts {
            self.go_on()?;
            let wanted = self.rows_with_keys(mapping, &table, part, &keys)?;
            if wanted.is_empty() {
                continue;
            }
            let mut place = 0;
            for batch in table.manifest.read_part(&table.dir, part, None, self.settings.batch_rows)? {
                let batch = batch?;
                for row in 0..batch.rows() {
                    if wanted.contains(&place) && rows.len() < MOST_ROWS {
                        rows.push(self.source_row(mapping, &batch, row, protected));
                    }
                    place += 1;
                }
            }
        }
        Ok(rows)
    }

    fn source_row(&self, mapping: &Mapping, batch: &Batch, row: usize, protected: bool) -> Vec<Shown> {
        let columns = batch.schema().columns().iter().enumerate();
        let shown = columns.map(|(index, column)| {
            let openness = of_column(mapping, &column.name, |name| self.set.model.entity(name), protected);
            Shown::new(&column.name, batch.cells(index).text(row), openness)
        });
        shown.collect()
    }

    /// The rows that the run made of a record.
    pub(super) fn given_rows(&self, mapping: &Mapping, key: &str) -> Result<Rows, Failure> {
        let mut rows = Rows::new();
        for entity in entities_of(mapping) {
            let Some((dir, manifest)) = self.made_parts(mapping, entity)? else { continue };
            for part in &manifest.parts {
                self.go_on()?;
                let mut wanted = BTreeSet::new();
                let mut place = 0_usize;
                let keys = manifest.read_part(&dir, part, Some(&["src_key"]), self.settings.batch_rows)?;
                for batch in keys {
                    let batch = batch?;
                    let cells = batch.cells_named("src_key");
                    let is_it = |row: &usize| cells.as_ref().and_then(|cells| cells.text(*row)) == Some(key);
                    wanted.extend((0..batch.rows()).filter(is_it).map(|row| place + row));
                    place += batch.rows();
                }
                let mut first = 0;
                let whole = (!wanted.is_empty())
                    .then(|| manifest.read_part(&dir, part, None, self.settings.batch_rows))
                    .transpose()?;
                for batch in whole.into_iter().flatten() {
                    let batch = batch?;
                    for row in wanted.range(first..first + batch.rows()) {
                        take(&mut rows, entity, &batch.slice(row - first, 1));
                    }
                    first += batch.rows();
                }
            }
        }
        Ok(rows)
    }

    /// Those of the rows that the target holds, each with the column of what cannot be read.
    pub(super) fn held_rows(
        &self,
        ids: &BTreeSet<(String, EntityId)>,
        sink: &mut dyn Sink,
    ) -> Result<Rows, Failure> {
        let mut rows = Rows::new();
        for (name, id) in ids {
            let Some(entity) = self.set.model.entity(name) else { continue };
            if !sink.holds(entity)? {
                continue;
            }
            for batch in sink.read(entity, Some(only(id)))? {
                let batch = batch?;
                for row in 0..batch.rows() {
                    take(&mut rows, name, &batch.slice(row, 1));
                }
            }
        }
        Ok(rows)
    }

    /// What became of the record, row by row and field by field.
    pub(super) fn row_stories(
        &self,
        mapping: &Mapping,
        ids: &BTreeSet<(String, EntityId)>,
        (given, held): (&Rows, &Rows),
        (protected, functions): (bool, &[FunctionSpec]),
        sink: &mut dyn Sink,
    ) -> Result<Vec<RowStory>, Failure> {
        let words = RuleWords::new(&self.set, functions);
        let mut stories = Vec::new();
        for place in ids {
            let (name, id) = place;
            let Some(entity) = self.set.model.entity(name) else { continue };
            let (given, held) = (given.get(place), held.get(place));
            let rules = |field: &str| rule_of(&words, mapping, name, field);
            let fields = entity.fields.iter();
            let fields = fields.filter_map(|field| field_story(field, (given, held), protected, &rules));
            let fields = fields.collect();
            let (written_by, history) = if sink.holds(entity)? {
                (written_by(entity, id, sink)?, sink.endings(entity, id)?)
            } else {
                (None, History::new())
            };
            stories.push(RowStory {
                entity: name.clone(),
                label: entity.label.clone(),
                id: *id,
                is_given: given.is_some(),
                is_held: held.is_some(),
                written_by,
                fields,
                history,
            });
        }
        Ok(stories)
    }
}

fn take(rows: &mut Rows, entity: &str, row: &Batch) {
    if let Some(id) = row.cells_named("id").and_then(|ids| ids.id(0)) {
        rows.insert((entity.to_owned(), EntityId::from_bytes(id)), row.clone());
    }
}

/// Whether a row is about a protected person.
pub(super) fn is_protected(row: &Batch) -> bool {
    row.cells_named("skyddad").and_then(|cells| cells.value(0)) == Some(Value::Bool(true))
}

fn written_by(entity: &Entity, id: &EntityId, sink: &mut dyn Sink) -> Result<Option<String>, Failure> {
    const RUN: &str = "load_run_id";
    let mut found = None;
    for batch in sink.read_fields(entity, &[RUN], Some(only(id)))? {
        let batch = batch?;
        found = batch.cells_named(RUN).and_then(|cells| cells.text(0).map(str::to_owned)).or(found);
    }
    Ok(found)
}

/// How a field comes to be, in words; where several rows of the entity come of one source row, each way of it.
fn rule_of(words: &RuleWords<'_>, mapping: &Mapping, entity: &str, field: &str) -> String {
    let targets = mapping.targets.iter().filter(|target| target.entity == entity);
    let rules = targets.flat_map(|target| target.fields.iter().map(move |rule| (target, rule)));
    let mut texts: Vec<String> = Vec::new();
    for (target, rule) in rules.filter(|(_, rule)| rule.field == field) {
        let text = words.of(mapping, target, rule);
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.join(", eller ")
}

/// The story of a field; `None` for one without a value on either side.
fn field_story(
    field: &Field,
    (given, held): (Option<&Batch>, Option<&Batch>),
    protected: bool,
    rule: &dyn Fn(&str) -> String,
) -> Option<FieldStory> {
    let value = |row: Option<&Batch>| {
        let cells = row.and_then(|row| row.cells_named(&field.name))?;
        cells.value(0).map(|value| text_of(&field.kind, value))
    };
    let (given_text, held_text) = (value(given), value(held));
    let is_unreadable = held.is_some_and(|row| cannot_read(row, &field.name));
    if given_text.is_none() && held_text.is_none() && !is_unreadable {
        return None;
    }
    let openness = Openness::of_field(Some(field), protected);
    let shown = |row: Option<&Batch>, text: &Option<String>| {
        row.map(|_| Shown::new(&field.name, text.as_deref(), openness))
    };
    Some(FieldStory {
        label: field.label.clone(),
        given: shown(given, &given_text),
        held: shown(held, &held_text),
        differs: given.is_some() && held.is_some() && (given_text != held_text || is_unreadable),
        rule: rule(&field.name),
    })
}

fn cannot_read(row: &Batch, field: &str) -> bool {
    let fields = row.cells_named(UNREADABLE).and_then(|cells| cells.text(0)).unwrap_or_default();
    fields.split(',').any(|name| name.trim() == field)
}

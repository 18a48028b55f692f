//! Compares what both versions made of each source row.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{Batch, Cells, FieldType, ProtectionClass, Sensitive, Value};

use super::causes::{Marks, RowContext};
use super::{
    ComparedColumn, ComparedEntity, Comparison, EntityEffect, FLAGS_FIELD, FieldEffect, FieldExample,
    MOST_EXAMPLES, MOST_VALUES, Moves, RowExample, Shown, TableEffect,
};
use crate::apply::{TracedRow, Transformed};
use crate::balance::Fate;
use crate::examples::text_of;
use crate::row::BatchView;

/// The longest text that an example or a distribution shows.
const LONGEST_TEXT: usize = 80;

/// One version's result of a batch, read row by row.
struct Reader<'t> {
    done: &'t Transformed,
    /// The cells of each entity, column by column.
    cells: Vec<Vec<Cells<'t>>>,
    /// The next row of each entity.
    next: Vec<usize>,
}

/// What one version made of a source row.
struct Seen<'t> {
    row: &'t TracedRow,
    /// The entity and the row within it.
    made: Vec<(usize, usize)>,
}

impl<'t> Reader<'t> {
    fn new(done: &'t Transformed) -> Self {
        let cells = done.entities.iter().map(|(_, batch)| {
            (0..batch.schema().columns().len()).map(|column| batch.cells(column)).collect()
        });
        Self { done, cells: cells.collect(), next: vec![0; done.entities.len()] }
    }

    fn read(&mut self, index: usize) -> Seen<'t> {
        let row = &self.done.trace.rows()[index];
        let made = self.done.trace.made(row).iter().map(|&entity| {
            let at = self.next[entity];
            self.next[entity] += 1;
            (entity, at)
        });
        Seen { row, made: made.collect() }
    }

    fn marks(&self, row: &TracedRow) -> Marks {
        let [action, reason, field] = ["action", "reason", "field"]
            .map(|name| self.done.rejects.cells_named(name).expect("rejects have these columns"));
        let text = |cells: &Cells<'_>, at| cells.text(at).unwrap_or_default().to_owned();
        let marks = row.rejects.clone().map(|at| (text(&action, at), text(&reason, at), text(&field, at)));
        marks.collect()
    }
}

/// The target rows of one source row that differ.
#[derive(Default)]
struct Differing {
    /// The entity, and its row in the version that has it.
    gone: Vec<(usize, usize)>,
    come: Vec<(usize, usize)>,
    /// The entity, both rows, and the columns that differ.
    changed: Vec<(usize, [usize; 2], Vec<usize>)>,
}

pub(super) fn compare(
    comparison: &Comparison<'_>,
    batch: &Batch,
    first_row: u64,
    done: &[Option<Transformed>; 2],
) -> TableEffect {
    let mut walk = Walk {
        comparison,
        views: comparison
            .sides
            .map(|side| side.map(|side| BatchView::new(side.plan, side.lookups, batch, first_row))),
        readers: done.each_ref().map(|done| done.as_ref().map(Reader::new)),
        effect: TableEffect::default(),
    };
    for index in 0..batch.rows() {
        walk.row(index);
    }
    walk.effect
}

struct Walk<'w, 't> {
    comparison: &'w Comparison<'w>,
    views: [Option<BatchView<'w>>; 2],
    readers: [Option<Reader<'t>>; 2],
    effect: TableEffect,
}

impl Walk<'_, '_> {
    /// Counts the source row at this position of the batch.
    fn row(&mut self, index: usize) {
        self.effect.source_rows += 1;
        let seen = self.readers.each_mut().map(|reader| reader.as_mut().map(|reader| reader.read(index)));
        let fates = seen.each_ref().map(|seen| seen.as_ref().map(|seen| seen.row.fate));
        let differing = self.differing(&seen);
        let rows_alike =
            differing.gone.is_empty() && differing.come.is_empty() && differing.changed.is_empty();
        if fates[0] == fates[1] && rows_alike {
            return;
        }
        self.effect.touched += 1;
        if fates[0] != fates[1] {
            *self.effect.fates.entry((fates[0], fates[1])).or_default() += 1;
        }
        let marks = [0, 1].map(|side| {
            let seen = seen[side].as_ref();
            seen.zip(self.readers[side].as_ref())
                .map_or_else(Marks::new, |(seen, reader)| reader.marks(seen.row))
        });
        let protected = seen.iter().flatten().any(|seen| seen.row.protected);
        self.attribute(index, fates, &marks, &differing, protected);
    }

    /// Matches the target rows of a source row by id, and counts those that are alike.
    fn differing(&mut self, seen: &[Option<Seen<'_>>; 2]) -> Differing {
        let mut differing = Differing::default();
        for (place, entity) in self.comparison.entities.iter().enumerate() {
            let rows = [0, 1].map(|side| rows_of(seen[side].as_ref(), entity.at[side]));
            if rows.iter().all(Vec::is_empty) {
                continue;
            }
            let id = |side: usize, row: usize| self.cells(entity, side, 0).and_then(|cells| cells.id(row));
            let mut new: Vec<usize> = rows[1].clone();
            let mut unchanged = 0;
            for &old in &rows[0] {
                let Some(at) = new.iter().position(|&row| id(1, row) == id(0, old)) else {
                    differing.gone.push((place, old));
                    continue;
                };
                let pair = [old, new.remove(at)];
                let columns: Vec<usize> = (0..entity.columns.len())
                    .filter(|&column| {
                        self.value(entity, column, 0, pair) != self.value(entity, column, 1, pair)
                    })
                    .collect();
                if columns.is_empty() {
                    unchanged += 1;
                } else {
                    differing.changed.push((place, pair, columns));
                }
            }
            differing.come.extend(new.into_iter().map(|row| (place, row)));
            self.entity(place).unchanged += unchanged;
        }
        differing
    }

    fn cells(&self, entity: &ComparedEntity, side: usize, column: usize) -> Option<Cells<'_>> {
        let at = entity.at[side]?;
        let (column, _) = entity.columns[column].at[side].as_ref()?;
        Some(self.readers[side].as_ref()?.cells[at][*column])
    }

    fn value(
        &self,
        entity: &ComparedEntity,
        column: usize,
        side: usize,
        rows: [usize; 2],
    ) -> Option<Value<'_>> {
        self.cells(entity, side, column)?.value(rows[side])
    }

    fn text(&self, entity: &ComparedEntity, column: usize, side: usize, rows: [usize; 2]) -> Option<String> {
        let (_, kind) = entity.columns[column].at[side].as_ref()?;
        self.value(entity, column, side, rows).map(|value| text_of(kind, value))
    }

    fn entity(&mut self, place: usize) -> &mut EntityEffect {
        let name = &self.comparison.entities[place].name;
        self.effect.entities.entry(name.clone()).or_default()
    }

    fn attribute(
        &mut self,
        index: usize,
        fates: [Option<Fate>; 2],
        marks: &[Marks; 2],
        differing: &Differing,
        protected: bool,
    ) {
        let mut credit = Credit::default();
        {
            let rows = self.views.each_ref().map(|view| view.as_ref().map(|view| view.row(index)));
            let context = RowContext { rows, fates, marks };
            let causes = &self.comparison.causes;
            let entities = &self.comparison.entities;
            for (appears, moved) in [(false, &differing.gone), (true, &differing.come)] {
                for (place, _) in moved {
                    let of = causes.of_row(&entities[*place].name, &context);
                    let moves = if appears { APPEARED } else { DISAPPEARED };
                    credit.moves(of, moves);
                }
            }
            for (place, rows, columns) in &differing.changed {
                let entity = &entities[*place];
                let mut of_row = BTreeSet::new();
                for &column in columns {
                    let values = [0, 1].map(|side| self.text(entity, column, side, *rows));
                    let of = causes.of_field(&entity.name, &entity.columns[column].name, &values, &context);
                    of_row.extend(of.iter().copied());
                    credit.field(of);
                }
                credit.moves(of_row, CHANGED);
            }
            if fates[0] != fates[1] {
                credit.fate(causes.of_fate(&context));
            }
        }
        self.credit(&credit);
        self.count(index, fates, differing, protected);
    }

    fn credit(&mut self, credit: &Credit) {
        let mut causes: BTreeSet<usize> = BTreeSet::new();
        for (cause, effect) in &credit.causes {
            causes.insert(*cause);
            self.effect.causes.entry(*cause).or_default().merge(*effect);
        }
        for cause in causes {
            self.effect.causes.entry(cause).or_default().source_rows += 1;
        }
        let nobody = credit.unexplained;
        self.effect.unexplained.merge(nobody);
        self.effect.unexplained.source_rows += u64::from(credit.without_cause);
    }

    fn count(&mut self, index: usize, fates: [Option<Fate>; 2], differing: &Differing, protected: bool) {
        let key = || {
            let row = self.views.iter().flatten().next()?.row(index);
            Some(Sensitive::new(crate::apply::key_text(&row).into_owned()))
        };
        let key = if protected { None } else { key() };
        for (side, moved, moves) in [(0, &differing.gone, DISAPPEARED), (1, &differing.come, APPEARED)] {
            for &(place, row) in moved {
                self.place(place, side, row, moves);
                let entity = self.entity(place);
                entity.moves.merge(moves);
                if let Some(key) = key.as_ref().filter(|_| entity.examples.len() < MOST_EXAMPLES) {
                    let [before, after] = fates;
                    entity.examples.push(RowExample { key: key.clone(), appears: side == 1, before, after });
                }
            }
        }
        for (place, rows, columns) in &differing.changed {
            self.place(*place, 1, rows[1], CHANGED);
            self.entity(*place).moves.merge(CHANGED);
            for &column in columns {
                self.field(*place, column, *rows, key.as_ref());
            }
        }
    }

    fn place(&mut self, place: usize, side: usize, row: usize, moves: Moves) {
        let entity = &self.comparison.entities[place];
        let text = |name: &str| {
            let column = entity.columns.iter().position(|column| column.name == name);
            let cells = column.and_then(|column| self.cells(entity, side, column));
            cells.and_then(|cells| cells.text(row)).unwrap_or_default().to_owned()
        };
        let at = (text("verksamhetsomrade"), text("namnd"));
        self.effect.places.entry(at).or_default().merge(moves);
    }

    fn field(&mut self, place: usize, column: usize, rows: [usize; 2], key: Option<&Sensitive<String>>) {
        let entity = &self.comparison.entities[place];
        let compared = &entity.columns[column];
        let texts = [0, 1].map(|side| self.text(entity, column, side, rows));
        let numbers = [0, 1].map(|side| self.value(entity, column, side, rows).map_or(Some(0), whole_number));
        let name = compared.name.clone();
        let effect = self.entity(place).fields.entry(name).or_insert_with(|| FieldEffect {
            changed: 0,
            values: has_distribution(compared).then(BTreeMap::new),
            sums: has_sums(compared).then_some((0, 0)),
            examples: Vec::new(),
        });
        effect.changed += 1;
        if let (Some(sums), [Some(old), Some(new)]) = (&mut effect.sums, numbers) {
            *sums = (sums.0 + old, sums.1 + new);
        }
        if let Some(values) = effect.values.as_mut() {
            for pair in pairs(compared, &texts) {
                *values.entry(pair).or_default() += 1;
            }
            if values.len() > MOST_VALUES {
                effect.values = None;
            }
        }
        // That a sensitive field differs already says something about the record, so none is named.
        let named = compared.class != ProtectionClass::Secret && effect.examples.len() < MOST_EXAMPLES;
        if let Some(key) = key.filter(|_| named) {
            let [before, after] = texts.map(|text| shown(compared, text));
            effect.examples.push(FieldExample { key: key.clone(), before, after });
        }
    }
}

const APPEARED: Moves = Moves { appeared: 1, disappeared: 0, changed: 0 };
const DISAPPEARED: Moves = Moves { appeared: 0, disappeared: 1, changed: 0 };
const CHANGED: Moves = Moves { appeared: 0, disappeared: 0, changed: 1 };

/// Which changes the differences of one source row come from.
#[derive(Default)]
struct Credit {
    causes: BTreeMap<usize, super::CauseEffect>,
    unexplained: super::CauseEffect,
    without_cause: bool,
}

impl Credit {
    fn to(&mut self, causes: BTreeSet<usize>, add: impl Fn(&mut super::CauseEffect)) {
        if causes.is_empty() {
            self.without_cause = true;
            add(&mut self.unexplained);
        }
        for cause in causes {
            add(self.causes.entry(cause).or_default());
        }
    }

    fn moves(&mut self, causes: BTreeSet<usize>, moves: Moves) {
        self.to(causes, |effect| effect.moves.merge(moves));
    }

    fn field(&mut self, causes: BTreeSet<usize>) {
        self.to(causes, |effect| effect.fields += 1);
    }

    fn fate(&mut self, causes: BTreeSet<usize>) {
        self.to(causes, |_| {});
    }
}

fn rows_of(seen: Option<&Seen<'_>>, entity: Option<usize>) -> Vec<usize> {
    let made = seen.into_iter().flat_map(|seen| &seen.made);
    made.filter(|(of, _)| Some(*of) == entity).map(|(_, row)| *row).collect()
}

fn whole_number(value: Value<'_>) -> Option<i128> {
    match value {
        Value::Int(number) => Some(i128::from(number)),
        Value::Text(_)
        | Value::Bytes(_)
        | Value::Bool(_)
        | Value::Decimal(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::Id(_) => None,
    }
}

/// Few enough values to list, of a field that says nothing about a person.
fn has_distribution(column: &ComparedColumn) -> bool {
    let few = match column.kind() {
        FieldType::Code | FieldType::Bool | FieldType::Text | FieldType::Int => true,
        FieldType::Id
        | FieldType::Ref { .. }
        | FieldType::Date
        | FieldType::Time
        | FieldType::Ore
        | FieldType::Minutes
        | FieldType::Bytes
        | FieldType::Decimal { .. } => false,
    };
    few && column.class == ProtectionClass::Open
}

fn has_sums(column: &ComparedColumn) -> bool {
    matches!(column.kind(), FieldType::Ore | FieldType::Minutes) && column.class == ProtectionClass::Open
}

type ValuePair = (Option<String>, Option<String>);

/// The pairs that a difference adds to the distribution: one, or one for each quality mark.
fn pairs(column: &ComparedColumn, texts: &[Option<String>; 2]) -> Vec<ValuePair> {
    let short = |text: &Option<String>| text.as_ref().map(|text| cut(text));
    if column.name != FLAGS_FIELD {
        return vec![(short(&texts[0]), short(&texts[1]))];
    }
    let flags = |text: &'_ Option<String>| -> BTreeSet<String> {
        let flags = text.iter().flat_map(|text| text.split(',')).filter(|flag| !flag.is_empty());
        flags.map(str::to_owned).collect()
    };
    let (old, new) = (flags(&texts[0]), flags(&texts[1]));
    let gone = old.difference(&new).map(|flag| (Some(flag.clone()), None));
    let come = new.difference(&old).map(|flag| (None, Some(flag.clone())));
    gone.chain(come).collect()
}

fn shown(column: &ComparedColumn, text: Option<String>) -> Shown {
    match text {
        None => Shown::Empty,
        Some(_) if column.class != ProtectionClass::Open => Shown::Masked,
        Some(text) => Shown::Value(cut(&text)),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

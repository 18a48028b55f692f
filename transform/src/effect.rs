//! What a change of the mapping files does to target rows: the same staged rows mapped by both versions,
//! compared row by row, each difference traced back to the changes that made it.
//!
//! A [`Comparison`] is made for one source table. It takes the batches of the table one after the other
//! and gives a [`TableEffect`] for each; these add up, and their sum does not depend on how the table was
//! cut. Its size is bounded by the number of fields, changes and distinct small values, and not by rows.
//!
//! Target rows are matched by id within one source row, because the same source row is mapped twice.
//! `mapping_version` differs in every row as soon as a file does, says nothing more, and is not compared.

mod causes;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bron_mappings::comparison::Change;
use bron_mappings::{Batch, Entity, FieldType, Mapping, MappingSet, ProtectionClass, Sensitive};
use rayon::prelude::*;

use crate::apply::{Transformed, apply};
use crate::balance::Fate;
use crate::lookups::Lookups;
use crate::plan::Plan;
use causes::Causes;

/// The most examples that are kept of one thing.
const MOST_EXAMPLES: usize = 5;

/// The most pairs of an old and a new value that a field's distribution has; a field with more has none.
pub const MOST_VALUES: usize = 256;

/// The field that differs in every row.
const VERSION_FIELD: &str = "mapping_version";

/// The field that lists the quality marks of a row, with commas between.
const FLAGS_FIELD: &str = "dq_flags";

/// One version of a mapping, ready.
#[derive(Clone, Copy)]
pub struct ComparisonSide<'a> {
    /// All files of the version.
    pub set: &'a MappingSet,
    /// The mapping.
    pub mapping: &'a Mapping,
    /// The mapping made ready for the staged table.
    pub plan: &'a Plan,
    /// The version's lookups.
    pub lookups: &'a Lookups,
}

/// Target rows that differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// Rows that only the later version makes.
    pub appeared: u64,
    /// Rows that only the earlier version makes.
    pub disappeared: u64,
    /// Rows that both make, with another value in some field.
    pub changed: u64,
}

impl Moves {
    /// Whether no row differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds other rows.
    pub fn merge(&mut self, other: Self) {
        let Self { appeared, disappeared, changed } = other;
        self.appeared += appeared;
        self.disappeared += disappeared;
        self.changed += changed;
    }
}

/// A value as people may see it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// NULL.
    Empty,
    /// The value, of a field that says nothing about a person.
    Value(String),
    /// A value of a field that identifies or describes a person. It never leaves the comparison.
    Masked,
}

/// One field that differs, in one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldExample {
    /// The key of the source record. Rows of protected persons are never examples.
    pub key: Sensitive<String>,
    /// What it was.
    pub before: Shown,
    /// What it becomes.
    pub after: Shown,
}

/// One target row that comes or goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowExample {
    /// The key of the source record. Rows of protected persons are never examples.
    pub key: Sensitive<String>,
    /// Whether the row comes; otherwise it goes.
    pub appears: bool,
    /// What becomes of the source row in the earlier version, when that has the mapping.
    pub before: Option<Fate>,
    /// What becomes of it in the later version.
    pub after: Option<Fate>,
}

/// How often each old value became each new one; `None` stands for NULL.
pub type ValueCounts = BTreeMap<(Option<String>, Option<String>), u64>;

/// What differs in one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldEffect {
    /// Rows where it differs.
    pub changed: u64,
    /// How often each old value became each new one; `None` for a field that describes a person, one whose
    /// values are not few, and one whose type has no distribution. For the field of quality marks: how
    /// often a mark came (`None` to the mark) or went.
    pub values: Option<ValueCounts>,
    /// For an amount, a number or a duration: the sums over the rows that differ, before and after.
    pub sums: Option<(i128, i128)>,
    /// Some of the rows, in staged order; none for a sensitive field, where a key alone would tell.
    pub examples: Vec<FieldExample>,
}

/// What differs in the rows of one entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityEffect {
    /// Rows that differ.
    pub moves: Moves,
    /// Rows that both versions make alike.
    pub unchanged: u64,
    /// The fields that differ, by name.
    pub fields: BTreeMap<String, FieldEffect>,
    /// Some of the rows that come or go, in staged order.
    pub examples: Vec<RowExample>,
}

/// What one change of the files did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CauseEffect {
    /// Source rows for which something differs because of it.
    pub source_rows: u64,
    /// Target rows that differ because of it.
    pub moves: Moves,
    /// Fields of rows that differ because of it.
    pub fields: u64,
}

impl CauseEffect {
    /// Adds what the change did elsewhere.
    pub fn merge(&mut self, other: Self) {
        let Self { source_rows, moves, fields } = other;
        self.source_rows += source_rows;
        self.moves.merge(moves);
        self.fields += fields;
    }
}

/// What differs in the target rows of one source table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableEffect {
    /// Source rows that were mapped.
    pub source_rows: u64,
    /// Source rows for which anything differs.
    pub touched: u64,
    /// Source rows whose fate differs, by the two fates; `None` where a version has no such mapping.
    pub fates: BTreeMap<(Option<Fate>, Option<Fate>), u64>,
    /// By entity.
    pub entities: BTreeMap<String, EntityEffect>,
    /// By verksamhetsområde and nämnd of the target row, empty where it has none.
    pub places: BTreeMap<(String, String), Moves>,
    /// By the position of the change in the list that the comparison was made with. A difference with two
    /// causes counts under both.
    pub causes: BTreeMap<usize, CauseEffect>,
    /// What no change in the list explains.
    pub unexplained: CauseEffect,
}

impl TableEffect {
    /// Adds what differs in later rows of the same table.
    pub fn merge(&mut self, other: Self) {
        let Self { source_rows, touched, fates, entities, places, causes, unexplained } = other;
        self.source_rows += source_rows;
        self.touched += touched;
        self.unexplained.merge(unexplained);
        for (fate, count) in fates {
            *self.fates.entry(fate).or_default() += count;
        }
        for (name, entity) in entities {
            self.entities.entry(name).or_default().merge(entity);
        }
        for (place, moves) in places {
            self.places.entry(place).or_default().merge(moves);
        }
        for (cause, effect) in causes {
            self.causes.entry(cause).or_default().merge(effect);
        }
    }
}

impl EntityEffect {
    fn merge(&mut self, other: Self) {
        let Self { moves, unchanged, fields, mut examples } = other;
        self.moves.merge(moves);
        self.unchanged += unchanged;
        self.examples.append(&mut examples);
        self.examples.truncate(MOST_EXAMPLES);
        for (name, field) in fields {
            match self.fields.get_mut(&name) {
                Some(known) => known.merge(field),
                None => drop(self.fields.insert(name, field)),
            }
        }
    }
}

impl FieldEffect {
    fn merge(&mut self, other: Self) {
        let Self { changed, values, sums, mut examples } = other;
        self.changed += changed;
        self.examples.append(&mut examples);
        self.examples.truncate(MOST_EXAMPLES);
        self.sums = self.sums.zip(sums).map(|(own, other)| (own.0 + other.0, own.1 + other.1));
        self.values = self.values.take().zip(values).map(|(mut own, other)| {
            for (pair, count) in other {
                *own.entry(pair).or_default() += count;
            }
            own
        });
        self.forget_many();
    }

    /// Whether values are few does not depend on how the rows were cut: more stay more.
    fn forget_many(&mut self) {
        if self.values.as_ref().is_some_and(|values| values.len() > MOST_VALUES) {
            self.values = None;
        }
    }
}

/// An entity that some version of the mapping makes.
struct ComparedEntity {
    name: String,
    /// The position among the entities of each version.
    at: [Option<usize>; 2],
    columns: Vec<ComparedColumn>,
}

/// A field that some version of the entity has.
struct ComparedColumn {
    name: String,
    /// The position among the columns of each version, and the type.
    at: [Option<(usize, FieldType)>; 2],
    /// The stricter of the versions' classes.
    class: ProtectionClass,
}

impl ComparedColumn {
    fn kind(&self) -> &FieldType {
        let [before, after] = &self.at;
        after.as_ref().or(before.as_ref()).map(|(_, kind)| kind).expect("some version has the field")
    }
}

/// Two versions of the mapping of one source table, and what changed between them.
pub struct Comparison<'a> {
    sides: [Option<ComparisonSide<'a>>; 2],
    entities: Vec<ComparedEntity>,
    causes: Causes,
}

impl<'a> Comparison<'a> {
    /// Makes ready to compare; a version that has no mapping of the table makes no rows. `changes` are all
    /// changes between the versions' files.
    ///
    /// # Panics
    /// When both sides are absent, or are of different tables.
    #[must_use]
    pub fn new(
        before: Option<ComparisonSide<'a>>,
        after: Option<ComparisonSide<'a>>,
        changes: &[Change],
    ) -> Self {
        let sides = [before, after];
        let name = |side: &ComparisonSide<'_>| (side.mapping.system.clone(), side.mapping.table.clone());
        let names: Vec<_> = sides.iter().flatten().map(name).collect();
        assert!(!names.is_empty(), "a comparison has a version");
        assert!(names.windows(2).all(|pair| pair[0] == pair[1]), "both versions are of one table");
        let entities = compared_entities(&sides);
        let causes = Causes::new(&sides, changes);
        Self { sides, entities, causes }
    }

    /// What differs in the rows of a batch whose first row stands at `first_row` of the staged table.
    #[must_use]
    pub fn batch(&self, batch: &Batch, first_row: u64) -> TableEffect {
        let done = self.sides.map(|side| side.map(|side| apply(side.plan, side.lookups, batch, first_row)));
        if let [Some(before), Some(after)] = &done
            && self.alike(before, after)
        {
            return self.nothing(batch, after);
        }
        rows::compare(self, batch, first_row, &done)
    }

    /// What differs in several batches, worked on by all threads.
    #[must_use]
    pub fn batches(&self, batches: &[(u64, Batch)]) -> TableEffect {
        let effects: Vec<TableEffect> =
            batches.par_iter().map(|(first_row, batch)| self.batch(batch, *first_row)).collect();
        let mut whole = TableEffect::default();
        effects.into_iter().for_each(|effect| whole.merge(effect));
        whole
    }

    /// Whether two results are the same, column by column: the usual case, and quickly seen.
    fn alike(&self, before: &Transformed, after: &Transformed) -> bool {
        before.trace == after.trace && self.entities.iter().all(|entity| entity.alike(before, after))
    }

    fn nothing(&self, batch: &Batch, after: &Transformed) -> TableEffect {
        let count = |rows: usize| u64::try_from(rows).expect("a batch has fewer than 2^64 rows");
        let unchanged = |entity: &ComparedEntity| {
            let rows = entity.at[1].map_or(0, |at| after.entities[at].1.rows());
            (entity.name.clone(), EntityEffect { unchanged: count(rows), ..EntityEffect::default() })
        };
        TableEffect {
            source_rows: count(batch.rows()),
            entities: self.entities.iter().map(unchanged).collect(),
            ..TableEffect::default()
        }
    }
}

impl ComparedEntity {
    fn alike(&self, before: &Transformed, after: &Transformed) -> bool {
        let [Some(old), Some(new)] = self.at else { return false };
        let (old, new) = (&before.entities[old].1, &after.entities[new].1);
        self.columns.iter().all(|column| match &column.at {
            [Some((old_at, _)), Some((new_at, _))] => {
                old.record().column(*old_at) == new.record().column(*new_at)
            }
            _ => false,
        })
    }
}

fn compared_entities(sides: &[Option<ComparisonSide<'_>>; 2]) -> Vec<ComparedEntity> {
    let entities = |side: &Option<ComparisonSide<'_>>| -> Vec<Entity> {
        side.iter().flat_map(|side| side.plan.entities()).cloned().collect()
    };
    let known = sides.each_ref().map(entities);
    let mut names: Vec<&str> = known.iter().flatten().map(|entity| entity.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let compared = names.into_iter().map(|name| {
        let at = known.each_ref().map(|side| side.iter().position(|entity| entity.name == name));
        let found = [at[0].map(|at| &known[0][at]), at[1].map(|at| &known[1][at])];
        ComparedEntity { name: name.to_owned(), at, columns: compared_columns(found) }
    });
    compared.collect()
}

fn compared_columns(entities: [Option<&Entity>; 2]) -> Vec<ComparedColumn> {
    let fields = |entity: Option<&Entity>| entity.map_or_else(Vec::new, |entity| entity.fields.clone());
    let known = entities.map(fields);
    let mut names: Vec<&str> = Vec::new();
    for field in known.iter().flatten() {
        if field.name != VERSION_FIELD && !names.contains(&field.name.as_str()) {
            names.push(&field.name);
        }
    }
    let compared = names.into_iter().map(|name| {
        let at = known.each_ref().map(|side| {
            let at = side.iter().position(|field| field.name == name)?;
            Some((at, side[at].kind.clone()))
        });
        let classes = known.iter().flatten().filter(|field| field.name == name);
        let class = classes.map(|field| field.protection).max().unwrap_or(ProtectionClass::Secret);
        ComparedColumn { name: name.to_owned(), at, class }
    });
    compared.collect()
}

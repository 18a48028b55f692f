//! What a rule needs to know beyond its own row, gathered in one pass over the staged tables before
//! the rows are mapped.
//!
//! The caller asks [`needs`] what to read, feeds the batches of each table to the builders in staged
//! order, and hands the finished [`Lookups`] to every call of [`crate::apply`].

mod across;
mod census;
mod index;
mod parent;
mod sum;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;

use bron_mappings::{Batch, BatchSchema, Cells, Mapping, MappingSet, Repeats};

pub use across::AcrossBuilder;
pub(crate) use across::days_between;
pub use census::{CensusBuilder, CensusSlice};
pub(crate) use index::KeyIndex;
pub use parent::{ParentBuilder, ParentTable};
pub use sum::{SumBuilder, SumTable};

use crate::functions::{Build, find};

/// The rows of one table that a lookup found, by their place in staged order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSet(Vec<u64>);

impl RowSet {
    fn new(mut rows: Vec<u64>) -> Self {
        rows.sort_unstable();
        rows.dedup();
        Self(rows)
    }

    /// Whether the row at this place of the staged table is in the set.
    #[must_use]
    pub fn contains(&self, row: u64) -> bool {
        self.0.binary_search(&row).is_ok()
    }

    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the rows of another set.
    pub fn merge(&mut self, other: Self) {
        let mut rows = std::mem::take(&mut self.0);
        rows.extend(other.0);
        *self = Self::new(rows);
    }
}

/// Names one lookup: what it is made from, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The rows of `table`, found by `key`, for the values of `columns`.
    Parent {
        /// The system.
        system: String,
        /// The table.
        table: String,
        /// The columns of the key.
        key: Vec<String>,
        /// The columns whose texts are asked for.
        columns: Vec<String>,
    },
    /// Sums over `table`.
    Sum {
        /// The system.
        system: String,
        /// The table of the parts.
        table: String,
        /// The columns of the key.
        key: Vec<String>,
        /// The column that is summed.
        value: String,
        /// The column that tells the sign and the values that subtract.
        minus: Option<(String, Vec<String>)>,
    },
    /// Which rows of a mapping's table repeat a key.
    Census {
        /// The system.
        system: String,
        /// The table.
        table: String,
        /// The columns of the key.
        key: Vec<String>,
        /// Whether the last row counts, and not the first.
        latest: bool,
    },
    /// Which rows of a mapping's table break a rule over several rows.
    Across {
        /// The system.
        system: String,
        /// The table.
        table: String,
        /// The position of the check in the mapping.
        check: usize,
    },
}

impl Need {
    /// The system and the table that the lookup is made from.
    #[must_use]
    pub fn source(&self) -> (&str, &str) {
        match self {
            Self::Parent { system, table, .. }
            | Self::Sum { system, table, .. }
            | Self::Census { system, table, .. }
            | Self::Across { system, table, .. } => (system, table),
        }
    }

    /// The columns that have to be read.
    #[must_use]
    pub fn columns(&self, set: &MappingSet) -> Vec<String> {
        match self {
            Self::Parent { key, columns, .. } => key.iter().chain(columns).cloned().collect(),
            Self::Sum { key, value, minus, .. } => {
                key.iter().chain([value]).chain(minus.iter().map(|(column, _)| column)).cloned().collect()
            }
            Self::Census { key, .. } => key.clone(),
            Self::Across { system, table, check } => {
                let check = set.mapping(system, table).map(|mapping| &mapping.checks[*check]);
                let inputs = check.iter().flat_map(|check| &check.inputs);
                let when = check.iter().filter_map(|check| check.when.as_ref()).map(|when| &when.origin);
                inputs.chain(when).map(|origin| origin.name.clone()).collect()
            }
        }
    }
}

/// Every lookup that the mappings need. `unique` says whether the source itself guarantees that the
/// mapping's key is unique, so that no census is needed.
pub fn needs(set: &MappingSet, unique: impl Fn(&Mapping) -> bool) -> Vec<Need> {
    let mut needs = Vec::new();
    for mapping in &set.mappings {
        let (system, table) = (mapping.system.clone(), mapping.table.clone());
        needs.extend(parent_needs(mapping));
        for sum in &mapping.sums {
            needs.push(sum_need(mapping, sum));
        }
        if mapping.repeats == Repeats::Latest || !unique(mapping) {
            let key = mapping.key.iter().map(|origin| origin.name.clone()).collect();
            let latest = mapping.repeats == Repeats::Latest;
            needs.push(Need::Census { system: system.clone(), table: table.clone(), key, latest });
        }
        for (index, check) in mapping.checks.iter().enumerate() {
            if find(&check.function).is_some_and(|function| matches!(function.build, Build::AcrossRows)) {
                needs.push(Need::Across { system: system.clone(), table: table.clone(), check: index });
            }
        }
    }
    needs.sort();
    needs.dedup();
    needs
}

fn parent_needs(mapping: &Mapping) -> impl Iterator<Item = Need> {
    (0..mapping.parents.len()).map(|index| parent_need(mapping, index))
}

/// The lookup behind one parent of a mapping: the columns that any rule or any later parent reads.
pub(crate) fn parent_need(mapping: &Mapping, index: usize) -> Need {
    let parent = &mapping.parents[index];
    let key = parent.on.iter().map(|(_, other)| other.name.clone()).collect();
    let (system, table) = (mapping.system.clone(), parent.table.clone());
    Need::Parent { system, table, key, columns: parent_columns(mapping, index) }
}

/// The columns of a parent that any rule or any other parent reads, ordered.
pub(crate) fn parent_columns(mapping: &Mapping, index: usize) -> Vec<String> {
    let parents = mapping.origins().filter_map(|origin| origin.parent());
    let of_this = parents.filter(|(name, _)| *name == mapping.parents[index].name);
    let mut columns: Vec<String> = of_this.map(|(_, column)| column.to_owned()).collect();
    columns.sort();
    columns.dedup();
    columns
}

pub(crate) fn sum_need(mapping: &Mapping, sum: &bron_mappings::Sum) -> Need {
    Need::Sum {
        system: mapping.system.clone(),
        table: sum.table.clone(),
        key: sum.on.iter().map(|(_, other)| other.name.clone()).collect(),
        value: sum.value.name.clone(),
        minus: sum.minus.as_ref().map(|(column, values)| (column.name.clone(), values.clone())),
    }
}

/// Every lookup, finished.
#[derive(Debug, Default)]
pub struct Lookups {
    /// The day on which the sources were read, as ISO text; what `@as_of` gives.
    pub as_of: Option<String>,
    parents: BTreeMap<Need, ParentTable>,
    sums: BTreeMap<Need, SumTable>,
    rows: BTreeMap<Need, RowSet>,
}

impl Lookups {
    /// Lookups that know nothing but the day.
    #[must_use]
    pub fn new(as_of: Option<String>) -> Self {
        Self { as_of, ..Self::default() }
    }

    /// Adds a finished table of parents.
    pub fn add_parent(&mut self, need: Need, table: ParentTable) {
        self.parents.insert(need, table);
    }

    /// Adds finished sums.
    pub fn add_sum(&mut self, need: Need, table: SumTable) {
        self.sums.insert(need, table);
    }

    /// Adds a set of rows; a second set for the same need is merged into the first.
    pub fn add_rows(&mut self, need: Need, rows: RowSet) {
        self.rows.entry(need).or_default().merge(rows);
    }

    pub(crate) fn parent(&self, need: &Need) -> Option<&ParentTable> {
        self.parents.get(need)
    }

    pub(crate) fn sum(&self, need: &Need) -> Option<&SumTable> {
        self.sums.get(need)
    }

    pub(crate) fn rows(&self, need: &Need) -> Option<&RowSet> {
        self.rows.get(need)
    }
}

/// The cells of named columns. A column that the batch lacks gives NULL.
fn columns_of<'b>(batch: &'b Batch, names: &[String]) -> Vec<Option<Cells<'b>>> {
    names.iter().map(|name| batch.cells_named(name)).collect()
}

fn text_at<'b>(cells: Option<&Cells<'b>>, row: usize) -> Option<&'b str> {
    cells.and_then(|cells| cells.text(row))
}

/// Joins the texts of a key so that different keys of as many texts give different texts; `None` when a
/// text is NULL or empty, because then nothing is named. A single text is its own key.
pub(crate) fn join_key<'t>(texts: impl IntoIterator<Item = Option<&'t str>>) -> Option<Cow<'t, str>> {
    let mut texts = texts.into_iter().map(|text| text.filter(|text| !text.is_empty()));
    let first = texts.next().unwrap_or(Some(""))?;
    let mut joined = None;
    for text in texts {
        let text = text?;
        let key = joined.get_or_insert_with(|| format!("{}:{first}", first.len()));
        key.push_str(&format!("{}:{text}", text.len()));
    }
    Some(joined.map_or(Cow::Borrowed(first), Cow::Owned))
}

/// An empty batch schema of text columns, for lookups and tests.
pub(crate) fn text_schema(names: &[String]) -> BatchSchema {
    BatchSchema::new(names.iter().map(|name| (name.clone(), bron_mappings::ColumnType::Text)))
}

//! What a rule needs to know beyond its own row, gathered over the staged tables before the rows are
//! mapped.
//!
//! The caller asks [`needs`] what to read and answers each need in order: for every one of its
//! [`Need::passes`] it hands the batches of the table, in staged order, to what [`Need::gather`] gives, and
//! adds what was found to the [`Lookups`]. Finished, they go to every call of [`crate::apply`].

mod across;
mod aggregate;
mod census;
mod gather;
mod index;
mod moment;
mod need;
mod neighbour;
mod parent;
mod persons;
#[cfg(test)]
mod tests;
mod texts;
mod ties;

use std::borrow::Cow;
use std::collections::BTreeMap;

use bron_mappings::{Batch, BatchSchema, Cells};

pub(crate) use across::{refers_in_a_circle, repeats_within};
pub(crate) use aggregate::AggregateTable;
pub use gather::{Found, Gathering, Pass};
pub(crate) use index::KeyIndex;
pub(crate) use moment::{day_of_code, moment};
pub use need::{Filter, Made, Need, needs};
pub(crate) use need::{aggregate_need, census_need, neighbour_need, parent_need};
pub(crate) use neighbour::NeighbourTable;
pub(crate) use parent::ParentTable;
pub use persons::{PersonTable, Persons, PersonsBuilder};
pub(crate) use persons::{person_id, table};
pub(crate) use texts::TextColumn;
pub use ties::{Asked, Term, Ties};

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

/// Every lookup, finished.
#[derive(Debug, Default)]
pub struct Lookups {
    /// The day on which the sources were read, as ISO text; what `@as_of` gives.
    pub as_of: Option<String>,
    parents: BTreeMap<Need, ParentTable>,
    aggregates: BTreeMap<Need, AggregateTable>,
    neighbours: BTreeMap<Need, NeighbourTable>,
    rows: BTreeMap<Need, RowSet>,
    persons: Option<Persons>,
}

impl Lookups {
    /// Lookups that know nothing but the day.
    #[must_use]
    pub fn new(as_of: Option<String>) -> Self {
        Self { as_of, ..Self::default() }
    }

    /// Adds what was found for a need. What several passes found is put together.
    pub fn add(&mut self, need: Need, found: Found) {
        match found.0 {
            Answer::Parents(table) => drop(self.parents.insert(need, table)),
            Answer::Aggregates(table) => drop(self.aggregates.insert(need, table)),
            Answer::Neighbours(table) => drop(self.neighbours.insert(need, table)),
            Answer::Rows(rows) => self.rows.entry(need).or_default().merge(rows),
        }
    }

    /// Forgets the rows that were found for a need, so that what is found next stands alone.
    pub fn forget(&mut self, need: &Need) {
        self.rows.remove(need);
    }

    /// Sets what is known about persons; without it `@skydd` is NULL everywhere. Comes first: what is
    /// gathered for other needs may read `@skydd`.
    pub fn set_persons(&mut self, persons: Option<Persons>) {
        self.persons = persons;
    }

    /// What is known about persons.
    #[must_use]
    pub const fn persons(&self) -> Option<&Persons> {
        self.persons.as_ref()
    }

    pub(crate) fn parent(&self, need: &Need) -> Option<&ParentTable> {
        self.parents.get(need)
    }

    pub(crate) fn aggregate(&self, need: &Need) -> Option<&AggregateTable> {
        self.aggregates.get(need)
    }

    pub(crate) fn neighbour(&self, need: &Need) -> Option<&NeighbourTable> {
        self.neighbours.get(need)
    }

    pub(crate) fn rows(&self, need: &Need) -> Option<&RowSet> {
        self.rows.get(need)
    }
}

/// What one gathering found.
#[derive(Debug)]
enum Answer {
    Parents(ParentTable),
    Aggregates(AggregateTable),
    Neighbours(NeighbourTable),
    Rows(RowSet),
}

/// Gathers one lookup from the batches of its table.
trait Gather {
    /// Adds the rows of a batch, in staged order.
    fn add(&mut self, batch: &Batch);

    /// What was found.
    fn finish(self: Box<Self>) -> Answer;
}

/// The place of a row or a key in memory, in half the space.
fn slot(place: usize) -> u32 {
    u32::try_from(place).expect("memory holds fewer than 2^32 rows and keys of one table")
}

/// The cells of named columns. A column that the batch lacks gives NULL.
fn columns_of<'b>(batch: &'b Batch, names: &[String]) -> Vec<Option<Cells<'b>>> {
    names.iter().map(|name| batch.cells_named(name)).collect()
}

pub(crate) fn text_at<'b>(cells: Option<&Cells<'b>>, row: usize) -> Option<&'b str> {
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
        let key = joined.get_or_insert_with(|| {
            let mut key = String::with_capacity(48);
            push_part(&mut key, first);
            key
        });
        push_part(key, text);
    }
    Some(joined.map_or(Cow::Borrowed(first), Cow::Owned))
}

/// Adds a text to a key so that one can tell where it ends: its length in digits of base 128, the last of them
/// below 128, and then itself.
pub(crate) fn push_part(key: &mut String, text: &str) {
    const BASE: usize = 128;
    let digit = |rest: usize| u8::try_from(rest % BASE).expect("a digit is less than its base");
    let mut rest = text.len();
    while rest >= BASE {
        key.push(char::from(128 + digit(rest)));
        rest /= BASE;
    }
    key.push(char::from(digit(rest)));
    key.push_str(text);
}

/// An empty batch schema of text columns, for lookups and tests.
pub(crate) fn text_schema(names: &[String]) -> BatchSchema {
    BatchSchema::new(names.iter().map(|name| (name.clone(), bron_mappings::ColumnType::Text)))
}

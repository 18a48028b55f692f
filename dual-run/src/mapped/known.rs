//! What the lens knows of other rows.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{EntityId, SourceKey};
use bron_transform::Term;

use crate::change::{Image, Version};
use crate::error::Result;
use crate::scope::Scope;

/// A legacy row as it was mapped last, and what it became: the complement of the rows of the model. Holds personal
/// data: a store seals it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRow {
    /// The version of the state.
    pub version: Version,
    /// The row; `None` when it is gone. A row that is gone stays known, so that no older state brings it back.
    pub image: Option<Image>,
    /// The terms by which other rows, and rows of the model, find it.
    pub offers: BTreeSet<Term>,
    /// The terms of the rows that it rests on.
    pub asks: BTreeSet<Term>,
    /// The rows of the model that it became, as they were applied last.
    pub became: BTreeMap<SourceKey, Image>,
    /// The scope that it belongs to.
    pub scope: Scope,
    /// What is parked when something is wrong with it.
    pub aggregate: String,
}

/// A row that was born in the new model, and was given a legacy key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Born {
    /// The entity.
    pub entity: String,
    /// The id that the row has, and keeps.
    pub id: EntityId,
    /// The id that the mapping derives from its legacy key.
    pub derived: EntityId,
    /// The legacy row.
    pub key: SourceKey,
}

/// The store of what is known. Terms are keyed digests and say nothing alone; everything else in a row is sealed by a
/// store that lies on a disk.
pub trait Known {
    /// The rows of these keys, in the order of the keys.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn rows(&mut self, keys: &[SourceKey]) -> Result<Vec<Option<KnownRow>>>;

    /// The rows that offer one of these terms.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn offering(&mut self, terms: &BTreeSet<Term>) -> Result<BTreeSet<SourceKey>>;

    /// The rows that ask one of these terms.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn asking(&mut self, terms: &BTreeSet<Term>) -> Result<BTreeSet<SourceKey>>;

    /// Keeps rows, in the place of what was known of them; all of them or, when it fails, none.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn keep(&mut self, rows: BTreeMap<SourceKey, KnownRow>) -> Result<()>;

    /// Every row that was born in the new model.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn born(&mut self) -> Result<Vec<Born>>;

    /// Remembers for good the legacy key of a row that was born in the new model.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn bear(&mut self, born: &Born) -> Result<()>;

    /// A text for the one column of the key of a table that no row of the table has, or ever will have: from a range
    /// that was reserved at the source. It is never given twice. `None` when none is reserved.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn allocate(&mut self, system: &str, table: &str) -> Result<Option<String>>;
}

/// The store in memory: for tests, rehearsals and small areas.
#[derive(Clone, Debug, Default)]
pub struct RememberedRows {
    rows: BTreeMap<SourceKey, KnownRow>,
    offering: BTreeMap<Term, BTreeSet<SourceKey>>,
    asking: BTreeMap<Term, BTreeSet<SourceKey>>,
    born: Vec<Born>,
    /// The next number of each table that has a range, and the first beyond it.
    ranges: BTreeMap<(String, String), (u64, u64)>,
}

impl RememberedRows {
    /// Reserves the numbers from `first` up to before `end` as keys of new rows of a table.
    pub fn reserve(&mut self, system: &str, table: &str, first: u64, end: u64) {
        self.ranges.insert((system.to_owned(), table.to_owned()), (first, end));
    }

    /// Every row that is known, by its key.
    #[must_use]
    pub const fn all(&self) -> &BTreeMap<SourceKey, KnownRow> {
        &self.rows
    }

    fn forget(&mut self, key: &SourceKey) {
        let Some(known) = self.rows.remove(key) else { return };
        for (index, terms) in [(&mut self.offering, known.offers), (&mut self.asking, known.asks)] {
            for term in terms {
                if let Some(keys) = index.get_mut(&term) {
                    keys.remove(key);
                    if keys.is_empty() {
                        index.remove(&term);
                    }
                }
            }
        }
    }
}

impl Known for RememberedRows {
    fn rows(&mut self, keys: &[SourceKey]) -> Result<Vec<Option<KnownRow>>> {
        Ok(keys.iter().map(|key| self.rows.get(key).cloned()).collect())
    }

    fn offering(&mut self, terms: &BTreeSet<Term>) -> Result<BTreeSet<SourceKey>> {
        Ok(terms.iter().filter_map(|term| self.offering.get(term)).flatten().cloned().collect())
    }

    fn asking(&mut self, terms: &BTreeSet<Term>) -> Result<BTreeSet<SourceKey>> {
        Ok(terms.iter().filter_map(|term| self.asking.get(term)).flatten().cloned().collect())
    }

    fn keep(&mut self, rows: BTreeMap<SourceKey, KnownRow>) -> Result<()> {
        for (key, row) in rows {
            self.forget(&key);
            for term in &row.offers {
                self.offering.entry(*term).or_default().insert(key.clone());
            }
            for term in &row.asks {
                self.asking.entry(*term).or_default().insert(key.clone());
            }
            self.rows.insert(key, row);
        }
        Ok(())
    }

    fn born(&mut self) -> Result<Vec<Born>> {
        Ok(self.born.clone())
    }

    fn bear(&mut self, born: &Born) -> Result<()> {
        self.born.push(born.clone());
        Ok(())
    }

    fn allocate(&mut self, system: &str, table: &str) -> Result<Option<String>> {
        let range = self.ranges.get_mut(&(system.to_owned(), table.to_owned()));
        Ok(range.filter(|(next, end)| next < end).map(|(next, _)| {
            let given = *next;
            *next += 1;
            given.to_string()
        }))
    }
}

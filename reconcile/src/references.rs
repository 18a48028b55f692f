//! The fourth direction: every reference of a row of the target against the ids that the target holds.
//!
//! What refers and what is there are gathered while the rows are read for the comparison, so the check costs no
//! second reading of the target. Both are kept as sorted runs of ids: references without their rows and each
//! id once, which is all that is needed to find the ids that nothing has. Which rows name them is looked up
//! afterwards, and only when there are such ids. When more ids are held than there is room for, runs are given
//! to a [`RunStore`], so memory stays flat however many rows there are.

mod merge;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{EntityId, ReadError};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use merge::Merged;

/// How many ids are held in memory, 16 bytes each, before runs are put away.
const ROOM: usize = 4 << 20;

/// The number of ids at which a pile is sorted for the first time, so that repeated ids do not fill the room.
const FIRST_SORT: usize = 1 << 12;

/// Ids in order, one at a time, as a [`RunStore`] reads them.
pub type Run<'r> = Box<dyn Iterator<Item = Result<EntityId, ReadError>> + 'r>;

/// A place outside memory for sorted runs of ids.
pub trait RunStore {
    /// Puts a run away and gives the number by which it is found again.
    ///
    /// # Errors
    /// What the place says.
    fn keep(&mut self, run: &[EntityId]) -> Result<usize, ReadError>;

    /// Reads a run from its start.
    ///
    /// # Errors
    /// What the place says; also later, from the run.
    fn open(&self, run: usize) -> Result<Run<'_>, ReadError>;
}

/// What became of the references of the target's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceCounts {
    /// References that were looked at.
    pub checked: u64,
    /// References into source systems that the project does not have; whether they lead anywhere was not asked.
    pub elsewhere: u64,
    /// Ids that rows refer to and the target lacks, because the row is held back, or was never in the source
    /// and a row of the target stands for it. Each id counts once.
    pub explained: u64,
    /// Rows with a reference that leads nowhere, without an explanation.
    pub dangling: u64,
}

impl ReferenceCounts {
    /// Whether every reference leads somewhere or is explained.
    #[must_use]
    pub const fn is_equal(&self) -> bool {
        self.dangling == 0
    }
}

/// Ids that rows refer to and the target lacks, by entity. Holds no more than the ids that are missing.
pub type Lacking = BTreeMap<String, BTreeSet<EntityId>>;

/// Gathers ids and references, and finds the references that lead nowhere.
pub struct References<S> {
    store: S,
    room: usize,
    held: usize,
    present: BTreeMap<String, Pile>,
    referred: BTreeMap<String, Pile>,
}

/// Ids of one entity: in memory, and in runs that were put away.
#[derive(Default)]
struct Pile {
    ids: Vec<EntityId>,
    /// The number of ids at which the pile is sorted next.
    sort_at: usize,
    runs: Vec<usize>,
}

impl Pile {
    fn sort(&mut self) {
        self.ids.sort_unstable();
        self.ids.dedup();
        self.sort_at = FIRST_SORT.max(self.ids.len() * 2);
    }
}

impl<S: RunStore> References<S> {
    /// Knows no id yet.
    pub const fn new(store: S) -> Self {
        Self::with_room(store, ROOM)
    }

    const fn with_room(store: S, room: usize) -> Self {
        Self { store, room, held: 0, present: BTreeMap::new(), referred: BTreeMap::new() }
    }

    /// The target has rows of the entity with these ids, in any order.
    ///
    /// # Errors
    /// [`ErrorKind::Reader`] when a run cannot be put away.
    pub fn have(&mut self, entity: &str, ids: impl Iterator<Item = EntityId>) -> Result<(), Error> {
        let before = pile(&mut self.present, entity).ids.len();
        let pile = pile(&mut self.present, entity);
        pile.ids.extend(ids);
        self.held += pile.ids.len() - before;
        self.make_room()
    }

    /// Rows of the target refer to rows of the entity with these ids, in any order and as often as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Reader`] when a run cannot be put away.
    pub fn refer(&mut self, entity: &str, ids: impl Iterator<Item = EntityId>) -> Result<(), Error> {
        let pile = pile(&mut self.referred, entity);
        let before = pile.ids.len();
        for id in ids {
            // Neighbours often refer to the same row.
            if pile.ids.last() != Some(&id) {
                pile.ids.push(id);
            }
        }
        if pile.ids.len() >= pile.sort_at.max(FIRST_SORT) {
            pile.sort();
        }
        self.held = self.held + pile.ids.len() - before;
        self.make_room()
    }

    fn make_room(&mut self) -> Result<(), Error> {
        if self.held <= self.room {
            return Ok(());
        }
        for pile in self.present.values_mut().chain(self.referred.values_mut()) {
            pile.sort();
            if !pile.ids.is_empty() {
                pile.runs.push(self.store.keep(&pile.ids).map_err(run_error)?);
                pile.ids = Vec::new();
            }
        }
        self.held = 0;
        Ok(())
    }

    /// The ids that rows refer to and that no row has.
    ///
    /// # Errors
    /// [`ErrorKind::Reader`] when a run cannot be read.
    pub fn lacking(mut self) -> Result<Lacking, Error> {
        let mut lacking = Lacking::new();
        for (entity, mut referred) in std::mem::take(&mut self.referred) {
            referred.sort();
            let mut present = self.present.remove(&entity).unwrap_or_default();
            present.sort();
            let found = without(self.merged(&referred)?, self.merged(&present)?)?;
            if !found.is_empty() {
                lacking.insert(entity, found);
            }
        }
        Ok(lacking)
    }

    fn merged<'m>(&'m self, pile: &'m Pile) -> Result<Merged<'m>, Error> {
        let mut runs: Vec<Run<'m>> = vec![Box::new(pile.ids.iter().copied().map(Ok))];
        for run in &pile.runs {
            runs.push(self.store.open(*run).map_err(run_error)?);
        }
        Merged::new(runs)
    }
}

fn pile<'p>(piles: &'p mut BTreeMap<String, Pile>, entity: &str) -> &'p mut Pile {
    if !piles.contains_key(entity) {
        piles.insert(entity.to_owned(), Pile::default());
    }
    piles.get_mut(entity).expect("it was just put there")
}

/// The ids of one stream that another one lacks; both are in order, and each id counts once.
fn without(referred: Merged<'_>, mut present: Merged<'_>) -> Result<BTreeSet<EntityId>, Error> {
    let mut found = BTreeSet::new();
    let mut there = present.next().transpose()?;
    for id in referred {
        let id = id?;
        while there.is_some_and(|there| there < id) {
            there = present.next().transpose()?;
        }
        if there != Some(id) {
            found.insert(id);
        }
    }
    Ok(found)
}

fn run_error(error: ReadError) -> Error {
    Error::caused(ErrorKind::Reader, "a run of ids that were put aside could not be used", error)
}

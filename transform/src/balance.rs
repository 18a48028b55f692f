//! What became of the rows of a table, by dimension. It adds up: every row has one fate.

use std::collections::BTreeMap;

use bron_mappings::ReasonCode;

use crate::lookups::{KeyIndex, push_part};

/// Where a row belongs. An empty text means that the source does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dimension {
    /// The verksamhetsområde.
    pub area: String,
    /// The code of the nämnd.
    pub namnd: String,
    /// The year, four digits.
    pub year: String,
}

/// What became of one source row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It became target rows.
    Loaded,
    /// Another row stands for it.
    Merged(ReasonCode),
    /// A rule of scope left it out.
    Excluded(ReasonCode),
    /// It is held back until somebody decides.
    Quarantined(ReasonCode),
    /// It is held back in the same way, and the run names it.
    Stopped(ReasonCode),
}

/// The rows of one dimension by fate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows read.
    pub read: u64,
    /// Rows that became target rows.
    pub loaded: u64,
    /// Rows that another row stands for.
    pub merged: u64,
    /// Rows left out, by reason.
    pub excluded: BTreeMap<ReasonCode, u64>,
    /// Rows held back, by reason.
    pub quarantined: BTreeMap<ReasonCode, u64>,
    /// Those of the rows held back whose rule guards the integrity of the move, by reason.
    pub stopped: BTreeMap<ReasonCode, u64>,
    /// Loaded and merged rows with a mark, by mark; a row with two marks counts under both.
    pub marked: BTreeMap<ReasonCode, u64>,
    /// Target rows that the loaded rows became.
    pub fanout: u64,
}

/// The rows of one table by dimension.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// The tallies.
    pub tallies: BTreeMap<Dimension, Tally>,
}

impl Balance {
    /// Adds what became of other rows of the same table.
    pub fn merge(&mut self, other: Self) {
        for (dimension, from) in other.tallies {
            let into = self.tallies.entry(dimension).or_default();
            into.read += from.read;
            into.loaded += from.loaded;
            into.merged += from.merged;
            into.fanout += from.fanout;
            for (map, counts) in [
                (&mut into.excluded, from.excluded),
                (&mut into.quarantined, from.quarantined),
                (&mut into.stopped, from.stopped),
                (&mut into.marked, from.marked),
            ] {
                for (reason, count) in counts {
                    *map.entry(reason).or_default() += count;
                }
            }
        }
    }

    /// The rows that have a fate: loaded, merged, left out and held back together.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let tallies = self.tallies.values();
        tallies
            .map(|tally| {
                let sum = |counts: &BTreeMap<ReasonCode, u64>| counts.values().sum::<u64>();
                tally.loaded + tally.merged + sum(&tally.excluded) + sum(&tally.quarantined)
            })
            .sum()
    }
}

impl Tally {
    fn add(&mut self, fate: Fate, marks: impl IntoIterator<Item = ReasonCode>, fanout: u64) {
        self.read += 1;
        match fate {
            Fate::Loaded => self.loaded += 1,
            Fate::Merged(_) => self.merged += 1,
            Fate::Excluded(reason) => *self.excluded.entry(reason).or_default() += 1,
            Fate::Quarantined(reason) => *self.quarantined.entry(reason).or_default() += 1,
            Fate::Stopped(reason) => {
                *self.quarantined.entry(reason).or_default() += 1;
                *self.stopped.entry(reason).or_default() += 1;
            }
        }
        for mark in marks {
            *self.marked.entry(mark).or_default() += 1;
        }
        self.fanout += fanout;
    }
}

/// A [`Balance`] in the making: rows are added by the place of their dimension.
#[derive(Default)]
pub(crate) struct BalanceBuilder {
    keys: KeyIndex,
    tallies: Vec<(Dimension, Tally)>,
    key: String,
}

impl BalanceBuilder {
    /// The place of a dimension.
    pub(crate) fn place(&mut self, area: &str, namnd: &str, year: &str) -> usize {
        self.key.clear();
        push_part(&mut self.key, area);
        push_part(&mut self.key, namnd);
        self.key.push_str(year);
        let (place, new) = self.keys.insert(&self.key);
        if new {
            let (area, namnd, year) = (area.to_owned(), namnd.to_owned(), year.to_owned());
            self.tallies.push((Dimension { area, namnd, year }, Tally::default()));
        }
        place
    }

    pub(crate) fn dimension(&self, place: usize) -> &Dimension {
        &self.tallies[place].0
    }

    /// Adds a row with these marks, each once.
    pub(crate) fn add(
        &mut self,
        place: usize,
        fate: Fate,
        marks: impl IntoIterator<Item = ReasonCode>,
        fanout: u64,
    ) {
        self.tallies[place].1.add(fate, marks, fanout);
    }

    pub(crate) fn finish(self) -> Balance {
        Balance { tallies: self.tallies.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests;

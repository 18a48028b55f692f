//! Links: what the sources say without a doubt, and what named persons have decided.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{IdentityDecision, Protection};

use super::candidates::Candidate;
use super::records::{National, Number, Open, Records};
use super::{Decided, Pair};

/// More records of one table, or of all tables, than one human has: such a number stands for nobody.
const MOST_IN_ONE_TABLE: usize = 6;
const MOST_IN_ALL_TABLES: usize = 24;

pub(super) const EQUAL_NUMBERS: &str = "lika_identifierare";
pub(super) const DECIDED: &str = "manuell_beslutad";
/// The kind of a row that says only that two records are not one human.
pub(super) const PARTED: &str = "delning";

/// A link between the two records of its pair.
pub(super) struct Link {
    /// The record that refers and the one that it refers to; the pair itself when none does.
    pub(super) direction: Pair,
    /// What it rests on.
    pub(super) ground: String,
    pub(super) kind: Option<&'static str>,
    pub(super) decided: Option<IdentityDecision>,
    pub(super) undone: Option<IdentityDecision>,
}

impl Link {
    fn new(direction: Pair, ground: &str) -> Self {
        Self { direction, ground: ground.to_owned(), kind: None, decided: None, undone: None }
    }
}

/// The links that the sources give and that no mapping makes rows of.
pub(super) fn from_sources(records: &Records, levels: &[Option<Protection>]) -> BTreeMap<Pair, Link> {
    let mut links = BTreeMap::new();
    let mut mapped = BTreeSet::new();
    for ((from, to), ground) in records.references() {
        let pair = records.pair(from, to);
        match ground {
            None => {
                mapped.insert(pair);
            }
            Some(ground) if may_be_named(levels, pair) => {
                links.entry(pair).or_insert_with(|| Link::new((from, to), ground));
            }
            Some(_) => {}
        }
    }
    links.retain(|pair, _| !mapped.contains(pair));
    for pair in equal_numbers(records) {
        if !mapped.contains(&pair) {
            links.entry(pair).or_insert_with(|| Link::new(pair, EQUAL_NUMBERS));
        }
    }
    links
}

/// The highest protection may hide that a human has two identities: no row says so, whoever decided it.
fn may_be_named(levels: &[Option<Protection>], (a, b): Pair) -> bool {
    [a, b].iter().all(|&place| level(levels, place) < Protection::OkandHog)
}

pub(super) fn level(levels: &[Option<Protection>], place: u32) -> Protection {
    let level = levels.get(usize::try_from(place).expect("a place in memory takes 32 bits"));
    level.copied().flatten().unwrap_or(Protection::OkandHog)
}

/// Every two open records with one valid national number whose periods meet.
fn equal_numbers(records: &Records) -> Vec<Pair> {
    let mut groups: BTreeMap<u64, Vec<(u32, &Open)>> = BTreeMap::new();
    for (place, open) in records.open() {
        if let Number::National(National { digits, .. }) = open.number {
            groups.entry(digits).or_default().push((place, open));
        }
    }
    let mut pairs = Vec::new();
    for group in groups.values().filter(|group| !is_stand_in(records, group)) {
        for (at, (a, one)) in group.iter().enumerate() {
            let meeting = group[at + 1..].iter().filter(|(_, other)| meet(one.valid, other.valid));
            pairs.extend(meeting.map(|(b, _)| records.pair(*a, *b)));
        }
    }
    pairs
}

fn is_stand_in(records: &Records, group: &[(u32, &Open)]) -> bool {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for (place, _) in group {
        *counts.entry(records.get(*place).table).or_default() += 1;
    }
    group.len() > MOST_IN_ALL_TABLES || counts.values().any(|count| *count > MOST_IN_ONE_TABLE)
}

const fn meet(a: (i32, i32), b: (i32, i32)) -> bool {
    a.0 <= b.1 && b.0 <= a.1
}

/// Adds what people have decided, and gives the number of decided pairs that had an effect.
pub(super) fn apply_decisions(
    records: &Records,
    levels: &[Option<Protection>],
    decided: &Decided<'_>,
    candidates: &BTreeMap<Pair, Candidate>,
    links: &mut BTreeMap<Pair, Link>,
) -> usize {
    let mapped: BTreeSet<Pair> = mapped_pairs(records);
    let mut used = 0;
    for (pair, decision) in decided.iter().filter(|(pair, _)| may_be_named(levels, **pair)) {
        let linked = links.contains_key(pair) || decision.same.is_some();
        if linked {
            let link = links.entry(*pair).or_insert_with(|| Link::new(*pair, DECIDED));
            link.decided = decision.same.cloned();
            link.undone = decision.apart.cloned();
        } else if mapped.contains(pair) {
            let undone = decision.apart.cloned();
            links.insert(*pair, Link { kind: Some(PARTED), undone, ..Link::new(*pair, DECIDED) });
        }
        used += usize::from(linked || mapped.contains(pair) || candidates.contains_key(pair));
    }
    used
}

/// Pairs that a mapping makes rows of.
fn mapped_pairs(records: &Records) -> BTreeSet<Pair> {
    let mapped = records.references().filter(|(_, ground)| ground.is_none());
    mapped.map(|((from, to), _)| records.pair(from, to)).collect()
}

//! What pages may say in numbers about a part of the city.
//!
//! A page about an area, a nämnd or a year must not point at anybody, also when it is laid beside the page of the
//! whole city, whose counts are exact, beside the pages of other areas, and beside those of the run before. So every
//! count of a part is rounded to fives, and everything under five, zero included, is told as that and no more.
//! Rounding leaves what is known of a count a range, in every sum that it is in; where the sums narrow the range of a
//! small count to a single number, another count of the sum is hidden.

use std::collections::{BTreeMap, BTreeSet};

use crate::conservation::{Balance, Ledger};

use super::number::count;

/// What counts are rounded to, and the least that is told as a number.
const BASE: u64 = 5;

/// What balances are told by, beside the whole.
const DIMENSIONS: [&str; 3] = [TABLE, NAMND, YEAR];

/// Source tables, named `system/table`.
pub(super) const TABLE: &str = "table";
/// Nämnder, by code.
pub(super) const NAMND: &str = "namnd";
/// Years.
pub(super) const YEAR: &str = "year";
/// Reasons why rows are left out, by code; also a part of a balance.
pub(super) const EXCLUDED: &str = "excluded";
/// Reasons why rows are in quarantine, by code; also a part of a balance.
pub(super) const QUARANTINED: &str = "quarantined";
/// Quality marks, by code.
pub(super) const FLAGGED: &str = "flagged";
/// Entities, by name.
pub(super) const ENTITY: &str = "entity";
/// The parts of a balance: the first is the sum of the others.
pub(super) const PARTS: [&str; 5] = ["read", "loaded", "merged", EXCLUDED, QUARANTINED];
/// The only part of a count of reasons.
pub(super) const ROWS: &str = "rows";
/// The rows of an entity that the sources give, and those in the target.
pub(super) const SIDES: [&str; 2] = ["old", "new"];

/// Rows of an entity in an area.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AreaRows {
    /// Rows that the sources give, without those that the target refused.
    pub old: u64,
    /// Rows in the target.
    pub new: u64,
}

/// Rows by area and entity.
pub type RowsOfAreas = BTreeMap<(String, String), AreaRows>;

/// How a count is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// As it is: a count of the whole city.
    Exact(u64),
    /// Rounded to the nearest multiple of five.
    About(u64),
    /// Zero to four.
    Few,
    /// Not at all, because a count of zero to four could be worked out from it.
    Hidden,
}

impl Told {
    fn rounded(number: u64) -> Self {
        if number < BASE { Self::Few } else { Self::About((number + BASE / 2) / BASE * BASE) }
    }

    /// What the count can be to whoever reads this: the least and the most.
    const fn range(self) -> (u64, u64) {
        match self {
            Self::Exact(number) => (number, number),
            // Five itself is not rounded down to.
            Self::About(BASE) => (BASE, BASE + BASE / 2),
            Self::About(number) => (number - BASE / 2, number.saturating_add(BASE / 2)),
            Self::Few => (0, BASE - 1),
            Self::Hidden => (0, u64::MAX),
        }
    }

    /// The number that is told; zero where there is none.
    pub(super) const fn number(self) -> u64 {
        match self {
            Self::Exact(number) | Self::About(number) => number,
            Self::Few | Self::Hidden => 0,
        }
    }

    /// Whether a number is told.
    pub(super) const fn is_number(self) -> bool {
        matches!(self, Self::Exact(_) | Self::About(_))
    }

    /// As people read it.
    pub(super) fn text(self) -> String {
        match self {
            Self::Exact(number) | Self::About(number) => count(number),
            Self::Few => "<5".to_owned(),
            Self::Hidden => "dold".to_owned(),
        }
    }
}

/// Which count: the area (`None` is the whole city), what it is told by (empty for the whole), the name there, the
/// part.
type Place = (Option<String>, &'static str, String, &'static str);

/// A count that is the sum of others.
struct Sum {
    total: usize,
    parts: Vec<usize>,
}

/// Every count of the pages of a run, and how each is told.
pub(super) struct Figures {
    places: BTreeMap<Place, usize>,
    told: Vec<Told>,
}

impl Figures {
    /// Decides how the counts of a run are told.
    pub(super) fn new(ledger: &Ledger, entities: &RowsOfAreas) -> Self {
        let numbers = numbers(ledger, entities);
        let places: BTreeMap<Place, usize> =
            numbers.keys().cloned().enumerate().map(|(at, place)| (place, at)).collect();
        let told = numbers.iter().map(|((area, dimension, ..), &number)| {
            let is_part = area.is_some() || [NAMND, YEAR].contains(dimension);
            if is_part { Told::rounded(number) } else { Told::Exact(number) }
        });
        let mut told: Vec<Told> = told.collect();
        let numbers: Vec<u64> = numbers.into_values().collect();
        settle(&sums(&places), &numbers, &mut told);
        Self { places, told }
    }

    /// How a count is told; one that is nowhere is zero, and told as the counts under five are.
    pub(super) fn told(
        &self,
        area: Option<&str>,
        dimension: &'static str,
        name: &str,
        part: &'static str,
    ) -> Told {
        let place = (area.map(str::to_owned), dimension, name.to_owned(), part);
        self.places.get(&place).map_or(Told::Few, |at| self.told[*at])
    }

    /// The areas, by code; empty for rows that name none.
    pub(super) fn areas(&self) -> Vec<String> {
        let areas: BTreeSet<&String> = self.places.keys().filter_map(|place| place.0.as_ref()).collect();
        areas.into_iter().cloned().collect()
    }

    /// The names that counts are told by in an area, or in the city.
    pub(super) fn names(&self, area: Option<&str>, dimension: &'static str) -> Vec<String> {
        let first = (area.map(str::to_owned), dimension, String::new(), "");
        let places = self.places.range(first..).map(|(place, _)| place);
        let here = places.take_while(|place| place.0.as_deref() == area && place.1 == dimension);
        let names: BTreeSet<&String> = here.map(|place| &place.2).collect();
        names.into_iter().cloned().collect()
    }
}

/// Every count, also those that are zero: whether a table has a line on the page of an area must not say more than
/// `<5`.
fn numbers(ledger: &Ledger, entities: &RowsOfAreas) -> BTreeMap<Place, u64> {
    let mut found: BTreeMap<(String, Place), u64> = BTreeMap::new();
    let mut add = |area: &str, dimension, name: &str, part, rows: u64| {
        let place = (None, dimension, name.to_owned(), part);
        *found.entry((area.to_owned(), place)).or_default() += rows;
    };
    for (at, balance) in ledger.cells() {
        let table = format!("{}/{}", at.system, at.table);
        let names = [("", ""), (TABLE, &table), (NAMND, &at.namnd), (YEAR, &at.year)];
        for (dimension, name) in names {
            for (part, rows) in PARTS.into_iter().zip(parts(balance)) {
                add(&at.area, dimension, name, part, rows);
            }
        }
        let reasons =
            [(EXCLUDED, &balance.excluded), (QUARANTINED, &balance.quarantined), (FLAGGED, &balance.flagged)];
        for (dimension, counts) in reasons {
            counts.iter().for_each(|(code, rows)| add(&at.area, dimension, code, ROWS, *rows));
        }
    }
    for ((area, entity), rows) in entities {
        add(area, ENTITY, entity, SIDES[0], rows.old);
        add(area, ENTITY, entity, SIDES[1], rows.new);
    }
    let areas: BTreeSet<String> = found.keys().map(|(area, _)| area.clone()).collect();
    let mut numbers: BTreeMap<Place, u64> = BTreeMap::new();
    for ((area, place), rows) in found {
        let (_, dimension, name, part) = &place;
        for other in &areas {
            numbers.entry((Some(other.clone()), dimension, name.clone(), part)).or_default();
        }
        *numbers.entry((Some(area), dimension, name.clone(), part)).or_default() += rows;
        *numbers.entry(place).or_default() += rows;
    }
    numbers
}

/// The parts of a balance, in the order of [`PARTS`].
fn parts(balance: &Balance) -> [u64; 5] {
    let excluded = balance.excluded.values().sum();
    let quarantined = balance.quarantined.values().sum();
    [balance.read, balance.loaded, balance.merged, excluded, quarantined]
}

/// Every sum that a reader of the pages knows to hold.
fn sums(places: &BTreeMap<Place, usize>) -> Vec<Sum> {
    let mut sums: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
    let mut of_areas: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
    let mut of_reasons: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
    let mut of_parts: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
    for ((area, dimension, name, part), &at) in places {
        if area.is_some() {
            of_areas.entry((None, dimension, name.clone(), part)).or_default().push(at);
        }
        if DIMENSIONS.contains(dimension) {
            sums.entry((area.clone(), dimension, String::new(), part)).or_default().push(at);
        }
        if [EXCLUDED, QUARANTINED].contains(dimension) {
            of_reasons.entry((area.clone(), "", String::new(), dimension)).or_default().push(at);
        }
        if PARTS[1..].contains(part) {
            of_parts.entry((area.clone(), dimension, name.clone(), PARTS[0])).or_default().push(at);
        }
    }
    let whole = sums.into_iter().map(|((area, _, _, part), at)| ((area, "", String::new(), part), at));
    let all = whole.chain(of_areas).chain(of_reasons).chain(of_parts);
    all.filter_map(|(total, parts)| Some(Sum { total: *places.get(&total)?, parts })).collect()
}

/// Hides counts until no count of one to four can be worked out.
fn settle(sums: &[Sum], numbers: &[u64], told: &mut [Told]) {
    let wholes = wholes(sums, told);
    loop {
        let ranges = known(sums, told);
        let is_pinned = |at: &usize| (1..BASE).contains(&numbers[*at]) && ranges[*at].0 == ranges[*at].1;
        let small = (0..told.len()).filter(|at| told[*at] == Told::Few && !wholes.contains(at));
        let mut beside = small.filter(is_pinned).filter_map(|at| beside(sums, numbers, told, at));
        let Some(hidden) = beside.next() else { return };
        told[hidden] = Told::Hidden;
    }
}

/// The counts that nothing hides: those that are told exactly, and those that are the only part of such a one.
fn wholes(sums: &[Sum], told: &[Told]) -> BTreeSet<usize> {
    let exact = (0..told.len()).filter(|at| matches!(told[*at], Told::Exact(_)));
    let mut wholes: BTreeSet<usize> = exact.collect();
    loop {
        let before = wholes.len();
        for sum in sums {
            if let ([only], true) = (sum.parts.as_slice(), wholes.contains(&sum.total)) {
                wholes.insert(*only);
            }
        }
        if wholes.len() == before {
            return wholes;
        }
    }
}

/// The count that is best hidden for the sake of another: the largest one that is told in a sum with it, or, where
/// all of those are hidden, in a sum with one of them.
fn beside(sums: &[Sum], numbers: &[u64], told: &[Told], at: usize) -> Option<usize> {
    let mut near = BTreeSet::from([at]);
    loop {
        let with = sums
            .iter()
            .filter(|sum| near.contains(&sum.total) || sum.parts.iter().any(|at| near.contains(at)));
        let reached: BTreeSet<usize> =
            with.flat_map(|sum| sum.parts.iter().chain([&sum.total])).copied().collect();
        let others = reached.iter().copied().filter(|other| *other != at);
        let can_hide = others.filter(|other| matches!(told[*other], Told::About(_) | Told::Few));
        let best = can_hide.max_by_key(|other| (numbers[*other], std::cmp::Reverse(*other)));
        if best.is_some() || reached.len() == near.len() {
            return best;
        }
        near = reached;
    }
}

/// What can be worked out of every count from what is told: its least and its most.
fn known(sums: &[Sum], told: &[Told]) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = told.iter().map(|told| told.range()).collect();
    loop {
        let mut narrowed = false;
        for sum in sums {
            narrowed |= narrow(sum, &mut ranges);
        }
        if !narrowed {
            return ranges;
        }
    }
}

/// Narrows the ranges of one sum by each other. Says whether it narrowed any.
fn narrow(sum: &Sum, ranges: &mut [(u64, u64)]) -> bool {
    let mut narrowed = false;
    let mut within = |at: usize, least: u64, most: u64, ranges: &mut [(u64, u64)]| {
        let (low, high) = ranges[at];
        ranges[at] = (low.max(least), high.min(most));
        narrowed |= ranges[at] != (low, high);
    };
    let add = |total: u64, more: u64| total.saturating_add(more);
    let least = sum.parts.iter().map(|at| ranges[*at].0).fold(0, add);
    let most = sum.parts.iter().map(|at| ranges[*at].1).fold(0, add);
    within(sum.total, least, most, ranges);
    let (low, high) = ranges[sum.total];
    for &at in &sum.parts {
        let others = |side: fn(&(u64, u64)) -> u64| {
            sum.parts.iter().filter(|other| **other != at).map(|other| side(&ranges[*other])).fold(0, add)
        };
        let (fewest, largest) = (others(|range| range.0), others(|range| range.1));
        within(at, low.saturating_sub(largest), high.saturating_sub(fewest), ranges);
    }
    narrowed
}

#[cfg(test)]
mod tests;

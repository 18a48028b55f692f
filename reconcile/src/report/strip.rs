//! The conservation strip: a bar whose parts add up to the rows read.

use crate::summary::{Summary, TableSummary};

use super::Labels;
use super::number::count;

/// The length of a bar in its own units.
const LENGTH: u128 = 1000;
/// The shortest length of a part that is not zero: small parts must not vanish.
const SHORTEST: u128 = 6;

/// One part of a bar.
pub(super) struct Segment {
    /// Its class in the style sheet.
    pub(super) class: &'static str,
    /// Where it starts.
    pub(super) x: u128,
    /// How long it is.
    pub(super) width: u128,
}

/// One row of the conservation section: the whole, a system or a table.
pub(super) struct BalanceView {
    /// Its class: `whole`, `system` or `table`.
    pub(super) level: &'static str,
    /// Its name.
    pub(super) name: String,
    pub(super) read: String,
    pub(super) loaded: String,
    pub(super) merged: String,
    pub(super) excluded: String,
    pub(super) quarantined: String,
    /// Rows that no part accounts for; empty when there are none.
    pub(super) unexplained: String,
    pub(super) segments: Vec<Segment>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Parts {
    read: u128,
    loaded: u128,
    merged: u128,
    excluded: u128,
    quarantined: u128,
}

impl Parts {
    fn of(table: &TableSummary) -> Self {
        let sum =
            |counts: &std::collections::BTreeMap<String, u64>| counts.values().copied().map(u128::from).sum();
        Self {
            read: u128::from(table.read),
            loaded: u128::from(table.loaded),
            merged: u128::from(table.merged),
            excluded: sum(&table.excluded),
            quarantined: sum(&table.quarantined),
        }
    }

    /// The bar of parts that are known only roughly: loaded, merged, excluded, quarantined.
    pub(super) fn drawn([loaded, merged, excluded, quarantined]: [u128; 4]) -> Vec<Segment> {
        segments([
            ("loaded", loaded),
            ("merged", merged),
            ("excluded", excluded),
            ("quarantined", quarantined),
        ])
    }

    fn plus(self, other: Self) -> Self {
        Self {
            read: self.read + other.read,
            loaded: self.loaded + other.loaded,
            merged: self.merged + other.merged,
            excluded: self.excluded + other.excluded,
            quarantined: self.quarantined + other.quarantined,
        }
    }

    fn accounted(self) -> u128 {
        self.loaded + self.merged + self.excluded + self.quarantined
    }

    fn view(self, level: &'static str, name: &str) -> BalanceView {
        let unexplained = self.read.abs_diff(self.accounted());
        BalanceView {
            level,
            name: name.to_owned(),
            read: count(self.read),
            loaded: count(self.loaded),
            merged: count(self.merged),
            excluded: count(self.excluded),
            quarantined: count(self.quarantined),
            unexplained: if unexplained == 0 { String::new() } else { count(unexplained) },
            segments: segments([
                ("loaded", self.loaded),
                ("merged", self.merged),
                ("excluded", self.excluded),
                ("quarantined", self.quarantined),
                ("unexplained", self.read.saturating_sub(self.accounted())),
            ]),
        }
    }
}

/// The whole, then each system followed by its tables.
pub(super) fn balances(summary: &Summary, labels: &Labels) -> Vec<BalanceView> {
    let all = |system: Option<&str>| {
        let tables = summary.tables.iter().filter(|table| system.is_none_or(|system| table.system == system));
        tables.map(Parts::of).fold(Parts::default(), Parts::plus)
    };
    let mut views = vec![all(None).view("whole", "Alla källor")];
    let mut system = None;
    for table in &summary.tables {
        if system != Some(table.system.as_str()) {
            system = Some(table.system.as_str());
            let name = Labels::name(&labels.systems, &table.system);
            views.push(all(system).view("system", name));
        }
        views.push(Parts::of(table).view("table", &table.table));
    }
    views
}

/// Cuts the bar. The parts add up to its length exactly; what small parts are given beyond their share,
/// the longest part gives up.
fn segments<const N: usize>(parts: [(&'static str, u128); N]) -> Vec<Segment> {
    let total: u128 = parts.iter().map(|(_, rows)| rows).sum();
    if total == 0 {
        return Vec::new();
    }
    let mut widths: Vec<(&'static str, u128)> = parts
        .into_iter()
        .filter(|(_, rows)| *rows > 0)
        .map(|(class, rows)| (class, (rows * LENGTH / total).max(SHORTEST)))
        .collect();
    let used: u128 = widths.iter().map(|(_, width)| width).sum();
    if let Some(longest) = widths.iter_mut().max_by_key(|(_, width)| *width) {
        longest.1 = (longest.1 + LENGTH).saturating_sub(used);
    }
    let mut x = 0;
    widths
        .into_iter()
        .map(|(class, width)| {
            let segment = Segment { class, x, width };
            x += width;
            segment
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_parts_fill_the_bar_and_none_vanishes(rows in proptest::array::uniform5(0_u128..2_000_000)) {
            let bar = segments([("a", rows[0]), ("b", rows[1]), ("c", rows[2]), ("d", rows[3]), ("e", rows[4])]);
            prop_assert_eq!(bar.len(), rows.iter().filter(|rows| **rows > 0).count());
            prop_assert!(bar.iter().all(|segment| segment.width >= SHORTEST));
            let end: u128 = bar.iter().map(|segment| segment.width).sum();
            prop_assert!(bar.is_empty() || end == LENGTH);
        }
    }
}

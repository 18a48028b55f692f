//! How visits were receipted, and whose visits are receipted by hand suspiciously often (D62).

use std::collections::BTreeMap;

use super::era::Era;
use crate::rng::Rng;

/// At least so many visits before a share says something.
const LEAST: u32 = 30;

/// The receipts of every employee.
#[derive(Default)]
pub(super) struct Receipts(BTreeMap<i64, Count>);

#[derive(Default)]
struct Count {
    visits: u32,
    by_hand: u32,
    /// The rows receipted by hand; kept only for those who do it often.
    keys: Vec<String>,
}

/// One in fifteen receipts by hand whenever possible.
fn does_it_by_hand(employee: i64) -> bool {
    employee % 15 == 3
}

impl Receipts {
    /// Draws `KvittStartTyp` of a visit that was made: by telephone while positions were used, then by tag;
    /// sometimes by hand, but of an ordinary employee's visits less than a third.
    pub(super) fn draw(&self, employee: i64, era: Era, may_be_by_hand: bool, rng: &mut Rng) -> &'static str {
        let usual = if era.has_tag() { "N" } else { "T" };
        let drawn = rng.pick(&[usual, usual, usual, usual, usual, usual, usual, usual, "M", "A"]);
        let often = rng.chance(820, 1_000);
        let count = self.0.get(&employee);
        let low = count.is_some_and(|count| (count.by_hand + 1) * 3 < count.visits);
        match drawn {
            _ if !may_be_by_hand => usual,
            _ if does_it_by_hand(employee) && often => "M",
            "M" if !low => usual,
            drawn => drawn,
        }
    }

    /// Counts a row that was delivered.
    pub(super) fn count(&mut self, employee: i64, receipt: &str, key: impl FnOnce() -> String) {
        let count = self.0.entry(employee).or_default();
        count.visits += 1;
        if receipt == "M" {
            count.by_hand += 1;
            if does_it_by_hand(employee) {
                count.keys.push(key());
            }
        }
    }

    /// The rows receipted by hand of everybody who did so for more than half of the visits.
    pub(super) fn suspicious(self) -> impl Iterator<Item = String> {
        let often = |count: &Count| count.visits >= LEAST && count.by_hand * 2 > count.visits;
        self.0.into_values().filter(move |count| often(count)).flat_map(|count| count.keys)
    }
}

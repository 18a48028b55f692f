//! What loading the run did to the target.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What became of the rows of one entity when the run was loaded, by the receipts that the target holds. The figures
/// tell; no conclusion rests on them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntityChanges {
    /// The entity.
    pub entity: String,
    /// Rows that were not there before.
    pub inserted: u64,
    /// Rows that were there with other content; what they were is in the history.
    pub updated: u64,
    /// Rows that were there with the same content, and were left alone.
    pub unchanged: u64,
    /// Rows that the run does not give any more and that were moved to the history, by reason.
    pub retired: BTreeMap<String, u64>,
    /// Rows that the target refused.
    pub refused: u64,
}

/// Why rows are retired, as people read it.
pub(crate) const REASONS: [(&str, &str); 5] = [
    ("gone", "finns inte längre i källan"),
    ("held_back", "nu i karantän"),
    ("left_out", "nu utelämnade"),
    ("merged", "nu sammanslagna"),
    ("not_given", "ges inte längre"),
];

impl EntityChanges {
    /// Adds what became of further rows.
    pub fn add(&mut self, other: &Self) {
        let sum = |into: &mut u64, more: u64| *into = into.saturating_add(more);
        sum(&mut self.inserted, other.inserted);
        sum(&mut self.updated, other.updated);
        sum(&mut self.unchanged, other.unchanged);
        sum(&mut self.refused, other.refused);
        for (reason, rows) in &other.retired {
            sum(self.retired.entry(reason.clone()).or_default(), *rows);
        }
    }

    /// The rows that were retired, whatever the reason.
    #[must_use]
    pub fn all_retired(&self) -> u64 {
        self.retired.values().fold(0, |sum, rows| sum.saturating_add(*rows))
    }

    /// The reasons in Swedish with their rows, such as "3 finns inte längre i källan"; empty when nothing was retired.
    #[must_use]
    pub fn retired_because(&self) -> String {
        let reasons = self.retired.iter().map(|(code, rows)| {
            let known = REASONS.iter().find(|(known, _)| known == code);
            let label = known.map_or(code.as_str(), |(_, label)| label);
            format!("{} {label}", crate::report::number::count(*rows))
        });
        reasons.collect::<Vec<_>>().join(", ")
    }
}

/// The sum over all entities; its entity is empty.
#[must_use]
pub fn total(changes: &[EntityChanges]) -> EntityChanges {
    let mut sum = EntityChanges::default();
    changes.iter().for_each(|one| sum.add(one));
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_added_each_for_itself_and_told_in_words() {
        let one = |reason: &str, rows| EntityChanges {
            inserted: 1,
            retired: BTreeMap::from([(reason.to_owned(), rows)]),
            ..EntityChanges::default()
        };
        let sum = total(&[one("gone", 2), one("held_back", 1000), one("gone", 1)]);
        assert_eq!((sum.inserted, sum.all_retired()), (3, 1003));
        assert_eq!(sum.retired_because(), "3 finns inte längre i källan, 1\u{202f}000 nu i karantän");
        assert_eq!(EntityChanges::default().retired_because(), "");
    }
}

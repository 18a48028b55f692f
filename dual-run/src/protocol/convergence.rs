//! Which of several states of a row counts.

use std::collections::BTreeMap;

use bron_mappings::SourceKey;

use crate::change::{Change, Version};

/// How a state of a row stands to what the ledger has of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arrival {
    /// Later than anything applied: it is applied.
    New,
    /// The state that was applied last. Applying it again changes nothing.
    Again,
    /// Earlier than what was applied: it is left out.
    Late,
}

/// Judges a state by its version. The ledger keeps the version of rows that are gone too (tombstones): without them a
/// row that was read before it was deleted, and arrives after, would rise again.
///
/// With this rule rows of a seed, changes, replays and repeated seeds commute: whatever order they arrive in and
/// however often, what stands in the end is the state with the highest version.
#[must_use]
pub fn arrival(last: Option<Version>, version: Version) -> Arrival {
    match last {
        Some(last) if version < last => Arrival::Late,
        Some(last) if version == last => Arrival::Again,
        Some(_) | None => Arrival::New,
    }
}

/// The last state of each row, at the place where the row first came up, so that parents stay before children. The
/// image from before is the one of the first change.
#[must_use]
pub fn last_states(changes: &[Change]) -> Vec<Change> {
    let mut places: BTreeMap<&SourceKey, usize> = BTreeMap::new();
    let mut last: Vec<Change> = Vec::with_capacity(changes.len());
    for change in changes {
        match places.get(&change.key).and_then(|place| last.get_mut(*place)) {
            Some(standing) if arrival(Some(standing.version), change.version) == Arrival::Late => {}
            Some(standing) => {
                let before = standing.before.take();
                *standing = Change { before, ..change.clone() };
            }
            None => {
                places.insert(&change.key, last.len());
                last.push(change.clone());
            }
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use bron_transform::{SourceText, SourceTexts};
    use proptest::prelude::*;

    use super::*;
    use crate::change::{Image, Mark};

    fn version(major: u64) -> Version {
        Version { major, minor: 0 }
    }

    fn change(id: &str, major: u64, text: Option<&str>) -> Change {
        let image =
            |text: &str| Image::new(SourceTexts::from([("A".to_owned(), SourceText::Text(text.to_owned()))]));
        Change {
            key: SourceKey::new("s", "T", [Some(id)]),
            version: version(major),
            after: text.map(image),
            before: None,
            mark: Mark::None,
        }
    }

    #[test]
    fn a_later_state_counts_and_an_earlier_one_does_not() {
        assert_eq!(arrival(None, version(1)), Arrival::New);
        assert_eq!(arrival(Some(version(1)), version(2)), Arrival::New);
        assert_eq!(arrival(Some(version(2)), version(2)), Arrival::Again);
        assert_eq!(arrival(Some(version(3)), version(2)), Arrival::Late);
    }

    #[test]
    fn c11_several_states_of_a_row_come_to_the_last_one() {
        let changes = [
            change("1", 1, Some("a")),
            change("2", 1, Some("x")),
            change("1", 2, None),
            change("2", 3, None),
            change("2", 4, Some("y")),
        ];
        let last = last_states(&changes);
        assert_eq!(last.len(), 2);
        assert_eq!((last[0].version, last[0].after.is_none()), (version(2), true));
        assert_eq!((last[1].version, last[1].after.is_some()), (version(4), true));
    }

    /// The ledger and the row of one key, as the rule leaves them.
    fn settle(order: &[(u64, Option<u8>)]) -> Option<u8> {
        let (mut last, mut row) = (None, None);
        for (major, state) in order {
            if arrival(last, version(*major)) != Arrival::Late {
                (last, row) = (Some(version(*major)), *state);
            }
        }
        row
    }

    proptest! {
        #[test]
        fn s1_any_order_with_repeats_ends_in_the_last_state(
            states in prop::collection::vec(prop::option::of(any::<u8>()), 1..8),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
        ) {
            let history: Vec<(u64, Option<u8>)> = (1..).zip(states).collect();
            let mut order: Vec<_> = picks.iter().map(|pick| history[pick.index(history.len())]).collect();
            let missing = history.iter().filter(|state| !order.contains(state)).copied();
            let missing: Vec<_> = missing.collect();
            order.extend(missing.into_iter().rev());
            prop_assert_eq!(settle(&order), history[history.len() - 1].1);
        }
    }
}

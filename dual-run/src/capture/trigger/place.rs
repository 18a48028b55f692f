//! Where the change log has been read to.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::capture::Position;
use crate::error::{Error, ErrorKind, Result};

/// What a [`Position`] of a change log says. Numbers and ids only: nothing of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    /// How many polls came before: the order of positions, by which the log is pruned.
    pub(super) polls: u64,
    /// The highest number of the log that was visible.
    pub(super) high: u64,
    /// The tag of the row with that number, by which a log that was restored and written on is known; empty when there
    /// was none.
    pub(super) tag: String,
    /// PostgreSQL: what was visible, as the server writes a snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) seen: Option<String>,
    /// PostgreSQL: a later snapshot that has been read in part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) within: Option<Within>,
    /// MySQL: numbers at or below `high` that were not visible and may become so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) gaps: Vec<Gap>,
}

/// A snapshot that has been read up to a number of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Within {
    /// The snapshot.
    pub(super) until: String,
    /// Everything visible in it up to here has been read.
    pub(super) through: u64,
}

/// Numbers that were drawn and not seen: their transactions go on, or were rolled back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gap {
    pub(super) first: u64,
    pub(super) last: u64,
    /// The transactions that were under way when the gap was first seen: one of them owns it. When none of them is
    /// under way any more and the numbers are still not there, they never will be.
    pub(super) owners: BTreeSet<u64>,
}

impl Place {
    /// Reads what [`Place::position`] wrote.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it is not a position of a change log.
    pub(super) fn of(position: &Position) -> Result<Self> {
        let problem = || Error::new(ErrorKind::Config, "the position is not one of a change log of triggers");
        let place: Self = serde_json::from_str(&position.0).map_err(|_| problem())?;
        let snapshots = place.seen.iter().chain(place.within.iter().map(|within| &within.until));
        let is_snapshot =
            |text: &String| text.bytes().all(|byte| byte.is_ascii_digit() || b":,".contains(&byte));
        if snapshots.into_iter().all(is_snapshot) { Ok(place) } else { Err(problem()) }
    }

    pub(super) fn position(&self) -> Position {
        Position(serde_json::to_string(self).expect("numbers and texts can be written as JSON"))
    }
}

/// The transactions that are under way at two moments of a poll.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay {
    /// Before its snapshot was taken. What had ended then is visible in it, or never will be.
    pub(super) before: BTreeSet<u64>,
    /// After it. Who draws a number that the snapshot does not show is among them, or has ended meanwhile and is
    /// visible in the next one.
    pub(super) after: BTreeSet<u64>,
}

/// The gaps after a poll. `known` are those of the place where it began, the numbers above `above` were drawn since,
/// `seen` are the numbers that it saw, in order, and `high` is the highest of the log.
pub(super) fn gaps_after(
    known: &[Gap],
    above: u64,
    seen: &[u64],
    high: u64,
    under_way: &UnderWay,
) -> Vec<Gap> {
    let lives = |gap: &&Gap| gap.owners.iter().any(|owner| under_way.before.contains(owner));
    let old = known.iter().filter(lives).map(|gap| (gap.first, gap.last, &gap.owners));
    let new = (above < high).then_some((above + 1, high, &under_way.after));
    let mut gaps = Vec::new();
    for (first, last, owners) in old.chain(new) {
        let mut next = first;
        let from = seen.partition_point(|number| *number < first);
        let inside = seen.get(from..).unwrap_or_default().iter().take_while(|number| **number <= last);
        for &number in inside {
            if next < number {
                gaps.push(Gap { first: next, last: number - 1, owners: owners.clone() });
            }
            next = number + 1;
        }
        if next <= last {
            gaps.push(Gap { first: next, last, owners: owners.clone() });
        }
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_text() {
        let place = Place {
            polls: 3,
            high: 9,
            tag: "a1".to_owned(),
            seen: Some("700:705:701,703".to_owned()),
            within: Some(Within { until: "701:709:".to_owned(), through: 4 }),
            gaps: vec![Gap { first: 5, last: 6, owners: [42].into() }],
        };
        assert_eq!(Place::of(&place.position()).unwrap(), place);
        let injected = Place { seen: Some("1'; DROP TABLE t".to_owned()), ..Place::default() };
        for wrong in [injected.position(), Position("0".to_owned()), Position(String::new())] {
            assert_eq!(Place::of(&wrong).unwrap_err().kind(), ErrorKind::Config);
        }
    }

    fn gap(first: u64, last: u64, owners: &[u64]) -> Gap {
        Gap { first, last, owners: owners.iter().copied().collect() }
    }

    fn under_way(before: &[u64], after: &[u64]) -> UnderWay {
        UnderWay { before: before.iter().copied().collect(), after: after.iter().copied().collect() }
    }

    #[test]
    fn a_number_that_is_missing_is_waited_for_while_its_owner_may_live() {
        let gaps = gaps_after(&[], 0, &[2, 5], 5, &under_way(&[], &[1, 2]));
        assert_eq!(gaps, [gap(1, 1, &[1, 2]), gap(3, 4, &[1, 2])]);
        let later = gaps_after(&gaps, 5, &[4, 6], 6, &under_way(&[2, 3], &[3]));
        assert_eq!(later, [gap(1, 1, &[1, 2]), gap(3, 3, &[1, 2])]);
        assert_eq!(gaps_after(&later, 6, &[], 6, &under_way(&[3], &[3])), [], "its owners are gone");
    }

    #[test]
    fn a_number_whose_owner_ended_during_the_poll_is_looked_for_once_more() {
        let gaps = gaps_after(&[], 0, &[2], 2, &under_way(&[7], &[]));
        assert_eq!(gaps, [gap(1, 1, &[])]);
        assert_eq!(gaps_after(&gaps, 2, &[], 2, &under_way(&[], &[])), []);
    }
}

//! Whether the way back is open, as a measure and not as a hope.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::phase::Phase;

/// How long a canary's round trip speaks for the way back.
const CANARY_HOLDS: SignedDuration = SignedDuration::from_mins(30);
/// How long the way back may be silent.
const SILENCE: SignedDuration = SignedDuration::from_mins(5);

/// The last canary that was sent from the new model to the legacy side and looked for there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canary {
    /// When.
    pub at: Timestamp,
    /// Whether it was found as it was sent.
    pub arrived: bool,
}

/// What is known of the way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReverseState {
    /// The last canary.
    pub canary: Option<Canary>,
    /// When the capture on the new side was last polled, and found its position.
    pub polled_at: Option<Timestamp>,
    /// How long the new side still keeps its changes, in seconds; `None` when it keeps them until told otherwise.
    pub headroom_seconds: Option<u64>,
    /// The least that it must keep them.
    pub needed_seconds: u64,
    /// Rows of the scope that are parked and not waived.
    pub parked: u64,
}

/// Why the way back is not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoRollback {
    /// The new model does not own the scope, or its way back was closed by a decision.
    Phase,
    /// No canary was ever sent.
    NeverTried,
    /// The last canary did not arrive as it was sent.
    CanaryLost,
    /// The last canary is too old to speak for the present.
    CanaryOld,
    /// The capture on the new side has not been polled for too long: it may be dead.
    CaptureSilent,
    /// The new side will not keep its changes for long enough.
    Headroom,
    /// Rows are parked: a revert would leave them behind.
    Parked,
}

impl fmt::Display for NoRollback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Phase => "the new model does not own the scope, or the way back was closed",
            Self::NeverTried => "no canary was ever sent the way back",
            Self::CanaryLost => "the last canary did not arrive",
            Self::CanaryOld => "the last canary is too old",
            Self::CaptureSilent => "the new side's changes have not been read for too long",
            Self::Headroom => "the new side does not keep its changes for long enough",
            Self::Parked => "rows are parked",
        })
    }
}

/// Whether a scope can be reverted at `now`: the value of `rollback_available`. A closed way back changes nothing by
/// itself; above all it never finalizes.
///
/// # Errors
/// Every reason why it cannot.
pub fn rollback(phase: Phase, state: &ReverseState, now: Timestamp) -> Result<(), Vec<NoRollback>> {
    if phase != Phase::Reversing {
        return Err(vec![NoRollback::Phase]);
    }
    let canary = match state.canary {
        None => Some(NoRollback::NeverTried),
        Some(canary) if !canary.arrived => Some(NoRollback::CanaryLost),
        Some(canary) => (!within(canary.at, CANARY_HOLDS, now)).then_some(NoRollback::CanaryOld),
    };
    let is_heard = state.polled_at.is_some_and(|at| within(at, SILENCE, now));
    let keeps = state.headroom_seconds.is_none_or(|seconds| seconds >= state.needed_seconds);
    let reasons: Vec<NoRollback> = canary
        .into_iter()
        .chain((!is_heard).then_some(NoRollback::CaptureSilent))
        .chain((!keeps).then_some(NoRollback::Headroom))
        .chain((state.parked > 0).then_some(NoRollback::Parked))
        .collect();
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

fn within(at: Timestamp, duration: SignedDuration, now: Timestamp) -> bool {
    at <= now && now.duration_since(at) <= duration
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn open() -> ReverseState {
        ReverseState {
            canary: Some(Canary { at: at(0), arrived: true }),
            polled_at: Some(at(0)),
            headroom_seconds: Some(7_200),
            needed_seconds: 3_600,
            parked: 0,
        }
    }

    #[test]
    fn the_way_back_is_open_while_everything_on_it_is_heard_of() {
        assert_eq!(rollback(Phase::Reversing, &open(), at(1)), Ok(()));
        assert_eq!(rollback(Phase::Finalized, &open(), at(1)), Err(vec![NoRollback::Phase]));
    }

    #[test]
    fn w13_a_reverse_feed_that_dies_is_told_with_its_reason() {
        assert_eq!(rollback(Phase::Reversing, &open(), at(6)), Err(vec![NoRollback::CaptureSilent]));
        let all = ReverseState {
            canary: Some(Canary { at: at(0), arrived: false }),
            headroom_seconds: Some(60),
            parked: 2,
            ..open()
        };
        let reasons = [NoRollback::CanaryLost, NoRollback::Headroom, NoRollback::Parked];
        assert_eq!(rollback(Phase::Reversing, &all, at(1)), Err(reasons.to_vec()));
        let never = ReverseState { canary: None, headroom_seconds: None, ..open() };
        assert_eq!(rollback(Phase::Reversing, &never, at(1)), Err(vec![NoRollback::NeverTried]));
        let old = ReverseState { polled_at: Some(at(60)), ..open() };
        assert_eq!(rollback(Phase::Reversing, &old, at(60)), Err(vec![NoRollback::CanaryOld]));
    }

    #[test]
    fn p6_a_reading_from_the_future_of_a_wrong_clock_is_worth_nothing() {
        assert!(rollback(Phase::Reversing, &open(), at(-60)).is_err());
    }
}

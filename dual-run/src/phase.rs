//! How far a scope has come.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a scope was stopped. A stopped scope goes on only when a person says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HaltReason {
    /// The position in the source's log of changes is no longer there.
    PositionExpired,
    /// The source has gone back in time: it was restored.
    PositionRewound,
    /// The source or the target has another schema than the mappings.
    SchemaDrift,
    /// A comparison found a difference that nothing explains.
    UnexplainedDifference,
    /// The audit log could not be written.
    AuditUnwritable,
    /// A person stopped it.
    Operator,
}

/// The phase of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Nothing has been moved.
    Planned,
    /// The first copy is being made.
    Seeding,
    /// The new model follows the legacy systems.
    Following,
    /// It follows, and outcomes are computed on both sides and compared.
    Shadowing,
    /// Every gate is open and signed: the scope may be switched.
    Armed,
    /// Ownership is being handed over.
    Switching,
    /// The new model owns the scope and the legacy systems follow, so the way back is open.
    Reversing,
    /// Ownership is being handed back.
    Reverting,
    /// The way back is closed by a person's decision.
    Finalized,
    /// The legacy copy is archived and gone.
    Retired,
    /// Stopped.
    Halted(HaltReason),
}

impl Phase {
    /// The phases that may come directly after this one, stops aside: a scope can be halted in every phase before
    /// [`Phase::Finalized`] but while its owner changes, and goes on where it was safely ([`crate::Course`]).
    #[must_use]
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Planned => &[Self::Seeding],
            Self::Seeding => &[Self::Following],
            Self::Halted(_) => &[Self::Seeding, Self::Following, Self::Reversing],
            Self::Following => &[Self::Shadowing],
            Self::Shadowing => &[Self::Armed, Self::Following],
            Self::Armed => &[Self::Switching, Self::Shadowing],
            // Before the epoch is committed a failed switch falls back; after it, it only completes.
            Self::Switching => &[Self::Reversing, Self::Shadowing],
            Self::Reversing => &[Self::Reverting, Self::Finalized],
            Self::Reverting => &[Self::Following, Self::Reversing],
            Self::Finalized => &[Self::Retired],
            Self::Retired => &[],
        }
    }

    /// The name that stores, metrics and the command line use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Seeding => "seeding",
            Self::Following => "following",
            Self::Shadowing => "shadowing",
            Self::Armed => "armed",
            Self::Switching => "switching",
            Self::Reversing => "reversing",
            Self::Reverting => "reverting",
            Self::Finalized => "finalized",
            Self::Retired => "retired",
            Self::Halted(_) => "halted",
        }
    }
}

impl HaltReason {
    /// The name that stores, metrics and the command line use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PositionExpired => "position-expired",
            Self::PositionRewound => "position-rewound",
            Self::SchemaDrift => "schema-drift",
            Self::UnexplainedDifference => "unexplained-difference",
            Self::AuditUnwritable => "audit-unwritable",
            Self::Operator => "operator",
        }
    }
}

/// `following`; a halted scope with its reason: `halted (schema-drift)`.
impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Halted(reason) => write!(f, "halted ({})", reason.name()),
            Self::Planned
            | Self::Seeding
            | Self::Following
            | Self::Shadowing
            | Self::Armed
            | Self::Switching
            | Self::Reversing
            | Self::Reverting
            | Self::Finalized
            | Self::Retired => f.write_str(self.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_open_until_somebody_closes_it() {
        let mut reachable = vec![Phase::Reversing];
        let mut place = 0;
        while let Some(phase) = reachable.get(place) {
            for next in phase.next() {
                if !reachable.contains(next) && *next != Phase::Finalized {
                    reachable.push(*next);
                }
            }
            place += 1;
        }
        assert!(reachable.contains(&Phase::Following));
    }

    #[test]
    fn a_switch_is_reached_only_through_a_signed_gate() {
        let phases = [Phase::Planned, Phase::Seeding, Phase::Following, Phase::Shadowing, Phase::Reversing];
        assert!(phases.iter().all(|phase| !phase.next().contains(&Phase::Switching)));
        assert!(Phase::Armed.next().contains(&Phase::Switching));
        assert!(Phase::Retired.next().is_empty());
    }
}

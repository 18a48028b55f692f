//! What may be asked for in each phase, and what happens by itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ownership::Owner;
use crate::phase::{HaltReason, Phase};

/// What a person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Make the first copy; after a halt make it anew.
    Seed,
    /// Compare outcomes of both worlds.
    Shadow,
    /// Go back from comparing to following.
    Follow,
    /// Declare the scope ready, with the gates as they stand.
    Arm,
    /// Take that back.
    Disarm,
    /// Hand ownership to the new model.
    Switch,
    /// Hand it back.
    Revert,
    /// Go on with a hand-over that stopped.
    Complete,
    /// Cancel a hand-over that has not committed.
    Cancel,
    /// Close the way back.
    Finalize,
    /// Say that the legacy copy is archived and gone.
    Retire,
    /// Stop.
    Pause,
    /// Go on after a stop.
    Resume,
}

impl Verb {
    /// All verbs.
    pub const ALL: [Self; 13] = [
        Self::Seed,
        Self::Shadow,
        Self::Follow,
        Self::Arm,
        Self::Disarm,
        Self::Switch,
        Self::Revert,
        Self::Complete,
        Self::Cancel,
        Self::Finalize,
        Self::Retire,
        Self::Pause,
        Self::Resume,
    ];

    /// The word on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Shadow => "shadow",
            Self::Follow => "follow",
            Self::Arm => "arm",
            Self::Disarm => "disarm",
            Self::Switch => "switch",
            Self::Revert => "revert",
            Self::Complete => "complete",
            Self::Cancel => "cancel",
            Self::Finalize => "finalize",
            Self::Retire => "retire",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
}

/// What happens without being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occurrence {
    /// Every chunk of the first copy is applied.
    Seeded,
    /// A gate of an armed scope has closed.
    GateClosed,
    /// A hand-over is completed.
    HandedOver,
    /// A hand-over is cancelled.
    Cancelled,
    /// Something is wrong.
    Halt(HaltReason),
}

/// A verb or an occurrence that the phase does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Illegal {
    /// What was asked for, or happened.
    pub what: String,
    /// The phase.
    pub phase: Phase,
    /// The verbs that are legal.
    pub legal: Vec<Verb>,
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not legal while the scope is {}", self.what, self.phase)?;
        let names: Vec<&str> = self.legal.iter().map(|verb| verb.name()).collect();
        if names.is_empty() {
            write!(f, "; nothing is")
        } else {
            write!(f, "; legal are {}", names.join(", "))
        }
    }
}

impl std::error::Error for Illegal {}

/// How far a scope has come, and how often it has been there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Course {
    /// The phase.
    pub phase: Phase,
    /// How often the scope has been taken back: the first journey is 0.
    pub iteration: u32,
    /// The phase that a halted scope goes on in.
    pub returns_to: Option<Phase>,
}

impl Default for Course {
    fn default() -> Self {
        Self { phase: Phase::Planned, iteration: 0, returns_to: None }
    }
}

impl Course {
    /// The verbs that are legal now, in the order of [`Verb::ALL`].
    #[must_use]
    pub fn legal(&self) -> Vec<Verb> {
        Verb::ALL.into_iter().filter(|verb| self.led_to(*verb).is_some()).collect()
    }

    /// The phase that a verb leads to; `None` when it is not legal.
    fn led_to(&self, verb: Verb) -> Option<Phase> {
        match (self.phase, verb) {
            (Phase::Planned, Verb::Seed) => Some(Phase::Seeding),
            (Phase::Following, Verb::Shadow) | (Phase::Armed, Verb::Disarm) => Some(Phase::Shadowing),
            (Phase::Shadowing, Verb::Follow) => Some(Phase::Following),
            (Phase::Shadowing, Verb::Arm) => Some(Phase::Armed),
            (Phase::Armed, Verb::Switch) => Some(Phase::Switching),
            (Phase::Reversing, Verb::Revert) => Some(Phase::Reverting),
            (Phase::Reversing, Verb::Finalize) => Some(Phase::Finalized),
            (Phase::Switching | Phase::Reverting, Verb::Complete | Verb::Cancel) => Some(self.phase),
            (Phase::Finalized, Verb::Retire) => Some(Phase::Retired),
            (Phase::Halted(_), Verb::Resume) => self.returns_to,
            // Seeding anew writes to the follower only: the new model must be that.
            (Phase::Halted(_), Verb::Seed) => {
                (self.returns_to != Some(Phase::Reversing)).then_some(Phase::Seeding)
            }
            (_, Verb::Pause) => safe_return(self.phase).map(|_| Phase::Halted(HaltReason::Operator)),
            (_, _) => None,
        }
    }

    /// Does what a person asks for, as far as the phase is concerned. The gates of [`Verb::Switch`], the calendar, and
    /// the signatures of [`Verb::Finalize`] are asked apart; [`Verb::Complete`] and [`Verb::Cancel`] are decided by the
    /// [`crate::Handover`].
    ///
    /// # Errors
    /// When the verb is not legal; the legal ones stand in the refusal.
    pub fn act(self, verb: Verb) -> Result<Self, Illegal> {
        let Some(phase) = self.led_to(verb) else {
            return Err(self.illegal(verb.name().to_owned()));
        };
        let returns_to = if verb == Verb::Pause { safe_return(self.phase) } else { None };
        Ok(Self { phase, returns_to, ..self })
    }

    /// Takes note of what happened.
    ///
    /// # Errors
    /// When it cannot happen in the phase. A hand-over is not halted: it is cancelled first, or completed.
    pub fn occur(self, occurrence: Occurrence) -> Result<Self, Illegal> {
        let to = |phase| Some(Self { phase, returns_to: None, ..self });
        let next = match (self.phase, occurrence) {
            (Phase::Seeding, Occurrence::Seeded) => to(Phase::Following),
            (Phase::Armed, Occurrence::GateClosed) | (Phase::Switching, Occurrence::Cancelled) => {
                to(Phase::Shadowing)
            }
            (Phase::Switching, Occurrence::HandedOver) | (Phase::Reverting, Occurrence::Cancelled) => {
                to(Phase::Reversing)
            }
            (Phase::Reverting, Occurrence::HandedOver) => {
                Some(Self { phase: Phase::Following, iteration: self.iteration + 1, returns_to: None })
            }
            // The first reason stands: it is the one to be cleared.
            (Phase::Halted(_), Occurrence::Halt(_)) => Some(self),
            (phase, Occurrence::Halt(reason)) => safe_return(phase).map(|returns_to| Self {
                phase: Phase::Halted(reason),
                returns_to: Some(returns_to),
                ..self
            }),
            (_, _) => None,
        };
        next.ok_or_else(|| self.illegal(format!("{occurrence:?}")))
    }

    fn illegal(self, what: String) -> Illegal {
        Illegal { what, phase: self.phase, legal: self.legal() }
    }

    /// Who owns the scope in this phase; `None` while that is changing.
    #[must_use]
    pub fn owner(&self) -> Option<Owner> {
        match self.phase {
            Phase::Planned | Phase::Seeding | Phase::Following | Phase::Shadowing | Phase::Armed => {
                Some(Owner::Legacy)
            }
            Phase::Switching | Phase::Reverting => None,
            Phase::Reversing | Phase::Finalized | Phase::Retired => Some(Owner::New),
            Phase::Halted(_) => match self.returns_to {
                Some(Phase::Reversing) => Some(Owner::New),
                Some(_) | None => Some(Owner::Legacy),
            },
        }
    }
}

/// Where a scope that stops in a phase goes on: what was compared and armed must be earned anew, a copy that is being
/// made goes on being made, and whoever owns the scope keeps it. `None` when the phase cannot be stopped.
fn safe_return(phase: Phase) -> Option<Phase> {
    match phase {
        Phase::Seeding => Some(Phase::Seeding),
        Phase::Following | Phase::Shadowing | Phase::Armed => Some(Phase::Following),
        Phase::Reversing => Some(Phase::Reversing),
        Phase::Planned
        | Phase::Switching
        | Phase::Reverting
        | Phase::Finalized
        | Phase::Retired
        | Phase::Halted(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn occurrences() -> [Occurrence; 5] {
        [
            Occurrence::Seeded,
            Occurrence::GateClosed,
            Occurrence::HandedOver,
            Occurrence::Cancelled,
            Occurrence::Halt(HaltReason::PositionExpired),
        ]
    }

    /// Every course that can be reached with at most two revertings.
    fn reachable() -> BTreeSet<Course> {
        let mut reached = BTreeSet::from([Course::default()]);
        let mut waiting = vec![Course::default()];
        while let Some(course) = waiting.pop() {
            let acted = Verb::ALL.into_iter().filter_map(|verb| course.act(verb).ok());
            let occurred = occurrences().into_iter().filter_map(|one| course.occur(one).ok());
            for next in acted.chain(occurred).filter(|next| next.iteration <= 2).collect::<Vec<_>>() {
                if reached.insert(next) {
                    waiting.push(next);
                }
            }
        }
        reached
    }

    #[test]
    fn every_move_is_along_the_phases() {
        for course in reachable() {
            let acted = Verb::ALL.into_iter().filter_map(|verb| course.act(verb).ok());
            let occurred = occurrences().into_iter().filter_map(|one| course.occur(one).ok());
            for next in acted.chain(occurred) {
                let is_halt = matches!(next.phase, Phase::Halted(_));
                let along = course.phase.next().contains(&next.phase);
                assert!(is_halt || along || next.phase == course.phase, "{course:?} to {next:?}");
            }
        }
    }

    #[test]
    fn w12_verbs_out_of_order_are_refused_with_the_legal_ones() {
        let refused = Course::default().act(Verb::Switch).unwrap_err();
        assert_eq!(refused.to_string(), "`switch` is not legal while the scope is planned; legal are seed");
        let following = Course { phase: Phase::Following, ..Course::default() };
        for verb in [Verb::Switch, Verb::Revert, Verb::Arm, Verb::Finalize] {
            assert!(following.act(verb).unwrap_err().legal.contains(&Verb::Shadow));
        }
        let retired = Course { phase: Phase::Retired, ..Course::default() };
        assert!(retired.act(Verb::Seed).unwrap_err().to_string().ends_with("nothing is"));
    }

    #[test]
    fn a_halt_returns_to_where_it_was_safely() {
        let halted = |phase| {
            let course = Course { phase, ..Course::default() };
            course.occur(Occurrence::Halt(HaltReason::SchemaDrift)).unwrap()
        };
        for (phase, returns_to) in [
            (Phase::Seeding, Phase::Seeding),
            (Phase::Following, Phase::Following),
            (Phase::Armed, Phase::Following),
            (Phase::Reversing, Phase::Reversing),
        ] {
            let resumed = halted(phase).act(Verb::Resume).unwrap();
            assert_eq!((resumed.phase, resumed.returns_to), (returns_to, None));
        }
        assert_eq!(halted(Phase::Armed).act(Verb::Seed).unwrap().phase, Phase::Seeding);
        assert!(halted(Phase::Reversing).act(Verb::Seed).is_err(), "an owner is never seeded over");
        let switching = Course { phase: Phase::Switching, ..Course::default() };
        assert!(switching.occur(Occurrence::Halt(HaltReason::SchemaDrift)).is_err());
    }

    #[test]
    fn w8_a_scope_goes_and_comes_back_five_times_without_a_seed() {
        let mut course = Course { phase: Phase::Following, ..Course::default() };
        for iteration in 1..=5 {
            for verb in [Verb::Shadow, Verb::Arm, Verb::Switch] {
                course = course.act(verb).unwrap();
            }
            course = course.occur(Occurrence::HandedOver).unwrap();
            assert_eq!(course.owner(), Some(Owner::New));
            course = course.act(Verb::Revert).unwrap().occur(Occurrence::HandedOver).unwrap();
            assert_eq!((course.phase, course.iteration), (Phase::Following, iteration));
        }
    }

    #[test]
    fn w9_a_revert_that_is_cancelled_leaves_the_scope_as_it_was() {
        let reversing = Course { phase: Phase::Reversing, iteration: 3, returns_to: None };
        let back = reversing.act(Verb::Revert).unwrap().occur(Occurrence::Cancelled).unwrap();
        assert_eq!(back, reversing);
    }

    #[test]
    fn w6_a_gate_that_closes_disarms() {
        let armed = Course { phase: Phase::Armed, ..Course::default() };
        assert_eq!(armed.occur(Occurrence::GateClosed).unwrap().phase, Phase::Shadowing);
    }

    #[test]
    fn w13_nothing_that_happens_by_itself_closes_the_way_back() {
        for course in reachable().into_iter().filter(|course| course.phase != Phase::Finalized) {
            for occurrence in occurrences() {
                let next = course.occur(occurrence).map(|next| next.phase);
                assert_ne!(next.ok(), Some(Phase::Finalized), "{course:?} {occurrence:?}");
            }
        }
    }
}

//! The fifteen steps by which a scope changes its owner, forward (a switch) and back (a revert).
//!
//! Every step is journaled before it is begun and after it is done, and can be done again. So a hand-over that stopped,
//! for whatever reason, goes on from its journal. The eleventh step decides: until it is begun, anything that goes
//! wrong cancels the hand-over and its traces are taken away, the fence first, because people wait behind it; from when
//! it is done, the hand-over can only be completed. When nobody knows whether it was done, the store is asked.
//!
//! Nothing here closes the way back: a hand-over ends in following or in being followed, never in
//! [`crate::Phase::Finalized`].

use std::fmt;

use bron_mappings::Digest;
use serde::{Deserialize, Serialize};

use crate::ownership::Owner;

/// Which way ownership goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the legacy systems to the new model.
    Switch,
    /// Back to the legacy systems.
    Revert,
}

impl Direction {
    /// The world that becomes the owner.
    #[must_use]
    pub const fn gains(self) -> Owner {
        match self {
            Self::Switch => Owner::New,
            Self::Revert => Owner::Legacy,
        }
    }

    /// The name that stores and the command line use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Switch => "switch",
            Self::Revert => "revert",
        }
    }
}

/// A step. *The old owner* is the world that owns the scope before, *the new owner* the one that gains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// 1: the scope is locked, by lease and epoch.
    Lock,
    /// 2: every gate is judged anew.
    Gates,
    /// 3: a canary is written, read and deleted on the old owner's side by the way that will be the way back.
    VerifyWayBack,
    /// 4: capture on the new owner's side is started, and its position recorded, before anything changes hands.
    StartCapture,
    /// 5: the old owner's fence is raised: no new write is let in.
    RaiseFence,
    /// 6: transactions that were under way are waited for.
    AwaitTransactions,
    /// 7: only now the old owner's last version is read, and the fence is probed again.
    FinalVersion,
    /// 8: everything up to that version is applied; nothing remains.
    Drain,
    /// 9: what was touched, and a sample of the rest, is compared inside the fence.
    Reconcile,
    /// 10: sequences and ranges of ids are set above everything that was given out.
    IdRanges,
    /// 11: the ownership is committed with the next epoch in the bridge's store, then in both databases. The point of
    /// no return.
    CommitOwnership,
    /// 12: the new owner's side is opened.
    Open,
    /// 13: changes of the new owner begin to be applied to the old one.
    StartApply,
    /// 14: canaries go both ways.
    Canary,
    /// 15: the evidence of all steps is written.
    Evidence,
}

impl Step {
    /// All steps, in their order.
    pub const ALL: [Self; 15] = [
        Self::Lock,
        Self::Gates,
        Self::VerifyWayBack,
        Self::StartCapture,
        Self::RaiseFence,
        Self::AwaitTransactions,
        Self::FinalVersion,
        Self::Drain,
        Self::Reconcile,
        Self::IdRanges,
        Self::CommitOwnership,
        Self::Open,
        Self::StartApply,
        Self::Canary,
        Self::Evidence,
    ];

    /// The steps whose traces a cancelled hand-over takes away, in the order in which it does.
    pub const UNDONE: [Self; 4] = [Self::RaiseFence, Self::VerifyWayBack, Self::StartCapture, Self::Lock];

    /// The number of the step, from 1.
    #[must_use]
    pub fn number(self) -> usize {
        Self::ALL.iter().take_while(|step| **step != self).count() + 1
    }

    /// The step of a number.
    #[must_use]
    pub fn numbered(number: usize) -> Option<Self> {
        Self::ALL.get(number.checked_sub(1)?).copied()
    }

    /// The name that stores and lists use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Gates => "gates",
            Self::VerifyWayBack => "verify-way-back",
            Self::StartCapture => "start-capture",
            Self::RaiseFence => "raise-fence",
            Self::AwaitTransactions => "await-transactions",
            Self::FinalVersion => "final-version",
            Self::Drain => "drain",
            Self::Reconcile => "reconcile",
            Self::IdRanges => "id-ranges",
            Self::CommitOwnership => "commit-ownership",
            Self::Open => "open",
            Self::StartApply => "start-apply",
            Self::Canary => "canary",
            Self::Evidence => "evidence",
        }
    }

    fn following(self) -> Option<Self> {
        Self::numbered(self.number() + 1)
    }
}

/// One entry of the journal of a hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// The step is begun; written before anything of it is done.
    Begun(Step),
    /// The step is done.
    Done(Step),
    /// The step failed.
    Failed(Step),
    /// The step took longer than it may.
    TimedOut(Step),
    /// A person, or a gate that closed, asks to cancel.
    CancelAsked,
    /// The store was asked whether the ownership is committed.
    Found {
        /// It is.
        committed: bool,
    },
    /// The traces of a step are taken away.
    Undone(Step),
}

/// What is to be done next, when nothing is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Next {
    /// Do this step; it may have been done in part.
    Perform(Step),
    /// Ask the store whether the ownership is committed.
    Inquire,
    /// Take the traces of this step away; there may be none.
    Undo(Step),
    /// Nothing: the scope has changed its owner.
    Completed,
    /// Nothing: everything is as before.
    Cancelled,
}

/// Why an entry cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refused {
    /// The ownership is committed: the hand-over only completes.
    PastNoReturn,
    /// Whether the ownership is committed is not known: the store must be asked first.
    InDoubt,
    /// Something else is to be done.
    OutOfOrder(Next),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PastNoReturn => f.write_str(
                "the ownership is committed: the hand-over can only be completed, and then reverted",
            ),
            Self::InDoubt => f.write_str(
                "whether the ownership is committed is not known: resume the hand-over, it asks the store",
            ),
            Self::OutOfOrder(next) => write!(f, "the hand-over does something else next: {next:?}"),
        }
    }
}

impl std::error::Error for Refused {}

/// A hand-over, as far as its journal tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handover {
    direction: Direction,
    /// The last step that is done.
    done: Option<Step>,
    /// The step that is begun and not done.
    begun: Option<Step>,
    /// Whether the ownership is known to be committed.
    committed: bool,
    cancelling: bool,
    /// How many of [`Step::UNDONE`] are dealt with.
    undone: usize,
}

impl Handover {
    /// One of which nothing is done yet.
    #[must_use]
    pub const fn new(direction: Direction) -> Self {
        Self { direction, done: None, begun: None, committed: false, cancelling: false, undone: 0 }
    }

    /// The hand-over that a journal tells of.
    ///
    /// # Errors
    /// With the place of the first entry that no hand-over could have made.
    pub fn read(direction: Direction, entries: &[Entry]) -> Result<Self, (usize, Refused)> {
        let mut handover = Self::new(direction);
        for (place, entry) in entries.iter().enumerate() {
            handover.note(*entry).map_err(|refused| (place, refused))?;
        }
        Ok(handover)
    }

    /// Which way it goes.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// Whether the ownership has changed hands, as far as is known.
    #[must_use]
    pub const fn is_committed(&self) -> bool {
        self.committed
    }

    /// The step that is begun and not done.
    #[must_use]
    pub const fn under_way(&self) -> Option<Step> {
        self.begun
    }

    /// What is to be done next, when nothing is under way: after an entry, and after a crash.
    #[must_use]
    pub fn next(&self) -> Next {
        if self.cancelling {
            return match self.traces().get(self.undone) {
                Some(step) => Next::Undo(*step),
                None => Next::Cancelled,
            };
        }
        match self.begun {
            // Committed in the store is not yet copied to both databases: the step is done again.
            Some(Step::CommitOwnership) if !self.committed => Next::Inquire,
            Some(step) => Next::Perform(step),
            None => self.after_done(),
        }
    }

    fn after_done(&self) -> Next {
        match self.done {
            None => Next::Perform(Step::Lock),
            Some(done) => done.following().map_or(Next::Completed, Next::Perform),
        }
    }

    /// The steps that may have left traces, in the order in which they are undone.
    fn traces(&self) -> Vec<Step> {
        let reached = self.done.max(self.begun);
        Step::UNDONE.into_iter().filter(|step| Some(*step) <= reached).collect()
    }

    /// Takes an entry.
    ///
    /// # Errors
    /// When no hand-over in this state makes it. Nothing is changed then.
    pub fn note(&mut self, entry: Entry) -> Result<(), Refused> {
        let next = self.next();
        let expected = |is_so: bool| if is_so { Ok(()) } else { Err(Refused::OutOfOrder(next)) };
        match entry {
            Entry::Begun(step) => {
                expected(next == Next::Perform(step))?;
                self.begun = Some(step);
            }
            Entry::Done(step) => {
                expected(self.begun == Some(step) && !self.cancelling)?;
                (self.done, self.begun) = (Some(step), None);
                self.committed |= step == Step::CommitOwnership;
            }
            Entry::Failed(step) | Entry::TimedOut(step) => {
                expected(self.begun == Some(step) && !self.cancelling)?;
                // A commit that failed may have been done: `next` asks. What fails after it is done again.
                self.cancelling = step < Step::CommitOwnership;
            }
            Entry::CancelAsked => self.may_cancel().map(|()| self.cancelling = true)?,
            Entry::Found { committed } => {
                expected(next == Next::Inquire)?;
                self.committed = committed;
                if !committed {
                    self.begun = None;
                }
            }
            Entry::Undone(step) => {
                expected(next == Next::Undo(step))?;
                self.undone += 1;
            }
        }
        Ok(())
    }

    /// Whether it can be cancelled.
    ///
    /// # Errors
    /// [`Refused::PastNoReturn`] and [`Refused::InDoubt`].
    pub fn may_cancel(&self) -> Result<(), Refused> {
        if self.is_committed() {
            Err(Refused::PastNoReturn)
        } else if self.begun == Some(Step::CommitOwnership) {
            Err(Refused::InDoubt)
        } else {
            Ok(())
        }
    }

    /// The digest of what the steps found: what is signed off as the evidence of the hand-over.
    #[must_use]
    pub fn evidence(found: &[(Step, Digest)]) -> Digest {
        let mut builder = bron_mappings::DigestBuilder::new("dual-run handover 1");
        for (step, digest) in found {
            builder.part(step.name().as_bytes()).part(digest.as_bytes());
        }
        builder.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Direction; 2] = [Direction::Switch, Direction::Revert];

    /// The journal of the first so many steps, and the next one begun when asked.
    fn journal(done: usize, begun: bool) -> Vec<Entry> {
        let steps = Step::ALL.iter().take(done).flat_map(|step| [Entry::Begun(*step), Entry::Done(*step)]);
        let begun = Step::ALL.get(done).filter(|_| begun).map(|step| Entry::Begun(*step));
        steps.chain(begun).collect()
    }

    /// Drives a hand-over to its end as an executor would, with `committed` as the answer of the store.
    fn drive(mut handover: Handover, committed: bool) -> Next {
        for _ in 0..100 {
            let entries = match handover.next() {
                Next::Perform(step) if handover.under_way() == Some(step) => vec![Entry::Done(step)],
                Next::Perform(step) => vec![Entry::Begun(step), Entry::Done(step)],
                Next::Inquire => vec![Entry::Found { committed }],
                Next::Undo(step) => vec![Entry::Undone(step)],
                end @ (Next::Completed | Next::Cancelled) => return end,
            };
            for entry in entries {
                handover.note(entry).unwrap();
            }
        }
        panic!("the hand-over does not end");
    }

    #[test]
    fn w1_a_crash_after_every_step_resumes_to_the_end() {
        for direction in BOTH {
            for done in 0..=15 {
                for begun in [false, true] {
                    for committed in [false, true] {
                        let handover = Handover::read(direction, &journal(done, begun)).unwrap();
                        assert_eq!(drive(handover, committed), Next::Completed);
                    }
                }
            }
        }
    }

    #[test]
    fn w1_a_cancel_after_every_step_is_legal_until_the_eleventh_is_begun() {
        for direction in BOTH {
            for done in 0..=15 {
                for begun in [false, true] {
                    let mut handover = Handover::read(direction, &journal(done, begun)).unwrap();
                    let asked = handover.note(Entry::CancelAsked);
                    match done {
                        0..=9 => assert_eq!(drive(handover, false), Next::Cancelled),
                        10 if begun => assert_eq!(asked, Err(Refused::InDoubt)),
                        10 => assert_eq!(drive(handover, false), Next::Cancelled),
                        _ => assert_eq!(asked, Err(Refused::PastNoReturn)),
                    }
                }
            }
        }
    }

    #[test]
    fn w4_what_takes_too_long_before_the_commit_cancels_and_the_fence_goes_first() {
        let mut handover = Handover::read(Direction::Switch, &journal(7, true)).unwrap();
        handover.note(Entry::TimedOut(Step::Drain)).unwrap();
        assert_eq!(handover.next(), Next::Undo(Step::RaiseFence));
        assert_eq!(drive(handover, false), Next::Cancelled);
        let mut early = Handover::read(Direction::Switch, &journal(0, true)).unwrap();
        early.note(Entry::Failed(Step::Lock)).unwrap();
        assert_eq!(early.next(), Next::Undo(Step::Lock), "what was never raised is not lowered");
    }

    #[test]
    fn what_fails_at_the_commit_is_asked_for_and_after_it_is_done_again() {
        let mut handover = Handover::read(Direction::Revert, &journal(10, true)).unwrap();
        handover.note(Entry::Failed(Step::CommitOwnership)).unwrap();
        assert_eq!(handover.next(), Next::Inquire);
        let mut found = handover;
        found.note(Entry::Found { committed: true }).unwrap();
        assert_eq!(found.next(), Next::Perform(Step::CommitOwnership), "the copies may not be written yet");
        assert_eq!(found.may_cancel(), Err(Refused::PastNoReturn));
        handover.note(Entry::Found { committed: false }).unwrap();
        assert_eq!(handover.may_cancel(), Ok(()));
        let mut late = Handover::read(Direction::Revert, &journal(12, true)).unwrap();
        late.note(Entry::TimedOut(Step::StartApply)).unwrap();
        assert_eq!(late.next(), Next::Perform(Step::StartApply));
        assert!(late.is_committed());
    }

    #[test]
    fn a_journal_that_no_hand_over_wrote_is_refused() {
        let skipped = [Entry::Begun(Step::Gates)];
        assert_eq!(
            Handover::read(Direction::Switch, &skipped),
            Err((0, Refused::OutOfOrder(Next::Perform(Step::Lock))))
        );
        let unasked = [Entry::Found { committed: true }];
        assert!(Handover::read(Direction::Switch, &unasked).is_err());
        let done = [Entry::Done(Step::Lock)];
        assert!(Handover::read(Direction::Switch, &done).is_err());
    }

    #[test]
    fn steps_are_numbered_as_they_follow() {
        assert_eq!(Step::Lock.number(), 1);
        assert_eq!(Step::CommitOwnership.number(), 11);
        assert_eq!(Step::numbered(15), Some(Step::Evidence));
        assert!(Step::numbered(0).is_none() && Step::numbered(16).is_none());
    }
}

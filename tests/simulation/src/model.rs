//! The protocol in its smallest world, of which every state is visited.
//!
//! One scope with one row, a person writing on either side, a bridge whose every piece of work can be interrupted,
//! repeated and delivered long after, and an operator who switches, cancels, reverts and resumes. Phases ([`Course`]),
//! steps ([`Handover`]), epochs ([`Ownership`]) and the rule of versions ([`arrival`]) are the ones that the program
//! itself decides by. A crash needs no action of its own: nothing is kept between two actions but what a store or a
//! database keeps, so that a bridge that stopped anywhere is a state of the model as any other.

use bron_dual_run::{
    Arrival, Course, Direction, Entry, HaltReason, Handover, Next, Occurrence, Owner, Ownership, Phase, Step,
    Verb, Version, arrival,
};
use stateright::{Model, Property};

/// The protocol as it is, or broken in one of the ways in which others were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variant {
    /// As it is.
    Right,
    /// A row of the seed is read, and written later whatever has come meanwhile.
    SplitCopy,
    /// The follower does not compare epochs.
    NoEpochCheck,
    /// After a halt the comparison from before it is still believed.
    OldComparison,
    /// A hand-over does not wait for what remains.
    NoDrain,
}

/// How much happens.
#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    /// What is broken.
    pub variant: Variant,
    /// How often people write.
    pub writes: u8,
    /// How often the ownership changes.
    pub handovers: u64,
}

/// A state of a row that travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Travelling {
    from: Owner,
    value: u8,
    version: u8,
    epoch: u64,
    marked: bool,
}

/// Everything that stores and databases keep, and what an observer knows beside.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    rows: [u8; 2],
    versions: [u8; 2],
    /// The version that was applied last, by the side it came from.
    ledger: [Option<u8>; 2],
    queues: [Vec<Travelling>; 2],
    copies: [Ownership; 2],
    owned: Ownership,
    fence: Option<Owner>,
    course: Course,
    handover: Option<Handover>,
    /// What both worlds agreed on.
    agreed: u8,
    /// A row that was read for the seed.
    chunk: Option<Travelling>,
    /// Work of a bridge that sleeps.
    sleeping: Option<Travelling>,
    /// Whether the worlds were compared and equal, as the gates have it.
    clean: bool,
    /// The same, as an observer has it.
    earned: bool,
    /// Whether changes were missed since.
    missed: bool,
    written: u8,
    acknowledged: u8,
    lost: bool,
    echoed: bool,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Somebody writes.
    Write(Owner),
    /// The next change of a side is dealt with.
    Deal(Owner),
    /// A bridge reads the next change of a side and falls asleep.
    Sleep(Owner),
    /// It wakes up.
    Wake,
    /// The row is read for a seed.
    ReadChunk,
    /// It is written.
    WriteChunk,
    /// The source loses its log.
    Expire,
    /// The worlds are compared.
    Compare,
    /// The operator asks for something.
    Ask(Verb),
    /// A hand-over makes the next entry of its journal, or has the effect of its step.
    Go,
    /// A hand-over takes too long.
    TimeOut,
    /// It is asked to cancel.
    Cancel,
}

const fn at(owner: Owner) -> usize {
    match owner {
        Owner::Legacy => 0,
        Owner::New => 1,
    }
}

fn version(number: u8) -> Version {
    Version { major: u64::from(number), minor: 0 }
}

impl State {
    fn new() -> Self {
        let original = Ownership::original();
        let course = Course { phase: Phase::Following, ..Course::default() };
        Self {
            rows: [0; 2],
            versions: [0; 2],
            ledger: [None; 2],
            queues: [Vec::new(), Vec::new()],
            copies: [original; 2],
            owned: original,
            fence: None,
            course,
            handover: None,
            agreed: 0,
            chunk: None,
            sleeping: None,
            clean: false,
            earned: false,
            missed: false,
            written: 0,
            acknowledged: 0,
            lost: false,
            echoed: false,
        }
    }

    fn admits(&self, world: Owner) -> bool {
        self.copies[at(world)].owner == world && self.fence != Some(world)
    }

    /// A change of a side reaches the other.
    fn apply(&mut self, change: Travelling, variant: Variant, blind: bool) {
        let follower = change.from.other();
        let is_current = self.copies[at(follower)].epoch.changes() == change.epoch;
        let is_owners = self.copies[at(follower)].owner == change.from;
        if variant != Variant::NoEpochCheck && !(is_current && is_owners) {
            return;
        }
        let last = self.ledger[at(change.from)].map(version);
        if !blind && arrival(last, version(change.version)) == Arrival::Late {
            return;
        }
        self.echoed |= change.marked;
        self.ledger[at(change.from)] = Some(change.version);
        self.agreed = change.value;
        if self.rows[at(follower)] != change.value {
            self.rows[at(follower)] = change.value;
            self.capture(follower, change.value, true);
        }
    }

    fn capture(&mut self, world: Owner, value: u8, marked: bool) {
        self.versions[at(world)] += 1;
        let epoch = self.copies[at(world)].epoch.changes();
        let version = self.versions[at(world)];
        self.queues[at(world)].push(Travelling { from: world, value, version, epoch, marked });
    }

    fn next_of(&self, from: Owner) -> Option<Travelling> {
        let change = *self.queues[at(from)].first()?;
        // The bridge works under the ownership that it finds.
        Some(Travelling { epoch: self.owned.epoch.changes(), ..change })
    }

    fn deal(&mut self, from: Owner, variant: Variant) -> Option<()> {
        let change = self.next_of(from)?;
        self.queues[at(from)].remove(0);
        let is_echo = change.marked && (change.value == self.agreed || self.rows[at(from)] != change.value);
        if is_echo {
            return Some(());
        }
        // What a person wrote and was told is written must not turn out to be a stranger's.
        self.lost |= self.owned.owner != from && !change.marked;
        self.apply(change, variant, false);
        Some(())
    }

    fn is_drained(&self, from: Owner) -> bool {
        self.queues[at(from)].is_empty()
    }

    fn enter(&mut self, entry: Entry) -> Option<()> {
        self.handover.as_mut()?.note(entry).ok()
    }

    fn go(&mut self, variant: Variant) -> Option<()> {
        let handover = self.handover?;
        match handover.next() {
            Next::Perform(step) if handover.under_way() != Some(step) => self.enter(Entry::Begun(step)),
            Next::Perform(step) => {
                if self.perform(handover.direction(), step, variant)? {
                    self.enter(Entry::Done(step))
                } else {
                    Some(())
                }
            }
            Next::Inquire => {
                let gains = handover.direction().gains();
                // The commit in the store and the notice of it are two actions.
                if self.owned.owner == gains {
                    return self.enter(Entry::Found { committed: true });
                }
                self.owned = self.owned.handed_over();
                self.lost |= self.rows[at(gains)] != self.acknowledged;
                Some(())
            }
            Next::Undo(step) => {
                if step == Step::RaiseFence {
                    self.fence = None;
                }
                self.enter(Entry::Undone(step))
            }
            Next::Completed => self.end(Occurrence::HandedOver),
            Next::Cancelled => self.end(Occurrence::Cancelled),
        }
    }

    fn end(&mut self, occurrence: Occurrence) -> Option<()> {
        self.course = self.course.occur(occurrence).ok()?;
        self.handover = None;
        self.earned = false;
        self.clean = false;
        Some(())
    }

    /// The effect of a step, and whether it is done with it; none while it has to wait.
    fn perform(&mut self, direction: Direction, step: Step, variant: Variant) -> Option<bool> {
        let loses = direction.gains().other();
        match step {
            Step::RaiseFence => self.fence = Some(loses),
            Step::Drain if variant != Variant::NoDrain && !self.is_drained(loses) => return None,
            Step::CommitOwnership => {
                // One copy, then the other: the hand-over may stop between them.
                let behind = [loses, direction.gains()]
                    .into_iter()
                    .find(|world| self.copies[at(*world)] != self.owned);
                if let Some(world) = behind {
                    self.copies[at(world)] = self.owned;
                }
                return Some(behind.is_none());
            }
            Step::Open => self.fence = None,
            Step::Lock
            | Step::Gates
            | Step::VerifyWayBack
            | Step::StartCapture
            | Step::AwaitTransactions
            | Step::FinalVersion
            | Step::Drain
            | Step::Reconcile
            | Step::IdRanges
            | Step::StartApply
            | Step::Canary
            | Step::Evidence => {}
        }
        Some(true)
    }

    fn ask(&mut self, verb: Verb, variant: Variant) -> Option<()> {
        let gated = matches!(verb, Verb::Arm | Verb::Switch);
        if gated && !self.clean {
            return None;
        }
        self.course = self.course.act(verb).ok()?;
        match verb {
            Verb::Switch => self.handover = Some(Handover::new(Direction::Switch)),
            Verb::Revert => self.handover = Some(Handover::new(Direction::Revert)),
            Verb::Resume => {
                self.earned = false;
                self.clean &= variant == Variant::OldComparison;
            }
            Verb::Seed
            | Verb::Shadow
            | Verb::Follow
            | Verb::Arm
            | Verb::Disarm
            | Verb::Complete
            | Verb::Cancel
            | Verb::Finalize
            | Verb::Retire
            | Verb::Pause => {}
        }
        Some(())
    }
}

impl Protocol {
    fn follow(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Write(world) => {
                if state.written == self.writes || !state.admits(world) {
                    return None;
                }
                next.written += 1;
                next.acknowledged = next.written;
                next.rows[at(world)] = next.written;
                next.capture(world, next.written, false);
            }
            Action::Deal(from) => next.deal(from, self.variant)?,
            Action::Sleep(from) => {
                let change =
                    state.next_of(from).filter(|change| !change.marked && state.sleeping.is_none())?;
                next.sleeping = Some(change);
            }
            Action::Wake => {
                let change = next.sleeping.take()?;
                next.apply(change, self.variant, false);
            }
            Action::ReadChunk => {
                let legacys = matches!(state.course.phase, Phase::Following | Phase::Halted(_));
                let owned = state.owned == Ownership::original() && state.chunk.is_none();
                next.chunk = (legacys && owned).then(|| Travelling {
                    from: Owner::Legacy,
                    value: state.rows[0],
                    version: state.versions[0],
                    epoch: 0,
                    marked: false,
                });
                next.chunk?;
            }
            Action::WriteChunk => {
                let chunk = next.chunk.take()?;
                next.apply(chunk, self.variant, self.variant == Variant::SplitCopy);
                next.missed &= next.rows[0] != next.rows[1] || !next.is_drained(Owner::Legacy);
            }
            Action::Expire => {
                let is_whole = state.is_drained(Owner::Legacy) || state.missed;
                if is_whole || state.owned != Ownership::original() || state.course.iteration > 0 {
                    return None;
                }
                next.course = state.course.occur(Occurrence::Halt(HaltReason::PositionExpired)).ok()?;
                next.queues[0].clear();
                (next.missed, next.earned) = (true, false);
            }
            Action::Compare => {
                let equal = state.rows[0] == state.rows[1] && state.is_drained(Owner::Legacy);
                if state.course.phase != Phase::Shadowing || state.clean || !equal {
                    return None;
                }
                (next.clean, next.earned) = (true, true);
            }
            Action::Ask(verb) => {
                if verb == Verb::Switch && state.owned.epoch.changes() + 2 > self.handovers {
                    return None;
                }
                next.ask(verb, self.variant)?;
            }
            Action::Go => next.go(self.variant)?,
            Action::TimeOut => next.enter(Entry::TimedOut(state.handover?.under_way()?))?,
            Action::Cancel => next.enter(Entry::CancelAsked)?,
        }
        Some(next)
    }
}

const ACTIONS: [Action; 20] = [
    Action::Write(Owner::Legacy),
    Action::Write(Owner::New),
    Action::Deal(Owner::Legacy),
    Action::Deal(Owner::New),
    Action::Sleep(Owner::Legacy),
    Action::Sleep(Owner::New),
    Action::Wake,
    Action::ReadChunk,
    Action::WriteChunk,
    Action::Expire,
    Action::Compare,
    Action::Ask(Verb::Shadow),
    Action::Ask(Verb::Arm),
    Action::Ask(Verb::Switch),
    Action::Ask(Verb::Revert),
    Action::Ask(Verb::Pause),
    Action::Ask(Verb::Resume),
    Action::Go,
    Action::TimeOut,
    Action::Cancel,
];

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new()]
    }

    fn actions(&self, _state: &State, actions: &mut Vec<Action>) {
        actions.extend(ACTIONS);
    }

    fn next_state(&self, last_state: &State, action: Action) -> Option<State> {
        self.follow(last_state, action).filter(|next| next != last_state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("one side may write", |_, state: &State| {
                !(state.admits(Owner::Legacy) && state.admits(Owner::New))
            }),
            Property::always("no acknowledged write is lost", |_, state: &State| !state.lost),
            Property::always("nothing comes round", |_, state: &State| !state.echoed),
            Property::always("no gate is bypassed", |_, state: &State| {
                state.course.phase != Phase::Switching || state.earned
            }),
            Property::always("at rest both worlds hold what was written", |_, state: &State| {
                let at_rest = state.queues.iter().all(Vec::is_empty) && !state.missed;
                !at_rest || state.rows == [state.acknowledged; 2]
            }),
            Property::always("nothing but a decision closes the way back", |_, state: &State| {
                state.course.phase != Phase::Finalized
            }),
            Property::sometimes("a scope comes back", |_, state: &State| state.course.iteration > 0),
        ]
    }
}

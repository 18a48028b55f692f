//! The operator: takes scopes from phase to phase, and hands them over step by step.

use bron_dual_run::{
    Bridge, Course, Direction, Entry, Epoch, Event, Handover, Next, Occurrence, Owner, Ownership,
    OwnershipRow, OwnershipTable, Phase, Step, Turn, Verb,
};

use crate::database::Sabotage;
use crate::run::World;
use crate::toy::{Rows, UNITS, in_legacy, in_the_model, scope, without_derived};

/// What is kept of a unit's scope, whatever happens to the bridge.
#[derive(Clone, Debug)]
pub(crate) struct Affairs {
    /// How far it has come.
    pub(crate) course: Course,
    /// Who owns it.
    pub(crate) ownership: Ownership,
    /// The journal of the hand-over that is under way.
    pub(crate) handover: Option<(Direction, Vec<Entry>)>,
}

impl Default for Affairs {
    fn default() -> Self {
        Self { course: Course::default(), ownership: Ownership::original(), handover: None }
    }
}

impl Affairs {
    /// The hand-over as its journal tells.
    ///
    /// # Panics
    /// When the journal is none of a hand-over: the operator wrote it.
    #[must_use]
    pub(crate) fn under_way(&self) -> Option<Handover> {
        let (direction, entries) = self.handover.as_ref()?;
        Some(Handover::read(*direction, entries).expect("the operator journals a hand-over"))
    }
}

impl World {
    /// The table of ownership as the store has it.
    ///
    /// # Panics
    /// Never: every scope has one row.
    #[must_use]
    pub(crate) fn table(&self) -> OwnershipTable {
        let whole = OwnershipRow {
            area: "toy".to_owned(),
            unit: None,
            entity: None,
            group: None,
            ownership: Ownership::original(),
        };
        let of = |unit: &&str| OwnershipRow {
            unit: Some(scope(unit).unit()),
            ownership: self.affairs[*unit].ownership,
            ..whole.clone()
        };
        let rows = std::iter::once(whole.clone()).chain(UNITS.iter().map(of)).collect();
        OwnershipTable::new(rows, ["toy"]).expect("the table is total and without ambiguity")
    }

    fn act(&mut self, unit: &str, verb: Verb) -> bool {
        let affairs = self.affairs_of(unit);
        let Ok(course) = affairs.course.act(verb) else {
            return false;
        };
        affairs.course = course;
        self.trace.push(Event::Acted { scope: scope(unit).to_string(), verb });
        true
    }

    /// Takes note that something happened to a scope.
    ///
    /// # Panics
    /// When it cannot happen in the phase.
    pub(crate) fn occur(&mut self, unit: &str, occurrence: Occurrence) {
        let affairs = self.affairs_of(unit);
        affairs.course = affairs.course.occur(occurrence).expect("it happens in this phase");
        self.trace.push(Event::Occurred { scope: scope(unit).to_string(), occurrence });
    }

    fn affairs_of(&mut self, unit: &str) -> &mut Affairs {
        self.affairs.entry(unit.to_owned()).or_default()
    }

    /// Begins the seed of every scope.
    pub(crate) fn begin_seed(&mut self) {
        for unit in UNITS {
            self.act(unit, Verb::Seed);
        }
    }

    /// Whether nothing of anybody is parked: the gates of the small city.
    fn gates_are_open(&self) -> bool {
        self.store.borrow().blocked().is_empty()
    }

    /// One thing that an operator does to a scope.
    ///
    /// # Errors
    /// What no operator may see.
    pub(crate) fn operate(&mut self, unit: &str, bridge: &mut Bridge<'_>) -> Result<(), String> {
        match self.affairs_of(unit).course.phase {
            Phase::Following => {
                if self.random.happens(100) {
                    self.act(unit, Verb::Pause);
                } else {
                    self.act(unit, Verb::Shadow);
                }
            }
            Phase::Shadowing | Phase::Armed => {
                let open = self.gates_are_open();
                self.trace.push(Event::Judged { scope: scope(unit).to_string(), open });
                let armed = self.affairs_of(unit).course.phase == Phase::Armed;
                match (open, armed) {
                    (true, false) => drop(self.act(unit, Verb::Arm)),
                    (true, true) => self.start(unit, Verb::Switch, Direction::Switch),
                    (false, true) => self.occur(unit, Occurrence::GateClosed),
                    (false, false) => {}
                }
            }
            Phase::Reversing => self.start(unit, Verb::Revert, Direction::Revert),
            Phase::Switching | Phase::Reverting => self.go_on(unit, bridge)?,
            Phase::Halted(_) => drop(self.act(unit, Verb::Resume)),
            Phase::Planned | Phase::Seeding | Phase::Finalized | Phase::Retired => {}
        }
        Ok(())
    }

    fn start(&mut self, unit: &str, verb: Verb, direction: Direction) {
        if self.act(unit, verb) {
            self.affairs_of(unit).handover = Some((direction, Vec::new()));
        }
    }

    fn enter(&mut self, unit: &str, entry: Entry) -> bool {
        let Some(mut handover) = self.affairs_of(unit).under_way() else {
            return false;
        };
        if handover.note(entry).is_err() {
            return false;
        }
        if let Some((_, entries)) = &mut self.affairs_of(unit).handover {
            entries.push(entry);
        }
        self.faults.borrow_mut().tell(|| format!("unit {unit}: {entry:?}"));
        self.trace.push(Event::Stepped { scope: scope(unit).to_string(), entry });
        true
    }

    /// The next step of a hand-over; it may be interrupted before and after it has its effect.
    ///
    /// # Errors
    /// What no operator may see.
    pub(crate) fn go_on(&mut self, unit: &str, bridge: &mut Bridge<'_>) -> Result<(), String> {
        let Some(handover) = self.affairs_of(unit).under_way() else {
            return Err(format!("unit {unit} is being handed over and has no journal of it"));
        };
        if self.faults.borrow_mut().happens(self.impatience) {
            self.enter(unit, Entry::CancelAsked);
            return Ok(());
        }
        match handover.next() {
            Next::Perform(step) => {
                if handover.under_way() != Some(step) && !self.enter(unit, Entry::Begun(step)) {
                    return Err(format!("{step:?} cannot be begun"));
                }
                self.perform_step(unit, handover.direction(), step, bridge)?;
            }
            Next::Inquire => {
                let committed = self.affairs_of(unit).ownership.owner == handover.direction().gains();
                self.enter(unit, Entry::Found { committed });
            }
            Next::Undo(step) => {
                self.undo(unit, handover.direction(), step);
                self.enter(unit, Entry::Undone(step));
            }
            end @ (Next::Completed | Next::Cancelled) => {
                let occurrence =
                    if end == Next::Completed { Occurrence::HandedOver } else { Occurrence::Cancelled };
                self.tally.note(handover.direction(), end);
                self.affairs_of(unit).handover = None;
                self.occur(unit, occurrence);
            }
        }
        Ok(())
    }

    fn interrupted(&self) -> bool {
        self.faults.borrow_mut().happens(self.stumbles)
    }

    fn perform_step(
        &mut self,
        unit: &str,
        direction: Direction,
        step: Step,
        bridge: &mut Bridge<'_>,
    ) -> Result<(), String> {
        if self.interrupted() {
            return Ok(());
        }
        let done = self.do_step(unit, direction, step, bridge)?;
        if self.interrupted() {
            return Ok(());
        }
        match done {
            Some(true) => drop(self.enter(unit, Entry::Done(step))),
            Some(false) => drop(self.enter(unit, Entry::Failed(step))),
            // Not yet: the next time it is tried again, or time is up.
            None if self.faults.borrow_mut().happens(100) => drop(self.enter(unit, Entry::TimedOut(step))),
            None => {}
        }
        Ok(())
    }

    /// Does a step: whether it is done, has failed, or (none) takes longer.
    fn do_step(
        &mut self,
        unit: &str,
        direction: Direction,
        step: Step,
        bridge: &mut Bridge<'_>,
    ) -> Result<Option<bool>, String> {
        let (gains, loses) = (direction.gains(), direction.gains().other());
        Ok(match step {
            Step::Lock
            | Step::VerifyWayBack
            | Step::IdRanges
            | Step::StartApply
            | Step::Canary
            | Step::Evidence => Some(true),
            Step::StartCapture => bridge.begin(gains).is_ok().then_some(true),
            Step::Gates => Some(self.gates_are_open()),
            Step::RaiseFence => {
                for world in [loses, gains] {
                    self.database(world).borrow_mut().fence(&scope(unit), true);
                }
                Some(true)
            }
            Step::AwaitTransactions => {
                let waits = self.open.iter().any(|(act, units)| act.world == loses && units.contains(unit));
                (!waits || self.sabotage == Sabotage::NoWait).then_some(true)
            }
            Step::FinalVersion => Some(true),
            Step::Drain if self.sabotage == Sabotage::NoDrain => Some(true),
            // Both ways are read to the end: what somebody wrote on the follower's side must be known before it becomes
            // the owner's.
            Step::Drain => {
                let is_drained = self.drained(loses, bridge) && self.drained(gains, bridge);
                if is_drained && !self.gates_are_open() { Some(false) } else { is_drained.then_some(true) }
            }
            Step::Reconcile if self.sabotage == Sabotage::NoDrain => Some(true),
            Step::Reconcile => Some(self.agrees(unit)),
            Step::CommitOwnership => {
                let is_done = self.commit(unit, gains);
                if !self.sleepy {
                    bridge.set_ownership(self.table());
                }
                is_done.then_some(true)
            }
            Step::Open => {
                for world in [Owner::Legacy, Owner::New] {
                    self.database(world).borrow_mut().fence(&scope(unit), false);
                }
                Some(true)
            }
        })
    }

    /// Takes a turn, and tells whether nothing remains.
    fn drained(&self, from: Owner, bridge: &mut Bridge<'_>) -> bool {
        let clock = self.database(from).borrow().clock();
        for _ in 0..50 {
            match bridge.turn(from) {
                Ok(Turn::Idle(version)) if version.major >= clock => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        false
    }

    /// Whether both worlds hold what is true of a unit.
    fn agrees(&self, unit: &str) -> bool {
        let of_unit = self.city.iter().filter(|(_, person)| person.unit == unit);
        let of_unit = of_unit.map(|(id, person)| (*id, person.clone())).collect();
        let holds =
            |rows: &Rows, expected: Rows| expected.iter().all(|(key, row)| rows.get(key) == Some(row));
        holds(self.new.borrow().rows(), in_the_model(&of_unit))
            && holds(&without_derived(self.legacy.borrow().rows()), in_legacy(&of_unit))
    }

    /// Commits the ownership in the store, then the copies; any of the writes may be the last that is done. Tells
    /// whether all are.
    fn commit(&mut self, unit: &str, gains: Owner) -> bool {
        let token = self.store.borrow().token;
        let affairs = self.affairs_of(unit);
        if affairs.ownership.owner != gains {
            affairs.ownership = affairs.ownership.handed_over();
            let epoch = affairs.ownership.epoch.changes();
            self.trace.push(Event::Owned { token, scope: scope(unit).to_string(), owner: gains, epoch });
        }
        let ownership = self.affairs_of(unit).ownership;
        for world in [gains.other(), gains] {
            if self.interrupted() {
                return false;
            }
            self.database(world).borrow_mut().set_copy(&scope(unit), ownership);
            let epoch = Epoch::changes(ownership.epoch);
            self.trace.push(Event::Copied { scope: scope(unit).to_string(), world, epoch });
        }
        true
    }

    fn undo(&mut self, unit: &str, direction: Direction, step: Step) {
        if step == Step::RaiseFence {
            for world in [direction.gains().other(), direction.gains()] {
                self.database(world).borrow_mut().fence(&scope(unit), false);
            }
        }
    }
}

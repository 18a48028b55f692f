//! What bridges may be seen to do.
//!
//! A trace is what one or several bridges did, in the order in which the stores and databases saw it. [`Chronicle`] is
//! the transition function of the protocol over such events: the model that is checked exhaustively moves by it, the
//! simulation is held to it, and so are recorded traces of real runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::handover::{Direction, Entry, Handover, Next, Step};
use super::verbs::{Course, Occurrence, Verb};
use crate::ownership::{Epoch, Owner, Ownership};

/// How an apply ended in the follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Committed.
    Committed,
    /// It had been applied before.
    Already,
    /// Refused: a scope is under another epoch.
    StaleEpoch,
}

/// One thing that was seen. Scopes are written as [`crate::Scope`] shows them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// A bridge took the lease, with this fencing token.
    Started {
        /// The token: higher than every one before.
        token: u64,
    },
    /// A cut was journaled.
    Journaled {
        /// The token of the bridge.
        token: u64,
        /// The side it comes from.
        from: Owner,
        /// Its place in the journal.
        cut: u64,
    },
    /// A cut was sent to the follower.
    Applied {
        /// The side it comes from.
        from: Owner,
        /// Its place in the journal.
        cut: u64,
        /// The scopes it writes in, each with the epoch it was read under.
        epochs: Vec<(String, u64)>,
        /// What came of it.
        outcome: Outcome,
    },
    /// A cut came to nothing: it held echoes, or nothing.
    Passed {
        /// The side it comes from.
        from: Owner,
        /// Its place in the journal.
        cut: u64,
    },
    /// A bridge that was started, or had lost sight, asked the follower and heard that this cut is the last it applied.
    Found {
        /// The side that the cut comes from.
        from: Owner,
        /// Its place in the journal.
        cut: u64,
    },
    /// All gates of a scope were judged.
    Judged {
        /// The scope.
        scope: String,
        /// Whether they are open and signed.
        open: bool,
    },
    /// A person asked for something, and it was done.
    Acted {
        /// The scope.
        scope: String,
        /// What was asked for.
        verb: Verb,
    },
    /// Something happened.
    Occurred {
        /// The scope.
        scope: String,
        /// What.
        occurrence: Occurrence,
    },
    /// An entry of the journal of a hand-over.
    Stepped {
        /// The scope.
        scope: String,
        /// The entry.
        entry: Entry,
    },
    /// The ownership was committed in the bridge's store.
    Owned {
        /// The token of the bridge.
        token: u64,
        /// The scope.
        scope: String,
        /// The owner.
        owner: Owner,
        /// The epoch, in changes of ownership.
        epoch: u64,
    },
    /// The copy of the ownership was written in a database.
    Copied {
        /// The scope.
        scope: String,
        /// The world of the database.
        world: Owner,
        /// The epoch of the copy.
        epoch: u64,
    },
}

/// A scope in a chronicle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Tale {
    course: Course,
    ownership: Ownership,
    copies: BTreeMap<Owner, Epoch>,
    handover: Option<Handover>,
    /// Whether the gates were open when they were last judged, and nothing has happened since that makes the
    /// judgement worthless.
    open: bool,
}

impl Default for Tale {
    fn default() -> Self {
        let copies = [Owner::Legacy, Owner::New].map(|world| (world, Epoch::default()));
        Self {
            course: Course::default(),
            ownership: Ownership::original(),
            copies: BTreeMap::from(copies),
            handover: None,
            open: false,
        }
    }
}

/// What has been seen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chronicle {
    token: u64,
    cut: u64,
    /// Cuts of each side that are journaled and neither applied nor passed over.
    waiting: BTreeMap<Owner, BTreeSet<u64>>,
    scopes: BTreeMap<String, Tale>,
}

/// An event that the protocol does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The place of the event in the trace, from 0.
    pub at: usize,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {} is not allowed: {}", self.at, self.why)
    }
}

impl std::error::Error for Violation {}

/// Whether a trace is one of the protocol.
///
/// # Errors
/// With the first event that is not.
pub fn accepts<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<Chronicle, Violation> {
    let mut chronicle = Chronicle::default();
    for (at, event) in events.into_iter().enumerate() {
        chronicle.see(event).map_err(|why| Violation { at, why })?;
    }
    Ok(chronicle)
}

fn when(is_so: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(why()) }
}

impl Chronicle {
    /// Takes an event.
    ///
    /// # Errors
    /// Why the protocol does not allow it. Nothing is changed then.
    pub fn see(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::Started { token } => {
                when(*token > self.token, || format!("token {token} is not above {}", self.token))?;
                self.token = *token;
            }
            Event::Journaled { token, from, cut } => {
                self.holds_lease(*token)?;
                when(*cut == self.cut + 1, || format!("cut {cut} does not follow {}", self.cut))?;
                self.cut = *cut;
                self.waiting.entry(*from).or_default().insert(*cut);
            }
            Event::Applied { from, cut, epochs, outcome } => self.applied(*from, *cut, epochs, *outcome)?,
            Event::Passed { from, cut } => {
                // A bridge that was started anew passes over what another had passed over.
                if self.is_waiting(*from, *cut) {
                    self.is_first(*from, *cut)?;
                }
                self.waiting.entry(*from).or_default().remove(cut);
            }
            Event::Found { from, cut } => {
                when(*cut <= self.cut, || format!("cut {cut} was never journaled"))?;
                self.waiting.entry(*from).or_default().retain(|waiting| waiting > cut);
            }
            Event::Judged { scope, open } => self.tale(scope).open = *open,
            Event::Acted { scope, verb } => self.acted(scope, *verb)?,
            Event::Occurred { scope, occurrence } => self.occurred(scope, *occurrence)?,
            Event::Stepped { scope, entry } => self.stepped(scope, *entry)?,
            Event::Owned { token, scope, owner, epoch } => self.owned(*token, scope, *owner, *epoch)?,
            Event::Copied { scope, world, epoch } => {
                let tale = self.tale(scope);
                let is_known = Epoch::after(*epoch) <= tale.ownership.epoch;
                let goes_on = tale.copies.get(world).is_none_or(|copy| *copy <= Epoch::after(*epoch));
                when(is_known && goes_on, || format!("a copy of {scope} cannot be of epoch {epoch}"))?;
                tale.copies.insert(*world, Epoch::after(*epoch));
            }
        }
        Ok(())
    }

    /// The course of a scope.
    #[must_use]
    pub fn course(&self, scope: &str) -> Course {
        self.scopes.get(scope).map(|tale| tale.course).unwrap_or_default()
    }

    /// The ownership of a scope in the bridge's store.
    #[must_use]
    pub fn ownership(&self, scope: &str) -> Ownership {
        self.scopes.get(scope).map_or_else(Ownership::original, |tale| tale.ownership)
    }

    /// The epoch of the copy in a database.
    #[must_use]
    pub fn copy(&self, scope: &str, world: Owner) -> Epoch {
        let tale = self.scopes.get(scope);
        tale.and_then(|tale| tale.copies.get(&world).copied()).unwrap_or_default()
    }

    /// The hand-over that a scope is in.
    #[must_use]
    pub fn handover(&self, scope: &str) -> Option<Handover> {
        self.scopes.get(scope).and_then(|tale| tale.handover)
    }

    /// Whether a cut of a side waits to be applied.
    #[must_use]
    pub fn is_waiting(&self, from: Owner, cut: u64) -> bool {
        self.waiting.get(&from).is_some_and(|cuts| cuts.contains(&cut))
    }

    fn tale(&mut self, scope: &str) -> &mut Tale {
        self.scopes.entry(scope.to_owned()).or_default()
    }

    fn holds_lease(&self, token: u64) -> Result<(), String> {
        when(token == self.token, || format!("token {token} has no lease: {} has", self.token))
    }

    fn is_first(&self, from: Owner, cut: u64) -> Result<(), String> {
        let first = self.waiting.get(&from).and_then(BTreeSet::first);
        when(first == Some(&cut), || format!("cut {cut} is not the next of its side: {first:?} is"))
    }

    fn applied(
        &mut self,
        from: Owner,
        cut: u64,
        epochs: &[(String, u64)],
        outcome: Outcome,
    ) -> Result<(), String> {
        let follower = from.other();
        let stale = |(scope, epoch): &&(String, u64)| self.copy(scope, follower) != Epoch::after(*epoch);
        let stale = epochs.iter().find(stale);
        match outcome {
            Outcome::StaleEpoch => when(stale.is_some(), || "no epoch is stale".to_owned()),
            Outcome::Already => {
                when(!self.is_waiting(from, cut), || format!("cut {cut} has not been applied before"))
            }
            Outcome::Committed => {
                self.is_first(from, cut)?;
                if let Some((scope, epoch)) = stale {
                    return Err(format!("cut {cut} was applied under epoch {epoch} of {scope}"));
                }
                let owned = |(scope, _): &(String, u64)| self.owner_in(scope, follower) == from;
                when(epochs.is_empty() || epochs.iter().any(owned), || {
                    format!("cut {cut} comes from a side that owns none of its scopes")
                })?;
                self.waiting.entry(from).or_default().remove(&cut);
                Ok(())
            }
        }
    }

    /// Who owns a scope by the copy in a database: owners take turns, one in each epoch.
    fn owner_in(&self, scope: &str, world: Owner) -> Owner {
        if self.copy(scope, world).changes().is_multiple_of(2) { Owner::Legacy } else { Owner::New }
    }

    fn acted(&mut self, scope: &str, verb: Verb) -> Result<(), String> {
        let tale = self.tale(scope);
        let course = tale.course.act(verb).map_err(|illegal| illegal.to_string())?;
        match verb {
            Verb::Switch => {
                when(tale.open, || "the gates are not open".to_owned())?;
                tale.handover = Some(Handover::new(Direction::Switch));
            }
            Verb::Revert => tale.handover = Some(Handover::new(Direction::Revert)),
            Verb::Cancel => {
                let handover = tale.handover.ok_or("no hand-over is under way")?;
                handover.may_cancel().map_err(|refused| refused.to_string())?;
            }
            Verb::Arm => when(tale.open, || "the gates are not open".to_owned())?,
            Verb::Seed
            | Verb::Shadow
            | Verb::Follow
            | Verb::Disarm
            | Verb::Complete
            | Verb::Finalize
            | Verb::Retire
            | Verb::Pause
            | Verb::Resume => {}
        }
        // What was judged before a stop holds no longer after it.
        tale.open &= !matches!(verb, Verb::Resume | Verb::Seed | Verb::Switch);
        tale.course = course;
        Ok(())
    }

    fn occurred(&mut self, scope: &str, occurrence: Occurrence) -> Result<(), String> {
        let tale = self.tale(scope);
        let course = tale.course.occur(occurrence).map_err(|illegal| illegal.to_string())?;
        let end = match occurrence {
            Occurrence::HandedOver => Some(Next::Completed),
            Occurrence::Cancelled => Some(Next::Cancelled),
            Occurrence::Halt(_) | Occurrence::GateClosed => {
                tale.open = false;
                None
            }
            Occurrence::Seeded => None,
        };
        if end.is_some() {
            let next = tale.handover.map(|handover| handover.next());
            when(next == end, || format!("the hand-over has not ended so: {next:?}"))?;
            tale.handover = None;
        }
        tale.course = course;
        Ok(())
    }

    fn stepped(&mut self, scope: &str, entry: Entry) -> Result<(), String> {
        let tale = self.tale(scope);
        let mut handover = tale.handover.ok_or("no hand-over is under way")?;
        handover.note(entry).map_err(|refused| refused.to_string())?;
        let committed = tale.ownership.owner == handover.direction().gains();
        let told_right = match entry {
            Entry::Done(Step::CommitOwnership) => committed,
            Entry::Found { committed: found } => found == committed,
            Entry::Begun(_)
            | Entry::Done(_)
            | Entry::Failed(_)
            | Entry::TimedOut(_)
            | Entry::CancelAsked
            | Entry::Undone(_) => true,
        };
        when(told_right, || format!("{entry:?} is not what the store says"))?;
        tale.handover = Some(handover);
        Ok(())
    }

    fn owned(&mut self, token: u64, scope: &str, owner: Owner, epoch: u64) -> Result<(), String> {
        self.holds_lease(token)?;
        let tale = self.tale(scope);
        let is_begun =
            tale.handover.is_some_and(|handover| handover.under_way() == Some(Step::CommitOwnership));
        when(is_begun, || format!("{scope} changed its owner outside of a hand-over"))?;
        let next = tale.ownership.handed_over();
        when(next == Ownership { owner, epoch: Epoch::after(epoch) }, || {
            format!("{scope} cannot come to {} under epoch {epoch}", owner.name())
        })?;
        tale.ownership = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: &str = "ekonomiskt-bistand/SDN03/myndighet";

    fn scope() -> String {
        SCOPE.to_owned()
    }

    fn acted(verb: Verb) -> Event {
        Event::Acted { scope: scope(), verb }
    }

    fn occurred(occurrence: Occurrence) -> Event {
        Event::Occurred { scope: scope(), occurrence }
    }

    /// From nothing to the new model as the owner.
    fn switched() -> Vec<Event> {
        let mut events = vec![
            Event::Started { token: 1 },
            acted(Verb::Seed),
            occurred(Occurrence::Seeded),
            acted(Verb::Shadow),
            Event::Judged { scope: scope(), open: true },
            acted(Verb::Arm),
            acted(Verb::Switch),
        ];
        for step in Step::ALL {
            events.push(Event::Stepped { scope: scope(), entry: Entry::Begun(step) });
            if step == Step::CommitOwnership {
                events.push(Event::Owned { token: 1, scope: scope(), owner: Owner::New, epoch: 1 });
                for world in [Owner::Legacy, Owner::New] {
                    events.push(Event::Copied { scope: scope(), world, epoch: 1 });
                }
            }
            events.push(Event::Stepped { scope: scope(), entry: Entry::Done(step) });
        }
        events.push(occurred(Occurrence::HandedOver));
        events
    }

    fn applied(from: Owner, cut: u64, epoch: u64, outcome: Outcome) -> Event {
        Event::Applied { from, cut, epochs: vec![(scope(), epoch)], outcome }
    }

    #[test]
    fn a_whole_switch_is_accepted_and_reads_as_it_is_written() {
        let events = switched();
        let chronicle = accepts(&events).unwrap();
        assert_eq!(chronicle.course(SCOPE).owner(), Some(Owner::New));
        let text = serde_json::to_string(&events).unwrap();
        let read: Vec<Event> = serde_json::from_str(&text).unwrap();
        assert_eq!(read, events);
    }

    #[test]
    fn leaving_out_any_event_that_matters_is_noticed() {
        let events = switched();
        for left_out in 0..events.len() {
            let mut fewer = events.clone();
            let event = fewer.remove(left_out);
            // Without the last event the hand-over has only not ended yet, and a token is needed for one event.
            let may_miss = left_out + 1 == events.len() || matches!(event, Event::Copied { .. });
            assert_eq!(accepts(&fewer).is_ok(), may_miss, "{event:?}");
        }
    }

    #[test]
    fn a_write_under_an_old_epoch_or_out_of_order_is_not_accepted() {
        let with = |more: &[Event]| {
            let journaled = (1..=2).map(|cut| Event::Journaled { token: 1, from: Owner::New, cut });
            accepts(&switched().into_iter().chain(journaled).chain(more.to_vec()).collect::<Vec<_>>()).is_ok()
        };
        assert!(with(&[applied(Owner::New, 1, 1, Outcome::Committed)]));
        assert!(!with(&[applied(Owner::New, 1, 0, Outcome::Committed)]));
        assert!(with(&[applied(Owner::New, 1, 0, Outcome::StaleEpoch)]));
        assert!(!with(&[applied(Owner::New, 1, 1, Outcome::StaleEpoch)]));
        assert!(!with(&[applied(Owner::New, 2, 1, Outcome::Committed)]), "cut 1 comes first");
        assert!(with(&[
            Event::Passed { from: Owner::New, cut: 1 },
            applied(Owner::New, 2, 1, Outcome::Committed),
            applied(Owner::New, 2, 1, Outcome::Already),
        ]));
        assert!(!with(&[applied(Owner::New, 2, 1, Outcome::Already)]));
        assert!(!with(&[applied(Owner::Legacy, 1, 1, Outcome::Committed)]));
    }

    #[test]
    fn a_bridge_that_lost_its_lease_writes_nothing() {
        let mut events = switched();
        events.push(Event::Started { token: 2 });
        events.push(Event::Journaled { token: 1, from: Owner::New, cut: 1 });
        let violation = accepts(&events).unwrap_err();
        assert_eq!(violation.at, events.len() - 1);
        assert!(violation.to_string().contains("has no lease"));
    }
}

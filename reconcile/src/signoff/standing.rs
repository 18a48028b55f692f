//! Where the sign-off of an area stands.

use std::collections::{BTreeMap, BTreeSet};

use super::{Bound, Event, Kind, changes, day};

/// What the project demands of a sign-off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// How many days a signature holds.
    pub valid_days: u32,
    /// The areas that two different persons with different roles sign.
    pub four_eyes: BTreeSet<String>,
    /// The areas that whoever asked for the sign-off may not sign.
    pub not_by_requester: BTreeSet<String>,
    /// The roles that may sign an area; an area without an entry can be signed in any role.
    pub roles: BTreeMap<String, BTreeSet<String>>,
}

impl Rules {
    /// How many signatures an area needs.
    #[must_use]
    pub fn needed(&self, area: &str) -> usize {
        if self.four_eyes.contains(area) { 2 } else { 1 }
    }
}

/// Where a sign-off stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nobody has asked for it.
    None,
    /// It is asked for, and a signature is missing.
    Open,
    /// It holds.
    Valid,
    /// It was signed, and what was signed is not what there is now, or its time is over.
    Void,
    /// It was revoked.
    Revoked,
}

impl State {
    /// The code in documents.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Open => "open",
            Self::Valid => "valid",
            Self::Void => "void",
            Self::Revoked => "revoked",
        }
    }

    /// What people call it, in Swedish.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::None => "inte undertecknad",
            Self::Open => "väntar på underskrift",
            Self::Valid => "gäller",
            Self::Void => "gäller inte längre",
            Self::Revoked => "återkallad",
        }
    }
}

/// The sign-off of one area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing<'e> {
    /// The area.
    pub area: &'e str,
    /// Where it stands.
    pub state: State,
    /// What was asked for.
    pub request: Option<&'e Event>,
    /// The signatures, in the order in which they were given.
    pub signatures: Vec<&'e Event>,
    /// Why it does not hold, or what is missing, in Swedish.
    pub why: Vec<String>,
    /// The last moment at which it holds, unless something changes.
    pub until: Option<&'e str>,
    /// Whether a new sign-off is asked for while this one still holds.
    pub is_being_renewed: bool,
}

/// Where the sign-off of an area stands at a time. `events` are all events of the project in the order of their
/// numbers; `now` is the evidence as it is.
#[must_use]
pub fn standing<'e>(
    area: &'e str,
    events: &'e [Event],
    now: &Bound,
    rules: &Rules,
    time: &str,
) -> Standing<'e> {
    let mut rounds: Vec<Vec<&Event>> = Vec::new();
    for event in events.iter().filter(|event| event.area == area) {
        match (event.kind, rounds.last_mut()) {
            (Kind::Request, _) | (_, None) => rounds.push(vec![event]),
            (Kind::Sign | Kind::Revoke, Some(round)) => round.push(event),
        }
    }
    let judged = |round: &Vec<&'e Event>| of_round(area, round, now, rules, time);
    let Some(last) = rounds.last().map(judged) else { return Standing::nothing(area) };
    if last.state == State::Open {
        // Asking anew takes nothing away from a sign-off that holds, unless it was revoked.
        let earlier = rounds.len().checked_sub(2).map(|at| judged(&rounds[at]));
        if let Some(valid) = earlier.filter(|earlier| earlier.state == State::Valid) {
            return Standing { is_being_renewed: true, ..valid };
        }
    }
    last
}

impl<'e> Standing<'e> {
    fn nothing(area: &'e str) -> Self {
        Self {
            area,
            state: State::None,
            request: None,
            signatures: Vec::new(),
            why: vec!["ingen har begärt underskrift".to_owned()],
            until: None,
            is_being_renewed: false,
        }
    }
}

/// What a request and the events after it come to.
fn of_round<'e>(area: &'e str, round: &[&'e Event], now: &Bound, rules: &Rules, time: &str) -> Standing<'e> {
    let of_kind = |kind: Kind| round.iter().copied().filter(move |event| event.kind == kind);
    let request = of_kind(Kind::Request).next();
    let signatures: Vec<&Event> = of_kind(Kind::Sign).collect();
    let until = signatures.iter().filter_map(|event| event.valid_until.as_deref()).min();
    let changed = request.and_then(|event| event.bound.as_ref()).map(|then| changes(then, now));
    let mut why = changed.unwrap_or_default();
    let missing = rules.needed(area).saturating_sub(signatures.len());
    let state = if let Some(revoked) = of_kind(Kind::Revoke).next() {
        let reason = revoked.reason.as_deref().unwrap_or_default();
        let (person, role, day) = (&revoked.person, &revoked.role, revoked.day());
        why = vec![format!("återkallad {day} av {person} ({role}): {reason}")];
        State::Revoked
    } else if missing > 0 {
        let left = if signatures.is_empty() { "underskrift" } else { "underskrift av en till" };
        why.insert(0, format!("{left} saknas"));
        State::Open
    } else if let Some(over) = until.filter(|until| *until < time) {
        why.push(format!("underskriften gällde till {}", day(over)));
        State::Void
    } else if why.is_empty() {
        State::Valid
    } else {
        State::Void
    };
    Standing { area, state, request, signatures, why, until, is_being_renewed: false }
}

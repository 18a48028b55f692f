//! What people do with items: decide, and look at rows.

use bron_mappings::{EntityId, may_name_a_person};

use super::item::{Decision, Item, State};
use super::store::Store;
use crate::error::{Error, ErrorKind, Result};

const DECIDE: &str =
    "UPDATE item SET state = ?, decision = ?, decided_in = ?, maps_to = ?, decided_code = ?, version = version + 1
    WHERE id = ? AND version = ?";
const LOG: &str = "INSERT INTO event (item, at, kind, run, decision, maps_to, code, person, role, text)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Why a text is refused: nothing can be taken out of the log again.
const NAMES_A_PERSON: &str =
    "has something with the form of a person number, and personal data does not belong in the log";

/// Who does something, in which role, and when as UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The person.
    pub person: String,
    /// The role.
    pub role: String,
    /// The time.
    pub at: String,
}

/// A decision about one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The item.
    pub id: EntityId,
    /// What was looked at when this one was taken, see [`Item::version`]; `None` for whatever it is now.
    pub version: Option<u64>,
    /// What was decided.
    pub decision: Decision,
    /// The code of the new model, for [`Decision::Map`]; else empty.
    pub maps_to: String,
    /// Why.
    pub note: String,
    /// Who decided.
    pub by: Signature,
}

/// What became of several decisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Decisions that were noted.
    pub decided: u64,
    /// Decisions that the item had already, by the same person in the same role with the same note.
    pub repeated: u64,
}

impl Store {
    /// Notes decisions, all or none. A decision that is the item's latest already is not noted twice.
    ///
    /// # Errors
    /// Kind `Config`, naming the item, when there is none, when it has ended, when a decision lacks its person, role
    /// or note, when one of these could name a person, when [`Decision::Map`] lacks its code, and when the item was
    /// decided about or changed by a run since. Then nothing is noted. Otherwise what the database says.
    pub fn decide(&mut self, entries: &[Entry]) -> Result<Applied> {
        self.begin()?;
        let done = self.decide_each(entries);
        self.end(done)
    }

    fn decide_each(&mut self, entries: &[Entry]) -> Result<Applied> {
        let run = self.latest_run()?;
        let mut applied = Applied::default();
        for entry in entries {
            let item = self.item(&entry.id.to_string())?;
            if self.is_repeated(&item, entry)? {
                applied.repeated += 1;
                continue;
            }
            if let Some(problem) = problem(&item, entry) {
                return Err(Error::new(ErrorKind::Config, format!("item {}: {problem}", entry.id)));
            }
            self.note(&item, entry, &run)?;
            applied.decided += 1;
        }
        Ok(applied)
    }

    /// What stands against a decision, in words; `None` when it can be noted or is noted already.
    ///
    /// # Errors
    /// What the database says.
    pub fn objection(&mut self, item: &Item, entry: &Entry) -> Result<Option<&'static str>> {
        Ok(if self.is_repeated(item, entry)? { None } else { problem(item, entry) })
    }

    fn is_repeated(&mut self, item: &Item, entry: &Entry) -> Result<bool> {
        if item.decision != Some(entry.decision) || item.maps_to != entry.maps_to {
            return Ok(false);
        }
        if entry.decision == Decision::Map && item.decided_code != item.code {
            return Ok(false);
        }
        let events = self.events(&entry.id)?;
        let last = events.iter().rev().find(|event| event.kind == "decided");
        let same = last.is_some_and(|event| {
            (&event.person, &event.role, &event.text) == (&entry.by.person, &entry.by.role, &entry.note)
        });
        // The same decision again is another one when a run has shown that the first led to nothing.
        Ok(same && item.state != State::Again)
    }

    fn note(&mut self, item: &Item, entry: &Entry, run: &str) -> Result<()> {
        let id = entry.id.to_string();
        let version = i64::try_from(item.version).unwrap_or(i64::MAX);
        let (state, decision) = (entry.decision.state().code(), entry.decision.code());
        let code = if entry.decision == Decision::Map { item.code.as_str() } else { "" };
        let query = sqlx::query(DECIDE).bind(state).bind(decision).bind(run).bind(&entry.maps_to).bind(code);
        let (runtime, connection) = self.parts();
        let done = runtime.block_on(query.bind(&id).bind(version).execute(connection));
        done.map_err(|error| self.failed(&error))?;
        let query = sqlx::query(LOG).bind(&id).bind(&entry.by.at).bind("decided").bind(run).bind(decision);
        let query = query.bind(&entry.maps_to).bind(code);
        let query = query.bind(&entry.by.person).bind(&entry.by.role).bind(&entry.note);
        let (runtime, connection) = self.parts();
        let done = runtime.block_on(query.execute(connection));
        done.map(drop).map_err(|error| self.failed(&error))
    }

    /// Notes that somebody is about to be shown the row of an item, and why. Whoever shows it does so after this
    /// returned, and not at all when it fails.
    ///
    /// # Errors
    /// Kind `Config` when the person, the role or the purpose is missing or could name somebody; otherwise what the
    /// database says.
    pub fn note_shown(&mut self, id: &EntityId, by: &Signature, purpose: &str) -> Result<()> {
        if [&by.person, &by.role, purpose].iter().any(|text| text.trim().is_empty()) {
            let text = "who sees a row says who they are, in which role, and for what purpose";
            return Err(Error::new(ErrorKind::Config, text));
        }
        if [&by.person, &by.role, purpose].iter().any(|text| may_name_a_person(text)) {
            return Err(Error::new(ErrorKind::Config, NAMES_A_PERSON));
        }
        let run = self.latest_run()?;
        let query = sqlx::query(LOG).bind(id.to_string()).bind(&by.at).bind("shown").bind(run).bind("");
        let query = query.bind("").bind("").bind(&by.person).bind(&by.role).bind(purpose);
        let (runtime, connection) = self.parts();
        let done = runtime.block_on(query.execute(connection));
        done.map(drop).map_err(|error| self.failed(&error))
    }
}

fn problem(item: &Item, entry: &Entry) -> Option<&'static str> {
    let by = &entry.by;
    let unsigned = [&by.person, &by.role, &entry.note].iter().any(|text| text.trim().is_empty());
    if !item.state.is_held() {
        Some("is no longer held back, so there is nothing to decide")
    } else if entry.version.is_some_and(|version| version != item.version) {
        Some("was decided about since, or a run found a change in its row: export anew")
    } else if unsigned {
        Some("a decision has a person, a role and a note")
    } else if [&by.person, &by.role, &entry.note, &entry.maps_to].iter().any(|text| may_name_a_person(text)) {
        Some(NAMES_A_PERSON)
    } else if (entry.decision == Decision::Map) == entry.maps_to.trim().is_empty() {
        Some("a code is named with the decision to map, and only then")
    } else {
        None
    }
}

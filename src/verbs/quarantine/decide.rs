//! `bron quarantine decide`: what a named person decided.

use bron_load::quarantine::{Decision, Entry, Store};
use bron_reconcile::audit::Act;
use serde_json::{Value, json};

use super::{open, require_allowed, signature};
use crate::args::{DecideArguments, DecisionName};
use crate::audit;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;

/// The decision that an argument names.
pub(super) const fn named(decision: DecisionName) -> Decision {
    match decision {
        DecisionName::Accept => Decision::Accept,
        DecisionName::Correct => Decision::Correct,
        DecisionName::Map => Decision::Map,
        DecisionName::Wait => Decision::Wait,
    }
}

/// Notes the decision about all items, or about none.
pub(super) fn run(arguments: &DecideArguments, printer: &Printer) -> Result<Exit, Failure> {
    let DecideArguments { items, decision, person, role, note, maps_to, protected, project } = arguments;
    let (mut store, _) = open(project)?;
    let by = signature(person, role);
    let mut entries: Vec<Entry> = Vec::new();
    for name in items {
        let item = store.item(name)?;
        require_allowed(&item, *protected)?;
        let id = item.finding.id;
        if entries.iter().all(|entry| entry.id != id) {
            entries.push(Entry {
                id,
                version: None,
                decision: named(*decision),
                maps_to: maps_to.clone().unwrap_or_default().trim().to_owned(),
                note: note.trim().to_owned(),
                by: by.clone(),
            });
        }
    }
    let acts = acts(&entries);
    audit::during_all(project, acts, printer, |noted| {
        let (document, text) = decided(&mut store, *decision, &entries)?;
        noted.tell(document, text);
        Ok(Exit::Clean)
    })
}

/// What the audit log says of decisions: who decided what about which item. Why stands in the quarantine's own log.
pub(super) fn acts(entries: &[Entry]) -> Vec<Act> {
    let act = |entry: &Entry| {
        let action = format!("quarantine.decide.{}", entry.decision.code());
        let act = audit::act_of(&entry.by.person, &entry.by.role, &action);
        Act { object: audit::object("item", entry.id.to_string()), ..act }
    };
    entries.iter().map(act).collect()
}

fn decided(store: &mut Store, decision: DecisionName, entries: &[Entry]) -> Result<(Value, String), Failure> {
    let done = store.decide(entries)?;
    let ids: Vec<String> = entries.iter().map(|entry| entry.id.to_string()).collect();
    let document = json!({
        "decision": named(decision).code(),
        "items": ids,
        "decided": done.decided,
        "there_already": done.repeated,
    });
    let text = match (done.decided, done.repeated) {
        (decided, 0) => format!("{decided} decided: {}", named(decision)),
        (0, repeated) => format!("nothing to do: {repeated} had this decision already"),
        (decided, repeated) => {
            format!("{decided} decided: {}; {repeated} had this decision already", named(decision))
        }
    };
    Ok((document, text))
}

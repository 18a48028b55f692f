//! `bron quarantine`: the rows that did not come over, and what people decide about them.

mod code_line;
mod decide;
mod export;
mod import;
mod list;
mod replay;
mod show;

use std::path::Path;

use bron_load::quarantine::{Item, Signature, Store};
use serde_json::{Value, json};

pub(super) use self::show::{event_json, event_text};

use crate::args::QuarantineVerb;
use crate::chain::{QUARANTINE_FILE, installation_mark, now};
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::settings::Pieces;

/// So much of an id tells items apart, for people.
const SHORT_ID: usize = 13;

/// Does what was asked.
pub(super) fn run(verb: &QuarantineVerb, printer: &Printer) -> Result<Exit, Failure> {
    match verb {
        QuarantineVerb::List(arguments) => list::run(arguments, printer),
        QuarantineVerb::Show(arguments) => show::run(arguments, printer),
        QuarantineVerb::Decide(arguments) => decide::run(arguments, printer),
        QuarantineVerb::Export(arguments) => export::run(arguments, printer),
        QuarantineVerb::Import(arguments) => import::run(arguments, printer),
        QuarantineVerb::Replay(arguments) => replay::run(arguments, printer),
    }
}

/// The project whose mapping files a verb reads, where it reads them all.
pub(super) fn project_of(verb: &QuarantineVerb) -> Option<&Path> {
    match verb {
        QuarantineVerb::Replay(arguments) => Some(&arguments.chain.project),
        QuarantineVerb::List(_)
        | QuarantineVerb::Show(_)
        | QuarantineVerb::Decide(_)
        | QuarantineVerb::Export(_)
        | QuarantineVerb::Import(_) => None,
    }
}

/// The quarantine of a project, with the mark of its installation. Needs no password of any source.
fn open(project: &Path) -> Result<(Store, String), Failure> {
    let secret = Pieces::read(project, false)?.secret?;
    let (mark, path) = (installation_mark(&secret), project.join(QUARANTINE_FILE));
    let is_there = path.exists();
    let store = Store::open_existing(&path, &mark).map_err(|error| {
        let failure = Failure::from(error);
        if is_there {
            failure
        } else {
            failure.hint(format!("run `bron migrate --project {}` first", project.display()))
        }
    })?;
    Ok((store, mark))
}

fn signature(person: &str, role: &str) -> Signature {
    Signature { person: person.trim().to_owned(), role: role.trim().to_owned(), at: now() }
}

/// The beginning of an item's id.
fn short(item: &Item) -> String {
    item.finding.id.to_string().chars().take(SHORT_ID).collect()
}

/// Refuses an item about a protected person to whoever did not say that they may know of it.
fn require_allowed(item: &Item, protected: bool) -> Result<(), Failure> {
    if protected || !item.finding.protected {
        return Ok(());
    }
    Err(Failure::config(format!("item {} is about a protected person", item.finding.id))
        .hint("whoever may see it says so with --protected"))
}

/// An item without its row, for machines.
pub(super) fn item_json(item: &Item) -> Value {
    let finding = &item.finding;
    json!({
        "id": finding.id.to_string(),
        "state": item.state.code(),
        "decision": item.decision.map(|decision| decision.code()),
        "maps_to": some(&item.maps_to),
        "stage": finding.stage.code(),
        "reason": finding.reason,
        "owner": some(&finding.owner),
        "system": finding.system,
        "table": finding.table,
        "key": finding.key,
        "field": some(&finding.field),
        "entity": some(&finding.entity),
        "constraint": some(&finding.constraint),
        "sqlstate": some(&finding.sqlstate),
        "rule": finding.rule,
        "area": some(&finding.area),
        "namnd": some(&finding.namnd),
        "year": some(&finding.year),
        "protected": finding.protected,
        "rows": item.rows,
        "first_run": item.first_run,
        "last_run": item.last_run,
        "version": item.version,
        "row_kept": item.has_payload,
    })
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A text that stands in a source, for a terminal: a character that could steer it is shown by its number.
pub(super) fn plain(text: &str) -> String {
    let shown = text.chars().flat_map(|one| {
        let controls = one.is_control();
        one.escape_default().filter(move |_| controls).chain((!controls).then_some(one))
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_stands_in_a_source_does_not_steer_a_terminal() {
        assert_eq!(plain("Åsa \u{1b}[2J;\r\n"), "Åsa \\u{1b}[2J;\\r\\n");
    }
}

//! `bron quarantine show`: one item, masked; and the row itself to whoever holds a key and says why.

use std::path::Path;

use bron_load::quarantine::{Event, Identities, Item, MaskedColumn, OpenedRow, Stage};
use bron_mappings::{Owner, ReasonCode, Sensitive};
use bron_reconcile::audit::Act;
use serde_json::{Value, json};

use super::{item_json, open, plain, require_allowed, short, signature, some};
use crate::args::ShowArguments;
use crate::audit;
use crate::chain::told;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;

/// Prints an item. The row itself is printed only after the log says who sees it.
pub(super) fn run(arguments: &ShowArguments, printer: &Printer) -> Result<Exit, Failure> {
    let (mut store, _) = open(&arguments.project)?;
    let item = store.item(&arguments.item)?;
    require_allowed(&item, arguments.protected)?;
    require_known(arguments, &item)?;
    let rows = match &arguments.identity {
        None => None,
        Some(file) => {
            let identities = identities(file)?;
            if !item.has_payload {
                return Err(not_kept(&item));
            }
            let rows = store.rows(&item.finding.id, &identities)?;
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let by = signature(&text(&arguments.person), &text(&arguments.role));
            let act = audit::act_of(&by.person, &by.role, "quarantine.unmask");
            let object = audit::object("item", item.finding.id.to_string());
            audit::note(&arguments.project, Act { object, reason: arguments.purpose.clone(), ..act })?;
            store.note_shown(&item.finding.id, &by, text(&arguments.purpose).trim())?;
            Some(rows)
        }
    };
    let (record, id) = (item.finding.record, item.finding.id);
    let others = store.items(|other| {
        let is_shown = arguments.protected || !other.finding.protected;
        is_shown && other.finding.record == record && other.finding.id != id
    })?;
    let told = Told { item: &item, others: &others, events: &store.events(&id)?, rows: rows.as_deref() };
    printer.result(&told.document(), &told.text());
    Ok(Exit::Clean)
}

/// What is told of an item.
struct Told<'i> {
    item: &'i Item,
    /// The items about the same row.
    others: &'i [Item],
    events: &'i [Event],
    /// The rows themselves, for whoever may see them.
    rows: Option<&'i [OpenedRow]>,
}

/// Refuses the row of an item where nobody knows whom it is about.
fn require_known(arguments: &ShowArguments, item: &Item) -> Result<(), Failure> {
    if arguments.protected || arguments.identity.is_none() || item.finding.stage != Stage::Reading {
        return Ok(());
    }
    let id = item.finding.id;
    let problem = format!("item {id} is a line that nobody could read: it may be about a protected person");
    Err(Failure::config(problem).hint("whoever may see it says so with --protected"))
}

fn not_kept(item: &Item) -> Failure {
    let problem =
        Failure::config(format!("the row of item {} is not kept in the quarantine", item.finding.id));
    if !item.state.is_held() {
        return problem.hint("an item that has ended keeps no row");
    }
    problem.hint("name who may read rows, `recipients` under [quarantine] of bron.toml, and reconcile again")
}

fn identities(file: &Path) -> Result<Identities, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::config(format!("cannot read {}: {error}", file.display())))?;
    Identities::parse(&text).map_err(|error| Failure::from(error).about(&file.display().to_string()))
}

impl Told<'_> {
    fn document(&self) -> Value {
        let mut document = item_json(self.item);
        let column =
            |one: &MaskedColumn| json!({ "column": one.column, "class": one.class, "length": one.length });
        document["columns"] = self.item.mask.iter().map(column).collect();
        let other = |one: &Item| {
            let (id, reason) = (one.finding.id.to_string(), &one.finding.reason);
            json!({ "id": id, "reason": reason, "state": one.state.code() })
        };
        document["same_row"] = self.others.iter().map(other).collect();
        document["log"] = self.events.iter().map(event_json).collect();
        if let Some(rows) = self.rows {
            let row = |row: &OpenedRow| row.iter().map(text_json).collect::<Value>();
            document["opened_rows"] = rows.iter().map(row).collect();
        }
        document
    }

    fn text(&self) -> String {
        let mut lines = self.about();
        let other =
            |one: &Item| format!("also       {} {}: {}", short(one), one.finding.reason, told(one.state));
        lines.extend(self.others.iter().map(other));
        lines.extend(self.columns());
        lines.extend(self.events.iter().map(event_text));
        lines.join("\n")
    }

    /// What the item is.
    fn about(&self) -> Vec<String> {
        let Item { finding, first_run, last_run, .. } = self.item;
        let reason = ReasonCode::parse(&finding.reason).map_or("", |reason| reason.label());
        let owner = Owner::parse(&finding.owner).map_or("", Owner::label);
        let place = [("nämnd", &finding.namnd), ("area", &finding.area), ("year", &finding.year)];
        let place = place.iter().filter(|(_, text)| !text.is_empty());
        let place: Vec<String> = place.map(|(name, text)| format!("{name} {text}")).collect();
        let protected = if finding.protected { ", about a protected person" } else { "" };
        let rows =
            if self.item.rows > 1 { format!("{} with this key", self.item.rows) } else { String::new() };
        let seen = if first_run == last_run {
            format!("by run {last_run}")
        } else {
            format!("first by run {first_run}, last by run {last_run}")
        };
        let lines = [
            ("item", finding.id.to_string()),
            ("state", told(self.item.state).to_owned()),
            ("reason", format!("{} {reason}", finding.reason)),
            ("owner", format!("{} {owner}", finding.owner)),
            ("row", format!("{}/{} {}{protected}", finding.system, finding.table, finding.key)),
            ("rows", rows),
            ("stage", finding.stage.to_string()),
            ("rule", finding.rule.clone()),
            ("field", finding.field.clone()),
            ("entity", finding.entity.clone()),
            ("constraint", finding.constraint.clone()),
            ("SQLSTATE", finding.sqlstate.clone()),
            ("place", place.join(", ")),
            ("maps to", self.item.maps_to.clone()),
            ("seen", seen),
        ];
        let lines = lines.into_iter().filter(|(_, text)| !text.is_empty());
        lines.map(|(name, text)| format!("{name:<10} {}", plain(&text))).collect()
    }

    /// The columns with their texts, or what may be said of these.
    fn columns(&self) -> Vec<String> {
        if let Some(rows) = self.rows {
            return opened(rows);
        }
        let column = |one: &MaskedColumn| match (plain(&one.column), one.length) {
            (column, 0) => format!("  {column}: {}", one.class),
            (column, length) => format!("  {column}: {}, {length} long", one.class),
        };
        let mut lines: Vec<String> = self.item.mask.iter().map(column).collect();
        lines.push(if self.item.has_payload {
            "the row lies sealed here: see it with --identity FILE".to_owned()
        } else if !self.item.state.is_held() {
            "the row is not kept here: the item has ended".to_owned()
        } else {
            format!(
                "the row is not kept here: no recipients were named. It lies in run {}",
                self.item.last_run
            )
        });
        lines
    }
}

/// The columns of rows with their texts. Which row a reason is about cannot be told where several have its key.
fn opened(rows: &[OpenedRow]) -> Vec<String> {
    let mut lines = Vec::new();
    for (row, number) in rows.iter().zip(1_u32..) {
        if rows.len() > 1 {
            lines.push(format!("row {number} of {} with this key", rows.len()));
        }
        lines.extend(row.iter().map(|(column, text)| match (plain(column), text.expose()) {
            (column, Some(text)) => format!("  {column} = {}", plain(text.trim_end_matches(['\r', '\n']))),
            (column, None) => format!("  {column} is missing"),
        }));
    }
    lines
}

fn text_json((name, text): &(String, Sensitive<Option<String>>)) -> Value {
    json!({ "column": name, "text": text.expose() })
}

pub(in crate::verbs) fn event_json(event: &Event) -> Value {
    json!({
        "at": event.at,
        "what": event.kind,
        "run": some(&event.run),
        "decision": event.decision.map(|decision| decision.code()),
        "maps_to": some(&event.maps_to),
        "code": some(&event.code),
        "person": some(&event.person),
        "role": some(&event.role),
        "text": some(&event.text),
    })
}

pub(in crate::verbs) fn event_text(event: &Event) -> String {
    let Event { at, kind, run, decision, maps_to, person, role, text, .. } = event;
    let what = match decision {
        Some(decision) => format!("decided: {decision}"),
        None => kind.replace('_', " "),
    };
    let [maps_to, person, role, text] = [maps_to, person, role, text].map(|text| plain(text));
    let to = if maps_to.is_empty() { String::new() } else { format!(" to {maps_to}") };
    if person.is_empty() {
        format!("{at}  {what}{to} by run {run}")
    } else {
        format!("{at}  {what}{to} by {person}, {role}: {text}")
    }
}

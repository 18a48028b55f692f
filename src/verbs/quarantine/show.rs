//! `bron quarantine show`: one item, masked; and the row itself to whoever holds a key and says why.

use std::path::Path;

use bron_load::quarantine::{Event, Identities, Item, MaskedColumn, Stage};
use bron_mappings::{Owner, ReasonCode, Sensitive};
use serde_json::{Value, json};

use super::{item_json, open, plain, short, signature, some};
use crate::args::ShowArguments;
use crate::chain::told;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;

/// The columns of a row with their texts.
type Row = Vec<(String, Sensitive<Option<String>>)>;

/// Prints an item. The row itself is printed only after the log says who sees it.
pub(super) fn run(arguments: &ShowArguments, printer: &Printer) -> Result<Exit, Failure> {
    let (mut store, _) = open(&arguments.project)?;
    let item = store.item(&arguments.item)?;
    require_allowed(arguments, &item)?;
    let row = match &arguments.identity {
        None => None,
        Some(file) => {
            let identities = identities(file)?;
            if !item.has_payload {
                return Err(not_kept(&item));
            }
            let row = store.row(&item.finding.id, &identities)?;
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let by = signature(&text(&arguments.person), &text(&arguments.role));
            store.note_shown(&item.finding.id, &by, text(&arguments.purpose).trim())?;
            Some(row)
        }
    };
    let (record, id) = (item.finding.record, item.finding.id);
    let others = store.items(|other| other.finding.record == record && other.finding.id != id)?;
    let told = Told { item: &item, others: &others, events: &store.events(&id)?, row: row.as_ref() };
    printer.result(&told.document(), &told.text());
    Ok(Exit::Clean)
}

/// What is told of an item.
struct Told<'i> {
    item: &'i Item,
    /// The items about the same row.
    others: &'i [Item],
    events: &'i [Event],
    /// The row itself, for whoever may see it.
    row: Option<&'i Row>,
}

fn require_allowed(arguments: &ShowArguments, item: &Item) -> Result<(), Failure> {
    // Nobody knows whom a line is about that could not be read.
    let may_be = arguments.identity.is_some() && item.finding.stage == Stage::Reading;
    if arguments.protected || !(item.finding.protected || may_be) {
        return Ok(());
    }
    let problem = if item.finding.protected {
        format!("item {} is about a protected person", item.finding.id)
    } else {
        format!(
            "item {} is a line that nobody could read: it may be about a protected person",
            item.finding.id
        )
    };
    Err(Failure::config(problem).hint("whoever may see it says so with --protected"))
}

fn not_kept(item: &Item) -> Failure {
    Failure::config(format!("the row of item {} is not kept in the quarantine", item.finding.id))
        .hint("name who may read rows, `recipients` under [quarantine] of bron.toml, and reconcile again")
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
        if let Some(row) = self.row {
            document["row"] = row.iter().map(text_json).collect();
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
            ("row", format!("{}/{} {}{protected}", finding.system, finding.table, plain(&finding.key))),
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
        lines.map(|(name, text)| format!("{name:<10} {text}")).collect()
    }

    /// The columns with their texts, or what may be said of these.
    fn columns(&self) -> Vec<String> {
        if let Some(row) = self.row {
            let column = |(column, text): &(String, Sensitive<Option<String>>)| match text.expose() {
                Some(text) => format!("  {column} = {}", plain(text.trim_end_matches(['\r', '\n']))),
                None => format!("  {column} is missing"),
            };
            return row.iter().map(column).collect();
        }
        let column = |one: &MaskedColumn| match one.length {
            0 => format!("  {}: {}", one.column, one.class),
            length => format!("  {}: {}, {length} long", one.column, one.class),
        };
        let mut lines: Vec<String> = self.item.mask.iter().map(column).collect();
        lines.push(if self.item.has_payload {
            "the row lies sealed here: see it with --identity FILE".to_owned()
        } else {
            format!(
                "the row is not kept here: no recipients were named. It lies in run {}",
                self.item.last_run
            )
        });
        lines
    }
}

fn text_json((name, text): &(String, Sensitive<Option<String>>)) -> Value {
    json!({ "column": name, "text": text.expose() })
}

fn event_json(event: &Event) -> Value {
    json!({
        "at": event.at,
        "what": event.kind,
        "run": some(&event.run),
        "decision": event.decision.map(|decision| decision.code()),
        "maps_to": some(&event.maps_to),
        "person": some(&event.person),
        "role": some(&event.role),
        "text": some(&event.text),
    })
}

fn event_text(event: &Event) -> String {
    let Event { at, kind, run, decision, maps_to, person, role, text, .. } = event;
    let what = match decision {
        Some(decision) => format!("decided: {decision}"),
        None => kind.replace('_', " "),
    };
    let to = if maps_to.is_empty() { String::new() } else { format!(" to {maps_to}") };
    if person.is_empty() {
        format!("{at}  {what}{to} by run {run}")
    } else {
        format!("{at}  {what}{to} by {person}, {role}: {text}")
    }
}

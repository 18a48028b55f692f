//! `bron quarantine list`: items, masked.

use std::collections::BTreeMap;

use bron_load::quarantine::{Item, State};
use bron_mappings::{Owner, ReasonCode};
use serde_json::json;

use super::code_line::CodeLines;
use super::{item_json, open, plain, short};
use crate::args::{ListArguments, StateName};
use crate::chain::told;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::verbs::mappings_of;

/// Prints the items that the arguments ask for.
pub(super) fn run(arguments: &ListArguments, printer: &Printer) -> Result<Exit, Failure> {
    let (mut store, _) = open(&arguments.project)?;
    let fitting = store.items(|item| fits(arguments, item))?;
    let (items, others): (Vec<Item>, Vec<Item>) =
        fitting.into_iter().partition(|item| item.finding.protected == arguments.protected);
    let is_more = !arguments.protected && !others.is_empty();
    let lines = CodeLines::of(&mappings_of(&arguments.project), &items)?;
    let documents = items.iter().map(|item| {
        let mut document = item_json(item);
        if let Some(line) = lines.as_ref().and_then(|lines| lines.line(item)) {
            document["code_line"] = line.json();
        }
        document
    });
    let document = json!({ "items": documents.collect::<Vec<_>>(), "protected_not_listed": is_more });
    printer.result(&document, &text(&items, is_more, lines.as_ref()));
    Ok(Exit::Clean)
}

fn fits(arguments: &ListArguments, item: &Item) -> bool {
    let ListArguments { reason, system, table, owner, area, state, decision, all, .. } = arguments;
    let finding = &item.finding;
    let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    let in_state = match (state, decision) {
        (Some(state), _) => named(*state) == item.state,
        (None, Some(_)) => true,
        (None, None) => *all || item.state.is_held(),
    };
    in_state
        && decision.is_none_or(|decision| item.decision == Some(super::decide::named(decision)))
        && is(reason, &finding.reason)
        && is(system, &finding.system)
        && is(table, &finding.table)
        && is(owner, &finding.owner)
        && is(area, &finding.area)
}

const fn named(state: StateName) -> State {
    match state {
        StateName::Open => State::Open,
        StateName::Accept => State::Accepted,
        StateName::Correct => State::ToCorrect,
        StateName::Map => State::ToMap,
        StateName::Wait => State::Waiting,
        StateName::Again => State::Again,
        StateName::Loaded => State::Loaded,
        StateName::Gone => State::Gone,
        StateName::LeftOut => State::LeftOut,
        StateName::OtherReason => State::OtherReason,
    }
}

fn text(items: &[Item], is_more: bool, code_lines: Option<&CodeLines>) -> String {
    let mut lines = Vec::new();
    let mut place = (String::new(), String::new());
    for item in items {
        let finding = &item.finding;
        if place != (finding.owner.clone(), finding.reason.clone()) {
            place = (finding.owner.clone(), finding.reason.clone());
            let owner = Owner::parse(&finding.owner).map_or("", Owner::label);
            let reason = ReasonCode::parse(&finding.reason).map_or("", |reason| reason.label());
            lines.push(format!("{} {owner}, {} {reason}", finding.owner, finding.reason));
        }
        lines.push(line(item));
        lines.extend(code_lines.and_then(|lines| lines.text(item)).map(|line| format!("    {line}")));
    }
    let mut states: BTreeMap<State, u64> = BTreeMap::new();
    for item in items {
        *states.entry(item.state).or_default() += 1;
    }
    let states: Vec<String> =
        states.iter().map(|(state, items)| format!("{items} {}", told(*state))).collect();
    lines.push(match items.len() {
        0 => "no items".to_owned(),
        1 => format!("1 item: {}", states.join(", ")),
        many => format!("{many} items: {}", states.join(", ")),
    });
    if is_more {
        // No number: with filters, a small one would point at somebody.
        lines.push("items about protected persons are not listed, see --protected".to_owned());
    }
    lines.join("\n")
}

fn line(item: &Item) -> String {
    let finding = &item.finding;
    let key = plain(&finding.key);
    let mut line =
        format!("  {}  {:<12} {}/{} {key}", short(item), item.state.code(), finding.system, finding.table);
    if item.rows > 1 {
        line.push_str(&format!(" ({} rows)", item.rows));
    }
    for (name, text) in [
        ("field", &finding.field),
        ("entity", &finding.entity),
        ("constraint", &finding.constraint),
        ("sqlstate", &finding.sqlstate),
        ("nämnd", &finding.namnd),
        ("to", &item.maps_to),
    ] {
        if !text.is_empty() {
            line.push_str(&format!(", {name} {}", plain(text)));
        }
    }
    line
}

//! `bron quarantine export`: a workbook in which owners decide.

use std::collections::BTreeMap;

use bron_extract::atomic;
use bron_load::quarantine::{Decision, Item};
use bron_mappings::{Owner, ReasonCode};
use bron_reconcile::decision_sheet::{DecisionBook, DecisionRow};
use bron_reconcile::report::advice;
use bron_reconcile::worklist::Sheet;
use serde_json::json;

use super::open;
use crate::args::ExportArguments;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;

/// What is said of each item.
const HEADER: [&str; 15] = [
    "Orsak",
    "Vad det betyder",
    "Vårt förslag",
    "Steg",
    "System",
    "Tabell",
    "Nyckel",
    "Fält",
    "Villkor i målet",
    "Nämnd",
    "Område",
    "År",
    "Rader",
    "Läge",
    "Först sedd i körning",
];

/// Writes every item that is held back.
pub(super) fn run(arguments: &ExportArguments, printer: &Printer) -> Result<Exit, Failure> {
    let ExportArguments { file, owner, protected, project } = arguments;
    if file.exists() {
        return Err(Failure::config(format!("{} is there already", file.display()))
            .hint("name another file: somebody may have decided in this one"));
    }
    let (mut store, mark) = open(project)?;
    let is_asked_for =
        |item: &Item| item.state.is_held() && owner.as_ref().is_none_or(|owner| *owner == item.finding.owner);
    let (items, others): (Vec<Item>, Vec<Item>) =
        store.items(is_asked_for)?.into_iter().partition(|item| item.finding.protected == *protected);
    let is_more = !*protected && !others.is_empty();
    let mut by_owner: BTreeMap<usize, Vec<DecisionRow>> = BTreeMap::new();
    for item in &items {
        let place = Owner::ALL.iter().position(|owner| owner.code() == item.finding.owner);
        by_owner.entry(place.unwrap_or(Owner::ALL.len())).or_default().push(row(item));
    }
    let sheets: Vec<(String, Vec<DecisionRow>)> = by_owner
        .into_iter()
        .map(|(place, rows)| {
            (Owner::ALL.get(place).map_or("Okänd ägare", |owner| owner.label()).to_owned(), rows)
        })
        .collect();
    let document = json!({
        "file": file,
        "items": items.len(),
        "sheets": sheets.iter().map(|(name, rows)| json!({ "owner": name, "items": rows.len() })).collect::<Vec<_>>(),
        "protected_not_exported": is_more,
    });
    let book = DecisionBook {
        title: "Karantän: beslut".to_owned(),
        installation: mark,
        cover: cover(&items, is_more, *protected),
        header: HEADER.map(str::to_owned).to_vec(),
        choices: Decision::ALL.iter().map(|decision| decision.label().to_owned()).collect(),
        sheets,
    };
    atomic::write_private(file, &book.to_bytes()?)?;
    let left =
        if is_more { "; those about protected persons are not in it, --protected exports them" } else { "" };
    printer.result(&document, &format!("wrote {} items to {}{left}", items.len(), file.display()));
    Ok(Exit::Clean)
}

fn row(item: &Item) -> DecisionRow {
    let finding = &item.finding;
    let constraint = [&finding.entity, &finding.constraint, &finding.sqlstate].map(String::as_str);
    let constraint: Vec<&str> = constraint.into_iter().filter(|text| !text.is_empty()).collect();
    let label = ReasonCode::parse(&finding.reason).map_or(finding.reason.as_str(), |reason| reason.label());
    let cells = [
        finding.reason.as_str(),
        label,
        advice(&finding.reason).proposal,
        finding.stage.label(),
        &finding.system,
        &finding.table,
        &finding.key,
        &finding.field,
        &constraint.join(" "),
        &finding.namnd,
        &finding.area,
        &finding.year,
        &item.rows.to_string(),
        item.state.label(),
        &item.first_run,
    ];
    let cells = cells.map(str::to_owned).to_vec();
    DecisionRow { item: finding.id.to_string(), version: item.version, cells }
}

/// The first sheet: what the workbook is, and how people work in it.
fn cover(items: &[Item], is_more: bool, protected: bool) -> Sheet {
    let choices: Vec<String> =
        Decision::ALL.iter().map(|one| format!("{}: {}", one.label(), meaning(*one))).collect();
    let protection = match (protected, is_more) {
        (true, _) => "Alla poster här rör personer med skydd. Lämna inte arbetsboken vidare.",
        (false, true) => "Poster om personer med skydd finns inte här. De lämnas till dataskyddsombudet.",
        (false, false) => "",
    };
    let mut rows = vec![
        ("Poster", items.len().to_string()),
        (
            "Så här gör ni",
            "Välj ett beslut på raden och fyll i vem som beslutat, i vilken roll och varför. Rader utan beslut \
             lämnas som de är. Skriv inga personuppgifter i motiveringen. Skicka tillbaka arbetsboken."
                .to_owned(),
        ),
    ];
    rows.extend(choices.into_iter().map(|choice| ("Beslut", choice)));
    if !protection.is_empty() {
        rows.push(("Skyddade personer", protection.to_owned()));
    }
    let rows = rows.into_iter().map(|(what, text)| vec![what.to_owned(), text]).collect();
    let header = vec!["Vad".to_owned(), "Uppgift".to_owned()];
    Sheet { name: "Om arbetsboken".to_owned(), header, rows }
}

const fn meaning(decision: Decision) -> &'static str {
    match decision {
        Decision::Accept => "raden ska inte föras över.",
        Decision::Correct => "ni rättar i källsystemet, och raden kommer med vid nästa körning.",
        Decision::Map => "koden betyder den kod i den nya modellen som ni skriver under ”Mappas till”.",
        Decision::Wait => "ni behöver mer tid eller ett besked från någon annan.",
    }
}

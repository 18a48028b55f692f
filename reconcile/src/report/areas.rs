//! What the page of an area says: what the page of the city says of its rows, in figures that point at nobody.

use std::collections::BTreeSet;

use super::comparison::{self, ControlView, EntityView};
use super::disclosure::{ENTITY, Figures, PARTS, QUARANTINED, ROWS, SIDES, TABLE, Told};
use super::reason::{self, ReasonView};
use super::strip::{BalanceView, Parts};
use super::verdict::{self, Fact};
use super::{Input, Labels, Language};
use crate::conservation::Imbalance;
use crate::summary::{Summary, Verdict};

/// A page of the report that another one leads to.
pub(super) struct AreaLink {
    /// Its file, beside the one that leads to it.
    pub(super) page: String,
    /// The area.
    pub(super) name: String,
}

/// The file of a page: `index`, or the code of an area.
pub(super) fn file(name: &str, language: Language) -> String {
    match language {
        Language::Sv => format!("{name}.html"),
        Language::En => format!("{name}.en.html"),
    }
}

/// The areas that have a page, by code: those that people have a name for. What stands for an area in other rows is
/// text of a source.
pub(super) fn with_page<'f>(labels: &'f Labels, figures: &Figures) -> Vec<&'f str> {
    let codes = labels.areas.keys().map(String::as_str);
    let is_file =
        |code: &&str| !code.is_empty() && code.chars().all(|one| one.is_alphanumeric() || one == '_');
    let has_rows = |code: &&str| PARTS.iter().any(|part| figures.told(Some(code), "", "", part).is_number());
    codes.filter(is_file).filter(has_rows).filter(|code| *code != "index" && *code != "report").collect()
}

pub(super) fn links(labels: &Labels, figures: &Figures, language: Language) -> Vec<AreaLink> {
    let link = |code: &str| AreaLink { page: file(code, language), name: labels.areas[code].clone() };
    with_page(labels, figures).into_iter().map(link).collect()
}

/// The verdict of the city, with what waits in the area. An area whose few rows wait looks like one where none does.
pub(super) fn headline(
    summary: &Summary,
    imbalances: &[Imbalance],
    (figures, area): (&Figures, &str),
    language: Language,
) -> String {
    match summary.verdict {
        Verdict::Lika | Verdict::GodkandaSkillnader | Verdict::Skillnader | Verdict::EjBevisat => {
            verdict::headline(summary, imbalances, language)
        }
        Verdict::LikaMedKarantan => match figures.told(Some(area), "", "", QUARANTINED) {
            told @ (Told::Exact(_) | Told::About(_) | Told::Hidden) => match language {
                Language::Sv => format!(
                    "Det som förts över stämmer. I området väntar cirka {} rader på ert beslut.",
                    told.text()
                ),
                Language::En => {
                    format!(
                        "What was carried over agrees. In the area about {} rows wait for your decision.",
                        told.text()
                    )
                }
            },
            Told::Few => language
                .say("Det som förts över stämmer. I området väntar färre än fem rader på ert beslut.")
                .to_owned(),
        },
    }
}

pub(super) fn facts(figures: &Figures, area: &str) -> Vec<Fact> {
    let labels = ["lästa rader", "inlästa", "sammanslagna", "utelämnade", "i karantän"];
    let fact = |(label, part)| Fact { label, number: figures.told(Some(area), "", "", part).text() };
    labels.into_iter().zip(PARTS).map(fact).collect()
}

/// The area as a whole, and the tables of which something is told.
pub(super) fn balances(figures: &Figures, area: &str, labels: &Labels) -> Vec<BalanceView> {
    let told = |dimension, name: &str| PARTS.map(|part| figures.told(Some(area), dimension, name, part));
    let name = labels.areas.get(area).map_or(area, String::as_str);
    let mut views = vec![view("whole", name, told("", ""))];
    for table in figures.names(Some(area), TABLE) {
        let parts = told(TABLE, &table);
        if parts.iter().any(|told| told.is_number()) {
            let (system, table) = table.split_once('/').unwrap_or(("", &table));
            let name = format!("{} {table}", Labels::name(&labels.systems, system));
            views.push(view("table", &name, parts));
        }
    }
    views
}

fn view(level: &'static str, name: &str, told: [Told; 5]) -> BalanceView {
    let [read, loaded, merged, excluded, quarantined] = told.map(Told::text);
    let [_, parts @ ..] = told.map(|told| u128::from(told.number()));
    let drawn = Parts::drawn(parts);
    BalanceView {
        level,
        name: name.to_owned(),
        read,
        loaded,
        merged,
        excluded,
        quarantined,
        unexplained: String::new(),
        segments: drawn,
    }
}

/// The reasons of one kind that at least five rows of the area have, the largest first.
pub(super) fn reasons(figures: &Figures, area: &str, kind: &'static str) -> Vec<ReasonView> {
    let told = |code: String| (figures.told(Some(area), kind, &code, ROWS), code);
    let mut found: Vec<(Told, String)> = figures.names(Some(area), kind).into_iter().map(told).collect();
    found.retain(|(told, _)| told.is_number());
    found.sort_by(|one, other| other.0.number().cmp(&one.0.number()).then_with(|| one.1.cmp(&other.1)));
    found.into_iter().map(|(told, code)| reason::of_area(&code, told.text())).collect()
}

/// The entities of which something is told.
pub(super) fn entities(
    figures: &Figures,
    area: &str,
    (summary, labels): (&Summary, &Labels),
) -> Vec<EntityView> {
    let view = |entity: &crate::summary::EntitySummary| {
        let [old, new] = SIDES.map(|side| figures.told(Some(area), ENTITY, &entity.entity, side));
        (old.is_number() || new.is_number())
            .then(|| comparison::entity_of_area(entity, labels, [old.text(), new.text()]))
    };
    summary.entities.iter().filter_map(view).collect()
}

/// The controls that read a table with rows of the area.
pub(super) fn controls(input: &Input<'_>, figures: &Figures, area: &str) -> Vec<ControlView> {
    let tables = figures.names(Some(area), TABLE).into_iter();
    let here: BTreeSet<String> =
        tables.filter(|table| figures.told(Some(area), TABLE, table, PARTS[0]).is_number()).collect();
    let reads = |name: &str| {
        let read = input.background.control_tables.get(name);
        read.is_some_and(|read| read.iter().any(|table| here.contains(table)))
    };
    comparison::controls_of(input.summary, reads)
}

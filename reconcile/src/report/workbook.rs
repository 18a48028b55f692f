//! The report as a workbook, with columns in which people decide and say whether a case is right.

use super::areas;
use super::disclosure::{ENTITY, Figures, PARTS, SIDES, TABLE};
use super::number::{count, in_unit, signed, unit_name};
use super::{DisplayKey, Input, LISTED_FINDINGS, Labels, Language, Tier};
use super::{comparison, reason, stickprov, strip, verdict, waivers};
use crate::error::Error;
use crate::summary::TableSummary;
use crate::worklist::{Choice, Sheet, workbook_to_fill_in};

/// Where people choose, and among what.
const CHOICES: [Choice; 2] = [
    Choice {
        sheet: QUESTIONS,
        head: "Ert beslut",
        of: &["godta förslaget", "rätta i källan", "ändra mappningen", "vänta"],
    },
    Choice { sheet: SAMPLE, head: "Stämmer?", of: &["stämmer", "stämmer inte"] },
];
const QUESTIONS: &str = "Frågor";
const SAMPLE: &str = "Stickprov";

/// The bytes of the workbook; the same for the same content.
pub(super) fn workbook(input: &Input<'_>, figures: &Figures, tier: Tier) -> Result<Vec<u8>, Error> {
    let sheets = [
        overview(input),
        conservation(input, figures),
        objects(input, figures),
        controls(input),
        findings(input),
        accepted(input),
        questions(input),
        sample(input, tier),
    ];
    workbook_to_fill_in(input.title, &sheets, &CHOICES)
}

fn sheet(name: &str, header: &[&str], rows: Vec<Vec<String>>) -> Sheet {
    Sheet { name: name.to_owned(), header: header.iter().map(|head| (*head).to_owned()).collect(), rows }
}

fn overview(input: &Input<'_>) -> Sheet {
    let summary = input.summary;
    let line = |what: &str, said: &str| vec![what.to_owned(), said.to_owned()];
    let mut rows = vec![
        line("Rapport", input.title),
        line("Utfall", &verdict::headline(summary, input.imbalances, Language::Sv)),
        line("Vad det betyder", verdict::explanation(summary)),
        line("Körning", &summary.run),
        line("Mappning", &summary.mapping_digest),
        line("Uppgifter per", input.as_of),
    ];
    rows.extend(input.unproven.iter().map(|sentence| line("Ej bevisat", sentence)));
    let facts = verdict::facts(summary, input.imbalances);
    rows.extend(facts.into_iter().map(|fact| line(fact.label, &fact.number)));
    sheet("Översikt", &["Vad", "Uppgift"], rows)
}

/// The whole, every table, and what is told of every area.
fn conservation(input: &Input<'_>, figures: &Figures) -> Sheet {
    let header = [
        "Område",
        "System och tabell",
        "Lästa",
        "Inlästa",
        "Sammanslagna",
        "Utelämnade",
        "I karantän",
        "Oförklarade",
    ];
    let balances = strip::balances(input.summary, input.labels).into_iter();
    let city = balances.filter(|balance| balance.level != "system").map(|balance| {
        let strip::BalanceView { name, read, loaded, merged, excluded, quarantined, unexplained, .. } =
            balance;
        vec!["Hela staden".to_owned(), name, read, loaded, merged, excluded, quarantined, unexplained]
    });
    let mut rows: Vec<Vec<String>> = city.collect();
    for area in areas::with_page(input.labels, figures) {
        let name = Labels::name(&input.labels.areas, area);
        let tables = figures.names(Some(area), TABLE).into_iter().map(|table| (TABLE, table));
        for (dimension, table) in [("", String::new())].into_iter().chain(tables) {
            let told = PARTS.map(|part| figures.told(Some(area), dimension, &table, part));
            if told.iter().any(|told| told.is_number()) {
                let cells = told.map(super::disclosure::Told::text);
                let place = if table.is_empty() { "Hela området".to_owned() } else { table };
                rows.push([name.to_owned(), place].into_iter().chain(cells).chain([String::new()]).collect());
            }
        }
    }
    sheet("Bevarande", &header, rows)
}

fn objects(input: &Input<'_>, figures: &Figures) -> Sheet {
    let header =
        ["Område", "Informationsobjekt", "Gammalt", "Nytt", "Skillnad", "Förklarat", "Oförklarat", "Utfall"];
    let outcome = |is_equal| if is_equal { "Lika" } else { "Olika" }.to_owned();
    let city = comparison::entities(input.summary, input.labels).into_iter().map(|entity| {
        let comparison::EntityView { label, old, new, difference, explained, unexplained, is_equal, .. } =
            entity;
        vec!["Hela staden".to_owned(), label, old, new, difference, explained, unexplained, outcome(is_equal)]
    });
    let mut rows: Vec<Vec<String>> = city.collect();
    for area in areas::with_page(input.labels, figures) {
        for entity in figures.names(Some(area), ENTITY) {
            let told = SIDES.map(|side| figures.told(Some(area), ENTITY, &entity, side));
            if told.iter().any(|told| told.is_number()) {
                let names =
                    [Labels::name(&input.labels.areas, area), Labels::name(&input.labels.entities, &entity)];
                let cells = told.map(super::disclosure::Told::text).into_iter();
                let blank = std::iter::repeat_n(String::new(), 4);
                rows.push(names.map(str::to_owned).into_iter().chain(cells).chain(blank).collect());
            }
        }
    }
    sheet("Objekt", &header, rows)
}

fn controls(input: &Input<'_>) -> Sheet {
    let header = ["Kontroll", "Enhet", "Nyckel", "Källan", "Undantaget", "Målet", "Skillnad"];
    let mut rows = Vec::new();
    for control in comparison::controls(input.summary) {
        let lines = std::iter::once(&control.total).chain(&control.unequal).chain(&control.equal);
        rows.extend(lines.map(|line| {
            let cells = [&line.key, &line.source, &line.held, &line.target, &line.difference];
            [control.label.clone(), control.unit.to_owned()]
                .into_iter()
                .chain(cells.map(String::clone))
                .collect()
        }));
    }
    sheet("Kontroller", &header, rows)
}

fn findings(input: &Input<'_>) -> Sheet {
    let header = [
        "Slag",
        "Informationsobjekt",
        "Fält",
        "Källtabell",
        "Nyckel",
        "Mappning",
        "Läge",
        "Orsak",
        "Godkänd avvikelse",
        "Fynd",
    ];
    let rows = input.findings.iter().take(LISTED_FINDINGS).map(|shown| {
        let finding = &shown.finding;
        vec![
            finding.kind.label().to_owned(),
            Labels::name(&input.labels.entities, &finding.entity).to_owned(),
            finding.kind.fields().join(", "),
            format!("{}/{}", finding.src_system, finding.src_table),
            match &shown.key {
                DisplayKey::Plain(key) => key.clone(),
                DisplayKey::Pseudonym(pseudonym) => pseudonym.to_string(),
                DisplayKey::Hidden => "dold".to_owned(),
            },
            finding.rule.clone(),
            comparison::state(shown),
            shown.cause.to_string(),
            shown.waiver.clone().unwrap_or_default(),
            finding.id.short(),
        ]
    });
    let listed = rows.collect();
    let unequal = input.summary.unequal_controls().map(|row| {
        let parts = [row.source, row.held, row.target].map(|part| in_unit(row.unit, part.into()));
        let [source, held, target] = parts;
        let difference = signed(row.unit, row.difference.into());
        let told = format!(
            "källan {source}, undantaget {held}, målet {target}, skillnad {difference} {}",
            unit_name(row.unit)
        );
        let mut line = vec!["Kontroll".to_owned(), row.label.clone(), told, String::new(), row.key.clone()];
        line.resize(header.len(), String::new());
        line
    });
    sheet("Avvikelser", &header, [listed, unequal.collect::<Vec<_>>()].concat())
}

/// The differences that people have accepted, with what became of each.
fn accepted(input: &Input<'_>) -> Sheet {
    let header =
        ["Avvikelse", "Gäller", "Vad", "Funna", "Skäl", "Ägare", "Godkänd av", "Till och med", "Läge"];
    let rows = waivers::lines(input.summary, input.labels).into_iter().map(|line| {
        let waivers::WaiverView {
            id, entity, label, rows, reason, owner, approved_by, expires, state, ..
        } = line;
        vec![id, entity, label, rows, reason, owner, approved_by, expires, state.to_owned()]
    });
    sheet("Godkända avvikelser", &header, rows.collect())
}

/// What the business has to decide: the rows in quarantine of each table and reason.
fn questions(input: &Input<'_>) -> Sheet {
    let header = [
        "Orsak",
        "Vad det betyder",
        "Rader",
        "Var",
        "Vårt förslag",
        "Ägare",
        "Ert beslut",
        "Beslutat av",
        "Motivering",
    ];
    let rows =
        reason::held(input.summary, |table: &TableSummary| &table.quarantined).into_iter().map(|reason| {
            let reason::ReasonView { code, label, total, places, proposal, owner_label, .. } = reason;
            let asked = [code, label, total, places.join(", "), proposal.to_owned(), owner_label.to_owned()];
            asked.into_iter().chain(std::iter::repeat_n(String::new(), 3)).collect()
        });
    sheet(QUESTIONS, &header, rows.collect())
}

fn sample(input: &Input<'_>, tier: Tier) -> Sheet {
    let header = [
        "Fall",
        "Informationsobjekt",
        "Plats",
        "Källa",
        "Nyckel",
        "Fält",
        "Gammalt",
        "Nytt",
        "Regel",
        "Stämmer?",
        "Kommentar",
    ];
    let cases = &input.background.cases;
    let all = std::iter::once(&cases.city).chain(cases.areas.values()).flatten().cloned().collect::<Vec<_>>();
    let mut rows = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for case in stickprov::cases(&all, input.labels, tier, Language::Sv) {
        // A case of the city is one of its area as well.
        if !seen.insert((case.entity.clone(), case.source.clone(), case.key.clone())) {
            continue;
        }
        let number = count(seen.len());
        rows.extend(case.fields.into_iter().map(|field| {
            let old: Vec<String> =
                field.old.into_iter().map(|(column, value)| format!("{column}: {value}")).collect();
            let case = [&number, &case.entity, &case.place, &case.source, &case.key].map(String::clone);
            let field = [field.label, old.join(", "), field.new, field.rule, String::new(), String::new()];
            case.into_iter().chain(field).collect()
        }));
    }
    sheet(SAMPLE, &header, rows)
}

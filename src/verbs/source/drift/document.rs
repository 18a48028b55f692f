//! The comparison as a page, in Swedish.

use bron_reconcile::page::{Head, Page, Part, Section, State, plural};
use bron_reconcile::snapshot::{Consequence, Finding};

use super::Compared;

/// The sections, by what the findings in them lead to.
const SECTIONS: [(Consequence, &str, &str); 3] = [
    (
        Consequence::Stops,
        "Stoppar läsningen",
        "bron extract stannar innan den första raden är läst, tills mappningarna stämmer eller någon har godkänt.",
    ),
    (Consequence::Look, "Behöver ses över", "Läsningen går vidare, men någon bör först ta reda på varför."),
    (Consequence::Told, "För kännedom", "Mappningarna tar redan hänsyn till det."),
];

pub(super) fn page(compared: &Compared) -> Page {
    let mut sections: Vec<Section> =
        SECTIONS.iter().filter_map(|one| section(one, &compared.findings)).collect();
    sections.extend(mistakes(compared));
    let found = u64::try_from(compared.findings.len() + compared.mistakes.len()).unwrap_or(u64::MAX);
    let (state, headline) = if compared.is_clean() {
        (State::Good, "Källan är som den var".to_owned())
    } else if compared.stops() {
        (State::Stop, format!("{} – läsningen stannar", plural(found, "skillnad", "skillnader")))
    } else {
        (State::Look, plural(found, "skillnad", "skillnader"))
    };
    let with = compared.run.as_ref().map_or_else(
        || "Källan har inte lästs förut. Den är jämförd med mappningarna.".to_owned(),
        |run| format!("Jämfört med läsningen i körning {run} och med mappningarna."),
    );
    Page {
        kicker: "En källas förändring".to_owned(),
        title: compared.source.clone(),
        headline,
        explanation: with,
        state,
        sections,
        footer: vec![if compared.values {
            "Raderna är räknade och koderna jämförda. En kod som färre än fem rader har räknas men visas inte."
                .to_owned()
        } else {
            "Ingen rad är läst: antalet rader är källans egen uppskattning, och koder är inte jämförda."
                .to_owned()
        }],
    }
}

fn section((consequence, title, about): &(Consequence, &str, &str), findings: &[Finding]) -> Option<Section> {
    let of_kind = findings.iter().filter(|one| one.consequence == *consequence);
    let rows: Vec<Vec<String>> =
        of_kind.map(|one| vec![place(one), one.sv.clone(), one.hint_sv.clone()]).collect();
    let columns = ["Var", "Vad", "Att göra"].map(Head::text).to_vec();
    (!rows.is_empty()).then(|| Section {
        title: (*title).to_owned(),
        about: (*about).to_owned(),
        parts: vec![Part { columns, rows, ..Part::default() }],
    })
}

fn place(one: &Finding) -> String {
    let Finding { system, table, column, .. } = one;
    match (table.is_empty(), column.is_empty()) {
        (true, _) => system.clone(),
        (false, true) => format!("{system}/{table}"),
        (false, false) => format!("{system}/{table}.{column}"),
    }
}

fn mistakes(compared: &Compared) -> Option<Section> {
    let rows = compared.mistakes.iter().map(|one| {
        vec![one.file.clone(), one.code.to_owned(), one.message.clone(), one.help.clone().unwrap_or_default()]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let columns = ["Fil", "Kod", "Vad bron check säger", "Att göra"].map(Head::text).to_vec();
    (!rows.is_empty()).then(|| Section {
        title: "Mappningarna stämmer inte med källan".to_owned(),
        about: "Tabeller och kolumner som mappningarna nämner och källan saknar, eller tvärtom.".to_owned(),
        parts: vec![Part { columns, rows, ..Part::default() }],
    })
}

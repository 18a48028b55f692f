//! Conservation per area, nämnd and year.

use super::disclosure::{Figures, NAMND, PARTS, Told, YEAR};
use super::{Labels, Language, areas};

/// One table.
pub(super) struct Breakdown {
    /// Its heading.
    pub(super) title: &'static str,
    /// The heading of its first column.
    pub(super) dimension: &'static str,
    pub(super) rows: Vec<BreakdownRow>,
}

/// One row: a name and read, loaded, merged, excluded, quarantined.
pub(super) struct BreakdownRow {
    pub(super) name: String,
    /// The page about it; empty when it has none.
    pub(super) page: String,
    pub(super) cells: [String; 5],
}

/// The whole city: per area, nämnd and year.
pub(super) fn of_city(figures: &Figures, labels: &Labels, language: Language) -> Vec<Breakdown> {
    let with_page = areas::with_page(labels, figures);
    let area = |code: String| {
        let cells = PARTS.map(|part| figures.told(Some(&code), "", "", part));
        let page = with_page.contains(&code.as_str()).then(|| areas::file(&code, language));
        let name = named(Labels::name(&labels.areas, &code));
        cells.iter().any(|told| told.is_number()).then(|| BreakdownRow {
            name,
            page: page.unwrap_or_default(),
            cells: cells.map(Told::text),
        })
    };
    let rows = figures.areas().into_iter().filter_map(area).collect();
    let areas = Breakdown { title: "Per verksamhetsområde", dimension: "Område", rows };
    std::iter::once(areas).chain(of(figures, None, labels)).collect()
}

/// One area: per nämnd and year.
pub(super) fn of_area(figures: &Figures, area: &str, labels: &Labels) -> Vec<Breakdown> {
    of(figures, Some(area), labels)
}

fn of(figures: &Figures, area: Option<&str>, labels: &Labels) -> Vec<Breakdown> {
    let namnd = |code: &str| named(Labels::name(&labels.namnder, code));
    vec![
        breakdown(figures, area, ("Per nämnd", "Nämnd", NAMND), namnd),
        breakdown(figures, area, ("Per år", "År", YEAR), named),
    ]
}

/// Rows of which nothing but small counts is known are left out: a row that is there would say that there is something.
fn breakdown(
    figures: &Figures,
    area: Option<&str>,
    (title, dimension, by): (&'static str, &'static str, &'static str),
    name: impl Fn(&str) -> String,
) -> Breakdown {
    let row = |code: String| {
        let cells = PARTS.map(|part| figures.told(area, by, &code, part));
        cells.iter().any(|told| told.is_number()).then(|| BreakdownRow {
            name: name(&code),
            page: String::new(),
            cells: cells.map(Told::text),
        })
    };
    Breakdown { title, dimension, rows: figures.names(area, by).into_iter().filter_map(row).collect() }
}

fn named(name: &str) -> String {
    if name.is_empty() { "Ej angivet".to_owned() } else { name.to_owned() }
}

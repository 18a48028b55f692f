//! A page of tables for people, as one file of HTML without scripts, and as the sheets of a workbook.
//!
//! Other pages of this crate know what they are about. This one does not: the caller says what stands in it, in
//! Swedish, and page and workbook then say the same. Every text is escaped, and a cell never becomes a formula.

use askama::Template;

use crate::error::{Error, ErrorKind};
use crate::report::number;
use crate::worklist::Sheet;

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What kind of page it is, in a few words; also in the title of the window.
    pub kicker: String,
    /// What it is about: the heading.
    pub title: String,
    /// The conclusion, in one line.
    pub headline: String,
    /// The conclusion, in a sentence or two.
    pub explanation: String,
    /// How grave the conclusion is.
    pub state: State,
    /// The sections, in order.
    pub sections: Vec<Section>,
    /// What stands at the end: what the page rests on, and what it cannot say.
    pub footer: Vec<String>,
}

/// How grave the conclusion of a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing has to be done.
    Good,
    /// Somebody has to look.
    Look,
    /// Something has to be done first.
    Stop,
}

impl State {
    /// The name of the colours and the sign in the style sheet.
    const fn style(self) -> &'static str {
        match self {
            Self::Good => "equal",
            Self::Look => "waiting",
            Self::Stop => "unequal",
        }
    }
}

/// A section with its own line in the list of contents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// What the section says, before its tables; may be empty.
    pub about: String,
    /// The tables.
    pub parts: Vec<Part>,
}

/// A table with what stands above it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// A heading; empty for a section's only table.
    pub title: String,
    /// A line above the table; may be empty.
    pub about: String,
    /// The name of the sheet that the table is in a workbook; tables of the same name are one sheet, and a table
    /// without a name is in none.
    pub sheet: String,
    /// The heads of the columns. The first column names the row.
    pub columns: Vec<Head>,
    /// The rows, each as wide as the heads.
    pub rows: Vec<Vec<String>>,
}

/// The head of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The text.
    pub text: String,
    /// Whether the column holds numbers, which stand at the right.
    pub number: bool,
}

impl Head {
    /// The head of a column of texts.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self { text: text.to_owned(), number: false }
    }

    /// The head of a column of numbers.
    #[must_use]
    pub fn number(text: &str) -> Self {
        Self { text: text.to_owned(), number: true }
    }
}

/// A count as Swedish readers write it: `12 345`.
#[must_use]
pub fn number(count: u64) -> String {
    number::count(count)
}

/// "1 tabell", "4 tabeller".
#[must_use]
pub fn plural(count: u64, one: &str, many: &str) -> String {
    number::plural(count.into(), one, many)
}

#[derive(Template)]
#[template(path = "page.html")]
struct PageView<'a> {
    page: &'a Page,
    state: &'static str,
}

/// The page as one file.
///
/// # Errors
/// [`ErrorKind::Report`] when it cannot be written.
pub fn html(page: &Page) -> Result<String, Error> {
    let view = PageView { page, state: page.state.style() };
    view.render().map_err(|error| Error::caused(ErrorKind::Report, "the page could not be written", error))
}

/// The tables of the page as sheets. Where tables with headings share a sheet, its first column says the heading.
#[must_use]
pub fn sheets(page: &Page) -> Vec<Sheet> {
    let mut sheets: Vec<Sheet> = Vec::new();
    let parts = page.sections.iter().flat_map(|section| &section.parts);
    for part in parts.filter(|part| !part.sheet.is_empty()) {
        let named = (!part.title.is_empty()).then_some(&part.title);
        let at = sheets.iter().position(|sheet| sheet.name == part.sheet).unwrap_or_else(|| {
            let first = named.map(|_| "Tabell".to_owned());
            let heads = part.columns.iter().map(|head| head.text.clone());
            let header = first.into_iter().chain(heads).collect();
            sheets.push(Sheet { name: part.sheet.clone(), header, rows: Vec::new() });
            sheets.len() - 1
        });
        let rows = part.rows.iter().map(|row| named.into_iter().chain(row).cloned().collect());
        sheets[at].rows.extend(rows);
    }
    sheets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        let part = |title: &str| Part {
            title: title.to_owned(),
            sheet: "Kolumner".to_owned(),
            columns: vec![Head::text("Kolumn"), Head::number("Rader")],
            rows: vec![vec!["<b>å".to_owned(), "7".to_owned()]],
            ..Part::default()
        };
        Page {
            kicker: "Källa".to_owned(),
            title: "Vad som finns".to_owned(),
            headline: "En sak att se över".to_owned(),
            explanation: String::new(),
            state: State::Look,
            sections: vec![Section {
                title: "Tabeller".to_owned(),
                about: "Allt.".to_owned(),
                parts: vec![part("PERSON"), part("AKT")],
            }],
            footer: vec!["Slut.".to_owned()],
        }
    }

    #[test]
    fn a_page_escapes_what_it_shows_and_needs_nothing_else() {
        let text = html(&page()).unwrap();
        assert!(text.contains("&#60;b&#62;å") && !text.contains("<b>"), "{text}");
        for forbidden in ["<script", "http://", "https://", "src=", "@import", "url("] {
            assert!(!text.contains(forbidden), "{forbidden}");
        }
        assert!(text.contains("lang=\"sv\"") && text.contains("verdict waiting") && text.contains("Slut."));
    }

    #[test]
    fn tables_of_one_name_are_one_sheet() {
        let found = sheets(&page());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].header, ["Tabell", "Kolumn", "Rader"]);
        assert_eq!(found[0].rows, [["PERSON", "<b>å", "7"], ["AKT", "<b>å", "7"]]);
    }
}

//! What people read: pages for the business side, a workbook and data with the same content, and a short text for the
//! terminal.
//!
//! A page is one file without scripts, fonts or links to anywhere but its sister pages, made to be read on a screen,
//! on a phone and on paper. Pages belong to the shareable tier unless they are asked for as protected: counts, names
//! of tables and rules, and no value of a person. Counts of a part of the city are rounded, and none under five is
//! told, on whatever page they stand: see the private module `disclosure`.

mod areas;
mod breakdown;
mod comparison;
mod disclosure;
mod document;
mod language;
mod normalisation;
pub(crate) mod number;
mod page;
mod quality;
mod quarantine;
mod readings;
mod reason;
mod refused;
mod round_trip;
mod stickprov;
mod strip;
pub(crate) mod suppress;
mod text;
mod trend;
mod verdict;
mod waivers;
mod workbook;

use std::collections::{BTreeMap, BTreeSet};

pub use bron_mappings::Owner;
use bron_mappings::{Digest, Pseudonym};

use crate::conservation::{Imbalance, Ledger};
use crate::error::Error;
use crate::findings::{Cause, FindingState};
use crate::rows::Finding;
use crate::sample::Cases;
use crate::summary::Summary;
pub use disclosure::{AreaRows, RowsOfAreas};
pub use language::Language;
pub use normalisation::Normalisation;
use page::{Page, Report};
pub use reason::{Advice, advice};
pub use text::text;
pub use trend::Point;

/// The most row findings that the page lists; the rest is in the findings file.
pub const LISTED_FINDINGS: usize = 500;

/// How the page names the record behind a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisplayKey {
    /// The key as it is, for tables whose key says nothing about a person.
    Plain(String),
    /// A stand-in that people with access can look up.
    Pseudonym(Pseudonym),
    /// Nothing.
    Hidden,
}

/// A finding and how to name its record. The page never takes the source key from the finding itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownFinding {
    /// The finding.
    pub finding: Finding,
    /// The record's name on the page.
    pub key: DisplayKey,
    /// Whether the reconciliation before had it.
    pub state: FindingState,
    /// The run in which it was seen first.
    pub first_seen: String,
    /// What the run knows about why it is there.
    pub cause: Cause,
    /// The name of the waiver that accepts it.
    pub waiver: Option<String>,
}

impl ShownFinding {
    /// A finding of which nothing more is known: it is new and unexplained.
    #[must_use]
    pub const fn new(finding: Finding, key: DisplayKey) -> Self {
        let (state, cause) = (FindingState::New, Cause::Unexplained);
        Self { finding, key, state, first_seen: String::new(), cause, waiver: None }
    }
}

/// Names for people, by code. A code without a name is shown as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Source systems.
    pub systems: BTreeMap<String, String>,
    /// Entities of the information model.
    pub entities: BTreeMap<String, String>,
    /// Areas of work.
    pub areas: BTreeMap<String, String>,
    /// Nämnder.
    pub namnder: BTreeMap<String, String>,
}

impl Labels {
    fn name<'a>(names: &'a BTreeMap<String, String>, code: &'a str) -> &'a str {
        names.get(code).map_or(code, String::as_str)
    }
}

/// Everything the page is made of.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// What the page is about, its main heading: "Avstämning av provflytt 3, ekonomiskt bistånd".
    pub title: &'a str,
    /// As of when the source was read, as text; may be empty.
    pub as_of: &'a str,
    /// The summary.
    pub summary: &'a Summary,
    /// The ledger that the summary was made from.
    pub ledger: &'a Ledger,
    /// The equations of conservation that do not hold.
    pub imbalances: &'a [Imbalance],
    /// What is not proven, see [`crate::summary::unproven`].
    pub unproven: &'a [String],
    /// Findings of the row comparison, at least the first [`LISTED_FINDINGS`].
    pub findings: &'a [ShownFinding],
    /// The name of the file that lists every finding.
    pub findings_file: &'a str,
    /// Names for people.
    pub labels: &'a Labels,
    /// What else the pages tell.
    pub background: &'a Background,
}

/// What the pages tell beside the result itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Background {
    /// How many rows each area has of each entity, old and new.
    pub areas: RowsOfAreas,
    /// The cases for people to look at.
    pub cases: Cases,
    /// The source tables that each control reads, as `system/table`, by the name of the control.
    pub control_tables: BTreeMap<String, BTreeSet<String>>,
    /// What the mappings do to values, by name of the function.
    pub normalisations: Vec<Normalisation>,
    /// The reconciliations before, oldest first.
    pub history: Vec<Point>,
}

/// Who a report is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Everybody: no value of a person.
    #[default]
    Shareable,
    /// Those who look at cases: values of the sample as they are, except of protected persons, who are in no sample.
    Protected,
}

/// A file of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// Its name, without a folder.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The page of the whole city, in Swedish, for everybody.
///
/// # Errors
/// [`ErrorKind::Report`](crate::ErrorKind::Report) when the page cannot be written.
pub fn html(input: &Input<'_>) -> Result<String, Error> {
    let figures = disclosure::Figures::new(input.ledger, &input.background.areas);
    let data_digest = Digest::of(document::document(input, &figures)?.as_bytes()).to_string();
    let report = Report {
        input,
        figures: &figures,
        language: Language::Sv,
        tier: Tier::Shareable,
        data_digest: &data_digest,
    };
    Page::of_city(&report).html()
}

/// Every file of the report: the page of the city and one for each area in each language, the workbook, and, for
/// everybody, the data. The digest of the data stands on every page.
///
/// # Errors
/// [`ErrorKind::Report`](crate::ErrorKind::Report) when a page or the workbook cannot be written.
pub fn files(input: &Input<'_>, languages: &[Language], tier: Tier) -> Result<Vec<ReportFile>, Error> {
    let figures = disclosure::Figures::new(input.ledger, &input.background.areas);
    let data = document::document(input, &figures)?;
    let data_digest = Digest::of(data.as_bytes()).to_string();
    let mut files = Vec::new();
    for &language in languages {
        let report = Report { input, figures: &figures, language, tier, data_digest: &data_digest };
        let page = |name: &str, page: Page<'_>| {
            let bytes = page.html()?.into_bytes();
            Ok::<_, Error>(ReportFile { name: areas::file(name, language), bytes })
        };
        files.push(page("index", Page::of_city(&report))?);
        for area in areas::with_page(input.labels, &figures) {
            files.push(page(area, Page::of_area(&report, area))?);
        }
    }
    let book = workbook::workbook(input, &figures, tier)?;
    files.push(ReportFile { name: "report.xlsx".to_owned(), bytes: book });
    if tier == Tier::Shareable {
        files.push(ReportFile { name: "report.json".to_owned(), bytes: data.into_bytes() });
    }
    Ok(files)
}

#[cfg(test)]
mod tests;

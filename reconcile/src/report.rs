//! What people read: a page for the business side and a short text for the terminal, both in Swedish.
//!
//! The page is one file without scripts, fonts or links to anywhere, made to be read on a screen, on a
//! phone and on paper. It belongs to the shareable tier: counts, names of tables and rules, and no value of
//! a person. Counts under five are hidden in the tables per area, nämnd and year, together with as
//! many others as it takes to keep them from being worked out.

mod breakdown;
mod comparison;
pub(crate) mod number;
mod quality;
mod quarantine;
mod readings;
mod reason;
mod refused;
mod round_trip;
mod strip;
pub(crate) mod suppress;
mod text;
mod verdict;
mod waivers;

use std::collections::BTreeMap;

use askama::Template;
pub use bron_mappings::Owner;
use bron_mappings::Pseudonym;

use crate::conservation::{Equation, Imbalance, Ledger};
use crate::error::{Error, ErrorKind};
use crate::faults::{FAULTS, Fault};
use crate::findings::{Cause, FindingState};
use crate::rows::Finding;
use crate::summary::{Summary, Verdict};
use breakdown::Breakdown;
use comparison::{ControlView, EntityView, FindingView, LoadedView, ReferencesView};
use quality::{OwnerView, RetentionView};
use quarantine::QuarantineView;
use readings::{ChangesView, DeliveryView, DriftView, ReadingView, SecrecyView};
use reason::ReasonView;
pub use reason::{Advice, advice};
use refused::RefusedView;
use round_trip::{RoundTripTotals, RoundTripView};
use strip::BalanceView;
pub use text::text;
use waivers::{SinceView, WaiverView};

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
}

/// The page for the business side.
///
/// # Errors
/// [`ErrorKind::Report`] when the page cannot be written, [`ErrorKind::Overflow`] when a count leaves 64 bits.
pub fn html(input: &Input<'_>) -> Result<String, Error> {
    let summary = input.summary;
    let balances = strip::balances(summary, input.labels);
    let page = Page {
        title: input.title,
        as_of: input.as_of,
        run: &summary.run,
        mapping_digest: &summary.mapping_digest,
        verdict: summary.verdict,
        headline: verdict::headline(summary, input.imbalances),
        explanation: verdict::explanation(summary),
        facts: verdict::facts(summary, input.imbalances),
        unproven: input.unproven,
        balances,
        imbalances: input.imbalances.iter().map(imbalance_line).collect(),
        quarantined: reason::held(summary, |table| &table.quarantined),
        decided: quarantine::headline(summary.quarantine.as_ref()),
        items: quarantine::lines(summary.quarantine.as_ref()),
        excluded: reason::held(summary, |table| &table.excluded),
        flagged: reason::held(summary, |table| &table.flagged),
        refused: refused::lines(summary, input.labels),
        entities: comparison::entities(summary, input.labels),
        loaded: comparison::loaded(summary, input.labels),
        references: comparison::references(summary),
        controls: comparison::controls(summary),
        round_trip: round_trip::totals(summary),
        round_trips: round_trip::tables(summary),
        findings: comparison::findings(input),
        findings_total: number::count(comparison::findings_total(summary)),
        findings_file: input.findings_file,
        since: waivers::since(summary),
        waivers: waivers::lines(summary, input.labels),
        breakdowns: breakdown::all(input.ledger, input.labels)?,
        trend: quality::trend(summary),
        owners: quality::owners(summary),
        retention: quality::retention(summary),
        deliveries: readings::deliveries(summary, input.labels),
        readings: readings::readings(summary, input.labels),
        previous: readings::previous(summary),
        drift: readings::drift(summary, input.labels),
        changes: readings::changes(summary, input.labels),
        secrecy_rows: number::count(summary.secrecy.rows),
        secrecy_cells: number::count(summary.secrecy.cells),
        secrecy: readings::secrecy(summary, input.labels),
        faults: FAULTS,
    };
    page.render().map_err(|error| Error::caused(ErrorKind::Report, "the report could not be written", error))
}

fn imbalance_line(imbalance: &Imbalance) -> ImbalanceView {
    let what = match imbalance.rule {
        Equation::Cell => "Lästa rader mot redovisade rader",
        Equation::Extraction => "Källans antal mot lästa rader",
        Equation::Fanout => "Rader som källraderna gav mot rader per informationsobjekt",
        Equation::Target => "Skapade rader mot rader i målet",
    };
    ImbalanceView {
        what,
        place: format!("{}/{}", imbalance.system, imbalance.table),
        part: imbalance.part.clone(),
        expected: number::count(imbalance.expected),
        found: number::count(imbalance.found),
    }
}

struct ImbalanceView {
    what: &'static str,
    place: String,
    part: String,
    expected: String,
    found: String,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    title: &'a str,
    as_of: &'a str,
    run: &'a str,
    mapping_digest: &'a str,
    verdict: Verdict,
    headline: String,
    explanation: &'static str,
    facts: Vec<verdict::Fact>,
    unproven: &'a [String],
    balances: Vec<BalanceView>,
    imbalances: Vec<ImbalanceView>,
    quarantined: Vec<ReasonView>,
    decided: String,
    items: Vec<QuarantineView>,
    excluded: Vec<ReasonView>,
    flagged: Vec<ReasonView>,
    refused: Vec<RefusedView>,
    entities: Vec<EntityView>,
    loaded: Vec<LoadedView>,
    references: ReferencesView,
    controls: Vec<ControlView>,
    round_trip: Option<RoundTripTotals>,
    round_trips: Vec<RoundTripView>,
    findings: Vec<FindingView>,
    findings_total: String,
    findings_file: &'a str,
    since: Option<SinceView>,
    waivers: Vec<WaiverView>,
    breakdowns: Vec<Breakdown>,
    trend: String,
    owners: Vec<OwnerView>,
    retention: Vec<RetentionView>,
    deliveries: Vec<DeliveryView>,
    readings: Vec<ReadingView>,
    previous: String,
    drift: Vec<DriftView>,
    changes: Vec<ChangesView>,
    secrecy_rows: String,
    secrecy_cells: String,
    secrecy: Vec<SecrecyView>,
    faults: &'static [Fault],
}

impl Page<'_> {
    /// The verdict's class in the style sheet.
    const fn verdict_class(&self) -> &'static str {
        match self.verdict {
            Verdict::Lika => "equal",
            Verdict::LikaMedKarantan | Verdict::GodkandaSkillnader => "waiting",
            Verdict::Skillnader => "unequal",
            Verdict::EjBevisat => "unproven",
        }
    }

    /// Whether some findings are only in the file.
    fn findings_are_cut(&self) -> bool {
        self.findings_total != number::count(self.findings.len())
    }
}

#[cfg(test)]
mod tests;

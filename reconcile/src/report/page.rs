//! One page of the report: that of the whole city, or that of an area in the same form, with its rows only.

use askama::Template;

use super::areas::{self, AreaLink};
use super::breakdown::{self, Breakdown};
use super::comparison::{self, ControlView, EntityView, FindingView, LoadedView, ReferencesView};
use super::disclosure::Figures;
use super::language::{LANGUAGE, filters};
use super::normalisation::{self, NormalisationView};
use super::number;
use super::quality::{self, OwnerView, RetentionView};
use super::quarantine::{self, QuarantineView};
use super::readings::{self, ChangesView, DeliveryView, DriftView, ReadingView, SecrecyView};
use super::reason::{self, ReasonView};
use super::refused::{self, RefusedView};
use super::round_trip::{self, RoundTripTotals, RoundTripView};
use super::stickprov::{self, CaseView};
use super::strip::{self, BalanceView};
use super::trend::{self, TrendView};
use super::waivers::{self, SinceView, WaiverView};
use super::{Input, Language, Tier, verdict};
use crate::conservation::{Equation, Imbalance};
use crate::error::{Error, ErrorKind};
use crate::faults::{FAULTS, Fault};
use crate::summary::Verdict;

/// A section: its anchor, its heading, and whether the page of an area has it.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    of_area: bool,
}

const fn section(id: &'static str, title: &'static str, of_area: bool) -> Section {
    Section { id, title, of_area }
}

/// The sections in the order of the template.
static SECTIONS: [Section; 16] = [
    section("balans", "Vad blev det av raderna?", true),
    section("inte-med", "Det som inte kom med", true),
    section("marken", "Kvalitetsmärken på rader som kom med", true),
    section("objekt", "Gammalt och nytt per informationsobjekt", true),
    section("kontroller", "Summor och antal per period", true),
    section("rader", "Rader som skiljer", false),
    section("fordelning", "Fördelning per område, nämnd och år", true),
    section("andringar", "Vad som ändrats sedan förra gången", false),
    section("stickprov", "Stickprov", true),
    section("kvalitet", "Kvalitetsarbetet per ägare", false),
    section("gallring", "Gallring", false),
    section("lasningar", "Leveranser och läsningar", false),
    section("sekretess", "Vem som får läsa vad", false),
    section("granser", "Vad avstämningen kan och inte kan se", true),
    section("normalisering", "Hur värden omvandlas på vägen", true),
    section("godkannande", "Godkännande", true),
];

/// What all pages of a report share.
#[derive(Clone, Copy)]
pub(super) struct Report<'a> {
    pub(super) input: &'a Input<'a>,
    pub(super) figures: &'a Figures,
    pub(super) language: Language,
    pub(super) tier: Tier,
    /// The digest of `report.json`.
    pub(super) data_digest: &'a str,
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
pub(super) struct Page<'a> {
    language: Language,
    is_protected: bool,
    /// The name of the area; `None` on the page of the city.
    area: Option<&'a str>,
    areas: Vec<AreaLink>,
    sections: Vec<&'static Section>,
    title: &'a str,
    as_of: &'a str,
    run: &'a str,
    mapping_digest: &'a str,
    data_digest: &'a str,
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
    findings: Vec<FindingView>,
    findings_total: String,
    findings_file: &'a str,
    since: Option<SinceView>,
    round_trip: Option<RoundTripTotals>,
    round_trips: Vec<RoundTripView>,
    waivers: Vec<WaiverView>,
    breakdowns: Vec<Breakdown>,
    trends: Vec<TrendView>,
    trends_before: &'a str,
    cases: Vec<CaseView>,
    seed: u64,
    quality: String,
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
    normalisations: Vec<NormalisationView>,
}

impl<'a> Page<'a> {
    /// The page of the whole city.
    pub(super) fn of_city(report: &Report<'a>) -> Self {
        let Report { input, figures, language, tier, data_digest } = *report;
        let (summary, labels) = (input.summary, input.labels);
        let background = input.background;
        Self {
            language,
            is_protected: tier == Tier::Protected,
            area: None,
            areas: areas::links(labels, figures, language),
            sections: SECTIONS.iter().collect(),
            title: input.title,
            as_of: input.as_of,
            run: &summary.run,
            mapping_digest: &summary.mapping_digest,
            data_digest,
            verdict: summary.verdict,
            headline: verdict::headline(summary, input.imbalances, language),
            explanation: verdict::explanation(summary),
            facts: verdict::facts(summary, input.imbalances),
            unproven: input.unproven,
            balances: strip::balances(summary, labels),
            imbalances: input.imbalances.iter().map(imbalance_line).collect(),
            quarantined: reason::held(summary, |table| &table.quarantined),
            decided: quarantine::headline(summary.quarantine.as_ref(), language),
            items: quarantine::lines(summary.quarantine.as_ref()),
            excluded: reason::held(summary, |table| &table.excluded),
            flagged: reason::held(summary, |table| &table.flagged),
            refused: refused::lines(summary, labels),
            entities: comparison::entities(summary, labels),
            loaded: comparison::loaded(summary, labels),
            references: comparison::references(summary),
            controls: comparison::controls(summary),
            findings: comparison::findings(input),
            findings_total: number::count(comparison::findings_total(summary)),
            findings_file: input.findings_file,
            since: waivers::since(summary, language),
            round_trip: round_trip::totals(summary),
            round_trips: round_trip::tables(summary),
            waivers: waivers::lines(summary, labels),
            breakdowns: breakdown::of_city(figures, labels, language),
            trends: trend::lines(&background.history, input),
            trends_before: trend::before(&background.history),
            cases: stickprov::cases(&background.cases.city, labels, tier, language),
            seed: background.cases.seed,
            quality: quality::trend(summary, language),
            owners: quality::owners(summary),
            retention: quality::retention(summary),
            deliveries: readings::deliveries(summary, labels),
            readings: readings::readings(summary, labels),
            previous: readings::previous(summary, language),
            drift: readings::drift(summary, labels),
            changes: readings::changes(summary, labels),
            secrecy_rows: number::count(summary.secrecy.rows),
            secrecy_cells: number::count(summary.secrecy.cells),
            secrecy: readings::secrecy(summary, labels),
            faults: FAULTS,
            normalisations: normalisation::lines(&background.normalisations),
        }
    }

    /// The page of one area: what is known by area, and nothing of the rest. It never says more than the page of the
    /// city: whether the few rows of an area differ or wait would be a count of them.
    pub(super) fn of_area(report: &Report<'a>, area: &'a str) -> Self {
        let Report { input, figures, language, tier, .. } = *report;
        let (summary, labels) = (input.summary, input.labels);
        let cases = input.background.cases.areas.get(area).map_or(&[][..], Vec::as_slice);
        Self {
            area: Some(labels.areas.get(area).map_or(area, String::as_str)),
            areas: Vec::new(),
            sections: SECTIONS.iter().filter(|section| section.of_area).collect(),
            headline: areas::headline(summary, input.imbalances, (figures, area), language),
            facts: areas::facts(figures, area),
            balances: areas::balances(figures, area, labels),
            imbalances: Vec::new(),
            quarantined: areas::reasons(figures, area, super::disclosure::QUARANTINED),
            decided: String::new(),
            items: Vec::new(),
            excluded: areas::reasons(figures, area, super::disclosure::EXCLUDED),
            flagged: areas::reasons(figures, area, super::disclosure::FLAGGED),
            refused: Vec::new(),
            entities: areas::entities(figures, area, (summary, labels)),
            loaded: Vec::new(),
            controls: areas::controls(input, figures, area),
            findings: Vec::new(),
            since: None,
            round_trip: None,
            round_trips: Vec::new(),
            waivers: Vec::new(),
            breakdowns: breakdown::of_area(figures, area, labels),
            trends: Vec::new(),
            cases: stickprov::cases(cases, labels, tier, language),
            owners: Vec::new(),
            retention: Vec::new(),
            ..Self::of_city(report)
        }
    }

    /// The page as HTML.
    pub(super) fn html(&self) -> Result<String, Error> {
        let refused = |error| Error::caused(ErrorKind::Report, "the report could not be written", error);
        let language: &dyn std::any::Any = &self.language;
        self.render_with_values(&(LANGUAGE, language)).map_err(refused)
    }

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

    /// The number of a section on this page; nothing for one that it does not have.
    fn number(&self, id: &str) -> String {
        let place = self.sections.iter().position(|section| section.id == id);
        place.map_or_else(String::new, |at| (at + 1).to_string())
    }

    /// Whether the page has a section.
    fn has(&self, id: &str) -> bool {
        self.sections.iter().any(|section| section.id == id)
    }

    /// The file of another page in the same language.
    fn page(&self, name: &str) -> String {
        areas::file(name, self.language)
    }
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

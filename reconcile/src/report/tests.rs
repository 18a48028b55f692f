use std::collections::BTreeSet;

use bron_mappings::{Digest, EntityId, InstallationSecret, Sensitive, SourceKey};

use super::*;
use crate::conservation::{Balance, Dimension};
use crate::controls::{ControlRow, Unit};
use crate::findings::{FindingCounts, FindingsBefore};
use crate::references::ReferenceCounts;
use crate::round_trip::{RoundTripField, RoundTripSummary};
use crate::rows::{FindingKind, RowCounts};
use crate::secrecy::Secrecy;
use crate::summary::{EntitySummary, Evidence, RefusedLine, Verdict};
use crate::waivers::{WaiverLine, WaiverState};

const CANARY: &str = "19000101-0000";

struct Scene {
    ledger: Ledger,
    controls: Vec<ControlRow>,
    entities: Vec<EntitySummary>,
    findings: Vec<ShownFinding>,
    imbalances: Vec<Imbalance>,
    labels: Labels,
    refused: Vec<RefusedLine>,
    background: Background,
    round_trip: RoundTripSummary,
}

impl Scene {
    fn summary(&self, unproven: &[String]) -> Summary {
        let evidence = Evidence {
            imbalances: Some(&self.imbalances),
            controls: Some(&self.controls),
            entities: Some(&self.entities),
            references: Some(ReferenceCounts::default()),
            secrecy: Some(&Secrecy::default()),
            round_trip: Some(&self.round_trip),
            refused: &self.refused,
            accepted: None,
            unproven,
        };
        Summary::new("körning 7", "4f5a", &self.ledger, &evidence).unwrap()
    }

    fn page(&self, unproven: &[String]) -> String {
        self.page_of(&self.summary(unproven), unproven)
    }

    fn page_of(&self, summary: &Summary, unproven: &[String]) -> String {
        self.told_of(summary, unproven, |input| html(input).unwrap())
    }

    fn files(&self, languages: &[Language], tier: Tier) -> BTreeMap<String, String> {
        let text = |file: ReportFile| (file.name, String::from_utf8_lossy(&file.bytes).into_owned());
        let all = |input: &Input<'_>| files(input, languages, tier).unwrap();
        self.told_of(&self.summary(&[]), &[], all).into_iter().map(text).collect()
    }

    fn told_of<T>(&self, summary: &Summary, unproven: &[String], tell: impl FnOnce(&Input<'_>) -> T) -> T {
        tell(&Input {
            title: "Provflytt <3> & \"vidare\"",
            as_of: "1 november",
            summary,
            ledger: &self.ledger,
            imbalances: &self.imbalances,
            unproven,
            findings: &self.findings,
            findings_file: "fynd.csv",
            labels: &self.labels,
            background: &self.background,
        })
    }
}

fn control(key: &str, difference: i64) -> ControlRow {
    ControlRow {
        name: "utbetalt".into(),
        label: "Utbetalt belopp per månad".into(),
        unit: Unit::Ore,
        dimension: "månad".into(),
        key: key.into(),
        source: 612_000 + difference,
        held: 0,
        target: 612_000,
        difference,
    }
}

/// Everything equal, three rows in quarantine.
fn equal_scene() -> Scene {
    let mut ledger = Ledger::new();
    for (namnd, read, held) in [("715", 1003, 3), ("718", 2000, 0), ("", 50, 0)] {
        let dimension = Dimension {
            system: "paraply".into(),
            table: "UTBET".into(),
            area: "EB".into(),
            namnd: namnd.into(),
            year: "2017".into(),
        };
        let quarantined = if held > 0 { BTreeMap::from([("D24".to_owned(), held)]) } else { BTreeMap::new() };
        let flagged = BTreeMap::from([("D42".to_owned(), 7), ("nytt_fel".to_owned(), 1)]);
        let balance =
            Balance { read, loaded: read - held, quarantined, flagged, fanout: read, ..Balance::default() };
        ledger.add(dimension, &balance).unwrap();
    }
    Scene {
        ledger,
        controls: vec![control("2017-03", 0), control("2017-04", 0)],
        entities: vec![EntitySummary::new(
            "utbetalning",
            RowCounts { compared: 3050, ..RowCounts::default() },
        )],
        findings: Vec::new(),
        imbalances: Vec::new(),
        labels: Labels {
            namnder: BTreeMap::from([("715".to_owned(), "Skarpnäck".to_owned())]),
            ..Labels::default()
        },
        refused: Vec::new(),
        background: Background::default(),
        round_trip: RoundTripSummary {
            rows: 3050,
            fields: vec![
                put_back("BELOPP", 0, None),
                put_back("RADVERSION", 0, Some("kolumnen lämnas utanför flytten: <radversion>")),
            ],
            ..RoundTripSummary::default()
        },
    }
}

fn put_back(column: &str, differs: u64, because: Option<&str>) -> RoundTripField {
    RoundTripField {
        mapping: "paraply/UTBET".into(),
        column: column.into(),
        compared: if because.is_some() { 0 } else { 3050 },
        differs,
        not_invertible_because: because.map(str::to_owned),
    }
}

fn finding(number: u32, key: DisplayKey) -> ShownFinding {
    let source_key = SourceKey::new("paraply", "PERSON", [Some(CANARY)]);
    let secret = InstallationSecret::new([1; 32]);
    let finding = Finding {
        id: Digest::of(&number.to_be_bytes()),
        kind: FindingKind::Differs { fields: vec!["belopp_ore".to_owned()] },
        entity: "utbetalning".into(),
        entity_id: EntityId::derive(&secret, "utbetalning", &source_key),
        src_system: "paraply".into(),
        src_table: "UTBET".into(),
        src_key: Sensitive::new(CANARY.to_owned()),
        rule: "paraply/utbet".into(),
    };
    ShownFinding::new(finding, key)
}

fn unequal_scene(findings: u32) -> Scene {
    let mut scene = equal_scene();
    scene.controls.push(control("2017-05", -50));
    scene.findings = (0..findings).map(|number| finding(number, DisplayKey::Hidden)).collect();
    let counts = RowCounts { compared: 3050, differs: findings.into(), ..RowCounts::default() };
    scene.entities = vec![EntitySummary::new("utbetalning", counts)];
    scene
}

/// The page's elements in order, with their attributes; checks that they are nested and closed.
fn elements(page: &str) -> Vec<String> {
    const VOID: [&str; 6] = ["meta", "br", "!DOCTYPE", "link", "!--underskrifter--", "!--"];
    let (mut open, mut found) = (Vec::new(), Vec::new());
    let body = page.split_once("<style>").unwrap();
    let page = format!(
        "{}<style>{}",
        body.0,
        body.1.split_once("</style>").map(|rest| format!("</style>{}", rest.1)).unwrap()
    );
    for part in page.split('<').skip(1) {
        let tag = part.split_once('>').expect("every tag is closed").0;
        if tag.starts_with("!--") {
            continue;
        }
        let name = tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name.to_owned()), "closes what is open");
        } else {
            found.push(tag.to_owned());
            if !VOID.contains(&name) && !tag.ends_with('/') {
                open.push(name.to_owned());
            }
        }
    }
    assert_eq!(open, Vec::<String>::new());
    found
}

fn attributes<'a>(elements: &'a [String], name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    elements.iter().filter_map(|tag| Some(tag.split_once(&start)?.1.split_once('"')?.0)).collect()
}

#[test]
fn the_page_is_well_formed_and_accessible_in_every_state() {
    for page in [equal_scene().page(&[]), unequal_scene(3).page(&["Källan ändrades.".to_owned()])] {
        let tags = elements(&page);
        assert!(page.contains("<html lang=\"sv\">") && page.contains("class=\"skip\" href=\"#innehall\""));
        assert!(
            tags.iter()
                .filter(|tag| *tag == "th" || tag.starts_with("th "))
                .all(|tag| tag.contains("scope="))
        );
        assert!(
            tags.iter().filter(|tag| tag.contains("role=\"img\"")).all(|tag| tag.contains("aria-label="))
        );
        assert_eq!(tags.iter().filter(|tag| *tag == "h1").count(), 1);
        let ids = attributes(&tags, "id");
        let known: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), known.len(), "ids are unique");
        let links = attributes(&tags, "href").into_iter();
        let (anchors, sisters): (Vec<&str>, Vec<&str>) = links.partition(|link| link.starts_with('#'));
        assert!(sisters.iter().all(|link| ["report.xlsx", "report.json"].contains(link)), "{sisters:?}");
        let anchors = anchors.into_iter().filter_map(|link| link.strip_prefix('#'));
        assert!(anchors.chain(attributes(&tags, "aria-labelledby")).all(|id| known.contains(id)));
    }
}

#[test]
fn what_cannot_be_put_back_is_named_and_what_differs_stands_out() {
    let mut scene = equal_scene();
    let page = scene.page(&[]);
    assert!(page.contains("1 av 2 kolumner är prövade och lika"));
    assert!(page.contains("går inte att återställa: kolumnen lämnas utanför flytten: &#60;radversion&#62;"));
    (scene.round_trip.differs, scene.round_trip.alone) = (3, 2);
    scene.round_trip.fields[0].differs = 2;
    let page = scene.page(&[]);
    assert!(page.contains("3 rader ger något annat tillbaka") && page.contains("BELOPP: 2 av 3"));
    assert!(page.contains("2 av dem är rad för rad det som omvandlingen ger"));
    assert!(page.contains("Stopp: 2 skillnader") && elements(&page).len() > 100);
    let said = text(&scene.summary(&[]));
    assert!(said.contains("Tur och retur:") && said.contains("paraply/UTBET.BELOPP: 2 av 3"));
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let page = unequal_scene(3).page(&[]);
    for foreign in
        ["<script", "<link", "<img", "<iframe", "http:", "https:", "url(", "@import", " src=", "onclick"]
    {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn text_is_escaped_and_keys_are_not_shown() {
    let mut scene = unequal_scene(2);
    scene.findings[1].key = DisplayKey::Plain("<b>4711</b>".to_owned());
    let page = scene.page(&[]);
    assert!(!page.contains(CANARY) && !page.contains("<b>"));
    assert!(page.contains("Provflytt &#60;3&#62;") && page.contains("4711"));
}

#[test]
fn the_verdict_comes_first_in_words() {
    let text = |scene: &Scene, unproven: &[String]| {
        let page = scene.page(unproven);
        let start = page.find("class=\"headline").unwrap();
        page[start..].split_once('>').unwrap().1.split_once('<').unwrap().0.to_owned()
    };
    assert_eq!(text(&equal_scene(), &[]), "Det som förts över stämmer. 3 rader väntar på ert beslut.");
    assert_eq!(text(&unequal_scene(3), &[]), "Stopp: 4 skillnader måste förklaras.");
    assert_eq!(text(&equal_scene(), &["X.".to_owned()]), "Inte bevisat: avstämningen är inte fullständig.");
    let mut scene = equal_scene();
    scene.ledger = Ledger::new();
    scene.ledger.add(Dimension::default(), &Balance { read: 1, loaded: 1, ..Balance::default() }).unwrap();
    assert_eq!(text(&scene, &[]), "Klart att godkänna: allt stämmer.");
}

#[test]
fn differences_are_itemised_and_equal_periods_are_folded() {
    let page = unequal_scene(1).page(&[]);
    let (open, folded) = page.split_once("<details>").unwrap();
    assert!(open.contains("2017-05") && open.contains("\u{2212}0,50") && open.contains("6\u{202f}120,00"));
    assert!(!open.contains("2017-03") && folded.contains("2017-03"));
    assert!(folded.contains("Utbetalt belopp per månad: 2 lika"));
}

#[test]
fn reasons_are_explained_and_have_an_owner() {
    let page = equal_scene().page(&[]);
    assert!(page.contains("Slutdatum före startdatum") && page.contains("Stadsdelsförvaltningen"));
    assert!(page.contains("Möjlig dubbel utbetalning") && page.contains(">EKO<"));
    assert!(page.contains("nytt_fel") && page.contains("Utred vad orsaken innebär."));
}

#[test]
fn small_counts_are_hidden_per_namnd() {
    let page = equal_scene().page(&[]);
    let (_, breakdowns) = page.split_once("id=\"fordelning\"").unwrap();
    let (_, row) = breakdowns.split_once("Skarpnäck").unwrap();
    let (row, _) = row.split_once("</tr>").unwrap();
    assert!(row.contains("&#60;5") && row.contains(">1\u{202f}005<") && !row.contains(">3<"));
    assert!(breakdowns.contains("Ej angivet"));
}

#[test]
fn long_lists_are_cut_and_say_so() {
    let page = unequal_scene(600).page(&[]);
    assert!(page.contains("De första 500 av 600.") && page.contains("fynd.csv"));
    assert_eq!(page.matches(">Skiljer i innehåll</th><td>").count(), 500);
    assert!(unequal_scene(500).page(&[]).contains("Alla 500 visas."));
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    assert_eq!(unequal_scene(5).page(&[]), unequal_scene(5).page(&[]));
}

#[test]
fn the_terminal_gets_the_verdict_the_balance_and_the_differences() {
    let expected = "\
SKILLNADER: något är inte lika
Rader: 3\u{202f}053 lästa = 3\u{202f}050 inlästa + 0 sammanslagna + 0 utelämnade + 3 i karantän
Målet: 3\u{202f}050 jämförda, 0 saknas, 0 oväntade, 2 skiljer
Tur och retur: 3\u{202f}050 rader återställda, 0 ger annat än källan; 1 av 2 kolumner prövade och lika
Hänvisningar: 0 kontrollerade, 0 rader hänvisar till rader som saknas, 0 saknade är förklarade
Kontroller: 2 av 3 lika
  Utbetalt belopp per månad, månad 2017-05: källa 6\u{202f}119,50, undantaget 0,00, \
mål 6\u{202f}120,00, skillnad \u{2212}0,50 kronor
Körning körning 7, mappning 4f5a
";
    assert_eq!(text(&unequal_scene(2).summary(&[])), expected);
}

#[test]
fn rows_that_the_target_refused_are_told_with_what_refused_them() {
    let mut scene = equal_scene();
    assert!(!scene.page(&[]).contains("Rader som målet inte tog emot"));
    let line = |constraint: &str, rows| RefusedLine {
        system: "paraply".into(),
        table: "UTBET".into(),
        entity: "utbetalning".into(),
        reason: "mal_villkor".into(),
        constraint: constraint.into(),
        rows,
    };
    scene.refused = vec![line("belopp_positivt", 7), line("bron:calendar", 2)];
    scene.entities = scene.entities.into_iter().map(|entity| entity.with_refused(9)).collect();
    let page = scene.page(&[]);
    for expected in [
        "Rader som målet inte tog emot",
        "<code>mal_villkor</code> Raden bryter mot ett villkor i målet</td>",
        "<td>belopp_positivt</td><td class=\"n\">7</td>",
        "<td>datum utanför åren 1 till 9999</td><td class=\"n\">2</td>",
        "<td class=\"n\">9</td><td class=\"n\">0</td>",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    let summary = scene.summary(&[]);
    assert_eq!((summary.verdict, summary.waiting()), (Verdict::LikaMedKarantan, 3));
    let text = text(&summary);
    assert!(
        text.contains("Målet tog inte emot 9 rader") && text.contains("7 mal_villkor (belopp_positivt)"),
        "{text}"
    );
}

#[test]
fn findings_say_since_when_and_why_and_waivers_are_listed() {
    let mut scene = unequal_scene(2);
    assert!(!scene.page(&[]).contains("Godkända avvikelser"));
    scene.findings[1].state = FindingState::Persisting;
    scene.findings[1].first_seen = "körning 6".to_owned();
    scene.findings[1].cause = Cause::SourceDefect("D38".to_owned());
    scene.findings[1].waiver = Some("avrundning".to_owned());
    let mut summary = scene.summary(&[]);
    summary.findings = FindingCounts { new: 1, persisting: 1, resolved: 3, in_flight: 0, waived: 1 };
    summary.findings_before = Some(FindingsBefore { run: "körning 6".to_owned(), unreadable: None });
    summary.accepted = 1;
    summary.waivers = vec![WaiverLine {
        id: "avrundning".to_owned(),
        entity: "utbetalning".to_owned(),
        label: "Rader skiljer i belopp_ore, högst 12".to_owned(),
        reason: "Källan <avrundar>".to_owned(),
        owner: "EKO".to_owned(),
        approved_by: "Anna Attest".to_owned(),
        expires: "2027-03-31".to_owned(),
        rows: 1,
        state: WaiverState::InForce,
    }];
    let page = scene.page_of(&summary, &[]);
    elements(&page);
    for expected in [
        "<strong>1 nytt, 1 kvarstår, 3 åtgärdade, 1 godkänt</strong> jämfört med avstämningen av körning körning 6.",
        "<td>Nytt</td><td>Oförklarat: förlorat eller ändrat</td>",
        "<td>Kvarstår sedan körning körning 6; godkänd avvikelse <code>avrundning</code></td>",
        "<td>Källraden har ett fel (D38: Belopp med delar av öre)</td>",
        "Godkända avvikelser",
        "<td>Källan &#60;avrundar&#62;</td><td>EKO</td><td>Anna Attest</td><td>2027-03-31</td><td>gäller</td>",
        "varav godkända",
        "Stopp: 2 skillnader måste förklaras.",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    let text = text(&summary);
    for expected in [
        "Fynd: 1 nytt, 1 kvarstår, 3 åtgärdade, 1 godkänt jämfört med avstämningen av körning körning 6\n",
        "godkänd avvikelse avrundning, utbetalning: 1 rad, till och med 2027-03-31, ägare EKO, gäller\n",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    summary.verdict = Verdict::GodkandaSkillnader;
    let page = scene.page_of(&summary, &[]);
    assert!(page.contains("Inte lika: 1 skillnad, och alla är godkända."));
}

/// The scene with a second area, of few rows, and what is known of areas.
fn scene_of_areas() -> Scene {
    let mut scene = equal_scene();
    let at = Dimension {
        system: "paraply".into(),
        table: "UTBET".into(),
        area: "VUX".into(),
        namnd: "715".into(),
        year: "2017".into(),
    };
    let held = BTreeMap::from([("D24".to_owned(), 2)]);
    scene
        .ledger
        .add(at, &Balance { read: 12, loaded: 10, quarantined: held, fanout: 10, ..Balance::default() })
        .unwrap();
    scene.labels.areas =
        BTreeMap::from(["EB", "VUX"].map(|code| (code.to_owned(), format!("Område {code}"))));
    let rows = |old, new| AreaRows { old, new };
    let entity = "utbetalning".to_owned();
    scene.background.areas = BTreeMap::from([
        (("EB".to_owned(), entity.clone()), rows(3050, 3050)),
        (("VUX".to_owned(), entity), rows(10, 10)),
    ]);
    let tables = BTreeSet::from(["paraply/UTBET".to_owned()]);
    scene.background.control_tables = BTreeMap::from([("utbetalt".to_owned(), tables)]);
    scene
}

#[test]
fn an_area_has_a_page_with_its_own_rows_in_round_figures() {
    let files = scene_of_areas().files(&[Language::Sv], Tier::Shareable);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(names, ["EB.html", "VUX.html", "index.html", "report.json", "report.xlsx"]);
    let page = &files["VUX.html"];
    elements(page);
    assert!(
        page.contains("Område VUX</h1>")
            && page.contains("I området väntar färre än fem rader på ert beslut.")
    );
    assert!(page.contains("Utbetalt belopp per månad") && !page.contains("Kvalitetsarbetet per ägare"));
    assert!(page.contains("Ingen orsak har minst fem rader") && !page.contains("Inga rader är i karantän"));
    let shown =
        |number: u32| ["<td class=\"n\">", "<strong>", "<dd>"].map(|before| format!("{before}{number}<"));
    assert!(
        [12, 2].into_iter().flat_map(shown).all(|text| !page.contains(&text)),
        "counts of an area are rounded"
    );
    assert!(shown(10).iter().all(|text| page.contains(text)));
    assert!(files["EB.html"].contains(">3\u{202f}055<") && files["index.html"].contains("href=\"VUX.html\""));
    let digest = Digest::of(files["report.json"].as_bytes()).to_string();
    assert!(["EB.html", "VUX.html", "index.html"].iter().all(|name| files[*name].contains(&digest)));
}

#[test]
fn a_difference_anywhere_stops_every_area() {
    let mut scene = scene_of_areas();
    scene.entities = unequal_scene(2).entities;
    let files = scene.files(&[Language::Sv], Tier::Shareable);
    assert!(files["VUX.html"].contains("Stopp: 2 skillnader måste förklaras."));
    assert!(files["VUX.html"].contains(">Olika</span>"));
}

#[test]
fn pages_are_english_on_demand() {
    let files = scene_of_areas().files(&[Language::Sv, Language::En], Tier::Shareable);
    let page = &files["index.en.html"];
    elements(page);
    assert!(page.contains("<html lang=\"en\">") && page.contains("5 rows wait for your decision."));
    assert!(page.contains("href=\"VUX.en.html\"") && !page.contains("Gammalt"));
    assert!(
        files["VUX.en.html"].contains("In the area fewer than five rows")
            || files["VUX.en.html"].contains("fewer than five rows wait")
    );
    assert_eq!(files["index.html"], scene_of_areas().files(&[Language::Sv], Tier::Shareable)["index.html"]);
}

#[test]
fn a_case_shows_its_values_in_the_protected_tier_only() {
    use crate::sample::{Case, CaseField, CaseValue, Mask, Stratum};
    let mut scene = scene_of_areas();
    let value = || CaseValue {
        clear: Sensitive::new(CANARY.to_owned()),
        mask: Mask::Made { of: "text", length: Some(13) },
    };
    scene.background.cases.city = vec![Case {
        stratum: Stratum {
            area: "EB".into(),
            entity: "utbetalning".into(),
            era: "2015–2019".into(),
            namnd: "715".into(),
        },
        system: "paraply".into(),
        table: "UTBET".into(),
        key: "4711".into(),
        mapping: "paraply/UTBET".into(),
        fields: vec![CaseField {
            label: "Mottagare".into(),
            rule: "funktionen copy".into(),
            old: vec![("MOTT".into(), value())],
            new: value(),
        }],
    }];
    let open = scene.files(&[Language::Sv], Tier::Shareable);
    assert!(open.values().all(|text| !text.contains(CANARY)));
    assert!(open["index.html"].contains("text, 13 tecken") && open["report.json"].contains("4711"));
    let closed = scene.files(&[Language::Sv], Tier::Protected);
    assert!(closed["index.html"].contains(CANARY) && closed["index.html"].contains("class=\"protected\""));
    assert!(!closed.contains_key("report.json"));
}

#[test]
fn small_equal_counts_of_a_control_are_hidden_with_another_one() {
    let mut scene = equal_scene();
    let counted = |key: &str, source| ControlRow {
        name: "antal".into(),
        label: "Antal per månad".into(),
        unit: Unit::Antal,
        source,
        target: source,
        difference: 0,
        ..control(key, 0)
    };
    scene.controls = vec![counted("2017-03", 3), counted("2017-04", 18), counted("2017-05", 77)];
    let page = scene.page(&[]);
    let (_, folded) = page.split_once("Antal per månad: 3").unwrap();
    let cells = |key: &str| folded.split_once(key).unwrap().1.split_once("</tr>").unwrap().0.to_owned();
    assert!(cells("2017-03").contains("&#60;5") && cells("2017-04").contains("dold"));
    assert!(cells("2017-05").contains(">77<"));
}

#[test]
fn what_has_changed_is_told_beside_the_line() {
    let mut scene = equal_scene();
    let point = |run: &str, held| Point { run: run.into(), figures: [3053, 3000, held, 0, 4] };
    scene.background.history = vec![point("ett", 90), point("två", 43)];
    let page = scene.page(&[]);
    elements(&page);
    assert!(
        page.contains("<code>två</code>") && page.contains("Rader i karantän i alla system: 90, 43, 3\"")
    );
    assert!(page.contains(">\u{2212}40</td>"));
}

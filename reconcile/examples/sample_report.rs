//! Prints a sample page of the report, made of invented counts: `cargo run --example sample_report > page.html`.
//! The argument is the verdict to show: `lika`, `karantan`, `skillnader` (the default) or `ej_bevisat`.
#![allow(clippy::print_stdout, reason = "a page on standard output is all that this program is for")]
#![allow(
    clippy::disallowed_methods,
    reason = "the verdict to show is an argument; the crate itself reads none"
)]

use std::collections::BTreeMap;

use bron_mappings::{Digest, EntityId, InstallationSecret, Pseudonym, Sensitive, SourceKey};
use bron_reconcile::conservation::{Balance, Dimension, Equation, Imbalance, Ledger};
use bron_reconcile::controls::{ControlRow, Unit};
use bron_reconcile::references::ReferenceCounts;
use bron_reconcile::report::{self, DisplayKey, Labels, ShownFinding};
use bron_reconcile::round_trip::{RoundTripField, RoundTripSummary};
use bron_reconcile::rows::{Finding, FindingKind, RowCounts};
use bron_reconcile::secrecy::Secrecy;
use bron_reconcile::summary::{EntitySummary, Evidence, Summary, unproven};

type Reasons = &'static [(&'static str, u64)];

/// System, table, rows read, merged, excluded, quarantined, flagged.
const TABLES: &[(&str, &str, u64, u64, Reasons, Reasons, Reasons)] = &[
    ("paraga", "besok", 1_204_611, 0, &[("D66", 41_220)], &[("D68", 37)], &[("D58", 2_410)]),
    ("paraga", "insats", 3_410_002, 0, &[("D66", 118_004)], &[], &[("D18", 9_330)]),
    (
        "paraga",
        "kund",
        96_230,
        0,
        &[("ersatt_av_senare", 88_112)],
        &[("D68", 6)],
        &[("D01", 33), ("D02", 48)],
    ),
    ("paraply", "BERPOST", 2_110_450, 0, &[], &[], &[("D38", 812), ("D18", 4_410)]),
    ("paraply", "BESLUT", 402_118, 0, &[], &[], &[("D21_oparsad", 1_207), ("D24", 1_190), ("D18", 2_306)]),
    ("paraply", "JOURNAL", 618_220, 0, &[], &[], &[("D48", 21_630), ("D14", 640)]),
    (
        "paraply",
        "PERSON",
        98_004,
        1_406,
        &[("utanfor_omfattning", 12)],
        &[("D79", 3)],
        &[("D01", 391), ("D04", 287)],
    ),
    ("paraply", "UTBET", 811_306, 0, &[], &[("D24", 214)], &[("D42", 241), ("D38", 402)]),
    ("schemos", "planned_visit", 1_190_402, 0, &[("utanfor_omfattning", 4_120)], &[], &[("D79", 3_570)]),
];

const ENTITIES: &[(&str, &str)] = &[
    ("beslut", "Beslut"),
    ("berakningspost", "Beräkningspost"),
    ("besok", "Besök"),
    ("besok_insats", "Insats vid besök"),
    ("journalanteckning", "Journalanteckning"),
    ("person", "Person"),
    ("planerat_besok", "Planerat besök"),
    ("utbetalning", "Utbetalning"),
];

fn main() -> Result<(), bron_reconcile::Error> {
    let wanted = std::env::args().nth(1).unwrap_or_else(|| "skillnader".to_owned());
    let faulty = wanted == "skillnader";
    let ledger = ledger(wanted != "lika")?;
    let controls = controls(faulty);
    let entities = entities(faulty);
    let imbalances = imbalances(faulty);
    let notes =
        ["Kontrollen ”Antal planerade besök per år” har inte körts: SchemOS ingick inte i läsningen."
            .to_owned()];
    let secrecy = Secrecy::default();
    let evidence = Evidence {
        imbalances: Some(&imbalances),
        controls: Some(&controls),
        entities: Some(&entities),
        references: Some(ReferenceCounts::default()),
        secrecy: Some(&secrecy),
        round_trip: Some(&round_trip()),
        refused: &[],
        accepted: None,
        unproven: if wanted == "ej_bevisat" { &notes } else { &[] },
    };
    let digest = Digest::of(b"sample").to_string();
    let summary = Summary::new("2026-11-02 06.00, provflytt 3", &digest, &ledger, &evidence)?;
    let page = report::html(&report::Input {
        title: "Provflytt 3: ekonomiskt bistånd och äldreomsorg",
        as_of: "1 november 2026 kl. 22.00",
        summary: &summary,
        ledger: &ledger,
        imbalances: &imbalances,
        unproven: &unproven(&summary, &evidence),
        findings: &findings(faulty),
        findings_file: "fynd.csv",
        labels: &labels(),
        background: &report::Background::default(),
    })?;
    println!("{page}");
    Ok(())
}

fn round_trip() -> RoundTripSummary {
    let field = |column: &str, compared, because: Option<&str>| RoundTripField {
        mapping: "paraply/UTBET".to_owned(),
        column: column.to_owned(),
        compared,
        differs: 0,
        not_invertible_because: because.map(str::to_owned),
    };
    let fields = vec![
        field("BELOPP", 912_004, None),
        field("BUNT", 911_870, None),
        field("RADVERSION", 0, Some("kolumnen lämnas utanför flytten: radversion")),
        field("UTB_ID", 912_004, None),
    ];
    RoundTripSummary { rows: 912_004, absent: 331, fields, ..RoundTripSummary::default() }
}

fn reasons(list: Reasons) -> BTreeMap<String, u64> {
    list.iter().map(|(code, rows)| ((*code).to_owned(), *rows)).collect()
}

fn ledger(with_quarantine: bool) -> Result<Ledger, bron_reconcile::Error> {
    const NAMNDER: [&str; 5] = ["703", "704", "715", "718", ""];
    const YEARS: [&str; 4] = ["2015", "2016", "2017", ""];
    let mut ledger = Ledger::new();
    for (index, (system, table, read, merged, excluded, quarantined, flagged)) in (0_usize..).zip(TABLES) {
        let quarantined = if with_quarantine { reasons(quarantined) } else { BTreeMap::new() };
        let excluded = reasons(excluded);
        let away = merged + excluded.values().sum::<u64>() + quarantined.values().sum::<u64>();
        let dimension = |cell: usize| Dimension {
            system: (*system).to_owned(),
            table: (*table).to_owned(),
            area: if *system == "paraply" { "EB" } else { "ÄO" }.to_owned(),
            namnd: NAMNDER[(index + cell) % NAMNDER.len()].to_owned(),
            year: YEARS[cell % YEARS.len()].to_owned(),
        };
        for cell in 1..20 {
            let rows = (read - away) / 25;
            ledger.add(dimension(cell), &Balance { read: rows, loaded: rows, ..Balance::default() })?;
        }
        let loaded = (read - away) - (read - away) / 25 * 19;
        let flagged = reasons(flagged);
        let rest = Balance {
            read: loaded + away,
            loaded,
            merged: *merged,
            excluded,
            quarantined,
            stopped: BTreeMap::new(),
            flagged,
            fanout: 0,
        };
        ledger.add(dimension(0), &rest)?;
    }
    Ok(ledger)
}

fn controls(faulty: bool) -> Vec<ControlRow> {
    let mut rows = Vec::new();
    let kinds = [
        ("besok_antal", "Antal besök per månad", Unit::Antal, 33_000),
        ("besok_minuter", "Utförda minuter per månad", Unit::Minuter, 1_420_000),
        ("utbetalt", "Utbetalt belopp per månad", Unit::Ore, 7_735_212_500),
    ];
    for (name, label, unit, size) in kinds {
        for month in 0..36_i64 {
            let key = format!("{}-{:02}", 2015 + month / 12, month % 12 + 1);
            let source = size + month * 1_013;
            let held = if unit == Unit::Ore { month % 3 * 61_200 } else { 0 };
            let difference = match (faulty && unit == Unit::Ore, month) {
                (true, 14) => 612_000,
                (true, 15) => -612_000,
                _ => 0,
            };
            let target = source - held - difference;
            let (name, label, dimension) = (name.to_owned(), label.to_owned(), "månad".to_owned());
            rows.push(ControlRow { name, label, unit, dimension, key, source, held, target, difference });
        }
    }
    rows
}

fn entities(faulty: bool) -> Vec<EntitySummary> {
    let counts = |entity: &str| match (faulty, entity) {
        (true, "utbetalning") => {
            RowCounts { compared: 811_090, missing: 2, unexpected: 0, differs: 3, ..RowCounts::default() }
        }
        (true, "person") => {
            RowCounts { compared: 96_583, missing: 0, unexpected: 1, differs: 0, ..RowCounts::default() }
        }
        _ => RowCounts { compared: 96_583, ..RowCounts::default() },
    };
    ENTITIES.iter().map(|(entity, _)| EntitySummary::new(entity, counts(entity))).collect()
}

fn imbalances(faulty: bool) -> Vec<Imbalance> {
    let lost = Imbalance {
        rule: Equation::Target,
        system: "paraply".to_owned(),
        table: "UTBET".to_owned(),
        part: "utbetalning".to_owned(),
        expected: 811_092,
        found: 811_090,
    };
    if faulty { vec![lost] } else { Vec::new() }
}

fn findings(faulty: bool) -> Vec<ShownFinding> {
    let fields = |names: &[&str]| FindingKind::Differs {
        fields: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    let list = [
        (FindingKind::Missing, "utbetalning", "UTBET"),
        (FindingKind::Missing, "utbetalning", "UTBET"),
        (fields(&["belopp_ore"]), "utbetalning", "UTBET"),
        (fields(&["belopp_ore", "period"]), "utbetalning", "UTBET"),
        (fields(&["mottagare_ref"]), "utbetalning", "UTBET"),
        (FindingKind::Unexpected, "person", "PERSON"),
    ];
    let secret = InstallationSecret::new([7; 32]);
    let shown = (1_u8..).zip(list).map(|(number, (kind, entity, table))| {
        let text = (4700 + u32::from(number)).to_string();
        let key = SourceKey::new("paraply", table, [Some(text.as_str())]);
        let finding = Finding {
            id: Digest::of(&[number]),
            kind,
            entity: entity.to_owned(),
            entity_id: EntityId::derive(&secret, entity, &key),
            src_system: "paraply".to_owned(),
            src_table: table.to_owned(),
            src_key: Sensitive::new(text.clone()),
            rule: format!("paraply/{}", table.to_lowercase()),
        };
        let key = match table {
            "PERSON" => DisplayKey::Pseudonym(Pseudonym::derive(&secret, &key)),
            _ => DisplayKey::Plain(text),
        };
        ShownFinding::new(finding, key)
    });
    if faulty { shown.collect() } else { Vec::new() }
}

fn labels() -> Labels {
    let names = |list: &[(&str, &str)]| {
        list.iter().map(|(code, name)| ((*code).to_owned(), (*name).to_owned())).collect()
    };
    Labels {
        systems: names(&[("paraply", "Paraply"), ("paraga", "ParaGå"), ("schemos", "SchemOS")]),
        entities: names(ENTITIES),
        areas: names(&[("EB", "Ekonomiskt bistånd"), ("ÄO", "Äldreomsorg")]),
        namnder: names(&[
            ("703", "703 Spånga-Tensta"),
            ("704", "704 Hässelby-Vällingby"),
            ("715", "715 Skarpnäck"),
            ("718", "718 Farsta"),
        ]),
    }
}

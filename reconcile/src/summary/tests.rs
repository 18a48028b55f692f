use bron_mappings::{MappingSet, Waivers};

use super::*;
use crate::conservation::{Balance, Dimension, Equation};
use crate::controls::Unit;
use crate::secrecy::SecrecyDifference;
use crate::waivers::WaiverTally;

fn ledger(quarantined: u64) -> Ledger {
    let mut ledger = Ledger::new();
    let dimension = Dimension { system: "paraply".into(), table: "BESLUT".into(), ..Dimension::default() };
    let held =
        if quarantined > 0 { BTreeMap::from([("D24".to_owned(), quarantined)]) } else { BTreeMap::new() };
    let balance =
        Balance { read: 5 + quarantined, loaded: 5, quarantined: held, fanout: 5, ..Balance::default() };
    ledger.add(dimension, &balance).unwrap();
    ledger
}

fn control(difference: i64) -> ControlRow {
    ControlRow {
        name: "beslut".into(),
        label: "Antal beslut".into(),
        unit: Unit::Antal,
        dimension: "år".into(),
        key: "2017".into(),
        source: 5 + difference,
        held: 0,
        target: 5,
        difference,
    }
}

fn entity(counts: RowCounts) -> EntitySummary {
    EntitySummary::new("beslut", counts)
}

const EQUAL: RowCounts =
    RowCounts { compared: 5, missing: 0, unexpected: 0, differs: 0, nameless: 0, elsewhere: 7 };

fn conclude(ledger: &Ledger, evidence: &Evidence<'_>) -> Verdict {
    Summary::new("r1", "d1", ledger, evidence).unwrap().verdict
}

#[test]
fn each_verdict_needs_its_evidence() {
    let (controls, entities, secrecy) = ([control(0)], [entity(EQUAL)], Secrecy::default());
    let round_trip = RoundTripSummary { rows: 5, ..RoundTripSummary::default() };
    let full = Evidence {
        imbalances: Some(&[]),
        controls: Some(&controls),
        entities: Some(&entities),
        references: Some(ReferenceCounts::default()),
        secrecy: Some(&secrecy),
        round_trip: Some(&round_trip),
        refused: &[],
        accepted: None,
        unproven: &[],
    };
    assert_eq!(conclude(&ledger(0), &full), Verdict::Lika);
    assert_eq!(conclude(&ledger(3), &full), Verdict::LikaMedKarantan);

    for counts in [(1, 0, 0), (0, 1, 0), (0, 0, 1)] {
        let (missing, unexpected, differs) = counts;
        let unequal =
            [entity(RowCounts { compared: 5, missing, unexpected, differs, ..RowCounts::default() })];
        assert_eq!(conclude(&ledger(3), &Evidence { entities: Some(&unequal), ..full }), Verdict::Skillnader);
    }
    let unequal = [control(0), control(-1), control(1)];
    assert_eq!(conclude(&ledger(0), &Evidence { controls: Some(&unequal), ..full }), Verdict::Skillnader);
    let nameless = [entity(RowCounts { nameless: 1, ..EQUAL })];
    assert_eq!(conclude(&ledger(0), &Evidence { entities: Some(&nameless), ..full }), Verdict::Skillnader);
    let references = Some(ReferenceCounts { checked: 9, dangling: 1, ..ReferenceCounts::default() });
    assert_eq!(conclude(&ledger(0), &Evidence { references, ..full }), Verdict::Skillnader);
    assert_eq!(conclude(&ledger(0), &Evidence { references: None, ..full }), Verdict::EjBevisat);
    let told = RoundTripSummary { differs: 1, ..round_trip.clone() };
    assert_eq!(conclude(&ledger(0), &Evidence { round_trip: Some(&told), ..full }), Verdict::Skillnader);
    assert_eq!(conclude(&ledger(0), &Evidence { round_trip: None, ..full }), Verdict::EjBevisat);
    let lowered = SecrecyDifference {
        entity: "beslut".into(),
        namnd: "714".into(),
        sekretess_klass: "osl_26_1".into(),
        skyddad: true,
        expected: 1,
        found: 0,
    };
    let lowered = Secrecy { unequal: vec![lowered], ..Secrecy::default() };
    assert_eq!(conclude(&ledger(0), &Evidence { secrecy: Some(&lowered), ..full }), Verdict::Skillnader);
    let imbalance = [Imbalance {
        rule: Equation::Cell,
        system: "paraply".into(),
        table: "BESLUT".into(),
        part: String::new(),
        expected: 1,
        found: 2,
    }];
    assert_eq!(conclude(&ledger(0), &Evidence { imbalances: Some(&imbalance), ..full }), Verdict::Skillnader);
}

#[test]
fn what_was_not_examined_is_not_equal() {
    let (controls, entities, secrecy) = ([control(0)], [entity(EQUAL)], Secrecy::default());
    let round_trip = RoundTripSummary::default();
    let full = Evidence {
        imbalances: Some(&[]),
        controls: Some(&controls),
        entities: Some(&entities),
        references: Some(ReferenceCounts::default()),
        secrecy: Some(&secrecy),
        round_trip: Some(&round_trip),
        refused: &[],
        accepted: None,
        unproven: &[],
    };
    let note = ["Kontrollen X har inte körts.".to_owned()];
    let nothing_compared = [entity(RowCounts::default())];
    for evidence in [
        Evidence { imbalances: None, ..full },
        Evidence { controls: None, ..full },
        Evidence { entities: None, ..full },
        Evidence { secrecy: None, ..full },
        Evidence { unproven: &note, ..full },
        Evidence { entities: Some(&nothing_compared), ..full },
        Evidence { entities: Some(&[]), ..full },
        Evidence::default(),
    ] {
        assert_eq!(conclude(&ledger(3), &evidence), Verdict::EjBevisat);
    }
    assert_eq!(conclude(&Ledger::new(), &full), Verdict::EjBevisat);
}

#[test]
fn differences_that_people_accepted_are_neither_equal_nor_a_stop() {
    let (accepted_row, other_row) = (control(-3), ControlRow { key: "2018".into(), ..control(-3) });
    let model = "format = 1\n".to_owned();
    let (set, _) = MappingSet::parse(&[("model/m.toml".to_owned(), model)].into());
    let waiver = "format = 1\n[[waiver]]\nid = \"a\"\ncontrol = \"beslut\"\nkey = \"2017\"\ndifference = -3\n\
        reason = \"Känt fel\"\nowner = \"FF\"\napproved_by = \"Anna Attest\"\n\
        approved_on = \"2026-04-01\"\nexpires = \"2027-03-31\"\n";
    let (waivers, found) = Waivers::parse("waivers.toml", waiver, &set.model);
    assert_eq!(found, []);
    let conclude = |controls: &[ControlRow], held: u64, unproven: &[String], secrecy: &Secrecy| {
        let mut tally = WaiverTally::new(&waivers, "2026-11-22");
        tally.judge_controls(controls);
        let (_, accepted) = tally.finish();
        let (entities, round_trip) = ([entity(EQUAL)], RoundTripSummary::default());
        let evidence = Evidence {
            imbalances: Some(&[]),
            controls: Some(controls),
            entities: Some(&entities),
            references: Some(ReferenceCounts::default()),
            secrecy: Some(secrecy),
            round_trip: Some(&round_trip),
            refused: &[],
            accepted: Some(&accepted),
            unproven,
        };
        let summary = Summary::new("r1", "d1", &ledger(held), &evidence).unwrap();
        (summary.verdict, summary.accepted)
    };
    let (equal, note) = (Secrecy::default(), ["Något är inte jämfört.".to_owned()]);
    let accepted = [accepted_row.clone(), control(0)];
    assert_eq!(conclude(&accepted, 0, &[], &equal), (Verdict::GodkandaSkillnader, 1));
    assert_eq!(conclude(&accepted, 3, &[], &equal), (Verdict::GodkandaSkillnader, 1));
    assert_eq!(conclude(&accepted, 0, &note, &equal), (Verdict::EjBevisat, 1));
    assert_eq!(conclude(&[accepted_row, other_row], 0, &[], &equal), (Verdict::Skillnader, 1));
    assert_eq!(conclude(&[control(0)], 0, &[], &equal), (Verdict::Lika, 0));
    let lowered = SecrecyDifference {
        entity: "beslut".into(),
        namnd: "714".into(),
        sekretess_klass: "osl_26_1".into(),
        skyddad: true,
        expected: 1,
        found: 0,
    };
    let lowered = Secrecy { unequal: vec![lowered], ..Secrecy::default() };
    assert_eq!(conclude(&accepted, 0, &[], &lowered), (Verdict::Skillnader, 1));
}

#[test]
fn exit_codes_keep_the_verdicts_apart_as_agreed() {
    let verdicts = [
        Verdict::Lika,
        Verdict::LikaMedKarantan,
        Verdict::GodkandaSkillnader,
        Verdict::Skillnader,
        Verdict::EjBevisat,
    ];
    assert_eq!(verdicts.map(Verdict::exit_code), [0, 3, 3, 2, 2]);
}

#[test]
fn the_file_has_the_agreed_shape() {
    let (controls, entities, secrecy) = ([control(0)], [entity(EQUAL)], Secrecy::default());
    let round_trip = RoundTripSummary { rows: 5, ..RoundTripSummary::default() };
    let evidence = Evidence {
        imbalances: Some(&[]),
        controls: Some(&controls),
        entities: Some(&entities),
        references: Some(ReferenceCounts::default()),
        secrecy: Some(&secrecy),
        round_trip: Some(&round_trip),
        refused: &[],
        accepted: None,
        unproven: &[],
    };
    let summary = Summary::new("2026-11-01T06", "abc", &ledger(1), &evidence).unwrap();
    let text = summary.to_json().unwrap();
    let compact: String = text.split_whitespace().collect();
    let expected = concat!(
        r#"{"format":2,"run":"2026-11-01T06","mapping_digest":"abc","tables":[{"system":"paraply","table":"BESLUT","read":6,"#,
        r#""loaded":5,"merged":0,"excluded":{},"quarantined":{"D24":1},"flagged":{}}],"controls":[{"name":"beslut","#,
        r#""label":"Antalbeslut","unit":"antal","dimension":"år","key":"2017","source":5,"held":0,"target":5,"#,
        r#""difference":0}],"rows":{"compared":5,"missing":0,"unexpected":0,"differs":0,"nameless":0,"elsewhere":7},"#,
        r#""entities":[{"entity":"beslut","compared":5,"missing":0,"unexpected":0,"differs":0,"nameless":0,"#,
        r#""elsewhere":7}],"changes":[],"references":{"checked":0,"elsewhere":0,"explained":0,"dangling":0},"#,
        r#""deliveries":[],"readings":[],"#,
        r#""secrecy":{"rows":0,"cells":0,"unequal":[]},"snapshot":{"previous":null,"drift":[],"tables":[]},"#,
        r#""quality":{"previous":null,"lines":[]},"retention":[],"#,
        r#""round_trip":{"rows":5,"differs":0,"alone":0,"absent":0,"fields":[]},"verdict":"lika_med_karantan"}"#,
    );
    assert_eq!(compact, expected);
    assert_eq!(Summary::from_json(&text).unwrap(), summary);
    assert!(Summary::from_json(&text.replace("\"run\"", "\"korning\"")).is_err());
    let unnumbered = text.replace("  \"format\": 2,\n", "");
    assert_eq!(Summary::from_json(&unnumbered).unwrap(), summary, "the first format had no number");
    let newer = Summary::from_json(&text.replace("\"format\": 2", "\"format\": 3")).unwrap_err();
    assert!(newer.to_string().contains("format 3"), "{newer}");
}

#[test]
fn a_file_that_never_came_is_not_proven_until_somebody_decides() {
    let files = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut delivery = MissingDelivery {
        system: "paraga".into(),
        table: "besok".into(),
        missing: files(&["a.csv", "b.csv"]),
        decided: Vec::new(),
    };
    assert!(delivery.unproven().unwrap().starts_with("2 filer till paraga/besok levererades aldrig"));
    delivery.decided = files(&["b.csv"]);
    assert!(delivery.unproven().unwrap().starts_with("En fil till"));
    delivery.decided = files(&["a.csv", "b.csv"]);
    assert_eq!(delivery.unproven(), None);
}

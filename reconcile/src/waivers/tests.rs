use bron_mappings::{Digest, MappingSet, Sensitive};

use super::*;
use crate::controls::Unit;

const MODEL: &str = "format = 1\n[[entity]]\nname = \"kodverk\"\nlabel = \"Kodverk\"\nabout = \"Koder\"\n\
    retention = \"r\"\nsekretess = \"s\"\nfields = [{ name = \"namn\", type = \"text\", label = \"Namn\" }, \
    { name = \"kod\", type = \"text\", label = \"Kod\" }]\n";
const WHO: &str = "reason = \"Godkänt\"\nowner = \"Förvaltning\"\napproved_by = \"Anna Attest\"\n\
    approved_on = \"2026-04-01\"\nexpires = \"2027-03-31\"\n";
const TODAY: &str = "2026-11-22";

fn waivers(text: &str) -> Waivers {
    let (set, _) = MappingSet::parse(&[("model/m.toml".to_owned(), MODEL.to_owned())].into());
    let (waivers, found) = Waivers::parse("waivers.toml", &format!("format = 1\n{text}"), &set.model);
    assert_eq!(found, []);
    waivers
}

fn waiver(id: &str, about: &str) -> String {
    format!("[[waiver]]\nid = \"{id}\"\n{about}\n{WHO}")
}

fn names(at_most: u64) -> String {
    format!("entity = \"kodverk\"\nkind = \"differs\"\nfields = [\"namn\"]\nat_most = {at_most}")
}

fn finding(number: u8, kind: FindingKind) -> Finding {
    Finding {
        id: Digest::of(&[number]),
        kind,
        entity: "kodverk".to_owned(),
        entity_id: EntityId::from_bytes([number; 16]),
        src_system: "paraply".to_owned(),
        src_table: "KOD".to_owned(),
        src_key: Sensitive::new("1".to_owned()),
        rule: "paraply/kod".to_owned(),
    }
}

fn differs(number: u8, fields: &[&str]) -> Finding {
    finding(number, FindingKind::Differs { fields: fields.iter().map(|field| (*field).to_owned()).collect() })
}

fn control(key: &str, difference: i64) -> ControlRow {
    ControlRow {
        name: "koder".to_owned(),
        label: "Koder".to_owned(),
        unit: Unit::Antal,
        dimension: "år".to_owned(),
        key: key.to_owned(),
        source: difference,
        held: 0,
        target: 0,
        difference,
    }
}

/// The waivers held against findings and controls: their lines, what accepts each finding, and what is accepted.
fn judged(
    waivers: &Waivers,
    today: &str,
    findings: &[Finding],
    controls: &[ControlRow],
) -> (Vec<(u64, WaiverState)>, Vec<Option<String>>, Accepted) {
    let mut tally = WaiverTally::new(waivers, today);
    findings.iter().for_each(|finding| tally.count(finding));
    tally.judge_controls(controls);
    let by = findings.iter().map(|finding| tally.judge(finding).map(str::to_owned)).collect();
    let (lines, accepted) = tally.finish();
    (lines.iter().map(|line| (line.rows, line.state)).collect(), by, accepted)
}

#[test]
fn the_round_trip_is_accepted_for_rows_that_are_accepted_row_by_row_and_for_no_others() {
    let (_, _, accepted) = judged(&waivers(&waiver("a", &names(2))), TODAY, &[differs(1, &["namn"])], &[]);
    let found = |differs, alone| RoundTripSummary { differs, alone, ..RoundTripSummary::default() };
    assert!(accepted.covers_round_trip(&found(0, 0)) && accepted.covers_round_trip(&found(1, 0)));
    assert!(!accepted.covers_round_trip(&found(1, 1)) && !accepted.covers_round_trip(&found(2, 0)));
    assert!(!Accepted::default().covers_round_trip(&found(1, 0)));
    let put_back = finding(1, FindingKind::NotRestored { columns: vec!["namn".to_owned()] });
    let (lines, by, _) = judged(&waivers(&waiver("a", &names(2))), TODAY, &[put_back], &[]);
    assert_eq!((lines, by), (vec![(0, WaiverState::Unused)], vec![None]));
}

#[test]
fn rows_within_the_limit_are_accepted_and_one_more_is_too_many() {
    let rows = [differs(1, &["namn"]), differs(2, &["namn"])];
    let by = Some("a".to_owned());
    let (lines, accepted_by, accepted) = judged(&waivers(&waiver("a", &names(2))), TODAY, &rows, &[]);
    assert_eq!((lines, accepted_by), (vec![(2, WaiverState::InForce)], vec![by.clone(), by]));
    assert!(accepted.covers_rows(&RowCounts { differs: 2, ..RowCounts::default() }));
    assert!(!accepted.covers_rows(&RowCounts { differs: 3, ..RowCounts::default() }));
    assert_eq!(accepted.total(), 2);

    let (lines, accepted_by, accepted) = judged(&waivers(&waiver("a", &names(1))), TODAY, &rows, &[]);
    assert_eq!((lines, accepted_by), (vec![(2, WaiverState::Exceeded)], vec![None, None]));
    assert_eq!(accepted, Accepted::default());
}

#[test]
fn another_field_and_another_table_are_not_meant() {
    let rows = [differs(1, &["namn", "kod"]), differs(2, &["kod"]), finding(3, FindingKind::Unexpected)];
    let (lines, by, _) = judged(&waivers(&waiver("a", &names(9))), TODAY, &rows, &[]);
    assert_eq!((lines, by), (vec![(0, WaiverState::Unused)], vec![None, None, None]));
    let elsewhere = format!("{}\nsystem = \"schemos\"", names(9));
    let (lines, ..) = judged(&waivers(&waiver("a", &elsewhere)), TODAY, &[differs(1, &["namn"])], &[]);
    assert_eq!(lines, [(0, WaiverState::Unused)]);
    let here = format!("{}\nsystem = \"paraply\"\ntable = \"KOD\"", names(9));
    let (lines, ..) = judged(&waivers(&waiver("a", &here)), TODAY, &[differs(1, &["namn"])], &[]);
    assert_eq!(lines, [(1, WaiverState::InForce)]);
}

#[test]
fn a_waiver_accepts_nothing_after_its_last_day() {
    let (all, rows) = (waivers(&waiver("a", &names(1))), [differs(1, &["namn"])]);
    assert_eq!(judged(&all, "2027-03-31", &rows, &[]).0, [(1, WaiverState::InForce)]);
    let (lines, by, accepted) = judged(&all, "2027-04-01", &rows, &[]);
    assert_eq!((lines, by), (vec![(1, WaiverState::Expired)], vec![None]));
    assert_eq!(accepted.total(), 0);
}

#[test]
fn missing_rows_are_accepted_by_their_numbers_together_with_the_balance() {
    let [gone, other] = [1, 2].map(|number| finding(number, FindingKind::Missing));
    let about = format!("entity = \"kodverk\"\nkind = \"missing\"\nfindings = [\"{}\"]", gone.id);
    let (lines, by, accepted) =
        judged(&waivers(&waiver("a", &about)), TODAY, &[gone.clone(), other.clone()], &[]);
    assert_eq!((lines, by), (vec![(1, WaiverState::InForce)], vec![Some("a".to_owned()), None]));
    assert!(accepted.has_row("kodverk", &gone.entity_id) && !accepted.has_row("kodverk", &other.entity_id));
    let balance = |rule, expected, found| Imbalance {
        rule,
        system: "paraply".to_owned(),
        table: "KOD".to_owned(),
        part: "kodverk".to_owned(),
        expected,
        found,
    };
    assert!(accepted.covers_balance(&balance(Equation::Target, 10, 9)));
    assert!(!accepted.covers_balance(&balance(Equation::Target, 10, 8)), "one more is lacking");
    assert!(!accepted.covers_balance(&balance(Equation::Target, 9, 10)));
    assert!(!accepted.covers_balance(&balance(Equation::Cell, 10, 9)), "every row read has a fate");
}

#[test]
fn a_control_is_accepted_with_one_exact_difference() {
    let about = "control = \"koder\"\nkey = \"2024\"\ndifference = -3";
    let all = waivers(&waiver("a", about));
    let state = |today, rows: &[ControlRow]| {
        let (lines, _, accepted) = judged(&all, today, &[], rows);
        (lines[0], rows.iter().all(|row| accepted.covers_control(row)))
    };
    assert_eq!(state(TODAY, &[control("2024", -3)]), ((1, WaiverState::InForce), true));
    assert_eq!(state(TODAY, &[control("2024", -4)]), ((1, WaiverState::Exceeded), false));
    assert_eq!(state(TODAY, &[control("2023", -3)]), ((0, WaiverState::Unused), false));
    assert_eq!(state("2028-01-01", &[control("2024", -3)]), ((1, WaiverState::Expired), false));
}

#[test]
fn nameless_and_repeated_rows_are_never_accepted() {
    let all = waivers(&waiver("a", &names(9)));
    let rows = [finding(1, FindingKind::Nameless { place: 1 }), finding(2, FindingKind::Repeated)];
    let (_, by, accepted) = judged(&all, TODAY, &rows, &[]);
    assert_eq!(by, [None, None]);
    assert!(!accepted.covers_rows(&RowCounts { nameless: 1, ..RowCounts::default() }));
    assert!(!accepted.covers_rows(&RowCounts { missing: 1, ..RowCounts::default() }));
}

#[test]
fn lines_say_what_is_accepted_in_words() {
    let all = waivers(
        &(waiver("a", &names(12)) + &waiver("b", "control = \"koder\"\nkey = \"2024\"\ndifference = 2")),
    );
    let (lines, _) = WaiverTally::new(&all, TODAY).finish();
    assert_eq!(
        (lines[0].entity.as_str(), lines[0].label.as_str()),
        ("kodverk", "Rader skiljer i namn, högst 12")
    );
    assert_eq!((lines[1].entity.as_str(), lines[1].state), ("koder", WaiverState::Unused));
    assert_eq!(lines[1].label, "Summan eller antalet för 2024 skiljer med 2");
}

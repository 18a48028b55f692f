use super::*;
use crate::project::MappingSet;

const MODEL: &str = r#"
format = 1
[[entity]]
name = "person"
label = "Person"
about = "En människa"
retention = "r"
sekretess = "s"
fields = [{ name = "skydd", type = "code", label = "Skydd", protection = "kanslig" }]

[[entity]]
name = "beslut"
label = "Beslut"
about = "Ett beslut"
retention = "r"
sekretess = "s"
fields = [
  { name = "person_id", type = "ref", entity = "person", label = "Person" },
  { name = "belopp", type = "ore", label = "Belopp" },
]

[[entity]]
name = "kodverk"
label = "Kodverk"
about = "Ett kodverk"
retention = "r"
sekretess = "s"
fields = [{ name = "namn", type = "text", label = "Namn" }]
"#;

const ROWS: &str = "entity = \"beslut\"\nkind = \"differs\"\nfields = [\"belopp\"]\nat_most = 12\n";
const WHO: &str = "reason = \"Avrundning\"\nowner = \"Ekonomi\"\napproved_by = \"Anna Attest\"\n";
const DAYS: &str = "approved_on = \"2026-10-01\"\nexpires = \"2027-03-31\"\n";
const NUMBER: &str = "0000000000000000000000000000000000000000000000000000000000000001";

fn parse(waivers: &[String]) -> (Waivers, Vec<Diagnostic>) {
    let files = [("model/m.toml".to_owned(), MODEL.to_owned())];
    let (set, _) = MappingSet::parse(&files.into());
    let text = waivers.iter().map(|one| format!("[[waiver]]\n{one}")).collect::<String>();
    Waivers::parse("waivers.toml", &format!("format = 1\n{text}"), &set.model)
}

/// The codes of what is wrong with a waiver about these rows.
fn wrong(rows: &str) -> Vec<&'static str> {
    let (waivers, found) = parse(&[format!("id = \"a\"\n{rows}{WHO}{DAYS}")]);
    assert_eq!(waivers.all().is_empty(), !found.is_empty(), "{rows}");
    found.iter().map(|one| one.code).collect()
}

#[test]
fn rows_and_controls_are_read() {
    let control = "control = \"beslut_per_ar\"\nkey = \"2024\"\ndifference = -3\n";
    let (waivers, found) =
        parse(&[format!("id = \"a\"\n{ROWS}{WHO}{DAYS}"), format!("id = \"b\"\n{control}{WHO}{DAYS}")]);
    assert_eq!(found, []);
    let [rows, control] = waivers.all() else { panic!("two waivers were read") };
    let WaiverSubject::Rows(subject) = &rows.subject else { panic!("the first is about rows") };
    assert_eq!((subject.kind, &subject.limit), (WaivedKind::Differs, &WaiverLimit::AtMost(12)));
    assert!(rows.holds_on("2027-03-31") && !rows.holds_on("2027-04-01"));
    assert!(matches!(&control.subject, WaiverSubject::Control { difference: -3, .. }));
}

#[test]
fn what_says_who_may_read_a_row_or_whom_it_is_about_is_never_accepted() {
    for field in ["skyddad", "namnd", "namnd_id", "sekretess_klass", "person_id"] {
        assert_eq!(wrong(&ROWS.replace("belopp", field)), ["BRON-W002"], "{field}");
    }
    let person = "entity = \"person\"\nkind = \"differs\"\nfields = [\"skydd\"]\nat_most = 1\n";
    assert_eq!(wrong(person), ["BRON-W002"]);
}

#[test]
fn rows_that_are_not_there_are_accepted_one_by_one() {
    let named = format!("findings = [\"{NUMBER}\"]\n");
    let rows = |entity: &str, kind: &str, limit: &str| {
        wrong(&format!("entity = \"{entity}\"\nkind = \"{kind}\"\n{limit}"))
    };
    assert_eq!(rows("beslut", "missing", "at_most = 1\n"), ["BRON-W002"]);
    assert_eq!(rows("kodverk", "missing", "at_most = 1\n"), ["BRON-W002"]);
    assert_eq!(rows("beslut", "unexpected", "at_most = 1\n"), ["BRON-W002"]);
    assert_eq!(rows("kodverk", "unexpected", "at_most = 1\n"), [""; 0]);
    for (entity, kind) in [("beslut", "missing"), ("beslut", "unexpected"), ("person", "missing")] {
        assert_eq!(rows(entity, kind, &named), [""; 0], "{entity} {kind}");
    }
    assert_eq!(rows("beslut", "nameless", &named), ["BRON-W001"]);
}

#[test]
fn mistakes_are_reported_where_they_stand() {
    let with = |from: &str, to: &str| {
        let text = format!("id = \"a\"\n{ROWS}{WHO}{DAYS}");
        assert!(text.contains(from), "{from}");
        let (_, found) = parse(&[text.replace(from, to)]);
        found.iter().map(|one| one.code).collect::<Vec<_>>()
    };
    for (from, to, code) in [
        ("\"beslut\"", "\"beslutt\"", "BRON-W001"),
        ("differs", "skiljer", "BRON-W001"),
        ("[\"belopp\"]", "[\"belop\"]", "BRON-W001"),
        ("fields = [\"belopp\"]\n", "", "BRON-W003"),
        ("at_most = 12\n", "", "BRON-W003"),
        ("at_most = 12", "at_most = 0", "BRON-W003"),
        ("at_most = 12", "findings = []", "BRON-W003"),
        ("at_most = 12", "findings = [\"abc\"]", "BRON-W001"),
        ("2027-03-31", "2027-10-02", "BRON-W004"),
        ("2027-03-31", "2026-10-01", "BRON-W004"),
        ("2027-03-31", "2027-02-30", "BRON-W004"),
        ("Avrundning", "Gäller 20000101-0008", "BRON-W005"),
        ("reason = \"Avrundning\"\n", "", "BRON-M004"),
        ("expires = \"2027-03-31\"\n", "", "BRON-M004"),
        ("owner", "agare", "BRON-M003"),
    ] {
        let found = with(from, to);
        assert!(found.contains(&code), "{from} → {to}: {found:?}");
    }
    assert_eq!(with("2027-03-31", "2027-10-01"), [""; 0], "a whole year");
    let text = format!("id = \"a\"\n{}{WHO}{DAYS}", ROWS.replace("belopp", "belop"));
    let (_, found) = parse(std::slice::from_ref(&text));
    let whole = format!("format = 1\n[[waiver]]\n{text}");
    assert_eq!(&whole[found[0].span.clone()], "\"belop\"");
}

#[test]
fn nothing_is_accepted_twice_under_one_name() {
    let rows = format!("id = \"a\"\n{ROWS}{WHO}{DAYS}");
    let codes = |waivers: &[String]| parse(waivers).1.iter().map(|one| one.code).collect::<Vec<_>>();
    assert_eq!(codes(&[rows.clone(), rows]), ["BRON-W001"]);
    let control =
        |id: &str| format!("id = \"{id}\"\ncontrol = \"c\"\nkey = \"2024\"\ndifference = 1\n{WHO}{DAYS}");
    assert_eq!(codes(&[control("a"), control("b")]), ["BRON-W001"]);
    assert_eq!(codes(&[control("a").replace("difference = 1", "difference = 0")]), ["BRON-W003"]);
    assert_eq!(codes(&[control("a").replace("difference = 1\n", "")]), ["BRON-W003"]);
}

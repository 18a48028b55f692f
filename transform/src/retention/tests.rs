//! Due days, exemptions and the way of rows to their file.

use bron_mappings::{Batch, ColumnBuilder, InstallationSecret, MappingSet, ReasonCode, Value};
use proptest::prelude::*;

use super::{ASSESSMENT_ENTITY, Assessments, RetentionBuilder, due};
use crate::apply::Transformed;
use crate::calendar::{iso_date, parse_date};

const MODEL: &str = r#"
format = 1
[[entity]]
name = "person"
label = "P"
about = "P"
retention = "sol"
sekretess = "x"
fields = [{ name = "fodd", type = "date", label = "F" }]
[[entity]]
name = "personakt"
label = "A"
about = "A"
retention = "sol"
sekretess = "x"
event = ["oppnad"]
fields = [
  { name = "person_id", type = "ref", entity = "person", label = "P" },
  { name = "gallring_regel", type = "code", label = "R" },
  { name = "oppnad", type = "date", label = "O" },
]
[[entity]]
name = "arende"
label = "Ä"
about = "Ä"
retention = "sol"
sekretess = "x"
event = ["slut"]
akt = "personakt_id"
validity = { from = "start", to = "slut" }
fields = [
  { name = "personakt_id", type = "ref", entity = "personakt", label = "A" },
  { name = "start", type = "date", label = "S" },
  { name = "slut", type = "date", label = "S" },
]
[[entity]]
name = "placering"
label = "P"
about = "P"
retention = "sol"
sekretess = "x"
event = ["fran"]
akt = "arende_id"
fields = [
  { name = "arende_id", type = "ref", entity = "arende", label = "Ä" },
  { name = "typ", type = "code", label = "T" },
  { name = "fran", type = "time", label = "F" },
]
[[entity]]
name = "utbetalning"
label = "U"
about = "U"
retention = "bok"
sekretess = "x"
event = ["datum"]
akt = "arende_id"
fields = [
  { name = "arende_id", type = "ref", entity = "arende", label = "Ä" },
  { name = "datum", type = "date", label = "D" },
]
[[entity]]
name = "gallringsbedomning"
label = "G"
about = "G"
retention = "sol"
sekretess = "x"
fields = [
  { name = "personakt_id", type = "ref", entity = "personakt", label = "A" },
  { name = "sista_handelse", type = "date", label = "S" },
  { name = "sista_handelse_kalla", type = "code", label = "S" },
  { name = "senast_gallrad", type = "date", label = "S" },
  { name = "undantag", type = "code", label = "U" },
  { name = "disposition", type = "code", label = "D" },
]
"#;

const RULES: &str = r#"
format = 1
[policy]
while_open = ["arende"]
[[rule]]
name = "sol"
label = "Fem år"
law = "SoL"
lagrum = "SoL 12:1"
version = "1"
years = 5
finish = "end_of_next_year"
[[rule]]
name = "bok"
label = "Sju år"
law = "LKBR"
lagrum = "LKBR"
version = "1"
trigger = "end_of_year"
years = 7
finish = "never"
[[rule]]
name = "hsl"
label = "Tio år"
law = "PDL"
lagrum = "PDL 3:17"
version = "1"
years = 10
finish = "never"
[[exemption]]
name = "placering"
label = "Placerad"
lagrum = "SoL 12:2"
rules = ["sol"]
entity = "placering"
field = "typ"
codes = ["hvb"]
disposition = "migrate"
[[exemption]]
name = "forskning"
label = "Född den 5"
lagrum = "SoF 7:2"
rules = ["sol"]
born_on = ["5", "15", "25"]
born = ["fodd"]
disposition = "archive_then_drop"
[[exemption]]
name = "sammanstallning"
label = "Utbetalning"
lagrum = "SoL 12:1"
rules = ["sol"]
while_kept = "bok"
disposition = "hold"
"#;

fn set() -> MappingSet {
    let files = [("model/m.toml", MODEL), ("retention/r.toml", RULES)];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
    let (set, found) = MappingSet::parse(&files);
    assert_eq!(found, []);
    set
}

/// A value of a row.
#[derive(Clone)]
enum Cell {
    Id(u8),
    Text(&'static str),
    Day(String),
}

fn batch(set: &MappingSet, entity: &str, rows: &[Vec<(&str, Cell)>]) -> Batch {
    let schema = set.model.entity(entity).unwrap().schema();
    let columns = schema.columns().iter().map(|column| {
        let mut builder = ColumnBuilder::new(column.kind, rows.len());
        for row in rows {
            let cell = row.iter().find(|(name, _)| *name == column.name).map(|(_, cell)| cell);
            builder.push(cell.map(|cell| match cell {
                Cell::Id(id) => Value::Id([*id; 16]),
                Cell::Text(text) => Value::Text(text),
                Cell::Day(day) if column.name == "fran" => {
                    Value::Time(i64::from(parse_date(day).unwrap()) * 86_400_000_000)
                }
                Cell::Day(day) => Value::Date(parse_date(day).unwrap()),
            }));
        }
        builder.finish()
    });
    Batch::new(schema, columns.collect(), rows.len()).unwrap()
}

fn day(day: &str) -> Cell {
    Cell::Day(day.to_owned())
}

/// One file with one case, and what else is said.
#[derive(Clone)]
struct File {
    rule: &'static str,
    born: Option<&'static str>,
    closed: Option<String>,
    placed: Option<&'static str>,
    paid: Option<&'static str>,
}

impl File {
    fn closed(closed: &str) -> Self {
        let closed = Some(closed.to_owned());
        Self { rule: "sol", born: Some("1980-03-07"), closed, placed: None, paid: None }
    }
}

fn assess(file: &File, as_of: &str) -> (Vec<ReasonCode>, Vec<String>) {
    let set = set();
    let secret = InstallationSecret::from_hex(&"7".repeat(64)).unwrap();
    let mut builder = RetentionBuilder::new(&set.model, &set.retention, &secret, as_of).unwrap();
    let akt = vec![
        ("id", Cell::Id(1)),
        ("person_id", Cell::Id(2)),
        ("gallring_regel", Cell::Text(file.rule)),
        ("oppnad", day("2001-01-01")),
        ("src_system", Cell::Text("s")),
        ("src_table", Cell::Text("AKT")),
        ("src_key", Cell::Text("8")),
    ];
    builder.add("personakt", &batch(&set, "personakt", &[akt]));
    let born = file.born.map(|born| ("fodd", day(born)));
    builder.add("person", &batch(&set, "person", &[[("id", Cell::Id(2))].into_iter().chain(born).collect()]));
    let mut arende = vec![("id", Cell::Id(3)), ("personakt_id", Cell::Id(1))];
    arende.extend(file.closed.iter().map(|closed| ("slut", Cell::Day(closed.clone()))));
    builder.add("arende", &batch(&set, "arende", &[arende]));
    let of_case = ("arende_id", Cell::Id(3));
    if let Some(kind) = file.placed {
        let row = vec![
            ("id", Cell::Id(4)),
            of_case.clone(),
            ("typ", Cell::Text(kind)),
            ("fran", day("2004-01-01")),
        ];
        builder.add("placering", &batch(&set, "placering", &[row]));
    }
    if let Some(paid) = file.paid {
        let row = vec![("id", Cell::Id(5)), of_case, ("datum", day(paid))];
        builder.add("utbetalning", &batch(&set, "utbetalning", &[row]));
    }
    let made = builder.finish().transformed(0..1, "v");
    let tallies = made.balance.tallies.values();
    (tallies.flat_map(|tally| tally.marked.keys().copied()).collect(), texts(&made))
}

/// Last event, its source, the last day, the exemption and the disposition.
fn texts(made: &Transformed) -> Vec<String> {
    let (entity, batch) = &made.entities[0];
    assert_eq!((entity.as_str(), batch.rows()), (ASSESSMENT_ENTITY, 1));
    let names = ["sista_handelse", "sista_handelse_kalla", "senast_gallrad", "undantag", "disposition"];
    let text = |name| match batch.cells_named(name).unwrap().value(0) {
        Some(Value::Date(days)) => iso_date(days),
        Some(Value::Text(text)) => text.to_owned(),
        None => String::new(),
        other => panic!("{other:?}"),
    };
    names.map(text).to_vec()
}

#[test]
fn a_file_is_due_five_years_after_its_last_event_by_the_end_of_the_next_year() {
    let file = File::closed("2017-05-03");
    let (marks, row) = assess(&file, "2024-01-01");
    assert_eq!(marks, [ReasonCode::PastRetention]);
    assert_eq!(row, ["2017-05-03", "arende.slut", "2023-12-31", "", "hall_for_beslut"]);
    let (marks, row) = assess(&file, "2023-12-31");
    assert_eq!((marks.len(), row[4].as_str()), (0, "flytta"), "the last day is still in time");
}

#[test]
fn a_placed_child_and_a_day_for_research_are_exempt() {
    let placed = File { placed: Some("hvb"), born: Some("1980-03-15"), ..File::closed("2009-12-31") };
    let (marks, row) = assess(&placed, "2024-12-31");
    assert_eq!(marks, [ReasonCode::RetentionExempt]);
    assert_eq!(row[3..], ["placering", "flytta"], "the first exemption of the file is named");
    let elsewhere = File { placed: Some("annat"), ..File::closed("2009-12-31") };
    assert_eq!(assess(&elsewhere, "2024-12-31").0, [ReasonCode::PastRetention], "no such placement");
    for (born, reason) in [
        (Some("1980-03-25"), ReasonCode::RetentionExempt),
        (Some("1980-03-05"), ReasonCode::RetentionExempt),
        (None, ReasonCode::RetentionExempt),
        (Some("1980-03-14"), ReasonCode::PastRetention),
    ] {
        let file = File { born, ..File::closed("2009-12-31") };
        assert_eq!(assess(&file, "2024-12-31").0, [reason], "{born:?}");
    }
}

#[test]
fn a_file_waits_for_payments_that_are_still_accounts() {
    let file = File { paid: Some("2015-06-01"), ..File::closed("2015-06-30") };
    let (marks, row) = assess(&file, "2024-01-01");
    assert_eq!(marks, []);
    assert_eq!(row[2..], ["2024-12-31", "sammanstallning", "hall_for_beslut"]);
    assert_eq!(assess(&file, "2025-01-01").0, [ReasonCode::PastRetention]);
}

#[test]
fn an_open_case_a_least_time_and_an_unknown_rule_are_never_overdue() {
    let open = File { closed: None, ..File::closed("2001-01-01") };
    assert_eq!(assess(&open, "2090-01-01").0, []);
    let (marks, row) = assess(&File { rule: "hsl", ..File::closed("2009-12-31") }, "2090-01-01");
    assert_eq!((marks.len(), row[2].as_str(), row[4].as_str()), (0, "", "flytta"));
    let (marks, row) = assess(&File { rule: "okand", ..File::closed("2009-12-31") }, "2090-01-01");
    assert_eq!((marks.len(), row[4].as_str()), (0, "hall_for_beslut"));
}

#[test]
fn entities_come_after_the_one_that_they_hang_from() {
    let set = set();
    let secret = InstallationSecret::from_hex(&"7".repeat(64)).unwrap();
    let builder = RetentionBuilder::new(&set.model, &set.retention, &secret, "2024-12-31").unwrap();
    assert_eq!(builder.steps(), ["personakt", "person", "arende", "placering", "utbetalning"]);
    assert_eq!(builder.columns("placering"), ["id", "arende_id", "typ", "fran"]);
    assert!(RetentionBuilder::new(&set.model, &set.retention, &secret, "soon").is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_later_event_never_makes_a_file_due_earlier(last in 0_i32..30_000, more in 0_i32..5_000) {
        let set = set();
        let rule = set.retention.rule("sol", "2024-12-31").unwrap();
        let (early, late) = (due::from(rule, last).unwrap(), due::from(rule, last + more).unwrap());
        prop_assert!(early <= late);
        prop_assert!(due::latest(rule, early) <= due::latest(rule, late));
        prop_assert!((1_825..=1_827).contains(&(early - last)), "five years");
        prop_assert!((365..=731).contains(&(due::latest(rule, early).unwrap() - early)));
    }
}

#[test]
fn nothing_prints_a_key() {
    let set = set();
    let secret = InstallationSecret::from_hex(&"7".repeat(64)).unwrap();
    let builder = RetentionBuilder::new(&set.model, &set.retention, &secret, "2024-12-31").unwrap();
    assert_eq!(format!("{builder:?}"), "RetentionBuilder(0 files)");
    let none: Assessments<'_> = builder.finish();
    assert_eq!(format!("{none:?}"), "Assessments(0 files)");
}

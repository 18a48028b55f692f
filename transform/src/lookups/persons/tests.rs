use std::collections::BTreeMap;

use bron_mappings::{IdentityDecisions, Mapping, MappingSet, PersonRule};
use proptest::prelude::*;

use super::*;
use crate::fixture::{SECRET, table, texts_table};
use crate::{Lookups, Plan, apply};

const MODEL: &str = "format = 1\n[[entity]]\nname = \"person\"\nlabel = \"P\"\nabout = \"P\"\nretention = \"r\"\n\
    sekretess = \"s\"\nfields = [{ name = \"skydd\", type = \"code\", label = \"S\" }]\n";

const CODES: &str = "system,code,target,term,equivalence,valid_from,valid_to,status,reviewer,note\n\
    ,J,sekretessmarkering,J,equal,,,approved,x,\n,K,skyddad_folkbokforing,K,equal,,,approved,x,\n\
    ,N,inget,N,equal,,,approved,x,\n,F,okand_hog,F,equal,,,approved,x,\n";

const RECORD: &str = "[person]\nrecord = [\"ID\"]\nnumber = { from = \"NR\", date = \"DAG\" }\n\
    protection = { from = \"SEKR\", codes = \"skydd\", fallback = \"okand_hog\" }\n";
const REFERS: &str =
    "refers_to = [{ system = \"a\", table = \"P\", from = [\"TILL\"], ground = \"hanvisning_b\" }]\n";
const ABOUT: &str = "[person]\nabout = { system = \"a\", table = \"P\", from = [\"P_ID\"] }\n";
const LINK: &str = "[person]\nlink = { table = \"P\", a = [\"A\"], b = [\"B\"], ground = \"hanvisning_a\", \
    when = { column = \"TYP\", in = [\"HV\"] } }\n";

fn mapping(system: &str, table: &str, person: &str) -> String {
    format!(
        "format = 1\nmapping = \"{system}/{table}\"\nowner = \"o\"\ndecision = \"d\"\nexamples = 0\n\
         [source]\n\
         system = \"{system}\"\ntable = \"{table}\"\nkey = [\"ID\"]\n{person}[[target]]\nentity = \"person\"\n\
         [target.fields]\nid = {{ id = [\"ID\"] }}\nskydd = {{ from = \"@skydd\" }}\n"
    )
}

/// Persons of the systems a and b; b refers to a. Rows of a/T are about a/P, rows of a/H join records of it.
fn set() -> MappingSet {
    let files = [
        ("model/m.toml", MODEL.to_owned()),
        ("codes/skydd.csv", CODES.to_owned()),
        ("a/P.toml", mapping("a", "P", RECORD)),
        ("a/T.toml", mapping("a", "T", ABOUT)),
        ("a/H.toml", mapping("a", "H", LINK)),
        ("b/P.toml", mapping("b", "P", &format!("{RECORD}{REFERS}"))),
    ];
    let files: BTreeMap<String, String> = files.map(|(path, text)| (path.to_owned(), text)).into();
    let (set, found) = MappingSet::parse(&files);
    assert_eq!(found, []);
    set
}

fn persons_of(set: &MappingSet, tables: &[(&str, Batch)], decisions: &str) -> Persons {
    let head = "post_a,post_b,beslut,beslutad_av,tid,skal\n";
    let (decisions, found) = IdentityDecisions::parse("beslut.csv", &format!("{head}{decisions}"));
    assert_eq!(found, []);
    let mut builder = PersonsBuilder::new(&SECRET, &decisions);
    for (name, batch) in tables {
        let mapping = set.mappings.iter().find(|mapping| mapping.id == *name).unwrap();
        builder.add(&PersonTable::new(set, mapping).unwrap().unwrap(), batch);
    }
    builder.finish()
}

fn level(persons: &Persons, system: &str, key: &str) -> Option<Protection> {
    persons.protection(&person_id(&SECRET, system, "P", [Some(key)]))
}

use Protection::{Inget, OkandHog, Sekretessmarkering, SkyddadFolkbokforing};

fn records(rows: &[&str]) -> Batch {
    table("ID NR DAG SEKR TILL", rows)
}

#[test]
fn the_highest_mark_of_any_system_counts_for_equal_valid_numbers() {
    let a = records(&["1|197601010007|-|-|-", "2|760101-0007|1995-05-01|-|-", "3|197601020006|-|-|-"]);
    let b = records(&["1|19760101-0007|-|J|-", "2|-|-|K|-", "3||-|X|-"]);
    let persons = persons_of(&set(), &[("a/P", a), ("b/P", b)], "");
    let of = |system, key| level(&persons, system, key);
    assert_eq!([of("a", "1"), of("a", "2"), of("b", "1")], [Some(Sekretessmarkering); 3]);
    assert_eq!([of("a", "3"), of("b", "2")], [Some(Inget), Some(SkyddadFolkbokforing)]);
    assert_eq!(of("b", "3"), Some(OkandHog), "an unknown code never means less than the highest");
    assert_eq!(of("a", "4"), None, "nobody has this record");
}

#[test]
fn what_is_no_valid_national_number_joins_nobody() {
    // Wrong check digit, impossible date, stand-in, two reserve numbers, an uncertain century, a blank.
    for number in
        ["197601010004", "197602300001", "191212121212", "0000000000", "991981000010", "1001010006", " "]
    {
        let rows = [format!("1|{number}|2015-05-01|J|-"), format!("2|{number}|2015-05-01|-|-")];
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let persons = persons_of(&set(), &[("a/P", records(&rows))], "");
        assert_eq!(level(&persons, "a", "2"), Some(Inget), "{number}");
    }
}

#[test]
fn ten_digits_count_when_one_century_is_left_on_every_day_a_row_can_have() {
    let set = set();
    let mapping = set.mapping("a", "P").unwrap();
    let dated = |since: Option<&str>, as_of: Option<&str>| {
        let mut mapping = mapping.clone();
        if let Some(PersonRule::Record(record)) = &mut mapping.person {
            record.number.as_mut().unwrap().since = since.map(str::to_owned);
        }
        PersonTable::new(&set, &mapping).unwrap().unwrap().read_on(as_of)
    };
    let whole = |table: &PersonTable, number| {
        table.national(Some(number), None).map(|found| found.canonical.unwrap().as_str().to_owned())
    };
    let table = dated(Some("2013-01-01"), Some("2024-12-31"));
    assert_eq!(whole(&table, "760101-0007").as_deref(), Some("197601010007"));
    // Born 1915 or 2015; 1999 or 1899; a wrong check digit.
    for doubtful in ["150101-0001", "990101-0000", "760101-0004"] {
        assert_eq!(whole(&table, doubtful), None, "{doubtful}");
    }
    for unknown in [dated(None, Some("2024-12-31")), dated(Some("2013-01-01"), None)] {
        assert_eq!(whole(&unknown, "760101-0007"), None, "one of the days is not known");
    }
    let date = table.national(Some("100101-0006"), Some("2005-05-01"));
    assert_eq!(date.unwrap().canonical.unwrap().as_str(), "191001010006", "the row's own date comes first");
}

#[test]
fn references_links_and_decisions_join_in_any_order_of_tables() {
    let a = || records(&["1|-|-|-|-", "2|-|-|-|-", "3|-|-|-|-", "4|-|-|-|-"]);
    let b = || records(&["1|-|-|K|1", "2|-|-|-|9"]);
    let links = || table("A B TYP", &["1|2|HV", "2|3|DE", "2||HV"]);
    let decisions = "a/P/4,a/P/2,lika,Eva,2024-01-01 10:00,samma\na/P/3,a/P/2,lika,Eva,2024-01-01 10:00,samma\n\
                     a/P/3,a/P/2,olika,Bo,2024-01-02 10:00,syskon\n";
    let set = set();
    let one = persons_of(&set, &[("a/P", a()), ("a/H", links()), ("b/P", b())], decisions);
    let other = persons_of(&set, &[("b/P", b()), ("a/H", links()), ("a/P", a())], decisions);
    for persons in [one, other] {
        for (key, expected) in [
            ("1", SkyddadFolkbokforing),
            ("2", SkyddadFolkbokforing),
            ("3", Inget),
            ("4", SkyddadFolkbokforing),
        ] {
            assert_eq!(level(&persons, "a", key), Some(expected), "{key}");
        }
        assert_eq!(level(&persons, "b", "2"), Some(Inget), "it refers to a record that nobody has");
        assert_eq!(level(&persons, "a", "9"), None);
    }
}

#[test]
fn every_row_of_a_record_counts() {
    let rows = records(&["1|-|-|J|-", "1|-|-|N|-", "2|197601010007|-|-|-", "2|197601020006|-|-|-"]);
    let other = records(&["1|197601010007|-|F|-"]);
    let persons = persons_of(&set(), &[("a/P", rows), ("b/P", other)], "");
    assert_eq!(level(&persons, "a", "1"), Some(Sekretessmarkering), "an earlier mark is never forgotten");
    assert_eq!(level(&persons, "a", "2"), Some(OkandHog));
}

fn mapped(id: &str, batch: &Batch, persons: Persons) -> crate::Transformed {
    let set = set();
    let mapping: &Mapping = set.mappings.iter().find(|mapping| mapping.id == id).unwrap();
    let mut lookups = Lookups::new(None);
    lookups.set_persons(Some(persons));
    apply(&Plan::new(&set, mapping, batch.schema(), &SECRET).unwrap(), &lookups, batch, 0)
}

#[test]
fn rows_of_all_kinds_know_the_protection_of_their_person() {
    let set = set();
    let persons = || {
        let a = records(&["1|197601010007|-|-|-", "2|-|-|-|-"]);
        persons_of(&set, &[("a/P", a), ("b/P", records(&["1|197601010007|-|J|-"]))], "")
    };
    let shown = |id: &str, batch: &Batch| -> Vec<(Option<String>, String)> {
        let rows = crate::fixture::rows(&mapped(id, batch, persons()), "person");
        rows.into_iter().map(|row| (row.get("skydd").cloned(), row["skyddad"].clone())).collect()
    };
    let (marked, open) = (
        (Some("sekretessmarkering".to_owned()), "true".to_owned()),
        (Some("inget".to_owned()), "false".to_owned()),
    );
    let nobody = (None, "false".to_owned());
    assert_eq!(shown("a/P", &records(&["1|-|-|-|-", "2|-|-|-|-"])), [marked.clone(), open.clone()]);
    let about = table("ID P_ID", &["1|1", "2|2", "3|9", "4|-", "5|"]);
    assert_eq!(shown("a/T", &about), [marked.clone(), open, nobody.clone(), nobody.clone(), nobody]);
    assert_eq!(shown("a/H", &table("ID A B TYP", &["1|2|1|DE"])), [marked], "either side counts");
}

#[test]
fn rejects_say_whether_the_person_is_protected() {
    let set = set();
    let persons = persons_of(&set, &[("a/P", records(&["1|-|-|J|-", "2|-|-|-|-"]))], "");
    let mapping = mapping("a", "T", ABOUT).replace("skydd =", "skydd = { from = \"X\", fn = \"code\" }\n#");
    let mapping = mapping.replace("fn = \"code\"", "codes = \"skydd\"");
    let (mapping, found) = Mapping::parse("a/T.toml", &mapping);
    assert_eq!(found, []);
    let batch = table("ID P_ID X", &["1|1|Q", "2|2|Q", "3|-|Q"]);
    let mut lookups = Lookups::new(None);
    lookups.set_persons(Some(persons));
    let plan = Plan::new(&set, &mapping.unwrap(), batch.schema(), &SECRET).unwrap();
    let rejects = crate::fixture::texts(&apply(&plan, &lookups, &batch, 0).rejects);
    let marks: Vec<&str> = rejects.iter().map(|row| row["skyddad"].as_str()).collect();
    assert_eq!(marks, ["1", "", ""]);
}

#[test]
fn nothing_that_is_held_can_be_shown() {
    let persons = persons_of(&set(), &[("a/P", records(&["hemlig|197601010007|-|J|-"]))], "");
    let shown = format!("{persons:?}");
    assert_eq!(shown, "Persons(1 records)");
}

proptest! {
    /// More records, more numbers, more links: nobody's protection is ever lowered by any of it.
    #[test]
    fn adding_a_record_or_a_link_never_lowers_anybody(
        rows in proptest::collection::vec((0_u8..8, 0_u8..4, 0_u8..5, 0_u8..8), 1..16),
        links in proptest::collection::vec((0_u8..8, 0_u8..8), 0..8),
        keep in any::<proptest::sample::Index>(),
        keep_links in any::<proptest::sample::Index>(),
    ) {
        let numbers = [None, Some("197601010007"), Some("197601020006"), Some("197601010004")];
        let marks = [None, Some("J"), Some("K"), Some("F"), Some("N")];
        let text = |text: &str| Some(text.to_owned());
        let rows: Vec<Vec<Option<String>>> = rows
            .iter()
            .map(|(id, number, mark, till)| {
                let number = numbers[usize::from(*number)].map(str::to_owned);
                let mark = marks[usize::from(*mark)].map(str::to_owned);
                vec![text(&id.to_string()), number, None, mark, text(&till.to_string())]
            })
            .collect();
        let links: Vec<Vec<Option<String>>> = links
            .iter()
            .map(|(a, b)| vec![text(&a.to_string()), text(&b.to_string()), text("HV")])
            .collect();
        let set = set();
        let build = |rows: &[Vec<Option<String>>], links: &[Vec<Option<String>>]| {
            let columns = ["ID", "NR", "DAG", "SEKR", "TILL"];
            let (first, second) = rows.split_at(rows.len() / 2);
            let tables = [
                ("a/P", texts_table(&columns, first)),
                ("b/P", texts_table(&columns, second)),
                ("a/H", texts_table(&["A", "B", "TYP"], links)),
            ];
            persons_of(&set, &tables, "")
        };
        let all = build(&rows, &links);
        let fewer_links = build(&rows, &links[..keep_links.index(links.len() + 1)]);
        for (id, level) in fewer_links.ids.iter().zip(&fewer_links.levels) {
            prop_assert!(all.protection(id).unwrap() >= *level);
        }
        // Fewer records of one table: the halves stay where they are.
        let fewer = keep.index(rows.len() / 2 + 1);
        let columns = ["ID", "NR", "DAG", "SEKR", "TILL"];
        let (first, second) = rows.split_at(rows.len() / 2);
        let tables = [
            ("a/P", texts_table(&columns, &first[..fewer.min(first.len())])),
            ("b/P", texts_table(&columns, second)),
            ("a/H", texts_table(&["A", "B", "TYP"], &links)),
        ];
        let fewer = persons_of(&set, &tables, "");
        for (id, level) in fewer.ids.iter().zip(&fewer.levels) {
            prop_assert!(all.protection(id).unwrap() >= *level);
        }
    }

    #[test]
    fn every_record_is_at_least_as_protected_as_it_says_itself(
        marks in proptest::collection::vec(0_u8..5, 1..8),
    ) {
        let codes = [None, Some("J"), Some("K"), Some("F"), Some("N")];
        let own = [Inget, Sekretessmarkering, SkyddadFolkbokforing, OkandHog, Inget];
        let rows: Vec<Vec<Option<String>>> = marks
            .iter()
            .zip(0..)
            .map(|(mark, id): (&u8, u32)| {
                let mark = codes[usize::from(*mark)].map(str::to_owned);
                vec![Some(id.to_string()), Some("197601010007".to_owned()), None, mark, None]
            })
            .collect();
        let batch = texts_table(&["ID", "NR", "DAG", "SEKR", "TILL"], &rows);
        let persons = persons_of(&set(), &[("a/P", batch)], "");
        let highest = marks.iter().map(|mark| own[usize::from(*mark)]).max();
        for id in 0..marks.len() {
            prop_assert_eq!(level(&persons, "a", &id.to_string()), highest);
        }
    }
}

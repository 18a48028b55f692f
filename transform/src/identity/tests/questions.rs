use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const D06: &str = "samordning_till_personnummer";
const D07: &str = "namn_och_fodelsedatum";

fn asked(rows: &[&str]) -> Vec<String> {
    questions_of(&identity(&[("a/P", &persons(rows))], ""))
}

#[test]
fn a_coordination_number_and_a_later_personal_number_are_a_question() {
    // H2 without a reference: the day of the one is the day of the other and 60.
    let rows = ["1 197601610004 Ali Prov DAG=2004-02-01", "2 197601010007 ALI Prov DAG=2009-05-01"];
    assert_eq!(asked(&rows), [format!("1|2 {D06} ny")]);
    let made = identity(&[("a/P", &persons(&rows))], "");
    let row = &rows_of(&made, "match_candidate")[0];
    assert_eq!(
        (row["poang"].as_str(), row["dq_flags"].as_str(), row["skyddad"].as_str()),
        ("90", "D06", "false")
    );
    assert_eq!(
        row["forklaring"],
        "samma förnamn och efternamn (45); samma födelsedatum i numren (30); \
         personnumret kom senare än samordningsnumret (10); samma kön enligt numren (5)"
    );
    assert_eq!(links_of(&made), [""; 0], "a question is never a link");
}

#[test]
fn one_difference_is_enough_for_no_question() {
    let first = "1 197601610004 Ali Prov DAG=2004-02-01";
    for second in [
        "2 197601010007 Alex Prov DAG=2009-05-01",
        "2 197601010007 Ali Provsson DAG=2009-05-01",
        "2 197601020006 Ali Prov DAG=2009-05-01",
        "2 197601010007 Ali Prov DAG=2003-05-01",
        "2 197601010004 Ali Prov DAG=2009-05-01",
        "2 197601610004 Ali Prov DAG=2009-05-01",
    ] {
        assert_eq!(asked(&[first, second]), [""; 0], "{second}");
    }
}

#[test]
fn the_same_name_and_birth_without_a_number_is_a_question() {
    for (number, points) in
        [("197601010007", "100"), ("-", "90"), ("991981000010", "90"), ("197601010004", "90")]
    {
        let rows =
            ["1 - Eva Prov FODD=1976-01-01".to_owned(), format!("2 {number} Eva Prov FODD=1976-01-01")];
        let batch = persons(&rows.iter().map(String::as_str).collect::<Vec<_>>());
        let made = identity(&[("a/P", &batch)], "");
        assert_eq!(questions_of(&made), [format!("1|2 {D07} ny")], "{number}");
        assert_eq!(rows_of(&made, "match_candidate")[0]["poang"], points, "{number}");
    }
    let reserve = ["1 991981000010 E P FODD=1976-01-01", "2 991945000023 E P FODD=1976-01-01"];
    assert_eq!(asked(&reserve).len(), 1, "reserve numbers say nothing, for or against");
    for other in ["2 - Eva Prov FODD=1976-01-02", "2 - Eva Prov", "2 - Evy Prov FODD=1976-01-01"] {
        assert_eq!(asked(&["1 - Eva Prov FODD=1976-01-01", other]), [""; 0], "{other}");
    }
    assert_eq!(
        asked(&["1 - Eva Prov FODD=1900-01-01", "2 - Eva Prov FODD=1900-01-01"]),
        [""; 0],
        "a stand-in"
    );
}

#[test]
fn two_valid_personal_numbers_are_two_humans() {
    // H4 and H3: everything but the number is equal, and one digit differs in the number.
    let rows = ["1 197601010007 Eva Prov FODD=1976-01-01", "2 197601020006 Eva Prov FODD=1976-01-01"];
    assert_eq!(asked(&rows), [""; 0]);
    // The record without a number belongs to a human who has one, by a reference.
    let a = persons(&[
        "1 197601010007 Eva Prov FODD=1976-01-01",
        "2 197601020006 Evy Prov",
        "3 - Eva Prov FODD=1976-01-01",
    ]);
    let links = table("ID A B", &["1|3|2"]);
    let made = identity(&[("a/P", &a), ("a/H", &links)], "");
    assert_eq!(questions_of(&made), [""; 0]);
}

#[test]
fn twins_never_meet() {
    // H7: born the same day, one digit apart, another given name.
    let twins = ["1 197601010007 Eva Prov FODD=1976-01-01", "2 - Ida Prov FODD=1976-01-01"];
    assert_eq!(asked(&twins), [""; 0]);
    let twins = ["1 197601610004 Eva Prov FODD=1976-01-01", "2 197601010007 Ida Prov FODD=1976-01-01"];
    assert_eq!(asked(&twins), [""; 0]);
}

#[test]
fn linked_records_are_no_question() {
    let a = persons(&["1 197601610004 Ali Prov", "2 197601010007 Ali Prov", "3 197601010007 Ali Prov"]);
    let links = table("ID A B", &["1|2|1"]);
    for with in ["a/H", "a/R"] {
        let made = identity(&[("a/P", &a), (with, &links)], "");
        assert_eq!(questions_of(&made), [""; 0], "{with}");
    }
}

#[test]
fn two_humans_are_asked_about_once_and_in_one_table_first() {
    let a = persons(&["7 197601610004 Ali Prov", "8 197601010007 Ali Prov", "9 197601010007 Ali Prov"]);
    let b = persons(&["1 197601610004 Ali Prov", "2 197601010007 Ali Prov"]);
    let expected = [format!("7|8 {D06} ny")];
    assert_eq!(questions_of(&identity(&[("a/P", &a), ("b/P", &b)], "")), expected);
    assert_eq!(questions_of(&identity(&[("b/P", &b)], "")), [format!("1|2 {D06} ny")]);
    let one = persons(&["8 197601010007 Ali Prov"]);
    let other = persons(&["1 197601610004 Ali Prov"]);
    let across = identity(&[("a/P", &one), ("b/P", &other)], "");
    assert_eq!(questions_of(&across), [format!("a/P/8|b/P/1 {D06} ny")]);
}

#[test]
fn answers_stay_with_their_question_and_no_other_asks_again() {
    let a = persons(&["1 197601610004 Ali Prov", "2 197601010007 Ali Prov"]);
    let b = persons(&["1 197601610004 Ali Prov"]);
    let tables: [(&str, &Batch); 2] = [("a/P", &a), ("b/P", &b)];
    let no = identity(&tables, "a/P/1,a/P/2,olika,Bo,2024-02-01 10:00,Kusiner\n");
    assert_eq!(questions_of(&no), [format!("1|2 {D06} avvisad")]);
    let row = &rows_of(&no, "match_candidate")[0];
    assert_eq!((row["beslutad_av"].as_str(), row["dq_flags"].as_str()), ("Bo", ""));
    assert_eq!(no.idle_decisions(), 0);
    let yes = identity(&tables, "a/P/1,a/P/2,lika,Eva,2024-02-01 10:00,Samma\n");
    assert_eq!(questions_of(&yes), [format!("1|2 {D06} bekraftad")]);
    assert!(links_of(&yes).contains(&"1|2 manuell_beslutad beslutad_av=Eva".to_owned()));
    for answered in [no, yes] {
        let done = answered.transformed(&set().model, "v");
        assert_eq!(done.rejects.rows(), 0, "an answered question is nobody's work");
    }
}

#[test]
fn open_questions_are_marks_and_the_balance_knows_them() {
    let rows = [
        "1 197601610004 Ali Prov",
        "2 197601010007 Ali Prov",
        "3 - Eva Prov FODD=1980-05-05",
        "4 - Eva Prov FODD=1980-05-05",
        "5 198005050003 Bo Prov",
        "6 198005050003 Bo Prov",
    ];
    let done = identity(&[("a/P", &persons(&rows))], "").transformed(&set().model, "v");
    let marks: Vec<String> = texts(&done.rejects)
        .iter()
        .map(|row| {
            ["system", "table", "src_key", "action", "reason", "skyddad"].map(|name| &*row[name]).join(" ")
        })
        .collect();
    assert_eq!(marks, ["bron identitet 1|2 flag D06 ", "bron identitet 3|4 flag D07 "]);
    let tally = done.balance.tallies.values().next().unwrap();
    let counts: Vec<(&str, u64)> =
        tally.marked.iter().map(|(reason, count)| (reason.code(), *count)).collect();
    assert_eq!(counts, [("D06", 1), ("D07", 1)]);
    assert_eq!((tally.read, tally.loaded, tally.fanout, done.balance.rows()), (0, 0, 3, 0));
}

#[test]
fn a_block_of_many_is_a_stand_in() {
    let rows: Vec<String> = (0..21).map(|id| format!("{id} - Okänd Okänd FODD=1950-01-01")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    assert_eq!(asked(&rows), [""; 0]);
    assert_eq!(asked(&rows[..3]).len(), 3);
}

/// The keys of the names that a comparison was shown.
fn compared(tables: &[(&str, &Batch)], lines: &str) -> BTreeSet<names::NameKey> {
    let mut seen = BTreeSet::new();
    let lines = decisions(lines);
    let mut spy = |method: Method, a: &Open, b: &Open| {
        seen.extend(a.name);
        seen.extend(b.name);
        candidates::compare(method, a, b)
    };
    identity_with(tables, &[], &lines, &mut spy);
    seen
}

#[test]
fn the_comparison_never_sees_a_protected_human() {
    // The forbidden zone (H4, H5): each pair would be a question if nobody were protected.
    let rows = [
        "1 197601610004 Ali Prov",
        "2 197601010007 Ali Prov",
        "3 - Eva Skog FODD=1980-05-05",
        "4 - Eva Skog FODD=1980-05-05",
    ];
    let name = |given, family| names::Names::new().split(Some(given), Some(family)).unwrap();
    let (ali, eva) = (name("Ali", "Prov"), name("Eva", "Skog"));
    let open = persons(&rows);
    assert_eq!(compared(&[("a/P", &open)], ""), BTreeSet::from([ali, eva]), "the spy sees");
    for mark in ["J", "F", "okänd"] {
        let own = persons(&[rows[0], &format!("{} SEKR={mark}", rows[1]), rows[2], rows[3]]);
        assert_eq!(compared(&[("a/P", &own)], ""), BTreeSet::from([eva]), "{mark}: its own mark");
        let elsewhere = persons(&[&format!("V 19760101-0007 Ali Prov SEKR={mark}")]);
        let tables: [(&str, &Batch); 2] = [("a/P", &open), ("b/P", &elsewhere)];
        assert_eq!(compared(&tables, ""), BTreeSet::from([eva]), "{mark}: the mark of another system");
        let referred = persons(&[&format!("V - X Y SEKR={mark} TILL=3")]);
        let tables: [(&str, &Batch); 2] = [("a/P", &open), ("b/P", &referred)];
        assert_eq!(compared(&tables, ""), BTreeSet::from([ali]), "{mark}: by reference");
        let alone = persons(&[&format!("V - X Y SEKR={mark}")]);
        let tables: [(&str, &Batch); 2] = [("a/P", &open), ("b/P", &alone)];
        let decided = "a/P/1,b/P/V,lika,Eva,2024-01-01 10:00,x\n";
        assert_eq!(compared(&tables, decided), BTreeSet::from([eva]), "{mark}: by a decision");
    }
}

proptest! {
    /// Whatever the city looks like: no row names a protected human but by a source's or a person's own word,
    /// no pair is both linked and asked about, and nobody with two valid personal numbers is a question.
    #[test]
    fn no_city_gives_a_forbidden_row(
        city in proptest::collection::vec((0_u8..6, 0_u8..2, 0_u8..3, proptest::bool::weighted(0.15)), 2..14),
    ) {
        let numbers = ["-", "197601010007", "197601020006", "197601610004", "991981000010", "1976-01-01-0007"];
        let dates = ["-", "1976-01-01", "1976-01-02"];
        let rows: Vec<String> = city
            .iter()
            .zip(0..)
            .map(|((number, name, date, protected), id): (_, u32)| {
                let number = numbers[usize::from(*number)];
                let mark = if *protected { " SEKR=J" } else { "" };
                format!("{id} {number} F{name} Prov FODD={}{mark}", dates[usize::from(*date)])
            })
            .collect();
        let batch = persons(&rows.iter().map(String::as_str).collect::<Vec<_>>());
        let made = identity(&[("a/P", &batch)], "");
        let all = [rows_of(&made, "identity_link"), rows_of(&made, "match_candidate")];
        let mut keys = BTreeSet::new();
        for row in all.iter().flatten() {
            prop_assert_eq!(row["skyddad"].as_str(), "false");
            prop_assert!(keys.insert(row["src_key"].clone()), "{} stands twice", row["src_key"]);
            let (a, b) = row["src_key"].split_once('|').unwrap();
            let of = |key: &str| city[key.parse::<usize>().unwrap()];
            prop_assert!(!of(a).3 && !of(b).3);
        }
        for row in &all[1] {
            let (a, b) = row["src_key"].split_once('|').unwrap();
            let personal = |key: &str| matches!(city[key.parse::<usize>().unwrap()].0, 1 | 2);
            prop_assert!(!(personal(a) && personal(b)));
            let points: i64 = row["poang"].parse().unwrap();
            prop_assert!((0..=100).contains(&points));
        }
    }
}

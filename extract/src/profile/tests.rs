use std::path::Path;

use super::*;
use crate::sqlite::SqliteSource;
use crate::sqlite::tests::{execute, writer};

fn profiles(sql: &str) -> Vec<TableProfile> {
    let dir = tempfile::tempdir().unwrap();
    let path: &Path = &dir.path().join("legacy.db");
    execute(&mut writer(path), sql);
    let mut source = SqliteSource::open(path).unwrap();
    let tables = source.tables().unwrap();
    tables.iter().map(|known| profile(&mut source, known, 7).unwrap()).collect()
}

fn column<'t>(table: &'t TableProfile, name: &str) -> &'t ColumnProfile {
    table.columns.iter().find(|column| column.name == name).unwrap()
}

const CITY: &str = "
    CREATE TABLE PERSON (PERS_ID INTEGER PRIMARY KEY, FNAMN TEXT, KON TEXT, FODDAT TEXT, ANM TEXT);
    CREATE TABLE ARENDE (ID INTEGER PRIMARY KEY, PERS_ID TEXT, TYP TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
      INSERT INTO PERSON SELECT i, CASE WHEN i < 60 THEN 'Anna' ELSE 'Bo' END,
        CASE WHEN i < 4 THEN 'X' WHEN i % 2 THEN 'K' ELSE 'M' END,
        CASE WHEN i = 7 THEN '1900-01-01' ELSE (1950 + i % 40) || '-05-02' END,
        CASE WHEN i % 3 THEN NULL WHEN i % 2 THEN '' ELSE substr('Ã¥r ' || 'xxxxxxxxxx', 1, 4 + i % 7) END FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
      INSERT INTO ARENDE SELECT i, CASE WHEN i = 50 THEN 999 ELSE i * 2 END, 'EKB' FROM n;";

#[test]
fn a_profile_counts_and_names_nobody() {
    let tables = profiles(CITY);
    let person = &tables[0];
    assert_eq!((person.rows, person.key.as_slice()), (100, ["PERS_ID".to_owned()].as_slice()));
    let sex = column(person, "KON");
    let shown: Vec<(&str, Option<u64>)> =
        sex.codes.as_ref().unwrap().iter().map(|one| (one.code.as_str(), one.rows)).collect();
    assert_eq!(shown, [("M", Some(49)), ("K", None)]);
    assert_eq!(sex.suppressed, Suppressed { codes: 2, rows: 51 });
    assert!(sex.lengths.as_ref().is_some_and(|lengths| lengths.ends.is_empty()), "{sex:?}");
    // Names are frequent, and are nobody's code.
    assert_eq!(column(person, "FNAMN").codes, None);
    assert_eq!(column(person, "FNAMN").distinct, Distinct::Exactly(2));
    let text = serde_json::to_string(&tables).unwrap();
    assert!(!text.contains("Anna") && !text.contains("-05-02"), "{text}");
}

#[test]
fn dates_lengths_and_damage_are_counted() {
    let tables = profiles(CITY);
    let born = column(&tables[0], "FODDAT");
    assert_eq!(born.shapes[&Shape::SentinelDate], Some(1));
    assert_eq!(born.shapes[&Shape::Date], Some(99));
    assert!(born.sentinels.is_empty(), "a date that one person has is not named");
    assert_eq!(born.years, Some((1950, 1989)));
    let note = column(&tables[0], "ANM");
    assert_eq!((note.nulls, note.empties, note.values), (67, 17, 16));
    let encoding = note.encoding.unwrap();
    assert_eq!((encoding.verdict, encoding.counts.unwrap().damage.misread), (Verdict::Damaged, 16));
    assert_eq!(note.lengths.as_ref().map(|lengths| lengths.longest), Some(10));
}

#[test]
fn a_reference_is_guessed_from_name_and_values() {
    let mut tables = profiles(CITY);
    let guessed = references(&mut tables);
    let expected = Reference {
        table: "ARENDE".to_owned(),
        column: "PERS_ID".to_owned(),
        to_table: "PERSON".to_owned(),
        to_column: "PERS_ID".to_owned(),
        found: 49,
        compared: 50,
    };
    assert_eq!(guessed, [expected]);
}

#[test]
fn a_key_that_nobody_declared_is_guessed() {
    let tables = profiles(
        "CREATE TABLE BESOK (NR TEXT, ENHET TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)
           INSERT INTO BESOK SELECT 'B' || i, i % 7 FROM n;",
    );
    assert_eq!(tables[0].unique, ["NR"]);
    assert_eq!(tables[0].key_or_guess(), ["NR"]);
}

#[test]
fn a_user_name_is_nobodys_code_whatever_its_column_is_called() {
    let mut tables = profiles(
        "CREATE TABLE HANDL (ID TEXT PRIMARY KEY, NAMN TEXT);
         INSERT INTO HANDL VALUES ('aek', 'Anna Ek'), ('bal', 'Bo Al'), ('cek', 'Cia Ek');
         CREATE TABLE ARENDE (NR INTEGER PRIMARY KEY, X TEXT, STATUS TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
           INSERT INTO ARENDE SELECT i, CASE i % 3 WHEN 0 THEN 'aek' WHEN 1 THEN 'bal' ELSE 'cek' END,
             CASE WHEN i % 2 THEN 'oppet' ELSE 'klart' END FROM n;",
    );
    references(&mut tables);
    assert_eq!(column(&tables[1], "X").codes, None);
    assert!(column(&tables[1], "STATUS").codes.is_some());
}

#[test]
fn codes_since_an_earlier_reading_are_named_when_they_are_frequent() {
    let of = |third: &str, rare: &str| {
        let sql = format!(
            "CREATE TABLE T (KOD TEXT);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
               INSERT INTO T SELECT CASE i % 3 WHEN 0 THEN 'A' WHEN 1 THEN 'B' ELSE '{third}' END FROM n;
             INSERT INTO T VALUES ('{rare}');"
        );
        profiles(&sql).remove(0)
    };
    let (before, after) = (of("C", "X"), of("D", "Y"));
    let new = column(&after, "KOD").new_since(column(&before, "KOD")).unwrap();
    assert_eq!(new, NewCodes { shown: vec!["D".to_owned()], hidden: 1 });
    assert_eq!(column(&after, "KOD").new_since(column(&after, "KOD")), Some(NewCodes::default()));
}

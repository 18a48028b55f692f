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
    let shown: Vec<(&str, u64)> =
        sex.codes.as_ref().unwrap().iter().map(|one| (one.code.as_str(), one.rows)).collect();
    assert_eq!(shown, [("M", 49), ("K", 48)]);
    assert_eq!(sex.suppressed, Suppressed { codes: 1, rows: 3 });
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
    assert_eq!(born.shapes[&Shape::SentinelDate], 1);
    assert_eq!(born.shapes[&Shape::Date], 99);
    assert_eq!(born.years, Some((1950, 1989)));
    let note = column(&tables[0], "ANM");
    assert_eq!((note.nulls, note.empties, note.values), (67, 17, 16));
    assert_eq!(note.misread, 16);
    assert_eq!(note.lengths.map(|lengths| lengths.longest), Some(10));
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

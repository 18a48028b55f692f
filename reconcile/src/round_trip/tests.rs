use bron_mappings::{Batches, ColumnBuilder, ColumnType, TextForm};

use super::*;

const SECRET: InstallationSecret = InstallationSecret::new([7; 32]);

fn field(field: &str, columns: &[&str], form: RestoredForm) -> RestoredField {
    RestoredField {
        entity: "rad".to_owned(),
        field: field.to_owned(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        form,
    }
}

fn fields() -> Vec<RestoredField> {
    let record = RestoredForm::Record {
        entity: "annan".to_owned(),
        system: "s".to_owned(),
        table: "ANNAN".to_owned(),
        part: None,
    };
    vec![
        field("text", &["A"], RestoredForm::Text(TextForm::Copy)),
        field("tal", &["A"], RestoredForm::Text(TextForm::Number)),
        field("annan_id", &["B", "_rad"], record),
        field("byte", &["C"], RestoredForm::Bytes),
    ]
}

/// Staged rows: the key, then A, B, C and the number of the line; `-` is NULL.
fn staged(rows: &[&str]) -> Batches<std::vec::IntoIter<Result<Batch, ReadError>>> {
    let names = ["ID", "A", "B", "C", "_rad"];
    let schema = BatchSchema::new(names.map(|name| (name.to_owned(), ColumnType::Text)));
    let batches = rows.chunks(2).map(|rows| {
        let arrays = (0..names.len()).map(|column| {
            let mut builder = ColumnBuilder::new(ColumnType::Text, rows.len());
            for row in rows {
                let text = row.split('|').nth(column).filter(|text| *text != "-");
                builder.push(text.map(Value::Text));
            }
            builder.finish()
        });
        Ok(Batch::new(&schema, arrays.collect(), rows.len()).unwrap())
    });
    let batches: Vec<_> = batches.collect();
    Batches::new(schema, batches.into_iter())
}

fn one(text: &str) -> Restored {
    Restored::OneOf { texts: vec![text.to_owned()], or_empty: false }
}

fn record(key: &str, line: &str) -> Restored {
    Restored::Record(EntityId::derive(
        &SECRET,
        "annan",
        &SourceKey::new("s", "ANNAN", [Some(key), Some(line)]),
    ))
}

/// Compares these staged rows with a target that tells this of the records with these keys.
fn compared(rows: &[&str], told: &[(&str, usize, Restored)]) -> (RoundTripSummary, Vec<Finding>) {
    let (fields, untold) = (fields(), BTreeMap::from([("D".to_owned(), "används inte".to_owned())]));
    let table =
        PutBack { mapping: "s/T", system: "s", table: "T", key: &["ID"], fields: &fields, untold: &untold };
    let mut tell = |key: &str, _: &Batch, _: usize| {
        let said: Vec<(usize, Restored)> =
            told.iter().filter(|(of, ..)| *of == key).map(|(_, at, said)| (*at, said.clone())).collect();
        let row = ToldRow { entity: "rad".to_owned(), id: EntityId::from_bytes([1; 16]), said };
        Ok(if row.said.is_empty() { Vec::new() } else { vec![row] })
    };
    let mut found = Vec::new();
    let summary = compare(&table, &SECRET, &mut staged(rows), &mut tell, &mut |one| found.push(one)).unwrap();
    (summary, found)
}

fn counts(summary: &RoundTripSummary, column: &str) -> (u64, u64) {
    let field = summary.fields.iter().find(|field| field.column == column).unwrap();
    (field.compared, field.differs)
}

#[test]
fn what_the_target_tells_is_held_against_the_staged_texts() {
    let rows = ["1|5|k|x|1", "2|5|k|x|2", "3|5|k|x|3", "4|-|-|-|4"];
    let told = [
        ("1", 0, one("5")),
        ("1", 1, one("05")),
        ("1", 2, record("k", "1")),
        ("1", 3, Restored::Bytes(b"x".to_vec())),
        ("2", 0, one("6")),
        ("2", 2, record("annat", "2")),
        ("3", 3, Restored::Bytes(b"y".to_vec())),
        ("3", 1, Restored::Impossible),
        ("4", 0, Restored::Empty),
        ("4", 2, Restored::Empty),
        ("4", 3, Restored::Untold),
    ];
    let (summary, found) = compared(&rows, &told);
    assert_eq!((summary.rows, summary.differs, summary.absent), (4, 2, 0));
    assert_eq!(counts(&summary, "A"), (4, 2));
    assert_eq!(counts(&summary, "B"), (3, 1));
    assert_eq!(counts(&summary, "C"), (2, 1), "what is not told is not compared");
    let found: Vec<(&str, &[String])> =
        found.iter().map(|one| (one.src_key.expose().as_str(), one.kind.fields())).collect();
    assert_eq!(
        found,
        [("2", &["A".to_owned(), "B".to_owned()][..]), ("3", &["A".to_owned(), "C".to_owned()])]
    );
    let untold = summary.fields.iter().find(|field| field.column == "D").unwrap();
    assert_eq!((untold.compared, untold.not_invertible_because.as_deref()), (0, Some("används inte")));
    assert!(!summary.is_equal());
}

#[test]
fn a_kept_text_is_compared_byte_for_byte_and_empty_is_not_null_in_a_copy() {
    for (text, said, same) in [
        ("5 ", Restored::Kept("5 ".to_owned()), true),
        ("5 ", Restored::Kept("5".to_owned()), false),
        ("", Restored::Empty, false),
        ("-", Restored::Empty, true),
        ("-", one(""), false),
        ("", Restored::OneOf { texts: vec!["0".to_owned()], or_empty: true }, false),
    ] {
        let (summary, _) = compared(&[&format!("1|{text}|k|x|1")], &[("1", 0, said.clone())]);
        assert_eq!(summary.is_equal(), same, "{text:?} {said:?}");
    }
    let number = Restored::OneOf { texts: vec!["0".to_owned()], or_empty: true };
    for (text, same) in [("", true), ("-", true), ("0", true), ("1", false)] {
        let (summary, _) = compared(&[&format!("1|{text}|k|x|1")], &[("1", 1, number.clone())]);
        assert_eq!(summary.is_equal(), same, "{text:?}");
    }
}

#[test]
fn of_rows_with_one_key_the_target_tells_one() {
    let rows = ["1|5|k|x|1", "1|6|k|x|2", "1|7|k|x|3"];
    let (summary, found) = compared(&rows, &[("1", 0, one("6"))]);
    assert_eq!((summary.rows, summary.absent, found.len()), (1, 2, 0));
    let (summary, found) = compared(&rows, &[("1", 0, one("8"))]);
    assert_eq!((summary.differs, found.len()), (1, 1));
}

#[test]
fn source_rows_without_a_row_of_the_target_are_counted_and_judged_elsewhere() {
    let (summary, found) = compared(&["1|5|k|x|1", "2|5|k|x|2"], &[("2", 0, one("5"))]);
    assert_eq!((summary.rows, summary.absent, found.len()), (1, 1, 0));
    assert!(summary.is_equal());
}

#[test]
fn rows_out_of_order_prove_nothing() {
    let (fields, untold) = (fields(), BTreeMap::new());
    let table =
        PutBack { mapping: "s/T", system: "s", table: "T", key: &["ID"], fields: &fields, untold: &untold };
    let mut tell = |_: &str, _: &Batch, _: usize| Ok(Vec::new());
    let mut rows = staged(&["2|5|k|x|1", "1|5|k|x|2"]);
    let error = compare(&table, &SECRET, &mut rows, &mut tell, &mut |_| {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Order);
}

#[test]
fn a_finding_that_was_none_is_taken_back() {
    let (mut summary, found) = compared(&["1|5|k|x|1"], &[("1", 0, one("6"))]);
    summary.settle(&found[0]);
    assert!(summary.is_equal() && counts(&summary, "A") == (1, 0));
}

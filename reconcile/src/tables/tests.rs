use bron_mappings::{Batch, BatchSchema, Batches, ColumnBuilder, Value};
use proptest::prelude::*;

use super::*;

type Row = Vec<Option<&'static str>>;

fn shape(name: &str, columns: &[(&str, &str)], key: &[&str]) -> Shape {
    let column = |(name, declared): &(&str, &str)| ShapeColumn {
        name: (*name).to_owned(),
        declared: (*declared).to_owned(),
        carried: if *declared == "bytea" { ColumnType::Bytes } else { ColumnType::Text },
        letters: None,
    };
    Shape {
        name: name.to_owned(),
        dialect: Dialect::Postgres,
        columns: columns.iter().map(column).collect(),
        key: key.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// Two tables with a whole number for a key and a text.
fn plan(wish: &Wish) -> Plan {
    let columns = [("id", "integer"), ("namn", "text")];
    Plan::new(&shape("a", &columns, &["id"]), &shape("b", &columns, &["id"]), wish).unwrap()
}

fn schema(width: usize) -> BatchSchema {
    BatchSchema::new(["id", "namn", "ort"][..width].iter().map(|name| ((*name).to_owned(), ColumnType::Text)))
}

fn batch(width: usize, rows: &[Row]) -> Batch {
    let column = |index: usize| {
        let mut builder = ColumnBuilder::new(ColumnType::Text, rows.len());
        rows.iter().for_each(|row| builder.push(row[index].map(Value::Text)));
        builder.finish()
    };
    Batch::new(&schema(width), (0..width).map(column).collect(), rows.len()).unwrap()
}

fn reader(rows: &[Row], size: usize) -> Box<dyn BatchReader> {
    let width = rows.first().map_or(2, Vec::len);
    let batches: Vec<_> = rows.chunks(size).map(|rows| Ok(batch(width, rows))).collect();
    Box::new(Batches::new(schema(width), batches.into_iter()))
}

/// A difference in short: its kind, the key, the columns, the rows of both sides.
type Told = (&'static str, Vec<KeyCell>, Vec<String>, (u64, u64));

fn run(
    plan: &Plan,
    left: &[Row],
    right: &[Row],
    sizes: (usize, usize),
) -> Result<(TableCounts, Vec<Told>), Error> {
    let mut told = Vec::new();
    let counts = compare(plan, reader(left, sizes.0), reader(right, sizes.1), &mut |one| {
        let Difference { kind, key, .. } = one;
        told.push((kind.code(), key.into_inner(), kind.columns().to_vec(), kind.rows()));
        Ok(())
    })?;
    Ok((counts, told))
}

fn row(id: &'static str, name: &'static str) -> Row {
    vec![Some(id), Some(name)]
}

fn key(id: &str) -> Vec<KeyCell> {
    vec![Some(id.to_owned())]
}

#[test]
fn every_kind_of_difference_is_told_by_its_key_whatever_the_batches() {
    let plan = plan(&Wish::default());
    let left = [row("1", "a"), row("2", "b"), row("9", "c"), row("9", "d"), row("10", "e"), row("11", "å")];
    let right =
        [row("1", "a"), row("3", "b"), row("9", "c"), row("10", "E"), row("11", "a\u{30a}"), row("12", "x")];
    for sizes in [(1, 1), (2, 3), (9, 9), (1, 9)] {
        let (counts, told) = run(&plan, &left, &right, sizes).unwrap();
        let wanted: Vec<Told> = vec![
            ("only_left", key("2"), vec![], (1, 0)),
            ("only_right", key("3"), vec![], (0, 1)),
            ("repeated", key("9"), vec![], (2, 1)),
            ("differs", key("10"), vec!["namn".to_owned()], (1, 1)),
            ("differs", key("11"), vec!["namn".to_owned()], (1, 1)),
            ("only_right", key("12"), vec![], (0, 1)),
        ];
        assert_eq!(told, wanted, "{sizes:?}");
        assert_eq!((counts.left, counts.right, counts.compared, counts.differing), (6, 6, 3, 2));
        assert_eq!((counts.only_left, counts.only_right), (2, 2));
        assert_eq!((counts.repeated_left, counts.repeated_right), (2, 1));
        assert_eq!((counts.columns["namn"], counts.equal_columns(&plan)), (2, 1));
        assert_eq!(Verdict::of(&plan, &counts, false), Verdict::Differs);
    }
}

#[test]
fn tables_are_equal_only_when_every_row_was_compared() {
    let plan = plan(&Wish::default());
    let verdict = |left: &[Row], right: &[Row], unread| {
        let (counts, _) = run(&plan, left, right, (2, 3)).unwrap();
        Verdict::of(&plan, &counts, unread)
    };
    let rows = [row("1", "a"), row("2", "b")];
    assert_eq!(verdict(&rows, &rows, false), Verdict::Equal);
    assert_eq!(verdict(&[], &[], false), Verdict::Equal);
    assert_eq!(verdict(&rows, &rows, true), Verdict::NotProven, "a row could not be read");
    assert_eq!(
        verdict(&rows, &rows[..1], true),
        Verdict::NotProven,
        "the row may be the one that was not read"
    );
    assert_eq!(verdict(&rows, &rows[..1], false), Verdict::Differs);
    assert_eq!(verdict(&rows, &[row("1", "x"), row("2", "b")], true), Verdict::Differs);
    let twice = [row("1", "a"), row("1", "a")];
    assert_eq!(verdict(&twice, &twice, false), Verdict::NotProven, "the key names no row");
    assert_eq!(verdict(&twice, &twice[..1], false), Verdict::Differs);
    let null = [vec![None, Some("a")]];
    assert_eq!(verdict(&null, &null, false), Verdict::NotProven);
}

#[test]
fn whole_rows_are_counted() {
    let plan = plan(&Wish { whole_rows: true, ..Wish::default() });
    let left = [vec![None, Some("a")], row("1", "a"), row("1", "a"), row("1", "b"), row("2", "b")];
    let right = [vec![None, Some("a")], row("1", "a"), row("1", "b"), row("1", "b"), row("2", "b")];
    let (counts, told) = run(&plan, &left, &right, (2, 2)).unwrap();
    let cells = |id: &str, name: &str| vec![Some(id.to_owned()), Some(name.to_owned())];
    let wanted: Vec<Told> =
        vec![("times", cells("1", "a"), vec![], (2, 1)), ("times", cells("1", "b"), vec![], (1, 2))];
    assert_eq!(told, wanted);
    assert_eq!((counts.compared, counts.only_left, counts.only_right), (4, 1, 1));
    assert_eq!(Verdict::of(&plan, &counts, false), Verdict::Differs);
    let (counts, told) = run(&plan, &left, &left, (1, 3)).unwrap();
    assert_eq!((counts.compared, told.len()), (5, 0));
    assert_eq!(Verdict::of(&plan, &counts, false), Verdict::Equal);
}

#[test]
fn what_proves_nothing_is_known_before_a_row_is_read() {
    let left = shape(
        "a",
        &[("id", "integer"), ("belopp", "numeric(10,2)"), ("bild", "bytea"), ("x", "text")],
        &["id"],
    );
    let right =
        shape("b", &[("ID", "bigint"), ("belopp", "double precision"), ("bild", "text"), ("y", "text")], &[]);
    let plan = Plan::new(&left, &right, &Wish::default()).unwrap();
    let proofs: Vec<(&str, &Proof)> =
        plan.columns.iter().map(|column| (column.right.as_str(), &column.proof)).collect();
    assert_eq!(proofs, [("ID", &Proof::Exact), ("belopp", &Proof::AsText)]);
    assert_eq!(plan.key, [(0, KeyOrder::Number)]);
    assert_eq!(plan.incomparable, [("bild".to_owned(), "bytea".to_owned(), "text".to_owned())]);
    assert_eq!(
        (plan.only_left.as_slice(), plan.only_right.as_slice()),
        (&["x".to_owned()][..], &["y".to_owned()][..])
    );
    assert!(plan.is_doubtful());
    let asked = Wish { columns: vec!["id".to_owned()], ..Wish::default() };
    let plan = Plan::new(&left, &right, &asked).unwrap();
    assert_eq!((plan.columns.len(), plan.left_out.len(), plan.is_doubtful()), (1, 4, false));
}

#[test]
fn texts_of_different_types_prove_neither_equality_nor_difference() {
    let left = shape("a", &[("id", "integer"), ("namn", "character(9)")], &["id"]);
    let right = shape("b", &[("id", "integer"), ("namn", "text")], &["id"]);
    let plan = Plan::new(&left, &right, &Wish::default()).unwrap();
    for other in ["a", "b"] {
        let (counts, _) = run(&plan, &[row("1", "a")], &[row("1", other)], (1, 1)).unwrap();
        assert_eq!(Verdict::of(&plan, &counts, false), Verdict::NotProven);
    }
    let (counts, _) = run(&plan, &[row("1", "a")], &[row("2", "a")], (1, 1)).unwrap();
    assert_eq!(Verdict::of(&plan, &counts, false), Verdict::Differs);
}

#[test]
fn character_sets_are_told_and_prove_no_less() {
    let table = |letters: &str| {
        let mut shape = shape("a", &[("id", "integer"), ("namn", "text")], &["id"]);
        shape.columns[1].letters = Some(letters.to_owned());
        shape
    };
    let told = |left: &str, right: &str| {
        let plan = Plan::new(&table(left), &table(right), &Wish::default()).unwrap();
        assert!(!plan.is_doubtful());
        plan.columns[1].letters.clone()
    };
    assert_eq!(told("LATIN1", "UTF8"), Some(("LATIN1".to_owned(), "UTF8".to_owned())));
    assert_eq!([told("utf8mb4", "UTF8"), told("utf-8", "UTF8")], [None, None]);
}

#[test]
fn a_key_that_cannot_be_used_is_an_error() {
    let left = shape("a", &[("id", "integer"), ("namn", "text")], &["id"]);
    let right = shape("b", &[("id", "integer"), ("namn", "bytea")], &["namn"]);
    let error = |wish: &Wish| Plan::new(&left, &right, wish).unwrap_err().to_string();
    assert!(error(&Wish::default()).contains("say which columns name a row"));
    assert!(error(&Wish { key: vec!["namn".to_owned()], ..Wish::default() }).contains("bytes on one side"));
    assert!(
        error(&Wish { key: vec!["ort".to_owned()], ..Wish::default() })
            .contains("do not both have a column ort")
    );
    let columns = Wish { key: vec!["id".to_owned()], columns: vec!["bild".to_owned()], ..Wish::default() };
    assert!(error(&columns).contains("do not both have a column bild"));
}

#[test]
fn names_are_paired_by_letters_and_then_by_small_letters() {
    let found = pairs(&["a", "B", "C", "c", "d"], &["A", "a", "b", "C", "e"]);
    assert_eq!(found.both, [(0, 1), (1, 2), (2, 3)]);
    assert_eq!((found.only_left, found.only_right), (vec![3, 4], vec![0, 4]));
    assert_eq!(pairs(&["ID"], &["id", "Id"]).both, []);
    assert_eq!(pairs(&["id", "Id"], &["ID"]).both, []);
}

#[test]
fn a_side_that_is_not_sorted_is_named_and_can_be_sorted() {
    let plan = plan(&Wish::default());
    let (sorted_rows, mixed) =
        ([row("2", "b"), row("9", "c"), row("10", "a")], [row("9", "c"), row("10", "a"), row("2", "b")]);
    let unsorted = |left: &[Row], right: &[Row], size| {
        run(&plan, left, right, (size, size)).unwrap_err().unsorted_side()
    };
    for size in [1, 9] {
        assert_eq!(unsorted(&sorted_rows, &mixed, size), Some(Side::Right));
        assert_eq!(unsorted(&mixed, &sorted_rows, size), Some(Side::Left));
    }
    let runs = mixed.chunks(2).map(|rows| -> Box<dyn BatchReader> {
        Box::new(Batches::new(schema(2), std::iter::once(Ok(sorted(&plan, &batch(2, rows))))))
    });
    let right = merged(&plan, &schema(2), runs.collect(), 2).unwrap();
    let counts = compare(&plan, reader(&sorted_rows, 2), Box::new(right), &mut |_| Ok(())).unwrap();
    assert_eq!((counts.compared, counts.is_different()), (3, false));
}

#[test]
fn readers_of_other_columns_and_a_sink_that_fails_are_errors() {
    let plan = plan(&Wish::default());
    let wide = [vec![Some("1"), Some("a"), Some("b")]];
    assert_eq!(run(&plan, &wide, &wide, (1, 1)).unwrap_err().kind(), ErrorKind::Columns);
    let failed =
        compare(&plan, reader(&[row("1", "a")], 1), reader(&[row("2", "a")], 1), &mut |_| Err("full".into()));
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Report);
    let broken = Batches::new(schema(2), std::iter::once(Err(ReadError::from("gone"))));
    let failed = compare(&plan, Box::new(broken), reader(&[row("2", "a")], 1), &mut |_| Ok(()));
    assert!(failed.unwrap_err().is_retryable());
}

#[test]
fn the_debug_form_of_a_difference_hides_the_key() {
    let plan = plan(&Wish::default());
    let mut shown = String::new();
    let sink = &mut |one: Difference| {
        shown = format!("{one:?}");
        Ok(())
    };
    compare(&plan, reader(&[row("4711", "a")], 1), reader(&[row("4712", "a")], 1), sink).unwrap();
    assert!(!shown.is_empty() && !shown.contains("471"), "{shown}");
}

proptest! {
    /// Whatever the batches, the merge finds what two multisets of rows differ in, and sorting changes nothing.
    #[test]
    fn the_merge_agrees_with_maps(
        left in proptest::collection::vec((0_usize..12, 0_usize..3), 0..30),
        right in proptest::collection::vec((0_usize..12, 0_usize..3), 0..30),
        sizes in (1_usize..9, 1_usize..9),
        whole_rows: bool,
    ) {
        const IDS: [&str; 12] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];
        const NAMES: [&str; 3] = ["", "a", "b"];
        let plan = plan(&Wish { whole_rows, ..Wish::default() });
        let side = |rows: &[(usize, usize)], size: usize| -> Box<dyn BatchReader> {
            let rows: Vec<Row> = rows.iter().map(|(id, name)| row(IDS[*id], NAMES[*name])).collect();
            let runs = rows.chunks(size).map(|rows| -> Box<dyn BatchReader> {
                Box::new(Batches::new(schema(2), std::iter::once(Ok(sorted(&plan, &batch(2, rows))))))
            });
            Box::new(merged(&plan, &schema(2), runs.collect(), size).unwrap())
        };
        let mut different = 0_u64;
        let sink = &mut |_| { different += 1; Ok(()) };
        let counts = compare(&plan, side(&left, sizes.0), side(&right, sizes.1), sink).unwrap();
        let times = |rows: &[(usize, usize)]| {
            let mut times: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
            for (id, name) in rows {
                let key = if whole_rows { vec![*id, *name] } else { vec![*id] };
                times.entry(key).or_default().push(*name);
            }
            times
        };
        let (mine, theirs) = (times(&left), times(&right));
        let keys: std::collections::BTreeSet<_> = mine.keys().chain(theirs.keys()).collect();
        let none = Vec::new();
        let is_different = |key: &Vec<usize>| {
            let (mine, theirs) = (mine.get(key).unwrap_or(&none), theirs.get(key).unwrap_or(&none));
            if whole_rows { mine.len() != theirs.len() } else { mine.len() != 1 || mine != theirs }
        };
        let wanted = keys.into_iter().filter(|key| is_different(key)).count();
        prop_assert_eq!(different, u64::try_from(wanted).unwrap());
        prop_assert_eq!(counts.left, u64::try_from(left.len()).unwrap());
        prop_assert_eq!(counts.right, u64::try_from(right.len()).unwrap());
    }
}

mod false_equal;

use std::collections::BTreeSet;

use bron_mappings::{Batch, Batches, Column, ColumnBuilder, ColumnType, ReadError, UNREADABLE, Value};
use proptest::prelude::*;

use super::*;

type Row = Vec<Option<Value<'static>>>;

fn schema(own: &[(&str, ColumnType)]) -> BatchSchema {
    let head = [("id".to_owned(), ColumnType::Id)];
    let tail =
        ["src_system", "src_table", "src_key", "mapping_id"].map(|name| (name.to_owned(), ColumnType::Text));
    BatchSchema::new(
        head.into_iter().chain(own.iter().map(|(name, kind)| ((*name).to_owned(), *kind))).chain(tail),
    )
}

fn id(number: u32) -> RowId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    id
}

fn row(number: u32, own: &[Option<Value<'static>>]) -> Row {
    let tail = ["paraply", "BESLUT", "4711", "paraply/beslut"].map(|text| Some(Value::Text(text)));
    std::iter::once(Some(Value::Id(id(number)))).chain(own.iter().copied()).chain(tail).collect()
}

fn batch(schema: &BatchSchema, rows: &[Row]) -> Batch {
    let column = |(index, column): (usize, &Column)| {
        let mut builder = ColumnBuilder::new(column.kind, rows.len());
        rows.iter().for_each(|row| builder.push(row[index]));
        builder.finish()
    };
    Batch::new(schema, schema.columns().iter().enumerate().map(column).collect(), rows.len()).unwrap()
}

fn reader(schema: &BatchSchema, rows: &[Row], size: usize) -> Box<dyn BatchReader> {
    let batches: Vec<_> = rows.chunks(size).map(|rows| Ok(batch(schema, rows))).collect();
    Box::new(Batches::new(schema.clone(), batches.into_iter()))
}

fn target_schema(schema: &BatchSchema) -> BatchSchema {
    let own = schema.columns().iter().map(|column| (column.name.clone(), column.kind));
    BatchSchema::new(own.chain([(UNREADABLE.to_owned(), ColumnType::Text)]))
}

fn target(schema: &BatchSchema, rows: &[Row], size: usize) -> Box<dyn BatchReader> {
    let rows: Vec<Row> = rows.iter().map(|row| row.iter().copied().chain([None]).collect()).collect();
    reader(&target_schema(schema), &rows, size)
}

fn run(
    schema: &BatchSchema,
    expected: Vec<Box<dyn BatchReader>>,
    actual: Box<dyn BatchReader>,
) -> Result<(RowCounts, Vec<Finding>), Error> {
    let mut findings = Vec::new();
    let sink = &mut |finding, _| findings.push(finding);
    let counts = compare_columns("beslut", schema, expected, actual, &mut |_, _| false, sink)?;
    Ok((counts, findings))
}

/// Pairs of two different values that published comparison tools call equal.
fn false_equal() -> Vec<(ColumnType, Option<Value<'static>>, Option<Value<'static>>)> {
    let text = |a, b| (ColumnType::Text, Some(Value::Text(a)), Some(Value::Text(b)));
    let null = |a| (ColumnType::Text, None, Some(Value::Text(a)));
    let int = |a, b| (ColumnType::Int, Some(Value::Int(a)), Some(Value::Int(b)));
    let money = |a, b| (ColumnType::Decimal { scale: 5 }, Some(Value::Decimal(a)), Some(Value::Decimal(b)));
    let time = |a, b| (ColumnType::Time, Some(Value::Time(a)), Some(Value::Time(b)));
    let bytes = |a, b| (ColumnType::Bytes, Some(Value::Bytes(a)), Some(Value::Bytes(b)));
    let (ten, hour) = (36_000_000_000, 3_600_000_000);
    vec![
        null(""),
        null(" "),
        null("<null>"),
        null("NULL"),
        text("", " "),
        text("x ", "x"),
        text("SOL", "SOL       "),
        text("\u{e5}", "a\u{30a}"),
        text("1\u{a0}000", "1 000"),
        text("Åsa", "åsa"),
        text("Anna", "Olle"),
        text("12121212", "1212121212"),
        (ColumnType::Date, None, Some(Value::Date(-25_567))),
        (ColumnType::Date, None, Some(Value::Date(2_932_896))),
        (ColumnType::Date, Some(Value::Date(7_639)), Some(Value::Date(7_639 + 60))),
        int(16_777_216, 16_777_217),
        int(-5, 5),
        int(1020, 1099),
        (ColumnType::Int, None, Some(Value::Int(0))),
        money(4_821_137_000, 4_821_136_999),
        money(10, 40),
        (
            ColumnType::Decimal { scale: 4 },
            Some(Value::Decimal(123_456_789_012)),
            Some(Value::Decimal(123_456_789_013)),
        ),
        (ColumnType::Bool, None, Some(Value::Bool(false))),
        time(ten + 100_000, ten + 900_000),
        time(ten + 3_333, ten + 3_334),
        time(2 * hour, 3 * hour),
        time(0, 24 * hour),
        bytes(&[0xe5], &[0xc3, 0xa5]),
        bytes(&[0xe5], &[0x86]),
        (ColumnType::Bytes, None, Some(Value::Bytes(&[]))),
        (ColumnType::Id, None, Some(Value::Id([0; 16]))),
    ]
}

#[test]
fn every_false_equal_pair_differs_in_short_and_long_runs() {
    for (index, (kind, left, right)) in false_equal().into_iter().enumerate() {
        for (length, at) in [(1, 0), (64, 40)] {
            for (from, to) in [(left, right), (right, left)] {
                let schema = schema(&[("varde", kind)]);
                let expected: Vec<Row> = (0..length).map(|number| row(number, &[from])).collect();
                let mut actual = expected.clone();
                actual[usize::try_from(at).unwrap()][1] = to;
                let (counts, findings) =
                    run(&schema, vec![reader(&schema, &expected, 100)], target(&schema, &actual, 100))
                        .unwrap();
                assert_eq!((counts.differs, findings.len()), (1, 1), "pair {index}, run of {length}");
                assert_eq!(findings[0].kind, FindingKind::Differs { fields: vec!["varde".to_owned()] });
                assert_eq!(findings[0].entity_id.as_bytes(), &id(at));
            }
        }
    }
}

#[test]
fn a_text_that_moved_to_the_neighbour_column_differs() {
    let schema = schema(&[("gata", ColumnType::Text), ("co", ColumnType::Text)]);
    let pairs = [
        (["Storgatan 1", ""], ["", "Storgatan 1"]),
        (["a", "b|c"], ["a|b", "c"]),
        (["ab", "c"], ["a", "bc"]),
    ];
    for (left, right) in pairs {
        let rows = |texts: [&'static str; 2]| vec![row(1, &texts.map(|text| Some(Value::Text(text))))];
        let expected = vec![reader(&schema, &rows(left), 10)];
        let (_, findings) = run(&schema, expected, target(&schema, &rows(right), 10)).unwrap();
        assert_eq!(findings[0].kind.fields(), ["gata", "co"]);
    }
}

#[test]
fn text_that_differs_late_and_rows_far_on_are_seen() {
    let schema = schema(&[("text", ColumnType::Text)]);
    let long: &'static str = Box::leak("å".repeat(5000).into_boxed_str());
    let longer: &'static str = Box::leak(format!("{}a", "å".repeat(4999)).into_boxed_str());
    let expected: Vec<Row> = (0..12_000).map(|number| row(number, &[Some(Value::Text("t"))])).collect();
    let mut actual = expected.clone();
    actual[11_999][1] = Some(Value::Text("u"));
    let (counts, _) =
        run(&schema, vec![reader(&schema, &expected, 4096)], target(&schema, &actual, 1000)).unwrap();
    assert_eq!((counts.compared, counts.differs), (12_000, 1));
    let one = |text| vec![row(1, &[Some(Value::Text(text))])];
    let (counts, _) =
        run(&schema, vec![reader(&schema, &one(long), 1)], target(&schema, &one(longer), 1)).unwrap();
    assert_eq!(counts.differs, 1);
}

#[test]
fn swapped_values_between_two_rows_are_two_differences() {
    let schema = schema(&[("belopp_ore", ColumnType::Int)]);
    let rows = |a, b| vec![row(1, &[Some(Value::Int(a))]), row(2, &[Some(Value::Int(b))])];
    let (counts, _) =
        run(&schema, vec![reader(&schema, &rows(5, 7), 9)], target(&schema, &rows(7, 5), 9)).unwrap();
    assert_eq!((counts.compared, counts.differs), (2, 2));
}

#[test]
fn planted_corruption_is_found_exactly() {
    let schema = schema(&[("belopp_ore", ColumnType::Int), ("typ", ColumnType::Text)]);
    let good = |number: u32| row(number, &[Some(Value::Int(i64::from(number))), Some(Value::Text("EB"))]);
    let expected: Vec<Row> = (0..1000).map(good).collect();
    let mut actual: Vec<Row> = (0..1000).filter(|number| *number != 17).map(good).collect();
    actual[500][2] = None;
    actual.push(good(5000));
    for (left, right) in [(1000, 1000), (7, 13), (1, 1)] {
        let (counts, findings) =
            run(&schema, vec![reader(&schema, &expected, left)], target(&schema, &actual, right)).unwrap();
        assert_eq!(
            counts,
            RowCounts { compared: 999, missing: 1, unexpected: 1, differs: 1, ..RowCounts::default() }
        );
        let found: Vec<_> =
            findings.iter().map(|finding| (finding.kind.code(), *finding.entity_id.as_bytes())).collect();
        assert_eq!(found, [("missing", id(17)), ("differs", id(501)), ("unexpected", id(5000))]);
        assert_eq!(findings[1].kind.fields(), ["typ"]);
        assert_eq!((findings[0].rule.as_str(), findings[0].src_table.as_str()), ("paraply/beslut", "BESLUT"));
    }
}

#[test]
fn repeated_ids_are_findings_of_their_own() {
    let schema = schema(&[("belopp_ore", ColumnType::Int)]);
    let same = |number| row(number, &[Some(Value::Int(1))]);
    let expected =
        vec![reader(&schema, &[same(1), same(2), same(2)], 2), reader(&schema, &[same(2), same(3)], 2)];
    let (counts, findings) =
        run(&schema, expected, target(&schema, &[same(1), same(2), same(3)], 5)).unwrap();
    assert_eq!(counts, RowCounts { compared: 3, missing: 2, unexpected: 0, ..RowCounts::default() });
    assert!(findings.iter().all(|finding| finding.kind == FindingKind::Repeated));
    assert_ne!(findings[0].id, findings[1].id);

    let expected = vec![reader(&schema, &[same(2)], 5)];
    let (counts, _) = run(&schema, expected, target(&schema, &[same(2), same(2)], 5)).unwrap();
    assert_eq!((counts.compared, counts.unexpected), (1, 1));
}

#[test]
fn an_unreadable_field_is_never_equal_to_null() {
    let schema = schema(&[("belopp_ore", ColumnType::Int), ("antal", ColumnType::Int)]);
    let expected: Vec<Row> = (0..40).map(|number| row(number, &[None, None])).collect();
    let mut actual: Vec<Row> =
        expected.iter().map(|row| row.iter().copied().chain([None]).collect()).collect();
    *actual[30].last_mut().unwrap() = Some(Value::Text("antal,belopp_ore"));
    *actual[31].last_mut().unwrap() = Some(Value::Text("no_such_field"));
    let actual = reader(&target_schema(&schema), &actual, 50);
    let (counts, findings) = run(&schema, vec![reader(&schema, &expected, 50)], actual).unwrap();
    assert_eq!(counts.differs, 2);
    assert_eq!(findings[0].kind.fields(), ["belopp_ore", "antal"]);
    assert_eq!(findings[1].kind.fields(), [UNREADABLE]);
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    let schema = schema(&[("belopp_ore", ColumnType::Int)]);
    let rows = |ids: &[u32]| ids.iter().map(|&number| row(number, &[None])).collect::<Vec<Row>>();
    let error = |expected: &[u32], actual: &[u32], size| {
        run(&schema, vec![reader(&schema, &rows(expected), size)], target(&schema, &rows(actual), size))
            .unwrap_err()
    };
    assert_eq!(error(&[1, 2], &[2, 1], 5).kind(), ErrorKind::Order);
    assert_eq!(error(&[1, 2], &[2, 1], 1).kind(), ErrorKind::Order);
    assert_eq!(error(&[3, 1], &[1, 3], 1).kind(), ErrorKind::Order);

    let without_id = vec![std::iter::once(None).chain(row(1, &[None]).into_iter().skip(1)).collect::<Row>()];
    let found = run(&schema, vec![reader(&schema, &without_id, 1)], target(&schema, &[], 1)).unwrap_err();
    assert_eq!(found.kind(), ErrorKind::Order);

    let found = run(&schema, vec![], reader(&schema, &rows(&[1]), 1)).unwrap_err();
    assert_eq!(found.kind(), ErrorKind::Columns);

    let broken = Batches::new(schema.clone(), std::iter::once(Err(ReadError::from("disk full"))));
    let found = run(&schema, vec![Box::new(broken)], target(&schema, &[], 1)).unwrap_err();
    assert!(found.is_retryable());
    assert_eq!(found.to_string(), "the expected rows of beslut could not be read");
}

#[test]
fn the_debug_form_of_a_finding_hides_the_key() {
    let schema = schema(&[]);
    let (_, findings) = run(&schema, vec![], target(&schema, &[row(1, &[])], 1)).unwrap();
    assert!(!format!("{findings:?}").contains("4711"));
    assert_eq!(findings[0].src_key.expose(), "4711");
}

#[test]
fn a_row_without_an_id_is_a_finding_and_the_others_are_compared() {
    let schema = schema(&[("v", ColumnType::Int)]);
    let value = Some(Value::Int(1));
    let nameless =
        || row(0, &[value]).into_iter().enumerate().map(|(at, cell)| cell.filter(|_| at > 0)).collect();
    let expected: Vec<Row> = (1..=4).map(|number| row(number, &[value])).collect();
    for size in [1, 2, 3, 9] {
        let actual = [nameless(), row(1, &[value]), row(2, &[value]), nameless(), row(4, &[value])];
        let (counts, findings) =
            run(&schema, vec![reader(&schema, &expected, 2)], target(&schema, &actual, size)).unwrap();
        let wanted = RowCounts { compared: 3, missing: 1, nameless: 2, ..RowCounts::default() };
        assert_eq!(counts, wanted);
        assert!(!counts.is_equal());
        let mut named: Vec<String> = findings.iter().map(Finding::row_name).collect();
        named.sort();
        assert_eq!(named[1..], ["rad 1", "rad 4"]);
        let ids: BTreeSet<_> = findings.iter().map(|finding| finding.id).collect();
        assert_eq!((findings.len(), ids.len()), (3, 3));
        assert_eq!(findings.last().unwrap().src_system, "paraply");
    }
}

#[test]
fn a_row_of_another_project_is_counted_and_no_finding() {
    let schema = schema(&[("v", ColumnType::Int)]);
    let rows: Vec<Row> = (1..=3).map(|number| row(number, &[Some(Value::Int(i64::from(number)))])).collect();
    let mut findings = Vec::new();
    let mut elsewhere = |batch: &Batch, row: usize| batch.cells(1).int(row) == Some(3);
    let expected = vec![reader(&schema, &rows[..1], 1)];
    let actual = target(&schema, &rows, 2);
    let counts = compare_columns("beslut", &schema, expected, actual, &mut elsewhere, &mut |finding, _| {
        findings.push(finding);
    });
    let wanted = RowCounts { compared: 1, unexpected: 1, elsewhere: 1, ..RowCounts::default() };
    assert_eq!(counts.unwrap(), wanted);
    assert_eq!(findings.len(), 1);
}

proptest! {
    /// Whatever the split into readers and batches, the comparison is that of two maps.
    #[test]
    fn the_merge_agrees_with_maps(
        expected in proptest::collection::btree_map(0_u32..120, 0_i64..3, 0..100),
        actual in proptest::collection::btree_map(0_u32..120, 0_i64..3, 0..100),
        readers in 1_u32..5, left in 1_usize..40, right in 1_usize..40,
    ) {
        let schema = schema(&[("v", ColumnType::Int)]);
        let rows = |keep: &dyn Fn(u32) -> bool, map: &std::collections::BTreeMap<u32, i64>| -> Vec<Row> {
            map.iter().filter(|(key, _)| keep(**key)).map(|(&key, &v)| row(key, &[Some(Value::Int(v))])).collect()
        };
        let parts = (0..readers)
            .map(|part| reader(&schema, &rows(&|key| (key / 7) % readers == part, &expected), left))
            .collect();
        let (counts, findings) = run(&schema, parts, target(&schema, &rows(&|_| true, &actual), right)).unwrap();

        let keys: BTreeSet<u32> = expected.keys().chain(actual.keys()).copied().collect();
        let wanted: Vec<(&str, RowId)> = keys.iter().filter_map(|key| match (expected.get(key), actual.get(key)) {
            (Some(_), None) => Some(("missing", id(*key))),
            (None, Some(_)) => Some(("unexpected", id(*key))),
            (Some(a), Some(b)) if a != b => Some(("differs", id(*key))),
            _ => None,
        }).collect();
        let found: Vec<(&str, RowId)> =
            findings.iter().map(|finding| (finding.kind.code(), *finding.entity_id.as_bytes())).collect();
        prop_assert_eq!(found, wanted);
        let both = keys.iter().filter(|key| expected.contains_key(key) && actual.contains_key(key)).count();
        prop_assert_eq!(usize::try_from(counts.compared).unwrap(), both);
        let ids: BTreeSet<_> = findings.iter().map(|finding| finding.id).collect();
        prop_assert_eq!(ids.len(), findings.len());
    }
}

#[test]
fn a_kind_comes_back_from_its_name() {
    let fields = vec!["a".to_owned(), "b".to_owned()];
    let kinds = [
        FindingKind::Missing,
        FindingKind::Unexpected,
        FindingKind::Differs { fields: fields.clone() },
        FindingKind::Repeated,
        FindingKind::Nameless { place: 7 },
        FindingKind::Dangling { fields: fields.clone() },
        FindingKind::NotRestored { columns: fields },
    ];
    for kind in kinds {
        assert_eq!(FindingKind::parse(kind.code(), kind.fields().to_vec(), "rad 7"), Some(kind));
    }
    assert_eq!(FindingKind::parse("nameless", Vec::new(), "7"), None);
    assert_eq!(FindingKind::parse("lika", Vec::new(), ""), None);
}

#[test]
fn what_the_target_held_comes_with_a_finding() {
    let schema = schema(&[("v", ColumnType::Int)]);
    let seen = |number: i64| {
        let expected = vec![reader(&schema, &[row(1, &[Some(Value::Int(1))]), row(2, &[None])], 9)];
        let actual = target(&schema, &[row(1, &[Some(Value::Int(number))]), row(3, &[None])], 9);
        let mut found = Vec::new();
        let sink = &mut |finding: Finding, seen| found.push((finding.kind.code(), finding.id, seen));
        compare_columns("beslut", &schema, expected, actual, &mut |_, _| false, sink).unwrap();
        found
    };
    let (first, again, other) = (seen(5), seen(5), seen(6));
    assert_eq!(first.iter().map(|one| one.0).collect::<Vec<_>>(), ["differs", "missing", "unexpected"]);
    assert_eq!(first, again);
    assert_eq!((first[0].1, &first[1..]), (other[0].1, &other[1..]), "the same findings");
    assert_ne!(first[0].2, other[0].2, "the row holds something else");
    assert_eq!((first[1].2.is_some(), first[2].2.is_some()), (false, true));
}

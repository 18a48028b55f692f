use std::collections::BTreeMap;

use bron_mappings::{Batch, BatchSchema, ColumnBuilder, ColumnType, MappingSet, Value};

use super::*;

const MODEL: &str = r#"format = 1

[[entity]]
name = "sak"
label = "Sak"
about = "En sak"
retention = "ingen"
sekretess = "osl_26_1"
fields = [
  { name = "text", type = "text", label = "Text" },
  { name = "borttagen_tid", type = "time", label = "Borttagen" },
]
"#;

const SYSTEM: &str = "format = 1\nsystem = \"s\"\nlabel = \"S\"\n";

const SAK: &str = r#"format = 1
mapping = "s/SAK"
owner = "o"
decision = "d"
examples = 0

[source]
system = "s"
table = "SAK"
key = ["A", "B"]

[immutable]
columns = ["T"]
when = { column = "SIGN", is = "present" }

[[target]]
entity = "sak"

[target.fields]
id = { id = ["A", "B"] }
text = { from = "T" }
borttagen_tid = { from = "BORT", fn = "time" }
"#;

const LOGG: &str = r#"format = 1
mapping = "s/LOGG"
owner = "o"
decision = "d"
examples = 0

[source]
system = "s"
table = "LOGG"
key = ["ID"]

[[parent]]
name = "rad"
table = "SAK"
on = { RAD = "A" }

[[exclude]]
reason = "utanfor_omfattning"
about = "Inget som togs bort"
when = { column = "VAD", not_in = ["BORT"] }

[[exclude]]
reason = "utanfor_omfattning"
about = "Finns igen"
when = { column = "rad.A", is = "present" }

[[check]]
rule = "D72"
fn = "orphan"
from = ["RAD", "rad.A"]
when = { column = "TAB", in = ["SAK"] }

[[target]]
entity = "sak"

[target.fields]
id = { id = ["ID"] }
"#;

fn set() -> MappingSet {
    let files =
        [("model/m.toml", MODEL), ("s/system.toml", SYSTEM), ("s/SAK.toml", SAK), ("s/LOGG.toml", LOGG)];
    let files: BTreeMap<String, String> =
        files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    let (set, found) = MappingSet::parse(&files);
    assert_eq!(found, []);
    set
}

fn batch<const N: usize>(names: [&str; N], rows: &[[Option<&str>; N]]) -> Batch {
    let schema = BatchSchema::new(names.map(|name| (name.to_owned(), ColumnType::Text)));
    let mut columns = names.map(|_| ColumnBuilder::new(ColumnType::Text, rows.len()));
    for row in rows {
        columns.iter_mut().zip(row).for_each(|(column, text)| column.push(text.map(Value::Text)));
    }
    Batch::new(&schema, columns.iter_mut().map(ColumnBuilder::finish).collect(), rows.len()).unwrap()
}

const COLUMNS: [&str; 5] = ["A", "B", "T", "SIGN", "BORT"];

/// A row of the table: key, text, signature, mark of deletion.
type Row = [Option<&'static str>; 5];

const fn row(a: &'static str, text: &'static str, signed: Option<&'static str>) -> Row {
    [Some(a), Some("x"), Some(text), signed, None]
}

/// What happened between two readings, as sorted texts.
fn changes(before: &[Row], after: &[Row], log: &[[Option<&str>; 3]], passes: u32) -> Vec<String> {
    let set = set();
    let mapping = set.mapping("s", "SAK").unwrap();
    let watch = Watch::new(mapping, LogRule::all(&set, mapping));
    let mut logged = Logged::default();
    for rule in watch.logs() {
        logged.add(rule, &batch(["RAD", "VAD", "TAB"], log)).unwrap();
    }
    let mut found = Vec::new();
    for number in 0..passes {
        let mut later = Later::new(&watch, Pass { number, of: passes });
        // Batches may be cut anywhere.
        after.iter().for_each(|row| later.add(&batch(COLUMNS, &[*row])).unwrap());
        later.finish();
        let mut each = |change: Change| {
            found.push(match change {
                Change::Vanished { key, explained: true } => format!("explained {}", key.expose()),
                Change::Vanished { key, explained: false } => format!("gone {}", key.expose()),
                Change::Altered { key } => format!("altered {}", key.expose()),
            });
        };
        later.compare(&batch(COLUMNS, before), &logged, &mut each).unwrap();
    }
    found.sort();
    found
}

#[test]
fn rows_that_are_gone_are_found_in_any_number_of_passes() {
    let before = [row("1", "a", None), row("2", "b", None), row("2", "b", None), row("3", "c", None)];
    let after = [row("9", "ny", None), row("3", "annat", None)];
    for passes in [1, 2, 7] {
        assert_eq!(changes(&before, &after, &[], passes), ["gone 1|x", "gone 2|x"]);
    }
    assert_eq!(changes(&[], &after, &[], 1), Vec::<String>::new(), "what is new is no finding");
}

#[test]
fn the_source_itself_explains_what_it_deleted() {
    let marked = [Some("2"), Some("x"), Some("b"), None, Some("2024-01-01")];
    let before = [row("1", "a", None), marked, row("3", "c", None), row("4", "d", None)];
    let log = [
        [Some("1"), Some("BORT"), Some("SAK")],
        [Some("3"), Some("NY"), Some("SAK")],
        [Some("4"), Some("BORT"), Some("ANNAT")],
        [None, Some("BORT"), Some("SAK")],
    ];
    let expected = ["explained 1|x", "explained 2|x", "gone 3|x", "gone 4|x"];
    assert_eq!(changes(&before, &[], &log, 3), expected);
}

#[test]
fn a_text_may_change_until_it_is_signed() {
    let signed = Some("2024-01-01");
    let before = [row("1", "a", None), row("2", "b", signed), row("3", "c", signed), row("4", "d", signed)];
    let mut emptied = row("4", "d", signed);
    emptied[2] = None;
    let after = [row("1", "A", signed), row("2", "b", None), row("3", "c ", signed), emptied];
    assert_eq!(changes(&before, &after, &[], 2), ["altered 3|x", "altered 4|x"]);
    let twice = [row("3", "annat", signed), row("3", "c", signed)];
    assert_eq!(
        changes(&[row("3", "c", signed)], &twice, &[], 1),
        Vec::<String>::new(),
        "it is there as it was"
    );
}

#[test]
fn a_column_that_was_not_read_is_an_error_and_not_an_empty_text() {
    let set = set();
    let mapping = set.mapping("s", "SAK").unwrap();
    let watch = Watch::new(mapping, LogRule::all(&set, mapping));
    assert_eq!(watch.later_columns().into_iter().collect::<Vec<_>>(), ["A", "B", "T"]);
    assert_eq!(watch.earlier_columns().into_iter().collect::<Vec<_>>(), ["A", "B", "SIGN", "T"]);
    assert_eq!(watch.explaining_columns().into_iter().collect::<Vec<_>>(), ["A", "BORT"]);
    let without = batch(["A", "B", "SIGN"], &[]);
    let mut later = Later::new(&watch, Pass { number: 0, of: 1 });
    assert!(later.add(&without).is_err());
    assert!(later.compare(&without, &Logged::default(), &mut |_| ()).is_err());
    let rule = &watch.logs()[0];
    assert!(Logged::default().add(rule, &batch(["RAD", "VAD"], &[])).is_err());
}

fn shape(system: &str, table: &str, columns: &[(&str, &str)]) -> TableShape {
    let column = |(name, kind): &(&str, &str)| ColumnShape {
        name: (*name).to_owned(),
        declared_type: (*kind).to_owned(),
        nullable: None,
    };
    TableShape {
        system: system.to_owned(),
        table: table.to_owned(),
        columns: columns.iter().map(column).collect(),
        key: None,
    }
}

#[test]
fn every_kind_of_drift_is_named() {
    let before = [
        shape("s", "A", &[("id", "int"), ("pnr", "char(12)"), ("gammal", "")]),
        shape("s", "B", &[("id", "int")]),
        shape("t", "A", &[("id", "int")]),
    ];
    let after = [
        shape("s", "A", &[("pnr", ""), ("id", "int"), ("ny", "bit")]),
        shape("s", "C", &[("id", "int")]),
        shape("u", "A", &[("id", "int")]),
    ];
    let told: Vec<String> = drift(&before, &after).iter().map(ToString::to_string).collect();
    let expected = [
        "s/A.gammal is gone",
        "s/A.ny is new",
        "s/A.pnr was char(12) and is without a type",
        "s/B is gone",
        "s/C is new",
    ];
    assert_eq!(told, expected);
    assert_eq!(drift(&before, &before), []);
}

/// The table that the mapping of these tests reads, with a key and what may be NULL.
fn sak(columns: &[(&str, &str, bool)], key: &[&str]) -> TableShape {
    let column = |(name, kind, nullable): &(&str, &str, bool)| ColumnShape {
        name: (*name).to_owned(),
        declared_type: (*kind).to_owned(),
        nullable: Some(*nullable),
    };
    TableShape {
        system: "s".to_owned(),
        table: "SAK".to_owned(),
        columns: columns.iter().map(column).collect(),
        key: Some(key.iter().map(|name| (*name).to_owned()).collect()),
    }
}

#[test]
fn drift_is_told_in_the_order_of_its_consequence() {
    let set = set();
    let before = sak(
        &[("A", "int", false), ("B", "int", false), ("T", "varchar(10)", false), ("X", "int", true)],
        &["A", "B"],
    );
    let after = sak(
        &[
            ("A", "int", true),
            ("B", "int", false),
            ("T", "varchar(20)", false),
            ("BORT", "int", true),
            ("T2", "int", true),
        ],
        &["A"],
    );
    let found = declared(&drift(std::slice::from_ref(&before), &[after]), &set);
    let told: Vec<(Consequence, &str)> = found.iter().map(|one| (one.consequence, one.en.as_str())).collect();
    let expected = [
        (Consequence::Stops, "s/SAK.T was varchar(10) and is varchar(20)"),
        (Consequence::Stops, "s/SAK.T2 is new"),
        (Consequence::Look, "s/SAK had the key A, B and has A"),
        (Consequence::Look, "s/SAK.A could not be NULL and can be"),
        (Consequence::Told, "s/SAK.BORT is new"),
        (Consequence::Told, "s/SAK.X is gone"),
    ];
    assert_eq!(told, expected);
    assert_eq!(found[0].hint, "the same type with more room");
    // A column that is gone and one like it of its type that came.
    let renamed =
        sak(&[("A", "int", false), ("B", "int", false), ("TXT", "varchar(10)", false)], &["A", "B"]);
    let found = declared(&drift(&[before], &[renamed]), &set);
    let gone = found.iter().find(|one| one.column == "T").unwrap();
    assert_eq!((gone.consequence, gone.hint.as_str()), (Consequence::Stops, ""), "too little is alike");
}

#[test]
fn a_column_of_a_like_name_may_be_the_same_one() {
    let before = shape("s", "SAK", &[("A", "int"), ("FODDAT", "date")]);
    let after = shape("s", "SAK", &[("A", "int"), ("FODELSEDAT", "date"), ("FODDATUM", "int")]);
    let found = declared(&drift(&[before], &[after]), &set());
    let gone = found.iter().find(|one| one.kind == "gone").unwrap();
    assert_eq!(gone.hint, "may have been renamed to FODELSEDAT", "the other one has another type");
}

#[test]
fn new_codes_are_told_with_the_list_that_lacks_them() {
    let found = new_codes(&set(), ["s", "SAK", "T"], &["K".to_owned()], 2).unwrap();
    assert_eq!(found.consequence, Consequence::Told, "no rule reads the column by a list");
    assert_eq!(found.en, "s/SAK.T has new codes: K; 2 too rare to be named");
    assert_eq!(new_codes(&set(), ["s", "SAK", "T"], &[], 0), None);
}

#[test]
fn what_is_gone_without_a_word_is_not_proven_until_it_is_accepted() {
    let table = |vanished, explained, compared, accepted| TableChanges {
        system: "s".to_owned(),
        table: "SAK".to_owned(),
        compared,
        vanished,
        explained,
        altered: 0,
        accepted,
    };
    let unproven = |one: TableChanges| Snapshot { tables: vec![one], ..Snapshot::default() }.unproven();
    assert_eq!(unproven(table(2, 2, true, false)), Vec::<String>::new());
    let sentence = "2 rader i s/SAK har försvunnit sedan förra läsningen utan att källan säger varför.";
    assert_eq!(unproven(table(3, 1, true, false)), [sentence]);
    assert_eq!(unproven(table(3, 1, true, true)), Vec::<String>::new());
    assert!(unproven(table(0, 0, false, false))[0].ends_with("inte kunnat jämföras med förra läsningen."));
}

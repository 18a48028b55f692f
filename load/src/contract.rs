//! What every sink must do, whatever database is behind it: the cases, and the rows they work on.

mod history;
pub(crate) mod refusals;
mod together;

pub(crate) use together::{
    an_older_format_is_upgraded_and_a_newer_refused, control_tables_that_are_missing_are_made,
    equal_rows_have_equal_digests, parts_together_are_as_parts_alone,
};

use bron_mappings::{Batch, ColumnBuilder, ColumnType, Digest, Entity, EntityId, Model, UNREADABLE, Value};

pub(crate) use history::*;

use crate::{
    Counts, Ended, ErrorKind, IdRange, Moment, PartId, Receipt, Retirement, RunIds, Sink, Target, open,
    read_only,
};

pub(crate) use refusals::*;

/// A place where one test may do as it likes.
pub(crate) trait Home {
    /// The target in it.
    fn target(&self) -> Target;
    /// Runs SQL behind the sink's back.
    fn execute(&self, sql: &'static str);
    /// Reads a column of texts behind the sink's back.
    fn texts(&self, sql: &'static str) -> Vec<String>;
}

/// Makes a test of every case for one kind of home.
macro_rules! cases {
    ($home:expr => $($case:ident),+ $(,)?) => { $(
        #[test]
        fn $case() {
            crate::contract::$case(&$home);
        }
    )+ };
}
macro_rules! every_case {
    ($home:expr) => {
        crate::contract::cases!($home =>
            every_type_survives, a_part_is_written_once, the_same_rows_are_left_alone, changed_rows_are_overwritten,
            going_back_to_an_earlier_run_writes_again, another_system_keeps_its_rows, an_id_twice_is_refused,
            two_parts_of_a_run_do_not_fight, a_part_does_not_change_within_a_run, missing_values_are_refused,
            values_outside_what_is_stored_are_refused, a_check_refuses_its_rows_and_no_other,
            a_part_of_bad_rows_has_a_receipt, of_equal_values_the_first_is_kept,
            references_of_somebody_else_are_kept, references_that_are_checked_at_the_end_are_kept,
            a_refused_change_leaves_the_row_as_it_was, refused_rows_are_tried_again_when_it_is_asked_for,
            rows_of_another_part_are_an_error_beside_bad_rows, what_a_trigger_leaves_out_is_refused,
            receipts_of_other_mappings_stand,
            drift_is_refused_and_nothing_is_made, a_model_that_moved_is_drift,
            rows_come_in_the_order_of_their_ids, reading_alters_nothing, a_reader_may_stop_early,
            a_table_made_anew_has_no_receipts, an_empty_part_has_a_receipt, names_that_sql_uses_are_names,
            what_is_missing_is_named, a_target_belongs_to_one_installation, what_is_overwritten_is_kept,
            what_is_retired_is_kept_and_may_come_back, a_retirement_is_done_once, rows_of_others_are_not_retired,
            runs_have_places, the_target_can_be_seen_as_it_was, another_history_is_drift,
            parts_together_are_as_parts_alone, an_older_format_is_upgraded_and_a_newer_refused,
            control_tables_that_are_missing_are_made,
            equal_rows_have_equal_digests, one_moment_is_read_until_it_is_released,
        );
    };
}
pub(crate) use {cases, every_case};

const MODEL: &str = r#"
format = 1
[[entity]]
name = "insats"
label = "Insats"
about = "En insats"
retention = "sol-12-1"
sekretess = "osl_26"
fields = [
  { name = "beskrivning", type = "text", label = "Beskrivning" },
  { name = "belopp_ore", type = "ore", label = "Belopp" },
  { name = "aktiv", type = "bool", label = "Aktiv" },
  { name = "start", type = "date", label = "Start" },
  { name = "registrerad", type = "time", label = "Registrerad" },
  { name = "andel", type = "decimal", scale = 4, label = "Andel" },
  { name = "fil", type = "bytes", label = "Fil" },
  { name = "foregaende_id", type = "ref", entity = "insats", label = "Föregående" },
]
[[entity]]
name = "order"
label = "Beställning"
about = "En beställning"
retention = "sol-12-1"
sekretess = "osl_26"
fields = [{ name = "select", type = "text", label = "Urval" }]
"#;

pub(crate) fn model() -> Model {
    let (model, found) = Model::parse([("model/test.toml", MODEL)]);
    assert!(found.is_empty(), "{found:?}");
    model
}

/// A row of `insats`; the rest of its fields follow from these.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) id: [u8; 16],
    pub(crate) system: &'a str,
    pub(crate) own: [Option<Value<'a>>; 8],
}

/// A row with the id that starts with this number, and this text.
pub(crate) fn row(number: u16, text: &str) -> Row<'_> {
    let mut id = [0x80; 16];
    id[..2].copy_from_slice(&number.to_be_bytes());
    let own = [
        Some(Value::Text(text)),
        Some(Value::Int(i64::from(number))),
        Some(Value::Bool(number.is_multiple_of(2))),
        Some(Value::Date(i32::from(number))),
        Some(Value::Time(i64::from(number) * 1_000_001)),
        Some(Value::Decimal(-i128::from(number))),
        Some(Value::Bytes(&[0, 255])),
        Some(Value::Id(id)),
    ];
    Row { id, system: "paraply", own }
}

pub(crate) fn batch(model: &Model, rows: &[Row<'_>]) -> Batch {
    let entity = insats(model);
    let columns = entity.schema().columns().iter().enumerate().map(|(index, column)| {
        let mut builder = ColumnBuilder::new(column.kind, rows.len());
        for row in rows {
            builder.push(match (index, column.name.as_str(), column.kind) {
                (0, _, _) => Some(Value::Id(row.id)),
                (1..=8, _, _) => row.own[index - 1],
                (_, "src_system", _) => Some(Value::Text(row.system)),
                (_, "verbatim", _) | (_, _, ColumnType::Id) => None,
                (_, _, ColumnType::Bytes) => Some(Value::Bytes(&[7; 32])),
                (_, _, ColumnType::Bool) => Some(Value::Bool(false)),
                (_, "dq_flags", _) => Some(Value::Text("")),
                _ => Some(Value::Text("x")),
            });
        }
        builder.finish()
    });
    Batch::new(entity.schema(), columns.collect(), rows.len()).unwrap()
}

pub(crate) fn insats(model: &Model) -> &Entity {
    model.entity("insats").unwrap()
}

pub(crate) fn part(name: &str, content: &str) -> PartId {
    PartId { entity: "insats".to_owned(), part: name.to_owned(), content: Digest::of(content.as_bytes()) }
}

pub(crate) fn run(load: &str) -> RunIds {
    RunIds { extract_run_id: "e1".to_owned(), load_run_id: load.to_owned() }
}

pub(crate) fn prepared(home: &impl Home, model: &Model) -> Box<dyn Sink> {
    let mut sink = open(&home.target()).unwrap();
    sink.prepare(model, &["insats"]).unwrap();
    sink
}

/// Every cell of every row that is read, with what is unreadable.
pub(crate) fn all(sink: &mut dyn Sink, model: &Model, range: Option<IdRange>) -> Vec<(Batch, usize)> {
    let batches: Vec<Batch> = sink.read(insats(model), range).unwrap().map(Result::unwrap).collect();
    batches.iter().flat_map(|batch| (0..batch.rows()).map(|row| (batch.clone(), row))).collect()
}

pub(crate) fn counts(rows: u64, inserted: u64, updated: u64, unchanged: u64) -> Counts {
    Counts { rows, inserted, updated, unchanged, ..Counts::default() }
}

pub(crate) fn every_type_survives(home: &impl Home) {
    let model = model();
    let mut rows = vec![row(1, ""), row(2, "Åsa Öberg 🦊 \"citat\" 'x' \\N\t\n"), row(3, "x")];
    rows[1].own[1..6].copy_from_slice(&[
        Some(Value::Int(i64::MIN)),
        Some(Value::Bool(false)),
        Some(Value::Date(2_932_896)),
        Some(Value::Time(253_402_300_799_999_999)),
        Some(Value::Decimal(-99_999_999_999_999_999_999_999_999_999_999_999_999)),
    ]);
    rows[1].own[6] = Some(Value::Bytes(&[]));
    rows[2].own[1..6].copy_from_slice(&[
        Some(Value::Int(i64::MAX)),
        Some(Value::Bool(true)),
        Some(Value::Date(-719_162)),
        Some(Value::Time(-62_135_596_800_000_000)),
        Some(Value::Decimal(1)),
    ]);
    rows.push(Row { own: [None; 8], ..row(4, "") });
    let batch = batch(&model, &rows);
    let mut sink = prepared(home, &model);
    let receipt = sink.write(insats(&model), &part("p", "a"), &batch, &run("r1")).unwrap();
    assert_eq!(receipt, Receipt::Written(counts(4, 4, 0, 0)));
    let width = insats(&model).fields.len();
    let read = all(sink.as_mut(), &model, None);
    assert_eq!(read.len(), 4);
    for (index, (found, at)) in read.iter().enumerate() {
        for column in 0..width {
            let (found, written) = (found.cells(column).value(*at), batch.cells(column).value(index));
            assert!(found == written, "row {index}, column {column}");
        }
        assert_eq!(found.schema().columns()[width].name, UNREADABLE);
        assert!(found.cells(width).is_null(*at));
    }
    // The same again, under another run: reading and comparing agree that nothing is different.
    let again = sink.write(insats(&model), &part("p", "a"), &batch, &run("r2")).unwrap();
    assert_eq!(again, Receipt::Written(counts(4, 0, 0, 4)));
}

pub(crate) fn a_part_is_written_once(home: &impl Home) {
    let model = model();
    let batch = batch(&model, &[row(1, "a"), row(2, "b")]);
    let first = prepared(home, &model).write(insats(&model), &part("p1", "a"), &batch, &run("r1")).unwrap();
    assert_eq!(first, Receipt::Written(counts(2, 2, 0, 0)));
    let mut sink = prepared(home, &model);
    let second = sink.write(insats(&model), &part("p1", "a"), &batch, &run("r1")).unwrap();
    assert_eq!(second, Receipt::Replayed(counts(2, 2, 0, 0)));
    assert_eq!(sink.count(insats(&model)).unwrap(), 2);
    assert_eq!(sink.receipts("r1").unwrap(), [(part("p1", "a"), counts(2, 2, 0, 0))]);
    assert_eq!(sink.receipts("r2").unwrap(), []);
}

pub(crate) fn the_same_rows_are_left_alone(home: &impl Home) {
    let model = model();
    let mut sink = prepared(home, &model);
    let rows: Vec<Row<'_>> = (0..500).map(|number| row(number, "a")).collect();
    sink.write(insats(&model), &part("p", "a"), &batch(&model, &rows[..450]), &run("r1")).unwrap();
    let receipt = sink.write(insats(&model), &part("p", "b"), &batch(&model, &rows), &run("r2")).unwrap();
    assert_eq!(receipt, Receipt::Written(counts(500, 50, 0, 450)));
    let runs = home.texts("SELECT load_run_id FROM insats");
    assert_eq!(runs.iter().filter(|run| *run == "r1").count(), 450);
    assert_eq!(sink.receipts("r1").unwrap().len(), 1);
}

pub(crate) fn changed_rows_are_overwritten(home: &impl Home) {
    let model = model();
    let mut sink = prepared(home, &model);
    let mut rows: Vec<Row<'_>> = (0..500).map(|number| row(number, "a")).collect();
    sink.write(insats(&model), &part("p", "a"), &batch(&model, &rows), &run("r1")).unwrap();
    rows[7].own[0] = None;
    rows[410].own[5] = Some(Value::Decimal(12));
    let receipt = sink.write(insats(&model), &part("p", "b"), &batch(&model, &rows), &run("r2")).unwrap();
    assert_eq!(receipt, Receipt::Written(counts(500, 0, 2, 498)));
    let read = all(sink.as_mut(), &model, None);
    assert_eq!(read[7].0.cells(1).value(read[7].1), None);
    assert_eq!(read[410].0.cells(6).value(read[410].1), Some(Value::Decimal(12)));
    assert_eq!(home.texts("SELECT load_run_id FROM insats WHERE beskrivning IS NULL"), ["r2"]);
}

pub(crate) fn going_back_to_an_earlier_run_writes_again(home: &impl Home) {
    let model = model();
    let mut sink = prepared(home, &model);
    let (one, other) = (batch(&model, &[row(1, "a")]), batch(&model, &[row(1, "b")]));
    sink.write(insats(&model), &part("p", "a"), &one, &run("r1")).unwrap();
    sink.write(insats(&model), &part("p", "b"), &other, &run("r2")).unwrap();
    assert_eq!(sink.receipts("r1").unwrap(), [], "the table no longer holds what r1 wrote");
    let back = sink.write(insats(&model), &part("p", "a"), &one, &run("r1")).unwrap();
    assert_eq!(back, Receipt::Written(counts(1, 0, 1, 0)));
    assert_eq!(home.texts("SELECT beskrivning FROM insats"), ["a"]);
    assert_eq!((sink.receipts("r1").unwrap().len(), sink.receipts("r2").unwrap().len()), (1, 0));
}

pub(crate) fn receipts_of_other_mappings_stand(home: &impl Home) {
    let model = model();
    let mut sink = prepared(home, &model);
    let mut write = |name: &str, load: &str, system, number, text| {
        let rows = batch(&model, &[Row { system, ..row(number, text) }]);
        sink.write(insats(&model), &part(name, load), &rows, &run(load)).unwrap()
    };
    write("paraply/insats/part-00000", "r1", "paraply", 1, "a");
    write("paraply/insats/retired-00000-gone", "r1", "paraply", 2, "a");
    write("paraply/insats_2/part-00000", "r1", "paraply", 3, "a");
    write("vodok/insats/part-00000", "r2", "vodok", 4, "v");
    write("part-00000", "r2", "agresso", 5, "w");
    write("paraply/insats/part-00007", "r3", "paraply", 1, "b");
    let standing = |sink: &mut dyn Sink, load: &str| -> Vec<String> {
        sink.receipts(load).unwrap().into_iter().map(|(part, _)| part.part).collect()
    };
    assert_eq!(standing(sink.as_mut(), "r1"), ["paraply/insats_2/part-00000"]);
    assert_eq!(standing(sink.as_mut(), "r2"), ["part-00000", "vodok/insats/part-00000"]);
    let because = Retirement { system: "vodok".to_owned(), ..gone(Ended::Gone) };
    retire(sink.as_mut(), "r4", "vodok/insats/retired-00000-gone", &because, &[id(4)]).unwrap();
    assert_eq!(standing(sink.as_mut(), "r2"), ["part-00000"]);
    assert_eq!(standing(sink.as_mut(), "r1").len() + standing(sink.as_mut(), "r3").len(), 2);
}

pub(crate) fn another_system_keeps_its_rows(home: &impl Home) {
    let model = model();
    let mut sink = prepared(home, &model);
    let theirs = [Row { system: "vodok", ..row(1, "v") }, Row { system: "vodok", ..row(9, "v") }];
    sink.write(insats(&model), &part("v", "v"), &batch(&model, &theirs), &run("r1")).unwrap();
    sink.write(insats(&model), &part("p", "p"), &batch(&model, &[row(2, "p")]), &run("r2")).unwrap();
    assert_eq!(home.texts("SELECT beskrivning FROM insats ORDER BY id"), ["v", "p", "v"]);
    let error =
        sink.write(insats(&model), &part("q", "q"), &batch(&model, &[row(9, "p")]), &run("r2")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(home.texts("SELECT beskrivning FROM insats ORDER BY id"), ["v", "p", "v"]);
}

pub(crate) fn an_id_twice_is_refused(home: &impl Home) {
    let model = model();
    let mut sink = prepared(home, &model);
    let rows = [row(3, "hemligt"), row(1, "b"), row(3, "hemligt")];
    let error = sink.write(insats(&model), &part("p", "a"), &batch(&model, &rows), &run("r1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.to_string().contains("entity insats: 1 rows") && !error.to_string().contains("hemligt"));
    assert_eq!(sink.count(insats(&model)).unwrap(), 0);
}

pub(crate) fn two_parts_of_a_run_do_not_fight(home: &impl Home) {
    let model = model();
    let mut sink = prepared(home, &model);
    sink.write(insats(&model), &part("p1", "a"), &batch(&model, &[row(1, "a"), row(2, "b")]), &run("r1"))
        .unwrap();
    let same =
        sink.write(insats(&model), &part("p2", "a"), &batch(&model, &[row(2, "b"), row(3, "c")]), &run("r1"));
    assert_eq!(same.unwrap(), Receipt::Written(counts(2, 1, 0, 1)));
    let rows = [row(2, "hemligt"), row(4, "d")];
    let error = sink.write(insats(&model), &part("p3", "b"), &batch(&model, &rows), &run("r1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    let id = EntityId::from_bytes(rows[0].id).to_string();
    assert!(error.to_string().contains(&id) && !error.to_string().contains("hemligt"), "{error}");
    assert_eq!(home.texts("SELECT beskrivning FROM insats ORDER BY id"), ["a", "b", "c"]);
    assert_eq!(sink.receipts("r1").unwrap().len(), 2);
}

pub(crate) fn a_part_does_not_change_within_a_run(home: &impl Home) {
    let model = model();
    let mut sink = prepared(home, &model);
    sink.write(insats(&model), &part("p", "a"), &batch(&model, &[row(1, "a")]), &run("r1")).unwrap();
    let error =
        sink.write(insats(&model), &part("p", "b"), &batch(&model, &[row(2, "b")]), &run("r1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(sink.count(insats(&model)).unwrap(), 1);
}

pub(crate) fn drift_is_refused_and_nothing_is_made(home: &impl Home) {
    let model = model();
    home.execute("CREATE TABLE \"order\" (id text, \"select\" bigint, extra text)");
    let mut sink = open(&home.target()).unwrap();
    let error = sink.prepare(&model, &["insats", "order"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Drift);
    let text = error.to_string();
    for expected in ["table order", "select is", "extra is not in the model", "src_system is missing"] {
        assert!(text.contains(expected), "{text}");
    }
    assert_eq!(sink.count(insats(&model)).unwrap_err().kind(), ErrorKind::Drift, "no table was made");
    assert_eq!(sink.receipts("r1").unwrap_err().kind(), ErrorKind::Drift, "nor a control table");
}

pub(crate) fn a_model_that_moved_is_drift(home: &impl Home) {
    let old = model();
    prepared(home, &old).prepare(&old, &["insats", "order"]).unwrap();
    for (from, to, name) in [
        ("name = \"start\", type = \"date\"", "name = \"start\", type = \"text\"", "start"),
        ("scale = 4", "scale = 2", "andel"),
        ("name = \"beskrivning\"", "name = \"beskrivning_ny\"", "beskrivning_ny is missing"),
        ("label = \"Belopp\"", "label = \"Belopp\", required = true", "belopp_ore"),
    ] {
        let (new, found) = Model::parse([("model/test.toml", MODEL.replace(from, to).as_str())]);
        assert!(found.is_empty(), "{found:?}");
        let mut sink = open(&home.target()).unwrap();
        let error = sink.prepare(&new, &["order", "insats"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Drift);
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(sink.read(insats(&new), None).err().map(|error| error.kind()), Some(ErrorKind::Drift));
    }
    prepared(home, &old);
}

pub(crate) fn rows_come_in_the_order_of_their_ids(home: &impl Home) {
    let model = model();
    let mut sink = prepared(home, &model);
    // 7919 is prime, so that this visits every number once, out of order.
    let rows: Vec<Row<'_>> =
        (0..10_000_u32).map(|n| row(u16::try_from(n * 7919 % 10_000).unwrap(), "a")).collect();
    let receipt = sink.write(insats(&model), &part("p", "a"), &batch(&model, &rows), &run("r1")).unwrap();
    assert_eq!(receipt.counts(), counts(10_000, 10_000, 0, 0));
    let sizes: Vec<usize> =
        sink.read(insats(&model), None).unwrap().map(|batch| batch.unwrap().rows()).collect();
    assert_eq!(sizes, [4096, 4096, 1808]);
    let numbers =
        |read: Vec<(Batch, usize)>| read.iter().map(|(batch, at)| batch.cells(2).int(*at).unwrap()).collect();
    let read: Vec<i64> = numbers(all(sink.as_mut(), &model, None));
    assert!(read.iter().copied().eq(0..10_000));
    let id = |number| Some(EntityId::from_bytes(row(number, "").id));
    for (from, to, expected) in
        [(id(10), id(13), 10..13), (None, id(2), 0..2), (id(9_998), None, 9_998..10_000)]
    {
        let read: Vec<i64> = numbers(all(sink.as_mut(), &model, Some(IdRange { from, to })));
        assert!(read.iter().copied().eq(expected));
    }
}

pub(crate) fn reading_alters_nothing(home: &impl Home) {
    let model = model();
    prepared(home, &model)
        .write(insats(&model), &part("p", "a"), &batch(&model, &[row(1, "a")]), &run("r1"))
        .unwrap();
    let mut sink = read_only(&home.target()).unwrap();
    sink.prepare(&model, &["insats"]).unwrap();
    assert_eq!(sink.prepare(&model, &["order"]).unwrap_err().kind(), ErrorKind::Drift);
    let error =
        sink.write(insats(&model), &part("q", "a"), &batch(&model, &[row(2, "a")]), &run("r1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission);
    assert_eq!(all(sink.as_mut(), &model, None).len(), 1);
    assert_eq!(sink.receipts("r1").unwrap().len(), 1);
    assert_eq!(sink.count(insats(&model)).unwrap(), 1);
}

pub(crate) fn one_moment_is_read_until_it_is_released(home: &impl Home) {
    let model = model();
    let mut writer = prepared(home, &model);
    let mut write = |name: &str, rows: &[Row<'_>]| {
        writer.write(insats(&model), &part(name, name), &batch(&model, rows), &run(name)).unwrap();
    };
    write("r1", &[row(1, "a"), row(2, "b")]);
    let mut sink = read_only(&home.target()).unwrap();
    let texts = |sink: &mut dyn Sink| -> Vec<String> {
        let rows = all(sink, &model, None);
        let text = |(batch, row): &(Batch, usize)| {
            batch.cells_named("beskrivning").unwrap().text(*row).unwrap().to_owned()
        };
        rows.iter().map(text).collect()
    };
    for _ in 0..2 {
        let before = texts(sink.as_mut());
        // Somebody else has the target open.
        assert_eq!(sink.hold().unwrap(), Moment::Passing);
        let number = u16::try_from(before.len()).unwrap();
        write(&format!("r{}", before.len()), &[row(1, "ä"), row(number + 1, "c")]);
        assert_eq!(texts(sink.as_mut()), before);
        assert_eq!(sink.count(insats(&model)).unwrap(), u64::from(number));
        sink.release().unwrap();
        assert_eq!(texts(sink.as_mut()).len(), before.len() + 1);
        sink.release().unwrap();
    }
}

pub(crate) fn a_reader_may_stop_early(home: &impl Home) {
    let model = model();
    let mut sink = prepared(home, &model);
    let rows: Vec<Row<'_>> = (0..20_000).map(|number| row(number, "a")).collect();
    sink.write(insats(&model), &part("p", "a"), &batch(&model, &rows), &run("r1")).unwrap();
    for _ in 0..3 {
        let first = sink.read(insats(&model), None).unwrap().next().unwrap().unwrap();
        assert_eq!(first.rows(), 4096);
        drop(sink.read(insats(&model), None).unwrap());
    }
    let more =
        sink.write(insats(&model), &part("q", "b"), &batch(&model, &[row(30_000, "b")]), &run("r1")).unwrap();
    assert_eq!(more.counts().inserted, 1);
    assert_eq!(sink.count(insats(&model)).unwrap(), 20_001);
}

pub(crate) fn a_table_made_anew_has_no_receipts(home: &impl Home) {
    let model = model();
    let batch = batch(&model, &[row(1, "a")]);
    prepared(home, &model).write(insats(&model), &part("p", "a"), &batch, &run("r1")).unwrap();
    home.execute("DROP TABLE insats");
    let mut sink = prepared(home, &model);
    let receipt = sink.write(insats(&model), &part("p", "a"), &batch, &run("r1")).unwrap();
    assert_eq!(receipt, Receipt::Written(counts(1, 1, 0, 0)));
}

pub(crate) fn an_empty_part_has_a_receipt(home: &impl Home) {
    let model = model();
    let mut sink = prepared(home, &model);
    let receipt = sink.write(insats(&model), &part("p", ""), &batch(&model, &[]), &run("r1")).unwrap();
    assert_eq!(receipt, Receipt::Written(Counts::default()));
    let receipt = sink.write(insats(&model), &part("p", ""), &batch(&model, &[]), &run("r1")).unwrap();
    assert_eq!(receipt, Receipt::Replayed(Counts::default()));
    assert_eq!(sink.read(insats(&model), None).unwrap().count(), 0);
}

pub(crate) fn names_that_sql_uses_are_names(home: &impl Home) {
    let model = model();
    let mut sink = prepared(home, &model);
    sink.prepare(&model, &["order"]).unwrap();
    sink.prepare(&model, &["order", "insats"]).unwrap();
    assert_eq!(sink.count(model.entity("order").unwrap()).unwrap(), 0);
    assert_eq!(sink.prepare(&model, &["beslut"]).unwrap_err().kind(), ErrorKind::Config);
}

pub(crate) fn what_is_missing_is_named(home: &impl Home) {
    let model = model();
    let mut sink = open(&home.target()).unwrap();
    let write = sink.write(insats(&model), &part("p", "a"), &batch(&model, &[row(1, "a")]), &run("r1"));
    let read = sink.read(insats(&model), None).err().unwrap();
    for error in [write.unwrap_err(), read] {
        assert_eq!(error.kind(), ErrorKind::Drift, "{error}");
        assert!(error.to_string().contains(&home.target().to_string()), "{error}");
    }
}

pub(crate) fn a_target_belongs_to_one_installation(home: &impl Home) {
    let model = model();
    let mut sink = open(&home.target()).unwrap();
    sink.prepare(&model, &["insats"]).unwrap();
    read_only(&home.target()).unwrap().claim("one").unwrap();
    sink.claim("one").unwrap();
    sink.claim("one").unwrap();
    drop(sink);
    for mut sink in [open(&home.target()).unwrap(), read_only(&home.target()).unwrap()] {
        let refused = sink.claim("other").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Config);
        sink.claim("one").unwrap();
    }
}

use std::collections::BTreeMap;

use bron_mappings::{Batch, BatchReader, BatchSchema, Batches, ColumnBuilder, ColumnType, ReadError, Value};

use super::*;
use crate::error::ErrorKind;

type Row<'a> = Vec<Option<Value<'a>>>;

/// Tables in memory, cut into batches of two rows.
#[derive(Default)]
struct Memory {
    sources: BTreeMap<String, (BatchSchema, Vec<Batch>)>,
    targets: BTreeMap<String, (BatchSchema, Vec<Batch>)>,
    held: BTreeMap<String, Vec<String>>,
}

fn stored(columns: &[(&str, ColumnType)], rows: &[Row<'_>]) -> (BatchSchema, Vec<Batch>) {
    let schema = BatchSchema::new(columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)));
    let batches = rows.chunks(2).map(|rows| {
        let column = |(index, column): (usize, &bron_mappings::Column)| {
            let mut builder = ColumnBuilder::new(column.kind, rows.len());
            rows.iter().for_each(|row| builder.push(row[index]));
            builder.finish()
        };
        Batch::new(&schema, schema.columns().iter().enumerate().map(column).collect(), rows.len()).unwrap()
    });
    (schema.clone(), batches.collect())
}

fn reader(stored: Option<&(BatchSchema, Vec<Batch>)>) -> Result<Box<dyn BatchReader>, ReadError> {
    let (schema, batches) = stored.ok_or("no such table")?;
    let batches: Vec<Result<Batch, ReadError>> = batches.iter().cloned().map(Ok).collect();
    Ok(Box::new(Batches::new(schema.clone(), batches.into_iter())))
}

impl Tables for Memory {
    fn source(&mut self, _: &str, table: &str) -> Result<Box<dyn BatchReader>, ReadError> {
        reader(self.sources.get(table))
    }

    fn target(&mut self, entity: &str) -> Result<Box<dyn BatchReader>, ReadError> {
        reader(self.targets.get(entity))
    }

    fn held(&mut self, _: &str, table: &str) -> Result<HeldKeys, ReadError> {
        Ok(self.held.get(table).cloned().unwrap_or_default().into_iter().collect())
    }
}

impl Memory {
    /// A source table of text columns; `-` stands for NULL.
    fn source_table(&mut self, table: &str, columns: &[&str], rows: &[&[&str]]) {
        let columns: Vec<(&str, ColumnType)> = columns.iter().map(|name| (*name, ColumnType::Text)).collect();
        let rows: Vec<Row<'_>> = rows
            .iter()
            .map(|row| row.iter().map(|text| (*text != "-").then_some(Value::Text(text))).collect())
            .collect();
        self.sources.insert(table.to_owned(), stored(&columns, &rows));
    }

    fn target_table(&mut self, entity: &str, columns: &[(&str, ColumnType)], rows: &[Row<'_>]) {
        self.targets.insert(entity.to_owned(), stored(columns, rows));
    }
}

fn control(text: &str) -> Control {
    let mut controls = parse([("test.toml", text)]).unwrap();
    assert_eq!(controls.len(), 1);
    controls.remove(0)
}

fn numbers(rows: &[ControlRow]) -> Vec<(&str, i64, i64, i64, i64)> {
    rows.iter().map(|row| (row.key.as_str(), row.source, row.held, row.target, row.difference)).collect()
}

const PAYMENTS: &str = r#"
format = 1
[[control]]
name = "utbetalt_per_manad"
label = "Utbetalt belopp per månad"
unit = "ore"
dimension = "månad"
source.system = "paraply"
source.table = "UTBET"
source.key = ["UTB_ID"]
source.sum = "BELOPP"
source.format = "money4"
source.by = { column = "MANAD", slice = "month" }
target = { entity = "utbetalning", sum = "belopp_ore", by = { field = "period", slice = "month" } }
"#;

const PAYMENT_FIELDS: [(&str, ColumnType); 3] =
    [("period", ColumnType::Date), ("belopp_ore", ColumnType::Int), ("@unreadable", ColumnType::Text)];

fn payments(source: &[&[&str]], target: &[(i32, Option<i64>)]) -> Memory {
    let mut memory = Memory::default();
    memory.source_table("UTBET", &["UTB_ID", "MANAD", "BELOPP"], source);
    let rows: Vec<Row<'_>> =
        target.iter().map(|(day, ore)| vec![Some(Value::Date(*day)), ore.map(Value::Int), None]).collect();
    memory.target_table("utbetalning", &PAYMENT_FIELDS, &rows);
    memory
}

const MARCH: i32 = 17_226;
const APRIL: i32 = 17_257;

#[test]
fn held_rows_explain_what_the_target_lacks() {
    let mut memory = payments(
        &[
            &["1", "201703", "6120.0000"],
            &["2", "201703", "0.5000"],
            &["3", "201704", "100.0000"],
            &["4", "201704", "-"],
        ],
        &[(MARCH, Some(612_000)), (APRIL, Some(10_000)), (APRIL, None)],
    );
    memory.held.insert("UTBET".to_owned(), vec!["2".to_owned(), "77".to_owned()]);
    let rows = evaluate(&control(PAYMENTS), &mut memory).unwrap();
    assert_eq!(numbers(&rows), [("2017-03", 612_050, 50, 612_000, 0), ("2017-04", 10_000, 0, 10_000, 0)]);
    assert!(rows.iter().all(|row| row.unit == Unit::Ore && row.dimension == "månad"));
}

#[test]
fn of_a_row_delivered_twice_one_copy_can_be_held() {
    let mut memory =
        payments(&[&["1", "201703", "5.0000"], &["1", "201703", "5.0000"]], &[(MARCH, Some(500))]);
    memory.held.insert("UTBET".to_owned(), vec!["1".to_owned()]);
    let rows = evaluate(&control(PAYMENTS), &mut memory).unwrap();
    assert_eq!(numbers(&rows), [("2017-03", 1_000, 500, 500, 0)]);
}

#[test]
fn months_that_cancel_are_both_reported() {
    let mut memory = payments(
        &[&["1", "201703", "10.0000"], &["2", "201704", "10.0000"]],
        &[(MARCH, Some(1_100)), (APRIL, Some(900))],
    );
    let rows = evaluate(&control(PAYMENTS), &mut memory).unwrap();
    assert_eq!(numbers(&rows), [("2017-03", 1_000, 0, 1_100, -100), ("2017-04", 1_000, 0, 900, 100)]);
}

#[test]
fn unreadable_amounts_are_counted_and_never_cancel() {
    let mut memory = payments(
        &[
            &["1", "201703", "12,50"],
            &["2", "201703", "0.0050"],
            &["3", "201703", ""],
            &["4", "201703", "1.00"],
        ],
        &[(MARCH, Some(100)), (MARCH, None)],
    );
    memory.held.insert("UTBET".to_owned(), vec!["1".to_owned()]);
    let rows: Vec<Row<'_>> = vec![
        vec![Some(Value::Date(MARCH)), Some(Value::Int(100)), None],
        vec![Some(Value::Date(MARCH)), None, Some(Value::Text("datum,belopp_ore"))],
        vec![Some(Value::Date(MARCH)), None, Some(Value::Text("datum"))],
    ];
    memory.target_table("utbetalning", &PAYMENT_FIELDS, &rows);
    let rows = evaluate(&control(PAYMENTS), &mut memory).unwrap();
    assert_eq!(
        numbers(&rows),
        [("2017-03", 100, 0, 100, 0), ("2017-03, i källan", 3, 1, 0, 2), ("2017-03, i målet", 0, 0, 1, -1)]
    );
    assert_eq!((rows[1].unit, rows[1].dimension.as_str()), (Unit::Antal, "oläsbara värden"));
}

/// A cost table whose column sums and grand total are right although four of its rows are wrong.
#[test]
fn a_right_total_does_not_hide_four_wrong_rows() {
    let truth =
        [("Krav", 45), ("Investering", 145), ("Vikarier", 10), ("Datatvätt", 25), ("Utbildning", 345)];
    let stated =
        [("Krav", 85), ("Investering", 105), ("Vikarier", 15), ("Datatvätt", 20), ("Utbildning", 345)];
    let total = |rows: &[(&str, i64)]| rows.iter().map(|row| row.1).sum::<i64>();
    assert_eq!(total(&truth), total(&stated));

    let mut memory = Memory::default();
    let texts: Vec<[String; 2]> =
        truth.iter().map(|(post, sum)| [(*post).to_owned(), sum.to_string()]).collect();
    let rows: Vec<Vec<&str>> = texts.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
    memory.source_table("KOSTNAD", &["POST", "SUMMA"], &rows);
    let rows: Vec<Row<'_>> =
        stated.iter().map(|(post, sum)| vec![Some(Value::Text(post)), Some(Value::Int(*sum))]).collect();
    memory.target_table("kostnad", &[("post", ColumnType::Text), ("summa", ColumnType::Int)], &rows);
    let by_post = control(
        r#"
        format = 1
        [[control]]
        name = "kostnad_per_post"
        label = "Kostnad per post"
        unit = "antal"
        dimension = "post"
        source.system = "x"
        source.table = "KOSTNAD"
        source.key = ["POST"]
        source.sum = "SUMMA"
        source.format = "number"
        source.by = { column = "POST" }
        target = { entity = "kostnad", sum = "summa", by = { field = "post" } }
        "#,
    );
    let rows = evaluate(&by_post, &mut memory).unwrap();
    let wrong: Vec<&str> =
        rows.iter().filter(|row| row.difference != 0).map(|row| row.key.as_str()).collect();
    assert_eq!(wrong, ["Datatvätt", "Investering", "Krav", "Vikarier"]);
    assert_eq!(rows.iter().map(|row| row.difference).sum::<i64>(), 0);
}

#[test]
fn a_third_partys_totals_are_met_through_joins() {
    let batches = control(
        r#"
        format = 1
        [[control]]
        name = "bunt"
        label = "Bunt mot Agresso"
        unit = "ore"
        dimension = "bunt"
        [control.source]
        system = "paraply"
        table = "AGRUT"
        key = ["BUNT"]
        sum = "SUMMA"
        format = "money4"
        by = { column = "BUNT" }
        [control.held]
        system = "paraply"
        table = "UTBET"
        key = ["UTB_ID"]
        sum = "BELOPP"
        format = "money4"
        by = { column = "BUNT" }
        only = [{ column = "BUNT", present = true }]
        [control.target]
        entity = "utbetalning"
        sum = "belopp_ore"
        only = [{ field = "bunt_id", present = true }]
        join = { entity = "bunt", on = ["bunt_id"], key = ["id"] }
        by = { field = "src_key", joined = true }
        "#,
    );
    assert_eq!(batches.source_tables(), [("paraply", "AGRUT"), ("paraply", "UTBET")]);
    assert_eq!(batches.entities(), ["utbetalning", "bunt"]);
    let mut memory = Memory::default();
    memory.source_table("AGRUT", &["BUNT", "SUMMA"], &[&["8", "30.0000"], &["9", "5.0000"]]);
    memory.source_table(
        "UTBET",
        &["UTB_ID", "BUNT", "BELOPP"],
        &[&["1", "8", "10.0000"], &["2", "8", "20.0000"], &["3", "-", "1.0000"], &["4", "9", "5.0000"]],
    );
    memory.held.insert("UTBET".to_owned(), vec!["2".to_owned(), "3".to_owned()]);
    let id = |fill| Some(Value::Id([fill; 16]));
    memory.target_table(
        "bunt",
        &[("id", ColumnType::Id), ("src_key", ColumnType::Text)],
        &[vec![id(1), Some(Value::Text("8"))]],
    );
    memory.target_table(
        "utbetalning",
        &[("bunt_id", ColumnType::Id), ("belopp_ore", ColumnType::Int)],
        &[
            vec![id(1), Some(Value::Int(1_000))],
            vec![id(2), Some(Value::Int(500))],
            vec![None, Some(Value::Int(100))],
        ],
    );
    let rows = evaluate(&batches, &mut memory).unwrap();
    assert_eq!(
        numbers(&rows),
        [("(utan överordnad post)", 0, 0, 500, -500), ("8", 3_000, 2_000, 1_000, 0), ("9", 500, 0, 0, 500)]
    );
    // Batch 9 is held back itself: it states nothing, and its held rows explain nothing either.
    memory.held.insert("AGRUT".to_owned(), vec!["9".to_owned()]);
    memory.held.insert("UTBET".to_owned(), ["2", "3", "4"].map(str::to_owned).to_vec());
    let rows = evaluate(&batches, &mut memory).unwrap();
    assert_eq!(numbers(&rows)[1..], [("8", 3_000, 2_000, 1_000, 0), ("9", 500, 500, 0, 0)]);
}

#[test]
fn a_third_partys_total_can_count_rows_of_several_tables() {
    let text = r#"
        format = 1
        [[control]]
        name = "bunt"
        label = "Bunt"
        unit = "antal"
        dimension = "bunt"
        source = { system = "p", table = "AGRUT", key = ["BUNT"], sum = "ANTAL", format = "number", by = { column = "BUNT" } }
        held = { system = "p", table = "UTBET", key = ["ID"], by = { column = "BUNT" } }
        target = { entity = "utbetalning", by = { field = "bunt" } }
        [[control.more]]
        held = { system = "p", table = "FAKTUND", key = ["ID"], by = { column = "BUNT" } }
        target = { entity = "fakturarad", by = { field = "bunt" } }
        "#;
    let batches = control(text);
    assert_eq!(batches.source_tables(), [("p", "AGRUT"), ("p", "FAKTUND"), ("p", "UTBET")]);
    assert_eq!(batches.entities(), ["utbetalning", "fakturarad"]);
    let mut memory = Memory::default();
    memory.source_table("AGRUT", &["BUNT", "ANTAL"], &[&["8", "4"], &["9", "1"]]);
    memory.source_table("UTBET", &["ID", "BUNT"], &[&["1", "8"], &["2", "8"]]);
    memory.source_table("FAKTUND", &["ID", "BUNT"], &[&["1", "8"], &["2", "8"], &["3", "9"]]);
    memory.held.insert("UTBET".to_owned(), vec!["2".to_owned()]);
    memory.held.insert("FAKTUND".to_owned(), vec!["2".to_owned()]);
    let bunt = |bunt| vec![Some(Value::Text(bunt))];
    memory.target_table("utbetalning", &[("bunt", ColumnType::Text)], &[bunt("8")]);
    memory.target_table("fakturarad", &[("bunt", ColumnType::Text)], &[bunt("8")]);
    let rows = evaluate(&batches, &mut memory).unwrap();
    assert_eq!(numbers(&rows), [("8", 4, 2, 2, 0), ("9", 1, 0, 0, 1)]);
    let alone = text.replace("held = { system = \"p\", table = \"UTBET\"", "#");
    assert!(parse([("c.toml", alone.as_str())]).is_err(), "further rows belong to a third party");
}

#[test]
fn a_parent_with_two_answers_is_shown_and_not_chosen() {
    let joined = control(
        r#"
        format = 1
        [[control]]
        name = "poster"
        label = "Poster"
        unit = "antal"
        dimension = "månad"
        [control.source]
        system = "paraply"
        table = "BERPOST"
        key = ["BER_ID", "RAD"]
        join = { table = "BERAK", on = ["BER_ID"], key = ["BER_ID"] }
        by = { column = "MANAD", slice = "month", joined = true }
        only = [{ column = "TYP", not_in = ["X"] }]
        [control.target]
        entity = "berakningspost"
        by = { field = "period", slice = "month" }
        "#,
    );
    let mut memory = Memory::default();
    memory.source_table(
        "BERAK",
        &["BER_ID", "MANAD"],
        &[&["1", "201703"], &["2", "201703"], &["2", "201704"], &["1", "201703"]],
    );
    memory.source_table(
        "BERPOST",
        &["BER_ID", "RAD", "TYP"],
        &[&["1", "1", "I"], &["2", "1", "I"], &["3", "1", "-"], &["-", "1", "U"], &["1", "2", "X"]],
    );
    memory.held.insert("BERPOST".to_owned(), vec!["1|1".to_owned()]);
    memory.target_table("berakningspost", &[("period", ColumnType::Text)], &[]);
    let rows = evaluate(&joined, &mut memory).unwrap();
    assert_eq!(
        numbers(&rows),
        [
            ("(flera överordnade poster)", 1, 0, 0, 1),
            ("(utan överordnad post)", 2, 0, 0, 2),
            ("2017-03", 1, 1, 0, 0)
        ]
    );
}

#[test]
fn mistakes_in_control_files_are_errors_that_name_their_place() {
    let broken = [
        (PAYMENTS.replace("format = 1", "format = 2"), "has format 2"),
        (PAYMENTS.replace("unit = ", "enhet = \"x\"\nunit = "), "not a control file"),
        (PAYMENTS.replace("money4", "money"), "not a control file"),
        (PAYMENTS.replace("source.format = \"money4\"\n", ""), "both sum and format"),
        (PAYMENTS.replace("[\"UTB_ID\"]", "[]"), "without key columns"),
        (PAYMENTS.replace(", by = { field = \"period\", slice = \"month\" }", ""), "groups one side only"),
        (PAYMENTS.replace("slice = \"month\" }\ntarget", "joined = true }\ntarget"), "without a join"),
        (PAYMENTS.replace("sum = \"belopp_ore\"", "only = [{ field = \"a\" }]"), "exactly one of"),
        (format!("{PAYMENTS}{}", PAYMENTS.replace("format = 1", "")), "another control has"),
    ];
    for (text, problem) in broken {
        let error = parse([("utbet.toml", text.as_str())]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Control);
        assert!(
            error.to_string().contains("utbet.toml") && error.to_string().contains(problem),
            "{error}: {problem}"
        );
    }
}

#[test]
fn a_column_that_is_not_there_is_an_error_and_not_zero() {
    let mut memory = payments(&[&["1", "201703", "1.0000"]], &[(MARCH, Some(100))]);
    let other = PAYMENTS.replace("belopp_ore", "summa_ore");
    let error = evaluate(&control(&other), &mut memory).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Columns);
    assert!(error.to_string().contains("summa_ore"));
}

#[test]
fn sums_beyond_64_bits_are_an_error() {
    let huge = "92233720368547758.07";
    let mut memory = payments(&[&["1", "201703", huge], &["2", "201703", "0.01"]], &[]);
    assert_eq!(evaluate(&control(PAYMENTS), &mut memory).unwrap_err().kind(), ErrorKind::Overflow);
}

#[test]
fn the_controls_that_come_with_the_mappings_can_be_read() {
    let files = [
        ("paraply.toml", include_str!("../../../mappings/controls/paraply.toml")),
        ("paraga.toml", include_str!("../../../mappings/controls/paraga.toml")),
        ("schemos.toml", include_str!("../../../mappings/controls/schemos.toml")),
    ];
    let controls = parse(files).unwrap();
    assert!(controls.len() >= 10);
    assert!(controls.iter().all(|control| !control.label.is_empty() && !control.source.key.is_empty()));
}

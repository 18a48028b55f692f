//! The loops that the mapping is measured beside: what no mapping can do without.

use std::hint::black_box;

use bron_mappings::{Batch, Cells, ColumnBuilder, ColumnType, Value};
use sha2::{Digest as _, Sha256};

use super::rows::COLUMNS;

/// The type that a column of the table has when it is read.
fn kind(name: &str) -> ColumnType {
    match name {
        "BDAT" | "GALL_FROM" | "GALL_TOM" => ColumnType::Date,
        "ANDDAT" => ColumnType::Time,
        "BELOPP" => ColumnType::Int,
        "ANTAL" => ColumnType::Decimal { scale: 2 },
        "RETRO" => ColumnType::Bool,
        _ => ColumnType::Text,
    }
}

fn builders(rows: usize) -> Vec<ColumnBuilder> {
    COLUMNS.iter().map(|name| ColumnBuilder::new(kind(name), rows)).collect()
}

/// Parses CSV with the csv crate, reads every field as the type of its column and writes it into a column
/// of that type, batch by batch.
pub(crate) fn parse_and_copy(csv: &[u8], rows_of_a_batch: usize) -> u64 {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv);
    let kinds = COLUMNS.map(kind);
    let mut record = csv::StringRecord::new();
    let mut columns = builders(rows_of_a_batch);
    let (mut rows, mut in_batch) = (0, 0);
    while reader.read_record(&mut record).expect("the rows were written as CSV") {
        for ((column, kind), text) in columns.iter_mut().zip(&kinds).zip(&record) {
            column.push(read(*kind, text));
        }
        rows += 1;
        in_batch += 1;
        if in_batch == rows_of_a_batch {
            black_box(columns.iter_mut().map(ColumnBuilder::finish).collect::<Vec<_>>());
            columns = builders(rows_of_a_batch);
            in_batch = 0;
        }
    }
    black_box(columns.iter_mut().map(ColumnBuilder::finish).collect::<Vec<_>>());
    rows
}

/// Reads every field of columns of text and copies it: without the parsing of CSV.
pub(crate) fn copy(batch: &Batch) -> u64 {
    let mut columns = builders(batch.rows());
    let cells: Vec<_> =
        (0..COLUMNS.len()).map(|column| (kind(COLUMNS[column]), batch.cells(column))).collect();
    let mut rows = 0;
    for row in 0..batch.rows() {
        for (builder, (kind, cells)) in columns.iter_mut().zip(&cells) {
            builder.push(cells.text(row).and_then(|text| read(*kind, text)));
        }
        rows += 1;
    }
    black_box(columns.iter_mut().map(ColumnBuilder::finish).collect::<Vec<_>>());
    rows
}

/// A field as a value of its type; an empty one and one that cannot be read are NULL.
fn read(kind: ColumnType, text: &str) -> Option<Value<'_>> {
    if text.is_empty() {
        return None;
    }
    match kind {
        ColumnType::Date => days(text).map(Value::Date),
        ColumnType::Time => micros(text).map(Value::Time),
        ColumnType::Int => number(text).map(Value::Int),
        ColumnType::Decimal { .. } => number(text).map(|number| Value::Decimal(number.into())),
        ColumnType::Bool => Some(Value::Bool(text == "1")),
        ColumnType::Text | ColumnType::Bytes | ColumnType::Id => Some(Value::Text(text)),
    }
}

/// The digits of a text as a number.
fn number(text: &str) -> Option<i64> {
    let digits = text.bytes().filter(u8::is_ascii_digit);
    digits.into_iter().try_fold(0_i64, |sum, digit| sum.checked_mul(10)?.checked_add(i64::from(digit - b'0')))
}

/// Days since the year 0, near enough for a measurement.
fn days(text: &str) -> Option<i32> {
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i32>().ok();
    Some(part(0, 4)? * 365 + part(5, 7)? * 31 + part(8, 10)?)
}

/// Microseconds since the year 0, near enough for a measurement.
fn micros(text: &str) -> Option<i64> {
    Some(i64::from(days(text)?) * 86_400_000_000 + number(text.get(11..)?)?)
}

/// The digest of each row, as its provenance has it: over every field with its length.
pub(crate) fn digests(batch: &Batch) -> u64 {
    let cells: Vec<_> = (0..COLUMNS.len()).map(|column| batch.cells(column)).collect();
    let mut buffer = Vec::new();
    let mut rows = 0;
    for row in 0..batch.rows() {
        buffer.clear();
        for cells in &cells {
            let Some(text) = cells.text(row) else {
                buffer.push(0);
                continue;
            };
            buffer.push(1);
            buffer.extend_from_slice(&u64::try_from(text.len()).expect("a field is short").to_be_bytes());
            buffer.extend_from_slice(text.as_bytes());
        }
        black_box(Sha256::digest(&buffer));
        rows += 1;
    }
    rows
}

/// Writes finished rows once more: what it takes to build their columns.
pub(crate) fn rebuild(batch: &Batch) -> u64 {
    let kinds: Vec<ColumnType> = batch.schema().columns().iter().map(|column| column.kind).collect();
    let cells: Vec<Cells<'_>> = (0..kinds.len()).map(|column| batch.cells(column)).collect();
    let mut columns: Vec<_> = kinds.iter().map(|kind| ColumnBuilder::new(*kind, batch.rows())).collect();
    let mut rows = 0;
    for row in 0..batch.rows() {
        for (column, cells) in columns.iter_mut().zip(&cells) {
            column.push(cells.value(row));
        }
        rows += 1;
    }
    black_box(columns.iter_mut().map(ColumnBuilder::finish).collect::<Vec<_>>());
    rows
}

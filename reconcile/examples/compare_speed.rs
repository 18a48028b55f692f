//! Measures the row comparison: `cargo run --release --example compare_speed`.
//!
//! Two million rows of 25 columns, equal but for one row in a thousand, from one reader and from three
//! interleaved ones; then with every row different; then the digests of both sides, which is what telling an unchanged
//! part by its digest would cost in the place of comparing it.
#![allow(clippy::print_stdout, reason = "a measurement is all that this program is for")]
#![allow(clippy::disallowed_methods, reason = "a measurement needs a clock; the crate itself has none")]

use std::time::Instant;

use bron_mappings::{
    Batch, BatchReader, BatchSchema, Batches, ColumnBuilder, ColumnType, Digest, DigestBuilder, Entity,
    Model, UNREADABLE, Value,
};
use bron_reconcile::rows::compare;

const ROWS: u64 = 2_000_000;
const BATCH: u64 = 8_192;

/// Twelve fields of its own: with the id and the twelve shared ones an entity of 25 columns.
const MODEL: &str = r#"
format = 1
[[entity]]
name = "organisation"
label = "Organisation"
about = "x"
retention = "x"
sekretess = "x"
fields = [{ name = "kod", type = "code", label = "Kod" }]
[[entity]]
name = "prov"
label = "Prov"
about = "x"
retention = "x"
sekretess = "x"
fields = [
  { name = "a", type = "text", label = "a" }, { name = "b", type = "ore", label = "b" },
  { name = "c", type = "date", label = "c" }, { name = "d", type = "time", label = "d" },
  { name = "e", type = "bool", label = "e" }, { name = "f", type = "text", label = "f" },
  { name = "g", type = "ore", label = "g" }, { name = "h", type = "date", label = "h" },
  { name = "i", type = "time", label = "i" }, { name = "j", type = "text", label = "j" },
  { name = "k", type = "int", label = "k" }, { name = "l", type = "text", label = "l" },
]
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (model, problems) = Model::parse([("prov.toml", MODEL)]);
    let entity = model.entity("prov").ok_or_else(|| format!("the model has problems: {problems:?}"))?;
    println!("{} columns", entity.schema().columns().len());
    for (parts, every) in [(1, 1000), (3, 1000), (1, 1)] {
        let expected = (0..parts).map(|part| reader(entity, None, part, parts)).collect();
        let actual = reader(entity, Some(every), 0, 1);
        let (mut findings, started) = (0_u64, Instant::now());
        let counts = compare(entity, expected, actual, &mut |_, _| false, &mut |_| findings += 1)?;
        let millis = u64::try_from(started.elapsed().as_millis())?.max(1);
        let rate = counts.compared * 1000 / millis;
        println!(
            "{parts} readers: {} rows, {findings} findings, {millis} ms, {rate} rows/s",
            counts.compared
        );
    }
    let both = [reader(entity, None, 0, 1), reader(entity, Some(1000), 0, 1)];
    let started = Instant::now();
    for batch in both.into_iter().flatten() {
        digest(&batch.map_err(|error| error.to_string())?);
    }
    println!("digests of both sides: {} ms", started.elapsed().as_millis());
    Ok(())
}

/// The digest of a batch as it lies in memory: the least that a digest can cost.
fn digest(batch: &Batch) -> Digest {
    let mut digest = DigestBuilder::new("bron/part/1");
    for column in batch.record().columns() {
        let data = column.to_data();
        for buffer in data.buffers() {
            digest.part(buffer.as_slice());
        }
        if let Some(nulls) = data.nulls() {
            digest.part(nulls.buffer().as_slice());
        }
    }
    digest.finish()
}

/// Rows `part`, `part + parts`, … made beforehand, so that only the comparison is measured. Of a target one row in so
/// many differs.
fn reader(entity: &Entity, every: Option<u64>, part: u64, parts: u64) -> Box<dyn BatchReader> {
    let own = entity.schema().columns().iter().map(|column| (column.name.clone(), column.kind));
    let extra = every.map(|_| (UNREADABLE.to_owned(), ColumnType::Text));
    let schema = BatchSchema::new(own.chain(extra));
    let numbers: Vec<u64> = (0..ROWS).filter(|number| number % parts == part).collect();
    let chunk = usize::try_from(BATCH).expect("a batch is small");
    let batches: Vec<_> = numbers.chunks(chunk).map(|numbers| Ok(batch(&schema, every, numbers))).collect();
    Box::new(Batches::new(schema, batches.into_iter()))
}

fn batch(schema: &BatchSchema, every: Option<u64>, numbers: &[u64]) -> Batch {
    let columns = schema.columns().iter().map(|column| {
        let mut builder = ColumnBuilder::new(column.kind, numbers.len());
        for &number in numbers {
            let text = format!("text {}", number % 1000);
            let planted =
                u64::from(column.name == "b" && every.is_some_and(|every| number.is_multiple_of(every)));
            builder.push(value(column.kind, &column.name, number + planted, &text));
        }
        builder.finish()
    });
    Batch::new(schema, columns.collect(), numbers.len()).expect("the columns were built for the schema")
}

fn value<'a>(kind: ColumnType, name: &str, number: u64, text: &'a str) -> Option<Value<'a>> {
    if name == UNREADABLE {
        return None;
    }
    let small = i32::try_from(number % 20_000).ok()?;
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    match kind {
        ColumnType::Text => Some(Value::Text(text)),
        ColumnType::Bytes => Some(Value::Bytes(text.as_bytes())),
        ColumnType::Bool => Some(Value::Bool(number.is_multiple_of(2))),
        ColumnType::Int => Some(Value::Int(i64::from(small))),
        ColumnType::Decimal { .. } => Some(Value::Decimal(i128::from(number))),
        ColumnType::Date => Some(Value::Date(small)),
        ColumnType::Time => Some(Value::Time(i64::from(small))),
        ColumnType::Id => Some(Value::Id(id)),
    }
}

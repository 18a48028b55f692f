//! A digest of what a target holds, by which two targets are compared without being read side by side.

use bron_mappings::{Batch, Digest, DigestBuilder, Entity, ReadError, UNREADABLE, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::sink::Sink;

/// What the table of an entity holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentDigest {
    /// The number of rows.
    pub rows: u64,
    /// The rows with a stored value that is not one of its field's type. Of such a value the digest covers only that
    /// it is unreadable.
    pub unreadable: u64,
    /// The digest of the names and types of the fields, and of every row in the order of the ids.
    pub digest: Digest,
}

/// Reads the rows of an entity and digests their fields. The columns that say which runs wrote a row do not count, nor
/// do database, page, order of writing or type of storage: equal digests of two targets mean equal rows. A batch is
/// in memory at a time.
///
/// The digest is BLAKE3 over parts, each with its length (64 bits, big-endian) in front: the purpose
/// `bron/target-content/1`, the name of the entity, for each field its name and type, then each row. A row is the
/// fields one behind the other: 0 for NULL, 2 for unreadable, or 1, the length (64 bits, big-endian) and the value. A
/// value is its UTF-8, its bytes, or a big-endian number of two's complement: 8 bits for true or false, 64 for whole
/// numbers and times (microseconds since 1970), 128 for the digits of decimals, 32 for days since 1970.
///
/// # Errors
/// As [`Sink::read`], also while reading.
pub fn content(sink: &mut dyn Sink, entity: &Entity) -> Result<ContentDigest> {
    let mut digest = DigestBuilder::new("bron/target-content/1");
    digest.part(entity.name.as_bytes());
    for field in &entity.fields {
        digest.part(field.name.as_bytes()).part(field.kind.name().as_bytes());
    }
    let (mut rows, mut unreadable) = (0, 0);
    let mut text = Vec::new();
    for batch in sink.read(entity, None)? {
        let batch = batch.map_err(of_reader)?;
        let damaged = batch.cells_named(UNREADABLE);
        for row in 0..batch.rows() {
            let damaged = damaged.as_ref().and_then(|names| names.text(row));
            push_row(&mut text, entity, &batch, row, damaged);
            digest.part(&text);
            rows += 1;
            unreadable += u64::from(damaged.is_some());
        }
    }
    Ok(ContentDigest { rows, unreadable, digest: digest.finish() })
}

fn of_reader(error: ReadError) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => *own,
        Err(_) => Error::new(ErrorKind::Database, "the rows of the target cannot be read"),
    }
}

fn push_row(out: &mut Vec<u8>, entity: &Entity, batch: &Batch, row: usize, damaged: Option<&str>) {
    out.clear();
    for (index, field) in entity.fields.iter().enumerate() {
        let is_damaged = damaged.is_some_and(|names| names.split(',').any(|name| name == field.name));
        match batch.cells(index).value(row) {
            None => out.push(if is_damaged { 2 } else { 0 }),
            Some(value) => push_value(out, value),
        }
    }
}

fn push_value(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Text(text) => push_bytes(out, text.as_bytes()),
        Value::Bytes(bytes) => push_bytes(out, bytes),
        Value::Bool(value) => push_bytes(out, &[u8::from(value)]),
        Value::Int(number) | Value::Time(number) => push_bytes(out, &number.to_be_bytes()),
        Value::Decimal(digits) => push_bytes(out, &digits.to_be_bytes()),
        Value::Date(day) => push_bytes(out, &day.to_be_bytes()),
        Value::Id(id) => push_bytes(out, &id),
    }
}

fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u64::try_from(bytes.len()).expect("a slice is shorter than 2^64 bytes");
    out.push(1);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

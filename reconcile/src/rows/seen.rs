//! What a row of the target held when it was read.

use bron_mappings::{Batch, Digest, DigestBuilder, Value};

/// The digest of a row: of every cell, its type and its value. NULL is not an empty text.
pub(super) fn digest(batch: &Batch, row: usize) -> Digest {
    let mut digest = DigestBuilder::new("bron/seen/1");
    for column in 0..batch.schema().columns().len() {
        match batch.cells(column).value(row) {
            None => digest.part(b"-"),
            Some(Value::Text(text)) => digest.part(b"text").part(text.as_bytes()),
            Some(Value::Bytes(bytes)) => digest.part(b"bytes").part(bytes),
            Some(Value::Bool(truth)) => digest.part(b"bool").part(&[u8::from(truth)]),
            Some(Value::Int(number)) => digest.part(b"int").part(&number.to_be_bytes()),
            Some(Value::Decimal(number)) => digest.part(b"decimal").part(&number.to_be_bytes()),
            Some(Value::Date(days)) => digest.part(b"date").part(&days.to_be_bytes()),
            Some(Value::Time(micros)) => digest.part(b"time").part(&micros.to_be_bytes()),
            Some(Value::Id(id)) => digest.part(b"id").part(&id),
        };
    }
    digest.finish()
}

#[cfg(test)]
mod tests {
    use bron_mappings::{BatchSchema, ColumnBuilder, ColumnType};

    use super::*;

    #[test]
    fn rows_that_differ_in_anything_have_other_digests() {
        let schema = BatchSchema::new(["a", "b"].map(|name| (name.to_owned(), ColumnType::Text)));
        let rows = [(Some("x"), None), (None, Some("x")), (Some("x"), Some("")), (Some("x"), Some(" "))];
        let columns = [0, 1].map(|column| {
            let mut cells = ColumnBuilder::new(ColumnType::Text, rows.len());
            rows.iter().for_each(|row| cells.push([row.0, row.1][column].map(Value::Text)));
            cells.finish()
        });
        let batch = Batch::new(&schema, columns.into(), rows.len()).unwrap();
        let digests: std::collections::BTreeSet<Digest> = (0..4).map(|row| digest(&batch, row)).collect();
        assert_eq!(digests.len(), 4);
        assert_eq!(digest(&batch, 2), digest(&batch.slice(2, 1), 0));
    }
}

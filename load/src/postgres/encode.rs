//! Rows as PostgreSQL's binary COPY format.

use bron_mappings::{Batch, Cells, ColumnType};

use crate::decimal;
use crate::layout::Layout;

/// The signature, no flags and no header extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
const NULL: [u8; 4] = (-1_i32).to_be_bytes();
const CHUNK_BYTES: usize = 256 * 1024;

/// PostgreSQL counts from 2000-01-01.
pub(super) const EPOCH_DAYS: i32 = 10_957;
/// The same in microseconds.
pub(super) const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// Encodes a batch in chunks of about 256 KiB. The values must have been admitted.
pub(super) struct Encoder<'a> {
    columns: Vec<(Cells<'a>, usize)>,
    /// What every row ends with.
    ending: Vec<u8>,
    rows: usize,
    row: usize,
    finished: bool,
    width: [u8; 2],
}

impl<'a> Encoder<'a> {
    /// Encodes the columns of the batch and after them, in every row, these texts.
    pub(super) fn new(layout: &Layout, batch: &'a Batch, ending: &[&str]) -> Self {
        let columns = layout.columns.iter().enumerate();
        let columns: Vec<_> =
            columns.map(|(index, column)| (batch.cells(index), scale(column.kind))).collect();
        let width = columns.len() + ending.len();
        let width = i16::try_from(width).expect("a table has fewer than 1600 columns").to_be_bytes();
        let mut end = Vec::new();
        for text in ending {
            push_field(&mut end, text.as_bytes());
        }
        Self { columns, ending: end, rows: batch.rows(), row: 0, finished: false, width }
    }

    /// The next bytes, or `None` after the last.
    pub(super) fn chunk(&mut self) -> Option<Vec<u8>> {
        if self.finished {
            return None;
        }
        let mut out = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 8);
        if self.row == 0 {
            out.extend_from_slice(HEADER);
        }
        while self.row < self.rows && out.len() < CHUNK_BYTES {
            out.extend_from_slice(&self.width);
            for (cells, scale) in &self.columns {
                push_cell(&mut out, *cells, self.row, *scale);
            }
            out.extend_from_slice(&self.ending);
            self.row += 1;
        }
        if self.row == self.rows {
            out.extend_from_slice(&TRAILER);
            self.finished = true;
        }
        Some(out)
    }
}

/// The scale of a decimal column, 0 for others.
pub(super) fn scale(kind: ColumnType) -> usize {
    match kind {
        ColumnType::Decimal { scale } => usize::try_from(scale).expect("layouts refuse negative scales"),
        ColumnType::Text
        | ColumnType::Bytes
        | ColumnType::Bool
        | ColumnType::Int
        | ColumnType::Date
        | ColumnType::Time
        | ColumnType::Id => 0,
    }
}

fn push_cell(out: &mut Vec<u8>, cells: Cells<'_>, row: usize, scale: usize) {
    if cells.is_null(row) {
        out.extend_from_slice(&NULL);
        return;
    }
    match cells {
        Cells::Text(array) => push_field(out, array.value(row).as_bytes()),
        Cells::Bytes(array) => push_field(out, array.value(row)),
        Cells::Bool(array) => push_field(out, &[u8::from(array.value(row))]),
        Cells::Int(array) => push_field(out, &array.value(row).to_be_bytes()),
        Cells::Date(array) => push_field(out, &(array.value(row) - EPOCH_DAYS).to_be_bytes()),
        Cells::Time(array) => push_field(out, &(array.value(row) - EPOCH_MICROS).to_be_bytes()),
        Cells::Id(array) => push_field(out, array.value(row)),
        Cells::Decimal(array) => {
            let mut numeric = Vec::with_capacity(32);
            decimal::push_numeric(&mut numeric, array.value(row), scale);
            push_field(out, &numeric);
        }
    }
}

fn push_field(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = i32::try_from(bytes.len()).expect("an Arrow value is shorter than 2 GiB");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

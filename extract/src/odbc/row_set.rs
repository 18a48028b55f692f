//! Rows between the driver's buffers and the batches.

use std::ops::Range;
use std::str;

use blake3::{Hash, Hasher};
use odbc_api::buffers::{BinColumnSlice, BoxColumnBuffer, ColumnarBuffer, NullableSlice, TextColumnSlice};
use odbc_api::{CursorRow, Error as OdbcError, Nullable};

use super::form::{Asked, Finish, Form};
use crate::found::{Found, RowTaker};
use crate::intake::Intake;

/// A scratch buffer that has grown larger than this by one long value is given back.
const SCRATCH: usize = 64 << 10;
/// How many bytes are digested at once.
const RUN: usize = 64 << 10;

/// The values of one column as the driver left them in its buffer.
enum Fetched<'b> {
    Text(TextColumnSlice<'b, u8>, usize),
    Bytes(BinColumnSlice<'b>, usize),
    Real32(NullableSlice<'b, f32>),
    Real64(NullableSlice<'b, f64>),
}

impl<'b> Fetched<'b> {
    fn of(buffers: &'b ColumnarBuffer<BoxColumnBuffer>, index: usize, asked: Asked) -> Self {
        const BOUND: &str = "the buffer was made for what is asked";
        let column = buffers.column(index);
        match asked {
            Asked::Text(room) => Self::Text(column.as_text().expect(BOUND), room),
            Asked::Bytes(room) => Self::Bytes(column.as_binary().expect(BOUND), room),
            Asked::Real32 => Self::Real32(column.as_nullable_slice().expect(BOUND)),
            Asked::Real64 => Self::Real64(column.as_nullable_slice().expect(BOUND)),
        }
    }
}

/// A value; texts and bytes lie in the stores of the row set.
enum Cell {
    Null,
    Real(f64),
    Text(Range<usize>),
    Bytes(Range<usize>),
}

/// Some rows of a table, first in, first out.
#[derive(Default)]
pub(super) struct RowSet {
    cells: Vec<Cell>,
    texts: String,
    bytes: Vec<u8>,
    /// The cells that were taken.
    taken: usize,
}

/// A running digest over rows, to see whether a second reading gives the same.
pub(super) struct RowsDigest {
    hasher: Hasher,
    /// Values that wait: to digest them one by one takes several times as long.
    pending: Vec<u8>,
}

impl RowsDigest {
    pub(super) fn new() -> Self {
        Self { hasher: Hasher::new(), pending: Vec::with_capacity(2 * RUN) }
    }

    /// The digest of the rows so far.
    pub(super) fn value(&self) -> Hash {
        self.hasher.clone().update(&self.pending).finalize()
    }

    fn add(&mut self, tag: u8, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).expect("a slice is shorter than 2^64 bytes");
        let [a, b, c, d, e, f, g, h] = length.to_be_bytes();
        self.pending.extend_from_slice(&[tag, a, b, c, d, e, f, g, h]);
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= RUN {
            self.hasher.update(&self.pending);
            self.pending.clear();
        }
    }

    fn add_value(&mut self, value: &Found<'_>) {
        match value {
            Found::Null => self.add(0, b""),
            Found::Whole(number) => self.add(1, &number.to_be_bytes()),
            Found::Real(number) => self.add(2, &number.to_be_bytes()),
            Found::Text(text) => self.add(3, text.as_bytes()),
            Found::Bytes(bytes) => self.add(4, bytes),
        }
    }
}

impl RowSet {
    pub(super) fn is_empty(&self) -> bool {
        self.taken == self.cells.len()
    }

    /// Forgets what is left.
    pub(super) fn clear(&mut self) {
        self.cells.clear();
        self.texts.clear();
        self.bytes.clear();
        self.taken = 0;
    }

    /// Takes over the rows that were fetched into `buffers`; `false`, and nothing, when one of the values may have
    /// been cut off.
    pub(super) fn copy(&mut self, buffers: &ColumnarBuffer<BoxColumnBuffer>, forms: &[Form]) -> bool {
        self.clear();
        let columns: Vec<(Fetched<'_>, Finish)> = (0..)
            .zip(forms)
            .map(|(index, form)| (Fetched::of(buffers, index, form.asked), form.finish))
            .collect();
        for row in 0..buffers.num_rows() {
            for (column, finish) in &columns {
                let Some(cell) = self.copied(column, row, *finish) else {
                    self.clear();
                    return false;
                };
                self.cells.push(cell);
            }
        }
        true
    }

    /// The value of one row, `None` when it fills the buffer to the brim.
    fn copied(&mut self, column: &Fetched<'_>, row: usize, finish: Finish) -> Option<Cell> {
        Some(match column {
            Fetched::Text(values, room) => match values.get(row) {
                None => Cell::Null,
                Some(text) if text.len() >= *room => return None,
                Some(text) => self.text(text, finish),
            },
            Fetched::Bytes(values, room) => match values.get(row) {
                None => Cell::Null,
                Some(bytes) if bytes.len() >= *room => return None,
                Some(bytes) => self.bytes(bytes),
            },
            Fetched::Real32(values) => values.get(row).map_or(Cell::Null, |number| self.real32(*number)),
            Fetched::Real64(values) => values.get(row).map_or(Cell::Null, |number| Cell::Real(*number)),
        })
    }

    /// Takes over the row at the cursor value by value, each as long as it is.
    pub(super) fn get(
        &mut self,
        row: &mut CursorRow<'_>,
        forms: &[Form],
        scratch: &mut Vec<u8>,
    ) -> Result<(), OdbcError> {
        for (index, form) in (1..).zip(forms) {
            let cell = match form.asked {
                Asked::Text(_) => {
                    if row.get_text(index, scratch)? {
                        self.text(scratch, form.finish)
                    } else {
                        Cell::Null
                    }
                }
                Asked::Bytes(_) => {
                    if row.get_binary(index, scratch)? {
                        self.bytes(scratch)
                    } else {
                        Cell::Null
                    }
                }
                Asked::Real32 => {
                    let mut number = Nullable::<f32>::null();
                    row.get_data(index, &mut number)?;
                    number.into_opt().map_or(Cell::Null, |number| self.real32(number))
                }
                Asked::Real64 => {
                    let mut number = Nullable::<f64>::null();
                    row.get_data(index, &mut number)?;
                    number.into_opt().map_or(Cell::Null, Cell::Real)
                }
            };
            self.cells.push(cell);
            // The whole of the buffer is cleared for each value.
            if scratch.capacity() > SCRATCH {
                *scratch = Vec::new();
            }
        }
        Ok(())
    }

    fn text(&mut self, found: &[u8], finish: Finish) -> Cell {
        let Ok(text) = str::from_utf8(found) else { return self.bytes(found) };
        let number = if finish == Finish::Real64 { text.parse::<f64>().ok() } else { None };
        if let Some(number) = number.filter(|number| number.is_finite()) {
            return Cell::Real(number);
        }
        let start = self.texts.len();
        finish.write(text, &mut self.texts);
        Cell::Text(start..self.texts.len())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Cell {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        Cell::Bytes(start..self.bytes.len())
    }

    /// As text, since the digits that tell 32-bit values apart are fewer than those of the same 64-bit value.
    fn real32(&mut self, number: f32) -> Cell {
        if !number.is_finite() {
            return Cell::Real(f64::from(number));
        }
        let start = self.texts.len();
        self.texts.push_str(&number.to_string());
        Cell::Text(start..self.texts.len())
    }

    fn value(&self, cell: &Cell) -> Found<'_> {
        match cell {
            Cell::Null => Found::Null,
            Cell::Real(number) => Found::Real(*number),
            Cell::Text(at) => Found::Text(&self.texts[at.clone()]),
            Cell::Bytes(at) => Found::Bytes(&self.bytes[at.clone()]),
        }
    }

    /// Hands rows of `width` values on until the intake is full or none is left, counts them into the digest and says
    /// how many they were. A row may have more values than its table has columns: those of a table that is read for its
    /// number of rows alone.
    pub(super) fn take(
        &mut self,
        width: usize,
        taker: &mut RowTaker,
        intake: &mut Intake,
        digest: &mut RowsDigest,
    ) -> u64 {
        let mut rows = 0;
        let mut taken = self.taken;
        let mut values = Vec::with_capacity(width);
        for row in self.cells[self.taken..].chunks_exact(width.max(1)) {
            if intake.is_full() {
                break;
            }
            values.clear();
            values.extend(row.iter().map(|cell| self.value(cell)));
            values.iter().for_each(|value| digest.add_value(value));
            taker.take(&values[..taker.width()], intake);
            taken += width;
            rows += 1;
        }
        self.taken = taken;
        rows
    }

    /// Counts the rows into the digest and lets them go.
    pub(super) fn pass(&mut self, digest: &mut RowsDigest) {
        self.cells.iter().for_each(|cell| digest.add_value(&self.value(cell)));
        self.clear();
    }
}

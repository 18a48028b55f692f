//! A place in a sorted stream of rows with keys.

use bron_mappings::{Batch, BatchReader, Value};

use super::key::{KeyColumn, Keys};
use super::{KeyCell, Side};
use crate::error::{Error, ErrorKind};

/// One side and the row it stands at. Holds the batch of that row and the one behind it, so that the key of the next
/// row is always known.
pub(super) struct Cursor<'r> {
    side: Side,
    table: String,
    reader: Box<dyn BatchReader + 'r>,
    key: Vec<KeyColumn>,
    held: Option<Held>,
    ahead: Option<Held>,
    row: usize,
    /// The rows of the batches that were let go.
    before: u64,
}

struct Held {
    batch: Batch,
    keys: Keys,
}

impl<'r> Cursor<'r> {
    pub(super) fn open(
        side: Side,
        table: &str,
        key: &[KeyColumn],
        reader: Box<dyn BatchReader + 'r>,
    ) -> Result<Self, Error> {
        let mut cursor = Self {
            side,
            table: table.to_owned(),
            reader,
            key: key.to_vec(),
            held: None,
            ahead: None,
            row: 0,
            before: 0,
        };
        cursor.ahead = cursor.read(None)?;
        cursor.fill()?;
        Ok(cursor)
    }

    /// Lets the batch go and stands at the first row of the next; at the end there is none.
    pub(super) fn fill(&mut self) -> Result<(), Error> {
        self.before += self.held.as_ref().map_or(0, |held| count(held.keys.len()));
        self.row = 0;
        self.held = self.ahead.take();
        if let Some(held) = &self.held {
            let last = held.keys.get(held.keys.len() - 1).to_vec();
            self.ahead = self.read(Some(&last))?;
        }
        Ok(())
    }

    /// The next batch that has a row, of which none may come before the key `last`.
    fn read(&mut self, last: Option<&[u8]>) -> Result<Option<Held>, Error> {
        for batch in self.reader.by_ref() {
            let batch = batch.map_err(|error| {
                let context = format!("the {} rows of {} could not be read", self.side.name(), self.table);
                Error::caused(ErrorKind::Reader, context, error)
            })?;
            if batch.rows() == 0 {
                continue;
            }
            let keys = Keys::of(&batch, &self.key);
            let mut before = last;
            for row in 0..keys.len() {
                if before.is_some_and(|before| before > keys.get(row)) {
                    return Err(Error::unsorted(self.side, &self.table));
                }
                before = Some(keys.get(row));
            }
            return Ok(Some(Held { batch, keys }));
        }
        Ok(None)
    }

    /// The key at the cursor, `None` at the end.
    pub(super) fn key(&self) -> Option<&[u8]> {
        self.key_after(0)
    }

    /// The key so many rows behind the cursor, within the batch or at the beginning of the next.
    pub(super) fn key_after(&self, rows: usize) -> Option<&[u8]> {
        let held = self.held.as_ref()?;
        match self.row + rows {
            row if row < held.keys.len() => Some(held.keys.get(row)),
            row if row == held.keys.len() => self.ahead.as_ref().map(|ahead| ahead.keys.get(0)),
            _ => None,
        }
    }

    /// How many rows of the batch are left.
    pub(super) fn left(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.keys.len() - self.row)
    }

    /// Whether the key so many rows behind the cursor, within the batch, holds NULL.
    pub(super) fn holds_null(&self, rows: usize) -> bool {
        self.held.as_ref().is_some_and(|held| held.keys.holds_null(self.row + rows))
    }

    /// Whether no other row has the key of the row so many rows behind the cursor, within the batch. Rows before the
    /// cursor have other keys.
    pub(super) fn is_alone(&self, rows: usize) -> bool {
        self.key_after(rows) != self.key_after(rows + 1)
    }

    /// The row of the batch that the cursor stands at.
    pub(super) const fn row(&self) -> usize {
        self.row
    }

    /// The number of a row of the batch, from 1, in the order in which the side gives its rows.
    pub(super) fn place(&self, row: usize) -> u64 {
        self.before + count(row) + 1
    }

    /// The batch, `None` at the end.
    pub(super) fn batch(&self) -> Option<&Batch> {
        self.held.as_ref().map(|held| &held.batch)
    }

    /// The values of the key of a row of the batch.
    pub(super) fn key_cells(&self, row: usize) -> Vec<KeyCell> {
        let Some(held) = &self.held else { return Vec::new() };
        self.key.iter().map(|(column, _)| held.batch.cells(*column).value(row).map(written)).collect()
    }

    /// Moves on within the batch. True when it is used up and [`Cursor::fill`] has to be called; until then its rows
    /// can still be looked at.
    pub(super) fn advance(&mut self, rows: usize) -> bool {
        self.row += rows;
        self.left() == 0
    }
}

/// A value as people and files write it.
fn written(value: Value<'_>) -> String {
    match value {
        Value::Text(text) => text.to_owned(),
        Value::Bytes(bytes) => hexadecimal(bytes),
        Value::Id(id) => hexadecimal(&id),
        Value::Bool(truth) => i32::from(truth).to_string(),
        Value::Int(number) | Value::Time(number) => number.to_string(),
        Value::Date(days) => days.to_string(),
        Value::Decimal(number) => number.to_string(),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\\x{digits}")
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).expect("a batch has fewer than 2^64 rows")
}

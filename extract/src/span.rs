//! Where in a table a reader stands, and what lies between two such places.

use std::fmt;
use std::mem;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::found::Found;
use crate::ledger::TableLedger;

/// A place in the reading order of a table that another process finds again: right behind a row.
///
/// It is made of the values of the columns that order the rows, or of a place in a file. Those values may be personal
/// data: a mark has no printed form, and is stored only as `Mark::to_text` makes it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mark(pub(crate) Place);

/// What a mark is made of.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Place {
    /// Behind the rows whose ordering columns begin with these values.
    Key(Vec<KeyValue>),
    /// Behind a row of a file.
    File(FilePlace),
}

/// The value of an ordering column, as the source gave it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyValue {
    Whole(i64),
    /// The shortest decimal digits that read back as the same number.
    Real(String),
    Text(String),
    Bytes(Vec<u8>),
}

/// A place in one of the files of a table.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilePlace {
    /// The name of the file; those before it are read to their ends.
    pub(crate) file: String,
    /// The bytes up to here.
    pub(crate) offset: u64,
    /// The rows and unreadable lines up to here.
    pub(crate) rows: u64,
}

impl Mark {
    /// The mark behind all rows whose leading key column has at most this value.
    pub(crate) fn behind_whole(value: i64) -> Self {
        Self(Place::Key(vec![KeyValue::Whole(value)]))
    }

    /// The values of the key, where the mark is made of one.
    pub(crate) fn key(&self) -> Option<&[KeyValue]> {
        match &self.0 {
            Place::Key(values) => Some(values),
            Place::File(_) => None,
        }
    }

    /// The text from which [`Mark::parse`] makes the mark again. Personal data.
    #[must_use]
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("a mark is made of texts and numbers")
    }

    /// Reads what [`Mark::to_text`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

impl fmt::Debug for Mark {
    /// Prints what the mark is made of, never a value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Key(values) => write!(f, "Mark(key of {} columns)", values.len()),
            Place::File(place) => write!(f, "Mark({}, byte {})", place.file, place.offset),
        }
    }
}

/// The rows of a table between two marks.
#[derive(Clone, Debug, Default)]
pub struct Span {
    /// The rows behind this mark; from the first on without one.
    pub after: Option<Mark>,
    /// The rows up to this mark; to the last without one.
    pub up_to: Option<Mark>,
    /// Only rows that have this value in this column, or a later one; the rows behind a mark are among them where they
    /// lie behind it.
    pub at_least: Option<AtLeast>,
    /// The account of the rows before the span. A reader goes on with it, so that places in its notes are those of
    /// the whole table, and knows from it which files came before.
    pub before: TableLedger,
}

/// A value that a column of the rows of a span must have reached.
#[derive(Clone, PartialEq, Eq)]
pub struct AtLeast {
    /// The column: of whole numbers, or of moments.
    pub column: String,
    /// The value, as reading the column gives it; of a moment without its offset.
    pub value: String,
}

impl fmt::Debug for AtLeast {
    /// Prints the column, never the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AtLeast({})", self.column)
    }
}

/// How the rows of a reading are cut into batches. Does not change which rows come, nor their order.
#[derive(Clone, Copy, Debug)]
pub struct Batching {
    /// The most rows of a batch.
    pub(crate) rows: usize,
    /// A batch ends behind the row with which its texts and bytes reach this size.
    pub(crate) bytes: usize,
    /// Where a batch has to end beside that.
    part: Option<PartCut>,
    /// Whether the reader keeps a mark behind every row, and not only behind the last.
    pub(crate) marks_every_row: bool,
}

impl Batching {
    /// A batch ends early when its values reach this size, which bounds memory for tables of long texts and keeps
    /// every column far from the 2 GiB that its offsets can address.
    const BYTES: usize = 32 << 20;

    /// Batches of at most so many rows; at least 1.
    #[must_use]
    pub fn of(rows: usize) -> Self {
        Self { rows: rows.max(1), bytes: Self::BYTES, part: None, marks_every_row: false }
    }

    /// The same, with a batch ending wherever a part ends that is cut after so many rows, or with the row with which
    /// its texts and bytes reach a size. The span has to begin where a part does.
    #[must_use]
    pub fn ending_with_parts(self, rows_per_part: usize, bytes_per_part: usize) -> Self {
        Self { part: Some(PartCut::new(rows_per_part, bytes_per_part)), ..self }
    }

    /// The same with smaller batches, and a mark behind every row.
    pub(crate) fn marking_every_row(self, bytes: usize) -> Self {
        Self { bytes: self.bytes.min(bytes), marks_every_row: true, ..self }
    }

    /// Where batches have to end, as seen from the beginning of a part.
    pub(crate) fn part(&self) -> Option<PartCut> {
        self.part
    }
}

/// Counts rows into parts, by the rule by which [`PartWriter`](crate::PartWriter) cuts them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartCut {
    rows_per_part: usize,
    bytes_per_part: usize,
    rows: usize,
    bytes: usize,
}

impl PartCut {
    fn new(rows_per_part: usize, bytes_per_part: usize) -> Self {
        Self { rows_per_part, bytes_per_part, rows: 0, bytes: 0 }
    }

    /// Counts a row whose texts and bytes have this size; `true` when its part ends with it.
    pub(crate) fn ends_with_row(&mut self, bytes: usize) -> bool {
        self.rows += 1;
        self.bytes += bytes;
        let ends = self.rows >= self.rows_per_part || self.bytes >= self.bytes_per_part;
        if ends {
            (self.rows, self.bytes) = (0, 0);
        }
        ends
    }
}

/// The marks behind the rows of a batch, kept so that a row costs no memory of its own.
#[derive(Debug, Default)]
pub struct RowMarks {
    cells: Vec<Cell>,
    store: Vec<u8>,
    /// The size of the texts and bytes of each row.
    sizes: Vec<usize>,
    every_row: bool,
}

#[derive(Debug)]
enum Cell {
    /// No mark can be made of this row.
    Null,
    Whole(i64),
    Real(f64),
    Text(Range<usize>),
    Bytes(Range<usize>),
}

impl RowMarks {
    /// Marks behind every row, or behind the last alone.
    pub(crate) fn new(every_row: bool) -> Self {
        Self { every_row, ..Self::default() }
    }

    /// Notes the next row by the values that order it.
    pub(crate) fn note<'f>(&mut self, values: impl Iterator<Item = &'f Found<'f>>) {
        if !self.every_row {
            self.cells.clear();
            self.store.clear();
        }
        for value in values {
            let cell = match value {
                Found::Null => Cell::Null,
                Found::Whole(number) => Cell::Whole(*number),
                Found::Real(number) => Cell::Real(*number),
                Found::Text(text) => Cell::Text(self.kept(text.as_bytes())),
                Found::Bytes(bytes) => Cell::Bytes(self.kept(bytes)),
            };
            self.cells.push(cell);
        }
    }

    /// Notes the size of the row that was noted last.
    pub(crate) fn note_size(&mut self, bytes: usize) {
        if !self.every_row {
            self.sizes.clear();
        }
        self.sizes.push(bytes);
    }

    fn kept(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.store.len();
        self.store.extend_from_slice(bytes);
        start..self.store.len()
    }

    /// The rows that were noted.
    fn rows(&self) -> usize {
        self.sizes.len()
    }

    /// The size of the texts and bytes of a row.
    pub(crate) fn size(&self, row: usize) -> usize {
        self.sizes[row]
    }

    /// The mark behind a row of the batch, by its 0-based place; `None` where the rows have no key, or its key is not
    /// whole.
    pub(crate) fn behind(&self, row: usize) -> Option<Mark> {
        let width = self.cells.len().checked_div(self.rows()).filter(|width| *width > 0)?;
        let cells = self.cells.get(row * width..(row + 1) * width)?;
        cells.iter().map(|cell| self.value(cell)).collect::<Option<_>>().map(|key| Mark(Place::Key(key)))
    }

    /// The mark behind the last row.
    pub(crate) fn behind_last(&self) -> Option<Mark> {
        self.behind(self.rows().checked_sub(1)?)
    }

    fn value(&self, cell: &Cell) -> Option<KeyValue> {
        let bytes = |at: &Range<usize>| self.store[at.clone()].to_vec();
        Some(match cell {
            Cell::Null => return None,
            Cell::Whole(number) => KeyValue::Whole(*number),
            Cell::Real(number) => KeyValue::Real(number.to_string()),
            Cell::Text(at) => KeyValue::Text(String::from_utf8(bytes(at)).ok()?),
            Cell::Bytes(at) => KeyValue::Bytes(bytes(at)),
        })
    }

    /// The marks so far, leaving none.
    pub(crate) fn take(&mut self) -> Self {
        let none = Self::new(self.every_row);
        mem::replace(self, none)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_survives_its_text_and_prints_no_value() {
        let key = vec![
            KeyValue::Whole(-7),
            KeyValue::Real("0.1".to_owned()),
            KeyValue::Text("19121212-1212 \"å\"".to_owned()),
            KeyValue::Bytes(vec![0, 255]),
        ];
        let file = FilePlace { file: "besök.csv".to_owned(), offset: 1 << 40, rows: 5 };
        for mark in [Mark(Place::Key(key)), Mark(Place::File(file))] {
            assert_eq!(Mark::parse(&mark.to_text()), Some(mark.clone()));
            assert!(!format!("{mark:?}").contains("1212"), "{mark:?}");
        }
        assert_eq!(Mark::parse("{\"key\":[{\"date\":1}]}"), None);
    }

    #[test]
    fn every_row_has_its_mark_where_they_are_wanted() {
        let rows = [("a", 1), ("bb", 2)];
        for every_row in [true, false] {
            let mut marks = RowMarks::new(every_row);
            for (text, number) in rows {
                marks.note([Found::Text(text), Found::Whole(number)].iter());
                marks.note_size(text.len());
            }
            let last = vec![KeyValue::Text("bb".to_owned()), KeyValue::Whole(2)];
            assert_eq!(marks.behind_last(), Some(Mark(Place::Key(last.clone()))));
            assert_eq!(marks.behind(1).is_some(), every_row);
            assert_eq!(marks.take().rows(), if every_row { 2 } else { 1 });
            assert_eq!(marks.behind_last(), None);
        }
    }

    #[test]
    fn a_key_with_nothing_in_it_is_no_mark() {
        let mut marks = RowMarks::new(false);
        marks.note([Found::Whole(1), Found::Null].iter());
        marks.note_size(0);
        assert_eq!(marks.behind_last(), None);
        marks.note([].iter());
        marks.note_size(0);
        assert_eq!(marks.behind_last(), None, "a table without a key");
    }

    #[test]
    fn parts_end_by_rows_or_by_bytes() {
        let mut cut = PartCut::new(3, 10);
        let sizes = [1, 1, 1, 4, 6, 20, 9, 0, 1];
        let ends = sizes.map(|size| cut.ends_with_row(size));
        assert_eq!(ends, [false, false, true, false, true, true, false, false, true]);
    }
}

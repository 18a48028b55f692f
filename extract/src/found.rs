//! Values as a database gives them, and the text that they travel as.
//!
//! The same logical value is the same text, whatever the connector: whole numbers in decimal, truth values
//! `0` and `1`, approximate numbers in the shortest decimal notation that reads back as the same value, exact
//! ones with the digits of their declared scale, days `YYYY-MM-DD`, times `HH:MM:SS`, moments
//! `YYYY-MM-DD HH:MM:SS`, each with a fraction only when it is not zero.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use bron_mappings::{ColumnType, Value};

use crate::intake::Intake;
use crate::ledger::MALFORMED_VALUE;
use crate::source::{SourceColumn, UnreadableRow};

/// A value of a row that is read or written by itself, outside of batches; NULL has none. Personal data: it is never
/// printed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FoundValue {
    /// The one text form that a value has in every staged row too.
    Text(String),
    /// The bytes of a column of bytes, or of a text in a broken encoding.
    Bytes(Vec<u8>),
}

/// A row by the names of its columns; a column that is not there is NULL.
pub type FoundRow = BTreeMap<String, FoundValue>;

impl FoundValue {
    /// The text; `None` for bytes.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes(_) => None,
        }
    }
}

impl fmt::Debug for FoundValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "FoundValue(text of {} bytes)", text.len()),
            Self::Bytes(bytes) => write!(f, "FoundValue({} bytes)", bytes.len()),
        }
    }
}

/// A value in the form in which its column carries it.
enum Carried<'v> {
    Text(&'v str),
    Bytes(&'v [u8]),
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found<'r> {
    /// NULL.
    Null,
    /// A whole number or a truth value.
    Whole(i64),
    /// An approximate number.
    Real(f64),
    /// Text, or a value whose text form the connector has made.
    Text(&'r str),
    /// Bytes, or text in a broken encoding.
    Bytes(&'r [u8]),
}

impl Found<'_> {
    fn fits(&self, kind: ColumnType) -> bool {
        match self {
            Self::Null | Self::Whole(_) | Self::Text(_) => true,
            Self::Real(number) => number.is_finite(),
            Self::Bytes(_) => kind == ColumnType::Bytes,
        }
    }

    /// The value as a column of this kind carries it. `number` is where the digits of a number are put.
    fn carried<'v>(&'v self, kind: ColumnType, number: &'v mut String) -> Option<Carried<'v>> {
        let text = match self {
            Self::Null => return None,
            Self::Bytes(bytes) => return Some(Carried::Bytes(bytes)),
            Self::Text(text) => text,
            Self::Whole(_) | Self::Real(_) => {
                self.write_number(number);
                number.as_str()
            }
        };
        Some(if kind == ColumnType::Bytes { Carried::Bytes(text.as_bytes()) } else { Carried::Text(text) })
    }

    /// The value as one that stands alone.
    pub(crate) fn owned(&self, kind: ColumnType) -> Option<FoundValue> {
        let mut number = String::new();
        Some(match self.carried(kind, &mut number)? {
            Carried::Text(text) => FoundValue::Text(text.to_owned()),
            Carried::Bytes(bytes) => FoundValue::Bytes(bytes.to_vec()),
        })
    }

    fn write_number(&self, out: &mut String) {
        out.clear();
        let written = match self {
            Self::Whole(number) => write!(out, "{number}"),
            // The shortest digits that read back as the same value, without an exponent.
            Self::Real(number) => write!(out, "{number}"),
            Self::Null | Self::Text(_) | Self::Bytes(_) => Ok(()),
        };
        written.expect("writing to a String does not fail");
    }
}

/// Takes the rows of one table: those that fit its columns are staged, the others kept aside whole.
pub(crate) struct RowTaker {
    origin: String,
    columns: Vec<SourceColumn>,
    /// Which values of a row its mark is made of.
    key: Vec<usize>,
    number: String,
}

impl RowTaker {
    /// `origin` stands in notes for the place that the rows come from: a file's or a database's name.
    pub(crate) fn new(origin: String, columns: &[SourceColumn]) -> Self {
        Self { origin, columns: columns.to_vec(), key: Vec::new(), number: String::new() }
    }

    /// The same for rows whose marks are made of the values at these places of a row.
    pub(crate) fn keyed(self, key: Vec<usize>) -> Self {
        Self { key, ..self }
    }

    /// How many columns the table has.
    pub(crate) fn columns(&self) -> usize {
        self.columns.len()
    }

    /// How many values a row has: those of the columns, and behind them those that its mark needs beside them.
    pub(crate) fn width(&self) -> usize {
        self.key.iter().map(|place| place + 1).fold(self.columns.len(), usize::max)
    }

    /// Takes a row of as many values as [`RowTaker::width`] says. A row with a value that its column cannot carry is
    /// kept aside with the reason [`MALFORMED_VALUE`]; its `raw` bytes are, per column in order: `n`, or `i`,
    /// `r`, `t`, `b` and a u32 BE length and the value as number text, text or bytes.
    pub(crate) fn take(&mut self, values: &[Found<'_>], intake: &mut Intake) {
        debug_assert_eq!(values.len(), self.width());
        let row = &values[..self.columns.len()];
        let misfit = self.columns.iter().zip(row).find(|(column, value)| !value.fits(column.kind));
        if let Some((column, _)) = misfit {
            return intake.keep_aside(UnreadableRow {
                file: self.origin.clone(),
                line: intake.ledger.read + 1,
                column: Some(column.name.clone()),
                reason: MALFORMED_VALUE,
                raw: raw_row(row),
            });
        }
        for (index, value) in row.iter().enumerate() {
            self.push(index, value, intake);
        }
        intake.marks.note(self.key.iter().map(|place| &values[*place]));
        intake.end_row();
    }

    fn push(&mut self, index: usize, value: &Found<'_>, intake: &mut Intake) {
        let carried = value.carried(self.columns[index].kind, &mut self.number);
        let value = carried.map(|carried| match carried {
            Carried::Text(text) => Value::Text(text),
            Carried::Bytes(bytes) => Value::Bytes(bytes),
        });
        intake.push(index, value);
    }
}

fn raw_row(values: &[Found<'_>]) -> Vec<u8> {
    let mut raw = Vec::new();
    let mut number = String::new();
    for value in values {
        value.write_number(&mut number);
        let (tag, bytes) = match value {
            Found::Null => {
                raw.push(b'n');
                continue;
            }
            Found::Whole(_) => (b'i', number.as_bytes()),
            Found::Real(_) => (b'r', number.as_bytes()),
            Found::Text(text) => (b't', text.as_bytes()),
            Found::Bytes(bytes) => (b'b', *bytes),
        };
        raw.push(tag);
        let length = u32::try_from(bytes.len()).expect("databases hold values of at most 4 GiB");
        raw.extend_from_slice(&length.to_be_bytes());
        raw.extend_from_slice(bytes);
    }
    raw
}

/// Cuts the zeros off the end of the fraction of a time or a moment, and the point when nothing is left.
pub(crate) fn without_idle_fraction(time: &str) -> &str {
    if time.contains('.') { time.trim_end_matches('0').trim_end_matches('.') } else { time }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_stays_only_when_it_says_something() {
        let cases = [
            ("2024-01-31 08:00:00.000", "2024-01-31 08:00:00"),
            ("2024-01-31 08:00:00.120", "2024-01-31 08:00:00.12"),
            ("2024-01-31 08:00:00", "2024-01-31 08:00:00"),
            ("08:00:10", "08:00:10"),
        ];
        for (found, expected) in cases {
            assert_eq!(without_idle_fraction(found), expected);
        }
    }

    #[test]
    fn a_number_has_no_exponent() {
        let mut text = String::new();
        for (number, expected) in [(0.1, "0.1"), (1e21, "1000000000000000000000"), (1e-7, "0.0000001")] {
            Found::Real(number).write_number(&mut text);
            assert_eq!(text, expected);
        }
    }
}

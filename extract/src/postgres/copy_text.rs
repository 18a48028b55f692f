//! The text format of `COPY`: one line per row, fields between tabs, `\N` for NULL, backslashes before what
//! would else be a field's or a line's end.

use std::ops::Range;
use std::str;

use memchr::{memchr, memchr_iter};

use crate::found::Found;
use crate::selection::bytes_of_digits;

/// What the text of a column is, and so what has to be done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Text to be given on as it is.
    Text,
    /// An approximate number, which the server may have written with an exponent.
    Real,
    /// A moment with `+00` behind it.
    MomentInUtc,
    /// `\x` and two hexadecimal digits per byte.
    Hex,
}

/// The fields of one line. Those that are not what they stand for are undone of their escapes in `bytes`.
#[derive(Default)]
pub(super) struct CopyRow {
    bytes: Vec<u8>,
    fields: Vec<Field>,
}

enum Field {
    Null,
    Real(f64),
    /// Text as it stands in the line.
    Plain(Range<usize>),
    Text(Range<usize>),
    Bytes(Range<usize>),
}

/// A line that is not what the server should have sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotARow;

impl CopyRow {
    /// Reads a line, without its end, as a row of these forms.
    pub(super) fn read(&mut self, line: &[u8], forms: &[Form]) -> Result<(), NotARow> {
        self.bytes.clear();
        self.fields.clear();
        // A table that is read for its number of rows alone gives a NULL for each.
        if forms.is_empty() {
            return if line == b"\\N" { Ok(()) } else { Err(NotARow) };
        }
        let mut forms = forms.iter();
        let mut start = 0;
        for end in memchr_iter(b'\t', line).chain([line.len()]) {
            let form = forms.next().ok_or(NotARow)?;
            let field = self.field(line, start..end, *form)?;
            self.fields.push(field);
            start = end + 1;
        }
        if forms.next().is_some() { Err(NotARow) } else { Ok(()) }
    }

    fn field(&mut self, line: &[u8], place: Range<usize>, form: Form) -> Result<Field, NotARow> {
        let field = &line[place.clone()];
        if field == b"\\N" {
            return Ok(Field::Null);
        }
        if form == Form::Text && memchr(b'\\', field).is_none() {
            return Ok(Field::Plain(place));
        }
        let start = self.bytes.len();
        unescape(field, &mut self.bytes)?;
        let text = &self.bytes[start..];
        match form {
            Form::Text => {}
            Form::Real => {
                let text = str::from_utf8(text).map_err(|_| NotARow)?;
                return text.parse().map(Field::Real).map_err(|_| NotARow);
            }
            Form::MomentInUtc => {
                if text.ends_with(b"+00") {
                    self.bytes.truncate(self.bytes.len() - 3);
                    self.bytes.extend_from_slice(b" +00:00");
                }
            }
            Form::Hex => {
                let bytes = unhex(text).ok_or(NotARow)?;
                self.bytes.truncate(start);
                self.bytes.extend_from_slice(&bytes);
                return Ok(Field::Bytes(start..self.bytes.len()));
            }
        }
        Ok(Field::Text(start..self.bytes.len()))
    }

    /// The values of the row that was read from `line`.
    pub(super) fn values<'r>(&'r self, line: &'r [u8]) -> Vec<Found<'r>> {
        // Fields end at tabs: where the whole line is text, each of them is.
        let whole = str::from_utf8(line).ok();
        let value = |field: &Field| match field {
            Field::Null => Found::Null,
            Field::Real(number) => Found::Real(*number),
            Field::Plain(range) => {
                let text = whole.and_then(|whole| whole.get(range.clone()));
                text.map_or_else(|| text_or_bytes(&line[range.clone()]), Found::Text)
            }
            Field::Bytes(range) => Found::Bytes(&self.bytes[range.clone()]),
            Field::Text(range) => text_or_bytes(&self.bytes[range.clone()]),
        };
        self.fields.iter().map(value).collect()
    }
}

fn text_or_bytes(found: &[u8]) -> Found<'_> {
    str::from_utf8(found).map_or(Found::Bytes(found), Found::Text)
}

fn unescape(field: &[u8], out: &mut Vec<u8>) -> Result<(), NotARow> {
    let mut rest = field;
    while let Some(at) = memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let escaped = rest.get(at + 1).ok_or(NotARow)?;
        out.push(match escaped {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            other => *other,
        });
        rest = &rest[at + 2..];
    }
    out.extend_from_slice(rest);
    Ok(())
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    text.strip_prefix(b"\\x").and_then(bytes_of_digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(line: &'static [u8], forms: &[Form]) -> Vec<Found<'static>> {
        let mut row = CopyRow::default();
        row.read(line, forms).unwrap();
        let row = Box::leak(Box::new(row));
        row.values(line)
    }

    #[test]
    fn fields_are_told_apart_and_undone() {
        let line = br"Anna \\ Ek\t1\N".as_slice();
        assert_eq!(texts(line, &[Form::Text]), [Found::Text("Anna \\ Ek\t1N")]);
        let line = "å\\tä\t\\N\t\t\\\\N".as_bytes();
        let found = texts(line, &[Form::Text; 4]);
        assert_eq!(found, [Found::Text("å\tä"), Found::Null, Found::Text(""), Found::Text("\\N")]);
    }

    #[test]
    fn forms_become_what_every_connector_gives() {
        let line = b"1e-07\t2024-01-31 08:00:00.5+00\t\\\\x00ff41".as_slice();
        let found = texts(line, &[Form::Real, Form::MomentInUtc, Form::Hex]);
        let moment = Found::Text("2024-01-31 08:00:00.5 +00:00");
        assert_eq!(found, [Found::Real(1e-7), moment, Found::Bytes(&[0, 255, 65])]);
    }

    #[test]
    fn what_is_no_text_is_given_as_bytes_and_its_neighbours_as_text() {
        let line = b"a\t\xe5\tb\\tc\t\xe5\\t".as_slice();
        let found = texts(line, &[Form::Text; 4]);
        let bytes = [Found::Bytes(b"\xe5"), Found::Bytes(b"\xe5\t")];
        assert_eq!(found, [Found::Text("a"), bytes[0].clone(), Found::Text("b\tc"), bytes[1].clone()]);
    }

    #[test]
    fn a_line_of_another_width_is_no_row() {
        let mut row = CopyRow::default();
        assert_eq!(row.read(b"a\tb", &[Form::Text]), Err(NotARow));
        assert_eq!(row.read(b"a", &[Form::Text; 2]), Err(NotARow));
        assert_eq!(row.read(b"a\\", &[Form::Text]), Err(NotARow));
        assert_eq!(row.read(b"\\N", &[]), Ok(()));
        assert_eq!(row.read(b"a", &[]), Err(NotARow));
    }

    proptest! {
        #[test]
        fn what_was_escaped_comes_back(fields in proptest::collection::vec(".*", 1..5)) {
            let escape = |text: &String| {
                let text = text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
                text.replace('\t', "\\t").replace('\u{8}', "\\b").replace('\u{b}', "\\v").replace('\u{c}', "\\f")
            };
            let line = fields.iter().map(escape).collect::<Vec<_>>().join("\t");
            let mut row = CopyRow::default();
            row.read(line.as_bytes(), &vec![Form::Text; fields.len()]).unwrap();
            let expected: Vec<Found<'_>> = fields.iter().map(|text| Found::Text(text)).collect();
            prop_assert_eq!(row.values(line.as_bytes()), expected);
        }
    }
}

//! How one run of text falls into fields.
//!
//! The csv crate does not split these lines, for two reasons. It reads on where quotation marks do not follow the
//! rules, and does not say that it did, but just such a line may have to be repaired or kept aside; and an empty line,
//! which is a row of one empty field, it passes over. What is left are lines without a quotation mark, and for those a
//! search for the next separator takes less time than a machine that looks at each byte. In tests the crate is what the
//! fields of well-formed files are compared with.

use std::ops::Range;

use memchr::{memchr, memchr_iter};

/// The fields of one row, in order.
#[derive(Default)]
pub(super) struct Record {
    bytes: Vec<u8>,
    /// Where each field lies.
    fields: Vec<Range<usize>>,
}

impl Record {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.fields.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// The bytes of all fields, perhaps with some that separate them.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn field(&self, index: usize) -> &[u8] {
        &self.bytes[self.fields[index].clone()]
    }

    /// The text of a field, where `whole` is that of all bytes and the field is a text of its own.
    pub(super) fn text<'t>(&self, index: usize, whole: &'t str) -> Option<&'t str> {
        whole.get(self.fields[index].clone())
    }

    fn end_field(&mut self, start: usize) {
        self.fields.push(start..self.bytes.len());
    }

    /// Takes all fields of a text in which quotation marks mean nothing.
    pub(super) fn fill(&mut self, text: &[u8], separator: u8) {
        self.clear();
        self.bytes.extend_from_slice(text);
        let mut start = 0;
        for end in memchr_iter(separator, text) {
            self.fields.push(start..end);
            start = end + 1;
        }
        self.fields.push(start..text.len());
    }

    pub(super) fn push_verbatim(&mut self, text: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        self.end_field(start);
    }

    /// Adds the value of a field that was found in `text`.
    pub(super) fn push(&mut self, text: &[u8], span: &FieldSpan) {
        let found = &text[span.start..span.end];
        let start = self.bytes.len();
        match span.quotes {
            Quotes::None => self.bytes.extend_from_slice(found),
            Quotes::Around => {
                for (index, piece) in found[1..found.len() - 1].split(|byte| *byte == b'"').enumerate() {
                    // Inside a field quotation marks stand in pairs; every second piece lies within a pair.
                    if index % 2 == 1 {
                        self.bytes.push(b'"');
                    }
                    self.bytes.extend_from_slice(piece);
                }
            }
            Quotes::Stray => {
                let inner = found.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
                self.bytes.extend_from_slice(inner.unwrap_or(found));
            }
        }
        self.end_field(start);
    }
}

/// Where a field lies in its text.
pub(super) struct FieldSpan {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) quotes: Quotes,
}

/// The quotation marks of a field that begins with one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    /// It begins with none: others are part of the text.
    None,
    /// Around the whole field, with those inside doubled.
    Around,
    /// It begins with one, but they do not follow the rules.
    Stray,
}

/// How a text fell into fields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Every field follows the rules of the dialect.
    Regular,
    /// Some field has stray quotation marks.
    Stray,
    /// The last field opened a quotation that the text does not close.
    Open,
}

/// Finds the fields of `text`. A stray quotation ends at the next separator.
pub(super) fn split(text: &[u8], separator: u8, quoting: bool, spans: &mut Vec<FieldSpan>) -> Shape {
    spans.clear();
    let mut shape = Shape::Regular;
    let mut start = 0;
    loop {
        let rest = &text[start..];
        let (length, quotes) = if quoting && rest.first() == Some(&b'"') {
            match quoted_length(rest, separator) {
                Closing::At(length) => (length, Quotes::Around),
                Closing::Broken => (plain_length(rest, separator), Quotes::Stray),
                Closing::Never => {
                    shape = Shape::Open;
                    (plain_length(rest, separator), Quotes::Stray)
                }
            }
        } else {
            (plain_length(rest, separator), Quotes::None)
        };
        if quotes == Quotes::Stray && shape == Shape::Regular {
            shape = Shape::Stray;
        }
        spans.push(FieldSpan { start, end: start + length, quotes });
        start += length + 1;
        if start > text.len() {
            return shape;
        }
    }
}

fn plain_length(text: &[u8], separator: u8) -> usize {
    memchr(separator, text).unwrap_or(text.len())
}

enum Closing {
    At(usize),
    Broken,
    Never,
}

/// The length of a field that begins with a quotation mark, if it closes as it should.
fn quoted_length(text: &[u8], separator: u8) -> Closing {
    let mut at = 1;
    while let Some(next) = memchr(b'"', &text[at..]) {
        let after = at + next + 1;
        match text.get(after) {
            Some(b'"') => at = after + 1,
            None => return Closing::At(after),
            Some(byte) if *byte == separator => return Closing::At(after),
            Some(_) => return Closing::Broken,
        }
    }
    Closing::Never
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str, quoting: bool) -> (Vec<String>, bool) {
        let mut spans = Vec::new();
        let shape = split(text.as_bytes(), b';', quoting, &mut spans);
        let mut record = Record::default();
        spans.iter().for_each(|span| record.push(text.as_bytes(), span));
        let texts = (0..spans.len()).map(|index| String::from_utf8(record.field(index).to_vec()).unwrap());
        (texts.collect(), shape == Shape::Regular)
    }

    #[test]
    fn fields_by_the_rules() {
        assert_eq!(fields("a;;\"b\"", false).0, ["a", "", "\"b\""]);
        assert_eq!(fields("", true).0, [""]);
        assert_eq!(fields(";", true).0, ["", ""]);
        assert_eq!(
            fields("\"a;b\";\"\";\"c \"\"d\"\"\"", true),
            (vec!["a;b".into(), String::new(), "c \"d\"".into()], true)
        );
        assert_eq!(fields("a\"b;c", true), (vec!["a\"b".into(), "c".into()], true));
    }

    #[test]
    fn without_quotation_marks_both_ways_give_the_same() {
        for text in ["", ";", "a", "a;b", ";;a;", "Åsa;ö;", "a\r;\0"] {
            let mut record = Record::default();
            record.fill(text.as_bytes(), b';');
            let (split, regular) = fields(text, true);
            assert!(regular);
            let texts: Vec<_> = (0..record.len()).map(|index| record.text(index, text).unwrap()).collect();
            assert_eq!(texts, split);
        }
    }

    #[test]
    fn a_character_across_two_fields_is_no_text_of_either() {
        let mut record = Record::default();
        record.push_verbatim(b"a\xc3");
        record.push_verbatim(b"\xa5b");
        let whole = std::str::from_utf8(record.bytes()).unwrap();
        assert_eq!([0, 1].map(|index| record.text(index, whole)), [None, None]);
    }

    #[test]
    fn stray_quotation_marks_are_seen() {
        assert_eq!(fields("\"a \"b\" c\";d", true), (vec!["a \"b\" c".into(), "d".into()], false));
        assert_eq!(fields("\"a;d", true), (vec!["\"a".into(), "d".into()], false));
        assert_eq!(fields("\"", true), (vec!["\"".into()], false));
    }
}

//! How one run of text falls into fields.

/// The fields of one row, one after the other.
#[derive(Default)]
pub(super) struct Record {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Record {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    pub(super) fn field(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }

    fn end_field(&mut self) {
        self.ends.push(self.bytes.len());
    }

    pub(super) fn push_verbatim(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.end_field();
    }

    /// Adds the value of a field that was found in `text`.
    pub(super) fn push(&mut self, text: &[u8], span: &FieldSpan) {
        let found = &text[span.start..span.end];
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
        self.end_field();
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
    text.iter().position(|byte| *byte == separator).unwrap_or(text.len())
}

enum Closing {
    At(usize),
    Broken,
    Never,
}

/// The length of a field that begins with a quotation mark, if it closes as it should.
fn quoted_length(text: &[u8], separator: u8) -> Closing {
    let mut at = 1;
    while let Some(next) = text[at..].iter().position(|byte| *byte == b'"') {
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
    fn stray_quotation_marks_are_seen() {
        assert_eq!(fields("\"a \"b\" c\";d", true), (vec!["a \"b\" c".into(), "d".into()], false));
        assert_eq!(fields("\"a;d", true), (vec!["\"a".into(), "d".into()], false));
        assert_eq!(fields("\"", true), (vec!["\"".into()], false));
    }
}

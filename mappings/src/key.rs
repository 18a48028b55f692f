//! The name of a source record, in one canonical byte encoding.
//!
//! The encoding is frozen by golden vectors: entity ids are derived from these bytes, so a change
//! here gives every record of the city a new id.
//!
//! ```text
//! version   1 byte    0x01
//! system    u32 BE length, bytes (UTF-8)
//! table     u32 BE length, bytes (UTF-8)
//! columns   u32 BE number of key values
//! value     0x00                              NULL
//!           0x01, u32 BE length, bytes        text, as found in the source
//! ```

use std::fmt;

use crate::sensitive::Sensitive;

const VERSION: u8 = 1;
const NULL: u8 = 0;
const TEXT: u8 = 1;

/// Identifies one record of one table of one source system.
///
/// Values are kept as found: `"007"` and `"7"` name two records, and so do `"a"` and `"A "`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceKey {
    bytes: Vec<u8>,
}

/// A key that cannot be read back from its canonical bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceKeyError {
    /// The offset of the byte that does not fit the encoding.
    pub offset: usize,
}

impl fmt::Display for SourceKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the bytes of a source key do not follow the encoding at offset {}", self.offset)
    }
}

impl std::error::Error for SourceKeyError {}

impl SourceKey {
    /// Encodes a key. `values` are the key columns in the order the mapping lists them.
    pub fn new<'a>(system: &str, table: &str, values: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut bytes = Vec::with_capacity(64);
        push_table(&mut bytes, system, table);
        push_values(&mut bytes, values);
        Self { bytes }
    }

    /// The canonical bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads a key back from its canonical bytes.
    ///
    /// # Errors
    /// [`SourceKeyError`] when the bytes are not exactly one encoded key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SourceKeyError> {
        let mut reader = KeyReader { bytes, offset: 0 };
        reader.expect_byte(VERSION)?;
        reader.text()?;
        reader.text()?;
        for _ in 0..reader.number()? {
            reader.value()?;
        }
        if reader.offset == bytes.len() { Ok(Self { bytes: bytes.to_vec() }) } else { Err(reader.error()) }
    }

    /// The system that the record is in.
    #[must_use]
    pub fn system(&self) -> &str {
        self.parts().0
    }

    /// The table that the record is in.
    #[must_use]
    pub fn table(&self) -> &str {
        self.parts().1
    }

    /// The values of the key in the order the mapping lists its columns; `None` is NULL.
    #[must_use]
    pub fn values(&self) -> Vec<Option<&str>> {
        self.parts().2
    }

    /// What the bytes say. They were written by [`SourceKey::new`] or have been read whole.
    fn parts(&self) -> (&str, &str, Vec<Option<&str>>) {
        let mut reader = KeyReader { bytes: &self.bytes, offset: 1 };
        let mut read = || -> Result<(&str, &str, Vec<Option<&str>>), SourceKeyError> {
            let (system, table) = (reader.text()?, reader.text()?);
            let values = (0..reader.number()?).map(|_| reader.value());
            Ok((system, table, values.collect::<Result<_, _>>()?))
        };
        read().expect("the bytes of a key follow the encoding")
    }

    /// The readable form that target rows carry as `src_key`: values joined with `|`, where `\`, `|`
    /// and NULL inside a value are written `\\`, `\|` and `\N`.
    ///
    /// It may be personal data (some legacy keys are person numbers), hence [`Sensitive`].
    #[must_use]
    pub fn text(&self) -> Sensitive<String> {
        let mut reader = KeyReader { bytes: &self.bytes, offset: 1 };
        let mut text = String::new();
        let parsed = reader.text().and_then(|_| reader.text()).and_then(|_| reader.number());
        for index in 0..parsed.unwrap_or(0) {
            if index > 0 {
                text.push('|');
            }
            push_escaped(&mut text, reader.value().ok().flatten());
        }
        Sensitive::new(text)
    }

    /// The values of a key in the form of [`SourceKey::text`], in order; `None` when the text is not of that
    /// form. A key of no values has the same text as one that is empty, and reads as that.
    #[must_use]
    pub fn values_of(text: &str) -> Option<Vec<Option<String>>> {
        let mut values = Vec::new();
        let mut value = Some(String::new());
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            let added = match character {
                '|' => {
                    values.push(value.replace(String::new()));
                    continue;
                }
                '\\' => match characters.next()? {
                    'N' if value.as_ref().is_some_and(String::is_empty) => {
                        value = None;
                        continue;
                    }
                    escaped @ ('\\' | '|') => escaped,
                    _ => return None,
                },
                plain => plain,
            };
            value.as_mut()?.push(added);
        }
        values.push(value);
        Some(values)
    }
}

/// The values of a key from its readable form, as [`SourceKey::text`] writes it. A text of nothing is one empty
/// value.
#[must_use]
pub fn key_values(text: &str) -> Vec<Option<String>> {
    let mut values = Vec::new();
    let mut value = Some(String::new());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '|' => values.push(value.replace(String::new())),
            '\\' => match characters.next() {
                Some('N') | None => value = None,
                Some(escaped) => value.get_or_insert_default().push(escaped),
            },
            plain => value.get_or_insert_default().push(plain),
        }
    }
    values.push(value);
    values
}

impl fmt::Debug for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceKey({} bytes)", self.bytes.len())
    }
}

/// Writes what every key of one table begins with.
pub(crate) fn push_table(bytes: &mut Vec<u8>, system: &str, table: &str) {
    bytes.push(VERSION);
    push_text(bytes, system);
    push_text(bytes, table);
}

/// Writes what tells the keys of one table apart.
pub(crate) fn push_values<'a>(bytes: &mut Vec<u8>, values: impl IntoIterator<Item = Option<&'a str>>) {
    let count_at = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    let mut count = 0_u32;
    for value in values {
        count += 1;
        match value {
            None => bytes.push(NULL),
            Some(text) => {
                bytes.push(TEXT);
                push_text(bytes, text);
            }
        }
    }
    bytes[count_at..count_at + 4].copy_from_slice(&count.to_be_bytes());
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    let length = u32::try_from(text.len()).expect("a key value is shorter than 4 GiB");
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn push_escaped(out: &mut String, value: Option<&str>) {
    let Some(value) = value else {
        out.push_str("\\N");
        return;
    };
    for character in value.chars() {
        if matches!(character, '\\' | '|') {
            out.push('\\');
        }
        out.push(character);
    }
}

struct KeyReader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> KeyReader<'a> {
    fn error(&self) -> SourceKeyError {
        SourceKeyError { offset: self.offset }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], SourceKeyError> {
        let end = self.offset.checked_add(count).ok_or_else(|| self.error())?;
        let slice = self.bytes.get(self.offset..end).ok_or_else(|| self.error())?;
        self.offset = end;
        Ok(slice)
    }

    fn expect_byte(&mut self, expected: u8) -> Result<(), SourceKeyError> {
        let error = self.error();
        if self.take(1)? == [expected] { Ok(()) } else { Err(error) }
    }

    fn number(&mut self) -> Result<u32, SourceKeyError> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn text(&mut self) -> Result<&'a str, SourceKeyError> {
        let error = self.error();
        let length = usize::try_from(self.number()?).map_err(|_| error)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| error)
    }

    fn value(&mut self) -> Result<Option<&'a str>, SourceKeyError> {
        let error = self.error();
        match self.take(1)? {
            [NULL] => Ok(None),
            [TEXT] => self.text().map(Some),
            _ => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn golden_vectors() {
        let cases: [(SourceKey, &str); 4] = [
            (
                SourceKey::new("paraply", "BESLUT", [Some("771")]),
                "010000000770617261706c79000000064245534c5554000000010100000003373731",
            ),
            (
                SourceKey::new("paraply", "BERPOST", [Some("12"), Some("3")]),
                "010000000770617261706c790000000742455250\
                 4f53540000000201000000023132010000000133",
            ),
            (
                SourceKey::new("paraga", "kund", [None, Some("")]),
                "01000000067061726167610000000\
                 46b756e6400000002000100000000",
            ),
            (
                SourceKey::new("paraply", "KODTAB", [Some("VO"), Some("ÄO")]),
                "010000000770617261706c79000000064b4f445441420000000201000000\
                 02564f0100000003c3844f",
            ),
        ];
        for (key, expected) in cases {
            assert_eq!(hex(key.as_bytes()), expected);
        }
    }

    #[test]
    fn readable_form_escapes_what_it_uses() {
        let key = SourceKey::new("s", "t", [Some("a|b"), None, Some("c\\d"), Some("")]);
        assert_eq!(key.text().expose(), "a\\|b|\\N|c\\\\d|");
    }

    #[test]
    fn truncated_bytes_are_refused() {
        let key = SourceKey::new("paraply", "BESLUT", [Some("771")]);
        for length in 0..key.as_bytes().len() {
            assert!(SourceKey::from_bytes(&key.as_bytes()[..length]).is_err(), "length {length}");
        }
    }

    proptest! {
        #[test]
        fn different_values_have_different_bytes(a in proptest::collection::vec(proptest::option::of(".{0,6}"), 0..4),
                                                 b in proptest::collection::vec(proptest::option::of(".{0,6}"), 0..4)) {
            let key = |values: &Vec<Option<String>>| SourceKey::new("s", "t", values.iter().map(Option::as_deref));
            prop_assert_eq!(a == b, key(&a) == key(&b));
            prop_assert_eq!(a == b, key(&a).text() == key(&b).text() && a.len() == b.len());
            if !a.is_empty() {
                prop_assert_eq!(key_values(key(&a).text().expose()), a.as_slice());
            }
            let read = SourceKey::from_bytes(key(&a).as_bytes());
            prop_assert_eq!(read, Ok(key(&a)));
        }

        #[test]
        fn the_readable_form_is_read_back(
            values in proptest::collection::vec(proptest::option::of("[|N\\\\a]{0,5}"), 1..4)
        ) {
            let key = SourceKey::new("s", "t", values.iter().map(Option::as_deref));
            prop_assert_eq!(SourceKey::values_of(key.text().expose()), Some(values));
        }

        #[test]
        fn any_text_is_a_key_or_none(text in "[|N\\\\a]{0,8}") {
            if let Some(values) = SourceKey::values_of(&text) {
                let key = SourceKey::new("s", "t", values.iter().map(Option::as_deref));
                prop_assert_eq!(key.text().into_inner(), text);
            }
        }
    }
}

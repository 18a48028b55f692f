//! What the bytes of a text mean.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};
use oem_cp::code_table::{DECODING_TABLE_CP437, DECODING_TABLE_CP850};

/// An encoding in which every byte that stands for itself in ASCII does so in text, at the least the digits,
/// the letters A to Z and what separates fields.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Charset {
    /// UTF-8 or an encoding of one byte per character that the web knows.
    Web(&'static Encoding),
    /// A code page of DOS: ASCII, and a character for each of the 128 other bytes.
    CodePage(&'static str, &'static [char; 128]),
    /// Seven bits with the Swedish letters in the place of brackets: SS 63 61 27, annex C, also called SEN
    /// 85 02 00.
    SwedishSevenBit,
}

/// The Swedish letters of seven bits. É and é, Ü and ü have the places of @ and `` ` ``, ^ and ~.
const SEVEN_BIT: [(u8, char); 10] = [
    (b'@', 'É'),
    (b'[', 'Ä'),
    (b'\\', 'Ö'),
    (b']', 'Å'),
    (b'^', 'Ü'),
    (b'`', 'é'),
    (b'{', 'ä'),
    (b'|', 'ö'),
    (b'}', 'å'),
    (b'~', 'ü'),
];

impl Charset {
    /// The encoding of this name: a WHATWG label, `cp437`, `cp850`, or `iso646-se` for seven bits with Swedish
    /// letters. `None` for a name that is not known, and for encodings of two bytes and more other than UTF-8.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "cp437" | "ibm437" => Self::CodePage("cp437", &DECODING_TABLE_CP437),
            "cp850" | "ibm850" => Self::CodePage("cp850", &DECODING_TABLE_CP850),
            "iso646-se" | "iso646-se2" | "sen_850200_c" => Self::SwedishSevenBit,
            label => {
                let encoding = Encoding::for_label(label.as_bytes())?;
                return (encoding == UTF_8 || encoding.is_single_byte()).then_some(Self::Web(encoding));
            }
        })
    }

    /// The name, for people.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Web(encoding) => encoding.name(),
            Self::CodePage(name, _) => name,
            Self::SwedishSevenBit => "iso646-se",
        }
    }

    pub(crate) fn is_utf8(&self) -> bool {
        matches!(self, Self::Web(encoding) if *encoding == UTF_8)
    }

    pub(crate) fn is_code_page(&self) -> bool {
        matches!(self, Self::CodePage(..))
    }

    pub(crate) fn is_seven_bit(&self) -> bool {
        matches!(self, Self::SwedishSevenBit)
    }

    /// Whether this byte stands for its ASCII character, so that it can separate fields.
    pub(crate) fn keeps(&self, byte: u8) -> bool {
        let letter =
            matches!(self, Self::SwedishSevenBit) && SEVEN_BIT.iter().any(|(taken, _)| *taken == byte);
        byte.is_ascii() && !letter
    }

    /// The text of these bytes, when they are the UTF-8 of that text themselves.
    pub(crate) fn unchanged<'t>(&self, bytes: &'t [u8]) -> Option<&'t str> {
        let keeps_all = match self {
            Self::Web(_) if self.is_utf8() => true,
            Self::Web(_) | Self::CodePage(..) => bytes.is_ascii(),
            Self::SwedishSevenBit => false,
        };
        if keeps_all { std::str::from_utf8(bytes).ok() } else { None }
    }

    /// The text of these bytes; `None` when one of them has no meaning.
    pub(crate) fn decode<'t>(&self, bytes: &'t [u8]) -> Option<Cow<'t, str>> {
        match self {
            Self::Web(encoding) => encoding.decode_without_bom_handling_and_without_replacement(bytes),
            Self::CodePage(_, table) => Some(match std::str::from_utf8(bytes) {
                Ok(text) if text.is_ascii() => Cow::Borrowed(text),
                _ => Cow::Owned(bytes.iter().map(|byte| page_character(*byte, table)).collect()),
            }),
            Self::SwedishSevenBit => {
                let text = std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii())?;
                if bytes.iter().all(|byte| self.keeps(*byte)) {
                    return Some(Cow::Borrowed(text));
                }
                Some(Cow::Owned(bytes.iter().map(|byte| seven_bit_character(*byte)).collect()))
            }
        }
    }
}

fn page_character(byte: u8, table: &[char; 128]) -> char {
    match byte.checked_sub(128) {
        None => char::from(byte),
        Some(place) => table[usize::from(place)],
    }
}

fn seven_bit_character(byte: u8) -> char {
    SEVEN_BIT.iter().find(|(taken, _)| *taken == byte).map_or(char::from(byte), |(_, letter)| *letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(name: &str, bytes: &[u8]) -> Option<String> {
        Charset::named(name).unwrap().decode(bytes).map(Cow::into_owned)
    }

    #[test]
    fn every_generation_of_machines_wrote_the_letters_its_own_way() {
        let words: [(&str, &[u8]); 6] = [
            ("cp437", b"\x8fker\x94 \x84lv"),
            ("cp850", b"\x8fker\x94 \x84lv"),
            ("windows-1252", b"\xc5ker\xf6 \xe4lv"),
            ("iso-8859-1", b"\xc5ker\xf6 \xe4lv"),
            ("utf-8", "Åkerö älv".as_bytes()),
            ("iso646-se", b"]ker| {lv"),
        ];
        for (name, bytes) in words {
            assert_eq!(decode(name, bytes).as_deref(), Some("Åkerö älv"), "{name}");
        }
    }

    #[test]
    fn what_is_unchanged_is_what_would_be_decoded() {
        let names = ["utf-8", "windows-1252", "iso-8859-1", "koi8-r", "x-user-defined", "cp437", "iso646-se"];
        let ascii: Vec<u8> = (0..128).collect();
        for name in names {
            let charset = Charset::named(name).unwrap();
            for bytes in [&ascii[..], b"", "Åsa".as_bytes(), b"\xc5sa", b"]sa"] {
                let unchanged = charset.unchanged(bytes);
                assert!(
                    unchanged.is_none_or(|text| charset.decode(bytes).as_deref() == Some(text)),
                    "{name}"
                );
            }
            assert_eq!(charset.unchanged(&ascii).is_some(), !charset.is_seven_bit(), "{name}");
        }
    }

    #[test]
    fn the_two_code_pages_differ_where_they_should() {
        assert_eq!(decode("cp437", b"\x9b\x9d").as_deref(), Some("¢¥"));
        assert_eq!(decode("cp850", b"\x9b\x9d").as_deref(), Some("øØ"));
    }

    #[test]
    fn a_byte_without_a_meaning_is_refused() {
        assert_eq!(decode("utf-8", b"\xe5"), None);
        assert_eq!(decode("iso646-se", b"\xe5"), None);
        for name in ["utf-16le", "shift_jis", "nonsense"] {
            assert!(Charset::named(name).is_none(), "{name}");
        }
    }

    #[test]
    fn every_byte_of_a_code_page_is_one_character() {
        for name in ["cp437", "cp850"] {
            let all: Vec<u8> = (0..=255).collect();
            let text = decode(name, &all).unwrap();
            let different: std::collections::BTreeSet<char> = text.chars().collect();
            assert_eq!((text.chars().count(), different.len()), (256, 256), "{name}");
        }
    }

    #[test]
    fn letters_separate_nothing() {
        let seven_bit = Charset::named("iso646-se").unwrap();
        assert!(seven_bit.keeps(b';') && seven_bit.keeps(b'\t') && !seven_bit.keeps(b'|'));
        assert!(Charset::named("cp850").unwrap().keeps(b'|'));
    }
}

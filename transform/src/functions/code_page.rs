//! The code pages in which Swedish systems have written and misread text.

/// A way to write text as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodePage {
    /// UTF-8.
    Utf8,
    /// Western Windows. Its five bytes without a character stand for the control of the same number, as
    /// every lenient decoder has it.
    Windows1252,
    /// ISO 8859-1, with the controls.
    Latin1,
    /// Western DOS.
    Dos850,
    /// American DOS.
    Dos437,
    /// Western Macintosh.
    MacRoman,
    /// Seven bits, no letters but a to z.
    Ascii,
    /// Swedish in seven bits (SEN 850200), with the six letters in place of brackets, braces, bar and
    /// backslash.
    Swedish7Bit,
}

/// The characters of the bytes 80-9F.
const WINDOWS_1252: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

/// The characters of the bytes 80-FF.
const DOS_850: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ\
    áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
    └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀\
    ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

/// The characters of the bytes 80-FF.
const DOS_437: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ\
    áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
    αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// The characters of the bytes 80-FF.
const MAC_ROMAN: &str = "\
    ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü\
    †°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø\
    ¿¡¬√ƒ≈∆«»…\u{a0}ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ\
    ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{f8ff}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ";

/// The bytes of Swedish in seven bits that differ from ASCII, and their letters.
const SWEDISH_7_BIT: [(u8, char); 6] =
    [(b'[', 'Ä'), (b'\\', 'Ö'), (b']', 'Å'), (b'{', 'ä'), (b'|', 'ö'), (b'}', 'å')];

impl CodePage {
    /// The name by which people know the page.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Windows1252 => "cp1252",
            Self::Latin1 => "latin-1",
            Self::Dos850 => "cp850",
            Self::Dos437 => "cp437",
            Self::MacRoman => "macroman",
            Self::Ascii => "ascii",
            Self::Swedish7Bit => "sen850200",
        }
    }

    /// The page with this number of Windows, which documents name.
    pub(super) const fn numbered(number: i32) -> Option<Self> {
        match number {
            437 => Some(Self::Dos437),
            850 => Some(Self::Dos850),
            1252 => Some(Self::Windows1252),
            10_000 => Some(Self::MacRoman),
            20_107 => Some(Self::Swedish7Bit),
            20_127 => Some(Self::Ascii),
            28_591 => Some(Self::Latin1),
            65_001 => Some(Self::Utf8),
            _ => None,
        }
    }

    /// The character of one byte; `None` when it is only a part of a character, or stands for no character.
    pub(super) fn character(self, byte: u8) -> Option<char> {
        let character = match self {
            Self::Utf8 | Self::Latin1 | Self::Ascii => char::from(byte),
            Self::Windows1252 => windows_character(byte),
            Self::Dos850 => upper_character(DOS_850, byte),
            Self::Dos437 => upper_character(DOS_437, byte),
            Self::MacRoman => upper_character(MAC_ROMAN, byte),
            Self::Swedish7Bit => swedish_character(byte)?,
        };
        let whole = byte.is_ascii() || !matches!(self, Self::Utf8 | Self::Ascii);
        (whole && (byte.is_ascii() || !character.is_control())).then_some(character)
    }

    /// The text as bytes; `None` when the page lacks one of its characters.
    pub(super) fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            Self::Windows1252 => text.chars().map(windows_byte).collect(),
            Self::Latin1 => text.chars().map(|character| u8::try_from(character).ok()).collect(),
            Self::Dos850 => text.chars().map(|character| upper_byte(DOS_850, character)).collect(),
            Self::Dos437 => text.chars().map(|character| upper_byte(DOS_437, character)).collect(),
            Self::MacRoman => text.chars().map(|character| upper_byte(MAC_ROMAN, character)).collect(),
            Self::Ascii => text.is_ascii().then(|| text.as_bytes().to_vec()),
            Self::Swedish7Bit => text.chars().map(swedish_byte).collect(),
        }
    }

    /// The bytes as text; `None` when they are not UTF-8, or not of seven bits for a page of seven. All other
    /// pages have a character for each byte.
    pub(super) fn decode(self, bytes: Vec<u8>) -> Option<String> {
        match self {
            Self::Utf8 => String::from_utf8(bytes).ok(),
            Self::Windows1252 => Some(bytes.into_iter().map(windows_character).collect()),
            Self::Latin1 => Some(bytes.into_iter().map(char::from).collect()),
            Self::Dos850 => Some(bytes.into_iter().map(|byte| upper_character(DOS_850, byte)).collect()),
            Self::Dos437 => Some(bytes.into_iter().map(|byte| upper_character(DOS_437, byte)).collect()),
            Self::MacRoman => Some(bytes.into_iter().map(|byte| upper_character(MAC_ROMAN, byte)).collect()),
            Self::Ascii => String::from_utf8(bytes).ok().filter(|text| text.is_ascii()),
            Self::Swedish7Bit => bytes.into_iter().map(swedish_character).collect(),
        }
    }
}

/// The place of a character in a table that starts at byte 80.
fn upper_byte(table: &str, character: char) -> Option<u8> {
    if character.is_ascii() {
        return u8::try_from(character).ok();
    }
    let place = table.chars().position(|other| other == character)?;
    u8::try_from(place).ok()?.checked_add(0x80)
}

fn upper_character(table: &str, byte: u8) -> char {
    let place = byte.checked_sub(0x80);
    place.and_then(|place| table.chars().nth(usize::from(place))).unwrap_or(char::from(byte))
}

fn swedish_byte(character: char) -> Option<u8> {
    if let Some((byte, _)) = SWEDISH_7_BIT.iter().find(|(_, letter)| *letter == character) {
        return Some(*byte);
    }
    let byte = u8::try_from(character).ok().filter(u8::is_ascii)?;
    SWEDISH_7_BIT.iter().all(|(taken, _)| *taken != byte).then_some(byte)
}

fn swedish_character(byte: u8) -> Option<char> {
    let letter = SWEDISH_7_BIT.iter().find(|(taken, _)| *taken == byte).map(|(_, letter)| *letter);
    letter.or_else(|| byte.is_ascii().then(|| char::from(byte)))
}

fn windows_byte(character: char) -> Option<u8> {
    match character {
        '\u{a0}'..='\u{ff}' => u8::try_from(character).ok(),
        _ => upper_byte(WINDOWS_1252, character),
    }
}

fn windows_character(byte: u8) -> char {
    upper_character(WINDOWS_1252, byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_one_character_and_back() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        let pages =
            [CodePage::Windows1252, CodePage::Latin1, CodePage::Dos850, CodePage::Dos437, CodePage::MacRoman];
        for page in pages {
            let text = page.decode(all.clone()).unwrap();
            assert_eq!(text.chars().count(), 256, "{page:?}");
            assert_eq!(page.encode(&text), Some(all.clone()), "{page:?}");
        }
    }

    #[test]
    fn every_byte_of_seven_bits_is_one_character_and_back() {
        let all: Vec<u8> = (0..=0x7f).collect();
        for page in [CodePage::Ascii, CodePage::Swedish7Bit] {
            let text = page.decode(all.clone()).unwrap();
            assert_eq!(text.chars().count(), 128, "{page:?}");
            assert_eq!(page.encode(&text), Some(all.clone()), "{page:?}");
            assert_eq!(page.decode(vec![0x80]), None, "{page:?}");
        }
    }

    #[test]
    fn swedish_letters_have_their_bytes() {
        let expected: [(CodePage, &[u8]); 6] = [
            (CodePage::MacRoman, b"\x8c\x8a\x9a\x81\x80\x85"),
            (CodePage::Swedish7Bit, b"}{|][\\"),
            (CodePage::Dos437, b"\x86\x84\x94\x8f\x8e\x99"),
            (CodePage::Dos850, b"\x86\x84\x94\x8f\x8e\x99"),
            (CodePage::Latin1, b"\xe5\xe4\xf6\xc5\xc4\xd6"),
            (CodePage::Windows1252, b"\xe5\xe4\xf6\xc5\xc4\xd6"),
        ];
        for (page, bytes) in expected {
            assert_eq!(page.encode("åäöÅÄÖ").as_deref(), Some(bytes), "{page:?}");
        }
    }

    #[test]
    fn a_byte_without_a_character_gives_none() {
        let latin = CodePage::numbered(28591).unwrap();
        let pages = [1252, 850, 437].map(|number| CodePage::numbered(number).unwrap());
        assert_eq!(pages.map(|page| page.character(0x84)), [Some('„'), Some('ä'), Some('ä')]);
        assert_eq!(pages.map(|page| page.character(0x81)), [None, Some('ü'), Some('ü')]);
        assert_eq!((latin.character(0xe5), latin.character(0x84)), (Some('å'), None));
        assert_eq!(CodePage::Utf8.character(0xc3), None);
        assert_eq!(CodePage::Utf8.character(b'a'), Some('a'));
        assert_eq!(CodePage::numbered(1250), None);
    }

    #[test]
    fn a_character_that_a_page_lacks_is_refused() {
        assert_eq!(CodePage::Latin1.encode("…"), None);
        assert_eq!(CodePage::Windows1252.encode("σ"), None);
        assert_eq!(CodePage::Dos850.encode("†"), None);
        assert_eq!(CodePage::Dos437.encode("Õ"), None);
        assert_eq!(CodePage::Swedish7Bit.encode("["), None);
        assert_eq!(CodePage::Ascii.encode("å"), None);
        assert_eq!(CodePage::Utf8.decode(vec![0xc3]), None);
    }
}

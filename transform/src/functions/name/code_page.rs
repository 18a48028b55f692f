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

impl CodePage {
    /// The text as bytes; `None` when the page lacks one of its characters.
    pub(super) fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            Self::Windows1252 => text.chars().map(windows_byte).collect(),
            Self::Latin1 => text.chars().map(|character| u8::try_from(character).ok()).collect(),
            Self::Dos850 => text.chars().map(|character| upper_byte(DOS_850, character)).collect(),
            Self::Dos437 => text.chars().map(|character| upper_byte(DOS_437, character)).collect(),
        }
    }

    /// The bytes as text; `None` when they are not UTF-8. All other pages have a character for each byte.
    pub(super) fn decode(self, bytes: Vec<u8>) -> Option<String> {
        match self {
            Self::Utf8 => String::from_utf8(bytes).ok(),
            Self::Windows1252 => Some(bytes.into_iter().map(windows_character).collect()),
            Self::Latin1 => Some(bytes.into_iter().map(char::from).collect()),
            Self::Dos850 => Some(bytes.into_iter().map(|byte| upper_character(DOS_850, byte)).collect()),
            Self::Dos437 => Some(bytes.into_iter().map(|byte| upper_character(DOS_437, byte)).collect()),
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
        for page in [CodePage::Windows1252, CodePage::Latin1, CodePage::Dos850, CodePage::Dos437] {
            let text = page.decode(all.clone()).unwrap();
            assert_eq!(text.chars().count(), 256, "{page:?}");
            assert_eq!(page.encode(&text), Some(all.clone()), "{page:?}");
        }
    }

    #[test]
    fn swedish_letters_have_their_bytes() {
        let expected: [(CodePage, &[u8]); 4] = [
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
    fn a_character_that_a_page_lacks_is_refused() {
        assert_eq!(CodePage::Latin1.encode("…"), None);
        assert_eq!(CodePage::Windows1252.encode("σ"), None);
        assert_eq!(CodePage::Dos850.encode("†"), None);
        assert_eq!(CodePage::Dos437.encode("Õ"), None);
        assert_eq!(CodePage::Utf8.decode(vec![0xc3]), None);
    }
}

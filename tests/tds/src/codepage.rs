//! Windows code page 1252, which `varchar` columns with a Finnish_Swedish collation hold.

/// The characters of the bytes 0x80 to 0x9F; five bytes have none and stand for themselves.
const UPPER: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The bytes of a text; a character that the code page lacks becomes a question mark, as the server does it.
pub(crate) fn encode(text: &str) -> Vec<u8> {
    text.chars().map(byte).collect()
}

fn byte(character: char) -> u8 {
    let upper = UPPER.iter().position(|known| *known == character);
    if let Some(place) = upper {
        return u8::try_from(place).map_or(b'?', |place| 0x80 + place);
    }
    let code = u32::from(character);
    if (0x80..0xa0).contains(&code) {
        return b'?';
    }
    u8::try_from(code).unwrap_or(b'?')
}

/// The text of bytes. Every byte has a character.
pub(crate) fn decode(bytes: &[u8]) -> String {
    let character = |byte: &u8| match byte {
        0x80..=0x9f => UPPER[usize::from(*byte) - 0x80],
        _ => char::from(*byte),
    };
    bytes.iter().map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(encode(&decode(&all)), all);
        assert_eq!(encode("Åäö €–"), [0xc5, 0xe4, 0xf6, b' ', 0x80, 0x96]);
    }

    #[test]
    fn what_the_page_lacks_becomes_a_question_mark() {
        assert_eq!(encode("Ł\u{1f600}\u{80}"), b"???");
    }
}

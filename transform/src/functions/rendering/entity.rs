//! Entities of HTML: characters by name or by number.

use super::super::code_page::CodePage;

/// The most characters between the ampersand and the semicolon.
const LONGEST: usize = 8;

const NAMED: [(&str, char); 40] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("aring", 'å'),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("Aring", 'Å'),
    ("Auml", 'Ä'),
    ("Ouml", 'Ö'),
    ("eacute", 'é'),
    ("Eacute", 'É'),
    ("egrave", 'è'),
    ("uuml", 'ü'),
    ("Uuml", 'Ü'),
    ("aelig", 'æ'),
    ("AElig", 'Æ'),
    ("oslash", 'ø'),
    ("Oslash", 'Ø'),
    ("agrave", 'à'),
    ("acute", '´'),
    ("sect", '§'),
    ("deg", '°'),
    ("plusmn", '±'),
    ("frac12", '½'),
    ("times", '×'),
    ("middot", '·'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bull", '•'),
    ("hellip", '…'),
    ("euro", '€'),
];

/// The character of the entity at the front of a text that starts with `&`, and its length in bytes; `None`
/// when the ampersand means itself.
pub(super) fn entity(text: &str) -> Option<(char, usize)> {
    let inside = text.strip_prefix('&')?;
    let end = inside.bytes().take(LONGEST + 1).position(|byte| byte == b';')?;
    let name = inside.get(..end)?;
    let character = match name.strip_prefix('#') {
        Some(number) => numbered(number)?,
        None => NAMED.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((character, end + 2))
}

fn numbered(number: &str) -> Option<char> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    // Numbers of controls that were meant as bytes of Windows-1252.
    let windows = u8::try_from(code).ok().filter(|byte| (0x80..=0x9f).contains(byte));
    let character = match windows {
        Some(byte) => CodePage::Windows1252.character(byte),
        None => char::from_u32(code).filter(|character| *character != '\0'),
    };
    Some(character.unwrap_or(char::REPLACEMENT_CHARACTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_read() {
        assert_eq!(entity("&ouml;l"), Some(('ö', 6)));
        assert_eq!(entity("&#229;"), Some(('å', 6)));
        assert_eq!(entity("&#xE5;"), Some(('å', 6)));
        assert_eq!(entity("&#150;"), Some(('–', 6)));
        assert_eq!(entity("&#0;"), Some(('\u{fffd}', 4)));
        assert_eq!(entity("&#55357;"), Some(('\u{fffd}', 8)));
    }

    #[test]
    fn an_ampersand_alone_means_itself() {
        for text in ["&", "& ", "&ouml", "&OUML;", "&nothing;", "&#;", "&#x;", "&#99999999999;", "&å;"] {
            assert_eq!(entity(text), None, "{text}");
        }
    }
}

//! Blanks that do not belong to a name, and characters that are lost.

use std::borrow::Cow;

use super::impression::is_latin_letter;

/// Whether a text is ASCII and has nothing that needs a closer look: most names.
pub(super) fn is_plain(text: &str) -> bool {
    let ends_well = |byte: Option<&u8>| byte.is_none_or(|byte| *byte != b' ');
    let bytes = text.as_bytes();
    let usual = |byte: &u8| matches!(byte, b' '..=b'>' | b'@'..=b'Z' | b'^'..=b'z' | b'~');
    bytes.iter().all(usual)
        && ends_well(bytes.first())
        && ends_well(bytes.last())
        && !bytes.windows(2).any(|pair| pair == b"  ")
}

/// The text without blanks at its ends, with one blank in place of several or of one that does not break,
/// and without soft hyphens. Borrowed when that is the text as it is.
pub(super) fn tidy(text: &str) -> Cow<'_, str> {
    let mut before = true;
    let mut tidy = !text.ends_with(is_blank);
    for character in text.chars() {
        let doubled = before && character == ' ';
        tidy &= !doubled && !is_odd(character);
        before = character == ' ';
    }
    if tidy {
        return Cow::Borrowed(text);
    }
    let visible: String = text.chars().filter(|character| *character != '\u{ad}').collect();
    let words = visible.split(is_blank).filter(|word| !word.is_empty());
    Cow::Owned(words.collect::<Vec<_>>().join(" "))
}

/// A blank other than the ordinary one, or a soft hyphen.
fn is_odd(character: char) -> bool {
    character == '\u{ad}' || (is_blank(character) && character != ' ')
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n' | '\u{a0}' | '\u{2007}' | '\u{202f}')
}

/// Whether characters of a name were replaced and are lost: it holds U+FFFD, or a question mark between
/// letters.
pub(super) fn has_lost_characters(text: &str) -> bool {
    text.contains(char::REPLACEMENT_CHARACTER)
        || text.match_indices('?').any(|(at, _)| stands_in_word(text, at))
}

fn stands_in_word(text: &str, at: usize) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[at + 1..].chars().next();
    before.is_some_and(is_latin_letter) && after.is_some_and(is_latin_letter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blanks_are_made_one() {
        for (text, expected) in [
            (" Berg ", "Berg"),
            ("von  Essen", "von Essen"),
            ("von\u{a0}Essen", "von Essen"),
            ("von \u{a0} Essen\t", "von Essen"),
            ("Lind\u{ad}berg", "Lindberg"),
            ("  ", ""),
        ] {
            assert_eq!(tidy(text), expected, "{text}");
        }
        assert!(matches!(tidy("von Essen"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_question_mark_in_a_word_is_a_lost_character() {
        for text in ["Sj?gren", "åke?berg", "\u{fffd}kerman", "\u{fffd}"] {
            assert!(has_lost_characters(text), "{text}");
        }
        for text in ["?", "Berg?", "?Berg", "Berg ?", "Berg? Ek", "Berg??Ek"] {
            assert!(!has_lost_characters(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_plain_text_is_tidy_and_whole(text in "[ -~]{0,12}") {
            if is_plain(&text) {
                prop_assert_eq!(&tidy(&text), &text);
                prop_assert!(!has_lost_characters(&text));
            }
        }

        #[test]
        fn a_tidy_text_stays(text in "[a \u{a0}\u{ad}\tå]{0,12}|\\PC*") {
            let once = tidy(&text);
            prop_assert_eq!(&tidy(&once), &once);
        }
    }
}

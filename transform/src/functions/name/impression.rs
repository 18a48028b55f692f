//! How much a text looks like a name.

/// What speaks for and against a text being a name as somebody wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Impression {
    /// Characters that stand in no name: signs, drawing characters, letters of other scripts.
    pub(super) strange: usize,
    /// Capitals where none belongs: after a small letter, or as the second of a word that goes on small.
    pub(super) case_breaks: usize,
    /// å, ä, ö, é and ü, small or capital.
    pub(super) swedish: usize,
    /// Latin letters outside ASCII.
    pub(super) accented: usize,
}

impl Impression {
    pub(super) fn of(text: &str) -> Self {
        let mut impression = Self::default();
        let mut before = [None, None];
        for character in text.chars() {
            let class = Class::of(character);
            impression.strange += usize::from(class == Class::Strange);
            impression.swedish += usize::from("åäöéüÅÄÖÉÜ".contains(character));
            impression.accented += usize::from(class.is_letter() && !character.is_ascii());
            impression.case_breaks += usize::from(is_case_break(before, class));
            before = [before[1], Some(class)];
        }
        impression
    }
}

/// What a character is in a name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Capital,
    Small,
    /// Blanks, hyphens, apostrophes, digits and the like.
    Between,
    /// What stands in no name.
    Strange,
}

impl Class {
    pub(super) fn of(character: char) -> Self {
        match character {
            // Where Swedish in seven bits has its letters.
            '[' | '\\' | ']' | '{' | '|' | '}' => Self::Strange,
            'a'..='z' => Self::Small,
            'A'..='Z' => Self::Capital,
            _ if character.is_ascii() => Self::Between,
            '\u{a0}' | '´' | '’' | '\u{300}'..='\u{36f}' => Self::Between,
            _ if !is_latin_letter(character) => Self::Strange,
            _ if character.is_uppercase() => Self::Capital,
            _ => Self::Small,
        }
    }

    const fn is_letter(self) -> bool {
        matches!(self, Self::Capital | Self::Small)
    }
}

/// A letter beyond ASCII of the Latin alphabets of Europe and Vietnam. The florin sign is a letter by
/// Unicode and in no name.
pub(super) fn is_latin_letter(character: char) -> bool {
    match character {
        '×' | '÷' | 'ƒ' => false,
        '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => true,
        _ => character.is_ascii_alphabetic(),
    }
}

fn is_case_break(before: [Option<Class>; 2], now: Class) -> bool {
    match (before, now) {
        ([_, Some(Class::Small)], Class::Capital) => true,
        ([None | Some(Class::Between | Class::Strange), Some(Class::Capital)], _) => false,
        ([Some(Class::Capital), Some(Class::Capital)], Class::Small) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> [usize; 4] {
        let Impression { strange, case_breaks, swedish, accented } = Impression::of(text);
        [strange, case_breaks, swedish, accented]
    }

    #[test]
    fn names_make_a_good_impression() {
        for name in ["Berg", "BERG", "Anna-Karin", "O'Brien", "von Essen", "Lena Å"] {
            assert_eq!(of(name)[..2], [0, 0], "{name}");
        }
        assert_eq!(of("Åkerström"), [0, 0, 2, 2]);
        assert_eq!(of("Łukasz Ñúñez"), [0, 0, 0, 4]);
    }

    #[test]
    fn signs_and_capitals_out_of_place_are_counted() {
        assert_eq!(of("Ã…berg"), [1, 0, 0, 1]);
        assert_eq!(of("McDonald"), [0, 1, 0, 0]);
        assert_eq!(of("HÕkan"), [0, 1, 0, 1]);
        assert_eq!(of("Bj÷rk"), [1, 0, 0, 0]);
        assert_eq!(of("Bσσ"), [2, 0, 0, 0]);
    }
}

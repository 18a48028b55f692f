//! How much a text looks like Swedish, by its pairs of letters.

use super::impression::Class;

/// How often a letter follows another in some twelve hundred Swedish names of persons, places and streets
/// and ordinary words: 0 never, 1 once or twice, 2 up to fourteen times, 3 more often. Rows are the first
/// letter, columns the second, both in the order: boundary of a word, a to z, å, ä, ö, é, ü.
const PAIRS: [&[u8; 32]; 32] = [
    b"03323333333333332133333302233300", // a boundary
    b"30223123301232301033312010000000", // a
    b"12100300022030030021000002012100", // b
    b"02000100220310000000000000000000", // c
    b"33202302121022110223112000011110", // d
    b"32223022220232310033302010010000", // e
    b"22000211022010020022211001022200", // f
    b"33202302021021220133222000022200", // g
    b"23000300012031230020020001022200", // h
    b"22223223100331321023302000000000", // i
    b"02001300000000120001020000003300", // j
    b"33000310122022230022122001012300", // k
    b"33202322232233122113332001022211", // l
    b"33200212021012221212111001022201", // m
    b"33303313130221330113222002022120", // n
    b"30222122200033310032212001000000", // o
    b"22000200020011102011000000021000", // p
    b"00000000000000000000003000000000", // q
    b"33303313232332331023322002022320", // r
    b"33201302223322232003323000022310", // s
    b"33100311232022130132321001122200", // t
    b"20102111000232301022201010000000", // u
    b"23002301130010010012010000023000", // v
    b"02000201020000000000000000011000", // w
    b"11000200001000000000000000000000", // x
    b"20112102000021200021001010000000", // y
    b"11000200000000000000000000000000", // z
    b"20201012200321300032200000000000", // å
    b"00022013000131301033201010000000", // ä
    b"20203022202223202032202100000100", // ö
    b"11000200000000210000000000000000", // é
    b"00100000000010000000000000000000", // ü
];

/// The letters beyond z, in the order of [`PAIRS`].
const BEYOND_Z: [char; 5] = ['å', 'ä', 'ö', 'é', 'ü'];

/// What a pair with a character that stands in no name costs.
const STRANGE: i32 = -2;

/// The sum of the scores of all pairs of a text, and how many pairs there are. What counts is the mean, because
/// a repair changes the length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Score {
    sum: i32,
    pairs: i32,
}

/// A character as a part of a pair.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A row and a column of the table.
    Known(usize),
    /// A letter that Swedish does not have.
    Foreign,
    /// A character that stands in no name.
    Strange,
}

/// The ends of a text, blanks, hyphens and the like.
const BOUNDARY: Part = Part::Known(0);

impl Part {
    fn of(character: char) -> Self {
        match Class::of(character) {
            Class::Between => return BOUNDARY,
            Class::Strange => return Self::Strange,
            Class::Capital | Class::Small => {}
        }
        let small = character.to_lowercase().next().unwrap_or(character);
        let ascii = u8::try_from(small).ok().filter(u8::is_ascii_lowercase);
        let place = match ascii {
            Some(letter) => Some(usize::from(letter - b'a')),
            None => BEYOND_Z.iter().position(|letter| *letter == small).map(|place| 26 + place),
        };
        place.map_or(Self::Foreign, |place| Self::Known(place + 1))
    }

    fn with(self, second: Self) -> i32 {
        match (self, second) {
            (Self::Strange, _) | (_, Self::Strange) => STRANGE,
            (Self::Foreign, _) | (_, Self::Foreign) => 0,
            (Self::Known(first), Self::Known(second)) => i32::from(PAIRS[first][second] - b'0'),
        }
    }
}

impl Score {
    pub(super) fn of(text: &str) -> Self {
        let mut score = Self { sum: 0, pairs: 0 };
        let mut before = BOUNDARY;
        for part in text.chars().map(Part::of).chain([BOUNDARY]) {
            if (before, part) != (BOUNDARY, BOUNDARY) {
                score.sum = score.sum.saturating_add(before.with(part));
                score.pairs = score.pairs.saturating_add(1);
            }
            before = part;
        }
        score
    }

    /// Whether the mean of this is strictly greater.
    pub(super) fn is_better_than(self, other: Self) -> bool {
        i64::from(self.sum) * i64::from(other.pairs) > i64::from(other.sum) * i64::from(self.pairs)
    }
}

/// Whether a letter with its neighbours makes pairs that Swedish has. At the ends of the text there is no
/// neighbour.
pub(super) fn is_ordinary(before: Option<char>, letter: char, after: Option<char>) -> bool {
    let part = |character: Option<char>| character.map_or(BOUNDARY, Part::of);
    let letter = Part::of(letter);
    part(before).with(letter) > 0 && letter.with(part(after)) > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn better(first: &str, second: &str) -> bool {
        Score::of(first).is_better_than(Score::of(second))
    }

    #[test]
    fn swedish_looks_more_like_swedish() {
        for (right, wrong) in [
            ("Åkerström", "┼kerstr÷m"),
            ("Åkerström", "\u{8f}kerstr”m"),
            ("Bäckström", "BÕckstr÷m"),
            ("Sjö", "Sj÷"),
            ("André", "AndrÚ"),
            ("Ö", "Ã–"),
        ] {
            assert!(better(right, wrong) && !better(wrong, right), "{right}");
        }
        assert!(!better("Lind", "Lind") && !better("LIND", "lind"));
    }

    #[test]
    fn every_place_of_the_table_is_a_score() {
        assert!(PAIRS.iter().all(|row| row.iter().all(|score| (b'0'..=b'3').contains(score))));
    }

    #[test]
    fn a_letter_is_ordinary_where_swedish_has_it() {
        assert!(is_ordinary(None, 'Å', Some('k')) && is_ordinary(Some('r'), 'ö', Some('m')));
        assert!(!is_ordinary(Some('i'), 'å', None) && !is_ordinary(Some('ö'), 'õ', Some('m')));
    }
}

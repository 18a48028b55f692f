//! Whether the letters of a column's texts were read as they were written.

use serde::Serialize;

/// What the letters of a column's texts say of their encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Encoding {
    /// The verdict.
    pub verdict: Verdict,
    /// What it rests on; `None` where the numbers would give away those of rare codes.
    pub counts: Option<EncodingCounts>,
}

/// A verdict on the encoding of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Only ASCII, which most encodings share: nothing can be said.
    Silent,
    /// Letters beyond ASCII, and all of them plausible.
    Right,
    /// Some texts show what becomes of letters that are read in another encoding than they were written in.
    Damaged,
}

/// How many values show what. A value can show several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EncodingCounts {
    /// Letters beyond ASCII.
    pub beyond_ascii: u64,
    /// Any of the damages below.
    pub damaged: u64,
    /// U+FFFD, which stands for a letter that is lost.
    pub lost: u64,
    /// UTF-8 that was read as an encoding of one byte: `Ã¥` for å.
    pub utf8_as_bytes: u64,
    /// A code page of DOS that was read as Windows-1252: `†` for å, `„` for ä, `”` for ö, within a word.
    pub dos_as_windows: u64,
    /// Swedish letters in seven bits: `}` for å, `{` for ä, `|` for ö, within a word.
    pub seven_bits: u64,
}

impl EncodingCounts {
    pub(super) fn see(&mut self, text: &str) {
        self.beyond_ascii += u64::from(!text.is_ascii());
        let lost = text.contains(char::REPLACEMENT_CHARACTER);
        let utf8 = pairs(text).any(|(before, after)| {
            matches!(before, 'Ã' | 'Â') && !after.is_alphanumeric() && !after.is_whitespace()
        });
        let dos = within_word(text, |one| matches!(one, '†' | '„' | '”' | '\u{8f}' | 'Ž' | '™'));
        let seven = !text.starts_with(['{', '<']) && within_word(text, |one| matches!(one, '{' | '}' | '|'));
        self.lost += u64::from(lost);
        self.utf8_as_bytes += u64::from(utf8);
        self.dos_as_windows += u64::from(dos);
        self.seven_bits += u64::from(seven);
        self.damaged += u64::from(lost || utf8 || dos || seven);
    }

    pub(super) fn verdict(self) -> Encoding {
        let verdict = match (self.damaged, self.beyond_ascii) {
            (0, 0) => Verdict::Silent,
            (0, _) => Verdict::Right,
            _ => Verdict::Damaged,
        };
        Encoding { verdict, counts: Some(self) }
    }
}

fn pairs(text: &str) -> impl Iterator<Item = (char, char)> {
    text.chars().zip(text.chars().skip(1))
}

/// Whether such a character stands between two letters.
fn within_word(text: &str, is_sign: impl Fn(char) -> bool) -> bool {
    let triples = pairs(text).zip(text.chars().skip(2));
    let letter = |one: char| one.is_ascii_alphabetic();
    triples.into_iter().any(|((before, sign), after)| is_sign(sign) && letter(before) && letter(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told_by_what_it_looks_like() {
        let verdict = |texts: &[&str]| {
            let mut counts = EncodingCounts::default();
            texts.iter().for_each(|text| counts.see(text));
            counts.verdict()
        };
        assert_eq!(verdict(&["Ek", "Berg"]).verdict, Verdict::Silent);
        assert_eq!(verdict(&["Åsa", "Sjöberg", "50 % – 60 %"]).verdict, Verdict::Right);
        let found = verdict(&["Ã…sa", "Sj”berg", "Sj|berg", "Sj\u{fffd}berg", "Sjöberg", "{\\rtf1 a}b"]);
        let counts = found.counts.unwrap();
        assert_eq!((found.verdict, counts.damaged), (Verdict::Damaged, 4));
        let kinds = [counts.utf8_as_bytes, counts.dos_as_windows, counts.seven_bits, counts.lost];
        assert_eq!(kinds, [1, 1, 1, 1]);
    }
}

//! Whether the letters of a column's texts were read as they were written.

use serde::Serialize;

use crate::damage::Damage;

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
    /// Damage of letters: any of the kinds below but control characters.
    pub damaged: u64,
    /// The damage by kind.
    #[serde(flatten)]
    pub damage: Damage,
}

impl EncodingCounts {
    pub(super) fn see(&mut self, text: &str) {
        let damage = Damage::of_text(text, None);
        self.beyond_ascii += u64::from(!text.is_ascii());
        self.damaged += u64::from(damage.is_of_letters());
        self.damage.add(damage);
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
        let found =
            verdict(&["Ã…sa", "Sj”berg", "Sj|berg", "Sj\u{fffd}berg", "Sjöberg", "{\\rtf1 a}b", "a\0"]);
        let counts = found.counts.unwrap();
        assert_eq!((found.verdict, counts.damaged), (Verdict::Damaged, 4));
        let each = Damage { control: 1, lost: 1, misread: 1, other_page: 1, seven_bit: 1 };
        assert_eq!(counts.damage, each);
        assert_eq!(verdict(&["a\0"]).verdict, Verdict::Silent, "no letter is damaged");
    }
}

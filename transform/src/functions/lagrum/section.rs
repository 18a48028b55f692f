//! One section of a law, and how it is read.

use super::law::Numbering;
use super::token::Token;

/// A section of a law. Numbers start at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// Kapitel, in laws that have them.
    pub(super) chapter: Option<u16>,
    /// Paragraf.
    pub(super) number: u16,
    /// The small letter after the number of a section that was put in later.
    pub(super) letter: Option<char>,
    /// Stycke.
    pub(super) paragraph: Option<u16>,
    /// Punkt.
    pub(super) point: Option<u16>,
}

/// Reads sections from tokens, front to back.
pub(super) struct Reader<'a, 't> {
    pub(super) tokens: &'a [Token<'t>],
    pub(super) numbering: Numbering,
}

impl<'t> Reader<'_, 't> {
    /// All sections until the end; `None` when anything is left that is not understood.
    pub(super) fn sections(&mut self) -> Option<Vec<Section>> {
        let mut sections: Vec<Section> = Vec::new();
        loop {
            let section = self.section(sections.last())?;
            sections.push(section);
            if self.tokens.is_empty() {
                return Some(sections);
            }
            self.eat(Token::And).then_some(())?;
        }
    }

    fn section(&mut self, before: Option<&Section>) -> Option<Section> {
        let mut signed = self.eat_signs();
        let first = self.number()?;
        let mut section =
            Section { chapter: None, number: first, letter: None, paragraph: None, point: None };
        if self.eat_word(&["kap", "kapitel"]) {
            self.eat(Token::Dot);
            self.eat_signs();
            section.chapter = Some(first);
            section.number = self.number()?;
            section.letter = self.letter();
        } else if self.eat(Token::Colon) || self.eat(Token::Dot) {
            let second = self.number()?;
            if self.numbering == Numbering::Through {
                section.point = Some(second);
            } else {
                (section.chapter, section.number) = (Some(first), second);
                section.letter = self.letter();
            }
        } else {
            section.letter = self.letter();
            signed |= self.next_is(Token::Sign);
            section.chapter = Self::chapter_from(before, signed)?;
        }
        let signed = self.eat_signs();
        self.parts(&mut section, signed)?;
        self.is_numbered_rightly(&section).then_some(section)
    }

    /// A section without a chapter of its own is in the chapter of the section before. `None` when it
    /// may be no section at all: in `9 § 4, 5` the 5 is a point.
    fn chapter_from(before: Option<&Section>, signed: bool) -> Option<Option<u16>> {
        match before {
            Some(before) if !signed && (before.paragraph.is_some() || before.point.is_some()) => None,
            before => Some(before.and_then(|before| before.chapter)),
        }
    }

    /// Stycke and punkt, in this order, each of which can be left out.
    fn parts(&mut self, section: &mut Section, signed: bool) -> Option<()> {
        const PARAGRAPH: &[&str] = &["st", "stycket", "stycke"];
        const POINT: &[&str] = &["p", "punkt", "punkten", "pkt"];
        if let Some(number) = self.part(PARAGRAPH) {
            section.paragraph = Some(number);
        }
        let point = self.part(POINT).or_else(|| if signed { self.number() } else { None });
        match (section.point, point) {
            (Some(_), Some(_)) => None,
            (None, point @ Some(_)) => {
                section.point = point;
                Some(())
            }
            (_, None) => Some(()),
        }
    }

    /// `2 st.`, `st. 2` or `andra stycket`.
    fn part(&mut self, words: &[&str]) -> Option<u16> {
        let is_word = |token: &Token<'_>| matches!(token, Token::Word(word) if one_of(word, words));
        match self.tokens {
            [Token::Number(number), word, ..] if is_word(word) && *number > 0 => {
                let number = *number;
                self.skip(2);
                self.eat(Token::Dot);
                Some(number)
            }
            [Token::Word(word), second, ..] if is_word(second) => {
                let number = ordinal(word)?;
                self.skip(2);
                Some(number)
            }
            [word, Token::Dot, Token::Number(number), ..] | [word, Token::Number(number), ..]
                if is_word(word) && *number > 0 =>
            {
                let number = *number;
                self.skip(1);
                self.eat(Token::Dot);
                self.skip(1);
                Some(number)
            }
            _ => None,
        }
    }

    fn is_numbered_rightly(&self, section: &Section) -> bool {
        match self.numbering {
            Numbering::ByChapter => section.chapter.is_some(),
            Numbering::Through => section.chapter.is_none(),
            Numbering::ByVersion => true,
        }
    }

    fn number(&mut self) -> Option<u16> {
        let [Token::Number(number @ 1..), ..] = self.tokens else { return None };
        self.skip(1);
        Some(*number)
    }

    /// The letter of `2 a §`. No law has a section p, and `9 p 4` is a point.
    fn letter(&mut self) -> Option<char> {
        let [Token::Word(word), ..] = self.tokens else { return None };
        let mut characters = word.chars();
        let letter = characters.next().filter(char::is_ascii_alphabetic)?.to_ascii_lowercase();
        if letter == 'p' || characters.next().is_some() {
            return None;
        }
        self.skip(1);
        Some(letter)
    }

    fn eat_signs(&mut self) -> bool {
        let mut any = false;
        while self.eat(Token::Sign) {
            any = true;
        }
        any
    }

    fn eat_word(&mut self, words: &[&str]) -> bool {
        let found = matches!(self.tokens, [Token::Word(word), ..] if one_of(word, words));
        if found {
            self.skip(1);
        }
        found
    }

    fn eat(&mut self, token: Token<'_>) -> bool {
        let found = self.next_is(token);
        if found {
            self.skip(1);
        }
        found
    }

    fn next_is(&self, token: Token<'_>) -> bool {
        self.tokens.first() == Some(&token)
    }

    fn skip(&mut self, count: usize) {
        self.tokens = &self.tokens[count..];
    }
}

fn one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|other| word.eq_ignore_ascii_case(other))
}

fn ordinal(word: &str) -> Option<u16> {
    const ORDINALS: [(&str, u16); 5] =
        [("första", 1), ("andra", 2), ("tredje", 3), ("fjärde", 4), ("femte", 5)];
    ORDINALS.iter().find(|(name, _)| word.to_lowercase() == *name).map(|(_, number)| *number)
}

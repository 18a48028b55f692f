//! A text as sections of one law, and back.

use super::law::Law;
use super::section::{Reader, Section};
use super::token::{Token, tokens};

/// Room for nearly every reference, so that it is not made in several steps.
const USUAL_LENGTH: usize = 32;

/// Sections of one law.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reading {
    law: &'static Law,
    /// The number in Svensk författningssamling, when the text gives it.
    version: Option<(u16, u16)>,
    /// At least one.
    sections: Vec<Section>,
}

/// Reads a text that names sections of exactly one law, before or after the law's name, with the law's
/// number in Svensk författningssamling in parentheses or without. Chapters and points must be of the
/// kind that the law has.
pub(super) fn read(text: &str) -> Option<Reading> {
    let tokens = tokens(text)?;
    let (place, law) =
        tokens.iter().enumerate().find_map(|(place, token)| law_of(token).map(|law| (place, law)))?;
    let (before, after) = (&tokens[..place], &tokens[place + 1..]);
    let (version, after) = match after {
        [Token::Open, Token::Number(year), Token::Colon, Token::Number(number), Token::Close, after @ ..] => {
            law.has_version((*year, *number)).then_some(())?;
            (Some((*year, *number)), after)
        }
        _ => (None, after),
    };
    let sections = match (before, after) {
        (sections, []) | ([], sections) => sections,
        _ => return None,
    };
    let sections = Reader { tokens: sections, numbering: law.numbering }.sections()?;
    Some(Reading { law, version, sections })
}

fn law_of(token: &Token<'_>) -> Option<&'static Law> {
    if let Token::Word(word) = token { Law::find(word) } else { None }
}

impl Reading {
    /// `SoL 4:1`; `SoL(2025:400) 11:1`; `LVU 2; LVU 3`. A section is `chapter:number` or `number`, with
    /// its letter, then ` st2` for stycke 2, then ` p4` for punkt 4.
    pub(super) fn canonical(&self) -> String {
        let mut text = String::with_capacity(USUAL_LENGTH);
        for (index, section) in self.sections.iter().enumerate() {
            text.push_str(if index == 0 { "" } else { "; " });
            self.push_canonical(&mut text, *section);
        }
        text
    }

    fn push_canonical(&self, text: &mut String, section: Section) {
        text.push_str(self.law.name);
        if let Some((year, number)) = self.version {
            push_part(text, "(", year);
            push_part(text, ":", number);
            text.push(')');
        }
        text.push(' ');
        if let Some(chapter) = section.chapter {
            push_part(text, "", chapter);
            text.push(':');
        }
        push_part(text, "", section.number);
        text.extend(section.letter);
        if let Some(paragraph) = section.paragraph {
            push_part(text, " st", paragraph);
        }
        if let Some(point) = section.point {
            push_part(text, " p", point);
        }
    }

    /// Whether the text is spelled as in the law itself: `4 kap. 1 § SoL`, `9 § 4 LSS`, `2 a § LVU`,
    /// `4 kap. 1 § 2 st. SoL`. From such a text nothing is lost.
    pub(super) fn is_spelled_plainly(&self, text: &str) -> bool {
        self.plain_spelling().as_deref() == Some(text)
    }

    /// The spelling of the law itself, which there is for a single section without the law's number.
    pub(super) fn plain_spelling(&self) -> Option<String> {
        match self.sections[..] {
            [section] if self.version.is_none() => Some(plain_spelling(section, self.law)),
            _ => None,
        }
    }

    /// Whether the law of the number that the text gives was in force on a day since 1970-01-01. A law without
    /// its number is that of the day.
    pub(super) fn was_in_force(&self, day: i32) -> bool {
        self.version.is_none_or(|version| self.law.was_in_force(version, day))
    }
}

fn plain_spelling(section: Section, law: &Law) -> String {
    let mut text = String::with_capacity(USUAL_LENGTH);
    if let Some(chapter) = section.chapter {
        push_part(&mut text, "", chapter);
        text.push_str(" kap. ");
    }
    push_part(&mut text, "", section.number);
    if let Some(letter) = section.letter {
        text.push(' ');
        text.push(letter);
    }
    text.push_str(" §");
    if let Some(paragraph) = section.paragraph {
        push_part(&mut text, " ", paragraph);
        text.push_str(" st.");
    }
    if let Some(point) = section.point {
        push_part(&mut text, " ", point);
    }
    text.push(' ');
    text.push_str(law.name);
    text
}

/// Adds a number after what stands before it. Sections are read a million times, and the machinery of formatting
/// takes longer than all the rest.
fn push_part(text: &mut String, before: &str, number: u16) {
    text.push_str(before);
    let mut place = 10_000;
    while place > 1 && number < place {
        place /= 10;
    }
    while place > 0 {
        text.push(char::from(b'0' + u8::try_from(number / place % 10).expect("it is one digit")));
        place /= 10;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(text: &str) -> Option<String> {
        read(text).map(|reading| reading.canonical())
    }

    #[test]
    fn letters_paragraphs_and_points_are_read() {
        let cases = [
            ("4 kap. 2 a § SoL", "SoL 4:2a"),
            ("SoL 4:2a", "SoL 4:2a"),
            ("21 c § LSS", "LSS 21c"),
            ("4 kap. 1 § första stycket SoL", "SoL 4:1 st1"),
            ("4 kap 1 § st 2 p 3 SoL", "SoL 4:1 st2 p3"),
            ("LSS § 9 p 4", "LSS 9 p4"),
            ("LSS 9 § punkt 10", "LSS 9 p10"),
            ("9 § 4 p LSS", "LSS 9 p4"),
            ("1 § LSS", "LSS 1"),
            ("5 kap. 1 § HSL", "HSL 5:1"),
            ("18 § HSL (1982:763)", "HSL(1982:763) 18"),
            ("4 kap. 1 § socialtjänstlagen (2001:453)", "SoL(2001:453) 4:1"),
            ("11 kap 4, 7 §§ FB", "FB 11:4; FB 11:7"),
            ("2 och 3 §§ lvu", "LVU 2; LVU 3"),
            ("LSS 9:4, 9:5", "LSS 9 p4; LSS 9 p5"),
            ("9 § 4, 10 § LSS", "LSS 9 p4; LSS 10"),
            (" 4 kap.1§  SoL ", "SoL 4:1"),
        ];
        for (text, expected) in cases {
            assert_eq!(canonical(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_certain_is_not_read() {
        let unread = [
            "",
            " ",
            "-",
            "§",
            "SoL",
            "SoL §",
            "SoL 4",
            "4 § SoL",
            "LSS 4 kap 1 §",
            "4:1",
            "SoL LSS 4:1",
            "SoL 4:1 LSS 9:4",
            "SoL 4:0",
            "SoL 0:1",
            "SoL 4:1+",
            "SoL +4:1",
            "SoL 4:1:2",
            "4 kap SoL 1 §",
            "SoL (2001:454) 4:1",
            "SoL (2001:453",
            "SoL 2001:453 4:1",
            "9 § 4, 5 LSS",
            "enl SoL 4:1",
            "SoL 4:1 m.m.",
            "SoL 4:1?",
            "SoL 4-5:1",
            "SoL 99999:1",
            "2-3 §§ LVU",
            "XYZ 4:1",
            "LVU 2 st",
            "LSS 9:4 p 5",
        ];
        for text in unread {
            assert_eq!(canonical(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_plain_spelling_of_one_section_is_plain() {
        let plain = |text: &str| read(text).is_some_and(|reading| reading.is_spelled_plainly(text));
        for text in [
            "4 kap. 1 § SoL",
            "4 kap. 2 a § SoL",
            "9 § 4 LSS",
            "2 § LVU",
            "4 kap. 1 § 2 st. SoL",
            "11 kap. 4 § FB",
        ] {
            assert!(plain(text), "{text}");
        }
        for text in [
            "4 kap. 1 § sol",
            " 4 kap. 1 § SoL",
            "04 kap. 1 § SoL",
            "2, 3 §§ LVU",
            "4 kap. 1 § SoL (2001:453)",
        ] {
            assert!(read(text).is_some() && !plain(text), "{text}");
        }
    }

    #[test]
    fn prose_of_any_length_is_refused() {
        assert_eq!(canonical(&"4:1+".repeat(10_000)), None);
        assert_eq!(canonical(&format!("SoL {}", vec!["4:1"; 10_000].join("+"))), None);
    }

    #[test]
    fn numbers_are_written_as_ever() {
        for number in [0, 1, 9, 10, 99, 100, 2001, 9_999, 10_000, u16::MAX] {
            let mut text = String::from("a");
            push_part(&mut text, " p", number);
            assert_eq!(text, format!("a p{number}"));
        }
    }

    fn sections() -> impl Strategy<Value = (Section, &'static str)> {
        let numbers = (1_u16.., 1_u16.., proptest::option::of("[a-o]"), proptest::option::of(1_u16..));
        (numbers, proptest::option::of(1_u16..), any::<bool>()).prop_map(
            |((chapter, number, letter, paragraph), point, by_chapter)| {
                let letter = letter.and_then(|letter| letter.chars().next());
                let chapter = by_chapter.then_some(chapter);
                (
                    Section { chapter, number, letter, paragraph, point },
                    if by_chapter { "SoL" } else { "LSS" },
                )
            },
        )
    }

    proptest! {
        #[test]
        fn the_plain_spelling_is_read_back((section, law) in sections()) {
            let text = plain_spelling(section, Law::find(law).unwrap());
            let reading = read(&text).unwrap();
            prop_assert_eq!(&reading.sections[..], &[section][..]);
            prop_assert!(reading.is_spelled_plainly(&text));
        }

        #[test]
        fn the_canonical_form_reads_as_itself((section, law) in sections()) {
            let law = Law::find(law).unwrap();
            let canonical = Reading { law, version: None, sections: vec![section] }.canonical();
            prop_assert_eq!(read(&canonical).map(|reading| reading.canonical()), Some(canonical));
        }

        #[test]
        fn any_text_is_read_without_failure(text in "\\PC*|[0-9a-zåäö§:.,+() ]{0,30}SoL[0-9§:., kapst]{0,20}") {
            let _ = read(&text);
        }
    }
}

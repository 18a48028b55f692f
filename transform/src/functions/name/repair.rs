//! Undoes that text was read in another code page than it was written in.
//!
//! A wrong repair would change a person's name, so the bar is high: the misreading must explain every
//! character of the text, the result must hold nothing strange, and it must look more like a name than
//! the text as found. Estonian `Jõgi` could be a misread `Jägi`, but it is a name as it stands.

use super::code_page::CodePage;
use super::impression::{Impression, is_latin_letter};

/// One way in which text came to harm.
struct Misreading {
    written: CodePage,
    read: CodePage,
    evidence: Evidence,
}

/// What must be seen beside a better impression.
#[derive(Clone, Copy)]
enum Evidence {
    /// Bytes that happen to be UTF-8 are evidence enough: any accented letter may come out.
    Utf8,
    /// More Swedish letters, one of them beside a letter: nobody draws boxes in a name.
    SwedishLetter,
    /// More Swedish letters, one of them where a quotation mark or a dagger would not stand: before a
    /// letter, and after one or as a capital.
    SwedishLetterInWord,
}

/// In the order in which they are tried; the first of the best wins.
const MISREADINGS: [Misreading; 8] = [
    Misreading { written: CodePage::Utf8, read: CodePage::Windows1252, evidence: Evidence::Utf8 },
    Misreading { written: CodePage::Utf8, read: CodePage::Latin1, evidence: Evidence::Utf8 },
    Misreading { written: CodePage::Utf8, read: CodePage::Dos850, evidence: Evidence::Utf8 },
    Misreading { written: CodePage::Utf8, read: CodePage::Dos437, evidence: Evidence::Utf8 },
    Misreading { written: CodePage::Windows1252, read: CodePage::Dos850, evidence: Evidence::SwedishLetter },
    Misreading { written: CodePage::Windows1252, read: CodePage::Dos437, evidence: Evidence::SwedishLetter },
    Misreading {
        written: CodePage::Dos850,
        read: CodePage::Windows1252,
        evidence: Evidence::SwedishLetterInWord,
    },
    Misreading { written: CodePage::Dos850, read: CodePage::Latin1, evidence: Evidence::SwedishLetterInWord },
];

/// The name that was read wrongly; `None` when the text is fine as it is or nothing explains it.
pub(super) fn repair(text: &str) -> Option<String> {
    let found = Impression::of(text);
    if found.strange == 0 && found.case_breaks == 0 {
        return None;
    }
    let candidates = MISREADINGS.iter().flat_map(|misreading| misreading.undo(text, found));
    candidates.min_by_key(|candidate| Impression::of(candidate).case_breaks)
}

impl Misreading {
    /// The texts that this misreading would have turned into the text as found, as far as they look
    /// like names. The harm may have been done twice.
    fn undo(&self, text: &str, found: Impression) -> Vec<String> {
        let once = self.undo_once(text);
        let twice = match self.evidence {
            Evidence::Utf8 => once.as_deref().and_then(|once| self.undo_once(once)),
            Evidence::SwedishLetter | Evidence::SwedishLetterInWord => None,
        };
        let candidates = [once, twice].into_iter().flatten();
        candidates.filter(|candidate| self.accepts(text, found, candidate)).collect()
    }

    fn undo_once(&self, text: &str) -> Option<String> {
        let repaired = self.written.decode(self.read.encode(text)?)?;
        let again = self.written.encode(&repaired).and_then(|bytes| self.read.decode(bytes));
        (repaired != text && again.as_deref() == Some(text)).then_some(repaired)
    }

    fn accepts(&self, text: &str, found: Impression, candidate: &str) -> bool {
        let better = Impression::of(candidate);
        let looks_better = better.strange == 0
            && better.case_breaks <= found.case_breaks
            && (found.strange > 0 || better.case_breaks < found.case_breaks);
        let more_swedish = better.swedish > found.swedish;
        looks_better
            && match self.evidence {
                Evidence::Utf8 => better.accented > 0,
                Evidence::SwedishLetter => more_swedish && any_changed(text, candidate, stands_by_letter),
                Evidence::SwedishLetterInWord => more_swedish && any_changed(text, candidate, stands_in_word),
            }
    }
}

/// A raised 3 would be an ü, and stands after the m of cubic metres.
fn stands_by_letter(before: Option<char>, changed: char, after: Option<char>) -> bool {
    is_letter(after) || (is_letter(before) && changed != 'ü')
}

fn stands_in_word(before: Option<char>, changed: char, after: Option<char>) -> bool {
    is_letter(after) && (is_letter(before) || changed.is_uppercase())
}

/// Whether a changed character of the repaired text satisfies a condition over what stands before it,
/// itself and what stands after it. Both texts have the same number of characters.
fn any_changed(text: &str, repaired: &str, holds: fn(Option<char>, char, Option<char>) -> bool) -> bool {
    let mut before = None;
    let mut characters = repaired.chars().zip(text.chars()).peekable();
    while let Some((now, was)) = characters.next() {
        let after = characters.peek().map(|(after, _)| *after);
        if now != was && holds(before, now, after) {
            return true;
        }
        before = Some(now);
    }
    false
}

fn is_letter(character: Option<char>) -> bool {
    character.is_some_and(is_latin_letter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 8] = [
        "Åkerström",
        "Älgström",
        "Sjögren-Håkansson",
        "Märta Åsa Örjansdotter",
        "ÅKERSTRÖM",
        "Lindström",
        "Karl-Åke",
        "Ståhl",
    ];

    fn harmed(name: &str, misreading: &Misreading) -> String {
        misreading.read.decode(misreading.written.encode(name).unwrap()).unwrap()
    }

    #[test]
    fn swedish_names_come_back_from_every_misreading() {
        for misreading in &MISREADINGS {
            for name in NAMES {
                let harmed = harmed(name, misreading);
                assert_eq!(repair(&harmed).as_deref(), Some(name), "{harmed}");
            }
        }
    }

    #[test]
    fn harm_done_twice_is_undone() {
        for name in NAMES {
            let harmed = harmed(&harmed(name, &MISREADINGS[0]), &MISREADINGS[0]);
            assert_eq!(repair(&harmed).as_deref(), Some(name), "{harmed}");
        }
    }

    #[test]
    fn a_misreading_that_looks_like_a_name_stays() {
        for (name, looks_like) in [("Öberg", "Íberg"), ("Järn", "Jõrn")] {
            assert_eq!(harmed(name, &MISREADINGS[4]), looks_like);
            assert_eq!(repair(looks_like), None);
        }
    }

    #[test]
    fn a_case_break_alone_can_tell() {
        assert_eq!(repair("BjÕrk").as_deref(), Some("Bjårk"));
        assert_eq!(repair("HÕkan").as_deref(), Some("Håkan"));
        assert_eq!(repair("AndrÚ").as_deref(), Some("André"));
    }

    #[test]
    fn a_letter_at_the_end_of_a_word_comes_back() {
        assert_eq!(repair("Sj÷").as_deref(), Some("Sjö"));
        assert_eq!(repair("M³ller").as_deref(), Some("Müller"));
    }

    #[test]
    fn names_that_are_right_stay() {
        let right = [
            "Åkerström",
            "Jõgi",
            "Õunapuu",
            "JÕGI",
            "João",
            "Ñúñez",
            "Đorđević",
            "Müller",
            "Żółkiewski",
            "Nguyễn",
            "McÅberg",
            "Anna ”Kicki” Berg",
            "Anna ”kicki” berg",
            "Anna “Kicki” Berg",
            "„Hans“ Berg",
            "Karl †",
            "Karl†",
            "† Karl",
            "†Karl",
            "Anna–Maria",
            "Anna – Maria",
            "Anna — Maria",
            "O’Brien",
            "O´Brien",
            "Berg ½",
            "Иванов",
            "Σωκράτης",
            "محمد",
            "Lars\u{a0}Berg",
            "A\u{30a}sa",
            "Ãlvares",
            "©",
            "Â",
            "Ã",
            "Â Berg",
            "─",
            "÷",
            "3 ÷ 4",
            "Berg ™",
            "Berg™",
            "12 m³",
            "5 m²",
        ];
        for name in right {
            assert_eq!(repair(name), None, "{name}");
        }
    }

    #[test]
    fn a_text_with_right_and_wrong_letters_stays() {
        assert_eq!(repair("Ã…kerström"), None, "no single misreading explains it");
    }

    proptest! {
        #[test]
        fn a_repair_can_always_be_undone(text in "[A-Za-zÃÂâ€¦¶¤¥„†”™├┼÷─Õõσ \u{84}\u{86}\u{94}]{0,12}|\\PC*") {
            if let Some(repaired) = repair(&text) {
                let once = |repaired: &str| MISREADINGS.iter().any(|misreading| {
                    let harmed = misreading.written.encode(repaired).and_then(|bytes| misreading.read.decode(bytes));
                    harmed.as_deref() == Some(&text)
                });
                let twice = || MISREADINGS.iter().any(|misreading| {
                    misreading.written.encode(&repaired).and_then(|bytes| misreading.read.decode(bytes))
                        .is_some_and(|harmed| once(&harmed))
                });
                prop_assert!(once(&repaired) || twice());
                prop_assert_eq!(Impression::of(&repaired).strange, 0);
            }
        }
    }
}

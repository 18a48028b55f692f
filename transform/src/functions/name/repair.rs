//! Undoes that text was read in another code page than it was written in.
//!
//! A wrong repair would change a person's name, so the bar is high: the misreading must explain every
//! character of the text, the result must hold nothing strange, it must look more like a name than the text
//! as found, and its pairs of letters must score strictly better as Swedish. Estonian `Jõgi` could be a
//! misread `Jägi`, but it is a name as it stands.

use super::super::code_page::CodePage;
use super::bigrams::{Score, is_ordinary};
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
    /// More Swedish letters, each of them beside a letter and in pairs that Swedish has: brackets are ordinary
    /// signs.
    OrdinaryLetters,
}

/// In the order in which they are tried; the first of the best wins.
static MISREADINGS: [Misreading; 11] = [
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
    Misreading {
        written: CodePage::MacRoman,
        read: CodePage::Windows1252,
        evidence: Evidence::SwedishLetterInWord,
    },
    Misreading {
        written: CodePage::MacRoman,
        read: CodePage::Latin1,
        evidence: Evidence::SwedishLetterInWord,
    },
    Misreading { written: CodePage::Swedish7Bit, read: CodePage::Ascii, evidence: Evidence::OrdinaryLetters },
];

/// Letters of Swedish names, and the letter and the mark above that they are taken apart into.
const COMPOSED: [(char, [char; 2]); 10] = [
    ('å', ['a', '\u{30a}']),
    ('ä', ['a', '\u{308}']),
    ('ö', ['o', '\u{308}']),
    ('é', ['e', '\u{301}']),
    ('ü', ['u', '\u{308}']),
    ('Å', ['A', '\u{30a}']),
    ('Ä', ['A', '\u{308}']),
    ('Ö', ['O', '\u{308}']),
    ('É', ['E', '\u{301}']),
    ('Ü', ['U', '\u{308}']),
];

/// A name that was put right, and how it had come to harm.
pub(super) struct Repair {
    pub(super) name: String,
    harm: Harm,
}

#[derive(Clone, Copy)]
enum Harm {
    /// Letters were taken apart from the mark above them.
    TakenApart,
    /// Read in another code page than it was written in.
    Misread(&'static Misreading),
}

impl Repair {
    /// The code page it was written in, and the one it was read in.
    pub(super) fn reading(&self) -> String {
        match self.harm {
            Harm::TakenApart => "nfd→nfc".to_owned(),
            Harm::Misread(how) => format!("{}→{}", how.written.label(), how.read.label()),
        }
    }
}

/// The name that was read wrongly; `None` when the text is fine as it is or nothing explains it.
pub(super) fn repair(text: &str) -> Option<Repair> {
    if let Some(name) = composed(text) {
        return Some(Repair { name, harm: Harm::TakenApart });
    }
    let found = Impression::of(text);
    if found.strange == 0 && found.case_breaks == 0 {
        return None;
    }
    let candidates = MISREADINGS.iter().flat_map(|misreading| {
        misreading
            .undo(text, found)
            .into_iter()
            .map(move |name| Repair { name, harm: Harm::Misread(misreading) })
    });
    let scored = candidates.map(|one| (Impression::of(&one.name).case_breaks, Score::of(&one.name), one));
    let best = scored.reduce(|best, other| {
        let better = other.0 < best.0 || (other.0 == best.0 && other.1.is_better_than(best.1));
        if better { other } else { best }
    });
    best.map(|(.., repair)| repair)
}

/// The text with letters in place of a letter and a mark above, as some systems keep them apart. `None` when
/// there are none, or when it also holds such letters in one piece, so that the way back would be lost.
fn composed(text: &str) -> Option<String> {
    if !text.contains(['\u{301}', '\u{308}', '\u{30a}']) || text.contains(COMPOSED.map(|(letter, _)| letter))
    {
        return None;
    }
    let mut composed = String::with_capacity(text.len());
    for character in text.chars() {
        let base = composed.chars().next_back();
        let letter = COMPOSED.iter().find(|(_, [first, mark])| *mark == character && Some(*first) == base);
        match letter {
            Some((letter, _)) => {
                composed.pop();
                composed.push(*letter);
            }
            None => composed.push(character),
        }
    }
    (composed != text).then_some(composed)
}

impl Misreading {
    /// The texts that this misreading would have turned into the text as found, as far as they look
    /// like names. The harm may have been done twice.
    fn undo(&self, text: &str, found: Impression) -> Vec<String> {
        let once = self.undo_once(text);
        let twice = match self.evidence {
            Evidence::Utf8 => once.as_deref().and_then(|once| self.undo_once(once)),
            Evidence::SwedishLetter | Evidence::SwedishLetterInWord | Evidence::OrdinaryLetters => None,
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
            && Score::of(candidate).is_better_than(Score::of(text))
            && match self.evidence {
                Evidence::Utf8 => better.accented > 0,
                Evidence::SwedishLetter => more_swedish && any_changed(text, candidate, stands_by_letter),
                Evidence::SwedishLetterInWord => more_swedish && any_changed(text, candidate, stands_in_word),
                Evidence::OrdinaryLetters => {
                    let is_odd = |before, letter, after| {
                        !is_ordinary(before, letter, after) || !stands_by_letter(before, letter, after)
                    };
                    more_swedish && !any_changed(text, candidate, is_odd)
                }
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
fn any_changed(text: &str, repaired: &str, holds: impl Fn(Option<char>, char, Option<char>) -> bool) -> bool {
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

    fn repair(text: &str) -> Option<String> {
        super::repair(text).map(|repair| repair.name)
    }

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
        // Macintosh read as Windows is left out: there å, ä and ö look like letters of other names.
        let looks_like_names = |misreading: &&Misreading| {
            (misreading.written, misreading.read) == (CodePage::MacRoman, CodePage::Windows1252)
        };
        for misreading in MISREADINGS.iter().filter(|misreading| !looks_like_names(misreading)) {
            for name in NAMES {
                let harmed = harmed(name, misreading);
                assert_eq!(repair(&harmed).as_deref(), Some(name), "{harmed}");
            }
        }
    }

    #[test]
    fn the_damage_of_each_misreading_is_known_and_undone() {
        let damage = [
            "Ã…kerstrÃ¶m",
            "Ã\u{85}kerstrÃ¶m",
            "├àkerstr├Âm",
            "├àkerstr├╢m",
            "┼kerstr÷m",
            "┼kerstr÷m",
            "\u{8f}kerstr”m",
            "\u{8f}kerstr\u{94}m",
            "\u{81}kerstršm",
            "\u{81}kerstr\u{9a}m",
            "]kerstr|m",
        ];
        for (misreading, damage) in MISREADINGS.iter().zip(damage) {
            assert_eq!(harmed("Åkerström", misreading), damage);
            assert_eq!(repair(damage).as_deref(), Some("Åkerström"), "{damage}");
        }
    }

    #[test]
    fn letters_that_were_taken_apart_are_put_together() {
        assert_eq!(repair("A\u{30a}kerstro\u{308}m").as_deref(), Some("Åkerström"));
        assert_eq!(repair("Andre\u{301}").as_deref(), Some("André"));
        for stays in ["Åkerstro\u{308}m", "s\u{30c}", "\u{308}", "i\u{308}"] {
            assert_eq!(repair(stays), None, "{stays}");
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
            "Anna [Kicki] Berg",
            "[Anna]",
            "anna {kicki} berg",
            "Berg\\Ek",
            "Berg|Ek",
            "Bjšrk",
            "Škoda",
            "Žižka",
            "Œuvre",
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
                let apart = || COMPOSED.iter().fold(repaired.clone(), |text, (letter, parts)| {
                    text.replace(*letter, &String::from_iter(parts))
                });
                prop_assert!(once(&repaired) || twice() || apart() == text);
                prop_assert_eq!(Impression::of(&repaired).strange, 0);
            }
        }
    }
}

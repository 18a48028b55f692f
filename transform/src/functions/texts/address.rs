//! The check for an address in running text.

use bron_mappings::{FunctionKind, FunctionSpec, ReasonCode};

use super::super::{Build, Function, check, given};

/// What Swedish names of streets end with, in small letters.
const STREET_ENDINGS: [&str; 24] = [
    "gatan",
    "gata",
    "vägen",
    "väg",
    "gränd",
    "gränden",
    "stigen",
    "stig",
    "torget",
    "torg",
    "backen",
    "backe",
    "allén",
    "allé",
    "leden",
    "kajen",
    "plan",
    "planen",
    "platsen",
    "slingan",
    "ringen",
    "kroken",
    "stråket",
    "terrassen",
];

/// The most digits of a street number.
const STREET_NUMBER_DIGITS: usize = 3;

pub(in super::super) const ADDRESS_IN_TEXT: Function = Function {
    spec: FunctionSpec {
        name: "address_in_text",
        kind: FunctionKind::Check,
        inputs: (1, 1),
        arguments: &[],
        about: "Broken when a text holds a street with its number, and a postcode of five digits, written together or \
                as three and two.",
        phrase: "{1} innehåller en gatuadress med nummer och postnummer",
        marks: &[ReasonCode::ProtectedAddress],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(|inputs| given(inputs, 0).is_some_and(holds_address))),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("Bor nu på Granvägen 12, 123 45 Solna.")], "true"),
        (&[Some("Flyttat till STORA GATAN 3B 12345 SOLNA")], "true"),
        (&[Some("Granvägen 12 i Solna")], "false"),
        (&[Some("Ärende 12345 rör Granvägen")], "false"),
        (&[Some("Ring 08-508 25 000 om vägen 12")], "false"),
        (&[None], "false"),
    ],
};

fn holds_address(text: &str) -> bool {
    // Running text mostly has no digits at all.
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let postcodes = (0..words.len()).filter_map(|at| postcode_at(&words, at).map(|length| at..at + length));
    let postcodes: Vec<_> = postcodes.collect();
    let streets =
        (1..words.len()).filter(|&at| is_street_number(bare(words[at])) && is_street(words[at - 1]));
    // In `Granvägen 123 45` the number is a part of the postcode.
    streets.into_iter().any(|number| postcodes.iter().any(|postcode| !postcode.contains(&number)))
}

/// A word without the punctuation around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|character: char| !character.is_alphanumeric() && character != '-')
}

/// Whether a word is the name of a street, or its last part. Punctuation after it would part it from its
/// number.
fn is_street(word: &str) -> bool {
    let word = word.to_lowercase();
    STREET_ENDINGS.iter().any(|ending| word.ends_with(ending))
}

/// `12`, `3B`.
fn is_street_number(word: &str) -> bool {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let letter = &word[digits..];
    (1..=STREET_NUMBER_DIGITS).contains(&digits)
        && (letter.is_empty() || (letter.len() == 1 && letter.bytes().all(|byte| byte.is_ascii_alphabetic())))
}

/// How many words the postcode that starts at a word takes.
fn postcode_at(words: &[&str], at: usize) -> Option<usize> {
    let first = bare(words[at]);
    if !is_number(first) || first.starts_with('0') {
        // No Swedish postcode begins with 0.
        return None;
    }
    match first.len() {
        5 => Some(1),
        3 => {
            let second = bare(words.get(at + 1)?);
            (second.len() == 2 && is_number(second)).then_some(2)
        }
        _ => None,
    }
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_however_they_are_punctuated() {
        for text in [
            "Adress: Björkgatan 7, 117 33 Stockholm",
            "(Lilla torget 1, 11733)",
            "Lilla torget 1,\t11733.",
            "117 33 Stockholm, Sjöstigen 104A",
            "Norra Kajplan 2\n123 45",
        ] {
            assert!(holds_address(text), "{text}");
        }
    }

    #[test]
    fn other_numbers_make_no_address() {
        for text in [
            "",
            "Granvägen 12",
            "Granvägen 1234, 123 45 Solna",
            "12345",
            "Granvägen, 123 45 Solna",
            "Granvägen 123 45 Solna",
            "på vägen hem 2014-10-02, dnr 12345-6",
            "gatan 12 och 012 34",
            "Storgatan 5 kostar 123 456 kr",
        ] {
            assert!(!holds_address(text), "{text}");
        }
    }
}

//! The check for made-up persons.

use bron_mappings::{FunctionKind, FunctionSpec, ReasonCode};

use super::{Build, Function, check, given};

/// Words of names that people give to records of nobody, in small letters. `Tolvan Tolvansson`, born on
/// 1912-12-12, has been the test patient of Swedish care since the sixties.
const MADE_UP: [&str; 9] = [
    "test",
    "testsson",
    "testson",
    "testare",
    "testperson",
    "testpatient",
    "testdotter",
    "tolvan",
    "tolvansson",
];

pub(super) const TEST_PERSON: Function = Function {
    spec: FunctionSpec {
        name: "test_person",
        kind: FunctionKind::Check,
        inputs: (1, 2),
        arguments: &[],
        about: "Broken when a word of a name is one that only made-up persons have, such as Test Testsson or Tolvan \
                Tolvansson, with a number at its end or without: given name; family name.",
        phrase: "namnet ({*}) tillhör en påhittad person",
        marks: &[ReasonCode::TestPerson],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| {
        check(|inputs| (0..inputs.len()).filter_map(|at| given(inputs, at)).any(is_made_up))
    }),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("Test"), Some("Testsson")], "true"),
        (&[Some("TOLVAN"), Some("TOLVANSSON")], "true"),
        (&[Some("Anna"), Some("Testperson2")], "true"),
        (&[Some("Anna Test Berg")], "true"),
        (&[Some("Testa"), Some("Berg")], "false"),
        (&[Some("Ernst"), Some("Testor")], "false"),
        (&[None, None], "false"),
    ],
};

fn is_made_up(name: &str) -> bool {
    let words = name.split(|character: char| !character.is_alphanumeric());
    let words = words.map(|word| word.trim_end_matches(|character: char| character.is_ascii_digit()));
    words.into_iter().any(|word| MADE_UP.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

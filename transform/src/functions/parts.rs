//! Functions that put texts together and take them apart.

use bron_mappings::{FieldFunction, FunctionKind, FunctionSpec};

use super::{Build, FieldFn, Function, Outcome, SettingError, Settings, field, given};

/// The most columns that one rule puts together.
const MOST_PARTS: usize = 8;

pub(super) const JOIN: Function = Function {
    spec: FunctionSpec {
        name: "join",
        kind: FunctionKind::Field(FieldFunction::Text),
        inputs: (1, MOST_PARTS),
        arguments: &["separator"],
        about: "The texts that are there, in order, with `separator` (a blank unless told) between; empty ones are \
                left out, and none at all gives NULL.",
        phrase: "{*} sätts ihop[ med ”{separator}” emellan]; tomma delar utelämnas",
        marks: &[],
        inverse: "Lost: which column a part came from, and where a part itself holds the separator.",
    },
    build: Build::Field(build_join),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("Storgatan 1"), Some("lgh 1102")], "Storgatan 1 lgh 1102"),
        (&[Some("Storgatan 1"), None, Some(""), Some("Solna")], "Storgatan 1 Solna"),
        (&[Some("  Storgatan"), Some("1")], "  Storgatan 1"),
        (&[None, Some("")], "null"),
    ],
};

pub(super) const FIRST_PRESENT: Function = Function {
    spec: FunctionSpec {
        name: "first_present",
        kind: FunctionKind::Field(FieldFunction::Text),
        inputs: (1, MOST_PARTS),
        arguments: &[],
        about: "The first text that is neither NULL nor empty, as found.",
        phrase: "ger den första av {*} som är ifylld",
        marks: &[],
        inverse: "Lost: which column the text came from, and the texts after it.",
    },
    build: Build::Field(|_| field(first_present)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("a"), Some("b")], "a"),
        (&[None, Some(""), Some("c")], "c"),
        (&[Some(" "), Some("b")], " "),
        (&[None, Some("")], "null"),
    ],
};

pub(super) const SLICE: Function = Function {
    spec: FunctionSpec {
        name: "slice",
        kind: FunctionKind::Field(FieldFunction::Text),
        inputs: (1, 1),
        arguments: &["from", "length"],
        about: "The characters from number `from` (the first is 0, which is meant unless told), `length` of them or \
                all that follow; as many as there are, and NULL when there is none.",
        phrase: "ger en del av texten: [{length} tecken ]från tecken nummer {from=0}, där det första är 0",
        marks: &[],
        inverse: "Lost: the characters outside the slice.",
    },
    build: Build::Field(build_slice),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("ÄO-2014")], "ÄO-2014"),
        (&[Some("å")], "å"),
        (&[Some("")], "null"),
        (&[None], "null"),
    ],
};

fn build_join(settings: &Settings<'_>) -> Result<FieldFn, SettingError> {
    let separator = settings.argument("separator").unwrap_or(" ").to_owned();
    field(move |inputs| join(inputs, &separator))
}

fn join<'a>(inputs: &[Option<&'a str>], separator: &str) -> Outcome<'a> {
    let mut parts = inputs.iter().flatten().copied().filter(|part| !part.is_empty());
    let Some(first) = parts.next() else { return Outcome::Null };
    let Some(second) = parts.next() else { return Outcome::text(first) };
    let mut joined = first.to_owned();
    for part in std::iter::once(second).chain(parts) {
        joined.push_str(separator);
        joined.push_str(part);
    }
    Outcome::text(joined)
}

fn first_present<'a>(inputs: &[Option<&'a str>]) -> Outcome<'a> {
    let present = (0..inputs.len()).find_map(|index| given(inputs, index));
    present.map_or(Outcome::Null, Outcome::text)
}

fn build_slice(settings: &Settings<'_>) -> Result<FieldFn, SettingError> {
    let number = |name: &str| {
        let read = |text: &str| text.parse().map_err(|_| format!("`{name}` is a whole number of characters"));
        settings.argument(name).map(read).transpose()
    };
    let from = number("from")?.unwrap_or(0);
    let length = number("length")?.unwrap_or(usize::MAX);
    if length == 0 {
        return Err("a slice has a `length` of at least 1".to_owned());
    }
    field(move |inputs| given(inputs, 0).map_or(Outcome::Null, |text| slice(text, from, length)))
}

fn slice(text: &str, from: usize, length: usize) -> Outcome<'_> {
    let start = position_of_character(text, from);
    let end = start + position_of_character(&text[start..], length);
    if start == end { Outcome::Null } else { Outcome::text(&text[start..end]) }
}

/// The byte at which a character starts; the end of the text when it has no such character.
fn position_of_character(text: &str, character: usize) -> usize {
    text.char_indices().nth(character).map_or(text.len(), |(position, _)| position)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn run(
        build: fn(&Settings<'_>) -> Result<FieldFn, SettingError>,
        with: &[(&str, &str)],
        text: &str,
    ) -> String {
        let arguments: BTreeMap<_, _> =
            with.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        match build(&Settings { arguments: &arguments, scale: None }) {
            Ok(call) => call(&[Some(text), Some("last")]).describe(),
            Err(problem) => problem,
        }
    }

    #[test]
    fn a_slice_counts_characters_and_not_bytes() {
        assert_eq!(run(build_slice, &[("from", "1"), ("length", "2")], "ÅÄÖ1"), "ÄÖ");
        assert_eq!(run(build_slice, &[("from", "3")], "ÅÄÖ1"), "1");
        assert_eq!(run(build_slice, &[("from", "4")], "ÅÄÖ1"), "null");
        assert_eq!(run(build_slice, &[("length", "99")], "ÅÄÖ1"), "ÅÄÖ1");
        assert_eq!(run(build_slice, &[("from", "18446744073709551615")], "ÅÄÖ1"), "null");
    }

    #[test]
    fn a_slice_refuses_arguments_that_mean_nothing() {
        for with in [("from", "-1"), ("from", ""), ("length", "two")] {
            assert!(run(build_slice, &[with], "a").ends_with("is a whole number of characters"), "{with:?}");
        }
        assert_eq!(run(build_slice, &[("length", "0")], "a"), "a slice has a `length` of at least 1");
    }

    #[test]
    fn a_separator_can_be_any_text() {
        assert_eq!(run(build_join, &[("separator", ", ")], "first"), "first, last");
        assert_eq!(run(build_join, &[("separator", "")], "first"), "firstlast");
    }
}

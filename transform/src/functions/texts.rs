//! Checks of running text.

mod address;

use bron_mappings::{FunctionKind, FunctionSpec, ReasonCode};

use super::{Build, CheckFn, Function, SettingError, Settings, check, given};

pub(super) use address::ADDRESS_IN_TEXT;

pub(super) const DAMAGED_TEXT: Function = Function {
    spec: FunctionSpec {
        name: "damaged_text",
        kind: FunctionKind::Check,
        inputs: (1, 1),
        arguments: &["max"],
        about: "Broken when a text has `max` characters, the length of its column, or more, so that its end was \
                perhaps cut off, or when it holds control characters other than tabs and line breaks; without `max` \
                any length will do.",
        phrase: "{1} innehåller styrtecken[, eller fyller kolumnens {max} tecken och kan vara avhuggen]",
        marks: &[ReasonCode::DamagedText],
        inverse: "A check gives no value.",
    },
    build: Build::Check(build_damaged_text),
    invert: None,
    with: &[("max", "8")],
    examples: &[
        (&[Some("Hembesök")], "true"),
        (&[Some("Hembesök hos")], "true"),
        (&[Some("a\0b")], "true"),
        (&[Some("a\u{84}b")], "true"),
        (&[Some("Möte")], "false"),
        (&[Some("a\tb\r\nc")], "false"),
        (&[None], "false"),
    ],
};

fn build_damaged_text(settings: &Settings<'_>) -> Result<CheckFn, SettingError> {
    let max = settings.number("max")?;
    if max == Some(0) {
        return Err("`max` is at least 1".to_owned());
    }
    let max = max.map(usize::from);
    check(move |inputs| given(inputs, 0).is_some_and(|text| is_full(text, max) || text.chars().any(is_stray)))
}

fn is_full(text: &str, max: Option<usize>) -> bool {
    // A text of few bytes has few characters, so most texts need not be counted.
    max.is_some_and(|max| text.len() >= max && text.chars().nth(max - 1).is_some())
}

fn is_stray(character: char) -> bool {
    character.is_control() && !matches!(character, '\t' | '\r' | '\n')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn with(max: &str) -> Result<CheckFn, SettingError> {
        let arguments = BTreeMap::from([("max".to_owned(), max.to_owned())]);
        build_damaged_text(&Settings { arguments: &arguments, scale: None })
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        let call = with("4").unwrap();
        assert!(!call(&[Some("åäö")]));
        assert!(call(&[Some("åäöå")]));
    }

    #[test]
    fn a_length_must_be_a_number_above_0() {
        for max in ["0", "-1", "åttio"] {
            assert!(with(max).is_err(), "{max}");
        }
        let call = build_damaged_text(&Settings { arguments: &BTreeMap::new(), scale: None }).unwrap();
        assert!(!call(&[Some(&"a".repeat(10_000))]));
    }
}

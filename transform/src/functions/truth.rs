//! Functions that answer yes or no.

use bron_mappings::{FieldFunction, FunctionKind, FunctionSpec, ReasonCode};

use super::{Build, Cell, FieldFn, Function, Outcome, SettingError, Settings, check, field, given};

pub(super) const BOOL: Function = Function {
    spec: FunctionSpec {
        name: "bool",
        kind: FunctionKind::Field(FieldFunction::Bool),
        inputs: (1, 1),
        arguments: &["yes", "no"],
        about: "True for the text `yes` (`1` unless told), false for the text `no` (`0` unless told); every other \
                text is refused.",
        phrase: "{yes=1} blir ja och {no=0} blir nej",
        marks: &[ReasonCode::Malformed],
        inverse: "The texts of `yes` and `no`; an empty text comes back as NULL.",
    },
    build: Build::Field(build_bool),
    invert: Some(invert_bool),
    with: &[],
    examples: &[
        (&[Some("1")], "true"),
        (&[Some("0")], "false"),
        (&[Some("")], "null"),
        (&[None], "null"),
        (&[Some("J")], "bad felformat"),
        (&[Some(" 1")], "bad felformat"),
    ],
};

pub(super) const PRESENT: Function = Function {
    spec: FunctionSpec {
        name: "present",
        kind: FunctionKind::Field(FieldFunction::Bool),
        inputs: (1, 1),
        arguments: &[],
        about: "True when there is a text, false for NULL and for an empty one; never NULL.",
        phrase: "blir ja när fältet är ifyllt, annars nej",
        marks: &[],
        inverse: "Lost: the text.",
    },
    build: Build::Field(|_| field(present)),
    invert: None,
    with: &[],
    examples: &[(&[Some("x")], "true"), (&[Some(" ")], "true"), (&[Some("")], "false"), (&[None], "false")],
};

pub(super) const IS_PRESENT: Function = Function {
    spec: FunctionSpec {
        name: "is_present",
        kind: FunctionKind::Check,
        inputs: (1, 1),
        arguments: &[],
        about: "Broken when there is a text at all, for columns in which a text is itself the mark.",
        phrase: "{1} är ifylld",
        marks: &[],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(|inputs| given(inputs, 0).is_some())),
    invert: None,
    with: &[],
    examples: &[(&[Some("D68")], "true"), (&[Some(" ")], "true"), (&[Some("")], "false"), (&[None], "false")],
};

/// The texts of yes and no.
fn yes_and_no(settings: &Settings<'_>) -> [String; 2] {
    [("yes", "1"), ("no", "0")].map(|(name, usual)| settings.argument(name).unwrap_or(usual).to_owned())
}

fn invert_bool(settings: &Settings<'_>, value: &Cell<'_>) -> Option<String> {
    let [yes, no] = yes_and_no(settings);
    if let Cell::Bool(truth) = value { Some(if *truth { yes } else { no }) } else { None }
}

fn build_bool(settings: &Settings<'_>) -> Result<FieldFn, SettingError> {
    let [yes, no] = yes_and_no(settings);
    if yes == no || yes.is_empty() || no.is_empty() {
        return Err("`yes` and `no` are two different texts, neither of them empty".to_owned());
    }
    field(move |inputs| match given(inputs, 0) {
        None => Outcome::Null,
        Some(text) if text == yes => Outcome::Value(Cell::Bool(true)),
        Some(text) if text == no => Outcome::Value(Cell::Bool(false)),
        Some(_) => Outcome::Bad(ReasonCode::Malformed),
    })
}

fn present<'a>(inputs: &[Option<&'a str>]) -> Outcome<'a> {
    Outcome::Value(Cell::Bool(given(inputs, 0).is_some()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn with(yes: &str, no: &str) -> Result<FieldFn, SettingError> {
        let arguments =
            BTreeMap::from([("yes".to_owned(), yes.to_owned()), ("no".to_owned(), no.to_owned())]);
        build_bool(&Settings { arguments: &arguments, scale: None })
    }

    #[test]
    fn the_texts_of_yes_and_no_can_be_told() {
        let call = with("J", "N").unwrap();
        assert_eq!(call(&[Some("J")]), Outcome::Value(Cell::Bool(true)));
        assert_eq!(call(&[Some("N")]), Outcome::Value(Cell::Bool(false)));
        assert_eq!(call(&[Some("1")]), Outcome::Bad(ReasonCode::Malformed));
    }

    #[test]
    fn yes_and_no_must_differ_and_be_there() {
        for (yes, no) in [("J", "J"), ("", "0"), ("1", "")] {
            assert!(with(yes, no).is_err());
        }
    }
}

//! Checks that compare texts as they stand.

use bron_mappings::{FunctionKind, FunctionSpec, ReasonCode};

use super::{Build, CheckFn, Function, SettingError, Settings, check, given};

/// The most columns that a rule can name where a function reads none of them.
const MOST_UNREAD: usize = 8;

pub(super) const HOLDS: Function = Function {
    spec: FunctionSpec {
        name: "holds",
        kind: FunctionKind::Check,
        inputs: (0, MOST_UNREAD),
        arguments: &[],
        about: "Broken by every row that the rule's `when` chooses; columns that are named are not read.",
        phrase: "raden uppfyller villkoret",
        marks: &[],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(|_| true)),
    invert: None,
    with: &[],
    examples: &[(&[], "true"), (&[None], "true"), (&[Some("")], "true"), (&[Some("x")], "true")],
};

pub(super) const DIFFERS: Function = Function {
    spec: FunctionSpec {
        name: "differs",
        kind: FunctionKind::Check,
        inputs: (2, 2),
        arguments: &[],
        about: "Broken when two texts are there and are not the same.",
        phrase: "{1} och {2} är båda ifyllda men olika",
        marks: &[ReasonCode::NormVersion],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(|inputs| both(inputs).is_some_and(|(first, second)| first != second))),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("201401"), Some("201501")], "true"),
        (&[Some("a"), Some("A")], "true"),
        (&[Some("201401"), Some("201401")], "false"),
        (&[Some("201401"), None], "false"),
        (&[Some(""), Some("201401")], "false"),
    ],
};

pub(super) const ALL_EQUAL: Function = Function {
    spec: FunctionSpec {
        name: "all_equal",
        kind: FunctionKind::Check,
        inputs: (2, 4),
        arguments: &[],
        about: "Broken when all texts are there and are the same.",
        phrase: "{*} är alla ifyllda och lika",
        marks: &[ReasonCode::SelfApproved],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(all_equal)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("anna"), Some("anna"), Some("anna")], "true"),
        (&[Some("anna"), Some("anna")], "true"),
        (&[Some("anna"), Some("anna"), Some("bo")], "false"),
        (&[Some("anna"), Some("anna"), None], "false"),
        (&[Some(""), Some("")], "false"),
    ],
};

pub(super) const ORPHAN: Function = Function {
    spec: FunctionSpec {
        name: "orphan",
        kind: FunctionKind::Check,
        inputs: (2, 2),
        arguments: &[],
        about: "Broken when the first text, a reference, is there and the second, a column of the record that it \
                names, is not.",
        phrase: "{1} är ifylld, men posten som den pekar på finns inte ({2} saknas)",
        marks: &[ReasonCode::OrphanParent],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(|inputs| given(inputs, 0).is_some() && given(inputs, 1).is_none())),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("771"), None], "true"),
        (&[Some("771"), Some("")], "true"),
        (&[Some("771"), Some("771")], "false"),
        (&[None, None], "false"),
        (&[Some(""), None], "false"),
    ],
};

pub(super) const ENDS_WITH: Function = Function {
    spec: FunctionSpec {
        name: "ends_with",
        kind: FunctionKind::Check,
        inputs: (1, 1),
        arguments: &["suffix"],
        about: "Broken when a text ends with `suffix`, which a rule has to tell.",
        phrase: "{1} slutar på {suffix}",
        marks: &[ReasonCode::UnmappedTerm],
        inverse: "A check gives no value.",
    },
    build: Build::Check(build_ends_with),
    invert: None,
    with: &[("suffix", "000")],
    examples: &[
        (&[Some("QV000")], "true"),
        (&[Some("000")], "true"),
        (&[Some("QV001")], "false"),
        (&[Some("QV000 ")], "false"),
        (&[None], "false"),
    ],
};

fn both<'a>(inputs: &[Option<&'a str>]) -> Option<(&'a str, &'a str)> {
    given(inputs, 0).zip(given(inputs, 1))
}

fn all_equal(inputs: &[Option<&str>]) -> bool {
    let first = given(inputs, 0);
    first.is_some() && (1..inputs.len()).all(|index| given(inputs, index) == first)
}

fn build_ends_with(settings: &Settings<'_>) -> Result<CheckFn, SettingError> {
    let suffix = settings.argument("suffix").filter(|suffix| !suffix.is_empty());
    let suffix = suffix.ok_or("`suffix` is a text that is not empty")?.to_owned();
    check(move |inputs| given(inputs, 0).is_some_and(|text| text.ends_with(&suffix)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn an_ending_must_be_told() {
        for suffix in [None, Some("")] {
            let arguments: BTreeMap<_, _> =
                suffix.map(|text| ("suffix".to_owned(), text.to_owned())).into_iter().collect();
            assert!(build_ends_with(&Settings { arguments: &arguments, scale: None }).is_err());
        }
    }
}

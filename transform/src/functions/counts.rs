//! Checks of whole numbers, such as those that lookups count.

use bron_mappings::{FunctionKind, FunctionSpec, ReasonCode};

use super::numbers::whole_number;
use super::{Build, CheckFn, Function, SettingError, Settings, check, given};

pub(super) const AT_LEAST: Function = Function {
    spec: FunctionSpec {
        name: "at_least",
        kind: FunctionKind::Check,
        inputs: (1, 1),
        arguments: &["value"],
        about: "Broken when a whole number is `value`, which a rule has to tell, or more.",
        phrase: "{1} är {value} eller mer",
        marks: &[ReasonCode::ReusedAuthor, ReasonCode::SharedAccount],
        inverse: "A check gives no value.",
    },
    build: Build::Check(build_at_least),
    invert: None,
    with: &[("value", "2")],
    examples: &[
        (&[Some("2")], "true"),
        (&[Some("17")], "true"),
        (&[Some("1")], "false"),
        (&[Some("-2")], "false"),
        (&[Some("2.5")], "false"),
        (&[None], "false"),
    ],
};

pub(super) const SHARE_ABOVE: Function = Function {
    spec: FunctionSpec {
        name: "share_above",
        kind: FunctionKind::Check,
        inputs: (2, 2),
        arguments: &["percent", "least"],
        about: "Broken when the second whole number is `least` or more, and the first is more than `percent` of a \
                hundred of it; a rule has to tell both.",
        phrase: "{1} är mer än {percent} procent av {2}, som är minst {least}",
        marks: &[ReasonCode::ManualReceipts],
        inverse: "A check gives no value.",
    },
    build: Build::Check(build_share_above),
    invert: None,
    with: &[("percent", "50"), ("least", "30")],
    examples: &[
        (&[Some("16"), Some("30")], "true"),
        (&[Some("15"), Some("30")], "false"),
        (&[Some("29"), Some("29")], "false"),
        (&[Some("16"), None], "false"),
        (&[Some("många"), Some("30")], "false"),
    ],
};

fn needed(settings: &Settings<'_>, name: &str) -> Result<u16, SettingError> {
    settings.number(name)?.ok_or_else(|| format!("`{name}` is missing"))
}

fn number(inputs: &[Option<&str>], index: usize) -> Option<i64> {
    given(inputs, index).and_then(whole_number)
}

fn build_at_least(settings: &Settings<'_>) -> Result<CheckFn, SettingError> {
    let value = i64::from(needed(settings, "value")?);
    check(move |inputs| number(inputs, 0).is_some_and(|number| number >= value))
}

fn build_share_above(settings: &Settings<'_>) -> Result<CheckFn, SettingError> {
    let percent = i128::from(needed(settings, "percent")?);
    let least = i64::from(needed(settings, "least")?);
    check(move |inputs| {
        let both = number(inputs, 0).zip(number(inputs, 1));
        both.is_some_and(|(part, whole)| {
            whole >= least && i128::from(part) * 100 > percent * i128::from(whole)
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_bounds_must_be_told() {
        let none = BTreeMap::new();
        assert!(build_at_least(&Settings { arguments: &none, scale: None }).is_err());
        let one = BTreeMap::from([("percent".to_owned(), "50".to_owned())]);
        assert!(build_share_above(&Settings { arguments: &one, scale: None }).is_err());
        let wrong = BTreeMap::from([("value".to_owned(), "-1".to_owned())]);
        assert!(build_at_least(&Settings { arguments: &wrong, scale: None }).is_err());
    }
}

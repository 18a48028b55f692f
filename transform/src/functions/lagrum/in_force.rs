//! The check of a section of law against the day it was used.

use bron_mappings::{FunctionKind, FunctionSpec, ReasonCode};

use super::super::{Build, Function, check, given};
use super::reading::read;
use crate::calendar::parse_date_part;

pub(in super::super) const LAGRUM_NOT_IN_FORCE: Function = Function {
    spec: FunctionSpec {
        name: "lagrum_not_in_force",
        kind: FunctionKind::Check,
        inputs: (2, 2),
        arguments: &[],
        about: "Broken when the first text, read as by `lagrum`, names a law by a number that was not in force on the \
                date in the second: SoL 2001:453 from 2002-01-01 to 2025-06-30, SoL 2025:400 from 2025-07-01, HSL \
                1982:763 to 2017-03-31, HSL 2017:30 from 2017-04-01; other laws always were, and a law without its \
                number is that of the day.",
        phrase: "lagen i {1} gällde inte den dag som {2} anger",
        marks: &[ReasonCode::LagrumNotInForce],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(|inputs| is_not_in_force(inputs).unwrap_or(false))),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("SoL (2025:400) 11:1"), Some("2014-10-02")], "true"),
        (&[Some("11 kap. 1 § SoL (2025:400)"), Some("2025-06-30")], "true"),
        (&[Some("SoL (2001:453) 4:1"), Some("2025-07-01")], "true"),
        (&[Some("5 kap. 1 § HSL (2017:30)"), Some("2017-03-31")], "true"),
        (&[Some("SoL (2025:400) 11:1"), Some("2025-07-01 00:00:00")], "false"),
        (&[Some("18 § HSL (1982:763)"), Some("2017-03-31")], "false"),
        (&[Some("4 kap. 1 § SoL"), Some("2026-01-01")], "false"),
        (&[Some("2 § LVU (1990:52)"), Some("1989-01-01")], "false"),
        (&[Some("se utr"), Some("2014-10-02")], "false"),
        (&[Some("SoL (2025:400) 11:1"), None], "false"),
    ],
};

/// `None` when there is nothing to go by.
fn is_not_in_force(inputs: &[Option<&str>]) -> Option<bool> {
    let text = given(inputs, 0)?;
    // The number of a law always has a colon in parentheses; most texts have none and need no reading.
    text.contains('(').then_some(())?;
    let day = given(inputs, 1).and_then(parse_date_part)?;
    read(text).map(|reading| !reading.was_in_force(day))
}

//! Checks of amounts and other decimal numbers, exact to the last digit.

use bron_mappings::{FunctionKind, FunctionSpec, ReasonCode};

use super::super::{Build, Function, check, given};
use super::amount::Amount;

/// The most parts that a total can be compared with.
const MOST_PARTS: usize = 6;

pub(in super::super) const EXCEEDS: Function = Function {
    spec: FunctionSpec {
        name: "exceeds",
        kind: FunctionKind::Check,
        inputs: (2, 2),
        arguments: &[],
        about: "Broken when the first number is greater than the second, each read as by `ore` with any decimals; \
                holds when either is missing or cannot be read.",
        phrase: "beloppet i {1} är större än det i {2}",
        marks: &[ReasonCode::AboveMaxtaxa],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(|inputs| amount(inputs, 0).zip(amount(inputs, 1)).is_some_and(exceeds))),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("2090.0000"), Some("2089")], "true"),
        (&[Some("2089.0001"), Some("2089")], "true"),
        (&[Some("2089.0000"), Some("2089")], "false"),
        (&[Some("1 900,00"), Some("2089")], "false"),
        (&[Some("2090"), None], "false"),
        (&[Some("2090"), Some("okänd")], "false"),
    ],
};

pub(in super::super) const NEGATIVE: Function = Function {
    spec: FunctionSpec {
        name: "negative",
        kind: FunctionKind::Check,
        inputs: (1, 1),
        arguments: &[],
        about: "Broken when a number, read as by `ore` with any decimals, is less than 0.",
        phrase: "beloppet i {1} är mindre än noll",
        marks: &[ReasonCode::NegativeFee],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(|inputs| amount(inputs, 0).is_some_and(|amount| amount.exact() < 0))),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("-250.0000")], "true"),
        (&[Some("250,00-")], "true"),
        (&[Some("-0.0001")], "true"),
        (&[Some("-0.00")], "false"),
        (&[Some("250")], "false"),
        (&[None], "false"),
    ],
};

pub(in super::super) const NOT_THE_SUM: Function = Function {
    spec: FunctionSpec {
        name: "not_the_sum",
        kind: FunctionKind::Check,
        inputs: (2, 1 + MOST_PARTS),
        arguments: &[],
        about: "Broken when the first number is not the sum of the others, each read as by `ore` with any decimals; a \
                missing part counts 0; holds when the total is missing or any of them cannot be read.",
        phrase: "{1} är inte summan av {2*}",
        marks: &[ReasonCode::BatchTotal],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(|inputs| is_not_the_sum(inputs).unwrap_or(false))),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("300.0000"), Some("100.0000"), Some("199.9999")], "true"),
        (&[Some("3"), Some("1"), Some("1"), None], "true"),
        (&[Some("1"), None], "true"),
        (&[Some("300.0000"), Some("100"), Some("250"), Some("-50,00")], "false"),
        (&[Some("0"), None, Some("")], "false"),
        (&[None, Some("100")], "false"),
        (&[Some("300"), Some("hundra")], "false"),
    ],
};

fn amount(inputs: &[Option<&str>], index: usize) -> Option<Amount> {
    given(inputs, index).and_then(Amount::parse)
}

fn exceeds((first, second): (Amount, Amount)) -> bool {
    first.exact() > second.exact()
}

/// `None` when there is nothing to go by.
fn is_not_the_sum(inputs: &[Option<&str>]) -> Option<bool> {
    let total = amount(inputs, 0)?.exact();
    let mut sum = 0_i128;
    for index in 1..inputs.len() {
        if let Some(part) = given(inputs, index) {
            sum += Amount::parse(part)?.exact();
        }
    }
    Some(total != sum)
}

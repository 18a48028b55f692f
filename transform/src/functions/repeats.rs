//! The checks that look at other rows of the same table.

use bron_mappings::{FunctionKind, FunctionSpec, ReasonCode};

use super::{Build, Function};
use crate::lookups::{refers_in_a_circle, repeats_within};

pub(super) const REFERS_IN_A_CIRCLE: Function = Function {
    spec: FunctionSpec {
        name: "refers_in_a_circle",
        kind: FunctionKind::Check,
        inputs: (2, 2),
        arguments: &[],
        about: "Broken when one can go from this row, whose name is the first text, to the row that the second text \
                names, and on from row to row until this one is reached again; holds when a text is missing.",
        phrase: "från {1} leder {2} vidare, från rad till rad, tillbaka till raden själv",
        marks: &[ReasonCode::ReplacementChain],
        inverse: "A check gives no value.",
    },
    build: Build::AcrossRows(refers_in_a_circle),
    invert: None,
    with: &[],
    // One row shows nothing of a rule about several.
    examples: &[],
};

pub(super) const REPEATS_WITHIN: Function = Function {
    spec: FunctionSpec {
        name: "repeats_within",
        kind: FunctionKind::Check,
        inputs: (2, 8),
        arguments: &["days"],
        about: "Broken when an earlier row of the table has the same texts in the second column and those after it, \
                and a date in the first at most `days` (7 unless told) before this row's; \
                holds when a text is missing.",
        phrase: "samma uppgifter ({2*}) finns i en tidigare rad med {1} högst {days=7} dagar innan",
        marks: &[ReasonCode::RepeatedPayment],
        inverse: "A check gives no value.",
    },
    build: Build::AcrossRows(repeats_within),
    invert: None,
    with: &[],
    // One row shows nothing of a rule about several.
    examples: &[],
};

//! The check that looks at other rows of the same table.

use bron_mappings::{FunctionKind, FunctionSpec, ReasonCode};

use super::{Build, Function};

pub(super) const REPEATS_WITHIN: Function = Function {
    spec: FunctionSpec {
        name: "repeats_within",
        kind: FunctionKind::Check,
        inputs: (2, 8),
        arguments: &["days"],
        about: "Broken when an earlier row of the table has the same texts in the second column and those after it, \
                and a date in the first at most `days` (7 unless told) before this row's; \
                holds when a text is missing.",
        marks: &[ReasonCode::RepeatedPayment],
        inverse: "A check gives no value.",
    },
    build: Build::AcrossRows,
    // One row shows nothing of a rule about several.
    examples: &[],
};

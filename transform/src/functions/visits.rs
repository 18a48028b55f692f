//! Checks of a visit against the next one of the same employee.

use bron_mappings::{FunctionKind, FunctionSpec, ReasonCode};

use super::{Build, Function, check, given};
use crate::calendar::{MICROS_PER_DAY, MICROS_PER_MINUTE, parse_time};

/// Of the shorter visit, in a hundred: two visits to one client that share so much are one.
const SHARE_OF_ONE_VISIT: i64 = 80;

pub(super) const VISITS_OVERLAP: Function = Function {
    spec: FunctionSpec {
        name: "visits_overlap",
        kind: FunctionKind::Check,
        inputs: (6, 6),
        arguments: &[],
        about: "Broken when a visit of one minute to 24 hours ends after the next visit of the same employee starts, \
                and the two are not one registered twice: start, end and client, then those of the next visit; holds \
                when a time is missing or cannot be read.",
        phrase: "besöket slutar ({2}) efter att samma personals nästa besök börjar ({4})",
        marks: &[ReasonCode::VisitsOverlap],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(|inputs| overlaps(inputs) && !double_registered(inputs))),
    invert: None,
    with: &[],
    examples: &[
        (
            &visits(
                "2019-03-01 08:00",
                "2019-03-01 09:00",
                "K1",
                "2019-03-01 08:30",
                "2019-03-01 09:30",
                "K2",
            ),
            "true",
        ),
        (
            &visits(
                "2019-03-01 08:00",
                "2019-03-01 09:00",
                "K1",
                "2019-03-01 08:30",
                "2019-03-01 09:30",
                "K1",
            ),
            "true",
        ),
        (
            &visits(
                "2019-03-01 08:00",
                "2019-03-01 09:00",
                "K1",
                "2019-03-01 08:05",
                "2019-03-01 09:00",
                "K1",
            ),
            "false",
        ),
        (
            &visits(
                "2019-03-01 08:00",
                "2019-03-01 09:00",
                "K1",
                "2019-03-01 09:00",
                "2019-03-01 09:30",
                "K2",
            ),
            "false",
        ),
        (
            &visits(
                "2019-03-01 08:00",
                "2019-03-01 08:00",
                "K1",
                "2019-03-01 08:00",
                "2019-03-01 09:30",
                "K2",
            ),
            "false",
        ),
        (
            &visits(
                "2019-03-01 08:00",
                "2019-03-02 08:01",
                "K1",
                "2019-03-01 09:00",
                "2019-03-01 09:30",
                "K2",
            ),
            "false",
        ),
        (&visits("2019-03-01 08:00", "2019-03-01 09:00", "K1", "", "", ""), "false"),
    ],
};

pub(super) const DOUBLE_REGISTERED: Function = Function {
    spec: FunctionSpec {
        name: "double_registered",
        kind: FunctionKind::Check,
        inputs: (6, 6),
        arguments: &[],
        about: "Broken when a visit and the next one of the same employee, both of one minute to 24 hours, are to the \
                same client and share at least four fifths of the shorter: start, end and client of each.",
        phrase: "besöket och samma personals nästa besök hos samma kund ligger till minst fyra femtedelar \
                 på varandra",
        marks: &[ReasonCode::DoubleRegistered],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(double_registered)),
    invert: None,
    with: &[],
    examples: &[
        (
            &visits(
                "2019-03-01 08:00",
                "2019-03-01 09:00",
                "K1",
                "2019-03-01 08:12",
                "2019-03-01 09:12",
                "K1",
            ),
            "true",
        ),
        (
            &visits(
                "2019-03-01 08:00",
                "2019-03-01 09:00",
                "K1",
                "2019-03-01 08:20",
                "2019-03-01 08:40",
                "K1",
            ),
            "true",
        ),
        (
            &visits(
                "2019-03-01 08:00",
                "2019-03-01 09:00",
                "K1",
                "2019-03-01 08:13",
                "2019-03-01 09:13",
                "K1",
            ),
            "false",
        ),
        (
            &visits(
                "2019-03-01 08:00",
                "2019-03-01 09:00",
                "K1",
                "2019-03-01 08:00",
                "2019-03-01 09:00",
                "K2",
            ),
            "false",
        ),
        (
            &visits(
                "2019-03-01 08:00",
                "2019-03-01 09:00",
                "K1",
                "2019-03-01 08:30",
                "2019-03-01 08:30",
                "K1",
            ),
            "false",
        ),
        (
            &visits("2019-03-01 08:00", "2019-03-01 09:00", "", "2019-03-01 08:00", "2019-03-01 09:00", ""),
            "false",
        ),
    ],
};

const fn visits(
    start: &'static str,
    end: &'static str,
    client: &'static str,
    next_start: &'static str,
    next_end: &'static str,
    next_client: &'static str,
) -> [Option<&'static str>; 6] {
    [Some(start), Some(end), Some(client), Some(next_start), Some(next_end), Some(next_client)]
}

/// Start and end of a visit of a length that one visit can have.
fn visit(inputs: &[Option<&str>], first: usize) -> Option<(i64, i64)> {
    let time = |index| given(inputs, index).and_then(parse_time);
    let (start, end) = time(first).zip(time(first + 1))?;
    (MICROS_PER_MINUTE..=MICROS_PER_DAY).contains(&(end - start)).then_some((start, end))
}

fn overlaps(inputs: &[Option<&str>]) -> bool {
    let next_start = given(inputs, 3).and_then(parse_time);
    visit(inputs, 0).zip(next_start).is_some_and(|((_, end), next)| next < end)
}

fn double_registered(inputs: &[Option<&str>]) -> bool {
    let client = given(inputs, 2);
    if client.is_none() || client != given(inputs, 5) {
        return false;
    }
    let Some(((start, end), (next_start, next_end))) = visit(inputs, 0).zip(visit(inputs, 3)) else {
        return false;
    };
    let shared = end.min(next_end) - start.max(next_start);
    let shorter = (end - start).min(next_end - next_start);
    shared * 100 >= shorter * SHARE_OF_ONE_VISIT
}

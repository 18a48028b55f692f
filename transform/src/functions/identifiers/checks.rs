//! Checks of identifiers.

use bron_mappings::{
    CenturyInference, CheckOutcome, FunctionKind, FunctionSpec, Identifier, IdentifierKind, ReasonCode,
    classify,
};

use super::super::{Build, Function, check, given};
use super::classified;

pub(in super::super) const CHECK_DIGIT: Function = Function {
    spec: FunctionSpec {
        name: "identifier_check_digit",
        kind: FunctionKind::Check,
        inputs: (1, 1),
        arguments: &[],
        about: "Broken when the check digit of a number is wrong; holds when numbers of its kind have none.",
        phrase: "kontrollsiffran i {1} är fel",
        marks: &[ReasonCode::CheckDigit],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(|inputs| holds_of(inputs, |number| number.luhn == CheckOutcome::Fail))),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("197601010004")], "true"),
        (&[Some("197601010007")], "false"),
        (&[Some("0000000000")], "false"),
        (&[Some("saknas")], "false"),
        (&[None], "false"),
    ],
};

pub(in super::super) const CENTURY: Function = Function {
    spec: FunctionSpec {
        name: "identifier_century",
        kind: FunctionKind::Check,
        inputs: (2, 2),
        arguments: &[],
        about: "Broken when a number lacks its century and the date of the row (second column) leaves two, \
                or cannot be read; at that date nobody is unborn or older than 115.",
        phrase: "{1} saknar sekel, och {2} avgör inte vilket som menas",
        marks: &[ReasonCode::CenturyAmbiguous],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(century)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("100101-0006"), Some("2015-05-01")], "true"),
        (&[Some("760101-0007"), None], "true"),
        (&[Some("760101-0007"), Some("1995-05-01")], "false"),
        (&[Some("197601010007"), None], "false"),
        (&[Some("0000000000"), Some("2015-05-01")], "false"),
        (&[None, Some("2015-05-01")], "false"),
    ],
};

pub(in super::super) const CALENDAR: Function = Function {
    spec: FunctionSpec {
        name: "identifier_calendar",
        kind: FunctionKind::Check,
        inputs: (1, 1),
        arguments: &[],
        about: "Broken when the date in a number does not exist; holds when there is none in it, \
                or its month or day is unknown.",
        phrase: "datumet i {1} finns inte",
        marks: &[ReasonCode::CalendarImpossible],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(|inputs| holds_of(inputs, |number| number.calendar == CheckOutcome::Fail))),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("197602300001")], "true"),
        (&[Some("197601010007")], "false"),
        (&[Some("197600600006")], "false"),
        (&[Some("saknas")], "false"),
        (&[Some("")], "false"),
    ],
};

pub(in super::super) const SENTINEL: Function = Function {
    spec: FunctionSpec {
        name: "identifier_sentinel",
        kind: FunctionKind::Check,
        inputs: (1, 1),
        arguments: &[],
        about: "Broken when a stand-in was written for a number: one digit or X throughout, a test patient, a default \
                date, a lone hyphen.",
        phrase: "{1} är en platshållare och inget nummer",
        marks: &[ReasonCode::Sentinel],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| {
        check(|inputs| holds_of(inputs, |number| number.kind == IdentifierKind::Sentinel))
    }),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("0000000000")], "true"),
        (&[Some("XXXXXXXXXXXX")], "true"),
        (&[Some("191212121212")], "true"),
        (&[Some("197601010007")], "false"),
        (&[Some("  ")], "false"),
        (&[None], "false"),
    ],
};

pub(in super::super) const RESERVE: Function = Function {
    spec: FunctionSpec {
        name: "identifier_reserve",
        kind: FunctionKind::Check,
        inputs: (1, 1),
        arguments: &[],
        about: "Broken when a number is a reservnummer of any issuer, a national one, an interim number or \
                a TF-nummer.",
        phrase: "{1} är ett reservnummer eller ett tillfälligt nummer",
        marks: &[ReasonCode::ReserveNumber],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(|inputs| holds_of(inputs, |number| is_reserve(number.kind)))),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("991981000010")], "true"),
        (&[Some("197601410009")], "true"),
        (&[Some("760101-T005")], "true"),
        (&[Some("197601010007")], "false"),
        (&[Some("197601610004")], "false"),
        (&[Some("")], "false"),
    ],
};

fn holds_of(inputs: &[Option<&str>], holds: fn(&Identifier) -> bool) -> bool {
    given(inputs, 0).is_some_and(|text| holds(&classify(text)))
}

fn century(inputs: &[Option<&str>]) -> bool {
    classified(inputs).is_some_and(|(_, century)| match century {
        CenturyInference::Ambiguous(_) => true,
        CenturyInference::Certain(..) | CenturyInference::None => false,
    })
}

const fn is_reserve(kind: IdentifierKind) -> bool {
    match kind {
        IdentifierKind::ReservSthlm
        | IdentifierKind::ReservVgr
        | IdentifierKind::ReservVarmland
        | IdentifierKind::ReservVasterbotten
        | IdentifierKind::ReservCarelink
        | IdentifierKind::ReservOvrig
        | IdentifierKind::Nrid
        | IdentifierKind::Interim
        | IdentifierKind::TfNummer => true,
        IdentifierKind::Personnummer
        | IdentifierKind::Samordningsnummer
        | IdentifierKind::Organisationsnummer
        | IdentifierKind::Lma
        | IdentifierKind::Sentinel
        | IdentifierKind::Empty
        | IdentifierKind::Invalid => false,
    }
}

//! Functions over identifiers of persons: what a number is, its value and what it tells.

mod checks;
mod registered;

use bron_mappings::{
    Canonical12, CenturyEvidence, CenturyInference, CheckOutcome, FieldFunction, FunctionKind, FunctionSpec,
    Identifier, IdentifierKind, classify, infer_century,
};

use super::inverse::same_text;
use super::{Build, Cell, Function, Outcome, field, given, unary};
use crate::calendar::{civil, days_of, parse_date_part};

pub(super) use checks::{CALENDAR, CENTURY, CHECK_DIGIT, RESERVE, SENTINEL};
pub(super) use registered::{BIRTH_DAY_DIFFERS, SEX_CONTRADICTS, SHARED_NUMBER, TWO_HUMANS};

pub(super) const KIND: Function = Function {
    spec: FunctionSpec {
        name: "identifier_kind",
        kind: FunctionKind::Field(FieldFunction::Text),
        inputs: (1, 1),
        arguments: &[],
        about: "What a number is: pnr, samordning, reserv_sthlm, reserv_vgr, reserv_ovrig, nrid, lma, lokal or okand; \
                a date that does not exist makes it okand, a wrong check digit does not. Blanks give NULL.",
        phrase: "ger vilket slags nummer det är: personnummer, samordningsnummer, reservnummer eller annat",
        marks: &[],
        inverse: "Lost: the number, which `identifier_value` gives.",
    },
    build: Build::Field(|_| unary(kind)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("19760101-0007")], "pnr"),
        (&[Some("197601610004")], "samordning"),
        (&[Some("991981000010")], "reserv_sthlm"),
        (&[Some("197613010000")], "okand"),
        (&[Some("197602300001")], "okand"),
        (&[Some("0000000000")], "lokal"),
        (&[Some("saknas")], "okand"),
        (&[Some("  ")], "null"),
        (&[None], "null"),
    ],
};

pub(super) const VALUE: Function = Function {
    spec: FunctionSpec {
        name: "identifier_value",
        kind: FunctionKind::Field(FieldFunction::Text),
        inputs: (1, 2),
        arguments: &[],
        about: "The number in twelve characters when it has them or the date of the row (second column) leaves one \
                century; else its letters and digits, or the text without outer blanks when it is no number.",
        phrase: "skrivs som nummer med tolv tecken när seklet är säkert[, med ledning av {2}]; annars som \
                 det står utan skiljetecken",
        marks: &[],
        inverse: "The number itself; lost: how it was separated and whether it had its century.",
    },
    build: Build::Field(|_| field(value)),
    invert: Some(|_, value| same_text(|text| self::value(&[Some(text)]), value)),
    with: &[],
    examples: &[
        (&[Some("19760101-0007")], "197601010007"),
        (&[Some("760101 0007"), Some("1995-05-01")], "197601010007"),
        (&[Some("100101-0006"), Some("2015-05-01")], "1001010006"),
        (&[Some("760101-0007")], "7601010007"),
        (&[Some("212000-0142")], "162120000142"),
        (&[Some("=\"197601010007\"")], "197601010007"),
        (&[Some(" saknas ")], "saknas"),
        (&[Some("")], "null"),
    ],
};

pub(super) const CHECK_DIGIT_OK: Function = Function {
    spec: FunctionSpec {
        name: "identifier_check_digit_ok",
        kind: FunctionKind::Field(FieldFunction::Bool),
        inputs: (1, 1),
        arguments: &[],
        about: "Whether the check digit of a number is right; NULL when numbers of its kind have none.",
        phrase: "ger om numrets kontrollsiffra stämmer",
        marks: &[],
        inverse: "Lost: the number, which `identifier_value` gives.",
    },
    build: Build::Field(|_| unary(|text| truth(classify(text).luhn))),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("197601010007")], "true"),
        (&[Some("197601010004")], "false"),
        (&[Some("991981000010")], "true"),
        (&[Some("0000000000")], "null"),
        (&[Some("saknas")], "null"),
        (&[None], "null"),
    ],
};

pub(super) const CALENDAR_OK: Function = Function {
    spec: FunctionSpec {
        name: "identifier_calendar_ok",
        kind: FunctionKind::Field(FieldFunction::Bool),
        inputs: (1, 1),
        arguments: &[],
        about: "Whether the date in a number exists; NULL when there is none in it, or its month or day is unknown.",
        phrase: "ger om datumet i numret finns",
        marks: &[],
        inverse: "Lost: the number, which `identifier_value` gives.",
    },
    build: Build::Field(|_| unary(|text| truth(classify(text).calendar))),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("197601010007")], "true"),
        (&[Some("197602300001")], "false"),
        (&[Some("197600600006")], "null"),
        (&[Some("991981000010")], "null"),
        (&[Some("saknas")], "null"),
    ],
};

pub(super) const OID: Function = Function {
    spec: FunctionSpec {
        name: "identifier_oid",
        kind: FunctionKind::Field(FieldFunction::Text),
        inputs: (1, 1),
        arguments: &[],
        about: "The OID of a number's issuer and kind (personnummer, samordningsnummer, NRID, Region Stockholm's \
                reservnummer); NULL for every other kind and when the date in the number does not exist.",
        phrase: "ger vem som gett ut numret och av vilket slag det är, som OID",
        marks: &[],
        inverse: "Lost: the number, which `identifier_value` gives.",
    },
    build: Build::Field(|_| unary(oid)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("197601010007")], "1.2.752.129.2.1.3.1"),
        (&[Some("197601610004")], "1.2.752.129.2.1.3.3"),
        (&[Some("991981000010")], "1.2.752.97.3.1.3"),
        (&[Some("197602300001")], "null"),
        (&[Some("saknas")], "null"),
    ],
};

pub(super) const BIRTH_DATE: Function = Function {
    spec: FunctionSpec {
        name: "birth_date",
        kind: FunctionKind::Field(FieldFunction::Date),
        inputs: (1, 2),
        arguments: &[],
        about: "The date in a personnummer or samordningsnummer, when it exists and the century is written or the date \
                of the row (second column) leaves one; else NULL. It need not be the day of birth.",
        phrase: "ger datumet i person- eller samordningsnumret när seklet är säkert[, med ledning av {2}]",
        marks: &[],
        inverse: "Lost: the number, which `identifier_value` gives.",
    },
    build: Build::Field(|_| field(birth_date)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("197601010007")], "1976-01-01"),
        (&[Some("197601610004")], "1976-01-01"),
        (&[Some("760101-0007"), Some("1995-05-01 00:00:00")], "1976-01-01"),
        (&[Some("760101-0007"), None], "null"),
        (&[Some("100101-0006"), Some("2015-05-01")], "null"),
        (&[Some("197602300001")], "null"),
        (&[Some("991981000010")], "null"),
    ],
};

/// A number and the century that it has or that the date of its row leaves.
fn classified(inputs: &[Option<&str>]) -> Option<(Identifier, CenturyInference)> {
    let identifier = classify(given(inputs, 0)?);
    Some((identifier, century_of(&identifier, given(inputs, 1))))
}

fn century_of(identifier: &Identifier, row_date: Option<&str>) -> CenturyInference {
    let row_date = row_date.and_then(parse_date_part).map(civil);
    infer_century(identifier, &CenturyEvidence { row_date, ..CenturyEvidence::default() })
}

/// The twelve characters of a number, when they are certain. Kinds without a century of birth have
/// them from the start.
fn certain(identifier: &Identifier, century: CenturyInference) -> Option<Canonical12> {
    match century {
        CenturyInference::Certain(canonical, _) => Some(canonical),
        CenturyInference::Ambiguous(_) => None,
        CenturyInference::None => identifier.canonical,
    }
}

/// The number of twelve digits, when it is a personnummer or samordningsnummer, its check digit and its date
/// are right and its century is certain: the only numbers whose equality says that two records are one
/// human. The second input is the date of the row.
pub(crate) fn valid_national(inputs: &[Option<&str>]) -> Option<Identifier> {
    let (identifier, century) = classified(inputs)?;
    let canonical = certain(&identifier, century)?;
    Some(classify(canonical.as_str())).filter(Identifier::is_valid_national)
}

fn kind(text: &str) -> Outcome<'_> {
    let identifier = classify(text);
    if identifier.kind == IdentifierKind::Empty {
        Outcome::Null
    } else {
        Outcome::text(identifier.target_code())
    }
}

fn value<'a>(inputs: &[Option<&'a str>]) -> Outcome<'a> {
    let (Some(text), Some((identifier, century))) = (given(inputs, 0), classified(inputs)) else {
        return Outcome::Null;
    };
    if identifier.kind == IdentifierKind::Empty {
        return Outcome::Null;
    }
    let canonical = certain(&identifier, century);
    let clean = canonical.as_ref().map_or(identifier.compact(), Canonical12::as_str);
    if identifier.kind == IdentifierKind::Invalid || clean.is_empty() {
        // No number: the words of a remark say nothing without the blanks between them.
        return Outcome::text(text.trim());
    }
    if clean == text { Outcome::text(text) } else { Outcome::text(clean.to_owned()) }
}

fn truth<'a>(outcome: CheckOutcome) -> Outcome<'a> {
    match outcome {
        CheckOutcome::Ok => Outcome::Value(Cell::Bool(true)),
        CheckOutcome::Fail => Outcome::Value(Cell::Bool(false)),
        CheckOutcome::NotApplicable => Outcome::Null,
    }
}

fn oid(text: &str) -> Outcome<'_> {
    let oid = match classify(text).target_code() {
        "pnr" => "1.2.752.129.2.1.3.1",
        "samordning" => "1.2.752.129.2.1.3.3",
        "nrid" => "1.2.752.74.9.1",
        "reserv_sthlm" => "1.2.752.97.3.1.3",
        _ => return Outcome::Null,
    };
    Outcome::text(oid)
}

fn birth_date<'a>(inputs: &[Option<&'a str>]) -> Outcome<'a> {
    let date = classified(inputs).and_then(|(identifier, century)| {
        let national =
            matches!(identifier.kind, IdentifierKind::Personnummer | IdentifierKind::Samordningsnummer);
        let canonical = certain(&identifier, century).filter(|_| national)?;
        let (year, month, day) = classify(canonical.as_str()).birth_date()?;
        days_of(year, month, day)
    });
    date.map_or(Outcome::Null, |days| Outcome::Value(Cell::Date(days)))
}

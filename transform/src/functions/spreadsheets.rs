//! Functions over values that a spreadsheet rewrote on their way.

use bron_mappings::{Action, FieldFunction, FunctionKind, FunctionSpec, ReasonCode};

use super::inverse::same_text;
use super::{Build, Cell, Function, Outcome, check, given, unary};

pub(super) const KOMMUNKOD: Function = Function {
    spec: FunctionSpec {
        name: "kommunkod",
        kind: FunctionKind::Field(FieldFunction::Text),
        inputs: (1, 1),
        arguments: &[],
        about: "The code of a kommun in four digits; three digits get back the leading zero that a spreadsheet took; \
                every other form is refused.",
        phrase: "skrivs som kommunkod med fyra siffror; en borttappad inledande nolla sätts tillbaka",
        marks: &[ReasonCode::SpreadsheetForm, ReasonCode::Malformed],
        inverse: "The code in four digits.",
    },
    build: Build::Field(|_| unary(kommunkod)),
    invert: Some(|_, value| same_text(kommunkod, value)),
    with: &[],
    examples: &[
        (&[Some("0180")], "0180"),
        (&[Some("180")], "0180 [fix D78]"),
        (&[Some("1480")], "1480"),
        (&[None], "null"),
        (&[Some("18")], "bad felformat"),
        (&[Some("01800")], "bad felformat"),
        (&[Some("Solna")], "bad felformat"),
    ],
};

pub(super) const EXCEL_ARTEFACT: Function = Function {
    spec: FunctionSpec {
        name: "excel_artefact",
        kind: FunctionKind::Check,
        inputs: (1, 1),
        arguments: &[],
        about: "Broken when a text is what a spreadsheet makes of a number: `=\"0180\"`, or scientific notation such \
                as `1,9E+11`.",
        phrase: "{1} har skrivits om av ett kalkylprogram",
        marks: &[ReasonCode::SpreadsheetForm],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| {
        check(|inputs| given(inputs, 0).is_some_and(|text| is_formula(text) || is_scientific(text)))
    }),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("=\"0180\"")], "true"),
        (&[Some("1,9E+11")], "true"),
        (&[Some("1.97601e11")], "true"),
        (&[Some("0180")], "false"),
        (&[Some("1E")], "false"),
        (&[Some("E+11")], "false"),
        (&[None], "false"),
    ],
};

fn kommunkod(text: &str) -> Outcome<'_> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.len() {
        4 if digits => Outcome::text(text),
        3 if digits => {
            let padded = Cell::Text(format!("0{text}").into());
            Outcome::marked(Some(padded), Action::Fix, ReasonCode::SpreadsheetForm)
        }
        _ => Outcome::Bad(ReasonCode::Malformed),
    }
}

fn is_formula(text: &str) -> bool {
    text.trim().strip_prefix("=\"").is_some_and(|rest| rest.ends_with('"'))
}

/// Digits, with a decimal mark or without, an E and a power.
fn is_scientific(text: &str) -> bool {
    let Some((number, power)) = text.trim().split_once(['E', 'e']) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = number.split_once([',', '.']).unwrap_or((number, "0"));
    digits(whole) && digits(fraction) && digits(power.strip_prefix(['+', '-']).unwrap_or(power))
}

//! Functions over measured values of health care, which people wrote as text.

mod kind;
mod reading;

use bron_mappings::{Action, FieldFunction, FunctionKind, FunctionSpec, ReasonCode};

use super::inverse::reads_as;
use super::numbers::{decimal_text, scale_of};
use super::{Build, Cell, FieldFn, Function, Outcome, SettingError, Settings, check, field, given};
use kind::Kind;
use reading::Reading;

pub(super) const MEASUREMENT: Function = Function {
    spec: FunctionSpec {
        name: "measurement",
        kind: FunctionKind::Field(FieldFunction::Decimal),
        inputs: (1, 1),
        arguments: &[],
        about: "The number of a measured value, the first of two as in `120/80`; every text but a plain number with a \
                point is marked, and one without exactly one reading, such as `<5`, gives NULL. The examples show the \
                number unscaled.",
        phrase: "ger talet i ett mätvärde; annat än ett rent tal märks",
        marks: &[ReasonCode::MeasurementForm],
        inverse: "The number with the scale of the field.",
    },
    build: Build::Field(|settings| build(settings, measurement)),
    invert: Some(invert_measurement),
    with: &[],
    examples: &[
        (&[Some("36.8")], "3680"),
        (&[Some("82")], "8200"),
        (&[Some("36,8")], "3680 [norm D54]"),
        (&[Some("120/80")], "12000 [norm D54]"),
        (&[Some("7.2 mmol")], "720 [norm D54]"),
        (&[Some("<5")], "null [norm D54]"),
        (&[Some("ca 5")], "null [norm D54]"),
        (&[Some("5-6")], "null [norm D54]"),
        (&[Some("")], "null"),
        (&[None], "null"),
    ],
};

pub(super) const MEASUREMENT_SECOND: Function = Function {
    spec: FunctionSpec {
        name: "measurement_second",
        kind: FunctionKind::Field(FieldFunction::Decimal),
        inputs: (1, 1),
        arguments: &[],
        about: "The second number of a measured value such as `120/80`; NULL for every other text, which `measurement` \
                marks. The examples show the number unscaled.",
        phrase: "ger det andra talet i ett mätvärde som 120/80",
        marks: &[],
        inverse: "Lost: the first number, which `measurement` gives.",
    },
    build: Build::Field(|settings| build(settings, measurement_second)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("120/80")], "8000"),
        (&[Some("120 / 80 mmHg")], "8000"),
        (&[Some("36,8")], "null"),
        (&[Some("120/")], "null"),
        (&[None], "null"),
    ],
};

pub(super) const MEASUREMENT_IMPLAUSIBLE: Function = Function {
    spec: FunctionSpec {
        name: "measurement_implausible",
        kind: FunctionKind::Check,
        inputs: (3, 3),
        arguments: &[],
        about: "Broken when a measured value has no unit, or a number outside the bounds of its kind: kind; value; \
                unit; holds for other kinds with a unit, and when kind or value is missing or the value cannot be \
                read.",
        phrase: "värdet i {2} saknar enhet ({3}), eller är orimligt för sitt slag ({1})",
        marks: &[ReasonCode::MeasurementImplausible],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(is_implausible)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("TEMP"), Some("368"), Some("°C")], "true"),
        (&[Some("TEMP"), Some("36,8"), None], "true"),
        (&[Some("BT"), Some("120/280"), Some("mmHg")], "true"),
        (&[Some("TEMP"), Some("36,8"), Some("°C")], "false"),
        (&[Some("BT"), Some("120/80"), Some("mmHg")], "false"),
        (&[Some("BGLUK"), Some("<5"), Some("mmol/l")], "false"),
        (&[Some("SMÄRTA"), Some("900"), Some("poäng")], "false"),
        (&[Some("TEMP"), None, None], "false"),
    ],
};

fn build(
    settings: &Settings<'_>,
    read: for<'a> fn(&'a str, usize) -> Outcome<'a>,
) -> Result<FieldFn, SettingError> {
    let scale = scale_of(settings)?;
    field(move |inputs| given(inputs, 0).map_or(Outcome::Null, |text| read(text, scale)))
}

fn measurement(text: &str, scale: usize) -> Outcome<'_> {
    let reading = Reading::of(text);
    let value = reading.and_then(|reading| reading.first(scale)).map(Cell::Decimal);
    match value {
        Some(value) if reading.is_some_and(Reading::is_plain) => Outcome::Value(value),
        value => Outcome::marked(value, Action::Norm, ReasonCode::MeasurementForm),
    }
}

fn measurement_second(text: &str, scale: usize) -> Outcome<'_> {
    let second = Reading::of(text).and_then(|reading| reading.second(scale));
    second.map_or(Outcome::Null, |second| Outcome::Value(Cell::Decimal(second)))
}

fn invert_measurement(settings: &Settings<'_>, value: &Cell<'_>) -> Option<String> {
    let Cell::Decimal(number) = value else { return None };
    let scale = scale_of(settings).ok()?;
    reads_as(|text| measurement(text, scale), decimal_text(*number, scale), value)
}

fn is_implausible(inputs: &[Option<&str>]) -> bool {
    let (Some(kind), Some(value)) = (given(inputs, 0), given(inputs, 1)) else { return false };
    let unit = given(inputs, 2).filter(|unit| !unit.trim().is_empty());
    let outside = || {
        let reading = Kind::find(kind).zip(Reading::of(value));
        reading.is_some_and(|(kind, reading)| kind.is_outside(reading))
    };
    unit.is_none() || outside()
}

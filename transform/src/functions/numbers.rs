//! Functions that read whole and decimal numbers.

use bron_mappings::{FieldFunction, FunctionKind, FunctionSpec, ReasonCode};

use super::inverse::reads_as;
use super::{
    Build, Cell, FieldFn, Function, Outcome, SettingError, Settings, field, given, unary, value_or_malformed,
};

/// Digits of the largest decimal number that a column can carry.
const DECIMAL_DIGITS: u8 = 38;

pub(super) const INT: Function = Function {
    spec: FunctionSpec {
        name: "int",
        kind: FunctionKind::Field(FieldFunction::Int),
        inputs: (1, 1),
        arguments: &[],
        about: "A whole number in digits, with `-` before it when negative; every other form and a number beyond 64 \
                bits is refused.",
        phrase: "läses som ett heltal",
        marks: &[ReasonCode::Malformed],
        inverse: "The number in digits; lost: leading zeros.",
    },
    build: Build::Field(|_| unary(|text| value_or_malformed(whole_number(text).map(Cell::Int)))),
    invert: Some(|_, value| invert_int(value)),
    with: &[],
    examples: &[
        (&[Some("42")], "42"),
        (&[Some("-7")], "-7"),
        (&[Some("007")], "7"),
        (&[Some("")], "null"),
        (&[Some("1 000")], "bad felformat"),
        (&[Some("4.0")], "bad felformat"),
        (&[Some("9223372036854775808")], "bad felformat"),
    ],
};

pub(super) const MINUTES: Function = Function {
    spec: FunctionSpec {
        name: "minutes",
        kind: FunctionKind::Field(FieldFunction::Int),
        inputs: (1, 1),
        arguments: &[],
        about: "A whole number of minutes, 0 or more; every other form is refused.",
        phrase: "läses som hela minuter",
        marks: &[ReasonCode::Malformed],
        inverse: "The number in digits; lost: leading zeros.",
    },
    build: Build::Field(|_| unary(minutes)),
    invert: Some(|_, value| reads_as(minutes, invert_int(value)?, value)),
    with: &[],
    examples: &[
        (&[Some("45")], "45"),
        (&[Some("0")], "0"),
        (&[None], "null"),
        (&[Some("-45")], "bad felformat"),
        (&[Some("0,75")], "bad felformat"),
        (&[Some("1:15")], "bad felformat"),
    ],
};

pub(super) const DECIMAL: Function = Function {
    spec: FunctionSpec {
        name: "decimal",
        kind: FunctionKind::Field(FieldFunction::Decimal),
        inputs: (1, 1),
        arguments: &[],
        about: "A decimal number with a point or a comma, exact at the scale of the field (2 in the examples, which \
                show it unscaled); digits beyond the scale are refused unless they are zeros.",
        phrase: "läses som ett decimaltal och avrundas aldrig",
        marks: &[ReasonCode::Malformed],
        inverse: "The number with the scale of the field; lost: the decimal mark and zeros at either end.",
    },
    build: Build::Field(build_decimal),
    invert: Some(invert_decimal),
    with: &[],
    examples: &[
        (&[Some("12.5")], "1250"),
        (&[Some("-0,05")], "-5"),
        (&[Some(".5")], "50"),
        (&[Some("7")], "700"),
        (&[Some("12.5000")], "1250"),
        (&[Some("")], "null"),
        (&[Some("12.505")], "bad felformat"),
        (&[Some("12.")], "bad felformat"),
        (&[Some("1.000,50")], "bad felformat"),
        (&[Some("120/80")], "bad felformat"),
    ],
};

/// The text of a number without its minus sign, and whether it had one.
fn without_minus(text: &str) -> (bool, &str) {
    text.strip_prefix('-').map_or((false, text), |digits| (true, digits))
}

/// A whole number in digits, with a minus before them when it is negative.
pub(super) fn whole_number(text: &str) -> Option<i64> {
    let (_, digits) = without_minus(text);
    let only_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if only_digits { text.parse().ok() } else { None }
}

fn minutes(text: &str) -> Outcome<'_> {
    value_or_malformed(whole_number(text).filter(|minutes| *minutes >= 0).map(Cell::Int))
}

fn build_decimal(settings: &Settings<'_>) -> Result<FieldFn, SettingError> {
    let scale = scale_of(settings)?;
    field(move |inputs| given(inputs, 0).map_or(Outcome::Null, |text| decimal(text, scale)))
}

fn decimal(text: &str, scale: usize) -> Outcome<'_> {
    value_or_malformed(decimal_number(text, scale).map(Cell::Decimal))
}

fn invert_decimal(settings: &Settings<'_>, value: &Cell<'_>) -> Option<String> {
    let Cell::Decimal(number) = value else { return None };
    let scale = scale_of(settings).ok()?;
    reads_as(|text| decimal(text, scale), decimal_text(*number, scale), value)
}

fn invert_int(value: &Cell<'_>) -> Option<String> {
    if let Cell::Int(number) = value { Some(number.to_string()) } else { None }
}

/// The digits after the decimal point of a field's column.
pub(super) fn scale_of(settings: &Settings<'_>) -> Result<usize, SettingError> {
    let scale =
        settings.scale.and_then(|scale| u8::try_from(scale).ok()).filter(|scale| *scale <= DECIMAL_DIGITS);
    let scale = scale.ok_or_else(|| format!("a decimal field has a scale of 0 to {DECIMAL_DIGITS}"))?;
    Ok(usize::from(scale))
}

/// A whole number of the last place as a decimal number with a point, and with every digit of the scale.
pub(super) fn decimal_text(number: i128, scale: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A decimal number as a whole number of its last place.
pub(super) fn decimal_number(text: &str, scale: usize) -> Option<i128> {
    let (negative, digits) = without_minus(text);
    let (whole, fraction) = match digits.split_once(['.', ',']) {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None if digits.is_empty() => return None,
        None => (digits, ""),
    };
    let kept = fraction.len().min(scale);
    let (fraction, beyond) = fraction.as_bytes().split_at(kept);
    if beyond.iter().any(|byte| *byte != b'0') {
        return None;
    }
    let unscaled =
        whole.as_bytes().iter().chain(fraction).try_fold(0, |number, byte| push_digit(number, *byte))?;
    let unscaled = (kept..scale).try_fold(unscaled, |number, _| push_digit(number, b'0'))?;
    Some(if negative { -unscaled } else { unscaled })
}

/// The number with one more digit at its end, unless it becomes too long or the byte is no digit.
fn push_digit(number: i128, byte: u8) -> Option<i128> {
    const LARGEST: i128 = 10_i128.pow(38) - 1;
    if !byte.is_ascii_digit() {
        return None;
    }
    let number = number.checked_mul(10)? + i128::from(byte - b'0');
    (number <= LARGEST).then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_scale_of_the_field_counts() {
        assert_eq!(decimal_number("1,5", 1), Some(15));
        assert_eq!(decimal_number("1,5", 4), Some(15_000));
        assert_eq!(decimal_number("1,5", 0), None);
        assert_eq!(decimal_number("1,0", 0), Some(1));
        assert_eq!(decimal_number("0", 38), Some(0));
        assert_eq!(decimal_number("1", 38), None);
    }

    #[test]
    fn a_number_longer_than_a_column_is_refused() {
        let longest = "9".repeat(38);
        assert_eq!(decimal_number(&longest, 0), Some(10_i128.pow(38) - 1));
        assert_eq!(decimal_number(&format!("{longest}0"), 0), None);
        assert_eq!(decimal_number(&longest, 1), None);
        assert_eq!(decimal_number(&"0".repeat(1000), 2), Some(0));
    }

    #[test]
    fn a_field_without_a_usable_scale_is_refused() {
        let arguments = std::collections::BTreeMap::new();
        for scale in [None, Some(-1), Some(39)] {
            assert!(build_decimal(&Settings { arguments: &arguments, scale }).is_err());
        }
    }

    proptest! {
        #[test]
        fn decimals_round_trip(
            unscaled in -(10_i128.pow(38) - 1)..10_i128.pow(38),
            scale in 0_usize..=38,
            comma: bool,
        ) {
            let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
            let (whole, fraction) = digits.split_at(digits.len() - scale);
            let sign = if unscaled < 0 { "-" } else { "" };
            let mark = if scale == 0 { "" } else if comma { "," } else { "." };
            let text = format!("{sign}{whole}{mark}{fraction}");
            prop_assert_eq!(decimal_number(&text, scale), Some(unscaled));
        }

        #[test]
        fn whole_numbers_round_trip(number: i64) {
            prop_assert_eq!(whole_number(&number.to_string()), Some(number));
        }
    }
}

//! Numbers as files write them, added up exactly.

use std::fmt;

/// Digits after the point that are kept.
const SCALE: u32 = 9;
const UNIT: i128 = 10_i128.pow(SCALE);

/// A number with at most nine decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount(i128);

impl Amount {
    pub(super) fn whole(number: u64) -> Self {
        Self(i128::from(number) * UNIT)
    }

    /// The sum; `None` when it is larger than any number of a file.
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
}

/// Reads `-1 234,50`: a sign, digits with blanks between thousands, a comma or a point and decimals. `None` for
/// anything else, and for more digits than are kept.
pub(super) fn parse(text: &str) -> Option<Amount> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, decimals) = digits.split_once([',', '.']).unwrap_or((digits, ""));
    let is_separated = digits.len() > whole.len();
    if is_separated && decimals.is_empty() {
        return None;
    }
    let mut number: i128 = 0;
    for group in whole_groups(whole)? {
        for digit in group.bytes() {
            number = number.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        }
    }
    let mut unit = UNIT;
    number = number.checked_mul(UNIT)?;
    for digit in decimals.bytes() {
        if !digit.is_ascii_digit() {
            return None;
        }
        unit /= 10;
        if unit == 0 && digit != b'0' {
            return None;
        }
        number = number.checked_add(i128::from(digit - b'0') * unit)?;
    }
    Some(Amount(if negative { -number } else { number }))
}

/// The digits between the blanks of a whole number: all groups but the first have three.
fn whole_groups(whole: &str) -> Option<Vec<&str>> {
    let groups: Vec<&str> = whole.split([' ', '\u{a0}', '\u{202f}']).collect();
    let digits = |group: &&str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let tidy = groups.iter().all(digits)
        && (groups.len() == 1 || groups[0].len() <= 3)
        && groups[1..].iter().all(|group| group.len() == 3);
    tidy.then_some(groups)
}

impl fmt::Display for Amount {
    /// Writes a point and no idle noughts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, decimals) =
            (self.0.unsigned_abs() / UNIT.unsigned_abs(), self.0.unsigned_abs() % UNIT.unsigned_abs());
        write!(f, "{sign}{whole}")?;
        if decimals > 0 {
            let decimals = format!("{decimals:09}");
            write!(f, ".{}", decimals.trim_end_matches('0'))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_files_write_them() {
        for (text, expected) in [
            ("0", "0"),
            ("12", "12"),
            ("-12", "-12"),
            ("+7", "7"),
            ("4567,50", "4567.5"),
            ("1.05", "1.05"),
            ("1 234 567,8", "1234567.8"),
            ("1\u{a0}234", "1234"),
            ("007", "7"),
            ("0,000000001", "0.000000001"),
            ("1,0000000000", "1"),
        ] {
            assert_eq!(parse(text).map(|amount| amount.to_string()).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_has_too_many_digits_is_none() {
        let long = "9".repeat(40);
        for text in [
            "",
            " ",
            "-",
            "1,",
            ",5",
            "1,2,3",
            "1.234,5",
            "1 23",
            "12 34",
            "1e3",
            "x",
            "１",
            "0,0000000001",
            &long,
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn sums_are_exact() {
        let tenth = parse("0,1").unwrap();
        let sum = (0..10).try_fold(Amount::default(), |sum, _| sum.plus(tenth));
        assert_eq!(sum, Some(Amount::whole(1)));
        let most = parse(&"9".repeat(29)).unwrap();
        assert_eq!((0..40).try_fold(Amount::default(), |sum, _| sum.plus(most)), None);
    }
}

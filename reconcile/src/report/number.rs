//! Numbers as Swedish readers write them.

use crate::controls::Unit;

/// Narrow no-break space: between thousands, so that a number never breaks over two lines.
const SEPARATOR: char = '\u{202f}';
const MINUS: char = '\u{2212}';

/// A count: `12 345`.
pub(crate) fn count<N: TryInto<i128>>(number: N) -> String {
    number.try_into().map_or_else(|_| "för stort tal".to_owned(), grouped)
}

fn grouped(number: i128) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    if number < 0 {
        text.push(MINUS);
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(SEPARATOR);
        }
        text.push(digit);
    }
    text
}

/// A number of a control: öre as kronor with a decimal comma, others as counts.
pub(crate) fn in_unit(unit: Unit, number: i128) -> String {
    match unit {
        Unit::Antal | Unit::Minuter => grouped(number),
        Unit::Ore => {
            let sign = if number < 0 { MINUS.to_string() } else { String::new() };
            let (kronor, ore) = (number.unsigned_abs() / 100, number.unsigned_abs() % 100);
            format!("{sign}{},{ore:02}", count(kronor))
        }
    }
}

/// A difference: with a sign when it is not zero.
pub(crate) fn signed(unit: Unit, number: i128) -> String {
    let plus = if number > 0 { "+" } else { "" };
    format!("{plus}{}", in_unit(unit, number))
}

/// The unit as a word.
pub(crate) const fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Antal => "antal",
        Unit::Ore => "kronor",
        Unit::Minuter => "minuter",
    }
}

/// "1 skillnad", "4 skillnader".
pub(crate) fn plural(number: u128, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_kronor_and_signs() {
        assert_eq!(count(0_u64), "0");
        assert_eq!(count(999_u64), "999");
        assert_eq!(count(1_234_567_u64), "1\u{202f}234\u{202f}567");
        assert_eq!(count(u128::MAX), "för stort tal");
        assert_eq!(in_unit(Unit::Ore, 123_456_705), "1\u{202f}234\u{202f}567,05");
        assert_eq!(in_unit(Unit::Ore, -5), "\u{2212}0,05");
        assert_eq!(signed(Unit::Antal, -1000), "\u{2212}1\u{202f}000");
        assert_eq!(signed(Unit::Minuter, 12), "+12");
        assert_eq!(signed(Unit::Ore, 0), "0,00");
        assert_eq!(plural(1, "rad", "rader"), "1 rad");
    }
}

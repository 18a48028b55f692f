//! An amount as Swedish systems and people write it.

/// Decimal places below an öre that are told apart. More of them are readable only when they are zeros.
const PLACES_BELOW_ORE: usize = 16;

/// An exact amount; equal amounts are equal however they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    ore: i64,
    /// Ten-thousandths of a millionth of a millionth of an öre, with the sign of the amount.
    below_ore: i64,
}

impl Amount {
    /// Reads an amount in kronor; `None` for every other text and beyond 64 bits of öre.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = without_minus(without_unit(text))?;
        let (whole, fraction, grouped_by_points) = split_at_mark(digits)?;
        // Counted downwards, because there is one more negative number than positive ones.
        let kronor = parse_whole(whole, grouped_by_points)?;
        let (below_krona, below_ore) = parse_fraction(fraction)?;
        let ore = kronor.checked_mul(100)?.checked_sub(below_krona)?;
        if negative {
            Some(Self { ore, below_ore: -below_ore })
        } else {
            Some(Self { ore: ore.checked_neg()?, below_ore })
        }
    }

    /// The whole amount as a number of its smallest part. Every amount fits, and so does the sum of a
    /// thousand.
    pub(super) fn exact(self) -> i128 {
        const PARTS_OF_ORE: i128 = 10_i128.pow(16);
        i128::from(self.ore) * PARTS_OF_ORE + i128::from(self.below_ore)
    }

    /// The amount in öre, when it has no parts of one.
    pub(super) const fn whole_ore(self) -> Option<i64> {
        if self.below_ore == 0 { Some(self.ore) } else { None }
    }
}

const fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\u{a0}' | '\u{202f}')
}

fn without_unit(text: &str) -> &str {
    let unit_at = text.len().saturating_sub(2);
    match text.split_at_checked(unit_at) {
        Some((amount, unit)) if unit == ":-" || unit.eq_ignore_ascii_case("kr") => {
            amount.strip_suffix(is_blank).unwrap_or(amount)
        }
        Some(_) | None => text,
    }
}

/// The digits, and whether there was one minus before or after them; `None` when there were two.
fn without_minus(text: &str) -> Option<(bool, &str)> {
    let minus = ['-', '\u{2212}'];
    let after = text.strip_suffix(minus);
    let before = after.unwrap_or(text).strip_prefix(minus);
    match (before, after) {
        (Some(_), Some(_)) => None,
        (Some(digits), None) | (None, Some(digits)) => Some((true, digits)),
        (None, None) => Some((false, text)),
    }
}

/// The text before the decimal mark, the digits after it, of which there is at least one when there is
/// a mark, and whether a point can only be a thousands mark: beside a decimal comma.
fn split_at_mark(digits: &str) -> Option<(&str, &[u8], bool)> {
    let comma = digits.split_once(',');
    let (whole, fraction) = match comma.or_else(|| digits.split_once('.')) {
        Some(parts) => parts,
        None if digits.is_empty() => return None,
        None => return Some((digits, &[], false)),
    };
    let readable = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    readable.then_some((whole, fraction.as_bytes(), comma.is_some()))
}

/// The kronor as a number that is 0 or negative.
fn parse_whole(whole: &str, grouped_by_points: bool) -> Option<i64> {
    let mut kronor = 0_i64;
    let mut in_group = 0;
    let mut mark: Option<char> = None;
    for character in whole.chars() {
        if let Some(digit) = character.to_digit(10) {
            kronor = kronor.checked_mul(10)?.checked_sub(i64::from(digit))?;
            in_group += 1;
            continue;
        }
        let kind = match character {
            blank if is_blank(blank) => ' ',
            '.' if grouped_by_points => '.',
            _ => return None,
        };
        let complete = if mark.is_none() { (1..=3).contains(&in_group) } else { in_group == 3 };
        if !complete || mark.is_some_and(|mark| mark != kind) {
            return None;
        }
        (mark, in_group) = (Some(kind), 0);
    }
    (mark.is_none() || in_group == 3).then_some(kronor)
}

/// Öre and what is below one, from the digits after the decimal mark.
fn parse_fraction(digits: &[u8]) -> Option<(i64, i64)> {
    let (ore, below_ore) = digits.split_at(digits.len().min(2));
    let (below_ore, beyond) = below_ore.split_at(below_ore.len().min(PLACES_BELOW_ORE));
    if beyond.iter().any(|digit| *digit != b'0') {
        return None;
    }
    // Most amounts have four decimals, the last two of them zeros.
    let whole = below_ore.iter().all(|digit| *digit == b'0');
    Some((number(ore, 2), if whole { 0 } else { number(below_ore, PLACES_BELOW_ORE) }))
}

/// The number that at most 16 digits make when zeros fill them up to so many places.
fn number(digits: &[u8], places: usize) -> i64 {
    (0..places)
        .fold(0, |number, place| number * 10 + i64::from(digits.get(place).map_or(0, |digit| digit - b'0')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ore(text: &str) -> Option<i64> {
        Amount::parse(text).and_then(Amount::whole_ore)
    }

    #[test]
    fn every_ordinary_way_of_writing_an_amount_is_read() {
        let same = [
            "-1234567,8",
            "-1234567.80",
            "-1 234 567,80",
            "1 234 567,80-",
            "\u{2212}1\u{a0}234\u{a0}567.8 kr",
            "1\u{202f}234 567,80\u{2212}",
            "-1.234.567,80",
            "-1234567,8KR",
            "-1234567,8000000000000000000000",
            "-1234567,80:-",
            "-01 234 567,80 :-",
        ];
        for text in same {
            assert_eq!(ore(text), Some(-123_456_780), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_an_amount() {
        let bad = [
            "",
            "-",
            "kr",
            ":-",
            " ",
            ",",
            ".",
            "1,",
            "1.",
            "1,2,3",
            "1.2.3",
            "1.234.567",
            "12 34",
            "1  234",
            " 1",
            "1 ",
            "1 2345",
            "1234 567",
            "1 234.567,00",
            "1.23,00",
            "1,2.3",
            "--1",
            "1--",
            "-1-",
            "- 1",
            "1 -",
            "kr 1",
            "1 SEK",
            "1e3",
            "0x10",
            "+1",
            "１",
            "1 kr kr",
            "1,50.000",
            "1krr",
            "1å",
            "å",
            "1,0\u{a0}0",
            "0.00000000000000000001",
        ];
        for text in bad {
            assert_eq!(Amount::parse(text), None, "{text}");
        }
    }

    #[test]
    fn parts_of_an_ore_are_kept_apart() {
        for text in ["0.0001", "0,005", "-6120.0050", "1.001"] {
            assert!(Amount::parse(text).is_some_and(|amount| amount.whole_ore().is_none()), "{text}");
        }
        assert_eq!(Amount::parse("-0.005"), Amount::parse("0,0050-"));
        assert_ne!(Amount::parse("-0.005"), Amount::parse("0.005"));
        assert_eq!(Amount::parse("-0"), Amount::parse("0"));
    }

    #[test]
    fn the_ends_of_the_range_are_read_and_not_passed() {
        assert_eq!(ore("92233720368547758.07"), Some(i64::MAX));
        assert_eq!(ore("-92233720368547758.08"), Some(i64::MIN));
        assert_eq!(ore("92233720368547758.08"), None);
        assert_eq!(ore("-92233720368547758.09"), None);
        assert_eq!(ore(&"9".repeat(400)), None);
    }

    /// Kronor with a thousands mark.
    fn grouped(kronor: u64, mark: &str) -> String {
        let digits = kronor.to_string();
        let groups: Vec<&str> =
            digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap()).collect();
        groups.join(mark)
    }

    proptest! {
        #[test]
        fn amounts_round_trip(ore in any::<i64>(), mark in 0_usize..4, trailing: bool, unit in 0_usize..4) {
            let (kronor, rest) = (ore.unsigned_abs() / 100, ore.unsigned_abs() % 100);
            let whole = grouped(kronor, ["", " ", "\u{a0}", "\u{202f}"][mark]);
            let (before, after) = if ore >= 0 { ("", "") } else if trailing { ("", "-") } else { ("-", "") };
            let unit = ["", " kr", "kr", ":-"][unit];
            let ore_and_unit = format!("{before}{whole},{rest:02}{after}{unit}");
            let four_decimals = format!("{before}{kronor}.{rest:02}00{after}");
            for text in [ore_and_unit, four_decimals] {
                prop_assert_eq!(Amount::parse(&text).and_then(Amount::whole_ore), Some(ore), "{}", text);
            }
        }

        #[test]
        fn any_text_is_read_without_failure(text in "\\PC*|[-0-9 .,kr:\u{2212}\u{a0}]{0,30}") {
            let _ = Amount::parse(&text);
        }
    }
}

//! Amounts written as text.

use super::Format;

const MONEY_DECIMALS: usize = 4;

/// The amount in the format's unit, `None` when the text does not state one exactly.
pub(super) fn read(format: Format, text: &str) -> Option<i128> {
    match format {
        Format::Money4 => money(text),
        Format::Comma => comma(text),
        Format::Minutes | Format::Ore | Format::Number => whole(text),
    }
}

fn whole(text: &str) -> Option<i128> {
    let (negative, digits) = sign(text);
    let number = digits_of(digits)?;
    Some(if negative { -number } else { number })
}

/// Kronor as öre. `12`, `12.5`, `12.3400`; not `12,34`, not `12.`, and not `12.3456`, which has parts of an öre.
fn money(text: &str) -> Option<i128> {
    let (negative, number) = sign(text);
    let (kronor, decimals) = match number.split_once('.') {
        Some((kronor, decimals)) if (1..=MONEY_DECIMALS).contains(&decimals.len()) => (kronor, decimals),
        Some(_) => return None,
        None => (number, "0"),
    };
    let missing = u32::try_from(MONEY_DECIMALS - decimals.len()).ok()?;
    let parts = digits_of(decimals)? * 10_i128.pow(missing);
    if parts % 100 != 0 {
        return None;
    }
    let ore = digits_of(kronor)?.checked_mul(100)?.checked_add(parts / 100)?;
    Some(if negative { -ore } else { ore })
}

/// Kronor as öre. `12`, `1 012,5`, `12,34`; not `12.34`, not `12,`, and not `10 12`.
fn comma(text: &str) -> Option<i128> {
    let (negative, number) = sign(text);
    let (kronor, decimals) = number.split_once(',').unwrap_or((number, "0"));
    let groups: Vec<&str> = kronor.split([' ', '\u{a0}']).collect();
    let apart = |group: &&str| group.len() == 3;
    let whole = groups.len() == 1 || (groups[0].len() <= 3 && groups[1..].iter().all(apart));
    let missing = u32::try_from(2_usize.checked_sub(decimals.len())?).ok()?;
    let parts = digits_of(decimals)? * 10_i128.pow(missing);
    let kronor = digits_of(&groups.concat()).filter(|_| whole && !groups[0].is_empty())?;
    let ore = kronor.checked_mul(100)?.checked_add(parts)?;
    Some(if negative { -ore } else { ore })
}

fn sign(text: &str) -> (bool, &str) {
    text.strip_prefix('-').map_or((false, text), |rest| (true, rest))
}

fn digits_of(text: &str) -> Option<i128> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact_or_unreadable() {
        let good = [
            ("6120.0000", 612_000),
            ("0.5", 50),
            ("-12.34", -1_234),
            ("7", 700),
            ("922337203685477.5800", 92_233_720_368_547_758),
        ];
        for (text, ore) in good {
            assert_eq!(read(Format::Money4, text), Some(ore), "{text}");
        }
        for text in
            ["", " 1", "1 ", "1,50", "1.", ".5", "1.23456", "0.0050", "1e3", "--1", "+1", "kr 1", "1 000"]
        {
            assert_eq!(read(Format::Money4, text), None, "{text}");
        }
    }

    #[test]
    fn a_decimal_comma_is_exact_or_unreadable() {
        let good = [
            ("1 250,50", 125_050),
            ("0,5", 50),
            ("-12,34", -1_234),
            ("12480", 1_248_000),
            ("8\u{a0}320", 832_000),
        ];
        for (text, ore) in good {
            assert_eq!(read(Format::Comma, text), Some(ore), "{text}");
        }
        for text in ["", " 1", "1.50", "1,", ",5", "1,234", "10 12", "1000 000", "1 000 00", "1  000"] {
            assert_eq!(read(Format::Comma, text), None, "{text}");
        }
    }

    #[test]
    fn whole_numbers_have_digits_only() {
        assert_eq!(read(Format::Minutes, "045"), Some(45));
        assert_eq!(read(Format::Number, "-3"), Some(-3));
        for text in ["", "4.0", "4,5", "١", "9999999999999999999999999999999999999999999"] {
            assert_eq!(read(Format::Ore, text), None, "{text}");
        }
    }
}

//! Amounts as whole numbers of ten-thousandths.

/// The amount that a text with a decimal point and at most four decimals names.
pub(super) fn ten_thousandths(text: &str) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 4 || !plain(whole) || !plain(fraction) {
        return None;
    }
    let number: i128 = format!("{whole}{fraction:0<4}").parse().ok()?;
    Some(if negative { -number } else { number })
}

/// An amount as text with four decimals.
pub(super) fn four_decimals(sum: i128) -> String {
    let sign = if sum < 0 { "-" } else { "" };
    let size = sum.unsigned_abs();
    format!("{sign}{}.{:04}", size / 10_000, size % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (text, number) in [("6120.0000", 61_200_000), ("-0.5", -5_000), ("3", 30_000), ("0.0001", 1)] {
            assert_eq!(ten_thousandths(text), Some(number));
        }
        for text in ["", "-", "1,5", "1.00001", "1.2.3", " 1", "+1"] {
            assert_eq!(ten_thousandths(text), None, "{text}");
        }
        assert_eq!(four_decimals(-5_000), "-0.5000");
    }
}

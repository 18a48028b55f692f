//! Exact decimal numbers as canonical text and as PostgreSQL's binary `numeric`.

/// The first number that needs more than the 38 digits a column holds.
const LIMIT: i128 = 10_i128.pow(38);
const GROUP: usize = 4;
const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;

/// Whether a column can hold this unscaled number.
pub(crate) const fn holds(unscaled: i128) -> bool {
    -LIMIT < unscaled && unscaled < LIMIT
}

/// Appends the canonical text: `-` when negative, no leading zeros but one before the point, and
/// exactly `scale` digits after it.
pub(crate) fn push_text(out: &mut String, unscaled: i128, scale: usize) {
    let digits = padded_digits(unscaled, scale);
    if unscaled < 0 {
        out.push('-');
    }
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    out.push_str(whole);
    if scale > 0 {
        out.push('.');
        out.push_str(fraction);
    }
}

/// Reads exactly what [`push_text`] writes, as the unscaled number.
pub(crate) fn parse_text(text: &str, scale: usize) -> Option<i128> {
    let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = if scale == 0 { (rest, "") } else { rest.split_once('.')? };
    let only_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let well_formed = !whole.is_empty()
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.len() == scale
        && only_digits(whole)
        && only_digits(fraction);
    if !well_formed {
        return None;
    }
    let magnitude: i128 = format!("{whole}{fraction}").parse().ok().filter(|&number| holds(number))?;
    match (negative, magnitude) {
        (true, 0) => None,
        (true, _) => Some(-magnitude),
        (false, _) => Some(magnitude),
    }
}

/// Appends PostgreSQL's binary form: number of groups, weight of the first, sign, scale, then groups of
/// four decimal digits.
pub(crate) fn push_numeric(out: &mut Vec<u8>, unscaled: i128, scale: usize) {
    let mut digits = padded_digits(unscaled, scale).into_bytes();
    digits.resize(digits.len() + (GROUP - scale % GROUP) % GROUP, b'0');
    let missing = (GROUP - digits.len() % GROUP) % GROUP;
    digits.splice(..0, std::iter::repeat_n(b'0', missing));

    let mut groups: Vec<u16> = digits.chunks(GROUP).map(group_value).collect();
    let whole_groups = groups.len() - scale.div_ceil(GROUP);
    let leading = groups.iter().take_while(|&&group| group == 0).count();
    groups.drain(..leading);
    while groups.last() == Some(&0) {
        groups.pop();
    }
    let weight = if groups.is_empty() { 0 } else { small(whole_groups) - small(leading) - 1 };
    out.extend_from_slice(&small(groups.len()).to_be_bytes());
    out.extend_from_slice(&weight.to_be_bytes());
    out.extend_from_slice(&(if unscaled < 0 { NEGATIVE } else { POSITIVE }).to_be_bytes());
    out.extend_from_slice(&small(scale).to_be_bytes());
    groups.iter().for_each(|group| out.extend_from_slice(&group.to_be_bytes()));
}

/// Reads PostgreSQL's binary form as a number of this scale; `None` when it is not a number, is
/// infinite, or has digits beyond the scale.
pub(crate) fn parse_numeric(bytes: &[u8], scale: usize) -> Option<i128> {
    let (head, tail) = bytes.split_at_checked(8)?;
    let short = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
    let (count, weight, sign) = (usize::from(short(0)), i16::from_be_bytes([head[2], head[3]]), short(4));
    if !matches!(sign, POSITIVE | NEGATIVE) || tail.len() != count * 2 {
        return None;
    }
    let mut magnitude = 0_i128;
    let mut exponent = i32::from(weight) * 4 + i32::try_from(scale).ok()?;
    for pair in tail.chunks_exact(2) {
        let group = i128::from(u16::from_be_bytes([pair[0], pair[1]]));
        let part = match u32::try_from(exponent) {
            Ok(_) if group == 0 => 0,
            Ok(places) => 10_i128.checked_pow(places)?.checked_mul(group)?,
            Err(_) => {
                let unit = 10_i128.checked_pow(exponent.unsigned_abs())?;
                (group % unit == 0).then_some(group / unit)?
            }
        };
        magnitude = magnitude.checked_add(part)?;
        exponent -= 4;
    }
    holds(magnitude).then_some(if sign == NEGATIVE { -magnitude } else { magnitude })
}

/// The digits of the magnitude, at least one more than the scale.
fn padded_digits(unscaled: i128, scale: usize) -> String {
    format!("{:0width$}", unscaled.unsigned_abs(), width = scale + 1)
}

fn group_value(digits: &[u8]) -> u16 {
    digits.iter().fold(0, |value, &digit| value * 10 + u16::from(digit - b'0'))
}

fn small(count: usize) -> i16 {
    i16::try_from(count).expect("a number of 38 digits has few groups")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(unscaled: i128, scale: usize) -> String {
        let mut out = String::new();
        push_text(&mut out, unscaled, scale);
        out
    }

    fn numeric(unscaled: i128, scale: usize) -> Vec<u8> {
        let mut out = Vec::new();
        push_numeric(&mut out, unscaled, scale);
        out
    }

    #[test]
    fn text_is_canonical() {
        for (unscaled, scale, expected) in
            [(0, 2, "0.00"), (-5, 2, "-0.05"), (612_000, 2, "6120.00"), (-7, 0, "-7"), (1, 4, "0.0001")]
        {
            assert_eq!(text(unscaled, scale), expected);
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for spelling in
            ["", "1", "1.0", "1.000", "01.00", "-0.00", "+1.00", " 1.00", "1,00", ".00", "NaN", "1.0a"]
        {
            assert_eq!(parse_text(spelling, 2), None, "{spelling}");
        }
        assert_eq!(parse_text("100000000000000000000000000000000000000", 0), None);
    }

    #[test]
    fn numeric_vectors() {
        assert_eq!(numeric(0, 2), [0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!(numeric(123_456_789, 4), [0, 3, 0, 1, 0, 0, 0, 4, 0, 1, 9, 41, 26, 133]);
        assert_eq!(numeric(-5, 2), [0, 1, 255, 255, 64, 0, 0, 2, 1, 244]);
        assert_eq!(numeric(1_000_000, 2), [0, 1, 0, 1, 0, 0, 0, 2, 0, 1]);
    }

    #[test]
    fn what_is_not_a_number_of_the_scale_is_refused() {
        assert_eq!(parse_numeric(&[0, 0, 0, 0, 0xc0, 0, 0, 0], 2), None);
        assert_eq!(parse_numeric(&[0, 0, 0, 0, 0xd0, 0, 0, 0], 2), None);
        assert_eq!(parse_numeric(&numeric(12_345, 3), 2), None);
        assert_eq!(parse_numeric(&[0, 1, 0, 0], 2), None);
    }

    proptest! {
        #[test]
        fn numbers_survive_both_forms(unscaled in -(LIMIT - 1)..LIMIT, cut in 0_u32..38, scale in 0_usize..=38) {
            let unscaled = unscaled / 10_i128.pow(cut);
            prop_assert_eq!(parse_text(&text(unscaled, scale), scale), Some(unscaled));
            prop_assert_eq!(parse_numeric(&numeric(unscaled, scale), scale), Some(unscaled));
        }
    }
}

//! Texts that are no date as they stand and would be one if they were changed a little.

use super::{Written, date_part, days_of, digit, parse_clock, split_date, two_digits};

/// Whether a text is no date, and would be one if its day and month changed places, or if a century stood
/// before its two-digit year: `2016-25-03`, `14-10-02`, `141002`. A readable clock may follow. It is never
/// said which date is meant.
pub(crate) fn is_ambiguous_date(text: &str) -> bool {
    let known = date_part(text).is_some_and(|written| written.days().is_some());
    !known && (would_be_if_swapped(text.as_bytes()) || has_two_digit_year(text.as_bytes()))
}

fn would_be_if_swapped(text: &[u8]) -> bool {
    let swapped = |written: Written| Written { month: written.day, day: written.month, ..written };
    split_date(text).is_some_and(|(written, rest)| ends(rest) && swapped(written).days().is_some())
}

fn has_two_digit_year(text: &[u8]) -> bool {
    let (digits, rest) = match text {
        [y1, y2, b'-', m1, m2, b'-', d1, d2, rest @ ..] | [y1, y2, m1, m2, d1, d2, rest @ ..] => {
            ([*y1, *y2, *m1, *m2, *d1, *d2], rest)
        }
        _ => return false,
    };
    if !ends(rest) || digits.iter().any(|byte| digit(*byte).is_none()) {
        return false;
    }
    let parts = [&digits[..2], &digits[2..4], &digits[4..]].map(|pair| two_digits(pair).unwrap_or_default());
    let [year, month, day] = parts;
    // Both centuries of the records: 29 February need not exist in both.
    [1900, 2000].into_iter().any(|century| days_of(century + u16::from(year), month, day).is_some())
}

/// Whether nothing follows but a clock.
fn ends(rest: &[u8]) -> bool {
    rest.is_empty() || parse_clock(rest).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::parse_date_part;

    #[test]
    fn a_swap_or_a_century_would_make_a_date() {
        let ambiguous = [
            "2016-25-03",
            "20162503",
            "2016-25-03 10:00",
            "2014-13-02",
            "14-10-02",
            "141002",
            "141002 08:15",
            "000229",
            "14-10-02T08:15:00",
        ];
        for text in ambiguous {
            assert!(is_ambiguous_date(text), "{text}");
        }
    }

    #[test]
    fn neither_a_date_nor_any_other_text_is_ambiguous() {
        let others = [
            "2014-10-02",
            "20141002",
            "2014-10-02 08:15",
            "2014-13-13",
            "2014-02-30",
            "0000-25-03",
            "010229",
            "141302",
            "14-10-2",
            "141002x",
            "2016-25-03 25:00",
            "25-03-2016",
            "02/10/2014",
            "2014-10",
            "201410",
            "",
            "14-1002",
            "i mars",
            "ååååå",
        ];
        for text in others {
            assert!(!is_ambiguous_date(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_both(text in "[0-9]{2,4}-?[0-9]{2}-?[0-9]{2}( [0-9]{2}:[0-9]{2})?|\\PC*") {
            prop_assert!(parse_date_part(&text).is_none() || !is_ambiguous_date(&text));
        }
    }
}

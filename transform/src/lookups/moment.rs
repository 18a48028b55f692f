//! Moments and the ends of periods, as microseconds of local wall time since 1970-01-01 00:00.

use crate::calendar::{
    End, MICROS_PER_DAY, parse_date_part, parse_end_date, parse_end_time, parse_month, parse_time,
};

/// The beginning of time, where a period has no start.
const ALWAYS: i64 = i64::MIN;

/// The end of time, where a period has no end.
const FOREVER: i64 = i64::MAX;

/// The moment that a time names, or midnight of the day that a date names.
pub(crate) fn moment(text: &str) -> Option<i64> {
    parse_time(text).or_else(|| parse_date_part(text).map(midnight))
}

/// The day that a date or a time names, or the first day of a month.
pub(crate) fn day_of_code(text: &str) -> Option<i32> {
    parse_date_part(text).or_else(|| parse_month(text))
}

/// The start of a period; a missing text is the beginning of time, another one that is no moment is none.
pub(super) fn start_of_period(text: Option<&str>) -> Option<i64> {
    text.filter(|text| !text.is_empty()).map_or(Some(ALWAYS), moment)
}

/// The last moment of a period. A missing text and a stand-in date are no end; a text without a time of day
/// is the end of that day, and so is midnight, which is how a database without dates writes a day.
pub(super) fn end_of_period(text: Option<&str>) -> Option<i64> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Some(FOREVER) };
    let End::At(day) = parse_end_date(text)? else { return Some(FOREVER) };
    match parse_end_time(text) {
        Some(End::At(time)) if time != midnight(day) => Some(time),
        _ => Some(midnight(day) + MICROS_PER_DAY - 1),
    }
}

fn midnight(day: i32) -> i64 {
    i64::from(day) * MICROS_PER_DAY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::MICROS_PER_MINUTE;

    const DAY: i64 = 16_000 * MICROS_PER_DAY;

    #[test]
    fn a_date_is_its_midnight_and_a_time_is_itself() {
        assert_eq!(crate::iso_date(16_000), "2013-10-22");
        for text in ["2013-10-22", "20131022", "2013-10-22 00:00:00", "2013-10-21 24:00"] {
            assert_eq!(moment(text), Some(DAY), "{text}");
        }
        assert_eq!(moment("2013-10-22 00:05"), Some(DAY + 5 * MICROS_PER_MINUTE));
        for text in ["", "201310", "igår", "2013-02-30", "00:05"] {
            assert_eq!(moment(text), None, "{text}");
        }
        assert_eq!((day_of_code("2013-10-22 08:00"), day_of_code("201310")), (Some(16_000), Some(15_979)));
    }

    #[test]
    fn a_period_may_lack_either_end() {
        assert_eq!((start_of_period(None), start_of_period(Some(""))), (Some(ALWAYS), Some(ALWAYS)));
        assert_eq!((start_of_period(Some("20131022")), start_of_period(Some("x"))), (Some(DAY), None));
        for text in [None, Some(""), Some("9999-12-31 00:00:00"), Some("2079-06-06")] {
            assert_eq!(end_of_period(text), Some(FOREVER), "{text:?}");
        }
        for text in ["2013-10-22", "20131022", "2013-10-22 00:00:00"] {
            assert_eq!(end_of_period(Some(text)), Some(DAY + MICROS_PER_DAY - 1), "{text}");
        }
        assert_eq!(end_of_period(Some("2013-10-22 00:05")), Some(DAY + 5 * MICROS_PER_MINUTE));
        assert_eq!(end_of_period(Some("2013-10-22 24:00")), Some(DAY + MICROS_PER_DAY));
        assert_eq!(end_of_period(Some("snart")), None);
    }
}

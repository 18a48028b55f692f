//! Dates and wall times as the text that SQLite targets store.
//!
//! Both targets hold the years 1 to 9999 of the Gregorian calendar, carried back before 1582.

/// 0001-01-01 as days since 1970-01-01.
pub(crate) const FIRST_DAY: i32 = -719_162;
/// 9999-12-31 as days since 1970-01-01.
pub(crate) const LAST_DAY: i32 = 2_932_896;

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// Days before each month of a common year.
const BEFORE_MONTH: [i32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// Whether a target can hold this day.
pub(crate) const fn holds_day(days: i32) -> bool {
    FIRST_DAY <= days && days <= LAST_DAY
}

/// Whether a target can hold this wall time.
pub(crate) fn holds_time(micros: i64) -> bool {
    i32::try_from(micros.div_euclid(MICROS_PER_DAY)).is_ok_and(holds_day)
}

/// Appends `YYYY-MM-DD`. The day must be one that [`holds_day`].
pub(crate) fn push_date(out: &mut String, days: i32) {
    let (year, month, day) = civil(days);
    push_digits(out, i64::from(year), 4);
    out.push('-');
    push_digits(out, i64::from(month), 2);
    out.push('-');
    push_digits(out, i64::from(day), 2);
}

/// Appends `YYYY-MM-DD HH:MM:SS`, and `.ffffff` when there is a fraction. The time must be one that
/// [`holds_time`].
pub(crate) fn push_time(out: &mut String, micros: i64) {
    let days =
        i32::try_from(micros.div_euclid(MICROS_PER_DAY)).expect("times outside the calendar were refused");
    let within = micros.rem_euclid(MICROS_PER_DAY);
    let (seconds, fraction) = (within / MICROS_PER_SECOND, within % MICROS_PER_SECOND);
    push_date(out, days);
    for (separator, part) in [(' ', seconds / 3600), (':', seconds / 60 % 60), (':', seconds % 60)] {
        out.push(separator);
        push_digits(out, part, 2);
    }
    if fraction != 0 {
        out.push('.');
        push_digits(out, fraction, 6);
    }
}

/// Reads exactly what [`push_date`] writes.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (digits(&bytes[..4])?, digits(&bytes[5..7])?, digits(&bytes[8..])?);
    let index = usize::try_from(month).ok().filter(|month| (1..=12).contains(month))? - 1;
    let length = match index {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    };
    if year < 1 || !(1..=length).contains(&day) {
        return None;
    }
    let leap_day = i32::from(index > 1 && is_leap(year));
    let before = year - 1;
    Some(
        before * 365 + before / 4 - before / 100 + before / 400 + BEFORE_MONTH[index] + leap_day + day - 1
            + FIRST_DAY,
    )
}

/// Reads exactly what [`push_time`] writes.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let days = parse_date(date)?;
    let bytes = rest.as_bytes();
    if !matches!(bytes.len(), 9 | 16) || bytes[0] != b' ' || bytes[3] != b':' || bytes[6] != b':' {
        return None;
    }
    let (hour, minute, second) = (digits(&bytes[1..3])?, digits(&bytes[4..6])?, digits(&bytes[7..9])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = match bytes.get(9..) {
        Some([b'.', fraction @ ..]) => digits(fraction).filter(|&fraction| fraction != 0)?,
        Some([]) | None => 0,
        Some(_) => return None,
    };
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    Some(i64::from(days) * MICROS_PER_DAY + seconds * MICROS_PER_SECOND + i64::from(fraction))
}

/// Year, month and day of a day.
fn civil(days: i32) -> (i32, i32, i32) {
    let mut rest = days - FIRST_DAY;
    let mut year = 1;
    // A cycle of 400 years is exact; the last century of one and the last year of four are a day longer.
    for (length, years, most) in
        [(146_097, 400, i32::MAX), (36_524, 100, 3), (1_461, 4, i32::MAX), (365, 1, 3)]
    {
        let whole = (rest / length).min(most);
        rest -= whole * length;
        year += whole * years;
    }
    let leap = i32::from(is_leap(year));
    let starts = |index: usize| BEFORE_MONTH[index] + if index > 1 { leap } else { 0 };
    let index = (0..12).rev().find(|&index| starts(index) <= rest).unwrap_or(0);
    let month = i32::try_from(index).expect("a year has twelve months") + 1;
    (year, month, rest - starts(index) + 1)
}

const fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn push_digits(out: &mut String, value: i64, width: u32) {
    for place in (0..width).rev() {
        let digit = u8::try_from(value / 10_i64.pow(place) % 10).expect("one decimal digit");
        out.push(char::from(b'0' + digit));
    }
}

fn digits(bytes: &[u8]) -> Option<i32> {
    bytes
        .iter()
        .try_fold(0, |value, &byte| byte.is_ascii_digit().then(|| value * 10 + i32::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn date(days: i32) -> String {
        let mut out = String::new();
        push_date(&mut out, days);
        out
    }

    fn time(micros: i64) -> String {
        let mut out = String::new();
        push_time(&mut out, micros);
        out
    }

    #[test]
    fn known_days() {
        for (days, text) in [
            (0, "1970-01-01"),
            (FIRST_DAY, "0001-01-01"),
            (LAST_DAY, "9999-12-31"),
            (-25_567, "1900-01-01"),
            (10_957, "2000-01-01"),
            (11_016, "2000-02-29"),
            (11_322, "2000-12-31"),
            (11_323, "2001-01-01"),
        ] {
            assert_eq!(date(days), text);
            assert_eq!(parse_date(text), Some(days));
        }
    }

    #[test]
    fn every_day_of_the_calendar_follows_the_one_before() {
        let mut last = String::new();
        for days in FIRST_DAY..=LAST_DAY {
            let text = date(days);
            assert!(last < text && parse_date(&text) == Some(days));
            last = text;
        }
    }

    #[test]
    fn times_have_a_fraction_only_when_they_need_one() {
        assert_eq!(time(0), "1970-01-01 00:00:00");
        assert_eq!(time(-1), "1969-12-31 23:59:59.999999");
        assert_eq!(time(253_402_300_799_000_000), "9999-12-31 23:59:59");
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "2020-1-01",
            "2020-02-30",
            "2021-02-29",
            "2020-13-01",
            "2020-00-10",
            "0000-01-01",
            "2020/01/01",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
        for text in [
            "2020-01-01",
            "2020-01-01T00:00:00",
            "2020-01-01 24:00:00",
            "2020-01-01 00:00:60",
            "2020-01-01 00:00:00.000000",
            "2020-01-01 00:00:00.5",
            "2020-01-0å 00:00:00",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn times_survive_their_text(micros in -62_135_596_800_000_000_i64..=253_402_300_799_999_999) {
            prop_assert!(holds_time(micros));
            prop_assert_eq!(parse_time(&time(micros)), Some(micros));
        }
    }
}

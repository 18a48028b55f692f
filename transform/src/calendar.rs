//! Dates and wall times as numbers: read from and written as ISO text, without allocation on the way in.
//!
//! The calendar is the proleptic Gregorian one. A date is a number of days since 1970-01-01, a time a
//! number of microseconds of local wall time since 1970-01-01 00:00; neither knows of time zones. Only
//! [`moment_of`] and [`local_of`] do: they know the summer time of Sweden.

mod ambiguous;
mod stamp;
mod stockholm;
#[cfg(test)]
mod tests;

pub(crate) use ambiguous::is_ambiguous_date;
pub(crate) use stamp::Stamp;
pub(crate) use stockholm::{WallTime, local_of, moment_of};

/// Microseconds of one minute.
pub(crate) const MICROS_PER_MINUTE: i64 = 60_000_000;

/// Microseconds of one day of the wall clock, which has 24 hours on every day.
pub(crate) const MICROS_PER_DAY: i64 = 24 * 60 * MICROS_PER_MINUTE;

/// Days from 0001-01-01 to 1970-01-01.
const DAYS_BEFORE_1970: i32 = 719_162;

const DAYS_OF_YEAR: u32 = 365;
const DAYS_OF_4_YEARS: u32 = 4 * DAYS_OF_YEAR + 1;
const DAYS_OF_100_YEARS: u32 = 25 * DAYS_OF_4_YEARS - 1;
const DAYS_OF_400_YEARS: u32 = 4 * DAYS_OF_100_YEARS + 1;

/// Days of an ordinary year before each month, and of the whole year.
const DAYS_BEFORE_MONTH: [u32; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

/// Dates that a source system writes when it means that there is no end: the lowest and the highest
/// date of a database's type, and those that people chose.
const OPEN_ENDS: [Written; 6] = [
    Written::new(1900, 1, 1),
    Written::new(1901, 1, 1),
    Written::new(2079, 6, 6),
    Written::new(2999, 12, 31),
    Written::new(9999, 12, 31),
    Written::new(0, 0, 0),
];

/// An end of an interval, as a source writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End<T> {
    /// A stand-in date: the interval has no end yet.
    Open,
    /// The end.
    At(T),
}

/// A date as digits, which need not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Written {
    year: u16,
    month: u8,
    day: u8,
}

impl Written {
    const fn new(year: u16, month: u8, day: u8) -> Self {
        Self { year, month, day }
    }

    fn is_open_end(self) -> bool {
        OPEN_ENDS.contains(&self)
    }

    /// Days since 1970-01-01; `None` when there is no such day, and in the year 0.
    fn days(self) -> Option<i32> {
        let year = u32::from(self.year);
        let month = usize::from(self.month.checked_sub(1)?);
        let (before, after) = (*DAYS_BEFORE_MONTH.get(month)?, *DAYS_BEFORE_MONTH.get(month + 1)?);
        let leap = u32::from(is_leap(year));
        let length = after - before + if month == 1 { leap } else { 0 };
        let day = u32::from(self.day);
        if day == 0 || day > length {
            return None;
        }
        let leap_day_passed = if month > 1 { leap } else { 0 };
        let since_year_1 = days_before_year(year.checked_sub(1)?) + before + leap_day_passed + day - 1;
        Some(since_year_1.cast_signed() - DAYS_BEFORE_1970)
    }
}

const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Days of so many years from 0001-01-01 on.
const fn days_before_year(years: u32) -> u32 {
    DAYS_OF_YEAR * years + years / 4 - years / 100 + years / 400
}

/// Reads `YYYY-MM-DD` or `YYYYMMDD` as days since 1970-01-01. `None` for every other form and for a day
/// that does not exist.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let (written, rest) = split_date(text.as_bytes())?;
    if rest.is_empty() { written.days() } else { None }
}

/// Reads `YYYY-MM-DD HH:MM[:SS[.f{1,6}]]`, with a blank or a `T` between, as microseconds since
/// 1970-01-01 00:00. `24:00` is 00:00 of the next day.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    let (written, rest) = split_dashed(text.as_bytes())?;
    let clock = parse_clock(rest)?;
    Some(i64::from(written.days()?) * MICROS_PER_DAY + clock)
}

/// Whether a text that [`parse_time`] reads has the clock 24:00.
pub(crate) fn is_at_24(text: &str) -> bool {
    text.as_bytes().get(11..13) == Some(b"24")
}

/// Reads a date, or the date that a date with a time names. The clock must be readable but adds
/// nothing: `2014-10-31 24:00` names the 31st.
pub(crate) fn parse_date_part(text: &str) -> Option<i32> {
    date_part(text)?.days()
}

/// Reads the last day of an interval, as [`parse_date_part`] or as one of the stand-in dates.
pub(crate) fn parse_end_date(text: &str) -> Option<End<i32>> {
    let written = date_part(text)?;
    if written.is_open_end() {
        return Some(End::Open);
    }
    written.days().map(End::At)
}

/// Reads the end of an interval, as [`parse_time`] or as one of the stand-in dates with any clock or none.
pub(crate) fn parse_end_time(text: &str) -> Option<End<i64>> {
    if date_part(text)?.is_open_end() {
        return Some(End::Open);
    }
    parse_time(text).map(End::At)
}

/// Reads a month, `YYYYMM` or `YYYY-MM`, as the days from 1970-01-01 to its first day.
pub(crate) fn parse_month(text: &str) -> Option<i32> {
    let (year, month) = match text.as_bytes() {
        [year @ .., b'-', tens, ones] if year.len() == 4 => (year, [*tens, *ones]),
        [year @ .., tens, ones] if year.len() == 4 => (year, [*tens, *ones]),
        _ => return None,
    };
    Written { year: four_digits(year)?, month: two_digits(&month)?, day: 1 }.days()
}

/// Days since 1970-01-01 of a day that exists.
pub(crate) fn days_of(year: u16, month: u8, day: u8) -> Option<i32> {
    Written::new(year, month, day).days()
}

/// The date at the front; a clock after it must be readable.
fn date_part(text: &str) -> Option<Written> {
    let (written, rest) = match split_dashed(text.as_bytes()) {
        Some(parts) => parts,
        None => {
            return split_compact(text.as_bytes())
                .filter(|(_, rest)| rest.is_empty())
                .map(|(written, _)| written);
        }
    };
    (rest.is_empty() || parse_clock(rest).is_some()).then_some(written)
}

fn split_date(bytes: &[u8]) -> Option<(Written, &[u8])> {
    split_dashed(bytes).or_else(|| split_compact(bytes))
}

fn split_dashed(bytes: &[u8]) -> Option<(Written, &[u8])> {
    let (date, rest) = bytes.split_at_checked(10)?;
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let written = Written {
        year: four_digits(&date[..4])?,
        month: two_digits(&date[5..7])?,
        day: two_digits(&date[8..])?,
    };
    Some((written, rest))
}

fn split_compact(bytes: &[u8]) -> Option<(Written, &[u8])> {
    let (date, rest) = bytes.split_at_checked(8)?;
    let written = Written {
        year: four_digits(&date[..4])?,
        month: two_digits(&date[4..6])?,
        day: two_digits(&date[6..])?,
    };
    Some((written, rest))
}

/// Microseconds since midnight of ` HH:MM[:SS[.f{1,6}]]`; 24:00 and nothing later is allowed.
fn parse_clock(bytes: &[u8]) -> Option<i64> {
    // How a database that has no dates writes a day: most of all clocks.
    if bytes == b" 00:00:00" {
        return Some(0);
    }
    let (start, rest) = bytes.split_at_checked(6)?;
    if !matches!(start[0], b' ' | b'T') || start[3] != b':' {
        return None;
    }
    let (hours, minutes) = (two_digits(&start[1..3])?, two_digits(&start[4..])?);
    let (seconds, micros) = parse_seconds(rest)?;
    if minutes > 59 || seconds > 59 {
        return None;
    }
    let minutes = i64::from(hours) * 60 + i64::from(minutes);
    let clock = minutes * MICROS_PER_MINUTE + i64::from(seconds) * 1_000_000 + micros;
    (clock < MICROS_PER_DAY || (hours == 24 && clock == MICROS_PER_DAY)).then_some(clock)
}

fn parse_seconds(bytes: &[u8]) -> Option<(u8, i64)> {
    match bytes {
        [] => Some((0, 0)),
        [b':', tens, ones] => Some((two_digits(&[*tens, *ones])?, 0)),
        [b':', tens, ones, b'.', fraction @ ..] => {
            Some((two_digits(&[*tens, *ones])?, parse_fraction(fraction)?))
        }
        _ => None,
    }
}

fn parse_fraction(digits: &[u8]) -> Option<i64> {
    if !(1..=6).contains(&digits.len()) {
        return None;
    }
    (0..6).try_fold(0, |micros, place| {
        Some(micros * 10 + i64::from(digits.get(place).map_or(Some(0), |byte| digit(*byte))?))
    })
}

fn digit(byte: u8) -> Option<u8> {
    byte.is_ascii_digit().then(|| byte - b'0')
}

fn two_digits(bytes: &[u8]) -> Option<u8> {
    Some(digit(bytes[0])? * 10 + digit(bytes[1])?)
}

fn four_digits(bytes: &[u8]) -> Option<u16> {
    Some(u16::from(two_digits(bytes)?) * 100 + u16::from(two_digits(&bytes[2..])?))
}

/// Year, month and day of a number of days since 1970-01-01.
pub(crate) fn civil(days: i32) -> (i32, u8, u8) {
    const FEW: &str = "a day counted in 32 bits lies within some six million years";
    let days_of_cycle = i64::from(DAYS_OF_400_YEARS);
    let since_year_1 = i64::from(days) + i64::from(DAYS_BEFORE_1970);
    let cycle = i32::try_from(since_year_1.div_euclid(days_of_cycle)).expect(FEW);
    let in_cycle = u32::try_from(since_year_1.rem_euclid(days_of_cycle)).expect(FEW);
    // The last day of a cycle or of a leap year would open a period that is not there.
    let centuries = (in_cycle / DAYS_OF_100_YEARS).min(3);
    let in_century = in_cycle - centuries * DAYS_OF_100_YEARS;
    let (fours, in_four) = (in_century / DAYS_OF_4_YEARS, in_century % DAYS_OF_4_YEARS);
    let ones = (in_four / DAYS_OF_YEAR).min(3);
    let year_of_cycle = 100 * centuries + 4 * fours + ones + 1;
    let (month, day) = month_and_day(in_four - ones * DAYS_OF_YEAR, is_leap(year_of_cycle));
    (400 * cycle + year_of_cycle.cast_signed(), month, day)
}

/// The month and the day of the month of a day of the year, counted from 0.
fn month_and_day(day_of_year: u32, leap: bool) -> (u8, u8) {
    const FIRST_OF_MARCH: u32 = 59;
    const SHORT: &str = "a month has at most 31 days and a year 12 months";
    if leap && day_of_year == FIRST_OF_MARCH {
        return (2, 29);
    }
    let day = day_of_year - u32::from(leap && day_of_year > FIRST_OF_MARCH);
    let month = DAYS_BEFORE_MONTH.iter().take_while(|before| **before <= day).count();
    let day = day - DAYS_BEFORE_MONTH[month - 1] + 1;
    (u8::try_from(month).expect(SHORT), u8::try_from(day).expect(SHORT))
}

/// A number of days since 1970-01-01 as `YYYY-MM-DD`.
///
/// A year before 1 has a minus sign and one after 9999 more digits; no source's text reads as either.
#[must_use]
pub fn iso_date(days: i32) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A number of microseconds since 1970-01-01 00:00 as `YYYY-MM-DD HH:MM:SS`, with `.ffffff` after it
/// only when there are parts of a second.
#[must_use]
pub fn iso_time(micros: i64) -> String {
    let days =
        i32::try_from(micros.div_euclid(MICROS_PER_DAY)).expect("64 bits of microseconds are few days");
    let clock = micros.rem_euclid(MICROS_PER_DAY);
    let (minutes, in_minute) = (clock / MICROS_PER_MINUTE, clock % MICROS_PER_MINUTE);
    let (seconds, fraction) = (in_minute / 1_000_000, in_minute % 1_000_000);
    let mut text = format!("{} {:02}:{:02}:{seconds:02}", iso_date(days), minutes / 60, minutes % 60);
    if fraction != 0 {
        text.push_str(&format!(".{fraction:06}"));
    }
    text
}

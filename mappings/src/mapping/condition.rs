//! Simple predicates over the texts of a row.

use std::fmt;

use crate::mapping::Origin;

/// What a condition asks of a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionTest {
    /// Neither NULL nor empty.
    Present,
    /// NULL or empty.
    Absent,
    /// One of these texts.
    In(Vec<String>),
    /// None of these texts; NULL is none of them.
    NotIn(Vec<String>),
    /// A date from one day on, before another, or both. A text that is missing or no date is neither.
    Dates {
        /// The first day.
        from: Option<Day>,
        /// The day after the last.
        before: Option<Day>,
    },
}

/// A simple predicate over one text of the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The text.
    pub origin: Origin,
    /// The question.
    pub test: ConditionTest,
}

impl Condition {
    /// Whether the condition holds for the text that its origin gave.
    #[must_use]
    pub fn holds(&self, text: Option<&str>) -> bool {
        self.test.holds(text)
    }
}

impl ConditionTest {
    /// Whether the answer is yes for this text; an empty text counts as absent.
    #[must_use]
    pub fn holds(&self, text: Option<&str>) -> bool {
        let is = |values: &[String]| text.is_some_and(|text| values.iter().any(|value| value == text));
        match self {
            Self::Present => text.is_some_and(|text| !text.is_empty()),
            Self::Absent => text.is_none_or(str::is_empty),
            Self::In(values) => is(values),
            Self::NotIn(values) => !is(values),
            Self::Dates { from, before } => text.and_then(Day::read).is_some_and(|day| {
                from.is_none_or(|from| from <= day) && before.is_none_or(|before| day < before)
            }),
        }
    }
}

/// A calendar day that exists, in the years 1 to 9999. Days compare as the calendar does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u32);

impl Day {
    /// The day that `YYYY-MM-DD` or `YYYYMMDD` names, or `YYYY-MM-DD HH:MM[:SS[.ffffff]]` with a blank or
    /// a `T` between. `None` for every other form, and for a day that does not exist.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        match bytes {
            [date @ .., _, _] if bytes.len() == 8 => day(&date[..4], &date[4..], &bytes[6..]),
            [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, clock @ ..] => {
                let readable = clock.is_empty() || is_clock(clock);
                day(&[*y1, *y2, *y3, *y4], &[*m1, *m2], &[*d1, *d2]).filter(|_| readable)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Day {
    /// `YYYY-MM-DD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0 / 10_000, self.0 / 100 % 100, self.0 % 100)
    }
}

fn day(year: &[u8], month: &[u8], day: &[u8]) -> Option<Day> {
    let (year, month, day) = (number(year)?, number(month)?, number(day)?);
    let (y, m, d) = (i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    let exists = year > 0 && jiff::civil::Date::new(y, m, d).is_ok();
    exists.then_some(Day(year * 10_000 + month * 100 + day))
}

/// Whether this is ` HH:MM[:SS[.f{1,6}]]`, at most 24:00.
fn is_clock(bytes: &[u8]) -> bool {
    let [b' ' | b'T', h1, h2, b':', m1, m2, rest @ ..] = bytes else { return false };
    let (seconds, fraction) = match rest {
        [] => (Some(0), Some(0)),
        [b':', s1, s2] => (number(&[*s1, *s2]), Some(0)),
        [b':', s1, s2, b'.', fraction @ ..] if (1..=6).contains(&fraction.len()) => {
            (number(&[*s1, *s2]), number(fraction))
        }
        _ => return false,
    };
    let clock = [number(&[*h1, *h2]), number(&[*m1, *m2]), seconds, fraction];
    let [Some(hours), Some(minutes), Some(seconds), Some(fraction)] = clock else { return false };
    minutes < 60 && seconds < 60 && (hours < 24 || (hours == 24 && minutes + seconds + fraction == 0))
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(from: &str, before: &str) -> ConditionTest {
        ConditionTest::Dates { from: Day::read(from), before: Day::read(before) }
    }

    #[test]
    fn a_range_has_its_first_day_and_not_its_last() {
        let range = dates("2015-01-26", "2015-02-01");
        for (text, holds) in [
            ("2015-01-25", false),
            ("2015-01-25 23:59:59.999", false),
            ("2015-01-26", true),
            ("20150126", true),
            ("2015-01-31T23:59", true),
            ("2015-01-31 24:00", true),
            ("2015-02-01", false),
            ("20150201", false),
        ] {
            assert_eq!(range.holds(Some(text)), holds, "{text}");
        }
        assert!(dates("2015-01-26", "").holds(Some("9999-12-31")));
        assert!(dates("", "2015-01-26").holds(Some("1900-01-01")));
    }

    #[test]
    fn what_is_no_date_is_neither_before_nor_after() {
        let unreadable = ["", "okänt", "2015-02-29", "0000-00-00", "2015-1-2", "15-01-26", "2015-01-26 8:00"];
        let clocks = ["2015-01-26 25:00", "2015-01-26 24:01", "2015-01-26 08:00:00.1234567", "2015-01-26 08"];
        for test in [dates("2000-01-01", ""), dates("", "2100-01-01")] {
            for text in unreadable.iter().chain(&clocks) {
                assert!(!test.holds(Some(text)), "{text}");
            }
            assert!(!test.holds(None));
        }
    }

    #[test]
    fn an_empty_text_is_absent_and_null_is_in_no_list() {
        use ConditionTest::{Absent, In, NotIn, Present};
        let list = || vec!["a".to_owned()];
        for (text, expected) in [
            (None, [false, true, false, true]),
            (Some(""), [false, true, false, true]),
            (Some("a"), [true, false, true, false]),
            (Some("b"), [true, false, false, true]),
        ] {
            let found = [Present, Absent, In(list()), NotIn(list())].map(|test| test.holds(text));
            assert_eq!(found, expected, "{text:?}");
        }
    }
}

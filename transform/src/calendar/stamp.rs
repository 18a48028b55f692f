//! A date or a time as rules compare them.

use super::{End, MICROS_PER_DAY, civil, date_part, days_of, parse_month, parse_time};

/// A date, with the clock when one is written. A stand-in date is none: nobody meant that day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    day: i32,
    /// Microseconds of local wall time since 1970-01-01 00:00, so that 24:00 is of the next day.
    time: Option<i64>,
}

impl Stamp {
    /// Reads a date or a time; `None` for a stand-in date and for any other text.
    pub(crate) fn read(text: &str) -> Option<Self> {
        match Self::read_end(text)? {
            End::At(stamp) => Some(stamp),
            End::Open => None,
        }
    }

    /// Reads a date, a time, or a month as its first day.
    pub(crate) fn read_or_month(text: &str) -> Option<Self> {
        Self::read(text).or_else(|| parse_month(text).map(|day| Self { day, time: None }))
    }

    /// Reads the end of an interval, which a stand-in date leaves open.
    pub(crate) fn read_end(text: &str) -> Option<End<Self>> {
        let written = date_part(text)?;
        if written.is_open_end() {
            return Some(End::Open);
        }
        Some(End::At(Self { day: written.days()?, time: parse_time(text) }))
    }

    /// Whether this is after another. The clock counts only when both have one.
    pub(crate) fn is_after(self, other: Self) -> bool {
        match (self.time, other.time) {
            (Some(time), Some(other)) => time > other,
            _ => self.day > other.day,
        }
    }

    /// Days since 1970-01-01, without the clock.
    pub(crate) const fn day(self) -> i32 {
        self.day
    }

    /// The end of the day, when the clock is missing or stands at 00:00: databases write a day without a
    /// clock like that.
    pub(crate) fn to_end_of_day(self) -> Self {
        let midnight = i64::from(self.day) * MICROS_PER_DAY;
        Self { time: self.time.filter(|time| *time != midnight), ..self }
    }

    /// So many calendar months and then days later, at the same clock. A day that the month does not have
    /// becomes its last.
    pub(crate) fn later(self, months: u16, days: u16) -> Option<Self> {
        let day = months_later(self.day, months)?.checked_add(i32::from(days))?;
        let moved = i64::from(day) - i64::from(self.day);
        let time = self.time.map(|time| time + moved * MICROS_PER_DAY);
        Some(Self { day, time })
    }
}

fn months_later(day: i32, months: u16) -> Option<i32> {
    if months == 0 {
        return Some(day);
    }
    let (year, month, day) = civil(day);
    let months = u32::try_from(year).ok()? * 12 + u32::from(month) - 1 + u32::from(months);
    let (year, month) = (u16::try_from(months / 12).ok()?, u8::try_from(months % 12 + 1).ok()?);
    (28..=day.max(28)).rev().find_map(|last| days_of(year, month, last.min(day)))
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::Date;
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::{iso_date, parse_date};

    fn stamp(text: &str) -> Stamp {
        Stamp::read_or_month(text).unwrap()
    }

    #[test]
    fn the_clock_counts_when_both_have_one() {
        assert!(stamp("2014-10-02 10:00").is_after(stamp("2014-10-02 09:59")));
        assert!(!stamp("2014-10-02 10:00").is_after(stamp("2014-10-02")));
        assert!(stamp("2014-10-03").is_after(stamp("2014-10-02 23:00")));
        assert!(stamp("2014-11").is_after(stamp("2014-10-31 24:00")));
        assert!(!stamp("2014-11-01 00:00").is_after(stamp("2014-10-31 24:00")));
    }

    #[test]
    fn a_stand_in_date_is_no_stamp() {
        for text in ["2079-06-06 00:00:00", "1900-01-01", "0000-00-00", "", "oktober"] {
            assert_eq!(Stamp::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_at_midnight_ends_with_the_day() {
        let noon = stamp("2014-10-02 12:00");
        assert!(!noon.is_after(stamp("2014-10-02 00:00:00").to_end_of_day()));
        assert!(noon.is_after(stamp("2014-10-02 11:00").to_end_of_day()));
        assert!(stamp("2014-10-03 00:00").is_after(stamp("2014-10-02").to_end_of_day()));
    }

    #[test]
    fn months_end_on_their_last_day() {
        let later = |text, months| iso_date(stamp(text).later(months, 0).unwrap().day());
        assert_eq!(later("2014-10-31", 4), "2015-02-28");
        assert_eq!(later("2016-01-31", 1), "2016-02-29");
        assert_eq!(later("2014-12-15", 1), "2015-01-15");
        let moved = stamp("2014-10-02 08:00").later(1, 2).unwrap();
        assert_eq!(moved, stamp("2014-11-04 08:00"));
    }

    proptest! {
        #[test]
        fn months_agree_with_an_independent_calendar(days in -719_162..=2_900_000_i32, months in 0_u16..400) {
            let text = iso_date(days);
            let known: Date = text.parse().unwrap();
            let known = known.checked_add(i64::from(months).months()).unwrap();
            prop_assert_eq!(months_later(days, months), parse_date(&known.to_string()));
        }
    }
}

//! Dates and times without a clock: everything the city writes happened before [`TODAY`].

/// The last day of the city. No row is dated after it.
pub(crate) const TODAY: Day = Day::of(2024, 12, 31);

const MS_PER_MINUTE: i64 = 60_000;
const MS_PER_DAY: i64 = 86_400_000;

/// A civil day, as days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(pub(crate) i32);

impl Day {
    /// The day of a civil date. The date must exist.
    pub(crate) const fn of(year: i32, month: i32, day: i32) -> Self {
        let y = if month <= 2 { year - 1 } else { year };
        let era = y.div_euclid(400);
        let year_of_era = y.rem_euclid(400);
        let shifted_month = (month + 9) % 12;
        let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self(era * 146_097 + day_of_era - 719_468)
    }

    /// (year, month, day).
    pub(crate) const fn civil(self) -> (i32, i32, i32) {
        let shifted = self.0 + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        (year, month, day)
    }

    pub(crate) const fn plus(self, days: i32) -> Self {
        Self(self.0 + days)
    }

    pub(crate) fn year(self) -> i32 {
        self.civil().0
    }

    /// `YYYYMM` as a number.
    pub(crate) fn month(self) -> Month {
        let (year, month, _) = self.civil();
        Month(year * 12 + month - 1)
    }

    /// `YYYYMMDD` as a number.
    pub(crate) fn number(self) -> i64 {
        let (year, month, day) = self.civil();
        i64::from(year * 10_000 + month * 100 + day)
    }

    /// `YYYY-MM-DD 00:00:00`, the way a `smalldatetime` without a time is exported.
    pub(crate) fn small(self) -> String {
        Stamp::at(self, 0, 0).small()
    }

    /// `YYYY-MM-DD`.
    pub(crate) fn iso(self) -> String {
        let mut text = String::with_capacity(10);
        push_day(&mut text, self);
        text
    }
}

/// A calendar month, as months since year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Month(pub(crate) i32);

impl Month {
    pub(crate) const fn of(year: i32, month: i32) -> Self {
        Self(year * 12 + month - 1)
    }

    pub(crate) const fn plus(self, months: i32) -> Self {
        Self(self.0 + months)
    }

    pub(crate) const fn year(self) -> i32 {
        self.0.div_euclid(12)
    }

    /// The last Sunday, on which the clocks are changed in March and in October.
    pub(crate) fn last_sunday(self) -> Day {
        let last = self.last_day();
        // 1970-01-01 was a Thursday, so that day 3 was a Sunday.
        last.plus(-(last.0 - 3).rem_euclid(7))
    }

    /// The month of the year, from 1.
    pub(crate) const fn of_year(self) -> i32 {
        self.0.rem_euclid(12) + 1
    }

    /// A day of the month, counted from 1. The day must exist.
    pub(crate) const fn day(self, day: i32) -> Day {
        Day::of(self.year(), self.0.rem_euclid(12) + 1, day)
    }

    pub(crate) const fn last_day(self) -> Day {
        self.plus(1).day(1).plus(-1)
    }

    pub(crate) const fn days(self) -> i32 {
        self.plus(1).day(1).0 - self.day(1).0
    }

    /// `YYYYMM`.
    pub(crate) fn compact(self) -> String {
        format!("{:04}{:02}", self.year(), self.0.rem_euclid(12) + 1)
    }
}

/// A local wall-clock time without a zone, as milliseconds since 1970-01-01 00:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(i64);

impl Stamp {
    pub(crate) fn at(day: Day, hour: i32, minute: i32) -> Self {
        Self(i64::from(day.0) * MS_PER_DAY + i64::from(hour * 60 + minute) * MS_PER_MINUTE)
    }

    pub(crate) fn plus_minutes(self, minutes: i32) -> Self {
        Self(self.0 + i64::from(minutes) * MS_PER_MINUTE)
    }

    /// The day that the time lies in.
    pub(crate) fn day(self) -> Day {
        Day(i32::try_from(self.0.div_euclid(MS_PER_DAY)).expect("a civil day fits 32 bits"))
    }

    /// Whole minutes of wall time from this time to the other; negative when the other is earlier.
    pub(crate) fn minutes_to(self, other: Self) -> i32 {
        i32::try_from((other.0 - self.0).div_euclid(MS_PER_MINUTE)).expect("a life in minutes fits 32 bits")
    }

    pub(crate) fn plus_ms(self, ms: i32) -> Self {
        Self(self.0 + i64::from(ms))
    }

    /// `YYYY-MM-DD HH:MM:SS`.
    pub(crate) fn small(self) -> String {
        let mut text = String::with_capacity(19);
        self.push_minute(&mut text, ' ');
        text.push(':');
        push_digits(&mut text, self.0.div_euclid(1_000).rem_euclid(60), 2);
        text
    }

    /// `YYYY-MM-DD HH:MM:SS.mmm`, where the last digit is 0, 3 or 7: a `datetime` counts 300ths of a second.
    pub(crate) fn full(self) -> String {
        let mut text = self.small();
        text.push('.');
        let ms = self.0.rem_euclid(1_000);
        let last = match ms % 10 {
            0..=2 => 0,
            3..=6 => 3,
            _ => 7,
        };
        push_digits(&mut text, ms - ms % 10 + last, 3);
        text
    }

    /// Appends `YYYY-MM-DD`, the separator and `HH:MM`.
    pub(crate) fn push_minute(self, text: &mut String, separator: char) {
        let minute = self.0.rem_euclid(MS_PER_DAY) / MS_PER_MINUTE;
        push_day(text, self.day());
        text.push(separator);
        push_digits(text, minute / 60, 2);
        text.push(':');
        push_digits(text, minute % 60, 2);
    }
}

fn push_day(text: &mut String, day: Day) {
    let (year, month, day) = day.civil();
    push_digits(text, i64::from(year), 4);
    text.push('-');
    push_digits(text, i64::from(month), 2);
    text.push('-');
    push_digits(text, i64::from(day), 2);
}

/// Appends the last `width` decimal digits of a number that is not negative.
fn push_digits(text: &mut String, value: i64, width: u32) {
    for place in (0..width).rev() {
        let digit = u32::try_from(value / 10_i64.pow(place) % 10).unwrap_or(0);
        text.push(char::from_digit(digit, 10).unwrap_or('0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_civil_dates_are_inverse() {
        assert_eq!(Day::of(1970, 1, 1), Day(0));
        assert_eq!(Day::of(2000, 3, 1), Day(11_017));
        for number in -40_000..40_000 {
            let (year, month, day) = Day(number).civil();
            assert_eq!(Day::of(year, month, day), Day(number));
        }
        assert_eq!(Day::of(2024, 2, 29).plus(1).civil(), (2024, 3, 1));
    }

    #[test]
    fn months_know_their_days() {
        assert_eq!(Month::of(2024, 2).days(), 29);
        assert_eq!(Month::of(2023, 12).last_day(), Day::of(2023, 12, 31));
        assert_eq!(Day::of(2014, 12, 9).month().plus(1).compact(), "201501");
    }

    #[test]
    fn clocks_change_on_the_last_sunday() {
        assert_eq!(Month::of(2019, 10).last_sunday(), Day::of(2019, 10, 27));
        assert_eq!(Month::of(2018, 3).last_sunday(), Day::of(2018, 3, 25));
        assert_eq!(Month::of(2024, 3).last_sunday(), Day::of(2024, 3, 31));
        assert_eq!((Month::of(2024, 3).of_year(), Month::of(2024, 12).of_year()), (3, 12));
    }

    #[test]
    fn times_know_their_day_and_their_distance() {
        let late = Stamp::at(Day::of(2019, 12, 31), 23, 50);
        assert_eq!(late.day(), Day::of(2019, 12, 31));
        assert_eq!(late.plus_minutes(10).day(), Day::of(2020, 1, 1));
        assert_eq!(late.minutes_to(late.plus_minutes(-35)), -35);
    }

    #[test]
    fn times_are_written_as_the_databases_write_them() {
        let stamp = Stamp::at(Day::of(2014, 11, 20), 23, 59).plus_ms(59_995);
        assert_eq!(stamp.small(), "2014-11-20 23:59:59");
        assert_eq!(stamp.full(), "2014-11-20 23:59:59.993");
        assert_eq!(stamp.plus_ms(5).full(), "2014-11-21 00:00:00.000");
        assert_eq!(Day::of(2015, 1, 26).small(), "2015-01-26 00:00:00");
        assert_eq!(Day::of(2015, 1, 26).iso(), "2015-01-26");
        assert_eq!(Day::of(2015, 1, 26).number(), 20_150_126);
    }
}

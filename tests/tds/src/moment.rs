//! Dates and times: between text and the counts that travel.

/// Hundreds of nanoseconds in a second and in a day.
const SECOND: u64 = 10_000_000;
const DAY: u64 = 86_400 * SECOND;

/// Days from 0001-01-01 to 1900-01-01, where `datetime` begins to count.
const DAYS_TO_1900: i64 = 693_595;

/// A point in time without zone: days since 0001-01-01 and hundreds of nanoseconds of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) day: i64,
    pub(crate) ticks: u64,
}

fn number(text: &str, digits: usize) -> Option<i64> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn days_before_year(year: i64) -> i64 {
    let past = year - 1;
    past * 365 + past / 4 - past / 100 + past / 400
}

fn days_of_months(year: i64) -> [i64; 12] {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

/// Days since 0001-01-01 of `YYYY-MM-DD`.
pub(crate) fn date(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4).filter(|year| *year > 0)?;
    let month = usize::try_from(number(parts.next()?, 2)?).ok()?;
    let day = number(parts.next()?, 2)?;
    let months = days_of_months(year);
    let length = months.get(month.checked_sub(1)?)?;
    if parts.next().is_some() || day < 1 || day > *length {
        return None;
    }
    Some(days_before_year(year) + months[..month - 1].iter().sum::<i64>() + day - 1)
}

/// `YYYY-MM-DD` of a number of days since 0001-01-01.
pub(crate) fn date_text(day: i64) -> String {
    // 400 years have 146 097 days; the guess is at most one year too late.
    let mut year = day * 400 / 146_097 + 2;
    while days_before_year(year) > day {
        year -= 1;
    }
    let mut left = day - days_before_year(year);
    let mut month = 1;
    for length in days_of_months(year) {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", left + 1)
}

/// Hundreds of nanoseconds of `HH:MM[:SS[.fffffff]]`.
pub(crate) fn time(text: &str) -> Option<u64> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.split(':');
    let hour = number(parts.next()?, 2).filter(|hour| *hour < 24)?;
    let minute = number(parts.next()?, 2).filter(|minute| *minute < 60)?;
    let second = parts.next().map_or(Some(0), |second| number(second, 2)).filter(|second| *second < 60)?;
    if parts.next().is_some() || fraction.len() > 7 || (text.contains('.') && fraction.is_empty()) {
        return None;
    }
    let fraction = number(&format!("{fraction:0<7}"), 7)?;
    u64::try_from((hour * 3600 + minute * 60 + second) * 10_000_000 + fraction).ok()
}

/// `HH:MM:SS` and the fraction with `digits` digits.
pub(crate) fn time_text(ticks: u64, digits: u8) -> String {
    let seconds = ticks / SECOND;
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if digits == 0 {
        return clock;
    }
    let fraction = format!("{:07}", ticks % SECOND);
    format!("{clock}.{}", &fraction[..usize::from(digits.min(7))])
}

impl Moment {
    /// Reads a date, or a date and a time with a blank or `T` between.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (day, clock) = text.split_once([' ', 'T']).unwrap_or((text, "00:00"));
        Some(Self { day: date(day)?, ticks: time(clock)? })
    }

    /// Reads a moment with its distance from Greenwich, `+HH:MM` after it; gives the moment at Greenwich and the
    /// distance in minutes.
    pub(crate) fn parse_with_offset(text: &str) -> Option<(Self, i16)> {
        let (local, offset) = match text.len().checked_sub(6).and_then(|at| text.split_at_checked(at)) {
            Some((local, offset))
                if offset.is_ascii() && offset.starts_with(['+', '-']) && offset[3..].starts_with(':') =>
            {
                (local, offset)
            }
            _ => (text, "+00:00"),
        };
        let minutes = number(&offset[1..3], 2)? * 60 + number(&offset[4..], 2)?;
        let minutes = if offset.starts_with('-') { -minutes } else { minutes };
        let local = Self::parse(local.trim_end())?;
        Some((local.shifted(-minutes), i16::try_from(minutes).ok()?))
    }

    /// The moment so many minutes later.
    pub(crate) fn shifted(self, minutes: i64) -> Self {
        let day = i64::try_from(DAY).expect("a day has fewer ticks than i64 holds");
        let ticks = i64::try_from(self.ticks).expect("ticks of a day") + minutes * 600_000_000;
        let left = ticks.rem_euclid(day);
        Self {
            day: self.day + ticks.div_euclid(day),
            ticks: u64::try_from(left).expect("a remainder is not negative"),
        }
    }

    pub(crate) fn text(self, digits: u8) -> String {
        format!("{} {}", date_text(self.day), time_text(self.ticks, digits))
    }

    /// The moment rounded to a number of digits of the second.
    pub(crate) fn rounded(self, digits: u8) -> Self {
        let step = 10u64.pow(u32::from(7 - digits.min(7)));
        let ticks = (self.ticks + step / 2) / step * step;
        Self { day: self.day + i64::from(ticks >= DAY), ticks: ticks % DAY }
    }

    /// Days since 1900 and three-hundredths of a second, as `datetime` counts.
    pub(crate) fn datetime(self) -> (i32, u32) {
        let fragments = (self.ticks * 3 + 50_000) / 100_000;
        let whole_day = 86_400 * 300;
        let day = self.day - DAYS_TO_1900 + i64::from(fragments >= whole_day);
        let fragments = u32::try_from(fragments % whole_day).expect("a day has 25 920 000 fragments");
        (i32::try_from(day).unwrap_or(i32::MAX), fragments)
    }

    /// The moment of a `datetime`, in whole milliseconds as the server shows it.
    pub(crate) fn from_datetime(days: i32, fragments: u32) -> Self {
        let milliseconds = (u64::from(fragments) * 10 + 1) / 3;
        Self { day: i64::from(days) + DAYS_TO_1900, ticks: milliseconds * 10_000 }
    }

    /// Days since 1900 and minutes of the day, as `smalldatetime` counts. `None` before 1900 and after 2079-06-06.
    pub(crate) fn smalldatetime(self) -> Option<(u16, u16)> {
        let minutes = (self.ticks + 30 * SECOND) / (60 * SECOND);
        let day = self.day - DAYS_TO_1900 + i64::from(minutes >= 1440);
        Some((u16::try_from(day).ok()?, u16::try_from(minutes % 1440).ok()?))
    }

    pub(crate) fn from_smalldatetime(days: u16, minutes: u16) -> Self {
        Self { day: i64::from(days) + DAYS_TO_1900, ticks: u64::from(minutes) * 60 * SECOND }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_year_one() {
        for (text, day) in [
            ("0001-01-01", 0),
            ("1900-01-01", DAYS_TO_1900),
            ("2000-02-29", 730_178),
            ("9999-12-31", 3_652_058),
            ("2024-12-31", 739_250),
        ] {
            assert_eq!(date(text), Some(day), "{text}");
            assert_eq!(date_text(day), text);
        }
        for text in
            ["1900-02-29", "2000-13-01", "2000-00-10", "2000-1-1", "20000101", "0000-01-01", "2000-01-01-"]
        {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn times_keep_their_digits() {
        assert_eq!(time("23:59:59.9999999"), Some(DAY - 1));
        assert_eq!(time_text(DAY - 1, 7), "23:59:59.9999999");
        assert_eq!(time_text(time("08:05").unwrap(), 0), "08:05:00");
        for text in ["24:00", "8:05", "08:60", "08:05:00.", "08:05:00.12345678", "08:05:00:00"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn datetime_counts_three_hundredths() {
        let shown = |text: &str| {
            let (days, fragments) = Moment::parse(text).unwrap().datetime();
            Moment::from_datetime(days, fragments).text(3)
        };
        assert_eq!(shown("2001-02-03 04:05:06.001"), "2001-02-03 04:05:06.000");
        assert_eq!(shown("2001-02-03 04:05:06.003"), "2001-02-03 04:05:06.003");
        assert_eq!(shown("2001-02-03 04:05:06.008"), "2001-02-03 04:05:06.007");
        assert_eq!(shown("1753-01-01 23:59:59.999"), "1753-01-02 00:00:00.000");
    }

    #[test]
    fn offsets_lead_to_greenwich_and_back() {
        let (moment, offset) = Moment::parse_with_offset("2024-01-01 00:30:00.5 +01:00").unwrap();
        assert_eq!((moment.text(1).as_str(), offset), ("2023-12-31 23:30:00.5", 60));
        assert_eq!(moment.shifted(60).text(0), "2024-01-01 00:30:00");
        assert_eq!(Moment::parse_with_offset("2024-01-01 00:30 -03:30").unwrap().1, -210);
        assert_eq!(Moment::parse_with_offset("2024-01-01").unwrap().1, 0);
    }

    #[test]
    fn small_datetimes_are_rounded_to_the_minute() {
        let small = |text: &str| Moment::parse(text).unwrap().smalldatetime();
        let (days, minutes) = small("1999-12-31 23:59:30").unwrap();
        assert_eq!(Moment::from_smalldatetime(days, minutes).text(0), "2000-01-01 00:00:00");
        assert_eq!(small("1899-12-31"), None);
        assert_eq!(small("2079-06-07"), None);
        assert_eq!(
            Moment::parse("2001-01-01 23:59:59.96").unwrap().rounded(1).text(1),
            "2001-01-02 00:00:00.0"
        );
    }
}

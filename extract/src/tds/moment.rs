//! Days and times as SQL Server counts them, as text.

use tiberius::time::{Date, DateTime, DateTime2, DateTimeOffset, SmallDateTime, Time};

use crate::found::without_idle_fraction;

/// Days from 0001-01-01 to 1900-01-01, where the older types begin to count.
const DAYS_TO_1900: i64 = 693_595;
/// Days of four hundred years, after which the calendar repeats.
const CYCLE: i64 = 146_097;
/// Hundreds of nanoseconds.
const SECOND: i64 = 10_000_000;
const DAY: i64 = 86_400 * SECOND;

fn day_text(day: i64) -> String {
    // Years are counted from the first of March, so that the leap day is the last of its year.
    let shifted = day + 306;
    let (cycle, rest) = (shifted.div_euclid(CYCLE), shifted.rem_euclid(CYCLE));
    let year = (rest - rest / 1_460 + rest / 36_524 - rest / (CYCLE - 1)) / 365;
    let of_year = rest - (year * 365 + year / 4 - year / 100);
    let month = (of_year * 5 + 2) / 153;
    let of_month = of_year - (month * 153 + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    format!("{:04}-{month:02}-{of_month:02}", cycle * 400 + year)
}

fn clock_text(ticks: i64) -> String {
    let seconds = ticks / SECOND;
    let clock =
        format!("{:02}:{:02}:{:02}.{:07}", seconds / 3600, seconds / 60 % 60, seconds % 60, ticks % SECOND);
    without_idle_fraction(&clock).to_owned()
}

/// Hundreds of nanoseconds of a time, whatever its scale; `None` for a scale that the server does not have.
fn ticks(time: Time) -> Option<i64> {
    let step = 10i64.checked_pow(7u32.checked_sub(time.scale().into())?)?;
    i64::try_from(time.increments()).ok()?.checked_mul(step).filter(|ticks| *ticks < DAY)
}

fn moment_text(day: i64, ticks: i64) -> String {
    format!("{} {}", day_text(day), clock_text(ticks))
}

pub(super) fn date(date: Date) -> String {
    day_text(date.days().into())
}

pub(super) fn time(time: Time) -> Option<String> {
    ticks(time).map(clock_text)
}

/// The three-hundredths of a second are shown as the server shows them: .000, .003, .007.
pub(super) fn datetime(moment: DateTime) -> String {
    let milliseconds = (i64::from(moment.seconds_fragments()) * 10 + 1) / 3;
    moment_text(i64::from(moment.days()) + DAYS_TO_1900, milliseconds * 10_000)
}

pub(super) fn smalldatetime(moment: SmallDateTime) -> String {
    let minutes = i64::from(moment.seconds_fragments());
    moment_text(i64::from(moment.days()) + DAYS_TO_1900, minutes * 60 * SECOND)
}

pub(super) fn datetime2(moment: DateTime2) -> Option<String> {
    Some(moment_text(moment.date().days().into(), ticks(moment.time())?))
}

/// The local time, with its distance from Greenwich behind it. What travels is the time at Greenwich.
pub(super) fn datetimeoffset(moment: DateTimeOffset) -> Option<String> {
    let minutes = i64::from(moment.offset());
    let greenwich = moment.datetime2();
    let local = ticks(greenwich.time())? + minutes * 60 * SECOND;
    let day = i64::from(greenwich.date().days()) + local.div_euclid(DAY);
    let (sign, away) = (if minutes < 0 { '-' } else { '+' }, minutes.abs());
    Some(format!("{} {sign}{:02}:{:02}", moment_text(day, local.rem_euclid(DAY)), away / 60, away % 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (day, text) in [
            (0, "0001-01-01"),
            (58, "0001-02-28"),
            (59, "0001-03-01"),
            (DAYS_TO_1900, "1900-01-01"),
            (730_178, "2000-02-29"),
            (730_179, "2000-03-01"),
            (739_250, "2024-12-31"),
            (3_652_058, "9999-12-31"),
        ] {
            assert_eq!(day_text(day), text);
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut before = day_text(0);
        for day in 1..150_000 {
            let text = day_text(day);
            let (month_ends, year_ends) = (text.ends_with("-01"), text.ends_with("-01-01"));
            assert_eq!(month_ends, before[..7] != text[..7], "{before} {text}");
            assert_eq!(year_ends, before[..4] != text[..4], "{before} {text}");
            before = text;
        }
    }

    #[test]
    fn times_lose_idle_digits_only() {
        assert_eq!(time(Time::new(0, 7)).unwrap(), "00:00:00");
        assert_eq!(time(Time::new(863_999_999_999, 7)).unwrap(), "23:59:59.9999999");
        assert_eq!(time(Time::new(150, 2)).unwrap(), "00:00:01.5");
        assert_eq!(time(Time::new(1, 8)), None);
        assert_eq!(time(Time::new(86_400, 0)), None);
    }

    #[test]
    fn older_types_have_their_own_steps() {
        let shown = [0, 1, 2, 3].map(|fragments| datetime(DateTime::new(-53_690, fragments)));
        let expected = ["1753-01-01 00:00:00", "1753-01-01 00:00:00.003", "1753-01-01 00:00:00.007"];
        assert_eq!(shown[..3], expected);
        assert_eq!(shown[3], "1753-01-01 00:00:00.01");
        assert_eq!(smalldatetime(SmallDateTime::new(65_535, 1439)), "2079-06-06 23:59:00");
    }

    #[test]
    fn an_offset_leads_from_greenwich_to_the_local_day() {
        let late = DateTime2::new(Date::new(738_884), Time::new(84_600, 0));
        assert_eq!(datetimeoffset(DateTimeOffset::new(late, 60)).unwrap(), "2024-01-01 00:30:00 +01:00");
        assert_eq!(datetimeoffset(DateTimeOffset::new(late, -210)).unwrap(), "2023-12-31 20:00:00 -03:30");
    }
}

//! Summer time in Sweden, by its rule alone: no table of time zones is read.
//!
//! The clock is one hour before UTC in winter and two in summer. It is put forward at 01:00 UTC on the last
//! Sunday of March (in 1980, the first summer, on 6 April) and back at 01:00 UTC on the last Sunday of
//! October, until 1995 on that of September. Before 1980 there was no summer time in the years that
//! records are from; for later years the rule is taken to stay as it is.

use super::{MICROS_PER_DAY, civil, days_of};

/// Microseconds of one hour.
const HOUR: i64 = MICROS_PER_DAY / 24;

/// The first year with summer time.
const FIRST_YEAR: u16 = 1980;

/// What a local wall time can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WallTime {
    /// One moment, in microseconds of UTC.
    Once(i64),
    /// No moment: the clock was put forward over it. The moment that so much after the change gives, as when
    /// 02:30 is read as 03:30.
    Skipped(i64),
    /// Two moments, because the clock was put back: the one in summer time, then the one in winter time.
    Twice(i64, i64),
}

/// The moment, in microseconds of UTC, of a local wall time in Sweden.
pub(crate) fn moment_of(local: i64) -> WallTime {
    let winter = local - HOUR;
    let Some((forward, back)) = changes(local) else { return WallTime::Once(winter) };
    if winter < forward || winter >= back + HOUR {
        WallTime::Once(winter)
    } else if winter < forward + HOUR {
        WallTime::Skipped(winter)
    } else if winter < back {
        WallTime::Once(winter - HOUR)
    } else {
        WallTime::Twice(winter - HOUR, winter)
    }
}

/// The local wall time in Sweden of a moment in microseconds of UTC.
pub(crate) fn local_of(utc: i64) -> i64 {
    let winter = utc + HOUR;
    match changes(winter) {
        Some((forward, back)) if (forward..back).contains(&utc) => winter + HOUR,
        Some(_) | None => winter,
    }
}

/// When the clock is put forward and back in the year of a local time, in microseconds of UTC.
fn changes(local: i64) -> Option<(i64, i64)> {
    let day = i32::try_from(local.div_euclid(MICROS_PER_DAY)).ok()?;
    let year = u16::try_from(civil(day).0).ok().filter(|year| *year >= FIRST_YEAR)?;
    let forward = if year == FIRST_YEAR { days_of(year, 4, 6)? } else { last_sunday(days_of(year, 3, 31)?) };
    let back = last_sunday(if year < 1996 { days_of(year, 9, 30)? } else { days_of(year, 10, 31)? });
    let at_one = |day: i32| i64::from(day) * MICROS_PER_DAY + HOUR;
    Some((at_one(forward), at_one(back)))
}

/// The last Sunday up to a day. 1970-01-01, day 0, was a Thursday.
fn last_sunday(day: i32) -> i32 {
    day - (day + 4).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use jiff::civil::DateTime;
    use jiff::tz::{AmbiguousOffset, TimeZone};
    use jiff::{Timestamp, ToSpan};
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::parse_time;

    fn stockholm() -> TimeZone {
        TimeZone::get("Europe/Stockholm").expect("the zones are built into the test")
    }

    fn micros(time: DateTime) -> i64 {
        let since = time.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
        i64::try_from(since.as_micros()).unwrap()
    }

    /// What the tz database says of a local wall time.
    fn known(local: DateTime) -> WallTime {
        let utc = |offset: jiff::tz::Offset| micros(local) - i64::from(offset.seconds()) * 1_000_000;
        match stockholm().to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => WallTime::Once(utc(offset)),
            AmbiguousOffset::Gap { before, .. } => WallTime::Skipped(utc(before)),
            AmbiguousOffset::Fold { before, after } => WallTime::Twice(utc(before), utc(after)),
        }
    }

    #[test]
    fn every_half_hour_of_a_century_and_a_half_agrees_with_the_tz_database() {
        let mut local = DateTime::constant(1950, 1, 1, 0, 0, 0, 0);
        let last = DateTime::constant(2100, 1, 1, 0, 0, 0, 0);
        let mut kinds = [0_u32; 3];
        // Every half hour around the changes, every tenth hour of the other days.
        while local < last {
            let found = moment_of(micros(local));
            assert_eq!(found, known(local), "{local}");
            match found {
                WallTime::Once(_) => kinds[0] += 1,
                WallTime::Skipped(_) => kinds[1] += 1,
                WallTime::Twice(..) => kinds[2] += 1,
            }
            let changing = match local.month() {
                3 | 9 | 10 => local.day() >= 23,
                4 => local.day() <= 8,
                _ => false,
            };
            local = local.checked_add(if changing { 30.minutes() } else { 10.hours() }).unwrap();
        }
        assert_eq!(kinds[1..], [240, 240], "two half hours in each of 120 years");
    }

    #[test]
    fn the_changes_of_known_years_are_on_their_days() {
        let at = |text| moment_of(parse_time(text).unwrap());
        let utc = |text| parse_time(text).unwrap();
        assert_eq!(at("2019-03-31 02:00"), WallTime::Skipped(utc("2019-03-31 01:00")));
        assert_eq!(at("2019-03-31 03:00"), WallTime::Once(utc("2019-03-31 01:00")));
        let twice = WallTime::Twice(utc("2019-10-27 00:30"), utc("2019-10-27 01:30"));
        assert_eq!(at("2019-10-27 02:30"), twice);
        assert_eq!(at("1995-09-24 02:00"), WallTime::Twice(utc("1995-09-24 00:00"), utc("1995-09-24 01:00")));
        assert_eq!(at("1995-10-29 02:30"), WallTime::Once(utc("1995-10-29 01:30")));
        assert_eq!(at("1980-04-06 02:59:59"), WallTime::Skipped(utc("1980-04-06 01:59:59")));
        assert_eq!(at("1979-07-01 12:00"), WallTime::Once(utc("1979-07-01 11:00")));
    }

    proptest! {
        #[test]
        fn any_moment_agrees_with_the_tz_database(seconds in -631_152_000_i64..4_102_444_800) {
            let zoned = Timestamp::from_second(seconds).unwrap().to_zoned(stockholm());
            prop_assert_eq!(local_of(seconds * 1_000_000), micros(zoned.datetime()));
        }

        #[test]
        fn the_way_there_and_back_is_the_same(utc in -631_152_000_000_000_i64..4_102_444_800_000_000) {
            match moment_of(local_of(utc)) {
                WallTime::Once(same) => prop_assert_eq!(same, utc),
                WallTime::Twice(first, second) => prop_assert!(first == utc || second == utc),
                WallTime::Skipped(_) => prop_assert!(false, "no moment is skipped"),
            }
        }

        #[test]
        fn any_number_is_answered(local: i64) {
            let local = local.clamp(i64::MIN + 3 * HOUR, i64::MAX - 3 * HOUR);
            let _ = (moment_of(local), local_of(local));
        }
    }
}

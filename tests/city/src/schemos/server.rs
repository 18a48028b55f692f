//! The server's clock: UTC until the end of 2015, local time since.

use crate::calendar::{Day, Month, Stamp};

/// From this local time on, times are stored as they are.
const CHANGE: Day = Day::of(2016, 1, 1);

/// A local time as the server stored it.
///
/// Of the doubled hour in October the first pass is meant; the missing hour in March must not be asked about.
pub(super) fn stored(local: Stamp) -> Stamp {
    if local < Stamp::at(CHANGE, 0, 0) { local.plus_minutes(-ahead_of_utc(local)) } else { local }
}

/// Minutes by which local time is ahead of UTC.
fn ahead_of_utc(local: Stamp) -> i32 {
    let year = local.day().year();
    let begins = Stamp::at(Month::of(year, 3).last_sunday(), 3, 0);
    let ends = Stamp::at(Month::of(year, 10).last_sunday(), 3, 0);
    if (begins..ends).contains(&local) { 120 } else { 60 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(year: i32, month: i32, day: i32, hour: i32) -> String {
        stored(Stamp::at(Day::of(year, month, day), hour, 30)).small()
    }

    #[test]
    fn the_server_changed_its_clock_once() {
        assert_eq!(at(2014, 1, 7, 8), "2014-01-07 07:30:00");
        assert_eq!(at(2015, 7, 7, 8), "2015-07-07 06:30:00");
        assert_eq!(at(2015, 10, 25, 2), "2015-10-25 00:30:00");
        assert_eq!(at(2015, 10, 25, 3), "2015-10-25 02:30:00");
        assert_eq!(at(2015, 3, 29, 3), "2015-03-29 01:30:00");
        assert_eq!(at(2015, 12, 31, 23), "2015-12-31 22:30:00");
        assert_eq!(at(2016, 1, 1, 0), "2016-01-01 00:30:00");
    }
}

//! Who of an utförare's staff is free when: nobody is in two homes at once.

use crate::calendar::{Day, Month, Stamp};
use crate::rng::Rng;

const MINUTES_PER_DAY: usize = 1_440;
const BITS: usize = 64;

/// The staff of one utförare in one month.
pub(super) struct Roster {
    first: Day,
    hands: Vec<Hand>,
}

struct Hand {
    /// `employee.id`.
    employee: i64,
    /// One bit per minute of the month and of the day after it.
    busy: Vec<u64>,
}

impl Roster {
    /// The roster of a month, with everybody free.
    pub(super) fn new(month: Month, employees: impl Iterator<Item = i64>) -> Self {
        let days = usize::try_from(month.days() + 1).expect("a month has days");
        let words = (days * MINUTES_PER_DAY).div_ceil(BITS);
        let hand = |employee| Hand { employee, busy: vec![0; words] };
        Self { first: month.day(1), hands: employees.map(hand).collect() }
    }

    fn minutes(&self, start: Stamp, end: Stamp) -> std::ops::Range<usize> {
        let begin = Stamp::at(self.first, 0, 0);
        let minute = |at: Stamp| usize::try_from(begin.minutes_to(at)).unwrap_or(0);
        minute(start)..minute(end)
    }

    /// Makes an employee busy.
    pub(super) fn occupy(&mut self, employee: i64, start: Stamp, end: Stamp) {
        let minutes = self.minutes(start, end);
        if let Some(hand) = self.hands.iter_mut().find(|hand| hand.employee == employee) {
            hand.occupy(minutes);
        }
    }

    /// Somebody who is free all the time and now no longer is.
    pub(super) fn take(&mut self, start: Stamp, end: Stamp, rng: &mut Rng) -> Option<i64> {
        let minutes = self.minutes(start, end);
        let count = self.hands.len();
        let asked = usize::try_from(rng.below(u32::try_from(count).unwrap_or(0))).unwrap_or(0);
        for place in (asked..count).chain(0..asked) {
            let hand = &mut self.hands[place];
            if hand.is_free(minutes.clone()) {
                hand.occupy(minutes);
                return Some(hand.employee);
            }
        }
        None
    }

    /// Anybody, free or not.
    pub(super) fn anybody(&self, rng: &mut Rng) -> i64 {
        rng.pick_ref(&self.hands).employee
    }
}

impl Hand {
    fn is_free(&self, mut minutes: std::ops::Range<usize>) -> bool {
        minutes.all(|minute| self.busy.get(minute / BITS).is_none_or(|word| word >> (minute % BITS) & 1 == 0))
    }

    fn occupy(&mut self, minutes: std::ops::Range<usize>) {
        for minute in minutes {
            if let Some(word) = self.busy.get_mut(minute / BITS) {
                *word |= 1 << (minute % BITS);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_taken_twice_for_one_minute() {
        let month = Month::of(2019, 10);
        let mut roster = Roster::new(month, [7, 8].into_iter());
        let mut rng = Rng::keyed(1, "roster", 0);
        let at = |hour| Stamp::at(month.day(31), hour, 0);
        let mut both = [roster.take(at(8), at(9), &mut rng), roster.take(at(8), at(9), &mut rng)];
        both.sort_unstable();
        assert_eq!(both, [Some(7), Some(8)]);
        assert_eq!(roster.take(at(8).plus_minutes(59), at(10), &mut rng), None);
        assert!(roster.take(at(9), at(10), &mut rng).is_some(), "an end is no overlap");
        roster.occupy(7, at(23), at(30));
        assert_eq!(roster.take(at(24), at(26), &mut rng), Some(8));
    }
}

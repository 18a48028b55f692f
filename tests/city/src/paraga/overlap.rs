//! Which visits of one employee overlap, and which of those are one visit that was registered twice.

use crate::calendar::Stamp;

/// A visit that was made.
pub(super) struct Made {
    /// `PersonalId`, as `employee.id`.
    pub(super) employee: i64,
    /// The place of the kund among all.
    pub(super) kund: usize,
    pub(super) start: Stamp,
    pub(super) end: Stamp,
    /// The row's key in the truth.
    pub(super) key: String,
}

/// What is wrong with a visit and the employee's next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlap {
    /// D59: the next one begins before this one has ended.
    Twice,
    /// D60: both are of one kund and share at least four fifths of the shorter one's time.
    SameVisit,
}

/// Judges every visit of a month against the next one of the same employee. The visits are in the order
/// written, which decides between those that began in the same minute.
pub(super) fn overlaps(mut visits: Vec<Made>) -> Vec<(Overlap, String)> {
    visits.sort_by_key(|visit| (visit.employee, visit.start));
    let pairs = visits.windows(2).filter(|pair| pair[0].employee == pair[1].employee);
    pairs.filter_map(|pair| judge(&pair[0], &pair[1]).map(|overlap| (overlap, pair[0].key.clone()))).collect()
}

fn judge(visit: &Made, next: &Made) -> Option<Overlap> {
    let own = visit.start.minutes_to(visit.end);
    let other = next.start.minutes_to(next.end);
    if !(1..=1_440).contains(&own) || next.start >= visit.end {
        return None;
    }
    let shared = next.start.minutes_to(visit.end.min(next.end));
    let same = visit.kund == next.kund && (1..=1_440).contains(&other);
    if same && shared * 5 >= own.min(other) * 4 {
        return Some(Overlap::SameVisit);
    }
    Some(Overlap::Twice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Day;

    fn made(employee: i64, kund: usize, from: i32, to: i32) -> Made {
        let at = |minute| Stamp::at(Day::of(2019, 10, 1), 8, minute);
        Made { employee, kund, start: at(from), end: at(to), key: format!("{employee}/{kund}/{from}") }
    }

    #[test]
    fn the_earlier_of_two_visits_is_the_one_that_is_judged() {
        let visits = vec![
            made(1, 5, 20, 40),
            made(1, 4, 0, 21),
            made(1, 6, 40, 50),
            made(2, 4, 0, 20),
            made(2, 4, 1, 20),
            made(3, 4, 0, 20),
            made(3, 4, 10, 30),
            made(4, 4, 30, 0),
            made(4, 5, 30, 40),
        ];
        let found = overlaps(visits);
        let found: Vec<(Overlap, &str)> = found.iter().map(|(what, key)| (*what, key.as_str())).collect();
        assert_eq!(
            found,
            [(Overlap::Twice, "1/4/0"), (Overlap::SameVisit, "2/4/0"), (Overlap::Twice, "3/4/0")]
        );
    }
}

//! Functions that know the summer time of Sweden: moments in UTC, and minutes that were worked.
//!
//! In October one hour comes twice, and a wall time in it can mean two moments. The stamp before, of the
//! same employee, can settle which: when it lies later in that hour, the clock was put back in between.
//! Any other stamp before goes with both moments.

use bron_mappings::{Action, FieldFunction, FunctionKind, FunctionSpec, ReasonCode};

use super::inverse::reads_as;
use super::numbers::decimal_number;
use super::{Build, Cell, Function, Outcome, Settings, field, given};
use crate::calendar::{
    MICROS_PER_DAY, MICROS_PER_MINUTE, WallTime, is_at_24, iso_time, local_of, moment_of, parse_time,
};

/// Microseconds of one hour.
const HOUR: i64 = 60 * MICROS_PER_MINUTE;

pub(super) const UTC_TIME: Function = Function {
    spec: FunctionSpec {
        name: "utc_time",
        kind: FunctionKind::Field(FieldFunction::Time),
        inputs: (1, 2),
        arguments: &[],
        about: "The moment in UTC of a local wall time in Sweden, read as by `time`; in the hour that comes twice the \
                later moment when the stamp before (second column) lies later in that hour, otherwise the earlier, \
                marked; a time in the hour that is left out is moved forward.",
        phrase: "räknas om från svensk tid till UTC[; i timmen som kommer två gånger avgör {2}]",
        marks: &[ReasonCode::ClockChange, ReasonCode::Malformed],
        inverse: "The local time in seconds; none for the hour that comes twice.",
    },
    build: Build::Field(|_| field(utc_time)),
    invert: Some(invert_utc_time),
    with: &[],
    examples: &[
        (&[Some("2019-07-01 12:00"), None], "2019-07-01 10:00:00"),
        (&[Some("2019-12-01 12:00:30"), None], "2019-12-01 11:00:30"),
        (&[Some("2019-10-27 02:30"), Some("2019-10-27 02:45")], "2019-10-27 01:30:00"),
        (&[Some("2019-10-27 02:30"), Some("2019-10-27 01:45")], "2019-10-27 00:30:00 [flag D64]"),
        (&[Some("2019-10-27 02:30")], "2019-10-27 00:30:00 [flag D64]"),
        (&[Some("2019-03-31 02:30")], "2019-03-31 01:30:00 [fix D64]"),
        (&[Some("2019-12-31 24:00")], "2019-12-31 23:00:00 [fix D64]"),
        (&[Some(""), Some("2019-10-27 02:45")], "null"),
        (&[Some("02:30"), None], "bad felformat"),
    ],
};

pub(super) const FOLD: Function = Function {
    spec: FunctionSpec {
        name: "fold",
        kind: FunctionKind::Field(FieldFunction::Int),
        inputs: (1, 2),
        arguments: &[],
        about: "Which pass of the hour that comes twice a local wall time in Sweden is in, as `utc_time` takes it: 0 \
                for the first, 1 for the second; NULL outside that hour and for what cannot be read.",
        phrase: "ger vilken gång det är i timmen som kommer två gånger när vintertiden börjar: 0 den \
                 första, 1 den andra",
        marks: &[],
        inverse: "Lost: the time, which `time` gives.",
    },
    build: Build::Field(|_| field(fold)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("2019-10-27 02:30"), Some("2019-10-27 02:45")], "1"),
        (&[Some("2019-10-27 02:30"), Some("2019-10-27 02:15")], "0"),
        (&[Some("2019-10-27 02:30"), None], "0"),
        (&[Some("2019-10-27 03:00"), Some("2019-10-27 02:45")], "null"),
        (&[Some("2019-10-27"), None], "null"),
    ],
};

pub(super) const VISIT_MINUTES: Function = Function {
    spec: FunctionSpec {
        name: "visit_minutes",
        kind: FunctionKind::Field(FieldFunction::Int),
        inputs: (4, 4),
        arguments: &[],
        about: "Whole minutes that passed from a visit's start to its end, by UTC; the third column is the end of the \
                visit before, as in `utc_time`; when the hour that comes twice leaves two answers, the minutes by the \
                tasks (fourth column), marked; NULL when a time is missing or the visit breaks `visit_length`.",
        phrase: "räknas som minuter från {1} till {2} i verklig tid; när vintertiden börjar med ledning av \
                 {3} och {4}",
        marks: &[ReasonCode::ClockChange, ReasonCode::Malformed],
        inverse: "Lost: start and end, which `time` gives.",
    },
    build: Build::Field(|_| field(visit_minutes)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("2019-10-26 08:00"), Some("2019-10-26 08:45"), None, Some("40")], "45"),
        (&[Some("2019-10-26 23:00"), Some("2019-10-27 07:00"), None, Some("480")], "540"),
        (&[Some("2019-03-30 23:00"), Some("2019-03-31 07:00"), None, Some("480")], "420"),
        (
            &[Some("2019-10-27 02:30"), Some("2019-10-27 03:30"), Some("2019-10-27 02:50"), Some("55.0000")],
            "60",
        ),
        (&[Some("2019-10-27 02:30"), Some("2019-10-27 03:30"), None, Some("55.0000")], "55 [flag D64]"),
        (&[Some("2019-10-27 01:30"), Some("2019-10-27 02:30"), None, None], "null [flag D64]"),
        (&[Some("2019-10-26 08:45"), Some("2019-10-26 08:00"), None, Some("45")], "null"),
        (&[Some("2019-10-26 08:00"), None, None, Some("45")], "null"),
        (&[Some("2019-10-26 08:00"), Some("08:45"), None, Some("45")], "bad felformat"),
    ],
};

/// A wall time with the moments that it can mean.
#[derive(Clone, Copy)]
struct Read {
    moment: WallTime,
    /// The moment, when only one is possible.
    settled: Option<i64>,
}

impl Read {
    fn new(local: i64, before: Option<i64>) -> Self {
        let moment = moment_of(local);
        let settled = match moment {
            WallTime::Once(utc) | WallTime::Skipped(utc) => Some(utc),
            WallTime::Twice(_, second) => is_second_pass(local, before).then_some(second),
        };
        Self { moment, settled }
    }
}

/// Whether a time in the hour that comes twice is in its second pass, because the stamp before lies later in
/// that hour.
fn is_second_pass(local: i64, before: Option<i64>) -> bool {
    before.is_some_and(|before| {
        let twice = matches!(moment_of(before), WallTime::Twice(..));
        twice && (1..HOUR).contains(&(before - local))
    })
}

fn time(inputs: &[Option<&str>], index: usize) -> Option<i64> {
    given(inputs, index).and_then(parse_time)
}

fn utc_time<'a>(inputs: &[Option<&'a str>]) -> Outcome<'a> {
    let Some(text) = given(inputs, 0) else { return Outcome::Null };
    let Some(local) = parse_time(text) else { return Outcome::Bad(ReasonCode::Malformed) };
    let read = Read::new(local, time(inputs, 1));
    let (utc, action) = match (read.moment, read.settled) {
        (WallTime::Twice(first, _), None) => (first, Some(Action::Flag)),
        (WallTime::Skipped(utc), _) => (utc, Some(Action::Fix)),
        (WallTime::Once(utc), _) | (WallTime::Twice(..), Some(utc)) => {
            (utc, is_at_24(text).then_some(Action::Fix))
        }
    };
    let value = Cell::Time(utc);
    match action {
        None => Outcome::Value(value),
        Some(action) => Outcome::marked(Some(value), action, ReasonCode::ClockChange),
    }
}

fn invert_utc_time(_: &Settings<'_>, value: &Cell<'_>) -> Option<String> {
    /// The first and the last moment that four digits of a year can name.
    const YEARS: std::ops::Range<i64> = -62_135_596_800_000_000..253_402_300_800_000_000;
    let Cell::Time(utc) = value else { return None };
    let text = YEARS.contains(utc).then(|| iso_time(local_of(*utc)))?;
    reads_as(|text| utc_time(&[Some(text)]), text, value)
}

fn fold<'a>(inputs: &[Option<&'a str>]) -> Outcome<'a> {
    let Some(local) = time(inputs, 0) else { return Outcome::Null };
    let read = Read::new(local, time(inputs, 1));
    match read.moment {
        WallTime::Twice(..) => Outcome::Value(Cell::Int(i64::from(read.settled.is_some()))),
        WallTime::Once(_) | WallTime::Skipped(_) => Outcome::Null,
    }
}

fn visit_minutes<'a>(inputs: &[Option<&'a str>]) -> Outcome<'a> {
    let (Some(start), Some(end)) = (given(inputs, 0), given(inputs, 1)) else { return Outcome::Null };
    let Some((start, end)) = parse_time(start).zip(parse_time(end)) else {
        return Outcome::Bad(ReasonCode::Malformed);
    };
    if !(0..=MICROS_PER_DAY).contains(&(end - start)) {
        return Outcome::Null;
    }
    match passed(start, end, time(inputs, 2)) {
        Some(passed) => Outcome::Value(Cell::Int(passed / MICROS_PER_MINUTE)),
        None => {
            let minutes = given(inputs, 3).and_then(whole_minutes).map(Cell::Int);
            Outcome::marked(minutes, Action::Flag, ReasonCode::ClockChange)
        }
    }
}

/// Microseconds from one wall time to a later one; `None` when there are two answers, or the start was moved
/// behind the end because its hour was left out.
fn passed(start: i64, end: i64, before: Option<i64>) -> Option<i64> {
    let from = Read::new(start, before);
    let second_pass = matches!((from.moment, from.settled), (WallTime::Twice(..), Some(_)));
    let until = match moment_of(end) {
        WallTime::Once(utc) | WallTime::Skipped(utc) => Some(utc),
        // A visit that starts in the second pass ends in it.
        WallTime::Twice(_, second) => second_pass.then_some(second),
    };
    let passed = until? - from.settled?;
    (passed >= 0).then_some(passed)
}

/// Minutes as a sum of tasks writes them, parts of one dropped.
fn whole_minutes(text: &str) -> Option<i64> {
    const SCALE: usize = 4;
    let minutes = decimal_number(text, SCALE)? / 10_i128.pow(4);
    i64::try_from(minutes).ok().filter(|minutes| *minutes >= 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minutes(start: &str, end: &str, before: Option<&str>) -> String {
        visit_minutes(&[Some(start), Some(end), before, Some("58.0000")]).describe()
    }

    /// A visit over the change of October 2019, by the clock from 02:30 to 03:30: two hours when it starts
    /// in the first pass, one hour when it starts in the second.
    #[test]
    fn the_night_of_the_change_is_settled_by_the_stamp_before_or_by_the_tasks() {
        let (start, end) = ("2019-10-27 02:30", "2019-10-27 03:30");
        let first = parse_time("2019-10-27 00:30").unwrap();
        let second = parse_time("2019-10-27 01:30").unwrap();
        let finish = parse_time("2019-10-27 02:30").unwrap();
        assert_eq!(moment_of(parse_time(start).unwrap()), WallTime::Twice(first, second));
        assert_eq!(moment_of(parse_time(end).unwrap()), WallTime::Once(finish));
        assert_eq!((finish - first, finish - second), (2 * HOUR, HOUR));
        assert_eq!(minutes(start, end, Some("2019-10-27 02:50")), "60");
        for before in [None, Some("2019-10-27 01:50"), Some("2019-10-27 02:30"), Some("2019-10-27 03:05")] {
            assert_eq!(minutes(start, end, before), "58 [flag D64]", "{before:?}");
        }
    }

    #[test]
    fn a_visit_inside_the_second_pass_is_as_long_as_by_the_clock() {
        assert_eq!(minutes("2019-10-27 02:10", "2019-10-27 02:40", Some("2019-10-27 02:55")), "30");
        assert_eq!(minutes("2019-10-27 02:10", "2019-10-27 02:40", None), "58 [flag D64]");
    }

    #[test]
    fn a_start_in_the_hour_that_is_left_out_is_moved() {
        assert_eq!(minutes("2019-03-31 02:15", "2019-03-31 03:45", None), "30");
        assert_eq!(minutes("2019-03-31 02:15", "2019-03-31 02:45", None), "30");
        assert_eq!(minutes("2019-03-31 02:45", "2019-03-31 03:15", None), "58 [flag D64]");
    }

    #[test]
    fn the_minutes_of_the_tasks_are_whole() {
        assert_eq!(whole_minutes("45.0000"), Some(45));
        assert_eq!(whole_minutes("45,75"), Some(45));
        assert_eq!(whole_minutes("-45"), None);
        assert_eq!(whole_minutes("tio"), None);
    }

    proptest! {
        #[test]
        fn a_visit_lasts_as_long_as_utc_says(start in 0_i64..2_000_000_000, minutes in 0_i64..1440) {
            let (from, until) = (start * 1_000_000, start * 1_000_000 + minutes * MICROS_PER_MINUTE);
            let (start, end) = (local_of(from), local_of(until));
            let texts = (iso_time(start), iso_time(end));
            let outcome = visit_minutes(&[Some(&texts.0), Some(&texts.1), None, None]);
            let settled = [start, end].iter().all(|local| matches!(moment_of(*local), WallTime::Once(_)));
            if settled && (0..=MICROS_PER_DAY).contains(&(end - start)) {
                prop_assert_eq!(outcome, Outcome::Value(Cell::Int(minutes)));
            }
        }
    }
}

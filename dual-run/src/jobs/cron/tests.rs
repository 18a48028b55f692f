use std::process::Command;

use jiff::ToSpan;
use proptest::prelude::*;

use super::super::calendar::on_calendar;
use super::*;

const STOCKHOLM: &str = "Europe/Stockholm";

fn stockholm() -> TimeZone {
    TimeZone::get(STOCKHOLM).unwrap()
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The local times and offsets that an expression names after a moment.
fn next(cron: &str, after: &str, count: usize) -> Vec<String> {
    let cron = Cron::parse(cron).unwrap();
    let mut at = moment(after);
    let named = std::iter::from_fn(|| {
        at = cron.next_after(at, &stockholm())?;
        Some(at.to_zoned(stockholm()).strftime("%Y-%m-%d %H:%M%z").to_string())
    });
    named.take(count).collect()
}

#[test]
fn fields_are_numbers_ranges_steps_lists_and_names() {
    assert_eq!(
        next("15 2 * * *", "2026-01-01T12:00:00Z", 2),
        ["2026-01-02 02:15+0100", "2026-01-03 02:15+0100"]
    );
    assert_eq!(
        next("*/20 8-9 1,15 jan-feb *", "2026-01-15T08:30:00Z", 2),
        ["2026-01-15 09:40+0100", "2026-02-01 08:00+0100"]
    );
    assert_eq!(
        next("0 6 * * MON-Fri", "2026-01-02T12:00:00Z", 2),
        ["2026-01-05 06:00+0100", "2026-01-06 06:00+0100"]
    );
    for sunday in ["0", "7", "sun"] {
        assert_eq!(next(&format!("0 0 * * {sunday}"), "2026-01-01T00:00:00Z", 1), ["2026-01-04 00:00+0100"]);
    }
    assert_eq!(next("0 0 29 2 *", "2024-03-01T00:00:00Z", 1), ["2028-02-29 00:00+0100"]);
    assert_eq!(next("0 0 29 2 */6", "2024-03-01T00:00:00Z", 1), ["2032-02-29 00:00+0100"], "a Sunday");
    assert_eq!(Cron::parse("0 0 * * 5-7").unwrap().weekdays.values, BTreeSet::from([0, 5, 6]));
}

#[test]
fn either_day_is_enough_where_both_are_given() {
    assert_eq!(
        next("0 0 13 * fri", "2026-02-01T00:00:00Z", 3),
        ["2026-02-06 00:00+0100", "2026-02-13 00:00+0100", "2026-02-20 00:00+0100"]
    );
    let both = next("0 0 13 * */5", "2026-02-01T00:00:00Z", 2);
    assert_eq!(both, ["2026-02-13 00:00+0100", "2026-03-13 00:00+0100"], "a field with a star is not given");
}

#[test]
fn a_moment_is_never_its_own_next() {
    let cron = Cron::parse("0 3 * * *").unwrap();
    let three = moment("2026-01-05T02:00:00Z");
    assert_eq!(cron.next_after(three, &stockholm()), Some(moment("2026-01-06T02:00:00Z")));
    assert_eq!(cron.next_after(three - 1.nanosecond(), &stockholm()), Some(three));
}

#[test]
fn a_time_that_the_clocks_skip_is_run_at_the_end_of_the_gap() {
    assert_eq!(
        next("30 2 * * *", "2026-03-27T12:00:00Z", 3),
        ["2026-03-28 02:30+0100", "2026-03-29 03:00+0200", "2026-03-30 02:30+0200"]
    );
    assert_eq!(
        next("0,30 2 * * *", "2026-03-29T00:00:00Z", 2),
        ["2026-03-29 03:00+0200", "2026-03-30 02:00+0200"],
        "and once"
    );
    assert_eq!(
        next("30 * * * *", "2026-03-29T00:00:00Z", 3),
        ["2026-03-29 01:30+0100", "2026-03-29 03:30+0200", "2026-03-29 04:30+0200"]
    );
}

#[test]
fn a_time_that_the_clocks_show_twice_is_run_the_first_time() {
    assert_eq!(
        next("30 2 * * *", "2026-10-24T12:00:00Z", 2),
        ["2026-10-25 02:30+0200", "2026-10-26 02:30+0100"]
    );
    assert_eq!(
        next("30 * * * *", "2026-10-24T23:45:00Z", 3),
        ["2026-10-25 02:30+0200", "2026-10-25 02:30+0100", "2026-10-25 03:30+0100"]
    );
}

#[test]
fn what_is_no_expression_is_told_with_its_place() {
    for (text, at, said) in [
        ("", 0..0, "five fields, and this one has 0"),
        ("0 0 * *", 0..7, "this one has 4"),
        ("@daily", 0..6, "this one has 1"),
        ("60 * * * *", 0..2, "`60` is no minute: that is a number from 0 to 59"),
        ("0 0 1,32 * *", 6..8, "`32` is no day of the month"),
        ("0 0 * foo *", 6..9, "a number from 1 to 12, or a name from jan to dec"),
        ("0 0 * * fri-mon", 8..15, "ends before it begins"),
        ("*/0 * * * *", 0..3, "a number from 1 to 59"),
        ("*/90 * * * *", 0..4, "a number from 1 to 59"),
        ("5/15 * * * *", 0..4, "`5-59/15`"),
        ("0 0 L * *", 4..5, "`L` is no day"),
        ("0 0 * * 5#2", 8..11, "`5#2` is no day of the week"),
        ("+5 0 * * *", 0..2, "`+5` is no minute"),
        ("0,, 0 * * *", 2..2, "`` is no minute"),
        ("0 0 30 2 *", 0..10, "no year has such a day"),
        ("0 0 31 4,6,9,11 *", 0..17, "no year has such a day"),
        ("0 å * * *", 2..4, "`å` is no hour"),
    ] {
        let error = Cron::parse(text).unwrap_err();
        assert_eq!(error.at, at, "{text}: {}", error.message);
        assert!(error.message.contains(said), "{text}: {}", error.message);
    }
}

/// Expressions of many forms, for comparisons with other ways of finding the moments.
const MANY: [&str; 14] = [
    "*/5 * * * *",
    "7 * * * *",
    "0 */2 * * *",
    "15 2 * * *",
    "0,30 2-3 * * *",
    "59 23 * * *",
    "0 0 * * *",
    "0 6-18/3 * * mon-fri",
    "30 2 * * sun",
    "0 18 6 * *",
    "0 2 28-31 * *",
    "30 4 13 * fri",
    "0 0 29 2 *",
    "45 1-3 25-31 3,10 sun",
];

/// The moments between two others that an expression names.
fn named(cron: &Cron, first: Timestamp, end: Timestamp) -> Vec<Timestamp> {
    let (zone, mut at) = (stockholm(), first);
    let moments = std::iter::from_fn(|| {
        at = cron.next_after(at, &zone)?;
        (at < end).then_some(at)
    });
    moments.collect()
}

/// Every minute around the changes of the clocks, a leap day and a new year is looked at: what an expression names is
/// what the clocks show, each time once.
#[test]
fn every_time_that_the_clocks_show_is_run_and_none_twice() {
    for (first, end) in [
        ("2026-03-22T12:00:00Z", "2026-04-06T00:00:00Z"),
        ("2026-10-18T12:00:00Z", "2026-11-02T00:00:00Z"),
        ("2027-12-27T12:00:00Z", "2028-01-03T00:00:00Z"),
        ("2028-02-26T12:00:00Z", "2028-03-02T00:00:00Z"),
    ] {
        let (first, end) = (moment(first), moment(end));
        for text in MANY {
            let cron = Cron::parse(text).unwrap();
            assert_eq!(named(&cron, first, end), shown(&cron, first, end), "{text}");
        }
    }
}

/// What an expression names between two moments, by a look at every minute.
fn shown(cron: &Cron, first: Timestamp, end: Timestamp) -> Vec<Timestamp> {
    let zone = stockholm();
    let shows = |local: DateTime| {
        cron.names_day(local.date())
            && cron.hours.values.contains(&local.hour())
            && cron.minutes.values.contains(&local.minute())
    };
    let (mut wanted, mut run) = (Vec::new(), BTreeSet::new());
    let (mut before, mut minute) = (zone.to_datetime(first), first + 1.minute());
    while minute < end {
        let local = zone.to_datetime(minute);
        let mut skipped = (1..local.duration_since(before).as_mins()).map(|more| before + more.minutes());
        let was_skipped = !cron.follows_time() && skipped.any(shows);
        if (shows(local) && (cron.follows_time() || run.insert(local))) || was_skipped {
            wanted.push(minute);
        }
        (before, minute) = (local, minute + 1.minute());
    }
    wanted
}

/// What systemd says of a line of `OnCalendar`: the next moments after one, as UTC.
fn asked(line: &str, after: &str, count: usize) -> Option<Vec<Timestamp>> {
    let (base, count) = (format!("--base-time={after}"), format!("--iterations={count}"));
    let asked =
        Command::new("systemd-analyze").env("TZ", "UTC").args(["calendar", &base, &count, line]).output();
    let answer = asked.ok()?;
    assert!(answer.status.success(), "{line}: {}", String::from_utf8_lossy(&answer.stderr));
    let lines = String::from_utf8(answer.stdout).unwrap();
    let moments = lines.lines().filter_map(|line| {
        let shown = line.trim().strip_suffix(" UTC")?;
        let (_, shown) = shown.split_once(": ")?;
        let (_, shown) = shown.trim().split_once(' ')?;
        let local: DateTime = shown.parse().ok()?;
        TimeZone::UTC.to_timestamp(local).ok()
    });
    Some(moments.collect())
}

/// systemd reads the translated expression. Between two changes of the clocks both name the same moments.
#[test]
fn systemd_names_the_same_moments() {
    let (first, end) = (moment("2026-04-01T12:00:00Z"), moment("2026-10-24T00:00:00Z"));
    for text in MANY {
        let cron = Cron::parse(text).unwrap();
        let mut of_systemd = BTreeSet::new();
        let mut until = end;
        for line in on_calendar(&cron, STOCKHOLM) {
            let Some(moments) = asked(&line, "2026-04-01 12:00:00 UTC", 60) else { return };
            if moments.len() == 60 {
                until = until.min(*moments.last().unwrap());
            }
            of_systemd.extend(moments);
        }
        let of_systemd: Vec<Timestamp> = of_systemd.into_iter().filter(|moment| *moment < until).collect();
        assert_eq!(of_systemd, named(&cron, first, until), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_is_a_panic(text in "[-0-9*/, a-zåFRI@#?L]{0,30}") {
        if let Ok(cron) = Cron::parse(&text) {
            let from = moment("2026-10-24T23:00:00Z");
            let next = cron.next_after(from, &stockholm()).expect("a day that comes comes within the calendar");
            prop_assert!(next > from);
        }
    }

    #[test]
    fn nothing_lies_between_a_moment_and_its_next(second in 1_700_000_000_i64..1_900_000_000, at in 0..MANY.len()) {
        let cron = Cron::parse(MANY[at]).unwrap();
        for zone in ["Europe/Stockholm", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"] {
            let zone = TimeZone::get(zone).unwrap();
            let from = Timestamp::from_second(second).unwrap();
            let next = cron.next_after(from, &zone).unwrap();
            prop_assert!(next > from);
            let middle = Timestamp::from_second((second + next.as_second()) / 2).unwrap();
            prop_assert_eq!(cron.next_after(middle, &zone), Some(next));
        }
    }
}

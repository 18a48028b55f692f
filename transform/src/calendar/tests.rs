use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;

fn epoch() -> Date {
    date(1970, 1, 1)
}

#[test]
fn every_day_of_five_centuries_agrees_with_an_independent_calendar() {
    let first = epoch().until(date(1700, 1, 1)).unwrap().get_days();
    let mut day = date(1700, 1, 1);
    for days in first..first + 365 * 500 {
        let (year, month, day_of_month) = civil(days);
        let same = (i32::from(day.year()), day.month().unsigned_abs(), day.day().unsigned_abs());
        assert_eq!((year, month, day_of_month), same);
        assert_eq!(parse_date(&iso_date(days)), Some(days));
        day = day.tomorrow().unwrap();
    }
}

#[test]
fn dates_are_read_in_two_forms_and_no_other() {
    assert_eq!(parse_date("1970-01-01"), Some(0));
    assert_eq!(parse_date("19700102"), Some(1));
    assert_eq!(parse_date("0001-01-01"), Some(-719_162));
    assert_eq!(parse_date("9999-12-31"), Some(2_932_896));
    assert_eq!(parse_date("2000-02-29"), Some(11_016));
    let bad = [
        "",
        "1970",
        "197001",
        "1970-1-1",
        "1970/01/01",
        "1970-01-01 ",
        " 1970-01-01",
        "1970-01-01 00:00",
        "1970-13-01",
        "1970-00-01",
        "1970-01-00",
        "1970-01-32",
        "1900-02-29",
        "2015-02-29",
        "0000-01-01",
        "0000-00-00",
        "70-01-01",
        "1970-01-0a",
        "1970-0101",
        "åååå-åå-å",
        "+970-01-01",
        "２０２０0101",
    ];
    for text in bad {
        assert_eq!(parse_date(text), None, "{text}");
    }
}

#[test]
fn times_are_read_with_or_without_seconds_and_parts() {
    assert_eq!(parse_time("1970-01-01 00:00"), Some(0));
    assert_eq!(parse_time("1970-01-01T00:01"), Some(MICROS_PER_MINUTE));
    assert_eq!(parse_time("1970-01-01 00:00:01.5"), Some(1_500_000));
    assert_eq!(parse_time("1970-01-01 00:00:00.000001"), Some(1));
    assert_eq!(parse_time("1970-01-01 24:00"), Some(MICROS_PER_DAY));
    assert_eq!(parse_time("1970-01-01 24:00:00.000"), Some(MICROS_PER_DAY));
    assert_eq!(parse_time("1969-12-31 23:59:59"), Some(-1_000_000));
    let bad = [
        "",
        "1970-01-01",
        "19700101 00:00",
        "1970-01-01 ",
        "1970-01-01 0:00",
        "1970-01-01 00:0",
        "1970-01-01 00:60",
        "1970-01-01 00:00:60",
        "1970-01-01 24:01",
        "1970-01-01 24:00:01",
        "1970-01-01 25:00",
        "1970-01-01 00:00:",
        "1970-01-01 00:00:00.",
        "1970-01-01 00:00:00.1234567",
        "1970-01-01 00:00:00,5",
        "1970-01-01x00:00",
        "1970-01-01 00:00Z",
        "1970-02-30 00:00",
        "1970-01-01 00:00:0å",
    ];
    for text in bad {
        assert_eq!(parse_time(text), None, "{text}");
    }
}

#[test]
fn stand_in_dates_are_open_ends_in_every_form() {
    for text in [
        "1900-01-01",
        "19010101",
        "2079-06-06 23:59:00",
        "2999-12-31T00:00",
        "9999-12-31",
        "0000-00-00 00:00:00",
    ] {
        assert_eq!(parse_end_date(text), Some(End::Open), "{text}");
        assert_eq!(parse_end_time(text), Some(End::Open), "{text}");
    }
    assert_eq!(parse_end_date("1970-01-02 24:00"), Some(End::At(1)));
    assert_eq!(parse_end_time("1970-01-02 00:00"), Some(End::At(MICROS_PER_DAY)));
    assert_eq!(parse_end_time("1970-01-02"), None);
    assert_eq!(parse_end_date("0000-00-01"), None);
    assert_eq!(parse_end_date("9999-12-31 25:00"), None);
}

#[test]
fn months_are_their_first_day() {
    assert_eq!(parse_month("197002"), Some(31));
    assert_eq!(parse_month("1970-02"), Some(31));
    for text in ["197000", "197013", "1970", "1970-2", "19700201", "1970-02-01", "000001", "-97002", "å97002"]
    {
        assert_eq!(parse_month(text), None, "{text}");
    }
}

#[test]
fn the_ends_of_the_number_range_are_written_without_failure() {
    assert_eq!(iso_date(i32::MAX), "5881580-07-11");
    assert_eq!(iso_date(i32::MIN), "-5877641-06-23");
    assert_eq!(iso_date(-719_163), "0000-12-31");
    assert_eq!(iso_time(i64::MAX), "294247-01-10 04:00:54.775807");
    assert_eq!(iso_time(-1), "1969-12-31 23:59:59.999999");
}

proptest! {
    #[test]
    fn dates_round_trip(days in -719_162..=2_932_896_i32) {
        let text = iso_date(days);
        prop_assert_eq!(parse_date(&text), Some(days));
        prop_assert_eq!(parse_date(&text.replace('-', "")), Some(days));
        prop_assert_eq!(parse_date_part(&format!("{text} 24:00")), Some(days));
        let same = epoch().checked_add(jiff::Span::new().days(days)).unwrap();
        prop_assert_eq!(text, same.to_string());
    }

    #[test]
    fn times_round_trip(micros in -62_135_596_800_000_000..253_402_300_800_000_000_i64) {
        let text = iso_time(micros);
        prop_assert_eq!(parse_time(&text), Some(micros));
        prop_assert_eq!(parse_time(&text.replace(' ', "T")), Some(micros));
    }

    #[test]
    fn a_date_is_read_exactly_when_it_exists(year in 0..=9999_i16, month in 0..=13_i8, day in 0..=32_i8) {
        let exists = year > 0 && Date::new(year, month, day).is_ok();
        let text = format!("{year:04}-{month:02}-{day:02}");
        prop_assert_eq!(parse_date(&text).is_some(), exists);
    }

    #[test]
    fn any_text_is_read_without_failure(text in "\\PC*|[0-9T:. å-]{0,30}") {
        let date = parse_date(&text);
        prop_assert!(date.is_none() || parse_date_part(&text) == date);
        prop_assert!(parse_time(&text).is_none() || parse_date_part(&text).is_some());
        prop_assert!(parse_end_time(&text).is_none() || parse_end_date(&text).is_some());
        let _ = parse_month(&text);
    }
}

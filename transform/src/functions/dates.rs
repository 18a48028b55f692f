//! Functions that read dates and wall times.

use bron_mappings::{Action, FieldFunction, FunctionKind, FunctionSpec, ReasonCode};

use super::inverse::reads_as;
use super::{Build, Cell, Function, Outcome, field, given, unary, value_or_malformed};
use crate::calendar::{
    End, MICROS_PER_MINUTE, civil, is_ambiguous_date, is_at_24, iso_date, iso_time, parse_date_part,
    parse_end_date, parse_end_time, parse_month, parse_time,
};

pub(super) const DATE: Function = Function {
    spec: FunctionSpec {
        name: "date",
        kind: FunctionKind::Field(FieldFunction::Date),
        inputs: (1, 1),
        arguments: &[],
        about: "The date in `YYYY-MM-DD`, `YYYYMMDD` or `YYYY-MM-DD HH:MM[:SS[.ffffff]]`; a text that is one when \
                its day and month change places, or when its two-digit year gets a century, gives NULL with a mark; \
                another form or a day that does not exist is refused.",
        phrase: "läses som datum; omkastad dag och månad eller tvåsiffrigt år märks och lämnas tomt",
        marks: &[ReasonCode::AmbiguousDate, ReasonCode::Malformed],
        inverse: "The date as `YYYY-MM-DD`; lost: the form of the column, and a time of day that was written with it.",
    },
    build: Build::Field(|_| unary(date)),
    invert: Some(|_, value| invert_date(date, value)),
    with: &[],
    examples: &[
        (&[Some("2014-10-02")], "2014-10-02"),
        (&[Some("20141002")], "2014-10-02"),
        (&[Some("2014-10-02 13:45:00.123")], "2014-10-02"),
        (&[Some("2014-10-31 24:00")], "2014-10-31"),
        (&[Some("")], "null"),
        (&[Some("2014-02-29")], "bad felformat"),
        (&[Some("02/10/2014")], "bad felformat"),
        (&[Some("2016-25-03")], "null [flag D26]"),
        (&[Some("141002")], "null [flag D26]"),
        (&[Some("2014-10-02 ")], "bad felformat"),
    ],
};

pub(super) const OPEN_END_DATE: Function = Function {
    spec: FunctionSpec {
        name: "open_end_date",
        kind: FunctionKind::Field(FieldFunction::Date),
        inputs: (1, 1),
        arguments: &[],
        about: "As `date`, but a stand-in date (1900-01-01, 1901-01-01, 2079-06-06, 2999-12-31, 9999-12-31, \
                0000-00-00) means that there is no end and gives NULL with a mark.",
        phrase: "läses som datum; en platshållare som 9999-12-31 betyder tills vidare och blir tomt",
        marks: &[ReasonCode::OpenEndDate, ReasonCode::AmbiguousDate, ReasonCode::Malformed],
        inverse: "As `date`; the stand-in date comes back from the text kept beside the value.",
    },
    build: Build::Field(|_| unary(open_end_date)),
    invert: Some(|_, value| invert_date(open_end_date, value)),
    with: &[],
    examples: &[
        (&[Some("2014-10-31")], "2014-10-31"),
        (&[Some("2079-06-06 00:00:00")], "null [norm D23]"),
        (&[Some("99991231")], "null [norm D23]"),
        (&[Some("1900-01-01")], "null [norm D23]"),
        (&[Some("1901-01-01")], "null [norm D23]"),
        (&[Some("2999-12-31")], "null [norm D23]"),
        (&[Some("0000-00-00")], "null [norm D23]"),
        (&[None], "null"),
        (&[Some("2016-25-03")], "null [flag D26]"),
        (&[Some("tills vidare")], "bad felformat"),
        (&[Some("0000-00-01")], "bad felformat"),
    ],
};

pub(super) const MONTH: Function = Function {
    spec: FunctionSpec {
        name: "month",
        kind: FunctionKind::Field(FieldFunction::Date),
        inputs: (1, 1),
        arguments: &[],
        about: "The first day of a month in `YYYYMM` or `YYYY-MM`; another form is refused.",
        phrase: "läses som en månad och blir månadens första dag",
        marks: &[ReasonCode::Malformed],
        inverse: "The year and the month of the date as `YYYYMM`; lost: a hyphen between them.",
    },
    build: Build::Field(|_| unary(month)),
    invert: Some(|_, value| invert_month(value)),
    with: &[],
    examples: &[
        (&[Some("201410")], "2014-10-01"),
        (&[Some("2014-10")], "2014-10-01"),
        (&[Some("")], "null"),
        (&[Some("201413")], "bad felformat"),
        (&[Some("2014-10-01")], "bad felformat"),
    ],
};

pub(super) const TIME: Function = Function {
    spec: FunctionSpec {
        name: "time",
        kind: FunctionKind::Field(FieldFunction::Time),
        inputs: (1, 1),
        arguments: &[],
        about: "The local wall time in `YYYY-MM-DD HH:MM[:SS[.ffffff]]`, with a blank or a `T` between; 24:00 is 00:00 \
                of the next day, and marked; a date alone is refused.",
        phrase: "läses som datum och klockslag; 24:00 blir 00:00 nästa dag",
        marks: &[ReasonCode::ClockChange, ReasonCode::Malformed],
        inverse: "The time as `YYYY-MM-DD HH:MM:SS`, with parts of a second when there are any; lost: the form of the \
                  column.",
    },
    build: Build::Field(|_| unary(time)),
    invert: Some(|_, value| invert_time(time, value)),
    with: &[],
    examples: &[
        (&[Some("2014-10-02 13:45")], "2014-10-02 13:45:00"),
        (&[Some("2020-03-01T07:05:09")], "2020-03-01 07:05:09"),
        (&[Some("2014-10-02 13:45:00.123")], "2014-10-02 13:45:00.123000"),
        (&[Some("2014-12-31 24:00")], "2015-01-01 00:00:00 [fix D64]"),
        (&[None], "null"),
        (&[Some("2014-10-02")], "bad felformat"),
        (&[Some("2014-10-02 24:01")], "bad felformat"),
        (&[Some("13:45")], "bad felformat"),
    ],
};

pub(super) const OPEN_END_TIME: Function = Function {
    spec: FunctionSpec {
        name: "open_end_time",
        kind: FunctionKind::Field(FieldFunction::Time),
        inputs: (1, 1),
        arguments: &[],
        about: "As `time`, but a stand-in date (1900-01-01, 1901-01-01, 2079-06-06, 2999-12-31, 9999-12-31, \
                0000-00-00), with any clock or none, means that there is no end and gives NULL with a mark.",
        phrase: "läses som datum och klockslag; en platshållare som 9999-12-31 betyder tills vidare och \
                 blir tomt",
        marks: &[ReasonCode::OpenEndDate, ReasonCode::ClockChange, ReasonCode::Malformed],
        inverse: "As `time`; the stand-in date comes back from the text kept beside the value.",
    },
    build: Build::Field(|_| unary(open_end_time)),
    invert: Some(|_, value| invert_time(open_end_time, value)),
    with: &[],
    examples: &[
        (&[Some("2014-10-02 13:45")], "2014-10-02 13:45:00"),
        (&[Some("2014-10-02 24:00")], "2014-10-03 00:00:00 [fix D64]"),
        (&[Some("9999-12-31 23:59:59.997")], "null [norm D23]"),
        (&[Some("2079-06-06")], "null [norm D23]"),
        (&[Some("0000-00-00 00:00:00")], "null [norm D23]"),
        (&[Some("")], "null"),
        (&[Some("2014-10-02")], "bad felformat"),
        (&[Some("9999-12-31 99:99")], "bad felformat"),
    ],
};

pub(super) const DURATION_MINUTES: Function = Function {
    spec: FunctionSpec {
        name: "duration_minutes",
        kind: FunctionKind::Field(FieldFunction::Int),
        inputs: (2, 2),
        arguments: &[],
        about: "Whole minutes of wall time from the first time to the second, parts of a minute dropped; negative when \
                the second is earlier, NULL when either is missing; refused when either cannot be read.",
        phrase: "räknas som hela minuter från {1} till {2}",
        marks: &[ReasonCode::Malformed],
        inverse: "The second time from the first and the minutes; lost: parts of a minute.",
    },
    build: Build::Field(|_| field(duration_minutes)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("2014-10-02 13:45"), Some("2014-10-02 14:30")], "45"),
        (&[Some("2014-10-02 23:30"), Some("2014-10-02 24:00")], "30"),
        (&[Some("2014-10-02 13:45:30"), Some("2014-10-02 13:47:29")], "1"),
        (&[Some("2014-10-02 14:30"), Some("2014-10-02 13:45")], "-45"),
        (&[Some("2014-10-02 13:45"), None], "null"),
        (&[Some("2014-10-02 13:45"), Some("14:30")], "bad felformat"),
    ],
};

fn date(text: &str) -> Outcome<'_> {
    match parse_date_part(text) {
        Some(day) => Outcome::Value(Cell::Date(day)),
        None => no_date(text),
    }
}

/// A text that is no date: marked when a small change would make it one, otherwise refused.
fn no_date(text: &str) -> Outcome<'_> {
    if is_ambiguous_date(text) {
        Outcome::marked(None, Action::Flag, ReasonCode::AmbiguousDate)
    } else {
        Outcome::Bad(ReasonCode::Malformed)
    }
}

fn open_end_date(text: &str) -> Outcome<'_> {
    match parse_end_date(text) {
        Some(End::Open) => open_end(),
        Some(End::At(day)) => Outcome::Value(Cell::Date(day)),
        None => no_date(text),
    }
}

const fn open_end<'a>() -> Outcome<'a> {
    Outcome::marked(None, Action::Norm, ReasonCode::OpenEndDate)
}

fn month(text: &str) -> Outcome<'_> {
    value_or_malformed(parse_month(text).map(Cell::Date))
}

fn time(text: &str) -> Outcome<'_> {
    match parse_time(text) {
        Some(micros) if is_at_24(text) => {
            Outcome::marked(Some(Cell::Time(micros)), Action::Fix, ReasonCode::ClockChange)
        }
        micros => value_or_malformed(micros.map(Cell::Time)),
    }
}

fn open_end_time(text: &str) -> Outcome<'_> {
    match parse_end_time(text) {
        Some(End::Open) => open_end(),
        Some(End::At(_)) => time(text),
        None => Outcome::Bad(ReasonCode::Malformed),
    }
}

/// The date in ISO form, when the function reads it as the same date: a stand-in date is none.
fn invert_date(read: fn(&str) -> Outcome<'_>, value: &Cell<'_>) -> Option<String> {
    if let Cell::Date(day) = value { reads_as(read, iso_date(*day), value) } else { None }
}

fn invert_month(value: &Cell<'_>) -> Option<String> {
    let Cell::Date(day) = value else { return None };
    let (year, number, _) = civil(*day);
    reads_as(month, format!("{year:04}{number:02}"), value)
}

/// The time in ISO form, when the function reads it as the same time.
fn invert_time(read: fn(&str) -> Outcome<'_>, value: &Cell<'_>) -> Option<String> {
    if let Cell::Time(micros) = value { reads_as(read, iso_time(*micros), value) } else { None }
}

fn duration_minutes<'a>(inputs: &[Option<&'a str>]) -> Outcome<'a> {
    let (Some(start), Some(end)) = (given(inputs, 0), given(inputs, 1)) else { return Outcome::Null };
    let minutes =
        parse_time(start).zip(parse_time(end)).map(|(start, end)| (end - start) / MICROS_PER_MINUTE);
    value_or_malformed(minutes.map(Cell::Int))
}

//! Functions that read dates and wall times.

use bron_mappings::{Action, FieldFunction, FunctionKind, FunctionSpec, ReasonCode};

use super::{Build, Cell, Function, Outcome, field, given, unary, value_or_malformed};
use crate::calendar::{
    End, MICROS_PER_MINUTE, parse_date_part, parse_end_date, parse_end_time, parse_month, parse_time,
};

pub(super) const DATE: Function = Function {
    spec: FunctionSpec {
        name: "date",
        kind: FunctionKind::Field(FieldFunction::Date),
        inputs: (1, 1),
        arguments: &[],
        about: "The date in `YYYY-MM-DD`, `YYYYMMDD` or `YYYY-MM-DD HH:MM[:SS[.ffffff]]`; another form or a day that \
                does not exist is refused.",
        marks: &[ReasonCode::Malformed],
        inverse: "The date in the column's own form; lost: a time of day that was written with it.",
    },
    build: Build::Field(|_| unary(|text| value_or_malformed(parse_date_part(text).map(Cell::Date)))),
    examples: &[
        (&[Some("2014-10-02")], "2014-10-02"),
        (&[Some("20141002")], "2014-10-02"),
        (&[Some("2014-10-02 13:45:00.123")], "2014-10-02"),
        (&[Some("2014-10-31 24:00")], "2014-10-31"),
        (&[Some("")], "null"),
        (&[Some("2014-02-29")], "bad felformat"),
        (&[Some("02/10/2014")], "bad felformat"),
        (&[Some("141002")], "bad felformat"),
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
        marks: &[ReasonCode::OpenEndDate, ReasonCode::Malformed],
        inverse: "As `date`; the stand-in date comes back from the text kept beside the value.",
    },
    build: Build::Field(|_| unary(|text| end(parse_end_date(text), Cell::Date))),
    examples: &[
        (&[Some("2014-10-31")], "2014-10-31"),
        (&[Some("2079-06-06 00:00:00")], "null [norm D23]"),
        (&[Some("99991231")], "null [norm D23]"),
        (&[Some("1900-01-01")], "null [norm D23]"),
        (&[Some("1901-01-01")], "null [norm D23]"),
        (&[Some("2999-12-31")], "null [norm D23]"),
        (&[Some("0000-00-00")], "null [norm D23]"),
        (&[None], "null"),
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
        marks: &[ReasonCode::Malformed],
        inverse: "The year and the month of the date in the column's own form.",
    },
    build: Build::Field(|_| unary(|text| value_or_malformed(parse_month(text).map(Cell::Date)))),
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
                of the next day; a date alone is refused.",
        marks: &[ReasonCode::Malformed],
        inverse: "The time in the column's own form; lost: whether midnight was written 00:00 or 24:00.",
    },
    build: Build::Field(|_| unary(|text| value_or_malformed(parse_time(text).map(Cell::Time)))),
    examples: &[
        (&[Some("2014-10-02 13:45")], "2014-10-02 13:45:00"),
        (&[Some("2020-03-01T07:05:09")], "2020-03-01 07:05:09"),
        (&[Some("2014-10-02 13:45:00.123")], "2014-10-02 13:45:00.123000"),
        (&[Some("2014-12-31 24:00")], "2015-01-01 00:00:00"),
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
        marks: &[ReasonCode::OpenEndDate, ReasonCode::Malformed],
        inverse: "As `time`; the stand-in date comes back from the text kept beside the value.",
    },
    build: Build::Field(|_| unary(|text| end(parse_end_time(text), Cell::Time))),
    examples: &[
        (&[Some("2014-10-02 13:45")], "2014-10-02 13:45:00"),
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
        marks: &[ReasonCode::Malformed],
        inverse: "The second time from the first and the minutes; lost: parts of a minute.",
    },
    build: Build::Field(|_| field(duration_minutes)),
    examples: &[
        (&[Some("2014-10-02 13:45"), Some("2014-10-02 14:30")], "45"),
        (&[Some("2014-10-02 23:30"), Some("2014-10-02 24:00")], "30"),
        (&[Some("2014-10-02 13:45:30"), Some("2014-10-02 13:47:29")], "1"),
        (&[Some("2014-10-02 14:30"), Some("2014-10-02 13:45")], "-45"),
        (&[Some("2014-10-02 13:45"), None], "null"),
        (&[Some("2014-10-02 13:45"), Some("14:30")], "bad felformat"),
    ],
};

fn end<T>(read: Option<End<T>>, cell: fn(T) -> Cell<'static>) -> Outcome<'static> {
    match read {
        Some(End::Open) => Outcome::marked(None, Action::Norm, ReasonCode::OpenEndDate),
        Some(End::At(value)) => Outcome::Value(cell(value)),
        None => Outcome::Bad(ReasonCode::Malformed),
    }
}

fn duration_minutes<'a>(inputs: &[Option<&'a str>]) -> Outcome<'a> {
    let (Some(start), Some(end)) = (given(inputs, 0), given(inputs, 1)) else { return Outcome::Null };
    let minutes =
        parse_time(start).zip(parse_time(end)).map(|(start, end)| (end - start) / MICROS_PER_MINUTE);
    value_or_malformed(minutes.map(Cell::Int))
}

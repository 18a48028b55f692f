//! Functions over dates, times and the periods that they bound.

use bron_mappings::{FieldFunction, FunctionKind, FunctionSpec, ReasonCode};

use super::{Build, Cell, CheckFn, Function, Outcome, SettingError, Settings, check, field, given};
use crate::calendar::{End, Stamp, parse_date_part};

/// 1900-01-01 in days since 1970-01-01. It is a stand-in date itself.
const START_OF_1900: i32 = -25_567;

pub(super) const LATER_THAN: Function = Function {
    spec: FunctionSpec {
        name: "later_than",
        kind: FunctionKind::Check,
        inputs: (2, 2),
        arguments: &["days", "months"],
        about: "Broken when the first date or time is after the second plus `months` and `days` (0 unless told); the \
                clock counts only when both have one, a month counts as its first day, and the check holds when either \
                is missing, cannot be read or is a stand-in date.",
        phrase: "{1} ligger senare än {2}[ plus {months} månader][ plus {days} dagar]",
        marks: &[
            ReasonCode::LateRetroactive,
            ReasonCode::InvoiceAfterDeath,
            ReasonCode::ChangedDuringExtraction,
        ],
        inverse: "A check gives no value.",
    },
    build: Build::Check(build_later_than),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("2014-10-02"), Some("2014-10-01")], "true"),
        (&[Some("2014-10-02 10:01"), Some("2014-10-02 10:00")], "true"),
        (&[Some("201411"), Some("2014-10-31")], "true"),
        (&[Some("2014-10-02 10:01"), Some("2014-10-02")], "false"),
        (&[Some("201410"), Some("2014-10-31")], "false"),
        (&[Some("2079-06-06"), Some("2014-10-01")], "false"),
        (&[Some("2014-10-02"), None], "false"),
        (&[Some("2014-10-02"), Some("1 oktober")], "false"),
    ],
};

pub(super) const OUTSIDE_PERIOD: Function = Function {
    spec: FunctionSpec {
        name: "outside_period",
        kind: FunctionKind::Check,
        inputs: (3, 3),
        arguments: &[],
        about: "Broken when the first date or time is before the second or after the third; a third without a clock, \
                or at 00:00, counts to the end of its day, and a bound that is missing, unreadable or a stand-in \
                date is open.",
        phrase: "{1} ligger före {2} eller efter {3}",
        marks: &[ReasonCode::NoteDate],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(outside_period)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("2014-09-30"), Some("2014-10-01"), None], "true"),
        (&[Some("2014-10-02 00:01"), None, Some("2014-10-01")], "true"),
        (&[Some("2014-10-01 23:59"), Some("2014-10-01"), Some("2014-10-01")], "false"),
        (&[Some("2014-10-01 23:59"), None, Some("2014-10-01 00:00:00")], "false"),
        (&[Some("2014-10-01"), None, Some("2079-06-06")], "false"),
        (&[None, Some("2014-10-01"), Some("2014-10-31")], "false"),
        (&[Some("okänd"), Some("2014-10-01"), Some("2014-10-31")], "false"),
    ],
};

pub(super) const IMPLAUSIBLE_DATE: Function = Function {
    spec: FunctionSpec {
        name: "implausible_date",
        kind: FunctionKind::Check,
        inputs: (2, 2),
        arguments: &[],
        about: "Broken when the first date is after the second, the day the source was read, or before 1900-01-01; \
                holds for stand-in dates and for what cannot be read.",
        phrase: "datumet i {1} ligger efter {2} eller före år 1900",
        marks: &[ReasonCode::ImplausibleDate],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(implausible_date)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("2025-01-01"), Some("2024-12-31")], "true"),
        (&[Some("1899-12-31 00:00"), Some("2024-12-31")], "true"),
        (&[Some("1899-12-31"), None], "true"),
        (&[Some("2024-12-31 23:59"), Some("2024-12-31")], "false"),
        (&[Some("9999-12-31"), Some("2024-12-31")], "false"),
        (&[Some("1900-01-02"), Some("2024-12-31")], "false"),
        (&[Some("i morgon"), Some("2024-12-31")], "false"),
    ],
};

pub(super) const OPEN_AND_FOLLOWED: Function = Function {
    spec: FunctionSpec {
        name: "open_and_followed",
        kind: FunctionKind::Check,
        inputs: (2, 2),
        arguments: &[],
        about: "Broken when the first date, an end, is missing or a stand-in date, and the second, the start of the \
                next period, is there.",
        phrase: "slutet ({1}) saknas trots att nästa period börjar ({2})",
        marks: &[ReasonCode::MissingEnd],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(|inputs| is_open(given(inputs, 0)) && given(inputs, 1).is_some())),
    invert: None,
    with: &[],
    examples: &[
        (&[None, Some("2014-11-01")], "true"),
        (&[Some("2079-06-06 00:00:00"), Some("2014-11-01")], "true"),
        (&[Some("2014-10-31"), Some("2014-11-01")], "false"),
        (&[Some("okänt"), Some("2014-11-01")], "false"),
        (&[None, None], "false"),
    ],
};

pub(super) const OVERLAPS_NEXT: Function = Function {
    spec: FunctionSpec {
        name: "overlaps_next",
        kind: FunctionKind::Check,
        inputs: (3, 3),
        arguments: &["ends"],
        about: "Broken when the third date or time, the start of the next period, is not after the second, the end of \
                this one, which belongs to it (`ends` is `included`, unless told, or `excluded`); holds when the end \
                is missing, a stand-in date or before the first, the start.",
        phrase: "nästa period börjar ({3}) innan den här är slut ({2})",
        marks: &[ReasonCode::OverlappingDecisions],
        inverse: "A check gives no value.",
    },
    build: Build::Check(build_overlaps_next),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("2014-10-01"), Some("2014-10-31"), Some("2014-10-31")], "true"),
        (&[Some("2014-10-01"), Some("2014-10-31"), Some("2014-10-15")], "true"),
        (&[Some("2014-10-01"), Some("2014-10-31"), Some("2014-11-01")], "false"),
        (&[Some("2014-10-01"), Some("2079-06-06"), Some("2014-10-15")], "false"),
        (&[Some("2014-10-31"), Some("2014-10-01"), Some("2014-10-31")], "false"),
        (&[Some("2014-10-01"), None, Some("2014-10-15")], "false"),
        (&[Some("2014-10-01"), Some("2014-10-31"), None], "false"),
    ],
};

pub(super) const DERIVED_END: Function = Function {
    spec: FunctionSpec {
        name: "derived_end",
        kind: FunctionKind::Field(FieldFunction::Date),
        inputs: (2, 2),
        arguments: &[],
        about: "The day before the second date, the start of the next period, when the first, the end of this one, is \
                missing or a stand-in date; otherwise NULL, also when the second is missing or cannot be read.",
        phrase: "blir dagen före nästa periods start ({2}) när slutet ({1}) saknas",
        marks: &[],
        inverse: "Lost: the end that was written, which `open_end_date` gives.",
    },
    build: Build::Field(|_| field(derived_end)),
    invert: None,
    with: &[],
    examples: &[
        (&[None, Some("2014-11-01")], "2014-10-31"),
        (&[Some("2079-06-06 00:00:00"), Some("2014-11-01 00:00:00")], "2014-10-31"),
        (&[Some("2014-10-15"), Some("2014-11-01")], "null"),
        (&[None, None], "null"),
        (&[None, Some("i november")], "null"),
        (&[Some("okänt"), Some("2014-11-01")], "null"),
    ],
};

fn stamp(inputs: &[Option<&str>], index: usize) -> Option<Stamp> {
    given(inputs, index).and_then(Stamp::read)
}

/// Whether an end is missing or a stand-in date. An unreadable one is neither.
fn is_open(end: Option<&str>) -> bool {
    end.is_none_or(|text| Stamp::read_end(text) == Some(End::Open))
}

fn build_later_than(settings: &Settings<'_>) -> Result<CheckFn, SettingError> {
    let days = settings.number("days")?.unwrap_or(0);
    let months = settings.number("months")?.unwrap_or(0);
    check(move |inputs| {
        let moment = |index| given(inputs, index).and_then(Stamp::read_or_month);
        let bound = moment(1).and_then(|bound| bound.later(months, days));
        moment(0).zip(bound).is_some_and(|(moment, bound)| moment.is_after(bound))
    })
}

fn outside_period(inputs: &[Option<&str>]) -> bool {
    let Some(moment) = stamp(inputs, 0) else { return false };
    let before = stamp(inputs, 1).is_some_and(|from| from.is_after(moment));
    before || stamp(inputs, 2).is_some_and(|to| moment.is_after(to.to_end_of_day()))
}

fn implausible_date(inputs: &[Option<&str>]) -> bool {
    let Some(day) = stamp(inputs, 0).map(Stamp::day) else { return false };
    let read = given(inputs, 1).and_then(parse_date_part);
    day < START_OF_1900 || read.is_some_and(|read| day > read)
}

fn build_overlaps_next(settings: &Settings<'_>) -> Result<CheckFn, SettingError> {
    let included = match settings.argument("ends") {
        None | Some("included") => true,
        Some("excluded") => false,
        Some(_) => return Err("`ends` is `included` or `excluded`".to_owned()),
    };
    check(move |inputs| {
        let (Some(start), Some(end), Some(next)) = (stamp(inputs, 0), stamp(inputs, 1), stamp(inputs, 2))
        else {
            return false;
        };
        let overlaps = if included { !next.is_after(end) } else { end.is_after(next) };
        overlaps && !start.is_after(end)
    })
}

fn derived_end<'a>(inputs: &[Option<&'a str>]) -> Outcome<'a> {
    let next = stamp(inputs, 1).filter(|_| is_open(given(inputs, 0)));
    let end = next.and_then(|next| next.day().checked_sub(1));
    end.map_or(Outcome::Null, |day| Outcome::Value(Cell::Date(day)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::calendar::parse_date;

    fn with(
        build: fn(&Settings<'_>) -> Result<CheckFn, SettingError>,
        arguments: &[(&str, &str)],
    ) -> Result<CheckFn, SettingError> {
        let arguments: BTreeMap<_, _> =
            arguments.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        build(&Settings { arguments: &arguments, scale: None })
    }

    #[test]
    fn the_bound_can_be_moved_by_months_and_days() {
        let call = with(build_later_than, &[("months", "4")]).unwrap();
        assert!(call(&[Some("2015-02-02"), Some("2014-10-01")]));
        assert!(!call(&[Some("2015-02-01"), Some("2014-10-01")]));
        assert!(!call(&[Some("2015-02-28"), Some("2014-10-31")]));
        let call = with(build_later_than, &[("days", "30")]).unwrap();
        assert!(call(&[Some("2014-11-01"), Some("2014-10-01")]));
        assert!(!call(&[Some("2014-10-31"), Some("2014-10-01")]));
        for wrong in [("days", "-1"), ("months", "fyra"), ("days", "")] {
            assert!(with(build_later_than, &[wrong]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_end_can_be_outside_its_period() {
        let call = with(build_overlaps_next, &[("ends", "excluded")]).unwrap();
        let (start, end) = (Some("2014-10-01 08:00"), Some("2014-10-01 09:00"));
        assert!(!call(&[start, end, end]));
        assert!(call(&[start, end, Some("2014-10-01 08:59")]));
        assert!(with(build_overlaps_next, &[("ends", "open")]).is_err());
    }

    #[test]
    fn the_year_1900_starts_where_it_does() {
        assert_eq!(parse_date("1900-01-01"), Some(START_OF_1900));
    }
}

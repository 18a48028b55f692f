//! Checks over intervals and deadlines.

use bron_mappings::{FunctionKind, FunctionSpec, ReasonCode};

use super::{Build, CheckFn, Function, SettingError, Settings, check, given};
use crate::calendar::{End, MICROS_PER_DAY, parse_date_part, parse_end_date, parse_time};

/// Days within which a note has to be signed, unless a rule says otherwise.
const DAYS_TO_SIGN: i32 = 30;

pub(super) const ENDS_BEFORE_START: Function = Function {
    spec: FunctionSpec {
        name: "ends_before_start",
        kind: FunctionKind::Check,
        inputs: (2, 2),
        arguments: &[],
        about: "Broken when the second date or time is before the first; the clock counts only when both have one. \
                Holds when either is missing, cannot be read or is a stand-in date.",
        phrase: "{2} ligger före {1}",
        marks: &[ReasonCode::EndBeforeStart],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(ends_before_start)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("2014-10-02"), Some("2014-10-01")], "true"),
        (&[Some("2014-10-02 13:00"), Some("2014-10-02 12:59")], "true"),
        (&[Some("2014-10-02"), Some("2014-10-02")], "false"),
        (&[Some("2014-10-02 13:00"), Some("2014-10-02")], "false"),
        (&[Some("2014-10-02"), Some("1900-01-01")], "false"),
        (&[Some("2014-10-02"), Some("")], "false"),
        (&[Some("2014-10-02"), Some("1 oktober")], "false"),
    ],
};

pub(super) const VISIT_LENGTH: Function = Function {
    spec: FunctionSpec {
        name: "visit_length",
        kind: FunctionKind::Check,
        inputs: (2, 2),
        arguments: &[],
        about: "Broken when a visit's second time is before the first or more than 24 hours after it; \
                holds when either is missing or cannot be read.",
        phrase: "besöket slutar ({2}) före det börjar ({1}), eller är längre än ett dygn",
        marks: &[ReasonCode::VisitLength],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(visit_length)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("2014-10-02 13:00"), Some("2014-10-02 12:59")], "true"),
        (&[Some("2014-10-02 13:00"), Some("2014-10-03 13:01")], "true"),
        (&[Some("2014-10-02 13:00"), Some("2014-10-03 13:00")], "false"),
        (&[Some("2014-10-02 23:30"), Some("2014-10-02 24:00")], "false"),
        (&[Some("2014-10-02 13:00"), None], "false"),
        (&[Some("2014-10-02 13:00"), Some("12:59")], "false"),
    ],
};

pub(super) const UNSIGNED_LONGER_THAN: Function = Function {
    spec: FunctionSpec {
        name: "unsigned_longer_than",
        kind: FunctionKind::Check,
        inputs: (3, 3),
        arguments: &["days"],
        about: "Broken when the first, the date of signing, is missing and the second, the date of writing, is more \
                than `days` (30 unless told) before the third, the day the source was read.",
        phrase: "{1} är tomt trots att det gått mer än {days=30} dagar från {2} till {3}",
        marks: &[ReasonCode::UnsignedNote],
        inverse: "A check gives no value.",
    },
    build: Build::Check(build_unsigned_longer_than),
    invert: None,
    with: &[],
    examples: &[
        (&[None, Some("2024-11-30 08:00:00.000"), Some("2024-12-31")], "true"),
        (&[Some(""), Some("2024-11-30"), Some("2024-12-31")], "true"),
        (&[Some("1900-01-01"), Some("2024-11-30"), Some("2024-12-31")], "true"),
        (&[None, Some("2024-12-01 23:59"), Some("2024-12-31")], "false"),
        (&[Some("2024-12-20"), Some("2024-11-30"), Some("2024-12-31")], "false"),
        (&[None, None, Some("2024-12-31")], "false"),
        (&[None, Some("i november"), Some("2024-12-31")], "false"),
    ],
};

fn ends_before_start(inputs: &[Option<&str>]) -> bool {
    let (Some(start), Some(end)) = (given(inputs, 0), given(inputs, 1)) else { return false };
    let (Some(End::At(first)), Some(End::At(last))) = (parse_end_date(start), parse_end_date(end)) else {
        return false;
    };
    match (parse_time(start), parse_time(end)) {
        (Some(start), Some(end)) => end < start,
        _ => last < first,
    }
}

fn visit_length(inputs: &[Option<&str>]) -> bool {
    let time = |index| given(inputs, index).and_then(parse_time);
    let length = time(0).zip(time(1)).map(|(start, end)| end - start);
    length.is_some_and(|length| !(0..=MICROS_PER_DAY).contains(&length))
}

fn build_unsigned_longer_than(settings: &Settings<'_>) -> Result<CheckFn, SettingError> {
    let days = settings.argument("days").map(str::parse).transpose();
    let days = days.map_err(|_| "`days` is a whole number of days")?.unwrap_or(DAYS_TO_SIGN);
    if days < 0 {
        return Err("`days` is 0 or more".to_owned());
    }
    check(move |inputs| unsigned_longer_than(inputs, days))
}

fn unsigned_longer_than(inputs: &[Option<&str>], days: i32) -> bool {
    let unsigned = given(inputs, 0).is_none_or(|signed| parse_end_date(signed) == Some(End::Open));
    let date = |index| given(inputs, index).and_then(parse_date_part);
    unsigned && date(1).zip(date(2)).is_some_and(|(written, read)| read - written > days)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn with_days(days: &str) -> Result<CheckFn, SettingError> {
        let arguments = BTreeMap::from([("days".to_owned(), days.to_owned())]);
        build_unsigned_longer_than(&Settings { arguments: &arguments, scale: None })
    }

    #[test]
    fn the_deadline_can_be_told() {
        let call = with_days("14").unwrap();
        assert!(call(&[None, Some("2024-12-01"), Some("2024-12-16")]));
        assert!(!call(&[None, Some("2024-12-01"), Some("2024-12-15")]));
    }

    #[test]
    fn a_deadline_that_is_no_number_of_days_is_refused() {
        for days in ["-1", "", "two weeks", "1,5"] {
            assert!(with_days(days).is_err(), "{days}");
        }
    }
}

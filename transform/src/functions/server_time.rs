//! Times that a server wrote by a clock that was changed once.

use bron_mappings::{Action, FieldFunction, FunctionKind, FunctionSpec, ReasonCode};

use super::{Build, Cell, FieldFn, Function, Outcome, SettingError, Settings, unary};
use crate::calendar::{End, MICROS_PER_DAY, local_of, parse_date, parse_end_time};

pub(super) const SERVER_TIME: Function = Function {
    spec: FunctionSpec {
        name: "server_time",
        kind: FunctionKind::Field(FieldFunction::Time),
        inputs: (1, 1),
        arguments: &["utc_before"],
        about: "The local wall time in Sweden of a time, read as by `time`, that was written in UTC when it is before \
                the day `utc_before`, which a rule has to tell, and in local time from then on; a stand-in date means \
                that there is none and gives NULL with a mark.",
        phrase: "läses som datum och klockslag; tider före {utc_before} är skrivna i UTC och räknas om \
                 till svensk tid",
        marks: &[ReasonCode::OpenEndDate, ReasonCode::Malformed],
        inverse: "Lost: the time as it was written, which `text` gives.",
    },
    build: Build::Field(build_server_time),
    invert: None,
    with: &[("utc_before", "2016-01-01")],
    examples: &[
        (&[Some("2015-07-01 06:00:00")], "2015-07-01 08:00:00"),
        (&[Some("2015-12-31 22:30:00")], "2015-12-31 23:30:00"),
        (&[Some("2015-10-25 00:30:00")], "2015-10-25 02:30:00"),
        (&[Some("2015-10-25 01:30:00")], "2015-10-25 02:30:00"),
        (&[Some("2016-01-01 00:30:00")], "2016-01-01 00:30:00"),
        (&[Some("2019-07-01T08:00")], "2019-07-01 08:00:00"),
        (&[Some("0000-00-00 00:00:00")], "null [norm D23]"),
        (&[None], "null"),
        (&[Some("2015-07-01")], "bad felformat"),
    ],
};

fn build_server_time(settings: &Settings<'_>) -> Result<FieldFn, SettingError> {
    let change = settings.argument("utc_before").and_then(parse_date);
    let change = change.ok_or("`utc_before` is a day such as 2016-01-01")?;
    let change = i64::from(change) * MICROS_PER_DAY;
    unary(move |text| match parse_end_time(text) {
        Some(End::Open) => Outcome::marked(None, Action::Norm, ReasonCode::OpenEndDate),
        Some(End::At(time)) if time < change => Outcome::Value(Cell::Time(local_of(time))),
        Some(End::At(time)) => Outcome::Value(Cell::Time(time)),
        None => Outcome::Bad(ReasonCode::Malformed),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_day_of_the_change_must_be_told() {
        for day in [None, Some("2016"), Some("")] {
            let arguments: BTreeMap<_, _> =
                day.map(|day| ("utc_before".to_owned(), day.to_owned())).into_iter().collect();
            assert!(build_server_time(&Settings { arguments: &arguments, scale: None }).is_err());
        }
    }
}

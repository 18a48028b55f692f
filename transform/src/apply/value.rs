//! What a rule makes of one row.

use std::borrow::Cow;

use bron_mappings::{Action, IdSeries, ReasonCode};

use crate::functions::{Cell, Outcome, sha256_text};
use crate::lookups::day_of_code;
use crate::output::Mark;
use crate::plan::{Meant, PlannedField, PlannedRule, Source};
use crate::row::{Row, RowScope};

/// The source's texts that a row keeps, each with its field: where a rule normalised, repaired or could not read.
pub(crate) type Verbatim<'a> = Vec<(&'a str, &'a str)>;

/// The value of one field. Its marks are added, and the source's text where the value does not tell it.
///
/// The default stands in where the source says nothing. It does not stand in for a text that could not
/// be read, nor for one that a function read as nothing and marked: that would invent a value.
pub(super) fn value<'a>(
    row: &Row<'a>,
    field: &'a PlannedField,
    marks: &mut Vec<Mark<'a>>,
    verbatim: &mut Verbatim<'a>,
) -> Option<Cell<'a>> {
    let (outcome, first) = outcome(row, field);
    let mut mark = |action, reason| marks.push(Mark { action, reason, field: &field.name });
    let mut keep = || verbatim.extend(first.map(|text| (field.name.as_str(), text)));
    let value = match outcome {
        Outcome::Null => field.default.as_ref().map(lend),
        Outcome::Value(value) => Some(value),
        Outcome::Marked { value, action, reason } => {
            mark(action, reason);
            keep();
            value
        }
        Outcome::Bad(reason) => {
            mark(field.on_bad, reason);
            keep();
            return None;
        }
    };
    if value.is_none() && field.required {
        mark(field.on_bad, ReasonCode::Missing);
    }
    value
}

/// The area and the nämnd of a row; empty where its rules give nothing.
pub(crate) fn scope<'a>(
    row: &Row<'a>,
    marks: &mut Vec<Mark<'a>>,
    verbatim: &mut Verbatim<'a>,
) -> RowScope<'a> {
    let plan = row.plan();
    let mut code = |field| dimension(row, field, marks, verbatim).unwrap_or_default();
    (code(&plan.area), code(&plan.namnd))
}

/// The text of a dimension.
pub(super) fn dimension<'a>(
    row: &Row<'a>,
    field: &'a Option<PlannedField>,
    marks: &mut Vec<Mark<'a>>,
    verbatim: &mut Verbatim<'a>,
) -> Option<Cow<'a, str>> {
    let value = value(row, field.as_ref()?, marks, verbatim);
    if let Some(Cell::Text(text)) = value { Some(text) } else { None }
}

/// What the rule gives, and the text that it read first.
pub(crate) fn outcome<'a>(row: &Row<'a>, field: &'a PlannedField) -> (Outcome<'a>, Option<&'a str>) {
    if !row.holds(&field.when) {
        return (Outcome::Null, None);
    }
    match &field.rule {
        PlannedRule::Id { ids, key, part } => (id(row, ids, key, part.as_deref()), None),
        PlannedRule::Ref { ids, key, part } => {
            let first = key.first().and_then(|source| row.text(source));
            if key.iter().any(|source| row.present(source).is_none()) {
                return (Outcome::Null, first);
            }
            (id(row, ids, key, part.as_deref()), first)
        }
        PlannedRule::Text(source) => {
            let text = row.text(source);
            (text.map_or(Outcome::Null, Outcome::text), text)
        }
        PlannedRule::Function { call, inputs } => {
            row.with_texts(inputs, |texts| (call(texts), texts.first().copied().flatten()))
        }
        PlannedRule::Codes { list, input, date, fallback } => {
            let Some(code) = row.present(input) else { return (Outcome::Null, None) };
            let day = || day_of_code(row.text(date.as_ref()?)?);
            let unknown = |reason| match fallback {
                None => Outcome::Bad(reason),
                Some(fallback) => Outcome::Marked {
                    value: Some(Cell::Text(Cow::Borrowed(fallback))),
                    action: Action::Flag,
                    reason,
                },
            };
            let outcome = match list.find(code, row.scope(), day) {
                Meant::Unknown => unknown(ReasonCode::UnknownCode),
                Meant::OutsidePeriod => unknown(ReasonCode::UnknownPeriod),
                Meant::Target("") => Outcome::Null,
                Meant::Target(target) => Outcome::text(target),
            };
            (outcome, Some(code))
        }
        PlannedRule::Const(cell) => (Outcome::Value(lend(cell)), None),
        PlannedRule::Bytes(column) => {
            let bytes = row.bytes(*column).map(|bytes| Outcome::Value(Cell::Bytes(Cow::Borrowed(bytes))));
            (bytes.unwrap_or(Outcome::Null), None)
        }
        PlannedRule::Digest(column) => {
            let digest = row.bytes(*column).map(|bytes| Outcome::text(sha256_text(bytes)));
            (digest.unwrap_or(Outcome::Null), None)
        }
    }
}

/// The same value, borrowed.
fn lend<'a>(cell: &'a Cell<'static>) -> Cell<'a> {
    match cell {
        Cell::Text(text) => Cell::Text(Cow::Borrowed(text)),
        Cell::Bytes(bytes) => Cell::Bytes(Cow::Borrowed(bytes)),
        Cell::Bool(truth) => Cell::Bool(*truth),
        Cell::Int(number) => Cell::Int(*number),
        Cell::Decimal(number) => Cell::Decimal(*number),
        Cell::Date(days) => Cell::Date(*days),
        Cell::Time(micros) => Cell::Time(*micros),
        Cell::Id(id) => Cell::Id(*id),
    }
}

fn id<'a>(row: &Row<'a>, ids: &IdSeries, key: &[Source], part: Option<&str>) -> Outcome<'a> {
    let texts = key.iter().map(|source| row.text(source)).chain(part.map(Some));
    Outcome::Value(Cell::Id(*ids.derive(texts).as_bytes()))
}

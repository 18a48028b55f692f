//! What a rule makes of one row.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bron_mappings::{Action, EntityId, ReasonCode, SourceKey};

use crate::calendar::parse_date_part;
use crate::functions::{Cell, Outcome};
use crate::output::Mark;
use crate::plan::{PlannedField, PlannedRule, Source};
use crate::row::Row;

/// The source's texts that a row keeps, by field: where a rule normalised, repaired or could not read.
pub(super) type Verbatim<'a> = BTreeMap<&'a str, &'a str>;

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
    let mut keep = || first.map(|text| verbatim.insert(&field.name, text));
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

/// What the rule gives, and the text that it read first.
fn outcome<'a>(row: &Row<'a>, field: &'a PlannedField) -> (Outcome<'a>, Option<&'a str>) {
    let plan = row.plan();
    match &field.rule {
        PlannedRule::Id { entity, key, part } => {
            (id(row, entity, (&plan.system, &plan.table), key, part.as_deref()), None)
        }
        PlannedRule::Ref { entity, system, table, key, part } => {
            let first = key.first().and_then(|source| row.text(source));
            if key.iter().any(|source| row.present(source).is_none()) {
                return (Outcome::Null, first);
            }
            (id(row, entity, (system, table), key, part.as_deref()), first)
        }
        PlannedRule::Function { call, inputs } => {
            row.with_texts(inputs, |texts| (call(texts), texts.first().copied().flatten()))
        }
        PlannedRule::Codes { list, input, date, fallback } => {
            let Some(code) = row.present(input) else { return (Outcome::Null, None) };
            let day = || parse_date_part(row.text(date.as_ref()?)?);
            let outcome = match (list.find(code, day), fallback) {
                (None, None) => Outcome::Bad(ReasonCode::UnknownCode),
                (None, Some(fallback)) => Outcome::Marked {
                    value: Some(Cell::Text(Cow::Borrowed(fallback))),
                    action: Action::Flag,
                    reason: ReasonCode::UnknownCode,
                },
                (Some(""), _) => Outcome::Null,
                (Some(target), _) => Outcome::text(target),
            };
            (outcome, Some(code))
        }
        PlannedRule::Const(cell) => (Outcome::Value(lend(cell)), None),
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

fn id<'a>(
    row: &Row<'a>,
    entity: &str,
    (system, table): (&str, &str),
    key: &[Source],
    part: Option<&str>,
) -> Outcome<'a> {
    let texts = key.iter().map(|source| row.text(source)).chain(part.map(Some));
    let key = SourceKey::new(system, table, texts);
    Outcome::Value(Cell::Id(*EntityId::derive(&row.plan().secret, entity, &key).as_bytes()))
}

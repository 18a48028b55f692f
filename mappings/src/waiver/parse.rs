//! Reads one `[[waiver]]`.

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::Date;

use super::{NEVER_WAIVED, WaivedKind, WaivedRows, Waiver, WaiverLimit, WaiverSubject, names_a_person};
use crate::digest::Digest;
use crate::document::{Placed, Reporter, Section};
use crate::model::{Entity, Model};
use crate::personal::may_name_a_person;

/// A name that stands for nothing, or for two things.
const NAME: &str = "BRON-W001";
/// Something that cannot be accepted as different.
const FORBIDDEN: &str = "BRON-W002";
/// What is meant is not said, or said twice.
const EXTENT: &str = "BRON-W003";
/// A day that is none, or too late.
const DAY: &str = "BRON-W004";
/// A text that names a person.
const PERSONAL: &str = "BRON-W005";

/// What the waivers before this one have taken.
#[derive(Default)]
pub(super) struct Known {
    ids: BTreeSet<String>,
    controls: BTreeSet<(String, String)>,
}

pub(super) fn waiver(
    section: &mut Section<'_, '_>,
    model: &Model,
    known: &mut Known,
    report: &mut Reporter<'_>,
) -> Option<Waiver> {
    let before = report.found.len();
    let id = section.required_text("id", report);
    let subject = if section.has("control") {
        control(section, known, report)
    } else {
        rows(section, model, report).map(WaiverSubject::Rows)
    };
    let [reason, owner, approved_by] =
        ["reason", "owner", "approved_by"].map(|key| section.required_text(key, report));
    let days = days(section, report);
    section.finish(report);
    for text in [&id, &reason, &owner, &approved_by].into_iter().flatten() {
        if may_name_a_person(&text.text) {
            let message = "a waiver must not hold what can be a person number";
            report.error(PERSONAL, &text.span, message, "say it without the number");
        }
    }
    if let Some(id) = id.as_ref().filter(|id| !known.ids.insert(id.text.clone())) {
        report.error(NAME, &id.span, format!("two waivers are named `{}`", id.text), "again");
    }
    let (approved_on, expires) = days?;
    let whole = Waiver {
        id: id?.text,
        subject: subject?,
        reason: reason?.text,
        owner: owner?.text,
        approved_by: approved_by?.text,
        approved_on: approved_on.to_string(),
        expires: expires.to_string(),
    };
    (report.found.len() == before).then_some(whole)
}

fn control(
    section: &mut Section<'_, '_>,
    known: &mut Known,
    report: &mut Reporter<'_>,
) -> Option<WaiverSubject> {
    let name = section.required_text("control", report);
    let key = section.required_text("key", report);
    let difference = section.int("difference", report);
    match difference {
        None if !section.has("difference") => {
            let message = "`difference` is missing here: a control is accepted with one exact difference";
            report.error(EXTENT, &section.span, message, "incomplete");
        }
        Some(0) => {
            let span = section.span_of("difference");
            report.error(EXTENT, &span, "a difference of 0 is none", "nothing to accept");
        }
        Some(_) | None => {}
    }
    let (name, key) = (name?, key?);
    if !known.controls.insert((name.text.clone(), key.text.clone())) {
        let message = format!("two waivers are about key `{}` of control `{}`", key.text, name.text);
        report.error(NAME, &key.span, message, "again");
    }
    Some(WaiverSubject::Control { name: name.text, key: key.text, difference: difference? })
}

fn rows(section: &mut Section<'_, '_>, model: &Model, report: &mut Reporter<'_>) -> Option<WaivedRows> {
    let name = section.required_text("entity", report);
    let kind = section.required_text("kind", report);
    let fields = section.texts("fields", report).unwrap_or_default();
    let system = section.text("system", report).map(|placed| placed.text);
    let table = section.text("table", report).map(|placed| placed.text);
    let limit = limit(section, report);
    let (name, kind) = (name?, kind?);
    let entity = model.entity(&name.text);
    if entity.is_none() {
        report.unknown(NAME, &name, "entity", model.entities.keys().map(String::as_str));
    }
    let known = WaivedKind::ALL.iter().find(|(code, _)| *code == kind.text).map(|(_, kind)| *kind);
    if known.is_none() {
        report.unknown(NAME, &kind, "kind", WaivedKind::ALL.iter().map(|(code, _)| *code));
    }
    let (entity, kind) = (entity?, (known?, kind));
    require_fields(section, entity, kind.0, &fields, report);
    let limit = limit?;
    require_named(entity, &kind, &limit, report);
    let fields = fields.into_iter().map(|field| field.text).collect();
    Some(WaivedRows { entity: name.text, kind: kind.0, fields, system, table, limit })
}

/// The fields are there when the kind is about fields, the entity has them, and none of them is beyond acceptance.
fn require_fields(
    section: &Section<'_, '_>,
    entity: &Entity,
    kind: WaivedKind,
    fields: &[Placed],
    report: &mut Reporter<'_>,
) {
    if kind.has_fields() == fields.is_empty() {
        let message = if kind.has_fields() {
            format!("`fields` is missing here: say which fields of {} may differ", entity.name)
        } else {
            format!("`{}` is about whole rows, and has no fields", kind.code())
        };
        report.error(EXTENT, &section.span_of("fields"), message, "which fields?");
    }
    for field in fields {
        if entity.field(&field.text).is_none() {
            report.unknown(NAME, field, "field", entity.fields.iter().map(|known| known.name.as_str()));
        } else if NEVER_WAIVED.contains(&field.text.as_str()) {
            let message = format!("`{}` says who may read a row: a difference is never accepted", field.text);
            report.error(FORBIDDEN, &field.span, message, "correct the target instead");
        } else if names_a_person(entity, &field.text) {
            let message =
                format!("`{}` says whom a row is about: a difference is never accepted", field.text);
            report.error(FORBIDDEN, &field.span, message, "correct the target instead");
        }
    }
}

/// Rows that are not there, and rows about persons that should not be there, are accepted one by one.
fn require_named(
    entity: &Entity,
    kind: &(WaivedKind, Placed),
    limit: &WaiverLimit,
    report: &mut Reporter<'_>,
) {
    let of_persons = entity.fields.iter().any(|field| names_a_person(entity, &field.name));
    let by_name = match kind.0 {
        WaivedKind::Missing => true,
        WaivedKind::Unexpected => of_persons,
        WaivedKind::Differs | WaivedKind::Dangling => false,
    };
    if by_name && matches!(limit, WaiverLimit::AtMost(_)) {
        let message = format!(
            "`{}` rows of {} are accepted one by one: name them by `findings`",
            kind.0.code(),
            entity.name
        );
        report.error(FORBIDDEN, &kind.1.span, message, "not by number");
    }
}

fn limit(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<WaiverLimit> {
    let findings = section.texts("findings", report);
    let at_most = section.int("at_most", report);
    if section.has("findings") == section.has("at_most") {
        let message = "say which rows are meant: either `findings` or `at_most`, and not both";
        report.error(EXTENT, &section.span, message, "which rows?");
        return None;
    }
    if let Some(at_most) = at_most {
        let rows = u64::try_from(at_most).ok().filter(|rows| *rows > 0);
        if rows.is_none() {
            report.error(EXTENT, &section.span_of("at_most"), "`at_most` is at least 1", "too few");
        }
        return rows.map(WaiverLimit::AtMost);
    }
    let findings = findings?;
    if findings.is_empty() {
        report.error(EXTENT, &section.span_of("findings"), "`findings` names none", "which rows?");
        return None;
    }
    let numbers = findings.iter().filter_map(|finding| {
        let number = Digest::parse(&finding.text);
        if number.is_none() {
            let message = "the number of a finding is its 64 hexadecimal digits";
            report.error(NAME, &finding.span, message, "not a number of a finding");
        }
        number.map(|number| number.to_string())
    });
    Some(WaiverLimit::Findings(numbers.collect()))
}

/// The day of approval and the last day.
fn days(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<(Date, Date)> {
    let [approved, expires] = ["approved_on", "expires"]
        .map(|key| section.required_text(key, report).and_then(|day| of_day(day, report)));
    let ((approved, _), (expires, span)) = (approved?, expires?);
    let latest = approved.checked_add(1.year()).ok()?;
    if expires <= approved || expires > latest {
        let message =
            format!("a waiver approved on {approved} ends after that day and by {latest} at the latest");
        report.error(DAY, &span, message, "not within a year");
        return None;
    }
    Some((approved, expires))
}

fn of_day(text: Placed, report: &mut Reporter<'_>) -> Option<(Date, crate::diagnostic::Span)> {
    let day = text.text.parse::<Date>().ok().filter(|day| day.to_string() == text.text);
    if day.is_none() {
        report.error(DAY, &text.span, "a day is written as \"2027-03-31\"", "not a day");
    }
    day.map(|day| (day, text.span))
}

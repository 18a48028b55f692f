//! Reads the section about persons.

use super::condition::read_when;
use super::{origin, origins};
use crate::document::{Placed, Reporter, Section};
use crate::mapping::{
    Day, Origin, PersonKey, PersonLink, PersonName, PersonNumber, PersonProtection, PersonRecord,
    PersonReference, PersonRule,
};

pub(super) fn read_person(root: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<PersonRule> {
    let mut section = root.section("person", report)?;
    let kinds = ["record", "about", "link"];
    let given: Vec<&str> = kinds.into_iter().filter(|kind| section.has(kind)).collect();
    let rule = match given[..] {
        ["record"] => read_record(&mut section, report).map(|record| PersonRule::Record(Box::new(record))),
        ["about"] => section.section("about", report).and_then(|mut about| {
            let key = read_key(&mut about, report);
            about.finish(report);
            key.map(PersonRule::About)
        }),
        ["link"] => section
            .section("link", report)
            .and_then(|mut link| read_link(&mut link, report))
            .map(PersonRule::Link),
        _ => {
            let message = format!("`[person]` has one of {}", kinds.join(", "));
            report.error("BRON-M060", &section.span, message, "not one kind of row");
            return None;
        }
    };
    section.finish(report);
    rule
}

fn read_record(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<PersonRecord> {
    let span = section.span_of("record");
    let key = required(section, "record", report);
    let number = section.section("number", report).and_then(|mut one| read_number(&mut one, report));
    let protection =
        section.section("protection", report).and_then(|mut one| read_protection(&mut one, report));
    let name = section.section("name", report).and_then(|mut one| read_name(&mut one, report));
    let birth = section.text("birth", report).map(origin);
    let mut references = section.sections("refers_to", report);
    let refers_to = references.iter_mut().filter_map(|one| read_reference(one, report)).collect();
    Some(PersonRecord { key: key?, number, protection, name, birth, refers_to, span })
}

fn read_number(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<PersonNumber> {
    let from = section.required_text("from", report);
    let date = section.text("date", report).map(origin);
    let since = section.text("since", report);
    if let Some(day) = since.as_ref().filter(|day| Day::read(&day.text).is_none() || day.text.len() != 10) {
        let message = "`since` is no day such as 2013-01-01";
        report.error("BRON-M005", &day.span, message, "write a year, a month and a day");
    }
    let since = since.map(|day| day.text);
    let (mut valid_from, mut valid_to) = (None, None);
    if let Some(mut valid) = section.section("valid", report) {
        valid_from = valid.text("from", report).map(origin);
        valid_to = valid.text("to", report).map(origin);
        valid.finish(report);
    }
    section.finish(report);
    Some(PersonNumber { from: origin(from?), date, since, valid_from, valid_to })
}

fn read_protection(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<PersonProtection> {
    let from = section.required_text("from", report);
    let list = section.required_text("codes", report);
    let fallback = section.text("fallback", report).map(|placed| placed.text);
    section.finish(report);
    let list = list?;
    Some(PersonProtection { from: origin(from?), list_span: list.span, list: list.text, fallback })
}

fn read_name(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<PersonName> {
    let whole = section.text("whole", report).map(origin);
    let given = section.text("given", report).map(origin);
    let family = section.text("family", report).map(origin);
    section.finish(report);
    match (whole, given, family) {
        (Some(whole), None, None) => Some(PersonName::Whole(whole)),
        (None, Some(given), Some(family)) => Some(PersonName::Split { given, family }),
        _ => {
            let message = "a name has `given` and `family`, or `whole`";
            report.error("BRON-M060", &section.span, message, "not one name");
            None
        }
    }
}

fn read_key(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<PersonKey> {
    let system = section.text("system", report).map(|placed| placed.text);
    let table = section.required_text("table", report);
    let from = required(section, "from", report);
    let Placed { text: table, span: table_span } = table?;
    Some(PersonKey { system, table, table_span, from: from? })
}

fn read_reference(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<PersonReference> {
    let person = read_key(section, report);
    let ground = section.required_text("ground", report);
    section.finish(report);
    Some(PersonReference { person: person?, ground: ground?.text })
}

fn read_link(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<PersonLink> {
    let system = section.text("system", report).map(|placed| placed.text);
    let table = section.required_text("table", report);
    let a = required(section, "a", report);
    let b = required(section, "b", report);
    let ground = section.required_text("ground", report);
    let when = read_when(section, report);
    section.finish(report);
    let Placed { text: table, span: table_span } = table?;
    Some(PersonLink { system, table, table_span, a: a?, b: b?, ground: ground?.text, when })
}

fn required(section: &mut Section<'_, '_>, key: &str, report: &mut Reporter<'_>) -> Option<Vec<Origin>> {
    let found = origins(section, key, report);
    if found.is_empty() {
        report.error("BRON-M004", &section.span, format!("`{key}` is missing here"), "from which column?");
        return None;
    }
    Some(found)
}

//! Compares what mappings say about persons.

use super::change::{Kind, Risk, Sentence, Subject};
use super::collector::{Aspect, Collector, Topic};
use super::mapping::{Both, Side};
use super::notation::{self, Inline};
use crate::diagnostic::Span;
use crate::mapping::{
    Origin, PersonKey, PersonLink, PersonName, PersonNumber, PersonProtection, PersonRecord, PersonReference,
    PersonRule,
};

pub(super) fn compare(
    collector: &mut Collector<'_>,
    both: &Both<'_>,
    before: Option<&PersonRule>,
    after: Option<&PersonRule>,
) {
    let name = &both.name;
    let topic = Topic {
        subject: Subject::Person { mapping: name.clone() },
        phrase: Sentence::new(
            format!("uppgiften om personer i {name}"),
            format!("what the rows of {name} say about persons"),
        ),
        kind: Kind::Person,
        risk: Risk::Identity,
    };
    let item = |side: Side<'_>, rule: &PersonRule| {
        let parts = parts(rule);
        let said = parts.iter().filter(|(_, text)| !text.is_empty());
        let whole = said.fold(Inline::default(), |one, (key, text)| one.with(key, text.clone())).lines();
        let aspects = parts.into_iter().map(|(key, text)| {
            let risk = if key == "protection" { Risk::Protection } else { Risk::Identity };
            Aspect::new(key, Kind::Person, risk, text, words(key))
        });
        side.item(Some(span(rule)), whole, aspects.collect())
    };
    let (old, new) = (before.map(|one| item(both.before, one)), after.map(|one| item(both.after, one)));
    collector.item(&topic, old.as_ref(), new.as_ref());
}

const fn span(rule: &PersonRule) -> &Span {
    match rule {
        PersonRule::Record(record) => &record.span,
        PersonRule::About(key) => &key.table_span,
        PersonRule::Link(link) => &link.table_span,
    }
}

fn words(key: &str) -> (&'static str, &'static str) {
    match key {
        "record" => ("vilken post raden är, i", "which record a row is, in"),
        "number" => ("numret i", "the number in"),
        "protection" => ("skyddet i", "the protection in"),
        "name" => ("namnet i", "the name in"),
        "birth" => ("födelsedatumet i", "the date of birth in"),
        "refers_to" => ("hänvisningarna i", "the references in"),
        "about" => ("vilken person raden gäller, i", "which person a row is about, in"),
        _ => ("vilka poster som är samma människa, i", "which records are one human, in"),
    }
}

/// Every part that a section can have; one that it has not is empty.
fn parts(rule: &PersonRule) -> Vec<(&'static str, String)> {
    let (record, about, link) = match rule {
        PersonRule::Record(record) => (Some(record), None, None),
        PersonRule::About(key) => (None, Some(key), None),
        PersonRule::Link(link) => (None, None, Some(link)),
    };
    let mut parts: Vec<(&'static str, String)> = RECORD.map(|key| (key, String::new())).into();
    if let Some(record) = record {
        parts = RECORD.into_iter().zip(record_texts(record)).collect();
    }
    parts.push(("about", about.map(key_text).unwrap_or_default()));
    parts.push(("link", link.map(link_text).unwrap_or_default()));
    parts
}

const RECORD: [&str; 6] = ["record", "number", "protection", "name", "birth", "refers_to"];

/// In the order of [`RECORD`].
fn record_texts(record: &PersonRecord) -> [String; 6] {
    let PersonRecord { key, number, protection, name, birth, refers_to, span: _ } = record;
    let references: Vec<String> = refers_to.iter().map(reference_text).collect();
    [
        notation::origins(key),
        number.as_ref().map(number_text).unwrap_or_default(),
        protection.as_ref().map(protection_text).unwrap_or_default(),
        name.as_ref().map(name_text).unwrap_or_default(),
        birth.as_ref().map(notation::origin).unwrap_or_default(),
        if references.is_empty() { String::new() } else { format!("[{}]", references.join(", ")) },
    ]
}

fn number_text(number: &PersonNumber) -> String {
    let PersonNumber { from, date, since, valid_from, valid_to } = number;
    let given = |origin: &Option<Origin>| origin.as_ref().map(notation::origin);
    let valid = Inline::default().maybe("from", given(valid_from)).maybe("to", given(valid_to)).finish();
    Inline::default()
        .with("from", notation::origin(from))
        .maybe("date", given(date))
        .maybe("since", since.as_deref().map(notation::text))
        .maybe("valid", (valid_from.is_some() || valid_to.is_some()).then_some(valid))
        .finish()
}

fn protection_text(protection: &PersonProtection) -> String {
    let PersonProtection { from, list, list_span: _, fallback } = protection;
    Inline::default()
        .with("from", notation::origin(from))
        .with("codes", notation::text(list))
        .maybe("fallback", fallback.as_deref().map(notation::text))
        .finish()
}

fn name_text(name: &PersonName) -> String {
    match name {
        PersonName::Split { given, family } => Inline::default()
            .with("given", notation::origin(given))
            .with("family", notation::origin(family))
            .finish(),
        PersonName::Whole(whole) => Inline::default().with("whole", notation::origin(whole)).finish(),
    }
}

fn key_inline(key: &PersonKey) -> Inline {
    let PersonKey { system, table, table_span: _, from } = key;
    Inline::default()
        .maybe("system", system.as_deref().map(notation::text))
        .with("table", notation::text(table))
        .with("from", notation::origins(from))
}

fn key_text(key: &PersonKey) -> String {
    key_inline(key).finish()
}

fn reference_text(reference: &PersonReference) -> String {
    let PersonReference { person, ground } = reference;
    key_inline(person).with("ground", notation::text(ground)).finish()
}

fn link_text(link: &PersonLink) -> String {
    let PersonLink { system, table, table_span: _, a, b, ground, when } = link;
    Inline::default()
        .maybe("system", system.as_deref().map(notation::text))
        .with("table", notation::text(table))
        .with("a", notation::origins(a))
        .with("b", notation::origins(b))
        .with("ground", notation::text(ground))
        .maybe("when", notation::filled(notation::when(when)))
        .finish()
}

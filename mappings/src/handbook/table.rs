//! One source table, as a workshop goes through it.

use std::collections::{BTreeMap, BTreeSet};

use super::columns::{Column, columns, field_name, field_rule, from, in_order};
use super::html::Html;
use super::questions::Question;
use super::words::{action, constant, origin, origins};
use super::{Book, table_anchor};
use crate::mapping::{Action, Example, FieldRule, Mapping, PersonRule, Repeats, Rule, Target};
use crate::model::Entity;
use crate::reject::ReasonCode;

/// A source table on its system's page.
pub(super) struct TableView {
    pub(super) name: String,
    pub(super) anchor: String,
    pub(super) about: Html,
    pub(super) facts: Vec<(&'static str, Html)>,
    pub(super) lookups: Vec<(String, Html)>,
    pub(super) columns: Vec<Column>,
    pub(super) targets: Vec<TargetView>,
    pub(super) exclusions: Vec<(String, Html, &'static str)>,
    pub(super) checks: Vec<CheckView>,
    pub(super) marks: Vec<(&'static str, &'static str, String)>,
    pub(super) examples: Vec<ExampleView>,
    pub(super) questions: Vec<Question>,
    pub(super) version: String,
    pub(super) mapped: usize,
    pub(super) ignored: usize,
}

/// An entity that rows become.
pub(super) struct TargetView {
    pub(super) entity: Html,
    pub(super) when: Html,
    pub(super) fields: Vec<TargetField>,
    pub(super) empty: Vec<String>,
}

/// A field and the columns that it comes from.
pub(super) struct TargetField {
    pub(super) field: Html,
    pub(super) from: Html,
}

/// A rule that a row can break.
pub(super) struct CheckView {
    pub(super) code: &'static str,
    pub(super) label: &'static str,
    pub(super) words: Html,
    pub(super) action: &'static str,
    pub(super) owner: &'static str,
}

/// A row and what it must become.
pub(super) struct ExampleView {
    pub(super) about: String,
    pub(super) source: Vec<(String, String)>,
    pub(super) given: Vec<(Html, String)>,
    pub(super) rows: Vec<(Html, Vec<(String, String)>)>,
    pub(super) marks: Vec<(&'static str, &'static str)>,
    pub(super) fate: String,
}

pub(super) fn view(book: &Book<'_>, mapping: &Mapping) -> TableView {
    let columns = columns(book, mapping);
    let ignored = columns.iter().filter(|column| !column.ignored.is_empty()).count();
    TableView {
        name: mapping.table.clone(),
        anchor: table_anchor(&mapping.table),
        about: about(book, mapping),
        facts: facts(book, mapping),
        lookups: lookups(book, mapping),
        targets: mapping.targets.iter().map(|target| target_view(book, mapping, target)).collect(),
        exclusions: exclusions(book, mapping),
        checks: checks(book, mapping),
        marks: marks(book, mapping),
        examples: mapping.examples.iter().map(|example| example_view(book, example)).collect(),
        questions: super::questions::of_mapping(book, mapping),
        version: book.set.version(mapping, book.registry_version),
        mapped: columns.len() - ignored,
        ignored,
        columns,
    }
}

/// What a row becomes, and what that is.
fn about(book: &Book<'_>, mapping: &Mapping) -> Html {
    let mut seen = BTreeSet::new();
    let entities: Vec<&str> = mapping.targets.iter().map(|target| target.entity.as_str()).collect();
    let entities: Vec<&str> = entities.into_iter().filter(|entity| seen.insert(*entity)).collect();
    let names: Vec<Html> = entities.iter().map(|entity| book.entity(entity)).collect();
    let mut lines = vec![Html::of("En rad i tabellen blir ").add(&Html::list(&names)).text(".")];
    let known = entities.iter().filter_map(|entity| book.set.model.entity(entity));
    lines.extend(known.map(|entity| Html::of(&format!("{}: {}.", entity.label, entity.about))));
    Html::lines(&lines)
}

fn facts(book: &Book<'_>, mapping: &Mapping) -> Vec<(&'static str, Html)> {
    let mut facts = vec![
        ("Ansvarig", Html::of(&mapping.owner)),
        ("Beslut", Html::of(&mapping.decision)),
        ("Nyckel", origins(&mapping.key).text(repeats(mapping))),
    ];
    let rule = |field: &FieldRule| {
        let from = from(field);
        let words = book.rule(mapping, field, None);
        if from.is_empty() { words } else { Html::list(&from).text(": ").add(&words) }
    };
    for (dimension, label) in [
        (&mapping.scope.area, "Verksamhetsområde"),
        (&mapping.scope.namnd, "Nämnd"),
        (&mapping.scope.unit, "Enhet på arbetslistan"),
    ] {
        facts.extend(dimension.as_ref().map(|field| (label, rule(field))));
    }
    facts.extend(mapping.scope.year.as_ref().map(|year| ("År", origin(year))));
    facts.extend(mapping.scope.sekretess.as_ref().map(|class| ("Sekretess", Html::named(class))));
    facts.extend(mapping.person.as_ref().map(|person| ("Person", person_words(book, mapping, person))));
    facts
}

const fn repeats(mapping: &Mapping) -> &'static str {
    match mapping.repeats {
        Repeats::Quarantine => "; kommer nyckeln igen sätts den senare raden i karantän",
        Repeats::Latest => "; kommer nyckeln igen gäller den senaste raden",
    }
}

fn person_words(book: &Book<'_>, mapping: &Mapping, person: &PersonRule) -> Html {
    let table = |system: &Option<String>, table: &str| {
        book.table(system.as_deref().unwrap_or(&mapping.system), table)
    };
    match person {
        PersonRule::Record(record) => {
            Html::of("raden är en personpost, med nyckeln ").add(&origins(&record.key))
        }
        PersonRule::About(key) => {
            let words = Html::of("raden gäller personen i ").add(&table(&key.system, &key.table));
            words.text(" med nyckeln ").add(&origins(&key.from))
        }
        PersonRule::Link(link) => {
            let words = Html::of("raden säger att två poster i ").add(&table(&link.system, &link.table));
            let words = words.text(" är samma människa: ").add(&origins(&link.a));
            words.text(" och ").add(&origins(&link.b))
        }
    }
}

fn lookups(book: &Book<'_>, mapping: &Mapping) -> Vec<(String, Html)> {
    let parents = mapping.parents.iter().map(|one| (one.name.clone(), book.parent(mapping, one)));
    let neighbours = mapping.neighbours.iter().map(|one| (one.name.clone(), book.neighbour(mapping, one)));
    let lookups = mapping.lookups.iter().map(|one| (one.name().to_owned(), book.lookup(mapping, one)));
    parents.chain(neighbours).chain(lookups).collect()
}

fn target_view(book: &Book<'_>, mapping: &Mapping, target: &Target) -> TargetView {
    let filled: BTreeSet<&str> = target.fields.iter().map(|rule| rule.field.as_str()).collect();
    let shared: BTreeSet<String> = Entity::shared_fields().into_iter().map(|field| field.name).collect();
    let entity = book.set.model.entity(&target.entity);
    let own =
        entity.into_iter().flat_map(|entity| &entity.fields).filter(|field| !shared.contains(&field.name));
    let empty = own.filter(|field| !filled.contains(field.name.as_str())).map(|field| field.label.clone());
    TargetView {
        entity: book.entity(&target.entity),
        when: book.conditions(mapping, &target.when),
        fields: in_order(target).into_iter().map(|rule| target_field(book, mapping, target, rule)).collect(),
        empty: empty.collect(),
    }
}

fn target_field(book: &Book<'_>, mapping: &Mapping, target: &Target, rule: &FieldRule) -> TargetField {
    let columns = from(rule);
    let field = field_name(book, target, rule, false);
    if columns.is_empty() {
        return TargetField { field, from: field_rule(book, mapping, target, rule) };
    }
    let words = match &rule.rule {
        Rule::Codes { list, .. } => Html::of(", kodlistan ").add(&book.list(list)),
        Rule::Id { .. } | Rule::Ref { .. } | Rule::Function { .. } | Rule::Const(_) => Html::default(),
    };
    TargetField { field, from: Html::list(&columns).add(&words) }
}

fn exclusions(book: &Book<'_>, mapping: &Mapping) -> Vec<(String, Html, &'static str)> {
    let words = mapping
        .exclusions
        .iter()
        .map(|one| (one.about.clone(), book.conditions(mapping, &one.when), one.reason.label()));
    words.collect()
}

fn checks(book: &Book<'_>, mapping: &Mapping) -> Vec<CheckView> {
    let view = |check: &crate::mapping::Check| CheckView {
        code: check.rule.code(),
        label: check.rule.label(),
        words: book.check(mapping, check),
        action: action(check.action),
        owner: book.set.quality.owner(check.rule).label(),
    };
    mapping.checks.iter().map(view).collect()
}

/// The marks that the rules of fields can set by themselves, with the fields.
fn marks(book: &Book<'_>, mapping: &Mapping) -> Vec<(&'static str, &'static str, String)> {
    let mut found: BTreeMap<ReasonCode, BTreeSet<String>> = BTreeMap::new();
    for target in &mapping.targets {
        let entity = book.set.model.entity(&target.entity);
        for rule in &target.fields {
            let field = entity.and_then(|entity| entity.field(&rule.field));
            let label = field.map_or_else(|| rule.field.clone(), |field| field.label.clone());
            for mark in marks_of(book, rule) {
                found.entry(mark).or_default().insert(label.clone());
            }
        }
    }
    let line = |(mark, fields): (ReasonCode, BTreeSet<String>)| {
        (mark.code(), mark.label(), fields.into_iter().collect::<Vec<_>>().join(", "))
    };
    found.into_iter().map(line).collect()
}

fn marks_of(book: &Book<'_>, rule: &FieldRule) -> Vec<ReasonCode> {
    let mut marks = match &rule.rule {
        Rule::Codes { list, date, .. } => {
            let dated = date.is_some()
                || book.set.codes.get(list).is_some_and(|list| {
                    list.entries().any(|(_, _, entry)| entry.valid_from.is_some() || entry.valid_to.is_some())
                });
            let mut marks = vec![ReasonCode::UnknownCode];
            marks.extend(dated.then_some(ReasonCode::UnknownPeriod));
            marks
        }
        Rule::Function { name, .. } => {
            book.functions.get(name.as_str()).map_or_else(Vec::new, |spec| spec.marks.to_vec())
        }
        Rule::Id { .. } | Rule::Ref { .. } | Rule::Const(_) => Vec::new(),
    };
    marks.extend(rule.required.then_some(ReasonCode::Missing));
    marks
}

fn example_view(book: &Book<'_>, example: &Example) -> ExampleView {
    let rows = example.expected.iter().map(|(name, fields)| {
        let entity = book.set.model.entity(name);
        let label = |field: &String| {
            let known = entity.and_then(|entity| entity.field(field));
            known.map_or_else(|| field.clone(), |known| known.label.clone())
        };
        let value = |field: &String, text: &String| {
            let kind = entity.and_then(|entity| entity.field(field)).map(|field| &field.kind);
            match (text.as_str(), kind) {
                ("", _) => "(tomt)".to_owned(),
                ("*", _) => "ett id".to_owned(),
                ("true" | "false", Some(crate::model::FieldType::Bool)) => constant(text, kind).to_string(),
                (text, _) => text.to_owned(),
            }
        };
        let fields = fields.iter().map(|(field, text)| (label(field), value(field, text))).collect();
        (book.entity(name), fields)
    });
    let marks = example.marks.iter().flatten().map(|mark| (mark.code(), mark.label()));
    let fate = example
        .quarantined
        .map(|reason| format!("{}: {} ({})", action(Action::Quarantine), reason.label(), reason.code()));
    let given = |(name, text): (&String, &String)| {
        (origin(&crate::mapping::Origin { name: name.clone(), span: 0..0 }), text.clone())
    };
    ExampleView {
        about: example.about.clone(),
        source: example.source.iter().map(|(column, text)| (column.clone(), text.clone())).collect(),
        given: example.given.iter().map(given).collect(),
        rows: rows.collect(),
        marks: marks.collect(),
        fate: fate.unwrap_or_default(),
    }
}

//! The information model: the overview and one page for each entity.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;

use super::columns::from;
use super::diagram::{Diagram, diagram};
use super::html::Html;
use super::{Book, MODEL, Shell, Source, entity_page, field_place, render, slug, table_place, words};
use crate::mapping::Rule;
use crate::model::{Entity, Field, ProtectionClass, Validity};
use crate::retention::{LegalStatus, RetentionRule};

#[derive(Template)]
#[template(path = "handbook-model.html")]
struct Overview {
    shell: Shell,
    areas: Vec<AreaView>,
    retention: Vec<(String, Vec<Html>)>,
}

struct AreaView {
    label: String,
    entities: Vec<(Html, String)>,
    diagram: Diagram,
}

#[derive(Template)]
#[template(path = "handbook-entity.html")]
struct Page {
    shell: Shell,
    label: String,
    name: String,
    about: String,
    facts: Vec<(&'static str, Html)>,
    fields: Vec<FieldView>,
    shared: Vec<FieldView>,
    refers_to: Vec<(Html, Html)>,
    referred_by: Vec<(Html, Html)>,
    tables: Html,
}

struct FieldView {
    anchor: String,
    name: String,
    label: String,
    about: String,
    kind: Html,
    required: bool,
    protection: &'static str,
    sources: Vec<Html>,
}

/// The entities by the part of the model that they belong to.
pub(super) fn areas<'a>(book: &Book<'a>) -> Vec<(String, Vec<&'a Entity>)> {
    let mut areas: BTreeMap<&str, Vec<&Entity>> = BTreeMap::new();
    for entity in book.set.model.entities.values() {
        areas.entry(entity.file.as_str()).or_default().push(entity);
    }
    areas.into_iter().map(|(file, entities)| (area_label(file), entities)).collect()
}

/// The name of a part of the model: that of its file, with a capital letter.
fn area_label(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".toml");
    let known = match name {
        "arende" => "Ärende",
        "halsa" => "Hälsa",
        "overformyndare" => "Överförmyndare",
        "utforande" => "Utförande",
        other => other,
    };
    let mut letters = known.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The overview.
pub(super) fn overview(book: &Book<'_>) -> String {
    let areas = areas(book).into_iter().map(|(label, entities)| AreaView {
        entities: entities.iter().map(|entity| (book.entity(&entity.name), entity.about.clone())).collect(),
        diagram: diagram(&book.set.model, &label, &entities),
        label,
    });
    let retention = book
        .set
        .retention
        .rules
        .iter()
        .map(|(name, versions)| (name.clone(), versions.iter().map(retention_words).collect()));
    render(&Overview {
        shell: book.shell("Informationsmodellen", MODEL),
        areas: areas.collect(),
        retention: retention.collect(),
    })
}

/// The page of an entity.
pub(super) fn page(book: &Book<'_>, entity: &Entity) -> String {
    let shared: BTreeSet<String> = Entity::shared_fields().into_iter().map(|field| field.name).collect();
    let own = entity.fields.iter().filter(|field| !shared.contains(&field.name));
    render(&Page {
        shell: book.shell(&entity.label, &entity_page(&entity.name)),
        label: entity.label.clone(),
        name: entity.name.clone(),
        about: entity.about.clone(),
        facts: facts(book, entity),
        fields: own.map(|field| field_view(book, entity, field)).collect(),
        shared: Entity::shared_fields().iter().map(|field| field_view(book, entity, field)).collect(),
        refers_to: refers_to(book, entity),
        referred_by: referred_by(book, entity),
        tables: tables(book, entity),
    })
}

/// The source tables whose rows become rows of the entity.
fn tables(book: &Book<'_>, entity: &Entity) -> Html {
    let mappings = book.set.mappings.iter();
    let feeding = mappings.filter(|one| one.targets.iter().any(|target| target.entity == entity.name));
    let links = feeding.map(|mapping| {
        let label = format!("{}: {}", book.system_label(&mapping.system), mapping.table);
        Html::default().link(&table_place(&mapping.system, &mapping.table), &label)
    });
    Html::join(&links.collect::<Vec<_>>(), ", ", ", ")
}

fn facts(book: &Book<'_>, entity: &Entity) -> Vec<(&'static str, Html)> {
    let mut facts =
        vec![("Gallring", retention(book, entity)), ("Sekretess", Html::named(&entity.sekretess_klass))];
    facts.extend(entity.validity.as_ref().map(|validity| ("Tid", validity_words(entity, validity))));
    if !entity.event.is_empty() {
        let events: Vec<Html> = entity.event.iter().map(|field| field_link(entity, field)).collect();
        facts
            .push(("Händelse i akten", Html::list(&events).text(" räknas när aktens sista anteckning söks")));
    }
    facts.extend(entity.akt.as_ref().map(|field| ("Hör till akten genom", field_link(entity, field))));
    facts
}

fn field_link(entity: &Entity, field: &str) -> Html {
    let label = entity.field(field).map_or(field, |field| field.label.as_str());
    Html::default().link(&field_place(&entity.name, field), label)
}

fn validity_words(entity: &Entity, validity: &Validity) -> Html {
    let link = |field: &String| field_link(entity, field);
    let words = Html::of("raden gäller från ").add(&link(&validity.from));
    let words = match &validity.to {
        Some(to) => words.text(" till och med ").add(&link(to)).text(", tills vidare när det är tomt"),
        None => words,
    };
    let Some(recorded) = &validity.recorded else { return words };
    let words = words.text("; den var känd från ").add(&link(recorded));
    match &validity.replaced {
        Some(replaced) => words.text(" tills den ersattes, ").add(&link(replaced)),
        None => words,
    }
}

fn retention(book: &Book<'_>, entity: &Entity) -> Html {
    match book.set.retention.rules.get(&entity.retention) {
        Some(versions) => {
            let versions: Vec<Html> = versions.iter().map(retention_words).collect();
            Html::lines(&versions)
        }
        None => Html::of("regeln ").name(&entity.retention).text(", som inte är beskriven"),
    }
}

/// What a version of a rule says, with its law.
fn retention_words(rule: &RetentionRule) -> Html {
    let mut text = format!("{} ({}, {}, {})", rule.label, rule.lagrum, rule.law, rule.version);
    if !rule.valid_from.is_empty() {
        text.push_str(&format!(", från {}", rule.valid_from));
    }
    if rule.status == LegalStatus::Unchecked {
        text.push_str(" – inte bekräftad");
    }
    Html::of(&text)
}

fn field_view(book: &Book<'_>, entity: &Entity, field: &Field) -> FieldView {
    let sources = book.sources(&entity.name, &field.name);
    let kind = match entity.referred(&field.name) {
        Some(other) => Html::of("hänvisning till ").add(&book.entity(other)),
        None => Html::of(&words::kind(&field.kind)).add(&lists(book, sources)),
    };
    FieldView {
        anchor: format!("f-{}", slug(&field.name)),
        name: field.name.clone(),
        label: field.label.clone(),
        about: if field.about == field.label { String::new() } else { field.about.clone() },
        kind,
        required: field.required,
        protection: match field.protection {
            ProtectionClass::Open => "öppen",
            ProtectionClass::Personal => "personuppgift",
            ProtectionClass::Secret => "känslig",
        },
        sources: sources.iter().map(|source| source_words(book, source, field)).collect(),
    }
}

/// The code lists that fill a field.
fn lists(book: &Book<'_>, sources: &[Source<'_>]) -> Html {
    let lists: BTreeSet<&str> = sources
        .iter()
        .filter_map(|source| match &source.rule.rule {
            Rule::Codes { list, .. } => Some(list.as_str()),
            Rule::Id { .. } | Rule::Ref { .. } | Rule::Function { .. } | Rule::Const(_) => None,
        })
        .collect();
    if lists.is_empty() {
        return Html::default();
    }
    let links: Vec<Html> = lists.into_iter().map(|list| book.list(list)).collect();
    Html::of(" ur kodlistan ").add(&Html::list(&links))
}

fn source_words(book: &Book<'_>, source: &Source<'_>, field: &Field) -> Html {
    let Source { mapping, target, rule } = source;
    let place = table_place(&mapping.system, &mapping.table);
    let label = format!("{}: {}", book.system_label(&mapping.system), mapping.table);
    let columns = from(rule);
    let mut words = Html::default().link(&place, &label).text(" ");
    if !columns.is_empty() {
        words = words.add(&Html::list(&columns)).text(" – ");
    }
    words = words.add(&book.rule(mapping, rule, Some(&field.kind)));
    if target.when.is_empty() {
        return words;
    }
    words.text(" (rader där ").add(&book.conditions(mapping, &target.when)).text(")")
}

/// The entities that this one refers to, with the field.
fn refers_to(book: &Book<'_>, entity: &Entity) -> Vec<(Html, Html)> {
    let referred = entity.fields.iter().filter_map(|field| Some((field, entity.referred(&field.name)?)));
    let own = referred.filter(|(field, _)| field.name != "namnd_id");
    own.map(|(field, other)| (field_link(entity, &field.name), book.entity(other))).collect()
}

/// The entities that refer to this one, with their field.
fn referred_by(book: &Book<'_>, entity: &Entity) -> Vec<(Html, Html)> {
    let mut found = Vec::new();
    for other in book.set.model.entities.values() {
        for field in other.fields.iter().filter(|field| field.name != "namnd_id") {
            if other.referred(&field.name) == Some(entity.name.as_str()) {
                found.push((book.entity(&other.name), field_link(other, &field.name)));
            }
        }
    }
    found
}

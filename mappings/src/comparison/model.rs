//! Compares the information model of two versions.

use std::collections::BTreeSet;

use super::Version;
use super::change::{Change, Kind, Risk, Sentence, Subject};
use super::collector::{Aspect, Collector, Item, Topic, line_at, line_of};
use super::ground::of_type;
use super::notation::{self, Inline};
use crate::mapping::{FieldRule, Mapping, Rule, Target};
use crate::model::{Entity, Field, FieldType, Model, ProtectionClass, ResponsibleBody, Validity};
use crate::project::MappingSet;

pub(super) fn compare(collector: &mut Collector<'_>) {
    let (before, after) = (collector.before, collector.after);
    let Model { entities, responsible_body } = &before.set.model;
    let (new_entities, new_body) = (&after.set.model.entities, &after.set.model.responsible_body);
    let first = collector.changes.len();
    body(collector, responsible_body.as_ref(), new_body.as_ref());
    let names: BTreeSet<&String> = entities.keys().chain(new_entities.keys()).collect();
    for name in names {
        let (old, new) = (entities.get(name), new_entities.get(name));
        entity(collector, old, new);
        if let (Some(old), Some(new)) = (old, new) {
            fields(collector, old, new);
        }
    }
    for change in &mut collector.changes[first..] {
        change.orphans = orphans(change, [before.set, after.set]);
    }
}

fn body(collector: &mut Collector<'_>, before: Option<&ResponsibleBody>, after: Option<&ResponsibleBody>) {
    let topic = Topic {
        subject: Subject::ResponsibleBody,
        phrase: Sentence::new("modellens ansvariga organisationer", "the model's responsible bodies"),
        kind: Kind::Entity,
        risk: Risk::Identity,
    };
    let item = |version: Version<'_>, body: &ResponsibleBody| {
        let ResponsibleBody { entity, system, table } = body;
        let texts = [("entity", entity), ("system", system), ("table", table)];
        let inline =
            texts.into_iter().fold(Inline::default(), |one, (key, text)| one.with(key, notation::text(text)));
        let whole = inline.finish();
        let words = ("källan för", "the source of");
        let holds = |text: &str| text.contains("[responsible_body]");
        let file = version.files.iter().find(|(path, text)| path.starts_with("model/") && holds(text));
        Item {
            file: file.map(|(path, _)| path.clone()).unwrap_or_default(),
            line: None,
            aspects: vec![Aspect::new("", Kind::Entity, Risk::Identity, whole.clone(), words)],
            whole,
        }
    };
    let (old, new) =
        (before.map(|one| item(collector.before, one)), after.map(|one| item(collector.after, one)));
    collector.item(&topic, old.as_ref(), new.as_ref());
}

/// The fields that the files declare, and not those that every entity has.
fn own(entity: &Entity) -> impl Iterator<Item = &Field> {
    let shared: BTreeSet<String> = Entity::shared_fields().into_iter().map(|field| field.name).collect();
    entity.fields.iter().filter(move |field| field.name != "id" && !shared.contains(&field.name))
}

/// A description that only repeats the label is no statement of its own.
fn about(about: &str, label: &str) -> String {
    if about == label { String::new() } else { notation::text(about) }
}

fn entity(collector: &mut Collector<'_>, before: Option<&Entity>, after: Option<&Entity>) {
    let shown = after.or(before).expect("one of the versions has the entity");
    let risk = own(shown).map(|field| of_type(&field.kind)).fold(Risk::Meaning, Risk::graver);
    let topic = Topic {
        subject: Subject::Entity { entity: shown.name.clone() },
        phrase: Sentence::new(
            format!("informationsobjektet {}", shown.name),
            format!("entity {}", shown.name),
        ),
        kind: Kind::Entity,
        risk,
    };
    let (old, new) = (
        before.map(|one| entity_item(collector.before, one)),
        after.map(|one| entity_item(collector.after, one)),
    );
    collector.item(&topic, old.as_ref(), new.as_ref());
}

fn entity_item(version: Version<'_>, entity: &Entity) -> Item {
    let Entity {
        name,
        label,
        about: told,
        retention,
        sekretess_klass,
        validity,
        event,
        akt,
        fields: _,
        schema: _,
        file,
        span,
    } = entity;
    let validity = validity.as_ref().map(validity_text).unwrap_or_default();
    let events = event.iter().map(|field| notation::text(field)).collect::<Vec<_>>().join(", ");
    let events = if events.is_empty() { events } else { format!("[{events}]") };
    let way = akt.as_deref().map(notation::text).unwrap_or_default();
    let head = Inline::default()
        .with("name", notation::text(name))
        .with("label", notation::text(label))
        .with("about", notation::text(told))
        .with("retention", notation::text(retention))
        .with("sekretess", notation::text(sekretess_klass))
        .maybe("validity", notation::filled(validity.clone()))
        .maybe("event", notation::filled(events.clone()))
        .maybe("akt", notation::filled(way.clone()))
        .lines();
    let fields = own(entity).map(field_text);
    let of = |key, kind, risk, value, words| Aspect::new(key, kind, risk, value, words);
    let rule = ("gallringsregeln för", "the retention rule of");
    let times = ("giltighetstiden för", "the validity of");
    let secrecy = ("sekretessen för", "the secrecy of");
    let aspects = vec![
        of("event", Kind::Retention, Risk::Meaning, events, ("händelserna i", "the events of")),
        of(
            "akt",
            Kind::Retention,
            Risk::Meaning,
            way,
            ("vägen till personakten för", "the way to the file of"),
        ),
        of("retention", Kind::Retention, Risk::Meaning, notation::text(retention), rule),
        of("validity", Kind::Entity, Risk::Meaning, validity, times),
        of("sekretess", Kind::Secrecy, Risk::Protection, notation::text(sekretess_klass), secrecy),
        of("label", Kind::Label, Risk::Form, notation::text(label), ("benämningen på", "the label of")),
        of("about", Kind::Label, Risk::Form, about(told, label), ("beskrivningen av", "the description of")),
    ];
    Item {
        file: file.clone(),
        line: line_at(version, file, span),
        whole: std::iter::once(head).chain(fields).collect::<Vec<_>>().join("\n"),
        aspects,
    }
}

fn validity_text(validity: &Validity) -> String {
    let Validity { from, to, recorded, replaced } = validity;
    let given = |field: &Option<String>| field.as_deref().map(notation::text);
    Inline::default()
        .with("from", notation::text(from))
        .maybe("to", given(to))
        .maybe("recorded", given(recorded))
        .maybe("replaced", given(replaced))
        .finish()
}

/// The type, as the keys of a field say it.
fn kind_keys(inline: Inline, kind: &FieldType) -> Inline {
    let inline = inline.with("type", notation::text(kind.name()));
    match kind {
        FieldType::Ref { entity } => inline.with("entity", notation::text(entity)),
        FieldType::Decimal { scale } => inline.with("scale", scale.to_string()),
        FieldType::Id
        | FieldType::Text
        | FieldType::Code
        | FieldType::Date
        | FieldType::Time
        | FieldType::Int
        | FieldType::Ore
        | FieldType::Minutes
        | FieldType::Bool
        | FieldType::Bytes => inline,
    }
}

fn class_name(class: ProtectionClass) -> &'static str {
    ProtectionClass::ALL.iter().find(|(_, known)| *known == class).map_or("", |(name, _)| name)
}

fn field_text(field: &Field) -> String {
    let Field { name, kind, required, label, about, protection } = field;
    kind_keys(Inline::default().with("name", notation::text(name)), kind)
        .maybe("required", required.then(|| "true".to_owned()))
        .with("label", notation::text(label))
        .with("about", notation::text(about))
        .with("protection", notation::text(class_name(*protection)))
        .finish()
}

fn field_item(version: Version<'_>, entity: &Entity, field: &Field, risk: Risk) -> Item {
    let Field { name, kind, required, label, about: told, protection } = field;
    let aspects = vec![
        Aspect::new(
            "type",
            Kind::ModelField,
            risk,
            kind_keys(Inline::default(), kind).finish(),
            ("typen för", "the type of"),
        ),
        Aspect::new(
            "required",
            Kind::ModelField,
            risk,
            required.to_string(),
            ("kravet på ett värde i", "whether a value is required in"),
        ),
        Aspect::new(
            "protection",
            Kind::Secrecy,
            Risk::Protection,
            notation::text(class_name(*protection)),
            ("skyddsklassen för", "the protection class of"),
        ),
        Aspect::new(
            "label",
            Kind::Label,
            Risk::Form,
            notation::text(label),
            ("benämningen på", "the label of"),
        ),
        Aspect::new(
            "about",
            Kind::Label,
            Risk::Form,
            about(told, label),
            ("beskrivningen av", "the description of"),
        ),
    ];
    Item {
        file: entity.file.clone(),
        line: line_of(version, &entity.file, entity.span.start, "name", name),
        whole: field_text(field),
        aspects,
    }
}

fn fields(collector: &mut Collector<'_>, before: &Entity, after: &Entity) {
    let first = collector.changes.len();
    let names: BTreeSet<&str> = own(before).chain(own(after)).map(|field| field.name.as_str()).collect();
    for name in &names {
        let of = |entity: &'_ Entity| own(entity).position(|field| field.name == *name);
        let old = of(before).and_then(|at| own(before).nth(at));
        let new = of(after).and_then(|at| own(after).nth(at));
        let risk = [old, new].into_iter().flatten().map(|field| of_type(&field.kind));
        let risk = risk.fold(Risk::Meaning, Risk::graver);
        let topic = Topic {
            subject: Subject::ModelField { entity: after.name.clone(), field: (*name).to_owned() },
            phrase: Sentence::new(
                format!("modellens fält {name} i {}", after.name),
                format!("the model's field {name} of {}", after.name),
            ),
            kind: Kind::ModelField,
            risk,
        };
        let old = old.map(|field| field_item(collector.before, before, field, risk));
        let new = new.map(|field| field_item(collector.after, after, field, risk));
        collector.item(&topic, old.as_ref(), new.as_ref());
    }
    hint_at_renames(collector, first, before, after);
}

/// A field that went and one that came may be the same: equal in type, and filled by the same rules.
fn hint_at_renames(collector: &mut Collector<'_>, first: usize, before: &Entity, after: &Entity) {
    let (was, is) = (collector.before.set, collector.after.set);
    for old in own(before).filter(|field| after.field(&field.name).is_none()) {
        let rules = rules_of(was, &before.name, &old.name);
        let alike = |new: &&Field| {
            let Field { name: _, kind, required, label: _, about: _, protection } = new;
            (kind, required, protection) == (&old.kind, &old.required, &old.protection)
                && !rules.is_empty()
                && rules == rules_of(is, &after.name, &new.name)
        };
        if let Some(new) = own(after).filter(|field| before.field(&field.name).is_none()).find(alike) {
            collector.hint(first, &old.name, &new.name);
        }
    }
}

/// How a field is filled: every mapping that does, with its rule.
fn rules_of(set: &MappingSet, entity: &str, field: &str) -> BTreeSet<(String, String)> {
    let filled = set.mappings.iter().flat_map(|mapping| {
        rules_for(mapping, entity).map(move |rule| (format!("{}/{}", mapping.system, mapping.table), rule))
    });
    filled.filter(|(_, rule)| rule.field == field).map(|(name, rule)| (name, notation::field(rule))).collect()
}

fn rules_for<'m>(mapping: &'m Mapping, entity: &str) -> impl Iterator<Item = &'m FieldRule> {
    let targets = mapping.targets.iter().filter(move |target| target.entity == entity);
    targets.flat_map(|target| &target.fields)
}

/// The mappings, of either version, that a change of the model leaves without what they fill or refer to.
fn orphans(change: &Change, sets: [&MappingSet; 2]) -> Vec<String> {
    let whole = change.aspect.is_empty() && change.after.is_none();
    let touched = |mapping: &&Mapping| {
        if let Subject::Entity { entity } = &change.subject {
            let fills = |target: &Target| target.entity == *entity || refers(&target.fields, entity);
            return whole && mapping.targets.iter().any(fills);
        }
        let Subject::ModelField { entity, field } = &change.subject else { return false };
        let breaks = whole || change.aspect == "type";
        breaks && rules_for(mapping, entity).any(|rule| rule.field == *field)
    };
    let found = sets.iter().flat_map(|set| &set.mappings).filter(touched);
    let names: BTreeSet<String> =
        found.map(|mapping| format!("{}/{}", mapping.system, mapping.table)).collect();
    names.into_iter().collect()
}

fn refers(rules: &[FieldRule], to: &str) -> bool {
    rules.iter().any(|rule| matches!(&rule.rule, Rule::Ref { entity, .. } if entity == to))
}

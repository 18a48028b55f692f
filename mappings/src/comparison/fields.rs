//! Compares the rows of the model that source rows become, field by field.

use std::collections::BTreeSet;

use super::change::{Act, Kind, Risk, Sentence, Subject};
use super::collector::{Aspect, Collector, Item, Topic};
use super::mapping::{Both, Side};
use super::notation;
use super::pairing::{Name, pair};
use crate::mapping::{FieldRule, Target};

pub(super) fn targets(collector: &mut Collector<'_>, both: &Both<'_>, before: &[Target], after: &[Target]) {
    let rows: Name<'_, Target> = &|one| format!("{} {}", one.entity, notation::when(&one.when));
    let id: Name<'_, Target> = &|one| {
        let id = one.fields.iter().find(|rule| rule.field == "id");
        format!("{} {}", one.entity, id.map(notation::field).unwrap_or_default())
    };
    let entity: Name<'_, Target> = &|one| one.entity.clone();
    for (old, new) in pair(before, after, &[&notation::target, rows, id, entity]) {
        let shown = new.or(old).expect("a pair has a side");
        // A row is more than the id that it needs, so the id does not count for its risk.
        let risk = [old, new].into_iter().flatten().flat_map(|one| {
            let fields = one.fields.iter().filter(|rule| rule.field != "id");
            fields.map(|rule| both.ground.field(&one.entity, rule))
        });
        let risk = risk.fold(Risk::Meaning, Risk::graver);
        let (name, entity) = (&both.name, &shown.entity);
        let topic = Topic {
            subject: Subject::Target { mapping: name.clone(), entity: entity.clone() },
            phrase: Sentence::new(
                format!("målraden {entity} från {name}"),
                format!("target row {entity} of {name}"),
            ),
            kind: Kind::Target,
            risk,
        };
        let item = |side: Side<'_>, one: &Target| {
            let Target { entity: _, entity_span, when, fields: _ } = one;
            let rows = notation::when(when);
            let aspect =
                Aspect::new("when", Kind::Target, risk, rows, ("urvalet av rader för", "the rows of"));
            side.item(Some(entity_span), notation::target(one), vec![aspect])
        };
        let (was, is) = (old.map(|one| item(both.before, one)), new.map(|one| item(both.after, one)));
        collector.item(&topic, was.as_ref(), is.as_ref());
        if let (Some(old), Some(new)) = (old, new) {
            fields_of(collector, both, old, new);
        }
    }
}

fn fields_of(collector: &mut Collector<'_>, both: &Both<'_>, before: &Target, after: &Target) {
    let first = collector.changes.len();
    let names: BTreeSet<&str> =
        before.fields.iter().chain(&after.fields).map(|rule| rule.field.as_str()).collect();
    let (mapping, entity) = (&both.name, &after.entity);
    for name in names {
        let of = |target: &'_ Target| target.fields.iter().position(|rule| rule.field == name);
        let old = of(before).map(|at| &before.fields[at]);
        let new = of(after).map(|at| &after.fields[at]);
        let risk = [old, new].into_iter().flatten().map(|rule| both.ground.field(entity, rule));
        let risk = risk.fold(Risk::Meaning, Risk::graver);
        let topic = Topic {
            subject: Subject::Field {
                mapping: mapping.clone(),
                entity: entity.clone(),
                field: name.to_owned(),
            },
            phrase: Sentence::new(
                format!("fältet {name} i {entity} ({mapping})"),
                format!("field {name} of {entity} ({mapping})"),
            ),
            kind: Kind::Rule,
            risk,
        };
        let old = old.map(|rule| field_item(both.before, rule, risk));
        let new = new.map(|rule| field_item(both.after, rule, risk));
        collector.item(&topic, old.as_ref(), new.as_ref());
    }
    hint_at_renames(collector, first, both, before, after);
}

fn field_item(side: Side<'_>, rule: &FieldRule, risk: Risk) -> Item {
    let FieldRule { field, span, rule: how, when, required, on_bad, default } = rule;
    let whole = format!("{} = {}", notation::key(field), notation::field(rule));
    let aspects = vec![
        Aspect::new("rule", Kind::Rule, risk, notation::rule(how).finish(), ("regeln för", "the rule of")),
        Aspect::new("when", Kind::Rule, risk, notation::when(when), ("urvalet av rader för", "the rows of")),
        Aspect::new(
            "required",
            Kind::Policy,
            risk,
            required.to_string(),
            ("kravet på ett värde i", "whether a value is required in"),
        ),
        Aspect::new(
            "on_bad",
            Kind::Policy,
            risk,
            notation::text(on_bad.name()),
            ("följden av ett felaktigt värde i", "what follows from a bad value in"),
        ),
        Aspect::new(
            "default",
            Kind::Policy,
            risk,
            default.as_deref().map(notation::text).unwrap_or_default(),
            ("standardvärdet för", "the default of"),
        ),
    ];
    side.item(Some(span), whole, aspects)
}

/// A field that went and one that came may be the same under another name: the same rule gives a value of
/// the same type.
fn hint_at_renames(
    collector: &mut Collector<'_>,
    first: usize,
    both: &Both<'_>,
    before: &Target,
    after: &Target,
) {
    let missing = |other: &Target, rule: &&FieldRule| other.fields.iter().all(|one| one.field != rule.field);
    let models = [&both.before.version.set.model, &both.after.version.set.model];
    let kind = |side: usize, entity: &str, rule: &FieldRule| {
        models[side].entity(entity)?.field(&rule.field).map(|field| field.kind.clone())
    };
    for old in before.fields.iter().filter(|rule| missing(after, rule)) {
        let alike = |new: &&FieldRule| {
            notation::field(old) == notation::field(new)
                && kind(0, &before.entity, old).is_some()
                && kind(0, &before.entity, old) == kind(1, &after.entity, new)
        };
        let Some(new) = after.fields.iter().filter(|rule| missing(before, rule)).find(alike) else {
            continue;
        };
        collector.hint(first, &old.field, &new.field);
    }
}

impl Collector<'_> {
    /// Says at a removed and an added field, noted since `first`, that they may be one.
    pub(super) fn hint(&mut self, first: usize, old: &str, new: &str) {
        for change in &mut self.changes[first..] {
            let (Subject::Field { field: named, .. } | Subject::ModelField { field: named, .. }) =
                &change.subject
            else {
                continue;
            };
            let fits = match change.act {
                Act::Removed => change.aspect.is_empty() && named == old,
                Act::Added => change.aspect.is_empty() && named == new,
                Act::Changed => false,
            };
            if fits {
                change.hint = Some(Sentence::new(
                    format!("Kan vara ett namnbyte: {old} och {new} har samma typ och regel."),
                    format!("May be a rename: {old} and {new} have the same type and rule."),
                ));
            }
        }
    }
}

//! Compares the mappings of two versions, table by table.

use std::collections::BTreeSet;

use super::change::{Kind, Risk, Sentence, Subject};
use super::collector::{Aspect, Collector, Item, Topic, line_at};
use super::ground::Ground;
use super::{Version, fields, lookups, notation, person, rows};
use crate::mapping::{Immutable, Mapping, Repeats, Scope};

/// A mapping in one of the versions.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) version: Version<'a>,
    pub(super) mapping: &'a Mapping,
}

impl Side<'_> {
    pub(super) fn item(
        &self,
        span: Option<&crate::diagnostic::Span>,
        whole: String,
        aspects: Vec<Aspect>,
    ) -> Item {
        let file = self.mapping.file.clone();
        let line = span.and_then(|span| line_at(self.version, &file, span));
        Item { file, line, whole, aspects }
    }
}

/// Both sides of a mapping that both versions have, and what its columns are.
pub(super) struct Both<'a> {
    pub(super) before: Side<'a>,
    pub(super) after: Side<'a>,
    pub(super) ground: Ground<'a>,
    /// `system/TABLE`.
    pub(super) name: String,
}

pub(super) fn compare(collector: &mut Collector<'_>, lists: &BTreeSet<String>) {
    let (before, after) = (collector.before, collector.after);
    let names: BTreeSet<(&str, &str)> = [before, after]
        .iter()
        .flat_map(|version| &version.set.mappings)
        .map(|mapping| (mapping.system.as_str(), mapping.table.as_str()))
        .collect();
    for (system, table) in names {
        let of = |version: Version<'_>| version.set.mapping(system, table).is_some();
        let (old, new) = (before.set.mapping(system, table), after.set.mapping(system, table));
        let ground = Ground::new([&before.set.model, &after.set.model], lists, [old, new]);
        let name = format!("{system}/{table}");
        match (old, new) {
            (Some(old), Some(new)) => {
                let before = Side { version: before, mapping: old };
                let after = Side { version: after, mapping: new };
                compare_both(collector, &Both { before, after, ground, name });
            }
            (Some(only), None) | (None, Some(only)) => {
                let version = if of(before) { before } else { after };
                alone(collector, &ground, Side { version, mapping: only }, &name, of(before));
            }
            (None, None) => {}
        }
    }
}

/// A mapping that only one version has.
fn alone(collector: &mut Collector<'_>, ground: &Ground<'_>, side: Side<'_>, name: &str, gone: bool) {
    let targets: Vec<String> = side.mapping.targets.iter().map(notation::target).collect();
    let fields = side.mapping.targets.iter().flat_map(|target| {
        target.fields.iter().filter(|rule| rule.field != "id").map(|rule| ground.field(&target.entity, rule))
    });
    let topic = Topic {
        subject: Subject::Mapping { mapping: name.to_owned() },
        phrase: Sentence::new(format!("mappningen av {name}"), format!("the mapping of {name}")),
        kind: Kind::Mapping,
        risk: fields.fold(Risk::Meaning, Risk::graver),
    };
    let item = side.item(Some(&(0..0)), targets.join("\n\n"), Vec::new());
    let (before, after) = if gone { (Some(&item), None) } else { (None, Some(&item)) };
    collector.item(&topic, before, after);
}

fn compare_both(collector: &mut Collector<'_>, both: &Both<'_>) {
    // Taken apart in full: a part that mappings gain is compared, or does not compile.
    let Mapping {
        file: _,
        id: _,
        owner: _,
        decision: _,
        // Says nothing that the examples themselves do not say.
        approved_examples: _,
        system: _,
        table: _,
        key: _,
        personal_key: _,
        repeats: _,
        parents,
        neighbours,
        lookups: others,
        immutable,
        person,
        scope,
        exclusions,
        checks,
        targets,
        ignored,
        examples,
        digest: _,
    } = both.before.mapping;
    let after = both.after.mapping;
    head(collector, both);
    lookups::parents(collector, both, parents, &after.parents);
    lookups::neighbours(collector, both, neighbours, &after.neighbours);
    lookups::others(collector, both, others, &after.lookups);
    immutable_of(collector, both, immutable.as_ref(), after.immutable.as_ref());
    person::compare(collector, both, person.as_ref(), after.person.as_ref());
    scope_of(collector, both, scope, &after.scope);
    rows::exclusions(collector, both, exclusions, &after.exclusions);
    rows::checks(collector, both, checks, &after.checks);
    fields::targets(collector, both, targets, &after.targets);
    rows::ignored(collector, both, ignored, &after.ignored);
    rows::examples(collector, both, examples, &after.examples);
}

fn head(collector: &mut Collector<'_>, both: &Both<'_>) {
    let item = |side: Side<'_>| {
        let mapping = side.mapping;
        let repeats = match mapping.repeats {
            Repeats::Quarantine => "quarantine",
            Repeats::Latest => "latest",
        };
        let personal = mapping.personal_key.to_string();
        let aspect = Aspect::new;
        side.item(
            Some(&(0..0)),
            String::new(),
            vec![
                aspect(
                    "mapping",
                    Kind::Mapping,
                    Risk::Meaning,
                    notation::text(&mapping.id),
                    ("namnet på", "the name of"),
                ),
                aspect(
                    "owner",
                    Kind::Owner,
                    Risk::Form,
                    notation::text(&mapping.owner),
                    ("ägaren av", "the owner of"),
                ),
                aspect(
                    "decision",
                    Kind::Decision,
                    Risk::Form,
                    notation::text(&mapping.decision),
                    ("hänvisningen till beslutet om", "the decision behind"),
                ),
                aspect(
                    "key",
                    Kind::Key,
                    Risk::Identity,
                    notation::origins(&mapping.key),
                    ("nyckeln i", "the key of"),
                ),
                aspect(
                    "personal_key",
                    Kind::Secrecy,
                    Risk::Protection,
                    personal,
                    (
                        "uppgiften om att nyckeln kan vara ett personnummer i",
                        "whether the key can name a person in",
                    ),
                ),
                aspect(
                    "repeats",
                    Kind::Key,
                    Risk::Identity,
                    notation::text(repeats),
                    ("vad en upprepad nyckel betyder i", "what a repeated key means in"),
                ),
            ],
        )
    };
    let topic = Topic {
        subject: Subject::Mapping { mapping: both.name.clone() },
        phrase: Sentence::new(
            format!("mappningen av {}", both.name),
            format!("the mapping of {}", both.name),
        ),
        kind: Kind::Mapping,
        risk: Risk::Meaning,
    };
    collector.item(&topic, Some(&item(both.before)), Some(&item(both.after)));
}

fn immutable_of(
    collector: &mut Collector<'_>,
    both: &Both<'_>,
    before: Option<&Immutable>,
    after: Option<&Immutable>,
) {
    let name = &both.name;
    let topic = Topic {
        subject: Subject::Immutable { mapping: name.clone() },
        phrase: Sentence::new(
            format!("skyddet mot ändrade texter i {name}"),
            format!("the texts of {name} that must not change"),
        ),
        kind: Kind::Immutable,
        risk: Risk::Meaning,
    };
    let item = |side: Side<'_>, one: &Immutable| {
        let whole = notation::immutable(one);
        let words = ("innehållet i", "the content of");
        let aspect = Aspect::new("", Kind::Immutable, Risk::Meaning, whole.clone(), words);
        side.item(one.columns.first().map(|column| &column.span), whole, vec![aspect])
    };
    let (old, new) = (before.map(|one| item(both.before, one)), after.map(|one| item(both.after, one)));
    collector.item(&topic, old.as_ref(), new.as_ref());
}

fn scope_of(collector: &mut Collector<'_>, both: &Both<'_>, before: &Scope, after: &Scope) {
    let graver = |part: &str| {
        let of_part = before.rules().chain(after.rules()).filter(|rule| rule.field == part);
        of_part.map(|rule| both.ground.dimension(rule)).fold(Risk::Meaning, Risk::graver)
    };
    for ((part, old), (_, new)) in notation::scope(before).into_iter().zip(notation::scope(after)) {
        let (kind, risk, words) = match part {
            "sekretess" => (Kind::Secrecy, Risk::Protection, ("sekretessen för", "the secrecy of")),
            "area" => (Kind::Scope, graver(part), ("verksamhetsområdet för", "the area of")),
            "namnd" => (Kind::Scope, graver(part), ("nämnden för", "the nämnd of")),
            "unit" => (Kind::Scope, graver(part), ("enheten för", "the unit of")),
            "year" => (Kind::Scope, Risk::Meaning, ("året för", "the year of")),
            _ => (Kind::Scope, Risk::Meaning, ("redovisningen av", "the scope of")),
        };
        let name = &both.name;
        let topic = Topic {
            subject: Subject::Scope { mapping: name.clone(), part },
            phrase: Sentence::new(format!("raderna i {name}"), format!("the rows of {name}")),
            kind,
            risk,
        };
        let item = |side: Side<'_>, scope: &Scope, text: String| {
            let rule = scope.rules().find(|rule| rule.field == part);
            let span = rule.map(|rule| &rule.span).or(scope.year.as_ref().map(|year| &year.span));
            side.item(span, text.clone(), vec![Aspect::new(part, kind, risk, text, words)])
        };
        collector.item(&topic, Some(&item(both.before, before, old)), Some(&item(both.after, after, new)));
    }
}

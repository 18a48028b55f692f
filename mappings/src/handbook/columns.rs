//! The columns of a source table and everything that is done with each.

use std::collections::BTreeSet;

use super::html::Html;
use super::words::origin;
use super::{Book, field_place};
use crate::mapping::{FieldRule, Mapping, Origin, PersonRule, Target};

/// One column of a source table.
pub(super) struct Column {
    /// The name.
    pub(super) name: String,
    /// Whether it belongs to the record's key.
    pub(super) key: bool,
    /// The fields that it becomes: label with link, and the rule.
    pub(super) fields: Vec<(Html, Html)>,
    /// What else it is used for.
    pub(super) uses: Vec<Html>,
    /// Why it is not migrated; empty for a column that is.
    pub(super) ignored: String,
}

/// Every column that is mapped or ignored: first those that are read, in the order of the file, then those that
/// are left out. A clean check means that the table has no other.
pub(super) fn columns(book: &Book<'_>, mapping: &Mapping) -> Vec<Column> {
    let mut columns: Vec<Column> = own(mapping).into_iter().map(|name| column(book, mapping, name)).collect();
    let mut ignored: Vec<_> = mapping.ignored.iter().collect();
    ignored.sort_by_key(|(_, (_, span))| span.start);
    columns.extend(ignored.into_iter().map(|(name, (reason, _))| Column {
        name: name.clone(),
        key: false,
        fields: Vec::new(),
        uses: Vec::new(),
        ignored: reason.clone(),
    }));
    columns
}

/// The columns that are read, each once.
fn own(mapping: &Mapping) -> Vec<&str> {
    let fields =
        mapping.targets.iter().flat_map(|target| in_order(target).into_iter().flat_map(FieldRule::origins));
    let read = mapping.key.iter().chain(fields).chain(mapping.origins());
    let immutable = mapping.immutable.iter().flat_map(|immutable| {
        immutable.columns.iter().chain(immutable.when.iter().map(|condition| &condition.origin))
    });
    let mut seen = BTreeSet::new();
    let columns = read.chain(immutable).filter(|origin| is_own(mapping, origin));
    columns.map(|origin| origin.name.as_str()).filter(|name| seen.insert(*name)).collect()
}

fn is_own(mapping: &Mapping, origin: &Origin) -> bool {
    origin.parent().is_none() && !origin.name.starts_with('@') && mapping.lookup(origin).is_none()
}

fn column(book: &Book<'_>, mapping: &Mapping, name: &str) -> Column {
    let mut fields = Vec::new();
    for target in &mapping.targets {
        for rule in in_order(target).into_iter().filter(|rule| reads(rule.origins(), name)) {
            fields.push((field_name(book, target, rule, true), field_rule(book, mapping, target, rule)));
        }
    }
    Column {
        name: name.to_owned(),
        key: reads(&mapping.key, name),
        fields,
        uses: uses(book, mapping, name),
        ignored: String::new(),
    }
}

fn reads<'o>(origins: impl IntoIterator<Item = &'o Origin>, name: &str) -> bool {
    origins.into_iter().any(|origin| origin.name == name)
}

/// The rules of a target in the order of the file.
pub(super) fn in_order(target: &Target) -> Vec<&FieldRule> {
    let mut rules: Vec<&FieldRule> = target.fields.iter().collect();
    rules.sort_by_key(|rule| rule.span.start);
    rules
}

/// The field that a rule fills, with a link; `whole` with its entity before it.
pub(super) fn field_name(book: &Book<'_>, target: &Target, rule: &FieldRule, whole: bool) -> Html {
    let entity = book.set.model.entity(&target.entity);
    let entity_label = entity.map_or(target.entity.as_str(), |entity| entity.label.as_str());
    let field = entity.and_then(|entity| entity.field(&rule.field));
    let label = field.map_or(rule.field.as_str(), |field| field.label.as_str());
    let label = if whole { format!("{entity_label}: {label}") } else { label.to_owned() };
    Html::default().link(&field_place(&target.entity, &rule.field), &label)
}

/// The rule of a field in words.
pub(super) fn field_rule(book: &Book<'_>, mapping: &Mapping, target: &Target, rule: &FieldRule) -> Html {
    let entity = book.set.model.entity(&target.entity);
    let kind = entity.and_then(|entity| entity.field(&rule.field)).map(|field| &field.kind);
    book.rule(mapping, rule, kind)
}

/// What a column is used for beside the fields.
fn uses(book: &Book<'_>, mapping: &Mapping, name: &str) -> Vec<Html> {
    let mut uses = Vec::new();
    for parent in mapping.parents.iter().filter(|parent| reads(parent.origins(), name)) {
        let words = Html::of("hittar raden i ").add(&book.table(&parent.other.system, &parent.other.table));
        uses.push(words.text(" (").name(&parent.name).text(")"));
    }
    for neighbour in mapping.neighbours.iter().filter(|neighbour| reads(neighbour.origins(), name)) {
        uses.push(Html::of("hittar raden bredvid (").name(&neighbour.name).text(")"));
    }
    for lookup in mapping.lookups.iter().filter(|lookup| reads(lookup.origins(), name)) {
        uses.push(Html::of("ger uppgiften ").name(lookup.name()));
    }
    for (dimension, word) in [
        (&mapping.scope.area, "avgör verksamhetsområdet"),
        (&mapping.scope.namnd, "avgör nämnden"),
        (&mapping.scope.unit, "avgör vilken enhets arbetslista raden står på"),
    ] {
        let named = dimension.as_ref().is_some_and(|rule| reads(rule.origins(), name));
        uses.extend(named.then(|| Html::of(word)));
    }
    let year = mapping.scope.year.as_ref().is_some_and(|year| year.name == name);
    uses.extend(year.then(|| Html::of("avgör vilket år raden räknas till")));
    let person = mapping.person.as_ref().is_some_and(|person| reads(person.origins(), name));
    uses.extend(person.then(|| Html::of(person_use(mapping))));
    uses.extend(conditions(book, mapping, name));
    let immutable = mapping.immutable.as_ref().is_some_and(|rule| reads(&rule.columns, name));
    uses.extend(immutable.then(|| Html::of("får inte ändras till en senare läsning (D51)")));
    uses
}

fn person_use(mapping: &Mapping) -> &'static str {
    match mapping.person {
        Some(PersonRule::Record(_)) => "känner igen personen och dennes skydd",
        Some(PersonRule::About(_)) => "säger vilken person raden gäller",
        Some(PersonRule::Link(_)) => "säger vilka personposter som hör ihop",
        None => "",
    }
}

/// Checks, exclusions and conditions that read a column.
fn conditions(book: &Book<'_>, mapping: &Mapping, name: &str) -> Vec<Html> {
    let mut uses = Vec::new();
    let mut codes = BTreeSet::new();
    for check in &mapping.checks {
        let when = check.when.iter().map(|condition| &condition.origin);
        if reads(check.inputs.iter().chain(when), name) && codes.insert(check.rule.code()) {
            uses.push(Html::of("kontrolleras: ").text(check.rule.code()).text(" ").text(check.rule.label()));
        }
    }
    let left_out = mapping.exclusions.iter().flat_map(|exclusion| &exclusion.when);
    if reads(left_out.map(|condition| &condition.origin), name) {
        uses.push(Html::of("avgör om raden flyttas"));
    }
    for target in &mapping.targets {
        if reads(target.when.iter().map(|condition| &condition.origin), name) {
            uses.push(Html::of("avgör om raden blir ").add(&book.entity(&target.entity)));
        }
    }
    uses
}

/// The columns that a rule reads, for the way back from a field.
pub(super) fn from(rule: &FieldRule) -> Vec<Html> {
    let mut seen = BTreeSet::new();
    let origins = rule.origins().into_iter().filter(|one| seen.insert(one.name.clone()));
    origins.map(origin).collect()
}

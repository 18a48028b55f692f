//! Reads a mapping file.

mod condition;
mod example;
mod lookup;
mod person;
mod rule;

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Span};
use crate::digest::Digest;
use crate::document::{Placed, Reporter, Section, read_document};
use crate::mapping::{Action, Check, Exclusion, Immutable, Mapping, Origin, Repeats, Scope, Target};
use crate::reject::ReasonCode;

use condition::read_when;
use lookup::{Lookups, read_lookups};

impl Mapping {
    /// Reads a mapping file. The mapping is returned when it has a source and no syntax error, even if
    /// rules in it are wrong, so that a check can report everything at once.
    #[must_use]
    pub fn parse(file: &str, text: &str) -> (Option<Self>, Vec<Diagnostic>) {
        let mut report = Reporter::new(file);
        let digest = Digest::of(text.as_bytes());
        let mapping = read_document(text, &mut report, |root, report| read_mapping(root, digest, report));
        (mapping, report.found)
    }
}

fn read_mapping(root: &mut Section<'_, '_>, digest: Digest, report: &mut Reporter<'_>) -> Option<Mapping> {
    let id = root.required_text("mapping", report).map(|id| id.text);
    let owner = root.required_text("owner", report).map(|owner| owner.text);
    let decision = root.required_text("decision", report).map(|decision| decision.text);
    let approved_examples = example::read_approved(root, report);
    if !root.has("source") {
        report.error("BRON-M004", &root.span, "`[source]` is missing", "which table is this?");
    }
    let source = root.section("source", report).and_then(|mut section| read_source(&mut section, report));
    let table = source.as_ref().map_or("", |source| source.table.as_str()).to_owned();
    let system = source.as_ref().map_or("", |source| source.system.as_str()).to_owned();
    let Lookups { parents, neighbours, lookups } = read_lookups(root, &system, report);
    let person = person::read_person(root, report);
    let scope =
        root.section("scope", report).map_or_else(Scope::default, |mut one| read_scope(&mut one, report));
    let exclusions = read_each(root, "exclude", report, read_exclusion);
    let checks = read_each(root, "check", report, read_check);
    let targets = read_each(root, "target", report, |section, report| read_target(section, &table, report));
    let immutable = root.section("immutable", report).and_then(|mut one| read_immutable(&mut one, report));
    let ignored = read_ignored(root, report);
    let examples = read_each(root, "example", report, |section, report| {
        example::read_example(section, &targets, report)
    });
    let Source { system, table, key, personal_key, repeats } = source?;
    Some(Mapping {
        file: report.file.to_owned(),
        id: id.unwrap_or_else(|| format!("{system}/{table}")),
        owner: owner.unwrap_or_default(),
        decision: decision.unwrap_or_default(),
        approved_examples,
        system,
        table,
        key,
        personal_key,
        repeats,
        parents,
        neighbours,
        lookups,
        person,
        immutable,
        scope,
        exclusions,
        checks,
        targets,
        ignored,
        examples,
        digest,
    })
}

fn read_each<T>(
    root: &mut Section<'_, '_>,
    key: &str,
    report: &mut Reporter<'_>,
    read: impl Fn(&mut Section<'_, '_>, &mut Reporter<'_>) -> Option<T>,
) -> Vec<T> {
    let mut sections = root.sections(key, report);
    sections.iter_mut().filter_map(|section| read(section, report)).collect()
}

fn read_ignored(root: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> BTreeMap<String, (String, Span)> {
    let Some(mut section) = root.section("ignore", report) else { return BTreeMap::new() };
    let reasons = section.scalars(report).into_iter();
    reasons.map(|(column, reason)| (column.text, (reason.text, column.span))).collect()
}

struct Source {
    system: String,
    table: String,
    key: Vec<Origin>,
    personal_key: bool,
    repeats: Repeats,
}

fn read_source(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<Source> {
    let system = section.required_text("system", report);
    let table = section.required_text("table", report);
    let key = origins(section, "key", report);
    if key.is_empty() {
        report.error("BRON-M004", &section.span, "`key` is missing here", "what names a record?");
    }
    let personal_key = section.bool("personal_key", report).unwrap_or(false);
    let repeats = section.text("repeats", report);
    let repeats = match repeats.as_ref().map(|placed| placed.text.as_str()) {
        None | Some("quarantine") => Repeats::Quarantine,
        Some("latest") => Repeats::Latest,
        Some(_) => {
            let placed = repeats.as_ref().expect("this arm has a text");
            report.unknown("BRON-M025", placed, "policy", ["quarantine", "latest"]);
            Repeats::Quarantine
        }
    };
    section.finish(report);
    Some(Source { system: system?.text, table: table?.text, key, personal_key, repeats })
}

fn origin(placed: Placed) -> Origin {
    Origin { name: placed.text, span: placed.span }
}

fn origins(section: &mut Section<'_, '_>, key: &str, report: &mut Reporter<'_>) -> Vec<Origin> {
    section.texts(key, report).unwrap_or_default().into_iter().map(origin).collect()
}

fn read_scope(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Scope {
    let area = rule::read_dimension(section, "area", report);
    let namnd = rule::read_dimension(section, "namnd", report);
    let unit = rule::read_dimension(section, "unit", report);
    let year = section.text("year", report).map(origin);
    let sekretess = section.text("sekretess", report).map(|placed| placed.text);
    section.finish(report);
    Scope { area, namnd, unit, year, sekretess }
}

fn read_reason(section: &mut Section<'_, '_>, key: &str, report: &mut Reporter<'_>) -> Option<ReasonCode> {
    let placed = section.required_text(key, report)?;
    let reason = ReasonCode::parse(&placed.text);
    if reason.is_none() {
        report.unknown("BRON-M026", &placed, "reason", ReasonCode::ALL.iter().map(|reason| reason.code()));
    }
    reason
}

fn read_action(section: &mut Section<'_, '_>, key: &str, report: &mut Reporter<'_>) -> Option<Action> {
    let placed = section.text(key, report)?;
    let action = Action::parse(&placed.text);
    if action.is_none() {
        report.unknown("BRON-M027", &placed, "action", Action::ALL.iter().map(|(name, _)| *name));
    }
    action
}

fn read_exclusion(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<Exclusion> {
    let reason = read_reason(section, "reason", report);
    let about = section.required_text("about", report);
    let faults = report.found.len();
    let when = read_when(section, report);
    if when.is_empty() && report.found.len() == faults {
        report.error("BRON-M004", &section.span, "`when` is missing here", "which rows?");
    }
    section.finish(report);
    // A condition that could not be read was reported; without one every row would be left out.
    (!when.is_empty()).then_some(())?;
    Some(Exclusion { reason: reason?, about: about?.text, when })
}

fn read_immutable(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<Immutable> {
    let columns = origins(section, "columns", report);
    if columns.is_empty() {
        report.error("BRON-M004", &section.span, "`columns` is missing here", "which texts?");
    }
    let when = read_when(section, report);
    section.finish(report);
    Some(Immutable { columns, when })
}

fn read_arguments(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> BTreeMap<String, String> {
    section.section("with", report).map_or_else(BTreeMap::new, |mut with| {
        with.scalars(report).into_iter().map(|(name, value)| (name.text, value.text)).collect()
    })
}

fn read_check(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<Check> {
    let rule = read_reason(section, "rule", report);
    let function = section.required_text("fn", report);
    let inputs = origins(section, "from", report);
    let arguments = read_arguments(section, report);
    let action = read_action(section, "action", report).unwrap_or(Action::Flag);
    let when = read_when(section, report);
    section.finish(report);
    let function = function?;
    Some(Check {
        rule: rule?,
        function_span: function.span,
        function: function.text,
        inputs,
        arguments,
        action,
        when,
        span: section.span.clone(),
    })
}

fn read_target(section: &mut Section<'_, '_>, table: &str, report: &mut Reporter<'_>) -> Option<Target> {
    let entity = section.required_text("entity", report);
    let when = read_when(section, report);
    let fields = section.section("fields", report);
    if fields.is_none() {
        report.error("BRON-M004", &section.span, "`[target.fields]` is missing", "no fields");
    }
    let fields = fields.map_or_else(Vec::new, |mut fields| {
        let names = fields.keys();
        names.into_iter().filter_map(|name| rule::read_field(&mut fields, name, table, report)).collect()
    });
    section.finish(report);
    let entity = entity?;
    Some(Target { entity_span: entity.span, entity: entity.text, when, fields })
}

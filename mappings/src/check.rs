//! The static check: totality and names, before anything is read from a source.

mod code_lists;
mod examples;
mod lookups;
mod person;
mod usage;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Span};
use crate::document::{Placed, Reporter};
use crate::function::{FieldFunction, FunctionKind, FunctionSpec};
use crate::mapping::{Action, FieldRule, Mapping, Origin, Rule, Target};
use crate::model::{Entity, Field, FieldType};
use crate::project::MappingSet;
use crate::system::System;

pub use lookups::check_systems;
use usage::Referred;

/// How much of a table's columns a mapping accounts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The system.
    pub system: String,
    /// The table.
    pub table: String,
    /// Columns that some rule reads.
    pub mapped: usize,
    /// Columns that are left out with a reason.
    pub ignored: usize,
    /// Columns that nothing accounts for.
    pub unmapped: usize,
}

/// Source tables and their columns, by system: what introspection found.
pub type Tables = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// Checks every mapping of the set against the sources' tables, the model, the code lists and the
/// function registry. `tables` holds the systems whose schema is known; mappings of other systems are
/// checked for names only.
#[must_use]
pub fn check(
    set: &MappingSet,
    functions: &[FunctionSpec],
    tables: &Tables,
) -> (Vec<Coverage>, Vec<Diagnostic>) {
    let mut coverage = Vec::new();
    let mut found = Vec::new();
    for mapping in &set.mappings {
        let mut report = Reporter::new(&mapping.file);
        let own = tables.get(&mapping.system);
        let checker = Checker { set, functions, all: tables, tables: own, mapping };
        checker.run(&mut report);
        coverage.extend(checker.coverage(&mut report));
        found.append(&mut report.found);
    }
    for (system, known) in tables {
        found.extend(unmapped_tables(set, system, known));
    }
    for system in set.systems.values() {
        found.extend(unmapped_first(set, system));
    }
    found.extend(code_lists::approved_lines(set));
    found.extend(usage::unused_codes(set));
    (coverage, found)
}

/// A table that is to be loaded first and has no mapping would protect nothing.
fn unmapped_first(set: &MappingSet, system: &System) -> Vec<Diagnostic> {
    let file = format!("{}/system.toml", system.name);
    let mut report = Reporter::new(&file);
    for table in system.load_first.iter().filter(|table| set.mapping(&system.name, table).is_none()) {
        let message = format!("table `{table}` stands in `load_first` and is not mapped");
        report.error("BRON-M030", &(0..0), message, "nothing to load");
    }
    report.found
}

fn unmapped_tables(set: &MappingSet, system: &str, known: &BTreeMap<String, Vec<String>>) -> Vec<Diagnostic> {
    let file = format!("{system}/system.toml");
    let mut report = Reporter::new(&file);
    let ignored = set.systems.get(system).map(|system| &system.ignored_tables);
    for table in known.keys() {
        let accounted =
            set.mapping(system, table).is_some() || ignored.is_some_and(|names| names.contains_key(table));
        if !accounted {
            let message = format!("table `{table}` is neither mapped nor listed under [ignored_tables]");
            let help = format!("write {system}/{table}.toml, or give the reason why it stays");
            report.push("BRON-M030", &(0..0), message, "this system", Some(help));
        }
    }
    report.found
}

struct Checker<'a> {
    set: &'a MappingSet,
    functions: &'a [FunctionSpec],
    /// The tables of every system whose schema is known.
    all: &'a Tables,
    /// The tables of the mapping's own system.
    tables: Option<&'a BTreeMap<String, Vec<String>>>,
    mapping: &'a Mapping,
}

impl Checker<'_> {
    fn run(&self, report: &mut Reporter<'_>) {
        let mapping = self.mapping;
        if mapping.id != format!("{}/{}", mapping.system, mapping.table) {
            let message = format!(
                "the mapping is named `{}`, its source {}/{}",
                mapping.id, mapping.system, mapping.table
            );
            report.error("BRON-M031", &(0..0), message, "two names");
        }
        if !self.set.systems.contains_key(&mapping.system) {
            let message = format!("system `{}` has no {}/system.toml", mapping.system, mapping.system);
            report.error("BRON-M032", &(0..0), message, "unknown system");
        }
        self.table(&mapping.system, &mapping.table, &(0..0), report);
        self.lookups(report);
        self.immutable(report);
        self.person(report);
        for origin in mapping.origins() {
            self.origin(origin, report);
        }
        for check in &mapping.checks {
            let name = Placed { text: check.function.clone(), span: check.function_span.clone() };
            self.function(&name, &check.inputs, &check.arguments, None, report);
            if matches!(check.action, Action::Merge | Action::Exclude) {
                report.error(
                    "BRON-M027",
                    &check.span,
                    "a check marks, repairs or holds back",
                    "not a policy of a check",
                );
            }
        }
        for dimension in mapping.scope.rules() {
            self.rule(dimension, None, report);
        }
        for (list, span, dated) in mapping.code_lists() {
            self.code_list(list, span, dated, report);
        }
        self.targets(report);
        self.examples(report);
    }

    /// Texts that must not change are compared between two extractions, so they are the table's own.
    fn immutable(&self, report: &mut Reporter<'_>) {
        let columns = self.tables.and_then(|tables| tables.get(&self.mapping.table));
        let (Some(immutable), Some(columns)) = (&self.mapping.immutable, columns) else { return };
        let when = immutable.when.iter().map(|condition| &condition.origin);
        for column in immutable.columns.iter().chain(when) {
            known_column(column, &column.name, columns, report);
        }
    }

    fn function(
        &self,
        name: &Placed,
        inputs: &[Origin],
        arguments: &BTreeMap<String, String>,
        field: Option<&Field>,
        report: &mut Reporter<'_>,
    ) {
        let Some(spec) = self.functions.iter().find(|spec| spec.name == name.text) else {
            let wanted = |spec: &&FunctionSpec| matches!(spec.kind, FunctionKind::Check) == field.is_none();
            let known = self.functions.iter().filter(wanted).map(|spec| spec.name);
            report.unknown("BRON-M011", name, "function", known);
            return;
        };
        let (fewest, most) = spec.inputs;
        if !(fewest..=most).contains(&inputs.len()) {
            let count = if fewest == most { fewest.to_string() } else { format!("{fewest} to {most}") };
            let message = format!("`{}` reads {count} columns, not {}", spec.name, inputs.len());
            report.error("BRON-M012", &name.span, message, "another number of columns");
        }
        let known = |argument: &&String| spec.arguments.contains(&argument.as_str());
        for argument in arguments.keys().filter(|argument| !known(argument)) {
            let placed = Placed { text: argument.clone(), span: name.span.clone() };
            report.unknown("BRON-M013", &placed, "argument", spec.arguments.iter().copied());
        }
        if let Some(message) = misuse(spec, field) {
            report.error("BRON-M014", &name.span, message, "does not fit here");
        }
    }

    fn targets(&self, report: &mut Reporter<'_>) {
        if self.mapping.targets.is_empty() {
            report.error("BRON-M036", &(0..0), "the mapping has no [[target]]", "what does a row become?");
        } else if self.mapping.targets.iter().all(|target| !target.when.is_empty()) {
            let span = &self.mapping.targets[0].entity_span;
            report.error(
                "BRON-M037",
                span,
                "every target has a condition: some row could become nothing",
                "conditional",
            );
        }
        for target in &self.mapping.targets {
            let Some(entity) = self.set.model.entity(&target.entity) else {
                let placed = Placed { text: target.entity.clone(), span: target.entity_span.clone() };
                report.unknown(
                    "BRON-M021",
                    &placed,
                    "entity",
                    self.set.model.entities.keys().map(String::as_str),
                );
                continue;
            };
            self.target(target, entity, report);
        }
    }

    fn target(&self, target: &Target, entity: &Entity, report: &mut Reporter<'_>) {
        let shared: BTreeSet<String> = Entity::shared_fields().into_iter().map(|field| field.name).collect();
        let own = || entity.fields.iter().filter(|field| !shared.contains(&field.name));
        for rule in &target.fields {
            let Some(field) = own().find(|field| field.name == rule.field) else {
                let placed = Placed { text: rule.field.clone(), span: rule.span.clone() };
                let what = format!("field of `{}`", entity.name);
                report.unknown("BRON-M015", &placed, &what, own().map(|field| field.name.as_str()));
                continue;
            };
            self.rule(rule, Some(field), report);
        }
        for field in own().filter(|field| field.required) {
            match target.fields.iter().find(|rule| rule.field == field.name) {
                None => {
                    let message = format!("`{}.{}` is required and has no rule", entity.name, field.name);
                    report.error("BRON-M016", &target.entity_span, message, "a field is missing");
                }
                Some(rule) if can_be_missing(rule) => {
                    let message = format!(
                        "`{}` is required by the model, so a missing value cannot be flagged",
                        field.name
                    );
                    let help = "write `required = true, on_bad = \"quarantine\"`, or give a `default`";
                    report.push("BRON-M017", &rule.span, message, "could be empty", Some(help.to_owned()));
                }
                Some(_) => {}
            }
        }
    }

    fn rule(&self, rule: &FieldRule, field: Option<&Field>, report: &mut Reporter<'_>) {
        let mismatch = |report: &mut Reporter<'_>, span: &Span, gives: &str| {
            if let Some(field) = field {
                let message = format!(
                    "a rule that gives {gives} does not fit `{}`, which is {}",
                    field.name,
                    field.kind.name()
                );
                report.error("BRON-M014", span, message, "does not fit the field");
            }
        };
        let kind = field.map(|field| &field.kind);
        match &rule.rule {
            Rule::Id { .. } if kind.is_none_or(|kind| *kind != FieldType::Id) => {
                mismatch(report, &rule.span, "an id");
            }
            Rule::Ref { entity, entity_span, system, table, key, part } => match kind {
                Some(FieldType::Ref { entity: wanted }) if wanted == entity => {
                    let system = system.as_ref().unwrap_or(&self.mapping.system);
                    let (part, texts) = (part.as_deref(), key.len());
                    self.made(&Referred { entity, system, table, part, texts }, entity_span, report);
                }
                _ => mismatch(report, entity_span, &format!("a reference to `{entity}`")),
            },
            Rule::Function { name, name_span, inputs, arguments } => {
                let placed = Placed { text: name.clone(), span: name_span.clone() };
                let text = text_field();
                self.function(&placed, inputs, arguments, Some(field.unwrap_or(&text)), report);
            }
            Rule::Codes { list_span, .. } => {
                if kind.is_some_and(|kind| !FieldFunction::Text.fits(kind)) {
                    mismatch(report, list_span, "a code");
                }
            }
            Rule::Const(_)
                if kind.is_some_and(|kind| !FieldFunction::Text.fits(kind) && *kind != FieldType::Bool) =>
            {
                mismatch(report, &rule.span, "a constant text");
            }
            Rule::Id { .. } | Rule::Const(_) => {}
        }
    }

    fn code_list(&self, list: &str, span: &Span, dated: bool, report: &mut Reporter<'_>) {
        let Some(codes) = self.set.codes.get(list) else {
            let placed = Placed { text: list.to_owned(), span: span.clone() };
            report.unknown("BRON-M018", &placed, "code list", self.set.codes.keys().map(String::as_str));
            return;
        };
        if !dated && codes.has_periods(&self.mapping.system) {
            let message = format!("codes of `{list}` change meaning over time, so the rule needs `date`");
            report.error("BRON-M019", span, message, "which day?");
        }
    }

    /// Every column is read by a rule or left out with a reason, and not both.
    fn coverage(&self, report: &mut Reporter<'_>) -> Option<Coverage> {
        let mapping = self.mapping;
        let columns = self.tables?.get(&mapping.table)?;
        let read: BTreeSet<&str> = mapping
            .origins()
            .filter(|origin| origin.parent().is_none())
            .map(|origin| origin.name.as_str())
            .collect();
        let (mut mapped, mut ignored, mut unmapped) = (0, 0, Vec::new());
        // Columns that begin with `_` were added by the extraction: they tell where a row lay.
        for column in columns.iter().filter(|column| !column.starts_with('_')) {
            match (read.contains(column.as_str()), mapping.ignored.get(column)) {
                (true, None) => mapped += 1,
                (false, Some(_)) => ignored += 1,
                (false, None) => unmapped.push(column.as_str()),
                (true, Some((_, span))) => {
                    mapped += 1;
                    report.error(
                        "BRON-M038",
                        span,
                        format!("`{column}` is read by a rule and ignored"),
                        "which of them?",
                    );
                }
            }
        }
        for (column, (reason, span)) in &mapping.ignored {
            let placed = Placed { text: column.clone(), span: span.clone() };
            if !columns.contains(column) {
                report.unknown("BRON-M010", &placed, "column", columns.iter().map(String::as_str));
            }
            if reason.trim().is_empty() {
                report.error("BRON-M039", span, format!("`{column}` is ignored without a reason"), "why?");
            }
        }
        for column in &unmapped {
            let message = format!(
                "column `{column}` of {}/{} is neither mapped nor ignored",
                mapping.system, mapping.table
            );
            let help = "map it, or list it under [ignore] with the reason".to_owned();
            report.push("BRON-M040", &(0..0), message, "this mapping", Some(help));
        }
        let (system, table) = (mapping.system.clone(), mapping.table.clone());
        Some(Coverage { system, table, mapped, ignored, unmapped: unmapped.len() })
    }
}

/// Why a function cannot stand where it stands; `field` is absent where a check is wanted.
fn misuse(spec: &FunctionSpec, field: Option<&Field>) -> Option<String> {
    let name = spec.name;
    match (spec.kind, field) {
        (FunctionKind::Field(gives), Some(field)) if !gives.fits(&field.kind) => {
            let kind = field.kind.name();
            Some(format!("`{name}` gives {gives:?}, the field `{}` is {kind}", field.name))
        }
        (FunctionKind::Check, Some(_)) => Some(format!("`{name}` is a check and gives no value")),
        (FunctionKind::Field(_), None) => Some(format!("`{name}` gives a value and is no check")),
        (FunctionKind::Field(_) | FunctionKind::Check, _) => None,
    }
}

fn text_field() -> Field {
    Entity::shared_fields().into_iter().find(|field| field.name == "namnd").expect("a shared field")
}

fn can_be_missing(rule: &FieldRule) -> bool {
    let always = matches!(rule.rule, Rule::Id { .. } | Rule::Const(_)) && rule.when.is_empty();
    !always && rule.default.is_none() && !(rule.required && rule.on_bad == Action::Quarantine)
}

fn known_column(origin: &Origin, column: &str, columns: &[String], report: &mut Reporter<'_>) {
    if !columns.iter().any(|known| known == column) {
        let placed = Placed { text: column.to_owned(), span: origin.span.clone() };
        report.unknown("BRON-M010", &placed, "column", columns.iter().map(String::as_str));
    }
}

#[cfg(test)]
mod tests;

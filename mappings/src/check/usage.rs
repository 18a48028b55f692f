//! What is named and never made, and what is there and never used.

use std::collections::{BTreeMap, BTreeSet};

use super::Checker;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::document::{Placed, Reporter};
use crate::mapping::{FieldRule, Rule};
use crate::project::MappingSet;

/// A reference as a rule writes it.
pub(super) struct Referred<'a> {
    pub(super) entity: &'a str,
    pub(super) system: &'a str,
    pub(super) table: &'a str,
    pub(super) part: Option<&'a str>,
    /// How many texts it has.
    pub(super) texts: usize,
}

impl Checker<'_> {
    /// A reference names a row that some mapping makes, with as many texts as that row's id has.
    pub(super) fn made(&self, referred: &Referred<'_>, span: &Span, report: &mut Reporter<'_>) {
        let Referred { entity, system, table, part, texts } = *referred;
        if self.set.model.entity(entity).is_none() {
            let placed = Placed { text: entity.to_owned(), span: span.clone() };
            report.unknown(
                "BRON-M021",
                &placed,
                "entity",
                self.set.model.entities.keys().map(String::as_str),
            );
            return;
        }
        let other = self.set.mapping(system, table);
        let targets = other.iter().flat_map(|other| &other.targets).filter(|one| one.entity == entity);
        let ids: Vec<usize> =
            targets.flat_map(|target| &target.fields).filter_map(|rule| id_of(rule, part)).collect();
        if ids.contains(&texts) {
            return;
        }
        let of_part = part.map_or(String::new(), |part| format!(" with part `{part}`"));
        let (message, help) = match ids.first() {
            Some(wanted) => (
                format!(
                    "the id of `{entity}` from {system}/{table} has {wanted} texts, the reference {texts}"
                ),
                "list the texts of the other mapping's `id`, in order",
            ),
            None => (
                format!(
                    "no mapping makes `{entity}`{of_part} from {system}/{table}, so the reference names nothing"
                ),
                "name the table whose mapping makes the entity, or write that mapping",
            ),
        };
        report.push("BRON-M048", span, message, "refers to nothing", Some(help.to_owned()));
    }
}

/// The number of texts of an id of this part.
fn id_of(rule: &FieldRule, wanted: Option<&str>) -> Option<usize> {
    match &rule.rule {
        Rule::Id { key, part } if part.as_deref() == wanted => Some(key.len()),
        Rule::Id { .. } | Rule::Ref { .. } | Rule::Function { .. } | Rule::Codes { .. } | Rule::Const(_) => {
            None
        }
    }
}

/// Code lists that no mapping reads, and lines of lists that no mapping can come to, as warnings.
pub(super) fn unused_codes(set: &MappingSet) -> Vec<Diagnostic> {
    let mut readers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for mapping in &set.mappings {
        for (list, ..) in mapping.code_lists() {
            readers.entry(list).or_default().insert(&mapping.system);
        }
    }
    let mut found = Vec::new();
    for (name, list) in &set.codes {
        let file = format!("codes/{name}.csv");
        let warn = |code, span: &Span, message: String, help: &str| Diagnostic {
            code,
            severity: Severity::Warning,
            file: file.clone(),
            span: span.clone(),
            message,
            label: "never read".to_owned(),
            help: Some(help.to_owned()),
        };
        let Some(systems) = readers.get(name.as_str()) else {
            let message = format!("no mapping reads the code list `{name}`");
            found.push(warn("BRON-M049", &(0..0), message, "read it by a rule, or remove the file"));
            continue;
        };
        let own: BTreeSet<(&str, &str)> = list.entries().map(|(system, code, _)| (system, code)).collect();
        for (system, code, entry) in list.entries() {
            let reached = |reader: &&&str| {
                **reader == system || (system.is_empty() && !own.contains(&(**reader, code)))
            };
            if systems.iter().any(|reader| reached(&reader)) {
                continue;
            }
            let message = if system.is_empty() {
                format!(
                    "code `{code}` is never looked up here: every system that reads the list has its own line"
                )
            } else {
                format!("code `{code}` is never looked up: no mapping of `{system}` reads the list")
            };
            found.push(warn("BRON-M051", &entry.span, message, "correct the system, or remove the line"));
        }
    }
    found
}

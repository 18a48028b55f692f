//! Parents, neighbours and lookups: their tables and columns are there, and each reads what is known.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checker, known_column};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::document::{Placed, Reporter};
use crate::mapping::{Lookup, Mapping, Origin, OtherTable, PROTECTION};
use crate::project::MappingSet;

/// Lookups into systems that are not there, as warnings: their texts are NULL in every row. `present` are
/// the systems of the project; mappings of other systems are not run and not looked at.
#[must_use]
pub fn check_systems(set: &MappingSet, present: &BTreeSet<String>) -> Vec<Diagnostic> {
    let mappings = set.mappings.iter().filter(|mapping| present.contains(&mapping.system));
    let absent = mappings.flat_map(|mapping| {
        let others = others(mapping).filter(|(_, other)| !present.contains(&other.system));
        others.map(|(name, other)| Diagnostic {
            code: "BRON-M046",
            severity: Severity::Warning,
            file: mapping.file.clone(),
            span: other.system_span.clone(),
            message: format!("`{name}` is always NULL: the project has no system `{}`", other.system),
            label: "not in this project".to_owned(),
            help: Some("name the system in bron.toml, or live without the text".to_owned()),
        })
    });
    absent.collect()
}

/// The tables that a mapping looks into, with the name of the lookup.
fn others(mapping: &Mapping) -> impl Iterator<Item = (&str, &OtherTable)> {
    let parents = mapping.parents.iter().map(|parent| (parent.name.as_str(), &parent.other));
    parents.chain(mapping.aggregates().map(|aggregate| (aggregate.name.as_str(), &aggregate.other)))
}

impl Checker<'_> {
    pub(super) fn lookups(&self, report: &mut Reporter<'_>) {
        for problem in self.mapping.lookup_problems() {
            report.error(problem.code, &problem.span, problem.message, "this lookup");
        }
        for parent in &self.mapping.parents {
            self.other_table(&parent.other, parent.columns(), report);
        }
        for aggregate in self.mapping.aggregates() {
            let on = aggregate.on.iter().map(|(_, other)| other);
            let when = aggregate.when.iter().map(|condition| &condition.origin);
            self.other_table(&aggregate.other, on.chain(when).chain(aggregate.kind.columns()), report);
        }
        self.shadowed(report);
    }

    /// A column of the table hides a lookup of the same name.
    fn shadowed(&self, report: &mut Reporter<'_>) {
        let columns = self.tables.and_then(|tables| tables.get(&self.mapping.table));
        let hidden = |lookup: &&Lookup| {
            columns.is_some_and(|columns| columns.iter().any(|column| column == lookup.name()))
        };
        for lookup in self.mapping.lookups.iter().filter(hidden) {
            let message = format!("`{}` is also a column of the table", lookup.name());
            report.error("BRON-M041", lookup.span(), message, "two meanings");
        }
    }

    /// The table that a lookup reads, and the columns that it reads there.
    fn other_table<'o>(
        &self,
        other: &OtherTable,
        columns: impl Iterator<Item = &'o Origin>,
        report: &mut Reporter<'_>,
    ) {
        if other.system != self.mapping.system && !self.set.systems.contains_key(&other.system) {
            let placed = Placed { text: other.system.clone(), span: other.system_span.clone() };
            report.unknown("BRON-M032", &placed, "system", self.set.systems.keys().map(String::as_str));
            return;
        }
        if let Some(known) = self.table(&other.system, &other.table, &other.table_span, report) {
            for column in columns {
                known_column(column, &column.name, known, report);
            }
        }
    }

    /// The columns of a table, when the tables of its system are known; reports a table that is not there.
    pub(super) fn table(
        &self,
        system: &str,
        name: &str,
        span: &Span,
        report: &mut Reporter<'_>,
    ) -> Option<&[String]> {
        let tables: &BTreeMap<String, Vec<String>> = self.all.get(system)?;
        let columns = tables.get(name);
        if columns.is_none() {
            let placed = Placed { text: name.to_owned(), span: span.clone() };
            report.unknown("BRON-M034", &placed, "table", tables.keys().map(String::as_str));
        }
        columns.map(Vec::as_slice)
    }

    /// A name that a rule reads must be a column, a column of a parent or neighbour, a lookup or `@as_of`.
    pub(super) fn origin(&self, origin: &Origin, report: &mut Reporter<'_>) {
        let placed = Placed { text: origin.name.clone(), span: origin.span.clone() };
        if origin.name.starts_with('@') {
            if origin.name == PROTECTION {
                self.protection_origin(origin, report);
            } else if !SPECIAL.contains(&origin.name.as_str()) {
                report.unknown("BRON-M010", &placed, "column", SPECIAL);
            }
        } else if let Some((name, column)) = origin.parent() {
            match self.columns_behind(origin) {
                Some(columns) => {
                    if let Some(columns) = columns {
                        known_column(origin, column, columns, report);
                    }
                }
                None => {
                    let parents = self.mapping.parents.iter().map(|known| known.name.as_str());
                    let neighbours = self.mapping.neighbours.iter().map(|known| known.name.as_str());
                    let placed = Placed { text: name.to_owned(), ..placed };
                    report.unknown("BRON-M035", &placed, "parent or neighbour", parents.chain(neighbours));
                }
            }
        } else if self.mapping.lookup(origin).is_none()
            && let Some(columns) = self.columns_of(&self.mapping.system, &self.mapping.table)
        {
            let lookups = self.mapping.lookups.iter().map(Lookup::name);
            if !columns.contains(&origin.name) {
                let known = columns.iter().map(String::as_str).chain(lookups);
                report.unknown("BRON-M010", &placed, "column", known);
            }
        }
    }

    /// The columns of the row that an origin with a dot reads, when the table is known; `None` when there is
    /// no parent or neighbour of the name.
    fn columns_behind(&self, origin: &Origin) -> Option<Option<&[String]>> {
        if let Some(parent) = self.mapping.parent(origin) {
            let other = &self.mapping.parents[parent].other;
            return Some(self.columns_of(&other.system, &other.table));
        }
        self.mapping.neighbour(origin)?;
        Some(self.columns_of(&self.mapping.system, &self.mapping.table))
    }

    fn columns_of(&self, system: &str, table: &str) -> Option<&[String]> {
        self.all.get(system)?.get(table).map(Vec::as_slice)
    }
}

/// What origins may name that stands in no table.
const SPECIAL: [&str; 2] = ["@as_of", PROTECTION];

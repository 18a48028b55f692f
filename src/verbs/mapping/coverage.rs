//! `bron mapping coverage`: what of the sources is mapped, which fields of the model are filled, and what the rules
//! met in the rows that were read last.

mod met;

use std::collections::BTreeMap;

use bron_mappings::{Coverage, Entity, MappingSet};
use serde_json::{Value, json};

use crate::args::FolderArguments;
use crate::chain::{Profiles, profiles};
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::project::checked_folder;
use crate::verbs::check::open_project;

/// Entities that the program makes itself, from all systems together.
pub(super) const MADE_BY_BRON: [&str; 3] =
    ["identity_link", "match_candidate", bron_transform::ASSESSMENT_ENTITY];

/// Prints the coverage of a project with its staged rows, or of a folder alone.
pub(super) fn run(arguments: &FolderArguments, printer: &Printer) -> Result<Exit, Failure> {
    let (set, known, met) = match &arguments.project {
        None => {
            let checked = checked_folder(&arguments.path_or_usual())?;
            let known = checked.coverage.clone();
            (checked.usable()?.0, known, None)
        }
        Some(project) => {
            let (settings, checked, sources) = open_project(project)?;
            let known = checked.coverage.clone();
            let set = checked.usable()?.0;
            let met = profiles(&settings, printer, &set, sources)?;
            if met.is_none() {
                printer.say("no staged rows fit these mappings; run `bron extract` to count codes and texts");
            }
            (set, known, met)
        }
    };
    let report =
        Report { tables: tables(&set, &known), entities: entities(&set), set: &set, met: met.as_ref() };
    printer.result(&report.json(), &report.text());
    Ok(Exit::Clean)
}

struct Report<'a> {
    tables: Vec<Table<'a>>,
    entities: Vec<Filled<'a>>,
    set: &'a MappingSet,
    met: Option<&'a Profiles>,
}

/// The columns of one source table.
struct Table<'a> {
    name: &'a str,
    mapped: usize,
    ignored: usize,
    /// Columns that nothing accounts for; `None` when nobody knows the table's columns.
    unmapped: Option<usize>,
}

/// The fields of one entity that rules can fill, each with the mappings that fill it.
struct Filled<'a> {
    entity: &'a Entity,
    fields: BTreeMap<&'a str, Vec<&'a str>>,
}

fn tables<'a>(set: &'a MappingSet, known: &[Coverage]) -> Vec<Table<'a>> {
    let table = |mapping: &'a bron_mappings::Mapping| {
        let of_table = |one: &&Coverage| one.system == mapping.system && one.table == mapping.table;
        let name = mapping.id.as_str();
        match known.iter().find(of_table) {
            Some(Coverage { mapped, ignored, unmapped, .. }) => {
                Table { name, mapped: *mapped, ignored: *ignored, unmapped: Some(*unmapped) }
            }
            None => {
                let read = mapping.own_columns(mapping.origins()).into_iter();
                let mapped = read.filter(|column| !column.starts_with('_')).count();
                Table { name, mapped, ignored: mapping.ignored.len(), unmapped: None }
            }
        }
    };
    set.mappings.iter().map(table).collect()
}

fn entities(set: &MappingSet) -> Vec<Filled<'_>> {
    set.model.entities.values().map(|entity| filled(set, entity)).collect()
}

fn filled<'a>(set: &'a MappingSet, entity: &'a Entity) -> Filled<'a> {
    let own = entity.fields.len().saturating_sub(Entity::shared_fields().len());
    let mut fields: BTreeMap<&str, Vec<&str>> =
        entity.fields[..own].iter().map(|field| (field.name.as_str(), Vec::new())).collect();
    for mapping in &set.mappings {
        let targets = mapping.targets.iter().filter(|target| target.entity == entity.name);
        for rule in targets.flat_map(|target| &target.fields) {
            let by = fields.entry(rule.field.as_str()).or_default();
            if by.last() != Some(&mapping.id.as_str()) {
                by.push(&mapping.id);
            }
        }
    }
    Filled { entity, fields }
}

impl Filled<'_> {
    fn never(&self) -> Vec<&str> {
        self.fields.iter().filter(|(_, by)| by.is_empty()).map(|(field, _)| *field).collect()
    }

    /// Why some fields are never filled by a rule; `None` where nothing says why.
    fn reason(&self) -> Option<&'static str> {
        let never = self.never().len();
        let made_by_bron = never > 0 && MADE_BY_BRON.contains(&self.entity.name.as_str());
        let made_by_nobody = never == self.fields.len();
        made_by_bron
            .then_some("filled by bron itself")
            .or(made_by_nobody.then_some("no mapping makes the entity"))
    }
}

impl Report<'_> {
    fn json(&self) -> Value {
        let tables = self.tables.iter().map(|one| {
            let Table { name, mapped, ignored, unmapped } = one;
            json!({ "mapping": name, "mapped": mapped, "ignored": ignored, "unmapped": unmapped })
        });
        let entities = self.entities.iter().map(|one| {
            json!({
                "entity": one.entity.name,
                "filled": one.fields.len() - one.never().len(),
                "of": one.fields.len(),
                "fields": one.fields,
                "never_filled": one.never(),
                "reason": one.reason(),
            })
        });
        let met = self.met.map(|met| met::json(self.set, met));
        json!({
            "tables": tables.collect::<Vec<_>>(),
            "entities": entities.collect::<Vec<_>>(),
            "run": self.met.map(|met| &met.run),
            "met": met,
        })
    }

    fn text(&self) -> String {
        let mut lines = vec![format!("{:<28} {:>10} {:>8} {:>9}", "table", "accounted", "mapped", "ignored")];
        for Table { name, mapped, ignored, unmapped } in &self.tables {
            let all =
                unmapped.map_or_else(|| "?".to_owned(), |unmapped| (mapped + ignored + unmapped).to_string());
            let accounted = format!("{}/{all}", mapped + ignored);
            lines.push(format!("{name:<28} {accounted:>10} {mapped:>8} {ignored:>9}"));
        }
        lines.push(String::new());
        lines.push(format!("{:<28} {:>10}  never filled", "entity", "filled"));
        for one in &self.entities {
            let never = one.never();
            let filled = format!("{}/{}", one.fields.len() - never.len(), one.fields.len());
            let never = one.reason().map_or_else(|| never.join(", "), str::to_owned);
            lines.push(format!("{:<28} {filled:>10}  {never}", one.entity.name).trim_end().to_owned());
        }
        if let Some(met) = self.met {
            lines.push(String::new());
            lines.extend(met::lines(self.set, met));
        }
        lines.join("\n")
    }
}

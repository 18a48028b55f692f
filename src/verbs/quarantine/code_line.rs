//! A decision to map a code → the line that the engineer adds to the code list.

use std::path::Path;

use bron_load::quarantine::{Decision, Item};
use bron_mappings::{Mapping, MappingSet, Rule};
use serde_json::{Value, json};

use super::plain;
use crate::failure::Failure;
use crate::project::mapping_files;

/// A line for a code list.
pub(super) struct CodeLine {
    /// The file, from the folder of mappings.
    file: String,
    line: String,
    /// Whether the source's code is one that so few rows have that it is not told.
    is_hidden: bool,
}

/// Stands for a code that is not told.
const HIDDEN: &str = "<code>";

/// The lines that mapping files lack by decision.
pub(super) struct CodeLines {
    set: MappingSet,
    files: std::collections::BTreeMap<String, String>,
}

impl CodeLines {
    /// Reads the mapping files of a folder when one of the items is to be mapped.
    pub(super) fn of(mappings: &Path, items: &[Item]) -> Result<Option<Self>, Failure> {
        if items.iter().all(|item| item.decision != Some(Decision::Map)) {
            return Ok(None);
        }
        let files = mapping_files(mappings)?;
        let (set, _) = MappingSet::parse(&files);
        Ok(Some(Self { set, files }))
    }

    /// What the engineer does about an item that is to be mapped; `None` for every other.
    pub(super) fn text(&self, item: &Item) -> Option<String> {
        (item.decision == Some(Decision::Map)).then(|| match self.line(item) {
            Some(line) => plain(&line.text()),
            None if item.code != item.decided_code => {
                "the row has another code now than the one that was decided about: decide again".to_owned()
            }
            None => "no code list is asked for this: change the rule in the mapping file".to_owned(),
        })
    }

    /// The line for an item; `None` where it is not to be mapped, no code list is asked for its field, or its code is
    /// not the one that was decided about.
    pub(super) fn line(&self, item: &Item) -> Option<CodeLine> {
        if item.decision != Some(Decision::Map) || item.code != item.decided_code {
            return None;
        }
        let mapping = self.set.mapping(&item.finding.system, &item.finding.table)?;
        let list = list_of(mapping, &item.finding.field)?;
        let file = format!("codes/{list}.csv");
        let header = self.files.get(&file)?.lines().next()?;
        let terms = self.set.codes.get(list)?;
        let term = terms.entries().find(|(_, _, entry)| entry.target == item.maps_to);
        let term = term.map_or("", |(_, _, entry)| entry.term.as_str());
        let code = if item.code.is_empty() { HIDDEN } else { &item.code };
        let cells = header.split(',').map(|column| match column {
            "system" => csv_cell(&item.finding.system),
            "code" => csv_cell(code),
            "target" => csv_cell(&item.maps_to),
            "term" => csv_cell(term),
            "equivalence" => "equal".to_owned(),
            "status" => "unchecked".to_owned(),
            _ => String::new(),
        });
        let line = cells.collect::<Vec<_>>().join(",");
        Some(CodeLine { file, line, is_hidden: item.code.is_empty() })
    }
}

impl CodeLine {
    pub(super) fn json(&self) -> Value {
        json!({ "file": self.file, "line": self.line, "code_is_hidden": self.is_hidden })
    }

    fn text(&self) -> String {
        let hidden =
            if self.is_hidden { " (few rows have the code: see it with `show --identity`)" } else { "" };
        format!("add to {}: {}{hidden}", self.file, self.line)
    }
}

/// The code list that the rule of a field asks.
fn list_of<'m>(mapping: &'m Mapping, field: &str) -> Option<&'m str> {
    let mut rules = mapping.targets.iter().flat_map(|target| &target.fields);
    rules.find_map(|rule| match &rule.rule {
        Rule::Codes { list, .. } if rule.field == field => Some(list.as_str()),
        Rule::Codes { .. } | Rule::Id { .. } | Rule::Ref { .. } | Rule::Function { .. } | Rule::Const(_) => {
            None
        }
    })
}

fn csv_cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

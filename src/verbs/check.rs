//! `bron check`: every name, every column, every example; and all mistakes at once.

use std::collections::BTreeMap;
use std::path::Path;

use bron_mappings::{Coverage, MappingSet, Severity, Waivers, check_systems};
use serde_json::json;

use crate::args::{ChainArguments, CheckArguments};
use crate::chain::{WAIVERS_FILE, unlisted_codes, waivers_text};
use crate::failure::{Exit, Failure};
use crate::printer::{Printer, diagnostic_json};
use crate::project::{
    Checked, OpenSource, check_files, checked_folder, impatient, known_tables, mapping_files, open_sources,
    require_as_of,
};
use crate::settings::Settings;

/// Checks a project's mappings against its sources' tables, with the differences that its `waivers.toml` accepts, or a
/// folder of mappings alone. No row of a source is read; of a run that is there the codes are compared with their
/// lists.
pub(super) fn run(arguments: &CheckArguments, printer: &Printer) -> Result<Exit, Failure> {
    let checked = match (&arguments.project, &arguments.mappings) {
        (Some(project), _) => check_project(project, printer)?,
        (None, Some(dir)) => checked_folder(dir)?,
        (None, None) => return Err(Failure::config("name a project or a folder of mappings")),
    };
    let warnings = checked.diagnostics.iter().filter(|one| one.severity == Severity::Warning).count();
    let errors = checked.diagnostics.len() - warnings;
    if errors > 0 || (arguments.deny_warnings && warnings > 0) {
        let mut failure =
            Failure::config(format!("{errors} errors and {warnings} warnings in the mapping files"));
        failure.diagnostics = checked.diagnostics;
        return Err(failure);
    }
    let files = |file: &str| checked.files.get(file).cloned();
    printer.warnings(&checked.diagnostics, &files);
    let diagnostics: Vec<_> = checked.diagnostics.iter().map(|one| diagnostic_json(one, &files)).collect();
    let examples: usize = checked.set.mappings.iter().map(|mapping| mapping.examples.len()).sum();
    let coverage: Vec<_> = checked.coverage.iter().map(coverage_json).collect();
    let document = json!({
        "mappings": checked.set.mappings.len(),
        "examples": examples,
        "warnings": warnings,
        "coverage": coverage,
        "diagnostics": diagnostics,
    });
    printer.result(&document, &text(&checked, examples));
    Ok(Exit::Clean)
}

fn check_project(project: &Path, printer: &Printer) -> Result<Checked, Failure> {
    let (settings, mut checked, sources) = open_project(project)?;
    checked.diagnostics.extend(check_systems(&checked.set, &sources.keys().cloned().collect()));
    require_as_of(&settings, &checked.set)?;
    if let Some(text) = waivers_text(project)? {
        checked.diagnostics.extend(Waivers::parse(WAIVERS_FILE, &text, &checked.set.model).1);
        checked.files.insert(WAIVERS_FILE.to_owned(), text);
    }
    if checked.diagnostics.iter().all(|one| one.severity != Severity::Error) {
        checked.diagnostics.extend(unlisted_codes(&settings, printer, &checked.set)?);
    }
    Ok(checked)
}

/// A project with its mapping files, checked against the tables of its sources.
pub(super) fn open_project(
    project: &Path,
) -> Result<(Settings, Checked, BTreeMap<String, OpenSource>), Failure> {
    let arguments = ChainArguments { project: project.to_owned(), target: None, batch_rows: None };
    let settings = Settings::resolve(&arguments)?;
    let files = mapping_files(&settings.mappings)?;
    let parsed = MappingSet::parse(&files);
    let sources = open_sources(&settings, &parsed.0, impatient)?;
    let checked = check_files(files, parsed, &known_tables(&sources));
    Ok((settings, checked, sources))
}

fn coverage_json(coverage: &Coverage) -> serde_json::Value {
    let Coverage { system, table, mapped, ignored, unmapped } = coverage;
    json!({ "system": system, "table": table, "mapped": mapped, "ignored": ignored, "unmapped": unmapped })
}

fn text(checked: &Checked, examples: usize) -> String {
    let mut lines = vec![format!("{:<28} {:>7} {:>8} {:>9}", "table", "columns", "mapped", "ignored")];
    for Coverage { system, table, mapped, ignored, unmapped } in &checked.coverage {
        let name = format!("{system}/{table}");
        lines.push(format!("{name:<28} {:>7} {mapped:>8} {ignored:>9}", mapped + ignored + unmapped));
    }
    let mappings = checked.set.mappings.len();
    lines
        .push(format!("{mappings} mappings and {examples} examples hold; every column is mapped or ignored"));
    let warnings = checked.diagnostics.len();
    if warnings > 0 {
        lines.push(format!("{warnings} warnings"));
    }
    lines.join("\n")
}

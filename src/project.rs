//! The files of a project: its mapping folder and its sources, opened and checked against each other.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bron_extract::{Source, TableSchema};
use bron_mappings::{Coverage, Diagnostic, FunctionSpec, Mapping, MappingSet, Severity, Tables, check};
use bron_reconcile::controls::{self, Control};
use bron_transform::{check_rules, registry, run_examples};

use crate::chain::{control_columns, control_fields};
use crate::failure::{Failure, whole};
use crate::patience::{Tries, persist};
use crate::settings::Settings;

/// A source system, open.
pub(crate) struct OpenSource {
    pub(crate) source: Box<dyn Source>,
    pub(crate) tables: Vec<TableSchema>,
    pub(crate) tries: Tries,
}

/// The text of every mapping file under `dir`, by its path relative to it.
pub(crate) fn mapping_files(dir: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let mut files = BTreeMap::new();
    read_folder(dir, "", &mut files)?;
    if files.is_empty() {
        return Err(Failure::config(format!("there are no mapping files in {}", dir.display())));
    }
    Ok(files)
}

fn read_folder(dir: &Path, prefix: &str, files: &mut BTreeMap<String, String>) -> Result<(), Failure> {
    let cannot = |path: &Path, error: std::io::Error| {
        Failure::config(format!("cannot read {}: {error}", path.display()))
    };
    for entry in std::fs::read_dir(dir).map_err(|error| cannot(dir, error))? {
        let entry = entry.map_err(|error| cannot(dir, error))?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        let path = entry.path();
        if path.is_dir() {
            read_folder(&path, &format!("{prefix}{name}/"), files)?;
        } else if is_mapping_file(&format!("{prefix}{name}")) {
            let text = std::fs::read_to_string(&path).map_err(|error| cannot(&path, error))?;
            files.insert(format!("{prefix}{name}"), text);
        }
    }
    Ok(())
}

/// Whether a file of a mapping folder, by its path in it, is one of the mapping files. Files beside the folders
/// are somebody else's: the shipped folder is also a crate.
pub(crate) fn is_mapping_file(path: &str) -> bool {
    let Some((folder, name)) = path.rsplit_once('/') else { return false };
    let hidden = path.split('/').any(|part| part.starts_with('.'));
    !hidden && (name.ends_with(".toml") || (folder == "codes" && name.ends_with(".csv")))
}

/// What a check of mapping files found.
pub(crate) struct Checked {
    /// The text of every file, by its path.
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) set: MappingSet,
    pub(crate) coverage: Vec<Coverage>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Checks a folder of mapping files alone; the columns of systems that deliver files are known.
pub(crate) fn checked_folder(dir: &Path) -> Result<Checked, Failure> {
    let files = mapping_files(dir)?;
    let parsed = MappingSet::parse(&files);
    let tables = described_tables(&parsed.0)?;
    Ok(check_files(files, parsed, &tables))
}

/// Checks mapping files that were parsed as `(set, diagnostics)`: their text, their names against `tables`,
/// and, when all is well so far, their examples.
pub(crate) fn check_files(
    files: BTreeMap<String, String>,
    (set, mut diagnostics): (MappingSet, Vec<Diagnostic>),
    tables: &Tables,
) -> Checked {
    let functions: Vec<FunctionSpec> = registry().iter().map(|function| function.spec).collect();
    let (coverage, found) = check(&set, &functions, tables);
    diagnostics.extend(found);
    diagnostics.extend(check_rules(&set));
    diagnostics.extend(check_controls(&files, &set, tables));
    if diagnostics.iter().all(|one| one.severity != Severity::Error) {
        diagnostics.extend(run_examples(&set));
    }
    diagnostics.sort_by(|a, b| (&a.file, a.span.start, a.code).cmp(&(&b.file, b.span.start, b.code)));
    Checked { files, set, coverage, diagnostics }
}

/// Checks the control files: their text, and that the tables, columns and fields they name are there.
fn check_controls(files: &BTreeMap<String, String>, set: &MappingSet, tables: &Tables) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for (file, text) in files.iter().filter(|(path, _)| path.starts_with("controls/")) {
        let problem = |message: String| Diagnostic {
            code: "BRON-C001",
            severity: Severity::Error,
            file: file.clone(),
            span: 0..0,
            message,
            label: "this file".to_owned(),
            help: None,
        };
        let controls = match controls::parse([(file.as_str(), text.as_str())]) {
            Ok(controls) => controls,
            Err(error) => {
                found.push(problem(whole(&error)));
                continue;
            }
        };
        for control in controls {
            let unknown = unknown_names(&control, set, tables);
            found
                .extend(unknown.into_iter().map(|name| problem(format!("control {}: {name}", control.name))));
            if let Some(other) = names.insert(control.name.clone(), file) {
                found.push(problem(format!("control {} is also in {other}", control.name)));
            }
        }
    }
    found
}

/// What a control names that is not there, in words.
fn unknown_names(control: &Control, set: &MappingSet, tables: &Tables) -> Vec<String> {
    let mut unknown = Vec::new();
    for ((system, table), columns) in control_columns(std::slice::from_ref(control)) {
        // A system that is not here says nothing about its tables.
        let Some(known) = tables.get(&system) else { continue };
        let known = known.get(&table).map_or(&[][..], Vec::as_slice);
        let missing = columns.into_iter().filter(|column| !known.contains(column));
        unknown.extend(missing.map(|column| format!("{system}/{table} has no column {column}")));
    }
    for (entity, fields) in control_fields(std::slice::from_ref(control)) {
        let known =
            |field: &String| set.model.entity(&entity).is_some_and(|entity| entity.field(field).is_some());
        let missing = fields.into_iter().filter(|field| !known(field));
        unknown.extend(missing.map(|field| format!("the model has no {entity}.{field}")));
    }
    unknown
}

/// `@as_of` is the day that the project states; a rule that reads it would never be broken without one.
pub(crate) fn require_as_of(settings: &Settings, set: &MappingSet) -> Result<(), Failure> {
    let reads = |mapping: &&Mapping| {
        settings.systems.contains_key(&mapping.system)
            && mapping.origins().any(|origin| origin.name == "@as_of")
    };
    match set.mappings.iter().find(reads) {
        Some(mapping) if settings.as_of.is_none() => {
            Err(Failure::config(format!("{} reads `@as_of`, but bron.toml states no `as_of`", mapping.id))
                .hint("write the day on which the sources were read: as_of = \"2024-12-31\""))
        }
        _ => Ok(()),
    }
}

impl Checked {
    /// The mapping set and the files it was read from, when nothing in it is an error.
    pub(crate) fn usable(self) -> Result<(MappingSet, BTreeMap<String, String>), Failure> {
        let errors = self.diagnostics.iter().filter(|one| one.severity == Severity::Error).count();
        if errors == 0 {
            return Ok((self.set, self.files));
        }
        let mut failure =
            Failure::config(format!("the mapping files have {errors} errors; nothing was read"));
        failure.diagnostics = self.diagnostics;
        Err(failure)
    }
}

/// Opens the sources of a project and asks each for its tables. Reads no rows. `pause` decides about sources that
/// cannot be read yet, see [`persist`].
pub(crate) fn open_sources(
    settings: &Settings,
    set: &MappingSet,
    pause: impl Fn(&str, Duration) -> bool,
) -> Result<BTreeMap<String, OpenSource>, Failure> {
    let mut sources = BTreeMap::new();
    for (name, system) in &settings.systems {
        let mut tries = Tries::new(system.patience);
        let opened = persist(&mut tries, name, &pause, || {
            let mut source = system.access.open(set.systems.get(name))?;
            let tables = source.tables()?;
            Ok((source, tables))
        });
        let (source, tables) = opened.map_err(|error| Failure::of_source(name, error, &settings.again()))?;
        sources.insert(name.clone(), OpenSource { source, tables, tries });
    }
    Ok(sources)
}

/// Asks nothing twice: for whoever looks at a source and waits for the answer.
pub(crate) fn impatient(_: &str, _: Duration) -> bool {
    false
}

/// The tables and columns of open sources, as a check wants them.
pub(crate) fn known_tables(sources: &BTreeMap<String, OpenSource>) -> Tables {
    sources.iter().map(|(system, open)| (system.clone(), columns_of(&open.tables))).collect()
}

fn columns_of(tables: &[TableSchema]) -> BTreeMap<String, Vec<String>> {
    let columns = |table: &TableSchema| table.columns.iter().map(|column| column.name.clone()).collect();
    tables.iter().map(|table| (table.name.clone(), columns(table))).collect()
}

/// The tables of systems that deliver files, as their descriptions declare them: known without any source.
pub(crate) fn described_tables(set: &MappingSet) -> Result<Tables, Failure> {
    let mut tables = Tables::new();
    for system in set.systems.values().filter(|system| !system.csv.is_empty()) {
        tables.insert(system.name.clone(), columns_of(&bron_extract::described_tables(system)?));
    }
    Ok(tables)
}

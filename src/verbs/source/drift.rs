//! `bron source drift`: what became of a source since it was read, before anybody reads it again.

mod document;

use std::collections::BTreeMap;

use bron_extract::profile::{TableProfile, profile, profile_rows, references};
use bron_extract::{ErrorKind, Locator, TableSchema};
use bron_mappings::{Diagnostic, MappingSet, Severity};
use bron_reconcile::snapshot::{Consequence, Finding, declared, drift, new_codes, rows_fell};
use serde_json::json;

use super::{BATCH_ROWS, settings, unknown, write_page};
use crate::args::DriftArguments;
use crate::chain::{LastReading, StagedTable, shapes};
use crate::failure::{Exit, Failure, whole};
use crate::patience::Tries;
use crate::printer::{Printer, diagnostic_json};
use crate::project::{OpenSource, check_files, known_tables, mapping_files};
use crate::settings::Settings;

/// The mistakes in mapping files that say that a source has other tables or columns than they were written for.
const OF_TABLES: [&str; 4] = ["BRON-M010", "BRON-M030", "BRON-M034", "BRON-M040"];

/// What was found.
struct Compared {
    source: String,
    /// The run with the last reading; `None` before there is one.
    run: Option<String>,
    /// Whether rows were read.
    values: bool,
    /// The differences, the gravest first.
    findings: Vec<Finding>,
    /// What the mapping files say that the source does not have, or the other way round.
    mistakes: Vec<Diagnostic>,
}

impl Compared {
    fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.mistakes.is_empty()
    }

    /// Whether an extract would stop.
    fn stops(&self) -> bool {
        let stops = |one: &Finding| one.consequence == Consequence::Stops;
        !self.mistakes.is_empty() || self.findings.iter().any(stops)
    }
}

/// Compares a source of a project with its last reading and with the mapping files.
pub(super) fn run(arguments: &DriftArguments, printer: &Printer) -> Result<Exit, Failure> {
    let settings = settings(&arguments.project)?;
    let files = mapping_files(&settings.mappings)?;
    let compared = compare(&settings, arguments, &files, printer)?;
    if let Some(path) = &arguments.html {
        write_page(path, &document::page(&compared))?;
    }
    let texts = |file: &str| files.get(file).cloned();
    let mistakes: Vec<_> = compared.mistakes.iter().map(|one| diagnostic_json(one, &texts)).collect();
    let document = json!({
        "source": compared.source,
        "compared_with": compared.run,
        "rows_read": compared.values,
        "findings": compared.findings,
        "diagnostics": mistakes,
    });
    printer.result(&document, &text(&compared));
    printer.warnings(&compared.mistakes, &texts);
    Ok(if compared.is_clean() { Exit::Clean } else { Exit::Drift })
}

fn compare(
    settings: &Settings,
    arguments: &DriftArguments,
    files: &BTreeMap<String, String>,
    printer: &Printer,
) -> Result<Compared, Failure> {
    let name = &arguments.source;
    let parsed = MappingSet::parse(files);
    let last = LastReading::of(settings, name)?;
    let run = last.as_ref().map(|last| last.run().to_owned());
    let mut compared = Compared {
        source: name.clone(),
        run,
        values: arguments.values,
        findings: Vec::new(),
        mistakes: Vec::new(),
    };
    let mut opened = match open(settings, name, &parsed.0)? {
        Ok(opened) => BTreeMap::from([(name.clone(), opened)]),
        Err(finding) => {
            compared.findings.push(finding);
            return Ok(compared);
        }
    };
    let tables = known_tables(&opened);
    let mut checked = check_files(files.clone(), parsed, &tables);
    let own = format!("{name}/");
    checked.diagnostics.retain(|one| {
        one.severity == Severity::Error && one.file.starts_with(&own) && OF_TABLES.contains(&one.code)
    });
    compared.mistakes = checked.diagnostics;
    // Of files it is the mapping files that say what they hold, and only reading them shows whether it is so.
    let is_files =
        settings.systems.get(name).is_some_and(|one| matches!(one.access.locator, Locator::Csv(_)));
    compared.values |= is_files;
    if let Some(last) = last.as_ref().filter(|_| !is_files) {
        compared.findings = declared(&drift(last.tables(), &shapes(&opened)), &checked.set);
    }
    let open = opened.get_mut(name).expect("the only source");
    let mut rows = Rows { system: name, set: &checked.set, last: last.as_ref(), findings: Vec::new() };
    if compared.values {
        rows.read(open, printer)?;
    } else {
        rows.estimate(&open.tables)?;
    }
    compared.findings.append(&mut rows.findings);
    compared.findings.sort();
    Ok(compared)
}

/// Opens a source of a project. A folder of files is opened by its description, and files that are not as described
/// are a finding.
fn open(settings: &Settings, name: &str, set: &MappingSet) -> Result<Result<OpenSource, Finding>, Failure> {
    let system = settings.systems.get(name).ok_or_else(|| unknown(name, settings))?;
    let opened = system.access.open(set.systems.get(name)).and_then(|mut source| {
        let tables = source.tables()?;
        Ok(OpenSource { source, tables, tries: Tries::new(system.patience) })
    });
    match opened {
        Err(error) if error.kind() == ErrorKind::Drift => Ok(Err(undescribed(name, &whole(&error)))),
        opened => Ok(Ok(opened?)),
    }
}

/// The finding that a source is not as its mapping files describe it.
fn undescribed(system: &str, problem: &str) -> Finding {
    Finding {
        consequence: Consequence::Stops,
        system: system.to_owned(),
        table: String::new(),
        column: String::new(),
        kind: "undescribed",
        en: problem.to_owned(),
        sv: format!("är inte som beskriven: {problem}"),
        hint: "describe the files as they are, or ask for a new delivery".to_owned(),
        hint_sv: "beskriv filerna som de är, eller be om en ny leverans".to_owned(),
    }
}

/// What became of the rows of the tables.
struct Rows<'a> {
    system: &'a str,
    set: &'a MappingSet,
    last: Option<&'a LastReading>,
    findings: Vec<Finding>,
}

impl Rows<'_> {
    /// A table as it was staged at the last reading, with the rows that were read then.
    fn staged(&self, table: &TableSchema) -> Result<Option<(StagedTable, u64)>, Failure> {
        let Some(last) = self.last else { return Ok(None) };
        let staged = last.staged(&table.name)?;
        Ok(staged.map(|staged| {
            let read = staged.manifest.ledger.as_ref().map_or(staged.manifest.rows, |ledger| ledger.read);
            (staged, read)
        }))
    }

    /// Compares with what the source itself says of its rows.
    fn estimate(&mut self, tables: &[TableSchema]) -> Result<(), Failure> {
        for table in tables {
            // A server that knows no number says nought.
            if table.rows_estimate > 0
                && let Some((_, read)) = self.staged(table)?
            {
                self.findings.extend(rows_fell(self.system, &table.name, read, table.rows_estimate, true));
            }
        }
        Ok(())
    }

    /// Reads the rows, counts them, and compares their codes with those that were staged.
    fn read(&mut self, open: &mut OpenSource, printer: &Printer) -> Result<(), Failure> {
        open.source.fingerprint()?;
        let stage = printer.stage("drift", u64::try_from(open.tables.len()).unwrap_or(0));
        let (mut before, mut now, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for table in &open.tables {
            stage.now(&table.name);
            stage.step();
            let staged = self.staged(table)?;
            let both = staged.as_ref().map_or_else(|| table.clone(), |(staged, _)| readable(table, staged));
            let found = match profile(open.source.as_mut(), &both, BATCH_ROWS) {
                Err(error) if error.kind() == ErrorKind::Drift => {
                    self.findings.push(undescribed(self.system, &whole(&error)));
                    continue;
                }
                found => found?,
            };
            let Some((staged, read)) = staged else {
                others.push(found);
                continue;
            };
            self.findings.extend(rows_fell(self.system, &table.name, read, found.rows, false));
            let names: Vec<&str> = both.columns.iter().map(|column| column.name.as_str()).collect();
            let mut reader = staged.manifest.read(&staged.dir, Some(&names), BATCH_ROWS)?;
            before.push(profile_rows(&both, &mut reader)?);
            now.push(found);
        }
        // What names rows and people is no code, also when the table of the people is not staged.
        now.append(&mut others);
        references(&mut now);
        let codes =
            before.iter().zip(&now).flat_map(|(before, now)| codes(self.system, before, now, self.set));
        self.findings.extend(codes);
        Ok(())
    }
}

/// The table with the columns that both readings have.
fn readable(table: &TableSchema, staged: &StagedTable) -> TableSchema {
    let there = |name: &str| staged.manifest.schema.index_of(name).is_some();
    let columns = table.columns.iter().filter(|column| there(&column.name)).cloned().collect();
    TableSchema { columns, ..table.clone() }
}

fn codes(system: &str, before: &TableProfile, now: &TableProfile, set: &MappingSet) -> Vec<Finding> {
    let pairs = now.columns.iter().zip(&before.columns);
    let found = pairs.filter_map(|(now_column, then)| {
        let new = now_column.new_since(then)?;
        new_codes(set, [system, &now.table, &now_column.name], &new.shown, new.hidden)
    });
    found.collect()
}

fn text(compared: &Compared) -> String {
    let Compared { source, run, findings, mistakes, .. } = compared;
    let with = run.as_ref().map_or_else(
        || "it has not been read before; compared with the mapping files".to_owned(),
        |run| format!("compared with the reading of run {run} and with the mapping files"),
    );
    let mut lines = vec![format!("{source}: {with}")];
    for one in findings {
        let word = match one.consequence {
            Consequence::Stops => "STOPS",
            Consequence::Look => "look",
            Consequence::Told => "told",
        };
        let hint = if one.hint.is_empty() { String::new() } else { format!(" ({})", one.hint) };
        lines.push(format!("{word:<6} {}{hint}", one.en));
    }
    if !mistakes.is_empty() {
        lines.push(format!("{} places where the mapping files name other tables or columns", mistakes.len()));
    }
    lines.push(match (compared.is_clean(), compared.stops()) {
        (true, _) => "nothing is another than it was".to_owned(),
        (false, true) => "an extract stops before it reads a row".to_owned(),
        (false, false) => "an extract goes on".to_owned(),
    });
    lines.join("\n")
}

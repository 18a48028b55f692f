//! `bron source`: what lies in a source that nobody has described, and what became of one that somebody has.

mod document;
mod drift;
mod text;

pub(super) use document::facts;

use std::path::Path;

use bron_extract::profile::{Reference, TableProfile, profile, references};
use bron_extract::{Access, Consistency, Locator, Sniffed, SniffedFolder, Source, TableSchema, atomic};
use bron_reconcile::page::{Page, html, sheets};
use bron_reconcile::worklist::workbook;
use serde_json::{Value, json};

use crate::args::{ChainArguments, DescribeArguments, SourceArguments, SourceVerb};
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::settings::Settings;

/// Rows that a profile works on at a time.
const BATCH_ROWS: usize = 8192;

/// Does what was asked.
pub(super) fn run(verb: &SourceVerb, printer: &Printer) -> Result<Exit, Failure> {
    match verb {
        SourceVerb::Inspect(arguments) => inspect(arguments, printer),
        SourceVerb::Profile(arguments) => describe(arguments, printer),
        SourceVerb::Drift(arguments) => drift::run(arguments, printer),
    }
}

/// A source that is open, with the tables that were asked for.
pub(super) struct Opened {
    /// What people call it: its name in the project, or its address without user and password.
    pub(super) name: String,
    pub(super) locator: Locator,
    pub(super) source: Box<dyn Source>,
    pub(super) tables: Vec<TableSchema>,
    /// Whether these are all tables of the source.
    is_whole: bool,
    /// How each file was taken, for a folder that no project describes.
    pub(super) verdicts: Vec<Sniffed>,
}

/// What the rows of a source hold.
pub(super) struct Profiled {
    pub(super) tables: Vec<TableProfile>,
    pub(super) references: Vec<Reference>,
}

impl Opened {
    /// Opens the source that the arguments name.
    pub(super) fn open(arguments: &SourceArguments) -> Result<Self, Failure> {
        let mut opened = Self::open_whole(arguments)?;
        for asked in &arguments.tables {
            if !opened.tables.iter().any(|table| &table.name == asked) {
                return Err(Failure::config(format!("the source has no table {asked}")));
            }
        }
        let all = opened.tables.len();
        opened.tables.retain(|table| arguments.tables.is_empty() || arguments.tables.contains(&table.name));
        opened.is_whole = opened.tables.len() == all;
        Ok(opened)
    }

    fn open_whole(arguments: &SourceArguments) -> Result<Self, Failure> {
        let access = access(arguments)?;
        let is_address = arguments.source.contains(':');
        let name = if is_address { access.locator.to_string() } else { arguments.source.clone() };
        // What a project says about a folder is not needed here: the files are looked at.
        let (mut source, verdicts): (Box<dyn Source>, _) = match &access.locator {
            Locator::Csv(folder) => {
                let folder = SniffedFolder::open(folder)?;
                let verdicts = folder.verdicts().to_vec();
                (Box::new(folder), verdicts)
            }
            Locator::Sqlite(_)
            | Locator::Postgres(_)
            | Locator::Mysql(_)
            | Locator::Mssql(_)
            | Locator::Odbc(_) => (access.open(None)?, Vec::new()),
        };
        let tables = source.tables()?;
        Ok(Self { name, locator: access.locator, source, tables, is_whole: true, verdicts })
    }

    /// Reads every row of the tables and says what they hold.
    pub(super) fn profile(&mut self, printer: &Printer) -> Result<Profiled, Failure> {
        self.source.fingerprint()?;
        let stage = printer.stage("profile", u64::try_from(self.tables.len()).unwrap_or(0));
        let mut tables = Vec::with_capacity(self.tables.len());
        for table in &self.tables {
            stage.now(&table.name);
            tables.push(profile(self.source.as_mut(), table, BATCH_ROWS)?);
            stage.step();
        }
        drop(stage);
        let references = references(&mut tables);
        if !self.is_whole {
            printer.say(
                "no codes are shown: which columns name people shows only beside all tables of the source",
            );
            tables.iter_mut().for_each(TableProfile::forget_codes);
        }
        Ok(Profiled { tables, references })
    }
}

fn access(arguments: &SourceArguments) -> Result<Access, Failure> {
    if arguments.source.contains(':') {
        return Ok(Access::new(Locator::parse(&arguments.source)?));
    }
    let settings = settings(&arguments.project)?;
    let access = settings.systems.get(&arguments.source).map(|system| system.access.clone());
    access.ok_or_else(|| unknown(&arguments.source, &settings))
}

fn settings(project: &Path) -> Result<Settings, Failure> {
    Settings::resolve(&ChainArguments { project: project.to_owned(), target: None, batch_rows: None })
}

fn unknown(source: &str, settings: &Settings) -> Failure {
    let known = settings.systems.keys().cloned().collect::<Vec<_>>().join(", ");
    Failure::config(format!("bron.toml names no source {source}"))
        .hint(format!("it names {known}; another source is named by its address"))
}

fn inspect(arguments: &DescribeArguments, printer: &Printer) -> Result<Exit, Failure> {
    let opened = Opened::open(&arguments.source)?;
    let driver = opened.source.driver().map(|file| file.display().to_string());
    if let Some(file) = &driver {
        printer.say(&format!("read through {file}"));
    }
    write_pages(arguments, || document::inspected(&opened))?;
    let document = json!({
        "consistency": consistency_json(&opened.source.consistency()),
        "driver": driver,
        "tables": opened.tables.iter().map(table_json).collect::<Vec<_>>(),
        "files": opened.verdicts,
    });
    printer.result(&document, &text::inspected(&opened));
    Ok(Exit::Clean)
}

fn describe(arguments: &DescribeArguments, printer: &Printer) -> Result<Exit, Failure> {
    let mut opened = Opened::open(&arguments.source)?;
    let Profiled { tables, references } = opened.profile(printer)?;
    write_pages(arguments, || document::profiled(&opened, &tables, &references))?;
    let document = json!({
        "consistency": consistency_json(&opened.source.consistency()),
        "files": opened.verdicts,
        "tables": tables,
        "references": references,
    });
    printer.result(&document, &text::profiled(&tables, &references));
    Ok(Exit::Clean)
}

/// Writes the page and the workbook that were asked for.
fn write_pages(arguments: &DescribeArguments, page: impl Fn() -> Page) -> Result<(), Failure> {
    if let Some(path) = &arguments.html {
        write_page(path, &page())?;
    }
    if let Some(path) = &arguments.excel {
        let page = page();
        atomic::write(path, &workbook(&page.kicker, &sheets(&page))?)?;
    }
    Ok(())
}

fn write_page(path: &Path, page: &Page) -> Result<(), Failure> {
    Ok(atomic::write(path, html(page)?.as_bytes())?)
}

pub(super) fn consistency_json(consistency: &Consistency) -> Value {
    match consistency {
        Consistency::Point { how, at } => json!({ "one_moment": true, "how": how, "at": at }),
        Consistency::None { why } => json!({ "one_moment": false, "why": why }),
    }
}

fn table_json(table: &TableSchema) -> Value {
    let columns = table.columns.iter();
    let columns = columns.map(|column| {
        json!({ "name": column.name, "declared_type": column.declared_type, "nullable": column.nullable })
    });
    json!({
        "table": table.name,
        "rows_estimate": table.rows_estimate,
        "key": table.key_unique,
        "columns": columns.collect::<Vec<_>>(),
    })
}

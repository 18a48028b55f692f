//! `bron source`: what lies in a source that nobody has described.

mod pages;

use bron_extract::profile::{TableProfile, profile, references};
use bron_extract::{Access, Consistency, Locator, Sniffed, SniffedFolder, Source, TableSchema, atomic};
use bron_reconcile::worklist::workbook;
use serde_json::{Value, json};

use crate::args::{ChainArguments, ProfileArguments, SourceArguments, SourceVerb};
use crate::failure::{Exit, Failure, whole};
use crate::printer::Printer;
use crate::settings::Settings;

/// Rows that a profile works on at a time.
const BATCH_ROWS: usize = 8192;

/// Does what was asked.
pub(super) fn run(verb: &SourceVerb, printer: &Printer) -> Result<Exit, Failure> {
    match verb {
        SourceVerb::Inspect(arguments) => inspect(arguments, printer),
        SourceVerb::Profile(arguments) => profile_source(arguments, printer),
    }
}

/// A source that is open, with the tables that were asked for.
struct Opened {
    source: Box<dyn Source>,
    tables: Vec<TableSchema>,
    /// How each file was taken, for a folder that no project describes.
    verdicts: Vec<Sniffed>,
}

fn open(arguments: &SourceArguments) -> Result<Opened, Failure> {
    let (mut source, verdicts) = open_named(arguments)?;
    let mut tables = source.tables()?;
    for asked in &arguments.tables {
        if !tables.iter().any(|table| &table.name == asked) {
            return Err(Failure::config(format!("the source has no table {asked}")));
        }
    }
    tables.retain(|table| arguments.tables.is_empty() || arguments.tables.contains(&table.name));
    Ok(Opened { source, tables, verdicts })
}

fn open_named(arguments: &SourceArguments) -> Result<(Box<dyn Source>, Vec<Sniffed>), Failure> {
    let access = if arguments.source.contains(':') {
        Access::new(Locator::parse(&arguments.source)?)
    } else {
        let project = arguments.project.clone();
        let settings = Settings::resolve(&ChainArguments { project, target: None, batch_rows: None })?;
        let access = settings.systems.get(&arguments.source).map(|system| system.access.clone());
        access.ok_or_else(|| {
            let known = settings.systems.keys().cloned().collect::<Vec<_>>().join(", ");
            let problem = format!("bron.toml names no source {}", arguments.source);
            Failure::config(problem).hint(format!("it names {known}; another source is named by its address"))
        })?
    };
    // What a project says about a folder is not needed here: the files are looked at.
    if let Locator::Csv(folder) = &access.locator {
        let folder = SniffedFolder::open(folder)?;
        let verdicts = folder.verdicts().to_vec();
        return Ok((Box::new(folder), verdicts));
    }
    Ok((access.open(None)?, Vec::new()))
}

fn inspect(arguments: &SourceArguments, printer: &Printer) -> Result<Exit, Failure> {
    let opened = open(arguments)?;
    let moment = consistency_json(&opened.source.consistency());
    let tables: Vec<Value> = opened.tables.iter().map(table_json).collect();
    let driver = opened.source.driver().map(|file| file.display().to_string());
    if let Some(file) = &driver {
        printer.say(&format!("read through {file}"));
    }
    let document =
        json!({ "consistency": moment, "driver": driver, "tables": tables, "files": opened.verdicts });
    printer.result(&document, &pages::inspected(&opened.tables, &opened.verdicts));
    Ok(Exit::Clean)
}

fn profile_source(arguments: &ProfileArguments, printer: &Printer) -> Result<Exit, Failure> {
    let Opened { mut source, tables, verdicts } = open(&arguments.source)?;
    source.fingerprint()?;
    let stage = printer.stage("profile", u64::try_from(tables.len()).unwrap_or(0));
    let mut profiles: Vec<TableProfile> = Vec::with_capacity(tables.len());
    for table in &tables {
        stage.now(&table.name);
        profiles.push(profile(source.as_mut(), table, BATCH_ROWS)?);
        stage.step();
    }
    drop(stage);
    let guessed = references(&mut profiles);
    if let Some(path) = &arguments.excel {
        let book = workbook("Profil", &pages::sheets(&profiles, &guessed))
            .map_err(|error| Failure::config(whole(&error)))?;
        atomic::write(path, &book)?;
    }
    let document = json!({
        "consistency": consistency_json(&source.consistency()),
        "files": verdicts,
        "tables": profiles,
        "references": guessed,
    });
    printer.result(&document, &pages::profiled(&profiles, &guessed));
    Ok(Exit::Clean)
}

fn consistency_json(consistency: &Consistency) -> Value {
    match consistency {
        Consistency::Point { how, at } => json!({ "one_moment": true, "how": how, "at": at }),
        Consistency::None { why } => json!({ "one_moment": false, "why": why }),
    }
}

fn table_json(table: &TableSchema) -> Value {
    let columns = table.columns.iter();
    let columns = columns.map(|column| json!({ "name": column.name, "declared_type": column.declared_type }));
    json!({
        "table": table.name,
        "rows_estimate": table.rows_estimate,
        "key": table.key_unique,
        "columns": columns.collect::<Vec<_>>(),
    })
}

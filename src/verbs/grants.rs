//! `bron grants`: the rights that the work takes, as statements for an administrator.

use std::collections::BTreeSet;

use bron_extract::{GrantDialect, Locator, ReadingRights, ServerAddress, reading_grants};
use bron_load::target_grants;
use bron_mappings::MappingSet;
use serde_json::json;

use crate::args::{GrantsArguments, GrantsDialect};
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::project::checked_folder;
use crate::settings::{Pieces, SystemSettings};
use crate::wanted::wanted;

/// Prints the statements. No server is asked and no password is needed: the rights come first.
pub(super) fn run(arguments: &GrantsArguments, printer: &Printer) -> Result<Exit, Failure> {
    let pieces = Pieces::read(&arguments.project, false)?;
    let (set, _) = checked_folder(&pieces.mappings)?.usable()?;
    let text = if arguments.target {
        on_target(arguments, &pieces, &set)?
    } else {
        on_sources(arguments, &pieces, &set)?
    };
    let dialect = name_of(arguments.dialect);
    printer.result(&json!({ "dialect": dialect, "role": arguments.role, "grants": text }), &text);
    Ok(Exit::Clean)
}

fn name_of(dialect: GrantsDialect) -> &'static str {
    match dialect {
        GrantsDialect::Mssql => "mssql",
        GrantsDialect::Postgres => "postgres",
        GrantsDialect::Mysql => "mysql",
    }
}

fn on_target(arguments: &GrantsArguments, pieces: &Pieces, set: &MappingSet) -> Result<String, Failure> {
    if arguments.dialect != GrantsDialect::Postgres {
        return Err(Failure::config("rights on the target are those of PostgreSQL")
            .hint("add --dialect postgres; a target that is a file has the rights of its folder"));
    }
    let database = pieces.target.as_ref().ok().and_then(bron_load::Target::database);
    Ok(target_grants(&set.model, &arguments.role, database.as_deref()))
}

fn on_sources(arguments: &GrantsArguments, pieces: &Pieces, set: &MappingSet) -> Result<String, Failure> {
    let all: BTreeSet<String> = pieces.systems.keys().cloned().collect();
    let mut wanted = wanted(set, &all);
    let mut text = String::new();
    for system in chosen(arguments, pieces)? {
        let settings = pieces.systems[&system].as_ref().ok();
        let tables = wanted.remove(&system).unwrap_or_default();
        let address = settings.and_then(|settings| address(arguments.dialect, &settings.access.locator));
        let rights = ReadingRights {
            role: &arguments.role,
            database: address.map(|address| address.database.as_str()),
            schema: settings.and_then(|settings| settings.access.schema.as_deref()),
            tables: &tables,
            change_tracking: arguments.change_tracking,
        };
        text.push_str(&format!("-- What reading {system} takes, and nothing else.\n"));
        text.push_str(&reading_grants(in_dialect(arguments.dialect), &rights));
    }
    Ok(text)
}

fn in_dialect(dialect: GrantsDialect) -> GrantDialect {
    match dialect {
        GrantsDialect::Mssql => GrantDialect::Mssql,
        GrantsDialect::Postgres => GrantDialect::Postgres,
        GrantsDialect::Mysql => GrantDialect::Mysql,
    }
}

/// The systems that the statements are about.
fn chosen(arguments: &GrantsArguments, pieces: &Pieces) -> Result<Vec<String>, Failure> {
    let known = || pieces.systems.keys().cloned().collect::<Vec<_>>().join(", ");
    if let Some(name) = &arguments.system {
        let system = pieces.systems.get(name).ok_or_else(|| {
            Failure::config(format!("bron.toml names no source {name}")).hint(format!("it names {}", known()))
        })?;
        let of_files = |settings: &SystemSettings| matches!(settings.access.locator, Locator::Csv(_));
        if system.as_ref().is_ok_and(of_files) {
            return Err(Failure::config(format!(
                "{name} is a folder of files: its rights are those of the folder"
            )));
        }
        return Ok(vec![name.clone()]);
    }
    let on_server = |(name, system): (&String, &Result<SystemSettings, Failure>)| {
        let locator = &system.as_ref().ok()?.access.locator;
        address(arguments.dialect, locator).map(|_| name.clone())
    };
    let found: Vec<String> = pieces.systems.iter().filter_map(on_server).collect();
    if found.is_empty() {
        let dialect = name_of(arguments.dialect);
        return Err(Failure::config(format!(
            "the project reads nothing from a server of the kind {dialect}"
        ))
        .hint(format!("name the source with --system; bron.toml names {}", known())));
    }
    Ok(found)
}

/// The address of a source that is a server of this kind.
fn address(dialect: GrantsDialect, locator: &Locator) -> Option<&ServerAddress> {
    match (dialect, locator) {
        (GrantsDialect::Mssql, Locator::Mssql(address))
        | (GrantsDialect::Postgres, Locator::Postgres(address))
        | (GrantsDialect::Mysql, Locator::Mysql(address)) => Some(address),
        (GrantsDialect::Mssql | GrantsDialect::Postgres | GrantsDialect::Mysql, _) => None,
    }
}

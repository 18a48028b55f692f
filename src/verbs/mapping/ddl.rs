//! `bron mapping ddl`: the target's tables, for whoever creates or reads them.

use bron_load::{Dialect, ddl};
use serde_json::json;

use crate::args::{DdlArguments, DdlDialect};
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::project::checked_folder;

/// Prints the statements for the model of a mapping folder that has no mistakes.
pub(super) fn run(arguments: &DdlArguments, printer: &Printer) -> Result<Exit, Failure> {
    let (set, _) = checked_folder(&arguments.mappings)?.usable()?;
    let (name, dialect) = match arguments.dialect {
        DdlDialect::Sqlite => ("sqlite", Dialect::Sqlite),
        DdlDialect::Postgres => ("postgres", Dialect::Postgres),
    };
    let text = ddl(&set.model, dialect);
    printer.result(&json!({ "dialect": name, "tables": set.model.entities.len(), "ddl": text }), &text);
    Ok(Exit::Clean)
}

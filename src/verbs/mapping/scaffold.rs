//! `bron mapping scaffold`: mapping files to start from, for a source that nobody has described.
//!
//! Every column stands in the files once: under a rule where names, types and values agree with the information
//! model, else under `[ignore]` without a reason. So a check reads every file and names exactly what is left to
//! decide.

mod assign;
mod entity;
mod files;
mod likeness;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bron_extract::profile::TableProfile;
use bron_extract::{atomic, file_safe};
use bron_mappings::{MappingSet, Model};
use serde_json::json;

use self::entity::{Guess, guess};
use crate::args::ScaffoldArguments;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::project::mapping_files;
use crate::verbs::demo::shipped_model;
use crate::verbs::source::{Opened, Profiled};

/// Profiles the source and writes the files. Nothing is written when one of them is there already.
pub(super) fn run(arguments: &ScaffoldArguments, printer: &Printer) -> Result<Exit, Failure> {
    let ScaffoldArguments { source, system, out } = arguments;
    require_name(system)?;
    require_free(&out.join(system))?;
    let (model, mut written) = model(out)?;
    let mut opened = Opened::open(source)?;
    let Profiled { tables, references } = opened.profile(printer)?;
    let kinds = files::kinds(&opened.verdicts);
    let tables = files::merged(tables, &kinds);
    let references = files::renamed(references, &kinds);
    let guesses = guess(&model, &tables, &references);
    let mut lists = BTreeMap::new();
    for (table, guess) in tables.iter().zip(&guesses) {
        let rules = text::Rules::new(system, table, guess, &mut lists);
        let path = format!("{system}/{}.toml", file_safe(&table.table));
        written.insert(path.clone(), formatted(&path, &text::mapping(system, table, guess, &rules))?);
    }
    let path = format!("{system}/system.toml");
    written.insert(path.clone(), formatted(&path, &text::system(system, &lists, &kinds, &opened.verdicts))?);
    written
        .extend(lists.iter().map(|(name, codes)| (format!("codes/{name}.csv"), text::codes(system, codes))));
    for path in written.keys() {
        require_free(&out.join(path))?;
    }
    for (path, text) in &written {
        let path = out.join(path);
        atomic::create_directory(path.parent().expect("a mapping file lies in a folder"))?;
        atomic::write(&path, text.as_bytes())?;
    }
    tell(out, &written.into_keys().collect(), &tables, &guesses, printer);
    Ok(Exit::Clean)
}

fn tell(
    out: &Path,
    written: &BTreeSet<String>,
    tables: &[TableProfile],
    guesses: &[Guess],
    printer: &Printer,
) {
    let (mut documents, mut lines) = (Vec::new(), Vec::new());
    for (table, guess) in tables.iter().zip(guesses) {
        let columns = table.columns.iter().filter(|column| !column.name.starts_with('_')).count();
        let (entity, open) = (guess.entity(), guess.open.len());
        lines.push(match entity {
            Some(entity) => {
                format!("{}: {entity}, {} of {columns} columns guessed", table.table, columns - open)
            }
            None => format!("{}: like no entity of the model; {open} columns to decide", table.table),
        });
        documents.push(json!({ "table": table.table, "entity": entity, "columns": columns, "open": open }));
    }
    lines.push(format!(
        "{} files written; what is left: bron check --mappings {}",
        written.len(),
        out.display()
    ));
    printer.result(&json!({ "written": written, "tables": documents }), &lines.join("\n"));
}

fn require_name(system: &str) -> Result<(), Failure> {
    let fits = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'_';
    let reserved = ["model", "codes", "controls", "quality", "retention"].contains(&system);
    if system.is_empty() || reserved || !system.bytes().all(fits) {
        return Err(Failure::config(format!("a system cannot be called {system:?}"))
            .hint("use a to z, 0 to 9 and _, and none of the names of folders"));
    }
    Ok(())
}

fn require_free(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        return Err(Failure::config(format!("{} is there already; nothing is overwritten", path.display()))
            .hint("name another folder or another system, or remove it first"));
    }
    Ok(())
}

/// The information model of the folder; the program's own, with the files to write, where the folder has none.
fn model(out: &Path) -> Result<(Model, BTreeMap<String, String>), Failure> {
    if out.join("model").is_dir() {
        return Ok((MappingSet::parse(&mapping_files(out)?).0.model, BTreeMap::new()));
    }
    let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    let shipped: BTreeMap<String, String> = shipped_model().map(owned).collect();
    Ok((MappingSet::parse(&shipped).0.model, shipped))
}

fn formatted(path: &str, text: &str) -> Result<String, Failure> {
    bron_mappings::format_toml(path, text).map_err(|diagnostic| {
        let mut failure = Failure::config(format!("{path} cannot be written"));
        failure.diagnostics.push(*diagnostic);
        failure
    })
}

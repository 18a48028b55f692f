//! `bron mapping fmt`: one way to write a mapping file.

use std::collections::BTreeMap;

use bron_extract::atomic;
use bron_mappings::format_toml;
use serde_json::json;

use crate::args::FmtArguments;
use crate::failure::{Class, Exit, Failure};
use crate::printer::Printer;
use crate::project::mapping_files;

/// Writes every TOML file of the folder in its canonical form, or names those that are not. A file that is
/// no TOML stops the work before anything is written.
pub(super) fn run(arguments: &FmtArguments, printer: &Printer) -> Result<Exit, Failure> {
    let changed = not_canonical(&mapping_files(&arguments.mappings)?)?;
    let names: Vec<&String> = changed.keys().collect();
    if arguments.check {
        if names.is_empty() {
            printer.result(&json!({ "changed": names }), "every file is canonical");
            return Ok(Exit::Clean);
        }
        let list: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        let message = format!("not canonical: {}", list.join(", "));
        return Err(Failure::new(Exit::Failed, Class::Config, message)
            .hint(format!("run: bron mapping fmt --mappings {}", arguments.mappings.display())));
    }
    for (name, text) in &changed {
        atomic::write(&arguments.mappings.join(name), text.as_bytes())?;
    }
    let text = match names.len() {
        0 => "every file was canonical".to_owned(),
        1 => format!("rewrote {}", names[0]),
        count => format!("rewrote {count} files"),
    };
    printer.result(&json!({ "changed": names }), &text);
    Ok(Exit::Clean)
}

/// The files whose canonical form is another text, with that form.
fn not_canonical(files: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Failure> {
    let mut changed = BTreeMap::new();
    let mut diagnostics = Vec::new();
    for (name, text) in files.iter().filter(|(name, _)| name.ends_with(".toml")) {
        match format_toml(name, text) {
            Ok(form) if form == *text => {}
            Ok(form) => {
                changed.insert(name.clone(), form);
            }
            Err(diagnostic) => diagnostics.push(*diagnostic),
        }
    }
    if diagnostics.is_empty() {
        return Ok(changed);
    }
    let mut failure =
        Failure::config(format!("{} files are not TOML; nothing was written", diagnostics.len()));
    failure.diagnostics = diagnostics;
    Err(failure)
}

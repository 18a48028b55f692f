//! `bron diff`: what two versions of the mapping files say differently, and what that does to rows.

mod document;
mod effect;
mod sides;
mod terminal;

use bron_extract::atomic;
use bron_mappings::comparison::{Version, compare};
use bron_reconcile::difference;
use serde_json::json;

use self::sides::LoadedSide;
use crate::args::{ChainArguments, DiffArguments};
use crate::chain::measure;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::settings::Settings;

/// Compares two versions by meaning. The text of the files decides nothing.
pub(super) fn run(arguments: &DiffArguments, printer: &Printer) -> Result<Exit, Failure> {
    let before = LoadedSide::read(&arguments.before)?;
    let after = LoadedSide::read(&arguments.after)?;
    let [old, new] = [&before, &after].map(|side| Version { set: &side.set, files: &side.files });
    let changes = compare(old, new);
    let mut document = document::new([&before, &after], &changes);
    if arguments.effect {
        let project = ChainArguments { project: arguments.project.clone(), target: None, batch_rows: None };
        let settings = Settings::resolve(&project)?;
        let measured = measure(&settings, printer, [&before.set, &after.set], &changes);
        let measured = measured.map_err(|failure| {
            let stopped = failure.exit == Exit::Interrupted;
            if stopped { Failure::interrupted("the same command") } else { failure }
        })?;
        effect::add(&mut document, &measured, &settings, [&before.set, &after.set]);
    }
    if let Some(path) = &arguments.html {
        atomic::write(path, difference::html(&document)?.as_bytes())?;
    }
    let mut json = json!(document);
    json["page"] = json!(arguments.html);
    let mut text = terminal::text(&document);
    if let Some(path) = &arguments.html {
        text.push_str(&format!("page: {}\n", path.display()));
    }
    printer.result(&json, &text);
    Ok(if document.entries.is_empty() { Exit::Clean } else { Exit::Differences })
}

//! `bron migrate`: the whole chain, from wherever it stopped.

use serde_json::json;

use super::reconcile;
use crate::args::ReadingArguments;
use crate::chain::{Chain, Moment, Work};
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::settings::Settings;

/// Runs the chain for a project. What an earlier, perhaps interrupted, run has made is used again; the
/// comparison with the target is always made anew.
pub(super) fn run(arguments: &ReadingArguments, printer: &Printer) -> Result<Exit, Failure> {
    let settings = Settings::resolve_reading(arguments)?;
    migrate(&settings, printer)
}

pub(super) fn migrate(settings: &Settings, printer: &Printer) -> Result<Exit, Failure> {
    let mut chain = Chain::open(settings, printer, Moment::Unfinished)?;
    chain.run.begin("migrate")?;
    let extracted = chain.extract()?;
    tell(printer, "extract", "tables", extracted);
    let transformed = chain.transform()?;
    tell(printer, "transform", "tables", transformed);
    let loaded = chain.load()?;
    tell(printer, "load", "parts", loaded);
    let no_op = extracted.done + transformed.done + loaded.done == 0;
    if no_op {
        let (run, target) = (&chain.run.id, &settings.target);
        printer.say(&format!("nothing to do: run {run} is already in {target}; comparing once more"));
    }
    let outcome = chain.reconcile()?;
    chain.run.end()?;
    let mut document = reconcile::document(&outcome);
    let work = |work: Work| json!({ "done": work.done, "reused": work.reused });
    document["no_op"] = json!(no_op);
    document["work"] =
        json!({ "extract": work(extracted), "transform": work(transformed), "load": work(loaded) });
    printer.result(&document, &reconcile::lines(&outcome));
    Ok(outcome.exit)
}

fn tell(printer: &Printer, stage: &str, things: &str, Work { done, reused }: Work) {
    let again = if reused > 0 { format!(", {reused} were there already") } else { String::new() };
    printer.say(&format!("{stage:<10} {done} {things}{again}"));
}

//! `bron migrate`: the whole chain, from wherever it stopped; and what loading would do, said beforehand.

use std::path::Path;

use bron_extract::atomic;
use bron_mappings::Digest;
use bron_reconcile::audit::{Act, sha256};
use serde_json::json;

use super::reconcile;
use crate::args::MigrateArguments;
use crate::audit::{self, Noted};
use crate::chain::{Chain, LoadPlan, Moment, Work};
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::settings::Settings;

/// Runs the chain for a project, or plans what it would do, or does what was planned. What an earlier, perhaps
/// interrupted, run has made is used again; the comparison with the target is always made anew.
pub(super) fn run(arguments: &MigrateArguments, printer: &Printer) -> Result<Exit, Failure> {
    let MigrateArguments { reading, plan, apply } = arguments;
    let settings = Settings::resolve_reading(reading)?;
    match (plan, apply) {
        (Some(file), _) => plan_into(file, &settings, printer),
        (None, Some(file)) => apply_plan(file, settings, printer),
        (None, None) => migrate(&settings, printer),
    }
}

pub(super) fn migrate(settings: &Settings, printer: &Printer) -> Result<Exit, Failure> {
    audit::during(&settings.project, audit::act("migrate"), printer, |noted| {
        audit::note_accepted(settings)?;
        let mut chain = Chain::open(settings, printer, Moment::Unfinished)?;
        let made = made(&mut chain, printer, noted)?;
        let loaded = chain.load()?;
        tell(printer, "load", "parts", loaded);
        proven(chain, printer, noted, made, loaded)
    })
}

/// Says what loading would do, and writes it to a file.
fn plan_into(file: &Path, settings: &Settings, printer: &Printer) -> Result<Exit, Failure> {
    audit::during(&settings.project, audit::act("migrate.plan"), printer, |noted| {
        audit::note_accepted(settings)?;
        write_plan(file, settings, printer, noted)
    })
}

fn write_plan(
    file: &Path,
    settings: &Settings,
    printer: &Printer,
    noted: &mut Noted,
) -> Result<Exit, Failure> {
    let mut chain = Chain::open(settings, printer, Moment::Unfinished)?;
    made(&mut chain, printer, noted)?;
    let plan = chain.load_plan()?;
    chain.run.end()?;
    let document = serde_json::to_value(&plan)
        .map_err(|error| Failure::safety(format!("cannot express the plan as JSON: {error}")))?;
    let text = serde_json::to_string_pretty(&document).expect("a JSON value can always be written");
    atomic::write_private(file, format!("{text}\n").as_bytes())?;
    noted.end.plan_hash = Some(sha256(format!("{text}\n").as_bytes()));
    let label = |entity: &str| {
        chain.set.model.entity(entity).map_or_else(|| entity.to_owned(), |entity| entity.label.clone())
    };
    let (again, file) = (settings.again(), file.display());
    let told = format!("{}Planen ligger i {file}. Verkställ: {again} --apply {file}", plan.text(&label));
    noted.tell(document, told);
    Ok(Exit::Clean)
}

/// Does what was planned, or nothing.
fn apply_plan(file: &Path, mut settings: Settings, printer: &Printer) -> Result<Exit, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::config(format!("cannot read {}: {error}", file.display())))?;
    let plan = LoadPlan::parse(file, &text)?;
    settings.accept.extend(plan.accepted.iter().cloned());
    settings.applied = Some(file.to_owned());
    let act = Act { plan_hash: Some(sha256(text.as_bytes())), ..audit::act("migrate") };
    audit::during(&settings.project, act, printer, |noted| {
        audit::note_accepted(&settings)?;
        do_as_planned(&plan, &text, &settings, printer, noted)
    })
}

fn do_as_planned(
    plan: &LoadPlan,
    text: &str,
    settings: &Settings,
    printer: &Printer,
    noted: &mut Noted,
) -> Result<Exit, Failure> {
    let mut chain = Chain::open(settings, printer, Moment::LastRead)?;
    chain.plan = Some(Digest::of(text.as_bytes()).to_string());
    chain.require_inputs(plan)?;
    let made = made(&mut chain, printer, noted)?;
    chain.require_plan(plan)?;
    let loaded = chain.load()?;
    tell(printer, "load", "parts", loaded);
    let drifted = chain.not_as_planned(plan)?;
    let exit = proven(chain, printer, noted, made, loaded)?;
    let Some(differences) = drifted else { return Ok(exit) };
    printer.say(&format!("what was done is not what was planned: {differences}"));
    printer
        .say("hint: the comparison above says what the target holds now; make a new plan with --plan FILE");
    Ok(Exit::Drift)
}

/// Reads the sources and maps them, as far as that is not done.
fn made(chain: &mut Chain<'_>, printer: &Printer, noted: &mut Noted) -> Result<[Work; 2], Failure> {
    noted.works_on(chain);
    chain.run.begin("migrate", Some(&noted.checkpoint))?;
    let extracted = chain.extract();
    // A source can have become another one while it was read, which makes another run.
    noted.works_on(chain);
    let extracted = extracted?;
    tell(printer, "extract", "tables", extracted);
    let transformed = chain.transform()?;
    tell(printer, "transform", "tables", transformed);
    Ok([extracted, transformed])
}

/// Compares the target with the sources and tells what came of it.
fn proven(
    mut chain: Chain<'_>,
    printer: &Printer,
    noted: &mut Noted,
    [extracted, transformed]: [Work; 2],
    loaded: Work,
) -> Result<Exit, Failure> {
    let no_op = extracted.done + transformed.done + loaded.done == 0;
    if no_op {
        let (run, target) = (&chain.run.id, &chain.settings.target);
        printer.say(&format!("nothing to do: run {run} is already in {target}; comparing once more"));
    }
    let outcome = chain.reconcile()?;
    noted.compared(&outcome.made);
    chain.run.end()?;
    let mut document = reconcile::document(&outcome);
    let work = |work: Work| json!({ "done": work.done, "reused": work.reused });
    document["no_op"] = json!(no_op);
    document["work"] =
        json!({ "extract": work(extracted), "transform": work(transformed), "load": work(loaded) });
    noted.tell(document, reconcile::lines(&outcome));
    Ok(outcome.exit)
}

fn tell(printer: &Printer, stage: &str, things: &str, Work { done, reused }: Work) {
    let again = if reused > 0 { format!(", {reused} were there already") } else { String::new() };
    printer.say(&format!("{stage:<10} {done} {things}{again}"));
}

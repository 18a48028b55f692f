//! `bron key`: the keys that runs are sealed with, and their end.

use std::path::Path;

use bron_extract::{MasterKey, Receipt};
use bron_reconcile::audit::Act;
use serde_json::{Value, json};

use crate::args::{KeyListArguments, KeyNewArguments, KeyShredArguments, KeyVerb};
use crate::audit;
use crate::chain::{Kept, Standing, kept_runs, key_destroyed, shred};
use crate::failure::{Done, Exit, Failure};
use crate::printer::Printer;
use crate::settings::{PROJECT_FILE, retention_days};

/// Does what was asked.
pub(super) fn run(verb: &KeyVerb, printer: &Printer) -> Result<Exit, Failure> {
    match verb {
        KeyVerb::List(arguments) => list(arguments, printer),
        KeyVerb::New(arguments) => new(arguments, printer),
        KeyVerb::Shred(arguments) => shred_keys(arguments, printer),
    }
}

fn list(arguments: &KeyListArguments, printer: &Printer) -> Result<Exit, Failure> {
    let kept = kept_runs(&arguments.project)?;
    let runs: Vec<Value> = kept.iter().map(kept_json).collect();
    let mut lines: Vec<String> = kept.iter().map(kept_line).collect();
    if lines.is_empty() {
        lines.push("the project has no runs".to_owned());
    }
    let document = json!({ "retention_days": retention_days(&arguments.project)?, "runs": runs });
    printer.result(&document, &lines.join("\n"));
    Ok(Exit::Clean)
}

fn kept_json(kept: &Kept) -> Value {
    let (state, key, destroyed) = match &kept.standing {
        Standing::Plain => ("plain", None, None),
        Standing::Sealed(key) => ("sealed", Some(key), None),
        Standing::Unreadable(_) => ("unreadable", None, None),
        Standing::Destroyed { receipt, whole: true } => {
            ("destroyed", Some(&receipt.sealed_by), Some(&receipt.destroyed))
        }
        Standing::Destroyed { receipt, whole: false } => {
            ("half_destroyed", Some(&receipt.sealed_by), Some(&receipt.destroyed))
        }
    };
    json!({
        "run": kept.run,
        "state": state,
        "key": key,
        "begun": kept.begun,
        "age_days": kept.age_days,
        "overdue": kept.overdue,
        "destroyed": destroyed,
    })
}

fn kept_line(kept: &Kept) -> String {
    let standing = match &kept.standing {
        Standing::Plain => "plain".to_owned(),
        Standing::Sealed(key) => format!("sealed with key {key}"),
        Standing::Unreadable(problem) => format!("sealed with a key that cannot be used ({problem})"),
        Standing::Destroyed { receipt, whole: true } => format!("key destroyed on {}", receipt.destroyed),
        Standing::Destroyed { whole: false, .. } => "destruction of the key not completed".to_owned(),
    };
    let age = match (&kept.begun, kept.age_days) {
        (Some(begun), Some(0)) => format!("begun {begun}, less than a day ago"),
        (Some(begun), Some(1)) => format!("begun {begun}, a day ago"),
        (Some(begun), Some(days)) => format!("begun {begun}, {days} days ago"),
        _ => "begun at a time that nobody noted".to_owned(),
    };
    let overdue = if kept.overdue { ", past retention" } else { "" };
    format!("{}  {standing}, {age}{overdue}", kept.run)
}

fn new(arguments: &KeyNewArguments, printer: &Printer) -> Result<Exit, Failure> {
    let key = MasterKey::draw()?;
    let write = || -> Result<(Value, String), Failure> {
        key.write_new(&arguments.file)?;
        let (file, fingerprint) = (arguments.file.display().to_string(), key.fingerprint());
        let text = format!(
            "wrote key {fingerprint} to {file}; keep a copy of it apart from the project and its runs"
        );
        Ok((json!({ "file": file, "key": fingerprint }), text))
    };
    // A key can be drawn before there is a project, and then there is no log to note it in.
    if !arguments.project.join(PROJECT_FILE).is_file() {
        let (document, text) = write()?;
        printer.result(&document, &text);
        return Ok(Exit::Clean);
    }
    let act = Act { object: audit::object("key", key.fingerprint()), ..audit::act("key.new") };
    audit::during(&arguments.project, act, printer, |noted| {
        let (document, text) = write()?;
        noted.tell(document, text);
        Ok(Exit::Clean)
    })
}

fn shred_keys(arguments: &KeyShredArguments, printer: &Printer) -> Result<Exit, Failure> {
    let kept = kept_runs(&arguments.project)?;
    let (kept, plain) = match &arguments.run {
        Some(name) => (vec![named(kept, name, &arguments.project)?], Vec::new()),
        None => overdue(kept, &arguments.project)?,
    };
    let plain: Vec<String> = plain.into_iter().map(|kept| kept.run).collect();
    let names: Vec<&str> = kept.iter().map(|kept| kept.run.as_str()).collect();
    if !arguments.yes && !names.is_empty() {
        let problem =
            format!("this destroys the keys of {}: nobody can read their rows after that", names.join(", "));
        return Err(Failure::config(problem).hint("nothing was destroyed; to do it, add --yes"));
    }
    let acts =
        kept.iter().map(|kept| Act { run: Some(kept.run.clone()), ..audit::act("key.shred") }).collect();
    if names.is_empty() {
        let (document, text) = told(&[], &plain, true);
        printer.result(&document, &text);
        return Ok(Exit::Clean);
    }
    audit::during_all(&arguments.project, acts, printer, |noted| {
        noted.end.run = noted.end.run.take().filter(|_| kept.len() == 1);
        let (document, text) = shred_kept(&kept, &plain)?;
        noted.tell(document, text);
        Ok(Exit::Clean)
    })
}

fn shred_kept(kept: &[Kept], plain: &[String]) -> Result<(Value, String), Failure> {
    let (receipts, failures) = shred_all(kept);
    let (document, text) = told(&receipts, plain, failures.is_empty());
    match first(failures) {
        Some(failure) => Err(failure.having_done(Done { document, text })),
        None => Ok((document, text)),
    }
}

/// What was destroyed, in both forms of the result.
fn told(receipts: &[(&str, Receipt)], plain: &[String], is_all: bool) -> (Value, String) {
    let destroyed: Vec<Value> = receipts
        .iter()
        .map(|(run, receipt)| json!({ "run": run, "key": receipt.sealed_by, "destroyed": receipt.destroyed }))
        .collect();
    (json!({ "destroyed": destroyed, "plain": plain }), lines(receipts, plain, is_all))
}

/// Something about each of some runs.
type OfRuns<'k, T> = Vec<(&'k str, T)>;

/// Destroys every key that can be destroyed: one that cannot keeps no other one.
fn shred_all(kept: &[Kept]) -> (OfRuns<'_, Receipt>, OfRuns<'_, Failure>) {
    let (mut receipts, mut failures) = (Vec::new(), Vec::new());
    for kept in kept {
        match shred(kept) {
            Ok(receipt) => receipts.push((kept.run.as_str(), receipt)),
            Err(failure) => failures.push((kept.run.as_str(), failure)),
        }
    }
    (receipts, failures)
}

/// The first of the failures, which names the runs of all.
fn first(failures: OfRuns<'_, Failure>) -> Option<Failure> {
    let runs: Vec<&str> = failures.iter().map(|(run, _)| *run).collect();
    let about = match runs.as_slice() {
        [] | [_] => format!("the key of run {} was not destroyed", runs.concat()),
        [run, ..] => format!("the keys of runs {} were not destroyed; {run}", runs.join(", ")),
    };
    failures.into_iter().next().map(|(_, failure)| failure.about(&about))
}

fn lines(receipts: &[(&str, Receipt)], plain: &[String], is_all: bool) -> String {
    let mut lines: Vec<String> = receipts
        .iter()
        .map(|(run, receipt)| format!("the key of run {run} was destroyed on {}", receipt.destroyed))
        .collect();
    if receipts.is_empty() {
        let none = if is_all { "no sealed run is past retention" } else { "no key was destroyed" };
        lines.push(none.to_owned());
    } else {
        lines.push(
            "reports and work lists of the runs are still there, and so is what later runs took over"
                .to_owned(),
        );
    }
    for run in plain {
        lines.push(format!("run {run} is past retention and plain: only removing its directory ends it"));
    }
    lines.join("\n")
}

/// The runs that are past retention: those that have a key, and those that are plain.
fn overdue(kept: Vec<Kept>, project: &Path) -> Result<(Vec<Kept>, Vec<Kept>), Failure> {
    if retention_days(project)?.is_none() {
        return Err(Failure::config("bron.toml does not say how long runs are kept")
            .hint("say it: `retention_days` under [staging], or name the run"));
    }
    let overdue = kept.into_iter().filter(|kept| kept.overdue);
    Ok(overdue.partition(|kept| !matches!(kept.standing, Standing::Plain)))
}

/// The run that a name or its beginning means, with a key to destroy.
fn named(kept: Vec<Kept>, name: &str, project: &Path) -> Result<Kept, Failure> {
    let mut fitting: Vec<Kept> = kept.into_iter().filter(|kept| kept.run.starts_with(name)).collect();
    let list = format!("bron key list --project {}", project.display());
    let found = match (fitting.pop(), fitting.is_empty()) {
        (Some(found), true) => found,
        (Some(_), false) => {
            return Err(Failure::config(format!("several runs begin with {name}")).hint(list));
        }
        (None, _) => return Err(Failure::config(format!("the project has no run {name}")).hint(list)),
    };
    match &found.standing {
        Standing::Plain => {
            let problem = format!("run {} is plain: it has no key to destroy", found.run);
            Err(Failure::config(problem).hint(format!("remove its directory: {}", found.dir.display())))
        }
        Standing::Destroyed { receipt, whole: true } => Err(key_destroyed(&found.dir, &found.run, receipt)),
        Standing::Sealed(_) | Standing::Unreadable(_) | Standing::Destroyed { whole: false, .. } => Ok(found),
    }
}

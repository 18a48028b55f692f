//! `bron audit`: the log of who did what, and whether it is as it was written.

use std::path::Path;

use bron_reconcile::audit::{Checkpoint, Entry, sample};
use serde_json::{Value, json};

use crate::args::{
    AuditCheckpointArguments, AuditLogArguments, AuditSampleArguments, AuditVerb, AuditVerifyArguments,
};
use crate::audit::{self, AUDIT_FILE, Read};
use crate::chain::witnessed;
use crate::failure::{Done, Exit, Failure};
use crate::printer::Printer;
use crate::settings::{runs, signing};
use crate::signoffs::{REPORT_CHECKPOINT, audited};

/// Does what was asked.
pub(super) fn run(verb: &AuditVerb, printer: &Printer) -> Result<Exit, Failure> {
    match verb {
        AuditVerb::Log(arguments) => log(arguments, printer),
        AuditVerb::Verify(arguments) => verify(arguments, printer),
        AuditVerb::Checkpoint(arguments) => checkpoint(arguments, printer),
        AuditVerb::Sample(arguments) => spot_check(arguments, printer),
    }
}

/// A directory that is no project has no log, which is not the same as an empty one.
fn require_project(project: &Path) -> Result<(), Failure> {
    signing(project).map(|_| ())
}

fn log(arguments: &AuditLogArguments, printer: &Printer) -> Result<Exit, Failure> {
    let AuditLogArguments { action, last, project } = arguments;
    require_project(project)?;
    let Read { entries, torn, report } = audit::read(project, [])?;
    let fits = |entry: &&Entry| {
        action.as_ref().is_none_or(|action| {
            let rest = entry.act.action.strip_prefix(action.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let mut shown: Vec<&Entry> = entries.iter().filter(fits).collect();
    let first = last.map_or(0, |last| shown.len().saturating_sub(last));
    shown.drain(..first);
    let text: Vec<String> = shown.iter().map(|entry| line(entry)).collect();
    let document = json!({
        "entries": shown.iter().map(|entry| entry_json(entry)).collect::<Vec<_>>(),
        "total": entries.len(),
        "torn_bytes": torn,
        "is_sound": report.problems.is_empty(),
    });
    printer.result(&document, &text.join("\n"));
    if !report.problems.is_empty() {
        printer.say("warning: the log is not as it was written; `bron audit verify` says where");
    }
    Ok(Exit::Clean)
}

/// An entry as the log has it.
fn entry_json(entry: &Entry) -> Value {
    serde_json::from_str(&entry.line()).expect("an entry is written as JSON")
}

fn line(entry: &Entry) -> String {
    let Entry { seq, ts_utc, act, .. } = entry;
    let who = match &act.actor.role {
        Some(role) => format!("{} ({role}), as {}", act.actor.sub, act.actor.user),
        None => act.actor.sub.clone(),
    };
    let mut line = format!("{seq:>6} {ts_utc} {} {}", act.action, act.result.code());
    let object = act.object.as_ref().map(|object| format!("{} {}", object.kind, object.id));
    let more = [
        ("of entry", act.about.map(|about| about.to_string())),
        ("area", act.area.clone()),
        ("run", act.run.clone()),
        ("about", object),
        ("by", Some(who)),
        ("because", act.reason.clone()),
    ];
    for (name, text) in more {
        if let Some(text) = text {
            line.push_str(&format!(", {name} {text}"));
        }
    }
    line
}

fn verify(arguments: &AuditVerifyArguments, printer: &Printer) -> Result<Exit, Failure> {
    let AuditVerifyArguments { checkpoint: files, project } = arguments;
    require_project(project)?;
    let mut witnesses = witnessed(&runs(project));
    for file in files {
        witnesses.push((file.display().to_string(), kept(file)?));
    }
    let beside = project.join(REPORT_CHECKPOINT);
    if beside.exists() {
        witnesses.push((REPORT_CHECKPOINT.to_owned(), kept(&beside)?));
    }
    let (_, of_signoffs) = audited(project, &[])?;
    witnesses.extend(of_signoffs);
    witnesses.sort();
    let count = witnesses.len();
    let Read { entries, torn, report } = audit::read(project, witnesses)?;
    let (contradictions, _) = audited(project, &entries)?;
    let problems = report.problems.iter();
    let told: Vec<Value> = problems
        .clone()
        .map(|one| json!({ "entry": one.entry, "line": one.line, "problem": one.to_string() }))
        .chain(contradictions.iter().map(|one| json!({ "entry": null, "line": null, "problem": one })))
        .collect();
    let mut lines: Vec<String> = problems.map(ToString::to_string).chain(contradictions).collect();
    let Checkpoint { entries: reached, last_hash } = &report.reached;
    let document = json!({
        "entries": reached,
        "last_hash": last_hash,
        "checkpoints": count,
        "torn_bytes": torn,
        "problems": told,
    });
    if !lines.is_empty() {
        let problem = format!("{} is not as it was written", project.join(AUDIT_FILE).display());
        return Err(Failure::safety(problem)
            .hint("keep the files as they are, and find out who had access to them")
            .having_done(Done { document, text: lines.join("\n") }));
    }
    lines.push(format!("{reached} entries are as they were written, and fit {count} checkpoints"));
    if torn > 0 {
        lines.push(format!(
            "behind them stand {torn} bytes of an entry that was not finished: a process was killed while it wrote, \
             and did not do what it was about to; the next entry tells of it"
        ));
    }
    printer.result(&document, &lines.join("\n"));
    Ok(Exit::Clean)
}

/// A checkpoint that somebody kept.
fn kept(file: &Path) -> Result<Checkpoint, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::config(format!("cannot read {}: {error}", file.display())))?;
    Checkpoint::parse(&text)
        .ok_or_else(|| Failure::config(format!("{} holds no checkpoint of an audit log", file.display())))
}

fn checkpoint(arguments: &AuditCheckpointArguments, printer: &Printer) -> Result<Exit, Failure> {
    let project = &arguments.project;
    require_project(project)?;
    let Checkpoint { entries, last_hash } = audit::read(project, [])?.require_sound(project)?.report.reached;
    let document = json!({ "format": 1, "entries": entries, "last_hash": last_hash });
    printer.result(&document, &format!("{entries} {last_hash}"));
    Ok(Exit::Clean)
}

/// Draws entries for somebody to check, and notes that.
fn spot_check(arguments: &AuditSampleArguments, printer: &Printer) -> Result<Exit, Failure> {
    let AuditSampleArguments { seed, n, person, role, project } = arguments;
    require_project(project)?;
    let Read { entries, report, .. } = audit::read(project, [])?.require_sound(project)?;
    let size = usize::try_from(*n).expect("a 32-bit number fits");
    let drawn = sample(&entries, *seed, size);
    let Checkpoint { entries: reached, last_hash } = report.reached;
    let drawn_from = format!("{} of {reached} entries, seed {seed}", drawn.len());
    let mut act = audit::act_of(person, role, "audit.sample");
    act.object = audit::object("sample", &drawn_from);
    audit::note(project, act)?;
    let document = json!({
        "seed": seed,
        "drawn_from": { "entries": reached, "last_hash": last_hash },
        "entries": drawn.iter().map(|entry| entry_json(entry)).collect::<Vec<_>>(),
    });
    let head = format!("{drawn_from}, up to {last_hash}; checked by {person} ({role})");
    let lines: Vec<String> = std::iter::once(head).chain(drawn.into_iter().map(line)).collect();
    printer.result(&document, &lines.join("\n"));
    Ok(Exit::Clean)
}

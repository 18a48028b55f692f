//! Jobs and their runs, for people and as documents.

use std::time::Duration;

use bron_dual_run::jobs::{Ending, Event, FolderStore, Job, JobName, JobRecord, JobRun, JobStore, Jobs};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::printer::Printer;

/// So many times that come are listed of a job.
const NEXT: usize = 3;

/// Says that the job file can be used.
pub(super) fn checked(jobs: &Jobs, printer: &Printer) -> Exit {
    let count = jobs.jobs.len();
    let document = json!({ "jobs": count, "time_zone": jobs.zone_name, "at_once": jobs.at_once });
    printer.result(
        &document,
        &format!("{count} jobs in {}, {} at once: nothing is wrong", jobs.zone_name, jobs.at_once),
    );
    Exit::Clean
}

/// Lists the jobs.
pub(super) fn list(
    jobs: &Jobs,
    store: &mut FolderStore,
    now: Timestamp,
    printer: &Printer,
) -> Result<Exit, Failure> {
    let (mut lines, mut documents) = (Vec::new(), Vec::new());
    for job in jobs.jobs.values() {
        let record = store.record(&job.name)?;
        let next = next(job, &jobs.zone, now);
        let state = state(record.as_ref());
        documents.push(document(job, record.as_ref(), state, &next));
        lines.push(format!("{}: {} at {}", job.name, job.work.words().join(" "), job.cron_text));
        if let Some(scope) = &job.scope {
            lines.push(format!("  scope  {scope}"));
        }
        let last =
            record.as_ref().and_then(JobRecord::last).map(|run| format!("; last: {}", line(run, &jobs.zone)));
        lines.push(format!("  state  {state}{}", last.unwrap_or_default()));
        lines.push(format!("  next   {}", next.join(", ")));
    }
    if lines.is_empty() {
        lines.push("there are no jobs".to_owned());
    }
    let document = json!({ "time_zone": jobs.zone_name, "jobs": documents });
    printer.result(&document, &lines.join("\n"));
    Ok(Exit::Clean)
}

/// The next times of a job.
fn next(job: &Job, zone: &TimeZone, now: Timestamp) -> Vec<String> {
    let mut at = now;
    let times = std::iter::from_fn(|| {
        at = job.cron.next_after(at, zone)?;
        Some(local(at, zone))
    });
    times.take(NEXT).collect()
}

/// Where a job stands, by its record alone.
fn state(record: Option<&JobRecord>) -> &'static str {
    match record {
        None => "new",
        Some(record) if record.is_halted => "halted",
        Some(record) if record.last().is_some_and(|run| run.ending.is_none()) => "at work",
        Some(_) => "waits",
    }
}

fn document(job: &Job, record: Option<&JobRecord>, state: &str, next: &[String]) -> Value {
    json!({
        "job": job.name.as_str(),
        "cron": job.cron_text,
        "run": job.work.words(),
        "scope": job.scope.as_ref().map(ToString::to_string),
        "timeout_seconds": job.timeout.as_secs(),
        "state": state,
        "next": next,
        "last": record.and_then(JobRecord::last).map(run_document),
    })
}

/// Prints what the last runs came to.
pub(super) fn history(
    jobs: &Jobs,
    only: Option<&JobName>,
    store: &mut FolderStore,
    printer: &Printer,
) -> Result<Exit, Failure> {
    let mut runs: Vec<(JobName, JobRun)> = Vec::new();
    for name in jobs.jobs.keys().filter(|name| only.is_none_or(|only| only == *name)) {
        let record = store.record(name)?;
        runs.extend(record.into_iter().flat_map(|record| record.runs).map(|run| (name.clone(), run)));
    }
    runs.sort_by(|(one, first), (other, second)| {
        (first.began, one, first.number).cmp(&(second.began, other, second.number))
    });
    let lines = runs.iter().map(|(name, run)| format!("{name} {}", line(run, &jobs.zone)));
    let mut text = lines.collect::<Vec<_>>().join("\n");
    if text.is_empty() {
        "nothing has been run".clone_into(&mut text);
    }
    let documents = runs.iter().map(|(name, run)| {
        let mut document = run_document(run);
        document["job"] = json!(name.as_str());
        document
    });
    printer.result(&json!({ "runs": documents.collect::<Vec<_>>() }), &text);
    Ok(Exit::Clean)
}

/// Says what the last run of each job came to, of those that were run.
pub(super) fn ended<'r>(records: impl Iterator<Item = &'r JobRecord>, printer: &Printer) {
    let (mut lines, mut documents) = (Vec::new(), Vec::new());
    for record in records {
        let Some(run) = record.last() else { continue };
        lines.push(format!("{} {}", record.job, run.ending.map_or("at work", Ending::name)));
        let mut document = run_document(run);
        document["job"] = json!(record.job.as_str());
        documents.push(document);
    }
    if lines.is_empty() {
        lines.push("nothing was run".to_owned());
    }
    printer.result(&json!({ "runs": documents }), &lines.join("\n"));
}

fn run_document(run: &JobRun) -> Value {
    json!({
        "number": run.number,
        "slot": run.slot.to_string(),
        "slots": run.slots,
        "attempt": run.attempt,
        "began": run.began.to_string(),
        "ended": run.ended.map(|ended| ended.to_string()),
        "ending": run.ending.map(Ending::name),
        "exit": run.exit,
    })
}

/// A run in one line.
fn line(run: &JobRun, zone: &TimeZone) -> String {
    let slot = local(run.slot, zone);
    if run.ending == Some(Ending::Missed) {
        return format!("#{} {slot} missed, {}", run.number, times(run.slots));
    }
    let took = run.ended.and_then(|ended| Duration::try_from(ended.duration_since(run.began)).ok());
    let ending = run.ending.map_or("at work", Ending::name);
    let exit = run.exit.map(|exit| format!(" with exit code {exit}")).unwrap_or_default();
    let took = took.map(|took| format!(" after {} s", took.as_secs())).unwrap_or_default();
    let attempt = if run.attempt > 1 { format!(", try {}", run.attempt) } else { String::new() };
    let slots = if run.slots > 1 { format!(", for {}", times(run.slots)) } else { String::new() };
    format!("#{} {slot}{slots}{attempt} {ending}{exit}{took}", run.number)
}

fn times(count: u64) -> String {
    if count == 1 { "1 time".to_owned() } else { format!("{count} times") }
}

fn local(moment: Timestamp, zone: &TimeZone) -> String {
    moment.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M%:z").to_string()
}

/// What an operator is told when it happens.
pub(super) fn told(event: &Event) -> String {
    match event {
        Event::Began { job, slots, attempt, .. } => {
            let passed = if *slots > 1 { format!(", for {}", times(*slots)) } else { String::new() };
            let again = if *attempt > 1 { format!(", try {attempt}") } else { String::new() };
            format!("{job}: begins{passed}{again}")
        }
        Event::NotBegun { job, reason } => format!("{job}: {reason}"),
        Event::Ended { job, ending: Ending::Interrupted, .. } => {
            format!("{job}: interrupted; it goes on when jobs are run again")
        }
        Event::Ended { job, ending, again } => {
            let again = again.map(|wait| format!("; trying again in {} s", wait.as_secs()));
            format!("{job}: {}{}", ending.name(), again.unwrap_or_default())
        }
        Event::Missed { job, slots } => format!("warning: {job}: {} passed without a run", times(*slots)),
        Event::Late(job) => format!("warning: {job}: is late"),
        Event::SetBack(job) => format!("warning: {job}: the clock went back; its schedule goes on from now"),
        Event::Elsewhere(job) => format!("{job}: is at work elsewhere, or was for this time"),
        Event::Released(job) => format!("{job}: was let go on"),
    }
}

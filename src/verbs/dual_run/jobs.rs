//! `bron dual-run jobs`: what is run at which times, and what came of it.

mod launch;
mod service;
mod show;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use bron_dual_run::jobs::{
    Ending, Event, FailureClass, FolderStore, JOB_FILE, JobName, JobRecord, JobStore, Jobs, Moment,
    Supervisor, parse,
};
use clap::Parser;
use jiff::Timestamp;

use self::launch::Processes;
use self::service::Service;
use crate::args::{Arguments, JobsArguments};
use crate::audit;
use crate::chain::STOP;
use crate::failure::{Class, Exit, Failure};
use crate::patience::wait;
use crate::printer::Printer;

/// Where the records of jobs lie, below the project.
const RECORDS: &str = "jobs";
/// How often a run that was asked to stop is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Does what was asked.
pub(super) fn run(arguments: &JobsArguments, printer: &Printer) -> Result<Exit, Failure> {
    let project = &arguments.project;
    let jobs = read(project)?;
    let mut store = FolderStore::new(&project.join(RECORDS));
    if arguments.check {
        return Ok(show::checked(&jobs, printer));
    }
    if arguments.list {
        return show::list(&jobs, &mut store, now_on_the_wall(), printer);
    }
    if let Some(job) = &arguments.history {
        let job = if job.is_empty() { None } else { Some(known(&jobs, job)?) };
        return show::history(&jobs, job.as_ref(), &mut store, printer);
    }
    if let Some(job) = &arguments.release {
        let reason = arguments.reason.as_deref().unwrap_or_default();
        return release(project, &known(&jobs, job)?, reason, &mut store, printer);
    }
    work(arguments, jobs, &mut store, printer)
}

/// Reads the jobs of a project.
pub(in super::super) fn read(project: &Path) -> Result<Jobs, Failure> {
    let path = project.join(JOB_FILE);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::config(format!("cannot read {}: {error}", path.display()))
            .hint("docs/operations.md says what stands in it; an empty one is `format = 1`")
    })?;
    parse(JOB_FILE, &text, accepts).map_err(|diagnostics| {
        let mut failure = Failure::config(format!("{} cannot be used", path.display()));
        failure.diagnostics = diagnostics;
        failure
    })
}

/// Whether the program takes these words, with what is added to them.
fn accepts(words: &[String]) -> Result<(), String> {
    let line = std::iter::once("bron").chain(words.iter().map(String::as_str));
    match Arguments::try_parse_from(line.chain(["--project", "."])) {
        Ok(_) => Ok(()),
        Err(error) => {
            let told = error.to_string();
            let first = told.lines().next().unwrap_or_default();
            Err(first.trim_start_matches("error: ").to_owned())
        }
    }
}

fn known(jobs: &Jobs, name: &str) -> Result<JobName, Failure> {
    let names = || jobs.jobs.keys().map(JobName::as_str).collect::<Vec<_>>().join(", ");
    let found = JobName::parse(name).filter(|name| jobs.jobs.contains_key(name));
    found.ok_or_else(|| {
        Failure::config(format!("{JOB_FILE} has no job `{name}`")).hint(format!("it has {}", names()))
    })
}

/// Lets a halted job go on, by a named reason.
fn release(
    project: &Path,
    job: &JobName,
    reason: &str,
    store: &mut FolderStore,
    printer: &Printer,
) -> Result<Exit, Failure> {
    let Some(_lease) = store.lease(job)? else {
        return Err(Failure::new(Exit::Failed, Class::Retryable, format!("{job} is at work")));
    };
    let mut record = store.record(job)?.unwrap_or_else(|| JobRecord::new(job.clone()));
    if !record.is_halted {
        return Err(Failure::config(format!("{job} is not halted")));
    }
    let mut act = audit::act("job.release");
    act.object = audit::object("job", job.as_str());
    act.reason = Some(reason.to_owned());
    audit::note(project, act)?;
    record.release(now_on_the_wall());
    store.keep(&record)?;
    let document = serde_json::json!({ "job": job.as_str(), "is_halted": false });
    printer.result(&document, &format!("{job} runs again at its next time"));
    Ok(Exit::Clean)
}

/// The time of day, in milliseconds: nobody plans more finely.
fn now_on_the_wall() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// Both clocks of the machine.
struct Clocks {
    began: Instant,
}

impl Clocks {
    fn now(&self) -> Moment {
        Moment { wall: now_on_the_wall(), steady: self.began.elapsed() }
    }
}

/// Runs jobs until asked to stop, or until nothing is left to do.
fn work(
    arguments: &JobsArguments,
    mut jobs: Jobs,
    store: &mut FolderStore,
    printer: &Printer,
) -> Result<Exit, Failure> {
    let wanted = arguments.run.as_ref().map(|job| known(&jobs, job)).transpose()?;
    if let Some(wanted) = &wanted {
        jobs.jobs.retain(|name, _| name == wanted);
    }
    let ends = arguments.once || wanted.is_some();
    let clocks = Clocks { began: Instant::now() };
    let mut launcher = Processes::new(&arguments.project, &arguments.project.join(RECORDS))?;
    let mut supervisor = Supervisor::new(jobs, store, &mut launcher, clocks.now())?;
    if let Some(wanted) = wanted.as_ref().filter(|wanted| !supervisor.request(wanted, clocks.now())) {
        return Err(halted(wanted));
    }
    let mut service = Service::start(arguments)?;
    let mut ended = BTreeSet::new();
    let mut is_stopping = false;
    loop {
        let now = clocks.now();
        if STOP.load(Ordering::SeqCst) && !is_stopping {
            is_stopping = true;
            service.stopping();
            supervisor.stop(now);
        }
        for event in supervisor.turn(now)? {
            printer.say(&show::told(&event));
            match event {
                Event::Ended { job, .. } => drop(ended.insert(job)),
                Event::Elsewhere(job) if wanted.is_some() => return Err(elsewhere(&job)),
                Event::Elsewhere(_)
                | Event::Began { .. }
                | Event::NotBegun { .. }
                | Event::Missed { .. }
                | Event::Late(_)
                | Event::SetBack(_)
                | Event::Released(_) => {}
            }
        }
        service.tell(&supervisor, now)?;
        if (ends || is_stopping) && supervisor.is_quiet() {
            break;
        }
        if is_stopping {
            sleep(LOOK);
        } else {
            wait(service.sleep(supervisor.sleep(now)), || !STOP.load(Ordering::SeqCst));
        }
    }
    show::ended(
        supervisor.jobs().filter(|(job, ..)| ended.contains(&job.name)).map(|(_, record, _)| record),
        printer,
    );
    Ok(match (ends, is_stopping) {
        (false, _) => Exit::Clean,
        (true, true) => Exit::Interrupted,
        (true, false) => worst(
            supervisor.jobs().filter(|(job, ..)| ended.contains(&job.name)).map(|(_, record, _)| record),
        ),
    })
}

fn elsewhere(job: &JobName) -> Failure {
    Failure::new(Exit::Failed, Class::Retryable, format!("{job} is at work elsewhere"))
}

fn halted(job: &JobName) -> Failure {
    let hint = format!("find out why, then: bron dual-run jobs --release {job} --reason TEXT");
    Failure::safety(format!("{job} was halted by a safety stop")).hint(hint)
}

/// What the process says of the jobs that it ran: the worst that the last run of any of them came to.
fn worst<'r>(records: impl Iterator<Item = &'r JobRecord>) -> Exit {
    let ending = |record: &JobRecord| record.last().and_then(|last| Some((last.ending?, last.exit)));
    let exits = records.filter_map(ending).map(|(ending, exit)| exit_of(ending, exit));
    exits.max_by_key(|exit| WORSE.iter().position(|one| one == exit)).unwrap_or(Exit::Clean)
}

/// The exits that a job can lead to, each worse than the one before.
const WORSE: [Exit; 7] = [
    Exit::Clean,
    Exit::Quarantine,
    Exit::Differences,
    Exit::NotSigned,
    Exit::Failed,
    Exit::Drift,
    Exit::SafetyStop,
];

fn exit_of(ending: Ending, exit: Option<u8>) -> Exit {
    match ending {
        Ending::Done | Ending::Missed => Exit::Clean,
        Ending::Findings => {
            let known = [Exit::Quarantine, Exit::Differences, Exit::NotSigned];
            known.into_iter().find(|known| Some(known.code()) == exit).unwrap_or(Exit::Differences)
        }
        Ending::Failed(FailureClass::Data) if exit == Some(Exit::Drift.code()) => Exit::Drift,
        Ending::Failed(FailureClass::Safety) => Exit::SafetyStop,
        Ending::Failed(FailureClass::Retryable | FailureClass::Data | FailureClass::Config)
        | Ending::TimedOut
        | Ending::Crashed
        | Ending::Interrupted
        | Ending::Lost => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_that_a_job_may_run_exists_and_knows_its_project() {
        for verb in bron_dual_run::jobs::VERBS {
            let more: &[&str] = if verb == "source drift" { &["paraply"] } else { &[] };
            let words: Vec<String> = verb.split(' ').chain(more.iter().copied()).map(str::to_owned).collect();
            assert_eq!(accepts(&words), Ok(()), "{verb}");
        }
    }

    #[test]
    fn arguments_that_a_verb_does_not_take_are_told() {
        let words = ["reconcile", "--lokks", "3"].map(str::to_owned);
        assert_eq!(accepts(&words).unwrap_err(), "unexpected argument '--lokks' found");
    }

    #[test]
    fn the_worst_of_several_jobs_is_told() {
        let record = |ending, exit| {
            let mut record = JobRecord::new(JobName::parse("a").unwrap());
            record.begin(Timestamp::UNIX_EPOCH, 1, 1, Timestamp::UNIX_EPOCH);
            record.end(ending, exit, Timestamp::UNIX_EPOCH);
            record
        };
        let (done, held) = (record(Ending::Done, Some(0)), record(Ending::Findings, Some(3)));
        let (crashed, drift) =
            (record(Ending::Crashed, None), record(Ending::Failed(FailureClass::Data), Some(5)));
        assert_eq!(worst([].into_iter()), Exit::Clean);
        assert_eq!(worst([&done, &held].into_iter()), Exit::Quarantine);
        assert_eq!(worst([&held, &crashed].into_iter()), Exit::Failed);
        assert_eq!(worst([&crashed, &drift].into_iter()), Exit::Drift);
    }
}

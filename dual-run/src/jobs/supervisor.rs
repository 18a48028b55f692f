//! Runs jobs: does what the planner says, and keeps the records.
//!
//! A run is noted before it begins and when it has ended, so that nothing runs that the record does not know of. Each
//! run is a process of its own: one that crashes takes nothing else with it.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::time::Duration;

use jiff::Timestamp;

use super::file::Jobs;
use super::job::{Job, JobName};
use super::planner::{Moment, Planner, State, Step};
use super::record::{Ending, FailureClass, JobRecord};
use super::store::{JobStore, Lease};
use crate::error::Result;

/// A process that was asked to stop has this long before it is killed.
const GRACE: Duration = Duration::from_secs(30);
/// How often somebody looks whether a run has ended.
const LOOK: Duration = Duration::from_millis(200);

/// Begins runs.
pub trait Launcher {
    /// Begins a run, and gives it what keeps the lease.
    ///
    /// # Errors
    /// When it cannot be begun.
    fn launch(&mut self, job: &Job, lease: &dyn Lease) -> Result<Box<dyn Run>>;
}

/// A run that was begun.
pub trait Run {
    /// How it ended, with the exit code where there is one; `None` while it is under way.
    ///
    /// # Errors
    /// When nobody can tell.
    fn ended(&mut self) -> Result<Option<(Ending, Option<u8>)>>;

    /// Asks it to stop, or makes it.
    fn stop(&mut self, by_force: bool);
}

/// Something that happened, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A run began.
    Began {
        /// The job.
        job: JobName,
        /// For this time of its schedule.
        slot: Timestamp,
        /// How many times it stands for.
        slots: u64,
        /// Which try it is.
        attempt: u32,
    },
    /// A run ended.
    Ended {
        /// The job.
        job: JobName,
        /// How.
        ending: Ending,
        /// How long it is until the next try, where there is one.
        again: Option<Duration>,
    },
    /// Times passed without a run.
    Missed {
        /// The job.
        job: JobName,
        /// How many.
        slots: u64,
    },
    /// A time has waited for longer than it may.
    Late(JobName),
    /// The wall clock went back far.
    SetBack(JobName),
    /// A run could not be begun; it counts as a failure that may pass.
    NotBegun {
        /// The job.
        job: JobName,
        /// Why.
        reason: String,
    },
    /// Somebody else runs the job, or has run it for this time.
    Elsewhere(JobName),
    /// A person let the job run again.
    Released(JobName),
}

struct AtWork {
    run: Box<dyn Run>,
    /// Given back when the run is over.
    _lease: Box<dyn Lease>,
    /// Since when, by the steady clock, and why it is to stop.
    stopping: Option<(Duration, Ending)>,
}

/// Runs the jobs of a project.
pub struct Supervisor<'a> {
    jobs: BTreeMap<JobName, Job>,
    planner: Planner,
    records: BTreeMap<JobName, JobRecord>,
    at_work: BTreeMap<JobName, AtWork>,
    store: &'a mut dyn JobStore,
    launcher: &'a mut dyn Launcher,
    is_stopping: bool,
}

impl<'a> Supervisor<'a> {
    /// Goes on where the records end. A run that nobody saw the end of is noted as lost.
    ///
    /// # Errors
    /// When the records cannot be read or written.
    pub fn new(
        jobs: Jobs,
        store: &'a mut dyn JobStore,
        launcher: &'a mut dyn Launcher,
        now: Moment,
    ) -> Result<Self> {
        let mut records = BTreeMap::new();
        for name in jobs.jobs.keys() {
            records.insert(name.clone(), taken_over(name, store, now.wall)?);
        }
        let all = jobs.jobs.clone();
        let planner = Planner::new(jobs, &records, now);
        Ok(Self {
            jobs: all,
            planner,
            records,
            at_work: BTreeMap::new(),
            store,
            launcher,
            is_stopping: false,
        })
    }

    /// Does everything that is to be done now, and says what happened.
    ///
    /// # Errors
    /// When a record cannot be read or written: nothing may be run then.
    pub fn turn(&mut self, now: Moment) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        self.collect(now, &mut events)?;
        if self.is_stopping {
            return Ok(events);
        }
        self.notice_released(now, &mut events)?;
        for step in self.planner.steps(now) {
            let event = match step {
                Step::Start { job, slot, slots, attempt } => self.start(job, slot, slots, attempt, now)?,
                Step::Missed { job, slot, slots } => {
                    self.miss(&job, slot, slots, now.wall)?;
                    Some(Event::Missed { job, slots })
                }
                Step::TimedOut(job) => {
                    self.ask_to_stop(&job, Ending::TimedOut, now);
                    None
                }
                Step::Late(job) => Some(Event::Late(job)),
                Step::SetBack(job) => {
                    self.set_back(&job, now.wall)?;
                    Some(Event::SetBack(job))
                }
            };
            events.extend(event);
        }
        Ok(events)
    }

    /// Has a job run now, whatever its schedule says. Says whether it will: a halted one is not.
    pub fn request(&mut self, job: &JobName, now: Moment) -> bool {
        self.planner.request(job, now)
    }

    /// Begins nothing more, and asks every run to stop.
    pub fn stop(&mut self, now: Moment) {
        self.is_stopping = true;
        let names: Vec<JobName> = self.at_work.keys().cloned().collect();
        names.iter().for_each(|job| self.ask_to_stop(job, Ending::Interrupted, now));
    }

    /// Whether nothing runs, is due or waits for another try.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.at_work.is_empty() && (self.is_stopping || self.planner.is_quiet())
    }

    /// How long nothing will be to do.
    #[must_use]
    pub fn sleep(&self, now: Moment) -> Duration {
        let sleep = self.planner.sleep(now);
        if self.at_work.is_empty() { sleep } else { sleep.min(LOOK) }
    }

    /// The jobs, with their records and where they stand.
    pub fn jobs(&self) -> impl Iterator<Item = (&Job, &JobRecord, State)> {
        self.jobs
            .iter()
            .filter_map(|(name, job)| Some((job, self.records.get(name)?, self.planner.state(name)?)))
    }

    /// What was decided, for whoever tells how late jobs are and when they come next.
    #[must_use]
    pub const fn planner(&self) -> &Planner {
        &self.planner
    }

    fn collect(&mut self, now: Moment, events: &mut Vec<Event>) -> Result<()> {
        let names: Vec<JobName> = self.at_work.keys().cloned().collect();
        for job in names {
            let Some(at_work) = self.at_work.get_mut(&job) else { continue };
            let Some((ending, exit)) = at_work.run.ended()? else {
                let overdue =
                    at_work.stopping.filter(|(since, _)| now.steady.saturating_sub(*since) >= GRACE);
                if overdue.is_some() {
                    at_work.run.stop(true);
                }
                continue;
            };
            // Whoever finished before the request to stop arrived has finished.
            let asked = at_work.stopping.map(|(_, why)| why).filter(|_| !ending.is_success());
            let ending = asked.unwrap_or(ending);
            if let Some(record) = self.records.get_mut(&job) {
                record.end(ending, exit, now.wall);
                self.store.keep(record)?;
            }
            self.at_work.remove(&job);
            let again = self.planner.ended(&job, ending, now);
            events.push(Event::Ended { job, ending, again });
        }
        Ok(())
    }

    fn start(
        &mut self,
        job: JobName,
        slot: Timestamp,
        slots: u64,
        attempt: u32,
        now: Moment,
    ) -> Result<Option<Event>> {
        let Some(lease) = self.store.lease(&job)? else {
            self.planner.held_elsewhere(&job, slot);
            return Ok(Some(Event::Elsewhere(job)));
        };
        let mut record = self.store.record(&job)?.unwrap_or_else(|| JobRecord::new(job.clone()));
        let is_decided = attempt == 1 && record.decided >= Some(slot) && !record.was_interrupted(slot);
        if is_decided || record.is_halted {
            let is_halted = record.is_halted;
            self.records.insert(job.clone(), record);
            self.planner.held_elsewhere(&job, slot);
            if is_halted {
                self.planner.halted(&job);
            }
            return Ok(Some(Event::Elsewhere(job)));
        }
        // Whoever held the lease before is gone, and so is the run that nobody saw the end of.
        record.end(Ending::Lost, None, now.wall);
        record.begin(slot, slots, attempt, now.wall);
        self.store.keep(&record)?;
        self.records.insert(job.clone(), record);
        self.planner.started(&job, slot, attempt, now);
        let Some(described) = self.jobs.get(&job) else { return Ok(None) };
        let launched = self.launcher.launch(described, lease.as_ref());
        let (run, event): (Box<dyn Run>, Event) = match launched {
            Ok(run) => (run, Event::Began { job: job.clone(), slot, slots, attempt }),
            Err(error) => {
                let behind = StdError::source(&error).map(|behind| format!(": {behind}"));
                let reason = format!("{error}{}", behind.unwrap_or_default());
                (Box::new(NotBegun), Event::NotBegun { job: job.clone(), reason })
            }
        };
        self.at_work.insert(job, AtWork { run, _lease: lease, stopping: None });
        Ok(Some(event))
    }

    fn miss(&mut self, job: &JobName, slot: Timestamp, slots: u64, now: Timestamp) -> Result<()> {
        // Whoever else has the lease runs the job, and notes it.
        let Some(_lease) = self.store.lease(job)? else { return Ok(()) };
        let mut record = self.store.record(job)?.unwrap_or_else(|| JobRecord::new(job.clone()));
        record.miss(slot, slots, now);
        self.store.keep(&record)?;
        self.records.insert(job.clone(), record);
        Ok(())
    }

    fn set_back(&mut self, job: &JobName, now: Timestamp) -> Result<()> {
        let Some(_lease) = self.store.lease(job)? else { return Ok(()) };
        if let Some(mut record) = self.store.record(job)? {
            record.decided = Some(now);
            self.store.keep(&record)?;
            self.records.insert(job.clone(), record);
        }
        Ok(())
    }

    fn notice_released(&mut self, now: Moment, events: &mut Vec<Event>) -> Result<()> {
        for name in self.jobs.keys() {
            if self.planner.state(name) != Some(State::Halted) {
                continue;
            }
            let Some(record) = self.store.record(name)? else { continue };
            if !record.is_halted {
                self.records.insert(name.clone(), record);
                self.planner.released(name, now);
                events.push(Event::Released(name.clone()));
            }
        }
        Ok(())
    }

    fn ask_to_stop(&mut self, job: &JobName, why: Ending, now: Moment) {
        if let Some(at_work) = self.at_work.get_mut(job) {
            at_work.stopping.get_or_insert((now.steady, why));
            at_work.run.stop(false);
        }
    }
}

/// The record of a job, in which nothing is under way: what was has no runner any more, unless somebody has the lease.
fn taken_over(job: &JobName, store: &mut dyn JobStore, now: Timestamp) -> Result<JobRecord> {
    let lease = store.lease(job)?;
    let is_new = store.record(job)?.is_none();
    let mut record = store.record(job)?.unwrap_or_else(|| JobRecord::new(job.clone()));
    if lease.is_some() {
        let was_under_way = record.last().is_some_and(|last| last.ending.is_none());
        record.end(Ending::Lost, None, now);
        if is_new {
            record.decided = Some(now);
        }
        if is_new || was_under_way {
            store.keep(&record)?;
        }
    }
    Ok(record)
}

/// A run that could not be begun.
struct NotBegun;

impl Run for NotBegun {
    fn ended(&mut self) -> Result<Option<(Ending, Option<u8>)>> {
        Ok(Some((Ending::Failed(FailureClass::Retryable), None)))
    }

    fn stop(&mut self, _by_force: bool) {}
}

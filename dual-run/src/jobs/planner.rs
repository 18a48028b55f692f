//! Decides which job runs when. Pure: it is told what time it is, and says what to do.
//!
//! Two clocks are told apart. The clock on the wall says which times of a schedule have come, and nothing else: it may
//! stand still, jump or go back. The steady clock counts from when the program began and measures waits and limits.
//!
//! - A time of a schedule is decided about once. When the wall clock goes back by up to an [hour](REPEATED), nothing is
//!   run twice: the times that are shown again are over. When it goes back further, it was wrong before: schedules go
//!   on from what it shows now.
//! - When the wall clock jumps ahead, or nobody ran jobs for a while, the times that passed come to one run, or to none
//!   ([`Misfire`]), never to many.
//! - A job never runs beside itself. A time that comes while it runs waits.
//! - Jobs that are due at once begin in the order of their times, then of their names.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::file::Jobs;
use super::job::{Job, JobName, Misfire};
use super::record::{Consequence, Ending, JobRecord};

/// A wall clock that goes back further than this was wrong before.
pub const REPEATED: SignedDuration = SignedDuration::from_hours(1);

/// Somebody looks at the clocks at least this often: a jump of the wall clock shows only to whoever looks.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// What the clocks show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The clock on the wall.
    pub wall: Timestamp,
    /// The steady clock.
    pub steady: Duration,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Begin a run.
    Start {
        /// The job.
        job: JobName,
        /// The time of the schedule that it is run for.
        slot: Timestamp,
        /// How many times of the schedule it stands for.
        slots: u64,
        /// Which try it is for that time, from 1.
        attempt: u32,
    },
    /// Times passed without a run.
    Missed {
        /// The job.
        job: JobName,
        /// The last of them.
        slot: Timestamp,
        /// How many.
        slots: u64,
    },
    /// A run takes longer than it may: stop it. Told once.
    TimedOut(JobName),
    /// A time has waited for longer than it may. Told once for each.
    Late(JobName),
    /// The wall clock went back far: the schedule of the job goes on from what it shows now.
    SetBack(JobName),
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for its time.
    Idle,
    /// It runs.
    Running {
        /// For this time of its schedule.
        slot: Timestamp,
        /// Which try it is.
        attempt: u32,
        /// When it began, by the steady clock.
        since: Duration,
        /// Whether it was told to stop.
        is_timed_out: bool,
    },
    /// It failed and will be tried again.
    Waiting {
        /// For this time of its schedule.
        slot: Timestamp,
        /// Which try comes next.
        attempt: u32,
        /// When, by the steady clock.
        until: Duration,
    },
    /// It is not run until a person says so.
    Halted,
}

struct Planned {
    job: Job,
    decided: Timestamp,
    state: State,
    /// The oldest time that is due and has not begun.
    due: Option<Timestamp>,
    told_late: Option<Timestamp>,
}

/// Times of a schedule that have come.
struct Due {
    first: Timestamp,
    last: Timestamp,
    count: u64,
}

/// The schedules of all jobs.
pub struct Planner {
    zone: TimeZone,
    at_once: usize,
    jobs: BTreeMap<JobName, Planned>,
}

impl Planner {
    /// Goes on where the records end. A job without a record begins now: times that passed before anybody knew of it
    /// are not its times. A run that nobody saw the end of is run again.
    #[must_use]
    pub fn new(jobs: Jobs, records: &BTreeMap<JobName, JobRecord>, now: Moment) -> Self {
        let Jobs { zone, zone_name: _, at_once, jobs } = jobs;
        let planned = jobs.into_iter().map(|(name, job)| {
            let record = records.get(&name);
            let decided = record.and_then(|record| record.decided).unwrap_or(now.wall);
            let state = record.map_or(State::Idle, |record| resumed(&job, record, now));
            (name, Planned { job, decided, state, due: None, told_late: None })
        });
        Self { zone, at_once, jobs: planned.collect() }
    }

    /// What to do now. Whoever asks does all of it.
    pub fn steps(&mut self, now: Moment) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut ready = Vec::new();
        let mut running = 0;
        for (name, planned) in &mut self.jobs {
            if planned.state == State::Halted {
                planned.due = None;
                continue;
            }
            planned.follow_clock(now, &mut steps);
            let due = planned.due(now, &self.zone);
            planned.due = due.as_ref().map(|due| due.first);
            match planned.state {
                State::Halted => {}
                State::Running { since, is_timed_out, .. } => {
                    running += 1;
                    if !is_timed_out && now.steady.saturating_sub(since) >= planned.job.timeout {
                        planned.time_out();
                        steps.push(Step::TimedOut(name.clone()));
                    }
                }
                // A newer time takes the place of a try that is still to come.
                State::Idle | State::Waiting { .. } => match due {
                    Some(due) => ready.extend(planned.begin_due(&due, now, &mut steps)),
                    None => ready.extend(planned.try_again(now)),
                },
            }
            planned.tell_late(now, &mut steps);
        }
        ready.sort();
        ready.truncate(self.at_once.saturating_sub(running));
        steps.extend(ready.into_iter().map(|(slot, job, slots, attempt)| Step::Start {
            job,
            slot,
            slots,
            attempt,
        }));
        steps
    }

    /// A run began, as [`Step::Start`] said.
    pub fn started(&mut self, job: &JobName, slot: Timestamp, attempt: u32, now: Moment) {
        if let Some(planned) = self.jobs.get_mut(job) {
            planned.decided = planned.decided.max(slot);
            planned.due = None;
            planned.state = State::Running { slot, attempt, since: now.steady, is_timed_out: false };
        }
    }

    /// Somebody else runs the job: its time is over.
    pub fn held_elsewhere(&mut self, job: &JobName, slot: Timestamp) {
        if let Some(planned) = self.jobs.get_mut(job) {
            planned.decided = planned.decided.max(slot);
            planned.state = State::Idle;
        }
    }

    /// Somebody wants a job to run now, whatever its schedule says. Says whether it will: a halted one is not. A time
    /// that is due, and a try that is still to come, are what it runs for.
    pub fn request(&mut self, job: &JobName, now: Moment) -> bool {
        let Some(planned) = self.jobs.get_mut(job).filter(|planned| planned.state != State::Halted) else {
            return false;
        };
        planned.state = match planned.state {
            State::Idle => {
                // A time of its own, later than every time that was decided about.
                let slot = now.wall.max(planned.decided + SignedDuration::from_millis(1));
                State::Waiting { slot, attempt: 1, until: now.steady }
            }
            State::Waiting { slot, attempt, .. } => State::Waiting { slot, attempt, until: now.steady },
            state @ (State::Running { .. } | State::Halted) => state,
        };
        true
    }

    /// Somebody else found that the job must not be run until a person says so.
    pub fn halted(&mut self, job: &JobName) {
        if let Some(planned) = self.jobs.get_mut(job) {
            planned.state = State::Halted;
        }
    }

    /// A person let a halted job run again, from now on.
    pub fn released(&mut self, job: &JobName, now: Moment) {
        if let Some(planned) = self.jobs.get_mut(job).filter(|planned| planned.state == State::Halted) {
            (planned.state, planned.decided) = (State::Idle, now.wall);
        }
    }

    /// A run ended. Says how long it is until the next try, where there is one.
    pub fn ended(&mut self, job: &JobName, ending: Ending, now: Moment) -> Option<Duration> {
        let planned = self.jobs.get_mut(job)?;
        let State::Running { slot, attempt, .. } = planned.state else { return None };
        planned.state = after(&planned.job, ending, slot, attempt, now);
        match planned.state {
            State::Waiting { until, .. } => Some(until.saturating_sub(now.steady)),
            State::Idle | State::Halted | State::Running { .. } => None,
        }
    }

    /// Where a job stands.
    #[must_use]
    pub fn state(&self, job: &JobName) -> Option<State> {
        self.jobs.get(job).map(|planned| planned.state)
    }

    /// How long the oldest time that is due and has not begun has waited.
    #[must_use]
    pub fn lateness(&self, job: &JobName, now: Moment) -> Duration {
        let due = self.jobs.get(job).and_then(|planned| planned.due);
        due.and_then(|due| Duration::try_from(now.wall.duration_since(due)).ok()).unwrap_or_default()
    }

    /// The next time of a job's schedule.
    #[must_use]
    pub fn next(&self, job: &JobName, now: Moment) -> Option<Timestamp> {
        let planned = self.jobs.get(job)?;
        planned.job.cron.next_after(planned.decided.max(now.wall), &self.zone)
    }

    /// Whether nothing runs, is due or waits for another try.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let is_quiet = |planned: &Planned| match planned.state {
            State::Halted => true,
            State::Idle => planned.due.is_none(),
            State::Running { .. } | State::Waiting { .. } => false,
        };
        self.jobs.values().all(is_quiet)
    }

    /// How long nothing will be to do, as far as the clocks can tell.
    #[must_use]
    pub fn sleep(&self, now: Moment) -> Duration {
        let sleeps = self.jobs.values().filter_map(|planned| match planned.state {
            State::Halted => None,
            State::Waiting { until, .. } => Some(until.saturating_sub(now.steady)),
            State::Running { since, .. } => Some((since + planned.job.timeout).saturating_sub(now.steady)),
            State::Idle => {
                let next = planned.job.cron.next_after(planned.decided, &self.zone)?;
                Some(Duration::try_from(next.duration_since(now.wall)).unwrap_or_default())
            }
        });
        sleeps.min().unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)
    }
}

impl Planned {
    fn follow_clock(&mut self, now: Moment, steps: &mut Vec<Step>) {
        if self.decided.duration_since(now.wall) > REPEATED {
            self.decided = now.wall;
            steps.push(Step::SetBack(self.job.name.clone()));
        }
    }

    fn due(&self, now: Moment, zone: &TimeZone) -> Option<Due> {
        let mut due: Option<Due> = None;
        let mut at = self.decided;
        while let Some(slot) = self.job.cron.next_after(at, zone).filter(|slot| *slot <= now.wall) {
            match &mut due {
                Some(due) => (due.last, due.count) = (slot, due.count + 1),
                None => due = Some(Due { first: slot, last: slot, count: 1 }),
            }
            at = slot;
        }
        due
    }

    /// What is ready to begin: the time, the job, how many times it stands for and which try it is.
    fn begin_due(
        &mut self,
        due: &Due,
        now: Moment,
        steps: &mut Vec<Step>,
    ) -> Option<(Timestamp, JobName, u64, u32)> {
        let name = self.job.name.clone();
        let waited = Duration::try_from(now.wall.duration_since(due.last)).unwrap_or_default();
        if waited <= self.job.most_late || self.job.misfire == Misfire::RunOnce {
            return Some((due.last, name, due.count, 1));
        }
        self.decided = due.last;
        self.due = None;
        steps.push(Step::Missed { job: name, slot: due.last, slots: due.count });
        None
    }

    fn try_again(&self, now: Moment) -> Option<(Timestamp, JobName, u64, u32)> {
        match self.state {
            State::Waiting { slot, attempt, until } if until <= now.steady => {
                Some((slot, self.job.name.clone(), 1, attempt))
            }
            State::Waiting { .. } | State::Idle | State::Halted | State::Running { .. } => None,
        }
    }

    fn time_out(&mut self) {
        if let State::Running { is_timed_out, .. } = &mut self.state {
            *is_timed_out = true;
        }
    }

    fn tell_late(&mut self, now: Moment, steps: &mut Vec<Step>) {
        let late = self.due.filter(|due| {
            let waited = Duration::try_from(now.wall.duration_since(*due)).unwrap_or_default();
            waited > self.job.most_late
        });
        if late.is_some() && late != self.told_late {
            self.told_late = late;
            steps.push(Step::Late(self.job.name.clone()));
        }
    }
}

/// Where a job stands when whoever ran jobs before is gone.
fn resumed(job: &Job, record: &JobRecord, now: Moment) -> State {
    if record.is_halted {
        return State::Halted;
    }
    let Some(run) = record.last() else { return State::Idle };
    match after(job, run.ending.unwrap_or(Ending::Lost), run.slot, run.attempt, now) {
        // A person has let it go on.
        State::Halted => State::Idle,
        state @ (State::Idle | State::Running { .. } | State::Waiting { .. }) => state,
    }
}

/// Where a job stands after a run.
fn after(job: &Job, ending: Ending, slot: Timestamp, attempt: u32, now: Moment) -> State {
    match ending.consequence() {
        Consequence::Settled => State::Idle,
        Consequence::Halted => State::Halted,
        Consequence::Resumed => State::Waiting { slot, attempt, until: now.steady },
        Consequence::Again => job.retry.wait_after(attempt).map_or(State::Idle, |wait| State::Waiting {
            slot,
            attempt: attempt + 1,
            until: now.steady + wait,
        }),
    }
}

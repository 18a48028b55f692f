//! What metrics and status tell of a job.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::job::{Job, JobName};
use super::planner::{Moment, State};
use super::record::{Ending, JobRecord, JobRun};
use super::supervisor::Supervisor;
use crate::metrics::JobStatus;

impl Supervisor<'_> {
    /// The status of every job.
    #[must_use]
    pub fn status(&self, now: Moment) -> BTreeMap<JobName, JobStatus> {
        let status = |(job, record, state): (&Job, &JobRecord, State)| {
            let late = self.planner().lateness(&job.name, now);
            (job.name.clone(), job_status(job, record, state, late, now.wall))
        };
        self.jobs().map(status).collect()
    }
}

fn job_status(job: &Job, record: &JobRecord, state: State, late: Duration, now: Timestamp) -> JobStatus {
    let mut ended =
        record.runs.iter().rev().filter(|run| run.ended.is_some() && run.ending != Some(Ending::Missed));
    let last = ended.clone().next();
    let success = ended.find(|run| run.ending.is_some_and(Ending::is_success));
    JobStatus {
        is_running: matches!(state, State::Running { .. }),
        is_halted: state == State::Halted,
        late,
        most_late: job.most_late,
        last: last.and_then(|run| run.ending),
        since_success: success.and_then(|run| between(run.ended?, now)),
        took: last.and_then(took),
        endings: Ending::ALL.into_iter().map(|ending| (ending, record.count(ending))).collect(),
    }
}

fn took(run: &JobRun) -> Option<Duration> {
    between(run.began, run.ended?)
}

/// The time between two moments; none when the clock went back.
fn between(earlier: Timestamp, later: Timestamp) -> Option<Duration> {
    Some(Duration::try_from(later.duration_since(earlier)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::file::parse;
    use super::*;

    #[test]
    fn a_status_tells_the_last_run_and_the_last_success() {
        let text = "format = 1\n[job.a]\ncron = \"0 * * * *\"\nrun = [\"check\"]\n";
        let jobs = parse("jobs.toml", text, |_| Ok(())).unwrap();
        let (name, job) = jobs.jobs.first_key_value().unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut record = JobRecord::new(name.clone());
        for (second, ending) in [(0, Ending::Findings), (100, Ending::Crashed)] {
            record.begin(at(second), 1, 1, at(second));
            record.end(ending, None, at(second + 7));
        }
        record.miss(at(200), 2, at(300));
        let status = job_status(job, &record, State::Idle, Duration::ZERO, at(1007));
        assert_eq!(
            (status.last, status.since_success),
            (Some(Ending::Crashed), Some(Duration::from_secs(1000)))
        );
        assert_eq!((status.took, status.endings[&Ending::Missed]), (Some(Duration::from_secs(7)), 2));
        let back = job_status(job, &record, State::Idle, Duration::ZERO, at(0));
        assert_eq!(back.since_success, Some(Duration::ZERO), "a clock that went back makes nothing negative");
    }
}

//! A job: what is run when, and what becomes of it when it cannot be.

use std::fmt;
use std::time::Duration;

use bron_mappings::may_name_a_person;
use serde::{Deserialize, Serialize};

use super::cron::Cron;
use super::work::Work;
use crate::scope::Scope;

/// The name of a job: lower-case letters, digits and hyphens, at most 40, beginning with a letter. It stands in file
/// names, units and metrics.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobName(String);

impl JobName {
    /// Reads a name; `None` when it is not of the form, or could be a person number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain =
            text.bytes().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'-');
        let begins = text.bytes().next().is_some_and(|one| one.is_ascii_lowercase());
        (is_plain && begins && text.len() <= 40 && !may_name_a_person(text)).then(|| Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for JobName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("no name of a job")
    }
}

impl From<JobName> for String {
    fn from(name: JobName) -> Self {
        name.0
    }
}

/// What becomes of a time that has passed without the job being run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfire {
    /// The job is run once, as soon as it can be, for all the times that passed.
    RunOnce,
    /// The job waits for its next time.
    Skip,
}

impl Misfire {
    /// Both, with the names that the job file uses.
    pub const ALL: [(&'static str, Self); 2] = [("run-once", Self::RunOnce), ("skip", Self::Skip)];
}

/// How often, and after which waits, a job that failed is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The most times that it is tried again for one time of its schedule.
    pub times: u32,
    /// The wait before the first; doubled with each further one.
    pub first_wait: Duration,
    /// No wait is longer.
    pub longest_wait: Duration,
}

impl Retry {
    /// The wait after an attempt, counted from 1; `None` when it was the last.
    #[must_use]
    pub fn wait_after(self, attempt: u32) -> Option<Duration> {
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        (attempt <= self.times).then(|| self.first_wait.saturating_mul(doubled).min(self.longest_wait))
    }
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its name.
    pub name: JobName,
    /// When it is run, as written.
    pub cron_text: String,
    /// When it is run.
    pub cron: Cron,
    /// What it runs.
    pub work: Work,
    /// The scope that it works for, where it works for one; shown with its runs.
    pub scope: Option<Scope>,
    /// How long it may take; then it is stopped.
    pub timeout: Duration,
    /// How often it is tried again.
    pub retry: Retry,
    /// What becomes of times that passed.
    pub misfire: Misfire,
    /// How long after its time it may begin before that is a misfire, and somebody is told.
    pub most_late: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_fit_for_files_units_and_metrics() {
        assert_eq!(JobName::parse("nattlig-avstamning-2").unwrap().as_str(), "nattlig-avstamning-2");
        let long = "a".repeat(41);
        for wrong in ["", "2a", "-a", "A", "a b", "a/b", "a.b", "å", "a200001010008", long.as_str()] {
            assert_eq!(JobName::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_end() {
        let seconds = Duration::from_secs;
        let retry = Retry { times: 5, first_wait: seconds(10), longest_wait: seconds(60) };
        let waits: Vec<_> = (1..=6).map(|attempt| retry.wait_after(attempt)).collect();
        assert_eq!(
            waits,
            [10, 20, 40, 60, 60]
                .map(|wait| Some(seconds(wait)))
                .into_iter()
                .chain([None])
                .collect::<Vec<_>>()
        );
        assert_eq!(Retry { times: 0, ..retry }.wait_after(1), None);
        assert_eq!(Retry { times: u32::MAX, ..retry }.wait_after(u32::MAX), Some(seconds(60)));
    }
}

//! What is kept of a job: how far its schedule was decided about, and what its runs came to.

mod moment;

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::job::JobName;

/// So many runs of a job are kept; counts are kept for good.
const KEPT_RUNS: usize = 200;

/// What sort of failure a verb told of, and so whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// Trying again may help.
    Retryable,
    /// Something in the sources' data or files.
    Data,
    /// Something in the settings or mapping files.
    Config,
    /// Going on could lose or mix up something.
    Safety,
}

impl FailureClass {
    /// All, in the order of their declaration.
    pub const ALL: [Self; 4] = [Self::Retryable, Self::Data, Self::Config, Self::Safety];

    /// The name, as the verbs print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retryable => "retryable",
            Self::Data => "data",
            Self::Config => "config",
            Self::Safety => "safety",
        }
    }

    /// The class of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Done, and nothing to say.
    Done,
    /// Done, with something that people should look at: differences, rows held back, a sign-off that is missing.
    Findings,
    /// Failed, and the class says whose it is.
    Failed(FailureClass),
    /// It took longer than it may and was stopped.
    TimedOut,
    /// The process died.
    Crashed,
    /// Whoever runs the jobs was asked to stop, and stopped it.
    Interrupted,
    /// Whoever ran it died, and nobody saw how it ended.
    Lost,
    /// It was not run: its time had passed.
    Missed,
}

/// What an ending leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// The job waits for its next time.
    Settled,
    /// It is tried again, after a wait when there are tries left.
    Again,
    /// It is run again as soon as somebody runs jobs.
    Resumed,
    /// It is not run until a person says so.
    Halted,
}

impl Ending {
    /// All, in the order of metrics.
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::Findings,
        Self::Failed(FailureClass::Retryable),
        Self::Failed(FailureClass::Data),
        Self::Failed(FailureClass::Config),
        Self::Failed(FailureClass::Safety),
        Self::TimedOut,
        Self::Crashed,
        Self::Interrupted,
        Self::Lost,
        Self::Missed,
    ];

    /// The name in histories, metrics and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Findings => "findings",
            Self::Failed(FailureClass::Retryable) => "failed_retryable",
            Self::Failed(FailureClass::Data) => "failed_data",
            Self::Failed(FailureClass::Config) => "failed_config",
            Self::Failed(FailureClass::Safety) => "failed_safety",
            Self::TimedOut => "timed_out",
            Self::Crashed => "crashed",
            Self::Interrupted => "interrupted",
            Self::Lost => "lost",
            Self::Missed => "missed",
        }
    }

    /// What it leads to.
    #[must_use]
    pub const fn consequence(self) -> Consequence {
        match self {
            Self::Done
            | Self::Findings
            | Self::Missed
            | Self::Failed(FailureClass::Data | FailureClass::Config) => Consequence::Settled,
            // What nobody saw the end of may have brought down whoever ran it, so it counts as a try.
            Self::Failed(FailureClass::Retryable) | Self::TimedOut | Self::Crashed | Self::Lost => {
                Consequence::Again
            }
            Self::Interrupted => Consequence::Resumed,
            Self::Failed(FailureClass::Safety) => Consequence::Halted,
        }
    }

    /// Whether the job did what it is for.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Done | Self::Findings)
    }
}

/// One run of a job, or times that passed without one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRun {
    /// Its number among the runs of the job, from 1.
    pub number: u64,
    /// The time of the schedule that it was run for.
    #[serde(with = "moment")]
    pub slot: Timestamp,
    /// How many times of the schedule it stands for: more than one when some had passed.
    pub slots: u64,
    /// Which try it was for that time, from 1.
    pub attempt: u32,
    /// When it began, by the clock of the machine; for people only.
    #[serde(with = "moment")]
    pub began: Timestamp,
    /// When it ended, by the same; `None` while it is under way.
    #[serde(with = "moment::optional")]
    pub ended: Option<Timestamp>,
    /// How it ended; `None` while it is under way.
    pub ending: Option<Ending>,
    /// The exit code, where there is one.
    pub exit: Option<u8>,
}

/// What is kept of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRecord {
    /// The number of the format.
    pub format: u32,
    /// The job.
    pub job: JobName,
    /// Times of the schedule up to here were decided about: run, or passed over. A time is decided about once,
    /// whatever becomes of the clock.
    #[serde(with = "moment::optional")]
    pub decided: Option<Timestamp>,
    /// Whether it is not run until a person says so.
    pub is_halted: bool,
    /// How many runs have ended in each way, by the name of the ending; for missed times, how many there were.
    pub counts: BTreeMap<String, u64>,
    /// The last runs, oldest first.
    pub runs: VecDeque<JobRun>,
}

impl JobRecord {
    /// The record of a job that nobody has run.
    #[must_use]
    pub fn new(job: JobName) -> Self {
        Self {
            format: bron_mappings::Artefact::JobRecord.newest(),
            job,
            decided: None,
            is_halted: false,
            counts: BTreeMap::new(),
            runs: VecDeque::new(),
        }
    }

    /// The last run, or passed time.
    #[must_use]
    pub fn last(&self) -> Option<&JobRun> {
        self.runs.back()
    }

    /// Whether the last run was for this time and stopped before it was done, so that the time is still to be run for.
    #[must_use]
    pub fn was_interrupted(&self, slot: Timestamp) -> bool {
        self.last().is_some_and(|last| last.slot == slot && last.ending == Some(Ending::Interrupted))
    }

    /// How often runs have ended so; for missed times, how many there were.
    #[must_use]
    pub fn count(&self, ending: Ending) -> u64 {
        self.counts.get(ending.name()).copied().unwrap_or(0)
    }

    /// Notes that a run begins.
    pub fn begin(&mut self, slot: Timestamp, slots: u64, attempt: u32, began: Timestamp) {
        let number = self.last().map_or(1, |last| last.number + 1);
        let run = JobRun { number, slot, slots, attempt, began, ended: None, ending: None, exit: None };
        self.decided = self.decided.max(Some(slot));
        self.runs.push_back(run);
        self.forget_oldest();
    }

    /// Notes how the run that is under way ended. Nothing when none is.
    pub fn end(&mut self, ending: Ending, exit: Option<u8>, ended: Timestamp) {
        let Some(run) = self.runs.back_mut().filter(|run| run.ending.is_none()) else { return };
        (run.ending, run.exit, run.ended) = (Some(ending), exit, Some(ended));
        self.is_halted |= ending.consequence() == Consequence::Halted;
        *self.counts.entry(ending.name().to_owned()).or_default() += 1;
    }

    /// Notes that times passed without a run, the last of them `slot`. Times that pass one after the other are one
    /// entry, so that they do not push out the runs.
    pub fn miss(&mut self, slot: Timestamp, slots: u64, now: Timestamp) {
        self.decided = self.decided.max(Some(slot));
        *self.counts.entry(Ending::Missed.name().to_owned()).or_default() += slots;
        if let Some(run) = self.runs.back_mut().filter(|run| run.ending == Some(Ending::Missed)) {
            (run.slot, run.slots, run.ended) = (slot, run.slots + slots, Some(now));
            return;
        }
        self.begin(slot, slots, 0, now);
        if let Some(run) = self.runs.back_mut() {
            (run.ending, run.ended) = (Some(Ending::Missed), Some(now));
        }
    }

    /// Lets a halted job run again, from now on. Says whether it was halted.
    pub fn release(&mut self, now: Timestamp) -> bool {
        self.decided = Some(now);
        std::mem::take(&mut self.is_halted)
    }

    fn forget_oldest(&mut self) {
        while self.runs.len() > KEPT_RUNS {
            self.runs.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> JobRecord {
        JobRecord::new(JobName::parse("natt").unwrap())
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_run_is_noted_when_it_begins_and_when_it_ends() {
        let mut record = record();
        record.begin(at(60), 1, 1, at(61));
        assert_eq!((record.decided, record.last().unwrap().ending), (Some(at(60)), None));
        record.end(Ending::Findings, Some(2), at(70));
        record.end(Ending::Crashed, None, at(80));
        assert_eq!((record.count(Ending::Findings), record.count(Ending::Crashed)), (1, 0), "it ends once");
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<JobRecord>(&text).unwrap(), record);
    }

    #[test]
    fn old_runs_are_forgotten_and_counts_are_not() {
        let mut record = record();
        for run in 0..500 {
            record.begin(at(run), 1, 1, at(run));
            record.end(Ending::Done, Some(0), at(run));
        }
        assert_eq!((record.runs.len(), record.count(Ending::Done)), (200, 500));
        assert_eq!((record.runs[0].number, record.last().unwrap().number), (301, 500));
        (0..300).for_each(|more| record.miss(at(500 + more), 1, at(900)));
        assert_eq!((record.runs.len(), record.count(Ending::Missed)), (200, 300), "they are one entry");
        assert_eq!(record.last().unwrap().slots, 300);
    }

    #[test]
    fn only_a_safety_stop_halts_and_a_person_lets_go() {
        for ending in Ending::ALL {
            let mut record = record();
            record.begin(at(0), 1, 1, at(0));
            record.end(ending, None, at(1));
            assert_eq!(record.is_halted, ending == Ending::Failed(FailureClass::Safety), "{}", ending.name());
            assert_eq!(
                (record.release(at(9)), record.decided),
                (ending.name() == "failed_safety", Some(at(9)))
            );
        }
    }

    #[test]
    fn names_of_endings_differ_and_classes_have_names() {
        let names: std::collections::BTreeSet<&str> =
            Ending::ALL.iter().map(|ending| ending.name()).collect();
        assert_eq!(names.len(), Ending::ALL.len());
        assert!(FailureClass::ALL.iter().all(|class| FailureClass::named(class.name()) == Some(*class)));
    }
}

//! A status as samples of the metrics.

use std::time::Duration;

use bron_mappings::may_name_a_person;

use super::liveness::{Liveness, Stage};
use super::registry::{self as of, LabelName, Metric};
use super::status::{
    BridgeStatus, ConflictClass, Direction, Gate, JobStatus, MismatchClass, NextAction, NoWayBack, OWNERS,
    PHASES, ScopeStatus, StreamStatus, WayBack, days, phase_name,
};
use crate::jobs::{Ending, JobName};
use crate::scope::Scope;

/// The value of a label. There is no form for free text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label<'a> {
    /// A name of a closed list.
    Name(LabelName, &'static str),
    /// A scope.
    Scope(&'a Scope),
    /// A source, by the name that the settings give it.
    Source(&'a str),
    /// A job.
    Job(&'a JobName),
}

impl Label<'_> {
    /// Which label it is.
    #[must_use]
    pub const fn name(&self) -> LabelName {
        match self {
            Self::Name(name, _) => *name,
            Self::Scope(_) => LabelName::Scope,
            Self::Source(_) => LabelName::Source,
            Self::Job(_) => LabelName::Job,
        }
    }

    /// The value. A name that somebody chose and that could be a person number is not shown.
    #[must_use]
    pub fn value(&self) -> String {
        let chosen = match self {
            Self::Name(_, value) => return (*value).to_owned(),
            Self::Scope(scope) => scope.to_string(),
            Self::Source(source) => (*source).to_owned(),
            Self::Job(job) => job.to_string(),
        };
        if may_name_a_person(&chosen) { "withheld".to_owned() } else { chosen }
    }
}

/// The value of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Things, or 0 and 1.
    Count(u64),
    /// Time, written in seconds with three decimals.
    Time(Duration),
}

/// One value of one metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample<'a> {
    /// The metric.
    pub metric: &'static Metric,
    /// The labels, in the order of the metric's.
    pub labels: Vec<Label<'a>>,
    /// The value.
    pub quantity: Quantity,
}

/// The samples of a status, in the order of the metrics and, within one, of their labels.
///
/// What nobody can tell has no sample: an age that is not known is not zero.
#[must_use]
pub fn samples(status: &BridgeStatus) -> Vec<Sample<'_>> {
    let mut all = Samples(Vec::new());
    all.truth(&of::UP, vec![], status.liveness() == Liveness::Alive);
    for (stage, beat) in &status.stages {
        let label = || vec![Label::Name(LabelName::Stage, Stage::name(*stage))];
        all.time(&of::STAGE_AGE, label(), beat.age);
        all.time(&of::STAGE_LIMIT, label(), Some(beat.limit));
    }
    status.streams.iter().for_each(|((direction, source), stream)| all.stream(*direction, source, stream));
    if let Some(journal) = status.journal {
        all.count(&of::JOURNAL_DEPTH, vec![], journal.depth);
        all.time(&of::JOURNAL_OLDEST, vec![], Some(journal.oldest));
    }
    status.scopes.iter().for_each(|(scope, status)| all.scope(scope, status));
    status.jobs.iter().for_each(|(name, job)| all.job(name, job));
    let place = |sample: &Sample<'_>| of::METRICS.iter().position(|metric| metric == sample.metric);
    all.0.sort_by(|one, other| (place(one), &one.labels).cmp(&(place(other), &other.labels)));
    all.0
}

struct Samples<'a>(Vec<Sample<'a>>);

impl<'a> Samples<'a> {
    fn add(&mut self, metric: &'static Metric, labels: Vec<Label<'a>>, quantity: Quantity) {
        debug_assert!(labels.iter().map(Label::name).eq(metric.labels.iter().copied()), "{}", metric.name);
        self.0.push(Sample { metric, labels, quantity });
    }

    fn count(&mut self, metric: &'static Metric, labels: Vec<Label<'a>>, count: u64) {
        self.add(metric, labels, Quantity::Count(count));
    }

    fn truth(&mut self, metric: &'static Metric, labels: Vec<Label<'a>>, truth: bool) {
        self.count(metric, labels, u64::from(truth));
    }

    fn time(&mut self, metric: &'static Metric, labels: Vec<Label<'a>>, time: Option<Duration>) {
        if let Some(time) = time {
            self.add(metric, labels, Quantity::Time(time));
        }
    }

    fn stream(&mut self, direction: Direction, source: &'a str, stream: &StreamStatus) {
        let labels = || vec![Label::Name(LabelName::Direction, direction.name()), Label::Source(source)];
        self.time(&of::LAG, labels(), stream.lag);
        self.truth(&of::LAG_KNOWN, labels(), stream.lag.is_some());
        self.count(&of::VERSIONS, labels(), stream.versions_behind);
        self.time(&of::HEADROOM, labels(), stream.headroom);
        self.count(&of::ECHOES, labels(), stream.echoes);
    }

    fn scope(&mut self, scope: &'a Scope, status: &ScopeStatus) {
        let alone = || vec![Label::Scope(scope)];
        let with = |name, value| vec![Label::Scope(scope), Label::Name(name, value)];
        let phase = phase_name(status.phase);
        for name in PHASES {
            self.truth(&of::PHASE, with(LabelName::Phase, name), name == phase);
        }
        for owner in OWNERS {
            self.truth(&of::OWNER, with(LabelName::Owner, owner.name()), owner == status.ownership.owner);
        }
        self.count(&of::EPOCH, alone(), status.ownership.epoch.changes());
        self.count(&of::ITERATION, alone(), status.iteration);
        self.count(&of::PARKED, alone(), status.parked);
        for class in ConflictClass::ALL {
            let count = status.conflicts.get(&class).copied().unwrap_or(0);
            self.count(&of::CONFLICTS, with(LabelName::Conflict, class.name()), count);
            if class == ConflictClass::OwnershipViolation {
                self.count(&of::VIOLATIONS, alone(), count);
            }
        }
        for class in MismatchClass::ALL {
            let count = status.mismatches.get(&class).copied().unwrap_or(0);
            self.count(&of::MISMATCHES, with(LabelName::Mismatch, class.name()), count);
        }
        for gate in Gate::ALL {
            let known = status.gates.get(&gate);
            let labels = || with(LabelName::Gate, gate.name());
            self.truth(&of::GATE_OPEN, labels(), known.is_some_and(|known| known.lets_through()));
            self.time(&of::GATE_AGE, labels(), known.and_then(|known| known.age));
        }
        self.truth(&of::WAY_BACK, alone(), status.way_back == WayBack::Open);
        for reason in NoWayBack::ALL {
            let is_closed = status.way_back == WayBack::Closed(reason);
            self.truth(&of::NO_WAY_BACK, with(LabelName::Reason, reason.name()), is_closed);
        }
        self.count(&of::REVERSE_DAYS, alone(), status.in_reverse.map_or(0, days));
        for action in NextAction::ALL {
            let is_next = status.next_action() == Some(action);
            self.truth(&of::NEXT_ACTION, with(LabelName::Action, action.name()), is_next);
        }
    }

    fn job(&mut self, name: &'a JobName, job: &JobStatus) {
        let alone = || vec![Label::Job(name)];
        for ending in Ending::ALL {
            let labels = vec![Label::Job(name), Label::Name(LabelName::Ending, ending.name())];
            self.count(&of::JOB_RUNS, labels, job.endings.get(&ending).copied().unwrap_or(0));
        }
        self.time(&of::JOB_LATE, alone(), Some(job.late.saturating_sub(job.most_late)));
        self.truth(&of::JOB_RUNNING, alone(), job.is_running);
        self.truth(&of::JOB_HALTED, alone(), job.is_halted);
        self.time(&of::JOB_SUCCESS, alone(), job.since_success);
        self.time(&of::JOB_TOOK, alone(), job.took);
    }
}

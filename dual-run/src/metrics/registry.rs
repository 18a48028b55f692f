//! Every metric that there is.

use super::status::names;

/// Whether a value goes up and down, or only up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It goes up and down.
    Gauge,
    /// It only goes up; its name ends with `_total`.
    Counter,
}

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    None,
    /// Seconds; the name ends with `_seconds`.
    Seconds,
    /// 0 or 1.
    Truth,
}

names! {
    /// What a label tells apart. Its values are names of a closed list, of scopes, of streams or of jobs.
    LabelName: 13 {
        /// The way that changes travel.
        Direction = "direction",
        /// The source of a stream, by the name that the settings give it.
        Source = "source",
        /// Area, nämnd and side.
        Scope = "scope",
        /// The class of a conflict.
        Conflict = "class",
        /// The class of a difference.
        Mismatch = "difference",
        /// A gate.
        Gate = "gate",
        /// A phase.
        Phase = "phase",
        /// An owner.
        Owner = "owner",
        /// Why something is not so.
        Reason = "reason",
        /// A stage of the work.
        Stage = "stage",
        /// A job.
        Job = "job",
        /// How a run ended.
        Ending = "ending",
        /// What somebody does next.
        Action = "action",
    }
}

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Whether it goes up and down.
    pub kind: Kind,
    /// What it counts.
    pub unit: Unit,
    /// What its samples are told apart by, in the order of their labels.
    pub labels: &'static [LabelName],
    /// What it means, in one line.
    pub help: &'static str,
}

const fn metric(
    name: &'static str,
    kind: Kind,
    unit: Unit,
    labels: &'static [LabelName],
    help: &'static str,
) -> Metric {
    Metric { name, kind, unit, labels, help }
}

macro_rules! metrics {
    ($count:literal {
        $($constant:ident: $name:literal $kind:ident $unit:ident [$($label:ident),*] $help:literal;)+
    }) => {
        $(pub(super) const $constant: Metric =
            metric($name, Kind::$kind, Unit::$unit, &[$(LabelName::$label),*], $help);)+

        /// Every metric, in the order in which they are written.
        pub const METRICS: [Metric; $count] = [$($constant),+];
    };
}

metrics! { 30 {
    UP: "bron_bridge_alive" Gauge Truth []
        "1 when every stage at work here has got on in time.";
    STAGE_AGE: "bron_stage_age_seconds" Gauge Seconds [Stage]
        "How long ago a stage last got on.";
    STAGE_LIMIT: "bron_stage_limit_seconds" Gauge Seconds [Stage]
        "How long ago a stage may last have got on.";
    LAG: "bron_stream_lag_seconds" Gauge Seconds [Direction, Source]
        "How old the oldest change is that is not applied.";
    LAG_KNOWN: "bron_stream_lag_known" Gauge Truth [Direction, Source]
        "1 when the lag of a stream can be told; nobody must take silence for no lag.";
    VERSIONS: "bron_stream_versions_behind" Gauge None [Direction, Source]
        "How many versions of the source are not applied.";
    HEADROOM: "bron_stream_headroom_seconds" Gauge Seconds [Direction, Source]
        "How long the source keeps what follows the position.";
    ECHOES: "bron_stream_echoes_total" Counter None [Direction, Source]
        "Changes that were the bridge's own and went no further.";
    JOURNAL_DEPTH: "bron_journal_depth" Gauge None []
        "Cuts that are journaled and not applied.";
    JOURNAL_OLDEST: "bron_journal_oldest_seconds" Gauge Seconds []
        "How old the oldest cut is that is not applied.";
    PHASE: "bron_scope_phase" Gauge Truth [Scope, Phase]
        "1 for the phase that a scope is in.";
    OWNER: "bron_scope_owner" Gauge Truth [Scope, Owner]
        "1 for the world that owns a scope.";
    EPOCH: "bron_scope_epoch" Gauge None [Scope]
        "How often a scope has changed its owner.";
    ITERATION: "bron_scope_iteration" Gauge None [Scope]
        "How often a scope has been taken back.";
    PARKED: "bron_scope_parked_keys" Gauge None [Scope]
        "Persons and cases whose changes wait for people.";
    CONFLICTS: "bron_scope_conflicts_total" Counter None [Scope, Conflict]
        "Conflicts by class.";
    VIOLATIONS: "bron_scope_ownership_violations_total" Counter None [Scope]
        "Writes in the world that does not own the scope.";
    MISMATCHES: "bron_scope_mismatches" Gauge None [Scope, Mismatch]
        "What the last comparison of both worlds found.";
    GATE_OPEN: "bron_scope_gate_open" Gauge Truth [Scope, Gate]
        "1 when a gate is open and its evidence fresh.";
    GATE_AGE: "bron_scope_gate_age_seconds" Gauge Seconds [Scope, Gate]
        "How old the evidence for a gate is.";
    WAY_BACK: "bron_scope_rollback_available" Gauge Truth [Scope]
        "1 when ownership can be handed back without losing a write.";
    NO_WAY_BACK: "bron_scope_rollback_unavailable" Gauge Truth [Scope, Reason]
        "1 for the reason why ownership cannot be handed back.";
    REVERSE_DAYS: "bron_scope_reverse_days" Gauge None [Scope]
        "Whole days that the way back has been kept open.";
    NEXT_ACTION: "bron_scope_next_action" Gauge Truth [Scope, Action]
        "1 for what somebody does next about a scope.";
    JOB_RUNS: "bron_job_runs_total" Counter None [Job, Ending]
        "Runs of a job by how they ended; for missed, times that passed without a run.";
    JOB_LATE: "bron_job_late_seconds" Gauge Seconds [Job]
        "How long the oldest due time of a job has waited, beyond what it may.";
    JOB_RUNNING: "bron_job_running" Gauge Truth [Job]
        "1 while a job runs.";
    JOB_HALTED: "bron_job_halted" Gauge Truth [Job]
        "1 when a job waits for a person after a safety stop.";
    JOB_SUCCESS: "bron_job_success_age_seconds" Gauge Seconds [Job]
        "How long ago a job last did what it is for.";
    JOB_TOOK: "bron_job_took_seconds" Gauge Seconds [Job]
        "How long the last run of a job took.";
} }

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        for Metric { name, kind, unit, help, labels } in METRICS {
            let is_plain = name.bytes().all(|one| one.is_ascii_lowercase() || one == b'_');
            assert!(is_plain && name.starts_with("bron_"), "{name}");
            assert_eq!(name.ends_with("_total"), kind == Kind::Counter, "{name}");
            assert_eq!(name.ends_with("_seconds"), unit == Unit::Seconds, "{name}");
            assert!(help.ends_with('.') && !help.contains(['\n', '\\']), "{name}");
            assert_eq!(labels.iter().collect::<BTreeSet<_>>().len(), labels.len(), "{name}");
        }
    }
}

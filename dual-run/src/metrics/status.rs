//! Everything that the bridge tells of itself at one moment.

#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::liveness::{Liveness, Stage, judge};
use crate::jobs::{Ending, JobName};
use crate::ownership::{Owner, Ownership};
use crate::phase::{HaltReason, Phase};
use crate::scope::Scope;

/// A closed list of things, each with the name that labels and documents use.
macro_rules! names {
    ($(#[$about:meta])* $list:ident: $count:literal { $($(#[$text:meta])* $one:ident = $name:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $list {
            $($(#[$text])* $one,)+
        }

        impl $list {
            /// All, in the order of their declaration.
            pub const ALL: [Self; $count] = [$(Self::$one),+];

            /// The name in labels and documents.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$one => $name,)+
                }
            }
        }
    };
}
pub(super) use names;

names! {
    /// Which way changes travel.
    Direction: 2 {
        /// From the legacy systems to the new model.
        Forward = "forward",
        /// From the new model back to the legacy systems.
        Reverse = "reverse",
    }
}

names! {
    /// What a change met that it could not be reconciled with.
    ConflictClass: 10 {
        /// A row is new, and the follower has one with its key.
        InsertExists = "insert_exists",
        /// A row was changed, and the follower's is not the one it was changed from.
        UpdateDiffers = "update_differs",
        /// A row was changed that the follower has not.
        UpdateMissing = "update_missing",
        /// A row was deleted, and the follower's is not the one that was deleted.
        DeleteDiffers = "delete_differs",
        /// A row was deleted that the follower has not.
        DeleteMissing = "delete_missing",
        /// The world that does not own the scope was written to.
        OwnershipViolation = "ownership_violation",
        /// Two rows want the same unique value.
        UniqueCollision = "unique_collision",
        /// The write was made under an ownership that has ended.
        StaleEpoch = "stale_epoch",
        /// The change touches what the other world cannot hold.
        MappingLoss = "mapping_loss",
        /// A row moves to a scope with another owner.
        ScopeHandover = "scope_handover",
    }
}

names! {
    /// What must be so before a scope is switched.
    Gate: 12 {
        /// The follower is close behind, and little remains.
        Lag = "g1_lag",
        /// The sources keep their logs for long enough.
        Headroom = "g2_headroom",
        /// Nothing is parked, or what is has been accepted.
        Parked = "g3_parked",
        /// The last full reconciliation is clean and younger than a day.
        FullReconcile = "g4_full_reconcile",
        /// Every comparison since is clean.
        ContinuousReconcile = "g5_continuous_reconcile",
        /// Nobody but the bridge has written to the follower.
        ForeignWrites = "g6_foreign_writes",
        /// The schemas are those that were armed with.
        Schemas = "g7_schemas",
        /// The fields that the way back loses are accepted.
        LossyFields = "g8_lossy_fields",
        /// A canary went to the legacy systems and back.
        ReverseCanary = "g9_reverse_canary",
        /// The fence holds at the level that was chosen.
        Fence = "g10_fence",
        /// New keys cannot meet old ones.
        IdRanges = "g11_id_ranges",
        /// Everybody who must has signed the gates before this one.
        Signoffs = "g12_signoffs",
    }
}

names! {
    /// What a comparison of both worlds found.
    MismatchClass: 3 {
        /// The follower lacks a row.
        Missing = "missing",
        /// The follower has a row that the owner has not.
        Unexpected = "unexpected",
        /// The rows differ.
        Differs = "differs",
    }
}

names! {
    /// Why the way back is closed.
    NoWayBack: 6 {
        /// The new model does not own the scope, or no longer keeps a way back.
        NotReversing = "not_reversing",
        /// No canary has come back for too long.
        CanaryStale = "canary_stale",
        /// The last canary did not come back.
        CanaryFailed = "canary_failed",
        /// The changes of the new model are not captured, or not applied.
        ReverseStopped = "reverse_stopped",
        /// The position in the new model's log is no longer there.
        PositionLost = "position_lost",
        /// The legacy systems refuse what the bridge writes.
        LegacyRefuses = "legacy_refuses",
    }
}

/// Whether ownership can be handed back without losing a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayBack {
    /// It can, as a canary has shown.
    Open,
    /// It cannot.
    Closed(NoWayBack),
}

/// One stream of changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamStatus {
    /// How old the oldest change is that was committed at the source and is not applied; zero when there is none.
    /// `None` when nobody can tell, which is not the same as no lag.
    pub lag: Option<Duration>,
    /// How many versions of the source lie between what it has committed and what is applied.
    pub versions_behind: u64,
    /// How long the source keeps what follows the position; `None` when it keeps it until told otherwise.
    pub headroom: Option<Duration>,
    /// How many changes were the bridge's own and went no further.
    pub echoes: u64,
}

/// The journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalStatus {
    /// Cuts that were written and are not applied.
    pub depth: u64,
    /// How old the oldest of them is.
    pub oldest: Duration,
}

/// A gate of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateStatus {
    /// Whether what was found lets the scope through.
    pub is_open: bool,
    /// How old the evidence is; `None` when there is none.
    pub age: Option<Duration>,
    /// How old it may be.
    pub limit: Duration,
}

impl GateStatus {
    /// Whether the evidence is there and young enough. A gate that was open and is stale lets nobody through.
    #[must_use]
    pub fn is_fresh(self) -> bool {
        self.age.is_some_and(|age| age <= self.limit)
    }

    /// Whether the gate lets the scope through now.
    #[must_use]
    pub fn lets_through(self) -> bool {
        self.is_open && self.is_fresh()
    }
}

/// One scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeStatus {
    /// How far it has come.
    pub phase: Phase,
    /// Who owns it, and since which epoch.
    pub ownership: Ownership,
    /// How often it has been taken back.
    pub iteration: u64,
    /// What must be so before it is switched, and whether it is.
    pub gates: BTreeMap<Gate, GateStatus>,
    /// Persons and cases whose changes wait for people.
    pub parked: u64,
    /// The conflicts since the scope is followed, by class.
    pub conflicts: BTreeMap<ConflictClass, u64>,
    /// What the last comparison found, by class.
    pub mismatches: BTreeMap<MismatchClass, u64>,
    /// Whether ownership can be handed back.
    pub way_back: WayBack,
    /// How long the new model has owned it with the way back kept open; `None` when it does not.
    pub in_reverse: Option<Duration>,
}

names! {
    /// What somebody does next about a scope.
    NextAction: 11 {
        /// Make the first copy.
        Seed = "seed",
        /// Wait until the first copy is there.
        WaitForSeed = "wait_for_seed",
        /// Begin comparing outcomes.
        Shadow = "shadow",
        /// Decide about what is parked.
        DecideParked = "decide_parked",
        /// Get the gates opened and signed.
        OpenGates = "open_gates",
        /// Arm the scope.
        Arm = "arm",
        /// Switch it.
        Switch = "switch",
        /// Let the switch that was begun complete, or resume it.
        Complete = "complete",
        /// Mend the way back.
        MendWayBack = "mend_way_back",
        /// Nothing: decide about finalising when the time has come.
        Run = "run",
        /// Find out why it was stopped, and let it go on.
        Resume = "resume",
    }
}

impl ScopeStatus {
    /// What somebody does next; `None` when nothing is left to do.
    #[must_use]
    pub fn next_action(&self) -> Option<NextAction> {
        let is_through = !self.gates.is_empty() && self.gates.values().all(|gate| gate.lets_through());
        Some(match self.phase {
            Phase::Planned => NextAction::Seed,
            Phase::Seeding => NextAction::WaitForSeed,
            Phase::Following if self.parked > 0 => NextAction::DecideParked,
            Phase::Following => NextAction::Shadow,
            Phase::Shadowing if self.parked > 0 => NextAction::DecideParked,
            Phase::Shadowing if is_through => NextAction::Arm,
            Phase::Shadowing => NextAction::OpenGates,
            Phase::Armed if is_through => NextAction::Switch,
            Phase::Armed => NextAction::OpenGates,
            Phase::Switching | Phase::Reverting => NextAction::Complete,
            Phase::Reversing => match self.way_back {
                WayBack::Closed(_) => NextAction::MendWayBack,
                WayBack::Open if self.parked > 0 => NextAction::DecideParked,
                WayBack::Open => NextAction::Run,
            },
            Phase::Halted(_) => NextAction::Resume,
            Phase::Finalized | Phase::Retired => return None,
        })
    }
}

/// When a stage last got on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// How long ago; `None` when it never did.
    pub age: Option<Duration>,
    /// How long ago it may be.
    pub limit: Duration,
}

/// One job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobStatus {
    /// Whether it runs now.
    pub is_running: bool,
    /// Whether it waits for a person after a safety stop.
    pub is_halted: bool,
    /// How long its oldest time that is due has waited.
    pub late: Duration,
    /// How long it may wait.
    pub most_late: Duration,
    /// How its last run ended; `None` when none has.
    pub last: Option<Ending>,
    /// How long ago it last did what it is for; `None` when it never did.
    pub since_success: Option<Duration>,
    /// How long its last run took.
    pub took: Option<Duration>,
    /// How often runs have ended in each way; for missed times, how many there were.
    pub endings: BTreeMap<Ending, u64>,
}

/// Everything that `status` and the metrics show, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BridgeStatus {
    /// The streams, by direction and the name of the source.
    pub streams: BTreeMap<(Direction, String), StreamStatus>,
    /// The journal, where there is one.
    pub journal: Option<JournalStatus>,
    /// The scopes.
    pub scopes: BTreeMap<Scope, ScopeStatus>,
    /// When the stages that are at work here last got on.
    pub stages: BTreeMap<Stage, Heartbeat>,
    /// The jobs.
    pub jobs: BTreeMap<JobName, JobStatus>,
}

/// The names of phases in labels and documents.
pub(super) const PHASES: [&str; 11] = [
    "planned",
    "seeding",
    "following",
    "shadowing",
    "armed",
    "switching",
    "reversing",
    "reverting",
    "finalized",
    "retired",
    "halted",
];

/// The name of a phase in labels and documents.
pub(super) const fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Planned => PHASES[0],
        Phase::Seeding => PHASES[1],
        Phase::Following => PHASES[2],
        Phase::Shadowing => PHASES[3],
        Phase::Armed => PHASES[4],
        Phase::Switching => PHASES[5],
        Phase::Reversing => PHASES[6],
        Phase::Reverting => PHASES[7],
        Phase::Finalized => PHASES[8],
        Phase::Retired => PHASES[9],
        Phase::Halted(_) => PHASES[10],
    }
}

const fn halt_name(reason: HaltReason) -> &'static str {
    match reason {
        HaltReason::PositionExpired => "position_expired",
        HaltReason::PositionRewound => "position_rewound",
        HaltReason::SchemaDrift => "schema_drift",
        HaltReason::UnexplainedDifference => "unexplained_difference",
        HaltReason::AuditUnwritable => "audit_unwritable",
        HaltReason::Operator => "operator",
    }
}

impl BridgeStatus {
    /// Whether the bridge works, by the progress of its stages.
    #[must_use]
    pub fn liveness(&self) -> Liveness {
        judge(&self.stages)
    }

    /// The same status, told so much later: what is known of stages, gates and jobs has grown older meanwhile.
    #[must_use]
    pub fn aged(mut self, by: Duration) -> Self {
        let stages = self.stages.values_mut().map(|stage| &mut stage.age);
        let gates =
            self.scopes.values_mut().flat_map(|scope| scope.gates.values_mut()).map(|gate| &mut gate.age);
        let jobs = self.jobs.values_mut().map(|job| &mut job.since_success);
        for age in stages.chain(gates).chain(jobs).flatten() {
            *age = age.saturating_add(by);
        }
        self
    }

    /// The status as a JSON document. Times are in whole seconds.
    #[must_use]
    pub fn document(&self) -> Value {
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
        let stream = |((direction, source), stream): (&(Direction, String), &StreamStatus)| {
            json!({
                "direction": direction.name(),
                "source": source,
                "lag_seconds": seconds(stream.lag),
                "versions_behind": stream.versions_behind,
                "headroom_seconds": seconds(stream.headroom),
                "echoes": stream.echoes,
            })
        };
        let stage = |(stage, beat): (&Stage, &Heartbeat)| {
            let (age, limit) = (seconds(beat.age), beat.limit.as_secs());
            json!({ "stage": stage.name(), "age_seconds": age, "limit_seconds": limit })
        };
        json!({
            "is_alive": self.liveness() == Liveness::Alive,
            "streams": self.streams.iter().map(stream).collect::<Vec<_>>(),
            "journal": self.journal.map(|journal| {
                json!({ "depth": journal.depth, "oldest_seconds": journal.oldest.as_secs() })
            }),
            "scopes": self.scopes.iter().map(scope_document).collect::<Vec<_>>(),
            "stages": self.stages.iter().map(stage).collect::<Vec<_>>(),
            "jobs": self.jobs.iter().map(job_document).collect::<Vec<_>>(),
        })
    }
}

fn scope_document((scope, status): (&Scope, &ScopeStatus)) -> Value {
    let counts = |counts: Vec<(&'static str, u64)>| counts.into_iter().collect::<BTreeMap<_, _>>();
    let gate = |(gate, status): (&Gate, &GateStatus)| {
        json!({
            "gate": gate.name(),
            "is_open": status.is_open,
            "is_fresh": status.is_fresh(),
            "age_seconds": status.age.map(|age| age.as_secs()),
        })
    };
    let reason = if let Phase::Halted(reason) = status.phase { Some(halt_name(reason)) } else { None };
    let no_way_back = match status.way_back {
        WayBack::Open => None,
        WayBack::Closed(reason) => Some(reason.name()),
    };
    json!({
        "scope": scope.to_string(),
        "phase": phase_name(status.phase),
        "halted_because": reason,
        "owner": status.ownership.owner.name(),
        "epoch": status.ownership.epoch.changes(),
        "iteration": status.iteration,
        "gates": status.gates.iter().map(gate).collect::<Vec<_>>(),
        "parked": status.parked,
        "conflicts": counts(status.conflicts.iter().map(|(class, count)| (class.name(), *count)).collect()),
        "mismatches": counts(status.mismatches.iter().map(|(class, count)| (class.name(), *count)).collect()),
        "rollback_available": status.way_back == WayBack::Open,
        "rollback_unavailable_because": no_way_back,
        "days_in_reverse": status.in_reverse.map(days),
        "next_action": status.next_action().map(NextAction::name),
    })
}

fn job_document((name, job): (&JobName, &JobStatus)) -> Value {
    let endings: BTreeMap<&str, u64> =
        job.endings.iter().map(|(ending, count)| (ending.name(), *count)).collect();
    json!({
        "job": name.as_str(),
        "is_running": job.is_running,
        "is_halted": job.is_halted,
        "late_seconds": job.late.as_secs(),
        "last": job.last.map(Ending::name),
        "since_success_seconds": job.since_success.map(|since| since.as_secs()),
        "endings": endings,
    })
}

/// The whole days of a time.
pub(super) const fn days(time: Duration) -> u64 {
    time.as_secs() / 86_400
}

/// The owners in labels.
pub(super) const OWNERS: [Owner; 2] = [Owner::Legacy, Owner::New];

//! What the bridge tells of itself: its status for people, and the same as metrics.
//!
//! [`BridgeStatus`] holds everything; [`samples`] turns it into [`Sample`]s of the [`METRICS`], and [`exposition`]
//! writes those in the text form of Prometheus or OpenMetrics. No personal data can stand in them: labels are names of
//! closed lists, of scopes, of streams and of jobs. Nothing here asks for the time: ages are given by whoever knows
//! them, so a status says the same wherever it is shown.
//!
//! [`judge`] says whether the bridge works, by the progress of its stages. A process that runs proves nothing.

mod exposition;
mod liveness;
mod registry;
mod samples;
mod serve;
mod status;

pub use exposition::{Exposition, exposition};
pub use liveness::{Liveness, Stage, judge};
pub use registry::{Kind, LabelName, METRICS, Metric, Unit};
pub use samples::{Label, Quantity, Sample, samples};
pub use serve::{Published, Server};
pub use status::{
    BridgeStatus, ConflictClass, Direction, Gate, GateStatus, Heartbeat, JobStatus, JournalStatus,
    MismatchClass, NextAction, NoWayBack, ScopeStatus, StreamStatus, WayBack,
};

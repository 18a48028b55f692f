//! Jobs: what runs when without anybody typing it, and what came of it.
//!
//! A project says in `jobs.toml` which verbs are run at which times. [`Planner`] decides, [`Supervisor`] does it and
//! keeps the records; neither asks for the time or starts a process itself, so that years are tried in a second.
//! The verbs are a closed list, [`VERBS`]: nothing that a person has to answer for is on it, and least of all what
//! hands ownership over or closes the way back.
//!
//! What becomes of a run that did not go well follows from its class of failure: what may pass is tried again after
//! growing waits, what is wrong in data or settings waits for its next time and for a person, and a safety stop halts
//! the job until a person lets it go on.

mod calendar;
mod cron;
mod file;
mod job;
mod planner;
mod record;
mod status;
mod store;
mod supervisor;
mod work;

pub use calendar::on_calendar;
pub use cron::{Cron, CronError};
pub use file::{Jobs, parse};
pub use job::{Job, JobName, Misfire, Retry};
pub use planner::{Moment, Planner, REPEATED, State, Step};
pub use record::{Consequence, Ending, FailureClass, JobRecord, JobRun};
pub use store::{FolderStore, JobStore, Lease};
pub use supervisor::{Event, Launcher, Run, Supervisor};
pub use work::{VERBS, Work};

/// The name of the job file, beside the project file.
pub const JOB_FILE: &str = "jobs.toml";

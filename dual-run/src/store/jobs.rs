//! When jobs ran, and how they ended.

use jiff::Timestamp;

use super::connection::{Row, stored, strange, values};
use super::{Store, moment};
use crate::error::{Error, ErrorKind, Result};

const NEXT: &str = "SELECT coalesce(max(number), 0) + 1 FROM bridge_job";
const START: &str = "INSERT INTO bridge_job (number, name, started) VALUES ($1, $2, $3)";
const END: &str = "UPDATE bridge_job SET ended = $2, outcome = $3 WHERE number = $1 AND ended IS NULL";
const LIST: &str = "SELECT number, name, started, ended, outcome FROM bridge_job WHERE name = $1 \
     ORDER BY number DESC LIMIT $2";
const FORGET: &str = "DELETE FROM bridge_job WHERE ended < $1";

/// One run of a job, by its number from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It did what it was to do.
    Done,
    /// It failed, and the same may succeed later.
    Retryable,
    /// It failed, and somebody has to mend something.
    Failed,
    /// It was not run: another run had the lease.
    Skipped,
}

/// One run of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRun {
    /// Its number.
    pub id: JobId,
    /// The job.
    pub name: String,
    /// When it began.
    pub started: Timestamp,
    /// When and how it ended; `None` while it runs, or when it was killed.
    pub ended: Option<(Timestamp, Outcome)>,
}

impl Outcome {
    /// The name that stores and metrics use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retryable => "retryable",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// The outcome of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Done, Self::Retryable, Self::Failed, Self::Skipped].into_iter().find(|one| one.name() == name)
    }
}

fn read(row: &Row) -> Result<JobRun> {
    let ended = match (row.maybe_int(3)?, row.maybe_text(4)?) {
        (None, None) => None,
        (Some(at), Some(outcome)) => Some((moment(at)?, Outcome::named(&outcome).ok_or_else(strange)?)),
        _ => return Err(strange()),
    };
    Ok(JobRun { id: JobId(row.count(0)?), name: row.text(1)?, started: moment(row.int(2)?)?, ended })
}

impl Store {
    /// Notes that a job begins.
    ///
    /// # Errors
    /// Kind `Fenced` when the lease is lost.
    pub fn start_job(&mut self, name: &str, at: Timestamp) -> Result<JobId> {
        self.write(|connection, _| {
            let number = connection.number(NEXT, Vec::new())?;
            connection.execute(START, values![number, name, at.as_microsecond()])?;
            Ok(JobId(number.unsigned_abs()))
        })
    }

    /// Notes how a run ended.
    ///
    /// # Errors
    /// Kind `Refused` when there is no such run that has not ended.
    pub fn end_job(&mut self, id: JobId, outcome: Outcome, at: Timestamp) -> Result<()> {
        self.write(|connection, _| {
            let values = values![stored(id.0)?, at.as_microsecond(), outcome.name()];
            if connection.execute(END, values)? == 1 {
                return Ok(());
            }
            Err(Error::new(ErrorKind::Refused, format!("run {} of a job is not under way", id.0)))
        })
    }

    /// The last runs of a job, newest first.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn jobs(&mut self, name: &str, limit: u64) -> Result<Vec<JobRun>> {
        self.connection.rows(LIST, values![name, stored(limit)?])?.iter().map(read).collect()
    }

    /// Forgets runs that ended before a time, and gives their number.
    ///
    /// # Errors
    /// Kind `Fenced` when the lease is lost.
    pub fn forget_jobs(&mut self, before: Timestamp) -> Result<u64> {
        self.write(|connection, _| connection.execute(FORGET, values![before.as_microsecond()]))
    }
}

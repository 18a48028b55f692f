//! The steps of switches and reverts: noted when they begin and when they end, so that whoever resumes knows where.

use bron_mappings::Digest;
use jiff::Timestamp;

use super::connection::{Connection, Row, Value, stored, strange, values};
use super::{Store, moment};
use crate::error::{Error, ErrorKind, Result};
use crate::scope::Scope;

const FIND: &str = "SELECT attempt, number, name, state, tries, begun, ended, evidence FROM bridge_step \
     WHERE scope = $1 AND iteration = $2 AND way = $3 AND attempt = $4 AND number = $5";
const LIST: &str = "SELECT attempt, number, name, state, tries, begun, ended, evidence FROM bridge_step \
     WHERE scope = $1 AND iteration = $2 AND way = $3 ORDER BY attempt, number";
const INSERT: &str = "INSERT INTO bridge_step (scope, iteration, way, attempt, number, name, state, tries, begun) \
     VALUES ($1, $2, $3, $4, $5, $6, 'begun', 1, $7)";
const AGAIN: &str = "UPDATE bridge_step SET state = 'begun', tries = tries + 1, ended = NULL, evidence = NULL \
     WHERE scope = $1 AND iteration = $2 AND way = $3 AND attempt = $4 AND number = $5";
const END: &str = "UPDATE bridge_step SET state = $6, ended = $7, evidence = $8 \
     WHERE scope = $1 AND iteration = $2 AND way = $3 AND attempt = $4 AND number = $5 AND state = 'begun'";

/// Which procedure a step belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Ownership is handed to the new model.
    Switch,
    /// Ownership is handed back.
    Revert,
}

/// How it stands with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepState {
    /// It was begun; whether it had an effect is for the step to find out.
    Begun,
    /// It is done, and is not done again.
    Done,
    /// It failed, and may be begun again.
    Failed,
}

/// One step of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepKey {
    /// The scope.
    pub scope: Scope,
    /// The iteration of the scope.
    pub iteration: u64,
    /// The procedure.
    pub way: Way,
    /// Which attempt at it within the iteration, from 1. What an attempt that was cancelled has left does not count for
    /// the next.
    pub attempt: u64,
    /// The number of the step, from 1.
    pub number: u64,
}

/// What is noted of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepEntry {
    /// The attempt.
    pub attempt: u64,
    /// The number of the step.
    pub number: u64,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: StepState,
    /// How often it was begun.
    pub tries: u64,
    /// When it was begun first.
    pub begun: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The digest of what it found or did.
    pub evidence: Option<Digest>,
}

impl Way {
    /// The name that stores and reports use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Switch => "switch",
            Self::Revert => "revert",
        }
    }
}

impl StepState {
    /// The name that stores and reports use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl StepKey {
    fn values(&self) -> Result<Vec<Value>> {
        let (iteration, attempt, number) =
            (stored(self.iteration)?, stored(self.attempt)?, stored(self.number)?);
        Ok(values![self.scope.to_string(), iteration, self.way.name(), attempt, number])
    }
}

fn read(row: &Row) -> Result<StepEntry> {
    let state = row.text(3)?;
    let states = [StepState::Begun, StepState::Done, StepState::Failed];
    Ok(StepEntry {
        attempt: row.count(0)?,
        number: row.count(1)?,
        name: row.text(2)?,
        state: states.into_iter().find(|one| one.name() == state).ok_or_else(strange)?,
        tries: row.count(4)?,
        begun: moment(row.int(5)?)?,
        ended: row.maybe_int(6)?.map(moment).transpose()?,
        evidence: row.maybe_digest(7)?,
    })
}

fn find(connection: &mut Connection, key: &StepKey) -> Result<Option<StepEntry>> {
    connection.row(FIND, key.values()?)?.as_ref().map(read).transpose()
}

fn refused(key: &StepKey, what: &str) -> Error {
    let StepKey { scope, way, number, .. } = key;
    Error::new(ErrorKind::Refused, format!("{scope}: step {number} of the {} {what}", way.name()))
}

impl Store {
    /// Notes that a step begins, before it does anything. A step that was begun and never ended, or failed, is begun
    /// again. The step before it must be done.
    ///
    /// # Errors
    /// Kind `Refused` when it is done, or the step before it is not.
    pub fn begin_step(&mut self, key: &StepKey, name: &str, at: Timestamp) -> Result<StepEntry> {
        self.write_record(|connection, _| {
            match find(connection, key)?.map(|step| step.state) {
                Some(StepState::Done) => return Err(refused(key, "is done")),
                Some(StepState::Begun | StepState::Failed) => {
                    connection.execute(AGAIN, key.values()?)?;
                }
                None => {
                    let before = StepKey { number: key.number.saturating_sub(1), ..key.clone() };
                    let is_done = |step: &StepEntry| step.state == StepState::Done;
                    if before.number > 0 && !find(connection, &before)?.as_ref().is_some_and(is_done) {
                        return Err(refused(key, "comes after one that is not done"));
                    }
                    let mut values = key.values()?;
                    values.extend(values![name, at.as_microsecond()]);
                    connection.execute(INSERT, values)?;
                }
            }
            find(connection, key)?.ok_or_else(strange)
        })
    }

    /// Notes how a step ended. The same end once more changes nothing.
    ///
    /// # Errors
    /// Kind `Refused` when it was not begun, or ended in another way.
    pub fn end_step(
        &mut self,
        key: &StepKey,
        is_done: bool,
        evidence: Option<Digest>,
        at: Timestamp,
    ) -> Result<()> {
        let state = if is_done { StepState::Done } else { StepState::Failed };
        self.write_record(|connection, _| {
            let mut values = key.values()?;
            values.extend(values![state.name(), at.as_microsecond(), evidence]);
            if connection.execute(END, values)? == 1 {
                return Ok(());
            }
            match find(connection, key)? {
                Some(step) if step.state == state && step.evidence == evidence => Ok(()),
                Some(_) => Err(refused(key, "has ended in another way")),
                None => Err(refused(key, "was never begun")),
            }
        })
    }

    /// The steps of a procedure in an iteration, by attempt and number.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn steps(&mut self, scope: &Scope, iteration: u64, way: Way) -> Result<Vec<StepEntry>> {
        let values = values![scope.to_string(), stored(iteration)?, way.name()];
        self.connection.rows(LIST, values)?.iter().map(read).collect()
    }
}

//! What the gates read last, and who signed it.

use bron_mappings::Digest;
use jiff::Timestamp;

use super::connection::{Row, stored, values};
use super::{Store, moment};
use crate::error::{Error, ErrorKind, Result};
use crate::scope::Scope;

const SET_GATE: &str = "INSERT INTO bridge_gate (scope, gate, is_open, reading, evidence, taken_at) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (scope, gate) DO UPDATE SET is_open = excluded.is_open, \
     reading = excluded.reading, evidence = excluded.evidence, taken_at = excluded.taken_at \
     WHERE excluded.taken_at >= bridge_gate.taken_at";
const GATES: &str =
    "SELECT gate, is_open, reading, evidence, taken_at FROM bridge_gate WHERE scope = $1 ORDER BY gate";
const NEXT_APPROVAL: &str = "SELECT count(*) + 1 FROM bridge_approval WHERE scope = $1";
const APPROVE: &str = "INSERT INTO bridge_approval (scope, number, role, person, evidence, at, expires) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
const APPROVALS: &str = "SELECT number, role, person, evidence, at, expires, revoked_at FROM bridge_approval \
     WHERE scope = $1 ORDER BY number";
const REVOKE: &str =
    "UPDATE bridge_approval SET revoked_at = $3 WHERE scope = $1 AND number = $2 AND revoked_at IS NULL";

/// What a gate read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateReading {
    /// The gate: `G1` to `G12`, or one of an area of its own.
    pub gate: String,
    /// Whether it is open.
    pub is_open: bool,
    /// What was read, for people; never a value of a row.
    pub reading: String,
    /// The digest of what it rests on.
    pub evidence: Digest,
    /// When it was read: a gate is passed only on a reading that is fresh.
    pub taken_at: Timestamp,
}

/// An approval of a scope, by its number from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApprovalId(pub u64);

/// Somebody's signature on what the gates read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// In which role.
    pub role: String,
    /// Who.
    pub person: String,
    /// The digest over the readings that were signed: readings that differ are not signed.
    pub evidence: Digest,
    /// When.
    pub at: Timestamp,
    /// Until when it counts.
    pub expires: Timestamp,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

impl Approval {
    /// Whether it counts for this evidence at this time.
    #[must_use]
    pub fn covers(&self, evidence: &Digest, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.evidence == *evidence && self.at <= now && now < self.expires
    }
}

fn read_gate(row: &Row) -> Result<GateReading> {
    Ok(GateReading {
        gate: row.text(0)?,
        is_open: row.flag(1)?,
        reading: row.text(2)?,
        evidence: row.digest(3)?,
        taken_at: moment(row.int(4)?)?,
    })
}

fn read_approval(row: &Row) -> Result<(ApprovalId, Approval)> {
    let approval = Approval {
        role: row.text(1)?,
        person: row.text(2)?,
        evidence: row.digest(3)?,
        at: moment(row.int(4)?)?,
        expires: moment(row.int(5)?)?,
        revoked_at: row.maybe_int(6)?.map(moment).transpose()?,
    };
    Ok((ApprovalId(row.count(0)?), approval))
}

impl Store {
    /// Keeps what gates read; of two readings of a gate the later stays.
    ///
    /// # Errors
    /// Kind `Fenced` when the lease is lost.
    pub fn set_gates(&mut self, scope: &Scope, readings: &[GateReading]) -> Result<()> {
        let scope = scope.to_string();
        self.write(|connection, _| {
            for GateReading { gate, is_open, reading, evidence, taken_at } in readings {
                let (gate, reading, at) = (gate.as_str(), reading.as_str(), taken_at.as_microsecond());
                connection
                    .execute(SET_GATE, values![scope.as_str(), gate, *is_open, reading, *evidence, at])?;
            }
            Ok(())
        })
    }

    /// The last reading of every gate of a scope, by gate.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn gates(&mut self, scope: &Scope) -> Result<Vec<GateReading>> {
        self.connection.rows(GATES, values![scope.to_string()])?.iter().map(read_gate).collect()
    }

    /// Keeps an approval.
    ///
    /// # Errors
    /// Kind `Refused` when it would expire before it was given, or nobody is named.
    pub fn approve(&mut self, scope: &Scope, approval: &Approval) -> Result<ApprovalId> {
        let Approval { role, person, evidence, at, expires, .. } = approval;
        if expires <= at || role.is_empty() || person.is_empty() {
            let text = "an approval names a role and a person, and expires after it was given";
            return Err(Error::new(ErrorKind::Refused, text));
        }
        let scope = scope.to_string();
        self.write(|connection, _| {
            let number = connection.number(NEXT_APPROVAL, values![scope.as_str()])?;
            let (at, expires) = (at.as_microsecond(), expires.as_microsecond());
            let values = values![scope, number, role.as_str(), person.as_str(), *evidence, at, expires];
            connection.execute(APPROVE, values)?;
            Ok(ApprovalId(number.unsigned_abs()))
        })
    }

    /// Takes an approval back; it stays in the list.
    ///
    /// # Errors
    /// Kind `Refused` when there is none of this number, or it was taken back before.
    pub fn revoke_approval(&mut self, scope: &Scope, id: ApprovalId, at: Timestamp) -> Result<()> {
        self.write(|connection, _| {
            let values = values![scope.to_string(), stored(id.0)?, at.as_microsecond()];
            if connection.execute(REVOKE, values)? == 1 {
                return Ok(());
            }
            let text = format!("{scope} has no approval {} that is in force", id.0);
            Err(Error::new(ErrorKind::Refused, text))
        })
    }

    /// All approvals of a scope, oldest first: also those that have expired or were taken back.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn approvals(&mut self, scope: &Scope) -> Result<Vec<(ApprovalId, Approval)>> {
        self.connection.rows(APPROVALS, values![scope.to_string()])?.iter().map(read_approval).collect()
    }
}

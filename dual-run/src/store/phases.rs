//! How far every scope has come, and whether it could go back: entries are only added.

use jiff::Timestamp;

use super::connection::{Connection, Row, stored, strange, values};
use super::{Decided, Store, moment};
use crate::error::{Error, ErrorKind, Result};
use crate::phase::{HaltReason, Phase};
use crate::scope::Scope;

const HISTORY: &str = "SELECT scope, number, phase, iteration, since, decided_by, evidence FROM bridge_phase \
     WHERE scope = $1 ORDER BY number";
const ALL_CURRENT: &str = "SELECT p.scope, p.number, p.phase, p.iteration, p.since, p.decided_by, p.evidence \
     FROM bridge_phase AS p WHERE p.number = (SELECT max(q.number) FROM bridge_phase AS q WHERE q.scope = p.scope) \
     ORDER BY p.scope";
const INSERT: &str = "INSERT INTO bridge_phase (scope, number, phase, iteration, since, decided_by, evidence) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
const ROLLBACKS: &str = "SELECT number, available, reason, first_at, last_at FROM bridge_rollback WHERE scope = $1 \
     ORDER BY number";
const INSERT_ROLLBACK: &str = "INSERT INTO bridge_rollback (scope, number, available, reason, first_at, last_at) \
     VALUES ($1, $2, $3, $4, $5, $5)";
const CONFIRM_ROLLBACK: &str = "UPDATE bridge_rollback SET last_at = $3 WHERE scope = $1 AND number = $2";

/// What phases are called in the store, stops with their reason.
const NAMES: [(&str, Phase); 16] = [
    ("planned", Phase::Planned),
    ("seeding", Phase::Seeding),
    ("following", Phase::Following),
    ("shadowing", Phase::Shadowing),
    ("armed", Phase::Armed),
    ("switching", Phase::Switching),
    ("reversing", Phase::Reversing),
    ("reverting", Phase::Reverting),
    ("finalized", Phase::Finalized),
    ("retired", Phase::Retired),
    ("halted/position-expired", Phase::Halted(HaltReason::PositionExpired)),
    ("halted/position-rewound", Phase::Halted(HaltReason::PositionRewound)),
    ("halted/schema-drift", Phase::Halted(HaltReason::SchemaDrift)),
    ("halted/unexplained-difference", Phase::Halted(HaltReason::UnexplainedDifference)),
    ("halted/audit-unwritable", Phase::Halted(HaltReason::AuditUnwritable)),
    ("halted/operator", Phase::Halted(HaltReason::Operator)),
];

const MICROSECONDS: u64 = 1_000_000;

/// A phase that a scope came into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseEntry {
    /// The scope.
    pub scope: Scope,
    /// The number of the entry among those of the scope, from 1.
    pub number: u64,
    /// The phase.
    pub phase: Phase,
    /// Which attempt at moving this is, from 1: each return to following after a revert begins another.
    pub iteration: u64,
    /// Who brought it here, when and on what.
    pub decided: Decided,
}

/// Whether the way back was open, as long as nothing about it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// Whether a write in the new model came to legacy and back.
    pub available: bool,
    /// Why not, as a code; empty when it is.
    pub reason: String,
    /// When this was measured first.
    pub first_at: Timestamp,
    /// When this was measured last.
    pub last_at: Timestamp,
}

fn name(phase: Phase) -> &'static str {
    let named = NAMES.iter().find(|(_, one)| *one == phase);
    named.map(|(name, _)| *name).expect("the list has every phase")
}

fn named(name: &str) -> Option<Phase> {
    NAMES.iter().find(|(one, _)| *one == name).map(|(_, phase)| *phase)
}

fn read(row: &Row) -> Result<PhaseEntry> {
    Ok(PhaseEntry {
        scope: Scope::parse(&row.text(0)?).ok_or_else(strange)?,
        number: row.count(1)?,
        phase: named(&row.text(2)?).ok_or_else(strange)?,
        iteration: row.count(3)?,
        decided: Decided { at: moment(row.int(4)?)?, by: row.text(5)?, evidence: row.digest(6)? },
    })
}

fn read_rollback(row: &Row) -> Result<Rollback> {
    let (available, reason) = (row.flag(1)?, row.text(2)?);
    Ok(Rollback { available, reason, first_at: moment(row.int(3)?)?, last_at: moment(row.int(4)?)? })
}

fn history(connection: &mut Connection, scope: &Scope) -> Result<Vec<PhaseEntry>> {
    connection.rows(HISTORY, values![scope.to_string()])?.iter().map(read).collect()
}

/// The phase that a scope is in when stops are left aside: of one that is halted, the phase it was halted in.
fn underlying(history: &[PhaseEntry]) -> Option<Phase> {
    history.iter().rev().map(|entry| entry.phase).find(|phase| !matches!(phase, Phase::Halted(_)))
}

/// Whether `next` may come after what has been.
fn is_legal(history: &[PhaseEntry], next: Phase) -> bool {
    let Some(last) = history.last().map(|entry| entry.phase) else { return next == Phase::Planned };
    let is_halt = matches!(next, Phase::Halted(_));
    if matches!(last, Phase::Halted(_)) {
        // Ownership is as it was: a scope goes on where it stood, or from following as long as legacy owns it.
        let stood = underlying(history);
        let is_new = matches!(
            stood,
            Some(Phase::Switching | Phase::Reversing | Phase::Reverting | Phase::Finalized | Phase::Retired)
        );
        return !is_halt && (Some(next) == stood || (!is_new && next == Phase::Following));
    }
    let can_halt = !matches!(last, Phase::Finalized | Phase::Retired);
    if is_halt { can_halt } else { last.next().contains(&next) }
}

impl Store {
    /// The phase that a scope is in; `None` when it was never planned.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn phase(&mut self, scope: &Scope) -> Result<Option<PhaseEntry>> {
        Ok(self.phase_history(scope)?.pop())
    }

    /// The phases that all scopes are in, by scope.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn phases(&mut self) -> Result<Vec<PhaseEntry>> {
        self.connection.rows(ALL_CURRENT, Vec::new())?.iter().map(read).collect()
    }

    /// Every phase that a scope came into, oldest first.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn phase_history(&mut self, scope: &Scope) -> Result<Vec<PhaseEntry>> {
        history(&mut self.connection, scope)
    }

    /// Brings a scope into a phase, under the condition that the number of its last entry is still the one that the
    /// caller knows (0: it was never planned). A scope begins as planned; a halted one goes on where it stood, or from
    /// following as long as legacy owns it.
    ///
    /// # Errors
    /// Kind `Fenced` when another entry came meanwhile, `Refused` when the phase may not come after the present one.
    pub fn set_phase(
        &mut self,
        scope: &Scope,
        known: u64,
        phase: Phase,
        decided: &Decided,
    ) -> Result<PhaseEntry> {
        self.write_record(|connection, _| {
            let history = history(connection, scope)?;
            let last = history.last();
            let number = last.map_or(0, |entry| entry.number);
            if number != known {
                let text = format!("{scope} came into another phase meanwhile: entry {number} is its last");
                return Err(Error::new(ErrorKind::Fenced, text));
            }
            if !is_legal(&history, phase) {
                let from = last.map_or("nothing", |entry| name(entry.phase));
                let text = format!("{scope}: {} may not come after {from}", name(phase));
                return Err(Error::new(ErrorKind::Refused, text));
            }
            let comes_back =
                last.is_some_and(|entry| entry.phase == Phase::Reverting) && phase == Phase::Following;
            let iteration = last.map_or(1, |entry| entry.iteration + u64::from(comes_back));
            let entry = PhaseEntry {
                scope: scope.clone(),
                number: number + 1,
                phase,
                iteration,
                decided: decided.clone(),
            };
            let values = values![
                scope.to_string(),
                stored(entry.number)?,
                name(phase),
                stored(iteration)?,
                decided.at.as_microsecond(),
                decided.by.as_str(),
                decided.evidence,
            ];
            connection.execute(INSERT, values)?;
            Ok(entry)
        })
    }

    /// How many seconds a scope has been owned by the new model with legacy following, stops included: what staying
    /// able to go back costs is counted by it.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn seconds_in_reverse(&mut self, scope: &Scope, now: Timestamp) -> Result<u64> {
        let history = self.phase_history(scope)?;
        let ends = history.iter().skip(1).map(|entry| entry.decided.at).chain([now]);
        let spans = history.iter().zip(ends).zip(1..).filter_map(|((entry, end), passed)| {
            let phase = underlying(history.get(..passed)?)?;
            let is_reverse = matches!(phase, Phase::Reversing | Phase::Reverting);
            let span = end.as_microsecond().checked_sub(entry.decided.at.as_microsecond())?;
            is_reverse.then(|| u64::try_from(span).unwrap_or(0))
        });
        Ok(spans.sum::<u64>() / MICROSECONDS)
    }

    /// Notes what the canary found of the way back. Measurements that say the same are one entry.
    ///
    /// # Errors
    /// Kind `Fenced` when the lease is lost.
    pub fn note_rollback(
        &mut self,
        scope: &Scope,
        available: bool,
        reason: &str,
        at: Timestamp,
    ) -> Result<()> {
        let (scope, at) = (scope.to_string(), at.as_microsecond());
        self.write_record(|connection, _| {
            let rows = connection.rows(ROLLBACKS, values![scope.as_str()])?;
            let last = rows.last().map(|row| Ok((row.count(0)?, row.flag(1)?, row.text(2)?))).transpose()?;
            let number = last.as_ref().map_or(0, |(number, ..)| *number);
            if last.is_some_and(|(_, was, because)| was == available && because == reason) {
                return connection.execute(CONFIRM_ROLLBACK, values![scope, stored(number)?, at]).map(|_| ());
            }
            let values = values![scope, stored(number + 1)?, available, reason, at];
            connection.execute(INSERT_ROLLBACK, values).map(|_| ())
        })
    }

    /// Whether the way back was open, oldest first; the last entry says how it stands.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn rollbacks(&mut self, scope: &Scope) -> Result<Vec<Rollback>> {
        self.connection.rows(ROLLBACKS, values![scope.to_string()])?.iter().map(read_rollback).collect()
    }
}

#[cfg(test)]
mod tests {
    use bron_mappings::Digest;

    use super::*;
    use crate::phase::HaltReason;

    fn history(phases: &[Phase]) -> Vec<PhaseEntry> {
        let scope = Scope::parse("a/b/myndighet").unwrap();
        let decided = Decided { at: Timestamp::UNIX_EPOCH, by: "x".to_owned(), evidence: Digest::of(b"") };
        let entry = |(phase, number)| PhaseEntry {
            scope: scope.clone(),
            number,
            phase,
            iteration: 1,
            decided: decided.clone(),
        };
        phases.iter().copied().zip(1..).map(entry).collect()
    }

    #[test]
    fn a_scope_that_the_new_model_owns_is_never_resumed_as_owned_by_legacy() {
        let halt = Phase::Halted(HaltReason::Operator);
        for phase in [Phase::Switching, Phase::Reversing, Phase::Reverting] {
            let history = history(&[phase, halt]);
            assert!(is_legal(&history, phase) && !is_legal(&history, Phase::Following), "{phase:?}");
        }
        let following = history(&[Phase::Shadowing, halt]);
        assert!(is_legal(&following, Phase::Following) && is_legal(&following, Phase::Shadowing));
        assert!(!is_legal(&following, Phase::Armed) && !is_legal(&following, halt));
    }

    #[test]
    fn every_phase_has_a_name_of_its_own() {
        for (text, phase) in NAMES {
            assert_eq!((name(phase), named(text)), (text, Some(phase)));
        }
        assert_eq!(named("halted"), None);
    }

    #[test]
    fn nothing_is_halted_after_the_way_back_is_closed() {
        let halt = Phase::Halted(HaltReason::Operator);
        assert!(!is_legal(&history(&[Phase::Finalized]), halt));
        assert!(is_legal(&history(&[Phase::Armed]), halt));
        assert!(is_legal(&[], Phase::Planned) && !is_legal(&[], halt));
    }
}

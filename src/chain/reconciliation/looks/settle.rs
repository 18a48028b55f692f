//! What two looks at the same thing come to.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::path::PathBuf;

use bron_mappings::{Digest, EntityId};
use bron_reconcile::conservation::Imbalance;
use bron_reconcile::controls::ControlRow;
use bron_reconcile::findings::Cause;
use bron_reconcile::rows::{Finding, FindingKind, RowCounts};
use bron_reconcile::secrecy::Secrecy;

use crate::chain::Chain;
use crate::chain::reconciliation::findings::{List, StoredFinding};
use crate::chain::reconciliation::spool::{Spool, Spooled, Suspect};
use crate::failure::Failure;

/// The directory of the run that lists what was in flight, and the state of what is listed there.
const IN_FLIGHT: &str = "in_flight";

/// Rows that were being written while they were compared. They are listed, and remembered by their ids.
pub(super) struct Flights<'c> {
    chain: &'c Chain<'c>,
    dir: PathBuf,
    list: Option<List>,
    ids: BTreeSet<(String, EntityId)>,
    moving: BTreeSet<(String, EntityId)>,
}

impl<'c> Flights<'c> {
    /// Forgets what an earlier reconciliation of the run listed.
    pub(super) fn new(chain: &'c Chain<'c>) -> Result<Self, Failure> {
        let dir = chain.run.dir.join(IN_FLIGHT);
        if dir.exists() {
            std::fs::remove_dir_all(&dir)
                .map_err(|error| Failure::config(format!("cannot remove {}: {error}", dir.display())))?;
        }
        Ok(Self { chain, dir, list: None, ids: BTreeSet::new(), moving: BTreeSet::new() })
    }

    pub(super) fn push(&mut self, finding: &Finding) -> Result<(), Failure> {
        self.ids.insert((finding.entity.clone(), finding.entity_id));
        let mut one = StoredFinding::new(finding, &Cause::InFlight, &self.chain.run.id);
        IN_FLIGHT.clone_into(&mut one.state);
        let list = match self.list.take() {
            Some(list) => list,
            None => List::create(self.chain, self.dir.clone())?,
        };
        self.list.insert(list).push(one)
    }

    /// Takes everything that waits: rows that never stood still.
    pub(super) fn take(&mut self, open: &Spooled) -> Result<(), Failure> {
        for suspect in open.read()? {
            let finding = suspect?.finding;
            self.moving.insert((finding.entity.clone(), finding.entity_id));
            self.push(&finding)?;
        }
        Ok(())
    }

    /// Whether the row of a finding was in flight.
    pub(super) fn has(&self, finding: &Finding) -> bool {
        !self.ids.is_empty() && self.ids.contains(&(finding.entity.clone(), finding.entity_id))
    }

    /// The number of rows, and those of them that never stood still.
    pub(super) fn finish(self) -> Result<(u64, BTreeSet<(String, EntityId)>), Failure> {
        if let Some(list) = self.list {
            list.finish(&self.chain.run.id)?;
        }
        Ok((u64::try_from(self.ids.len()).unwrap_or(u64::MAX), self.moving))
    }
}

/// The findings of one row after another.
struct Groups<I: Iterator<Item = Result<Suspect, Failure>>>(Peekable<I>);

impl<I: Iterator<Item = Result<Suspect, Failure>>> Groups<I> {
    fn id(&mut self) -> Option<EntityId> {
        self.0.peek().and_then(|next| next.as_ref().ok()).map(|next| next.finding.entity_id)
    }

    fn group(&mut self) -> Result<Vec<Suspect>, Failure> {
        let Some(first) = self.0.next().transpose()? else { return Ok(Vec::new()) };
        let id = first.finding.entity_id;
        let mut group = vec![first];
        while let Some(next) =
            self.0.next_if(|next| next.as_ref().map_or(true, |next| next.finding.entity_id == id))
        {
            group.push(next?);
        }
        Ok(group)
    }
}

/// Holds the rows of one look against those of the next; both are in the order of their ids. What is the same is
/// confirmed, what is gone was in flight, and what differs otherwise stays open.
pub(super) fn rows<'c>(
    open: &Spooled,
    second: &Spooled,
    confirmed: &mut Spool<'c>,
    mut next: Spool<'c>,
    flights: &mut Flights<'_>,
) -> Result<Spooled, Failure> {
    let (mut open, mut second) = (Groups(open.read()?.peekable()), Groups(second.read()?.peekable()));
    loop {
        let first = open.group()?;
        let Some(id) = first.first().map(|suspect| suspect.finding.entity_id) else { break };
        let found = if second.id() == Some(id) { second.group()? } else { Vec::new() };
        if found.is_empty() {
            for Suspect { finding, .. } in first {
                flights.push(&finding)?;
            }
            continue;
        }
        let into = if what(&first) == what(&found) { &mut *confirmed } else { &mut next };
        for Suspect { finding, seen } in found {
            into.push(finding, seen)?;
        }
    }
    next.finish()
}

fn what(group: &[Suspect]) -> Vec<(Digest, Option<Digest>)> {
    group.iter().map(|suspect| (suspect.finding.id, suspect.seen)).collect()
}

/// Adds a confirmed finding to the counts of its entity.
pub(super) fn count(counts: &mut RowCounts, finding: &Finding) {
    match finding.kind {
        FindingKind::Missing | FindingKind::Repeated => counts.missing += 1,
        FindingKind::Unexpected => counts.unexpected += 1,
        FindingKind::Differs { .. } => counts.differs += 1,
        FindingKind::Nameless { .. } | FindingKind::Dangling { .. } | FindingKind::NotRestored { .. } => {}
    }
}

/// The balances that neither look finds equal, as the second found them.
pub(super) fn imbalances(first: &[Imbalance], second: Vec<Imbalance>) -> Vec<Imbalance> {
    let place = |one: &Imbalance| (one.rule, one.system.clone(), one.table.clone(), one.part.clone());
    let known: BTreeSet<_> = first.iter().map(place).collect();
    second.into_iter().filter(|one| known.contains(&place(one))).collect()
}

/// The references that lead nowhere at both looks.
pub(super) fn dangling(first: &Spooled, second: &Spooled, mut kept: Spool<'_>) -> Result<Spooled, Failure> {
    let mut again = BTreeSet::new();
    for suspect in second.read()? {
        again.insert(suspect?.finding.id);
    }
    for suspect in first.read()? {
        let Suspect { finding, seen } = suspect?;
        if again.contains(&finding.id) {
            kept.push(finding, seen)?;
        }
    }
    kept.finish()
}

/// Puts what the second look found in the place of what differed at the first. A key that the second look does not
/// have is nothing on both sides.
pub(super) fn controls(rows: &mut Vec<ControlRow>, second: &[ControlRow]) {
    let same = |one: &ControlRow, other: &ControlRow| {
        one.name == other.name && one.key == other.key && one.dimension == other.dimension
    };
    rows.retain_mut(|row| {
        if row.difference == 0 {
            return true;
        }
        let found = second.iter().find(|other| same(row, other));
        if let Some(found) = found {
            row.clone_from(found);
        }
        found.is_some()
    });
}

/// The parts that neither look finds equal, as the second found them.
pub(super) fn secrecy(first: &Secrecy, mut second: Secrecy) -> Secrecy {
    second.unequal.retain(|cell| {
        first.unequal.iter().any(|one| {
            (&one.entity, &one.namnd, &one.sekretess_klass, one.skyddad)
                == (&cell.entity, &cell.namnd, &cell.sekretess_klass, cell.skyddad)
        })
    });
    second
}

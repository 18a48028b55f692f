//! A database of either world: rows, a log of changes, the ledger of the bridge, the copy of who owns what.

use std::collections::{BTreeMap, BTreeSet};

use bron_dual_run::{
    Applied, AppliedRow, ApplyWork, Change, CutId, Expected, Image, Mark, Met, Owner, Ownership, Scope,
    Stream, Version,
};
use bron_mappings::SourceKey;

use crate::toy::{Rows, scope, text, with};

/// What is broken on purpose, to see that it is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sabotage {
    /// Nothing.
    None,
    /// The follower does not compare epochs.
    NoEpochCheck,
    /// The follower does not look at its offset: what is repeated is applied again.
    NoOffset,
    /// The follower writes whatever it finds in the place of a row.
    NoPrecondition,
    /// The follower keeps no versions.
    NoLedger,
    /// A switch and a revert do not wait for what remains.
    NoDrain,
    /// Open transactions are not waited for at the fence.
    NoWait,
    /// The lens does not know what was agreed, and marks are not looked at: everything comes round.
    NoEchoes,
    /// Rows that are parked are forgotten.
    NoParking,
}

impl Sabotage {
    /// Every way of breaking something.
    pub const ALL: [Self; 8] = [
        Self::NoEpochCheck,
        Self::NoOffset,
        Self::NoPrecondition,
        Self::NoLedger,
        Self::NoDrain,
        Self::NoWait,
        Self::NoEchoes,
        Self::NoParking,
    ];

    /// The way of a name, as `Debug` writes it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| format!("{one:?}") == name)
    }
}

/// A database.
#[derive(Debug)]
pub(crate) struct Database {
    owner: Owner,
    rows: Rows,
    clock: u64,
    log: Vec<Change>,
    ledger: BTreeMap<(Stream, SourceKey), AppliedRow>,
    offsets: BTreeMap<Stream, CutId>,
    copies: BTreeMap<Scope, Ownership>,
    fences: BTreeSet<Scope>,
    sabotage: Sabotage,
    commits: u64,
}

impl Database {
    /// An empty one.
    #[must_use]
    pub(crate) const fn new(owner: Owner, sabotage: Sabotage) -> Self {
        Self {
            owner,
            rows: Rows::new(),
            clock: 0,
            log: Vec::new(),
            ledger: BTreeMap::new(),
            offsets: BTreeMap::new(),
            copies: BTreeMap::new(),
            fences: BTreeSet::new(),
            sabotage,
            commits: 0,
        }
    }

    /// Its rows.
    #[must_use]
    pub(crate) const fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The version of the last transaction.
    #[must_use]
    pub(crate) const fn clock(&self) -> u64 {
        self.clock
    }

    /// Its log of changes.
    #[must_use]
    pub(crate) fn log(&self) -> &[Change] {
        &self.log
    }

    /// How many transactions of the bridge have written rows.
    #[must_use]
    pub(crate) const fn commits(&self) -> u64 {
        self.commits
    }

    /// What it knows of who owns a scope.
    #[must_use]
    pub(crate) fn copy(&self, scope: &Scope) -> Ownership {
        self.copies.get(scope).copied().unwrap_or_else(Ownership::original)
    }

    /// Writes the copy, unless a later one stands there.
    pub(crate) fn set_copy(&mut self, scope: &Scope, ownership: Ownership) -> bool {
        let is_later = self.copy(scope).epoch <= ownership.epoch;
        if is_later {
            self.copies.insert(scope.clone(), ownership);
        }
        is_later
    }

    /// Raises or lowers the fence of a scope.
    pub(crate) fn fence(&mut self, scope: &Scope, raised: bool) {
        if raised {
            self.fences.insert(scope.clone());
        } else {
            self.fences.remove(scope);
        }
    }

    /// Whether a user may write in a unit.
    #[must_use]
    pub(crate) fn admits(&self, unit: &str) -> bool {
        let scope = scope(unit);
        self.copy(&scope).owner == self.owner && !self.fences.contains(&scope)
    }

    /// Whether the other world owns a unit, and it is not being handed over.
    #[must_use]
    pub(crate) fn is_closed(&self, unit: &str) -> bool {
        let scope = scope(unit);
        self.copy(&scope).owner != self.owner && !self.fences.contains(&scope)
    }

    /// A transaction of a user, or of somebody who may not: these rows, in this order.
    pub(crate) fn write(&mut self, rows: Vec<(SourceKey, Option<Image>)>) {
        self.commit(rows, &Mark::None);
    }

    fn commit(&mut self, rows: Vec<(SourceKey, Option<Image>)>, mark: &Mark) {
        self.clock += 1;
        for (minor, (key, after)) in (0..).zip(rows) {
            let before = match &after {
                Some(row) => self.rows.insert(key.clone(), row.clone()),
                None => self.rows.remove(&key),
            };
            if before.is_some() || after.is_some() {
                let version = Version { major: self.clock, minor };
                self.log.push(Change { key, version, after, before, mark: mark.clone() });
            }
        }
    }

    /// The last cut of a stream that was applied.
    #[must_use]
    pub(crate) fn offset(&self, stream: &Stream) -> Option<CutId> {
        self.offsets.get(stream).copied()
    }

    /// What the ledger has of a row.
    #[must_use]
    pub(crate) fn applied(&self, stream: &Stream, cause: &SourceKey) -> Option<AppliedRow> {
        self.ledger.get(&(stream.clone(), cause.clone())).cloned()
    }

    /// Applies a cut in one transaction.
    pub(crate) fn apply(&mut self, work: &ApplyWork) -> Applied {
        if self.offset(&work.stream) >= Some(work.cut) && self.sabotage != Sabotage::NoOffset {
            return Applied::Already;
        }
        let stale = work.epochs.iter().find(|(scope, epoch)| self.copy(scope).epoch != *epoch);
        if let Some((scope, _)) = stale.filter(|_| self.sabotage != Sabotage::NoEpochCheck) {
            return Applied::StaleEpoch(scope.clone(), self.copy(scope));
        }
        let met = self.meets(work);
        if !met.is_empty() {
            return Applied::Conflicts(met);
        }
        let rows: Vec<_> = work.writes.iter().map(|write| (write.key.clone(), write.after.clone())).collect();
        self.commits += u64::from(!rows.is_empty());
        self.commit(rows, &Mark::Bridge(work.cut.0.to_string()));
        self.set_balances(work);
        if self.sabotage != Sabotage::NoLedger {
            let written = work.writes.iter().map(|write| {
                let content = write.after.as_ref().map(Image::digest);
                (write.cause.clone(), AppliedRow { version: write.version, content })
            });
            let settled = work
                .settled
                .iter()
                .map(|(cause, version)| (cause.clone(), AppliedRow { version: *version, content: None }));
            for (cause, row) in written.chain(settled) {
                self.ledger.insert((work.stream.clone(), cause), row);
            }
        }
        self.offsets.insert(work.stream.clone(), work.cut);
        Applied::Committed
    }

    /// The trigger of the legacy side: it sets a balance whenever a person is written.
    fn set_balances(&mut self, work: &ApplyWork) {
        let persons = work.writes.iter().filter(|write| write.key.table() == "PERSON");
        let rows: Vec<_> = persons
            .filter_map(|write| {
                let balance = (write.version.major % 3).to_string();
                let row = write.after.as_ref().filter(|row| text(row, "SALDO") != balance)?;
                Some((write.key.clone(), Some(with(row, "SALDO", &balance))))
            })
            .collect();
        if !rows.is_empty() {
            self.commit(rows, &Mark::None);
        }
    }

    fn meets(&self, work: &ApplyWork) -> Vec<Met> {
        if self.sabotage == Sabotage::NoPrecondition {
            return Vec::new();
        }
        let mut after: Rows = self.rows.clone();
        for write in &work.writes {
            match &write.after {
                Some(row) => after.insert(write.key.clone(), row.clone()),
                None => after.remove(&write.key),
            };
        }
        let writes = work.writes.iter().enumerate();
        writes
            .filter_map(|(at, write)| {
                let current = self.rows.get(&write.key);
                let is_as_expected = match &write.expected {
                    Expected::Absent => current.is_none(),
                    Expected::Content(digest) => current.is_some_and(|row| row.digest() == *digest),
                };
                let collides = is_as_expected && collides(&after, &write.key);
                let constraint = collides.then(|| "uq_person_phone".to_owned());
                (collides || !is_as_expected).then(|| Met {
                    write: at,
                    current: current.cloned(),
                    constraint,
                })
            })
            .collect()
    }
}

/// Whether another person of the model has the telephone of this one, which the model forbids.
fn collides(rows: &Rows, key: &SourceKey) -> bool {
    let Some(phone) = rows.get(key).map(|row| text(row, "phone")).filter(|phone| !phone.is_empty()) else {
        return false;
    };
    rows.iter().any(|(other, row)| other != key && other.table() == "person" && text(row, "phone") == phone)
}

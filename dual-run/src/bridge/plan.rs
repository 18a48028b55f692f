//! From the translations of a cut to one piece of work, and what it meets.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::SourceKey;

use super::pass::{Fate, Pass, Said};
use super::{Bridge, Standing};
use crate::change::Image;
use crate::error::{Error, ErrorKind, Result};
use crate::follower::{Applied, ApplyWork, Expected, Met, RowWrite};
use crate::lens::Agreed;
use crate::ownership::{Epoch, Ownership};
use crate::protocol::{ConflictClass, Decided, Encounter, Event, Outcome, classify, differs_only_in, merge};
use crate::scope::Scope;

/// How often a cut is tried anew beside once for each of its rows, because the follower holds something else than was
/// expected.
const ROUNDS: usize = 8;

/// The work of a cut, with the item that each write follows from.
struct Planned {
    work: ApplyWork,
    items: Vec<usize>,
}

/// A row of the follower as it is to be.
struct Wanted {
    item: usize,
    after: Option<Image>,
}

impl Bridge<'_> {
    /// Applies what is not parked, and parks what meets something that nobody may decide alone. A cut that comes to
    /// nothing is sent too: the follower remembers that it was dealt with, so that what was parked of it and decided by
    /// a person is not parked again.
    pub(super) fn apply(&mut self, pass: &mut Pass) -> Result<Option<Outcome>> {
        let rows: usize = pass.items.iter().map(|item| item.translated.rows.len()).sum();
        for _ in 0..rows.saturating_add(ROUNDS) {
            pass.block();
            let planned = self.plan(pass)?;
            self.park(pass)?;
            if pass.is_empty {
                return Ok(None);
            }
            match self.send(&planned.work)? {
                Applied::Committed => {
                    pass.report.outcome = Some(Outcome::Committed);
                    pass.report.written = u64::try_from(planned.work.writes.len()).unwrap_or(u64::MAX);
                    self.trace.push(seen(&planned.work, Outcome::Committed));
                    return Ok(pass.report.outcome);
                }
                Applied::Already => {
                    pass.report.outcome = Some(Outcome::Already);
                    self.trace.push(Event::Found { from: pass.from, cut: pass.id.0 });
                    return Ok(pass.report.outcome);
                }
                Applied::Conflicts(met) => self.meet(pass, &planned, met)?,
                Applied::StaleEpoch(scope, ownership) => {
                    self.trace.push(seen(&planned.work, Outcome::StaleEpoch));
                    return Err(self.fenced(pass, &planned, &scope, ownership));
                }
            }
        }
        let context = format!("cut {} meets other rows than before each time it is tried", pass.id.0);
        Err(Error::new(ErrorKind::Database, context))
    }

    /// Sends the work. When its outcome is not known, the follower is asked.
    fn send(&mut self, work: &ApplyWork) -> Result<Applied> {
        let follower = &mut self.world(work.stream.from.other()).follower;
        match follower.apply(work) {
            Err(error) if error.is_retryable() => match follower.offset(&work.stream)? {
                Some(offset) if offset >= work.cut => Ok(Applied::Already),
                Some(_) | None => Err(error),
            },
            applied => applied,
        }
    }

    fn plan(&mut self, pass: &mut Pass) -> Result<Planned> {
        let (order, wanted) = wanted(pass);
        let standing = self.standing_rows(pass, &order, &wanted)?;
        let (mut writes, mut deletes) = (Vec::new(), Vec::new());
        for key in order {
            let (Some(row), Some(current)) = (wanted.get(&key), standing.get(&key)) else {
                continue;
            };
            if row.after == *current {
                continue;
            }
            let translated = &pass.items[row.item].translated;
            let expected = expectation(current.as_ref());
            let write = RowWrite {
                key,
                scope: translated.scope.clone(),
                expected,
                after: row.after.clone(),
                version: translated.version,
                cause: translated.cause.clone(),
            };
            let list = if write.after.is_some() { &mut writes } else { &mut deletes };
            list.push((row.item, write));
        }
        // Children came after their parents, and go before them.
        deletes.reverse();
        let (items, writes): (Vec<usize>, Vec<RowWrite>) = writes.into_iter().chain(deletes).unzip();
        let epochs = self.epochs(pass);
        let settled = settled(pass, &writes);
        let (stream, cut) = (pass.stream.clone(), pass.id);
        Ok(Planned { work: ApplyWork { stream, cut, epochs, writes, settled }, items })
    }

    /// What the follower is expected to hold: what was agreed, or what stands there where nobody knows what was agreed
    /// or the owner is to be right in any case.
    fn standing_rows(
        &mut self,
        pass: &mut Pass,
        order: &[SourceKey],
        wanted: &BTreeMap<SourceKey, Wanted>,
    ) -> Result<BTreeMap<SourceKey, Option<Image>>> {
        let agreed = if order.is_empty() { Vec::new() } else { self.lens.agreed(order)? };
        let (mut standing, mut asked) = (pass.met.clone(), Vec::new());
        for (key, agreed) in order.iter().zip(agreed) {
            let Some(row) = wanted.get(key).filter(|_| !standing.contains_key(key)) else {
                continue;
            };
            let over = pass.standing(&pass.items[row.item].translated.aggregate) == Standing::OwnerStands;
            match agreed {
                Agreed::Row(image) if !over => drop(standing.insert(key.clone(), Some(image))),
                Agreed::Absent if !over => drop(standing.insert(key.clone(), None)),
                Agreed::Row(_) | Agreed::Absent | Agreed::Unknown => {
                    asked.push((key.clone(), row, agreed, over));
                }
            }
        }
        if asked.is_empty() {
            return Ok(standing);
        }
        let keys: Vec<SourceKey> = asked.iter().map(|(key, ..)| key.clone()).collect();
        let current = self.world(pass.from.other()).follower.current(&keys)?;
        for ((key, row, agreed, over), current) in asked.into_iter().zip(current) {
            if over {
                let expected = match agreed {
                    Agreed::Row(image) => Some(Expected::Content(image.digest())),
                    Agreed::Absent => Some(Expected::Absent),
                    Agreed::Unknown => None,
                };
                let expected = expected.filter(|expected| *expected != expectation(current.as_ref()));
                if let Some(expected) = expected {
                    self.overrule(pass, row.item, &key, (&expected, row.after.as_ref(), current.as_ref()))?;
                }
                pass.met.insert(key.clone(), current.clone());
            }
            standing.insert(key, current);
        }
        Ok(standing)
    }

    /// Keeps what is written over because a person has decided that the owner stands: it may be something else than
    /// what he decided about.
    fn overrule(
        &mut self,
        pass: &mut Pass,
        item: usize,
        key: &SourceKey,
        (expected, after, current): (&Expected, Option<&Image>, Option<&Image>),
    ) -> Result<()> {
        match classify(&Encounter { expected, after, current, constraint: None }) {
            Decided::Keep(class) if !self.was_derived(key, current)? => {
                let said =
                    Said { owners: after.cloned(), others: current.cloned(), detail: "overruled".to_owned() };
                pass.record(item, class, key, said);
            }
            Decided::Keep(_) | Decided::IgnoreEqual(_) => {}
        }
        Ok(())
    }

    /// The scopes of everything that counts as the owner's, each with the epoch that it is known under: also of what
    /// comes to no write, for a bridge that does not know of a switch would take a stranger's word for the owner's.
    fn epochs(&self, pass: &Pass) -> Vec<(Scope, Epoch)> {
        let done = pass.items.iter().filter(|item| item.fate == Fate::Write).map(|item| &item.translated);
        let scopes = done.flat_map(|one| std::iter::once(&one.scope).chain(&one.moved_from));
        let scopes: BTreeSet<&Scope> = scopes.collect();
        let of = |scope: &Scope| Some((scope.clone(), self.ownership.of(scope)?.epoch));
        scopes.into_iter().filter_map(of).collect()
    }

    /// Decides about rows that were not what was expected.
    fn meet(&mut self, pass: &mut Pass, planned: &Planned, met: Vec<Met>) -> Result<()> {
        for met in met {
            let Some((write, item)) = planned.work.writes.get(met.write).zip(planned.items.get(met.write))
            else {
                return Err(Error::new(ErrorKind::Database, "the follower met a row that it was not given"));
            };
            self.meet_one(pass, *item, write, met)?;
        }
        Ok(())
    }

    fn meet_one(&mut self, pass: &mut Pass, item: usize, write: &RowWrite, met: Met) -> Result<()> {
        let aggregate = &pass.items[item].translated.aggregate;
        let owner_stands = pass.standing(aggregate) == Standing::OwnerStands;
        let decided = classify(&Encounter {
            expected: &write.expected,
            after: write.after.as_ref(),
            current: met.current.as_ref(),
            constraint: met.constraint.as_deref(),
        });
        let class = match decided {
            Decided::IgnoreEqual(class) => {
                *pass.report.resolved.entry(class).or_default() += 1;
                pass.met.insert(write.key.clone(), met.current);
                return Ok(());
            }
            Decided::Keep(class) => class,
        };
        if class != ConflictClass::UniqueCollision {
            let was_derived = self.was_derived(&write.key, met.current.as_ref())?;
            if owner_stands && !was_derived {
                let said = (&write.expected, write.after.as_ref(), met.current.as_ref());
                self.overrule(pass, item, &write.key, said)?;
            }
            if owner_stands || was_derived {
                pass.met.insert(write.key.clone(), met.current);
                return Ok(());
            }
            if let Some(merged) = self.merged(pass, item, write, met.current.as_ref())? {
                *pass.report.resolved.entry(class).or_default() += 1;
                pass.merged.insert(write.key.clone(), merged);
                pass.met.insert(write.key.clone(), met.current);
                return Ok(());
            }
        }
        let detail = met.constraint.unwrap_or_default();
        pass.keep(item, class, &write.key, Said { owners: write.after.clone(), others: met.current, detail });
        Ok(())
    }

    fn agreed_row(&mut self, key: &SourceKey) -> Result<Option<Image>> {
        Ok(match self.lens.agreed(std::slice::from_ref(key))?.pop() {
            Some(Agreed::Row(image)) => Some(image),
            Some(Agreed::Absent | Agreed::Unknown) | None => None,
        })
    }

    /// Whether a row differs from what was agreed only where the follower derives it by itself.
    fn was_derived(&mut self, key: &SourceKey, current: Option<&Image>) -> Result<bool> {
        let (Some(derived), Some(current)) = (self.settings.derived.get(key.table()), current) else {
            return Ok(false);
        };
        Ok(self.agreed_row(key)?.is_some_and(|agreed| differs_only_in(derived, &agreed, current)))
    }

    /// Joins what both sides say of a row, where its groups of attributes have an owner each and no side has changed a
    /// group of the other's.
    fn merged(
        &mut self,
        pass: &Pass,
        item: usize,
        write: &RowWrite,
        current: Option<&Image>,
    ) -> Result<Option<Image>> {
        let table = write.key.table();
        let (Some(after), Some(current)) = (&write.after, current) else {
            return Ok(None);
        };
        if self.settings.groups.of(table).is_empty() {
            return Ok(None);
        }
        let Some(agreed) = self.agreed_row(&write.key)? else {
            return Ok(None);
        };
        let scope = &pass.items[item].translated.scope;
        let group = |column: &str| self.settings.groups.group(table, column).to_owned();
        let may_write = |group: &str| {
            let owner = self.ownership.resolve(scope, Some(table), Some(group));
            owner.is_some_and(|found| found.owner == pass.from)
        };
        Ok(merge(&agreed, after, current, group, may_write))
    }

    /// Keeps what was to be written under an ownership that has ended, and says so.
    fn fenced(&mut self, pass: &mut Pass, planned: &Planned, scope: &Scope, ownership: Ownership) -> Error {
        let now = ownership.epoch.changes();
        let context = format!(
            "cut {} was to be applied in {scope} under an ownership that has ended: epoch {now} is in force",
            pass.id.0
        );
        let stale = planned.work.writes.iter().zip(&planned.items).filter(|(write, _)| write.scope == *scope);
        for (write, item) in stale {
            let said = Said { owners: None, others: write.after.clone(), detail: String::new() };
            pass.keep(*item, ConflictClass::StaleEpoch, &write.key, said);
        }
        // What was to be written is kept; nothing is parked, for whoever bridges under the new ownership deals with the
        // cut. Without a lease nothing can be kept either, and the journal still holds the cut.
        let kept = self.parking.park(&[], &pass.conflicts);
        match kept {
            Ok(()) => Error::new(ErrorKind::Fenced, context),
            Err(error) => Error::because(ErrorKind::Fenced, context, error),
        }
    }
}

/// What is expected where a row stands, or none.
fn expectation(row: Option<&Image>) -> Expected {
    row.map_or(Expected::Absent, |image| Expected::Content(image.digest()))
}

/// The rows that are to be, the last word of the cut on each, in the order in which they come up.
fn wanted(pass: &Pass) -> (Vec<SourceKey>, BTreeMap<SourceKey, Wanted>) {
    let (mut order, mut wanted) = (Vec::new(), BTreeMap::new());
    for (at, item) in pass.items.iter().enumerate().filter(|(_, item)| item.fate == Fate::Write) {
        for (key, after) in &item.translated.rows {
            let after = pass.merged.get(key).cloned().map_or_else(|| after.clone(), Some);
            if wanted.insert(key.clone(), Wanted { item: at, after }).is_none() {
                order.push(key.clone());
            }
        }
    }
    (order, wanted)
}

/// What comes to no write of its own.
fn settled(pass: &Pass, writes: &[RowWrite]) -> Vec<(SourceKey, crate::change::Version)> {
    let written: BTreeSet<&SourceKey> = writes.iter().map(|write| &write.cause).collect();
    let done = pass.items.iter().filter(|item| matches!(item.fate, Fate::Write | Fate::Note));
    let quiet = done.map(|item| &item.translated).filter(|translated| !written.contains(&translated.cause));
    let quiet = quiet.map(|translated| (translated.cause.clone(), translated.version));
    quiet.chain(pass.settled.iter().cloned()).collect()
}

fn seen(work: &ApplyWork, outcome: Outcome) -> Event {
    let epochs = work.epochs.iter().map(|(scope, epoch)| (scope.to_string(), epoch.changes())).collect();
    Event::Applied { from: work.stream.from, cut: work.cut.0, epochs, outcome }
}

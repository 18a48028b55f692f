//! The seams of the bridge over the simulated world.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use bron_dual_run::{
    Applied, AppliedRow, ApplyWork, Budget, Change, ChangeSource, Chunk, Conflict, ConflictClass, Cut, CutId,
    Delivery, Error, ErrorKind, Follower, Guarantee, Image, Incarnation, Journal, Order, Ownership,
    ParkedRow, Parking, Position, Release, Result, Scope, Standing, Stream, Validity, Version,
};
use bron_mappings::{Digest, SourceKey};

use crate::database::{Database, Sabotage};
use crate::faults::Faults;

/// How a source tells of its changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    /// Every state, in order, once.
    Log,
    /// The last state of each row, as change tracking does.
    Net,
    /// Every state, and some of the last ones again, as polling with an overlap does.
    Overlap,
}

/// A database as a source.
pub(crate) struct Source {
    /// The database.
    pub(crate) database: Rc<RefCell<Database>>,
    /// What goes wrong.
    pub(crate) faults: Rc<RefCell<Faults>>,
    /// The name of its stream.
    pub(crate) stream: Stream,
    /// How it tells of changes.
    pub(crate) telling: Telling,
    /// The life of the database.
    pub(crate) life: u64,
}

fn place(position: &Position) -> Result<usize> {
    position.0.parse().map_err(|_| Error::new(ErrorKind::Corrupt, "the position is not one of this source"))
}

impl Source {
    /// The end of the log as far as it can be seen: transactions that are under way hide what follows them.
    fn visible(&self, from: usize, budget: Budget) -> usize {
        let database = self.database.borrow();
        let log = database.log();
        let hidden =
            if self.faults.borrow_mut().happens(300) { self.faults.borrow_mut().below(4) } else { 0 };
        let hidden = usize::try_from(hidden).unwrap_or(0);
        let budget = usize::try_from(budget.changes).unwrap_or(usize::MAX);
        let mut end = log.len().saturating_sub(hidden).min(from.saturating_add(budget)).max(from);
        // A transaction is not cut in two.
        while end < log.len() && end > 0 && log[end].version.major == log[end - 1].version.major {
            end += 1;
        }
        end
    }

    fn tell(&self, from: usize, end: usize) -> Vec<Change> {
        let database = self.database.borrow();
        let begin = match self.telling {
            Telling::Log | Telling::Net => from,
            Telling::Overlap => {
                from.saturating_sub(usize::try_from(self.faults.borrow_mut().below(4)).unwrap_or(0))
            }
        };
        let changes = &database.log()[begin..end];
        if self.telling != Telling::Net {
            return changes.to_vec();
        }
        let last: BTreeMap<&SourceKey, usize> =
            changes.iter().enumerate().map(|(at, change)| (&change.key, at)).collect();
        let is_last = |(at, change): &(usize, &Change)| last.get(&change.key) == Some(at);
        let net = changes.iter().enumerate().filter(is_last);
        net.map(|(_, change)| Change { before: None, ..change.clone() }).collect()
    }
}

impl ChangeSource for Source {
    fn incarnation(&mut self) -> Result<Incarnation> {
        Ok(Incarnation(self.life.to_string()))
    }

    fn now(&mut self) -> Result<Position> {
        let end = self.database.borrow().log().len();
        self.faults.borrow_mut().call("source", || Position(end.to_string()))
    }

    fn validity(&mut self, _position: &Position) -> Result<Validity> {
        Ok(Validity::Valid { headroom_seconds: None })
    }

    fn poll(&mut self, from: &Position, budget: Budget) -> Result<Cut> {
        let begin = place(from)?;
        let end = self.visible(begin, budget);
        let changes = if end > begin { self.tell(begin, end) } else { Vec::new() };
        let database = self.database.borrow();
        let whole = end == database.log().len();
        let last = end.checked_sub(1).and_then(|last| database.log().get(last));
        let major = if whole { database.clock() } else { last.map_or(0, |change| change.version.major) };
        let cut = Cut {
            stream: self.stream.clone(),
            incarnation: Incarnation(self.life.to_string()),
            from: from.clone(),
            next: Position(end.to_string()),
            complete_through: Version { major, minor: u64::MAX },
            schema: Digest::of(b"toy schema"),
            changes,
        };
        self.faults.borrow_mut().call("source", || cut)
    }

    fn read_chunk(&mut self, table: &str, after: Option<&SourceKey>, rows: u64) -> Result<Chunk> {
        let database = self.database.borrow();
        let rest = database.rows().iter().filter(|(key, _)| key.table() == table && Some(*key) > after);
        let limit = usize::try_from(rows).unwrap_or(usize::MAX);
        let mut read: BTreeMap<SourceKey, Image> =
            rest.take(limit.saturating_add(1)).map(|(key, row)| (key.clone(), row.clone())).collect();
        let more = read.len() > limit;
        if more {
            read.pop_last();
        }
        let at = Version { major: database.clock(), minor: u64::MAX };
        self.faults.borrow_mut().call("source", || Chunk { at, rows: read, more })
    }

    fn guarantee(&self, _table: &str) -> Guarantee {
        let every = self.telling != Telling::Net;
        Guarantee {
            deletes: true,
            order: Order::Commit,
            intermediate_states: every,
            before_image: every,
            staleness_seconds: Some(0),
        }
    }
}

/// A database as a follower, at the other end of a line that delays and repeats.
pub(crate) struct FollowerEnd {
    /// The database.
    pub(crate) database: Rc<RefCell<Database>>,
    /// What goes wrong.
    pub(crate) faults: Rc<RefCell<Faults>>,
    /// Work that is still on its way, some of it for the second time.
    pub(crate) delayed: Rc<RefCell<Vec<ApplyWork>>>,
    /// How often in a thousand work is delayed or repeated.
    pub(crate) delays: u64,
}

impl Follower for FollowerEnd {
    fn delivery(&self) -> Delivery {
        Delivery::ExactlyOnce
    }

    fn offset(&mut self, stream: &Stream) -> Result<Option<CutId>> {
        let offset = self.database.borrow().offset(stream);
        self.faults.borrow_mut().call("follower", || offset)
    }

    fn applied(&mut self, stream: &Stream, causes: &[SourceKey]) -> Result<Vec<Option<AppliedRow>>> {
        let database = self.database.borrow();
        self.faults
            .borrow_mut()
            .call("follower", || causes.iter().map(|cause| database.applied(stream, cause)).collect())
    }

    fn current(&mut self, keys: &[SourceKey]) -> Result<Vec<Option<Image>>> {
        let database = self.database.borrow();
        self.faults
            .borrow_mut()
            .call("follower", || keys.iter().map(|key| database.rows().get(key).cloned()).collect())
    }

    fn apply(&mut self, work: &ApplyWork) -> Result<Applied> {
        if self.faults.borrow_mut().happens(self.delays) {
            self.delayed.borrow_mut().push(work.clone());
            if self.faults.borrow_mut().happens(500) {
                return Err(Error::new(ErrorKind::Connection, "follower: no answer"));
            }
        }
        let database = Rc::clone(&self.database);
        self.faults.borrow_mut().call("follower", || database.borrow_mut().apply(work))
    }

    fn ownership(&mut self, scope: &Scope) -> Result<Option<Ownership>> {
        Ok(Some(self.database.borrow().copy(scope)))
    }

    fn set_ownership(&mut self, scope: &Scope, ownership: Ownership) -> Result<()> {
        if self.database.borrow_mut().set_copy(scope, ownership) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Fenced, format!("a later ownership of {scope} is in force")))
    }
}

/// The bridge's store: what outlives every bridge.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// The fencing token of the last lease.
    pub(crate) token: u64,
    /// The journal.
    pub(crate) cuts: Vec<(Cut, Digest)>,
    positions: BTreeMap<Stream, Position>,
    standing: BTreeMap<String, Standing>,
    rows: BTreeMap<(String, Stream, SourceKey), ParkedRow>,
    /// The conflicts that were kept.
    pub(crate) conflicts: Vec<Conflict>,
    seen: BTreeSet<(Stream, SourceKey, Version, ConflictClass, SourceKey)>,
}

impl Store {
    /// The aggregates that are parked.
    #[must_use]
    pub(crate) fn blocked(&self) -> Vec<String> {
        let blocked = self.standing.iter().filter(|(_, standing)| **standing != Standing::Free);
        blocked.map(|(aggregate, _)| aggregate.clone()).collect()
    }

    /// What is parked, and why, for people.
    #[must_use]
    pub(crate) fn told(&self) -> String {
        let rows = self.rows.values().map(|row| {
            let (from, table) = (row.stream.from.name(), row.change.key.table());
            format!("{} of {} from the {from} world: {:?}", table, row.aggregate, row.why)
        });
        let last = self.conflicts.iter().rev().take(3).map(|one| {
            format!("{} of {} {} by {:?}", one.class, one.row.table(), one.aggregate, one.stream.from)
        });
        format!(
            "{:?}: {}; last {:?}",
            self.blocked(),
            rows.collect::<Vec<_>>().join("; "),
            last.collect::<Vec<_>>()
        )
    }

    /// Whether what is parked of an aggregate was written by somebody who may not, or met something like it.
    #[must_use]
    pub(crate) fn has_conflict(&self, aggregate: &str, classes: &[ConflictClass]) -> bool {
        self.conflicts.iter().any(|one| one.aggregate == aggregate && classes.contains(&one.class))
    }
}

/// The store in the hands of one bridge.
pub(crate) struct Holder {
    /// The store.
    pub(crate) store: Rc<RefCell<Store>>,
    /// What goes wrong.
    pub(crate) faults: Rc<RefCell<Faults>>,
    /// The token that the bridge got with its lease.
    pub(crate) token: u64,
    /// What is broken on purpose.
    pub(crate) sabotage: Sabotage,
}

impl Holder {
    fn write<T>(&mut self, effect: impl FnOnce(&mut Store) -> T) -> Result<T> {
        if self.store.borrow().token != self.token {
            return Err(Error::new(ErrorKind::Fenced, "the lease is lost"));
        }
        let store = Rc::clone(&self.store);
        self.faults.borrow_mut().call("store", || effect(&mut store.borrow_mut()))
    }
}

impl Journal for Holder {
    fn append(&mut self, cut: &Cut, mapping_version: Digest) -> Result<CutId> {
        let stands = self.store.borrow().positions.get(&cut.stream).cloned();
        if stands.is_some_and(|stands| stands != cut.from) {
            return Err(Error::new(ErrorKind::Fenced, "the cut does not begin where the stream stands"));
        }
        self.write(|store| {
            store.positions.insert(cut.stream.clone(), cut.next.clone());
            store.cuts.push((cut.clone(), mapping_version));
            CutId(u64::try_from(store.cuts.len()).unwrap_or(u64::MAX))
        })
    }

    fn position(&mut self, stream: &Stream) -> Result<Option<Position>> {
        Ok(self.store.borrow().positions.get(stream).cloned())
    }

    fn next_after(&mut self, stream: &Stream, after: Option<CutId>) -> Result<Option<(CutId, Cut, Digest)>> {
        let store = self.store.borrow();
        let after = after.map_or(0, |cut| usize::try_from(cut.0).unwrap_or(usize::MAX));
        let rest = (1..).map(CutId).zip(&store.cuts).skip(after);
        let next = rest.into_iter().find(|(_, (cut, _))| cut.stream == *stream);
        Ok(next.map(|(id, (cut, mapping))| (id, cut.clone(), *mapping)))
    }
}

impl Parking for Holder {
    fn standing(&mut self, aggregates: &[&str]) -> Result<Vec<Standing>> {
        let store = self.store.borrow();
        let of = |aggregate: &&str| store.standing.get(*aggregate).copied().unwrap_or(Standing::Free);
        Ok(aggregates.iter().map(of).collect())
    }

    fn park(&mut self, rows: &[ParkedRow], conflicts: &[Conflict]) -> Result<()> {
        let forgets = self.sabotage == Sabotage::NoParking;
        self.write(|store| {
            for row in rows.iter().filter(|_| !forgets) {
                let at = (row.aggregate.clone(), row.stream.clone(), row.change.key.clone());
                let is_later =
                    store.rows.get(&at).is_none_or(|held| held.change.version <= row.change.version);
                if is_later {
                    store.rows.insert(at, row.clone());
                }
                store.standing.insert(row.aggregate.clone(), Standing::Parked);
            }
            for one in conflicts {
                let (stream, cause, row) = (one.stream.clone(), one.cause.clone(), one.row.clone());
                if store.seen.insert((stream, cause, one.version, one.class, row)) {
                    store.conflicts.push(one.clone());
                }
            }
        })
    }

    fn parked(&mut self, aggregate: &str) -> Result<Vec<ParkedRow>> {
        let store = self.store.borrow();
        Ok(store.rows.iter().filter(|((of, ..), _)| of == aggregate).map(|(_, row)| row.clone()).collect())
    }

    fn settle(&mut self, stream: &Stream, rows: &[(SourceKey, Version)], aggregates: &[&str]) -> Result<()> {
        let versions: BTreeMap<&SourceKey, Version> =
            rows.iter().map(|(key, version)| (key, *version)).collect();
        self.write(|store| {
            store.rows.retain(|(_, of, key), row| {
                of != stream || versions.get(key).is_none_or(|version| *version < row.change.version)
            });
            let over = |aggregate: &String| aggregates.contains(&aggregate.as_str());
            store
                .standing
                .retain(|aggregate, standing| *standing != Standing::OwnerStands || !over(aggregate));
        })
    }

    fn release(&mut self, aggregate: &str, how: Release) -> Result<()> {
        self.write(|store| {
            store.rows.retain(|(of, ..), _| of != aggregate);
            match how {
                Release::Retry => store.standing.remove(aggregate),
                Release::OwnerStands => store.standing.insert(aggregate.to_owned(), Standing::OwnerStands),
            };
        })
    }
}

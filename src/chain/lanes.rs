//! Several tables at once, of one system and of several, and what is done when a source fails meanwhile.
//!
//! Each system is a lane: its tables in order, and the connections that read them. Where connections can share one
//! moment, the first only holds it, and the others read; where they cannot, the one connection reads table after
//! table. Workers, as many as the machine has threads, help where fewest connections are in use. What is staged does
//! not depend on how many they are.
//!
//! After a failure that may pass the lane waits, and goes on where its moment still stands or nothing has changed
//! since. Else the moment is lost, and what was staged of it is no use. Any other failure ends the work: each worker
//! finishes its table, and of several failures the one of the first system and table is told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use bron_extract::{Error, ErrorKind, Source, TableSchema};
use bron_mappings::Digest;

use super::Work;
use crate::patience::Tries;

/// What is to be read of a system.
pub(super) struct Order<'a> {
    pub(super) system: &'a str,
    /// The connection that fixed the moment.
    pub(super) source: &'a mut dyn Source,
    /// The digest that names the moment.
    pub(super) fingerprint: Digest,
    /// The most connections to read with at once.
    pub(super) readers: usize,
    pub(super) tries: &'a mut Tries,
    pub(super) tables: Vec<&'a TableSchema>,
}

type StageTable<'a> = dyn Fn(&mut dyn Source, usize, &str, &TableSchema) -> Result<bool, Error> + Sync + 'a;
type Pause<'a> = dyn Fn(&str, Duration, &dyn Fn() -> bool) + Sync + 'a;

/// What the workers do and say.
pub(super) struct Hooks<'a> {
    /// Stages a table of a system with at most so many connections; says whether it was already there.
    pub(super) stage: &'a StageTable<'a>,
    /// Tells the operator and waits, for as long as there is something to wait for.
    pub(super) pause: &'a Pause<'a>,
    /// Whether the operator asks to stop.
    pub(super) asked_to_stop: &'a (dyn Fn() -> bool + Sync),
}

/// What came of the work.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The tables that are staged.
    pub(super) work: Work,
    /// The systems whose moment is lost, with the digests that name the new ones.
    pub(super) lost: BTreeMap<String, Digest>,
    /// What ended the work, by system and table.
    pub(super) failures: BTreeMap<(String, String), Error>,
}

/// Stages all tables with at most so many workers.
pub(super) fn read(orders: Vec<Order<'_>>, workers: usize, hooks: &Hooks<'_>) -> Outcome {
    let wanted = orders.iter().map(|order| order.readers.min(order.tables.len())).sum();
    let lanes = Lanes {
        queues: Mutex::new(orders.iter().map(Queue::new).collect()),
        lanes: orders.into_iter().map(Lane::new).collect(),
        hooks,
        ended: AtomicBool::new(false),
        outcome: Mutex::default(),
    };
    thread::scope(|scope| {
        for _ in 1..workers.min(wanted) {
            scope.spawn(|| lanes.work());
        }
        lanes.work();
    });
    lanes.outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The tables of a lane that nobody reads yet.
struct Queue<'a> {
    tables: VecDeque<&'a TableSchema>,
    /// The connections that the tables at work may use.
    in_use: usize,
    /// The most connections that it has room for.
    most: usize,
}

impl<'a> Queue<'a> {
    fn new(order: &Order<'a>) -> Self {
        Self { tables: order.tables.iter().copied().collect(), in_use: 0, most: order.readers.max(1) }
    }
}

/// A table for a worker.
struct Job<'a> {
    lane: usize,
    table: &'a TableSchema,
    /// How many connections it may be read with: the last tables of a system share those that are free.
    readers: usize,
}

/// The connections to a system.
struct Connections<'a> {
    /// The connection that fixed the moment; away while it reads itself, and then there is no other.
    holder: Option<&'a mut dyn Source>,
    idle: Vec<Box<dyn Source + Send>>,
    /// How many there are beside the holder, idle ones included.
    beside: usize,
    /// How often the lane has recovered: of several connections that break together one is a failure.
    recovered: u32,
    lost: bool,
    tries: &'a mut Tries,
}

impl<'a> Connections<'a> {
    fn another(&mut self) -> Result<Option<Reader<'a>>, Error> {
        if let Some(reader) = self.idle.pop() {
            return Ok(Some(Reader::Beside(reader)));
        }
        let Some(source) = &mut self.holder else { return Ok(None) };
        match source.beside() {
            Ok(Some(reader)) => {
                self.beside += 1;
                Ok(Some(Reader::Beside(reader)))
            }
            Err(error) if error.kind() == ErrorKind::Outdated => Err(error),
            // A server without room for another connection may well read on the one that there is.
            Ok(None) | Err(_) if self.beside == 0 => Ok(self.holder.take().map(Reader::Holder)),
            Ok(None) | Err(_) => Ok(None),
        }
    }
}

struct Lane<'a> {
    system: &'a str,
    fingerprint: Digest,
    connections: Mutex<Connections<'a>>,
}

/// A connection that reads.
enum Reader<'a> {
    Holder(&'a mut dyn Source),
    Beside(Box<dyn Source + Send>),
}

/// What became of a table.
enum End {
    /// It is staged.
    Staged { reused: bool },
    /// Other workers are enough for the lane: the table is for one of them.
    Enough,
    /// The moment is lost, or the work has ended.
    Dropped,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Lane<'a> {
    fn new(order: Order<'a>) -> Self {
        let Order { system, source, fingerprint, tries, .. } = order;
        let connections = Connections {
            holder: Some(source),
            idle: Vec::new(),
            beside: 0,
            recovered: 0,
            lost: false,
            tries,
        };
        Self { system, fingerprint, connections: Mutex::new(connections) }
    }

    /// A connection to read with, `None` when there are as many as can be; and how often the lane has recovered.
    fn connect(&self) -> (Result<Option<Reader<'a>>, Error>, u32) {
        let mut connections = held(&self.connections);
        (connections.another(), connections.recovered)
    }

    /// Takes idle connections away, at most so many: the table that is read makes others of its own.
    fn make_room(&self, most: usize) {
        let mut connections = held(&self.connections);
        let kept = connections.idle.len().saturating_sub(most);
        let closed = connections.idle.split_off(kept);
        connections.beside -= closed.len();
        drop(connections);
        // Closing one may take a while, for which nobody else has to wait.
        drop(closed);
    }

    /// Takes a connection back: to read on with when all went well.
    fn give_back(&self, reader: Reader<'a>, well: bool) {
        let mut connections = held(&self.connections);
        match reader {
            Reader::Holder(source) => connections.holder = Some(source),
            Reader::Beside(reader) if well => connections.idle.push(reader),
            Reader::Beside(_) => connections.beside -= 1,
        }
        if well {
            connections.tries.succeeded();
        }
    }

    /// Waits and makes the source readable again, until it is or nothing helps. `None` when the table can be tried
    /// again, else what becomes of it.
    fn recover(
        &self,
        table: &str,
        mut error: Error,
        before: u32,
        lanes: &Lanes<'_, '_>,
    ) -> Result<Option<End>, Error> {
        let mut connections = held(&self.connections);
        let Connections { holder, idle, beside, recovered, lost, tries } = &mut *connections;
        while *recovered == before && !*lost {
            // Meanwhile somebody else found no other connection than the holder, and will see for himself.
            let Some(source) = holder.as_deref_mut() else { return Ok(Some(End::Enough)) };
            let wait = if error.is_retryable() { tries.another() } else { None };
            let Some(wait) = wait else { return Err(error) };
            let place = format!("{}/{table}", self.system);
            (lanes.hooks.pause)(&tries.told(&place, &error, wait), wait, &|| !lanes.is_over());
            if lanes.is_over() {
                return Ok(Some(End::Dropped));
            }
            let is_outdated = error.kind() == ErrorKind::Outdated;
            let renewed = if is_outdated { source.fingerprint() } else { source.resume() };
            match renewed {
                Ok(digest) => {
                    *recovered += 1;
                    *lost = digest != self.fingerprint;
                    *beside -= idle.len();
                    idle.clear();
                    if *lost {
                        held(&lanes.outcome).lost.insert(self.system.to_owned(), digest);
                    }
                }
                Err(again) => error = again,
            }
        }
        Ok(lost.then_some(End::Dropped))
    }

    fn is_lost(&self) -> bool {
        held(&self.connections).lost
    }
}

struct Lanes<'a, 'h> {
    lanes: Vec<Lane<'a>>,
    /// One for each lane.
    queues: Mutex<Vec<Queue<'a>>>,
    hooks: &'h Hooks<'h>,
    ended: AtomicBool,
    outcome: Mutex<Outcome>,
}

impl<'a> Lanes<'a, '_> {
    fn is_over(&self) -> bool {
        self.ended.load(Ordering::SeqCst) || (self.hooks.asked_to_stop)()
    }

    /// Reads table after table, for as long as there is room in some lane.
    fn work(&self) {
        while !self.is_over()
            && let Some(job) = self.take()
        {
            let (lane, table) = (&self.lanes[job.lane], job.table);
            let end = self.stage(lane, &job);
            let mut queues = held(&self.queues);
            let queue = &mut queues[job.lane];
            queue.in_use -= job.readers;
            match end {
                Ok(End::Staged { reused }) => held(&self.outcome).work.count(reused),
                Ok(End::Enough) => {
                    queue.most = queue.in_use.max(1);
                    queue.tables.push_front(table);
                }
                Ok(End::Dropped) => queue.tables.clear(),
                Err(error) => {
                    self.ended.store(true, Ordering::SeqCst);
                    let place = (lane.system.to_owned(), table.name.clone());
                    held(&self.outcome).failures.insert(place, error);
                }
            }
        }
    }

    /// The next table of the lane that uses the fewest connections.
    fn take(&self) -> Option<Job<'a>> {
        let mut queues = held(&self.queues);
        let open = queues.iter_mut().enumerate();
        let open = open.filter(|(_, queue)| !queue.tables.is_empty() && queue.in_use < queue.most);
        let (lane, queue) = open.min_by_key(|(_, queue)| queue.in_use)?;
        let readers = ((queue.most - queue.in_use) / queue.tables.len()).max(1);
        queue.in_use += readers;
        queue.tables.pop_front().map(|table| Job { lane, table, readers })
    }

    /// Stages a table, as often as it takes.
    fn stage(&self, lane: &Lane<'a>, job: &Job<'a>) -> Result<End, Error> {
        let table = job.table;
        loop {
            if lane.is_lost() || self.is_over() {
                return Ok(End::Dropped);
            }
            let (reader, before) = lane.connect();
            let error = match reader {
                Ok(None) => return Ok(End::Enough),
                Err(error) => error,
                Ok(Some(mut reader)) => {
                    lane.make_room(job.readers - 1);
                    let source: &mut dyn Source = match &mut reader {
                        Reader::Holder(source) => &mut **source,
                        Reader::Beside(source) => source.as_mut(),
                    };
                    let staged = (self.hooks.stage)(source, job.readers, lane.system, table);
                    lane.give_back(reader, staged.is_ok());
                    match staged {
                        Ok(reused) => return Ok(End::Staged { reused }),
                        Err(error) => error,
                    }
                }
            };
            if !error.is_retryable() {
                return Err(error);
            }
            if let Some(end) = lane.recover(&table.name, error, before, self)? {
                return Ok(end);
            }
        }
    }
}

#[cfg(test)]
mod tests;

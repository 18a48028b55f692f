//! Lanes whose sources do as they are told.

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier};

use bron_extract::{Access, Batching, Consistency, Locator, Span, TableReader};
use bron_mappings::DigestBuilder;

use super::*;
use crate::patience::Patience;

/// What goes wrong at a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The connection breaks, and nothing was written meanwhile.
    Broken,
    /// The connection breaks, and somebody writes.
    BrokenAndWritten,
    /// It will never work.
    Forbidden,
}

/// A server.
#[derive(Default)]
struct Server {
    /// Whether connections can share its moment.
    shares: bool,
    /// Whether it has no room for more than one connection.
    is_full: bool,
    faults: Mutex<Vec<(&'static str, Fault)>>,
    content: Mutex<u8>,
    /// The most tables that were read at once, and those that are now.
    at_once: Mutex<(usize, usize)>,
    connections: Mutex<usize>,
    /// The most connections beside the holders that were open at once, and those that are now.
    open: Mutex<(usize, usize)>,
    recoveries: Mutex<usize>,
    staged: Mutex<Vec<String>>,
    /// Lets readers wait for each other.
    meeting: Option<Arc<Barrier>>,
}

struct Connection {
    server: Arc<Server>,
    joined: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        held(&self.server.open).1 -= usize::from(self.joined);
    }
}

fn digest(content: u8) -> Digest {
    let mut digest = DigestBuilder::new("test");
    digest.part(&[content]);
    digest.finish()
}

fn broken() -> Error {
    Access::new(Locator::parse("postgres://127.0.0.1:1/x").unwrap()).open(None).err().unwrap()
}

fn forbidden() -> Error {
    Locator::parse("postgres").unwrap_err()
}

impl Source for Connection {
    fn tables(&mut self) -> Result<Vec<TableSchema>, Error> {
        Ok(Vec::new())
    }

    fn fingerprint(&mut self) -> Result<Digest, Error> {
        assert!(!self.joined, "only the holder is asked");
        *held(&self.server.recoveries) += 1;
        Ok(digest(*held(&self.server.content)))
    }

    fn consistency(&self) -> Consistency {
        Consistency::Point { how: "test", at: String::new() }
    }

    fn beside(&mut self) -> Result<Option<Box<dyn Source + Send>>, Error> {
        if self.server.is_full {
            return Err(broken());
        }
        *held(&self.server.connections) += 1;
        if self.server.shares {
            let mut open = held(&self.server.open);
            open.1 += 1;
            open.0 = open.0.max(open.1);
        }
        let other = Self { server: Arc::clone(&self.server), joined: self.server.shares };
        Ok(self.server.shares.then(|| -> Box<dyn Source + Send> { Box::new(other) }))
    }

    fn read_span<'a>(
        &'a mut self,
        _: &TableSchema,
        _: &Span,
        _: Batching,
    ) -> Result<Box<dyn TableReader + 'a>, Error> {
        Err(forbidden())
    }
}

impl Server {
    fn with(faults: &[(&'static str, Fault)], shares: bool) -> Arc<Self> {
        Arc::new(Self { faults: Mutex::new(faults.to_vec()), shares, ..Self::default() })
    }

    /// Stages a table, or does what is wrong with it.
    fn stage(&self, table: &str) -> Result<bool, Error> {
        {
            let mut at_once = held(&self.at_once);
            at_once.1 += 1;
            at_once.0 = at_once.0.max(at_once.1);
        }
        if let Some(meeting) = &self.meeting {
            meeting.wait();
        }
        held(&self.at_once).1 -= 1;
        let mut faults = held(&self.faults);
        let at = faults.iter().position(|(name, _)| *name == table);
        match at.map(|at| if faults[at].1 == Fault::Forbidden { faults[at].1 } else { faults.remove(at).1 }) {
            None => {
                held(&self.staged).push(table.to_owned());
                Ok(table.starts_with("old"))
            }
            Some(Fault::Broken) => Err(broken()),
            Some(Fault::BrokenAndWritten) => {
                *held(&self.content) += 1;
                Err(broken())
            }
            Some(Fault::Forbidden) => Err(forbidden()),
        }
    }
}

/// What came of it, the waits in seconds, and what was told.
struct Ran {
    outcome: Outcome,
    waits: Vec<u64>,
    told: Vec<String>,
    /// With how many connections each table was read.
    shares: Vec<usize>,
}

/// Reads tables of systems whose names are those of the servers.
fn run(servers: &[(&str, Arc<Server>, &[&str])], readers: usize, workers: usize) -> Ran {
    let patience = Patience { retries: 4, first_wait: Duration::from_secs(1) };
    let schema = |name: &&str| TableSchema {
        name: (*name).to_owned(),
        columns: Vec::new(),
        key_unique: Vec::new(),
        rows_estimate: 0,
    };
    let tables: Vec<Vec<TableSchema>> =
        servers.iter().map(|(_, _, names)| names.iter().map(schema).collect()).collect();
    let open = |server: &Arc<Server>| Connection { server: Arc::clone(server), joined: false };
    let mut holders: Vec<(Connection, Tries)> =
        servers.iter().map(|(_, server, _)| (open(server), Tries::new(patience))).collect();
    let orders =
        holders.iter_mut().zip(servers).zip(&tables).map(|(((source, tries), (system, ..)), tables)| {
            let tables = tables.iter().collect();
            Order { system, source, fingerprint: digest(0), readers, tries, tables }
        });
    let waits = Mutex::new(Vec::new());
    let told = Mutex::new(Vec::new());
    let shares = Mutex::new(Vec::new());
    let stage = |_: &mut dyn Source, readers: usize, system: &str, table: &TableSchema| {
        held(&shares).push(readers);
        let (_, server, _) = servers.iter().find(|(name, ..)| *name == system).unwrap();
        server.stage(&table.name)
    };
    let pause = |line: &str, time: Duration, _: &dyn Fn() -> bool| {
        held(&told).push(line.to_owned());
        held(&waits).push(time.as_secs());
    };
    let hooks = Hooks { stage: &stage, pause: &pause, asked_to_stop: &|| false };
    let outcome = read(orders.collect(), workers, &hooks);
    let (waits, told, shares) = (held(&waits).clone(), held(&told).clone(), held(&shares).clone());
    Ran { outcome, waits, told, shares }
}

fn staged(server: &Server) -> BTreeSet<String> {
    let staged = held(&server.staged);
    let set: BTreeSet<String> = staged.iter().cloned().collect();
    assert_eq!(set.len(), staged.len(), "a table was staged twice");
    set
}

fn failed(outcome: &Outcome) -> Vec<(&str, &str)> {
    outcome.failures.keys().map(|(system, table)| (system.as_str(), table.as_str())).collect()
}

#[test]
fn every_table_is_staged_once_whatever_the_number_of_readers() {
    let names = ["a", "b", "c", "d", "old"];
    for (readers, workers, shares) in [(1, 1, true), (3, 8, true), (3, 8, false), (2, 2, true), (9, 9, true)]
    {
        let servers = [Server::with(&[], shares), Server::with(&[], false)];
        let [left, right] = servers.clone();
        let ran = run(&[("p", left, &names), ("q", right, &names)], readers, workers);
        assert_eq!(ran.outcome.work, Work { done: 8, reused: 2 });
        assert!(ran.outcome.failures.is_empty() && ran.outcome.lost.is_empty() && ran.waits.is_empty());
        for server in &servers {
            assert_eq!(staged(server).len(), names.len());
        }
        assert_eq!(held(&servers[1].at_once).0, 1, "what cannot be shared is read table after table");
        assert!(held(&servers[0].at_once).0 <= if shares { readers.min(workers) } else { 1 });
        assert!(*held(&servers[0].connections) <= if shares { readers } else { names.len() + workers });
    }
}

#[test]
fn tables_of_one_system_are_read_at_the_same_time() {
    // Nobody gets on before three have met.
    let meeting = Some(Arc::new(Barrier::new(3)));
    let server = Arc::new(Server { shares: true, meeting, ..Server::default() });
    run(&[("p", Arc::clone(&server), &["a", "b", "c", "d", "e", "f"])], 3, 4);
    assert_eq!((held(&server.at_once).0, staged(&server).len()), (3, 6));
}

#[test]
fn a_server_without_room_is_read_on_the_connection_that_there_is() {
    let server = Arc::new(Server { shares: true, is_full: true, ..Server::default() });
    let ran = run(&[("p", Arc::clone(&server), &["a", "b", "c"])], 4, 4);
    assert!(ran.outcome.failures.is_empty() && ran.waits.is_empty());
    assert_eq!((held(&server.at_once).0, staged(&server).len()), (1, 3));
}

#[test]
fn what_may_pass_is_tried_again_after_longer_and_longer_waits() {
    for shares in [true, false] {
        let faults = [("b", Fault::Broken), ("b", Fault::Broken), ("d", Fault::Broken)];
        let server = Server::with(&faults, shares);
        let ran = run(&[("p", Arc::clone(&server), &["a", "b", "c", "d"])], 1, 1);
        assert_eq!(ran.waits, [1, 2, 1]);
        assert!(ran.told[1].starts_with("p/b: postgres://127.0.0.1:1/x"), "{}", ran.told[1]);
        assert!(ran.told[1].ends_with("trying again in 2 s (2 of 4)"), "{}", ran.told[1]);
        assert_eq!(staged(&server).len(), 4);
        assert_eq!(*held(&server.recoveries), 3);
    }
}

#[test]
fn what_does_not_pass_ends_the_work_and_what_is_staged_stays() {
    let faults = [("b", Fault::Broken); 9];
    let server = Server::with(&faults, true);
    let ran = run(&[("p", Arc::clone(&server), &["a", "b", "c"])], 1, 1);
    assert_eq!(ran.waits, [1, 2, 4, 8]);
    assert_eq!((failed(&ran.outcome), staged(&server)), (vec![("p", "b")], ["a".to_owned()].into()));

    let server = Server::with(&[("b", Fault::Forbidden)], false);
    let ran = run(&[("p", Arc::clone(&server), &["a", "b", "c"])], 2, 2);
    assert_eq!((failed(&ran.outcome), ran.waits), (vec![("p", "b")], vec![]));
    assert!(!staged(&server).contains("c"), "nothing is begun after a failure");
}

#[test]
fn of_several_failures_the_first_by_name_is_first() {
    let meeting = Arc::new(Barrier::new(2));
    let server = |table| {
        let faults = Mutex::new(vec![(table, Fault::Forbidden)]);
        Arc::new(Server { faults, meeting: Some(Arc::clone(&meeting)), ..Server::default() })
    };
    let ran = run(&[("p", server("z"), &["z"]), ("q", server("a"), &["a"])], 1, 2);
    assert_eq!(failed(&ran.outcome), [("p", "z"), ("q", "a")]);
}

#[test]
fn several_connections_that_break_together_are_one_failure() {
    let meeting = Some(Arc::new(Barrier::new(2)));
    let faults = Mutex::new(vec![("a", Fault::Broken), ("b", Fault::Broken)]);
    let server = Arc::new(Server { shares: true, meeting, faults, ..Server::default() });
    let ran = run(&[("p", Arc::clone(&server), &["a", "b"])], 2, 2);
    assert!(ran.outcome.failures.is_empty());
    assert_eq!((ran.waits, staged(&server).len()), (vec![1], 2));
}

#[test]
fn whoever_fails_while_another_reads_on_the_holder_leaves_the_table_to_him() {
    let server = Arc::new(Server { shares: true, is_full: true, ..Server::default() });
    let mut holder = Connection { server, joined: false };
    let mut tries = Tries::new(Patience::default());
    let order = Order {
        system: "p",
        source: &mut holder,
        fingerprint: digest(0),
        readers: 2,
        tries: &mut tries,
        tables: Vec::new(),
    };
    let stage = |_: &mut dyn Source, _: usize, _: &str, _: &TableSchema| Ok(false);
    let hooks = Hooks { stage: &stage, pause: &|_, _, _| {}, asked_to_stop: &|| false };
    let lanes = Lanes {
        lanes: vec![Lane::new(order)],
        queues: Mutex::default(),
        hooks: &hooks,
        ended: AtomicBool::new(false),
        outcome: Mutex::default(),
    };
    let lane = &lanes.lanes[0];
    let (reader, before) = lane.connect();
    let reader = reader.unwrap().unwrap();
    assert!(matches!(reader, Reader::Holder(_)));
    assert!(matches!(lane.recover("a", broken(), before, &lanes), Ok(Some(End::Enough))));
    lane.give_back(reader, true);
    assert!(matches!(lane.recover("a", broken(), before, &lanes), Ok(None)));
    assert_eq!(held(&lane.connections).tries.made(), 1, "only what was waited for counts");
}

#[test]
fn a_moment_that_is_lost_is_told_and_other_systems_go_on() {
    let lost = Server::with(&[("b", Fault::BrokenAndWritten)], true);
    let other = Server::with(&[], true);
    let tables: &[&str] = &["a", "b", "c"];
    let ran = run(&[("p", Arc::clone(&lost), tables), ("q", Arc::clone(&other), tables)], 1, 2);
    assert_eq!(ran.outcome.lost, [("p".to_owned(), digest(1))].into());
    assert!(ran.outcome.failures.is_empty());
    assert_eq!(staged(&lost), ["a".to_owned()].into(), "nothing of the new moment is put beside the old");
    assert_eq!(staged(&other).len(), 3);
}

#[test]
fn an_operator_who_asks_is_heard() {
    let server = Server::with(&[], true);
    let mut holder = Connection { server: Arc::clone(&server), joined: false };
    let table =
        TableSchema { name: "a".into(), columns: Vec::new(), key_unique: Vec::new(), rows_estimate: 0 };
    let mut tries = Tries::new(Patience::default());
    let order = Order {
        system: "p",
        source: &mut holder,
        fingerprint: digest(0),
        readers: 1,
        tries: &mut tries,
        tables: vec![&table],
    };
    let stage = |_: &mut dyn Source, _: usize, _: &str, table: &TableSchema| server.stage(&table.name);
    let hooks = Hooks { stage: &stage, pause: &|_, _, _| {}, asked_to_stop: &|| true };
    assert_eq!(read(vec![order], 1, &hooks).work, Work::default());
    assert!(staged(&server).is_empty());
}

#[test]
fn the_last_tables_share_the_connections_that_are_free() {
    let server = Server::with(&[], true);
    let ran = run(&[("p", Arc::clone(&server), &["a", "b", "c"])], 4, 1);
    assert_eq!(ran.shares, [1, 2, 4]);
}

#[test]
fn a_table_that_is_read_by_several_makes_room_for_them() {
    let server = Server::with(&[], true);
    let mut holder = Connection { server: Arc::clone(&server), joined: false };
    let table =
        TableSchema { name: "last".into(), columns: Vec::new(), key_unique: Vec::new(), rows_estimate: 0 };
    let mut tries = Tries::new(Patience::default());
    let order = Order {
        system: "p",
        source: &mut holder,
        fingerprint: digest(0),
        readers: 4,
        tries: &mut tries,
        tables: Vec::new(),
    };
    let stage = |source: &mut dyn Source, readers: usize, _: &str, _: &TableSchema| {
        let beside: Vec<_> = (1..readers).map(|_| source.beside().unwrap().unwrap()).collect();
        Ok(beside.is_empty())
    };
    let hooks = Hooks { stage: &stage, pause: &|_, _, _| {}, asked_to_stop: &|| false };
    let lanes = Lanes {
        lanes: vec![Lane::new(order)],
        queues: Mutex::default(),
        hooks: &hooks,
        ended: AtomicBool::new(false),
        outcome: Mutex::default(),
    };
    let lane = &lanes.lanes[0];
    let tables_before: Vec<_> = (0..4).map(|_| lane.connect().0.unwrap().unwrap()).collect();
    tables_before.into_iter().for_each(|reader| lane.give_back(reader, true));
    for (readers, kept) in [(1, 4), (3, 2), (4, 1)] {
        assert!(lanes.stage(lane, &Job { lane: 0, table: &table, readers }).is_ok());
        let connections = held(&lane.connections);
        let open = held(&server.open).1;
        assert_eq!(
            (connections.idle.len(), connections.beside, open),
            (kept, kept, kept),
            "{readers} readers"
        );
    }
    assert_eq!(held(&server.open).0, 4, "never more than the system allows");
}

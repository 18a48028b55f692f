//! What the connections of a server share.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use rustls::ServerConfig;

use crate::catalog::{Catalog, Table};
use crate::engine::{self, Engine, Sink, Stop};
use crate::error::SqlError;
use crate::fault::Faults;
use crate::lexer;
use crate::login::Login;
use crate::token::Column;
use crate::tracking;
use crate::value::Value;
use crate::views::DatabaseRow;

/// The id of the server's own database; snapshots of it follow.
const OWN_DATABASE: i64 = 5;

/// A lock that a panic elsewhere does not close.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rows that nobody asked for.
struct Unseen;

impl Sink for Unseen {
    fn columns(&mut self, _: Vec<Column>) -> Result<(), Stop> {
        Ok(())
    }

    fn row(&mut self, _: &[Value]) -> Result<(), Stop> {
        Ok(())
    }
}

fn told(error: &SqlError) -> String {
    format!("error {}: {}", error.number, error.message)
}

/// What the connections of a server share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) faults: Faults,
    /// What the server needs to speak TLS, where it does.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    user: String,
    password: String,
    databases: Mutex<Vec<(DatabaseRow, PathBuf)>>,
    denied: Mutex<BTreeSet<String>>,
    /// Tables that are gone, in small letters.
    dropped: Mutex<BTreeSet<String>>,
    logins: Mutex<Vec<Login>>,
    statements: Mutex<Vec<String>>,
    connections: AtomicU64,
    transactions: AtomicU64,
    /// How many database snapshots there have been.
    snapshots: AtomicU64,
    aborts_transactions: AtomicBool,
    stopped: AtomicBool,
    streams: Mutex<BTreeMap<u64, TcpStream>>,
}

impl Shared {
    pub(crate) fn new(
        user: String,
        password: String,
        name: String,
        path: PathBuf,
        tls: Option<Arc<ServerConfig>>,
    ) -> Self {
        let own = DatabaseRow { id: OWN_DATABASE, name, source: None };
        Self {
            faults: Faults::default(),
            tls,
            user,
            password,
            databases: Mutex::new(vec![(own, path)]),
            denied: Mutex::default(),
            dropped: Mutex::default(),
            logins: Mutex::default(),
            statements: Mutex::default(),
            connections: AtomicU64::new(0),
            transactions: AtomicU64::new(0),
            snapshots: AtomicU64::new(0),
            aborts_transactions: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            streams: Mutex::default(),
        }
    }

    pub(crate) fn lets_in(&self, login: &Login) -> bool {
        login.user == self.user && login.password == self.password
    }

    pub(crate) fn note_login(&self, login: Login) {
        held(&self.logins).push(login);
    }

    pub(crate) fn logins(&self) -> Vec<Login> {
        held(&self.logins).clone()
    }

    pub(crate) fn note_statement(&self, outline: String) {
        held(&self.statements).push(outline);
    }

    pub(crate) fn statements(&self) -> Vec<String> {
        held(&self.statements).clone()
    }

    /// The name and the file of a database; the server's own for an empty name.
    pub(crate) fn database(&self, name: &str) -> Option<(String, PathBuf)> {
        let databases = held(&self.databases);
        let found = databases.iter().find(|(row, _)| name.is_empty() || row.name.eq_ignore_ascii_case(name));
        found.map(|(row, path)| (row.name.clone(), path.clone()))
    }

    pub(crate) fn databases(&self) -> Vec<DatabaseRow> {
        held(&self.databases).iter().map(|(row, _)| row.clone()).collect()
    }

    /// The number of a database snapshot that is to be made, from 1: no two ever have the same.
    pub(crate) fn next_snapshot(&self) -> u64 {
        self.snapshots.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn add_snapshot(&self, number: u64, name: &str, path: PathBuf) {
        let id = OWN_DATABASE.saturating_add_unsigned(number);
        held(&self.databases)
            .push((DatabaseRow { id, name: name.to_owned(), source: Some(OWN_DATABASE) }, path));
    }

    /// Takes a database snapshot away, and ends every connection: who reads it cannot go on.
    pub(crate) fn drop_snapshot(&self, name: &str) {
        held(&self.databases).retain(|(row, _)| row.source.is_none() || !row.name.eq_ignore_ascii_case(name));
        self.cut();
    }

    pub(crate) fn aborts_transactions(&self) -> bool {
        self.aborts_transactions.load(Ordering::SeqCst)
    }

    pub(crate) fn abort_transactions(&self, abort: bool) {
        self.aborts_transactions.store(abort, Ordering::SeqCst);
    }

    pub(crate) fn is_snapshot(&self, name: &str) -> bool {
        self.databases().iter().any(|row| row.source.is_some() && row.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn denied(&self) -> BTreeSet<String> {
        held(&self.denied).clone()
    }

    pub(crate) fn deny(&self, name: &str) {
        held(&self.denied).insert(name.to_owned());
    }

    pub(crate) fn allow(&self, name: &str) {
        held(&self.denied).remove(name);
    }

    pub(crate) fn note_dropped(&self, table: &str) {
        held(&self.dropped).insert(table.to_lowercase());
    }

    pub(crate) fn note_created(&self, table: &str) {
        held(&self.dropped).remove(&table.to_lowercase());
    }

    pub(crate) fn is_dropped(&self, table: &str) -> bool {
        held(&self.dropped).contains(&table.to_lowercase())
    }

    /// Carries out statements on the server's own database, outside every connection.
    pub(crate) fn run(&self, sql: &str) -> Result<(), String> {
        let mut engine = self.engine().map_err(|error| told(&error))?;
        self.run_on(&mut engine, sql)
    }

    /// A view of the server's own database without a connection.
    pub(crate) fn engine(&self) -> Result<Engine, SqlError> {
        Engine::new(self, 0, &self.user, "")
    }

    /// Carries out statements on a view of a database.
    pub(crate) fn run_on(&self, engine: &mut Engine, sql: &str) -> Result<(), String> {
        let tokens = lexer::tokens(sql).map_err(|error| told(&error))?;
        engine.begin_batch();
        let mut at = 0;
        while let Some((statement, next)) =
            engine.parse(self, &tokens, at, &[]).map_err(|error| told(&error))?
        {
            engine.execute(self, statement, &[], &mut Unseen).map_err(|stop| match stop {
                Stop::Error(error) => told(&error),
                Stop::Broken(error) => error.to_string(),
            })?;
            at = next;
        }
        Ok(())
    }

    /// The file of the server's own database.
    pub(crate) fn file(&self) -> PathBuf {
        held(&self.databases)[0].1.clone()
    }

    /// Puts another file in the place of the server's own database, and ends every connection.
    pub(crate) fn replace(&self, file: PathBuf) {
        held(&self.databases)[0].1 = file;
        self.cut();
    }

    /// Does something to the server's own database that no statement does.
    pub(crate) fn change(&self, change: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> io::Result<()> {
        engine::open(&self.file()).and_then(|database| change(&database)).map_err(io::Error::other)
    }

    /// Forgets the changes of a table up to and including a version.
    pub(crate) fn forget_changes(&self, table: &str, version: i64) -> io::Result<()> {
        let table = self.tracked(table)?;
        self.change(|database| tracking::forget(database, &table, version))
    }

    fn tracked(&self, name: &str) -> io::Result<Table> {
        let database = engine::open(&self.file()).map_err(io::Error::other)?;
        let catalog = Catalog::load(&database).map_err(|error| io::Error::other(error.message))?;
        let tracked =
            catalog.tables.into_iter().find(|table| table.tracked && table.name.eq_ignore_ascii_case(name));
        tracked.ok_or_else(|| io::Error::other(format!("table {name} is not tracked")))
    }

    /// Takes a connection in and numbers it, from 1.
    pub(crate) fn connected(&self, stream: &TcpStream) -> u64 {
        let number = self.connections.fetch_add(1, Ordering::SeqCst) + 1;
        if let Ok(stream) = stream.try_clone() {
            held(&self.streams).insert(number, stream);
        }
        if self.is_stopped() {
            // It came while the others were being cut.
            drop(stream.shutdown(Shutdown::Both));
        }
        number
    }

    pub(crate) fn disconnected(&self, number: u64) {
        held(&self.streams).remove(&number);
    }

    pub(crate) fn open_connections(&self) -> usize {
        held(&self.streams).len()
    }

    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    /// The number of a transaction that begins.
    pub(crate) fn next_transaction(&self) -> u64 {
        self.transactions.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Cuts every connection and lets no other in.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.cut();
    }

    fn cut(&self) {
        for stream in held(&self.streams).values() {
            // A connection that is gone already cannot be cut, which is as good.
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

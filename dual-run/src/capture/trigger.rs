//! The change log that triggers keep: what every statement did to a row, written by the transaction that did it.
//!
//! It tells of every state of a row, before and after, and of rows that are gone. The triggers live in the database
//! that is captured; their statements are shown before they are run ([`TriggerLog::install_plan`]) and compared word
//! for word with what the catalogue holds at every poll, so that a trigger that is missing, disabled or of another
//! version never passes for a quiet day.
//!
//! **Order.** A number of the log is drawn while the row is locked: for one row, the order of the numbers is that of
//! its states. Transactions however do not commit in the order in which they draw numbers, nor in that of their ids.
//! A cut is therefore everything that is visible in one snapshot and was not in that of the cut before. So nobody is
//! missed, however long his transaction lasts; nobody else waits for him; and a cut never has a change without those
//! that it rests on. The version of a change is the highest number that its cut could see, and its own: of two states
//! of a row, the later one has the higher version, and everything that is told of after a chunk was read has a higher
//! version than the chunk.
//!
//! - **SQLite**: there is one writer, so a cut is what was committed. A budget is not kept, for the log does not say
//!   where transactions end. Not seen are rows that `INSERT OR REPLACE` removes because of a second unique index,
//!   unless the writing program has `recursive_triggers` on.
//! - **PostgreSQL**: a cut is the difference of two snapshots. A budget is kept, between transactions. Nothing is
//!   unseen: a `TRUNCATE` is logged and makes its table expire, and triggers fire in sessions that replay as well.
//! - **MySQL and MariaDB**: a cut is what is new in a consistent snapshot, with the numbers that were missing before. A
//!   budget is not kept. Not seen are rows that follow a parent by a cascade, and `TRUNCATE`. Whoever polls needs the
//!   right `PROCESS`, to see which transactions are under way.
//!
//! What is not seen is listed by [`TriggerLog::check`] for the tables that it concerns.

mod installation;
mod log_row;
mod place;
mod poll;
mod sql;

use std::collections::{BTreeMap, BTreeSet};

use bron_extract::Access;
use bron_mappings::SourceKey;

pub use installation::{Finding, FindingKind};

use self::place::Place;
use self::poll::{Poll, Shape, Start, image_of, schema_of, under_way};
use self::sql::Statements;
use super::captured::CapturedTable;
use super::paging;
use super::session::Session;
use crate::capture::{Budget, ChangeSource, Guarantee, Incarnation, Order, Position, Validity};
use crate::change::{Chunk, Cut, Stream, Version};
use crate::error::{ErrorKind, Result};

/// The change log of one database.
pub struct TriggerLog {
    session: Session,
    stream: Stream,
    tables: BTreeMap<String, CapturedTable>,
    access: Access,
    /// Tables of which rows may be removed unseen; `None` before the database was asked.
    unseen: Option<BTreeSet<String>>,
    /// The tables as they were when the catalogue was last read.
    shape: Option<Shape>,
}

impl TriggerLog {
    /// The log of a database. Nothing is asked yet.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the database is of a kind that keeps no such log, or two tables have one name.
    pub fn new(access: &Access, stream: Stream, tables: Vec<CapturedTable>) -> Result<Self> {
        let session = Session::new(access, false)?;
        let mut by_name = BTreeMap::new();
        for table in tables {
            if let Some(twice) = by_name.insert(table.name.clone(), table) {
                return Err(session.error(ErrorKind::Config, &format!("table {} is named twice", twice.name)));
            }
        }
        Ok(Self { session, stream, tables: by_name, access: access.clone(), unseen: None, shape: None })
    }

    fn statements(&self) -> Statements {
        Statements::new(self.session.dialect(), self.session.schema())
    }

    /// Removes from the log what lies before a position, and says how many rows are left. A position that was taken
    /// before it is [`Validity::Expired`] from now on.
    ///
    /// # Errors
    /// When the database cannot be written, or the position is not one of this adapter.
    pub fn prune(&mut self, before: &Position) -> Result<u64> {
        let place = Place::of(before)?;
        let statements = self.statements();
        let mut session = Session::new(&self.access, true)?;
        session.in_transaction(|session| {
            for statement in statements.prune(&place) {
                session.run(&statement)?;
            }
            let left = session.row(&statements.count())?;
            left.number(0).ok_or_else(|| session.error(ErrorKind::Database, "the log cannot be counted"))
        })
    }
}

impl ChangeSource for TriggerLog {
    fn incarnation(&mut self) -> Result<Incarnation> {
        let statements = self.statements();
        let tables = &self.tables;
        self.session.in_snapshot(|session| {
            let mut poll = Poll { session, statements: &statements, tables };
            let state = poll.state()?;
            poll.incarnation(&state)
        })
    }

    fn now(&mut self) -> Result<Position> {
        let statements = self.statements();
        let tables = &self.tables;
        let mut before = BTreeSet::new();
        if let Some(question) = statements.under_way(false) {
            before = under_way(&mut self.session, question)?;
        }
        self.session.in_snapshot(|session| {
            let mut poll = Poll { session, statements: &statements, tables };
            let state = poll.state()?;
            let mut place = Place { polls: state.pruned, ..Place::default() };
            if statements.under_way(false).is_some() {
                let numbers = poll.session.rows(&statements.numbers())?;
                let numbers: Vec<u64> = numbers.iter().filter_map(|row| row.number(0)).collect();
                place.gaps = poll.gaps(&place, &state, &numbers, before)?;
            }
            (place.high, place.tag, place.seen) = (state.high, state.tag, state.snapshot);
            Ok(place.position())
        })
    }

    fn validity(&mut self, position: &Position) -> Result<Validity> {
        let place = Place::of(position)?;
        let statements = self.statements();
        self.learn_unseen()?;
        let Self { session, tables, shape, .. } = self;
        session.in_snapshot(|session| {
            if session.row(&statements.exists())?.number(0) == Some(0) {
                return Ok(Validity::Silent { reason: "there is no change log: install it".to_owned() });
            }
            let mut poll = Poll { session, statements: &statements, tables };
            let state = poll.state()?;
            poll.look_at_tables(shape)?;
            match shape {
                Some(shape) => poll.validity(&place, &state, shape),
                None => Ok(Validity::Drift { schema: schema_of(&[]) }),
            }
        })
    }

    fn poll(&mut self, from: &Position, budget: Budget) -> Result<Cut> {
        let place = Place::of(from)?;
        let statements = self.statements();
        let Self { session, stream, tables, shape, .. } = self;
        let mut before = BTreeSet::new();
        if let Some(question) = statements.under_way(false).filter(|_| !place.gaps.is_empty()) {
            before = under_way(session, question)?;
        }
        session.in_snapshot(|session| {
            let from = Start { stream, place: &place, before };
            Poll { session, statements: &statements, tables }.cut(from, budget, shape)
        })
    }

    fn read_chunk(&mut self, table: &str, after: Option<&SourceKey>, rows: u64) -> Result<Chunk> {
        let statements = self.statements();
        let captured = self.tables.get(table);
        let problem = || self.session.error(ErrorKind::Config, &format!("table {table} is not captured"));
        let captured = captured.ok_or_else(problem)?;
        self.session.in_snapshot(|session| {
            let high = session.row(&statements.read_state())?.number(3).unwrap_or_default();
            let Some(image) = image_of(session, captured)? else {
                return Err(session.error(ErrorKind::Drift, &format!("table {table} is not there")));
            };
            let from = statements.table(table);
            let (rows, more) = paging::read(session, &from, captured, &image, after, rows)?;
            Ok(Chunk { at: Version { major: high, minor: 0 }, rows, more })
        })
    }

    /// Every state, and the row before; in commit order, at most as old as the last poll. Deletes, but for tables of
    /// which [`TriggerLog::check`] says that rows may go unseen, and for all before the database was asked.
    fn guarantee(&self, table: &str) -> Guarantee {
        Guarantee {
            deletes: self.unseen.as_ref().is_some_and(|unseen| !unseen.contains(table)),
            order: Order::Commit,
            intermediate_states: true,
            before_image: true,
            staleness_seconds: Some(0),
        }
    }
}

#[cfg(test)]
pub(in crate::capture) mod tests;

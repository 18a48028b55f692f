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
//! | | a cut is | a budget is kept | is not seen |
//! |---|---|---|---|
//! | SQLite | what was committed: there is one writer | no | rows that `INSERT OR REPLACE` removes because of a second unique index, unless the writing program has `recursive_triggers` on |
//! | PostgreSQL | the difference of two snapshots | yes, between transactions | nothing; `TRUNCATE` is seen and makes the table expire |
//! | MySQL, MariaDB | what is new in a consistent snapshot, with the numbers that were missing before | no | `TRUNCATE`, and rows that follow a parent by a cascade |
//!
//! What is not seen is listed by [`TriggerLog::check`] for the tables that it concerns.

mod installation;
mod log_row;
mod place;
mod sql;

use std::collections::{BTreeMap, BTreeSet};

use bron_extract::{Access, ImageTable};
use bron_mappings::{Digest, DigestBuilder, SourceKey};

pub use installation::{Finding, FindingKind};

use self::log_row::LogRow;
use self::place::{Gap, Place, UnderWay, Within, gaps_after};
use self::sql::{Statements, Traced, Trigger, VERSION};
use super::captured::CapturedTable;
use super::paging;
use super::session::Session;
use crate::capture::{Budget, ChangeSource, Guarantee, Incarnation, Order, Position, Validity};
use crate::change::{Chunk, Cut, Stream, Version};
use crate::error::{Error, ErrorKind, Result};

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

/// What the catalogue says of the captured tables.
struct Shape {
    /// What the columns of all tables are: while that stays, so does the rest.
    of: Digest,
    tables: Vec<Known>,
    /// The triggers that the tables must have.
    triggers: Vec<(String, Trigger)>,
    /// The columns of the captured tables.
    schema: Digest,
}

/// What the log says of itself in one snapshot.
struct State {
    id: String,
    version: u64,
    pruned: u64,
    high: u64,
    tag: String,
    snapshot: Option<String>,
}

/// A captured table as it is now.
struct Known {
    table: CapturedTable,
    image: ImageTable,
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

/// What a poll does, all in one snapshot.
struct Poll<'a> {
    session: &'a mut Session,
    statements: &'a Statements,
    tables: &'a BTreeMap<String, CapturedTable>,
}

impl Poll<'_> {
    fn state(&mut self) -> Result<State> {
        let row = self.session.row(&self.statements.read_state())?;
        let text = |index| row.text(index).map(str::to_owned);
        let state = (|| {
            let (version, pruned, high) = (row.number(1)?, row.number(2)?, row.number(3)?);
            Some(State { id: text(0)?, version, pruned, high, tag: text(4)?, snapshot: text(5) })
        })();
        let problem = "the change log does not say what it is";
        state.ok_or_else(|| self.session.error(ErrorKind::Corrupt, problem))
    }

    /// The captured tables as they are now, from the catalogue where it has changed; none when one is not there.
    fn look_at_tables(&mut self, shape: &mut Option<Shape>) -> Result<()> {
        let mut of = DigestBuilder::new("dual-run shape 1");
        for row in self.session.rows(&self.statements.shape())? {
            row.add_to(&mut of);
        }
        let of = of.finish();
        if shape.as_ref().is_some_and(|shape| shape.of == of) {
            return Ok(());
        }
        *shape = None;
        let mut tables = Vec::with_capacity(self.tables.len());
        for table in self.tables.values() {
            let Some(image) = image_of(self.session, table)? else { return Ok(()) };
            tables.push(Known { table: table.clone(), image });
        }
        let triggers = required(self.statements, &tables);
        let schema = schema_of(&tables);
        *shape = Some(Shape { of, tables, triggers, schema });
        Ok(())
    }

    /// Why the triggers do not tell everything; `None` when they do.
    fn gap_in_triggers(&mut self, shape: &Shape) -> Result<Option<Validity>> {
        let findings = installation::missing(self.session, self.statements, &shape.triggers)?;
        Ok(findings.into_iter().next().map(|finding| match finding.kind {
            FindingKind::Outdated => Validity::Drift { schema: shape.schema },
            FindingKind::Missing | FindingKind::Unseen => Validity::Silent { reason: finding.to_string() },
        }))
    }

    /// Whether a place can be read from.
    fn validity(&mut self, place: &Place, state: &State, shape: &Shape) -> Result<Validity> {
        if state.version != VERSION {
            let reason = format!("the change log has form {}, and this program knows {VERSION}", state.version);
            return Ok(Validity::Silent { reason });
        }
        if let Some(gap) = self.gap_in_triggers(shape)? {
            return Ok(gap);
        }
        let all = || self.tables.keys().cloned().collect();
        if place.polls < state.pruned {
            return Ok(Validity::Expired { tables: all() });
        }
        if place.high > 0 {
            let tag = self.session.rows(&self.statements.tag(place.high))?;
            if tag.first().and_then(|row| row.text(0)) != Some(place.tag.as_str()) {
                return Ok(Validity::Rewound);
            }
        }
        let truncated = self.session.rows(&self.statements.truncated(place))?;
        let truncated = truncated.iter().filter_map(|row| row.text(0).map(str::to_owned));
        let tables: Vec<String> = truncated.filter(|table| self.tables.contains_key(table)).collect();
        Ok(if tables.is_empty() {
            Validity::Valid { headroom_seconds: None }
        } else {
            Validity::Expired { tables }
        })
    }

    /// The incarnation: the server's, and that of the log.
    fn incarnation(&mut self, state: &State) -> Result<Incarnation> {
        let server = match self.statements.server() {
            None => String::new(),
            Some(question) => self.session.row(question)?.text(0).unwrap_or_default().to_owned() + "/",
        };
        Ok(Incarnation(format!("{server}{}", state.id)))
    }
}

/// How the rows of a table are written down, those columns that are captured; `None` when there is no such table.
fn image_of(session: &mut Session, table: &CapturedTable) -> Result<Option<ImageTable>> {
    let mut image = session.image_table(&table.name)?;
    if let (Some(image), Some(columns)) = (&mut image, table.columns()) {
        image.keep(&columns);
    }
    let Some(found) = &image else { return Ok(None) };
    let is_there = |name: &&String| !found.columns().any(|column| column.name == **name);
    if let Some(column) = table.key.iter().find(is_there) {
        let problem = format!("table {} has no column {column}, which its key is made of", table.name);
        return Err(session.error(ErrorKind::Drift, &problem));
    }
    Ok(image)
}

/// The triggers that tables must have, each with the name of its table.
fn required(statements: &Statements, tables: &[Known]) -> Vec<(String, Trigger)> {
    let of_table = |known: &Known| {
        let triggers = statements.triggers(&Traced { name: &known.table.name, image: &known.image });
        let name = known.table.name.clone();
        triggers.into_iter().map(move |trigger| (name.clone(), trigger))
    };
    tables.iter().flat_map(of_table).collect()
}

/// The digest of the columns of all tables, as the database describes them.
fn schema_of(known: &[Known]) -> Digest {
    let mut digest = DigestBuilder::new("dual-run schema 1");
    for Known { table, image } in known {
        digest.part(table.name.as_bytes());
        for column in image.columns() {
            digest.part(column.name.as_bytes()).part(column.declared_type.as_bytes());
        }
        digest.part(b"");
    }
    digest.finish()
}

/// The error of a poll from a place that is not valid.
fn refusal(session: &Session, validity: &Validity) -> Option<Error> {
    let (kind, problem) = match validity {
        Validity::Valid { .. } => return None,
        Validity::Expired { tables } => {
            let problem = "no longer has what follows the position, for tables";
            (ErrorKind::Expired, format!("{problem} {}", tables.join(", ")))
        }
        Validity::Rewound => (ErrorKind::Rewound, "has gone back in time".to_owned()),
        Validity::Drift { .. } => {
            let problem = "the columns are not those that the triggers know: install the change log anew";
            (ErrorKind::Drift, problem.to_owned())
        }
        Validity::Silent { reason } => (ErrorKind::Drift, reason.clone()),
    };
    Some(session.error(kind, &problem))
}

/// Where a cut begins.
struct Start<'a> {
    stream: &'a Stream,
    place: &'a Place,
    /// The transactions that were under way before the snapshot.
    before: BTreeSet<u64>,
}

impl Poll<'_> {
    /// The cut behind a place.
    fn cut(&mut self, from: &Start<'_>, budget: Budget, shape: &mut Option<Shape>) -> Result<Cut> {
        let Start { stream, place, before } = from;
        let state = self.state()?;
        self.look_at_tables(shape)?;
        let problem = "a captured table is not there";
        let shape = shape.as_ref().ok_or_else(|| self.session.error(ErrorKind::Drift, problem))?;
        let validity = self.validity(place, &state, shape)?;
        if let Some(error) = refusal(self.session, &validity) {
            return Err(error);
        }
        let through = match self.statements.boundary(place, budget.changes.max(1)) {
            None => None,
            Some(question) => self.session.rows(&question)?.first().and_then(|row| row.number(0)),
        };
        let rows = self.session.rows(&self.statements.rows(place, through))?;
        let rows = rows.iter().map(|row| LogRow::read(row, self.session)).collect::<Result<Vec<_>>>()?;
        // What is read of a snapshot in part goes under the number that the snapshot could see.
        let high = if place.within.is_some() { place.high } else { state.high };
        let mut changes = Vec::with_capacity(rows.len());
        for row in &rows {
            // The log may tell of tables that others capture.
            if let Some(one) = shape.tables.iter().find(|one| one.table.name == row.table) {
                row.changes(one, Version { major: high, minor: row.number }, self.session, &mut changes)?;
            }
        }
        let numbers: Vec<u64> = rows.iter().map(|row| row.number).collect();
        let next = self.next(place, &state, through, &numbers, before.clone())?;
        Ok(Cut {
            stream: (*stream).clone(),
            incarnation: self.incarnation(&state)?,
            from: place.position(),
            next: next.position(),
            complete_through: Version { major: high, minor: 0 },
            schema: shape.schema,
            changes,
        })
    }

    /// The place behind a cut.
    fn next(
        &mut self,
        place: &Place,
        state: &State,
        through: Option<u64>,
        numbers: &[u64],
        before: BTreeSet<u64>,
    ) -> Result<Place> {
        let polls = place.polls + 1;
        let whole = Place {
            polls,
            high: state.high,
            tag: state.tag.clone(),
            seen: state.snapshot.clone(),
            ..Place::default()
        };
        // A snapshot that was begun is read to its end before a later one is looked at.
        let until = place.within.as_ref().map(|within| &within.until).or(state.snapshot.as_ref());
        match (through, until, &place.within) {
            (Some(through), Some(until), within) => {
                let (high, tag) = match within {
                    Some(_) => (place.high, place.tag.clone()),
                    None => (state.high, state.tag.clone()),
                };
                let within = Some(Within { until: until.clone(), through });
                Ok(Place { polls, high, tag, seen: place.seen.clone(), within, ..Place::default() })
            }
            (None, Some(until), Some(_)) => {
                Ok(Place { high: place.high, tag: place.tag.clone(), seen: Some(until.clone()), ..whole })
            }
            _ => Ok(Place { gaps: self.gaps(place, state, numbers, before)?, ..whole }),
        }
    }

    /// The numbers that have to be waited for.
    fn gaps(
        &mut self,
        place: &Place,
        state: &State,
        numbers: &[u64],
        before: BTreeSet<u64>,
    ) -> Result<Vec<Gap>> {
        let new = numbers.iter().filter(|number| **number > place.high).count();
        let drawn = state.high.saturating_sub(place.high);
        let is_whole = u64::try_from(new).is_ok_and(|new| new == drawn);
        let after = match self.statements.under_way(true) {
            Some(question) if !is_whole => under_way(self.session, question)?,
            _ => BTreeSet::new(),
        };
        let is_gapless = self.statements.under_way(false).is_none();
        let under_way = UnderWay { before, after };
        if is_gapless {
            return Ok(Vec::new());
        }
        Ok(gaps_after(&place.gaps, place.high, numbers, state.high, &under_way))
    }
}

fn under_way(session: &mut Session, question: &str) -> Result<BTreeSet<u64>> {
    Ok(session.rows(question)?.iter().filter_map(|row| row.number(0)).collect())
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
            Poll { session, statements: &statements, tables }.cut(&from, budget, shape)
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

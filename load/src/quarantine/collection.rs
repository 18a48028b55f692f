//! A run → what is new in the quarantine, what is still there, and what ended how.

use std::collections::BTreeMap;

use bron_mappings::EntityId;

use super::item::{Decision, Finding, State};
use super::query::{TALLY, line};
use super::seal::merged;
use super::store::Store;
use super::{Line, MaskedColumn};
use crate::error::{Error, ErrorKind, Result};

/// The items that this collection met, and how many rows each stands for.
const MAKE_SEEN: &str = "
DROP TABLE IF EXISTS temp.seen;
CREATE TEMP TABLE seen (id TEXT PRIMARY KEY, row_count INTEGER NOT NULL) WITHOUT ROWID;
";
const SEE: &str = "INSERT INTO temp.seen (id, row_count) VALUES (?, 1)
    ON CONFLICT (id) DO UPDATE SET row_count = row_count + 1 RETURNING row_count";
const FIND: &str = "SELECT state, decision, decided_in, last_run,
    EXISTS (SELECT 1 FROM sealed WHERE item = item.id) FROM item WHERE id = ?";
const ADD: &str = "INSERT INTO item VALUES
    (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 'open', '', '', '', '', '', 0, '', '')";
const RENEW: &str =
    "UPDATE item SET version = version + (field <> ?2), src_key = ?1, field = ?2, sqlstate = ?3, rule = ?4,
    owner = ?5, area = ?6, namnd = ?7, year = ?8, protected = max(protected, ?9), row_count = 1,
    code = CASE WHEN last_run = ?10 THEN code ELSE '' END, last_run = ?10 WHERE id = ?11";
const SET_ROWS: &str =
    "UPDATE item SET row_count = max(row_count, ?), protected = max(protected, ?) WHERE id = ?";
const SET_STATE: &str = "UPDATE item SET state = ?, version = version + 1 WHERE id = ?";
const READ_MASK: &str = "SELECT mask FROM item WHERE id = ?";
const KEEP_MASK: &str = "UPDATE item SET mask = ? WHERE id = ?";
const SEAL: &str = "INSERT INTO sealed (item, number, payload) VALUES (?, ?, ?)";
const UNSEAL: &str = "DELETE FROM sealed WHERE item = ?";
const KEEP_CONTENT: &str =
    "UPDATE item SET version = version + (content NOT IN ('', ?1)), content = ?1 WHERE id = ?2";
const PROTECT: &str = "UPDATE item SET protected = 1 WHERE record = ? AND protected = 0";
/// Whoever is protected by one row of a record is so by every item about it.
const PROTECT_RECORDS: &str = "UPDATE item SET protected = 1
    WHERE protected = 0 AND record IN (SELECT record FROM item WHERE protected = 1)";
const KEEP_CODE: &str = "UPDATE item SET code = ? WHERE id = ?";
const STATE: &str = "SELECT state FROM item WHERE id = ?";
const MISSING: &str = "SELECT id, record, reason FROM item
    WHERE src_system = ? AND src_table = ? AND stage = ? AND state <> 'loaded' AND id NOT IN (SELECT id FROM temp.seen)
    ORDER BY id";
const LOG: &str = "INSERT INTO event (item, at, kind, run, decision, maps_to, code, person, role, text)
    VALUES (?, ?, ?, ?, '', '', '', '', '', '')";
const UNSEEN_HELD: &str = "SELECT count(*) FROM item WHERE id NOT IN (SELECT id FROM temp.seen)
    AND state IN ('open', 'accept', 'correct', 'map', 'wait', 'again')
    AND EXISTS (SELECT 1 FROM temp.collected WHERE src_system = item.src_system AND src_table = item.src_table)";
const MAKE_COLLECTED: &str = "
DROP TABLE IF EXISTS temp.collected;
CREATE TEMP TABLE collected (src_system TEXT, src_table TEXT, PRIMARY KEY (src_system, src_table)) WITHOUT ROWID;
";
const COLLECT: &str = "INSERT OR IGNORE INTO temp.collected VALUES (?, ?)";

/// What the quarantine knew of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing: its row is to be kept, see [`Collection::keep_row`].
    New,
    /// The item is there from an earlier run, whose row may be another.
    Earlier,
    /// The item is there from this very run. `is_sealed` says whether the row itself is.
    Same {
        /// Whether its row lies sealed in the store.
        is_sealed: bool,
    },
}

/// An item that this run did not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The item.
    pub id: EntityId,
    /// The record that it is about.
    pub record: EntityId,
    /// The reason code.
    pub reason: String,
}

/// What collecting a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Items that were not there before.
    pub new: u64,
    /// Items that were there before and are held back.
    pub still: u64,
    /// Rows of sources that the run held back.
    pub rows: u64,
    /// Items whose state changed, by the state that they have now.
    pub changed: BTreeMap<State, u64>,
    /// All items by stage, reason, owner and state.
    pub lines: Vec<Line>,
}

/// What is read of a known item: its state, decision, the run that the decision was taken after, the run that saw it
/// last, and whether its row is sealed.
type Known = (String, String, String, String, bool);

impl Store {
    /// Begins to collect a run. Nothing is kept before [`Collection::finish`]: one transaction for the whole run.
    ///
    /// # Errors
    /// What the database says; kind `Busy` while somebody else collects.
    pub fn collect(&mut self, run: &str, at: &str) -> Result<Collection<'_>> {
        self.execute(MAKE_SEEN)?;
        self.execute(MAKE_COLLECTED)?;
        self.begin()?;
        let (run, at) = (run.to_owned(), at.to_owned());
        Ok(Collection { store: self, run, at, done: Collected::default(), open: true })
    }
}

/// A run that is being collected.
pub struct Collection<'s> {
    store: &'s mut Store,
    run: String,
    at: String,
    done: Collected,
    open: bool,
}

impl Collection<'_> {
    /// Notes a row that the run held back. A second row of the same item adds to its count of rows. `is_counted` is
    /// false for whatever the run's own balance does not count: a second reason about one row of a source, and rows
    /// that come from no row of a source.
    ///
    /// # Errors
    /// What the database says.
    pub fn found(&mut self, finding: &Finding, is_counted: bool) -> Result<Found> {
        let id = finding.id.to_string();
        self.done.rows += u64::from(is_counted);
        let (runtime, connection) = self.store.parts();
        let seen: std::result::Result<i64, _> =
            runtime.block_on(sqlx::query_scalar(SEE).bind(&id).fetch_one(connection));
        let seen = seen.map_err(|error| self.store.failed(&error))?;
        if seen > 1 {
            self.run_on(sqlx::query(SET_ROWS).bind(seen).bind(finding.protected).bind(&id))?;
            return Ok(Found::Same { is_sealed: true });
        }
        let (runtime, connection) = self.store.parts();
        let known: std::result::Result<Option<Known>, _> =
            runtime.block_on(sqlx::query_as(FIND).bind(&id).fetch_optional(connection));
        match known.map_err(|error| self.store.failed(&error))? {
            None => {
                self.add(finding)?;
                Ok(Found::New)
            }
            Some((state, decision, decided_in, last_run, is_sealed)) => {
                let is_same = last_run == self.run;
                self.renew(finding)?;
                let state = self.state(&state)?;
                let next = held_again(state, Decision::parse(&decision), decided_in == self.run);
                self.move_to(&id, state, next)?;
                self.done.still += 1;
                Ok(if is_same { Found::Same { is_sealed } } else { Found::Earlier })
            }
        }
    }

    fn state(&self, text: &str) -> Result<State> {
        State::parse(text).ok_or_else(|| self.store.corrupt("a state is unknown"))
    }

    fn add(&mut self, finding: &Finding) -> Result<()> {
        let id = finding.id.to_string();
        let run = self.run.clone();
        let query = sqlx::query(ADD).bind(&id).bind(finding.record.to_string());
        let query = query.bind(&finding.system).bind(&finding.table).bind(&finding.key);
        let query = query.bind(finding.stage.code()).bind(&finding.reason).bind(&finding.field);
        let query = query.bind(&finding.entity).bind(&finding.constraint).bind(&finding.sqlstate);
        let query = query.bind(&finding.rule).bind(&finding.owner).bind(&finding.area);
        let query = query.bind(&finding.namnd).bind(&finding.year).bind(finding.protected);
        self.run_on(query.bind(&run).bind(&run))?;
        self.done.new += 1;
        self.log(&id, "found")
    }

    fn renew(&mut self, finding: &Finding) -> Result<()> {
        let run = self.run.clone();
        let query = sqlx::query(RENEW).bind(&finding.key).bind(&finding.field).bind(&finding.sqlstate);
        let query = query.bind(&finding.rule).bind(&finding.owner).bind(&finding.area);
        let query = query.bind(&finding.namnd).bind(&finding.year).bind(finding.protected);
        self.run_on(query.bind(run).bind(finding.id.to_string()))
    }

    /// Keeps what a row of an item looks like: what may be said of its values, and the row itself, sealed. `number`
    /// counts the rows with the item's key, from 0: the first takes the place of what an earlier run kept. Nothing
    /// sealed, because nobody may read it any longer, leaves what was sealed before.
    ///
    /// # Errors
    /// What the database says.
    pub fn keep_row(
        &mut self,
        id: &EntityId,
        number: u32,
        mask: &[MaskedColumn],
        sealed: Option<&[u8]>,
    ) -> Result<()> {
        let id = id.to_string();
        let mask = if number == 0 { mask.to_vec() } else { merged(self.mask(&id)?, mask) };
        let mask = serde_json::to_string(&mask).expect("names and numbers can always be written as JSON");
        self.run_on(sqlx::query(KEEP_MASK).bind(mask).bind(&id))?;
        let Some(sealed) = sealed else { return Ok(()) };
        if number == 0 {
            self.run_on(sqlx::query(UNSEAL).bind(&id))?;
        }
        self.run_on(sqlx::query(SEAL).bind(&id).bind(number).bind(sealed))
    }

    fn mask(&mut self, id: &str) -> Result<Vec<MaskedColumn>> {
        let (runtime, connection) = self.store.parts();
        let mask = runtime.block_on(sqlx::query_scalar(READ_MASK).bind(id).fetch_one(connection));
        let mask: String = mask.map_err(|error| self.store.failed(&error))?;
        serde_json::from_str(&mask).map_err(|_| self.store.corrupt("a mask cannot be read"))
    }

    /// Keeps a keyed print of the rows of an item. Another one than the run before left raises the item's version:
    /// what people looked at is no longer what is there.
    ///
    /// # Errors
    /// What the database says.
    pub fn keep_content(&mut self, id: &EntityId, content: &EntityId) -> Result<()> {
        self.run_on(sqlx::query(KEEP_CONTENT).bind(content.to_string()).bind(id.to_string()))
    }

    /// Notes that a row of a record is about a protected person, so that every item about the record is, whatever
    /// became of it.
    ///
    /// # Errors
    /// What the database says.
    pub fn protect(&mut self, record: &EntityId) -> Result<()> {
        self.run_on(sqlx::query(PROTECT).bind(record.to_string()))
    }

    /// Keeps the code that no list knows, see [`super::Item::code`].
    ///
    /// # Errors
    /// What the database says.
    pub fn keep_code(&mut self, id: &EntityId, code: &str) -> Result<()> {
        self.run_on(sqlx::query(KEEP_CODE).bind(code).bind(id.to_string()))
    }

    /// The items of a table that the run did not meet at a stage and whose rows have not come over, after
    /// [`Collection::found`] was called for all rows of the table that were held back there.
    ///
    /// # Errors
    /// What the database says.
    pub fn missing(&mut self, system: &str, table: &str, stage: super::Stage) -> Result<Vec<Missing>> {
        self.run_on(sqlx::query(COLLECT).bind(system).bind(table))?;
        let (runtime, connection) = self.store.parts();
        let query = sqlx::query_as(MISSING).bind(system).bind(table).bind(stage.code());
        let rows: std::result::Result<Vec<(String, String, String)>, _> =
            runtime.block_on(query.fetch_all(connection));
        let rows = rows.map_err(|error| self.store.failed(&error))?;
        let missing = rows.into_iter().map(|(id, record, reason)| {
            let (id, record) = EntityId::parse(&id).zip(EntityId::parse(&record))?;
            Some(Missing { id, record, reason })
        });
        missing.collect::<Option<_>>().ok_or_else(|| self.store.corrupt("an id cannot be read"))
    }

    /// Notes how an item ended that [`Collection::missing`] named.
    ///
    /// # Errors
    /// What the database says.
    pub fn ended(&mut self, id: &EntityId, state: State) -> Result<()> {
        let id = id.to_string();
        let (runtime, connection) = self.store.parts();
        let known = runtime.block_on(sqlx::query_scalar(STATE).bind(&id).fetch_one(connection));
        let before: String = known.map_err(|error| self.store.failed(&error))?;
        let before = self.state(&before)?;
        self.move_to(&id, before, state)
    }

    fn move_to(&mut self, id: &str, before: State, state: State) -> Result<()> {
        if before == state {
            return Ok(());
        }
        self.run_on(sqlx::query(SET_STATE).bind(state.code()).bind(id))?;
        if !state.is_held() {
            // The row is kept for whoever is to decide about it, and for no longer.
            self.run_on(sqlx::query(UNSEAL).bind(id))?;
            self.run_on(sqlx::query(KEEP_MASK).bind("").bind(id))?;
        }
        *self.done.changed.entry(state).or_default() += 1;
        self.log(id, state.code())
    }

    fn log(&mut self, id: &str, kind: &str) -> Result<()> {
        let (at, run) = (self.at.clone(), self.run.clone());
        self.run_on(sqlx::query(LOG).bind(id).bind(at).bind(kind).bind(run))
    }

    fn run_on(
        &mut self,
        query: sqlx::query::Query<'_, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>,
    ) -> Result<()> {
        let (runtime, connection) = self.store.parts();
        let done = runtime.block_on(query.execute(connection));
        done.map(drop).map_err(|error| self.store.failed(&error))
    }

    /// Keeps everything, when it adds up: `expected` is how many rows the run itself says that it held back.
    ///
    /// # Errors
    /// Kind `Data` when the quarantine would have another number of rows, or an item that is neither held back by
    /// this run nor ended; then nothing is kept. Otherwise what the database says.
    pub fn finish(mut self, expected: u64) -> Result<Collected> {
        if self.done.rows != expected {
            let text = format!("the run held back {expected} rows, and {} were found", self.done.rows);
            return Err(Error::new(ErrorKind::Data, text));
        }
        let run = self.run.clone();
        let (runtime, connection) = self.store.parts();
        let unseen: std::result::Result<i64, _> =
            runtime.block_on(sqlx::query_scalar(UNSEEN_HELD).fetch_one(connection));
        let unseen = unseen.map_err(|error| self.store.failed(&error))?;
        if unseen != 0 {
            let text = format!("{unseen} items count as held back and this run did not hold them back");
            return Err(Error::new(ErrorKind::Data, text));
        }
        self.run_on(sqlx::query(PROTECT_RECORDS))?;
        self.store.set_meta("run", &run)?;
        let (runtime, connection) = self.store.parts();
        let rows = runtime.block_on(sqlx::query_as(TALLY).fetch_all(connection));
        let rows: Vec<(String, String, String, String, i64)> =
            rows.map_err(|error| self.store.failed(&error))?;
        let lines = rows.into_iter().map(line).collect::<Option<Vec<_>>>();
        self.done.lines = lines.ok_or_else(|| self.store.corrupt("a count cannot be read"))?;
        self.store.execute("COMMIT")?;
        self.open = false;
        Ok(std::mem::take(&mut self.done))
    }
}

impl Drop for Collection<'_> {
    /// A run that was not collected to its end leaves nothing.
    fn drop(&mut self) {
        if self.open {
            // An open transaction ends with the connection too.
            let _ = self.store.execute("ROLLBACK");
        }
    }
}

/// The state of a known item that a run holds back for the same reason. `same_run` says whether the decision was taken
/// after this very run: then the run says nothing new.
fn held_again(state: State, decision: Option<Decision>, same_run: bool) -> State {
    match (state, decision) {
        (State::Again, _) => State::Again,
        (_, None) => State::Open,
        (_, Some(decision)) if decision.promises_change() && !same_run => State::Again,
        (_, Some(decision)) => decision.state(),
    }
}

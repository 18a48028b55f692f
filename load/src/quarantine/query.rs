//! What stands in the quarantine, read.

use bron_mappings::{EntityId, Sensitive};
use futures_util::TryStreamExt;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::item::{Decision, Event, Finding, Item, Stage, State};
use super::seal::Identities;
use super::store::Store;
use crate::error::{Error, ErrorKind, Result};

pub(super) const TALLY: &str = "SELECT stage, reason, owner, state, count(*) FROM item
    GROUP BY stage, reason, owner, state ORDER BY stage, reason, owner, state";

/// Reads items without their rows.
macro_rules! select_items {
    ($which:literal) => {
        concat!(
            "SELECT id, record, src_system, src_table, src_key, stage, reason, field, entity, constraint_name, ",
            "sqlstate, rule, owner, area, namnd, year, protected, first_run, last_run, row_count, state, decision, ",
            "maps_to, code, decided_code, version, mask, ",
            "EXISTS (SELECT 1 FROM sealed WHERE item = id) AS has_payload FROM item ",
            $which
        )
    };
}

const ITEMS: &str = select_items!("ORDER BY owner, reason, src_system, src_table, id");
const ITEM: &str = select_items!("WHERE id = ?");
const IDS: &str = "SELECT id FROM item WHERE id >= ? ORDER BY id LIMIT 2";
const EVENTS: &str = "SELECT number, at, kind, run, decision, maps_to, code, person, role, text
    FROM event WHERE item = ? ORDER BY number";
const PAYLOADS: &str = "SELECT payload FROM sealed WHERE item = ? ORDER BY number";

/// The columns of a row with their texts.
pub type OpenedRow = Vec<(String, Sensitive<Option<String>>)>;

/// How many items of one owner a reason at a stage has in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The stage.
    pub stage: Stage,
    /// The reason code.
    pub reason: String,
    /// The code of the owner.
    pub owner: String,
    /// The state.
    pub state: State,
    /// The items.
    pub items: u64,
}

pub(super) fn line(
    (stage, reason, owner, state, items): (String, String, String, String, i64),
) -> Option<Line> {
    let (stage, state) = (Stage::parse(&stage)?, State::parse(&state)?);
    Some(Line { stage, reason, owner, state, items: u64::try_from(items).ok()? })
}

impl Store {
    /// The items that `keep` asks for, by owner, reason, system, table and id. Never with their rows.
    ///
    /// # Errors
    /// What the database says; kind `Corrupt` for an item that cannot be read.
    pub fn items(&mut self, keep: impl Fn(&Item) -> bool) -> Result<Vec<Item>> {
        let (runtime, connection) = self.parts();
        let found = runtime.block_on(async {
            let (mut found, mut wrong) = (Vec::new(), false);
            let mut rows = sqlx::query(ITEMS).fetch(connection);
            while let Some(row) = rows.try_next().await? {
                match item(&row)? {
                    Some(item) if keep(&item) => found.push(item),
                    Some(_) => {}
                    None => wrong = true,
                }
            }
            Ok((found, wrong))
        });
        match found.map_err(|error| self.failed(&error))? {
            (_, true) => Err(self.corrupt("an item cannot be read")),
            (found, false) => Ok(found),
        }
    }

    /// The item whose id this is, or begins with this.
    ///
    /// # Errors
    /// Kind `Config` when there is none, or more than one; otherwise what the database says.
    pub fn item(&mut self, name: &str) -> Result<Item> {
        let id = self.full_id(name)?;
        let (runtime, connection) = self.parts();
        let row = runtime.block_on(sqlx::query(ITEM).bind(id).fetch_one(connection));
        let found = row.and_then(|row| item(&row)).map_err(|error| self.failed(&error))?;
        found.ok_or_else(|| self.corrupt("an item cannot be read"))
    }

    fn full_id(&mut self, name: &str) -> Result<String> {
        let name = name.to_ascii_lowercase();
        let (runtime, connection) = self.parts();
        let ids = runtime.block_on(sqlx::query_scalar(IDS).bind(&name).fetch_all(connection));
        let ids: Vec<String> = ids.map_err(|error| self.failed(&error))?;
        let mut fitting = ids.into_iter().filter(|id| !name.is_empty() && id.starts_with(&name));
        match (fitting.next(), fitting.next()) {
            (Some(id), None) => Ok(id),
            (Some(_), Some(_)) => {
                Err(Error::new(ErrorKind::Config, format!("several items begin with {name}")))
            }
            (None, _) => Err(Error::new(ErrorKind::Config, format!("the quarantine has no item {name}"))),
        }
    }

    /// The log of an item, first to last.
    ///
    /// # Errors
    /// What the database says.
    pub fn events(&mut self, id: &EntityId) -> Result<Vec<Event>> {
        let (runtime, connection) = self.parts();
        let rows = runtime.block_on(sqlx::query(EVENTS).bind(id.to_string()).fetch_all(connection));
        let rows = rows.map_err(|error| self.failed(&error))?;
        rows.iter().map(|row| event(row).map_err(|error| self.failed(&error))).collect()
    }

    /// The rows of an item, opened with somebody's keys: every row of the source with its key, in the order in which
    /// they were staged. Who shows them notes that first, see [`Store::note_shown`].
    ///
    /// # Errors
    /// Kind `Config` when the item's rows are not in the store, `Permission` when they are not sealed to these keys,
    /// `Corrupt` when one is damaged or another item's.
    pub fn rows(&mut self, id: &EntityId, identities: &Identities) -> Result<Vec<OpenedRow>> {
        let (runtime, connection) = self.parts();
        let found = runtime.block_on(sqlx::query_scalar(PAYLOADS).bind(id.to_string()).fetch_all(connection));
        let sealed: Vec<Vec<u8>> = found.map_err(|error| self.failed(&error))?;
        if sealed.is_empty() {
            return Err(Error::new(ErrorKind::Config, format!("the row of item {id} was not kept")));
        }
        sealed.iter().map(|one| Ok(identities.open(id, one)?.into_columns())).collect()
    }
}

/// An item; `None` when a code or a number in it is none.
fn item(row: &SqliteRow) -> std::result::Result<Option<Item>, sqlx::Error> {
    let text = |name: &str| row.try_get::<String, _>(name);
    let number = |name: &str| row.try_get::<i64, _>(name).map(|number| u64::try_from(number).ok());
    let (id, record) = (EntityId::parse(&text("id")?), EntityId::parse(&text("record")?));
    let (stage, state) = (Stage::parse(&text("stage")?), State::parse(&text("state")?));
    let mask = text("mask")?;
    let mask = if mask.is_empty() { Some(Vec::new()) } else { serde_json::from_str(&mask).ok() };
    let (rows, version) = (number("row_count")?, number("version")?);
    let known = id.zip(record).zip(stage.zip(state)).zip(rows.zip(version)).zip(mask);
    let Some(((((id, record), (stage, state)), (rows, version)), mask)) = known else { return Ok(None) };
    let finding = Finding {
        id,
        record,
        system: text("src_system")?,
        table: text("src_table")?,
        key: text("src_key")?,
        stage,
        reason: text("reason")?,
        field: text("field")?,
        entity: text("entity")?,
        constraint: text("constraint_name")?,
        sqlstate: text("sqlstate")?,
        rule: text("rule")?,
        owner: text("owner")?,
        area: text("area")?,
        namnd: text("namnd")?,
        year: text("year")?,
        protected: row.try_get("protected")?,
    };
    Ok(Some(Item {
        finding,
        first_run: text("first_run")?,
        last_run: text("last_run")?,
        rows,
        state,
        decision: Decision::parse(&text("decision")?),
        maps_to: text("maps_to")?,
        code: text("code")?,
        decided_code: text("decided_code")?,
        version,
        mask,
        has_payload: row.try_get("has_payload")?,
    }))
}

fn event(row: &SqliteRow) -> std::result::Result<Event, sqlx::Error> {
    let text = |name: &str| row.try_get::<String, _>(name);
    Ok(Event {
        number: u64::try_from(row.try_get::<i64, _>("number")?).unwrap_or_default(),
        at: text("at")?,
        kind: text("kind")?,
        run: text("run")?,
        decision: Decision::parse(&text("decision")?),
        maps_to: text("maps_to")?,
        code: text("code")?,
        person: text("person")?,
        role: text("role")?,
        text: text("text")?,
    })
}

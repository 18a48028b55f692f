//! Changes of a SQL Server database, by its change tracking.
//!
//! Change tracking notes for every row of a table the version of its last change, and a version is given to a
//! transaction when it commits: nothing that commits later can come before. It tells of states and not of history, so
//! one poll is one moment of all tables (one transaction with SNAPSHOT isolation), and cannot be made smaller: between
//! the versions there is no state to be had. [`Budget`] therefore bounds nothing here.
//!
//! What can go wrong without looking wrong is looked for in the same transaction, before a change is read:
//!
//! | What happened at the source | What is said |
//! |---|---|
//! | the position is older than the retention, or the table was truncated | expired, for that table alone |
//! | a backup was restored, also one whose versions have been given out again | rewound |
//! | the version of the database is lower than it was, or the tracking was off in between | rewound |
//! | a column, a type or a key is another | drift |
//! | the tracking is off | silent |
//!
//! A restore is known by the database's recovery fork, which takes the right to see it, and by the bridge's bookmark:
//! a table `bron_bookmark` with one row, whose number [`MssqlWriter`](bron_extract::MssqlWriter) moves forward. With
//! neither, a restored backup that has been written on cannot be told.
//!
//! Of several changes to a row between two polls the last one's mark alone is seen. An edit that the bridge writes over
//! before it was polled would be gone; what keeps that from happening is the precondition of the writer, not anything
//! here.

mod place;

use std::collections::{BTreeMap, BTreeSet};

use bron_extract::{Access, ChangedRow, FoundRow, FoundValue, MssqlChanges};
use bron_mappings::SourceKey;
use bron_transform::SourceText;

use self::place::{Life, Place, refusal};
use crate::capture::{Budget, ChangeSource, Guarantee, Incarnation, Order, Position, Validity};
use crate::change::{Change, Chunk, Cut, Image, Mark, Stream, Version};
use crate::error::{Error, ErrorKind, Result};

/// What the context of a change begins with that the bridge made.
const CONTEXT: &[u8] = b"bron:";

/// The context that a write carries so that [`Change::mark`] tells of it: `cut` says which cut it was applied under.
///
/// # Errors
/// [`ErrorKind::Config`] when that is longer than the 123 bytes there is room for.
pub fn bridge_context(cut: &str) -> Result<Vec<u8>> {
    let context = [CONTEXT, cut.as_bytes()].concat();
    let has_room = context.len() <= 128;
    has_room.then_some(context).ok_or_else(|| Error::new(ErrorKind::Config, "the mark of a cut is too long"))
}

/// A table that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedTable {
    /// The name, as the database spells it.
    pub name: String,
    /// The columns that make the key of a row, in the order of the mappings: those of the primary key.
    pub key: Vec<String>,
    /// The columns that are read beside those of the key; `None` for all.
    pub columns: Option<BTreeSet<String>>,
}

/// The changes of a SQL Server database. Every call is a transaction of its own; a connection on which anything went
/// wrong is not used again, and the next call reads everything anew.
pub struct ChangeTracking {
    changes: MssqlChanges,
    stream: Stream,
    system: String,
    tables: Vec<FollowedTable>,
    /// The last key of the last chunk of a table in the database's order, beside the greatest in the order of keys.
    reached: BTreeMap<String, (SourceKey, FoundRow)>,
}

/// What the connector reports, in the words of this crate. Its texts hold no values of rows.
fn told(error: bron_extract::Error) -> Error {
    use bron_extract::ErrorKind as Kind;
    let kinds: [(&[Kind], ErrorKind); 4] = [
        (&[Kind::Connection, Kind::Busy, Kind::Outdated], ErrorKind::Connection),
        (&[Kind::Settings, Kind::Permission, Kind::Missing, Kind::Unreadable], ErrorKind::Config),
        (&[Kind::Drift], ErrorKind::Drift),
        (&[Kind::Storage], ErrorKind::Storage),
    ];
    let kind = kinds.into_iter().find(|(kinds, _)| kinds.contains(&error.kind()));
    Error::because(kind.map_or(ErrorKind::Database, |(_, kind)| kind), error.to_string(), error)
}

impl ChangeTracking {
    /// Follows tables of the database that `access` names. `system` is what the mappings call it, and `tables` come
    /// parents before children. Connects when it is first asked something.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the access names no SQL Server.
    pub fn new(access: &Access, stream: Stream, system: &str, tables: Vec<FollowedTable>) -> Result<Self> {
        let names = tables.iter().map(|table| table.name.clone()).collect();
        let mut changes = MssqlChanges::new(access, names).map_err(told)?;
        for table in &tables {
            if let Some(columns) = &table.columns {
                changes = changes.reading_only(&table.name, columns.clone());
            }
        }
        Ok(Self { changes, stream, system: system.to_owned(), tables, reached: BTreeMap::new() })
    }

    /// When the server's own clean-up of changes came to an end for the last time, by the server's clock; `None` where
    /// it does not say. One that is stuck lets the tables of changes grow until the server is restarted.
    ///
    /// # Errors
    /// When the source cannot be asked.
    pub fn last_cleanup(&mut self) -> Result<Option<String>> {
        self.changes.last_cleanup().map_err(told)
    }

    fn followed(&self, table: &str) -> Result<&FollowedTable> {
        let known = self.tables.iter().find(|known| known.name == table);
        known.ok_or_else(|| Error::new(ErrorKind::Config, format!("table {table} is not followed")))
    }

    /// The name of a row.
    fn key_of(&self, table: &FollowedTable, key: &FoundRow) -> Result<SourceKey> {
        let value = |column: &String| key.get(column).and_then(FoundValue::text).map(Some);
        let values: Option<Vec<Option<&str>>> = table.key.iter().map(value).collect();
        let values = values.filter(|values| values.len() == key.len());
        let values = values.ok_or_else(|| {
            let problem = format!("table {}: its primary key is not the key of the mappings", table.name);
            Error::new(ErrorKind::Config, problem)
        })?;
        Ok(SourceKey::new(&self.system, &table.name, values))
    }

    /// The columns of a key.
    fn columns_of(&self, table: &FollowedTable, key: &SourceKey) -> Result<FoundRow> {
        let values = SourceKey::values_of(key.text().expose()).unwrap_or_default();
        let columns = table.key.iter().zip(values);
        let columns = columns.map(|(name, value)| Some((name.clone(), FoundValue::Text(value?))));
        let columns: FoundRow = columns.collect::<Option<_>>().unwrap_or_default();
        match self.key_of(table, &columns) {
            Ok(again) if again == *key => Ok(columns),
            Ok(_) | Err(_) => {
                Err(Error::new(ErrorKind::Config, format!("table {}: a key of another table", table.name)))
            }
        }
    }

    fn change(&self, table: &FollowedTable, rank: u64, row: ChangedRow) -> Result<Change> {
        Ok(Change {
            key: self.key_of(table, &row.key)?,
            version: Version { major: row.version, minor: rank },
            after: row.row.map(image),
            before: None,
            mark: row.context.as_deref().map_or(Mark::None, mark),
        })
    }

    fn changes_of(&self, mut rows: BTreeMap<String, Vec<ChangedRow>>) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for (rank, table) in (0u64..).zip(&self.tables) {
            for row in rows.remove(&table.name).unwrap_or_default() {
                changes.push(self.change(table, rank, row)?);
            }
        }
        changes.sort_by(|one, other| (one.version, &one.key).cmp(&(other.version, &other.key)));
        Ok(changes)
    }
}

fn image(row: FoundRow) -> Image {
    let texts = row.into_iter().map(|(column, value)| match value {
        FoundValue::Text(text) => (column, SourceText::Text(text)),
        FoundValue::Bytes(bytes) => (column, SourceText::Bytes(bytes)),
    });
    Image::new(texts.collect())
}

fn mark(context: &[u8]) -> Mark {
    let cut = context.strip_prefix(CONTEXT).and_then(|cut| std::str::from_utf8(cut).ok());
    cut.map_or(Mark::None, |cut| Mark::Bridge(cut.to_owned()))
}

impl ChangeSource for ChangeTracking {
    fn incarnation(&mut self) -> Result<Incarnation> {
        let state = self.changes.state().map_err(told)?;
        Ok(Life::of(&state.life).incarnation())
    }

    fn now(&mut self) -> Result<Position> {
        let state = self.changes.state().map_err(told)?;
        let place = Place::at(&state, state.current.unwrap_or(0));
        // What is off or missing is so from the beginning.
        let refused = refusal(place.validity(&state, &self.tables));
        refused.map_or_else(|| Ok(place.position()), Err)
    }

    fn validity(&mut self, position: &Position) -> Result<Validity> {
        let place = Place::of(position)?;
        let state = self.changes.state().map_err(told)?;
        Ok(place.validity(&state, &self.tables))
    }

    /// Everything since a position. The budget bounds nothing: a state between two versions cannot be had.
    fn poll(&mut self, from: &Position, _: Budget) -> Result<Cut> {
        let place = Place::of(from)?;
        let tables = &self.tables;
        let found = self.changes.changes(|state| {
            let may_be_read = matches!(place.validity(state, tables), Validity::Valid { .. });
            may_be_read.then_some(place.version)
        });
        let found = found.map_err(told)?;
        if let Some(refused) = refusal(place.validity(&found.state, &self.tables)) {
            return Err(refused);
        }
        let (rows, state) = (found.rows.unwrap_or_default(), found.state);
        let current = state.current.unwrap_or(place.version);
        Ok(Cut {
            stream: self.stream.clone(),
            incarnation: Life::of(&state.life).incarnation(),
            from: from.clone(),
            next: place.after(&state, current).position(),
            complete_through: Version { major: current, minor: u64::MAX },
            schema: state.schema(),
            changes: self.changes_of(rows)?,
        })
    }

    fn read_chunk(&mut self, table: &str, after: Option<&SourceKey>, rows: u64) -> Result<Chunk> {
        let followed = self.followed(table)?.clone();
        let after = match (after, self.reached.get(table)) {
            (None, _) => None,
            // The database orders texts otherwise than keys are ordered: everything up to here came with that chunk.
            (Some(after), Some((greatest, last))) if after == greatest => Some(last.clone()),
            (Some(after), _) => Some(self.columns_of(&followed, after)?),
        };
        let read = self.changes.chunk(table, after.as_ref(), rows).map_err(told)?;
        let last = read.rows.last().map(|row| row.key.clone());
        let named = read.rows.into_iter().map(|row| Ok((self.key_of(&followed, &row.key)?, image(row.row))));
        let named = named.collect::<Result<BTreeMap<_, _>>>()?;
        if let Some((greatest, last)) = named.last_key_value().map(|(key, _)| key.clone()).zip(last) {
            self.reached.insert(table.to_owned(), (greatest, last));
        }
        Ok(Chunk { at: Version { major: read.at, minor: u64::MAX }, rows: named, more: read.more })
    }

    fn guarantee(&self, _: &str) -> Guarantee {
        Guarantee {
            deletes: true,
            order: Order::Commit,
            intermediate_states: false,
            before_image: false,
            staleness_seconds: Some(0),
        }
    }
}

#[cfg(test)]
mod tests;

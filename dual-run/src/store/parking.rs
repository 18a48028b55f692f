//! Rows that wait, aggregate by aggregate, until somebody or something lets them go.

use std::collections::BTreeSet;

use bron_extract::RecordSeal;
use bron_mappings::SourceKey;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::conflicts::{KeptConflict, keep_conflict};
use super::connection::{Connection, Row, stored, strange, values};
use super::{Store, key_digest, payload, sealed, unsealed};
use crate::change::{Change, Stream, Version};
use crate::error::Result;
use crate::ownership::Owner;
use crate::scope::Scope;

const STANDING: &str = "SELECT owner_stands FROM bridge_aggregate WHERE aggregate = $1";
const PARK_AGGREGATE: &str = "INSERT INTO bridge_aggregate (aggregate, owner_stands, since) VALUES ($1, 0, $2) \
     ON CONFLICT (aggregate) DO UPDATE SET owner_stands = 0";
const PARKED_ALREADY: &str = "SELECT major, minor, times, first_seen FROM bridge_parked \
     WHERE source = $1 AND origin = $2 AND row_key = $3";
const PARK: &str = "INSERT INTO bridge_parked (source, origin, row_key, aggregate, scope, major, minor, reason, \
     payload, first_seen, last_seen, times) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
     ON CONFLICT (source, origin, row_key) DO UPDATE SET aggregate = excluded.aggregate, scope = excluded.scope, \
     major = excluded.major, minor = excluded.minor, reason = excluded.reason, payload = excluded.payload, \
     last_seen = excluded.last_seen, times = excluded.times";
const PARKED: &str = "SELECT source, origin, row_key, aggregate, scope, major, minor, reason, payload \
     FROM bridge_parked WHERE aggregate = $1";
const SETTLE: &str = "DELETE FROM bridge_parked WHERE source = $1 AND origin = $2 AND row_key = $3 \
     AND (major < $4 OR (major = $4 AND minor <= $5))";
const SUPERSEDE: &str = "UPDATE bridge_conflict SET state = 'superseded', decided_at = $6 WHERE source = $1 \
     AND origin = $2 AND cause = $3 AND (major < $4 OR (major = $4 AND minor <= $5)) AND state IN ('open', 'waived')";
const END_STANDING: &str = "DELETE FROM bridge_aggregate WHERE aggregate = $1 AND owner_stands = 1";
const TAKE_OFF: &str = "DELETE FROM bridge_parked WHERE aggregate = $1";
const LET_GO: &str = "DELETE FROM bridge_aggregate WHERE aggregate = $1";
const OWNER_STANDS: &str = "INSERT INTO bridge_aggregate (aggregate, owner_stands, since) VALUES ($1, 1, $2) \
     ON CONFLICT (aggregate) DO UPDATE SET owner_stands = 1";
const BLOCKED: &str = "SELECT aggregate FROM bridge_aggregate WHERE owner_stands = 0 ORDER BY aggregate";
const COUNT: &str =
    "SELECT scope, reason, count(*) FROM bridge_parked GROUP BY scope, reason ORDER BY scope, reason";
const SPEND: &str = "INSERT INTO bridge_budget (scope, day, parked, changes) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (scope, day) DO UPDATE SET parked = bridge_budget.parked + excluded.parked, \
     changes = bridge_budget.changes + excluded.changes";
const SPENT: &str = "SELECT parked, changes FROM bridge_budget WHERE scope = $1 AND day = $2";

/// A row that waits: the last that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRow {
    /// The way the change travelled.
    pub stream: Stream,
    /// What waits with it: a person or a case. Opaque, and without personal data.
    pub aggregate: String,
    /// The scope that the row belongs to, when it could be told.
    pub scope: Option<Scope>,
    /// The change.
    pub change: Change,
    /// Why it waits, as a code; never a value.
    pub reason: String,
}

/// How an aggregate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AggregateState {
    /// Nothing of it waits.
    Free,
    /// Everything of it waits.
    Parked,
    /// It was let go, and until its rows are applied what its owner says is written over what the follower holds.
    OwnerStands,
}

/// What of the budget of a scope was spent on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Rows that were parked anew.
    pub parked: u64,
    /// Changes that were taken up.
    pub changes: u64,
}

/// The place that a parked change is sealed to.
fn place_of(stream: &Stream, key: &bron_mappings::Digest) -> String {
    format!("parked/{}/{}/{key}", stream.from.name(), stream.source)
}

/// Parks one row, unless a later state of it is parked. Gives whether it was not parked before.
fn park_row(connection: &mut Connection, seal: &RecordSeal, row: &WaitingRow, at: i64) -> Result<bool> {
    let key = key_digest(seal, &row.change.key);
    let (source, origin) = (row.stream.source.as_str(), row.stream.from.name());
    let known = connection.row(PARKED_ALREADY, values![source, origin, key])?;
    let version = row.change.version;
    let (times, first_seen) = match &known {
        Some(known) if (Version { major: known.count(0)?, minor: known.count(1)? }) > version => {
            return Ok(false);
        }
        Some(known) => (known.int(2)?.saturating_add(1), known.int(3)?),
        None => (1, at),
    };
    let payload = sealed(seal, &place_of(&row.stream, &key), &payload::of_change(&row.change))?;
    let scope = row.scope.as_ref().map(ToString::to_string);
    let (major, minor) = (stored(version.major)?, stored(version.minor)?);
    let (aggregate, reason) = (row.aggregate.as_str(), row.reason.as_str());
    let values =
        values![source, origin, key, aggregate, scope, major, minor, reason, payload, first_seen, at, times];
    connection.execute(PARK, values)?;
    Ok(known.is_none())
}

fn read(seal: &RecordSeal, row: &Row) -> Result<WaitingRow> {
    let stream = Stream { source: row.text(0)?, from: Owner::named(&row.text(1)?).ok_or_else(strange)? };
    let change = unsealed(seal, &place_of(&stream, &row.digest(2)?), &row.bytes(8)?)?;
    let version = Version { major: row.count(5)?, minor: row.count(6)? };
    let scope = row.maybe_text(4)?.map(|scope| Scope::parse(&scope).ok_or_else(strange)).transpose()?;
    let change = payload::change(&change, version)?;
    Ok(WaitingRow { stream, aggregate: row.text(3)?, scope, change, reason: row.text(7)? })
}

fn spend(connection: &mut Connection, scope: &Scope, day: Date, (parked, changes): (i64, i64)) -> Result<()> {
    connection.execute(SPEND, values![scope.to_string(), day.to_string(), parked, changes]).map(|_| ())
}

impl Store {
    /// The day that the budget is spent of: that of the time that the caller told last, in UTC.
    fn day(&self) -> Date {
        self.now.to_zoned(TimeZone::UTC).date()
    }

    /// How aggregates stand, in their order.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn aggregates(&mut self, aggregates: &[&str]) -> Result<Vec<AggregateState>> {
        let mut state = |aggregate: &&str| {
            let found = self.connection.row(STANDING, values![*aggregate])?;
            Ok(match found.map(|row| row.flag(0)).transpose()? {
                None => AggregateState::Free,
                Some(false) => AggregateState::Parked,
                Some(true) => AggregateState::OwnerStands,
            })
        };
        aggregates.iter().map(&mut state).collect()
    }

    /// Parks rows, with their aggregates, and keeps conflicts with both images. A row that is parked already gives way
    /// to a later or equal version of itself and to nothing else; a conflict that is kept already is kept once. Rows
    /// that were not parked before are counted in the budget of their scope.
    ///
    /// # Errors
    /// Kind `Fenced` when the lease is lost; others when the store cannot be written.
    pub fn park_rows(&mut self, rows: &[WaitingRow], conflicts: &[KeptConflict]) -> Result<()> {
        let (at, day) = (self.now.as_microsecond(), self.day());
        self.write_record(|connection, seal| {
            let aggregates: BTreeSet<&str> = rows.iter().map(|row| row.aggregate.as_str()).collect();
            for aggregate in aggregates {
                connection.execute(PARK_AGGREGATE, values![aggregate, at])?;
            }
            for row in rows {
                let is_new = park_row(connection, seal, row, at)?;
                if let Some(scope) = row.scope.as_ref().filter(|_| is_new) {
                    spend(connection, scope, day, (1, 0))?;
                }
            }
            conflicts.iter().try_for_each(|conflict| keep_conflict(connection, seal, conflict, at))
        })
    }

    /// The rows of an aggregate that wait, of both streams, in the order of streams and keys.
    ///
    /// # Errors
    /// When the store cannot be asked; kind `Corrupt` when a row does not open.
    pub fn waiting(&mut self, aggregate: &str) -> Result<Vec<WaitingRow>> {
        let rows = self.connection.rows(PARKED, values![aggregate])?;
        let mut rows: Vec<WaitingRow> =
            rows.iter().map(|row| read(&self.seal, row)).collect::<Result<_>>()?;
        rows.sort_by(|one, other| (&one.stream, &one.change.key).cmp(&(&other.stream, &other.change.key)));
        Ok(rows)
    }

    /// Takes rows off that have been applied, or came to nothing, at these versions or later ones; what stood open
    /// against them is superseded. Aggregates in which the owner stands are free again; one that is parked stays so
    /// until it is let go.
    ///
    /// # Errors
    /// Kind `Fenced` when the lease is lost.
    pub fn settle_rows(
        &mut self,
        stream: &Stream,
        rows: &[(SourceKey, Version)],
        aggregates: &[&str],
    ) -> Result<()> {
        let (source, origin, at) = (stream.source.as_str(), stream.from.name(), self.now.as_microsecond());
        self.write_record(|connection, seal| {
            for (key, version) in rows {
                let (key, major, minor) =
                    (key_digest(seal, key), stored(version.major)?, stored(version.minor)?);
                connection.execute(SETTLE, values![source, origin, key, major, minor])?;
                connection.execute(SUPERSEDE, values![source, origin, key, major, minor, at])?;
            }
            for aggregate in aggregates {
                connection.execute(END_STANDING, values![*aggregate])?;
            }
            Ok(())
        })
    }

    /// Takes all rows of an aggregate off and lets it go; with `owner_stands`, what its owner says is written over
    /// what the follower holds until its rows are applied.
    ///
    /// # Errors
    /// Kind `Fenced` when the lease is lost.
    pub fn let_go(&mut self, aggregate: &str, owner_stands: bool) -> Result<()> {
        let at = self.now.as_microsecond();
        self.write_record(|connection, _| {
            connection.execute(TAKE_OFF, values![aggregate])?;
            let (sql, values) = if owner_stands {
                (OWNER_STANDS, values![aggregate, at])
            } else {
                (LET_GO, values![aggregate])
            };
            connection.execute(sql, values).map(|_| ())
        })
    }

    /// The aggregates that are parked, in order: nothing of them is applied.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn blocked(&mut self) -> Result<Vec<String>> {
        self.connection.rows(BLOCKED, Vec::new())?.iter().map(|row| row.text(0)).collect()
    }

    /// How many rows wait, by scope and reason.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn waiting_counts(&mut self) -> Result<Vec<(Option<Scope>, String, u64)>> {
        let rows = self.connection.rows(COUNT, Vec::new())?;
        let read = |row: &Row| {
            let scope =
                row.maybe_text(0)?.map(|scope| Scope::parse(&scope).ok_or_else(strange)).transpose()?;
            Ok((scope, row.text(1)?, row.count(2)?))
        };
        rows.iter().map(read).collect()
    }

    /// Counts changes that were taken up, for the budget of today.
    ///
    /// # Errors
    /// Kind `Fenced` when the lease is lost.
    pub fn count_changes(&mut self, scope: &Scope, changes: u64) -> Result<()> {
        let (day, changes) = (self.day(), stored(changes)?);
        self.write_record(|connection, _| spend(connection, scope, day, (0, changes)))
    }

    /// What of the budget of a scope was spent on the day of a time, in UTC.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn spent(&mut self, scope: &Scope, at: Timestamp) -> Result<Spent> {
        let day = at.to_zoned(TimeZone::UTC).date().to_string();
        let found = self.connection.row(SPENT, values![scope.to_string(), day])?;
        let read = |row: Row| Ok(Spent { parked: row.count(0)?, changes: row.count(1)? });
        found.map_or_else(|| Ok(Spent::default()), read)
    }
}

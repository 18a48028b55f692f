//! Conflicts, kept with both images, and what people decided about them.

use bron_extract::RecordSeal;
use bron_mappings::SourceKey;
use jiff::Timestamp;

use super::connection::{Connection, Row, stored, strange, values};
use super::payload::{Reader, Writer};
use super::{Store, key_digest, moment, sealed, unsealed};
use crate::change::{CutId, Image, Stream, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::ownership::Owner;
use crate::scope::Scope;

const AGAIN: &str = "UPDATE bridge_conflict SET last_seen = $7, times = times + 1 WHERE source = $1 AND origin = $2 \
     AND cause = $3 AND major = $4 AND minor = $5 AND class = $6 AND row_key = $8";
const NEXT: &str = "SELECT coalesce(max(number), 0) + 1 FROM bridge_conflict";
const INSERT: &str = "INSERT INTO bridge_conflict (number, source, origin, cause, major, minor, class, row_key, cut, \
     aggregate, scope, detail, payload, first_seen, last_seen, times, state, decided_by, second) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, 1, 'open', '', '')";
const LIST: &str = "SELECT number, source, origin, major, minor, class, cut, aggregate, scope, detail, payload, \
     first_seen, last_seen, times, state, decided_by, second, note, decided_at, until FROM bridge_conflict \
     WHERE number > $1 AND ($2 = '' OR scope = $2) AND ($3 = '' OR state = $3) ORDER BY number LIMIT $4";
const DECIDE: &str = "UPDATE bridge_conflict SET state = $2, decided_by = $3, second = $4, note = $5, \
     decided_at = $6, until = $7 WHERE number = $1 AND state IN ('open', 'waived')";
const REOPEN: &str = "UPDATE bridge_conflict SET state = 'open' WHERE state = 'waived' AND until <= $1";
const COUNT: &str = "SELECT scope, class, count(*) FROM bridge_conflict WHERE state = 'open' GROUP BY scope, class \
     ORDER BY scope, class";

/// A conflict, with both images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptConflict {
    /// The class, as a code.
    pub class: String,
    /// The way the change travelled.
    pub stream: Stream,
    /// The cut that brought it.
    pub cut: CutId,
    /// The changed row.
    pub cause: SourceKey,
    /// Its version. A conflict is the same when stream, cause, version, class and row are.
    pub version: Version,
    /// The row that the conflict is about.
    pub row: SourceKey,
    /// The person or case that is parked with it. Opaque, and without personal data.
    pub aggregate: String,
    /// The scope, when it could be told.
    pub scope: Option<Scope>,
    /// What the side that owns the row says of it.
    pub owners: Option<Image>,
    /// What the other side says.
    pub others: Option<Image>,
    /// What more is to be said, without values.
    pub detail: String,
}

/// A conflict, by its number from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConflictId(pub u64);

/// What became of a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConflictState {
    /// Nothing yet.
    Open,
    /// A later state of the row was applied.
    Superseded,
    /// The change was applied after all.
    Replayed,
    /// Two persons decided what stands.
    Overridden,
    /// The difference is accepted until a date.
    Waived,
}

/// What is decided about a conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The change was applied after all.
    Replay,
    /// Two persons decide what stands.
    Override {
        /// The first.
        first: String,
        /// The second, somebody else.
        second: String,
        /// Why.
        reason: String,
    },
    /// The difference is accepted for a time.
    Waive {
        /// By whom.
        by: String,
        /// Why.
        reason: String,
        /// Until when.
        until: Timestamp,
    },
}

/// A conflict and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictItem {
    /// Its number.
    pub id: ConflictId,
    /// The conflict.
    pub conflict: KeptConflict,
    /// When it was met.
    pub first_seen: Timestamp,
    /// When it was met last.
    pub last_seen: Timestamp,
    /// How often it was met.
    pub times: u64,
    /// What became of it.
    pub state: ConflictState,
    /// Who decided; empty when nobody did.
    pub decided_by: String,
    /// Who decided with them.
    pub second: String,
    /// Why, in their words; empty when nobody decided.
    pub note: String,
    /// When it was decided or superseded.
    pub decided_at: Option<Timestamp>,
    /// Until when it is waived.
    pub until: Option<Timestamp>,
}

/// Which conflicts are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConflictFilter {
    /// Those of one scope.
    pub scope: Option<Scope>,
    /// Those in one state.
    pub state: Option<ConflictState>,
    /// Those after a number.
    pub after: Option<ConflictId>,
}

impl ConflictState {
    /// The name that stores and reports use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Superseded => "superseded",
            Self::Replayed => "replayed",
            Self::Overridden => "overridden",
            Self::Waived => "waived",
        }
    }

    fn named(name: &str) -> Option<Self> {
        let all = [Self::Open, Self::Superseded, Self::Replayed, Self::Overridden, Self::Waived];
        all.into_iter().find(|one| one.name() == name)
    }
}

/// Sealed to the number: a payload that was moved to another conflict does not open.
fn place_of(number: u64) -> String {
    format!("conflict/{number}")
}

fn place_of_note(number: u64) -> String {
    format!("conflict-note/{number}")
}

/// Keeps a conflict, or counts it once more.
pub(super) fn keep_conflict(
    connection: &mut Connection,
    seal: &RecordSeal,
    conflict: &KeptConflict,
    at: i64,
) -> Result<()> {
    let (cause, row) = (key_digest(seal, &conflict.cause), key_digest(seal, &conflict.row));
    let (source, origin) = (conflict.stream.source.as_str(), conflict.stream.from.name());
    let (major, minor) = (stored(conflict.version.major)?, stored(conflict.version.minor)?);
    let class = conflict.class.as_str();
    if connection.execute(AGAIN, values![source, origin, cause, major, minor, class, at, row])? > 0 {
        return Ok(());
    }
    let number = connection.number(NEXT, Vec::new())?;
    let mut writer = Writer::default();
    writer.key(&conflict.cause);
    writer.key(&conflict.row);
    writer.image(conflict.owners.as_ref());
    writer.image(conflict.others.as_ref());
    let payload = sealed(seal, &place_of(number.unsigned_abs()), &writer.finish())?;
    let (cut, scope) = (stored(conflict.cut.0)?, conflict.scope.as_ref().map(ToString::to_string));
    let (aggregate, detail) = (conflict.aggregate.as_str(), conflict.detail.as_str());
    let values = values![
        number, source, origin, cause, major, minor, class, row, cut, aggregate, scope, detail, payload, at
    ];
    connection.execute(INSERT, values).map(|_| ())
}

fn read_conflict(seal: &RecordSeal, row: &Row) -> Result<KeptConflict> {
    let payload = unsealed(seal, &place_of(row.count(0)?), &row.bytes(10)?)?;
    let mut reader = Reader::new(&payload);
    let (cause, about, owners, others) = (reader.key()?, reader.key()?, reader.image()?, reader.image()?);
    reader.finish()?;
    Ok(KeptConflict {
        class: row.text(5)?,
        stream: Stream { source: row.text(1)?, from: Owner::named(&row.text(2)?).ok_or_else(strange)? },
        cut: CutId(row.count(6)?),
        cause,
        version: Version { major: row.count(3)?, minor: row.count(4)? },
        row: about,
        aggregate: row.text(7)?,
        scope: row.maybe_text(8)?.map(|scope| Scope::parse(&scope).ok_or_else(strange)).transpose()?,
        owners,
        others,
        detail: row.text(9)?,
    })
}

fn read(seal: &RecordSeal, row: &Row) -> Result<ConflictItem> {
    let number = row.count(0)?;
    let note = row.maybe_bytes(17)?.map(|note| unsealed(seal, &place_of_note(number), &note)).transpose()?;
    Ok(ConflictItem {
        id: ConflictId(number),
        conflict: read_conflict(seal, row)?,
        first_seen: moment(row.int(11)?)?,
        last_seen: moment(row.int(12)?)?,
        times: row.count(13)?,
        state: ConflictState::named(&row.text(14)?).ok_or_else(strange)?,
        decided_by: row.text(15)?,
        second: row.text(16)?,
        note: String::from_utf8(note.unwrap_or_default()).map_err(|_| strange())?,
        decided_at: row.maybe_int(18)?.map(moment).transpose()?,
        until: row.maybe_int(19)?.map(moment).transpose()?,
    })
}

impl Store {
    /// Decides about a conflict that is open or waived.
    ///
    /// # Errors
    /// Kind `Refused` when it has been decided, when an override does not name two persons and a reason, or when a
    /// waiver names nobody, gives no reason or ends before it begins.
    pub fn decide(&mut self, id: ConflictId, decision: &Decision, at: Timestamp) -> Result<()> {
        let refused = |text: String| Err(Error::new(ErrorKind::Refused, text));
        let (state, by, second, note, until) = match decision {
            Decision::Replay => (ConflictState::Replayed, "", "", "", None),
            Decision::Override { first, second, reason } => {
                if [first, second, reason].iter().any(|text| text.trim().is_empty()) || first == second {
                    return refused("an override is decided by two persons, and says why".to_owned());
                }
                (ConflictState::Overridden, first.as_str(), second.as_str(), reason.as_str(), None)
            }
            Decision::Waive { by, reason, until } => {
                if [by, reason].iter().any(|text| text.trim().is_empty()) || *until <= at {
                    return refused("a waiver names who waives and why, and ends later".to_owned());
                }
                let until = Some(until.as_microsecond());
                (ConflictState::Waived, by.as_str(), "", reason.as_str(), until)
            }
        };
        self.write(|connection, seal| {
            // What people write may name somebody.
            let note = sealed(seal, &place_of_note(id.0), note.as_bytes())?;
            let values = values![stored(id.0)?, state.name(), by, second, note, at.as_microsecond(), until];
            if connection.execute(DECIDE, values)? == 1 {
                return Ok(());
            }
            refused(format!("there is no conflict {} to decide about", id.0))
        })
    }

    /// Opens waived conflicts again whose time has come, and gives their number.
    ///
    /// # Errors
    /// Kind `Fenced` when the lease is lost.
    pub fn end_waivers(&mut self, now: Timestamp) -> Result<u64> {
        self.write(|connection, _| connection.execute(REOPEN, values![now.as_microsecond()]))
    }

    /// At most `limit` conflicts, by number.
    ///
    /// # Errors
    /// When the store cannot be asked; kind `Corrupt` when a conflict does not open.
    pub fn conflicts(&mut self, filter: &ConflictFilter, limit: u64) -> Result<Vec<ConflictItem>> {
        let scope = filter.scope.as_ref().map(ToString::to_string).unwrap_or_default();
        let state = filter.state.map_or("", ConflictState::name);
        let after = stored(filter.after.map_or(0, |id| id.0))?;
        let rows = self.connection.rows(LIST, values![after, scope, state, stored(limit)?])?;
        rows.iter().map(|row| read(&self.seal, row)).collect()
    }

    /// How many conflicts are open, by scope and class.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn conflict_counts(&mut self) -> Result<Vec<(Option<Scope>, String, u64)>> {
        let rows = self.connection.rows(COUNT, Vec::new())?;
        let read = |row: &Row| {
            let scope =
                row.maybe_text(0)?.map(|scope| Scope::parse(&scope).ok_or_else(strange)).transpose()?;
            Ok((scope, row.text(1)?, row.count(2)?))
        };
        rows.iter().map(read).collect()
    }
}

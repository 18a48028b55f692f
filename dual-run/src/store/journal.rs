//! The journal: cuts and their changes, written in pieces and read in pieces.

use bron_extract::RecordSeal;
use bron_mappings::Digest;
use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::connection::{Connection, Row, Value, stored, strange, values};
use super::{Store, chain, payload, streams};
use crate::capture::{Incarnation, Position};
use crate::change::{Change, Cut, CutId, Mark, Stream, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::Journal;
use crate::ownership::Owner;

/// Changes that are kept in memory before they are written.
const PIECE: usize = 256;
/// Changes that [`Store::next_after`] reads with one statement.
const PAGE: u64 = 4096;

/// The columns of a change, in the order that [`StoredChange::read`] takes them.
pub(super) const CHANGE_COLUMNS: &str =
    "seq, cut, row_key, major, minor, op, marked, after_hash, payload_hash, payload, prev_hash, hash, purge";
const INSERT_CHANGES: &str = "INSERT INTO bridge_change (seq, cut, row_key, major, minor, op, marked, after_hash, \
     payload_hash, payload, prev_hash, hash)";
const INSERT_CUT: &str = "INSERT INTO bridge_cut (cut, source, origin, incarnation, position_from, position_next, \
     complete_major, complete_minor, schema_digest, mapping_version, captured_at, first_seq, changes, prev_hash, hash) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
const MOVE_HEAD: &str = "UPDATE bridge_head SET cut = $1, seq = $2, hash = $3 WHERE one = 1 AND cut = $4";
const FIND_CUT: &str = "SELECT cut, source, origin, incarnation, position_from, position_next, complete_major, \
     complete_minor, schema_digest, mapping_version, captured_at, first_seq, changes, prev_hash, hash \
     FROM bridge_cut WHERE cut = $1";
const CUT_AFTER: &str = "SELECT cut, source, origin, incarnation, position_from, position_next, complete_major, \
     complete_minor, schema_digest, mapping_version, captured_at, first_seq, changes, prev_hash, hash \
     FROM bridge_cut WHERE source = $1 AND origin = $2 AND cut > $3 ORDER BY cut LIMIT 1";
/// A cut in the journal without its changes, which [`Store::changes`] gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutHead {
    /// Its place in the journal.
    pub id: CutId,
    /// The way it travels.
    pub stream: Stream,
    /// The life of the source that the versions belong to.
    pub incarnation: Incarnation,
    /// Where the poll began.
    pub from: Position,
    /// Where the next one begins.
    pub next: Position,
    /// Every change up to here is in this cut or an earlier one.
    pub complete_through: Version,
    /// The digest of the schema of the tables at the time.
    pub schema: Digest,
    /// The version of the mappings that it was journaled under.
    pub mapping_version: Digest,
    /// When it was captured, as the caller told with [`Store::at`].
    pub captured_at: Timestamp,
    /// The number of its first change, counted through the whole journal from 1.
    pub first_seq: u64,
    /// How many changes it has.
    pub changes: u64,
    /// The hash of the entry before it.
    pub(super) prev_hash: Digest,
    /// Its own hash.
    pub(super) hash: Digest,
}

/// How a cut ends: what is known only when all of it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutEnd {
    /// Where the next poll begins.
    pub next: Position,
    /// Every change up to here is in this cut or an earlier one.
    pub complete_through: Version,
    /// The digest of the schema of the tables.
    pub schema: Digest,
}

/// A change as it lies in the journal.
pub(super) struct StoredChange {
    pub(super) seq: u64,
    pub(super) cut: u64,
    /// The keyed digest of the row's key.
    pub(super) key: Digest,
    pub(super) version: Version,
    pub(super) is_put: bool,
    pub(super) is_marked: bool,
    /// The keyed digest of the row's content.
    pub(super) after_hash: Option<Digest>,
    pub(super) payload_hash: Digest,
    pub(super) payload: Option<Vec<u8>>,
    pub(super) prev_hash: Digest,
    pub(super) hash: Digest,
    pub(super) purge: Option<u64>,
}

impl StoredChange {
    pub(super) fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            seq: row.count(0)?,
            cut: row.count(1)?,
            key: row.digest(2)?,
            version: Version { major: row.count(3)?, minor: row.count(4)? },
            is_put: match row.text(5)?.as_str() {
                "put" => true,
                "gone" => false,
                _ => return Err(strange()),
            },
            is_marked: row.flag(6)?,
            after_hash: row.maybe_digest(7)?,
            payload_hash: row.digest(8)?,
            payload: row.maybe_bytes(9)?,
            prev_hash: row.digest(10)?,
            hash: row.digest(11)?,
            purge: row.maybe_int(12)?.map(u64::try_from).transpose().map_err(|_| strange())?,
        })
    }

    fn sealed(seal: &RecordSeal, (seq, cut): (u64, u64), prev: Digest, change: &Change) -> Result<Self> {
        let payload = super::sealed(seal, &place_of_change(seq), &payload::of_change(change))?;
        let mut made = Self {
            seq,
            cut,
            key: super::key_digest(seal, &change.key),
            version: change.version,
            is_put: change.after.is_some(),
            is_marked: change.mark != Mark::None,
            after_hash: change.after.as_ref().map(|after| seal.digest("content", after.digest().as_bytes())),
            payload_hash: Digest::of(&payload),
            payload: Some(payload),
            prev_hash: prev,
            hash: prev,
            purge: None,
        };
        made.hash = chain::hash_of_change(&prev, &made);
        Ok(made)
    }

    fn into_values(self) -> Result<Vec<Value>> {
        Ok(values![
            stored(self.seq)?,
            stored(self.cut)?,
            self.key,
            stored(self.version.major)?,
            stored(self.version.minor)?,
            if self.is_put { "put" } else { "gone" },
            self.is_marked,
            self.after_hash,
            self.payload_hash,
            self.payload,
            self.prev_hash,
            self.hash,
        ])
    }

    /// Whether it follows `prev` and is what was written; what is wrong when it does not.
    pub(super) fn require_whole(&self, prev: &Digest) -> std::result::Result<(), &'static str> {
        if self.prev_hash != *prev {
            return Err("does not follow the entry before it");
        }
        if chain::hash_of_change(prev, self) != self.hash {
            return Err("was changed");
        }
        match &self.payload {
            Some(payload) if Digest::of(payload) != self.payload_hash => Err("has another payload"),
            Some(_) | None => Ok(()),
        }
    }

    /// The change, with what was sealed of it.
    fn open(self, seal: &RecordSeal, prev: &Digest) -> Result<Change> {
        let place = format!("change {} of cut {}", self.seq, self.cut);
        let corrupt = |what: &str| {
            Error::new(ErrorKind::Corrupt, format!("the journal is not what was written: {place} {what}"))
        };
        self.require_whole(prev).map_err(corrupt)?;
        let Some(payload) = &self.payload else {
            let text =
                format!("the payload of {place} was purged: it can only be read from its source again");
            return Err(Error::new(ErrorKind::Expired, text));
        };
        let opened = seal.unseal(&place_of_change(self.seq), payload);
        payload::change(&opened.ok_or_else(|| corrupt("does not open"))?, self.version)
    }
}

fn place_of_change(seq: u64) -> String {
    format!("change/{seq}")
}

/// Reads the columns of [`FIND_CUT`].
pub(super) fn cut_of(row: &Row) -> Result<CutHead> {
    Ok(CutHead {
        id: CutId(row.count(0)?),
        stream: Stream { source: row.text(1)?, from: Owner::named(&row.text(2)?).ok_or_else(strange)? },
        incarnation: Incarnation(row.text(3)?),
        from: Position(row.text(4)?),
        next: Position(row.text(5)?),
        complete_through: Version { major: row.count(6)?, minor: row.count(7)? },
        schema: row.digest(8)?,
        mapping_version: row.digest(9)?,
        captured_at: super::moment(row.int(10)?)?,
        first_seq: row.count(11)?,
        changes: row.count(12)?,
        prev_hash: row.digest(13)?,
        hash: row.digest(14)?,
    })
}

fn insert_cut(connection: &mut Connection, cut: &CutHead) -> Result<()> {
    let values = values![
        stored(cut.id.0)?,
        cut.stream.source.as_str(),
        cut.stream.from.name(),
        cut.incarnation.0.as_str(),
        cut.from.0.as_str(),
        cut.next.0.as_str(),
        stored(cut.complete_through.major)?,
        stored(cut.complete_through.minor)?,
        cut.schema,
        cut.mapping_version,
        cut.captured_at.as_microsecond(),
        stored(cut.first_seq)?,
        stored(cut.changes)?,
        cut.prev_hash,
        cut.hash,
    ];
    connection.execute(INSERT_CUT, values).map(|_| ())
}

/// A cut that is being written, for cuts that are larger than memory. Nothing of it is there until
/// [`CutWriter::finish`]; dropped before, nothing will be.
pub struct CutWriter<'s> {
    store: &'s mut Store,
    /// As it stands: what is known at the end only is filled in then.
    cut: CutHead,
    before: u64,
    seq: u64,
    prev: Digest,
    waiting: Vec<Vec<Value>>,
    /// Set when changes could not be written: the cut would lack them.
    has_failed: bool,
    is_finished: bool,
}

impl CutWriter<'_> {
    /// Adds the next change.
    ///
    /// # Errors
    /// When the store cannot be written. Nothing is left of the cut then.
    pub fn push(&mut self, change: &Change) -> Result<()> {
        let place = (self.seq + 1, self.cut.id.0);
        let made = StoredChange::sealed(&self.store.seal, place, self.prev, change);
        let made = made.and_then(|made| Ok((made.hash, made.seq, made.into_values()?)));
        self.has_failed |= made.is_err();
        let (hash, seq, values) = made?;
        (self.prev, self.seq) = (hash, seq);
        self.waiting.push(values);
        if self.waiting.len() >= PIECE { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        if self.has_failed {
            let text = "a part of this cut could not be written: the whole cut is written again";
            return Err(Error::new(ErrorKind::Storage, text));
        }
        let waiting = std::mem::take(&mut self.waiting);
        let written = self.store.connection.insert(INSERT_CHANGES, "", waiting);
        self.has_failed = written.is_err();
        written.map(|_| ())
    }

    /// Writes the cut, and where its stream has been read to, and commits.
    ///
    /// # Errors
    /// When the store cannot be written. When the connection is lost meanwhile the outcome is not known:
    /// [`Journal::position`] tells it.
    pub fn finish(mut self, end: CutEnd) -> Result<CutId> {
        self.write()?;
        self.cut.changes = self.seq + 1 - self.cut.first_seq;
        (self.cut.next, self.cut.complete_through, self.cut.schema) =
            (end.next, end.complete_through, end.schema);
        self.cut.prev_hash = self.prev;
        self.cut.hash = chain::hash_of_cut(&self.prev, &self.cut);
        let (connection, cut) = (&mut self.store.connection, &self.cut);
        insert_cut(connection, cut)?;
        streams::advance(connection, cut)?;
        let head = values![stored(cut.id.0)?, stored(self.seq)?, cut.hash, stored(self.before)?];
        if connection.execute(MOVE_HEAD, head)? != 1 {
            return Err(Error::new(ErrorKind::Fenced, "somebody else has written to the journal meanwhile"));
        }
        connection.commit()?;
        self.is_finished = true;
        Ok(self.cut.id)
    }
}

impl Drop for CutWriter<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            self.store.connection.roll_back();
        }
    }
}

impl Store {
    /// Begins a cut of a stream that has been read to `from`. The store does nothing else until it is finished or
    /// dropped. The first cut of a stream that was not begun with [`Store::begin_stream`] begins it.
    ///
    /// # Errors
    /// Kind `Fenced` when the lease is lost or the stream does not stand there: then the cut was journaled before, or
    /// another process did. Kind `Rewound` when the stream belongs to another life of the source.
    pub fn begin_cut(
        &mut self,
        stream: &Stream,
        incarnation: &Incarnation,
        from: &Position,
        mapping_version: Digest,
    ) -> Result<CutWriter<'_>> {
        self.begin_record()?;
        let placed = streams::require_place(&mut self.connection, stream, incarnation, from);
        let head = match placed.and_then(|()| chain::head(&mut self.connection)) {
            Ok(head) => head,
            Err(error) => {
                self.connection.roll_back();
                return Err(error);
            }
        };
        let cut = CutHead {
            id: CutId(head.cuts + 1),
            stream: stream.clone(),
            incarnation: incarnation.clone(),
            from: from.clone(),
            next: from.clone(),
            complete_through: Version::default(),
            schema: mapping_version,
            mapping_version,
            captured_at: self.now,
            first_seq: head.changes + 1,
            changes: 0,
            prev_hash: head.hash,
            hash: head.hash,
        };
        let (before, seq, prev) = (head.cuts, head.changes, head.hash);
        Ok(CutWriter {
            store: self,
            cut,
            before,
            seq,
            prev,
            waiting: Vec::new(),
            has_failed: false,
            is_finished: false,
        })
    }

    /// A cut without its changes; `None` when the journal has not come so far.
    ///
    /// # Errors
    /// Kind `Corrupt` when it is not what was written.
    pub fn cut(&mut self, id: CutId) -> Result<Option<CutHead>> {
        let found = self.connection.row(FIND_CUT, values![stored(id.0)?])?;
        found.as_ref().map(whole_cut).transpose()
    }

    /// The first cut of a stream after another, without its changes.
    ///
    /// # Errors
    /// Kind `Corrupt` when it is not what was written.
    pub fn head_after(&mut self, stream: &Stream, after: Option<CutId>) -> Result<Option<CutHead>> {
        let values =
            values![stream.source.as_str(), stream.from.name(), stored(after.map_or(0, |cut| cut.0))?];
        self.connection.row(CUT_AFTER, values)?.as_ref().map(whole_cut).transpose()
    }

    /// At most `limit` changes of a cut, in their order, after the first `passed` of them; fewer at its end.
    ///
    /// # Errors
    /// Kind `Corrupt` when a change is not what was written or is missing, `Expired` when its payload was purged.
    pub fn changes(&mut self, cut: &CutHead, passed: u64, limit: u64) -> Result<Vec<Change>> {
        let end = cut.first_seq + cut.changes;
        let first = (cut.first_seq + passed).min(end);
        let wanted = limit.min(end - first);
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT {CHANGE_COLUMNS} FROM bridge_change WHERE seq >= $1 AND seq < $2 AND cut = $3 ORDER BY seq"
        );
        let values = values![stored(first)?, stored(first + wanted)?, stored(cut.id.0)?];
        let rows = self.connection.rows(AssertSqlSafe(sql), values)?;
        let mut changes = Vec::with_capacity(rows.len());
        let mut prev = None;
        for (row, seq) in rows.iter().zip(first..) {
            let stored = StoredChange::read(row)?;
            if stored.seq != seq {
                return Err(missing(seq, cut.id));
            }
            let (before, hash) = (prev.unwrap_or(stored.prev_hash), stored.hash);
            changes.push(stored.open(&self.seal, &before)?);
            prev = Some(hash);
        }
        if u64::try_from(changes.len()).is_ok_and(|read| read < wanted) {
            return Err(missing(first + u64::try_from(changes.len()).unwrap_or_default(), cut.id));
        }
        if first + wanted == end && prev != Some(cut.prev_hash) {
            return Err(missing(end, cut.id));
        }
        Ok(changes)
    }
}

fn whole_cut(row: &Row) -> Result<CutHead> {
    let cut = cut_of(row)?;
    if chain::hash_of_cut(&cut.prev_hash, &cut) == cut.hash {
        return Ok(cut);
    }
    let text = format!("the journal is not what was written: cut {} was changed", cut.id.0);
    Err(Error::new(ErrorKind::Corrupt, text))
}

fn missing(seq: u64, cut: CutId) -> Error {
    let text = format!("the journal is not what was written: change {seq} of cut {} is missing", cut.0);
    Error::new(ErrorKind::Corrupt, text)
}

impl Journal for Store {
    fn append(&mut self, cut: &Cut, mapping_version: Digest) -> Result<CutId> {
        let mut writer = self.begin_cut(&cut.stream, &cut.incarnation, &cut.from, mapping_version)?;
        for change in &cut.changes {
            writer.push(change)?;
        }
        writer.finish(CutEnd {
            next: cut.next.clone(),
            complete_through: cut.complete_through,
            schema: cut.schema,
        })
    }

    fn position(&mut self, stream: &Stream) -> Result<Option<Position>> {
        Ok(self.stream(stream)?.map(|state| state.position))
    }

    fn next_after(&mut self, stream: &Stream, after: Option<CutId>) -> Result<Option<(CutId, Cut, Digest)>> {
        let Some(head) = self.head_after(stream, after)? else { return Ok(None) };
        let mut changes = Vec::new();
        let mut passed = 0;
        while passed < head.changes {
            changes.extend(self.changes(&head, passed, PAGE)?);
            passed += PAGE;
        }
        let cut = Cut {
            stream: head.stream,
            incarnation: head.incarnation,
            from: head.from,
            next: head.next,
            complete_through: head.complete_through,
            schema: head.schema,
            changes,
        };
        Ok(Some((head.id, cut, head.mapping_version)))
    }
}

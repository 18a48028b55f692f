//! The chain that binds every entry of the journal to all entries before it.
//!
//! Order of the chain: the changes of cut 1 in their order, cut 1 itself, the changes of cut 2, and so on. Each entry's
//! hash covers the hash of the entry before and everything of the entry that stays when its payload is purged; of the
//! payload it covers the digest of the sealed bytes.

use std::collections::BTreeMap;
use std::fmt;

use bron_mappings::{Digest, DigestBuilder};

use super::Store;
use super::connection::{Connection, Row, stored, strange, values};
use super::journal::{CHANGE_COLUMNS, CutHead, StoredChange, cut_of};
use super::retention::{require_purges, seqs_of_purge};
use crate::error::{Error, ErrorKind, Result};

/// What the first entry is bound to.
pub(super) const BEGINNING: Digest = Digest::from_bytes([0; 32]);

/// Rows that are verified at a time.
const PAGE: i64 = 1000;

const CUTS_AFTER: &str = "SELECT cut, source, origin, incarnation, position_from, position_next, complete_major, \
     complete_minor, schema_digest, mapping_version, captured_at, first_seq, changes, prev_hash, hash \
     FROM bridge_cut WHERE cut > $1 ORDER BY cut LIMIT 100";
const HEAD: &str = "SELECT cut, seq, hash FROM bridge_head WHERE one = 1";
const LAST: &str = "SELECT coalesce((SELECT max(cut) FROM bridge_cut), 0), \
     coalesce((SELECT max(seq) FROM bridge_change), 0)";
const COUNTED: &str = "SELECT (SELECT count(*) FROM bridge_cut), (SELECT count(*) FROM bridge_change)";
const LAST_OF_STREAMS: &str = "SELECT s.source, s.origin, s.position, c.position_next FROM bridge_stream AS s \
     LEFT JOIN bridge_cut AS c ON c.cut = s.cut WHERE s.cut IS NOT NULL ORDER BY s.source, s.origin";
const RESTARTED: &str = "SELECT count(*) FROM bridge_incarnation AS i JOIN bridge_stream AS s \
     ON s.source = i.source AND s.origin = i.origin \
     WHERE i.source = $1 AND i.origin = $2 AND i.position = $3 AND i.after_cut >= s.cut";
/// How far a journal had come: what is kept elsewhere, so that a journal that was cut off, or written anew, is found.
/// Reads and prints as `cuts:changes:hash`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many cuts it had.
    pub cuts: u64,
    /// How many changes it had.
    pub changes: u64,
    /// The hash of its last entry.
    pub hash: Digest,
}

impl Checkpoint {
    /// Reads the form that a checkpoint is shown in; `None` when the text is not of that form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (cuts, changes) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let hash = Digest::parse(parts.next()?)?;
        parts.next().is_none().then_some(Self { cuts, changes, hash })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.cuts, self.changes, self.hash)
    }
}

pub(super) fn optional<T: AsRef<[u8]>>(builder: &mut DigestBuilder, value: Option<T>) {
    match value {
        Some(bytes) => builder.part(&[1]).part(bytes.as_ref()),
        None => builder.part(&[0]),
    };
}

pub(super) fn hash_of_change(prev: &Digest, change: &StoredChange) -> Digest {
    let mut builder = DigestBuilder::new("bron/bridge/change/1");
    builder.part(prev.as_bytes());
    for number in [change.seq, change.cut, change.version.major, change.version.minor] {
        builder.part(&number.to_be_bytes());
    }
    builder.part(change.key.as_bytes()).part(&[u8::from(change.is_put), u8::from(change.is_marked)]);
    optional(&mut builder, change.after_hash.as_ref().map(Digest::as_bytes));
    builder.part(change.payload_hash.as_bytes());
    builder.finish()
}

pub(super) fn hash_of_cut(prev: &Digest, cut: &CutHead) -> Digest {
    let mut builder = DigestBuilder::new("bron/bridge/cut/1");
    builder.part(prev.as_bytes());
    let through = cut.complete_through;
    for number in [cut.id.0, through.major, through.minor, cut.first_seq, cut.changes] {
        builder.part(&number.to_be_bytes());
    }
    let texts = [&cut.stream.source, cut.stream.from.name(), &cut.incarnation.0, &cut.from.0, &cut.next.0];
    for text in texts {
        builder.part(text.as_bytes());
    }
    builder.part(cut.schema.as_bytes()).part(cut.mapping_version.as_bytes());
    builder.part(&cut.captured_at.as_microsecond().to_be_bytes()).finish()
}

/// What was found against an entry.
pub(super) fn damaged(place: impl fmt::Display, what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the journal is not what was written: {place} {what}"))
}

/// Walks the chain from its beginning.
struct Walk {
    prev: Digest,
    cut: u64,
    seq: u64,
    /// By purge: how many payloads it took, and which.
    purged: BTreeMap<u64, (u64, DigestBuilder)>,
}

impl Walk {
    fn change(&mut self, row: &Row, cut: u64) -> Result<()> {
        let place = format!("change {} of cut {cut}", self.seq + 1);
        // What cannot even be read is damage in this place, and not just somewhere.
        let change = StoredChange::read(row).map_err(|_| damaged(&place, "cannot be read"))?;
        if change.seq != self.seq + 1 || change.cut != cut {
            return Err(damaged(&place, "is missing"));
        }
        change.require_whole(&self.prev).map_err(|what| damaged(&place, what))?;
        if change.payload.is_none() {
            let purge = change.purge.ok_or_else(|| damaged(&place, "has lost its payload"))?;
            let (count, seqs) = self.purged.entry(purge).or_insert_with(|| (0, seqs_of_purge()));
            *count += 1;
            seqs.part(&change.seq.to_be_bytes());
        }
        (self.prev, self.seq) = (change.hash, change.seq);
        Ok(())
    }

    fn cut(&mut self, connection: &mut Connection, row: &Row) -> Result<()> {
        let id = self.cut + 1;
        let place = format!("cut {id}");
        let cut = cut_of(row).map_err(|_| damaged(&place, "cannot be read"))?;
        if cut.id.0 != id {
            return Err(damaged(&place, "is missing"));
        }
        if cut.first_seq != self.seq + 1 {
            return Err(damaged(&place, "does not begin where the cut before it ends"));
        }
        let last = self.seq.checked_add(cut.changes).ok_or_else(|| damaged(&place, "was changed"))?;
        while self.seq < last {
            let values = values![stored(self.seq)?, stored(last)?, PAGE];
            let sql = format!(
                "SELECT {CHANGE_COLUMNS} FROM bridge_change WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3"
            );
            let rows = connection.rows(sqlx::AssertSqlSafe(sql), values)?;
            if rows.is_empty() {
                return Err(damaged(format!("change {} of cut {id}", self.seq + 1), "is missing"));
            }
            rows.iter().try_for_each(|row| self.change(row, id))?;
        }
        if cut.prev_hash != self.prev {
            return Err(damaged(&place, "does not follow the entry before it"));
        }
        if cut.hash != hash_of_cut(&self.prev, &cut) {
            return Err(damaged(&place, "was changed"));
        }
        (self.prev, self.cut) = (cut.hash, id);
        Ok(())
    }

    fn require(&self, checkpoint: &Checkpoint) -> Result<()> {
        if (self.seq, self.prev) == (checkpoint.changes, checkpoint.hash) {
            return Ok(());
        }
        let text = "is not the one that the checkpoint was taken of: the journal was written anew";
        Err(damaged(format!("cut {}", self.cut), text))
    }
}

fn require_streams(connection: &mut Connection) -> Result<()> {
    for row in connection.rows(LAST_OF_STREAMS, Vec::new())? {
        let (source, origin, position) = (row.text(0)?, row.text(1)?, row.text(2)?);
        if row.maybe_text(3)?.as_ref() == Some(&position) {
            continue;
        }
        // A person may have begun the stream anew since its last cut.
        let values = values![source.as_str(), origin, position];
        if connection.number(RESTARTED, values)? == 0 {
            return Err(damaged(format!("the position of stream {source}"), "is not that of its last cut"));
        }
    }
    Ok(())
}

pub(super) fn head(connection: &mut Connection) -> Result<Checkpoint> {
    let row = connection.row(HEAD, Vec::new())?.ok_or_else(strange)?;
    Ok(Checkpoint { cuts: row.count(0)?, changes: row.count(1)?, hash: row.digest(2)? })
}

/// Whether the end of the journal is where its head says: looked at whenever a store is opened, where
/// [`Store::verify`] would take long.
pub(super) fn require_head(connection: &mut Connection) -> Result<()> {
    let head = head(connection)?;
    let last = connection.row(LAST, Vec::new())?.ok_or_else(strange)?;
    if (last.count(0)?, last.count(1)?) == (head.cuts, head.changes) {
        return Ok(());
    }
    Err(damaged(format!("cut {}", head.cuts), "is not the last, as the head of the journal says"))
}

impl Store {
    /// How far the journal has come.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn checkpoint(&mut self) -> Result<Checkpoint> {
        head(&mut self.connection)
    }

    /// Walks the whole journal, and finds whatever of it was edited, deleted, inserted, put in another order or cut
    /// off; the last only when `earlier` was taken of it and kept elsewhere. Needs no key. Reads a thousand changes at
    /// a time.
    ///
    /// # Errors
    /// Kind `Corrupt` naming the first entry that is not what was written; others when the store cannot be asked.
    pub fn verify(&mut self, earlier: Option<&Checkpoint>) -> Result<Checkpoint> {
        let connection = &mut self.connection;
        connection.begin_reading()?;
        let walked = walk(connection, earlier);
        connection.roll_back();
        walked
    }
}

/// [`Store::verify`], at one moment.
fn walk(connection: &mut Connection, earlier: Option<&Checkpoint>) -> Result<Checkpoint> {
    let mut walk = Walk { prev: BEGINNING, cut: 0, seq: 0, purged: BTreeMap::new() };
    let pass = |walk: &Walk| match earlier {
        Some(checkpoint) if checkpoint.cuts == walk.cut => walk.require(checkpoint),
        _ => Ok(()),
    };
    pass(&walk)?;
    loop {
        let rows = connection.rows(CUTS_AFTER, values![stored(walk.cut)?])?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            walk.cut(connection, row)?;
            pass(&walk)?;
        }
    }
    let end = Checkpoint { cuts: walk.cut, changes: walk.seq, hash: walk.prev };
    if let Some(cut) = earlier.map(|checkpoint| checkpoint.cuts).filter(|cuts| *cuts > walk.cut) {
        return Err(damaged(format!("cut {cut}"), "is missing: the journal was cut off before it"));
    }
    let rows = connection.row(COUNTED, Vec::new())?.ok_or_else(strange)?;
    if head(connection)? != end || (rows.count(0)?, rows.count(1)?) != (end.cuts, end.changes) {
        return Err(damaged(format!("cut {}", end.cuts), "is not the last, as the head of the journal says"));
    }
    require_streams(connection)?;
    require_purges(connection, walk.purged)?;
    Ok(end)
}

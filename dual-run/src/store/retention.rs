//! What becomes of payloads when they are no longer needed: they go, and the chain stays.

use std::collections::BTreeMap;

use bron_mappings::{Digest, DigestBuilder};
use jiff::Timestamp;

use super::Store;
use super::chain::{BEGINNING, damaged, optional};
use super::connection::{Connection, stored, values};
use super::journal::CutHead;
use crate::change::CutId;
use crate::error::Result;
use crate::scope::Scope;

const PLACE: &str = "UPDATE bridge_change SET scope = $1 WHERE seq >= $2 AND seq <= $3";
const PURGE: &str = "UPDATE bridge_change SET payload = NULL, purge = $1 WHERE payload IS NOT NULL AND cut <= $2 \
     AND ($3 IS NULL OR substr(scope, 1, length($3) + 1) = $3 || '/') \
     AND ($4 IS NULL OR cut IN (SELECT c.cut FROM bridge_cut AS c WHERE c.captured_at < $4))";
const PURGED: &str = "SELECT seq FROM bridge_change WHERE purge = $1 AND seq > $2 ORDER BY seq LIMIT 10000";
const LAST_PURGE: &str = "SELECT purge, hash FROM bridge_purge ORDER BY purge DESC LIMIT 1";
const INSERT_PURGE: &str = "INSERT INTO bridge_purge (purge, area, through, captured_before, at, decided_by, changes, \
     seqs, prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

const PURGES: &str = "SELECT purge, area, through, captured_before, at, decided_by, changes, seqs, prev_hash, hash \
     FROM bridge_purge ORDER BY purge";

/// Which payloads may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purge {
    /// The verksamhetsområde; every one, and what was never given to one, when `None`.
    pub area: Option<String>,
    /// The last cut that both sides were verified after.
    pub through: CutId,
    /// Only cuts that were captured before.
    pub captured_before: Option<Timestamp>,
    /// When it was decided.
    pub at: Timestamp,
    /// By whom.
    pub decided_by: String,
}

/// The digest that the numbers of purged changes are collected in.
pub(super) fn seqs_of_purge() -> DigestBuilder {
    DigestBuilder::new("bron/bridge/purged/1")
}

/// One purge, as it was decided and what it came to.
struct StoredPurge {
    number: u64,
    area: Option<String>,
    through: u64,
    captured_before: Option<i64>,
    at: i64,
    decided_by: String,
    changes: u64,
    seqs: Digest,
}

impl StoredPurge {
    fn hash(&self, prev: &Digest) -> Digest {
        let mut builder = DigestBuilder::new("bron/bridge/purge/1");
        builder.part(prev.as_bytes());
        for number in [self.number, self.through, self.changes] {
            builder.part(&number.to_be_bytes());
        }
        optional(&mut builder, self.area.as_ref());
        optional(&mut builder, self.captured_before.map(i64::to_be_bytes));
        builder.part(&self.at.to_be_bytes()).part(self.decided_by.as_bytes()).part(self.seqs.as_bytes());
        builder.finish()
    }
}

impl Store {
    /// Notes the scopes that changes of a cut belong to, by their place in it from 0: retention goes by area. Not a
    /// part of the chain, because it follows from the payload and the mappings.
    ///
    /// # Errors
    /// Kind `Fenced` when the lease is lost; others when the store cannot be written.
    pub fn place_changes(&mut self, cut: &CutHead, scopes: &BTreeMap<u64, Scope>) -> Result<()> {
        let mut runs: Vec<(u64, u64, &Scope)> = Vec::new();
        for (place, scope) in scopes.iter().filter(|(place, _)| **place < cut.changes) {
            match runs.last_mut() {
                Some((_, last, of)) if *last + 1 == *place && *of == scope => *last = *place,
                Some(_) | None => runs.push((*place, *place, scope)),
            }
        }
        self.write_record(|connection, _| {
            for (first, last, scope) in runs {
                let (first, last) = (stored(cut.first_seq + first)?, stored(cut.first_seq + last)?);
                connection.execute(PLACE, values![scope.to_string(), first, last])?;
            }
            Ok(())
        })
    }

    /// Removes payloads and leaves their digests, keys' digests and positions, so that the chain still verifies.
    /// The purge is an entry of a chain of its own. Gives the number of payloads that went.
    ///
    /// The caller sees to it that both sides were verified after `through`.
    ///
    /// # Errors
    /// Kind `Fenced` when the lease is lost; others when the store cannot be written.
    pub fn purge(&mut self, purge: &Purge) -> Result<u64> {
        let purged = self.write_record(|connection, _| {
            let last = connection.row(LAST_PURGE, Vec::new())?;
            let (number, prev) = match last {
                Some(row) => (row.count(0)? + 1, row.digest(1)?),
                None => (1, BEGINNING),
            };
            let before = purge.captured_before.map(Timestamp::as_microsecond);
            let wanted = values![stored(number)?, stored(purge.through.0)?, purge.area.clone(), before];
            let changes = connection.execute(PURGE, wanted)?;
            let made = StoredPurge {
                number,
                area: purge.area.clone(),
                through: purge.through.0,
                captured_before: before,
                at: purge.at.as_microsecond(),
                decided_by: purge.decided_by.clone(),
                changes,
                seqs: purged_seqs(connection, number)?,
            };
            insert_purge(connection, &made, prev)?;
            Ok(changes)
        })?;
        // The purge is committed. A log that cannot be folded now is folded when the store is closed.
        drop(self.connection.fold());
        Ok(purged)
    }
}

fn purged_seqs(connection: &mut Connection, number: u64) -> Result<Digest> {
    let (mut builder, mut last) = (seqs_of_purge(), 0);
    loop {
        let rows = connection.rows(PURGED, values![stored(number)?, stored(last)?])?;
        if rows.is_empty() {
            return Ok(builder.finish());
        }
        for row in rows {
            last = row.count(0)?;
            builder.part(&last.to_be_bytes());
        }
    }
}

fn insert_purge(connection: &mut Connection, purge: &StoredPurge, prev: Digest) -> Result<()> {
    let values = values![
        stored(purge.number)?,
        purge.area.clone(),
        stored(purge.through)?,
        purge.captured_before,
        purge.at,
        purge.decided_by.as_str(),
        stored(purge.changes)?,
        purge.seqs,
        prev,
        purge.hash(&prev),
    ];
    connection.execute(INSERT_PURGE, values).map(|_| ())
}

/// Whether the payloads that are missing, by purge, are those that purges took.
pub(super) fn require_purges(
    connection: &mut Connection,
    mut taken: BTreeMap<u64, (u64, DigestBuilder)>,
) -> Result<()> {
    let mut prev = BEGINNING;
    for (row, number) in connection.rows(PURGES, Vec::new())?.iter().zip(1_u64..) {
        let purge = StoredPurge {
            number: row.count(0)?,
            area: row.maybe_text(1)?,
            through: row.count(2)?,
            captured_before: row.maybe_int(3)?,
            at: row.int(4)?,
            decided_by: row.text(5)?,
            changes: row.count(6)?,
            seqs: row.digest(7)?,
        };
        let place = format!("purge {number}");
        let hash = purge.hash(&prev);
        if purge.number != number || row.digest(8)? != prev || row.digest(9)? != hash {
            return Err(damaged(place, "was changed"));
        }
        let (count, seqs) = taken.remove(&number).unwrap_or_else(|| (0, seqs_of_purge()));
        if count != purge.changes || seqs.finish() != purge.seqs {
            return Err(damaged(place, "did not take the payloads that are missing"));
        }
        prev = hash;
    }
    if let Some(number) = taken.keys().next() {
        return Err(damaged(format!("purge {number}"), "is missing, and payloads with it"));
    }
    Ok(())
}

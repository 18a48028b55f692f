//! What was kept of legacy rows when they were mapped, so that they can be written back, and the keys that rows born
//! in the new model got in legacy.

use std::collections::{BTreeMap, BTreeSet};

use bron_extract::RecordSeal;
use bron_mappings::{Digest, EntityId, SourceKey};
use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::connection::{Connection, Row, Value, stored, strange, values};
use super::payload::{Reader, Writer};
use super::{Store, key_digest, sealed, unsealed};
use crate::change::{CutId, Image, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::scope::Scope;

/// Keys that one statement asks for.
const AT_ONCE: usize = 500;

const KEPT: &str = "SELECT row_key, payload FROM bridge_kept WHERE row_key IN";
const KEEP: &str = "INSERT INTO bridge_kept (row_key, cut, gone, payload)";
const IN_THE_PLACE: &str = "ON CONFLICT (row_key) DO UPDATE SET cut = excluded.cut, gone = excluded.gone, \
     payload = excluded.payload";
const HEAD: &str = "SELECT cut FROM bridge_head WHERE one = 1";
const UNBIND: &str = "DELETE FROM bridge_term WHERE row_key IN";
const BIND: &str = "INSERT INTO bridge_term (term, asks, row_key)";
const OFFERING: &str = "SELECT DISTINCT k.row_key, k.payload FROM bridge_term AS t \
     JOIN bridge_kept AS k ON k.row_key = t.row_key WHERE t.asks = 0 AND t.term IN";
const ASKING: &str = "SELECT DISTINCT k.row_key, k.payload FROM bridge_term AS t \
     JOIN bridge_kept AS k ON k.row_key = t.row_key WHERE t.asks = 1 AND t.term IN";
const FORGET_TERMS: &str = "DELETE FROM bridge_term WHERE row_key IN \
     (SELECT row_key FROM bridge_kept WHERE gone = 1 AND cut <= $1)";
const FORGET: &str = "DELETE FROM bridge_kept WHERE gone = 1 AND cut <= $1";
const FIND_BORN: &str = "SELECT model, payload FROM bridge_born WHERE model = $1 OR legacy = $2";
const LIST_BORN: &str = "SELECT model, payload FROM bridge_born ORDER BY model";
const BEAR: &str = "INSERT INTO bridge_born (model, legacy, payload, at) VALUES ($1, $2, $3, $4)";
const RESERVE: &str = "INSERT INTO bridge_range (source, source_table, next, beyond) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (source, source_table) DO UPDATE SET next = excluded.next, beyond = excluded.beyond \
     WHERE excluded.next >= bridge_range.next";
const ALLOCATE: &str = "UPDATE bridge_range SET next = next + 1 WHERE source = $1 AND source_table = $2 \
     AND next < beyond RETURNING next - 1";

/// A legacy row as it was mapped last, and what it became: the complement of the rows of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRow {
    /// The version of the state.
    pub version: Version,
    /// The row; `None` is a tombstone, kept until no seed can bring an older state of the row.
    pub image: Option<Image>,
    /// The terms by which other rows, and rows of the model, find it: keyed digests, that say nothing alone.
    pub offers: BTreeSet<Digest>,
    /// The terms of the rows that it rests on.
    pub asks: BTreeSet<Digest>,
    /// The rows of the model that it became.
    pub became: BTreeMap<SourceKey, Image>,
    /// The scope that it belongs to.
    pub scope: Scope,
    /// What is parked when something is wrong with it.
    pub aggregate: String,
}

/// A row that was born in the new model, and was given a legacy key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BornRow {
    /// The entity.
    pub entity: String,
    /// The id that the row has, and keeps.
    pub id: EntityId,
    /// The id that the mapping derives from its legacy key.
    pub derived: EntityId,
    /// The legacy row.
    pub key: SourceKey,
}

/// `head` with as many places for values as there are keys.
fn among(head: &str, keys: usize) -> AssertSqlSafe<String> {
    let places: Vec<String> = (1..=keys).map(|place| format!("${place}")).collect();
    AssertSqlSafe(format!("{head} ({})", places.join(",")))
}

fn asked(digests: &[Digest]) -> Vec<Value> {
    digests.iter().map(|digest| Value::from(*digest)).collect()
}

fn place_of(key: &Digest) -> String {
    format!("kept/{key}")
}

fn seal_row(seal: &RecordSeal, digest: &Digest, (key, row): (&SourceKey, &KeptRow)) -> Result<Vec<u8>> {
    let mut writer = Writer::default();
    writer.key(key);
    writer.version(row.version);
    writer.image(row.image.as_ref());
    writer.digests(&row.offers);
    writer.digests(&row.asks);
    writer.images(&row.became);
    writer.string(&row.scope.to_string());
    writer.string(&row.aggregate);
    sealed(seal, &place_of(digest), &writer.finish())
}

fn open_row(seal: &RecordSeal, row: &Row) -> Result<(Digest, SourceKey, KeptRow)> {
    let digest = row.digest(0)?;
    let payload = unsealed(seal, &place_of(&digest), &row.bytes(1)?)?;
    let mut reader = Reader::new(&payload);
    let key = reader.key()?;
    let kept = KeptRow {
        version: reader.version()?,
        image: reader.image()?,
        offers: reader.digests()?,
        asks: reader.digests()?,
        became: reader.images()?,
        scope: Scope::parse(&reader.string()?).ok_or_else(strange)?,
        aggregate: reader.string()?,
    };
    reader.finish()?;
    Ok((digest, key, kept))
}

impl Store {
    /// Keeps rows in the place of what was known of them: all or none. Each is stamped with the last cut of the
    /// journal.
    ///
    /// # Errors
    /// Kind `Fenced` when the lease is lost; others when the store cannot be written.
    pub fn keep(&mut self, rows: &BTreeMap<SourceKey, KeptRow>) -> Result<()> {
        self.write_record(|connection, seal| {
            let cut = connection.number(HEAD, Vec::new())?;
            let (mut digests, mut kept, mut bound) = (Vec::new(), Vec::new(), Vec::new());
            for (key, row) in rows {
                let digest = key_digest(seal, key);
                let payload = seal_row(seal, &digest, (key, row))?;
                digests.push(digest);
                kept.push(values![digest, cut, row.image.is_none(), payload]);
                let asks = row.asks.iter().map(|term| values![*term, true, digest]);
                bound.extend(row.offers.iter().map(|term| values![*term, false, digest]).chain(asks));
            }
            for some in digests.chunks(AT_ONCE) {
                connection.execute(among(UNBIND, some.len()), asked(some))?;
            }
            connection.insert(KEEP, IN_THE_PLACE, kept)?;
            connection.insert(BIND, "", bound).map(|_| ())
        })
    }

    /// What was kept of these legacy rows, in the order of the keys; `None` where nothing was.
    ///
    /// # Errors
    /// When the store cannot be asked; kind `Corrupt` when a row does not open.
    pub fn kept(&mut self, keys: &[SourceKey]) -> Result<Vec<Option<KeptRow>>> {
        let digests: Vec<Digest> = keys.iter().map(|key| key_digest(&self.seal, key)).collect();
        let different: BTreeSet<Digest> = digests.iter().copied().collect();
        let found = self.found(KEPT, &different)?;
        Ok(digests.iter().map(|digest| found.get(digest).map(|(_, kept)| kept.clone())).collect())
    }

    /// The rows that offer one of these terms.
    ///
    /// # Errors
    /// As [`Store::kept`].
    pub fn offering(&mut self, terms: &BTreeSet<Digest>) -> Result<BTreeSet<SourceKey>> {
        Ok(self.found(OFFERING, terms)?.into_values().map(|(key, _)| key).collect())
    }

    /// The rows that ask one of these terms.
    ///
    /// # Errors
    /// As [`Store::kept`].
    pub fn asking(&mut self, terms: &BTreeSet<Digest>) -> Result<BTreeSet<SourceKey>> {
        Ok(self.found(ASKING, terms)?.into_values().map(|(key, _)| key).collect())
    }

    fn found(
        &mut self,
        head: &str,
        digests: &BTreeSet<Digest>,
    ) -> Result<BTreeMap<Digest, (SourceKey, KeptRow)>> {
        let digests: Vec<Digest> = digests.iter().copied().collect();
        let mut found = BTreeMap::new();
        for some in digests.chunks(AT_ONCE) {
            for row in self.connection.rows(among(head, some.len()), asked(some))? {
                let (digest, key, kept) = open_row(&self.seal, &row)?;
                found.insert(digest, (key, kept));
            }
        }
        Ok(found)
    }

    /// Forgets tombstones that were kept up to a cut: when the seeds are complete, nothing can bring back an older
    /// state of those rows. Gives their number.
    ///
    /// # Errors
    /// Kind `Fenced` when the lease is lost.
    pub fn forget_tombstones(&mut self, through: CutId) -> Result<u64> {
        let through = stored(through.0)?;
        self.write_record(|connection, _| {
            connection.execute(FORGET_TERMS, values![through])?;
            connection.execute(FORGET, values![through])
        })
    }

    /// Every row that was born in the new model, in no order that means anything.
    ///
    /// # Errors
    /// As [`Store::kept`].
    pub fn born(&mut self) -> Result<Vec<BornRow>> {
        let rows = self.connection.rows(LIST_BORN, Vec::new())?;
        rows.iter().map(|row| open_born(&self.seal, row)).collect()
    }

    /// Remembers for good the legacy key of a row that was born in the new model. The same once more changes nothing.
    ///
    /// # Errors
    /// Kind `Refused` when one of the two is paired with another row.
    pub fn bear(&mut self, born: &BornRow, at: Timestamp) -> Result<()> {
        self.write_record(|connection, seal| {
            let name = format!("{}/{}", born.entity, born.id);
            let (model, legacy) = (seal.digest("born", name.as_bytes()), key_digest(seal, &born.key));
            let found = connection.rows(FIND_BORN, values![model, legacy])?;
            for row in &found {
                if open_born(seal, row)? != *born {
                    let text = "a row of the model or of legacy is paired with another row";
                    return Err(Error::new(ErrorKind::Refused, text));
                }
            }
            if !found.is_empty() {
                return Ok(());
            }
            let mut writer = Writer::default();
            for text in [&born.entity, &born.id.to_string(), &born.derived.to_string()] {
                writer.string(text);
            }
            writer.key(&born.key);
            let payload = sealed(seal, &place_of_born(&model), &writer.finish())?;
            connection.execute(BEAR, values![model, legacy, payload, at.as_microsecond()]).map(|_| ())
        })
    }

    /// Reserves the numbers from `first` up to before `end` as keys of new rows of a table. What is left of a range
    /// that was reserved before is given up.
    ///
    /// # Errors
    /// Kind `Refused` when the range begins below numbers that may have been given.
    pub fn reserve(&mut self, system: &str, table: &str, first: u64, end: u64) -> Result<()> {
        let values = values![system, table, stored(first)?, stored(end)?];
        self.write_record(|connection, _| {
            if connection.execute(RESERVE, values)? == 1 {
                return Ok(());
            }
            let text = format!("{system}: the range for {table} begins below numbers that were given");
            Err(Error::new(ErrorKind::Refused, text))
        })
    }

    /// A text for the one column of the key of a table, from the range that was reserved for it: never given twice.
    /// `None` when nothing is left.
    ///
    /// # Errors
    /// Kind `Fenced` when the lease is lost.
    pub fn allocate(&mut self, system: &str, table: &str) -> Result<Option<String>> {
        self.write_record(|connection, _| allocate(connection, values![system, table]))
    }
}

fn allocate(connection: &mut Connection, table: Vec<Value>) -> Result<Option<String>> {
    connection.row(ALLOCATE, table)?.map(|row| Ok(row.count(0)?.to_string())).transpose()
}

fn place_of_born(model: &Digest) -> String {
    format!("born/{model}")
}

fn open_born(seal: &RecordSeal, row: &Row) -> Result<BornRow> {
    let payload = unsealed(seal, &place_of_born(&row.digest(0)?), &row.bytes(1)?)?;
    let mut reader = Reader::new(&payload);
    let entity = reader.string()?;
    let mut id = || EntityId::parse(&reader.string()?).ok_or_else(strange);
    let (id, derived) = (id()?, id()?);
    let born = BornRow { entity, id, derived, key: reader.key()? };
    reader.finish()?;
    Ok(born)
}

//! Many rows of the model at once: through staging tables, compared, and then written by sets.
//!
//! What is written, and what stops it, is what writing row by row gives: every row that is there is read, held and
//! compared first. When the database refuses a set, or writes another number of rows, the cut is begun again row by
//! row.

use std::collections::{BTreeMap, BTreeSet};

use bron_load::{Dialect, Ended};
use bron_mappings::SourceKey;
use bron_transform::SourceText;
use futures_util::TryStreamExt;
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::{PostgresLine, handed_over, place_of, row_values};
use crate::change::{Image, Version};
use crate::error::Result;
use crate::follower::{ApplyWork, Expected, Met, RowWrite};
use crate::followers::applying::{Stop, Tried};
use crate::followers::control::{COPY_APPLIED, NOTE_APPLIED_MANY, STAGE_APPLIED};
use crate::followers::line::{Answered, Bound, Line};
use crate::followers::rows::{Act, Rows, stored};
use crate::followers::statements::{SetStatements, select_many};
use crate::followers::table::{Table, Tables};

/// From so many rows on sets are faster.
const MANY: usize = 48;
/// The bytes that are handed over at a time.
const CHUNK_BYTES: usize = 256 * 1024;
/// The signature of binary COPY, no flags and no header extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// The rows of one table, by their place in the work.
struct Set<'w> {
    table: &'w Table,
    statements: SetStatements,
    writes: BTreeMap<usize, &'w RowWrite>,
    /// How many rows are inserted, updated and deleted.
    acts: BTreeMap<&'static str, u64>,
}

/// Rows as they are, in the order of the keys.
pub(super) async fn rows(
    line: &mut PostgresLine,
    tables: &Tables,
    keys: &[SourceKey],
) -> Tried<Vec<Option<Image>>> {
    let mut all = vec![None; keys.len()];
    let mut by_table: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (place, key) in keys.iter().enumerate() {
        by_table.entry((key.system(), key.table())).or_default().push(place);
    }
    for places in by_table.into_values() {
        let table = tables.of(&keys[places[0]])?;
        let mut lists = vec![Vec::with_capacity(places.len()); table.key.len()];
        for place in &places {
            for (list, value) in lists.iter_mut().zip(keys[*place].values()) {
                list.push(value.map(str::to_owned));
            }
        }
        let values = lists.into_iter().map(Bound::Texts).collect();
        let found = line.fetch(&select_many(table), values).await;
        for mut row in found.map_err(|error| Stop::driver(error, &format!("table {}", table.name)))? {
            let place = place_of(&row).and_then(|place| places.get(place));
            if let Some(place) = place {
                all[*place] = Some(table.image(row.split_off(1), Dialect::Postgres));
            }
        }
    }
    Ok(all)
}

/// Writes the rows of a cut by sets, with the ledger; `None`, with nothing done, when they are few, of legacy tables,
/// or one of them stands there twice.
pub(super) async fn write(rows: &mut Rows<'_, PostgresLine>, work: &ApplyWork) -> Tried<Option<Vec<Met>>> {
    let Some(mut sets) = sets_of(rows.tables, work)? else { return Ok(None) };
    let mut met = Vec::new();
    for set in &mut sets {
        met.extend(set.hold(rows).await?);
    }
    if !met.is_empty() {
        met.sort_by_key(|met| met.write);
        return Ok(Some(met));
    }
    for set in &sets {
        set.upsert(rows).await?;
    }
    for set in sets.iter().rev() {
        set.delete(rows).await?;
    }
    note(rows, work).await.map(|()| Some(met))
}

/// The rows by table, in the order in which the tables come in the work: parents before children.
fn sets_of<'w>(tables: &'w Tables, work: &'w ApplyWork) -> Result<Option<Vec<Set<'w>>>> {
    if work.writes.len() < MANY {
        return Ok(None);
    }
    let mut sets: Vec<Set<'w>> = Vec::new();
    let mut keys = BTreeSet::new();
    for (place, write) in work.writes.iter().enumerate() {
        let table = tables.of(&write.key)?;
        let is_one_value = write.key.values().len() == 1;
        let is_nothing = write.after.is_none() && write.expected == Expected::Absent;
        if !table.is_of_model() || !is_one_value || is_nothing || !keys.insert(&write.key) {
            return Ok(None);
        }
        let known = sets.iter().position(|set| set.table.name == table.name);
        let at = known.unwrap_or_else(|| {
            let (statements, writes) = (SetStatements::new(table), BTreeMap::new());
            sets.push(Set { table, statements, writes, acts: BTreeMap::new() });
            sets.len() - 1
        });
        sets[at].writes.insert(place, write);
    }
    Ok(Some(sets))
}

/// What is done with a row, as the staging table names it.
fn act(write: &RowWrite) -> &'static str {
    match (&write.expected, &write.after) {
        (Expected::Absent, _) => "i",
        (Expected::Content(_), Some(_)) => "u",
        (Expected::Content(_), None) => "d",
    }
}

impl Set<'_> {
    fn failed(&self) -> impl Fn(sqlx::Error) -> Stop + '_ {
        |error| Stop::driver(error, &format!("table {}", self.table.name))
    }

    /// Stages the rows, and reads, holds and compares those that are there.
    async fn hold(&mut self, rows: &mut Rows<'_, PostgresLine>) -> Tried<Vec<Met>> {
        let line = &mut *rows.line;
        line.execute(&self.statements.stage, Vec::new()).await.map_err(self.failed())?;
        self.copy(&mut line.0).await.map_err(self.failed())?;
        line.execute(&self.statements.analyze, Vec::new()).await.map_err(self.failed())?;
        let (mut met, mut same, mut found) = (Vec::new(), Vec::new(), BTreeSet::new());
        let query = sqlx::query_with::<Postgres, _>(
            AssertSqlSafe(self.statements.hold.clone()),
            handed_over(Vec::new()),
        );
        let mut there = query.persistent(false).fetch(&mut line.0);
        let mut removed = Vec::new();
        while let Some(row) = there.try_next().await.map_err(self.failed())? {
            let mut values = row_values(&row).map_err(self.failed())?;
            let Some((place, write)) = place_of(&values).and_then(|place| self.writes.get_key_value(&place))
            else {
                continue;
            };
            let image = self.table.image(values.split_off(1), Dialect::Postgres);
            found.insert(*place);
            if write.expected != Expected::Content(image.digest()) {
                met.push(Met { write: *place, current: Some(image), constraint: None });
            } else if write.after.as_ref() == Some(&image) {
                same.push(*place);
            } else if write.after.is_none() {
                removed.push(image);
            }
        }
        drop(there);
        let missing = self.writes.iter().filter(|(place, write)| act(write) != "i" && !found.contains(place));
        met.extend(missing.map(|(place, _)| Met { write: *place, current: None, constraint: None }));
        self.leave(rows, &same).await?;
        self.count(rows, &same, &removed);
        Ok(met)
    }

    /// Leaves out the rows that are what they shall be.
    async fn leave(&self, rows: &mut Rows<'_, PostgresLine>, same: &[usize]) -> Tried<()> {
        if same.is_empty() {
            return Ok(());
        }
        let places = same.iter().map(|place| stored_place(*place)).collect();
        let left = rows.line.execute(&self.statements.leave, vec![Bound::Wholes(places)]).await;
        left.map(drop).map_err(self.failed())
    }

    fn count(&mut self, rows: &mut Rows<'_, PostgresLine>, same: &[usize], removed: &[Image]) {
        let same: BTreeSet<&usize> = same.iter().collect();
        for (place, write) in &self.writes {
            if same.contains(place) {
                continue;
            }
            let name = act(write);
            *self.acts.entry(name).or_default() += 1;
            if let Some(after) = &write.after {
                rows.count(self.table, after, if name == "i" { Act::Insert } else { Act::Update });
            }
        }
        for image in removed {
            rows.count(self.table, image, Act::Delete);
        }
    }

    /// Takes the rows into the staging table.
    async fn copy(&self, connection: &mut PgConnection) -> Answered<()> {
        let mut copying = connection
            .copy_in_raw(AssertSqlSafe(self.statements.copy.clone()).into_sql_str().as_str())
            .await?;
        let width = i16::try_from(self.table.columns.len() + 2).expect("a table has fewer than 1600 columns");
        let mut out = HEADER.to_vec();
        for (place, write) in &self.writes {
            out.extend_from_slice(&width.to_be_bytes());
            let place = i32::try_from(place + 1).expect("a cut has fewer than 2^31 rows");
            push_field(&mut out, Some(&place.to_be_bytes()));
            push_field(&mut out, Some(act(write).as_bytes()));
            let texts = write.after.as_ref().map(Image::columns);
            for (at, column) in self.table.columns.iter().enumerate() {
                let field = match texts {
                    Some(texts) => texts.get(&column.described.name).map(bytes_of),
                    None => write.key.values()[0].filter(|_| at == 0).map(str::as_bytes),
                };
                push_field(&mut out, field);
            }
            if out.len() >= CHUNK_BYTES {
                copying.send(std::mem::take(&mut out)).await?;
            }
        }
        out.extend_from_slice(&TRAILER);
        copying.send(out).await?;
        copying.finish().await.map(drop)
    }

    async fn upsert(&self, rows: &mut Rows<'_, PostgresLine>) -> Tried<()> {
        let run = Bound::text(&rows.run);
        if let Some(count) = self.acts.get("u") {
            self.keep(rows, "u", Ended::Replaced).await?;
            self.exactly(rows, &self.statements.update, vec![run.clone()], *count).await?;
        }
        match self.acts.get("i") {
            Some(count) => self.exactly(rows, &self.statements.insert, vec![run], *count).await,
            None => Ok(()),
        }
    }

    async fn delete(&self, rows: &mut Rows<'_, PostgresLine>) -> Tried<()> {
        let Some(count) = self.acts.get("d") else { return Ok(()) };
        self.keep(rows, "d", Ended::Gone).await?;
        self.exactly(rows, &self.statements.delete, Vec::new(), *count).await
    }

    async fn keep(&self, rows: &mut Rows<'_, PostgresLine>, act: &str, because: Ended) -> Tried<()> {
        let ordinal = rows.ordinal().await?;
        let values = vec![
            Bound::text(&rows.run),
            Bound::text(act),
            Bound::text(because.code()),
            Bound::Whole(ordinal),
        ];
        rows.line.execute(&self.statements.keep, values).await.map(drop).map_err(self.failed())
    }

    async fn exactly(
        &self,
        rows: &mut Rows<'_, PostgresLine>,
        sql: &str,
        values: Vec<Bound>,
        count: u64,
    ) -> Tried<()> {
        let done = rows.line.execute(sql, values).await.map_err(self.failed())?;
        if done == count { Ok(()) } else { Err(Stop::Miscounted) }
    }
}

/// Notes the rows of a cut, and what is settled, in the ledger.
async fn note(rows: &mut Rows<'_, PostgresLine>, work: &ApplyWork) -> Tried<()> {
    let failed = |error| Stop::driver(error, "table bridge_applied");
    rows.line.script(STAGE_APPLIED).await.map_err(failed)?;
    let written = work.writes.iter().map(|write| {
        let content = write.after.as_ref().map(Image::digest);
        (&write.cause, &write.key, write.version, content)
    });
    let settled = work.settled.iter().map(|(cause, version)| (cause, cause, *version, None));
    // One entry for a row and a cause, the last of them.
    let mut entries = BTreeMap::new();
    for (cause, key, version, content) in written.chain(settled) {
        entries.insert((cause, key), (version, content));
    }
    let mut copying = rows.line.0.copy_in_raw(COPY_APPLIED).await.map_err(failed)?;
    let mut out = HEADER.to_vec();
    for ((cause, key), (version, content)) in entries {
        out.extend_from_slice(&5_i16.to_be_bytes());
        push_field(&mut out, Some(cause.as_bytes()));
        push_field(&mut out, Some(key.as_bytes()));
        for number in halves(version)? {
            push_field(&mut out, Some(&number.to_be_bytes()));
        }
        push_field(&mut out, content.as_ref().map(|content| &content.as_bytes()[..]));
        if out.len() >= CHUNK_BYTES {
            copying.send(std::mem::take(&mut out)).await.map_err(failed)?;
        }
    }
    out.extend_from_slice(&TRAILER);
    copying.send(out).await.map_err(failed)?;
    copying.finish().await.map_err(failed)?;
    let values = vec![Bound::text(&rows.stream.source), Bound::text(rows.stream.from.name())];
    rows.line.execute(NOTE_APPLIED_MANY, values).await.map(drop).map_err(failed)
}

fn halves(version: Version) -> Result<[i64; 2]> {
    Ok([stored(version.major)?, stored(version.minor)?])
}

fn stored_place(place: usize) -> i64 {
    i64::try_from(place + 1).expect("a cut has fewer than 2^63 rows")
}

fn bytes_of(text: &SourceText) -> &[u8] {
    match text {
        SourceText::Text(text) => text.as_bytes(),
        SourceText::Bytes(bytes) => bytes,
    }
}

fn push_field(out: &mut Vec<u8>, field: Option<&[u8]>) {
    let length = field.map_or(-1, |field| i32::try_from(field.len()).expect("a value is shorter than 2 GiB"));
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(field.unwrap_or_default());
}

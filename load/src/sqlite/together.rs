//! Writing several parts of an entity in one transaction, while all their rows are new.
//!
//! Each part is sorted by id, but the ids of one part lie between those of another. A part that is written alone
//! touches, and has flushed twice, almost every page of the table for a row or two. Parts that are written together,
//! in the order of all their ids, touch each page once for all of them.

use std::sync::Arc;

use bron_mappings::{Batch, Cells};
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

use super::retire;
use super::write::{Binder, execute, receipt};
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::sink::{Counts, PartId, Receipt, RunIds};
use crate::sql;
use crate::sql::sqlite::WriteStatements;

/// The most parts that are written together: the rows of all of them are in memory.
pub(super) const PARTS: usize = 8;

/// Writes parts whose rows are all new, with a receipt for each. `None`, with nothing written, when a part has its
/// receipt or a row is there: whoever writes them one by one finds out what to do about it.
pub(super) async fn parts(
    connection: &mut SqliteConnection,
    layout: &Layout,
    parts: &[(PartId, Batch)],
    run: &RunIds,
) -> Result<Option<Vec<Receipt>>> {
    let failed = |error: sqlx::Error| {
        let (first, last) = (&parts[0].0.part, &parts[parts.len() - 1].0.part);
        Error::of(&error, format!("{first} to {last} of table {}", layout.table))
    };
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    for (part, _) in parts {
        let earlier = sqlx::query(sql::FIND_RECEIPT).bind(&run.load_run_id).bind(&part.entity);
        let earlier = earlier.bind(&part.part).fetch_optional(&mut *transaction);
        if earlier.await.map_err(failed)?.is_some() {
            return Ok(None);
        }
    }
    retire::ordinal(&mut transaction, run).await.map_err(failed)?;
    let batches: Vec<&Batch> = parts.iter().map(|(_, batch)| batch).collect();
    if !insert(&mut transaction, layout, &batches, run).await.map_err(failed)? {
        return Ok(None);
    }
    let mut receipts = Vec::with_capacity(parts.len());
    for (part, batch) in parts {
        let rows = u64::try_from(batch.rows()).expect("a batch has fewer than 2^64 rows");
        let counts = Counts { rows, inserted: rows, ..Counts::default() };
        receipt(&mut transaction, part, counts, run).await.map_err(failed)?;
        receipts.push(Receipt::Written(counts));
    }
    transaction.commit().await.map_err(failed)?;
    Ok(Some(receipts))
}

/// Inserts the rows of all batches in the order of their ids; `false` as soon as one is there.
async fn insert(
    connection: &mut SqliteConnection,
    layout: &Layout,
    batches: &[&Batch],
    run: &RunIds,
) -> std::result::Result<bool, sqlx::Error> {
    let rows = ordered(batches);
    let most = WriteStatements::most_rows(layout);
    let many: Arc<str> = WriteStatements::insert(layout, most).into();
    let one: Arc<str> = WriteStatements::insert(layout, 1).into();
    let whole = rows.len() / most;
    let (many_rows, few_rows) = rows.split_at(whole * most);
    let mut chunks = many_rows.chunks(most).chain(few_rows.chunks(1));
    let mut binder = Binder::new(layout, batches, run);
    let mut bind = |chunk: &[Place]| binder.bind(chunk.iter().map(|place| (place.batch, place.row)));
    let mut next = chunks.next().map(|chunk| (chunk.len(), bind(chunk)));
    while let Some((given, arguments)) = next {
        let text = if given == most { &many } else { &one };
        let inserted = execute(connection, text, arguments);
        // The database has a thread of its own: the next rows are bound while it works.
        let prepare = async { chunks.next().map(|chunk| (chunk.len(), bind(chunk))) };
        let (inserted, prepared) = futures_util::future::join(inserted, prepare).await;
        if inserted? < u64::try_from(given).expect("a statement has few rows") {
            return Ok(false);
        }
        next = prepared;
    }
    Ok(true)
}

/// Where a row stands.
struct Place {
    batch: usize,
    row: usize,
}

/// The rows of all batches in the order of their ids.
fn ordered(batches: &[&Batch]) -> Vec<Place> {
    let id = |cells: &Cells<'_>, row| cells.id(row).unwrap_or_default();
    let mut rows: Vec<([u8; 16], Place)> = Vec::with_capacity(batches.iter().map(|batch| batch.rows()).sum());
    for (batch, cells) in batches.iter().map(|batch| batch.cells(0)).enumerate() {
        rows.extend((0..cells.len()).map(|row| (id(&cells, row), Place { batch, row })));
    }
    // Equal ids end the attempt, in whichever order they come.
    rows.sort_by_key(|(id, _)| *id);
    rows.into_iter().map(|(_, place)| place).collect()
}

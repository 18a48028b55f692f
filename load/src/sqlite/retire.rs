//! Runs in their places, and rows that are retired.

use bron_mappings::EntityId;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection, Row};

use super::write::{push_id, receipt, supersede};
use super::{counts, whole};
use crate::error::{Error, ErrorKind, Result};
use crate::history::{Beginning, Ended, Ending, Retirement, RunEntry, continues, not_ours};
use crate::layout::{Dialect, Layout};
use crate::sink::{Counts, PartId, Receipt, RunIds, replayed};
use crate::sql::history::{
    FIND_ORDINAL, LAST_RUN, LIST_RUNS, LIST_WRITERS, NOTE_PLAN, NUMBER_RUN, RetireStatements,
};
use crate::sql::{self, statement};

/// Ids of one statement; far below the number of parameters that SQLite takes.
const IDS: usize = 500;

fn failed(error: &sqlx::Error) -> Error {
    Error::of(error, "bron_run")
}

fn entry(row: &SqliteRow) -> std::result::Result<RunEntry, sqlx::Error> {
    Ok(RunEntry { ordinal: whole(row.try_get(0)?), load_run_id: row.try_get(1)?, plan: row.try_get(2)? })
}

/// Gives a run its place, a new one when another run came between.
pub(super) async fn register(
    connection: &mut SqliteConnection,
    run: &RunIds,
    beginning: &Beginning,
) -> Result<u64> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(|error| failed(&error))?;
    let ordinal = registered(&mut transaction, run, beginning).await.map_err(|error| failed(&error))?;
    transaction.commit().await.map_err(|error| failed(&error))?;
    Ok(ordinal)
}

async fn registered(
    connection: &mut SqliteConnection,
    run: &RunIds,
    beginning: &Beginning,
) -> std::result::Result<u64, sqlx::Error> {
    let last = sqlx::query(LAST_RUN).fetch_optional(&mut *connection).await?;
    let last = last.as_ref().map(entry).transpose()?;
    let Some(mine) = continues(last.as_ref(), &run.load_run_id) else {
        number(connection, run, beginning).await?;
        return Ok(last.map_or(1, |last| last.ordinal + 1));
    };
    if let Some(plan) = &beginning.plan {
        let ordinal = i64::try_from(mine.ordinal).unwrap_or(i64::MAX);
        sqlx::query(NOTE_PLAN).bind(ordinal).bind(plan).execute(connection).await?;
    }
    Ok(mine.ordinal)
}

async fn number(
    connection: &mut SqliteConnection,
    run: &RunIds,
    beginning: &Beginning,
) -> std::result::Result<(), sqlx::Error> {
    let query = sqlx::query(NUMBER_RUN).bind(&run.load_run_id).bind(&run.extract_run_id);
    let query = query.bind(&beginning.as_of).bind(&beginning.began).bind(&beginning.plan);
    query.execute(connection).await.map(|_| ())
}

/// The place of a run; one that nobody began gets the next.
pub(super) async fn ordinal(
    connection: &mut SqliteConnection,
    run: &RunIds,
) -> std::result::Result<i64, sqlx::Error> {
    let find = || sqlx::query_scalar::<_, Option<i64>>(FIND_ORDINAL).bind(&run.load_run_id);
    if let Some(ordinal) = find().fetch_one(&mut *connection).await? {
        return Ok(ordinal);
    }
    number(connection, run, &Beginning::default()).await?;
    Ok(find().fetch_one(connection).await?.unwrap_or_default())
}

/// When a row ended, first to last; none when there is no history of its entity.
pub(super) async fn endings(
    connection: &mut SqliteConnection,
    layout: &Layout,
    id: &EntityId,
) -> Result<Vec<Ending>> {
    let list = sql::history::list_endings(layout, Dialect::Sqlite);
    let found =
        sqlx::query(statement(&list)).persistent(false).bind(id.to_string()).fetch_all(connection).await;
    match found.map_err(|error| Error::of(&error, sql::history::name(&layout.table))) {
        Ok(rows) => rows.iter().map(|row| ending(row, layout)).collect(),
        Err(error) if error.kind() == ErrorKind::Drift => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn ending(row: &SqliteRow, layout: &Layout) -> Result<Ending> {
    let table = sql::history::name(&layout.table);
    let damaged = || Error::new(ErrorKind::Corrupt, format!("{table} holds an end that is none"));
    let text = |index: usize| row.try_get::<String, _>(index).map_err(|_| damaged());
    let ordinal = row.try_get::<i64, _>(3).ok().and_then(|ordinal| u64::try_from(ordinal).ok());
    Ok(Ending {
        written_by: text(0)?,
        ended_by: text(1)?,
        because: Ended::parse(&text(2)?).ok_or_else(damaged)?,
        ordinal: ordinal.ok_or_else(damaged)?,
    })
}

/// The runs that have written, in their places; none when there are no control tables.
pub(super) async fn runs(connection: &mut SqliteConnection) -> Result<Vec<RunEntry>> {
    for query in [LIST_RUNS, LIST_WRITERS] {
        match sqlx::query(query).fetch_all(&mut *connection).await {
            Ok(rows) => return rows.iter().map(|row| entry(row).map_err(|error| failed(&error))).collect(),
            Err(error) if failed(&error).kind() == ErrorKind::Drift => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok(Vec::new())
}

/// Moves the rows with these ids into the history, with a receipt, in one transaction.
pub(super) async fn part(
    connection: &mut SqliteConnection,
    layout: &Layout,
    part: &PartId,
    ids: &[EntityId],
    retirement: &Retirement,
    run: &RunIds,
) -> Result<Receipt> {
    let failed = |error: sqlx::Error| Error::of(&error, format!("{} of table {}", part.part, layout.table));
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let earlier = sqlx::query(sql::FIND_RECEIPT).bind(&run.load_run_id).bind(&part.entity).bind(&part.part);
    if let Some(row) = earlier.fetch_optional(&mut *transaction).await.map_err(failed)? {
        return replayed(part, row.try_get::<&str, _>(0).map_err(failed)?, counts(&row, 1)?);
    }
    let ordinal = ordinal(&mut transaction, run).await.map_err(failed)?;
    let (mut kept, mut deleted) = (0, 0);
    for ids in ids.chunks(IDS) {
        let moved = chunk(&mut transaction, layout, ids, retirement, run, ordinal).await.map_err(failed)?;
        (kept, deleted) = (kept + moved.0, deleted + moved.1);
    }
    let asked = u64::try_from(ids.len()).expect("a part has fewer than 2^64 rows");
    if kept != asked || deleted != asked {
        return Err(not_ours(layout, retirement, asked, kept.min(deleted)));
    }
    supersede(&mut transaction, part, run).await.map_err(failed)?;
    let counts = Counts { rows: asked, retired: asked, ..Counts::default() };
    receipt(&mut transaction, part, counts, run).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(Receipt::Written(counts))
}

/// Keeps and takes away the rows of some ids; gives how many of each.
async fn chunk(
    connection: &mut SqliteConnection,
    layout: &Layout,
    ids: &[EntityId],
    retirement: &Retirement,
    run: &RunIds,
    ordinal: i64,
) -> std::result::Result<(u64, u64), sqlx::Error> {
    let statements = RetireStatements::sqlite(layout, ids.len());
    let texts: Vec<String> = ids.iter().map(|id| id_text(*id)).collect();
    let mut keep = sqlx::query(statement(&statements.keep))
        .bind(&run.load_run_id)
        .bind(&retirement.system)
        .bind(&retirement.table)
        .bind(retirement.because.code())
        .bind(ordinal);
    let mut delete = sqlx::query(statement(&statements.delete))
        .bind(&run.load_run_id)
        .bind(&retirement.system)
        .bind(&retirement.table);
    for id in &texts {
        (keep, delete) = (keep.bind(id), delete.bind(id));
    }
    let kept = keep.execute(&mut *connection).await?.rows_affected();
    Ok((kept, delete.execute(connection).await?.rows_affected()))
}

fn id_text(id: EntityId) -> String {
    let mut text = String::with_capacity(36);
    push_id(&mut text, *id.as_bytes());
    text
}

//! Runs in their places, rows that are kept before they are overwritten, and rows that are retired.

use bron_mappings::EntityId;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Connection, Row};

use super::write::{Attempt, earlier, settle, supersede, write_receipt};
use super::{Session, whole};
use crate::error::{Error, ErrorKind, Result};
use crate::history::{Beginning, Ended, Ending, Retirement, RunEntry, continues, not_kept, not_ours};
use crate::layout::{Dialect, Layout};
use crate::sink::{Counts, PartId, Receipt, RunIds};
use crate::sql::history::{
    FIND_ORDINAL, LAST_RUN, LIST_RUNS, LIST_WRITERS, NOTE_PLAN, NUMBER_RUN, RetireStatements,
};
use crate::sql::postgres::LOCK;
use crate::sql::{self, statement};

fn failed(error: &sqlx::Error) -> Error {
    Error::of(error, "bron_run")
}

fn entry(row: &PgRow) -> std::result::Result<RunEntry, sqlx::Error> {
    Ok(RunEntry { ordinal: whole(row.try_get(0)?), load_run_id: row.try_get(1)?, plan: row.try_get(2)? })
}

/// Gives a run its place, a new one when another run came between.
pub(super) async fn register(
    connection: &mut PgConnection,
    run: &RunIds,
    beginning: &Beginning,
) -> Result<u64> {
    let mut transaction = connection.begin().await.map_err(|error| failed(&error))?;
    let ordinal = registered(&mut transaction, run, beginning).await.map_err(|error| failed(&error))?;
    transaction.commit().await.map_err(|error| failed(&error))?;
    Ok(ordinal)
}

async fn registered(
    connection: &mut PgConnection,
    run: &RunIds,
    beginning: &Beginning,
) -> std::result::Result<u64, sqlx::Error> {
    lock(connection).await?;
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

/// One run at a time gets a place.
async fn lock(connection: &mut PgConnection) -> std::result::Result<(), sqlx::Error> {
    sqlx::query(LOCK).bind("bron:run").execute(connection).await.map(|_| ())
}

async fn number(
    connection: &mut PgConnection,
    run: &RunIds,
    beginning: &Beginning,
) -> std::result::Result<(), sqlx::Error> {
    let query = sqlx::query(NUMBER_RUN).bind(&run.load_run_id).bind(&run.extract_run_id);
    let query = query.bind(&beginning.as_of).bind(&beginning.began).bind(&beginning.plan);
    query.execute(connection).await.map(|_| ())
}

/// The place of a run; one that nobody began gets the next.
async fn ordinal(connection: &mut PgConnection, run: &RunIds) -> std::result::Result<i64, sqlx::Error> {
    let find = || sqlx::query_scalar::<_, Option<i64>>(FIND_ORDINAL).bind(&run.load_run_id);
    if let Some(ordinal) = find().fetch_one(&mut *connection).await? {
        return Ok(ordinal);
    }
    lock(connection).await?;
    if let Some(ordinal) = find().fetch_one(&mut *connection).await? {
        return Ok(ordinal);
    }
    number(connection, run, &Beginning::default()).await?;
    Ok(find().fetch_one(connection).await?.unwrap_or_default())
}

/// When a row ended, first to last; none when there is no history of its entity.
pub(super) async fn endings(
    connection: &mut PgConnection,
    layout: &Layout,
    id: &EntityId,
) -> Result<Vec<Ending>> {
    let list = sql::history::list_endings(layout, Dialect::Postgres);
    let found =
        sqlx::query(statement(&list)).persistent(false).bind(id.to_string()).fetch_all(connection).await;
    match found.map_err(|error| Error::of(&error, sql::history::name(&layout.table))) {
        Ok(rows) => rows.iter().map(|row| ending(row, layout)).collect(),
        Err(error) if error.kind() == ErrorKind::Drift => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn ending(row: &PgRow, layout: &Layout) -> Result<Ending> {
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
pub(super) async fn runs(connection: &mut PgConnection) -> Result<Vec<RunEntry>> {
    for query in [LIST_RUNS, LIST_WRITERS] {
        match sqlx::query(query).fetch_all(&mut *connection).await {
            Ok(rows) => return rows.iter().map(|row| entry(row).map_err(|error| failed(&error))).collect(),
            Err(error) if failed(&error).kind() == ErrorKind::Drift => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok(Vec::new())
}

/// Keeps the rows that the merge of a staging table is going to overwrite, and locks them. Gives their number, which
/// [`require_kept`] compares with what was overwritten.
pub(super) async fn keep_replaced(
    connection: &mut PgConnection,
    keep: &std::sync::Arc<str>,
    run: &RunIds,
) -> std::result::Result<u64, sqlx::Error> {
    let ordinal = ordinal(connection, run).await?;
    // Not kept prepared, as the merge.
    let query = sqlx::query(statement(keep)).persistent(false).bind(&run.load_run_id).bind(ordinal);
    query.execute(connection).await.map(|done| done.rows_affected())
}

/// Refuses to overwrite a row that was not kept.
pub(super) fn require_kept(layout: &Layout, kept: u64, updated: u64) -> Result<()> {
    if kept == updated { Ok(()) } else { Err(not_kept(layout, kept, updated)) }
}

/// Moves the rows with these ids into the history, with a receipt, in one transaction.
pub(super) async fn part(
    session: &mut Session,
    layout: &Layout,
    part: &PartId,
    ids: &[EntityId],
    retirement: &Retirement,
    run: &RunIds,
) -> Result<Receipt> {
    let connection = session.awake().await?;
    match attempt(connection, layout, part, ids, retirement, run).await? {
        Attempt::Done(receipt) => Ok(receipt),
        Attempt::Unanswered(counts, error) => settle(session, part, run, counts, error).await,
    }
}

async fn attempt(
    connection: &mut PgConnection,
    layout: &Layout,
    part: &PartId,
    ids: &[EntityId],
    retirement: &Retirement,
    run: &RunIds,
) -> Result<Attempt> {
    let failed = |error: sqlx::Error| Error::of(&error, format!("{} of table {}", part.part, layout.table));
    let mut transaction = connection.begin().await.map_err(failed)?;
    if let Some(receipt) = earlier(&mut transaction, part, run).await? {
        return Ok(Attempt::Done(receipt));
    }
    let (kept, deleted) = moved(&mut transaction, layout, ids, retirement, run).await.map_err(failed)?;
    let asked = u64::try_from(ids.len()).expect("a part has fewer than 2^64 rows");
    if kept != asked || deleted != asked {
        return Err(not_ours(layout, retirement, asked, kept.min(deleted)));
    }
    supersede(&mut transaction, part, run).await.map_err(failed)?;
    let counts = Counts { rows: asked, retired: asked, ..Counts::default() };
    write_receipt(&mut transaction, part, counts, run).await.map_err(failed)?;
    match transaction.commit().await {
        Ok(()) => Ok(Attempt::Done(Receipt::Written(counts))),
        Err(error) => Ok(Attempt::Unanswered(counts, failed(error))),
    }
}

/// Keeps the rows and takes them away; gives how many of each.
async fn moved(
    connection: &mut PgConnection,
    layout: &Layout,
    ids: &[EntityId],
    retirement: &Retirement,
    run: &RunIds,
) -> std::result::Result<(u64, u64), sqlx::Error> {
    let ordinal = ordinal(connection, run).await?;
    let statements = RetireStatements::postgres(layout);
    let ids: Vec<String> = ids.iter().map(EntityId::to_string).collect();
    let keep = sqlx::query(statement(&statements.keep))
        .persistent(false)
        .bind(&run.load_run_id)
        .bind(&retirement.system)
        .bind(&retirement.table)
        .bind(retirement.because.code())
        .bind(ordinal)
        .bind(&ids);
    let kept = keep.execute(&mut *connection).await?.rows_affected();
    let delete = sqlx::query(statement(&statements.delete))
        .persistent(false)
        .bind(&run.load_run_id)
        .bind(&retirement.system)
        .bind(&retirement.table)
        .bind(&ids);
    Ok((kept, delete.execute(connection).await?.rows_affected()))
}

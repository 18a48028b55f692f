//! Writing a part, and finding out what became of a commit that was not answered.

use bron_mappings::Batch;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};

use super::encode::Encoder;
use super::retire::{keep_replaced, require_kept};
use super::{SETTLE_ATTEMPTS, SETTLE_PAUSE, Session, counts, whole};
use crate::admission::contested;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Layout;
use crate::sink::{Counts, PartId, Receipt, RunIds, replayed};
use crate::sql::postgres::{LOCK, PREFER_INDEX, WriteStatements};
use crate::sql::{self, statement};

/// What a try to write a part came to.
pub(super) enum Attempt {
    Done(Receipt),
    /// The commit was sent and not answered with success.
    Unanswered(Counts, Error),
}

pub(super) async fn part(
    session: &mut Session,
    layout: &Layout,
    part: &PartId,
    batch: &Batch,
    run: &RunIds,
) -> Result<Receipt> {
    let statements = WriteStatements::new(layout);
    let is_staged = session.staged.contains(&layout.table);
    let connection = session.connection().await?;
    if !is_staged {
        let stage = sqlx::query(statement(&statements.stage)).execute(&mut *connection).await;
        stage.map_err(|error| Error::of(&error, format!("staging table of {}", layout.table)))?;
    }
    let attempt = attempt(connection, layout, &statements, part, batch, run).await;
    session.staged.insert(layout.table.clone());
    match attempt? {
        Attempt::Done(receipt) => Ok(receipt),
        Attempt::Unanswered(counts, error) => settle(session, part, run, counts, error).await,
    }
}

async fn attempt(
    connection: &mut PgConnection,
    layout: &Layout,
    statements: &WriteStatements,
    part: &PartId,
    batch: &Batch,
    run: &RunIds,
) -> Result<Attempt> {
    let failed = |error: sqlx::Error| Error::of(&error, format!("{} of table {}", part.part, layout.table));
    let mut transaction = connection.begin().await.map_err(failed)?;
    if let Some(receipt) = earlier(&mut transaction, part, run).await? {
        return Ok(Attempt::Done(receipt));
    }
    sqlx::raw_sql(PREFER_INDEX).execute(&mut *transaction).await.map_err(failed)?;
    copy(&mut transaction, layout, statements, batch).await.map_err(failed)?;
    let kept = keep_replaced(&mut transaction, &statements.keep, run).await.map_err(failed)?;
    // Not kept prepared: a plan made while the table was small would read all of it when it is large.
    let merge = sqlx::query(statement(&statements.merge)).persistent(false);
    let merged = merge.bind(&run.extract_run_id).bind(&run.load_run_id);
    let merged = merged.fetch_one(&mut *transaction).await.map_err(failed)?;
    let number = |index: usize| merged.try_get::<i64, _>(index).map(whole).map_err(failed);
    let rows = u64::try_from(batch.rows()).expect("a batch has fewer than 2^64 rows");
    let (inserted, updated) = (number(0)?, number(1)?);
    let counts =
        Counts { rows, inserted, updated, unchanged: rows - inserted - updated, ..Counts::default() };
    require_kept(layout, kept, updated)?;
    if counts.unchanged > 0 {
        let verified =
            sqlx::query(statement(&statements.verify)).fetch_one(&mut *transaction).await.map_err(failed)?;
        let other = verified.try_get::<i64, _>(0).map(whole).map_err(failed)?;
        if other > 0 {
            let least = verified.try_get::<Option<String>, _>(1).map_err(failed)?;
            return Err(contested(layout, other, least.as_deref().unwrap_or("unknown")));
        }
    }
    if updated > 0 {
        let supersede = sqlx::query(sql::SUPERSEDE_RECEIPTS).bind(&part.entity).bind(&run.load_run_id);
        supersede.execute(&mut *transaction).await.map_err(failed)?;
    }
    write_receipt(&mut transaction, part, counts, run).await.map_err(failed)?;
    match transaction.commit().await {
        Ok(()) => Ok(Attempt::Done(Receipt::Written(counts))),
        Err(error) => Ok(Attempt::Unanswered(counts, failed(error))),
    }
}

/// Waits for other writers of the part, and gives its receipt when there is one.
pub(super) async fn earlier(
    connection: &mut PgConnection,
    part: &PartId,
    run: &RunIds,
) -> Result<Option<Receipt>> {
    let failed = |error: sqlx::Error| Error::of(&error, "bron_receipt");
    let name = format!("bron:{}:{}:{}", run.load_run_id, part.entity, part.part);
    sqlx::query(LOCK).bind(name).execute(&mut *connection).await.map_err(failed)?;
    let found = sqlx::query(sql::FIND_RECEIPT).bind(&run.load_run_id).bind(&part.entity).bind(&part.part);
    let Some(row) = found.fetch_optional(connection).await.map_err(failed)? else {
        return Ok(None);
    };
    replayed(part, row.try_get::<&str, _>(0).map_err(failed)?, counts(&row, 1)?).map(Some)
}

async fn copy(
    connection: &mut PgConnection,
    layout: &Layout,
    statements: &WriteStatements,
    batch: &Batch,
) -> std::result::Result<(), sqlx::Error> {
    let mut encoder = Encoder::new(layout, batch);
    let mut copy = connection.copy_in_raw(&statements.copy).await?;
    while let Some(chunk) = encoder.chunk() {
        copy.send(chunk).await?;
    }
    copy.finish().await.map(|_| ())
}

pub(super) async fn write_receipt(
    connection: &mut PgConnection,
    part: &PartId,
    counts: Counts,
    run: &RunIds,
) -> std::result::Result<(), sqlx::Error> {
    let stored = |count: u64| i64::try_from(count).expect("a part has fewer than 2^63 rows");
    let query = sqlx::query(sql::WRITE_RECEIPT)
        .bind(&run.load_run_id)
        .bind(&part.entity)
        .bind(&part.part)
        .bind(part.content.to_string())
        .bind(&run.extract_run_id)
        .bind(stored(counts.rows))
        .bind(stored(counts.inserted))
        .bind(stored(counts.updated))
        .bind(stored(counts.unchanged));
    query.execute(connection).await.map(|_| ())
}

/// Reads the receipt on a new connection. The old transaction holds the part's lock until the server has
/// finished it one way or the other, so the answer is final.
pub(super) async fn settle(
    session: &mut Session,
    part: &PartId,
    run: &RunIds,
    counts: Counts,
    unanswered: Error,
) -> Result<Receipt> {
    for _ in 0..SETTLE_ATTEMPTS {
        session.usable = false;
        match ask(session, part, run).await {
            Ok(Some(_)) => return Ok(Receipt::Written(counts)),
            Ok(None) => return Err(unanswered),
            Err(error) if error.is_retryable() => tokio::time::sleep(SETTLE_PAUSE).await,
            Err(error) => return Err(error),
        }
    }
    let text = "the connection was lost during the commit, and the server could not be asked whether it was done; \
                running the load again finds out";
    Err(Error::new(ErrorKind::Connection, format!("{} of table {}: {text}", part.part, part.entity)))
}

async fn ask(session: &mut Session, part: &PartId, run: &RunIds) -> Result<Option<Receipt>> {
    let connection = session.connection().await?;
    let mut transaction =
        connection.begin().await.map_err(|error| Error::of(&error, "the receipt cannot be read"))?;
    earlier(&mut transaction, part, run).await
}

//! Writing a part, and finding out what became of a commit that was not answered.

use bron_mappings::Batch;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};

use super::encode::Encoder;
use super::finishing::of_another_run;
use super::opening::remembered;
use super::refusals::{self, PartTrial};
use super::retire::{keep_replaced, require_kept};
use super::{SETTLE_ATTEMPTS, SETTLE_PAUSE, Session, counts, whole};
use crate::admission::contested;
use crate::error::{Error, ErrorKind, Result};
use crate::isolation::{Given, Isolated, isolate};
use crate::layout::Layout;
use crate::refusal::Answer;
use crate::sink::{Counts, PartId, Receipt, RunIds, never_written, replayed};
use crate::sql::postgres::{LOCK, LOOK_UP, WriteStatements};
use crate::sql::{self, statement};

/// What a try to write a part came to.
pub(super) enum Attempt {
    Done(Receipt),
    /// The commit was sent and not answered with success.
    Unanswered(Counts, Error),
}

/// A part on its way into its table.
pub(super) struct Delivery<'a> {
    layout: &'a Layout,
    pub(super) statements: WriteStatements,
    part: &'a PartId,
    run: &'a RunIds,
}

impl Delivery<'_> {
    pub(super) fn failed(&self, error: &sqlx::Error) -> Error {
        Error::of(error, self.context())
    }

    /// The error when the table has not taken a row, and nothing was said against it.
    fn swallowed(&self) -> Error {
        Error::against(self.context(), Answer::swallowed())
    }

    fn context(&self) -> String {
        format!("{} of table {}", self.part.part, self.layout.table)
    }
}

/// How rows come into a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Straight: the run makes the table.
    Fill,
    /// Through the staging table: rows may be there already.
    Merge,
}

pub(super) async fn part(
    session: &mut Session,
    layout: &Layout,
    part: &PartId,
    given: Given<'_>,
    run: &RunIds,
) -> Result<Receipt> {
    let delivery = Delivery { layout, statements: WriteStatements::new(layout), part, run };
    session.connection().await?;
    match attempt(session, &delivery, given).await? {
        Attempt::Done(receipt) => Ok(receipt),
        Attempt::Unanswered(counts, error) => settle(session, part, run, counts, error).await,
    }
}

async fn attempt(session: &mut Session, delivery: &Delivery<'_>, given: Given<'_>) -> Result<Attempt> {
    let Delivery { layout, part, run, .. } = delivery;
    let failed = |error: sqlx::Error| delivery.failed(&error);
    let is_staged = session.staged.contains(&layout.table);
    let connection = session.connection().await?;
    let mut transaction = connection.begin().await.map_err(failed)?;
    let (batch, again) = (given.batch, given.again);
    let before = match earlier(&mut transaction, part, run).await? {
        Some(receipt) if !again => return Ok(Attempt::Done(receipt)),
        None if again => return Err(never_written(part)),
        before => before,
    };
    let way = way(&mut transaction, delivery).await?;
    if way == Way::Merge {
        make_ready(&mut transaction, delivery, is_staged).await.map_err(failed)?;
    }
    let mut trial = PartTrial::new(&mut transaction, delivery, way);
    let Isolated { counts: tried, refused } = isolate(&mut trial, given).await?;
    let counts = match before {
        Some(receipt) if refused.len() == batch.rows() => return Ok(Attempt::Done(receipt)),
        Some(receipt) => receipt.counts().after_another_try(tried),
        None => tried,
    };
    refusals::write(&mut transaction, part, batch, &refused, run).await?;
    if tried.updated > 0 {
        supersede(&mut transaction, part, run).await.map_err(failed)?;
    }
    write_receipt(&mut transaction, part, counts, run).await.map_err(failed)?;
    if let Err(error) = transaction.commit().await {
        return Ok(Attempt::Unanswered(counts, failed(error)));
    }
    if way == Way::Merge {
        session.staged.insert(layout.table.clone());
    }
    Ok(Attempt::Done(Receipt::Written(counts)))
}

/// Makes the staging table where the connection has none yet, and sets what a merge of few rows needs.
async fn make_ready(
    connection: &mut PgConnection,
    delivery: &Delivery<'_>,
    is_staged: bool,
) -> std::result::Result<(), sqlx::Error> {
    if !is_staged {
        sqlx::query(statement(&delivery.statements.stage)).execute(&mut *connection).await?;
    }
    sqlx::raw_sql(LOOK_UP).execute(connection).await.map(drop)
}

/// Whether this run makes the table, so that no row can be there already. Nobody begins or ends a load of the table
/// before the transaction ends.
async fn way(connection: &mut PgConnection, delivery: &Delivery<'_>) -> Result<Way> {
    let Delivery { layout: Layout { table, .. }, run, .. } = delivery;
    let lock = sqlx::query(sql::opening::lock_for_rows(table)).execute(&mut *connection).await;
    lock.map_err(|error| delivery.failed(&error))?;
    match remembered(connection, &sql::opening::unfinished(table)).await? {
        Some(other) if other != run.load_run_id => Err(of_another_run(table, &other)),
        Some(_) => Ok(Way::Fill),
        None => Ok(Way::Merge),
    }
}

/// Writes rows of the part, all or none of them.
pub(super) async fn rows(
    connection: &mut PgConnection,
    delivery: &Delivery<'_>,
    way: Way,
    batch: &Batch,
) -> Result<Counts> {
    match way {
        Way::Fill => fill(connection, delivery, batch).await,
        Way::Merge => merge(connection, delivery, batch).await,
    }
}

/// Takes the rows straight into a table that has no key yet.
async fn fill(connection: &mut PgConnection, delivery: &Delivery<'_>, batch: &Batch) -> Result<Counts> {
    let Delivery { layout, statements, run, .. } = delivery;
    let encoder = Encoder::new(layout, batch, &[&run.extract_run_id, &run.load_run_id]);
    let taken = copy(connection, &statements.fill, encoder).await.map_err(|error| delivery.failed(&error))?;
    let rows = row_count(batch);
    if taken < rows {
        return Err(delivery.swallowed());
    }
    Ok(Counts { rows, inserted: rows, ..Counts::default() })
}

/// Takes the rows into the staging table, and those that are new or differ from there.
async fn merge(connection: &mut PgConnection, delivery: &Delivery<'_>, batch: &Batch) -> Result<Counts> {
    let Delivery { layout, statements, run, .. } = delivery;
    let failed = |error: sqlx::Error| delivery.failed(&error);
    copy(connection, &statements.copy, Encoder::new(layout, batch, &[])).await.map_err(failed)?;
    let kept = keep_replaced(connection, &statements.keep, run).await.map_err(failed)?;
    // Not kept prepared: a plan made while the table was small would read all of it when it is large.
    let merge = sqlx::query(statement(&statements.merge)).persistent(false);
    let merged = merge.bind(&run.extract_run_id).bind(&run.load_run_id);
    let merged = merged.fetch_one(&mut *connection).await.map_err(failed)?;
    let number = |index: usize| merged.try_get::<i64, _>(index).map(whole).map_err(failed);
    let (found, inserted, updated) = (number(0)?, number(1)?, number(2)?);
    if kept > updated {
        return Err(delivery.swallowed());
    }
    require_kept(layout, kept, updated)?;
    if found > inserted + updated {
        verify(connection, delivery).await?;
    }
    let rows = row_count(batch);
    Ok(Counts { rows, inserted, updated, unchanged: rows - inserted - updated, ..Counts::default() })
}

fn row_count(batch: &Batch) -> u64 {
    u64::try_from(batch.rows()).expect("a batch has fewer than 2^64 rows")
}

/// Refuses the part when the table does not hold every one of its rows: those that may not be overwritten, and those
/// that a trigger has swallowed.
async fn verify(connection: &mut PgConnection, delivery: &Delivery<'_>) -> Result<()> {
    let failed = |error: sqlx::Error| delivery.failed(&error);
    let verify = sqlx::query(statement(&delivery.statements.verify)).fetch_one(connection).await;
    let verified = verify.map_err(failed)?;
    let number = |index: usize| verified.try_get::<i64, _>(index).map(whole).map_err(failed);
    let (other, absent) = (number(0)?, number(2)?);
    if other > 0 {
        let least = verified.try_get::<Option<String>, _>(1).map_err(failed)?;
        return Err(contested(delivery.layout, other, least.as_deref().unwrap_or("unknown")));
    }
    if absent > 0 { Err(delivery.swallowed()) } else { Ok(()) }
}

/// Marks the receipts that other runs have for the parts of the same mapping: no row of another one was changed.
/// One part at a time: two that mark the same receipts in another order would wait for each other.
pub(super) async fn supersede(
    connection: &mut PgConnection,
    part: &PartId,
    run: &RunIds,
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query(LOCK).bind(format!("bron:receipts:{}", part.entity)).execute(&mut *connection).await?;
    let supersede = sqlx::query(sql::SUPERSEDE_RECEIPTS).bind(&part.entity).bind(&run.load_run_id);
    let supersede = supersede.bind(part.family());
    supersede.execute(connection).await.map(drop)
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

/// Gives how many rows the table has taken.
async fn copy(
    connection: &mut PgConnection,
    statement: &str,
    mut encoder: Encoder<'_>,
) -> std::result::Result<u64, sqlx::Error> {
    let mut copy = connection.copy_in_raw(statement).await?;
    while let Some(chunk) = encoder.chunk() {
        copy.send(chunk).await?;
    }
    copy.finish().await
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
            // A part that is tried again had a receipt before, with other counts.
            Ok(Some(found)) if found.counts() == counts => return Ok(Receipt::Written(counts)),
            Ok(Some(_) | None) => return Err(unanswered),
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

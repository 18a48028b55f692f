//! Writing a part, and finding out what became of a commit that was not answered.

use bron_mappings::Batch;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};

use super::encode::Encoder;
use super::finishing::of_another_run;
use super::opening::remembered;
use super::{SETTLE_ATTEMPTS, SETTLE_PAUSE, Session, counts, whole};
use crate::admission::contested;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Layout;
use crate::sink::{Counts, PartId, Receipt, RunIds, replayed};
use crate::sql::postgres::{LOCK, LOOK_UP, WriteStatements};
use crate::sql::{self, statement};

/// What a try to write a part came to.
enum Attempt {
    Done(Receipt),
    /// The commit was sent and not answered with success.
    Unanswered(Counts, Error),
}

/// A part on its way into its table.
struct Delivery<'a> {
    layout: &'a Layout,
    statements: WriteStatements,
    part: &'a PartId,
    batch: &'a Batch,
    run: &'a RunIds,
}

impl Delivery<'_> {
    fn failed(&self, error: &sqlx::Error) -> Error {
        Error::of(error, format!("{} of table {}", self.part.part, self.layout.table))
    }

    fn rows(&self) -> u64 {
        u64::try_from(self.batch.rows()).expect("a batch has fewer than 2^64 rows")
    }
}

pub(super) async fn part(
    session: &mut Session,
    layout: &Layout,
    part: &PartId,
    batch: &Batch,
    run: &RunIds,
) -> Result<Receipt> {
    let delivery = Delivery { layout, statements: WriteStatements::new(layout), part, batch, run };
    session.connection().await?;
    match attempt(session, &delivery).await? {
        Attempt::Done(receipt) => Ok(receipt),
        Attempt::Unanswered(counts, error) => settle(session, part, run, counts, error).await,
    }
}

async fn attempt(session: &mut Session, delivery: &Delivery<'_>) -> Result<Attempt> {
    let Delivery { layout, part, run, .. } = delivery;
    let failed = |error: sqlx::Error| delivery.failed(&error);
    let is_staged = session.staged.contains(&layout.table);
    let connection = session.connection().await?;
    let mut transaction = connection.begin().await.map_err(failed)?;
    if let Some(receipt) = earlier(&mut transaction, part, run).await? {
        return Ok(Attempt::Done(receipt));
    }
    let fills = fills(&mut transaction, delivery).await?;
    let counts = if fills {
        fill(&mut transaction, delivery).await?
    } else {
        merge(&mut transaction, delivery, is_staged).await?
    };
    if counts.updated > 0 {
        supersede(&mut transaction, part, run).await.map_err(failed)?;
    }
    write_receipt(&mut transaction, part, counts, run).await.map_err(failed)?;
    if let Err(error) = transaction.commit().await {
        return Ok(Attempt::Unanswered(counts, failed(error)));
    }
    if !fills {
        session.staged.insert(layout.table.clone());
    }
    Ok(Attempt::Done(Receipt::Written(counts)))
}

/// Whether this run makes the table, so that no row can be there already. Nobody begins or ends a load of the table
/// before the transaction ends.
async fn fills(connection: &mut PgConnection, delivery: &Delivery<'_>) -> Result<bool> {
    let Delivery { layout: Layout { table, .. }, run, .. } = delivery;
    let lock = sqlx::query(sql::opening::lock_for_rows(table)).execute(&mut *connection).await;
    lock.map_err(|error| delivery.failed(&error))?;
    match remembered(connection, &sql::opening::unfinished(table)).await? {
        Some(other) if other != run.load_run_id => Err(of_another_run(table, &other)),
        found => Ok(found.is_some()),
    }
}

/// Takes the rows straight into a table that has no key yet.
async fn fill(connection: &mut PgConnection, delivery: &Delivery<'_>) -> Result<Counts> {
    let Delivery { layout, statements, batch, run, .. } = delivery;
    let encoder = Encoder::new(layout, batch, &[&run.extract_run_id, &run.load_run_id]);
    copy(connection, &statements.fill, encoder).await.map_err(|error| delivery.failed(&error))?;
    Ok(Counts { rows: delivery.rows(), inserted: delivery.rows(), ..Counts::default() })
}

/// Takes the rows into the staging table, and those that are new or differ from there.
async fn merge(connection: &mut PgConnection, delivery: &Delivery<'_>, is_staged: bool) -> Result<Counts> {
    let Delivery { layout, statements, batch, run, .. } = delivery;
    let failed = |error: sqlx::Error| delivery.failed(&error);
    if !is_staged {
        let stage = sqlx::query(statement(&statements.stage)).execute(&mut *connection).await;
        stage.map_err(|error| Error::of(&error, format!("staging table of {}", layout.table)))?;
    }
    sqlx::raw_sql(LOOK_UP).execute(&mut *connection).await.map_err(failed)?;
    copy(connection, &statements.copy, Encoder::new(layout, batch, &[])).await.map_err(failed)?;
    // Not kept prepared: a plan made while the table was small would read all of it when it is large.
    let merge = sqlx::query(statement(&statements.merge)).persistent(false);
    let merged = merge.bind(&run.extract_run_id).bind(&run.load_run_id);
    let merged = merged.fetch_one(&mut *connection).await.map_err(failed)?;
    let number = |index: usize| merged.try_get::<i64, _>(index).map(whole).map_err(failed);
    let (found, inserted, updated) = (number(0)?, number(1)?, number(2)?);
    if found > inserted + updated {
        verify(connection, delivery).await?;
    }
    let rows = delivery.rows();
    Ok(Counts { rows, inserted, updated, unchanged: rows - inserted - updated })
}

/// Refuses the part when the table does not hold every one of its rows: those that may not be overwritten.
async fn verify(connection: &mut PgConnection, delivery: &Delivery<'_>) -> Result<()> {
    let failed = |error: sqlx::Error| delivery.failed(&error);
    let verify = sqlx::query(statement(&delivery.statements.verify)).fetch_one(connection).await;
    let verified = verify.map_err(failed)?;
    let other = verified.try_get::<i64, _>(0).map(whole).map_err(failed)?;
    if other == 0 {
        return Ok(());
    }
    let least = verified.try_get::<Option<String>, _>(1).map_err(failed)?;
    Err(contested(delivery.layout, other, least.as_deref().unwrap_or("unknown")))
}

/// Marks the receipts of other runs. One part at a time: two that mark the same receipts in another order would wait
/// for each other.
async fn supersede(
    connection: &mut PgConnection,
    part: &PartId,
    run: &RunIds,
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query(LOCK).bind(format!("bron:receipts:{}", part.entity)).execute(&mut *connection).await?;
    let supersede = sqlx::query(sql::SUPERSEDE_RECEIPTS).bind(&part.entity).bind(&run.load_run_id);
    supersede.execute(connection).await.map(drop)
}

/// Waits for other writers of the part, and gives its receipt when there is one.
async fn earlier(connection: &mut PgConnection, part: &PartId, run: &RunIds) -> Result<Option<Receipt>> {
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
    statement: &str,
    mut encoder: Encoder<'_>,
) -> std::result::Result<(), sqlx::Error> {
    let mut copy = connection.copy_in_raw(statement).await?;
    while let Some(chunk) = encoder.chunk() {
        copy.send(chunk).await?;
    }
    copy.finish().await.map(|_| ())
}

async fn write_receipt(
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
async fn settle(
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

//! Rows of a part that the server's constraints, domains and triggers refuse.

use bron_mappings::{Batch, EntityId};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Row, SqlSafeStr};

use super::columns;
use super::write::{self, Delivery, Way};
use crate::error::{Error, Result};
use crate::isolation::Trial;
use crate::refusal::{Objection, Refusal};
use crate::sink::{Counts, PartId, RunIds};
use crate::sql::postgres::CHECK_NOW_AND_KEEP;
use crate::sql::{refusals, statement};

/// Writes rows of one part within savepoints of its transaction.
pub(super) struct PartTrial<'a> {
    connection: &'a mut PgConnection,
    delivery: &'a Delivery<'a>,
    way: Way,
    /// Whether the staging table may hold rows of an earlier try.
    is_used: bool,
}

impl<'a> PartTrial<'a> {
    pub(super) fn new(connection: &'a mut PgConnection, delivery: &'a Delivery<'a>, way: Way) -> Self {
        Self { connection, delivery, way, is_used: false }
    }

    async fn control(&mut self, text: impl SqlSafeStr) -> Result<()> {
        let done = sqlx::raw_sql(text).execute(&mut *self.connection).await;
        done.map(|_| ()).map_err(|error| self.delivery.failed(&error))
    }
}

impl Trial for PartTrial<'_> {
    async fn attempt(&mut self, rows: &Batch) -> Result<Counts> {
        if self.is_used && self.way == Way::Merge {
            // Else rows of tries that were undone would be passed over again and again by every later one.
            self.control(statement(&self.delivery.statements.try_again)).await?;
        } else {
            self.control(refusals::TRY).await?;
        }
        self.is_used = true;
        let tried = write::rows(self.connection, self.delivery, self.way, rows).await;
        let tried = match tried {
            Ok(counts) => self.control(CHECK_NOW_AND_KEEP).await.map(|()| counts),
            Err(error) => Err(error),
        };
        match tried {
            Err(error) if error.answer().is_some() => {
                self.control(refusals::UNDO).await?;
                Err(error)
            }
            other => other,
        }
    }
}

/// Writes down which rows of a part were refused, in the place of what was written down before.
pub(super) async fn write(
    connection: &mut PgConnection,
    part: &PartId,
    batch: &Batch,
    refused: &[(usize, Objection)],
    run: &RunIds,
) -> Result<()> {
    let failed = |error: sqlx::Error| Error::of(&error, refusals::TABLE);
    let forget = sqlx::query(refusals::SUPERSEDE).bind(&run.load_run_id).bind(&part.entity).bind(&part.part);
    forget.execute(&mut *connection).await.map_err(failed)?;
    if refused.is_empty() {
        return Ok(());
    }
    let id = |row| batch.cells(0).id(row).map(|id| EntityId::from_bytes(id).to_string());
    let ids: Vec<String> = refused.iter().map(|(row, _)| id(*row).unwrap_or_default()).collect();
    let codes: Vec<&str> = refused.iter().map(|(_, objection)| objection.sqlstate.as_str()).collect();
    let constraints: Vec<&str> = refused.iter().map(|(_, objection)| objection.constraint.as_str()).collect();
    let query = sqlx::query(refusals::WRITE_MANY)
        .bind(&run.load_run_id)
        .bind(&part.entity)
        .bind(&part.part)
        .bind(ids)
        .bind(codes)
        .bind(constraints);
    query.execute(connection).await.map(|_| ()).map_err(failed)
}

/// The rows that a run was refused; none in a target that was made before there were refusals.
pub(super) async fn list(connection: &mut PgConnection, load_run_id: &str) -> Result<Vec<Refusal>> {
    if columns(connection, refusals::TABLE).await?.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(refusals::LIST).bind(load_run_id).fetch_all(connection).await;
    let rows = rows.map_err(|error| Error::of(&error, refusals::TABLE))?;
    let mut refusals = rows.iter().map(listed).collect::<Result<Vec<_>>>()?;
    // The order of texts is the database's own.
    refusals.sort_unstable();
    Ok(refusals)
}

fn listed(row: &PgRow) -> Result<Refusal> {
    let text =
        |index: usize| row.try_get::<String, _>(index).map_err(|error| Error::of(&error, refusals::TABLE));
    Refusal::stored([text(0)?, text(1)?, text(2)?, text(3)?, text(4)?])
}

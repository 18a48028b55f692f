//! Rows of a part that the file's own constraints refuse.

use std::sync::Arc;

use bron_mappings::{Batch, EntityId};
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::write;
use crate::error::{Error, ErrorKind, Result};
use crate::isolation::{Given, Isolated, Trial};
use crate::layout::Layout;
use crate::refusal::{Answer, Objection, Refusal};
use crate::sink::{Counts, PartId, RunIds};
use crate::sql::{refusals, sqlite, statement};

/// Writes rows of one part within savepoints of its transaction.
pub(super) struct PartTrial<'a> {
    connection: &'a mut SqliteConnection,
    layout: &'a Layout,
    run: &'a RunIds,
    context: String,
    references: Vec<Reference>,
}

/// A reference that the file checks, perhaps only when the transaction ends.
struct Reference {
    /// The column that refers and the table that it refers to.
    name: String,
    /// Finds the first of some rows that refers to nothing.
    find: Arc<str>,
}

impl<'a> PartTrial<'a> {
    pub(super) async fn new(
        connection: &'a mut SqliteConnection,
        layout: &'a Layout,
        part: &PartId,
        run: &'a RunIds,
    ) -> Result<Self> {
        let context = format!("{} of table {}", part.part, layout.table);
        let failed = |error: sqlx::Error| Error::of(&error, &*context);
        let references = references(connection, layout).await.map_err(failed)?;
        if !references.is_empty() {
            // A row may refer to one that only a later statement of the part writes.
            sqlx::query(sqlite::CHECK_REFERENCES_LATER).execute(&mut *connection).await.map_err(failed)?;
        }
        Ok(Self { connection, layout, run, context, references })
    }

    /// Writes all rows but those that are known not to fit, without a savepoint.
    pub(super) async fn whole(&mut self, given: Given<'_>) -> Result<Isolated> {
        let Given { batch, known, again: _ } = given;
        let is_open = |row: &usize| known.binary_search_by_key(row, |(known, _)| *known).is_err();
        let open = batch.pick(&(0..batch.rows()).filter(is_open).collect::<Vec<usize>>());
        let counts = self.rows(&open).await?;
        Ok(Isolated::of(counts, known))
    }

    async fn rows(&mut self, rows: &Batch) -> Result<Counts> {
        let failed = |error: sqlx::Error| Error::of(&error, &*self.context);
        let counts = write::rows(self.connection, self.layout, rows, self.run, &failed).await?;
        self.check_references(rows).await?;
        Ok(counts)
    }

    async fn control(&mut self, statement: &'static str) -> Result<()> {
        let done = sqlx::raw_sql(statement).execute(&mut *self.connection).await;
        done.map(|_| ()).map_err(|error| Error::of(&error, &*self.context))
    }

    /// SQLite checks a deferred reference when it commits, and does not say then which row it is.
    async fn check_references(&mut self, rows: &Batch) -> Result<()> {
        if self.references.is_empty() {
            return Ok(());
        }
        let cells = rows.cells(0);
        let ids: Vec<Option<EntityId>> =
            (0..rows.rows()).map(|row| cells.id(row).map(EntityId::from_bytes)).collect();
        let listed: Vec<String> = ids.iter().flatten().map(|id| format!("\"{id}\"")).collect();
        let listed = format!("[{}]", listed.join(","));
        for reference in &self.references {
            let query = sqlx::query_scalar::<_, String>(statement(&reference.find));
            let found = query.bind(&listed).bind(&self.run.load_run_id);
            let found = found.fetch_optional(&mut *self.connection).await;
            let found = found.map_err(|error| Error::of(&error, &*self.context))?;
            let Some(id) = found.map(|id| EntityId::parse(&id)) else { continue };
            let place = ids.iter().position(|known| id.is_some() && *known == id);
            let answer = Answer { objection: Objection::new("23503", &reference.name), place };
            return Err(Error::against(&*self.context, answer));
        }
        Ok(())
    }
}

impl Trial for PartTrial<'_> {
    async fn attempt(&mut self, rows: &Batch) -> Result<Counts> {
        self.control(refusals::TRY).await?;
        match self.rows(rows).await {
            Ok(counts) => self.control(refusals::KEEP).await.map(|()| counts),
            Err(error) if error.answer().is_some() => match self.control(refusals::UNDO).await {
                Ok(()) => Err(error),
                // A trigger that rolls everything back leaves no transaction to go on with.
                Err(_) => Err(error.final_word()),
            },
            Err(error) => Err(error),
        }
    }
}

/// The columns of a reference, each with the one that it refers to.
type Columns = Vec<(String, String)>;

async fn references(
    connection: &mut SqliteConnection,
    layout: &Layout,
) -> std::result::Result<Vec<Reference>, sqlx::Error> {
    let listed = sqlx::query(sqlite::REFERENCES).bind(&layout.table).fetch_all(connection).await?;
    let mut found: Vec<(i64, String, Columns)> = Vec::new();
    for row in listed {
        let (number, columns) = (row.try_get(0)?, (row.try_get(2)?, row.try_get(3)?));
        match found.last_mut().filter(|(last, ..)| *last == number) {
            Some((_, _, known)) => known.push(columns),
            None => found.push((number, row.try_get(1)?, vec![columns])),
        }
    }
    let references = found.into_iter().map(|(_, parent, columns)| {
        let names: Vec<&str> = columns.iter().map(|(from, _)| from.as_str()).collect();
        let name = format!("{} -> {parent}", names.join(","));
        Reference { name, find: sqlite::unmet_reference(&layout.table, &parent, &columns).into() }
    });
    Ok(references.collect())
}

/// Writes down which rows of a part were refused, in the place of what was written down before.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    part: &PartId,
    batch: &Batch,
    refused: &[(usize, Objection)],
    run: &RunIds,
) -> Result<()> {
    let failed = |error: sqlx::Error| Error::of(&error, refusals::TABLE);
    let forget = sqlx::query(refusals::SUPERSEDE).bind(&run.load_run_id).bind(&part.entity).bind(&part.part);
    forget.execute(&mut *connection).await.map_err(failed)?;
    for (row, objection) in refused {
        let id = batch.cells(0).id(*row).map(|id| EntityId::from_bytes(id).to_string());
        let query = sqlx::query(refusals::WRITE)
            .bind(&run.load_run_id)
            .bind(&part.entity)
            .bind(&part.part)
            .bind(id.unwrap_or_default())
            .bind(&objection.sqlstate)
            .bind(&objection.constraint);
        query.execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(())
}

/// The rows that a run was refused; none in a file that was made before there were refusals.
pub(super) async fn list(connection: &mut SqliteConnection, load_run_id: &str) -> Result<Vec<Refusal>> {
    let failed = |error: sqlx::Error| Error::of(&error, refusals::TABLE);
    let exists = sqlx::query(sqlite::COLUMNS).bind(refusals::TABLE).fetch_all(&mut *connection).await;
    if exists.map_err(failed)?.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(refusals::LIST).bind(load_run_id).fetch_all(connection).await.map_err(failed)?;
    let mut refusals = rows.iter().map(listed).collect::<Result<Vec<_>>>()?;
    // The order of texts is the database's own.
    refusals.sort_unstable();
    Ok(refusals)
}

fn listed(row: &SqliteRow) -> Result<Refusal> {
    let text = |index: usize| {
        let stored = row.try_get::<String, _>(index);
        stored.map_err(|_| Error::new(ErrorKind::Corrupt, "bron_refused holds a name that is not a text"))
    };
    Refusal::stored([text(0)?, text(1)?, text(2)?, text(3)?, text(4)?])
}

//! After a load: keys, indexes and references are put on the tables, and hold for every row.
//!
//! Every step is a transaction of its own that leaves `bron_schema` saying what is left to do, so that a load that
//! was killed here goes on here.

use std::collections::BTreeSet;

use sqlx::Connection;
use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::opening::{found_references, hold_loads, may_alter, remembered};
use super::whole;
use crate::admission::contested;
use crate::error::{Error, ErrorKind, Result};
use crate::finished::{Dangling, Finished};
use crate::layout::{Layout, Reference};
use crate::sink::RunIds;
use crate::sql;
use crate::sql::opening as statements;

/// SQLSTATE `unique_violation`.
const REPEATED: &str = "23505";
/// SQLSTATE `foreign_key_violation`.
const DANGLING: &str = "23503";

/// Ends the load of these tables.
pub(super) async fn finish(
    connection: &mut PgConnection,
    layouts: &[Layout],
    references: &[Reference],
    run: &RunIds,
    with_foreign_keys: bool,
) -> Result<Finished> {
    let mut finished = Finished::default();
    hold_loads(connection).await?;
    for layout in layouts {
        if !may_alter(connection, &layout.table).await? {
            finished.unaltered.push(layout.table.clone());
        } else if key(connection, layout, references, run).await? {
            finished.keyed.push(layout.table.clone());
        }
    }
    finished.unaltered.sort_unstable();
    finished.keyed.sort_unstable();
    check(connection, references, with_foreign_keys, &mut finished).await?;
    let released = sqlx::query(statements::RELEASE_ALL).execute(connection).await;
    released.map_err(|error| Error::of(&error, "the load cannot be ended"))?;
    Ok(finished)
}

/// Puts the key and the indexes on a table that this run made. Says whether there was something to do. The planner gets
/// the number of rows with them; to look at every column for it would take a third of the time of the whole load.
async fn key(
    connection: &mut PgConnection,
    layout: &Layout,
    references: &[Reference],
    run: &RunIds,
) -> Result<bool> {
    let table = &layout.table;
    let failed = |error: sqlx::Error| Error::of(&error, format!("the key of table {table}"));
    let state = statements::unfinished(table);
    match remembered(connection, &state).await? {
        None => return Ok(false),
        Some(other) if other != run.load_run_id => return Err(of_another_run(table, &other)),
        Some(_) => {}
    }
    let mut transaction = connection.begin().await.map_err(failed)?;
    sqlx::raw_sql(statements::WITHOUT_HURRY).execute(&mut *transaction).await.map_err(failed)?;
    // Somebody may have put it on by hand since.
    let has_key = is_keyed(&mut transaction, table).await?;
    if !has_key && let Err(error) = sqlx::query(statements::add_key(table)).execute(&mut *transaction).await {
        transaction.rollback().await.map_err(failed)?;
        let is_repeated = is_refused_with(&error, REPEATED);
        return Err(if is_repeated { repeated(connection, layout).await? } else { failed(error) });
    }
    for reference in references.iter().filter(|reference| reference.table == *table) {
        let index = sql::definition(sql::create_index(table, &reference.column));
        sqlx::query(index).execute(&mut *transaction).await.map_err(failed)?;
    }
    sqlx::query(statements::FORGET).bind(&state).execute(&mut *transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(true)
}

/// The error when a table that another run makes is met.
pub(super) fn of_another_run(table: &str, run: &str) -> Error {
    let text = format!(
        "table {table}: load run {run} has begun to fill it, and has not finished; running the load again does"
    );
    Error::new(ErrorKind::Busy, text)
}

/// Whether the server refused with this SQLSTATE.
pub(super) fn is_refused_with(error: &sqlx::Error, code: &str) -> bool {
    error.as_database_error().and_then(|said| said.code()).as_deref() == Some(code)
}

async fn repeated(connection: &mut PgConnection, layout: &Layout) -> Result<Error> {
    let failed = |error: sqlx::Error| Error::of(&error, format!("table {}", layout.table));
    let mut transaction = connection.begin().await.map_err(failed)?;
    sqlx::raw_sql(statements::WITHOUT_HURRY).execute(&mut *transaction).await.map_err(failed)?;
    let counting = sqlx::query(statements::repeated(&layout.table)).fetch_one(&mut *transaction).await;
    let row = counting.map_err(failed)?;
    let rows = row.try_get::<i64, _>(0).map(whole).map_err(failed)?;
    let least: Option<String> = row.try_get(1).map_err(failed)?;
    Ok(contested(layout, rows, least.as_deref().unwrap_or("unknown")))
}

/// Puts on the foreign keys that a load took off, and leaves out those that rows do not keep.
async fn check(
    connection: &mut PgConnection,
    references: &[Reference],
    wanted: bool,
    finished: &mut Finished,
) -> Result<()> {
    let failed = |error: sqlx::Error| Error::of(&error, "bron_schema");
    let mut unchecked = BTreeSet::new();
    // Those of a load that ended while this one was at work are among them.
    let off = sqlx::query_scalar::<_, String>(statements::LIST_UNCHECKED).fetch_all(&mut *connection).await;
    for table in off.map_err(failed)? {
        if may_alter(connection, &table).await? {
            unchecked.insert(table);
        }
    }
    if unchecked.is_empty() {
        return Ok(());
    }
    // What this session holds is not in its own way.
    let is_last = sqlx::query_scalar(statements::IS_LAST_LOAD).fetch_one(&mut *connection).await;
    if !is_last.map_err(failed)? {
        finished.left_to_another = true;
        return Ok(());
    }
    for reference in references.iter().filter(|reference| wanted && reference.touches(&unchecked)) {
        put_on(connection, reference, finished).await?;
    }
    let mut transaction = connection.begin().await.map_err(failed)?;
    for table in &unchecked {
        let forget = sqlx::query(statements::FORGET).bind(statements::unchecked(table));
        forget.execute(&mut *transaction).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

/// Puts on one foreign key, or counts the rows that do not keep it.
async fn put_on(connection: &mut PgConnection, reference: &Reference, finished: &mut Finished) -> Result<()> {
    let Reference { table, column, target } = reference;
    let failed = |error: sqlx::Error| Error::of(&error, format!("the foreign key on {table}.{column}"));
    let may = may_alter(connection, table).await? && may_alter(connection, target).await?;
    if !(may && is_keyed(connection, target).await?) {
        return Ok(());
    }
    let name = statements::reference_name(reference);
    let standing = found_references(connection).await?.remove(&[table.clone(), name]);
    if standing.as_ref().is_some_and(|found| found.is_valid) {
        finished.references += 1;
        return Ok(());
    }
    if standing.is_none() {
        let add = statements::add_reference(reference);
        sqlx::query(add).execute(&mut *connection).await.map_err(failed)?;
    }
    let mut transaction = connection.begin().await.map_err(failed)?;
    sqlx::raw_sql(statements::WITHOUT_HURRY).execute(&mut *transaction).await.map_err(failed)?;
    match sqlx::query(statements::validate_reference(reference)).execute(&mut *transaction).await {
        Ok(_) => {
            transaction.commit().await.map_err(failed)?;
            finished.references += 1;
            Ok(())
        }
        Err(error) if is_refused_with(&error, DANGLING) => {
            transaction.rollback().await.map_err(failed)?;
            leave_out(connection, reference, finished).await
        }
        Err(error) => Err(failed(error)),
    }
}

/// Takes off a foreign key that rows do not keep, and counts them.
async fn leave_out(
    connection: &mut PgConnection,
    reference: &Reference,
    finished: &mut Finished,
) -> Result<()> {
    let Reference { table, column, target } = reference;
    let failed = |error: sqlx::Error| Error::of(&error, format!("the foreign key on {table}.{column}"));
    let mut transaction = connection.begin().await.map_err(failed)?;
    sqlx::raw_sql(statements::WITHOUT_HURRY).execute(&mut *transaction).await.map_err(failed)?;
    let counting = sqlx::query_scalar(statements::dangling(reference)).fetch_one(&mut *transaction).await;
    let rows = counting.map(whole).map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    // Apart from the counting, which may take long: this keeps everybody else from both tables.
    let drop = statements::drop_constraint(table, &statements::reference_name(reference));
    sqlx::query(drop).execute(&mut *connection).await.map_err(failed)?;
    let (entity, field, target) = (table.clone(), column.clone(), target.clone());
    finished.dangling.push(Dangling { entity, field, target, rows });
    Ok(())
}

/// Whether a table is there and has its key.
async fn is_keyed(connection: &mut PgConnection, table: &str) -> Result<bool> {
    let key =
        sqlx::query_scalar::<_, String>(statements::FIND_KEY).bind(table).fetch_optional(connection).await;
    Ok(key.map_err(|error| Error::of(&error, format!("table {table}")))?.is_some())
}

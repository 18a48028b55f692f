//! Before a load: what makes writing slow, or the order of the parts matter, is taken off the tables.
//!
//! A table without rows loses its primary key and the indexes on its references until the load is finished: it is
//! then filled by COPY alone. Until then it belongs to one load run, which `bron_schema` remembers; another run
//! starts it over. Parts come in transactions of their own, and references go in circles, so the foreign keys of
//! the tables that are to be written are taken off as well.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};

use super::finishing::is_refused_with;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, Reference};
use crate::sink::RunIds;
use crate::sql;
use crate::sql::opening as statements;

/// SQLSTATE `dependent_objects_still_exist`.
const NEEDED: &str = "2BP01";

/// A foreign key of the target's schema.
pub(super) struct FoundReference {
    pub(super) target: String,
    pub(super) is_valid: bool,
}

/// Begins the load of these tables.
pub(super) async fn begin(
    connection: &mut PgConnection,
    layouts: &[Layout],
    references: &[Reference],
    run: &RunIds,
) -> Result<()> {
    hold_loads(connection).await?;
    let mut alterable = BTreeSet::new();
    for layout in layouts {
        if may_alter(connection, &layout.table).await? {
            alterable.insert(layout.table.clone());
        }
    }
    loosen(connection, &alterable, references, run).await?;
    for table in &alterable {
        open(connection, table, references, run).await?;
    }
    Ok(())
}

/// Says that a load is at work, for as long as the connection lives or until the load ends.
pub(super) async fn hold_loads(connection: &mut PgConnection) -> Result<()> {
    let held = sqlx::query(statements::HOLD_LOADS).execute(connection).await;
    held.map(drop).map_err(|error| Error::of(&error, "another load is putting on the foreign keys"))
}

/// Whether the role of the connection may take off and put back what belongs to a table.
pub(super) async fn may_alter(connection: &mut PgConnection, table: &str) -> Result<bool> {
    let may = sqlx::query_scalar(statements::MAY_ALTER).bind(table).fetch_optional(connection).await;
    Ok(may.map_err(|error| Error::of(&error, format!("table {table}")))?.unwrap_or(false))
}

/// What `bron_schema` remembers under a name: the layout of a table, or the load run that a state belongs to.
pub(super) async fn remembered(connection: &mut PgConnection, state: &str) -> Result<Option<String>> {
    let found = sqlx::query_scalar(statements::FIND).bind(state).fetch_optional(connection).await;
    found.map_err(|error| Error::of(&error, "bron_schema"))
}

/// Forgets what is remembered of a table that is made anew: its receipts, and what an earlier load left to do.
pub(super) async fn forget(
    connection: &mut PgConnection,
    table: &str,
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query(sql::FORGET_RECEIPTS).bind(table).execute(&mut *connection).await?;
    for state in [statements::unfinished(table), statements::unchecked(table)] {
        sqlx::query(statements::FORGET).bind(state).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The foreign keys from and to the tables of the target's schema, by their table and their name.
pub(super) async fn found_references(
    connection: &mut PgConnection,
) -> Result<BTreeMap<[String; 2], FoundReference>> {
    let failed = |error: sqlx::Error| Error::of(&error, "the foreign keys cannot be listed");
    let rows = sqlx::query(statements::LIST_REFERENCES).fetch_all(connection).await.map_err(failed)?;
    let found = rows.iter().map(|row| {
        let reference = FoundReference {
            target: row.try_get(2).map_err(failed)?,
            is_valid: row.try_get(3).map_err(failed)?,
        };
        Ok(([row.try_get(1).map_err(failed)?, row.try_get(0).map_err(failed)?], reference))
    });
    found.collect()
}

/// Takes off the foreign keys from and to these tables.
async fn loosen(
    connection: &mut PgConnection,
    tables: &BTreeSet<String>,
    references: &[Reference],
    run: &RunIds,
) -> Result<()> {
    let failed = |error: sqlx::Error| Error::of(&error, "the foreign keys cannot be taken off");
    let mut transaction = connection.begin().await.map_err(failed)?;
    for table in tables {
        let remember = sqlx::query(statements::REMEMBER).bind(statements::unchecked(table));
        remember.bind(&run.load_run_id).execute(&mut *transaction).await.map_err(failed)?;
    }
    let found = found_references(&mut transaction).await?;
    for reference in references.iter().filter(|reference| reference.touches(tables)) {
        let name = statements::reference_name(reference);
        if !found.contains_key(&[reference.table.clone(), name.clone()]) {
            continue;
        }
        // Who may not put it on again may not take it off.
        if may_alter(&mut transaction, &reference.table).await?
            && may_alter(&mut transaction, &reference.target).await?
        {
            let drop = statements::drop_constraint(&reference.table, &name);
            sqlx::query(drop).execute(&mut *transaction).await.map_err(failed)?;
        }
    }
    transaction.commit().await.map_err(failed)
}

/// Takes the key and the indexes off a table that has no rows, and starts one over that another run left unfinished.
async fn open(
    connection: &mut PgConnection,
    table: &str,
    references: &[Reference],
    run: &RunIds,
) -> Result<()> {
    let failed = |error: sqlx::Error| Error::of(&error, format!("table {table}"));
    let state = statements::unfinished(table);
    let is_open = remembered(connection, &state).await?.is_some();
    if !is_open && has_rows(connection, table).await? {
        return Ok(());
    }
    hold(connection, table, &state).await?;
    let mut transaction = connection.begin().await.map_err(failed)?;
    sqlx::query(statements::lock_alone(table)).execute(&mut *transaction).await.map_err(failed)?;
    match remembered(&mut transaction, &state).await? {
        Some(other) if other != run.load_run_id => {
            sqlx::query(statements::empty(table)).execute(&mut *transaction).await.map_err(failed)?;
            let forget = sqlx::query(sql::FORGET_RECEIPTS).bind(table);
            forget.execute(&mut *transaction).await.map_err(failed)?;
        }
        Some(_) => {}
        None => {
            if has_rows(&mut transaction, table).await? || is_referred_to(&mut transaction, table).await? {
                return Ok(());
            }
            if !strip(&mut transaction, table, references).await? {
                return Ok(());
            }
        }
    }
    let remember = sqlx::query(statements::REMEMBER).bind(&state).bind(&run.load_run_id);
    remember.execute(&mut *transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Waits until no other load is at work on an unfinished table, and keeps others from it.
async fn hold(connection: &mut PgConnection, table: &str, state: &str) -> Result<()> {
    let held = sqlx::query(statements::HOLD).bind(state).execute(connection).await;
    held.map(drop).map_err(|error| {
        let error = Error::of(&error, format!("table {table}: another load is making it"));
        if error.kind() == ErrorKind::Busy { error } else { error.at("the load cannot begin") }
    })
}

async fn has_rows(connection: &mut PgConnection, table: &str) -> Result<bool> {
    let has = sqlx::query_scalar(statements::has_rows(table)).fetch_one(connection).await;
    has.map_err(|error| Error::of(&error, format!("table {table}")))
}

/// Whether foreign keys that are not the bridge's hold on to the key of a table.
async fn is_referred_to(connection: &mut PgConnection, table: &str) -> Result<bool> {
    Ok(found_references(connection).await?.values().any(|found| found.target == table))
}

/// Says whether the key could be taken off: a view of somebody's may stand on it. If not, the transaction is lost.
async fn strip(connection: &mut PgConnection, table: &str, references: &[Reference]) -> Result<bool> {
    let failed = |error: sqlx::Error| Error::of(&error, format!("table {table}"));
    let key: Option<String> = sqlx::query_scalar(statements::FIND_KEY)
        .bind(table)
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    if let Some(key) = key {
        let drop = statements::drop_constraint(table, &key);
        match sqlx::query(drop).execute(&mut *connection).await {
            Err(error) if is_refused_with(&error, NEEDED) => return Ok(false),
            dropped => dropped.map_err(failed)?,
        };
    }
    for reference in references.iter().filter(|reference| reference.table == table) {
        sqlx::query(statements::drop_index(reference)).execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(true)
}

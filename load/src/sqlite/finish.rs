//! What is built when every part is loaded: an index for each reference, so that the rows that refer to another are
//! found. Building them then sorts once; keeping them while rows come would move a page for every row.

use bron_mappings::Entity;
use sqlx::sqlite::SqliteConnection;

use crate::error::{Error, Result};
use crate::layout::Reference;
use crate::sql;

/// Builds the indexes of these entities that are not there; gives the names of the entities that got one. What is
/// interrupted is built by the next call.
pub(super) async fn indexes(connection: &mut SqliteConnection, entities: &[&Entity]) -> Result<Vec<String>> {
    let mut indexed = Vec::new();
    for entity in entities {
        let failed = |error: sqlx::Error| Error::of(&error, format!("the indexes of table {}", entity.name));
        let mut built = false;
        for reference in Reference::of(entity) {
            built |= index(connection, &reference).await.map_err(failed)?;
        }
        if built {
            indexed.push(entity.name.clone());
        }
    }
    indexed.sort_unstable();
    Ok(indexed)
}

/// Builds the index of a reference; `false` when it is there.
async fn index(
    connection: &mut SqliteConnection,
    reference: &Reference,
) -> std::result::Result<bool, sqlx::Error> {
    let name = sql::index_name(&reference.table, &reference.column);
    let there = sqlx::query_scalar::<_, i64>(sql::sqlite::COUNT_INDEXES).bind(&reference.table).bind(name);
    if there.fetch_one(&mut *connection).await? > 0 {
        return Ok(false);
    }
    // What is sorted lies in files meanwhile: it may be larger than the memory.
    sqlx::query("PRAGMA temp_store = file").execute(&mut *connection).await?;
    let create = sql::create_index(&reference.table, &reference.column);
    sqlx::query(sql::definition(create)).execute(connection).await?;
    Ok(true)
}

//! What is built when every part is loaded: an index for each reference, so that the rows that refer to another are
//! found. Building them then sorts once; keeping them while rows come would move a page for every row.

use bron_mappings::{Entity, FieldType};
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

use crate::error::{Error, Result};
use crate::sql;

/// Builds the indexes of these entities that are not there; gives the number built. What is interrupted is built by the
/// next call.
pub(super) async fn indexes(connection: &mut SqliteConnection, entities: &[&Entity]) -> Result<u64> {
    let mut built = 0;
    let failed = |entity: &Entity| {
        let table = entity.name.clone();
        move |error: sqlx::Error| Error::of(&error, format!("the indexes of table {table}"))
    };
    // What is sorted lies in files meanwhile: it may be larger than the memory.
    sqlx::query("PRAGMA temp_store = file")
        .execute(&mut *connection)
        .await
        .map_err(|error| Error::of(&error, "temp_store"))?;
    for entity in entities {
        for field in entity.fields.iter().filter(|field| matches!(field.kind, FieldType::Ref { .. })) {
            let failed = failed(entity);
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
            let before = indexes_of(&mut transaction, &entity.name).await.map_err(&failed)?;
            let create = sql::create_index(&entity.name, &field.name);
            sqlx::query(sql::definition(create)).execute(&mut *transaction).await.map_err(&failed)?;
            built += indexes_of(&mut transaction, &entity.name).await.map_err(&failed)?.abs_diff(before);
            transaction.commit().await.map_err(&failed)?;
        }
    }
    Ok(built)
}

async fn indexes_of(connection: &mut SqliteConnection, table: &str) -> std::result::Result<u64, sqlx::Error> {
    let counted = sqlx::query_scalar::<_, i64>(sql::sqlite::COUNT_INDEXES).bind(table);
    Ok(super::whole(counted.fetch_one(connection).await?))
}

//! What an SQLite database says about its tables.

use std::collections::BTreeMap;

use bron_mappings::ColumnType;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Row};

use super::quoted;
use crate::source::{SourceColumn, TableSchema};

/// What reading a table needs to know.
pub(crate) struct KnownTable {
    pub(crate) columns: Vec<SourceColumn>,
    pub(crate) key: Vec<String>,
    /// The columns that order all rows: those of the key, then what tells rows apart whose key is NULL, which SQLite
    /// allows.
    pub(super) order: Vec<String>,
    /// Whether no two rows are equal in that order.
    pub(super) order_is_total: bool,
    /// The name of the rowid, for a table that has one which can be asked for.
    rowid: Option<&'static str>,
}

/// Names under which the rowid can be asked for, unless a column of the table has taken them.
const ROWID_NAMES: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// The tables in the order of the schema; no views, virtual tables or tables of SQLite itself.
pub(super) async fn tables(connection: &mut SqliteConnection) -> Result<Vec<TableSchema>, sqlx::Error> {
    let names = sqlx::query(
        "SELECT s.name FROM sqlite_schema s JOIN pragma_table_list l ON l.schema = 'main' AND l.name = s.name \
         WHERE s.type = 'table' AND l.type = 'table' AND substr(s.name, 1, 7) <> 'sqlite_' ORDER BY s.rowid",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut tables = Vec::with_capacity(names.len());
    for row in names {
        let name: String = row.try_get(0)?;
        if let Some(known) = table(connection, &name).await? {
            let rows_estimate = estimate(connection, &name, &known).await?;
            tables.push(TableSchema { name, columns: known.columns, key_unique: known.key, rows_estimate });
        }
    }
    Ok(tables)
}

/// One table, `None` when there is none of this name.
pub(crate) async fn table(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<Option<KnownTable>, sqlx::Error> {
    let found =
        sqlx::query("SELECT wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name = ?")
            .bind(name.to_owned())
            .fetch_optional(&mut *connection)
            .await?;
    let Some(found) = found else { return Ok(None) };
    let without_rowid = found.try_get::<i64, _>(0)? != 0;
    let rows = sqlx::query(
        "SELECT name, type, pk, \"notnull\" FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid",
    )
    .bind(name.to_owned())
    .fetch_all(&mut *connection)
    .await?;
    let columns = rows.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let key = primary_key(&rows)?;
    let rowid = ROWID_NAMES
        .into_iter()
        .find(|free| !without_rowid && !columns.iter().any(|column| column.name.eq_ignore_ascii_case(free)));
    let mut order = key.clone();
    order.extend(rowid.map(str::to_owned));
    let order_is_total = !order.is_empty();
    if order.is_empty() {
        order.extend(columns.iter().map(|column| column.name.clone()));
    }
    Ok(Some(KnownTable { columns, key, order, order_is_total, rowid }))
}

fn column(row: &SqliteRow) -> Result<SourceColumn, sqlx::Error> {
    let declared_type: String = row.try_get(1)?;
    let holds_bytes = declared_type.to_ascii_uppercase().contains("BLOB");
    let kind = if holds_bytes { ColumnType::Bytes } else { ColumnType::Text };
    let nullable = Some(row.try_get::<i64, _>(3)? == 0);
    Ok(SourceColumn { name: row.try_get(0)?, declared_type, kind, nullable })
}

fn primary_key(rows: &[SqliteRow]) -> Result<Vec<String>, sqlx::Error> {
    let mut key: Vec<(i64, String)> = Vec::new();
    for row in rows {
        let position: i64 = row.try_get(2)?;
        if position > 0 {
            key.push((position, row.try_get(0)?));
        }
    }
    key.sort_unstable();
    Ok(key.into_iter().map(|(_, name)| name).collect())
}

/// The span of rowids costs two look-ups; only tables without rowid are counted.
async fn estimate(
    connection: &mut SqliteConnection,
    name: &str,
    known: &KnownTable,
) -> Result<u64, sqlx::Error> {
    let statement = if let Some(rowid) = known.rowid {
        let rowid = quoted(rowid);
        let ends = |function: &str| format!("(SELECT {function}({rowid}) FROM main.{})", quoted(name));
        format!("SELECT coalesce({} - {} + 1, 0)", ends("max"), ends("min"))
    } else {
        format!("SELECT count(*) FROM main.{}", quoted(name))
    };
    let row = sqlx::query(AssertSqlSafe(statement)).persistent(false).fetch_one(connection).await?;
    // Rowids may span more than an i64 can hold; SQLite then answers with a REAL, which is no estimate.
    Ok(u64::try_from(row.try_get::<i64, _>(0).unwrap_or(i64::MAX)).unwrap_or(0))
}

/// What the columns hold that convert nothing that is stored in them: those without a type, and those for blobs. The
/// name of a type where all values are of one, else an empty text.
pub(super) async fn held_types(
    connection: &mut SqliteConnection,
    table: &TableSchema,
) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let mut held = BTreeMap::new();
    let is_open = |column: &&SourceColumn| {
        column.kind == ColumnType::Bytes
            || matches!(column.declared_type.to_ascii_uppercase().as_str(), "" | "ANY")
    };
    for column in table.columns.iter().filter(is_open) {
        let (name, from) = (quoted(&column.name), quoted(&table.name));
        let statement =
            format!("SELECT DISTINCT typeof({name}) FROM main.{from} WHERE {name} IS NOT NULL LIMIT 2");
        let types = sqlx::query_scalar::<_, String>(AssertSqlSafe(statement)).persistent(false);
        let types = types.fetch_all(&mut *connection).await?;
        let held_type = match types.as_slice() {
            [] => column.declared_type.clone(),
            [only] => only.to_uppercase(),
            _ => String::new(),
        };
        held.insert(column.name.clone(), held_type);
    }
    Ok(held)
}

//! What a PostgreSQL database says about its tables.

use bron_mappings::ColumnType;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

use super::copy_text::Form;
use super::quoted;
use crate::source::{SourceColumn, TableSchema};

/// A table, with what reading it needs to know.
pub(super) struct KnownTable {
    columns: Vec<KnownColumn>,
    key: Vec<String>,
}

struct KnownColumn {
    column: SourceColumn,
    /// The name of the type in the catalog, that of a domain's base type.
    base: String,
    /// Whether values are ordered by the rules of a language unless told otherwise.
    textual: bool,
}

/// How a table is read.
pub(super) struct ReadPlan {
    /// The `COPY` statement.
    pub(super) statement: String,
    /// What the text of each column is.
    pub(super) forms: Vec<Form>,
}

/// The tables and views of a schema by name, with what can be read of each. Those of extensions are not left out:
/// a mapping decides what is read.
pub(super) async fn tables(
    connection: &mut PgConnection,
    schema: &str,
) -> Result<Vec<TableSchema>, sqlx::Error> {
    let found = sqlx::query(
        "SELECT c.relname, greatest(c.reltuples, 0)::int8 FROM pg_class c \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition \
         ORDER BY c.relname",
    )
    .bind(schema)
    .fetch_all(&mut *connection)
    .await?;
    let mut tables = Vec::with_capacity(found.len());
    for row in found {
        let name: String = row.try_get(0)?;
        let rows_estimate = u64::try_from(row.try_get::<i64, _>(1)?).unwrap_or(0);
        if let Some(known) = table(connection, schema, &name).await? {
            let columns = known.columns.into_iter().map(|known| known.column).collect();
            tables.push(TableSchema { name, columns, key_unique: known.key, rows_estimate });
        }
    }
    Ok(tables)
}

/// One table, `None` when there is none of this name.
pub(super) async fn table(
    connection: &mut PgConnection,
    schema: &str,
    name: &str,
) -> Result<Option<KnownTable>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod), coalesce(b.typname, t.typname), \
                coalesce(b.typcategory, t.typcategory)::text, \
                coalesce(array_position(i.indkey::int2[], a.attnum), -1)::int8 \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid \
         LEFT JOIN pg_type b ON b.oid = t.typbasetype \
         LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
         WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
    )
    .bind(schema)
    .bind(name)
    .fetch_all(&mut *connection)
    .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let columns = rows.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let positions = rows.iter().map(|row| row.try_get::<i64, _>(4)).collect::<Result<Vec<_>, _>>()?;
    let mut key: Vec<(i64, String)> = positions
        .into_iter()
        .zip(&columns)
        .filter(|(position, _)| *position >= 0)
        .map(|(position, known)| (position, known.column.name.clone()))
        .collect();
    key.sort_unstable();
    Ok(Some(KnownTable { columns, key: key.into_iter().map(|(_, name)| name).collect() }))
}

fn column(row: &PgRow) -> Result<KnownColumn, sqlx::Error> {
    let base: String = row.try_get(2)?;
    let kind = if base == "bytea" { ColumnType::Bytes } else { ColumnType::Text };
    let column = SourceColumn { name: row.try_get(0)?, declared_type: row.try_get(1)?, kind };
    Ok(KnownColumn { column, base, textual: row.try_get::<String, _>(3)? == "S" })
}

impl KnownTable {
    /// How to read the columns of `wanted`, or the name of one that is not there.
    pub(super) fn plan<'w>(&self, schema: &str, wanted: &'w TableSchema) -> Result<ReadPlan, &'w str> {
        let named = |name: &str| self.columns.iter().find(|known| known.column.name == name);
        let chosen = wanted.columns.iter().map(|column| named(&column.name).ok_or(column.name.as_str()));
        let chosen = chosen.collect::<Result<Vec<_>, _>>()?;
        let list = |texts: Vec<String>| texts.join(", ");
        let values = list(chosen.iter().map(|known| known.value()).collect());
        let order: Vec<String> = if self.key.is_empty() {
            let columns = self.columns.iter().map(|known| quoted(&known.column.name));
            columns.map(|name| format!("{name}::text COLLATE \"C\" NULLS FIRST")).collect()
        } else {
            self.key.iter().filter_map(|name| named(name)).map(KnownColumn::order).collect()
        };
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", list(order)) };
        let from = format!("{}.{}", quoted(schema), quoted(&wanted.name));
        Ok(ReadPlan {
            statement: format!("COPY (SELECT {values} FROM {from}{order}) TO STDOUT"),
            forms: chosen.iter().map(|known| known.form()).collect(),
        })
    }
}

impl KnownColumn {
    /// The value as SQL text, for those types whose usual text depends on the server's settings.
    fn value(&self) -> String {
        let name = quoted(&self.column.name);
        match self.base.as_str() {
            "bool" => format!("{name}::int"),
            "money" => format!("{name}::numeric"),
            _ => name,
        }
    }

    fn form(&self) -> Form {
        match self.base.as_str() {
            "bytea" => Form::Hex,
            "float4" | "float8" => Form::Real,
            "timestamptz" => Form::MomentInUtc,
            _ => Form::Text,
        }
    }

    fn order(&self) -> String {
        let name = quoted(&self.column.name);
        if self.textual { format!("{name} COLLATE \"C\"") } else { name }
    }
}

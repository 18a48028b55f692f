//! What a PostgreSQL database says about its tables.

use bron_mappings::ColumnType;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

use super::copy_text::Form;
use super::quoted;
use crate::selection::{KnownTable, Selectable};
use crate::source::{SourceColumn, TableSchema};

/// A column, with what reading it needs to know.
pub(super) struct PostgresColumn {
    column: SourceColumn,
    /// The name of the type in the catalog, that of a domain's base type.
    base: String,
    /// Whether values are ordered by the rules of a language unless told otherwise.
    textual: bool,
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
            tables.push(known.schema(name, rows_estimate));
        }
    }
    Ok(tables)
}

/// One table, `None` when there is none of this name.
pub(super) async fn table(
    connection: &mut PgConnection,
    schema: &str,
    name: &str,
) -> Result<Option<KnownTable<PostgresColumn>>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod), coalesce(b.typname, t.typname), \
                coalesce(b.typcategory, t.typcategory)::text, \
                array_position(i.indkey::int2[], a.attnum)::int8, a.attnotnull \
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
    let columns = rows.iter().map(|row| Ok((column(row)?, row.try_get(4)?)));
    let columns = columns.collect::<Result<Vec<_>, sqlx::Error>>()?;
    Ok((!columns.is_empty()).then(|| KnownTable::new(columns)))
}

fn column(row: &PgRow) -> Result<PostgresColumn, sqlx::Error> {
    let base: String = row.try_get(2)?;
    let kind = if base == "bytea" { ColumnType::Bytes } else { ColumnType::Text };
    let nullable = Some(!row.try_get::<bool, _>(5)?);
    let column = SourceColumn { name: row.try_get(0)?, declared_type: row.try_get(1)?, kind, nullable };
    Ok(PostgresColumn { column, base, textual: row.try_get::<String, _>(3)? == "S" })
}

impl PostgresColumn {
    /// What the text of the column's values is.
    pub(super) fn form(&self) -> Form {
        match self.base.as_str() {
            "bytea" => Form::Hex,
            "float4" | "float8" => Form::Real,
            "timestamptz" => Form::MomentInUtc,
            _ => Form::Text,
        }
    }
}

impl Selectable for PostgresColumn {
    fn column(&self) -> &SourceColumn {
        &self.column
    }

    fn value(&self) -> String {
        let name = quoted(&self.column.name);
        match self.base.as_str() {
            "bool" => format!("{name}::int"),
            // The usual text of money has the currency and the digits of the server's language.
            "money" => format!("{name}::numeric"),
            _ => name,
        }
    }

    fn order_in_key(&self) -> String {
        let name = quoted(&self.column.name);
        if self.textual { format!("{name} COLLATE \"C\"") } else { name }
    }

    fn order_by_text(&self) -> String {
        format!("{}::text COLLATE \"C\" NULLS FIRST", quoted(&self.column.name))
    }
}

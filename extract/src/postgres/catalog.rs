//! What a PostgreSQL database says about its tables.

use bron_mappings::ColumnType;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Executor, Row};

use super::copy_text::Form;
use super::quoted;
use crate::selection::{KnownTable, Selectable, Selected};
use crate::source::{SourceColumn, TableSchema};
use crate::span::KeyValue;

/// A column, with what reading it needs to know.
pub(crate) struct PostgresColumn {
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
pub(crate) async fn table(
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

/// Whether the rows of a table, or of those below a view, lie where they lay at the moment of the transaction. `from`
/// is the table as SQL text.
///
/// The forms of DDL that write a table anew do not keep the rows that older transactions see: to these the table looks
/// empty, and no error says so. Nothing can write it anew after this question, for as long as the transaction lasts.
pub(super) async fn is_as_it_was(connection: &mut PgConnection, from: &str) -> Result<bool, sqlx::Error> {
    // Takes the locks that reading takes, and asks for no more rights.
    connection.execute(AssertSqlSafe(format!("SELECT FROM {from} LIMIT 0"))).await?;
    let question = written_anew("$1");
    let found =
        sqlx::query_scalar::<_, i32>(AssertSqlSafe(question)).bind(from).fetch_one(connection).await?;
    Ok(found == 0)
}

/// The statement that answers 1 when a table, or one below a view, was written anew after the moment of the
/// transaction, else 0. `name` is a text of SQL that names the table, as SQL spells it.
pub(crate) fn written_anew(name: &str) -> String {
    format!(
        "WITH RECURSIVE behind(oid) AS (SELECT to_regclass({name})::oid UNION SELECT next.oid FROM behind, LATERAL ( \
           SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = behind.oid UNION ALL \
           SELECT d.refobjid FROM pg_rewrite w JOIN pg_depend d ON d.objid = w.oid \
             AND d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass \
           WHERE w.ev_class = behind.oid) next(oid)) \
         SELECT CASE WHEN count(*) = 0 THEN 0 ELSE 1 END FROM behind LEFT JOIN pg_class c ON c.oid = behind.oid \
         WHERE c.oid IS NULL \
           OR (c.relfilenode <> 0 AND pg_relation_filenode(c.oid) IS DISTINCT FROM c.relfilenode)"
    )
}

fn column(row: &PgRow) -> Result<PostgresColumn, sqlx::Error> {
    let base: String = row.try_get(2)?;
    let kind = if base == "bytea" { ColumnType::Bytes } else { ColumnType::Text };
    let nullable = Some(!row.try_get::<bool, _>(5)?);
    let column = SourceColumn { name: row.try_get(0)?, declared_type: row.try_get(1)?, kind, nullable };
    Ok(PostgresColumn { column, base, textual: row.try_get::<String, _>(3)? == "S" })
}

/// What the text of a value of a statement is.
pub(super) fn form(value: &Selected<'_, PostgresColumn>) -> Form {
    if value.only_in_mark { Form::Text } else { value.column.form() }
}

impl PostgresColumn {
    /// Whether the values are whole numbers of at most 64 bits.
    pub(crate) fn is_whole_number(&self) -> bool {
        matches!(self.base.as_str(), "int2" | "int4" | "int8")
    }

    /// Whether the values are texts.
    pub(super) const fn is_textual(&self) -> bool {
        self.textual
    }

    /// The value that travels, of what SQL calls `name`.
    pub(crate) fn value_of(&self, name: String) -> String {
        match self.base.as_str() {
            "bool" => format!("{name}::int"),
            // The usual text of money has the currency and the digits of the server's language.
            "money" => format!("{name}::numeric"),
            _ => name,
        }
    }

    /// What the text of the column's values is.
    pub(crate) fn form(&self) -> Form {
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
        self.value_of(quoted(&self.column.name))
    }

    fn order_in_key(&self) -> String {
        let name = quoted(&self.column.name);
        if self.textual { format!("{name} COLLATE \"C\"") } else { name }
    }

    fn order_by_text(&self) -> String {
        format!("{}::text COLLATE \"C\" NULLS FIRST", quoted(&self.column.name))
    }

    fn value_in_mark(&self) -> Option<String> {
        let name = quoted(&self.column.name);
        if self.form() == Form::Text && self.value() == name {
            return Some(name);
        }
        // The text of any value reads back as the same value. With the name that the server would give it, it would
        // be what rows are ordered by.
        Some(format!("{name}::text AS {}", quoted(&format!("mark of {}", self.column.name))))
    }

    fn mark_as_sql(&self, value: &KeyValue) -> Option<String> {
        let text = match value {
            KeyValue::Text(text) => text.replace('\'', "''"),
            KeyValue::Whole(number) => number.to_string(),
            KeyValue::Real(_) | KeyValue::Bytes(_) => return None,
        };
        let literal = format!("'{text}'::{}", self.column.declared_type);
        Some(if self.textual { format!("{literal} COLLATE \"C\"") } else { literal })
    }
}

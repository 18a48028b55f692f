//! What a MySQL or MariaDB database says about its tables.

use bron_mappings::ColumnType;
use sqlx::Row;
use sqlx::mysql::{MySqlConnection, MySqlRow};

use super::form::{Form, encoding};
use super::quoted;
use crate::charset::Charset;
use crate::selection::{KnownTable, Selectable, Selected, has_zero_day, hexadecimal, is_exact_number};
use crate::source::{SourceColumn, TableSchema};
use crate::span::KeyValue;

/// A column, with what reading it needs to know.
pub(crate) struct MysqlColumn {
    column: SourceColumn,
    /// The name of the type without its size.
    base: String,
    /// The character set of a text.
    character_set: Option<String>,
}

/// The tables and views of the database by name.
pub(super) async fn tables(connection: &mut MySqlConnection) -> Result<Vec<TableSchema>, sqlx::Error> {
    let found = sqlx::query(
        "SELECT CAST(table_name AS CHAR), CAST(coalesce(table_rows, 0) AS UNSIGNED) \
         FROM information_schema.tables WHERE table_schema = database() ORDER BY CAST(table_name AS BINARY)",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut tables = Vec::with_capacity(found.len());
    for row in found {
        let name: String = row.try_get(0)?;
        let rows_estimate: u64 = row.try_get(1)?;
        if let Some(known) = table(connection, &name).await? {
            tables.push(known.schema(name, rows_estimate));
        }
    }
    Ok(tables)
}

/// One table, `None` when there is none of this name.
pub(crate) async fn table(
    connection: &mut MySqlConnection,
    name: &str,
) -> Result<Option<KnownTable<MysqlColumn>>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT CAST(c.column_name AS CHAR), CAST(c.column_type AS CHAR), CAST(c.data_type AS CHAR), \
                CAST(c.character_set_name AS CHAR), CAST(k.ordinal_position AS SIGNED), \
                CAST(c.is_nullable = 'YES' AS SIGNED) \
         FROM information_schema.columns c LEFT JOIN information_schema.key_column_usage k \
           ON k.table_schema = c.table_schema AND k.table_name = c.table_name \
          AND k.column_name = c.column_name AND k.constraint_name = 'PRIMARY' \
         WHERE c.table_schema = database() AND c.table_name = ? ORDER BY c.ordinal_position",
    )
    .bind(name)
    .fetch_all(&mut *connection)
    .await?;
    let columns = rows.iter().map(|row| Ok((column(row)?, row.try_get(4)?)));
    let columns = columns.collect::<Result<Vec<_>, sqlx::Error>>()?;
    Ok((!columns.is_empty()).then(|| KnownTable::new(columns)))
}

fn column(row: &MySqlRow) -> Result<MysqlColumn, sqlx::Error> {
    let base: String = row.try_get::<String, _>(2)?.to_ascii_lowercase();
    let character_set: Option<String> = row.try_get(3)?;
    let nullable = Some(row.try_get::<i64, _>(5)? != 0);
    let column = SourceColumn {
        name: row.try_get(0)?,
        declared_type: row.try_get(1)?,
        kind: ColumnType::Text,
        nullable,
    };
    let mut known = MysqlColumn { column, base, character_set };
    if known.is_bytes() {
        known.column.kind = ColumnType::Bytes;
    }
    Ok(known)
}

/// What the bytes of a value of a statement are.
pub(super) fn form(value: &Selected<'_, MysqlColumn>) -> Form {
    if value.only_in_mark { Form::Text } else { value.column.form() }
}

impl MysqlColumn {
    fn is_bytes(&self) -> bool {
        let binary = self.base.ends_with("blob") || self.base.ends_with("binary");
        binary || matches!(self.base.as_str(), "geometry" | "point" | "linestring" | "polygon" | "vector")
    }

    /// The name of the column with the character set of its texts, where they have one.
    pub(super) fn character_set(self) -> Option<(String, String)> {
        Some((self.column.name, self.character_set?))
    }

    fn stored_encoding(&self) -> Option<Charset> {
        self.character_set.as_deref().and_then(encoding)
    }

    /// The value that travels, of what SQL calls `name`.
    pub(crate) fn value_of(&self, name: String) -> String {
        match self.base.as_str() {
            // As text a single has six digits, which is not all that it has.
            "float" => format!("CAST({name} AS DOUBLE)"),
            "bit" => format!("CAST({name} AS UNSIGNED)"),
            // Converted by the server, what cannot be converted would become question marks.
            _ if self.stored_encoding().is_some() => format!("CAST({name} AS BINARY)"),
            _ => name,
        }
    }

    /// Whether the values are whole numbers.
    pub(crate) fn is_whole_number(&self) -> bool {
        matches!(self.base.as_str(), "tinyint" | "smallint" | "mediumint" | "int" | "bigint")
    }

    /// What the bytes of the column's values are.
    pub(crate) fn form(&self) -> Form {
        match self.base.as_str() {
            _ if self.is_bytes() => Form::Bytes,
            "float" => Form::Single,
            "double" => Form::Double,
            "timestamp" => Form::MomentInUtc,
            "datetime" | "time" => Form::Time,
            _ => self.stored_encoding().map_or(Form::Text, Form::Encoded),
        }
    }
}

impl Selectable for MysqlColumn {
    fn column(&self) -> &SourceColumn {
        &self.column
    }

    fn value(&self) -> String {
        self.value_of(quoted(&self.column.name))
    }

    fn order_in_key(&self) -> String {
        if self.character_set.is_some() { self.order_by_text() } else { quoted(&self.column.name) }
    }

    fn order_by_text(&self) -> String {
        format!("CAST(CONVERT({} USING utf8mb4) AS BINARY)", quoted(&self.column.name))
    }

    fn value_in_mark(&self) -> Option<String> {
        match self.base.as_str() {
            _ if self.is_bytes() => Some(self.value()),
            // What the server orders by, whatever the character set makes of it here.
            _ if self.character_set.is_some() => Some(format!("HEX({})", self.order_by_text())),
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "year" | "bit" | "date" => {
                Some(self.value())
            }
            "datetime" | "timestamp" | "time" => Some(format!("CAST({} AS CHAR)", quoted(&self.column.name))),
            _ => None,
        }
    }

    fn mark_as_sql(&self, value: &KeyValue) -> Option<String> {
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_moment =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || b" -:.".contains(&byte));
        match value {
            KeyValue::Bytes(bytes) => Some(format!("x'{}'", hexadecimal(bytes))),
            KeyValue::Text(text) if self.character_set.is_some() => {
                is_digits(text).then(|| format!("x'{text}'"))
            }
            KeyValue::Text(text)
                if matches!(self.base.as_str(), "date" | "datetime" | "timestamp" | "time") =>
            {
                (is_moment(text) && !has_zero_day(text)).then(|| format!("'{text}'"))
            }
            // Without quotation marks: a text would be compared as an approximate number.
            KeyValue::Text(text) => is_exact_number(text).then(|| text.clone()),
            KeyValue::Whole(_) | KeyValue::Real(_) => None,
        }
    }
}

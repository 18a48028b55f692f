//! Rows that a database writes down itself, as JSON, in the words that reading them gives.
//!
//! A trigger has to say what a row was, in a form from which exactly the texts come that a [`Source`](crate::Source)
//! gives for the same row: numbers with their digits, moments in UTC, bytes as bytes, text in the character set that
//! it is stored in. [`ImageTable::json`] is the expression for that, and [`ImageTable::texts`] reads what came of it.
//! Both rest on what the connectors know of the types of their database, so there is one rule for a type and not two.
//!
//! ```text
//! null                  NULL
//! "…"                   text; hexadecimal digits where the type of the column says bytes
//! ["r", "…"]            an approximate number        (SQLite, where a value has its own type)
//! ["x", "…"]            bytes, as hexadecimal digits (SQLite)
//! ```

use std::collections::BTreeMap;
use std::fmt;

use bron_mappings::ColumnType;
use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;

use crate::mysql;
use crate::mysql::form::{Form as MysqlForm, Formed};
use crate::postgres;
use crate::postgres::copy_text::Form as PostgresForm;
use crate::quoting::{in_backticks, in_quotes};
use crate::selection::{Selectable, bytes_of_digits, hexadecimal};
use crate::source::SourceColumn;
use crate::sqlite;

/// A value of a row, as reading the table gives it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageText {
    /// Text.
    Text(String),
    /// The bytes of a column of bytes, and of a text whose bytes are no text.
    Bytes(Vec<u8>),
}

/// A table whose rows the database can write down as JSON.
pub struct ImageTable {
    dialect: Dialect,
    columns: Vec<ImageColumn>,
    key: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Sqlite,
    Postgres,
    Mysql,
}

struct ImageColumn {
    column: SourceColumn,
    how: How,
    /// Whether all values are whole numbers, by the type of the column.
    whole: bool,
}

/// How the values of a column are written, and read again.
enum How {
    Sqlite,
    Postgres { value: String, form: PostgresForm },
    Mysql { value: String, form: MysqlForm },
}

/// Stands for the row in an expression until it is known what the row is called.
const ROW: &str = "\u{1}";

impl ImageTable {
    /// A table of an SQLite database; `None` when there is none of this name.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn of_sqlite(
        connection: &mut SqliteConnection,
        name: &str,
    ) -> Result<Option<Self>, sqlx::Error> {
        let Some(known) = sqlite::catalog::table(connection, name).await? else { return Ok(None) };
        let column = |column: SourceColumn| {
            let whole = column.declared_type.eq_ignore_ascii_case("INTEGER");
            ImageColumn { column, how: How::Sqlite, whole }
        };
        let columns = known.columns.into_iter().map(column).collect();
        Ok(Some(Self { dialect: Dialect::Sqlite, columns, key: known.key }))
    }

    /// A table of a PostgreSQL database; `None` when there is none of this name in the schema.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn of_postgres(
        connection: &mut PgConnection,
        schema: &str,
        name: &str,
    ) -> Result<Option<Self>, sqlx::Error> {
        let Some(known) = postgres::catalog::table(connection, schema, name).await? else { return Ok(None) };
        let columns = known.columns.iter().map(|known| {
            let value = known.value_of(format!("{ROW}.{}", in_quotes(&known.column().name)));
            let how = How::Postgres { value, form: known.form() };
            ImageColumn { column: known.column().clone(), how, whole: known.is_whole_number() }
        });
        Ok(Some(Self { dialect: Dialect::Postgres, columns: columns.collect(), key: known.key }))
    }

    /// A table of a MySQL or MariaDB database; `None` when there is none of this name.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn of_mysql(connection: &mut MySqlConnection, name: &str) -> Result<Option<Self>, sqlx::Error> {
        let Some(known) = mysql::catalog::table(connection, name).await? else { return Ok(None) };
        let columns = known.columns.iter().map(|known| {
            let value = known.value_of(format!("{ROW}.{}", in_backticks(&known.column().name)));
            let how = How::Mysql { value, form: known.form() };
            ImageColumn { column: known.column().clone(), how, whole: known.is_whole_number() }
        });
        Ok(Some(Self { dialect: Dialect::Mysql, columns: columns.collect(), key: known.key }))
    }

    /// The columns in the order of the source.
    pub fn columns(&self) -> impl Iterator<Item = &SourceColumn> {
        self.columns.iter().map(|known| &known.column)
    }

    /// The columns of the declared primary key in key order; empty when there is none.
    #[must_use]
    pub fn key(&self) -> &[String] {
        &self.key
    }

    /// Leaves out every column that is not named.
    pub fn keep(&mut self, names: &[String]) {
        self.columns.retain(|known| names.contains(&known.column.name));
    }

    /// Whether the values of a column are whole numbers by its type. In SQLite a declaration binds nobody.
    #[must_use]
    pub fn is_whole(&self, column: &str) -> bool {
        self.named(column).is_some_and(|known| known.whole)
    }

    fn named(&self, column: &str) -> Option<&ImageColumn> {
        self.columns.iter().find(|known| known.column.name == column)
    }

    /// A column of what SQL calls `row`, as SQL.
    #[must_use]
    pub fn operand(&self, row: &str, column: &str) -> String {
        match self.dialect {
            Dialect::Sqlite | Dialect::Postgres => format!("{row}.{}", in_quotes(column)),
            Dialect::Mysql => format!("{row}.{}", in_backticks(column)),
        }
    }

    /// The expression that writes down what SQL calls `row` (`NEW`, `OLD` or an alias) as JSON.
    #[must_use]
    pub fn json(&self, row: &str) -> String {
        let cells = self.columns.iter().map(|known| {
            let operand = self.operand(row, &known.column.name);
            (known.column.name.as_str(), known.cell(&operand, row))
        });
        match self.dialect {
            Dialect::Sqlite => sqlite_object(cells),
            Dialect::Postgres => {
                let (names, values): (Vec<_>, Vec<_>) =
                    cells.map(|(name, cell)| (self.literal(name), cell)).unzip();
                let (names, values) = (names.join(", "), values.join(", "));
                format!("json_object(ARRAY[{names}]::text[], ARRAY[{values}]::text[])::text")
            }
            Dialect::Mysql => {
                let cells: Vec<String> =
                    cells.map(|(name, cell)| format!("{}, {cell}", self.literal(name))).collect();
                format!("JSON_OBJECT({})", cells.join(", "))
            }
        }
    }

    /// What orders the rows of `row` as the bytes of a key are ordered: shorter texts before longer ones, and among
    /// equally long ones byte by byte, whatever the collation of the column. One expression where `by_number` says
    /// that the order of the numbers is the same, else two. Beside each stands, when there is one, a value to compare
    /// with.
    #[must_use]
    pub fn order(
        &self,
        row: &str,
        column: &str,
        by_number: bool,
        value: Option<&str>,
    ) -> Vec<(String, String)> {
        let operand = self.operand(row, column);
        let digits = value.filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
        if by_number {
            return vec![(operand, digits.unwrap_or("0").to_owned())];
        }
        let text = match self.named(column).map(|known| &known.how) {
            Some(How::Postgres { value, .. }) => format!("concat({})", value.replace(ROW, row)),
            _ => operand,
        };
        let length = value.map_or(-1, |value| i64::try_from(value.len()).unwrap_or(i64::MAX));
        let (by_length, by_bytes) = match self.dialect {
            Dialect::Sqlite => (
                format!("coalesce(length(CAST({text} AS BLOB)), -1)"),
                format!("coalesce(CAST({text} AS TEXT), '') COLLATE BINARY"),
            ),
            Dialect::Postgres => (format!("octet_length({text})"), format!("{text} COLLATE \"C\"")),
            Dialect::Mysql => (
                format!("coalesce(OCTET_LENGTH(CONVERT({text} USING utf8mb4)), -1)"),
                format!("coalesce(CAST(CONVERT({text} USING utf8mb4) AS BINARY), '')"),
            ),
        };
        vec![(by_length, length.to_string()), (by_bytes, self.literal(value.unwrap_or_default()))]
    }

    /// A text as SQL, safe whatever it holds.
    fn literal(&self, text: &str) -> String {
        let digits = hexadecimal(text.as_bytes());
        match self.dialect {
            Dialect::Sqlite => format!("CAST(x'{digits}' AS TEXT)"),
            Dialect::Postgres if text.is_ascii() && !text.contains(['\'', '\\']) => format!("'{text}'"),
            Dialect::Postgres => format!("convert_from(decode('{digits}', 'hex'), 'UTF8')"),
            Dialect::Mysql if text.is_ascii() && !text.contains(['\'', '\\']) => format!("'{text}'"),
            Dialect::Mysql => format!("CONVERT(x'{digits}' USING utf8mb4)"),
        }
    }

    /// The values of a row that the database wrote down, those that are not NULL, by column. Columns that the row was
    /// written without are left out. `None` for what [`ImageTable::json`] cannot have written.
    #[must_use]
    pub fn texts(&self, json: &[u8]) -> Option<BTreeMap<String, ImageText>> {
        let mut written: BTreeMap<String, Written> = serde_json::from_slice(json).ok()?;
        let mut texts = BTreeMap::new();
        for known in &self.columns {
            let name = &known.column.name;
            match written.remove(name) {
                None | Some(Written::Null) => {}
                Some(written) => {
                    texts.insert(name.clone(), known.text(written)?);
                }
            }
        }
        Some(texts)
    }
}

/// SQLite's own functions for objects take few arguments in some versions and refuse bytes: the text is put together.
fn sqlite_object<'a>(cells: impl Iterator<Item = (&'a str, String)>) -> String {
    let mut parts = Vec::new();
    for (place, (name, cell)) in cells.enumerate() {
        let name = serde_json::to_string(name).expect("a name can be written as JSON").replace('\'', "''");
        parts.push(format!("'{}{name}:'", if place == 0 { "{" } else { "," }));
        parts.push(cell);
    }
    if parts.is_empty() { "'{}'".to_owned() } else { format!("{} || '}}'", parts.join(" || ")) }
}

impl ImageColumn {
    /// The expression for the value. `operand` is the column, `row` the row that it is one of, as SQL.
    fn cell(&self, operand: &str, row: &str) -> String {
        match &self.how {
            How::Sqlite => format!(
                "CASE typeof({operand}) WHEN 'null' THEN 'null' WHEN 'integer' THEN '\"' || {operand} || '\"' \
                 WHEN 'real' THEN '[\"r\",\"' || quote({operand}) || '\"]' WHEN 'text' THEN json_quote({operand}) \
                 ELSE '[\"x\",\"' || hex({operand}) || '\"]' END"
            ),
            How::Postgres { form: PostgresForm::Hex, .. } => format!("encode({operand}, 'hex')"),
            // What a cast to text cuts off (the blanks of char(n)), concat keeps; of NULL it makes a text.
            How::Postgres { value, .. } => {
                format!("CASE WHEN {operand} IS NOT NULL THEN concat({}) END", value.replace(ROW, row))
            }
            How::Mysql { value, form } => {
                let value = value.replace(ROW, row);
                match form {
                    MysqlForm::Bytes | MysqlForm::Encoded(_) => format!("HEX({value})"),
                    MysqlForm::MomentInUtc => mysql_moment(operand),
                    // The server would take a text of JSON for a part of the object.
                    MysqlForm::Text => format!("CONCAT({value})"),
                    MysqlForm::Single | MysqlForm::Double | MysqlForm::Time => {
                        format!("CONCAT(CAST({value} AS CHAR))")
                    }
                }
            }
        }
    }

    fn text(&self, written: Written) -> Option<ImageText> {
        match (&self.how, written) {
            (_, Written::Null) => None,
            (How::Sqlite, written) => self.sqlite_text(written),
            (How::Postgres { form, .. }, Written::Text(bytes)) => postgres_text(*form, bytes),
            (How::Mysql { form, .. }, Written::Text(bytes)) => mysql_text(form, bytes),
            (How::Postgres { .. } | How::Mysql { .. }, Written::Tagged(..)) => None,
        }
    }

    fn sqlite_text(&self, written: Written) -> Option<ImageText> {
        let bytes = match written {
            Written::Null => return None,
            Written::Text(bytes) => bytes,
            Written::Tagged(tag, digits) => match tag.as_str() {
                "x" => return bytes_of_digits(digits.as_bytes()).map(ImageText::Bytes),
                "r" => digits.parse::<f64>().ok()?.to_string().into_bytes(),
                _ => return None,
            },
        };
        Some(if self.column.kind == ColumnType::Bytes { ImageText::Bytes(bytes) } else { text_of(bytes) })
    }
}

/// A moment in UTC, whatever the time zone of the session. A moment that never was stays what it is.
fn mysql_moment(operand: &str) -> String {
    let moment = format!("TIMESTAMP'1970-01-01 00:00:00' + INTERVAL UNIX_TIMESTAMP({operand}) SECOND");
    format!(
        "CASE WHEN {operand} IS NULL THEN NULL WHEN UNIX_TIMESTAMP({operand}) = 0 THEN '0000-00-00 00:00:00' \
         ELSE CONCAT(CAST({moment} AS CHAR)) END"
    )
}

fn postgres_text(form: PostgresForm, bytes: Vec<u8>) -> Option<ImageText> {
    if form == PostgresForm::Hex {
        return bytes_of_digits(&bytes).map(ImageText::Bytes);
    }
    let text = String::from_utf8(bytes).ok()?;
    Some(ImageText::Text(match form {
        PostgresForm::Text | PostgresForm::Hex => text,
        PostgresForm::Real => text.parse::<f64>().ok()?.to_string(),
        PostgresForm::MomentInUtc => match text.strip_suffix("+00") {
            Some(moment) => format!("{moment} +00:00"),
            None => text,
        },
    }))
}

fn mysql_text(form: &MysqlForm, bytes: Vec<u8>) -> Option<ImageText> {
    let sent = match form {
        MysqlForm::Bytes | MysqlForm::Encoded(_) => bytes_of_digits(&bytes)?,
        MysqlForm::Text
        | MysqlForm::Single
        | MysqlForm::Double
        | MysqlForm::Time
        | MysqlForm::MomentInUtc => bytes,
    };
    Some(match form.of(&sent) {
        Formed::Same(same) => text_of(same.to_vec()),
        Formed::Made(text) => ImageText::Text(text),
        Formed::Bytes(bytes) => ImageText::Bytes(bytes.to_vec()),
        Formed::Real(number) => ImageText::Text(number.to_string()),
    })
}

fn text_of(bytes: Vec<u8>) -> ImageText {
    String::from_utf8(bytes).map_or_else(|error| ImageText::Bytes(error.into_bytes()), ImageText::Text)
}

/// A value as it stands in the JSON.
enum Written {
    Null,
    /// Not known to be UTF-8: SQLite stores any bytes as text.
    Text(Vec<u8>),
    Tagged(String, String),
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(WrittenVisitor)
    }
}

struct WrittenVisitor;

impl<'de> Visitor<'de> for WrittenVisitor {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, a text, or a tag and a text")
    }

    fn visit_none<E>(self) -> Result<Written, E> {
        Ok(Written::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Written, D::Error> {
        deserializer.deserialize_bytes(self)
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Written, E> {
        Ok(Written::Text(bytes.to_vec()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Written, A::Error> {
        let mut next =
            || values.next_element::<String>()?.ok_or_else(|| A::Error::custom("a tag and a text"));
        Ok(Written::Tagged(next()?, next()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(json: &str) -> Option<Vec<String>> {
        let found: Vec<Written> = serde_json::from_str(json).ok()?;
        let shown = found.into_iter().map(|one| match one {
            Written::Null => "null".to_owned(),
            Written::Text(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Written::Tagged(tag, text) => format!("{tag}:{text}"),
        });
        Some(shown.collect())
    }

    #[test]
    fn cells_are_null_text_or_tagged() {
        let found = written(r#"[null, "a\u0000å\"", ["r", "1.5"], []]"#);
        assert_eq!(found, None, "an array without a tag");
        let found = written(r#"[null, "a\u0000å\"", ["r", "1.5"]]"#).unwrap();
        assert_eq!(found, ["null", "a\0å\"", "r:1.5"]);
        assert_eq!(written("[1]"), None);
    }

    #[test]
    fn the_text_of_an_object_is_put_together() {
        let cells = [("a'b", "x".to_owned()), ("c\"d", "y".to_owned())].into_iter();
        assert_eq!(sqlite_object(cells), r#"'{"a''b":' || x || ',"c\"d":' || y || '}'"#);
        assert_eq!(sqlite_object(std::iter::empty()), "'{}'");
    }
}

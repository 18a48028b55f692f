//! Every statement that is not a constant is built here, and every name in it is quoted here.
//!
//! Values never become part of a statement: they are bound, or travel as COPY data. The one exception
//! is an id in a COPY query, which has no parameters: its text is hexadecimal digits and hyphens.

pub(crate) mod grants;
pub(crate) mod history;
pub(crate) mod opening;
pub(crate) mod postgres;
pub(crate) mod refusals;
pub(crate) mod sqlite;

use std::sync::Arc;

use bron_mappings::{ColumnType, Digest};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::layout::{Dialect, ID, Layout, RUN_COLUMNS};

/// Whether a name can be a table or a column: `[a-z_][a-z0-9_]*`.
pub(crate) fn is_identifier(name: &str) -> bool {
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
    starts && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A name as SQL. The names that reach a database have passed [`is_identifier`]; quoting keeps those
/// that are words of the language, such as `order`, apart from them.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Hands a statement of this module to the driver.
pub(crate) fn statement(text: &Arc<str>) -> SqlStr {
    AssertSqlSafe(Arc::clone(text)).into_sql_str()
}

/// The type of a column, as the target's own catalogue names it.
pub(crate) fn column_type(kind: ColumnType, dialect: Dialect) -> String {
    let (sqlite, postgres) = match kind {
        ColumnType::Text => ("TEXT", "text"),
        ColumnType::Bytes => ("BLOB", "bytea"),
        ColumnType::Bool => ("INTEGER", "boolean"),
        ColumnType::Int => ("INTEGER", "bigint"),
        ColumnType::Date => ("TEXT", "date"),
        ColumnType::Time => ("TEXT", "timestamp without time zone"),
        ColumnType::Id => ("TEXT", "uuid"),
        ColumnType::Decimal { scale } => match dialect {
            Dialect::Sqlite => ("TEXT", ""),
            Dialect::Postgres => return format!("numeric(38,{scale})"),
        },
    };
    match dialect {
        Dialect::Sqlite => sqlite.to_owned(),
        Dialect::Postgres => postgres.to_owned(),
    }
}

/// The statement that creates the table of a layout where it does not exist.
pub(crate) fn create_table(layout: &Layout, dialect: Dialect) -> String {
    let mut lines: Vec<String> = Vec::new();
    for column in &layout.columns {
        let required = if column.required { " NOT NULL" } else { "" };
        lines.push(format!("  {} {}{required}", quoted(&column.name), column_type(column.kind, dialect)));
    }
    for name in RUN_COLUMNS {
        lines.push(format!("  {} {} NOT NULL", quoted(name), column_type(ColumnType::Text, dialect)));
    }
    lines.push(format!("  PRIMARY KEY ({})", quoted(ID)));
    let table = quoted(&layout.table);
    format!("CREATE TABLE IF NOT EXISTS {table} (\n{}\n){}", lines.join(",\n"), table_options(dialect))
}

/// The name of the index on one column.
pub(crate) fn index_name(table: &str, column: &str) -> String {
    derived_name(table, column, "ix")
}

/// The statement that creates an index on one column where it does not exist.
pub(crate) fn create_index(table: &str, column: &str) -> String {
    let name = quoted(&index_name(table, column));
    format!("CREATE INDEX IF NOT EXISTS {name} ON {} ({})", quoted(table), quoted(column))
}

/// The name of what belongs to a column. PostgreSQL cuts names after 63 bytes, so a long name ends with a digest of
/// the whole.
fn derived_name(table: &str, column: &str, kind: &str) -> String {
    const LONGEST: usize = 63;
    let name = format!("{table}_{column}_{kind}");
    if name.len() <= LONGEST {
        return name;
    }
    let digest = Digest::of(name.as_bytes()).short();
    let kept: String = name.chars().take(LONGEST - 1 - digest.len()).collect();
    format!("{kept}_{digest}")
}

/// The statement by which PostgreSQL remembers what a table means.
pub(crate) fn comment_on_table(table: &str, meaning: &str) -> String {
    format!("COMMENT ON TABLE {} IS {}", quoted(table), literal(meaning))
}

/// The statement by which PostgreSQL remembers what a column means.
pub(crate) fn comment_on_column(table: &str, column: &str, meaning: &str) -> String {
    format!("COMMENT ON COLUMN {}.{} IS {}", quoted(table), quoted(column), literal(meaning))
}

/// A text of the model as SQL. Values of rows never come here.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The control tables, which every load writes and every comparison reads.
pub(crate) const CONTROL_TABLES: [&str; 4] = ["bron_receipt", "bron_refused", "bron_run", "bron_schema"];

/// The statements that create [`CONTROL_TABLES`] where they do not exist. The counts of a receipt are
/// those of the write that made it; `superseded` is 1 when a later run has changed rows of the entity, so
/// that the receipt no longer proves what the table holds. `bron_refused` names the rows that a part lacks
/// because the target refused them; `superseded` is 1 when the part was written again since.
pub(crate) fn control_tables(dialect: Dialect) -> [String; 4] {
    let text = column_type(ColumnType::Text, dialect);
    let int = column_type(ColumnType::Int, dialect);
    let options = table_options(dialect);
    let texts = ["load_run_id", "entity", "part", "content", "extract_run_id"]
        .map(|name| format!("  {name} {text} NOT NULL"));
    let ints = ["row_count", "inserted", "updated", "unchanged", "superseded"]
        .map(|name| format!("  {name} {int} NOT NULL"));
    let columns = [texts.join(",\n"), ints.join(",\n")].join(",\n");
    [
        format!(
            "CREATE TABLE IF NOT EXISTS bron_receipt (\n{columns},\n  \
             PRIMARY KEY (load_run_id, entity, part)\n){options}"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS bron_schema (\n  entity {text} NOT NULL PRIMARY KEY,\n  \
             layout {text} NOT NULL\n){options}"
        ),
        refusals::table(dialect),
        history::create_run_table(dialect),
    ]
}

const fn table_options(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => " WITHOUT ROWID",
        Dialect::Postgres => "",
    }
}

/// The statement that counts the rows of a table.
pub(crate) fn count(table: &str) -> SqlStr {
    AssertSqlSafe(format!("SELECT count(*) FROM {}", quoted(table))).into_sql_str()
}

/// Hands the statement that creates something to the driver.
pub(crate) fn definition(text: String) -> SqlStr {
    AssertSqlSafe(text).into_sql_str()
}

/// The same receipt statements serve both systems: `$n` is understood by both.
pub(crate) const FIND_RECEIPT: &str = "SELECT content, row_count, inserted, updated, unchanged, \
     (SELECT count(*) FROM bron_refused AS r \
     WHERE r.load_run_id = $1 AND r.entity = $2 AND r.part = $3 AND r.superseded = 0) FROM bron_receipt \
     WHERE load_run_id = $1 AND entity = $2 AND part = $3 AND superseded = 0";
/// Lists the receipts of a run that still prove what the tables hold.
pub(crate) const LIST_RECEIPTS: &str = "SELECT entity, part, content, row_count, inserted, updated, unchanged, \
     (SELECT count(*) FROM bron_refused AS r WHERE r.load_run_id = w.load_run_id AND r.entity = w.entity \
     AND r.part = w.part AND r.superseded = 0) \
     FROM bron_receipt AS w WHERE load_run_id = $1 AND superseded = 0 ORDER BY entity, part";
/// Lists them in a target that was made before rows could be refused.
pub(crate) const LIST_RECEIPTS_OF_OLD: &str = "SELECT entity, part, content, row_count, inserted, updated, unchanged, \
     CAST(0 AS bigint) FROM bron_receipt WHERE load_run_id = $1 AND superseded = 0 ORDER BY entity, part";
/// Writes a receipt, in the place of a superseded one.
pub(crate) const WRITE_RECEIPT: &str = "INSERT INTO bron_receipt (load_run_id, entity, part, content, extract_run_id, \
     row_count, inserted, updated, unchanged, superseded) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0) \
     ON CONFLICT (load_run_id, entity, part) DO UPDATE SET content = excluded.content, \
     extract_run_id = excluded.extract_run_id, row_count = excluded.row_count, inserted = excluded.inserted, \
     updated = excluded.updated, unchanged = excluded.unchanged, superseded = 0";
/// Marks the receipts of other runs, after rows of the entity were changed: those of the parts whose names begin with
/// `$3` and have no further slash.
pub(crate) const SUPERSEDE_RECEIPTS: &str = "UPDATE bron_receipt SET superseded = 1 \
     WHERE entity = $1 AND load_run_id <> $2 AND superseded = 0 \
     AND substr(part, 1, length($3)) = $3 AND substr(part, length($3) + 1) NOT LIKE '%/%'";
/// Takes away the receipts of an entity whose table had to be made anew.
pub(crate) const FORGET_RECEIPTS: &str = "DELETE FROM bron_receipt WHERE entity = $1";
/// What `bron_schema` remembers of an entity.
pub(crate) const FIND_LAYOUT: &str = "SELECT layout FROM bron_schema WHERE entity = $1";
/// Remembers the layout of an entity. What is remembered already is not written.
pub(crate) const WRITE_LAYOUT: &str = "INSERT INTO bron_schema (entity, layout) VALUES ($1, $2) \
     ON CONFLICT (entity) DO UPDATE SET layout = excluded.layout WHERE bron_schema.layout <> excluded.layout";

/// Writes down whose target this is, unless somebody has done so before. No entity can have this name.
pub(crate) const CLAIM: &str = "INSERT INTO bron_schema (entity, layout) VALUES ('@installation', $1) \
     ON CONFLICT (entity) DO NOTHING";
/// Whose target this is.
pub(crate) const FIND_CLAIM: &str = "SELECT layout FROM bron_schema WHERE entity = '@installation'";

/// The number of the format of the control tables. No entity can have this name; the first format had no number.
pub(crate) const FIND_FORMAT: &str = "SELECT layout FROM bron_schema WHERE entity = '@format'";
/// Writes the number down.
pub(crate) const WRITE_FORMAT: &str = "INSERT INTO bron_schema (entity, layout) VALUES ('@format', $1) \
     ON CONFLICT (entity) DO UPDATE SET layout = excluded.layout";

/// The names, quoted and joined with commas.
fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(quoted).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_letters_digits_and_underscores() {
        for name in ["a", "_x", "beslut2", "order"] {
            assert!(is_identifier(name));
        }
        for name in ["", "2a", "Beslut", "å", "a b", "a\"b", "a;b", "a-b"] {
            assert!(!is_identifier(name), "{name}");
        }
    }

    #[test]
    fn names_of_indexes_fit_and_differ() {
        assert_eq!(derived_name("beslut", "arende_id", "ix"), "beslut_arende_id_ix");
        let long = "a".repeat(48);
        let [one, other] =
            ["forsta", "andra"].map(|column| derived_name(&long, &format!("{column}_{long}"), "ix"));
        assert!(one.len() == 63 && other.len() == 63 && one != other);
        assert_eq!(literal("'x'"), "'''x'''");
    }

    #[test]
    fn every_control_table_is_made() {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let mut made = control_tables(dialect)
                .map(|text| text.split_whitespace().nth(5).unwrap_or_default().to_owned());
            made.sort_unstable();
            assert_eq!(made, CONTROL_TABLES);
        }
    }

    #[test]
    fn a_quote_in_a_name_cannot_end_it() {
        assert_eq!(quoted("a\" --"), "\"a\"\" --\"");
    }
}

//! The statements for SQLite.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::history::keep_values;
use super::{list, quoted};
use crate::layout::{ID, Layout, RUN_COLUMNS, SOURCE_SYSTEM};

/// SQLite's largest number of parameters in a statement (SQLITE_MAX_VARIABLE_NUMBER).
const MOST_PARAMETERS: usize = 32_766;
const MOST_ROWS: usize = 200;

/// Lists the columns of the table `?1`; no row when there is no such table.
pub(crate) const COLUMNS: &str = "SELECT name, type, \"notnull\", pk FROM pragma_table_info($1) ORDER BY cid";

/// Lists the references of the table `?1` that the file enforces, column by column: number, table, column and the
/// column that is referred to.
pub(crate) const REFERENCES: &str = "SELECT k.id, k.\"table\", k.\"from\", coalesce(k.\"to\", \
     (SELECT name FROM pragma_table_info(k.\"table\") WHERE pk = k.seq + 1)) \
     FROM pragma_foreign_key_list($1) AS k, pragma_foreign_keys AS enforced WHERE enforced.foreign_keys = 1 \
     ORDER BY k.id, k.seq";

/// Has every reference checked when the transaction ends, and not by each statement.
pub(crate) const CHECK_REFERENCES_LATER: &str = "PRAGMA defer_foreign_keys = ON";

/// Finds the least id of the rows listed in `?1`, a JSON array, that the run `?2` wrote and that refer to nothing.
pub(crate) fn unmet_reference(table: &str, parent: &str, columns: &[(String, String)]) -> String {
    let given: Vec<String> =
        columns.iter().map(|(from, _)| format!("one.{} IS NOT NULL", quoted(from))).collect();
    let equal: Vec<String> =
        columns.iter().map(|(from, to)| format!("other.{} = one.{}", quoted(to), quoted(from))).collect();
    format!(
        "SELECT one.{id} FROM {} AS one WHERE one.{id} IN (SELECT value FROM json_each($1)) AND one.{} = $2 AND {} \
         AND NOT EXISTS (SELECT 1 FROM {} AS other WHERE {}) ORDER BY one.{id} LIMIT 1",
        quoted(table),
        quoted(RUN_COLUMNS[1]),
        given.join(" AND "),
        quoted(parent),
        equal.join(" AND "),
        id = quoted(ID),
    )
}
/// Counts the indexes of the table `?1` with the name `?2`.
pub(crate) const COUNT_INDEXES: &str = "SELECT count(*) FROM pragma_index_list($1) WHERE name = $2";

/// The statements that write a number of rows at once. The parameters are each row's fields and the
/// two run ids.
pub(crate) struct WriteStatements {
    /// The rows that the statements take.
    pub(crate) rows: usize,
    /// Inserts the rows that are new.
    pub(crate) insert: Arc<str>,
    /// Gives, for rows of which some were not inserted: how many the table holds, how many of these differ, and of
    /// these how many may not be overwritten and the least of their ids. The first parameter is the id of the run.
    pub(crate) compare: Arc<str>,
    /// Keeps those of the rows that are there with other content, as they are. The first parameters are the run and
    /// its place.
    pub(crate) keep: Arc<str>,
    /// Overwrites the rows that differ.
    pub(crate) update: Arc<str>,
}

impl WriteStatements {
    /// As many rows as a statement may take for this layout.
    pub(crate) fn most_rows(layout: &Layout) -> usize {
        let parameters = layout.columns.len() + RUN_COLUMNS.len();
        // Keep has two parameters of its own, compare one.
        ((MOST_PARAMETERS - 2) / parameters).clamp(1, MOST_ROWS)
    }

    /// The statement that inserts those of so many rows that are new.
    pub(crate) fn insert(layout: &Layout, rows: usize) -> String {
        let (table, columns) = (quoted(&layout.table), list(layout.names().chain(RUN_COLUMNS)));
        let (values, id) = (values(layout, rows), quoted(ID));
        format!("INSERT INTO {table} ({columns}) VALUES {values} ON CONFLICT ({id}) DO NOTHING")
    }

    pub(crate) fn new(layout: &Layout, rows: usize) -> Self {
        let values = values(layout, rows);
        let table = quoted(&layout.table);
        let columns = list(layout.names().chain(RUN_COLUMNS));
        let id = quoted(ID);
        let insert = Self::insert(layout, rows);
        let assignments: Vec<String> = layout
            .content()
            .chain(RUN_COLUMNS)
            .map(|name| format!("{0} = excluded.{0}", quoted(name)))
            .collect();
        let differs: Vec<String> =
            layout.content().map(|name| format!("kept.{0} IS NOT excluded.{0}", quoted(name))).collect();
        let update = format!(
            "INSERT INTO {table} AS kept ({columns}) VALUES {values} ON CONFLICT ({id}) DO UPDATE SET {} WHERE {}",
            assignments.join(", "),
            differs.join(" OR ")
        );
        let (compare, keep) = (compare(layout, &values).into(), keep_values(layout, &values));
        Self { rows, insert: insert.into(), compare, keep, update: update.into() }
    }
}

/// So many rows of parameters.
fn values(layout: &Layout, rows: usize) -> String {
    let row = format!("({})", vec!["?"; layout.columns.len() + RUN_COLUMNS.len()].join(","));
    vec![row.as_str(); rows].join(",")
}

fn compare(layout: &Layout, values: &str) -> String {
    // SQLite names the columns of VALUES column1, column2 and on.
    let numbered = layout.names().enumerate().map(|(index, name)| (index + 1, quoted(name)));
    let differs: Vec<String> =
        numbered.skip(1).map(|(number, name)| format!("kept.{name} IS NOT new.column{number}")).collect();
    let differs = format!("({})", differs.join(" OR "));
    let mut protected = format!("kept.{} = ?", quoted(RUN_COLUMNS[1]));
    if let Some(index) = layout.names().position(|name| name == SOURCE_SYSTEM) {
        protected.push_str(&format!(" OR kept.{} IS NOT new.column{}", quoted(SOURCE_SYSTEM), index + 1));
    }
    let (id, table) = (quoted(ID), quoted(&layout.table));
    // CROSS JOIN keeps the order: every new row looks up its kept one.
    format!(
        "SELECT count(*), coalesce(sum(differs), 0), count(locked), min(locked) FROM (SELECT {differs} AS differs, \
         CASE WHEN {differs} AND ({protected}) THEN kept.{id} END AS locked \
         FROM (VALUES {values}) AS new CROSS JOIN {table} AS kept ON kept.{id} = new.column1)",
    )
}

/// Reads rows in the order of their ids; the parameters are the ends of the range that are given.
pub(crate) fn select(layout: &Layout, from: bool, to: bool) -> SqlStr {
    let id = quoted(ID);
    let mut conditions = Vec::new();
    if from {
        conditions.push(format!("{id} >= ?"));
    }
    if to {
        conditions.push(format!("{id} < ?"));
    }
    let filter =
        if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    let text =
        format!("SELECT {} FROM {}{filter} ORDER BY {id}", list(layout.names()), quoted(&layout.table));
    AssertSqlSafe(text).into_sql_str()
}

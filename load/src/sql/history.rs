//! The statements of the history tables and of `bron_run`.

use std::sync::Arc;

use bron_mappings::ColumnType;

use super::{column_type, list, quoted, table_options};
use crate::history::{ROW_ENDED, kept_columns};
use crate::layout::{Dialect, ID, Layout, RUN_COLUMNS, SOURCE_SYSTEM};

/// The columns of a history table after those of the row as it was: the run that ended it, why, and that run's place
/// in `bron_run`.
const ENDED_COLUMNS: [(&str, ColumnType); 3] =
    [(ROW_ENDED[0], ColumnType::Text), (ROW_ENDED[1], ColumnType::Text), (ROW_ENDED[2], ColumnType::Int)];

/// The place of a run: the last one that it has. `$1` is the run.
pub(crate) const FIND_ORDINAL: &str = "SELECT max(ordinal) FROM bron_run WHERE load_run_id = $1";
/// The run that began last.
pub(crate) const LAST_RUN: &str =
    "SELECT ordinal, load_run_id, plan FROM bron_run ORDER BY ordinal DESC LIMIT 1";
/// Gives a run the next place: `$1` and `$2` are the runs, `$3` the day, `$4` the clock, `$5` the plan.
pub(crate) const NUMBER_RUN: &str = "INSERT INTO bron_run (ordinal, load_run_id, extract_run_id, as_of, began, plan) \
     SELECT coalesce(max(ordinal), 0) + 1, $1, $2, $3, $4, $5 FROM bron_run";
/// Notes which plan the run of a place carries out.
pub(crate) const NOTE_PLAN: &str = "UPDATE bron_run SET plan = $2 WHERE ordinal = $1";
/// Every run that has written, in its place; those of before places were noted come first.
pub(crate) const LIST_RUNS: &str = "SELECT ordinal, load_run_id, plan FROM bron_run UNION ALL \
     SELECT DISTINCT 0, load_run_id, CAST(NULL AS text) FROM bron_receipt \
     WHERE load_run_id NOT IN (SELECT load_run_id FROM bron_run) ORDER BY 1, 2";

/// The runs that have written to a target of before places were noted.
pub(crate) const LIST_WRITERS: &str =
    "SELECT DISTINCT CAST(0 AS bigint), load_run_id, CAST(NULL AS text) FROM bron_receipt ORDER BY 2";

/// The name of the history table of an entity.
pub(crate) fn name(table: &str) -> String {
    format!("bron_history_{table}")
}

/// The columns of a history table, with their types.
pub(crate) fn columns(layout: &Layout, dialect: Dialect) -> Vec<(String, String)> {
    let own = layout.columns.iter().map(|column| (column.name.as_str(), column.kind));
    let runs = RUN_COLUMNS.map(|name| (name, ColumnType::Text));
    let all = own.chain(runs).chain(ENDED_COLUMNS);
    all.map(|(name, kind)| (name.to_owned(), column_type(kind, dialect))).collect()
}

/// The statement that creates the history table of an entity where it does not exist. What was required once need
/// not be later, so only what names the row and its end is.
pub(crate) fn create_table(layout: &Layout, dialect: Dialect) -> String {
    let required = |name: &str| name == ID || ENDED_COLUMNS.iter().any(|(ended, _)| *ended == name);
    let lines: Vec<String> = columns(layout, dialect)
        .into_iter()
        .map(|(name, kind)| {
            let rule = if required(&name) { " NOT NULL" } else { "" };
            format!("  {} {kind}{rule}", quoted(&name))
        })
        .collect();
    let (table, id) = (quoted(&name(&layout.table)), quoted(ID));
    let key = format!("  PRIMARY KEY ({id}, \"ended_ordinal\")");
    let options = table_options(dialect);
    format!("CREATE TABLE IF NOT EXISTS {table} (\n{},\n{key}\n){options}", lines.join(",\n"))
}

/// The statement that lists when the row `$1` ended, first to last: the run that had written it, the run that ended
/// it, why, and that run's place.
pub(crate) fn list_endings(layout: &Layout, dialect: Dialect) -> Arc<str> {
    let (table, id, run) = (quoted(&name(&layout.table)), quoted(ID), quoted(RUN_COLUMNS[1]));
    // Without its own type the parameter would take that of the id, and it is sent as text.
    let wanted = format!("CAST(CAST($1 AS text) AS {})", column_type(ColumnType::Id, dialect));
    format!(
        "SELECT coalesce({run}, ''), ended_by_run, ended_because, ended_ordinal FROM {table} WHERE {id} = {wanted} \
         ORDER BY ended_ordinal"
    )
    .into()
}

/// The roles that may change rows of the history table `$1` and do not own it; NULL is everybody.
pub(crate) const LIST_CHANGERS: &str = "SELECT DISTINCT r.rolname::text FROM pg_class c \
     CROSS JOIN LATERAL aclexplode(c.relacl) AS given LEFT JOIN pg_roles r ON r.oid = given.grantee \
     WHERE c.relname = $1::text AND c.relnamespace = current_schema()::regnamespace \
     AND given.grantee <> c.relowner AND given.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE') ORDER BY 1";

/// The statement that takes from a role, or from everybody, what changes the history of an entity.
pub(crate) fn revoke_changes(table: &str, role: Option<&str>) -> String {
    let role = role.map_or_else(|| "PUBLIC".to_owned(), quoted);
    format!("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {role}", quoted(&name(table)))
}

/// The statement that creates the table of the runs where it does not exist.
pub(crate) fn create_run_table(dialect: Dialect) -> String {
    let [text, int] = [ColumnType::Text, ColumnType::Int].map(|kind| column_type(kind, dialect));
    format!(
        "CREATE TABLE IF NOT EXISTS bron_run (\n  ordinal {int} NOT NULL PRIMARY KEY,\n  \
         load_run_id {text} NOT NULL,\n  extract_run_id {text} NOT NULL,\n  as_of {text},\n  began {text},\n  \
         plan {text}\n){}",
        table_options(dialect)
    )
}

/// What every statement that keeps rows begins with, up to where they come from.
fn keep(layout: &Layout, run: &str, because: &str, ordinal: &str) -> String {
    let ended = ENDED_COLUMNS.map(|(name, _)| name);
    let kept: Vec<String> = kept_columns(layout).map(|name| format!("kept.{}", quoted(name))).collect();
    format!(
        "INSERT INTO {} ({}) SELECT {}, {run}, {because}, {ordinal}",
        quoted(&name(&layout.table)),
        list(kept_columns(layout).chain(ended)),
        kept.join(", ")
    )
}

/// For PostgreSQL: keeps the rows that the merge of a staging table is going to overwrite, and locks them. `$1` is the
/// run, `$2` its place.
pub(crate) fn keep_staged(layout: &Layout, stage: &str) -> Arc<str> {
    let (id, table, run) = (quoted(ID), quoted(&layout.table), quoted(RUN_COLUMNS[1]));
    let row = |alias: &str| super::postgres::row(layout, alias);
    let mut allowed = format!("kept.{run} <> $1");
    if layout.has_source_system() {
        let system = quoted(SOURCE_SYSTEM);
        allowed.push_str(&format!(" AND kept.{system} IS NOT DISTINCT FROM staged.{system}"));
    }
    format!(
        "{} FROM {stage} AS staged JOIN {table} AS kept ON kept.{id} = staged.{id} \
         WHERE {} IS DISTINCT FROM {} AND {allowed} FOR NO KEY UPDATE OF kept",
        keep(layout, "$1", "'replaced'", "$2"),
        row("kept"),
        row("staged"),
    )
    .into()
}

/// For SQLite: keeps those of a number of rows that are there with other content. The parameters are the run, its
/// place, and each row's fields and the two run ids.
pub(crate) fn keep_values(layout: &Layout, values: &str) -> Arc<str> {
    // SQLite names the columns of VALUES column1, column2 and on.
    let numbered = layout.names().enumerate().map(|(index, name)| (index + 1, quoted(name)));
    let differs: Vec<String> =
        numbered.skip(1).map(|(number, name)| format!("kept.{name} IS NOT new.column{number}")).collect();
    let (id, table) = (quoted(ID), quoted(&layout.table));
    format!(
        "{} FROM (VALUES {values}) AS new CROSS JOIN {table} AS kept ON kept.{id} = new.column1 WHERE {}",
        keep(layout, "?", "'replaced'", "?"),
        differs.join(" OR ")
    )
    .into()
}

/// The statements that retire rows.
pub(crate) struct RetireStatements {
    /// Keeps the rows as they are. The parameters 1 to 5 are the run, the system, the table, the reason and the run's
    /// place; then come the ids.
    pub(crate) keep: Arc<str>,
    /// Takes the same rows away: the parameters 1 to 3, and the ids.
    pub(crate) delete: Arc<str>,
}

impl RetireStatements {
    /// For PostgreSQL: the ids are one parameter, a list of texts.
    pub(crate) fn postgres(layout: &Layout) -> Self {
        let ids = |number: usize| format!("= ANY (${number}::text[]::uuid[])");
        Self::new(layout, '$', &ids, " FOR UPDATE OF kept")
    }

    /// For SQLite: each of a number of ids is a parameter.
    pub(crate) fn sqlite(layout: &Layout, rows: usize) -> Self {
        let ids = |number: usize| {
            let ids: Vec<String> = (number..number + rows).map(|number| format!("?{number}")).collect();
            format!("IN ({})", ids.join(", "))
        };
        Self::new(layout, '?', &ids, "")
    }

    fn new(layout: &Layout, sign: char, ids: &dyn Fn(usize) -> String, lock: &str) -> Self {
        let (id, table, run) = (quoted(ID), quoted(&layout.table), quoted(RUN_COLUMNS[1]));
        let (system, source_table) = (quoted(SOURCE_SYSTEM), quoted("src_table"));
        // Rows of another system or table, of this run, and rows that the bridge has no receipt for stay.
        let ours = format!(
            "kept.{system} = {sign}2 AND kept.{source_table} = {sign}3 AND kept.{run} <> {sign}1 AND \
             EXISTS (SELECT 1 FROM bron_receipt AS receipt \
             WHERE receipt.load_run_id = kept.{run} AND receipt.entity = {})",
            super::literal(&layout.table)
        );
        let keep = format!(
            "{} FROM {table} AS kept WHERE kept.{id} {} AND {ours}{lock}",
            keep(layout, &format!("{sign}1"), &format!("{sign}4"), &format!("{sign}5")),
            ids(6),
        );
        let delete = format!("DELETE FROM {table} AS kept WHERE kept.{id} {} AND {ours}", ids(4));
        Self { keep: keep.into(), delete: delete.into() }
    }
}

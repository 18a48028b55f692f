//! The statements for PostgreSQL.

use std::sync::Arc;

use bron_mappings::EntityId;

use super::refusals::TRY;
use super::{column_type, list, quoted};
use crate::layout::{Dialect, ID, Layout, RUN_COLUMNS, SOURCE_SYSTEM};

/// Lists the columns of the table `$1` of the current schema; no row when there is no such table.
/// A column of a domain counts as one of the domain's type: what the domain demands beside it is asked row by row.
pub(crate) const COLUMNS: &str = "SELECT a.attname::text, format_type(kind.oid, kind.modifier), a.attnotnull, \
     EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey)) \
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
     CROSS JOIN LATERAL (WITH RECURSIVE under AS (SELECT a.atttypid AS oid, a.atttypmod AS modifier UNION ALL \
     SELECT t.typbasetype, t.typtypmod FROM under JOIN pg_type t ON t.oid = under.oid WHERE t.typtype = 'd') \
     SELECT under.oid, under.modifier FROM under JOIN pg_type t ON t.oid = under.oid AND t.typtype <> 'd') AS kind \
     WHERE c.relname = $1::text AND c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') \
     ORDER BY a.attnum";
/// One writer at a time for each part; held until the transaction ends, however it ends.
pub(crate) const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
/// What the server is, how the connection is encrypted, whether tables may be created, and how many there are.
pub(crate) const FACTS: &str = "SELECT 'PostgreSQL ' || current_setting('server_version'), \
     (SELECT concat_ws(', ', version, cipher) FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl), \
     coalesce(has_schema_privilege(current_schema(), 'CREATE'), false), \
     (SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p'))";
/// Checks at once what would be checked when the transaction ends, and keeps what the try has written.
pub(crate) const CHECK_NOW_AND_KEEP: &str = "SET CONSTRAINTS ALL IMMEDIATE; RELEASE SAVEPOINT bron_try";
/// Ids are spread evenly, so every row of a batch is one look-up in the index, and the pages of a target that
/// is being loaded are in memory: without this the planner reads the whole table for each batch.
pub(crate) const PREFER_INDEX: &str = "SET LOCAL random_page_cost = 1.1";

/// The statements that write one batch.
pub(crate) struct WriteStatements {
    /// Makes the staging table, which empties itself at the end of each transaction.
    pub(crate) stage: Arc<str>,
    /// Begins a try of few rows after another one: empties the staging table, and has each row looked up, because
    /// without statistics the planner would rather read the whole table each time.
    pub(crate) try_again: Arc<str>,
    /// Takes the rows into the staging table.
    pub(crate) copy: Arc<str>,
    /// Moves the rows that are new or differ; `$1` and `$2` are the runs. Gives the numbers of inserted
    /// and of updated rows.
    pub(crate) merge: Arc<str>,
    /// Gives the number of staged rows that the table does not hold as staged, and the least of their ids.
    pub(crate) verify: Arc<str>,
}

impl WriteStatements {
    pub(crate) fn new(layout: &Layout) -> Self {
        let stage = format!("pg_temp.{}", quoted(&format!("bron_stage_{}", layout.table)));
        let definitions: Vec<String> = layout
            .columns
            .iter()
            .map(|column| format!("{} {}", quoted(&column.name), column_type(column.kind, Dialect::Postgres)))
            .collect();
        let (id, table) = (quoted(ID), quoted(&layout.table));
        let different = format!("{} IS DISTINCT FROM {}", row(layout, "kept"), row(layout, "staged"));
        Self {
            stage: format!("CREATE TEMP TABLE {stage} ({}) ON COMMIT DELETE ROWS", definitions.join(", "))
                .into(),
            try_again: format!(
                "TRUNCATE {stage}; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; {TRY}"
            )
            .into(),
            copy: format!("COPY {stage} ({}) FROM STDIN (FORMAT binary)", list(layout.names())).into(),
            merge: merge(layout, &stage).into(),
            verify: format!(
                "SELECT count(*), min(kept.{id}::text) FROM {stage} AS staged JOIN {table} AS kept \
                 ON kept.{id} = staged.{id} WHERE {different}"
            )
            .into(),
        }
    }
}

fn merge(layout: &Layout, stage: &str) -> String {
    let (id, table) = (quoted(ID), quoted(&layout.table));
    let fields = list(layout.names());
    let all = list(layout.names().chain(RUN_COLUMNS));
    let staged: Vec<String> = layout.names().map(|name| format!("staged.{}", quoted(name))).collect();
    let assignments: Vec<String> =
        layout.content().chain(RUN_COLUMNS).map(|name| format!("{0} = EXCLUDED.{0}", quoted(name))).collect();
    let run = quoted(RUN_COLUMNS[1]);
    let mut allowed = format!("kept.{run} <> EXCLUDED.{run}");
    if layout.has_source_system() {
        let system = quoted(SOURCE_SYSTEM);
        allowed.push_str(&format!(" AND kept.{system} IS NOT DISTINCT FROM EXCLUDED.{system}"));
    }
    // The inner filter is what keeps unchanged rows from being locked, which would rewrite their pages.
    format!(
        "WITH changed AS (SELECT {} FROM {stage} AS staged WHERE NOT EXISTS (SELECT 1 FROM {table} AS kept \
         WHERE kept.{id} = staged.{id} AND {} IS NOT DISTINCT FROM {}) ORDER BY staged.{id}), \
         written AS (INSERT INTO {table} AS kept ({all}) SELECT {fields}, $1, $2 FROM changed \
         ON CONFLICT ({id}) DO UPDATE SET {} WHERE {allowed} AND {} IS DISTINCT FROM {} \
         RETURNING (kept.xmax = 0) AS inserted) \
         SELECT count(*) FILTER (WHERE inserted), count(*) FILTER (WHERE NOT inserted) FROM written",
        staged.join(", "),
        row(layout, "kept"),
        row(layout, "staged"),
        assignments.join(", "),
        row(layout, "kept"),
        row(layout, "EXCLUDED"),
    )
}

/// The content of a row as one comparable value.
fn row(layout: &Layout, alias: &str) -> String {
    let columns: Vec<String> = layout.content().map(|name| format!("{alias}.{}", quoted(name))).collect();
    format!("ROW({})", columns.join(", "))
}

/// Reads rows in the order of their ids, from one id on and up to before another.
pub(crate) fn copy_out(layout: &Layout, from: Option<EntityId>, to: Option<EntityId>) -> String {
    let id = quoted(ID);
    let mut conditions = Vec::new();
    if let Some(from) = from {
        conditions.push(format!("{id} >= '{from}'::uuid"));
    }
    if let Some(to) = to {
        conditions.push(format!("{id} < '{to}'::uuid"));
    }
    let filter =
        if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    let (fields, table) = (list(layout.names()), quoted(&layout.table));
    format!("COPY (SELECT {fields} FROM {table}{filter} ORDER BY {id}) TO STDOUT (FORMAT binary)")
}

//! The statements for PostgreSQL.

use std::sync::Arc;

use bron_mappings::EntityId;

use super::history::keep_staged;
use super::refusals::TRY;
use super::{column_type, list, quoted};
use crate::layout::{Dialect, ID, Layout, RUN_COLUMNS, SOURCE_SYSTEM};

/// Begins to read one moment: the transaction sees the database as it is with its first query. Work between two
/// readings may take long, and must not be taken for a client that has gone.
pub(crate) const HOLD: [&str; 3] = [
    "SET idle_in_transaction_session_timeout = 0",
    "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "SELECT count(*) FROM pg_class",
];

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
/// Whether the table `$1` has a unique or an exclusion constraint beside its key, or a trigger of somebody's.
pub(crate) const IS_ORDER_SENSITIVE: &str = "SELECT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid \
     AND NOT i.indisprimary AND (i.indisunique OR i.indisexclusion)) \
     OR EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal) FROM pg_class c \
     WHERE c.relname = $1::text AND c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')";
/// What the server is, how the connection is encrypted, whether tables may be created, and how many there are.
pub(crate) const FACTS: &str = "SELECT 'PostgreSQL ' || current_setting('server_version'), \
     (SELECT concat_ws(', ', version, cipher) FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl), \
     coalesce(has_schema_privilege(current_schema(), 'CREATE'), false), \
     (SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p'))";
/// Checks at once what would be checked when the transaction ends, and keeps what the try has written.
pub(crate) const CHECK_NOW_AND_KEEP: &str = "SET CONSTRAINTS ALL IMMEDIATE; RELEASE SAVEPOINT bron_try";
/// Ids are spread evenly, so every row of a batch is one look-up in the index, and the pages of a target that is being
/// loaded are in memory: without the first the planner reads the whole table for each batch. A statement that takes
/// so little time is not worth compiling, and the staged rows of a part fit in the buffers.
pub(crate) const FOR_BATCHES: &str =
    "SET random_page_cost = 1.1; SET jit = off; SET temp_buffers = '64MB'; SET work_mem = '32MB'";
/// A part is small beside its table: its rows are looked up and never joined with all rows.
pub(crate) const LOOK_UP: &str = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";
/// Sets the option `$1` of the session to `$2`.
pub(crate) const SET: &str = "SELECT set_config($1, $2, false)";

/// The statements that write one batch.
pub(crate) struct WriteStatements {
    /// Takes the rows, with their runs, into a table that has no key yet.
    pub(crate) fill: Arc<str>,
    /// Makes the staging table, which empties itself at the end of each transaction.
    pub(crate) stage: Arc<str>,
    /// Begins a try of few rows after another one: empties the staging table, and has each row looked up, because
    /// without statistics the planner would rather read the whole table each time.
    pub(crate) try_again: Arc<str>,
    /// Takes the rows into the staging table.
    pub(crate) copy: Arc<str>,
    /// Moves the rows that are new or differ; `$1` and `$2` are the runs. Gives the numbers of rows that were found
    /// to be new or other, that were inserted, and that were updated.
    pub(crate) merge: Arc<str>,
    /// Gives the number of staged rows that the table holds otherwise than staged, the least of their ids, and the
    /// number of those that it does not hold at all.
    pub(crate) verify: Arc<str>,
    /// Keeps the rows that the merge is going to overwrite; `$1` is the run, `$2` its place.
    pub(crate) keep: Arc<str>,
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
        let all = list(layout.names().chain(RUN_COLUMNS));
        Self {
            fill: format!("COPY {table} ({all}) FROM STDIN (FORMAT binary)").into(),
            stage: format!("CREATE TEMP TABLE {stage} ({}) ON COMMIT DELETE ROWS", definitions.join(", "))
                .into(),
            try_again: format!(
                "TRUNCATE {stage}; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; {TRY}"
            )
            .into(),
            copy: format!("COPY {stage} ({}) FROM STDIN (FORMAT binary)", list(layout.names())).into(),
            merge: merge(layout, &stage).into(),
            keep: keep_staged(layout, &stage),
            verify: format!(
                "SELECT count(kept.{id}), min(kept.{id}::text), count(*) - count(kept.{id}) \
                 FROM {stage} AS staged LEFT JOIN {table} AS kept ON kept.{id} = staged.{id} \
                 WHERE kept.{id} IS NULL OR {different}"
            )
            .into(),
        }
    }
}

/// One pass looks every staged row up and keeps those that are new or differ; only they are written. An unchanged row
/// is not even locked, which would rewrite its page.
fn merge(layout: &Layout, stage: &str) -> String {
    let (id, table) = (quoted(ID), quoted(&layout.table));
    let fields = list(layout.names());
    let all = list(layout.names().chain(RUN_COLUMNS));
    let staged: Vec<String> = layout.names().map(|name| format!("staged.{}", quoted(name))).collect();
    let assignments: Vec<String> =
        layout.content().map(|name| format!("{0} = found.{0}", quoted(name))).collect();
    let [extract, load] = RUN_COLUMNS.map(quoted);
    let mut allowed = format!("kept.{load} <> $2");
    if layout.has_source_system() {
        let system = quoted(SOURCE_SYSTEM);
        allowed.push_str(&format!(" AND kept.{system} IS NOT DISTINCT FROM found.{system}"));
    }
    format!(
        "WITH found AS MATERIALIZED (SELECT {}, kept.{id} IS NULL AS \"@new\" FROM {stage} AS staged \
         LEFT JOIN {table} AS kept ON kept.{id} = staged.{id} WHERE kept.{id} IS NULL OR {} IS DISTINCT FROM {}), \
         inserted AS (INSERT INTO {table} ({all}) SELECT {fields}, $1, $2 FROM found WHERE \"@new\" ORDER BY {id} \
         ON CONFLICT ({id}) DO NOTHING RETURNING 1), \
         updated AS (UPDATE {table} AS kept SET {}, {extract} = $1, {load} = $2 FROM found \
         WHERE NOT \"@new\" AND kept.{id} = found.{id} AND {allowed} RETURNING 1) \
         SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM inserted), (SELECT count(*) FROM updated)",
        staged.join(", "),
        row(layout, "kept"),
        row(layout, "staged"),
        assignments.join(", "),
    )
}

/// The content of a row as one comparable value.
pub(super) fn row(layout: &Layout, alias: &str) -> String {
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

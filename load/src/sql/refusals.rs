//! The statements about rows that the target refused; both systems understand them.

use super::{column_type, table_options};
use crate::layout::Dialect;
use bron_mappings::ColumnType;

/// The name of the table.
pub(crate) const TABLE: &str = "bron_refused";

/// The statement that creates the table where it does not exist.
pub(super) fn table(dialect: Dialect) -> String {
    let text = column_type(ColumnType::Text, dialect);
    let columns = ["load_run_id", "entity", "part", "id", "sqlstate", "constraint_name"]
        .map(|name| format!("  {name} {text} NOT NULL"));
    format!(
        "CREATE TABLE IF NOT EXISTS {TABLE} (\n{},\n  superseded {} NOT NULL,\n  \
         PRIMARY KEY (load_run_id, entity, part, id)\n){}",
        columns.join(",\n"),
        column_type(ColumnType::Int, dialect),
        table_options(dialect)
    )
}

/// Forgets what was refused when a part was written before: it is written again. Rows are marked and not deleted: who
/// loads may not delete.
pub(crate) const SUPERSEDE: &str = "UPDATE bron_refused SET superseded = 1 \
     WHERE load_run_id = $1 AND entity = $2 AND part = $3 AND superseded = 0";
/// Writes down that a row was refused.
pub(crate) const WRITE: &str = "INSERT INTO bron_refused (load_run_id, entity, part, id, sqlstate, constraint_name, \
     superseded) VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (load_run_id, entity, part, id) \
     DO UPDATE SET sqlstate = excluded.sqlstate, constraint_name = excluded.constraint_name, superseded = 0";
/// Writes down several at once, in PostgreSQL: ids, codes and constraints are arrays.
pub(crate) const WRITE_MANY: &str = "INSERT INTO bron_refused (load_run_id, entity, part, id, sqlstate, \
     constraint_name, superseded) SELECT $1, $2, $3, new.id, new.sqlstate, new.constraint_name, 0 \
     FROM unnest($4::text[], $5::text[], $6::text[]) AS new (id, sqlstate, constraint_name) \
     ON CONFLICT (load_run_id, entity, part, id) DO UPDATE SET sqlstate = excluded.sqlstate, \
     constraint_name = excluded.constraint_name, superseded = 0";
/// Lists what a run was refused, of the parts whose receipts still prove what the tables hold.
pub(crate) const LIST: &str = "SELECT r.entity, r.part, r.id, r.sqlstate, r.constraint_name FROM bron_refused AS r \
     JOIN bron_receipt AS w ON w.load_run_id = r.load_run_id AND w.entity = r.entity AND w.part = r.part \
     WHERE r.load_run_id = $1 AND r.superseded = 0 AND w.superseded = 0";

/// Begins a try to write rows.
pub(crate) const TRY: &str = "SAVEPOINT bron_try";
/// Keeps what a try has written.
pub(crate) const KEEP: &str = "RELEASE SAVEPOINT bron_try";
/// Undoes a try; the transaction goes on.
pub(crate) const UNDO: &str = "ROLLBACK TO SAVEPOINT bron_try; RELEASE SAVEPOINT bron_try";

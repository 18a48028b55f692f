//! The statements by which keys, indexes and references are taken off PostgreSQL tables before a load and put back
//! after it.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::{derived_name, quoted};
use crate::layout::{ID, Reference};

/// Under `@unfinished:<table>`, `bron_schema` says which load run a table without its key belongs to. No entity can
/// have such a name.
pub(crate) fn unfinished(table: &str) -> String {
    format!("@unfinished:{table}")
}

/// Under `@unchecked:<table>`, `bron_schema` says which load run took off the references from and to a table.
pub(crate) fn unchecked(table: &str) -> String {
    format!("@unchecked:{table}")
}

/// Writes down the state `$1` of the load run `$2`.
pub(crate) const REMEMBER: &str = super::WRITE_LAYOUT;
/// Finds the load run of the state `$1`.
pub(crate) const FIND: &str = super::FIND_LAYOUT;
/// The tables whose references are off.
pub(crate) const LIST_UNCHECKED: &str = "SELECT substr(entity, length('@unchecked:') + 1) FROM bron_schema \
     WHERE entity LIKE '@unchecked:%' ORDER BY 1";
/// Takes away the state `$1`.
pub(crate) const FORGET: &str = "DELETE FROM bron_schema WHERE entity = $1";

/// Held by every load from its beginning to its end, so that the last one to end puts back the references.
pub(crate) const HOLD_LOADS: &str = "SELECT pg_advisory_lock_shared(hashtextextended('bron:loads', 0))";
/// Whether no other load is at work; then none can begin before [`RELEASE_ALL`].
pub(crate) const IS_LAST_LOAD: &str = "SELECT pg_try_advisory_lock(hashtextextended('bron:loads', 0))";
/// Held while a table has no key by the load that makes it; `$1` is the name of the state.
pub(crate) const HOLD: &str = "SELECT pg_advisory_lock(hashtextextended($1, 0))";
/// The load is over.
pub(crate) const RELEASE_ALL: &str = "SELECT pg_advisory_unlock_all()";
/// Building a key may take longer than any other statement.
pub(crate) const WITHOUT_HURRY: &str =
    "SET LOCAL statement_timeout = 0; SET LOCAL maintenance_work_mem = '256MB'";

/// Whether the user may take off and put back what belongs to the table `$1`.
pub(crate) const MAY_ALTER: &str = "SELECT pg_has_role(c.relowner, 'USAGE') AND c.relkind = 'r' \
     AND has_schema_privilege(c.relnamespace, 'CREATE') AND has_table_privilege(b.oid, 'DELETE') \
     FROM pg_class c JOIN pg_class b ON b.relname = 'bron_schema' AND b.relnamespace = c.relnamespace \
     WHERE c.relname = $1::text AND c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')";
/// The name of the primary key of the table `$1`.
pub(crate) const FIND_KEY: &str = "SELECT k.conname::text FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid \
     WHERE c.relname = $1::text AND c.relnamespace = current_schema()::regnamespace AND k.contype = 'p'";
/// The foreign keys from and to the tables of the schema: name, table, referenced table, and whether every row is known
/// to keep it. Before the name of a table of another schema stands its schema, with a point.
pub(crate) const LIST_REFERENCES: &str = "SELECT k.conname::text, \
     CASE WHEN c.relnamespace = here.oid THEN '' ELSE c.relnamespace::regnamespace::text || '.' END || c.relname, \
     CASE WHEN t.relnamespace = here.oid THEN '' ELSE t.relnamespace::regnamespace::text || '.' END || t.relname, \
     k.convalidated FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid \
     JOIN pg_namespace here ON here.oid = current_schema()::regnamespace \
     WHERE k.contype = 'f' AND here.oid IN (c.relnamespace, t.relnamespace) ORDER BY 2, 1";

fn made(text: String) -> SqlStr {
    AssertSqlSafe(text).into_sql_str()
}

/// The name of the foreign key of a reference.
pub(crate) fn reference_name(reference: &Reference) -> String {
    derived_name(&reference.table, &reference.column, "fk")
}

/// Whether a table has a row.
pub(crate) fn has_rows(table: &str) -> SqlStr {
    made(format!("SELECT EXISTS (SELECT 1 FROM {})", quoted(table)))
}

/// Keeps everybody else from the table until the transaction ends.
pub(crate) fn lock_alone(table: &str) -> SqlStr {
    made(format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", quoted(table)))
}

/// Keeps a load from beginning or ending on the table until the transaction ends.
pub(crate) fn lock_for_rows(table: &str) -> SqlStr {
    made(format!("LOCK TABLE {} IN ROW EXCLUSIVE MODE", quoted(table)))
}

/// Empties a table whose load another run had begun.
pub(crate) fn empty(table: &str) -> SqlStr {
    made(format!("TRUNCATE TABLE {}", quoted(table)))
}

/// Takes off a key or a foreign key.
pub(crate) fn drop_constraint(table: &str, name: &str) -> SqlStr {
    made(format!("ALTER TABLE {} DROP CONSTRAINT {}", quoted(table), quoted(name)))
}

/// Takes off the index of a reference.
pub(crate) fn drop_index(reference: &Reference) -> SqlStr {
    let name = derived_name(&reference.table, &reference.column, "ix");
    made(format!("DROP INDEX IF EXISTS {}", quoted(&name)))
}

/// Puts on the primary key.
pub(crate) fn add_key(table: &str) -> SqlStr {
    made(format!("ALTER TABLE {} ADD PRIMARY KEY ({})", quoted(table), quoted(ID)))
}

/// Counts the ids that several rows have, and gives the least of them.
pub(crate) fn repeated(table: &str) -> SqlStr {
    let (table, id) = (quoted(table), quoted(ID));
    made(format!(
        "SELECT count(*), min({id}::text) FROM (SELECT {id} FROM {table} GROUP BY {id} HAVING count(*) > 1) AS twice"
    ))
}

/// Puts on a foreign key that is not yet known to be kept.
pub(crate) fn add_reference(reference: &Reference) -> SqlStr {
    let Reference { table, column, target } = reference;
    let (name, id) = (quoted(&reference_name(reference)), quoted(ID));
    let (table, column, target) = (quoted(table), quoted(column), quoted(target));
    made(format!(
        "ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES {target} ({id}) NOT VALID"
    ))
}

/// Looks whether every row keeps a foreign key.
pub(crate) fn validate_reference(reference: &Reference) -> SqlStr {
    let name = reference_name(reference);
    made(format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", quoted(&reference.table), quoted(&name)))
}

/// Counts the rows whose reference leads nowhere.
pub(crate) fn dangling(reference: &Reference) -> SqlStr {
    let Reference { table, column, target } = reference;
    let (table, column, target, id) = (quoted(table), quoted(column), quoted(target), quoted(ID));
    made(format!(
        "SELECT count(*) FROM {table} AS one WHERE one.{column} IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM {target} AS other WHERE other.{id} = one.{column})"
    ))
}

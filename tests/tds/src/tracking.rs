//! Change tracking: triggers note every change in a table beside the tracked one; versions are given at commit.

use std::fmt::Write;

use rusqlite::Connection;

use crate::catalog::{Table, quoted};
use crate::kind::Kind;

/// Columns that `CHANGETABLE(CHANGES …)` gives before those of the key.
pub(crate) const CHANGE_COLUMNS: [(&str, Kind); 5] = [
    ("SYS_CHANGE_VERSION", Kind::Bigint),
    ("SYS_CHANGE_CREATION_VERSION", Kind::Bigint),
    ("SYS_CHANGE_OPERATION", Kind::Nchar(1)),
    ("SYS_CHANGE_COLUMNS", Kind::Varbinary(Some(4100))),
    ("SYS_CHANGE_CONTEXT", Kind::Varbinary(Some(128))),
];

/// Columns that `CHANGETABLE(VERSION …)` gives before those of the key.
pub(crate) const VERSION_COLUMNS: [(&str, Kind); 2] =
    [("SYS_CHANGE_VERSION", Kind::Bigint), ("SYS_CHANGE_CONTEXT", Kind::Varbinary(Some(128)))];

fn listed(names: &[String], each: impl Fn(&str) -> String) -> String {
    names.iter().map(|name| each(&quoted(name))).collect::<Vec<_>>().join(", ")
}

/// Begins to note the changes of a table, which needs a primary key.
pub(crate) fn enable(database: &Connection, table: &Table) -> rusqlite::Result<()> {
    let state = "UPDATE main.tds_state SET value = coalesce(value, 0) WHERE name = 'version'";
    database.execute(state, [])?;
    enable_notes(database, table)?;
    database.execute("UPDATE main.tds_state SET value = value + 1 WHERE name = 'enabled'", [])?;
    let table_state = "UPDATE main.tds_table SET tracked = 1,
        min_version = (SELECT value FROM main.tds_state WHERE name = 'version'),
        begin_version = (SELECT value FROM main.tds_state WHERE name = 'version'),
        tracked_since = (SELECT value FROM main.tds_state WHERE name = 'enabled') WHERE object_id = ?1";
    database.execute(table_state, [table.id]).map(drop)
}

fn enable_notes(database: &Connection, table: &Table) -> rusqlite::Result<()> {
    let (log, name, keys) = (table.log(), quoted(&table.name), listed(&table.key, str::to_owned));
    let log_name = log.trim_start_matches("main.");
    let note = |action: &str, side: &str| {
        let values = listed(&table.key, |name| format!("{side}.{name}"));
        format!(
            "INSERT INTO {log_name}(version, op, context, {keys}) SELECT \
             (SELECT value + 1 FROM tds_state WHERE name = 'version'), '{action}', \
             (SELECT value FROM tds_state WHERE name = 'context'), {values}; \
             UPDATE tds_state SET value = 1 WHERE name = 'dirty';"
        )
    };
    let same = table
        .key
        .iter()
        .map(|key| format!("OLD.{0} IS NEW.{0}", quoted(key)))
        .collect::<Vec<_>>()
        .join(" AND ");
    let mut script = format!(
        "CREATE TABLE {log}(seq INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER NOT NULL, op TEXT NOT NULL, \
         context BLOB, {keys});"
    );
    let mut trigger = |suffix: &str, event: &str, when: &str, does: &str| {
        write!(script, "CREATE TRIGGER {log}_{suffix} AFTER {event} ON {name}{when} BEGIN {does} END;")
            .expect("writing to a String does not fail");
    };
    trigger("i", "INSERT", "", &note("I", "NEW"));
    trigger("u", "UPDATE", &format!(" WHEN {same}"), &note("U", "NEW"));
    trigger("k", "UPDATE", &format!(" WHEN NOT ({same})"), &(note("D", "OLD") + &note("I", "NEW")));
    trigger("d", "DELETE", "", &note("D", "OLD"));
    database.execute_batch(&script)
}

fn disable_notes(database: &Connection, table: &Table) -> rusqlite::Result<()> {
    let log = table.log();
    let mut script = format!("DROP TABLE IF EXISTS {log};");
    for suffix in ["i", "u", "k", "d"] {
        write!(script, "DROP TRIGGER IF EXISTS {log}_{suffix};").expect("writing to a String does not fail");
    }
    database.execute_batch(&script)
}

/// Stops noting the changes of a table and forgets what was noted.
pub(crate) fn disable(database: &Connection, table: &Table) -> rusqlite::Result<()> {
    disable_notes(database, table)?;
    let table_state = "UPDATE main.tds_table SET tracked = 0, min_version = NULL, begin_version = NULL,
                       tracked_since = NULL WHERE object_id = ?1";
    database.execute(table_state, [table.id])?;
    let state = "UPDATE main.tds_state SET value = NULL WHERE name = 'version'
                 AND NOT EXISTS (SELECT * FROM main.tds_table WHERE tracked)";
    database.execute(state, []).map(drop)
}

/// Empties a table. Its rows are not noted one by one: what was noted is gone, and older positions are not valid
/// any more.
pub(crate) fn truncate(database: &Connection, table: &Table) -> rusqlite::Result<()> {
    if table.tracked {
        disable_notes(database, table)?;
    }
    database.execute(&format!("DELETE FROM main.{}", quoted(&table.name)), [])?;
    if table.tracked {
        enable_notes(database, table)?;
        // The truncation is a change itself.
        database.execute("UPDATE main.tds_state SET value = 1 WHERE name = 'dirty'", [])?;
        let table_state = "UPDATE main.tds_table SET
            min_version = (SELECT value + 1 FROM main.tds_state WHERE name = 'version'),
            begin_version = (SELECT value + 1 FROM main.tds_state WHERE name = 'version') WHERE object_id = ?1";
        database.execute(table_state, [table.id])?;
    }
    Ok(())
}

/// Forgets the changes up to and including a version, as the server does when the retention has passed. Later
/// positions stay valid.
pub(crate) fn forget(database: &Connection, table: &Table, version: i64) -> rusqlite::Result<()> {
    database.execute(&format!("DELETE FROM {} WHERE version <= ?1", table.log()), [version])?;
    let statement = "UPDATE main.tds_table SET min_version = max(min_version, ?2) WHERE object_id = ?1";
    database.execute(statement, (table.id, version)).map(drop)
}

/// Gives the changes of the transaction that is about to be committed their version.
pub(crate) fn stamp(database: &Connection) -> rusqlite::Result<()> {
    database.execute_batch(
        "UPDATE main.tds_state SET value = value + 1 WHERE name = 'version'
         AND (SELECT value FROM main.tds_state WHERE name = 'dirty') = 1;
         UPDATE main.tds_state SET value = 0 WHERE name = 'dirty' AND value <> 0;",
    )
}

/// Sets the context that the changes of the next statement carry.
pub(crate) fn set_context(database: &Connection, context: Option<&[u8]>) -> rusqlite::Result<()> {
    database.execute("UPDATE main.tds_state SET value = ?1 WHERE name = 'context'", [context]).map(drop)
}

/// `CHANGETABLE(CHANGES table, since)`: one row per key that changed after the version, relative to it.
pub(crate) fn changes(table: &Table, since: &str) -> String {
    let (log, keys) = (table.log(), listed(&table.key, str::to_owned));
    format!(
        "(SELECT l.version AS SYS_CHANGE_VERSION, \
         CASE WHEN f.op = 'I' AND l.op <> 'D' THEN f.version END AS SYS_CHANGE_CREATION_VERSION, \
         CASE WHEN l.op = 'D' THEN 'D' WHEN f.op = 'I' THEN 'I' ELSE 'U' END AS SYS_CHANGE_OPERATION, \
         NULL AS SYS_CHANGE_COLUMNS, l.context AS SYS_CHANGE_CONTEXT, {} \
         FROM (SELECT min(seq) AS a, max(seq) AS b FROM {log} WHERE {since} IS NULL OR version > {since} \
         GROUP BY {keys}) AS g JOIN {log} AS f ON f.seq = g.a JOIN {log} AS l ON l.seq = g.b)",
        listed(&table.key, |name| format!("l.{name} AS {name}")),
    )
}

/// `CHANGETABLE(VERSION table, (keys), (values))`: the last change of one row, in one row.
pub(crate) fn version(table: &Table, values: &[(String, String)]) -> String {
    let log = table.log();
    let keys: Vec<String> = values.iter().map(|(key, value)| format!("{value} AS {}", quoted(key))).collect();
    let met: Vec<String> = values.iter().map(|(key, _)| format!("l.{0} = k.{0}", quoted(key))).collect();
    let last = |what: &str| {
        format!("(SELECT l.{what} FROM {log} AS l WHERE {} ORDER BY l.seq DESC LIMIT 1)", met.join(" AND "))
    };
    format!(
        "(SELECT {} AS SYS_CHANGE_VERSION, {} AS SYS_CHANGE_CONTEXT, k.* FROM (SELECT {}) AS k)",
        last("version"),
        last("context"),
        keys.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{self, Catalog};

    fn database() -> (Connection, Table) {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch("CREATE TABLE T(id INTEGER PRIMARY KEY, v TEXT)").unwrap();
        catalog::prepare(&database).unwrap();
        let table = Catalog::load(&database).unwrap().tables.remove(0);
        enable(&database, &table).unwrap();
        (database, table)
    }

    fn committed(database: &Connection, sql: &str) {
        database.execute_batch(sql).unwrap();
        stamp(database).unwrap();
    }

    fn seen(database: &Connection, table: &Table, since: &str) -> Vec<(i64, String, i64)> {
        let sql = format!(
            "SELECT SYS_CHANGE_VERSION, SYS_CHANGE_OPERATION, id FROM {} ORDER BY id",
            changes(table, since)
        );
        let mut statement = database.prepare(&sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn an_operation_is_relative_to_the_version_asked_for() {
        let (database, table) = database();
        committed(&database, "INSERT INTO T VALUES (1, 'a'), (2, 'b')");
        committed(&database, "UPDATE T SET v = 'c' WHERE id = 1");
        committed(&database, "DELETE FROM T WHERE id = 2; INSERT INTO T VALUES (2, 'd')");
        committed(&database, "UPDATE T SET id = 3 WHERE id = 1");
        let op = |version, op: &str, id| (version, op.to_owned(), id);
        assert_eq!(seen(&database, &table, "0"), [op(4, "D", 1), op(3, "I", 2), op(4, "I", 3)]);
        assert_eq!(seen(&database, &table, "1"), [op(4, "D", 1), op(3, "U", 2), op(4, "I", 3)]);
        assert_eq!(seen(&database, &table, "3"), [op(4, "D", 1), op(4, "I", 3)]);
        assert_eq!(seen(&database, &table, "4"), []);
    }

    #[test]
    fn a_context_stays_with_its_change() {
        let (database, table) = database();
        set_context(&database, Some(&[1, 2])).unwrap();
        committed(&database, "INSERT INTO T VALUES (1, 'a')");
        set_context(&database, None).unwrap();
        let sql = format!(
            "SELECT SYS_CHANGE_CONTEXT FROM {}",
            version(&table, &[("id".to_owned(), "1".to_owned())])
        );
        let context: Vec<u8> = database.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(context, [1, 2]);
    }

    #[test]
    fn what_is_forgotten_moves_the_first_valid_version() {
        let (database, table) = database();
        committed(&database, "INSERT INTO T VALUES (1, 'a')");
        committed(&database, "INSERT INTO T VALUES (2, 'a')");
        forget(&database, &table, 1).unwrap();
        assert_eq!(seen(&database, &table, "0").len(), 1);
        let first: i64 =
            database.query_row("SELECT min_version FROM tds_table", [], |row| row.get(0)).unwrap();
        assert_eq!(first, 1);
        disable(&database, &table).unwrap();
        let version: Option<i64> = database
            .query_row("SELECT value FROM tds_state WHERE name = 'version'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(version, None);
    }
}

//! SQLite. There is one writer at a time, so the numbers of the log are in the order of commits; `AUTOINCREMENT` sees
//! to it that a number that was pruned is never given again.

use bron_extract::in_quotes;

use super::{LOG, ORIGIN, STATE, Traced, Trigger, VERSION, belonging, literal};

const KINDS: [(&str, &str); 3] = [("insert", "I"), ("update", "U"), ("delete", "D")];

pub(super) const INSTALLED: &str =
    "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND substr(name, 1, 13) = 'bron_capture_'";

/// A row that `INSERT OR REPLACE` removes because of a unique index beside the key is told of only when the program
/// that writes has `recursive_triggers` on.
pub(super) const UNSEEN: &str = "SELECT DISTINCT t.name, i.name FROM sqlite_schema t, pragma_index_list(t.name) i \
     WHERE t.type = 'table' AND i.\"unique\" = 1 AND i.origin <> 'pk' ORDER BY t.name, i.name";

pub(super) fn create_log() -> Vec<String> {
    vec![
        format!(
            "CREATE TABLE IF NOT EXISTS {LOG} (seq INTEGER PRIMARY KEY AUTOINCREMENT, tbl TEXT NOT NULL, \
             op TEXT NOT NULL, old TEXT, new TEXT, origin TEXT, at TEXT NOT NULL, tag TEXT NOT NULL)"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {STATE} (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, \
             version INTEGER NOT NULL, pruned INTEGER NOT NULL)"
        ),
        format!("CREATE TABLE IF NOT EXISTS {ORIGIN} (tag TEXT)"),
        format!("INSERT OR IGNORE INTO {STATE} VALUES (1, lower(hex(randomblob(16))), {VERSION}, 0)"),
    ]
}

pub(super) fn untrace(table: &str) -> Vec<String> {
    let name = |what| in_quotes(&belonging(table, what));
    KINDS.map(|(what, _)| format!("DROP TRIGGER IF EXISTS {}", name(what))).into()
}

pub(super) fn triggers(table: &Traced<'_>) -> Vec<Trigger> {
    KINDS.map(|(what, op)| trigger(table, what, op)).into()
}

fn trigger(table: &Traced<'_>, what: &str, op: &str) -> Trigger {
    let none = || "NULL".to_owned();
    let before = if op == "I" { none() } else { table.image.json("OLD") };
    let after = if op == "D" { none() } else { table.image.json("NEW") };
    let (name, kind) = (belonging(table.name, what), what.to_uppercase());
    // Word for word what the file keeps: by that it is recognised.
    let definition = format!(
        "CREATE TRIGGER {} AFTER {kind} ON {} BEGIN \
         INSERT INTO {LOG} (tbl, op, old, new, origin, at, tag) VALUES ({}, '{op}', {before}, {after}, \
         (SELECT tag FROM {ORIGIN}), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), lower(hex(randomblob(8)))); END",
        in_quotes(&name),
        in_quotes(table.name),
        literal(table.name),
    );
    Trigger { name, definition }
}

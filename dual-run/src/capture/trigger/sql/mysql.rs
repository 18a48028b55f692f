//! MySQL and MariaDB. Nobody can ask which transactions a snapshot shows: numbers that are missing are waited for
//! until everybody who may have drawn them has ended.

use bron_extract::in_backticks;

use super::{LOG, STATE, Traced, Trigger, VERSION, belonging, literal};
use crate::capture::trigger::place::{Gap, Place};

const KINDS: [(&str, &str); 3] = [("insert", "I"), ("update", "U"), ("delete", "D")];

pub(super) const INSTALLED: &str = "SELECT trigger_name, concat_ws(' ', event_object_table, action_timing, \
     event_manipulation, action_statement) FROM information_schema.triggers \
     WHERE trigger_schema = database() AND left(trigger_name, 13) = 'bron_capture_'";

/// Rows that the server changes itself to follow a parent fire no triggers.
pub(super) const UNSEEN: &str = "SELECT table_name, constraint_name FROM information_schema.referential_constraints \
     WHERE constraint_schema = database() AND (delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT') \
     OR update_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT')) ORDER BY table_name, constraint_name";

pub(super) const SHAPE: &str = "SELECT table_name, column_name, column_type, character_set_name, column_key \
     FROM information_schema.columns WHERE table_schema = database() ORDER BY table_name, ordinal_position";

/// Transactions that only read have numbers of another kind, from 2^48 on.
pub(super) const UNDER_WAY: &str =
    "SELECT trx_id FROM information_schema.innodb_trx WHERE trx_id < 281474976710656";
/// The server answers from a copy that may be a tenth of a second old.
pub(super) const UNDER_WAY_FRESH: &str =
    "DO SLEEP(0.2); SELECT trx_id FROM information_schema.innodb_trx WHERE trx_id < 281474976710656";

pub(super) fn create_log() -> Vec<String> {
    vec![
        format!(
            "CREATE TABLE IF NOT EXISTS {LOG} (seq BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, \
             tbl VARCHAR(64) NOT NULL, op CHAR(1) NOT NULL, `old` LONGTEXT, `new` LONGTEXT, origin VARCHAR(255), \
             at DATETIME(6) NOT NULL, tag CHAR(36) NOT NULL) \
             ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {STATE} (one INT PRIMARY KEY CHECK (one = 1), id CHAR(36) NOT NULL, \
             version BIGINT NOT NULL, pruned BIGINT NOT NULL) \
             ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        ),
        format!("INSERT IGNORE INTO {STATE} VALUES (1, uuid(), {VERSION}, 0)"),
    ]
}

pub(super) fn untrace(table: &str) -> Vec<String> {
    KINDS.map(|(what, _)| format!("DROP TRIGGER IF EXISTS {}", in_backticks(&belonging(table, what)))).into()
}

pub(super) fn trace(table: &Traced<'_>) -> Vec<String> {
    let statement = |(what, op): (&str, &str)| {
        let (name, from) = (in_backticks(&belonging(table.name, what)), in_backticks(table.name));
        format!(
            "CREATE TRIGGER {name} AFTER {} ON {from} FOR EACH ROW {}",
            what.to_uppercase(),
            body(table, op)
        )
    };
    KINDS.map(statement).into()
}

fn body(table: &Traced<'_>, op: &str) -> String {
    let none = || "NULL".to_owned();
    let before = if op == "I" { none() } else { table.image.json("OLD") };
    let after = if op == "D" { none() } else { table.image.json("NEW") };
    format!(
        "INSERT INTO {LOG} (tbl, op, `old`, `new`, origin, at, tag) \
         VALUES ({}, '{op}', {before}, {after}, @bridge_origin, UTC_TIMESTAMP(6), uuid())",
        literal(table.name)
    )
}

pub(super) fn triggers(table: &Traced<'_>) -> Vec<Trigger> {
    KINDS
        .map(|(what, op)| Trigger {
            name: belonging(table.name, what),
            definition: format!("{} AFTER {} {}", table.name, what.to_uppercase(), body(table, op)),
        })
        .into()
}

pub(super) fn behind(place: &Place) -> String {
    let gaps: Vec<String> = place.gaps.iter().map(Gap::included).collect();
    format!("seq > {}{}", place.high, gaps.concat())
}

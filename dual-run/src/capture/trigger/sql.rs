//! Every statement of the change log, for each dialect.
//!
//! One table keeps the log, one row of another what it is, and each captured table has triggers that write its rows
//! down. Positions that travel in statements are numbers and snapshots that were checked; values of rows never do.

mod mysql;
mod postgres;
mod sqlite;

use bron_extract::{ImageTable, in_backticks, in_quotes};
use bron_mappings::Digest;

use super::place::{Gap, Place};
use crate::capture::session::Dialect;

/// The log.
const LOG: &str = "bron_change_log";
/// What the log is: one row.
const STATE: &str = "bron_change_state";
/// In SQLite, the tag of the cut that the present transaction applies; empty in every other transaction. It belongs to
/// the follower that writes there, and stays when the log is removed.
const ORIGIN: &str = "bridge_origin";
/// What the names of all triggers begin with.
const PREFIX: &str = "bron_capture";
/// Counts the forms of the log.
pub(super) const VERSION: u64 = 1;

/// A captured table, as statements need it.
pub(super) struct Traced<'a> {
    pub(super) name: &'a str,
    pub(super) image: &'a ImageTable,
}

/// A trigger as it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trigger {
    /// Its name.
    pub(super) name: String,
    /// What the catalogue says of one that is whole and enabled.
    pub(super) definition: String,
}

/// The statements for the tables of one database.
pub(super) struct Statements {
    dialect: Dialect,
    schema: String,
}

impl Statements {
    pub(super) fn new(dialect: Dialect, schema: &str) -> Self {
        Self { dialect, schema: schema.to_owned() }
    }

    /// A table as SQL.
    pub(super) fn table(&self, name: &str) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("main.{}", in_quotes(name)),
            Dialect::Postgres => format!("{}.{}", in_quotes(&self.schema), in_quotes(name)),
            Dialect::Mysql => in_backticks(name),
        }
    }

    fn log(&self) -> String {
        self.table(LOG)
    }

    fn state(&self) -> String {
        self.table(STATE)
    }

    /// Makes the log where there is none.
    pub(super) fn create_log(&self) -> Vec<String> {
        match self.dialect {
            Dialect::Sqlite => sqlite::create_log(),
            Dialect::Postgres => postgres::create_log(&self.schema),
            Dialect::Mysql => mysql::create_log(),
        }
    }

    /// Removes the log with all that it holds.
    pub(super) fn drop_log(&self) -> Vec<String> {
        [self.log(), self.state()].map(|table| format!("DROP TABLE IF EXISTS {table}")).into()
    }

    /// Has the changes of a table logged from now on, in the place of what logged them before.
    pub(super) fn trace(&self, table: &Traced<'_>) -> Vec<String> {
        let mut statements = self.untrace(table.name);
        statements.extend(match self.dialect {
            Dialect::Sqlite => {
                sqlite::triggers(table).into_iter().map(|trigger| trigger.definition).collect()
            }
            Dialect::Postgres => postgres::trace(&self.schema, table),
            Dialect::Mysql => mysql::trace(table),
        });
        statements
    }

    /// Has the changes of a table logged no longer.
    pub(super) fn untrace(&self, table: &str) -> Vec<String> {
        match self.dialect {
            Dialect::Sqlite => sqlite::untrace(table),
            Dialect::Postgres => postgres::untrace(&self.schema, table),
            Dialect::Mysql => mysql::untrace(table),
        }
    }

    /// The triggers that a table must have.
    pub(super) fn triggers(&self, table: &Traced<'_>) -> Vec<Trigger> {
        match self.dialect {
            Dialect::Sqlite => sqlite::triggers(table),
            Dialect::Postgres => postgres::triggers(&self.schema, table),
            Dialect::Mysql => mysql::triggers(table),
        }
    }

    /// Lists the triggers of the log that are there, with their definitions.
    pub(super) fn installed(&self) -> String {
        match self.dialect {
            Dialect::Sqlite => sqlite::INSTALLED.to_owned(),
            Dialect::Postgres => postgres::installed(&self.schema),
            Dialect::Mysql => mysql::INSTALLED.to_owned(),
        }
    }

    /// Lists what the columns of all tables are: the same as long as none was altered.
    pub(super) fn shape(&self) -> String {
        match self.dialect {
            Dialect::Sqlite => "SELECT schema_version FROM pragma_schema_version".to_owned(),
            Dialect::Postgres => postgres::shape(&self.schema),
            Dialect::Mysql => mysql::SHAPE.to_owned(),
        }
    }

    /// Lists, by table and what it is called, what changes rows without a trigger firing.
    pub(super) fn unseen(&self) -> Option<&'static str> {
        match self.dialect {
            Dialect::Sqlite => Some(sqlite::UNSEEN),
            Dialect::Postgres => None,
            Dialect::Mysql => Some(mysql::UNSEEN),
        }
    }

    /// Whether there is a log.
    pub(super) fn exists(&self) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("SELECT count(*) FROM sqlite_schema WHERE name = '{STATE}'"),
            Dialect::Postgres => postgres::exists(&self.schema),
            Dialect::Mysql => format!(
                "SELECT count(*) FROM information_schema.tables \
                 WHERE table_schema = database() AND table_name = '{STATE}'"
            ),
        }
    }

    /// The id of the log, its form, how many polls it was pruned up to, the highest number, the tag of that row, and
    /// the snapshot of the transaction, where there is such a thing.
    pub(super) fn read_state(&self) -> String {
        let (log, state) = (self.log(), self.state());
        let snapshot = match self.dialect {
            Dialect::Sqlite | Dialect::Mysql => "NULL",
            Dialect::Postgres => "pg_current_snapshot()",
        };
        format!(
            "SELECT s.id, s.version, s.pruned, coalesce((SELECT max(seq) FROM {log}), 0), \
             coalesce((SELECT tag FROM {log} ORDER BY seq DESC LIMIT 1), ''), {snapshot} FROM {state} s"
        )
    }

    /// What the server says of itself beside the log.
    pub(super) fn server(&self) -> Option<&'static str> {
        match self.dialect {
            Dialect::Sqlite | Dialect::Mysql => None,
            Dialect::Postgres => Some(postgres::SERVER),
        }
    }

    /// The tag of the row with a number.
    pub(super) fn tag(&self, number: u64) -> String {
        format!("SELECT tag FROM {} WHERE seq = {number}", self.log())
    }

    /// Which rows lie behind a place.
    fn behind(&self, place: &Place) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("seq > {}", place.high),
            Dialect::Postgres => postgres::behind(place),
            Dialect::Mysql => mysql::behind(place),
        }
    }

    /// The questions, one after the other, for the number up to which a cut of about so many changes goes, so that no
    /// transaction is cut in two; no row when it takes everything. None where the log does not say where transactions
    /// end.
    pub(super) fn boundaries(&self, place: &Place, changes: u64) -> Vec<String> {
        match self.dialect {
            Dialect::Sqlite | Dialect::Mysql => Vec::new(),
            Dialect::Postgres => postgres::boundaries(&self.log(), &self.behind(place), changes).into(),
        }
    }

    /// The rows behind a place: number, table, what was done, the row before, the row after, origin.
    pub(super) fn rows(&self, place: &Place, through: Option<u64>) -> String {
        let through = through.map_or_else(String::new, |number| format!(" AND seq <= {number}"));
        let name = |name: &str| match self.dialect {
            Dialect::Sqlite | Dialect::Postgres => in_quotes(name),
            Dialect::Mysql => in_backticks(name),
        };
        let (before, after) = (name("old"), name("new"));
        format!(
            "SELECT seq, tbl, op, {before}, {after}, origin FROM {} WHERE ({}){through} ORDER BY seq",
            self.log(),
            self.behind(place)
        )
    }

    /// Lists the tables that were emptied at once behind a place.
    pub(super) fn truncated(&self, place: &Place) -> String {
        let (log, behind) = (self.log(), self.behind(place));
        format!("SELECT DISTINCT tbl FROM {log} WHERE op = 'T' AND ({behind}) ORDER BY tbl")
    }

    /// Lists the transactions that are under way and may have drawn numbers.
    pub(super) fn under_way(&self, fresh: bool) -> Option<&'static str> {
        match self.dialect {
            Dialect::Sqlite | Dialect::Postgres => None,
            Dialect::Mysql => Some(if fresh { mysql::UNDER_WAY_FRESH } else { mysql::UNDER_WAY }),
        }
    }

    /// The numbers of the log.
    pub(super) fn numbers(&self) -> String {
        format!("SELECT seq FROM {} ORDER BY seq", self.log())
    }

    /// How many rows the log has.
    pub(super) fn count(&self) -> String {
        format!("SELECT count(*) FROM {}", self.log())
    }

    /// Whether a trigger is there and does not fire always, by what the catalogue says of it.
    pub(super) fn is_disabled(&self, definition: &str) -> bool {
        match self.dialect {
            Dialect::Postgres => postgres::is_disabled(definition),
            Dialect::Sqlite | Dialect::Mysql => false,
        }
    }

    /// Removes what lies before a place, but for the row that it is known by.
    pub(super) fn prune(&self, place: &Place) -> Vec<String> {
        let seen = match (self.dialect, &place.seen) {
            (Dialect::Postgres, Some(seen)) => format!(" AND pg_visible_in_snapshot(txid, '{seen}')"),
            (Dialect::Postgres | Dialect::Sqlite | Dialect::Mysql, _) => String::new(),
        };
        let gaps: Vec<String> = place.gaps.iter().map(Gap::excluded).collect();
        let (log, state, polls) = (self.log(), self.state(), place.polls);
        vec![
            format!("UPDATE {state} SET pruned = {polls} WHERE pruned < {polls}"),
            format!("DELETE FROM {log} WHERE seq < {}{seen}{}", place.high, gaps.concat()),
        ]
    }
}

impl Gap {
    fn excluded(&self) -> String {
        format!(" AND seq NOT BETWEEN {} AND {}", self.first, self.last)
    }

    fn included(&self) -> String {
        format!(" OR seq BETWEEN {} AND {}", self.first, self.last)
    }
}

/// A name for what belongs to a table. Databases cut or refuse names of more than 63 or 64 letters: a long one ends
/// with a digest of the whole.
fn belonging(table: &str, what: &str) -> String {
    const LONGEST: usize = 63;
    let name = format!("{PREFIX}_{table}_{what}");
    if name.len() <= LONGEST {
        return name;
    }
    let digest = Digest::of(name.as_bytes()).short();
    let mut kept = String::new();
    for letter in name.chars() {
        if kept.len() + letter.len_utf8() + 1 + digest.len() > LONGEST {
            break;
        }
        kept.push(letter);
    }
    format!("{kept}_{digest}")
}

/// A name of the catalogue as a text of SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_between_letters_and_stays_its_own() {
        let (one, other) = ("å".repeat(60), format!("{}ä", "å".repeat(59)));
        let names = [belonging(&one, "insert"), belonging(&other, "insert")];
        assert_ne!(names[0], names[1]);
        assert!(names.iter().all(|name| name.len() <= 63 && name.starts_with(PREFIX)));
        assert_eq!(belonging("PERSON", "row"), "bron_capture_PERSON_row");
    }
}

//! What differs between database systems, by the name that the driver gives.
//!
//! That a transaction is `REPEATABLE READ` says nothing about one moment in time: some systems read a snapshot
//! then, others lock what they have read, which shows rows of different moments and stops a production system. So
//! the systems whose snapshots are known are listed, and any other is read without one.

use std::time::Duration;

use crate::access::Manners;
use crate::postgres::written_anew;

/// A kind of database system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// MariaDB.
    MariaDb,
    /// MySQL.
    MySql,
    /// SQL Server.
    SqlServer,
    /// SQLite.
    Sqlite,
    /// Anything else.
    Other,
}

/// How all tables are read as of one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// The mechanism.
    pub(super) how: &'static str,
    /// The first statement of each transaction, which fixes the moment.
    pub(super) begin: &'static str,
}

impl Dialect {
    /// The dialect of a system by its name, as `SQL_DBMS_NAME` gives it.
    pub(super) fn of(system: &str) -> Self {
        let system = system.to_ascii_lowercase();
        let known = [
            ("postgres", Self::Postgres),
            ("mariadb", Self::MariaDb),
            ("mysql", Self::MySql),
            ("sql server", Self::SqlServer),
            ("sqlite", Self::Sqlite),
        ];
        known.into_iter().find(|(name, _)| system.contains(name)).map_or(Self::Other, |(_, dialect)| dialect)
    }

    /// The schema that is read when the project names none; `None` where schemas are not told apart.
    pub(super) fn usual_schema(self) -> Option<&'static str> {
        match self {
            Self::Postgres => Some("public"),
            Self::SqlServer => Some("dbo"),
            Self::MariaDb | Self::MySql | Self::Sqlite | Self::Other => None,
        }
    }

    /// The pattern that finds the tables of any schema.
    pub(super) fn any_schema(self) -> &'static str {
        match self {
            Self::Postgres | Self::SqlServer | Self::Other => "%",
            // Drivers without schemas take a pattern for one that does not exist.
            Self::MariaDb | Self::MySql | Self::Sqlite => "",
        }
    }

    /// Whether a column may hold values of another type than it declares, so that no conversion may be asked for.
    pub(super) fn is_loosely_typed(self) -> bool {
        self == Self::Sqlite
    }

    /// Whether numbers that the driver is asked for as such are right. MariaDB's driver gives 0 in the place of an
    /// approximate number that comes after a NULL.
    pub(super) fn gives_numbers(self) -> bool {
        match self {
            Self::MariaDb | Self::MySql => false,
            Self::Postgres | Self::SqlServer | Self::Sqlite | Self::Other => true,
        }
    }

    /// Whether the scale that the driver gives for an exact number is always the declared one.
    pub(super) fn declares_scale(self) -> bool {
        match self {
            // A `numeric` without a scale is given one that means nothing.
            Self::Postgres | Self::Sqlite => false,
            Self::MariaDb | Self::MySql | Self::SqlServer | Self::Other => true,
        }
    }

    /// What orders rows by the bytes of a text, whatever its collation, for a column of a type by its name and its ODBC
    /// number; `None` for other types, and where no way is known.
    pub(super) fn by_bytes(self, column: &str, type_name: &str, code: i16) -> Option<String> {
        let is_one_of = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(type_name));
        match self {
            // Its driver passes off types without a collation as text.
            Self::Postgres => is_one_of(&["text", "varchar", "bpchar", "char", "name"])
                .then(|| format!("{column} COLLATE \"C\"")),
            Self::MariaDb | Self::MySql => matches!(code, 1 | 12 | -1 | -10..=-8)
                .then(|| format!("CAST(CONVERT({column} USING utf8mb4) AS BINARY)")),
            // So does this server with days and times, to drivers that do not know them.
            Self::SqlServer => is_one_of(&["char", "varchar", "nchar", "nvarchar", "sysname"])
                .then(|| format!("{column} COLLATE Latin1_General_BIN2")),
            // Any column may hold text.
            Self::Sqlite => Some(format!("{column} COLLATE BINARY")),
            Self::Other => None,
        }
    }

    /// Settings for a driver, by its file's name: that it keeps no whole table in memory, where it can be told so,
    /// makes no database, and gives text in UTF-8, whatever the locale.
    pub(super) fn driver_settings(file: &str) -> &'static [(&'static str, &'static str)] {
        if file.contains("psqlodbc") {
            &[("UseDeclareFetch", "1"), ("Fetch", "4096")]
        } else if file.contains("sqlite3odbc") {
            &[("NoCreat", "1")]
        } else if file.contains("tdsodbc") {
            &[("ClientCharset", "UTF-8")]
        } else {
            &[]
        }
    }

    /// What is said once, before anything is read: how moments are written, how long the server may work and
    /// wait, and that nothing is written.
    pub(super) fn settings(self, manners: &Manners) -> Vec<String> {
        let statement = manners.statement_timeout.unwrap_or_default();
        let lock = manners.lock_timeout;
        match self {
            Self::Postgres => vec![
                "SET TIME ZONE 'UTC'".to_owned(),
                "SET DateStyle = 'ISO'".to_owned(),
                "SET IntervalStyle = 'iso_8601'".to_owned(),
                "SET idle_in_transaction_session_timeout = 0".to_owned(),
                // In our literals a backslash is a backslash.
                "SET standard_conforming_strings = on".to_owned(),
                format!("SET statement_timeout = {}", statement.as_millis()),
                format!("SET lock_timeout = {}", lock.as_millis()),
                "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
                    .to_owned(),
            ],
            Self::MariaDb | Self::MySql => {
                let limit = if self == Self::MariaDb {
                    format!("SET SESSION max_statement_time = {}", whole_seconds(statement))
                } else {
                    format!("SET SESSION max_execution_time = {}", statement.as_millis())
                };
                let lock = whole_seconds(lock).max(1);
                vec![
                    "SET SESSION time_zone = '+00:00'".to_owned(),
                    limit,
                    format!("SET SESSION innodb_lock_wait_timeout = {lock}"),
                    format!("SET SESSION lock_wait_timeout = {lock}"),
                    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ".to_owned(),
                    "SET SESSION TRANSACTION READ ONLY".to_owned(),
                ]
            }
            Self::SqlServer => vec![format!("SET LOCK_TIMEOUT {}", lock.as_millis())],
            Self::Sqlite | Self::Other => Vec::new(),
        }
    }

    /// A question whose answer must be `1` for there to be snapshots, and what it means when it is not.
    pub(super) fn allows_snapshots(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::SqlServer => Some((
                "SELECT snapshot_isolation_state FROM sys.databases WHERE name = DB_NAME()",
                "the database does not allow snapshot isolation",
            )),
            Self::MariaDb | Self::MySql => Some((
                "SELECT count(*) = 0 FROM information_schema.tables WHERE table_schema = DATABASE() \
                 AND table_type = 'BASE TABLE' AND engine <> 'InnoDB'",
                "the database has tables without transactions",
            )),
            Self::Postgres | Self::Sqlite | Self::Other => None,
        }
    }

    /// How one moment is fixed, where it can be.
    pub(super) fn snapshot(self) -> Option<Snapshot> {
        match self {
            Self::Postgres => Some(Snapshot { how: "repeatable read transaction", begin: "SELECT 1" }),
            Self::MariaDb | Self::MySql => Some(Snapshot {
                how: "consistent snapshot",
                begin: "START TRANSACTION WITH CONSISTENT SNAPSHOT",
            }),
            Self::SqlServer => {
                Some(Snapshot { how: "snapshot transaction", begin: "SELECT count(*) FROM sys.objects" })
            }
            Self::Sqlite => {
                Some(Snapshot { how: "read transaction", begin: "SELECT count(*) FROM sqlite_master" })
            }
            Self::Other => None,
        }
    }

    /// Statements to run before a table is read, the last of which answers 0 when the rows lie where they lay at the
    /// moment that is read. Where there are none, the system itself refuses to read others.
    pub(super) fn is_as_it_was(self, from: &str) -> Option<[String; 2]> {
        let lock = format!("SELECT 1 FROM {from} LIMIT 0");
        let name = format!("'{}'", from.replace('\'', "''"));
        (self == Self::Postgres).then(|| [lock, written_anew(&name)])
    }

    /// What switches the connection to snapshots, once they are known to be allowed.
    pub(super) fn use_snapshots(self) -> Option<&'static str> {
        (self == Self::SqlServer).then_some("SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
    }
}

/// Seconds, rounded up so that a short time does not become none at all.
pub(super) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_known_by_their_names() {
        for (name, dialect) in [
            ("PostgreSQL", Dialect::Postgres),
            ("MariaDB", Dialect::MariaDb),
            ("MySQL", Dialect::MySql),
            ("Microsoft SQL Server", Dialect::SqlServer),
            ("SQL Server", Dialect::SqlServer),
            ("SQLite", Dialect::Sqlite),
            ("DB2/LINUXX8664", Dialect::Other),
        ] {
            assert_eq!(Dialect::of(name), dialect, "{name}");
        }
        assert_eq!(Dialect::Other.snapshot(), None);
    }

    #[test]
    fn texts_are_ordered_by_their_bytes_and_nothing_else_is() {
        let order = |dialect: Dialect, name: &str, code: i16| dialect.by_bytes("k", name, code);
        assert_eq!(order(Dialect::Postgres, "text", -1).as_deref(), Some("k COLLATE \"C\""));
        assert_eq!(order(Dialect::Postgres, "inet", 12), None);
        assert_eq!(order(Dialect::SqlServer, "date", -9), None);
        assert_eq!(order(Dialect::SqlServer, "NVARCHAR", -9).unwrap(), "k COLLATE Latin1_General_BIN2");
        assert!(
            order(Dialect::MariaDb, "VARCHAR", 12).is_some() && order(Dialect::MariaDb, "INT", 4).is_none()
        );
        assert_eq!(order(Dialect::Other, "varchar", 12), None);
    }

    #[test]
    fn the_server_is_told_the_limits() {
        let manners = Manners { statement_timeout: Some(Duration::from_millis(1_500)), ..Manners::default() };
        let said = |dialect: Dialect| dialect.settings(&manners).join("; ");
        assert!(said(Dialect::Postgres).contains("statement_timeout = 1500"));
        assert!(said(Dialect::Postgres).contains("lock_timeout = 5000"));
        assert!(said(Dialect::MariaDb).contains("max_statement_time = 2"));
        assert!(said(Dialect::SqlServer).contains("LOCK_TIMEOUT 5000"));
    }
}

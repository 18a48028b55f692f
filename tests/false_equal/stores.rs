//! Where the corpus is stored.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{Made, Row};
use crate::support::sqlite;

/// A place with two sides that tables can be stored in.
pub(crate) trait Store {
    /// The name by which the corpus knows it.
    fn name(&self) -> &'static str;

    /// Whether it has the type, and NULL in it where that is asked for.
    fn can_hold(&self, kind: &str, null: bool) -> bool;

    /// Whether its tables say what names their rows.
    fn has_keys(&self) -> bool {
        true
    }

    /// Stores the table on both sides.
    fn make(&mut self, table: &Made);

    /// The two sides as `bron compare` takes them.
    fn locators(&self) -> [String; 2];
}

/// A text as hexadecimal digits, so that no quotation mark has to be escaped.
fn hexadecimal(text: &str) -> String {
    text.bytes().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").unwrap();
        digits
    })
}

/// The statements that make one side of a table. `declared` says what a type is called there and `literal` how a value
/// of it is written.
fn statements(
    table: &Made,
    rows: &[Row],
    declared: impl Fn(&str) -> String,
    literal: impl Fn(&str, &str) -> String,
) -> Vec<String> {
    let column = |(place, (name, kind)): (usize, &(String, String))| {
        let key = if table.key && place == 0 { " PRIMARY KEY" } else { "" };
        format!("{name} {}{key}", declared(kind))
    };
    let columns: Vec<String> = table.columns.iter().enumerate().map(column).collect();
    let mut statements = vec![format!("CREATE TABLE {} ({})", table.name, columns.join(", "))];
    for rows in rows.chunks(500) {
        let row = |row: &Row| {
            let cells = row.iter().zip(&table.columns);
            let cells = cells.map(|(cell, (_, kind))| {
                cell.as_ref().map_or_else(|| "NULL".to_owned(), |value| literal(kind, value))
            });
            format!("({})", cells.collect::<Vec<_>>().join(", "))
        };
        let rows: Vec<String> = rows.iter().map(row).collect();
        statements.push(format!("INSERT INTO {} VALUES {}", table.name, rows.join(", ")));
    }
    statements
}

/// Two SQLite files.
pub(crate) struct Sqlite {
    dir: TempDir,
}

impl Sqlite {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn paths(&self) -> [PathBuf; 2] {
        ["left.db", "right.db"].map(|name| self.dir.path().join(name))
    }
}

impl Store for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn can_hold(&self, _kind: &str, _null: bool) -> bool {
        true
    }

    fn make(&mut self, table: &Made) {
        let declared = |kind: &str| {
            match kind {
                "bytea" => "BLOB",
                "float8" => "REAL",
                "int8" | "int4" => "INTEGER",
                other => other,
            }
            .to_owned()
        };
        let literal = |kind: &str, value: &str| match kind {
            "bytea" => format!("x'{value}'"),
            _ => format!("CAST(x'{}' AS TEXT)", hexadecimal(value)),
        };
        for (path, rows) in self.paths().iter().zip([&table.left, &table.right]) {
            if !path.exists() {
                fs::write(path, "").unwrap();
            }
            let statements = statements(table, rows, declared, literal);
            sqlite(path, &statements.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }

    fn locators(&self) -> [String; 2] {
        self.paths().map(|path| format!("sqlite:{}", path.display()))
    }
}

/// Two folders of delimited files, in which everything is text and nothing is NULL.
pub(crate) struct Files {
    dir: TempDir,
}

impl Files {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for side in ["left", "right"] {
            fs::create_dir(dir.path().join(side)).unwrap();
        }
        Self { dir }
    }
}

impl Store for Files {
    fn name(&self) -> &'static str {
        "files"
    }

    fn can_hold(&self, kind: &str, null: bool) -> bool {
        !null && kind != "bytea"
    }

    fn has_keys(&self) -> bool {
        false
    }

    fn make(&mut self, table: &Made) {
        for (side, rows) in ["left", "right"].iter().zip([&table.left, &table.right]) {
            let head: Row = table.columns.iter().map(|(name, _)| Some(name.clone())).collect();
            let mut text = String::new();
            for row in std::iter::once(&head).chain(rows) {
                let cells = row
                    .iter()
                    .map(|cell| format!("\"{}\"", cell.as_deref().unwrap_or_default().replace('"', "\"\"")));
                writeln!(text, "{}", cells.collect::<Vec<_>>().join(";")).unwrap();
            }
            fs::write(self.dir.path().join(side).join(format!("{}.csv", table.name)), text).unwrap();
        }
    }

    fn locators(&self) -> [String; 2] {
        ["left", "right"].map(|side| format!("csv:{}", self.dir.path().join(side).display()))
    }
}

/// Two databases of a private PostgreSQL server.
#[cfg(feature = "postgres-tests")]
pub(crate) struct Postgres {
    server: bron_servers::PostgresServer,
}

#[cfg(feature = "postgres-tests")]
impl Postgres {
    pub(crate) fn new() -> Self {
        let server = bron_servers::PostgresServer::start().unwrap();
        let postgres = Self { server };
        for name in ["venster", "hoger"] {
            run_in_postgres(&postgres.server.url(), &format!("CREATE DATABASE {name}"));
        }
        postgres
    }
}

/// Runs a statement in a PostgreSQL database.
#[cfg(feature = "postgres-tests")]
pub(crate) fn run_in_postgres(url: &str, statement: &str) {
    use sqlx::{AssertSqlSafe, Connection};
    crate::support::block_on(async {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
    });
}

#[cfg(feature = "postgres-tests")]
impl Store for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn can_hold(&self, _kind: &str, _null: bool) -> bool {
        true
    }

    fn make(&mut self, table: &Made) {
        let literal = |kind: &str, value: &str| match kind {
            "bytea" => format!("'\\x{value}'::bytea"),
            "boolean" => format!("({value} <> 0)"),
            _ => format!("CAST(convert_from('\\x{}', 'UTF8') AS {kind})", hexadecimal(value)),
        };
        for (url, rows) in self.locators().iter().zip([&table.left, &table.right]) {
            run_in_postgres(url, &statements(table, rows, str::to_owned, literal).join("; "));
        }
    }

    fn locators(&self) -> [String; 2] {
        ["venster", "hoger"].map(|name| format!("postgres://bron@127.0.0.1:{}/{name}", self.server.port()))
    }
}

/// Two databases of a private MariaDB server.
#[cfg(feature = "mariadb-tests")]
pub(crate) struct MariaDb {
    server: bron_servers::MariaDbServer,
}

#[cfg(feature = "mariadb-tests")]
impl MariaDb {
    pub(crate) fn new() -> Self {
        let server = bron_servers::MariaDbServer::start().unwrap();
        let databases = "CREATE DATABASE venster; CREATE DATABASE hoger";
        server
            .execute(&format!("CREATE USER 'jamfor'@'%'; GRANT ALL ON *.* TO 'jamfor'@'%'; {databases}"))
            .unwrap();
        Self { server }
    }
}

/// Runs statements in a MariaDB database.
#[cfg(feature = "mariadb-tests")]
fn run_in_mariadb(url: &str, statements: &str) {
    use sqlx::{AssertSqlSafe, Connection};
    crate::support::block_on(async {
        let mut connection = sqlx::MySqlConnection::connect(url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut connection).await.unwrap();
    });
}

#[cfg(feature = "mariadb-tests")]
impl Store for MariaDb {
    fn name(&self) -> &'static str {
        "mariadb"
    }

    fn can_hold(&self, _kind: &str, _null: bool) -> bool {
        true
    }

    fn make(&mut self, table: &Made) {
        let declared = |kind: &str| match kind {
            "text" => "LONGTEXT CHARACTER SET utf8mb4".to_owned(),
            "bytea" => "BLOB".to_owned(),
            "float4" => "FLOAT".to_owned(),
            "float8" => "DOUBLE".to_owned(),
            "int8" => "BIGINT".to_owned(),
            "int4" => "INT".to_owned(),
            "timestamp" => "DATETIME(6)".to_owned(),
            "time" => "TIME(6)".to_owned(),
            other => other.replace("numeric", "DECIMAL"),
        };
        let literal = |kind: &str, value: &str| match kind {
            "bytea" => format!("x'{value}'"),
            _ => format!("CONVERT(x'{}' USING utf8mb4)", hexadecimal(value)),
        };
        for (url, rows) in self.locators().iter().zip([&table.left, &table.right]) {
            run_in_mariadb(url, &statements(table, rows, declared, literal).join("; "));
        }
    }

    fn locators(&self) -> [String; 2] {
        ["venster", "hoger"].map(|name| format!("mysql://jamfor@127.0.0.1:{}/{name}", self.server.port()))
    }
}

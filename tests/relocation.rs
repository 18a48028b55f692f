//! Puts the records of a system that lie in an SQLite file somewhere else: onto servers and into delimited files.

use std::fmt::Write as _;
use std::path::Path;

use bron_servers::{MariaDbServer, PostgresServer};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection};

use crate::support::{block_on, sqlite_rows};

/// Rows that one statement inserts.
const ROWS: usize = 500;

/// How a column's values are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whole numbers.
    Whole,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
}

/// A column of a table.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The place in the primary key from 1, or 0.
    key: u32,
}

/// A table of an SQLite database.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
}

/// The tables of an SQLite database.
pub(crate) fn tables(database: &Path) -> Vec<Table> {
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
    let names = sqlite_rows(database, names).into_iter().filter_map(|mut row| row.remove(0));
    names.map(|name| Table { columns: columns(database, &name), name }).collect()
}

fn columns(database: &Path, table: &str) -> Vec<Column> {
    let query = format!("SELECT name, type, CAST(pk AS TEXT) FROM pragma_table_info('{table}') ORDER BY cid");
    let column = |row: Vec<Option<String>>| {
        let [name, kind, key] = <[Option<String>; 3]>::try_from(row).unwrap().map(Option::unwrap);
        let kind = match kind.as_str() {
            "INTEGER" => Kind::Whole,
            "BLOB" => Kind::Bytes,
            _ => Kind::Text,
        };
        Column { name, kind, key: key.parse().unwrap() }
    };
    sqlite_rows(database, &query).into_iter().map(column).collect()
}

impl Table {
    /// The columns of the primary key in its order.
    pub(crate) fn key(&self) -> Vec<&Column> {
        let mut key: Vec<&Column> = self.columns.iter().filter(|column| column.key > 0).collect();
        key.sort_by_key(|column| column.key);
        key
    }
}

/// What differs between servers.
struct Dialect {
    quote: char,
    text: &'static str,
    /// The type of a text in a primary key.
    key_text: &'static str,
    bytes: &'static str,
    /// What stands before the digits of bytes, as SQLite writes the text.
    digits: &'static str,
    /// What stands behind the columns of a table.
    storage: &'static str,
}

const POSTGRES: Dialect =
    Dialect { quote: '"', text: "text", key_text: "text", bytes: "bytea", digits: "''\\x", storage: "" };

/// With a collation in which neither case nor the order of bytes counts.
const MARIADB: Dialect = Dialect {
    quote: '`',
    text: "longtext",
    key_text: "varchar(150)",
    bytes: "longblob",
    digits: "x''",
    storage: " CHARACTER SET utf8mb4 COLLATE utf8mb4_swedish_ci",
};

impl Dialect {
    fn name(&self, name: &str) -> String {
        format!("{0}{name}{0}", self.quote)
    }

    fn create(&self, table: &Table) -> String {
        let kind = |column: &Column| match column.kind {
            Kind::Whole => "bigint",
            Kind::Bytes => self.bytes,
            Kind::Text if column.key > 0 => self.key_text,
            Kind::Text => self.text,
        };
        let columns =
            table.columns.iter().map(|column| format!("{} {}", self.name(&column.name), kind(column)));
        let mut parts: Vec<String> = columns.collect();
        let key: Vec<String> = table.key().iter().map(|column| self.name(&column.name)).collect();
        if !key.is_empty() {
            parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
        }
        format!("CREATE TABLE {} ({}){}", self.name(&table.name), parts.join(", "), self.storage)
    }

    /// What SQLite is asked for to get a value as a literal.
    fn literal(&self, column: &Column) -> String {
        let name = format!("\"{}\"", column.name);
        let literal = match column.kind {
            Kind::Bytes => format!("'{}' || hex({name}) || ''''", self.digits),
            Kind::Whole | Kind::Text => format!("quote(CAST({name} AS TEXT))"),
        };
        format!("CASE WHEN {name} IS NULL THEN 'NULL' ELSE {literal} END")
    }

    /// The statements that make a table and fill it, in another order than its rows have.
    fn statements(&self, database: &Path, table: &Table) -> Vec<String> {
        let literals: Vec<String> = table.columns.iter().map(|column| self.literal(column)).collect();
        let rows =
            format!("SELECT {} FROM \"{}\" ORDER BY rowid DESC", literals.join(" || ', ' || "), table.name);
        let rows: Vec<String> =
            sqlite_rows(database, &rows).into_iter().filter_map(|mut row| row.remove(0)).collect();
        let insert = |rows: &[String]| {
            format!("INSERT INTO {} VALUES ({})", self.name(&table.name), rows.join("), ("))
        };
        std::iter::once(self.create(table)).chain(rows.chunks(ROWS).map(insert)).collect()
    }
}

/// Runs statements on a PostgreSQL server.
pub(crate) fn on_postgres(server: &PostgresServer, statements: &[String]) {
    block_on(async {
        let mut connection = PgConnection::connect(&server.url()).await.unwrap();
        for statement in statements {
            sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut connection).await.unwrap();
        }
    });
}

/// Writes the tables of an SQLite database into a new schema of PostgreSQL.
pub(crate) fn into_postgres(database: &Path, server: &PostgresServer, schema: &str) {
    let mut statements =
        vec![format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\""), format!("SET search_path = \"{schema}\"")];
    for table in tables(database) {
        statements.extend(POSTGRES.statements(database, &table));
    }
    on_postgres(server, &statements);
}

/// Writes the tables of an SQLite database into a new database of MariaDB, which the user `bron` may read.
pub(crate) fn into_mariadb(database: &Path, server: &MariaDbServer, name: &str) {
    server.execute(&format!("CREATE DATABASE {name}; GRANT ALL ON {name}.* TO bron@'127.0.0.1'")).unwrap();
    let address = format!("mysql://bron:bron@127.0.0.1:{}/{name}", server.port());
    // A backslash is a backslash, as it is in SQLite.
    let mut statements = vec!["SET sql_mode = 'NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'".to_owned()];
    for table in tables(database) {
        statements.extend(MARIADB.statements(database, &table));
    }
    block_on(async {
        let mut connection = MySqlConnection::connect(&address).await.unwrap();
        for statement in statements {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        }
    });
}

/// How text is written into files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UTF-8 with a byte order mark.
    Utf8,
    /// The code page of Western Europe.
    Windows1252,
}

impl Encoding {
    const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Windows1252 => "windows-1252",
        }
    }

    /// The bytes of a text, `None` when it has a character that the encoding does not.
    fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 => Some(format!("\u{feff}{text}").into_bytes()),
            Self::Windows1252 => text.chars().map(windows_1252).collect(),
        }
    }
}

/// The byte of a character. Where Latin-1 has control characters, the code page has these.
fn windows_1252(character: char) -> Option<u8> {
    const FROM_0X80: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    let place = FROM_0X80.chars().position(|known| known == character);
    match place {
        Some(place) => u8::try_from(place + 0x80).ok(),
        None => u8::try_from(u32::from(character)).ok().filter(|byte| !(0x80..0xa0).contains(byte)),
    }
}

/// Writes the tables of an SQLite database into a folder, a file for each, rows in the order of the key. Gives the
/// lines that describe the files, and the names of the tables that the encoding has no characters for: those are in
/// no file.
pub(crate) fn into_files(database: &Path, folder: &Path, encoding: Encoding) -> (String, Vec<String>) {
    std::fs::create_dir_all(folder).unwrap();
    let mut described = format!(
        "\n[[dialect]]\nname = \"fil\"\nencoding = \"{}\"\nseparator = \";\"\nquoting = true\nbom = {}\n",
        encoding.name(),
        encoding == Encoding::Utf8
    );
    let mut left_out = Vec::new();
    for table in tables(database) {
        match encoding.encode(&delimited(database, &table)) {
            Some(bytes) => std::fs::write(folder.join(format!("{}.csv", table.name)), bytes).unwrap(),
            None => left_out.push(table.name.clone()),
        }
        let names: Vec<String> = table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        write!(
            described,
            "\n[[table]]\nname = \"{0}\"\nfiles = \"{0}.csv\"\ncolumns = [{1}]\n",
            table.name,
            names.join(", ")
        )
        .unwrap();
    }
    (described, left_out)
}

/// A table as a file: NULL is empty, bytes are hexadecimal digits.
fn delimited(database: &Path, table: &Table) -> String {
    let value = |column: &Column| match column.kind {
        Kind::Bytes => format!("hex(\"{}\")", column.name),
        Kind::Whole | Kind::Text => format!("CAST(\"{}\" AS TEXT)", column.name),
    };
    let values: Vec<String> = table.columns.iter().map(value).collect();
    let order = table.key().into_iter().map(|column| format!("\"{}\", ", column.name)).collect::<String>();
    let rows = format!("SELECT {} FROM \"{}\" ORDER BY {order}rowid", values.join(", "), table.name);
    let quoted = |value: &str| format!("\"{}\"", value.replace('"', "\"\""));
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let mut text = format!("{}\n", names.join(";"));
    for row in sqlite_rows(database, &rows) {
        let fields: Vec<String> =
            row.iter().map(|value| quoted(value.as_deref().unwrap_or_default())).collect();
        writeln!(text, "{}", fields.join(";")).unwrap();
    }
    text
}

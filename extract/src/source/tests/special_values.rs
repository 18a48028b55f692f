//! Values that are easily got wrong, through every connector: the same value is the same text.
//!
//! Each line of the table is one value with the text that it travels as, and how each kind of database declares and
//! writes it; `-` where it has no such value. Where a connector gives another text, that is in [`OTHERWISE`] with the
//! reason, and nothing is in there that is not so.

use std::path::Path;

use bron_mappings::{Cells, Value};
use bron_servers::{MariaDbServer, PostgresServer};
use bron_tds::Server;
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

use super::reading::read;
use crate::access::{Access, Locator};
use crate::runtime::runtime;
use crate::source::Source;
use crate::sqlite::tests::{execute, writer};
use crate::tds::tests::bench;

/// A kind of database, by its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
    MariaDb,
    SqlServer,
}

/// What is special, the text that travels, and `type = literal` for SQLite, PostgreSQL, MariaDB and SQL Server. `{}`
/// in a literal stands for the text.
type Special = (&'static str, &'static str, [&'static str; 4]);

const TEXTS: [Special; 11] = [
    (
        "letters",
        "Åsa Öberg é ü ñ – €",
        ["text = '{}'", "varchar(40) = '{}'", "varchar(40) = '{}'", "nvarchar(40) = N'{}'"],
    ),
    (
        "four bytes each",
        "😀👩\u{200d}👧𝒜",
        ["text = '{}'", "text = '{}'", "varchar(9) = '{}'", "nvarchar(20) = N'{}'"],
    ),
    ("empty", "", ["text = '{}'", "text = '{}'", "text = '{}'", "nvarchar(9) = N'{}'"]),
    ("one blank", " ", ["text = '{}'", "varchar(9) = '{}'", "varchar(9) = '{}'", "varchar(9) = '{}'"]),
    (
        "blanks at both ends",
        "  ab  ",
        ["text = '{}'", "varchar(9) = '{}'", "varchar(9) = '{}'", "nvarchar(9) = N'{}'"],
    ),
    ("padded", "ab  ", ["char(4) = 'ab'", "char(4) = 'ab'", "char(4) = 'ab'", "char(4) = 'ab'"]),
    (
        "signs that separate",
        "a\tb\r\nc\\d\"e;f\\N",
        ["text = '{}'", "text = '{}'", "text = '{}'", "nvarchar(max) = N'{}'"],
    ),
    ("NULL as a word", "NULL", ["text = '{}'", "text = '{}'", "text = '{}'", "varchar(9) = '{}'"]),
    ("decomposed", "A\u{30a}", ["text = '{}'", "text = '{}'", "text = '{}'", "nvarchar(9) = N'{}'"]),
    ("old large text", "gammal å", ["-", "-", "mediumtext = '{}'", "text = '{}'"]),
    ("old large text of any letters", "Ł😀", ["-", "-", "tinytext = '{}'", "ntext = N'{}'"]),
];

const NUMBERS: [Special; 22] = [
    ("least whole", "-9223372036854775808", ["int = {}", "bigint = {}", "bigint = {}", "bigint = {}"]),
    ("most whole", "9223372036854775807", ["int = {}", "bigint = {}", "bigint = {}", "bigint = {}"]),
    ("unsigned", "18446744073709551615", ["-", "-", "bigint unsigned = {}", "-"]),
    ("true", "1", ["boolean = 1", "boolean = true", "bit(1) = b'1'", "bit = 1"]),
    ("false", "0", ["boolean = 0", "boolean = false", "boolean = false", "bit = 0"]),
    ("byte", "255", ["tinyint = {}", "-", "tinyint unsigned = {}", "tinyint = {}"]),
    (
        "38 digits",
        "-1234567890123456789012345678.9012345678",
        ["text = '{}'", "numeric(38,10) = {}", "decimal(38,10) = {}", "decimal(38,10) = {}"],
    ),
    (
        "38 nines",
        "99999999999999999999999999999999999999",
        ["text = '{}'", "numeric(38,0) = {}", "decimal(38,0) = {}", "decimal(38,0) = {}"],
    ),
    (
        "30 decimals",
        "0.000000000000000000000000000001",
        ["text = '{}'", "numeric(38,30) = {}", "decimal(38,30) = {}", "decimal(38,30) = {}"],
    ),
    (
        "zeros of the scale",
        "-0.50",
        ["text = '{}'", "numeric(10,2) = -0.5", "decimal(10,2) = -0.5", "decimal(10,2) = -0.5"],
    ),
    (
        "least money",
        "-922337203685477.5808",
        ["text = '{}'", "numeric(19,4) = {}", "decimal(19,4) = {}", "money = {}"],
    ),
    (
        "most money",
        "922337203685477.5807",
        ["text = '{}'", "numeric(19,4) = {}", "decimal(19,4) = {}", "money = {}"],
    ),
    (
        "small money",
        "-214748.3648",
        ["text = '{}'", "numeric(10,4) = {}", "decimal(10,4) = {}", "smallmoney = {}"],
    ),
    ("single", "0.1", ["real = 0.1", "real = 0.1", "float = 0.1", "real = '0.1'"]),
    ("single of seven digits", "16777215", ["real = {}", "real = {}", "float = {}", "real = '{}'"]),
    (
        "double",
        "0.30000000000000004",
        ["double = {}", "double precision = {}", "double = {}", "float = '{}'"],
    ),
    (
        "small double",
        "0.0000001",
        ["double = 1e-7", "double precision = 1e-7", "double = 1e-7", "float = '1e-7'"],
    ),
    (
        "large double",
        "-1000000000000000000000",
        ["double = -1e21", "double precision = -1e21", "double = -1e21", "float = '-1e21'"],
    ),
    ("not a number", "NaN", ["-", "numeric = 'NaN'", "-", "-"]),
    ("text among numbers", "ja", ["integer = '{}'", "-", "-", "-"]),
    ("fraction among whole numbers", "1.5", ["integer = {}", "-", "-", "-"]),
    ("exact of any scale", "1.50", ["-", "numeric = {}", "-", "-"]),
];

const MOMENTS: [Special; 24] = [
    ("first day", "0001-01-01", ["date = '{}'", "date = '{}'", "date = '{}'", "date = '{}'"]),
    ("last day", "9999-12-31", ["date = '{}'", "date = '{}'", "date = '{}'", "date = '{}'"]),
    ("leap day", "1900-03-01", ["date = '{}'", "date = '{}'", "date = '{}'", "date = '{}'"]),
    ("no day", "0000-00-00", ["date = '{}'", "-", "date = '{}'", "-"]),
    ("day without a day", "2024-02-00", ["date = '{}'", "-", "date = '{}'", "-"]),
    ("no moment", "0000-00-00 00:00:00", ["datetime = '{}'", "-", "datetime = '{}'", "-"]),
    ("no moment in UTC", "0000-00-00 00:00:00", ["-", "-", "timestamp = 0", "-"]),
    (
        "first datetime",
        "1753-01-01 00:00:00",
        ["datetime = '{}'", "timestamp = '{}'", "datetime = '{}'", "datetime = '{}'"],
    ),
    (
        "last datetime",
        "9999-12-31 23:59:59.997",
        ["datetime = '{}'", "timestamp(3) = '{}'", "datetime(3) = '{}'", "datetime = '{}'"],
    ),
    (
        "one tick of a datetime",
        "2024-01-31 08:00:00.003",
        ["datetime = '{}'", "timestamp(3) = '{}'", "datetime(3) = '{}'", "datetime = '{}'"],
    ),
    (
        "two ticks of a datetime",
        "2024-01-31 08:00:00.007",
        ["datetime = '{}'", "timestamp(3) = '{}'", "datetime(3) = '{}'", "datetime = '{}'"],
    ),
    (
        "last smalldatetime",
        "2079-06-06 23:59:00",
        ["datetime = '{}'", "timestamp = '{}'", "datetime = '{}'", "smalldatetime = '{}'"],
    ),
    (
        "microseconds",
        "9999-12-31 23:59:59.999999",
        ["datetime = '{}'", "timestamp = '{}'", "datetime(6) = '{}'", "datetime2(6) = '{}'"],
    ),
    ("first datetime2", "0001-01-01 00:00:00.0000001", ["-", "-", "-", "datetime2(7) = '{}'"]),
    ("last datetime2", "9999-12-31 23:59:59.9999999", ["-", "-", "-", "datetime2(7) = '{}'"]),
    (
        "hour that was not",
        "2024-03-31 02:30:00",
        ["datetime = '{}'", "timestamp = '{}'", "datetime = '{}'", "datetime2(0) = '{}'"],
    ),
    (
        "moment in UTC",
        "2024-03-31 01:30:00.5 +00:00",
        [
            "-",
            "timestamptz = '2024-03-31 03:30:00.5+02'",
            "timestamp(3) = '2024-03-31 01:30:00.5'",
            "datetimeoffset(3) = '2024-03-31 01:30:00.5 +00:00'",
        ],
    ),
    ("farthest offset", "2024-10-27 02:30:00.1234567 -14:00", ["-", "-", "-", "datetimeoffset(7) = '{}'"]),
    ("time", "23:59:59.25", ["-", "time(3) = '{}'", "time(3) = '{}'", "time(3) = '{}'"]),
    ("end of time", "infinity", ["-", "date = '{}'", "-", "-"]),
    ("beginning of time", "-infinity", ["-", "timestamp = '{}'", "-", "-"]),
    ("end of time in UTC", "infinity", ["-", "timestamptz = '{}'", "-", "-"]),
    ("before Christ", "0044-03-15 BC", ["-", "date = '{}'", "-", "-"]),
    ("time beyond a day", "-838:59:59", ["-", "-", "time = '{}'", "-"]),
];

const OTHERS: [Special; 19] = [
    (
        "identifier",
        "6f9619ff-8b86-d011-b42d-00c04fc964ff",
        ["text = '{}'", "uuid = '{}'", "uuid = '{}'", "uniqueidentifier = '{}'"],
    ),
    (
        "bytes",
        "0x00ff0d0a",
        [
            "blob = x'00ff0d0a'",
            "bytea = '\\x00ff0d0a'",
            "varbinary(9) = x'00ff0d0a'",
            "varbinary(9) = 0x00ff0d0a",
        ],
    ),
    ("address", "2001:db8::ff00:42:8329", ["-", "inet = '{}'", "inet6 = '{}'", "-"]),
    ("no bytes", "0x", ["blob = x''", "bytea = ''", "blob = ''", "varbinary(9) = 0x"]),
    ("padded bytes", "0x010000", ["-", "-", "binary(3) = x'01'", "binary(3) = 0x01"]),
    ("old large bytes", "0x0d0a", ["-", "-", "mediumblob = x'0d0a'", "image = 0x0d0a"]),
    ("version of a row", "0x00000000000007d1", ["-", "-", "-", "rowversion = 0x00000000000007D1"]),
    ("text in bytes", "0x6a61", ["blob = 'ja'", "-", "-", "-"]),
    ("number in a text", "7", ["text = 7", "-", "-", "-"]),
    ("column without a type", "x", [" = 'x'", "-", "-", "-"]),
    ("JSON", "{\"a\": [1, null]}", ["-", "jsonb = '{}'", "json = '{}'", "-"]),
    ("array", "{1,NULL,3}", ["-", "int[] = '{}'", "-", "-"]),
    ("duration", "P1Y2M3DT4H5M6S", ["-", "interval = '{}'", "-", "-"]),
    ("network", "10.0.0.0/8", ["-", "cidr = '{}'", "-", "-"]),
    ("one of a list", "nej å", ["-", "-", "enum('ja','nej å') = '{}'", "-"]),
    ("some of a list", "a,c", ["-", "-", "set('a','b','c') = '{}'", "-"]),
    ("year", "2024", ["-", "-", "year = 2024", "-"]),
    (
        "UTF-8 in Latin-1",
        "Ã¥",
        ["-", "-", "varchar(9) character set latin1 = CONVERT(CAST('å' AS BINARY) USING latin1)", "-"],
    ),
    ("code page of DOS", "Åäö", ["-", "-", "varchar(9) character set cp850 = '{}'", "-"]),
];

/// Texts that differ by connector, with the reason: the connector, what is special, and the text.
const OTHERWISE: [(&str, &str, &str); 7] = [
    // SQLite keeps a text as it was written, whatever is declared.
    ("sqlite", "padded", "ab"),
    ("sqlite3odbc", "padded", "ab"),
    // The driver gives 15 digits.
    ("sqlite3odbc", "double", "0.3"),
    // The server cuts the blanks off.
    ("mysql", "padded", "ab"),
    ("maodbc", "padded", "ab"),
    // Identifiers are written as their own system writes them, so that they are found there.
    ("mssql", "identifier", "6F9619FF-8B86-D011-B42D-00C04FC964FF"),
    ("freetds", "identifier", "6F9619FF-8B86-D011-B42D-00C04FC964FF"),
];

/// All of them, with the long ones, which are made.
fn specials() -> Vec<Special> {
    let long = |what, text: String| -> Special {
        (what, text.leak(), ["text = '{}'", "text = '{}'", "longtext = '{}'", "nvarchar(max) = N'{}'"])
    };
    let declared: Special = (
        "8,000 characters, declared",
        "ö".repeat(8000).leak(),
        ["varchar(10) = '{}'", "varchar(8000) = '{}'", "varchar(8000) = '{}'", "varchar(8000) = '{}'"],
    );
    let digits = "00ff27".repeat(40_000).leak();
    let [sqlite, postgres, maria] =
        ["blob = x'", "bytea = '\\x", "longblob = x'"].map(|literal| format!("{literal}{digits}'").leak());
    let sql_server = format!("varbinary(max) = 0x{digits}").leak();
    let bytes: Special =
        ("120,000 bytes", format!("0x{digits}").leak(), [sqlite, postgres, maria, sql_server]);
    let mut specials = [&TEXTS[..], &NUMBERS, &MOMENTS, &OTHERS].concat();
    specials.push(long("8,001 characters", "å".repeat(8001)));
    specials.push(long("100,000 characters", "ö😀".repeat(50_000)));
    specials.extend([declared, bytes]);
    specials
}

/// What is special about a value, its text, its type and its literal.
type There = (&'static str, &'static str, &'static str, String);

/// The values that a kind of database has.
fn of(kind: Kind) -> Vec<There> {
    let place = match kind {
        Kind::Sqlite => 0,
        Kind::Postgres => 1,
        Kind::MariaDb => 2,
        Kind::SqlServer => 3,
    };
    let there = |(what, text, forms): Special| {
        let (declared, literal) = forms[place].split_once(" = ")?;
        Some((what, text, declared, literal.replace("{}", text)))
    };
    specials().into_iter().filter_map(there).collect()
}

/// The columns of the table of these values.
fn columns(values: &[There]) -> String {
    let column = |(at, (_, _, declared, _)): (usize, &There)| format!("c{at} {declared} NULL");
    let columns: Vec<String> = values.iter().enumerate().map(column).collect();
    format!("(id int NOT NULL PRIMARY KEY, {})", columns.join(", "))
}

/// The statements that put a row of the values and a row of NULLs into a table.
fn rows(name: &str, values: &[There]) -> [String; 2] {
    let literals: Vec<&str> = values.iter().map(|(.., literal)| literal.as_str()).collect();
    let nulls = vec!["NULL"; literals.len()];
    [(1, literals), (2, nulls)]
        .map(|(id, row)| format!("INSERT INTO {name} VALUES ({id}, {})", row.join(", ")))
}

/// The statements that make and fill the table `t`.
fn statements(kind: Kind) -> Vec<String> {
    let values = of(kind);
    let create = format!("CREATE TABLE t {}", columns(&values));
    [create].into_iter().chain(rows("t", &values)).collect()
}

/// What travels, bytes as digits.
fn shown(cells: &Cells<'_>, row: usize) -> Option<String> {
    match cells.value(row) {
        Some(Value::Bytes(bytes)) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            Some(format!("0x{digits}"))
        }
        other => {
            assert!(matches!(other, None | Some(Value::Text(_))), "nothing else travels");
            cells.text(row).map(str::to_owned)
        }
    }
}

/// Reads the table `t` through a connector and compares it with what everybody gives.
fn check(connector: &str, kind: Kind, locator: &str, password: Option<&str>) {
    let password = password.map(|password| password.to_owned().into());
    let access = Access { password, ..Access::new(Locator::parse(locator).unwrap()) };
    check_table(connector, access.open(None).unwrap().as_mut(), "t", &of(kind));
}

fn check_table(connector: &str, source: &mut dyn Source, name: &str, values: &[There]) {
    let found = read(source, name, 10).unwrap();
    assert_eq!((found.ledger.staged, found.unreadable.len()), (2, 0), "{connector}: {:?}", found.unreadable);
    let batch = &found.batches[0];
    let mut wrong = Vec::new();
    for (at, (what, text, ..)) in values.iter().enumerate() {
        let otherwise = OTHERWISE.iter().find(|(by, of, _)| *by == connector && of == what);
        let expected = otherwise.map_or(*text, |(_, _, text)| *text);
        assert!(otherwise.is_none() || expected != *text, "{connector}: {what} needs no exception");
        let cells = batch.cells(at + 1);
        let found = [shown(&cells, 0), shown(&cells, 1)];
        if found != [Some(expected.to_owned()), None] {
            let found = found.map(|text| text.map(|text| text.chars().take(60).collect::<String>()));
            wrong.push(format!("{what}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{connector} gives otherwise:\n{}", wrong.join("\n"));
}

#[test]
fn every_exception_is_about_a_value_that_there_is() {
    let connectors = ["sqlite", "sqlite3odbc", "postgres", "psqlodbc", "mysql", "maodbc", "mssql", "freetds"];
    for (connector, what, _) in OTHERWISE {
        assert!(connectors.contains(&connector), "{connector}");
        assert!(specials().iter().any(|special| special.0 == what), "{what}");
    }
}

#[test]
fn values_from_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("legacy.db");
    let mut connection = writer(&path);
    execute(&mut connection, &statements(Kind::Sqlite).join("; "));
    runtime().unwrap().block_on(connection.close()).unwrap();
    let path: &Path = &path;
    check("sqlite", Kind::Sqlite, &format!("sqlite:{}", path.display()), None);
    check("sqlite3odbc", Kind::Sqlite, &format!("odbc:Driver=SQLite3;Database={}", path.display()), None);
}

#[test]
fn values_from_postgres() {
    let server = PostgresServer::start().unwrap();
    runtime().unwrap().block_on(async {
        let mut connection = PgConnection::connect(&server.url()).await.unwrap();
        let mut all = statements(Kind::Postgres);
        all.push("CREATE TABLE utan_siffror (id int PRIMARY KEY, v double precision)".to_owned());
        let values = "(1, 0), (2, 'NaN'), (3, 'Infinity'), (4, '-Infinity'), (5, NULL)";
        all.push(format!("INSERT INTO utan_siffror VALUES {values}"));
        let statements = AssertSqlSafe(all.join("; "));
        sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
    });
    check("postgres", Kind::Postgres, &server.url(), None);
    let text = format!("odbc:{}", server.odbc("bron", "postgres"));
    check("psqlodbc", Kind::Postgres, &text, None);
    for locator in [&server.url(), &text] {
        what_no_digits_say_is_kept_aside(locator);
    }
}

/// An approximate number that is none takes its row out, and no other.
fn what_no_digits_say_is_kept_aside(locator: &str) {
    let mut source = Access::new(Locator::parse(locator).unwrap()).open(None).unwrap();
    let found = read(source.as_mut(), "utan_siffror", 10).unwrap();
    let columns: Vec<_> = found.unreadable.iter().map(|row| (row.line, row.column.as_deref())).collect();
    assert_eq!(columns, [(2, Some("v")), (3, Some("v")), (4, Some("v"))], "{locator}");
    assert_eq!(found.texts(0), [Some("1".to_owned()), Some("5".to_owned())], "{locator}");
}

#[test]
fn values_from_mariadb() {
    let server = MariaDbServer::start().unwrap();
    let port = server.port();
    runtime().unwrap().block_on(async {
        let address = format!("mysql://bron:bron@127.0.0.1:{port}/bron");
        let mut connection = MySqlConnection::connect(&address).await.unwrap();
        let mut all = vec!["SET sql_mode = 'NO_BACKSLASH_ESCAPES', time_zone = '+00:00'".to_owned()];
        all.extend(statements(Kind::MariaDb));
        for statement in all {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        }
    });
    check("mysql", Kind::MariaDb, &format!("mysql://bron@127.0.0.1:{port}/bron"), Some("bron"));
    check("maodbc", Kind::MariaDb, &format!("odbc:{}", server.odbc("bron", "bron")), Some("bron"));
}

#[test]
fn values_from_sql_server() {
    let mut builder = Server::builder();
    for statement in statements(Kind::SqlServer) {
        builder = builder.script(&statement);
    }
    let server = builder.start().unwrap();
    let port = server.addr().port();
    check("mssql", Kind::SqlServer, &format!("mssql://bron@127.0.0.1:{port}/Paraply"), Some("bron"));
    check("freetds", Kind::SqlServer, &format!("odbc:{}", server.odbc("bron", "Paraply")), Some("bron"));
}

#[test]
fn values_from_any_sql_server() {
    bench::each(|bench| {
        let mut values = of(Kind::SqlServer);
        // A real server takes no version of a row from anybody.
        values.retain(|(_, _, declared, _)| *declared != "rowversion");
        let name = bench.create(&columns(&values));
        rows(&name, &values).iter().for_each(|statement| bench.run(statement));
        check_table("mssql", &mut bench.open(), &name, &values);
    });
}

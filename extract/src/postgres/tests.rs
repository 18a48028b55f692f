//! Against a private server.

mod faults;
mod transfers;

use bron_mappings::{Cells, ColumnType, Value};
use bron_servers::PostgresServer;

use super::*;
use crate::access::Locator;
use crate::error::ErrorKind;
use crate::source::reading::{expect_typed_rows, read, table, typed_table};

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Somebody else who works in the database.
struct Writer {
    runtime: Runtime,
    connection: PgConnection,
}

impl Writer {
    fn new(server: &PostgresServer) -> Self {
        let runtime = runtime();
        let connection = runtime.block_on(PgConnection::connect(&server.url())).unwrap();
        Self { runtime, connection }
    }

    fn execute(&mut self, statements: &str) {
        let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
        self.runtime.block_on(statements.execute(&mut self.connection)).unwrap();
    }
}

fn access(server: &PostgresServer, user: &str) -> Access {
    let address = format!("postgres://{user}@127.0.0.1:{}/postgres", server.port());
    Access::new(Locator::parse(&address).unwrap())
}

fn open(access: &Access) -> Result<PostgresSource, Error> {
    let Locator::Postgres(address) = &access.locator else { panic!("not a server") };
    PostgresSource::open(access, address)
}

/// A server with these tables, its source, and somebody who writes.
fn server(statements: &str) -> (PostgresServer, PostgresSource, Writer) {
    let server = PostgresServer::start().unwrap();
    let mut writer = Writer::new(&server);
    writer.execute(statements);
    let source = open(&access(&server, "bron")).unwrap();
    (server, source, writer)
}

#[test]
fn tables_views_columns_and_keys_are_described() {
    let (_server, mut source, _) = server(
        "CREATE TABLE person (id int, \"förnamn å\" varchar(20), bild bytea, del numeric(19,4), \
                              PRIMARY KEY (\"förnamn å\", id));
         CREATE VIEW aldre AS SELECT id FROM person; CREATE SCHEMA annat; CREATE TABLE annat.x (y int)",
    );
    let tables = source.tables().unwrap();
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["aldre", "person"]);
    assert_eq!(tables[1].key_unique, ["förnamn å", "id"]);
    let columns: Vec<_> = tables[1]
        .columns
        .iter()
        .map(|one| (one.name.as_str(), one.declared_type.as_str(), one.kind))
        .collect();
    assert_eq!(columns[1], ("förnamn å", "character varying(20)", ColumnType::Text));
    assert_eq!(columns[2], ("bild", "bytea", ColumnType::Bytes));
    assert_eq!(columns[3], ("del", "numeric(19,4)", ColumnType::Text));
    assert!(tables[0].key_unique.is_empty());
}

#[test]
fn every_type_has_its_text() {
    let cases = [
        ("smallint", "-3", "-3"),
        ("bigint", "9223372036854775807", "9223372036854775807"),
        ("numeric(19,4)", "12.5", "12.5000"),
        (
            "numeric",
            "'12345678901234567890123456789012345678.10'",
            "12345678901234567890123456789012345678.10",
        ),
        ("money", "12.5", "12.50"),
        ("boolean", "true", "1"),
        ("real", "0.1", "0.1"),
        ("double precision", "1e-7", "0.0000001"),
        ("double precision", "1e21", "1000000000000000000000"),
        ("date", "'0001-01-01'", "0001-01-01"),
        ("date", "'9999-12-31'", "9999-12-31"),
        ("time", "'07:05:00.250'", "07:05:00.25"),
        ("timestamp", "'2024-03-31 02:30:00'", "2024-03-31 02:30:00"),
        ("timestamp(3)", "'9999-12-31 23:59:59.997'", "9999-12-31 23:59:59.997"),
        ("timestamptz", "'2024-03-31 03:30:00+02'", "2024-03-31 01:30:00 +00:00"),
        ("uuid", "'6F9619FF-8B86-D011-B42D-00CF4FC964FF'", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
        ("char(4)", "'å'", "å   "),
        ("text", "E'rad ett\\nrad två\\t\\\\N'", "rad ett\nrad två\t\\N"),
        ("varchar", "'😀'", "😀"),
        ("jsonb", "'{\"a\": 1}'", "{\"a\": 1}"),
    ];
    let (_server, mut source, _) = server(&typed_table(&cases).join("; "));
    expect_typed_rows(&read(&mut source, "t", 10).unwrap(), &cases);
}

#[test]
fn bytes_stay_bytes_and_long_texts_whole() {
    let (_server, mut source, _) = server(
        "CREATE TABLE t (id int PRIMARY KEY, b bytea, s text);
         INSERT INTO t VALUES (1, '\\x0007ff', repeat('åäö', 100000)), (2, '', ''), (3, NULL, NULL)",
    );
    let found = read(&mut source, "t", 2).unwrap();
    let cells = found.batches.iter().map(|batch| batch.cells(1));
    let value = |cells: &Cells<'_>, row| match cells.value(row) {
        Some(Value::Bytes(bytes)) => Some(bytes.to_vec()),
        other => {
            assert_eq!(other, None);
            None
        }
    };
    let bytes: Vec<Option<Vec<u8>>> =
        cells.flat_map(|cells| (0..cells.len()).map(|row| value(&cells, row)).collect::<Vec<_>>()).collect();
    assert_eq!(bytes, [Some(vec![0, 7, 255]), Some(Vec::new()), None]);
    let texts = found.texts(2);
    assert_eq!(texts[0].as_ref().unwrap().chars().count(), 300_000);
    assert_eq!(texts[1..], [Some(String::new()), None]);
}

#[test]
fn rows_come_in_the_order_of_the_key_by_bytes() {
    let (_server, mut source, _) =
        server("CREATE TABLE t (k text PRIMARY KEY); INSERT INTO t VALUES ('ö'), ('b'), ('Z'), ('a'), ('å')");
    let found = read(&mut source, "t", 2).unwrap();
    let found: Vec<String> = found.texts(0).into_iter().flatten().collect();
    assert_eq!(found, ["Z", "a", "b", "å", "ö"]);
}

#[test]
fn the_fingerprint_moves_with_every_write_and_only_then() {
    let (_server, mut source, mut writer) = server("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
    let first = source.fingerprint().unwrap();
    assert_eq!(source.fingerprint().unwrap(), first);
    writer.execute("UPDATE t SET id = 2");
    let second = source.fingerprint().unwrap();
    assert_ne!(second, first);
    writer.execute("BEGIN; UPDATE t SET id = 3; ROLLBACK");
    assert_ne!(source.fingerprint().unwrap(), second, "what may have written counts as having written");
}

#[test]
fn refusals_have_a_kind_and_no_value() {
    let (server, mut source, mut writer) = server(
        "CREATE TABLE t (id int PRIMARY KEY, s text); INSERT INTO t VALUES (1, 'hemligt');
         CREATE VIEW v AS SELECT s::int FROM t; CREATE TABLE gone (x int);
         CREATE ROLE other LOGIN; CREATE TABLE closed (x int)",
    );
    let error = read(&mut source, "v", 10).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Database);
    assert!(error.to_string().contains("22P02") && !format!("{error:?}").contains("hemligt"), "{error:?}");

    // A refused statement ends the transaction, and with it the one moment.
    source.begin().unwrap();
    let gone = table(&mut source, "gone");
    source.begin().unwrap();
    writer.execute("DROP TABLE gone");
    source.begin().unwrap();
    assert_eq!(source.read(&gone, 10).err().unwrap().kind(), ErrorKind::Drift);

    let mut other = open(&access(&server, "other")).unwrap();
    let error = read(&mut other, "closed", 10).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission, "{error}");
    assert_eq!(open(&access(&server, "nobody")).err().unwrap().kind(), ErrorKind::Permission);
    drop(server);
    assert!(open(&access_to_nothing()).err().unwrap().is_retryable());
}

fn access_to_nothing() -> Access {
    Access::new(Locator::parse("postgres://bron@127.0.0.1:1/postgres").unwrap())
}

#[test]
fn locks_and_long_statements_end_in_time() {
    let (server, _, mut writer) =
        server("CREATE TABLE t (id int); CREATE VIEW slow AS SELECT pg_sleep(5)::text AS s");
    let mut access = access(&server, "bron");
    access.manners.lock_timeout = Duration::from_millis(50);
    access.manners.statement_timeout = Some(Duration::from_millis(200));
    let mut source = open(&access).unwrap();
    let error = read(&mut source, "slow", 10).unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Busy, true), "{error}");
    let mut source = open(&access).unwrap();
    let locked = table(&mut source, "t");
    source.begin().unwrap();
    writer.execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
    let error = source.read(&locked, 10).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
}

#[test]
fn a_connection_that_breaks_is_an_error_that_may_be_tried_again() {
    let (_server, mut source, mut writer) = server(
        "CREATE TABLE t (id int PRIMARY KEY, s text);
         INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series(1, 50000) g",
    );
    let big = table(&mut source, "t");
    let mut reader = source.read(&big, 100).unwrap();
    reader.next().unwrap().unwrap();
    writer.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bron'");
    let error = reader.find_map(Result::err).map(Error::from_reader).expect("the table did not come whole");
    assert!(error.is_retryable(), "{error}");
    assert!(reader.next().is_none());
}

//! Against a private server.

mod faults;
mod transfers;

use bron_mappings::{Cells, ColumnType, Value};
use bron_servers::PostgresServer;

use super::*;
use crate::access::Locator;
use crate::error::ErrorKind;
use crate::source::tests::reading::{expect_typed_rows, read, table, typed_table};
use crate::stage::tests::resuming;

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
    let letters = source.character_sets(&tables[1]).unwrap();
    assert_eq!(letters.into_iter().collect::<Vec<_>>(), [("förnamn å".to_owned(), "UTF8".to_owned())]);
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

#[test]
fn reading_goes_on_behind_every_part_with_any_number_of_connections() {
    let (server, _source, _) = server(
        "CREATE TABLE t (id int PRIMARY KEY, s text);
         INSERT INTO t SELECT n * 7 - 900, 'rad ' || n FROM generate_series(1, 500) n;
         CREATE TABLE k (nr smallint, namn char(8), vid timestamptz, PRIMARY KEY (nr, namn, vid));
         INSERT INTO k SELECT n % 5, chr(100 - n % 3), '2024-03-31 00:30+00'::timestamptz + n * interval '0.25 s'
            FROM generate_series(1, 100) n",
    );
    let access = access(&server, "bron");
    let open = || -> Box<dyn Source + Send> { Box::new(open(&access).unwrap()) };
    resuming::check(&open, "t", "", 60, 3);
    resuming::check(&open, "t", "id", 60, 2);
    resuming::check(&open, "k", "", 11, 3);
    resuming::check(&open, "k", "vid", 11, 2);
}

#[test]
fn keys_of_any_type_are_found_again() {
    let keys = [
        ("text", "'a'|'A'|'a '|''|'o''å'|'b\\'|'å'|E'a\\t'"),
        ("varchar(9) COLLATE \"sv-x-icu\"", "'a'|'A'|'a '|'Z'|'å'|'ä'|'ö'|'v'|'w'"),
        ("char(3)", "'a'|'A'|'ab'|'abc'|E'a\\t'|'Å'"),
        ("numeric(38,2)", "-1.5|0|0.01|123456789012345678901234567890123456.78|'NaN'"),
        ("bigint", "-9223372036854775808|9223372036854775807|0|-1"),
        ("float8", "0.1|0.30000000000000004|-1e21|'NaN'|'Infinity'"),
        (
            "uuid",
            "'6f9619ff-8b86-d011-b42d-00c04fc964ff'|'00000000-0000-0000-0000-000000000000'|\
                  'ffffffff-8b86-d011-b42d-00c04fc964ff'",
        ),
        ("bytea", "'\\x'|'\\x00'|'\\xff'|'\\x00ff'"),
        ("date", "'-infinity'|'4713-01-01 BC'|'0001-01-01'|'9999-12-31'|'infinity'"),
        ("timestamp(3)", "'2024-01-31 08:00:00.125'|'2024-01-31 08:00:00'|'infinity'"),
        ("timestamptz", "'2024-03-31 01:30+00'|'2024-03-31 01:30:00.5+00'|'-infinity'"),
        ("interval", "'1 mon'|'40 days'|'-1 s'"),
        ("int[]", "'{1,2}'|'{}'|'{1}'|'{10}'"),
        ("farg", "'röd'|'blå'|'grön'"),
    ];
    let tables = keys.iter().enumerate().map(|(at, (kind, values))| {
        let rows: Vec<String> = values.split('|').map(|value| format!("({value}, 1)")).collect();
        let rows = rows.join(", ");
        format!("CREATE TABLE k{at} (k {kind} PRIMARY KEY, v int); INSERT INTO k{at} VALUES {rows};")
    });
    let tables = tables.collect::<String>();
    let (server, _source, _) = server(&format!("CREATE TYPE farg AS ENUM ('röd', 'blå', 'grön'); {tables}"));
    let access = access(&server, "bron");
    let open = || -> Box<dyn Source + Send> { Box::new(open(&access).unwrap()) };
    for at in 0..keys.len() {
        // Every second one is read for its key alone.
        resuming::check(&open, &format!("k{at}"), if at % 2 == 0 { "k" } else { "v" }, 1, 1);
    }
}

#[test]
fn a_span_is_what_lies_between_its_marks() {
    let (server, mut source, _) = server(
        "CREATE TABLE t (id int PRIMARY KEY, s text);
         INSERT INTO t SELECT n, 'rad' FROM generate_series(1, 100) n",
    );
    // What is left in the middle of its rows is not asked anything else.
    let mut left = open(&access(&server, "bron")).unwrap();
    let t = TableSchema { rows_estimate: 100, ..table(&mut source, "t") };
    let mut reader = left.read_span(&t, &Span::default(), Batching::of(40)).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().rows(), 40);
    let after = reader.mark();
    drop(reader);
    let marks = source.ranges(&t, after.as_ref(), 20).unwrap();
    assert_eq!(marks, [52, 64, 76, 88].map(Mark::behind_whole));
    let span = Span { after, up_to: marks.first().cloned(), ..Span::default() };
    let rows = source.read_span(&t, &span, Batching::of(1000)).unwrap();
    assert_eq!(rows.map(|batch| batch.unwrap().rows()).sum::<usize>(), 12);
}

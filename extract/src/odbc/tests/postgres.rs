//! PostgreSQL's driver.

use bron_servers::PostgresServer;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use super::*;

pub(super) fn work(server: &PostgresServer, statements: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect(&server.url()).await.unwrap();
        connection.execute(sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))).await.unwrap();
    });
}

/// A server with these tables, and its source.
fn server(statements: &str) -> (PostgresServer, OdbcSource) {
    let server = PostgresServer::start().unwrap();
    work(&server, statements);
    let source = open(&access(&server.odbc("bron", "postgres"), None)).unwrap();
    (server, source)
}

#[test]
fn the_contract_holds() {
    let (_server, mut source) = server(
        "CREATE TABLE t (id int PRIMARY KEY, \"blank \"\"citat\"\" å\" varchar(20), lang text, data bytea);
         INSERT INTO t VALUES (3, NULL, NULL, NULL), (0, NULL, NULL, NULL), (2, '', '', ''),
            (1, 'Åsa 😀 – ö', repeat('ö😀', 9000), decode(repeat('00ff27', 4000), 'hex'));
         CREATE TABLE utan (a text, b int); INSERT INTO utan VALUES ('b', 1), ('a', 2), (NULL, 3), ('', 4);
         CREATE TABLE tom (x int); CREATE TABLE \"Å tabell\" (x int); INSERT INTO \"Å tabell\" VALUES (1);
         CREATE TABLE manga (id int PRIMARY KEY, s text);
         INSERT INTO manga SELECT n, CASE n WHEN 4321 THEN repeat('å', 20000) ELSE 'kort' END
            FROM generate_series(1, 5000) n;
         CREATE SCHEMA annat; CREATE TABLE annat.t (x int)",
    );
    assert!(source.driver_file.ends_with("psqlodbcw.so"));
    let point = Consistency::Point { how: "repeatable read transaction", at: String::new() };
    assert_eq!(source.consistency(), point);
    check_contract(&mut source);
}

#[test]
fn every_type_has_its_text() {
    let cases = [
        ("smallint", "-3", "-3"),
        ("bigint", "9223372036854775807", "9223372036854775807"),
        ("numeric(38,10)", "-1234567890123456789012345678.5", "-1234567890123456789012345678.5000000000"),
        ("numeric(10,2)", "0.5", "0.50"),
        ("numeric", "1.5", "1.5"),
        ("money", "90071992547409.93", "90071992547409.93"),
        ("boolean", "true", "1"),
        ("real", "0.1", "0.1"),
        ("real", "1.2345678", "1.2345678"),
        ("double precision", "1e-7", "0.0000001"),
        ("double precision", "0.30000000000000004", "0.30000000000000004"),
        ("date", "'0001-01-01'", "0001-01-01"),
        ("date", "'9999-12-31'", "9999-12-31"),
        ("time", "'07:05:00.250'", "07:05:00.25"),
        ("timestamp", "'2024-03-31 02:30:00'", "2024-03-31 02:30:00"),
        ("timestamp", "'9999-12-31 23:59:59.999999'", "9999-12-31 23:59:59.999999"),
        ("timestamptz", "'2024-03-31 03:30:00+02'", "2024-03-31 01:30:00 +00:00"),
        ("uuid", "'6F9619FF-8B86-D011-B42D-00CF4FC964FF'", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
        ("char(4)", "'å'", "å   "),
        ("text", "E'rad ett\\nrad två\\t\\\\N'", "rad ett\nrad två\t\\N"),
        ("varchar(8000)", "repeat('😀', 8000)", &"😀".repeat(8_000)),
        // No row can be put into an order by this one.
        ("json", "'{\"a\": 1}'", "{\"a\": 1}"),
    ];
    let cases = cases.map(|(declared, value, text)| (declared, value, &*text.to_owned().leak()));
    let (_server, mut source) = server(&typed_table(&cases).join("; "));
    check_typed_table(&mut source, &cases);
}

#[test]
fn refusals_have_a_kind_and_no_value() {
    let (server, mut source) = server(
        "CREATE TABLE t (id int PRIMARY KEY, s text); INSERT INTO t VALUES (1, 'hemligt');
         CREATE VIEW v AS SELECT s::int FROM t; CREATE TABLE gone (x int);
         CREATE ROLE other LOGIN PASSWORD 'ratt'; CREATE TABLE closed (x int)",
    );
    let broken = table(&mut source, "v");
    let error = read_table(&mut source, &broken, 1).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Database, "{error}");
    assert!(!format!("{error:?}").contains("hemligt"), "{error:?}");
    let gone = table(&mut source, "gone");
    source.connection().rollback().unwrap();
    work(&server, "DROP TABLE gone");
    assert_eq!(read_table(&mut source, &gone, 1).err().unwrap().kind(), ErrorKind::Drift);
    let mut other = open(&access(&server.odbc("other", "postgres"), None)).unwrap();
    let closed = table(&mut other, "closed");
    assert_eq!(read_table(&mut other, &closed, 1).err().unwrap().kind(), ErrorKind::Permission);
}

#[test]
fn a_wrong_password_is_refused_and_not_repeated() {
    let (server, _) = server("CREATE ROLE other LOGIN PASSWORD 'x;y}z={å'");
    let rule = "host all other 127.0.0.1/32 scram-sha-256";
    let write = format!("EXECUTE format('COPY (SELECT %L) TO %L', '{rule}', current_setting('hba_file'))");
    work(&server, &format!("DO $do$ BEGIN {write}; END $do$"));
    work(&server, "SELECT pg_reload_conf(); SELECT pg_sleep(0.2)");
    let error = open(&access(&server.odbc("other", "postgres"), Some("gissning"))).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Permission, "{error}");
    assert!(!format!("{error:?}").contains("gissning"), "{error:?}");
    assert!(open(&access(&server.odbc("other", "postgres"), Some("x;y}z={å"))).is_ok());
}

#[test]
fn one_moment_for_every_table_without_a_write() {
    let (server, mut source) =
        server("CREATE TABLE a (v int); CREATE TABLE b (v int); INSERT INTO a VALUES (1)");
    source.fingerprint().unwrap();
    work(&server, "INSERT INTO a VALUES (2); INSERT INTO b VALUES (1)");
    assert_eq!(read(&mut source, "a").ledger.staged, 1);
    assert_eq!(read(&mut source, "b").ledger.staged, 0);
    source.fingerprint().unwrap();
    assert_eq!(read(&mut source, "a").ledger.staged, 2);
    assert!(source.execute("INSERT INTO a VALUES (3)").is_err(), "the session reads only");
}

#[test]
fn a_connection_that_breaks_may_be_tried_again() {
    let (server, mut source) = server(
        "CREATE TABLE t (id int PRIMARY KEY, s varchar(1000));
         INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series(1, 60000) g",
    );
    let big = table(&mut source, "t");
    let mut reader = source.read(&big, 100).unwrap();
    reader.next().unwrap().unwrap();
    work(&server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()");
    let error =
        reader.by_ref().find_map(Result::err).map(Error::from_reader).expect("the table did not come whole");
    assert!(error.is_retryable(), "{error}");
    assert!(reader.next().is_none());
}

#[test]
fn locks_and_long_statements_end_in_time() {
    let (server, _) = server("CREATE TABLE t (id int); CREATE VIEW slow AS SELECT pg_sleep(5)::text AS s");
    let mut access = access(&server.odbc("bron", "postgres"), None);
    access.manners.statement_timeout = Some(Duration::from_millis(200));
    access.manners.lock_timeout = Duration::from_millis(50);
    let mut source = open(&access).unwrap();
    let slow = table(&mut source, "slow");
    let error = read_table(&mut source, &slow, 1).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
}

#[test]
fn texts_in_a_key_are_ordered_by_their_bytes() {
    let (_server, mut source) = server(
        "CREATE TABLE ordnad (k varchar(9) COLLATE \"und-x-icu\" PRIMARY KEY);
         INSERT INTO ordnad VALUES ('ö'), ('b'), ('Z'), ('a'), ('å')",
    );
    check_order(&mut source);
}

#[test]
fn a_table_that_was_written_anew_is_not_taken_for_an_empty_one() {
    let (server, mut source) = server(
        "CREATE TABLE \"t å\" (id int PRIMARY KEY); INSERT INTO \"t å\" VALUES (1), (2);
         CREATE VIEW v AS SELECT id FROM \"t å\"",
    );
    let [t, v] = ["t å", "v"].map(|name| table(&mut source, name));
    let point = source.fingerprint().unwrap();
    work(&server, "ALTER TABLE \"t å\" ADD COLUMN x double precision DEFAULT random()");
    for gone in [&t, &v] {
        let error = source.read(gone, 10).err().unwrap();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Outdated, true), "{error}");
        assert!(error.to_string().contains(&format!("table {}", gone.name)), "{error}");
    }
    assert_ne!(source.resume().unwrap(), point);
    assert_eq!(read(&mut source, "v").ledger.staged, 2);
}

#[test]
fn a_broken_connection_is_made_anew() {
    let (server, mut source) = server("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
    source.fingerprint().unwrap();
    let t = table(&mut source, "t");
    work(&server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()");
    let error = read_table(&mut source, &t, 10).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    source.resume().unwrap();
    assert_eq!(read(&mut source, "t").ledger.staged, 1);
}

#[test]
fn a_table_that_is_gone_or_closed_is_told() {
    let (server, mut source) = server("CREATE TABLE gone (id int); CREATE TABLE closed (id int)");
    let [gone, closed] = ["gone", "closed"].map(|name| table(&mut source, name));
    work(&server, "DROP TABLE gone; CREATE ROLE other LOGIN");
    let mut source = open(&access(&server.odbc("other", "postgres"), None)).unwrap();
    for (table, kind) in [(&gone, ErrorKind::Drift), (&closed, ErrorKind::Permission)] {
        source.fingerprint().unwrap();
        let error = source.read(table, 10).err().unwrap();
        assert_eq!((error.kind(), error.is_retryable()), (kind, false), "{error}");
    }
}

#[test]
fn reading_goes_on_behind_every_part() {
    let (server, _source) = server(
        "CREATE TABLE t (id int PRIMARY KEY, s text);
         INSERT INTO t SELECT n * 3, 'rad ' || n FROM generate_series(1, 500) n;
         CREATE TABLE k (namn varchar(20), dag date, nr numeric(10,2), PRIMARY KEY (namn, dag, nr));
         INSERT INTO k VALUES ('a', '2024-01-31', 1.5), ('A', '2024-01-31', 1.5), ('a', '2024-01-31', 10),
            ('a ', '0001-01-01', 0), ('o''å\\', '2024-01-31', -1.5), ('', '9999-12-31', 0), ('Ä', '2024-01-31', 0),
            ('a', '2024-02-29', 1)",
    );
    let at = server.odbc("bron", "postgres");
    let open = || -> Box<dyn Source + Send> { Box::new(open(&access(&at, None)).unwrap()) };
    resuming::check(&open, "t", "id", 120, 1);
    resuming::check(&open, "k", "", 2, 1);
    resuming::check(&open, "k", "dag", 1, 1);
}

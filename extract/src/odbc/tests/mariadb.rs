//! MariaDB's driver.

use bron_servers::MariaDbServer;

use super::*;

/// A server with these tables in its database, and its source.
fn server(statements: &str) -> (MariaDbServer, OdbcSource) {
    let server = MariaDbServer::start().unwrap();
    server.execute(&format!("USE bron; {statements}")).unwrap();
    let source = open(&access(&server.odbc("bron", "bron"), Some("bron"))).unwrap();
    (server, source)
}

#[test]
fn the_contract_holds() {
    let (_server, mut source) = server(
        "CREATE TABLE t (id int PRIMARY KEY, `blank \"citat\" å` varchar(20), lang longtext, data longblob);
         INSERT INTO t VALUES (3, NULL, NULL, NULL), (0, NULL, NULL, NULL), (2, '', '', ''),
            (1, 'Åsa 😀 – ö', repeat('ö😀', 9000), repeat(x'00ff27', 4000));
         CREATE TABLE utan (a text, b int); INSERT INTO utan VALUES ('b', 1), ('a', 2), (NULL, 3), ('', 4);
         CREATE TABLE tom (x int); CREATE TABLE `Å tabell` (x int); INSERT INTO `Å tabell` VALUES (1);
         CREATE TABLE manga (id int PRIMARY KEY, s text);
         INSERT INTO manga SELECT seq, if(seq = 4321, repeat('å', 20000), 'kort') FROM seq_1_to_5000;
         CREATE DATABASE annan; CREATE TABLE annan.t (x int);",
    );
    assert!(source.driver_file.ends_with("libmaodbc.so"));
    assert_eq!(source.consistency(), Consistency::Point { how: "consistent snapshot", at: String::new() });
    check_contract(&mut source);
}

#[test]
fn every_type_has_its_text() {
    let cases = [
        ("smallint", "-3", "-3"),
        ("bigint unsigned", "18446744073709551615", "18446744073709551615"),
        ("decimal(38,10)", "-1234567890123456789012345678.5", "-1234567890123456789012345678.5000000000"),
        ("decimal(10,2)", "0.5", "0.50"),
        ("bit(1)", "b'1'", "1"),
        ("boolean", "true", "1"),
        ("float", "0.1", "0.1"),
        ("float", "1.2345678", "1.2345678"),
        ("float", "16777215", "16777215"),
        ("double", "1e-7", "0.0000001"),
        ("double", "1e21", "1000000000000000000000"),
        ("double", "0.30000000000000004", "0.30000000000000004"),
        ("date", "'0001-01-01'", "0001-01-01"),
        ("date", "'9999-12-31'", "9999-12-31"),
        ("time(3)", "'07:05:00.250'", "07:05:00.25"),
        ("datetime", "'2024-03-31 02:30:00'", "2024-03-31 02:30:00"),
        ("datetime(6)", "'9999-12-31 23:59:59.999999'", "9999-12-31 23:59:59.999999"),
        ("datetime(6)", "'0001-01-01 00:00:00'", "0001-01-01 00:00:00"),
        ("year", "2024", "2024"),
        ("char(4)", "'å'", "å"),
        ("enum('ja','nej')", "'nej'", "nej"),
        ("tinytext", "'rad ett\\nrad två\\t'", "rad ett\nrad två\t"),
        ("varchar(8000)", "repeat('😀', 8000)", &"😀".repeat(8_000)),
    ];
    let cases = cases.map(|(declared, value, text)| (declared, value, &*text.to_owned().leak()));
    let (_server, mut source) = server(&typed_table(&cases).join("; "));
    check_typed_table(&mut source, &cases);
}

#[test]
fn refusals_have_a_kind() {
    let (server, mut source) = server("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE gone (x int)");
    let error = open(&access(&server.odbc("bron", "bron"), Some("fel"))).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Permission, "{error}");
    assert!(!format!("{error:?}").contains("fel\""), "{error:?}");
    let gone = table(&mut source, "gone");
    source.connection().rollback().unwrap();
    server.execute("DROP TABLE bron.gone").unwrap();
    assert_eq!(read_table(&mut source, &gone, 1).err().unwrap().kind(), ErrorKind::Drift);
    let error = open(&access(&server.odbc("bron", "ingen"), Some("bron"))).err().unwrap();
    assert!(matches!(error.kind(), ErrorKind::Missing | ErrorKind::Permission), "{error}");
    drop(server);
    let nobody = MariaDbServer::odbc_at(1, "bron", "bron");
    let error = open(&access(&nobody, Some("bron"))).err().unwrap();
    assert!(error.is_retryable(), "{error}");
}

#[test]
fn a_password_of_any_characters_comes_through() {
    let (server, _) = server("CREATE TABLE t (id int)");
    server
        .execute(
            "CREATE USER l@'127.0.0.1' IDENTIFIED BY 'x;y}z={å'; GRANT SELECT ON bron.* TO l@'127.0.0.1'",
        )
        .unwrap();
    let text = server.odbc("l", "bron");
    assert_eq!(open(&access(&text, Some("x;y}z={å"))).unwrap().tables().unwrap().len(), 1);
}

#[test]
fn one_moment_for_every_table_without_a_write() {
    let (server, mut source) =
        server("CREATE TABLE a (v int); CREATE TABLE b (v int); INSERT INTO a VALUES (1)");
    source.fingerprint().unwrap();
    server.execute("USE bron; INSERT INTO a VALUES (2); INSERT INTO b VALUES (1)").unwrap();
    assert_eq!(read(&mut source, "a").ledger.staged, 1);
    assert_eq!(read(&mut source, "b").ledger.staged, 0);
    source.fingerprint().unwrap();
    assert_eq!(read(&mut source, "a").ledger.staged, 2);
    assert!(source.execute("INSERT INTO a VALUES (3)").is_err(), "the session reads only");
}

#[test]
fn tables_without_transactions_have_no_moment() {
    let (_server, mut source) = server("CREATE TABLE a (v int) ENGINE=MyISAM; INSERT INTO a VALUES (1)");
    assert!(
        matches!(source.consistency(), Consistency::None { why } if why.contains("without transactions"))
    );
    assert_eq!(read(&mut source, "a").ledger.staged, 1);
}

#[test]
fn a_connection_that_breaks_may_be_tried_again() {
    let (server, mut source) = server("CREATE TABLE t (id int PRIMARY KEY)");
    let schema = table(&mut source, "t");
    server.execute("KILL USER bron").unwrap();
    let error = read_table(&mut source, &schema, 1).err().unwrap();
    assert!(error.is_retryable(), "{error}");
}

#[test]
fn locks_and_long_statements_end_in_time() {
    let (server, _) = server("CREATE TABLE t (id int); CREATE VIEW slow AS SELECT sleep(5) AS s");
    let mut access = access(&server.odbc("bron", "bron"), Some("bron"));
    access.manners.statement_timeout = Some(Duration::from_secs(1));
    let mut source = open(&access).unwrap();
    let slow = table(&mut source, "slow");
    let error = read_table(&mut source, &slow, 1).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
}

#[test]
fn texts_in_a_key_are_ordered_by_their_bytes() {
    let (_server, mut source) = server(
        "CREATE TABLE ordnad (k varchar(9) PRIMARY KEY) COLLATE utf8mb4_swedish_ci;
         INSERT INTO ordnad VALUES ('ö'), ('b'), ('Z'), ('a'), ('å')",
    );
    check_order(&mut source);
}

#[test]
fn reading_goes_on_behind_every_part() {
    let (server, _source) = server(
        "CREATE TABLE t (id int PRIMARY KEY, s text);
         INSERT INTO t SELECT seq * 3, concat('rad ', seq) FROM seq_1_to_500;
         CREATE TABLE k (namn varchar(20) CHARACTER SET latin1, dag datetime(3), nr decimal(10,2),
                         PRIMARY KEY (namn, dag, nr));
         INSERT INTO k VALUES ('a', '2024-01-31 08:00:00.5', 1.5), ('B', '2024-01-31', 1.5), ('a', '2024-01-31', 10),
            ('a', '2024-01-31 08:00:00.25', 0), ('o''å\\\\', '2024-01-31', -1.5), ('', '9999-12-31', 0),
            ('Ä', '2024-01-31', 0), ('a', '2024-02-29', 1)",
    );
    let at = server.odbc("bron", "bron");
    let open = || -> Box<dyn Source + Send> { Box::new(open(&access(&at, Some("bron"))).unwrap()) };
    resuming::check(&open, "t", "id", 120, 1);
    resuming::check(&open, "k", "", 2, 1);
    resuming::check(&open, "k", "dag", 1, 1);
}

//! Against a private MariaDB server.

mod faults;
mod transfers;

use bron_servers::MariaDbServer;

use super::*;
use crate::access::Locator;
use crate::error::ErrorKind;
use crate::source::tests::reading::{expect_typed_rows, read, read_table, table, typed_table};
use crate::span::Mark;
use crate::stage::tests::resuming;

fn access(server: &MariaDbServer, user: &str) -> Access {
    let address = format!("mysql://{user}@127.0.0.1:{}/bron", server.port());
    Access { password: Some("bron".to_owned().into()), ..Access::new(Locator::parse(&address).unwrap()) }
}

fn open(access: &Access) -> Result<MysqlSource, Error> {
    let Locator::Mysql(address) = &access.locator else { panic!("not a server") };
    MysqlSource::open(access, address)
}

fn server(statements: &str) -> (MariaDbServer, MysqlSource) {
    let server = MariaDbServer::start().unwrap();
    execute(&server, statements);
    let source = open(&access(&server, "bron")).unwrap();
    (server, source)
}

fn execute(server: &MariaDbServer, statements: &str) {
    server.execute(&format!("USE bron; SET sql_mode = ''; {statements}")).unwrap();
}

#[test]
fn tables_views_columns_and_keys_are_described() {
    let (_server, mut source) = server(
        "CREATE TABLE person (id int unsigned, `förnamn å` varchar(20), bild blob, \
                              PRIMARY KEY (`förnamn å`, id)); CREATE VIEW aldre AS SELECT id FROM person",
    );
    let tables = source.tables().unwrap();
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["aldre", "person"]);
    assert_eq!(tables[1].key_unique, ["förnamn å", "id"]);
    let columns: Vec<_> = tables[1]
        .columns
        .iter()
        .map(|column| (column.name.as_str(), column.declared_type.as_str()))
        .collect();
    assert_eq!(columns, [("id", "int(10) unsigned"), ("förnamn å", "varchar(20)"), ("bild", "blob")]);
    let letters = source.character_sets(&tables[1]).unwrap();
    assert_eq!(letters.into_iter().collect::<Vec<_>>(), [("förnamn å".to_owned(), "utf8mb4".to_owned())]);
}

#[test]
fn every_type_has_its_text() {
    let cases = [
        ("tinyint(1)", "1", "1"),
        ("bigint unsigned", "18446744073709551615", "18446744073709551615"),
        ("decimal(19,4)", "12.5", "12.5000"),
        (
            "decimal(38,2)",
            "123456789012345678901234567890123456.1",
            "123456789012345678901234567890123456.10",
        ),
        ("bit(1)", "b'1'", "1"),
        ("float", "0.1", "0.1"),
        ("float", "16777216", "16777216"),
        ("double", "1e-7", "0.0000001"),
        ("double", "1e21", "1000000000000000000000"),
        ("date", "'1000-01-01'", "1000-01-01"),
        ("date", "'9999-12-31'", "9999-12-31"),
        ("date", "'0000-00-00'", "0000-00-00"),
        ("date", "'2024-02-00'", "2024-02-00"),
        ("time(3)", "'07:05:00.250'", "07:05:00.25"),
        ("datetime", "'2024-03-31 02:30:00'", "2024-03-31 02:30:00"),
        ("datetime(6)", "'9999-12-31 23:59:59.999997'", "9999-12-31 23:59:59.999997"),
        ("datetime", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00"),
        ("year", "2024", "2024"),
        ("text", "'rad ett\\nrad två'", "rad ett\nrad två"),
        ("varchar(9)", "'😀'", "😀"),
        ("varchar(9) character set latin1", "'å€'", "å€"),
        ("varchar(9) character set latin1", "CONVERT(CAST('å' AS BINARY) USING latin1)", "Ã¥"),
        ("varchar(9) character set cp850", "'å'", "å"),
        ("enum('a','å')", "'å'", "å"),
        ("longtext", "repeat('å', 9000)", &"å".repeat(9000)),
    ];
    let [create, values, nulls] = typed_table(&cases);
    let (_server, mut source) =
        server(&format!("{create} CHARACTER SET utf8mb4 COLLATE utf8mb4_swedish_ci; {values}; {nulls}"));
    expect_typed_rows(&read(&mut source, "t", 10).unwrap(), &cases);
}

#[test]
fn a_timestamp_is_a_moment_whatever_the_zone_of_who_wrote_it() {
    let (_server, mut source) = server(
        "CREATE TABLE t (id int PRIMARY KEY, s timestamp(3) NULL); SET time_zone = '+02:00';
         INSERT INTO t VALUES (1, '2024-07-01 08:00:00.5'), (2, NULL)",
    );
    let found = read(&mut source, "t", 10).unwrap();
    assert_eq!(found.texts(1), [Some("2024-07-01 06:00:00.5 +00:00".to_owned()), None]);
}

#[test]
fn null_is_not_empty_and_the_order_is_that_of_the_bytes() {
    let (_server, mut source) = server(
        "CREATE TABLE t (k varchar(9) PRIMARY KEY, s varchar(9), b varbinary(9))
                 CHARACTER SET utf8mb4 COLLATE utf8mb4_swedish_ci;
         INSERT INTO t VALUES ('ö', '', ''), ('b', NULL, NULL), ('Z', 'x', x'00ff'), ('a', ' ', ' '), ('å', 'z', 'z')",
    );
    let found = read(&mut source, "t", 2).unwrap();
    let keys: Vec<String> = found.texts(0).into_iter().flatten().collect();
    assert_eq!(keys, ["Z", "a", "b", "å", "ö"]);
    let empty = Some(String::new());
    assert_eq!(
        found.texts(1),
        [Some("x".to_owned()), Some(" ".to_owned()), None, Some("z".to_owned()), empty]
    );
}

#[test]
fn the_fingerprint_moves_with_every_write_and_only_then() {
    let (server, mut source) = server("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
    let first = source.fingerprint().unwrap();
    assert_eq!(source.fingerprint().unwrap(), first);
    execute(&server, "UPDATE t SET id = 2");
    assert_ne!(source.fingerprint().unwrap(), first);
}

#[test]
fn a_table_without_transactions_takes_the_claim_away() {
    let (server, mut source) = server("CREATE TABLE t (id int PRIMARY KEY)");
    assert!(matches!(source.consistency(), Consistency::Point { .. }));
    execute(&server, "CREATE TABLE gammal (id int) ENGINE = MyISAM");
    let first = source.fingerprint().unwrap();
    let Consistency::None { why } = source.consistency() else { panic!("it claims one moment") };
    assert!(why.contains("gammal"), "{why}");
    assert_ne!(source.fingerprint().unwrap(), first, "what cannot be known must not look unchanged");
}

#[test]
fn refusals_have_a_kind_and_no_value() {
    let (server, mut source) = server(
        "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE gone (x int PRIMARY KEY);
         CREATE USER other@'127.0.0.1' IDENTIFIED BY 'bron'; GRANT SELECT ON bron.t TO other@'127.0.0.1'",
    );
    let gone = table(&mut source, "gone");
    execute(&server, "DROP TABLE gone");
    assert_eq!(source.read(&gone, 10).err().unwrap().kind(), ErrorKind::Drift);
    let wrong = Access { password: Some("fel".to_owned().into()), ..access(&server, "bron") };
    let error = open(&wrong).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Permission, "{error}");
    assert!(!format!("{error:?}").contains("fel\""), "{error:?}");
    let nowhere = Access::new(Locator::parse("mysql://bron@127.0.0.1:1/bron").unwrap());
    assert!(open(&nowhere).err().unwrap().is_retryable());
    let mut other = open(&access(&server, "other")).unwrap();
    assert_eq!(other.tables().unwrap().len(), 1, "a table that may not be read is not there for the user");
}

#[test]
fn long_statements_end_in_time() {
    let (server, _) = server(
        "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1);
         CREATE VIEW slow AS SELECT sleep(5) AS s FROM t",
    );
    let mut access = access(&server, "bron");
    access.manners.statement_timeout = Some(Duration::from_millis(200));
    let mut source = open(&access).unwrap();
    let error = read(&mut source, "slow", 10).unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Busy, true), "{error}");
}

#[test]
fn a_connection_that_breaks_is_an_error_that_may_be_tried_again() {
    let (server, mut source) = server(
        "CREATE TABLE t (id int PRIMARY KEY, s text); INSERT INTO t SELECT seq, repeat('x', 1000) FROM seq_1_to_50000",
    );
    let big = table(&mut source, "t");
    let mut reader = source.read(&big, 100).unwrap();
    reader.next().unwrap().unwrap();
    server.execute("KILL USER bron@'127.0.0.1'").unwrap();
    let error = reader.find_map(Result::err).map(Error::from_reader).expect("the table did not come whole");
    assert!(error.is_retryable(), "{error}");
    assert!(reader.next().is_none());
}

#[test]
fn reading_goes_on_behind_every_part() {
    let keys = [
        ("int", "3|-7|0|2147483647"),
        ("bigint unsigned", "0|18446744073709551615|9223372036854775808"),
        ("varchar(9)", "'c'|'B'|'å'|''|'o''x'|'b\\\\'|'z'"),
        ("varchar(9) CHARACTER SET latin1 COLLATE latin1_bin", "'a'|'A'|'å'|'€'|''|'ÿ'"),
        ("varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin", "'a'|'a '|'A'|'\u{1f600}'|'z'"),
        ("char(3)", "'a'|'ab'|'abc'|'ö'"),
        ("varbinary(9)", "x'00'|x''|x'ff'|x'00ff'"),
        (
            "decimal(38,2)",
            "-1.5|123456789012345678901234567890123456.78|123456789012345678901234567890123456.79|0",
        ),
        ("date", "'0001-01-01'|'9999-12-31'|'2024-02-29'"),
        ("datetime(3)", "'2024-01-31 08:00:00.125'|'2024-01-31 08:00:00'|'1000-01-01'"),
        ("timestamp(6)", "'2024-01-31 08:00:00.000001'|'2024-01-31 08:00:00'|'2024-03-31 08:30:00'"),
        ("time", "'-08:00:00'|'08:00:00'|'100:00:00'"),
        ("enum('röd','blå','grön')", "'röd'|'blå'|'grön'"),
        ("year", "1901|2024|2155"),
        ("bit(3)", "b'0'|b'11'|b'111'"),
    ];
    let tables = keys.iter().enumerate().map(|(at, (kind, values))| {
        let rows: Vec<String> = values.split('|').map(|value| format!("({value}, 1)")).collect();
        let rows = rows.join(", ");
        format!("CREATE TABLE k{at} (k {kind} PRIMARY KEY, v int); INSERT INTO k{at} VALUES {rows};")
    });
    let tables = format!(
        "{} CREATE TABLE t (nr int, namn varchar(9), v text, PRIMARY KEY (nr, namn));
         INSERT INTO t SELECT seq DIV 5, concat('n', seq MOD 5), 'v' FROM seq_1_to_300",
        tables.collect::<String>()
    );
    let (server, _source) = server(&tables);
    let access = access(&server, "bron");
    let open = || -> Box<dyn Source + Send> { Box::new(open(&access).unwrap()) };
    for at in 0..keys.len() {
        // Every second one is read for its key alone.
        resuming::check(&open, &format!("k{at}"), if at % 2 == 0 { "k" } else { "v" }, 1, 1);
    }
    resuming::check(&open, "t", "", 23, 1);
    resuming::check(&open, "t", "namn", 23, 1);
}

#[test]
fn a_day_with_zeros_is_no_place_to_go_on_from() {
    let (_server, mut source) = server(
        "CREATE TABLE t (k date PRIMARY KEY); INSERT INTO t VALUES ('0000-00-00'), ('2024-02-00'), ('2024-02-01')",
    );
    let t = table(&mut source, "t");
    let mut marks = Vec::new();
    let mut reader = source.read(&t, 1).unwrap();
    while reader.next().is_some() {
        marks.push(reader.mark());
    }
    drop(reader);
    let mut behind = |mark: &Option<Mark>| {
        let span = Span { after: mark.clone(), ..Span::default() };
        source.read_span(&t, &span, Batching::of(1)).err().map(|error| error.kind())
    };
    // With a mark that is none of the table, it is read from its beginning.
    assert_eq!(
        marks.iter().map(&mut behind).collect::<Vec<_>>(),
        [Some(ErrorKind::Drift), Some(ErrorKind::Drift), None]
    );
}

//! SQLite's driver, which reports what it likes.

use std::path::Path;

use super::*;
use crate::ledger::MALFORMED_VALUE;
use crate::odbc::form::{Asked, Finish, Form};
use crate::sqlite::tests::{execute, writer};

pub(super) fn database(sql: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("legacy.db");
    let mut writer = writer(&path);
    execute(&mut writer, sql);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    // To the last file of it: this copy of SQLite and the driver's know nothing of each other.
    runtime.block_on(sqlx::Connection::close(writer)).unwrap();
    (dir, path)
}

pub(super) fn at(path: &Path) -> Access {
    access(&format!("Driver=SQLite3;Database={}", path.display()), None)
}

/// Somebody else who works in the database. Through the driver as well: two copies of SQLite in one process do not
/// see each other's locks.
fn work(path: &Path, statements: &[&str]) {
    let text =
        format!("Driver={};Database={}", open(&at(path)).unwrap().driver_file.display(), path.display());
    let connection = connect(&text).unwrap();
    for statement in statements {
        run(&connection, statement, None).unwrap();
    }
}

fn source(sql: &str) -> (tempfile::TempDir, OdbcSource) {
    let (dir, path) = database(sql);
    (dir, open(&at(&path)).unwrap())
}

const CONTRACT: &str = "
    CREATE TABLE t (id integer PRIMARY KEY, \"blank \"\"citat\"\" å\" varchar(20), lang text, data blob);
    INSERT INTO t VALUES (3, NULL, NULL, NULL), (0, NULL, NULL, NULL), (2, '', '', x''),
        (1, 'Åsa 😀 – ö', replace(hex(zeroblob(4500)), '0', 'ö😀'), BYTES);
    CREATE TABLE utan (a text, b int); INSERT INTO utan VALUES ('b', 1), ('a', 2), (NULL, 3), ('', 4);
    CREATE TABLE tom (x int); CREATE TABLE \"Å tabell\" (x int); INSERT INTO \"Å tabell\" VALUES (1);
    CREATE TABLE manga (id integer PRIMARY KEY, s varchar(10));
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
    INSERT INTO manga SELECT i, iif(i = 4321, replace(hex(zeroblob(10000)), '0', 'å'), 'kort') FROM n;";

#[test]
fn the_contract_holds() {
    let data = format!("x'{}'", "00ff27".repeat(4_000));
    let contract = CONTRACT.replace("BYTES", &data);
    let (_dir, mut source) = source(&contract);
    assert!(source.driver_file.ends_with("libsqlite3odbc.so") && source.driver_file.is_absolute());
    assert_eq!(source.consistency(), Consistency::Point { how: "read transaction", at: String::new() });
    check_contract(&mut source);
}

#[test]
fn values_of_any_type_are_not_converted() {
    let (_dir, mut source) = source(
        "CREATE TABLE t (d date, n decimal(38,10), r double, b boolean, i int);
         INSERT INTO t VALUES ('0001-01-01', '0.5', 0.1, 1, 1), ('2024-01-31 08:00:00.000', 'x', 1e21, 'ja', 2),
            ('okänt', '7', 'många', 0, 3), ('9999-12-31', NULL, 1e-7, NULL, 4);",
    );
    let found = read(&mut source, "t");
    let sorted = |column| {
        let mut rows: Vec<_> = found.texts(4).into_iter().zip(found.texts(column)).collect();
        rows.sort();
        rows.into_iter().map(|(_, value)| value.unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(sorted(0), ["0001-01-01", "2024-01-31 08:00:00.000", "okänt", "9999-12-31"]);
    assert_eq!(sorted(1), ["0.5", "x", "7", ""]);
    assert_eq!(sorted(2), ["0.1", "1000000000000000000000", "många", "0.0000001"]);
    assert_eq!(sorted(3), ["1", "ja", "0", ""]);
}

#[test]
fn text_in_another_encoding_is_kept_aside() {
    let (_dir, mut source) = source(
        "CREATE TABLE t (id integer PRIMARY KEY, s text);
         INSERT INTO t VALUES (1, 'a'), (2, CAST(x'e573' AS TEXT)), (3, 'c');",
    );
    let found = read(&mut source, "t");
    assert_eq!(found.texts(0), some(&["1", "3"]));
    assert_eq!(found.ledger.quarantined[MALFORMED_VALUE], 1);
    assert_eq!(
        (found.unreadable[0].line, found.unreadable[0].raw.as_slice()),
        (2, b"t\0\0\0\x012b\0\0\0\x02\xe5s".as_slice())
    );
}

#[test]
fn one_moment_for_every_table() {
    let (dir, mut source) = source(
        "PRAGMA journal_mode = WAL; CREATE TABLE a (v int); CREATE TABLE b (v int); INSERT INTO a VALUES (1);",
    );
    let before = source.fingerprint().unwrap();
    assert_eq!(read(&mut source, "a").ledger.staged, 1);
    work(&dir.path().join("legacy.db"), &["INSERT INTO a VALUES (2)", "INSERT INTO b VALUES (1)"]);
    assert_eq!(read(&mut source, "b").ledger.staged, 0);
    assert_eq!(read(&mut source, "a").ledger.staged, 1);
    assert_ne!(source.fingerprint().unwrap(), before);
    assert_eq!(read(&mut source, "a").ledger.staged, 2);
}

#[test]
fn a_fingerprint_is_made_of_the_time_alone() {
    let (_dir, path) = database("CREATE TABLE a (v int);");
    let access = at(&path);
    let Locator::Odbc(text) = &access.locator else { panic!("not ODBC") };
    let places = Places::of_this_machine();
    let opened = |clock: Clock| OdbcSource::open_at(&access, text, &places, clock).unwrap();
    let noon: Clock = || UNIX_EPOCH + Duration::from_secs(12 * 3_600);
    let later: Clock = || UNIX_EPOCH + Duration::from_nanos(12 * 3_600 * 1_000_000_000 + 1);
    let first = opened(noon).fingerprint().unwrap();
    assert_eq!(opened(noon).fingerprint().unwrap(), first);
    assert_ne!(opened(later).fingerprint().unwrap(), first);
}

#[test]
fn a_table_that_changed_before_its_long_value_came_is_not_patched_together() {
    let (dir, mut source) =
        source(&format!("PRAGMA journal_mode = WAL; {}", CONTRACT.replace("BYTES", "NULL")));
    // As with a system that has no snapshots.
    source.connection().set_autocommit(true).unwrap();
    let manga = table(&mut source, "manga");
    let query = |text: &str| Query {
        text: text.to_owned(),
        doing: "table manga".to_owned(),
        forms: vec![Form { asked: Asked::Text(50), finish: Finish::AsIs, sorts: true }],
        key: Vec::new(),
    };
    let columns = &manga.columns[1..];
    let taker = RowTaker::new(String::new(), columns);
    let text = "SELECT s FROM manga ORDER BY id";
    let (place, pace) = (&source.place, source.pace.begin());
    let rows = OdbcRows::open(source.connection(), place, query(text), taker, source.manners, pace).unwrap();
    let schema = TableSchema { columns: columns.to_vec(), ..manga.clone() };
    let mut reader = TableRows::new(rows, &schema, &Span::default(), Batching::of(100));
    assert_eq!(reader.next().unwrap().unwrap().rows(), 100);
    work(&dir.path().join("legacy.db"), &["UPDATE manga SET s = 'nytt' WHERE id = 7"]);
    let error = reader.find_map(Result::err).map(Error::from_reader).expect("the change is seen");
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
}

#[test]
fn a_file_that_is_not_there_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none.db");
    assert!(open(&at(&path)).is_err());
    assert!(!path.exists());
}

#[test]
fn a_table_that_goes_meanwhile_is_drift() {
    let (dir, mut source) = source("CREATE TABLE a (v int);");
    let gone = table(&mut source, "a");
    source.connection().rollback().unwrap();
    work(&dir.path().join("legacy.db"), &["DROP TABLE a"]);
    let error = read_table(&mut source, &gone, 1).err().unwrap();
    assert!(error.kind() == ErrorKind::Drift && error.to_string().contains("table a"), "{error}");
}

#[test]
fn the_project_opens_it_like_any_source() {
    let (_dir, path) = database("CREATE TABLE a (v int); INSERT INTO a VALUES (1);");
    let mut source = at(&path).open(None).unwrap();
    let tables = source.tables().unwrap();
    assert_eq!(tables.len(), 1);
    assert_eq!(source.read(&tables[0], 10).unwrap().map(|batch| batch.unwrap().rows()).sum::<usize>(), 1);
    let snapshot = Access { snapshot: Some("x".to_owned()), ..at(&path) };
    assert_eq!(snapshot.open(None).err().unwrap().kind(), ErrorKind::Settings);
}

#[test]
fn the_pace_and_the_time_are_kept() {
    let (_dir, path) = database(&CONTRACT.replace("BYTES", "NULL"));
    let mut access = at(&path);
    access.manners.rows_per_second = Some(1_000_000);
    access.manners.statement_timeout = Some(Duration::from_secs(600));
    let mut source = open(&access).unwrap();
    assert_eq!(read(&mut source, "manga").ledger.staged, 5_000);
    access.manners.statement_timeout = Some(Duration::from_nanos(1));
    let mut source = open(&access).unwrap();
    let manga = table(&mut source, "manga");
    let error = read_table(&mut source, &manga, 10).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
}

#[test]
fn texts_in_a_key_are_ordered_by_their_bytes() {
    let (_dir, mut source) = source(
        "CREATE TABLE ordnad (k text COLLATE NOCASE PRIMARY KEY);
         INSERT INTO ordnad VALUES ('ö'), ('b'), ('Z'), ('a'), ('å')",
    );
    check_order(&mut source);
}

#[test]
fn reading_goes_on_behind_every_part() {
    let (_dir, path) = database(
        "CREATE TABLE t (id integer PRIMARY KEY, s varchar(20));
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
         INSERT INTO t SELECT i * 7 - 900, 'rad ' || i FROM n;
         CREATE TABLE k (namn varchar(20) COLLATE NOCASE, nr integer, PRIMARY KEY (namn, nr)) WITHOUT ROWID;
         INSERT INTO k VALUES ('a', 1), ('A', 2), ('a ', 1), ('o''å', 1), ('Å', 1), ('b\\', -5), ('', 0), ('a', 10);",
    );
    let open = || -> Box<dyn Source + Send> { Box::new(open(&at(&path)).unwrap()) };
    resuming::check(&open, "t", "", 60, 1);
    resuming::check(&open, "t", "id", 60, 1);
    resuming::check(&open, "k", "", 2, 1);
    resuming::check(&open, "k", "namn", 1, 1);
}

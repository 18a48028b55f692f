mod transfers;

use std::os::unix::fs::PermissionsExt;

use bron_mappings::{Batch, ColumnType};
use sqlx::ConnectOptions;

use super::*;
use crate::ledger::{MALFORMED_VALUE, TableLedger};
use crate::source::UnreadableRow;
use crate::source::tests::reading::{self, texts};
use crate::stage::tests::resuming;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

pub(crate) fn writer(path: &Path) -> SqliteConnection {
    let options =
        SqliteConnectOptions::new().filename(path).create_if_missing(true).busy_timeout(Duration::ZERO);
    runtime().block_on(options.connect()).unwrap()
}

pub(crate) fn execute(connection: &mut SqliteConnection, sql: &str) {
    runtime().block_on(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection)).unwrap();
}

fn database(sql: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("legacy.db");
    execute(&mut writer(&path), sql);
    (dir, path)
}

fn read(
    source: &mut SqliteSource,
    table: &str,
    batch_rows: usize,
) -> (Vec<Batch>, TableLedger, Vec<UnreadableRow>) {
    let found = reading::read(source, table, batch_rows).unwrap();
    (found.batches, found.ledger, found.unreadable)
}

#[test]
fn tables_are_described_as_declared() {
    let (_dir, path) = database(
        "CREATE TABLE ZEBRA (ID INTEGER PRIMARY KEY, NAMN varchar(20), BILD BLOB, odd);
         CREATE TABLE APA (A TEXT, B TEXT, V int, PRIMARY KEY (B, A)) WITHOUT ROWID;
         CREATE TABLE TOM (x TEXT);
         CREATE VIEW VY AS SELECT * FROM APA;
         INSERT INTO ZEBRA (ID) VALUES (10), (12);
         INSERT INTO APA VALUES ('a', 'b', 1);",
    );
    let tables = SqliteSource::open(&path).unwrap().tables().unwrap();
    assert_eq!(tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["ZEBRA", "APA", "TOM"]);
    assert_eq!(tables.iter().map(|table| table.rows_estimate).collect::<Vec<_>>(), [3, 1, 0]);
    assert_eq!(tables[1].key_unique, ["B", "A"]);
    assert_eq!(tables[2].key_unique, Vec::<String>::new());
    let columns: Vec<_> =
        tables[0].columns.iter().map(|one| (one.declared_type.as_str(), one.kind)).collect();
    use ColumnType::{Bytes, Text};
    assert_eq!(columns, [("INTEGER", Text), ("varchar(20)", Text), ("BLOB", Bytes), ("", Text)]);
}

#[test]
fn values_travel_as_found() {
    let (_dir, path) = database(
        "CREATE TABLE t (v, b BLOB);
         INSERT INTO t VALUES
            (NULL, NULL), ('', x''), (' Åsa ', 'text'), (-9223372036854775808, 7), (0.1 + 0.2, 1.5),
            (1e21, x'00ff'), (5e-324, NULL), (-0.5, NULL), (100.0, NULL), ('a' || char(0) || 'b', NULL);",
    );
    let (batches, ledger, _) = read(&mut SqliteSource::open(&path).unwrap(), "t", 1000);
    let found = texts(&batches, 0);
    let smallest = format!("0.{}5", "0".repeat(323));
    let expected = [
        None,
        Some(""),
        Some(" Åsa "),
        Some("-9223372036854775808"),
        Some("0.30000000000000004"),
        Some("1000000000000000000000"),
        Some(smallest.as_str()),
        Some("-0.5"),
        Some("100"),
        Some("a\0b"),
    ];
    assert_eq!(found, expected.map(|one| one.map(str::to_owned)));
    let bytes = batches[0].cells(1);
    let bytes: Vec<_> = (0..6).map(|row| bytes.value(row)).collect();
    use bron_mappings::Value::Bytes;
    let expected = [
        None,
        Some(Bytes(b"")),
        Some(Bytes(b"text")),
        Some(Bytes(b"7")),
        Some(Bytes(b"1.5")),
        Some(Bytes(b"\0\xff")),
    ];
    assert_eq!(bytes, expected);
    assert_eq!((ledger.read, ledger.staged), (10, 10));
}

#[test]
fn columns_that_take_anything_are_of_the_type_of_their_values() {
    let (_dir, path) = database(
        "CREATE TABLE t (a, b, c, d BLOB, e BLOB, f TEXT, g BLOB, h);
         INSERT INTO t VALUES (1, 1, 'x', x'61', x'61', 'x', NULL, 1.5), (NULL, 'x', 'y', x'62', 'b', 1, NULL, 2.5);",
    );
    let mut source = SqliteSource::open(&path).unwrap();
    let table = source.tables().unwrap().remove(0);
    let held = source.held_types(&table).unwrap();
    let held: Vec<_> = held.iter().map(|(name, held)| (name.as_str(), held.as_str())).collect();
    let wanted =
        [("a", "INTEGER"), ("b", ""), ("c", "TEXT"), ("d", "BLOB"), ("e", ""), ("g", "BLOB"), ("h", "REAL")];
    assert_eq!(held, wanted);
    assert!(source.character_sets(&table).unwrap().is_empty());
}

#[test]
fn a_misfit_in_a_text_column_is_kept_aside() {
    let (_dir, path) = database(
        "CREATE TABLE t (ID INTEGER PRIMARY KEY, NAMN TEXT, N int);
         INSERT INTO t VALUES (1, 'a', 1), (2, x'c5', 2), (3, CAST(x'e573' AS TEXT), NULL), \
         (4, 'd', 9e999), (5, 'e', 5);",
    );
    let (batches, ledger, unreadable) = read(&mut SqliteSource::open(&path).unwrap(), "t", 1);
    assert_eq!(texts(&batches, 0), ["1", "5"].map(|one| Some(one.to_owned())));
    assert_eq!((ledger.read, ledger.staged, ledger.quarantined[MALFORMED_VALUE]), (5, 2, 3));
    assert!(ledger.is_balanced());
    let columns: Vec<_> = unreadable.iter().map(|row| (row.line, row.column.as_deref().unwrap())).collect();
    assert_eq!(columns, [(2, "NAMN"), (3, "NAMN"), (4, "N")]);
    assert_eq!(unreadable[1].raw, b"i\0\0\0\x013b\0\0\0\x02\xe5sn");
    assert_eq!(unreadable[1].file, "legacy.db");
}

#[test]
fn the_order_is_that_of_the_key_and_the_batch_size_does_not_show() {
    let (_dir, path) = database(
        "CREATE TABLE r (rowid TEXT, v int);
         CREATE TABLE w (a TEXT, b TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID;
         INSERT INTO r SELECT 'x', value FROM generate_series(1, 0);
         INSERT INTO w VALUES ('2', 'y'), ('1', 'z'), ('3', 'x');
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) \
         INSERT INTO r SELECT 1000 - i, i FROM n;"
            .replace("INSERT INTO r SELECT 'x', value FROM generate_series(1, 0);", "")
            .as_str(),
    );
    let mut source = SqliteSource::open(&path).unwrap();
    assert_eq!(texts(&read(&mut source, "w", 2).0, 0), ["3", "2", "1"].map(|one| Some(one.to_owned())));
    let expected: Vec<_> = (1..=500).map(|i: u32| Some(i.to_string())).collect();
    for batch_rows in [1, 7, 1000, 0] {
        let (batches, _, _) = read(&mut source, "r", batch_rows);
        assert_eq!(texts(&batches, 1), expected);
        assert!(batches.iter().all(|batch| batch.rows() <= batch_rows.max(1)));
    }
}

#[test]
fn texts_in_a_key_are_ordered_by_their_bytes_whatever_their_collation() {
    let (_dir, path) = database(
        "CREATE TABLE t (k TEXT COLLATE NOCASE, nr INTEGER, v int, PRIMARY KEY (k, nr));
         INSERT INTO t VALUES ('ö', 1, 1), ('b', 10, 2), (NULL, 1, 3), ('Z', 1, 4), ('b', 9, 5), ('a', 1, 6), \
         (NULL, 1, 7), ('å', 1, 8);",
    );
    let (batches, _, _) = read(&mut SqliteSource::open(&path).unwrap(), "t", 3);
    // SQLite takes NULL into a key, and then more than once.
    assert_eq!(texts(&batches, 2), ["3", "7", "4", "6", "5", "2", "8", "1"].map(|one| Some(one.to_owned())));
}

#[test]
fn only_the_columns_asked_for_are_read() {
    let (_dir, path) = database(
        "CREATE TABLE \"od\"\"d\" (a TEXT, hemlig TEXT); INSERT INTO \"od\"\"d\" VALUES ('1', x'ff');",
    );
    let mut source = SqliteSource::open(&path).unwrap();
    let mut table = source.tables().unwrap().remove(0);
    assert_eq!(table.name, "od\"d");
    table.columns.retain(|column| column.name == "a");
    let batches: Vec<Batch> = source.read(&table, 10).unwrap().map(Result::unwrap).collect();
    assert_eq!(texts(&batches, 0), [Some("1".to_owned())]);
    table.columns.clear();
    assert_eq!(source.read(&table, 10).unwrap().map(|batch| batch.unwrap().rows()).sum::<usize>(), 1);
}

#[test]
fn all_tables_show_one_point_in_time() {
    let (_dir, path) = database(
        "PRAGMA journal_mode = WAL; CREATE TABLE a (v); CREATE TABLE b (v); INSERT INTO a VALUES (1);",
    );
    let mut legacy = writer(&path);
    let mut source = SqliteSource::open(&path).unwrap();
    let before = source.fingerprint().unwrap();
    assert_eq!(read(&mut source, "a", 10).1.staged, 1);
    execute(&mut legacy, "INSERT INTO a VALUES (2); INSERT INTO b VALUES (1);");
    assert_eq!(read(&mut source, "b", 10).1.staged, 0);
    assert_eq!(read(&mut source, "a", 10).1.staged, 1);
    let after = source.fingerprint().unwrap();
    assert_ne!(before, after);
    assert_eq!(read(&mut source, "a", 10).1.staged, 2);
    assert_eq!(source.fingerprint().unwrap(), after);
}

/// A database with one table of one row, with this journal.
fn journaled(mode: &str) -> (tempfile::TempDir, PathBuf) {
    database(&format!("PRAGMA journal_mode = {mode}; CREATE TABLE a (v); INSERT INTO a VALUES (1);"))
}

#[test]
fn a_digest_is_that_of_what_is_read_even_when_somebody_writes_meanwhile() {
    for mode in ["WAL", "DELETE"] {
        let (_dir, path) = journaled(mode);
        let mut source = SqliteSource::open(&path).unwrap();
        let before = source.fingerprint().unwrap();
        let times = std::cell::Cell::new(0);
        let after = source.fix(|path| {
            let digest = content_digest(path);
            times.set(times.get() + 1);
            if times.get() < 3 {
                execute(&mut writer(path), "INSERT INTO a VALUES (2);");
            }
            digest
        });
        let after = after.unwrap();
        assert_eq!((times.get(), read(&mut source, "a", 10).1.staged), (3, 3), "{mode}");
        assert_ne!(after, before, "{mode}");
        assert_eq!(source.resume().unwrap(), after, "{mode}: nothing was written since");
    }
}

#[test]
fn of_a_file_that_is_written_all_the_time_there_is_no_digest() {
    for mode in ["WAL", "DELETE"] {
        let (_dir, path) = journaled(mode);
        let mut source = SqliteSource::open(&path).unwrap();
        let error = source.fix(|path| {
            execute(&mut writer(path), "UPDATE a SET v = v + 1;");
            content_digest(path)
        });
        let error = error.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Busy, true), "{mode}: {error}");
        assert!(error.to_string().contains("is written while its digest is taken"), "{error}");
        source.fingerprint().unwrap();
        assert_eq!(texts(&read(&mut source, "a", 10).0, 0), [Some("4".to_owned())], "{mode}");
    }
}

#[test]
fn a_table_or_column_that_is_gone_is_drift() {
    let (_dir, path) = database("CREATE TABLE a (v);");
    let mut source = SqliteSource::open(&path).unwrap();
    let table = source.tables().unwrap().remove(0);
    let mut other = table.clone();
    other.name = "GONE".to_owned();
    let error = source.read(&other, 1).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Drift);
    assert!(error.to_string().contains("GONE"));
    let mut other = table;
    other.columns[0].name = "borta".to_owned();
    let error = source.read(&other, 1).err().unwrap();
    assert!(error.kind() == ErrorKind::Drift && error.to_string().contains("borta"));
}

#[test]
fn a_database_that_cannot_be_read_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let kind = |path: &Path| SqliteSource::open(path).err().map(|error| error.kind());
    assert_eq!(kind(&dir.path().join("none.db")), Some(ErrorKind::Missing));
    assert_eq!(kind(dir.path()), Some(ErrorKind::Unreadable));
    let text = dir.path().join("text.db");
    fs::write(&text, "BesokId;KundNr\n".repeat(1000)).unwrap();
    let error = SqliteSource::open(&text).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unreadable);
    assert!(error.to_string().contains("text.db") && error.to_string().contains("not an SQLite database"));
    let (_other, path) = database("CREATE TABLE a (v);");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    // A superuser may read it nevertheless.
    assert!(matches!(kind(&path), Some(ErrorKind::Unreadable) | None));
}

#[test]
fn a_locked_database_may_be_tried_again() {
    let (_dir, path) = database("CREATE TABLE a (v);");
    let mut legacy = writer(&path);
    execute(&mut legacy, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; INSERT INTO a VALUES (1);");
    let error = SqliteSource::open_waiting(&path, Duration::from_millis(20)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.is_retryable());
}

#[test]
fn a_damaged_page_is_an_error_and_not_an_end() {
    let (_dir, path) = database(
        "CREATE TABLE t (v);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) \
         INSERT INTO t SELECT 'rad ' || i FROM n;",
    );
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let mut source = SqliteSource::open(&path).unwrap();
    let table = source.tables().unwrap().remove(0);
    let mut reader = source.read(&table, 1000).unwrap();
    let error = reader.by_ref().find_map(Result::err).expect("the damage is met");
    assert_eq!(Error::from_reader(error).kind(), ErrorKind::Corrupt);
    assert!(reader.next().is_none());
}

#[test]
fn reading_goes_on_behind_every_part() {
    let (_dir, path) = database(
        "CREATE TABLE t (ID INTEGER PRIMARY KEY, NAMN TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
         INSERT INTO t SELECT i * 7 - 900, CASE WHEN i % 45 < 3 THEN x'ff' ELSE 'rad ' || i END FROM n;
         CREATE TABLE r (rowid TEXT, v int); INSERT INTO r SELECT 'x', ID FROM t;
         CREATE TABLE k (a TEXT COLLATE NOCASE, b, PRIMARY KEY (a, b)) WITHOUT ROWID;
         INSERT INTO k VALUES ('a', 1), ('A', 2), ('a ', 1), ('o''å', 1), ('Å', 1), ('b', x'00ff'), ('', 0.1),
            ('a', 'x'), ('b', 'x'), ('b', 1e21), ('b', -9223372036854775808), ('b', 0.30000000000000004);",
    );
    let open = || -> Box<dyn Source + Send> { Box::new(SqliteSource::open(&path).unwrap()) };
    resuming::check(&open, "t", "", 60, 1);
    resuming::check(&open, "t", "ID", 60, 1);
    resuming::check(&open, "r", "", 60, 1);
    resuming::check(&open, "k", "b", 1, 1);
}

#[test]
fn no_mark_is_made_of_what_is_compared_otherwise_than_it_is_ordered() {
    let (_dir, path) = database(
        "CREATE TABLE t (k TEXT PRIMARY KEY, v int) WITHOUT ROWID;
         INSERT INTO t VALUES ('a', 1), (CAST(x'e573' AS TEXT), 2);
         CREATE TABLE n (k TEXT PRIMARY KEY, v int); INSERT INTO n VALUES (NULL, 1), ('a', 2);
         CREATE TABLE u (rowid, _rowid_, oid); INSERT INTO u VALUES (1, 2, 3), (1, 2, 3);",
    );
    let mut source = SqliteSource::open(&path).unwrap();
    let mut marks = |name: &str| -> Vec<bool> {
        let mut table = reading::table(&mut source, name);
        table.columns.remove(0);
        let mut reader = source.read(&table, 1).unwrap();
        let mut marks = Vec::new();
        while let Some(batch) = reader.next() {
            assert_eq!(batch.unwrap().rows(), 1);
            marks.push(reader.mark().is_some());
        }
        marks
    };
    assert_eq!(marks("t"), [true, false], "text that is not UTF-8");
    assert_eq!(marks("n"), [false, true], "a key that is NULL");
    assert_eq!(marks("u"), [false, false], "no key");
}

//! Through the drivers of Debian, against files and private servers.

mod mariadb;
mod postgres;
mod sqlite;
mod tds;
mod transfers;

use std::time::Duration;

use bron_mappings::Value;

use super::*;
use crate::access::Locator;
use crate::source::tests::reading::{self, Case, WholeTable, read_table, table, typed_table};
use crate::stage::tests::resuming;

/// A column name with all that can be in one.
const ODD_NAME: &str = "blank \"citat\" å";

fn access(connection_string: &str, password: Option<&str>) -> Access {
    let locator = Locator::parse(&format!("odbc:{connection_string}")).unwrap();
    Access { password: password.map(|text| Sensitive::new(text.to_owned())), ..Access::new(locator) }
}

fn open(access: &Access) -> Result<OdbcSource, Error> {
    let Locator::Odbc(connection_string) = &access.locator else { panic!("not ODBC") };
    OdbcSource::open(access, connection_string)
}

fn read(source: &mut OdbcSource, name: &str) -> WholeTable {
    reading::read(source, name, 1000).unwrap()
}

fn bytes(found: &WholeTable, column: usize) -> Vec<Option<Vec<u8>>> {
    let mut all = Vec::new();
    for batch in &found.batches {
        let cells = batch.cells(column);
        all.extend((0..cells.len()).map(|row| match cells.value(row) {
            Some(Value::Bytes(bytes)) => Some(bytes.to_vec()),
            other => {
                assert_eq!(other, None);
                None
            }
        }));
    }
    all
}

/// The value in a column of a table of one row of values and one of NULLs, in any order.
fn only(found: &WholeTable, column: usize) -> String {
    let mut texts = found.texts(column);
    texts.sort();
    assert_eq!((texts.len(), &texts[0]), (2, &None));
    texts.remove(1).unwrap_or_else(|| "NULL".to_owned())
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

fn check_typed_table(source: &mut OdbcSource, cases: &[Case<'_>]) {
    let found = read(source, "t");
    assert_eq!((found.ledger.staged, found.ledger.read), (2, 2));
    for (at, (declared, _, expected)) in cases.iter().enumerate() {
        assert_eq!(only(&found, at), *expected, "{declared}");
    }
}

/// What every driver must get right. `t` has a key `id`, a column of an odd name, a long text and bytes, with the
/// rows 0 and 3: NULL, 1: values, 2: empty. `utan` has no key, `tom` no row, `manga` 5,000 rows with a text of 20,000
/// characters in row 4,321.
fn check_contract(source: &mut OdbcSource) {
    let names: Vec<String> = source.tables().unwrap().into_iter().map(|table| table.name).collect();
    for name in ["t", "utan", "tom", "manga", "Å tabell"] {
        assert!(names.iter().any(|found| found == name), "{name} is not among {names:?}");
    }
    let schema = table(source, "t");
    assert_eq!(schema.key_unique, ["id"]);
    let columns: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(columns, ["id", ODD_NAME, "lang", "data"]);

    let found = read(source, "t");
    assert_eq!(found.texts(0), some(&["0", "1", "2", "3"]));
    assert_eq!(found.texts(1), [None, Some("Åsa 😀 – ö".to_owned()), Some(String::new()), None]);
    assert_eq!(found.texts(2), [None, Some("ö😀".repeat(9_000)), Some(String::new()), None]);
    assert_eq!(bytes(&found, 3), [None, Some([0x00, 0xff, 0x27].repeat(4_000)), Some(Vec::new()), None]);
    assert!(found.ledger.is_balanced() && found.unreadable.is_empty());

    let found = read(source, "utan");
    let mut rows: Vec<_> = found.texts(0).into_iter().zip(found.texts(1)).collect();
    assert_eq!(rows.len(), 4);
    assert_eq!(found.texts(0), read(source, "utan").texts(0));
    rows.retain(|(a, _)| a.is_some());
    assert_eq!(rows.iter().map(|(_, b)| b.clone()).collect::<Vec<_>>(), some(&["4", "2", "1"]));

    let found = read(source, "tom");
    assert_eq!((found.batches.len(), found.ledger.read), (0, 0));
    assert_eq!(read(source, "Å tabell").texts(0), some(&["1"]));
    check_many(source);
    check_counting(source);
}

/// `ordnad` has a text as its key, in a collation of its own where the system has such: its bytes count.
fn check_order(source: &mut OdbcSource) {
    let found = read(source, "ordnad");
    assert_eq!(found.texts(0), some(&["Z", "a", "b", "å", "ö"]));
}

/// The long text makes the statement be run again; nothing of it shows.
fn check_many(source: &mut OdbcSource) {
    let schema = table(source, "manga");
    let expected: Vec<_> = (1..=5_000).map(|id: u32| Some(id.to_string())).collect();
    for batch_rows in [5_000, 700] {
        let found = read_table(source, &schema, batch_rows).unwrap();
        assert_eq!(found.texts(0), expected);
        assert!(found.batches.iter().all(|batch| batch.rows() <= batch_rows));
        let long = found.texts(1);
        assert_eq!(long.iter().filter(|text| text.as_deref() == Some("kort")).count(), 4_999);
        assert_eq!(long[4_320].as_ref().unwrap().chars().count(), 20_000);
    }
}

fn check_counting(source: &mut OdbcSource) {
    let mut schema = table(source, "manga");
    schema.columns.clear();
    assert_eq!(read_table(source, &schema, 900).unwrap().ledger.staged, 5_000);
    let mut schema = table(source, "t");
    schema.columns.remove(0);
    assert_eq!(read_table(source, &schema, 1).unwrap().texts(0)[1].as_deref(), Some("Åsa 😀 – ö"));
    schema.columns[0].name = "borta".to_owned();
    let error = read_table(source, &schema, 1).err().unwrap();
    assert!(error.kind() == ErrorKind::Drift && error.to_string().contains("borta"), "{error}");
    schema.name = "borta".to_owned();
    assert_eq!(read_table(source, &schema, 1).err().unwrap().kind(), ErrorKind::Drift);
}

#[test]
fn an_unknown_driver_is_named_with_the_places() {
    let error = open(&access("Driver={Orakel 99};Server=x", None)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Missing);
    let said = error.to_string();
    assert!(
        said.contains("Orakel 99") && said.contains("/etc/odbcinst.ini") && said.contains("SQLite3"),
        "{said}"
    );
}

#[test]
fn a_file_that_is_no_driver_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("no-driver.so");
    std::fs::write(&file, "not a library").unwrap();
    let error = open(&access(&format!("Driver={};Server=x", file.display()), None)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unreadable, "{error}");
    assert!(error.to_string().contains("no-driver.so"), "{error}");
}

//! SQL Server, as the small server of the tests plays it.

use bron_tds::{Fault, Server};
use tempfile::TempDir;

use super::{Reading, TABLE, TABLES, database};

/// The statement that asks for the rows of the table.
const ROWS: &str = "FROM dbo.HANDELSE ORDER BY";

/// A server with the tables of the system, a project that reads it, and the folder of the server's file.
fn served(terms: &str) -> (Server, Reading, TempDir) {
    let copy = tempfile::tempdir().unwrap();
    let file = copy.path().join("warna.sqlite");
    std::fs::copy(database(), &file).unwrap();
    let server = Server::builder().database(&file).name("warna").start().unwrap();
    let port = server.addr().port();
    let address = format!("address = \"mssql://bron@127.0.0.1:{port}/warna\"\npassword = \"file:password\"");
    (server, Reading::new(&format!("{address}\nretry_wait_seconds = 0\n{terms}")), copy)
}

#[test]
fn what_passes_is_tried_again_with_sql_server() {
    let (server, reading, _copy) = served("");
    reading.extract().expect(&[0]);
    let undisturbed = reading.staged();

    // A lock leaves the transaction as it is, and the moment with it.
    reading.forget();
    server.fault(Fault::lock_timeout().on(ROWS).times(2));
    reading.arrives(reading.extract(), 2..=2, &undisturbed);
    assert_eq!(reading.runs().len(), 1);

    // Whatever ends the transaction ends the moment, and nothing on this server says whether anything changed.
    for fault in [Fault::cut_after_rows(3), Fault::deadlock().after_rows(2), Fault::error(3961)] {
        reading.forget();
        server.fault(fault.on(ROWS));
        let ran = reading.arrives(reading.extract(), 1..=1, &undisturbed);
        assert!(ran.stderr.contains("warna: the moment that was read is lost"), "{}", ran.stderr);
        assert_eq!((ran.json()["done"].as_u64(), reading.runs().len()), (Some(TABLES), 2));
    }

    // The database is away when the program comes.
    reading.forget();
    server.fault(Fault::refuse_login(40_613).times(3));
    reading.arrives(reading.extract(), 3..=3, &undisturbed);
}

#[test]
fn a_database_snapshot_is_joined_again() {
    let (server, reading, _copy) = served("snapshot = \"natt\"\nreaders = 3");
    server.create_snapshot("natt").unwrap();
    reading.extract().expect(&[0]);
    let undisturbed = reading.staged();
    reading.forget();
    server.fault(Fault::cut_after_rows(3).on(ROWS));
    server.run("UPDATE dbo.HANDELSE SET typ = N'annat'").unwrap();
    reading.arrives(reading.extract(), 1..=1, &undisturbed);
    assert_eq!(reading.runs().len(), 1, "what was read beside the table stands");
}

#[test]
fn what_does_not_pass_is_told_with_sql_server() {
    let (server, reading, _copy) = served("retries = 1");
    reading.extract().expect(&[0]);
    let undisturbed = reading.staged();

    reading.forget();
    server.fault(Fault::cut_after_rows(3).on(ROWS).times(2));
    reading.fails(reading.extract(), 1, "retryable", &["warna/HANDELSE", "table HANDELSE", "server runs"]);
    reading.arrives(reading.extract(), 0..=0, &undisturbed);

    reading.forget();
    server.deny(TABLE);
    reading.fails(reading.extract(), 1, "config", &["table HANDELSE", "the user may not read this"]);
    server.allow(TABLE);
    reading.arrives(reading.extract(), 0..=0, &undisturbed);

    reading.forget();
    server.fault(Fault::drop_table(TABLE).on(ROWS));
    reading.fails(reading.extract(), 5, "data", &["table HANDELSE", "not there any more"]);
}

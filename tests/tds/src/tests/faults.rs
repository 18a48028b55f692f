//! Faults, as a client meets them.

use super::*;
use crate::Fault;

const ALL: &str = "SELECT ID, Namn FROM dbo.KLIENT ORDER BY ID";

#[test]
fn an_error_comes_after_the_rows_before_it() {
    let server = people();
    server.fault(Fault::deadlock().on("FROM dbo.KLIENT").after_rows(2));
    let mut desk = Desk::new(&server);
    let (rows, error) = {
        let Desk { runtime, client } = &mut desk;
        runtime.block_on(async {
            use futures_util::TryStreamExt;
            let mut stream = client.simple_query(ALL).await.unwrap();
            let mut rows = 0;
            loop {
                match stream.try_next().await {
                    Ok(Some(item)) => rows += usize::from(item.as_row().is_some()),
                    Ok(None) => break (rows, None),
                    Err(error) => break (rows, error.code()),
                }
            }
        })
    };
    assert_eq!((rows, error), (2, Some(1205)));
    assert_eq!(desk.batch(ALL).unwrap().len(), 3);
}

#[test]
fn a_deadlock_ends_the_transaction() {
    let server = people();
    let mut desk = Desk::new(&server);
    desk.batch("BEGIN TRAN; DELETE FROM KLIENT WHERE ID = 1").unwrap();
    server.fault(Fault::deadlock().on("WHERE ID = 2"));
    server.fault(Fault::lock_timeout().on("SELECT"));
    assert_eq!(desk.error("DELETE FROM KLIENT WHERE ID = 3"), None);
    assert_eq!(desk.error(ALL), Some(1222));
    server.fault(Fault::deadlock());
    assert_eq!(desk.error(ALL), Some(1205));
    assert_eq!(desk.value("SELECT @@TRANCOUNT"), whole(0));
    assert_eq!(desk.batch(ALL).unwrap().len(), 3);
}

#[test]
fn a_connection_breaks_where_it_was_told_to() {
    let server = people();
    for fault in [Fault::cut_after_bytes(20), Fault::cut_after_rows(1), Fault::cut_after_bytes(0)] {
        server.fault(fault.on("KLIENT"));
        let mut desk = Desk::new(&server);
        let error = desk.batch(ALL).unwrap_err();
        assert_eq!(error.code(), None, "{error}");
        assert!(desk.batch(ALL).is_err());
        assert_eq!(Desk::new(&server).batch(ALL).unwrap().len(), 3);
    }
}

#[test]
fn a_login_is_refused_once() {
    let server = people();
    server.fault(Fault::refuse_login(40613));
    assert_eq!(Desk::with(&server, config(&server)).err().unwrap().code(), Some(40613));
    assert!(Desk::with(&server, config(&server)).is_ok());
}

#[test]
fn a_client_that_waits_too_long_gives_up() {
    let server = people();
    server.fault(Fault::delay(Duration::from_secs(60)).on("KLIENT"));
    let mut impatient = config(&server);
    impatient.command_timeout(Some(Duration::from_millis(50)));
    let mut desk = Desk::with(&server, impatient).unwrap();
    assert!(desk.batch(ALL).is_err());
}

#[test]
fn a_waiting_statement_is_called_off() {
    let server = people();
    server.fault(Fault::delay(Duration::from_secs(60)).on("KLIENT"));
    let mut desk = Desk::new(&server);
    let Desk { runtime, client } = &mut desk;
    runtime.block_on(async {
        let waiting =
            tokio::time::timeout(Duration::from_millis(50), client.simple_query(ALL)).await.is_err();
        assert!(waiting);
        client.cancel_query().await.unwrap();
    });
    assert_eq!(desk.batch(ALL).unwrap().len(), 3);
}

#[test]
fn snapshots_may_be_forbidden() {
    let server =
        Server::builder().snapshot_isolation(false).script("CREATE TABLE T(ID int)").start().unwrap();
    let mut desk = Desk::new(&server);
    assert_eq!(desk.value("SELECT snapshot_isolation_state FROM sys.databases"), ColumnData::U8(Some(0)));
    desk.batch("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN").unwrap();
    assert_eq!(desk.error("SELECT * FROM T"), Some(3952));
    server.allow_snapshot_isolation(true).unwrap();
    desk.batch("BEGIN TRAN; SELECT * FROM T; COMMIT").unwrap();
}

#[test]
fn a_table_may_be_denied() {
    let server = people();
    server.deny("klient");
    let mut desk = Desk::new(&server);
    let may = "SELECT HAS_PERMS_BY_NAME(N'dbo.KLIENT', N'OBJECT', N'SELECT')";
    assert_eq!(desk.error(ALL), Some(229));
    assert_eq!(desk.error("DELETE FROM KLIENT"), Some(229));
    assert_eq!(desk.value(may), whole(0));
    server.allow("klient");
    assert_eq!(desk.value(may), whole(1));
    server.deny("VIEW CHANGE TRACKING");
    assert_eq!(
        desk.value("SELECT HAS_PERMS_BY_NAME('dbo.KLIENT', 'OBJECT', 'VIEW CHANGE TRACKING')"),
        whole(0)
    );
    assert_eq!(
        desk.value("SELECT HAS_PERMS_BY_NAME('dbo.SAKNAS', 'OBJECT', 'SELECT')"),
        ColumnData::I32(None)
    );
}

#[test]
fn a_table_may_vanish() {
    let server = people();
    server.fault(Fault::drop_table("KLIENT").on("FROM dbo.KLIENT").skip(1));
    let mut desk = Desk::new(&server);
    desk.batch("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN").unwrap();
    assert_eq!(desk.batch(ALL).unwrap().len(), 3);
    assert_eq!(desk.error(ALL), Some(208), "a snapshot holds rows, not the shape of the database");
    server.run("CREATE TABLE KLIENT(ID int, Namn varchar(9))").unwrap();
    desk.batch("COMMIT").unwrap();
    assert_eq!(desk.batch(ALL).unwrap().len(), 0);
}

#[test]
fn statements_are_noted_without_their_literals() {
    let server = people();
    Desk::new(&server).batch("SELECT ID FROM KLIENT WHERE Namn = N'hemlig'; SET NOCOUNT ON").unwrap();
    let noted = ["SELECT ID FROM KLIENT WHERE Namn = literal ;", "SET NOCOUNT ON"];
    assert_eq!(server.statements(), noted);
}

#[test]
fn any_error_ends_a_transaction_where_the_settings_say_so() {
    let server = people();
    server.abort_transactions(true);
    let mut desk = Desk::new(&server);
    for (setting, left) in [("", 0), ("SET XACT_ABORT OFF;", 1), ("SET XACT_ABORT ON;", 0)] {
        server.fault(Fault::lock_timeout().on("FROM KLIENT"));
        desk.batch(&format!("{setting} BEGIN TRANSACTION")).unwrap();
        assert_eq!(desk.error("SELECT ID FROM KLIENT"), Some(1222));
        assert_eq!(desk.value("SELECT @@TRANCOUNT"), whole(left), "{setting}");
        if left > 0 {
            desk.batch("ROLLBACK").unwrap();
        }
    }
}

#[test]
fn a_database_snapshot_that_is_dropped_ends_its_readers_and_can_be_made_again() {
    let server = people();
    let made = "SELECT create_date FROM sys.databases WHERE name = DB_NAME()";
    let in_snapshot = || {
        let mut config = config(&server);
        config.database("Natt");
        Desk::with(&server, config)
    };
    server.create_snapshot("Natt").unwrap();
    let mut before = in_snapshot().unwrap();
    let first = before.value(made);
    server.drop_snapshot("Natt");
    assert!(before.batch(made).is_err() && in_snapshot().is_err());
    server.create_snapshot("Natt").unwrap();
    assert_ne!(in_snapshot().unwrap().value(made), first);
}

#[test]
fn an_answer_stalls_in_the_middle() {
    let server = people();
    server.fault(Fault::stall_after_rows(1, Duration::from_millis(300)).on("FROM KLIENT"));
    let mut desk = Desk::new(&server);
    let began = std::time::Instant::now();
    assert_eq!(desk.batch("SELECT ID FROM KLIENT").unwrap().len(), 3);
    assert!(began.elapsed() >= Duration::from_millis(300));
}

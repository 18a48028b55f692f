//! What goes wrong on the way.

use bron_tds::Fault;

use super::*;

/// Reads the table of persons, which does not come whole.
fn failing(source: &mut MssqlSource) -> Error {
    let error = read(source, "KLIENT", 10).unwrap_err();
    let told = std::error::Error::source(&error).map(ToString::to_string);
    assert!(!format!("{error} {error:?} {told:?}").contains("Örjan"), "{error:?}");
    assert!(error.to_string().contains("table KLIENT"), "{error}");
    error
}

/// The statement that reads the rows, as the server notes it.
const ROWS: &str = "FROM dbo . KLIENT ORDER BY";

#[test]
fn a_connection_that_breaks_is_not_used_again() {
    for fault in [Fault::cut_after_bytes(0), Fault::cut_after_bytes(30), Fault::cut_after_rows(2)] {
        let server = tracked();
        let mut source = open(&access(&server)).unwrap();
        let before = source.fingerprint().unwrap();
        server.fault(fault.on(ROWS));
        assert!(failing(&mut source).is_retryable());
        let error = source.tables().unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Connection, true), "{error}");
        assert!(error.to_string().contains("point in time"), "{error}");
        assert_eq!(server.connections(), 1, "it must not go on at another point in time by itself");
        assert_eq!(source.fingerprint().unwrap(), before);
        assert_eq!(read(&mut source, "KLIENT", 10).unwrap().ledger.read, 3);
        assert_eq!(server.connections(), 2);
    }
}

#[test]
fn a_deadlock_takes_the_point_in_time_with_it() {
    let server = tracked();
    let mut source = open(&access(&server)).unwrap();
    server.fault(Fault::deadlock().on(ROWS).after_rows(1));
    let error = failing(&mut source);
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Busy, true), "{error}");
    assert!(error.to_string().contains("1205"), "{error}");
    assert_eq!(source.tables().unwrap_err().kind(), ErrorKind::Connection);
    source.fingerprint().unwrap();
    assert_eq!(read(&mut source, "KLIENT", 10).unwrap().ledger.read, 3);
}

#[test]
fn a_lock_of_somebody_else_is_waited_for_and_no_longer() {
    let server = tracked();
    let mut source = open(&access(&server)).unwrap();
    server.fault(Fault::lock_timeout().on(ROWS));
    assert_eq!(failing(&mut source).kind(), ErrorKind::Busy);
    assert_eq!(read(&mut source, "KLIENT", 10).unwrap().ledger.read, 3);
    assert_eq!(server.connections(), 1, "the transaction is as it was");
}

#[test]
fn a_statement_that_takes_too_long_is_given_up() {
    let server = tracked();
    let mut access = access(&server);
    access.manners.statement_timeout = Some(Duration::from_millis(300));
    let mut source = open(&access).unwrap();
    server.fault(Fault::delay(Duration::from_secs(60)).on(ROWS));
    let error = failing(&mut source);
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Busy, true), "{error}");
    assert_eq!(source.tables().unwrap_err().kind(), ErrorKind::Connection);
    source.fingerprint().unwrap();
    assert_eq!(server.connections(), 2);
}

#[test]
fn refusals_have_a_kind() {
    let server = tracked();
    let wrong = Access { password: Some("fel".to_owned().into()), ..access(&server) };
    let error = open(&wrong).err().unwrap();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Permission, false), "{error}");
    let elsewhere = Access { snapshot: Some("Saknas".to_owned()), ..access(&server) };
    assert_eq!(open(&elsewhere).err().unwrap().kind(), ErrorKind::Missing);
    server.fault(Fault::refuse_login(40_613));
    assert!(open(&access(&server)).err().unwrap().is_retryable());
    let nowhere = Access::new(Locator::parse("mssql://bron@127.0.0.1:1/Paraply").unwrap());
    assert_eq!(open(&nowhere).err().unwrap().kind(), ErrorKind::Connection);
    let mut source = open(&access(&server)).unwrap();
    server.deny("KLIENT");
    assert_eq!(failing(&mut source).kind(), ErrorKind::Permission);
    server.allow("KLIENT");
    server.fault(Fault::drop_table("KLIENT").on(ROWS));
    source.fingerprint().unwrap();
    assert_eq!(failing(&mut source).kind(), ErrorKind::Drift);
}

#[test]
fn plain_text_is_not_fallen_back_to() {
    let server = tracked();
    let mut access = access(&server);
    let Locator::Mssql(address) = &mut access.locator else { panic!("not a server") };
    address.authorities = Some("ingen-sadan-fil.pem".into());
    let error = open(&access).err().unwrap();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Settings, false), "{error}");
    assert_eq!(server.logins(), []);
}

#[test]
fn whoever_may_not_ask_for_the_life_of_the_database_reads_nevertheless() {
    let server = tracked();
    server.fault(Fault::error(300).on("sys.database_recovery_status").always());
    let mut source = open(&access(&server)).unwrap();
    let first = source.fingerprint().unwrap();
    assert_ne!(source.fingerprint().unwrap(), first);
    assert_eq!(read(&mut source, "KLIENT", 10).unwrap().ledger.read, 3);
}

#[test]
fn the_server_fails_after_some_rows() {
    let server = tracked();
    let mut source = open(&access(&server)).unwrap();
    let klient = table(&mut source, "KLIENT");
    server.fault(Fault::error(823).on(ROWS).after_rows(2));
    let mut reader = source.read(&klient, 1).unwrap();
    assert!(reader.next().unwrap().is_ok() && reader.next().unwrap().is_ok());
    let error = reader.find_map(Result::err).map(Error::from_reader).unwrap();
    assert_eq!(error.kind(), ErrorKind::Database);
    assert!(reader.next().is_none());
}

#[test]
fn reading_is_resumed_where_the_point_stands() {
    let server = tracked();
    let mut source = open(&access(&server)).unwrap();
    let point = source.fingerprint().unwrap();
    server.fault(Fault::lock_timeout().on(ROWS));
    failing(&mut source);
    server.run("INSERT INTO KLIENT VALUES (4, NULL)").unwrap();
    assert_eq!(source.resume().unwrap(), point, "the transaction is as it was");
    assert_eq!(read(&mut source, "KLIENT", 10).unwrap().ledger.read, 3);
    server.fault(Fault::cut_after_rows(1).on(ROWS));
    failing(&mut source);
    assert_ne!(source.resume().unwrap(), point, "somebody wrote");
    assert_eq!(read(&mut source, "KLIENT", 10).unwrap().ledger.read, 4);
    server.fault(Fault::error(3961).on(ROWS));
    assert_eq!(failing(&mut source).kind(), ErrorKind::Outdated);
}

#[test]
fn a_transaction_that_ended_unnoticed_is_not_gone_on_with() {
    let server = tracked();
    let mut source = open(&access(&server)).unwrap();
    let point = source.fingerprint().unwrap();
    source.connected.tell("ROLLBACK").unwrap();
    server.run("INSERT INTO KLIENT VALUES (4, NULL)").unwrap();
    let next = source.resume().unwrap();
    assert_ne!(next, point);
    assert_eq!(read(&mut source, "KLIENT", 10).unwrap().ledger.read, 4);
    source.connected.tell("ROLLBACK").unwrap();
    assert_eq!(source.fingerprint().unwrap(), next, "nothing was written since");
    assert_eq!(server.connections(), 3);
}

#[test]
fn a_point_that_could_not_be_fixed_is_not_taken_for_the_one_before() {
    let server = tracked();
    let mut source = open(&access(&server)).unwrap();
    let point = source.fingerprint().unwrap();
    server.run("INSERT INTO KLIENT VALUES (4, NULL)").unwrap();
    server.fault(Fault::lock_timeout().on("sys.change_tracking_tables"));
    assert_eq!(source.fingerprint().unwrap_err().kind(), ErrorKind::Busy);
    assert_ne!(source.resume().unwrap(), point);
    assert_eq!(read(&mut source, "KLIENT", 10).unwrap().ledger.read, 4);
}

#[test]
fn a_lock_does_not_end_the_transaction_whatever_the_server_is_set_to() {
    let server = tracked();
    server.abort_transactions(true);
    let mut source = open(&access(&server)).unwrap();
    let point = source.fingerprint().unwrap();
    server.fault(Fault::lock_timeout().on(ROWS));
    failing(&mut source);
    server.run("INSERT INTO KLIENT VALUES (4, NULL)").unwrap();
    assert_eq!(source.resume().unwrap(), point);
    assert_eq!(read(&mut source, "KLIENT", 10).unwrap().ledger.read, 3);
}

#[test]
fn a_database_snapshot_that_was_made_anew_is_another_point() {
    let server = tracked();
    server.create_snapshot("Natt").unwrap();
    let access = Access { snapshot: Some("Natt".to_owned()), ..access(&server) };
    let mut source = open(&access).unwrap();
    let first = source.fingerprint().unwrap();
    let mut beside = source.beside().unwrap().unwrap();
    server.fault(Fault::cut_after_rows(1).on(ROWS));
    assert!(read(beside.as_mut(), "KLIENT", 10).is_err());
    assert_eq!(source.resume().unwrap(), first, "the snapshot outlasts who reads it");
    assert_eq!(server.connections(), 2);

    let make_anew = |change: &str| {
        server.drop_snapshot("Natt");
        server.run(change).unwrap();
        server.create_snapshot("Natt").unwrap();
    };
    make_anew("INSERT INTO KLIENT VALUES (4, NULL)");
    let error = source.beside().err().unwrap();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Outdated, true), "{error}");
    assert!(error.to_string().contains("made anew"), "{error}");
    let second = source.fingerprint().unwrap();
    assert_ne!(second, first);
    let mut beside = source.beside().unwrap().unwrap();
    assert_eq!(read(&mut source, "KLIENT", 10).unwrap().ledger.read, 4);
    assert_eq!(read(beside.as_mut(), "KLIENT", 10).unwrap().ledger.read, 4);

    make_anew("INSERT INTO KLIENT VALUES (5, NULL)");
    let third = source.resume().unwrap();
    assert!(third != second && third != first);
    assert_eq!(read(&mut source, "KLIENT", 10).unwrap().ledger.read, 5);
}

//! Change tracking, as a client meets it.

use super::*;

const CHANGES: &str = "SELECT ct.SYS_CHANGE_VERSION, ct.SYS_CHANGE_OPERATION, ct.ID, k.Namn \
                       FROM CHANGETABLE(CHANGES dbo.KLIENT, @P1) AS ct \
                       LEFT OUTER JOIN dbo.KLIENT AS k ON k.ID = ct.ID ORDER BY ct.ID";

fn tracked() -> Server {
    let server = people();
    server.run("ALTER TABLE dbo.KLIENT ENABLE CHANGE_TRACKING").unwrap();
    server
}

#[test]
fn changes_have_the_version_of_their_commit() {
    let server = tracked();
    let mut desk = Desk::new(&server);
    assert_eq!(desk.value("SELECT CHANGE_TRACKING_CURRENT_VERSION()"), long(0));
    let both = "BEGIN TRAN; UPDATE KLIENT SET Namn = 'a' WHERE ID = 1; \
                INSERT INTO KLIENT(ID, Namn) VALUES (4, 'b'); COMMIT";
    server.run(both).unwrap();
    server.run("DELETE FROM KLIENT WHERE ID = 2").unwrap();
    assert_eq!(desk.value("SELECT CHANGE_TRACKING_CURRENT_VERSION()"), long(2));
    let rows = desk.query(CHANGES, &[&0i64]).unwrap();
    assert_eq!(
        rows,
        [
            [long(1), text("U"), whole(1), text("a")],
            [long(2), text("D"), whole(2), ColumnData::String(None)],
            [long(1), text("I"), whole(4), text("b")],
        ]
    );
    assert_eq!(desk.query(CHANGES, &[&1i64]).unwrap().len(), 1);
    assert_eq!(desk.query(CHANGES, &[&2i64]).unwrap(), Vec::<Vec<ColumnData<'_>>>::new());
}

#[test]
fn a_snapshot_holds_versions_and_rows_together() {
    let server = tracked();
    let mut desk = Desk::new(&server);
    desk.batch("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN").unwrap();
    assert_eq!(desk.value("SELECT CHANGE_TRACKING_CURRENT_VERSION()"), long(0));
    server.run("DELETE FROM KLIENT WHERE ID = 2").unwrap();
    assert_eq!(desk.query(CHANGES, &[&0i64]).unwrap().len(), 0);
    assert_eq!(desk.value("SELECT CHANGE_TRACKING_CURRENT_VERSION()"), long(0));
    desk.batch("COMMIT").unwrap();
    assert_eq!(desk.query(CHANGES, &[&0i64]).unwrap().len(), 1);
}

#[test]
fn a_write_carries_its_context_and_its_condition() {
    let server = tracked();
    let mut desk = Desk::new(&server);
    let update = "WITH CHANGE_TRACKING_CONTEXT (0x62726F6E) UPDATE dbo.KLIENT SET Namn = @P1 WHERE ID = @P2 AND \
                  ISNULL((SELECT v.SYS_CHANGE_VERSION FROM CHANGETABLE(VERSION dbo.KLIENT, (ID), (@P2)) AS v), 0) \
                  <= @P3";
    let done = |desk: &mut Desk, seen: i64| {
        let Desk { runtime, client } = desk;
        runtime.block_on(client.execute(update, &[&"vi", &1, &seen])).unwrap().total()
    };
    assert_eq!(done(&mut desk, 0), 1);
    server.run("UPDATE KLIENT SET Namn = 'de' WHERE ID = 1").unwrap();
    assert_eq!(done(&mut desk, 1), 0);
    let context = "SELECT SYS_CHANGE_CONTEXT FROM CHANGETABLE(CHANGES KLIENT, NULL) AS ct";
    assert_eq!(desk.value(context), ColumnData::Binary(None));
    assert_eq!(done(&mut desk, 2), 1);
    assert_eq!(desk.value(context), ColumnData::Binary(Some(b"bron".to_vec().into())));
}

#[test]
fn retention_rewinding_and_truncation_show() {
    let server = tracked();
    let mut desk = Desk::new(&server);
    let first = "SELECT CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID('dbo.KLIENT'))";
    for _ in 0..3 {
        server.run("UPDATE KLIENT SET Enhet = Enhet + 1 WHERE ID = 1").unwrap();
    }
    assert_eq!(desk.value(first), long(0));
    server.forget_changes("KLIENT", 2).unwrap();
    assert_eq!(desk.value(first), long(2));
    server.rewind(1).unwrap();
    assert_eq!(desk.value("SELECT CHANGE_TRACKING_CURRENT_VERSION()"), long(1));
    server.run("TRUNCATE TABLE KLIENT").unwrap();
    assert_eq!(desk.value(first), long(2));
    assert!(server.forget_changes("SAKNAS", 2).is_err());
    let fork = "SELECT CAST(recovery_fork_guid AS nvarchar(36)) FROM sys.database_recovery_status \
                WHERE database_id = DB_ID()";
    let before = desk.value(fork);
    server.set_recovery_fork("00000000-0000-0000-0000-0000000000FF").unwrap();
    assert_ne!(desk.value(fork), before);
}

#[test]
fn without_tracking_there_are_no_versions() {
    let server = tracked();
    let mut desk = Desk::new(&server);
    let tables = "SELECT COUNT(*) FROM sys.change_tracking_tables";
    assert_eq!(desk.value(tables), whole(1));
    server.run("ALTER TABLE KLIENT DISABLE CHANGE_TRACKING").unwrap();
    assert_eq!(desk.value(tables), whole(0));
    assert_eq!(desk.value("SELECT CHANGE_TRACKING_CURRENT_VERSION()"), ColumnData::I64(None));
    assert_eq!(desk.error("SELECT * FROM CHANGETABLE(CHANGES KLIENT, 0) AS ct"), Some(22105));
}

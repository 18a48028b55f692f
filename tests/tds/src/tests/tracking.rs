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

/// The rows that a batch without parameters gives last.
const ADDED: &str = "DECLARE @made TABLE([ID] int); \
                     WITH CHANGE_TRACKING_CONTEXT(0x01) INSERT INTO dbo.AKT(Namn) OUTPUT INSERTED.[ID] INTO @made \
                     VALUES (N'ny'); SELECT [ID] FROM @made";

#[test]
fn an_identity_is_counted_up_and_told() {
    let server = people();
    server.run("CREATE TABLE AKT(ID int IDENTITY(1,1) PRIMARY KEY, Namn nvarchar(9))").unwrap();
    server.run("ALTER TABLE AKT ENABLE CHANGE_TRACKING").unwrap();
    let mut desk = Desk::new(&server);
    assert_eq!(desk.batch(ADDED).unwrap(), [[whole(1)]]);
    server.run("DELETE FROM AKT").unwrap();
    assert_eq!(desk.batch(ADDED).unwrap(), [[whole(2)]], "a number is given once");
    assert_eq!(desk.error("INSERT INTO AKT(ID, Namn) VALUES (9, N'x')"), Some(544));
    let given = "SET IDENTITY_INSERT dbo.AKT ON; INSERT INTO AKT(ID, Namn) VALUES (9, N'x'); \
                 SET IDENTITY_INSERT dbo.AKT OFF";
    desk.batch(given).unwrap();
    assert_eq!(desk.batch(ADDED).unwrap(), [[whole(10)]]);
    assert_eq!(desk.error("UPDATE AKT SET ID = 3"), Some(8102));
    assert_eq!(desk.error("SELECT [ID] FROM @made"), Some(1087), "a variable belongs to its batch");
    assert_eq!(desk.error("CREATE TABLE PAR(A int IDENTITY, B int, PRIMARY KEY (A, B))"), Some(50_000));
}

#[test]
fn a_write_looks_at_the_last_change_of_its_own_row() {
    let server = tracked();
    let mut desk = Desk::new(&server);
    let last =
        "(SELECT v.SYS_CHANGE_VERSION FROM CHANGETABLE(VERSION [dbo].[KLIENT], ([ID]), (p.[ID])) AS v)";
    let mut done = |statement: &str, seen: i64| {
        let sql = format!(
            "{statement} WHERE p.[ID] = 1 AND @P1 >= ISNULL({last}, 0); SELECT CAST(@@ROWCOUNT AS int)"
        );
        desk.query(&sql, &[&seen]).unwrap()
    };
    server.run("UPDATE KLIENT SET Namn = 'de' WHERE ID = 2").unwrap();
    let update = "UPDATE [dbo].[KLIENT] SET [Namn] = 'vi' FROM [dbo].[KLIENT] AS p";
    assert_eq!(done(update, 0), [[whole(1)]], "nobody changed this row");
    assert_eq!(done(update, 1), [[whole(0)]], "the change was at version 2");
    let delete = "DELETE FROM [dbo].[KLIENT] FROM [dbo].[KLIENT] AS p";
    assert_eq!((done(delete, 1), done(delete, 2)), (vec![vec![whole(0)]], vec![vec![whole(1)]]));
}

#[test]
fn what_does_not_fit_is_refused() {
    let server = people();
    server.run("CREATE TABLE T(ID int PRIMARY KEY, A varchar(3), B varbinary(2), C int NOT NULL)").unwrap();
    let mut desk = Desk::new(&server);
    assert_eq!(desk.error("INSERT INTO T VALUES (1, 'abcd', 0x00, 1)"), Some(2628));
    assert_eq!(desk.error("INSERT INTO T VALUES (1, 'abc', 0x000102, 1)"), Some(2628));
    assert_eq!(desk.error("INSERT INTO T(ID) VALUES (1)"), Some(515));
    desk.batch("INSERT INTO T VALUES (1, 'abc   ', 0x00, 1)").unwrap();
    let error = desk.batch("INSERT INTO T VALUES (1, 'x', 0x00, 1)").unwrap_err();
    assert!(error.to_string().contains("'PK_T'"), "{error}");
}

#[test]
fn tracking_that_was_off_began_anew() {
    let server = tracked();
    server.run("UPDATE KLIENT SET Namn = 'a' WHERE ID = 1").unwrap();
    let mut desk = Desk::new(&server);
    let began = "SELECT create_date FROM sys.internal_tables WHERE internal_type_desc = 'CHANGE_TRACKING'";
    let before = desk.value(began);
    server.run("TRUNCATE TABLE KLIENT").unwrap();
    assert_eq!(desk.value(began), before);
    assert_eq!(desk.value("SELECT begin_version FROM sys.change_tracking_tables"), long(2));
    server
        .run("ALTER TABLE KLIENT DISABLE CHANGE_TRACKING; ALTER TABLE KLIENT ENABLE CHANGE_TRACKING")
        .unwrap();
    assert_ne!(desk.value(began), before);
    assert_eq!(desk.value("SELECT CHANGE_TRACKING_CURRENT_VERSION()"), long(0), "versions begin anew");
}

#[test]
fn a_restored_backup_gives_its_versions_again() {
    let server = tracked();
    server.run("UPDATE KLIENT SET Namn = 'a' WHERE ID = 1").unwrap();
    let backup = server.back_up().unwrap();
    server.run("UPDATE KLIENT SET Namn = 'b' WHERE ID = 1").unwrap();
    let mut desk = Desk::new(&server);
    let fork = "SELECT CAST(recovery_fork_guid AS nvarchar(36)) FROM sys.database_recovery_status";
    let before = desk.value(fork);
    server.restore(&backup).unwrap();
    assert!(desk.batch("SELECT 1").is_err(), "a restore ends every connection");
    let mut desk = Desk::new(&server);
    assert_eq!(desk.value("SELECT CHANGE_TRACKING_CURRENT_VERSION()"), long(1));
    assert_eq!(desk.value("SELECT Namn FROM KLIENT WHERE ID = 1"), text("a"));
    assert_ne!(desk.value(fork), before);
    server.run("UPDATE KLIENT SET Namn = 'c' WHERE ID = 2").unwrap();
    assert_eq!(desk.value("SELECT CHANGE_TRACKING_CURRENT_VERSION()"), long(2), "as the change that is gone");
}

#[test]
fn a_version_is_given_at_the_commit() {
    let server = tracked();
    let mut desk = Desk::new(&server);
    let mut neighbour = server.neighbour().unwrap();
    neighbour.run("BEGIN TRANSACTION; UPDATE KLIENT SET Namn = 'a' WHERE ID = 1").unwrap();
    assert_eq!(desk.query(CHANGES, &[&0i64]).unwrap().len(), 0);
    assert_eq!(desk.value("SELECT CHANGE_TRACKING_CURRENT_VERSION()"), long(0));
    neighbour.run("COMMIT").unwrap();
    assert_eq!(desk.query(CHANGES, &[&0i64]).unwrap().len(), 1);
    assert_eq!(format!("{neighbour:?}"), "Neighbour(0 open transactions)");
}

#[test]
fn the_clock_and_the_retention_are_set_from_outside() {
    let server = tracked();
    let mut desk = Desk::new(&server);
    let kept = "SELECT retention_period FROM sys.change_tracking_databases WHERE is_auto_cleanup_on = 1";
    assert_eq!(desk.value(kept), whole(14));
    server.set_retention(30).unwrap();
    assert_eq!(desk.value(kept), whole(30));
    server.set_retention(0).unwrap();
    assert_eq!(desk.batch(kept).unwrap().len(), 0, "nothing is cleaned up");
    let ColumnData::DateTime(Some(before)) = desk.value("SELECT GETUTCDATE()") else { panic!("a moment") };
    server.pass_time(3 * 86_400).unwrap();
    let ColumnData::DateTime(Some(after)) = desk.value("SELECT GETUTCDATE()") else { panic!("a moment") };
    assert!((3..=4).contains(&(after.days() - before.days())));
}

#[test]
fn others_work_between_two_statements() {
    let server = tracked();
    server.fault(crate::Fault::meanwhile("UPDATE KLIENT SET Namn = 'a'").on("SELECT Namn"));
    server.fault(crate::Fault::forget_changes("KLIENT", 1).on("SELECT Enhet"));
    let mut desk = Desk::new(&server);
    assert_eq!(desk.batch("SELECT Namn FROM KLIENT WHERE ID = 1").unwrap(), [[text("a")]]);
    desk.batch("SELECT Enhet FROM KLIENT").unwrap();
    assert_eq!(desk.query(CHANGES, &[&0i64]).unwrap().len(), 0);
}

#[test]
fn who_may_not_see_changes_is_told_so() {
    let server = tracked();
    server.deny("VIEW CHANGE TRACKING");
    let mut desk = Desk::new(&server);
    assert_eq!(desk.error("SELECT * FROM CHANGETABLE(CHANGES KLIENT, 0) AS ct"), Some(229));
}

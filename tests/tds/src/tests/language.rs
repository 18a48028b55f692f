//! What is understood of T-SQL, and that nothing else passes.

use super::*;

#[test]
fn queries() {
    let server = people();
    server.run("CREATE TABLE ENHET([Kod] int PRIMARY KEY, [Namn på enhet] varchar(20) NOT NULL)").unwrap();
    server.run("INSERT INTO ENHET VALUES (10, 'Norr'), (30, 'Syd')").unwrap();
    let mut desk = Desk::new(&server);
    let mut first = |sql: &str| desk.value(sql);
    assert_eq!(first("SELECT TOP (1) ID FROM dbo.KLIENT ORDER BY ID DESC"), whole(3));
    assert_eq!(
        first(
            "SELECT [ID] FROM [Paraply].[dbo].[KLIENT] WITH (NOLOCK) WHERE Namn = 'åsa ' OR Namn = 'ÖRJAN'"
        ),
        whole(2)
    );
    assert_eq!(first("SELECT ID FROM KLIENT ORDER BY ID OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY"), whole(2));
    assert_eq!(first("SELECT COUNT(*) FROM KLIENT WHERE Namn IS NOT NULL AND NOT (Enhet <> 10)"), whole(1));
    assert_eq!(first("SELECT COUNT_BIG(DISTINCT Enhet) FROM KLIENT"), long(2));
    assert_eq!(first("SELECT MAX(ID) FROM KLIENT WHERE Enhet IN (10, 30) AND ID BETWEEN 1 AND 2"), whole(1));
    assert_eq!(first("SELECT Antal = SUM(Enhet) FROM KLIENT GROUP BY Enhet HAVING COUNT(*) > 1"), whole(20));
    assert_eq!(
        first("SELECT CASE WHEN ID = 3 THEN N'c' ELSE N'x' END FROM KLIENT WHERE ID = 3 OPTION (MAXDOP 1)"),
        text("c")
    );
    assert_eq!(first("SELECT k.Namn + N'!' FROM KLIENT k WHERE k.Namn LIKE N'%rj%'"), text("Örjan!"));
    assert_eq!(first("SELECT ISNULL(NULL, 5) + 2 * (3 - 1)"), whole(9));
    assert_eq!(
        first(
            "SELECT e.[Namn på enhet] FROM KLIENT k INNER JOIN ENHET AS e ON e.Kod = k.Enhet WHERE k.ID = 1"
        ),
        text("Norr")
    );
    assert_eq!(
        first("SELECT COUNT(*) FROM KLIENT k LEFT JOIN ENHET e ON e.Kod = k.Enhet WHERE e.Kod IS NULL"),
        whole(1)
    );
    assert_eq!(
        first(
            "SELECT COUNT(*) FROM KLIENT AS k WHERE EXISTS (SELECT 1 FROM ENHET AS e WHERE e.Kod = k.Enhet)"
        ),
        whole(2)
    );
    assert_eq!(first("SELECT (SELECT MAX(Kod) FROM ENHET)"), whole(30));
    assert_eq!(
        first("SELECT MAX(u.ID) FROM (SELECT ID FROM KLIENT UNION ALL SELECT Kod FROM ENHET) AS u"),
        whole(30)
    );
}

#[test]
fn texts_are_sorted_by_their_collation() {
    let server = Server::builder()
        .script("CREATE TABLE T(V varchar(9)); INSERT INTO T VALUES ('b'), ('A'), ('a'), ('C')")
        .start()
        .unwrap();
    let mut desk = Desk::new(&server);
    let mut sorted = |order: &str| {
        let rows = desk.batch(&format!("SELECT V FROM T ORDER BY V {order}")).unwrap();
        rows.into_iter().flatten().collect::<Vec<_>>()
    };
    assert_eq!(sorted("COLLATE Latin1_General_BIN2"), ["A", "C", "a", "b"].map(text));
    assert_eq!(sorted("")[2..], ["b", "C"].map(text));
}

#[test]
fn conversions() {
    let server = Server::builder()
        .script("CREATE TABLE T(ID int PRIMARY KEY, Belopp money, Fran datetime)")
        .script("INSERT INTO T VALUES (1, 12.5, '2024-02-29 10:00:00.123')")
        .start()
        .unwrap();
    let mut desk = Desk::new(&server);
    let exact = tiberius::numeric::Numeric::new_with_scale(125_000, 4);
    assert_eq!(desk.value("SELECT CAST(Belopp AS decimal(19, 4)) FROM T"), ColumnData::Numeric(Some(exact)));
    assert_eq!(desk.value("SELECT COUNT(*) FROM T WHERE Fran < '2024-03-01'"), whole(1));
    assert_eq!(desk.value("SELECT CONVERT(nvarchar(20), ID) FROM T"), text("1"));
    let bytes = |bytes: &[u8]| ColumnData::Binary(Some(bytes.to_vec().into()));
    assert_eq!(desk.value("SELECT CAST(N'å' AS varbinary(max))"), bytes(&[0xe5, 0]));
    assert_eq!(desk.value("SELECT CAST(CAST(0x00D8 AS nvarchar(5)) AS varbinary(9))"), bytes(&[0, 0xd8]));
    assert_eq!(desk.error("SELECT CAST(Fran AS nvarchar(30)) FROM T"), Some(8117));
    assert_eq!(desk.error("SELECT CAST(N'x' AS int)"), Some(8114));
}

#[test]
fn what_is_not_understood_is_an_error() {
    let server = people();
    let mut desk = Desk::new(&server);
    for (sql, number) in [
        ("SELECT * FROM SAKNAS", 208),
        ("SELECT * FROM sys.dm_exec_requests", 208),
        ("SELECT * FROM Annan.dbo.KLIENT", 208),
        ("SELECT Saknas FROM KLIENT", 207),
        ("SELECT ID FROM KLIENT a, KLIENT b", 209),
        ("SELECT SOUNDEX(Namn) FROM KLIENT", 195),
        ("SELECT CHECKSUM_AGG(ID) FROM KLIENT", 195),
        ("SELECT @P1", 137),
        ("SELECT FROM KLIENT", 156),
        ("SELECT ID FROM KLIENT FOR XML AUTO", 156),
        ("SELECT ID, FROM KLIENT", 156),
        ("SELECT ID FROM KLIENT WHERE", 102),
        ("SELECT ID FROM KLIENT ORDER BY ID LIMIT 1", 102),
        ("SELECT 'abc", 105),
        ("SELEC ID FROM KLIENT", 102),
        ("EXEC sp_help", 156),
        ("MERGE KLIENT USING KLIENT ON 1 = 1", 156),
        ("SET FINT ON", 102),
        ("SELECT CAST(ID AS heltal) FROM KLIENT", 2715),
        ("SELECT ID FROM KLIENT UNION ALL SELECT ID, Namn FROM KLIENT", 205),
        ("SELECT ID FROM KLIENT ORDER BY Namn COLLATE Klingon_CI_AS", 448),
        ("SELECT CAST(Namn AS ntext) AS n FROM KLIENT ORDER BY n", 306),
        ("INSERT INTO KLIENT(ID) VALUES (1, 2)", 213),
        ("INSERT INTO KLIENT(ID) VALUES (1)", 2627),
        ("SELECT ID FROM KLIENT; SELECT Saknas FROM KLIENT", 207),
        ("COMMIT", 3902),
        ("ROLLBACK TRAN", 3903),
        ("USE Annan", 911),
    ] {
        assert_eq!(desk.error(sql), Some(number), "{sql}");
    }
    assert_eq!(desk.value("SELECT COUNT(*) FROM KLIENT"), whole(3));
}

#[test]
fn the_server_describes_itself() {
    let server = people();
    let mut desk = Desk::new(&server);
    let columns = "SELECT c.name, t.name, c.max_length, c.is_nullable FROM sys.columns AS c \
                   JOIN sys.types AS t ON t.user_type_id = c.user_type_id \
                   WHERE c.object_id = OBJECT_ID(N'[dbo].[KLIENT]') ORDER BY c.column_id";
    let rows = desk.batch(columns).unwrap();
    let row = |name, kind, length, nullable| {
        [text(name), text(kind), ColumnData::I16(Some(length)), ColumnData::Bit(Some(nullable))]
    };
    assert_eq!(
        rows,
        [row("ID", "int", 4, false), row("Namn", "nvarchar", 100, true), row("Enhet", "int", 4, true)]
    );
    let rows = "SELECT SUM(p.rows) FROM sys.partitions p WHERE p.object_id = OBJECT_ID('KLIENT') \
                AND p.index_id IN (0, 1)";
    assert_eq!(desk.value(rows), long(3));
    let key = "SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE WHERE TABLE_NAME = 'klient'";
    assert_eq!(desk.value(key), text("ID"));
    let state = "SELECT snapshot_isolation_state FROM sys.databases WHERE name = DB_NAME()";
    assert_eq!(desk.value(state), ColumnData::U8(Some(1)));
    assert_eq!(
        desk.value("SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128))"),
        text("16.0.1000.6")
    );
    let ColumnData::String(Some(version)) = desk.value("SELECT @@VERSION") else { panic!("a text") };
    assert!(version.starts_with("Microsoft SQL Server"));
    assert_eq!(desk.value("SELECT OBJECT_ID('SAKNAS')"), ColumnData::I32(None));
}

#[test]
fn settings_are_taken_and_kept() {
    let server = people();
    let mut desk = Desk::new(&server);
    desk.batch("SET NOCOUNT ON; SET XACT_ABORT ON; SET DEADLOCK_PRIORITY LOW; SET LOCK_TIMEOUT 50;").unwrap();
    assert_eq!(desk.value("SELECT @@LOCK_TIMEOUT"), whole(50));
    let mut other = Desk::new(&server);
    desk.batch("BEGIN TRAN; UPDATE KLIENT SET Namn = 'x' WHERE ID = 1").unwrap();
    other.batch("SET LOCK_TIMEOUT 50").unwrap();
    assert_eq!(other.error("UPDATE KLIENT SET Namn = 'y' WHERE ID = 2"), Some(1222));
    desk.batch("ROLLBACK").unwrap();
    other.batch("UPDATE KLIENT SET Namn = 'y' WHERE ID = 2").unwrap();
}

#[test]
fn a_snapshot_transaction_sees_one_point() {
    let server = people();
    let count = "SELECT COUNT(*) FROM KLIENT";
    let mut desk = Desk::new(&server);
    desk.batch("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION").unwrap();
    assert_eq!(desk.value(count), whole(3));
    server.run("DELETE FROM KLIENT WHERE ID = 1").unwrap();
    assert_eq!(desk.value(count), whole(3));
    assert_eq!(desk.error("UPDATE KLIENT SET Enhet = 1 WHERE ID = 2"), Some(3960));
    assert_eq!(desk.value("SELECT @@TRANCOUNT"), whole(0));
    assert_eq!(desk.value(count), whole(2));
}

#[test]
fn any_other_transaction_looks_anew() {
    let server = people();
    let count = "SELECT COUNT(*) FROM KLIENT";
    let mut desk = Desk::new(&server);
    desk.batch("BEGIN TRANSACTION").unwrap();
    assert_eq!(desk.value(count), whole(3));
    server.run("DELETE FROM KLIENT WHERE ID = 1").unwrap();
    assert_eq!(desk.value(count), whole(2));
    desk.batch("SAVE TRAN mitt; DELETE FROM KLIENT; ROLLBACK TRAN mitt; COMMIT").unwrap();
    assert_eq!(desk.value(count), whole(2));
}

#[test]
fn transactions_are_controlled_by_request() {
    let server = people();
    let mut desk = Desk::new(&server);
    let Desk { runtime, client } = &mut desk;
    runtime.block_on(client.begin_transaction_with_isolation(tiberius::IsolationLevel::Snapshot)).unwrap();
    assert_eq!(desk.value("SELECT @@TRANCOUNT"), whole(1));
    desk.batch("DELETE FROM KLIENT").unwrap();
    let Desk { runtime, client } = &mut desk;
    runtime.block_on(client.rollback_transaction()).unwrap();
    assert_eq!(desk.value("SELECT COUNT(*) FROM KLIENT"), whole(3));
}

#[test]
fn a_database_snapshot_stays_as_it_was() {
    let server = people();
    server.create_snapshot("Paraply_natt").unwrap();
    server.run("TRUNCATE TABLE KLIENT").unwrap();
    let mut asked = config(&server);
    asked.database("Paraply_natt");
    let mut desk = Desk::with(&server, asked).unwrap();
    assert_eq!(desk.value("SELECT COUNT(*) FROM KLIENT"), whole(3));
    assert_eq!(desk.error("DELETE FROM KLIENT"), Some(3906));
    let source = "SELECT DB_NAME() FROM sys.databases WHERE source_database_id IS NOT NULL";
    assert_eq!(desk.value(source), text("Paraply_natt"));
    desk.batch("USE Paraply").unwrap();
    assert_eq!(desk.value("SELECT COUNT(*) FROM KLIENT"), whole(0));
}

#[test]
fn tables_change_their_shape() {
    let server = people();
    let mut desk = Desk::new(&server);
    server
        .run("ALTER TABLE KLIENT ADD Epost varchar(100) NULL; ALTER TABLE KLIENT DROP COLUMN Enhet")
        .unwrap();
    let rows = desk.batch("SELECT * FROM KLIENT WHERE ID = 1").unwrap();
    assert_eq!(rows, [[whole(1), text("Åsa"), ColumnData::String(None)]]);
    server.run("DROP TABLE KLIENT").unwrap();
    assert_eq!(desk.error("SELECT * FROM KLIENT"), Some(208));
    assert!(server.run("CREATE TABLE X(ID hexa)").unwrap_err().to_string().contains("2715"));
}

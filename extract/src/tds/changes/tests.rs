//! Against the small server of the tests, and what any server can be asked also against the one that the environment
//! names.

use std::time::Duration;

use bron_tds::Fault;

use super::*;
use crate::source::tests::reading::read;
use crate::tds::tests::bench::{self, Bench};
use crate::tds::tests::{TEXTS, access, tracked};
use crate::tds::writer::{GivenRow, MssqlWriter, WriteOutcome};

fn follower(bench: &Bench, tables: &[&str]) -> MssqlChanges {
    MssqlChanges::new(&bench.access(), tables.iter().map(|&name| name.to_owned()).collect()).unwrap()
}

fn text(text: &str) -> FoundValue {
    FoundValue::Text(text.to_owned())
}

fn key(id: &str) -> FoundRow {
    FoundRow::from([("ID".to_owned(), text(id))])
}

fn given(values: &[(&str, Option<&str>)]) -> GivenRow {
    values.iter().map(|(name, value)| ((*name).to_owned(), value.map(text))).collect()
}

/// The version that is now.
fn now(follower: &mut MssqlChanges) -> u64 {
    follower.state().unwrap().current.unwrap()
}

/// The changes of a table since a version: the key, the column `Namn` where the row is there, and the mark.
type Told = (String, Option<String>, Option<Vec<u8>>);

fn told(follower: &mut MssqlChanges, table: &str, since: u64) -> Vec<Told> {
    let mut rows = follower.changes(|_| Some(since)).unwrap().rows.unwrap().remove(table).unwrap();
    rows.sort_by(|one, other| one.key.cmp(&other.key));
    let of =
        |row: &FoundRow, name: &str| row.get(name).and_then(FoundValue::text).unwrap_or("NULL").to_owned();
    rows.iter()
        .map(|row| (of(&row.key, "ID"), row.row.as_ref().map(|row| of(row, "Namn")), row.context.clone()))
        .collect()
}

fn is(id: &str, name: &str) -> Told {
    (id.to_owned(), Some(name.to_owned()), None)
}

fn is_gone(id: &str) -> Told {
    (id.to_owned(), None, None)
}

#[test]
fn a_change_has_the_values_that_reading_the_table_gives() {
    bench::each_tracking(|bench| {
        let columns = TEXTS.iter().enumerate().map(|(at, (declared, ..))| format!("c{at} {declared} NULL"));
        let columns: Vec<String> = columns.collect();
        let name =
            bench.create_tracked(&format!("(ID int PRIMARY KEY, Bild varbinary(9), {})", columns.join(", ")));
        let mut follower = follower(bench, &[&name]);
        let before = now(&mut follower);
        let values: Vec<&str> = TEXTS.iter().map(|(_, value, _)| *value).collect();
        bench.run(&format!("INSERT INTO {name} VALUES (1, 0x00FF, {})", values.join(", ")));
        bench.run(&format!("INSERT INTO {name}(ID) VALUES (2)"));
        let found = read(&mut bench.open(), &name, 10).unwrap();
        let changed = follower.changes(|_| Some(before)).unwrap().rows.unwrap().remove(&name).unwrap();
        let chunk = follower.chunk(&name, None, 10).unwrap();
        for (at, id) in ["1", "2"].into_iter().enumerate() {
            let row = changed.iter().find(|row| row.key == key(id)).unwrap().row.clone().unwrap();
            assert_eq!(chunk.rows[at], KeyedRow { key: key(id), row: row.clone() });
            assert_eq!(row.contains_key("Bild"), id == "1", "NULL is not there");
            for (column, (declared, ..)) in TEXTS.iter().enumerate() {
                let expected = found.texts(column + 2)[at].clone().map(FoundValue::Text);
                assert_eq!(row.get(&format!("c{column}")).cloned(), expected, "{declared}");
            }
        }
        assert_eq!(
            changed.iter().find_map(|row| row.row.as_ref()?.get("Bild").cloned()),
            Some(FoundValue::Bytes(vec![0, 255]))
        );
        assert_eq!(chunk.at, now(&mut follower));
    });
}

#[test]
fn c11_several_changes_of_a_row_come_as_what_became_of_it() {
    bench::each_tracking(|bench| {
        let name = bench.create_tracked("(ID int PRIMARY KEY, Namn nvarchar(20))");
        bench.run(&format!("INSERT INTO {name} VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')"));
        let mut follower = follower(bench, &[&name]);
        let before = now(&mut follower);
        for change in [
            "INSERT INTO {} VALUES (9, 'kort')",
            "UPDATE {} SET Namn = 'kortare' WHERE ID = 9",
            "DELETE FROM {} WHERE ID = 9",
            "DELETE FROM {} WHERE ID = 1; INSERT INTO {} VALUES (1, 'igen')",
            "UPDATE {} SET ID = 5 WHERE ID = 2",
            "UPDATE {} SET Namn = CASE ID WHEN 3 THEN 'd' ELSE 'c' END WHERE ID IN (3, 4)",
        ] {
            bench.run(&change.replace("{}", &name));
        }
        let expected =
            [is("1", "igen"), is_gone("2"), is("3", "d"), is("4", "c"), is("5", "b"), is_gone("9")];
        assert_eq!(told(&mut follower, &name, before), expected);
        let after = now(&mut follower);
        assert_eq!(told(&mut follower, &name, after), []);
    });
}

#[test]
fn l2_an_edit_that_was_not_seen_yet_is_not_written_over() {
    bench::each_tracking(|bench| {
        let name = bench.create_tracked("(ID int PRIMARY KEY, Namn nvarchar(20))");
        bench.run(&format!("INSERT INTO {name} VALUES (1, 'a'), (2, 'b')"));
        let mut follower = follower(bench, &[&name]);
        let seen = now(&mut follower);
        let mut writer = MssqlWriter::new(&bench.access()).unwrap();
        bench.run(&format!("UPDATE {name} SET Namn = 'handläggaren' WHERE ID = 1"));
        let mut writing = writer.begin(b"bron:7").unwrap();
        let wrote = writing.update(&name, &key("1"), &given(&[("Namn", Some("bron"))]), seen).unwrap();
        let WriteOutcome::Changed(row) = wrote else { panic!("{wrote:?}") };
        assert_eq!(row["Namn"], text("handläggaren"));
        let other = writing.update(&name, &key("2"), &given(&[("Namn", Some("bron"))]), seen).unwrap();
        assert!(matches!(other, WriteOutcome::Written(Some(_))), "{other:?}");
        writing.commit().unwrap();
        let expected =
            [is("1", "handläggaren"), ("2".to_owned(), Some("bron".to_owned()), Some(b"bron:7".to_vec()))];
        assert_eq!(told(&mut follower, &name, seen), expected, "the edit surfaces, and only ours is marked");
        // Having seen it, we may.
        let seen = now(&mut follower);
        let mut writing = writer.begin(b"bron:8").unwrap();
        writing.update(&name, &key("1"), &given(&[("Namn", Some("bron"))]), seen).unwrap();
        writing.commit().unwrap();
        let last = writer.begin(b"").unwrap().last_change(&name, &key("1")).unwrap().unwrap();
        assert_eq!(last.context.as_deref(), Some(&b"bron:8"[..]));
        assert!(last.version > Some(seen));
        // Without the condition the edit would have gone without a trace: only the last mark is told.
        bench.run(&format!("UPDATE {name} SET Namn = 'handläggaren' WHERE ID = 2"));
        bench.run(&format!(
            "WITH CHANGE_TRACKING_CONTEXT(0x62726F6E) UPDATE {name} SET Namn = 'bron' WHERE ID = 2"
        ));
        let masked = told(&mut follower, &name, seen).remove(1);
        assert_eq!(masked, ("2".to_owned(), Some("bron".to_owned()), Some(b"bron".to_vec())));
    });
}

#[test]
fn whoever_changes_a_row_during_a_transaction_ends_it() {
    let server = tracked();
    let mut writer = MssqlWriter::new(&access(&server)).unwrap();
    let mut writing = writer.begin(b"bron:1").unwrap();
    assert!(writing.row("KLIENT", &key("1")).unwrap().is_some());
    server.run("UPDATE KLIENT SET Namn = 'de' WHERE ID = 1").unwrap();
    let error = writing.update("KLIENT", &key("1"), &given(&[("Namn", Some("vi"))]), 0).unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Busy, true), "{error}");
    assert_eq!(writing.commit().unwrap_err().kind(), ErrorKind::Connection);
    let row = writer.begin(b"").unwrap().row("KLIENT", &key("1")).unwrap().unwrap();
    assert_eq!(row["Namn"], text("de"));
}

#[test]
fn every_type_is_written_as_it_is_read() {
    bench::each_tracking(|bench| {
        let columns = TEXTS.iter().enumerate().map(|(at, (declared, ..))| format!("c{at} {declared} NULL"));
        let columns: Vec<String> = columns.collect();
        let name = bench.create_tracked(&format!(
            "(ID int PRIMARY KEY, Bild varbinary(9), Trasig nvarchar(9), {})",
            columns.join(", ")
        ));
        let mut row: GivenRow = (TEXTS.iter().enumerate())
            .map(|(at, (.., shown))| (format!("c{at}"), Some(text(shown))))
            .collect();
        row.insert("ID".to_owned(), Some(text("7")));
        row.insert("Bild".to_owned(), Some(FoundValue::Bytes(vec![0, 255])));
        row.insert("Trasig".to_owned(), Some(FoundValue::Bytes(vec![0, 0xd8])));
        let mut writer = MssqlWriter::new(&bench.access()).unwrap();
        let mut writing = writer.begin(b"bron:1").unwrap();
        let made = writing.insert(&name, &row).unwrap();
        let WriteOutcome::Written(Some(made)) = made else { panic!("{made:?}") };
        assert_eq!(
            made.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect::<GivenRow>(),
            row
        );
        // NULL, and back again.
        let nulls: GivenRow = row.keys().map(|name| (name.clone(), None)).collect();
        let wrote = writing.update(&name, &key("7"), &nulls, 1 << 40).unwrap();
        assert_eq!(wrote, WriteOutcome::Written(Some(key("7"))));
        let wrote = writing.update(&name, &key("7"), &row, 1 << 40).unwrap();
        assert_eq!(wrote, WriteOutcome::Written(Some(made)));
        assert_eq!(
            writing.insert(&name, &row).unwrap(),
            WriteOutcome::Present(writing.row(&name, &key("7")).unwrap().unwrap())
        );
        assert_eq!(writing.delete(&name, &key("7"), 1 << 40).unwrap(), WriteOutcome::Written(None));
        assert_eq!(writing.delete(&name, &key("7"), 1 << 40).unwrap(), WriteOutcome::Absent);
        assert_eq!(writing.update(&name, &key("7"), &row, 1 << 40).unwrap(), WriteOutcome::Absent);
        drop(writing);
        assert_eq!(read(&mut bench.open(), &name, 10).unwrap().ledger.read, 0, "nothing was committed");
    });
}

#[test]
fn a_key_that_the_server_counts_up_is_told() {
    bench::each_tracking(|bench| {
        let name = bench.create_tracked("(ID int IDENTITY(1,1) PRIMARY KEY, Namn nvarchar(20))");
        let mut writer = MssqlWriter::new(&bench.access()).unwrap();
        let mut writing = writer.begin(b"bron:1").unwrap();
        let mut made = |row: &GivenRow| {
            let outcome = writing.insert(&name, row).unwrap();
            let WriteOutcome::Written(Some(row)) = outcome else { panic!("{outcome:?}") };
            row["ID"].clone()
        };
        assert_eq!(made(&given(&[("Namn", Some("ett"))])), text("1"));
        assert_eq!(
            made(&given(&[("ID", Some("40")), ("Namn", Some("fyrtio"))])),
            text("40"),
            "a given key is kept"
        );
        assert_eq!(made(&given(&[("Namn", None)])), text("41"), "and counted on from");
        writing.commit().unwrap();
        assert_eq!(told(&mut follower(bench, &[&name]), &name, 0).len(), 3);
    });
}

#[test]
fn values_that_do_not_fit_end_the_transaction_and_are_not_told() {
    bench::each_tracking(|bench| {
        let name = bench.create_tracked("(ID int PRIMARY KEY, Namn nvarchar(5) NOT NULL, Nr int)");
        bench.run(&format!("INSERT INTO {name} VALUES (1, 'a', 1), (2, 'b', 2)"));
        let mut writer = MssqlWriter::new(&bench.access()).unwrap();
        for (values, codes) in [
            (given(&[("Namn", Some("för långt"))]), &[2628, 8152][..]),
            (given(&[("Namn", None)]), &[515]),
            (given(&[("Nr", Some("hemligt"))]), &[245, 8114]),
        ] {
            let mut writing = writer.begin(b"bron:1").unwrap();
            writing.update(&name, &key("2"), &given(&[("Nr", Some("9"))]), 1 << 40).unwrap();
            let wrote = writing.update(&name, &key("1"), &values, 1 << 40).unwrap();
            let WriteOutcome::Refused { code, .. } = wrote else { panic!("{wrote:?}") };
            assert!(codes.contains(&code), "{code}");
            assert!(!format!("{wrote:?}").contains("hemligt"));
            assert_eq!(writing.commit().unwrap_err().kind(), ErrorKind::Connection, "nothing more is done");
        }
        let mut writing = writer.begin(b"bron:1").unwrap();
        let row = writing.row(&name, &key("2")).unwrap().unwrap();
        assert_eq!(row["Nr"], text("2"), "what came before the refused value is gone with it");
        let error = writing.update(&name, &key("2"), &given(&[("Saknas", None)]), 0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Drift);
    });
}

#[test]
fn what_was_applied_is_noted_in_the_same_transaction() {
    let server = tracked();
    server.run("CREATE TABLE bron_applied(Del nvarchar(20), Nr bigint, PRIMARY KEY (Del))").unwrap();
    let del = |name: &str| FoundRow::from([("Del".to_owned(), text(name))]);
    let mut writer = MssqlWriter::new(&access(&server)).unwrap();
    for number in ["1", "2"] {
        let mut writing = writer.begin(b"bron:1").unwrap();
        let value = given(&[("Namn", Some(number))]);
        writing.update("KLIENT", &key("1"), &value, 1 << 40).unwrap();
        writing.note("bron_applied", &del("kö"), &given(&[("Nr", Some(number))])).unwrap();
        writing.commit().unwrap();
    }
    let mut writing = writer.begin(b"bron:3").unwrap();
    writing.note("bron_applied", &del("kö"), &given(&[("Nr", Some("3"))])).unwrap();
    drop(writing);
    let mut writing = writer.begin(b"").unwrap();
    let row = writing.row("bron_applied", &del("kö")).unwrap().unwrap();
    assert_eq!(row["Nr"], text("2"), "what was not committed was not noted");
    let error = writing.note("KLIENT", &key("1"), &GivenRow::new()).unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Settings,
        "a table of the city's is never written without its condition"
    );
    drop(writing);
    // Who only holds a row excludes the others as well.
    let mut writing = writer.begin(b"").unwrap();
    writing.row("bron_applied", &del("kö")).unwrap();
    server.run("UPDATE bron_applied SET Nr = 9").unwrap();
    let error = writing.note("bron_applied", &del("kö"), &GivenRow::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    drop(writing);
    let mut writing = writer.begin(b"").unwrap();
    let error = writing.note("bron_applied", &del("kö"), &given(&[("Nr", Some("hemligt"))])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Database);
    assert!(!error.to_string().contains("hemligt"), "{error}");
}

#[test]
fn a_write_of_nothing_has_the_same_condition() {
    let server = tracked();
    server.run("UPDATE KLIENT SET Namn = N'de' WHERE ID = 1").unwrap();
    let mut writer = MssqlWriter::new(&access(&server)).unwrap();
    let mut writing = writer.begin(b"bron:1").unwrap();
    let mut nothing = |id: &str, seen| writing.update("KLIENT", &key(id), &GivenRow::new(), seen).unwrap();
    assert!(matches!(nothing("1", 0), WriteOutcome::Changed(_)));
    assert!(matches!(nothing("1", 1), WriteOutcome::Written(Some(_))));
    assert!(matches!(nothing("2", 0), WriteOutcome::Written(Some(_))));
    assert_eq!(nothing("9", 0), WriteOutcome::Absent);
}

#[test]
fn c7_a_commit_between_two_tables_is_in_both_or_in_none() {
    let server = tracked();
    server
        .run("CREATE TABLE AKT(ID int PRIMARY KEY, Namn nvarchar(9)); ALTER TABLE AKT ENABLE CHANGE_TRACKING")
        .unwrap();
    let tables = vec!["KLIENT".to_owned(), "AKT".to_owned()];
    let mut follower = MssqlChanges::new(&access(&server), tables).unwrap();
    let both =
        "BEGIN TRANSACTION; INSERT INTO KLIENT VALUES (9, N'ny'); INSERT INTO AKT VALUES (90, N'ny'); COMMIT";
    server.run("UPDATE KLIENT SET Namn = N'före' WHERE ID = 1").unwrap();
    server.fault(Fault::meanwhile(both).on("CHANGETABLE(CHANGES [dbo].[AKT]"));
    let mut counts = || {
        let found = follower.changes(|_| Some(0)).unwrap();
        (found.state.current, found.rows.unwrap().values().map(Vec::len).collect::<Vec<_>>())
    };
    assert_eq!(counts(), (Some(1), vec![0, 1]), "the commit is in none");
    assert_eq!(counts(), (Some(2), vec![1, 2]));
    assert_eq!(server.connections(), 1);
}

#[test]
fn c15_a_reading_that_broke_is_made_again_on_another_connection() {
    for fault in [
        Fault::cut_after_rows(1),
        Fault::cut_after_bytes(40),
        Fault::deadlock().after_rows(1),
        Fault::error(823).after_rows(1),
        Fault::stall_after_rows(1, Duration::from_secs(60)),
        Fault::delay(Duration::from_secs(60)),
    ] {
        let server = tracked();
        server.run("UPDATE KLIENT SET Namn = N'ny'").unwrap();
        let mut access = access(&server);
        access.manners.statement_timeout = Some(Duration::from_millis(300));
        let mut follower = MssqlChanges::new(&access, vec!["KLIENT".to_owned()]).unwrap();
        server.fault(fault.on("CHANGETABLE(CHANGES"));
        let error = follower.changes(|_| Some(0)).unwrap_err();
        assert!(error.to_string().contains("KLIENT") && !error.to_string().contains("ny"), "{error}");
        assert_eq!(told(&mut follower, "KLIENT", 0), ["1", "2", "3"].map(|id| is(id, "ny")));
        assert_eq!(server.connections(), 2);
    }
}

#[test]
fn a_table_is_read_in_chunks_of_its_keys() {
    bench::each_tracking(|bench| {
        let name = bench.create_tracked("(ID nvarchar(9), Nr int, Namn nvarchar(9), PRIMARY KEY (ID, Nr))");
        let rows = "(N'å', 1), (N'ä', 1), (N'A', 1), (N'A', 2), (N'z', 1), (N'ö', 1), (N'aa', 1)";
        bench.run(&format!("INSERT INTO {name}(ID, Nr) VALUES {rows}"));
        let mut follower = follower(bench, &[&name]);
        let (mut keys, mut after) = (Vec::new(), None);
        loop {
            let chunk = follower.chunk(&name, after.as_ref(), 2).unwrap();
            assert!(chunk.rows.len() <= 2);
            keys.extend(chunk.rows.iter().map(|row| row.key["ID"].clone()));
            after = chunk.rows.last().map(|row| row.key.clone());
            if !chunk.more {
                break;
            }
        }
        let expected = ["A", "A", "aa", "z", "ä", "å", "ö"].map(text);
        assert_eq!(keys, expected);
        assert_eq!(follower.chunk(&name, Some(&FoundRow::new()), 2).unwrap_err().kind(), ErrorKind::Drift);
    });
}

#[test]
fn what_says_whether_changes_can_be_read() {
    let server = tracked();
    server.run("CREATE TABLE bron_bookmark(life nvarchar(40) PRIMARY KEY, number bigint)").unwrap();
    server.run("INSERT INTO bron_bookmark VALUES ('x', 3)").unwrap();
    let mut follower =
        MssqlChanges::new(&access(&server), vec!["KLIENT".to_owned(), "SAKNAS".to_owned()]).unwrap();
    let state = follower.state().unwrap();
    assert_eq!((state.current, state.bookmark, state.retention), (Some(0), Some(3), Some(14 * 86_400)));
    assert_eq!(state.life.bookmark.as_deref(), Some("x"));
    assert!(state.life.fork.is_some() && state.life.made.is_some());
    assert_eq!(state.tables.keys().collect::<Vec<_>>(), ["KLIENT"]);
    let table = &state.tables["KLIENT"];
    assert_eq!((table.min_valid, table.key.as_slice()), (Some(0), &["ID".to_owned()][..]));
    assert_eq!(follower.changes(|_| Some(0)).unwrap_err().kind(), ErrorKind::Drift, "a table is missing");
    // What may not be seen is not known, and nothing worse.
    server.fault(Fault::error(300).on("recovery_fork_guid").always());
    server.deny("bron_bookmark");
    let blind = follower.state().unwrap();
    assert_eq!((blind.life.fork.clone(), blind.bookmark), (None, None));
    assert!(blind.life.may_be(&state.life));
    server.allow("bron_bookmark");
    let mut writer = MssqlWriter::new(&access(&server)).unwrap();
    let mut writing = writer.begin(b"").unwrap();
    assert!(writing.bookmark(5).unwrap() && !writing.bookmark(4).unwrap());
    writing.commit().unwrap();
    assert_eq!(follower.state().unwrap().bookmark, Some(5));
    server.run("ALTER TABLE KLIENT ADD Ny int NULL").unwrap();
    assert_ne!(follower.state().unwrap().schema(), state.schema());
    // The clean-up keeps an account of itself where the server is new enough.
    assert_eq!(follower.last_cleanup().unwrap(), None);
    server.run("CREATE TABLE MSChange_tracking_history(end_time datetime)").unwrap();
    server.run("INSERT INTO MSChange_tracking_history VALUES ('2026-01-02T03:04:05')").unwrap();
    assert_eq!(follower.last_cleanup().unwrap().as_deref(), Some("2026-01-02 03:04:05"));
    // The database that is written to is followed, and not a copy for readers.
    assert!(server.logins().iter().all(|login| !login.read_only));
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let server = tracked();
    let follow = |access: &Access, tables: usize| {
        MssqlChanges::new(access, vec!["KLIENT".to_owned(); tables]).err().map(|error| error.kind())
    };
    let usual = access(&server);
    assert_eq!(
        (follow(&usual, 1), follow(&usual, 0), follow(&usual, 2001)),
        (None, Some(ErrorKind::Settings), Some(ErrorKind::Settings))
    );
    let snapshot = Access { snapshot: Some("Natt".to_owned()), ..usual.clone() };
    assert_eq!(follow(&snapshot, 1), Some(ErrorKind::Settings));
    assert_eq!(MssqlWriter::new(&snapshot).err().unwrap().kind(), ErrorKind::Settings);
    let elsewhere = Access::new(crate::access::Locator::parse("postgres://bron@127.0.0.1/x").unwrap());
    assert_eq!(follow(&elsewhere, 1), Some(ErrorKind::Settings));
    let mut writer = MssqlWriter::new(&usual).unwrap();
    assert_eq!(writer.begin(&[0; 129]).err().unwrap().kind(), ErrorKind::Settings);
    server.allow_snapshot_isolation(false).unwrap();
    let mut follower = MssqlChanges::new(&usual, vec!["KLIENT".to_owned()]).unwrap();
    let error = follower.state().unwrap_err();
    assert!(error.to_string().contains("SNAPSHOT"), "{error}");
    server.run("CREATE TABLE UTAN(ID int)").unwrap();
    server.allow_snapshot_isolation(true).unwrap();
    let mut follower = MssqlChanges::new(&usual, vec!["UTAN".to_owned()]).unwrap();
    assert!(follower.chunk("UTAN", None, 1).unwrap_err().to_string().contains("primary key"));
}

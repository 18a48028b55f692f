//! Against the SQL Server of the tests: what goes wrong at a source, by the numbers of the checklist.

use std::collections::BTreeMap;
use std::time::Duration;

use bron_extract::{GivenRow, Locator, MssqlWriter, WriteOutcome};
use bron_tds::{Fault, Server};

use super::*;
use crate::ownership::Owner;

const SCRIPT: &str = "\
    CREATE TABLE KLIENT(ID int PRIMARY KEY, Namn nvarchar(20)); \
    CREATE TABLE AKT(Nr int, KLIENT_ID int, Rubrik nvarchar(20), PRIMARY KEY (KLIENT_ID, Nr)); \
    INSERT INTO KLIENT VALUES (1, N'ett'), (2, N'två'), (3, N'tre'); \
    INSERT INTO AKT VALUES (1, 1, N'akt'); \
    ALTER TABLE KLIENT ENABLE CHANGE_TRACKING; ALTER TABLE AKT ENABLE CHANGE_TRACKING";
const ALL: Budget = Budget { changes: 1_000 };

fn server() -> Server {
    Server::builder().script(SCRIPT).start().unwrap()
}

fn access(server: &Server) -> Access {
    let address = format!("mssql://bron@127.0.0.1:{}/Paraply", server.addr().port());
    let access = Access::new(Locator::parse(&address).unwrap());
    Access { password: Some("bron".to_owned().into()), ..access }
}

fn table(name: &str, key: &[&str]) -> FollowedTable {
    let key = key.iter().map(|&column| column.to_owned()).collect();
    FollowedTable { name: name.to_owned(), key, columns: None }
}

fn follow(access: &Access, tables: Vec<FollowedTable>) -> ChangeTracking {
    let stream = Stream { source: "paraply".to_owned(), from: Owner::Legacy };
    ChangeTracking::new(access, stream, "paraply", tables).unwrap()
}

fn tables() -> Vec<FollowedTable> {
    vec![table("KLIENT", &["ID"]), table("AKT", &["Nr", "KLIENT_ID"])]
}

fn source(server: &Server) -> ChangeTracking {
    follow(&access(server), tables())
}

fn klient(id: &str) -> SourceKey {
    SourceKey::new("paraply", "KLIENT", [Some(id)])
}

fn akt(number: &str, klient: &str) -> SourceKey {
    SourceKey::new("paraply", "AKT", [Some(number), Some(klient)])
}

fn klient_row(id: &str, name: &str) -> Image {
    let text = |text: &str| SourceText::Text(text.to_owned());
    Image::new([("ID".to_owned(), text(id)), ("Namn".to_owned(), text(name))].into())
}

/// The keys of a cut with what is said of each row: whether it is there.
fn said(cut: &Cut) -> Vec<(SourceKey, bool)> {
    cut.changes.iter().map(|change| (change.key.clone(), change.after.is_some())).collect()
}

fn kind(found: Result<Cut>) -> ErrorKind {
    found.unwrap_err().kind()
}

/// The version that everything up to is in a cut.
fn through(cut: &Cut) -> u64 {
    cut.complete_through.major
}

#[test]
fn a_cut_tells_of_every_table_in_the_order_of_the_commits() {
    let server = server();
    let mut source = source(&server);
    let begin = source.now().unwrap();
    server.run("INSERT INTO AKT VALUES (2, 2, N'först')").unwrap();
    let both = "INSERT INTO AKT VALUES (1, 9, N'ny'); INSERT INTO KLIENT VALUES (9, N'ny')";
    server.run(&format!("BEGIN TRANSACTION; {both}; COMMIT")).unwrap();
    server.run("DELETE FROM KLIENT WHERE ID = 3").unwrap();
    let cut = source.poll(&begin, ALL).unwrap();
    let expected = [(akt("2", "2"), true), (klient("9"), true), (akt("1", "9"), true), (klient("3"), false)];
    assert_eq!(said(&cut), expected, "parents come before children in one transaction");
    assert_eq!(cut.changes[1].after, Some(klient_row("9", "ny")));
    let versions: Vec<(u64, u64)> =
        cut.changes.iter().map(|change| (change.version.major, change.version.minor)).collect();
    assert_eq!(versions, [(1, 1), (2, 0), (2, 1), (3, 0)]);
    assert_eq!((through(&cut), &cut.from), (3, &begin));
    assert!(cut.changes.iter().all(|change| change.version <= cut.complete_through));
    assert_eq!(cut.incarnation, source.incarnation().unwrap());
    assert_eq!(source.poll(&cut.next, ALL).unwrap().changes, []);
    let guarantee = source.guarantee("KLIENT");
    assert!(guarantee.deletes && !guarantee.intermediate_states && !guarantee.before_image);
    assert_eq!(guarantee.order, Order::Commit);
}

#[test]
fn c1_what_was_not_journaled_is_told_again() {
    let server = server();
    let mut first = source(&server);
    let begin = first.now().unwrap();
    server.run("UPDATE KLIENT SET Namn = N'ny' WHERE ID = 1; DELETE FROM AKT").unwrap();
    let cut = first.poll(&begin, ALL).unwrap();
    // The process dies before the journal has it: another one begins at the same place.
    drop(first);
    let mut second = source(&server);
    assert_eq!(second.poll(&begin, ALL).unwrap(), cut);
    // It dies after the journal has it, and goes on behind it: nothing comes twice.
    drop(second);
    assert_eq!(source(&server).poll(&cut.next, ALL).unwrap().changes, []);
}

#[test]
fn c2_a_position_that_the_source_no_longer_has_is_expired() {
    let server = server();
    let mut source = source(&server);
    let begin = source.now().unwrap();
    for _ in 0..3 {
        server.run("UPDATE KLIENT SET Namn = N'ny' WHERE ID = 1; UPDATE AKT SET Rubrik = N'ny'").unwrap();
    }
    let middle = source.poll(&begin, ALL).unwrap().next;
    server.run("DELETE FROM KLIENT WHERE ID = 2").unwrap();
    server.forget_changes("KLIENT", 6).unwrap();
    server.forget_changes("AKT", 6).unwrap();
    let expired = Validity::Expired { tables: vec!["AKT".to_owned(), "KLIENT".to_owned()] };
    assert_eq!(source.validity(&begin).unwrap(), expired);
    let error = source.poll(&begin, ALL).unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Expired, false));
    assert!(error.to_string().ends_with("for AKT, KLIENT"), "{error}");
    assert_eq!(
        kind(source.poll(&begin, ALL)),
        ErrorKind::Expired,
        "it stays so: nothing begins anew by itself"
    );
    assert_eq!(
        said(&source.poll(&middle, ALL).unwrap()),
        [(klient("2"), false)],
        "a later position is valid"
    );
}

#[test]
fn c3_a_truncated_table_is_expired_and_no_other() {
    let server = server();
    let mut whole = source(&server);
    let begin = whole.now().unwrap();
    server.run("UPDATE KLIENT SET Namn = N'ny' WHERE ID = 1; TRUNCATE TABLE AKT").unwrap();
    assert_eq!(whole.validity(&begin).unwrap(), Validity::Expired { tables: vec!["AKT".to_owned()] });
    assert_eq!(kind(whole.poll(&begin, ALL)), ErrorKind::Expired);
    // The other tables are followed on from the same position.
    let mut rest = follow(&access(&server), vec![table("KLIENT", &["ID"])]);
    let cut = rest.poll(&begin, ALL).unwrap();
    assert_eq!(said(&cut), [(klient("1"), true)]);
    // A table that was left out was not read, and cannot be taken in again at a later position.
    server.run("INSERT INTO AKT VALUES (7, 1, N'efter')").unwrap();
    assert_eq!(whole.validity(&cut.next).unwrap(), Validity::Expired { tables: vec!["AKT".to_owned()] });
}

#[test]
fn c4_tracking_that_was_off_or_counts_down_is_a_rewound_source() {
    let off = "ALTER TABLE KLIENT DISABLE CHANGE_TRACKING; ALTER TABLE AKT DISABLE CHANGE_TRACKING";
    let on = "ALTER TABLE KLIENT ENABLE CHANGE_TRACKING; ALTER TABLE AKT ENABLE CHANGE_TRACKING";
    let server = server();
    let mut source = source(&server);
    server
        .run("UPDATE KLIENT SET Namn = N'a' WHERE ID = 1; UPDATE KLIENT SET Namn = N'b' WHERE ID = 1")
        .unwrap();
    let begin = source.now().unwrap();
    server.run("ALTER TABLE AKT DISABLE CHANGE_TRACKING").unwrap();
    let Validity::Silent { reason } = source.validity(&begin).unwrap() else { panic!("it tracks nothing") };
    assert!(reason.contains("AKT"), "{reason}");
    assert_eq!(kind(source.poll(&begin, ALL)), ErrorKind::Drift);
    server.run("ALTER TABLE AKT ENABLE CHANGE_TRACKING").unwrap();
    assert_eq!(source.validity(&begin).unwrap(), Validity::Rewound);
    let begin = source.now().unwrap();
    server.run(off).unwrap();
    assert!(matches!(source.validity(&begin).unwrap(), Validity::Silent { .. }));
    assert_eq!(source.now().unwrap_err().kind(), ErrorKind::Drift, "no stream begins here");
    server.run(&format!("UPDATE KLIENT SET Namn = N'osedd' WHERE ID = 2; {on}")).unwrap();
    assert_eq!(kind(source.poll(&begin, ALL)), ErrorKind::Rewound, "versions began anew, below the position");
    for _ in 0..4 {
        server.run("UPDATE KLIENT SET Namn = N'c' WHERE ID = 1").unwrap();
    }
    assert_eq!(
        kind(source.poll(&begin, ALL)),
        ErrorKind::Rewound,
        "they have passed it, and other changes have them"
    );
    let begin = source.now().unwrap();
    server.rewind(1).unwrap();
    assert_eq!(source.validity(&begin).unwrap(), Validity::Rewound);
}

#[test]
fn c5_a_restored_backup_is_known_also_when_its_versions_have_passed_the_position() {
    let server = server();
    let mut source = source(&server);
    let backup = server.back_up().unwrap();
    server.run("UPDATE KLIENT SET Namn = N'förlorad' WHERE ID = 1").unwrap();
    let begin = source.now().unwrap();
    let before = source.incarnation().unwrap();
    server.restore(&backup).unwrap();
    assert_eq!(kind(source.poll(&begin, ALL)), ErrorKind::Connection, "a restore ends every connection");
    assert_eq!(kind(source.poll(&begin, ALL)), ErrorKind::Rewound);
    for name in ["annan", "än en"] {
        server.run(&format!("UPDATE KLIENT SET Namn = N'{name}' WHERE ID = 2")).unwrap();
    }
    assert_eq!(kind(source.poll(&begin, ALL)), ErrorKind::Rewound, "version 1 is another change now");
    assert_ne!(source.incarnation().unwrap(), before);
}

#[test]
fn c5_a_bookmark_knows_a_restored_backup_where_the_fork_may_not_be_seen() {
    let server = server();
    server.fault(Fault::error(300).on("recovery_fork_guid").always());
    server
        .run(
            "CREATE TABLE bron_bookmark(life nvarchar(40) PRIMARY KEY, number bigint);
             INSERT INTO bron_bookmark VALUES (N'a', 1)",
        )
        .unwrap();
    let mut source = source(&server);
    let backup = server.back_up().unwrap();
    let mut writer = MssqlWriter::new(&access(&server)).unwrap();
    let mut writing = writer.begin(b"").unwrap();
    assert!(writing.bookmark(2).unwrap());
    writing.commit().unwrap();
    let begin = source.now().unwrap();
    server.restore(&backup).unwrap();
    server.run("UPDATE KLIENT SET Namn = N'annan' WHERE ID = 2").unwrap();
    drop(source.validity(&begin));
    assert_eq!(source.validity(&begin).unwrap(), Validity::Rewound);
    server.run("DELETE FROM bron_bookmark").unwrap();
    assert_eq!(
        source.validity(&begin).unwrap(),
        Validity::Rewound,
        "a bookmark that is gone is an older content"
    );
}

#[test]
fn c6_a_clean_up_during_a_poll_takes_nothing_from_it() {
    let server = server();
    let mut source = source(&server);
    let begin = source.now().unwrap();
    server
        .run("UPDATE KLIENT SET Namn = N'ny' WHERE ID = 1; UPDATE KLIENT SET Namn = N'ny' WHERE ID = 2")
        .unwrap();
    server.fault(Fault::forget_changes("KLIENT", 2).on("CHANGETABLE(CHANGES [dbo].[KLIENT]"));
    let cut = source.poll(&begin, ALL).unwrap();
    assert_eq!(said(&cut), [(klient("1"), true), (klient("2"), true)]);
    assert_eq!(kind(source.poll(&begin, ALL)), ErrorKind::Expired, "only now they are gone");
    assert_eq!(source.poll(&cut.next, ALL).unwrap().changes, []);
}

#[test]
fn c7_a_commit_between_two_tables_of_a_poll_is_in_neither() {
    let server = server();
    let mut source = source(&server);
    let begin = source.now().unwrap();
    server.run("UPDATE KLIENT SET Namn = N'före' WHERE ID = 1; UPDATE AKT SET Rubrik = N'före'").unwrap();
    let all = "BEGIN TRANSACTION; INSERT INTO KLIENT VALUES (9, N'ny'); INSERT INTO AKT VALUES (1, 9, N'ny'); \
               UPDATE AKT SET Rubrik = N'efter' WHERE KLIENT_ID = 1; COMMIT";
    server.fault(Fault::meanwhile(all).on("CHANGETABLE(CHANGES [dbo].[AKT]"));
    let cut = source.poll(&begin, ALL).unwrap();
    assert_eq!(said(&cut), [(klient("1"), true), (akt("1", "1"), true)], "no child without its parent");
    let heading = |change: &Change| change.after.as_ref().unwrap().columns()["Rubrik"].clone();
    assert_eq!(
        heading(&cut.changes[1]),
        SourceText::Text("före".to_owned()),
        "as it was at the moment of the poll"
    );
    let cut = source.poll(&cut.next, ALL).unwrap();
    assert_eq!(said(&cut), [(klient("9"), true), (akt("1", "1"), true), (akt("1", "9"), true)]);
    assert_eq!(cut.changes[0].version.major, cut.changes[2].version.major);
}

#[test]
fn c8_a_transaction_that_stays_open_across_polls_is_not_missed() {
    let server = server();
    let mut source = source(&server);
    let mut place = source.now().unwrap();
    let mut neighbour = server.neighbour().unwrap();
    neighbour.run("BEGIN TRANSACTION; UPDATE KLIENT SET Namn = N'öppen' WHERE ID = 1").unwrap();
    for _ in 0..3 {
        let cut = source.poll(&place, ALL).unwrap();
        assert_eq!((cut.changes.len(), through(&cut)), (0, 0), "nothing uncommitted is told");
        place = cut.next;
    }
    neighbour.run("INSERT INTO AKT VALUES (5, 1, N'sen'); COMMIT").unwrap();
    server.run("UPDATE KLIENT SET Namn = N'senare' WHERE ID = 2").unwrap();
    let cut = source.poll(&place, ALL).unwrap();
    assert_eq!(said(&cut), [(klient("1"), true), (akt("5", "1"), true), (klient("2"), true)]);
}

#[test]
fn c9_an_idle_source_keeps_its_position_valid_and_its_headroom_whole() {
    let server = server();
    let mut source = source(&server);
    let day = 86_400;
    let begin = source.now().unwrap();
    let headroom = |source: &mut ChangeTracking, place: &Position| {
        let found = source.validity(place).unwrap();
        let Validity::Valid { headroom_seconds } = found else { panic!("{found:?}") };
        headroom_seconds
    };
    // A poll right afterwards has nothing to say, and the next begins at the same place.
    assert_eq!(source.poll(&begin, ALL).unwrap().next, begin);
    // Longer than the retention nothing happens, and the clean-up runs.
    server.pass_time(20 * 86_400).unwrap();
    server.forget_changes("KLIENT", 0).unwrap();
    assert_eq!(headroom(&mut source, &begin), Some(14 * day), "nothing follows the position");
    let cut = source.poll(&begin, ALL).unwrap();
    assert_eq!((cut.changes.len(), through(&cut)), (0, 0));
    assert_ne!(cut.next, begin, "the position says since when nothing has followed");
    server.run("UPDATE KLIENT SET Namn = N'ny' WHERE ID = 1").unwrap();
    server.pass_time(4 * 86_400).unwrap();
    let left = headroom(&mut source, &cut.next).unwrap();
    assert!((10 * day - 60..=10 * day).contains(&left), "{left}");
    assert_eq!(said(&source.poll(&cut.next, ALL).unwrap()), [(klient("1"), true)]);
    server.pass_time(30 * 86_400).unwrap();
    assert_eq!(headroom(&mut source, &cut.next), Some(0), "what follows may go at any moment");
    server.set_retention(0).unwrap();
    assert_eq!(headroom(&mut source, &cut.next), None, "nothing is cleaned up");
}

#[test]
fn c11_what_happened_to_a_row_between_two_polls_comes_as_its_state() {
    let server = server();
    let mut source = source(&server);
    let begin = source.now().unwrap();
    for change in [
        "INSERT INTO KLIENT VALUES (8, N'kort'); UPDATE KLIENT SET Namn = N'k' WHERE ID = 8",
        "DELETE FROM KLIENT WHERE ID = 8",
        "DELETE FROM KLIENT WHERE ID = 1; INSERT INTO KLIENT VALUES (1, N'igen')",
        "UPDATE KLIENT SET ID = 7 WHERE ID = 2",
        "UPDATE AKT SET Nr = 4",
    ] {
        server.run(change).unwrap();
    }
    let cut = source.poll(&begin, ALL).unwrap();
    let states: BTreeMap<SourceKey, Option<Image>> =
        cut.changes.iter().map(|change| (change.key.clone(), change.after.clone())).collect();
    assert_eq!(states.len(), cut.changes.len(), "every key comes once");
    let there: Vec<&SourceKey> = states.iter().filter(|(_, row)| row.is_some()).map(|(key, _)| key).collect();
    assert_eq!(there, [&akt("4", "1"), &klient("1"), &klient("7")]);
    assert_eq!(states[&klient("1")], Some(klient_row("1", "igen")));
    assert_eq!(states.len(), 6, "and those that are gone: the old number of the akt, clients 2 and 8");
}

#[test]
fn c11_values_that_two_rows_exchange_come_together() {
    let server = server();
    let mut source = source(&server);
    let begin = source.now().unwrap();
    server
        .run("UPDATE KLIENT SET Namn = CASE ID WHEN 1 THEN N'två' ELSE N'ett' END WHERE ID IN (1, 2)")
        .unwrap();
    let cut = source.poll(&begin, ALL).unwrap();
    let rows: Vec<Option<Image>> = cut.changes.iter().map(|change| change.after.clone()).collect();
    assert_eq!(rows, [Some(klient_row("1", "två")), Some(klient_row("2", "ett"))]);
    assert_eq!(cut.changes[0].version, cut.changes[1].version);
}

#[test]
fn c15_a_poll_that_broke_in_the_middle_is_read_whole_on_another_connection() {
    for fault in [
        Fault::cut_after_rows(1),
        Fault::cut_after_bytes(30),
        Fault::stall_after_rows(1, Duration::from_secs(60)),
        Fault::delay(Duration::from_secs(60)),
        Fault::deadlock().after_rows(1),
    ] {
        let server = server();
        let mut access = access(&server);
        access.manners.statement_timeout = Some(Duration::from_millis(300));
        let mut source = follow(&access, tables());
        let begin = source.now().unwrap();
        server.run("UPDATE KLIENT SET Namn = N'ny'; UPDATE AKT SET Rubrik = N'ny'").unwrap();
        server.fault(fault.on("CHANGETABLE(CHANGES [dbo].[KLIENT]"));
        let error = source.poll(&begin, ALL).unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert!(!error.to_string().contains("ny"), "{error}");
        assert_eq!(source.poll(&begin, ALL).unwrap().changes.len(), 4);
        assert_eq!(server.connections(), 2, "the connection was given up, and nothing came of it");
    }
}

#[test]
fn a_table_that_was_altered_is_drift() {
    let server = server();
    let mut source = source(&server);
    let begin = source.now().unwrap();
    let before = source.poll(&begin, ALL).unwrap().schema;
    server.run("ALTER TABLE KLIENT ADD Epost nvarchar(50) NULL").unwrap();
    let Validity::Drift { schema } = source.validity(&begin).unwrap() else { panic!("another shape") };
    assert_ne!(schema, before);
    assert_eq!(kind(source.poll(&begin, ALL)), ErrorKind::Drift);
    server.run("DROP TABLE AKT").unwrap();
    assert!(matches!(source.validity(&begin).unwrap(), Validity::Drift { .. }));
}

#[test]
fn columns_that_nobody_wants_are_not_read() {
    let server = server();
    let only =
        FollowedTable { columns: Some(["Rubrik".to_owned()].into()), ..table("AKT", &["Nr", "KLIENT_ID"]) };
    let mut source =
        follow(&access(&server), vec![FollowedTable { columns: Some(BTreeSet::new()), ..only.clone() }]);
    let begin = source.now().unwrap();
    server.run("UPDATE AKT SET Rubrik = N'ny'").unwrap();
    let names = |row: Option<&Image>| row.unwrap().columns().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(source.poll(&begin, ALL).unwrap().changes[0].after.as_ref()), ["KLIENT_ID", "Nr"]);
    assert_eq!(names(source.read_chunk("AKT", None, 1).unwrap().rows.values().next()), ["KLIENT_ID", "Nr"]);
    let mut source = follow(&access(&server), vec![only.clone()]);
    assert_eq!(
        names(source.poll(&begin, ALL).unwrap().changes[0].after.as_ref()),
        ["KLIENT_ID", "Nr", "Rubrik"]
    );
    let missing = FollowedTable { columns: Some(["Saknas".to_owned()].into()), ..only };
    assert_eq!(kind(follow(&access(&server), vec![missing]).poll(&begin, ALL)), ErrorKind::Drift);
}

#[test]
fn l2_an_edit_before_our_write_surfaces_and_would_be_masked_without_the_precondition() {
    let server = server();
    let mut source = source(&server);
    let begin = source.now().unwrap();
    let key = FoundRow::from([("ID".to_owned(), FoundValue::Text("1".to_owned()))]);
    let ours: GivenRow = [("Namn".to_owned(), Some(FoundValue::Text("bron".to_owned())))].into();
    server.run("UPDATE KLIENT SET Namn = N'handläggaren' WHERE ID = 1").unwrap();
    let mut writer = MssqlWriter::new(&access(&server)).unwrap();
    let mut writing = writer.begin(&bridge_context("17").unwrap()).unwrap();
    let outcome = writing.update("KLIENT", &key, &ours, 0).unwrap();
    assert!(matches!(outcome, WriteOutcome::Changed(_)), "{outcome:?}");
    drop(writing);
    let cut = source.poll(&begin, ALL).unwrap();
    assert_eq!(cut.changes[0].after, Some(klient_row("1", "handläggaren")));
    assert_eq!(cut.changes[0].mark, Mark::None, "the edit is a person's");
    // Once it has been seen, the write is made and known again.
    let mut writing = writer.begin(&bridge_context("18").unwrap()).unwrap();
    let outcome = writing.update("KLIENT", &key, &ours, through(&cut)).unwrap();
    assert!(matches!(outcome, WriteOutcome::Written(_)), "{outcome:?}");
    writing.commit().unwrap();
    let echo = source.poll(&cut.next, ALL).unwrap();
    assert_eq!(echo.changes[0].mark, Mark::Bridge("18".to_owned()));
    // Without the condition, an edit that nobody has seen is gone, and what is left carries our mark.
    server.run("UPDATE KLIENT SET Namn = N'handläggaren' WHERE ID = 1").unwrap();
    server
        .run("WITH CHANGE_TRACKING_CONTEXT(0x62726F6E3A39) UPDATE KLIENT SET Namn = N'bron' WHERE ID = 1")
        .unwrap();
    let masked = source.poll(&echo.next, ALL).unwrap();
    assert_eq!(masked.changes.len(), 1);
    assert_eq!(masked.changes[0].mark, Mark::Bridge("9".to_owned()));
    assert_eq!(masked.changes[0].after, Some(klient_row("1", "bron")));
}

/// What a follower makes of chunks and cuts: a state is taken when it is not older than the one that it has.
#[derive(Default)]
struct Copy(BTreeMap<SourceKey, (Version, Option<Image>)>);

impl Copy {
    fn take(&mut self, key: SourceKey, version: Version, row: Option<Image>) {
        let known = self.0.get(&key).map(|(version, _)| *version);
        if known.is_none_or(|known| version >= known) {
            self.0.insert(key, (version, row));
        }
    }

    fn take_chunk(&mut self, chunk: Chunk) {
        for (key, row) in chunk.rows {
            self.take(key, chunk.at, Some(row));
        }
    }

    fn take_cut(&mut self, cut: Cut) -> Position {
        for change in cut.changes {
            self.take(change.key, change.version, change.after);
        }
        cut.next
    }

    fn rows(&self) -> BTreeMap<SourceKey, Image> {
        self.0.iter().filter_map(|(key, (_, row))| Some((key.clone(), row.clone()?))).collect()
    }
}

/// When a change is made or a cut taken, among the steps of a seed of two chunks: before, within or after each.
const MOMENTS: usize = 5;

#[test]
fn s1_chunks_and_changes_come_to_the_same_in_every_order() {
    let changes = [
        "UPDATE KLIENT SET Namn = N'ny' WHERE ID = {}",
        "DELETE FROM KLIENT WHERE ID = {}",
        "DELETE FROM KLIENT WHERE ID = {}; INSERT INTO KLIENT VALUES ({}, N'igen')",
        "INSERT INTO KLIENT VALUES (1{}, N'mer')",
        "UPDATE KLIENT SET ID = 2{} WHERE ID = {}",
    ];
    for change in changes {
        for (id, changed) in ["1", "3"].into_iter().flat_map(|id| (0..MOMENTS).map(move |at| (id, at))) {
            for polled in 0..MOMENTS {
                seed_with(&change.replace("{}", id), changed, polled);
            }
        }
    }
}

/// Seeds a copy from two chunks of two rows, makes a change at one moment and polls at another and at the end.
fn seed_with(change: &str, changed: usize, polled: usize) {
    let server = server();
    let mut source = follow(&access(&server), vec![table("KLIENT", &["ID"])]);
    let mut copy = Copy::default();
    let rows = |source: &mut ChangeTracking| source.read_chunk("KLIENT", None, 100).unwrap().rows;
    let before = rows(&mut source);
    let mut place = source.now().unwrap();
    let mut after = None;
    for moment in 0..MOMENTS {
        // The odd moments are those in the middle of a chunk: the change is made while its rows are read.
        let in_a_chunk = moment % 2 == 1;
        if changed == moment {
            match in_a_chunk {
                true => server.fault(Fault::meanwhile(change).on("OFFSET literal ROWS")),
                false => server.run(change).unwrap(),
            }
        }
        if in_a_chunk {
            let chunk = source.read_chunk("KLIENT", after.as_ref(), 2).unwrap();
            after = chunk.rows.last_key_value().map(|(key, _)| key.clone()).or(after);
            copy.take_chunk(chunk);
        }
        if polled == moment {
            let cut = source.poll(&place, ALL).unwrap();
            place = copy.take_cut(cut);
        }
    }
    copy.take_cut(source.poll(&place, ALL).unwrap());
    let now = rows(&mut source);
    assert_ne!(now, before, "the change was made");
    assert_eq!(copy.rows(), now, "{change}, at {changed}, polled at {polled}");
}

#[test]
fn s2_a_seed_goes_on_where_a_process_that_died_had_come_to() {
    let server = server();
    let rows: Vec<String> = (10..60).map(|id| format!("({id}, N'n')")).collect();
    server.run(&format!("INSERT INTO KLIENT VALUES {}", rows.join(", "))).unwrap();
    let (mut found, mut after) = (BTreeMap::new(), None);
    loop {
        // Another process for every chunk.
        let chunk = source(&server).read_chunk("KLIENT", after.as_ref(), 7).unwrap();
        assert_eq!(chunk.at, Version { major: 1, minor: u64::MAX });
        after = chunk.rows.last_key_value().map(|(key, _)| key.clone());
        found.extend(chunk.rows);
        if !chunk.more {
            break;
        }
    }
    assert_eq!(found.len(), 53);
}

#[test]
fn s3_keys_that_a_collation_calls_equal_or_orders_otherwise_are_all_read() {
    let server = Server::builder()
        .script(
            "CREATE TABLE KOD(Kod nvarchar(9) PRIMARY KEY, V int);
             INSERT INTO KOD(Kod) VALUES (N'å'), (N'ä'), (N'ö'), (N'A'), (N'aa'), (N'b'), (N'zzzz'), (N'é');
             ALTER TABLE KOD ENABLE CHANGE_TRACKING",
        )
        .start()
        .unwrap();
    for new_process in [false, true] {
        let mut source = follow(&access(&server), vec![table("KOD", &["Kod"])]);
        let (mut found, mut after) = (BTreeMap::new(), None);
        loop {
            if new_process {
                source = follow(&access(&server), vec![table("KOD", &["Kod"])]);
            }
            let chunk = source.read_chunk("KOD", after.as_ref(), 3).unwrap();
            after = chunk.rows.last_key_value().map(|(key, _)| key.clone());
            found.extend(chunk.rows);
            if !chunk.more {
                break;
            }
        }
        assert_eq!(found.len(), 8);
    }
}

#[test]
fn s5_a_stream_that_has_seen_nothing_does_not_begin_at_the_beginning() {
    let server = server();
    server.run("UPDATE KLIENT SET Namn = N'före' WHERE ID = 1").unwrap();
    let begin = source(&server).now().unwrap();
    assert_eq!(source(&server).poll(&begin, ALL).unwrap().changes, []);
}

#[test]
fn what_is_no_position_or_key_of_it_is_refused() {
    let server = server();
    let mut source = source(&server);
    let wrong = Position("7".to_owned());
    assert_eq!(source.validity(&wrong).unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(kind(source.poll(&wrong, ALL)), ErrorKind::Config);
    for key in [
        SourceKey::new("vodok", "KLIENT", [Some("1")]),
        akt("1", "1"),
        SourceKey::new("paraply", "KLIENT", [None]),
    ] {
        assert_eq!(source.read_chunk("KLIENT", Some(&key), 1).unwrap_err().kind(), ErrorKind::Config);
    }
    assert_eq!(source.read_chunk("SAKNAS", None, 1).unwrap_err().kind(), ErrorKind::Config);
    let mut other_key = follow(&access(&server), vec![table("AKT", &["Nr"])]);
    let begin = other_key.now().unwrap();
    server.run("UPDATE AKT SET Rubrik = N'ny'").unwrap();
    assert_eq!(kind(other_key.poll(&begin, ALL)), ErrorKind::Config);
    assert!(bridge_context(&"x".repeat(124)).is_err());
    assert_eq!(mark(&bridge_context("17").unwrap()), Mark::Bridge("17".to_owned()));
    assert_eq!(mark(b"annan"), Mark::None);
}

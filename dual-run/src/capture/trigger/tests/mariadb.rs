use bron_servers::MariaDbServer;

use super::*;

pub(in crate::capture) fn world() -> World {
    let server = MariaDbServer::start().unwrap();
    // Whoever installs triggers beside a binary log, and asks for transactions, needs more than the tables.
    let rights = "SET GLOBAL log_bin_trust_function_creators = 1; GRANT PROCESS ON *.* TO bron@'127.0.0.1'";
    server.execute(rights).unwrap();
    World::new(&format!("mysql://bron@127.0.0.1:{}/bron", server.port()), Some("bron"), server)
}

contract!(world());

#[test]
fn the_images_of_every_type_are_what_extraction_reads() {
    images_are_what_reading_gives(
        &world(),
        &[
            ("tinyint(1)", &["1"]),
            ("bigint unsigned", &["18446744073709551615"]),
            ("decimal(19,4)", &["12.5"]),
            ("float", &["0.1", "1e30"]),
            ("double", &["1e-7", "1e21", "0.1e0 + 0.2e0"]),
            ("bit(4)", &["b'1010'"]),
            ("date", &["'2024-02-29'"]),
            ("time(3)", &["'07:05:00.250'"]),
            ("datetime(6)", &["'2024-03-31 02:30:00.12'", "'9999-12-31 23:59:59'"]),
            ("timestamp(3) NULL", &["'2024-10-27 02:30:00.5'"]),
            ("year", &["2024"]),
            ("char(4)", &["'å'"]),
            ("varchar(20) CHARACTER SET latin1", &["'åäö€'"]),
            ("varchar(20) CHARACTER SET swe7", &["'ÅÄÖ'"]),
            ("text CHARACTER SET utf8mb4", &["'o''x\\\"\\\\\\n'", "'😀'", "''"]),
            ("json", &["'{\"a\":   1}'"]),
            ("enum('a','ö')", &["'ö'"]),
            ("varbinary(10)", &["x'0007ff'", "''"]),
            ("longblob", &["x'ff'"]),
        ],
    );
}

#[test]
fn c8_writers_at_once_lose_nothing() {
    writers_at_once(&world());
}

#[test]
fn c8_a_number_that_is_missing_is_waited_for() {
    let world = world();
    let (mut log, mut fast, now) = world.person();
    let mut slow = world.user();
    let mut gone = world.user();
    slow.run("BEGIN; INSERT INTO person VALUES (1, 'långsam', 1)").unwrap();
    gone.run("BEGIN; INSERT INTO person VALUES (9, 'ångrad', 9)").unwrap();
    fast.run("INSERT INTO person VALUES (2, 'snabb', 2)").unwrap();
    let mut held = Held::default();
    let mut cut = log.poll(&now, ALL).unwrap();
    assert_eq!(cut.changes.len(), 1, "nobody waits for the slow one");
    held.take(&cut.changes);
    gone.run("ROLLBACK").unwrap();
    cut = log.poll(&cut.next, ALL).unwrap();
    assert_eq!(cut.changes, []);
    // A stream that begins now waits for it as well.
    let late = log.now().unwrap();
    slow.run("UPDATE person SET namn = 'sist' WHERE id = 2; COMMIT").unwrap();
    assert_eq!(log.poll(&late, ALL).unwrap().changes.len(), 2);
    cut = log.poll(&cut.next, ALL).unwrap();
    assert_eq!(cut.changes.len(), 2);
    held.take(&cut.changes);
    assert_eq!(held.rows(), whole(&mut log, "person", 2));
    // The server answers from a copy for a tenth of a second.
    fast.run("DO SLEEP(0.2)").unwrap();
    let last = log.poll(&cut.next, ALL).unwrap();
    assert!(!last.next.0.contains("gaps"), "the number that was rolled back is waited for no longer");
}

#[test]
fn c13_rows_that_follow_a_parent_unseen_are_listed() {
    let world = world();
    let tables = "CREATE TABLE parent (id INTEGER PRIMARY KEY); \
                  CREATE TABLE barn (id INTEGER PRIMARY KEY, parent INTEGER, CONSTRAINT barn_till_parent \
                  FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE)";
    let (mut log, mut user, now) = world.captured(tables, &[("parent", &["id"]), ("barn", &["id"])]);
    user.run("INSERT INTO parent VALUES (1); INSERT INTO barn VALUES (1, 1)").unwrap();
    let cut = log.poll(&now, ALL).unwrap();
    user.run("DELETE FROM parent").unwrap();
    let mut held = Held::default();
    held.take(&cut.changes);
    let cut = log.poll(&cut.next, ALL).unwrap();
    assert_eq!(cut.changes.len(), 1, "the child went unseen");
    let known = held.rows().into_iter().map(|(key, image)| (key, image.digest()));
    let known: Vec<_> = known.filter(|(key, _)| log.tables["barn"].values_of(key).is_ok()).collect();
    let mut gone = Vec::new();
    let swept = crate::capture::sweep(&mut log, "barn", known, 10, &mut |change| {
        gone.push(change);
        Ok(())
    });
    assert_eq!((swept.unwrap().gone, gone.len()), (1, 1));
    held.take(&gone);
    held.take(&cut.changes);
    assert_eq!(held.rows(), BTreeMap::new());
    let findings = log.check().unwrap();
    let expected = Finding {
        kind: FindingKind::Unseen,
        table: Some("barn".to_owned()),
        subject: "the reference barn_till_parent".to_owned(),
    };
    assert_eq!(findings, [expected]);
    assert!(!log.guarantee("barn").deletes && log.guarantee("parent").deletes);
}

#[test]
fn s3_every_key_is_paged_whatever_its_collation() {
    every_key_is_paged(
        &world(),
        "CREATE TABLE kod (k varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_swedish_ci, nr integer, v integer, \
         PRIMARY KEY (k, nr))",
    );
}

#[test]
fn the_bridge_marks_what_it_writes() {
    let world = world();
    let (mut log, mut user, now) = world.person();
    user.run("SET @bridge_origin = 'model/7'; INSERT INTO person VALUES (1, 'a', 1)").unwrap();
    user.run("SET @bridge_origin = NULL; INSERT INTO person VALUES (2, 'b', 2)").unwrap();
    let marks: Vec<Mark> =
        log.poll(&now, ALL).unwrap().changes.into_iter().map(|change| change.mark).collect();
    assert_eq!(marks, [Mark::Bridge("model/7".to_owned()), Mark::None]);
}

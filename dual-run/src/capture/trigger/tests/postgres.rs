use bron_servers::PostgresServer;

use super::*;

pub(in crate::capture) fn world() -> World {
    let server = PostgresServer::start().unwrap();
    World::new(&format!("postgres://bron@127.0.0.1:{}/postgres", server.port()), None, server)
}

contract!(world());

#[test]
fn the_images_of_every_type_are_what_extraction_reads() {
    images_are_what_reading_gives(
        &world(),
        &[
            ("smallint", &["-3"]),
            ("bigint", &["9223372036854775807"]),
            ("numeric(19,4)", &["12.5"]),
            ("numeric", &["'12345678901234567890123456789012345678.10'", "'1e-20'"]),
            ("money", &["12.5"]),
            ("boolean", &["true", "false"]),
            ("real", &["0.1", "1e30"]),
            ("double precision", &["1e-7", "1e21", "0.1::float8 + 0.2::float8"]),
            ("date", &["'0001-01-01'", "'9999-12-31'"]),
            ("time", &["'07:05:00.250'"]),
            ("timestamp", &["'2024-03-31 02:30:00'", "'9999-12-31 23:59:59.997'"]),
            ("timestamptz", &["'2024-10-27 02:30:00+02'", "'2024-10-27 02:30:00+01'"]),
            ("interval", &["'1 day 02:03:04.5'"]),
            ("uuid", &["'6F9619FF-8B86-D011-B42D-00CF4FC964FF'"]),
            ("char(4)", &["'å'"]),
            ("text", &["E'rad ett\\nrad två\\t\\\\N\"'", "''", "repeat('åäö', 5000)"]),
            ("varchar", &["'😀'"]),
            ("jsonb", &["'{\"a\": 1}'"]),
            ("json", &["'{\"a\":   1}'"]),
            ("integer[]", &["'{1,NULL}'"]),
            ("bytea", &["'\\x0007ff'", "''"]),
        ],
    );
}

#[test]
fn rows_of_the_model_are_told_in_its_words() {
    let moment = "timestamp without time zone";
    rows_of_the_model(&world(), ["uuid", "boolean", "date", moment, "numeric(38,2)", "bytea"]);
}

#[test]
fn c8_writers_at_once_lose_nothing() {
    writers_at_once(&world());
}

#[test]
fn c8_a_long_transaction_loses_nothing_and_holds_nobody_up() {
    let world = world();
    let (mut log, mut fast, now) = world.person();
    fast.run("INSERT INTO person VALUES (1, 'a', 1), (2, 'b', 2)").unwrap();
    let mut cut = log.poll(&now, ALL).unwrap();
    let mut held = Held::default();
    held.take(&cut.changes);
    let mut slow = world.user();
    slow.run("BEGIN READ WRITE; INSERT INTO person VALUES (3, 'långsam', 3)").unwrap();
    fast.run("BEGIN READ WRITE; UPDATE person SET namn = 'snabb' WHERE id = 1; COMMIT").unwrap();
    cut = log.poll(&cut.next, ALL).unwrap();
    assert_eq!(cut.changes.len(), 1, "nobody waits for the slow one");
    held.take(&cut.changes);
    // A lower transaction id and number, and a later state.
    slow.run("UPDATE person SET namn = 'sist' WHERE id = 1; COMMIT").unwrap();
    cut = log.poll(&cut.next, ALL).unwrap();
    assert_eq!(cut.changes.len(), 2);
    held.take(&cut.changes);
    assert_eq!(held.rows(), whole(&mut log, "person", 2));
}

#[test]
fn c8_a_chunk_that_is_read_beside_an_open_transaction_gives_way_to_it() {
    let world = world();
    let (mut log, mut fast, now) = world.person();
    let mut slow = world.user();
    slow.run("BEGIN READ WRITE; INSERT INTO person VALUES (1, 'långsam', 1)").unwrap();
    fast.run("BEGIN READ WRITE; INSERT INTO person VALUES (2, 'snabb', 2); COMMIT").unwrap();
    let chunk = log.read_chunk("person", None, 10).unwrap();
    slow.run("COMMIT").unwrap();
    let cut = log.poll(&now, ALL).unwrap();
    assert_eq!((chunk.rows.len(), cut.changes.len()), (1, 2));
    assert!(cut.changes.iter().all(|change| change.version > chunk.at));
}

#[test]
fn c13_a_table_that_was_truncated_expires_alone() {
    let world = world();
    let tables = format!("{PERSON}; CREATE TABLE annan (id INTEGER PRIMARY KEY)");
    let (mut log, mut user, now) = world.captured(&tables, &[("person", &["id"]), ("annan", &["id"])]);
    user.run("BEGIN READ WRITE; INSERT INTO annan VALUES (1); TRUNCATE person; COMMIT").unwrap();
    assert_eq!(log.validity(&now).unwrap(), Validity::Expired { tables: vec!["person".to_owned()] });
    assert_eq!(log.poll(&now, ALL).unwrap_err().kind(), ErrorKind::Expired);
    // Whoever goes on with the other table alone loses nothing.
    let cut = world.log(&[("annan", &["id"])]).poll(&now, ALL).unwrap();
    assert_eq!(cut.changes.len(), 1);
}

#[test]
fn c13_a_session_that_replays_a_replication_is_told_of() {
    let (mut log, mut user, now) = world_kept().person();
    user.run("SET session_replication_role = replica; BEGIN READ WRITE; INSERT INTO person VALUES (1, 'a', 1); COMMIT")
        .unwrap();
    let cut = log.poll(&now, ALL).unwrap();
    assert_eq!(cut.changes.len(), 1);
    user.run("ALTER TABLE person ENABLE REPLICA TRIGGER bron_capture_person_row").unwrap();
    assert!(matches!(log.validity(&cut.next).unwrap(), Validity::Silent { .. }));
}

#[test]
fn s3_every_key_is_paged_whatever_its_collation() {
    every_key_is_paged(
        &world(),
        "CREATE COLLATION ci (provider = icu, locale = 'sv-u-ks-level2', deterministic = false); \
         CREATE TABLE kod (k text COLLATE ci, nr integer, v integer, PRIMARY KEY (k, nr))",
    );
}

#[test]
fn a_budget_never_cuts_a_transaction_in_two() {
    let world = world();
    let (mut log, mut one, now) = world.person();
    let mut other = world.user();
    one.run("BEGIN READ WRITE; INSERT INTO person VALUES (1, 'a', 1)").unwrap();
    other.run("BEGIN READ WRITE; INSERT INTO person VALUES (2, 'b', 2); COMMIT").unwrap();
    one.run("INSERT INTO person VALUES (3, 'c', 3); COMMIT").unwrap();
    other.run("BEGIN READ WRITE; INSERT INTO person VALUES (4, 'd', 4), (5, 'e', 5); COMMIT").unwrap();
    let mut place = now;
    let mut held = Held::default();
    let mut sizes = Vec::new();
    for _ in 0..4 {
        let cut = log.poll(&place, Budget { changes: 1 }).unwrap();
        assert_eq!(log.poll(&place, Budget { changes: 1 }).unwrap().changes, cut.changes);
        held.take(&cut.changes);
        sizes.push(cut.changes.len());
        // What is written meanwhile belongs to a later snapshot.
        let id = 10 + sizes.len();
        other.run(&format!("BEGIN READ WRITE; INSERT INTO person VALUES ({id}, 'x', 0); COMMIT")).unwrap();
        place = cut.next;
    }
    assert_eq!(sizes, [3, 2, 1, 1]);
    held.take(&log.poll(&place, ALL).unwrap().changes);
    assert_eq!(held.rows(), whole(&mut log, "person", 3));
}

#[test]
fn a_transaction_that_is_larger_than_the_budget_comes_as_a_whole() {
    let world = world();
    let (mut log, mut user, now) = world.person();
    user.run("INSERT INTO person SELECT id, 'natt', 0 FROM generate_series(1, 3000) AS id").unwrap();
    user.run("INSERT INTO person VALUES (0, 'efter', 0)").unwrap();
    let night = log.poll(&now, Budget { changes: 2 }).unwrap();
    let after = log.poll(&night.next, Budget { changes: 2 }).unwrap();
    assert_eq!((night.changes.len(), after.changes.len()), (3000, 1));
}

#[test]
fn the_bridge_marks_what_it_writes_and_others_need_no_right_to_the_log() {
    let world = world();
    let (mut log, mut user, now) = world.person();
    user.run("CREATE ROLE handlaggare; GRANT SELECT, INSERT ON person TO handlaggare").unwrap();
    user.run(
        "BEGIN READ WRITE; SELECT set_config('bridge.origin', 'model/7', true); \
         INSERT INTO person VALUES (1, 'a', 1); COMMIT; SET ROLE handlaggare; \
         BEGIN READ WRITE; INSERT INTO person VALUES (2, 'b', 2); COMMIT; RESET ROLE",
    )
    .unwrap();
    let changes = log.poll(&now, ALL).unwrap().changes;
    let marks: Vec<Mark> = changes.into_iter().map(|change| change.mark).collect();
    assert_eq!(marks, [Mark::Bridge("model/7".to_owned()), Mark::None]);
}

/// A server that lives as long as the process.
fn world_kept() -> &'static World {
    Box::leak(Box::new(world()))
}

use super::*;

pub(in crate::capture) fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("legacy.db");
    std::fs::write(&path, "").unwrap();
    World::new(&format!("sqlite:{}", path.display()), None, folder)
}

contract!(world());

#[test]
fn the_images_of_every_type_are_what_extraction_reads() {
    images_are_what_reading_gives(
        &world(),
        &[
            (
                "",
                &[
                    "''",
                    "' Åsa '",
                    "-9223372036854775808",
                    "0.1 + 0.2",
                    "1e21",
                    "5e-324",
                    "'a' || char(0) || 'b'",
                ],
            ),
            ("TEXT", &["'o''x\"\\'", "char(10, 9, 7)", "7", "1.5", "'😀'"]),
            ("BLOB", &["x'00ff'", "x''", "'text'", "7", "1.5"]),
            ("REAL", &["1", "-0.5", "100.0", "1.7976931348623157e308", "0.30000000000000004", "1e-7"]),
            ("DECIMAL(12,2)", &["12.50", "-3", "'x'"]),
            ("DATETIME", &["'2024-03-31 02:30:00.120'"]),
        ],
    );
}

/// Every table of the synthetic city that has a key: what the log and the chunks tell is what extraction reads.
#[test]
fn the_rows_of_a_city_are_told_as_extraction_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let plan = bron_city::CityPlan { persons: 60, seed: 7 };
    bron_city::generate(&plan, folder.path(), &folder.path().join("truth.json"), &mut |_| {}).unwrap();
    let mut types = BTreeSet::new();
    for system in ["paraply", "vodok", "warna", "schemos"] {
        let path = folder.path().join(format!("{system}.sqlite"));
        let world = World::new(&format!("sqlite:{}", path.display()), None, ());
        let mut found = world.access.open(None).unwrap().tables().unwrap();
        found.retain(|table| !table.key_unique.is_empty());
        let keys: Vec<Vec<&str>> =
            found.iter().map(|table| table.key_unique.iter().map(String::as_str).collect()).collect();
        let tables: Vec<(&str, &[&str])> =
            found.iter().zip(&keys).map(|(table, key)| (table.name.as_str(), key.as_slice())).collect();
        let (mut log, mut user, now) = world.captured("PRAGMA foreign_keys = OFF", &tables);
        let mut all = BTreeMap::new();
        for (table, key) in &tables {
            let expected = extracted(&world.access, &CapturedTable::legacy("paraply", table, key));
            let chunks = whole(&mut log, table, 10_000);
            assert!(chunks == expected, "{system}: {table}");
            all.extend(expected);
            user.run(&format!("DELETE FROM \"{table}\"")).unwrap();
        }
        let changes = log.poll(&now, ALL).unwrap().changes;
        let told: BTreeMap<_, _> =
            changes.into_iter().map(|change| (change.key, change.before.unwrap())).collect();
        assert!(told == all, "{system}: {} rows, {} told", all.len(), told.len());
        types.extend(found.into_iter().flat_map(|table| table.columns).map(|column| column.declared_type));
    }
    assert_eq!(types, ["BLOB", "INTEGER", "TEXT"].map(str::to_owned).into());
}

#[test]
fn rows_of_the_model_are_told_in_its_words() {
    rows_of_the_model(&world(), ["TEXT", "INTEGER", "TEXT", "TEXT", "TEXT", "BLOB"]);
}

#[test]
fn c8_a_transaction_that_is_open_is_told_of_when_it_ends() {
    let (mut log, mut user, now) = world().person_in_wal();
    user.run("BEGIN; INSERT INTO person VALUES (1, 'a', 1)").unwrap();
    let cut = log.poll(&now, ALL).unwrap();
    assert_eq!(cut.changes, []);
    user.run("INSERT INTO person VALUES (2, 'b', 2); COMMIT").unwrap();
    assert_eq!(log.poll(&cut.next, ALL).unwrap().changes.len(), 2);
}

#[test]
fn c13_a_row_that_is_replaced_is_told_of_and_one_that_may_vanish_is_listed() {
    let world = world();
    let tables = "CREATE TABLE person (id INTEGER PRIMARY KEY, namn TEXT, kod INTEGER UNIQUE)";
    let (mut log, mut user, now) = world.captured(tables, &[("person", &["id"])]);
    user.run("PRAGMA recursive_triggers = ON; INSERT INTO person VALUES (1, 'a', 1)").unwrap();
    user.run("INSERT OR REPLACE INTO person VALUES (2, 'b', 1)").unwrap();
    let mut held = Held::default();
    held.take(&log.poll(&now, ALL).unwrap().changes);
    assert_eq!((held.rows().len(), held.rows()), (1, whole(&mut log, "person", 10)));
    let findings = log.check().unwrap();
    assert_eq!((findings.len(), findings[0].kind), (1, FindingKind::Unseen));
}

#[test]
fn s3_every_key_is_paged_whatever_its_collation() {
    every_key_is_paged(
        &world(),
        "CREATE TABLE kod (k TEXT COLLATE NOCASE, nr INTEGER, v INTEGER, PRIMARY KEY (k, nr))",
    );
}

#[test]
fn the_bridge_marks_what_it_writes() {
    let (mut log, mut user, now) = world().person_in_wal();
    user.run("BEGIN; INSERT INTO bridge_origin VALUES ('model/7'); INSERT INTO person VALUES (1, 'a', 1)")
        .unwrap();
    user.run("DELETE FROM bridge_origin; COMMIT; INSERT INTO person VALUES (2, 'b', 2)").unwrap();
    let marks: Vec<Mark> =
        log.poll(&now, ALL).unwrap().changes.into_iter().map(|change| change.mark).collect();
    assert_eq!(marks, [Mark::Bridge("model/7".to_owned()), Mark::None]);
}

#[test]
fn text_that_is_no_text_is_told_as_bytes() {
    let (mut log, mut user, now) = world().person_in_wal();
    user.run("INSERT INTO person VALUES (1, CAST(x'c5e573' AS TEXT), 1)").unwrap();
    let changes = log.poll(&now, ALL).unwrap().changes;
    let name = changes[0].after.as_ref().unwrap().columns().get("namn").cloned();
    assert_eq!(name, Some(SourceText::Bytes(b"\xc5\xe5s".to_vec())));
}

/// A world whose readers and writers do not wait for each other.
trait InWal {
    fn person_in_wal(self) -> (TriggerLog, Session, Position);
}

impl InWal for World {
    fn person_in_wal(self) -> (TriggerLog, Session, Position) {
        self.user().run("PRAGMA journal_mode = WAL").unwrap();
        let found = self.person();
        // The folder goes with the process.
        std::mem::forget(self);
        found
    }
}

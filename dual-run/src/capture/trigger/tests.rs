//! The same expectations of every database, and what is special about each.

#[cfg(feature = "mariadb-tests")]
pub(in crate::capture) mod mariadb;
#[cfg(feature = "postgres-tests")]
pub(in crate::capture) mod postgres;
pub(in crate::capture) mod sqlite;

use std::any::Any;

use bron_extract::Locator;
use bron_transform::SourceText;

use super::*;
use crate::capture::session::Dialect;
use crate::change::{Change, Image, Mark};
use crate::ownership::Owner;

const ALL: Budget = Budget { changes: 1_000_000 };
const PERSON: &str = "CREATE TABLE person (id INTEGER PRIMARY KEY, namn VARCHAR(40), kod INTEGER)";

/// A database of a test, gone when dropped.
pub(in crate::capture) struct World {
    pub(in crate::capture) access: Access,
    _server: Box<dyn Any>,
}

impl World {
    pub(in crate::capture) fn new(address: &str, password: Option<&str>, server: impl Any) -> Self {
        let password = password.map(|password| password.to_owned().into());
        let access = Access { password, ..Access::new(Locator::parse(address).unwrap()) };
        Self { access, _server: Box::new(server) }
    }

    /// Somebody who works in the database.
    pub(in crate::capture) fn user(&self) -> Session {
        Session::new(&self.access, true).unwrap()
    }

    /// Makes tables, installs a log for those named with their keys, and says where a stream begins.
    pub(in crate::capture) fn captured(
        &self,
        tables: &str,
        keys: &[(&str, &[&str])],
    ) -> (TriggerLog, Session, Position) {
        let mut user = self.user();
        user.run(tables).unwrap();
        let mut log = self.log(keys);
        log.install().unwrap();
        let now = log.now().unwrap();
        assert_eq!(log.validity(&now).unwrap(), Validity::Valid { headroom_seconds: None });
        (log, user, now)
    }

    pub(in crate::capture) fn log_of(&self, table: CapturedTable) -> TriggerLog {
        let stream = Stream { source: "model".to_owned(), from: Owner::New };
        TriggerLog::new(&self.access, stream, vec![table]).unwrap()
    }

    pub(in crate::capture) fn log(&self, keys: &[(&str, &[&str])]) -> TriggerLog {
        let stream = Stream { source: "paraply".to_owned(), from: Owner::Legacy };
        let tables = keys.iter().map(|(table, key)| CapturedTable::legacy("paraply", table, key)).collect();
        TriggerLog::new(&self.access, stream, tables).unwrap()
    }

    pub(in crate::capture) fn person(&self) -> (TriggerLog, Session, Position) {
        self.captured(PERSON, &[("person", &["id"])])
    }
}

/// What a follower would hold: per row the state of the highest version.
#[derive(Default)]
pub(in crate::capture) struct Held(BTreeMap<SourceKey, (Version, Option<Image>)>);

impl Held {
    pub(in crate::capture) fn take(&mut self, changes: &[Change]) {
        for change in changes {
            let held = self.0.entry(change.key.clone()).or_insert((change.version, None));
            if change.version >= held.0 {
                *held = (change.version, change.after.clone());
            }
        }
    }

    pub(in crate::capture) fn rows(&self) -> BTreeMap<SourceKey, Image> {
        self.0.iter().filter_map(|(key, (_, image))| Some((key.clone(), image.clone()?))).collect()
    }
}

/// All rows of a table, in chunks.
pub(in crate::capture) fn whole(log: &mut TriggerLog, table: &str, rows: u64) -> BTreeMap<SourceKey, Image> {
    let (mut all, mut after) = (BTreeMap::new(), None);
    loop {
        let chunk = log.read_chunk(table, after.as_ref(), rows).unwrap();
        assert!(u64::try_from(chunk.rows.len()).unwrap() <= rows);
        after = chunk.rows.keys().next_back().cloned();
        for (key, image) in chunk.rows {
            assert!(all.insert(key, image).is_none(), "a row came twice");
        }
        if !chunk.more {
            return all;
        }
    }
}

/// What extraction reads of a table.
pub(in crate::capture) fn extracted(access: &Access, captured: &CapturedTable) -> BTreeMap<SourceKey, Image> {
    let mut source = access.open(None).unwrap();
    let table = source.tables().unwrap().into_iter().find(|table| table.name == captured.name).unwrap();
    let mut rows = BTreeMap::new();
    for batch in source.read(&table, 100).unwrap() {
        let batch = batch.unwrap();
        for row in 0..batch.rows() {
            let image = crate::capture::polled::image(captured, &table.columns, &batch, row);
            rows.insert(captured.key_of(&image).unwrap(), image);
        }
    }
    rows
}

/// Columns of the types of a database, with values: what the log and the chunks tell is what extraction reads.
pub(in crate::capture) fn images_are_what_reading_gives(world: &World, columns: &[(&str, &[&str])]) {
    let declared: Vec<String> =
        columns.iter().enumerate().map(|(at, (kind, _))| format!("c{at} {kind}")).collect();
    let create = format!("CREATE TABLE typed (id INTEGER PRIMARY KEY, {})", declared.join(", "));
    let (mut log, mut user, now) = world.captured(&create, &[("typed", &["id"])]);
    let rows = columns.iter().map(|(_, values)| values.len()).max().unwrap();
    for row in 0..=rows {
        let value = |(_, values): &(&str, &[&str])| (*values.get(row).unwrap_or(&"NULL")).to_owned();
        let values: Vec<String> = columns.iter().map(value).collect();
        user.run(&format!("INSERT INTO typed VALUES ({row}, {})", values.join(", "))).unwrap();
    }
    let expected = extracted(&world.access, &CapturedTable::legacy("paraply", "typed", &["id"]));
    assert_eq!(expected.len(), rows + 1);
    let cut = log.poll(&now, ALL).unwrap();
    let mut held = Held::default();
    held.take(&cut.changes);
    for (found, from) in [(held.rows(), "log"), (whole(&mut log, "typed", 3), "chunks")] {
        for (key, image) in &expected {
            let found = found.get(key).unwrap();
            for column in image.columns().keys().chain(found.columns().keys()) {
                let (one, other) = (found.columns().get(column), image.columns().get(column));
                assert_eq!(one, other, "{from}: {column} of {}", key.text().expose());
            }
        }
        assert_eq!(found, expected);
    }
    user.run("DELETE FROM typed").unwrap();
    let cut = log.poll(&cut.next, ALL).unwrap();
    let before = cut.changes.into_iter().map(|change| (change.key, change.before.unwrap()));
    assert_eq!(before.collect::<BTreeMap<_, _>>(), expected);
}

/// A table of the new model, as a load makes it: rows are told in the words of the model, whatever the database.
pub(in crate::capture) fn rows_of_the_model(world: &World, types: [&str; 6]) {
    use bron_mappings::ColumnType::{Bool, Bytes, Date, Decimal, Id, Time};
    let kinds = [Id, Bool, Date, Time, Decimal { scale: 2 }, Bytes];
    let names = ["id", "aktiv", "fran", "inkom", "belopp", "fil"];
    let columns: Vec<String> = names.iter().zip(types).map(|(name, kind)| format!("{name} {kind}")).collect();
    let mut user = world.user();
    let beside = "load_run text";
    user.run(&format!("CREATE TABLE beslut ({}, {beside}, PRIMARY KEY (id))", columns.join(", "))).unwrap();
    let fields: Vec<_> = names.into_iter().zip(kinds).collect();
    let mut log = world.log_of(CapturedTable::of_fields("beslut", &fields));
    log.install().unwrap();
    let now = log.now().unwrap();
    let (id, fil) = ("6f9619ff-8b86-d011-b42d-00cf4fc964ff", "\u{0}\u{7}å".as_bytes());
    let (truth, bytes) = match user.dialect() {
        Dialect::Sqlite => ("1", "x'0007c3a5'"),
        Dialect::Postgres | Dialect::Mysql => ("true", "'\\x0007c3a5'"),
    };
    let moments = "'2024-02-29', '2024-02-29 12:30:00.5', '12.50'";
    user.run(&format!("INSERT INTO beslut VALUES ('{id}', {truth}, {moments}, {bytes}, 'r1')")).unwrap();
    user.run("UPDATE beslut SET load_run = 'r2'").unwrap();
    let cut = log.poll(&now, ALL).unwrap();
    assert_eq!(cut.changes.len(), 1, "what a load notes is no change of the row");
    let text = |name: &str, text: &str| (name.to_owned(), SourceText::Text(text.to_owned()));
    let expected = Image::new(
        [
            text("id", id),
            text("aktiv", "true"),
            text("fran", "2024-02-29"),
            text("inkom", "2024-02-29T12:30:00.5"),
            text("belopp", "12.50"),
            ("fil".to_owned(), SourceText::Bytes(fil.to_vec())),
        ]
        .into(),
    );
    let key = SourceKey::new(crate::change::MODEL_SYSTEM, "beslut", [Some(id)]);
    assert_eq!(cut.changes[0].after.as_ref(), Some(&expected));
    assert_eq!(whole(&mut log, "beslut", 10), [(key, expected)].into());
}

/// The tests that every database has to pass.
macro_rules! contract {
    ($world:expr) => {
        #[test]
        fn c1_polling_again_brings_the_same() {
            $crate::capture::trigger::tests::polling_again(&$world);
        }

        #[test]
        fn c5_a_log_that_was_restored_and_written_on_is_known() {
            $crate::capture::trigger::tests::restored(&$world);
        }

        #[test]
        fn c9_an_idle_source_stays_readable_when_the_log_is_pruned() {
            $crate::capture::trigger::tests::idle(&$world);
        }

        #[test]
        fn c10_a_log_without_a_trigger_is_silent_and_not_quiet() {
            $crate::capture::trigger::tests::without_trigger(&$world);
        }

        #[test]
        fn c11_many_changes_in_one_window_end_in_the_state_of_the_table() {
            $crate::capture::trigger::tests::many_changes(&$world);
        }

        #[test]
        fn c13_a_position_before_a_pruned_log_is_expired() {
            $crate::capture::trigger::tests::pruned(&$world);
        }

        #[test]
        fn s1_a_chunk_gives_way_to_what_changed_after_it() {
            $crate::capture::trigger::tests::chunk_and_changes(&$world);
        }

        #[test]
        fn s4_a_new_column_is_drift_until_the_log_knows_it() {
            $crate::capture::trigger::tests::new_column(&$world);
        }

        #[test]
        fn s5_a_stream_that_begins_on_an_empty_log_misses_nothing() {
            $crate::capture::trigger::tests::empty_log(&$world);
        }

        #[test]
        fn what_is_installed_can_be_removed() {
            $crate::capture::trigger::tests::removed(&$world);
        }
    };
}
use contract;

pub(in crate::capture) fn polling_again(world: &World) {
    let (mut log, mut user, now) = world.person();
    user.run("INSERT INTO person VALUES (1, 'Åsa', NULL), (2, 'b', 2)").unwrap();
    let (one, two) = (log.poll(&now, ALL).unwrap(), log.poll(&now, ALL).unwrap());
    assert_eq!((one.changes.len(), &one.changes), (2, &two.changes));
    assert_eq!((one.complete_through, &one.incarnation), (two.complete_through, &two.incarnation));
    assert_eq!(one.incarnation, log.incarnation().unwrap());
    let next = log.poll(&one.next, ALL).unwrap();
    assert_eq!((next.changes, next.from), (Vec::new(), one.next));
}

pub(in crate::capture) fn restored(world: &World) {
    let (mut log, mut user, now) = world.person();
    user.run("INSERT INTO person VALUES (1, 'a', 1)").unwrap();
    user.run("INSERT INTO person VALUES (2, 'b', 2)").unwrap();
    let cut = log.poll(&now, ALL).unwrap();
    // What a backup gives back: the last row is not there, and its number is drawn again.
    let again = match user.dialect() {
        Dialect::Sqlite => "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'bron_change_log'",
        Dialect::Postgres => "ALTER TABLE bron_change_log ALTER COLUMN seq RESTART WITH 2",
        Dialect::Mysql => "ALTER TABLE bron_change_log AUTO_INCREMENT = 2",
    };
    user.run("DELETE FROM bron_change_log WHERE seq = 2").unwrap();
    assert_eq!(log.validity(&cut.next).unwrap(), Validity::Rewound);
    user.run(again).unwrap();
    user.run("UPDATE person SET kod = 7 WHERE id = 1").unwrap();
    assert_eq!(user.row("SELECT max(seq) FROM bron_change_log").unwrap().number(0), Some(2));
    assert_eq!(log.validity(&cut.next).unwrap(), Validity::Rewound);
    assert_eq!(log.poll(&cut.next, ALL).unwrap_err().kind(), ErrorKind::Rewound);
}

pub(in crate::capture) fn idle(world: &World) {
    let (mut log, mut user, now) = world.person();
    user.run("INSERT INTO person VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)").unwrap();
    let mut place = log.poll(&now, ALL).unwrap().next;
    for _ in 0..3 {
        let cut = log.poll(&place, ALL).unwrap();
        assert_eq!(cut.changes, []);
        assert!(cut.next > place, "it advances");
        place = cut.next;
        assert_eq!(log.prune(&place).unwrap(), 1, "the row that the position is known by");
        assert_eq!(log.validity(&place).unwrap(), Validity::Valid { headroom_seconds: None });
    }
    user.run("DELETE FROM person WHERE id = 2").unwrap();
    assert_eq!(log.poll(&place, ALL).unwrap().changes.len(), 1);
}

pub(in crate::capture) fn without_trigger(world: &World) {
    let (mut log, mut user, now) = world.person();
    let drop = match user.dialect() {
        Dialect::Sqlite | Dialect::Mysql => "DROP TRIGGER bron_capture_person_update",
        Dialect::Postgres => "ALTER TABLE person DISABLE TRIGGER bron_capture_person_row",
    };
    user.run(drop).unwrap();
    let validity = log.validity(&now).unwrap();
    assert!(matches!(&validity, Validity::Silent { reason } if reason.contains("bron_capture_person_")));
    let error = log.poll(&now, ALL).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Drift, "{error}");
    let findings = log.check().unwrap();
    assert_eq!(findings.first().map(|finding| finding.kind), Some(FindingKind::Missing));
    log.install().unwrap();
    assert_eq!(log.check().unwrap(), []);
}

pub(in crate::capture) fn many_changes(world: &World) {
    let tables = "CREATE TABLE person (id INTEGER PRIMARY KEY, namn VARCHAR(40), kod INTEGER UNIQUE)";
    let (mut log, mut user, now) = world.captured(tables, &[("person", &["id"])]);
    user.run("INSERT INTO person VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3), (4, 'd', 4)").unwrap();
    let cut = log.poll(&now, ALL).unwrap();
    let mut held = Held::default();
    held.take(&cut.changes);
    for statement in [
        "INSERT INTO person VALUES (5, 'e', 5)",
        "UPDATE person SET namn = 'E' WHERE id = 5",
        "DELETE FROM person WHERE id = 5",
        "DELETE FROM person WHERE id = 1",
        "INSERT INTO person VALUES (1, 'åter', 1)",
        "UPDATE person SET id = 6 WHERE id = 2",
        "UPDATE person SET kod = 99 WHERE id = 3",
        "UPDATE person SET kod = 3 WHERE id = 4",
        "UPDATE person SET kod = 4 WHERE id = 3",
        "UPDATE person SET kod = kod",
    ] {
        user.run(statement).unwrap();
    }
    let cut = log.poll(&cut.next, ALL).unwrap();
    assert!(cut.changes.is_sorted_by_key(|change| change.version));
    assert_eq!(cut.changes.len(), 10, "a new key is two changes, and what changes nothing is none");
    assert_eq!(cut.changes[1].before, cut.changes[0].after);
    assert!(cut.changes.iter().all(|change| change.mark == Mark::None));
    held.take(&cut.changes);
    assert_eq!(held.rows(), whole(&mut log, "person", 2));
    assert_eq!(held.rows().len(), 4);
}

pub(in crate::capture) fn pruned(world: &World) {
    let (mut log, mut user, now) = world.person();
    user.run("INSERT INTO person VALUES (1, 'a', 1), (2, 'b', 2)").unwrap();
    let cut = log.poll(&now, ALL).unwrap();
    log.prune(&cut.next).unwrap();
    assert_eq!(log.validity(&now).unwrap(), Validity::Expired { tables: vec!["person".to_owned()] });
    assert_eq!(log.poll(&now, ALL).unwrap_err().kind(), ErrorKind::Expired);
    log.prune(&cut.next).unwrap();
    user.run("UPDATE person SET kod = 5").unwrap();
    assert_eq!(log.poll(&cut.next, ALL).unwrap().changes.len(), 2, "no number is given twice");
    let anew = log.now().unwrap();
    assert_eq!(log.poll(&anew, ALL).unwrap().changes, []);
}

pub(in crate::capture) fn chunk_and_changes(world: &World) {
    let (mut log, mut user, now) = world.person();
    user.run("INSERT INTO person VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)").unwrap();
    let mut held = Held::default();
    let first = log.poll(&now, ALL).unwrap();
    user.run("UPDATE person SET kod = 10 WHERE id = 1").unwrap();
    user.run("DELETE FROM person WHERE id = 2").unwrap();
    let chunk = log.read_chunk("person", None, 10).unwrap();
    assert!(chunk.at >= first.complete_through);
    user.run("UPDATE person SET kod = 11 WHERE id = 1").unwrap();
    user.run("DELETE FROM person WHERE id = 3").unwrap();
    user.run("INSERT INTO person VALUES (2, 'åter', 20)").unwrap();
    let second = log.poll(&first.next, ALL).unwrap();
    assert!(second.complete_through >= chunk.at);
    let after = |change: &Change| change.version > chunk.at;
    assert!(second.changes.iter().filter(|change| after(change)).count() >= 3);
    // Whatever the order in which they arrive.
    let rows = chunk.rows.into_iter().map(|(key, image)| Change {
        key,
        version: chunk.at,
        after: Some(image),
        before: None,
        mark: Mark::None,
    });
    held.take(&second.changes);
    held.take(&rows.collect::<Vec<_>>());
    held.take(&first.changes);
    assert_eq!(held.rows(), whole(&mut log, "person", 10));
}

pub(in crate::capture) fn new_column(world: &World) {
    let (mut log, mut user, now) = world.person();
    let before = log.poll(&now, ALL).unwrap();
    user.run("ALTER TABLE person ADD COLUMN titel VARCHAR(10)").unwrap();
    let Validity::Drift { schema } = log.validity(&before.next).unwrap() else { panic!("drift") };
    assert_ne!(schema, before.schema);
    assert_eq!(log.poll(&before.next, ALL).unwrap_err().kind(), ErrorKind::Drift);
    assert_eq!(log.check().unwrap()[0].kind, FindingKind::Outdated);
    log.install().unwrap();
    user.run("INSERT INTO person VALUES (1, 'a', 1, 'dr')").unwrap();
    let after = log.poll(&before.next, ALL).unwrap();
    assert_eq!(after.schema, schema);
    let image = after.changes[0].after.as_ref().unwrap();
    assert_eq!(image.columns().get("titel"), Some(&SourceText::Text("dr".to_owned())));
}

pub(in crate::capture) fn empty_log(world: &World) {
    let (mut log, mut user, now) = world.person();
    let empty = log.poll(&now, ALL).unwrap();
    assert_eq!(empty.changes, []);
    user.run("INSERT INTO person VALUES (1, 'a', 1)").unwrap();
    for from in [&now, &empty.next] {
        assert_eq!(world.log(&[("person", &["id"])]).poll(from, ALL).unwrap().changes.len(), 1);
    }
}

pub(in crate::capture) fn removed(world: &World) {
    let (mut log, mut user, now) = world.person();
    let plan = log.install_plan().unwrap();
    assert!(plan.iter().any(|statement| statement.contains("CREATE TRIGGER")));
    log.remove().unwrap();
    user.run("INSERT INTO person VALUES (1, 'a', 1)").unwrap();
    assert!(matches!(log.validity(&now).unwrap(), Validity::Silent { .. }));
    let findings = log.check().unwrap();
    assert_eq!((findings.len(), findings[0].to_string().contains("the change log")), (1, true));
    log.install().unwrap();
    let again = log.now().unwrap();
    user.run("DELETE FROM person").unwrap();
    assert_eq!(log.poll(&again, ALL).unwrap().changes.len(), 1);
}

/// Several who write at once, roll back and get in each other's way, beside somebody who polls and reads chunks: what
/// is told of ends in what is there.
pub(in crate::capture) fn writers_at_once(world: &World) {
    const WRITERS: u64 = 3;
    let (mut log, _, mut place) = world.person();
    let mut held = Held::default();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|seed| {
                let mut user = world.user();
                scope.spawn(move || write_at_random(&mut user, seed))
            })
            .collect();
        let mut polls = 0_u64;
        while !writers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            let cut = log.poll(&place, Budget { changes: 1 + polls % 7 }).unwrap();
            held.take(&cut.changes);
            place = cut.next;
            polls += 1;
            if polls.is_multiple_of(5) {
                let chunk = log.read_chunk("person", None, 100).unwrap();
                let row = |(key, image)| Change {
                    key,
                    version: chunk.at,
                    after: Some(image),
                    before: None,
                    mark: Mark::None,
                };
                held.take(&chunk.rows.into_iter().map(row).collect::<Vec<_>>());
            }
        }
    });
    loop {
        let cut = log.poll(&place, Budget { changes: 3 }).unwrap();
        let is_last = cut.changes.is_empty();
        held.take(&cut.changes);
        place = cut.next;
        if is_last {
            break;
        }
    }
    assert_eq!(held.rows(), whole(&mut log, "person", 3));
}

fn write_at_random(user: &mut Session, seed: u64) {
    let mut state = seed + 1;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for _ in 0..60 {
        let mut statements = vec!["BEGIN".to_owned()];
        for _ in 0..=draw(3) {
            let (id, kod) = (draw(8), draw(1000));
            let row = format!("person VALUES ({id}, 'ny', {kod})");
            statements.push(match (draw(3), user.dialect()) {
                (0, _) => format!("DELETE FROM person WHERE id = {id}"),
                (1, _) => format!("UPDATE person SET kod = {kod} WHERE id = {id}"),
                (_, Dialect::Mysql) => format!("INSERT IGNORE INTO {row}"),
                (_, Dialect::Sqlite | Dialect::Postgres) => {
                    format!("INSERT INTO {row} ON CONFLICT DO NOTHING")
                }
            });
        }
        if user.dialect() == Dialect::Mysql {
            // Others commit meanwhile.
            statements.push("DO SLEEP(0.02)".to_owned());
        }
        statements.push(if draw(5) == 0 { "ROLLBACK" } else { "COMMIT" }.to_owned());
        // Who is chosen to give way in a deadlock has written nothing.
        let _given_way = statements.iter().try_for_each(|statement| user.run(statement));
    }
}

/// Keys that a collation takes for equal, or orders as a language does.
pub(in crate::capture) fn every_key_is_paged(world: &World, create: &str) {
    let (mut log, mut user, _) = world.captured(create, &[("kod", &["k", "nr"])]);
    let keys = ["å", "ä", "ö", "A", "a", "Z", "z", "aa", "Å", "", "å ", "é", "e", "10", "9", "b''|\\"];
    for (number, key) in keys.iter().enumerate() {
        let key = match user.dialect() {
            Dialect::Mysql => key.replace('\\', "\\\\"),
            Dialect::Sqlite | Dialect::Postgres => (*key).to_owned(),
        };
        user.run(&format!("INSERT INTO kod VALUES ('{key}', {number}, {number}), ('{key}', -{number}, 0)"))
            .or_else(|error| if number == 0 { Ok(()) } else { Err(error) })
            .unwrap();
    }
    user.run("INSERT INTO kod VALUES ('åäö', 1, 1)").unwrap();
    for rows in [1, 2, 7, 100] {
        assert_eq!(whole(&mut log, "kod", rows).len(), 2 * keys.len() - 1, "{rows} at a time");
    }
}

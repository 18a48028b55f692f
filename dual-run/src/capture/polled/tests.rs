use super::*;
use crate::capture::session::{Dialect, Session};
use crate::capture::sweep;
use crate::capture::trigger::tests::{Held, World};
use crate::ownership::Owner;

const ALL: Budget = Budget { changes: 1 };
const TWO_HOURS: Overlap = Overlap::Seconds(7200);

fn polled(world: &World, watermark: Option<Watermark>) -> PolledSource {
    let stream = Stream { source: "vodok".to_owned(), from: Owner::Legacy };
    let table = CapturedTable::legacy("vodok", "besok", &["id"]);
    PolledSource::new(&world.access, None, stream, vec![(table, watermark)])
}

fn by_moment(world: &World) -> (PolledSource, Session) {
    let mut user = world.user();
    let moment = match user.dialect() {
        Dialect::Sqlite => "DATETIME",
        Dialect::Postgres => "timestamp(3)",
        Dialect::Mysql => "datetime(3)",
    };
    user.run(&format!("CREATE TABLE besok (id INTEGER PRIMARY KEY, namn VARCHAR(40), andrad {moment})"))
        .unwrap();
    let watermark = Watermark { column: "andrad".to_owned(), overlap: TWO_HOURS };
    (polled(world, Some(watermark)), user)
}

/// A row as it is from a moment of 2024 on.
fn write(user: &mut Session, id: u32, name: &str, moment: &str) {
    user.run(&format!("DELETE FROM besok WHERE id = {id}")).unwrap();
    let moment = if moment.is_empty() { "NULL".to_owned() } else { format!("'2024-{moment}'") };
    user.run(&format!("INSERT INTO besok VALUES ({id}, '{name}', {moment})")).unwrap();
}

fn names(cut: &Cut) -> Vec<String> {
    let name = |change: &Change| text(change.after.as_ref().unwrap(), "namn").unwrap().to_owned();
    cut.changes.iter().map(name).collect()
}

fn is_as_held(source: &mut PolledSource, held: &Held) -> crate::capture::Swept {
    let known: Vec<_> = held.rows().into_iter().map(|(key, image)| (key, image.digest())).collect();
    sweep(source, "besok", known, 2, &mut |_| Ok(())).unwrap()
}

/// Takes over everything that a sweep tells.
fn swept(source: &mut PolledSource, held: &mut Held) -> crate::capture::Swept {
    let known: Vec<_> = held.rows().into_iter().map(|(key, image)| (key, image.digest())).collect();
    let mut changes = Vec::new();
    let swept = sweep(source, "besok", known, 2, &mut |change| {
        changes.push(change);
        Ok(())
    });
    held.take(&changes);
    swept.unwrap()
}

fn c12(world: &World) {
    let (mut source, mut user) = by_moment(world);
    write(&mut user, 1, "före", "10-27 01:00:00");
    let now = source.now().unwrap();
    let mut held = Held::default();
    swept(&mut source, &mut held);
    // The edge of a poll lies between two rows of the same stamp.
    write(&mut user, 2, "lika", "10-27 02:30:00.120");
    let cut = source.poll(&now, ALL).unwrap();
    assert_eq!(names(&cut), ["lika"]);
    assert_eq!(source.poll(&now, ALL).unwrap(), cut, "the same position brings the same");
    held.take(&cut.changes);
    write(&mut user, 3, "lika", "10-27 02:30:00.120");
    write(&mut user, 4, "senare", "10-27 02:59:59");
    let cut = source.poll(&cut.next, ALL).unwrap();
    assert_eq!(names(&cut), ["lika", "senare"]);
    held.take(&cut.changes);
    // Summer time ends: the hour comes again. Then somebody sets the clock back a little.
    write(&mut user, 5, "om igen", "10-27 02:00:01");
    write(&mut user, 1, "tillbaka", "10-27 01:10:00");
    let cut = source.poll(&cut.next, ALL).unwrap();
    assert_eq!(names(&cut), ["tillbaka", "om igen"]);
    held.take(&cut.changes);
    assert!(is_as_held(&mut source, &held).is_clean());
    // What no watermark tells of: a stamp that was not renewed, a clock far behind, no stamp, and no row.
    user.run("UPDATE besok SET namn = 'glömd' WHERE id = 2; DELETE FROM besok WHERE id = 3").unwrap();
    write(&mut user, 6, "långt efter", "01-01 00:00:00");
    write(&mut user, 7, "utan", "");
    let cut = source.poll(&cut.next, ALL).unwrap();
    assert_eq!(names(&cut), ["glömd"], "it lies within the overlap");
    held.take(&cut.changes);
    let found = swept(&mut source, &mut held);
    assert_eq!((found.rows, found.new, found.changed, found.gone), (6, 2, 0, 1));
    assert!(is_as_held(&mut source, &held).is_clean());
    let guarantee = source.guarantee("besok");
    assert_eq!((guarantee.deletes, guarantee.staleness_seconds), (false, None));
}

fn numbered(world: &World) {
    let mut user = world.user();
    user.run("CREATE TABLE besok (id INTEGER PRIMARY KEY, namn VARCHAR(40), rad INTEGER)").unwrap();
    let watermark = Watermark { column: "rad".to_owned(), overlap: Overlap::Numbers(2) };
    let mut source = polled(world, Some(watermark));
    let mut place = source.now().unwrap();
    for number in 1..=5 {
        user.run(&format!("INSERT INTO besok VALUES ({number}, 'a', {number})")).unwrap();
        // An earlier one that was committed later.
        user.run(&format!("UPDATE besok SET namn = 'b', rad = {number} - 1 WHERE id = {number} - 2"))
            .unwrap();
        let cut = source.poll(&place, ALL).unwrap();
        assert_eq!(cut.changes.len(), if number > 2 { 2 } else { 1 });
        assert!(cut.complete_through >= cut.changes[0].version);
        place = cut.next;
    }
    user.run("DELETE FROM besok").unwrap();
    for _ in 0..2 {
        let cut = source.poll(&place, ALL).unwrap();
        assert_eq!(cut.changes, []);
        assert_ne!(cut.next, place, "c9: it advances");
        place = cut.next;
    }
}

/// Tables that are read as a whole: keys of every letter, and an adapter that was started anew between two chunks.
fn chunks(world: &World) {
    let mut user = world.user();
    let letters = match user.dialect() {
        Dialect::Sqlite | Dialect::Postgres => "",
        Dialect::Mysql => "CHARACTER SET utf8mb4 COLLATE utf8mb4_swedish_ci",
    };
    user.run(&format!("CREATE TABLE besok (id VARCHAR(9) {letters} NOT NULL PRIMARY KEY, namn VARCHAR(40))"))
        .unwrap();
    let keys = ["å", "ä", "ö", "10", "9", "Z", "b", "aa", "100"];
    for key in keys {
        user.run(&format!("INSERT INTO besok VALUES ('{key}', 'x')")).unwrap();
    }
    for mut anew in [false, true] {
        let mut source = polled(world, None);
        let (mut met, mut after) = (BTreeMap::new(), None);
        for _ in 0..3 * keys.len() {
            let chunk = source.read_chunk("besok", after.as_ref(), 2).unwrap();
            after = chunk.rows.keys().next_back().cloned();
            met.extend(chunk.rows);
            if !chunk.more {
                break;
            }
            if anew && met.len() == 4 {
                source = polled(world, None);
                anew = false;
            }
        }
        assert_eq!(met.len(), keys.len());
    }
    // The row that the next chunk would go on behind is gone: it begins with the first.
    let mut source = polled(world, None);
    let gone = SourceKey::new("vodok", "besok", [Some("borta")]);
    assert_eq!(source.read_chunk("besok", Some(&gone), 2).unwrap().rows.len(), 2);
    let place = source.now().unwrap();
    assert_eq!(source.poll(&place, ALL).unwrap().changes, [], "only a sweep tells of it");
    let mut held = Held::default();
    assert_eq!(swept(&mut source, &mut held).new, 9);
    user.run("UPDATE besok SET namn = 'y' WHERE id = '9'; DELETE FROM besok WHERE id = '10'").unwrap();
    let found = swept(&mut source, &mut held);
    assert_eq!((found.new, found.changed, found.gone), (0, 1, 1));
    assert!(is_as_held(&mut source, &held).is_clean());
}

macro_rules! contract {
    ($name:ident, $world:expr) => {
        mod $name {
            #[test]
            fn c12_a_watermark_tells_what_it_can_and_a_sweep_the_rest() {
                super::c12(&$world);
            }

            #[test]
            fn c9_numbers_are_a_watermark_too_and_an_idle_table_advances() {
                super::numbered(&$world);
            }

            #[test]
            fn s3_a_table_that_says_nothing_is_read_as_a_whole() {
                super::chunks(&$world);
            }
        }
    };
}

contract!(sqlite, crate::capture::trigger::tests::sqlite::world());
#[cfg(feature = "postgres-tests")]
contract!(postgres, crate::capture::trigger::tests::postgres::world());
#[cfg(feature = "mariadb-tests")]
contract!(mariadb, crate::capture::trigger::tests::mariadb::world());

#[test]
fn what_is_read_again_is_written_as_the_column_writes_it() {
    let watermark = Watermark { column: "t".to_owned(), overlap: Overlap::Seconds(7200) };
    for (highest, expected) in [
        ("2024-03-31 01:30:00.123", "2024-03-30 23:30:00.123"),
        ("2024-03-31T03:30:00", "2024-03-31T01:30:00"),
        ("2024-01-01", "2023-12-31"),
    ] {
        assert_eq!(watermark.again_from(highest).unwrap().1, expected);
    }
    for wrong in ["", "igår", "2024-13-01 00:00:00"] {
        assert!(watermark.again_from(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn a_table_or_column_that_is_gone_is_drift() {
    let world = crate::capture::trigger::tests::sqlite::world();
    let (mut source, mut user) = by_moment(&world);
    let place = source.now().unwrap();
    user.run("ALTER TABLE besok RENAME COLUMN andrad TO nar").unwrap();
    assert!(matches!(source.validity(&place).unwrap(), Validity::Drift { .. }));
    assert_eq!(source.poll(&place, ALL).unwrap_err().kind(), ErrorKind::Drift);
    assert_eq!(source.validity(&Position("x".to_owned())).unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn a_row_that_cannot_be_read_does_not_pass_for_one_that_is_gone() {
    let world = crate::capture::trigger::tests::sqlite::world();
    let (mut source, mut user) = by_moment(&world);
    user.run("INSERT INTO besok VALUES (1, CAST(x'c5e5' AS TEXT), NULL)").unwrap();
    let error = source.read_chunk("besok", None, 10).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("namn"), "{error}");
}

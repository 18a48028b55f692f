//! Who may open the store, and who may write.

use super::*;
use crate::store::schema;

pub(super) fn a7_a_process_that_lost_its_lease_writes_nothing(home: &dyn Home) {
    drop(home.bridge());
    let (mut sleeper, mut other) = (home.open(Access::Beside).unwrap(), home.open(Access::Beside).unwrap());
    let first = sleeper.acquire("job:sweep", "one", time(0), time(10)).unwrap();
    assert_eq!(first.token, 1);
    let refused = other.acquire("job:sweep", "two", time(9), time(30)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Fenced);
    assert!(refused.to_string().contains("one has the lease job:sweep"), "{refused}");
    let job = sleeper.start_job("sweep", time(1)).unwrap();
    assert_eq!(other.acquire("job:sweep", "two", time(10), time(30)).unwrap().token, 2);
    assert_eq!(kind(sleeper.end_job(job, Outcome::Done, time(11))), ErrorKind::Fenced);
    assert_eq!(kind(sleeper.renew(time(11), time(40))), ErrorKind::Fenced);
    assert_eq!(kind(sleeper.release(time(11))), ErrorKind::Fenced);
    assert_eq!(other.jobs("sweep", 9).unwrap()[0].ended, None);
    other.renew(time(12), time(50)).unwrap();
    other.release(time(13)).unwrap();
    assert_eq!(kind(other.end_job(job, Outcome::Done, time(14))), ErrorKind::Fenced);
    assert_eq!(sleeper.acquire("job:sweep", "one", time(13), time(20)).unwrap().token, 3);
    sleeper.end_job(job, Outcome::Done, time(14)).unwrap();
    assert_eq!(sleeper.leases().unwrap().len(), 2);
    // The bridge itself, should the lock ever be lost while it sleeps.
    let mut bridge = home.bridge();
    home.run("UPDATE bridge_lease SET token = token + 1 WHERE name = 'bridge'");
    assert_eq!(kind(bridge.append(&cut(&legacy(), 0, 1..2), mappings())), ErrorKind::Fenced);
    assert_eq!(bridge.checkpoint().unwrap().cuts, 0);
}

pub(super) fn a8_a_second_bridge_is_refused(home: &dyn Home) {
    let mut first = home.bridge();
    let refused = home.open(Access::Bridge).err().unwrap();
    assert!(
        refused.kind() == ErrorKind::Fenced && refused.to_string().contains("another process"),
        "{refused}"
    );
    let mut beside = home.open(Access::Beside).unwrap();
    let taken = beside.acquire(BRIDGE_LEASE, "elsewhere", time(1), time(2));
    assert_eq!(kind(taken), ErrorKind::Fenced);
    beside.acquire("desk", "elsewhere", time(1), time(2)).unwrap();
    assert_eq!(kind(beside.append(&cut(&legacy(), 0, 1..2), mappings())), ErrorKind::Fenced);
    first.append(&cut(&legacy(), 0, 1..2), mappings()).unwrap();
    drop(first);
    let mut second = home.open(Access::Bridge).unwrap();
    // Long before the lease of the first has run out: the lock says that its process is gone.
    assert_eq!(second.acquire(BRIDGE_LEASE, "this machine, again", time(1), time(2)).unwrap().token, 2);
}

pub(super) fn nobody_writes_without_a_lease(home: &dyn Home) {
    let mut store = home.open(Access::Bridge).unwrap();
    assert_eq!(kind(store.append(&cut(&legacy(), 0, 1..2), mappings())), ErrorKind::Fenced);
    assert_eq!(kind(store.start_job("x", time(0))), ErrorKind::Fenced);
    assert_eq!(store.access(), Access::Bridge);
    drop(store);
    let mut reader = home.open(Access::Read).unwrap();
    assert!(reader.acquire("desk", "x", time(0), time(1)).is_err());
}

pub(super) fn a_newer_format_is_refused_and_an_older_brought_up(home: &dyn Home) {
    assert!(home.open(Access::Read).is_err(), "there is none yet");
    let checkpoint = journaled(home);
    let later: &[&[&str]] = &[schema::FORMATS[0], &["CREATE TABLE bridge_later (a INTEGER, b BLOB) STRICT"]];
    let mut behind = home.behind();
    assert_eq!(behind.together(|connection| schema::migrate(connection, later)).unwrap(), 1);
    assert_eq!(behind.number("SELECT count(*) FROM bridge_later", Vec::new()).unwrap(), 0);
    for access in [Access::Bridge, Access::Beside, Access::Read] {
        let refused = home.open(access).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::Drift);
        let text = refused.to_string();
        assert!(text.contains("format 2") && text.contains("a newer program wrote it"), "{text}");
    }
    schema::set_meta(&mut behind, "format", "1").unwrap();
    drop(behind);
    assert_eq!(home.open(Access::Read).unwrap().verify(None).unwrap(), checkpoint);
}

pub(super) fn an_upgrade_is_whole_or_nothing(home: &dyn Home) {
    let checkpoint = journaled(home);
    let wrong: &[&[&str]] =
        &[schema::FORMATS[0], &["CREATE TABLE bridge_later (a INTEGER) STRICT", "CREATE NONSENSE"]];
    let mut behind = home.behind();
    behind.together(|connection| schema::migrate(connection, wrong)).unwrap_err();
    assert!(behind.rows("SELECT a FROM bridge_later", Vec::new()).is_err());
    drop(behind);
    assert_eq!(home.bridge().verify(None).unwrap(), checkpoint);
}

pub(super) fn another_key_is_refused(home: &dyn Home) {
    journaled(home);
    let other = MasterKey::from_hex(&"0b".repeat(32)).unwrap();
    let refused = Store::open(&home.target(), &other, Access::Read).err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Config);
    let cause = std::error::Error::source(&refused).unwrap().to_string();
    assert!(cause.contains(&master().fingerprint()) && cause.contains(&other.fingerprint()), "{cause}");
}

#[test]
fn the_oldest_format_is_read() {
    let home = Folder::new();
    std::fs::write(home.path(), "").unwrap();
    let script = include_str!("../../../../tests/cases/formats/bridge.sql");
    let mut behind = home.behind();
    for statement in script.split_terminator(";\n") {
        behind.execute(sqlx::AssertSqlSafe(statement), Vec::new()).unwrap();
    }
    drop(behind);
    let mut store = home.bridge();
    assert_eq!(store.verify(None).unwrap().cuts, 1);
    let (id, cut, _) = store.next_after(&legacy(), None).unwrap().unwrap();
    assert_eq!((id, cut.changes.len(), cut.next.0.as_str()), (CutId(1), 2, "1"));
}

#[test]
fn a_file_is_for_its_owner_alone() {
    let home = Folder::new();
    drop(home.bridge());
    for entry in std::fs::read_dir(home.0.path()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(home.open(Access::Beside).is_ok());
    let elsewhere = Target::Sqlite(home.0.path().to_owned());
    assert_eq!(kind(Store::open(&elsewhere, &master(), Access::Bridge)), ErrorKind::Config);
    let elsewhere = Target::Sqlite(home.0.path().join("none.db"));
    assert_eq!(kind(Store::open(&elsewhere, &master(), Access::Read)), ErrorKind::Config);
}

use std::process::{Command, Stdio};

use jiff::Timestamp;

use super::super::record::Ending;
use super::*;

fn name() -> JobName {
    JobName::parse("natt").unwrap()
}

#[test]
fn a_record_is_read_as_it_was_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = FolderStore::new(&dir.path().join("jobs"));
    assert_eq!(store.record(&name()).unwrap(), None);
    let mut record = JobRecord::new(name());
    record.begin(Timestamp::UNIX_EPOCH, 3, 1, Timestamp::UNIX_EPOCH);
    record.end(Ending::TimedOut, None, Timestamp::UNIX_EPOCH);
    store.keep(&record).unwrap();
    assert_eq!(store.record(&name()).unwrap(), Some(record));
}

#[test]
fn a_damaged_record_and_one_of_a_newer_format_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = FolderStore::new(dir.path());
    store.keep(&JobRecord::new(name())).unwrap();
    let path = dir.path().join("natt.json");
    let text = std::fs::read_to_string(&path).unwrap();
    for (wrong, kind) in [
        (text.replace("\"natt\"", "\"dag\""), ErrorKind::Corrupt),
        (text.replace("is_halted", "is_haltad"), ErrorKind::Corrupt),
        (text[..20].to_owned(), ErrorKind::Corrupt),
        (text.replace("\"format\": 1", "\"format\": 2"), ErrorKind::Config),
    ] {
        std::fs::write(&path, wrong).unwrap();
        let error = store.record(&name()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains("natt.json"), "{error}");
    }
}

#[test]
fn a_job_has_one_runner_and_every_job_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (mut one, mut other) = (FolderStore::new(dir.path()), FolderStore::new(dir.path()));
    let held = one.lease(&name()).unwrap().expect("nobody has it");
    assert!(other.lease(&name()).unwrap().is_none());
    assert!(other.lease(&JobName::parse("dag").unwrap()).unwrap().is_some());
    drop(held);
    assert!(other.lease(&name()).unwrap().is_some());
}

/// A runner that was killed leaves its job at work: nobody may begin it beside itself.
#[test]
fn a_job_at_work_keeps_its_lease_without_its_runner() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = FolderStore::new(dir.path());
    let held = store.lease(&name()).unwrap().unwrap();
    let handed = Stdio::from(held.to_hand_on().unwrap().unwrap());
    let mut at_work = Command::new("sleep").arg("600").stdin(handed).spawn().unwrap();
    drop(held);
    assert!(store.lease(&name()).unwrap().is_none());
    at_work.kill().unwrap();
    at_work.wait().unwrap();
    assert!(store.lease(&name()).unwrap().is_some());
}

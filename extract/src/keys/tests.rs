use std::os::unix::fs::PermissionsExt;

use super::*;

fn master() -> MasterKey {
    MasterKey::from_hex(&"0a".repeat(32)).unwrap()
}

fn wrapped(dir: &Path) -> WrappedKey {
    let KeyState::Wrapped(key) = key_state(dir).unwrap() else { panic!("the run has a key") };
    key
}

#[test]
fn a_key_is_given_back_to_its_run_and_master_only() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(key_state(dir.path()).unwrap(), KeyState::Absent);
    let drawn = draw_run_key(dir.path(), "r1", &master()).unwrap();
    let stored = wrapped(dir.path());
    let opened = stored.open(dir.path(), "r1", &master()).unwrap();
    assert_eq!(opened.0, drawn.0);
    assert_eq!(stored.sealed_by, master().fingerprint());

    let other_run = stored.open(dir.path(), "r2", &master()).err().unwrap();
    assert_eq!(other_run.kind(), ErrorKind::Corrupt);
    let other_key = stored.open(dir.path(), "r1", &MasterKey([1; 32])).err().unwrap();
    assert_eq!(other_key.kind(), ErrorKind::Settings);
    assert!(other_key.to_string().contains(&stored.sealed_by), "{other_key}");
}

#[test]
fn a_damaged_key_is_not_taken_for_a_wrong_one() {
    let dir = tempfile::tempdir().unwrap();
    draw_run_key(dir.path(), "r1", &master()).unwrap();
    let stored = wrapped(dir.path());
    for at in [0, 30, stored.wrapped.len() - 1] {
        let mut text = stored.wrapped.clone().into_bytes();
        text[at] = if text[at] == b'0' { b'1' } else { b'0' };
        let damaged = WrappedKey { wrapped: String::from_utf8(text).unwrap(), ..stored.clone() };
        assert_eq!(damaged.open(dir.path(), "r1", &master()).err().unwrap().kind(), ErrorKind::Corrupt);
    }
    std::fs::write(dir.path().join(KEY_FILE), "{}").unwrap();
    assert_eq!(key_state(dir.path()).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_destroyed_key_leaves_a_receipt_and_nothing_of_itself() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(destroy_run_key(dir.path(), "today").unwrap_err().kind(), ErrorKind::Missing);
    draw_run_key(dir.path(), "r1", &master()).unwrap();
    let receipt = destroy_run_key(dir.path(), "2024-12-31T12:00:00Z").unwrap();
    assert_eq!(
        (receipt.destroyed.as_str(), &receipt.sealed_by),
        ("2024-12-31T12:00:00Z", &master().fingerprint())
    );
    assert!(!dir.path().join(KEY_FILE).exists());
    assert_eq!(key_state(dir.path()).unwrap(), KeyState::Destroyed(receipt.clone()));
    assert_eq!(destroy_run_key(dir.path(), "later").unwrap(), receipt, "once is enough");
}

#[test]
fn a_destruction_that_was_cut_short_counts_and_is_completed() {
    let dir = tempfile::tempdir().unwrap();
    draw_run_key(dir.path(), "r1", &master()).unwrap();
    let key = std::fs::read(dir.path().join(KEY_FILE)).unwrap();
    destroy_run_key(dir.path(), "first").unwrap();
    std::fs::write(dir.path().join(KEY_FILE), key).unwrap();
    assert!(matches!(key_state(dir.path()).unwrap(), KeyState::Destroyed(_)));
    assert_eq!(destroy_run_key(dir.path(), "second").unwrap().destroyed, "first");
    assert!(!dir.path().join(KEY_FILE).exists());
}

#[test]
fn a_key_that_cannot_be_read_is_destroyed_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(KEY_FILE);
    for damaged in ["{}", "", "{\"format\": 9, \"sealed_by\": \"x\", \"wrapped\": \"00\"}"] {
        std::fs::write(&path, damaged).unwrap();
        assert!(key_state(dir.path()).is_err());
        let receipt = destroy_run_key(dir.path(), "today").unwrap();
        assert_eq!((receipt.sealed_by.as_str(), path.exists()), (UNKNOWN_KEY, false));
        std::fs::remove_file(dir.path().join(RECEIPT_FILE)).unwrap();
    }
    draw_run_key(dir.path(), "r1", &master()).unwrap();
    std::fs::write(dir.path().join(RECEIPT_FILE), "{").unwrap();
    let receipt = destroy_run_key(dir.path(), "today").unwrap();
    assert_eq!((receipt.sealed_by, path.exists()), (master().fingerprint(), false), "a damaged receipt");
}

#[test]
fn a_key_that_is_written_over_leaves_no_byte() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("k");
    std::fs::write(&path, "hemligt").unwrap();
    overwrite(&path, 7).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), [0; 7]);
}

#[test]
fn a_new_master_key_is_for_its_owner_alone_and_never_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("staging.key");
    let drawn = MasterKey::draw().unwrap();
    drawn.write_new(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let read = MasterKey::from_hex(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(read.fingerprint(), drawn.fingerprint());
    assert_eq!(MasterKey::draw().unwrap().write_new(&path).unwrap_err().kind(), ErrorKind::Settings);
    assert_ne!(MasterKey::draw().unwrap().fingerprint(), drawn.fingerprint());
}

#[test]
fn what_is_not_a_key_is_refused_and_not_repeated() {
    let error = MasterKey::from_hex("c0ffee").err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Settings);
    assert!(!error.to_string().contains("c0ffee"));
}

#[test]
fn hexadecimal_digits_come_back_as_bytes() {
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(bytes_of_digits(hex(&bytes).as_bytes()).unwrap(), bytes);
    assert_eq!(hex(&[0x0f, 0xa0]), "0fa0");
    assert!(bytes_of_digits(b"abc").is_none() && bytes_of_digits(b"zz").is_none());
}

//! What is done to a journal behind the bridge's back is found.

use super::*;

/// What is done to the journal of [`journaled`], and the place that the finding names.
const EDITS: &[(&str, &str)] = &[
    ("UPDATE bridge_change SET major = major + 1 WHERE seq = 2", "change 2 of cut 1"),
    ("UPDATE bridge_change SET op = 'gone' WHERE seq = 3", "change 3 of cut 1"),
    ("UPDATE bridge_change SET marked = 1 - marked WHERE seq = 6", "change 6 of cut 3"),
    ("UPDATE bridge_change SET after_hash = NULL WHERE seq = 1", "change 1 of cut 1"),
    ("UPDATE bridge_change SET row_key = prev_hash WHERE seq = 4", "change 4 of cut 1"),
    ("UPDATE bridge_change SET hash = prev_hash WHERE seq = 1", "change 1 of cut 1"),
    ("UPDATE bridge_change SET payload = payload_hash WHERE seq = 5", "change 5 of cut 3"),
    ("UPDATE bridge_change SET payload = NULL WHERE seq = 5", "change 5 of cut 3"),
    ("UPDATE bridge_change SET payload = NULL, purge = 1 WHERE seq = 5", "purge 1"),
    (
        "UPDATE bridge_change SET (payload, payload_hash) = \
         (SELECT b.payload, b.payload_hash FROM bridge_change AS b WHERE b.seq = 6) WHERE seq = 5",
        "change 5 of cut 3",
    ),
    ("DELETE FROM bridge_change WHERE seq = 3", "change 3 of cut 1"),
    ("DELETE FROM bridge_change WHERE seq = 7", "change 7 of cut 3"),
    ("UPDATE bridge_change SET seq = 100 WHERE seq = 4", "change 4 of cut 1"),
    ("UPDATE bridge_change SET cut = 3 WHERE seq = 4", "change 4 of cut 1"),
    ("DELETE FROM bridge_cut WHERE cut = 1", "cut 1 is missing"),
    ("DELETE FROM bridge_cut WHERE cut = 2", "cut 2 is missing"),
    ("DELETE FROM bridge_cut WHERE cut = 3", "cut 2"),
    ("UPDATE bridge_cut SET position_next = 'x' WHERE cut = 2", "cut 2 was changed"),
    ("UPDATE bridge_cut SET captured_at = 1 WHERE cut = 3", "cut 3 was changed"),
    ("UPDATE bridge_cut SET mapping_version = hash WHERE cut = 3", "cut 3 was changed"),
    ("UPDATE bridge_cut SET changes = 1 WHERE cut = 2", "cut 2"),
    ("UPDATE bridge_head SET cut = 2", "cut 3"),
    ("UPDATE bridge_head SET hash = (SELECT hash FROM bridge_cut WHERE cut = 1)", "cut 3"),
    ("UPDATE bridge_stream SET position = '2'", "stream paraply"),
    (
        "INSERT INTO bridge_change SELECT 8, cut, row_key, major, minor, op, marked, after_hash, payload_hash, \
         payload, prev_hash, hash, scope, purge FROM bridge_change WHERE seq = 7",
        "cut 3",
    ),
    (
        "INSERT INTO bridge_change SELECT -1, cut, row_key, major, minor, op, marked, after_hash, payload_hash, \
         payload, prev_hash, hash, scope, purge FROM bridge_change WHERE seq = 7",
        "cut 3",
    ),
];

pub(super) fn p4_whatever_is_done_to_the_journal_is_found(home: &dyn Home) {
    for (edit, place) in EDITS {
        home.empty();
        journaled(home);
        let mut store = home.open(Access::Read).unwrap();
        store.verify(None).unwrap();
        home.run(edit);
        let error = store.verify(None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{edit}");
        assert!(error.to_string().contains(place), "{edit}: {error}");
    }
}

pub(super) fn a_journal_that_was_cut_off_is_found_by_a_checkpoint(home: &dyn Home) {
    let checkpoint = journaled(home);
    let mut store = home.bridge();
    store.append(&cut(&legacy(), 3, 8..10), mappings()).unwrap();
    assert_eq!(store.verify(Some(&checkpoint)).unwrap().cuts, 4);
    drop(store);
    // Somebody who knows the format takes the end away and leaves nothing that tells of it.
    let cut_off = [
        "DELETE FROM bridge_change WHERE cut >= 3",
        "DELETE FROM bridge_cut WHERE cut >= 3",
        "UPDATE bridge_head SET cut = 2, seq = 4, hash = (SELECT hash FROM bridge_cut WHERE cut = 2)",
        "UPDATE bridge_stream SET cut = 2, position = '2'",
    ];
    for sql in cut_off {
        home.run(sql);
    }
    let mut store = home.bridge();
    assert_eq!(store.verify(None).unwrap().cuts, 2);
    let error = store.verify(Some(&checkpoint)).unwrap_err();
    assert!(error.kind() == ErrorKind::Corrupt && error.to_string().contains("cut 3 is missing"), "{error}");
    // Writing it anew does not hide it.
    store.append(&cut(&legacy(), 2, 5..8), mappings()).unwrap();
    let error = store.verify(Some(&checkpoint)).unwrap_err();
    assert!(error.kind() == ErrorKind::Corrupt && error.to_string().contains("written anew"), "{error}");
}

pub(super) fn a_purge_takes_payloads_and_leaves_the_chain(home: &dyn Home) {
    let checkpoint = journaled(home);
    let mut store = home.bridge();
    store.at(time(100));
    store.append(&cut(&legacy(), 3, 8..12), mappings()).unwrap();
    let head = store.cut(CutId(1)).unwrap().unwrap();
    let other = Scope::parse("ekonomiskt-bistand-x/SDN03/myndighet").unwrap();
    let scopes = BTreeMap::from([(0, scope()), (1, scope()), (2, other), (9, scope())]);
    store.place_changes(&head, &scopes).unwrap();
    let mut purge = Purge {
        area: Some("ekonomiskt-bistand".to_owned()),
        through: CutId(4),
        captured_before: None,
        at: time(200),
        decided_by: "arkivet".to_owned(),
    };
    assert_eq!(store.purge(&purge).unwrap(), 2, "only the area");
    assert_eq!(store.verify(Some(&checkpoint)).unwrap().cuts, 4);
    assert_eq!(kind(store.changes(&head, 0, 9)), ErrorKind::Expired);
    assert_eq!(store.changes(&head, 2, 9).unwrap().len(), 2);
    purge = Purge { area: None, captured_before: Some(time(0)), ..purge };
    assert_eq!(store.purge(&purge).unwrap(), 0, "nothing is so old");
    purge = Purge { captured_before: Some(time(100)), through: CutId(1), ..purge };
    assert_eq!(store.purge(&purge).unwrap(), 2, "the rest of the first");
    purge = Purge { through: CutId(4), ..purge };
    assert_eq!(store.purge(&purge).unwrap(), 3, "the third, and not the fourth");
    assert_eq!(store.verify(Some(&checkpoint)).unwrap().changes, 11);
    assert_eq!(kind(store.next_after(&legacy(), None)), ErrorKind::Expired);
    assert_eq!(store.next_after(&legacy(), Some(CutId(3))).unwrap().unwrap().1.changes.len(), 4);
    home.run("UPDATE bridge_purge SET decided_by = 'nobody' WHERE purge = 3");
    assert!(store.verify(None).unwrap_err().to_string().contains("purge 3 was changed"));
    home.run("DELETE FROM bridge_purge WHERE purge = 4");
    home.run("UPDATE bridge_purge SET decided_by = 'arkivet' WHERE purge = 3");
    assert!(store.verify(None).unwrap_err().to_string().contains("purge 4 is missing"));
}

pub(super) fn what_is_damaged_is_not_given_out(home: &dyn Home) {
    journaled(home);
    let mut store = home.open(Access::Read).unwrap();
    home.run("UPDATE bridge_change SET major = major + 1 WHERE seq = 2");
    assert_eq!(kind(store.next_after(&legacy(), None)), ErrorKind::Corrupt);
    home.run("UPDATE bridge_cut SET position_next = 'x' WHERE cut = 3");
    assert_eq!(kind(store.next_after(&legacy(), Some(CutId(2)))), ErrorKind::Corrupt);
    home.run("DELETE FROM bridge_change WHERE seq = 4");
    let head = store.cut(CutId(1)).unwrap().unwrap();
    assert_eq!(store.changes(&head, 2, 1).unwrap().len(), 1);
    assert_eq!(kind(store.changes(&head, 2, 2)), ErrorKind::Corrupt);
}

/// A bit of the file that is another either changes nothing of what is read, or is found.
#[test]
fn p4_no_flipped_bit_of_the_file_goes_unnoticed() {
    let home = Folder::new();
    journaled(&home);
    let whole = std::fs::read(home.path()).unwrap();
    let read = |home: &Folder| -> Result<(Checkpoint, Vec<Cut>)> {
        let mut store = home.open(Access::Bridge)?;
        let checkpoint = store.verify(None)?;
        let (mut cuts, mut after) = (Vec::new(), None);
        while let Some((id, cut, _)) = store.next_after(&legacy(), after)? {
            cuts.push(cut);
            after = Some(id);
        }
        Ok((checkpoint, cuts))
    };
    let right = read(&home).unwrap();
    let payload = {
        let mut behind = home.behind();
        let row = behind.row("SELECT payload FROM bridge_change WHERE seq = 6", Vec::new()).unwrap().unwrap();
        row.bytes(0).unwrap()
    };
    let in_payload = whole.windows(payload.len()).position(|part| part == payload).unwrap() + 40;
    let mut found = 0;
    for at in (100..whole.len()).step_by(1499).chain([in_payload]) {
        home.empty();
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        std::fs::write(home.path(), flipped).unwrap();
        match read(&home) {
            Ok(read) => assert_eq!(read, right, "byte {at}"),
            Err(error) if at == in_payload => {
                let text = error.to_string();
                assert!(error.kind() == ErrorKind::Corrupt && text.contains("change 6 of cut 3"), "{text}");
                found += 1;
            }
            Err(_) => found += 1,
        }
    }
    assert!(found > 1, "{found}");
}

//! The journal as it is written and read.

use super::*;
use crate::store::connection::values;

/// Everything of a stream, cut by cut.
fn read_all(store: &mut Store, stream: &Stream) -> Vec<(CutId, Cut)> {
    let (mut read, mut after) = (Vec::new(), None);
    while let Some((id, cut, version)) = store.next_after(stream, after).unwrap() {
        assert_eq!(version, mappings());
        read.push((id, cut));
        after = Some(id);
    }
    read
}

pub(super) fn the_journal_gives_back_what_was_written(home: &dyn Home) {
    let cuts = [
        cut(&legacy(), 0, 0..300),
        cut(&model(), 7, 1..3),
        cut(&legacy(), 1, 300..300),
        cut(&legacy(), 2, 300..301),
    ];
    let mut store = home.bridge();
    store.at(time(5));
    for (cut, id) in cuts.iter().zip(1..) {
        assert_eq!(store.append(cut, mappings()).unwrap(), CutId(id));
    }
    let checkpoint = store.verify(None).unwrap();
    assert_eq!((checkpoint.cuts, checkpoint.changes), (4, 303));
    assert_eq!(Checkpoint::parse(&checkpoint.to_string()), Some(checkpoint));
    drop(store);
    let mut store = home.open(Access::Read).unwrap();
    let legacy_cuts: Vec<_> =
        [0, 2, 3].map(|at| (CutId(at + 1), cuts[usize::try_from(at).unwrap()].clone())).into();
    assert_eq!(read_all(&mut store, &legacy()), legacy_cuts);
    assert_eq!(read_all(&mut store, &model()), [(CutId(2), cuts[1].clone())]);
    assert_eq!(store.position(&legacy()).unwrap(), Some(Position("3".to_owned())));
    assert_eq!(store.cut(CutId(4)).unwrap().unwrap().captured_at, time(5));
    assert_eq!((store.checkpoint().unwrap(), store.cut(CutId(5)).unwrap()), (checkpoint, None));
}

pub(super) fn a_cut_is_read_in_pieces(home: &dyn Home) {
    let mut store = home.bridge();
    store.append(&cut(&legacy(), 0, 0..3), mappings()).unwrap();
    let written = cut(&legacy(), 1, 3..103);
    store.append(&written, mappings()).unwrap();
    let head = store.head_after(&legacy(), Some(CutId(1))).unwrap().unwrap();
    assert_eq!((head.id, head.changes, head.first_seq), (CutId(2), 100, 4));
    let (mut read, mut passed) = (Vec::new(), 0);
    loop {
        let piece = store.changes(&head, passed, 30).unwrap();
        if piece.is_empty() {
            break;
        }
        passed += u64::try_from(piece.len()).unwrap();
        read.extend(piece);
    }
    assert_eq!(read, written.changes);
    assert!(store.changes(&head, 1000, 30).unwrap().is_empty());
}

pub(super) fn c1_a_cut_is_journaled_once(home: &dyn Home) {
    let mut store = home.bridge();
    let first = cut(&legacy(), 0, 1..4);
    store.append(&first, mappings()).unwrap();
    drop(store);
    let mut store = home.bridge();
    assert_eq!(kind(store.append(&first, mappings())), ErrorKind::Fenced);
    assert_eq!(store.position(&legacy()).unwrap(), Some(first.next));
    store.append(&cut(&legacy(), 1, 4..5), mappings()).unwrap();
    assert_eq!(store.verify(None).unwrap().cuts, 2);
}

pub(super) fn c5_a_cut_of_another_life_is_refused(home: &dyn Home) {
    let mut store = home.bridge();
    store.append(&cut(&legacy(), 0, 1..4), mappings()).unwrap();
    let mut restored = cut(&legacy(), 1, 4..5);
    restored.incarnation = Incarnation("life 2".to_owned());
    assert_eq!(kind(store.append(&restored, mappings())), ErrorKind::Rewound);
    let there = (&restored.incarnation.clone(), &Position("1".to_owned()));
    store.restart_stream(&legacy(), there.0, there.1, (time(9), "Beslutsfattare")).unwrap();
    store.verify(None).unwrap();
    store.append(&restored, mappings()).unwrap();
    let lives = store.incarnations(&legacy()).unwrap();
    assert_eq!((lives.len(), lives[0].after, lives[0].at), (1, Some(CutId(1)), time(9)));
    store.verify(None).unwrap();
}

pub(super) fn c9_a_position_advances_without_changes(home: &dyn Home) {
    let mut store = home.bridge();
    store.append(&cut(&legacy(), 0, 1..1), mappings()).unwrap();
    let state = store.streams().unwrap().remove(0);
    assert_eq!((state.position, state.cut), (Position("1".to_owned()), Some(CutId(1))));
}

pub(super) fn s5_a_stream_stands_where_it_was_begun(home: &dyn Home) {
    let mut store = home.bridge();
    let (life, position) = (Incarnation("life 1".to_owned()), Position("17".to_owned()));
    store.begin_stream(&legacy(), &life, &position, (time(1), "frö")).unwrap();
    drop(store);
    let mut store = home.bridge();
    assert_eq!(store.position(&legacy()).unwrap(), Some(position.clone()));
    let again = store.begin_stream(&legacy(), &life, &position, (time(2), "frö"));
    assert_eq!(kind(again), ErrorKind::Refused);
    assert_eq!(kind(store.append(&cut(&legacy(), 0, 1..2), mappings())), ErrorKind::Fenced);
    store.append(&cut(&legacy(), 17, 1..2), mappings()).unwrap();
    let unknown = store.restart_stream(&model(), &life, &position, (time(2), "frö"));
    assert_eq!(kind(unknown), ErrorKind::Refused);
}

pub(super) fn a_cut_that_is_given_up_leaves_nothing(home: &dyn Home) {
    let before = journaled(home);
    let mut store = home.bridge();
    let (life, from) = (Incarnation("life 1".to_owned()), Position("3".to_owned()));
    let mut writer = store.begin_cut(&legacy(), &life, &from, mappings()).unwrap();
    for number in 0..600 {
        writer.push(&change(number)).unwrap();
    }
    drop(writer);
    assert_eq!(store.verify(Some(&before)).unwrap(), before);
    store.append(&cut(&legacy(), 3, 8..9), mappings()).unwrap();
    assert_eq!(store.verify(Some(&before)).unwrap().changes, 8);
}

/// Lets the 1st, 2nd, … statement of a write fail, until it succeeds: after each failure the journal is as it was.
fn interrupted(home: &dyn Home, write: impl Fn(&mut Store) -> Result<()>) -> u32 {
    for statement in 0.. {
        home.empty();
        let before = journaled(home);
        let mut store = home.bridge();
        store.connection.fails_after = Some(statement);
        let written = write(&mut store);
        store.connection.fails_after = None;
        if written.is_ok() {
            store.verify(Some(&before)).unwrap();
            return statement;
        }
        assert_eq!(store.verify(None).unwrap(), before, "statement {statement}");
        let left = [
            "SELECT count(*) FROM bridge_kept",
            "SELECT count(*) FROM bridge_term",
            "SELECT count(*) FROM bridge_aggregate",
            "SELECT count(*) FROM bridge_parked",
            "SELECT count(*) FROM bridge_conflict",
            "SELECT count(*) FROM bridge_budget",
            "SELECT count(*) FROM bridge_purge",
            "SELECT count(*) FROM bridge_change WHERE payload IS NULL",
        ];
        for sql in left {
            assert_eq!(store.connection.number(sql, values![]).unwrap(), 0, "statement {statement}: {sql}");
        }
    }
    unreachable!("a write has a last statement")
}

pub(super) fn every_write_is_whole_or_nothing(home: &dyn Home) {
    let appended =
        interrupted(home, |store| store.append(&cut(&legacy(), 3, 8..309), mappings()).map(|_| ()));
    assert!(appended > 10, "{appended}");
    let kept = BTreeMap::from([(key(2), knowledge::kept(Some("x"), &[1, 2], &[3]))]);
    assert!(interrupted(home, |store| store.keep(&kept)) > 3);
    let (row, conflict) = (knowledge::waiting(1, 1), knowledge::conflict(1, "update_row_missing"));
    let parks =
        |store: &mut Store| store.park_rows(std::slice::from_ref(&row), std::slice::from_ref(&conflict));
    assert!(interrupted(home, parks) > 6);
    let purge = Purge {
        area: None,
        through: CutId(3),
        captured_before: None,
        at: time(9),
        decided_by: "arkivet".to_owned(),
    };
    assert!(interrupted(home, |store| store.purge(&purge).map(|_| ())) > 3);
}

pub(super) fn nothing_of_a_person_lies_in_the_clear(home: &dyn Home) {
    let mut store = home.bridge();
    store.append(&cut(&legacy(), 0, 0..30), mappings()).unwrap();
    store.keep(&BTreeMap::from([(key(2), knowledge::kept(Some("x"), &[1], &[]))])).unwrap();
    store.park_rows(&[knowledge::waiting(1, 1)], &[knowledge::conflict(1, "x")]).unwrap();
    let reason = format!("{NAME} har ringt");
    let decision = Decision::Waive { by: "A".to_owned(), reason, until: time(9) };
    store.decide(ConflictId(1), &decision, time(2)).unwrap();
    store.bear(&knowledge::born(1, 2), time(1)).unwrap();
    store.set_cursor(&legacy(), "PERSON", Some(NUMBER.as_bytes())).unwrap();
    if let Target::Sqlite(path) = home.target() {
        let folder = path.parent().unwrap().to_owned();
        let search = |step: &str| {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                assert_clear(&std::fs::read(&path).unwrap(), &format!("{step}: {}", path.display()));
            }
        };
        search("open");
        drop(store);
        search("closed");
    } else {
        for sql in DUMPS {
            for row in home.behind().rows(*sql, values![]).unwrap() {
                assert_clear(row.text(0).unwrap().as_bytes(), sql);
            }
        }
    }
}

/// A server shows bytes as hexadecimal digits.
const DUMPS: &[&str] = &[
    "SELECT t::text FROM bridge_change AS t",
    "SELECT t::text FROM bridge_cut AS t",
    "SELECT t::text FROM bridge_kept AS t",
    "SELECT t::text FROM bridge_term AS t",
    "SELECT t::text FROM bridge_born AS t",
    "SELECT t::text FROM bridge_aggregate AS t",
    "SELECT t::text FROM bridge_parked AS t",
    "SELECT t::text FROM bridge_conflict AS t",
    "SELECT t::text FROM bridge_cursor AS t",
];

#[track_caller]
fn assert_clear(bytes: &[u8], place: &str) {
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    for planted in [NAME.to_owned(), NUMBER.to_owned(), hex(NAME), hex(NUMBER)] {
        let found = bytes.windows(planted.len()).any(|part| part == planted.as_bytes());
        assert!(!found, "{planted} lies in {place}");
    }
}

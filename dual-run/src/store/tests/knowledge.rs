//! What the store knows beside the journal.

use std::collections::BTreeSet;

use bron_mappings::EntityId;

use super::*;
use crate::ownership::{Epoch, Ownership};
use crate::phase::{HaltReason, Phase};

fn owned(owner: Owner, epoch: u64) -> Ownership {
    Ownership { owner, epoch: Epoch::after(epoch) }
}

pub(super) fn ownership_is_compared_and_set(home: &dyn Home) {
    let mut store = home.bridge();
    let share = Share::of(&scope());
    assert_eq!(store.ownership(&share).unwrap(), None);
    let original = Ownership::original();
    store.set_ownership(&share, None, original, &decided("a", 1)).unwrap();
    let late = store.set_ownership(&share, None, original, &decided("b", 1));
    assert_eq!(kind(late), ErrorKind::Fenced);
    let moved = original.handed_over();
    store.set_ownership(&share, Some(original.epoch), moved, &decided("c", 2)).unwrap();
    store.set_ownership(&share, Some(original.epoch), moved, &decided("c", 2)).unwrap();
    let again = store.set_ownership(&share, Some(original.epoch), moved, &decided("d", 2));
    assert_eq!(kind(again), ErrorKind::Fenced, "the epoch has ended");
    let back = store.set_ownership(&share, Some(moved.epoch), original, &decided("e", 3));
    assert_eq!(kind(back), ErrorKind::Refused, "an epoch does not come again");
    let entry = store.ownership(&share).unwrap().unwrap();
    assert_eq!((entry.ownership, entry.decided), (moved, decided("c", 2)));
    assert_eq!(store.ownerships().unwrap().len(), 2);
}

pub(super) fn the_most_exact_share_counts(home: &dyn Home) {
    let mut store = home.bridge();
    let all = Share { namnd: ANY.to_owned(), ..Share::of(&scope()) };
    let person = Share { entity: "person".to_owned(), ..all.clone() };
    let contact = Share { attributes: "kontakt".to_owned(), ..person.clone() };
    let shares = [(all, 10), (Share::of(&scope()), 20), (person, 30), (contact, 40)];
    for (share, epoch) in shares {
        store.set_ownership(&share, None, owned(Owner::Legacy, epoch), &decided("a", 1)).unwrap();
        store
            .set_ownership(&share, Some(Epoch::after(epoch)), owned(Owner::New, epoch + 1), &decided("b", 2))
            .unwrap();
    }
    let mut epoch = |scope: &str, entity: &str, attributes: &str| {
        let scope = Scope::parse(scope).unwrap();
        store.owner_of(&scope, entity, attributes).unwrap().map(|entry| entry.ownership.epoch.changes())
    };
    assert_eq!(epoch("ekonomiskt-bistand/SDN99/myndighet", "beslut", "x"), Some(11));
    assert_eq!(epoch("ekonomiskt-bistand/SDN03/myndighet", "beslut", "x"), Some(21));
    assert_eq!(epoch("ekonomiskt-bistand/SDN03/myndighet", "person", "x"), Some(31));
    assert_eq!(epoch("ekonomiskt-bistand/SDN03/myndighet", "person", "kontakt"), Some(41));
    assert_eq!(epoch("ekonomiskt-bistand/SDN03/utforare", "person", "kontakt"), None);
}

pub(super) fn phases_follow_their_order(home: &dyn Home) {
    let mut store = home.bridge();
    let halted = Phase::Halted(HaltReason::Operator);
    let legal = [
        Phase::Planned,
        Phase::Seeding,
        Phase::Following,
        Phase::Shadowing,
        Phase::Armed,
        Phase::Switching,
        Phase::Reversing,
        halted,
        Phase::Reversing,
        Phase::Reverting,
        Phase::Following,
    ];
    for (phase, number) in legal.into_iter().zip(0..) {
        let skipped = store.set_phase(&scope(), number, Phase::Retired, &decided("x", 0));
        assert_eq!(kind(skipped), ErrorKind::Refused, "{phase:?}");
        store.set_phase(&scope(), number, phase, &decided("x", 1)).unwrap();
    }
    let known = store.phase(&scope()).unwrap().unwrap();
    let late = store.set_phase(&scope(), known.number - 1, Phase::Retired, &decided("x", 1));
    assert_eq!(kind(late), ErrorKind::Fenced);
}

pub(super) fn days_in_reverse_are_counted(home: &dyn Home) {
    let mut store = home.bridge();
    let halted = Phase::Halted(HaltReason::UnexplainedDifference);
    let journey = [
        (Phase::Planned, 0),
        (Phase::Seeding, 1),
        (Phase::Following, 2),
        (Phase::Shadowing, 3),
        (Phase::Armed, 4),
        (Phase::Switching, 5),
        (Phase::Reversing, 100),
        (halted, 200),
        (Phase::Reversing, 300),
        (Phase::Reverting, 400),
        (Phase::Following, 500),
        (halted, 600),
    ];
    for ((phase, at), number) in journey.into_iter().zip(0..) {
        store.set_phase(&scope(), number, phase, &decided("x", at)).unwrap();
        if phase == halted && at == 200 {
            assert_eq!(store.seconds_in_reverse(&scope(), time(250)).unwrap(), 150);
        }
    }
    assert_eq!(store.seconds_in_reverse(&scope(), time(900)).unwrap(), 400);
    let last = store.phases().unwrap().remove(0);
    assert_eq!((last.phase, last.iteration, last.number), (halted, 2, 12));
    for (available, reason, at) in
        [(true, "", 1), (true, "", 5), (false, "no_grant", 7), (false, "no_grant", 9)]
    {
        store.note_rollback(&scope(), available, reason, time(at)).unwrap();
    }
    let rollbacks = store.rollbacks(&scope()).unwrap();
    assert_eq!(rollbacks.len(), 2);
    assert_eq!((rollbacks[0].first_at, rollbacks[0].last_at), (time(1), time(5)));
    assert!(!rollbacks[1].available && rollbacks[1].reason == "no_grant");
}

pub(super) fn steps_are_noted_in_their_order(home: &dyn Home) {
    let mut store = home.bridge();
    let step = |number, attempt| StepKey { scope: scope(), iteration: 1, way: Way::Switch, attempt, number };
    assert_eq!(kind(store.begin_step(&step(2, 1), "gates", time(0))), ErrorKind::Refused);
    assert_eq!(store.begin_step(&step(1, 1), "lock", time(1)).unwrap().state, StepState::Begun);
    assert_eq!(kind(store.begin_step(&step(2, 1), "gates", time(1))), ErrorKind::Refused);
    store.end_step(&step(1, 1), false, None, time(2)).unwrap();
    assert_eq!(store.begin_step(&step(1, 1), "lock", time(3)).unwrap().tries, 2);
    let evidence = Some(Digest::of(b"lock"));
    store.end_step(&step(1, 1), true, evidence, time(4)).unwrap();
    store.end_step(&step(1, 1), true, evidence, time(5)).unwrap();
    assert_eq!(kind(store.end_step(&step(1, 1), false, None, time(5))), ErrorKind::Refused);
    assert_eq!(kind(store.begin_step(&step(1, 1), "lock", time(5))), ErrorKind::Refused);
    assert_eq!(kind(store.end_step(&step(2, 1), true, None, time(5))), ErrorKind::Refused);
    store.begin_step(&step(2, 1), "gates", time(6)).unwrap();
    store.begin_step(&step(1, 2), "lock", time(7)).unwrap();
    let steps = store.steps(&scope(), 1, Way::Switch).unwrap();
    let noted: Vec<_> =
        steps.iter().map(|step| (step.attempt, step.number, step.state, step.ended)).collect();
    let expected = [
        (1, 1, StepState::Done, Some(time(4))),
        (1, 2, StepState::Begun, None),
        (2, 1, StepState::Begun, None),
    ];
    assert_eq!(noted, expected);
    assert!(store.steps(&scope(), 1, Way::Revert).unwrap().is_empty());
}

pub(super) fn gates_keep_their_last_reading(home: &dyn Home) {
    let mut store = home.bridge();
    let reading = |gate: &str, is_open, at| GateReading {
        gate: gate.to_owned(),
        is_open,
        reading: "12 s".to_owned(),
        evidence: Digest::of(b"12"),
        taken_at: time(at),
    };
    store.set_gates(&scope(), &[reading("G1", true, 5), reading("G2", true, 5)]).unwrap();
    store.set_gates(&scope(), &[reading("G1", false, 6), reading("G2", false, 4)]).unwrap();
    assert_eq!(store.gates(&scope()).unwrap(), [reading("G1", false, 6), reading("G2", true, 5)]);
}

pub(super) fn approvals_cover_what_was_signed(home: &dyn Home) {
    let mut store = home.bridge();
    let evidence = Digest::of(b"G1-G11");
    let approval = |role: &str, expires| Approval {
        role: role.to_owned(),
        person: "Verksamhetschef".to_owned(),
        evidence,
        at: time(10),
        expires: time(expires),
        revoked_at: None,
    };
    assert_eq!(kind(store.approve(&scope(), &approval("drift", 10))), ErrorKind::Refused);
    let first = store.approve(&scope(), &approval("drift", 20)).unwrap();
    let second = store.approve(&scope(), &approval("verksamhet", 20)).unwrap();
    store.revoke_approval(&scope(), second, time(15)).unwrap();
    assert_eq!(kind(store.revoke_approval(&scope(), second, time(15))), ErrorKind::Refused);
    let approvals = store.approvals(&scope()).unwrap();
    assert_eq!((approvals[0].0, &approvals[0].1), (first, &approval("drift", 20)));
    let covers = |at, evidence: &Digest| approvals[0].1.covers(evidence, time(at));
    assert!(covers(10, &evidence) && !covers(9, &evidence) && !covers(20, &evidence));
    assert!(!covers(10, &Digest::of(b"other")) && !approvals[1].1.covers(&evidence, time(16)));
}

fn terms(numbers: &[u64]) -> BTreeSet<Digest> {
    numbers.iter().map(|number| Digest::of(&number.to_be_bytes())).collect()
}

/// A row that offers and asks these terms.
pub(super) fn kept(text: Option<&str>, offers: &[u64], asks: &[u64]) -> KeptRow {
    KeptRow {
        version: Version { major: 7, minor: 1 },
        image: text.map(image),
        offers: terms(offers),
        asks: terms(asks),
        became: BTreeMap::from([(key(100), image("model"))]),
        scope: scope(),
        aggregate: "aggregate-1".to_owned(),
    }
}

pub(super) fn legacy_rows_are_kept_and_found(home: &dyn Home) {
    journaled(home);
    let mut store = home.bridge();
    let (first, second) = (kept(Some("a"), &[1, 2], &[3]), kept(Some("b"), &[2], &[1]));
    store.keep(&BTreeMap::from([(key(1), first.clone()), (key(2), second.clone())])).unwrap();
    let found = store.kept(&[key(2), key(9), key(1), key(2)]).unwrap();
    assert_eq!(found, [Some(second.clone()), None, Some(first), Some(second)]);
    assert_eq!(store.offering(&terms(&[2])).unwrap(), BTreeSet::from([key(1), key(2)]));
    assert_eq!(store.offering(&terms(&[1, 3])).unwrap(), BTreeSet::from([key(1)]));
    assert_eq!(store.asking(&terms(&[1, 2])).unwrap(), BTreeSet::from([key(2)]));
    let gone = kept(None, &[4], &[]);
    for _ in 0..2 {
        store.keep(&BTreeMap::from([(key(1), gone.clone())])).unwrap();
    }
    assert_eq!(store.kept(&[key(1)]).unwrap(), [Some(gone)]);
    assert_eq!(store.offering(&terms(&[1, 2])).unwrap(), BTreeSet::from([key(2)]));
    assert_eq!(store.forget_tombstones(CutId(2)).unwrap(), 0, "it is of the third cut");
    assert_eq!(store.forget_tombstones(CutId(3)).unwrap(), 1);
    assert!(store.kept(&[key(1)]).unwrap() == [None] && store.offering(&terms(&[4])).unwrap().is_empty());
    let many: BTreeMap<_, _> =
        (100..1300).map(|number| (key(number), kept(Some("m"), &[number], &[5]))).collect();
    for _ in 0..2 {
        store.keep(&many).unwrap();
    }
    let keys: Vec<_> = many.keys().cloned().collect();
    assert!(store.kept(&keys).unwrap().iter().all(Option::is_some));
    assert_eq!(store.asking(&terms(&[5])).unwrap().len(), 1200);
}

/// A row that was born with this id, and its legacy key.
pub(super) fn born(id: u64, legacy: u64) -> BornRow {
    let id_of = |number: u64| EntityId::parse(&format!("00000000-0000-8000-8000-{number:012}")).unwrap();
    BornRow { entity: "person".to_owned(), id: id_of(id), derived: id_of(100 + id), key: key(legacy) }
}

pub(super) fn a_born_row_has_one_legacy_key(home: &dyn Home) {
    let mut store = home.bridge();
    store.bear(&born(1, 2), time(1)).unwrap();
    store.bear(&born(1, 2), time(2)).unwrap();
    for (id, legacy) in [(1, 3), (3, 2)] {
        assert_eq!(kind(store.bear(&born(id, legacy), time(3))), ErrorKind::Refused);
    }
    store.bear(&born(3, 3), time(4)).unwrap();
    let mut all = store.born().unwrap();
    all.sort_by(|one, other| one.key.cmp(&other.key));
    assert_eq!(all, [born(1, 2), born(3, 3)]);
    assert_eq!(store.allocate("paraply", "PERSON").unwrap(), None);
    store.reserve("paraply", "PERSON", 10, 12).unwrap();
    let mut given = || store.allocate("paraply", "PERSON").unwrap();
    assert_eq!([given(), given(), given()], [Some("10".to_owned()), Some("11".to_owned()), None]);
    assert_eq!(kind(store.reserve("paraply", "PERSON", 11, 99)), ErrorKind::Refused);
    store.reserve("paraply", "PERSON", 12, 13).unwrap();
    assert_eq!(store.allocate("paraply", "PERSON").unwrap(), Some("12".to_owned()));
}

/// The change of a row at a version that waits, ten aggregates in all.
pub(super) fn waiting(number: u64, version: u64) -> WaitingRow {
    WaitingRow {
        stream: legacy(),
        aggregate: format!("aggregate-{}", number % 10),
        scope: Some(scope()),
        change: Change { version: Version { major: version, minor: 0 }, ..change(number) },
        reason: "BRON-K006".to_owned(),
    }
}

pub(super) fn conflict(number: u64, class: &str) -> KeptConflict {
    KeptConflict {
        class: class.to_owned(),
        stream: legacy(),
        cut: CutId(number),
        cause: key(number),
        version: Version { major: 5, minor: 0 },
        row: key(number + 1),
        aggregate: "aggregate-1".to_owned(),
        scope: Some(scope()),
        owners: Some(image("owner")),
        others: None,
        detail: "namn".to_owned(),
    }
}

pub(super) fn p1_a_later_state_takes_the_place_of_what_is_parked(home: &dyn Home) {
    let mut store = home.bridge();
    store.park_rows(&[waiting(1, 5), waiting(11, 5), waiting(2, 5)], &[]).unwrap();
    let states = store.aggregates(&["aggregate-1", "aggregate-3"]).unwrap();
    assert_eq!(states, [AggregateState::Parked, AggregateState::Free]);
    store.park_rows(&[waiting(1, 4)], &[]).unwrap();
    assert_eq!(store.waiting("aggregate-1").unwrap(), [waiting(1, 5), waiting(11, 5)]);
    let back = WaitingRow { stream: model(), scope: None, ..waiting(1, 9) };
    store.park_rows(&[waiting(1, 6), back.clone()], &[]).unwrap();
    assert_eq!(store.waiting("aggregate-1").unwrap(), [back.clone(), waiting(1, 6), waiting(11, 5)]);
    let applied = [(key(1), Version { major: 5, minor: 9 }), (key(11), Version { major: 5, minor: 0 })];
    store.settle_rows(&legacy(), &applied, &["aggregate-1"]).unwrap();
    assert_eq!(store.waiting("aggregate-1").unwrap(), [back, waiting(1, 6)], "the later one stays");
    assert_eq!(store.blocked().unwrap(), ["aggregate-1", "aggregate-2"], "until it is let go");
    store.let_go("aggregate-1", true).unwrap();
    store.let_go("aggregate-2", false).unwrap();
    assert!(store.waiting("aggregate-1").unwrap().is_empty() && store.blocked().unwrap().is_empty());
    let states = store.aggregates(&["aggregate-1", "aggregate-2"]).unwrap();
    assert_eq!(states, [AggregateState::OwnerStands, AggregateState::Free]);
    store.settle_rows(&legacy(), &[], &["aggregate-1"]).unwrap();
    assert_eq!(store.aggregates(&["aggregate-1"]).unwrap(), [AggregateState::Free]);
}

pub(super) fn p2_the_budget_counts_what_is_parked_anew(home: &dyn Home) {
    let mut store = home.bridge();
    let rows = [waiting(1, 5), waiting(2, 5), waiting(1, 6), waiting(2, 4)];
    store.park_rows(&rows, &[]).unwrap();
    store.count_changes(&scope(), 500).unwrap();
    store.count_changes(&scope(), 250).unwrap();
    assert_eq!(store.spent(&scope(), time(9)).unwrap(), Spent { parked: 2, changes: 750 });
    assert_eq!(store.spent(&scope(), time(100_000)).unwrap(), Spent::default());
    let counted = store.waiting_counts().unwrap();
    assert_eq!(counted, [(Some(scope()), "BRON-K006".to_owned(), 2)]);
}

pub(super) fn l1_a_conflict_keeps_both_images(home: &dyn Home) {
    let mut store = home.bridge();
    let nowhere = KeptConflict { scope: None, others: Some(image("other")), ..conflict(2, "stale_epoch") };
    store.park_rows(&[], &[conflict(1, "unique_collision"), nowhere.clone()]).unwrap();
    store.at(time(5));
    let again = KeptConflict { others: Some(image("not kept")), ..conflict(1, "unique_collision") };
    store.park_rows(&[], &[again]).unwrap();
    let all = store.conflicts(&ConflictFilter::default(), 9).unwrap();
    assert_eq!([&all[0].conflict, &all[1].conflict], [&conflict(1, "unique_collision"), &nowhere]);
    assert_eq!((all[0].times, all[0].first_seen, all[0].last_seen), (2, time(0), time(5)));
    assert!(store.blocked().unwrap().is_empty(), "rows are parked, and not conflicts");
    let filter = ConflictFilter { scope: Some(scope()), ..ConflictFilter::default() };
    assert_eq!(store.conflicts(&filter, 9).unwrap().len(), 1);
    let filter = ConflictFilter { after: Some(ConflictId(1)), ..ConflictFilter::default() };
    assert_eq!(store.conflicts(&filter, 9).unwrap().len(), 1);
    let mut counted = store.conflict_counts().unwrap();
    counted.sort();
    assert_eq!(
        counted,
        [(None, "stale_epoch".to_owned(), 1), (Some(scope()), "unique_collision".to_owned(), 1)]
    );
    store.settle_rows(&legacy(), &[(key(1), Version { major: 4, minor: 0 })], &[]).unwrap();
    assert_eq!(store.conflicts(&filter, 9).unwrap()[0].state, ConflictState::Open);
    store.settle_rows(&legacy(), &[(key(1), Version { major: 5, minor: 0 })], &[]).unwrap();
    let filter = ConflictFilter { state: Some(ConflictState::Superseded), ..ConflictFilter::default() };
    assert_eq!(store.conflicts(&filter, 9).unwrap()[0].id, ConflictId(1));
}

pub(super) fn decisions_have_their_rules(home: &dyn Home) {
    let mut store = home.bridge();
    store.park_rows(&[], &[conflict(1, "a"), conflict(2, "a"), conflict(3, "a")]).unwrap();
    let ids = [ConflictId(1), ConflictId(2), ConflictId(3)];
    let names = |first: &str, second: &str, reason: &str| Decision::Override {
        first: first.to_owned(),
        second: second.to_owned(),
        reason: reason.to_owned(),
    };
    for wrong in [names("A", "A", "x"), names("A", "", "x"), names("A", "B", " ")] {
        assert_eq!(kind(store.decide(ids[0], &wrong, time(2))), ErrorKind::Refused);
    }
    store.decide(ids[0], &names("A", "B", "rätt i akten"), time(2)).unwrap();
    let waive =
        |until| Decision::Waive { by: "C".to_owned(), reason: "väntar".to_owned(), until: time(until) };
    assert_eq!(kind(store.decide(ids[1], &waive(2), time(2))), ErrorKind::Refused);
    store.decide(ids[1], &waive(50), time(2)).unwrap();
    assert_eq!(store.conflict_counts().unwrap()[0].2, 1);
    assert_eq!((store.end_waivers(time(49)).unwrap(), store.end_waivers(time(50)).unwrap()), (0, 1));
    assert_eq!(store.conflict_counts().unwrap()[0].2, 2);
    store.decide(ids[2], &Decision::Replay, time(3)).unwrap();
    assert_eq!(kind(store.decide(ids[2], &Decision::Replay, time(4))), ErrorKind::Refused);
    assert_eq!(kind(store.decide(ConflictId(99), &Decision::Replay, time(4))), ErrorKind::Refused);
    let item = store.conflicts(&ConflictFilter::default(), 1).unwrap().remove(0);
    assert_eq!((item.state, item.decided_at), (ConflictState::Overridden, Some(time(2))));
    let said = (item.decided_by.as_str(), item.second.as_str(), item.note.as_str());
    assert_eq!(said, ("A", "B", "rätt i akten"));
}

pub(super) fn jobs_have_a_history(home: &dyn Home) {
    let mut store = home.bridge();
    let first = store.start_job("sweep", time(1)).unwrap();
    store.end_job(first, Outcome::Retryable, time(2)).unwrap();
    assert_eq!(kind(store.end_job(first, Outcome::Done, time(3))), ErrorKind::Refused);
    store.start_job("report", time(3)).unwrap();
    let second = store.start_job("sweep", time(4)).unwrap();
    let runs = store.jobs("sweep", 9).unwrap();
    assert_eq!((runs[0].id, runs[0].ended), (second, None));
    assert_eq!((runs[1].id, runs[1].ended), (first, Some((time(2), Outcome::Retryable))));
    assert_eq!(store.jobs("sweep", 1).unwrap().len(), 1);
    assert_eq!(store.forget_jobs(time(9)).unwrap(), 1);
}

pub(super) fn cursors_and_bookmarks_are_kept(home: &dyn Home) {
    let mut store = home.bridge();
    store.set_cursor(&legacy(), "seed/PERSON", Some(b"key")).unwrap();
    store.set_cursor(&legacy(), "seed/PERSON", Some(b"later key")).unwrap();
    assert_eq!(store.cursor(&legacy(), "seed/PERSON").unwrap().unwrap(), b"later key");
    assert_eq!(store.cursor(&model(), "seed/PERSON").unwrap(), None);
    store.set_cursor(&legacy(), "seed/PERSON", None).unwrap();
    assert_eq!(store.cursor(&legacy(), "seed/PERSON").unwrap(), None);
    store.set_bookmark("paraply", "b1", time(1)).unwrap();
    store.set_bookmark("paraply", "b2", time(2)).unwrap();
    assert_eq!(store.bookmark("paraply").unwrap(), Some(("b2".to_owned(), time(2))));
    assert_eq!(store.bookmark("model").unwrap(), None);
}

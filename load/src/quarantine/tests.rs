use std::path::Path;

use bron_mappings::{EntityId, InstallationSecret, SourceKey};
use sqlx::{Connection, SqliteConnection};

use super::*;
use crate::error::ErrorKind;

const SECRET: InstallationSecret = InstallationSecret::new([7; 32]);

fn store(dir: &Path) -> Store {
    Store::open(&dir.join("quarantine.db"), "city").unwrap()
}

fn finding(key: &str, reason: &str) -> Finding {
    let (system, table) = ("paraply".to_owned(), "BESLUT".to_owned());
    Finding {
        id: item_id(&SECRET, [&system, &table, key], Stage::Mapping, [reason, ""]),
        record: record_id(&SECRET, &system, &table, key),
        system,
        table,
        key: key.to_owned(),
        stage: Stage::Mapping,
        reason: reason.to_owned(),
        field: String::new(),
        entity: String::new(),
        constraint: String::new(),
        sqlstate: String::new(),
        rule: "paraply/BESLUT@1".to_owned(),
        owner: "SDF".to_owned(),
        area: "ekonomiskt_bistand".to_owned(),
        namnd: "714".to_owned(),
        year: "2014".to_owned(),
        protected: false,
    }
}

/// Collects a run that held back these rows; of the others each ends as `ends` says.
fn collect(store: &mut Store, run: &str, rows: &[Finding], ends: State) -> Collected {
    let mut collection = store.collect(run, "2024-12-31T00:00:00Z").unwrap();
    for row in rows {
        collection.found(row, true).unwrap();
    }
    for missing in collection.missing("paraply", "BESLUT", Stage::Mapping).unwrap() {
        collection.ended(&missing.id, ends).unwrap();
    }
    collection.finish(rows.len().try_into().unwrap()).unwrap()
}

fn entry(id: EntityId, decision: Decision, note: &str) -> Entry {
    let maps_to = if decision == Decision::Map { "hemtjanst" } else { "" };
    let by = Signature {
        person: "Eva Ek".to_owned(),
        role: "samordnare".to_owned(),
        at: "2025-01-02T00:00:00Z".to_owned(),
    };
    Entry { id, version: None, decision, maps_to: maps_to.to_owned(), note: note.to_owned(), by }
}

fn states(store: &mut Store) -> Vec<(String, State)> {
    let mut states: Vec<_> =
        store.items(|_| true).unwrap().into_iter().map(|item| (item.finding.key, item.state)).collect();
    states.sort();
    states
}

#[test]
fn a_run_is_collected_once_however_often() {
    let dir = tempfile::tempdir().unwrap();
    let rows = [finding("1", "D24"), finding("2", "D24"), finding("2", "D24")];
    let first = collect(&mut store(dir.path()), "a", &rows, State::Gone);
    assert_eq!((first.new, first.still, first.rows), (2, 0, 3));
    let line = Line {
        stage: Stage::Mapping,
        reason: "D24".to_owned(),
        owner: "SDF".to_owned(),
        state: State::Open,
        items: 2,
    };
    assert_eq!(first.lines, [line]);
    let mut store = store(dir.path());
    let before = (store.items(|_| true).unwrap(), store.events(&rows[0].id).unwrap());
    let again = collect(&mut store, "a", &rows, State::Gone);
    assert_eq!((again.new, again.still, again.changed.len(), again.lines), (0, 2, 0, first.lines));
    assert_eq!((store.items(|_| true).unwrap(), store.events(&rows[0].id).unwrap()), before);
    assert_eq!(store.item(&rows[1].id.to_string()).unwrap().rows, 2);
}

#[test]
fn a_run_that_is_not_collected_to_its_end_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let row = finding("1", "D24");
    let mut collection = store.collect("a", "").unwrap();
    collection.found(&row, true).unwrap();
    drop(collection);
    assert!(store.items(|_| true).unwrap().is_empty());
    let mut collection = store.collect("a", "").unwrap();
    collection.found(&row, true).unwrap();
    let error = collection.finish(2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.to_string().contains("held back 2 rows, and 1 were found"));
    assert!(store.items(|_| true).unwrap().is_empty());
    collect(&mut store, "a", std::slice::from_ref(&row), State::Gone);
    // An item of the table that nothing was said about.
    let mut collection = store.collect("b", "").unwrap();
    collection.missing("paraply", "BESLUT", Stage::Mapping).unwrap();
    assert_eq!(collection.finish(0).unwrap_err().kind(), ErrorKind::Data);
}

#[test]
fn every_item_ends_in_a_state() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let rows = ["1", "2", "3", "4", "5"].map(|key| finding(key, "D24"));
    collect(&mut store, "a", &rows, State::Gone);
    let decisions = [Decision::Accept, Decision::Correct, Decision::Map, Decision::Wait];
    let entries: Vec<Entry> =
        rows.iter().zip(decisions).map(|(row, one)| entry(row.id, one, "sett")).collect();
    assert_eq!(store.decide(&entries).unwrap(), Applied { decided: 4, repeated: 0 });
    assert_eq!(store.decide(&entries).unwrap(), Applied { decided: 0, repeated: 4 });
    let named = |states: [State; 5]| ["1", "2", "3", "4", "5"].map(str::to_owned).into_iter().zip(states);
    let decided = [State::Accepted, State::ToCorrect, State::ToMap, State::Waiting, State::Open];
    assert!(states(&mut store).into_iter().eq(named(decided)));
    // The run that people decided about says nothing new; the next one does.
    collect(&mut store, "a", &rows, State::Gone);
    assert!(states(&mut store).into_iter().eq(named(decided)));
    collect(&mut store, "b", &rows, State::Gone);
    let broken = [State::Accepted, State::Again, State::Again, State::Waiting, State::Open];
    assert!(states(&mut store).into_iter().eq(named(broken)));
    for (run, end) in
        [("c", State::Gone), ("d", State::LeftOut), ("e", State::OtherReason), ("f", State::Loaded)]
    {
        let done = collect(&mut store, run, &rows[4..], end);
        assert_eq!(done.changed, [(end, 4)].into());
        assert_eq!(done.lines.iter().map(|line| line.items).sum::<u64>(), 5);
    }
    // What came over has ended, until it is held back again.
    collect(&mut store, "g", &rows[4..], State::Gone);
    assert_eq!(states(&mut store)[0].1, State::Loaded);
    collect(&mut store, "h", &rows, State::Gone);
    assert!(states(&mut store).into_iter().eq(named(broken)));
    let kinds: Vec<String> = store.events(&rows[1].id).unwrap().into_iter().map(|event| event.kind).collect();
    let expected = ["found", "decided", "again", "gone", "left_out", "other_reason", "loaded", "again"];
    assert_eq!(kinds, expected);
}

#[test]
fn decisions_are_noted_all_or_none() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let rows = [finding("1", "D24"), finding("2", "D24")];
    collect(&mut store, "a", &rows, State::Gone);
    let good = entry(rows[0].id, Decision::Accept, "sett");
    let refused = [
        entry(rows[1].id, Decision::Accept, " "),
        Entry { maps_to: String::new(), ..entry(rows[1].id, Decision::Map, "sett") },
        Entry { maps_to: "x".to_owned(), ..entry(rows[1].id, Decision::Wait, "sett") },
        Entry { version: Some(1), ..entry(rows[1].id, Decision::Wait, "sett") },
        entry(rows[1].id, Decision::Wait, "se 19991230-0005"),
        Entry { maps_to: "199912300005".to_owned(), ..entry(rows[1].id, Decision::Map, "sett") },
        entry(finding("3", "D24").id, Decision::Wait, "sett"),
    ];
    for wrong in refused {
        let error = store.decide(&[good.clone(), wrong.clone()]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(&wrong.id.to_string()), "{error}");
        assert!(states(&mut store).iter().all(|(_, state)| *state == State::Open));
    }
    store.decide(&[Entry { version: Some(0), ..good.clone() }]).unwrap();
    assert_eq!(store.item(&good.id.to_string()[..12]).unwrap().version, 1);
    // The same workbook once more is the same decision, although it is older than it now.
    let again = Entry { version: Some(0), ..good };
    assert_eq!(store.decide(std::slice::from_ref(&again)).unwrap().repeated, 1);
    let other = Entry { decision: Decision::Wait, ..again };
    assert!(store.decide(&[other]).unwrap_err().to_string().contains("decided about since"));
    collect(&mut store, "b", &[], State::Gone);
    let late = entry(rows[1].id, Decision::Accept, "sett");
    assert!(store.decide(&[late]).unwrap_err().to_string().contains("no longer held back"));
}

#[test]
fn whoever_writes_a_row_cannot_read_it_and_nothing_of_it_lies_in_the_clear() {
    let dir = tempfile::tempdir().unwrap();
    let (mine, other) = (age::x25519::Identity::generate(), age::x25519::Identity::generate());
    let keys = format!("# de som får läsa\n{}\n\n", mine.to_public());
    let recipients = Recipients::parse(&keys).unwrap();
    let identities = |key: &age::x25519::Identity| {
        Identities::parse(age::secrecy::ExposeSecret::expose_secret(&key.to_string())).unwrap()
    };
    let [row, moved] = [finding("1", "D24"), finding("2", "D24")];
    let columns = vec![
        ("NAMN".to_owned(), Some("Kanariefågel".to_owned())),
        ("PNR".to_owned(), Some("191212120000".to_owned())),
        ("SLUT".to_owned(), None),
    ];
    {
        let mut store = store(dir.path());
        let mut collection = store.collect("a", "").unwrap();
        assert_eq!(collection.found(&row, true).unwrap(), Found::New);
        assert_eq!(collection.found(&moved, true).unwrap(), Found::New);
        let sealed = recipients.seal(&Payload::new(&row.id, columns.clone())).unwrap();
        for one in [&row, &moved] {
            collection.keep_row(&one.id, 0, &mask_of(&columns), sealed.as_deref()).unwrap();
        }
        collection.finish(2).unwrap();
        let opened = store.rows(&row.id, &identities(&mine)).unwrap();
        assert_eq!(opened.len(), 1);
        assert!(
            opened[0]
                .iter()
                .map(|(name, text)| (name, text.expose()))
                .eq(columns.iter().map(|(a, b)| (a, b)))
        );
        assert_eq!(store.rows(&row.id, &identities(&other)).unwrap_err().kind(), ErrorKind::Permission);
        assert_eq!(store.rows(&moved.id, &identities(&mine)).unwrap_err().kind(), ErrorKind::Corrupt);
        let mask: Vec<(String, u64)> = store
            .item(&row.id.to_string())
            .unwrap()
            .mask
            .into_iter()
            .map(|one| (one.class, one.length))
            .collect();
        assert_eq!(mask, [("letters".to_owned(), 12), ("digits".to_owned(), 12), ("missing".to_owned(), 0)]);
    }
    let bytes = std::fs::read(dir.path().join("quarantine.db")).unwrap();
    for value in ["Kanarie", "191212120000"] {
        assert!(!bytes.windows(value.len()).any(|window| window == value.as_bytes()));
    }
    assert!(Recipients::default().seal(&Payload::new(&row.id, columns)).unwrap().is_none());
}

#[test]
fn keys_that_are_none_are_named_by_their_line_and_not_repeated() {
    let secret = age::x25519::Identity::generate().to_string();
    let secret = age::secrecy::ExposeSecret::expose_secret(&secret);
    let error = Recipients::parse(&format!("# not this one\n{secret}")).unwrap_err().to_string();
    assert!(error.starts_with("line 2 ") && !error.contains(&secret[20..]), "{error}");
    assert!(Identities::parse("# nothing").unwrap_err().to_string().contains("no secret key"));
    assert!(Identities::parse("age1x").unwrap_err().to_string().starts_with("line 1 "));
}

#[test]
fn looking_is_noted_and_nobody_looks_without_a_purpose() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let row = finding("1", "D24");
    collect(&mut store, "a", std::slice::from_ref(&row), State::Gone);
    let by = entry(row.id, Decision::Wait, "").by;
    assert_eq!(store.note_shown(&row.id, &by, "").unwrap_err().kind(), ErrorKind::Config);
    store.note_shown(&row.id, &by, "rättning av slutdatum").unwrap();
    let named = store.note_shown(&row.id, &by, "om 991230-0005").unwrap_err().to_string();
    assert!(named.contains("person number") && !named.contains("991230"), "{named}");
    let last = store.events(&row.id).unwrap().pop().unwrap();
    assert_eq!((last.kind.as_str(), last.text.as_str()), ("shown", "rättning av slutdatum"));
    let replace =
        "REPLACE INTO event SELECT number, item, at, kind, run, decision, maps_to, code, 'x', role, text
        FROM event";
    for statement in ["UPDATE event SET person = ''", "DELETE FROM event", replace] {
        let path = format!("sqlite://{}", dir.path().join("quarantine.db").display());
        let done = store.runtime.block_on(async {
            let mut connection = SqliteConnection::connect(&path).await?;
            sqlx::raw_sql(statement).execute(&mut connection).await
        });
        assert!(done.unwrap_err().to_string().contains("only added to"));
    }
}

#[test]
fn a_file_of_a_newer_program_or_of_another_city_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("quarantine.db");
    assert!(Store::open_existing(&path, "city").err().unwrap().to_string().contains("no quarantine yet"));
    drop(Store::open(&path, "city").unwrap());
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    // A copy from a backup can come open to others.
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    drop(Store::open_existing(&path, "city").unwrap());
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert!(Store::open(&path, "other").err().unwrap().to_string().contains("another installation"));
    Store::open(&path, "city").unwrap().set_meta("format", "2").unwrap();
    let error = Store::open(&path, "city").err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Format);
    assert!(error.to_string().contains("format 2, and this program understands format 1 only"), "{error}");
    std::fs::write(dir.path().join("text.db"), "x".repeat(5000)).unwrap();
    assert!(Store::open(&dir.path().join("text.db"), "city").is_err());
}

#[test]
fn an_item_keeps_every_row_of_its_key_until_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let key = age::x25519::Identity::generate();
    let recipients = Recipients::parse(&key.to_public().to_string()).unwrap();
    let secret = key.to_string();
    let identities = Identities::parse(age::secrecy::ExposeSecret::expose_secret(&secret)).unwrap();
    let mut store = store(dir.path());
    let item = finding("1", "D24");
    let content = |text: &str| EntityId::derive(&SECRET, "print", &SourceKey::new("a", "b", [Some(text)]));
    let keep = |store: &mut Store, run: &str, recipients: &Recipients, texts: [&str; 2]| {
        let mut collection = store.collect(run, "").unwrap();
        collection.found(&item, true).unwrap();
        for (number, text) in (0..).zip(texts) {
            let columns = vec![("NAMN".to_owned(), Some(text.to_owned()))];
            let sealed = recipients.seal(&Payload::new(&item.id, columns.clone())).unwrap();
            collection.keep_row(&item.id, number, &mask_of(&columns), sealed.as_deref()).unwrap();
        }
        collection.keep_content(&item.id, &content(&texts.concat())).unwrap();
        collection.finish(1).unwrap();
        store.item(&item.id.to_string()).unwrap()
    };
    let texts = |store: &mut Store| -> Vec<String> {
        let rows = store.rows(&item.id, &identities).unwrap();
        rows.iter().map(|row| row[0].1.expose().clone().unwrap()).collect()
    };
    let first = keep(&mut store, "a", &recipients, ["Ek", "12 34 5"]);
    assert_eq!((first.version, first.mask[0].class.as_str(), first.mask[0].length), (0, "mixed", 7));
    assert_eq!(texts(&mut store), ["Ek", "12 34 5"]);
    assert_eq!(keep(&mut store, "b", &recipients, ["Ek", "12 34 5"]).version, 0);
    // Another row is another thing to decide about.
    assert_eq!(keep(&mut store, "c", &recipients, ["Ek", "Al"]).version, 1);
    assert_eq!(texts(&mut store), ["Ek", "Al"]);
    // Without recipients nothing is sealed anew, and what was sealed stays.
    keep(&mut store, "d", &Recipients::default(), ["Ek", "Al"]);
    assert_eq!(texts(&mut store), ["Ek", "Al"]);
    collect(&mut store, "e", &[], State::Loaded);
    let ended = store.item(&item.id.to_string()).unwrap();
    assert!(!ended.has_payload && ended.mask.is_empty() && ended.version == 2);
    assert_eq!(store.rows(&item.id, &identities).unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn whoever_is_protected_by_one_row_is_so_by_every_item_of_the_record_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let [open, repeat, ended, other] =
        [("1", "D24"), ("1", "D02"), ("1", "D18"), ("2", "D24")].map(|(key, reason)| finding(key, reason));
    let protected = Finding { protected: true, ..repeat.clone() };
    let shown = |store: &mut Store| -> Vec<(String, String)> {
        let mut items: Vec<_> = store.items(|item| !item.finding.protected).unwrap().into_iter().collect();
        items.sort_by_key(|item| (item.finding.key.clone(), item.finding.reason.clone()));
        items.into_iter().map(|item| (item.finding.key, item.finding.reason)).collect()
    };
    let named = |names: &[(&str, &str)]| -> Vec<(String, String)> {
        names.iter().map(|(key, reason)| ((*key).to_owned(), (*reason).to_owned())).collect()
    };
    collect(&mut store, "a", &[open.clone(), ended, other.clone()], State::Gone);
    assert_eq!(shown(&mut store), named(&[("1", "D18"), ("1", "D24"), ("2", "D24")]));
    // The second row with the key is the protected person's.
    collect(&mut store, "b", &[open.clone(), repeat.clone(), protected, other.clone()], State::Gone);
    assert_eq!(shown(&mut store), named(&[("2", "D24")]));
    collect(&mut store, "c", &[open, repeat, other.clone()], State::Gone);
    assert_eq!(shown(&mut store), named(&[("2", "D24")]));
    let mut collection = store.collect("d", "").unwrap();
    collection.protect(&other.record).unwrap();
    for missing in collection.missing("paraply", "BESLUT", Stage::Mapping).unwrap() {
        collection.ended(&missing.id, State::Loaded).unwrap();
    }
    collection.finish(0).unwrap();
    assert!(shown(&mut store).is_empty());
}

#[test]
fn a_decision_to_map_is_about_one_field_and_one_code() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let item = finding("1", "D18");
    let keep = |store: &mut Store, run: &str, code: Option<&str>| {
        let mut collection = store.collect(run, "").unwrap();
        collection.found(&item, true).unwrap();
        if let Some(code) = code {
            collection.keep_code(&item.id, code).unwrap();
        }
        collection.finish(1).unwrap();
        store.item(&item.id.to_string()).unwrap()
    };
    keep(&mut store, "a", Some("TF"));
    let decision = entry(item.id, Decision::Map, "sett");
    store.decide(std::slice::from_ref(&decision)).unwrap();
    assert_eq!(keep(&mut store, "a", None).code, "TF", "the same run again takes nothing away");
    let decided = store.item(&item.id.to_string()).unwrap();
    assert_eq!((decided.code.as_str(), decided.decided_code.as_str()), ("TF", "TF"));
    assert_eq!(store.events(&item.id).unwrap().pop().unwrap().code, "TF");
    let hidden = keep(&mut store, "b", None);
    assert_eq!((hidden.code.as_str(), hidden.decided_code.as_str()), ("", "TF"));
    let other = keep(&mut store, "c", Some("XX"));
    assert_eq!((other.code.as_str(), other.decided_code.as_str()), ("XX", "TF"));
    assert_eq!(store.decide(&[decision]).unwrap().decided, 1);
    assert_eq!(store.item(&item.id.to_string()).unwrap().decided_code, "XX");
}

use std::collections::BTreeSet;

use super::*;

fn actor() -> Actor {
    Actor { sub: "Eva Ek".to_owned(), role: Some("systemägare".to_owned()), user: "eva (1000)".to_owned() }
}

fn act(number: u64) -> Act {
    Act {
        object: Some(Object { kind: "table".to_owned(), id: format!("paraply/T{number}") }),
        run: Some("0123456789ab".to_owned()),
        reason: number.is_multiple_of(3).then(|| format!("skäl {number} \"å\"")),
        ..Act::new(actor(), "accept")
    }
}

/// A log of so many entries.
fn log(size: u64) -> Vec<Entry> {
    let mut before = Checkpoint::start();
    let mut entries = Vec::new();
    for number in 1..=size {
        let entry = Entry::after(&before, "2024-12-31T12:00:00Z", "bron 0.1.0", act(number));
        before = entry.checkpoint();
        entries.push(entry);
    }
    entries
}

fn lines(entries: &[Entry]) -> Vec<Vec<u8>> {
    entries.iter().map(|entry| entry.line().trim_end().as_bytes().to_vec()).collect()
}

fn problems(verifier: Verifier, lines: &[Vec<u8>]) -> Vec<Problem> {
    let mut verifier = verifier;
    for line in lines {
        verifier.line(line);
    }
    verifier.finish().problems
}

#[test]
fn a_log_as_it_was_written_has_no_problem() {
    let entries = log(50);
    let witnesses = [0, 1, 17, 50].map(|at: usize| {
        let of = at.checked_sub(1).map_or_else(Checkpoint::start, |at| entries[at].checkpoint());
        (format!("checkpoint {at}"), of)
    });
    assert_eq!(problems(Verifier::new(witnesses), &lines(&entries)), []);
    let parsed: Vec<Entry> = lines(&entries).iter().map(|line| Entry::parse(line).unwrap()).collect();
    assert_eq!(parsed, entries);
}

#[test]
fn whoever_has_sed_and_sha256sum_can_repeat_a_hash() {
    let entry = &log(3)[2];
    let line = entry.line();
    let (content, tail) = line.trim_end().rsplit_once(",\"hash\":\"").unwrap();
    assert_eq!(sha256(format!("{content}}}").as_bytes()), tail.trim_end_matches("\"}"));
    assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/// Something that somebody does to a log: what the lines from a place on become.
type Operation = fn(&[Entry], usize) -> Vec<Vec<u8>>;

/// The entry with another content and a hash that fits it.
fn forged(entry: &Entry) -> Entry {
    let before = Checkpoint { entries: entry.seq - 1, last_hash: entry.prev_hash.clone() };
    let act = Act { result: Outcome::Done, ..entry.act.clone() };
    Entry::after(&before, &entry.ts_utc, &entry.bin_version, act)
}

/// A letter of the content is another one.
fn edited(entries: &[Entry], at: usize) -> Vec<Vec<u8>> {
    let mut lines = lines(&entries[at..]);
    let content = lines[0].len() - TAIL;
    let letter = (at * 7919) % content;
    lines[0][letter] ^= 1;
    lines
}

/// The entry says something else and its hash fits.
fn edited_with_its_hash(entries: &[Entry], at: usize) -> Vec<Vec<u8>> {
    let mut lines = lines(&entries[at..]);
    lines[0] = forged(&entries[at]).line().trim_end().as_bytes().to_vec();
    lines
}

fn deleted(entries: &[Entry], at: usize) -> Vec<Vec<u8>> {
    lines(&entries[at + 1..])
}

/// A new entry stands before this one and takes its number.
fn inserted(entries: &[Entry], at: usize) -> Vec<Vec<u8>> {
    let mut lines = lines(&entries[at..]);
    lines.insert(0, forged(&entries[at]).line().trim_end().as_bytes().to_vec());
    lines
}

/// The entry changes places with the one after it; the last one with the one before, which is that one's case.
fn reordered(entries: &[Entry], at: usize) -> Vec<Vec<u8>> {
    let mut lines = lines(&entries[at..]);
    if lines.len() > 1 {
        lines.swap(0, 1);
    } else {
        // Alone at the end there is nothing to change places with: it is repeated out of its place.
        lines.push(lines[0].clone());
    }
    lines
}

fn truncated(_: &[Entry], _: usize) -> Vec<Vec<u8>> {
    Vec::new()
}

#[test]
fn every_operation_at_every_place_is_found_and_its_number_named() {
    const SIZE: u64 = 1000;
    let operations: [(&str, Operation); 6] = [
        ("edited", edited),
        ("edited with its hash", edited_with_its_hash),
        ("deleted", deleted),
        ("inserted", inserted),
        ("reordered", reordered),
        ("truncated", truncated),
    ];
    let entries = log(SIZE);
    let witness = ("the checkpoint".to_owned(), entries[entries.len() - 1].checkpoint());
    let mut tried = 0;
    let mut sound = Verifier::new([witness]);
    for at in 0..entries.len() {
        for (name, operation) in operations {
            let mut verifier = sound.clone();
            // What is found within three lines is found in all of them.
            let near = &entries[..entries.len().min(at + 3)];
            let mut lines = operation(near, at).into_iter();
            while let Some(line) = lines.next().filter(|_| !verifier.has_found()) {
                verifier.line(&line);
            }
            let problems = verifier.finish().problems;
            let number = entries[at].seq;
            assert!(
                problems.iter().any(|problem| problem.entry == number),
                "{name} at entry {number}: {problems:?}"
            );
            tried += 1;
        }
        sound.line(entries[at].line().trim_end().as_bytes());
        assert!(!sound.has_found());
    }
    assert_eq!(tried, 6 * entries.len());
    assert_eq!(sound.finish().problems, []);
}

#[test]
fn without_a_checkpoint_only_the_end_can_be_cut_off_unseen() {
    let entries = log(20);
    let all = lines(&entries);
    assert_eq!(problems(Verifier::new([]), &all[..15]), []);
    let witness = [("sign-off 3".to_owned(), entries[17].checkpoint())];
    let found = problems(Verifier::new(witness.clone()), &all[..15]);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].to_string(),
        "entry 16 and what followed are missing at the end: sign-off 3 knows 18 entries"
    );
    assert_eq!(problems(Verifier::new(witness), &all[..18]), []);
}

#[test]
fn a_log_that_was_written_anew_contradicts_a_checkpoint() {
    let entries = log(10);
    let mut before = Checkpoint::start();
    let mut anew = Vec::new();
    for entry in &entries {
        let act = Act { reason: None, ..entry.act.clone() };
        let entry = Entry::after(&before, &entry.ts_utc, &entry.bin_version, act);
        before = entry.checkpoint();
        anew.push(entry);
    }
    assert_eq!(problems(Verifier::new([]), &lines(&anew)), []);
    let found = problems(Verifier::new([("a mail".to_owned(), entries[6].checkpoint())]), &lines(&anew));
    assert_eq!(found[0].damage, Damage::NotAsWitnessed("a mail".to_owned()));
    assert_eq!(found[0].entry, 7);
}

#[test]
fn a_problem_says_what_and_where() {
    let entries = log(9);
    let all = lines(&entries);
    let mut without = all.clone();
    without.drain(2..5);
    let found = problems(Verifier::new([]), &without);
    assert_eq!(found[0].to_string(), "entries 3 to 5 are missing before line 3");
    let mut blank = all.clone();
    blank[3].insert(1, b' ');
    let told: Vec<String> = problems(Verifier::new([]), &blank).iter().map(ToString::to_string).collect();
    assert_eq!(told, ["entry 4: line 4 was altered after it was written"]);
    let mut newer = all;
    newer[3] = String::from_utf8(newer[3].clone()).unwrap().replace("\"format\":1", "\"format\":99").into();
    assert_eq!(problems(Verifier::new([]), &newer)[0].damage, Damage::Format);
}

#[test]
fn what_a_kill_left_is_told_from_a_line() {
    let log: String = log(2).iter().map(Entry::line).collect();
    assert_eq!(torn(log.as_bytes()), 0);
    assert_eq!(torn(b""), 0);
    let half = format!("{log}{{\"format\":1");
    assert_eq!(torn(half.as_bytes()), 11);
}

#[test]
fn a_checkpoint_is_read_from_whatever_holds_one() {
    let at = log(4)[3].checkpoint();
    let line = format!("{} {}\n", at.entries, at.last_hash);
    let alone = format!("{{\"format\": 1, \"entries\": 4, \"last_hash\": \"{}\"}}", at.last_hash);
    let within = format!("{{\"kind\": \"sign\", \"checkpoint\": {alone}}}");
    for text in [line, alone, within] {
        assert_eq!(Checkpoint::parse(&text), Some(at.clone()), "{text}");
    }
    for text in ["", "4", "4 abc", "{}", "x y", "[1]"] {
        assert_eq!(Checkpoint::parse(text), None, "{text}");
    }
}

#[test]
fn a_sample_is_the_same_for_the_same_seed_and_spreads() {
    let entries = log(200);
    let numbers = |seed| sample(&entries, seed, 10).iter().map(|entry| entry.seq).collect::<Vec<_>>();
    assert_eq!(numbers(7), numbers(7));
    assert!(numbers(7).is_sorted() && numbers(7).len() == 10);
    let all: BTreeSet<u64> = (0..100).flat_map(numbers).collect();
    assert!(all.len() > 190, "{} of 200 entries are ever drawn", all.len());
    assert_eq!(sample(&entries, 1, 1000).len(), 200);
}

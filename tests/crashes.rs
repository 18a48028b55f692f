//! Killed at any moment and run again is the same as never killed.
//!
//! The kernel is asked, through strace, to kill the program at its Nth system call of a kind that makes
//! something durable; N grows until the program gets through: by a half at a time, or one by one when
//! `BRON_EVERY_FAULT` is set, which takes an hour.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{contents, copy, run_project, tiny_city, walk};

/// Whether the migration was killed at its Nth call.
fn migrate_with_kill(project: &Path, calls: &str, nth: usize) -> bool {
    run_with_kill("migrate", project, calls, nth)
}

/// Whether a verb was killed at its Nth call.
fn run_with_kill(verb: &str, project: &Path, calls: &str, nth: usize) -> bool {
    let status = run_with_fault(verb, project, calls, &format!("signal=SIGKILL:when={nth}")).status;
    assert!(!matches!(status.code(), Some(1 | 2 | 5 | 6)), "it failed instead of being killed: {status}");
    !matches!(status.code(), Some(0 | 3))
}

/// Migrates while the kernel does something bad to some calls.
fn migrate_with_fault(project: &Path, calls: &str, fault: &str) -> std::process::Output {
    run_with_fault("migrate", project, calls, fault)
}

fn run_with_fault(verb: &str, project: &Path, calls: &str, fault: &str) -> std::process::Output {
    Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={calls}"))
        .arg("-e")
        .arg(format!("inject={calls}:{fault}"))
        .arg(env!("CARGO_BIN_EXE_bron"))
        .args([verb, "--quiet", "--project"])
        .arg(project)
        .output()
        .expect("strace is installed")
}

/// N = 1, 2, 4, …: one by one, or growing by a half.
fn places() -> impl Iterator<Item = usize> {
    let every = std::env::var_os("BRON_EVERY_FAULT").is_some();
    std::iter::successors(Some(1), move |nth| Some(nth + if every { 1 } else { 1 + nth / 2 }))
}

/// Kills at the Nth call until a run gets through; after each kill the run is completed.
fn kill_until_through(calls: &str) {
    let whole = tiny_city();
    run_project("migrate", &whole.dir).expect(&[0, 3]);
    let expected = contents(&whole.dir.join("target.sqlite"));
    let fresh = tiny_city();
    let mut kills = 0;
    for nth in places() {
        let project = copy(&fresh);
        if !migrate_with_kill(&project.dir, calls, nth) {
            break;
        }
        kills += 1;
        run_project("migrate", &project.dir).expect(&[0, 3]);
        let found = contents(&project.dir.join("target.sqlite"));
        assert!(found == expected, "killed at {calls} number {nth}: another target");
    }
    println!("{calls}: killed at {kills} places, every run was completed");
    assert!(kills >= 10, "only {kills} kills: the faults did not reach the program");
}

/// What is staged, by directory: the digest of the rows of each table, with the account of them.
fn staged(project: &Path) -> BTreeMap<PathBuf, String> {
    let manifests = files_of(&project.join("runs"), "manifest.json");
    let manifests = manifests.into_iter().filter(|path| path.iter().any(|part| part == "staged"));
    let named = manifests.map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(project).unwrap().to_owned(), text)
    });
    named.collect()
}

/// The files below a folder whose names end so, none when the folder is not there.
fn files_of(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let files = if dir.is_dir() { walk(dir) } else { Vec::new() };
    files.into_iter().filter(|path| path.to_str().unwrap().ends_with(ending)).collect()
}

/// The parts that the notes of unfinished tables call finished, with the number that the file system knows each by.
fn finished_parts(project: &Path) -> BTreeMap<PathBuf, u64> {
    let notes = files_of(&project.join("runs"), ".json").into_iter();
    let notes = notes.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("progress-"));
    let parts = notes.flat_map(|note| {
        let text: serde_json::Value = serde_json::from_slice(&fs::read(&note).unwrap()).unwrap();
        let parts = text["parts"].as_array().unwrap().clone().into_iter();
        parts.map(move |part| note.with_file_name(part["file"].as_str().unwrap()))
    });
    parts.map(|part| (part.clone(), fs::metadata(&part).unwrap().ino())).collect()
}

/// Kills the reading of tables of many parts at its Nth call until it gets through; each time the next run goes on
/// behind the parts that were finished, and what is staged is the same.
fn kill_reading_until_through(calls: &str) {
    let fresh = tiny_city();
    let settings = fs::read_to_string(fresh.dir.join("bron.toml")).unwrap();
    fs::write(fresh.dir.join("bron.toml"), settings.replacen("format = 1", "format = 1\npart_rows = 25", 1))
        .unwrap();
    let whole = copy(&fresh);
    run_project("extract", &whole.dir).expect(&[0]);
    let expected = staged(&whole.dir);
    let (mut kills, mut kept) = (0, 0);
    for nth in places() {
        let project = copy(&fresh);
        if !run_with_kill("extract", &project.dir, calls, nth) {
            break;
        }
        kills += 1;
        let finished = finished_parts(&project.dir);
        kept += finished.len();
        run_project("extract", &project.dir).expect(&[0]);
        assert!(staged(&project.dir) == expected, "killed at {calls} number {nth}: something else is staged");
        for (part, number) in finished {
            assert_eq!(fs::metadata(&part).unwrap().ino(), number, "{}: made again", part.display());
        }
        assert!(
            files_of(&project.dir, ".json").iter().all(|path| !path.to_str().unwrap().contains("progress-"))
        );
    }
    println!("{calls}: killed at {kills} places with {kept} finished parts, and none was made again");
    assert!(kills >= 8 && kept > 0, "{kills} kills, {kept} parts: the faults did not reach the program");
}

#[test]
fn reading_killed_at_every_rename_goes_on() {
    kill_reading_until_through("rename,renameat,renameat2");
}

#[test]
fn reading_killed_at_every_sync_goes_on() {
    kill_reading_until_through("fsync,fdatasync");
}

#[test]
fn killed_at_every_rename() {
    kill_until_through("rename,renameat,renameat2");
}

#[test]
fn killed_at_every_sync() {
    kill_until_through("fsync,fdatasync");
}

#[test]
fn killed_at_every_write_to_the_target() {
    kill_until_through("pwrite64");
}

#[test]
fn killed_again_and_again_it_still_arrives() {
    let whole = tiny_city();
    run_project("migrate", &whole.dir).expect(&[0, 3]);
    let project = tiny_city();
    let mut kills = 0;
    // What is staged, transformed and loaded stays, so that ten lives of 40 syncs each get on. The comparison
    // with its lists and reports always starts over: it has to fit into one life, and 400 syncs are enough.
    while migrate_with_kill(&project.dir, "fsync,fdatasync", if kills < 10 { 40 } else { 400 }) {
        kills += 1;
        assert!(kills < 30, "the run makes no progress between kills");
    }
    println!("killed {kills} times in one migration, and it arrived");
    assert!(kills > 10, "only {kills} kills");
    run_project("migrate", &project.dir).expect(&[0, 3]);
    assert!(contents(&project.dir.join("target.sqlite")) == contents(&whole.dir.join("target.sqlite")));
}

/// From the Nth write on the disk is full. The run says so, leaves nothing half-written that a later run
/// would trust, and the next run completes.
#[test]
fn a_full_disk_is_said_and_the_next_run_completes() {
    let whole = tiny_city();
    run_project("migrate", &whole.dir).expect(&[0, 3]);
    let expected = contents(&whole.dir.join("target.sqlite"));
    let fresh = tiny_city();
    let mut refused = 0;
    for nth in places().skip(2) {
        let project = copy(&fresh);
        let fault = format!("error=ENOSPC:when={nth}+");
        let output = migrate_with_fault(&project.dir, "write,pwrite64,fallocate", &fault);
        if matches!(output.status.code(), Some(0 | 3)) {
            break;
        }
        refused += 1;
        assert!(matches!(output.status.code(), Some(1 | 6)), "write number {nth}: {}", output.status);
        run_project("migrate", &project.dir).expect(&[0, 3]);
        assert!(
            contents(&project.dir.join("target.sqlite")) == expected,
            "full at write {nth}: another target"
        );
    }
    println!("disk full at {refused} places, every run was completed");
    assert!(refused >= 5, "only {refused} refusals: the faults did not reach the program");
}

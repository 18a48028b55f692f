//! Killed at any moment and run again is the same as never killed.
//!
//! A few of the faults of `bron-faults`, with the negative controls that must be found out; the full set has a command
//! of its own. Beside them what only a reading can show: it goes on behind the parts that were finished. There the
//! kernel is asked, through strace, to kill the program at its Nth system call of a kind that makes something durable;
//! N grows by a half at a time until the program gets through, or one by one when `BRON_EVERY_FAULT` is set.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use bron_faults::{Family, Harness, Kind, Record};

use crate::support::{contents, copy, run_project, tiny_city, walk};

/// What the quick set follows from.
const SEED: u64 = 7;

/// Whether a verb was killed at its Nth call.
fn run_with_kill(verb: &str, project: &Path, calls: &str, nth: usize) -> bool {
    let status = run_with_fault(verb, project, calls, &format!("signal=SIGKILL:when={nth}")).status;
    assert!(!matches!(status.code(), Some(1 | 2 | 5 | 6)), "it failed instead of being killed: {status}");
    !matches!(status.code(), Some(0 | 3))
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
        let parts = text["step"]["parts"].as_array().unwrap().clone().into_iter();
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
fn killed_again_and_again_it_still_arrives() {
    let whole = tiny_city();
    run_project("migrate", &whole.dir).expect(&[0, 3]);
    let project = tiny_city();
    let mut kills = 0;
    // What is staged, transformed and loaded stays, so that ten lives of 40 syncs each get on. The comparison
    // with its lists and reports always starts over: it has to fit into one life, and 400 syncs are enough.
    while run_with_kill("migrate", &project.dir, "fsync,fdatasync", if kills < 10 { 40 } else { 400 }) {
        kills += 1;
        assert!(kills < 30, "the run makes no progress between kills");
    }
    println!("killed {kills} times in one migration, and it arrived");
    assert!(kills > 10, "only {kills} kills");
    run_project("migrate", &project.dir).expect(&[0, 3]);
    assert!(contents(&project.dir.join("target.sqlite")) == contents(&whole.dir.join("target.sqlite")));
}

/// What faults strike.
fn harness() -> &'static Harness {
    static HARNESS: OnceLock<Harness> = OnceLock::new();
    HARNESS.get_or_init(|| Harness::new(Path::new(env!("CARGO_BIN_EXE_bron")), 1).unwrap())
}

/// Lets so many faults of a family strike, after its negative controls.
fn strike(family: Family, kind: Kind, faults: u64) {
    if let Some(why) = Harness::missing(family) {
        println!("SKIPPED: {}: {why}", family.name());
        return;
    }
    let record = Record::open(SEED, None).unwrap();
    harness().control(family, kind, &record).unwrap();
    harness().try_family(family, kind, faults, &record).unwrap();
    println!("{}", record.markdown());
    assert_eq!(record.broken(), []);
    assert!(record.figures(family, kind).struck >= faults, "the faults did not reach the program");
    for control in record.controls() {
        assert!(control.found, "not found out: {}", control.name);
    }
}

#[test]
fn kills_at_any_time_lose_nothing() {
    strike(Family::Kill, Kind::Sqlite, 6);
}

#[test]
fn calls_that_go_wrong_lose_nothing() {
    strike(Family::Call, Kind::Sqlite, 8);
}

#[test]
fn a_full_disk_loses_nothing() {
    strike(Family::Space, Kind::Sqlite, 2);
}

#[test]
fn a_power_cut_loses_nothing() {
    strike(Family::Power, Kind::Sqlite, 4);
}

#[cfg(feature = "postgres-tests")]
#[test]
fn kills_lose_nothing_on_a_server() {
    strike(Family::Kill, Kind::Postgres, 2);
}

#[cfg(feature = "postgres-tests")]
#[test]
fn calls_that_go_wrong_lose_nothing_on_a_server() {
    strike(Family::Call, Kind::Postgres, 2);
}

#[cfg(feature = "postgres-tests")]
#[test]
fn a_server_that_goes_away_loses_nothing() {
    strike(Family::Server, Kind::Postgres, 1);
}

#[cfg(feature = "postgres-tests")]
#[test]
fn a_line_that_is_cut_loses_nothing() {
    strike(Family::Line, Kind::Postgres, 2);
}

/// What a target holds, with what it held before.
fn with_history(target: &Path) -> BTreeMap<String, Vec<Vec<Option<String>>>> {
    let mut held = contents(target);
    let histories = "SELECT name FROM sqlite_master WHERE name LIKE 'bron_history_%' AND type = 'table'";
    for mut row in crate::support::sqlite_rows(target, histories) {
        let table = row.remove(0).unwrap();
        let query = format!(
            "SELECT id, load_run_id, ended_by_run, ended_because, CAST(ended_ordinal AS TEXT) FROM {table} \
             ORDER BY 1, 5"
        );
        held.insert(table, crate::support::sqlite_rows(target, &query));
    }
    held
}

/// A later snapshot is killed while it is loaded, and loaded again: each row is changed and retired once.
#[test]
fn a_later_snapshot_killed_while_it_is_loaded_changes_each_row_once() {
    let fresh = tiny_city();
    run_project("migrate", &fresh.dir).expect(&[0, 3]);
    let settings = fs::read_to_string(fresh.dir.join("bron.toml")).unwrap();
    let lenient = settings.replacen("format = 1", "format = 1\nretire_limit_percent = 100", 1);
    fs::write(fresh.dir.join("bron.toml"), lenient).unwrap();
    let gone = "DELETE FROM planned_visit WHERE id % 4 = 0";
    crate::support::sqlite(&fresh.dir.join("legacy/schemos.sqlite"), &[gone]);
    for verb in ["extract", "transform"] {
        run_project(verb, &fresh.dir).expect(&[0]);
    }
    let whole = copy(&fresh);
    run_project("load", &whole.dir).expect(&[0]);
    let expected = with_history(&whole.dir.join("target.sqlite"));
    let retired = |row: &&Vec<Option<String>>| row[3].as_deref() == Some("gone");
    let retired = expected
        .iter()
        .filter(|(table, _)| table.starts_with("bron_history"))
        .flat_map(|(_, rows)| rows)
        .filter(retired)
        .count();
    assert!(retired > 0, "nothing was retired");
    let mut kills = 0;
    for calls in ["fsync,fdatasync", "pwrite64"] {
        for nth in places() {
            let project = copy(&fresh);
            if !run_with_kill("load", &project.dir, calls, nth) {
                break;
            }
            kills += 1;
            run_project("load", &project.dir).expect(&[0]);
            let found = with_history(&project.dir.join("target.sqlite"));
            assert!(found == expected, "killed at {calls} number {nth}: another target or another history");
        }
    }
    println!("killed at {kills} places while {retired} rows were retired, each once");
    assert!(kills >= 10, "only {kills} kills: the faults did not reach the program");
}

//! Killed at any moment and run again is the same as never killed.
//!
//! The kernel is asked, through strace, to kill the program at its Nth system call of a kind that makes
//! something durable; N grows until the program gets through: by a half at a time, or one by one when
//! `BRON_EVERY_FAULT` is set, which takes an hour.

use std::path::Path;
use std::process::Command;

use crate::support::{Project, contents, run, run_project};

/// A city so small that a whole migration is a second.
fn small_city() -> (tempfile::TempDir, std::path::PathBuf) {
    let guard = tempfile::tempdir().unwrap();
    let dir = guard.path().join("city");
    let out = dir.to_str().unwrap();
    run(["demo", "--out", out, "--persons", "4", "--seed", "3", "--generate-only"]).expect(&[0]);
    (guard, dir)
}

/// Whether the migration was killed at its Nth call.
fn migrate_with_kill(project: &Path, calls: &str, nth: usize) -> bool {
    let status = migrate_with_fault(project, calls, &format!("signal=SIGKILL:when={nth}")).status;
    assert!(!matches!(status.code(), Some(1 | 2 | 5 | 6)), "it failed instead of being killed: {status}");
    !matches!(status.code(), Some(0 | 3))
}

/// Migrates while the kernel does something bad to some calls.
fn migrate_with_fault(project: &Path, calls: &str, fault: &str) -> std::process::Output {
    Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={calls}"))
        .arg("-e")
        .arg(format!("inject={calls}:{fault}"))
        .arg(env!("CARGO_BIN_EXE_bron"))
        .args(["migrate", "--quiet", "--project"])
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
    let (_guard, whole) = small_city();
    run_project("migrate", &whole).expect(&[0, 3]);
    let expected = contents(&whole.join("target.sqlite"));
    let (_guard, fresh) = small_city();
    let mut kills = 0;
    for nth in places() {
        let project = Project::at(tempfile::tempdir().unwrap(), &fresh);
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
    let (_guard, whole) = small_city();
    run_project("migrate", &whole).expect(&[0, 3]);
    let (_other, project) = small_city();
    let mut kills = 0;
    // What is staged, transformed and loaded stays, so that ten lives of 40 syncs each get on. The comparison
    // with its lists and reports always starts over: it has to fit into one life, and 400 syncs are enough.
    while migrate_with_kill(&project, "fsync,fdatasync", if kills < 10 { 40 } else { 400 }) {
        kills += 1;
        assert!(kills < 30, "the run makes no progress between kills");
    }
    println!("killed {kills} times in one migration, and it arrived");
    assert!(kills > 10, "only {kills} kills");
    run_project("migrate", &project).expect(&[0, 3]);
    assert!(contents(&project.join("target.sqlite")) == contents(&whole.join("target.sqlite")));
}

/// From the Nth write on the disk is full. The run says so, leaves nothing half-written that a later run
/// would trust, and the next run completes.
#[test]
fn a_full_disk_is_said_and_the_next_run_completes() {
    let (_guard, whole) = small_city();
    run_project("migrate", &whole).expect(&[0, 3]);
    let expected = contents(&whole.join("target.sqlite"));
    let (_guard, fresh) = small_city();
    let mut refused = 0;
    for nth in places().skip(2) {
        let project = Project::at(tempfile::tempdir().unwrap(), &fresh);
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

//! What goes wrong is said clearly, leaves nothing half-written, and the next run completes.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::{Project, Ran, contents, fresh_city, migrated_city, run, run_project};

fn first_file(project: &Project, prefix: &str) -> PathBuf {
    let mut files: Vec<PathBuf> = std::fs::read_dir(project.dir.join("legacy/paraga"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.into_iter().find(|file| file.file_name().unwrap().to_str().unwrap().starts_with(prefix)).unwrap()
}

/// Breaks a file, expects the failure, mends the file, and expects what an undisturbed run gives.
#[track_caller]
fn breaks_and_mends(
    file: &Path,
    project: &Project,
    spoil: impl Fn(&[u8]) -> Option<Vec<u8>>,
    code: i32,
    says: &[&str],
) {
    let whole = std::fs::read(file).unwrap();
    match spoil(&whole) {
        Some(bytes) => std::fs::write(file, bytes).unwrap(),
        None => std::fs::remove_file(file).unwrap(),
    }
    let failed = run_project("migrate", &project.dir).expect(&[code]);
    let error = failed.json()["error"]["message"].as_str().unwrap().to_owned();
    for part in says {
        assert!(error.contains(part), "{error:?} does not say {part:?}");
    }
    assert!(!project.dir.join("target.sqlite").exists(), "nothing was loaded");
    std::fs::write(file, whole).unwrap();
    run_project("migrate", &project.dir).expect(&[0, 3]);
    let undisturbed = migrated_city();
    assert!(contents(&project.dir.join("target.sqlite")) == contents(&undisturbed.dir.join("target.sqlite")));
}

#[test]
fn a_missing_source_is_named() {
    let project = fresh_city();
    let file = project.dir.join("legacy/vodok.sqlite");
    breaks_and_mends(&file, &project, |_| None, 1, &["vodok.sqlite"]);
}

#[test]
fn a_source_that_is_no_database_is_named() {
    let project = fresh_city();
    let file = project.dir.join("legacy/paraply.sqlite");
    breaks_and_mends(
        &file,
        &project,
        |_| Some(b"not a database, just text".repeat(100)),
        1,
        &["paraply.sqlite"],
    );
}

#[test]
fn a_truncated_file_is_named_with_its_line() {
    let project = fresh_city();
    let file = first_file(&project, "besok_2018");
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    breaks_and_mends(&file, &project, |bytes| Some(bytes[..bytes.len() - 9].to_vec()), 1, &[&name, "line"]);
}

#[test]
fn a_file_in_another_encoding_is_named() {
    let project = fresh_city();
    let file = first_file(&project, "kund_2023");
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    let spoil = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let latin: Vec<u8> = text.chars().map(|one| u8::try_from(u32::from(one)).unwrap_or(b'?')).collect();
        Some([&bytes[..3], &latin[1..]].concat())
    };
    breaks_and_mends(&file, &project, spoil, 1, &[&name, "line"]);
}

#[test]
fn a_file_with_an_unknown_column_is_drift() {
    let project = fresh_city();
    let file = first_file(&project, "korr_2018");
    let spoil = |bytes: &[u8]| {
        let at = bytes.windows(5).position(|five| five == b"Falt;").unwrap();
        Some([&bytes[..at], b"Felt;", &bytes[at + 5..]].concat())
    };
    breaks_and_mends(&file, &project, spoil, 5, &["missing columns: Falt", "position"]);
}

#[test]
fn a_target_that_cannot_be_written_is_said_and_nothing_is_left_behind() {
    let project = fresh_city();
    let blocked = project.dir.join("blocked");
    std::fs::create_dir(&blocked).unwrap();
    let target = blocked.join("target.sqlite");
    std::fs::write(&target, b"").unwrap();
    for (path, mode) in [(&target, 0o444), (&blocked, 0o555)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    // Permissions do not bind root, so root gets a directory where the file should be.
    let target = if is_root() { blocked } else { target };
    let failed: Ran = crate::support::bron()
        .args(["migrate", "--output", "json", "--project"])
        .arg(&project.dir)
        .arg("--target")
        .arg(&target)
        .output()
        .unwrap()
        .into();
    let failed = failed.expect(&[1, 6]);
    assert!(failed.json()["error"]["message"].as_str().unwrap().contains("blocked"), "{}", failed.stdout);
    run_project("migrate", &project.dir).expect(&[0, 3]);
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

#[test]
fn a_project_that_is_not_there_is_said() {
    let nowhere = tempfile::tempdir().unwrap();
    let failed = run_project("migrate", nowhere.path()).expect(&[1]);
    assert!(failed.stderr.contains("bron.toml"), "{}", failed.stderr);
}

#[test]
fn nonsense_on_the_command_line_is_usage() {
    run(["migrat"]).expect(&[64]);
    run(["demo", "--persons", "60001", "--out", "x"]).expect(&[64]);
    run(["check"]).expect(&[64]);
    run(["--help"]).expect(&[0]);
}

#[test]
fn json_mode_prints_one_document_even_for_failures() {
    let nowhere = tempfile::tempdir().unwrap();
    for verb in ["migrate", "extract", "transform", "load", "reconcile", "check"] {
        let document = run_project(verb, nowhere.path()).expect(&[1]).json();
        assert_eq!(document["error"]["class"], "config", "{verb}");
    }
}

#[test]
fn reconciling_what_was_never_loaded_is_a_clear_error() {
    let project = fresh_city();
    let failed = run_project("reconcile", &project.dir).expect(&[1, 5]);
    assert!(!project.dir.join("target.sqlite").exists(), "reconcile creates no target");
    assert!(!failed.stderr.is_empty());
}

//! What a source became since it was read is told, in the order of its consequence, before it is read again.

use std::path::Path;

use serde_json::Value;

use crate::support::{migrated_city, run, sqlite};

fn drift(project: &Path, more: &[&str], code: i32) -> Value {
    let place = project.to_str().unwrap();
    let args = ["source", "drift", "paraply", "--project", place, "--output", "json"];
    run(args.iter().chain(more)).expect(&[code]).json()
}

/// What is found, as the consequence and the line.
fn told(document: &Value) -> Vec<(String, String)> {
    let findings = document["findings"].as_array().unwrap().iter();
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    findings.map(|one| (text(one, "consequence"), text(one, "en"))).collect()
}

#[test]
fn a_source_that_is_as_it_was_has_no_drift() {
    let project = migrated_city();
    let document = drift(&project.dir, &["--values"], 0);
    assert_eq!(told(&document), []);
    assert!(document["compared_with"].is_string() && document["diagnostics"].as_array().unwrap().is_empty());
}

#[test]
fn drift_is_told_by_its_consequence_and_stops_an_extract_in_the_same_words() {
    let project = migrated_city();
    let database = project.dir.join("legacy/paraply.sqlite");
    sqlite(
        &database,
        &[
            "ALTER TABLE HANDL ADD COLUMN NYTT TEXT",
            "DELETE FROM BERPOST WHERE BER_ID % 2 = 0",
            "UPDATE BESLUT SET STATUS = 'QQ' WHERE BESL_ID IN (SELECT BESL_ID FROM BESLUT ORDER BY BESL_ID LIMIT 9)",
        ],
    );
    let page = project.dir.join("drift.html");
    let document = drift(&project.dir, &["--values", "--html", page.to_str().unwrap()], 5);
    let found = told(&document);
    assert_eq!(found[0], ("stops".to_owned(), "paraply/HANDL.NYTT is new".to_owned()));
    let look = |part: &str| found.iter().any(|(what, line)| what == "look" && line.contains(part));
    assert!(look("paraply/BERPOST had ") && look("paraply/BESLUT.STATUS has new codes: QQ"), "{found:?}");
    let codes: Vec<_> =
        document["diagnostics"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    assert_eq!(codes, ["BRON-M040"]);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("Stoppar läsningen") && page.contains("paraply/HANDL.NYTT"), "{page}");

    let place = project.dir.to_str().unwrap();
    let stopped = run(["extract", "--project", place]).expect(&[5]);
    assert!(
        stopped.stderr.contains("paraply/HANDL.NYTT is new") && stopped.stderr.contains("no row was read")
    );
}

#[test]
fn files_that_are_not_as_described_stop_as_drift_does() {
    let project = migrated_city();
    let folder = project.dir.join("legacy/paraga");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let text = std::fs::read(&files[0]).unwrap();
    std::fs::write(&files[0], [b"NYTT;".as_slice(), &text].concat()).unwrap();
    let place = project.dir.to_str().unwrap();
    let ran = run(["source", "drift", "paraga", "--project", place]).expect(&[5]);
    assert!(
        ran.stdout.contains("STOPS") && ran.stdout.contains(files[0].file_name().unwrap().to_str().unwrap())
    );
}

//! A source that nobody has described is described, and nobody in it is named.

mod drift;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::{run, sqlite_count, sqlite_rows};

/// The city's systems, without having been migrated.
fn city() -> (tempfile::TempDir, std::path::PathBuf) {
    let guard = tempfile::tempdir().unwrap();
    let dir = guard.path().join("city");
    let out = dir.to_str().unwrap();
    run(["demo", "--out", out, "--persons", "60", "--generate-only"]).expect(&[0]);
    (guard, dir)
}

/// The texts of the first column that a query gives.
fn texts(database: &Path, query: &str) -> Vec<String> {
    sqlite_rows(database, query).into_iter().filter_map(|row| row.into_iter().next().flatten()).collect()
}

fn profile(dir: &Path, source: &str) -> Value {
    let project = dir.to_str().unwrap();
    let args = ["source", "profile", source, "--project", project, "--output", "json"];
    run(args).expect(&[0]).json()
}

#[test]
fn a_profile_names_nobody() {
    let (_guard, dir) = city();
    let database = dir.join("legacy/paraply.sqlite");
    let mut names = BTreeSet::new();
    for column in ["PNR", "FNAMN", "ENAMN"] {
        names.extend(texts(&database, &format!("SELECT DISTINCT {column} FROM PERSON")));
    }
    names.extend(texts(&database, "SELECT DISTINCT GATA FROM ADRESS"));
    names.retain(|name| name.len() > 3);
    assert!(names.len() > 100, "only {} names to look for", names.len());
    for system in ["paraply", "vodok", "schemos", "paraga", "warna"] {
        let text = profile(&dir, system).to_string();
        let seen = names.iter().filter(|name| text.contains(&format!("\"{name}\""))).count();
        assert_eq!(seen, 0, "the profile of {system} has values of persons");
    }
}

#[test]
fn a_profile_agrees_with_what_the_source_says_itself() {
    let (_guard, dir) = city();
    let database = dir.join("legacy/paraply.sqlite");
    let profile = profile(&dir, "paraply");
    let tables = profile["tables"].as_array().unwrap();
    let person = tables.iter().find(|table| table["table"] == "PERSON").unwrap();
    let count = |sql: &str| sqlite_count(&database, sql);
    assert_eq!(person["rows"], count("SELECT count(*) FROM PERSON"));
    let column = |name: &str| {
        let columns = person["columns"].as_array().unwrap();
        columns.iter().find(|column| column["name"] == name).unwrap().clone()
    };
    assert_eq!(column("PNR")["nulls"], count("SELECT count(*) FROM PERSON WHERE PNR IS NULL"));
    assert_eq!(column("PNR")["distinct"]["count"], count("SELECT count(DISTINCT PNR) FROM PERSON"));
    let references = profile["references"].as_array().unwrap();
    let known = |from: &str, column: &str, to: &str| {
        references.iter().any(|one| one["table"] == from && one["column"] == column && one["to_table"] == to)
    };
    assert!(known("ARENDE", "AKT_ID", "AKT"), "the file of a case is not found");
    assert!(!known("PERSON", "PERS_ID", "ARENDE"), "a key does not name the rows that name it");
}

#[test]
fn a_folder_of_files_is_read_as_its_files_look() {
    let (_guard, dir) = city();
    let folder = format!("csv:{}", dir.join("legacy/paraga").display());
    let found = run(["source", "inspect", &folder, "--output", "json"]).expect(&[0]).json();
    let files = found["files"].as_array().unwrap();
    assert!(files.len() > 10);
    for file in files {
        // A few rows are broken by separators in their text.
        let share = |of: &str| file["lines"][of].as_u64().unwrap();
        assert!(share("found") * 2 >= share("of"), "{file}");
    }
    assert!(files.iter().any(|file| file["encoding"] == "windows-1252"), "no file of the first years");
    assert!(files.iter().any(|file| file["encoding"] == "utf-8" && file["letters"]["of"] != 0));
}

#[test]
fn an_unknown_source_is_named_with_those_that_are_known() {
    let (_guard, dir) = city();
    let project = dir.to_str().unwrap();
    let refused = run(["source", "inspect", "nowhere", "--project", project]).expect(&[1]);
    assert!(refused.stderr.contains("nowhere") && refused.stderr.contains("paraply"), "{}", refused.stderr);
}

//! Rows that the target refuses: nothing else is lost with them, and every direction accounts for them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::incremental::migrate;
use crate::support::{
    Project, contents, files, fresh_city, only_run, run, run_project, sqlite, sqlite_count, sqlite_rows,
    tiny_city,
};

/// The tables whose rows are refused, each where the id begins with a nought: one in sixteen.
const TABLES: [&str; 5] = ["person", "beslut", "utbetalning", "berakning", "gallringsbedomning"];

/// The tables as `bron mapping ddl` prints them.
fn definition(project: &Project) -> String {
    let mappings = project.dir.join("mappings");
    let mappings = mappings.to_str().unwrap();
    run(["mapping", "ddl", "--dialect", "sqlite", "--mappings", mappings]).expect(&[0]).stdout
}

/// Makes the target with its tables.
fn with_tables(project: &Project) -> PathBuf {
    let target = project.dir.join("target.sqlite");
    std::fs::write(&target, "").unwrap();
    sqlite(&target, &[&definition(project)]);
    target
}

fn refuse(target: &Path, tables: &[&str]) {
    for table in tables {
        let trigger = format!(
            "CREATE TRIGGER vagra_{table} BEFORE INSERT ON {table} WHEN NEW.id LIKE '0%' BEGIN \
             SELECT RAISE(ABORT, 'hemligt'); END"
        );
        sqlite(target, &[&trigger]);
    }
}

fn refused_by_entity(document: &Value) -> BTreeMap<String, u64> {
    let entities = document["summary"]["entities"].as_array().unwrap().iter();
    let counts = entities.map(|one| (one["entity"].as_str().unwrap(), one["refused"].as_u64().unwrap_or(0)));
    counts.filter(|(_, refused)| *refused > 0).map(|(entity, refused)| (entity.to_owned(), refused)).collect()
}

/// The source rows held back for a reason.
fn held(document: &Value, reason: &str) -> u64 {
    let tables = document["summary"]["tables"].as_array().unwrap().iter();
    tables.filter_map(|table| table["quarantined"][reason].as_u64()).sum()
}

#[test]
fn what_a_trigger_refuses_is_held_back_and_nothing_else() {
    let project = fresh_city();
    let target = with_tables(&project);
    let whole = fresh_city();
    run_project("migrate", &whole.dir).expect(&[0, 3]);
    let whole = whole.dir.join("target.sqlite");
    refuse(&target, &TABLES);
    let document = run_project("migrate", &project.dir).expect(&[3]).json();
    assert_eq!(document["verdict"], "lika_med_karantan", "{}", document["unproven"]);
    assert_eq!(document["findings_total"], 0);

    let refused = refused_by_entity(&document);
    let mut expected = contents(&whole);
    for table in TABLES {
        let (lost, kept): (Vec<_>, Vec<_>) = expected
            .remove(table)
            .unwrap()
            .into_iter()
            .partition(|row| row[0].as_ref().unwrap().starts_with('0'));
        assert_eq!(refused[table], u64::try_from(lost.len()).unwrap(), "{table}");
        expected.insert(table.to_owned(), kept);
    }
    assert_eq!(refused.len(), TABLES.len());
    let found = contents(&target);
    for (table, rows) in &expected {
        assert!(found[table] == *rows, "another row of {table} is not there or is another");
    }

    let rows: u64 = document["summary"]["refused"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|line| line["rows"].as_u64())
        .sum();
    assert_eq!(rows, refused.values().sum::<u64>());
    assert!(held(&document, "mal_regel") > 0);
    let list = std::fs::read_to_string(project.dir.join("worklists/arbetslista_SLK.csv")).unwrap();
    assert!(list.contains("mal_regel") && list.contains("beslut"), "{list}");
    let report = std::fs::read_to_string(project.dir.join("report/index.html")).unwrap();
    assert!(report.contains("Rader som målet inte tog emot"));
    for (path, bytes) in files(&project.dir) {
        let has_triggers = path.starts_with("target.sqlite") || path.starts_with("quarantine.db");
        assert!(
            has_triggers || !String::from_utf8_lossy(&bytes).contains("RAISE(ABORT"),
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_second_load_and_a_lost_artefact_change_nothing() {
    let project = tiny_city();
    let target = with_tables(&project);
    refuse(&target, &["person", "namn", "besok", "planerat_besok"]);
    let first = run_project("migrate", &project.dir).expect(&[2, 3]).json();
    let dir = only_run(&project.dir).join("refused");
    let made = files(&dir);
    assert!(made.len() >= 3, "{:?}", made.keys());
    let kept = contents(&target);

    let again = run_project("migrate", &project.dir).expect(&[2, 3]).json();
    assert_eq!(again["no_op"], true);
    assert_eq!((&again["summary"], &files(&dir)), (&first["summary"], &made));

    // As after a kill between the commit and the artefact, and in the midst of writing it.
    std::fs::remove_dir_all(&dir).unwrap();
    let without = run_project("reconcile", &project.dir).expect(&[2, 3]).json();
    assert_eq!((&without["summary"], &files(&dir)), (&first["summary"], &made));
    std::fs::remove_file(dir.join("refused.json")).unwrap();
    let part = made.keys().find(|path| path.extension().is_some_and(|kind| kind == "parquet")).unwrap();
    std::fs::write(dir.join(part), "cut").unwrap();
    run_project("load", &project.dir).expect(&[0]);
    assert_eq!((&files(&dir), &contents(&target)), (&made, &kept));
}

#[test]
fn what_the_target_takes_later_comes_with_the_next_load() {
    let (project, whole) = (tiny_city(), tiny_city());
    run_project("migrate", &whole.dir).expect(&[0, 3]);
    let target = with_tables(&project);
    refuse(&target, &["person", "besok"]);
    run_project("migrate", &project.dir).expect(&[0, 3]);
    assert!(sqlite_count(&target, "SELECT count(*) FROM bron_refused") > 0);
    sqlite(&target, &["DROP TRIGGER vagra_person", "DROP TRIGGER vagra_besok"]);
    let later = run_project("migrate", &project.dir).expect(&[0, 3]).json();
    assert_eq!((&later["no_op"], &later["findings_total"]), (&Value::Bool(false), &Value::from(0)));
    assert_eq!(later["summary"]["refused"], Value::Null);
    assert!(files(&only_run(&project.dir).join("refused")).is_empty());
    let found = contents(&target);
    for (table, rows) in contents(&whole.dir.join("target.sqlite")) {
        assert!(found[&table] == rows, "every row of {table} is there");
    }
}

#[test]
fn a_plan_is_carried_out_but_for_what_the_target_refuses() {
    let project = tiny_city();
    let file = project.dir.join("plan.json");
    let [plan, apply] = ["--plan", "--apply"].map(|what| [what, file.to_str().unwrap()]);
    migrate(&project.dir, &plan).expect(&[0]);
    // Tables without rows are what no tables are.
    let target = with_tables(&project);
    refuse(&target, &["person", "besok"]);
    let applied = migrate(&project.dir, &apply).expect(&[0, 3]);
    assert!(!applied.stderr.contains("not what was planned"), "{}", applied.stderr);
    let refused = sqlite_count(&target, "SELECT count(*) FROM bron_refused WHERE superseded = 0");
    assert!(refused > 0);
    assert_eq!(migrate(&project.dir, &apply).expect(&[0, 3]).json()["no_op"], true);

    let planned = migrate(&project.dir, &plan).expect(&[0]).json();
    let sum = |field: &str| -> u64 {
        planned["entities"].as_array().unwrap().iter().filter_map(|one| one[field].as_u64()).sum()
    };
    assert_eq!((sum("insert"), sum("refused")), (0, refused));
    // Another run has written since, so that what the target takes now is of a new place.
    let other =
        "INSERT INTO bron_run (ordinal, load_run_id, extract_run_id) VALUES (7, 'another', 'another')";
    sqlite(&target, &["DROP TRIGGER vagra_person", "DROP TRIGGER vagra_besok", other]);
    let taken = migrate(&project.dir, &apply).expect(&[0, 3]);
    assert!(!taken.stderr.contains("not what was planned"), "{}", taken.stderr);
    assert_eq!(taken.json()["summary"]["refused"], Value::Null);
    assert_eq!(sqlite_count(&target, "SELECT max(ordinal) FROM bron_run"), 8);
}

#[test]
fn a_row_may_refer_to_one_that_is_loaded_later() {
    let project = tiny_city();
    let mut text = definition(&project);
    // The city's own rule: a name is somebody's, and persons are of another table and system.
    for table in ["hushallsmedlem", "namn"] {
        let begin = text.find(&format!("CREATE TABLE IF NOT EXISTS \"{table}\"")).unwrap();
        let key = begin + text[begin..].find("PRIMARY KEY").unwrap();
        text.insert_str(key, "FOREIGN KEY (person_id) REFERENCES person (id),\n  ");
    }
    let target = project.dir.join("target.sqlite");
    std::fs::write(&target, "").unwrap();
    sqlite(&target, &[&text]);
    let document = run_project("migrate", &project.dir).expect(&[0, 3]).json();
    assert_eq!(document["findings_total"], 0);
    assert!(sqlite_count(&target, "SELECT count(*) FROM namn") > 0);
    assert!(sqlite_count(&target, "SELECT count(*) FROM bron_refused WHERE superseded = 1") > 0);
    let waiting = "SELECT count(*) FROM bron_refused WHERE superseded = 0";
    assert_eq!(sqlite_count(&target, waiting), 0, "every person is there in the end");
}

#[test]
fn a_row_missing_beside_refused_ones_is_found() {
    let project = tiny_city();
    let target = with_tables(&project);
    refuse(&target, &["person"]);
    run_project("migrate", &project.dir).expect(&[0, 3]);
    assert!(sqlite_count(&target, "SELECT count(*) FROM bron_refused WHERE entity = 'person'") > 0);
    let id = sqlite_rows(&target, "SELECT min(id) FROM person")[0][0].clone().unwrap();
    sqlite(&target, &[&format!("DELETE FROM person WHERE id = '{id}'")]);
    let found = run_project("reconcile", &project.dir).expect(&[2]).json();
    assert_eq!(found["summary"]["rows"]["missing"], 1);
    assert_eq!(found["verdict"], "skillnader");
}

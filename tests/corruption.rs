//! What somebody changed in the target is found, and exactly that.

use std::path::Path;

use serde_json::Value;

use crate::support::{Project, migrated_city, run_project, sqlite, sqlite_rows};

fn target(project: &Project) -> std::path::PathBuf {
    project.dir.join("target.sqlite")
}

fn one(path: &Path, query: &str) -> Vec<String> {
    sqlite_rows(path, query).remove(0).into_iter().map(Option::unwrap_or_default).collect()
}

/// Reconciles and gives (kind, entity, id, fields) of every finding.
fn findings(project: &Project) -> Vec<(String, String, String, Vec<String>)> {
    let document = run_project("reconcile", &project.dir).expect(&[2]).json();
    assert_eq!(document["verdict"], "skillnader");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found = document["findings"].as_array().unwrap();
    found
        .iter()
        .map(|one| {
            let fields = one["fields"].as_array().unwrap().iter().map(text).collect();
            (text(&one["kind"]), text(&one["entity"]), text(&one["entity_id"]), fields)
        })
        .collect()
}

#[test]
fn an_untouched_target_is_equal() {
    let project = migrated_city();
    let document = run_project("reconcile", &project.dir).expect(&[0, 3]).json();
    assert_eq!(document["findings_total"], 0);
    assert!(document["summary"]["rows"]["compared"].as_u64().unwrap() > 10_000);
}

#[test]
fn one_changed_ore_is_found() {
    let project = migrated_city();
    let path = target(&project);
    let id = one(&path, "SELECT id FROM utbetalning WHERE belopp_ore > 0 ORDER BY id LIMIT 1").remove(0);
    assert_eq!(
        sqlite(&path, &[&format!("UPDATE utbetalning SET belopp_ore = belopp_ore + 1 WHERE id = '{id}'")]),
        1
    );
    assert_eq!(findings(&project), [("differs".into(), "utbetalning".into(), id, vec!["belopp_ore".into()])]);
    let document = run_project("reconcile", &project.dir).json();
    let differing =
        document["summary"]["controls"].as_array().unwrap().iter().filter(|row| row["difference"] != 0);
    assert!(differing.count() >= 1, "a control sees the öre as well");
}

#[test]
fn one_deleted_journal_note_is_found() {
    let project = migrated_city();
    let path = target(&project);
    let id = one(&path, "SELECT id FROM journalanteckning WHERE src_table = 'JOURNAL' ORDER BY id LIMIT 1")
        .remove(0);
    sqlite(&path, &[&format!("DELETE FROM journalanteckning WHERE id = '{id}'")]);
    assert_eq!(findings(&project), [("missing".into(), "journalanteckning".into(), id, vec![])]);
}

#[test]
fn one_swapped_person_reference_is_found() {
    let project = migrated_city();
    let path = target(&project);
    let row = one(
        &path,
        "SELECT a.id, b.person_id FROM personakt a, personakt b WHERE a.person_id <> b.person_id \
         ORDER BY a.id, b.id LIMIT 1",
    );
    sqlite(&path, &[&format!("UPDATE personakt SET person_id = '{}' WHERE id = '{}'", row[1], row[0])]);
    assert_eq!(
        findings(&project),
        [("differs".into(), "personakt".into(), row[0].clone(), vec!["person_id".into()])]
    );
}

#[test]
fn all_three_at_once_are_named_and_nothing_else() {
    let project = migrated_city();
    let path = target(&project);
    let paid = one(&path, "SELECT id FROM utbetalning ORDER BY id DESC LIMIT 1").remove(0);
    let note = one(&path, "SELECT id FROM journalanteckning ORDER BY id DESC LIMIT 1").remove(0);
    let akt = one(
        &path,
        "SELECT a.id, b.person_id FROM personakt a, personakt b WHERE a.person_id <> b.person_id \
         ORDER BY a.id DESC, b.id LIMIT 1",
    );
    sqlite(
        &path,
        &[
            &format!("UPDATE utbetalning SET belopp_ore = belopp_ore - 1 WHERE id = '{paid}'"),
            &format!("DELETE FROM journalanteckning WHERE id = '{note}'"),
            &format!("UPDATE personakt SET person_id = '{}' WHERE id = '{}'", akt[1], akt[0]),
        ],
    );
    let mut ids: Vec<String> = findings(&project).into_iter().map(|(_, _, id, _)| id).collect();
    let mut expected = vec![paid, note, akt[0].clone()];
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
}

#[test]
fn a_row_that_nobody_loaded_is_found() {
    let project = migrated_city();
    let path = target(&project);
    let columns = sqlite_rows(&path, "SELECT name FROM pragma_table_info('adress') WHERE name <> 'id'");
    let columns: Vec<String> = columns.into_iter().map(|mut row| row.remove(0).unwrap()).collect();
    let columns = columns.join(", ");
    let id = "ffffffff-ffff-8fff-bfff-ffffffffffff";
    sqlite(
        &path,
        &[&format!("INSERT INTO adress (id, {columns}) SELECT '{id}', {columns} FROM adress LIMIT 1")],
    );
    assert_eq!(findings(&project), [("unexpected".into(), "adress".into(), id.into(), vec![])]);
}

#[test]
fn a_value_of_another_type_is_a_difference_and_no_crash() {
    let project = migrated_city();
    let path = target(&project);
    let id = one(&path, "SELECT id FROM beslut WHERE beslutsdatum IS NOT NULL ORDER BY id LIMIT 1").remove(0);
    sqlite(&path, &[&format!("UPDATE beslut SET beslutsdatum = 'i går' WHERE id = '{id}'")]);
    assert_eq!(findings(&project), [("differs".into(), "beslut".into(), id, vec!["beslutsdatum".into()])]);
}

#[test]
fn migrating_again_does_not_trust_an_earlier_comparison() {
    let project = migrated_city();
    sqlite(&target(&project), &["DELETE FROM utbetalning WHERE id = (SELECT min(id) FROM utbetalning)"]);
    let document = run_project("migrate", &project.dir).expect(&[2]).json();
    assert_eq!(document["findings_total"], 1);
}

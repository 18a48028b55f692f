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
    assert_eq!(document["summary"]["rows"]["missing"], 1);
}

/// The key and the fields of every row that refers to nothing.
fn dangling(document: &Value) -> Vec<(String, String, Vec<String>)> {
    let findings = document["findings"].as_array().unwrap().iter().filter(|one| one["kind"] == "dangling");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings
        .map(|one| {
            let fields = one["fields"].as_array().unwrap().iter().map(text).collect();
            (text(&one["entity"]), text(&one["key"]), fields)
        })
        .collect()
}

#[test]
fn rows_that_refer_to_a_deleted_row_are_found_beside_it() {
    let project = migrated_city();
    let path = target(&project);
    let before = run_project("reconcile", &project.dir).expect(&[0, 3]).json();
    let references = &before["summary"]["references"];
    assert!(references["checked"].as_u64().unwrap() > 100_000);
    assert!(references["explained"].as_u64().unwrap() > 0, "what is held back explains what refers to it");
    assert_eq!(references["dangling"], 0);

    let query = "SELECT d.id, d.src_key, COUNT(u.id) FROM beslut d JOIN utbetalning u ON u.beslut_id = d.id \
                 WHERE d.src_table = 'BESLUT' GROUP BY d.id HAVING COUNT(u.id) = 1 ORDER BY d.id LIMIT 1";
    let query = query.replace("COUNT(u.id) FROM", "CAST(COUNT(u.id) AS TEXT) FROM");
    let id = one(&path, &query).remove(0);
    let referring = sqlite_rows(
        &path,
        &format!(
            "SELECT 'utbetalning', src_key FROM utbetalning WHERE beslut_id = '{id}' UNION ALL \
             SELECT 'berakning', src_key FROM berakning WHERE beslut_id = '{id}' UNION ALL \
             SELECT 'beslut', src_key FROM beslut WHERE ersatter_beslut_id = '{id}'"
        ),
    );
    sqlite(&path, &[&format!("DELETE FROM beslut WHERE id = '{id}'")]);
    let document = run_project("reconcile", &project.dir).expect(&[2]).json();
    assert_eq!(document["verdict"], "skillnader");
    assert_eq!(document["summary"]["rows"]["missing"], 1);
    let mut found: Vec<(String, String)> =
        dangling(&document).into_iter().map(|(entity, key, _)| (entity, key)).collect();
    let mut expected: Vec<(String, String)> =
        referring.into_iter().map(|row| (row[0].clone().unwrap(), row[1].clone().unwrap())).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(document["summary"]["references"]["dangling"].as_u64(), u64::try_from(expected.len()).ok());
    let report = std::fs::read_to_string(project.dir.join("report/index.html")).unwrap();
    assert!(report.contains("Hänvisar till rad som saknas"));
}

#[test]
fn a_reference_that_was_changed_to_nothing_is_found_with_its_field() {
    let project = migrated_city();
    let path = target(&project);
    let row = one(&path, "SELECT id, src_key FROM insats WHERE person_id IS NOT NULL ORDER BY id LIMIT 1");
    let nobody = "00000000-0000-8000-8000-00000000abcd";
    sqlite(&path, &[&format!("UPDATE insats SET person_id = '{nobody}' WHERE id = '{}'", row[0])]);
    let document = run_project("reconcile", &project.dir).expect(&[2]).json();
    assert_eq!(dangling(&document), [("insats".to_owned(), row[1].clone(), vec!["person_id".to_owned()])]);
    assert_eq!(document["summary"]["rows"]["differs"], 1, "the comparison sees the same change");
    assert_eq!(document["findings_total"], 2);
}

#[test]
fn a_row_whose_id_is_none_is_a_finding_and_not_the_end() {
    let project = migrated_city();
    let path = target(&project);
    let id = one(&path, "SELECT id FROM insats ORDER BY id LIMIT 1").remove(0);
    sqlite(&path, &[&format!("UPDATE insats SET id = '0 no id' WHERE id = '{id}'")]);
    let document = run_project("reconcile", &project.dir).expect(&[2]).json();
    let rows = &document["summary"]["rows"];
    assert_eq!((&rows["nameless"], &rows["missing"], &rows["unexpected"]), (&1.into(), &1.into(), &0.into()));
    let findings = document["findings"].as_array().unwrap();
    let nameless = findings.iter().find(|one| one["kind"] == "nameless").unwrap();
    assert_eq!((&nameless["entity"], &nameless["entity_id"]), (&"insats".into(), &"rad 1".into()));
}

//! H33 and H34: what is delivered twice, and what is gone when the source is read again.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::incidents::{changes, keys};
use crate::support::{contents, fresh_city, migrated_city, run_project, sqlite, sqlite_count, sqlite_rows};

fn table<'v>(document: &'v Value, system: &str, table: &str) -> &'v Value {
    let tables = document["summary"]["tables"].as_array().unwrap();
    tables.iter().find(|one| one["system"] == system && one["table"] == table).unwrap()
}

/// The file of visits of a month and a provider.
fn visits(project: &Path, name: &str) -> PathBuf {
    project.join("legacy/paraga").join(format!("besok_{name}.csv"))
}

/// One file comes again under another name: its rows are counted as left out, and in the target nothing moves.
#[test]
fn h33_a_file_that_is_delivered_twice_changes_nothing() {
    let project = migrated_city();
    let target = project.dir.join("target.sqlite");
    let before = run_project("reconcile", &project.dir).expect(&[0, 3]).json();
    let held = contents(&target);
    let file = visits(&project.dir, "201611_U01");
    let rows = u64::try_from(std::fs::read_to_string(&file).unwrap().lines().count() - 1).unwrap();
    assert!(rows > 50, "the month has visits");
    std::fs::copy(&file, visits(&project.dir, "201611_U01igen")).unwrap();
    let after = run_project("migrate", &project.dir).expect(&[0, 3]).json();
    assert_ne!(after["run"], before["run"], "another reading is another run");
    let count = |document: &Value, what: &str| table(document, "paraga", "besok")[what].clone();
    assert_eq!(count(&after, "loaded"), count(&before, "loaded"));
    let left_out = |document: &Value| count(document, "excluded")["D66"].as_u64().unwrap_or(0);
    assert_eq!(left_out(&after), left_out(&before) + rows);
    assert_eq!(after["summary"]["snapshot"]["previous"], before["run"]);
    assert_eq!(after["summary"]["snapshot"]["tables"], Value::Array(Vec::new()), "nothing is gone");
    assert!(held == contents(&target), "no row of the target was written");
}

/// A file that reaches back into the month before delivers some visits again: each is in the target once.
#[test]
fn h33_a_visit_in_two_overlapping_files_comes_over_once() {
    const AGAIN: usize = 10;
    let project = fresh_city();
    let earlier = std::fs::read_to_string(visits(&project.dir, "201910_U01")).unwrap();
    let again: Vec<&str> = earlier.lines().skip(1).filter(|line| !line.is_empty()).take(AGAIN).collect();
    let later = visits(&project.dir, "201912_U01");
    let own = std::fs::read_to_string(&later).unwrap();
    std::fs::write(&later, format!("{own}{}\r\n", again.join("\r\n"))).unwrap();
    let document = run_project("migrate", &project.dir).expect(&[0, 3]).json();
    let held = table(&document, "paraga", "besok")["quarantined"]["upprepad_nyckel"].as_u64().unwrap();
    assert_eq!(held, u64::try_from(AGAIN).unwrap(), "the second copies wait");
    let target = project.dir.join("target.sqlite");
    for line in again {
        let number = line.split(';').next().unwrap();
        let query =
            format!("SELECT count(*) FROM besok WHERE src_system = 'paraga' AND src_key = 'v2|U01|{number}'");
        assert_eq!(sqlite_count(&target, &query), 1, "visit {number}");
    }
}

/// Rows are deleted in the source between two readings. Nothing disappears in silence: the reading tells the keys,
/// with what the source itself says, the target keeps the rows, and the comparison names them.
#[test]
fn h34_a_row_that_was_deleted_in_the_source_leaves_a_trace() {
    let project = migrated_city();
    let (schemos, paraply) =
        (project.dir.join("legacy/schemos.sqlite"), project.dir.join("legacy/paraply.sqlite"));
    let target = project.dir.join("target.sqlite");
    let one = |path: &Path, query: &str| sqlite_rows(path, query).remove(0).remove(0).unwrap();
    let visit = one(&schemos, "SELECT CAST(max(id) AS TEXT) FROM planned_visit WHERE deleted_at IS NULL");
    let note = "SELECT CAST(max(JRN_ID) AS TEXT) FROM JOURNAL WHERE RATT_AV IS NULL \
                AND JRN_ID NOT IN (SELECT RATT_AV FROM JOURNAL WHERE RATT_AV IS NOT NULL)";
    let note = one(&paraply, note);
    sqlite(
        &schemos,
        &[
            &format!("DELETE FROM planned_visit WHERE id = {visit}"),
            &format!(
                "INSERT INTO change_log (id, tbl, row_id, field, by_user, at) \
                 SELECT max(id) + 1, 'planned_visit', {visit}, '*', 1, '2024-12-30 08:00:00' FROM change_log"
            ),
        ],
    );
    sqlite(&paraply, &[&format!("DELETE FROM JOURNAL WHERE JRN_ID = {note}")]);
    let document = run_project("migrate", &project.dir).expect(&[2]).json();

    let told = |system: &str, table: &str| {
        let told = changes(&document, system, table).unwrap();
        [&told["vanished"], &told["explained"]].map(|count| count.as_u64().unwrap())
    };
    assert_eq!((told("schemos", "planned_visit"), told("paraply", "JOURNAL")), ([1, 1], [1, 0]));
    let run = project.dir.join("runs").join(document["run"].as_str().unwrap());
    assert_eq!(keys(&run, "vanished", "schemos-planned_visit"), [(visit.clone(), "1".to_owned())]);
    assert_eq!(keys(&run, "vanished", "paraply-JOURNAL"), [(note.clone(), String::new())]);

    for (entity, key) in [("journalanteckning", &note), ("planerat_besok", &visit)] {
        let count = |query: String| sqlite_count(&target, &query);
        let held = count(format!("SELECT count(*) FROM {entity} WHERE src_key = '{key}'"));
        let kept = format!(
            "SELECT count(*) FROM bron_history_{entity} WHERE src_key = '{key}' AND ended_because = 'gone'"
        );
        assert_eq!((held, count(kept) >= 1), (0, true), "{entity}: it is retired, and nothing of it is lost");
    }
    let trace =
        format!("SELECT count(*) FROM raderad_post WHERE nyckel = '{visit}' AND tabell = 'planned_visit'");
    assert_eq!(sqlite_count(&target, &trace), 1, "the source's own word came over");
}

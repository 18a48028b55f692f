//! Later snapshots of the same sources into the same target: what is new is inserted, what changed is changed, what is
//! gone is retired, and nothing else is touched. Plans say beforehand what will be done.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Project, Ran, bron, contents, migrated_city, sqlite, sqlite_count, sqlite_rows};

/// The rows of a target by table, with the id first.
pub(crate) type Rows = std::collections::BTreeMap<String, Vec<Vec<Option<String>>>>;

/// The source and the target of a project.
struct Places {
    schemos: PathBuf,
    target: PathBuf,
}

fn places(project: &Project) -> Places {
    let [schemos, target] = ["legacy/schemos.sqlite", "target.sqlite"].map(|name| project.dir.join(name));
    Places { schemos, target }
}

pub(crate) fn migrate(project: &Path, more: &[&str]) -> Ran {
    let mut command = bron();
    command.args(["migrate", "--output", "json", "--project"]).arg(project).args(more);
    command.output().unwrap().into()
}

/// The last of the absences has another reason.
const OTHER_REASON: &str = "UPDATE absence SET type = CASE type WHEN 'VAB' THEN 'SEM' ELSE 'VAB' END \
     WHERE id = (SELECT max(id) FROM absence)";

const ACCEPT: [&str; 2] = ["--accept", "schemos/absence"];

/// Of the absences of staff one is gone, one has another reason, and one is new. Gives the key that is gone.
pub(crate) fn second_snapshot(schemos: &Path) -> String {
    let gone = sqlite_rows(schemos, "SELECT CAST(min(id) AS TEXT) FROM absence").remove(0).remove(0).unwrap();
    let columns = sqlite_rows(schemos, "SELECT name FROM pragma_table_info('absence') WHERE name <> 'id'");
    let columns: Vec<String> = columns.into_iter().map(|mut row| row.remove(0).unwrap()).collect();
    let columns = columns.join(", ");
    let fresh = format!(
        "INSERT INTO absence (id, {columns}) SELECT (SELECT max(id) + 1 FROM absence), {columns} FROM absence \
         WHERE id = (SELECT max(id) FROM absence)"
    );
    let changed = "UPDATE absence SET type = CASE type WHEN 'SJK' THEN 'SEM' ELSE 'SJK' END \
                   WHERE id = (SELECT max(id) FROM absence) - 1";
    sqlite(schemos, &[&fresh, &format!("DELETE FROM absence WHERE id = {gone}"), changed]);
    gone
}

/// The rows without the two columns that name runs.
fn without_runs(mut rows: Rows) -> Rows {
    for row in rows.values_mut().flatten() {
        row.truncate(row.len() - 2);
    }
    rows
}

fn history(target: &Path, entity: &str) -> Vec<Vec<Option<String>>> {
    let query = format!(
        "SELECT src_key, load_run_id, ended_by_run, ended_because FROM bron_history_{entity} ORDER BY id, ended_ordinal"
    );
    sqlite_rows(target, &query)
}

fn changes(document: &Value, entity: &str) -> Value {
    let all = document["summary"]["changes"].as_array().unwrap();
    all.iter().find(|one| one["entity"] == entity).cloned().unwrap_or_default()
}

#[test]
fn three_snapshots_and_back_again() {
    let project = migrated_city();
    let Places { schemos, target } = places(&project);
    let (first_file, first) = (std::fs::read(&schemos).unwrap(), contents(&target));
    let first_run = first["personalfranvaro"][0].last().unwrap().clone().unwrap();
    let absent = |key: &str| {
        sqlite_count(&target, &format!("SELECT count(*) FROM personalfranvaro WHERE src_key = '{key}'"))
    };

    let gone = second_snapshot(&schemos);
    let second_file = std::fs::read(&schemos).unwrap();
    let document = migrate(&project.dir, &ACCEPT).expect(&[0, 3]).json();
    assert_eq!(document["findings_total"], 0, "the rows direction finds nothing that should have gone");
    let told = changes(&document, "personalfranvaro");
    assert_eq!((&told["inserted"], &told["updated"]), (&Value::from(1), &Value::from(1)), "{told}");
    assert_eq!(told["retired"], serde_json::json!({ "gone": 1 }));
    let second_run = document["run"].as_str().unwrap().to_owned();
    assert_eq!(absent(&gone), 0);
    let kept = history(&target, "personalfranvaro");
    let of_gone = [&gone, &first_run, &second_run, "gone"].map(|text| Some(text.to_owned()));
    assert!(kept.len() == 2 && kept.contains(&of_gone.to_vec()), "{kept:?}");
    assert!(kept.iter().any(|row| row[3].as_deref() == Some("replaced")));
    let report = std::fs::read_to_string(project.dir.join("report/index.html")).unwrap();
    assert!(report.contains("Vad inläsningen ändrade") && report.contains("1 finns inte längre i källan"));
    let second = contents(&target);
    let again = migrate(&project.dir, &[]).expect(&[0, 3]).json();
    assert_eq!((&again["no_op"], &again["summary"]), (&Value::from(true), &document["summary"]));

    // The row that was gone comes back, and its history stays.
    std::fs::write(&schemos, &first_file).unwrap();
    sqlite(&schemos, &[OTHER_REASON]);
    let document = migrate(&project.dir, &ACCEPT).expect(&[0, 3]).json();
    assert_eq!((absent(&gone), &document["findings_total"]), (1, &Value::from(0)));
    assert!(history(&target, "personalfranvaro").contains(&of_gone.to_vec()));

    // Back to what was there first, and forth once more: the target holds what the snapshot says, and no other run.
    for (file, expected, place) in [(&first_file, &first, 4), (&second_file, &second, 5)] {
        std::fs::write(&schemos, file).unwrap();
        migrate(&project.dir, &ACCEPT).expect(&[0, 3]);
        assert!(without_runs(contents(&target)) == without_runs(expected.clone()), "run {place}");
        assert_eq!(sqlite_count(&target, "SELECT max(ordinal) FROM bron_run"), place);
    }
    assert_eq!(
        as_after(&target, 1),
        absences(&first),
        "the target can be seen as it was after the first run"
    );
    assert_eq!(as_after(&target, 2), absences(&second));
}

/// The absences of a target with their reasons.
fn absences(rows: &Rows) -> usize {
    rows["personalfranvaro"].len()
}

/// How many absences the target held after a run, by the query of the documentation.
fn as_after(target: &Path, place: u64) -> usize {
    let document = include_str!("../docs/incremental.md");
    let query = document.split("```sql\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let query = query.replace("besok", "personalfranvaro").replace(":place", &place.to_string());
    let query = format!("SELECT id FROM ({})", query.trim().trim_end_matches(';'));
    sqlite_rows(target, &query).len()
}

#[test]
fn many_rows_that_go_at_once_stop_the_run_until_somebody_accepts() {
    let project = migrated_city();
    let Places { schemos, target } = places(&project);
    let before = contents(&target);
    sqlite(&schemos, &["DELETE FROM absence WHERE id % 3 = 0"]);
    let stopped = migrate(&project.dir, &[]).expect(&[6]).json();
    let told = stopped["error"]["message"].as_str().unwrap();
    assert!(told.starts_with("more than 5 % of a table would be retired: "), "{told}");
    assert!(told.contains("of personalfranvaro from schemos/absence") && told.contains(" gone)"), "{told}");
    assert!(stopped["error"]["hint"].as_str().unwrap().contains("--accept schemos/absence"));
    assert!(contents(&target) == before, "nothing was changed");
    assert_eq!(sqlite_count(&target, "SELECT count(*) FROM bron_run"), 1);

    let file = project.dir.join("bron.toml");
    let settings = std::fs::read_to_string(&file).unwrap();
    let lenient = settings.replacen("format = 1", "format = 1\nretire_limit_percent = 100", 1);
    std::fs::write(&file, lenient).unwrap();
    let document = migrate(&project.dir, &[]).expect(&[2]).json();
    assert_eq!(document["verdict"], "ej_bevisat", "rows that are gone without a word");
    assert_eq!(changes(&document, "personalfranvaro")["retired"], serde_json::json!({ "gone": 1 }));
}

#[test]
fn rows_of_others_and_of_what_was_not_read_whole_stay() {
    let project = migrated_city();
    let Places { schemos, target } = places(&project);
    // A row that somebody else wrote under the name of this system, and one of a system that the project has not.
    let columns = sqlite_rows(&target, "SELECT name FROM pragma_table_info('personalfranvaro')");
    let columns: Vec<String> = columns.into_iter().map(|mut row| row.remove(0).unwrap()).collect();
    let copy = |id: &str, changed: &[(&str, &str)]| {
        let value = |name: &String| {
            let other = changed.iter().find(|(column, _)| column == name);
            other.map_or_else(|| name.clone(), |(_, value)| format!("'{value}'"))
        };
        let values: Vec<String> = columns.iter().skip(1).map(value).collect();
        format!(
            "INSERT INTO personalfranvaro SELECT '{id}', {} FROM personalfranvaro LIMIT 1",
            values.join(", ")
        )
    };
    let hand = "00000000-0000-8000-8000-000000000001";
    let other = "ffffffff-ffff-8fff-bfff-fffffffffff1";
    sqlite(&target, &[&copy(hand, &[("load_run_id", "handen")]), &copy(other, &[("src_system", "annat")])]);
    let gone = second_snapshot(&schemos);
    let document = migrate(&project.dir, &ACCEPT).expect(&[2]).json();
    // No load of this target ever filled anything from that system: the row only says so.
    let found: BTreeSet<&str> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["entity_id"].as_str().unwrap())
        .collect();
    assert_eq!(found, BTreeSet::from([hand, other]), "what no load wrote is found, and left");
    assert_eq!(changes(&document, "personalfranvaro")["retired"], serde_json::json!({ "gone": 1 }));
    let there = "SELECT id FROM personalfranvaro WHERE id IN";
    let there = sqlite_rows(&target, &format!("{there} ('{hand}', '{other}') ORDER BY id"));
    assert_eq!(there, [[Some(hand.to_owned())], [Some(other.to_owned())]]);
    assert_eq!(
        history(&target, "personalfranvaro").iter().filter(|row| row[0] == Some(gone.clone())).count(),
        1
    );

    // A file that does not come any more makes no row go.
    sqlite(&target, &[&format!("DELETE FROM personalfranvaro WHERE id = '{hand}'")]);
    let visits = sqlite_count(&target, "SELECT count(*) FROM besok WHERE src_table = 'besok'");
    let folder = project.dir.join("legacy/paraga");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.file_name().unwrap().to_str().unwrap().starts_with("besok_2016"));
    files.sort();
    std::fs::remove_file(&files[0]).unwrap();
    let ran = migrate(&project.dir, &ACCEPT).expect(&[2]);
    assert_eq!(sqlite_count(&target, "SELECT count(*) FROM besok WHERE src_table = 'besok'"), visits);
    assert!(
        ran.stderr.contains("are not given any more and stay: not everything was read"),
        "{}",
        ran.stderr
    );
    let document = ran.json();
    assert!(document["findings_total"].as_u64() > Some(0), "they are told, each");
    assert_ne!(document["verdict"], "lika");
}

#[test]
fn a_plan_says_what_will_be_done_and_that_is_done_once() {
    let project = migrated_city();
    let Places { schemos, target } = places(&project);
    second_snapshot(&schemos);
    let file = project.dir.join("plan.json");
    let plan = ["--plan", file.to_str().unwrap(), "--accept", "schemos/absence"];
    let apply = ["--apply", file.to_str().unwrap()];
    let bytes = std::fs::read(&target).unwrap();
    let planned = migrate(&project.dir, &plan).expect(&[0]).json();
    let text = std::fs::read(&file).unwrap();
    migrate(&project.dir, &plan).expect(&[0]);
    assert!(std::fs::read(&file).unwrap() == text, "the same plan is the same bytes");
    assert!(std::fs::read(&target).unwrap() == bytes, "the target was only read");
    let entities = planned["entities"].as_array().unwrap();
    let one = entities.iter().find(|one| one["entity"] == "personalfranvaro").unwrap();
    let figures = ["insert", "update"].map(|name| one[name].as_u64());
    assert_eq!((figures, &one["retire"]), ([Some(1), Some(1)], &serde_json::json!({ "gone": 1 })));
    assert!(
        planned["code_lists"].as_object().unwrap().len() > 3 && planned["sources"]["schemos"].is_string()
    );

    // Another target, and other mapping files, are not what was planned.
    let statement =
        "UPDATE personalfranvaro SET dq_flags = 'D0' WHERE id = (SELECT min(id) FROM personalfranvaro)";
    sqlite(&target, &[statement]);
    let drifted = contents(&target);
    let stopped = migrate(&project.dir, &apply).expect(&[5]).json();
    let told = stopped["error"]["message"].as_str().unwrap();
    assert!(told.contains("the target does not hold what it held"), "{told}");
    assert!(told.contains("personalfranvaro of schemos: 1 changed were planned, and it is 2"), "{told}");
    assert!(contents(&target) == drifted, "nothing was changed");
    std::fs::write(&target, &bytes).unwrap();
    let list = project.dir.join("mappings/codes/beslutstyp.csv");
    let codes = std::fs::read(&list).unwrap();
    std::fs::write(&list, [codes.as_slice(), b"\n"].concat()).unwrap();
    let stopped = migrate(&project.dir, &apply).expect(&[5]).json();
    let told = stopped["error"]["message"].as_str().unwrap().to_owned();
    assert!(told.contains("the code list beslutstyp is another"), "{told}");
    std::fs::write(&list, codes).unwrap();
    let source = std::fs::read(&schemos).unwrap();
    sqlite(&schemos, &[OTHER_REASON]);
    let stopped = migrate(&project.dir, &apply).expect(&[5]).json();
    assert!(stopped["error"]["message"].as_str().unwrap().contains("the content of schemos is another"));
    std::fs::write(&schemos, source).unwrap();

    let done = migrate(&project.dir, &apply).expect(&[0, 3]).json();
    assert_eq!(changes(&done, "personalfranvaro")["retired"], serde_json::json!({ "gone": 1 }));
    let after = contents(&target);
    let again = migrate(&project.dir, &apply).expect(&[0, 3]).json();
    assert_eq!(again["no_op"], true, "twice is once");
    assert!(contents(&target) == after);
    migrate(&project.dir, &["--plan", file.to_str().unwrap()]).expect(&[0]);
    let planned: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let entities = planned["entities"].as_array().unwrap();
    assert!(entities.iter().all(|one| one["insert"] == 0 && one["update"] == 0), "nothing is left to do");
    migrate(&project.dir, &apply).expect(&[0, 3]);

    let newer = String::from_utf8(text).unwrap().replacen("\"format\": 1", "\"format\": 2", 1);
    std::fs::write(&file, newer).unwrap();
    assert!(migrate(&project.dir, &apply).expect(&[1]).stderr.contains("a plan of a load of format 2"));
}

//! Incidents: what the default city does not have, because it is one reading of one state. Each is planted here, by
//! the code of its defect.

use std::path::Path;

use bron_extract::{MANIFEST_FILE, Manifest};
use serde_json::Value;

use crate::support::{Project, Ran, bron, migrated_city, only_run, run_project, runs, sqlite, sqlite_rows};

fn paraply(project: &Project) -> std::path::PathBuf {
    project.dir.join("legacy/paraply.sqlite")
}

/// Migrates into a target of its own, with these arguments more.
fn migrate_anew(project: &Project, target: &str, more: &[&str]) -> Ran {
    let target = project.dir.join(target);
    let mut command = bron();
    command.args(["migrate", "--output", "json", "--project"]).arg(&project.dir);
    command.arg("--target").arg(target).args(more).output().unwrap().into()
}

fn message(ran: &Ran) -> String {
    ran.json()["error"]["message"].as_str().unwrap().to_owned()
}

/// The shown keys in a folder of keys of a run, with what explains each.
pub(crate) fn keys(run: &Path, kind: &str, table: &str) -> Vec<(String, String)> {
    let dir = run.join(kind).join(table);
    let manifest = Manifest::load(&dir.join(MANIFEST_FILE)).unwrap();
    let mut found = Vec::new();
    for batch in manifest.read(&dir, Some(&["src_key", "explained"]), 100).unwrap() {
        let batch = batch.unwrap();
        let text = |column: usize, row: usize| batch.cells(column).text(row).unwrap_or_default().to_owned();
        found.extend((0..batch.rows()).map(|row| (text(0, row), text(1, row))));
    }
    found.sort();
    found
}

/// What the summary says of a table since the reading before.
pub(crate) fn changes<'v>(document: &'v Value, system: &str, table: &str) -> Option<&'v Value> {
    let tables = document["summary"]["snapshot"]["tables"].as_array().unwrap();
    tables.iter().find(|one| one["system"] == system && one["table"] == table)
}

/// A signed text that was changed stops the run before anything is mapped, again and again, until it is accepted.
#[test]
pub(crate) fn d51_a_signed_text_that_was_changed_stops_the_run() {
    let project = migrated_city();
    let key = |signed: &str| {
        let query = format!("SELECT CAST(min(JRN_ID) AS TEXT) FROM JOURNAL WHERE SIGNDAT IS {signed} NULL");
        sqlite_rows(&paraply(&project), &query).remove(0).remove(0).unwrap()
    };
    let (signed, unsigned) = (key("NOT"), key(""));
    let change = |key: &str| format!("UPDATE JOURNAL SET TEXT = 'Ändrat i efterhand.' WHERE JRN_ID = {key}");
    sqlite(&paraply(&project), &[&change(&unsigned)]);
    migrate_anew(&project, "b.sqlite", &[]).expect(&[0, 3]);

    sqlite(&paraply(&project), &[&change(&signed)]);
    for attempt in ["c.sqlite", "d.sqlite"] {
        let stopped = migrate_anew(&project, attempt, &[]).expect(&[6]);
        let told = message(&stopped);
        assert!(told.starts_with("D51:") && told.contains("1 of paraply/JOURNAL"), "{told}");
        assert!(told.contains(&format!("(keys {signed})")), "{told}");
        assert!(!stopped.stdout.contains("efterhand") && !stopped.stderr.contains("efterhand"));
        assert!(!project.dir.join(attempt).exists(), "nothing was loaded");
    }
    let stopped = runs(&project.dir).into_iter().find(|run| run.join("altered").is_dir()).unwrap();
    assert_eq!(keys(&stopped, "altered", "paraply-JOURNAL"), [(signed, String::new())]);
    assert!(!stopped.join("transformed").exists(), "nothing was mapped");
    let failed = run_project("transform", &project.dir).expect(&[1]);
    assert!(message(&failed).contains("compared"), "{}", failed.stderr);

    // Another change does not hide the first: a run that was stopped is nobody's reading before.
    let other = "UPDATE JOURNAL SET RUBRIK = 'Möte' WHERE JRN_ID = (SELECT max(JRN_ID) FROM JOURNAL)";
    sqlite(&paraply(&project), &[other]);
    migrate_anew(&project, "e.sqlite", &[]).expect(&[6]);
    migrate_anew(&project, "e.sqlite", &["--accept", "paraply/JORNAL"]).expect(&[1]);
    let accepted =
        migrate_anew(&project, "e.sqlite", &["--accept", "paraply/JOURNAL"]).expect(&[0, 3]).json();
    let told = changes(&accepted, "paraply", "JOURNAL").unwrap();
    assert_eq!((&told["altered"], &told["accepted"]), (&Value::from(1), &Value::from(true)));
    migrate_anew(&project, "e.sqlite", &[]).expect(&[0, 3]);
}

/// A table that is no longer the one that the mappings were written for.
#[test]
pub(crate) fn d70_a_changed_table_stops_the_run_until_it_is_accounted_for() {
    let project = migrated_city();
    let drifts = |statement: &str, place: &str| {
        sqlite(&paraply(&project), &[statement]);
        let stopped = migrate_anew(&project, "b.sqlite", &[]).expect(&[5]);
        let told = message(&stopped);
        assert!(told.starts_with("D70:") && told.contains(place), "{told}");
        assert!(!project.dir.join("b.sqlite").exists(), "nothing was loaded");
        stopped
    };
    let stopped = drifts("ALTER TABLE AKT ADD COLUMN NYTT varchar(8)", "paraply/AKT.NYTT is new");
    let led_to = stopped.json()["diagnostics"].as_array().unwrap().clone();
    assert!(led_to.iter().all(|one| one["code"] == "BRON-M040") && led_to.len() == 1, "{led_to:?}");
    let file = project.dir.join("mappings/paraply/AKT.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let accounted = if text.contains("[ignore]\n") {
        text.replacen("[ignore]\n", "[ignore]\nNYTT = \"tom i alla rader\"\n", 1)
    } else {
        text.replacen("[[example]]", "[ignore]\nNYTT = \"tom i alla rader\"\n\n[[example]]", 1)
    };
    std::fs::write(&file, accounted).unwrap();
    let document = migrate_anew(&project, "b.sqlite", &[]).expect(&[0, 3]).json();
    assert_eq!(document["summary"]["snapshot"]["drift"][0]["column"], "NYTT");
    std::fs::remove_file(project.dir.join("b.sqlite")).unwrap();

    drifts("CREATE TABLE NYTABELL (ID int)", "paraply/NYTABELL is new");
    sqlite(&paraply(&project), &["DROP TABLE NYTABELL"]);
    drifts("ALTER TABLE AKT RENAME COLUMN AKTNR TO AKTNUMMER", "paraply/AKT.AKTNR is gone");
    sqlite(&paraply(&project), &["ALTER TABLE AKT RENAME COLUMN AKTNUMMER TO AKTNR"]);
    drifts("ALTER TABLE ARENDE RENAME TO ARENDEN", "paraply/ARENDE is gone");
    sqlite(&paraply(&project), &["ALTER TABLE ARENDEN RENAME TO ARENDE"]);

    // A type that changed leaves the mapping files as right as they were, so somebody has to say so.
    let retype = ["ALTER TABLE AKT DROP COLUMN NYTT", "ALTER TABLE AKT ADD COLUMN NYTT bit"];
    sqlite(&paraply(&project), &retype);
    let stopped = migrate_anew(&project, "b.sqlite", &[]).expect(&[5]);
    assert!(message(&stopped).contains("paraply/AKT.NYTT was varchar(8) and is bit"), "{}", stopped.stderr);
    assert_eq!(stopped.json()["error"]["class"], "data");
    migrate_anew(&project, "b.sqlite", &["--accept", "paraply/AKT"]).expect(&[0, 3]);
    migrate_anew(&project, "b.sqlite", &[]).expect(&[0, 3]);
}

/// Rows that are gone without a word of the source are not proven; with one they are explained.
#[test]
pub(crate) fn d72_rows_that_are_gone_are_told_with_what_the_source_says() {
    let project = migrated_city();
    let schemos = project.dir.join("legacy/schemos.sqlite");
    let one = |query: &str| sqlite_rows(&schemos, query).remove(0).remove(0).unwrap();
    let soft = one("SELECT CAST(min(id) AS TEXT) FROM planned_visit WHERE deleted_at IS NOT NULL");
    let logged = one("SELECT CAST(max(id) AS TEXT) FROM planned_visit WHERE deleted_at IS NULL");
    let silent = one("SELECT CAST(min(id) AS TEXT) FROM absence");
    sqlite(
        &schemos,
        &[
            &format!("DELETE FROM planned_visit WHERE id IN ({soft}, {logged})"),
            &format!(
                "INSERT INTO change_log (id, tbl, row_id, field, by_user, at) \
                 SELECT max(id) + 1, 'planned_visit', {logged}, '*', 1, '2024-12-30 08:00:00' FROM change_log"
            ),
            &format!("DELETE FROM absence WHERE id = {silent}"),
        ],
    );
    let document = migrate_anew(&project, "b.sqlite", &[]).expect(&[2]).json();
    assert_eq!(document["verdict"], "ej_bevisat");
    let unproven = document["unproven"].as_array().unwrap();
    assert_eq!(unproven.len(), 1, "{unproven:?}");
    assert!(unproven[0].as_str().unwrap().starts_with("En rad i schemos/absence har försvunnit"));
    let counts = |table: &str| {
        let told = changes(&document, "schemos", table).unwrap();
        (told["vanished"].as_u64().unwrap(), told["explained"].as_u64().unwrap())
    };
    assert_eq!((counts("planned_visit"), counts("absence")), ((2, 2), (1, 0)));
    let run = project.dir.join("runs").join(document["run"].as_str().unwrap());
    let mut expected = [(logged, "1".to_owned()), (soft, "1".to_owned())];
    expected.sort();
    assert_eq!(keys(&run, "vanished", "schemos-planned_visit"), expected);
    assert_eq!(keys(&run, "vanished", "schemos-absence"), [(silent, String::new())]);
    let report = std::fs::read_to_string(project.dir.join("report/index.html")).unwrap();
    assert!(report.contains("Försvunna sedan förra läsningen") && report.contains("SchemOS/absence"));
    migrate_anew(&project, "b.sqlite", &["--accept", "schemos/absence"]).expect(&[0, 3]);
}

/// A row that another nämnd could read, or that lost its protection, in the target behind its back.
#[test]
pub(crate) fn d80_a_row_that_the_wrong_namnd_could_read_is_found_and_named() {
    let project = migrated_city();
    let target = project.dir.join("target.sqlite");
    let query = "SELECT a.id, a.namnd, b.namnd FROM personakt a, personakt b WHERE a.namnd <> b.namnd \
                 ORDER BY a.id, b.id LIMIT 1";
    let row: Vec<String> = sqlite_rows(&target, query).remove(0).into_iter().map(Option::unwrap).collect();
    let (id, own, other) = (&row[0], &row[1], &row[2]);
    sqlite(&target, &[&format!("UPDATE personakt SET namnd = '{other}' WHERE id = '{id}'")]);
    let document = run_project("reconcile", &project.dir).expect(&[2]).json();
    assert_eq!(document["verdict"], "skillnader");
    let cells = document["summary"]["secrecy"]["unequal"].as_array().unwrap();
    let of = |namnd: &str| {
        let cell = cells.iter().find(|one| one["entity"] == "personakt" && one["namnd"] == namnd).unwrap();
        cell["found"].as_i64().unwrap() - cell["expected"].as_i64().unwrap()
    };
    assert_eq!((cells.len(), of(own), of(other)), (2, -1, 1), "{cells:?}");
    let controls = document["summary"]["controls"].as_array().unwrap();
    let unequal = controls.iter().filter(|row| row["name"] == "akter_per_namnd" && row["difference"] != 0);
    assert_eq!(unequal.count(), 2, "a control that knows no mapping says the same");
    assert_eq!(document["findings"][0]["entity_id"], id.as_str());

    sqlite(&target, &[&format!("UPDATE personakt SET namnd = '{own}' WHERE id = '{id}'")]);
    run_project("reconcile", &project.dir).expect(&[0, 3]);
    for change in ["skyddad = 0 WHERE skyddad = 1", "sekretess_klass = 'ingen' WHERE skyddad = 1"] {
        let first = "(SELECT min(id) FROM namn WHERE skyddad = 1)";
        sqlite(&target, &[&format!("UPDATE namn SET {change} AND id = {first}")]);
        let document = run_project("reconcile", &project.dir).expect(&[2]).json();
        let cells = document["summary"]["secrecy"]["unequal"].as_array().unwrap();
        assert!(cells.len() >= 2 && cells.iter().all(|one| one["entity"] == "namn"), "{cells:?}");
    }
}

/// A code with two meanings on one day is refused before anything is read.
#[test]
pub(crate) fn d84_a_code_with_two_meanings_is_refused_by_the_check() {
    let project = migrated_city();
    let list = project.dir.join("mappings/codes/beslutstyp.csv");
    let text = std::fs::read_to_string(&list).unwrap();
    let line = text.lines().nth(1).unwrap();
    std::fs::write(&list, format!("{text}{line}\n")).unwrap();
    let before = runs(&project.dir).len();
    for verb in ["check", "migrate"] {
        let document = run_project(verb, &project.dir).expect(&[1]).json();
        let found = document["diagnostics"].as_array().unwrap();
        assert!(found.iter().any(|one| one["code"] == "BRON-K006" && one["file"] == "codes/beslutstyp.csv"));
    }
    assert_eq!(runs(&project.dir).len(), before, "nothing was read");
}

/// A file that never came proves nothing of its month, until the project decides to go on without it.
#[test]
fn d67_a_file_that_never_came_is_not_proven_until_somebody_decides() {
    let project = migrated_city();
    let settings = project.dir.join("bron.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let open: Vec<&str> = text.lines().filter(|line| !line.starts_with("not_delivered")).collect();
    assert_eq!(open.len() + 1, text.lines().count(), "the city withholds files and says so");
    std::fs::write(&settings, open.join("\n")).unwrap();
    let document = run_project("migrate", &project.dir).expect(&[2]).json();
    assert_eq!(document["verdict"], "ej_bevisat");
    let unproven = document["unproven"].as_array().unwrap();
    assert!(unproven.iter().all(|one| one.as_str().unwrap().contains("levererades aldrig")), "{unproven:?}");
    let report = std::fs::read_to_string(project.dir.join("report/index.html")).unwrap();
    let missing = document["summary"]["deliveries"].as_array().unwrap();
    assert!(!missing.is_empty());
    for file in missing.iter().flat_map(|one| one["missing"].as_array().unwrap()) {
        assert!(report.contains(file.as_str().unwrap()), "{file}");
    }
    std::fs::write(&settings, text).unwrap();
    let document = run_project("migrate", &project.dir).expect(&[0, 3]).json();
    assert_eq!(document["unproven"], Value::Array(Vec::new()));
}

/// A balance that somebody altered by hand is not what the installation wrote.
#[test]
fn an_altered_balance_is_found_and_not_believed() {
    let project = migrated_city();
    let record = only_run(&project.dir).join("transformed/paraply-UTBET.json");
    let text = std::fs::read_to_string(&record).unwrap();
    let altered = text.replacen("\"D40\"", "\"D45\"", 1);
    assert!(text != altered, "the table has such a mark");
    std::fs::write(&record, altered).unwrap();
    for verb in ["reconcile", "load", "migrate"] {
        let stopped = run_project(verb, &project.dir).expect(&[6]);
        assert!(message(&stopped).contains("paraply-UTBET.json"), "{}", stopped.stderr);
    }
    // One record does not stand in for another.
    std::fs::copy(record.with_file_name("paraply-BESLUT.json"), &record).unwrap();
    run_project("reconcile", &project.dir).expect(&[6]);
    std::fs::write(&record, text).unwrap();
    run_project("reconcile", &project.dir).expect(&[0, 3]);
}

//! Work lists, what became of them since the run before, and the lists on which the archive decides.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use bron_city::{Action, Truth};
use serde_json::Value;

use crate::support::{Project, bron, files, migrated_city, runs, sqlite, sqlite_count, sqlite_rows};

fn truth(project: &Project) -> Truth {
    serde_json::from_str(&std::fs::read_to_string(project.dir.join("truth.json")).unwrap()).unwrap()
}

/// The cells of a line that [`bron`] wrote.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    for one in line.chars() {
        match one {
            '"' => quoted = !quoted,
            ';' if !quoted => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    cells
}

/// Rows of a list, without the head.
fn list(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.starts_with('\u{feff}') && text.ends_with("\r\n"), "{}", path.display());
    text.lines().skip(1).map(cells).collect()
}

/// Every row of every owner's list.
fn work(project: &Project) -> Vec<Vec<String>> {
    let dir = project.dir.join("worklists");
    let names = files(&dir).into_keys();
    let lists = names.filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("arbetslista_") && name.ends_with(".csv")
    });
    lists.flat_map(|name| list(&dir.join(name))).collect()
}

fn summary(dir: &Path) -> Value {
    let mut found: Vec<Value> = Vec::new();
    for run in runs(dir) {
        let text = std::fs::read_to_string(run.join("summary.json")).unwrap();
        found.push(serde_json::from_str(&text).unwrap());
    }
    let later = found.iter().position(|one| one["quality"]["previous"].is_string());
    found.swap_remove(later.unwrap_or(0))
}

/// What the sum over the lines of a summary says, by rule.
fn counts(summary: &Value, what: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in summary["quality"]["lines"].as_array().unwrap() {
        let number = line[what].as_u64().unwrap();
        if number > 0 {
            *counts.entry(line["rule"].as_str().unwrap().to_owned()).or_default() += number;
        }
    }
    counts
}

fn protected(target: &Path, table: &str) -> BTreeSet<String> {
    let tables = sqlite_rows(
        target,
        "SELECT m.name FROM sqlite_master m WHERE m.type = 'table' AND m.name NOT LIKE 'bron%'",
    );
    let rows = tables.into_iter().flat_map(|entity| {
        let entity = entity[0].clone().unwrap();
        let query = format!(
            "SELECT src_key FROM {entity} WHERE skyddad AND src_system = 'paraply' AND src_table = '{table}'"
        );
        sqlite_rows(target, &query)
    });
    rows.filter_map(|mut row| row.remove(0)).collect()
}

#[test]
fn lists_hold_the_flagged_rows_but_for_those_of_protected_persons() {
    let project = migrated_city();
    let (truth, work) = (truth(&project), work(&project));
    let target = project.dir.join("target.sqlite");
    let mut listed: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for row in &work {
        assert_eq!(row.len(), 16, "{row:?}");
        if row[4].is_empty() {
            listed.entry((&row[0], &row[6])).or_default().insert(&row[7]);
        }
    }
    let mut checked = 0;
    for defect in truth.defects.iter().filter(|one| one.system == "paraply" && one.action == Action::Flag) {
        let code = if defect.id == "D21_unparsed" { "D21_oparsad" } else { defect.id.as_str() };
        if ["D10", "D75"].contains(&code) {
            assert!(!listed.keys().any(|(rule, _)| *rule == code), "{code} needs nobody");
            continue;
        }
        let hidden = protected(&target, &defect.table);
        let expected: BTreeSet<&str> =
            defect.keys.iter().map(String::as_str).filter(|key| !hidden.contains(*key)).collect();
        let found = listed.get(&(code, defect.table.as_str())).cloned().unwrap_or_default();
        assert_eq!(found, expected, "{code} {}", defect.table);
        checked += 1;
    }
    assert!(checked > 30, "{checked} rules");
    for defect in truth.defects.iter().filter(|one| matches!(one.action, Action::Norm | Action::Exclude)) {
        let place = (defect.id.as_str(), defect.table.as_str());
        let flagged = truth
            .defects
            .iter()
            .any(|one| (one.id.as_str(), one.table.as_str()) == place && one.action == Action::Flag);
        assert!(flagged || !listed.contains_key(&place), "{place:?} needs nobody");
    }
}

#[test]
fn corrected_rows_are_resolved_and_nothing_else_changes() {
    let project = migrated_city();
    let truth = truth(&project);
    let first = |id: &str, table: &str| truth.defect(id, table, Action::Flag).unwrap().keys[0].clone();
    let statements = [
        format!("UPDATE JOURNAL SET RUBRIK = 'Telefonsamtal' WHERE JRN_ID = {}", first("D17", "JOURNAL")),
        format!(
            "UPDATE JOURNAL SET SIGNDAT = SKRIVDAT, SIGNAV = SKRIVAV WHERE JRN_ID = {}",
            first("D48", "JOURNAL")
        ),
        format!("UPDATE INTDEB SET APRIS = '100.0000' WHERE ID_ID = {}", first("D38", "INTDEB")),
    ];
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    let before = summary(&project.dir);
    assert!(before["quality"]["previous"].is_null());
    assert_eq!(counts(&before, "open"), counts(&before, "new"), "the first run has nothing before it");
    assert_eq!(sqlite(&project.dir.join("legacy/paraply.sqlite"), &statements), 3);
    let ran = bron()
        .arg("migrate")
        .arg("--project")
        .arg(&project.dir)
        .arg("--target")
        .arg(project.dir.join("second.sqlite"))
        .output()
        .unwrap();
    assert!(matches!(ran.status.code(), Some(0 | 3)), "{}", String::from_utf8_lossy(&ran.stderr));
    let after = summary(&project.dir);
    assert_eq!(after["quality"]["previous"], before["run"]);
    let one =
        |rules: [&str; 3]| rules.into_iter().map(|rule| (rule.to_owned(), 1)).collect::<BTreeMap<_, _>>();
    assert_eq!(counts(&after, "resolved"), one(["D17", "D38", "D48"]));
    assert_eq!(counts(&after, "new"), BTreeMap::new());
    assert_eq!(counts(&after, "open"), counts(&after, "persisting"));
    let work = work(&project);
    assert!(work.iter().all(|row| row[14] == "kvarstår"), "nothing is new");
    let run = before["run"].as_str().unwrap();
    assert!(work.iter().all(|row| row[13].contains(run)), "everything was seen in the first run");
}

#[test]
fn the_archive_gets_a_list_of_what_is_overdue_per_namnd() {
    let project = migrated_city();
    let target = project.dir.join("target.sqlite");
    let dir = project.dir.join("worklists/gallring");
    let lists: Vec<_> =
        files(&dir).into_keys().filter(|name| name.to_string_lossy().ends_with(".csv")).collect();
    let rows: Vec<_> = lists.iter().flat_map(|name| list(&dir.join(name))).collect();
    let overdue = |more: &str| {
        sqlite_count(&target, &format!("SELECT count(*) FROM gallringsbedomning WHERE forfallen AND {more}"))
    };
    assert_eq!(u64::try_from(rows.len()).unwrap(), overdue("NOT skyddad"));
    let restricted = list(&project.dir.join("worklists/begransad/gallringslista_skyddade.csv"));
    assert_eq!(u64::try_from(restricted.len()).unwrap(), overdue("skyddad"));
    assert!(rows.iter().all(|row| row[0].starts_with("paraply/AKT/") && row[9].is_empty()));
    let held =
        "SELECT count(*) FROM gallringsbedomning g JOIN personakt a ON a.id = g.personakt_id WHERE forfallen";
    assert_eq!(sqlite_count(&target, held), overdue("1"), "what is overdue came over");
    let files = summary(&project.dir)["retention"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["files"].as_u64().unwrap())
        .sum::<u64>();
    assert_eq!(files, sqlite_count(&target, "SELECT count(*) FROM personakt"));
}

/// The texts of a workbook, sheet by sheet, with the marks of XML between its cells.
fn workbook_texts(bytes: Vec<u8>) -> Vec<String> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut texts = Vec::new();
    for at in 0..archive.len() {
        let mut text = String::new();
        archive.by_index(at).unwrap().read_to_string(&mut text).unwrap();
        // Letters beyond ASCII stand as they are; these five do not.
        let marks = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
        texts.push(marks.iter().fold(text, |text, (mark, letter)| text.replace(mark, letter)));
    }
    texts
}

#[test]
fn a_workbook_is_read_sheet_by_sheet() {
    let project = migrated_city();
    let dir = project.dir.join("worklists");
    for owner in ["SDF", "EKO"] {
        let texts = workbook_texts(std::fs::read(dir.join(format!("arbetslista_{owner}.xlsx"))).unwrap());
        let row = list(&dir.join(format!("arbetslista_{owner}.csv"))).remove(0);
        let cell = format!(">{}<", row[1]);
        assert!(
            texts.iter().any(|text| text.contains(&cell)),
            "{owner}: no sheet holds the first row's text"
        );
    }
}

#[test]
fn no_list_names_a_person() {
    let project = migrated_city();
    let texts: Vec<String> = files(&project.dir.join("worklists"))
        .into_iter()
        .flat_map(|(name, bytes)| match name.extension().and_then(|kind| kind.to_str()) {
            Some("csv") => vec![String::from_utf8(bytes).unwrap()],
            Some("xlsx") => workbook_texts(bytes),
            _ => panic!("{} is no list", name.display()),
        })
        .collect();
    assert!(texts.len() > 12, "{} lists", texts.len());
    let legacy = project.dir.join("legacy/paraply.sqlite");
    let mut values: BTreeSet<String> = BTreeSet::new();
    for query in [
        "SELECT PNR FROM PERSON WHERE length(PNR) >= 10",
        "SELECT ENAMN FROM PERSON WHERE length(ENAMN) >= 6",
        "SELECT FNAMN FROM PERSON WHERE length(FNAMN) >= 6",
        "SELECT GATA FROM ADRESS WHERE length(GATA) >= 6",
        "SELECT KONTO FROM UTBET WHERE length(KONTO) >= 6",
    ] {
        values.extend(sqlite_rows(&legacy, query).into_iter().filter_map(|mut row| row.remove(0)));
    }
    assert!(values.len() > 100, "{} values", values.len());
    let cells: BTreeSet<&str> =
        texts.iter().flat_map(|text| text.split([';', '\r', '\n', '|', '<', '>'])).collect();
    for value in &values {
        let named = cells.contains(value.as_str());
        let within = value.chars().any(|one| one.is_ascii_digit())
            && cells.iter().any(|cell| cell.contains(value.as_str()));
        assert!(!named && !within, "a list holds a value of a person");
    }
}

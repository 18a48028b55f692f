//! `bron mapping scaffold`: files to start from, in which every column stands once and what is left is named.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::support::{files, fresh_city, run, run_project, sqlite, sqlite_rows};

const SYSTEMS: [&str; 6] = ["agresso", "paraga", "paraply", "schemos", "vodok", "warna"];

fn scaffold(source: &str, project: &Path, system: &str, out: &Path) -> Value {
    let [project, out] = [project, out].map(|path| path.to_str().unwrap());
    let verb = ["mapping", "scaffold", source, "--project", project, "--system", system, "--out", out];
    run(verb.iter().chain(&["--output", "json"])).expect(&[0]).json()
}

#[test]
fn what_is_left_of_a_scaffold_is_named_and_nothing_else_is_wrong() {
    let project = fresh_city();
    let out = project.dir.join("draft");
    let (mut open, mut tables, mut guessed) = (0, 0, 0);
    for system in SYSTEMS {
        let document = scaffold(system, &project.dir, system, &out);
        for table in document["tables"].as_array().unwrap() {
            open += table["open"].as_u64().unwrap();
            tables += 1;
            guessed += u64::from(table["entity"].is_string());
        }
    }
    assert!(tables > 60 && guessed > 15, "{guessed} of {tables} tables are like an entity");
    let settings = project.dir.join("bron.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, text.replacen("format = 1\n", "format = 1\nmappings = \"draft\"\n", 1))
        .unwrap();
    let checked = run_project("check", &project.dir).expect(&[1]).json();
    let mut codes: BTreeMap<String, u64> = BTreeMap::new();
    for one in checked["diagnostics"].as_array().unwrap() {
        *codes.entry(one["code"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    // Empty owner, decision or key; a required field; no example; no target; a column without a reason.
    let work: BTreeSet<&str> =
        ["BRON-M004", "BRON-M016", "BRON-M030", "BRON-M033", "BRON-M036", "BRON-M039"].into();
    let found: BTreeSet<&str> = codes.keys().map(String::as_str).collect();
    let all = checked["diagnostics"].as_array().unwrap();
    let wrong: Vec<_> =
        all.iter().filter(|one| !work.contains(one["code"].as_str().unwrap())).take(5).collect();
    assert!(found.is_subset(&work), "{codes:?} {wrong:?}");
    assert_eq!(codes["BRON-M039"], open, "every column is under a rule or left to decide, never both");
}

#[test]
fn nothing_is_overwritten() {
    let project = fresh_city();
    let out = project.dir.join("draft");
    scaffold("warna", &project.dir, "warna", &out);
    let before = files(&out);
    let [place, folder] = [&project.dir, &out].map(|path| path.to_str().unwrap());
    let again = ["mapping", "scaffold", "warna", "--project", place, "--system", "warna", "--out", folder];
    let refused = run(again).expect(&[1]);
    assert!(refused.stderr.contains("is there already; nothing is overwritten"), "{}", refused.stderr);
    let bad = ["mapping", "scaffold", "warna", "--project", place, "--system", "../x", "--out", folder];
    run(bad).expect(&[1]);
    assert!(files(&out) == before);
}

/// A number with a birth number that is never given to anybody.
fn number(year: u32, day: u32) -> String {
    let digits = format!("{year:04}06{day:02}000");
    let sum: u32 = digits[2..]
        .bytes()
        .zip([2, 1].into_iter().cycle())
        .map(|(digit, factor)| u32::from(digit - b'0') * factor)
        .map(|product| product / 10 + product % 10)
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// A small system: persons, and notes about them.
fn small_system(database: &Path) {
    std::fs::write(database, "").unwrap();
    let mut rows = String::from("INSERT INTO PERSON VALUES ");
    for at in 1..=20_u32 {
        let (kon, comma) = (if at % 2 == 0 { "K" } else { "M" }, if at < 20 { ", " } else { "" });
        let (born, number) = (1960 + at, number(1960 + at, at));
        write!(rows, "({at}, '{number}', 'Test{at}', 'Testsson', '{born}-06-{at:02}', '{kon}', 'x'){comma}")
            .unwrap();
    }
    sqlite(
        database,
        &[
            "CREATE TABLE PERSON (PERS_ID INTEGER PRIMARY KEY, PNR TEXT, FORNAMN TEXT, EFTERNAMN TEXT, \
             FODELSEDATUM TEXT, KON TEXT, SORTERING TEXT)",
            &rows,
            "CREATE TABLE ADRESS (ADR_ID INTEGER PRIMARY KEY, PERS_ID INTEGER, GATA TEXT, POSTNR TEXT, ORT TEXT)",
            "INSERT INTO ADRESS SELECT PERS_ID + 100, PERS_ID, 'Provgatan ' || PERS_ID, '111 ' || (10 + PERS_ID), \
             'Stockholm' FROM PERSON",
        ],
    );
}

#[test]
fn a_scaffold_with_a_few_decisions_migrates() {
    let guard = tempfile::tempdir().unwrap();
    let project = guard.path();
    let database = project.join("litet.sqlite");
    small_system(&database);
    let mappings = project.join("mappings");
    let address = format!("sqlite:{}", database.display());
    let document = scaffold(&address, project, "litet", &mappings);
    let entities: Vec<_> =
        document["tables"].as_array().unwrap().iter().map(|table| table["entity"].clone()).collect();
    assert_eq!(entities, ["person", "adress"]);
    for (table, key, entity) in [("PERSON", "PERS_ID", "person"), ("ADRESS", "ADR_ID", "adress")] {
        let path = mappings.join(format!("litet/{table}.toml"));
        let decided =
            std::fs::read_to_string(&path).unwrap().lines().fold(String::new(), |mut text, line| {
                let line = match line.split('=').next().unwrap().trim() {
                    "owner" | "decision" => line.replace("\"\"", "\"prov\""),
                    "examples" => "examples = 1".to_owned(),
                    _ => line.replace("= \"\"", "= \"behövs inte\""),
                };
                text.push_str(&line);
                text.push('\n');
                text
            });
        let example = format!(
            "\n[[example]]\nabout = \"En rad\"\nsource = {{ {key} = \"1\" }}\n{entity} = {{ id = \"*\" }}\n"
        );
        std::fs::write(path, decided + &example).unwrap();
    }
    std::fs::write(project.join("secret.key"), "7".repeat(64)).unwrap();
    let settings = "format = 1\nsecret = \"file:secret.key\"\ntarget = \"target.sqlite\"\nas_of = \"2024-01-01\"\n\
                    [system.litet]\nkind = \"sqlite\"\npath = \"litet.sqlite\"\n";
    std::fs::write(project.join("bron.toml"), settings).unwrap();
    // Every row came over; that the sums are right nobody can say before somebody has written a control.
    let migrated = run_project("migrate", project).expect(&[2]).json();
    assert_eq!(migrated["findings_total"], 0);
    let target = project.join("target.sqlite");
    let rows = sqlite_rows(
        &target,
        "SELECT p.fodelsedatum, n.efternamn, i.varde, a.gata FROM person p JOIN namn n ON n.person_id = p.id \
         JOIN person_identifier i ON i.person_id = p.id JOIN adress a ON a.person_id = p.id WHERE p.src_key = '7'",
    );
    let expected =
        ["1967-06-07", "Testsson", &number(1967, 7), "Provgatan 7"].map(|text| Some(text.to_owned()));
    assert_eq!(rows, [expected]);
}

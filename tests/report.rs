//! The report that the business signs: a page for the city and one for each area, a workbook and data that say the
//! same, the same bytes each time, cases of nobody who is protected, and values only where they were asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bron_mappings::Digest;
use serde_json::Value;

use crate::canaries::{Canaries, text_of};
use crate::support::{Project, migrated_city, run, sqlite_rows};

fn report(project: &Project, more: &[&str]) -> BTreeMap<String, PathBuf> {
    let place = project.dir.to_str().unwrap();
    run([&["reconcile", "--project", place], more].concat()).expect(&[0, 3]);
    files(&project.dir.join("report"))
}

fn files(dir: &Path) -> BTreeMap<String, PathBuf> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    paths.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path)).collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_area_has_a_page_and_all_pages_are_bound_to_the_data() {
    let project = migrated_city();
    let files = report(&project, &[]);
    let data = fs::read(&files["report.json"]).unwrap();
    let digest = Digest::of(&data).to_string();
    let document = json(&files["report.json"]);
    let areas: Vec<&String> = document["areas"].as_object().unwrap().keys().collect();
    assert!(areas.len() >= 5, "{areas:?}");
    let city = fs::read_to_string(&files["index.html"]).unwrap();
    for area in areas {
        let page = fs::read_to_string(&files[&format!("{area}.html")]).unwrap();
        assert!(city.contains(&format!("href=\"{area}.html\"")) && page.contains("href=\"index.html\""));
        assert!(page.contains(&digest), "{area}");
        let name = document["areas"][area]["label"].as_str().unwrap();
        assert!(page.contains(&format!("informationsmodellen: {name}</h1>")), "{area} is {name}");
    }
    assert!(city.contains(&digest) && city.contains("BLAKE3"));
    let book = text_of(&files["report.xlsx"]);
    let sheets = [
        "Översikt",
        "Bevarande",
        "Objekt",
        "Kontroller",
        "Avvikelser",
        "Godkända avvikelser",
        "Frågor",
        "Stickprov",
    ];
    for sheet in sheets {
        assert!(book.contains(&format!("name=\"{sheet}\"")), "{sheet}");
    }
    assert!(book.contains("godta förslaget,rätta i källan") && book.contains("stämmer,stämmer inte"));
}

#[test]
fn the_same_run_gives_the_same_files_and_another_seed_other_cases() {
    let project = migrated_city();
    // Who has signed and how far the audit log has come stand in the copy for people alone, with the time.
    let bytes = |files: BTreeMap<String, PathBuf>| -> BTreeMap<String, Vec<u8>> {
        let files = files.into_iter().filter(|(name, _)| name != "checkpoint.json");
        let bytes = |(name, path): (String, PathBuf)| {
            let bytes = fs::read(path).unwrap();
            let text = String::from_utf8(bytes.clone()).unwrap_or_default();
            let around =
                text.split_once("<!--underskrifter-->").zip(text.split_once("<!--/underskrifter-->"));
            let told =
                around.map_or(bytes, |((before, _), (_, after))| [before, after].concat().into_bytes());
            (name, told)
        };
        files.map(bytes).collect()
    };
    let first = bytes(report(&project, &["--batch-rows", "97"]));
    assert!(first == bytes(report(&project, &[])));
    let cases = |bytes: &BTreeMap<String, Vec<u8>>| {
        let document: Value = serde_json::from_slice(&bytes["report.json"]).unwrap();
        document["sample"]["city"].clone()
    };
    let other = bytes(report(&project, &["--testers-seed", "2", "--testers", "3"]));
    assert_eq!((cases(&first).as_array().unwrap().len(), cases(&other).as_array().unwrap().len()), (12, 3));
    assert!(cases(&first)[0] != cases(&other)[0]);
}

#[test]
fn the_english_pages_are_there_when_they_are_asked_for_and_gone_when_not() {
    let project = migrated_city();
    let files = report(&project, &["--lang", "en"]);
    let page = fs::read_to_string(&files["index.en.html"]).unwrap();
    assert!(page.contains("<html lang=\"en\">") && page.contains("What became of the rows?"));
    assert!(!page.contains("Vad blev det av raderna?") && page.contains(".en.html\""));
    assert!(files.contains_key("index.html"));
    assert!(!report(&project, &[]).contains_key("index.en.html"));
}

#[test]
fn nobody_protected_is_in_a_sample_and_cases_are_of_rows_that_are_there() {
    let project = migrated_city();
    let document = json(&report(&project, &["--testers", "40"])["report.json"]);
    let target = project.dir.join("target.sqlite");
    let entities: BTreeMap<String, String> = entity_names(&project);
    let areas = document["sample"]["areas"].as_object().unwrap();
    let cases: Vec<&Value> = areas.values().flat_map(|cases| cases.as_array().unwrap()).collect();
    let (mut looked_up, mut kinds) = (0, BTreeSet::new());
    for case in &cases {
        let entity = &entities[case["entity"].as_str().unwrap()];
        kinds.insert(entity.clone());
        let (system, table) = case["source"].as_str().unwrap().split_once('/').unwrap();
        let key = case["key"].as_str().unwrap();
        let query = format!(
            "SELECT CAST(skyddad AS TEXT) FROM {entity} WHERE src_system = '{system}' AND src_table = '{table}' \
             AND src_key = '{key}'"
        );
        let found: Vec<String> = sqlite_rows(&target, &query).into_iter().flatten().flatten().collect();
        looked_up += usize::from(!found.is_empty());
        assert!(found.iter().all(|mark| mark == "0"), "{case}");
        assert!(case["fields"].as_array().is_some_and(|fields| !fields.is_empty()), "{case}");
    }
    assert!(cases.len() > 100 && looked_up * 2 > cases.len(), "{looked_up} of {}", cases.len());
    assert!(kinds.len() > 10, "{kinds:?}");
    let known = "SELECT CAST(COUNT(*) AS TEXT) FROM person WHERE skyddad = 1";
    assert_ne!(sqlite_rows(&target, known)[0][0].as_deref(), Some("0"), "the city has protected persons");
}

/// The entities of the model by their Swedish names.
fn entity_names(project: &Project) -> BTreeMap<String, String> {
    let dir = project.dir.join("mappings");
    let mut files = BTreeMap::new();
    for path in crate::support::walk(&dir) {
        let name = path.strip_prefix(&dir).unwrap().to_string_lossy().into_owned();
        if let Ok(text) = fs::read_to_string(&path) {
            files.insert(name, text);
        }
    }
    let (set, _) = bron_mappings::MappingSet::parse(&files);
    set.model.entities.iter().map(|(name, entity)| (entity.label.clone(), name.clone())).collect()
}

#[test]
fn values_are_shown_only_in_the_protected_folder_and_only_while_they_are_wanted() {
    let project = migrated_city();
    let canaries = Canaries::of(&project.dir);
    let open = report(&project, &["--testers", "30"]);
    assert!(!project.dir.join("report/protected").exists());
    let log = || fs::read_to_string(project.dir.join("audit/log.jsonl")).unwrap();
    assert!(!log().contains("report.unmask"));
    let open_again = report(&project, &["--testers", "30", "--protected"]);
    assert!(log().contains("report.unmask"), "who writes values down is noted");
    for (name, path) in open.iter().chain(&open_again) {
        canaries.expect_none(name, &text_of(path));
    }
    let dir = project.dir.join("report/protected");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let files = files(&dir);
    assert!(files.contains_key("index.html") && files.contains_key("report.xlsx"));
    assert!(!files.contains_key("report.json"));
    let mut named = 0;
    for path in files.values() {
        assert_eq!(mode(path), 0o600);
        let is_page = path.extension() == Some(OsStr::new("html"));
        let text = fs::read_to_string(path).unwrap_or_default();
        assert!(!is_page || text.contains("class=\"protected\""));
        named += canaries.within_bytes(&fs::read(path).unwrap()).len();
    }
    assert!(named > 5, "{named} values are shown");
    let run = fs::read_dir(project.dir.join("runs")).unwrap().next().unwrap().unwrap().path();
    assert!(!run.join("report/protected").exists() && run.join("report/index.html").is_file());
    report(&project, &[]);
    assert!(!dir.exists(), "the next report removes what shows values");
}

#[test]
fn no_page_of_an_area_has_a_count_that_is_not_rounded() {
    let project = migrated_city();
    let document = json(&report(&project, &[])["report.json"]);
    let mut numbers = 0;
    let areas = document["areas"].as_object().unwrap().values();
    let mut open: Vec<&Value> = areas.chain([&document["per_namnd"], &document["per_year"]]).collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(inside) => open.extend(inside.values()),
            Value::Array(inside) => open.extend(inside),
            Value::Number(number) => {
                let number = number.as_u64().unwrap();
                assert!(number >= 5 && number.is_multiple_of(5), "{number}");
                numbers += 1;
            }
            Value::String(_) | Value::Bool(_) | Value::Null => {}
        }
    }
    assert!(numbers > 200, "only {numbers} counts");
}

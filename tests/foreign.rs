//! Care records in a schema that nobody here designed become rows of the model, with mapping files alone.

use std::path::{Path, PathBuf};

use crate::support::{copy_folder, fresh_city, run_project, sqlite_count, sqlite_rows, walk};

fn data() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/omop-synthea27nj");
    data.is_dir().then(|| data.canonicalize().unwrap())
}

/// Rows of a file, without its header.
fn rows(data: &Path, table: &str) -> u64 {
    let text = std::fs::read_to_string(data.join(format!("{table}.csv"))).unwrap();
    u64::try_from(text.lines().count() - 1).unwrap()
}

#[test]
fn omop_records_migrate_and_reconcile() {
    let Some(data) = data() else {
        println!("SKIPPED: foreign input (../shared/data/omop-synthea27nj is not here)");
        return;
    };
    let guard = tempfile::tempdir().unwrap();
    let project = guard.path();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mappings = project.join("mappings");
    copy_folder(&root.join("tests/cases/omop/mappings"), &mappings);
    copy_folder(&root.join("mappings/model"), &mappings.join("model"));
    let files = project.join("omop");
    std::fs::create_dir(&files).unwrap();
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "csv") {
            std::fs::copy(&path, files.join(path.file_name().unwrap())).unwrap();
        }
    }
    std::fs::write(project.join("secret.key"), "5".repeat(64)).unwrap();
    let settings = "format = 1\nsecret = \"file:secret.key\"\ntarget = \"target.sqlite\"\nas_of = \"2023-01-01\"\n\
                    [system.omop]\nkind = \"csv\"\npath = \"omop\"\n";
    std::fs::write(project.join("bron.toml"), settings).unwrap();

    let checked = run_project("check", project).expect(&[0]).json();
    for table in checked["coverage"].as_array().unwrap() {
        assert_eq!(table["unmapped"], 0, "{}", table["table"]);
    }
    let document = run_project("migrate", project).expect(&[0, 3]).json();
    assert_eq!(document["findings_total"], 0);
    for table in document["summary"]["tables"].as_array().unwrap() {
        let name = table["table"].as_str().unwrap();
        assert_eq!(table["read"].as_u64().unwrap(), rows(&data, name), "{name}");
    }
    let target = project.join("target.sqlite");
    let count = |entity: &str, table: &str| {
        sqlite_count(&target, &format!("SELECT count(*) FROM {entity} WHERE src_table = '{table}'"))
    };
    assert_eq!(count("person", "PERSON"), rows(&data, "PERSON"));
    assert_eq!(count("hsl_vardtillfalle", "VISIT_OCCURRENCE"), rows(&data, "VISIT_OCCURRENCE"));
    assert_eq!(count("observation", "CONDITION_OCCURRENCE"), rows(&data, "CONDITION_OCCURRENCE"));
    assert_eq!(count("hsl_matvarde", "MEASUREMENT"), rows(&data, "MEASUREMENT"));
}

/// The identity links of the system's records: keys and ground.
fn links(target: &Path) -> Vec<Vec<Option<String>>> {
    let query = "SELECT f.src_key, o.src_system, l.grund FROM identity_link l \
                 JOIN person f ON f.id IN (l.person_a, l.person_b) AND f.src_system = 'flai' \
                 JOIN person o ON o.id IN (l.person_a, l.person_b) AND o.id <> f.id ORDER BY f.src_key";
    sqlite_rows(target, query)
}

#[test]
fn a_further_system_joins_the_city_with_mapping_files_alone() {
    let project = fresh_city();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let case = root.join("tests/cases/flai");
    copy_folder(&case.join("mappings"), &project.dir.join("mappings"));
    copy_folder(&case.join("flai"), &project.dir.join("legacy/flai"));
    let settings = project.dir.join("bron.toml");
    let city = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, format!("{city}\n[system.flai]\nkind = \"csv\"\npath = \"legacy/flai\"\n"))
        .unwrap();

    let document = run_project("migrate", &project.dir).expect(&[0, 3]).json();
    assert_eq!(
        (document["findings_total"].as_u64(), document["verdict"].as_str()),
        (Some(0), Some("lika_med_karantan"))
    );
    let tables = document["summary"]["tables"].as_array().unwrap();
    let read = |name: &str| {
        let table = tables.iter().find(|table| table["system"] == "flai" && table["table"] == name).unwrap();
        (table["read"].as_u64().unwrap(), table["loaded"].as_u64().unwrap())
    };
    assert_eq!([read("deltagare"), read("insats"), read("beslut")], [(7, 7), (10, 10), (9, 8)]);
    let target = project.dir.join("target.sqlite");
    let found = links(&target);
    let of = |key: &str| [key, "paraply", "lika_identifierare"].map(|text| Some(text.to_owned())).to_vec();
    assert_eq!(found, [of("D0001"), of("D0002")], "a protected participant is linked with nobody");
    let rows = |table: &str| {
        format!("SELECT DISTINCT src_key FROM {table} WHERE src_system = 'flai' AND skyddad ORDER BY src_key")
    };
    let keys =
        |table: &str| sqlite_rows(&target, &rows(table)).into_iter().flatten().flatten().collect::<Vec<_>>();
    assert_eq!(keys("namn"), ["D0003", "D0006"], "one is protected in Paraply alone");
    assert_eq!(
        [keys("insats"), keys("beslut")],
        [["4", "5", "8"].map(str::to_owned).to_vec(), ["504", "507"].map(str::to_owned).to_vec()]
    );
    let names = "SELECT efternamn FROM namn WHERE src_system = 'flai' AND src_key IN ('D0004', 'D0005') ORDER \
         BY src_key";
    let names: Vec<_> = sqlite_rows(&target, names).into_iter().flatten().flatten().collect();
    assert_eq!(names, ["Ödmark", "Ängquist"]);
    let amounts = "SELECT SUM(belopp_ore) FROM beslut WHERE src_system = 'flai'";
    assert_eq!(
        sqlite_count(&target, amounts),
        125_050 + 50 + 1_248_000 + 310_025 + 832_000 + 200_005 + 50_000
    );
    let again = run_project("migrate", &project.dir).expect(&[0, 3]).json();
    assert_eq!(again["no_op"], true);
}

#[test]
fn no_line_of_the_program_names_the_further_system() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        "src",
        "mappings/src",
        "extract/src",
        "transform/src",
        "load/src",
        "reconcile/src",
        "dual-run/src",
        "tests/city/src",
    ];
    let mut read = 0;
    for path in folders.iter().flat_map(|folder| walk(&root.join(folder))) {
        let text = std::fs::read_to_string(&path).unwrap().to_lowercase();
        assert!(!text.contains("flai"), "{}", path.display());
        read += 1;
    }
    assert!(read > 100, "the sources were found");
}

//! Care records in a schema that nobody here designed become rows of the model, with mapping files alone.

use std::path::{Path, PathBuf};

use crate::support::{copy_folder, run_project, sqlite_count};

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

//! Worked example 6: errors that cancel in the totals.

use std::path::Path;

use serde_json::Value;

use crate::support::{Project, run_project};

#[test]
fn golden_6_four_wrong_rows_are_named_though_every_total_is_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let project = Project::at(tempfile::tempdir().unwrap(), &root.join("tests/cases/kostnadstabell"));
    std::fs::write(project.dir.join("secret.key"), "5".repeat(64)).unwrap();
    let settings = "format = 1\nsecret = \"file:secret.key\"\ntarget = \"target.sqlite\"\n\
                    [system.kalkyl]\nkind = \"csv\"\npath = \"kalkyl\"\n";
    std::fs::write(project.dir.join("bron.toml"), settings).unwrap();

    let document = run_project("migrate", &project.dir).expect(&[2]).json();
    assert_eq!(
        (&document["verdict"], &document["findings_total"]),
        (&Value::from("skillnader"), &Value::from(0))
    );
    let rows = document["summary"]["controls"].as_array().unwrap();
    let wrong: Vec<(&str, &str, i64)> = rows
        .iter()
        .filter(|row| row["difference"] != 0)
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap();
            (text("name"), text("key"), row["difference"].as_i64().unwrap())
        })
        .collect();
    let per_row = |row, difference| ("kalkyl_per_rad", row, difference);
    let mut expected = [per_row("3", 40), per_row("7", -40), per_row("9", 5), per_row("11", -5)];
    expected.sort_unstable();
    let mut found = wrong.clone();
    found.sort_unstable();
    assert_eq!(found, expected);
    let total = rows.iter().find(|row| row["name"] == "kalkyl_total").unwrap();
    assert_eq!((&total["source"], &total["target"]), (&Value::from(570), &Value::from(570)));
    let again = run_project("reconcile", &project.dir).expect(&[2]).json();
    assert_eq!(again["verdict"], "skillnader");
}

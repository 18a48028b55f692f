//! `bron mapping coverage` and `bron mapping invert` on the shipped mappings and the city's rows.

use std::path::Path;

use serde_json::Value;

use crate::support::{fresh_city, migrated_city, run, run_project, sqlite_rows};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/mappings");

fn coverage(project: &Path, output: &str) -> String {
    let project = project.to_str().unwrap();
    run(["mapping", "coverage", "--project", project, "--output", output]).expect(&[0]).stdout
}

#[test]
fn what_the_rules_met_is_counted_as_the_source_has_it() {
    let project = migrated_city();
    let document: Value = serde_json::from_str(&coverage(&project.dir, "json")).unwrap();
    let tables = document["tables"].as_array().unwrap();
    assert!(tables.len() > 70 && tables.iter().all(|table| table["unmapped"] == 0));
    let codes = document["met"]["codes"].as_array().unwrap();
    let list =
        |name: &str| codes.iter().find(|one| one["list"] == name && one["system"] == "paraply").unwrap();
    let counted = sqlite_rows(
        &project.dir.join("legacy/paraply.sqlite"),
        "SELECT STATUS, CAST(count(*) AS TEXT) FROM BESLUT WHERE STATUS <> '' GROUP BY STATUS HAVING count(*) >= 5",
    );
    let shown = list("beslutsstatus")["codes"].as_array().unwrap();
    assert_eq!(shown.len(), counted.len());
    for row in counted {
        let [code, rows] = [0, 1].map(|at| row[at].clone().unwrap());
        let one = shown.iter().find(|one| one["code"] == code.as_str()).unwrap();
        let sum: u64 =
            ["known", "unknown", "out_of_period"].map(|key| one[key].as_u64().unwrap()).iter().sum();
        assert_eq!(sum.to_string(), rows, "{code}");
    }
    assert!(codes.iter().any(|one| one["not_shown_unknown"].as_u64().unwrap() > 0), "rare codes are counted");
    let rare = |one: &Value| {
        ["known", "unknown", "out_of_period"].iter().map(|key| one[*key].as_u64().unwrap()).sum::<u64>() < 5
    };
    assert!(!codes.iter().any(|list| list["codes"].as_array().unwrap().iter().any(rare)), "and never shown");
    for one in document["met"]["rules"].as_array().unwrap() {
        let of = |key: &str| {
            one[key].as_object().unwrap().values().map(|rows| rows.as_u64().unwrap()).sum::<u64>()
        };
        let sum =
            one["read"].as_u64().unwrap() + one["empty"].as_u64().unwrap() + of("normalised") + of("refused");
        assert_eq!(one["rows"], sum, "every row is one of them: {one}");
    }
    let text = coverage(&project.dir, "text");
    for part in ["paraply/BESLUT", "never seen: ", "open_end_date", "normalised D23", "fewer than 5 rows"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn values_without_a_line_are_warned_of_once_they_are_staged() {
    let project = fresh_city();
    let place = project.dir.to_str().unwrap();
    run(["check", "--deny-warnings", "--project", place]).expect(&[0]);
    run_project("extract", &project.dir).expect(&[0]);
    let document = run_project("check", &project.dir).expect(&[0]).json();
    let found = document["diagnostics"].as_array().unwrap();
    assert!(found.iter().all(|one| one["code"] == "BRON-M054" && one["severity"] == "warning"), "{found:?}");
    assert!(found.iter().any(|one| one["file"] == "codes/beslutstyp.csv"), "{found:?}");
    assert_eq!(document["warnings"], found.len());
    let denied = run(["check", "--deny-warnings", "--project", place]).expect(&[1]);
    assert!(denied.stderr.contains("BRON-M054"), "{}", denied.stderr);
}

#[test]
fn a_folder_alone_says_what_is_filled_and_by_whom() {
    let ran = run(["mapping", "coverage", "--mappings", SHIPPED, "--output", "json"]).expect(&[0]);
    let document = ran.json();
    assert!(document["run"].is_null() && document["met"].is_null());
    let entities = document["entities"].as_array().unwrap();
    let beslut = entities.iter().find(|one| one["entity"] == "beslut").unwrap();
    let by = beslut["fields"]["typ"].as_array().unwrap();
    assert!(by.iter().any(|mapping| mapping == "paraply/BESLUT"), "{by:?}");
    for (entity, reason) in [
        ("match_candidate", Some("filled by bron itself")),
        ("mal", Some("no mapping makes the entity")),
        ("beslut", None),
    ] {
        let one = entities.iter().find(|one| one["entity"] == entity).unwrap();
        assert_eq!(one["reason"].as_str(), reason, "{entity}");
        assert_eq!(one["never_filled"].as_array().unwrap().is_empty(), reason.is_none());
    }
}

#[test]
fn the_way_back_is_told_for_every_column_and_field() {
    let document = run(["mapping", "invert", "--mappings", SHIPPED, "--output", "json"]).expect(&[0]).json();
    let tables = document["tables"].as_array().unwrap();
    assert!(tables.len() > 70);
    for table in tables {
        for (counts, listed) in [("column_counts", "columns"), ("field_counts", "fields")] {
            let of = |key: &str| table[counts][key].as_u64().unwrap();
            assert_eq!(of("exact") + of("lossy") + of("not_writable"), of("of"));
            assert_eq!(usize::try_from(of("of")).unwrap(), table[listed].as_array().unwrap().len());
        }
    }
    let beslut = tables.iter().find(|one| one["table"] == "BESLUT" && one["system"] == "paraply").unwrap();
    let way = |listed: &str, key: &str, name: &str| {
        let found = beslut[listed].as_array().unwrap().iter().find(|one| one[key] == name).unwrap();
        found["way"].as_str().unwrap().to_owned()
    };
    assert_eq!(way("columns", "column", "BTYP"), "exact");
    assert_eq!(way("columns", "column", "RV"), "not_writable");
    assert_eq!(way("fields", "field", "arende_id"), "exact");
    assert_eq!(way("fields", "field", "delegat_id"), "not_writable");
    let text = run(["mapping", "invert", "--mappings", SHIPPED]).expect(&[0]).stdout;
    assert!(
        text.contains("not_writable field beslut.delegat_id: `deleg.HANDL` is read from another row"),
        "{text}"
    );
}

//! Every defect that was put into the city is accounted for, and no row is lost on the way.

use std::collections::BTreeSet;

use bron_city::{Action, Defect, Truth};
use bron_mappings::ReasonCode;
use serde_json::Value;

use crate::incidents;
use crate::support::{Project, contents, migrated_city, run_project, sqlite_rows};

fn truth(project: &Project) -> Truth {
    let text = std::fs::read_to_string(project.dir.join("truth.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn summary(project: &Project) -> Value {
    run_project("reconcile", &project.dir).expect(&[0, 3]).json()["summary"].clone()
}

fn table<'v>(summary: &'v Value, system: &str, table: &str) -> &'v Value {
    let tables = summary["tables"].as_array().unwrap();
    let found = tables.iter().find(|one| one["system"] == system && one["table"] == table);
    found.unwrap_or_else(|| panic!("the summary has no {system}/{table}"))
}

fn sum(counts: &Value) -> u64 {
    counts.as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
}

#[test]
fn conservation_is_exact_for_every_table() {
    let project = migrated_city();
    let (truth, summary) = (truth(&project), summary(&project));
    for one in summary["tables"].as_array().unwrap() {
        let count = |name: &str| one[name].as_u64().unwrap();
        let accounted = count("loaded") + count("merged") + sum(&one["excluded"]) + sum(&one["quarantined"]);
        assert_eq!(count("read"), accounted, "{}/{}", one["system"], one["table"]);
    }
    for (name, rows) in &truth.rows {
        let (system, kind) = name.split_once('/').unwrap();
        if stays(&project, system, kind) {
            let tables = summary["tables"].as_array().unwrap();
            assert!(tables.iter().all(|one| one["system"] != system || one["table"] != kind), "{name}");
            continue;
        }
        // A row that was broken beyond repair is counted once per physical line.
        let read = table(&summary, system, kind)["read"].as_u64().unwrap();
        assert_eq!(read, *rows, "{name}");
    }
}

/// Whether the system's file says that the table is not migrated.
fn stays(project: &Project, system: &str, table: &str) -> bool {
    let file = project.dir.join("mappings").join(system).join("system.toml");
    let text = std::fs::read_to_string(file).unwrap();
    let listed = text.split_once("[ignored_tables]").map_or("", |(_, listed)| listed);
    listed.lines().any(|line| line.split('=').next().is_some_and(|name| name.trim() == table))
}

/// What the summary counts for a defect.
fn counted(summary: &Value, defect: &Defect) -> u64 {
    let code = if defect.id == "D21_unparsed" { "D21_oparsad" } else { &defect.id };
    let group = match defect.action {
        Action::Norm | Action::Fix | Action::Flag => "flagged",
        Action::Quarantine => "quarantined",
        Action::Exclude => "excluded",
        Action::Stop => "stopped",
    };
    table(summary, &defect.system, &defect.table)[group][code].as_u64().unwrap_or(0)
}

#[test]
fn every_defect_is_counted_as_the_policy_says() {
    let project = migrated_city();
    let (truth, summary) = (truth(&project), summary(&project));
    assert!(truth.defects.len() >= 16, "the city has every kind of defect");
    let mut wrong = Vec::new();
    for defect in truth.defects.iter().filter(|defect| defect.id != "D67") {
        let expected =
            if defect.id == "D66" { second_delivery_rows(defect) } else { same_mark(&truth, defect) };
        let found = counted(&summary, defect);
        if found != expected {
            wrong.push(format!(
                "{} {}/{} {:?}: {expected} put in, {found} counted",
                defect.id, defect.system, defect.table, defect.action
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// How many rows have the defect; when it is repaired in some rows and only flagged in others, all of them
/// have the same mark.
fn same_mark(truth: &Truth, defect: &Defect) -> u64 {
    let loaded = |action| matches!(action, Action::Norm | Action::Fix | Action::Flag);
    let same = truth.defects.iter().filter(|other| {
        let place = (&other.id, &other.system, &other.table) == (&defect.id, &defect.system, &defect.table);
        place && (other.action == defect.action || (loaded(other.action) && loaded(defect.action)))
    });
    same.map(|other| other.count).sum()
}

#[test]
fn every_file_that_was_never_delivered_is_named() {
    let project = migrated_city();
    let (truth, summary) = (truth(&project), summary(&project));
    let withheld = truth.defects.iter().filter(|defect| defect.id == "D67").flat_map(|defect| &defect.keys);
    let mut withheld: Vec<String> = withheld.cloned().collect();
    withheld.sort();
    assert!(withheld.len() >= 2, "the city withholds files");
    let deliveries = summary["deliveries"].as_array().unwrap();
    assert!(deliveries.iter().all(|one| one["system"] == "paraga"));
    let names = deliveries.iter().flat_map(|one| one["missing"].as_array().unwrap());
    let mut named: Vec<&str> = names.map(|name| name.as_str().unwrap()).collect();
    named.sort_unstable();
    assert_eq!(named, withheld);
}

/// D66 counts files; its keys are `file|rows`.
fn second_delivery_rows(defect: &Defect) -> u64 {
    defect.keys.iter().map(|key| key.rsplit('|').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[test]
fn nothing_is_marked_that_is_not_a_defect() {
    let project = migrated_city();
    let (truth, summary) = (truth(&project), summary(&project));
    for one in summary["tables"].as_array().unwrap() {
        let (system, name) = (one["system"].as_str().unwrap(), one["table"].as_str().unwrap());
        for group in ["flagged", "quarantined"] {
            for code in one[group].as_object().unwrap().keys() {
                let id = if code == "D21_oparsad" { "D21_unparsed" } else { code };
                let known = truth
                    .defects
                    .iter()
                    .any(|defect| defect.id == id && defect.system == system && defect.table == name);
                assert!(known, "{system}/{name} is marked with {code}, which nobody put there");
            }
        }
    }
}

#[test]
fn the_marked_rows_are_the_defective_rows() {
    let project = migrated_city();
    let truth = truth(&project);
    let target = project.dir.join("target.sqlite");
    let tables = contents(&target).into_keys().collect::<Vec<_>>();
    for defect in truth.defects.iter().filter(|defect| defect.system != "paraga") {
        let code = if defect.id == "D21_unparsed" { "D21_oparsad" } else { &defect.id };
        if matches!(defect.action, Action::Quarantine | Action::Stop) {
            continue;
        }
        let mut marked = BTreeSet::new();
        for entity in &tables {
            let query = format!(
                "SELECT src_key FROM {entity} WHERE src_system = '{}' AND src_table = '{}' \
                 AND ',' || dq_flags || ',' LIKE '%,{code},%'",
                defect.system, defect.table
            );
            let keys = sqlite_rows(&target, &query).into_iter().filter_map(|mut row| row.remove(0));
            marked.extend(keys.map(|key| without_pseudonyms(&key)));
        }
        let expected: BTreeSet<String> = defect.keys.iter().cloned().collect();
        assert!(
            marked == expected,
            "{} {}/{}: the marked rows are not the defective ones",
            defect.id,
            defect.system,
            defect.table
        );
    }
}

/// The key with `*` for each pseudonym, which the truth cannot know.
fn without_pseudonyms(key: &str) -> String {
    let parts = key
        .split('|')
        .map(|part| part.split_once("/p-").map_or(part.to_owned(), |(table, _)| format!("{table}/*")));
    parts.collect::<Vec<_>>().join("|")
}

#[test]
fn no_summary_and_no_report_names_a_person() {
    let project = migrated_city();
    let rows = sqlite_rows(
        &project.dir.join("legacy/paraply.sqlite"),
        "SELECT PNR, ENAMN FROM PERSON WHERE PNR IS NOT NULL AND length(PNR) >= 10",
    );
    let report = std::fs::read_to_string(project.dir.join("report/index.html")).unwrap();
    let document = run_project("reconcile", &project.dir).expect(&[0, 3]);
    for row in rows {
        let (number, name) = (row[0].as_deref().unwrap(), row[1].as_deref().unwrap_or_default());
        for text in [&report, &document.stdout, &document.stderr] {
            assert!(!text.contains(number), "a person number was printed");
            assert!(name.chars().count() < 6 || !text.contains(name), "a name was printed");
        }
    }
}

/// The defects of which the city has none, because it is one reading of one state, each with the test that plants it.
/// The tests stand here as functions: one that is renamed or removed does not compile.
const INCIDENTS: [(ReasonCode, fn()); 5] = [
    (ReasonCode::SignedTextChanged, incidents::d51_a_signed_text_that_was_changed_stops_the_run),
    (ReasonCode::SchemaDrift, incidents::d70_a_changed_table_stops_the_run_until_it_is_accounted_for),
    (ReasonCode::DeletedRow, incidents::d72_rows_that_are_gone_are_told_with_what_the_source_says),
    (ReasonCode::WrongReader, incidents::d80_a_row_that_the_wrong_namnd_could_read_is_found_and_named),
    (ReasonCode::AmbiguousMapping, incidents::d84_a_code_with_two_meanings_is_refused_by_the_check),
];

/// Whether the summary of the city counts a defect as often as it was put in.
fn is_counted(truth: &Truth, summary: &Value, code: &str) -> bool {
    let mut planted = truth.defects.iter().filter(|defect| defect.id == code && defect.count > 0).peekable();
    let there = planted.peek().is_some();
    there
        && planted.all(|defect| match code {
            "D67" => {
                let deliveries = summary["deliveries"].as_array().unwrap();
                let missing: usize =
                    deliveries.iter().map(|one| one["missing"].as_array().unwrap().len()).sum();
                u64::try_from(missing).unwrap() == defect.count
            }
            "D66" => counted(summary, defect) == second_delivery_rows(defect),
            _ => counted(summary, defect) == same_mark(truth, defect),
        })
}

#[test]
fn all_84_defects_are_accounted_for() {
    let project = migrated_city();
    let (truth, summary) = (truth(&project), summary(&project));
    let codes = ReasonCode::ALL.iter().filter(|reason| {
        let code = reason.code();
        code.len() == 3 && code.starts_with('D') && code[1..].bytes().all(|byte| byte.is_ascii_digit())
    });
    let codes: Vec<ReasonCode> = codes.copied().collect();
    let numbered: Vec<String> = (1..=84).map(|number| format!("D{number:02}")).collect();
    let listed: Vec<&str> = codes.iter().map(|reason| reason.code()).collect();
    assert_eq!(listed, numbered, "the catalogue has 84 defects");
    let mut open = Vec::new();
    for reason in codes {
        let planted = INCIDENTS.iter().any(|(incident, _)| *incident == reason);
        let there = truth.defects.iter().any(|defect| defect.id == reason.code());
        let fits = if there { is_counted(&truth, &summary, reason.code()) } else { planted };
        if !fits {
            open.push(reason.code());
        }
    }
    assert_eq!(
        open,
        Vec::<&str>::new(),
        "neither counted as planted in the city nor planted by a test of its own"
    );
    for (reason, _) in INCIDENTS.iter().filter(|(reason, _)| *reason != ReasonCode::DeletedRow) {
        assert!(
            truth.defects.iter().all(|defect| defect.id != reason.code()),
            "the city has {reason} itself"
        );
    }
}

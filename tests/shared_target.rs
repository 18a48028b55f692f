//! One target that is filled by one project per system.

use crate::support::{Project, fresh_city, run_project, sqlite_count, sqlite_rows};

/// A copy of the city's project with these systems only, which writes into the target of `whole`.
pub(crate) fn with_systems(whole: &Project, systems: &[&str]) -> Project {
    let project = Project::at(tempfile::tempdir().unwrap(), &whole.dir);
    let text = std::fs::read_to_string(project.dir.join("bron.toml")).unwrap();
    let (head, tail) = text.split_once("[system.").unwrap();
    let target = whole.dir.join("target.sqlite");
    let mut kept = head.replace("target.sqlite", target.to_str().unwrap());
    for part in tail.split("[system.") {
        let name = part.split(']').next().unwrap();
        if systems.contains(&name) {
            kept.push_str(&format!("[system.{part}"));
        } else {
            std::fs::remove_dir_all(project.dir.join("mappings").join(name)).unwrap();
            let controls = project.dir.join(format!("mappings/controls/{name}.toml"));
            if controls.exists() {
                std::fs::remove_file(controls).unwrap();
            }
        }
    }
    std::fs::write(project.dir.join("bron.toml"), kept).unwrap();
    project
}

#[test]
fn each_project_judges_its_own_rows_and_counts_the_others() {
    let whole = fresh_city();
    let target = whole.dir.join("target.sqlite");
    let cases = with_systems(&whole, &["paraply", "agresso"]);
    let health = with_systems(&whole, &["vodok"]);
    run_project("migrate", &cases.dir).expect(&[0, 3]);
    let first = sqlite_count(&target, "SELECT COUNT(*) FROM person");
    let second = run_project("migrate", &health.dir).expect(&[0, 3]).json();
    assert_eq!(second["findings_total"], 0);
    let elsewhere = second["summary"]["rows"]["elsewhere"].as_u64().unwrap();
    assert!(elsewhere >= first, "{elsewhere}");
    let of_health = "SELECT COUNT(*) FROM person WHERE src_system = 'vodok'";
    assert!(sqlite_count(&target, of_health) > 0);
    let report = std::fs::read_to_string(health.dir.join("report/index.html")).unwrap();
    assert!(report.contains("rader från andra källsystem"));

    // The first project sees the second one's rows, and still its own.
    let again = run_project("reconcile", &cases.dir).expect(&[0, 3]).json();
    assert_eq!(again["findings_total"], 0);
    let patients = sqlite_count(&target, of_health);
    let persons = again["summary"]["entities"].as_array().unwrap();
    let persons = persons.iter().find(|entity| entity["entity"] == "person").unwrap();
    assert_eq!(persons["elsewhere"].as_u64(), Some(patients));
    let id = sqlite_rows(&target, "SELECT id FROM namn WHERE src_system = 'paraply' ORDER BY id LIMIT 1");
    let id = id[0][0].as_deref().unwrap();
    crate::support::sqlite(&target, &[&format!("UPDATE namn SET src_table = 'OKAND' WHERE id = '{id}'")]);
    let changed = run_project("reconcile", &cases.dir).expect(&[2]).json();
    assert_eq!(changed["findings_total"], 1);
}

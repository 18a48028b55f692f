//! The same inputs give the same bytes, on any number of threads and with any batch size.

use serde_json::Value;

use crate::support::{
    Project, contents, digest_of, files, fresh_city, migrated_city, only_run, run, run_project,
    run_target_digest, sqlite, tiny_city,
};

fn migrate(project: &Project, threads: Option<&str>, batch_rows: Option<&str>) {
    let mut command = crate::support::bron();
    command.args(["migrate", "--quiet", "--project"]).arg(&project.dir);
    if let Some(rows) = batch_rows {
        command.args(["--batch-rows", rows]);
    }
    if let Some(threads) = threads {
        command.env("RAYON_NUM_THREADS", threads);
    }
    crate::support::Ran::from(command.output().unwrap()).expect(&[0, 3]);
}

fn summary(project: &Project) -> Vec<u8> {
    std::fs::read(only_run(&project.dir).join("summary.json")).unwrap()
}

#[test]
fn threads_and_batch_sizes_change_nothing() {
    let first = fresh_city();
    migrate(&first, None, None);
    let (target, report) = (contents(&first.dir.join("target.sqlite")), summary(&first));
    assert!(target.values().map(Vec::len).sum::<usize>() > 10_000, "the city is not empty");
    for (threads, batch_rows) in
        [(Some("1"), None), (None, Some("7")), (Some("3"), Some("1000")), (None, Some("100000"))]
    {
        let other = fresh_city();
        migrate(&other, threads, batch_rows);
        assert!(
            target == contents(&other.dir.join("target.sqlite")),
            "{threads:?} {batch_rows:?}: another target"
        );
        assert!(report == summary(&other), "{threads:?} {batch_rows:?}: another summary");
    }
}

fn with_part_rows(project: &Project, rows: u32) {
    let path = project.dir.join("bron.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("part_rows = {rows}\n{text}")).unwrap();
}

#[test]
fn every_number_of_threads_size_of_batch_and_size_of_part_has_the_same_digest() {
    let mut digests = Vec::new();
    let cases = [("1", "1", 100), ("2", "7", 32_768), ("4", "1000", 20), ("8", "25000", 50)];
    for (threads, batch_rows, part_rows) in cases {
        let project = tiny_city();
        with_part_rows(&project, part_rows);
        migrate(&project, Some(threads), Some(batch_rows));
        digests.push(digest_of(&project));
    }
    assert!(digests[0]["entities"].as_array().unwrap().iter().any(|entity| entity["rows"] != 0));
    assert!(digests.iter().all(|other| *other == digests[0]), "{digests:#?}");
}

#[test]
fn a_digest_tells_any_change_and_nothing_else() {
    let project = migrated_city();
    let before = digest_of(&project);
    let target = project.dir.join("target.sqlite");
    sqlite(&target, &["UPDATE person SET load_run_id = 'another'"]);
    assert_eq!(digest_of(&project), before, "the run that wrote a row is not its content");
    sqlite(
        &target,
        &["UPDATE person SET dq_flags = dq_flags || 'x' WHERE id = (SELECT max(id) FROM person)"],
    );
    let after = digest_of(&project);
    assert_ne!(after["digest"], before["digest"]);
    let of = |digest: &Value, name: &str| {
        let entities = digest["entities"].as_array().unwrap();
        entities.iter().find(|entity| entity["entity"] == name).unwrap().clone()
    };
    for entity in before["entities"].as_array().unwrap() {
        let name = entity["entity"].as_str().unwrap();
        assert_eq!(of(&after, name) == *entity, name != "person", "{name}");
    }
    let person = run_target_digest(&project, &["--entity", "person"]).expect(&[0]).json();
    assert_eq!(person["entities"][0], of(&after, "person"));
    sqlite(&target, &["UPDATE person SET skyddad = 7 WHERE id = (SELECT max(id) FROM person)"]);
    let told = run(["target", "digest", "--project", project.dir.to_str().unwrap()]).expect(&[2]);
    assert!(told.stdout.contains("1 rows hold values"), "{}", told.stdout);
    let unknown = run_target_digest(&project, &["--entity", "nobody"]).expect(&[1]);
    assert!(unknown.stderr.contains("no entity named nobody"), "{}", unknown.stderr);
}

#[test]
fn loading_twice_writes_nothing() {
    let project = migrated_city();
    let target = project.dir.join("target.sqlite");
    let before = (std::fs::read(&target).unwrap(), std::fs::metadata(&target).unwrap().modified().unwrap());
    let again = run_project("load", &project.dir).expect(&[0]);
    assert_eq!(again.json()["done"], 0);
    assert!(std::fs::read(&target).unwrap() == before.0, "the file has other bytes");
    assert_eq!(std::fs::metadata(&target).unwrap().modified().unwrap(), before.1, "the file was written");
    let told = run(["load", "--project", project.dir.to_str().unwrap()]).expect(&[0]);
    assert!(told.stdout.contains("nothing to load"), "{}", told.stdout);
}

#[test]
fn the_same_seed_gives_the_same_artefacts() {
    let artefacts = || {
        let project = fresh_city();
        migrate(&project, None, None);
        let mut files = files(&project.dir.join("runs"));
        // The run's own description is the one place that holds times.
        files.retain(|path, _| !path.ends_with("run.json") && !path.ends_with("lock"));
        files
    };
    let (one, other) = (artefacts(), artefacts());
    let differing: Vec<_> =
        one.iter().filter(|(path, bytes)| other.get(*path) != Some(bytes)).map(|(path, _)| path).collect();
    assert!(one.len() == other.len() && differing.is_empty(), "{differing:?}");
}

#[test]
fn a_second_run_does_nothing_and_says_so() {
    let project = fresh_city();
    let first = run_project("migrate", &project.dir).expect(&[0, 3]).json();
    assert_eq!(first["no_op"], false);
    let before = contents(&project.dir.join("target.sqlite"));
    let second = run_project("migrate", &project.dir).expect(&[0, 3]);
    assert_eq!(second.json()["no_op"], true);
    assert!(second.stderr.contains("nothing to do"), "{}", second.stderr);
    assert_eq!(first["summary"], second.json()["summary"]);
    assert!(before == contents(&project.dir.join("target.sqlite")));
}

#[test]
fn the_stages_one_by_one_come_to_the_same_as_migrate() {
    let whole = fresh_city();
    migrate(&whole, None, None);
    let steps = fresh_city();
    for verb in ["extract", "transform", "load"] {
        run_project(verb, &steps.dir).expect(&[0]);
        let again = run_project(verb, &steps.dir).expect(&[0]).json();
        assert_eq!(again["done"], 0, "{verb} twice is {verb} once");
    }
    run_project("reconcile", &steps.dir).expect(&[0, 3]);
    assert!(contents(&whole.dir.join("target.sqlite")) == contents(&steps.dir.join("target.sqlite")));
    assert!(summary(&whole) == summary(&steps));
}

#[test]
fn a_demo_in_a_directory_that_is_not_empty_is_refused() {
    let project = fresh_city();
    let out = project.dir.to_str().unwrap();
    let refused = run(["demo", "--out", out]).expect(&[1]);
    assert!(refused.stderr.contains("is not empty"), "{}", refused.stderr);
}

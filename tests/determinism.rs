//! The same inputs give the same bytes, on any number of threads and with any batch size.

use crate::support::{Project, contents, files, fresh_city, only_run, run, run_project};

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

//! What an older version of the program wrote is read; what a newer one wrote is refused, by name and with a remedy.
//! The files under `tests/cases/formats/` are of the oldest formats.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bron_dual_run::jobs::{Ending, FolderStore, JobName, JobStore as _, parse};
use bron_extract::{KeyState, Manifest, key_state};
use bron_mappings::{Artefact, MappingSet};
use bron_reconcile::audit::{Entry, Verifier};
use bron_reconcile::signoff::Event;
use bron_reconcile::summary::Summary;

use crate::support::{
    Project, copy_folder, digest_of, only_run, run, run_project, sqlite, sqlite_rows, tiny_city, walk,
};

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/formats").join(name)
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_manifest_a_summary_and_keys_of_the_oldest_formats_are_read() {
    let manifest = Manifest::load(&case("manifest.json")).unwrap();
    assert_eq!((manifest.table.as_str(), manifest.rows, manifest.parts.len()), ("GAMMAL", 2, 1));
    assert_eq!(Summary::from_json(&text(&case("run/summary.json"))).unwrap().run, "0123456789ab");
    let system = BTreeMap::from([("gammal/system.toml".to_owned(), text(&case("system.toml")))]);
    let (set, found) = MappingSet::parse(&system);
    assert!(
        set.systems.contains_key("gammal") && !found.iter().any(|one| one.code == "BRON-M002"),
        "{found:?}"
    );
    let dir = tempfile::tempdir().unwrap();
    fs::copy(case("key.json"), dir.path().join("key.json")).unwrap();
    let KeyState::Wrapped(key) = key_state(dir.path()).unwrap() else { panic!("the key is there") };
    assert_eq!(key.sealed_by, "0123456789abcdef");
    fs::copy(case("key-destroyed.json"), dir.path().join("key-destroyed.json")).unwrap();
    let KeyState::Destroyed(receipt) = key_state(dir.path()).unwrap() else { panic!("it was destroyed") };
    assert_eq!(receipt.destroyed, "2024-01-02T03:04:05Z");
}

#[test]
fn a_quarantine_of_the_oldest_format_is_read_and_one_of_a_newer_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("quarantine.db");
    fs::write(&path, "").unwrap();
    let script = text(&case("quarantine.sql"));
    sqlite(&path, &script.split_terminator(";\n").collect::<Vec<_>>());
    let open = || bron_load::quarantine::Store::open_existing(&path, "den här stadens");
    let mut store = open().unwrap();
    let items = store.items(|_| true).unwrap();
    assert_eq!((items.len(), items[0].finding.key.as_str()), (1, "4711"));
    assert_eq!(store.events(&items[0].finding.id).unwrap().len(), 1);
    drop(store);
    sqlite(&path, &["UPDATE meta SET value = '99' WHERE name = 'format'"]);
    let refused = open().err().expect("the format is newer").to_string();
    assert!(refused.contains("quarantine.db") && refused.contains("format 99"), "{refused}");
}

/// The file of the oldest format of a kind, below `tests/cases/formats/`.
const fn oldest(artefact: Artefact) -> &'static str {
    match artefact {
        Artefact::ProjectFile => "bron.toml",
        Artefact::MappingFile => "system.toml",
        Artefact::RunDescription => "run/run.json",
        Artefact::SourceSchema => "run/schema.json",
        Artefact::Snapshot => "run/snapshot.json",
        Artefact::Readings => "run/readings.json",
        Artefact::Deliveries => "run/deliveries.json",
        Artefact::Journal => "progress.json",
        Artefact::Manifest => "manifest.json",
        Artefact::TableRecord => "record.json",
        Artefact::RefusedRecord => "refused.json",
        Artefact::LoadPlan => "plan.json",
        Artefact::Quarantine => "quarantine.sql",
        Artefact::Findings => "findings.json",
        Artefact::Summary => "run/summary.json",
        Artefact::Report => "report.json",
        Artefact::RunKey => "key.json",
        Artefact::KeyReceipt => "key-destroyed.json",
        Artefact::AuditLog => "audit.jsonl",
        Artefact::SignOff => "signoff.json",
        Artefact::ControlTables => "control-tables.sql",
        // The store's own tests read it.
        Artefact::BridgeStore => "bridge.sql",
        Artefact::JobFile => "jobs.toml",
        Artefact::JobRecord => "job.json",
    }
}

#[test]
fn an_audit_log_and_a_sign_off_of_the_oldest_formats_are_read() {
    let signed = Event::from_json(&text(&case("signoff.json"))).unwrap();
    assert_eq!((signed.number, signed.area.as_str()), (2, "EB"));
    let mut verifier = Verifier::new([("the sign-off".to_owned(), signed.checkpoint)]);
    let entries: Vec<Entry> =
        text(&case("audit.jsonl")).lines().filter_map(|line| verifier.line(line.as_bytes())).collect();
    assert_eq!((entries.len(), entries[2].act.action.as_str()), (3, "accept"));
    assert_eq!(verifier.finish().problems, []);
}

#[test]
fn a_job_file_and_a_record_of_the_oldest_formats_are_read() {
    let jobs = parse("jobs.toml", &text(&case("jobs.toml")), |_| Ok(())).unwrap();
    assert_eq!(jobs.jobs.keys().map(JobName::as_str).collect::<Vec<_>>(), ["natt"]);
    let record = FolderStore::new(&case("")).record(&JobName::parse("job").unwrap()).unwrap().unwrap();
    assert_eq!((record.count(Ending::Findings), record.runs[0].exit), (1, Some(3)));
}

#[test]
fn every_kind_has_a_file_of_its_oldest_format() {
    let mut files: Vec<PathBuf> = Artefact::ALL.map(|artefact| case(oldest(artefact))).into();
    files.sort();
    let mut there = walk(&case(""));
    there.sort();
    assert_eq!(files, there);
}

#[test]
fn a_run_of_the_oldest_formats_is_the_reading_before() {
    let project = tiny_city();
    copy_folder(&case("run"), &project.dir.join("runs/0123456789ab"));
    fs::remove_file(project.dir.join("runs/0123456789ab/summary.json")).unwrap();
    let listed = run(["key", "list", "--project", project.dir.to_str().unwrap()]).expect(&[0]);
    assert!(
        listed.stdout.contains("0123456789ab") && listed.stdout.contains("2024-01-02"),
        "{}",
        listed.stdout
    );
    let done = run_project("migrate", &project.dir).expect(&[0, 3]).json();
    let made = project.dir.join("runs").join(done["run"].as_str().unwrap());
    let snapshot = text(&made.join("snapshot.json"));
    assert!(snapshot.contains("\"previous\": \"0123456789ab\"") && snapshot.contains("GAMMAL"), "{snapshot}");
}

#[test]
fn control_tables_of_the_oldest_format_are_upgraded_and_their_receipts_count() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("t.sqlite");
    let script = text(&case("control-tables.sql"));
    let statements: Vec<&str> = script.split_terminator(";\n").collect();
    fs::write(&target, "").unwrap();
    sqlite(&target, &statements);
    let mut sink = bron_load::open(&bron_load::Target::Sqlite(target.clone())).unwrap();
    let receipts = sink.receipts("0123456789ab").unwrap();
    assert_eq!((receipts[0].0.part.as_str(), receipts[0].1.rows), ("paraply/GAMMAL/part-00000", 3));
    sink.prepare(&bron_mappings::Model::default(), &[]).unwrap();
    assert_eq!(sink.receipts("0123456789ab").unwrap(), receipts);
    drop(sink);
    let number = sqlite_rows(&target, "SELECT layout FROM bron_schema WHERE entity = '@format'");
    assert_eq!(number, [[Some(Artefact::ControlTables.newest().to_string())]]);
}

#[test]
fn a_project_whose_artefacts_have_the_oldest_formats_has_nothing_left_to_do() {
    let project = migrated();
    let before = digest_of(&project);
    let run = only_run(&project.dir);
    for name in ["readings.json", "deliveries.json"] {
        let document: serde_json::Value = serde_json::from_str(&text(&run.join(name))).unwrap();
        fs::write(run.join(name), document["list"].to_string()).unwrap();
    }
    sqlite(&project.dir.join("target.sqlite"), &["DELETE FROM bron_schema WHERE entity = '@format'"]);
    assert_eq!(run_project("load", &project.dir).expect(&[0]).json()["done"], 0);
    let reconciled = run_project("reconcile", &project.dir).expect(&[0, 3]).json();
    assert_eq!(reconciled["findings_total"], 0);
    assert_eq!(digest_of(&project), before);
}

fn migrated() -> Project {
    let project = tiny_city();
    run_project("migrate", &project.dir).expect(&[0, 3]);
    project
}

/// Gives the number of a file the value 99.
fn make_newer(path: &Path) {
    let before = text(path);
    let numbers = ["\"format\": 1", "\"format\": 2", "format = 1", "format  = 1", "format   = 1"];
    let number = numbers.iter().find(|number| before.contains(**number)).expect("the file has a number");
    let newer = number.replace(['1', '2'], "99");
    fs::write(path, before.replacen(*number, &newer, 1)).unwrap();
}

#[track_caller]
fn expect_refused(project: &Project, verb: &str, name: &str) {
    let refused = run([verb, "--project", project.dir.to_str().unwrap()]).expect(&[1]);
    for part in [name, "format 99", "a newer program wrote it"] {
        assert!(refused.stderr.contains(part), "{name}: {}", refused.stderr);
    }
}

#[test]
fn whatever_a_newer_program_wrote_is_refused_and_left_alone() {
    let project = migrated();
    let run = only_run(&project.dir);
    let first = |folder: &str, name: &str| {
        let found = walk(&run.join(folder)).into_iter().filter(|path| path.ends_with(name));
        found.min().expect("the run has it")
    };
    let record = walk(&run.join("transformed")).into_iter().min().unwrap();
    let (staged, mapped) = (first("staged", "manifest.json"), first("entities", "manifest.json"));
    let plain = ["run", "schema", "snapshot", "readings", "deliveries", "summary"];
    let plain = plain.map(|name| (run.join(name).with_extension("json"), "migrate"));
    let system = project.dir.join("mappings/paraply/system.toml");
    let others = [(record, "load"), (staged, "migrate"), (mapped, "load"), (system, "migrate")];
    for (path, verb) in plain.into_iter().chain(others).chain([(project.dir.join("bron.toml"), "load")]) {
        let before = text(&path);
        make_newer(&path);
        let newer = text(&path);
        expect_refused(&project, verb, path.file_name().unwrap().to_str().unwrap());
        assert!(text(&path) == newer, "{} was written", path.display());
        fs::write(&path, before).unwrap();
    }
    for name in ["key.json", "key-destroyed.json"] {
        fs::copy(case(name), run.join(name)).unwrap();
        make_newer(&run.join(name));
        expect_refused(&project, "migrate", name);
        fs::remove_file(run.join(name)).unwrap();
    }
    let target = project.dir.join("target.sqlite");
    sqlite(&target, &["UPDATE bron_schema SET layout = '99' WHERE entity = '@format'"]);
    for verb in ["migrate", "load", "reconcile"] {
        expect_refused(&project, verb, "bron_schema");
    }
    sqlite(&target, &["UPDATE bron_schema SET layout = '2' WHERE entity = '@format'"]);
    assert_eq!(
        run_project("load", &project.dir).expect(&[0]).json()["done"],
        0,
        "nothing was done meanwhile"
    );
}

#[test]
fn the_page_about_formats_has_every_kind_with_its_numbers() {
    let page = text(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md"));
    for artefact in Artefact::ALL {
        let row = format!("| {} | {} |", artefact.name(), artefact.newest());
        assert!(page.contains(&row), "docs/formats.md has no row `{row}`");
    }
}

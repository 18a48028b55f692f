//! With a key nothing that a run keeps names anybody, and nothing else is different.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use bron_extract::{
    KEY_FILE, KeyState, MANIFEST_FILE, Manifest, MasterKey, RECEIPT_FILE, Vault, draw_run_key, key_state,
};
use serde_json::Value;

use crate::canaries::{Canaries, holds_rows, text_of};
use crate::support::{
    Project, Ran, bron, contents, copy, copy_folder, files, only_run, run, run_project, runs, tiny_city, walk,
};

/// Names a new key in the settings of a project.
fn name_a_key(project: &Path) {
    let file = project.join("staging.key");
    if file.exists() {
        std::fs::remove_file(&file).unwrap();
    }
    run([OsStr::new("key"), OsStr::new("new"), file.as_os_str()]).expect(&[0]);
    let settings = std::fs::read_to_string(project.join("bron.toml")).unwrap();
    if !settings.contains("[staging]") {
        let staging = "\n[staging]\nkey = \"file:staging.key\"\nretention_days = 0\n";
        std::fs::write(project.join("bron.toml"), settings + staging).unwrap();
    }
}

fn plain_city() -> Project {
    static CITY: OnceLock<Project> = OnceLock::new();
    copy(CITY.get_or_init(|| {
        let project = tiny_city();
        run_project("migrate", &project.dir).expect(&[0, 3]);
        project
    }))
}

fn sealed_city() -> Project {
    static CITY: OnceLock<Project> = OnceLock::new();
    copy(CITY.get_or_init(|| {
        let project = tiny_city();
        name_a_key(&project.dir);
        run_project("migrate", &project.dir).expect(&[0, 3]);
        project
    }))
}

fn id(run: &Path) -> &str {
    run.file_name().unwrap().to_str().unwrap()
}

fn key(arguments: &[&str], project: &Path) -> Ran {
    let words = ["--output", "json", "key"].iter().chain(arguments).map(OsStr::new);
    run(words.chain([OsStr::new("--project"), project.as_os_str()]))
}

/// Panics unless the verb failed with this exit code and said so.
#[track_caller]
fn refused(ran: Ran, code: i32, said: &str) -> String {
    let document = ran.expect(&[code]).json();
    let text = |name: &str| document["error"][name].as_str().unwrap_or_default().to_owned();
    assert!(text("message").contains(said), "{document}");
    assert!(!text("hint").is_empty(), "{document}");
    text("message")
}

/// How a run keeps its rows, with the key that its project names.
fn vault_of(run: &Path) -> Vault {
    match key_state(run).unwrap() {
        KeyState::Wrapped(key) => {
            let text = std::fs::read_to_string(run.join("../../staging.key")).unwrap();
            Vault::sealed(run, id(run), key.open(run, id(run), &MasterKey::from_hex(&text).unwrap()).unwrap())
        }
        KeyState::Absent => Vault::plain(run, id(run), [0; 32]),
        KeyState::Destroyed(receipt) => panic!("{receipt:?}"),
    }
}

/// The manifests below a folder of a run, without what a key may change: how the parts are stored.
fn manifests(run: &Path, folder: &str) -> BTreeMap<PathBuf, Value> {
    let (vault, folder) = (vault_of(run), run.join(folder));
    let files = walk(&folder).into_iter().filter(|path| path.ends_with(MANIFEST_FILE));
    let read = |path: PathBuf| {
        let text = Manifest::open(path.parent().unwrap(), &vault).unwrap().to_json();
        let mut manifest: Value = serde_json::from_str(&text).unwrap();
        manifest.as_object_mut().unwrap().remove("format");
        manifest["origin"].as_object_mut().unwrap().remove("staged");
        for list in ["parts", "unreadable"] {
            for part in manifest[list].as_array_mut().unwrap() {
                part.as_object_mut().unwrap().remove("stored");
            }
        }
        (path.strip_prefix(&folder).unwrap().to_owned(), manifest)
    };
    files.map(read).collect()
}

#[test]
fn a_key_changes_no_result() {
    let (plain, sealed) = (plain_city(), sealed_city());
    let (plain_run, sealed_run) = (only_run(&plain.dir), only_run(&sealed.dir));
    assert_eq!(id(&plain_run), id(&sealed_run));
    assert!(contents(&plain.dir.join("target.sqlite")) == contents(&sealed.dir.join("target.sqlite")));
    for file in ["summary.json", "report/index.html"] {
        let [left, right] = [&plain_run, &sealed_run].map(|run| std::fs::read(run.join(file)).unwrap());
        assert!(left == right, "{file} is another");
    }
    let (left, right) = (manifests(&plain_run, ""), manifests(&sealed_run, ""));
    assert!(left.len() > 100);
    assert_eq!(left, right);

    let again = run_project("migrate", &sealed.dir).expect(&[0, 3]).json();
    assert_eq!(again["no_op"], true);
}

/// What names persons in the parts of the only run of a project that hold rows.
fn found_in_rows(project: &Path, canaries: &Canaries) -> BTreeSet<String> {
    let run = only_run(project);
    let rows = files(&run).into_iter().filter(|(path, _)| holds_rows(path));
    rows.flat_map(|(_, bytes)| canaries.within_bytes(&bytes)).collect()
}

#[test]
fn no_file_of_a_sealed_run_names_anybody() {
    let (plain, sealed) = (plain_city(), sealed_city());
    let canaries = Canaries::of(&plain.dir);
    assert!(canaries.count() > 50, "{} texts", canaries.count());
    let in_the_clear = found_in_rows(&plain.dir, &canaries);
    assert!(
        in_the_clear.len() * 2 > canaries.count(),
        "the search finds what is there: {} of {}",
        in_the_clear.len(),
        canaries.count()
    );
    assert_eq!(found_in_rows(&sealed.dir, &canaries).len(), 0, "sealed rows are in the clear");
    // What a key leaves in the clear names nobody either.
    for path in walk(&only_run(&sealed.dir)) {
        let inside = path.strip_prefix(&sealed.dir).unwrap();
        if !holds_rows(inside) {
            canaries.expect_none(&inside.display().to_string(), &text_of(&path));
        }
    }
}

#[test]
fn what_was_changed_or_moved_is_named_before_its_rows_are_used() {
    let project = sealed_city();
    let run = only_run(&project.dir);
    let damaged = |damage: &dyn Fn(&Path)| {
        let copy = copy(&project);
        damage(&only_run(&copy.dir));
        run_project("reconcile", &copy.dir)
    };
    let part = "staged/paraply/PERSON/part-00000.parquet";
    let flip = |run: &Path| {
        let mut bytes = std::fs::read(run.join(part)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(run.join(part), bytes).unwrap();
    };
    refused(damaged(&flip), 6, "PERSON/part-00000.parquet does not have the bytes");
    let swap = |run: &Path| {
        std::fs::copy(run.join("staged/paraply/BESLUT/part-00000.parquet"), run.join(part))
            .map(drop)
            .unwrap();
    };
    refused(damaged(&swap), 6, "PERSON/part-00000.parquet does not have the bytes");
    let cut = |run: &Path| {
        let bytes = std::fs::read(run.join(part)).unwrap();
        std::fs::write(run.join(part), &bytes[..bytes.len() / 2]).unwrap();
    };
    refused(damaged(&cut), 6, "PERSON/part-00000.parquet does not have the bytes");
    let whole_table = |run: &Path| {
        std::fs::remove_dir_all(run.join("staged/paraply/PERSON")).unwrap();
        copy_folder(&run.join("staged/paraply/BESLUT"), &run.join("staged/paraply/PERSON"));
    };
    refused(damaged(&whole_table), 6, "PERSON/manifest.json is not what this run wrote there");
    let edit = |run: &Path| {
        let path = run.join("entities/person/paraply-PERSON").join(MANIFEST_FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, text.replace("\"table\": \"person\"", "\"table\": \"adress\"")).unwrap();
    };
    refused(damaged(&edit), 6, "manifest.json is not what this run wrote there");
    let wrapped = |run: &Path| {
        let text = std::fs::read_to_string(run.join(KEY_FILE)).unwrap();
        let (start, end) = text.split_at(text.find("\"wrapped\": \"").unwrap() + 13);
        let other = if end.starts_with('0') { "1" } else { "0" };
        std::fs::write(run.join(KEY_FILE), format!("{start}{other}{}", &end[1..])).unwrap();
    };
    refused(damaged(&wrapped), 6, "key.json is damaged");
    assert!(run.join(KEY_FILE).is_file());
}

#[test]
fn a_run_goes_on_with_its_own_key_only() {
    let project = sealed_city();
    let settings = std::fs::read_to_string(project.dir.join("bron.toml")).unwrap();
    let (without, _) = settings.split_once("\n[staging]").unwrap();
    std::fs::write(project.dir.join("bron.toml"), without).unwrap();
    refused(run_project("migrate", &project.dir), 1, "names no key");
    std::fs::write(project.dir.join("bron.toml"), &settings).unwrap();
    name_a_key(&project.dir);
    refused(run_project("migrate", &project.dir), 1, "was sealed with key");

    let plain = plain_city();
    name_a_key(&plain.dir);
    refused(run_project("migrate", &plain.dir), 1, "was begun without a key");
    refused(key(&["shred", id(&only_run(&plain.dir)), "--yes"], &plain.dir), 1, "is plain");
    let overdue = key(&["shred", "--overdue", "--yes"], &plain.dir).expect(&[0]).json();
    assert_eq!(overdue["plain"][0], id(&only_run(&plain.dir)), "a plain run is named, and left alone");
    let unlimited = settings.replace("retention_days", "# retention_days");
    std::fs::write(plain.dir.join("bron.toml"), unlimited).unwrap();
    refused(key(&["shred", "--overdue", "--yes"], &plain.dir), 1, "does not say how long");
}

#[test]
fn nobody_reads_a_run_whose_key_was_destroyed() {
    let project = sealed_city();
    let dir = &project.dir;
    let run = only_run(dir);
    let listed = |state: &str| {
        let document = key(&["list"], dir).expect(&[0]).json();
        assert_eq!(document["runs"][0]["state"], state, "{document}");
        document["runs"][0]["overdue"].as_bool().unwrap()
    };
    assert!(listed("sealed"), "with a retention of no days every run is past it");
    let before = files(&run);
    refused(key(&["shred", id(&run)], dir), 1, "this destroys the keys of");
    refused(key(&["shred", "--overdue"], dir), 1, "this destroys the keys of");
    refused(key(&["shred", "ingen", "--yes"], dir), 1, "has no run ingen");
    assert!(files(&run) == before, "nothing was destroyed");

    let wrapped = std::fs::read(run.join(KEY_FILE)).unwrap();
    let document = key(&["shred", &id(&run)[..6], "--yes"], dir).expect(&[0]).json();
    assert_eq!(document["destroyed"][0]["run"], id(&run));
    assert!(!run.join(KEY_FILE).exists() && run.join(RECEIPT_FILE).is_file());
    for verb in ["extract", "transform", "load", "reconcile", "migrate"] {
        refused(run_project(verb, dir), 1, "was destroyed on");
    }
    refused(key(&["shred", id(&run), "--yes"], dir), 1, "was destroyed on");
    assert!(!listed("destroyed"));
    let left = files(dir).into_iter().filter(|(path, _)| path.starts_with("runs"));
    for (path, bytes) in left {
        assert!(!bytes.windows(wrapped.len()).any(|one| one == wrapped), "{}", path.display());
    }
}

/// Makes the next migration that of another run.
fn on_another_day(project: &Path) {
    let settings = std::fs::read_to_string(project.join("bron.toml")).unwrap();
    let later = settings.replace("as_of  = \"", "as_of  = \"2025-01-02\" # ");
    assert_ne!(later, settings);
    std::fs::write(project.join("bron.toml"), &later).unwrap();
}

#[test]
fn damage_to_an_earlier_run_is_told_and_stops_no_later_one() {
    for project in [plain_city(), sealed_city()] {
        let first = only_run(&project.dir);
        let part = first.join("staged/paraply/PERSON/part-00000.parquet");
        let bytes = std::fs::read(&part).unwrap();
        std::fs::write(&part, &bytes[..bytes.len() / 2]).unwrap();
        std::fs::remove_file(first.join("staged/paraply/BESLUT/part-00000.parquet")).unwrap();
        on_another_day(&project.dir);
        let ran = run_project("migrate", &project.dir).expect(&[0, 3]);
        let told = format!("paraply/PERSON is not taken over from run {}: ", id(&first));
        assert!(ran.stderr.contains(&told), "{}", ran.stderr);
        let second = runs(&project.dir).into_iter().find(|run| *run != first).unwrap();
        assert_eq!(manifests(&first, "staged"), manifests(&second, "staged"));
    }
}

#[test]
fn one_key_that_cannot_be_destroyed_keeps_no_other_and_hides_none() {
    let project = tempfile::tempdir().unwrap();
    let settings = "format = 1\nsecret = \"file:secret.key\"\ntarget = \"t.sqlite\"\n\
                    [staging]\nretention_days = 0\n";
    std::fs::write(project.path().join("bron.toml"), settings).unwrap();
    let dirs = ["a", "b", "c"].map(|name| project.path().join("runs").join(name));
    for dir in &dirs {
        std::fs::create_dir_all(dir).unwrap();
        draw_run_key(dir, id(dir), &MasterKey::draw().unwrap()).unwrap();
    }
    std::fs::write(dirs[1].join(KEY_FILE), "{}").unwrap();
    let listed = key(&["list"], project.path()).expect(&[0]).json();
    let states = listed["runs"].as_array().unwrap().iter().map(|run| run["state"].as_str().unwrap());
    assert_eq!(states.filter(|state| *state == "unreadable").count(), 1, "{listed}");

    let held = std::fs::File::create(dirs[0].join("lock")).unwrap();
    held.lock().unwrap();
    let shred = || key(&["shred", "--overdue", "--yes"], project.path());
    let failed = shred().expect(&[1]).json();
    let text = failed["error"]["message"].as_str().unwrap();
    assert!(text.contains("run a was not destroyed"), "{text}");
    let destroyed = failed["done"]["destroyed"].as_array().unwrap();
    let mut destroyed: Vec<_> = destroyed.iter().map(|one| one["run"].as_str().unwrap()).collect();
    destroyed.sort_unstable();
    assert_eq!(destroyed, ["b", "c"]);
    assert!(dirs[0].join(KEY_FILE).exists() && !dirs[1].join(KEY_FILE).exists());
    drop(held);
    let last = shred().expect(&[0]).json();
    assert_eq!((&last["destroyed"][0]["run"], last["destroyed"].as_array().unwrap().len()), (&"a".into(), 1));
}

#[test]
fn a_later_run_takes_over_under_its_own_key_and_outlives_the_first() {
    let project = sealed_city();
    let dir = &project.dir;
    let first = only_run(dir);
    on_another_day(dir);
    run_project("migrate", dir).expect(&[0, 3]);
    let second = runs(dir).into_iter().find(|run| *run != first).unwrap();
    assert_eq!(manifests(&first, "staged"), manifests(&second, "staged"));
    let part = "staged/paraply/PERSON/part-00000.parquet";
    assert_ne!(std::fs::read(first.join(part)).unwrap(), std::fs::read(second.join(part)).unwrap());

    key(&["shred", id(&first), "--yes"], dir).expect(&[0]);
    let again = run_project("migrate", dir).expect(&[0, 3]).json();
    assert_eq!((&again["no_op"], again["run"].as_str().unwrap()), (&Value::Bool(true), id(&second)));
    let document = key(&["shred", "--overdue", "--yes"], dir).expect(&[0]).json();
    assert_eq!(document["destroyed"].as_array().unwrap().len(), 1, "{document}");
    assert_eq!(document["destroyed"][0]["run"], id(&second));
}

/// Waits until the run of a project has a folder, and kills the program.
fn kill_when_there(project: &Path, folder: &str) {
    let mut migrate = bron();
    migrate.args(["migrate", "--quiet", "--project"]).arg(project);
    let mut child = migrate.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let there = || runs(project).iter().any(|run| run.join(folder).is_dir());
    while !there() && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(there());
}

#[test]
fn a_sealed_run_that_was_killed_goes_on() {
    let project = tiny_city();
    name_a_key(&project.dir);
    for folder in ["staged/paraply", "entities/person"] {
        kill_when_there(&project.dir, folder);
        assert!(!only_run(&project.dir).join("summary.json").exists(), "it was killed before its end");
    }
    run_project("migrate", &project.dir).expect(&[0, 3]);
    let expected = contents(&sealed_city().dir.join("target.sqlite"));
    assert!(contents(&project.dir.join("target.sqlite")) == expected);
}

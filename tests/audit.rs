//! Who did what is noted before it shows, and whoever touches the log is found.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::signoff::{compared, signed};
use crate::support::{Project, Ran, copy, fresh_city, run, run_project, tiny_city};

fn audit(project: &Project, arguments: &[&str]) -> Ran {
    let place = ["--project", project.dir.to_str().unwrap(), "--output", "json"];
    run([&["audit"], arguments, &place].concat())
}

fn entries(project: &Project) -> Vec<Value> {
    audit(project, &["log"]).expect(&[0]).json()["entries"].as_array().unwrap().clone()
}

/// The actions with their results, in order.
fn acts(project: &Project) -> Vec<String> {
    let act = |entry: &Value| {
        format!("{} {}", entry["action"].as_str().unwrap(), entry["result"].as_str().unwrap())
    };
    entries(project).iter().map(act).collect()
}

fn log(project: &Project) -> PathBuf {
    project.dir.join("audit/log.jsonl")
}

fn lines(project: &Project) -> Vec<String> {
    fs::read_to_string(log(project)).unwrap().lines().map(str::to_owned).collect()
}

fn write(project: &Project, lines: &[String]) {
    fs::write(log(project), lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

#[test]
fn every_piece_of_work_is_noted_with_its_run_and_its_report() {
    let project = tiny_city();
    for verb in ["extract", "transform", "load"] {
        run_project(verb, &project.dir).expect(&[0]);
    }
    let done = run_project("reconcile", &project.dir).expect(&[0, 3]);
    let ended = if done.code == Some(3) { "reconcile held_back" } else { "reconcile done" };
    let wanted =
        ["extract begun", "extract done", "transform begun", "transform done", "load begun", "load done"];
    assert_eq!(acts(&project), [&wanted[..], &["reconcile begun", ended]].concat());
    let last = entries(&project).pop().unwrap();
    assert_eq!((last["seq"].as_u64(), last["about"].as_u64()), (Some(8), Some(7)));
    assert_eq!(last["run"], done.json()["run"]);
    assert_eq!(last["mapping_hash"], done.json()["summary"]["mapping_digest"]);
    assert!(last["object"]["id"].as_str().is_some_and(|id| id.ends_with(" waivers none")));
    let page = fs::read(crate::support::only_run(&project.dir).join("report/index.html")).unwrap();
    assert_eq!(last["report_hash"], bron_reconcile::audit::sha256(&page));
    assert!(last["actor"]["user"].as_str().is_some_and(|user| !user.is_empty()));
    // What fails is noted as well.
    fs::write(project.dir.join("mappings/codes/kon.csv"), "ingen lista").unwrap();
    run_project("migrate", &project.dir).expect(&[1]);
    assert_eq!(acts(&project)[8..], ["migrate begun", "migrate failed"]);
    let plan = project.dir.join("plan.json");
    run(["migrate", "--plan", plan.to_str().unwrap(), "--project", project.dir.to_str().unwrap()]);
    assert!(acts(&project)[10..].iter().all(|act| act.starts_with("migrate.plan")));
    let shown = audit(&project, &["log", "--action", "migrate", "--last", "1"]).expect(&[0]).json();
    assert_eq!(shown["entries"].as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_noted_is_not_done() {
    let project = tiny_city();
    fs::write(project.dir.join("audit"), "en fil i vägen").unwrap();
    for verb in ["migrate", "extract"] {
        let stopped = run_project(verb, &project.dir).expect(&[6]);
        assert!(stopped.stderr.contains("audit/log.jsonl"), "{}", stopped.stderr);
    }
    assert!(!project.dir.join("runs").exists() && !project.dir.join("target.sqlite").exists());
}

#[test]
fn any_hand_in_the_log_of_a_project_is_found() {
    let project = signed();
    let whole = lines(&project);
    assert!(whole.len() > 4);
    let found = audit(&project, &["verify"]).expect(&[0]).json();
    assert_eq!(found["entries"].as_u64().unwrap(), u64::try_from(whole.len()).unwrap());
    assert!(found["checkpoints"].as_u64().unwrap() >= 4, "run, sign-offs and report have one each: {found}");
    let expect_found = |lines: &[String], number: usize, what: &str| {
        write(&project, lines);
        let refused = audit(&project, &["verify"]).expect(&[6]).json();
        let problems = refused["done"]["problems"].as_array().unwrap().clone();
        assert!(problems.iter().any(|one| one["entry"] == number), "{what} at entry {number}: {problems:?}");
    };
    for at in 0..whole.len() {
        let mut edited = whole.clone();
        edited[at] = edited[at].replace("\"role\":", "\"rule\":");
        expect_found(&edited, at + 1, "edited");
        let mut deleted = whole.clone();
        deleted.remove(at);
        expect_found(&deleted, at + 1, "deleted");
        let mut inserted = whole.clone();
        inserted.insert(at, whole[at].clone());
        expect_found(&inserted, at + 1, "inserted");
    }
    // A checkpoint that was kept elsewhere does without those of the project.
    write(&project, &whole);
    let kept = project.dir.join("kept.txt");
    let place = project.dir.to_str().unwrap();
    fs::write(&kept, run(["audit", "checkpoint", "--project", place]).expect(&[0]).stdout).unwrap();
    write(&project, &whole[..whole.len() - 1]);
    fs::remove_file(project.dir.join("report/checkpoint.json")).unwrap();
    audit(&project, &["verify", "--checkpoint", kept.to_str().unwrap()]).expect(&[6]);
    // A log whose end is damaged takes no entry, and what is about sign-offs stops.
    let mut damaged = whole.clone();
    let last = damaged.last_mut().unwrap();
    *last = last.replace("done", "gone");
    write(&project, &damaged);
    run_project("reconcile", &project.dir).expect(&[6]);
    run(["signoff", "show", "--project", place]).expect(&[6]);
    write(&project, &whole);
    audit(&project, &["verify"]).expect(&[0]);
}

#[test]
fn a_torn_line_is_no_manipulation_and_the_next_entry_tells_of_it() {
    let project = compared();
    let whole = lines(&project);
    let half = &whole[0][..whole[0].len() / 2];
    fs::write(log(&project), format!("{}\n{half}", whole.join("\n"))).unwrap();
    let verified = audit(&project, &["verify"]).expect(&[0]).json();
    assert_eq!(verified["torn_bytes"].as_u64().unwrap(), u64::try_from(half.len()).unwrap());
    run_project("reconcile", &project.dir).expect(&[0, 3]);
    let acts = acts(&project);
    assert_eq!(acts[whole.len()..whole.len() + 2], ["audit.repair noted", "reconcile begun"]);
    let verified = audit(&project, &["verify"]).expect(&[0]).json();
    assert_eq!(verified["torn_bytes"], 0);
}

#[test]
fn a_spot_check_can_be_repeated_and_is_noted() {
    let project = compared();
    let other = copy(&project);
    let sample = ["sample", "--seed", "7", "--n", "1", "--person", "Rut Rask", "--role", "revisor"];
    let drawn = |project: &Project| audit(project, &sample).expect(&[0]).json();
    assert_eq!(drawn(&project), drawn(&other));
    let last = entries(&project).pop().unwrap();
    assert_eq!(
        (last["action"].as_str(), last["actor"]["sub"].as_str()),
        (Some("audit.sample"), Some("Rut Rask"))
    );
    assert!(last["object"]["id"].as_str().unwrap().contains("seed 7"));
}

#[test]
fn keys_and_decisions_are_noted() {
    let project = fresh_city();
    let place = project.dir.to_str().unwrap();
    let key = project.dir.join("staging.key");
    run(["key", "new", key.to_str().unwrap(), "--project", place]).expect(&[0]);
    let settings = project.dir.join("bron.toml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, text + "\n[staging]\nkey = \"file:staging.key\"\n").unwrap();
    let run_id =
        run_project("migrate", &project.dir).expect(&[0, 3]).json()["run"].as_str().unwrap().to_owned();
    let items = run(["quarantine", "list", "--project", place, "--output", "json"]).expect(&[0]).json();
    let ids: Vec<&str> =
        items["items"].as_array().unwrap().iter().take(2).map(|one| one["id"].as_str().unwrap()).collect();
    let decide = ["--decision", "wait", "--person", "Eva Ek", "--role", "samordnare", "--note", "sett"];
    run([&["quarantine", "decide"], &ids[..], &decide, &["--project", place]].concat()).expect(&[0]);
    run(["key", "shred", &run_id, "--yes", "--project", place]).expect(&[0]);
    let noted = entries(&project);
    let of = |action: &str| noted.iter().filter(|one| one["action"] == action).cloned().collect::<Vec<_>>();
    assert_eq!(of("key.new").len(), 2);
    let decided = of("quarantine.decide.wait");
    assert_eq!(decided.len(), 3, "one for each item, and their end");
    assert_eq!(decided[1]["object"]["id"], ids[1]);
    assert_eq!(decided[2]["about"], decided[0]["seq"]);
    assert_eq!(decided[0]["actor"]["role"], "samordnare");
    let shredded = of("key.shred");
    assert_eq!((shredded.len(), shredded[1]["result"].as_str()), (2, Some("done")));
    assert_eq!(shredded[0]["run"], run_id.as_str());
    audit(&project, &["verify"]).expect(&[0]);
}

#[test]
fn what_an_operator_accepts_is_noted() {
    let project = tiny_city();
    let place = project.dir.to_str().unwrap();
    run(["migrate", "--accept", "paraply/BESLUT", "--accept", "paraply/PERSON", "--project", place])
        .expect(&[0, 3]);
    let noted = entries(&project);
    let accepted: Vec<&str> = noted
        .iter()
        .filter(|one| one["action"] == "accept")
        .map(|one| one["object"]["id"].as_str().unwrap())
        .collect();
    assert_eq!(accepted, ["paraply/BESLUT", "paraply/PERSON"]);
}

/// Killed at its Nth call that makes something durable, a signature is given or it is not, and log and files agree.
#[cfg(feature = "fault-tests")]
#[test]
fn a_signature_that_is_killed_at_any_call_is_given_or_not() {
    let asked = compared();
    let place = asked.dir.to_str().unwrap();
    run(["signoff", "request", "--person", "Eva Ek", "--role", "samordnare", "--project", place])
        .expect(&[0]);
    let mut kills = 0;
    for nth in 1.. {
        let project = copy(&asked);
        let calls = "write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,ftruncate";
        let status = std::process::Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}"), "-e"])
            .arg(format!("inject={calls}:signal=SIGKILL:when={nth}"))
            .arg(env!("CARGO_BIN_EXE_bron"))
            .args(["signoff", "sign", "--person", "Ola Alm", "--role", "huvudprocessledare", "--project"])
            .arg(&project.dir)
            .output()
            .expect("strace is installed")
            .status;
        if status.success() {
            break;
        }
        kills += 1;
        audit(&project, &["verify"]).expect(&[0]);
        let place = project.dir.to_str().unwrap();
        let shown = run(["signoff", "show", "--project", place, "--output", "json"]).expect(&[0]).json();
        let again =
            ["signoff", "sign", "--person", "Ola Alm", "--role", "huvudprocessledare", "--project", place];
        match shown["areas"][0]["state"].as_str().unwrap() {
            "open" => drop(run(again).expect(&[0])),
            state => assert_eq!(state, "valid", "killed at call {nth}"),
        }
        run(["signoff", "show", "--require", "--project", place]).expect(&[0]);
        audit(&project, &["verify"]).expect(&[0]);
    }
    println!("killed at {kills} calls");
    assert!(kills >= 8, "only {kills} kills: the faults did not reach the program");
}

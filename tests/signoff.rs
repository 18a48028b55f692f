//! Who answers for what: sign-offs are bound to the evidence, void when it changes, and held to the rules of the area.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bron_reconcile::audit::sha256;
use serde_json::Value;

use crate::support::{Project, Ran, copy, only_run, run, run_project, sqlite, tiny_city};

const EVA: [&str; 4] = ["--person", "Eva Ek", "--role", "samordnare"];
const OLA: [&str; 4] = ["--person", "Ola Alm", "--role", "huvudprocessledare"];
const SIV: [&str; 4] = ["--person", "Siv Ask", "--role", "systemägare"];

/// Runs `bron signoff` on a project and asks for JSON.
pub(crate) fn signoff(project: &Project, arguments: &[&str]) -> Ran {
    let place = ["--project", project.dir.to_str().unwrap(), "--output", "json"];
    run([&["signoff"], arguments, &place].concat())
}

/// A small city that has been migrated and compared.
pub(crate) fn compared() -> Project {
    static CITY: OnceLock<Project> = OnceLock::new();
    let city = CITY.get_or_init(|| {
        let project = tiny_city();
        run_project("migrate", &project.dir).expect(&[0, 3]);
        project
    });
    copy(city)
}

/// The same, signed for one area.
pub(crate) fn signed() -> Project {
    let project = compared();
    signoff(&project, &[&["request", "--area", "EB"], &EVA[..]].concat()).expect(&[0]);
    signoff(&project, &[&["sign", "--area", "EB"], &OLA[..]].concat()).expect(&[0]);
    project
}

fn area(project: &Project, area: &str) -> Value {
    let shown = signoff(project, &["show", "--area", area]).expect(&[0]).json();
    shown["areas"][0].clone()
}

/// Fails unless the sign-off of an area is void for exactly these reasons.
#[track_caller]
fn expect_void(project: &Project, why: &[&str]) {
    let shown = area(project, "EB");
    assert_eq!(shown["state"], "void", "{shown:#}");
    assert_eq!(shown["why"], serde_json::json!(why));
    signoff(project, &["show", "--area", "EB", "--require"]).expect(&[4]);
}

#[track_caller]
fn expect_valid(project: &Project) {
    let shown = area(project, "EB");
    assert_eq!(shown["state"], "valid", "{shown:#}");
    signoff(project, &["show", "--area", "EB", "--require"]).expect(&[0]);
}

fn report(project: &Project) -> String {
    fs::read_to_string(project.dir.join("report/index.html")).unwrap()
}

/// Changes a file by adding a text, and gives what it was.
fn add(path: &Path, text: &str) -> Vec<u8> {
    let before = fs::read(path).unwrap_or_default();
    fs::write(path, [&before, text.as_bytes()].concat()).unwrap();
    before
}

#[test]
fn what_is_asked_for_is_signed_shown_and_holds() {
    let project = compared();
    signoff(&project, &["show", "--require"]).expect(&[4]);
    let unasked = signoff(&project, &[&["sign", "--area", "EB"], &OLA[..]].concat()).expect(&[4]);
    assert!(unasked.stderr.contains("nobody has asked for the sign-off of EB"), "{}", unasked.stderr);
    let asked = signoff(&project, &[&["request", "--area", "EB"], &EVA[..]].concat()).expect(&[0]).json();
    assert_eq!(area(&project, "EB")["state"], "open");
    signoff(&project, &["show", "--area", "EB", "--require"]).expect(&[4]);
    let signed = signoff(&project, &[&["sign", "--area", "EB"], &OLA[..]].concat()).expect(&[0]).json();
    assert_eq!(signed["evidence"], asked["evidence"]);
    expect_valid(&project);
    signoff(&project, &["show", "--require"]).expect(&[4]);
    // What was signed is the file that the run keeps; the copy for people shows who signed.
    let page = fs::read(only_run(&project.dir).join("report/index.html")).unwrap();
    assert_eq!(signed["report"], sha256(&page));
    let shown = report(&project);
    assert!(shown.contains("Ola Alm (huvudprocessledare)") && shown.contains("Ekonomiskt bistånd"));
    assert!(!String::from_utf8(page).unwrap().contains("Ola Alm"));
    let told = run(["signoff", "show", "--project", project.dir.to_str().unwrap()]).expect(&[0]).stdout;
    assert!(
        told.contains("EB Ekonomiskt bistånd: gäller") && told.contains("Hela staden: inte undertecknad")
    );
    let again = signoff(&project, &[&["sign", "--area", "EB"], &SIV[..]].concat()).expect(&[4]);
    assert!(again.stderr.contains("holds already"), "{}", again.stderr);
}

#[test]
fn comparing_again_what_has_not_changed_leaves_a_sign_off_as_it_is() {
    let project = signed();
    let handed_on = project.dir.join("mottagen.html");
    fs::copy(project.dir.join("report/index.html"), &handed_on).unwrap();
    for verb in ["reconcile", "migrate"] {
        run_project(verb, &project.dir).expect(&[0, 3]);
        expect_valid(&project);
        assert!(report(&project).contains("Ola Alm (huvudprocessledare)"), "{verb}");
    }
    let page = handed_on.to_str().unwrap();
    let shown = signoff(&project, &["show", "--report", page]).expect(&[0]).json();
    assert_eq!(shown["page"]["is_current"], true);
    assert_eq!(shown["page"]["requested_for"], serde_json::json!(["EB"]));
    let altered = fs::read_to_string(&handed_on).unwrap().replacen("Avstämning", "Avstamning", 1);
    fs::write(&handed_on, altered).unwrap();
    let shown = signoff(&project, &["show", "--report", page]).expect(&[0]).json();
    assert_eq!(shown["page"]["is_current"], false);
}

#[test]
fn a_sign_off_is_void_when_anything_it_rests_on_changes() {
    let project = signed();
    let run = only_run(&project.dir);
    let changes: [(PathBuf, &str, &str); 6] = [
        (project.dir.join("mappings/codes/kon.csv"), "\n", "kodlistan kon har ändrats sedan dess"),
        (
            project.dir.join("mappings/paraply/BESLUT.toml"),
            "# sedd\n",
            "mappningen paraply/BESLUT har ändrats sedan dess",
        ),
        (
            project.dir.join("waivers.toml"),
            "# ingen\n",
            "de godkända avvikelserna (waivers.toml) har tillkommit sedan dess",
        ),
        (project.dir.join("report/index.html"), "<!-- -->", "rapporten har ändrats sedan dess"),
        (project.dir.join("report/report.json"), "\n", "rapporten som report.json har ändrats sedan dess"),
        (
            run.join("summary.json"),
            "\n",
            "avstämningens sammanfattning (summary.json) har ändrats sedan dess",
        ),
    ];
    for (path, text, why) in changes {
        let was_there = path.exists();
        let before = add(&path, text);
        expect_void(&project, &[why]);
        if was_there {
            fs::write(&path, before).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        expect_valid(&project);
    }
}

#[test]
fn a_changed_source_voids_at_once_and_is_signed_anew() {
    let project = signed();
    let before = only_run(&project.dir).file_name().unwrap().to_str().unwrap().to_owned();
    sqlite(&project.dir.join("legacy/paraply.sqlite"), &["UPDATE PERSON SET ENAMN = ENAMN || 'x'"]);
    let extracted = run_project("extract", &project.dir).expect(&[0]).json();
    let after = extracted["run"].as_str().unwrap();
    expect_void(
        &project,
        &[
            "källdata ur paraply har ändrats sedan dess: PERSON",
            &format!("projektet står nu på körning {after} i stället för {before}"),
            &format!("körning {after} är inte avstämd"),
        ],
    );
    let refused = signoff(&project, &[&["request", "--area", "EB"], &EVA[..]].concat()).expect(&[4]);
    assert!(refused.stderr.contains("was not compared with the target yet"), "{}", refused.stderr);
    for verb in ["transform", "load"] {
        run_project(verb, &project.dir).expect(&[0]);
    }
    run_project("reconcile", &project.dir).expect(&[0, 2, 3]);
    let stale = signoff(&project, &[&["sign", "--area", "EB"], &OLA[..]].concat()).expect(&[4]);
    assert!(stale.stderr.contains("nobody has asked"), "{}", stale.stderr);
}

#[test]
fn what_is_asked_for_belongs_together() {
    let project = compared();
    let request = [&["request"], &EVA[..]].concat();
    let expect_refused = |why: &str| {
        let refused = signoff(&project, &request).expect(&[4]);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    };
    let list = project.dir.join("mappings/codes/kon.csv");
    let before = add(&list, "\n");
    expect_refused("the mapping files are not those of run");
    fs::write(&list, before).unwrap();
    fs::write(project.dir.join("waivers.toml"), "format = 1\n").unwrap();
    expect_refused("waivers.toml is not what it was when run");
    run_project("reconcile", &project.dir).expect(&[0, 3]);
    let page = project.dir.join("report/index.html");
    let before = add(&page, "<p>lika</p>");
    expect_refused("is not the page that the comparison of run");
    fs::write(&page, before).unwrap();
    let summary = only_run(&project.dir).join("summary.json");
    let before = add(&summary, "\n");
    expect_refused("summary.json is not what it was when run");
    fs::write(&summary, before).unwrap();
    signoff(&project, &request).expect(&[0]);
    let list_again = add(&list, "\n");
    let changed = signoff(&project, &[&["sign"], &OLA[..]].concat()).expect(&[4]);
    assert!(changed.stderr.contains("kodlistan kon har ändrats sedan dess"), "{}", changed.stderr);
    fs::write(&list, list_again).unwrap();
    signoff(&project, &[&["sign"], &OLA[..]].concat()).expect(&[0]);
    signoff(&project, &["show", "--require"]).expect(&[0]);
}

#[test]
fn what_differs_is_signed_by_override_only_and_shown_in_red_for_ever() {
    let project = compared();
    let target = project.dir.join("target.sqlite");
    let alter = "UPDATE person SET dq_flags = dq_flags || 'x' WHERE id = (SELECT max(id) FROM person)";
    let repair = "UPDATE person SET dq_flags = substr(dq_flags, 1, length(dq_flags) - 1) \
                  WHERE id = (SELECT max(id) FROM person)";
    let proven = [&["request", "--area", "EB"], &EVA[..]].concat();
    signoff(&project, &proven).expect(&[0]);
    let needless = [&["sign", "--area", "EB", "--override", "--reason", "x"], &OLA[..]].concat();
    signoff(&project, &needless).expect(&[1]);
    sqlite(&target, &[alter]);
    run_project("reconcile", &project.dir).expect(&[2]);
    signoff(&project, &proven).expect(&[0]);
    let sign = [&["sign", "--area", "EB"], &OLA[..]].concat();
    let refused = signoff(&project, &sign).expect(&[4]);
    assert!(refused.stderr.contains("cannot be signed"), "{}", refused.stderr);
    signoff(&project, &[&sign[..], &["--override"]].concat()).expect(&[64]);
    signoff(&project, &[&sign[..], &["--override", "--reason", "utredd, se dnr 17"]].concat()).expect(&[0]);
    expect_valid(&project);
    sqlite(&target, &[repair]);
    run_project("reconcile", &project.dir).expect(&[0, 3]);
    let revoke = [&["revoke", "--area", "EB", "--reason", "lagat"], &OLA[..]].concat();
    signoff(&project, &revoke).expect(&[0]);
    signoff(&project, &revoke).expect(&[1]);
    let shown = signoff(&project, &["show"]).expect(&[0]).json();
    assert_eq!(area(&project, "EB")["state"], "revoked");
    let sentence = shown["overrides"][0].as_str().unwrap();
    assert!(
        sentence.contains("trots utfallet SKILLNADER av Ola Alm (huvudprocessledare): utredd, se dnr 17")
    );
    assert!(report(&project).contains(&format!("<li><strong>{sentence}</strong></li>")));
    let told = run(["signoff", "show", "--project", project.dir.to_str().unwrap()]).expect(&[0]).stdout;
    assert!(told.contains(&format!("MOT UTFALLET – {sentence}")), "{told}");
}

#[test]
fn four_eyes_are_two_persons_in_two_roles_and_not_whoever_asked() {
    let project = compared();
    let settings = project.dir.join("bron.toml");
    let rules = "\n[signoff]\nvalid_days = 10\nfour_eyes = [\"EB\"]\nnot_by_requester = [\"EB\"]\n\n\
                 [signoff.roles]\nEB = [\"huvudprocessledare\", \"systemägare\"]\n";
    add(&settings, rules);
    let sign = |by: &[&str]| signoff(&project, &[&["sign", "--area", "EB"], by].concat());
    let expect_refused = |by: &[&str], why: &str| {
        let refused = sign(by).expect(&[4]);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    };
    signoff(&project, &[&["request", "--area", "EB"], &EVA[..]].concat()).expect(&[0]);
    expect_refused(&["--person", "Ola Alm", "--role", "vaktmästare"], "may not sign EB");
    expect_refused(&["--person", "eva  EK", "--role", "systemägare"], "whoever asks");
    sign(&OLA).expect(&[0]);
    assert_eq!(area(&project, "EB")["why"][0], "underskrift av en till saknas");
    expect_refused(&["--person", "Ola Alm", "--role", "systemägare"], "has signed already");
    expect_refused(&["--person", "Siv Ask", "--role", "huvudprocessledare"], "another role has to");
    sign(&SIV).expect(&[0]);
    expect_valid(&project);
    let both = area(&project, "EB");
    assert_eq!(both["signatures"].as_array().unwrap().len(), 2);
    assert_eq!(both["valid_until"], both["signatures"][0]["valid_until"], "the first one ends both");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, text.replace("four_eyes = [\"EB\"]", "four_eyes = [\"XX\"]")).unwrap();
    let unknown = signoff(&project, &["show"]).expect(&[1]);
    assert!(unknown.stderr.contains("XX, which is no area of work"), "{}", unknown.stderr);
}

#[test]
fn nobody_is_named_but_those_who_act() {
    let project = compared();
    for by in [["--person", "19000101-0008", "--role", "x"], ["--person", "Eva", "--role", "190001010008"]] {
        let refused = signoff(&project, &[&["request"], &by[..]].concat()).expect(&[1]);
        assert!(refused.stderr.contains("form of a person number"), "{}", refused.stderr);
        assert!(!refused.stderr.contains("0008"), "{}", refused.stderr);
    }
    let reason = [&["request", "--reason", "gäller 19000101-0008"], &EVA[..]].concat();
    signoff(&project, &reason).expect(&[1]);
    signoff(&project, &[&["request", "--area", "XX"], &EVA[..]].concat()).expect(&[1]);
    assert!(
        fs::read_dir(project.dir.join("signoffs")).unwrap().all(|one| one.unwrap().file_name() == "lock")
    );
}

#[test]
fn an_event_that_was_changed_or_taken_away_is_found() {
    let project = signed();
    let sign = project.dir.join("signoffs/000002-sign.json");
    let before = fs::read_to_string(&sign).unwrap();
    let expect_found = |what: &str| {
        let shown = signoff(&project, &["show"]).expect(&[6]);
        assert!(shown.stderr.contains(what), "{}", shown.stderr);
        let verified = run(["audit", "verify", "--project", project.dir.to_str().unwrap()]).expect(&[6]);
        assert!(verified.stdout.contains(what), "{}", verified.stdout);
    };
    fs::write(&sign, before.replace("Ola Alm", "Ulf Alm")).unwrap();
    expect_found("signoffs/000002-sign.json is not what the audit log announced");
    fs::remove_file(&sign).unwrap();
    expect_found("is missing in signoffs/");
    run_project("reconcile", &project.dir).expect(&[0, 3]);
    assert!(report(&project).contains("Underskrifterna kan inte visas"));
    fs::write(&sign, &before).unwrap();
    expect_valid(&project);
    fs::write(&sign, before.replacen("\"format\": 1", "\"format\": 99", 1)).unwrap();
    let newer = signoff(&project, &["show"]).expect(&[1]);
    assert!(newer.stderr.contains("sign-off of format 99"), "{}", newer.stderr);
}

//! Two versions of the mapping files are compared by what they mean, and the effect that is told is the
//! effect that the rows have.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Ran, bron, copy_folder, files, fresh_city, migrated_city, run, runs, sqlite_rows};

/// Replaces a text that stands in a file, once.
#[track_caller]
fn edit(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(old), "{} does not say {old}", file.display());
    fs::write(file, text.replacen(old, new, 1)).unwrap();
}

fn diff<I: AsRef<OsStr>>(before: &Path, after: &Path, more: impl IntoIterator<Item = I>) -> Ran {
    let mut arguments = vec![OsStr::new("diff").to_owned(), before.into(), after.into()];
    arguments.extend(["--output", "json"].map(|one| OsStr::new(one).to_owned()));
    arguments.extend(more.into_iter().map(|one| one.as_ref().to_owned()));
    run(arguments)
}

/// A word of every entry.
fn of_entries<'j>(document: &'j Value, path: &str) -> Vec<&'j str> {
    let entries = document["entries"].as_array().unwrap();
    entries.iter().map(|entry| entry.pointer(path).and_then(Value::as_str).unwrap_or_default()).collect()
}

#[test]
fn a_code_a_policy_and_a_label_are_three_entries_by_risk() {
    let project = fresh_city();
    let (old, new) = (project.dir.join("old"), project.dir.join("mappings"));
    copy_folder(&new, &old);
    edit(&new.join("model/arende.toml"), "label = \"Belopp\"", "label = \"Summa\"");
    edit(&new.join("codes/beslutstyp.csv"), "paraply,EBLF,livsforing_i_ovrigt", "paraply,EBLF,livsforing");
    edit(&new.join("paraply/BESLUT.toml"), "fn = \"ore\", on_bad = \"quarantine\"", "fn = \"ore\"");
    let ran = diff(&old, &new, [""; 0]).expect(&[2]);
    let document = ran.json();
    assert_eq!(of_entries(&document, "/risk/name"), ["money", "meaning", "form"]);
    assert_eq!(of_entries(&document, "/kind/name"), ["policy", "codes", "label"]);
    assert_eq!(of_entries(&document, "/aspect"), ["on_bad", "", "label"]);
    assert_eq!(document["entries"][0]["before"]["text"], "\"quarantine\"");
    assert_eq!(document["texts"].as_array().unwrap().len(), 3);
    assert_eq!(document["effect"], Value::Null);
    assert_ne!(document["before"]["digest"], document["after"]["digest"]);
}

#[test]
fn formatting_alone_is_no_difference_in_meaning() {
    let project = fresh_city();
    let (old, new) = (project.dir.join("old"), project.dir.join("mappings"));
    copy_folder(&new, &old);
    let file = new.join("paraply/BESLUT.toml");
    let text = fs::read_to_string(&file).unwrap();
    let (head, rest) = text.split_once("[[check]]").unwrap();
    let (first, rest) = rest.split_once("[[check]]").unwrap();
    // The first two checks change places, and every rule gets another layout.
    let (second, rest) = rest.split_once("\n\n").unwrap();
    let moved = format!("# En anmärkning.\n{head}[[check]]{second}\n\n[[check]]{first}{rest}");
    fs::write(&file, moved.replace(" = {", "  =  {")).unwrap();
    edit(&new.join("controls/paraply.toml"), "format = 1", "# Kontrollerna.\nformat   = 1");
    let ran = diff(&old, &new, [""; 0]).expect(&[0]);
    let document = ran.json();
    assert_eq!(document["entries"], Value::Array(Vec::new()));
    assert_eq!(document["texts"].as_array().unwrap().len(), 2, "the text is shown all the same");
    // A project stands for its mapping files.
    diff(&old, &project.dir, [""; 0]).expect(&[0]);
}

fn git(dir: &Path, arguments: &[&str]) -> String {
    let who = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"];
    let output = Command::new("git")
        .current_dir(dir)
        .args(["-c", "commit.gpgsign=false"])
        .args(arguments)
        .envs(who.map(|name| (name, "test@example.invalid")))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn diff_in(dir: &Path, arguments: &[&str]) -> Ran {
    bron().current_dir(dir).args(["diff", "--output", "json"]).args(arguments).output().unwrap().into()
}

#[test]
fn revisions_are_read_without_touching_the_work_tree() {
    let guard = tempfile::tempdir().unwrap();
    let dir = guard.path();
    copy_folder(&fresh_city().dir.join("mappings"), &dir.join("mappings"));
    git(dir, &["init", "--quiet"]);
    git(dir, &["add", "--all"]);
    git(dir, &["commit", "--quiet", "--message", "first"]);
    edit(&dir.join("mappings/model/arende.toml"), "label = \"Belopp\"", "label = \"Summa\"");
    git(dir, &["commit", "--quiet", "--all", "--message", "second"]);
    edit(&dir.join("mappings/codes/beslutstyp.csv"), "EBLF,livsforing_i_ovrigt", "EBLF,livsforing");
    let before = (git(dir, &["status", "--porcelain"]), files(&dir.join("mappings")));

    let commits = diff_in(dir, &["HEAD~1", "HEAD"]).expect(&[2]).json();
    assert_eq!(of_entries(&commits, "/kind/name"), ["label"]);
    assert_eq!(commits["after"]["revision"], git(dir, &["rev-parse", "HEAD"]).trim());
    let work_tree = diff_in(dir, &["HEAD:mappings", "mappings"]).expect(&[2]).json();
    assert_eq!(of_entries(&work_tree, "/kind/name"), ["codes"]);
    assert_eq!(work_tree["after"]["revision"], Value::Null);
    diff_in(dir, &["HEAD", "HEAD:./mappings"]).expect(&[0]);
    assert_eq!((git(dir, &["status", "--porcelain"]), files(&dir.join("mappings"))), before);

    for (name, told) in [
        ("no-such-revision", "neither a folder nor a revision"),
        ("HEAD:elsewhere", "has no folder elsewhere"),
        ("mappings/model/arende.toml", "is a file"),
        ("--version", ""),
    ] {
        let ran = diff_in(dir, &["HEAD", name]).expect(&[0, 1]);
        let message =
            if told.is_empty() { String::new() } else { ran.json()["error"]["message"].to_string() };
        assert!(message.contains(told), "{name}: {message}");
    }
    assert_eq!(diff_in(dir, &["HEAD"]).code, Some(64));
}

#[test]
fn mistakes_in_a_version_are_pointed_at() {
    let project = fresh_city();
    let (old, new) = (project.dir.join("old"), project.dir.join("mappings"));
    copy_folder(&new, &old);
    edit(&new.join("paraply/BESLUT.toml"), "[[target]]", "[[target]]\nentitet = \"beslut\"");
    let ran = diff(&old, &new, [""; 0]).expect(&[1]);
    let document = ran.json();
    let diagnostic = &document["diagnostics"][0];
    assert_eq!(diagnostic["code"], "BRON-M003");
    assert!(diagnostic["file"].as_str().unwrap().ends_with("mappings/paraply/BESLUT.toml"));
    assert!(diagnostic["line"].as_u64().unwrap() > 1, "the line is found in the version's own file");
}

/// The keys of the rows that a query gives.
fn keys(database: &Path, query: &str) -> BTreeSet<String> {
    sqlite_rows(database, query).into_iter().filter_map(|row| row.into_iter().next().flatten()).collect()
}

#[test]
fn the_effect_of_a_code_is_that_of_the_rows_that_use_it() {
    let project = migrated_city();
    let (old, new) = (project.dir.join("old"), project.dir.join("mappings"));
    copy_folder(&new, &old);
    edit(&new.join("codes/beslutstyp.csv"), "paraply,EBLF,livsforing_i_ovrigt", "paraply,EBLF,livsforing");
    let in_source = keys(
        &project.dir.join("legacy/paraply.sqlite"),
        "SELECT CAST(BESL_ID AS TEXT) FROM BESLUT WHERE BTYP = 'EBLF'",
    );
    let in_target =
        keys(&project.dir.join("target.sqlite"), "SELECT src_key FROM beslut WHERE src_table = 'BESLUT'");
    let expected = in_source.intersection(&in_target).count();
    assert!(expected > 10, "the city has decisions of this type");

    let target = fs::read(project.dir.join("target.sqlite")).unwrap();
    let runs = || runs(&project.dir).len();
    let before = runs();
    let page = project.dir.join("page.html");
    let more: [&OsStr; 5] =
        ["--effect".as_ref(), "--project".as_ref(), project.dir.as_ref(), "--html".as_ref(), page.as_ref()];
    let document = diff(&old, &new, more).expect(&[2]).json();
    assert_eq!((runs(), fs::read(project.dir.join("target.sqlite")).unwrap() == target), (before, true));

    let effect = &document["effect"];
    assert_eq!(effect["unexplained"]["fields"], 0);
    assert_eq!(effect["not_measured"], Value::Array(Vec::new()));
    let tables = effect["tables"].as_array().unwrap();
    let touched: u64 = tables.iter().map(|table| table["touched"].as_u64().unwrap()).sum();
    let entry = &document["entries"][0]["effect"];
    assert_eq!((&entry["source_rows"], &entry["change"]), (&touched.into(), &touched.into()));
    // Beside the decisions only the table of codes says what the code means.
    let table = |name: &str| tables.iter().find(|table| table["mapping"] == name).unwrap();
    assert_eq!(table("paraply/BESLUT")["touched"].as_u64().unwrap() + 1, touched);
    assert_eq!(table("paraply/KODTAB")["touched"], 1);
    let entities = table("paraply/BESLUT")["entities"].as_array().unwrap();
    let decisions = entities.iter().find(|entity| entity["entity"] == "beslut").unwrap();
    let field = &decisions["fields"][0];
    assert_eq!((&field["field"], &field["changed"]), (&"typ".into(), &expected.into()));
    assert_eq!(decisions["change"], expected);
    let value = &field["values"][0];
    assert_eq!((&value["before"], &value["after"]), (&"livsforing_i_ovrigt".into(), &"livsforing".into()));
    assert_eq!(value["rows"], expected);

    let page = fs::read_to_string(page).unwrap();
    for forbidden in ["<script", "http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(forbidden), "the page contains {forbidden:?}");
    }
    assert!(page.contains("lang=\"sv\"") && page.contains("livsforing_i_ovrigt"));
}

#[test]
fn what_no_run_has_staged_is_read_first() {
    let project = fresh_city();
    let (old, new) = (project.dir.join("old"), project.dir.join("mappings"));
    copy_folder(&new, &old);
    // The later version reads a column that the earlier one leaves where it is.
    let file = new.join("schemos/change_log.toml");
    edit(
        &file,
        "old = \"kan innehålla vad som helst ur den borttagna raden, som källan valt att ta bort\"",
        "",
    );
    edit(&file, "tabell = { from = \"tbl\" }", "tabell = { from = \"old\" }");
    let more: [&OsStr; 3] = ["--effect".as_ref(), "--project".as_ref(), project.dir.as_ref()];
    let document = diff(&old, &new, more).expect(&[2]).json();
    let tables = document["effect"]["tables"].as_array().unwrap();
    let log = tables.iter().find(|table| table["mapping"] == "schemos/change_log").unwrap();
    let rows = &log["entities"][0];
    assert_eq!((&log["entities"][0]["entity"], &rows["unchanged"]), (&"raderad_post".into(), &0.into()));
    assert!(rows["change"].as_u64().unwrap() > 0);
    assert_eq!(document["effect"]["not_measured"], Value::Array(Vec::new()));
    let runs = || runs(&project.dir).len();
    let made = runs();
    assert_eq!(diff(&old, &new, more).expect(&[2]).json(), document, "the second time nothing is read again");
    assert_eq!(runs(), made);
}

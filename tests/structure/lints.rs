//! Every crate is under the workspace's lints, and the pure crates under the same, longer list of
//! bans.

use super::{assert_none, tree};
use std::fs;
use toml::Table;

/// Crates that only compute: no clock, files, environment, network, random numbers or processes.
const PURE: [&str; 3] = ["mappings", "transform", "reconcile"];

fn table(path: &str) -> Table {
    let text = fs::read_to_string(tree::root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Settings of `root` that `pure` lacks or has otherwise. A list may be longer in `pure`, never
/// shorter.
fn not_repeated(root: &Table, pure: &Table) -> Vec<String> {
    let repeated = |name: &str, value: &toml::Value| match (value.as_array(), pure.get(name)) {
        (Some(entries), Some(toml::Value::Array(held))) => entries.iter().all(|entry| held.contains(entry)),
        (_, held) => held == Some(value),
    };
    root.iter().filter(|(name, value)| !repeated(name, value)).map(|(name, _)| name.clone()).collect()
}

fn takes_lints_from_workspace(manifest: &Table) -> bool {
    let lints = manifest.get("lints").and_then(toml::Value::as_table);
    lints.and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
}

#[test]
fn pure_crates_repeat_the_root_settings_and_agree() {
    let root = table("clippy.toml");
    let first = table("mappings/clippy.toml");
    let mut findings = Vec::new();
    for name in PURE {
        let path = format!("{name}/clippy.toml");
        let pure = table(&path);
        findings.extend(not_repeated(&root, &pure).iter().map(|setting| format!("{path} lacks {setting}")));
        if pure != first {
            findings.push(format!("{path} differs from mappings/clippy.toml"));
        }
    }
    assert_none(
        &findings,
        "clippy reads the nearest clippy.toml only: copy the entries over, the same into each.",
    );
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    // The fuzz targets are a workspace of their own, which has lints of its own.
    let own = |path: &str| table(path).contains_key("workspace") && path != "Cargo.toml";
    let manifests = tree::paths().into_iter().filter(|path| path.ends_with("Cargo.toml") && !own(path));
    let without: Vec<_> = manifests.filter(|path| !takes_lints_from_workspace(&table(path))).collect();
    assert_none(&without, "Add `[lints]` with `workspace = true` to the manifest.");
}

#[test]
fn missing_settings_are_found() {
    let parse = |text: &str| text.parse::<Table>().unwrap();
    let root = parse("limit = 70\ntypes = [{ path = 'A' }, { path = 'B' }]");
    let longer = parse("limit = 70\ntypes = [{ path = 'B' }, { path = 'C' }, { path = 'A' }]");
    let shorter = parse("limit = 80\ntypes = [{ path = 'A' }]");
    assert_eq!(not_repeated(&root, &longer), Vec::<String>::new());
    assert_eq!(not_repeated(&root, &shorter), ["limit", "types"]);
    assert_eq!(not_repeated(&root, &Table::new()), ["limit", "types"]);
    assert!(takes_lints_from_workspace(&parse("lints.workspace = true")));
    assert!(!takes_lints_from_workspace(&parse("lints.workspace = false")));
    assert!(!takes_lints_from_workspace(&parse("[lints.rust]\nmissing_docs = 'allow'")));
}

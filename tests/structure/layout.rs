//! What lies at the top level: a reader who opens the project sees the stages and little else.

use super::{assert_none, tree};
use std::collections::BTreeSet;

const REQUIRED: [&str; 17] = [
    "ARCHITECTURE.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "build.rs",
    "clippy.toml",
    "deny.toml",
    "dual-run",
    "extract",
    "load",
    "mappings",
    "reconcile",
    "rustfmt.toml",
    "src",
    "tests",
    "transform",
];

const OPTIONAL: [&str; 2] = ["benches", "docs"];

/// Names that are missing from the top level, and names that do not belong there. Dot files are
/// free.
fn findings(paths: &BTreeSet<String>) -> Vec<String> {
    let top: BTreeSet<&str> = paths.iter().filter_map(|path| path.split('/').next()).collect();
    let missing =
        REQUIRED.iter().filter(|name| !top.contains(*name)).map(|name| format!("{name} is missing"));
    let known = |name: &str| name.starts_with('.') || REQUIRED.contains(&name) || OPTIONAL.contains(&name);
    let strange = top.iter().filter(|name| !known(name)).map(|name| format!("{name} does not belong there"));
    missing.chain(strange).collect()
}

#[test]
fn the_top_level_holds_what_the_blueprint_says() {
    assert_none(
        &findings(&tree::paths()),
        "Move the file under the crate or folder it belongs to. A new name at the top level is a \
         decision: write it into ARCHITECTURE.md and tests/structure/layout.rs.",
    );
}

#[test]
fn strange_and_missing_names_are_found() {
    let mut paths: BTreeSet<String> = REQUIRED.iter().map(|name| (*name).to_owned()).collect();
    paths.extend([".gitignore".to_owned(), "docs/index.md".to_owned()]);
    assert_eq!(findings(&paths), Vec::<String>::new());
    paths.insert("scripts/run.sh".to_owned());
    paths.remove("LICENSE");
    assert_eq!(findings(&paths), ["LICENSE is missing", "scripts does not belong there"]);
}

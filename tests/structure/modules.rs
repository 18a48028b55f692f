//! No source file is forgotten: each is a crate root or a module that another file declares. A test
//! file that nothing declares is never run, and never fails.

use super::assert_none;
use super::source::lines;
use super::tree::{self, TextFile};
use std::collections::{BTreeMap, BTreeSet};

/// Folders whose sources a test compiles one by one, to see that the compiler refuses them.
const COMPILED_BY_TESTS: [&str; 2] = ["ui", "compile_fail"];

/// Whether cargo starts a crate at the file.
fn is_root(path: &str) -> bool {
    if path.starts_with("tests/") && path.matches('/').count() == 1 {
        return path == "tests/main.rs";
    }
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        [.., "src", "lib.rs" | "main.rs"] | [.., "src", "bin", _] | [.., "build.rs"] => true,
        [package @ .., "tests" | "benches" | "examples" | "fuzz_targets", _]
        | [package @ .., "benches" | "examples", _, "main.rs"] => !package.contains(&"src"),
        _ => false,
    }
}

fn compiled_by_tests(path: &str) -> bool {
    path.split('/').any(|part| COMPILED_BY_TESTS.contains(&part))
}

/// Names of the modules that the source keeps in files of their own.
fn declared(text: &str) -> Vec<&str> {
    let name = |code: &'_ str| -> Option<(usize, usize)> {
        let start = code.find("mod ")?;
        let before = code[..start].trim();
        let name = code[start + 4..].trim_end().strip_suffix(';')?;
        let visible =
            before.is_empty() || before == "pub" || (before.starts_with("pub(") && before.ends_with(')'));
        visible.then_some((start + 4, name.len()))
    };
    let lines = lines(text).into_iter();
    lines
        .filter_map(|line| name(line.code).map(|(start, length)| &line.text[start..start + length]))
        .collect()
}

/// The folder where modules that the file declares are looked for.
fn folder_of_modules(path: &str) -> &str {
    if is_root(path) {
        path.rsplit_once('/').map_or("", |(folder, _)| folder)
    } else {
        path.trim_end_matches(".rs")
    }
}

fn forgotten(sources: &[TextFile]) -> Vec<String> {
    let by_path: BTreeMap<&str, &str> =
        sources.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let mut waiting: Vec<String> =
        by_path.keys().filter(|path| is_root(path)).map(|path| (*path).to_owned()).collect();
    while let Some(path) = waiting.pop() {
        let Some(text) = by_path.get(path.as_str()) else {
            continue;
        };
        let folder = folder_of_modules(&path);
        waiting.extend(declared(text).iter().map(|name| format!("{folder}/{name}.rs")));
        reached.insert(path);
    }
    let lost = by_path.keys().filter(|path| !reached.contains(**path) && !compiled_by_tests(path));
    lost.map(|path| (*path).to_owned()).collect()
}

#[test]
fn every_source_is_part_of_a_crate() {
    assert_none(
        &forgotten(&tree::sources()),
        "Declare the file with `mod` in the file above it (tests: in tests/main.rs or below), or delete it.",
    );
}

#[test]
fn forgotten_files_are_found() {
    let sources = [
        TextFile::sample("tests/main.rs", "mod a;\n// mod lost;\n#[cfg(test)]\nmod b; // told\n"),
        TextFile::sample("tests/a.rs", "pub(super) mod deep;\nmod inline {\n}\n"),
        TextFile::sample("tests/a/deep.rs", ""),
        TextFile::sample("tests/a/lost.rs", ""),
        TextFile::sample("tests/b.rs", "pub mod deep;\n"),
        TextFile::sample("tests/lost.rs", ""),
        TextFile::sample("tests/city/src/lib.rs", "mod rng;\n"),
        TextFile::sample("tests/city/src/rng.rs", ""),
        TextFile::sample("mappings/tests/ui/refused.rs", ""),
        TextFile::sample("mappings/tests/compile.rs", ""),
        TextFile::sample("mappings/src/identifier/tests/lost.rs", ""),
    ];
    assert_eq!(
        forgotten(&sources),
        ["mappings/src/identifier/tests/lost.rs", "tests/a/lost.rs", "tests/lost.rs"]
    );
}

#[test]
fn declarations_are_read() {
    let text =
        "mod a;\npub mod b;\n    pub(crate) mod c;\nmod d {\n// mod e;\nlet mod_f = 1;\nr\"mod g;\";\n";
    assert_eq!(declared(text), ["a", "b", "c"]);
}

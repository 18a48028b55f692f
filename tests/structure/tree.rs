//! The files of the project: those that git tracks or would track, or, outside a git checkout,
//! those that lie there.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

/// A file whose bytes are text. Bytes that are not UTF-8 are replaced: the rules look at ASCII.
pub(super) struct TextFile {
    /// Path from the top of the project, with `/` between parts.
    pub(super) path: String,
    pub(super) text: String,
}

impl TextFile {
    /// A file that exists only in memory, for negative controls.
    pub(super) fn sample(path: &str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), text: text.into() }
    }
}

/// The top of the project.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Paths of all files of the project, in order.
pub(super) fn paths() -> BTreeSet<String> {
    let listed = listed_by_git().unwrap_or_default();
    if listed.is_empty() { found_on_disk() } else { listed }
}

/// All text files of the project, in order of their paths.
pub(super) fn texts() -> Vec<TextFile> {
    paths().into_iter().filter_map(text).collect()
}

/// All Rust sources of the project, in order of their paths.
pub(super) fn sources() -> Vec<TextFile> {
    texts().into_iter().filter(|file| file.path.ends_with(".rs")).collect()
}

/// The file at `path`, when it holds text. A path that git still lists after its file was deleted
/// gives nothing.
fn text(path: String) -> Option<TextFile> {
    let bytes = match fs::read(root().join(&path)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => panic!("{path} cannot be read: {error}"),
    };
    if bytes.contains(&0) {
        return None;
    }
    Some(TextFile { path, text: String::from_utf8_lossy(&bytes).into_owned() })
}

fn listed_by_git() -> Option<BTreeSet<String>> {
    let output = Command::new("git")
        .arg("-C")
        .arg(root())
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .ok()?;
    let listing = output.status.success().then(|| String::from_utf8(output.stdout).ok())??;
    let exists = |path: &&str| !path.is_empty() && root().join(path).is_file();
    Some(listing.split('\0').filter(exists).map(str::to_owned).collect())
}

fn found_on_disk() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![root().to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the project can be listed") {
            let path = entry.expect("an entry of the project can be read").path();
            let name = path.strip_prefix(root()).expect("the walk stays under the root");
            if path.is_file() {
                found.insert(name.to_str().expect("paths of the project are UTF-8").to_owned());
            } else if name != Path::new(".git") && name != Path::new("target") {
                waiting.push(path);
            }
        }
    }
    found
}

#[test]
fn both_ways_of_listing_find_the_manifest() {
    for paths in [paths(), found_on_disk()] {
        assert!(paths.contains("Cargo.toml") && paths.contains("tests/main.rs"));
        assert!(!paths.iter().any(|path| path.starts_with(".git/")));
    }
}

#[test]
fn a_file_that_is_gone_gives_nothing() {
    assert!(text("no such file".to_owned()).is_none());
    assert!(text("Cargo.toml".to_owned()).is_some_and(|file| file.text.contains("[workspace]")));
}

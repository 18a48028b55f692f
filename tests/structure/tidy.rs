//! Sizes, names, markers, white space, crate roots and mapping files.

use super::assert_none;
use super::source::lines;
use super::tree::{self, TextFile};

const LONGEST_FILE: usize = 800;
const LONGEST_OF_MOST_FILES: usize = 600;
const WIDEST_LINE: usize = 120;

/// Words that say nothing about what a file holds.
const EMPTY_WORDS: [&str; 7] = ["util", "utils", "helper", "helpers", "common", "misc", "manager"];

/// Words of a comment that put work off.
const MARKERS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];

/// Code that puts work off or hides a test.
const PUT_OFF: [&str; 3] = [concat!("to", "do!("), concat!("unimple", "mented!("), concat!("#[", "ignore")];

/// Folders that exist on one person's machine.
const MACHINE_PATHS: [&str; 3] = [concat!("/", "work/"), concat!("/", "home/"), concat!("/", "root/")];

/// Folders whose files are cases, byte for byte: their white space belongs to the case.
const VERBATIM: [&str; 2] = ["tests/cases/", "tests/snapshots/"];

/// Length of the file, in lines.
fn length(file: &TextFile) -> usize {
    file.text.lines().count()
}

fn too_long(files: &[TextFile]) -> Vec<String> {
    let mut lengths: Vec<usize> = files.iter().map(length).collect();
    lengths.sort_unstable();
    let most = (lengths.len() * 95).div_ceil(100).checked_sub(1).and_then(|at| lengths.get(at).copied());
    let broad = most.filter(|length| *length > LONGEST_OF_MOST_FILES);
    let broad =
        broad.map(|length| format!("95 of 100 files reach {length} lines, over {LONGEST_OF_MOST_FILES}"));
    let long = files.iter().filter(|file| length(file) > LONGEST_FILE);
    broad.into_iter().chain(long.map(|file| format!("{}: {} lines", file.path, length(file)))).collect()
}

fn says_nothing(path: &str) -> bool {
    let empty = |part: &str| {
        let stem = part.split('.').next().unwrap_or_default();
        stem.split(['_', '-']).any(|word| EMPTY_WORDS.contains(&word))
    };
    path.ends_with("mod.rs") || path.split('/').any(empty)
}

fn put_off(file: &TextFile) -> Vec<String> {
    let marked = |comment: &str| {
        let mut words = comment.split(|character: char| !character.is_alphanumeric());
        words.any(|word| MARKERS.contains(&word))
    };
    let lines = lines(&file.text).into_iter();
    let wrong =
        lines.filter(|line| marked(line.comment) || PUT_OFF.iter().any(|mark| line.code.contains(mark)));
    wrong.map(|line| format!("{}:{}", file.path, line.number)).collect()
}

fn too_wide(file: &TextFile) -> Vec<String> {
    let lines = lines(&file.text).into_iter();
    let wide = lines.filter(|line| !line.raw && line.text.chars().count() > WIDEST_LINE);
    wide.map(|line| format!("{}:{}: over {WIDEST_LINE} columns", file.path, line.number)).collect()
}

/// What is wrong with a crate root: it opens with its documentation, and a `lib.rs` lists the
/// public names of other files.
fn bad_root(file: &TextFile) -> Vec<String> {
    let mut findings = Vec::new();
    if !file.text.starts_with("//!") {
        findings.push(format!("{}:1: does not open with its documentation", file.path));
    }
    for line in lines(&file.text) {
        let listed =
            ["use ", "mod "].iter().any(|word| line.code[line.code.len().min(4)..].starts_with(word));
        if file.path.ends_with("lib.rs") && line.code.starts_with("pub ") && !listed {
            findings.push(format!("{}:{}: defines a public item", file.path, line.number));
        }
    }
    findings
}

fn bad_white_space(file: &TextFile) -> Vec<String> {
    let lines = file.text.split('\n').zip(1..);
    let trailing = lines.filter(|(line, _)| line.ends_with(char::is_whitespace));
    let mut findings: Vec<_> =
        trailing.map(|(_, number)| format!("{}:{number}: ends in white space", file.path)).collect();
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        findings.push(format!("{}: does not end in a newline", file.path));
    }
    findings
}

fn machine_paths(file: &TextFile) -> Vec<String> {
    let starts_path = |line: &str, at: usize| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|before| !before.is_alphanumeric() && !"_-.})*".contains(before))
    };
    let holds = |line: &str| {
        MACHINE_PATHS.iter().any(|path| line.match_indices(path).any(|(at, _)| starts_path(line, at)))
    };
    let lines = file.text.lines().zip(1..).filter(|(line, _)| holds(line));
    lines.map(|(_, number)| format!("{}:{number}", file.path)).collect()
}

fn is_mapping(path: &str) -> bool {
    let settings = ["Cargo.toml", "clippy.toml"].iter().any(|name| path.ends_with(name));
    path.starts_with("mappings/") && path.ends_with(".toml") && !settings
}

/// Whether a mapping file says which version of the language it is written in.
fn has_format(file: &TextFile) -> bool {
    let table = file.text.parse::<toml::Table>().unwrap_or_default();
    table.get("format").and_then(toml::Value::as_integer) == Some(1)
}

fn each(files: &[TextFile], rule: impl Fn(&TextFile) -> Vec<String>) -> Vec<String> {
    files.iter().flat_map(rule).collect()
}

fn outside_cases() -> Vec<TextFile> {
    let verbatim = |file: &TextFile| VERBATIM.iter().any(|folder| file.path.starts_with(folder));
    tree::texts().into_iter().filter(|file| !verbatim(file)).collect()
}

#[test]
fn files_stay_short() {
    assert_none(&too_long(&tree::sources()), "Split the file by what its parts are about.");
}

#[test]
fn names_say_what_is_inside() {
    let empty: Vec<_> = tree::paths().into_iter().filter(|path| says_nothing(path)).collect();
    assert_none(&empty, "Name the file after what it holds; `foo.rs` beside `foo/` instead of `foo/mod.rs`.");
}

#[test]
fn no_work_is_put_off() {
    assert_none(&each(&tree::sources(), put_off), "Do it now, or take the line away.");
}

#[test]
fn lines_fit_a_screen() {
    assert_none(
        &each(&tree::sources(), too_wide),
        "Break the line. Only tables in raw strings may be wider.",
    );
}

#[test]
fn crate_roots_are_documentation_and_a_list_of_names() {
    let roots = tree::sources().into_iter().filter(|file| {
        file.path == "tests/main.rs"
            || ["src/lib.rs", "src/main.rs"].iter().any(|end| file.path.ends_with(end))
    });
    assert_none(
        &each(&roots.collect::<Vec<_>>(), bad_root),
        "Open the crate with `//!` and what it is for; define items in modules and list them with \
         `pub use`.",
    );
}

#[test]
fn text_files_end_cleanly() {
    assert_none(
        &each(&outside_cases(), bad_white_space),
        "Take the white space away and end the file with a newline. Bytes that are a test case \
         belong under tests/cases.",
    );
}

#[test]
fn no_path_of_one_machine() {
    assert_none(
        &each(&tree::texts(), machine_paths),
        "Make the path relative to the project, or take it from a setting or the environment.",
    );
}

#[test]
fn mapping_files_name_their_format() {
    let mappings = tree::texts().into_iter().filter(|file| is_mapping(&file.path));
    let without: Vec<_> = mappings.filter(|file| !has_format(file)).map(|file| file.path).collect();
    assert_none(&without, "The file must be TOML and its first key must be `format = 1`.");
}

#[test]
fn long_files_are_found() {
    let file = |count| TextFile::sample("a.rs", "line\n".repeat(count));
    assert!(too_long(&[]).is_empty());
    assert!(too_long(&[file(600), file(10)]).is_empty());
    assert_eq!(too_long(&[file(801)]).len(), 2);
    let mut files: Vec<_> = (0..18).map(|_| file(100)).collect();
    files.extend([file(700), file(700)]);
    assert_eq!(too_long(&files).len(), 1);
    files.remove(18);
    files.push(file(100));
    assert!(too_long(&files).is_empty());
}

#[test]
fn names_that_say_nothing_are_found() {
    for path in ["src/utils.rs", "load/src/helper/a.rs", "src/db_manager.rs", "a/mod.rs", "misc/x.toml"] {
        assert!(says_nothing(path), "{path} was let through");
    }
    for path in ["src/main.rs", "load/src/utility_bills.rs", "mappings/src/model.rs"] {
        assert!(!says_nothing(path), "{path} was refused");
    }
}

#[test]
fn work_put_off_is_found() {
    for mark in PUT_OFF {
        let file = TextFile::sample("a.rs", format!("fn a() {{}}\n    {mark}"));
        assert_eq!(put_off(&file), ["a.rs:2"]);
    }
    for marker in MARKERS {
        assert_eq!(put_off(&TextFile::sample("a.rs", format!("a(); // {marker}: later"))), ["a.rs:1"]);
        assert!(put_off(&TextFile::sample("a.rs", format!("a(\"{marker}\"); // {marker}S"))).is_empty());
    }
}

#[test]
fn wide_lines_are_found() {
    let wide = "å".repeat(121);
    assert_eq!(too_wide(&TextFile::sample("a.rs", format!("a\n\"{wide}\""))).len(), 1);
    assert!(too_wide(&TextFile::sample("a.rs", format!("r\"\n{wide}\n\""))).is_empty());
    assert!(too_wide(&TextFile::sample("a.rs", "å".repeat(120))).is_empty());
}

#[test]
fn bad_crate_roots_are_found() {
    let good = "//! What it is.\nmod a;\npub mod b;\npub use a::A;\npub(crate) fn inner() {}\n";
    assert!(bad_root(&TextFile::sample("x/src/lib.rs", good)).is_empty());
    assert_eq!(bad_root(&TextFile::sample("x/src/lib.rs", "mod a;\n")).len(), 1);
    assert_eq!(
        bad_root(&TextFile::sample("x/src/lib.rs", "//! A.\npub fn a() {}\npub struct B;\n")).len(),
        2
    );
    assert!(bad_root(&TextFile::sample("src/main.rs", "//! A.\npub fn a() {}\n")).is_empty());
}

#[test]
fn bad_white_space_is_found() {
    for text in ["a \n", "a\t\nb\n", "a\r\n", "a", "a\n "] {
        assert!(!bad_white_space(&TextFile::sample("a", text)).is_empty(), "{text:?} was let through");
    }
    for text in ["", "a\n", "a\n\n  b\n"] {
        assert!(bad_white_space(&TextFile::sample("a", text)).is_empty(), "{text:?} was refused");
    }
}

#[test]
fn machine_paths_are_found() {
    for path in MACHINE_PATHS {
        let text = format!("first\nopen(\"{path}x\") or {path}\nfile://{path}");
        assert_eq!(machine_paths(&TextFile::sample("a", text)), ["a:2", "a:3"]);
        assert!(machine_paths(&TextFile::sample("a", format!("tests{path}x $HOME-1{path}"))).is_empty());
    }
}

#[test]
fn mapping_files_without_format_are_found() {
    assert!(is_mapping("mappings/paraply/BESLUT.toml") && is_mapping("mappings/areas.toml"));
    assert!(
        !is_mapping("mappings/Cargo.toml") && !is_mapping("mappings/clippy.toml") && !is_mapping("deny.toml")
    );
    assert!(has_format(&TextFile::sample("a.toml", "format   = 1\nowner = 'x'\n")));
    for text in
        ["", "owner = 'x'\n", "format = 2\n", "format = '1'\n", "[a]\nformat = 1\n", "format = 1\n = \n"]
    {
        assert!(!has_format(&TextFile::sample("a.toml", text)), "{text:?} was let through");
    }
}

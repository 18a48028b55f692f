//! Rules about the documentation: it names what the program knows and nothing else, and no link in
//! it is dead. Every rule is a function from plain values to findings, with a negative control.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use bron_mappings::{Owner, ReasonCode};
use bron_reconcile::faults::{FAULTS, Sight};
use bron_reconcile::report::advice;
use bron_transform::registry;

const WIDEST_LINE: usize = 120;

/// What the code of every diagnostic begins with, before its letter and three digits.
const DIAGNOSTIC: &str = "BRON-";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every page under `docs`.
fn pages() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("docs")).expect("the folder is there");
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> = paths.filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect();
    pages.sort();
    pages
}

/// The path from the top of the project, for people.
fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn page(name: &str) -> String {
    let path = root().join("docs").join(name).with_extension("md");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[track_caller]
fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "{} finding(s):\n  {}", findings.len(), findings.join("\n  "));
}

/// The lines outside fenced code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The text under each heading of the third level, up to the next heading.
fn sections(text: &str) -> BTreeMap<&str, String> {
    let mut sections: BTreeMap<&str, String> = BTreeMap::new();
    let mut current = None;
    for line in prose(text) {
        if let Some(name) = line.strip_prefix("### ") {
            current = Some(name);
            sections.entry(name).or_default();
        } else if line.starts_with('#') {
            current = None;
        } else if let Some(section) = current.and_then(|name| sections.get_mut(name)) {
            section.push_str(line);
            section.push('\n');
        }
    }
    sections
}

/// Names that only one side has.
fn unequal<'a>(
    known: impl IntoIterator<Item = &'a str>,
    written: impl IntoIterator<Item = &'a str>,
) -> Vec<String> {
    let known: BTreeSet<&str> = known.into_iter().collect();
    let written: BTreeSet<&str> = written.into_iter().collect();
    let missing = known.difference(&written).map(|name| format!("{name} is not documented"));
    let unknown = written.difference(&known).map(|name| format!("{name} is documented and does not exist"));
    missing.chain(unknown).collect()
}

/// Texts that a section should hold and does not.
fn absent(name: &str, section: &str, wanted: impl IntoIterator<Item = String>) -> Vec<String> {
    let missing = wanted.into_iter().filter(|text| !section.contains(text));
    missing.map(|text| format!("{name} does not say {text}")).collect()
}

/// A section without its line breaks: a text that is wrapped is still the same text.
fn on_one_line(section: &str) -> String {
    section.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn diagnostic_codes(text: &str) -> BTreeSet<&str> {
    let codes = text.match_indices(DIAGNOSTIC).filter_map(|(at, _)| text.get(at..at + DIAGNOSTIC.len() + 4));
    codes.filter(|code| code[DIAGNOSTIC.len() + 1..].bytes().all(|byte| byte.is_ascii_digit())).collect()
}

fn rust_sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| if path.is_dir() { rust_sources(&path) } else { vec![path] });
    found.filter(|path| path.extension().is_some_and(|kind| kind == "rs")).collect()
}

/// The anchor that a heading can be reached by.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|one| one.is_alphanumeric() || matches!(one, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|one| if one == ' ' { '-' } else { one }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

fn links(text: &str) -> Vec<&str> {
    let ends = prose(text).flat_map(|line| line.split("](").skip(1));
    ends.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

/// Links of a page that lead nowhere; `read` gives the text of a file beside the page, when it is there.
fn dead_links(name: &str, text: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let leads_somewhere = |link: &str| {
        let (file, heading) = link.split_once('#').unwrap_or((link, ""));
        let other = if file.is_empty() { Some(text.to_owned()) } else { read(file) };
        other.is_some_and(|other| heading.is_empty() || anchors(&other).contains(heading))
    };
    let relative = links(text).into_iter().filter(|link| !link.contains("://"));
    relative.filter(|link| !leads_somewhere(link)).map(|link| format!("{name}: {link}")).collect()
}

/// What the first word of a cell says a direction can see.
fn sight(cell: &str) -> Sight {
    match cell.trim().split([' ', ',']).next() {
        Some("yes") => Sight::Yes,
        Some("no") => Sight::No,
        _ => Sight::Partly,
    }
}

/// What a table says of each fault, in order: the rows with eight cells under the heading `Fault`.
fn sights(text: &str) -> Vec<[Sight; 7]> {
    let rows = prose(text).skip_while(|line| !line.starts_with("| Fault |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let cells = rows.map(|line| line.trim_matches('|').split('|').skip(1).map(sight).collect::<Vec<_>>());
    cells.map(|cells| cells.try_into().expect("a fault has seven directions")).collect()
}

#[test]
fn every_function_is_documented_as_it_is() {
    let page = page("functions");
    let sections = sections(&page);
    let names = registry().iter().map(|function| function.spec.name);
    let mut findings = unequal(names, sections.keys().copied());
    for function in registry() {
        let section = sections.get(function.spec.name).map_or("", String::as_str);
        let marks = function.spec.marks.iter().map(|mark| mark.code());
        let wanted = marks.chain(function.spec.arguments.iter().copied()).map(|word| format!("`{word}`"));
        findings.extend(absent(function.spec.name, section, wanted));
    }
    assert_none(&findings);
}

#[test]
fn every_reason_is_documented_with_its_label_and_owner() {
    let page = page("reason-codes");
    let sections = sections(&page);
    let codes = ReasonCode::ALL.iter().map(|reason| reason.code());
    let mut findings = unequal(codes, sections.keys().copied());
    for reason in ReasonCode::ALL {
        let section = sections.get(reason.code()).map_or("", String::as_str);
        let owner = advice(reason.code()).owner;
        let owner = format!("**Owner** {} ({}):", owner.label(), owner.code());
        let parts = ["**Found** by", "**Policy** "].map(str::to_owned);
        let wanted = parts.into_iter().chain([reason.label().to_owned(), owner]);
        findings.extend(absent(reason.code(), &on_one_line(section), wanted));
    }
    let owners = Owner::ALL.map(|owner| format!("| {} | {}", owner.code(), owner.label()));
    findings.extend(absent("the table of owners", &page, owners));
    assert_none(&findings);
}

#[test]
fn every_diagnostic_is_documented() {
    let crates =
        ["mappings/src", "extract/src", "transform/src", "load/src", "reconcile/src", "dual-run/src"];
    let folders = ["src"].into_iter().chain(crates);
    let sources = folders.flat_map(|folder| rust_sources(&root().join(folder)));
    let sources: Vec<String> = sources.map(|path| fs::read_to_string(path).unwrap()).collect();
    let known: BTreeSet<&str> = sources.iter().flat_map(|text| diagnostic_codes(text)).collect();
    assert!(known.len() > 40, "the sources were not found: {known:?}");
    let pages = [page("mapping-language"), page("commands"), page("operations")];
    assert_none(&unequal(known, pages.iter().flat_map(|text| diagnostic_codes(text))));
}

#[test]
fn the_page_sees_what_each_direction_sees() {
    let page = page("reconciliation");
    let known = FAULTS.iter().map(|fault| {
        [
            fault.conservation,
            fault.controls,
            fault.rows,
            fault.references,
            fault.secrecy,
            fault.receipts,
            fault.round_trip,
        ]
    });
    assert_eq!(sights(&page), known.collect::<Vec<_>>());
}

#[test]
fn no_link_is_dead() {
    let mut findings = Vec::new();
    for path in pages().into_iter().chain(["README.md", "ARCHITECTURE.md"].map(|name| root().join(name))) {
        let folder = path.parent().expect("a page lies in a folder");
        // A folder can be linked to as well; it has no headings.
        let read = |file: &str| {
            let other = folder.join(file);
            other.exists().then(|| fs::read_to_string(&other).unwrap_or_default())
        };
        findings.extend(dead_links(&name(&path), &fs::read_to_string(&path).unwrap(), read));
    }
    assert_none(&findings);
}

#[test]
fn lines_fit_a_screen() {
    let mut findings = Vec::new();
    for path in pages() {
        let text = fs::read_to_string(&path).unwrap();
        let wide = text.lines().zip(1..).filter(|(line, _)| line.chars().count() > WIDEST_LINE);
        findings.extend(wide.map(|(_, number)| format!("{}:{number}", name(&path))));
    }
    assert_none(&findings);
}

#[test]
fn gaps_between_program_and_page_are_found() {
    let text = "# T\n### a\nsays `x`\n```\n### not a heading\n```\n## b\n### c\n";
    let sections = sections(text);
    assert_eq!(sections.keys().copied().collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(unequal(["a", "b"], sections.keys().copied()).len(), 2);
    assert_eq!(absent("a", &sections["a"], ["`x`".to_owned(), "`y`".to_owned()]), ["a does not say `y`"]);
    let (code, other) = (format!("{DIAGNOSTIC}M001"), format!("{DIAGNOSTIC}xyz"));
    assert_eq!(diagnostic_codes(&format!("{code}, {other}, {DIAGNOSTIC}")), BTreeSet::from([code.as_str()]));
    let table =
        "| Fault | A |\n|---|---|\n| x | yes, so | only if | no | no | partly | yes | no |\n\n| y | no |\n";
    let (yes, partly, no) = (Sight::Yes, Sight::Partly, Sight::No);
    assert_eq!(sights(table), [[yes, partly, no, no, partly, yes, no]]);
}

#[test]
fn dead_links_are_found() {
    let other = |file: &str| (file == "other.md").then(|| "## What, and `how`?\n".to_owned());
    let good = "# Top\n[a](#top) [b](other.md) [c](other.md#what-and-how) [d](https://x.example/y)\n\
                ```\n[e](nowhere)\n```\n";
    assert_none(&dead_links("p", good, other));
    let bad = "[a](#top) [b](no.md)\n[c](other.md#why)\n";
    assert_eq!(dead_links("p", bad, other), ["p: #top", "p: no.md", "p: other.md#why"]);
}

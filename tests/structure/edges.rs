//! Which crate may depend on which. The stages know the vocabulary and not each other, so each can
//! be run, tested and audited alone; the synthetic city knows nothing of the code it tests; each
//! driver has one home.

use super::{assert_none, tree};
use cargo_metadata::{DependencyKind, MetadataCommand};

/// Crates of the workspace, each with the crates of the workspace that it may depend on, in any
/// way.
const CRATES: [(&str, &[&str]); 14] = [
    ("bron-mappings", &[]),
    ("bron-extract", &["bron-mappings", "bron-servers", "bron-tds"]),
    ("bron-transform", &["bron-mappings"]),
    ("bron-load", &["bron-mappings", "bron-servers"]),
    ("bron-reconcile", &["bron-mappings"]),
    (
        "bron-dual-run",
        &[
            "bron-mappings",
            "bron-extract",
            "bron-transform",
            "bron-load",
            "bron-reconcile",
            "bron-servers",
            "bron-tds",
        ],
    ),
    ("bron-city", &[]),
    ("bron-faults", &["bron-outside", "bron-servers"]),
    ("bron-outside", &[]),
    ("bron-planter", &["bron-outside", "bron-servers"]),
    ("bron-servers", &[]),
    ("bron-simulation", &["bron-mappings", "bron-transform", "bron-dual-run"]),
    ("bron-tds", &[]),
    (
        "bron",
        &[
            "bron-mappings",
            "bron-extract",
            "bron-transform",
            "bron-load",
            "bron-reconcile",
            "bron-dual-run",
            "bron-city",
            "bron-faults",
            "bron-planter",
            "bron-servers",
            "bron-tds",
        ],
    ),
];

/// Crates that only tests may depend on.
const FOR_TESTS: [&str; 6] =
    ["bron-faults", "bron-outside", "bron-planter", "bron-servers", "bron-simulation", "bron-tds"];
/// Crates that tests of another crate may have beside what the crate itself may have.
const FOR_TESTS_OF: [(&str, &str); 1] = [("bron-dual-run", "bron-city")];
/// Crates that are tests as a whole, and stand outside what they try.
const TESTS: [&str; 2] = ["bron-faults", "bron-planter"];

/// A dependency from outside that only some crates may have.
struct Home {
    dependency: &'static str,
    crates: &'static [&'static str],
    /// Crates that may have it for their tests, beside those.
    tests: &'static [&'static str],
}

const HOMES: [Home; 15] = [
    Home { dependency: "tiberius", crates: &["bron-extract"], tests: &["bron-tds"] },
    Home { dependency: "rustls", crates: &["bron-tds"], tests: &[] },
    Home { dependency: "rcgen", crates: &["bron-servers"], tests: &[] },
    Home { dependency: "rusqlite", crates: &["bron-tds"], tests: &[] },
    Home { dependency: "stateright", crates: &["bron-simulation"], tests: &[] },
    Home { dependency: "ring", crates: &["bron-extract"], tests: &[] },
    Home { dependency: "odbc-api", crates: &["bron-extract"], tests: &[] },
    Home {
        dependency: "sqlx",
        crates: &["bron-extract", "bron-load", "bron-dual-run", "bron-city", "bron-outside"],
        tests: &["bron"],
    },
    Home { dependency: "age", crates: &["bron-load", "bron-dual-run"], tests: &["bron"] },
    Home { dependency: "calamine", crates: &["bron-reconcile"], tests: &[] },
    Home { dependency: "indicatif", crates: &["bron"], tests: &[] },
    Home { dependency: "rayon", crates: &["bron-transform", "bron-reconcile"], tests: &[] },
    Home { dependency: "similar", crates: &["bron-reconcile"], tests: &[] },
    Home { dependency: "clap", crates: &["bron"], tests: &[] },
    Home { dependency: "anyhow", crates: &["bron"], tests: &[] },
];

/// All that `bron-mappings` may build on: it parses text that it is handed, writes text that it hands back, and
/// does no input or output of its own.
const MAPPINGS: [&str; 10] = [
    "arrow-array",
    "arrow-schema",
    "askama",
    "blake3",
    "csv",
    "jiff",
    "serde_json",
    "strsim",
    "toml",
    "toml_edit",
];

struct Edge {
    from: String,
    to: String,
    kind: DependencyKind,
}

fn edges_of_the_workspace() -> Vec<Edge> {
    let metadata = MetadataCommand::new()
        .manifest_path(tree::root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo describes the workspace");
    let packages = metadata.packages.into_iter();
    packages
        .flat_map(|package| {
            let from = package.name.to_string();
            let edge = move |to: String, kind| Edge { from: from.clone(), to, kind };
            package.dependencies.into_iter().map(move |needed| edge(needed.name, needed.kind))
        })
        .collect()
}

fn refusals(edges: &[Edge]) -> Vec<String> {
    edges.iter().filter_map(refusal).collect()
}

fn refusal(edge: &Edge) -> Option<String> {
    let Edge { from, to, kind } = edge;
    let Some((_, may_use)) = CRATES.iter().find(|(name, _)| name == from) else {
        return Some(format!("{from} has no row in the table of crates"));
    };
    if to == "bron" || to.starts_with("bron-") {
        let in_product = FOR_TESTS.contains(&to.as_str())
            && *kind != DependencyKind::Development
            && !TESTS.contains(&from.as_str());
        let of_tests =
            *kind == DependencyKind::Development && FOR_TESTS_OF.contains(&(from.as_str(), to.as_str()));
        let allowed = (may_use.contains(&to.as_str()) && !in_product) || of_tests;
        return (!allowed).then(|| format!("{from} may not depend on {to}"));
    }
    let for_tests = *kind == DependencyKind::Development;
    let at_home = |home: &Home| {
        home.crates.contains(&from.as_str()) || (for_tests && home.tests.contains(&from.as_str()))
    };
    if HOMES.iter().any(|home| home.dependency == to && !at_home(home)) {
        return Some(format!("{to} has no home in {from}"));
    }
    let foreign = from == "bron-mappings" && !for_tests && !MAPPINGS.contains(&to.as_str());
    foreign.then(|| format!("bron-mappings may not build on {to}: it does no input or output"))
}

#[test]
fn crates_depend_only_on_what_they_may_know() {
    let edges = edges_of_the_workspace();
    assert!(edges.iter().any(|edge| edge.from == "bron" && edge.to == "bron-mappings"));
    assert_none(
        &refusals(&edges),
        "Remove the dependency, or hand the value in from the caller. A new edge needs a reason in \
         ARCHITECTURE.md and a row in tests/structure/edges.rs.",
    );
}

#[test]
fn wrong_edges_are_refused() {
    use DependencyKind::{Build, Development, Normal};
    for (from, to, kind) in [
        ("bron-mappings", "bron-city", Development),
        ("bron-transform", "bron-extract", Normal),
        ("bron-reconcile", "bron-transform", Development),
        ("bron-load", "bron", Normal),
        ("bron-dual-run", "bron-city", Normal),
        ("bron-city", "bron-mappings", Normal),
        ("bron-faults", "bron-load", Development),
        ("bron-faults", "bron-city", Normal),
        ("bron-planter", "bron-reconcile", Normal),
        ("bron-outside", "bron-load", Development),
        ("bron-reconcile", "bron-outside", Development),
        ("bron", "bron-faults", Normal),
        ("bron-load", "bron-servers", Normal),
        ("bron-tds", "bron-mappings", Development),
        ("bron-extract", "bron-tds", Normal),
        ("bron-load", "bron-tds", Development),
        ("bron-extract", "rusqlite", Development),
        ("bron-dual-run", "tiberius", Normal),
        ("bron-load", "odbc-api", Development),
        ("bron", "sqlx", Normal),
        ("bron-dual-run", "calamine", Development),
        ("bron-transform", "indicatif", Normal),
        ("bron-load", "rayon", Normal),
        ("bron-extract", "clap", Normal),
        ("bron-city", "anyhow", Development),
        ("bron-mappings", "tokio", Normal),
        ("bron-mappings", "tempfile", Build),
        ("bron-new", "serde", Normal),
    ] {
        let edge = Edge { from: from.to_owned(), to: to.to_owned(), kind };
        assert!(refusal(&edge).is_some(), "{from} to {to} was let through");
    }
}

#[test]
fn right_edges_pass() {
    use DependencyKind::{Development, Normal};
    for (from, to, kind) in [
        ("bron-extract", "bron-mappings", Normal),
        ("bron-dual-run", "bron-load", Normal),
        ("bron", "bron-city", Normal),
        ("bron-extract", "bron-tds", Development),
        ("bron-dual-run", "bron-city", Development),
        ("bron", "sqlx", Development),
        ("bron-load", "bron-servers", Development),
        ("bron-mappings", "proptest", Development),
        ("bron-mappings", "blake3", Normal),
        ("bron-faults", "bron-servers", Normal),
        ("bron", "bron-faults", Development),
        ("bron-planter", "bron-outside", Normal),
        ("bron", "bron-planter", Development),
    ] {
        let edge = Edge { from: from.to_owned(), to: to.to_owned(), kind };
        assert_eq!(refusal(&edge), None);
    }
}

//! Rules about the tree itself, held by tests and not by people. Every rule is a function from
//! plain values to findings, so each has a negative control beside it: a small sample in memory
//! that the rule must refuse.
//!
//! | module | rule |
//! |---|---|
//! | [`edges`] | which crate may depend on which |
//! | [`layout`] | what lies at the top level |
//! | [`lints`] | every crate is under the same lints, the pure crates under more |
//! | [`tidy`] | sizes, names, markers, white space, crate roots, mapping files |
//! | [`modules`] | no source file is forgotten |
//! | [`fixtures`] | no number that a person could hold |

mod edges;
mod fixtures;
mod layout;
mod lints;
mod modules;
mod source;
mod tidy;
mod tree;

/// Fails with every finding on a line of its own, followed by what to do about them.
fn assert_none(findings: &[String], advice: &str) {
    assert!(findings.is_empty(), "{} finding(s):\n  {}\n{advice}", findings.len(), findings.join("\n  "));
}

//! What differs between two versions of the mapping files, by meaning and not by text.
//!
//! [`compare`] takes two versions as parsed and as text and gives one [`Change`] for everything that means
//! something else in the later one. Formatting, comments and the order of tables mean nothing, so they
//! give none.
//!
//! The risk of a change follows from what it acts on and never from a name:
//!
//! - [`Risk::Identity`]: an id, a reference, a key, what a mapping says about persons, and a column that is
//!   declared or checked as a person's identifier.
//! - [`Risk::Protection`]: a class of protection or secrecy, a code list of protection (one that `[person]`
//!   names, or whose unknown codes mean a given one), the columns that are looked up in it, and `@skydd`.
//! - [`Risk::Money`]: a field in öre, a sum, a control.
//! - [`Risk::Form`]: texts for people: names, descriptions, owners, reviewers.
//! - [`Risk::Meaning`]: everything else.
//!
//! A rule of a row (a check, a condition, a lookup) has the gravest risk of the fields that read the same
//! columns. A change in one version has the graver risk of both.

mod change;
mod codes;
mod collector;
mod fields;
mod ground;
mod listed;
mod lookups;
mod mapping;
mod model;
mod notation;
mod pairing;
mod person;
mod rows;
mod systems;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use change::{Act, Change, Excerpt, Kind, Risk, Sentence, Subject};

use crate::project::MappingSet;
use collector::Collector;
use ground::protective_lists;

/// One version of the mapping files.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// What the files say.
    pub set: &'a MappingSet,
    /// Every file's text by its path: what [`MappingSet::parse`] was given.
    pub files: &'a BTreeMap<String, String>,
}

/// Every difference in meaning between two versions, the gravest first, then by place.
///
/// Both versions should have been parsed without errors: what could not be read cannot be compared.
#[must_use]
pub fn compare(before: Version<'_>, after: Version<'_>) -> Vec<Change> {
    let mut collector = Collector::new(before, after);
    let lists = protective_lists([before.set, after.set]);
    model::compare(&mut collector);
    mapping::compare(&mut collector, &lists);
    codes::compare(&mut collector, &lists);
    systems::compare(&mut collector);
    listed::compare(&mut collector);
    collector.finish()
}

//! The examples of a mapping, and how many there are to be.

use std::collections::BTreeMap;

use crate::diagnostic::Span;
use crate::reject::ReasonCode;

/// A source row and what it must become: documentation that is run by every check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// What the example shows.
    pub about: String,
    /// The row's columns; a column that is not named is NULL.
    pub source: BTreeMap<String, String>,
    /// Texts that do not stand in the row itself, by origin: of parents, neighbours and lookups, `@as_of`.
    pub given: BTreeMap<String, String>,
    /// The marks the row must get; `None` when the example does not say.
    pub marks: Option<Vec<ReasonCode>>,
    /// The reason for which the row must be held back, when it must.
    pub quarantined: Option<ReasonCode>,
    /// For each entity the rows expected, each as field to text; a field that is not named is not compared.
    pub expected: Vec<(String, BTreeMap<String, String>)>,
    /// The place in the file.
    pub span: Span,
}

/// How many examples of a mapping the business has approved. An example that is added or removed
/// without the number is a mistake, so that none comes or goes unseen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovedExamples {
    /// The number.
    pub number: u32,
    /// The place of the number in the file.
    pub span: Span,
}

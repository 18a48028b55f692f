//! What became of findings.

use serde::{Deserialize, Serialize};

/// How many findings there are, by how they stand against the reconciliation before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingCounts {
    /// Findings that the reconciliation before did not have.
    pub new: u64,
    /// Findings that it had as well.
    pub persisting: u64,
    /// Findings that only it had.
    pub resolved: u64,
    /// Differences in rows that were being written while they were compared; they are no findings.
    pub in_flight: u64,
    /// Findings, new or persisting, that a waiver in force accepts.
    pub waived: u64,
}

impl FindingCounts {
    /// Whether there is nothing to count.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

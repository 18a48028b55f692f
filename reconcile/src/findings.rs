//! Findings from one reconciliation to the next: which are new, which persist, which are resolved, and what the run
//! knows about why.
//!
//! A finding has the same number in every run, so two lists of findings are compared by merging them. What explains a
//! finding is looked for in what the run itself noted about the row's source key and nowhere else, and an explanation
//! never makes a difference equal.

mod cause;
mod merge;

use serde::{Deserialize, Serialize};

pub use cause::{Cause, KeyMark};
pub use merge::{Step, merge};

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

    /// The findings of this reconciliation.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.new.saturating_add(self.persisting)
    }
}

/// How a finding stands against the reconciliation before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// It was not there.
    #[default]
    New,
    /// It was there.
    Persisting,
}

impl FindingState {
    /// The name in files.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Persisting => "persisting",
        }
    }

    /// The name in Swedish.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::New => "Nytt",
            Self::Persisting => "Kvarstår",
        }
    }
}

/// The reconciliation that findings are compared with. Left out of a summary where neither it nor this one found
/// anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingsBefore {
    /// The run that it was about.
    pub run: String,
    /// Why its findings cannot be read; every finding then counts as new. `None` when they were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

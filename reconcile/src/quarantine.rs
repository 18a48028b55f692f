//! What the quarantine of a project comes to after a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The items of the quarantine, counted. An item stands for the rows of one key that are or were held back for one
/// reason, and is in one state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// Every item, whatever its state: the sum of all counts of the lines.
    pub items: u64,
    /// The rows that this run held back: those of the balance, and those that the target refused.
    pub rows: u64,
    /// By stage, reason and owner.
    pub lines: Vec<QuarantineLine>,
}

/// The items of one owner that a stage holds or held back for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuarantineLine {
    /// `reading`, `mapping` or `loading`.
    pub stage: String,
    /// The reason code.
    pub reason: String,
    /// The code of the owner who decides.
    pub owner: String,
    /// The items by state: `open`, `accept`, `correct`, `map`, `wait` and `again` are held back now; `loaded`, `gone`,
    /// `left_out` and `other_reason` have ended. A state without items is left out.
    pub states: BTreeMap<String, u64>,
}

impl QuarantineLine {
    /// The items in any of these states.
    #[must_use]
    pub fn in_states(&self, states: &[&str]) -> u64 {
        states.iter().filter_map(|state| self.states.get(*state)).sum()
    }
}

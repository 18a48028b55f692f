//! What two extractions of one project say about each other: the one that is being worked on, and the one before.
//!
//! Three questions, none of which a single extraction can answer. Is a table still the one that the mappings were
//! written for ([`Drift`], D70)? Which rows are gone ([`Change::Vanished`], D72), and does the source itself say
//! why ([`LogRule`])? And was a text changed that may not change ([`Change::Altered`], D51)?

mod consequence;
mod evidence;
mod rows;
mod shape;

use serde::{Deserialize, Serialize};

pub use consequence::{Consequence, Finding, declared, likeness, new_codes, rows_fell};
pub use evidence::{LogRule, Logged};
pub use rows::{Change, Later, Pass, Watch};
pub use shape::{ColumnShape, Drift, DriftKind, TableShape, drift};

/// What the comparison with the extraction before came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The run that holds the extraction before; `None` for the first one of a project.
    pub previous: Option<String>,
    /// Tables and columns that are not what they were. They were accounted for: a difference that nobody accounted
    /// for stops the run before anything is compared.
    pub drift: Vec<Drift>,
    /// The tables in which something is gone or altered, or that could not be compared, by system and table.
    pub tables: Vec<TableChanges>,
}

/// What became of the rows of one table since the extraction before. Counts keys, not repetitions of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableChanges {
    /// The source system.
    pub system: String,
    /// The source table.
    pub table: String,
    /// Whether the rows were compared: not when one of the two extractions lacks a column of the key.
    pub compared: bool,
    /// Keys that are gone (D72).
    pub vanished: u64,
    /// Those of the keys that are gone of which the source itself says so.
    pub explained: u64,
    /// Rows with a text that was not to change and is another (D51).
    pub altered: u64,
    /// Whether somebody has accepted what changed in the table.
    pub accepted: bool,
}

impl TableChanges {
    /// Whether there is nothing to tell.
    #[must_use]
    pub const fn is_quiet(&self) -> bool {
        self.compared && self.vanished == 0 && self.altered == 0
    }

    /// Keys that are gone, and nothing says why.
    #[must_use]
    pub const fn unexplained(&self) -> u64 {
        self.vanished.saturating_sub(self.explained)
    }
}

impl Snapshot {
    /// What is not proven because of the comparison, as Swedish sentences. A row that is gone without a trace may
    /// have been deleted, and it may have been lost while the source was read: no other direction can tell.
    #[must_use]
    pub fn unproven(&self) -> Vec<String> {
        let open = self.tables.iter().filter(|table| !table.accepted);
        open.filter_map(|changes| {
            let TableChanges { system, table, .. } = changes;
            if !changes.compared {
                return Some(format!("{system}/{table} har inte kunnat jämföras med förra läsningen."));
            }
            let rows = match changes.unexplained() {
                0 => return None,
                1 => "En rad".to_owned(),
                many => format!("{many} rader"),
            };
            Some(format!(
                "{rows} i {system}/{table} har försvunnit sedan förra läsningen utan att källan säger varför."
            ))
        })
        .collect()
    }
}

#[cfg(test)]
mod tests;

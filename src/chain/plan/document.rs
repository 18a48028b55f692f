//! The plan as it lies in its file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bron_mappings::Artefact;
use bron_reconcile::summary::EntityChanges;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// What loading a run will do to a target, and what that follows from. Everything is sorted, so that the same plan is
/// the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoadPlan {
    pub(super) format: u32,
    pub(crate) run: String,
    pub(super) mapping_digest: String,
    /// The digest of each code list.
    pub(super) code_lists: BTreeMap<String, String>,
    pub(super) as_of: Option<String>,
    /// The digest of each source's content, and of what people have decided about persons.
    pub(super) sources: BTreeMap<String, String>,
    /// The digest of the rows that the target holds of every entity that the run gives.
    pub(super) target: String,
    /// Tables in which the operator accepts what changed.
    pub(crate) accepted: BTreeSet<String>,
    /// By system and table.
    pub(super) tables: Vec<PlannedTable>,
    /// By entity and system.
    pub(super) entities: Vec<PlannedEntity>,
    /// What the target had receipts for when the plan was made, by entity and system.
    pub(super) already: Vec<Written>,
}

/// What became of the rows of one source table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlannedTable {
    pub(super) system: String,
    pub(super) table: String,
    pub(super) read: u64,
    pub(super) loaded: u64,
    pub(super) merged: u64,
    /// By reason code.
    pub(super) left_out: BTreeMap<String, u64>,
    /// By reason code.
    pub(super) held_back: BTreeMap<String, u64>,
}

/// What will become of the rows of one entity that come from one system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlannedEntity {
    pub(super) entity: String,
    pub(super) system: String,
    pub(super) insert: u64,
    pub(super) update: u64,
    pub(super) unchanged: u64,
    /// By reason.
    pub(super) retire: BTreeMap<String, u64>,
    /// Rows that the target has refused of this run before. They are tried again.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(super) refused: u64,
    /// Rows that are not given and stay, because not everything was read.
    pub(super) kept: u64,
}

// The form that serde asks for.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_none(rows: &u64) -> bool {
    *rows == 0
}

impl PlannedEntity {
    /// The rows that change.
    pub(super) fn changes(&self) -> u64 {
        self.insert + self.update + self.retire.values().sum::<u64>()
    }
}

/// What receipts say was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) entity: String,
    pub(super) system: String,
    pub(super) changes: EntityChanges,
}

impl LoadPlan {
    /// Reads the text of a plan file.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let unusable = |problem: String| Failure::config(format!("{} is no plan: {problem}", path.display()));
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|error| unusable(error.to_string()))?;
        Artefact::LoadPlan.require_in(&path.display(), &value)?;
        serde_json::from_value(value).map_err(|error| unusable(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_of_the_first_format_is_read_and_one_of_a_newer_refused() {
        let stored = include_str!("../../../tests/cases/formats/plan.json");
        let path = Path::new("plan.json");
        let plan = LoadPlan::parse(path, stored).unwrap();
        assert_eq!(
            (plan.run.as_str(), plan.tables[0].read, plan.entities[0].changes()),
            ("0123456789ab", 4, 3)
        );
        let newer = stored.replace("\"format\": 1", "\"format\": 99");
        let refused = LoadPlan::parse(path, &newer).unwrap_err().message;
        assert!(refused.contains("plan.json") && refused.contains("format 99"), "{refused}");
    }
}

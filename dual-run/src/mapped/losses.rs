//! What the way back cannot write, by the rules alone: for the business to accept before an area is armed.

use std::collections::{BTreeMap, BTreeSet};

use bron_transform::WayBack;

use super::known::Known;
use super::{MappedLens, Table};

/// A field of the model that a legacy table cannot hold, or not without loss.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss {
    /// The mapping, `system/TABLE`.
    pub mapping: String,
    /// The entity.
    pub entity: String,
    /// The field.
    pub field: String,
    /// The columns that are written from it; none when it is not written at all.
    pub columns: Vec<String>,
    /// What is lost, or why it is not written.
    pub reason: String,
}

impl<K: Known> MappedLens<'_, K> {
    /// Every field whose way back loses something, in the order of mapping, entity and field. A change of a field
    /// without columns stays in the new model alone.
    #[must_use]
    pub fn losses(&self) -> Vec<Loss> {
        let mut losses = BTreeSet::new();
        for (table, inverter) in &self.inverters {
            for way in inverter.fields() {
                let (WayBack::Lossy(reason) | WayBack::NotWritable(reason)) = &way.way else { continue };
                losses.insert(Loss {
                    mapping: format!("{}/{}", table.0, table.1),
                    entity: way.entity.clone(),
                    field: way.field.clone(),
                    columns: way.columns.clone(),
                    reason: reason.clone(),
                });
            }
        }
        losses.into_iter().collect()
    }

    /// Of columns that a legacy table demands a value of, those that no field of the model writes, with the reason: a
    /// row that is born in the new model cannot come into such a table, unless the column has a default.
    #[must_use]
    pub fn unfilled(&self, demanded: &BTreeMap<Table, BTreeSet<String>>) -> Vec<(Table, String, String)> {
        let mut unfilled = Vec::new();
        for (table, columns) in demanded {
            let Some(inverter) = self.inverters.get(table) else { continue };
            let ways: BTreeMap<&str, &WayBack> =
                inverter.columns().iter().map(|one| (one.column.as_str(), &one.way)).collect();
            for column in columns {
                let reason = match ways.get(column.as_str()) {
                    Some(WayBack::Exact | WayBack::Lossy(_)) => continue,
                    Some(WayBack::NotWritable(reason)) => reason.clone(),
                    None => "no rule reads the column".to_owned(),
                };
                unfilled.push((table.clone(), column.clone(), reason));
            }
        }
        unfilled
    }
}

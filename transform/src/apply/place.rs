//! Where rows belong that came over, for those who learn later that the target refused what they became.

use bron_mappings::{Batch, EntityId, Sensitive};

use super::Writer;
use crate::balance::{Dimension, Fate};
use crate::lookups::Lookups;
use crate::plan::Plan;
use crate::row::BatchView;

/// Where a source row belongs that became rows of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The row's key, as rows and rejects have it.
    pub key: Sensitive<String>,
    /// The dimension under which the balance counts it.
    pub dimension: Dimension,
    /// The organisational unit on whose work list it stands; may be empty.
    pub unit: String,
}

/// The places of those rows of a batch that [`apply`](super::apply) counts as loaded, in the order of the batch, whose
/// first row stands at `first_row` of the staged table.
#[must_use]
pub fn places(plan: &Plan, lookups: &Lookups, batch: &Batch, first_row: u64) -> Vec<Place> {
    let view = BatchView::new(plan, lookups, batch, first_row);
    let mut writer = Writer::new(plan, lookups, batch.rows());
    (0..batch.rows()).filter_map(|row| writer.place(view.row(row))).collect()
}

/// What becomes of one source row, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The row's key, as rows and rejects have it.
    pub key: Sensitive<String>,
    /// What becomes of it.
    pub fate: Fate,
    /// The dimension under which the balance counts it.
    pub dimension: Dimension,
    /// The records of persons that the row is, is about or joins; none when it names nobody.
    pub persons: Vec<EntityId>,
}

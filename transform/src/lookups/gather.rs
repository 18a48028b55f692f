//! The caller's side of gathering: one form for every kind of lookup.

use bron_mappings::{Batch, MappingSet};

use super::across::AcrossGather;
use super::aggregate::AggregateGather;
use super::census::{CensusGather, CensusSlice};
use super::neighbour::NeighbourGather;
use super::parent::ParentGather;
use super::{Answer, Gather, Lookups, Need};
use crate::plan::PlanError;

/// One reading of a table for a need. Most needs take one; keys are counted in as many as keep the memory
/// small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass(Option<CensusSlice>);

/// A lookup in the making.
pub struct Gathering<'a>(Box<dyn Gather + 'a>);

/// What one pass found: for [`Lookups::add`].
#[derive(Debug)]
pub struct Found(pub(super) Answer);

impl Need {
    /// The passes over a table of so many rows.
    #[must_use]
    pub fn passes(&self, rows: u64) -> Vec<Pass> {
        match self {
            Self::Census { .. } => CensusSlice::of_table(rows).map(|slice| Pass(Some(slice))).collect(),
            Self::Parent { .. } | Self::Aggregate { .. } | Self::Neighbour { .. } | Self::Across { .. } => {
                vec![Pass(None)]
            }
        }
    }

    /// Begins a pass. `lookups` hold what was found for the needs before this one.
    ///
    /// # Errors
    /// [`PlanError`] when the mapping whose rows are compared cannot be made ready.
    pub fn gather<'a>(
        &self,
        set: &MappingSet,
        lookups: &'a Lookups,
        pass: Pass,
    ) -> Result<Gathering<'a>, PlanError> {
        Ok(Gathering(match self {
            Self::Parent { key, when, period, .. } => {
                Box::new(ParentGather::new(key.clone(), when.clone(), self.asked(set), period.clone()))
            }
            Self::Aggregate { key, when, made, .. } => {
                Box::new(AggregateGather::new(key.clone(), when.clone(), made.clone()))
            }
            Self::Census { key, latest, .. } => {
                let slice = pass.0.unwrap_or(CensusSlice::WHOLE);
                Box::new(CensusGather::new(key.clone(), *latest, slice))
            }
            Self::Neighbour { .. } => Box::new(NeighbourGather::new(self, set, lookups)?),
            Self::Across { .. } => Box::new(AcrossGather::new(self, set, lookups)?),
        }))
    }
}

impl Gathering<'_> {
    /// Adds the rows of a batch, in staged order. The batch holds at least [`Need::columns`]; a column that
    /// it lacks gives NULL.
    pub fn add(&mut self, batch: &Batch) {
        self.0.add(batch);
    }

    /// What was found.
    #[must_use]
    pub fn finish(self) -> Found {
        Found(self.0.finish())
    }
}

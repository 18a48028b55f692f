//! A batch and lookups go in, entity rows, rejects and a balance come out.

mod place;
mod trace;
mod value;
mod writer;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use bron_mappings::{Batch, Sensitive};
use rayon::prelude::*;

use crate::balance::Balance;
use crate::lookups::Lookups;
use crate::plan::Plan;
use crate::row::BatchView;
pub use place::{Place, Standing, places};
pub(crate) use trace::{Trace, TracedRow};
use writer::Writer;
pub(crate) use writer::key_text;

pub(crate) use value::{outcome, scope};

/// What one batch became.
#[derive(Debug)]
pub struct Transformed {
    /// For each entity its rows, in the order of the source's rows.
    pub entities: Vec<(String, Batch)>,
    /// Every mark, every row held back, left out or merged. See [`crate::reject_schema`].
    pub rejects: Batch,
    /// What became of the rows, by dimension.
    pub balance: Balance,
    /// Which of these rows and rejects come from which source row.
    pub(crate) trace: Trace,
}

/// Applies a mapping to a batch whose first row stands at `first_row` of the staged table.
///
/// Every row has exactly one fate, so the balance adds up to the number of rows. Nothing is decided by
/// the place of a row in a batch: any cut of a table into batches gives the same rows.
///
/// # Panics
/// When the batch has other columns than the plan was made for, and when the balance does not add up,
/// which would be a loss: better no result than that.
#[must_use]
pub fn apply(plan: &Plan, lookups: &Lookups, batch: &Batch, first_row: u64) -> Transformed {
    applied(plan, lookups, batch, (first_row, false)).0
}

/// The same, with the standing of every row of the batch, in order.
///
/// # Panics
/// As [`apply`].
#[must_use]
pub fn apply_and_tell(
    plan: &Plan,
    lookups: &Lookups,
    batch: &Batch,
    first_row: u64,
) -> (Transformed, Vec<Standing>) {
    applied(plan, lookups, batch, (first_row, true))
}

fn applied(
    plan: &Plan,
    lookups: &Lookups,
    batch: &Batch,
    (first_row, tells): (u64, bool),
) -> (Transformed, Vec<Standing>) {
    let planned = plan.schema.columns();
    assert_eq!(batch.schema().columns(), planned, "{} was planned for these columns", plan.mapping_id);
    let view = BatchView::new(plan, lookups, batch, first_row);
    let mut writer = Writer::new(plan, lookups, batch.rows());
    let mut standings = Vec::new();
    let mut rows = 0;
    for index in 0..batch.rows() {
        let row = view.row(index);
        let persons =
            if tells { row.plan().person.as_ref().map(|person| person.records(&row)) } else { None };
        let (key, at, fate) = writer.row(row);
        if tells {
            let key = Sensitive::new(key.into_inner().into_owned());
            let dimension = writer.dimension_at(at);
            standings.push(Standing { key, fate, dimension, persons: persons.unwrap_or_default() });
        }
        rows += 1;
    }
    let done = writer.finish();
    assert_eq!(rows, done.balance.rows(), "every row of {} has one fate", plan.mapping_id);
    (done, standings)
}

/// Applies a mapping to several batches on all threads, in order.
#[must_use]
pub fn apply_all(plan: &Plan, lookups: &Lookups, batches: &[(u64, Batch)]) -> Vec<Transformed> {
    batches.par_iter().map(|(first_row, batch)| apply(plan, lookups, batch, *first_row)).collect()
}

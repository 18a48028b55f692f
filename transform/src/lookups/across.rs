//! Rules over several rows of one table: the same thing again within some days, and rows that refer to
//! each other in a circle.

mod circle;
mod repeats;

use bron_mappings::{Batch, MappingSet};

use super::{Answer, Gather, Lookups, Need};
use crate::apply::scope;
use crate::functions::AcrossRows;
use crate::plan::{Plan, PlanError, PlannedCheck, PlannedCheckKind};
use crate::row::BatchView;

pub(crate) use circle::refers_in_a_circle;
pub(crate) use repeats::repeats_within;

/// Shows the rows of a table, read as a rule of its mapping reads them, to a function across rows.
pub(super) struct AcrossGather<'a> {
    plan: Plan,
    check: usize,
    function: Box<dyn AcrossRows>,
    lookups: &'a Lookups,
    next_row: u64,
}

impl<'a> AcrossGather<'a> {
    pub(super) fn new(need: &Need, set: &MappingSet, lookups: &'a Lookups) -> Result<Self, PlanError> {
        let plan = Plan::of_need(set, need)?;
        let of_need = |check: &PlannedCheck| match &check.kind {
            PlannedCheckKind::Across { need: of, .. } => of == need,
            PlannedCheckKind::Row(..) => false,
        };
        let check = plan.checks.iter().position(of_need);
        let check = check.expect("a need of a rule across rows is made from a check of the mapping");
        let PlannedCheckKind::Across { begin, .. } = &plan.checks[check].kind else {
            unreachable!("the check was found by its kind")
        };
        Ok(Self { check, function: begin(), plan, lookups, next_row: 0 })
    }
}

impl Gather for AcrossGather<'_> {
    fn add(&mut self, batch: &Batch) {
        let view = BatchView::new(&self.plan, self.lookups, batch, self.next_row);
        let check = &self.plan.checks[self.check];
        let PlannedCheckKind::Across { inputs, .. } = &check.kind else {
            unreachable!("the check was found by its kind")
        };
        for index in 0..batch.rows() {
            let place = self.next_row;
            self.next_row += 1;
            let mut row = view.row(index);
            let scope = scope(&row, &mut Vec::new(), &mut Vec::new());
            row.belongs_to(scope);
            if row.holds(&check.when) {
                row.with_texts(inputs, |texts| self.function.add(place, texts));
            }
        }
    }

    fn finish(self: Box<Self>) -> Answer {
        Answer::Rows(self.function.finish())
    }
}

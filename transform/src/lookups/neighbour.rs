//! Rows of one table in an order within groups: the row before and the row after each.

use std::fmt;

use bron_mappings::{Batch, Direction, MappingSet};

use super::index::KeyIndex;
use super::texts::{TextTable, TextTableBuilder};
use super::{Answer, Gather, Lookups, Need, columns_of, join_key, moment, slot, text_at};
use crate::plan::{Plan, PlanError, PlannedNeighbour};
use crate::row::BatchView;

/// For each row of a table the rows beside it, and some texts of them.
pub(crate) struct NeighbourTable {
    before: Vec<u32>,
    after: Vec<u32>,
    texts: TextTable,
}

impl fmt::Debug for NeighbourTable {
    /// Prints the number of rows, never a text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NeighbourTable({} rows)", self.before.len().max(self.after.len()))
    }
}

/// A row has no neighbour.
const NONE: u32 = u32::MAX;

impl NeighbourTable {
    /// The place in [`Self::texts`] of the neighbour of the row at this place of the staged table.
    pub(crate) fn find(&self, direction: Direction, row: u64) -> Option<usize> {
        let side = match direction {
            Direction::Before => &self.before,
            Direction::After => &self.after,
        };
        let found = *side.get(usize::try_from(row).ok()?)?;
        if found == NONE { None } else { usize::try_from(found).ok() }
    }

    pub(crate) const fn texts(&self) -> &TextTable {
        &self.texts
    }
}

/// Gathers a [`NeighbourTable`]: reads each row as a rule of its mapping does.
pub(super) struct NeighbourGather<'a> {
    plan: Plan,
    /// One of the neighbours of the plan that the table is for; they differ in direction at most.
    neighbour: usize,
    directions: Vec<Direction>,
    lookups: &'a Lookups,
    columns: Vec<String>,
    groups: KeyIndex,
    /// For each row that takes part its group, its moment and its place in `rows`.
    order: Vec<(u32, i64, u32)>,
    /// The places in the staged table of the rows that take part.
    rows: Vec<u64>,
    texts: TextTableBuilder,
    next_row: u64,
}

impl<'a> NeighbourGather<'a> {
    pub(super) fn new(need: &Need, set: &MappingSet, lookups: &'a Lookups) -> Result<Self, PlanError> {
        let plan = Plan::of_need(set, need)?;
        let of_need = |neighbour: &&PlannedNeighbour| neighbour.need == *need;
        let directions = plan.neighbours.iter().filter(of_need).map(|one| one.direction).collect();
        let neighbour = plan.neighbours.iter().position(|neighbour| neighbour.need == *need);
        let columns = need.asked(set);
        Ok(Self {
            neighbour: neighbour.expect("a need of a neighbour is made from a neighbour of the mapping"),
            directions,
            plan,
            lookups,
            texts: TextTable::builder(columns.clone()),
            columns,
            groups: KeyIndex::default(),
            order: Vec::new(),
            rows: Vec::new(),
            next_row: 0,
        })
    }

    /// For each row of the staged table the place of its neighbour, when the rows that take part are gone
    /// through in this order.
    fn side<'o>(&self, order: impl Iterator<Item = &'o (u32, i64, u32)>) -> Vec<u32> {
        let rows = usize::try_from(self.next_row).expect("memory holds fewer rows than it can address");
        let mut side = vec![NONE; rows];
        let mut last: Option<(u32, u32)> = None;
        for &(group, _, row) in order {
            if let Some((_, neighbour)) = last.filter(|(of, _)| *of == group) {
                let row = self.rows[usize::try_from(row).expect("32 bits fit a usize")];
                side[usize::try_from(row).expect("it is smaller than the number of rows")] = neighbour;
            }
            last = Some((group, row));
        }
        side
    }
}

impl Gather for NeighbourGather<'_> {
    fn add(&mut self, batch: &Batch) {
        let view = BatchView::new(&self.plan, self.lookups, batch, self.next_row);
        let neighbour = &self.plan.neighbours[self.neighbour];
        let asked = columns_of(batch, &self.columns);
        for index in 0..batch.rows() {
            let place = self.next_row;
            self.next_row += 1;
            let row = view.row(index);
            if !row.holds(&neighbour.when) {
                continue;
            }
            let Some(at) = row.text(&neighbour.order).and_then(moment) else { continue };
            let Some(group) = join_key(neighbour.group.iter().map(|source| row.text(source))) else {
                continue;
            };
            let (group, _) = self.groups.insert(&group);
            self.order.push((slot(group), at, slot(self.rows.len())));
            self.rows.push(place);
            self.texts.push(asked.iter().map(|cells| text_at(cells.as_ref(), index)));
        }
    }

    fn finish(mut self: Box<Self>) -> Answer {
        self.order.sort_unstable();
        let order = std::mem::take(&mut self.order);
        let wanted = |direction| self.directions.contains(&direction);
        let before = if wanted(Direction::Before) { self.side(order.iter()) } else { Vec::new() };
        let after = if wanted(Direction::After) { self.side(order.iter().rev()) } else { Vec::new() };
        Answer::Neighbours(NeighbourTable { before, after, texts: self.texts.finish() })
    }
}

//! Resolves the parents, neighbours and lookups of a mapping.

use bron_mappings::{CodeInput, Lookup, Origin};

use super::planner::Planner;
use super::{PlanError, PlannedCode, PlannedLookup, PlannedNeighbour, PlannedParent, Source};
use crate::calendar::MICROS_PER_MINUTE;
use crate::lookups::{aggregate_need, neighbour_need, parent_need};

impl Planner<'_> {
    /// A text of another row: of a parent or of a neighbour.
    pub(super) fn beside(&self, origin: &Origin, column: &str) -> Result<Source, PlanError> {
        let column_of = |name: &str| {
            let found = self.columns_read(name).binary_search_by(|known| known.as_str().cmp(column));
            found.expect("the columns of another row are those that origins name")
        };
        if let Some(parent) = self.mapping.parent(origin) {
            let column = column_of(&self.mapping.parents[parent].name);
            return Ok(Source::Parent { parent, column });
        }
        if let Some(neighbour) = self.mapping.neighbour(origin) {
            let column = column_of(&self.mapping.neighbours[neighbour].name);
            return Ok(Source::Neighbour { neighbour, column });
        }
        let name = origin.name.split('.').next().unwrap_or_default();
        Err(self.error(format!("there is no parent `{name}`")))
    }

    /// The columns of a parent or neighbour that any rule or lookup reads, ordered.
    fn columns_read(&self, name: &str) -> Vec<String> {
        let others = self.mapping.origins().filter_map(Origin::parent);
        let of_this = others.filter(|(known, _)| *known == name);
        let mut columns: Vec<String> = of_this.map(|(_, column)| column.to_owned()).collect();
        columns.sort();
        columns.dedup();
        columns
    }

    pub(super) fn parents(&self) -> Result<Vec<PlannedParent>, PlanError> {
        let parents = self.mapping.parents.iter().map(|parent| {
            let at = parent.valid.as_ref().map(|valid| {
                let slack = i64::from(valid.slack_minutes) * MICROS_PER_MINUTE;
                Ok((self.source(&valid.at)?, slack))
            });
            Ok(PlannedParent {
                need: parent_need(parent),
                on: self.on(&parent.on)?,
                at: at.transpose()?,
                columns: self.columns_read(&parent.name),
            })
        });
        parents.collect()
    }

    pub(super) fn neighbours(&self) -> Result<Vec<PlannedNeighbour>, PlanError> {
        let neighbours = self.mapping.neighbours.iter().map(|neighbour| {
            Ok(PlannedNeighbour {
                need: neighbour_need(self.mapping, neighbour),
                direction: neighbour.direction,
                group: self.sources(&neighbour.group)?,
                order: self.source(&neighbour.order)?,
                when: self.when(&neighbour.when)?,
                columns: self.columns_read(&neighbour.name),
            })
        });
        neighbours.collect()
    }

    pub(super) fn lookups(&self) -> Result<Vec<PlannedLookup>, PlanError> {
        let lookups = self.mapping.lookups.iter().map(|lookup| match lookup {
            Lookup::Aggregate(aggregate) => {
                let need = aggregate_need(aggregate);
                Ok(PlannedLookup::Aggregate { need, on: self.on(&aggregate.on)? })
            }
            Lookup::Code(code) => Ok(PlannedLookup::Code {
                list: self.code_table(&code.list)?,
                code: match &code.code {
                    CodeInput::Origin(origin) => PlannedCode::Source(self.source(origin)?),
                    CodeInput::Const(text) => PlannedCode::Const(text.clone()),
                },
                date: code.date.as_ref().map(|date| self.source(date)).transpose()?,
            }),
            Lookup::First(first) => Ok(PlannedLookup::First(self.sources(&first.from)?)),
        });
        lookups.collect()
    }

    fn on(&self, on: &[(Origin, Origin)]) -> Result<Vec<Source>, PlanError> {
        on.iter().map(|(own, _)| self.source(own)).collect()
    }
}

//! A mapping made ready for one batch schema: every name is resolved and every strategy chosen before
//! the first row, so that the loop over rows does not read configuration.

mod codes;
mod constant;
mod planner;
mod refusals;
#[cfg(test)]
mod tests;

use std::fmt;

use bron_mappings::{
    Action, BatchSchema, Condition, Entity, InstallationSecret, Mapping, MappingSet, ReasonCode, Repeats,
    ResponsibleBody,
};

use crate::functions::{Cell, CheckFn, FieldFn, REGISTRY_VERSION};
use crate::lookups::Need;
use codes::CodeTable;
use planner::Planner;
pub(crate) use refusals::MOST_PARENTS;

/// A mapping that cannot be made ready: a check of the mapping files would have said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    mapping: String,
    problem: String,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mapping {} cannot be used: {}", self.mapping, self.problem)
    }
}

impl std::error::Error for PlanError {}

/// Where a text comes from, resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A column of the batch.
    Own(usize),
    /// One of the [`PlannedParent::columns`] of a parent.
    Parent { parent: usize, column: usize },
    /// One of the [`Plan::sums`].
    Sum(usize),
    /// The day on which the source was read.
    AsOf,
}

pub(crate) struct PlannedParent {
    pub(crate) need: Need,
    pub(crate) on: Vec<Source>,
    pub(crate) columns: Vec<String>,
}

pub(crate) struct PlannedSum {
    pub(crate) need: Need,
    pub(crate) on: Vec<Source>,
}

pub(crate) enum PlannedRule {
    Id { entity: String, key: Vec<Source>, part: Option<String> },
    Ref { entity: String, system: String, table: String, key: Vec<Source>, part: Option<String> },
    Function { call: FieldFn, inputs: Vec<Source> },
    Codes { list: CodeTable, input: Source, date: Option<Source>, fallback: Option<String> },
    Const(Cell<'static>),
}

pub(crate) struct PlannedField {
    /// The position in the entity's columns.
    pub(crate) column: usize,
    pub(crate) name: String,
    pub(crate) rule: PlannedRule,
    pub(crate) required: bool,
    pub(crate) on_bad: Action,
    pub(crate) default: Option<Cell<'static>>,
}

pub(crate) struct PlannedTarget {
    pub(crate) entity: Entity,
    /// The position of the entity in [`Plan::entities`].
    pub(crate) builder: usize,
    pub(crate) when: Option<(Source, Condition)>,
    pub(crate) fields: Vec<PlannedField>,
    /// The position of the first shared column.
    pub(crate) shared_from: usize,
}

pub(crate) enum PlannedCheckKind {
    Row(CheckFn, Vec<Source>),
    Across(Need),
}

pub(crate) struct PlannedCheck {
    pub(crate) rule: ReasonCode,
    pub(crate) action: Action,
    pub(crate) when: Option<(Source, Condition)>,
    pub(crate) kind: PlannedCheckKind,
}

/// A mapping made ready.
pub struct Plan {
    pub(crate) schema: BatchSchema,
    pub(crate) system: String,
    pub(crate) table: String,
    pub(crate) mapping_id: String,
    pub(crate) mapping_version: String,
    pub(crate) secret: InstallationSecret,
    pub(crate) responsible_body: Option<ResponsibleBody>,
    pub(crate) key: Vec<Source>,
    pub(crate) census: Need,
    pub(crate) repeats: Repeats,
    pub(crate) parents: Vec<PlannedParent>,
    pub(crate) sums: Vec<PlannedSum>,
    pub(crate) area: Option<PlannedField>,
    pub(crate) namnd: Option<PlannedField>,
    pub(crate) year: Option<Source>,
    pub(crate) sekretess: Option<String>,
    pub(crate) exclusions: Vec<(ReasonCode, Source, Condition)>,
    pub(crate) checks: Vec<PlannedCheck>,
    pub(crate) targets: Vec<PlannedTarget>,
    /// The columns that belong to the source and not to the extraction.
    pub(crate) hashed: Vec<usize>,
}

impl Plan {
    /// Makes a mapping ready for batches of `schema`.
    ///
    /// # Errors
    /// [`PlanError`] when a name cannot be resolved, when a constant, a default or an argument is no value
    /// of its type, when a rule reads a column that is not text, when a parent or a sum is found by what
    /// is not known yet, and when there are too many parents. Running the examples of a mapping finds
    /// every one of these but the type of a column.
    pub fn new(
        set: &MappingSet,
        mapping: &Mapping,
        schema: &BatchSchema,
        secret: &InstallationSecret,
    ) -> Result<Self, PlanError> {
        let planner = Planner { set, mapping, schema };
        planner.refuse_unusable()?;
        let census = Need::Census {
            system: mapping.system.clone(),
            table: mapping.table.clone(),
            key: mapping.key.iter().map(|origin| origin.name.clone()).collect(),
            latest: mapping.repeats == Repeats::Latest,
        };
        let exclusions = mapping.exclusions.iter().map(|exclusion| {
            Ok((exclusion.reason, planner.source(&exclusion.when.origin)?, exclusion.when.clone()))
        });
        Ok(Self {
            schema: schema.clone(),
            system: mapping.system.clone(),
            table: mapping.table.clone(),
            mapping_id: mapping.id.clone(),
            mapping_version: set.version(mapping, REGISTRY_VERSION),
            secret: secret.clone(),
            responsible_body: set.model.responsible_body.clone(),
            key: planner.sources(&mapping.key)?,
            census,
            repeats: mapping.repeats,
            parents: planner.parents()?,
            sums: planner.sums()?,
            area: planner.dimension(mapping.scope.area.as_ref())?,
            namnd: planner.dimension(mapping.scope.namnd.as_ref())?,
            year: mapping.scope.year.as_ref().map(|origin| planner.source(origin)).transpose()?,
            sekretess: mapping.scope.sekretess.clone(),
            exclusions: exclusions.collect::<Result<_, _>>()?,
            checks: planner.checks()?,
            targets: planner.targets()?,
            hashed: (0..schema.columns().len())
                .filter(|&at| !schema.columns()[at].name.starts_with('_'))
                .collect(),
        })
    }

    /// The entities that rows become, in the order of the mapping, each once.
    #[must_use]
    pub fn entities(&self) -> Vec<&Entity> {
        let mut entities: Vec<&Entity> = Vec::new();
        for target in &self.targets {
            if !entities.iter().any(|known| known.name == target.entity.name) {
                entities.push(&target.entity);
            }
        }
        entities
    }
}

//! A mapping made ready for one batch schema: every name is resolved and every strategy chosen before
//! the first row, so that the loop over rows does not read configuration.

mod codes;
mod constant;
mod lookups;
mod person;
mod planner;
mod refusals;
#[cfg(test)]
mod tests;

use std::fmt;

use bron_mappings::{
    Action, BatchSchema, ConditionTest, Direction, Entity, IdSeries, InstallationSecret, Mapping, MappingSet,
    ReasonCode, Repeats, ResponsibleBody,
};

use crate::functions::{BeginAcross, Cell, CheckFn, FieldFn, REGISTRY_VERSION};
use crate::lookups::{Need, census_need, text_schema};
pub(crate) use codes::{CodeTable, Meant};
pub(crate) use constant::constant;
pub(crate) use person::PlannedPerson;
use planner::Planner;

/// A mapping that cannot be made ready: a check of the mapping files would have said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    mapping: String,
    problem: String,
}

impl PlanError {
    pub(crate) fn new(mapping: &Mapping, problem: impl Into<String>) -> Self {
        Self { mapping: mapping.id.clone(), problem: problem.into() }
    }
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
    /// One of the [`PlannedNeighbour::columns`] of a neighbour.
    Neighbour { neighbour: usize, column: usize },
    /// One of the [`Plan::lookups`].
    Lookup(usize),
    /// The day on which the source was read.
    AsOf,
    /// The protection of the person that the row is about.
    Skydd,
}

/// Conditions, all of which must hold.
pub(crate) type When = Vec<(Source, ConditionTest)>;

pub(crate) struct PlannedParent {
    pub(crate) need: Need,
    pub(crate) on: Vec<Source>,
    /// The moment at which the parent must be valid, and the microseconds by which its period is wider.
    pub(crate) at: Option<(Source, i64)>,
    pub(crate) columns: Vec<String>,
}

pub(crate) struct PlannedNeighbour {
    pub(crate) need: Need,
    pub(crate) direction: Direction,
    pub(crate) group: Vec<Source>,
    pub(crate) order: Source,
    pub(crate) when: When,
    pub(crate) columns: Vec<String>,
}

pub(crate) enum PlannedLookup {
    Aggregate { need: Need, on: Vec<Source> },
    Code { list: CodeTable, code: PlannedCode, date: Option<Source> },
    First(Vec<Source>),
}

/// The code that is looked up.
pub(crate) enum PlannedCode {
    Source(Source),
    Const(String),
}

pub(crate) enum PlannedRule {
    Id {
        ids: IdSeries,
        key: Vec<Source>,
        part: Option<String>,
    },
    /// As an id, and NULL when a text of the key is NULL or empty.
    Ref {
        ids: IdSeries,
        key: Vec<Source>,
        part: Option<String>,
    },
    /// The text as found: what the function `text` gives.
    Text(Source),
    Function {
        call: FieldFn,
        inputs: Vec<Source>,
    },
    Codes {
        list: CodeTable,
        input: Source,
        date: Option<Source>,
        fallback: Option<String>,
    },
    Const(Cell<'static>),
    /// The bytes of a column of bytes, as they are.
    Bytes(usize),
    /// SHA-256 over the bytes of a column of bytes, as hexadecimal digits.
    Digest(usize),
}

pub(crate) struct PlannedField {
    /// The position in the entity's columns.
    pub(crate) column: usize,
    pub(crate) name: String,
    pub(crate) rule: PlannedRule,
    pub(crate) when: When,
    pub(crate) required: bool,
    pub(crate) on_bad: Action,
    pub(crate) default: Option<Cell<'static>>,
}

pub(crate) struct PlannedTarget {
    pub(crate) entity: Entity,
    /// The position of the entity in [`Plan::entities`].
    pub(crate) builder: usize,
    pub(crate) when: When,
    pub(crate) fields: Vec<PlannedField>,
    /// The position of the first shared column.
    pub(crate) shared_from: usize,
}

pub(crate) enum PlannedCheckKind {
    Row(CheckFn, Vec<Source>),
    Across { need: Need, begin: BeginAcross, inputs: Vec<Source> },
}

pub(crate) struct PlannedCheck {
    pub(crate) rule: ReasonCode,
    pub(crate) action: Action,
    pub(crate) when: When,
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
    pub(crate) neighbours: Vec<PlannedNeighbour>,
    pub(crate) lookups: Vec<PlannedLookup>,
    pub(crate) person: Option<PlannedPerson>,
    pub(crate) area: Option<PlannedField>,
    pub(crate) namnd: Option<PlannedField>,
    pub(crate) unit: Option<PlannedField>,
    pub(crate) year: Option<Source>,
    pub(crate) sekretess: Option<String>,
    pub(crate) exclusions: Vec<(ReasonCode, When)>,
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
    /// of its type, when a rule reads a column that is not text, when a lookup is found by what is not known
    /// yet, and when there are too many parents. Running the examples of a mapping finds every one of these
    /// but the type of a column.
    pub fn new(
        set: &MappingSet,
        mapping: &Mapping,
        schema: &BatchSchema,
        secret: &InstallationSecret,
    ) -> Result<Self, PlanError> {
        let planner = Planner { set, mapping, schema, secret };
        planner.refuse_unusable()?;
        let exclusions = mapping.exclusions.iter().map(|one| Ok((one.reason, planner.when(&one.when)?)));
        Ok(Self {
            schema: schema.clone(),
            system: mapping.system.clone(),
            table: mapping.table.clone(),
            mapping_id: mapping.id.clone(),
            mapping_version: set.version(mapping, REGISTRY_VERSION),
            secret: secret.clone(),
            responsible_body: set.model.responsible_body.clone(),
            key: planner.sources(&mapping.key)?,
            census: census_need(mapping),
            repeats: mapping.repeats,
            parents: planner.parents()?,
            neighbours: planner.neighbours()?,
            lookups: planner.lookups()?,
            person: planner.person()?,
            area: planner.dimension(mapping.scope.area.as_ref())?,
            namnd: planner.dimension(mapping.scope.namnd.as_ref())?,
            unit: planner.dimension(mapping.scope.unit.as_ref())?,
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

    /// The plan by which rows are compared with each other before any is mapped. No id is derived.
    pub(crate) fn of_need(set: &MappingSet, need: &Need) -> Result<Self, PlanError> {
        let (system, table) = need.source();
        let Some(mapping) = set.mapping(system, table) else {
            let mapping = format!("{system}/{table}");
            return Err(PlanError { mapping, problem: "there is no such mapping".to_owned() });
        };
        let columns = mapping.own_columns(mapping.origins());
        let columns: Vec<String> = columns.into_iter().map(str::to_owned).collect();
        Self::new(set, mapping, &text_schema(&columns), &InstallationSecret::new([0; 32]))
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

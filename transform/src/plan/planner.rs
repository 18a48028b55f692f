//! Resolves the names of one mapping against one batch schema.

use std::collections::BTreeMap;

use bron_mappings::{
    BatchSchema, Check, ColumnType, Condition, Entity, FieldFunction, FieldRule, FieldType, FunctionKind,
    IdSeries, InstallationSecret, Mapping, MappingSet, Origin, PROTECTION, Rule, Target,
};

use super::codes::CodeTable;
use super::constant::constant;
use super::{
    PlanError, PlannedCheck, PlannedCheckKind, PlannedField, PlannedRule, PlannedTarget, Source, When,
};
use crate::functions::{Build, Cell, FieldFn, Settings, find};
use crate::lookups::Need;

/// The function of most fields, which has a rule of its own so that no function needs to be called.
const TEXT: &str = "text";

pub(super) struct Planner<'a> {
    pub(super) set: &'a MappingSet,
    pub(super) mapping: &'a Mapping,
    pub(super) schema: &'a BatchSchema,
    pub(super) secret: &'a InstallationSecret,
}

impl Planner<'_> {
    pub(super) fn error(&self, problem: impl Into<String>) -> PlanError {
        PlanError::new(self.mapping, problem)
    }

    /// A column of the batch goes first: the examples of a mapping hand parents over as columns.
    pub(super) fn source(&self, origin: &Origin) -> Result<Source, PlanError> {
        if let Some(column) = self.schema.index_of(&origin.name) {
            let text = self.schema.columns()[column].kind == ColumnType::Text;
            return if text {
                Ok(Source::Own(column))
            } else {
                Err(self.error(format!("column `{}` is not text", origin.name)))
            };
        }
        if origin.name == "@as_of" {
            return Ok(Source::AsOf);
        }
        if origin.name == PROTECTION {
            return Ok(Source::Skydd);
        }
        if let Some((_, column)) = origin.parent() {
            return self.beside(origin, column);
        }
        let lookup = self.mapping.lookup(origin).map(Source::Lookup);
        lookup.ok_or_else(|| self.error(format!("there is no column `{}`", origin.name)))
    }

    pub(super) fn sources(&self, origins: &[Origin]) -> Result<Vec<Source>, PlanError> {
        origins.iter().map(|origin| self.source(origin)).collect()
    }

    pub(super) fn when(&self, when: &[Condition]) -> Result<When, PlanError> {
        when.iter().map(|one| Ok((self.source(&one.origin)?, one.test.clone()))).collect()
    }

    pub(super) fn checks(&self) -> Result<Vec<PlannedCheck>, PlanError> {
        self.mapping.checks.iter().enumerate().map(|(index, check)| self.check(index, check)).collect()
    }

    fn check(&self, index: usize, check: &Check) -> Result<PlannedCheck, PlanError> {
        let function = find(&check.function)
            .ok_or_else(|| self.error(format!("there is no function `{}`", check.function)))?;
        let settings = Settings { arguments: &check.arguments, scale: None };
        let kind = match function.build {
            Build::Check(build) => {
                let call = build(&settings).map_err(|problem| self.error(problem))?;
                PlannedCheckKind::Row(call, self.sources(&check.inputs)?)
            }
            Build::AcrossRows(begin) => {
                let begin = begin(&settings).map_err(|problem| self.error(problem))?;
                let (system, table) = (self.mapping.system.clone(), self.mapping.table.clone());
                let inputs = self.sources(&check.inputs)?;
                PlannedCheckKind::Across { need: Need::Across { system, table, check: index }, begin, inputs }
            }
            Build::Field(_) => return Err(self.error(format!("`{}` is not a check", check.function))),
        };
        Ok(PlannedCheck { rule: check.rule, action: check.action, when: self.when(&check.when)?, kind })
    }

    pub(super) fn dimension(&self, rule: Option<&FieldRule>) -> Result<Option<PlannedField>, PlanError> {
        rule.map(|rule| self.field("", rule, 0, &FieldType::Code)).transpose()
    }

    pub(super) fn targets(&self) -> Result<Vec<PlannedTarget>, PlanError> {
        let mut builders: Vec<&str> = Vec::new();
        let targets = self.mapping.targets.iter().map(|target| {
            let known = builders.iter().position(|entity| *entity == target.entity);
            let builder = known.unwrap_or_else(|| {
                builders.push(&target.entity);
                builders.len() - 1
            });
            self.target(target, builder)
        });
        targets.collect()
    }

    fn target(&self, target: &Target, builder: usize) -> Result<PlannedTarget, PlanError> {
        let entity = self.set.model.entity(&target.entity);
        let entity = entity.ok_or_else(|| self.error(format!("there is no entity `{}`", target.entity)))?;
        let shared_from = entity.fields.len() - Entity::shared_fields().len();
        let fields = target.fields.iter().map(|rule| {
            let column = entity.schema().index_of(&rule.field).filter(|column| *column < shared_from);
            let column = column.ok_or_else(|| {
                self.error(format!("`{}` has no field `{}` for a rule to fill", entity.name, rule.field))
            })?;
            self.field(&entity.name, rule, column, &entity.fields[column].kind)
        });
        Ok(PlannedTarget {
            entity: entity.clone(),
            builder,
            when: self.when(&target.when)?,
            fields: fields.collect::<Result<_, _>>()?,
            shared_from,
        })
    }

    fn field(
        &self,
        entity: &str,
        rule: &FieldRule,
        column: usize,
        kind: &FieldType,
    ) -> Result<PlannedField, PlanError> {
        let default = rule.default.as_deref().map(|text| self.constant(rule, kind, text)).transpose()?;
        Ok(PlannedField {
            column,
            name: rule.field.clone(),
            rule: self.rule(entity, rule, kind)?,
            when: self.when(&rule.when)?,
            required: rule.required,
            on_bad: rule.on_bad,
            default,
        })
    }

    fn rule(&self, entity: &str, rule: &FieldRule, kind: &FieldType) -> Result<PlannedRule, PlanError> {
        let fits = match &rule.rule {
            Rule::Id { .. } => *kind == FieldType::Id,
            Rule::Ref { .. } => matches!(kind, FieldType::Ref { .. }),
            Rule::Codes { .. } => FieldFunction::Text.fits(kind),
            Rule::Function { .. } | Rule::Const(_) => true,
        };
        if !fits {
            return Err(self.misfit(rule, kind));
        }
        match &rule.rule {
            Rule::Id { key, part } => Ok(PlannedRule::Id {
                ids: self.ids(entity, None, &self.mapping.table),
                key: self.sources(key)?,
                part: part.clone(),
            }),
            Rule::Ref { entity: other, system, table, key, part, .. } => Ok(PlannedRule::Ref {
                ids: self.ids(other, system.as_ref(), table),
                key: self.sources(key)?,
                part: part.clone(),
            }),
            Rule::Function { name, inputs, arguments, .. } => {
                if let Some(planned) = self.of_bytes(name, inputs, kind) {
                    return Ok(planned);
                }
                let call = self.call(name, arguments, rule, kind)?;
                let inputs = self.sources(inputs)?;
                Ok(match inputs[..] {
                    [input] if name == TEXT => PlannedRule::Text(input),
                    _ => PlannedRule::Function { call, inputs },
                })
            }
            Rule::Codes { list, input, date, fallback, .. } => {
                self.codes(list, input, date.as_ref(), fallback.as_ref())
            }
            Rule::Const(text) => self.constant(rule, kind, text).map(PlannedRule::Const),
        }
    }

    /// The ids of the rows of an entity that come from a table, of this system unless another one is named.
    pub(super) fn ids(&self, entity: &str, system: Option<&String>, table: &str) -> IdSeries {
        IdSeries::new(self.secret, entity, system.unwrap_or(&self.mapping.system), table)
    }

    /// The rule of a column that holds bytes, such as a file: only functions that keep or add up bytes.
    fn of_bytes(&self, name: &str, inputs: &[Origin], kind: &FieldType) -> Option<PlannedRule> {
        let [input] = inputs else { return None };
        let column = self.schema.index_of(&input.name)?;
        if self.schema.columns()[column].kind != ColumnType::Bytes {
            return None;
        }
        match name {
            "bytes" if *kind == FieldType::Bytes => Some(PlannedRule::Bytes(column)),
            "sha256" if FieldFunction::Text.fits(kind) => Some(PlannedRule::Digest(column)),
            _ => None,
        }
    }

    fn call(
        &self,
        name: &str,
        arguments: &BTreeMap<String, String>,
        rule: &FieldRule,
        kind: &FieldType,
    ) -> Result<FieldFn, PlanError> {
        let function = find(name).ok_or_else(|| self.error(format!("there is no function `{name}`")))?;
        let (Build::Field(build), FunctionKind::Field(gives)) = (function.build, function.spec.kind) else {
            return Err(self.error(format!("`{name}` gives no value")));
        };
        if !gives.fits(kind) {
            return Err(self.misfit(rule, kind));
        }
        let scale = if let FieldType::Decimal { scale } = kind { Some(*scale) } else { None };
        build(&Settings { arguments, scale }).map_err(|problem| self.error(problem))
    }

    fn codes(
        &self,
        list: &str,
        input: &Origin,
        date: Option<&Origin>,
        fallback: Option<&String>,
    ) -> Result<PlannedRule, PlanError> {
        Ok(PlannedRule::Codes {
            list: self.code_table(list)?,
            input: self.source(input)?,
            date: date.map(|date| self.source(date)).transpose()?,
            fallback: fallback.cloned(),
        })
    }

    pub(super) fn code_table(&self, list: &str) -> Result<CodeTable, PlanError> {
        let codes = self.set.codes.get(list);
        let codes = codes.ok_or_else(|| self.error(format!("there is no code list `{list}`")))?;
        CodeTable::new(codes, &self.mapping.system).map_err(|problem| self.error(problem))
    }

    fn constant(&self, rule: &FieldRule, kind: &FieldType, text: &str) -> Result<Cell<'static>, PlanError> {
        constant(kind, text).ok_or_else(|| {
            let (field, kind) = (&rule.field, kind.name());
            self.error(format!("the constant or default of `{field}` is no value of type {kind}"))
        })
    }

    fn misfit(&self, rule: &FieldRule, kind: &FieldType) -> PlanError {
        self.error(format!("the rule of `{}` gives no value of type {}", rule.field, kind.name()))
    }
}

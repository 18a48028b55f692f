//! What a mapping's columns are, as far as its own rules tell: the ground for the risk of a change.

use std::collections::{BTreeMap, BTreeSet};

use super::change::Risk;
use crate::mapping::{FieldRule, Mapping, Origin, PersonProtection, PersonRule, Rule};
use crate::model::{FieldType, Model};
use crate::project::MappingSet;
use crate::reject::ReasonCode;

/// Rules that only a person's identifier can break, so that what they read first is one.
const OF_IDENTIFIERS: [ReasonCode; 5] = [
    ReasonCode::CheckDigit,
    ReasonCode::CenturyAmbiguous,
    ReasonCode::CalendarImpossible,
    ReasonCode::Sentinel,
    ReasonCode::ReserveNumber,
];

/// The code lists that say how a person is protected: those that `[person]` names, and those where an
/// unknown code means the strictest.
pub(super) fn protective_lists(sets: [&MappingSet; 2]) -> BTreeSet<String> {
    let mappings = || sets.into_iter().flat_map(|set| &set.mappings);
    let of_rules = mappings().flat_map(rules).filter_map(protective_list);
    let of_persons = mappings().filter_map(protection).map(|protection| protection.list.as_str());
    of_rules.chain(of_persons).map(str::to_owned).collect()
}

/// How the rows of a mapping, which are records of persons, say that their persons are protected.
fn protection(mapping: &Mapping) -> Option<&PersonProtection> {
    mapping.person.as_ref()?.record()?.protection.as_ref()
}

/// The number of the records of persons that a mapping's rows are.
fn number(mapping: &Mapping) -> Option<&Origin> {
    Some(&mapping.person.as_ref()?.record()?.number.as_ref()?.from)
}

fn rules(mapping: &Mapping) -> impl Iterator<Item = &FieldRule> {
    mapping.scope.rules().chain(mapping.targets.iter().flat_map(|target| &target.fields))
}

/// The list of a rule where an unknown code means the strictest known one.
fn protective_list(rule: &FieldRule) -> Option<&str> {
    match &rule.rule {
        Rule::Codes { list, fallback: Some(_), .. } => Some(list),
        Rule::Codes { .. } | Rule::Id { .. } | Rule::Ref { .. } | Rule::Function { .. } | Rule::Const(_) => {
            None
        }
    }
}

/// The code list of a rule.
pub(super) fn list_of(rule: &FieldRule) -> Option<&str> {
    match &rule.rule {
        Rule::Codes { list, .. } => Some(list),
        Rule::Id { .. } | Rule::Ref { .. } | Rule::Function { .. } | Rule::Const(_) => None,
    }
}

/// The origin that gives the protection of the person that a row is about.
const PROTECTION: &str = "@skydd";

/// The risk of a type on its own.
pub(super) fn of_type(kind: &FieldType) -> Risk {
    match kind {
        FieldType::Id | FieldType::Ref { .. } => Risk::Identity,
        FieldType::Ore => Risk::Money,
        FieldType::Text
        | FieldType::Code
        | FieldType::Date
        | FieldType::Time
        | FieldType::Int
        | FieldType::Minutes
        | FieldType::Bool
        | FieldType::Bytes
        | FieldType::Decimal { .. } => Risk::Meaning,
    }
}

/// Every lookup of a mapping by name, with what it is found by.
fn lookups(mapping: &Mapping) -> Vec<(&str, Vec<&Origin>)> {
    let parents = mapping.parents.iter().map(|one| (one.name.as_str(), one.origins().collect()));
    let neighbours = mapping.neighbours.iter().map(|one| (one.name.as_str(), one.origins().collect()));
    let others = mapping.lookups.iter().map(|one| (one.name(), one.origins()));
    parents.chain(neighbours).chain(others).collect()
}

/// What the columns of one mapping are, in both of its versions together.
pub(super) struct Ground<'a> {
    models: [&'a Model; 2],
    lists: &'a BTreeSet<String>,
    /// Columns that hold a person's identifier.
    identifiers: BTreeSet<&'a str>,
    /// Columns that say how a person is protected.
    protective: BTreeSet<&'a str>,
    /// The gravest risk among the rules that read an origin, by the origin's name.
    origins: BTreeMap<&'a str, Risk>,
}

impl<'a> Ground<'a> {
    pub(super) fn new(
        models: [&'a Model; 2],
        lists: &'a BTreeSet<String>,
        versions: [Option<&'a Mapping>; 2],
    ) -> Self {
        let mappings = || versions.into_iter().flatten();
        let checks = mappings().flat_map(|mapping| &mapping.checks);
        let identifiers = checks.filter(|check| OF_IDENTIFIERS.contains(&check.rule));
        let identifiers =
            identifiers.filter_map(|check| check.inputs.first()).chain(mappings().filter_map(number));
        let protective = mappings().flat_map(rules).filter_map(|rule| match &rule.rule {
            Rule::Codes { list, input, .. } if lists.contains(list) => Some(input.name.as_str()),
            Rule::Codes { .. }
            | Rule::Id { .. }
            | Rule::Ref { .. }
            | Rule::Function { .. }
            | Rule::Const(_) => None,
        });
        let declared = mappings().filter_map(protection).map(|protection| protection.from.name.as_str());
        let mut ground = Self {
            models,
            lists,
            identifiers: identifiers.map(|origin| origin.name.as_str()).collect(),
            protective: protective.chain(declared).chain([PROTECTION]).collect(),
            origins: BTreeMap::new(),
        };
        for mapping in mappings() {
            ground.read(mapping);
        }
        ground
    }

    fn read(&mut self, mapping: &'a Mapping) {
        for origin in &mapping.key {
            self.note(&origin.name, Risk::Identity);
        }
        for origin in mapping.person.iter().flat_map(PersonRule::origins) {
            self.note(&origin.name, Risk::Identity);
        }
        for target in &mapping.targets {
            for rule in &target.fields {
                let risk = self.field(&target.entity, rule);
                rule.origins().into_iter().for_each(|origin| self.note(&origin.name, risk));
            }
        }
        for rule in mapping.scope.rules() {
            let risk = self.dimension(rule);
            rule.origins().into_iter().for_each(|origin| self.note(&origin.name, risk));
        }
        // What a lookup is found by matters as much as what is read from it. A lookup reads from some of the
        // others, so as many passes as there are lookups are enough.
        let lookups = lookups(mapping);
        for _ in 0..lookups.len() {
            for (name, origins) in &lookups {
                let risk = self.lookup(name);
                origins.iter().for_each(|origin| self.note(&origin.name, risk));
            }
        }
    }

    fn note(&mut self, name: &'a str, risk: Risk) {
        let known = self.origins.entry(name).or_insert(risk);
        *known = known.graver(risk);
    }

    /// The risk of the rules that read this column.
    pub(super) fn origin(&self, name: &str) -> Risk {
        self.origins.get(name).copied().unwrap_or(Risk::Meaning).graver(self.column(name))
    }

    /// The risk of the rules that read any of these columns.
    pub(super) fn all<'o>(&self, origins: impl IntoIterator<Item = &'o Origin>) -> Risk {
        origins.into_iter().map(|origin| self.origin(&origin.name)).fold(Risk::Meaning, Risk::graver)
    }

    fn column(&self, name: &str) -> Risk {
        if self.identifiers.contains(name) {
            Risk::Identity
        } else if self.protective.contains(name) {
            Risk::Protection
        } else {
            Risk::Meaning
        }
    }

    /// The risk of the rules that read from this lookup.
    pub(super) fn lookup(&self, name: &str) -> Risk {
        let read = self.origins.iter().filter(|(origin, _)| {
            origin.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        read.map(|(_, risk)| *risk).fold(Risk::Meaning, Risk::graver)
    }

    /// The risk of a field's rule.
    pub(super) fn field(&self, entity: &str, rule: &FieldRule) -> Risk {
        let types = self.models.iter().filter_map(|model| model.entity(entity)?.field(&rule.field));
        let by_type = types.map(|field| of_type(&field.kind)).fold(Risk::Meaning, Risk::graver);
        let columns = rule.origins().into_iter().map(|origin| self.column(&origin.name));
        let protective = list_of(rule).is_some_and(|list| self.lists.contains(list));
        let by_list = if protective { Risk::Protection } else { Risk::Meaning };
        columns.fold(by_type.graver(by_list), Risk::graver)
    }

    /// The risk of a dimension. The nämnd is also the organisation that a row refers to.
    pub(super) fn dimension(&self, rule: &FieldRule) -> Risk {
        let refers = self.models.iter().any(|model| model.responsible_body.is_some());
        if rule.field == "namnd" && refers { Risk::Identity } else { Risk::Meaning }
    }
}

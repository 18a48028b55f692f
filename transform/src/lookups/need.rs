//! What the mappings ask for.

use std::collections::BTreeSet;

use bron_mappings::{
    Aggregate, AggregateKind, Condition, ConditionTest, Mapping, MappingSet, Neighbour, Parent, Repeats,
};

use crate::functions::{Build, find};

/// Conditions on columns of another table, all of which must hold.
pub type Filter = Vec<(String, ConditionTest)>;

/// Names one lookup: what it is made from, and for whom. The order of needs is the order in which they are
/// gathered: those that look at rows of a mapping's own table come after those by which such rows are read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The rows of `table`, found by `key`.
    Parent {
        /// The system.
        system: String,
        /// The table.
        table: String,
        /// The columns of the key.
        key: Vec<String>,
        /// The rows that can be parents.
        when: Filter,
        /// The columns where the period of a row begins and ends, when a key has several rows.
        period: Option<(String, String)>,
    },
    /// One text about the rows of `table` for each `key`.
    Aggregate {
        /// The system.
        system: String,
        /// The table.
        table: String,
        /// The columns of the key.
        key: Vec<String>,
        /// The rows that count.
        when: Filter,
        /// What is made of them.
        made: Made,
    },
    /// Which rows of a mapping's table repeat a key.
    Census {
        /// The system.
        system: String,
        /// The table.
        table: String,
        /// The columns of the key.
        key: Vec<String>,
        /// Whether the last row counts, and not the first.
        latest: bool,
    },
    /// The rows of a mapping's table in an order within groups.
    Neighbour {
        /// The system.
        system: String,
        /// The table.
        table: String,
        /// The origins of the group.
        group: Vec<String>,
        /// The origin of the moment.
        order: String,
        /// The rows that take part, by their origins.
        when: Filter,
    },
    /// Which rows of a mapping's table break a rule over several rows.
    Across {
        /// The system.
        system: String,
        /// The table.
        table: String,
        /// The position of the check in the mapping.
        check: usize,
    },
}

/// What is made of the rows of a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Made {
    /// Their number.
    Count {
        /// The column whose different texts are counted instead.
        distinct: Option<String>,
    },
    /// Their sum.
    Sum {
        /// The column that is summed.
        value: String,
        /// The column that tells the sign and the values that subtract.
        minus: Option<(String, Vec<String>)>,
    },
    /// The smallest text.
    Earliest {
        /// The column.
        value: String,
    },
    /// The greatest text.
    Latest {
        /// The column.
        value: String,
    },
    /// How many minutes their periods last together.
    Minutes {
        /// The column where a period begins.
        from: String,
        /// The column where it ends.
        to: String,
    },
}

impl Need {
    /// The system and the table that the lookup is made from.
    #[must_use]
    pub fn source(&self) -> (&str, &str) {
        match self {
            Self::Parent { system, table, .. }
            | Self::Aggregate { system, table, .. }
            | Self::Census { system, table, .. }
            | Self::Neighbour { system, table, .. }
            | Self::Across { system, table, .. } => (system, table),
        }
    }

    /// The columns that have to be read, in the order of their names.
    #[must_use]
    pub fn columns(&self, set: &MappingSet) -> Vec<String> {
        let mut columns: BTreeSet<String> = self.asked(set).into_iter().collect();
        match self {
            Self::Parent { key, when, period, .. } => {
                columns.extend(key.iter().cloned());
                columns.extend(when.iter().map(|(column, _)| column.clone()));
                columns.extend(period.iter().flat_map(|(from, to)| [from, to]).cloned());
            }
            Self::Aggregate { key, when, made, .. } => {
                columns.extend(key.iter().cloned());
                columns.extend(when.iter().map(|(column, _)| column.clone()));
                columns.extend(made.columns().into_iter().flatten().cloned());
            }
            Self::Census { key, .. } => columns.extend(key.iter().cloned()),
            Self::Neighbour { .. } | Self::Across { .. } => columns.extend(self.row_columns(set)),
        }
        columns.into_iter().collect()
    }

    /// The columns of a mapping's own table by which its rows are compared with each other.
    fn row_columns(&self, set: &MappingSet) -> Vec<String> {
        let (system, table) = self.source();
        let Some(mapping) = set.mapping(system, table) else { return Vec::new() };
        let columns = match self {
            Self::Across { check, .. } => {
                let check = &mapping.checks[*check];
                let when = check.when.iter().map(|condition| &condition.origin);
                // A list of codes may mean different things in different areas.
                let scope = mapping.scope.rules().flat_map(bron_mappings::FieldRule::origins);
                mapping.own_columns(check.inputs.iter().chain(when).chain(scope))
            }
            Self::Neighbour { .. } => {
                let of_this = neighbours(mapping).filter(|(need, _)| need == self);
                mapping.own_columns(of_this.flat_map(|(_, neighbour)| neighbour.origins()))
            }
            Self::Parent { .. } | Self::Aggregate { .. } | Self::Census { .. } => BTreeSet::new(),
        };
        columns.into_iter().map(str::to_owned).collect()
    }

    /// The columns of parents and neighbours whose texts some rule reads, ordered.
    pub(super) fn asked(&self, set: &MappingSet) -> Vec<String> {
        let mut columns = BTreeSet::new();
        for mapping in &set.mappings {
            let parents = parents(mapping).filter(|(need, _)| need == self).map(|(_, parent)| &parent.name);
            let neighbours = neighbours(mapping).filter(|(need, _)| need == self).map(|(_, one)| &one.name);
            let names: Vec<&String> = parents.chain(neighbours).collect();
            if !names.is_empty() {
                let read = mapping.origins().filter_map(bron_mappings::Origin::parent);
                let of_these = read.filter(|(name, _)| names.iter().any(|known| known == name));
                columns.extend(of_these.map(|(_, column)| column.to_owned()));
            }
        }
        columns.into_iter().collect()
    }
}

/// Every lookup that these mappings need, in the order in which they are gathered. `unique` says whether
/// the source itself guarantees that the mapping's key is unique, so that no census is needed.
pub fn needs<'m>(
    mappings: impl IntoIterator<Item = &'m Mapping>,
    unique: impl Fn(&Mapping) -> bool,
) -> Vec<Need> {
    let mut needs = Vec::new();
    for mapping in mappings {
        let (system, table) = (mapping.system.clone(), mapping.table.clone());
        needs.extend(parents(mapping).map(|(need, _)| need));
        needs.extend(mapping.aggregates().map(aggregate_need));
        needs.extend(neighbours(mapping).map(|(need, _)| need));
        if mapping.repeats == Repeats::Latest || !unique(mapping) {
            needs.push(census_need(mapping));
        }
        for (index, check) in mapping.checks.iter().enumerate() {
            if find(&check.function).is_some_and(|function| matches!(function.build, Build::AcrossRows(_))) {
                needs.push(Need::Across { system: system.clone(), table: table.clone(), check: index });
            }
        }
    }
    needs.sort();
    needs.dedup();
    needs
}

fn parents(mapping: &Mapping) -> impl Iterator<Item = (Need, &Parent)> {
    mapping.parents.iter().map(|parent| (parent_need(parent), parent))
}

fn neighbours(mapping: &Mapping) -> impl Iterator<Item = (Need, &Neighbour)> {
    mapping.neighbours.iter().map(|neighbour| (neighbour_need(mapping, neighbour), neighbour))
}

pub(crate) fn parent_need(parent: &Parent) -> Need {
    let (system, table) = (parent.other.system.clone(), parent.other.table.clone());
    let period = parent.valid.as_ref().map(|valid| (valid.from.name.clone(), valid.to.name.clone()));
    Need::Parent { system, table, key: key_of(&parent.on), when: filter(&parent.when), period }
}

pub(crate) fn neighbour_need(mapping: &Mapping, neighbour: &Neighbour) -> Need {
    Need::Neighbour {
        system: mapping.system.clone(),
        table: mapping.table.clone(),
        group: neighbour.group.iter().map(|origin| origin.name.clone()).collect(),
        order: neighbour.order.name.clone(),
        when: filter(&neighbour.when),
    }
}

pub(crate) fn aggregate_need(aggregate: &Aggregate) -> Need {
    let (system, table) = (aggregate.other.system.clone(), aggregate.other.table.clone());
    let made = match &aggregate.kind {
        AggregateKind::Count { distinct } => {
            Made::Count { distinct: distinct.as_ref().map(|column| column.name.clone()) }
        }
        AggregateKind::Sum { value, minus } => Made::Sum {
            value: value.name.clone(),
            minus: minus.as_ref().map(|(column, values)| (column.name.clone(), values.clone())),
        },
        AggregateKind::Earliest(value) => Made::Earliest { value: value.name.clone() },
        AggregateKind::Latest(value) => Made::Latest { value: value.name.clone() },
        AggregateKind::Minutes { from, to } => Made::Minutes { from: from.name.clone(), to: to.name.clone() },
    };
    Need::Aggregate { system, table, key: key_of(&aggregate.on), when: filter(&aggregate.when), made }
}

pub(crate) fn census_need(mapping: &Mapping) -> Need {
    Need::Census {
        system: mapping.system.clone(),
        table: mapping.table.clone(),
        key: mapping.key.iter().map(|origin| origin.name.clone()).collect(),
        latest: mapping.repeats == Repeats::Latest,
    }
}

fn key_of(on: &[(bron_mappings::Origin, bron_mappings::Origin)]) -> Vec<String> {
    on.iter().map(|(_, other)| other.name.clone()).collect()
}

fn filter(when: &[Condition]) -> Filter {
    when.iter().map(|condition| (condition.origin.name.clone(), condition.test.clone())).collect()
}

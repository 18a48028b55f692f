//! Which column fills which field of an entity, and by which rule.

use std::collections::{BTreeMap, BTreeSet};

use bron_extract::profile::{ColumnProfile, Reference, Shape, TableProfile};
use bron_mappings::{Entity, Field, FieldType};

use super::likeness::{ENOUGH, alike};

/// How a field is filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FieldGuess {
    /// The row's own id.
    Id { key: Vec<String> },
    /// The id of the row of another table.
    Ref { entity: String, table: String, key: Vec<String> },
    /// The text of a column, through a function where one is named.
    Column { column: String, function: Option<&'static str>, arguments: &'static str },
    /// A code, by a list that is made of the column's codes.
    Codes { column: String },
}

/// The fields of one entity that columns fill.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Assigned {
    pub(super) fields: BTreeMap<String, FieldGuess>,
    /// The columns that they read.
    pub(super) columns: BTreeSet<String>,
    /// How alike names and columns are, together.
    pub(super) likeness: usize,
}

/// Gives each field of an entity the column that is most like it and whose values fit, and each column one field.
pub(super) fn assign(entity: &Entity, table: &TableProfile, taken: &BTreeSet<String>) -> Assigned {
    let shared: BTreeSet<String> = Entity::shared_fields().into_iter().map(|field| field.name).collect();
    let fields = entity.fields.iter().filter(|field| !shared.contains(&field.name));
    let mut pairs: Vec<(usize, &str, &str, FieldGuess)> = Vec::new();
    for field in fields {
        for column in
            table.columns.iter().filter(|column| can_be_read(column) && !taken.contains(&column.name))
        {
            let alike = alike(&column.name, &field.name, &field.label);
            if alike >= ENOUGH
                && let Some(rule) = rule(field, column)
            {
                pairs.push((alike, &field.name, &column.name, rule));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
    let mut assigned = Assigned::default();
    for (alike, field, column, rule) in pairs {
        if !assigned.fields.contains_key(field) && assigned.columns.insert(column.to_owned()) {
            assigned.fields.insert(field.to_owned(), rule);
            assigned.likeness += alike;
        }
    }
    assigned
}

/// A column that a rule can name: a name with a point is that of a parent's column, and `@` is no column.
fn can_be_read(column: &ColumnProfile) -> bool {
    !column.name.contains('.') && !column.name.starts_with(['@', '_'])
}

/// Gives the reference fields of an entity the columns that name rows of the tables that become what they refer to.
pub(super) fn assign_references(
    entity: &Entity,
    references: &[&Reference],
    becomes: &BTreeMap<String, String>,
    assigned: &mut Assigned,
) {
    let mut pairs: Vec<(usize, &str, &Reference, &str)> = Vec::new();
    for field in &entity.fields {
        let Some(wanted) = entity.referred(&field.name).filter(|_| field.name != "namnd_id") else {
            continue;
        };
        let fitting =
            references.iter().filter(|one| becomes.get(&one.to_table).is_some_and(|made| made == wanted));
        pairs.extend(
            fitting.map(|one| {
                (alike(&one.column, &field.name, &field.label), field.name.as_str(), *one, wanted)
            }),
        );
    }
    pairs.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| (a.1, &a.2.column).cmp(&(b.1, &b.2.column))));
    for (_, field, reference, wanted) in pairs {
        let free = !assigned.fields.contains_key(field) && !assigned.columns.contains(&reference.column);
        if free {
            assigned.columns.insert(reference.column.clone());
            let rule = FieldGuess::Ref {
                entity: wanted.to_owned(),
                table: reference.to_table.clone(),
                key: vec![reference.column.clone()],
            };
            assigned.fields.insert(field.to_owned(), rule);
        }
    }
}

/// The rule by which a column can fill a field; `None` when its values do not fit.
fn rule(field: &Field, column: &ColumnProfile) -> Option<FieldGuess> {
    let by = |function: &'static str| {
        Some(FieldGuess::Column { column: column.name.clone(), function: Some(function), arguments: "" })
    };
    let copy = || Some(FieldGuess::Column { column: column.name.clone(), function: None, arguments: "" });
    let open = !column.sentinels.is_empty();
    let shape = column.usual_shape()?;
    let (is_date, is_moment) = (
        matches!(shape, Shape::Date | Shape::CompactDate | Shape::SentinelDate | Shape::Moment),
        matches!(shape, Shape::Moment | Shape::SentinelDate),
    );
    let is_number = matches!(shape, Shape::WholeNumber | Shape::DecimalPoint | Shape::DecimalComma);
    match &field.kind {
        FieldType::Id | FieldType::Ref { .. } => None,
        FieldType::Date if is_date => by(if open { "open_end_date" } else { "date" }),
        FieldType::Time if is_moment => by(if open { "open_end_time" } else { "time" }),
        FieldType::Int if shape == Shape::WholeNumber => by("int"),
        FieldType::Minutes if shape == Shape::WholeNumber => by("minutes"),
        FieldType::Ore if is_number => by("ore"),
        FieldType::Decimal { .. } if is_number => by("decimal"),
        FieldType::Bool => truth(column),
        FieldType::Bytes if shape == Shape::Bytes => by("bytes"),
        FieldType::Code if shape != Shape::Bytes && column.codes.is_some() => {
            Some(FieldGuess::Codes { column: column.name.clone() })
        }
        FieldType::Text | FieldType::Code if shape != Shape::Bytes => copy(),
        FieldType::Date
        | FieldType::Time
        | FieldType::Int
        | FieldType::Minutes
        | FieldType::Ore
        | FieldType::Decimal { .. }
        | FieldType::Bytes
        | FieldType::Text
        | FieldType::Code => None,
    }
}

/// The texts that mean yes and no, where a column has two that do.
fn truth(column: &ColumnProfile) -> Option<FieldGuess> {
    const WAYS: [(&str, &str, &str); 3] = [
        ("1", "0", ""),
        ("J", "N", "{ yes = \"J\", no = \"N\" }"),
        ("Y", "N", "{ yes = \"Y\", no = \"N\" }"),
    ];
    let codes: BTreeSet<&str> = column.codes.iter().flatten().map(|one| one.code.as_str()).collect();
    let told = !codes.is_empty() && column.distinct.count() <= 2;
    let way = WAYS.iter().find(|(yes, no, _)| told && codes.iter().all(|code| code == yes || code == no));
    way.map(|(_, _, arguments)| FieldGuess::Column {
        column: column.name.clone(),
        function: Some("bool"),
        arguments,
    })
}

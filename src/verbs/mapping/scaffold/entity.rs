//! Which entity the rows of a table become.

use std::collections::{BTreeMap, BTreeSet};

use bron_extract::profile::{Reference, Shape, TableProfile};
use bron_mappings::{Entity, Model, PERSON_ENTITY};

use super::assign::{Assigned, FieldGuess, assign, assign_references};
use super::likeness::{ENOUGH, alike};
use crate::verbs::mapping::coverage::MADE_BY_BRON;

/// The entity of the numbers by which a person is known, with the functions that read one into its fields.
const IDENTIFIER: (&str, [(&str, &str); 5]) = (
    "person_identifier",
    [
        ("typ", "identifier_kind"),
        ("varde", "identifier_value"),
        ("luhn_ok", "identifier_check_digit_ok"),
        ("kalender_ok", "identifier_calendar_ok"),
        ("utfardare_oid", "identifier_oid"),
    ],
);
/// The entity of names.
const NAME: &str = "namn";
/// The field by which numbers and names say whose they are.
const WHOSE: &str = "person_id";

/// A table whose columns fill the fields of an entity need be no more like it than this.
const SOMEWHAT: usize = 50;

/// What the rows of a table may become.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Guess {
    /// The columns of the key; empty when none is known.
    pub(super) key: Vec<String>,
    pub(super) targets: Vec<TargetGuess>,
    pub(super) person: Option<PersonGuess>,
    /// The columns that somebody has to decide about, in the order of the table.
    pub(super) open: Vec<String>,
}

/// One row of the model that a row becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TargetGuess {
    pub(super) entity: String,
    pub(super) fields: BTreeMap<String, FieldGuess>,
    /// The fields that the model requires.
    pub(super) required: BTreeSet<String>,
}

/// Whose rows these are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PersonGuess {
    /// Records of persons, with the column of their number where there is one.
    Record { number: Option<String> },
    /// Rows about a person of another table, which a column names.
    About { table: String, column: String },
}

impl Guess {
    pub(super) fn entity(&self) -> Option<&str> {
        self.targets.first().map(|target| target.entity.as_str())
    }
}

/// What the rows of each table may become, in the order of the tables.
pub(super) fn guess(model: &Model, tables: &[TableProfile], references: &[Reference]) -> Vec<Guess> {
    let entities: Vec<Option<&Entity>> = tables.iter().map(|table| entity(model, table)).collect();
    // What has no key of one column cannot be referred to by one.
    let becomes = tables.iter().zip(&entities).filter_map(|(table, entity)| {
        (table.key_or_guess().len() == 1).then_some((table.table.clone(), (*entity)?.name.clone()))
    });
    let becomes: BTreeMap<String, String> = becomes.collect();
    let each = tables.iter().zip(entities);
    each.map(|(table, entity)| guess_table(model, table, entity, references, &becomes)).collect()
}

/// The entity whose name and fields are most like those of a table.
fn entity<'m>(model: &'m Model, table: &TableProfile) -> Option<&'m Entity> {
    let candidates = model.entities.values().filter(|entity| !MADE_BY_BRON.contains(&entity.name.as_str()));
    let key: BTreeSet<String> = table.key_or_guess().into_iter().collect();
    let judged = candidates.filter_map(|entity| {
        let name = alike(&table.table, &entity.name, &entity.label);
        let assigned = assign(entity, table, &key);
        let fields = assigned.fields.len();
        let half = fields >= 3 && fields * 2 >= table.columns.len();
        let convincing = name > ENOUGH || (half && name >= SOMEWHAT);
        convincing.then_some((name * 3 + assigned.likeness, entity))
    });
    judged.max_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.name.cmp(&a.1.name))).map(|(_, entity)| entity)
}

fn guess_table(
    model: &Model,
    table: &TableProfile,
    entity: Option<&Entity>,
    references: &[Reference],
    becomes: &BTreeMap<String, String>,
) -> Guess {
    let mut guess = Guess { key: table.key_or_guess(), ..Guess::default() };
    let mut read: BTreeSet<String> = guess.key.iter().cloned().collect();
    let own: Vec<&Reference> = references.iter().filter(|one| one.table == table.table).collect();
    if let Some(entity) = entity {
        let mut assigned = Assigned::default();
        assign_references(entity, &own, becomes, &mut assigned);
        let taken: BTreeSet<String> = read.union(&assigned.columns).cloned().collect();
        let values = assign(entity, table, &taken);
        for (field, rule) in values.fields {
            assigned.fields.entry(field).or_insert(rule);
        }
        read.extend(assigned.columns);
        read.extend(read_by(&assigned.fields));
        guess.targets.push(target(entity, assigned.fields, &guess.key));
        if entity.name == PERSON_ENTITY && !guess.key.is_empty() {
            describe_person(model, table, &mut guess, &mut read);
        }
    }
    if guess.person.is_none() {
        let about =
            own.iter().find(|one| becomes.get(&one.to_table).is_some_and(|made| made == PERSON_ENTITY));
        guess.person =
            about.map(|one| PersonGuess::About { table: one.to_table.clone(), column: one.column.clone() });
        read.extend(about.map(|one| one.column.clone()));
    }
    let columns = table.columns.iter().map(|column| &column.name);
    let open = columns.filter(|name| !name.starts_with('_') && !read.contains(*name));
    guess.open = open.cloned().collect();
    guess
}

/// The columns that rules read.
fn read_by(fields: &BTreeMap<String, FieldGuess>) -> Vec<String> {
    let columns = fields.values().flat_map(|rule| match rule {
        FieldGuess::Id { key } | FieldGuess::Ref { key, .. } => key.clone(),
        FieldGuess::Column { column, .. } | FieldGuess::Codes { column } => vec![column.clone()],
    });
    columns.collect()
}

/// A target with its id, and with the source's text beside every code that the model has a field for.
fn target(entity: &Entity, mut fields: BTreeMap<String, FieldGuess>, key: &[String]) -> TargetGuess {
    let codes = fields.iter().filter_map(|(field, rule)| match rule {
        FieldGuess::Codes { column } => Some((format!("{field}_verbatim"), column.clone())),
        FieldGuess::Id { .. } | FieldGuess::Ref { .. } | FieldGuess::Column { .. } => None,
    });
    for (field, column) in codes.collect::<Vec<_>>() {
        if entity.field(&field).is_some() {
            fields.entry(field).or_insert(FieldGuess::Column { column, function: None, arguments: "" });
        }
    }
    if !key.is_empty() {
        fields.insert("id".to_owned(), FieldGuess::Id { key: key.to_vec() });
    }
    let required = entity.fields.iter().filter(|field| field.required && fields.contains_key(&field.name));
    let required = required.map(|field| field.name.clone()).collect();
    TargetGuess { entity: entity.name.clone(), fields, required }
}

/// Adds what else a record of a person says: the number by its form, and the name.
fn describe_person(model: &Model, table: &TableProfile, guess: &mut Guess, read: &mut BTreeSet<String>) {
    let is_number = |shape: &Shape| {
        matches!(shape, Shape::Personnummer | Shape::Samordningsnummer | Shape::OtherIdentifier)
    };
    let numbers = table.columns.iter().filter(|column| column.usual_shape().as_ref().is_some_and(is_number));
    let number = numbers.map(|column| column.name.clone()).find(|name| !guess.key.contains(name));
    let whose = |fields: &mut BTreeMap<String, FieldGuess>| {
        let rule = FieldGuess::Ref {
            entity: PERSON_ENTITY.to_owned(),
            table: table.table.clone(),
            key: guess.key.clone(),
        };
        fields.insert(WHOSE.to_owned(), rule);
    };
    let refers = |name: &str| {
        let entity = model.entity(name)?;
        (entity.referred(WHOSE) == Some(PERSON_ENTITY)).then_some(entity)
    };
    let mut more = Vec::new();
    if let (Some(entity), Some(column)) = (refers(IDENTIFIER.0), &number) {
        let known = IDENTIFIER.1.iter().filter(|(field, _)| entity.field(field).is_some());
        let rule =
            |function| FieldGuess::Column { column: column.clone(), function: Some(function), arguments: "" };
        let mut fields: BTreeMap<String, FieldGuess> =
            known.map(|(field, function)| ((*field).to_owned(), rule(*function))).collect();
        whose(&mut fields);
        more.push(target(entity, fields, &guess.key));
        read.insert(column.clone());
    }
    if let Some(entity) = refers(NAME) {
        let mut assigned = assign(entity, table, read);
        if !assigned.fields.is_empty() {
            whose(&mut assigned.fields);
            more.push(target(entity, assigned.fields, &guess.key));
            read.extend(assigned.columns);
        }
    }
    guess.targets.extend(more);
    guess.person = Some(PersonGuess::Record { number });
}

//! References that lead elsewhere or nowhere.

use super::{Damage, damage};
use crate::shape::{Class, Column};

pub(super) const DAMAGES: &[Damage] = &[
    damage("references_swapped", "references swapped between two rows", |scene| {
        scene.pair(
            is_reference,
            |_| false,
            |one, other| {
                let (one, other) = (one.last()?.clone(), other.last()?.clone());
                (one.is_some() && other.is_some()).then_some([other, one])
            },
        )
    }),
    damage("person_wrong", "a row linked to another person", |scene| {
        let persons = scene.rows("person", &[])?;
        let persons: Vec<String> = persons.into_iter().filter_map(|mut row| row.remove(0)).collect();
        let names_person =
            |entity: &str, column: &Column| is_reference(entity, column) && column.name.starts_with("person");
        scene.field(names_person, |cell, draw| {
            let value = cell.value.filter(|value| persons.iter().any(|person| person == value))?;
            let others: Vec<&String> = persons.iter().filter(|person| *person != value).collect();
            (!others.is_empty()).then(|| Some((*draw.one_of(&others)).clone()))
        })
    }),
    damage("reference_to_nothing", "a reference to a row that is not there", |scene| {
        let nowhere = scene.new_id();
        scene.field(is_reference, move |cell, _| cell.value.map(|_| Some(nowhere.clone())))
    }),
    damage("reference_lost", "a reference lost", |scene| {
        scene.field(is_reference, |cell, _| cell.value.map(|_| None))
    }),
];

fn is_reference(_: &str, column: &Column) -> bool {
    column.is_content() && column.class == Class::Ref
}

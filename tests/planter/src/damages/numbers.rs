//! Amounts and times that are others, alone and in pairs that hide each other in a sum.

use super::{Damage, damage};
use crate::scene::{Row, Scene};
use crate::shape::{Class, Column};
use crate::{plan::Plan, values};

pub(super) const DAMAGES: &[Damage] = &[
    damage("ore_off_by_one", "an amount one öre too high or too low", |scene| {
        scene.field(is_ore, |cell, draw| values::off_by_one(cell.value?, draw).map(Some))
    }),
    damage("sign_changed", "the sign of an amount", |scene| {
        scene.field(is_ore, |cell, _| values::number(cell.value?, i64::checked_neg).map(Some))
    }),
    damage("decimal_shifted", "an amount a hundred times too high or too low", |scene| {
        scene.field(is_ore, |cell, draw| values::decimal_shifted(cell.value?, draw).map(Some))
    }),
    damage("digits_exchanged", "two neighbouring digits of a number exchanged", |scene| {
        let is_number = |_: &str, column: &Column| {
            column.is_content()
                && matches!(column.class, Class::Ore | Class::Minutes | Class::Int | Class::Decimal)
        };
        scene.field(is_number, |cell, draw| values::digits_exchanged(cell.value?, draw).map(Some))
    }),
    damage("minutes_off_by_one", "a minute too many or too few", |scene| {
        scene.field(is_minutes, |cell, draw| values::off_by_one(cell.value?, draw).map(Some))
    }),
    damage("number_lost", "an amount or a time lost", |scene| {
        scene.field(is_amount, |cell, _| cell.value.map(|_| None))
    }),
    damage("nought_for_nothing", "nothing (NULL) became 0", |scene| {
        scene.field(is_amount, |cell, _| cell.value.is_none().then(|| Some("0".to_owned())))
    }),
    damage("cancelling_across_periods", "two errors that cancel, in two months", |scene| {
        cancelling(scene, |one, other| months(one) != months(other))
    }),
    damage("cancelling_in_a_period", "two errors that cancel, in one month and group", |scene| {
        cancelling(scene, same_group)
    }),
    damage("swapped_in_a_period", "values swapped between two rows of one month and group", |scene| {
        scene.pair(is_amount, is_group, |one, other| {
            same_group(one, other).then(|| [other.last().cloned().flatten(), one.last().cloned().flatten()])
        })
    }),
];

fn is_ore(_: &str, column: &Column) -> bool {
    column.is_content() && column.class == Class::Ore
}

fn is_minutes(_: &str, column: &Column) -> bool {
    let counts =
        matches!(column.class, Class::Minutes) || (column.class == Class::Int && column.name == "minuter");
    column.is_content() && counts
}

fn is_amount(entity: &str, column: &Column) -> bool {
    is_ore(entity, column) || is_minutes(entity, column)
}

/// What rows could be grouped by: days, moments, codes and references.
fn is_group(column: &Column) -> bool {
    column.is_content() && (column.class.is_dated() || matches!(column.class, Class::Code | Class::Ref))
}

/// What a row is grouped by; of days and moments, their month. The last value is the amount.
fn months(row: &Row) -> Vec<Option<&str>> {
    let group = row.split_last().map_or(&[][..], |(_, group)| group);
    group
        .iter()
        .map(|value| value.as_deref().map(|value| if is_dated(value) { values::month(value) } else { value }))
        .collect()
}

/// Whether a value looks like a day or a moment.
fn is_dated(value: &str) -> bool {
    let signs = value.as_bytes();
    signs.len() >= 10 && signs[4] == b'-' && signs[7] == b'-' && signs[..4].iter().all(u8::is_ascii_digit)
}

fn same_group(one: &Row, other: &Row) -> bool {
    months(one) == months(other)
}

/// One amount rises by as much as another one falls.
fn cancelling(scene: &mut Scene<'_>, may: impl Fn(&Row, &Row) -> bool) -> std::io::Result<Option<Plan>> {
    const STEP: i64 = 100;
    scene.pair(is_amount, is_group, |one, other| {
        let number = |row: &Row| row.last().cloned().flatten()?.parse::<i64>().ok();
        let (first, second) = (number(one)?, number(other)?);
        may(one, other).then(|| [Some((first + STEP).to_string()), Some((second - STEP).to_string())])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: [&str; 3]) -> Row {
        values.map(|value| Some(value.to_owned())).to_vec()
    }

    #[test]
    fn a_group_is_made_of_months_and_of_everything_else() {
        let one = row(["2024-03-01 10:00:00", "A", "5"]);
        assert!(same_group(&one, &row(["2024-03-31", "A", "7"])));
        assert!(!same_group(&one, &row(["2024-04-01", "A", "5"])));
        assert!(!same_group(&one, &row(["2024-03-01", "B", "5"])));
    }
}

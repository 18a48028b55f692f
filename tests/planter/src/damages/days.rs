//! Days and moments that are others.

use super::{Damage, damage};
use crate::shape::{Class, Column};
use crate::values;

/// The day on which the synthetic cities were read.
const READ: &str = "2024-12-31";

pub(super) const DAMAGES: &[Damage] = &[
    damage("day_and_month_exchanged", "day and month exchanged", |scene| {
        scene.field(is_dated, |cell, _| values::day_and_month_exchanged(cell.value?).map(Some))
    }),
    damage("day_off", "a date one day off", |scene| {
        scene.field(is_dated, |cell, _| values::day_off(cell.value?).map(Some))
    }),
    damage("sentinel", "1 January 1900 for a date", |scene| {
        scene.field(is_dated, |cell, _| values::sentinel(cell.value?).map(Some))
    }),
    damage("century_lost", "a date a hundred years too early", |scene| {
        scene.field(is_dated, |cell, _| values::century_lost(cell.value?).map(Some))
    }),
    damage("hour_shifted", "a moment an hour off", |scene| {
        scene.field(is_moment, |cell, _| values::hour_shifted(cell.value?).map(Some))
    }),
    damage("minute_off", "a moment a minute off", |scene| {
        scene.field(is_moment, |cell, _| values::minute_off(cell.value?).map(Some))
    }),
    damage("time_of_day_lost", "a moment without its time of day", |scene| {
        scene.field(is_moment, |cell, _| values::midnight(cell.value?).map(Some))
    }),
    damage("end_closed", "an open end closed", |scene| {
        scene.field(is_open_end, |cell, _| cell.value.is_none().then(|| Some(READ.to_owned())))
    }),
    damage("end_opened", "an end lost", |scene| {
        let is_end = |_: &str, column: &Column| column.is_content() && column.is_end();
        scene.field(is_end, |cell, _| cell.value.map(|_| None))
    }),
    damage("journal_reordered", "two notes of a journal exchanged in time", |scene| {
        let is_time =
            |entity: &str, column: &Column| entity.ends_with("anteckning") && is_moment(entity, column);
        scene.pair(
            is_time,
            |_| false,
            |one, other| {
                let (one, other) = (one.last()?.clone(), other.last()?.clone());
                (one.is_some() && other.is_some()).then_some([other, one])
            },
        )
    }),
];

fn is_dated(_: &str, column: &Column) -> bool {
    column.is_content() && column.class.is_dated()
}

fn is_moment(_: &str, column: &Column) -> bool {
    column.is_content() && column.class == Class::Time
}

fn is_open_end(_: &str, column: &Column) -> bool {
    column.is_content() && column.is_end() && column.class == Class::Date
}

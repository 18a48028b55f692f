//! Texts and codes that say something else, or the same in other signs.

use super::{Damage, damage, in_files};
use crate::scene::{Cell, Scene};
use crate::shape::{Class, Column};
use crate::{plan::Plan, values};

pub(super) const DAMAGES: &[Damage] = &[
    damage("letter_changed", "one letter of a text changed", |scene| {
        scene.field(is_text, |cell, draw| values::letter_changed(cell.value?, draw).map(Some))
    }),
    damage("trailing_space", "a space behind a text", |scene| {
        scene.field(is_text, |cell, _| Some(Some(format!("{} ", cell.value?))))
    }),
    damage("leading_nbsp", "a no-break space before a text", |scene| {
        scene.field(is_text, |cell, _| Some(Some(format!("\u{a0}{}", cell.value?))))
    }),
    damage("zero_width", "a sign without width in a text", |scene| {
        scene.field(is_text, |cell, draw| values::zero_width(cell.value?, draw).map(Some))
    }),
    damage("look_alike", "a Latin letter replaced by a Cyrillic one that looks the same", |scene| {
        scene.field(is_text, |cell, draw| values::look_alike(cell.value?, draw).map(Some))
    }),
    damage("null_to_empty", "nothing (NULL) became an empty text", |scene| {
        scene.field(is_text, |cell, _| cell.value.is_none().then(|| Some(String::new())))
    }),
    damage("empty_to_null", "an empty text became nothing (NULL)", |scene| {
        scene.field(is_text, |cell, _| cell.value?.is_empty().then_some(None))
    }),
    damage("text_lost", "a text lost", |scene| scene.field(is_text, lost)),
    damage("columns_exchanged", "two neighbouring columns exchanged", columns_exchanged),
    damage("mojibake", "UTF-8 read as Latin-1", |scene| {
        scene.field(is_text, |cell, _| values::mojibake(cell.value?).map(Some))
    }),
    damage("decomposed", "å, ä or ö as a letter and a mark", |scene| {
        scene.field(is_text, |cell, _| values::decomposed(cell.value?).map(Some))
    }),
    damage("letters_lost", "å, ä or ö as a question mark", |scene| {
        scene.field(is_text, |cell, _| values::letters_lost(cell.value?).map(Some))
    }),
    damage("truncated", "a text cut off at 255 characters", |scene| {
        scene.field(is_text, |cell, _| values::truncated(cell.value?).map(Some))
    }),
    damage("case_changed", "capital letters for small ones, or the other way", |scene| {
        scene.field(is_text, |cell, _| values::case_changed(cell.value?).map(Some))
    }),
    damage("line_break_changed", "other line breaks in a text", |scene| {
        scene.field(is_text, |cell, _| values::line_break_changed(cell.value?).map(Some))
    }),
    damage(
        "journal_altered",
        "a letter in the bytes of a note or a document, the length the same",
        |scene| {
            let bytes = |_: &str, column: &Column| column.class == Class::Bytes && column.is_content();
            scene.field(bytes, |cell, draw| values::letter_in_bytes(cell.value?, draw).map(Some))
        },
    ),
    damage("code_replaced", "a code replaced by another one of the same column", |scene| {
        scene.field(is_code, |cell, draw| {
            cell.value?;
            cell.another(draw).map(Some)
        })
    }),
    damage("code_unknown", "a code that no list has", |scene| {
        scene.field(is_code, |cell, _| cell.value.map(|_| Some("XX9".to_owned())))
    }),
    damage("code_lost", "a code lost", |scene| scene.field(is_code, lost)),
    damage("flag_flipped", "yes for no, or no for yes", |scene| {
        let is_flag = |_: &str, column: &Column| column.class == Class::Bool && column.is_content();
        scene.field(is_flag, |cell, _| values::flipped(cell.value?).map(Some))
    }),
    in_files("value_unreadable", "a value that its type cannot be read from", |scene| {
        let is_typed = |_: &str, column: &Column| {
            let Column { class, .. } = column;
            column.is_content()
                && (class.is_dated() || class.is_amount() || matches!(class, Class::Int | Class::Bool))
        };
        scene.field(is_typed, |cell, _| cell.value.map(|value| Some(format!("{value}?"))))
    }),
];

fn is_text(_: &str, column: &Column) -> bool {
    column.is_content() && column.class.is_text()
}

fn is_code(_: &str, column: &Column) -> bool {
    column.is_content() && column.class == Class::Code
}

fn lost(cell: &Cell<'_>, _: &mut bron_outside::Draw) -> crate::scene::Becomes {
    cell.value.filter(|value| !value.is_empty()).map(|_| None)
}

/// Two columns of one type that stand side by side exchange their values in one row.
fn columns_exchanged(scene: &mut Scene<'_>) -> std::io::Result<Option<Plan>> {
    let shape = scene.shape;
    let mut places: Vec<(&str, &Column, &Column)> = Vec::new();
    for (entity, columns) in &shape.0 {
        let beside = columns.windows(2).filter_map(|pair| match pair {
            [one, other] if one.is_content() && other.is_content() && one.class == other.class => {
                Some((one, other))
            }
            _ => None,
        });
        places.extend(beside.map(|(one, other)| (entity.as_str(), one, other)));
    }
    while !places.is_empty() {
        let at = scene.draw.place(places.len());
        let (entity, one, other) = places.swap_remove(at);
        let rows = scene.rows(entity, &[one, other])?;
        let differ: Vec<_> = rows.iter().filter(|row| row[1] != row[2]).collect();
        if differ.is_empty() || !(one.nullable && other.nullable) {
            continue;
        }
        let row = *scene.draw.one_of(&differ);
        if let [Some(id), first, second] = row.as_slice() {
            return Ok(Some(scene.set(entity, id, &[(one, second.clone()), (other, first.clone())])));
        }
    }
    Ok(None)
}

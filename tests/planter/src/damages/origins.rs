//! Rows that say something else of where they come from.

use super::{Damage, damage};
use crate::plan::{Found, Plan};
use crate::scene::Scene;
use crate::shape::{Column, Role};
use crate::table::{quoted, text, with_id};
use crate::values;

pub(super) const DAMAGES: &[Damage] = &[
    damage("source_key_altered", "another key of the source", |scene| {
        scene.field(named(&["src_key"]), |cell, _| cell.value.map(|value| Some(format!("{value}9"))))
    }),
    damage("source_altered", "another source system or table", |scene| {
        scene.field(named(&["src_system", "src_table"]), |cell, _| {
            cell.value.map(|value| Some(if value == "warna" { "vodok" } else { "warna" }.to_owned()))
        })
    }),
    damage("mapping_altered", "another mapping or version of it", |scene| {
        scene.field(named(&["mapping_id", "mapping_version"]), |cell, _| {
            values::last_changed(cell.value?).map(Some)
        })
    }),
    damage("row_digest_altered", "another digest of the source row", |scene| {
        scene.field(named(&["src_row_sha256"]), |cell, _| values::last_changed(cell.value?).map(Some))
    }),
    damage("mark_dropped", "the quality marks of a row taken away", |scene| {
        let marks = |_: &str, column: &Column| column.role == Role::Marks;
        scene
            .field(marks, |cell, _| cell.value.filter(|value| !value.is_empty()).map(|_| Some(String::new())))
    }),
    damage("mark_invented", "a quality mark that no rule gave", |scene| {
        let marks = |_: &str, column: &Column| column.role == Role::Marks;
        scene.field(marks, |cell, _| {
            cell.value.filter(|value| value.is_empty()).map(|_| Some("D01".to_owned()))
        })
    }),
    damage("run_altered", "a row said to be of a run that the target does not know", run_altered),
];

fn named(names: &'static [&'static str]) -> impl Fn(&str, &Column) -> bool {
    move |_, column| names.contains(&column.name.as_str())
}

/// The columns that say which run read and wrote a row are in no model.
fn run_altered(scene: &mut Scene<'_>) -> std::io::Result<Option<Plan>> {
    let Some((entity, id)) = scene.row(|_| true)? else { return Ok(None) };
    let column = *scene.draw.one_of(&["extract_run_id", "load_run_id"]);
    let unknown = format!("{:012x}", scene.draw.below(1 << 48));
    let sql = format!(
        "UPDATE {} SET {} = {} WHERE {}",
        quoted(&entity),
        quoted(column),
        text(&unknown),
        with_id(&id)
    );
    let found = Found::fields("dangling", &entity, &id, [column.to_owned()]);
    Ok(Some(Plan::of(format!("{entity}.{column} of {id}"), &entity, &[&id]).run(sql).expect(found)))
}

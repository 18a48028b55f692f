//! Rows that are lost, too many, older, or called something else.

use std::io::Result;

use super::{Damage, damage, in_files};
use crate::plan::{Found, Plan};
use crate::scene::Scene;
use crate::shape::Column;
use crate::table::{quoted, text, with_id};

pub(super) const DAMAGES: &[Damage] = &[
    damage("row_dropped", "a row dropped", row_dropped),
    damage("row_duplicated", "a row twice, under another id", |scene| added(scene, "twice", &[])),
    damage("row_invented", "a row from nowhere", |scene| {
        added(scene, "invented", &[("src_key", "src_key || '9'")])
    }),
    damage("row_invented_elsewhere", "a row from nowhere that names a system nobody loaded", |scene| {
        added(scene, "invented", &[("src_key", "src_key || '9'"), ("src_system", "'okant'")])
    }),
    damage("id_altered", "the id of a row altered", id_altered),
    in_files("id_unreadable", "an id that cannot be read", id_unreadable),
    damage("rows_exchanged", "two rows exchanged", rows_exchanged),
    damage("stale_version", "an older version of a row in its place", stale_version),
];

fn row_dropped(scene: &mut Scene<'_>) -> Result<Option<Plan>> {
    let Some((entity, id)) = scene.row(|_| true)? else { return Ok(None) };
    let sql = format!("DELETE FROM {} WHERE {}", quoted(&entity), with_id(&id));
    let plan = Plan::of(format!("{entity} {id}"), &entity, &[&id]).run(sql);
    Ok(Some(plan.expect(Found::row("missing", &entity, &id))))
}

/// A copy of a row under a new id, with other values in some columns, as SQL has them.
fn added(scene: &mut Scene<'_>, how: &str, others: &[(&str, &str)]) -> Result<Option<Plan>> {
    let Some((entity, id)) = scene.row(|_| true)? else { return Ok(None) };
    let new = scene.new_id();
    let columns = scene.look.columns(&entity)?;
    let given = text(&new);
    let value = |column: &String| {
        let other = others.iter().find(|(name, _)| name == column).map(|(_, sql)| (*sql).to_owned());
        other.unwrap_or_else(|| if column == "id" { given.clone() } else { quoted(column) })
    };
    let names: Vec<String> = columns.iter().map(|name| quoted(name)).collect();
    let values: Vec<String> = columns.iter().map(value).collect();
    let sql = format!(
        "INSERT INTO {0} ({1}) SELECT {2} FROM {0} WHERE {3}",
        quoted(&entity),
        names.join(", "),
        values.join(", "),
        with_id(&id)
    );
    let plan = Plan::of(format!("{entity} {id} {how} as {new}"), &entity, &[&new]).run(sql);
    Ok(Some(plan.expect(Found::row("unexpected", &entity, &new))))
}

fn rename(entity: &str, id: &str, new: &str) -> String {
    format!("UPDATE {} SET \"id\" = {} WHERE {}", quoted(entity), text(new), with_id(id))
}

fn id_altered(scene: &mut Scene<'_>) -> Result<Option<Plan>> {
    let Some((entity, id)) = scene.row(|_| true)? else { return Ok(None) };
    let new = scene.new_id();
    let plan =
        Plan::of(format!("{entity} {id} as {new}"), &entity, &[&id, &new]).run(rename(&entity, &id, &new));
    let plan = plan.expect(Found::row("missing", &entity, &id));
    Ok(Some(plan.expect(Found::row("unexpected", &entity, &new))))
}

fn id_unreadable(scene: &mut Scene<'_>) -> Result<Option<Plan>> {
    let Some((entity, id)) = scene.row(|_| true)? else { return Ok(None) };
    let new = format!("{}?", &id[..id.len().saturating_sub(1)]);
    let plan = Plan::of(format!("{entity} {id}"), &entity, &[&id, &new]).run(rename(&entity, &id, &new));
    let plan = plan.expect(Found::row("missing", &entity, &id));
    Ok(Some(plan.expect(Found::row("nameless", &entity, ""))))
}

/// The names of the columns in which two rows differ.
fn differing<'c>(
    columns: impl IntoIterator<Item = &'c (Column, Option<String>)>,
    other: &[(Column, Option<String>)],
) -> Vec<String> {
    let pairs = columns.into_iter().zip(other);
    let differ = pairs.filter(|((column, one), (_, other))| column.name != "id" && one != other);
    differ.map(|((column, _), _)| column.name.clone()).collect()
}

fn rows_exchanged(scene: &mut Scene<'_>) -> Result<Option<Plan>> {
    for _ in 0..50 {
        let Some((entity, a)) = scene.row(|_| true)? else { return Ok(None) };
        let Some((_, b)) = scene.row(|name| name == entity)? else { return Ok(None) };
        let fields = differing(&scene.whole(&entity, &a)?, &scene.whole(&entity, &b)?);
        if a == b || fields.is_empty() {
            continue;
        }
        let between = scene.new_id();
        let mut plan = Plan::of(format!("{entity} {a} and {b}"), &entity, &[&a, &b]);
        for (id, new) in [(&a, &between), (&b, &a), (&between, &b)] {
            plan = plan.run(rename(&entity, id, new));
        }
        let plan = plan.expect(Found::fields("differs", &entity, &a, fields.clone()));
        return Ok(Some(plan.expect(Found::fields("differs", &entity, &b, fields))));
    }
    Ok(None)
}

/// What the history has of a row takes its place again.
fn stale_version(scene: &mut Scene<'_>) -> Result<Option<Plan>> {
    let shape = scene.shape;
    let mut entities: Vec<&String> = shape.0.keys().collect();
    while !entities.is_empty() {
        let at = scene.draw.place(entities.len());
        let entity = entities.swap_remove(at);
        let columns: Vec<&Column> =
            shape.columns(entity).iter().filter(|column| column.name != "id").collect();
        let older = scene.rows(&format!("bron_history_{entity}"), &columns)?;
        if older.is_empty() {
            continue;
        }
        let version = older[scene.draw.place(older.len())].clone();
        let Some(id) = version[0].clone() else { continue };
        let now: Vec<_> =
            scene.whole(entity, &id)?.into_iter().filter(|(column, _)| column.name != "id").collect();
        let changed = now.iter().zip(&version[1..]).filter(|((_, now), then)| now != *then);
        let fields: Vec<(&Column, Option<String>)> =
            changed.map(|((column, _), then)| (column, then.clone())).collect();
        if !fields.is_empty() {
            return Ok(Some(scene.set(entity, &id, &fields)));
        }
    }
    Ok(None)
}

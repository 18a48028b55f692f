//! Rows that others may read than before.

use std::io::Result;

use super::{Damage, damage};
use crate::plan::Plan;
use crate::scene::Scene;
use crate::shape::Column;

/// Two classes of secrecy that the model knows.
const CLASSES: [&str; 2] = ["osl_26_1", "osl_25_1"];

pub(super) const DAMAGES: &[Damage] = &[
    damage("protection_lowered", "the mark of a protected person taken away", |scene| {
        scene.field(named("skyddad"), |cell, _| match cell.value? {
            "1" => Some(Some("0".to_owned())),
            "true" => Some(Some("false".to_owned())),
            _ => None,
        })
    }),
    damage("secrecy_changed", "another class of secrecy", |scene| {
        scene.field(named("sekretess_klass"), |cell, _| {
            let other = CLASSES.iter().find(|class| cell.value.is_some_and(|value| value != **class))?;
            Some(Some((*other).to_owned()))
        })
    }),
    damage("namnd_changed", "the code of another nämnd", |scene| {
        scene.field(named("namnd"), |cell, draw| {
            cell.value?;
            cell.another(draw).map(Some)
        })
    }),
    damage("namnd_moved", "a row made visible to another nämnd, code and reference", namnd_moved),
    damage("namnd_lost", "a row without its nämnd", |scene| {
        scene.field(named("namnd"), |cell, _| cell.value.map(|_| None))
    }),
];

fn named(name: &'static str) -> impl Fn(&str, &Column) -> bool {
    move |_, column| column.name == name
}

/// A row takes the nämnd of another row over.
fn namnd_moved(scene: &mut Scene<'_>) -> Result<Option<Plan>> {
    const FIELDS: [&str; 2] = ["namnd", "namnd_id"];
    for _ in 0..50 {
        let Some((entity, id)) = scene.row(|_| true)? else { return Ok(None) };
        let shape = scene.shape;
        let columns: Vec<&Column> =
            shape.columns(&entity).iter().filter(|column| FIELDS.contains(&column.name.as_str())).collect();
        if columns.len() != FIELDS.len() {
            continue;
        }
        let rows = scene.rows(&entity, &columns)?;
        let Some(row) = rows.iter().find(|row| row[0].as_deref() == Some(&id)) else { continue };
        let differ =
            |other: &&Vec<Option<String>>| (1..3).all(|at| other[at].is_some() && other[at] != row[at]);
        let others: Vec<_> = rows.iter().filter(differ).collect();
        if row[1].is_none() || others.is_empty() {
            continue;
        }
        let other = *scene.draw.one_of(&others);
        let fields = [(columns[0], other[1].clone()), (columns[1], other[2].clone())];
        return Ok(Some(scene.set(&entity, &id, &fields)));
    }
    Ok(None)
}

//! What the target notes of a load: receipts and refusals.

use std::io::{Error, Result};

use super::{Damage, damage};
use crate::plan::Plan;
use crate::scene::Scene;
use crate::table::{quoted, text, with_id};
use crate::values;

pub(super) const DAMAGES: &[Damage] = &[
    damage("receipt_dropped", "a receipt of a load taken away", |scene| {
        let Some(receipt) = receipt(scene, "")? else { return Ok(None) };
        Ok(Some(receipt.plan("dropped").run(format!("DELETE FROM bron_receipt WHERE {}", receipt.which()))))
    }),
    damage("receipt_altered", "a receipt of a load with another digest", |scene| {
        let Some(receipt) = receipt(scene, "")? else { return Ok(None) };
        let other = values::last_changed(&receipt.content).unwrap_or_default();
        Ok(Some(receipt.set("content", &text(&other))))
    }),
    damage("receipt_miscounted", "a receipt of a load with another number of rows", |scene| {
        let Some(receipt) = receipt(scene, "")? else { return Ok(None) };
        let column = *scene.draw.one_of(&["row_count", "inserted", "updated", "unchanged"]);
        Ok(Some(receipt.set(column, &format!("{column} + 1"))))
    }),
    damage("receipt_retired", "a receipt of a load said to count no more", |scene| {
        let Some(receipt) = receipt(scene, "")? else { return Ok(None) };
        Ok(Some(receipt.set("superseded", "1")))
    }),
    damage(
        "loss_noted_as_refusal",
        "a row dropped, and noted as one that the target refused",
        noted_as_refusal,
    ),
];

/// A receipt of the run that was loaded last.
struct Receipt {
    run: String,
    entity: String,
    part: String,
    content: String,
}

/// A receipt that stands for rows. `and` are further conditions.
fn receipt(scene: &mut Scene<'_>, and: &str) -> Result<Option<Receipt>> {
    let sql = format!(
        "SELECT load_run_id, entity, part, content FROM bron_receipt WHERE superseded = 0 AND row_count > 0 \
         AND part NOT LIKE '%/retired-%' \
         AND load_run_id = (SELECT load_run_id FROM bron_run ORDER BY ordinal DESC LIMIT 1) {and} ORDER BY 1, 2, 3"
    );
    let all = scene.look.texts(&sql)?;
    if all.is_empty() {
        return Ok(None);
    }
    let [run, entity, part, content] = <[String; 4]>::try_from(scene.draw.one_of(&all).clone())
        .map_err(|_| Error::other("a receipt of four columns"))?;
    Ok(Some(Receipt { run, entity, part, content }))
}

impl Receipt {
    fn which(&self) -> String {
        let Self { run, entity, part, .. } = self;
        format!("load_run_id = {} AND entity = {} AND part = {}", text(run), text(entity), text(part))
    }

    fn plan(&self, how: &str) -> Plan {
        let Self { entity, part, .. } = self;
        let mut plan = Plan { what: format!("receipt of {entity} {part}: {how}"), ..Plan::default() };
        plan.touched.push(("bron_receipt".to_owned(), self.which()));
        plan.unproven = Some(entity.clone());
        plan
    }

    fn set(&self, column: &str, value: &str) -> Plan {
        let sql = format!("UPDATE bron_receipt SET {column} = {value} WHERE {}", self.which());
        self.plan(column).run(sql)
    }
}

fn noted_as_refusal(scene: &mut Scene<'_>) -> Result<Option<Plan>> {
    let Some(receipt) = receipt(scene, "AND inserted + updated > 0")? else { return Ok(None) };
    let Receipt { run, entity, part, .. } = &receipt;
    let family = part.rsplit_once('/').map_or("", |(family, _)| family);
    let sql = format!(
        "SELECT CAST(\"id\" AS TEXT) FROM {} WHERE mapping_id = {} AND load_run_id = {} ORDER BY 1",
        quoted(entity),
        text(family),
        text(run)
    );
    let ids = scene.look.texts(&sql)?.concat();
    if ids.is_empty() {
        return Ok(None);
    }
    let id = scene.draw.one_of(&ids).clone();
    let mut plan = receipt.plan(&format!("{id} refused"));
    plan.touched = vec![
        (entity.clone(), with_id(&id)),
        ("bron_refused".to_owned(), format!("{} AND {}", receipt.which(), with_id(&id))),
    ];
    let plan = plan.run(format!("DELETE FROM {} WHERE {}", quoted(entity), with_id(&id)));
    Ok(Some(plan.run(format!(
        "INSERT INTO bron_refused (load_run_id, entity, part, id, sqlstate, constraint_name, superseded) \
         VALUES ({}, {}, {}, {}, '23514', '', 0)",
        text(run),
        text(entity),
        text(part),
        text(&id)
    ))))
}

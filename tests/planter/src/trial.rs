//! One planting: a damage in a sound target, and whether the reconciliation sees exactly that.

use std::collections::BTreeSet;
use std::io::{Error, Result};

use bron_outside::{Draw, Kind, Look, Place};
use serde::{Deserialize, Serialize};

use crate::city::Ground;
use crate::damages::Damage;
use crate::plan::{Found, Plan};
use crate::scene::Scene;
use crate::shape::Shape;
use crate::sight::{Direction, Sight};

/// What one planting came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The seed, the kind of damage, the kind of target and the number: what the planting follows from.
    pub seed: u64,
    /// See `seed`.
    pub damage: String,
    /// See `seed`.
    pub target: Kind,
    /// See `seed`.
    pub number: u64,
    /// Which of the cities it was planted in.
    pub city: usize,
    /// What was done, in short: names and ids of rows, no value.
    pub what: String,
    /// The directions that were asked.
    pub asked: BTreeSet<Direction>,
    /// The directions that saw something.
    pub saw: BTreeSet<Direction>,
    /// What is not as it must be when a damage is seen; empty when it is seen and located exactly.
    pub faults: Vec<String>,
}

/// What is planted, and what puts the target back.
pub(crate) struct Planted {
    pub(crate) plan: Plan,
    pub(crate) undone: Vec<String>,
}

/// Plants a damage at a place that is drawn. Nothing when the target has no place for it.
pub(crate) fn plant(damage: &Damage, place: &Place, draw: &mut Draw) -> Result<Option<Planted>> {
    let mut look = opened(place)?;
    let shape = Shape::of(&mut look)?;
    let plan = (damage.plant)(&mut Scene::new(&mut look, &shape, draw))?;
    let Some(plan) = plan else {
        look.close()?;
        return Ok(None);
    };
    let undone = plan.carry_out(&mut look)?;
    look.close()?;
    let undone =
        undone.ok_or_else(|| Error::other(format!("{}: nothing came of {}", damage.name, plan.what)))?;
    Ok(Some(Planted { plan, undone }))
}

/// Undoes what was planted.
pub(crate) fn undo(planted: &Planted, place: &Place) -> Result<()> {
    let mut look = opened(place)?;
    for sql in &planted.undone {
        look.execute(sql)?;
    }
    look.close()
}

/// A connection on which damage can be done: on a server, nobody keeps references.
fn opened(place: &Place) -> Result<Look> {
    let mut look = Look::at(place)?;
    if look.kind() == Kind::Postgres {
        look.execute("SET session_replication_role = replica")?;
    }
    Ok(look)
}

/// What of a sight is not as it must be after this was planted.
pub(crate) fn judge(plan: &Plan, sight: &Sight) -> Vec<String> {
    let mut faults = Vec::new();
    let verdict = if plan.unproven.is_some() { "ej_bevisat" } else { "skillnader" };
    if (sight.verdict.as_str(), sight.code) != (verdict, 2) {
        faults.push(format!("the verdict is {} with exit code {}", sight.verdict, sight.code));
    }
    // A row that is gone or is called something else leaves references to it behind, and they are told as well.
    let dangling = |found: &&Found| found.kind == "dangling" && !plan.findings.contains(*found);
    for found in sight.findings.difference(&plan.findings).filter(|found| !dangling(found)) {
        faults.push(format!("found, and not planted: {found:?}"));
    }
    for found in plan.findings.difference(&sight.findings) {
        faults.push(format!("planted, and not found: {found:?}"));
    }
    if let Some(entity) = &plan.unproven
        && !sight.unproven.iter().any(|sentence| sentence.contains(entity.as_str()))
    {
        faults.push(format!("no sentence of what is not proven names {entity}"));
    }
    faults
}

/// Reconciles the target at a place and judges what is said of what was planted there.
pub(crate) fn look_at(planted: &Planted, ground: &Ground, place: &Place) -> Result<(Sight, Vec<String>)> {
    let sight = ground.sight(place)?;
    let faults = judge(&planted.plan, &sight);
    Ok((sight, faults))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(verdict: &str, findings: &[Found], unproven: &[&str]) -> Sight {
        Sight {
            code: 2,
            verdict: verdict.to_owned(),
            asked: BTreeSet::new(),
            saw: BTreeSet::new(),
            findings: findings.iter().cloned().collect(),
            unproven: unproven.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    #[test]
    fn only_what_was_planted_and_all_of_it_is_exact() {
        let found = Found::fields("differs", "besok", "a", ["start".to_owned()]);
        let plan = Plan::of(String::new(), "besok", &["a"]).expect(found.clone());
        let dangling = Found::fields("dangling", "pass", "b", ["besok_id".to_owned()]);
        assert_eq!(judge(&plan, &sight("skillnader", &[found.clone(), dangling], &[])), [""; 0]);
        assert_eq!(judge(&plan, &sight("lika", std::slice::from_ref(&found), &[])).len(), 1);
        assert_eq!(judge(&plan, &sight("skillnader", &[], &[])).len(), 1);
        let more = Found::fields("differs", "besok", "a", ["start", "slut"].map(str::to_owned));
        assert_eq!(judge(&plan, &sight("skillnader", &[more], &[])).len(), 2);
    }

    #[test]
    fn a_damaged_note_is_named_among_what_is_not_proven() {
        let plan = Plan { unproven: Some("besok".to_owned()), ..Plan::default() };
        assert_eq!(judge(&plan, &sight("ej_bevisat", &[], &["om besok"])), [""; 0]);
        assert_eq!(judge(&plan, &sight("ej_bevisat", &[], &["om pass"])).len(), 1);
        assert_eq!(judge(&plan, &sight("skillnader", &[], &["om besok"])).len(), 1);
    }
}

//! What a decision grants: insatser, their plans and follow-ups, and placements.

use crate::calendar::{Day, TODAY};
use crate::codes::{Area, END_REASONS, UNKNOWN_CODES};
use crate::error::Error;
use crate::population::Person;
use crate::prose;
use crate::rng::Rng;
use crate::sqlite::{money, row};
use crate::truth::Action;

use super::arende::Arende;
use super::beslut::Decision;
use super::person::OPEN_ENDS;
use super::{GENPLAN, INSATS, PLACER, Paraply, UPPFOLJ, next};

/// What an insats hangs on.
#[derive(Debug, Clone, Copy)]
struct Ground {
    order: Option<i64>,
    beslut: Option<i64>,
}

impl Paraply<'_> {
    /// Writes what a decision grants: an order where the area has them, the insats, and what follows from it.
    pub(super) fn write_granted(
        &mut self,
        person: &Person,
        case: &Arende,
        (beslut, decision): (i64, &Decision),
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let order = match decision.extent {
            Some(extent) => Some(self.write_order(beslut, decision, extent, rng)?),
            None => None,
        };
        let kod = insats_code(case.area, decision.btyp, rng);
        let ground = Ground { order, beslut: Some(beslut) };
        let insats = self.write_insats(person, ground, kod, decision, rng)?;
        if self.quotas.insats_alone.strikes() {
            let alone = Ground { order: None, beslut: None };
            let id = self.write_insats(person, alone, kod, decision, rng)?;
            self.mark("D30", "INSATS", Action::Flag, id);
        }
        if matches!(kod, "FAHE" | "JOUR") {
            self.write_placement(insats, kod, decision, rng)?;
        }
        if (decision.extent.is_some() || matches!(kod, "FAHE" | "JOUR")) && rng.chance(650, 1_000) {
            self.write_plan(insats, decision, rng)?;
        }
        if decision.extent.is_some() && rng.chance(400, 1_000) {
            self.write_follow_up(beslut, decision, rng)?;
        }
        Ok(())
    }

    fn write_insats(
        &mut self,
        person: &Person,
        ground: Ground,
        kod: &'static str,
        decision: &Decision,
        rng: &mut Rng,
    ) -> Result<i64, Error> {
        let (from, to) = (decision.from, decision.to);
        let id = next(&mut self.ids.insats);
        let kod = if self.quotas.insats_code.strikes() {
            self.mark("D18", "INSATS", Action::Flag, id);
            rng.pick(&UNKNOWN_CODES)
        } else {
            kod
        };
        let end = match to {
            None if self.quotas.insats_open_end.strikes() => {
                self.mark("D23", "INSATS", Action::Norm, id);
                Some(rng.pick(&OPEN_ENDS))
            }
            Some(_) if self.quotas.insats_order.strikes() => {
                self.mark("D24", "INSATS", Action::Flag, id);
                Some(from.plus(-rng.between(1, 20)))
            }
            other => other,
        };
        let start = from.plus(rng.between(0, 20));
        let started = (start <= TODAY && rng.chance(940, 1_000)).then(|| start.small());
        let reason = to.filter(|day| *day <= TODAY).map(|_| rng.pick(&END_REASONS[..7]));
        let row = row![
            id,
            ground.order,
            ground.beslut,
            person.pers_id(),
            kod,
            from.small(),
            end.map(Day::small),
            started,
            reason,
        ];
        self.db.push(INSATS, row)?;
        Ok(id)
    }

    fn write_placement(
        &mut self,
        insats: i64,
        kod: &str,
        decision: &Decision,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let kind = if kod == "JOUR" { "JH" } else { rng.pick(&["FH", "FH", "HV", "SI", "NÄ"]) };
        let row = row![
            next(&mut self.ids.placering),
            insats,
            kind,
            rng.pick(&self.units.homes),
            decision.from.small(),
            decision.to.map(Day::small),
            decision.lagrum,
            money(i64::from(rng.between(800, 4_200)) * 100),
        ];
        self.db.push(PLACER, row)
    }

    fn write_plan(&mut self, insats: i64, decision: &Decision, rng: &mut Rng) -> Result<(), Error> {
        for version in 1..=rng.between(1, 2) {
            let day = decision.from.plus(version * rng.between(5, 30)).min(TODAY);
            let by = self.handler(rng);
            let text = prose::note(rng, 160);
            let row = row![next(&mut self.ids.genplan), insats, version, day.small(), text, by];
            self.db.push(GENPLAN, row)?;
        }
        Ok(())
    }

    fn write_follow_up(&mut self, beslut: i64, decision: &Decision, rng: &mut Rng) -> Result<(), Error> {
        let planned = decision.from.plus(rng.between(90, 200));
        let done = planned.plus(rng.between(-5, 25));
        let done = (done <= TODAY && rng.chance(800, 1_000)).then_some(done);
        let row = row![
            next(&mut self.ids.uppfolj),
            beslut,
            planned.small(),
            done.map(Day::small),
            done.map(|_| rng.pick(&["UP", "UP", "DE", "EJ"])),
            done.map(|_| prose::note(rng, 140)),
        ];
        self.db.push(UPPFOLJ, row)
    }
}

/// The insats that a type of decision grants.
fn insats_code(area: Area, btyp: &str, rng: &mut Rng) -> &'static str {
    match btyp {
        "BUPL" | "BULV" => rng.pick(&["FAHE", "FAHE", "JOUR"]),
        "BUÖV" => rng.pick(&["FAMB", "STRU"]),
        "BUKO" => rng.pick(&["KOPE", "KOFA"]),
        _ => rng.pick(area.codes().insats),
    }
}

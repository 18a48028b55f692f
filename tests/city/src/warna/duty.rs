//! What a guardian was appointed to, and the decisions about it.

use crate::calendar::{Day, TODAY};
use crate::error::Error;
use crate::rng::Rng;
use crate::sqlite::row;
use crate::truth::Action;

use super::{BESLUT, FIRST_DAY, UPPDRAG, Ward, Warna, next, seen};

/// Kinds of guardian: god man, förvaltare, förmyndare.
const CUSTODIAN: &str = "FM";
const KINDS: [&str; 2] = ["GM", "FV"];

/// The section of law of a kind, and how else it is spelled.
fn law(kind: &str) -> (&'static str, &'static [&'static str]) {
    match kind {
        "FV" => ("11 kap. 7 § FB", &["FB 11:7", "11 kap 7 § FB"]),
        CUSTODIAN => ("10 kap. 3 § FB", &["FB 10:3", "10 kap 3 § FB"]),
        _ => ("11 kap. 4 § FB", &["FB 11:4", "11 kap 4 § FB"]),
    }
}

/// A row of `UPPDRAG`.
pub(super) struct Duty {
    pub(super) id: i64,
    pub(super) kind: &'static str,
    pub(super) from: Day,
    /// None while it lasts.
    pub(super) to: Option<Day>,
}

impl Warna<'_> {
    /// One to three guardians in turn. A child's has done on the eighteenth birthday.
    pub(super) fn write_duties(&mut self, ward: &Ward, rng: &mut Rng) -> Result<(), Error> {
        let of_age =
            Day::of(ward.birth.year() + 18, 1, 1).plus(ward.birth.0 - Day::of(ward.birth.year(), 1, 1).0);
        let child = of_age > Day::of(2009, 1, 1);
        let kind = if child { CUSTODIAN } else { KINDS[rng.weighted(&[80, 20])] };
        let begin = FIRST_DAY.max(ward.birth);
        let end = if child {
            seen(of_age)
        } else {
            rng.chance(400, 1_000).then(|| TODAY.plus(-rng.between(100, 1_000)))
        };
        let last = end.unwrap_or(TODAY);
        let first = begin.plus(rng.between(0, ((last.0 - begin.0) * 3 / 4).max(0)));
        let count = i32::try_from(1 + rng.weighted(&[60, 30, 10])).unwrap_or(1);
        let days = (last.0 - first.0) / count;
        let mut previous = None;
        for place in 0..count {
            let closing = place + 1 == count;
            let to = if closing { end } else { Some(first.plus((place + 1) * days - 1)) };
            let duty = Duty { id: next(&mut self.ids.duty), kind, from: first.plus(place * days), to };
            let guardian = self.guardian_for(duty.from, previous, rng);
            previous = Some(guardian);
            self.write_duty(ward, &duty, guardian, rng)?;
        }
        Ok(())
    }

    /// `STALLFORETRADARE.id` of somebody of age who is not the one before; the first of all when there is none.
    fn guardian_for(&self, day: Day, previous: Option<i64>, rng: &mut Rng) -> i64 {
        let fits = |guardian: &&super::Guardian| guardian.of_age <= day && Some(guardian.id) != previous;
        let count = u32::try_from(self.guardians.len()).unwrap_or(0);
        let start = usize::try_from(rng.below(count)).unwrap_or(0);
        let mut turned = self.guardians[start..].iter().chain(&self.guardians[..start]);
        turned.find(fits).unwrap_or(&self.guardians[0]).id
    }

    fn write_duty(&mut self, ward: &Ward, duty: &Duty, guardian: i64, rng: &mut Rng) -> Result<(), Error> {
        let (plain, others) = law(duty.kind);
        let mut spelled = plain;
        if self.quotas.law.strikes() {
            spelled = rng.pick(others);
            self.mark("D21", "UPPDRAG", Action::Norm, duty.id);
        }
        let mut to = duty.to.map(Day::iso);
        if to.is_none() && self.quotas.open_end.strikes() {
            to = Some("9999-12-31".to_owned());
            self.mark("D23", "UPPDRAG", Action::Norm, duty.id);
        }
        let court = duty.kind == "FV" || rng.chance(700, 1_000);
        let by = if court { "Stockholms tingsrätt" } else { "Överförmyndarnämnden" };
        let from = duty.from.iso();
        let row = row![duty.id, ward.id, guardian, duty.kind, spelled, from, to, by];
        self.db.push(UPPDRAG, row)?;
        self.write_decision(duty, "FÖR", plain, duty.from, "B")?;
        self.write_accounts(duty, rng)?;
        self.write_withdrawals(duty, rng)?;
        match duty.to {
            Some(to) => self.write_decision(duty, "ENT", "11 kap. 19 § FB", to, "B"),
            None => Ok(()),
        }
    }

    pub(super) fn write_decision(
        &mut self,
        duty: &Duty,
        kind: &'static str,
        law: &'static str,
        day: Day,
        outcome: &'static str,
    ) -> Result<(), Error> {
        let id = next(&mut self.ids.decision);
        self.db.push(BESLUT, row![id, duty.id, kind, law, day.iso(), outcome])
    }

    /// Permissions to take money from a blocked account.
    fn write_withdrawals(&mut self, duty: &Duty, rng: &mut Rng) -> Result<(), Error> {
        let last = duty.to.unwrap_or(TODAY);
        for _ in 0..rng.between(0, 3) {
            let day = duty.from.plus(rng.between(0, (last.0 - duty.from.0).max(0)));
            let outcome = ["B", "D", "A"][rng.weighted(&[85, 5, 10])];
            self.write_decision(duty, "UTT", "13 kap. 8 § FB", day, outcome)?;
        }
        Ok(())
    }
}

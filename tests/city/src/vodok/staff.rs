//! Units, staff and what nurses have delegated.

use crate::calendar::{Day, TODAY};
use crate::error::Error;
use crate::names;
use crate::organisation::{CITY_ORGNR, DISTRICTS};
use crate::population::Population;
use crate::rng::Rng;
use crate::sqlite::row;
use crate::truth::Action;

use super::{DELEGERING, FIRST_NOTE, PERSONAL, VARDENHET, Vodok};

/// Units of health care: the last two are the whole city's, the others lie in the districts in turn.
pub(super) const UNITS: u32 = 25;
const CITY_UNITS: u32 = 2;
/// The unit that was closed, and when.
const CLOSED: (u32, Day) = (20, Day::of(2024, 6, 30));

const KINDS: [&str; 4] = ["Vård- och omsorgsboende", "Servicehus", "Korttidsboende", "Dagverksamhet"];

/// Professions, `YRKE`: the register's codes for occupational therapist, physiotherapist, nurse, and
/// assistant nurse.
const PROFESSIONS: [&str; 4] = ["XS910", "XS918", "XS919", "XS921"];
pub(super) const NURSE: &str = "XS919";
const ASSISTANT: &str = "XS921";

const TASKS: [&str; 5] = ["Läkemedel ur dosett", "Insulin", "Ögondroppar", "Såromläggning", "Sondmatning"];

/// `VARDENHET.ENHID` of a unit, from 0.
pub(super) fn unit_id(unit: u32) -> String {
    format!("E{:03}", unit + 1)
}

/// Somebody who writes in the record.
pub(super) struct Member {
    /// `PERSONAL.PID`.
    pub(super) id: i64,
    pub(super) profession: &'static str,
    from: Day,
    to: Option<Day>,
}

/// Everybody who works in health care.
pub(super) struct Staff(Vec<Member>);

impl Staff {
    /// Forty, and one more per hundred persons of the city. One in ten has left; one of each profession
    /// has not.
    pub(super) fn plan(city: &Population) -> Self {
        let persons = u32::try_from(city.persons.len()).unwrap_or(u32::MAX);
        let members = (0..40 + persons / 100).map(|place| {
            let mut rng = Rng::keyed(city.seed, "PERSONAL", place.into());
            let profession = match place {
                0..4 => PROFESSIONS[usize::try_from(place).unwrap_or(0)],
                _ => PROFESSIONS[rng.weighted(&[8, 8, 54, 30])],
            };
            let left = place >= 4 && rng.chance(100, 1_000);
            let to = left.then(|| Day::of(2018, 1, 1).plus(rng.between(0, 2_000)));
            let from = Day::of(2006, 1, 1).plus(rng.between(0, 2_200));
            Member { id: i64::from(place) + 1, profession, from, to }
        });
        Self(members.collect())
    }

    /// Somebody who worked on the day.
    pub(super) fn working(&self, day: Day, rng: &mut Rng) -> &Member {
        self.working_as(&PROFESSIONS, day, rng)
    }

    fn working_as(&self, professions: &[&str], day: Day, rng: &mut Rng) -> &Member {
        let fits = |member: &&Member| {
            professions.contains(&member.profession)
                && member.from <= day
                && member.to.is_none_or(|to| to >= day)
        };
        let start = usize::try_from(rng.below(u32::try_from(self.0.len()).unwrap_or(0))).unwrap_or(0);
        let mut turned = self.0[start..].iter().chain(&self.0[..start]);
        turned.find(fits).unwrap_or(&self.0[0])
    }
}

impl Vodok<'_> {
    pub(super) fn write_units(&mut self) -> Result<(), Error> {
        let from = Day::of(2007, 1, 1).iso();
        for unit in 0..UNITS {
            let mut rng = Rng::keyed(self.city.seed, "VARDENHET", unit.into());
            let city_wide = unit >= UNITS - CITY_UNITS;
            let place = usize::try_from(unit).unwrap_or(0) % DISTRICTS.len();
            let district = (!city_wide).then(|| DISTRICTS[place].sdn);
            let name = if city_wide {
                format!("Stadens hemsjukvård {}", unit + CITY_UNITS - UNITS + 1)
            } else {
                format!("{} {}gården", rng.pick(&KINDS), names::last(&mut rng, false))
            };
            let hsa_id = format!("SE{CITY_ORGNR}-W{:04}", unit + 1);
            let to = (unit == CLOSED.0).then(|| CLOSED.1.iso());
            self.db.push(VARDENHET, row![unit_id(unit), name, hsa_id, district, from.clone(), to])?;
        }
        Ok(())
    }

    pub(super) fn write_staff(&mut self) -> Result<(), Error> {
        for place in 0..self.staff.0.len() {
            let member = &self.staff.0[place];
            let (id, profession, from, to) = (member.id, member.profession, member.from, member.to);
            let index = u64::try_from(id).unwrap_or(0);
            let mut rng = Rng::keyed(self.city.seed, "PERSONAL/row", index);
            // People hired by the day come without an identity of the care directory.
            let agency = self.quotas.no_hsa_id.strikes();
            if agency {
                self.mark("D56", "PERSONAL", Action::Flag, &id);
            }
            let hsa_id = (!agency).then(|| format!("SE{CITY_ORGNR}-V{id:05}"));
            let man = rng.chance(2, 10);
            let name = format!("{} {}", names::first(&mut rng, man), names::last(&mut rng, false));
            let licence = (profession != ASSISTANT).then(|| format!("L{:05}", rng.between(10_000, 99_999)));
            let row = row![id, hsa_id, name, profession, licence, from.iso(), to.map(Day::iso)];
            self.db.push(PERSONAL, row)?;
        }
        self.write_delegations()
    }

    /// About three tasks for each member of the staff, from a nurse to an assistant, for a year each.
    fn write_delegations(&mut self) -> Result<(), Error> {
        let count = 3 * i32::try_from(self.staff.0.len()).unwrap_or(0);
        let mut rng = Rng::keyed(self.city.seed, "DELEGERING", 0);
        for id in 1..=count {
            let from = FIRST_NOTE.plus(rng.between(0, TODAY.0 - FIRST_NOTE.0));
            let giver = self.staff.working_as(&[NURSE], from, &mut rng).id;
            let taker = self.staff.working_as(&[ASSISTANT], from, &mut rng).id;
            let to = from.plus(364);
            let withdrawn = from.plus(rng.between(20, 300));
            let withdrawn = (rng.chance(60, 1_000) && withdrawn <= TODAY).then(|| withdrawn.iso());
            let row = row![id, giver, taker, rng.pick(&TASKS), from.iso(), to.iso(), withdrawn];
            self.db.push(DELEGERING, row)?;
        }
        Ok(())
    }
}

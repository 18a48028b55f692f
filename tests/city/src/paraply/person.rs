//! A person: the row itself, references between rows, addresses, and then everything below.

use crate::calendar::{Day, Stamp, TODAY};
use crate::error::Error;
use crate::names;
use crate::organisation::DISTRICTS;
use crate::population::{NumberDefect, Person};
use crate::rng::Rng;
use crate::sqlite::row;
use crate::truth::Action;

use super::arende::Akt;
use super::{ADRESS, PERSHANV, PERSON, Paraply, next};

/// What stands in a date column that was never closed.
pub(super) const OPEN_ENDS: [Day; 3] = [Day::of(2079, 6, 6), Day::of(9999, 12, 31), Day::of(1900, 1, 1)];

impl Paraply<'_> {
    pub(super) fn write_person(&mut self, person: &Person) -> Result<(), Error> {
        let akter = self.plan_akter(person);
        self.write_person_row(person, &akter)?;
        self.write_reference(person)?;
        self.write_addresses(person)?;
        self.write_akter(person, &akter)?;
        self.write_notes(person, &akter)
    }

    fn write_person_row(&mut self, person: &Person, akter: &[Akt]) -> Result<(), Error> {
        let mut rng = self.stream("PERSON", person);
        let id = person.pers_id();
        let (first, last) = person.name(self.city.seed);
        let last = if person.mojibake { names::mojibake(&last) } else { last };
        let registered = Stamp::at(person.registered, rng.between(8, 16), rng.between(0, 59));
        let edited = registered.plus_minutes(rng.between(0, 60 * 24 * 90)).plus_ms(rng.between(0, 59_999));
        let registrar = self.handler(&mut rng);
        let editor = self.handler(&mut rng);
        let row = row![
            id,
            person.pnr.clone(),
            person.pnr_type,
            first,
            last,
            if person.man { "M" } else { "K" },
            rng.pick(&["OG", "OG", "G", "S", "Ä"]),
            rng.pick(&["SWE", "SWE", "SWE", "FIN", "SYR"]),
            rng.pick(&["sv", "sv", "sv", "fi", "ar"]),
            rng.chance(80, 1_000),
            death(person, akter, &mut rng).map(Day::small),
            person.protection,
            "0180",
            person.district.map(|index| DISTRICTS[index].sdn),
            person.clean.as_ref().map(|_| person.registered.small()),
            registrar,
            registered.plus_ms(rng.between(0, 59_999)).full(),
            editor,
            edited.plus_minutes(1).full(),
            false,
            self.row_version(),
        ];
        self.db.push(PERSON, row)?;
        self.mark_person(person);
        Ok(())
    }

    fn mark_person(&mut self, person: &Person) {
        let id = match person.defect {
            Some(NumberDefect::CheckDigit) => Some("D01"),
            Some(NumberDefect::Century) => Some("D02"),
            Some(NumberDefect::Calendar) => Some("D03"),
            Some(NumberDefect::Sentinel) => Some("D04"),
            None => None,
        };
        if let Some(id) = id {
            self.mark(id, "PERSON", Action::Flag, person.pers_id());
        }
        if person.mojibake {
            self.mark("D13", "PERSON", Action::Fix, person.pers_id());
        }
    }

    fn write_reference(&mut self, person: &Person) -> Result<(), Error> {
        let Some(index) = person.refers_to else {
            return Ok(());
        };
        let date = person.registered.plus(30).small();
        let target = i64::from(index) + 1;
        self.db.push(PERSHANV, row![person.pers_id(), target, "HV", date])
    }

    fn write_addresses(&mut self, person: &Person) -> Result<(), Error> {
        let mut rng = self.stream("ADRESS", person);
        let count = i32::try_from(1 + rng.weighted(&[45, 33, 18, 4])).unwrap_or(1);
        let mut from = person.registered;
        let days_each = (TODAY.0 - from.0) / (count + 1);
        for number in 1..=count {
            let last = number == count;
            let to = from.plus(rng.between(days_each / 2, days_each));
            self.write_address(person, &mut rng, from, (!last).then_some(to))?;
            from = to.plus(1);
        }
        Ok(())
    }

    fn write_address(
        &mut self,
        person: &Person,
        rng: &mut Rng,
        from: Day,
        to: Option<Day>,
    ) -> Result<(), Error> {
        let id = next(&mut self.ids.adress);
        let to = match to {
            None if self.quotas.adress_open_end.strikes() => {
                self.mark("D23", "ADRESS", Action::Norm, id);
                Some(rng.pick(&OPEN_ENDS))
            }
            Some(_) if self.quotas.adress_order.strikes() => {
                self.mark("D24", "ADRESS", Action::Flag, id);
                Some(from.plus(-rng.between(1, 20)))
            }
            other => other,
        };
        let street = names::street(rng);
        let postcode = format!("1{:04}", rng.between(0, 29) * 100 + rng.between(10, 99));
        let (co, street) = if person.is_protected() {
            (Some("Förmedlingsuppdrag"), "Box 1".to_owned())
        } else {
            (rng.chance(50, 1_000).then_some("c/o Granne"), street)
        };
        let kind = if person.is_protected() { "S" } else { rng.pick(&["F", "F", "F", "T", "V"]) };
        let (from, to) = (from.small(), to.map(Day::small));
        self.db.push(ADRESS, row![id, person.pers_id(), kind, co, street, postcode, "STOCKHOLM", from, to])
    }
}

/// A day of death after everything else, for some of the old whose files are closed.
fn death(person: &Person, akter: &[Akt], rng: &mut Rng) -> Option<Day> {
    let dies = rng.chance(300, 1_000);
    if !dies || person.kund || person.patient || person.registered > Day::of(2014, 1, 1) {
        return None;
    }
    let mut last = None;
    for akt in akter {
        last = last.max(Some(akt.closed?));
    }
    let day = last?.plus(rng.between(1, 60));
    (day <= TODAY).then_some(day)
}

//! A person: the row itself, references between rows, addresses, and then everything below.

use crate::calendar::{Day, Stamp, TODAY};
use crate::error::Error;
use crate::names;
use crate::organisation::DISTRICTS;
use crate::population::{DoubleKind, NumberDefect, Oddity, Person};
use crate::rng::Rng;
use crate::sqlite::row;
use crate::truth::Action;

use super::arende::Akt;
use super::identity::{Face, Held};
use super::{ADRESS, PERSHANV, PERSON, Paraply, next};

/// What stands in a date column that was never closed.
pub(super) const OPEN_ENDS: [Day; 3] = [Day::of(2079, 6, 6), Day::of(9999, 12, 31), Day::of(1900, 1, 1)];

/// A person with the plan of what happened.
pub(super) struct Life<'a> {
    pub(super) person: &'a Person,
    pub(super) akter: Vec<Akt>,
    pub(super) death: Option<Day>,
}

impl Paraply<'_> {
    pub(super) fn write_person(&mut self, person: &Person) -> Result<(), Error> {
        let akter = self.plan_akter(person);
        let death = death(person, &akter, &mut self.stream("death", person));
        let life = Life { person, akter, death };
        self.write_person_row(&life)?;
        if person.oddity == Some(Oddity::TwoHumans) {
            // A row that is held back has nothing hanging on it.
            return Ok(());
        }
        self.write_reference(person)?;
        self.write_addresses(person)?;
        let kin = self.write_relatives(&life)?;
        self.write_akter(&life, &kin)?;
        self.write_fees(&life)?;
        self.write_notes(&life)?;
        self.write_documents(&life)?;
        self.write_log(&life)
    }

    fn write_person_row(&mut self, life: &Life<'_>) -> Result<(), Error> {
        let person = life.person;
        let mut rng = self.stream("PERSON", person);
        let id = person.pers_id();
        let (first, last) = self.registered_name(person, &mut rng);
        let registered = Stamp::at(person.registered, rng.between(8, 16), rng.between(0, 59));
        let edited = registered.plus_minutes(rng.between(0, 60 * 24 * 90)).plus_ms(rng.between(0, 59_999));
        let registrar = self.handler(&mut rng);
        let editor = self.handler(&mut rng);
        let other_sex = matches!(person.oddity, Some(Oddity::OtherSex | Oddity::TwoHumans));
        let birth = registered_birth(person, &mut rng);
        self.note_research(person, birth);
        let row = row![
            id,
            person.pnr.clone(),
            person.pnr_type,
            birth.map(Day::small),
            first,
            last,
            if person.man == other_sex { "K" } else { "M" },
            rng.pick(&["OG", "OG", "G", "S", "Ä"]),
            rng.pick(&["SWE", "SWE", "SWE", "FIN", "SYR"]),
            rng.pick(&["sv", "sv", "sv", "fi", "ar"]),
            rng.chance(80, 1_000),
            life.death.map(Day::small),
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
        self.remember_face(person);
        Ok(())
    }

    /// The name as the row has it, damaged where it is this row's turn.
    fn registered_name(&self, person: &Person, rng: &mut Rng) -> (String, String) {
        let (first, last) = person.name(self.city.seed);
        let (first, last) = (first.to_owned(), if person.mojibake { names::mojibake(&last) } else { last });
        match person.oddity {
            Some(Oddity::LostLetter) => {
                let lost = rng.pick(&['\u{fffd}', '?']);
                (first, names::without_a_letter(&last, lost))
            }
            Some(Oddity::Blanks) => match rng.below(4) {
                0 => (format!("{first} "), last),
                1 => (first, format!(" {last}")),
                2 => (format!("{first}  {first}"), last),
                _ => (first, format!("{last}\u{a0}")),
            },
            _ => (first, last),
        }
    }

    fn mark_person(&mut self, person: &Person) {
        let number = match person.defect {
            Some(NumberDefect::CheckDigit) => Some("D01"),
            Some(NumberDefect::Century) => Some("D02"),
            Some(NumberDefect::Calendar) => Some("D03"),
            Some(NumberDefect::Sentinel) => Some("D04"),
            None => None,
        };
        let odd = match person.oddity {
            Some(Oddity::TwoHumans) => Some(("D08", Action::Quarantine)),
            Some(Oddity::OtherSex) => Some(("D09", Action::Flag)),
            Some(Oddity::OtherDay) => Some(("D10", Action::Flag)),
            Some(Oddity::TestPerson) => Some(("D83", Action::Flag)),
            Some(Oddity::LostLetter) => Some(("D14", Action::Flag)),
            Some(Oddity::Blanks) => Some(("D15", Action::Norm)),
            None => None,
        };
        let key = person.pers_id();
        for (id, action) in number.map(|id| (id, Action::Flag)).into_iter().chain(odd) {
            self.mark(id, "PERSON", action, key);
        }
        if person.mojibake {
            self.mark("D13", "PERSON", Action::Fix, key);
        }
        if person.shielded {
            self.mark("D11", "PERSON", Action::Fix, key);
        }
        if let Some(double) = person.double.filter(|double| double.kind == DoubleKind::Same) {
            self.mark("D07", "PERSON", Action::Flag, i64::from(double.of) + 1);
            self.mark("D07", "PERSON", Action::Flag, key);
        }
    }

    /// Keeps what tells the person's records, unless they must not be compared.
    fn remember_face(&mut self, person: &Person) {
        let apart = matches!(
            person.oddity,
            Some(Oddity::TwoHumans | Oddity::OtherDay | Oddity::LostLetter | Oddity::TestPerson)
        );
        let Some(birth) = person.birth.filter(|_| !apart && !person.is_hidden()) else {
            return;
        };
        let held = match (&person.pnr, person.pnr_type) {
            (None, _) => Held::Nothing,
            (Some(_), "S") => Held::Samordningsnummer,
            (Some(_), _) => Held::Personnummer,
        };
        let (first, last) = person.name(self.city.seed);
        self.faces.push(Face::new((first, &last), birth, person.pers_id(), held));
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
        let postcode = names::postcode(rng);
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

impl Paraply<'_> {
    /// Notes a person whose files are kept for research: by the registered day of birth or by the number's,
    /// or because the record is held back, so that no day is known.
    fn note_research(&mut self, person: &Person, registered: Option<Day>) {
        let known = [registered, person.birth].into_iter().flatten().map(|day| day.civil().2);
        let held = person.oddity == Some(Oddity::TwoHumans);
        let mut days = known.peekable();
        if held || days.peek().is_none() || days.any(|day| matches!(day, 5 | 15 | 25)) {
            self.research.insert(person.pers_id());
        }
    }
}

/// `FODDAT`: the day of birth, or what stands there by mistake.
fn registered_birth(person: &Person, rng: &mut Rng) -> Option<Day> {
    let birth = person.birth?;
    let (year, month, day) = birth.civil();
    match person.oddity {
        Some(Oddity::OtherDay) => Some(Day::of(year, month, if day == 1 { 2 } else { day - 1 })),
        Some(Oddity::TwoHumans) => Some(Day::of(year - rng.between(5, 25), month, day.min(28))),
        _ => Some(birth),
    }
}

/// A day of death after everything else, for some of the old whose files are closed.
fn death(person: &Person, akter: &[Akt], rng: &mut Rng) -> Option<Day> {
    let dies = person.dies || rng.chance(300, 1_000);
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

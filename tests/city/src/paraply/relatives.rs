//! Relatives and representatives: persons beside the plan, with rows of their own after everybody else's keys.

use crate::calendar::{Day, Stamp, TODAY};
use crate::codes::Area;
use crate::error::Error;
use crate::names;
use crate::organisation::DISTRICTS;
use crate::population::{Identity, Person};
use crate::rng::Rng;
use crate::sqlite::row;

use super::identity::{Face, Held};
use super::person::Life;
use super::{PERSON, Paraply, RELATION, next};

/// A partner or child who lives with a person.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) id: i64,
    /// The day of birth of a child; none for a partner.
    pub(super) born: Option<Day>,
    /// A child who lives with each parent in turn.
    pub(super) alternating: bool,
}

/// The last day of birth of somebody who can be an adult in the city's first years.
const ADULT_BORN: Day = Day::of(1990, 12, 31);

impl Paraply<'_> {
    /// Writes the persons around a client, and returns those who live in the household.
    pub(super) fn write_relatives(&mut self, life: &Life<'_>) -> Result<Vec<Member>, Error> {
        let mut rng = self.stream("RELATION", life.person);
        let areas: Vec<Area> = life.akter.iter().flat_map(|akt| &akt.cases).map(|case| case.area).collect();
        let mut household = Vec::new();
        if areas.contains(&Area::Eb) {
            household = self.write_household(life, &mut rng)?;
        }
        if areas.contains(&Area::Bu) {
            for _ in 0..rng.between(1, 2) {
                let latest = life.person.birth.map_or(ADULT_BORN, |birth| birth.plus(-17 * 365));
                let parent = self.write_adult(life.person, (true, latest.min(ADULT_BORN)), &mut rng)?;
                let kind = rng.pick(&["FÖ", "VH", "VH"]);
                self.write_relation(life.person, parent, kind, &mut rng)?;
            }
        }
        let mut represented = |share| rng.chance(share, 1_000);
        let others = [
            ("NÄ", areas.contains(&Area::Ao) && (life.person.steady || represented(250))),
            ("GM", areas.contains(&Area::Fn) && (life.person.steady || represented(200))),
            ("FV", areas.contains(&Area::Sp) && represented(150)),
            ("KO", areas.contains(&Area::Vu) && represented(60)),
        ];
        for (kind, _) in others.iter().filter(|(_, wanted)| *wanted) {
            let other = self.write_adult(life.person, (*kind == "NÄ", ADULT_BORN), &mut rng)?;
            self.write_relation(life.person, other, kind, &mut rng)?;
        }
        Ok(household)
    }

    /// A partner for a quarter and children for a half of those with ekonomiskt bistånd.
    fn write_household(&mut self, life: &Life<'_>, rng: &mut Rng) -> Result<Vec<Member>, Error> {
        let mut members = Vec::new();
        let steady = life.person.steady;
        if steady || rng.chance(250, 1_000) {
            let id = self.write_adult(life.person, (false, ADULT_BORN), rng)?;
            members.push(Member { id, born: None, alternating: false });
        }
        let children = if steady { 1 } else { rng.weighted(&[50, 27, 17, 6]) };
        for _ in 0..children {
            let Some(identity) = self.numbers.relative(true) else {
                continue;
            };
            let alternating = self.quotas.household_alternating.strikes();
            let born = identity.birth;
            let id = self.write_relative(life.person, Some(identity), true, rng)?;
            self.write_relation(life.person, id, "BA", rng)?;
            members.push(Member { id, born: Some(born), alternating });
        }
        Ok(members)
    }

    /// An adult, of the family or not; one who is born too late for that has no number.
    fn write_adult(
        &mut self,
        person: &Person,
        (family, latest): (bool, Day),
        rng: &mut Rng,
    ) -> Result<i64, Error> {
        let identity = self.numbers.relative(false).filter(|identity| identity.birth <= latest);
        self.write_relative(person, identity, family, rng)
    }

    fn write_relative(
        &mut self,
        person: &Person,
        identity: Option<Identity>,
        family: bool,
        rng: &mut Rng,
    ) -> Result<i64, Error> {
        let id = next(&mut self.ids.person);
        let man = identity.as_ref().map_or(rng.chance(1, 2), |identity| identity.man);
        let first = names::first(rng, man);
        let own = names::last(rng, false);
        let last = if family { person.name(self.city.seed).1 } else { own };
        let birth = identity.as_ref().map(|identity| identity.birth);
        let earliest = birth.map_or(person.registered, |birth| birth.plus(10).max(person.registered));
        let registered = Stamp::at(earliest.min(TODAY.plus(-30)), rng.between(8, 16), rng.between(0, 59));
        let registrar = self.handler(rng);
        let number = identity.and_then(|identity| identity.number);
        let kind = if number.is_some() { "P" } else { "O" };
        let row = row![
            id,
            number,
            kind,
            birth.map(Day::small),
            first,
            last.clone(),
            if man { "M" } else { "K" },
            rng.pick(&["OG", "OG", "G", "S", "Ä"]),
            "SWE",
            "sv",
            false,
            None::<i64>,
            "",
            "0180",
            person.district.map(|index| DISTRICTS[index].sdn),
            None::<i64>,
            registrar.clone(),
            registered.plus_ms(rng.between(0, 59_999)).full(),
            registrar,
            registered.plus_minutes(1).full(),
            false,
            self.row_version(),
        ];
        self.db.push(PERSON, row)?;
        if let Some(birth) = birth {
            self.faces.push(Face::new((first, &last), birth, id, Held::Personnummer));
        }
        Ok(id)
    }

    fn write_relation(
        &mut self,
        person: &Person,
        other: i64,
        kind: &'static str,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let from = person.registered.plus(rng.between(0, 60)).min(TODAY);
        let representative = matches!(kind, "GM" | "FV" | "KO");
        let ended = (representative && rng.chance(300, 1_000))
            .then(|| from.plus(rng.between(200, 1_500)))
            .filter(|day| *day <= TODAY);
        self.db.push(RELATION, row![person.pers_id(), other, kind, from.small(), ended.map(Day::small)])
    }
}

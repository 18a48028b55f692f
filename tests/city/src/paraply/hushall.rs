//! Households of ekonomiskt bistånd and who belongs to them.

use crate::calendar::{Day, TODAY};
use crate::error::Error;
use crate::population::Person;
use crate::rng::Rng;
use crate::sqlite::row;
use crate::truth::Action;

use super::arende::Arende;
use super::relatives::Member;
use super::{HUSHALL, HUSHMED, Paraply, place};

/// How many members of other households are remembered.
const REMEMBERED: usize = 64;

/// When a household had its bistånd.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period {
    pub(super) from: Day,
    /// None when it goes on.
    pub(super) to: Option<Day>,
    /// Whether anything was paid.
    pub(super) paid: bool,
    /// Whether it is the person's only household.
    pub(super) only: bool,
}

/// A member of a household that was paid, who may turn up in another one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    household: i64,
    member: Member,
    from: Day,
    to: Option<Day>,
}

impl Seen {
    /// When the member comes to a household of this period, if that is before leaving the other one.
    fn comes(&self, period: Period) -> Option<Day> {
        let from = self.from.plus(1).max(period.from);
        let (ours, theirs) = (period.to.unwrap_or(TODAY), self.to.unwrap_or(TODAY));
        (from <= ours && from <= theirs).then_some(from)
    }
}

impl Paraply<'_> {
    /// Writes the household of a case and its members.
    pub(super) fn write_hushall(
        &mut self,
        id: i64,
        (person, case, kin): (&Person, &Arende, &[Member]),
        period: Period,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let members: Vec<&Member> = kin
            .iter()
            .filter(|member| member.born.is_none_or(|born| born < period.to.unwrap_or(TODAY)))
            .collect();
        let kind = household_type(person, &members);
        let (from, to) = (period.from.small(), period.to.map(Day::small));
        self.db.push(HUSHALL, row![id, case.id, kind, from, to])?;
        let headless = self.quotas.household_head.strikes();
        if headless {
            self.mark("D34", "HUSHALL", Action::Flag, id);
        }
        // Two registerledare where there is somebody to be the second, otherwise none.
        let two = headless && !members.is_empty();
        let head = if headless && !two { "M" } else { "R" };
        self.write_member(id, person.pers_id(), (head, false), (period.from, period.to))?;
        for (place, member) in members.iter().enumerate() {
            let own = if member.born.is_some() { "B" } else { "M" };
            let role = if two && place == 0 { "R" } else { own };
            let from = member.born.map_or(period.from, |born| born.max(period.from));
            self.write_member(id, member.id, (role, member.alternating), (from, period.to))?;
        }
        if period.paid && period.only {
            self.take_in(id, period, rng)?;
            for member in members {
                let from = member.born.map_or(period.from, |born| born.max(period.from));
                self.seen.push_back(Seen { household: id, member: *member, from, to: period.to });
            }
            while self.seen.len() > REMEMBERED {
                self.seen.pop_front();
            }
        }
        Ok(())
    }

    fn write_member(
        &mut self,
        household: i64,
        person: i64,
        (role, alternating): (&'static str, bool),
        (from, to): (Day, Option<Day>),
    ) -> Result<(), Error> {
        let alternating = if alternating { "J" } else { "N" };
        self.db.push(HUSHMED, row![household, person, role, alternating, from.small(), to.map(Day::small)])
    }

    /// Takes in a member of another household at the same time: a child who lives with each parent in turn,
    /// or somebody for whom two households are paid (D35).
    fn take_in(&mut self, household: i64, period: Period, rng: &mut Rng) -> Result<(), Error> {
        let meets =
            |seen: &Seen, alternating| seen.member.alternating == alternating && seen.comes(period).is_some();
        if let Some(place) = self.seen.iter().position(|seen| meets(seen, true))
            && rng.chance(2, 3)
        {
            self.move_in(household, period, place, ("B", true))?;
        }
        let adult = |seen: &Seen| seen.member.born.is_none() && meets(seen, false);
        if let Some(found) = self.seen.iter().position(adult)
            && self.quotas.household_twice.strikes()
        {
            let seen = self.move_in(household, period, found, ("M", false))?;
            if let Some(seen) = seen {
                let key = format!("{}|{}|{}", seen.household, seen.member.id, seen.from.small());
                self.ledger.mark(place("D35", "HUSHMED", Action::Flag), key);
            }
        }
        Ok(())
    }

    fn move_in(
        &mut self,
        household: i64,
        period: Period,
        place: usize,
        role: (&'static str, bool),
    ) -> Result<Option<Seen>, Error> {
        let Some(seen) = self.seen.remove(place) else {
            return Ok(None);
        };
        let Some(from) = seen.comes(period) else {
            return Ok(None);
        };
        self.write_member(household, seen.member.id, role, (from, period.to))?;
        Ok(Some(seen))
    }
}

/// `HUSHALL.TYP` by the sex of a single person and whether there are children.
fn household_type(person: &Person, members: &[&Member]) -> &'static str {
    let children = members.iter().any(|member| member.born.is_some());
    let couple = members.iter().any(|member| member.born.is_none());
    match (couple, person.man, children) {
        (true, _, false) => "7",
        (true, _, true) => "8",
        (false, true, false) => "3",
        (false, true, true) => "4",
        (false, false, false) => "5",
        (false, false, true) => "6",
    }
}

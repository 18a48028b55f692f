//! Second records of one human, and rows of persons that are odd in other ways.

use crate::calendar::{Day, TODAY};
use crate::numbers::SENTINELS;
use crate::rng::Rng;

use super::{Double, DoubleKind, Oddity, Person, Planner};

/// How far back the first record of a pair is looked for.
const LOOK_BACK: usize = 400;

impl Person {
    /// Whether the row has a right number of twelve digits that is not shared with the other systems' plans.
    pub(super) fn holds_plain_number(&self) -> bool {
        self.defect.is_none() && self.birth.is_some() && self.clean == self.pnr && self.pnr.is_some()
    }

    pub(super) fn make_odd(&mut self, oddity: Oddity) {
        self.oddity = Some(oddity);
        match oddity {
            // A row that is held back, or that is nobody, has nothing hanging on it.
            Oddity::TwoHumans => self.client = Some(false),
            Oddity::TestPerson => {
                self.client = Some(false);
                self.pnr = Some(SENTINELS[2].to_owned());
            }
            Oddity::OtherSex | Oddity::OtherDay | Oddity::LostLetter | Oddity::Blanks => {}
        }
    }

    /// Whether the person can be the first of two records.
    fn stands_alone(&self) -> bool {
        let plain = self.oddity.is_none() && !self.mojibake && !self.is_protected();
        plain && self.holds_plain_number() && !self.kund && !self.patient
    }
}

impl Planner {
    /// Makes the person a second record of an earlier one, when one can be found.
    pub(super) fn make_double(&mut self, person: &mut Person, kind: DoubleKind, rng: &mut Rng) {
        let number_type = if kind == DoubleKind::Renumbered { "S" } else { "P" };
        let candidates = self.persons.iter().rev().take(LOOK_BACK);
        let first = candidates
            .filter(|first| first.stands_alone() && first.pnr_type == number_type)
            .find(|first| !self.paired.contains(&first.index));
        let Some(first) = first.cloned() else {
            return;
        };
        let Some(birth) = first.birth else {
            return;
        };
        match kind {
            DoubleKind::Same => person.pnr = first.pnr,
            DoubleKind::Renumbered => {
                let Some(identity) = self.pools.became(birth) else {
                    return;
                };
                person.pnr = identity.number;
                let later = first.registered.plus(rng.between(60, 900));
                person.registered = later.min(Day::of(2024, 9, 30)).max(first.registered.plus(1));
            }
            DoubleKind::Unnumbered => {
                person.pnr = None;
                person.pnr_type = "O";
            }
        }
        person.clean = None;
        person.man = first.man;
        person.birth = first.birth;
        person.registered = person.registered.max(birth.plus(10)).min(TODAY.plus(-90));
        person.double = Some(Double { of: first.index, kind });
        self.paired.extend([first.index, person.index]);
    }

    /// Some samordningsnummer became personnummer: then the record before is the same human. When it is to be
    /// a shield, this record is protected and that one is not.
    pub(super) fn refer(&mut self, person: &mut Person, shield: bool) {
        let Some(first) = self.persons.last_mut() else {
            return;
        };
        let woman = !first.man && first.pnr_type == "P" && first.defect.is_none();
        let own_name = first.refers_to.is_none() && !first.mojibake && first.oddity.is_none();
        let free = !self.paired.contains(&first.index) && !first.is_hidden();
        if !woman || !own_name || !free || (shield && (first.kund || first.patient)) {
            return;
        }
        person.refers_to = Some(first.index);
        person.mojibake = false;
        person.protection = if shield { "J" } else { "" };
        first.shielded = shield;
        self.paired.extend([first.index, person.index]);
    }
}

//! Visits during the nights in which the clocks change (D64).
//!
//! In October the hour from two to three comes twice, and a wall time within it does not say which pass is
//! meant, unless the employee's visit before had already lasted beyond it. In March the hour does not exist;
//! a device that nobody had set right still writes it.

use super::besok::{Hands, Row};
use super::kund::Kund;
use super::month::Round;
use super::overlap::Made;
use super::visit::Visit;
use super::{Paraga, SYSTEM};
use crate::calendar::{Day, Stamp};
use crate::error::Error;
use crate::rng::Rng;
use crate::truth::Action;

/// A visit of the night: when it was made, in minutes after midnight, and what is wrong with it.
struct Night {
    planned: i32,
    start: i32,
    end: i32,
    defect: Option<Action>,
}

/// In March, by a device that stayed in winter time.
const SPRING: [Night; 1] = [Night { planned: 195, start: 135, end: 220, defect: Some(Action::Fix) }];
/// In October, in either pass.
const AUTUMN: [Night; 1] = [Night { planned: 140, start: 140, end: 170, defect: Some(Action::Flag) }];
/// In October, two visits of one employee: the first ended in either pass, but the second began at an
/// earlier wall time than that, so that it was the second pass.
const AUTUMN_PAIR: [Night; 2] = [
    Night { planned: 90, start: 90, end: 175, defect: Some(Action::Flag) },
    Night { planned: 130, start: 130, end: 200, defect: None },
];

impl Paraga<'_> {
    /// Writes the visits of the night in which the clocks change, when the month has one.
    pub(super) fn write_clock_change(&mut self, round: &mut Round) -> Result<(), Error> {
        let files = &round.files;
        let nights: &[Night] = match (files.month.of_year(), files.utforare % 2) {
            (3, _) => &SPRING,
            (10, 0) => &AUTUMN,
            (10, _) => &AUTUMN_PAIR,
            _ => return Ok(()),
        };
        let kunder = std::mem::take(&mut self.kunder);
        let night = self.write_nights(round, &kunder, nights);
        self.kunder = kunder;
        night
    }

    fn write_nights(&mut self, round: &mut Round, kunder: &[Kund], nights: &[Night]) -> Result<(), Error> {
        let (utforare, sunday) = (round.files.utforare, round.files.month.last_sunday());
        let at = |minute: i32| Stamp::at(sunday, 0, 0).plus_minutes(minute);
        let mut rng = Rng::keyed(
            self.city.seed,
            "night",
            u64::from(sunday.0.unsigned_abs()) << 8 | u64::from(utforare),
        );
        let may = |kund: &Kund| self.is_at_home(round, kund, sunday) && kund.utforare == utforare;
        let mut chosen = kunder.iter().enumerate().filter(|(_, kund)| may(kund));
        let Some((place, kund)) = chosen.next() else { return Ok(()) };
        // The second visit is another kund's, if there is another one.
        let others = chosen.chain(std::iter::repeat((place, kund)));
        let homes: Vec<_> = std::iter::once((place, kund)).chain(others).take(nights.len()).collect();
        let Some(helper) = round.roster.take(at(0), at(240), &mut rng) else { return Ok(()) };
        for (night, home) in nights.iter().zip(homes) {
            let visit = Visit {
                plan_start: at(night.planned),
                plan_end: at(night.planned + 25),
                made: Some((at(night.start), at(night.end))),
                minutes: 25,
                double: false,
                reason: "",
            };
            self.write_night(round, home, (&visit, helper), night.defect, &mut rng)?;
        }
        Ok(())
    }

    fn is_at_home(&self, round: &Round, kund: &Kund, day: Day) -> bool {
        let month = round.files.month;
        let away = super::away::Away::draw(self.city.seed, kund.person, month);
        kund.is_active(month)
            && kund.first_day() <= day
            && !away.is_some_and(|away| away.covers(Stamp::at(day, 2, 0)))
    }

    fn write_night(
        &mut self,
        round: &mut Round,
        (place, kund): (usize, &Kund),
        (visit, helper): (&Visit, i64),
        defect: Option<Action>,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let hands = Hands { helper, second: None };
        let key = round.files.besok.next_key();
        if let Some(action) = defect {
            self.ledger.mark(("D64", SYSTEM, "besok", action), key.clone());
        }
        let receipt = self.receipt(round, visit, hands, rng);
        let row = Row { kund, visit, hands, receipt, midnight: false };
        let besok = self.write_besok(&mut round.files, &row, rng)?;
        if let Some((start, end)) = visit.made {
            round.made.push(Made { employee: helper, kund: place, start, end, key });
        }
        self.write_insatser(&mut round.files, besok, visit, rng)?;
        self.write_plans(round, place, (visit, hands), Some(besok), rng)
    }
}

//! Orders to those who carry out decisions, and what they are paid for it.

use crate::calendar::{Day, Month, TODAY};
use crate::error::Error;
use crate::rng::Rng;
use crate::sqlite::{money, row};
use crate::truth::Action;

use super::batch::Load;
use super::beslut::Decision;
use super::registry::CLOSED;
use super::{BESTALL, INTDEB, Paraply, next};

/// The first day on which help is granted in hours instead of levels.
const HOURS_FROM: Day = Day::of(2014, 1, 1);
/// The most months of an order that are debited.
const MONTHS: i32 = 9;

/// How much is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// One of the levels 1-17, until 2013.
    Level(i32),
    /// Half hours in a month, from 2014.
    HalfHours(i32),
}

impl Extent {
    pub(super) fn drawn(from: Day, rng: &mut Rng) -> Self {
        if from < HOURS_FROM { Self::Level(rng.between(1, 17)) } else { Self::HalfHours(rng.between(4, 180)) }
    }

    /// `BESLUT.ANTAL`.
    pub(super) fn text(self) -> String {
        match self {
            Self::Level(level) => format!("{level}.00"),
            Self::HalfHours(halves) => format!("{}.{}0", halves / 2, halves % 2 * 5),
        }
    }

    /// `BESLUT.ENHETKOD`.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Level(_) => "NI",
            Self::HalfHours(_) => "TI",
        }
    }

    fn hours(self) -> Option<String> {
        match self {
            Self::Level(_) => None,
            Self::HalfHours(_) => Some(self.text()),
        }
    }

    /// The price of a level in a month, or of an hour, in whole kronor.
    fn price(self, rng: &mut Rng) -> i64 {
        i64::from(match self {
            Self::Level(level) => 1_400 * level + 50 * rng.between(0, 9),
            Self::HalfHours(_) => rng.between(330, 470),
        }) * 100
    }

    fn amount(self, price: i64) -> i64 {
        match self {
            Self::Level(_) => price,
            Self::HalfHours(halves) => price * i64::from(halves) / 2,
        }
    }
}

impl Paraply<'_> {
    /// Writes an order for what was granted, and its debits, and returns its key.
    pub(super) fn write_order(
        &mut self,
        beslut: i64,
        decision: &Decision,
        extent: Extent,
        rng: &mut Rng,
    ) -> Result<i64, Error> {
        let id = next(&mut self.ids.bestall);
        let wrong = self.quotas.bestall_receiver.strikes();
        let receiver = match wrong {
            true if decision.from > CLOSED && rng.chance(1, 2) => Some(self.units.closed),
            true => None,
            false if decision.from <= CLOSED && rng.chance(1, 4) => Some(self.units.closed),
            false => Some(rng.pick(&self.units.utforare)),
        };
        if wrong {
            self.mark("D31", "BESTALL", Action::Flag, id);
        }
        let level = match extent {
            Extent::Level(level) => Some(level),
            Extent::HalfHours(_) => None,
        };
        let ended = decision.to.is_some_and(|to| to <= TODAY);
        let answered = decision.decided.plus(rng.between(0, 7)).min(TODAY);
        let row = row![
            id,
            beslut,
            receiver,
            level,
            extent.hours(),
            decision.from.small(),
            decision.to.map(Day::small),
            if ended { "A" } else { rng.pick(&["M", "M", "M", "S"]) },
            answered.small(),
        ];
        self.db.push(BESTALL, row)?;
        if let (Some(receiver), false) = (receiver, wrong) {
            self.write_debits((id, receiver), decision, extent, rng)?;
        }
        Ok(id)
    }

    fn write_debits(
        &mut self,
        (order, receiver): (i64, i64),
        decision: &Decision,
        extent: Extent,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let price = extent.price(rng);
        let last = decision.to.unwrap_or(TODAY).min(TODAY).month();
        let mut month = decision.from.month();
        for _ in 0..MONTHS {
            if month > last {
                break;
            }
            let id = self.write_debit((order, receiver), month, (extent, price), None, rng)?;
            if rng.chance(10, 1_000) && month < TODAY.month() {
                self.write_debit((order, receiver), month, (extent, price), Some(id), rng)?;
            }
            month = month.plus(1);
        }
        Ok(())
    }

    /// Writes the debit of a month, or the correction that takes a tenth of it back.
    fn write_debit(
        &mut self,
        (order, receiver): (i64, i64),
        month: Month,
        (extent, price): (Extent, i64),
        corrects: Option<i64>,
        rng: &mut Rng,
    ) -> Result<i64, Error> {
        let id = next(&mut self.ids.debitering);
        let full = extent.amount(price);
        let amount = if corrects.is_some() { -(full / 10) } else { full };
        let in_wrong_batch = self.quotas.debit_batch.strikes();
        let load = if in_wrong_batch { Load::WrongDebits } else { Load::Debits };
        let bunt = self.add_to_batch(month.last_day(), load, amount, ("INTDEB", id));
        let mut unit_price = money(price);
        if !in_wrong_batch && self.quotas.debit_part_of_ore.strikes() {
            self.mark("D38", "INTDEB", Action::Flag, id);
            unit_price.truncate(unit_price.len() - 2);
            unit_price.push_str(rng.pick(&["33", "50", "67"]));
        }
        let hours = extent.hours().filter(|_| corrects.is_none());
        let month = month.compact();
        let row = row![id, order, receiver, month, hours, unit_price, money(amount), corrects, bunt];
        self.db.push(INTDEB, row)?;
        Ok(id)
    }
}

//! Fees for home help and care: the fee of a month, and the invoice lines for it.

use crate::calendar::{Day, Month, TODAY};
use crate::codes::Area;
use crate::error::Error;
use crate::norms::maxtaxa_ore;
use crate::population::Person;
use crate::rng::Rng;
use crate::sqlite::{money, row};
use crate::truth::Action;

use super::batch::Load;
use super::bistand::kronor;
use super::person::Life;
use super::{AVGIFT, FAKTUND, Paraply, next};

/// A line of an invoice.
#[derive(Debug, Clone, Copy)]
struct Line {
    fee: Option<i64>,
    month: Month,
    kind: &'static str,
    amount: i64,
    credit: bool,
}

/// The kinds of fee, and the kind of invoice line for each.
const KINDS: [(&str, &str); 3] = [("HT", "AVGH"), ("VO", "AVGV"), ("TR", "AVGL")];

impl Paraply<'_> {
    /// Writes the fees and invoices of a person with care for the old; none after death but by mistake (D47).
    pub(super) fn write_fees(&mut self, life: &Life<'_>) -> Result<(), Error> {
        let mut cases = life.akter.iter().flat_map(|akt| &akt.cases);
        let Some(case) = cases.find(|case| case.area == Area::Ao) else {
            return Ok(());
        };
        let mut rng = self.stream("AVGIFT", life.person);
        let count = if life.person.steady { 16 } else { rng.between(4, 14) };
        let kind = rng.pick(&KINDS);
        let income = kronor(rng.between(9_000, 22_000));
        let last = life.death.unwrap_or(TODAY).min(case.last_day().plus(20)).min(TODAY).month();
        let mut month = case.opened.month();
        for _ in 0..count {
            if month > last {
                break;
            }
            self.write_fee((life.person, kind), (month, life.death), income, &mut rng)?;
            month = month.plus(1);
        }
        let Some(death) = life.death else {
            return Ok(());
        };
        let after = death.month().plus(rng.between(1, 2));
        if after <= TODAY.month() && self.quotas.invoice_after_death.strikes() {
            let amount = kronor(rng.between(100, 900));
            let line = Line { fee: None, month: after, kind: kind.1, amount, credit: false };
            self.write_invoice(life.person, line, life.death, &mut rng)?;
        }
        Ok(())
    }

    fn write_fee(
        &mut self,
        (person, (kind, line)): (&Person, (&'static str, &'static str)),
        (month, death): (Month, Option<Day>),
        income: i64,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let id = next(&mut self.ids.avgift);
        let kept = kronor(rng.between(6_000, 8_500));
        let room = (income - kept).max(0);
        let cap = maxtaxa_ore(month);
        let adjusted = rng.chance(80, 1_000);
        let mut amount = if adjusted { room.min(cap) / 200 * 100 } else { room.min(cap) };
        if self.quotas.fee_above_cap.strikes() {
            self.mark("D46", "AVGIFT", Action::Flag, id);
            amount = cap + kronor(rng.between(5, 400));
        }
        let row = row![
            id,
            person.pers_id(),
            month.compact(),
            kind,
            money(income),
            money(kept),
            money(room),
            money(cap),
            money(amount),
            if adjusted { "J" } else { "N" },
        ];
        self.db.push(AVGIFT, row)?;
        let invoice = Line { fee: Some(id), month, kind: line, amount, credit: false };
        self.write_invoice(person, invoice, death, rng)?;
        if rng.chance(60, 1_000) {
            let credit =
                Line { fee: Some(id), month, kind: line, amount: -(amount / 200 * 100), credit: true };
            self.write_invoice(person, credit, death, rng)?;
        }
        Ok(())
    }

    fn write_invoice(
        &mut self,
        person: &Person,
        line: Line,
        death: Option<Day>,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let id = next(&mut self.ids.faktura);
        let after_death = death.is_some_and(|death| line.month.day(1) > death);
        // A row that is held back carries no other defect.
        let wrong = !line.credit && !after_death && self.quotas.invoice_batch.strikes();
        let mut amount = line.amount;
        if after_death {
            self.mark("D47", "FAKTUND", Action::Flag, id);
        } else if !wrong && !line.credit && self.quotas.invoice_unreferenced.strikes() {
            self.mark("D45", "FAKTUND", Action::Flag, id);
            amount = -kronor(rng.between(50, 400));
        }
        let load = if wrong { Load::WrongInvoices } else { Load::Invoices };
        let bunt = self.add_to_batch(line.month.last_day(), load, amount, ("FAKTUND", id));
        let row = row![
            id,
            line.fee,
            person.pers_id(),
            line.month.compact(),
            line.kind,
            "1.00",
            money(amount),
            money(amount),
            line.credit,
            format!("FV{id:09}"),
            bunt,
        ];
        self.db.push(FAKTUND, row)
    }
}

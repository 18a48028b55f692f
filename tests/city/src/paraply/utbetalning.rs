//! Payments of ekonomiskt bistånd: how a month is paid, what goes wrong, and what is claimed back.

use std::collections::BTreeMap;

use crate::agresso::Voucher;
use crate::calendar::{Day, Month, TODAY};
use crate::codes::PAYMENT_WAYS;
use crate::error::Error;
use crate::rng::Rng;
use crate::sqlite::{money, row};
use crate::truth::Action;

use super::batch::Load;
use super::bistand::Household;
use super::{ATERKRAV, Paraply, UTBET, next};

/// One account is shared by cases this far apart (D82), and by this many of them.
const SHARED_EVERY: u32 = 3_000;
const SHARED_BY: u32 = 5;

/// The accounts that are paid for many unrelated persons: their payments by account.
#[derive(Debug, Default)]
pub(super) struct SharedAccount {
    cases: u32,
    last_case: i64,
    payments: BTreeMap<String, Vec<i64>>,
}

/// What is paid for a month.
#[derive(Clone, Copy)]
struct Payment<'a> {
    household: &'a Household<'a>,
    /// None when the payment names no decision.
    beslut: Option<i64>,
    /// Whether the handler of the case has decided it; then the handler attests it too (D81).
    one_hand: bool,
    month: Month,
    amount: i64,
    way: &'static str,
    account: &'a str,
    day: Day,
    status: &'static str,
    replaces: Option<i64>,
    /// Whether it was sent to the accounts, and whether they paid it.
    sent: bool,
    settled: bool,
    load: Option<Load>,
}

/// What happens to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Plain,
    /// H14: voided and made again.
    Voided,
    /// D41: voided for good.
    VoidedAlone,
    /// D42: made twice.
    Twice,
    /// D39.
    NoDecision,
    /// D79: the decision is not there.
    LostDecision,
    /// D40: still planned here, and paid by the accounts.
    PaidAnyway,
    /// D44.
    NoVoucher,
    /// D43: in a batch that does not add up.
    WrongBatch,
    /// Not yet sent.
    Planned,
}

impl Paraply<'_> {
    /// Pays the month's result in one to three parts, never two equal ones; returns what was paid.
    pub(super) fn pay_month(
        &mut self,
        household: &Household<'_>,
        (beslut, one_hand): (i64, bool),
        month: Month,
        result: i64,
        rng: &mut Rng,
    ) -> Result<i64, Error> {
        let shares: &[i64] = rng.pick::<&[i64]>(&[&[100], &[100], &[65, 35], &[60, 40], &[50, 30, 20]]);
        let day = month.day(rng.between(20, 27));
        let (mut rest, mut paid) = (result, 0);
        for (part, share) in shares.iter().enumerate() {
            let last = part + 1 == shares.len();
            let amount = if last { rest } else { result / 100 * share / 100 * 100 };
            rest -= amount;
            let way = if part == 0 { PAYMENT_WAYS[0] } else { rng.pick(&PAYMENT_WAYS) };
            let payment = Payment { one_hand, way, ..plain(household, beslut, month, (amount, day)) };
            paid += self.pay(payment, rng)?;
        }
        Ok(paid)
    }

    /// Pays what a retroactive decision adds; returns what was paid.
    pub(super) fn pay_more(
        &mut self,
        household: &Household<'_>,
        beslut: i64,
        month: Month,
        payment: (i64, Day),
        rng: &mut Rng,
    ) -> Result<i64, Error> {
        self.write_payment(&plain(household, beslut, month, payment), rng)?;
        Ok(payment.0)
    }

    fn fate(&mut self, payment: &Payment<'_>, rng: &mut Rng) -> Fate {
        let quotas = &mut self.quotas;
        if payment.day > TODAY.plus(-20) && rng.chance(300, 1_000) {
            return Fate::Planned;
        }
        // A row that is held back carries no other defect.
        if !payment.one_hand && quotas.payment_batch.strikes() {
            return Fate::WrongBatch;
        }
        let fates = [
            (Fate::Voided, &mut quotas.payment_voided),
            (Fate::Twice, &mut quotas.payment_twice),
            (Fate::VoidedAlone, &mut quotas.payment_voided_alone),
            (Fate::NoDecision, &mut quotas.payment_no_decision),
            (Fate::LostDecision, &mut quotas.payment_lost_decision),
            (Fate::PaidAnyway, &mut quotas.payment_paid_anyway),
            (Fate::NoVoucher, &mut quotas.payment_no_voucher),
        ];
        // A quota is asked only about rows that it can have, so that the first of them is not lost.
        let mut struck = fates.into_iter().filter_map(|(fate, quota)| quota.strikes().then_some(fate));
        struck.next().unwrap_or(Fate::Plain)
    }

    /// Writes a payment and what becomes of it; returns what was paid.
    fn pay(&mut self, payment: Payment<'_>, rng: &mut Rng) -> Result<i64, Error> {
        let amount = payment.amount;
        let fate = self.fate(&payment, rng);
        let voided = Payment { status: "M", settled: false, ..payment };
        let (paid, wrong, defect) = match fate {
            Fate::Plain => {
                let id = self.pay_plainly(payment, rng)?;
                return self.claim_back(&payment, id, rng).map(|()| amount);
            }
            Fate::Voided => {
                let first = self.write_payment(&voided, rng)?;
                // Every second new payment does not say which one it replaces.
                let replaces = Some(first).filter(|_| next(&mut self.ids.voided) % 2 == 1);
                self.write_payment(&Payment { replaces, ..payment }, rng)?;
                return Ok(amount);
            }
            Fate::Planned => {
                let planned = Payment { status: "P", sent: false, settled: false, ..payment };
                self.write_payment(&planned, rng)?;
                return Ok(0);
            }
            Fate::WrongBatch => {
                self.write_payment(&Payment { load: Some(Load::WrongPayments), ..payment }, rng)?;
                return Ok(amount);
            }
            Fate::Twice => {
                self.write_payment(&payment, rng)?;
                let day = payment.day.plus(rng.between(1, 6)).min(TODAY);
                (amount * 2, Payment { day, ..payment }, "D42")
            }
            Fate::VoidedAlone => (0, voided, "D41"),
            Fate::NoDecision => (amount, Payment { beslut: None, one_hand: false, ..payment }, "D39"),
            Fate::LostDecision => {
                let lost = Some(next(&mut self.ids.beslut));
                (amount, Payment { beslut: lost, one_hand: false, ..payment }, "D79")
            }
            Fate::PaidAnyway => (0, Payment { status: "P", ..payment }, "D40"),
            Fate::NoVoucher => (amount, Payment { sent: false, settled: false, ..payment }, "D44"),
        };
        let id = self.write_payment(&wrong, rng)?;
        self.mark(defect, "UTBET", Action::Flag, id);
        Ok(paid)
    }

    /// Writes a payment with nothing wrong in it but perhaps its account: some are paid for many cases (D82).
    fn pay_plainly(&mut self, payment: Payment<'_>, rng: &mut Rng) -> Result<i64, Error> {
        let case = payment.household.case.id;
        if self.shared.last_case == case {
            return self.write_payment(&payment, rng);
        }
        self.shared.last_case = case;
        self.shared.cases += 1;
        let (series, place) = (self.shared.cases / SHARED_EVERY, self.shared.cases % SHARED_EVERY);
        if !(2..2 + SHARED_BY).contains(&place) {
            return self.write_payment(&payment, rng);
        }
        let account = format!("00009{series:09}");
        let id = self.write_payment(&Payment { account: &account, ..payment }, rng)?;
        self.shared.payments.entry(account).or_default().push(id);
        Ok(id)
    }

    /// Marks the payments to accounts that are paid for five cases or more.
    pub(super) fn mark_shared_accounts(&mut self) {
        for payments in std::mem::take(&mut self.shared.payments).into_values() {
            if payments.len() >= usize::try_from(SHARED_BY).unwrap_or(usize::MAX) {
                for payment in payments {
                    self.mark("D82", "UTBET", Action::Flag, payment);
                }
            }
        }
    }

    fn write_payment(&mut self, payment: &Payment<'_>, rng: &mut Rng) -> Result<i64, Error> {
        let id = next(&mut self.ids.utbet);
        let (household, case) = (payment.household, payment.household.case);
        // Requisitions go to the ledger, everything else to the accounts.
        let usual = if payment.way == "RK" { Load::Requisitions } else { Load::Payments };
        let counted = if payment.status == "U" { payment.amount } else { 0 };
        let bunt = (payment.sent || payment.status != "P")
            .then(|| self.add_to_batch(payment.day, payment.load.unwrap_or(usual), counted, ("UTBET", id)));
        let number = payment.sent.then(|| format!("AV{id:09}"));
        if let (Some(number), Some(bunt)) = (number.clone(), bunt) {
            let (amount_ore, day, paid) = (payment.amount, payment.day, payment.settled);
            self.vouchers.take(&Voucher { number, bunt, amount_ore, day, paid })?;
        }
        let attests = if payment.one_hand {
            self.mark("D81", "UTBET", Action::Flag, id);
            case.handler.clone()
        } else {
            self.other_handler(&case.handler, rng)
        };
        let row = row![
            id,
            household.case.id,
            payment.beslut,
            payment.month.compact(),
            money(payment.amount),
            payment.way,
            if payment.way == "PK" { "S" } else { "A" },
            payment.account.to_owned(),
            payment.day.small(),
            payment.status,
            payment.replaces,
            "5710-410",
            number,
            bunt,
            attests,
        ];
        self.db.push(UTBET, row)?;
        Ok(id)
    }

    /// Claims a part of some payments back.
    fn claim_back(&mut self, payment: &Payment<'_>, id: i64, rng: &mut Rng) -> Result<(), Error> {
        if !self.quotas.payment_reclaimed.strikes() {
            return Ok(());
        }
        let claimed = payment.amount / 200 * 100;
        let status = rng.pick(&["O", "O", "B", "E"]);
        let repaid = if status == "B" { claimed } else { claimed / 300 * 100 * i64::from(rng.between(0, 2)) };
        let row = row![
            next(&mut self.ids.aterkrav),
            id,
            payment.household.case.id,
            rng.pick(&["9 kap. 1 § SoL", "9 kap. 2 § SoL"]),
            money(claimed),
            money(repaid),
            status,
        ];
        self.db.push(ATERKRAV, row)
    }
}

/// A payment with nothing wrong in it.
fn plain<'a>(
    household: &'a Household<'a>,
    beslut: i64,
    month: Month,
    (amount, day): (i64, Day),
) -> Payment<'a> {
    Payment {
        household,
        beslut: Some(beslut),
        one_hand: false,
        month,
        amount,
        way: PAYMENT_WAYS[0],
        account: &household.account,
        day,
        status: "U",
        replaces: None,
        sent: true,
        settled: true,
        load: None,
    }
}

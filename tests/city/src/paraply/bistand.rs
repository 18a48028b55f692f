//! Ekonomiskt bistånd: monthly calculations with their posts, decisions, payments and batches.

use crate::calendar::{Day, Month, Stamp, TODAY};
use crate::codes::{Area, EXPENSES, INCOMES, PAYMENT_WAYS};
use crate::error::Error;
use crate::population::Person;
use crate::rng::Rng;
use crate::sqlite::{money, row};
use crate::truth::Action;

use super::arende::{Arende, Decision};
use super::{AGRUT, BERAK, BERPOST, Paraply, UTBET, next};

/// One post of a calculation, approved amount in öre.
struct Post {
    kind: &'static str,
    code: &'static str,
    person: Option<i64>,
    applied: i64,
    approved: i64,
}

/// What is paid for a month.
#[derive(Clone, Copy)]
struct Payment<'a> {
    arende: i64,
    beslut: i64,
    month: Month,
    amount: i64,
    way: &'static str,
    account: &'a str,
    day: Day,
    status: &'static str,
    replaces: Option<i64>,
}

/// What the months of one case share.
struct Household<'a> {
    person: &'a Person,
    case: &'a Arende,
    id: i64,
    account: String,
}

/// Kronor in öre.
fn kronor(amount: i32) -> i64 {
    i64::from(amount) * 100
}

impl Paraply<'_> {
    pub(super) fn write_bistand(
        &mut self,
        person: &Person,
        case: &Arende,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let months = if person.index == 0 { 8 } else { rng.between(2, 12) };
        let household = Household {
            person,
            case,
            id: self.ids.hushall,
            // An invented account: clearing number 0000 belongs to no bank.
            account: format!("0000{:010}", case.id),
        };
        let first = case.opened.plus(-1).month().plus(1);
        let last = case.last_day().month();
        for number in 0..months {
            let month = first.plus(number);
            if month > last && number > 0 || month.day(28) > TODAY {
                break;
            }
            self.write_month(&household, month, rng)?;
        }
        Ok(())
    }

    fn write_month(&mut self, household: &Household<'_>, month: Month, rng: &mut Rng) -> Result<(), Error> {
        let case = household.case;
        if rng.chance(270, 1_000) {
            self.write_extra_decision(case, month, rng)?;
        }
        let posts = posts(household.person, rng);
        let sum = |kinds: &[&str]| -> i64 {
            let of_kind = posts.iter().filter(|post| kinds.contains(&post.kind));
            of_kind.map(|post| post.approved).sum()
        };
        let (norm, expenses, income) = (sum(&["N"]), sum(&["U", "X"]), sum(&["I"]));
        let mut result = norm + expenses - income;
        let id = next(&mut self.ids.berak);
        if self.quotas.berak_sum.strikes() {
            self.mark("D36", "BERAK", Action::Flag, id);
            result += kronor(rng.between(1, 40));
        }
        let replaced = self.quotas.decision_replaced.strikes() && month.plus(2).day(28) <= TODAY;
        let beslut = self.write_decision(month_decision(case, month, result, replaced), rng)?;
        let row = row![
            id,
            case.id,
            household.id,
            month.compact(),
            format!("{}01", month.year()),
            money(income),
            money(expenses),
            money(norm),
            money(result),
            "J",
            beslut,
        ];
        self.db.push(BERAK, row)?;
        self.write_posts(id, posts)?;
        self.pay_month(household, beslut, month, result, rng)?;
        if replaced {
            self.replace_decision(household, beslut, month, result, rng)?;
        }
        Ok(())
    }

    /// A decision beside the month's: something more than the norm, or a refusal.
    fn write_extra_decision(&mut self, case: &Arende, month: Month, rng: &mut Rng) -> Result<(), Error> {
        let codes = Area::Eb.codes();
        let decided = month.day(rng.between(1, 15));
        let decision = Decision {
            arende: case.id,
            btyp: codes.btyp[1],
            lagrum: rng.pick(codes.lagrum),
            decided,
            from: decided,
            to: (!rng.chance(300, 1_000)).then(|| month.last_day()),
            utfall: if rng.chance(1, 2) { "B" } else { "A" },
            amount: None,
            hours: None,
            status: "F",
            replaces: None,
        };
        self.write_decision(decision, rng).map(|_| ())
    }

    fn write_posts(&mut self, calculation: i64, posts: Vec<Post>) -> Result<(), Error> {
        let mut line = 0_i64;
        for post in posts {
            line += 1;
            let (applied, approved) = (money(post.applied), money(post.approved));
            self.db.push(
                BERPOST,
                row![calculation, line, post.kind, post.code, post.person, applied, approved],
            )?;
        }
        Ok(())
    }

    /// Pays the month's result in one to three parts, never two equal ones.
    fn pay_month(
        &mut self,
        household: &Household<'_>,
        beslut: i64,
        month: Month,
        result: i64,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let shares: &[i64] = rng.pick::<&[i64]>(&[&[100], &[100], &[65, 35], &[60, 40], &[50, 30, 20]]);
        let day = month.day(rng.between(20, 27));
        let mut rest = result;
        for (part, share) in shares.iter().enumerate() {
            let last = part + 1 == shares.len();
            let amount = if last { rest } else { result / 100 * share / 100 * 100 };
            rest -= amount;
            let way = if part == 0 { PAYMENT_WAYS[0] } else { rng.pick(&PAYMENT_WAYS) };
            let (account, arende) = (household.account.as_str(), household.case.id);
            let payment =
                Payment { arende, beslut, month, amount, way, account, day, status: "U", replaces: None };
            self.pay(payment, rng)?;
        }
        Ok(())
    }

    /// Writes a payment: once, or voided and made again (H14), or by mistake twice (D42).
    fn pay(&mut self, payment: Payment<'_>, rng: &mut Rng) -> Result<(), Error> {
        if self.quotas.payment_voided.strikes() {
            let voided = self.write_payment(&Payment { status: "M", ..payment }, rng)?;
            let again = Payment { replaces: Some(voided), ..payment };
            return self.write_payment(&again, rng).map(|_| ());
        }
        self.write_payment(&payment, rng)?;
        if self.quotas.payment_twice.strikes() {
            let day = payment.day.plus(rng.between(1, 6)).min(TODAY);
            let second = self.write_payment(&Payment { day, ..payment }, rng)?;
            self.mark("D42", "UTBET", Action::Flag, second);
        }
        Ok(())
    }

    fn write_payment(&mut self, payment: &Payment<'_>, rng: &mut Rng) -> Result<i64, Error> {
        let id = next(&mut self.ids.utbet);
        // Requisitions go to the ledger, everything else to the accounts.
        let receiver = if payment.way == "RK" { 2 } else { 1 };
        let bunt = payment.day.number() * 10 + receiver;
        let batch = self.batches.entry(bunt).or_default();
        batch.rows += 1;
        if payment.status == "U" {
            batch.paid += payment.amount;
        }
        let row = row![
            id,
            payment.arende,
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
            format!("AV{id:09}"),
            bunt,
            self.handler(rng),
        ];
        self.db.push(UTBET, row)?;
        Ok(id)
    }

    /// A retroactive decision (H11): the month gets 1 200 kronor more, and the difference is paid.
    fn replace_decision(
        &mut self,
        household: &Household<'_>,
        beslut: i64,
        month: Month,
        result: i64,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let more = kronor(1_200);
        let decided = month.plus(1).day(20);
        let decision = Decision {
            decided,
            replaces: Some(beslut),
            ..month_decision(household.case, month, result + more, false)
        };
        let id = self.write_decision(decision, rng)?;
        let payment = Payment {
            arende: household.case.id,
            beslut: id,
            month,
            amount: more,
            way: PAYMENT_WAYS[0],
            account: &household.account,
            day: decided.plus(rng.between(1, 7)),
            status: "U",
            replaces: None,
        };
        self.write_payment(&payment, rng).map(|_| ())
    }

    /// Writes one row per batch: all its rows counted, the paid ones summed.
    pub(super) fn write_batches(&mut self) -> Result<(), Error> {
        for (bunt, batch) in std::mem::take(&mut self.batches) {
            let system = if bunt % 10 == 2 { "LI" } else { "AG" };
            let date = bunt / 10;
            let part = |value: i64| i32::try_from(value).unwrap_or(1);
            let day = Day::of(part(date / 10_000), part(date / 100 % 100), part(date % 100));
            let created = Stamp::at(day, 18, 0).small();
            let file = format!("AGRUT_{date}_{system}.TXT");
            self.db.push(AGRUT, row![bunt, system, created, batch.rows, money(batch.paid), file, "J"])?;
        }
        Ok(())
    }
}

fn month_decision(case: &Arende, month: Month, amount: i64, replaced: bool) -> Decision {
    let codes = Area::Eb.codes();
    Decision {
        arende: case.id,
        btyp: codes.btyp[0],
        lagrum: codes.lagrum[0],
        decided: month.day(2).max(case.opened),
        from: month.day(1),
        to: Some(month.last_day()),
        utfall: "B",
        amount: Some(amount),
        hours: None,
        status: if replaced { "M" } else { "F" },
        replaces: None,
    }
}

/// The posts of a month. The norm and the rent always exceed the income by more than 2 000 kronor.
fn posts(person: &Person, rng: &mut Rng) -> Vec<Post> {
    let mut posts = Vec::with_capacity(14);
    let mut add = |kind, code, person, applied, approved| {
        posts.push(Post { kind, code, person, applied, approved });
    };
    let own = Some(person.pers_id());
    for member in 0..rng.between(2, 4) {
        let norm = kronor(rng.between(1_900, 3_100));
        add("N", "NPER", own.filter(|_| member == 0), norm, norm);
    }
    let shared = kronor(rng.between(900, 1_700));
    add("N", "NGEM", None, shared, shared);
    let rent = kronor(rng.between(3_500, 9_500));
    add("U", "BOEN", None, rent, rent);
    for _ in 0..rng.between(2, 4) {
        let applied = kronor(rng.between(80, 900)) + i64::from(rng.between(0, 99));
        let approved = if rng.chance(1, 10) { applied / 2 } else { applied };
        add("U", rng.pick(&EXPENSES), None, applied, approved);
    }
    for _ in 0..rng.between(1, 4) {
        let income = kronor(rng.between(100, 1_300)) + i64::from(rng.between(0, 99));
        add("I", rng.pick(&INCOMES), own, income, income);
    }
    if rng.chance(250, 1_000) {
        let extra = kronor(rng.between(100, 600));
        add("X", "ÖVRI", None, extra, extra);
    }
    posts
}

//! Ekonomiskt bistånd: monthly calculations with their posts, decisions and lines of statistics.

use crate::calendar::{Month, TODAY};
use crate::codes::{Area, EXPENSES, INCOMES, OLD_MONTH, OLD_MONTH_ENDED};
use crate::error::Error;
use crate::norms::norm_version;
use crate::organisation::DISTRICTS;
use crate::population::Person;
use crate::rng::Rng;
use crate::sqlite::{money, row};
use crate::truth::Action;

use super::arende::Arende;
use super::beslut::{Care, Decision, Sequence};
use super::hushall::Period;
use super::person::Life;
use super::relatives::Member;
use super::{BERAK, BERPOST, Paraply, STATUT, next};

/// One post of a calculation, approved amount in öre.
struct Post {
    kind: &'static str,
    code: &'static str,
    person: Option<i64>,
    applied: i64,
    approved: i64,
}

/// What the months of one case share.
pub(super) struct Household<'a> {
    pub(super) person: &'a Person,
    pub(super) case: &'a Arende,
    kin: &'a [Member],
    id: i64,
    pub(super) account: String,
}

/// The months of a person with ekonomiskt bistånd: never two households in the same month.
pub(super) struct Months {
    taken: Vec<(Month, Month)>,
    only: bool,
    /// The latest decision of a month.
    pub(super) decision: Option<i64>,
}

impl Months {
    pub(super) fn new(life: &Life<'_>) -> Self {
        let cases = life.akter.iter().flat_map(|akt| &akt.cases);
        let only = cases.filter(|case| case.area == Area::Eb).count() == 1;
        Self { taken: Vec::new(), only, decision: None }
    }

    /// The first and last month of a case: at most as many as wanted, none when every month is taken.
    fn block(&self, case: &Arende, wanted: i32) -> Option<(Month, Month)> {
        let mut first = case.opened.plus(-1).month().plus(1);
        let last = case.last_day().month().max(first).min(TODAY.month());
        while let Some((_, taken)) = self.taken.iter().find(|(from, to)| (*from..=*to).contains(&first)) {
            first = taken.plus(1);
        }
        let next = self.taken.iter().map(|(from, _)| from.plus(-1)).filter(|end| *end >= first).min();
        let end = first.plus(wanted - 1).min(last).min(next.unwrap_or(last));
        (first <= end).then_some((first, end))
    }
}

/// Kronor in öre.
pub(super) fn kronor(amount: i32) -> i64 {
    i64::from(amount) * 100
}

impl Paraply<'_> {
    pub(super) fn write_bistand(
        &mut self,
        (person, case, kin): (&Person, &Arende, &[Member]),
        months: &mut Months,
        sequence: &mut Sequence,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let wanted = if person.steady { 8 } else { rng.between(2, 12) };
        let id = self.ids.hushall;
        let block = months.block(case, wanted);
        let period = match block {
            Some((first, last)) => {
                let goes_on = case.closed.is_none() && last == TODAY.month();
                let to = (!goes_on).then(|| last.last_day());
                Period { from: first.day(1), to, paid: true, only: months.only }
            }
            None => Period { from: case.opened, to: case.closed, paid: false, only: false },
        };
        self.write_hushall(id, (person, case, kin), period, rng)?;
        let Some((first, last)) = block else {
            return Ok(());
        };
        months.taken.push((first, last));
        // An invented account: clearing number 0000 belongs to no bank.
        let account = format!("0000{:010}", case.id);
        let household = Household { person, case, kin, id, account };
        let mut month = first;
        while month <= last {
            let decision = self.write_month(&household, month, sequence, rng)?;
            months.decision = Some(decision);
            month = month.plus(1);
        }
        self.write_broken_chains(&household, last, rng)
    }

    /// Writes the calculation of a month with its decision and payments; returns the decision.
    fn write_month(
        &mut self,
        household: &Household<'_>,
        month: Month,
        sequence: &mut Sequence,
        rng: &mut Rng,
    ) -> Result<i64, Error> {
        let case = household.case;
        if household.person.steady || rng.chance(270, 1_000) {
            self.write_extra_decision(case, month, sequence, rng)?;
        }
        let posts = posts(household, month, rng);
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
        let version = self.norm_version(id, month, rng);
        let replaced = month.plus(2).day(28) <= TODAY && self.quotas.decision_replaced.strikes();
        let one_hand = self.quotas.payment_one_hand.strikes();
        let decision = Decision {
            decider: one_hand.then(|| case.handler.clone()),
            ..month_decision(case, month, result, replaced)
        };
        let beslut = self.write_decision(&decision, sequence, rng)?;
        let row = row![
            id,
            case.id,
            household.id,
            month.compact(),
            version,
            money(income),
            money(expenses),
            money(norm),
            money(result),
            "J",
            beslut,
        ];
        self.db.push(BERAK, row)?;
        self.write_posts(id, posts)?;
        let mut paid = self.pay_month(household, (beslut, one_hand), month, result, rng)?;
        if replaced {
            paid += self.replace_decision(household, beslut, month, result, rng)?;
        }
        self.write_statistics(household, month, paid)?;
        Ok(beslut)
    }

    /// `NORMVER` of the month, or another year's or none where it is this row's turn.
    fn norm_version(&mut self, berak: i64, month: Month, rng: &mut Rng) -> Option<String> {
        if !self.quotas.berak_norm.strikes() {
            return Some(norm_version(month));
        }
        self.mark("D37", "BERAK", Action::Flag, berak);
        rng.chance(1, 2).then(|| norm_version(month.plus(-12)))
    }

    /// A decision beside the month's: something more than the norm, or a refusal.
    fn write_extra_decision(
        &mut self,
        case: &Arende,
        month: Month,
        sequence: &mut Sequence,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let codes = Area::Eb.codes();
        let decided = month.day(rng.between(1, 15));
        // The old type was right until 2011; whoever goes on using it is wrong (D20).
        let old = decided <= OLD_MONTH_ENDED && rng.chance(100, 1_000);
        let ended = decided > OLD_MONTH_ENDED && self.quotas.beslut_code_period.strikes();
        let btyp = if old || ended { OLD_MONTH } else { rng.pick(&codes.btyp[1..]) };
        let open = !ended && rng.chance(100, 1_000) && sequence.is_free(btyp, decided, None);
        let to = (!open).then(|| month.last_day());
        if !ended && !sequence.is_free(btyp, decided, to) {
            return Ok(());
        }
        sequence.take(btyp, decided, to);
        let decision = Decision {
            btyp,
            lagrum: rng.pick(codes.lagrum),
            decided,
            from: decided,
            to,
            utfall: if rng.chance(1, 2) { "B" } else { "A" },
            amount: None,
            care: if ended { Care::KeepEnd } else { Care::Any },
            ..month_decision(case, month, 0, false)
        };
        self.write_decision(&decision, sequence, rng).map(|_| ())
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

    /// A retroactive decision (H11): the month gets 1 200 kronor more, and the difference is paid. One that
    /// comes later than four months after the month is outside the rule (D32).
    fn replace_decision(
        &mut self,
        household: &Household<'_>,
        beslut: i64,
        month: Month,
        result: i64,
        rng: &mut Rng,
    ) -> Result<i64, Error> {
        let more = kronor(1_200);
        let late = month.plus(7).day(28) <= TODAY && self.quotas.beslut_late_retro.strikes();
        let decided = month.plus(if late { 6 } else { 1 }).day(20);
        let decision = Decision {
            decided,
            retro: true,
            replaces: Some(beslut),
            care: Care::KeepEnd,
            ..month_decision(household.case, month, result + more, false)
        };
        let id = self.write_decision(&decision, &mut Sequence::default(), rng)?;
        if late {
            self.mark("D32", "BESLUT", Action::Flag, id);
        }
        self.pay_more(household, id, month, (more, decided.plus(rng.between(1, 7))), rng)
    }

    /// Decisions that replace each other in a circle, or replace one of somebody else (D33).
    fn write_broken_chains(
        &mut self,
        household: &Household<'_>,
        month: Month,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let plain = month_decision(household.case, month, kronor(500), true);
        let held = Decision { retro: true, care: Care::HeldBack, ..plain };
        let mut chained = Vec::new();
        if self.quotas.beslut_circle.strikes() {
            let first = self.ids.beslut + 1;
            chained.extend([first + 1, first]);
        }
        if self.foreign_decision.is_some() && self.quotas.beslut_foreign.strikes() {
            chained.extend(self.foreign_decision);
        }
        for replaces in chained {
            let decision = Decision { replaces: Some(replaces), ..held.clone() };
            let id = self.write_decision(&decision, &mut Sequence::default(), rng)?;
            self.mark("D33", "BESLUT", Action::Quarantine, id);
        }
        Ok(())
    }

    /// The line that was sent for statistics: what was paid for the month, in whole kronor.
    fn write_statistics(&mut self, household: &Household<'_>, month: Month, paid: i64) -> Result<(), Error> {
        if paid <= 0 {
            return Ok(());
        }
        let person = household.person;
        let period = month.compact();
        let district = person.district.map_or("00", |index| DISTRICTS[index].sdn);
        let children = living(household.kin, month).filter(|member| member.born.is_some()).count();
        let number = person.clean.as_deref().unwrap_or("");
        let sex = if person.man { 1 } else { 2 };
        let age = person.birth.map_or(0, |birth| month.year() - birth.year());
        let line = format!(
            "{}\t{}\t0180\t{district}\t{children}\t{}\t{number}\t1\t0\t0\t{sex}\t{age}",
            &period[..4],
            &period[4..],
            paid / 100,
        );
        self.db.push(STATUT, row![next(&mut self.ids.statistik), "EB", period, line])
    }
}

/// The members of a household who are born in a month.
fn living(kin: &[Member], month: Month) -> impl Iterator<Item = &Member> {
    let day = month.day(1);
    kin.iter().filter(move |member| member.born.is_none_or(|born| born <= day))
}

fn month_decision(case: &Arende, month: Month, amount: i64, replaced: bool) -> Decision {
    let codes = Area::Eb.codes();
    Decision {
        arende: case.id,
        utredning: None,
        btyp: codes.btyp[0],
        lagrum: codes.lagrum[0],
        decided: month.day(2).max(case.opened),
        from: month.day(1),
        to: Some(month.last_day()),
        utfall: "B",
        amount: Some(amount),
        extent: None,
        status: if replaced { "M" } else { "F" },
        retro: false,
        replaces: None,
        decider: None,
        care: Care::Any,
    }
}

/// The posts of a month. The norm and the rent always exceed the income by more than 2 000 kronor.
fn posts(household: &Household<'_>, month: Month, rng: &mut Rng) -> Vec<Post> {
    let mut posts = Vec::with_capacity(14);
    let mut add = |kind, code, person, applied, approved| {
        posts.push(Post { kind, code, person, applied, approved });
    };
    let own = Some(household.person.pers_id());
    let norm = kronor(rng.between(2_900, 3_100));
    add("N", "NPER", own, norm, norm);
    for member in living(household.kin, month) {
        let norm = kronor(rng.between(1_700, 2_800));
        add("N", "NPER", Some(member.id), norm, norm);
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

//! The visits of one kund in one month: drawn, staffed, written, corrected and planned.

use super::away::Away;
use super::korr::Correction;
use super::kund::Kund;
use super::month::{Files, Round};
use super::overlap::Made;
use super::visit::{self, TimeDefect, Visit};
use super::{Paraga, SYSTEM};
use crate::calendar::{Stamp, TODAY};
use crate::error::Error;
use crate::organisation::is_private;
use crate::rng::Rng;
use crate::schemos::{Outcome, Planned, personal_id};
use crate::truth::Action;

/// What is to be wrong with a visit. A visit has at most one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    AsItShould,
    /// D58.
    Time(TimeDefect),
    /// D59: in the middle of the visit of this number in the round, by the same employee.
    Overlap(usize),
    /// D60: registered a second time, by other means.
    Double,
    /// D64: it ends at 24:00.
    Midnight,
}

/// Who makes a visit, as `employee.id`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hands {
    pub(super) helper: i64,
    pub(super) second: Option<i64>,
}

/// A row of `besok` as it is to be written.
pub(super) struct Row<'a> {
    pub(super) kund: &'a Kund,
    pub(super) visit: &'a Visit,
    pub(super) hands: Hands,
    pub(super) receipt: &'static str,
    pub(super) midnight: bool,
}

impl Paraga<'_> {
    pub(super) fn write_visits(
        &mut self,
        round: &mut Round,
        (place, kund): (usize, &Kund),
        away: Option<&Away>,
        per_kund: i32,
    ) -> Result<(), Error> {
        let month = round.files.month;
        let index = u64::from(kund.person) << 16 | u64::try_from(month.0).unwrap_or(0);
        let mut rng = Rng::keyed(self.city.seed, "visits", index);
        let count = rng.between(per_kund * 8 / 10, per_kund * 12 / 10 + 1).max(1);
        for number in 0..count {
            let plan =
                if round.files.trial { Plan::AsItShould } else { self.draw_plan(round, place, &mut rng) };
            let defect = match plan {
                Plan::Time(defect) => Some(defect),
                Plan::AsItShould | Plan::Overlap(_) | Plan::Double | Plan::Midnight => None,
            };
            let visit = visit::draw(month, number, count, defect, &mut rng);
            if round.files.trial || visit.plan_start.day() >= kund.first_day() {
                self.write_visit(round, (place, kund), away, (visit, plan), &mut rng)?;
            }
        }
        Ok(())
    }

    fn draw_plan(&mut self, round: &Round, place: usize, rng: &mut Rng) -> Plan {
        let quotas = &mut self.quotas;
        if quotas.visit_time.strikes() {
            return Plan::Time(rng.pick(&[TimeDefect::Backwards, TimeDefect::TooLong]));
        }
        let other = usize::try_from(rng.below(u32::try_from(round.made.len()).unwrap_or(0))).unwrap_or(0);
        let long = |made: &Made| (10..=120).contains(&made.start.minutes_to(made.end));
        let usable = round.made.get(other).is_some_and(|made| made.kund != place && long(made));
        if usable && quotas.overlap.strikes() {
            Plan::Overlap(other)
        } else if quotas.double.strikes() {
            Plan::Double
        } else if quotas.midnight.strikes() {
            Plan::Midnight
        } else {
            Plan::AsItShould
        }
    }

    fn write_visit(
        &mut self,
        round: &mut Round,
        (place, kund): (usize, &Kund),
        away: Option<&Away>,
        (mut visit, mut plan): (Visit, Plan),
        rng: &mut Rng,
    ) -> Result<(), Error> {
        place_in_time(&mut visit, &mut plan, round, away);
        let is_away =
            |visit: &Visit| visit.made.is_some_and(|(start, _)| away.is_some_and(|away| away.covers(start)));
        if is_away(&visit) && !self.quotas.in_absence.strikes() {
            visit.cancel("kund inlagd");
        }
        let correction = self.draw_correction(round, &visit, plan, rng);
        let hands = staff(round, &mut visit, plan, correction.as_ref(), rng);
        let correction = correction.filter(|_| visit.made.is_some());
        let in_absence = is_away(&visit);
        let planned = visit.made.is_none() || round.files.trial || !self.quotas.unplanned.strikes();
        let key = round.files.besok.next_key();
        let midnight = plan == Plan::Midnight && visit.made.is_some();
        let marks = [
            ("D58", visit.presence().map(|(_, end)| end) != visit.made.map(|(_, end)| end), Action::Flag),
            ("D61", !planned, Action::Flag),
            ("D63", in_absence, Action::Flag),
            ("D64", midnight, Action::Fix),
        ];
        self.mark_besok(&marks, &key, &round.files);
        let receipt = self.receipt(round, &visit, hands, rng);
        let row = Row { kund, visit: &visit, hands, receipt, midnight };
        let besok = self.write_besok(&mut round.files, &row, rng)?;
        if let Some((start, end)) = visit.made {
            round.made.push(Made { employee: hands.helper, kund: place, start, end, key });
        }
        self.write_insatser(&mut round.files, besok, &visit, rng)?;
        if plan == Plan::AsItShould && correction.is_none() && planned {
            round.last = visit.made.map(|(_, end)| (besok, end)).or(round.last);
        }
        if let Some(correction) = correction {
            self.correct(&mut round.files, besok, correction, rng)?;
        }
        self.write_plans(round, place, (&visit, hands), planned.then_some(besok), rng)?;
        if plan == Plan::Double && visit.made.is_some() {
            self.register_again(round, (place, &row), away, rng)?;
        }
        Ok(())
    }

    /// D60: the same visit once more, by telephone or by itself.
    fn register_again(
        &mut self,
        round: &mut Round,
        (place, first): (usize, &Row<'_>),
        away: Option<&Away>,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let mut visit = first.visit.clone();
        let Some((start, end)) = visit.made.map(|(start, end)| (start.plus_minutes(1), end)) else {
            return Ok(());
        };
        visit.made = Some((start, end));
        let key = round.files.besok.next_key();
        let in_absence = away.is_some_and(|away| away.covers(start));
        let marks = [("D61", true, Action::Flag), ("D63", in_absence, Action::Flag)];
        self.mark_besok(&marks, &key, &round.files);
        let receipt = if first.receipt == "T" { "A" } else { "T" };
        if !round.files.is_missing() {
            self.receipts.count(first.hands.helper, receipt, || key.clone());
        }
        let row = Row { visit: &visit, receipt, ..*first };
        let besok = self.write_besok(&mut round.files, &row, rng)?;
        round.made.push(Made { employee: first.hands.helper, kund: place, start, end, key });
        self.write_insatser(&mut round.files, besok, &visit, rng)
    }

    fn mark_besok(&mut self, marks: &[(&'static str, bool, Action)], key: &str, files: &Files) {
        for (id, _, action) in marks.iter().filter(|(_, broken, _)| *broken && !files.is_missing()) {
            self.ledger.mark((id, SYSTEM, "besok", *action), key.to_owned());
        }
    }

    fn draw_correction(
        &mut self,
        round: &Round,
        visit: &Visit,
        plan: Plan,
        rng: &mut Rng,
    ) -> Option<Correction> {
        let may = plan == Plan::AsItShould && visit.made.is_some() && !round.files.trial;
        (may && self.quotas.korr.strikes()).then(|| Correction::draw(visit, rng)).flatten()
    }

    pub(super) fn receipt(
        &mut self,
        round: &Round,
        visit: &Visit,
        hands: Hands,
        rng: &mut Rng,
    ) -> &'static str {
        let files = &round.files;
        let drawn = self.receipts.draw(hands.helper, files.era, !files.trial, rng);
        let receipt = if visit.made.is_some() { drawn } else { "S" };
        if !files.is_missing() {
            self.receipts.count(hands.helper, receipt, || files.besok.next_key());
        }
        receipt
    }

    /// Writes a visit and returns its number.
    pub(super) fn write_besok(
        &mut self,
        files: &mut Files,
        row: &Row<'_>,
        rng: &mut Rng,
    ) -> Result<i64, Error> {
        let besok = self.next_besok(files);
        let Row { kund, visit, hands, receipt, midnight } = *row;
        let era = files.era;
        let file = &mut files.besok;
        file.number(besok);
        file.text(&kund.number);
        file.text(personnr(kund, rng));
        file.text(&files.id);
        file.text(&personal_id(hands.helper));
        file.text(&hands.second.map_or_else(String::new, personal_id));
        file.time(Some(visit.plan_start));
        file.time(Some(visit.plan_end));
        file.time(visit.made.map(|(start, _)| start));
        match visit.made {
            Some((_, end)) if midnight => file.midnight(end),
            made => file.time(made.map(|(_, end)| end)),
        }
        file.text(receipt);
        file.text(if visit.made.is_some() && rng.chance(50, 1_000) { "M" } else { receipt });
        let tagged = era.has_tag() && receipt == "N";
        file.text(&if tagged { format!("T{:06}", kund.person + 1) } else { String::new() });
        if era.has_position() {
            let located = visit.made.is_some() && receipt == "T";
            let position = |degrees: i32, part: i32| {
                if located { format!("{degrees},{part:04}") } else { String::new() }
            };
            file.text(&position(59, rng.between(2_300, 4_100)));
            file.text(&position(18, rng.between(100, 1_900)));
        }
        file.text(if hands.second.is_some() { "J" } else { "N" });
        file.text(if visit.made.is_some() { "UTF" } else { "AVB" });
        file.text(if visit.made.is_some() { "" } else { visit.reason });
        file.text(if rng.chance(970, 1_000) { "J" } else { "N" });
        let edited = rng.chance(30, 1_000);
        file.text(if edited { "SAMORD" } else { "" });
        let at = visit.plan_end.plus_minutes(rng.between(600, 7_000)).min(Stamp::at(TODAY, 23, 59));
        file.time(edited.then_some(at));
        file.end_row()?;
        Ok(besok)
    }

    /// The next number of the utförare. D65: in the third era the numbers begin again a few below where they
    /// ended, so that the first ones are in use already.
    fn next_besok(&mut self, files: &Files) -> i64 {
        let place = usize::try_from(files.utforare).expect("an utförare's place fits usize");
        let series = &mut self.series[place];
        series.last += 1;
        if series.ended.is_some_and(|ended| series.last <= ended) {
            let key = files.besok.next_key();
            self.ledger.mark(("D65", SYSTEM, "besok", Action::Fix), key);
        }
        series.last
    }

    pub(super) fn write_insatser(
        &mut self,
        files: &mut Files,
        besok: i64,
        visit: &Visit,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let file = &mut files.insats;
        let count = i32::try_from(rng.weighted(&[25, 40, 25, 10]) + 1).unwrap_or(1);
        for line in 1..=count {
            let planned = visit.minutes / count;
            let done = visit.made.is_some() && rng.chance(970, 1_000);
            let minutes = if done { i64::from((planned + rng.between(-3, 4)).max(1)) } else { 0 };
            file.number(besok);
            file.number(line.into());
            file.text(visit::draw_insats(rng));
            file.number(planned.into());
            file.number(minutes);
            file.text(if done { "J" } else { "N" });
            file.text(if done { "" } else { "avböjt" });
            file.end_row()?;
            files.minutes += minutes;
        }
        Ok(())
    }

    /// The visit as it was planned in SchemOS, and some more that were never made.
    pub(super) fn write_plans(
        &mut self,
        round: &Round,
        place: usize,
        (visit, hands): (&Visit, Hands),
        besok: Option<i64>,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let planned = Planned {
            customer: i64::try_from(place).unwrap_or(0) + 1,
            unit: round.files.utforare,
            start: visit.plan_start,
            end: visit.plan_end,
            besok,
            delivered: besok.is_some() && !round.files.is_missing(),
            outcome: if visit.made.is_some() { Outcome::Made } else { Outcome::Cancelled },
            staff: [Some(hands.helper), hands.second],
        };
        let unmade = Planned {
            besok: None,
            delivered: false,
            outcome: Outcome::Open,
            staff: [Some(hands.helper), None],
            ..planned.clone()
        };
        if besok.is_some() {
            self.schemos.write_planned(&planned, self.ledger, rng)?;
        }
        if !round.files.trial && rng.chance(38, 1_000) {
            self.schemos.write_planned(&unmade, self.ledger, rng)?;
        }
        // What is planned for the weeks after the last day is there too.
        if round.files.month == TODAY.month() && rng.chance(60, 1_000) {
            let later = 31 * 1_440;
            let (start, end) = (unmade.start.plus_minutes(later), unmade.end.plus_minutes(later));
            self.schemos.write_planned(&Planned { start, end, ..unmade }, self.ledger, rng)?;
        }
        Ok(())
    }
}

/// Moves a visit to where its plan wants it; on days when the kund is away nothing special happens.
fn place_in_time(visit: &mut Visit, plan: &mut Plan, round: &Round, away: Option<&Away>) {
    let Some((start, end)) = visit.made else { return };
    let wanted = match *plan {
        Plan::Overlap(other) => {
            let other = &round.made[other];
            start.minutes_to(other.start) + other.start.minutes_to(other.end) / 2
        }
        Plan::Midnight if start.day() < TODAY => end.minutes_to(Stamp::at(start.day().plus(1), 0, 0)),
        Plan::AsItShould | Plan::Time(_) | Plan::Double | Plan::Midnight => 0,
    };
    let moved = start.plus_minutes(wanted);
    if away.is_some_and(|away| away.covers(moved)) && wanted != 0 || (*plan == Plan::Midnight && wanted == 0)
    {
        *plan = Plan::AsItShould;
        return;
    }
    visit.shift(wanted);
}

/// Sends somebody who is free, at a later time if nobody is, and a second one when it takes two. Without
/// anybody the visit is called off.
fn staff(
    round: &mut Round,
    visit: &mut Visit,
    plan: Plan,
    correction: Option<&Correction>,
    rng: &mut Rng,
) -> Hands {
    const LATER: i32 = 20;
    if let (Plan::Overlap(other), Some((start, end))) = (plan, visit.presence()) {
        let helper = round.made[other].employee;
        round.roster.occupy(helper, start, end);
        return Hands { helper, second: None };
    }
    let extra = match (correction.and_then(Correction::end), visit.made) {
        (Some(corrected), Some((_, end))) => end.minutes_to(corrected),
        (Some(_) | None, _) => 0,
    };
    for _ in 0..12 {
        let Some((start, end)) = visit.presence() else { break };
        let end = end.plus_minutes(extra);
        if let Some(helper) = round.roster.take(start, end, rng) {
            let second = visit.double.then(|| round.roster.take(start, end, rng)).flatten();
            return Hands { helper, second };
        }
        let fixed = plan == Plan::Midnight || correction.is_some();
        if fixed || visit.plan_end.plus_minutes(LATER + 30).day() != visit.plan_start.day() {
            break;
        }
        visit.shift(LATER);
    }
    visit.cancel("avbokat");
    Hands { helper: round.roster.anybody(rng), second: None }
}

/// `besok.Personnr`: twelve digits, ten where the century is certain, or nothing. A wrong number stays in
/// the file of kunder.
fn personnr<'a>(kund: &'a Kund, rng: &mut Rng) -> &'a str {
    let kind = rng.weighted(&[60, 20, 20]);
    let certain = kund.pnr.as_str() >= "1925";
    match kind {
        _ if kund.defect.is_some() && !is_private(kund.utforare) => "",
        0 => &kund.pnr,
        1 if certain => &kund.pnr[2..],
        _ => "",
    }
}

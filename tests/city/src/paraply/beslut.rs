//! Decisions, the inquiries before them, and what can be wrong with either.

use crate::calendar::{Day, Stamp, TODAY};
use crate::codes::{
    Area, LATER_LAW, OLD_MONTH, OLD_MONTH_ENDED, UNKNOWN_CODES, UNREADABLE_LAW, free_spellings,
};
use crate::error::Error;
use crate::population::Person;
use crate::prose;
use crate::rng::Rng;
use crate::sqlite::{money, row};
use crate::truth::Action;

use super::arende::Arende;
use super::bestallning::Extent;
use super::person::OPEN_ENDS;
use super::{BESLUT, Paraply, UTREDN, next};

/// A decision to be written.
#[derive(Clone)]
pub(super) struct Decision {
    pub(super) arende: i64,
    pub(super) utredning: Option<i64>,
    pub(super) btyp: &'static str,
    pub(super) lagrum: &'static str,
    pub(super) decided: Day,
    pub(super) from: Day,
    pub(super) to: Option<Day>,
    pub(super) utfall: &'static str,
    pub(super) amount: Option<i64>,
    pub(super) extent: Option<Extent>,
    pub(super) status: &'static str,
    pub(super) retro: bool,
    pub(super) replaces: Option<i64>,
    /// Who decided; somebody when none.
    pub(super) decider: Option<String>,
    pub(super) care: Care,
}

/// What may be wrong with a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// Anything.
    Any,
    /// Anything but its type.
    KeepType,
    /// Anything but its type and its end.
    KeepEnd,
    /// The row will be held back and carries no other defect, so that every defect can be counted on its own.
    HeldBack,
}

/// A decision of one type in one file that is in force without an amount.
struct InForce {
    id: i64,
    btyp: &'static str,
    from: Day,
    to: Option<Day>,
}

/// The decisions without an amount of one file.
#[derive(Default)]
pub(super) struct Sequence {
    /// When each type is taken.
    taken: Vec<(&'static str, Day, Option<Day>)>,
    /// The rows as they were written.
    written: Vec<InForce>,
}

impl Sequence {
    /// Whether a period of this type meets no other one.
    pub(super) fn is_free(&self, btyp: &str, from: Day, to: Option<Day>) -> bool {
        let same = self.taken.iter().filter(|(other, _, _)| *other == btyp);
        same.into_iter().all(|(_, first, last)| {
            let before = to.is_some_and(|to| to < *first);
            let after = last.is_some_and(|last| last < from);
            before || after
        })
    }

    pub(super) fn take(&mut self, btyp: &'static str, from: Day, to: Option<Day>) {
        self.taken.push((btyp, from, to));
    }
}

impl Paraply<'_> {
    /// Marks the decisions that the next one of their type follows without an end (D27) or meets (D28).
    pub(super) fn mark_sequence(&mut self, sequence: &Sequence) {
        let mut rows: Vec<&InForce> = sequence.written.iter().collect();
        rows.sort_by_key(|row| (row.btyp, row.from, row.id));
        for pair in rows.windows(2).filter(|pair| pair[0].btyp == pair[1].btyp) {
            let end = pair[0].to.filter(|end| !OPEN_ENDS.contains(end));
            match end {
                None => self.mark("D27", "BESLUT", Action::Flag, pair[0].id),
                Some(end) if end >= pair[0].from && pair[1].from <= end => {
                    self.mark("D28", "BESLUT", Action::Flag, pair[0].id);
                }
                Some(_) => {}
            }
        }
    }

    /// Writes the decisions of a case that is not about money, each after its inquiry and with what it grants.
    pub(super) fn write_decisions(
        &mut self,
        (person, case, aktual): (&Person, &Arende, Option<i64>),
        sequence: &mut Sequence,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let count = if person.steady { 4 } else { rng.between(1, 4) };
        for number in 0..count {
            let Some(decision) = drawn_decision(case, number, sequence, rng) else {
                continue;
            };
            let follows = self.followed(&decision, sequence, rng);
            let taken = follows.as_ref().map_or(decision.to, |next| Some(next.from.plus(-1)));
            let care = match (follows.is_some(), decision.to) {
                (false, _) => Care::Any,
                (true, None) => Care::KeepType,
                (true, Some(_)) => Care::KeepEnd,
            };
            sequence.take(decision.btyp, decision.from, taken);
            self.carry_out((person, case, aktual), Decision { care, ..decision }, sequence, rng)?;
            if let Some(next) = follows {
                sequence.take(next.btyp, next.from, next.to);
                self.carry_out((person, case, None), next, sequence, rng)?;
            }
        }
        Ok(())
    }

    /// The next decision of the same type, when this one is to be left open (D27) or is to meet it (D28).
    fn followed(&mut self, decision: &Decision, sequence: &Sequence, rng: &mut Rng) -> Option<Decision> {
        let from = match decision.to {
            None => decision.from.plus(rng.between(20, 40)),
            Some(to) => to.plus(-rng.between(1, 15)),
        };
        let to = Some(from.plus(rng.between(30, 200)));
        if from > TODAY || !sequence.is_free(decision.btyp, from, to) {
            return None;
        }
        let strikes = match decision.to {
            None => self.quotas.beslut_followed.strikes(),
            Some(_) => self.quotas.beslut_overlap.strikes(),
        };
        let decided = from.plus(-rng.between(0, 10)).max(decision.decided);
        let extent = decision.extent.map(|_| Extent::drawn(from, rng));
        let next = Decision { decided, from, to, extent, care: Care::KeepEnd, ..decision.clone() };
        strikes.then_some(next)
    }

    /// Writes a decision with its inquiry before it and its insats after it.
    fn carry_out(
        &mut self,
        (person, case, aktual): (&Person, &Arende, Option<i64>),
        decision: Decision,
        sequence: &mut Sequence,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let utredning = self.write_utredning(case, aktual, &decision, rng)?;
        let missing = utredning.is_none();
        let decision = Decision { utredning, ..decision };
        let id = self.write_decision(&decision, sequence, rng)?;
        if missing {
            self.mark("D29", "BESLUT", Action::Flag, id);
        }
        if decision.utfall == "A" {
            return Ok(());
        }
        if self.quotas.beslut_without_insats.strikes() {
            self.mark("D30", "BESLUT", Action::Flag, id);
            return Ok(());
        }
        self.write_granted(person, case, (id, &decision), rng)
    }

    /// Writes the inquiry before a decision, unless there is to be none.
    fn write_utredning(
        &mut self,
        case: &Arende,
        aktual: Option<i64>,
        decision: &Decision,
        rng: &mut Rng,
    ) -> Result<Option<i64>, Error> {
        if self.quotas.beslut_without_utredning.strikes() {
            return Ok(None);
        }
        let id = next(&mut self.ids.utredning);
        let start = decision.decided.plus(-rng.between(5, 110)).max(case.opened).min(decision.decided);
        let extended = rng.chance(60, 1_000).then(|| start.plus(rng.between(121, 200)).small());
        let row = row![
            id,
            case.id,
            aktual,
            decision.lagrum,
            start.small(),
            decision.decided.small(),
            extended,
            if decision.utfall == "A" { "UI" } else { "IN" },
            prose::note(rng, 300),
        ];
        self.db.push(UTREDN, row)?;
        Ok(Some(id))
    }

    /// Writes a decision, wrong where it is this row's turn, and returns its key.
    pub(super) fn write_decision(
        &mut self,
        decision: &Decision,
        sequence: &mut Sequence,
        rng: &mut Rng,
    ) -> Result<i64, Error> {
        let id = next(&mut self.ids.beslut);
        let (to, ends_early) = self.decision_end(id, decision, rng);
        let held = ends_early || decision.care == Care::HeldBack;
        let btyp = if held { decision.btyp } else { self.coded(id, decision, rng) };
        let lagrum = if held { decision.lagrum } else { self.spelled(id, decision, rng) };
        let edited = Stamp::at(decision.decided, rng.between(8, 17), rng.between(0, 59));
        let decider = decision.decider.clone().unwrap_or_else(|| self.handler(rng));
        let row = row![
            id,
            decision.arende,
            decision.utredning,
            btyp,
            lagrum,
            decision.decided.small(),
            decision.from.small(),
            to.map(Day::small),
            decision.utfall,
            None::<i64>,
            decision.amount.map(money),
            decision.extent.map(Extent::text),
            decision.extent.map(Extent::unit),
            decision.retro,
            decision.replaces,
            decider,
            decision.status,
            self.handler(rng),
            edited.plus_ms(rng.between(0, 59_999)).full(),
            self.row_version(),
        ];
        self.db.push(BESLUT, row)?;
        if decision.amount.is_none() && decision.status == "F" {
            sequence.written.push(InForce { id, btyp, from: decision.from, to });
        }
        Ok(id)
    }

    /// The type as it is written: in no list (D18), or after its list ended (D20), where it is this row's turn.
    fn coded(&mut self, id: i64, decision: &Decision, rng: &mut Rng) -> &'static str {
        let ended = decision.btyp == OLD_MONTH && decision.decided > OLD_MONTH_ENDED;
        if ended {
            self.mark("D20", "BESLUT", Action::Flag, id);
            decision.btyp
        } else if decision.care == Care::Any && self.quotas.beslut_code.strikes() {
            self.mark("D18", "BESLUT", Action::Flag, id);
            rng.pick(&UNKNOWN_CODES)
        } else {
            decision.btyp
        }
    }

    fn spelled(&mut self, id: i64, decision: &Decision, rng: &mut Rng) -> &'static str {
        if self.quotas.beslut_later_law.strikes() {
            // Nobody can have decided by a law that was not there yet; it is spelled freely too.
            self.mark("D22", "BESLUT", Action::Flag, id);
            self.mark("D21", "BESLUT", Action::Norm, id);
            LATER_LAW
        } else if self.quotas.beslut_no_law.strikes() {
            self.mark("D21_unparsed", "BESLUT", Action::Flag, id);
            rng.pick(&UNREADABLE_LAW)
        } else if self.quotas.beslut_law.strikes() {
            self.mark("D21", "BESLUT", Action::Norm, id);
            rng.pick(free_spellings(decision.lagrum))
        } else {
            decision.lagrum
        }
    }

    /// The end of a decision, and whether it makes the row one that is held back.
    fn decision_end(&mut self, id: i64, decision: &Decision, rng: &mut Rng) -> (Option<Day>, bool) {
        let before = decision.from.plus(-rng.between(1, 20));
        if matches!(decision.care, Care::KeepEnd | Care::HeldBack) {
            return (decision.to, false);
        }
        match (decision.to, decision.amount) {
            (None, _) if self.quotas.beslut_open_end.strikes() => {
                self.mark("D23", "BESLUT", Action::Norm, id);
                (Some(rng.pick(&OPEN_ENDS)), false)
            }
            (Some(_), None) if self.quotas.beslut_order.strikes() => {
                self.mark("D24", "BESLUT", Action::Flag, id);
                (Some(before), false)
            }
            (Some(_), Some(_)) if self.quotas.beslut_order_money.strikes() => {
                self.mark("D24", "BESLUT", Action::Quarantine, id);
                (Some(before), true)
            }
            (to, _) => (to, false),
        }
    }
}

/// A decision at a time when its type is free; none when no time was found.
fn drawn_decision(case: &Arende, number: i32, sequence: &Sequence, rng: &mut Rng) -> Option<Decision> {
    let codes = case.area.codes();
    for _ in 0..6 {
        let decided = case.opened.plus(rng.between(0, case.last_day().0 - case.opened.0));
        let from = decided.plus(rng.between(0, 14)).min(TODAY);
        let to = (!rng.chance(300, 1_000)).then(|| from.plus(rng.between(30, 365)));
        // The second decision about a child is a placement, so that there are some.
        let btyp = if case.area == Area::Bu && number == 1 { codes.btyp[1] } else { rng.pick(codes.btyp) };
        if !sequence.is_free(btyp, from, to) {
            continue;
        }
        let utfall = if rng.chance(880, 1_000) { rng.pick(&["B", "B", "B", "D"]) } else { "A" };
        let ordered = matches!(case.area, Area::Ao | Area::Fn);
        return Some(Decision {
            arende: case.id,
            utredning: None,
            btyp,
            lagrum: rng.pick(codes.lagrum),
            decided,
            from,
            to,
            utfall,
            amount: None,
            extent: ordered.then(|| Extent::drawn(from, rng)),
            status: "F",
            retro: false,
            replaces: None,
            decider: None,
            care: Care::Any,
        });
    }
    None
}

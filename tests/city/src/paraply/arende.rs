//! Files, cases, reports of concern, decisions and insatser.

use crate::calendar::{Day, Stamp, TODAY};
use crate::codes::{Area, END_REASONS, UNKNOWN_CODES, UNREADABLE_LAW, free_spellings};
use crate::error::Error;
use crate::organisation::board_at;
use crate::population::Person;
use crate::prose;
use crate::rng::Rng;
use crate::sqlite::{money, row};
use crate::truth::Action;

use super::person::OPEN_ENDS;
use super::{AKT, AKTUAL, ARENDE, BESLUT, INSATS, Paraply, next};

/// A file to be written, with its cases.
pub(super) struct Akt {
    pub(super) id: i64,
    pub(super) opened: Day,
    pub(super) closed: Option<Day>,
    pub(super) cases: Vec<Arende>,
}

/// A case to be written.
pub(super) struct Arende {
    pub(super) id: i64,
    pub(super) area: Area,
    pub(super) opened: Day,
    pub(super) closed: Option<Day>,
}

impl Arende {
    /// The last day on which something can happen in the case.
    pub(super) fn last_day(&self) -> Day {
        self.closed.unwrap_or(TODAY)
    }
}

/// A decision to be written.
pub(super) struct Decision {
    pub(super) arende: i64,
    pub(super) btyp: &'static str,
    pub(super) lagrum: &'static str,
    pub(super) decided: Day,
    pub(super) from: Day,
    pub(super) to: Option<Day>,
    pub(super) utfall: &'static str,
    pub(super) amount: Option<i64>,
    pub(super) hours: Option<String>,
    pub(super) status: &'static str,
    pub(super) replaces: Option<i64>,
}

impl Paraply<'_> {
    /// The files and cases of a person; a quarter of all persons have none.
    pub(super) fn plan_akter(&mut self, person: &Person) -> Vec<Akt> {
        let mut rng = self.stream("AKT", person);
        let client = person.index < 20
            || super::journal::writes_much(person)
            || person.second_area.is_some()
            || rng.chance(740, 1_000);
        if !client {
            return Vec::new();
        }
        let least = usize::from(person.second_area.is_some());
        let count = rng.weighted(&[30, 35, 27, 8]).max(least) + 1;
        (0..count).map(|number| self.plan_akt(person, number, &mut rng)).collect()
    }

    fn plan_akt(&mut self, person: &Person, number: usize, rng: &mut Rng) -> Akt {
        let span = (TODAY.0 - person.registered.0 - 60).max(0);
        // The first person's files stay open, so that the smallest city has every kind of row.
        let forced = person.index == 0;
        let opened = person.registered.plus(rng.between(0, if forced { 30 } else { span }));
        let length = rng.between(120, 1_800);
        let closed = Some(opened.plus(length)).filter(|day| *day <= TODAY && !forced);
        let last = closed.unwrap_or(TODAY);
        let area = if number == 1 { person.second_area.unwrap_or(person.area) } else { person.area };
        let cases = (0..=rng.weighted(&[65, 27, 8]))
            .map(|_| {
                let opened = opened.plus(rng.between(0, (last.0 - opened.0) / 2));
                let ended = opened.plus(rng.between(30, (last.0 - opened.0).max(31)));
                let open = closed.is_none() && (forced || rng.chance(1, 2));
                Arende {
                    id: next(&mut self.ids.arende),
                    area,
                    opened,
                    closed: (!open).then_some(ended.min(last)),
                }
            })
            .collect();
        Akt { id: next(&mut self.ids.akt), opened, closed, cases }
    }

    pub(super) fn write_akter(&mut self, person: &Person, akter: &[Akt]) -> Result<(), Error> {
        let mut rng = self.stream("ARENDE", person);
        let mut earlier = None;
        for akt in akter {
            self.write_akt(person, akt, &mut rng)?;
            for case in &akt.cases {
                self.write_case(akt, case, earlier.take(), &mut rng)?;
                self.write_aktual(person, case, &mut rng)?;
                match case.area {
                    Area::Eb => self.write_bistand(person, case, &mut rng)?,
                    Area::Bu | Area::Vu | Area::Fn | Area::Sp | Area::Ao | Area::Am => {
                        self.write_decisions(person, case, &mut rng)?;
                    }
                }
            }
            // A case that ends may go on in the next file, with another board.
            earlier = akt.cases.last().filter(|_| rng.chance(300, 1_000)).map(|case| case.id);
        }
        Ok(())
    }

    fn write_akt(&mut self, person: &Person, akt: &Akt, rng: &mut Rng) -> Result<(), Error> {
        let board = board_at(person.district, akt.opened);
        let number = format!("{}-{}", akt.opened.year(), akt.id);
        let lag = akt.cases.first().map_or("SOL", |case| case.area.codes().lag);
        let closed = akt.closed.map(Day::small);
        let paper = rng.chance(60, 1_000);
        let row = row![
            akt.id,
            person.pers_id(),
            board,
            number,
            lag,
            akt.opened.small(),
            closed,
            paper,
            None::<i64>
        ];
        self.db.push(AKT, row)
    }

    fn write_case(
        &mut self,
        akt: &Akt,
        case: &Arende,
        moved_from: Option<i64>,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let mut reason = case.closed.map(|_| rng.pick(&END_REASONS[..7]));
        if reason.is_some() && self.quotas.arende_code.strikes() {
            self.mark("D18", "ARENDE", Action::Flag, case.id);
            reason = Some(rng.pick(&UNKNOWN_CODES));
        }
        let household = (case.area == Area::Eb).then(|| next(&mut self.ids.hushall));
        let row = row![
            case.id,
            akt.id,
            case.area.codes().vo,
            household,
            self.handler(rng),
            case.opened.small(),
            case.closed.map(Day::small),
            reason,
            moved_from,
            if case.closed.is_some() { "S" } else { "A" },
        ];
        self.db.push(ARENDE, row)
    }

    fn write_aktual(&mut self, person: &Person, case: &Arende, rng: &mut Rng) -> Result<(), Error> {
        let forced = person.index == 0;
        let became_case = forced || rng.chance(200, 1_000);
        let stayed_alone = forced || rng.chance(60, 1_000);
        for arende in
            [became_case.then_some(Some(case.id)), stayed_alone.then_some(None)].into_iter().flatten()
        {
            let at = Stamp::at(case.opened, rng.between(8, 16), rng.between(0, 59));
            let row = row![
                next(&mut self.ids.aktual),
                arende,
                person.pers_id(),
                rng.pick(&["AN", "OA", "BG", "IN"]),
                at.plus_ms(rng.between(0, 59_999)).full(),
                rng.pick(&["SKO", "POL", "SJV", "ENS", "ANH"]),
                rng.pick(&["OMS", "EKO", "MIS", "ÖVR"]),
                if arende.is_some() { "J" } else { "N" },
                at.plus_minutes(60 * 24).small(),
                if arende.is_some() { "IU" } else { "EU" },
                prose::note(rng, 200),
            ];
            self.db.push(AKTUAL, row)?;
        }
        Ok(())
    }

    fn write_decisions(&mut self, person: &Person, case: &Arende, rng: &mut Rng) -> Result<(), Error> {
        let codes = case.area.codes();
        for _ in 0..rng.between(1, 4) {
            let decided = case.opened.plus(rng.between(0, case.last_day().0 - case.opened.0));
            let from = decided.plus(rng.between(0, 14)).min(TODAY);
            let to = (!rng.chance(300, 1_000)).then(|| from.plus(rng.between(30, 365)));
            let granted = rng.chance(880, 1_000);
            let utfall = if granted { "B" } else { rng.pick(&["D", "A"]) };
            let hours = (case.area == Area::Ao).then(|| format!("{}.50", rng.between(2, 90)));
            let beslut = self.write_decision(
                Decision {
                    arende: case.id,
                    btyp: rng.pick(codes.btyp),
                    lagrum: rng.pick(codes.lagrum),
                    decided,
                    from,
                    to,
                    utfall,
                    amount: None,
                    hours,
                    status: "F",
                    replaces: None,
                },
                rng,
            )?;
            if granted && rng.chance(850, 1_000) {
                let kod = rng.pick(codes.insats);
                self.write_insats(person, beslut, kod, (from, to), rng)?;
            }
        }
        Ok(())
    }

    /// Writes a decision, wrong where it is this row's turn, and returns its key.
    pub(super) fn write_decision(&mut self, decision: Decision, rng: &mut Rng) -> Result<i64, Error> {
        let id = next(&mut self.ids.beslut);
        let (to, held) = self.decision_end(id, &decision, rng);
        // A row that is held back carries no other defect, so that every defect can be counted on its own.
        let btyp = if !held && self.quotas.beslut_code.strikes() {
            self.mark("D18", "BESLUT", Action::Flag, id);
            rng.pick(&UNKNOWN_CODES)
        } else {
            decision.btyp
        };
        let lagrum = if held { decision.lagrum } else { self.spelled(id, decision.lagrum, rng) };
        let edited = Stamp::at(decision.decided, rng.between(8, 17), rng.between(0, 59));
        let unit = decision.hours.as_ref().map(|_| "TI");
        let row = row![
            id,
            decision.arende,
            None::<i64>,
            btyp,
            lagrum,
            decision.decided.small(),
            decision.from.small(),
            to.map(Day::small),
            decision.utfall,
            None::<i64>,
            decision.amount.map(money),
            decision.hours,
            unit,
            decision.replaces.is_some(),
            decision.replaces,
            self.handler(rng),
            decision.status,
            self.handler(rng),
            edited.plus_ms(rng.between(0, 59_999)).full(),
            self.row_version(),
        ];
        self.db.push(BESLUT, row)?;
        Ok(id)
    }

    fn spelled(&mut self, id: i64, canonical: &'static str, rng: &mut Rng) -> &'static str {
        let free = self.quotas.beslut_law.strikes();
        let unreadable = self.quotas.beslut_no_law.strikes();
        if unreadable {
            self.mark("D21_unparsed", "BESLUT", Action::Flag, id);
            rng.pick(&UNREADABLE_LAW)
        } else if free {
            self.mark("D21", "BESLUT", Action::Norm, id);
            rng.pick(free_spellings(canonical))
        } else {
            canonical
        }
    }

    /// The end of a decision, and whether it makes the row one that is held back.
    fn decision_end(&mut self, id: i64, decision: &Decision, rng: &mut Rng) -> (Option<Day>, bool) {
        let before = decision.from.plus(-rng.between(1, 20));
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

    fn write_insats(
        &mut self,
        person: &Person,
        beslut: i64,
        kod: &'static str,
        (from, to): (Day, Option<Day>),
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let id = next(&mut self.ids.insats);
        let kod = if self.quotas.insats_code.strikes() {
            self.mark("D18", "INSATS", Action::Flag, id);
            rng.pick(&UNKNOWN_CODES)
        } else {
            kod
        };
        let end = match to {
            None if self.quotas.insats_open_end.strikes() => {
                self.mark("D23", "INSATS", Action::Norm, id);
                Some(rng.pick(&OPEN_ENDS))
            }
            Some(_) if self.quotas.insats_order.strikes() => {
                self.mark("D24", "INSATS", Action::Flag, id);
                Some(from.plus(-rng.between(1, 20)))
            }
            other => other,
        };
        let start = from.plus(rng.between(0, 20));
        let started = (start <= TODAY && rng.chance(940, 1_000)).then(|| start.small());
        let reason = to.filter(|day| *day <= TODAY).map(|_| rng.pick(&END_REASONS[..7]));
        let row = row![
            id,
            None::<i64>,
            beslut,
            person.pers_id(),
            kod,
            from.small(),
            end.map(Day::small),
            started,
            reason,
        ];
        self.db.push(INSATS, row)
    }
}

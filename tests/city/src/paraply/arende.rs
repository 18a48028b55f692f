//! Files, cases and reports of concern.

use crate::calendar::{Day, Stamp, TODAY};
use crate::codes::{Area, END_REASONS, UNKNOWN_CODES};
use crate::error::Error;
use crate::organisation::{DISTRICTS, board_at, closed_before};
use crate::population::Person;
use crate::prose;
use crate::rng::Rng;
use crate::sqlite::row;
use crate::truth::Action;

use super::beslut::Sequence;
use super::bistand::Months;
use super::person::Life;
use super::relatives::Member;
use super::{AKT, AKTUAL, ARENDE, Paraply, next};

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
    /// `ARENDE.HANDL`.
    pub(super) handler: String,
}

impl Arende {
    /// The last day on which something can happen in the case.
    pub(super) fn last_day(&self) -> Day {
        self.closed.unwrap_or(TODAY)
    }
}

impl Paraply<'_> {
    /// The files and cases of a person; a quarter of all persons have none.
    pub(super) fn plan_akter(&mut self, person: &Person) -> Vec<Akt> {
        let mut rng = self.stream("AKT", person);
        let drawn =
            super::journal::writes_much(person) || person.second_area.is_some() || rng.chance(740, 1_000);
        if !person.client.unwrap_or(drawn) {
            return Vec::new();
        }
        let least = usize::from(person.second_area.is_some());
        // A steady person beside the first has one household only, so that others can meet it.
        let drawn = rng.weighted(&[30, 35, 27, 8]).max(least) + 1;
        let count = if person.steady && person.index > 0 { 1 } else { drawn };
        (0..count).map(|number| self.plan_akt(person, number, &mut rng)).collect()
    }

    fn plan_akt(&mut self, person: &Person, number: usize, rng: &mut Rng) -> Akt {
        let span = (TODAY.0 - person.registered.0 - 60).max(0);
        let soon = person.steady || person.dies;
        let opened = person.registered.plus(rng.between(0, if soon { 30 } else { span }));
        let length = rng.between(120, if person.dies { 900 } else { 1_800 });
        let closed = Some(opened.plus(length)).filter(|day| *day <= TODAY && !person.steady);
        let last = closed.unwrap_or(TODAY);
        let area = if number == 1 { person.second_area.unwrap_or(person.area) } else { person.area };
        let more = rng.weighted(&[65, 27, 8]);
        let cases = (0..=if person.steady && person.index > 0 { 0 } else { more })
            .map(|number| {
                // A steady case begins with its file, so that there is time for everything.
                let begins = person.steady && number == 0;
                let opened = opened.plus(if begins { 0 } else { rng.between(0, (last.0 - opened.0) / 2) });
                let ended = opened.plus(rng.between(30, (last.0 - opened.0).max(31)));
                let open = closed.is_none() && (begins || rng.chance(1, 2));
                Arende {
                    id: next(&mut self.ids.arende),
                    area,
                    opened,
                    closed: (!open).then_some(ended.min(last)),
                    handler: self.handler(rng),
                }
            })
            .collect();
        Akt { id: next(&mut self.ids.akt), opened, closed, cases }
    }

    pub(super) fn write_akter(&mut self, life: &Life<'_>, kin: &[Member]) -> Result<(), Error> {
        let mut rng = self.stream("ARENDE", life.person);
        let mut earlier = None;
        let mut months = Months::new(life);
        for akt in &life.akter {
            self.write_akt(life.person, akt, &mut rng)?;
            let mut decisions = Sequence::default();
            for case in &akt.cases {
                self.write_case(life.person, akt, case, earlier.take(), &mut rng)?;
                let aktual = self.write_aktual(life.person, case, &mut rng)?;
                let written = match case.area {
                    Area::Eb => {
                        self.write_bistand((life.person, case, kin), &mut months, &mut decisions, &mut rng)
                    }
                    Area::Bu | Area::Vu | Area::Fn | Area::Sp | Area::Ao | Area::Am => {
                        self.write_decisions((life.person, case, aktual), &mut decisions, &mut rng)
                    }
                };
                written?;
            }
            self.mark_sequence(&decisions);
            // A case that ends may go on in the next file, with another board.
            earlier = akt.cases.last().filter(|_| rng.chance(300, 1_000)).map(|case| case.id);
        }
        self.foreign_decision = months.decision.or(self.foreign_decision);
        Ok(())
    }

    fn write_akt(&mut self, person: &Person, akt: &Akt, rng: &mut Rng) -> Result<(), Error> {
        let board = board_at(person.district, akt.opened);
        if closed_before(board, TODAY) {
            self.mark("D76", "AKT", Action::Fix, akt.id);
        }
        let number = format!("{}-{}", akt.opened.year(), akt.id);
        let lag = akt.cases.first().map_or("SOL", |case| case.area.codes().lag);
        let closed = akt.closed.map(Day::small);
        let paper = (person.steady && akt.id % 2 == 0) || rng.chance(55, 1_000);
        if paper {
            self.mark("D75", "AKT", Action::Flag, akt.id);
        }
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
        person: &Person,
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
        let sdn = person.district.map(|index| DISTRICTS[index].sdn);
        if case.area == Area::Eb && sdn.is_none() {
            self.mark("D77", "ARENDE", Action::Norm, case.id);
        }
        let household = (case.area == Area::Eb).then(|| next(&mut self.ids.hushall));
        let row = row![
            case.id,
            akt.id,
            case.area.codes().vo,
            sdn,
            household,
            case.handler.clone(),
            case.opened.small(),
            case.closed.map(Day::small),
            reason,
            moved_from,
            if case.closed.is_some() { "S" } else { "A" },
        ];
        self.db.push(ARENDE, row)
    }

    /// Writes what began the case, and sometimes a report that led to nothing; returns the key of the first.
    fn write_aktual(&mut self, person: &Person, case: &Arende, rng: &mut Rng) -> Result<Option<i64>, Error> {
        let forced = person.index == 0;
        let became_case = forced || rng.chance(200, 1_000);
        let stayed_alone = forced || rng.chance(60, 1_000);
        let mut first = None;
        for arende in
            [became_case.then_some(Some(case.id)), stayed_alone.then_some(None)].into_iter().flatten()
        {
            let id = next(&mut self.ids.aktual);
            first = first.or(arende.map(|_| id));
            let at = Stamp::at(case.opened, rng.between(8, 16), rng.between(0, 59));
            let seen = at.plus_ms(rng.between(0, 59_999));
            let seen = if self.quotas.aktual_future.strikes() {
                self.mark("D25", "AKTUAL", Action::Flag, id);
                Stamp::at(TODAY.plus(rng.between(30, 2_000)), 9, 0)
            } else {
                seen
            };
            let row = row![
                id,
                arende,
                person.pers_id(),
                rng.pick(&["AN", "OA", "BG", "IN"]),
                seen.full(),
                rng.pick(&["SKO", "POL", "SJV", "ENS", "ANH"]),
                rng.pick(&["OMS", "EKO", "MIS", "ÖVR"]),
                if arende.is_some() { "J" } else { "N" },
                at.plus_minutes(60 * 24).min(Stamp::at(TODAY, 23, 0)).small(),
                if arende.is_some() { "IU" } else { "EU" },
                prose::note(rng, 200),
            ];
            self.db.push(AKTUAL, row)?;
        }
        Ok(first)
    }
}

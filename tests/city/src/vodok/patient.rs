//! A patient: the row itself, changes of number, stays, and what others may see.

use crate::calendar::{Day, TODAY};
use crate::error::Error;
use crate::names;
use crate::numbers;
use crate::population::Person;
use crate::rng::Rng;
use crate::sqlite::{Value, row};
use crate::truth::Action;

use super::staff::{UNITS, unit_id};
use super::stay::plan_stays;
use super::{FIRST_NOTE, PAT_IDBYTE, PATIENT, Patient, SAMTYCKE, SPARR, VARDTILLF, VARNING, Vodok, next};

const CONSENTS: [&str; 3] = ["SJF", "KVR", "INF"];

/// Warnings: kind and text.
const WARNINGS: [(&str, &str); 4] = [
    ("ÖVK", "Överkänslig mot penicillin"),
    ("ÖVK", "Överkänslig mot latex"),
    ("SMI", "Bärare av multiresistent bakterie"),
    ("MED", "Blödarsjuka"),
];

impl Vodok<'_> {
    pub(super) fn write_patient(&mut self, person: &Person) -> Result<(), Error> {
        self.patients += 1;
        let mut rng = Rng::keyed(self.city.seed, "VARDTILLF", person.index.into());
        let stays = plan_stays(self.patients, &mut rng);
        let id = format!("V{:07}", self.patients);
        let mut patient = Patient { person, number: self.patients, id, stays };
        self.write_patient_row(&patient)?;
        self.write_stays(&mut patient)?;
        self.write_blocks(&patient)?;
        self.write_consents(&patient)?;
        self.write_warnings(&patient)?;
        self.write_notes(&patient)?;
        self.write_care(&patient)
    }

    fn write_patient_row(&mut self, patient: &Patient<'_>) -> Result<(), Error> {
        let person = patient.person;
        let mut rng = self.stream("PATIENT", patient);
        let number = self.number(patient, &mut rng);
        let (first, mut last) = person.name(self.city.seed);
        if !last.is_ascii() && self.quotas.mojibake.strikes() {
            last = names::mojibake(&last);
            self.mark("D13", "PATIENT", Action::Fix, &patient.id);
        }
        if person.health_care_protects {
            self.ledger.mark(("D11", "paraply", "PERSON", Action::Fix), person.pers_id().to_string());
        }
        let protection = if person.is_protected() || person.health_care_protects { "J" } else { "" };
        let sex = if person.man { "M" } else { "K" };
        let row = row![patient.id.clone(), number, first, last, sex, Value::Null, protection];
        self.db.push(PATIENT, row)?;
        self.write_new_id(patient, &mut rng)
    }

    /// `PERSNR` as somebody typed it: twelve digits with or without a hyphen, sometimes ten.
    fn number(&mut self, patient: &Patient<'_>, rng: &mut Rng) -> String {
        let right = patient.person.clean.clone().unwrap_or_default();
        // Paraply's record must be found by this number.
        let needed = patient.person.health_care_protects;
        if !needed && self.quotas.check_digit.strikes() {
            self.mark("D01", "PATIENT", Action::Flag, &patient.id);
            return numbers::wrong_check_digit(&right, 1 + rng.below(9));
        }
        if !needed && self.quotas.reserve.strikes() {
            self.mark("D05", "PATIENT", Action::Norm, &patient.id);
            return reserve(patient.person.index, rng);
        }
        let (date, end) = right.split_at(8);
        // Ten digits only where one century is possible for every date before 2025.
        let certain = right.as_str() >= "1925";
        match rng.weighted(&[60, 30, 10]) {
            0 => format!("{date}-{end}"),
            2 if certain && !needed => format!("{}-{end}", &date[2..]),
            _ => right,
        }
    }

    fn write_new_id(&mut self, patient: &Patient<'_>, rng: &mut Rng) -> Result<(), Error> {
        if !self.quotas.new_id.strikes() {
            return Ok(());
        }
        let old = reserve(patient.person.index, rng);
        let new = patient.person.clean.clone();
        let date = FIRST_NOTE.plus(rng.between(0, 3_000)).iso();
        self.db.push(PAT_IDBYTE, row![patient.id.clone(), old, new, date, "Personnummer tilldelat"])
    }

    fn write_stays(&mut self, patient: &mut Patient<'_>) -> Result<(), Error> {
        let mut rng = self.stream("VARDTILLF/LAG", patient);
        let law = if rng.chance(930, 1_000) { "HSL" } else { "LSS" };
        for stay in &mut patient.stays {
            stay.id = next(&mut self.ids.stay);
            let (from, to) = (stay.from.iso(), stay.to.map(Day::iso));
            let row = row![stay.id, patient.id.clone(), unit_id(stay.unit), from, to, law];
            self.db.push(VARDTILLF, row)?;
        }
        Ok(())
    }

    /// One patient in seven, and the first three, keep others from reading what a unit has written.
    fn write_blocks(&mut self, patient: &Patient<'_>) -> Result<(), Error> {
        let mut rng = self.stream("SPARR", patient);
        if patient.number > 3 && !rng.chance(140, 1_000) {
            return Ok(());
        }
        let kind = if rng.chance(700, 1_000) { "IN" } else { "YT" };
        let stay = &patient.stays[0];
        let from = stay.from.plus(rng.between(0, 300)).min(TODAY.plus(-60));
        let forgotten = self.quotas.left_open.strikes();
        let still_there = stay.to.is_none() && rng.chance(500, 1_000);
        let mut unit = stay.unit;
        let (mut to, mut lifted) = (None, None);
        if forgotten {
            // The patient has left, or was never admitted there.
            let never_there = |unit: &u32| patient.stays.iter().all(|stay| stay.unit != *unit);
            unit = (1..UNITS).map(|step| (unit + step) % UNITS).find(never_there).unwrap_or(unit);
            let key = format!("{}|{}|{kind}|{}", patient.id, unit_id(unit), from.iso());
            self.mark("D57", "SPARR", Action::Flag, &key);
        } else if !still_there {
            let end = from.plus(rng.between(1, 50)).iso();
            if rng.chance(700, 1_000) { lifted = Some(end) } else { to = Some(end) }
        }
        self.db.push(SPARR, row![patient.id.clone(), unit_id(unit), kind, from.iso(), to, lifted])
    }

    /// What the patient agreed to: the first consent is to see what other givers of care have written.
    fn write_consents(&mut self, patient: &Patient<'_>) -> Result<(), Error> {
        let mut rng = self.stream("SAMTYCKE", patient);
        let count = if patient.number == 1 { 2 } else { rng.weighted(&[35, 45, 15, 5]) };
        for kind in CONSENTS.iter().take(count) {
            let from = patient.first_day().plus(rng.between(0, 400));
            let to = rng.chance(200, 1_000).then(|| from.plus(rng.between(30, 700)).iso());
            let withdrawn = from.plus(rng.between(10, 200));
            let withdrawn = (to.is_none() && rng.chance(100, 1_000)).then(|| withdrawn.iso());
            self.db.push(SAMTYCKE, row![patient.id.clone(), *kind, from.iso(), to, withdrawn])?;
        }
        Ok(())
    }

    fn write_warnings(&mut self, patient: &Patient<'_>) -> Result<(), Error> {
        let mut rng = self.stream("VARNING", patient);
        let count = if patient.number == 1 { 2 } else { i32::from(rng.chance(400, 1_000)) };
        for number in 0..count {
            let (kind, text) = rng.pick(&WARNINGS);
            let from = patient.first_day().plus(number * 40 + rng.between(0, 30));
            let to = rng.chance(100, 1_000).then(|| from.plus(rng.between(60, 400)).iso());
            let weight = rng.pick(&["1", "2", "3"]);
            self.db.push(VARNING, row![patient.id.clone(), kind, text, weight, from.iso(), to])?;
        }
        Ok(())
    }
}

/// A reservnummer of one of the kinds that are found in old data.
pub(crate) fn reserve(serial: u32, rng: &mut Rng) -> String {
    let birth = Day::of(1930, 1, 1).plus(rng.between(0, 9_000));
    match rng.below(3) {
        0 => numbers::reserve_stockholm(birth.year(), 50_000 + serial % 50_000),
        1 => numbers::reserve_carelink(birth),
        _ => numbers::reserve_vgr(birth, serial),
    }
}

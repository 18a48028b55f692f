//! Vodok: the health-care record, 2013-2024, as one SQLite file, with the change of terms on 2015-01-26.
//!
//! The schema is invented. Before the break notes hang on VIPS headings, after it on ICF and the new
//! tree of headings; words that are equal in both are different codes.

use std::path::Path;

use crate::calendar::{Day, Stamp, TODAY};
use crate::error::Error;
use crate::generation::Progress;
use crate::names;
use crate::numbers;
use crate::population::{Person, Population};
use crate::prose;
use crate::rng::Rng;
use crate::sqlite::{Database, TableSpec, Value, row};
use crate::truth::{Action, Ledger, Quota};

const SYSTEM: &str = "vodok";

static TABLES: [TableSpec; 4] = [
    spec("PATIENT", "PATID* PERSNR FNAMN ENAMN KON AVLIDEN SKYDD"),
    spec("PAT_IDBYTE", "PATID GAMMALT NYTT DATUM ORSAK"),
    spec("SOKORD", "SOKID# VERS# MODELL KOD TEXT OVER# FROM TOM"),
    spec("JRN_ANT", "ANTID*# PATID VTID# SOKID# HTID REGTID PID# TEXT VERSION# ERSATTER# FELTID FELAV#"),
];

const PATIENT: usize = 0;
const PAT_IDBYTE: usize = 1;
const SOKORD: usize = 2;
const JRN_ANT: usize = 3;

const fn spec(name: &'static str, columns: &'static str) -> TableSpec {
    TableSpec { name, columns }
}

/// The day on which the city changed to the national terms.
pub(crate) const BREAK: Day = Day::of(2015, 1, 26);
const FIRST_NOTE: Day = Day::of(2013, 1, 1);

/// The old headings, VIPS: (code, text).
const VIPS: [(&str, &str); 10] = [
    ("V1", "Kommunikation"),
    ("V2", "Andning/cirkulation"),
    ("V3", "Nutrition"),
    ("V4", "Elimination"),
    ("V5", "Hud/vävnad"),
    ("V6", "Aktivitet"),
    ("V7", "Sömn"),
    ("V8", "Smärta"),
    ("V9", "Psykosocialt"),
    ("V10", "Samordning"),
];

/// The new tree's top headings.
const HEADINGS: [(&str, &str); 8] = [
    ("R1", "Uppmärksamhetsinformation"),
    ("R2", "Aktivitet/Delaktighet"),
    ("R3", "Kroppsfunktion/-struktur"),
    ("R4", "Omgivningsfaktorer"),
    ("R5", "Mätvärden"),
    ("R6", "Utförda bedömningar"),
    ("R7", "Hälsoplan"),
    ("R8", "Samordning/administration/planering"),
];

/// The new terms, ICF: (code, text, the heading above, from 0).
const ICF: [(&str, &str, i64); 10] = [
    ("d3", "Kommunikation", 1),
    ("b440", "Andningsfunktioner", 2),
    ("b410", "Hjärtfunktioner", 2),
    ("d550", "Att äta", 1),
    ("b525", "Avföringsfunktioner", 2),
    ("b810", "Hudens skyddsfunktioner", 2),
    ("d450", "Att gå", 1),
    ("b134", "Sömn", 2),
    ("b280", "Smärta", 2),
    ("e310", "Närmaste familjen", 3),
];

/// `SOKID` of the first heading and of the first ICF term; VIPS starts at 1.
const FIRST_HEADING: i64 = 101;
const FIRST_ICF: i64 = 201;

struct Quotas {
    check_digit: Quota,
    reserve: Quota,
    mojibake: Quota,
    new_id: Quota,
}

struct Vodok<'a> {
    city: &'a Population,
    db: Database,
    ledger: &'a mut Ledger,
    quotas: Quotas,
    patients: u32,
    notes: i64,
}

/// Writes `vodok.sqlite` below the directory.
pub(crate) fn write(
    city: &Population,
    directory: &Path,
    ledger: &mut Ledger,
    progress: &mut dyn FnMut(Progress),
) -> Result<u64, Error> {
    let quota = |purpose, per_million, first| Quota::new(city.seed, purpose, per_million, first);
    let mut vodok = Vodok {
        city,
        db: Database::create(directory, SYSTEM, &TABLES)?,
        ledger,
        quotas: Quotas {
            check_digit: quota("D01/PATIENT", 4_000, 1),
            reserve: quota("D05/PATIENT", 8_000, 1),
            mojibake: quota("D13/PATIENT", 16_000, 1),
            new_id: quota("PAT_IDBYTE", 30_000, 1),
        },
        patients: 0,
        notes: 0,
    };
    vodok.write_terms()?;
    for person in &city.persons {
        if person.patient {
            vodok.write_patient(person)?;
        }
        progress(Progress {
            step: SYSTEM,
            done: u64::from(person.index) + 1,
            of: u64::try_from(city.persons.len()).unwrap_or(u64::MAX),
            rows: vodok.db.rows(),
        });
    }
    let rows = vodok.db.rows();
    vodok.db.finish(vodok.ledger)?;
    Ok(rows)
}

impl Vodok<'_> {
    fn write_terms(&mut self) -> Result<(), Error> {
        let old = Day::of(2005, 1, 1).iso();
        let (last, new) = (BREAK.plus(-1).iso(), BREAK.iso());
        for (id, (code, text)) in (1_i64..).zip(VIPS) {
            let (from, to) = (old.clone(), last.clone());
            self.db.push(SOKORD, row![id, 1, "VIPS", code, text, Value::Null, from, to])?;
        }
        for (id, (code, text)) in (FIRST_HEADING..).zip(HEADINGS) {
            let from = new.clone();
            self.db.push(SOKORD, row![id, 2, "RUB", code, text, Value::Null, from, Value::Null])?;
        }
        for (id, (code, text, above)) in (FIRST_ICF..).zip(ICF) {
            let from = new.clone();
            let over = FIRST_HEADING + above;
            self.db.push(SOKORD, row![id, 2, "ICF", code, text, over, from, Value::Null])?;
        }
        Ok(())
    }

    fn write_patient(&mut self, person: &Person) -> Result<(), Error> {
        self.patients += 1;
        let mut rng = Rng::keyed(self.city.seed, "PATIENT", person.index.into());
        let id = format!("V{:07}", self.patients);
        let number = self.number(person, &id, &mut rng);
        let (first, mut last) = person.name(self.city.seed);
        if !last.is_ascii() && self.quotas.mojibake.strikes() {
            last = names::mojibake(&last);
            self.mark("D13", Action::Fix, &id);
        }
        let protection = if person.is_protected() { "J" } else { "" };
        let sex = if person.man { "M" } else { "K" };
        let row = row![id.clone(), number, first, last, sex, Value::Null, protection];
        self.db.push(PATIENT, row)?;
        self.write_new_id(person, &id, &mut rng)?;
        self.write_notes(&id, &mut rng)
    }

    fn mark(&mut self, id: &'static str, action: Action, key: &str) {
        self.ledger.mark((id, SYSTEM, "PATIENT", action), key.to_owned());
    }

    /// `PERSNR` as somebody typed it: twelve digits with or without a hyphen, sometimes ten.
    fn number(&mut self, person: &Person, id: &str, rng: &mut Rng) -> String {
        let right = person.clean.clone().unwrap_or_default();
        if self.quotas.check_digit.strikes() {
            self.mark("D01", Action::Flag, id);
            return numbers::wrong_check_digit(&right, 1 + rng.below(9));
        }
        if self.quotas.reserve.strikes() {
            self.mark("D05", Action::Norm, id);
            return reserve(person.index, rng);
        }
        let (date, end) = right.split_at(8);
        // Ten digits only where one century is possible for every date before 2025.
        let certain = right.as_str() >= "1925";
        match rng.weighted(&[60, 30, 10]) {
            0 => format!("{date}-{end}"),
            2 if certain => format!("{}-{end}", &date[2..]),
            _ => right,
        }
    }

    fn write_new_id(&mut self, person: &Person, id: &str, rng: &mut Rng) -> Result<(), Error> {
        if !self.quotas.new_id.strikes() {
            return Ok(());
        }
        let old = reserve(person.index, rng);
        let new = person.clean.clone();
        let date = FIRST_NOTE.plus(rng.between(0, 3_000)).iso();
        self.db.push(PAT_IDBYTE, row![id.to_owned(), old, new, date, "Personnummer tilldelat"])
    }

    /// The notes of one patient in the order of their dates, most of them in the patient's last years.
    fn write_notes(&mut self, patient: &str, rng: &mut Rng) -> Result<(), Error> {
        let count = rng.between(190, 575);
        let span = TODAY.0 - FIRST_NOTE.0;
        let first = rng.between(0, span / 2);
        for number in 0..count {
            let day = FIRST_NOTE.plus(first + number * (span - first) / count);
            self.write_note(patient, day, rng)?;
        }
        Ok(())
    }

    /// A note; one in twenty-five is replaced by a second version.
    fn write_note(&mut self, patient: &str, day: Day, rng: &mut Rng) -> Result<(), Error> {
        let at = Stamp::at(day, rng.between(6, 21), rng.between(0, 59));
        let registered = at.plus_minutes(rng.between(0, 90)).plus_ms(rng.between(0, 59_999));
        let term = i64::from(rng.between(0, 9)) + if day < BREAK { 1 } else { FIRST_ICF };
        let author = i64::from(rng.between(1, 40));
        let ward = i64::from(rng.between(1, 25));
        let replaced = rng.chance(40, 1_000);
        let mut earlier = None;
        for version in 1..=if replaced { 2 } else { 1 } {
            self.notes += 1;
            let wrong = (replaced && version == 1).then(|| registered.plus_minutes(20).full());
            let wrong_by = wrong.as_ref().map(|_| author);
            let length = rng.between(60, 420);
            let row = row![
                self.notes,
                patient.to_owned(),
                ward,
                term,
                at.full(),
                registered.plus_minutes(20 * (version - 1)).full(),
                author,
                prose::note(rng, length),
                version,
                earlier,
                wrong,
                wrong_by,
            ];
            self.db.push(JRN_ANT, row)?;
            earlier = Some(self.notes);
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

//! Vodok: the health-care record, 2013-2024, as one SQLite file, with the change of terms on 2015-01-26.
//!
//! The schema is invented. Before the break notes hang on VIPS headings, after it on ICF and the new
//! tree of headings; words that are equal in both are different codes, and some keep their number.

mod care;
mod cases;
mod notes;
mod patient;
mod staff;
mod stay;
mod terms;

use std::path::Path;

use crate::calendar::{Day, TODAY};
use crate::error::Error;
use crate::generation::Progress;
use crate::population::{Person, Population};
use crate::rng::Rng;
use crate::sqlite::{Database, TableSpec, spec};
use crate::truth::{Action, Ledger, Quota};

pub(crate) use patient::reserve;
use staff::Staff;
use stay::Stay;

const SYSTEM: &str = "vodok";

/// The tables, in the order of the indices below. The log has no key of its own.
static TABLES: [TableSpec; 18] = [
    spec("PATIENT", "PATID* PERSNR FNAMN ENAMN KON AVLIDEN SKYDD"),
    spec("PAT_IDBYTE", "PATID GAMMALT NYTT DATUM ORSAK"),
    spec("VARDTILLF", "VTID*# PATID ENHID INSKR UTSKR LAG"),
    spec("VARDENHET", "ENHID* NAMN HSAID SDN FROM TOM"),
    spec("PERSONAL", "PID*# HSAID NAMN YRKE LEGNR FROM TOM"),
    spec("SIGNATUR", "ANTID*# PID*# TID* TYP"),
    spec("JRN_ANT", "ANTID*# PATID VTID# SOKID# HTID REGTID PID# TEXT VERSION# ERSATTER# FELTID FELAV#"),
    spec("SOKORD", "SOKID# VERS# MODELL KOD TEXT OVER# FROM TOM"),
    spec("KVA_ATG", "ATGID*# ANTID# PATID VTID# KVA YRKE TID STATUS"),
    spec("ATGPLAN", "PATID* KVA* FROM* TOM RRULE"),
    spec("HALSOPLAN", "HPID*# PATID PROBLEM MAL ICF KVAL FROM TOM UTV"),
    spec("MATVARDE", "MVID*# PATID TYP TID VARDE ENHET"),
    spec("ORDINATION", "ORDID*# PATID LAKAR TEXT FROM TOM"),
    spec("DELEGERING", "DELID*# GIVARE# MOTTAGARE# UPPGIFT FROM TOM ATER"),
    spec("VARNING", "PATID* TYP* TEXT ALLV FROM* TOM"),
    spec("SPARR", "PATID* ENHID* TYP* FROM* TOM HAVD"),
    spec("SAMTYCKE", "PATID* TYP* FROM* TOM ATERK"),
    spec("ATKOMSTLOGG", "TID PID# PATID FUNK ENHID"),
];

const PATIENT: usize = 0;
const PAT_IDBYTE: usize = 1;
const VARDTILLF: usize = 2;
const VARDENHET: usize = 3;
const PERSONAL: usize = 4;
const SIGNATUR: usize = 5;
const JRN_ANT: usize = 6;
const SOKORD: usize = 7;
const KVA_ATG: usize = 8;
const ATGPLAN: usize = 9;
const HALSOPLAN: usize = 10;
const MATVARDE: usize = 11;
const ORDINATION: usize = 12;
const DELEGERING: usize = 13;
const VARNING: usize = 14;
const SPARR: usize = 15;
const SAMTYCKE: usize = 16;
const ATKOMSTLOGG: usize = 17;

/// The day on which the city changed to the national terms.
const BREAK: Day = Day::of(2015, 1, 26);
const FIRST_NOTE: Day = Day::of(2013, 1, 1);

/// Actions of the classification KVÅ; codes are invented but for their form.
const ACTIONS: [&str; 12] = [
    "AV034", "AW011", "DM005", "DR016", "DT015", "GD004", "PC009", "PM001", "QG007", "QV011", "SE003",
    "ZV025",
];

/// Which rows are to be wrong.
struct Quotas {
    check_digit: Quota,
    reserve: Quota,
    mojibake: Quota,
    new_id: Quota,
    orphan: Quota,
    unreportable: Quota,
    comma: Quota,
    unit_in_value: Quota,
    below: Quota,
    implausible: Quota,
    no_hsa_id: Quota,
    left_open: Quota,
}

impl Quotas {
    fn new(seed: u64) -> Self {
        let quota = |purpose, per_million, first| Quota::new(seed, purpose, per_million, first);
        Self {
            check_digit: quota("D01/PATIENT", 4_000, 1),
            reserve: quota("D05/PATIENT", 8_000, 1),
            mojibake: quota("D13/PATIENT", 16_000, 1),
            new_id: quota("PAT_IDBYTE", 30_000, 1),
            orphan: quota("D52/JRN_ANT", 200, 40),
            unreportable: quota("D53/KVA_ATG", 20_000, 5),
            // Blood pressures, one in a hundred, are written in a way of their own as well.
            comma: quota("D54/comma", 2_000, 20),
            unit_in_value: quota("D54/unit", 2_000, 30),
            below: quota("D54/below", 1_000, 50),
            implausible: quota("D55", 2_000, 25),
            no_hsa_id: quota("D56", 20_000, 5),
            left_open: quota("D57", 4_000, 2),
        }
    }
}

/// The last number of each key.
#[derive(Debug, Default)]
struct Counters {
    stay: i64,
    note: i64,
    action: i64,
    plan: i64,
    measurement: i64,
    prescription: i64,
}

/// The next number of a counter, from 1.
fn next(counter: &mut i64) -> i64 {
    *counter += 1;
    *counter
}

/// Vodok while it is written.
struct Vodok<'a> {
    city: &'a Population,
    db: Database,
    ledger: &'a mut Ledger,
    quotas: Quotas,
    staff: Staff,
    ids: Counters,
    patients: u32,
}

/// A patient while his or her rows are written.
struct Patient<'a> {
    person: &'a Person,
    /// The place among the patients, from 1.
    number: u32,
    /// `PATIENT.PATID`.
    id: String,
    /// In the order of time, without gaps.
    stays: Vec<Stay>,
}

impl Patient<'_> {
    fn first_day(&self) -> Day {
        self.stays.first().map_or(FIRST_NOTE, |stay| stay.from)
    }

    /// The last day of care, or the last of the city when care goes on.
    fn last_day(&self) -> Day {
        self.stays.last().and_then(|stay| stay.to).unwrap_or(TODAY)
    }

    /// The stay that the day lies in.
    fn stay_on(&self, day: Day) -> &Stay {
        let mut begun = self.stays.iter().rev().filter(|stay| stay.from <= day);
        begun.next().unwrap_or(&self.stays[0])
    }
}

/// Writes `vodok.sqlite` below the directory.
pub(crate) fn write(
    city: &Population,
    directory: &Path,
    ledger: &mut Ledger,
    progress: &mut dyn FnMut(Progress),
) -> Result<u64, Error> {
    let mut vodok = Vodok {
        city,
        db: Database::create(directory, SYSTEM, &TABLES)?,
        ledger,
        quotas: Quotas::new(city.seed),
        staff: Staff::plan(city),
        ids: Counters::default(),
        patients: 0,
    };
    vodok.write_terms()?;
    vodok.write_units()?;
    vodok.write_staff()?;
    vodok.write_cases()?;
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
    fn stream(&self, purpose: &str, patient: &Patient<'_>) -> Rng {
        Rng::keyed(self.city.seed, purpose, patient.person.index.into())
    }

    fn mark(&mut self, id: &'static str, table: &'static str, action: Action, key: &impl ToString) {
        self.ledger.mark((id, SYSTEM, table, action), key.to_string());
    }
}

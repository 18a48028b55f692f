//! Paraply: the case system, 2005-2024, as one SQLite file.
//!
//! The schema is invented, not derived from the real system. Declared types are INTEGER for integer
//! keys and bits, BLOB for the row version and TEXT for everything else, money and dates included.

mod arende;
mod bistand;
mod journal;
mod person;
mod registry;

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::Error;
use crate::generation::Progress;
use crate::population::{Person, Population};
use crate::rng::Rng;
use crate::sqlite::{Database, TableSpec};
use crate::truth::{Action, Ledger, Place, Quota};

const SYSTEM: &str = "paraply";

/// The tables, in the order of the indices below.
static TABLES: [TableSpec; 17] = [
    spec(
        "PERSON",
        "PERS_ID*# PNR PNRTYP FNAMN ENAMN KON CIV MEDB SPRAK TOLK# AVLDAT SEKR FOLKB SDN NAVETDAT \
         REGAV REGDAT ANDAV ANDDAT MAKUL# RV%",
    ),
    spec("PERSHANV", "PERS_ID# TILL_ID# TYP DAT"),
    spec("ADRESS", "ADR_ID*# PERS_ID# TYP CO GATA POSTNR ORT FROM TOM"),
    spec("NAMND", "NAMND* NAMN FROM TOM EFTERTR"),
    spec("ENHET", "ENH_ID*# NAMND NAMN TYP ORGNR HSA FROM TOM"),
    spec("HANDL", "HANDL* NAMN ENH_ID# FROM TOM"),
    spec("AKT", "AKT_ID*# PERS_ID# NAMND AKTNR LAG OPPDAT AVSLDAT PAPPER# GALLDAT"),
    spec("ARENDE", "AR_ID*# AKT_ID# VO HUSH_ID# HANDL OPPDAT AVSLDAT AVSLORS FLYTT_FRAN# STATUS"),
    spec("AKTUAL", "AKTU_ID*# AR_ID# PERS_ID# TYP DAT FRAN ORSAK FORHBED FHB_DAT FHB_UTF TEXT"),
    spec(
        "BESLUT",
        "BESL_ID*# AR_ID# UTR_ID# BTYP LAGRUM BDAT GALL_FROM GALL_TOM UTFALL AVSLORS BELOPP ANTAL ENHETKOD \
         RETRO# ERS_BESL# DELEG STATUS ANDAV ANDDAT RV%",
    ),
    spec("INSATS", "INS_ID*# BEST_ID# BESL_ID# PERS_ID# KOD FROM TOM VERKST AVSLORS"),
    spec("BERAK", "BER_ID*# AR_ID# HUSH_ID# MANAD NORMVER SUMIN SUMUT SUMNORM RESULTAT DEF BESL_ID#"),
    spec("BERPOST", "BER_ID*# RAD*# TYP KOD PERS_ID# SOKT GODK"),
    spec(
        "UTBET",
        "UTB_ID*# AR_ID# BESL_ID# MANAD BELOPP BETSATT MOTT_TYP KONTO UTBDAT STATUS ERS_UTB# KONT AGRVER BUNT# ATTEST",
    ),
    spec("AGRUT", "BUNT*# SYSTEM SKAPAD ANTAL# SUMMA FIL KVITT"),
    spec(
        "JOURNAL",
        "JRN_ID*# AKT_ID# AR_ID# HANDDAT SKRIVDAT SKRIVAV SIGNDAT SIGNAV RUBRIK TYP RATT_AV# FELM# SEKRN TEXT",
    ),
    spec("KODTAB", "TAB* KOD* TEXT FROM* TOM SORT#"),
];

const PERSON: usize = 0;
const PERSHANV: usize = 1;
const ADRESS: usize = 2;
const NAMND: usize = 3;
const ENHET: usize = 4;
const HANDL: usize = 5;
const AKT: usize = 6;
const ARENDE: usize = 7;
const AKTUAL: usize = 8;
const BESLUT: usize = 9;
const INSATS: usize = 10;
const BERAK: usize = 11;
const BERPOST: usize = 12;
const UTBET: usize = 13;
const AGRUT: usize = 14;
const JOURNAL: usize = 15;
const KODTAB: usize = 16;

const fn spec(name: &'static str, columns: &'static str) -> TableSpec {
    TableSpec { name, columns }
}

const fn place(id: &'static str, table: &'static str, action: Action) -> Place {
    (id, SYSTEM, table, action)
}

/// The next number of each key.
#[derive(Debug, Default)]
struct Counters {
    adress: i64,
    akt: i64,
    arende: i64,
    aktual: i64,
    beslut: i64,
    insats: i64,
    berak: i64,
    hushall: i64,
    utbet: i64,
    journal: i64,
    row_version: u64,
}

/// The next number of a counter, from 1.
fn next(counter: &mut i64) -> i64 {
    *counter += 1;
    *counter
}

/// Which rows are to be wrong.
struct Quotas {
    adress_open_end: Quota,
    adress_order: Quota,
    arende_code: Quota,
    beslut_code: Quota,
    beslut_law: Quota,
    beslut_no_law: Quota,
    beslut_open_end: Quota,
    beslut_order: Quota,
    beslut_order_money: Quota,
    insats_code: Quota,
    insats_open_end: Quota,
    insats_order: Quota,
    berak_sum: Quota,
    payment_twice: Quota,
    payment_voided: Quota,
    decision_replaced: Quota,
    note_unsigned: Quota,
}

impl Quotas {
    fn new(seed: u64) -> Self {
        let quota = |purpose, per_million, first| Quota::new(seed, purpose, per_million, first);
        Self {
            // Rates are per row that could have the defect, set so that the share of all rows is that of
            // the catalogue: about half of all addresses, an eighth of all decisions and a third of all
            // insatser have an open end.
            adress_open_end: quota("D23/ADRESS", 72_000, 2),
            adress_order: quota("D24/ADRESS", 6_500, 3),
            arende_code: quota("D18/ARENDE", 8_000, 3),
            beslut_code: quota("D18/BESLUT", 6_000, 5),
            beslut_law: quota("D21/BESLUT", 80_000, 2),
            beslut_no_law: quota("D21_unparsed/BESLUT", 5_000, 7),
            beslut_open_end: quota("D23/BESLUT", 240_000, 2),
            beslut_order: quota("D24/BESLUT", 3_500, 3),
            beslut_order_money: quota("D24/BESLUT/money", 3_500, 4),
            insats_code: quota("D18/INSATS", 6_000, 4),
            insats_open_end: quota("D23/INSATS", 110_000, 2),
            insats_order: quota("D24/INSATS", 4_500, 3),
            berak_sum: quota("D36", 7_000, 2),
            payment_twice: quota("D42", 300, 4),
            payment_voided: quota("H14", 4_000, 3),
            decision_replaced: quota("H11", 25_000, 5),
            note_unsigned: quota("D48", 35_000, 10),
        }
    }
}

/// What a payment batch must add up to.
#[derive(Debug, Default)]
struct Batch {
    rows: i64,
    paid: i64,
}

/// Paraply while it is written.
struct Paraply<'a> {
    city: &'a Population,
    db: Database,
    ledger: &'a mut Ledger,
    ids: Counters,
    quotas: Quotas,
    /// Payment batches by `BUNT`: one per day and receiving system, so their number does not grow with the city.
    batches: BTreeMap<i64, Batch>,
    handlers: u32,
}

/// Writes `paraply.sqlite` below the directory.
pub(crate) fn write(
    city: &Population,
    directory: &Path,
    ledger: &mut Ledger,
    progress: &mut dyn FnMut(Progress),
) -> Result<u64, Error> {
    let persons = u32::try_from(city.persons.len()).unwrap_or(u32::MAX);
    let mut paraply = Paraply {
        city,
        db: Database::create(directory, SYSTEM, &TABLES)?,
        ledger,
        ids: Counters::default(),
        quotas: Quotas::new(city.seed),
        batches: BTreeMap::new(),
        handlers: (persons / 50).max(8),
    };
    paraply.write_registry()?;
    for person in &city.persons {
        paraply.write_person(person)?;
        progress(Progress {
            step: SYSTEM,
            done: u64::from(person.index) + 1,
            of: persons.into(),
            rows: paraply.db.rows(),
        });
    }
    paraply.write_batches()?;
    let rows = paraply.db.rows();
    paraply.db.finish(paraply.ledger)?;
    Ok(rows)
}

impl Paraply<'_> {
    fn stream(&self, purpose: &str, person: &Person) -> Rng {
        Rng::keyed(self.city.seed, purpose, person.index.into())
    }

    fn row_version(&mut self) -> [u8; 8] {
        self.ids.row_version += 1;
        self.ids.row_version.to_be_bytes()
    }

    fn handler(&self, rng: &mut Rng) -> String {
        handler_id(rng.below(self.handlers))
    }

    fn mark(&mut self, id: &'static str, table: &'static str, action: Action, key: i64) {
        self.ledger.mark(place(id, table, action), key.to_string());
    }
}

/// `HANDL.HANDL` of the handler with this number, from 0.
fn handler_id(index: u32) -> String {
    format!("HA{:05}", index + 1)
}

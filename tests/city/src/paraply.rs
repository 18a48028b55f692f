//! Paraply: the case system, 2005-2024, as one SQLite file.
//!
//! The schema is invented, not derived from the real system. Declared types are INTEGER for integer
//! keys and bits, BLOB for the row version and documents, and TEXT for everything else, money and dates included.
//!
//! A defect is counted by its condition over the rows as they are written, and the rest of the city is made so
//! that it does not meet the condition.

mod arende;
mod avgift;
mod batch;
mod beslut;
mod bestallning;
mod bistand;
mod cases;
mod dokument;
mod gallring;
mod hushall;
mod identity;
mod insats;
mod journal;
mod person;
mod quotas;
mod registry;
mod relatives;
mod tables;
mod utbetalning;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use crate::agresso::Vouchers;
use crate::error::Error;
use crate::generation::Progress;
use crate::population::{Person, Pools, Population};
use crate::rng::Rng;
use crate::sqlite::Database;
use crate::truth::{Action, Ledger, Place};

use batch::Batch;
use hushall::Seen;
use identity::Face;
use quotas::Quotas;
use tables::*;
use utbetalning::SharedAccount;

const SYSTEM: &str = "paraply";

const fn place(id: &'static str, table: &'static str, action: Action) -> Place {
    (id, SYSTEM, table, action)
}

/// The next number of each key.
#[derive(Debug, Default)]
struct Counters {
    person: i64,
    adress: i64,
    akt: i64,
    arende: i64,
    aktual: i64,
    utredning: i64,
    beslut: i64,
    bestall: i64,
    insats: i64,
    genplan: i64,
    uppfolj: i64,
    placering: i64,
    berak: i64,
    hushall: i64,
    utbet: i64,
    voided: i64,
    aterkrav: i64,
    avgift: i64,
    faktura: i64,
    debitering: i64,
    journal: i64,
    dokument: i64,
    logg: i64,
    statistik: i64,
    row_version: u64,
}

/// The next number of a counter, from 1.
fn next(counter: &mut i64) -> i64 {
    *counter += 1;
    *counter
}

/// The units that carry out decisions.
#[derive(Debug, Default)]
struct Units {
    /// Home help, open.
    utforare: Vec<i64>,
    /// Home help, closed since [`registry::CLOSED`].
    closed: i64,
    /// Homes for children.
    homes: Vec<i64>,
}

/// Paraply while it is written.
struct Paraply<'a> {
    city: &'a Population,
    db: Database,
    vouchers: &'a mut dyn Vouchers,
    ledger: &'a mut Ledger,
    ids: Counters,
    quotas: Quotas,
    /// The numbers left for relatives.
    numbers: Pools,
    units: Units,
    /// Batches by `BUNT`: one per day and receiving system, so their number does not grow with the city.
    batches: BTreeMap<i64, Batch>,
    handlers: u32,
    /// What tells records of one human: one entry per row of `PERSON` with a certain day of birth.
    faces: Vec<Face>,
    /// Persons whose files are kept for research: born on the 5th, 15th or 25th, or nobody knows when.
    research: BTreeSet<i64>,
    /// Members of the latest households, who may turn up in another one.
    seen: VecDeque<Seen>,
    shared: SharedAccount,
    /// A decision of an earlier person.
    foreign_decision: Option<i64>,
}

/// Writes `paraply.sqlite` below the directory, and hands over a voucher for every payment sent.
pub(crate) fn write(
    city: &Population,
    directory: &Path,
    vouchers: &mut dyn Vouchers,
    ledger: &mut Ledger,
    progress: &mut dyn FnMut(Progress),
) -> Result<u64, Error> {
    let persons = u32::try_from(city.persons.len()).unwrap_or(u32::MAX);
    let mut paraply = Paraply {
        city,
        db: Database::create(directory, SYSTEM, &TABLES)?,
        vouchers,
        ledger,
        ids: Counters { person: persons.into(), ..Counters::default() },
        quotas: Quotas::new(city.seed),
        numbers: city.left.clone(),
        units: Units::default(),
        batches: BTreeMap::new(),
        handlers: (persons / 50).max(8),
        faces: Vec::new(),
        research: BTreeSet::new(),
        seen: VecDeque::new(),
        shared: SharedAccount::default(),
        foreign_decision: None,
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
    paraply.write_cases()?;
    let rows = paraply.db.rows();
    progress(Progress { step: SYSTEM, done: persons.into(), of: persons.into(), rows });
    paraply.write_batches()?;
    paraply.mark_shared_accounts();
    paraply.mark_candidates();
    paraply.mark_overdue_files()?;
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

    /// A handler who is not this one.
    fn other_handler(&self, handler: &str, rng: &mut Rng) -> String {
        loop {
            let other = self.handler(rng);
            if other != handler {
                return other;
            }
        }
    }

    fn mark(&mut self, id: &'static str, table: &'static str, action: Action, key: i64) {
        self.ledger.mark(place(id, table, action), key.to_string());
    }
}

/// `HANDL.HANDL` of the handler with this number, from 0.
fn handler_id(index: u32) -> String {
    format!("HA{:05}", index + 1)
}

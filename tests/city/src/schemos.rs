//! SchemOS: the planning of home help and the shifts of its staff, as one SQLite file.
//!
//! The schema is invented. Every table has a surrogate `id` as its primary key, rows are deleted softly,
//! and protected customers have a code name and no number.

use std::path::Path;

use crate::calendar::{Day, Stamp, TODAY};
use crate::error::Error;
use crate::names;
use crate::organisation::orgnr_of;
use crate::population::Population;
use crate::rng::Rng;
use crate::sqlite::{Database, TableSpec, Value, row};
use crate::truth::Ledger;

const SYSTEM: &str = "schemos";

static TABLES: [TableSpec; 5] = [
    spec("employee", "id*# hsa_id pnr first_name last_name email active# created_at updated_at deleted_at"),
    spec("unit", "id*# code name sdn orgnr parent_id#"),
    spec("customer", "id*# paraga_kundnr paraply_pers_id# pnr code_name deleted_at"),
    spec(
        "planned_visit",
        "id*# customer_id# unit_id# start_at end_at travel_min# double_staff# source \
         paraga_besok_id# status updated_at deleted_at",
    ),
    spec("shift", "id*# employee_id# unit_id# start_at end_at type approved_by# updated_at"),
];

const EMPLOYEE: usize = 0;
const UNIT: usize = 1;
const CUSTOMER: usize = 2;
const PLANNED_VISIT: usize = 3;
const SHIFT: usize = 4;

const fn spec(name: &'static str, columns: &'static str) -> TableSpec {
    TableSpec { name, columns }
}

/// Shifts per person of the city over the whole period.
const SHIFTS_PER_PERSON: u64 = 17;
/// The first day of planning.
const FIRST_DAY: Day = Day::of(2014, 1, 1);

/// A planned visit.
pub(crate) struct Planned {
    /// `customer.id`.
    pub(crate) customer: i64,
    /// The utförare, from 0.
    pub(crate) unit: u32,
    pub(crate) start: Stamp,
    pub(crate) end: Stamp,
    pub(crate) double: bool,
    /// The visit that came of it.
    pub(crate) besok: Option<i64>,
    pub(crate) made: bool,
}

/// SchemOS while it is written.
pub(crate) struct Schemos<'a> {
    city: &'a Population,
    db: Database,
    utforare: u32,
    employees: u32,
    planned: i64,
}

impl<'a> Schemos<'a> {
    /// Creates `schemos.sqlite` below the directory, with units, employees and shifts.
    pub(crate) fn create(city: &'a Population, directory: &Path, utforare: u32) -> Result<Self, Error> {
        let mut schemos = Self {
            city,
            db: Database::create(directory, SYSTEM, &TABLES)?,
            utforare,
            employees: u32::try_from(city.employees.len()).unwrap_or(u32::MAX),
            planned: 0,
        };
        schemos.write_units()?;
        schemos.write_employees()?;
        schemos.write_shifts()?;
        Ok(schemos)
    }

    /// Rows written so far.
    pub(crate) fn rows(&self) -> u64 {
        self.db.rows()
    }

    /// Closes the file and returns how many rows it got.
    pub(crate) fn finish(self, ledger: &mut Ledger) -> Result<u64, Error> {
        let rows = self.db.rows();
        self.db.finish(ledger)?;
        Ok(rows)
    }

    /// `unit.id` of an utförare; the city itself is unit 1.
    fn unit(utforare: u32) -> i64 {
        i64::from(utforare) + 2
    }

    /// `employee.id` of one of the utförare's employees.
    pub(crate) fn employee_of(&self, utforare: u32, rng: &mut Rng) -> i64 {
        let here = (self.employees - utforare).div_ceil(self.utforare);
        i64::from(rng.below(here) * self.utforare + utforare) + 1
    }

    fn write_units(&mut self) -> Result<(), Error> {
        let orgnr = orgnr_of(0);
        self.db.push(UNIT, row![1_i64, "STHLM", "Hemtjänsten i staden", Value::Null, orgnr, Value::Null])?;
        for utforare in 0..self.utforare {
            let code = format!("U{:02}", utforare + 1);
            let name = format!("Hemtjänsten {}", utforare + 1);
            let row = row![Self::unit(utforare), code, name, Value::Null, orgnr_of(utforare), 1_i64];
            self.db.push(UNIT, row)?;
        }
        Ok(())
    }

    fn write_employees(&mut self) -> Result<(), Error> {
        for (id, (man, pnr)) in (1_i64..).zip(&self.city.employees) {
            let mut rng = Rng::keyed(self.city.seed, "employee", u64::try_from(id).unwrap_or(0));
            let created = Stamp::at(FIRST_DAY.plus(rng.between(-900, -1)), 9, 0);
            let left = rng.chance(200, 1_000).then(|| Stamp::at(TODAY.plus(-rng.between(1, 60)), 12, 0));
            let row = row![
                id,
                format!("SE2120000142-E{id:05}"),
                pnr.clone(),
                names::first(&mut rng, *man),
                names::last(&mut rng, false),
                format!("e{id:05}@example.invalid"),
                left.is_none(),
                created.small(),
                left.unwrap_or(created).small(),
                left.map(Stamp::small),
            ];
            self.db.push(EMPLOYEE, row)?;
        }
        Ok(())
    }

    /// Writes the customers: (place of the person in the city, KundNr, utförare).
    pub(crate) fn write_customers<'k>(
        &mut self,
        customers: impl Iterator<Item = (u32, &'k str, u32)>,
    ) -> Result<(), Error> {
        for (id, (place, number, _)) in (1_i64..).zip(customers) {
            let index = usize::try_from(place).expect("a place in the city fits usize");
            let person = &self.city.persons[index];
            let protected = person.is_protected();
            // Every third customer was entered by hand, without the case system's number.
            let known = (id % 3 != 0).then(|| person.pers_id());
            let pnr = person.clean.clone().filter(|_| !protected);
            let code_name = protected.then(|| format!("Kund {id:05}"));
            let row = row![id, number.to_owned(), known, pnr, code_name, Value::Null];
            self.db.push(CUSTOMER, row)?;
        }
        Ok(())
    }

    /// Spreads every employee's shifts evenly over the years.
    fn write_shifts(&mut self) -> Result<(), Error> {
        let persons = u64::try_from(self.city.persons.len()).unwrap_or(u64::MAX);
        let each = (persons * SHIFTS_PER_PERSON).div_ceil(u64::from(self.employees));
        let each = i32::try_from(each).unwrap_or(i32::MAX);
        let days = TODAY.0 - FIRST_DAY.0;
        let mut id = 0_i64;
        for employee in 0..self.employees {
            let mut rng = Rng::keyed(self.city.seed, "shift", employee.into());
            let unit = Self::unit(employee % self.utforare);
            for number in 0..each {
                id += 1;
                let day = FIRST_DAY.plus(number * days / each);
                let (kind, hour) = rng.pick(&[("dag", 7), ("dag", 7), ("kväll", 14), ("natt", 21)]);
                let start = Stamp::at(day, hour, 0);
                let end = start.plus_minutes(rng.between(7, 9) * 60);
                let updated = start.plus_minutes(-rng.between(60, 20_000));
                let approver = rng.chance(900, 1_000).then_some(1_i64);
                let row = row![
                    id,
                    i64::from(employee) + 1,
                    unit,
                    start.small(),
                    end.small(),
                    kind,
                    approver,
                    updated.small(),
                ];
                self.db.push(SHIFT, row)?;
            }
        }
        Ok(())
    }

    /// Writes one planned visit.
    pub(crate) fn write_planned(&mut self, planned: &Planned, rng: &mut Rng) -> Result<(), Error> {
        self.planned += 1;
        let updated = planned.start.plus_minutes(-rng.between(60, 20_000));
        let deleted = planned.besok.is_none() && rng.chance(200, 1_000);
        let status = match (planned.made, planned.besok) {
            (true, _) => "done",
            (false, Some(_)) => "cancelled",
            (false, None) => "planned",
        };
        let row = row![
            self.planned,
            planned.customer,
            Self::unit(planned.unit),
            planned.start.small(),
            planned.end.small(),
            rng.between(3, 20),
            planned.double,
            if rng.chance(850, 1_000) { "import" } else { "manual" },
            planned.besok,
            status,
            updated.small(),
            deleted.then(|| updated.plus_minutes(30).small()),
        ];
        self.db.push(PLANNED_VISIT, row)
    }
}

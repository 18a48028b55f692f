//! SchemOS: the planning of home help and the shifts of its staff, as one SQLite file.
//!
//! The schema is invented. Rows have a surrogate `id` where they are entities, are deleted softly and
//! sometimes hard (the numbering then has a gap, and `change_log` tells of it), and protected customers have
//! a code name and no number. The server kept UTC until the end of 2015 and local time since, in the same
//! columns without a zone.

mod cases;
mod customers;
mod plans;
mod server;
mod staff;

use std::path::Path;

use crate::calendar::{Day, Stamp};
use crate::error::Error;
use crate::names;
use crate::organisation::orgnr_of;
use crate::population::Population;
use crate::sqlite::{Database, TableSpec, Value, row, spec};
use crate::truth::{Action, Ledger, Place, Quota};

pub(crate) use customers::home;
pub(crate) use plans::{Outcome, Planned};
use server::stored;
pub(crate) use staff::{Employee, personal_id};

const SYSTEM: &str = "schemos";

static TABLES: [TableSpec; 13] = [
    spec("employee", "id*# hsa_id pnr first_name last_name email active# created_at updated_at deleted_at"),
    spec("employment", "id*# employee_id# unit_id# role fte from_date to_date"),
    spec("unit", "id*# code name sdn orgnr parent_id#"),
    spec("customer", "id*# paraga_kundnr paraply_pers_id# pnr code_name deleted_at"),
    spec("address", "id*# customer_id# street zip city lat lng key_code"),
    spec(
        "planned_visit",
        "id*# customer_id# unit_id# start_at end_at travel_min# double_staff# source \
         paraga_besok_id# status updated_at deleted_at",
    ),
    spec("visit_task", "id*# planned_visit_id# code minutes# weekday_rule"),
    spec("shift", "id*# employee_id# unit_id# start_at end_at type approved_by# updated_at"),
    spec("shift_break", "shift_id*# start_at* end_at paid#"),
    spec("visit_staff", "planned_visit_id*# employee_id*# role"),
    spec("absence", "id*# employee_id# type from_at to_at"),
    spec("skill", "employee_id*# skill*"),
    spec("change_log", "id*# tbl row_id# field old new by_user# at"),
];

const EMPLOYEE: usize = 0;
const EMPLOYMENT: usize = 1;
const UNIT: usize = 2;
const CUSTOMER: usize = 3;
const ADDRESS: usize = 4;
const PLANNED_VISIT: usize = 5;
const VISIT_TASK: usize = 6;
const SHIFT: usize = 7;
const SHIFT_BREAK: usize = 8;
const VISIT_STAFF: usize = 9;
const ABSENCE: usize = 10;
const SKILL: usize = 11;
const CHANGE_LOG: usize = 12;

/// The first day of planning.
const FIRST_DAY: Day = Day::of(2014, 1, 1);

struct Quotas {
    name: Quota,
    open_end: Quota,
    soft_deleted: Quota,
    hard_deleted: Quota,
    restored: Quota,
    moved: Quota,
    changed_late: Quota,
}

impl Quotas {
    fn new(seed: u64) -> Self {
        let quota = |purpose, per_million, first| Quota::new(seed, purpose, per_million, first);
        Self {
            name: quota("D13/employee", 10_000, 2),
            open_end: quota("D23/employment", 40_000, 1),
            soft_deleted: quota("SchemOS/deleted", 200_000, 3),
            hard_deleted: quota("D72", 400, 25),
            restored: quota("SchemOS/restored", 40, 60),
            moved: quota("SchemOS/moved", 10_000, 4),
            changed_late: quota("D71", 3_000, 3),
        }
    }
}

/// The last numbers given out.
#[derive(Default)]
struct Ids {
    employment: i64,
    planned: i64,
    task: i64,
    shift: i64,
    absence: i64,
    log: i64,
}

/// SchemOS while it is written.
pub(crate) struct Schemos<'a> {
    city: &'a Population,
    db: Database,
    utforare: u32,
    staff: Vec<Employee>,
    quotas: Quotas,
    ids: Ids,
}

impl<'a> Schemos<'a> {
    /// Creates `schemos.sqlite` below the directory, with units, employees and their shifts.
    pub(crate) fn create(
        city: &'a Population,
        directory: &Path,
        utforare: u32,
        ledger: &mut Ledger,
    ) -> Result<Self, Error> {
        let mut schemos = Self {
            city,
            db: Database::create(directory, SYSTEM, &TABLES)?,
            utforare,
            staff: staff::hire(city, utforare),
            quotas: Quotas::new(city.seed),
            ids: Ids::default(),
        };
        schemos.write_units(ledger)?;
        schemos.write_staff(ledger)?;
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

    /// The employees of one utförare, in the order of their numbers.
    pub(crate) fn staff_of(&self, utforare: u32) -> impl Iterator<Item = &Employee> {
        self.staff.iter().filter(move |employee| employee.utforare == utforare)
    }

    /// `unit.id` of an utförare; the city itself is unit 1.
    fn unit(utforare: u32) -> i64 {
        i64::from(utforare) + 2
    }

    /// The units. The second utförare's name was written as UTF-8 into a column of Latin-1 (D13).
    fn write_units(&mut self, ledger: &mut Ledger) -> Result<(), Error> {
        let orgnr = orgnr_of(0);
        self.db.push(UNIT, row![1_i64, "STHLM", "Hemtjänsten i staden", Value::Null, orgnr, Value::Null])?;
        for utforare in 0..self.utforare {
            let code = format!("U{:02}", utforare + 1);
            let name = format!("Hemtjänsten {}", utforare + 1);
            let id = Self::unit(utforare);
            let name = if utforare == 1 {
                ledger.mark(("D13", SYSTEM, "unit", Action::Fix), id.to_string());
                names::mojibake(&name)
            } else {
                name
            };
            let row = row![id, code, name, Value::Null, orgnr_of(utforare), 1_i64];
            self.db.push(UNIT, row)?;
        }
        Ok(())
    }

    /// One line of the log of changes.
    fn log(&mut self, change: Change) -> Result<(), Error> {
        self.ids.log += 1;
        let Change { table, row, field, old, new, by, at } = change;
        self.db.push(CHANGE_LOG, row![self.ids.log, table, row, field, old, new, by, stored(at).small()])
    }
}

/// What a line of `change_log` tells.
struct Change {
    table: &'static str,
    row: i64,
    /// The column; `*` for the whole row.
    field: &'static str,
    old: Option<String>,
    new: Option<String>,
    /// `employee.id`.
    by: i64,
    at: Stamp,
}

/// The place of a defect in a table of SchemOS.
const fn place(id: &'static str, table: &'static str, action: Action) -> Place {
    (id, SYSTEM, table, action)
}

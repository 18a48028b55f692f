//! Employees: who works for whom, what they can, when they are on shift and when they are away.

use super::{ABSENCE, Change, EMPLOYEE, EMPLOYMENT, FIRST_DAY, SHIFT, SHIFT_BREAK, SKILL, Schemos};
use super::{place, stored};
use crate::calendar::{Day, Month, Stamp, TODAY};
use crate::error::Error;
use crate::names;
use crate::population::Population;
use crate::rng::Rng;
use crate::sqlite::row;
use crate::truth::{Action, Ledger};

/// Shifts per person of the city over the whole period.
const SHIFTS_PER_PERSON: u64 = 14;
/// Breaks are recorded from this day on.
const FIRST_BREAK: Day = Day::of(2021, 1, 1);

/// An employee of an utförare.
pub(crate) struct Employee {
    /// `employee.id`; `PersonalId` in ParaGå is `P` and five digits of it.
    pub(crate) id: i64,
    pub(crate) utforare: u32,
    pub(crate) hsa_id: String,
    man: bool,
    pnr: String,
    pub(crate) first_name: &'static str,
    pub(crate) last_name: String,
    pub(crate) hired: Stamp,
    /// When the employee left, if so: in the last two months of the city.
    pub(crate) left: Option<Stamp>,
}

/// Some days away from work.
pub(crate) struct Leave {
    pub(crate) from: Day,
    pub(crate) to: Day,
    kind: &'static str,
}

/// Everybody who ever worked for one of the utförare. The first of each stays and is never away, so that
/// there is always somebody to send.
pub(super) fn hire(city: &Population, utforare: u32) -> Vec<Employee> {
    let employees = (1_i64..).zip(&city.employees).zip((0..utforare).cycle());
    employees
        .map(|((id, (man, pnr)), unit)| {
            let mut rng = Rng::keyed(city.seed, "employee", u64::try_from(id).unwrap_or(0));
            let hired = Stamp::at(FIRST_DAY.plus(rng.between(-900, -1)), 9, 0);
            let stays = id <= i64::from(utforare);
            let left = Stamp::at(TODAY.plus(-rng.between(1, 60)), 12, 0);
            Employee {
                id,
                utforare: unit,
                hsa_id: format!("SE2120000142-E{id:05}"),
                man: *man,
                pnr: pnr.clone(),
                left: (rng.chance(200, 1_000) && !stays).then_some(left),
                first_name: names::first(&mut rng, *man),
                last_name: names::last(&mut rng, id % 2 == 0),
                hired,
            }
        })
        .collect()
}

impl Employee {
    /// `PersonalId`.
    pub(crate) fn number(&self) -> String {
        personal_id(self.id)
    }

    /// Whether the employee still worked there on the last day of the month.
    pub(crate) fn works(&self, month: Month) -> bool {
        self.left.is_none_or(|left| left.day() > month.last_day())
    }

    /// The days of the month that the employee is away, if any.
    pub(crate) fn leave(&self, seed: u64, utforare: u32, month: Month) -> Option<Leave> {
        let index = u64::try_from(self.id).unwrap_or(0) << 16 | u64::try_from(month.0).unwrap_or(0);
        let mut rng = Rng::keyed(seed, "absence", index);
        let away = rng.chance(150, 1_000) && self.id > i64::from(utforare);
        let length = rng.between(1, 5);
        let first = month.day(rng.between(1, month.days() - length));
        let kind = rng.pick(&["SEM", "SEM", "SJK", "SJK", "VAB", "UTB"]);
        away.then_some(Leave { from: first, to: first.plus(length - 1), kind })
    }
}

/// `PersonalId` of the employee with this `employee.id`.
pub(crate) fn personal_id(employee: i64) -> String {
    format!("P{employee:05}")
}

impl Schemos<'_> {
    pub(super) fn write_staff(&mut self, ledger: &mut Ledger) -> Result<(), Error> {
        let staff = std::mem::take(&mut self.staff);
        for employee in &staff {
            self.write_employee(employee, ledger)?;
            self.write_employments(employee, ledger)?;
            self.write_skills(employee)?;
        }
        self.write_shifts(&staff)?;
        self.staff = staff;
        Ok(())
    }

    /// The row itself. Some last names were written as UTF-8 into a column of Latin-1 (D13).
    fn write_employee(&mut self, employee: &Employee, ledger: &mut Ledger) -> Result<(), Error> {
        let Employee { id, left, hired, .. } = employee;
        let damaged = !employee.last_name.is_ascii() && self.quotas.name.strikes();
        let last_name = if damaged {
            ledger.mark(place("D13", "employee", Action::Fix), id.to_string());
            names::mojibake(&employee.last_name)
        } else {
            employee.last_name.clone()
        };
        debug_assert!(!employee.man || employee.pnr.as_bytes().get(10).is_none_or(|digit| digit % 2 == 1));
        let row = row![
            *id,
            employee.hsa_id.clone(),
            employee.pnr.clone(),
            employee.first_name,
            last_name,
            format!("e{id:05}@example.invalid"),
            left.is_none(),
            stored(*hired).small(),
            stored(left.unwrap_or(*hired)).small(),
            left.map(|left| stored(left).small()),
        ];
        self.db.push(EMPLOYEE, row)?;
        let Some(left) = *left else { return Ok(()) };
        let (old, new) = (Some("1".to_owned()), Some("0".to_owned()));
        self.log(Change { table: "employee", row: *id, field: "active", old, new, by: 1, at: left })
    }

    /// One employment or two after each other; an end that nobody typed is NULL or `0000-00-00` (D23).
    fn write_employments(&mut self, employee: &Employee, ledger: &mut Ledger) -> Result<(), Error> {
        let mut rng = Rng::keyed(self.city.seed, "employment", u64::try_from(employee.id).unwrap_or(0));
        let unit = Self::unit(employee.utforare);
        let mut from = employee.hired.day();
        if rng.chance(300, 1_000) {
            let to = FIRST_DAY.plus(rng.between(300, 2_500));
            self.ids.employment += 1;
            let (id, role) = (self.ids.employment, "timvikarie");
            let row = row![id, employee.id, unit, role, "0.50", from.iso(), to.iso()];
            self.db.push(EMPLOYMENT, row)?;
            from = to.plus(1);
        }
        self.ids.employment += 1;
        let id = self.ids.employment;
        let role = rng.pick(&["undersköterska", "undersköterska", "vårdbiträde", "samordnare"]);
        let share = rng.pick(&["1.00", "1.00", "0.75", "0.80"]);
        let to = match employee.left {
            Some(left) => Some(left.day().iso()),
            None if self.quotas.open_end.strikes() => {
                ledger.mark(place("D23", "employment", Action::Norm), id.to_string());
                Some("0000-00-00".to_owned())
            }
            None => None,
        };
        self.db.push(EMPLOYMENT, row![id, employee.id, unit, role, share, from.iso(), to])
    }

    fn write_skills(&mut self, employee: &Employee) -> Result<(), Error> {
        let mut rng = Rng::keyed(self.city.seed, "skill", u64::try_from(employee.id).unwrap_or(0));
        for (skill, share) in [("LYFT", 900), ("DELEG", 600), ("DEMENS", 300), ("KORKORT", 500), ("FIN", 60)]
        {
            if rng.chance(share, 1_000) {
                self.db.push(SKILL, row![employee.id, skill])?;
            }
        }
        Ok(())
    }

    /// Spreads every employee's shifts evenly over the years. A night lies in two days.
    fn write_shifts(&mut self, staff: &[Employee]) -> Result<(), Error> {
        let persons = u64::try_from(self.city.persons.len()).unwrap_or(u64::MAX);
        let employees = u64::try_from(staff.len()).unwrap_or(u64::MAX);
        let each = (persons * SHIFTS_PER_PERSON).div_ceil(employees.max(1));
        let each = i32::try_from(each).unwrap_or(i32::MAX);
        let days = TODAY.0 - FIRST_DAY.0;
        for employee in staff {
            let mut rng = Rng::keyed(self.city.seed, "shift", u64::try_from(employee.id).unwrap_or(0));
            for number in 0..each {
                let day = FIRST_DAY.plus(number * days / each);
                if employee.left.is_none_or(|left| day < left.day()) {
                    self.write_shift(employee, day, &mut rng)?;
                }
            }
        }
        Ok(())
    }

    fn write_shift(&mut self, employee: &Employee, day: Day, rng: &mut Rng) -> Result<(), Error> {
        self.ids.shift += 1;
        let id = self.ids.shift;
        let (kind, hour) = rng.pick(&[("dag", 7), ("dag", 7), ("kväll", 14), ("natt", 21)]);
        let start = Stamp::at(day, hour, 0);
        let end = start.plus_minutes(rng.between(7, 9) * 60);
        let updated = start.plus_minutes(-rng.between(60, 20_000));
        let approver = rng.chance(900, 1_000).then_some(1_i64);
        let row = row![
            id,
            employee.id,
            Self::unit(employee.utforare),
            stored(start).small(),
            stored(end).small(),
            kind,
            approver,
            stored(updated).small(),
        ];
        self.db.push(SHIFT, row)?;
        if day < FIRST_BREAK || !rng.chance(700, 1_000) {
            return Ok(());
        }
        let pause = start.plus_minutes(rng.between(180, 300));
        let over = pause.plus_minutes(rng.pick(&[30, 30, 45, 60]));
        let row = row![id, stored(pause).small(), stored(over).small(), rng.chance(100, 1_000)];
        self.db.push(SHIFT_BREAK, row)
    }

    /// Records that an employee was away.
    pub(crate) fn write_leave(&mut self, employee: i64, leave: &Leave) -> Result<(), Error> {
        self.ids.absence += 1;
        let (from, to) = (Stamp::at(leave.from, 0, 0), Stamp::at(leave.to, 23, 59));
        let row = row![self.ids.absence, employee, leave.kind, stored(from).small(), stored(to).small()];
        self.db.push(ABSENCE, row)
    }
}

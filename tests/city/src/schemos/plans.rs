//! Planned visits with their tasks and their staff, and what the log of changes tells of them.

use super::{Change, PLANNED_VISIT, Schemos, VISIT_STAFF, VISIT_TASK, place, stored};
use crate::calendar::{Day, Stamp, TODAY};
use crate::error::Error;
use crate::rng::Rng;
use crate::sqlite::row;
use crate::truth::{Action, Ledger};

/// Tasks and staff are kept for visits from this day on; those before were cleared away.
const FIRST_DETAIL: Day = Day::of(2023, 1, 1);

/// What became of a planned visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Made,
    Cancelled,
    /// Nothing yet, or nobody said.
    Open,
}

/// A planned visit.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    /// `customer.id`.
    pub(crate) customer: i64,
    /// The utförare, from 0.
    pub(crate) unit: u32,
    pub(crate) start: Stamp,
    pub(crate) end: Stamp,
    /// `BesokId` of the visit that came of it.
    pub(crate) besok: Option<i64>,
    /// Whether ParaGå delivered that visit.
    pub(crate) delivered: bool,
    pub(crate) outcome: Outcome,
    /// `employee.id` of who goes, and of who goes along.
    pub(crate) staff: [Option<i64>; 2],
}

/// The tasks of planning, with their weights.
const TASKS: [&str; 5] = ["OMV", "SER", "MAT", "LED", "AVL"];
const WEIGHTS: [u32; 5] = [55, 30, 8, 4, 3];
const WEEKDAYS: [&str; 4] = ["MÅ-SÖ", "MÅ-FR", "LÖ-SÖ", "TI,TO"];

impl Schemos<'_> {
    /// Writes one planned visit, or the trace that it left when it was deleted for good.
    pub(crate) fn write_planned(
        &mut self,
        planned: &Planned,
        ledger: &mut Ledger,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        self.ids.planned += 1;
        let id = self.ids.planned;
        let updated = planned.start.plus_minutes(-rng.between(60, 20_000)).min(Stamp::at(TODAY, 16, 0));
        let unused = planned.besok.is_none();
        if unused && self.quotas.hard_deleted.strikes() {
            return self.write_trace(planned, updated, ledger);
        }
        let deleted = unused && planned.start.day() <= TODAY && self.quotas.soft_deleted.strikes();
        let deleted = deleted.then(|| updated.plus_minutes(30));
        // Rows that were changed while they were read: only the latest are still worked with.
        let late = planned.start.day() >= Day::of(2024, 12, 20) && self.quotas.changed_late.strikes();
        if late {
            ledger.mark(place("D71", "planned_visit", Action::Fix), id.to_string());
        }
        let last_updated = if late { Stamp::at(TODAY.plus(2), 0, rng.between(1, 59)) } else { updated };
        let missed = deleted.is_none() && !planned.delivered;
        if missed && stored(planned.start) < Stamp::at(TODAY, 0, 0) {
            ledger.mark(place("D61", "planned_visit", Action::Flag), id.to_string());
        }
        self.write_row(id, planned, last_updated, deleted, rng)?;
        self.write_changes(id, planned, updated, deleted, rng)?;
        if planned.start.day() >= FIRST_DETAIL { self.write_details(id, planned, rng) } else { Ok(()) }
    }

    fn write_row(
        &mut self,
        id: i64,
        planned: &Planned,
        updated: Stamp,
        deleted: Option<Stamp>,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let status = match planned.outcome {
            Outcome::Made => "done",
            Outcome::Cancelled => "cancelled",
            Outcome::Open => "planned",
        };
        let row = row![
            id,
            planned.customer,
            Self::unit(planned.unit),
            stored(planned.start).small(),
            stored(planned.end).small(),
            rng.between(3, 20),
            planned.staff[1].is_some(),
            if rng.chance(850, 1_000) { "import" } else { "manual" },
            planned.besok,
            status,
            stored(updated).small(),
            deleted.map(|deleted| stored(deleted).small()),
        ];
        self.db.push(PLANNED_VISIT, row)
    }

    /// D72: the row is gone; its number and what the log tells are left.
    fn write_trace(&mut self, planned: &Planned, at: Stamp, ledger: &mut Ledger) -> Result<(), Error> {
        let old = format!("customer_id={};start_at={}", planned.customer, stored(planned.start).small());
        let row = self.ids.planned;
        self.log(Change { table: "planned_visit", row, field: "*", old: Some(old), new: None, by: 1, at })?;
        ledger.mark(place("D72", "change_log", Action::Flag), self.ids.log.to_string());
        Ok(())
    }

    /// What the log tells of a row that is there.
    fn write_changes(
        &mut self,
        id: i64,
        planned: &Planned,
        updated: Stamp,
        deleted: Option<Stamp>,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let by = planned.staff[0].unwrap_or(1);
        let change =
            |field, old, new, at| Change { table: "planned_visit", row: id, field, old, new, by, at };
        if self.quotas.moved.strikes() {
            let before = stored(planned.start.plus_minutes(rng.pick(&[-60, -30, 15, 30, 60]))).small();
            let now = stored(planned.start).small();
            self.log(change("start_at", Some(before), Some(now), updated))?;
        }
        if let Some(deleted) = deleted {
            self.log(change("deleted_at", None, Some(stored(deleted).small()), deleted))?;
        }
        if self.quotas.restored.strikes() {
            // It was deleted by mistake and put back under its number.
            let old = format!("customer_id={}", planned.customer);
            self.log(change("*", Some(old), None, updated.plus_minutes(-20)))?;
        }
        Ok(())
    }

    fn write_details(&mut self, id: i64, planned: &Planned, rng: &mut Rng) -> Result<(), Error> {
        let tasks = i32::try_from(rng.weighted(&[45, 40, 15]) + 1).unwrap_or(1);
        let minutes = planned.start.minutes_to(planned.end) / tasks;
        for _ in 0..tasks {
            self.ids.task += 1;
            let code = TASKS[rng.weighted(&WEIGHTS)];
            let rule = rng.pick(&WEEKDAYS);
            self.db.push(VISIT_TASK, row![self.ids.task, id, code, minutes, rule])?;
        }
        for (employee, role) in planned.staff.iter().zip(["ordinarie", "dubbel"]) {
            if let Some(employee) = *employee {
                self.db.push(VISIT_STAFF, row![id, employee, role])?;
            }
        }
        Ok(())
    }
}

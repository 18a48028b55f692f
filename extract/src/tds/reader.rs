//! The rows of one SQL Server table.

use std::future::Future;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use tiberius::{QueryItem, QueryStream, Row};
use tokio::runtime::Runtime;

use super::form::{Form, Formed};
use super::refusal::{ends_transaction, refused};
use super::{Line, timed_out};
use crate::error::Error;
use crate::found::{Found, RowTaker};
use crate::intake::{Intake, Rows};
use crate::pace::Pace;
use crate::selection::Reading;

/// The end of the time that a statement may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    pub(super) fn after(time: Option<Duration>) -> Self {
        Self(time.and_then(|time| Instant::now().checked_add(time)))
    }

    /// What `work` gives, `None` when it does not come in time.
    pub(super) async fn hold<T>(self, work: impl Future<Output = T>) -> Option<T> {
        match self.0 {
            Some(end) => tokio::time::timeout_at(end.into(), work).await.ok(),
            None => Some(work.await),
        }
    }
}

pub(super) struct TdsRows<'a> {
    runtime: &'a Runtime,
    rows: QueryStream<'a>,
    line: &'a mut Line,
    reading: Reading<Form>,
    taker: RowTaker,
    pace: Pace,
    deadline: Deadline,
}

impl<'a> TdsRows<'a> {
    pub(super) fn new(
        runtime: &'a Runtime,
        rows: QueryStream<'a>,
        line: &'a mut Line,
        reading: Reading<Form>,
        taker: RowTaker,
        pace: Pace,
        deadline: Deadline,
    ) -> Self {
        Self { runtime, rows, line, reading, taker, pace, deadline }
    }
}

/// Why a table did not come whole.
enum Trouble {
    Refused(tiberius::error::Error),
    Own(Error),
}

/// Reads on until the intake is full, `true`, or the table is at its end, `false`.
async fn fill(
    rows: &mut QueryStream<'_>,
    reading: &Reading<Form>,
    taker: &mut RowTaker,
    intake: &mut Intake,
) -> Result<bool, Trouble> {
    while !intake.is_full() {
        match rows.try_next().await.map_err(Trouble::Refused)? {
            Some(QueryItem::Row(row)) => take(row, reading, taker, intake).map_err(Trouble::Own)?,
            Some(QueryItem::Metadata(_)) => {}
            None => return Ok(false),
        }
    }
    Ok(true)
}

fn take(row: Row, reading: &Reading<Form>, taker: &mut RowTaker, intake: &mut Intake) -> Result<(), Error> {
    // A table that is read for its number of rows alone comes with one column of nothing.
    let formed = row.into_iter().zip(&reading.forms).map(|(value, form)| form.of(value));
    let formed: Vec<Formed> = formed
        .collect::<Result<_, _>>()
        .map_err(|_| reading.corrupt("a value of a type that was not asked for"))?;
    let values: Vec<Found<'_>> = formed.iter().map(Formed::found).collect();
    taker.take(&values, intake);
    Ok(())
}

impl Rows for TdsRows<'_> {
    fn fill(&mut self, intake: &mut Intake) -> Result<bool, Error> {
        let Self { runtime, rows, line, reading, taker, pace, deadline } = self;
        let before = intake.ledger.read;
        let filled = runtime.block_on(async { deadline.hold(fill(rows, reading, taker, intake)).await });
        match filled {
            Some(Ok(goes_on)) => {
                pace.keep(intake.ledger.read - before);
                Ok(goes_on)
            }
            Some(Err(Trouble::Refused(error))) => {
                if ends_transaction(&error) {
                    **line = Line::Lost;
                }
                Err(refused(&reading.place, &reading.doing, error))
            }
            Some(Err(Trouble::Own(error))) => Err(error),
            None => {
                **line = Line::Lost;
                Err(timed_out(&reading.place, &reading.doing))
            }
        }
    }
}

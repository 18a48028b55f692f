//! The rows of one MySQL or MariaDB table.

use std::pin::Pin;

use futures_util::{Stream, StreamExt};
use sqlx::mysql::{MySql, MySqlRow};
use sqlx::{Decode, Row, ValueRef};
use tokio::runtime::Runtime;

use super::form::{Form, Formed};
use super::refusal::meaning;
use crate::error::Error;
use crate::found::{Found, RowTaker};
use crate::intake::{Intake, Rows};
use crate::pace::Pace;
use crate::refusal::refused;
use crate::selection::Reading;

type Sent<'a> = Pin<Box<dyn Stream<Item = Result<MySqlRow, sqlx::Error>> + Send + 'a>>;

pub(super) struct MysqlRows<'a> {
    runtime: &'a Runtime,
    rows: Sent<'a>,
    reading: Reading<Form>,
    taker: RowTaker,
    pace: Pace,
}

impl<'a> MysqlRows<'a> {
    pub(super) fn new(
        runtime: &'a Runtime,
        rows: Sent<'a>,
        reading: Reading<Form>,
        taker: RowTaker,
        pace: Pace,
    ) -> Self {
        Self { runtime, rows, reading, taker, pace }
    }
}

impl Rows for MysqlRows<'_> {
    fn fill(&mut self, intake: &mut Intake) -> Result<bool, Error> {
        let Self { runtime, rows, reading, taker, pace } = self;
        let before = intake.ledger.read;
        let goes_on = runtime.block_on(async {
            while !intake.is_full() {
                let Some(row) = rows.next().await else { return Ok(false) };
                take(taker, &reading.forms, &row?, intake)?;
            }
            Ok(true)
        });
        let goes_on = goes_on.map_err(|error| refused(&reading.place, &reading.doing, error, meaning))?;
        pace.keep(intake.ledger.read - before);
        Ok(goes_on)
    }
}

fn take(
    taker: &mut RowTaker,
    forms: &[Form],
    row: &MySqlRow,
    intake: &mut Intake,
) -> Result<(), sqlx::Error> {
    let formed = forms.iter().enumerate().map(|(index, form)| {
        let value = row.try_get_raw(index)?;
        if value.is_null() {
            return Ok(None);
        }
        let sent = <&[u8] as Decode<MySql>>::decode(value).map_err(sqlx::Error::Decode)?;
        Ok(Some(form.of(sent)))
    });
    let formed: Vec<Option<Formed<'_>>> = formed.collect::<Result<_, sqlx::Error>>()?;
    let values: Vec<Found<'_>> = formed.iter().map(found).collect();
    taker.take(&values, intake);
    Ok(())
}

fn found<'r>(formed: &'r Option<Formed<'_>>) -> Found<'r> {
    match formed {
        None => Found::Null,
        Some(Formed::Same(bytes)) => std::str::from_utf8(bytes).map_or(Found::Bytes(bytes), Found::Text),
        Some(Formed::Made(text)) => Found::Text(text),
        Some(Formed::Bytes(bytes)) => Found::Bytes(bytes),
        Some(Formed::Real(number)) => Found::Real(*number),
    }
}

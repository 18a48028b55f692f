//! The rows of one SQLite table.

use std::path::{Path, PathBuf};
use std::pin::Pin;

use futures_util::{Stream, StreamExt};
use sqlx::sqlite::{Sqlite, SqliteRow, SqliteValueRef};
use sqlx::{Decode, Row, TypeInfo, ValueRef};
use tokio::runtime::Runtime;

use crate::error::Error;
use crate::found::{Found, RowTaker};
use crate::intake::{Intake, Rows};
use crate::source::TableSchema;

type Stored<'a> = Pin<Box<dyn Stream<Item = Result<SqliteRow, sqlx::Error>> + Send + 'a>>;

pub(super) struct SqliteRows<'a> {
    path: PathBuf,
    table: String,
    runtime: &'a Runtime,
    rows: Stored<'a>,
    taker: RowTaker,
}

impl<'a> SqliteRows<'a> {
    pub(super) fn new(
        path: &Path,
        runtime: &'a Runtime,
        rows: Stored<'a>,
        table: &TableSchema,
        key: Vec<usize>,
    ) -> Self {
        let file = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Self {
            path: path.to_owned(),
            table: table.name.clone(),
            runtime,
            rows,
            taker: RowTaker::new(file, &table.columns).keyed(key),
        }
    }
}

impl Rows for SqliteRows<'_> {
    fn fill(&mut self, intake: &mut Intake) -> Result<bool, Error> {
        let runtime = self.runtime;
        runtime.block_on(async {
            while !intake.is_full() {
                let Some(row) = self.rows.next().await else { return Ok(false) };
                row.and_then(|row| take(&mut self.taker, &row, intake))
                    .map_err(|error| Error::database(&self.path, &format!("table {}", self.table), error))?;
            }
            Ok(true)
        })
    }
}

fn take(taker: &mut RowTaker, row: &SqliteRow, intake: &mut Intake) -> Result<(), sqlx::Error> {
    let values = (0..taker.width()).map(|index| {
        let value = row.try_get_raw(index)?;
        if index < taker.columns() { found(value) } else { found_for_mark(value) }
    });
    let values: Vec<Found<'_>> = values.collect::<Result<_, _>>()?;
    taker.take(&values, intake);
    Ok(())
}

/// The same for a value that only marks need: of text that is not UTF-8 no mark can be made, since its bytes would be
/// compared as bytes.
fn found_for_mark(value: SqliteValueRef<'_>) -> Result<Found<'_>, sqlx::Error> {
    let is_text = !value.is_null() && value.type_info().name() == "TEXT";
    let found = found(value)?;
    Ok(if is_text && matches!(found, Found::Bytes(_)) { Found::Null } else { found })
}

fn found(value: SqliteValueRef<'_>) -> Result<Found<'_>, sqlx::Error> {
    if value.is_null() {
        return Ok(Found::Null);
    }
    let kind = value.type_info().into_owned();
    let decoded = match kind.name() {
        "INTEGER" => <i64 as Decode<Sqlite>>::decode(value).map(Found::Whole),
        "REAL" => <f64 as Decode<Sqlite>>::decode(value).map(Found::Real),
        "TEXT" => <&[u8] as Decode<Sqlite>>::decode(value)
            .map(|bytes| std::str::from_utf8(bytes).map_or(Found::Bytes(bytes), Found::Text)),
        _ => <&[u8] as Decode<Sqlite>>::decode(value).map(Found::Bytes),
    };
    decoded.map_err(sqlx::Error::Decode)
}

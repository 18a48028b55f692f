//! What a batch must be before a row of it is sent to a target.

use std::collections::BTreeMap;

use bron_mappings::{Batch, Cells, ColumnType, Entity, EntityId};

use crate::calendar;
use crate::decimal;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Dialect, Layout};
use crate::refusal::Objection;

/// Refuses a batch with other columns than the entity's or with an id twice. Gives the rows that the target is not
/// even asked about, by their place in the batch: those without a required value and those with a value that it
/// cannot hold.
///
/// # Errors
/// Of kind `Data`, naming the entity.
pub(crate) fn admit(
    entity: &Entity,
    layout: &Layout,
    batch: &Batch,
    dialect: Dialect,
) -> Result<Vec<(usize, Objection)>> {
    if batch.schema() != entity.schema() {
        return Err(refused(layout, "the batch does not have the columns of the entity"));
    }
    let mut found = BTreeMap::new();
    for (index, column) in layout.columns.iter().enumerate() {
        let cells = batch.cells(index);
        for row in 0..cells.len() {
            let (sqlstate, finding) = match cells.is_null(row) {
                true if column.required => ("23502", "bron:required"),
                false if !fits(cells, row, dialect) => limit(column.kind),
                true | false => continue,
            };
            found.entry(row).or_insert_with(|| Objection::new(sqlstate, finding));
        }
    }
    refuse_repeated_ids(layout, batch.cells(0))?;
    Ok(found.into_iter().collect())
}

fn fits(cells: Cells<'_>, row: usize, dialect: Dialect) -> bool {
    if cells.is_null(row) {
        return true;
    }
    match cells {
        // A PostgreSQL text cannot hold U+0000; a SQLite text can.
        Cells::Text(array) => dialect == Dialect::Sqlite || !array.value(row).as_bytes().contains(&0),
        Cells::Decimal(array) => decimal::holds(array.value(row)),
        Cells::Date(array) => calendar::holds_day(array.value(row)),
        Cells::Time(array) => calendar::holds_time(array.value(row)),
        Cells::Bytes(_) | Cells::Bool(_) | Cells::Int(_) | Cells::Id(_) => true,
    }
}

/// The SQLSTATE and the finding for a value that does not fit its column.
const fn limit(kind: ColumnType) -> (&'static str, &'static str) {
    match kind {
        ColumnType::Text => ("22021", "bron:nul"),
        ColumnType::Decimal { .. } => ("22003", "bron:digits"),
        ColumnType::Date | ColumnType::Time => ("22008", "bron:calendar"),
        ColumnType::Bytes | ColumnType::Bool | ColumnType::Int | ColumnType::Id => ("22000", "bron:value"),
    }
}

fn refuse_repeated_ids(layout: &Layout, cells: Cells<'_>) -> Result<()> {
    let mut ids: Vec<[u8; 16]> = (0..cells.len()).filter_map(|row| cells.id(row)).collect();
    if ids.is_sorted_by(|one, next| one < next) {
        return Ok(());
    }
    ids.sort_unstable();
    let repeated: Vec<[u8; 16]> =
        ids.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    let Some(first) = repeated.first() else {
        return Ok(());
    };
    let (count, first) = (repeated.len(), EntityId::from_bytes(*first));
    Err(refused(
        layout,
        &format!("{count} rows of the batch repeat the id of another row, the first is {first}"),
    ))
}

fn refused(layout: &Layout, problem: &str) -> Error {
    Error::new(ErrorKind::Data, format!("entity {}: {problem}", layout.table))
}

/// The error when rows may not be overwritten: another part of the run, or another system, wrote them.
pub(crate) fn contested(layout: &Layout, rows: u64, least_id: &str) -> Error {
    refused(
        layout,
        &format!(
            "{rows} rows have an id that another part of this run, or another source system, has already written \
             with other content, the first is {least_id}"
        ),
    )
}

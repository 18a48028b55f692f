//! What a batch must be before a row of it is sent to a target.

use bron_mappings::{Batch, Cells, ColumnType, Entity, EntityId};

use crate::calendar;
use crate::decimal;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Dialect, Layout};

/// Refuses a batch with other columns than the entity's, with an id twice, without a required value or
/// with a value that the target cannot hold.
///
/// # Errors
/// Of kind `Data`, naming the entity, the field and the row of the batch, counted from 1.
pub(crate) fn admit(entity: &Entity, layout: &Layout, batch: &Batch, dialect: Dialect) -> Result<()> {
    if batch.schema() != entity.schema() {
        return Err(refused(layout, "the batch does not have the columns of the entity"));
    }
    for (index, column) in layout.columns.iter().enumerate() {
        let cells = batch.cells(index);
        if column.required
            && let Some(row) = (0..cells.len()).find(|&row| cells.is_null(row))
        {
            return Err(refused_field(layout, index, row, "has no value, and the field is required"));
        }
        if let Some(row) = (0..cells.len()).find(|&row| !fits(cells, row, dialect)) {
            return Err(refused_field(layout, index, row, limit(column.kind)));
        }
    }
    refuse_repeated_ids(layout, batch.cells(0))
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

const fn limit(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text => "holds the character U+0000, which the target cannot store",
        ColumnType::Decimal { .. } => "has more than 38 digits",
        ColumnType::Date | ColumnType::Time => "is outside the years 1 to 9999",
        ColumnType::Bytes | ColumnType::Bool | ColumnType::Int | ColumnType::Id => "cannot be stored",
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

fn refused_field(layout: &Layout, index: usize, row: usize, problem: &str) -> Error {
    let name = &layout.columns[index].name;
    refused(layout, &format!("field {name}: row {} of the batch {problem}", row + 1))
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

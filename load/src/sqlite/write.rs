//! Writing a part: one transaction of multi-row statements.

use std::cmp::Ordering;
use std::sync::Arc;

use bron_mappings::{Batch, Cells, EntityId};
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, Connection, Row, Sqlite};

use super::refusals::{self, PartTrial};
use super::{counts, retire, whole};
use crate::admission::contested;
use crate::calendar;
use crate::decimal;
use crate::error::{Error, Result};
use crate::history::not_kept;
use crate::isolation::{Given, Isolated, isolate};
use crate::layout::{Layout, RUN_COLUMNS};
use crate::refusal::Answer;
use crate::sink::{Counts, PartId, Receipt, RunIds, never_written, replayed};
use crate::sql::sqlite::WriteStatements;
use crate::sql::{self, statement};

/// Writes a part. Within a savepoint SQLite copies every page before it changes it, so a part is taken row by row only
/// when the file has refused one.
pub(super) async fn part(
    connection: &mut SqliteConnection,
    layout: &Layout,
    part: &PartId,
    given: Given<'_>,
    run: &RunIds,
) -> Result<Receipt> {
    match attempt(connection, layout, part, (given.clone(), false), run).await {
        Err(error) if error.answer().is_some() => attempt(connection, layout, part, (given, true), run).await,
        done => done,
    }
}

async fn attempt(
    connection: &mut SqliteConnection,
    layout: &Layout,
    part: &PartId,
    (given, row_by_row): (Given<'_>, bool),
    run: &RunIds,
) -> Result<Receipt> {
    let failed = |error: sqlx::Error| Error::of(&error, format!("{} of table {}", part.part, layout.table));
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    match within(&mut transaction, layout, part, (given, row_by_row), run).await {
        Ok(receipt) => {
            transaction.commit().await.map(|()| receipt).map_err(|error| failed(error).final_word())
        }
        Err(error) => match transaction.rollback().await {
            Ok(()) => Err(error),
            // A trigger that rolls everything back leaves no transaction to go on with.
            Err(_) => Err(error.final_word()),
        },
    }
}

/// Writes rows, refusals and receipt; all that is left to do is to commit them.
async fn within(
    connection: &mut SqliteConnection,
    layout: &Layout,
    part: &PartId,
    (given, row_by_row): (Given<'_>, bool),
    run: &RunIds,
) -> Result<Receipt> {
    let failed = |error: sqlx::Error| Error::of(&error, format!("{} of table {}", part.part, layout.table));
    let earlier = sqlx::query(sql::FIND_RECEIPT).bind(&run.load_run_id).bind(&part.entity).bind(&part.part);
    let earlier = earlier.fetch_optional(&mut *connection).await.map_err(failed)?;
    let earlier =
        earlier.map(|row| replayed(part, row.try_get::<&str, _>(0).map_err(failed)?, counts(&row, 1)?));
    let (batch, again) = (given.batch, given.again);
    let before = match earlier.transpose()? {
        Some(receipt) if !again => return Ok(receipt),
        None if again => return Err(never_written(part)),
        before => before,
    };
    retire::ordinal(connection, run).await.map_err(failed)?;
    let mut trial = PartTrial::new(connection, layout, part, run).await?;
    let isolated = if row_by_row { isolate(&mut trial, given).await? } else { trial.whole(given).await? };
    let Isolated { counts: tried, refused } = isolated;
    let written = match before {
        Some(receipt) if refused.len() == batch.rows() => return Ok(receipt),
        Some(receipt) => receipt.counts().after_another_try(tried),
        None => tried,
    };
    refusals::write(connection, part, batch, &refused, run).await?;
    if tried.updated > 0 {
        supersede(connection, part, run).await.map_err(failed)?;
    }
    receipt(connection, part, written, run).await.map_err(failed)?;
    Ok(Receipt::Written(written))
}

/// Marks the receipts that other runs have for the parts of the same mapping: no row of another one was changed.
pub(super) async fn supersede(
    connection: &mut SqliteConnection,
    part: &PartId,
    run: &RunIds,
) -> std::result::Result<(), sqlx::Error> {
    let supersede = sqlx::query(sql::SUPERSEDE_RECEIPTS).bind(&part.entity).bind(&run.load_run_id);
    supersede.bind(part.family()).execute(connection).await.map(drop)
}

pub(super) async fn receipt(
    connection: &mut SqliteConnection,
    part: &PartId,
    counts: Counts,
    run: &RunIds,
) -> std::result::Result<(), sqlx::Error> {
    let stored = |count: u64| i64::try_from(count).expect("a part has fewer than 2^63 rows");
    let query = sqlx::query(sql::WRITE_RECEIPT)
        .bind(&run.load_run_id)
        .bind(&part.entity)
        .bind(&part.part)
        .bind(part.content.to_string())
        .bind(&run.extract_run_id)
        .bind(stored(counts.rows))
        .bind(stored(counts.inserted))
        .bind(stored(counts.updated))
        .bind(stored(counts.unchanged));
    query.execute(connection).await.map(|_| ())
}

pub(super) async fn rows(
    connection: &mut SqliteConnection,
    layout: &Layout,
    batch: &Batch,
    run: &RunIds,
    failed: &impl Fn(sqlx::Error) -> Error,
) -> Result<Counts> {
    let most = WriteStatements::most_rows(layout);
    let many = (batch.rows() >= most).then(|| WriteStatements::new(layout, most));
    let one = WriteStatements::new(layout, 1);
    let mut binder = Binder::new(layout, &[batch], run);
    let mut bind = |first: usize, rows: usize| binder.bind((first..first + rows).map(|row| (0, row)));
    let mut total = Counts::default();
    let mut row = 0;
    let mut next = (batch.rows() >= most).then(|| bind(0, most));
    while row < batch.rows() {
        let statements = many.as_ref().filter(|_| row + most <= batch.rows()).unwrap_or(&one);
        let arguments = next.take().unwrap_or_else(|| bind(row, statements.rows));
        let first = row;
        row += statements.rows;
        let insert = execute(connection, &statements.insert, arguments);
        // The database has a thread of its own: the next rows are bound while it works.
        let prepare = async { (row + most <= batch.rows()).then(|| bind(row, most)) };
        let (inserted, prepared) = futures_util::future::join(insert, prepare).await;
        next = prepared;
        let inserted = inserted.map_err(failed)?;
        let given = u64::try_from(statements.rows).expect("a statement has few rows");
        let mut counts = Counts { rows: given, inserted, ..Counts::default() };
        if inserted < given {
            let mut again = || bind(first, statements.rows);
            counts.updated = overwrite(connection, layout, statements, run, &mut again, failed).await?;
            counts.unchanged = given - inserted - counts.updated;
        }
        total.rows += counts.rows;
        total.inserted += counts.inserted;
        total.updated += counts.updated;
        total.unchanged += counts.unchanged;
    }
    Ok(total)
}

/// Overwrites those of the rows that the table holds with other content; gives their number. A row that the table does
/// not hold was left out by a trigger.
async fn overwrite(
    connection: &mut SqliteConnection,
    layout: &Layout,
    statements: &WriteStatements,
    run: &RunIds,
    bind: &mut impl FnMut() -> Vec<Bound>,
    failed: &impl Fn(sqlx::Error) -> Error,
) -> Result<u64> {
    let mut arguments = bind();
    arguments.insert(0, Bound::Text(run.load_run_id.as_str().into()));
    let query = sqlx::query_with::<Sqlite, _>(statement(&statements.compare), handed_over(arguments));
    let row = query.fetch_one(&mut *connection).await.map_err(failed)?;
    let number = |index: usize| row.try_get::<i64, _>(index).map(whole).map_err(failed);
    let (held, differing, locked) = (number(0)?, number(1)?, number(2)?);
    if locked > 0 {
        return Err(contested(layout, locked, row.try_get::<&str, _>(3).unwrap_or("unreadable")));
    }
    let swallowed = || Error::against(format!("table {}", layout.table), Answer::swallowed());
    if held < u64::try_from(statements.rows).expect("a statement has few rows") {
        return Err(swallowed());
    }
    if differing == 0 {
        return Ok(0);
    }
    let mut arguments = bind();
    let ordinal = retire::ordinal(connection, run).await.map_err(failed)?;
    arguments.splice(0..0, [Bound::Text(run.load_run_id.as_str().into()), Bound::Int(ordinal)]);
    let kept = execute(connection, &statements.keep, arguments).await.map_err(failed)?;
    let updated = execute(connection, &statements.update, bind()).await.map_err(failed)?;
    match kept.cmp(&updated) {
        Ordering::Equal => Ok(updated),
        Ordering::Greater => Err(swallowed()),
        Ordering::Less => Err(not_kept(layout, kept, updated)),
    }
}

pub(super) async fn execute(
    connection: &mut SqliteConnection,
    text: &Arc<str>,
    arguments: Vec<Bound>,
) -> std::result::Result<u64, sqlx::Error> {
    let query = sqlx::query_with::<Sqlite, _>(statement(text), handed_over(arguments));
    Ok(query.execute(connection).await?.rows_affected())
}

/// A value on its way to a parameter.
pub(super) enum Bound {
    Null,
    Text(Arc<str>),
    Bytes(Vec<u8>),
    Int(i64),
}

fn handed_over(values: Vec<Bound>) -> SqliteArguments {
    let mut arguments = SqliteArguments::default();
    Arguments::reserve(&mut arguments, values.len(), 0);
    for value in values {
        let added = match value {
            Bound::Null => Arguments::add(&mut arguments, None::<i64>),
            Bound::Text(text) => Arguments::add(&mut arguments, text),
            Bound::Bytes(bytes) => Arguments::add(&mut arguments, bytes),
            Bound::Int(number) => Arguments::add(&mut arguments, number),
        };
        added.expect("texts, bytes and whole numbers always encode");
    }
    arguments
}

/// Turns rows into parameters.
pub(super) struct Binder<'a> {
    /// The columns of each batch, with the scale of their decimals.
    batches: Vec<Vec<(Cells<'a>, usize)>>,
    /// The last text of each column: codes and systems repeat from row to row.
    last: Vec<Arc<str>>,
    run: [Arc<str>; RUN_COLUMNS.len()],
    text: String,
}

impl<'a> Binder<'a> {
    pub(super) fn new(layout: &Layout, batches: &[&'a Batch], run: &RunIds) -> Self {
        let scale = |kind| match kind {
            bron_mappings::ColumnType::Decimal { scale } => usize::try_from(scale).unwrap_or(0),
            bron_mappings::ColumnType::Text
            | bron_mappings::ColumnType::Bytes
            | bron_mappings::ColumnType::Bool
            | bron_mappings::ColumnType::Int
            | bron_mappings::ColumnType::Date
            | bron_mappings::ColumnType::Time
            | bron_mappings::ColumnType::Id => 0,
        };
        let columns = |batch: &&'a Batch| {
            let columns = layout.columns.iter().enumerate();
            columns.map(|(index, column)| (batch.cells(index), scale(column.kind))).collect()
        };
        Self {
            batches: batches.iter().map(columns).collect(),
            last: vec![Arc::from(""); layout.columns.len()],
            run: [run.extract_run_id.as_str().into(), run.load_run_id.as_str().into()],
            text: String::new(),
        }
    }

    /// The parameters of these rows, each given by its batch and its place there.
    pub(super) fn bind(&mut self, rows: impl ExactSizeIterator<Item = (usize, usize)>) -> Vec<Bound> {
        let width = self.last.len();
        let mut values = Vec::with_capacity(rows.len() * (width + self.run.len()) + 1);
        for (batch, row) in rows {
            for column in 0..width {
                values.push(self.cell(batch, column, row));
            }
            values.extend(self.run.iter().map(|id| Bound::Text(Arc::clone(id))));
        }
        values
    }

    fn cell(&mut self, batch: usize, column: usize, row: usize) -> Bound {
        let (cells, scale) = self.batches[batch][column];
        if cells.is_null(row) {
            return Bound::Null;
        }
        self.text.clear();
        match cells {
            Cells::Text(array) => return Bound::Text(repeated(&mut self.last[column], array.value(row))),
            Cells::Bytes(array) => return Bound::Bytes(array.value(row).to_vec()),
            Cells::Bool(array) => return Bound::Int(i64::from(array.value(row))),
            Cells::Int(array) => return Bound::Int(array.value(row)),
            Cells::Decimal(array) => decimal::push_text(&mut self.text, array.value(row), scale),
            Cells::Date(array) => calendar::push_date(&mut self.text, array.value(row)),
            Cells::Time(array) => calendar::push_time(&mut self.text, array.value(row)),
            Cells::Id(_) => push_id(&mut self.text, cells.id(row).unwrap_or_default()),
        }
        Bound::Text(repeated(&mut self.last[column], &self.text))
    }
}

fn repeated(last: &mut Arc<str>, text: &str) -> Arc<str> {
    if **last != *text {
        *last = Arc::from(text);
    }
    Arc::clone(last)
}

/// Appends the lower-case hyphenated form, as [`EntityId`] prints it.
pub(super) fn push_id(out: &mut String, id: [u8; 16]) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    for (index, byte) in EntityId::from_bytes(id).as_bytes().iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 0xf)]);
    }
}

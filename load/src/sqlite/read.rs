//! Reading rows back, as they are stored.

use bron_mappings::{Batch, BatchReader, BatchSchema, ColumnBuilder, ColumnType, EntityId, ReadError, Value};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow, SqliteValueRef};
use sqlx::{Arguments, Decode, Row, Sqlite, TypeInfo, ValueRef};
use tokio::runtime::Runtime;

use super::still::Still;
use super::write::push_id;
use crate::calendar;
use crate::decimal;
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::sink::{IdRange, READ_ROWS};
use crate::sql;
use crate::unreadable::Collector;

/// The rows of one statement, which is one consistent picture of the table.
pub(super) type Rows<'a> = BoxStream<'a, std::result::Result<SqliteRow, sqlx::Error>>;

/// Starts reading the rows of a range in the order of their ids.
pub(super) fn rows<'a>(connection: &'a mut SqliteConnection, layout: &Layout, range: IdRange) -> Rows<'a> {
    let mut arguments = SqliteArguments::default();
    for id in [range.from, range.to].into_iter().flatten() {
        Arguments::add(&mut arguments, id.to_string()).expect("a text always encodes");
    }
    let text = sql::sqlite::select(layout, range.from.is_some(), range.to.is_some());
    sqlx::query_with::<Sqlite, _>(text, arguments).fetch(connection)
}

/// Rows as batches.
pub(super) struct SqliteReader<'a> {
    runtime: &'a Runtime,
    rows: Option<Rows<'a>>,
    still: Option<&'a Still>,
    collector: Collector,
    place: String,
}

impl<'a> SqliteReader<'a> {
    pub(super) const fn new(
        runtime: &'a Runtime,
        rows: Rows<'a>,
        still: Option<&'a Still>,
        collector: Collector,
        place: String,
    ) -> Self {
        Self { runtime, rows: Some(rows), still, collector, place }
    }

    fn fill(&mut self) -> Result<Option<Batch>> {
        let Self { runtime, rows: stream, collector, .. } = self;
        let Some(rows) = stream.as_mut() else {
            return Ok(None);
        };
        let filled = runtime.block_on(async {
            while collector.rows() < READ_ROWS {
                match rows.next().await {
                    Some(Ok(row)) => push_row(collector, &row),
                    Some(Err(error)) => return Err(error),
                    None => return Ok(true),
                }
            }
            Ok(false)
        });
        if !matches!(filled, Ok(false)) {
            *stream = None;
        }
        filled.map_err(|error| {
            Error::of(&error, format!("{}: table {}", self.place, self.collector.table()))
        })?;
        // Also before the last batch, so that nobody takes a torn picture for a whole one.
        self.still.map_or(Ok(()), Still::require)?;
        Ok(self.collector.finish())
    }
}

impl Iterator for SqliteReader<'_> {
    type Item = std::result::Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.fill().map_err(ReadError::from).transpose()
    }
}

impl BatchReader for SqliteReader<'_> {
    fn schema(&self) -> &BatchSchema {
        self.collector.schema()
    }
}

fn push_row(collector: &mut Collector, row: &SqliteRow) {
    collector.row(|index, kind, builder| match row.try_get_raw(index) {
        Ok(value) => push_cell(kind, value, builder),
        Err(_) => false,
    });
}

/// Adds the stored value to the column; `false`, with nothing added, when it is not one of the type.
fn push_cell(kind: ColumnType, value: SqliteValueRef<'_>, builder: &mut ColumnBuilder) -> bool {
    if value.is_null() {
        builder.push(None);
        return true;
    }
    let storage = match kind {
        ColumnType::Bool | ColumnType::Int => "INTEGER",
        ColumnType::Bytes => "BLOB",
        ColumnType::Text
        | ColumnType::Decimal { .. }
        | ColumnType::Date
        | ColumnType::Time
        | ColumnType::Id => "TEXT",
    };
    if value.type_info().name() != storage {
        return false;
    }
    match storage {
        "INTEGER" => {
            <i64 as Decode<Sqlite>>::decode(value).is_ok_and(|number| push_number(kind, number, builder))
        }
        "BLOB" => <&[u8] as Decode<Sqlite>>::decode(value)
            .is_ok_and(|bytes| push(builder, Some(Value::Bytes(bytes)))),
        _ => <&str as Decode<Sqlite>>::decode(value).is_ok_and(|text| push_text(kind, text, builder)),
    }
}

fn push_number(kind: ColumnType, number: i64, builder: &mut ColumnBuilder) -> bool {
    let value = match (kind, number) {
        (ColumnType::Bool, 0 | 1) => Some(Value::Bool(number == 1)),
        (ColumnType::Bool, _) => None,
        _ => Some(Value::Int(number)),
    };
    push(builder, value)
}

fn push_text(kind: ColumnType, text: &str, builder: &mut ColumnBuilder) -> bool {
    let value = match kind {
        ColumnType::Text => Some(Value::Text(text)),
        ColumnType::Decimal { scale } => {
            usize::try_from(scale).ok().and_then(|scale| decimal::parse_text(text, scale)).map(Value::Decimal)
        }
        ColumnType::Date => calendar::parse_date(text).map(Value::Date),
        ColumnType::Time => calendar::parse_time(text).map(Value::Time),
        ColumnType::Id => canonical_id(text).map(Value::Id),
        ColumnType::Bool | ColumnType::Int | ColumnType::Bytes => None,
    };
    push(builder, value)
}

fn push(builder: &mut ColumnBuilder, value: Option<Value<'_>>) -> bool {
    if value.is_some() {
        builder.push(value);
    }
    value.is_some()
}

/// The id, when it is spelled as the sink spells it: another spelling would not be found by its key.
fn canonical_id(text: &str) -> Option<[u8; 16]> {
    let id = *EntityId::parse(text)?.as_bytes();
    let mut canonical = String::with_capacity(36);
    push_id(&mut canonical, id);
    (canonical == text).then_some(id)
}

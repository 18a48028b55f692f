//! The rows of one SQLite table as batches.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use bron_mappings::{Batch, BatchReader, BatchSchema, ColumnType, ReadError, Value};
use futures_util::{Stream, StreamExt};
use sqlx::sqlite::{Sqlite, SqliteRow, SqliteValueRef};
use sqlx::{Decode, Row, TypeInfo, ValueRef};
use tokio::runtime::Runtime;

use crate::batches::{Basket, RowBuilder};
use crate::error::Error;
use crate::ledger::{MALFORMED_VALUE, TableLedger};
use crate::source::{SourceColumn, TableReader, TableSchema, UnreadableRow};

type Rows<'a> = Pin<Box<dyn Stream<Item = Result<SqliteRow, sqlx::Error>> + Send + 'a>>;

pub(super) struct SqliteReader<'a> {
    path: PathBuf,
    file: String,
    table: String,
    runtime: &'a Runtime,
    rows: Rows<'a>,
    columns: Vec<SourceColumn>,
    builder: RowBuilder,
    ledger: TableLedger,
    unreadable: Basket,
    number: String,
    ended: bool,
    failed: bool,
}

/// A value as SQLite stores it.
enum Found<'r> {
    Null,
    Whole(i64),
    Real(f64),
    Text(&'r str),
    /// A blob, or text that is not UTF-8.
    Bytes(&'r [u8]),
}

impl<'a> SqliteReader<'a> {
    pub(super) fn new(
        path: &Path,
        runtime: &'a Runtime,
        rows: Rows<'a>,
        table: &TableSchema,
        batch_rows: usize,
    ) -> Self {
        Self {
            path: path.to_owned(),
            file: path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            table: table.name.clone(),
            runtime,
            rows,
            columns: table.columns.clone(),
            builder: RowBuilder::new(table.batch_schema(), batch_rows),
            ledger: TableLedger::default(),
            unreadable: Basket::default(),
            number: String::new(),
            ended: false,
            failed: false,
        }
    }

    fn fill(&mut self) -> Result<Option<Batch>, Error> {
        let runtime = self.runtime;
        runtime.block_on(async {
            while !self.ended && !self.builder.is_full() && !self.unreadable.is_full() {
                match self.rows.next().await {
                    None => self.ended = true,
                    Some(row) => row.and_then(|row| self.take(&row)).map_err(|error| {
                        Error::database(&self.path, &format!("table {}", self.table), error)
                    })?,
                }
            }
            let over = self.ended && self.builder.is_empty();
            Ok((!over).then(|| self.builder.finish()))
        })
    }

    fn take(&mut self, row: &SqliteRow) -> Result<(), sqlx::Error> {
        let found = (0..self.columns.len()).map(|index| found(row.try_get_raw(index)?));
        let found: Vec<Found<'_>> = found.collect::<Result<_, _>>()?;
        let misfit = self.columns.iter().zip(&found).find(|(column, value)| !value.fits(column.kind));
        if let Some((column, _)) = misfit {
            let (column, line) = (column.name.clone(), self.ledger.read + 1);
            self.ledger.quarantine(&self.file, line, MALFORMED_VALUE);
            self.unreadable.add(UnreadableRow {
                file: self.file.clone(),
                line,
                column: Some(column),
                reason: MALFORMED_VALUE,
                raw: raw_row(&found),
            });
            return Ok(());
        }
        for (index, value) in found.iter().enumerate() {
            self.push(index, value);
        }
        self.builder.end_row();
        self.ledger.stage();
        Ok(())
    }

    fn push(&mut self, index: usize, value: &Found<'_>) {
        let as_bytes = self.columns[index].kind == ColumnType::Bytes;
        let text = match value {
            Found::Null => return self.builder.push(index, None),
            Found::Bytes(bytes) => return self.builder.push(index, Some(Value::Bytes(bytes))),
            Found::Text(text) => text,
            Found::Whole(_) | Found::Real(_) => {
                value.write_number(&mut self.number);
                self.number.as_str()
            }
        };
        let value = if as_bytes { Value::Bytes(text.as_bytes()) } else { Value::Text(text) };
        self.builder.push(index, Some(value));
    }
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

impl Found<'_> {
    fn fits(&self, kind: ColumnType) -> bool {
        match self {
            Self::Null | Self::Whole(_) | Self::Text(_) => true,
            Self::Real(number) => number.is_finite(),
            Self::Bytes(_) => kind == ColumnType::Bytes,
        }
    }

    fn write_number(&self, out: &mut String) {
        out.clear();
        let written = match self {
            Self::Whole(number) => write!(out, "{number}"),
            // The shortest digits that read back as the same value, without an exponent.
            Self::Real(number) => write!(out, "{number}"),
            Self::Null | Self::Text(_) | Self::Bytes(_) => Ok(()),
        };
        written.expect("writing to a String does not fail");
    }
}

fn raw_row(values: &[Found<'_>]) -> Vec<u8> {
    let mut raw = Vec::new();
    let mut number = String::new();
    for value in values {
        value.write_number(&mut number);
        let (tag, bytes) = match value {
            Found::Null => {
                raw.push(b'n');
                continue;
            }
            Found::Whole(_) => (b'i', number.as_bytes()),
            Found::Real(_) => (b'r', number.as_bytes()),
            Found::Text(text) => (b't', text.as_bytes()),
            Found::Bytes(bytes) => (b'b', *bytes),
        };
        raw.push(tag);
        let length = u32::try_from(bytes.len()).expect("SQLite holds values of at most 2 GiB");
        raw.extend_from_slice(&length.to_be_bytes());
        raw.extend_from_slice(bytes);
    }
    raw
}

impl Iterator for SqliteReader<'_> {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let filled = self.fill();
        self.failed = filled.is_err();
        filled.map_err(ReadError::from).transpose()
    }
}

impl BatchReader for SqliteReader<'_> {
    fn schema(&self) -> &BatchSchema {
        self.builder.schema()
    }
}

impl TableReader for SqliteReader<'_> {
    fn ledger(&self) -> TableLedger {
        self.ledger.clone()
    }

    fn take_unreadable(&mut self) -> Vec<UnreadableRow> {
        self.unreadable.empty()
    }
}

//! Rows from PostgreSQL's binary COPY format, however the stream is cut.

use bron_mappings::{ColumnBuilder, ColumnType, Value};

use super::encode::{EPOCH_DAYS, EPOCH_MICROS, scale};
use crate::calendar;
use crate::decimal;
use crate::unreadable::Collector;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Signature, flags and the length of the header extension.
const HEADER_BYTES: usize = 19;
const TRAILER: i16 = -1;

/// The stream is not what PostgreSQL's manual says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The end of the stream, or a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A row was added.
    Row,
    /// More bytes are needed.
    More,
    /// The trailer was read.
    End,
}

/// Takes a stream of bytes apart. Holds no more than the bytes of the row at hand.
#[derive(Default)]
pub(super) struct Decoder {
    buffer: Vec<u8>,
    at: usize,
    has_header: bool,
}

impl Decoder {
    /// Adds bytes of the stream.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Adds the next row to the collector.
    pub(super) fn step(&mut self, collector: &mut Collector) -> Result<Step, Malformed> {
        if !self.has_header && !self.skip_header()? {
            return Ok(Step::More);
        }
        let rest = &self.buffer[self.at..];
        let Some((count, mut fields)) = rest.split_first_chunk::<2>() else {
            return Ok(Step::More);
        };
        let count = i16::from_be_bytes(*count);
        if count == TRAILER {
            return Ok(Step::End);
        }
        let width = collector.width();
        if usize::try_from(count) != Ok(width) {
            return Err(Malformed);
        }
        let mut row = Vec::with_capacity(width);
        for _ in 0..width {
            let Some((field, after)) = take_field(fields)? else {
                return Ok(Step::More);
            };
            row.push(field);
            fields = after;
        }
        collector.row(|index, kind, builder| push_cell(kind, row[index], builder));
        self.at = self.buffer.len() - fields.len();
        Ok(Step::Row)
    }

    /// Whether the header is behind.
    fn skip_header(&mut self) -> Result<bool, Malformed> {
        let Some(header) = self.buffer.get(..HEADER_BYTES) else {
            return Ok(false);
        };
        if !header.starts_with(SIGNATURE) {
            return Err(Malformed);
        }
        let extension = header.last_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes)).unwrap_or_default();
        let end = usize::try_from(extension)
            .ok()
            .and_then(|length| HEADER_BYTES.checked_add(length))
            .ok_or(Malformed)?;
        if self.buffer.len() < end {
            return Ok(false);
        }
        self.at = end;
        self.has_header = true;
        Ok(true)
    }
}

/// A field and what follows it; the outer `None` means that it is not all there yet.
type Taken<'a> = Option<(Option<&'a [u8]>, &'a [u8])>;

fn take_field(bytes: &[u8]) -> Result<Taken<'_>, Malformed> {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
        return Ok(None);
    };
    match i32::from_be_bytes(*length) {
        -1 => Ok(Some((None, rest))),
        length => {
            let length = usize::try_from(length).map_err(|_| Malformed)?;
            Ok(rest.split_at_checked(length).map(|(field, after)| (Some(field), after)))
        }
    }
}

/// Adds the field to the column; `false`, with nothing added, when it is not one of the type that the
/// model has: an infinite date, a number that is none.
fn push_cell(kind: ColumnType, field: Option<&[u8]>, builder: &mut ColumnBuilder) -> bool {
    let Some(field) = field else {
        builder.push(None);
        return true;
    };
    let value = match kind {
        ColumnType::Text => std::str::from_utf8(field).ok().map(Value::Text),
        ColumnType::Bytes => Some(Value::Bytes(field)),
        ColumnType::Bool => match field {
            [0] => Some(Value::Bool(false)),
            [1] => Some(Value::Bool(true)),
            _ => None,
        },
        ColumnType::Int => fixed(field).map(i64::from_be_bytes).map(Value::Int),
        ColumnType::Decimal { .. } => decimal::parse_numeric(field, scale(kind)).map(Value::Decimal),
        ColumnType::Date => fixed(field)
            .and_then(|bytes| i32::from_be_bytes(bytes).checked_add(EPOCH_DAYS))
            .filter(|&days| calendar::holds_day(days))
            .map(Value::Date),
        ColumnType::Time => fixed(field)
            .and_then(|bytes| i64::from_be_bytes(bytes).checked_add(EPOCH_MICROS))
            .filter(|&micros| calendar::holds_time(micros))
            .map(Value::Time),
        ColumnType::Id => fixed(field).map(Value::Id),
    };
    if value.is_some() {
        builder.push(value);
    }
    value.is_some()
}

fn fixed<const N: usize>(field: &[u8]) -> Option<[u8; N]> {
    field.try_into().ok()
}

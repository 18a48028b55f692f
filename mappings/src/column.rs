//! Typed cells: the only place where Arrow arrays are taken apart and put together.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, FixedSizeBinaryBuilder, Int64Builder,
    StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray,
    Int64Array, StringArray, TimestampMicrosecondArray,
};

use crate::batch::ColumnType;

/// One value of a cell, borrowed. NULL is `None` around it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value<'a> {
    /// Text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A decimal number as its unscaled integer; the scale is the column's.
    Decimal(i128),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds of local wall time since 1970-01-01 00:00.
    Time(i64),
    /// A 16-byte id.
    Id([u8; 16]),
}

impl std::fmt::Debug for Value<'_> {
    /// Prints the type, never the value.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Bytes(_) => "Bytes(…)",
            Self::Bool(_) => "Bool(…)",
            Self::Int(_) => "Int(…)",
            Self::Decimal(_) => "Decimal(…)",
            Self::Date(_) => "Date(…)",
            Self::Time(_) => "Time(…)",
            Self::Id(_) => "Id(…)",
        })
    }
}

/// The cells of one column.
#[derive(Clone, Copy)]
pub enum Cells<'a> {
    /// Text.
    Text(&'a StringArray),
    /// Bytes.
    Bytes(&'a BinaryArray),
    /// True or false.
    Bool(&'a BooleanArray),
    /// Whole numbers.
    Int(&'a Int64Array),
    /// Decimal numbers.
    Decimal(&'a Decimal128Array),
    /// Dates.
    Date(&'a Date32Array),
    /// Local wall times.
    Time(&'a TimestampMicrosecondArray),
    /// Ids.
    Id(&'a FixedSizeBinaryArray),
}

impl<'a> Cells<'a> {
    pub(crate) fn of(kind: ColumnType, array: &'a ArrayRef) -> Self {
        match kind {
            ColumnType::Text => Self::Text(array.as_string()),
            ColumnType::Bytes => Self::Bytes(array.as_binary()),
            ColumnType::Bool => Self::Bool(array.as_boolean()),
            ColumnType::Int => Self::Int(array.as_primitive::<Int64Type>()),
            ColumnType::Decimal { .. } => Self::Decimal(array.as_primitive::<Decimal128Type>()),
            ColumnType::Date => Self::Date(array.as_primitive::<Date32Type>()),
            ColumnType::Time => Self::Time(array.as_primitive::<TimestampMicrosecondType>()),
            ColumnType::Id => Self::Id(array.as_fixed_size_binary()),
        }
    }

    fn array(&self) -> &'a dyn Array {
        match self {
            Self::Text(array) => *array,
            Self::Bytes(array) => *array,
            Self::Bool(array) => *array,
            Self::Int(array) => *array,
            Self::Decimal(array) => *array,
            Self::Date(array) => *array,
            Self::Time(array) => *array,
            Self::Id(array) => *array,
        }
    }

    /// The number of cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.array().len()
    }

    /// Whether there are no cells.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the cell at `row` is NULL.
    ///
    /// # Panics
    /// When there is no such row, as every method with a row.
    #[must_use]
    pub fn is_null(&self, row: usize) -> bool {
        self.array().is_null(row)
    }

    /// The value at `row`, `None` for NULL.
    #[must_use]
    pub fn value(&self, row: usize) -> Option<Value<'a>> {
        if self.is_null(row) {
            return None;
        }
        Some(match self {
            Self::Text(array) => Value::Text(array.value(row)),
            Self::Bytes(array) => Value::Bytes(array.value(row)),
            Self::Bool(array) => Value::Bool(array.value(row)),
            Self::Int(array) => Value::Int(array.value(row)),
            Self::Decimal(array) => Value::Decimal(array.value(row)),
            Self::Date(array) => Value::Date(array.value(row)),
            Self::Time(array) => Value::Time(array.value(row)),
            Self::Id(array) => {
                Value::Id(array.value(row).try_into().expect("the column type fixes the width at 16 bytes"))
            }
        })
    }

    /// The text at `row`; `None` for NULL and in a column of another type.
    #[must_use]
    pub fn text(&self, row: usize) -> Option<&'a str> {
        match self.value(row) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The whole number at `row`; `None` for NULL and in a column of another type.
    #[must_use]
    pub fn int(&self, row: usize) -> Option<i64> {
        match self.value(row) {
            Some(Value::Int(number)) => Some(number),
            _ => None,
        }
    }

    /// The id at `row`; `None` for NULL and in a column of another type.
    #[must_use]
    pub fn id(&self, row: usize) -> Option<[u8; 16]> {
        match self.value(row) {
            Some(Value::Id(id)) => Some(id),
            _ => None,
        }
    }
}

/// Builds one column, value by value.
pub struct ColumnBuilder {
    kind: ColumnType,
    inner: Builder,
}

enum Builder {
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Decimal(Decimal128Builder),
    Date(Date32Builder),
    Time(TimestampMicrosecondBuilder),
    Id(FixedSizeBinaryBuilder),
}

impl Builder {
    /// A builder with room for `rows` values, whose texts or bytes take up `bytes`.
    fn new(kind: ColumnType, rows: usize, bytes: usize) -> Self {
        match kind {
            ColumnType::Text => Self::Text(StringBuilder::with_capacity(rows, bytes)),
            ColumnType::Bytes => Self::Bytes(BinaryBuilder::with_capacity(rows, bytes)),
            ColumnType::Bool => Self::Bool(BooleanBuilder::with_capacity(rows)),
            ColumnType::Int => Self::Int(Int64Builder::with_capacity(rows)),
            ColumnType::Decimal { .. } => {
                Self::Decimal(Decimal128Builder::with_capacity(rows).with_data_type(kind.arrow()))
            }
            ColumnType::Date => Self::Date(Date32Builder::with_capacity(rows)),
            ColumnType::Time => Self::Time(TimestampMicrosecondBuilder::with_capacity(rows)),
            ColumnType::Id => Self::Id(FixedSizeBinaryBuilder::with_capacity(rows, 16)),
        }
    }

    /// The bytes of the texts or byte strings so far.
    fn bytes(&self) -> usize {
        match self {
            Self::Text(builder) => builder.values_slice().len(),
            Self::Bytes(builder) => builder.values_slice().len(),
            Self::Bool(_) | Self::Int(_) | Self::Decimal(_) | Self::Date(_) | Self::Time(_) | Self::Id(_) => {
                0
            }
        }
    }
}

impl ColumnBuilder {
    /// A builder for `kind`, with room for `rows` values.
    #[must_use]
    pub fn new(kind: ColumnType, rows: usize) -> Self {
        Self { kind, inner: Builder::new(kind, rows, rows * 8) }
    }

    /// Adds a value, or NULL.
    ///
    /// # Panics
    /// When the value has another type than the column: a mistake of the caller, never of the data.
    #[inline]
    #[rustfmt::skip]
    pub fn push(&mut self, value: Option<Value<'_>>) {
        match (&mut self.inner, value) {
            (Builder::Text(builder), Some(Value::Text(text))) => builder.append_value(text),
            (Builder::Text(builder), None) => builder.append_null(),
            (Builder::Bytes(builder), Some(Value::Bytes(bytes))) => builder.append_value(bytes),
            (Builder::Bytes(builder), None) => builder.append_null(),
            (Builder::Bool(builder), Some(Value::Bool(truth))) => builder.append_value(truth),
            (Builder::Bool(builder), None) => builder.append_null(),
            (Builder::Int(builder), Some(Value::Int(number))) => builder.append_value(number),
            (Builder::Int(builder), None) => builder.append_null(),
            (Builder::Decimal(builder), Some(Value::Decimal(number))) => builder.append_value(number),
            (Builder::Decimal(builder), None) => builder.append_null(),
            (Builder::Date(builder), Some(Value::Date(days))) => builder.append_value(days),
            (Builder::Date(builder), None) => builder.append_null(),
            (Builder::Time(builder), Some(Value::Time(micros))) => builder.append_value(micros),
            (Builder::Time(builder), None) => builder.append_null(),
            (Builder::Id(builder), Some(Value::Id(id))) => {
                builder
                    .append_value(id)
                    .expect("the builder was made for 16 bytes");
            }
            (Builder::Id(builder), None) => builder.append_null(),
            (_, Some(value)) => panic!("a {value:?} does not fit a column of {:?}", self.kind),
        }
    }

    /// A finished column of `rows` cells with the same text.
    #[must_use]
    pub fn repeated(text: &str, rows: usize) -> ArrayRef {
        Arc::new(StringArray::new_repeated(text, rows))
    }

    /// Adds the same value, or NULL, so many times.
    ///
    /// # Panics
    /// As [`ColumnBuilder::push`].
    pub fn push_times(&mut self, value: Option<Value<'_>>, times: usize) {
        match (&mut self.inner, value) {
            (Builder::Text(builder), Some(Value::Text(text))) => builder.append_value_n(text, times),
            (Builder::Text(builder), None) => builder.append_nulls(times),
            _ => (0..times).for_each(|_| self.push(value)),
        }
    }

    /// The finished column; the builder is empty again, with room for as much as it held.
    pub fn finish(&mut self) -> ArrayRef {
        let bytes = self.inner.bytes();
        let array: ArrayRef = match &mut self.inner {
            Builder::Text(builder) => Arc::new(builder.finish()),
            Builder::Bytes(builder) => Arc::new(builder.finish()),
            Builder::Bool(builder) => Arc::new(builder.finish()),
            Builder::Int(builder) => Arc::new(builder.finish()),
            Builder::Decimal(builder) => Arc::new(builder.finish()),
            Builder::Date(builder) => Arc::new(builder.finish()),
            Builder::Time(builder) => Arc::new(builder.finish()),
            Builder::Id(builder) => Arc::new(builder.finish()),
        };
        // The next column is about as long: to let it grow from nothing copies most of it twice.
        self.inner = Builder::new(self.kind, array.len(), bytes + bytes / 8);
        array
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, BatchSchema};

    #[test]
    fn what_goes_in_comes_out_typed() {
        let cases: [(ColumnType, Value<'_>); 8] = [
            (ColumnType::Text, Value::Text("Åsa")),
            (ColumnType::Bytes, Value::Bytes(&[0, 255])),
            (ColumnType::Bool, Value::Bool(true)),
            (ColumnType::Int, Value::Int(-1)),
            (ColumnType::Decimal { scale: 2 }, Value::Decimal(12345)),
            (ColumnType::Date, Value::Date(-25_567)),
            (ColumnType::Time, Value::Time(253_402_300_799_000_000)),
            (ColumnType::Id, Value::Id([9; 16])),
        ];
        for (kind, value) in cases {
            let mut builder = ColumnBuilder::new(kind, 2);
            builder.push(Some(value));
            builder.push(None);
            let schema = BatchSchema::new([("c".to_owned(), kind)]);
            let batch = Batch::new(&schema, vec![builder.finish()], 2).unwrap();
            assert_eq!(batch.cells(0).value(0), Some(value));
            assert_eq!(batch.cells(0).value(1), None);
        }
    }

    #[test]
    fn a_repeated_text_is_what_pushing_it_every_time_gives() {
        for (text, rows) in [("Åsa", 3), ("", 2), ("x", 0)] {
            let mut builder = ColumnBuilder::new(ColumnType::Text, rows);
            (0..rows).for_each(|_| builder.push(Some(Value::Text(text))));
            assert_eq!(&ColumnBuilder::repeated(text, rows), &builder.finish());
        }
    }

    #[test]
    fn a_value_pushed_many_times_is_what_pushing_it_every_time_gives() {
        let cases = [
            (ColumnType::Text, Some(Value::Text("Åsa"))),
            (ColumnType::Text, None),
            (ColumnType::Int, Some(Value::Int(7))),
            (ColumnType::Bytes, None),
        ];
        for (kind, value) in cases {
            for times in [0, 1, 3] {
                let (mut one_by_one, mut at_once) =
                    (ColumnBuilder::new(kind, 8), ColumnBuilder::new(kind, 8));
                one_by_one.push(None);
                at_once.push(None);
                (0..times).for_each(|_| one_by_one.push(value));
                at_once.push_times(value, times);
                assert_eq!(&one_by_one.finish(), &at_once.finish());
                at_once.push(value);
                assert_eq!(at_once.finish().len(), 1, "it is empty after it was finished");
            }
        }
    }

    #[test]
    #[expect(clippy::should_panic_without_expect, reason = "the message is for the caller's developer")]
    #[should_panic]
    fn a_value_of_another_type_is_a_mistake_of_the_caller() {
        ColumnBuilder::new(ColumnType::Int, 1).push(Some(Value::Text("1")));
    }
}

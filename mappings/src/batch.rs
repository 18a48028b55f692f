//! The columns that travel between the stages.

use std::fmt;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field as ArrowField, Schema as ArrowSchema, SchemaRef, TimeUnit};

use crate::column::{Cells, ColumnBuilder};

/// The types a column may have. The list is short on purpose: no floats, and no nanoseconds, which
/// cannot hold the sentinel date 9999-12-31.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColumnType {
    /// Text, UTF-8.
    Text,
    /// Bytes.
    Bytes,
    /// True or false.
    Bool,
    /// A 64-bit whole number: counts, öre, minutes.
    Int,
    /// An exact decimal number of at most 38 digits.
    Decimal {
        /// Digits after the decimal point.
        scale: i8,
    },
    /// A calendar date, as days since 1970-01-01.
    Date,
    /// A local wall time without zone, as microseconds since 1970-01-01 00:00.
    Time,
    /// A 16-byte id.
    Id,
}

const DECIMAL_DIGITS: u8 = 38;
const ID_BYTES: i32 = 16;

impl ColumnType {
    /// The Arrow type that carries this column.
    #[must_use]
    pub fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Bytes => DataType::Binary,
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Decimal { scale } => DataType::Decimal128(DECIMAL_DIGITS, scale),
            Self::Date => DataType::Date32,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Id => DataType::FixedSizeBinary(ID_BYTES),
        }
    }

    /// The column type that an Arrow type carries, or `None` when batches may not hold it.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other Arrow type is refused")]
    pub fn from_arrow(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Utf8 => Some(Self::Text),
            DataType::Binary => Some(Self::Bytes),
            DataType::Boolean => Some(Self::Bool),
            DataType::Int64 => Some(Self::Int),
            DataType::Decimal128(DECIMAL_DIGITS, scale) => Some(Self::Decimal { scale: *scale }),
            DataType::Date32 => Some(Self::Date),
            DataType::Timestamp(TimeUnit::Microsecond, None) => Some(Self::Time),
            DataType::FixedSizeBinary(ID_BYTES) => Some(Self::Id),
            _ => None,
        }
    }
}

/// One column of a schema.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Column {
    /// The name, as the source or the model spells it.
    pub name: String,
    /// The type.
    pub kind: ColumnType,
}

/// The columns of a batch, in order. Cheap to clone. Every column may hold NULL: what is required is
/// a rule of the model, not of the vehicle.
#[derive(Clone, PartialEq, Eq)]
pub struct BatchSchema {
    columns: Arc<[Column]>,
    arrow: SchemaRef,
}

impl BatchSchema {
    /// A schema of these columns.
    pub fn new(columns: impl IntoIterator<Item = (String, ColumnType)>) -> Self {
        let columns: Arc<[Column]> = columns.into_iter().map(|(name, kind)| Column { name, kind }).collect();
        let fields: Vec<ArrowField> =
            columns.iter().map(|column| ArrowField::new(&column.name, column.kind.arrow(), true)).collect();
        Self { columns, arrow: Arc::new(ArrowSchema::new(fields)) }
    }

    /// The schema that an Arrow schema describes.
    ///
    /// # Errors
    /// [`BatchError`] naming the first column whose type batches may not hold.
    pub fn from_arrow(schema: &ArrowSchema) -> Result<Self, BatchError> {
        let columns = schema.fields().iter().map(|field| {
            ColumnType::from_arrow(field.data_type())
                .map(|kind| (field.name().clone(), kind))
                .ok_or_else(|| BatchError::new(field.name(), "has a type that batches do not hold"))
        });
        Ok(Self::new(columns.collect::<Result<Vec<_>, _>>()?))
    }

    /// The columns in order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The position of a column.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The Arrow schema.
    #[must_use]
    pub fn arrow(&self) -> &SchemaRef {
        &self.arrow
    }
}

impl fmt::Debug for BatchSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.columns.iter()).finish()
    }
}

/// Columns that do not form a batch: names a column, never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchError {
    column: String,
    problem: String,
}

impl BatchError {
    pub(crate) fn new(column: &str, problem: impl Into<String>) -> Self {
        Self { column: column.to_owned(), problem: problem.into() }
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {} {}", self.column, self.problem)
    }
}

impl std::error::Error for BatchError {}

/// A number of rows as columns. A newtype over an Arrow record batch that holds only [`ColumnType`]s.
#[derive(Clone, PartialEq)]
pub struct Batch {
    schema: BatchSchema,
    record: RecordBatch,
}

impl Batch {
    /// A batch of `rows` rows.
    ///
    /// # Errors
    /// [`BatchError`] when the number, types or lengths of the columns do not fit the schema.
    pub fn new(schema: &BatchSchema, columns: Vec<ArrayRef>, rows: usize) -> Result<Self, BatchError> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(schema.arrow()), columns, &options)
            .map(|record| Self { schema: schema.clone(), record })
            .map_err(|error| BatchError::new("(all)", format!("do not fit their schema: {error}")))
    }

    /// Takes a record batch that came from a file.
    ///
    /// # Errors
    /// [`BatchError`] when a column has a type that batches do not hold.
    pub fn from_record(record: &RecordBatch) -> Result<Self, BatchError> {
        let schema = BatchSchema::from_arrow(&record.schema())?;
        Self::new(&schema, record.columns().to_vec(), record.num_rows())
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.record.num_rows()
    }

    /// The columns' names and types.
    #[must_use]
    pub fn schema(&self) -> &BatchSchema {
        &self.schema
    }

    /// The cells of the column at `index`.
    ///
    /// # Panics
    /// When there is no such column.
    #[must_use]
    pub fn cells(&self, index: usize) -> Cells<'_> {
        Cells::of(self.schema.columns()[index].kind, self.record.column(index))
    }

    /// The cells of a named column.
    #[must_use]
    pub fn cells_named(&self, name: &str) -> Option<Cells<'_>> {
        self.schema.index_of(name).map(|index| self.cells(index))
    }

    /// The rows `offset..offset + length`, sharing memory with this batch.
    ///
    /// # Panics
    /// When the range leaves the batch.
    #[must_use]
    pub fn slice(&self, offset: usize, length: usize) -> Self {
        Self { schema: self.schema.clone(), record: self.record.slice(offset, length) }
    }

    /// These rows, in this order. Rows that follow each other share memory with this batch, others are copied.
    ///
    /// # Panics
    /// When a row is none of the batch.
    #[must_use]
    pub fn pick(&self, rows: &[usize]) -> Self {
        let first = rows.first().copied().unwrap_or(0);
        if rows.iter().enumerate().all(|(place, &row)| row == first + place) {
            return self.slice(first, rows.len());
        }
        let columns = self.schema.columns().iter().enumerate().map(|(index, column)| {
            let cells = self.cells(index);
            let mut picked = ColumnBuilder::new(column.kind, rows.len());
            for &row in rows {
                picked.push(cells.value(row));
            }
            picked.finish()
        });
        Self::new(&self.schema, columns.collect(), rows.len()).expect("the columns are those of this batch")
    }

    /// The Arrow record batch.
    #[must_use]
    pub fn record(&self) -> &RecordBatch {
        &self.record
    }
}

impl fmt::Debug for Batch {
    /// Prints the shape, never a value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({} rows × {} columns)", self.rows(), self.schema.columns().len())
    }
}

/// The last column of rows that are read back from a target: the names, joined with commas, of the fields whose stored
/// value is not one of the field's type; NULL when there is none. Such a field is never equal to anything.
pub const UNREADABLE: &str = "@unreadable";

/// An error of whatever stands behind a reader: a file, a database. Its text carries no values.
pub type ReadError = Box<dyn std::error::Error + Send + Sync>;

/// The seam between the stages: batches, pulled one at a time, of one schema.
pub trait BatchReader: Iterator<Item = Result<Batch, ReadError>> {
    /// The schema of every batch that the reader gives.
    fn schema(&self) -> &BatchSchema;
}

/// Any iterator over batches of one schema, as a [`BatchReader`].
pub struct Batches<I> {
    schema: BatchSchema,
    batches: I,
}

impl<I: Iterator<Item = Result<Batch, ReadError>>> Batches<I> {
    /// Reads from `batches`, all of which have `schema`.
    pub const fn new(schema: BatchSchema, batches: I) -> Self {
        Self { schema, batches }
    }
}

impl<I: Iterator<Item = Result<Batch, ReadError>>> Iterator for Batches<I> {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batches.next()
    }
}

impl<I: Iterator<Item = Result<Batch, ReadError>>> BatchReader for Batches<I> {
    fn schema(&self) -> &BatchSchema {
        &self.schema
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Float64Array, Int64Array};

    use super::*;

    #[test]
    fn every_column_type_survives_the_arrow_type() {
        use ColumnType::{Bool, Bytes, Date, Decimal, Id, Int, Text, Time};
        for kind in [Text, Bytes, Bool, Int, Decimal { scale: 2 }, Date, Time, Id] {
            assert_eq!(ColumnType::from_arrow(&kind.arrow()), Some(kind));
        }
    }

    #[test]
    fn floats_are_refused_by_name() {
        let schema = ArrowSchema::new(vec![ArrowField::new("BELOPP", DataType::Float64, true)]);
        let record =
            RecordBatch::try_new(Arc::new(schema), vec![Arc::new(Float64Array::from(vec![1.0]))]).unwrap();
        assert!(Batch::from_record(&record).unwrap_err().to_string().contains("BELOPP"));
    }

    #[test]
    fn rows_are_picked_in_the_order_that_was_asked_for() {
        let schema = BatchSchema::new([("N".to_owned(), ColumnType::Int)]);
        let numbers = Int64Array::from(vec![Some(1), None, Some(3), Some(4)]);
        let batch = Batch::new(&schema, vec![Arc::new(numbers)], 4).unwrap();
        let picked = |rows: &[usize]| {
            let batch = batch.pick(rows);
            (0..batch.rows()).map(|row| batch.cells(0).int(row)).collect::<Vec<_>>()
        };
        assert_eq!(picked(&[1, 2, 3]), [None, Some(3), Some(4)]);
        assert_eq!(picked(&[3, 0, 1]), [Some(4), Some(1), None]);
        assert_eq!(picked(&[]), []);
    }

    #[test]
    fn the_debug_form_shows_no_value() {
        let schema = BatchSchema::new([("N".to_owned(), ColumnType::Int)]);
        let batch = Batch::new(&schema, vec![Arc::new(Int64Array::from(vec![4711]))], 1).unwrap();
        assert_eq!(format!("{batch:?}"), "Batch(1 rows × 1 columns)");
        assert_eq!(batch.cells(0).value(0), Some(crate::Value::Int(4711)));
    }
}

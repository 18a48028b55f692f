//! What a source is to the rest of the bridge.

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use bron_mappings::{BatchReader, BatchSchema, ColumnType, Digest};

use crate::error::Error;
use crate::ledger::TableLedger;
use crate::span::{Batching, Mark, RowMarks, Span};

/// A legacy system that can be read. There is no method that writes.
///
/// All tables that are read after a call of [`Source::fingerprint`] come from one consistent point. A source belongs
/// to one thread at a time.
pub trait Source: Send {
    /// The tables, in the order of the source.
    ///
    /// # Errors
    /// When the source cannot be opened or its shape is not the declared one.
    fn tables(&mut self) -> Result<Vec<TableSchema>, Error>;

    /// The digest of the content as it lies, and of how it is read. Fixes the point that the following
    /// reads see: content that changes later gives a new fingerprint, never an old one.
    ///
    /// # Errors
    /// When the source cannot be read.
    fn fingerprint(&mut self) -> Result<Digest, Error>;

    /// Makes the source readable again after a read that failed and may be tried again, and says what the following
    /// reads see. The digest is that of the last [`Source::fingerprint`] where that point still stands, or where the
    /// source can tell that nothing has changed since; any other digest is that of a new point, and what was read
    /// before does not belong to it.
    ///
    /// # Errors
    /// When the source cannot be read yet, or not any more.
    fn resume(&mut self) -> Result<Digest, Error> {
        self.fingerprint()
    }

    /// What the values of columns are whose declaration says nothing about that, by the name of the column and as a
    /// declaration would say it; empty where they are of several types. Only SQLite has such columns.
    ///
    /// # Errors
    /// When the table cannot be read.
    fn held_types(&mut self, _table: &TableSchema) -> Result<BTreeMap<String, String>, Error> {
        Ok(BTreeMap::new())
    }

    /// The character sets in which the texts of columns are stored, as the source calls them, by the name of the
    /// column; empty where it does not say. Texts travel as the letters that they are, whatever they are stored in.
    ///
    /// # Errors
    /// When the source cannot be asked.
    fn character_sets(&mut self, _table: &TableSchema) -> Result<BTreeMap<String, String>, Error> {
        Ok(BTreeMap::new())
    }

    /// What holds the reads after the last [`Source::fingerprint`] together.
    fn consistency(&self) -> Consistency;

    /// The file of the driver that was loaded to read, where that is no part of the program.
    fn driver(&self) -> Option<&Path> {
        None
    }

    /// Another connection that reads at the same point in time, so that several tables can be read at once;
    /// `None` where that cannot be had.
    ///
    /// # Errors
    /// When the connection cannot be made.
    fn beside(&mut self) -> Result<Option<Box<dyn Source + Send>>, Error> {
        Ok(None)
    }

    /// Reads the columns of `table` in batches of at most `batch_rows` rows, always in the same order.
    /// A batch may be shorter when its values are large. A caller may leave out columns of a table that
    /// [`Source::tables`] gave: they are then not read.
    ///
    /// # Errors
    /// When the table or a column is not there, or the source cannot be read.
    fn read<'a>(
        &'a mut self,
        table: &TableSchema,
        batch_rows: usize,
    ) -> Result<Box<dyn TableReader + 'a>, Error> {
        self.read_span(table, &Span::default(), Batching::of(batch_rows))
    }

    /// Reads the rows of a span, as [`Source::read`] reads all of them. The source is asked for no row before it and
    /// for none behind it; only a file is passed through up to where the span begins.
    ///
    /// # Errors
    /// As [`Source::read`], and when the marks of the span are not of this table as it is now.
    fn read_span<'a>(
        &'a mut self,
        table: &TableSchema,
        span: &Span,
        batching: Batching,
    ) -> Result<Box<dyn TableReader + 'a>, Error>;

    /// Marks that cut what lies behind `after` into spans of about `rows_each` rows, in reading order, so that
    /// several readers can read them at once. None where that would not be cheap to say or not worth it.
    ///
    /// # Errors
    /// When the source cannot be asked.
    fn ranges(
        &mut self,
        _table: &TableSchema,
        _after: Option<&Mark>,
        _rows_each: u64,
    ) -> Result<Vec<Mark>, Error> {
        Ok(Vec::new())
    }
}

/// Whether all tables are read as they were at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// They are.
    Point {
        /// How: the mechanism, such as `exported snapshot`.
        how: &'static str,
        /// Which moment, in the source's own terms; empty where the fingerprint says it all.
        at: String,
    },
    /// They are not: a transfer between two rows that was made meanwhile may be seen by half.
    None {
        /// Why not.
        why: String,
    },
}

/// A table as the source describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSchema {
    /// The name, as the source spells it.
    pub name: String,
    /// The columns in the order of the source; names that begin with `_` were added by the connector.
    pub columns: Vec<SourceColumn>,
    /// The columns of a declared primary key in key order; empty when there is none.
    pub key_unique: Vec<String>,
    /// About how many rows there are: for progress and plans, not for sums.
    pub rows_estimate: u64,
}

impl TableSchema {
    /// The schema of the batches that reading this table gives.
    #[must_use]
    pub fn batch_schema(&self) -> BatchSchema {
        BatchSchema::new(self.columns.iter().map(|column| (column.name.clone(), column.kind)))
    }
}

/// A column as the source describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceColumn {
    /// The name, as the source spells it.
    pub name: String,
    /// The type as declared there, verbatim; empty when the source declares none.
    pub declared_type: String,
    /// How its values travel: as text, or as bytes for a column that is declared to hold bytes.
    pub kind: ColumnType,
    /// Whether it may be NULL; `None` where the source does not say.
    pub nullable: Option<bool>,
}

/// The rows of one table, with the account of what was read.
pub trait TableReader: BatchReader {
    /// The account so far; complete when the reader has given its last batch.
    fn ledger(&self) -> TableLedger;

    /// Hands over what could not be read as rows since the last call. To be called after every batch,
    /// which keeps memory flat, and once more after the last.
    fn take_unreadable(&mut self) -> Vec<UnreadableRow>;

    /// The mark behind the last batch: a later reading of the same content goes on from there. `None` when there is
    /// none, because the rows have no key that could be found again.
    fn mark(&self) -> Option<Mark> {
        None
    }

    /// The marks behind each row of the last batch, when they were asked for. To be called after every batch then.
    fn take_marks(&mut self) -> RowMarks {
        RowMarks::default()
    }
}

/// A physical line or row that could not be read as a row of its table.
#[derive(Clone, PartialEq, Eq)]
pub struct UnreadableRow {
    /// The name of the file.
    pub file: String,
    /// The 1-based line of a text file, or the 1-based position of the row in reading order.
    pub line: u64,
    /// The column at fault, when one is.
    pub column: Option<String>,
    /// The reason code.
    pub reason: &'static str,
    /// The bytes as found, so that nothing is lost. Personal data.
    pub raw: Vec<u8>,
}

impl fmt::Debug for UnreadableRow {
    /// Prints the place, never the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnreadableRow({}:{} {}, {} bytes)", self.file, self.line, self.reason, self.raw.len())
    }
}

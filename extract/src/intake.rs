//! A table on its way in: its rows as batches, the account of them, and what is kept aside.

use std::mem;

use bron_mappings::{Batch, BatchReader, BatchSchema, ReadError, Value};

use crate::batches::{Basket, RowBuilder};
use crate::error::Error;
use crate::ledger::TableLedger;
use crate::source::{TableReader, TableSchema, UnreadableRow};
use crate::span::{Batching, Mark, PartCut, RowMarks, Span};

/// What a connector fills while it reads a table.
pub(crate) struct Intake {
    builder: RowBuilder,
    /// The account.
    pub(crate) ledger: TableLedger,
    /// The marks behind the rows of the batch, where the rows have a key.
    pub(crate) marks: RowMarks,
    unreadable: Basket,
    /// Where parts end, when batches have to end there too.
    part: Option<PartCut>,
    /// Whether a part ends here.
    at_cut: bool,
}

impl Intake {
    pub(crate) fn new(table: &TableSchema, span: &Span, batching: Batching) -> Self {
        Self {
            builder: RowBuilder::new(table.batch_schema(), batching.rows, batching.bytes),
            ledger: span.before.clone(),
            marks: RowMarks::new(batching.marks_every_row),
            unreadable: Basket::default(),
            part: batching.part(),
            at_cut: false,
        }
    }

    /// Whether the rows so far are a batch, or what is kept aside has to be handed over.
    pub(crate) fn is_full(&self) -> bool {
        self.at_cut || self.builder.is_full() || self.unreadable.is_full()
    }

    /// Adds a value to one column of the row under construction.
    #[inline]
    pub(crate) fn push(&mut self, column: usize, value: Option<Value<'_>>) {
        self.builder.push(column, value);
    }

    /// Gives a column the same text, or NULL, in every row from the one under construction on; see
    /// [`RowBuilder::stand`].
    pub(crate) fn stand(&mut self, column: usize, text: Option<&str>) {
        self.builder.stand(column, text);
    }

    /// Has values pushed to a column again; see [`RowBuilder::vary`].
    pub(crate) fn vary(&mut self, column: usize) {
        self.builder.vary(column);
    }

    /// Ends and counts a row whose every column has got one value.
    pub(crate) fn end_row(&mut self) {
        let bytes = self.builder.end_row();
        self.marks.note_size(bytes);
        self.at_cut = self.part.as_mut().is_some_and(|part| part.ends_with_row(bytes));
        self.ledger.stage();
    }

    fn finish_batch(&mut self) -> Batch {
        self.at_cut = false;
        self.builder.finish()
    }

    /// Keeps a row aside and counts it.
    pub(crate) fn keep_aside(&mut self, row: UnreadableRow) {
        self.ledger.quarantine(&row.file, row.line, row.reason);
        self.unreadable.add(row);
    }

    /// The name of a column.
    pub(crate) fn column(&self, index: usize) -> &str {
        &self.builder.schema().columns()[index].name
    }
}

/// A connector in the middle of a table.
pub(crate) trait Rows {
    /// Reads on until the intake is full, `true`, or the table is at its end, `false`.
    fn fill(&mut self, intake: &mut Intake) -> Result<bool, Error>;

    /// The mark behind what the intake has got so far.
    fn mark(&self, intake: &Intake) -> Option<Mark> {
        intake.marks.behind_last()
    }
}

/// The one [`TableReader`]: what differs between connectors is how they fill.
pub(crate) struct TableRows<R> {
    rows: R,
    intake: Intake,
    /// Nothing follows: the end of the table, or an error.
    ended: bool,
}

impl<R: Rows> TableRows<R> {
    pub(crate) fn new(rows: R, table: &TableSchema, span: &Span, batching: Batching) -> Self {
        Self { rows, intake: Intake::new(table, span, batching), ended: false }
    }
}

impl<R: Rows> Iterator for TableRows<R> {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if mem::replace(&mut self.ended, true) {
            return None;
        }
        match self.rows.fill(&mut self.intake) {
            Ok(goes_on) => {
                self.ended = !goes_on;
                let over = self.ended && self.intake.builder.is_empty();
                (!over).then(|| Ok(self.intake.finish_batch()))
            }
            Err(error) => Some(Err(ReadError::from(error))),
        }
    }
}

impl<R: Rows> BatchReader for TableRows<R> {
    fn schema(&self) -> &BatchSchema {
        self.intake.builder.schema()
    }
}

impl<R: Rows> TableReader for TableRows<R> {
    fn ledger(&self) -> TableLedger {
        self.intake.ledger.clone()
    }

    fn take_unreadable(&mut self) -> Vec<UnreadableRow> {
        self.intake.unreadable.empty()
    }

    fn mark(&self) -> Option<Mark> {
        self.rows.mark(&self.intake)
    }

    fn take_marks(&mut self) -> RowMarks {
        self.intake.marks.take()
    }
}

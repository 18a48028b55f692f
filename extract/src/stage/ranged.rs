//! A table that several connections read at once, span by span, as the rows of one reader.
//!
//! Every connection reads its spans in order and hands their batches to a queue that has room for about one part, so
//! that nobody is further ahead than that. The rows are taken from the queues in the order of the spans, and cut
//! where one reader would have cut them: how many connections there are does not show.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use bron_mappings::{Batch, BatchReader, BatchSchema, ReadError};

use super::StageRequest;
use crate::error::{Error, ErrorKind};
use crate::ledger::TableLedger;
use crate::source::{Source, TableReader, TableSchema, UnreadableRow};
use crate::span::{Batching, Mark, PartCut, RowMarks, Span};

/// What a connection hands on.
enum Handed {
    Rows {
        batch: Batch,
        marks: RowMarks,
        unreadable: Vec<UnreadableRow>,
    },
    /// A span is at its end; what could not be read behind its last row.
    End(Vec<UnreadableRow>),
    Failed(Error),
}

/// Reads what lies behind `span.after` in the spans that `marks` cut it into, by all of `sources` at once, and gives
/// the rows to `work` as one reader does.
pub(super) fn read<T>(
    sources: Vec<&mut dyn Source>,
    request: &StageRequest<'_>,
    span: &Span,
    marks: &[Mark],
    work: impl FnOnce(&mut dyn TableReader) -> Result<T, Error>,
) -> Result<T, Error> {
    let room = request.parts.rows_per_part.div_ceil(request.batch_rows.max(1)).clamp(1, 64);
    let batching =
        Batching::of(request.batch_rows).marking_every_row((request.parts.bytes_per_part / room).max(1));
    let spans = spans(span, marks);
    let readers = sources.len();
    thread::scope(|scope| {
        let queues = sources.into_iter().enumerate().map(|(at, source)| {
            let own: Vec<Span> = spans.iter().skip(at).step_by(readers).cloned().collect();
            let (sender, queue) = sync_channel(room);
            scope.spawn(move || read_spans(source, request.table, &own, batching, &sender));
            queue
        });
        let mut reader = RangedReader {
            queues: queues.collect(),
            schema: request.table.batch_schema(),
            spans: spans.len(),
            span: 0,
            current: None,
            waiting: VecDeque::new(),
            rows_before_span: span.before.read,
            ledger: span.before.clone(),
            unreadable: Vec::new(),
            cut: request.batching().part(),
            mark: None,
            ended: false,
        };
        work(&mut reader)
        // The queues go with the reader: whoever still reads finds nobody to hand anything to, and ends.
    })
}

/// The spans between one mark and the next.
fn spans(whole: &Span, marks: &[Mark]) -> Vec<Span> {
    let ends = marks.iter().cloned().map(Some).chain([whole.up_to.clone()]);
    let starts = [whole.after.clone()].into_iter().chain(marks.iter().cloned().map(Some));
    starts.zip(ends).map(|(after, up_to)| Span { after, up_to, ..Span::default() }).collect()
}

/// Reads the spans of one connection. Ends early when nobody takes what is read.
fn read_spans(
    source: &mut dyn Source,
    table: &TableSchema,
    spans: &[Span],
    batching: Batching,
    queue: &SyncSender<Handed>,
) {
    for span in spans {
        let done = read_span(source, table, span, batching, queue);
        match done {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                // Nobody to tell means that somebody else failed before.
                drop(queue.send(Handed::Failed(error)));
                return;
            }
        }
    }
}

/// Reads one span; `false` when nobody takes it any more.
fn read_span(
    source: &mut dyn Source,
    table: &TableSchema,
    span: &Span,
    batching: Batching,
    queue: &SyncSender<Handed>,
) -> Result<bool, Error> {
    let mut reader = source.read_span(table, span, batching)?;
    while let Some(batch) = reader.next() {
        let batch = batch.map_err(Error::from_reader)?;
        let (marks, unreadable) = (reader.take_marks(), reader.take_unreadable());
        if queue.send(Handed::Rows { batch, marks, unreadable }).is_err() {
            return Ok(false);
        }
    }
    Ok(queue.send(Handed::End(reader.take_unreadable())).is_ok())
}

/// The rows of all spans in order.
struct RangedReader {
    queues: Vec<Receiver<Handed>>,
    schema: BatchSchema,
    spans: usize,
    /// The span at hand.
    span: usize,
    current: Option<Current>,
    /// What could not be read of the span at hand and lies behind the rows that were given.
    waiting: VecDeque<UnreadableRow>,
    /// The rows of the table before the span at hand.
    rows_before_span: u64,
    ledger: TableLedger,
    unreadable: Vec<UnreadableRow>,
    cut: Option<PartCut>,
    mark: Option<Mark>,
    ended: bool,
}

/// A batch, and how much of it was given.
struct Current {
    batch: Batch,
    marks: RowMarks,
    given: usize,
}

impl RangedReader {
    fn step(&mut self) -> Result<Option<Batch>, Error> {
        loop {
            let rest = self.current.take().filter(|current| current.given < current.batch.rows());
            if let Some(current) = rest {
                return Ok(Some(self.give(current)));
            }
            if self.span == self.spans {
                return Ok(None);
            }
            match self.queues[self.span % self.queues.len()].recv() {
                Ok(Handed::Rows { batch, marks, unreadable }) => {
                    self.wait_for(unreadable);
                    if batch.rows() == 0 {
                        // Rows that nobody can read are handed on as they come, and not collected.
                        self.keep_aside_next();
                        return Ok(Some(batch));
                    }
                    self.current = Some(Current { batch, marks, given: 0 });
                }
                Ok(Handed::End(unreadable)) => {
                    self.wait_for(unreadable);
                    while let Some(row) = self.waiting.pop_front() {
                        self.keep_aside(row);
                    }
                    self.rows_before_span = self.ledger.read;
                    self.span += 1;
                }
                Ok(Handed::Failed(error)) => return Err(error),
                Err(_) => {
                    let problem = "a connection that read a part of the table ended without a word";
                    return Err(Error::new(ErrorKind::Connection, problem));
                }
            }
        }
    }

    /// Takes over rows that could not be read. Their place in the span becomes that in the table.
    fn wait_for(&mut self, rows: Vec<UnreadableRow>) {
        let before = self.rows_before_span;
        self.waiting.extend(rows.into_iter().map(|row| UnreadableRow { line: row.line + before, ..row }));
    }

    /// Keeps the rows aside that come before the next one that could be read.
    fn keep_aside_next(&mut self) {
        while let Some(row) = self.waiting.pop_front_if(|row| row.line == self.ledger.read + 1) {
            self.keep_aside(row);
        }
    }

    fn keep_aside(&mut self, row: UnreadableRow) {
        self.ledger.quarantine(&row.file, row.line, row.reason);
        self.unreadable.push(row);
    }

    /// The next rows of the batch, up to where a part ends.
    fn give(&mut self, mut current: Current) -> Batch {
        let first = current.given;
        let mut at_cut = false;
        while current.given < current.batch.rows() && !at_cut {
            self.keep_aside_next();
            let size = current.marks.size(current.given);
            at_cut = self.cut.as_mut().is_some_and(|cut| cut.ends_with_row(size));
            self.ledger.stage();
            current.given += 1;
        }
        let rows = current.batch.slice(first, current.given - first);
        self.mark = current.marks.behind(current.given - 1);
        self.current = Some(current);
        rows
    }
}

impl Iterator for RangedReader {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let step = self.step();
        self.ended = !matches!(step, Ok(Some(_)));
        step.map_err(ReadError::from).transpose()
    }
}

impl BatchReader for RangedReader {
    fn schema(&self) -> &BatchSchema {
        &self.schema
    }
}

impl TableReader for RangedReader {
    fn ledger(&self) -> TableLedger {
        self.ledger.clone()
    }

    fn take_unreadable(&mut self) -> Vec<UnreadableRow> {
        std::mem::take(&mut self.unreadable)
    }

    fn mark(&self) -> Option<Mark> {
        self.mark.clone()
    }
}

//! Interrupts the staging of a table behind each of its parts, for tests of connectors.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bron_mappings::{Batch, BatchReader, BatchSchema, Digest, ReadError};

use crate::error::{Error, ErrorKind};
use crate::ledger::TableLedger;
use crate::parts::PartOptions;
use crate::parts::tests::files;
use crate::source::tests::reading::table;
use crate::source::{Consistency, Source, TableReader, TableSchema, UnreadableRow};
use crate::span::{Batching, Mark, RowMarks, Span};
use crate::stage::{StageRequest, Staged, stage_table_by};

/// A source that counts the rows that it gives, and fails when there are too many.
struct Counted {
    source: Box<dyn Source + Send>,
    rows: Arc<AtomicU64>,
    limit: u64,
    /// The connections that were made beside it.
    beside: usize,
}

struct CountedReader<'s> {
    reader: Box<dyn TableReader + 's>,
    rows: Arc<AtomicU64>,
    limit: u64,
}

impl Source for Counted {
    fn tables(&mut self) -> Result<Vec<TableSchema>, Error> {
        self.source.tables()
    }

    fn fingerprint(&mut self) -> Result<Digest, Error> {
        self.source.fingerprint()
    }

    fn consistency(&self) -> Consistency {
        self.source.consistency()
    }

    fn beside(&mut self) -> Result<Option<Box<dyn Source + Send>>, Error> {
        let (rows, limit) = (Arc::clone(&self.rows), self.limit);
        let other = self.source.beside()?;
        self.beside += usize::from(other.is_some());
        Ok(other
            .map(|source| -> Box<dyn Source + Send> { Box::new(Self { source, rows, limit, beside: 0 }) }))
    }

    fn read_span<'a>(
        &'a mut self,
        table: &TableSchema,
        span: &Span,
        batching: Batching,
    ) -> Result<Box<dyn TableReader + 'a>, Error> {
        let reader = self.source.read_span(table, span, batching)?;
        Ok(Box::new(CountedReader { reader, rows: Arc::clone(&self.rows), limit: self.limit }))
    }

    fn ranges(
        &mut self,
        table: &TableSchema,
        after: Option<&Mark>,
        rows_each: u64,
    ) -> Result<Vec<Mark>, Error> {
        self.source.ranges(table, after, rows_each)
    }
}

impl Iterator for CountedReader<'_> {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        let rows = batch.as_ref().map_or(0, Batch::rows).try_into().unwrap();
        let sum = self.rows.fetch_add(rows, Ordering::SeqCst) + rows;
        if sum <= self.limit {
            Some(batch)
        } else {
            Some(Err(Error::new(ErrorKind::Connection, "cut").into()))
        }
    }
}

impl BatchReader for CountedReader<'_> {
    fn schema(&self) -> &BatchSchema {
        self.reader.schema()
    }
}

impl TableReader for CountedReader<'_> {
    fn ledger(&self) -> TableLedger {
        self.reader.ledger()
    }

    fn take_unreadable(&mut self) -> Vec<UnreadableRow> {
        self.reader.take_unreadable()
    }

    fn mark(&self) -> Option<Mark> {
        self.reader.mark()
    }

    fn take_marks(&mut self) -> RowMarks {
        self.reader.take_marks()
    }
}

/// How a table is staged.
#[derive(Clone, Copy)]
struct How<'h> {
    open: &'h dyn Fn() -> Box<dyn Source + Send>,
    table: &'h str,
    without: &'h str,
    rows_per_part: usize,
}

/// Stages with so many connections; gives the outcome and how many rows were read.
fn stage(
    how: How<'_>,
    dir: &Path,
    readers: usize,
    batch_rows: usize,
    limit: u64,
) -> (Result<Staged, Error>, u64) {
    let rows = Arc::new(AtomicU64::new(0));
    let mut source = Counted { source: (how.open)(), rows: Arc::clone(&rows), limit, beside: 0 };
    let mut table = table(&mut source, how.table);
    table.columns.retain(|column| column.name != how.without);
    // More ranges than there are parts; nobody has analysed the table yet.
    table.rows_estimate = u64::try_from(how.rows_per_part * 9).unwrap();
    let request = StageRequest {
        system: "s",
        table: &table,
        fingerprint: Digest::of(b"the same content"),
        dir,
        batch_rows,
        parts: PartOptions { rows_per_part: how.rows_per_part, ..PartOptions::default() },
    };
    let staged = stage_table_by(&mut source, readers, &request);
    assert!(source.beside + 1 == readers || matches!(&staged, Ok(staged) if staged.reused));
    (staged, rows.load(Ordering::SeqCst))
}

/// The rows in the parts that the journal calls finished, and those that were kept aside before their end.
fn finished_rows(dir: &Path) -> u64 {
    let steps = files(dir).into_iter().filter(|(name, _)| name.starts_with("progress-"));
    let step = steps.map(|(_, text)| serde_json::from_slice::<serde_json::Value>(&text).unwrap());
    step.flat_map(|step| step["step"]["parts"].as_array().unwrap().clone())
        .map(|part| part["rows"].as_u64().unwrap())
        .sum()
}

/// Stages a table whole, then cuts its reading off behind one part or another and goes on: each time the files are the
/// same byte for byte, and no row of a finished part is read again. All of it with each number of connections.
/// `without` is a column that is not staged.
pub(crate) fn check(
    open: &dyn Fn() -> Box<dyn Source + Send>,
    table: &str,
    without: &str,
    rows_per_part: usize,
    most_readers: usize,
) {
    let how = How { open, table, without, rows_per_part };
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    let (staged, total) = stage(how, &whole, 1, 1000, u64::MAX);
    let manifest = staged.unwrap().manifest;
    assert_eq!(total, manifest.rows);
    assert!(manifest.parts.len() > 2, "{} parts", manifest.parts.len());
    let expected = files(&whole);
    assert!(!expected.keys().any(|name| name.starts_with("progress") || name.starts_with("mark")));
    for readers in 1..=most_readers {
        let mut kept = 0;
        let some = manifest.parts.len().div_ceil(5);
        for (at, part) in (1..).zip(&manifest.parts).skip(readers - 1).step_by(some) {
            let to = dir.path().join(format!("{readers}-{at}"));
            let limit = u64::try_from(at * rows_per_part).unwrap() - part.rows.min(2) / 2;
            // Batches that fit the parts, and batches that do not.
            let (cut, _) = stage(how, &to, readers, if at % 2 == 0 { 7 } else { 1000 }, limit);
            if limit < total {
                assert_eq!(cut.unwrap_err().kind(), ErrorKind::Connection, "{readers} readers, part {at}");
            }
            let finished = finished_rows(&to);
            if readers == 1 && limit < total {
                let part = u64::try_from(rows_per_part).unwrap();
                assert_eq!(finished, limit / part * part);
            }
            kept += finished;
            let (again, read) = stage(how, &to, readers, 100, u64::MAX);
            assert_eq!(again.unwrap().manifest, manifest, "{readers} readers, cut in part {at}");
            if limit < total {
                assert_eq!(
                    read,
                    total - finished,
                    "{readers} readers, cut in part {at}: rows were read again"
                );
            }
            assert!(files(&to) == expected, "{readers} readers, cut in part {at}: other bytes");
        }
        assert!(kept > 0, "{readers} readers kept nothing");
    }
}

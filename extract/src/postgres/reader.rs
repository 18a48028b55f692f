//! The rows of one PostgreSQL table.

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use memchr::memchr;
use tokio::runtime::Runtime;

use super::copy_text::{CopyRow, Form};
use super::refusal::meaning;
use crate::error::Error;
use crate::found::RowTaker;
use crate::intake::{Intake, Rows};
use crate::pace::Pace;
use crate::refusal::refused;
use crate::selection::Reading;

/// The rows that a `COPY` statement sends, as chunks that may end anywhere.
pub(super) struct PostgresRows<'a, B> {
    runtime: &'a Runtime,
    chunks: BoxStream<'a, Result<B, sqlx::Error>>,
    reading: Reading<Form>,
    row: CopyRow,
    taker: RowTaker,
    pace: Pace,
    chunk: Option<B>,
    /// How much of the chunk is used up.
    used: usize,
    /// The beginning of a line whose end is in a later chunk.
    begun: Vec<u8>,
}

impl<'a, B: AsRef<[u8]>> PostgresRows<'a, B> {
    pub(super) fn new(
        runtime: &'a Runtime,
        chunks: BoxStream<'a, Result<B, sqlx::Error>>,
        reading: Reading<Form>,
        taker: RowTaker,
        pace: Pace,
    ) -> Self {
        Self {
            runtime,
            chunks,
            taker,
            reading,
            row: CopyRow::default(),
            pace,
            chunk: None,
            used: 0,
            begun: Vec::new(),
        }
    }

    /// Takes the lines that end in the chunk at hand, until the intake is full.
    fn take_lines(&mut self, intake: &mut Intake) -> Result<(), Error> {
        let Some(chunk) = &self.chunk else { return Ok(()) };
        let bytes = chunk.as_ref();
        while !intake.is_full() {
            let rest = &bytes[self.used..];
            let Some(end) = memchr(b'\n', rest) else {
                self.begun.extend_from_slice(rest);
                self.chunk = None;
                return Ok(());
            };
            self.used += end + 1;
            let line = if self.begun.is_empty() {
                &rest[..end]
            } else {
                self.begun.extend_from_slice(&rest[..end]);
                &self.begun
            };
            let read = self.row.read(line, &self.reading.forms);
            read.map_err(|_| self.reading.corrupt("the server sent something that is no row"))?;
            self.taker.take(&self.row.values(line), intake);
            self.begun.clear();
        }
        Ok(())
    }

    async fn next_chunk(&mut self) -> Result<bool, Error> {
        let next = self.chunks.next().await.transpose();
        let Reading { place, doing, .. } = &self.reading;
        self.chunk = next.map_err(|error| refused(place, doing, error, meaning))?;
        self.used = 0;
        Ok(self.chunk.is_some())
    }
}

impl<B: AsRef<[u8]>> Rows for PostgresRows<'_, B> {
    fn fill(&mut self, intake: &mut Intake) -> Result<bool, Error> {
        let before = intake.ledger.read;
        let runtime = self.runtime;
        // A chunk is often no more than a row: the runtime is entered once for all of them.
        let goes_on = runtime.block_on(async {
            let mut goes_on = true;
            while goes_on && !intake.is_full() {
                if self.chunk.is_none() {
                    goes_on = self.next_chunk().await?;
                }
                self.take_lines(intake)?;
            }
            Ok::<bool, Error>(goes_on)
        })?;
        if !goes_on && !self.begun.is_empty() {
            return Err(self.reading.corrupt("the last row is not whole"));
        }
        self.pace.keep(intake.ledger.read - before);
        Ok(goes_on)
    }
}

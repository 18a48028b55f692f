//! Going on behind parts that are there already.

use std::path::Path;

use bron_mappings::BatchSchema;

use super::{Making, PartEntry, PartOptions, PartWriter, read_parts};
use crate::error::Error;

/// The rows of a batch while finished parts are looked through.
const ROWS: usize = 8192;

impl PartWriter {
    /// A writer that goes on behind finished parts. Each is read and compared with its digests, so that what goes on
    /// to be trusted is whole.
    ///
    /// # Errors
    /// Those of [`PartWriter::new`] and of [`read_parts`].
    pub(crate) fn behind(
        dir: &Path,
        schema: &BatchSchema,
        options: PartOptions,
        parts: Vec<PartEntry>,
    ) -> Result<Self, Error> {
        let mut writer = Self::new(dir, schema, options)?;
        if let Making::Here(maker) = &mut writer.making {
            let rows = read_parts(dir, schema, &parts, None, ROWS)?.within(maker.vault.as_ref());
            for batch in rows {
                maker.content.add(&batch.map_err(Error::from_reader)?);
            }
            maker.rows = parts.iter().map(|part| part.rows).sum();
            writer.handed_over = parts.len();
            maker.parts = parts;
        }
        Ok(writer)
    }

    /// The parts that are whole by now: all that were handed over, or perhaps all but the last when parts are made in
    /// the background.
    pub(crate) fn parts(&mut self) -> &[PartEntry] {
        match &mut self.making {
            Making::Here(maker) => &maker.parts,
            Making::Behind(background) => background.parts(),
        }
    }

    /// How many parts have all their rows, whole or being made.
    pub(crate) const fn handed_over(&self) -> usize {
        self.handed_over
    }

    /// Waits until every part that was handed over is whole.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) when one cannot be written.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        match &mut self.making {
            Making::Here(_) => Ok(()),
            Making::Behind(background) => background.settle(),
        }
    }

    /// Whether every row so far is in a finished part.
    pub(crate) fn is_at_cut(&self) -> bool {
        self.pending_rows == 0
    }

    /// Ends the part under construction, when it has rows.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) when it cannot be written.
    pub(crate) fn cut(&mut self) -> Result<(), Error> {
        if self.is_at_cut() { Ok(()) } else { self.flush() }
    }
}

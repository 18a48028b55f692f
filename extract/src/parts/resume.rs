//! Going on behind parts that are there already.

use std::path::Path;

use bron_mappings::BatchSchema;

use super::{PartEntry, PartOptions, PartWriter, read_parts};
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
        for batch in read_parts(dir, schema, &parts, None, ROWS)? {
            writer.content.add(&batch.map_err(Error::from_reader)?);
        }
        writer.rows = parts.iter().map(|part| part.rows).sum();
        writer.parts = parts;
        Ok(writer)
    }

    /// The finished parts.
    pub(crate) fn parts(&self) -> &[PartEntry] {
        &self.parts
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

//! The error of this crate.

use std::fmt;

use bron_mappings::ReadError;

use crate::tables::Side;

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A control file cannot be used.
    Control,
    /// What stands behind a reader failed.
    Reader,
    /// A reader's columns are not those that the comparison needs.
    Columns,
    /// Rows did not come in the order of their ids, or an id was missing.
    Order,
    /// A count or a sum left the range that can be reported.
    Overflow,
    /// The report could not be written, or a summary or a workbook could not be read.
    Report,
}

/// Why a reconciliation could not be carried out. Differences between source and target are not errors:
/// they are findings. The text names tables, columns and files, never a value.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    context: String,
    source: Option<ReadError>,
    unsorted: Option<Side>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None, unsorted: None }
    }

    pub(crate) fn caused(kind: ErrorKind, context: impl Into<String>, source: impl Into<ReadError>) -> Self {
        Self { kind, context: context.into(), source: Some(source.into()), unsorted: None }
    }

    pub(crate) fn unsorted(side: Side, table: &str) -> Self {
        let context = format!("the {} rows of {table} are not sorted by their key", side.name());
        Self { unsorted: Some(side), ..Self::new(ErrorKind::Order, context) }
    }

    /// The side of a comparison of two tables whose rows did not come in the order of the key.
    #[must_use]
    pub const fn unsorted_side(&self) -> Option<Side> {
        self.unsorted
    }

    /// What kind of thing went wrong.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later: only a reader, behind which a database may stand, can recover.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Reader)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| {
            let source: &(dyn std::error::Error + 'static) = source.as_ref();
            source
        })
    }
}

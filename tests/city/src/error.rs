//! The crate's error: what went wrong, in which file or table, and why.

use std::fmt;

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The plan asks for a city that cannot be built: the number of persons is outside `1..=60_000`.
    Plan,
    /// A file or directory that would be written is already there. Nothing is overwritten.
    Occupied,
    /// The file system refused.
    Io,
    /// SQLite refused.
    Database,
    /// The truth could not be written as JSON.
    Json,
}

/// An error with its context (a file, a table, a step) and its cause.
///
/// Neither the context nor the text of the error ever holds a value from a row.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    context: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None }
    }

    pub(crate) fn caused(
        kind: ErrorKind,
        context: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self { kind, context: context.into(), source: Some(Box::new(source)) }
    }

    pub(crate) fn io(context: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        |source| Self::caused(ErrorKind::Io, context, source)
    }

    /// What kind of thing went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later without anything being changed: true for the file system only.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind == ErrorKind::Io
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::Plan => "the city cannot be planned",
            ErrorKind::Occupied => "something is already there",
            ErrorKind::Io => "the file system refused",
            ErrorKind::Database => "the database refused",
            ErrorKind::Json => "the truth cannot be written",
        };
        write!(f, "{what}: {}", self.context)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| -> &(dyn std::error::Error + 'static) { source })
    }
}

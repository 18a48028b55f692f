//! The one error type of the crate.

use std::error::Error as StdError;
use std::fmt;

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What sort of thing went wrong, and so who can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The settings, an address or an option cannot be used as written.
    Config,
    /// A server was not reached, or the connection was lost, or somebody else holds a lock. Retryable. What was under
    /// way may have been committed: ask before doing it again.
    Connection,
    /// The storage is full, missing or failing, or may not be written.
    Storage,
    /// The source no longer has what follows a position.
    Expired,
    /// The source has gone back in time.
    Rewound,
    /// A database is not what the mappings or the store expect.
    Drift,
    /// Somebody else has the lease, or a later epoch or lease is in force: this process may not write.
    Fenced,
    /// The journal or the store is not what was written.
    Corrupt,
    /// The verb is not legal in the present phase, or a gate is not open.
    Refused,
    /// The database refused for another reason, or the rows break a rule of it.
    Database,
}

/// A failure, with the table, source or file it concerns, and never a value of a row.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    context: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A failure that has no other behind it.
    #[must_use]
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None }
    }

    /// A failure with what lies behind it. The caller sees to it that the source holds no value of a row.
    #[must_use]
    pub fn because(
        kind: ErrorKind,
        context: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, context: context.into(), source: Some(source.into()) }
    }

    /// What a database said, by way of the one judgement of drivers' errors: nothing of it can be a value of a row.
    pub(crate) fn of(error: &sqlx::Error, context: impl Into<String>) -> Self {
        let said = bron_load::Error::of(error, context);
        let cause = said.source().map(|cause| cause.to_string().into());
        Self { kind: kind_of(said.kind()), context: said.to_string(), source: cause }
    }

    /// Says where it happened in front of what happened.
    pub(crate) fn at(mut self, place: &str) -> Self {
        self.context = format!("{place}: {}", self.context);
        self
    }

    /// The sort.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the same may succeed when it is tried again as it is.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Connection)
    }
}

/// The sort here of what loading calls so.
const fn kind_of(kind: bron_load::ErrorKind) -> ErrorKind {
    use bron_load::ErrorKind as Load;
    match kind {
        Load::Config => ErrorKind::Config,
        Load::Connection | Load::Busy => ErrorKind::Connection,
        Load::Storage | Load::Permission => ErrorKind::Storage,
        Load::Drift | Load::Format => ErrorKind::Drift,
        Load::Corrupt => ErrorKind::Corrupt,
        // The list of kinds there may grow.
        Load::Data | Load::Database | _ => ErrorKind::Database,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source: &(dyn StdError + 'static) = self.source.as_deref()?;
        Some(source)
    }
}

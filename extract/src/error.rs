//! What can go wrong while a source is read or a part is written.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::Path;

use bron_mappings::{ReadError, UnknownFormat};
use parquet::errors::ParquetError;

/// The kinds of error, for code that decides what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file, folder, table or part that should be there is not.
    Missing,
    /// It is there, but cannot be opened or is not what it should be: no permission, not a database.
    Unreadable,
    /// An artefact has a format that this program does not understand: a newer one wrote it. Nothing of it is used,
    /// and nothing is made anew in its place.
    Format,
    /// It is in use: a locked database, or a file that changed while it was read. Try again later.
    Busy,
    /// The bytes of a file do not fit the encoding that its dialect declares.
    Encoding,
    /// A file ends in the middle of a line, or is empty.
    Truncated,
    /// The source has another shape than declared: unknown files, missing or unknown columns.
    Drift,
    /// A part or manifest does not hold what was written to it, or a database file is damaged.
    Corrupt,
    /// The output could not be written: disk full, no permission, device error.
    Storage,
    /// The connection to a server could not be made or was lost. Try again later.
    Connection,
    /// The point in time of the reading cannot be seen any more: it is gone, or a table was written anew after it.
    /// Take another [`Source::fingerprint`](crate::Source::fingerprint) and read again.
    Outdated,
    /// A server did not let the user in, or not to a table or what else was asked for.
    Permission,
    /// The database refused a statement for another reason.
    Database,
    /// The caller's settings make no sense: an unknown encoding, a pattern that does not parse.
    Settings,
}

/// An error of this crate.
///
/// The text names files, tables, columns and line numbers, never a value of a row, and does not repeat
/// the text of its [source](StdError::source).
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    context: String,
    source: Option<ReadError>,
}

impl Error {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether reading again later may succeed without anybody changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Busy | ErrorKind::Connection | ErrorKind::Outdated)
    }

    pub(crate) fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None }
    }

    pub(crate) fn because(kind: ErrorKind, context: String, source: impl Into<ReadError>) -> Self {
        Self { kind, context, source: Some(source.into()) }
    }

    /// An input that could not be read.
    pub(crate) fn reading(path: &Path, error: io::Error) -> Self {
        let (kind, problem) = if error.kind() == io::ErrorKind::NotFound {
            (ErrorKind::Missing, "does not exist")
        } else if error.kind() == io::ErrorKind::PermissionDenied {
            (ErrorKind::Unreadable, "may not be read by this user")
        } else {
            (ErrorKind::Unreadable, "cannot be read")
        };
        Self::because(kind, format!("{} {problem}", path.display()), error)
    }

    /// An output that could not be written.
    pub(crate) fn writing(path: &Path, error: io::Error) -> Self {
        let problem = if is_disk_full(&error) { "the disk is full" } else { "the write failed" };
        Self::because(ErrorKind::Storage, format!("cannot write {}: {problem}", path.display()), error)
    }

    /// A part that Parquet could not write.
    pub(crate) fn writing_part(path: &Path, error: ParquetError) -> Self {
        let full = causes(&error).any(|cause| cause.downcast_ref().is_some_and(is_disk_full));
        let problem = if full { "the disk is full" } else { "the write failed" };
        Self::because(ErrorKind::Storage, format!("cannot write {}: {problem}", path.display()), error)
    }

    /// A part or manifest whose content is not what was written.
    pub(crate) fn corrupt(path: &Path, problem: &str, source: Option<ReadError>) -> Self {
        Self { kind: ErrorKind::Corrupt, context: format!("{} {problem}", path.display()), source }
    }

    /// A statement that the database refused. `doing` says what was read: a table, the schema.
    pub(crate) fn database(path: &Path, doing: &str, error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|inner| inner.code()?.parse::<u32>().ok());
        let (kind, problem) = classify(code.map(|code| code & 0xff));
        Self::because(kind, format!("{}: {doing}: {problem}", path.display()), error)
    }

    /// Takes an error that came through a reader back, or wraps one that is not ours.
    pub(crate) fn from_reader(error: ReadError) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => *own,
            Err(other) => Self {
                kind: ErrorKind::Unreadable,
                context: "the rows to write could not be read".to_owned(),
                source: Some(other),
            },
        }
    }
}

impl From<UnknownFormat> for Error {
    fn from(unknown: UnknownFormat) -> Self {
        Self::new(ErrorKind::Format, unknown.to_string())
    }
}

/// Damage that is a reason to make something anew: then nothing. A format that nobody here understands is no damage.
pub(crate) fn unless_damaged<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind == ErrorKind::Format => Err(error),
        Err(_) => Ok(None),
    }
}

/// Meaning of SQLite's primary result codes; the numbers are part of its file format's interface.
fn classify(code: Option<u32>) -> (ErrorKind, &'static str) {
    match code {
        Some(3 | 23) => (ErrorKind::Unreadable, "access denied"),
        Some(5 | 6) => (ErrorKind::Busy, "the database is locked"),
        Some(11) => (ErrorKind::Corrupt, "the database file is damaged"),
        Some(13) => (ErrorKind::Storage, "the disk is full"),
        Some(14) => (ErrorKind::Unreadable, "the database or its write-ahead log cannot be opened"),
        Some(26) => (ErrorKind::Unreadable, "this is not an SQLite database"),
        _ => (ErrorKind::Database, "the database refused the statement"),
    }
}

fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |cause| (**cause).source())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| -> &(dyn StdError + 'static) { source.as_ref() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_by_itself_is_retryable() {
        for kind in [ErrorKind::Missing, ErrorKind::Drift, ErrorKind::Storage, ErrorKind::Corrupt] {
            assert!(!Error::new(kind, "x").is_retryable());
        }
        for kind in [ErrorKind::Busy, ErrorKind::Connection, ErrorKind::Outdated] {
            assert!(Error::new(kind, "x").is_retryable());
        }
    }

    #[test]
    fn the_result_codes_of_sqlite_have_a_kind() {
        let kinds: Vec<ErrorKind> = [5, 6, 11, 13, 14, 23, 26, 1].map(|code| classify(Some(code)).0).into();
        use ErrorKind::{Busy, Corrupt, Database, Storage, Unreadable};
        assert_eq!(kinds, [Busy, Busy, Corrupt, Storage, Unreadable, Unreadable, Unreadable, Database]);
    }

    #[test]
    fn the_text_does_not_repeat_its_source() {
        let error = Error::reading(Path::new("/a"), io::Error::other("inner words"));
        assert_eq!(error.to_string(), "/a cannot be read");
        assert!(error.source().unwrap().to_string().contains("inner words"));
    }
}

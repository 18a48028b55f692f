//! The one error type of the crate.

use std::error::Error as StdError;
use std::fmt;

use bron_mappings::UnknownFormat;
use sqlx::error::DatabaseError;

use crate::refusal::{self, Answer, is_about_a_row};

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What sort of thing went wrong, and so who can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The address, an option or the model cannot be used as written.
    Config,
    /// The server was not reached, or the connection was lost. Nothing is half written. Retryable.
    Connection,
    /// Somebody else holds a lock, or the server has no connection left. Retryable.
    Busy,
    /// The storage is full, missing or failing.
    Storage,
    /// The target may not be written, or not be read, by this user.
    Permission,
    /// The target's tables are not those of the model.
    Drift,
    /// The rows break a rule: an id twice, a required field without a value, a value the target cannot hold.
    Data,
    /// The control tables have a format that this program does not understand: a newer one made them.
    Format,
    /// The target's own files are damaged or are not a database.
    Corrupt,
    /// The database refused for another reason.
    Database,
}

/// A failure, with the table and the file or server it concerns, and never a value of a row.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    context: String,
    source: Option<Cause>,
    /// Boxed, so that a result without an error stays small.
    answer: Option<Box<Answer>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None, answer: None }
    }

    /// An error whose kind follows from what the driver says, without anything of it that could be a value of a row.
    #[must_use]
    pub fn of(error: &sqlx::Error, context: impl Into<String>) -> Self {
        let (kind, source) = Cause::of(error);
        let answer = refusal::answer(error).map(Box::new);
        Self { kind, context: context.into(), source: Some(source), answer }
    }

    /// What is found against a row that the database has not been asked about, or does not name.
    pub(crate) fn against(context: impl Into<String>, answer: Answer) -> Self {
        Self { answer: Some(Box::new(answer)), ..Self::new(ErrorKind::Data, context) }
    }

    /// The same error, when nothing can be saved of the transaction that it came in.
    pub(crate) fn final_word(mut self) -> Self {
        self.answer = None;
        self
    }

    pub(crate) fn io(error: std::io::Error, context: impl Into<String>) -> Self {
        let (kind, source) = (io_kind(error.kind()), Some(Cause::Io(error)));
        Self { kind, context: context.into(), source, answer: None }
    }

    /// Says where it happened in front of what happened.
    pub(crate) fn at(mut self, place: &str) -> Self {
        self.context = format!("{place}: {}", self.context);
        self
    }

    /// What the database says against a row; `None` when the error is about anything else than what rows hold.
    pub(crate) fn answer(&self) -> Option<&Answer> {
        self.answer.as_deref()
    }

    /// The SQLSTATE and the constraint by which the database refuses what a row holds, as [`crate::Refusal`] has them;
    /// `None` when the error is about anything else.
    #[must_use]
    pub fn objection(&self) -> Option<(&str, &str)> {
        self.answer().map(|answer| (answer.objection.sqlstate.as_str(), answer.objection.constraint.as_str()))
    }

    /// What sort of thing went wrong.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later although nobody has mended anything.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Connection | ErrorKind::Busy)
    }
}

impl From<UnknownFormat> for Error {
    fn from(unknown: UnknownFormat) -> Self {
        Self::new(ErrorKind::Format, unknown.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|cause| -> &(dyn StdError + 'static) { cause })
    }
}

/// What lies behind an error, with everything removed that could be a value of a row.
#[derive(Debug)]
enum Cause {
    Io(std::io::Error),
    Said(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => fmt::Display::fmt(error, f),
            Self::Said(text) => f.write_str(text),
        }
    }
}

impl StdError for Cause {}

impl Cause {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the driver's error type is not exhaustive")]
    fn of(error: &sqlx::Error) -> (ErrorKind, Self) {
        match error {
            sqlx::Error::Database(said) => said_by_database(said.as_ref()),
            // An io::Error has no clone; its kind and text are all that is shown of it.
            sqlx::Error::Io(io) => {
                let kind = if io.kind() == std::io::ErrorKind::StorageFull {
                    ErrorKind::Storage
                } else {
                    ErrorKind::Connection
                };
                (kind, Self::Io(std::io::Error::new(io.kind(), io.to_string())))
            }
            sqlx::Error::Tls(tls) => (ErrorKind::Config, Self::Said(format!("TLS: {tls}"))),
            sqlx::Error::Protocol(_) => (ErrorKind::Connection, Self::said("the server broke the protocol")),
            sqlx::Error::Configuration(_) => {
                (ErrorKind::Config, Self::said("the address was not understood"))
            }
            sqlx::Error::WorkerCrashed => {
                (ErrorKind::Database, Self::said("the database thread has stopped"))
            }
            // Errors about rows and columns may quote what they could not decode.
            _ => (ErrorKind::Database, Self::said("the driver gave up")),
        }
    }

    fn said(text: &str) -> Self {
        Self::Said(text.to_owned())
    }
}

fn io_kind(kind: std::io::ErrorKind) -> ErrorKind {
    if kind == std::io::ErrorKind::PermissionDenied { ErrorKind::Permission } else { ErrorKind::Storage }
}

/// SQLite's result code for what a trigger raised.
const TRIGGER: &str = "1811";

fn said_by_database(error: &dyn DatabaseError) -> (ErrorKind, Cause) {
    let code = error.code().unwrap_or_default();
    let Some(postgres) = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() else {
        let kind = sqlite_kind(code.parse().unwrap_or(1), error.message());
        // SQLite's messages name tables and columns and never quote a value; what a trigger says may.
        let text = if code == TRIGGER { "a trigger refused a row" } else { error.message() };
        return (kind, Cause::Said(format!("SQLite {code}: {text}")));
    };
    // A trigger may raise any code, with values in what it says.
    let is_raised = postgres.routine() == Some("exec_stmt_raise");
    let quotes_values = is_raised || is_about_a_row(&code);
    let mut text = format!("PostgreSQL {code}");
    if let Some(constraint) = error.constraint() {
        text.push_str(&format!(" on constraint {constraint}"));
    }
    if !quotes_values {
        text.push_str(&format!(": {}", error.message()));
    }
    (postgres_kind(&code), Cause::Said(text))
}

/// SQLite's result codes (sqlite.org/rescode.html); the low byte of an extended code is the primary one.
fn sqlite_kind(code: i32, message: &str) -> ErrorKind {
    match code & 0xff {
        5 | 6 => ErrorKind::Busy,
        3 | 8 | 23 => ErrorKind::Permission,
        10 | 13 | 14 => ErrorKind::Storage,
        11 | 26 => ErrorKind::Corrupt,
        18..=20 => ErrorKind::Data,
        1 if message.starts_with("no such") || message.contains("has no column") => ErrorKind::Drift,
        _ => ErrorKind::Database,
    }
}

/// PostgreSQL's SQLSTATE codes (appendix A of its manual).
fn postgres_kind(code: &str) -> ErrorKind {
    match code {
        "57P01" | "57P02" | "57P03" => ErrorKind::Connection,
        "40001" | "40P01" | "53300" | "55P03" => ErrorKind::Busy,
        "53100" | "53200" | "58030" => ErrorKind::Storage,
        "25006" | "42501" => ErrorKind::Permission,
        "42P01" | "42703" | "42804" | "42P10" => ErrorKind::Drift,
        "XX001" | "XX002" => ErrorKind::Corrupt,
        "3D000" => ErrorKind::Config,
        _ => match code.get(..2) {
            Some("08") => ErrorKind::Connection,
            Some("28") => ErrorKind::Permission,
            Some("22" | "23") => ErrorKind::Data,
            _ => ErrorKind::Database,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_kind_that_tells_who_can_mend_it() {
        assert_eq!(sqlite_kind(5, "database is locked"), ErrorKind::Busy);
        assert_eq!(sqlite_kind(517, "database is locked"), ErrorKind::Busy);
        assert_eq!(sqlite_kind(13, "database or disk is full"), ErrorKind::Storage);
        assert_eq!(sqlite_kind(1, "no such table: beslut"), ErrorKind::Drift);
        assert_eq!(sqlite_kind(1, "near FROM: syntax error"), ErrorKind::Database);
        assert_eq!(postgres_kind("53100"), ErrorKind::Storage);
        assert_eq!(postgres_kind("40P01"), ErrorKind::Busy);
        assert_eq!(postgres_kind("08006"), ErrorKind::Connection);
        assert_eq!(postgres_kind("23502"), ErrorKind::Data);
        assert_eq!(postgres_kind("0A000"), ErrorKind::Database);
    }

    #[test]
    fn only_connection_and_locks_are_worth_a_second_try() {
        assert!(Error::new(ErrorKind::Busy, "x").is_retryable());
        assert!(Error::new(ErrorKind::Connection, "x").is_retryable());
        for kind in [ErrorKind::Data, ErrorKind::Drift, ErrorKind::Storage, ErrorKind::Config] {
            assert!(!Error::new(kind, "x").is_retryable());
        }
    }

    #[test]
    fn the_text_does_not_repeat_its_source() {
        let error = Error::of(&sqlx::Error::WorkerCrashed, "table beslut").at("/tmp/x.db");
        assert_eq!(error.to_string(), "/tmp/x.db: table beslut");
        assert!(error.source().unwrap().to_string().contains("stopped"));
    }
}

//! What it means that a server did not do what it was asked.

use sqlx::error::DatabaseError;

use crate::error::{Error, ErrorKind};
use crate::trust::distrust;

/// The meaning of a refusal, in words, and the server's own code for it.
pub(crate) type Meaning = (ErrorKind, &'static str, String);

/// An error about a statement or the connection. `place` is the server, `doing` says what was read. Of what the
/// server said only the code is kept: its words may quote a value.
pub(crate) fn refused(
    place: &str,
    doing: &str,
    error: sqlx::Error,
    meaning: fn(&dyn DatabaseError) -> Meaning,
) -> Error {
    let context = |problem: &str| format!("{place}: {doing}: {problem}");
    if let Some(inner) = error.as_database_error() {
        let (kind, problem, code) = meaning(inner);
        return Error::new(kind, context(&format!("{problem} ({code})")));
    }
    // Of the words of a certificate nothing more is needed than their meaning.
    if matches!(error, sqlx::Error::Tls(_) | sqlx::Error::Io(_))
        && let Some(problem) = distrust(&error.to_string())
    {
        return Error::new(ErrorKind::Settings, context(problem));
    }
    let (kind, problem) = if matches!(error, sqlx::Error::Tls(_)) {
        (ErrorKind::Settings, "no encrypted connection could be agreed on")
    } else if matches!(error, sqlx::Error::Io(_)) {
        (ErrorKind::Connection, "no answer from the server, or the line broke")
    } else if matches!(error, sqlx::Error::Protocol(_)) {
        (ErrorKind::Connection, "the server broke off")
    } else {
        (ErrorKind::Database, "the driver could not read the answer")
    };
    Error::because(kind, context(problem), error)
}

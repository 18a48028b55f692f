//! What the server's refusals mean.

use crate::access::ServerAddress;
use crate::error::{Error, ErrorKind};

/// An error about a statement or the connection. `doing` says what was read. Of what the server said only the
/// code is kept: its words may quote a value.
pub(super) fn refused(address: &ServerAddress, doing: &str, error: sqlx::Error) -> Error {
    let context = |problem: &str| format!("postgres://{address}: {doing}: {problem}");
    let Some(code) = error.as_database_error().map(|inner| inner.code().unwrap_or_default()) else {
        let (kind, problem) = match &error {
            sqlx::Error::Tls(_) => (ErrorKind::Settings, "the server's certificate cannot be trusted"),
            sqlx::Error::Io(_) => (ErrorKind::Connection, "no answer from the server, or the line broke"),
            sqlx::Error::Protocol(_) => (ErrorKind::Connection, "the server broke off"),
            _ => (ErrorKind::Database, "the driver could not read the answer"),
        };
        return Error::because(kind, context(problem), error);
    };
    let (kind, problem) = meaning(&code);
    Error::new(kind, context(&format!("{problem} (SQLSTATE {code})")))
}

/// The meaning of a five-character SQLSTATE.
fn meaning(code: &str) -> (ErrorKind, &'static str) {
    match code {
        "57P01" | "57P02" | "57P03" => (ErrorKind::Connection, "the server is stopping or starting"),
        "53300" => (ErrorKind::Connection, "the server has no room for another connection"),
        "55P03" => (ErrorKind::Busy, "somebody else holds a lock"),
        "57014" => (ErrorKind::Busy, "it took longer than the settings allow, or was cancelled"),
        "40001" | "40P01" => (ErrorKind::Busy, "another transaction was in the way"),
        "42501" => (ErrorKind::Permission, "the user may not read this"),
        "42P01" | "42703" | "3F000" => (ErrorKind::Drift, "a table or column is not there any more"),
        "3D000" => (ErrorKind::Missing, "there is no such database"),
        code if code.starts_with("08") => (ErrorKind::Connection, "the connection was lost"),
        code if code.starts_with("28") => (ErrorKind::Permission, "the server does not let this user in"),
        _ => (ErrorKind::Database, "the server refused the statement"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_by_itself_is_told_from_what_will_not() {
        for code in ["08006", "57P01", "53300", "55P03", "57014", "40001"] {
            assert!(Error::new(meaning(code).0, "x").is_retryable(), "{code}");
        }
        for code in ["28P01", "42501", "42P01", "3D000", "22P02"] {
            assert!(!Error::new(meaning(code).0, "x").is_retryable(), "{code}");
        }
    }
}

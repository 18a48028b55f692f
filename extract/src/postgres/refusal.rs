//! What the codes of a PostgreSQL server mean.

use sqlx::error::DatabaseError;

use crate::error::ErrorKind;
use crate::refusal::Meaning;

/// The meaning of what a server answered.
pub(super) fn meaning(error: &dyn DatabaseError) -> Meaning {
    let code = error.code().unwrap_or_default();
    let (kind, problem) = meaning_of(&code);
    (kind, problem, format!("SQLSTATE {code}"))
}

/// The meaning of a five-character SQLSTATE.
fn meaning_of(code: &str) -> (ErrorKind, &'static str) {
    match code {
        "57P01" | "57P02" | "57P03" => (ErrorKind::Connection, "the server is stopping or starting"),
        "25P03" | "25P04" | "57P05" => {
            (ErrorKind::Connection, "the server ended the session, which was open for longer than it allows")
        }
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
    use crate::error::Error;

    #[test]
    fn what_may_pass_by_itself_is_told_from_what_will_not() {
        for code in ["08006", "57P01", "25P03", "25P04", "57P05", "53300", "55P03", "57014", "40001"] {
            assert!(Error::new(meaning_of(code).0, "x").is_retryable(), "{code}");
        }
        for code in ["28P01", "42501", "42P01", "3D000", "22P02"] {
            assert!(!Error::new(meaning_of(code).0, "x").is_retryable(), "{code}");
        }
    }
}

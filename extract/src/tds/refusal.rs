//! What the numbers of a SQL Server mean.

use tiberius::error::Error as Refusal;

use crate::error::{Error, ErrorKind};
use crate::trust::distrust;

/// An error about a statement or the connection. `place` is the server, `doing` says what was read. Of what the
/// server said only the number is kept: its words may quote a value.
pub(super) fn refused(place: &str, doing: &str, error: Refusal) -> Error {
    let context = |problem: &str| format!("{place}: {doing}: {problem}");
    match error {
        Refusal::Server(told) => {
            let (kind, problem) = meaning_of(told.code());
            Error::new(kind, context(&format!("{problem} (error {})", told.code())))
        }
        Refusal::Io { .. } | Refusal::Routing { .. } => Error::because(
            ErrorKind::Connection,
            context("no answer from the server, or the line broke"),
            error,
        ),
        // The driver's own words advise to trust anybody.
        Refusal::Tls(ref words) => {
            let problem = distrust(words).unwrap_or("no encrypted connection could be agreed on");
            Error::new(ErrorKind::Settings, context(problem))
        }
        Refusal::Protocol(ref words) if words.contains("encryption level") => Error::new(
            ErrorKind::Settings,
            context("the server does not encrypt, and plain text is not allowed"),
        ),
        Refusal::Protocol(_) => Error::new(ErrorKind::Connection, context("the server broke off")),
        // What remains quotes values.
        Refusal::Encoding(_)
        | Refusal::Conversion(_)
        | Refusal::Utf8
        | Refusal::Utf16
        | Refusal::ParseInt(_)
        | Refusal::BulkInput(_) => {
            Error::new(ErrorKind::Database, context("the driver could not read the answer"))
        }
    }
}

/// Whether the open transaction, and with it the point in time, is gone after the error.
pub(super) fn ends_transaction(error: &Refusal) -> bool {
    match error {
        Refusal::Server(told) => {
            told.class() >= 20
                || matches!(told.code(), 1205 | 3952 | 3960 | 3961 | 3998)
                || is_gone(told.code())
        }
        Refusal::Io { .. }
        | Refusal::Routing { .. }
        | Refusal::Tls(_)
        | Refusal::Protocol(_)
        | Refusal::Encoding(_)
        | Refusal::Conversion(_)
        | Refusal::Utf8
        | Refusal::Utf16
        | Refusal::ParseInt(_)
        | Refusal::BulkInput(_) => true,
    }
}

/// Errors of a server or a database that is going away or has no room.
fn is_gone(code: u32) -> bool {
    matches!(code, 596 | 926 | 6005 | 10_928 | 10_929 | 17_142 | 40_197 | 40_501 | 40_613 | 49_918..=49_920)
}

fn meaning_of(code: u32) -> (ErrorKind, &'static str) {
    match code {
        18_456 | 18_461 | 18_470 | 18_486..=18_488 => {
            (ErrorKind::Permission, "the server does not let this user in")
        }
        229 | 230 | 262 | 297 | 300 | 916 => (ErrorKind::Permission, "the user may not read this"),
        207 | 208 | 4413 => (ErrorKind::Drift, "a table or column is not there any more"),
        911 | 4060 => (ErrorKind::Missing, "there is no such database, or none for this user"),
        1222 => (ErrorKind::Busy, "somebody else holds a lock"),
        1205 | 3960 => (ErrorKind::Busy, "another transaction was in the way"),
        3961 => (ErrorKind::Outdated, "it was altered after the moment that is read"),
        701 | 802 | 8645 | 8651 => (ErrorKind::Busy, "the server has no memory for it now"),
        3952 => (ErrorKind::Database, "the database does not allow SNAPSHOT isolation"),
        code if is_gone(code) => (ErrorKind::Connection, "the server or the database is going away"),
        _ => (ErrorKind::Database, "the server refused the statement"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_by_itself_is_told_from_what_will_not() {
        for code in [1205, 1222, 3960, 3961, 701, 596, 40_613, 49_919] {
            assert!(Error::new(meaning_of(code).0, "x").is_retryable(), "{code}");
        }
        for code in [18_456, 229, 208, 4060, 3952, 102] {
            assert!(!Error::new(meaning_of(code).0, "x").is_retryable(), "{code}");
        }
    }

    #[test]
    fn words_that_may_quote_a_value_are_left_out() {
        let error = refused("mssql://h/d", "table T", Refusal::Conversion("cannot read 'hemligt'".into()));
        let told = std::error::Error::source(&error).map(ToString::to_string);
        assert!(!format!("{error} {error:?} {told:?}").contains("hemligt"));
    }

    #[test]
    fn a_lost_line_loses_the_point_in_time() {
        let broken = Refusal::Io { kind: std::io::ErrorKind::UnexpectedEof, message: String::new() };
        assert!(ends_transaction(&broken));
        assert!(refused("p", "d", broken).is_retryable());
    }
}

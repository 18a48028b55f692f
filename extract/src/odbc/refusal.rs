//! What the refusals of drivers and servers mean.

use std::fmt;
use std::sync::Arc;

use odbc_api::Error as OdbcError;
use odbc_api::handles::Record;

use crate::error::{Error, ErrorKind};

/// The source in messages: the driver's file, since a connection string is not shown.
#[derive(Clone, Debug)]
pub(super) struct Place(Arc<str>);

impl Place {
    pub(super) fn new(driver: &str) -> Self {
        Self(format!("odbc:{driver}").into())
    }

    /// An error of ours about `doing`: a table, the schema.
    pub(super) fn error(&self, kind: ErrorKind, doing: &str, problem: &str) -> Error {
        Error::new(kind, format!("{self}: {doing}: {problem}"))
    }

    /// A refusal. Of what was said only the codes are kept: the words may quote a value.
    pub(super) fn refused(&self, doing: &str, error: &OdbcError) -> Error {
        let Some(record) = record(error) else {
            return self.error(ErrorKind::Database, doing, "the driver failed without saying why");
        };
        let (kind, problem) = meaning(record);
        let codes = format!("SQLSTATE {}, code {}", record.state.as_str(), record.native_error);
        self.error(kind, doing, &format!("{problem} ({codes})"))
    }

    /// A refusal to connect. No row has been touched, so the words are kept, unless they repeat the password.
    pub(super) fn not_connected(&self, error: &OdbcError, password: Option<&str>) -> Error {
        let refusal = self.refused("connecting", error);
        let words = record(error).map(|record| String::from_utf8_lossy(&record.message).into_owned());
        let secret = |words: &String| password.is_some_and(|password| words.contains(password));
        match words.filter(|words| !words.is_empty() && !secret(words)) {
            Some(words) => Error::because(refusal.kind(), refusal.to_string(), words),
            None => refusal,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first thing that driver or server said.
pub(super) fn record(error: &OdbcError) -> Option<&Record> {
    match error {
        OdbcError::Diagnostics { record, .. }
        | OdbcError::UnsupportedOdbcApiVersion(record)
        | OdbcError::InvalidRowArraySize { record, .. }
        | OdbcError::UnableToRepresentNull(record)
        | OdbcError::OracleOdbcDriverDoesNotSupport64Bit(record) => Some(record),
        OdbcError::FailedSettingConnectionPooling
        | OdbcError::FailedAllocatingEnvironment
        | OdbcError::NoDiagnostics { .. }
        | OdbcError::AbortedConnectionStringCompletion
        | OdbcError::FailedReadingInput(_)
        | OdbcError::TooLargeColumnBufferSize { .. }
        | OdbcError::TooLargeValueForBuffer { .. } => None,
    }
}

fn meaning(record: &Record) -> (ErrorKind, &'static str) {
    let words = String::from_utf8_lossy(&record.message);
    meaning_of(record.state.as_str(), record.native_error, &words)
}

/// The meaning of a SQLSTATE, a server's own code, and the words where drivers leave no better trace.
fn meaning_of(state: &str, code: i32, words: &str) -> (ErrorKind, &'static str) {
    const NO_ENTRY: (ErrorKind, &str) = (ErrorKind::Permission, "the server does not let this user in");
    const FORBIDDEN: (ErrorKind, &str) = (ErrorKind::Permission, "the user may not read this");
    const GONE: (ErrorKind, &str) = (ErrorKind::Drift, "a table or column is not there any more");
    const LOCKED: (ErrorKind, &str) = (ErrorKind::Busy, "somebody else holds a lock");
    const SLOW: (ErrorKind, &str) =
        (ErrorKind::Busy, "it took longer than the settings allow, or was cancelled");
    const LOST: (ErrorKind, &str) =
        (ErrorKind::Connection, "no answer from the server, or the connection was lost");
    match (state, code) {
        // PostgreSQL's driver reports a refused password as a connection that could not be made.
        _ if words.contains("authentication failed") => NO_ENTRY,
        (_, 18456) => NO_ENTRY,
        // FreeTDS reports what goes wrong on the line with codes of its own, and no state.
        (_, 20003) => SLOW,
        (_, 20002 | 20004 | 20006 | 20009 | 20017 | 20047) => LOST,
        ("42501", _) | ("42000", 229 | 230 | 1044 | 1142 | 1143) => FORBIDDEN,
        ("42P01" | "42703" | "3F000", _) | (_, 208 | 1146 | 1054) => GONE,
        ("55P03", _) | (_, 1205 | 1222) => LOCKED,
        // SQLite's driver reports its own codes: busy and locked.
        ("HY000", 5 | 6) => LOCKED,
        ("HYT00" | "HYT01" | "HY008" | "57014" | "70100", _) | (_, 1969 | 3024) => SLOW,
        (_, 1412 | 3961) => (ErrorKind::Outdated, "it was altered after the moment that is read"),
        ("40001" | "40P01", _) => (ErrorKind::Busy, "another transaction was in the way"),
        ("3D000", _) | (_, 1049 | 4060) => (ErrorKind::Missing, "there is no such database"),
        ("IM002" | "IM003" | "IM004", _) => (ErrorKind::Unreadable, "the driver could not be loaded"),
        (_, 2002 | 2003 | 2005 | 2006 | 2013) => LOST,
        // PostgreSQL ends a session whose transaction is open for too long.
        ("25P03" | "25P04", _) => LOST,
        (state, _) if state.starts_with("08") || state.starts_with("57P") => LOST,
        (state, _) if state.starts_with("28") => NO_ENTRY,
        (state, _) if state.starts_with("42S") => GONE,
        ("22001" | "01004", _) => (ErrorKind::Corrupt, "a value was cut off"),
        _ if words.contains("Can't open lib") => (ErrorKind::Unreadable, "the driver could not be loaded"),
        _ => (ErrorKind::Database, "the database refused"),
    }
}

#[cfg(test)]
mod tests {
    use odbc_api::handles::State;

    use super::*;

    fn said(state: &[u8; 5], code: i32, words: &str) -> OdbcError {
        let record = Record { state: State(*state), native_error: code, message: words.as_bytes().to_vec() };
        OdbcError::Diagnostics { record, function: "SQLExecDirect" }
    }

    #[test]
    fn states_and_codes_have_a_kind() {
        use ErrorKind::{
            Busy, Connection, Corrupt, Database, Drift, Missing, Outdated, Permission, Unreadable,
        };
        let place = Place::new("libx.so");
        for (state, code, kind) in [
            (b"08S01", 0, Connection),
            (b"57P01", 0, Connection),
            (b"25P03", 0, Connection),
            (b"25P04", 0, Connection),
            (b"57P05", 0, Connection),
            (b"HY000", 2013, Connection),
            (b"42000", 18456, Permission),
            (b"01000", 20017, Connection),
            (b"42000", 229, Permission),
            (b"42501", 1, Permission),
            (b"HYT00", 0, Busy),
            (b"42000", 1222, Busy),
            (b"HY000", 5, Busy),
            (b"40P01", 0, Busy),
            (b"HY000", 1412, Outdated),
            (b"42S02", 0, Drift),
            (b"42S22", 0, Drift),
            (b"42P01", 0, Drift),
            (b"3D000", 0, Missing),
            (b"IM003", 0, Unreadable),
            (b"22001", 0, Corrupt),
            (b"42000", 102, Database),
        ] {
            assert_eq!(place.refused("table T", &said(state, code, "")).kind(), kind, "{state:?} {code}");
        }
    }

    #[test]
    fn words_are_kept_only_while_connecting() {
        let place = Place::new("libx.so");
        let error = said(b"22018", 7, "invalid input: 'Anna Andersson'");
        let refused = place.refused("table T", &error);
        assert_eq!(
            refused.to_string(),
            "odbc:libx.so: table T: the database refused (SQLSTATE 22018, code 7)"
        );
        assert!(std::error::Error::source(&refused).is_none());
        let error = said(b"08001", 101, "no route to db; PWD=hemligt");
        let open = place.not_connected(&error, Some("annat"));
        assert!(std::error::Error::source(&open).unwrap().to_string().contains("no route"));
        assert!(std::error::Error::source(&place.not_connected(&error, Some("hemligt"))).is_none());
    }
}

//! What the numbers of a MySQL or MariaDB server mean.

use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;

use crate::error::ErrorKind;
use crate::refusal::Meaning;

/// The meaning of what a server answered.
pub(super) fn meaning(error: &dyn DatabaseError) -> Meaning {
    let number = error.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number);
    let (kind, problem) = meaning_of(number);
    (kind, problem, format!("error {number}"))
}

fn meaning_of(number: u16) -> (ErrorKind, &'static str) {
    match number {
        1044 | 1045 | 1698 => (ErrorKind::Permission, "the server does not let this user in"),
        1142 | 1143 | 1227 | 1356 | 1370 => (ErrorKind::Permission, "the user may not read this"),
        1146 | 1054 => (ErrorKind::Drift, "a table or column is not there any more"),
        1049 => (ErrorKind::Missing, "there is no such database"),
        1205 => (ErrorKind::Busy, "somebody else holds a lock"),
        1213 => (ErrorKind::Busy, "another transaction was in the way"),
        1412 => (ErrorKind::Outdated, "it was altered after the moment that is read"),
        1317 | 1969 | 3024 => (ErrorKind::Busy, "it took longer than the settings allow, or was cancelled"),
        1040 | 1203 => (ErrorKind::Connection, "the server has no room for another connection"),
        1053 | 1152 | 1158..=1161 | 1184 | 1927 | 2006 | 2013 => {
            (ErrorKind::Connection, "the connection was lost")
        }
        _ => (ErrorKind::Database, "the server refused the statement"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn what_may_pass_by_itself_is_told_from_what_will_not() {
        for number in [1205, 1213, 1412, 1969, 3024, 1040, 1927, 2013] {
            assert!(Error::new(meaning_of(number).0, "x").is_retryable(), "{number}");
        }
        for number in [1045, 1142, 1146, 1049, 1064] {
            assert!(!Error::new(meaning_of(number).0, "x").is_retryable(), "{number}");
        }
    }
}

//! What became of a write.

use std::fmt;

use tiberius::error::TokenError;

use crate::found::FoundRow;

/// What became of one write.
#[derive(Clone, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It was done. The row as it reads now, the values that the server gave among them; `None` when it is gone. What
    /// was given and what reads now are not the same where the table has a trigger of its own or a character set that
    /// lacks a letter: compare before committing.
    Written(Option<FoundRow>),
    /// Nothing was written: somebody changed the row after the version that was seen. The row as it is.
    Changed(FoundRow),
    /// Nothing was written: there is such a row already. The row as it is.
    Present(FoundRow),
    /// Nothing was written: there is no such row.
    Absent,
    /// The server refused the values, and the transaction is over.
    Refused {
        /// The number of the error.
        code: u32,
        /// The constraint, index or column that the error names.
        constraint: Option<String>,
    },
}

impl fmt::Debug for WriteOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(row) => write!(f, "Written({})", if row.is_some() { "there" } else { "gone" }),
            Self::Changed(_) => f.write_str("Changed"),
            Self::Present(_) => f.write_str("Present"),
            Self::Absent => f.write_str("Absent"),
            Self::Refused { code, constraint } => write!(f, "Refused({code}, {constraint:?})"),
        }
    }
}

/// Whether an error says that the values cannot stand there: a constraint, a type, a size, or a trigger that throws.
pub(super) fn is_about_values(code: u32) -> bool {
    matches!(code, 241 | 242 | 245 | 515 | 547 | 2601 | 2627 | 2628 | 3609 | 8114 | 8115 | 8152 | 50_000..)
}

/// What is told of such an error.
pub(super) fn refusal(told: &TokenError) -> WriteOutcome {
    let code = told.code();
    let constraint = match code {
        515 | 547 | 2627 => name_in(told.message(), 0),
        2601 => name_in(told.message(), 1),
        _ => None,
    };
    WriteOutcome::Refused { code, constraint }
}

/// A name that stands in quotes in an error, counted from 0. Of what an error says, names alone are no values.
fn name_in(message: &str, place: usize) -> Option<String> {
    let parts = message.split(['\'', '"']);
    parts.skip(1).step_by(2).nth(place).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_constraints_are_told_and_values_are_not() {
        let unique = "Violation of UNIQUE KEY constraint 'UQ_KLIENT'. Cannot insert duplicate key in object \
                      'dbo.KLIENT'. The duplicate key value is (hemligt).";
        assert_eq!(name_in(unique, 0).as_deref(), Some("UQ_KLIENT"));
        let index = "Cannot insert duplicate key row in object 'dbo.KLIENT' with unique index 'IX_PNR'. The duplicate \
                     key value is (hemligt).";
        assert_eq!(name_in(index, 1).as_deref(), Some("IX_PNR"));
        let foreign =
            "The INSERT statement conflicted with the FOREIGN KEY constraint \"FK_AKT\". It occurred.";
        assert_eq!(name_in(foreign, 0).as_deref(), Some("FK_AKT"));
        assert!(is_about_values(2628) && is_about_values(51_000) && !is_about_values(1205));
    }
}

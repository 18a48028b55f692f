//! Errors as SQL Server numbers and words them.

use crate::wire::Out;

/// An error that a statement or a login ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SqlError {
    pub(crate) number: u32,
    pub(crate) state: u8,
    pub(crate) class: u8,
    pub(crate) message: String,
}

impl SqlError {
    pub(crate) fn new(number: u32, message: impl Into<String>) -> Self {
        let (class, state) = match number {
            102 | 105 | 137 | 156 | 195 => (15, 1),
            229 => (14, 5),
            2627 | 18456 => (14, 1),
            1205 => (13, 51),
            1222 => (16, 51),
            4060 => (11, 1),
            40_501 | 40_613 => (20, 1),
            _ => (16, 1),
        };
        Self { number, state, class, message: message.into() }
    }

    /// An error by its number alone, with the words that the server uses for it where they are known.
    pub(crate) fn numbered(number: u32) -> Self {
        let message = match number {
            1205 => {
                "Transaction (Process ID 51) was deadlocked on lock resources with another process and has been \
                 chosen as the deadlock victim. Rerun the transaction."
            }
            544 => "Cannot insert explicit value for identity column when IDENTITY_INSERT is set to OFF.",
            1222 => "Lock request time out period exceeded.",
            3960 => "Snapshot isolation transaction aborted due to update conflict.",
            3902 => "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.",
            3903 => "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.",
            3989 => {
                "New request is not allowed to start because it should come with valid transaction descriptor."
            }
            4060 => "Cannot open the database requested by the login. The login failed.",
            18456 => "Login failed for user.",
            40_501 => "The service is currently busy.",
            40_613 => "The database is not currently available.",
            _ => "An error that was asked for.",
        };
        Self::new(number, message)
    }

    pub(crate) fn near(what: &str) -> Self {
        Self::new(102, format!("Incorrect syntax near '{what}'."))
    }

    pub(crate) fn keyword(word: &str) -> Self {
        Self::new(156, format!("Incorrect syntax near the keyword '{}'.", word.to_ascii_uppercase()))
    }

    pub(crate) fn no_object(name: &str) -> Self {
        Self::new(208, format!("Invalid object name '{name}'."))
    }

    pub(crate) fn no_column(name: &str) -> Self {
        Self::new(207, format!("Invalid column name '{name}'."))
    }

    pub(crate) fn no_function(name: &str) -> Self {
        Self::new(195, format!("'{name}' is not a recognized built-in function name."))
    }

    pub(crate) fn denied(action: &str, name: &str) -> Self {
        Self::new(229, format!("The {action} permission was denied on the object '{name}', schema 'dbo'."))
    }

    pub(crate) fn not_tracked(name: &str) -> Self {
        Self::new(22105, format!("Change tracking is not enabled on table '{name}'."))
    }

    /// Whether the server ends the transaction with it.
    pub(crate) fn ends_transaction(&self) -> bool {
        matches!(self.number, 1205 | 3952 | 3960)
    }

    /// What SQLite reports, in the numbers of SQL Server.
    pub(crate) fn from_sqlite(error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{ConstraintViolation, DatabaseBusy, DatabaseLocked};
        let text = error.to_string();
        if let Some(own) = Self::from_text(&text) {
            return own;
        }
        // Somebody changed the schema after the statement was understood.
        let gone = |words: &str| text.split_once(words).and_then(|(_, rest)| rest.split_whitespace().next());
        if let Some(name) = gone("no such table: main.") {
            return Self::no_object(&format!("dbo.{name}"));
        }
        if let Some(name) = gone("no such column: ") {
            return Self::no_column(name);
        }
        let rusqlite::Error::SqliteFailure(code, _) = error else {
            return Self::new(50_000, format!("The database behind the server failed: {text}"));
        };
        // 517: a read transaction that wants to write after somebody else did.
        if code.extended_code == 517 {
            return Self::numbered(3960);
        }
        if matches!(code.code, DatabaseBusy | DatabaseLocked) {
            return Self::numbered(1222);
        }
        if matches!(code.extended_code, 1555 | 2067) {
            let table = text.rsplit_once(": ").and_then(|(_, column)| column.split('.').next());
            let table = table.unwrap_or_default();
            let problem = format!(
                "Violation of PRIMARY KEY constraint 'PK_{table}'. Cannot insert duplicate key in object 'dbo.{table}'."
            );
            return Self::new(2627, problem);
        }
        if code.extended_code == 1299 {
            return Self::new(515, "Cannot insert the value NULL into a column that does not allow nulls.");
        }
        if code.code == ConstraintViolation {
            return Self::new(547, "The statement conflicted with a constraint.");
        }
        Self::new(50_000, format!("The database behind the server failed: {text}"))
    }

    /// The error in the text of one that went through SQLite; see [`SqlError::to_text`].
    fn from_text(text: &str) -> Option<Self> {
        let (_, own) = text.split_once("\u{1}")?;
        let (number, message) = own.split_once(':')?;
        Some(Self::new(number.parse().ok()?, message))
    }

    /// The error as text for functions that SQLite calls.
    pub(crate) fn to_text(&self) -> String {
        format!("\u{1}{}:{}", self.number, self.message)
    }

    pub(crate) fn write(&self, out: &mut Out, server: &str) {
        out.u8(0xaa);
        out.counted(|out| {
            out.u32(self.number);
            out.u8(self.state);
            out.u8(self.class);
            out.long_text(&self.message);
            out.short_text(server);
            out.short_text("");
            out.u32(1);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_pass_through_sqlite() {
        let error = SqlError::new(8114, "Error converting data type.");
        assert_eq!(SqlError::from_text(&format!("near x: {}", error.to_text())), Some(error));
        assert_eq!(SqlError::from_text("no such table: t"), None);
    }

    #[test]
    fn bytes_of_an_error() {
        let mut out = Out::default();
        SqlError::numbered(1222).write(&mut out, "s");
        assert_eq!(&out.0[..9], &[0xaa, 92, 0, 0xc6, 4, 0, 0, 51, 16]);
        assert_eq!(out.0.len(), 95);
    }
}

//! On what terms a server is written to and read.

use std::time::Duration;

/// How long a server may take, and what is put on its tables. A target that is a file has no use for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The longest that one statement may take; without it, as long as the server lets it. Building keys and
    /// looking through references at the end of a load may take longer.
    pub statement_timeout: Option<Duration>,
    /// The longest wait for somebody else's lock.
    pub lock_timeout: Duration,
    /// Whether a load ends with foreign keys on the references that every row keeps.
    pub foreign_keys: bool,
}

impl Default for Terms {
    fn default() -> Self {
        Self { statement_timeout: None, lock_timeout: Duration::from_secs(10), foreign_keys: true }
    }
}

//! What drives the asynchronous drivers behind the blocking sources.

use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, ErrorKind};

/// A runtime of the calling thread, for one connection to a server.
///
/// # Errors
/// [`ErrorKind::Unreadable`] when the system refuses what it needs.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Error::because(ErrorKind::Unreadable, "cannot start".to_owned(), error))
}

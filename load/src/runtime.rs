//! What drives the asynchronous drivers behind the blocking sinks.

use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, Result};

/// A runtime of the calling thread, for one connection.
///
/// # Errors
/// Of the kind that the system's refusal has, when it does not give what the runtime needs.
pub(crate) fn runtime() -> Result<Runtime> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Error::io(error, "the runtime does not start"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_waits_and_reads_in_the_calling_thread() {
        let here = std::thread::current().id();
        let there = runtime().unwrap().block_on(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            std::thread::current().id()
        });
        assert_eq!(there, here);
    }
}

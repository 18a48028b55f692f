//! Somebody else at work in the database.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::engine::Engine;
use crate::shared::Shared;

/// A connection without a wire, for what others do while a client is looked at: its transactions stay open from one
/// call to the next. As the database behind the server takes one writer at a time, others wait for the end of a
/// transaction that has written.
pub struct Neighbour {
    shared: Arc<Shared>,
    engine: Engine,
}

impl Neighbour {
    pub(crate) fn new(shared: &Arc<Shared>) -> io::Result<Self> {
        let engine = shared.engine().map_err(|error| io::Error::other(error.message))?;
        Ok(Self { shared: Arc::clone(shared), engine })
    }

    /// Carries out statements.
    ///
    /// # Errors
    /// With the number and the words of the first error that a statement ends with.
    pub fn run(&mut self, sql: &str) -> io::Result<()> {
        self.shared.run_on(&mut self.engine, sql).map_err(io::Error::other)
    }
}

impl fmt::Debug for Neighbour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Neighbour({} open transactions)", self.engine.open_transactions())
    }
}

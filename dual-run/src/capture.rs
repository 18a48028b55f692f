//! Reading what changed in a database.

mod captured;
pub(crate) mod change_tracking;
mod paging;
mod polled;
mod session;
mod sweep;
mod trigger;

use bron_mappings::{Digest, SourceKey};

pub use self::captured::CapturedTable;
pub use self::polled::{Overlap, PolledSource, Watermark};
pub use self::sweep::{Swept, sweep};
pub use self::trigger::{Finding, FindingKind, TriggerLog};

use crate::change::{Chunk, Cut};
use crate::error::Result;

/// Where a source's log has been read to, in the words of its adapter. Opaque to everybody else, and stored as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub String);

/// One life of a source: the id of its database, the fork that a restore makes, and the bookmark that the bridge
/// wrote. A position is worth nothing in another life.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub String);

/// Whether a position can still be read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It can.
    Valid {
        /// How long the source keeps what follows the position, in seconds; `None` when it keeps it until told
        /// otherwise.
        headroom_seconds: Option<u64>,
    },
    /// The source no longer has what follows the position, for these tables. The scope halts; seeding again is a
    /// person's decision.
    Expired {
        /// The tables, by their names at the source.
        tables: Vec<String>,
    },
    /// The source has gone back in time.
    Rewound,
    /// The tables are not what they were.
    Drift {
        /// What they are now.
        schema: Digest,
    },
    /// The source does not record changes: a trigger is missing or disabled, an agent does not run.
    Silent {
        /// What is missing, without values.
        reason: String,
    },
}

/// How much a poll may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// About how many changes; a transaction is never cut in two for it.
    pub changes: u64,
}

/// How transactions are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// Changes come in an order in which no change comes before one it rests on.
    Commit,
    /// Only the states of one row are ordered.
    Row,
}

/// What an adapter promises. Gates are decided by it: a table that is polled cannot pass for one whose deletes are
/// captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guarantee {
    /// Whether rows that are gone are told of in every poll; otherwise only by a sweep of the keys.
    pub deletes: bool,
    /// How changes are ordered.
    pub order: Order,
    /// Whether every state of a row is told of, and not only the last before the poll.
    pub intermediate_states: bool,
    /// Whether the row as it was before is told.
    pub before_image: bool,
    /// How old a change can be when it is told of, in seconds beside the time between polls; `None` when nothing
    /// bounds it but a sweep.
    pub staleness_seconds: Option<u64>,
}

/// A database whose changes are read. Adapters keep one connection of their own, and drop it on any error.
pub trait ChangeSource {
    /// The life of the source.
    ///
    /// # Errors
    /// When the source cannot be asked.
    fn incarnation(&mut self) -> Result<Incarnation>;

    /// Where a stream that begins now begins.
    ///
    /// # Errors
    /// When the source cannot be asked.
    fn now(&mut self) -> Result<Position>;

    /// Whether a position can be read from.
    ///
    /// # Errors
    /// When the source cannot be asked, or the position is not one of this adapter.
    fn validity(&mut self, position: &Position) -> Result<Validity>;

    /// Everything since a position, consistent over all tables. Checks in the same snapshot what
    /// [`ChangeSource::validity`] checks.
    ///
    /// # Errors
    /// When the source cannot be asked; [`crate::ErrorKind::Expired`], [`crate::ErrorKind::Rewound`] and
    /// [`crate::ErrorKind::Drift`] when the position cannot be read from.
    fn poll(&mut self, from: &Position, budget: Budget) -> Result<Cut>;

    /// At most `rows` rows of a table after a key, in the order of the keys' canonical bytes or in one that the
    /// database gives and pages by; no row is skipped because of a collation.
    ///
    /// # Errors
    /// When the source cannot be asked.
    fn read_chunk(&mut self, table: &str, after: Option<&SourceKey>, rows: u64) -> Result<Chunk>;

    /// What this adapter promises for a table.
    fn guarantee(&self, table: &str) -> Guarantee;
}

//! Where rows stand that could not be applied.

use bron_mappings::SourceKey;

use crate::change::{Change, Stream, Version};
use crate::error::Result;
use crate::protocol::{Conflict, ConflictClass};
use crate::scope::Scope;

/// Why a row is parked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parked {
    /// It cannot be translated, or nobody owns its scope: a reason code, never a value.
    Reason(String),
    /// A conflict.
    Conflict(ConflictClass),
    /// Another row of its aggregate is parked.
    Behind,
}

/// A row that is parked. Holds personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedRow {
    /// The way it travelled.
    pub stream: Stream,
    /// The aggregate that is parked with it.
    pub aggregate: String,
    /// Its scope, when it could be told.
    pub scope: Option<Scope>,
    /// The change: the last that is known of the row.
    pub change: Change,
    /// Why.
    pub why: Parked,
}

/// How an aggregate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nothing of it is parked.
    Free,
    /// Everything of it is parked.
    Parked,
    /// A person has decided that what its owner says stands: until its rows are applied, what the follower holds is
    /// written over.
    OwnerStands,
}

/// How parked rows are let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// They are tried again as they are: what was in their way is gone, or the mapping was mended.
    Retry,
    /// What the owner says stands, over whatever the other side holds. Two persons decide that, with a reason; who they
    /// were is recorded by whoever asks for it.
    OwnerStands,
}

/// The store of parked rows and conflicts. Every method is one transaction, and each can be done again.
pub trait Parking {
    /// How aggregates stand, in their order.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn standing(&mut self, aggregates: &[&str]) -> Result<Vec<Standing>>;

    /// Parks rows, with their aggregates, and keeps conflicts with both images. A row that is parked already gives way
    /// to a later or equal version of itself and to nothing else; a conflict that is kept already is kept once.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn park(&mut self, rows: &[ParkedRow], conflicts: &[Conflict]) -> Result<()>;

    /// The rows of an aggregate that are parked, of both streams, in the order of streams and keys.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn parked(&mut self, aggregate: &str) -> Result<Vec<ParkedRow>>;

    /// Takes rows off that have been applied, or came to nothing, at these versions or later ones, and ends
    /// [`Standing::OwnerStands`] of the aggregates. An aggregate stays parked until it is released.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn settle(&mut self, stream: &Stream, rows: &[(SourceKey, Version)], aggregates: &[&str]) -> Result<()>;

    /// Takes all rows of an aggregate off and lets it go. Its rows have been journaled again before.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn release(&mut self, aggregate: &str, how: Release) -> Result<()>;
}

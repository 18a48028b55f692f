//! The database that follows: where changes of the owner are applied.

use bron_mappings::{Digest, SourceKey};

use crate::change::{CutId, Image, Stream, Version};
use crate::error::Result;
use crate::ownership::{Epoch, Ownership};
use crate::scope::Scope;

/// What the follower's own ledger says of a row that the bridge wrote there, in the same database and by the same
/// transaction as the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedRow {
    /// The highest version that was applied.
    pub version: Version,
    /// The digest of the row that was written ([`Image::digest`]); `None` is a tombstone.
    pub content: Option<Digest>,
}

/// What a row of the follower must be before it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// There is none.
    Absent,
    /// There is one, with this content.
    Content(Digest),
}

/// One row to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowWrite {
    /// The row of the follower: [`crate::MODEL_SYSTEM`] and entity, or legacy system and table.
    pub key: SourceKey,
    /// The scope whose epoch the write is made under.
    pub scope: Scope,
    /// What the row must be, or nothing is written at all and the write is a conflict.
    pub expected: Expected,
    /// What it shall be; `None` deletes it.
    pub after: Option<Image>,
    /// The version of the change that it follows from.
    pub version: Version,
    /// The row of the owner that it follows from: the ledger is kept by it, tombstones too.
    pub cause: SourceKey,
}

/// Everything that one cut comes to in the follower.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplyWork {
    /// The way the cut travels.
    pub stream: Stream,
    /// The cut.
    pub cut: CutId,
    /// The epoch that each scope in the work was read under; all must still be in force.
    pub epochs: Vec<(Scope, Epoch)>,
    /// The rows, parents before children, deletes of children before those of parents.
    pub writes: Vec<RowWrite>,
    /// Rows of the owner that come to no write of their own here: the follower says already what they say, or they
    /// come to nothing. The ledger takes their versions, as tombstones, so that an earlier state that arrives late is
    /// known as such.
    pub settled: Vec<(SourceKey, Version)>,
}

/// What came of an [`ApplyWork`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Everything was written, and the offset with it.
    Committed,
    /// The offset says that this cut had been applied; nothing was written.
    Already,
    /// Nothing was written: these writes, by their place in the work, met a row that is not what was expected.
    Conflicts(Vec<Met>),
    /// Nothing was written: a scope is under another ownership.
    StaleEpoch(Scope, Ownership),
}

/// A row that was not what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    /// The place of the write in the work.
    pub write: usize,
    /// The row as it is; `None` when there is none.
    pub current: Option<Image>,
    /// The constraint that refused, when it was not the row's content: the name as the database gives it.
    pub constraint: Option<String>,
}

/// What a follower can promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// The offset and the ledger lie in the follower and are committed with the rows.
    ExactlyOnce,
    /// The follower takes no tables of the bridge: a write is repeated when its outcome is not known, and read back.
    AtLeastOnce,
}

/// A database that follows.
pub trait Follower {
    /// What it can promise.
    fn delivery(&self) -> Delivery;

    /// The last cut of a stream that was applied.
    ///
    /// # Errors
    /// When the database cannot be asked.
    fn offset(&mut self, stream: &Stream) -> Result<Option<CutId>>;

    /// The ledger's entries of rows of the owner, in the order of the keys.
    ///
    /// # Errors
    /// When the database cannot be asked.
    fn applied(&mut self, stream: &Stream, causes: &[SourceKey]) -> Result<Vec<Option<AppliedRow>>>;

    /// Rows of the follower as they are, in the order of the keys.
    ///
    /// # Errors
    /// When the database cannot be asked.
    fn current(&mut self, keys: &[SourceKey]) -> Result<Vec<Option<Image>>>;

    /// Applies one cut in one transaction: compares the epochs of its scopes while it holds them, writes every row
    /// under its precondition, the ledger and the offset, and marks all of it as the bridge's.
    ///
    /// When this fails after the commit was sent, the outcome is not known: [`Follower::offset`] tells it.
    ///
    /// # Errors
    /// When the database cannot be asked, or refuses for another reason than what a row holds. Nothing is written.
    fn apply(&mut self, work: &ApplyWork) -> Result<Applied>;

    /// The follower's copy of who owns a scope.
    ///
    /// # Errors
    /// When the database cannot be asked.
    fn ownership(&mut self, scope: &Scope) -> Result<Option<Ownership>>;

    /// Writes the copy, unless a later epoch stands there.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Fenced`] when one does.
    fn set_ownership(&mut self, scope: &Scope, ownership: Ownership) -> Result<()>;
}

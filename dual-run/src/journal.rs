//! The record of everything that was captured: first written, then applied.

use bron_mappings::Digest;

use crate::capture::Position;
use crate::change::{Cut, CutId, Stream};
use crate::error::Result;

/// The journal. Hash-chained and without gaps; payloads are sealed; one process writes, under a lease.
pub trait Journal {
    /// Writes a cut, and where its stream has been read to, in one transaction. A cut that begins where the stream no
    /// longer stands has been journaled before, or belongs to a process that lost its lease: nothing is written.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Fenced`] when the lease is lost or the cut does not begin where the stream stands.
    fn append(&mut self, cut: &Cut, mapping_version: Digest) -> Result<CutId>;

    /// Where a stream has been read to.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn position(&mut self, stream: &Stream) -> Result<Option<Position>>;

    /// The first cut of a stream after another, with the version of the mappings that it was journaled under.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] when it is not what was written.
    fn next_after(&mut self, stream: &Stream, after: Option<CutId>) -> Result<Option<(CutId, Cut, Digest)>>;
}

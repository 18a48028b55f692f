//! The translation between the two worlds, both ways.

use std::collections::BTreeMap;

use bron_mappings::{Digest, SourceKey};

use crate::change::{Change, Image, Version};
use crate::error::Result;
use crate::scope::Scope;

/// What became of one change when it was translated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    /// The change's row.
    pub cause: SourceKey,
    /// The version of the change.
    pub version: Version,
    /// The person or case that the row belongs to: what is parked when something is wrong with it, and by which
    /// writes are put in lanes. Opaque, and without personal data.
    pub aggregate: String,
    /// The scope that the row belongs to now.
    pub scope: Scope,
    /// The scope it belonged to before, when it has moved.
    pub moved_from: Option<Scope>,
    /// The rows of the other world, by key; `None` says that there must be none.
    pub rows: BTreeMap<SourceKey, Option<Image>>,
    /// Why the row cannot be translated; the rows are empty then. A reason code of the mappings, or the reason that
    /// the way back gives; never a value.
    pub parked: Option<String>,
    /// Fields that the change touches and the other world cannot hold.
    pub lost: Vec<String>,
}

/// What both worlds agreed on of a row, when a change of it or to it was last applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreed {
    /// The lens does not keep it. What stands in the database is taken for what was agreed then, and whoever else
    /// wrote there is found only by the capture of that database.
    Unknown,
    /// There was no such row.
    Absent,
    /// The row as it was.
    Row(Image),
}

/// The translation of the changes of one cut. Every change of a cut is translated in the knowledge of all of them.
///
/// Laws, for every row that is not parked: what is put back reads as what was put (put-get), and a row that nobody
/// changed is put back as it was (get-put), but for the fields that the lens names as lossy.
pub trait Lens {
    /// The versions of the mappings that the translation is made with: pinned in the journal with the cut, and used
    /// again when it is replayed.
    fn mapping_version(&self) -> Digest;

    /// From legacy rows to rows of the model. Rows that rest on a changed row (children of a parent) are translated
    /// anew with it, each as a change of its own at the version of the parent's.
    ///
    /// # Errors
    /// When the store of what is known of other rows cannot be asked.
    fn forward(&mut self, changes: &[Change]) -> Result<Vec<Translated>>;

    /// From rows of the model to legacy rows, with what the store kept of the legacy rows that the model does not
    /// represent.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn reverse(&mut self, changes: &[Change]) -> Result<Vec<Translated>>;

    /// What both worlds last agreed on of rows of either world, in the order of the keys.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn agreed(&mut self, keys: &[SourceKey]) -> Result<Vec<Agreed>> {
        Ok(vec![Agreed::Unknown; keys.len()])
    }

    /// Takes note that translations have been applied: what is known of other rows, and the complement, follow.
    /// Doing it twice is the same as once.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn applied(&mut self, changes: &[Change], translated: &[Translated]) -> Result<()>;
}

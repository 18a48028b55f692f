//! Comparing a whole table with what is known of it.
//!
//! What no log and no watermark tells of is found so: rows that are gone, rows that were changed by somebody who
//! forgot to say when, and everything in a table that can only be read as a whole (its label is *batch*). A sweep reads
//! the table in chunks and holds the known rows of that one table in memory, about 150 bytes each; the table itself
//! never.

use std::collections::BTreeMap;

use bron_mappings::{Digest, SourceKey};

use super::ChangeSource;
use crate::change::{Change, Image, Mark, Version};
use crate::error::Result;

/// What a sweep met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// The rows of the table.
    pub rows: u64,
    /// Those that nothing was known of.
    pub new: u64,
    /// Those that are not what was known.
    pub changed: u64,
    /// The known rows that are not there.
    pub gone: u64,
}

impl Swept {
    /// Whether everything is as it was known.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.new == 0 && self.changed == 0 && self.gone == 0
    }
}

/// Reads a table in chunks of `rows_each` rows and tells what is not as it is known: `known` has each row with the
/// digest of its content ([`Image::digest`]), in any order.
///
/// The changes have the highest version that the source had given when the sweep began (for rows that are gone) or
/// when their chunk was read: what a poll tells of afterwards is later. `known` must have been taken before the sweep
/// began, or a row that came meanwhile counts as new; that is harmless, for it is told of as it is.
///
/// # Errors
/// When the source cannot be read, and those of `each`.
pub fn sweep(
    source: &mut dyn ChangeSource,
    table: &str,
    known: impl IntoIterator<Item = (SourceKey, Digest)>,
    rows_each: u64,
    each: &mut dyn FnMut(Change) -> Result<()>,
) -> Result<Swept> {
    let mut known: BTreeMap<SourceKey, Digest> = known.into_iter().collect();
    let mut swept = Swept::default();
    let (mut began, mut after) = (None, None);
    loop {
        let chunk = source.read_chunk(table, after.as_ref(), rows_each)?;
        let version = Version { minor: u64::MAX, ..chunk.at };
        began.get_or_insert(version);
        after = chunk.rows.keys().next_back().cloned();
        for (key, image) in chunk.rows {
            swept.rows += 1;
            let digest = known.remove(&key);
            if digest == Some(image.digest()) {
                continue;
            }
            *(if digest.is_some() { &mut swept.changed } else { &mut swept.new }) += 1;
            each(change(key, version, Some(image)))?;
        }
        if !chunk.more {
            break;
        }
    }
    let version = began.unwrap_or_default();
    for key in known.into_keys() {
        swept.gone += 1;
        each(change(key, version, None))?;
    }
    Ok(swept)
}

fn change(key: SourceKey, version: Version, after: Option<Image>) -> Change {
    Change { key, version, after, before: None, mark: Mark::None }
}

//! A spot check that can be repeated.

use super::{Entry, sha256};

/// Draws `size` entries, or all when there are fewer, in the order of the log. The same seed draws the same ones from
/// the same log: those whose SHA-256 over `SEED HASH` is least, with the hash of the entry. So nobody who writes
/// entries knows before the seed is chosen which of them will be looked at.
#[must_use]
pub fn sample(entries: &[Entry], seed: u64, size: usize) -> Vec<&Entry> {
    let mut drawn: Vec<(String, &Entry)> =
        entries.iter().map(|entry| (sha256(format!("{seed} {}", entry.hash).as_bytes()), entry)).collect();
    drawn.sort_by(|one, other| one.0.cmp(&other.0));
    drawn.truncate(size);
    drawn.sort_by_key(|(_, entry)| entry.seq);
    drawn.into_iter().map(|(_, entry)| entry).collect()
}

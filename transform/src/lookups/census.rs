//! Which rows of a table repeat the key of another row.

use bron_mappings::{Batch, Digest, DigestBuilder};

use super::{Answer, Gather, RowSet, columns_of, text_at};

/// One part of the keys of a table. A table is taken in as many slices as keep the memory small; each
/// slice reads the key columns once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CensusSlice {
    number: u16,
    of: u16,
}

/// A key takes about 32 bytes while it is counted, so a slice stays near 64 MB.
const KEYS_PER_SLICE: u64 = 2_000_000;

impl CensusSlice {
    /// All keys at once.
    pub(super) const WHOLE: Self = Self { number: 0, of: 1 };

    /// The slices for a table of so many rows.
    pub(super) fn of_table(rows: u64) -> impl Iterator<Item = Self> {
        Self::in_parts(u16::try_from(rows / KEYS_PER_SLICE + 1).unwrap_or(u16::MAX))
    }

    pub(super) fn in_parts(of: u16) -> impl Iterator<Item = Self> {
        (0..of).map(move |number| Self { number, of })
    }

    fn holds(self, key: &Digest) -> bool {
        let bytes = key.as_bytes();
        u16::from_be_bytes([bytes[16], bytes[17]]) % self.of == self.number
    }
}

/// Counts the keys of one slice of a table.
pub(super) struct CensusGather {
    key: Vec<String>,
    latest: bool,
    slice: CensusSlice,
    next_row: u64,
    seen: Vec<([u8; 16], u64)>,
}

impl CensusGather {
    /// Counts by `key`. With `latest` the last row of a key counts, otherwise the first.
    pub(super) const fn new(key: Vec<String>, latest: bool, slice: CensusSlice) -> Self {
        Self { key, latest, slice, next_row: 0, seen: Vec::new() }
    }
}

impl Gather for CensusGather {
    fn add(&mut self, batch: &Batch) {
        let cells = columns_of(batch, &self.key);
        for row in 0..batch.rows() {
            let mut digest = DigestBuilder::new("");
            for cells in &cells {
                match text_at(cells.as_ref(), row) {
                    None => digest.part(&[0]),
                    Some(text) => digest.part(&[1]).part(text.as_bytes()),
                };
            }
            let digest = digest.finish();
            if self.slice.holds(&digest) {
                let mut name = [0; 16];
                name.copy_from_slice(&digest.as_bytes()[..16]);
                self.seen.push((name, self.next_row));
            }
            self.next_row += 1;
        }
    }

    /// The rows of the slice that do not count because another row with the same key does.
    fn finish(mut self: Box<Self>) -> Answer {
        self.seen.sort_unstable();
        let repeats = self.seen.windows(2).filter(|pair| pair[0].0 == pair[1].0);
        Answer::Rows(RowSet::new(
            repeats.map(|pair| if self.latest { pair[0].1 } else { pair[1].1 }).collect(),
        ))
    }
}

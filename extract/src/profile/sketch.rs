//! How many different values, and which share of one column's values another has, in little memory.

use std::collections::BTreeSet;

use serde::Serialize;

/// Kept hashes: the estimate of a column of any size is then off by about 1.6 percent (one in the square root of
/// this number).
const KEPT: usize = 4096;

/// The number of different values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "count", rename_all = "lowercase")]
pub enum Distinct {
    /// Counted.
    Exactly(u64),
    /// Estimated from the smallest hashes.
    About(u64),
}

impl Distinct {
    /// Whether the number is this one, as far as can be told: an estimate may be off by four in a hundred.
    #[must_use]
    pub const fn is_nearly(self, number: u64) -> bool {
        match self {
            Self::Exactly(count) => count == number,
            Self::About(count) => count.abs_diff(number) <= number / 25,
        }
    }

    /// The number, however it was found.
    #[must_use]
    pub fn count(self) -> u64 {
        match self {
            Self::Exactly(count) | Self::About(count) => count,
        }
    }
}

/// The smallest hashes of the values of a column. The same values give the same sketch, in any order.
#[derive(Clone, Debug, Default)]
pub(super) struct Sketch {
    smallest: BTreeSet<u64>,
    /// Whether a hash was ever left out.
    full: bool,
}

impl Sketch {
    pub(super) fn add(&mut self, value: &[u8]) {
        let digest = blake3::hash(value);
        let bytes: [u8; 8] = digest.as_bytes()[..8].try_into().expect("a digest has more than 8 bytes");
        let hash = u64::from_be_bytes(bytes);
        if self.full && self.smallest.last().is_some_and(|largest| hash > *largest) {
            return;
        }
        self.smallest.insert(hash);
        if self.smallest.len() > KEPT {
            self.smallest.pop_last();
            self.full = true;
        }
    }

    pub(super) fn distinct(&self) -> Distinct {
        let kept = u64::try_from(self.smallest.len()).unwrap_or(u64::MAX);
        match self.smallest.last() {
            Some(largest) if self.full => {
                // The kept hashes fill the part of all numbers up to the largest of them.
                let estimate = u128::from(kept - 1) * (1 << 64) / u128::from((*largest).max(1));
                Distinct::About(u64::try_from(estimate).unwrap_or(u64::MAX))
            }
            _ => Distinct::Exactly(kept),
        }
    }

    /// Of the different values here, in a sample: how many the other column has too, of how many.
    pub(super) fn found_in(&self, other: &Self) -> (u64, u64) {
        let limit = |sketch: &Self| if sketch.full { sketch.smallest.last().copied() } else { None };
        // Below both limits the sketches hold every hash.
        let limit = limit(self).into_iter().chain(limit(other)).min().unwrap_or(u64::MAX);
        let sample = self.smallest.range(..=limit);
        sample.fold((0, 0), |(found, asked), hash| {
            (found + u64::from(other.smallest.contains(hash)), asked + 1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(values: impl IntoIterator<Item = u32>) -> Sketch {
        let mut sketch = Sketch::default();
        values.into_iter().for_each(|value| sketch.add(&value.to_be_bytes()));
        sketch
    }

    #[test]
    fn few_values_are_counted_and_many_estimated() {
        assert_eq!(sketch((0..1000).chain(0..1000)).distinct(), Distinct::Exactly(1000));
        let Distinct::About(many) = sketch((0..200_000).chain(0..1000)).distinct() else { panic!("counted") };
        assert!((190_000..=210_000).contains(&many), "{many}");
    }

    #[test]
    fn the_share_that_another_column_has_is_found_from_samples() {
        let keys = sketch(0..100_000);
        assert_eq!(sketch(500..600).found_in(&keys).0, sketch(500..600).found_in(&keys).1);
        let (found, asked) = sketch((50_000..150_000).step_by(2)).found_in(&keys);
        assert!(asked > 1000 && found * 100 / asked >= 46 && found * 100 / asked <= 54, "{found} of {asked}");
    }

    #[test]
    fn the_order_of_values_says_nothing() {
        let (up, down) = (sketch(0..20_000), sketch((0..20_000).rev()));
        assert_eq!(up.smallest, down.smallest);
    }
}

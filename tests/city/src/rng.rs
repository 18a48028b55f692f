//! Random numbers that depend on a key and on nothing else.
//!
//! Every purpose has its own stream, keyed by (seed, purpose, index), so that a new table or a new
//! defect never moves the numbers of another one. The generator is xoshiro256**, keyed by BLAKE3.

/// One stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// The stream of one purpose and one index under a seed.
    pub(crate) fn keyed(seed: u64, purpose: &str, index: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes());
        hasher.update(&index.to_le_bytes());
        hasher.update(purpose.as_bytes());
        let digest = *hasher.finalize().as_bytes();
        let mut state = [0; 4];
        for (word, bytes) in state.iter_mut().zip(digest.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        Self { state }
    }

    fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A number in `0..bound`; 0 when the bound is 0.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let wide = (self.next() >> 32) * u64::from(bound);
        u32::try_from(wide >> 32).expect("a 32-bit number times a 32-bit bound has 32 high bits")
    }

    /// A number in `low..=high`; `low` when the range is empty.
    pub(crate) fn between(&mut self, low: i32, high: i32) -> i32 {
        let span = u32::try_from(i64::from(high) - i64::from(low) + 1).unwrap_or(0);
        low + i32::try_from(self.below(span)).unwrap_or(0)
    }

    /// True `share` times out of `of`.
    pub(crate) fn chance(&mut self, share: u32, of: u32) -> bool {
        self.below(of) < share
    }

    /// One of the items, which must not be none.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        *self.pick_ref(items)
    }

    /// A reference to one of the items, which must not be none.
    pub(crate) fn pick_ref<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let count = u32::try_from(items.len()).expect("lists in this crate are short");
        &items[usize::try_from(self.below(count)).expect("a list index fits usize")]
    }

    /// The index drawn from a list of weights; 0 when every weight is 0.
    pub(crate) fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut rest = self.below(weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            if rest < *weight {
                return index;
            }
            rest -= weight;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_its_whole_key() {
        let draw = |seed, purpose, index| Rng::keyed(seed, purpose, index).next();
        assert_eq!(draw(1, "a", 1), draw(1, "a", 1));
        assert_ne!(draw(1, "a", 1), draw(2, "a", 1));
        assert_ne!(draw(1, "a", 1), draw(1, "b", 1));
        assert_ne!(draw(1, "a", 1), draw(1, "a", 2));
    }

    #[test]
    fn bounds_are_kept_and_reached() {
        let mut rng = Rng::keyed(7, "bounds", 0);
        let mut seen = [false; 6];
        for _ in 0..1_000 {
            let value = rng.between(-2, 3);
            assert!((-2..=3).contains(&value));
            seen[usize::try_from(value + 2).unwrap()] = true;
        }
        assert_eq!(seen, [true; 6]);
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.between(4, 3), 4);
    }

    #[test]
    fn weights_are_kept() {
        let mut rng = Rng::keyed(7, "weights", 0);
        let hits = (0..10_000).filter(|_| rng.weighted(&[0, 90, 10]) == 2).count();
        assert!((850..1_150).contains(&hits), "{hits} of about 1000");
    }
}

//! Numbers that look drawn and follow from a seed.

/// A stream of numbers: `SplitMix64`, which is short enough to be read and good enough to spread faults.
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// The stream of one purpose and one number under a seed. Streams of other purposes do not move it.
    #[must_use]
    pub fn new(seed: u64, purpose: &str, number: u64) -> Self {
        let mut draw = Self(seed);
        for byte in purpose.bytes() {
            draw.0 ^= u64::from(byte);
            draw.next();
        }
        draw.0 ^= number;
        draw.next();
        draw
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let mixed = mixed ^ (mixed >> 31);
        // The state takes the mixed value in, so that purposes that begin alike part for good.
        self.0 ^= mixed.rotate_left(17);
        mixed
    }

    /// A number in `0..bound`; 0 when the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    /// A place in a list of so many; 0 when there is none.
    pub fn place(&mut self, of: usize) -> usize {
        let at = self.below(u64::try_from(of).expect("a list in memory has a length of 64 bits"));
        usize::try_from(at).expect("it is below the length of a list in memory")
    }

    /// A digit of a number with this base; 0 when the base is 0.
    pub fn digit(&mut self, base: u32) -> u32 {
        u32::try_from(self.below(u64::from(base))).expect("it is below a number of 32 bits")
    }

    /// One of these.
    ///
    /// # Panics
    /// When there is none.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.place(all.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(seed: u64, purpose: &str, number: u64) -> Vec<u64> {
        let mut draw = Draw::new(seed, purpose, number);
        (0..4).map(|_| draw.below(1 << 40)).collect()
    }

    #[test]
    fn the_same_key_draws_the_same_and_another_draws_others() {
        let here = first(1, "kill", 0);
        assert_eq!(here, first(1, "kill", 0));
        for (seed, purpose, number) in [(2, "kill", 0), (1, "kilk", 0), (1, "kill", 1), (1, "", 0)] {
            assert_ne!(here, first(seed, purpose, number));
        }
    }

    #[test]
    fn numbers_stay_below_their_bound_and_reach_all_of_it() {
        let mut draw = Draw::new(7, "spread", 0);
        let mut seen = [0_u32; 10];
        for _ in 0..1000 {
            seen[usize::try_from(draw.below(10)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| (50..200).contains(count)), "{seen:?}");
        assert_eq!(draw.below(0), 0);
    }
}

//! Sets that are joined and never parted.

use super::place;

/// Each number from 0 on is in one set. A set is named by its smallest number, whatever the order in which
/// it was joined.
#[derive(Default)]
pub(super) struct Union {
    above: Vec<u32>,
}

impl Union {
    /// Adds the next number as a set of its own.
    pub(super) fn push(&mut self) {
        let next = u32::try_from(self.above.len()).expect("there are fewer numbers than 2^32");
        self.above.push(next);
    }

    /// The name of the set that holds a number.
    pub(super) fn find(&mut self, mut number: u32) -> u32 {
        while self.above[place(number)] != number {
            // Halving the way keeps later ways short.
            let two_up = self.above[place(self.above[place(number)])];
            self.above[place(number)] = two_up;
            number = two_up;
        }
        number
    }

    /// Joins the sets of two numbers.
    pub(super) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        self.above[place(a.max(b))] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn two_numbers_are_in_one_set_exactly_when_joins_lead_from_one_to_the_other(
            joins in proptest::collection::vec((0_u32..12, 0_u32..12), 0..20),
        ) {
            let mut union = Union::default();
            (0..12).for_each(|_| union.push());
            joins.iter().for_each(|&(a, b)| union.join(a, b));
            let mut names: Vec<u32> = (0..12).collect();
            // The slow way: the smaller name goes on along every join until nothing changes.
            for _ in 0..12 {
                for &(a, b) in &joins {
                    let name = names[place(a)].min(names[place(b)]);
                    names[place(a)] = name;
                    names[place(b)] = name;
                }
            }
            for (number, name) in (0..).zip(names) {
                prop_assert_eq!(union.find(number), name);
            }
        }
    }
}

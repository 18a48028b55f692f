//! People whom Paraply does not know: some of those who have a guardian, and many of the guardians.

use super::Pools;
use crate::rng::Rng;

/// A person outside Paraply.
#[derive(Debug, Clone)]
pub(crate) struct Outsider {
    /// The twelve-digit number; none when the pools of numbers are empty.
    pub(crate) number: Option<String>,
    pub(crate) man: bool,
}

/// How many there are, per thousand persons of the city.
const PER_THOUSAND: u32 = 52;
const AT_LEAST: u32 = 8;

/// Takes their numbers from what the persons of the city and the employees have left. Every fourth is old.
pub(super) fn plan(persons: u32, seed: u64, pools: &mut Pools) -> Vec<Outsider> {
    let mut rng = Rng::keyed(seed, "outsiders", 0);
    let count = (persons / 1_000 * PER_THOUSAND + persons % 1_000 * PER_THOUSAND / 1_000).max(AT_LEAST);
    (0..count)
        .map(|place| {
            let number = pools.outsider(place.is_multiple_of(4));
            let man = number.is_none() && rng.chance(1, 2);
            Outsider { number, man }
        })
        .collect()
}

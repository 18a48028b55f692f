//! When a kund is not at home: in hospital or travelling.

use crate::calendar::{Day, Month, Stamp};
use crate::rng::Rng;

/// Some days away from home, within one month.
pub(super) struct Away {
    pub(super) from: Day,
    pub(super) to: Day,
    /// `Typ`: SJH hospital, RES journey. A third one, AVL, tells that the kund has died.
    pub(super) kind: &'static str,
}

impl Away {
    /// The days of a month that a person is away, if any.
    pub(super) fn draw(seed: u64, person: u32, month: Month) -> Option<Self> {
        let index = u64::from(person) << 16 | u64::try_from(month.0).unwrap_or(0);
        let mut rng = Rng::keyed(seed, "franvaro", index);
        let away = rng.chance(120, 1_000);
        let length = rng.between(2, 8);
        let from = month.day(rng.between(1, month.days() - length));
        let kind = rng.pick(&["SJH", "SJH", "SJH", "RES"]);
        away.then_some(Self { from, to: from.plus(length - 1), kind })
    }

    pub(super) fn covers(&self, time: Stamp) -> bool {
        (self.from..=self.to).contains(&time.day())
    }
}

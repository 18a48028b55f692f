//! When and where a patient is in care.

use crate::calendar::{Day, TODAY};
use crate::rng::Rng;

use super::FIRST_NOTE;
use super::staff::UNITS;

/// A row of `VARDTILLF`.
pub(super) struct Stay {
    /// `VTID`; 0 until the row is written.
    pub(super) id: i64,
    /// The unit, from 0.
    pub(super) unit: u32,
    pub(super) from: Day,
    /// None while care goes on.
    pub(super) to: Option<Day>,
}

/// One to three stays at different units, each beginning the day after the one before. The city's first
/// patient is in care all the time.
pub(super) fn plan_stays(number: u32, rng: &mut Rng) -> Vec<Stay> {
    let span = TODAY.0 - FIRST_NOTE.0;
    let first = if number == 1 { FIRST_NOTE } else { FIRST_NOTE.plus(rng.between(0, span / 2)) };
    let open = number == 1 || rng.chance(600, 1_000);
    let end = if open { TODAY } else { TODAY.plus(-rng.between(30, 1_500)) };
    let count = i32::try_from(1 + rng.weighted(&[55, 30, 15])).unwrap_or(1);
    let days = (end.0 - first.0) / count;
    let mut unit = rng.below(UNITS);
    let mut stays = Vec::new();
    for place in 0..count {
        let last = place + 1 == count;
        let to = if last { (!open).then_some(end) } else { Some(first.plus((place + 1) * days - 1)) };
        stays.push(Stay { id: 0, unit, from: first.plus(place * days), to });
        unit = (unit + 1 + rng.below(UNITS - 1)) % UNITS;
    }
    stays
}

//! Which rows a partial comparison looks at.
//!
//! Ids are keyed digests, so the rows whose ids lie in a span are drawn by chance from all rows, and the same every
//! time. A share of every entity is a span of the same width, which a target reads without reading the rest. What a
//! partial comparison did not look at is not proven, whatever it found in the rest.

use bron_mappings::{DigestBuilder, EntityId};
use serde::{Deserialize, Serialize};

use crate::report::number::count;

/// What the comparison row by row, and the round trip, were limited to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// A sample of every entity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
    /// Rows that were written after this run, or from this day on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// One of several shares that together are everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling: Option<Rolling>,
    /// Rows of the target that were looked at.
    pub rows: u64,
    /// Rows of the target.
    pub of: u64,
}

/// A sample, stratified by entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Its size, as it was asked for: about so many rows of every entity, or `N%` of them.
    pub size: String,
    /// Which sample: the same seed gives the same rows.
    pub seed: u64,
}

/// One share of all rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rolling {
    /// Which share, from 1.
    pub share: u32,
    /// How many shares there are.
    pub of: u32,
    /// The run of which each share was compared last, by share; shares that never were are not listed.
    pub compared: Vec<ComparedShare>,
}

/// When a share was compared last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparedShare {
    /// The share, from 1.
    pub share: u32,
    /// The run.
    pub run: String,
    /// Whether nothing in it differed.
    pub equal: bool,
}

impl Scope {
    /// What is not proven, as a Swedish sentence.
    #[must_use]
    pub fn unproven(&self) -> String {
        let (rows, of) = (count(self.rows), count(self.of));
        let part = share(self.rows, self.of);
        let what = [
            self.sample.as_ref().map(|sample| format!("ett stickprov, frö {}", sample.seed)),
            self.since.as_ref().map(|since| format!("det som skrivits efter {since}")),
            self.rolling.as_ref().map(|rolling| format!("del {} av {}", rolling.share, rolling.of)),
        ];
        let what: Vec<String> = what.into_iter().flatten().collect();
        format!("Rad för rad är bara {rows} av {of} rader i målet jämförda ({part}; {}).", what.join(", "))
    }
}

/// Ids from `from` on, up to and without `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first id; without it the span starts at the least.
    pub from: Option<EntityId>,
    /// The first id after the span; without it the span ends at the greatest.
    pub to: Option<EntityId>,
}

impl Span {
    /// Whether an id lies in the span.
    #[must_use]
    pub fn contains(&self, id: EntityId) -> bool {
        self.from.is_none_or(|from| from <= id) && self.to.is_none_or(|to| id < to)
    }

    /// The share of all ids with this number, from 1. The shares of one division are disjoint, and together everything.
    #[must_use]
    pub fn rolling(share: u32, of: u32) -> Self {
        Self { from: bound(share.saturating_sub(1), of), to: bound(share, of) }
    }

    /// So large a part of all ids, `part` of `of`, beginning where chance has it for the seed and the entity.
    #[must_use]
    pub fn sample(seed: u64, entity: &str, part: u64, of: u64) -> Self {
        if part >= of {
            return Self { from: None, to: None };
        }
        let mut digest = DigestBuilder::new("bron/sample/1");
        let digest = digest.part(&seed.to_be_bytes()).part(entity.as_bytes()).finish();
        let mut drawn = [0; 16];
        drawn.copy_from_slice(&digest.as_bytes()[..16]);
        let width = (u128::MAX / u128::from(of)) * u128::from(part);
        let first = u128::from_be_bytes(drawn) % (u128::MAX - width);
        Self { from: Some(id(first)), to: Some(id(first + width)) }
    }
}

/// A part in per cent with one decimal, rounded down: what is not whole is never 100.
fn share(part: u64, of: u64) -> String {
    let tenths = (u128::from(part) * 1000).checked_div(u128::from(of)).unwrap_or(0);
    format!("{},{}\u{202f}%", count(tenths / 10), tenths % 10)
}

/// Where a share begins; nothing at either end.
fn bound(share: u32, of: u32) -> Option<EntityId> {
    (share > 0 && share < of).then(|| id((u128::MAX / u128::from(of)) * u128::from(share)))
}

const fn id(number: u128) -> EntityId {
    EntityId::from_bytes(number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> impl Iterator<Item = EntityId> {
        (0_u32..4000).map(|number| {
            let digest = DigestBuilder::new("test").part(&number.to_be_bytes()).finish();
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&digest.as_bytes()[..16]);
            EntityId::from_bytes(bytes)
        })
    }

    #[test]
    fn every_id_lies_in_exactly_one_share() {
        for of in [1, 2, 3, 7, 365] {
            let shares: Vec<Span> = (1..=of).map(|share| Span::rolling(share, of)).collect();
            let ends = [EntityId::from_bytes([0; 16]), EntityId::from_bytes([255; 16])];
            for id in ids().chain(ends) {
                assert_eq!(shares.iter().filter(|span| span.contains(id)).count(), 1, "{of}");
            }
        }
    }

    #[test]
    fn a_sample_has_its_size_and_the_seed_chooses_it() {
        let drawn = |seed, part, of| -> Vec<EntityId> {
            let span = Span::sample(seed, "rad", part, of);
            ids().filter(|id| span.contains(*id)).collect()
        };
        for seed in 0..20 {
            assert!((320..480).contains(&drawn(seed, 1, 10).len()), "{seed}");
        }
        assert_eq!(drawn(3, 1, 10), drawn(3, 1, 10));
        assert_ne!(drawn(3, 1, 10), drawn(4, 1, 10));
        assert_eq!((drawn(1, 10, 10).len(), drawn(1, 0, 10).len()), (4000, 0));
    }

    #[test]
    fn the_sentence_names_what_was_looked_at() {
        let sample = Some(Sample { size: "5%".to_owned(), seed: 7 });
        let scope = Scope { sample, rows: 50, of: 1000, ..Scope::default() };
        assert_eq!(
            scope.unproven(),
            "Rad för rad är bara 50 av 1\u{202f}000 rader i målet jämförda (5,0\u{202f}%; ett stickprov, frö 7)."
        );
        assert_eq!((share(999, 1000), share(1, 0)), ("99,9\u{202f}%".to_owned(), "0,0\u{202f}%".to_owned()));
    }
}

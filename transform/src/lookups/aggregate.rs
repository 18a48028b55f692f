//! One text for each key about the rows of a table: how many, how much, the smallest, the greatest.

mod amount;

use std::fmt;

use bron_mappings::{Batch, ConditionTest};

use super::index::KeyIndex;
use super::moment::moment;
use super::texts::SharedTexts;
use super::{Answer, Filter, Gather, Made, columns_of, join_key, slot, text_at};
use crate::calendar::MICROS_PER_MINUTE;
use amount::{four_decimals, ten_thousandths};

/// A text for each key.
pub(crate) struct AggregateTable {
    keys: KeyIndex,
    texts: SharedTexts,
    /// The text of a key without rows.
    none: Option<&'static str>,
}

impl fmt::Debug for AggregateTable {
    /// Prints the number of keys, never a text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AggregateTable({:?})", self.keys)
    }
}

impl AggregateTable {
    /// The text for a key; `None` when a text of the key is NULL or empty.
    pub(crate) fn text<'t>(&self, key: impl IntoIterator<Item = Option<&'t str>>) -> Option<&str> {
        self.keys.find(&join_key(key)?).map_or(self.none, |key| self.texts.text(key))
    }
}

/// Gathers an [`AggregateTable`].
pub(super) struct AggregateGather {
    key: Vec<String>,
    when: Filter,
    made: Made,
    keys: KeyIndex,
    values: Values,
}

/// What is known of each key so far.
enum Values {
    Counts(Vec<u64>),
    /// The different texts of a column, and which of them each key has.
    Distinct(KeyIndex, Vec<(u32, u32)>),
    /// `None` for a sum that has a part that could not be read, or that is too large.
    Sums(Vec<Option<i128>>),
    /// `None` as for sums, in whole minutes.
    Minutes(Vec<Option<i64>>),
    Texts(Vec<Option<Box<str>>>),
}

impl Values {
    fn of(made: &Made) -> Self {
        match made {
            Made::Count { distinct: None } => Self::Counts(Vec::new()),
            Made::Count { distinct: Some(_) } => Self::Distinct(KeyIndex::default(), Vec::new()),
            Made::Sum { .. } => Self::Sums(Vec::new()),
            Made::Minutes { .. } => Self::Minutes(Vec::new()),
            Made::Earliest { .. } | Made::Latest { .. } => Self::Texts(Vec::new()),
        }
    }

    fn grow(&mut self) {
        match self {
            Self::Counts(counts) => counts.push(0),
            Self::Distinct(..) => {}
            Self::Sums(sums) => sums.push(Some(0)),
            Self::Minutes(minutes) => minutes.push(Some(0)),
            Self::Texts(texts) => texts.push(None),
        }
    }

    /// Adds a row: its text of the column that is asked about, and the sign of that text or the end of its
    /// period.
    fn add(&mut self, key: usize, made: &Made, text: Option<&str>, sign: Option<&str>) {
        let present = text.filter(|text| !text.is_empty());
        match self {
            Self::Counts(counts) => counts[key] += 1,
            Self::Distinct(texts, pairs) => {
                pairs.extend(present.map(|text| (slot(key), slot(texts.insert(text).0))));
            }
            Self::Sums(sums) => {
                let part = present.map_or(Some(0), ten_thousandths);
                let part = part.map(|part| if made.subtracts(sign) { -part } else { part });
                sums[key] = sums[key].zip(part).and_then(|(sum, part)| sum.checked_add(part));
            }
            Self::Minutes(minutes) => {
                let period = text.and_then(moment).zip(sign.and_then(moment));
                let lasts = period.map(|(from, to)| (to - from).div_euclid(MICROS_PER_MINUTE));
                minutes[key] = minutes[key].zip(lasts).and_then(|(sum, lasts)| sum.checked_add(lasts));
            }
            Self::Texts(texts) => {
                let known = texts[key].as_deref();
                let better = |text: &&str| {
                    known.is_none_or(|known| if made.is_earliest() { *text < known } else { *text > known })
                };
                if let Some(text) = present.filter(better) {
                    texts[key] = Some(text.into());
                }
            }
        }
    }

    fn finish(self, keys: usize) -> SharedTexts {
        let count = |count: u64| Some(count.to_string());
        match self {
            Self::Counts(counts) => SharedTexts::new(counts.into_iter().map(count)),
            Self::Distinct(_, mut pairs) => {
                pairs.sort_unstable();
                pairs.dedup();
                let mut counts = vec![0; keys];
                for (key, _) in pairs {
                    counts[usize::try_from(key).expect("32 bits fit a usize")] += 1;
                }
                SharedTexts::new(counts.into_iter().map(count))
            }
            Self::Sums(sums) => SharedTexts::new(sums.into_iter().map(|sum| sum.map(four_decimals))),
            Self::Minutes(minutes) => {
                SharedTexts::new(minutes.into_iter().map(|sum| sum.map(|sum| sum.to_string())))
            }
            Self::Texts(texts) => SharedTexts::new(texts),
        }
    }
}

impl Made {
    fn subtracts(&self, sign: Option<&str>) -> bool {
        let Self::Sum { minus: Some((_, values)), .. } = self else { return false };
        values.iter().any(|value| Some(value.as_str()) == sign)
    }

    const fn is_earliest(&self) -> bool {
        matches!(self, Self::Earliest { .. })
    }

    /// The column that is asked about, and the one that tells the sign or the end.
    pub(super) fn columns(&self) -> [Option<&String>; 2] {
        match self {
            Self::Count { distinct } => [distinct.as_ref(), None],
            Self::Sum { value, minus } => [Some(value), minus.as_ref().map(|(column, _)| column)],
            Self::Earliest { value } | Self::Latest { value } => [Some(value), None],
            Self::Minutes { from, to } => [Some(from), Some(to)],
        }
    }

    /// The text of a key without rows.
    const fn none(&self) -> Option<&'static str> {
        match self {
            Self::Count { .. } | Self::Minutes { .. } => Some("0"),
            Self::Sum { .. } => Some("0.0000"),
            Self::Earliest { .. } | Self::Latest { .. } => None,
        }
    }
}

impl AggregateGather {
    pub(super) fn new(key: Vec<String>, when: Filter, made: Made) -> Self {
        let values = Values::of(&made);
        Self { key, when, made, keys: KeyIndex::default(), values }
    }
}

impl Gather for AggregateGather {
    /// A row with NULL or an empty text in its key belongs to nobody.
    fn add(&mut self, batch: &Batch) {
        let key = columns_of(batch, &self.key);
        let [value, sign] = self.made.columns().map(|name| name.and_then(|name| batch.cells_named(name)));
        let when: Vec<_> = self.when.iter().map(|(name, test)| (batch.cells_named(name), test)).collect();
        for row in 0..batch.rows() {
            let holds =
                |(cells, test): &(Option<_>, &ConditionTest)| test.holds(text_at(cells.as_ref(), row));
            if !when.iter().all(holds) {
                continue;
            }
            let Some(name) = join_key(key.iter().map(|cells| text_at(cells.as_ref(), row))) else { continue };
            let (key, new) = self.keys.insert(&name);
            if new {
                self.values.grow();
            }
            self.values.add(key, &self.made, text_at(value.as_ref(), row), text_at(sign.as_ref(), row));
        }
    }

    fn finish(self: Box<Self>) -> Answer {
        let texts = self.values.finish(self.keys.len());
        Answer::Aggregates(AggregateTable { keys: self.keys, texts, none: self.made.none() })
    }
}

//! One column.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{FEWEST_SHOWN, Value};
use serde::Serialize;

use super::codes::{CodeCount, CodeCounter, Suppressed};
use super::encoding::{Encoding, EncodingCounts};
use super::length::{LengthCounter, Lengths};
use super::shape::Shape;
use super::sketch::{Distinct, Sketch};
use crate::source::SourceColumn;

/// What a column holds.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnProfile {
    /// The name, as the source spells it.
    pub name: String,
    /// The type as declared there; empty when the source declares none.
    pub declared_type: String,
    /// Whether it may be NULL; absent where the source does not say.
    pub nullable: Option<bool>,
    /// Rows with NULL.
    pub nulls: u64,
    /// Rows with an empty text.
    pub empties: u64,
    /// Rows with a value.
    pub values: u64,
    /// How many different values there are.
    pub distinct: Distinct,
    /// How long the values are, in characters; in bytes for bytes. Absent without values.
    pub lengths: Option<Lengths>,
    /// How many values look like what; a number that would give away that of a rare code is `None`.
    pub shapes: BTreeMap<Shape, Option<u64>>,
    /// The first and the last year of dates that are no stand-ins.
    pub years: Option<(u16, u16)>,
    /// The stand-in dates that five values or more have, in order.
    pub sentinels: Vec<CodeCount>,
    /// The codes that were seen at least five times, the most frequent first; absent when the column does not
    /// hold codes.
    pub codes: Option<Vec<CodeCount>>,
    /// The codes whose number of rows is not told.
    pub suppressed: Suppressed,
    /// What the letters of texts say of their encoding; absent for a column without texts.
    pub encoding: Option<Encoding>,
    /// Values with control characters other than tab and line ends: [`Damage::control`](crate::Damage::control).
    pub control_characters: Option<u64>,
    /// Values that begin or end with blanks.
    pub padded: Option<u64>,
    #[serde(skip)]
    pub(super) sketch: Sketch,
    /// Every code, the rare ones too.
    #[serde(skip)]
    seen: BTreeSet<String>,
}

/// Codes of a column that an earlier reading did not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NewCodes {
    /// Those that five rows or more have.
    pub shown: Vec<String>,
    /// How many others there are.
    pub hidden: u64,
}

impl ColumnProfile {
    /// The shape that most values have; `None` without values, or when their numbers are not told.
    #[must_use]
    pub fn usual_shape(&self) -> Option<Shape> {
        let told = self.shapes.iter().filter_map(|(shape, values)| Some(((*values)?, *shape)));
        let alone = self.shapes.keys().next().copied().filter(|_| self.shapes.len() == 1);
        told.max().map(|(_, shape)| shape).or(alone)
    }

    /// The codes that are here and were not in an earlier profile of the column; `None` when one of the two is no
    /// column of codes.
    #[must_use]
    pub fn new_since(&self, earlier: &Self) -> Option<NewCodes> {
        let (now, _) = (self.codes.as_ref()?, earlier.codes.as_ref()?);
        let is_new = |code: &&String| !earlier.seen.contains(*code);
        let shown: Vec<String> = now.iter().map(|one| &one.code).filter(is_new).cloned().collect();
        let all = self.seen.iter().filter(is_new).count();
        Some(NewCodes { hidden: u64::try_from(all - shown.len()).unwrap_or(u64::MAX), shown })
    }

    /// The column names rows or people: what stands in it is nobody's code.
    pub(super) fn forget_codes(&mut self) {
        self.codes = None;
        self.seen.clear();
        self.suppressed = Suppressed::default();
    }

    /// Takes away every number from which that of a rare code could be worked out: a code can be the only one of
    /// its length, of its shape or with a letter beyond ASCII.
    fn hide_beside_rare_codes(&mut self) {
        if self.shapes.len() > 1 {
            self.shapes.values_mut().for_each(|values| *values = None);
        }
        if let Some(lengths) = &mut self.lengths {
            lengths.ends.clear();
        }
        if let Some(encoding) = &mut self.encoding {
            encoding.counts = None;
        }
        self.control_characters = None;
        self.padded = None;
    }
}

/// The counts of a column while it is read.
pub(super) struct Counts {
    profile: ColumnProfile,
    shapes: BTreeMap<Shape, u64>,
    lengths: LengthCounter,
    sentinels: BTreeMap<String, u64>,
    codes: CodeCounter,
    encoding: EncodingCounts,
    padded: u64,
}

impl Counts {
    pub(super) fn new(column: &SourceColumn) -> Self {
        let profile = ColumnProfile {
            name: column.name.clone(),
            declared_type: column.declared_type.clone(),
            nullable: column.nullable,
            nulls: 0,
            empties: 0,
            values: 0,
            distinct: Distinct::Exactly(0),
            lengths: None,
            shapes: BTreeMap::new(),
            years: None,
            sentinels: Vec::new(),
            codes: None,
            suppressed: Suppressed::default(),
            encoding: None,
            control_characters: None,
            padded: None,
            sketch: Sketch::default(),
            seen: BTreeSet::new(),
        };
        Self {
            profile,
            shapes: BTreeMap::new(),
            lengths: LengthCounter::default(),
            sentinels: BTreeMap::new(),
            codes: CodeCounter::of_column(&column.name),
            encoding: EncodingCounts::default(),
            padded: 0,
        }
    }

    pub(super) fn see(&mut self, value: Option<Value<'_>>) {
        match value {
            None => self.profile.nulls += 1,
            Some(Value::Text("")) => self.profile.empties += 1,
            Some(Value::Text(text)) => self.see_text(text),
            Some(Value::Bytes(bytes)) => {
                self.count(bytes, Shape::Bytes, bytes.len());
                self.codes.give_up();
            }
            Some(
                Value::Bool(_)
                | Value::Int(_)
                | Value::Decimal(_)
                | Value::Date(_)
                | Value::Time(_)
                | Value::Id(_),
            ) => {}
        }
    }

    fn see_text(&mut self, text: &str) {
        let shape = Shape::of(text);
        self.count(text.as_bytes(), shape, text.chars().count());
        if let Some(year) = text.get(..4).filter(|_| shape.has_year()).and_then(|year| year.parse().ok()) {
            let (first, last) = self.profile.years.unwrap_or((year, year));
            self.profile.years = Some((first.min(year), last.max(year)));
        }
        if let Some(date) = text.get(..10).filter(|_| shape == Shape::SentinelDate) {
            *self.sentinels.entry(date.to_owned()).or_default() += 1;
        }
        self.encoding.see(text);
        self.padded += u64::from(text.trim() != text);
        self.codes.see(text, shape);
    }

    fn count(&mut self, bytes: &[u8], shape: Shape, length: usize) {
        self.profile.values += 1;
        *self.shapes.entry(shape).or_default() += 1;
        self.profile.sketch.add(bytes);
        self.lengths.see(length);
    }

    pub(super) fn finish(self) -> ColumnProfile {
        let Self { mut profile, shapes, lengths, sentinels, codes, encoding, padded } = self;
        let words: u64 = [Shape::Word, Shape::Text].iter().filter_map(|shape| shapes.get(shape)).sum::<u64>();
        let codes = codes.finish();
        profile.distinct = profile.sketch.distinct();
        // Texts that are repeated are no texts that somebody wrote until there was no more room.
        let is_written = words * 2 > profile.values && profile.distinct.count() * 4 > profile.values;
        profile.lengths = lengths.finish(&profile.declared_type, is_written);
        profile.shapes = shapes.into_iter().map(|(shape, values)| (shape, Some(values))).collect();
        let frequent = sentinels.into_iter().filter(|(_, rows)| *rows >= FEWEST_SHOWN);
        profile.sentinels = frequent.map(|(code, rows)| CodeCount { code, rows: Some(rows) }).collect();
        profile.encoding = (words > 0).then(|| encoding.verdict());
        profile.control_characters = Some(encoding.damage.control);
        profile.padded = Some(padded);
        if let Some(codes) = codes {
            profile.codes = Some(codes.shown);
            profile.suppressed = codes.suppressed;
            profile.seen = codes.seen;
            if profile.suppressed.codes > 0 {
                profile.hide_beside_rare_codes();
            }
        }
        profile
    }
}

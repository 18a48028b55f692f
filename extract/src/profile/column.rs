//! One column.

use std::collections::BTreeMap;

use bron_mappings::Value;
use serde::Serialize;

use super::shape::Shape;
use super::sketch::{Distinct, Sketch};
use crate::source::SourceColumn;

/// A value seen fewer times than this is counted and not shown.
const SHOWN_FROM: u64 = 5;
/// A column with more different codes than this is no column of codes.
const MOST_CODES: usize = 64;
/// The longest code, in bytes.
const LONGEST_CODE: usize = 12;
/// The most digits of a code with letters: more of them number persons, cases or users.
const MOST_DIGITS: usize = 3;

/// What a column holds.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnProfile {
    /// The name, as the source spells it.
    pub name: String,
    /// The type as declared there; empty when the source declares none.
    pub declared_type: String,
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
    /// How many values look like what.
    pub shapes: BTreeMap<Shape, u64>,
    /// The first and the last year of dates that are no stand-ins.
    pub years: Option<(u16, u16)>,
    /// The codes that were seen at least five times, the most frequent first; absent when the column does not
    /// hold codes.
    pub codes: Option<Vec<CodeCount>>,
    /// What was seen too seldom to be shown.
    pub suppressed: Suppressed,
    /// Values with U+FFFD or with UTF-8 that was read as another encoding.
    pub misread: u64,
    /// Values with control characters other than tab and line ends.
    pub control_characters: u64,
    /// Values that begin or end with blanks.
    pub padded: u64,
    #[serde(skip)]
    pub(super) sketch: Sketch,
}

/// How long values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lengths {
    /// The shortest.
    pub shortest: u64,
    /// The longest.
    pub longest: u64,
    /// How many values are as long as the longest: many of them are a sign of texts that were cut.
    pub at_longest: u64,
}

/// A code with the number of its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CodeCount {
    /// The code, verbatim.
    pub code: String,
    /// Its rows.
    pub rows: u64,
}

/// Codes that were seen too seldom to be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Suppressed {
    /// How many different codes.
    pub codes: u64,
    /// Their rows together.
    pub rows: u64,
}

/// The counts of a column while it is read.
pub(super) struct Counts {
    profile: ColumnProfile,
    codes: Option<BTreeMap<String, u64>>,
}

impl Counts {
    pub(super) fn new(column: &SourceColumn) -> Self {
        let profile = ColumnProfile {
            name: column.name.clone(),
            declared_type: column.declared_type.clone(),
            nulls: 0,
            empties: 0,
            values: 0,
            distinct: Distinct::Exactly(0),
            lengths: None,
            shapes: BTreeMap::new(),
            years: None,
            codes: None,
            suppressed: Suppressed::default(),
            misread: 0,
            control_characters: 0,
            padded: 0,
            sketch: Sketch::default(),
        };
        Self { profile, codes: Some(BTreeMap::new()) }
    }

    pub(super) fn see(&mut self, value: Option<Value<'_>>) {
        match value {
            None => self.profile.nulls += 1,
            Some(Value::Text("")) => self.profile.empties += 1,
            Some(Value::Text(text)) => self.see_text(text),
            Some(Value::Bytes(bytes)) => {
                self.count(bytes, Shape::Bytes, bytes.len());
                self.codes = None;
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
        let profile = &mut self.profile;
        if let Some(year) = text.get(..4).filter(|_| shape.has_year()).and_then(|year| year.parse().ok()) {
            let (first, last) = profile.years.unwrap_or((year, year));
            profile.years = Some((first.min(year), last.max(year)));
        }
        profile.misread += u64::from(is_misread(text));
        let control = |character: char| character.is_control() && !matches!(character, '\t' | '\r' | '\n');
        profile.control_characters += u64::from(text.contains(control));
        profile.padded += u64::from(text.trim() != text);
        self.see_code(text, shape);
    }

    fn count(&mut self, bytes: &[u8], shape: Shape, length: usize) {
        let profile = &mut self.profile;
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        profile.values += 1;
        *profile.shapes.entry(shape).or_default() += 1;
        profile.sketch.add(bytes);
        let lengths =
            profile.lengths.get_or_insert(Lengths { shortest: length, longest: length, at_longest: 0 });
        lengths.shortest = lengths.shortest.min(length);
        if length > lengths.longest {
            *lengths = Lengths { longest: length, at_longest: 0, ..*lengths };
        }
        lengths.at_longest += u64::from(length == lengths.longest);
    }

    fn see_code(&mut self, text: &str, shape: Shape) {
        let Some(codes) = &mut self.codes else { return };
        if !is_code(text, shape) {
            self.codes = None;
            return;
        }
        if let Some(rows) = codes.get_mut(text) {
            *rows += 1;
        } else {
            codes.insert(text.to_owned(), 1);
        }
        if codes.len() > MOST_CODES {
            self.codes = None;
        }
    }

    pub(super) fn finish(self) -> ColumnProfile {
        let Self { mut profile, codes } = self;
        profile.distinct = profile.sketch.distinct();
        if let Some(codes) = codes.filter(|codes| !codes.is_empty()) {
            let (mut shown, mut suppressed) = (Vec::new(), Suppressed::default());
            for (code, rows) in codes {
                if rows >= SHOWN_FROM {
                    shown.push(CodeCount { code, rows });
                } else {
                    suppressed.codes += 1;
                    suppressed.rows += rows;
                }
            }
            shown.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.code.cmp(&b.code)));
            profile.suppressed = suppressed;
            profile.codes = (!shown.is_empty()).then_some(shown);
        }
        profile
    }
}

/// Whether a value can be a code: short, one word, and neither written like a name nor like what says who or
/// when.
fn is_code(text: &str, shape: Shape) -> bool {
    let fits = match shape {
        Shape::WholeNumber | Shape::DecimalPoint | Shape::DecimalComma => text.len() <= 5,
        Shape::Word => {
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            text.len() <= LONGEST_CODE && digits <= MOST_DIGITS && !is_name_like(text)
        }
        Shape::Blank
        | Shape::SentinelDate
        | Shape::Date
        | Shape::CompactDate
        | Shape::Moment
        | Shape::Time
        | Shape::Personnummer
        | Shape::Samordningsnummer
        | Shape::OtherIdentifier
        | Shape::Organisationsnummer
        | Shape::Markup
        | Shape::Text
        | Shape::Bytes => false,
    };
    fits && !text.contains('@')
}

/// Whether a word has lower-case letters after a capital, as names have.
fn is_name_like(text: &str) -> bool {
    text.chars().any(char::is_uppercase) && text.chars().any(char::is_lowercase)
}

/// Whether a text shows what becomes of å, ä and ö when UTF-8 is read as a code page, or a character that
/// stands for a lost one.
fn is_misread(text: &str) -> bool {
    let mut before = ' ';
    for character in text.chars() {
        let pair = before == 'Ã' && !character.is_alphanumeric() && !character.is_whitespace();
        if character == char::REPLACEMENT_CHARACTER || pair {
            return true;
        }
        before = character;
    }
    false
}

//! Sums over the rows of another table, exact to a ten-thousandth.

use std::fmt;

use bron_mappings::Batch;

use super::index::KeyIndex;
use super::{columns_of, join_key, text_at};

const ZERO: &str = "0.0000";

/// The sum for each key, as text with four decimals.
pub struct SumTable {
    keys: KeyIndex,
    sums: Vec<Option<Box<str>>>,
}

impl fmt::Debug for SumTable {
    /// Prints the number of sums, never a sum.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SumTable({} sums)", self.sums.len())
    }
}

/// Gathers a [`SumTable`].
pub struct SumBuilder {
    key: Vec<String>,
    value: String,
    minus: Option<(String, Vec<String>)>,
    keys: KeyIndex,
    sums: Vec<Option<i128>>,
}

impl SumTable {
    /// Gathers the sums of `value` by `key`; parts whose sign column holds one of the given texts are
    /// subtracted.
    #[must_use]
    pub fn builder(key: Vec<String>, value: String, minus: Option<(String, Vec<String>)>) -> SumBuilder {
        SumBuilder { key, value, minus, keys: KeyIndex::default(), sums: Vec::new() }
    }

    /// The sum for a key: zero when there are no parts, `None` when a part could not be read.
    pub(crate) fn text<'t>(&self, key: impl IntoIterator<Item = Option<&'t str>>) -> Option<&str> {
        self.keys.find(&join_key(key)?).map_or(Some(ZERO), |place| self.sums[place].as_deref())
    }
}

impl SumBuilder {
    /// Adds the rows of a batch.
    pub fn add(&mut self, batch: &Batch) {
        let key = columns_of(batch, &self.key);
        let value = batch.cells_named(&self.value);
        let sign = self.minus.as_ref().and_then(|(column, _)| batch.cells_named(column));
        for row in 0..batch.rows() {
            let Some(name) = join_key(key.iter().map(|cells| text_at(cells.as_ref(), row))) else { continue };
            let sign = text_at(sign.as_ref(), row);
            let subtract =
                self.minus.as_ref().is_some_and(|(_, values)| values.iter().any(|one| Some(&**one) == sign));
            let part = match text_at(value.as_ref(), row) {
                None | Some("") => Some(0),
                Some(text) => ten_thousandths(text),
            };
            let part = part.map(|part| if subtract { -part } else { part });
            let (place, new) = self.keys.insert(&name);
            if new {
                self.sums.push(Some(0));
            }
            let sum = &mut self.sums[place];
            *sum = sum.zip(part).and_then(|(sum, part)| sum.checked_add(part));
        }
    }

    /// The finished sums.
    #[must_use]
    pub fn finish(self) -> SumTable {
        let texts = self.sums.into_iter().map(|sum| sum.map(|sum| four_decimals(sum).into_boxed_str()));
        SumTable { keys: self.keys, sums: texts.collect() }
    }
}

fn ten_thousandths(text: &str) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 4 || !plain(whole) || !plain(fraction) {
        return None;
    }
    let number: i128 = format!("{whole}{fraction:0<4}").parse().ok()?;
    Some(if negative { -number } else { number })
}

fn four_decimals(sum: i128) -> String {
    let sign = if sum < 0 { "-" } else { "" };
    let size = sum.unsigned_abs();
    format!("{sign}{}.{:04}", size / 10_000, size % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (text, number) in [("6120.0000", 61_200_000), ("-0.5", -5_000), ("3", 30_000), ("0.0001", 1)] {
            assert_eq!(ten_thousandths(text), Some(number));
        }
        for text in ["", "-", "1,5", "1.00001", "1.2.3", " 1", "+1"] {
            assert_eq!(ten_thousandths(text), None, "{text}");
        }
        assert_eq!(four_decimals(-5_000), "-0.5000");
    }
}

//! Keys as bytes that compare as the keys do.

use bron_mappings::{Batch, Value};

use super::KeyOrder;

/// What the encoded form of a value begins with. NULL comes first, then numbers, then everything else.
const NULL: u8 = 0;
const NEGATIVE: u8 = 1;
const POSITIVE: u8 = 2;
const OTHER: u8 = 3;

/// A column of a key: its place in the batches, and what orders its values.
pub(super) type KeyColumn = (usize, KeyOrder);

/// The keys of the rows of a batch. Two encoded keys are equal when the values are equal, cell by cell and byte by
/// byte, and compare as the values do, first column first.
#[derive(Default)]
pub(super) struct Keys {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Whether a key holds NULL, by row.
    nulls: Vec<bool>,
}

impl Keys {
    pub(super) fn of(batch: &Batch, columns: &[KeyColumn]) -> Self {
        let mut keys = Self {
            bytes: Vec::with_capacity(batch.rows() * columns.len() * 16),
            ends: Vec::with_capacity(batch.rows()),
            nulls: Vec::with_capacity(batch.rows()),
        };
        let columns: Vec<_> = columns.iter().map(|(column, order)| (batch.cells(*column), *order)).collect();
        for row in 0..batch.rows() {
            let mut null = false;
            for (cells, order) in &columns {
                let value = cells.value(row);
                null |= value.is_none();
                encode(value, *order, &mut keys.bytes);
            }
            keys.ends.push(keys.bytes.len());
            keys.nulls.push(null);
        }
        keys
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, row: usize) -> &[u8] {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[row]]
    }

    pub(super) fn holds_null(&self, row: usize) -> bool {
        self.nulls[row]
    }
}

/// Adds a value in a form that ends itself, so that no value runs into that of the next column.
fn encode(value: Option<Value<'_>>, order: KeyOrder, out: &mut Vec<u8>) {
    match value {
        None => out.push(NULL),
        Some(Value::Text(text)) => match order {
            KeyOrder::Number => encode_number(text, out),
            KeyOrder::Bytes => encode_bytes(text.as_bytes(), out),
        },
        Some(Value::Bytes(bytes)) => encode_bytes(bytes, out),
        Some(Value::Bool(truth)) => encode_whole(i128::from(truth), out),
        Some(Value::Int(number) | Value::Time(number)) => encode_whole(i128::from(number), out),
        Some(Value::Date(days)) => encode_whole(i128::from(days), out),
        Some(Value::Decimal(number)) => encode_whole(number, out),
        Some(Value::Id(id)) => encode_bytes(&id, out),
    }
}

fn encode_whole(number: i128, out: &mut Vec<u8>) {
    out.push(POSITIVE);
    // With the sign turned, the bytes compare as the numbers do.
    let mut bytes = number.to_be_bytes();
    bytes[0] ^= 0x80;
    out.extend_from_slice(&bytes);
}

fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(OTHER);
    escape(bytes, out);
}

/// Two noughts end the bytes; a nought among them is followed by 255.
fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

/// A decimal number as its sign, the number of its digits before the point, and its digits. A text that another
/// writes the same number is told apart by the text itself; a text that is no number comes behind all numbers.
fn encode_number(text: &str, out: &mut Vec<u8>) {
    let Some(number) = Decimal::parse(text) else { return encode_bytes(text.as_bytes(), out) };
    let Ok(digits) = u32::try_from(number.whole.len()) else { return encode_bytes(text.as_bytes(), out) };
    out.push(if number.negative { NEGATIVE } else { POSITIVE });
    let start = out.len();
    out.extend_from_slice(&digits.to_be_bytes());
    out.extend_from_slice(number.whole);
    out.extend_from_slice(number.fraction);
    out.push(0);
    if number.negative {
        out[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
    if number.usual {
        out.push(0);
    } else {
        out.push(1);
        escape(text.as_bytes(), out);
    }
}

/// A decimal number without idle digits.
struct Decimal<'t> {
    negative: bool,
    whole: &'t [u8],
    fraction: &'t [u8],
    /// Whether the text is the shortest one of the number.
    usual: bool,
}

impl<'t> Decimal<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (unsigned, ""),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) {
            return None;
        }
        let shortest = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let is_nought = shortest.0.is_empty() && shortest.1.is_empty();
        let negative = unsigned.len() < text.len() && !is_nought;
        let usual = (whole == shortest.0 || (whole == "0" && shortest.0.is_empty()))
            && fraction.len() == shortest.1.len()
            && negative == (unsigned.len() < text.len());
        Some(Self { negative, whole: shortest.0.as_bytes(), fraction: shortest.1.as_bytes(), usual })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        encode(Some(Value::Text(text)), KeyOrder::Number, &mut out);
        out
    }

    #[test]
    fn numbers_are_in_the_order_of_their_value_and_other_texts_behind_them() {
        let rising = [
            "-100",
            "-20.5",
            "-20.25",
            "-3",
            "-0.5",
            "-0.05",
            "0",
            "0.0",
            "-0",
            "0.05",
            "0.5",
            "1",
            "01",
            "1.0",
            "1.00",
            "1.5",
            "2",
            "9",
            "10",
            "10.01",
            "99999999999999999999",
            "",
            "+1",
            "1.",
            "1e3",
            "a",
        ];
        let mut sorted: Vec<&str> = rising.into_iter().rev().collect();
        sorted.sort_by_key(|text| number(text));
        let value = |text: &str| text.parse::<f64>().unwrap();
        let numbers = &sorted[..21];
        assert!(numbers.iter().zip(&numbers[1..]).all(|(a, b)| value(a) <= value(b)), "{numbers:?}");
        assert_eq!(sorted[21..], ["", "+1", "1.", "1e3", "a"]);
    }

    #[test]
    fn no_column_runs_into_the_next() {
        let both = |a: &str, b: &str| {
            let mut out = Vec::new();
            encode(Some(Value::Text(a)), KeyOrder::Bytes, &mut out);
            encode(Some(Value::Text(b)), KeyOrder::Bytes, &mut out);
            out
        };
        assert_ne!(both("a", "bc"), both("ab", "c"));
        assert!(both("a", "z") < both("a\0", "a") && both("a\0", "z") < both("a\u{1}", "a"));
    }

    proptest! {
        #[test]
        fn keys_are_equal_only_when_their_texts_are(a in "[-0-9.]{0,6}", b in "[-0-9.]{0,6}") {
            prop_assert_eq!(number(&a) == number(&b), a == b);
        }

        #[test]
        fn bytes_keep_their_order(
            a in proptest::collection::vec(0_u8..3, 0..6),
            b in proptest::collection::vec(0_u8..3, 0..6),
        ) {
            let (mut left, mut right) = (Vec::new(), Vec::new());
            encode(Some(Value::Bytes(&a)), KeyOrder::Bytes, &mut left);
            encode(Some(Value::Bytes(&b)), KeyOrder::Bytes, &mut right);
            prop_assert_eq!(left.cmp(&right), a.cmp(&b));
        }

        #[test]
        fn whole_numbers_keep_their_order(a: i64, b: i64) {
            prop_assert_eq!(number(&a.to_string()).cmp(&number(&b.to_string())), a.cmp(&b));
            let typed = |value| { let mut out = Vec::new(); encode_whole(i128::from(value), &mut out); out };
            prop_assert_eq!(typed(a).cmp(&typed(b)), a.cmp(&b));
        }
    }
}

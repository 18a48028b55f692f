//! What a value looks like.

use bron_mappings::{CheckOutcome, IdentifierKind, classify};
use serde::Serialize;

/// The looks of a value: the first that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Nothing but blanks.
    Blank,
    /// A date that stands for none, such as 1900-01-01 or 9999-12-31.
    SentinelDate,
    /// `2024-01-31`.
    Date,
    /// `20240131`.
    CompactDate,
    /// `2024-01-31 08:00`, with or without `T`, seconds, fraction and offset.
    Moment,
    /// `08:00`, with or without seconds.
    Time,
    /// A personnummer with a right check digit.
    Personnummer,
    /// A samordningsnummer with a right check digit.
    Samordningsnummer,
    /// Another identifier of persons: a reservnummer, an interim number, the number of an LMA-kort.
    OtherIdentifier,
    /// An organisationsnummer with a right check digit.
    Organisationsnummer,
    /// Digits, with or without a sign.
    WholeNumber,
    /// Digits with a decimal point.
    DecimalPoint,
    /// Digits with a decimal comma.
    DecimalComma,
    /// `{\rtf…` or markup.
    Markup,
    /// A single word.
    Word,
    /// Several words.
    Text,
    /// Bytes.
    Bytes,
}

/// Dates that mean that there is none.
const SENTINELS: [&str; 9] = [
    "0000-00-00",
    "0001-01-01",
    "1753-01-01",
    "1800-01-01",
    "1900-01-01",
    "1901-01-01",
    "2079-06-06",
    "2999-12-31",
    "9999-12-31",
];

impl Shape {
    /// The looks of a text that is not empty.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.trim().is_empty() {
            return Self::Blank;
        }
        let bytes = text.as_bytes();
        Self::calendar(text)
            .or_else(|| Self::identifier(text))
            .or_else(|| Self::number(bytes))
            .unwrap_or_else(|| {
                if text.starts_with("{\\rtf") || (text.starts_with('<') && text.contains('>')) {
                    Self::Markup
                } else if text.contains(char::is_whitespace) {
                    Self::Text
                } else {
                    Self::Word
                }
            })
    }

    fn calendar(text: &str) -> Option<Self> {
        if let Some(date) = text.get(..10).filter(|date| is_date(date)) {
            let rest = &text[10..];
            if SENTINELS.contains(&date) {
                return Some(Self::SentinelDate);
            }
            return match rest.strip_prefix([' ', 'T']) {
                _ if rest.is_empty() => Some(Self::Date),
                Some(time) if is_time(time.get(..5)?) => Some(Self::Moment),
                _ => None,
            };
        }
        let compact = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
        if compact && is_date(&format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..])) {
            return Some(Self::CompactDate);
        }
        let short = text.get(..5).is_some_and(is_time) && matches!(text.len(), 5 | 8);
        short.then_some(Self::Time)
    }

    fn identifier(text: &str) -> Option<Self> {
        if !(10..=13).contains(&text.len()) {
            return None;
        }
        let found = classify(text);
        let proven = found.luhn == CheckOutcome::Ok && found.calendar != CheckOutcome::Fail;
        Some(match found.kind {
            IdentifierKind::Personnummer if proven => Self::Personnummer,
            IdentifierKind::Samordningsnummer if proven => Self::Samordningsnummer,
            IdentifierKind::Organisationsnummer if proven => Self::Organisationsnummer,
            IdentifierKind::ReservSthlm
            | IdentifierKind::ReservVgr
            | IdentifierKind::ReservVarmland
            | IdentifierKind::ReservVasterbotten
            | IdentifierKind::ReservCarelink
            | IdentifierKind::ReservOvrig
            | IdentifierKind::Nrid
            | IdentifierKind::Interim
            | IdentifierKind::TfNummer
            | IdentifierKind::Lma => Self::OtherIdentifier,
            IdentifierKind::Personnummer
            | IdentifierKind::Samordningsnummer
            | IdentifierKind::Organisationsnummer
            | IdentifierKind::Sentinel
            | IdentifierKind::Empty
            | IdentifierKind::Invalid => return None,
        })
    }

    fn number(bytes: &[u8]) -> Option<Self> {
        let digits = bytes.strip_prefix(b"-").or_else(|| bytes.strip_prefix(b"+")).unwrap_or(bytes);
        let all = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
        let around = |mark: u8| {
            digits.iter().position(|byte| *byte == mark).map(|at| (&digits[..at], &digits[at + 1..]))
        };
        let decimal = |mark| around(mark).is_some_and(|(whole, rest)| all(whole) && all(rest));
        if all(digits) {
            Some(Self::WholeNumber)
        } else if decimal(b'.') {
            Some(Self::DecimalPoint)
        } else {
            decimal(b',').then_some(Self::DecimalComma)
        }
    }

    /// Whether values of this look are dates whose year may be told.
    pub(super) fn has_year(self) -> bool {
        matches!(self, Self::Date | Self::CompactDate | Self::Moment)
    }
}

/// Whether `YYYY-MM-DD` is written so; `0000-00-00` is.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let written = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
    let written = written && digits(0..4) && digits(5..7) && digits(8..10);
    written
        && (text == "0000-00-00"
            || (("01"..="12").contains(&&text[5..7]) && ("01"..="31").contains(&&text[8..])))
}

fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    bytes.len() == 5 && bytes[2] == b':' && digits(&bytes[..2]) && digits(&bytes[3..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_by_their_looks() {
        let cases = [
            ("  ", Shape::Blank),
            ("9999-12-31 00:00:00.000", Shape::SentinelDate),
            ("2024-01-31", Shape::Date),
            ("20240131", Shape::CompactDate),
            ("20241331", Shape::WholeNumber),
            ("2024-01-31T08:00", Shape::Moment),
            ("08:00", Shape::Time),
            ("198001019999", Shape::WholeNumber),
            ("991981000010", Shape::OtherIdentifier),
            ("-12", Shape::WholeNumber),
            ("12.50", Shape::DecimalPoint),
            ("12,50", Shape::DecimalComma),
            ("{\\rtf1 text}", Shape::Markup),
            ("Anna", Shape::Word),
            ("Anna Ek", Shape::Text),
            ("2024-01-31 efter lunch", Shape::Text),
            ("å", Shape::Word),
            ("åäöåä", Shape::Word),
        ];
        for (text, expected) in cases {
            assert_eq!(Shape::of(text), expected, "{text}");
        }
    }
}

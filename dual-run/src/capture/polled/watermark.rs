//! Columns that say when a row was changed.

use jiff::ToSpan as _;
use jiff::civil::DateTime;

/// A column that rises with every change of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// The column.
    pub column: String,
    /// How far below the highest value a row may lie that was not told of yet.
    pub overlap: Overlap,
}

/// The sort of a watermark, with how much is read again at every poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// The column holds moments: this many seconds. At least the longest transaction, and an hour where summer time is
    /// kept.
    Seconds(u32),
    /// The column holds whole numbers: this many.
    Numbers(u64),
}

/// A value of a watermark that can be compared with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stamp {
    Number(i128),
    Moment(DateTime),
}

impl Watermark {
    /// The value of a text; `None` for what is no such value, by which nothing can be told.
    pub(super) fn stamp(&self, text: &str) -> Option<Stamp> {
        match self.overlap {
            Overlap::Seconds(_) => without_offset(text).parse().ok().map(Stamp::Moment),
            Overlap::Numbers(_) => text.parse().ok().map(Stamp::Number),
        }
    }

    /// The value that rows must have reached to be read again, written as the column writes it.
    pub(super) fn again_from(&self, highest: &str) -> Option<(Stamp, String)> {
        match (self.stamp(highest)?, self.overlap) {
            (Stamp::Moment(moment), Overlap::Seconds(seconds)) => {
                let from = moment.saturating_sub(i64::from(seconds).seconds());
                let separator = if highest.contains('T') { 'T' } else { ' ' };
                let shown = if highest.len() <= "2024-01-31".len() {
                    from.date().to_string()
                } else {
                    from.strftime(&format!("%Y-%m-%d{separator}%H:%M:%S%.f")).to_string()
                };
                Some((self.stamp(&shown)?, shown))
            }
            (Stamp::Number(number), Overlap::Numbers(overlap)) => {
                let from = number.saturating_sub(i128::from(overlap));
                Some((Stamp::Number(from), from.to_string()))
            }
            (Stamp::Moment(_), Overlap::Numbers(_)) | (Stamp::Number(_), Overlap::Seconds(_)) => None,
        }
    }
}

/// A moment without the offset that says that it is in UTC.
pub(super) fn without_offset(moment: &str) -> &str {
    moment.strip_suffix(" +00:00").unwrap_or(moment)
}

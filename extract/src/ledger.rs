//! The account of one table: every row that was read went somewhere.

use std::collections::BTreeMap;

use bron_mappings::Digest;
use serde::{Deserialize, Serialize};

use crate::damage::Damage;

/// Reason code of a row that was broken by a separator or line break in its text.
pub const BROKEN_ROW: &str = "D68";
/// Reason code of a file whose content was delivered before under another name.
pub const DUPLICATE_FILE: &str = "D66";
/// Reason code of a file whose control line states another number of rows or another sum than it has.
pub const CONTROL_TOTALS: &str = "D69";
/// Reason code of a value that is not text in a text column.
pub const MALFORMED_VALUE: &str = "felformat";

/// Places kept in a ledger; beyond it rows are still counted, and unreadable lines are still kept whole
/// beside the parts.
const NOTES: usize = 1000;

/// What became of the rows of one table. Counts rows, not bytes; never holds a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableLedger {
    /// Rows left out by rule, by reason code.
    pub excluded: BTreeMap<String, u64>,
    /// The files that were read, in reading order.
    pub files: Vec<SourceFile>,
    /// Rows, or physical lines that are no row, that could not be read, by reason code.
    pub quarantined: BTreeMap<String, u64>,
    /// The places of the first unreadable lines.
    pub quarantined_at: Vec<LineNote>,
    /// Rows and unreadable lines that were met in the source.
    pub read: u64,
    /// Rows that were put together again, by reason code. They are part of `staged`.
    pub repaired: BTreeMap<String, u64>,
    /// The places of the first repaired rows.
    pub repaired_at: Vec<LineNote>,
    /// Rows that were given on.
    pub staged: u64,
}

/// A place in a source, with a reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineNote {
    /// The name of the file.
    pub file: String,
    /// The 1-based line of a text file, or the 1-based position of the row in reading order.
    pub line: u64,
    /// The reason code.
    pub reason: String,
}

/// One file of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// The size in bytes.
    pub bytes: u64,
    /// BLAKE3 of the bytes.
    #[serde(with = "crate::manifest::digest_text")]
    pub content: Digest,
    /// Where its control lines say something else than its rows do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<ControlNote>,
    /// The columns with damaged values among those that were read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub damaged: BTreeMap<String, Damage>,
    /// The dialect that it was read with.
    pub dialect: String,
    /// The name.
    pub name: String,
    /// The period that its name states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// Rows and unreadable lines in it.
    pub rows: u64,
    /// The earlier file with the same content; this one was then excluded.
    pub same_as: Option<String>,
    /// What its dialect was found to be, where nobody has declared it, and what that rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sniffed: Option<String>,
}

/// Something that a control line says and the file does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlNote {
    /// The number that was found, exact, with a point; `None` where a value of the column is no number, and for
    /// what the file's name says.
    pub found: Option<String>,
    /// The 1-based line of the control line.
    pub line: u64,
    /// The number that the line states; `None` where that is no number, and for what the file's name says.
    pub said: Option<String>,
    /// What is stated: `rows`, `sum:COLUMN`, or a capture of the file's name.
    pub what: String,
}

impl TableLedger {
    /// Whether read = staged + quarantined + excluded.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        let elsewhere: u64 = self.quarantined.values().chain(self.excluded.values()).sum();
        self.read == self.staged + elsewhere
    }

    pub(crate) fn stage(&mut self) {
        self.read += 1;
        self.staged += 1;
    }

    pub(crate) fn repair(&mut self, file: &str, line: u64) {
        count(&mut self.repaired, BROKEN_ROW, 1);
        note(&mut self.repaired_at, file, line, BROKEN_ROW);
    }

    pub(crate) fn quarantine(&mut self, file: &str, line: u64, reason: &str) {
        self.read += 1;
        count(&mut self.quarantined, reason, 1);
        note(&mut self.quarantined_at, file, line, reason);
    }

    pub(crate) fn exclude(&mut self, rows: u64) {
        self.read += rows;
        count(&mut self.excluded, DUPLICATE_FILE, rows);
    }
}

fn count(counts: &mut BTreeMap<String, u64>, reason: &str, rows: u64) {
    if let Some(count) = counts.get_mut(reason) {
        *count += rows;
    } else {
        counts.insert(reason.to_owned(), rows);
    }
}

fn note(notes: &mut Vec<LineNote>, file: &str, line: u64, reason: &str) {
    if notes.len() < NOTES {
        notes.push(LineNote { file: file.to_owned(), line, reason: reason.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_counted_once() {
        let mut ledger = TableLedger::default();
        ledger.stage();
        ledger.quarantine("a.csv", 2, BROKEN_ROW);
        ledger.exclude(40);
        assert_eq!(ledger.read, 42);
        assert!(ledger.is_balanced());
        ledger.staged += 1;
        assert!(!ledger.is_balanced());
    }

    #[test]
    fn places_are_capped_and_counts_are_not() {
        let mut ledger = TableLedger::default();
        for line in 0..1500 {
            ledger.quarantine("a.csv", line, BROKEN_ROW);
        }
        assert_eq!(ledger.quarantined_at.len(), 1000);
        assert_eq!(ledger.quarantined[BROKEN_ROW], 1500);
    }
}

//! Values that stand where an identifier should stand but identify nobody.

/// How a sentinel is recognised. Compared with the letters and digits of the value, in upper case,
/// without separators and blanks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SentinelPattern {
    /// The whole value, and nothing else.
    Exact(&'static str),
    /// This character from the first position to the last, at any length.
    Filled(char),
    /// Something, and then this.
    Ending(&'static str),
}

/// One entry of the list of sentinels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sentinel {
    /// What the value looks like.
    pub pattern: SentinelPattern,
    /// What such a value meant to the person who typed it, in English.
    pub reason: &'static str,
}

/// Every sentinel known in the source systems. The check digit is never asked: `191212121212` has a
/// right one.
///
/// A personnummer of a person born on 1 January 1900 is not a sentinel; only that date without a
/// birth number is.
pub const SENTINELS: &[Sentinel] = &[
    Sentinel { pattern: SentinelPattern::Filled('0'), reason: "noughts to get past a compulsory field" },
    Sentinel { pattern: SentinelPattern::Filled('9'), reason: "nines to get past a compulsory field" },
    Sentinel { pattern: SentinelPattern::Filled('X'), reason: "number withheld or unknown" },
    Sentinel { pattern: SentinelPattern::Ending("XXXX"), reason: "birth date only, last four unknown" },
    Sentinel {
        pattern: SentinelPattern::Exact("191212121212"),
        reason: "the test patient Tolvan Tolvansson",
    },
    Sentinel { pattern: SentinelPattern::Exact("1212121212"), reason: "the test patient Tolvan Tolvansson" },
    Sentinel { pattern: SentinelPattern::Exact("19000101"), reason: "a database's default date" },
    Sentinel { pattern: SentinelPattern::Exact("190001010000"), reason: "a database's default date" },
    Sentinel { pattern: SentinelPattern::Exact("190001019999"), reason: "a database's default date" },
    Sentinel { pattern: SentinelPattern::Exact("0001010000"), reason: "a database's default date" },
    Sentinel { pattern: SentinelPattern::Exact("0001019999"), reason: "a database's default date" },
];

/// The entry that a value matches, the first one when there are several.
pub(super) fn find(compact: &[u8]) -> Option<&'static Sentinel> {
    SENTINELS.iter().find(|sentinel| match sentinel.pattern {
        SentinelPattern::Exact(text) => compact == text.as_bytes(),
        SentinelPattern::Filled(character) => {
            !compact.is_empty() && compact.iter().all(|byte| char::from(*byte) == character)
        }
        SentinelPattern::Ending(text) => compact.ends_with(text.as_bytes()),
    })
}

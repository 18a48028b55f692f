//! What named persons have decided about which records are one human.
//!
//! The decisions are a CSV file with the header `post_a,post_b,beslut,beslutad_av,tid,skal`. A record is
//! written `system/TABLE/key`, with the key as reports show it: as `src_key` has it, or as its pseudonym
//! where the key can be a person number. Lines are added and never removed, so the file is its own history:
//! of several lines about one pair the latest by `tid` counts, and of equal times the one further down.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Severity, Span};

const HEADER: [&str; 6] = ["post_a", "post_b", "beslut", "beslutad_av", "tid", "skal"];

/// What was decided about two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityVerdict {
    /// They are one human.
    Lika,
    /// They are not.
    Olika,
}

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityDecision {
    /// The two records, the smaller name first.
    pub pair: (String, String),
    /// What was decided.
    pub verdict: IdentityVerdict,
    /// Who decided.
    pub decided_by: String,
    /// When, as microseconds of local wall time since 1970-01-01 00:00.
    pub time: i64,
    /// Why.
    pub reason: String,
}

/// What counts about one pair.
#[derive(Clone, Copy, Debug)]
pub struct PairDecision<'d> {
    /// The latest decision that the records are one human, if there ever was one.
    pub same: Option<&'d IdentityDecision>,
    /// The decision that they are not, when it is the last word.
    pub apart: Option<&'d IdentityDecision>,
}

impl PairDecision<'_> {
    /// Whether the last word is that the records are one human.
    #[must_use]
    pub const fn is_same(&self) -> bool {
        self.apart.is_none() && self.same.is_some()
    }
}

/// Every decision of a project, in the order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityDecisions(Vec<IdentityDecision>);

impl IdentityDecisions {
    /// Reads a file of decisions. Diagnostics name the line and never repeat what it says, so that nobody
    /// has to show the text to show the mistake.
    #[must_use]
    pub fn parse(file: &str, text: &str) -> (Self, Vec<Diagnostic>) {
        let mut decisions = Vec::new();
        let mut found = Vec::new();
        let mut report = |code, span: Span, message: &str| {
            let line = text[..span.start].matches('\n').count() + 1;
            found.push(diagnostic(code, file, span, format!("line {line}: {message}")));
        };
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        if !reader.headers().is_ok_and(|header| header.iter().eq(HEADER)) {
            let message = format!("the first line must be `{}`", HEADER.join(","));
            report("BRON-I001", line_of(text, 0), &message);
            return (Self::default(), found);
        }
        for record in reader.records() {
            match record {
                Ok(record) => {
                    let at = record.position().map_or(0, csv::Position::byte);
                    let mut report = |code, message: &str| report(code, line_of(text, at), message);
                    decisions.extend(read(&record, &mut report));
                }
                Err(error) => {
                    let at = error.position().map_or(0, csv::Position::byte);
                    report("BRON-I002", line_of(text, at), "the line is not CSV in UTF-8");
                }
            }
        }
        decisions.sort_by_key(|decision| decision.time);
        (Self(decisions), found)
    }

    /// Whether nothing has been decided.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What counts about each pair of records.
    #[must_use]
    pub fn pairs(&self) -> BTreeMap<&(String, String), PairDecision<'_>> {
        let mut pairs = BTreeMap::new();
        for decision in &self.0 {
            let known = pairs.entry(&decision.pair).or_insert(PairDecision { same: None, apart: None });
            match decision.verdict {
                IdentityVerdict::Lika => *known = PairDecision { same: Some(decision), apart: None },
                IdentityVerdict::Olika => known.apart = Some(decision),
            }
        }
        pairs
    }
}

fn read(record: &csv::StringRecord, report: &mut impl FnMut(&'static str, &str)) -> Option<IdentityDecision> {
    if record.len() != HEADER.len() || record.iter().any(|text| text.trim().is_empty()) {
        report("BRON-I002", "a decision has six texts, and none of them is empty");
        return None;
    }
    let [a, b] = [&record[0], &record[1]];
    if a == b || [a, b].iter().any(|name| name.split('/').filter(|part| !part.is_empty()).count() < 3) {
        report("BRON-I003", "a decision is about two records, each written `system/TABLE/key`");
        return None;
    }
    let verdict = match &record[2] {
        "lika" => IdentityVerdict::Lika,
        "olika" => IdentityVerdict::Olika,
        _ => {
            report("BRON-I004", "`beslut` is `lika` or `olika`");
            return None;
        }
    };
    let Some(time) = micros(&record[4]) else {
        report("BRON-I005", "`tid` is a day and a time such as `2024-11-05 14:30`");
        return None;
    };
    let pair = if a < b { (a, b) } else { (b, a) };
    Some(IdentityDecision {
        pair: (pair.0.to_owned(), pair.1.to_owned()),
        verdict,
        decided_by: record[3].to_owned(),
        time,
        reason: record[5].to_owned(),
    })
}

/// `2024-11-05 14:30` or `2024-11-05 14:30:00`.
fn micros(text: &str) -> Option<i64> {
    let whole = if text.len() == 16 { format!("{text}:00") } else { text.to_owned() };
    if whole.len() != 19 {
        return None;
    }
    let time: jiff::civil::DateTime = whole.parse().ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

fn line_of(text: &str, byte: u64) -> Span {
    let start = usize::try_from(byte).unwrap_or(0).min(text.len());
    start..text[start..].find('\n').map_or(text.len(), |length| start + length)
}

fn diagnostic(code: &'static str, file: &str, span: Span, message: String) -> Diagnostic {
    Diagnostic {
        code,
        severity: Severity::Error,
        file: file.to_owned(),
        span,
        message,
        label: "this line".to_owned(),
        help: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "post_a,post_b,beslut,beslutad_av,tid,skal\n";

    fn parse(lines: &str) -> (IdentityDecisions, Vec<&'static str>) {
        let (decisions, found) = IdentityDecisions::parse("beslut.csv", &format!("{HEAD}{lines}"));
        (decisions, found.iter().map(|one| one.code).collect())
    }

    #[test]
    fn the_last_word_counts_and_an_undone_link_is_remembered() {
        let (decisions, found) = parse(
            "s/P/2,s/P/1,olika,Bo,2024-03-01 09:00,syskon\ns/P/1,s/P/2,lika,Eva,2024-01-01 10:00:30,samma\n\
             s/P/1,s/P/3,lika,Eva,2024-01-01 10:00,samma\n",
        );
        assert!(found.is_empty(), "{found:?}");
        let pairs = decisions.pairs();
        let first = &pairs[&("s/P/1".to_owned(), "s/P/2".to_owned())];
        assert_eq!((first.same.unwrap().decided_by.as_str(), first.is_same()), ("Eva", false));
        assert_eq!(first.apart.unwrap().reason, "syskon");
        assert_eq!(first.same.unwrap().time, 1_704_103_230_000_000);
        assert!(pairs[&("s/P/1".to_owned(), "s/P/3".to_owned())].is_same());
    }

    #[test]
    fn a_new_decision_takes_the_place_of_an_undone_one() {
        let (decisions, _) =
            parse("s/P/1,s/P/2,olika,Bo,2024-03-01 09:00,x\ns/P/1,s/P/2,lika,Bo,2024-03-01 09:00,y\n");
        assert!(decisions.pairs().values().all(PairDecision::is_same));
    }

    #[test]
    fn every_wrong_line_is_reported_without_its_words() {
        let (decisions, found) = parse(
            "s/P/1,s/P/2,lika,Eva,2024-01-01 10:00\ns/P/1,s/P/1,lika,E,2024-01-01 10:00,x\n\
             s/P/1,hemlig,lika,E,2024-01-01 10:00,x\ns/P/1,s/P/2,kanske,E,2024-01-01 10:00,x\n\
             s/P/1,s/P/2,lika,E,1 januari,x\ns/P/1,s/P/2,lika,,2024-01-01 10:00,x\n",
        );
        assert!(decisions.is_empty());
        assert_eq!(found, ["BRON-I002", "BRON-I003", "BRON-I003", "BRON-I004", "BRON-I005", "BRON-I002"]);
        let (_, found) = IdentityDecisions::parse("f", &format!("{HEAD}s/P/1,s/P/2,hemlig,E,x,y\n"));
        assert_eq!(found[0].message, "line 2: `beslut` is `lika` or `olika`");
        let (_, found) = IdentityDecisions::parse("f", "a,b\nhemlig,x\n");
        assert_eq!(found.len(), 1);
        assert!(!found[0].message.contains("hemlig"));
    }
}

//! Code lists: what a code of a legacy system means in the new model, and when.
//!
//! A list is a CSV file with the header
//! `system,code,target,term,equivalence,valid_from,valid_to,status,reviewer,note`.
//! An empty `system` means every system; empty dates mean no limit; both dates are inclusive.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Severity, Span, nearest};

/// How well the target code says what the source code said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Equivalence {
    /// The same.
    Equal,
    /// The target says less.
    Wider,
    /// The target says more; somebody decided that it holds.
    Narrower,
    /// They overlap.
    Inexact,
    /// There is no target; the source's code travels as it is.
    Unmatched,
}

/// How far a person has come with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CodeStatus {
    /// Read and approved.
    Approved,
    /// Proposed, not read.
    Unchecked,
    /// Read and questioned.
    Flagged,
}

const EQUIVALENCES: &[(&str, Equivalence)] = &[
    ("equal", Equivalence::Equal),
    ("wider", Equivalence::Wider),
    ("narrower", Equivalence::Narrower),
    ("inexact", Equivalence::Inexact),
    ("unmatched", Equivalence::Unmatched),
];
const STATUSES: &[(&str, CodeStatus)] = &[
    ("approved", CodeStatus::Approved),
    ("unchecked", CodeStatus::Unchecked),
    ("flagged", CodeStatus::Flagged),
];
const HEADER: &[&str] = &[
    "system",
    "code",
    "target",
    "term",
    "equivalence",
    "valid_from",
    "valid_to",
    "status",
    "reviewer",
    "note",
];

/// One line of a code list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeEntry {
    /// The code of the new model; empty when there is none.
    pub target: String,
    /// What the code means, in Swedish.
    pub term: String,
    /// How well the target fits.
    pub equivalence: Equivalence,
    /// The first day, as ISO text.
    pub valid_from: Option<String>,
    /// The last day, as ISO text.
    pub valid_to: Option<String>,
    /// How far a person has come.
    pub status: CodeStatus,
    /// Who read it.
    pub reviewer: String,
    line: u64,
}

/// What a lookup gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// The entry.
    Found(&'a CodeEntry),
    /// The code is known, but not on that day (or the day is unknown and there are several periods).
    OutsidePeriod,
    /// The code is not in the list.
    Unknown,
}

/// A code list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeList {
    /// The name: the file's name without `.csv`.
    pub name: String,
    entries: BTreeMap<(String, String), Vec<CodeEntry>>,
}

impl CodeList {
    /// Reads a list. Two entries for one code and one day are an error: a code with two meanings means
    /// nothing.
    #[must_use]
    pub fn parse(name: &str, file: &str, text: &str) -> (Self, Vec<Diagnostic>) {
        let mut list = Self { name: name.to_owned(), entries: BTreeMap::new() };
        let mut found = Vec::new();
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let header_fits = reader.headers().is_ok_and(|header| header.iter().eq(HEADER.iter().copied()));
        if !header_fits {
            let message = format!("the first line must be `{}`", HEADER.join(","));
            found.push(diagnostic("BRON-K001", file, 0..line_end(text, 0), message, "another header", None));
            return (list, found);
        }
        for record in reader.records() {
            match record {
                Ok(record) => list.add(file, text, &record, &mut found),
                Err(error) => {
                    let at = error.position().map_or(0, csv::Position::byte);
                    let span = line_span(text, at);
                    found.push(diagnostic("BRON-K002", file, span, error.to_string(), "not CSV", None));
                }
            }
        }
        (list, found)
    }

    fn add(&mut self, file: &str, text: &str, record: &csv::StringRecord, found: &mut Vec<Diagnostic>) {
        let position = record.position().map_or_else(csv::Position::new, Clone::clone);
        let span = line_span(text, position.byte());
        let mut report = |code, message: String, help: Option<String>| {
            found.push(diagnostic(code, file, span.clone(), message, "this line", help));
        };
        let Some(entry) = read_entry(record, position.line(), &mut report) else {
            return;
        };
        let key = (record[0].to_owned(), record[1].to_owned());
        let entries = self.entries.entry(key).or_default();
        if let Some(other) = entries.iter().find(|other| overlap(other, &entry)) {
            let (code, line) = (&record[1], other.line);
            let message = format!("code `{code}` has two meanings on one day: also on line {line}");
            let help = "give the entries periods that do not meet, or remove one".to_owned();
            report("BRON-K006", message, Some(help));
        }
        entries.push(entry);
    }

    /// Looks a code up. `day` is ISO text; without it a code with one single period is found.
    #[must_use]
    pub fn find(&self, system: &str, code: &str, day: Option<&str>) -> Lookup<'_> {
        let of = |system: &str| self.entries.get(&(system.to_owned(), code.to_owned()));
        let Some(entries) = of(system).or_else(|| of("")) else {
            return Lookup::Unknown;
        };
        let found = match (day, entries.as_slice()) {
            (None, [entry]) => Some(entry),
            (None, _) => None,
            (Some(day), entries) => entries.iter().find(|entry| covers(entry, day)),
        };
        found.map_or(Lookup::OutsidePeriod, Lookup::Found)
    }

    /// Whether some code of the system has more than one period, so that a lookup needs a day.
    #[must_use]
    pub fn has_periods(&self, system: &str) -> bool {
        let dated = |entry: &CodeEntry| entry.valid_from.is_some() || entry.valid_to.is_some();
        self.entries.iter().any(|((of, _), entries)| {
            (of == system || of.is_empty()) && entries.len() > 1 && entries.iter().any(dated)
        })
    }

    /// Every entry with its system and code, ordered.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str, &CodeEntry)> {
        self.entries.iter().flat_map(|((system, code), entries)| {
            entries.iter().map(|entry| (system.as_str(), code.as_str(), entry))
        })
    }
}

type Report<'a> = dyn FnMut(&'static str, String, Option<String>) + 'a;

fn read_entry(record: &csv::StringRecord, line: u64, report: &mut Report<'_>) -> Option<CodeEntry> {
    if record.len() != HEADER.len() {
        let message = format!("a line has {} fields, not {}", HEADER.len(), record.len());
        report("BRON-K002", message, None);
        return None;
    }
    let equivalence = known(EQUIVALENCES, &record[4], report);
    let status = known(STATUSES, &record[7], report);
    if record[2].is_empty() != (equivalence? == Equivalence::Unmatched) {
        let message = "`target` is empty exactly when the equivalence is `unmatched`";
        report("BRON-K004", message.to_owned(), None);
    }
    Some(CodeEntry {
        target: record[2].to_owned(),
        term: record[3].to_owned(),
        equivalence: equivalence?,
        valid_from: read_day(&record[5], report),
        valid_to: read_day(&record[6], report),
        status: status?,
        reviewer: record[8].to_owned(),
        line,
    })
}

fn read_day(text: &str, report: &mut Report<'_>) -> Option<String> {
    if !text.is_empty() && (text.parse::<jiff::civil::Date>().is_err() || text.len() != 10) {
        report("BRON-K005", format!("`{text}` is not a date such as 2015-01-26"), None);
    }
    (!text.is_empty()).then(|| text.to_owned())
}

fn covers(entry: &CodeEntry, day: &str) -> bool {
    entry.valid_from.as_deref().is_none_or(|from| from <= day)
        && entry.valid_to.as_deref().is_none_or(|to| day <= to)
}

fn overlap(a: &CodeEntry, b: &CodeEntry) -> bool {
    let starts_in_time = |a: &CodeEntry, b: &CodeEntry| match (&a.valid_from, &b.valid_to) {
        (Some(from), Some(to)) => from <= to,
        _ => true,
    };
    starts_in_time(a, b) && starts_in_time(b, a)
}

fn known<T: Copy>(names: &[(&str, T)], text: &str, report: &mut Report<'_>) -> Option<T> {
    let found = names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    if found.is_none() {
        let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        let help = nearest(text, names.iter().copied());
        let help = help.map(|near| format!("did you mean `{near}`?"));
        report("BRON-K003", format!("`{text}` is none of {}", names.join(", ")), help);
    }
    found
}

fn line_end(text: &str, start: usize) -> usize {
    text[start..].find('\n').map_or(text.len(), |length| start + length)
}

fn line_span(text: &str, byte: u64) -> Span {
    let start = usize::try_from(byte).unwrap_or(0).min(text.len());
    start..line_end(text, start)
}

fn diagnostic(
    code: &'static str,
    file: &str,
    span: Span,
    message: String,
    label: &str,
    help: Option<String>,
) -> Diagnostic {
    Diagnostic {
        code,
        severity: Severity::Error,
        file: file.to_owned(),
        span,
        message,
        label: label.to_owned(),
        help,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "system,code,target,term,equivalence,valid_from,valid_to,status,reviewer,note\n";

    fn parse(lines: &str) -> (CodeList, Vec<Diagnostic>) {
        CodeList::parse("beslutstyp", "codes/beslutstyp.csv", &format!("{HEAD}{lines}"))
    }

    #[test]
    fn a_code_is_found_by_system_and_day() {
        let (list, found) = parse(
            "paraply,A1,gammal,Gammal,equal,,2014-12-31,approved,x,\n\
             paraply,A1,ny,Ny,equal,2015-01-01,,approved,x,\n\
             ,B,b,B,equal,,,unchecked,,\n",
        );
        assert_eq!(found, []);
        let target = |day| match list.find("paraply", "A1", day) {
            Lookup::Found(entry) => entry.target.clone(),
            Lookup::OutsidePeriod | Lookup::Unknown => String::new(),
        };
        assert_eq!(target(Some("2014-12-31")), "gammal");
        assert_eq!(target(Some("2015-01-01")), "ny");
        assert_eq!(list.find("paraply", "A1", None), Lookup::OutsidePeriod);
        assert!(matches!(list.find("vodok", "B", None), Lookup::Found(_)));
        assert_eq!(list.find("paraply", "C", None), Lookup::Unknown);
        assert!(list.has_periods("paraply") && !list.has_periods("vodok"));
    }

    #[test]
    fn a_code_with_two_meanings_is_an_error_at_its_line() {
        let lines = "paraply,A1,a,A,equal,,,approved,x,\nparaply,A1,b,B,equal,2015-01-01,,approved,x,\n";
        let (_, found) = parse(lines);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].code, "BRON-K006");
        assert!(found[0].message.contains("line 2"));
        let text = format!("{HEAD}{lines}");
        assert_eq!(&text[found[0].span.clone()], "paraply,A1,b,B,equal,2015-01-01,,approved,x,");
    }

    #[test]
    fn every_wrong_line_is_reported() {
        let (_, found) = parse(
            "p,A,a,A,eqal,,,approved,x,\np,B,,B,equal,,,approved,x,\np,C,c,C,equal,15-01-01,,approved,x,\np,D\n",
        );
        let codes: Vec<&str> = found.iter().map(|one| one.code).collect();
        assert_eq!(codes, ["BRON-K003", "BRON-K004", "BRON-K005", "BRON-K002"]);
        assert_eq!(found[0].help.as_deref(), Some("did you mean `equal`?"));
    }
}

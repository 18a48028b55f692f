//! Code lists: what a code of a legacy system means in the new model, and when.
//!
//! A list is a CSV file with the header
//! `system,code,target,term,equivalence,valid_from,valid_to,status,reviewer,note`, or with `area,namnd`
//! after `system`. An empty `system` means every system, an empty `area` or `namnd` every one of them;
//! empty dates mean no limit; both dates are inclusive.

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

pub(crate) const EQUIVALENCES: &[(&str, Equivalence)] = &[
    ("equal", Equivalence::Equal),
    ("wider", Equivalence::Wider),
    ("narrower", Equivalence::Narrower),
    ("inexact", Equivalence::Inexact),
    ("unmatched", Equivalence::Unmatched),
];
pub(crate) const STATUSES: &[(&str, CodeStatus)] = &[
    ("approved", CodeStatus::Approved),
    ("unchecked", CodeStatus::Unchecked),
    ("flagged", CodeStatus::Flagged),
];
const FIRST_COLUMN: &str = "system";
/// The columns by which a line holds for some rows only.
const SCOPE_COLUMNS: &[&str] = &["area", "namnd"];
const OTHER_COLUMNS: &[&str] =
    &["code", "target", "term", "equivalence", "valid_from", "valid_to", "status", "reviewer", "note"];

/// One line of a code list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeEntry {
    /// The area of work whose rows the line is about; empty means every one.
    pub area: String,
    /// The nämnd whose rows the line is about; empty means every one.
    pub namnd: String,
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
    /// A remark for people.
    pub note: String,
    pub(crate) line: u64,
    /// The place of the line in the file.
    pub(crate) span: Span,
}

/// What a lookup gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeAnswer<'a> {
    /// The entry.
    Found(&'a CodeEntry),
    /// The code is known, but not on that day (or the day is unknown and there are several periods).
    OutsidePeriod,
    /// The code is not in the list, or only for rows of other areas or nämnder.
    Unknown,
}

impl CodeEntry {
    /// Whether the line is about rows of this area and this nämnd.
    #[must_use]
    pub fn is_about(&self, area: &str, namnd: &str) -> bool {
        (self.area.is_empty() || self.area == area) && (self.namnd.is_empty() || self.namnd == namnd)
    }

    /// The order in which lines are asked, most specific first: area and nämnd, area, nämnd, neither.
    #[must_use]
    pub const fn generality(&self) -> u8 {
        match (self.area.is_empty(), self.namnd.is_empty()) {
            (false, false) => 0,
            (false, true) => 1,
            (true, false) => 2,
            (true, true) => 3,
        }
    }
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
        let Some(scoped) = reader.headers().ok().and_then(is_scoped) else {
            let (first, rest) = (FIRST_COLUMN, OTHER_COLUMNS.join(","));
            let message = format!("the first line must be `{first},{rest}`, or `{first},area,namnd,{rest}`");
            found.push(diagnostic("BRON-K001", file, 0..line_end(text, 0), message, "another header", None));
            return (list, found);
        };
        for record in reader.records() {
            match record {
                Ok(record) => list.add((file, text), scoped, &record, &mut found),
                Err(error) => {
                    let at = error.position().map_or(0, csv::Position::byte);
                    let span = line_span(text, at);
                    found.push(diagnostic("BRON-K002", file, span, error.to_string(), "not CSV", None));
                }
            }
        }
        (list, found)
    }

    fn add(
        &mut self,
        (file, text): (&str, &str),
        scoped: bool,
        record: &csv::StringRecord,
        found: &mut Vec<Diagnostic>,
    ) {
        let position = record.position().map_or_else(csv::Position::new, Clone::clone);
        let span = line_span(text, position.byte());
        let mut report = |code, message: String, help: Option<String>| {
            found.push(diagnostic(code, file, span.clone(), message, "this line", help));
        };
        let place = (position.line(), span.clone());
        let Some((code, entry)) = read_entry(record, scoped, place, &mut report) else {
            return;
        };
        let entries = self.entries.entry((record[0].to_owned(), code.clone())).or_default();
        if let Some(other) = entries.iter().find(|other| same_scope(other, &entry) && overlap(other, &entry))
        {
            let line = other.line;
            let message = format!("code `{code}` has two meanings on one day: also on line {line}");
            let help = "give the entries periods that do not meet, or remove one".to_owned();
            report("BRON-K006", message, Some(help));
        }
        entries.push(entry);
    }

    /// Looks a code up for a row of this area and nämnd. `day` is ISO text; without it a code with one
    /// single period is found. Of the lines about the row and the day the most specific one counts.
    #[must_use]
    pub fn find(
        &self,
        system: &str,
        (area, namnd): (&str, &str),
        code: &str,
        day: Option<&str>,
    ) -> CodeAnswer<'_> {
        let of = |system: &str| self.entries.get(&(system.to_owned(), code.to_owned()));
        let Some(entries) = of(system).or_else(|| of("")) else {
            return CodeAnswer::Unknown;
        };
        let mut answer = CodeAnswer::Unknown;
        for generality in 0..4 {
            let of_rank =
                |entry: &&CodeEntry| entry.generality() == generality && entry.is_about(area, namnd);
            let entries: Vec<&CodeEntry> = entries.iter().filter(of_rank).collect();
            let found = match (day, &entries[..]) {
                (_, []) => continue,
                (None, [entry]) => Some(*entry),
                (None, _) => return CodeAnswer::OutsidePeriod,
                (Some(day), entries) => entries.iter().copied().find(|entry| covers(entry, day)),
            };
            match found {
                Some(entry) => return CodeAnswer::Found(entry),
                None => answer = CodeAnswer::OutsidePeriod,
            }
        }
        answer
    }

    /// Whether some code of the system has more than one period, so that a lookup needs a day.
    #[must_use]
    pub fn has_periods(&self, system: &str) -> bool {
        let dated = |entry: &CodeEntry| entry.valid_from.is_some() || entry.valid_to.is_some();
        let several = |entries: &[CodeEntry], one: &CodeEntry| {
            entries.iter().filter(|other| same_scope(one, other)).count() > 1
        };
        self.entries.iter().any(|((of, _), entries)| {
            (of == system || of.is_empty()) && entries.iter().any(|one| dated(one) && several(entries, one))
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

/// Whether the header has the columns of the scope; `None` when it is another header.
fn is_scoped(header: &csv::StringRecord) -> Option<bool> {
    let is = |scope: &[&'static str]| {
        let wanted = [&[FIRST_COLUMN], scope, OTHER_COLUMNS].concat();
        header.iter().eq(wanted)
    };
    if is(&[]) { Some(false) } else { is(SCOPE_COLUMNS).then_some(true) }
}

/// The code and the entry of one line.
fn read_entry(
    record: &csv::StringRecord,
    scoped: bool,
    (line, span): (u64, Span),
    report: &mut Report<'_>,
) -> Option<(String, CodeEntry)> {
    let before = 1 + if scoped { SCOPE_COLUMNS.len() } else { 0 };
    let fields = before + OTHER_COLUMNS.len();
    if record.len() != fields {
        report("BRON-K002", format!("a line has {fields} fields, not {}", record.len()), None);
        return None;
    }
    let [area, namnd] = if scoped { [&record[1], &record[2]] } else { ["", ""] };
    let field = |number: usize| &record[before + number];
    let equivalence = known(EQUIVALENCES, field(3), report);
    let status = known(STATUSES, field(6), report);
    if field(1).is_empty() != (equivalence? == Equivalence::Unmatched) {
        let message = "`target` is empty exactly when the equivalence is `unmatched`";
        report("BRON-K004", message.to_owned(), None);
    }
    let entry = CodeEntry {
        area: area.to_owned(),
        namnd: namnd.to_owned(),
        target: field(1).to_owned(),
        term: field(2).to_owned(),
        equivalence: equivalence?,
        valid_from: read_day(field(4), report),
        valid_to: read_day(field(5), report),
        status: status?,
        reviewer: field(7).to_owned(),
        note: field(8).to_owned(),
        line,
        span,
    };
    Some((field(0).to_owned(), entry))
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

fn same_scope(a: &CodeEntry, b: &CodeEntry) -> bool {
    a.area == b.area && a.namnd == b.namnd
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
mod tests;

//! Lines with which a sender says how much a file holds.

use crate::document::{Placed, Reporter, Section};
use crate::system::CsvTable;

/// A line of a file that is no row but says something about the rows: who sent them, how many there are, what
/// they add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlLine {
    /// The table whose files have the line.
    pub table: String,
    /// Where it stands.
    pub place: LinePlace,
    /// What its fields say, in order. A line with another number of fields, or with other literal text, is not
    /// this line.
    pub fields: Vec<ControlField>,
    /// The first `{period}` whose files have it; from the beginning unless told.
    pub from: Option<String>,
    /// The last `{period}` whose files have it; to this day unless told.
    pub until: Option<String>,
}

impl ControlLine {
    /// Whether the files of this period have the line. A longer period (a day) lies in the shorter one (a month)
    /// that it begins with. Files without a period have it always.
    #[must_use]
    pub fn is_due(&self, period: Option<&str>) -> bool {
        let Some(period) = period else { return true };
        self.from.as_deref().is_none_or(|from| period >= from)
            && self.until.as_deref().is_none_or(|until| period <= until || period.starts_with(until))
    }

    /// The columns whose sums the line states.
    pub fn summed(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter_map(|field| match &field.says {
            Some(Says::Sum(column)) => Some(column.as_str()),
            Some(Says::Anything | Says::Rows | Says::Capture(_)) | None => None,
        })
    }
}

/// Where in its file a control line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinePlace {
    /// Before the line with the names of the columns.
    First,
    /// After the last row.
    Last,
}

/// One field of a control line: literal text, and between it at most one thing that differs from file to file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlField {
    /// The literal text before.
    pub before: String,
    /// What stands between; nothing when the whole field is literal.
    pub says: Option<Says>,
    /// The literal text after; empty when the whole field is literal.
    pub after: String,
}

/// What a field of a control line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// `{_}`: something that nobody checks.
    Anything,
    /// `{rows}`: the number of rows in the file.
    Rows,
    /// `{sum:COLUMN}`: the sum of a column.
    Sum(String),
    /// `{period}` and the like: what the name of the file says in the same capture.
    Capture(String),
}

impl ControlField {
    /// Reads `text`, `{rows}`, `Antal: {rows} st`; `None` when the braces make no sense.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Some((before, rest)) = text.split_once('{') else {
            let literal = Self { before: text.to_owned(), says: None, after: String::new() };
            return (!text.contains('}')).then_some(literal);
        };
        let (name, after) = rest.split_once('}')?;
        if name.is_empty() || [before, name, after].iter().any(|part| part.contains(['{', '}'])) {
            return None;
        }
        let says = match name {
            "_" => Says::Anything,
            "rows" => Says::Rows,
            name => match name.strip_prefix("sum:") {
                Some(column) => Says::Sum(column.to_owned()),
                None => Says::Capture(name.to_owned()),
            },
        };
        Some(Self { before: before.to_owned(), says: Some(says), after: after.to_owned() })
    }

    /// What stands between the literal texts of this field; `None` when `text` is another field.
    #[must_use]
    pub fn said<'t>(&self, text: &'t str) -> Option<&'t str> {
        let between = text.strip_prefix(self.before.as_str())?.strip_suffix(self.after.as_str())?;
        (self.says.is_some() || between.is_empty()).then_some(between)
    }

    /// The text that [`ControlField::parse`] reads.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { before, says, after } = self;
        match says {
            None => before.clone(),
            Some(Says::Anything) => format!("{before}{{_}}{after}"),
            Some(Says::Rows) => format!("{before}{{rows}}{after}"),
            Some(Says::Sum(column)) => format!("{before}{{sum:{column}}}{after}"),
            Some(Says::Capture(name)) => format!("{before}{{{name}}}{after}"),
        }
    }
}

pub(super) fn read(
    section: &mut Section<'_, '_>,
    csv: &[CsvTable],
    report: &mut Reporter<'_>,
) -> Option<ControlLine> {
    let table = section.required_text("table", report);
    let place = section.required_text("place", report);
    let texts = section.texts("fields", report).unwrap_or_default();
    if texts.is_empty() {
        report.error("BRON-M004", &section.span, "`fields` is missing here", "what does the line say?");
    }
    let from = section.text("from", report).map(|placed| placed.text);
    let until = section.text("until", report).map(|placed| placed.text);
    section.finish(report);
    let known = table.as_ref().and_then(|name| csv.iter().find(|known| known.name == name.text));
    if let (Some(name), None) = (&table, known) {
        report.unknown("BRON-M034", name, "table", csv.iter().map(|known| known.name.as_str()));
    }
    let fields = texts.iter().map(|text| read_field(text, known, report)).collect::<Option<Vec<_>>>();
    let place = place.and_then(|place| match place.text.as_str() {
        "first" => Some(LinePlace::First),
        "last" => Some(LinePlace::Last),
        _ => {
            report.error("BRON-M005", &place.span, "a control line is the `first` or the `last`", "neither");
            None
        }
    });
    Some(ControlLine { table: table?.text, place: place?, fields: fields?, from, until })
}

fn read_field(text: &Placed, table: Option<&CsvTable>, report: &mut Reporter<'_>) -> Option<ControlField> {
    let Some(field) = ControlField::parse(&text.text) else {
        let message = "a field has literal text and at most one name in braces";
        report.error("BRON-M005", &text.span, message, "braces that make no sense");
        return None;
    };
    match (&field.says, table) {
        (Some(Says::Sum(column)), Some(table)) if !table.columns.contains(column) => {
            let placed = Placed { text: column.clone(), span: text.span.clone() };
            report.unknown("BRON-M010", &placed, "column", table.columns.iter().map(String::as_str));
        }
        (Some(Says::Capture(name)), Some(table)) if !table.files.contains(&format!("{{{name}}}")) => {
            let message = format!("the names of the files of {} have no `{name}`", table.name);
            report.error("BRON-M005", &text.span, message, "not in the pattern");
        }
        (Some(Says::Anything | Says::Rows | Says::Sum(_) | Says::Capture(_)) | None, _) => {}
    }
    Some(field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::System;

    const FILES: &str = r#"
format = 1
system = "paraga"
label = "ParaGå"
settled_after = 60

[[table]]
name = "besok"
files = "besok_{period}_{utforare}.csv"
columns = ["BesokId", "UtfMin"]

[[control_line]]
table = "besok"
place = "last"
fields = ["SUMMA", "{rows} st", "{sum:UtfMin}", "{utforare}", "{_}"]
from = "201506"
until = "201912"
"#;

    #[test]
    fn a_field_is_literal_text_around_one_name() {
        for text in ["SUMMA", "", "{rows}", "Antal: {rows} st", "{sum:Utf Min}", "{_}", "U{period}"] {
            assert_eq!(ControlField::parse(text).unwrap().text(), text);
        }
        for text in ["{", "}", "{}", "{rows}{_}", "a}b", "{a{b}}"] {
            assert_eq!(ControlField::parse(text), None, "{text}");
        }
        let field = ControlField::parse("Antal: {rows} st").unwrap();
        assert_eq!(field.said("Antal: 12 st"), Some("12"));
        assert_eq!(field.said("Antal: st"), None);
        let literal = ControlField::parse("SUMMA").unwrap();
        assert_eq!((literal.said("SUMMA"), literal.said("SUMMAN")), (Some(""), None));
    }

    #[test]
    fn a_control_line_is_read_with_its_periods() {
        let (system, found) = System::parse("system.toml", FILES);
        assert_eq!(found, []);
        let system = system.unwrap();
        assert_eq!(system.settled_after, Some(60));
        let line = &system.control_lines[0];
        assert_eq!(line.summed().collect::<Vec<_>>(), ["UtfMin"]);
        let due = ["201505", "201506", "20191231", "202001"].map(|period| line.is_due(Some(period)));
        assert_eq!((due, line.is_due(None)), ([false, true, true, false], true));
    }

    #[test]
    fn a_line_that_nobody_can_check_is_refused() {
        for (from, to, expected) in [
            ("\"besok\"\nplace", "\"kund\"\nplace", "BRON-M034"),
            ("\"last\"", "\"middle\"", "BRON-M005"),
            ("sum:UtfMin", "sum:PlanMin", "BRON-M010"),
            ("{utforare}\", \"", "{manad}\", \"", "BRON-M005"),
            ("{rows} st", "{rows}{_}", "BRON-M005"),
            ("settled_after = 60", "settled_after = -1", "BRON-M005"),
        ] {
            let text = FILES.replace(from, to);
            assert_ne!(text, FILES, "{from}");
            let (system, found) = System::parse("system.toml", &text);
            let codes: Vec<&str> = found.iter().map(|one| one.code).collect();
            assert_eq!((system, codes), (None, vec![expected]), "{to}");
        }
    }
}

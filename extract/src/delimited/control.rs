//! Control lines: what the sender says that a file holds, against what it holds.

use std::path::Path;

use bron_mappings::{ControlField, ControlLine, Says};

use super::amount::{self, Amount};
use super::fields::{Record, Shape, split};
use super::layout::Layout;
use crate::error::{Error, ErrorKind};
use crate::ledger::ControlNote;

/// What a control line says, field by field in order.
pub(super) struct Said {
    line: u64,
    texts: Vec<String>,
}

/// Reads a line as this control line; `None` when it is another line.
pub(super) fn read(control: &ControlLine, number: u64, text: &[u8], layout: &Layout) -> Option<Said> {
    let mut spans = Vec::new();
    if split(text, layout.separator, layout.quoting, &mut spans) != Shape::Regular
        || spans.len() != control.fields.len()
    {
        return None;
    }
    let mut record = Record::default();
    spans.iter().for_each(|span| record.push(text, span));
    let said = |(index, field): (usize, &ControlField)| {
        let text = layout.charset.decode(record.field(index))?;
        field.said(&text).map(str::to_owned)
    };
    let texts = control.fields.iter().enumerate().map(said).collect::<Option<Vec<_>>>()?;
    Some(Said { line: number, texts })
}

/// A file without the control line that it ought to have: cut off, or not written to its end.
pub(super) fn missing_control(path: &Path, problem: &str) -> Error {
    let problem = format!("{}: {problem}: the file is cut off or still being written", path.display());
    Error::new(ErrorKind::Busy, problem)
}

/// The sums of those columns of a file that some control line states.
pub(super) struct Sums {
    columns: Vec<Summed>,
}

struct Summed {
    name: String,
    /// The place of the column in the file, when it has it.
    field: Option<usize>,
    /// `None` once a value was no number.
    sum: Option<Amount>,
}

impl Sums {
    pub(super) fn new<'n>(
        names: impl Iterator<Item = &'n str>,
        place: impl Fn(&str) -> Option<usize>,
    ) -> Self {
        let summed = |name: &str| {
            let field = place(name);
            Summed { name: name.to_owned(), field, sum: field.map(|_| Amount::default()) }
        };
        Self { columns: names.map(summed).collect() }
    }

    /// Adds the values of a row.
    pub(super) fn add(&mut self, record: &Record, layout: &Layout) {
        for column in &mut self.columns {
            let (Some(field), Some(sum)) = (column.field, column.sum) else { continue };
            let bytes = record.field(field);
            if !bytes.is_empty() {
                let value = layout.charset.decode(bytes).and_then(|text| amount::parse(&text));
                column.sum = value.and_then(|value| sum.plus(value));
            }
        }
    }

    fn of(&self, name: &str) -> Option<Amount> {
        self.columns.iter().find(|column| column.name == name)?.sum
    }
}

/// Where a control line says something else than the file: its number of rows, the sums of its columns and what
/// `capture` finds in its name.
pub(super) fn differences<'c>(
    control: &ControlLine,
    said: &Said,
    rows: u64,
    sums: &Sums,
    capture: impl Fn(&str) -> Option<&'c str>,
) -> Vec<ControlNote> {
    let mut notes = Vec::new();
    for (field, text) in control.fields.iter().zip(&said.texts) {
        let (what, stated, found) = match &field.says {
            None | Some(Says::Anything) => continue,
            Some(Says::Rows) => ("rows".to_owned(), amount::parse(text), Some(Amount::whole(rows))),
            Some(Says::Sum(column)) => (format!("sum:{column}"), amount::parse(text), sums.of(column)),
            // A name of a sender is not repeated: it can be that of a person.
            Some(Says::Capture(name)) if capture(name) == Some(text.as_str()) => continue,
            Some(Says::Capture(name)) => (name.clone(), None, None),
        };
        if stated.is_none() || stated != found {
            let [stated, found] = [stated, found].map(|amount| amount.map(|amount| amount.to_string()));
            notes.push(ControlNote { found, line: said.line, said: stated, what });
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use bron_mappings::{CsvDialect, LinePlace};

    use super::*;

    fn control() -> ControlLine {
        let fields = ["SUMMA", "{rows}", "{sum:Min}", "{period}", "{_}"];
        ControlLine {
            table: "besok".to_owned(),
            place: LinePlace::Last,
            fields: fields.iter().map(|text| ControlField::parse(text).unwrap()).collect(),
            from: None,
            until: None,
        }
    }

    fn layout() -> Layout {
        Layout::new(&CsvDialect::new("v1", "windows-1252", b';')).unwrap()
    }

    fn sums(values: &[&str]) -> Sums {
        let mut sums = Sums::new(["Min"].into_iter(), |_| Some(0));
        for value in values {
            let mut record = Record::default();
            record.push_verbatim(value.as_bytes());
            sums.add(&record, &layout());
        }
        sums
    }

    /// What is stated, the number that the line has, and the number that the rows have.
    type Note = (String, Option<String>, Option<String>);

    fn notes(line: &str, values: &[&str]) -> Option<Vec<Note>> {
        let said = read(&control(), 9, line.as_bytes(), &layout())?;
        let rows = u64::try_from(values.len()).unwrap();
        let found = differences(&control(), &said, rows, &sums(values), |_| Some("201503"));
        assert!(found.iter().all(|note| note.line == 9));
        Some(found.into_iter().map(|note| (note.what, note.said, note.found)).collect())
    }

    #[test]
    fn a_line_that_agrees_has_nothing_to_say() {
        let values = ["10,5", "", "1 000,25"];
        for line in ["SUMMA;3;1010,75;201503;x", "\"SUMMA\";\"3\";\"1 010,750\";201503;\"a;b\""] {
            assert_eq!(notes(line, &values), Some(Vec::new()), "{line}");
        }
        let numbers = notes("SUMMA;4;1010,7;201504;x", &values).unwrap();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            numbers,
            [
                ("rows".to_owned(), some("4"), some("3")),
                ("sum:Min".to_owned(), some("1010.7"), some("1010.75")),
                ("period".to_owned(), None, None),
            ]
        );
    }

    #[test]
    fn what_is_no_number_cannot_agree() {
        let unclear = notes("SUMMA;tre;;201503;x", &["1", "två"]).unwrap();
        assert_eq!(
            unclear,
            [("rows".to_owned(), None, Some("2".to_owned())), ("sum:Min".to_owned(), None, None)]
        );
    }

    #[test]
    fn another_line_is_not_this_one() {
        for line in
            ["SUMMA;3;1;201503", "SUMMA;3;1;201503;x;y", "Summa;3;1;201503;x", "SUMMA;3;1;201503;\"x", ""]
        {
            assert_eq!(notes(line, &[]), None, "{line}");
        }
    }
}

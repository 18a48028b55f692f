//! The rows of all files of one table as batches.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use bron_mappings::{ControlLine, LinePlace, Value};

use super::control::{self, Said, Sums, missing_control};
use super::header::Header;
use super::layout::Layout;
use super::lines::{Line, Lines};
use super::rows::{Rows, Taken};
use super::scan::{BYTE_ORDER_MARK, changed};
use super::{DIALECT, DataFile, FILE, FileTable, LINE, REPAIRED};
use crate::damage::{self, Damage};
use crate::error::{Error, ErrorKind};
use crate::intake::{self, Intake};
use crate::ledger::{BROKEN_ROW, ControlNote, SourceFile, TableLedger};
use crate::selection::unknown_mark;
use crate::source::{TableSchema, UnreadableRow};
use crate::span::{Batching, FilePlace, Mark, Place, Span};

/// The rows that are held at a time on the way to where reading goes on.
const PASSED_AT_A_TIME: usize = 1024;

pub(super) struct CsvRows<'a> {
    table: &'a FileTable,
    wanted: Vec<String>,
    next_file: usize,
    open: Option<OpenFile<'a>>,
}

struct OpenFile<'a> {
    table: &'a FileTable,
    file: &'a DataFile,
    lines: Lines,
    rows: Rows,
    slots: Slots<'a>,
    /// The damage of each wanted column.
    damage: Vec<Damage>,
    /// What the first line says, where one is declared.
    first: Option<(&'a ControlLine, Said)>,
    sums: Sums,
    units: u64,
    /// The line number of a row as text, in a buffer that is used again.
    number: String,
}

/// Where the values of the wanted columns come from, decided once per file.
#[derive(Default)]
struct Slots<'a> {
    /// The columns that are fields of the file, each with the place of its field.
    fields: Vec<(usize, usize)>,
    /// The column with the number of the line.
    line: Option<usize>,
    /// The column that says what was repaired.
    repaired: Option<usize>,
    /// The columns with the same text, or NULL, in all of the file.
    standing: Vec<(usize, Option<&'a str>)>,
}

impl<'a> CsvRows<'a> {
    pub(super) fn new(table: &'a FileTable, wanted: &TableSchema, span: &Span) -> Result<Self, Error> {
        let known = table.schema()?;
        for column in &wanted.columns {
            if !known.columns.contains(column) {
                let problem = format!("table {} has no column {}", wanted.name, column.name);
                return Err(Error::new(ErrorKind::Drift, problem));
            }
        }
        let names = wanted.columns.iter().map(|column| column.name.clone()).collect();
        let mut rows = Self { table, wanted: names, next_file: 0, open: None };
        match (&span.after, &span.up_to) {
            (None, None) => {}
            (Some(Mark(Place::File(place))), None) => rows.go_to(place, wanted)?,
            (Some(_) | None, _) => return Err(rows.unknown_mark()),
        }
        Ok(rows)
    }

    fn unknown_mark(&self) -> Error {
        unknown_mark("the folder", &self.table.table.name)
    }

    /// Opens the file of a mark and passes through it up to there, because what is said of a file in the end is said of
    /// all of it. What the files before it said is in the account that the span brings along.
    fn go_to(&mut self, place: &FilePlace, wanted: &TableSchema) -> Result<(), Error> {
        let at = self.table.files.iter().position(|file| file.name == place.file);
        let at = at.ok_or_else(|| self.unknown_mark())?;
        let mut open = OpenFile::new(&self.table.files[at], self.table, &self.wanted)?;
        let fresh = || Intake::new(wanted, &Span::default(), Batching::of(PASSED_AT_A_TIME));
        let mut passed = fresh();
        open.stand(&mut passed);
        while open.lines.passed() < place.offset && open.take(&mut passed)? {
            if passed.is_full() {
                passed = fresh();
                open.stand(&mut passed);
            }
        }
        if (open.lines.passed(), open.units) != (place.offset, place.rows) {
            return Err(self.unknown_mark());
        }
        self.open = Some(open);
        self.next_file = at + 1;
        Ok(())
    }

    fn begin(&mut self, file: &'a DataFile, ledger: &mut TableLedger) -> Result<(), Error> {
        let scan = file.scan.as_ref().expect("the files were scanned before the reader was made");
        // A full snapshot may say the same in two periods, and two senders the same in one period.
        let same_captures = |other: &DataFile| {
            let asked = &self.table.table.same_delivery;
            let names = if asked.is_empty() { self.table.pattern.names() } else { asked };
            let pattern = &self.table.pattern;
            let agree = |name: &String| {
                pattern.capture(name, &other.captures) == pattern.capture(name, &file.captures)
            };
            names.iter().all(agree)
        };
        let same_delivery =
            |name: &str| self.table.files.iter().any(|other| other.name == name && same_captures(other));
        let earlier = ledger.files.iter().find(|other| {
            other.content == scan.content && other.same_as.is_none() && same_delivery(&other.name)
        });
        if let Some(earlier) = earlier {
            let same = SourceFile {
                bytes: scan.bytes,
                content: scan.content,
                controls: Vec::new(),
                damaged: BTreeMap::new(),
                dialect: file.layout.name.clone(),
                name: file.name.clone(),
                period: self.table.period(file).map(str::to_owned),
                rows: earlier.rows,
                same_as: Some(earlier.name.clone()),
                sniffed: file.sniffed.clone(),
            };
            ledger.exclude(same.rows);
            ledger.files.push(same);
        } else {
            self.open = Some(OpenFile::new(file, self.table, &self.wanted)?);
        }
        Ok(())
    }
}

impl intake::Rows for CsvRows<'_> {
    fn fill(&mut self, intake: &mut Intake) -> Result<bool, Error> {
        while !intake.is_full() {
            if let Some(open) = &mut self.open {
                if !open.fill(intake)? {
                    open.finish(&mut intake.ledger, &self.wanted)?;
                    self.open = None;
                }
            } else if let Some(file) = self.table.files.get(self.next_file) {
                self.next_file += 1;
                self.begin(file, &mut intake.ledger)?;
            } else {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn mark(&self, _intake: &Intake) -> Option<Mark> {
        let open = self.open.as_ref()?;
        let (file, offset) = (open.file.name.clone(), open.lines.passed());
        Some(Mark(Place::File(FilePlace { file, offset, rows: open.units })))
    }
}

impl<'a> OpenFile<'a> {
    fn new(file: &'a DataFile, table: &'a FileTable, wanted: &[String]) -> Result<Self, Error> {
        let layout = &file.layout;
        let [first, last] = [LinePlace::First, LinePlace::Last].map(|place| table.control(file, place));
        let mut lines = Lines::open(&file.path, layout.crlf, last.is_some())?;
        let first = match first {
            None => None,
            Some(control) => {
                let line = next_line(&mut lines, file)?;
                let said = control::read(control, line.number, without_mark(line, layout), layout);
                let missing = || missing_control(&file.path, "line 1 is not the declared control line");
                let said = said.ok_or_else(missing)?;
                lines.pass(1);
                Some((control, said))
            }
        };
        let line = next_line(&mut lines, file)?;
        let names = without_mark(line, layout);
        let header = Header::read(&file.path, line.number, names, &table.table, layout)?;
        lines.pass(1);
        let free_text = table.table.free_text.as_deref().and_then(|name| header.position(name));
        let slots = Slots::new(wanted, file, table, &header);
        let controls = first.iter().map(|(control, _)| *control).chain(last);
        let summed: BTreeSet<&str> = controls.flat_map(ControlLine::summed).collect();
        let sums = Sums::new(summed.into_iter(), |name| header.position(name));
        let rows = Rows::new(layout, header.len(), free_text);
        let damage = vec![Damage::default(); wanted.len()];
        Ok(Self { table, file, lines, rows, slots, damage, first, sums, units: 0, number: String::new() })
    }

    /// Takes rows until the intake is full, `true`, or the file is at its end, `false`.
    fn fill(&mut self, intake: &mut Intake) -> Result<bool, Error> {
        self.stand(intake);
        while !intake.is_full() {
            if !self.take(intake)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Tells an intake which columns are the same in all of the file, and what they have.
    fn stand(&self, intake: &mut Intake) {
        let varying = self.slots.fields.iter().map(|(column, _)| *column).chain(self.slots.line);
        varying.for_each(|column| intake.vary(column));
        for (column, text) in &self.slots.standing {
            intake.stand(*column, *text);
        }
        if let Some(column) = self.slots.repaired {
            intake.stand(column, None);
        }
    }

    /// Takes one row or unreadable line; `false` at the end of the file.
    fn take(&mut self, intake: &mut Intake) -> Result<bool, Error> {
        let Some(taken) = self.rows.take(&mut self.lines)? else { return Ok(false) };
        let first = self.lines.line(0);
        let number = first.number;
        self.units += 1;
        match taken {
            Taken::Row { lines, repaired } => {
                self.push_row(intake, number, repaired)?;
                self.lines.pass(lines);
                if repaired {
                    intake.ledger.repair(&self.file.name, number);
                }
            }
            Taken::Unreadable => {
                let (file, raw) = (self.file.name.clone(), first.raw.to_vec());
                self.lines.pass(1);
                intake.keep_aside(UnreadableRow {
                    file,
                    line: number,
                    column: None,
                    reason: BROKEN_ROW,
                    raw,
                });
            }
        }
        Ok(true)
    }

    fn push_row(&mut self, intake: &mut Intake, line: u64, repaired: bool) -> Result<(), Error> {
        let charset = self.file.layout.charset;
        let record = self.rows.record();
        self.sums.add(record, &self.file.layout);
        let whole = charset.unchanged(record.bytes());
        let may_be_damaged = damage::may_have_any(record.bytes());
        for (column, field) in &self.slots.fields {
            let bytes = record.field(*field);
            let unchanged = whole.and_then(|whole| record.text(*field, whole)).map(Cow::Borrowed);
            let text = unchanged.or_else(|| charset.decode(bytes));
            let text = text.ok_or_else(|| self.undecodable(line, intake.column(*column)))?;
            if may_be_damaged {
                self.damage[*column].see(bytes, &text, charset);
            }
            intake.push(*column, Some(Value::Text(&text)));
        }
        if let Some(column) = self.slots.line {
            self.number.clear();
            write!(self.number, "{line}").expect("a text takes any number");
            intake.push(column, Some(Value::Text(&self.number)));
        }
        match self.slots.repaired.filter(|_| repaired) {
            None => intake.end_row(),
            Some(column) => {
                intake.stand(column, Some(BROKEN_ROW));
                intake.end_row();
                intake.stand(column, None);
            }
        }
        Ok(())
    }

    fn undecodable(&self, line: u64, column: &str) -> Error {
        let encoding = self.file.layout.charset.name();
        let place = format!("{}: line {line}, column {column}", self.file.path.display());
        Error::new(ErrorKind::Encoding, format!("{place}: a byte has no meaning in {encoding}"))
    }

    /// Compares what was read with what the first pass saw, and with what the control lines say.
    fn finish(&mut self, ledger: &mut TableLedger, wanted: &[String]) -> Result<(), Error> {
        let scan = self.file.scan.as_ref().expect("the files were scanned before the reader was made");
        let (content, bytes) = self.lines.content();
        if (content, bytes) != (scan.content, scan.bytes) {
            return Err(changed(&self.file.path));
        }
        let controls = self.check_controls()?;
        let damaged = wanted.iter().zip(&self.damage).filter(|(_, damage)| !damage.is_none());
        ledger.files.push(SourceFile {
            bytes,
            content,
            controls,
            damaged: damaged.map(|(name, damage)| (name.clone(), *damage)).collect(),
            dialect: self.file.layout.name.clone(),
            name: self.file.name.clone(),
            period: self.table.period(self.file).map(str::to_owned),
            rows: self.units,
            same_as: None,
            sniffed: self.file.sniffed.clone(),
        });
        Ok(())
    }

    fn check_controls(&mut self) -> Result<Vec<ControlNote>, Error> {
        let layout = &self.file.layout;
        let last = match self.table.control(self.file, LinePlace::Last) {
            None => None,
            Some(control) => {
                let line = self.lines.last();
                let said = line.and_then(|line| control::read(control, line.number, line.text(), layout));
                Some((control, said.ok_or_else(|| changed(&self.file.path))?))
            }
        };
        let capture = |name: &str| self.table.pattern.capture(name, &self.file.captures);
        let controls = self.first.take().into_iter().chain(last);
        let notes = controls
            .map(|(control, said)| control::differences(control, &said, self.units, &self.sums, capture));
        Ok(notes.flatten().collect())
    }
}

/// The next line, which the first pass saw.
fn next_line<'l>(lines: &'l mut Lines, file: &DataFile) -> Result<Line<'l>, Error> {
    // Of a line that is withheld only the end of the file is seen.
    if lines.reach(0)? { Ok(lines.line(0)) } else { Err(no_names(&file.path)) }
}

fn no_names(path: &Path) -> Error {
    let problem = format!("{}: the line with the names of the columns is missing", path.display());
    Error::new(ErrorKind::Truncated, problem)
}

fn without_mark<'l>(line: Line<'l>, layout: &Layout) -> &'l [u8] {
    let text = line.text();
    let marked = layout.charset.is_utf8() && line.number == 1;
    if marked { text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text) } else { text }
}

impl<'a> Slots<'a> {
    fn new(wanted: &[String], file: &'a DataFile, table: &'a FileTable, header: &Header) -> Self {
        let mut slots = Self::default();
        for (column, name) in wanted.iter().enumerate() {
            match name.as_str() {
                FILE => slots.standing.push((column, Some(&file.name))),
                LINE => slots.line = Some(column),
                DIALECT => slots.standing.push((column, Some(&file.layout.name))),
                REPAIRED => slots.repaired = Some(column),
                name => {
                    let capture = name.strip_prefix('_');
                    let capture = capture.and_then(|name| table.pattern.capture(name, &file.captures));
                    match header.position(name) {
                        Some(field) => slots.fields.push((column, field)),
                        None => slots.standing.push((column, capture)),
                    }
                }
            }
        }
        slots
    }
}

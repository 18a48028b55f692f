//! The rows of all files of one table as batches.

use std::path::Path;

use bron_mappings::Value;

use super::header::Header;
use super::lines::Lines;
use super::rows::{Rows, Taken};
use super::{DIALECT, DataFile, FILE, FileTable, LINE, REPAIRED};
use crate::error::{Error, ErrorKind};
use crate::intake::{self, Intake};
use crate::ledger::{BROKEN_ROW, SourceFile, TableLedger};
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
    file: &'a DataFile,
    lines: Lines,
    rows: Rows,
    slots: Vec<Slot<'a>>,
    units: u64,
}

/// Where the value of a column comes from, decided once per file.
enum Slot<'a> {
    Field(usize),
    Constant(&'a str),
    Line,
    Repaired,
    Null,
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
        let batching = Batching::of(PASSED_AT_A_TIME);
        let mut passed = Intake::new(wanted, &Span::default(), batching);
        while open.lines.passed() < place.offset && open.take(&mut passed)? {
            if passed.is_full() {
                passed = Intake::new(wanted, &Span::default(), batching);
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
                dialect: file.layout.name.clone(),
                name: file.name.clone(),
                rows: earlier.rows,
                same_as: Some(earlier.name.clone()),
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
                if !open.take(intake)? {
                    open.finish(&mut intake.ledger)?;
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
        let mut lines = Lines::open(&file.path, file.layout.crlf)?;
        if !lines.reach(0)? {
            return Err(changed(&file.path));
        }
        let header = Header::read(&file.path, lines.line(0).text(), &table.table, &file.layout)?;
        lines.pass(1);
        let free_text = table.table.free_text.as_deref().and_then(|name| header.position(name));
        let slots = wanted.iter().map(|name| slot(name, file, table, &header)).collect();
        Ok(Self { file, lines, rows: Rows::new(&file.layout, header.len(), free_text), slots, units: 0 })
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
                let (file, raw) = (self.file.name.clone(), first.raw.clone());
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

    fn push_row(&self, intake: &mut Intake, line: u64, repaired: bool) -> Result<(), Error> {
        let charset = &self.file.layout.charset;
        for (index, slot) in self.slots.iter().enumerate() {
            match slot {
                Slot::Field(field) => {
                    let text = charset.decode(self.rows.record().field(*field));
                    let text = text.ok_or_else(|| self.undecodable(line, intake.column(index)))?;
                    intake.push(index, Some(Value::Text(&text)));
                }
                Slot::Constant(text) => intake.push(index, Some(Value::Text(text))),
                Slot::Line => intake.push(index, Some(Value::Text(&line.to_string()))),
                Slot::Repaired => intake.push(index, repaired.then_some(Value::Text(BROKEN_ROW))),
                Slot::Null => intake.push(index, None),
            }
        }
        intake.end_row();
        Ok(())
    }

    fn undecodable(&self, line: u64, column: &str) -> Error {
        let encoding = self.file.layout.charset.name();
        let place = format!("{}: line {line}, column {column}", self.file.path.display());
        Error::new(ErrorKind::Encoding, format!("{place}: a byte has no meaning in {encoding}"))
    }

    /// Compares what was read with what the first pass saw.
    fn finish(&mut self, ledger: &mut TableLedger) -> Result<(), Error> {
        let scan = self.file.scan.as_ref().expect("the files were scanned before the reader was made");
        let (content, bytes) = self.lines.content();
        if (content, bytes) != (scan.content, scan.bytes) {
            return Err(changed(&self.file.path));
        }
        ledger.files.push(SourceFile {
            bytes,
            content,
            dialect: self.file.layout.name.clone(),
            name: self.file.name.clone(),
            rows: self.units,
            same_as: None,
        });
        Ok(())
    }
}

fn changed(path: &Path) -> Error {
    Error::new(ErrorKind::Busy, format!("{} changed while it was read", path.display()))
}

fn slot<'a>(name: &str, file: &'a DataFile, table: &'a FileTable, header: &Header) -> Slot<'a> {
    match name {
        FILE => Slot::Constant(&file.name),
        LINE => Slot::Line,
        DIALECT => Slot::Constant(&file.layout.name),
        REPAIRED => Slot::Repaired,
        name => {
            let capture = name.strip_prefix('_').and_then(|name| table.pattern.capture(name, &file.captures));
            let field = header.position(name);
            field.map(Slot::Field).or(capture.map(Slot::Constant)).unwrap_or(Slot::Null)
        }
    }
}

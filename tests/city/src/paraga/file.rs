//! One export file: fields, lines, encoding, and the lines that break.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use encoding_rs::WINDOWS_1252;

use super::era::Era;
use crate::calendar::Stamp;
use crate::error::Error;

/// A file that is being written.
pub(super) struct ExportFile {
    pub(super) name: String,
    out: BufWriter<File>,
    era: Era,
    line: String,
    started: bool,
    /// Physical lines written, the header included.
    lines: u64,
    /// Rows as meant, the header not included.
    pub(super) rows: u64,
}

impl ExportFile {
    pub(super) fn create(directory: &Path, name: String, era: Era, header: &str) -> Result<Self, Error> {
        let file = File::create(directory.join(&name)).map_err(Error::io(name.as_str()))?;
        let mut export = Self {
            name,
            out: BufWriter::with_capacity(1 << 16, file),
            era,
            line: String::new(),
            started: false,
            lines: 0,
            rows: 0,
        };
        if era.is_utf8() {
            export.line.push('\u{feff}');
        }
        export.line.push_str(header);
        export.end_line()?;
        Ok(export)
    }

    /// The physical line that the next row starts on, the header being line 1.
    fn next_line(&self) -> u64 {
        self.lines + 1
    }

    /// The key of the next row: the file and the line that it starts on.
    pub(super) fn next_key(&self) -> String {
        format!("{}:{}", self.name, self.next_line())
    }

    /// Physical lines after the header.
    pub(super) fn data_lines(&self) -> u64 {
        self.lines.saturating_sub(1)
    }

    fn separate(&mut self) {
        if self.started {
            self.line.push(';');
        }
        self.started = true;
    }

    /// Adds a field; in the third era it is quoted when it has to be, before that never.
    pub(super) fn text(&mut self, field: &str) {
        self.separate();
        let special = field.contains([';', '"', '\r', '\n']);
        if self.era.is_utf8() && special {
            self.line.push('"');
            self.line.push_str(&field.replace('"', "\"\""));
            self.line.push('"');
        } else {
            self.line.push_str(field);
        }
    }

    /// Adds a whole free text; in the third era, when asked to, with a tail after a separator.
    pub(super) fn free(&mut self, text: &str, tail: &str, with_tail: bool) {
        if self.era.is_utf8() && with_tail {
            self.text(&format!("{text}; \"{tail}\""));
        } else {
            self.text(text);
        }
    }

    /// Adds a field as it is, whatever that does to the line.
    pub(super) fn raw(&mut self, field: &str) {
        self.separate();
        self.line.push_str(field);
    }

    pub(super) fn number(&mut self, field: i64) {
        self.separate();
        write!(self.line, "{field}").expect("writing to a string cannot fail");
    }

    pub(super) fn time(&mut self, field: Option<Stamp>) {
        self.separate();
        if let Some(stamp) = field {
            stamp.push_minute(&mut self.line, self.era.time_separator());
        }
    }

    /// Adds a midnight as the end of the day before it: 24:00.
    pub(super) fn midnight(&mut self, field: Stamp) {
        self.separate();
        field.plus_minutes(-1).push_minute(&mut self.line, self.era.time_separator());
        self.line.truncate(self.line.len() - "23:59".len());
        self.line.push_str("24:00");
    }

    /// Ends a row.
    pub(super) fn end_row(&mut self) -> Result<(), Error> {
        self.rows += 1;
        self.started = false;
        self.end_line()
    }

    fn end_line(&mut self) -> Result<(), Error> {
        let breaks = self.line.matches("\r\n").count();
        self.lines += 1 + u64::try_from(breaks).unwrap_or(0);
        self.line.push_str("\r\n");
        let written = if self.era.is_utf8() {
            self.out.write_all(self.line.as_bytes())
        } else {
            self.out.write_all(&WINDOWS_1252.encode(&self.line).0)
        };
        self.line.clear();
        written.map_err(Error::io(self.name.as_str()))
    }

    /// Writes what is buffered and closes the file.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.out.flush().map_err(Error::io(self.name.as_str()))
    }
}

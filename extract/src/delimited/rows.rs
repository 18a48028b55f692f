//! From physical lines to rows: the rules for broken ones.

use memchr::memchr;

use super::fields::{FieldSpan, Quotes, Record, Shape, split};
use super::layout::Layout;
use super::lines::Lines;
use crate::error::Error;

/// The most lines and bytes that one row may take up. Beyond it a quotation is taken as never closed.
const ROW_LINES: usize = 1000;
const ROW_BYTES: usize = 1 << 20;

/// What stands at the next line.
pub(super) enum Taken {
    /// A row of this many lines; its fields are in the record.
    Row { lines: usize, repaired: bool },
    /// A line that is no row and becomes none in exactly one way.
    Unreadable,
}

/// Puts rows together.
pub(super) struct Rows {
    separator: u8,
    quoting: bool,
    fields: usize,
    free_text: Option<usize>,
    record: Record,
    spans: Vec<FieldSpan>,
    joined: Vec<u8>,
}

impl Rows {
    /// Rows of `fields` fields, of which the one at `free_text` may hold anything.
    pub(super) fn new(layout: &Layout, fields: usize, free_text: Option<usize>) -> Self {
        Self {
            separator: layout.separator,
            quoting: layout.quoting,
            fields,
            free_text,
            record: Record::default(),
            spans: Vec::new(),
            joined: Vec::new(),
        }
    }

    /// The fields of the row that was taken last.
    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// What stands at the next line, `None` at the end of the file. The lines are not passed yet.
    pub(super) fn take(&mut self, lines: &mut Lines) -> Result<Option<Taken>, Error> {
        if !lines.reach(0)? {
            return Ok(None);
        }
        if self.take_plain(lines.line(0).text()) {
            return Ok(Some(Taken::Row { lines: 1, repaired: false }));
        }
        self.record.clear();
        let shape = self.split_line(lines, 0);
        if shape == Shape::Regular && self.spans.len() == self.fields {
            self.push_spans(lines.line(0).text(), 0, self.fields);
            return Ok(Some(Taken::Row { lines: 1, repaired: false }));
        }
        if shape == Shape::Open {
            if let Some(lines) = self.close_quotation(lines)? {
                return Ok(Some(Taken::Row { lines, repaired: false }));
            }
            self.split_line(lines, 0);
        }
        let repaired = match self.free_text {
            Some(free) if self.spans.len() >= self.fields => self.collect_surplus(lines.line(0).text(), free),
            Some(free) => self.continue_text(lines, free)?,
            None => None,
        };
        Ok(Some(repaired.map_or(Taken::Unreadable, |lines| Taken::Row { lines, repaired: true })))
    }

    /// Takes a line with the right number of fields and without quotation marks that could mean something: nearly all
    /// lines are such.
    fn take_plain(&mut self, text: &[u8]) -> bool {
        if self.quoting && memchr(b'"', text).is_some() {
            return false;
        }
        self.record.fill(text, self.separator);
        self.record.len() == self.fields
    }

    fn split_line(&mut self, lines: &Lines, index: usize) -> Shape {
        split(lines.line(index).text(), self.separator, self.quoting, &mut self.spans)
    }

    fn push_spans(&mut self, text: &[u8], from: usize, to: usize) {
        for span in &self.spans[from..to] {
            self.record.push(text, span);
        }
    }

    fn is_clean(&self, from: usize, to: usize) -> bool {
        self.spans[from..to].iter().all(|span| span.quotes != Quotes::Stray)
    }

    /// A quotation with line breaks, as the rules of quoting allow: the text is kept byte for byte.
    fn close_quotation(&mut self, lines: &mut Lines) -> Result<Option<usize>, Error> {
        self.joined.clear();
        self.joined.extend_from_slice(lines.line(0).raw);
        for index in 1..ROW_LINES {
            if self.joined.len() > ROW_BYTES || !lines.reach(index)? {
                return Ok(None);
            }
            let line = lines.line(index);
            self.joined.extend_from_slice(line.raw);
            if memchr(b'"', line.raw).is_none() {
                continue;
            }
            let end = self.joined.len() - (line.raw.len() - line.text().len());
            let shape = split(&self.joined[..end], self.separator, self.quoting, &mut self.spans);
            if shape == Shape::Regular && self.spans.len() == self.fields {
                for span in &self.spans {
                    self.record.push(&self.joined, span);
                }
                return Ok(Some(index + 1));
            }
            if shape != Shape::Open {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// A line with enough fields: those that are too many belong to the free text, between the columns to
    /// its left and right.
    fn collect_surplus(&mut self, text: &[u8], free: usize) -> Option<usize> {
        let count = self.spans.len();
        let last = free + count - self.fields;
        if !self.is_clean(0, free) || !self.is_clean(last + 1, count) {
            return None;
        }
        self.push_spans(text, 0, free);
        if last == free {
            self.push_spans(text, free, free + 1);
        } else {
            self.record.push_verbatim(&text[self.spans[free].start..self.spans[last].end]);
        }
        self.push_spans(text, last + 1, count);
        Some(1)
    }

    /// A line that ends within the free text, the lines that continue it and the one that ends it.
    fn continue_text(&mut self, lines: &mut Lines, free: usize) -> Result<Option<usize>, Error> {
        if self.spans.len() != free + 1 || !self.is_clean(0, free) {
            return Ok(None);
        }
        let text = lines.line(0).text();
        self.push_spans(text, 0, free);
        self.joined.clear();
        self.joined.extend_from_slice(&text[self.spans[free].start..]);
        for index in 1..ROW_LINES {
            if self.joined.len() > ROW_BYTES || !lines.reach(index)? {
                return Ok(None);
            }
            let shape = self.split_line(lines, index);
            let text = lines.line(index).text();
            let count = self.spans.len();
            // A line that is a whole row is never the rest of another.
            let is_row = shape == Shape::Regular && count == self.fields;
            let ends = count == self.fields - free && self.is_clean(1, count);
            if is_row || !(ends || count == 1) {
                return Ok(None);
            }
            self.joined.push(b'\n');
            self.joined.extend_from_slice(&text[..self.spans[0].end]);
            if ends {
                self.record.push_verbatim(&self.joined);
                self.push_spans(text, 1, count);
                return Ok(Some(index + 1));
            }
        }
        Ok(None)
    }
}

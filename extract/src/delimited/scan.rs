//! The first pass over a file: is it whole, and is it what its dialect says?

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::str;
use std::time::{Duration, SystemTime};

use bron_mappings::Digest;
use memchr::memchr_iter;

use super::layout::Layout;
use crate::error::{Error, ErrorKind};
use crate::hashing::each_chunk;

pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// So much of the beginning of a file shows whether it is text.
pub(super) const START: usize = 64;
/// How files begin that are no text with one byte for each ASCII character.
const OTHER_KINDS: [(&[u8], &str); 9] = [
    (b"\xFF\xFE", "UTF-16"),
    (b"\xFE\xFF", "UTF-16"),
    (b"PK\x03\x04", "a zip archive or a workbook"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1F\x8B", "compressed with gzip"),
    (b"\x28\xB5\x2F\xFD", "compressed with zstd"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (b"\xD0\xCF\x11\xE0", "an old workbook or document"),
    (b"%PDF-", "a PDF document"),
];

/// What the first pass found.
#[derive(Clone)]
pub(super) struct FileScan {
    pub(super) bytes: u64,
    pub(super) content: Digest,
    /// Physical lines, with that of the header.
    pub(super) lines: u64,
}

/// Reads a file whole. One that was changed less than `settled_after` seconds ago is on its way still.
pub(super) fn scan(path: &Path, layout: &Layout, settled_after: Option<u32>) -> Result<FileScan, Error> {
    let failed = |error| Error::reading(path, error);
    let mut file = File::open(path).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    if let (Some(seconds), Ok(changed)) = (settled_after, before.modified()) {
        let age = SystemTime::now().duration_since(changed);
        // A sender's clock that is ahead says nothing about when the file came.
        if age.is_ok_and(|age| age < Duration::from_secs(seconds.into())) {
            let problem = format!("was changed less than {seconds} seconds ago and may still be on its way");
            return Err(Error::new(ErrorKind::Busy, format!("{} {problem}", path.display())));
        }
    }
    let mut found = Found::default();
    let content = each_chunk(&mut file, |chunk| found.see(chunk)).map_err(failed)?;
    let after = fs::metadata(path).map_err(failed)?;
    if (after.len(), after.modified().ok()) != (found.bytes, before.modified().ok()) {
        return Err(changed(path));
    }
    found.judge(path, layout)?;
    Ok(FileScan { bytes: found.bytes, content, lines: found.lines })
}

/// A file that is not what it was a moment ago.
pub(super) fn changed(path: &Path) -> Error {
    let problem = "changed while it was read: it is still being written";
    Error::new(ErrorKind::Busy, format!("{} {problem}", path.display()))
}

/// The last line of a file without its end, when it is not longer than control lines are.
pub(super) fn last_line(path: &Path, layout: &Layout) -> Result<Vec<u8>, Error> {
    const LONGEST: u64 = 64 << 10;
    let failed = |error| Error::reading(path, error);
    let mut file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST))).map_err(failed)?;
    let mut tail = Vec::new();
    file.take(LONGEST).read_to_end(&mut tail).map_err(failed)?;
    let end: &[u8] = if layout.crlf { b"\r\n" } else { b"\n" };
    let text = tail.strip_suffix(end).or_else(|| tail.strip_suffix(b"\n")).unwrap_or(&tail);
    let start = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    Ok(text[start..].to_vec())
}

/// Runs through the bytes of a file as UTF-8, counting lines whether they are that or not.
#[derive(Default)]
struct Found {
    bytes: u64,
    lines: u64,
    last: Option<u8>,
    start: Vec<u8>,
    multibyte: bool,
    /// The beginning of a character that the next chunk completes.
    partial: Vec<u8>,
    column: u64,
    /// The whole lines before the first byte that is no UTF-8.
    valid_lines: u64,
    valid_bytes: u64,
    invalid: bool,
}

impl Found {
    fn see(&mut self, chunk: &[u8]) {
        let missing = START.saturating_sub(self.start.len());
        self.start.extend_from_slice(&chunk[..missing.min(chunk.len())]);
        self.last = chunk.last().copied().or(self.last);
        if !self.invalid {
            let mut text = std::mem::take(&mut self.partial);
            if text.is_empty() {
                self.see_text(chunk);
            } else {
                text.extend_from_slice(chunk);
                self.see_text(&text);
            }
        }
        self.bytes += length(chunk);
        self.lines += newlines(chunk);
    }

    fn see_text(&mut self, bytes: &[u8]) {
        match str::from_utf8(bytes) {
            Ok(text) => self.see_valid(text),
            Err(error) => {
                let (valid, rest) = bytes.split_at(error.valid_up_to());
                self.see_valid(str::from_utf8(valid).expect("it is valid up to here"));
                self.invalid = error.error_len().is_some();
                if self.invalid {
                    // The beginning of a character that came before holds no end of a line.
                    self.valid_lines = self.lines + newlines(valid);
                }
                self.partial = rest.to_vec();
            }
        }
    }

    fn see_valid(&mut self, text: &str) {
        self.multibyte = self.multibyte || !text.is_ascii();
        self.valid_bytes += length(text.as_bytes());
        let last_line = match text.rfind('\n') {
            None => text,
            Some(at) => {
                self.column = 0;
                &text[at + 1..]
            }
        };
        self.column += u64::try_from(last_line.chars().count()).expect("a text is shorter than 2^64");
    }

    fn judge(&self, path: &Path, layout: &Layout) -> Result<(), Error> {
        let wrong = |kind, problem: String| Err(Error::new(kind, format!("{}: {problem}", path.display())));
        if let Some(kind) = other_kind(&self.start) {
            let problem = format!("this is {kind}: have the file delivered as text, best as UTF-8");
            return wrong(ErrorKind::Encoding, problem);
        }
        let has_mark = self.start.starts_with(BYTE_ORDER_MARK);
        if layout.charset.is_utf8() && self.invalid {
            let (line, column, offset) = (self.valid_lines + 1, self.column + 1, self.valid_bytes);
            let place = format!("line {line}, column {column} (byte offset {offset})");
            return wrong(ErrorKind::Encoding, format!("not UTF-8 at {place}"));
        }
        // Single-byte text with Swedish letters is never valid UTF-8 throughout.
        let is_utf8 = !self.invalid && self.partial.is_empty() && self.multibyte;
        if !layout.charset.is_utf8() && (has_mark || is_utf8) {
            let declared = layout.charset.name();
            return wrong(
                ErrorKind::Encoding,
                format!("wrong encoding: declared {declared}, but this is UTF-8"),
            );
        }
        if self.bytes == 0 || (has_mark && self.bytes == length(BYTE_ORDER_MARK)) {
            return wrong(ErrorKind::Truncated, "line 1: the file is empty".to_owned());
        }
        if self.lines == 0 && self.last == Some(b'\r') {
            let problem = "line 1: the lines end with CR alone; a line ends with LF or CR LF";
            return wrong(ErrorKind::Truncated, problem.to_owned());
        }
        if self.last != Some(b'\n') {
            return wrong(ErrorKind::Truncated, format!("line {}: the last line has no end", self.lines + 1));
        }
        Ok(())
    }
}

/// What the file is, when its beginning shows that it is no text, or text of two bytes for each character.
pub(super) fn other_kind(start: &[u8]) -> Option<&'static str> {
    let known = OTHER_KINDS.iter().find(|(begins, _)| start.starts_with(begins));
    let wide = |first: usize| start.len() >= 8 && start.iter().skip(first).step_by(2).all(|byte| *byte == 0);
    known.map(|(_, kind)| *kind).or_else(|| (wide(0) != wide(1)).then_some("UTF-16"))
}

fn newlines(bytes: &[u8]) -> u64 {
    u64::try_from(memchr_iter(b'\n', bytes).count()).expect("a slice is shorter than 2^64 bytes")
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("a slice is shorter than 2^64 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(chunks: &[&[u8]]) -> Option<(u64, u64, u64)> {
        let mut found = Found::default();
        chunks.iter().for_each(|chunk| found.see(chunk));
        found.invalid.then_some((found.valid_lines + 1, found.column + 1, found.valid_bytes))
    }

    #[test]
    fn the_place_of_a_bad_byte_does_not_depend_on_chunks() {
        let text = "a;b\nÅsa;ö".bytes().chain([0xe5, b'\n']).collect::<Vec<u8>>();
        let expected = Some((2, 6, 11));
        for cut in 0..text.len() {
            let (left, right) = text.split_at(cut);
            assert_eq!(position(&[left, right]), expected, "cut at {cut}");
        }
        let single: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(position(&single), expected);
    }

    #[test]
    fn good_text_is_good_in_any_chunks() {
        let text = "Åäö;😀\n".as_bytes();
        for size in 1..=text.len() {
            let chunks: Vec<&[u8]> = text.chunks(size).collect();
            assert_eq!(position(&chunks), None);
        }
        assert_eq!(newlines(&[b'\n'; 1000]), 1000);
    }
}

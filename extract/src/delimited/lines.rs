//! Physical lines with a look ahead.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind as IoErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind};
use crate::hashing::HashingReader;

const BUFFER: usize = 256 << 10;
/// A longer line is no line of a table but a file of another kind.
const LONGEST_LINE: usize = 64 << 20;

/// A physical line as it stands in the file.
#[derive(Clone, Copy)]
pub(super) struct Line<'l> {
    pub(super) number: u64,
    /// With the line end.
    pub(super) raw: &'l [u8],
    text: usize,
}

impl<'l> Line<'l> {
    /// The line without its end.
    pub(super) fn text(&self) -> &'l [u8] {
        &self.raw[..self.text]
    }
}

/// Where a line lies in the buffer.
struct Extent {
    start: usize,
    /// Where its text ends and its line end begins.
    text: usize,
    end: usize,
}

/// The lines of a file. They are slices of one buffer, which holds what is read and not yet passed.
pub(super) struct Lines {
    path: PathBuf,
    input: HashingReader<File>,
    crlf: bool,
    /// Whether the last line of the file is no row and is not given out as one.
    withholds_last: bool,
    buffer: Vec<u8>,
    /// The bytes of the buffer that come from the file.
    filled: usize,
    /// Where the line begins that is found next.
    start: usize,
    /// Up to here that line has no end.
    searched: usize,
    ahead: VecDeque<Extent>,
    passed_lines: u64,
    /// The bytes of the lines that were passed.
    passed: u64,
}

impl Lines {
    /// With `withholds_last` the file ends before its last line, which [`Lines::last`] has then.
    pub(super) fn open(path: &Path, crlf: bool, withholds_last: bool) -> Result<Self, Error> {
        let file = File::open(path).map_err(|error| Error::reading(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            input: HashingReader::new(file),
            crlf,
            withholds_last,
            buffer: Vec::new(),
            filled: 0,
            start: 0,
            searched: 0,
            ahead: VecDeque::new(),
            passed_lines: 0,
            passed: 0,
        })
    }

    /// Reads ahead until line `index` from here is known; `false` when the file ends before it.
    pub(super) fn reach(&mut self, index: usize) -> Result<bool, Error> {
        while self.ahead.len() <= index + usize::from(self.withholds_last) {
            if !self.find_line()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Finds one more line; `false` at the end of the file.
    fn find_line(&mut self) -> Result<bool, Error> {
        let end = loop {
            if let Some(place) = memchr::memchr(b'\n', &self.buffer[self.searched..self.filled]) {
                break self.searched + place + 1;
            }
            self.searched = self.filled;
            self.check_length(self.filled)?;
            if !self.refill()? {
                break self.filled;
            }
        };
        self.check_length(end)?;
        if end == self.start {
            return Ok(false);
        }
        let raw = &self.buffer[self.start..end];
        let line_end: &[u8] = if self.crlf { b"\r\n" } else { b"\n" };
        let text = raw.strip_suffix(line_end).or_else(|| raw.strip_suffix(b"\n")).unwrap_or(raw);
        self.ahead.push_back(Extent { start: self.start, text: self.start + text.len(), end });
        (self.start, self.searched) = (end, end);
        Ok(true)
    }

    fn check_length(&self, end: usize) -> Result<(), Error> {
        if end - self.start < LONGEST_LINE {
            return Ok(());
        }
        let problem = format!("{}: line {} is too long", self.path.display(), self.number(self.ahead.len()));
        Err(Error::new(ErrorKind::Unreadable, problem))
    }

    /// Reads more of the file into the place of the lines that were passed; `false` at its end.
    fn refill(&mut self) -> Result<bool, Error> {
        let kept = self.ahead.front().map_or(self.start, |line| line.start);
        self.buffer.copy_within(kept..self.filled, 0);
        for line in &mut self.ahead {
            line.start -= kept;
            line.text -= kept;
            line.end -= kept;
        }
        self.start -= kept;
        self.searched -= kept;
        self.filled -= kept;
        self.buffer.resize(self.buffer.len().max(self.filled + BUFFER), 0);
        loop {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Ok(count) => {
                    self.filled += count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == IoErrorKind::Interrupted => {}
                Err(error) => return Err(Error::reading(&self.path, error)),
            }
        }
    }

    /// The 1-based number of line `index` from here.
    fn number(&self, index: usize) -> u64 {
        self.passed_lines + length(index) + 1
    }

    /// Line `index` from here, which [`Lines::reach`] has found.
    pub(super) fn line(&self, index: usize) -> Line<'_> {
        let Extent { start, text, end } = self.ahead[index];
        Line { number: self.number(index), raw: &self.buffer[start..end], text: text - start }
    }

    /// The line that is withheld, when all before it have been passed.
    pub(super) fn last(&self) -> Option<Line<'_>> {
        (self.withholds_last && !self.ahead.is_empty()).then(|| self.line(0))
    }

    /// Goes on to the line after the next `count`.
    pub(super) fn pass(&mut self, count: usize) {
        for _ in 0..count {
            let line = self.ahead.pop_front().expect("lines are passed that were reached");
            self.passed_lines += 1;
            self.passed += length(line.end - line.start);
        }
    }

    /// The bytes of the lines that were passed.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    /// The digest and size of what was read; of the whole file at its end.
    pub(super) fn content(&self) -> (bron_mappings::Digest, u64) {
        (self.input.digest(), self.input.passed())
    }
}

fn length(count: usize) -> u64 {
    u64::try_from(count).expect("what lies in memory is shorter than 2^64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_physical_and_keep_their_ends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, b"one\r\ntwo\n\r\n\0\r").unwrap();
        for (crlf, texts) in
            [(true, [&b"one"[..], b"two", b"", b"\0\r"]), (false, [b"one\r", b"two", b"\r", b"\0\r"])]
        {
            let mut lines = Lines::open(&path, crlf, false).unwrap();
            assert!(lines.reach(3).unwrap());
            assert!(!lines.reach(4).unwrap());
            for (index, text) in texts.into_iter().enumerate() {
                assert_eq!(lines.line(index).text(), text);
            }
            lines.pass(2);
            assert_eq!((lines.line(0).number, lines.line(0).raw), (3, &b"\r\n"[..]));
            assert_eq!(lines.content().1, 13);
        }
    }

    #[test]
    fn a_last_line_that_is_no_row_comes_after_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, b"one\ntwo\nlast\n").unwrap();
        let mut lines = Lines::open(&path, false, true).unwrap();
        assert!(lines.reach(1).unwrap() && !lines.reach(2).unwrap());
        lines.pass(2);
        assert!(!lines.reach(0).unwrap());
        assert_eq!(lines.last().map(|line| (line.number, line.text())), Some((3, &b"last"[..])));
    }

    #[test]
    fn lines_may_lie_across_what_is_read_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let lengths = [BUFFER - 1, BUFFER, 3 * BUFFER + 7, 0, 1, BUFFER / 2, 2 * BUFFER];
        let texts: Vec<Vec<u8>> =
            lengths.iter().zip(b'a'..).map(|(length, one)| vec![one; *length]).collect();
        std::fs::write(&path, [texts.join(&b'\n'), b"\n".to_vec()].concat()).unwrap();
        for ahead in 1..texts.len() {
            let mut lines = Lines::open(&path, false, false).unwrap();
            for (place, text) in texts.iter().enumerate() {
                assert_eq!(lines.reach(ahead - 1).unwrap(), place + ahead <= texts.len());
                let line = lines.line(0);
                assert_eq!((line.number, line.text() == text), (length(place) + 1, true), "{ahead} ahead");
                lines.pass(1);
            }
            assert!(!lines.reach(0).unwrap());
            assert_eq!(lines.passed(), std::fs::metadata(&path).unwrap().len());
            assert_eq!(lines.content().0, bron_mappings::Digest::of(&std::fs::read(&path).unwrap()));
        }
    }
}

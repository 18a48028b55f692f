//! Physical lines with a look ahead.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind};
use crate::hashing::HashingReader;

const BUFFER: usize = 256 << 10;
/// A longer line is no line of a table but a file of another kind.
const LONGEST_LINE: u64 = 64 << 20;

/// A physical line as it stands in the file.
pub(super) struct Line {
    pub(super) number: u64,
    /// With the line end.
    pub(super) raw: Vec<u8>,
    text: usize,
}

impl Line {
    /// The line without its end.
    pub(super) fn text(&self) -> &[u8] {
        &self.raw[..self.text]
    }

    fn bytes(&self) -> u64 {
        u64::try_from(self.raw.len()).expect("a line fits the memory")
    }
}

/// The lines of a file. Their buffers are used again.
pub(super) struct Lines {
    path: PathBuf,
    input: BufReader<HashingReader<File>>,
    crlf: bool,
    /// Whether the last line of the file is no row and is not given out as one.
    withholds_last: bool,
    read: u64,
    /// The bytes of the lines that were passed.
    passed: u64,
    ahead: VecDeque<Line>,
    spare: Vec<Line>,
}

impl Lines {
    /// With `withholds_last` the file ends before its last line, which [`Lines::last`] has then.
    pub(super) fn open(path: &Path, crlf: bool, withholds_last: bool) -> Result<Self, Error> {
        let file = File::open(path).map_err(|error| Error::reading(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            input: BufReader::with_capacity(BUFFER, HashingReader::new(file)),
            crlf,
            withholds_last,
            read: 0,
            passed: 0,
            ahead: VecDeque::new(),
            spare: Vec::new(),
        })
    }

    /// Reads ahead until line `index` from here is known; `false` when the file ends before it.
    pub(super) fn reach(&mut self, index: usize) -> Result<bool, Error> {
        while self.ahead.len() <= index + usize::from(self.withholds_last) {
            let mut line = self.spare.pop().unwrap_or(Line { number: 0, raw: Vec::new(), text: 0 });
            line.raw.clear();
            let count = (&mut self.input)
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line.raw)
                .map_err(|error| Error::reading(&self.path, error))?;
            if count == 0 {
                return Ok(false);
            }
            self.read += 1;
            line.number = self.read;
            if u64::try_from(count).is_ok_and(|count| count >= LONGEST_LINE) {
                let problem = format!("{}: line {} is too long", self.path.display(), self.read);
                return Err(Error::new(ErrorKind::Unreadable, problem));
            }
            let end: &[u8] = if self.crlf { b"\r\n" } else { b"\n" };
            let text = line.raw.strip_suffix(end).or_else(|| line.raw.strip_suffix(b"\n"));
            line.text = text.map_or(line.raw.len(), <[u8]>::len);
            self.ahead.push_back(line);
        }
        Ok(true)
    }

    /// Line `index` from here, which [`Lines::reach`] has found.
    pub(super) fn line(&self, index: usize) -> &Line {
        &self.ahead[index]
    }

    /// The line that is withheld, when all before it have been passed.
    pub(super) fn last(&self) -> Option<&Line> {
        self.ahead.front().filter(|_| self.withholds_last)
    }

    /// Goes on to the line after the next `count`.
    pub(super) fn pass(&mut self, count: usize) {
        self.passed += self.ahead.iter().take(count).map(Line::bytes).sum::<u64>();
        self.spare.extend(self.ahead.drain(..count));
        self.spare.truncate(8);
    }

    /// The bytes of the lines that were passed.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    /// The digest and size of what was read; of the whole file at its end.
    pub(super) fn content(&self) -> (bron_mappings::Digest, u64) {
        let input = self.input.get_ref();
        (input.digest(), input.passed())
    }
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
            assert_eq!((lines.line(0).number, &lines.line(0).raw[..]), (3, &b"\r\n"[..]));
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
}

//! What came out, a line of JSON for each: a set of trials that was stopped goes on there.

use std::fs::{File, OpenOptions};
use std::io::{Error, Result, Write as _};
use std::marker::PhantomData;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A file that lines are added to, or none.
#[derive(Debug)]
pub struct Journal<T> {
    file: Option<File>,
    lines: PhantomData<T>,
}

impl<T> Default for Journal<T> {
    fn default() -> Self {
        Self { file: None, lines: PhantomData }
    }
}

impl<T: Serialize + DeserializeOwned> Journal<T> {
    /// Opens a file, or nothing, and gives what stands there. A line that was cut short is taken away: what it was
    /// about is to be done again.
    ///
    /// # Errors
    /// When the file cannot be read or written, or holds something else.
    pub fn open(path: Option<&Path>) -> Result<(Vec<T>, Self)> {
        let Some(path) = path else { return Ok((Vec::new(), Self::default())) };
        let text = if path.is_file() { std::fs::read_to_string(path)? } else { String::new() };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let lines = text[..whole].lines().map(serde_json::from_str);
        let lines = lines.collect::<std::result::Result<_, _>>().map_err(Error::other)?;
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(u64::try_from(whole).map_err(Error::other)?)?;
        Ok((lines, Self { file: Some(file), lines: PhantomData }))
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, line: &T) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut text = serde_json::to_string(line).map_err(Error::other)?;
        text.push('\n');
        file.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_goes_on_where_it_was_cut_short() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        std::fs::write(&path, "1\n2\n3").unwrap();
        for known in [vec![1_u64, 2], vec![1, 2, 4]] {
            let (lines, mut journal) = Journal::open(Some(&path)).unwrap();
            assert_eq!(lines, known);
            journal.write(&4).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\n2\n4\n4\n");
        let (none, mut nothing) = Journal::<u64>::open(None).unwrap();
        assert_eq!(none, Vec::<u64>::new());
        nothing.write(&4).unwrap();
        std::fs::write(&path, "x\n").unwrap();
        assert!(Journal::<u64>::open(Some(&path)).is_err());
    }
}

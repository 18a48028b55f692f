//! A file that is read without locks, and whether anybody wrote it meanwhile.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, ErrorKind, Result};

/// The files that SQLite keeps beside a database while somebody has it open or has left it unfinished.
const BESIDE: [&str; 2] = ["-wal", "-journal"];

/// A file as it was when nobody else had it open.
pub(super) struct Still {
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
}

impl Still {
    /// The file as it is, or `None` when somebody has it open or has left a log.
    pub(super) fn of(path: &Path) -> Option<Self> {
        if is_open(path) {
            return None;
        }
        let found = std::fs::metadata(path).ok()?;
        Some(Self { path: path.to_owned(), length: found.len(), modified: found.modified().ok() })
    }

    /// Whether somebody has opened or written the file since.
    pub(super) fn is_broken(&self) -> bool {
        let same = |found: Metadata| found.len() == self.length && found.modified().ok() == self.modified;
        is_open(&self.path) || !std::fs::metadata(&self.path).is_ok_and(same)
    }

    /// Refuses what was read when somebody has.
    pub(super) fn require(&self) -> Result<()> {
        if self.is_broken() {
            let text = format!(
                "{}: somebody else opened the file for writing while it was read",
                self.path.display()
            );
            return Err(Error::new(ErrorKind::Busy, text));
        }
        Ok(())
    }
}

fn is_open(path: &Path) -> bool {
    BESIDE.iter().any(|suffix| {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        Path::new(&beside).exists()
    })
}

//! A directory for what has no room in memory.

use std::path::{Path, PathBuf};

/// A directory of the run, made by whoever writes there, and gone with this.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Anything that an interrupted reconciliation left there is removed.
    pub(super) fn new(dir: PathBuf) -> Self {
        remove(&dir);
        Self(dir)
    }

    pub(super) fn dir(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// What is left takes room and nothing else; the next reconciliation removes it.
fn remove(dir: &Path) {
    let _ = std::fs::remove_dir_all(dir);
}

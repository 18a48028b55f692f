//! Sorted runs of ids that had no room in memory, as files of the run that are gone when it is done.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::PathBuf;

use bron_mappings::{EntityId, ReadError};
use bron_reconcile::references::{Run, RunStore};

/// Files of 16 bytes an id. Nobody reads them after a crash, so they are neither synced nor renamed.
pub(super) struct IdRuns {
    dir: PathBuf,
    count: usize,
}

impl IdRuns {
    /// Writes below the directory, which is made when it is needed and is removed at the end.
    pub(super) const fn new(dir: PathBuf) -> Self {
        Self { dir, count: 0 }
    }

    fn path(&self, run: usize) -> PathBuf {
        self.dir.join(format!("run-{run:05}.ids"))
    }
}

impl Drop for IdRuns {
    fn drop(&mut self) {
        if self.count > 0 {
            // What is left takes room and nothing else; the next reconciliation writes over it.
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

impl RunStore for IdRuns {
    fn keep(&mut self, run: &[EntityId]) -> Result<usize, ReadError> {
        fs::create_dir_all(&self.dir)?;
        let number = self.count;
        self.count += 1;
        let mut file = BufWriter::new(File::create(self.path(number))?);
        for id in run {
            file.write_all(id.as_bytes())?;
        }
        file.flush()?;
        Ok(number)
    }

    fn open(&self, run: usize) -> Result<Run<'_>, ReadError> {
        let mut file = BufReader::new(File::open(self.path(run))?);
        Ok(Box::new(std::iter::from_fn(move || {
            let mut id = [0; 16];
            match file.read_exact(&mut id) {
                Ok(()) => Some(Ok(EntityId::from_bytes(id))),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => None,
                Err(error) => Some(Err(error.into())),
            }
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_come_back_as_they_were_and_leave_nothing() {
        let guard = tempfile::tempdir().unwrap();
        let dir = guard.path().join("ids");
        let ids: Vec<EntityId> = (0..=255).map(|number| EntityId::from_bytes([number; 16])).collect();
        let mut runs = IdRuns::new(dir.clone());
        assert!(!dir.exists());
        assert_eq!((runs.keep(&ids).unwrap(), runs.keep(&ids[..3]).unwrap()), (0, 1));
        let read = |run| runs.open(run).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
        assert_eq!((read(0), read(1)), (ids.clone(), ids[..3].to_vec()));
        drop(runs);
        assert!(!dir.exists());
    }
}

//! Where the records of jobs are kept, and who may run a job.

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use bron_extract::atomic;
use bron_mappings::Artefact;

use super::job::JobName;
use super::record::JobRecord;
use crate::error::{Error, ErrorKind, Result};

/// The right to run a job, held by one process at a time on the whole bridge. Dropping it gives it back.
pub trait Lease {
    /// A file that keeps the right for as long as anybody has it open: whoever runs the job hands it to the process
    /// that does the work, so that a job whose runner died is not run a second time beside itself. `None` where the
    /// right is kept otherwise.
    ///
    /// # Errors
    /// When the file cannot be handed on.
    fn to_hand_on(&self) -> Result<Option<File>>;
}

/// The records of jobs.
pub trait JobStore {
    /// Takes the right to run a job; `None` when somebody else has it.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn lease(&mut self, job: &JobName) -> Result<Option<Box<dyn Lease>>>;

    /// The record of a job; `None` when nobody has run it.
    ///
    /// # Errors
    /// When the store cannot be asked; [`ErrorKind::Corrupt`] when the record is not what was written.
    fn record(&mut self, job: &JobName) -> Result<Option<JobRecord>>;

    /// Writes a record durably. Only whoever has the lease of its job does.
    ///
    /// # Errors
    /// When it cannot be written; the record before is then still there.
    fn keep(&mut self, record: &JobRecord) -> Result<()>;
}

/// Records as files of a folder, one for each job, for the processes of one machine.
#[derive(Clone, Debug)]
pub struct FolderStore {
    folder: PathBuf,
}

impl FolderStore {
    /// The records in a folder, which is made when something is written.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    fn path(&self, job: &JobName, ending: &str) -> PathBuf {
        self.folder.join(format!("{job}.{ending}"))
    }

    fn require_folder(&self) -> Result<()> {
        std::fs::create_dir_all(&self.folder).map_err(|error| storage(&self.folder, error))
    }
}

/// A lock on a file, which the system takes away with the last process that has the file open.
struct FileLease {
    path: PathBuf,
    file: File,
}

impl Lease for FileLease {
    fn to_hand_on(&self) -> Result<Option<File>> {
        self.file.try_clone().map(Some).map_err(|error| storage(&self.path, error))
    }
}

impl JobStore for FolderStore {
    fn lease(&mut self, job: &JobName) -> Result<Option<Box<dyn Lease>>> {
        self.require_folder()?;
        let path = self.path(job, "lock");
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(|error| storage(&path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(FileLease { path, file }))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(storage(&path, error)),
        }
    }

    fn record(&mut self, job: &JobName) -> Result<Option<JobRecord>> {
        let path = self.path(job, "json");
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|error| storage(&path, error))?,
        };
        let known = Artefact::JobRecord.require_in_text(&path.display(), &text);
        known.map_err(|unknown| Error::new(ErrorKind::Config, unknown.to_string()))?;
        let record: JobRecord = serde_json::from_slice(&text).map_err(|error| {
            Error::because(ErrorKind::Corrupt, format!("{} is not what was written", path.display()), error)
        })?;
        if record.job != *job {
            let message = format!("{} is the record of another job", path.display());
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        Ok(Some(record))
    }

    fn keep(&mut self, record: &JobRecord) -> Result<()> {
        self.require_folder()?;
        let path = self.path(&record.job, "json");
        let mut text = serde_json::to_vec_pretty(record).expect("a record is always JSON");
        text.push(b'\n');
        atomic::write(&path, &text).map_err(|error| {
            Error::because(ErrorKind::Storage, format!("cannot write {}", path.display()), error)
        })
    }
}

fn storage(path: &Path, error: std::io::Error) -> Error {
    Error::because(ErrorKind::Storage, format!("cannot use {}", path.display()), error)
}

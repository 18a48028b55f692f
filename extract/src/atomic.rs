//! Files that are either there whole or not there at all.
//!
//! A file is written under a temporary name in its own directory, synced, renamed, and the directory is
//! synced. A process that is killed leaves at most a temporary file, which [`clean`] removes at the next
//! start. Two processes must not write the same directory at once.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::Error;

const TEMPORARY: &str = ".tmp-";

/// Writes a file whole, replacing an earlier one.
///
/// # Errors
/// [`ErrorKind::Storage`](crate::ErrorKind::Storage) naming the path; the earlier file is then still there.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut pending = Pending::create(path)?;
    pending.file().write_all(bytes).map_err(|error| Error::writing(path, error))?;
    pending.commit()
}

/// Writes a file whole, as [`write()`] does, that only its owner may read.
///
/// # Errors
/// As [`write()`].
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut pending = Pending::create(path)?;
    let private = fs::Permissions::from_mode(0o600);
    // Before the first byte is in it; a rename keeps it so.
    pending.file().set_permissions(private).map_err(|error| Error::writing(path, error))?;
    pending.file().write_all(bytes).map_err(|error| Error::writing(path, error))?;
    pending.commit()
}

/// Removes what killed writers left in `dir`. A directory that does not exist is clean.
///
/// # Errors
/// [`ErrorKind::Storage`](crate::ErrorKind::Storage) when a leftover cannot be removed.
pub fn clean(dir: &Path) -> Result<(), Error> {
    remove_named(dir, |name| name.starts_with(TEMPORARY))
}

/// Removes the files of `dir` whose names fit, then syncs the directory.
pub(crate) fn remove_named(dir: &Path, fits: impl Fn(&str) -> bool) -> Result<(), Error> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| Error::reading(dir, error))?,
    };
    let mut removed = false;
    for entry in entries {
        let entry = entry.map_err(|error| Error::reading(dir, error))?;
        if entry.file_name().to_str().is_some_and(&fits) {
            fs::remove_file(entry.path()).map_err(|error| Error::writing(&entry.path(), error))?;
            removed = true;
        }
    }
    if removed { sync_directory(dir) } else { Ok(()) }
}

/// A file that is being written. Dropping it without a commit removes it.
pub(crate) struct Pending {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    committed: bool,
}

impl Pending {
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("unnamed");
        let temporary = path.with_file_name(format!("{TEMPORARY}{name}"));
        let file = File::create(&temporary).map_err(|error| Error::writing(path, error))?;
        Ok(Self { file, temporary, path: path.to_owned(), committed: false })
    }

    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    pub(crate) fn commit(mut self) -> Result<(), Error> {
        self.file.sync_all().map_err(|error| Error::writing(&self.path, error))?;
        fs::rename(&self.temporary, &self.path).map_err(|error| Error::writing(&self.path, error))?;
        self.committed = true;
        sync_parent(&self.path)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.committed {
            // The error that led here is reported; a leftover is removed by the next start.
            drop(fs::remove_file(&self.temporary));
        }
    }
}

/// Makes a directory and its parents, where they are missing.
///
/// # Errors
/// [`crate::ErrorKind::Storage`] naming the directory.
pub fn create_directory(dir: &Path) -> Result<(), Error> {
    fs::create_dir_all(dir).map_err(|error| Error::writing(dir, error))
}

/// Makes an empty directory: what a killed or an earlier run left in it is removed.
///
/// # Errors
/// [`crate::ErrorKind::Storage`] naming the directory.
pub fn renew_directory(dir: &Path) -> Result<(), Error> {
    if dir.exists() {
        fs::remove_dir_all(dir).map_err(|error| Error::writing(dir, error))?;
    }
    create_directory(dir)
}

/// Makes the name of a file durable, by syncing its directory.
pub(crate) fn sync_parent(path: &Path) -> Result<(), Error> {
    sync_directory(path.parent().unwrap_or(Path::new(".")))
}

fn sync_directory(dir: &Path) -> Result<(), Error> {
    // The parent of a bare file name is the empty path.
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    File::open(dir).and_then(|handle| handle.sync_all()).map_err(|error| Error::writing(dir, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_file_is_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_private_file_is_its_owners_whatever_stood_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.xlsx");
        write(&path, b"one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&path, b"two").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read(&path).unwrap(), b"two");
    }

    #[test]
    fn a_writer_that_gives_up_leaves_the_old_file_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        write(&path, b"one").unwrap();
        let mut pending = Pending::create(&path).unwrap();
        pending.file().write_all(b"tw").unwrap();
        drop(pending);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn leftovers_of_a_killed_writer_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".tmp-part-00000.parquet"), b"half").unwrap();
        fs::write(dir.path().join("kept.txt"), b"whole").unwrap();
        clean(dir.path()).unwrap();
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert_eq!(names, ["kept.txt"]);
        clean(&dir.path().join("none")).unwrap();
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let error = write(Path::new("/proc/none/a.json"), b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.to_string().contains("/proc/none/a.json"));
    }
}

//! Folders: copied and searched.

use std::fs;
use std::io::Result;
use std::path::{Path, PathBuf};

/// Copies a folder and everything in it; a link leads to the same place.
///
/// # Errors
/// When something cannot be read or written.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, &target)?;
        } else if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Every file below a folder, in the order of the paths; none when there is no such folder.
///
/// # Errors
/// When a folder cannot be read.
pub fn walk(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_type()?.is_dir() {
            found.extend(walk(&entry.path())?);
        } else {
            found.push(entry.path());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_every_file_and_its_links_lead_where_they_led() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("deep/er")).unwrap();
        fs::write(from.join("deep/er/file"), "x").unwrap();
        std::os::unix::fs::symlink(folder.path(), from.join("link")).unwrap();
        copy_folder(&from, &to).unwrap();
        assert_eq!(walk(&to).unwrap(), [to.join("deep/er/file"), to.join("link")]);
        assert_eq!(fs::read_link(to.join("link")).unwrap(), folder.path());
        assert_eq!(walk(&folder.path().join("none")).unwrap(), Vec::<PathBuf>::new());
    }
}

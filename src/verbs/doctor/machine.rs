//! This machine: disk, limits, files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, access, statvfs};
use rustix::process::{Resource, getrlimit};

use super::check::Area;

/// Fewer open files than this stop a project with several sources and many parts.
const OPEN_FILES: u64 = 256;
/// A file that was changed since then may still be being written.
const FRESH: Duration = Duration::from_secs(60);
/// Ends of names that senders give to files they have not finished.
const UNFINISHED: [&str; 4] = [".part", ".tmp", ".filepart", ".crdownload"];

/// Judges the machine. `expected` is about how many bytes a run may take, where that is known.
pub(super) fn judge(project: &Path, runs: &Path, expected: Option<u64>, area: &mut Area<'_>) {
    judge_disk(project, runs, expected, area);
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < OPEN_FILES => {
            area.look("open files", format!("{limit} at a time"), "raise the limit: ulimit -n 1024");
        }
        Some(limit) => area.fine("open files", format!("{limit} at a time")),
        None => area.fine("open files", "without a limit"),
    }
    let temporary = std::env::temp_dir();
    if may_write(&temporary) {
        area.fine("temporary files", temporary.display().to_string());
    } else {
        let found = format!("{} cannot be written", temporary.display());
        area.look("temporary files", found, "databases sort there: name another folder in TMPDIR");
    }
    if getrlimit(Resource::Core).current == Some(0) {
        area.fine("core dumps", "none are written");
    } else {
        area.look(
            "core dumps",
            "a crash may write what is in memory, records of people among it, to a file",
            "forbid them where the program runs: ulimit -c 0",
        );
    }
}

fn judge_disk(project: &Path, runs: &Path, expected: Option<u64>, area: &mut Area<'_>) {
    let folder = if runs.is_dir() { runs } else { project };
    if !may_write(folder) {
        let found = format!("{} cannot be written by this user", folder.display());
        area.fails("runs folder", found, "give this user the right to write there");
        return;
    }
    let Ok(disk) = statvfs(folder) else {
        area.unknown("disk", format!("the system does not tell the free space of {}", folder.display()));
        return;
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let largest = entries(runs).iter().map(|run| size(run)).max().filter(|size| *size > 0);
    let (needed, reason) = match (largest, expected) {
        (Some(size), _) => (size, format!("the largest run so far took {}", in_words(size))),
        (None, Some(size)) => (size, format!("by the size of the sources a run may take {}", in_words(size))),
        (None, None) => {
            area.unknown("disk", format!("{} free; how much a run takes is not known yet", in_words(free)));
            return;
        }
    };
    let found = format!("{} free, {reason}", in_words(free));
    let advice = "make room, or remove runs that nobody needs any more";
    if free < needed {
        area.fails("disk", found, advice);
    } else if free / 2 < needed {
        area.look("disk", found, advice);
    } else {
        area.fine("disk", found);
    }
}

/// What lies in a folder, by name.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries
}

/// The bytes of everything below a path. What cannot be looked at counts nothing.
pub(super) fn size(path: &Path) -> u64 {
    let Ok(found) = fs::symlink_metadata(path) else { return 0 };
    if !found.is_dir() {
        return found.len();
    }
    entries(path).iter().map(|inner| size(inner)).sum()
}

fn in_words(bytes: u64) -> String {
    const STEP: u64 = 1024;
    match bytes {
        0..1_048_576 => format!("{} kB", bytes.div_ceil(STEP)),
        1_048_576..10_737_418_240 => format!("{} MB", bytes / STEP / STEP),
        _ => format!("{} GB", bytes / STEP / STEP / STEP),
    }
}

/// Whether this user may write a file or into a folder. Nothing is written.
pub(super) fn may_write(path: &Path) -> bool {
    access(path, Access::WRITE_OK).is_ok()
}

/// The folder that a file lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Judges a database file that is a source.
pub(super) fn judge_source_file(path: &Path, area: &mut Area<'_>) {
    let Ok(found) = fs::metadata(path) else { return };
    let shown = format!("{}, {}", path.display(), in_words(found.len()));
    if found.permissions().mode() & 0o007 == 0 {
        area.fine("file", shown);
    } else {
        let found = format!("{shown}: everybody on this machine may read the records in it");
        area.look("file", found, format!("chmod o= {}", path.display()));
    }
}

/// Judges a folder of files that is a source.
pub(super) fn judge_files(folder: &Path, area: &mut Area<'_>) {
    let files: Vec<PathBuf> = entries(folder).into_iter().filter(|path| path.is_file()).collect();
    let unreadable = files.iter().filter(|path| access(path.as_path(), Access::READ_OK).is_err()).count();
    let bytes: u64 = files.iter().map(|path| size(path)).sum();
    let shown = format!("{} files, {}", files.len(), in_words(bytes));
    if unreadable > 0 {
        let found = format!("{shown}: {unreadable} of them may not be read by this user");
        area.fails("files", found, "give this user the right to read them");
    } else {
        area.fine("files", shown);
    }
    let mut unfinished = files.iter().filter(|path| is_unfinished(path));
    if let Some(one) = unfinished.next() {
        let name = one.file_name().unwrap_or_default().to_string_lossy();
        let more = match unfinished.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let found =
            format!("{name}{more}: changed in the last minute, or named like a file that is not finished");
        area.look("being written", found, "wait until the sender is done");
    }
}

/// Whether a file looks as if somebody still wrote it.
fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let changed = fs::metadata(path).and_then(|found| found.modified());
    let fresh = changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|since| since < FRESH));
    fresh || UNFINISHED.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_a_fitting_unit() {
        let told = [1, 1_048_576, 10_737_418_240].map(in_words);
        assert_eq!(told, ["1 kB", "1 MB", "10 GB"]);
    }

    #[test]
    fn a_folder_is_as_large_as_what_is_in_it() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        fs::write(dir.path().join("a/b"), [0; 10]).unwrap();
        fs::write(dir.path().join("c"), [0; 5]).unwrap();
        assert_eq!(size(dir.path()), 15);
        assert!(is_unfinished(&dir.path().join("c")));
    }
}

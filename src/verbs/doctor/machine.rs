//! This machine: disk, limits, files.

use std::borrow::Cow;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bron_extract::is_on_its_way;
use rustix::fs::{Access, access, statvfs};
use rustix::process::{Resource, getrlimit};

use super::check::Area;

/// Fewer open files than this stop a project with several sources and many parts.
const OPEN_FILES: u64 = 256;
/// A file that was changed fewer seconds ago may still be being written, where the system does not say it itself.
const FRESH_SECONDS: u32 = 60;

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

/// Judges a folder of files that is a source, by those that a run sees: hidden files are passed over. `settled_after`
/// is what the system's description says, in seconds.
pub(super) fn judge_files(folder: &Path, settled_after: Option<u32>, area: &mut Area<'_>) {
    let visible = entries(folder).into_iter().filter(|path| !name_of(path).starts_with('.'));
    let files: Vec<PathBuf> = visible.filter(|path| path.is_file()).collect();
    let unreadable = files.iter().filter(|path| access(path.as_path(), Access::READ_OK).is_err()).count();
    let bytes: u64 = files.iter().map(|path| size(path)).sum();
    let shown = format!("{} files, {}", files.len(), in_words(bytes));
    if unreadable > 0 {
        let found = format!("{shown}: {unreadable} of them may not be read by this user");
        area.fails("files", found, "give this user the right to read them");
    } else {
        area.fine("files", shown);
    }
    judge_unfinished(&files, settled_after, area);
}

/// Whether somebody still writes files, as far as names and times tell.
fn judge_unfinished(files: &[PathBuf], settled_after: Option<u32>, area: &mut Area<'_>) {
    const SUBJECT: &str = "being written";
    const ADVICE: &str = "wait until the sender is done";
    if let Some(named) = first_and_more(files, |path| is_on_its_way(&name_of(path))) {
        let found = format!(
            "{named}: named like a file that is on its way, and no file is read before all are there"
        );
        area.fails(SUBJECT, found, format!("{ADVICE}; take away what nobody writes any more"));
    }
    let seconds = settled_after.unwrap_or(FRESH_SECONDS);
    if let Some(fresh) = first_and_more(files, |path| is_fresh(path, seconds)) {
        let found = format!("{fresh}: changed less than {seconds} seconds ago");
        if settled_after.is_some() {
            area.fails(SUBJECT, format!("{found}, and `settled_after` has files wait so long"), ADVICE);
        } else {
            area.look(SUBJECT, found, ADVICE);
        }
    }
}

/// The name of the first of these files, and how many more there are.
fn first_and_more(files: &[PathBuf], is_one: impl Fn(&Path) -> bool) -> Option<String> {
    let mut those = files.iter().filter(|path| is_one(path));
    let first = name_of(those.next()?).into_owned();
    Some(match those.count() {
        0 => first,
        more => format!("{first} and {more} more"),
    })
}

fn name_of(path: &Path) -> Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

/// Whether a file was changed less than so many seconds ago. A time ahead of this machine's clock says nothing.
fn is_fresh(path: &Path, seconds: u32) -> bool {
    let changed = fs::metadata(path).and_then(|found| found.modified());
    let age = changed.ok().and_then(|changed| changed.elapsed().ok());
    age.is_some_and(|age| age < Duration::from_secs(seconds.into()))
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
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
    }

    /// The verdicts on files of these names, all of them just written, and what was found.
    fn unfinished(names: &[&str], settled_after: Option<u32>) -> Vec<(Verdict, String)> {
        let dir = tempfile::tempdir().unwrap();
        names.iter().for_each(|name| fs::write(dir.path().join(name), "x").unwrap());
        let mut checks = Vec::new();
        judge_files(dir.path(), settled_after, &mut Area::new("paraga", &mut checks));
        let told = checks.iter().map(|check| (check.verdict, check.json()));
        let told = told.filter(|(_, check)| check["check"] == "being written");
        told.map(|(verdict, check)| (verdict, check["found"].as_str().unwrap().to_owned())).collect()
    }

    #[test]
    fn what_stops_a_run_fails_and_what_may_do_so_is_to_look_at() {
        let named = "named like a file that is on its way, and no file is read before all are there";
        let both = ["a.csv", "b.csv.LCK", "c.part", ".d.tmp"];
        assert_eq!(unfinished(&both, Some(0)), [(Verdict::Fails, format!("b.csv.LCK and 1 more: {named}"))]);
        assert_eq!(
            unfinished(&["a.csv"], None),
            [(Verdict::Look, "a.csv: changed less than 60 seconds ago".to_owned())]
        );
        let waits = "changed less than 3600 seconds ago, and `settled_after` has files wait so long";
        assert_eq!(unfinished(&["a.csv"], Some(3600)), [(Verdict::Fails, format!("a.csv: {waits}"))]);
        assert_eq!(unfinished(&["a.csv"], Some(0)), []);
    }
}

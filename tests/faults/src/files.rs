//! Files that are not finished, and files that name somebody.

use std::fs;
use std::io::Result;
use std::path::{Path, PathBuf};

use bron_outside::walk;

/// What files that are not finished are called.
const UNFINISHED: &str = ".tmp-";
/// Folders of a run that are made for people and lie open, sealed run or not.
const OPEN: [&str; 2] = ["worklists", "report"];

/// The files below a folder that are not finished.
pub(crate) fn unfinished(folder: &Path) -> Result<Vec<PathBuf>> {
    let named =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(UNFINISHED));
    Ok(walk(folder)?.into_iter().filter(named).collect())
}

/// The files of a folder of runs in which one of these texts stands, those apart that are made to be read.
pub(crate) fn holding(runs: &Path, texts: &[String]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in walk(runs)? {
        let open = path.iter().any(|part| OPEN.iter().any(|open| part == *open));
        // A file may have been taken away in between.
        let bytes = if open { Vec::new() } else { fs::read(&path).unwrap_or_default() };
        if texts.iter().any(|text| holds(&bytes, text)) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Whether a text stands in some bytes.
fn holds(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_and_telling_files_are_found_in_any_folder() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("runs/one");
        for dir in ["staged/a", "report"] {
            fs::create_dir_all(run.join(dir)).unwrap();
        }
        for (name, text) in [("staged/a/.tmp-1", "x"), ("staged/a/part", "..Åsa.."), ("report/index", "Åsa")]
        {
            fs::write(run.join(name), text).unwrap();
        }
        assert_eq!(unfinished(folder.path()).unwrap(), [run.join("staged/a/.tmp-1")]);
        let telling = holding(folder.path(), &["Åsa".to_owned()]).unwrap();
        assert_eq!(telling, [run.join("staged/a/part")]);
    }
}

//! The tools for the author of mappings do what they promise on the shipped files.

mod coverage;
mod definition;
mod docs;
mod inverse;
mod removal;
mod samples;
mod scaffold;
mod schema;
mod staged;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crate::support::run;

/// The text of every file below the folders of a mapping folder, by its path in it.
fn mapping_files(dir: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for folder in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = file.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
            if name.ends_with(".toml") || name.ends_with(".csv") {
                files.insert(name, fs::read_to_string(&file).unwrap());
            }
        }
    }
    files
}

#[test]
fn a_line_that_names_the_schema_stays_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("quality/regler.toml");
    fs::create_dir(dir.path().join("quality")).unwrap();
    let first = "#:schema ../.schemas/quality.schema.json\n";
    fs::write(&file, format!("{first}format   = 1\n[[rule]]\ncode = \"D01\"\nlisted   = true\n")).unwrap();
    let places = [OsStr::new("mapping"), OsStr::new("fmt"), OsStr::new("--mappings"), dir.path().as_os_str()];
    run(places).expect(&[0]);
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text, format!("{first}format = 1\n\n[[rule]]\ncode   = \"D01\"\nlisted = true\n"));
}

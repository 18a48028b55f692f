//! The tools for the author of mappings do what they promise on the shipped files.

mod docs;
mod samples;
mod schema;

use std::ffi::OsStr;
use std::fs;

use crate::support::run;

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

//! Descriptions of systems that deliver files.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;
use std::{env, fs, process};

use bron_extract::properties;
use libfuzzer_sys::fuzz_target;

/// A folder of this process alone.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = env::temp_dir().join(format!("bron-fuzz-system-{}", process::id()));
    fs::create_dir_all(&folder).expect("the folder for temporary files can be written to");
    folder
});

fuzz_target!(|input: &[u8]| properties::system(&FOLDER, input));

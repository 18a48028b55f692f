//! Packs the mapping files into the program, so that `bron demo` works wherever the program lies.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("mappings");
    let mut list = String::from("/// Every mapping file that the program carries, by path.\n");
    list.push_str("const SHIPPED_MAPPINGS: &[(&str, &str)] = &[\n");
    println!("cargo::rerun-if-changed=mappings");
    for folder in folders(&root)? {
        for file in files(&root.join(&folder))? {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // Not by its whole path: what is generated here may be found again by a build of another clone.
            let found =
                format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?})", format!("/mappings/{folder}/{name}"));
            writeln!(list, "    ({:?}, include_str!({found})),", format!("{folder}/{name}"))
                .map_err(io::Error::other)?;
        }
    }
    list.push_str("];\n");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::write(out.join("shipped_mappings.rs"), list)
}

/// The folders of `mappings/`, in order, but for the one that holds code. A folder without mapping files gives nothing.
fn folders(root: &Path) -> io::Result<Vec<String>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name =
            entry.file_name().into_string().map_err(|_| io::Error::other("a folder's name is not UTF-8"))?;
        if entry.file_type()?.is_dir() && name != "src" && !name.starts_with('.') {
            folders.push(name);
        }
    }
    folders.sort();
    Ok(folders)
}

fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|kind| kind == "toml" || kind == "csv"));
    files.sort();
    Ok(files)
}

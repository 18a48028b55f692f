//! `bron mapping docs`: the handbook that the business reads, prints and signs.

use std::collections::BTreeMap;
use std::path::Path;

use bron_extract::atomic;
use bron_mappings::{FunctionSpec, MappingSet, handbook};
use bron_transform::{REGISTRY_VERSION, registry};
use serde_json::json;

use crate::args::DocsArguments;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::project::{check_files, described_tables, mapping_files};

/// Writes the pages of mapping files that a check finds without errors. No source is opened.
pub(super) fn run(arguments: &DocsArguments, printer: &Printer) -> Result<Exit, Failure> {
    let files = mapping_files(&arguments.folder.path_or_usual())?;
    let parsed = MappingSet::parse(&files);
    let tables = described_tables(&parsed.0)?;
    let (set, _) = check_files(files, parsed, &tables).usable()?;
    let functions: Vec<FunctionSpec> = registry().iter().map(|function| function.spec).collect();
    let pages = handbook::pages(&set, &functions, REGISTRY_VERSION);
    atomic::create_directory(&arguments.out)?;
    for (name, text) in &pages {
        atomic::write(&arguments.out.join(name), text.as_bytes())?;
    }
    remove_earlier(&arguments.out, &pages)?;
    let start = arguments.out.join(handbook::START);
    let document = json!({ "pages": pages.len(), "start": start });
    printer.result(&document, &format!("{} pages; open {}", pages.len(), start.display()));
    Ok(Exit::Clean)
}

/// Removes pages of an earlier handbook that this one does not have. A file that is no such page is left.
fn remove_earlier(dir: &Path, pages: &BTreeMap<String, String>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::config(format!("cannot tidy the directory {}: {error}", dir.display()))
    };
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let earlier = name.ends_with(".html") && !pages.contains_key(name);
        if earlier && std::fs::read_to_string(&path).is_ok_and(|text| text.contains(handbook::MARK)) {
            std::fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(())
}

//! A version of the mapping files: a folder, a project, or a revision in a git repository. A revision is
//! read from the repository's objects; the work tree is not touched.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use bron_mappings::{MappingSet, Severity};
use bron_transform::REGISTRY_VERSION;

use crate::failure::Failure;
use crate::project::{is_mapping_file, mapping_files};
use crate::settings::PROJECT_FILE;
use crate::verbs::mappings_of;

/// Where the mapping files lie in a repository when the argument does not say.
const USUAL_PATH: &str = "mappings";

/// One version, read and parsed without errors.
pub(super) struct LoadedSide {
    /// As the argument names it.
    pub(super) name: String,
    /// The full id of the revision.
    pub(super) revision: Option<String>,
    pub(super) files: BTreeMap<String, String>,
    pub(super) set: MappingSet,
    pub(super) digest: String,
}

impl LoadedSide {
    /// Reads what an argument names. A folder goes before a revision of the same name.
    pub(super) fn read(name: &str) -> Result<Self, Failure> {
        let path = Path::new(name);
        if path.is_dir() {
            let folder = if path.join(PROJECT_FILE).is_file() { mappings_of(path) } else { path.to_owned() };
            let files = mapping_files(&folder)?;
            return Self::parse(name, None, files, &format!("{}/", folder.display()));
        }
        if path.exists() {
            return Err(Failure::config(format!("{name} is a file; name the folder of the mapping files")));
        }
        let (revision, files) = from_git(name)?;
        Self::parse(name, Some(revision), files, &format!("{name}/"))
    }

    /// Diagnostics name their file by the side's place, so that both sides can be told apart.
    fn parse(
        name: &str,
        revision: Option<String>,
        files: BTreeMap<String, String>,
        place: &str,
    ) -> Result<Self, Failure> {
        let (set, mut found) = MappingSet::parse(&files);
        let errors = found.iter().filter(|one| one.severity == Severity::Error).count();
        if errors > 0 {
            let message = format!("the mapping files of {name} have {errors} errors; nothing was compared");
            let mut failure = Failure::config(message);
            found.iter_mut().for_each(|one| one.file = format!("{place}{}", one.file));
            failure.diagnostics = found;
            return Err(failure);
        }
        let digest = set.digest(REGISTRY_VERSION).to_string();
        Ok(Self { name: name.to_owned(), revision, files, set, digest })
    }
}

/// The full id of a revision and the mapping files in it.
fn from_git(name: &str) -> Result<(String, BTreeMap<String, String>), Failure> {
    let (revision, path) = name.split_once(':').unwrap_or((name, USUAL_PATH));
    let path = if path.is_empty() { USUAL_PATH } else { path.trim_end_matches('/') };
    let commit = resolve(&format!("{revision}^{{commit}}")).map_err(|problem| {
        let message =
            format!("{name} is neither a folder nor a revision in a git repository here: {problem}");
        Failure::config(message).hint("name a folder of mapping files, a project, REV or REV:PATH")
    })?;
    let listing = resolve(&format!("{commit}:{path}"))
        .and_then(|tree| git(["ls-tree", "-r", "-z", "--full-tree", tree.as_str()]))
        .map_err(|_| {
            Failure::config(format!("revision {revision} has no folder {path}"))
                .hint("name where the mapping files lie: REV:PATH")
        })?;
    let mut files = BTreeMap::new();
    for line in text(listing, name)?.split('\0').filter(|line| !line.is_empty()) {
        let Some((about, file)) = line.split_once('\t') else { continue };
        if !is_mapping_file(file) {
            continue;
        }
        let parts: Vec<&str> = about.split(' ').collect();
        let ["100644" | "100755", "blob", object] = parts[..] else {
            return Err(Failure::config(format!("{file} in {name} is not a plain file")));
        };
        let content = git(["cat-file", "blob", object]).map_err(Failure::config)?;
        files.insert(file.to_owned(), text(content, file)?);
    }
    if files.is_empty() {
        return Err(Failure::config(format!("there are no mapping files in {path} of revision {revision}")));
    }
    Ok((commit, files))
}

fn resolve(object: &str) -> Result<String, String> {
    let found = git(["rev-parse", "--verify", "--quiet", "--end-of-options", object])?;
    let id = String::from_utf8_lossy(&found).trim().to_owned();
    if id.is_empty() { Err("it names nothing".to_owned()) } else { Ok(id) }
}

fn text(bytes: Vec<u8>, name: &str) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|_| Failure::config(format!("{name} is not UTF-8")))
}

/// What git prints, or what it says when it fails. It takes no lock, and it reads the objects as they are.
fn git<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Result<Vec<u8>, String> {
    let output = Command::new("git")
        .args(["--no-pager", "--no-optional-locks", "--no-replace-objects"])
        .args(arguments)
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| format!("git cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().unwrap_or_default().trim_start_matches("fatal: ").to_owned();
    Err(if said.is_empty() { "it names nothing".to_owned() } else { said })
}

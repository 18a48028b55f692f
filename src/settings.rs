//! The settings of a project: defaults, then `bron.toml`, then the environment, then flags.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bron_load::Target;
use bron_mappings::{Diagnostic, InstallationSecret, Severity};
use serde::Deserialize;

use crate::args::{ChainArguments, ReadingArguments};
use crate::failure::{Failure, whole};

/// The name of the project file.
pub(crate) const PROJECT_FILE: &str = "bron.toml";

const DEFAULT_BATCH_ROWS: usize = 8192;
/// Half a row in a thousand: above that the rule is more likely wrong than the data.
const DEFAULT_QUARANTINE_PPM: u64 = 500;

/// `bron.toml`, as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProjectFile {
    format: u32,
    secret: String,
    target: String,
    mappings: Option<PathBuf>,
    as_of: Option<String>,
    batch_rows: Option<usize>,
    quarantine_limit_ppm: Option<u64>,
    #[serde(default)]
    system: BTreeMap<String, SystemSettings>,
}

/// How a source system is reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SystemSettings {
    /// The kind of source.
    pub(crate) kind: SystemKind,
    /// The database file or the folder of files, relative to the project.
    pub(crate) path: PathBuf,
    /// Files that were expected of the system and that the project has decided to go without.
    #[serde(default)]
    pub(crate) not_delivered: BTreeSet<String>,
}

/// The kinds of source that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SystemKind {
    /// A SQLite database.
    Sqlite,
    /// A folder of CSV files.
    Csv,
}

/// The settings of a project, resolved.
pub(crate) struct Settings {
    pub(crate) project: PathBuf,
    pub(crate) mappings: PathBuf,
    pub(crate) target: Target,
    pub(crate) secret: InstallationSecret,
    pub(crate) as_of: Option<String>,
    pub(crate) batch_rows: usize,
    pub(crate) quarantine_limit_ppm: u64,
    pub(crate) systems: BTreeMap<String, SystemSettings>,
    /// Tables, as `system/TABLE`, in which the operator accepts what changed since the reading before.
    pub(crate) accept: BTreeSet<String>,
}

impl Settings {
    /// Reads the settings of the project that the arguments name.
    pub(crate) fn resolve(arguments: &ChainArguments) -> Result<Self, Failure> {
        let ChainArguments { project, target, batch_rows } = arguments;
        let path = project.join(PROJECT_FILE);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Failure::config(format!("cannot read {}: {error}", path.display()))
                .hint("name the project with --project DIR, or make one with `bron demo`")
        })?;
        let file = parse(&path, &text)?;
        let target = target.clone().or_else(|| std::env::var("BRON_TARGET").ok());
        let target = target.map_or_else(|| in_project(project, &file.target), Ok)?;
        let target = Target::parse(&target).map_err(|error| Failure::config(whole(&error)))?;
        let batch_rows = match batch_rows {
            Some(rows) => usize::try_from(*rows).expect("a 32-bit number fits"),
            None => file.batch_rows.unwrap_or(DEFAULT_BATCH_ROWS).max(1),
        };
        if let Some(day) = file.as_of.as_deref().filter(|day| day.parse::<jiff::civil::Date>().is_err()) {
            return Err(Failure::config(format!("`as_of` is a day such as 2024-12-31, not `{day}`")));
        }
        Ok(Self {
            mappings: project.join(file.mappings.unwrap_or_else(|| PathBuf::from("mappings"))),
            target,
            secret: read_secret(project, &file.secret)?,
            as_of: file.as_of,
            batch_rows,
            quarantine_limit_ppm: file.quarantine_limit_ppm.unwrap_or(DEFAULT_QUARANTINE_PPM),
            systems: file.system,
            accept: BTreeSet::new(),
            project: project.clone(),
        })
    }

    /// The settings of the project whose sources are to be read.
    pub(crate) fn resolve_reading(arguments: &ReadingArguments) -> Result<Self, Failure> {
        let ReadingArguments { chain, accept } = arguments;
        Ok(Self { accept: accept.iter().cloned().collect(), ..Self::resolve(chain)? })
    }

    /// The directory of all runs.
    pub(crate) fn runs(&self) -> PathBuf {
        self.project.join("runs")
    }
}

fn parse(path: &Path, text: &str) -> Result<ProjectFile, Failure> {
    let parsed: Result<ProjectFile, _> = toml::from_str(text);
    let (message, span) = match parsed {
        Ok(file) if file.format == 1 => return Ok(file),
        Ok(_) => ("only `format = 1` is known".to_owned(), 0..0),
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let line = text.get(..span.start).unwrap_or_default().matches('\n').count() + 1;
            (format!("line {line}: {}", error.message()), span)
        }
    };
    let mut failure = Failure::config(format!("{} cannot be used", path.display()));
    failure.diagnostics.push(Diagnostic {
        code: "BRON-P001",
        severity: Severity::Error,
        file: path.display().to_string(),
        span,
        message,
        label: "here".to_owned(),
        help: None,
    });
    Err(failure)
}

/// A file target is relative to the project; an address of a server stays as it is.
fn in_project(project: &Path, target: &str) -> Result<String, Failure> {
    if target.contains("://") {
        return Ok(target.to_owned());
    }
    let path = project.join(target.strip_prefix("sqlite:").unwrap_or(target));
    path.to_str().map(str::to_owned).ok_or_else(|| Failure::config("the path of the project is not UTF-8"))
}

/// A secret is named, never written in the project file: `env:NAME` or `file:PATH`.
fn read_secret(project: &Path, reference: &str) -> Result<InstallationSecret, Failure> {
    let text = if let Some(name) = reference.strip_prefix("env:") {
        std::env::var(name)
            .map_err(|_| Failure::config(format!("the environment has no {name} for the secret")))?
    } else if let Some(path) = reference.strip_prefix("file:") {
        let path = project.join(path);
        std::fs::read_to_string(&path)
            .map_err(|error| Failure::config(format!("cannot read the secret {}: {error}", path.display())))?
    } else {
        let message = "`secret` is a reference, `env:NAME` or `file:PATH`, and never the secret itself";
        return Err(Failure::config(message));
    };
    InstallationSecret::from_hex(&text).map_err(|error| Failure::config(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: &str = "format = 1\nsecret = \"file:k\"\ntarget = \"t.sqlite\"\n";

    fn resolve(dir: &Path) -> Result<Settings, Failure> {
        Settings::resolve(&ChainArguments { project: dir.to_owned(), target: None, batch_rows: None })
    }

    #[test]
    fn a_misspelt_key_is_pointed_at() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(PROJECT_FILE), format!("{PROJECT}bach_rows = 1\n")).unwrap();
        let failure = resolve(dir.path()).err().unwrap();
        assert!(failure.diagnostics[0].message.contains("bach_rows"));
    }

    #[test]
    fn a_secret_in_the_file_is_refused_and_not_repeated() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(PROJECT_FILE), PROJECT.replace("file:k", "c0ffee")).unwrap();
        let failure = resolve(dir.path()).err().unwrap();
        assert!(!failure.message.contains("c0ffee"), "{}", failure.message);
    }

    #[test]
    fn a_day_that_does_not_exist_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("k"), "0".repeat(64)).unwrap();
        std::fs::write(dir.path().join(PROJECT_FILE), format!("{PROJECT}as_of = \"2024-13-31\"\n")).unwrap();
        assert!(resolve(dir.path()).err().unwrap().message.contains("as_of"));
    }

    #[test]
    fn files_are_relative_to_the_project() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(PROJECT_FILE), PROJECT).unwrap();
        std::fs::write(dir.path().join("k"), "0".repeat(64)).unwrap();
        let settings = resolve(dir.path()).unwrap();
        assert_eq!(settings.target.to_string(), dir.path().join("t.sqlite").display().to_string());
        assert_eq!(settings.batch_rows, DEFAULT_BATCH_ROWS);
    }
}

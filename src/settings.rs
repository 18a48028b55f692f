//! The settings of a project: defaults, then `bron.toml`, then the environment, then flags.

mod pieces;
mod quarantine;
mod signoff;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bron_extract::{Access, Locator, Manners, MasterKey};
use bron_load::Target;
use bron_load::quarantine::Recipients;
use bron_mappings::{Artefact, Diagnostic, InstallationSecret, Sensitive, Severity};
use serde::Deserialize;

use crate::args::{ChainArguments, ReadingArguments};
use crate::failure::{Failure, whole};
use crate::patience::Patience;

pub(crate) use pieces::Pieces;
pub(crate) use signoff::{Signing, signing};
use target::{Loading, TargetFile};

/// The name of the project file.
pub(crate) const PROJECT_FILE: &str = "bron.toml";

const DEFAULT_BATCH_ROWS: usize = 8192;
/// The most rows of a part, where the project does not say. Several parts are built at the same time, so each is kept
/// small.
pub(crate) const DEFAULT_PART_ROWS: usize = 32_768;
const MOST_PART_ROWS: usize = 1 << 20;
/// Enough to keep two readers busy while one waits, and few enough for a production system.
const DEFAULT_READERS: usize = 2;
/// Half a row in a thousand: above that the rule is more likely wrong than the data.
const DEFAULT_QUARANTINE_PPM: u64 = 500;
/// One row in twenty: above that a source was more likely read wrongly than emptied.
const DEFAULT_RETIRE_PERCENT: u8 = 5;

/// `bron.toml`, as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProjectFile {
    #[serde(rename = "format")]
    _format: u32,
    secret: String,
    target: TargetFile,
    mappings: Option<PathBuf>,
    as_of: Option<String>,
    batch_rows: Option<usize>,
    part_rows: Option<usize>,
    quarantine_limit_ppm: Option<u64>,
    retire_limit_percent: Option<u8>,
    #[serde(default)]
    staging: StagingFile,
    #[serde(default)]
    quarantine: quarantine::QuarantineFile,
    #[serde(default)]
    signoff: signoff::SignoffFile,
    #[serde(default)]
    system: BTreeMap<String, SystemFile>,
}

/// How runs keep what they read, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct StagingFile {
    key: Option<String>,
    retention_days: Option<u32>,
}

/// How a source system is reached, as written: `kind` and `path` for files, `address` for servers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SystemFile {
    kind: Option<FileKind>,
    path: Option<PathBuf>,
    address: Option<String>,
    password: Option<String>,
    schema: Option<String>,
    snapshot: Option<String>,
    statement_timeout_seconds: Option<u32>,
    lock_timeout_seconds: Option<u32>,
    rows_per_second: Option<u32>,
    readers: Option<usize>,
    retries: Option<u32>,
    retry_wait_seconds: Option<u32>,
    /// Files that were expected of the system and that the project has decided to go without.
    #[serde(default)]
    not_delivered: BTreeSet<String>,
    #[serde(default)]
    plain_text: bool,
}

/// The kinds of source that are files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FileKind {
    /// A SQLite database.
    Sqlite,
    /// A folder of CSV files.
    Csv,
}

/// A source system of a project.
#[derive(Debug)]
pub(crate) struct SystemSettings {
    /// Where it is and on what terms it is read.
    pub(crate) access: Access,
    /// The most connections that read it at once.
    pub(crate) readers: usize,
    /// How often reading it is tried again.
    pub(crate) patience: Patience,
    /// Files that were expected of it and that the project has decided to go without.
    pub(crate) not_delivered: BTreeSet<String>,
}

/// The settings of a project, resolved.
pub(crate) struct Settings {
    pub(crate) project: PathBuf,
    pub(crate) mappings: PathBuf,
    pub(crate) target: Target,
    /// Who else works on the target, and how.
    pub(crate) loading: Loading,
    pub(crate) secret: InstallationSecret,
    pub(crate) as_of: Option<String>,
    pub(crate) batch_rows: usize,
    /// The most rows of a staged part. After an interruption the part that was being collected is read again, and
    /// the one before it when that was still being written.
    pub(crate) part_rows: usize,
    pub(crate) quarantine_limit_ppm: u64,
    /// The share of a table's rows of an entity that a run may retire unasked, in hundredths.
    pub(crate) retire_limit_percent: u8,
    pub(crate) systems: BTreeMap<String, SystemSettings>,
    /// What wraps the keys of the runs; without it runs are plain.
    pub(crate) staging_key: Option<MasterKey>,
    /// Who may read the rows in the quarantine; without them rows are not kept there.
    pub(crate) recipients: Recipients,
    /// Tables, as `system/TABLE`, in which the operator accepts what changed since the reading before.
    pub(crate) accept: BTreeSet<String>,
    /// The file of the plan that is carried out, if any.
    pub(crate) applied: Option<PathBuf>,
}

impl Settings {
    /// Reads the settings of the project that the arguments name.
    pub(crate) fn resolve(arguments: &ChainArguments) -> Result<Self, Failure> {
        let ChainArguments { project, target, batch_rows } = arguments;
        let file = project_file(project)?;
        let target = target.clone().or_else(|| std::env::var("BRON_TARGET").ok());
        let loading = file.target.loading(project, target.is_some())?;
        let target = match target {
            Some(elsewhere) => Target::parse(&elsewhere).map_err(|error| Failure::config(whole(&error)))?,
            None => file.target.rows(project)?,
        };
        let batch_rows = match batch_rows {
            Some(rows) => usize::try_from(*rows).expect("a 32-bit number fits"),
            None => file.batch_rows.unwrap_or(DEFAULT_BATCH_ROWS).max(1),
        };
        if let Some(day) = file.as_of.as_deref().filter(|day| day.parse::<jiff::civil::Date>().is_err()) {
            return Err(Failure::config(format!("`as_of` is a day such as 2024-12-31, not `{day}`")));
        }
        let secret = InstallationSecret::from_hex(&referred(project, "secret", &file.secret)?)
            .map_err(|error| Failure::config(error.to_string()))?;
        let staging_key = staging_key(project, &file)?;
        let recipients = quarantine::recipients(project, &file.quarantine)?;
        let systems = file.system.into_iter().map(|(name, system)| {
            let settings = system_settings(project, system);
            let settings = settings.map_err(|failure| failure.about(&format!("system {name}")))?;
            Ok((name, settings))
        });
        let systems = systems.collect::<Result<_, Failure>>()?;
        Ok(Self {
            mappings: project.join(file.mappings.unwrap_or_else(|| PathBuf::from("mappings"))),
            target,
            loading,
            secret,
            as_of: file.as_of,
            batch_rows,
            part_rows: file.part_rows.unwrap_or(DEFAULT_PART_ROWS).clamp(1, MOST_PART_ROWS),
            quarantine_limit_ppm: file.quarantine_limit_ppm.unwrap_or(DEFAULT_QUARANTINE_PPM),
            retire_limit_percent: file.retire_limit_percent.unwrap_or(DEFAULT_RETIRE_PERCENT),
            systems,
            staging_key,
            recipients,
            accept: BTreeSet::new(),
            applied: None,
            project: project.clone(),
        })
    }

    /// The settings of the project whose sources are to be read.
    pub(crate) fn resolve_reading(arguments: &ReadingArguments) -> Result<Self, Failure> {
        let ReadingArguments { chain, accept } = arguments;
        Ok(Self { accept: accept.iter().cloned().collect(), ..Self::resolve(chain)? })
    }

    /// Whether a system goes on changing while nobody looks.
    pub(crate) fn is_live(&self, system: &str) -> bool {
        self.systems.get(system).is_some_and(|system| system.access.locator.is_live())
    }

    /// The command that goes on with what was stopped.
    pub(crate) fn again(&self) -> String {
        let applied = self.applied.as_ref().map(|file| format!(" --apply {}", file.display()));
        format!("bron migrate --project {}{}", self.project.display(), applied.unwrap_or_default())
    }

    /// The directory of all runs.
    pub(crate) fn runs(&self) -> PathBuf {
        runs(&self.project)
    }
}

/// The directory of all runs of a project.
pub(crate) fn runs(project: &Path) -> PathBuf {
    project.join("runs")
}

/// How many days the project keeps what a run read. Needs no secret of the project.
pub(crate) fn retention_days(project: &Path) -> Result<Option<u32>, Failure> {
    Ok(project_file(project)?.staging.retention_days)
}

fn project_file(project: &Path) -> Result<ProjectFile, Failure> {
    let path = project.join(PROJECT_FILE);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::config(format!("cannot read {}: {error}", path.display()))
            .hint("name the project with --project DIR, or make one with `bron demo`")
    })?;
    parse(&path, &text)
}

fn parse(path: &Path, text: &str) -> Result<ProjectFile, Failure> {
    // Before the rest: a newer format may have keys that are unknown here.
    let number = text.parse::<toml::Table>().ok().and_then(|table| table.get("format")?.as_integer());
    if let Some(number) = number {
        Artefact::ProjectFile.require(&path.display(), u64::try_from(number).unwrap_or(0))?;
    }
    let parsed: Result<ProjectFile, _> = toml::from_str(text);
    let (message, span) = match parsed {
        Ok(file) => return Ok(file),
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

/// Where a system is and how it is read. Paths are relative to the project.
fn access(project: &Path, system: &SystemFile) -> Result<Access, Failure> {
    let locator = match (system.kind, &system.path, &system.address) {
        (Some(FileKind::Sqlite), Some(path), None) => Locator::Sqlite(project.join(path)),
        (Some(FileKind::Csv), Some(path), None) => Locator::Csv(project.join(path)),
        (None, None, Some(address)) => located(project, address)?,
        _ => return Err(Failure::config("a source has either `kind` and `path`, or `address`")),
    };
    let password = system.password.as_deref().map(|reference| referred(project, "password", reference));
    let usual = Manners::default();
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    Ok(Access {
        password: password.transpose()?.map(Sensitive::new),
        schema: system.schema.clone(),
        snapshot: system.snapshot.clone(),
        manners: Manners {
            statement_timeout: system.statement_timeout_seconds.map(seconds),
            lock_timeout: system.lock_timeout_seconds.map_or(usual.lock_timeout, seconds),
            rows_per_second: system.rows_per_second,
        },
        plain_text: system.plain_text,
        ..Access::new(locator)
    })
}

/// The key that seals what runs keep, where the project names one.
fn staging_key(project: &Path, file: &ProjectFile) -> Result<Option<MasterKey>, Failure> {
    let Some(reference) = &file.staging.key else { return Ok(None) };
    Ok(Some(MasterKey::from_hex(&referred(project, "key", reference)?)?))
}

/// A source system, resolved.
fn system_settings(project: &Path, system: SystemFile) -> Result<SystemSettings, Failure> {
    let access = access(project, &system)?;
    let (readers, patience) = (readers(&system), patience(&system, access.locator.is_live()));
    Ok(SystemSettings { access, readers, patience, not_delivered: system.not_delivered })
}

/// The most connections that read a system at once. Whoever limits the rows means one reader, unless told otherwise.
fn readers(system: &SystemFile) -> usize {
    let usual = if system.rows_per_second.is_some() { 1 } else { DEFAULT_READERS };
    system.readers.unwrap_or(usual).max(1)
}

/// How long the project waits for a system that cannot be read. A file that is still being written takes longer than
/// anybody waits for a server.
fn patience(system: &SystemFile, is_live: bool) -> Patience {
    let usual = if is_live { Patience::default() } else { Patience { retries: 0, ..Patience::default() } };
    let first_wait = system.retry_wait_seconds.map(|seconds| Duration::from_secs(seconds.into()));
    Patience {
        retries: system.retries.unwrap_or(usual.retries),
        first_wait: first_wait.unwrap_or(usual.first_wait),
    }
}

/// The locator that an address is or names.
fn located(project: &Path, address: &str) -> Result<Locator, Failure> {
    let text = if address.starts_with("env:") || address.starts_with("file:") {
        referred(project, "address", address)?
    } else {
        address.to_owned()
    };
    Ok(match Locator::parse(&text)? {
        Locator::Sqlite(path) => Locator::Sqlite(project.join(path)),
        Locator::Csv(path) => Locator::Csv(project.join(path)),
        server @ (Locator::Postgres(_) | Locator::Mysql(_) | Locator::Mssql(_) | Locator::Odbc(_)) => server,
    })
}

/// What a reference names: `env:NAME` is a variable of the environment, `file:PATH` the first line of a file. A
/// secret is named, never written in the project file.
fn referred(project: &Path, key: &str, reference: &str) -> Result<String, Failure> {
    if let Some(name) = reference.strip_prefix("env:") {
        std::env::var(name).map_err(|_| Failure::config(format!("the environment has no {name} for `{key}`")))
    } else if let Some(path) = reference.strip_prefix("file:") {
        let path = project.join(path);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Failure::config(format!("cannot read {} for `{key}`: {error}", path.display()))
        })?;
        Ok(text.lines().next().unwrap_or_default().to_owned())
    } else {
        let message =
            format!("`{key}` is a reference, `env:NAME` or `file:PATH`, and never the value itself");
        Err(Failure::config(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: &str = "format = 1\nsecret = \"file:k\"\ntarget = \"t.sqlite\"\n";

    fn resolve(dir: &Path) -> Result<Settings, Failure> {
        Settings::resolve(&ChainArguments { project: dir.to_owned(), target: None, batch_rows: None })
    }

    #[test]
    fn the_oldest_format_is_read_and_a_newer_one_told_from_a_mistake() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("secret.key"), "0".repeat(64)).unwrap();
        let oldest = include_str!("../tests/cases/formats/bron.toml");
        std::fs::write(dir.path().join(PROJECT_FILE), oldest).unwrap();
        assert!(resolve(dir.path()).is_ok());
        let newer = format!("later_key = true\n{}", oldest.replace("format = 1", "format = 2"));
        std::fs::write(dir.path().join(PROJECT_FILE), newer).unwrap();
        let failure = resolve(dir.path()).err().unwrap();
        assert!(
            failure.message.contains("format 2") && failure.message.contains("newer"),
            "{}",
            failure.message
        );
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
    fn a_server_is_reached_by_its_address_and_a_named_password() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("k"), "0".repeat(64)).unwrap();
        std::fs::write(dir.path().join("p"), "hemligt\n").unwrap();
        let system = "[system.paraply]\naddress = \"mssql://r@db.example.org/paraply\"\n";
        let terms = "password = \"file:p\"\nrows_per_second = 100\nlock_timeout_seconds = 1\n\
                     readers = 4\nretries = 3\n";
        std::fs::write(dir.path().join(PROJECT_FILE), format!("{PROJECT}{system}{terms}")).unwrap();
        let settings = resolve(dir.path()).unwrap();
        let access = &settings.systems["paraply"].access;
        assert_eq!(access.locator.to_string(), "mssql://db.example.org/paraply");
        assert_eq!(access.password.as_ref().unwrap().expose(), "hemligt");
        assert_eq!(access.manners.rows_per_second, Some(100));
        assert_eq!(access.manners.lock_timeout, Duration::from_secs(1));
        let SystemSettings { readers, patience, .. } = &settings.systems["paraply"];
        assert_eq!(super::readers(&SystemFile { rows_per_second: Some(1), ..SystemFile::default() }), 1);
        assert_eq!((*readers, *patience), (4, Patience { retries: 3, ..Patience::default() }));
    }

    #[test]
    fn a_source_that_is_both_file_and_server_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("k"), "0".repeat(64)).unwrap();
        let system = "[system.paraply]\nkind = \"sqlite\"\naddress = \"mssql://r@h/d\"\n";
        std::fs::write(dir.path().join(PROJECT_FILE), format!("{PROJECT}{system}")).unwrap();
        assert!(resolve(dir.path()).err().unwrap().message.contains("system paraply"));
    }

    #[test]
    fn the_key_of_the_staging_is_named_and_never_repeated() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("k"), "0".repeat(64)).unwrap();
        std::fs::write(dir.path().join(PROJECT_FILE), PROJECT).unwrap();
        assert!(resolve(dir.path()).unwrap().staging_key.is_none());
        let staging = |key: &str| {
            let text = format!("{PROJECT}[staging]\nkey = \"{key}\"\nretention_days = 30\n");
            std::fs::write(dir.path().join(PROJECT_FILE), text).unwrap();
            resolve(dir.path())
        };
        assert!(staging("file:k").unwrap().staging_key.is_some());
        assert_eq!(retention_days(dir.path()).unwrap(), Some(30));
        std::fs::write(dir.path().join("k"), "c0ffee").unwrap();
        for wrong in [staging("file:k"), staging("c0ffee")] {
            assert!(!wrong.err().unwrap().message.contains("c0ffee"));
        }
    }

    #[test]
    fn a_target_has_one_address_or_one_for_each_role() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("k"), "0".repeat(64)).unwrap();
        std::fs::write(dir.path().join("ddl"), "postgres://d@localhost/stad\n").unwrap();
        let resolved = |target: &str| {
            let text = format!("format = 1\nsecret = \"file:k\"\n{target}");
            std::fs::write(dir.path().join(PROJECT_FILE), text).unwrap();
            resolve(dir.path())
        };
        let one = resolved("target = \"postgres://b@localhost/stad\"\n").unwrap();
        assert!(one.loading.definer.is_none() && (2..=4).contains(&one.loading.connections));
        assert!(one.loading.terms == bron_load::Terms::default());
        let table = "[target]\naddress = \"postgres://b@localhost/stad\"\nddl_address = \"file:ddl\"\n\
                     connections = 8\nlock_timeout_seconds = 3\nforeign_keys = false\n";
        let several = resolved(table).unwrap();
        let Loading { definer, reader, connections, terms } = several.loading;
        assert_eq!(
            (definer.unwrap().to_string().as_str(), connections),
            ("postgres://localhost:5432/stad", 8)
        );
        assert!(reader.is_none() && !terms.foreign_keys && terms.lock_timeout == Duration::from_secs(3));
        for (wrong, said) in [
            (table.replace("connections = 8", "connections = 0"), "from 1 to 32"),
            (table.replace("address = \"postgres", "adress = \"postgres"), "adress"),
            ("target = 1\n".to_owned(), "an address, or a table"),
        ] {
            let failure = resolved(&wrong).err().unwrap();
            let text = format!("{} {:?}", failure.message, failure.diagnostics);
            assert!(text.contains(said), "{text}");
        }
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

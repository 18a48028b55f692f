//! The directory of one run, and the name that follows from its content.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use bron_extract::{KEY_FILE, PartOptions, RECEIPT_FILE, Vault, atomic};
use bron_mappings::{Artefact, Digest, DigestBuilder, MappingSet, Pseudonym, SourceKey};
use bron_reconcile::audit::Checkpoint;
use bron_transform::REGISTRY_VERSION;
use serde::{Deserialize, Serialize};

use super::formats::require_known_formats;
use super::reconciliation::SUMMARY_FILE;
use super::vaults;
use crate::failure::{Class, Exit, Failure};
use crate::settings::{DEFAULT_PART_ROWS, Settings};

/// The file that says what a run is made from and when it was worked on. The only artefact of the work that
/// holds wall-clock times, so that everything else is the same bytes for the same content.
pub(super) const RUN_FILE: &str = "run.json";

/// A run, locked for this process.
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) dir: PathBuf,
    pub(crate) mapping_digest: String,
    /// How the run keeps its rows.
    pub(crate) vault: Vault,
    description: Description,
    _lock: File,
}

/// What a run was made from.
pub(crate) struct Content {
    /// The run's id.
    pub(crate) run: String,
    /// Its directory.
    pub(crate) dir: PathBuf,
    /// The digests that name the content of its sources.
    pub(crate) sources: BTreeMap<String, Digest>,
}

impl Content {
    fn of(dir: PathBuf, run: Description) -> Self {
        let digests =
            run.sources.into_iter().filter_map(|(system, text)| Some((system, Digest::parse(&text)?)));
        Self { run: run.run, dir, sources: digests.collect() }
    }

    /// Whether a system had this content.
    pub(crate) fn has(&self, system: &str, content: Option<&Digest>) -> bool {
        content.is_some() && self.sources.get(system) == content
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Description {
    format: u32,
    run: String,
    program: String,
    mapping_digest: String,
    as_of: Option<String>,
    sources: BTreeMap<String, String>,
    worked_on: Vec<Times>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Times {
    verb: String,
    started: String,
    ended: Option<String>,
    /// How far the audit log of the project had come then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audit: Option<Checkpoint>,
}

impl Run {
    /// Opens the run that these mappings and these sources make.
    pub(crate) fn open(
        settings: &Settings,
        set: &MappingSet,
        fingerprints: &BTreeMap<String, Digest>,
    ) -> Result<Self, Failure> {
        Self::open_as("bron/run/1", settings, &set.digest(REGISTRY_VERSION), fingerprints)
    }

    /// Opens the run that stages what two versions of the mapping files read together.
    pub(crate) fn open_for_both(
        settings: &Settings,
        sets: [&MappingSet; 2],
        fingerprints: &BTreeMap<String, Digest>,
    ) -> Result<Self, Failure> {
        let mut both = DigestBuilder::new("bron/mapping-pair/1");
        for set in sets {
            both.part(set.digest(REGISTRY_VERSION).as_bytes());
        }
        Self::open_as("bron/comparison/1", settings, &both.finish(), fingerprints)
    }

    /// The run of the project that was worked on last and has staged tables.
    pub(crate) fn latest(settings: &Settings) -> Result<Option<Self>, Failure> {
        require_known_formats(&settings.runs())?;
        let runs =
            described(&settings.runs(), |dir| dir.join("staged").is_dir()).map(|(dir, description)| {
                let worked_on = description.worked_on.iter().map(|times| times.started.clone()).max();
                (worked_on, dir, description)
            });
        let latest = runs.max_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        latest.map(|(_, dir, description)| Self::described(settings, dir, description)).transpose()
    }

    /// The run that lies in this directory and describes itself.
    pub(crate) fn at(settings: &Settings, dir: PathBuf) -> Result<Option<Self>, Failure> {
        description(&dir).map(|description| Self::described(settings, dir, description)).transpose()
    }

    fn described(settings: &Settings, dir: PathBuf, description: Description) -> Result<Self, Failure> {
        let lock = lock(&dir)?;
        let mapping_digest = description.mapping_digest.clone();
        let (id, vault) = (description.run.clone(), vaults::of(settings, &dir, &description.run)?);
        Ok(Self { id, dir, mapping_digest, vault, description, _lock: lock })
    }

    fn open_as(
        purpose: &str,
        settings: &Settings,
        mapping_digest: &Digest,
        fingerprints: &BTreeMap<String, Digest>,
    ) -> Result<Self, Failure> {
        // Stands for the installation's secret: another secret gives other ids, and so is another run.
        let installation = Pseudonym::derive(&settings.secret, &SourceKey::new("bron", "installation", []));
        let mut name = DigestBuilder::new(purpose);
        name.part(mapping_digest.as_bytes());
        name.part(installation.to_string().as_bytes());
        name.part(settings.as_of.as_deref().unwrap_or_default().as_bytes());
        for (system, fingerprint) in fingerprints {
            name.part(system.as_bytes()).part(fingerprint.as_bytes());
        }
        let id = name.finish().short();
        let dir = settings.runs().join(&id);
        atomic::create_directory(&dir)?;
        let lock = lock(&dir)?;
        atomic::clean(&dir)?;
        let vault = vaults::own(settings, &dir, &id)?;
        let description = Description {
            format: Artefact::RunDescription.newest(),
            run: id.clone(),
            program: format!("bron {}", env!("CARGO_PKG_VERSION")),
            mapping_digest: mapping_digest.to_string(),
            as_of: settings.as_of.clone(),
            sources: fingerprints
                .iter()
                .map(|(system, digest)| (system.clone(), digest.to_string()))
                .collect(),
            worked_on: worked_on(&dir),
        };
        Ok(Self { id, dir, mapping_digest: mapping_digest.to_string(), vault, description, _lock: lock })
    }

    /// The run before this one: of the other runs of the project whose reconciliation was done before the first
    /// work on this one began, the one that was done last. Its id and its directory.
    pub(crate) fn earlier(&self, runs: &Path) -> Option<(String, PathBuf)> {
        let began = &self.description.worked_on.first()?.started;
        let whole = |dir: &Path| dir.join(SUMMARY_FILE).is_file() && dir.join("quality").is_dir();
        let found = described(runs, whole)
            .filter_map(|(dir, other)| Some((other.reconciled_by(&self.id, began)?, other.run, dir)));
        found.max().map(|(_, run, dir)| (run, dir))
    }

    /// Every run that describes itself, in no order: its directory, its id and when a reconciliation of it was done
    /// last.
    pub(crate) fn reconciled(runs: &Path) -> impl Iterator<Item = (PathBuf, String, Option<String>)> + use<> {
        described(runs, |_| true).map(|(dir, description)| {
            let ended = description.last_reconciled();
            (dir, description.run, ended)
        })
    }

    /// The runs whose reconciliation was done before the first work on this one began, the one that was done last at
    /// the end: their directories.
    pub(crate) fn reconciled_before(&self, runs: &Path) -> Vec<PathBuf> {
        let Some(began) = self.description.worked_on.first().map(|times| &times.started) else {
            return Vec::new();
        };
        let done = described(runs, |dir| dir.join(SUMMARY_FILE).is_file())
            .filter_map(|(dir, other)| Some((other.reconciled_by(&self.id, began)?, dir)));
        let mut done: Vec<(String, PathBuf)> = done.collect();
        done.sort();
        done.into_iter().map(|(_, dir)| dir).collect()
    }

    /// The reading before this run: of the other runs of the project whose directory holds a reading, the one whose
    /// sources were read last before the first work on this one began. Its id and its directory.
    pub(crate) fn earlier_reading(
        &self,
        runs: &Path,
        is_reading: impl Fn(&Path) -> bool,
    ) -> Option<(String, PathBuf)> {
        let began = &self.description.worked_on.first()?.started;
        let others = described(runs, is_reading).filter(|(_, other)| other.run != self.id);
        let read = others.filter_map(|(dir, other)| Some((other.last_read(Some(began))?, other.run, dir)));
        read.max().map(|(_, run, dir)| (run, dir))
    }

    /// The run whose sources were read last, of those whose directory holds a reading.
    pub(crate) fn last_reading(settings: &Settings, is_reading: impl Fn(&Path) -> bool) -> Option<Content> {
        let runs = described(&settings.runs(), is_reading);
        let read = runs.filter_map(|(dir, run)| Some((run.last_read(None)?, Content::of(dir, run))));
        read.max_by(|(a, left), (b, right)| (a, &left.run).cmp(&(b, &right.run))).map(|(_, content)| content)
    }

    /// The runs that have staged tables, in the order of their names.
    pub(crate) fn staged(runs: &Path) -> Vec<Content> {
        let staged = described(runs, |dir| dir.join("staged").is_dir());
        let mut staged: Vec<Content> = staged.map(|(dir, run)| Content::of(dir, run)).collect();
        staged.sort_by(|a, b| a.run.cmp(&b.run));
        staged
    }

    /// Every run, in no order: its directory, its id and when work on it began. One that does not describe itself any
    /// more is known by what lies in its directory, and has the name of that.
    pub(crate) fn all(runs: &Path) -> Vec<(PathBuf, String, Option<String>)> {
        const SIGNS: [&str; 4] = [RUN_FILE, KEY_FILE, RECEIPT_FILE, "staged"];
        let found = directories(runs).filter_map(|dir| match description(&dir) {
            Some(run) => Some((dir, run.run, run.worked_on.into_iter().next().map(|times| times.started))),
            None if SIGNS.iter().any(|sign| dir.join(sign).exists()) => {
                let name = dir.file_name()?.to_string_lossy().into_owned();
                Some((dir, name, None))
            }
            None => None,
        });
        found.collect()
    }

    /// How rows are cut into parts and kept: several parts are built at the same time, so each is small.
    pub(super) fn part_options(&self) -> PartOptions {
        const BYTES_PER_PART: usize = 16 << 20;
        PartOptions {
            rows_per_part: DEFAULT_PART_ROWS,
            bytes_per_part: BYTES_PER_PART,
            vault: Some(self.vault.clone()),
            ..PartOptions::default()
        }
    }

    /// Notes that a verb begins to work on the run, and how far the audit log has come, where the verb is noted there.
    pub(crate) fn begin(&mut self, verb: &str, audit: Option<&Checkpoint>) -> Result<(), Failure> {
        let audit = audit.cloned();
        self.description.worked_on.push(Times { verb: verb.to_owned(), started: now(), ended: None, audit });
        self.save()
    }

    /// Goes on with the verb in another run, in which a source has other content.
    pub(crate) fn followed_by(&self, mut next: Self) -> Result<Self, Failure> {
        let last = self.description.worked_on.last();
        let verb = last.map(|times| times.verb.clone()).unwrap_or_default();
        next.begin(&verb, last.and_then(|times| times.audit.as_ref()))?;
        Ok(next)
    }

    /// Notes that the verb is done.
    pub(crate) fn end(&mut self) -> Result<(), Failure> {
        if let Some(times) = self.description.worked_on.last_mut() {
            times.ended = Some(now());
        }
        self.save()
    }

    fn save(&self) -> Result<(), Failure> {
        self.write_json(RUN_FILE, &self.description)
    }

    /// Writes one JSON artefact of the run, whole or not at all.
    pub(crate) fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), Failure> {
        write_json(&self.dir.join(name), value)
    }
}

/// Writes a JSON file, whole or not at all.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::safety(format!("cannot express {} as JSON: {error}", path.display())))?;
    text.push('\n');
    Ok(atomic::write(path, text.as_bytes())?)
}

impl Description {
    /// When reconciliations of the run were done.
    fn reconciled(&self) -> impl Iterator<Item = &String> {
        let proves = |times: &&Times| matches!(times.verb.as_str(), "reconcile" | "migrate");
        self.worked_on.iter().filter(proves).filter_map(|times| times.ended.as_ref())
    }

    fn last_reconciled(&self) -> Option<String> {
        self.reconciled().max().cloned()
    }

    /// When another run than `this` was last reconciled, up to a time.
    fn reconciled_by(&self, this: &str, until: &String) -> Option<String> {
        self.reconciled().filter(|ended| *ended <= until && self.run != this).max().cloned()
    }

    /// When the sources were last read, up to a time.
    fn last_read(&self, until: Option<&String>) -> Option<String> {
        let reads =
            self.worked_on.iter().filter(|times| matches!(times.verb.as_str(), "extract" | "migrate"));
        let started = reads.map(|times| &times.started);
        started.filter(|started| until.is_none_or(|until| *started <= until)).max().cloned()
    }
}

/// The runs that describe themselves and whose directory is as asked for, in no order.
fn described<F: Fn(&Path) -> bool>(
    runs: &Path,
    fits: F,
) -> impl Iterator<Item = (PathBuf, Description)> + use<F> {
    let fitting = directories(runs).filter(move |dir| fits(dir));
    fitting.filter_map(|dir| description(&dir).map(|description| (dir, description)))
}

pub(super) fn directories(runs: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(runs).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// What a run says of itself, where it does.
fn description(dir: &Path) -> Option<Description> {
    serde_json::from_str(&std::fs::read_to_string(dir.join(RUN_FILE)).ok()?).ok()
}

fn worked_on(dir: &Path) -> Vec<Times> {
    description(dir).map(|description| description.worked_on).unwrap_or_default()
}

/// How far the audit log had come whenever work on a run began, each with a name for people, in no order.
pub(crate) fn witnessed(runs: &Path) -> Vec<(String, Checkpoint)> {
    let all = described(runs, |_| true).flat_map(|(_, run)| {
        let name = format!("{RUN_FILE} of run {}", run.run);
        run.worked_on.into_iter().filter_map(move |times| Some((name.clone(), times.audit?)))
    });
    all.collect()
}

/// Keeps every other process from working on the run until the file is dropped.
pub(super) fn lock(dir: &Path) -> Result<File, Failure> {
    let path = dir.join("lock");
    let cannot =
        |what: &str| Failure::new(Exit::Failed, Class::Retryable, format!("{}: {what}", path.display()));
    let file = File::create(&path).map_err(|error| cannot(&error.to_string()))?;
    file.try_lock().map_err(|_| cannot("another process works on this run").hint("wait until it is done"))?;
    Ok(file)
}

/// The time, as runs note it.
pub(crate) fn now() -> String {
    noted(jiff::Timestamp::now())
}

/// A time, as runs note it.
pub(crate) fn noted(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

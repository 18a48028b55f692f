//! The directory of one run, and the name that follows from its content.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use bron_extract::atomic;
use bron_mappings::{Digest, DigestBuilder, MappingSet, Pseudonym, SourceKey};
use bron_transform::REGISTRY_VERSION;
use serde::{Deserialize, Serialize};

use crate::failure::{Class, Exit, Failure};
use crate::settings::Settings;

/// The file that says what a run is made from and when it was worked on. The only artefact that holds
/// wall-clock times, so that everything else is the same bytes for the same content.
const RUN_FILE: &str = "run.json";

/// A run, locked for this process.
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) dir: PathBuf,
    pub(crate) mapping_digest: String,
    description: Description,
    _lock: File,
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
        let entries = std::fs::read_dir(settings.runs()).into_iter().flatten().flatten();
        let dirs = entries.map(|entry| entry.path()).filter(|dir| dir.join("staged").is_dir());
        let runs = dirs.filter_map(|dir| {
            let text = std::fs::read_to_string(dir.join(RUN_FILE)).ok()?;
            let description: Description = serde_json::from_str(&text).ok()?;
            let worked_on = description.worked_on.iter().map(|times| times.started.clone()).max();
            Some((worked_on, dir, description))
        });
        let latest = runs.max_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        let Some((_, dir, description)) = latest else { return Ok(None) };
        let lock = lock(&dir)?;
        let mapping_digest = description.mapping_digest.clone();
        Ok(Some(Self { id: description.run.clone(), dir, mapping_digest, description, _lock: lock }))
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
        let description = Description {
            format: 1,
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
        Ok(Self { id, dir, mapping_digest: mapping_digest.to_string(), description, _lock: lock })
    }

    /// The run before this one: of the other runs of the project whose reconciliation was done before the first
    /// work on this one began, the one that was done last. Its id and its directory.
    pub(crate) fn earlier(&self, runs: &Path) -> Option<(String, PathBuf)> {
        let began = &self.description.worked_on.first()?.started;
        let found = std::fs::read_dir(runs).ok()?.filter_map(Result::ok).filter_map(|entry| {
            let dir = entry.path();
            let whole = dir.join("summary.json").is_file() && dir.join("quality").is_dir();
            let text = std::fs::read_to_string(dir.join(RUN_FILE)).ok().filter(|_| whole)?;
            let other: Description =
                serde_json::from_str(&text).ok().filter(|one: &Description| one.run != self.id)?;
            let proves = |times: &&Times| matches!(times.verb.as_str(), "reconcile" | "migrate");
            let ended = other.worked_on.iter().filter(proves).filter_map(|times| times.ended.clone());
            let ended = ended.filter(|ended| ended <= began).max()?;
            Some((ended, other.run, dir))
        });
        found.max().map(|(_, run, dir)| (run, dir))
    }

    /// Notes that a verb begins to work on the run.
    pub(crate) fn begin(&mut self, verb: &str) -> Result<(), Failure> {
        self.description.worked_on.push(Times { verb: verb.to_owned(), started: now(), ended: None });
        self.save()
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

fn worked_on(dir: &Path) -> Vec<Times> {
    let text = std::fs::read_to_string(dir.join(RUN_FILE)).unwrap_or_default();
    serde_json::from_str::<Description>(&text).map(|description| description.worked_on).unwrap_or_default()
}

fn lock(dir: &Path) -> Result<File, Failure> {
    let path = dir.join("lock");
    let cannot =
        |what: &str| Failure::new(Exit::Failed, Class::Retryable, format!("{}: {what}", path.display()));
    let file = File::create(&path).map_err(|error| cannot(&error.to_string()))?;
    file.try_lock().map_err(|_| cannot("another process works on this run").hint("wait until it is done"))?;
    Ok(file)
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

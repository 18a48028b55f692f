//! What goes wrong with a server while it is read: what may pass is tried again, what does not is told with the table
//! and the way out, nothing is half-written, and the next run arrives at what an undisturbed one gives.

#[cfg(feature = "mariadb-tests")]
mod mariadb;
#[cfg(all(feature = "odbc-tests", feature = "postgres-tests"))]
mod odbc;
#[cfg(feature = "postgres-tests")]
mod postgres;
#[cfg(any(feature = "postgres-tests", feature = "mariadb-tests"))]
mod scenarios;
mod sqlserver;

use std::collections::BTreeMap;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;

use crate::canaries::Canaries;
use crate::support::{Project, Ran, copy_folder, fresh_city, run_project, runs, staged, walk};

/// A table in the middle of those of the system: some are read before it, some after.
const TABLE: &str = "HANDELSE";
/// The tables of the system.
const TABLES: u64 = 7;

/// A project that reads one small system of the city and nothing else.
struct Reading {
    project: Project,
}

impl Reading {
    /// Reads the system on these terms: lines of the project file.
    fn new(terms: &str) -> Self {
        let guard = tempfile::tempdir().unwrap();
        let from = guard.path().join("from");
        fs::create_dir(&from).unwrap();
        let city = city();
        copy_folder(&city.dir.join("mappings"), &from.join("mappings"));
        fs::copy(city.dir.join("secret.key"), from.join("secret.key")).unwrap();
        fs::write(from.join("password"), "bron\n").unwrap();
        let reading = Self { project: Project::at(guard, &from) };
        reading.on(terms);
        reading
    }

    /// Reads the system on other terms.
    fn on(&self, terms: &str) {
        let settings =
            "format = 1\nsecret = \"file:secret.key\"\ntarget = \"target.sqlite\"\nas_of = \"2024-12-31\"\n";
        let settings = format!("{settings}[system.warna]\n{terms}\n");
        fs::write(self.dir().join("bron.toml"), settings).unwrap();
    }

    fn dir(&self) -> &Path {
        &self.project.dir
    }

    fn extract(&self) -> Ran {
        run_project("extract", self.dir())
    }

    /// The directories of all runs.
    fn runs(&self) -> Vec<PathBuf> {
        runs(self.dir())
    }

    /// The digest of the rows of each table, by table, of the one run that came to its end.
    fn staged(&self) -> BTreeMap<String, String> {
        let complete: Vec<PathBuf> =
            self.runs().into_iter().filter(|run| run.join("snapshot.json").is_file()).collect();
        let [run] = complete.as_slice() else { panic!("{} runs came to their end", complete.len()) };
        let staged = staged(run, "warna");
        assert_eq!(staged.len(), usize::try_from(TABLES).unwrap());
        staged
    }

    /// How often the system was read again, as the run notes it.
    fn retries(&self) -> u64 {
        let noted =
            self.runs().into_iter().filter_map(|run| fs::read_to_string(run.join("readings.json")).ok());
        let noted: Vec<Value> = noted.map(|text| serde_json::from_str(&text).unwrap()).collect();
        let [readings] = noted.as_slice() else { panic!("{} runs noted how they read", noted.len()) };
        readings["list"][0]["retries"].as_u64().unwrap()
    }

    /// Expects a failure of this class at the table, that says this, and that no run holds half of the table.
    #[track_caller]
    fn fails(&self, failed: Ran, code: i32, class: &str, says: &[&str]) {
        let failed = failed.expect(&[code]);
        let error = &failed.json()["error"];
        assert_eq!(error["class"], class, "{error}");
        let told =
            format!("{} {}", error["message"].as_str().unwrap(), error["hint"].as_str().unwrap_or_default());
        for part in says.iter().chain(&["bron migrate --project"]) {
            assert!(told.contains(part), "{told:?} does not say {part:?}");
        }
        quotes_nobody(&failed);
        for run in self.runs() {
            assert!(!staged(&run, "warna").contains_key(TABLE), "the table counts as staged");
            assert!(!run.join("snapshot.json").is_file(), "the run counts as read");
        }
    }

    /// Expects that the run arrives, after so many tries on the way, at these rows.
    #[track_caller]
    fn arrives(&self, ran: Ran, retries: RangeInclusive<u64>, expected: &BTreeMap<String, String>) -> Ran {
        let ran = ran.expect(&[0]);
        quotes_nobody(&ran);
        let tries = ran.stderr.lines().filter(|line| line.contains("trying again in")).count();
        assert_eq!(u64::try_from(tries).unwrap(), self.retries(), "{}", ran.stderr);
        assert!(retries.contains(&self.retries()), "{}", ran.stderr);
        assert!(self.staged() == *expected, "other rows than undisturbed");
        for file in
            self.runs().iter().filter(|run| run.join("snapshot.json").is_file()).flat_map(|run| walk(run))
        {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            assert!(!name.starts_with(".tmp-"), "{} was left behind", file.display());
        }
        ran
    }

    /// Forgets every run, so that the next one reads all tables.
    fn forget(&self) {
        fs::remove_dir_all(self.dir().join("runs")).unwrap();
    }
}

/// A city of its own for these tests.
fn city() -> &'static Project {
    static CITY: OnceLock<Project> = OnceLock::new();
    CITY.get_or_init(fresh_city)
}

fn database() -> PathBuf {
    city().dir.join("legacy/warna.sqlite")
}

/// Panics when something that was printed names a person of the city.
#[track_caller]
fn quotes_nobody(ran: &Ran) {
    static CANARIES: OnceLock<Canaries> = OnceLock::new();
    let canaries = CANARIES.get_or_init(|| Canaries::of(&city().dir));
    assert!(canaries.count() > 500);
    canaries.expect_none("stdout", &ran.stdout);
    canaries.expect_none("stderr", &ran.stderr);
}

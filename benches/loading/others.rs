//! What others take for the same rows.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::program::run;

/// The table that others load, and how it comes to look like ours.
const OTHER: &str = "visit_beside";

/// In which form rows are copied.
#[derive(Clone, Copy)]
pub(crate) enum Format {
    Csv,
    Binary,
}

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Binary => "binary",
        }
    }
}

/// When the key and the indexes are made.
#[derive(Clone, Copy)]
pub(crate) enum Indexes {
    There,
    After,
}

/// The rows of the target as files, removed when dropped.
pub(crate) struct Files {
    folder: TempDir,
}

impl Files {
    /// Copies the rows out of the table that was loaded.
    pub(crate) fn copied_out(url: &str) -> Self {
        let files = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        for format in [Format::Csv, Format::Binary] {
            run_sql(url, &format!("\\copy visit TO '{}' (FORMAT {})", files.of(format), format.name()));
        }
        files
    }

    fn of(&self, format: Format) -> String {
        self.folder.path().join(format!("visit.{}", format.name())).display().to_string()
    }

    /// The path of a file that is not there.
    pub(crate) fn new_file(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        for file in [path.clone(), beside(&path, "-wal"), beside(&path, "-shm")] {
            if file.exists() {
                fs::remove_file(file).expect("an earlier file can be removed");
            }
        }
        path.display().to_string()
    }

    /// Copies the rows into a new table by psql.
    pub(crate) fn copy(&self, url: &str, format: Format, indexes: Indexes) -> Duration {
        let finish = match indexes {
            Indexes::There => {
                new_table(url, "INCLUDING ALL");
                String::new()
            }
            Indexes::After => {
                new_table(url, "INCLUDING DEFAULTS");
                format!("ALTER TABLE {OTHER} ADD PRIMARY KEY (id); CREATE INDEX ON {OTHER} (namnd_id)")
            }
        };
        let copy = format!("\\copy {OTHER} FROM '{}' (FORMAT {})", self.of(format), format.name());
        run(psql(url).args(["--command", &copy, "--command", &finish])).took.clock
    }

    /// Imports the rows by the shell of SQLite into a table like that of a target that was loaded.
    pub(crate) fn import(&self, target: &str) -> Duration {
        let schema = Command::new("sqlite3").args([target, ".schema visit"]).output();
        let schema = String::from_utf8(schema.expect("sqlite3 is installed").stdout).expect("SQL is text");
        let new = self.new_file("imported.sqlite");
        let import = format!(".import {} visit", self.of(Format::Csv));
        let mut shell = Command::new("sqlite3");
        shell.args([
            &new,
            "PRAGMA page_size = 8192",
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
        ]);
        run(shell.args([&schema, ".mode csv", &import]).stdout(Stdio::null())).took.clock
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Loads the rows by pgloader, when it is on the path.
pub(crate) fn pgloader(url: &str, files: &Files) -> Option<Duration> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|place| place.join("pgloader").is_file())?;
    new_table(url, "INCLUDING ALL");
    let target = url.replacen("postgres://", "postgresql://", 1);
    let commands = format!(
        "LOAD CSV FROM '{}' INTO {target}?tablename={OTHER} WITH fields optionally enclosed by '\"', \
         fields escaped by double-quote, fields terminated by ',';",
        files.of(Format::Csv),
    );
    let script = files.folder.path().join("visits.load");
    fs::write(&script, commands).expect("a file can be written");
    let took = run(Command::new("pgloader").arg(&script).stdout(Stdio::null())).took;
    run_sql(
        url,
        &format!("DO $$ BEGIN ASSERT (SELECT count(*) FROM {OTHER}) = (SELECT count(*) FROM visit); END $$"),
    );
    Some(took.clock)
}

/// Empties the database.
pub(crate) fn clear(url: &str) {
    run_sql(url, "DROP SCHEMA public CASCADE");
    run_sql(url, "CREATE SCHEMA public");
    run_sql(url, "CHECKPOINT");
}

/// Takes the receipts away, so that every part is looked at again.
pub(crate) fn forget_receipts(url: &str) {
    run_sql(url, "DELETE FROM bron_receipt");
    run_sql(url, "CHECKPOINT");
}

fn new_table(url: &str, including: &str) {
    run_sql(url, &format!("DROP TABLE IF EXISTS {OTHER}"));
    run_sql(url, &format!("CREATE TABLE {OTHER} (LIKE visit {including})"));
    run_sql(url, "CHECKPOINT");
}

/// Runs one command of psql.
pub(crate) fn run_sql(url: &str, command: &str) {
    run(psql(url).args(["--command", command]));
}

fn psql(url: &str) -> Command {
    let mut psql = Command::new("psql");
    psql.args(["--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", url]).stdout(Stdio::null());
    psql
}

//! What the stories share: a city made once, the program, and a look into databases.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use bron_extract::MANIFEST_FILE;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection, Row};
use tempfile::TempDir;

/// Enough persons for every defect to occur, few enough for a test.
pub(crate) const PERSONS: u32 = 60;
/// What the cities are drawn from.
const SEED: u32 = 7;

/// The program under test.
pub(crate) fn bron() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bron"));
    command.env_remove("BRON_TARGET");
    command
}

impl Project {
    /// A copy of the project at `from` in a directory of its own.
    pub(crate) fn at(guard: TempDir, from: &Path) -> Self {
        let dir = guard.path().join("city");
        copy_folder(from, &dir);
        Self { _guard: guard, dir }
    }
}

/// What a run of the program came to.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("stdout is not one JSON document: {error}\n{}\n{}", self.stdout, self.stderr)
        })
    }

    /// Panics, with everything that was printed, when the program ended otherwise.
    #[track_caller]
    pub(crate) fn expect(self, codes: &[i32]) -> Self {
        let fits = self.code.is_some_and(|code| codes.contains(&code));
        assert!(fits, "exit {:?}, expected {codes:?}\n{}\n{}", self.code, self.stdout, self.stderr);
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

/// Runs the program with these arguments.
pub(crate) fn run<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Ran {
    bron().args(arguments).output().expect("the program starts").into()
}

/// Runs a verb on a project and asks for JSON.
pub(crate) fn run_project(verb: &str, project: &Path) -> Ran {
    run([
        OsStr::new(verb),
        OsStr::new("--project"),
        project.as_os_str(),
        OsStr::new("--output"),
        OsStr::new("json"),
    ])
}

/// A directory of its own that holds a copy of a city.
pub(crate) struct Project {
    _guard: TempDir,
    pub(crate) dir: PathBuf,
}

/// A city that has been generated and not migrated.
pub(crate) fn fresh_city() -> Project {
    static CITY: OnceLock<Project> = OnceLock::new();
    copy(CITY.get_or_init(|| demo(PERSONS, SEED, &["--generate-only"], &[0])))
}

/// A city that has been generated and not migrated, of a few persons: small enough to be written many times.
#[cfg(all(feature = "postgres-tests", feature = "mariadb-tests", feature = "odbc-tests"))]
pub(crate) fn small_city() -> Project {
    static CITY: OnceLock<Project> = OnceLock::new();
    copy(CITY.get_or_init(|| demo(12, SEED, &["--generate-only"], &[0])))
}

/// A city that has been generated and not migrated, so small that a migration is a matter of seconds.
pub(crate) fn tiny_city() -> Project {
    static CITY: OnceLock<Project> = OnceLock::new();
    copy(CITY.get_or_init(|| demo(4, 3, &["--generate-only"], &[0])))
}

/// A city that has been migrated.
pub(crate) fn migrated_city() -> Project {
    static CITY: OnceLock<Project> = OnceLock::new();
    copy(CITY.get_or_init(|| demo(PERSONS, SEED, &[], &[0, 3])))
}

fn demo(persons: u32, seed: u32, more: &[&str], codes: &[i32]) -> Project {
    let guard = tempfile::tempdir().expect("a temporary directory");
    let dir = guard.path().join("city");
    let out = dir.to_str().expect("the temporary directory has a plain name");
    let [persons, seed] = [persons, seed].map(|number| number.to_string());
    let arguments = ["demo", "--out", out, "--persons", &persons, "--seed", &seed];
    run(arguments.iter().chain(more)).expect(codes);
    Project { _guard: guard, dir }
}

/// What `bron target digest` says of a project's target, without the place where it lies.
pub(crate) fn digest_of(project: &Project) -> Value {
    let mut told = run_target_digest(project, &[]).expect(&[0]).json();
    told.as_object_mut().expect("the result is an object").remove("target");
    told
}

/// Runs `bron target digest` on a project with more arguments.
pub(crate) fn run_target_digest(project: &Project, more: &[&str]) -> Ran {
    let dir = project.dir.to_str().expect("the temporary directory has a plain name");
    run(["target", "digest", "--output", "json", "--project", dir].iter().chain(more))
}

/// A copy of a project.
pub(crate) fn copy(project: &Project) -> Project {
    Project::at(tempfile::tempdir().expect("a temporary directory"), &project.dir)
}

/// Copies a folder and everything in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from).expect("the folder is there") {
        let entry = entry.expect("the folder can be listed");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("a file can be copied");
        }
    }
}

/// Every file below a folder.
pub(crate) fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

/// Every file below a folder with its bytes, by its path within the folder.
pub(crate) fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).expect("the file can be read");
        (path.strip_prefix(dir).expect("it lies below the folder").to_owned(), bytes)
    };
    walk(dir).into_iter().map(read).collect()
}

/// The directories of the runs of a project in the order of their names; none before the first run.
pub(crate) fn runs(project: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(project.join("runs")).into_iter().flatten();
    let mut runs: Vec<PathBuf> = entries.map(|entry| entry.expect("the runs can be listed").path()).collect();
    runs.sort();
    runs
}

/// The directory of the one run that a project has.
#[track_caller]
pub(crate) fn only_run(project: &Path) -> PathBuf {
    let mut runs = runs(project);
    assert_eq!(runs.len(), 1, "the project has one run");
    runs.remove(0)
}

/// The digest of the rows of each table of a system that is staged in a run, by table.
pub(crate) fn staged(run: &Path, system: &str) -> BTreeMap<String, String> {
    let tables = std::fs::read_dir(run.join("staged").join(system)).into_iter().flatten();
    let digest = |table: std::io::Result<DirEntry>| {
        let table = table.expect("the tables can be listed");
        let manifest = std::fs::read_to_string(table.path().join(MANIFEST_FILE)).ok()?;
        let manifest: Value = serde_json::from_str(&manifest).expect("a manifest is JSON");
        let content = manifest["content"].as_str().expect("a manifest has the digest of its rows");
        Some((table.file_name().to_string_lossy().into_owned(), content.to_owned()))
    };
    tables.filter_map(digest).collect()
}

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

/// Runs statements on a SQLite database.
pub(crate) fn sqlite(path: &Path, statements: &[&str]) -> u64 {
    block_on(async {
        let mut connection = connect(path).await;
        let mut rows = 0;
        for statement in statements {
            let done = sqlx::query(AssertSqlSafe((*statement).to_owned())).execute(&mut connection).await;
            rows += done.expect("the statement is right").rows_affected();
        }
        connection.close().await.expect("the database closes");
        rows
    })
}

/// The texts of a query's rows; NULL is `None`.
pub(crate) fn sqlite_rows(path: &Path, query: &str) -> Vec<Vec<Option<String>>> {
    block_on(async {
        let mut connection = connect(path).await;
        let rows = sqlx::query(AssertSqlSafe(query.to_owned())).fetch_all(&mut connection).await;
        let rows = rows.expect("the query is right");
        rows.iter().map(|row| (0..row.len()).map(|at| row.get::<Option<String>, _>(at)).collect()).collect()
    })
}

/// The single whole number that a query gives.
pub(crate) fn sqlite_count(path: &Path, query: &str) -> u64 {
    let rows = sqlite_rows(path, &format!("SELECT CAST(({query}) AS TEXT)"));
    rows[0][0].as_deref().and_then(|text| text.parse().ok()).expect("the query gives a number")
}

async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    SqliteConnection::connect_with(&options).await.expect("the database opens")
}

/// Makes a project read a system from somewhere else: these lines take the place of those of the system.
pub(crate) fn read_from(project: &Path, system: &str, lines: &str) {
    let path = project.join("bron.toml");
    let settings = std::fs::read_to_string(&path).expect("the project has settings");
    let head = format!("[system.{system}]\n");
    let (before, rest) = settings.split_once(&head).expect("the system is in the project");
    let after = rest.find("\n[").map_or("", |at| &rest[at..]);
    std::fs::write(&path, format!("{before}{head}{lines}\n{after}")).expect("the settings can be written");
}

/// The line of a project file that reads an SQLite database through its ODBC driver.
#[cfg(feature = "odbc-tests")]
pub(crate) fn through_odbc(database: &Path) -> String {
    format!("address = \"odbc:Driver=SQLite3;Database={}\"", database.display())
}

/// Panics when the targets of two projects whose sources lie elsewhere, and say the same, hold other rows.
pub(crate) fn expect_the_same_rows(left: &Project, right: &Project) {
    let (expected, found) = (rows_of_the_city(left), rows_of_the_city(right));
    assert!(expected.values().map(Vec::len).sum::<usize>() > 1000);
    for (table, rows) in &expected {
        assert_eq!(found[table].len(), rows.len(), "{table}");
        assert!(found[table] == *rows, "a row of {table} is another");
    }
}

/// The rows of the target, without the name of the run, which knows where its sources are.
fn rows_of_the_city(project: &Project) -> BTreeMap<String, Vec<Vec<Option<String>>>> {
    let mut tables = contents(&project.dir.join("target.sqlite"));
    let run = tables["person"][0].last().expect("a row has columns").clone();
    for value in tables.values_mut().flatten().flatten() {
        if *value == run {
            *value = None;
        }
    }
    tables
}

/// Every table of a target with all its rows, as text, in the order of the ids.
pub(crate) fn contents(target: &Path) -> BTreeMap<String, Vec<Vec<Option<String>>>> {
    let tables =
        sqlite_rows(target, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'bron%'");
    tables
        .into_iter()
        .map(|row| {
            let table = row[0].clone().expect("a table has a name");
            let columns = sqlite_rows(target, &format!("SELECT name FROM pragma_table_info('{table}')"));
            let columns: Vec<String> = columns
                .into_iter()
                .map(|column| {
                    format!(
                        "CASE typeof({0}) WHEN 'blob' THEN hex({0}) ELSE CAST({0} AS TEXT) END",
                        column[0].as_deref().expect("a column has a name")
                    )
                })
                .collect();
            let rows =
                sqlite_rows(target, &format!("SELECT {} FROM {table} ORDER BY id", columns.join(", ")));
            (table, rows)
        })
        .collect()
}

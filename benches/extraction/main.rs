//! How fast `bron extract` is, and how much memory it takes, beside what others take for the same visits on the same
//! machine in the same minute.
//!
//! Made-up visits of 13 columns, as a system for home care reports them, are written as monthly CSV files, into a
//! private PostgreSQL server and into an SQLite file. Then `bron extract`, the whole program from its start to its
//! synced parts, is measured beside
//!
//! - a loop over the same files with the csv crate that does nothing with the rows,
//! - `COPY … TO STDOUT (FORMAT binary)` of the same query by psql into a file,
//! - the tool `odbc2parquet` with the same driver, connection string and query; where it is not installed
//!   (`cargo install odbc2parquet`, which needs unixODBC's headers), this comparison is left out and said to be.
//!
//! Each is run three times, in turns, and the shortest times count: the one on the clock, and the one of all
//! processors, which says more on a machine that has other work and leaves out what the server does. The memory is the
//! most that the process ever had resident, as the kernel keeps it, for a number of visits and for ten times as many.
//!
//! `cargo bench --bench extraction` measures everything with a million visits and ten million. Numbers and words behind
//! `--` choose: `-- 200000 csv odbc` compares those two with 200,000 visits, `-- 100000 400000 memory` measures the
//! memory for these two numbers, and anything else is refused. All files lie below `TMPDIR`: ten million visits take
//! 6 GB.
#![expect(clippy::print_stdout, reason = "a measurement prints what it found")]

mod baselines;
mod program;
mod project;
#[expect(dead_code, reason = "the measurement of loading has editions of its own")]
mod visits;

use std::path::Path;
use std::time::Duration;

use bron_servers::PostgresServer;

use self::program::Took;
use self::project::Project;
use self::visits::{Edition, Visits};

const ROWS: u64 = 1_000_000;
const MANY_TIMES: u64 = 10;
const ROUNDS: usize = 3;
const KIB_PER_MIB: u64 = 1024;
const WORDS: [&str; 4] = ["csv", "postgres", "odbc", "memory"];
/// The driver of PostgreSQL, and where distributions keep it.
const DRIVER: &str = "psqlodbcw.so";
const DRIVER_FOLDERS: [&str; 5] = [
    "/usr/lib/x86_64-linux-gnu/odbc",
    "/usr/lib/aarch64-linux-gnu/odbc",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib",
];

fn main() {
    // Cargo itself adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|text| text != "--bench").collect();
    let (numbers, words): (Vec<&String>, Vec<&String>) =
        arguments.iter().partition(|text| text.parse::<u64>().is_ok());
    if let Some(unknown) = words.iter().find(|word| !WORDS.contains(&word.as_str())) {
        panic!("{unknown} is neither a number nor one of {}", WORDS.join(", "));
    }
    let mut numbers = numbers.into_iter().filter_map(|text| text.parse().ok());
    let rows: u64 = numbers.next().unwrap_or(ROWS);
    let many = numbers.next().unwrap_or(rows * MANY_TIMES);
    let wants = |word: &str| words.is_empty() || words.iter().any(|wanted| *wanted == word);
    let few = Prepared::new(rows);
    println!("{rows} visits of {} columns; the shortest of {ROUNDS} rounds", visits::COLUMNS.len());
    if wants("csv") {
        few.compare("CSV", "a loop of the csv crate", &few.csv, |few| {
            baselines::csv_loop(&few.visits.folder())
        });
    }
    if wants("postgres") {
        few.compare("PostgreSQL", "COPY to a file", &few.postgres, |few| few.copy());
    }
    if wants("odbc") {
        few.beside_odbc2parquet();
    }
    if wants("memory") {
        memory(&few, &Prepared::new(many));
    }
}

/// The same visits in every kind of source, each with a project that reads it.
struct Prepared {
    visits: Visits,
    server: PostgresServer,
    csv: Project,
    postgres: Project,
    odbc: Project,
    sqlite: Project,
}

impl Prepared {
    fn new(rows: u64) -> Self {
        let visits = Visits::write(rows, Edition::First);
        let server = PostgresServer::start().expect("a PostgreSQL server starts");
        visits.copy_to_postgres(&server.url());
        visits.copy_to_sqlite();
        let csv = format!("kind = \"csv\"\npath = \"{}\"", visits.folder().display());
        let sqlite = format!("kind = \"sqlite\"\npath = \"{}\"", visits.database().display());
        let odbc = format!("address = \"odbc:{}\"", connection_string(&server));
        Self {
            csv: Project::new(&csv, rows),
            postgres: Project::new(&format!("address = \"{}\"", server.url()), rows),
            odbc: Project::new(&odbc, rows),
            sqlite: Project::new(&sqlite, rows),
            visits,
            server,
        }
    }

    /// Every project with the name of its kind of source.
    const fn projects(&self) -> [(&'static str, &Project); 4] {
        [("CSV", &self.csv), ("PostgreSQL", &self.postgres), ("ODBC", &self.odbc), ("SQLite", &self.sqlite)]
    }

    fn copy(&self) -> Took {
        baselines::copy_to_file(&self.server.url(), self.visits.scratch())
    }

    /// Measures `bron extract` and something else in turns.
    fn compare(&self, name: &str, other: &str, project: &Project, baseline: impl Fn(&Self) -> Took) {
        let (mut ours, mut theirs) = (Took::MAX, Took::MAX);
        for _ in 0..ROUNDS {
            theirs = theirs.min(baseline(self));
            ours = ours.min(project.extract().took);
        }
        for (what, ours, theirs) in [
            ("on the clock", ours.clock, theirs.clock),
            ("of the processors", ours.processors, theirs.processors),
        ] {
            let (of_ours, of_theirs) = (ours.as_millis(), theirs.as_millis());
            println!("{name}: {of_ours} ms {what}, {other}: {of_theirs} ms, ratio {}", ratio(ours, theirs));
        }
    }

    fn beside_odbc2parquet(&self) {
        let Some(tool) = baselines::odbc2parquet() else {
            println!("ODBC: not compared, odbc2parquet is not on the path");
            return;
        };
        self.compare("ODBC", "odbc2parquet", &self.odbc, |few| {
            baselines::query_to_parquet(&tool, &connection_string(&few.server), few.visits.scratch())
        });
    }
}

/// The driver of PostgreSQL with what keeps it from fetching all rows at once. It is named by its file: a driver
/// manager that is part of a program does not look into the folders that distributions keep drivers in.
fn connection_string(server: &PostgresServer) -> String {
    let mut files = DRIVER_FOLDERS.iter().map(|folder| Path::new(folder).join(DRIVER));
    let driver = files.find(|file| file.is_file()).expect("the ODBC driver of PostgreSQL is installed");
    let (driver, port) = (driver.display(), server.port());
    format!(
        "Driver={driver};Server=127.0.0.1;Port={port};Database=postgres;UID=bron;UseDeclareFetch=1;Fetch=4096"
    )
}

/// The most memory that each kind of source takes for few rows and for many.
fn memory(few: &Prepared, many: &Prepared) {
    let (fewer, more) = (few.visits.rows(), many.visits.rows());
    println!("the most memory of `bron extract`, for {fewer} visits and for {more}");
    for (index, (name, _)) in few.projects().into_iter().enumerate() {
        let [little, much] = [few, many].map(|prepared| prepared.projects()[index].1.extract().peak_kib);
        let hundredths = much * 100 / little.max(1);
        let (little, much) = (little / KIB_PER_MIB, much / KIB_PER_MIB);
        println!("{name}: {little} MiB and {much} MiB, {hundredths} %");
    }
}

fn ratio(long: Duration, short: Duration) -> String {
    let hundredths = long.as_micros() * 100 / short.as_micros().max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

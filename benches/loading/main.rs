//! How fast `bron load` is, and how much memory it takes, beside what others take for the same rows into the same
//! table with the same indexes on the same machine in the same minute.
//!
//! Made-up visits of 13 columns are extracted and mapped once; the entity parts that lie staged then are what
//! `bron load` starts from. What came into the target is copied out again as CSV and in PostgreSQL's binary format,
//! and these files are what the others load:
//!
//! - `initial`: into a new table, beside `\copy` from CSV and from the binary format by psql, each into the table with
//!   its key and indexes and into one that gets them afterwards, and beside `pgloader`, where it is installed;
//! - `upsert`: a later snapshot of which every tenth row differs, and one of which none does, into the table that holds
//!   the first;
//! - `sqlite`: into a new SQLite file, beside `.import` of the `sqlite3` shell into the same table;
//! - `memory`: the most memory that the process ever had resident, for a number of visits and for ten times as many;
//! - `refused`: one row that the table refuses, beside the same load without it. Only when asked for.
//!
//! Each is run three times, in turns, and the shortest time counts. `cargo bench --bench loading` measures all but the
//! last with a million visits. Numbers and words behind `--` choose, as for the measurement of extraction;
//! `connections=4` lets that many connections write. All files lie below `TMPDIR`: ten million visits take 20 GB.
#![expect(clippy::print_stdout, reason = "a measurement prints what it found")]

mod others;
#[path = "../extraction/program.rs"]
#[expect(dead_code, reason = "the time of the processors says nothing where a server works")]
mod program;
mod project;
#[path = "../extraction/visits.rs"]
#[expect(dead_code, reason = "the visits lie in files here, and never in a database of their own")]
mod visits;

use std::time::Duration;

use bron_servers::PostgresServer;

use self::others::{Files, Format, Indexes};
use self::program::Ran;
use self::project::Project;
use self::visits::{Edition, REFUSED};

const ROWS: u64 = 1_000_000;
const MANY_TIMES: u64 = 10;
const ROUNDS: usize = 3;
const KIB_PER_MIB: u64 = 1024;
const USUAL: [&str; 4] = ["initial", "upsert", "sqlite", "memory"];
const CONNECTIONS: &str = "connections=";

fn main() {
    // Cargo itself adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|text| text != "--bench").collect();
    let connections = arguments.iter().find_map(|text| text.strip_prefix(CONNECTIONS)?.parse().ok());
    let (numbers, words): (Vec<&String>, Vec<&String>) = arguments
        .iter()
        .filter(|text| !text.starts_with(CONNECTIONS))
        .partition(|text| text.parse::<u64>().is_ok());
    let known = |word: &str| USUAL.contains(&word) || word == "refused";
    if let Some(unknown) = words.iter().find(|word| !known(word)) {
        panic!("{unknown} is neither a number nor one of {}, refused", USUAL.join(", "));
    }
    let mut numbers = numbers.into_iter().filter_map(|text| text.parse().ok());
    let rows: u64 = numbers.next().unwrap_or(ROWS);
    let many = numbers.next().unwrap_or(rows * MANY_TIMES);
    let wants = |word: &str| words.iter().any(|wanted| *wanted == word);
    let usual = |word: &str| words.is_empty() || wants(word);
    let bench = Bench::new(rows, connections);
    println!("{rows} visits of {} columns; the shortest of {ROUNDS} rounds", visits::COLUMNS.len());
    if usual("initial") {
        bench.initial();
    }
    if usual("upsert") {
        bench.upsert();
    }
    if usual("sqlite") {
        bench.sqlite();
    }
    if wants("refused") {
        bench.refused();
    }
    if usual("memory") {
        bench.memory(many);
    }
}

/// The visits, mapped and staged, and a server to load them into.
struct Bench {
    rows: u64,
    connections: Option<u32>,
    first: Project,
    server: PostgresServer,
}

/// The shortest time of several rounds.
struct Shortest(Duration);

impl Shortest {
    const fn new() -> Self {
        Self(Duration::MAX)
    }

    fn add(&mut self, took: Duration) {
        self.0 = self.0.min(took);
    }
}

impl Bench {
    fn new(rows: u64, connections: Option<u32>) -> Self {
        Self {
            rows,
            connections,
            first: Project::staged(rows, Edition::First, connections),
            server: PostgresServer::start().expect("a PostgreSQL server starts"),
        }
    }

    /// Loads into an empty database.
    fn load_anew(&self) -> Ran {
        others::clear(&self.server.url());
        self.first.load(&self.server.url())
    }

    fn files(&self) -> Files {
        self.load_anew();
        Files::copied_out(&self.server.url())
    }

    fn initial(&self) {
        let (url, files) = (self.server.url(), self.files());
        let ways = [
            ("\\copy from CSV, indexes there", Format::Csv, Indexes::There),
            ("\\copy from CSV, indexes after", Format::Csv, Indexes::After),
            ("binary COPY, indexes there", Format::Binary, Indexes::There),
            ("binary COPY, indexes after", Format::Binary, Indexes::After),
        ];
        let mut ours = Shortest::new();
        let mut theirs: Vec<Shortest> = ways.iter().map(|_| Shortest::new()).collect();
        for _ in 0..ROUNDS {
            ours.add(self.load_anew().took.clock);
            for ((_, format, indexes), shortest) in ways.iter().zip(&mut theirs) {
                shortest.add(files.copy(&url, *format, *indexes));
            }
        }
        println!("initial load: {} ms", ours.0.as_millis());
        for ((name, _, _), shortest) in ways.iter().zip(&theirs) {
            beside(name, shortest.0, ours.0);
        }
        match others::pgloader(&url, &files) {
            Some(took) => beside("pgloader from CSV, indexes there, one round", took, ours.0),
            None => println!("  pgloader: not compared, it is not on the path"),
        }
    }

    fn upsert(&self) {
        let (url, files) = (self.server.url(), self.files());
        let second = Project::staged(self.rows, Edition::TenthChanged, self.connections);
        let [mut changed, mut same, mut copied] = [Shortest::new(), Shortest::new(), Shortest::new()];
        for _ in 0..ROUNDS {
            copied.add(files.copy(&url, Format::Csv, Indexes::There));
            self.load_anew();
            changed.add(second.load(&url).took.clock);
            // Without its receipts a run looks at every row again.
            others::forget_receipts(&url);
            same.add(second.load(&url).took.clock);
        }
        println!("upsert, a tenth of the rows differ: {} ms", changed.0.as_millis());
        beside("\\copy from CSV, indexes there", copied.0, changed.0);
        println!("upsert, no row differs: {} ms", same.0.as_millis());
        beside("\\copy from CSV, indexes there", copied.0, same.0);
    }

    fn sqlite(&self) {
        let files = self.files();
        let [mut ours, mut theirs] = [Shortest::new(), Shortest::new()];
        for _ in 0..ROUNDS {
            let target = files.new_file("target.sqlite");
            ours.add(self.first.load(&target).took.clock);
            theirs.add(files.import(&target));
        }
        println!("SQLite, initial load: {} ms", ours.0.as_millis());
        beside(".import by sqlite3, key there", theirs.0, ours.0);
    }

    fn refused(&self) {
        let url = self.server.url();
        let planted = Project::staged(self.rows, Edition::OneRefused, self.connections);
        let [mut without, mut with] = [Shortest::new(), Shortest::new()];
        for _ in 0..ROUNDS {
            for (project, shortest) in [(&self.first, &mut without), (&planted, &mut with)] {
                others::clear(&url);
                others::run_sql(&url, &project.definitions());
                let check = format!("ALTER TABLE visit ADD CHECK (anmarkning IS DISTINCT FROM '{REFUSED}')");
                others::run_sql(&url, &check);
                shortest.add(project.load(&url).took.clock);
            }
        }
        println!("initial load with one row that is refused: {} ms", with.0.as_millis());
        beside("the same without it", without.0, with.0);
    }

    fn memory(&self, many: u64) {
        println!("the most memory of `bron load`, for {} visits and for {many}", self.rows);
        let more = Project::staged(many, Edition::First, self.connections);
        let peaks = [&self.first, &more].map(|project| {
            others::clear(&self.server.url());
            let initial = project.load(&self.server.url()).peak_kib;
            others::forget_receipts(&self.server.url());
            (initial, project.load(&self.server.url()).peak_kib)
        });
        let [(little, little_again), (much, much_again)] = peaks;
        for (name, little, much) in [("initial", little, much), ("upsert", little_again, much_again)] {
            let percent = much * 100 / little.max(1);
            println!("  {name}: {} MiB and {} MiB, {percent} %", little / KIB_PER_MIB, much / KIB_PER_MIB);
        }
    }
}

/// Says how many times as fast we were as something else.
fn beside(name: &str, theirs: Duration, ours: Duration) {
    let hundredths = theirs.as_micros() * 100 / ours.as_micros().max(1);
    println!(
        "  {name}: {} ms, we are {}.{:02} times as fast",
        theirs.as_millis(),
        hundredths / 100,
        hundredths % 100
    );
}

//! How fast `bron compare` is, and how much memory it takes, beside what reading both tables takes at least.
//!
//! Two PostgreSQL tables of 20 columns are filled with the same made-up rows; then one row of the right one is changed,
//! and then ten thousand, all over the table. Each time `bron compare` runs beside
//!
//! - `COPY … TO STDOUT (FORMAT binary)` of both tables by `psql`, one after the other, into nothing;
//! - `reladiff`, where it is on the path.
//!
//! Each is run three times, in turns, and the shortest time counts; `reladiff` is run once. `cargo bench --bench
//! comparing` does that with two million rows; a number behind `--` is another number of rows, and `memory` measures
//! the most memory that the process ever had resident instead, for that many rows.
#![expect(clippy::print_stdout, reason = "a measurement prints what it found")]

#[path = "../extraction/program.rs"]
#[expect(dead_code, reason = "the time of the processors says nothing where a server works")]
mod program;

use std::process::{Command, Stdio};
use std::time::Duration;

use bron_servers::PostgresServer;

const ROWS: u64 = 2_000_000;
const ROUNDS: usize = 3;
const DIFFERENCES: [u64; 3] = [0, 1, 10_000];
const KIB_PER_MIB: u64 = 1024;

/// Twenty columns as a register of care has them.
const COLUMNS: &str = "\
    id bigint PRIMARY KEY, person_id bigint NOT NULL, namnd_id integer NOT NULL, arende_nr varchar(20) NOT NULL, \
    typ smallint NOT NULL, status varchar(12), fran_datum date NOT NULL, till_datum date, \
    registrerad timestamp NOT NULL, andrad timestamptz, belopp numeric(12,2), antal integer, minuter integer, \
    andel double precision, skyddad boolean NOT NULL, handlaggare text, enhet text, anmarkning text, \
    yttre_id uuid NOT NULL, version integer NOT NULL";

/// What the row with the number `i` holds.
const VALUES: &str = "\
    i, i * 7919 % 900000, i % 14, 'D-' || lpad((i * 31 % 10000000)::text, 8, '0'), \
    (i % 40)::smallint, (ARRAY['öppen', 'pågående', 'avslutad'])[1 + i % 3], date '2010-01-01' + (i % 5000)::int, \
    CASE WHEN i % 3 = 0 THEN date '2011-01-01' + (i % 5000)::int END, \
    timestamp '2010-01-01 08:00:00' + (i % 400000000) * interval '1 second', \
    CASE WHEN i % 4 > 0 THEN timestamptz '2012-01-01 08:00:00+01' + i * interval '0.25 second' END, \
    (i * 17 % 5000000)::numeric / 100, CASE WHEN i % 5 > 0 THEN (i % 31)::int END, (i % 480)::int, \
    (i % 1000)::float8 / 7, i % 97 = 0, 'handläggare ' || i % 700, 'Enheten för ' || i % 90, \
    CASE WHEN i % 6 = 0 THEN 'Anmärkning om ärende ' || md5(i::text) END, md5(i::text)::uuid, (i % 5)::int";

fn main() {
    // Cargo itself adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|text| text != "--bench").collect();
    let (numbers, words): (Vec<&String>, Vec<&String>) =
        arguments.iter().partition(|text| text.parse::<u64>().is_ok());
    if let Some(unknown) = words.iter().find(|word| **word != "memory") {
        panic!("{unknown} is neither a number nor memory");
    }
    let rows = numbers.first().and_then(|text| text.parse().ok()).unwrap_or(ROWS);
    let bench = Bench::new(rows);
    println!("two tables of {rows} rows and 20 columns; the shortest of {ROUNDS} rounds");
    if words.is_empty() {
        for differences in DIFFERENCES {
            bench.measure(differences);
        }
    } else {
        let peak = program::run(bench.bron().stdout(Stdio::null())).peak_kib;
        println!("the most memory of `bron compare`: {} MiB", peak / KIB_PER_MIB);
    }
}

/// The two tables, in databases of one server.
struct Bench {
    rows: u64,
    server: PostgresServer,
}

impl Bench {
    fn new(rows: u64) -> Self {
        let bench = Self { rows, server: PostgresServer::start().expect("a PostgreSQL server starts") };
        for side in ["venster", "hoger"] {
            bench.sql("postgres", &format!("CREATE DATABASE {side}"));
            bench.sql(side, &format!("CREATE TABLE handelse ({COLUMNS})"));
            bench.sql(
                side,
                &format!("INSERT INTO handelse SELECT {VALUES} FROM generate_series(1, {rows}::bigint) AS i"),
            );
            bench.sql(side, "VACUUM (FREEZE, ANALYZE) handelse");
        }
        bench
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://bron@127.0.0.1:{}/{database}", self.server.port())
    }

    fn psql(&self, database: &str, statement: &str) -> Command {
        let mut command = Command::new("psql");
        command.args(["-qX", "-v", "ON_ERROR_STOP=1", "-c", statement]).arg(self.url(database));
        command.stdout(Stdio::null());
        command
    }

    fn sql(&self, database: &str, statement: &str) {
        program::run(&mut self.psql(database, statement));
    }

    fn bron(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bron"));
        command.arg("compare").args([self.url("venster"), self.url("hoger")]);
        command
    }

    /// Changes so many rows of the right side, as far from each other as they can be.
    fn plant(&self, differences: u64) {
        if let Some(apart) = self.rows.checked_div(differences) {
            let last = apart * differences;
            let change = "minuter = minuter + 1, anmarkning = coalesce(anmarkning, '') || ' '";
            let rows = format!("id % {apart} = 0 AND id <= {last}");
            self.sql("hoger", &format!("UPDATE handelse SET {change} WHERE {rows}"));
            self.sql("hoger", "VACUUM (FREEZE, ANALYZE) handelse");
        }
    }

    fn measure(&self, differences: u64) {
        self.plant(differences);
        let copy = "COPY handelse TO STDOUT (FORMAT binary)";
        let [mut ours, mut copied] = [Duration::MAX; 2];
        for _ in 0..ROUNDS {
            let both = ["venster", "hoger"].map(|side| program::run(&mut self.psql(side, copy)).took.clock);
            copied = copied.min(both.iter().sum());
            ours = ours.min(program::run(&mut accepting_differences(&self.bron())).took.clock);
        }
        println!("{differences} differences: bron compare {} ms", ours.as_millis());
        times_as_long("both COPY, binary", ours, copied);
        let mut reladiff = Command::new("reladiff");
        let urls = ["venster", "hoger"].map(|side| self.url(side).replacen("postgres", "postgresql", 1));
        reladiff.args([urls[0].as_str(), "handelse", urls[1].as_str(), "handelse", "-k", "id", "-c", "%"]);
        if is_there("reladiff") {
            times_as_long("reladiff", ours, program::run(reladiff.stdout(Stdio::null())).took.clock);
        } else {
            println!("  reladiff: not compared, it is not on the path");
        }
    }
}

/// The same command, which may end with the code that says that there are differences.
fn accepting_differences(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$0\" \"$@\" || test $? -eq 2"]).arg(command.get_program()).args(command.get_args());
    shell.stdout(Stdio::null());
    shell
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Says how long we took beside something else, in hundredths.
fn times_as_long(name: &str, ours: Duration, theirs: Duration) {
    let hundredths = ours.as_micros() * 100 / theirs.as_micros().max(1);
    println!(
        "  {name}: {} ms, we take {}.{:02} times as long",
        theirs.as_millis(),
        hundredths / 100,
        hundredths % 100
    );
}
